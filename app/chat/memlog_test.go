package chat_test

// An archive in memory that keeps what it is given, for tests that turn the clock (which a database
// outside the bubble cannot follow). What the real one does is tested with the real one.

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"

	"portico/app/portal"
)

type memKey struct {
	owner, from portal.Address
	id          string
}

type memLog struct {
	mu       sync.Mutex
	last     int64
	messages map[memKey]portal.Message
	reads    int
	events   []portal.Addressed
}

func newMemLog() *memLog { return &memLog{messages: map[memKey]portal.Message{}} }

func (l *memLog) AddMessage(_ context.Context, m portal.Message, evs ...portal.Addressed) (portal.Message, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := memKey{m.Owner, m.From, m.ID}
	if there, ok := l.messages[key]; ok {
		return there, false, nil
	}
	l.last++
	m.Order = l.last
	l.messages[key] = m
	l.events = append(l.events, evs...)
	return m, true, nil
}

// logged is the events that came with messages.
func (l *memLog) logged() []portal.Addressed {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.events)
}

func (l *memLog) SetMessageState(_ context.Context, owner, from portal.Address, id string, st portal.State, reason string) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := memKey{owner, from, id}
	m, ok := l.messages[key]
	if !ok {
		return false, portal.Fail(portal.ErrNotFound, "message.not-found")
	}
	if !st.Supersedes(m.State) {
		return false, nil
	}
	m.State, m.Reason = st, reason
	l.messages[key] = m
	return true, nil
}

func (l *memLog) Message(_ context.Context, owner, from portal.Address, id string) (portal.Message, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	m, ok := l.messages[memKey{owner, from, id}]
	if !ok {
		return portal.Message{}, portal.Fail(portal.ErrNotFound, "message.not-found")
	}
	return m, nil
}

func (l *memLog) sorted(keep func(portal.Message) bool) []portal.Message {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reads++
	return slices.SortedFunc(func(yield func(portal.Message) bool) {
		for m := range maps.Values(l.messages) {
			if keep(m) && !yield(m) {
				return
			}
		}
	}, func(a, b portal.Message) int { return cmp.Compare(a.Order, b.Order) })
}

func (l *memLog) Messages(_ context.Context, owner, conversation portal.Address, before int64, limit int) ([]portal.Message, error) {
	ms := l.sorted(func(m portal.Message) bool {
		return m.Owner == owner && m.Conversation == conversation && (before == 0 || m.Order < before)
	})
	return ms[max(0, len(ms)-limit):], nil
}

func (l *memLog) Conversations(_ context.Context, owner portal.Address) ([]portal.Conversation, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	last := map[portal.Address]portal.Message{}
	for _, m := range l.messages {
		if m.Owner == owner && m.Order > last[m.Conversation].Order {
			last[m.Conversation] = m
		}
	}
	var list []portal.Conversation
	for peer, m := range last {
		list = append(list, portal.Conversation{Peer: peer, Last: &m})
	}
	return list, nil
}

func (l *memLog) MarkRead(context.Context, portal.Address, portal.Address, int64) ([]portal.Message, error) {
	return nil, nil
}

func (l *memLog) Unread(_ context.Context, owner portal.Address) (map[portal.Address]int, error) {
	counts := map[portal.Address]int{}
	for _, m := range l.sorted(func(m portal.Message) bool { return m.Owner == owner && m.State == portal.Received }) {
		counts[m.Conversation]++
	}
	return counts, nil
}

func (l *memLog) PendingMessages(_ context.Context, limit int) ([]portal.Message, error) {
	ms := l.sorted(func(m portal.Message) bool { return m.State == portal.Pending })
	return ms[:min(limit, len(ms))], nil
}
