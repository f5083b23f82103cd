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
	// RoomMessage takes a message that somebody sent to a room; called like Receive, in order for each sender and
	// room. Answered as in Receive; an error that means ErrTooMany is answered 503 with Retry-After.
	RoomMessage(ctx context.Context, in portal.RoomIncoming) error
	// Rang: a call came for a person here, or news of one. It is told once for each Call-ID and person, and a second
	// time with Taken where it turns out only then that another device took the call.
	Rang(r portal.Ring)
	// Dialogs: all calls of who that are under way, where [Config.Dialogs] asks for them; none: nothing is known
	// (any more), or nobody is talking.
	Dialogs(who portal.Address, ds []portal.Dialog)
	// MessageWaiting: the voice mail system's word, where [Config.MessageSummary] asks for it; w.Known is false
	// when there is none (any more).
	MessageWaiting(who portal.Address, w portal.Waiting)
	// Watchers: who watches who, all of them.
	Watchers(who portal.Address, ws []portal.Watcher)
	// LineUp: the person's line works (again).
	LineUp(who portal.Address)
	// LineDown: it does not, for want of a server (ErrUnavailable; it comes back by itself) or because
	// the server refuses the person (ErrUnauthenticated, ErrForbidden; it does not).
	LineDown(who portal.Address, err error)
}
