package storage

import (
	"context"
	"math"
	"slices"

	"portico/app/portal"
)

// The message archive: each person's copy of what was said, once for (owner, sender, id).

const (
	// pageDefault and pageMost bound one page of a conversation.
	pageDefault = 50
	pageMost    = 500
)

const messageColumns = `m.owner, m.conversation, m.sender, m.id, m.body, m.said_at, m.state, m.reason, m.ord, m.wants_delivered, m.wants_read`

// messageRow receives messageColumns.
type messageRow struct {
	m                         portal.Message
	at                        int64
	wantsDelivered, wantsRead int
}

func (r *messageRow) dest() []any {
	m := &r.m
	return []any{&m.Owner, &m.Conversation, &m.From, &m.ID, &m.Text, &r.at, &m.State, &m.Reason, &m.Order, &r.wantsDelivered, &r.wantsRead}
}

func (r *messageRow) message() portal.Message {
	r.m.At = instant(r.at)
	r.m.WantsDelivered, r.m.WantsRead = r.wantsDelivered != 0, r.wantsRead != 0
	return r.m
}

// AddMessage stores a person's copy of a message, once for (Owner, From, ID): a repeat changes
// nothing, logs nothing and gives the copy that is there (created false). Order is filled in, in a
// MessageEvent about it too. The conversation's last message and unread count, and its history, move in the same transaction.
func (s *Store) AddMessage(ctx context.Context, m portal.Message, evs ...portal.Addressed) (stored portal.Message, created bool, err error) {
	if err := checkMessage(m); err != nil {
		return portal.Message{}, false, err
	}
	m.At = instant(stamp(m.At))
	err = s.write(ctx, "add message", func(t *txn) error {
		stored, created, err = t.addMessage(m, evs)
		return err
	})
	if err != nil {
		return portal.Message{}, false, err
	}
	return stored, created, nil
}

func checkMessage(m portal.Message) error {
	switch {
	case m.Owner == "" || m.Conversation == "" || m.From == "" || m.ID == "":
		return invalid("a message needs an owner, a conversation, a sender and an id")
	case !knownState(m.State):
		return invalid("a message in no known state")
	}
	return nil
}

func knownState(st portal.State) bool {
	switch st {
	case portal.Pending, portal.Sent, portal.Stored, portal.Delivered, portal.Read, portal.Failed, portal.Received:
		return true
	}
	return false
}

func (t *txn) addMessage(m portal.Message, evs []portal.Addressed) (portal.Message, bool, error) {
	created, err := t.one(`
		INSERT INTO messages (owner, conversation, sender, id, body, said_at, stored_at, state, reason, wants_delivered, wants_read)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (owner, sender, id) DO NOTHING RETURNING ord`,
		[]any{string(m.Owner), string(m.Conversation), string(m.From), m.ID, m.Text, stamp(m.At), stamp(t.w.s.o.Now()),
			string(m.State), m.Reason, flag(m.WantsDelivered), flag(m.WantsRead)}, &m.Order)
	if err != nil {
		return m, false, err
	}
	if !created {
		m, _, err = t.message(m.Owner, m.From, m.ID)
		return m, false, err
	}
	if err := t.addToConversation(m); err != nil {
		return m, false, err
	}
	if err := t.addToHistory(m, true); err != nil {
		return m, false, err
	}
	return m, true, t.log(placed(m, evs)...)
}

// placed gives the events about m the place and time it was stored with.
func placed(m portal.Message, evs []portal.Addressed) []portal.Addressed {
	evs = slices.Clone(evs)
	for i, ev := range evs {
		if e, ok := ev.Event.(portal.MessageEvent); ok && e.ID == m.ID && e.From == m.From {
			e.Order, e.At = m.Order, m.At
			evs[i].Event = e
		}
	}
	return evs
}

func (t *txn) message(owner, from portal.Address, id string) (portal.Message, bool, error) {
	var r messageRow
	found, err := t.one(selectMessage, []any{string(owner), string(from), id}, r.dest()...)
	return r.message(), found, err
}

const selectMessage = `SELECT ` + messageColumns + ` FROM messages m WHERE m.owner = ? AND m.sender = ? AND m.id = ?`

// Message is the owner's copy of what from said under id; ErrNotFound.
func (s *Store) Message(ctx context.Context, owner, from portal.Address, id string) (portal.Message, error) {
	var r messageRow
	found, err := s.one(ctx, "message", selectMessage, []any{string(owner), string(from), id}, r.dest()...)
	if err != nil {
		return portal.Message{}, err
	}
	if !found {
		return portal.Message{}, portal.Fail(portal.ErrNotFound, keyNoMessage)
	}
	return r.message(), nil
}

// Messages is a page of a conversation, newest last: the limit (default 50, most 500) newest ones
// whose Order is below before; zero: the newest of all.
func (s *Store) Messages(ctx context.Context, owner, conversation portal.Address, before int64, limit int) ([]portal.Message, error) {
	if before <= 0 {
		before = math.MaxInt64
	}
	if limit <= 0 {
		limit = pageDefault
	}
	limit = min(limit, pageMost)
	page := make([]portal.Message, 0, min(limit, pageDefault))
	err := s.all(ctx, "messages", selectPage, []any{string(owner), string(conversation), before, limit}, appendMessage(&page))
	if err != nil {
		return nil, err
	}
	slices.Reverse(page)
	return page, nil
}

const selectPage = `SELECT ` + messageColumns + ` FROM messages m
	WHERE m.owner = ? AND m.conversation = ? AND m.ord < ? ORDER BY m.ord DESC LIMIT ?`

func appendMessage(to *[]portal.Message) func(scanFunc) error {
	return func(scan scanFunc) error {
		var r messageRow
		if err := scan(r.dest()...); err != nil {
			return err
		}
		*to = append(*to, r.message())
		return nil
	}
}

// SetMessageState moves the owner's copy of a message forward (State.Supersedes) and logs a
// StateEvent for the owner. Changed is false, and nothing happens, for a repetition, for going back
// and for a copy that was received. ErrNotFound where there is no such copy.
func (s *Store) SetMessageState(ctx context.Context, owner, from portal.Address, id string, st portal.State, reason string) (changed bool, err error) {
	if !knownState(st) || st == portal.Received {
		return false, invalid("no state for a message that was sent")
	}
	err = s.write(ctx, "message state", func(t *txn) error {
		m, found, err := t.message(owner, from, id)
		if err != nil {
			return err
		}
		if !found {
			return portal.Fail(portal.ErrNotFound, keyNoMessage)
		}
		changed = m.State != portal.Received && st.Supersedes(m.State)
		if !changed {
			return nil
		}
		if err := t.exec(`UPDATE messages SET state = ?, reason = ? WHERE ord = ?`, string(st), reason, m.Order); err != nil {
			return err
		}
		return t.log(portal.Addressed{For: []portal.Address{owner}, Event: portal.StateEvent{
			Conversation: m.Conversation, ID: id, State: st, Reason: reason}})
	})
	return changed && err == nil, err
}

// PendingMessages are the messages not yet answered by the server, of all people, oldest first, at most limit.
func (s *Store) PendingMessages(ctx context.Context, limit int) ([]portal.Message, error) {
	var pending []portal.Message
	err := s.all(ctx, "pending messages", selectPending, []any{max(limit, 0)}, appendMessage(&pending))
	return pending, err
}

const selectPending = `SELECT ` + messageColumns + ` FROM messages m WHERE m.state = 'pending' ORDER BY m.ord LIMIT ?`
