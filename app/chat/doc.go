// Package chat says, receives and keeps what people write to each other: every message is on disk
// before anybody is told of it, goes out through the SIP server in the order it was said, and is shown
// once however often it comes.
package chat

import (
	"context"

	"portico/app/portal"
)

// Line sends in a person's name to the SIP server.
type Line interface {
	// Send returns with the final answer. An error that means ErrUnavailable is not final (line down, no
	// answer, server overloaded; RetryAfter where it was said): the same message may be sent again.
	// Any other error is final, its Key the reason people read.
	Send(ctx context.Context, from portal.Address, m portal.Outgoing) (portal.Outcome, error)
	// SendTyping tells to that from types or has stopped. It is called at the first sign, again at most
	// every few seconds while it goes on, and once at the end; how often that goes over the wire is the
	// line's affair (RFC 3994 section 3.2).
	SendTyping(ctx context.Context, from, to portal.Address, typing bool) error
	// SendNotice tells a sender what became of their message (IMDN, RFC 5438).
	SendNotice(ctx context.Context, from portal.Address, n portal.Notice) error
}

// Log is the message archive. Each call is one transaction; events reach the log in the same one.
type Log interface {
	// AddMessage stores m once for its owner, sender and id: a repeat gives the stored one and created
	// false, and appends no event. Order is filled, also in a MessageEvent among evs.
	AddMessage(ctx context.Context, m portal.Message, evs ...portal.Addressed) (stored portal.Message, created bool, err error)
	// SetMessageState moves a message forward (State.Supersedes) and appends the owner's StateEvent when
	// that changed anything.
	SetMessageState(ctx context.Context, owner, from portal.Address, id string, st portal.State, reason string) (changed bool, err error)
	// Message finds one message; an error that means ErrNotFound when there is none.
	Message(ctx context.Context, owner, from portal.Address, id string) (portal.Message, error)
	// Messages gives up to limit messages whose Order is below before (0: the newest), newest last.
	Messages(ctx context.Context, owner, conversation portal.Address, before int64, limit int) ([]portal.Message, error)
	// Conversations gives all conversations of a person, newest first.
	Conversations(ctx context.Context, owner portal.Address) ([]portal.Conversation, error)
	// MarkRead moves the reading mark forward and gives the messages that became read by it.
	MarkRead(ctx context.Context, owner, conversation portal.Address, upTo int64) (newly []portal.Message, err error)
	// Unread gives the number of unread messages of each conversation that has any.
	Unread(ctx context.Context, owner portal.Address) (map[portal.Address]int, error)
	// PendingMessages gives the messages that have no final answer yet, oldest first.
	PendingMessages(ctx context.Context, limit int) ([]portal.Message, error)
}
