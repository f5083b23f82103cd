// Package ews is the portal's Exchange side: it finds the server of a mailbox, translates between
// calendar items and the portal's appointments, writes so that a retry is harmless, keeps conversations
// and missed calls in mailboxes, plays their voice mail, and hears when a mailbox changes.
//
// # Who owns what
//
//   - A [Connector] owns one host for each configured server; a host owns the typed clients
//     (package soap) of the addresses that Autodiscover named, and which mailbox lives where.
//   - A belfry owns the notifications of one host: whose calendars and whose voice mail are
//     subscribed, and the streams on which their bells ring. Its goroutines are started by [Connector.Run] and end
//     before Run returns; there is one for each stream, one for the belfry and a bounded few for
//     subscribing.
//   - What a call learns about a mailbox being reachable goes to the [Handler] once per change.
//
// # Meanings
//
// Every error that leaves the package wraps one of the portal's meanings; ErrUnavailable carries
// how long the server asked to be left alone. A single item that cannot be understood never
// stops the others: it is skipped, logged without its contents, counted, and tried again a few
// times with later changes of the calendar.
//
// # Rights
//
// On whose behalf a mailbox is read (the reader) is settled by the server's configuration:
// impersonation of the reader by a service account, the reader's own password, or a service account
// that acts as itself. In the last case Exchange cannot know who reads, so only the owner is let in.
package ews
