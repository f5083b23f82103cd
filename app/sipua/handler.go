package sipua

// What the connector tells the house.

import (
	"context"
	"time"

	"portico/app/portal"
)

// Handler is told what arrives for the people of this portal. Receive, ReceiveNotice are called from
// several goroutines, in order for each pair of people; they may take time. All other methods must
// return quickly.
type Handler interface {
	// Receive stores a message. Only when it returns nil is the message answered 200; an error that
	// means ErrUnavailable is answered 503 with Retry-After, ErrNotFound 404, ErrForbidden 403.
	Receive(ctx context.Context, in portal.Incoming) error
	// ReceiveNotice: n.To, who got a message of owner, says what became of it.
	ReceiveNotice(ctx context.Context, owner portal.Address, n portal.Notice) error
	// ReceiveTyping: from is typing to to, or stopped; without news for refresh they stopped.
	ReceiveTyping(to, from portal.Address, typing bool, refresh time.Duration)
	// Notified: the server's word on somebody's presence.
	Notified(watcher portal.Address, r portal.Report)
	// Silent: nothing is known of somebody any more.
	Silent(watcher, of portal.Address)
	// Watchers: who watches who, all of them.
	Watchers(who portal.Address, ws []portal.Watcher)
	// LineUp: the person's line works (again).
	LineUp(who portal.Address)
	// LineDown: it does not, for want of a server (ErrUnavailable; it comes back by itself) or because
	// the server refuses the person (ErrUnauthenticated, ErrForbidden; it does not).
	LineDown(who portal.Address, err error)
}
