package storagetest

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"portico/app/portal"
	"portico/storage"
)

// clock is a time that the test moves.
type clock struct{ offset atomic.Int64 }

func newClock() *clock { return &clock{} }

func (c *clock) now() time.Time { return noon().Add(time.Duration(c.offset.Load())) }

func (c *clock) advance(d time.Duration) { c.offset.Add(int64(d)) }

func testEvents(t *testing.T, open Open) {
	clock := newClock()
	s := start(t, open, storage.Options{Now: clock.now})
	ctx := deadline(t)
	if head, err := s.EventHead(ctx); err != nil || head != 0 {
		t.Errorf("head of an empty log: %d, %v", head, err)
	}
	m := received(1)
	shared := portal.Addressed{For: []portal.Address{alice, carol, alice}, Event: portal.ContactsEvent{ID: bob, Change: portal.Deleted}}
	stored, _, err := s.AddMessage(ctx, m, about(m), shared)
	must(t, err)
	head, err := s.EventHead(ctx)
	must(t, err)
	evs := all(t, s, alice, 0)
	if len(evs) != 2 || evs[1].Seq != head || evs[0].Seq >= evs[1].Seq {
		t.Fatalf("alice's log %+v, head %d", evs, head)
	}
	if e, ok := evs[0].Event.(portal.MessageEvent); !ok || e.Order != stored.Order || e.Text != m.Text || !e.At.Equal(m.At) {
		t.Errorf("message event %+v of message %+v", evs[0].Event, stored)
	}
	if !evs[0].At.Equal(clock.now()) || !slices.Equal(evs[0].For, []portal.Address{alice}) {
		t.Errorf("at %v for %v", evs[0].At, evs[0].For)
	}
	if evs := all(t, s, carol, 0); len(evs) != 1 || evs[0].Seq != head || evs[0].Event != shared.Event {
		t.Errorf("carol's log %+v", evs)
	}
	if evs := all(t, s, bob, 0); len(evs) != 0 {
		t.Errorf("bob's log %+v", evs)
	}
	if evs := all(t, s, alice, evs[0].Seq); len(evs) != 1 {
		t.Errorf("after the first: %+v", evs)
	}
	told := s.told()
	if len(told) != 2 || told[0].Seq != evs[0].Seq || !reflect.DeepEqual(told[0].Event, evs[0].Event) || !slices.Contains(told[1].For, carol) {
		t.Errorf("the sink was told %+v, the log has %+v", told, evs)
	}
}

// testEventOrder: under many writers the sink is told every event once in the order of its number,
// before its writer returns, and no reader ever sees the log without an event that the sink was told
// of, nor one slip in below what it saw before.
func testEventOrder(t *testing.T, open Open) {
	s := open(t, storage.Options{EventBound: 100000})
	var handed atomic.Int64 // the newest number the sink was told
	var told []int64
	s.SetSink(func(evs []portal.Logged) {
		for _, e := range evs {
			told = append(told, e.Seq)
		}
		handed.Store(told[len(told)-1])
	})
	ctx, cancel := context.WithCancel(deadline(t))
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	<-s.Started()

	const writers, each = 16, 40
	var writing, reading sync.WaitGroup
	stop := make(chan struct{})
	for range 3 {
		reading.Go(func() { watchLog(t, s, &handed, stop) })
	}
	for w := range writers {
		writing.Go(func() {
			for i := range each {
				m := received(w*each + i)
				stored, _, err := s.AddMessage(ctx, m, about(m))
				if err != nil {
					t.Error(err)
					return
				}
				head, err := s.EventHead(ctx)
				if err != nil || handed.Load() == 0 || head < int64(i) || stored.Order == 0 {
					t.Errorf("after message %d: head %d, told %d, %v", i, head, handed.Load(), err)
				}
			}
		})
	}
	writing.Wait()
	close(stop)
	reading.Wait()
	cancel()
	must(t, <-done)
	if len(told) != writers*each || !slices.IsSorted(told) || len(slices.Compact(slices.Clone(told))) != len(told) {
		t.Errorf("the sink was told %d events, sorted %v", len(told), slices.IsSorted(told))
	}
	must(t, s.Close())
}

// watchLog follows alice's log as a browser would.
func watchLog(t *testing.T, s Store, handed *atomic.Int64, stop chan struct{}) {
	var since int64
	for {
		select {
		case <-stop:
			return
		default:
		}
		know := handed.Load()
		evs, resync, err := s.EventsSince(context.Background(), alice, since, 500)
		if err != nil || resync {
			t.Errorf("log after %d: resync %v, %v", since, resync, err)
			return
		}
		next := since
		for _, e := range evs {
			// Every write makes exactly one event, all for alice: her numbers have no holes.
			if e.Seq != next+1 {
				t.Errorf("after %d came %d", next, e.Seq)
				return
			}
			next = e.Seq
		}
		if next < know && len(evs) < 500 {
			t.Errorf("the sink was told %d, the log ended at %d", know, next)
			return
		}
		since = next
	}
}

func testResync(t *testing.T, open Open) {
	const bound = 150
	s := start(t, open, storage.Options{EventBound: bound})
	ctx := deadline(t)
	for i := range bound + 1 {
		add(t, s, received(i))
	}
	head, err := s.EventHead(ctx)
	must(t, err)
	for _, e := range []struct {
		since  int64
		resync bool
		events int
	}{
		{-1, true, 0}, {0, true, 0}, {1, false, 100}, {head - 1, false, 1}, {head, false, 0}, {head + 1, true, 0},
	} {
		evs, resync, err := s.EventsSince(ctx, alice, e.since, 100)
		if err != nil || resync != e.resync || len(evs) != e.events {
			t.Errorf("since %d: %d events, resync %v, %v; want %d, %v", e.since, len(evs), resync, err, e.events, e.resync)
		}
	}
	// Carol has no events: however many others have, she has missed nothing.
	if evs, resync, err := s.EventsSince(ctx, carol, 0, 100); err != nil || resync || len(evs) != 0 {
		t.Errorf("carol: %v, resync %v, %v", evs, resync, err)
	}
	for limit, want := range map[int]int{0: bound, 7: 7, 100000: bound} {
		if evs, _, err := s.EventsSince(ctx, alice, 1, limit); err != nil || len(evs) != want {
			t.Errorf("limit %d: %d events, %v; want %d", limit, len(evs), err, want)
		}
	}
}

func testPruningByAge(t *testing.T, open Open) {
	clock := newClock()
	s := start(t, open, storage.Options{EventAge: time.Hour, UpkeepEvery: 5 * time.Millisecond, Now: clock.now})
	ctx := deadline(t)
	for i := range 3 {
		add(t, s, received(i))
	}
	other := received(50)
	other.Owner = carol
	add(t, s, other)
	old, err := s.EventHead(ctx)
	must(t, err)
	clock.advance(2 * time.Hour)
	eventually(t, "alice's old events pruned", func() bool {
		_, resync, err := s.EventsSince(ctx, alice, 0, 10)
		must(t, err)
		return resync
	})
	// The newest event of all stays: the head is what it was, and numbers go on from there.
	if head, err := s.EventHead(ctx); err != nil || head != old {
		t.Errorf("head %d, %v; want %d", head, err, old)
	}
	if evs, resync, err := s.EventsSince(ctx, alice, old, 10); err != nil || resync || len(evs) != 0 {
		t.Errorf("alice at the head: %v, resync %v, %v", evs, resync, err)
	}
	if evs, resync, err := s.EventsSince(ctx, bob, 0, 10); err != nil || resync || len(evs) != 0 {
		t.Errorf("bob, who lost nothing: %v, resync %v, %v", evs, resync, err)
	}
	add(t, s, received(9))
	if evs := all(t, s, alice, 3); len(evs) != 1 || evs[0].Seq != old+1 {
		t.Errorf("alice's log goes on with %+v", evs)
	}
}

func testPruningByPerson(t *testing.T, open Open) {
	const bound = 20
	s := start(t, open, storage.Options{EventBound: bound, UpkeepEvery: 5 * time.Millisecond})
	ctx := deadline(t)
	shared := portal.Addressed{For: []portal.Address{alice, carol}, Event: portal.ContactsEvent{ID: bob, Change: portal.Created}}
	m := said(0)
	_, _, err := s.AddMessage(ctx, m, shared)
	must(t, err)
	for i := range 3 * bound {
		add(t, s, received(i))
	}
	head, err := s.EventHead(ctx)
	must(t, err)
	kept := head - bound
	// A gap is never silent: at every moment each since gives either all events after it or a resync.
	for since := int64(0); since <= head; since++ {
		evs, resync, err := s.EventsSince(ctx, alice, since, 500)
		must(t, err)
		if !resync && int64(len(evs)) != head-since {
			t.Fatalf("since %d: %d events without resync, head %d", since, len(evs), head)
		}
		if resync != (since < kept) {
			t.Errorf("since %d: resync %v, kept from %d", since, resync, kept)
		}
	}
	// What alice lost carol still has: the event is only gone when it concerns nobody.
	if evs := all(t, s, carol, 0); len(evs) != 1 || evs[0].Event != shared.Event {
		t.Errorf("carol's log: %+v", evs)
	}
	add(t, s, received(1000))
	if evs := all(t, s, alice, head); len(evs) != 1 || evs[0].Seq != head+1 {
		t.Errorf("after pruning: %+v", evs)
	}
}

// testAtomicity: a write whose event cannot be logged leaves nothing behind, and does not disturb
// those that share its commit.
func testAtomicity(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	var everybody sync.WaitGroup
	const n = 200
	for i := range n {
		everybody.Go(func() {
			m := received(i)
			if i%3 != 0 {
				if _, created, err := s.AddMessage(deadline(t), m, about(m)); err != nil || !created {
					t.Errorf("message %d: created %v, %v", i, created, err)
				}
				return
			}
			_, created, err := s.AddMessage(deadline(t), m, about(m), portal.Addressed{Event: portal.ContactsEvent{ID: bob}})
			wantMeaning(t, err, portal.ErrInvalid)
			if created {
				t.Errorf("message %d was created in spite of the failure", i)
			}
		})
	}
	everybody.Wait()
	ctx := deadline(t)
	good := 0
	for i := range n {
		_, err := s.Message(ctx, alice, bob, received(i).ID)
		if i%3 == 0 {
			wantMeaning(t, err, portal.ErrNotFound)
			continue
		}
		good++
		must(t, err)
	}
	unread, err := s.Unread(ctx, alice)
	must(t, err)
	if evs := all(t, s, alice, 0); len(evs) != good || unread[bob] != good || len(s.told()) != good {
		t.Errorf("%d good messages, %d events, %d unread, %d told", good, len(evs), unread[bob], len(s.told()))
	}
}

func testContention(t *testing.T, open Open) {
	s := start(t, open, storage.Options{Queue: 4, Batch: 3}) // far more callers than places
	ctx := deadline(t)
	people := make([]portal.Address, 12)
	var everybody sync.WaitGroup
	for p := range people {
		people[p] = portal.Address(fmt.Sprintf("sip:p%d@example.test", p))
		everybody.Go(func() { busyPerson(t, s, people[p]) })
	}
	everybody.Wait()
	for _, who := range people {
		unread, err := s.Unread(ctx, who)
		must(t, err)
		list, err := s.Contacts(ctx, who)
		must(t, err)
		if unread[bob] != 10 || len(list) != 1 || list[0].Group != "9" {
			t.Errorf("%s: unread %v, contacts %v", who, unread, list)
		}
		if evs := all(t, s, who, 0); len(evs) != 30 {
			t.Errorf("%s: %d events, want 30", who, len(evs))
		}
	}
}

// busyPerson changes everything a person has, ten times, and reads it back.
func busyPerson(t *testing.T, s Store, who portal.Address) {
	ctx := deadline(t)
	for i := range 10 {
		in, out := received(i), said(i)
		in.Owner, out.Owner, out.From = who, who, who
		for _, m := range []portal.Message{in, out} {
			if _, created, err := s.AddMessage(ctx, m, about(m)); err != nil || !created {
				t.Errorf("%s: created %v, %v", who, created, err)
			}
		}
		c := portal.Contact{URI: carol, Group: fmt.Sprint(i), Relationship: portal.Team}
		if err := s.PutContact(ctx, who, c, portal.Addressed{For: []portal.Address{who}, Event: portal.ContactsEvent{ID: carol}}); err != nil {
			t.Errorf("%s: %v", who, err)
		}
		if list, err := s.Conversations(ctx, who); err != nil || len(list) != 1 || list[0].Unread != i+1 {
			t.Errorf("%s after %d: %+v, %v", who, i, list, err)
		}
	}
}
