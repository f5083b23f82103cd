// Package sipua is the portal's SIP side: one user agent that registers everybody, carries their
// messages, publishes their presence and watches that of others.
//
// # Who owns what
//
//   - An [Agent] owns the listener, a few links to the proxy that everybody shares, the table of lines
//     and the table of dialogs. Its goroutines are started by [Agent.Run] and end before Run returns.
//   - A link ([link]) owns one connection to the proxy: one goroutine dials, pings and redials it, one
//     reads it, one writes what all people send, gathered. Its queue is bounded; who finds it full
//     waits, and after ten seconds the connection is given up.
//   - A line ([line]) is one person's registration, publication and subscriptions. Its mutex guards all
//     of it; no network I/O is done under the mutex. A person has no goroutine of their own: what is
//     due is in one timer heap ([clock]) and is done by the shared workers of a [pacer].
//   - A subscription ([sub]) is a compact dialog, guarded by its line's mutex. At most one request of a
//     subscription, of a registration and of a publication is under way at a time (their busy flags).
//   - A call that is held for a person, because other devices of theirs may take it, is in one table for
//     everybody ([calls]); what is to be told of it is told by the workers that read notifications.
//   - Documents that the server keeps for people ([documents]: presence rules, contact lists) are asked for by HTTP, by
//     whoever wants them, with the person's own secret; a line keeps no more of them than which there are.
//   - Traces ([taps]) are looked at for each message; who reads and writes connections calls them.
//   - Rooms have no line: what comes for their domain goes to lanes as messages to people do, and what they
//     send goes out on the links that everybody shares.
//   - Incoming requests are read by the connection's reader, which never waits: what needs time (a
//     message to be stored) goes to a lane ([lanes]), in order for each pair of people, bounded; when
//     the lanes are full the answer is 503 with Retry-After. Presence notifications are answered at
//     once and only the newest unread document of a subscription is kept.
//
// Parsing, message building and transactions are those of github.com/emiago/sipgo/sip. Connections
// are the package's own: everybody's traffic shares one, so a malformed message must not close it,
// order must be kept, and a proxy that no longer answers must be noticed.
package sipua
