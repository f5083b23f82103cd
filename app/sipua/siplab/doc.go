// Package siplab is a standard SIP server on loopback for demonstrations and tests: registrar, proxy, presence agent and
// offline store, usable by any SIP client and breakable on purpose.
//
// It shares no code with the connector that faces it. Messages are read by this package's own strict grammar (RFC 3261
// as tested by RFC 4475), because a lab that is as lax as its clients hides their mistakes; the message model and the
// transaction state machines are those of github.com/emiago/sipgo. The transport is this package's own for three reasons:
// requests of one connection are handled in the order in which they came, a peer that does not read is cut off instead of
// waited for, and every fault in Faults can be injected at the byte that leaves or enters.
//
// What it speaks: RFC 3261 (registrar, stateful forking proxy, digest with RFC 7616 and 8760), 3428 (MESSAGE), 3581
// (rport), 3325 (trusted identities), 3903 (PUBLISH), 6665 (SUBSCRIBE and NOTIFY) for presence (3856) and presence.winfo
// (3857, 3858), dialog (4235) and message-summary (3842) of one's own, 4662 and 5367 (resource lists), 3326 (why a call was
// cancelled), 5626 (flows, keep-alive).
package siplab
