package web

import (
	"context"

	"portico/app/chat"
	"portico/app/portal"
)

// Chat says and keeps what is said.
type Chat interface {
	Say(ctx context.Context, from portal.Address, d chat.Draft) (portal.Message, error)
	Typing(ctx context.Context, from, conversation portal.Address, typing bool) error
	MarkRead(ctx context.Context, owner, conversation portal.Address, id string) error
	Messages(ctx context.Context, owner, conversation portal.Address, before int64, limit int) ([]portal.Message, error)
	Conversations(ctx context.Context, owner portal.Address) ([]portal.Conversation, error)
	Unread(ctx context.Context, owner portal.Address) (map[portal.Address]int, error)
	TypingNow(owner portal.Address) []portal.TypingEvent
}
