package storage

import (
	"context"
	"slices"

	"portico/app/portal"
)

// Each person's list of conversations with its read marks. It is written together with the archive,
// so that neither the list nor the counts ever read the archive.

const (
	// conversationsMost bounds a person's list; older conversations are found by their address.
	conversationsMost = 2000
	// newlyMost bounds what MarkRead hands back for one call.
	newlyMost = 1000
)

// addToConversation counts a new copy in its conversation.
func (t *txn) addToConversation(m portal.Message) error {
	unread := flag(m.State == portal.Received && !m.Mine())
	return t.exec(`
		INSERT INTO conversations (owner, peer, last_ord, unread, read_up_to) VALUES (?, ?, ?, ?, 0)
		ON CONFLICT (owner, peer) DO UPDATE
		SET last_ord = excluded.last_ord, unread = conversations.unread + excluded.unread`,
		string(m.Owner), string(m.Conversation), m.Order, unread)
}

// Conversations is the owner's list, newest first, each with its last message.
func (s *Store) Conversations(ctx context.Context, owner portal.Address) ([]portal.Conversation, error) {
	var list []portal.Conversation
	err := s.all(ctx, "conversations", selectConversations, []any{string(owner), conversationsMost}, func(scan scanFunc) error {
		var (
			c portal.Conversation
			r messageRow
		)
		if err := scan(append(r.dest(), &c.Peer, &c.Unread, &c.ReadUpTo)...); err != nil {
			return err
		}
		last := r.message()
		c.Last = &last
		list = append(list, c)
		return nil
	})
	return list, err
}

const selectConversations = `SELECT ` + messageColumns + `, c.peer, c.unread, c.read_up_to
	FROM conversations c JOIN messages m ON m.ord = c.last_ord
	WHERE c.owner = ? ORDER BY c.last_ord DESC LIMIT ?`

// Unread is the number of unread messages by conversation, only those above zero.
func (s *Store) Unread(ctx context.Context, owner portal.Address) (map[portal.Address]int, error) {
	unread := map[portal.Address]int{}
	err := s.all(ctx, "unread", selectUnread, []any{string(owner)}, func(scan scanFunc) error {
		var (
			peer portal.Address
			n    int
		)
		if err := scan(&peer, &n); err != nil {
			return err
		}
		unread[peer] = n
		return nil
	})
	return unread, err
}

const selectUnread = `SELECT peer, unread FROM conversations WHERE owner = ? AND unread > 0`

// MarkRead moves the owner's read mark of a conversation up to the message of Order upTo; zero or
// more than there is: up to the last one. It only moves forward. It gives the received messages
// that became read now, oldest first; of more than 1000 the newest 1000.
func (s *Store) MarkRead(ctx context.Context, owner, conversation portal.Address, upTo int64) (newly []portal.Message, err error) {
	err = s.write(ctx, "mark read", func(t *txn) error {
		newly, err = t.markRead(owner, conversation, upTo)
		return err
	})
	if err != nil {
		return nil, err
	}
	return newly, nil
}

func (t *txn) markRead(owner, conversation portal.Address, upTo int64) ([]portal.Message, error) {
	var last, readUpTo int64
	found, err := t.one(`SELECT last_ord, read_up_to FROM conversations WHERE owner = ? AND peer = ?`,
		[]any{string(owner), string(conversation)}, &last, &readUpTo)
	if err != nil || !found {
		return nil, err
	}
	if upTo <= 0 || upTo > last {
		upTo = last
	}
	if upTo <= readUpTo {
		return nil, nil
	}
	var newly []portal.Message
	err = t.all(selectNewly, []any{string(owner), string(conversation), readUpTo, upTo, newlyMost}, appendMessage(&newly))
	if err != nil {
		return nil, err
	}
	slices.Reverse(newly)
	return newly, t.exec(`
		UPDATE conversations SET read_up_to = ?, unread = (
			SELECT COUNT(*) FROM messages m
			WHERE m.owner = conversations.owner AND m.conversation = conversations.peer
			AND m.ord > ? AND m.state = 'received' AND m.sender <> m.owner)
		WHERE owner = ? AND peer = ?`,
		upTo, upTo, string(owner), string(conversation))
}

const selectNewly = `SELECT ` + messageColumns + ` FROM messages m
	WHERE m.owner = ? AND m.conversation = ? AND m.ord > ? AND m.ord <= ?
	AND m.state = 'received' AND m.sender <> m.owner ORDER BY m.ord DESC LIMIT ?`
