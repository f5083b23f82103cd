package chat

// The outbox: what was said and has no final answer yet, in order within each conversation (RFC 3428
// section 8), many conversations at a time.

import (
	"container/heap"
	"context"
	"slices"
	"sync"
	"time"

	"portico/app/portal"
)

// scanPage is how many pending messages one look through the archive adds to those in memory.
const scanPage = 2000

// outbox owns the lanes. The archive is the queue; memory holds the head of it, bounded for each lane
// and over all, and a lane that could not hold everything reads on from the archive when it is empty.
type outbox struct {
	log  Log
	line Line
	o    Options
	// bell wakes the scheduler when something is due earlier than it thinks.
	bell chan struct{}
	wg   sync.WaitGroup

	mu     sync.Mutex
	people map[portal.Address]map[portal.Address]*lane
	// ready are lanes that could go and wait for one of the MaxInFlight places; later those with a due time.
	ready []*lane
	later laneHeap
	// busy is the number of goroutines, queued the number of messages in memory.
	busy, queued int
	// behind: the archive may hold pending messages of which no lane knows.
	behind bool
	// scanning keeps lanes (and so their floors) while the archive is looked through.
	scanning bool
	// sending is the context of tries; nil while the outbox does not run.
	sending context.Context
}

func newOutbox(log Log, line Line, o Options) *outbox {
	return &outbox{log: log, line: line, o: o, bell: make(chan struct{}, 1),
		people: map[portal.Address]map[portal.Address]*lane{}, behind: true}
}

// begin says that a Say in this conversation is about to be committed; end or lost must follow.
func (b *outbox) begin(key laneKey) uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.lane(key).begin()
}

// end closes the ticket; m is what was committed, nil for nothing new.
func (b *outbox) end(key laneKey, ticket uint64, m *portal.Message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.lane(key)
	l.close(ticket)
	if m != nil {
		b.enqueue(l, *m)
	}
	b.wake(l)
}

// lost closes the ticket of a Say of which it is not known whether it was committed.
func (b *outbox) lost(key laneKey, ticket uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.lane(key)
	l.close(ticket)
	b.queued -= l.doubt()
	b.wake(l)
}

// lineUp takes back the waiting that a person's dead line has caused.
func (b *outbox) lineUp(who portal.Address) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, l := range b.people[who] {
		l.failures = 0
		l.lifted++
		if !l.told {
			l.due = time.Time{}
		}
		b.wake(l)
	}
}

// lane finds or makes a lane. While the archive has not been looked through, a new one may have a past.
func (b *outbox) lane(key laneKey) *lane {
	of := b.people[key.owner]
	if of == nil {
		of = map[portal.Address]*lane{}
		b.people[key.owner] = of
	}
	l := of[key.conversation]
	if l == nil {
		l = &lane{key: key, index: -1, spilled: b.behind}
		of[key.conversation] = l
	}
	return l
}

// tidy forgets a lane that has nothing to do.
func (b *outbox) tidy(l *lane) {
	if b.scanning || !l.idle() {
		return
	}
	of := b.people[l.key.owner]
	delete(of, l.key.conversation)
	if len(of) == 0 {
		delete(b.people, l.key.owner)
	}
}

// enqueue takes a committed message into memory, or leaves it on disk when there is no room. What is on
// disk alone always comes after all that is in the queue, so a message that belongs before the end of a
// full queue takes the place of the last one there.
func (b *outbox) enqueue(l *lane, m portal.Message) {
	full := l.spilled || len(l.queue) >= b.o.LaneQueue || b.queued >= b.o.MaxQueued
	if full && (len(l.queue) == 0 || m.Order > l.queue[len(l.queue)-1].msg.Order) {
		l.spill(m)
		return
	}
	if !l.put(m, l.next) {
		return
	}
	b.queued++
	if last := len(l.queue) - 1; last >= b.o.LaneQueue {
		l.spill(l.queue[last].msg)
		l.queue = slices.Delete(l.queue, last, last+1)
		b.queued--
	}
}

// wake gives a lane what it needs to go on: a goroutine, a place in the ready list, or a time.
func (b *outbox) wake(l *lane) {
	if b.sending == nil || l.running || l.listed {
		return
	}
	if _, ok := l.head(); !ok && !l.mustRefill() {
		b.unplan(l)
		b.tidy(l)
		return
	}
	if l.due.After(b.o.Now()) {
		b.plan(l)
		return
	}
	b.unplan(l)
	if b.busy >= b.o.MaxInFlight {
		l.listed = true
		b.ready = append(b.ready, l)
		return
	}
	b.busy++
	l.running = true
	ctx := b.sending
	b.wg.Go(func() { b.work(ctx, l) })
}

// plan puts a lane among those that wait for a time, which is never later than the end of its oldest
// message's patience.
func (b *outbox) plan(l *lane) {
	if len(l.queue) > 0 {
		if end := l.queue[0].msg.At.Add(b.o.MaxAge); end.Before(l.due) {
			l.due = end
		}
	}
	if l.index < 0 {
		heap.Push(&b.later, l)
	} else {
		heap.Fix(&b.later, l.index)
	}
	if b.later[0] == l {
		b.ring()
	}
}

func (b *outbox) unplan(l *lane) {
	if l.index >= 0 {
		heap.Remove(&b.later, l.index)
	}
}

func (b *outbox) ring() {
	select {
	case b.bell <- struct{}{}:
	default:
	}
}

// run looks through the archive, wakes lanes when they are due, and ends in order: nothing new is
// started, answers that are under way are waited for a little, what has none stays pending on disk.
func (b *outbox) run(ctx context.Context) error {
	sending, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	b.mu.Lock()
	b.sending = sending
	for _, of := range b.people {
		for _, l := range of {
			b.wake(l)
		}
	}
	b.mu.Unlock()

	b.schedule(ctx)

	b.mu.Lock()
	b.sending = nil
	b.ready, b.later = nil, nil
	for _, of := range b.people {
		for _, l := range of {
			l.listed, l.index = false, -1
		}
	}
	b.mu.Unlock()
	timer := time.AfterFunc(b.o.Drain, cancel)
	defer timer.Stop()
	b.wg.Wait()
	return nil
}

func (b *outbox) schedule(ctx context.Context) {
	rescan := time.NewTicker(b.o.Rescan)
	defer rescan.Stop()
	due := time.NewTimer(0)
	defer due.Stop()
	b.scan(ctx)
	for {
		due.Reset(b.wakeDue())
		select {
		case <-ctx.Done():
			return
		case <-b.bell:
		case <-due.C:
		case <-rescan.C:
			b.scan(ctx)
		}
	}
}

// wakeDue wakes what is due and gives the time to the next.
func (b *outbox) wakeDue() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.o.Now()
	for len(b.later) > 0 && !b.later[0].due.After(now) {
		l := b.later[0]
		b.unplan(l)
		b.wake(l)
	}
	if len(b.later) == 0 {
		return time.Hour
	}
	return b.later[0].due.Sub(now)
}

// scan takes up pending messages of which no lane knows: those of before a restart. It reads a page
// more than memory holds, so that a full page of stuck ones does not hide the rest for ever.
func (b *outbox) scan(ctx context.Context) {
	b.mu.Lock()
	if !b.behind || b.queued >= b.o.MaxQueued {
		b.mu.Unlock()
		return
	}
	b.scanning = true
	limit := b.queued + scanPage
	b.mu.Unlock()

	pending, err := b.log.PendingMessages(ctx, limit)
	if err != nil && ctx.Err() == nil {
		b.o.Logger.Warn("chat: pending messages could not be read; tried again", "in", b.o.Rescan, "err", err)
	}

	b.mu.Lock()
	defer b.mu.Unlock()
	b.behind = err != nil || len(pending) >= limit
	for _, m := range pending {
		l := b.lane(laneKey{m.Owner, m.Conversation})
		b.enqueue(l, m)
		b.wake(l)
	}
	b.scanning = false
	for _, of := range b.people {
		for _, l := range of {
			b.tidy(l)
		}
	}
}
