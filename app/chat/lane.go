package chat

// One conversation's place in the outbox.

import (
	"cmp"
	"slices"
	"time"

	"portico/app/portal"
)

// laneKey names the conversation of one of our people.
type laneKey struct{ owner, conversation portal.Address }

// waiting is a message that has no final answer yet. It may go once every Say that had begun before it
// was queued has ended: one of those may have been committed before it.
type waiting struct {
	msg     portal.Message
	barrier uint64
}

// lane is one conversation with something to send. All fields belong to the outbox's lock; while running
// is true one goroutine sends for it.
type lane struct {
	key laneKey
	// queue is in the order of the archive and bounded by Options.LaneQueue.
	queue []waiting
	// spilled: the archive may hold pending messages that queue does not; spills counts how often it came
	// to that.
	spilled bool
	spills  int
	// since is when the oldest message that was left on disk was said, as far as that is known.
	since time.Time
	// floor is the Order below which nothing pending is left, unless unsure; 0: not known.
	floor  int64
	unsure bool
	// open are the tickets of Says that have begun and not ended, ascending; next is the next ticket.
	open []uint64
	next uint64
	// running, listed and index place the lane: with a goroutine, in the ready list, in the heap (-1: not).
	running, listed bool
	index           int
	// settling is the number of messages that have their answer but not yet their state on disk.
	settling int
	// due is the time before which nothing is tried, failures the number of tries in a row that came to
	// nothing; told: the other side named due.
	due      time.Time
	failures int
	told     bool
	// lifted counts LineUps, so that a try that was under way meanwhile does not wait for its retry.
	lifted int
}

// idle: nothing is left to do and nobody is about to add something.
func (l *lane) idle() bool {
	return len(l.queue) == 0 && !l.spilled && len(l.open) == 0 && l.settling == 0 && !l.running && !l.listed && l.index < 0
}

// mustRefill: what is next is on disk alone, and nothing there is about to change its state.
func (l *lane) mustRefill() bool { return len(l.queue) == 0 && l.spilled && l.settling == 0 }

// spill leaves m on disk alone.
func (l *lane) spill(m portal.Message) {
	l.spilled = true
	l.spills++
	if l.since.IsZero() || m.At.Before(l.since) {
		l.since = m.At
	}
}

// doubt: there may be a pending message anywhere in the conversation, so everything is read again, in its
// order. It gives the number of messages that are no longer in memory.
func (l *lane) doubt() int {
	n := len(l.queue)
	l.queue = nil
	l.spilled, l.unsure = true, true
	l.spills++
	return n
}

// begin opens a ticket.
func (l *lane) begin() uint64 {
	t := l.next
	l.next++
	l.open = append(l.open, t)
	return t
}

// close ends a ticket.
func (l *lane) close(ticket uint64) {
	if i, ok := slices.BinarySearch(l.open, ticket); ok {
		l.open = slices.Delete(l.open, i, i+1)
	}
}

// put queues m at its place; false: it is there already.
func (l *lane) put(m portal.Message, barrier uint64) bool {
	i, there := slices.BinarySearchFunc(l.queue, m.Order, func(w waiting, order int64) int {
		return cmp.Compare(w.msg.Order, order)
	})
	if there || m.Order < l.floor && !l.unsure {
		return false
	}
	l.queue = slices.Insert(l.queue, i, waiting{m, barrier})
	return true
}

// head is the message to send next; ok is false when there is none or an earlier one may still come.
func (l *lane) head() (portal.Message, bool) {
	if len(l.queue) == 0 {
		return portal.Message{}, false
	}
	w := l.queue[0]
	if len(l.open) > 0 && l.open[0] < w.barrier {
		return portal.Message{}, false
	}
	return w.msg, true
}

// done removes the message that has its final answer; false: it was not in memory any more.
func (l *lane) done(m portal.Message) bool {
	l.floor = max(l.floor, m.Order+1)
	if len(l.queue) == 0 || l.queue[0].msg.Order != m.Order {
		return false
	}
	l.queue = slices.Delete(l.queue, 0, 1)
	return true
}

// laneHeap is a container/heap of waiting lanes by the time they are due.
type laneHeap []*lane

func (h laneHeap) Len() int           { return len(h) }
func (h laneHeap) Less(i, j int) bool { return h[i].due.Before(h[j].due) }
func (h laneHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i]; h[i].index, h[j].index = i, j }

// Push is called by container/heap alone.
func (h *laneHeap) Push(x any) {
	l := x.(*lane)
	l.index = len(*h)
	*h = append(*h, l)
}

// Pop is called by container/heap alone.
func (h *laneHeap) Pop() any {
	old := *h
	l := old[len(old)-1]
	old[len(old)-1] = nil
	l.index = -1
	*h = old[:len(old)-1]
	return l
}
