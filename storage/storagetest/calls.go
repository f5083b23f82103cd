package storagetest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"portico/app/portal"
	"portico/storage"
)

// CallStore is what the list of calls asks of storage.
type CallStore interface {
	PutCall(ctx context.Context, c portal.Call, evs ...portal.Addressed) error
	CallOf(ctx context.Context, owner portal.Address, callID string) (portal.Call, bool, error)
	LastOf(ctx context.Context, owner, from portal.Address, kind portal.CallKind) (portal.Call, bool, error)
	Calls(ctx context.Context, owner portal.Address, cursor string, limit int) ([]portal.Call, string, error)
	SeeCalls(ctx context.Context, owner, from portal.Address, ids []string, evs ...portal.Addressed) (int, error)
	DeleteCall(ctx context.Context, owner portal.Address, id string, evs ...portal.Addressed) error
	Unseen(ctx context.Context, owner portal.Address) (int, error)
	DueCalls(ctx context.Context, rested time.Time, limit int) ([]portal.DueCall, error)
	CallKept(ctx context.Context, d portal.DueCall, state portal.KeptState, itemID string, again time.Time) error
	Tell(ctx context.Context, evs ...portal.Addressed) error
}

// missedCall is bob's n-th call for alice.
func missedCall(n int) portal.Call {
	return portal.Call{ID: fmt.Sprint("c", n), Owner: alice, Kind: portal.MissedCall, From: bob, Name: "Bob", Number: "123", CallID: fmt.Sprint("sip", n),
		At: noon().Add(time.Duration(n) * time.Minute), Times: 1, Text: "text"}
}

func callEvent(id string) portal.Addressed {
	return portal.Addressed{For: []portal.Address{alice}, Event: portal.CallEvent{ID: id, Change: portal.Updated}}
}

func testCalls(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	c := missedCall(1)
	must(t, s.PutCall(ctx, c, callEvent("c1")))
	other := missedCall(1)
	other.Owner, other.From = bob, alice
	must(t, s.PutCall(ctx, other))
	for _, find := range []func() (portal.Call, bool, error){
		func() (portal.Call, bool, error) { return s.CallOf(ctx, alice, "sip1") },
		func() (portal.Call, bool, error) { return s.LastOf(ctx, alice, bob, portal.MissedCall) },
	} {
		if got, found, err := find(); err != nil || !found || !reflect.DeepEqual(got, c) {
			t.Errorf("found %+v, %v, %v", got, found, err)
		}
	}
	c.CallID, c.Times, c.At, c.Kind, c.Seen, c.Kept = "sip2", 2, noon().Add(time.Hour), portal.TakenElsewhere, true, portal.KeptThere
	must(t, s.PutCall(ctx, c, callEvent("c1")))
	for _, id := range []string{"sip1", "sip2"} { // it stands for both
		if got, found, err := s.CallOf(ctx, alice, id); err != nil || !found || !reflect.DeepEqual(got, c) {
			t.Errorf("by %s: %+v, %v, %v", id, got, found, err)
		}
	}
	for what, find := range map[string]func() (portal.Call, bool, error){
		"kind":    func() (portal.Call, bool, error) { return s.LastOf(ctx, alice, bob, portal.MissedCall) },
		"from":    func() (portal.Call, bool, error) { return s.LastOf(ctx, alice, carol, portal.TakenElsewhere) },
		"Call-ID": func() (portal.Call, bool, error) { return s.CallOf(ctx, carol, "sip1") },
	} {
		if got, found, err := find(); err != nil || found {
			t.Errorf("another %s: %+v, %v", what, got, err)
		}
	}
	newer := missedCall(3)
	newer.Kind = portal.TakenElsewhere
	must(t, s.PutCall(ctx, newer))
	if got, _, err := s.LastOf(ctx, alice, bob, portal.TakenElsewhere); err != nil || got.ID != "c3" {
		t.Errorf("the last is %+v, %v", got, err)
	}
	must(t, s.DeleteCall(ctx, alice, "c1", callEvent("c1")))
	wantMeaning(t, s.DeleteCall(ctx, alice, "c1", callEvent("c1")), portal.ErrNotFound)
	if _, found, err := s.CallOf(ctx, alice, "sip2"); err != nil || found {
		t.Errorf("deleted, but found: %v", err)
	}
	must(t, s.Tell(ctx, portal.Addressed{For: []portal.Address{alice}, Event: portal.VoicemailEvent{Change: portal.Updated}}))
	if evs := all(t, s, alice, 0); len(evs) != 4 {
		t.Errorf("alice was told %+v", evs)
	}
	for _, bad := range []portal.Call{{ID: "x", Kind: portal.MissedCall}, {Owner: alice, Kind: portal.MissedCall}, {Owner: alice, ID: "x"}} {
		wantMeaning(t, s.PutCall(ctx, bad), portal.ErrInvalid)
	}
}

func testCallPages(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	var want []string
	for i := range 23 {
		c := missedCall(i)
		c.At = noon().Add(time.Duration(i/3) * time.Minute) // several at a time
		must(t, s.PutCall(ctx, c))
		want = append(want, c.ID)
	}
	slices.Reverse(want)
	for _, limit := range []int{1, 5, 23, 200} {
		var got []string
		cursor := ""
		for {
			list, next, err := s.Calls(ctx, alice, cursor, limit)
			must(t, err)
			for _, c := range list {
				got = append(got, c.ID)
			}
			if len(list) > limit {
				t.Fatalf("%d entries, asked for %d", len(list), limit)
			}
			if cursor = next; next == "" {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("by %d: %v", limit, got)
		}
	}
	for _, cursor := range []string{"?", "1", "1.?", "1.2.3", "zzzzzzzzzzzzzzz.1"} {
		_, _, err := s.Calls(ctx, alice, cursor, 1)
		wantMeaning(t, err, portal.ErrInvalid)
	}
	if list, next, err := s.Calls(ctx, bob, "", 10); err != nil || next != "" || len(list) != 0 {
		t.Errorf("bob's list: %v, %v", list, err)
	}
}

func testCallsSeen(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	for i := range 6 {
		c := missedCall(i)
		if i >= 4 {
			c.From = carol
		}
		must(t, s.PutCall(ctx, c))
	}
	for _, step := range []struct {
		from            portal.Address
		ids             []string
		changed, unseen int
	}{
		{"", []string{"c0", "c0", "none"}, 1, 5}, {"", []string{"c0"}, 0, 5}, {bob, []string{"c4", "c1"}, 1, 4}, {carol, nil, 2, 2}, {carol, nil, 0, 2}, {"", nil, 2, 0},
	} {
		head, err := s.EventHead(ctx)
		must(t, err)
		changed, err := s.SeeCalls(ctx, alice, step.from, step.ids, callEvent(""))
		must(t, err)
		unseen, err := s.Unseen(ctx, alice)
		must(t, err)
		after, err := s.EventHead(ctx)
		must(t, err)
		if changed != step.changed || unseen != step.unseen || after-head != int64(min(step.changed, 1)) {
			t.Errorf("%+v: changed %d, unseen %d, %d events", step, changed, unseen, after-head)
		}
	}
	must(t, s.PutCall(ctx, missedCall(0))) // it is put again as not seen
	if n, err := s.Unseen(ctx, alice); err != nil || n != 1 {
		t.Errorf("%d unseen, %v", n, err)
	}
	if n, err := s.Unseen(ctx, carol); err != nil || n != 0 {
		t.Errorf("carol has %d unseen, %v", n, err)
	}
}

func testCallsDue(t *testing.T, open Open) {
	clock := newClock()
	s := start(t, open, storage.Options{Now: clock.now})
	ctx := deadline(t)
	for i := range 3 {
		c := missedCall(i)
		if i > 0 {
			c.Kept = portal.KeptWaiting
		}
		must(t, s.PutCall(ctx, c))
		clock.advance(time.Minute)
	}
	due := func(rested time.Time, want ...string) []portal.DueCall {
		t.Helper()
		list, err := s.DueCalls(ctx, rested, 10)
		must(t, err)
		var got []string
		for _, d := range list {
			got = append(got, fmt.Sprintf("%s %q %d", d.ID, d.ItemID, d.Tries))
		}
		if !slices.Equal(got, want) {
			t.Errorf("due are %v, want %v", got, want)
		}
		return list
	}
	due(noon())
	list := due(clock.now(), `c1 "" 0`, `c2 "" 0`)
	due(noon().Add(time.Minute), `c1 "" 0`) // the other has not rested
	if few, err := s.DueCalls(ctx, clock.now(), 1); err != nil || len(few) != 1 {
		t.Errorf("one was asked for: %v, %v", few, err)
	}
	must(t, s.CallKept(ctx, list[0], portal.KeptThere, "item", time.Time{}))
	must(t, s.CallKept(ctx, list[1], portal.KeptWaiting, "", clock.now().Add(time.Hour)))
	due(clock.now())
	clock.advance(time.Hour)
	second := due(clock.now(), `c2 "" 1`)
	changed := missedCall(2)
	changed.Kept, changed.Times = portal.KeptWaiting, 2
	must(t, s.PutCall(ctx, changed))
	must(t, s.CallKept(ctx, second[0], portal.KeptThere, "item2", time.Time{})) // it changed while it was written
	again := due(clock.now(), `c2 "item2" 0`)
	must(t, s.CallKept(ctx, again[0], portal.KeptRefused, "item2", time.Time{}))
	due(clock.now())
	for id, want := range map[string]portal.KeptState{"sip0": portal.KeptNot, "sip1": portal.KeptThere, "sip2": portal.KeptRefused} {
		if c, _, err := s.CallOf(ctx, alice, id); err != nil || c.Kept != want {
			t.Errorf("%s is %q, %v", id, c.Kept, err)
		}
	}
	c1 := missedCall(1)
	c1.Kept = portal.KeptWaiting
	must(t, s.PutCall(ctx, c1)) // it is there, but as it was
	gone := due(clock.now(), `c1 "item" 0`)
	must(t, s.DeleteCall(ctx, alice, "c1"))
	if err := s.CallKept(ctx, gone[0], portal.KeptThere, "item", time.Time{}); err != nil {
		t.Errorf("an entry that is gone: %v", err)
	}
}

func testCallRetention(t *testing.T, open Open) {
	clock := newClock()
	s := start(t, open, storage.Options{Retention: time.Hour, UpkeepEvery: 5 * time.Millisecond, Now: clock.now})
	ctx := deadline(t)
	for i := range 600 {
		c := missedCall(i)
		c.At = noon().Add(time.Duration(i/300) * 50 * time.Minute)
		must(t, s.PutCall(ctx, c))
	}
	clock.advance(70 * time.Minute)
	eventually(t, "old entries gone", func() bool {
		n, err := s.Unseen(ctx, alice)
		must(t, err)
		return n == 300
	})
	if _, found, err := s.CallOf(ctx, alice, "sip299"); err != nil || found {
		t.Errorf("an old one is found: %v", err)
	}
	if _, found, err := s.CallOf(ctx, alice, "sip300"); err != nil || !found {
		t.Errorf("a young one is gone: %v", err)
	}
	if err := s.DeleteCall(ctx, alice, "c0"); !errors.Is(err, portal.ErrNotFound) {
		t.Errorf("an old one is deleted: %v", err)
	}
}
