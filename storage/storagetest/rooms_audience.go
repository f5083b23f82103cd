package storagetest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"portico/app/portal"
	"portico/storage"
)

// What those are told who follow a room: everything from when they came until they went, in one order with what is theirs alone.

func testRoomAudience(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	made(t, s, lobby, alice)
	made(t, s, trio, alice, bob)
	add(t, s, received(1))                                                                // 1: alice's own
	utter(t, s, utterance(lobby, 1))                                                      // 2: the lobby
	utter(t, s, utterance(trio, 1))                                                       // 3: the trio
	must(t, s.PutMember(ctx, member(lobby, carol), roomEvent(lobby, portal.RoomMembers))) // 4: carol hears that she came
	utter(t, s, utterance(lobby, 2))                                                      // 5
	add(t, s, received(2))                                                                // 6
	gone := portal.Addressed{For: []portal.Address{carol}, Event: portal.RoomEvent{ID: lobby, What: portal.RoomMembers, Who: carol}}
	must(t, s.DropMember(ctx, lobby, carol, roomEvent(lobby, portal.RoomMembers), gone)) // 7: not carol's; 8: hers alone
	must(t, s.DropMember(ctx, lobby, carol, roomEvent(lobby, portal.RoomMembers)))       // nothing: she is gone
	utter(t, s, utterance(lobby, 3))                                                     // 9
	must(t, s.PutMember(ctx, member(lobby, carol)))
	must(t, s.PutMember(ctx, member(lobby, carol))) // again: she follows once
	utter(t, s, utterance(lobby, 4))                // 10
	for who, want := range map[portal.Address][]int64{
		alice: {1, 2, 3, 4, 5, 6, 7, 9, 10}, bob: {3}, carol: {4, 5, 8, 10}, lobby: {2, 4, 5, 7, 9, 10},
	} {
		for limit := 1; limit <= 20; limit += 3 {
			for since := int64(0); since <= 10; since++ {
				wantLog(t, s, who, since, limit, want)
			}
		}
	}
	evs, _, err := s.EventsSince(ctx, carol, 3, 2)
	must(t, err)
	if e, ok := evs[1].Event.(portal.MessageEvent); !ok || e.Room == nil || e.Room.Place != 2 || e.Order != 2 || len(evs[1].For) != 1 || evs[1].For[0] != carol {
		t.Errorf("carol was told %+v", evs[1])
	}
	told := s.told()
	if len(told) != 10 || told[1].Audience != lobby || told[1].Event.(portal.MessageEvent).Room.Place != 1 {
		t.Errorf("the sink was told %+v", told)
	}
}

// wantLog reads who's log from since on in batches and wants the numbers of all that are beyond it.
func wantLog(t *testing.T, s Store, who portal.Address, since int64, limit int, all []int64) {
	t.Helper()
	var got, want []int64
	for _, seq := range all {
		if seq > since {
			want = append(want, seq)
		}
	}
	for at := since; ; {
		evs, resync, err := s.EventsSince(deadline(t), who, at, limit)
		must(t, err)
		if resync || len(evs) > limit {
			t.Fatalf("%s since %d: %d events, resync %v", who, at, len(evs), resync)
		}
		if len(evs) == 0 {
			break
		}
		for _, e := range evs {
			got = append(got, e.Seq)
		}
		at = got[len(got)-1]
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s since %d by %d: %v, want %v", who, since, limit, got, want)
	}
}

// testAudiencePruned: what is taken from a room's log is a gap for those whose it was, and for nobody else.
func testAudiencePruned(t *testing.T, open Open) {
	clock := newClock()
	s := start(t, open, storage.Options{EventAge: time.Hour, UpkeepEvery: 5 * time.Millisecond, Now: clock.now})
	ctx := deadline(t)
	made(t, s, lobby, alice, bob)
	utter(t, s, utterance(lobby, 1))                // 1
	utter(t, s, utterance(lobby, 2))                // 2
	must(t, s.DropMember(ctx, lobby, bob))          // bob's stretch ends with 2
	must(t, s.PutMember(ctx, member(lobby, carol))) // carol's begins behind 2
	clock.advance(2 * time.Hour)
	utter(t, s, utterance(lobby, 3)) // 3
	eventually(t, "the old ones pruned", func() bool {
		_, resync, err := s.EventsSince(ctx, alice, 0, 10)
		must(t, err)
		return resync
	})
	for _, c := range []struct {
		who    portal.Address
		since  int64
		resync bool
		events int
	}{
		{alice, 0, true, 0}, {alice, 1, true, 0}, {alice, 2, false, 1}, {alice, 3, false, 0},
		{bob, 0, true, 0}, {bob, 1, true, 0}, {bob, 2, false, 0}, {bob, 3, false, 0},
		{carol, 0, false, 1}, {carol, 2, false, 1}, {carol, 3, false, 0},
	} {
		// Bob's stretch is forgotten in some round of the upkeep: before and after it he must read afresh.
		evs, resync, err := s.EventsSince(ctx, c.who, c.since, 10)
		if err != nil || resync != c.resync || len(evs) != c.events {
			t.Errorf("%s since %d: %d events, resync %v, %v; want %+v", c.who, c.since, len(evs), resync, err, c)
		}
	}
	must(t, s.DropMember(ctx, lobby, alice))
	clock.advance(2 * time.Hour)
	add(t, s, received(1)) // 4
	eventually(t, "alice's stretch forgotten with what was in it", func() bool {
		_, resync, err := s.EventsSince(ctx, alice, 2, 10)
		must(t, err)
		return resync
	})
	if evs, resync, err := s.EventsSince(ctx, alice, 3, 10); err != nil || resync || len(evs) != 1 {
		t.Errorf("alice, who left having read all: %v, resync %v, %v", evs, resync, err)
	}
}

// testAudienceBound: the bound holds for all that is somebody's together, and each room keeps no more.
func testAudienceBound(t *testing.T, open Open) {
	const bound = 20
	s := start(t, open, storage.Options{EventBound: bound, UpkeepEvery: time.Hour})
	ctx := deadline(t)
	made(t, s, lobby, alice, bob)
	made(t, s, trio, alice)
	for i := range bound/2 + 1 {
		utter(t, s, utterance(lobby, i))
		utter(t, s, utterance(trio, i))
	}
	for _, c := range []struct {
		who    portal.Address
		since  int64
		limit  int
		resync bool
		events int
	}{
		{alice, 0, 10, true, 0}, {alice, 1, 10, true, 0}, {alice, 2, 10, false, 10}, {alice, 2, 500, false, bound}, {alice, 1, 500, true, 0},
		{bob, 0, 10, false, 10}, {bob, 0, 500, false, bound/2 + 1},
	} {
		evs, resync, err := s.EventsSince(ctx, c.who, c.since, c.limit)
		if err != nil || resync != c.resync || len(evs) != c.events {
			t.Errorf("%d events, resync %v, %v; want %+v", len(evs), resync, err, c)
		}
	}
	pruning := start(t, open, storage.Options{EventBound: bound, UpkeepEvery: 5 * time.Millisecond})
	made(t, pruning, lobby, alice, bob)
	for i := range 3 * bound {
		utter(t, pruning, utterance(lobby, i))
	}
	for since := int64(0); since <= 3*bound; since++ {
		evs, resync, err := pruning.EventsSince(ctx, bob, since, 500)
		must(t, err)
		if resync != (since < 2*bound) || !resync && int64(len(evs)) != 3*bound-since {
			t.Errorf("since %d: %d events, resync %v", since, len(evs), resync)
		}
	}
}

// testAudienceOrder: who reads while others write, in rooms and to them alone, is told every event once and in order; none slips in
// below what was read before.
func testAudienceOrder(t *testing.T, open Open) {
	s := start(t, open, storage.Options{EventBound: 100000})
	uris := []portal.Address{lobby, trio, "sip:third@rooms.example.test"}
	for _, uri := range uris {
		made(t, s, uri, alice)
	}
	const writers, each = 8, 25
	var writing, reading sync.WaitGroup
	stop := make(chan struct{})
	for range 2 {
		reading.Go(func() { watchAll(t, s, stop) })
	}
	for w := range writers {
		writing.Go(func() {
			for i := range each {
				n := w*each + i
				var err error
				if w%4 == 3 {
					m := received(n)
					_, _, err = s.AddMessage(deadline(t), m, about(m))
				} else {
					m := utterance(uris[w%4], n)
					_, _, err = s.AddRoomMessage(deadline(t), m, nil, aboutRoom(m))
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	writing.Wait()
	close(stop)
	reading.Wait()
	if evs := all(t, s, alice, 0); len(evs) != writers*each || evs[len(evs)-1].Seq != writers*each {
		t.Errorf("alice was told %d events", len(evs))
	}
}

// watchAll follows alice's log, of which every number is hers.
func watchAll(t *testing.T, s Store, stop chan struct{}) {
	ctx := deadline(t)
	for since := int64(0); ; {
		select {
		case <-stop:
			return
		default:
		}
		evs, resync, err := s.EventsSince(ctx, alice, since, 7)
		if err != nil || resync {
			t.Errorf("log after %d: resync %v, %v", since, resync, err)
			return
		}
		for _, e := range evs {
			if e.Seq != since+1 {
				t.Errorf("after %d came %d", since, e.Seq)
				return
			}
			since = e.Seq
		}
	}
}
