// Package calls keeps what a person missed: calls that the portal did not take, messages that came while they were
// away, and the voice mail in their mailbox; and knows whether they are in a call.
package calls
