package calls

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"portico/app/portal"
)

// Voice mail: what is in people's mailboxes, as it was last read, and what the voice mail system says waits. Of those who are signed in it
// is read whenever their mailbox rings, and what differs is told.

// mailboxes owns what is known of voice mail.
type mailboxes struct {
	s  *Service
	vm Voicemail // nil without Exchange
	// bell wakes run; it has room for one.
	bell  chan struct{}
	audio *recordings

	mu    sync.Mutex
	boxes map[portal.Address]*mailbox
}

// mailbox is what is known of one person's. It is guarded by its mailboxes.
type mailbox struct {
	// read: list is what was in the mailbox when it was last read, newest first.
	read    bool
	list    []portal.Voicemail
	waiting portal.Waiting
	// watched: they are signed in. rung: it is to be read again, from due on; busy: it is being read.
	watched, rung, busy bool
	due                 time.Time
	tries               int
	// turn lets it be read by one at a time.
	turn sync.Mutex
}

func newMailboxes(s *Service, vm Voicemail) *mailboxes {
	return &mailboxes{s: s, vm: vm, bell: make(chan struct{}, 1), audio: newRecordings(s.o, vm), boxes: map[portal.Address]*mailbox{}}
}

// box is what is known of somebody's. The lock is held.
func (m *mailboxes) box(who portal.Address) *mailbox {
	b := m.boxes[who]
	if b == nil {
		b = &mailbox{}
		m.boxes[who] = b
	}
	return b
}

// SignedIn has somebody's voice mail followed until SignedOut, and tells Options.InCall where they talk already: their
// telephones may have been heard of before anybody could be told.
func (s *Service) SignedIn(who portal.Address) {
	if s.talks.talking(who) {
		s.o.InCall(who, true)
	}
	m := s.mail
	if m.vm == nil {
		return
	}
	m.mu.Lock()
	b := m.box(who)
	was := b.watched
	b.watched = true
	m.mu.Unlock()
	if !was {
		m.ring(who)
		m.vm.WatchVoicemail(who, func() { m.ring(who) })
	}
}

// SignedOut ends what SignedIn began, when the last sign-in of somebody has ended: nothing more is known of their mailbox and their calls.
func (s *Service) SignedOut(who portal.Address) {
	m := s.mail
	m.mu.Lock()
	b := m.boxes[who]
	watched := b != nil && b.watched
	delete(m.boxes, who)
	m.mu.Unlock()
	if watched {
		m.vm.UnwatchVoicemail(who)
	}
	m.audio.forget(who)
	if s.talks.forget(who) {
		s.o.InCall(who, false)
	}
}

// Waiting takes the word of somebody's voice mail system.
func (s *Service) Waiting(ctx context.Context, who portal.Address, w portal.Waiting) {
	m := s.mail
	m.mu.Lock()
	b := m.box(who)
	same := b.waiting == w
	if b.waiting = w; !w.Known && !b.watched {
		delete(m.boxes, who)
	}
	m.mu.Unlock()
	if same {
		return
	}
	m.ring(who)
	_ = s.later.do(ctx, "news of voice mail", func(ctx context.Context) error { return s.tellVoicemail(ctx, who, "", portal.Updated) })
}

// tellVoicemail tells that somebody's voice mail changed.
func (s *Service) tellVoicemail(ctx context.Context, who portal.Address, id string, change portal.Change) error {
	ev := portal.Addressed{For: []portal.Address{who}, Event: portal.VoicemailEvent{ID: id, Change: change}}
	if err := s.store.Tell(ctx, ev); err != nil {
		return err
	}
	s.o.Changed(who)
	return nil
}

// ring has a mailbox that is followed read soon. It returns at once.
func (m *mailboxes) ring(who portal.Address) {
	m.mu.Lock()
	b := m.boxes[who]
	rung := b != nil && b.watched
	if rung {
		b.rung, b.due, b.tries = true, time.Time{}, 0
	}
	m.mu.Unlock()
	if rung {
		m.wake()
	}
}

func (m *mailboxes) wake() {
	select {
	case m.bell <- struct{}{}:
	default:
	}
}

// unheard is how many voice messages somebody has not heard, as far as is known.
func (m *mailboxes) unheard(who portal.Address) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	b := m.boxes[who]
	switch {
	case b == nil:
		return 0
	case b.read:
		return unheard(b.list)
	case b.waiting.Known:
		return max(b.waiting.New, 0)
	}
	return 0
}

func unheard(list []portal.Voicemail) (n int) {
	for _, v := range list {
		if !v.Heard {
			n++
		}
	}
	return n
}

// run reads mailboxes that rang, Options.Parallel at a time, until ctx ends.
func (m *mailboxes) run(ctx context.Context) error {
	var crew sync.WaitGroup
	defer crew.Wait()
	room := make(chan struct{}, m.s.o.Parallel)
	every := time.NewTicker(m.s.o.Every)
	defer every.Stop()
	for {
		for _, who := range m.rung() {
			select {
			case room <- struct{}{}:
			case <-ctx.Done():
				return nil
			}
			crew.Go(func() {
				defer func() { <-room; m.wake() }()
				m.look(ctx, who)
			})
		}
		select {
		case <-ctx.Done():
			return nil
		case <-m.bell:
		case <-every.C:
		}
	}
}

// rung takes those whose mailbox is to be read now.
func (m *mailboxes) rung() []portal.Address {
	now := m.s.o.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []portal.Address
	for who, b := range m.boxes {
		if b.rung && !b.busy && !b.due.After(now) {
			b.rung, b.busy = false, true
			list = append(list, who)
		}
	}
	return list
}

// look reads a mailbox that rang. Where that fails it is tried again.
func (m *mailboxes) look(ctx context.Context, who portal.Address) {
	once, cancel := context.WithTimeout(ctx, m.s.o.Timeout)
	defer cancel()
	_, err := m.read(once, who)
	m.mu.Lock()
	if b := m.boxes[who]; b != nil {
		b.busy = false
		if err != nil && ctx.Err() == nil && !b.rung && passing(err) {
			b.rung, b.due = true, m.s.again(b.tries, err)
			b.tries++
		}
	}
	m.mu.Unlock()
	if err != nil && ctx.Err() == nil {
		m.s.o.Logger.InfoContext(ctx, "calls: voice mail not read", "of", who, "err", err)
	}
}

// read reads somebody's mailbox, keeps what is there, and tells what differs from what was.
func (m *mailboxes) read(ctx context.Context, who portal.Address) ([]portal.Voicemail, error) {
	m.mu.Lock()
	b := m.box(who)
	m.mu.Unlock()
	b.turn.Lock()
	defer b.turn.Unlock()
	list, err := m.vm.Voicemails(ctx, who)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	was, known := b.list, b.read
	b.list, b.read = list, true
	if m.boxes[who] == b && !b.watched && !b.waiting.Known { // a look of somebody who is not followed is not kept
		delete(m.boxes, who)
	}
	m.mu.Unlock()
	id, change, differs := difference(was, list)
	if !known {
		if unheard(list) > 0 {
			m.s.o.Changed(who)
		}
		return slices.Clone(list), nil
	}
	if !differs {
		return slices.Clone(list), nil
	}
	return slices.Clone(list), m.s.later.do(ctx, "news of voice mail", func(ctx context.Context) error { return m.s.tellVoicemail(ctx, who, id, change) })
}

// difference says what became of a mailbox: the one message that came, went or changed, or, with an empty id, several.
func difference(was, now []portal.Voicemail) (id string, change portal.Change, differs bool) {
	before := make(map[string]portal.Voicemail, len(was))
	for _, v := range was {
		before[v.ID] = v
	}
	changes := map[string]portal.Change{}
	for _, v := range now {
		old, there := before[v.ID]
		delete(before, v.ID)
		switch {
		case !there:
			changes[v.ID] = portal.Created
		case old.Heard != v.Heard || old.Text != v.Text:
			changes[v.ID] = portal.Updated
		}
	}
	for id := range before {
		changes[id] = portal.Deleted
	}
	if len(changes) > 1 {
		return "", portal.Updated, true
	}
	for id, change := range maps.All(changes) {
		return id, change, true
	}
	return "", "", false
}
