package ews

import (
	"context"

	"portico/app/portal"
)

// WriteNote writes a conversation.
func (c *Connector) WriteNote(ctx context.Context, owner portal.Address, n portal.ConversationNote) (itemID, changeKey string, err error) {
	return "", "", portal.Fail(portal.ErrUnavailable, "exchange.down")
}

// Notes lists Conversation History.
func (c *Connector) Notes(ctx context.Context, owner portal.Address, q portal.HistoryQuery) (notes []portal.ConversationNote, next string, err error) {
	return nil, "", portal.Fail(portal.ErrUnavailable, "exchange.down")
}

// Note reads one.
func (c *Connector) Note(ctx context.Context, owner portal.Address, itemID string) (portal.ConversationNote, error) {
	return portal.ConversationNote{}, portal.Fail(portal.ErrUnavailable, "exchange.down")
}

// DeleteNote deletes one for good.
func (c *Connector) DeleteNote(ctx context.Context, owner portal.Address, itemID string) error {
	return portal.Fail(portal.ErrUnavailable, "exchange.down")
}
