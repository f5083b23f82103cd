// Package admin keeps what administrators decide for everyone, a group or a person: policies, custom states, and which
// pages may show presence; and the record of who changed what.
package admin
