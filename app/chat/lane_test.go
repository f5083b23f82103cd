package chat

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"portico/app/portal"
)

// However messages come, memory holds the oldest ones, in order and no more than it may; the rest is on
// disk alone.
func TestLaneHoldsTheOldest(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 5))
	b := newOutbox(nil, nil, Options{LaneQueue: 4, MaxQueued: 6}.withDefaults())
	b.behind = false
	l := b.lane(laneKey{"sip:a@x.test", "sip:b@x.test"})
	var all []int64
	for n, i := range r.Perm(12) {
		order := int64(i + 1)
		all = append(all, order)
		b.enqueue(l, portal.Message{ID: fmt.Sprint(order), Order: order, At: time.Unix(order, 0)})
		slices.Sort(all)
		var held []int64
		for _, w := range l.queue {
			held = append(held, w.msg.Order)
		}
		if len(held) > 4 || !slices.Equal(held, all[:len(held)]) {
			t.Fatalf("seed %d: of %v memory holds %v", seed, all, held)
		}
		if l.spilled != (len(held) < n+1) || b.queued != len(held) {
			t.Fatalf("seed %d: of %v memory holds %v, spilled %v, counted %d", seed, all, held, l.spilled, b.queued)
		}
	}
}

// A message goes when no Say that began before it was queued can still come before it.
func TestLaneWaitsForEarlierSays(t *testing.T) {
	l := &lane{index: -1}
	first, second := l.begin(), l.begin()
	l.close(second)
	if !l.put(portal.Message{Order: 2}, l.next) {
		t.Fatal("not taken")
	}
	if m, ok := l.head(); ok {
		t.Fatalf("message %d goes before the first Say has ended", m.Order)
	}
	later := l.begin()
	l.close(first)
	l.put(portal.Message{Order: 1}, l.next)
	if m, ok := l.head(); ok {
		t.Fatalf("message %d goes before a Say that began earlier has ended", m.Order)
	}
	l.close(later)
	if m, ok := l.head(); !ok || m.Order != 1 {
		t.Fatalf("message %d is first, %v", m.Order, ok)
	}
	if l.put(portal.Message{Order: 1}, l.next) {
		t.Error("the same message was taken twice")
	}
	l.done(portal.Message{Order: 1})
	if l.put(portal.Message{Order: 1}, l.next) {
		t.Error("a message that is done was taken again")
	}
	if m, ok := l.head(); !ok || m.Order != 2 {
		t.Errorf("message %d is next, %v", m.Order, ok)
	}
}
