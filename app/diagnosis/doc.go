// Package diagnosis keeps what a person or an administrator needs to see what went wrong: each person's log of sign-in and
// connection problems with cause and cure, and, switched on for a while, a trace of their own SIP and EWS traffic.
package diagnosis
