package calls_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"portico/app/calls"
	"portico/app/portal"
)

func TestMissedCalls(t *testing.T) {
	h := build(t, nil, nil, nil)
	ctx := t.Context()
	must(t, h.Rang(ctx, h.ring("1")))
	must(t, h.Rang(ctx, h.ring("1"))) // a fork, or told twice
	h.advance(50 * time.Minute)
	must(t, h.Rang(ctx, h.ring("2")))
	h.wantList(t, "missed-call bob@example.test 2 new")
	h.advance(59 * time.Minute) // within the hour after the last
	must(t, h.Rang(ctx, h.ring("3")))
	other := h.ring("4")
	other.From = carol
	must(t, h.Rang(ctx, other))
	h.wantList(t, "missed-call carol@example.test 1 new", "missed-call bob@example.test 3 new")
	h.advance(61 * time.Minute)
	must(t, h.Rang(ctx, h.ring("5"))) // too late for that
	must(t, h.See(ctx, alice, nil))
	must(t, h.Rang(ctx, h.ring("6"))) // what is seen is not counted on
	h.wantList(t, "missed-call bob@example.test 1 new", "missed-call bob@example.test 1 seen", "missed-call carol@example.test 1 seen", "missed-call bob@example.test 3 seen")
	if n, voice, err := h.Counts(ctx, alice); err != nil || n != 1 || voice != 0 {
		t.Errorf("counts %d, %d, %v", n, voice, err)
	}
	want := []string{"call created true", "call updated true", "call updated true", "call created true", "call created true", "call updated false", "call created true"}
	if got := h.events(t); !slices.Equal(got, want) {
		t.Errorf("events %q", got)
	}
	if h.changed[alice] != len(want) || len(h.changed) != 1 {
		t.Errorf("counts were told %v times", h.changed)
	}
	list, _, err := h.List(ctx, alice, "", 1)
	must(t, err)
	if c := list[0]; c.Name != "Bob" || !c.At.Equal(h.now()) || c.Kept != portal.KeptNot {
		t.Errorf("entry %+v", c)
	}
	must(t, h.Delete(ctx, alice, list[0].ID))
	if err := h.Delete(ctx, alice, list[0].ID); portal.Meaning(err) != portal.ErrNotFound {
		t.Errorf("deleted twice: %v", err)
	}
	if err := h.See(ctx, alice, make([]string, 5000)); portal.Meaning(err) != portal.ErrInvalid {
		t.Errorf("too many at once: %v", err)
	}
}

// TestCallersWithoutName: those who hide are not taken for one another; a number is somebody.
func TestCallersWithoutName(t *testing.T) {
	h := build(t, nil, nil, nil)
	for i, number := range []string{"", "", "123", "123", "456"} {
		r := h.ring(fmt.Sprint(i))
		r.From, r.Number = "", number
		must(t, h.Rang(t.Context(), r))
	}
	list, _, err := h.List(t.Context(), alice, "", 0)
	must(t, err)
	var got []string
	for _, c := range list {
		got = append(got, fmt.Sprintf("%s×%d", c.Number, c.Times))
	}
	slices.Sort(got)
	if want := []string{"123×2", "456×1", "×1", "×1"}; !slices.Equal(got, want) {
		t.Errorf("callers %q", got)
	}
}

// TestTakenElsewhere: whichever is heard of first, a call that another device took is not missed.
func TestTakenElsewhere(t *testing.T) {
	confirmed := func(callID string) []portal.Dialog {
		return []portal.Dialog{{CallID: callID, State: portal.DialogConfirmed}}
	}
	for name, steps := range map[string]func(h *house){
		"told at once": func(h *house) {
			r := h.ring("1")
			r.Taken = true
			must(t, h.Rang(t.Context(), r))
		},
		"told afterwards": func(h *house) {
			must(t, h.Rang(t.Context(), h.ring("1")))
			r := h.ring("1")
			r.Taken = true
			must(t, h.Rang(t.Context(), r))
			must(t, h.Rang(t.Context(), r))
			must(t, h.Rang(t.Context(), h.ring("1")))
		},
		"a dialog before": func(h *house) {
			h.Dialogs(t.Context(), alice, confirmed("1"))
			h.Dialogs(t.Context(), alice, nil)
			must(t, h.Rang(t.Context(), h.ring("1")))
		},
		"a dialog afterwards": func(h *house) {
			must(t, h.Rang(t.Context(), h.ring("1")))
			h.Dialogs(t.Context(), alice, []portal.Dialog{{CallID: "1", State: portal.DialogEarly}})
			h.wantList(t, "missed-call bob@example.test 1 new")
			h.Dialogs(t.Context(), alice, confirmed("1"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := build(t, nil, nil, nil)
			steps(h)
			h.wantList(t, "taken bob@example.test 1 seen")
			if n, _, err := h.Counts(t.Context(), alice); err != nil || n != 0 {
				t.Errorf("%d unseen, %v", n, err)
			}
		})
	}
	h := build(t, nil, nil, nil)
	must(t, h.Rang(t.Context(), h.ring("1")))
	must(t, h.Rang(t.Context(), h.ring("2")))
	h.Dialogs(t.Context(), alice, confirmed("1")) // one of several in a row: they have talked
	h.Dialogs(t.Context(), alice, confirmed("3")) // a call of which nothing is known
	h.wantList(t, "taken bob@example.test 2 seen")
}

func TestInCall(t *testing.T) {
	h := build(t, nil, nil, nil)
	states := func(list ...portal.DialogState) {
		var ds []portal.Dialog
		for i, st := range list {
			ds = append(ds, portal.Dialog{ID: fmt.Sprint(i), CallID: fmt.Sprint(i), State: st})
		}
		h.Dialogs(t.Context(), alice, ds)
	}
	states()
	states(portal.DialogTrying, portal.DialogProceeding, portal.DialogEarly)
	states(portal.DialogEarly, portal.DialogConfirmed)
	states(portal.DialogConfirmed, portal.DialogConfirmed)
	states(portal.DialogTerminated)
	states(portal.DialogTerminated)
	for i := range 100 { // what is known of old calls is bounded; talking is told all the same
		h.Dialogs(t.Context(), alice, []portal.Dialog{{CallID: fmt.Sprint("many", i), State: portal.DialogConfirmed}})
	}
	h.SignedIn(alice) // who signs in while their telephone talks is told of again: presence did not know them before
	h.SignedOut(alice)
	h.SignedOut(alice)
	h.SignedIn(alice)
	if want := []string{string(alice) + " true", string(alice) + " false", string(alice) + " true", string(alice) + " true", string(alice) + " false"}; !slices.Equal(h.talking, want) {
		t.Errorf("told %q", h.talking)
	}
}

func TestMissedConversations(t *testing.T) {
	h := build(t, nil, nil, nil)
	ctx := t.Context()
	h.Missed(ctx, alice, h.message("not away"))
	h.away.Store(true)
	own := h.message("said by herself elsewhere")
	own.From = alice
	h.Missed(ctx, alice, own)
	h.wantList(t)
	long := strings.Repeat("ö", 300)
	h.Missed(ctx, alice, h.message(long))
	first := h.now()
	h.advance(5 * time.Hour)
	h.Missed(ctx, alice, h.message("second"))
	from := h.message("from carol")
	from.From, from.Conversation = carol, carol
	h.Missed(ctx, alice, from)
	must(t, h.Rang(ctx, h.ring("1")))
	h.wantList(t, "missed-call bob@example.test 1 new", "missed-conversation carol@example.test 1 new", "missed-conversation bob@example.test 2 new")
	list, _, err := h.List(ctx, alice, "", 0)
	must(t, err)
	if c := list[2]; c.Text != strings.Repeat("ö", 200)+"…" || !c.At.Equal(first) {
		t.Errorf("entry %+v", c)
	}
	h.Read(ctx, alice, bob)
	h.wantList(t, "missed-call bob@example.test 1 seen", "missed-conversation carol@example.test 1 new", "missed-conversation bob@example.test 2 seen")
	before := len(h.events(t))
	h.Read(ctx, alice, bob) // nothing is new: nothing is told
	if after := len(h.events(t)); after != before {
		t.Errorf("%d events for nothing", after-before)
	}
	h.Missed(ctx, alice, h.message("afterwards"))
	h.mu.Lock()
	h.saving.Forbidden = true
	h.mu.Unlock()
	from.From = "sip:dave@example.test"
	h.Missed(ctx, alice, from)
	for _, forbidden := range []bool{true, false} { // what was written before is not shown meanwhile, what is written meanwhile never
		h.mu.Lock()
		h.saving.Forbidden = forbidden
		h.mu.Unlock()
		list, _, err = h.List(ctx, alice, "", 2)
		must(t, err)
		for _, c := range list {
			want := ""
			if c.From == bob && !forbidden {
				want = "afterwards"
			}
			if c.Text != want || c.Times != 1 {
				t.Errorf("forbidden %v: entry %+v, want text %q", forbidden, c, want)
			}
		}
	}
}

// TestAtOnce: calls that come at the same time are counted, each once.
func TestAtOnce(t *testing.T) {
	h := build(t, nil, nil, nil)
	h.away.Store(true)
	var crowd sync.WaitGroup
	for i := range 40 {
		crowd.Go(func() {
			for range 2 {
				if err := h.Rang(t.Context(), h.ring(fmt.Sprint(i))); err != nil {
					t.Error(err)
				}
			}
			h.Missed(t.Context(), alice, h.message(fmt.Sprint(i)))
		})
	}
	crowd.Wait()
	got := h.list(t)
	slices.Sort(got)
	if want := []string{"missed-call bob@example.test 40 new", "missed-conversation bob@example.test 40 new"}; !slices.Equal(got, want) {
		t.Errorf("the list is %q", got)
	}
}

// TestStorageAway: what cannot be stored is stored later, in its order.
func TestStorageAway(t *testing.T) {
	h := build(t, nil, nil, nil)
	h.away.Store(true)
	h.ailing.away.Store(true)
	must(t, h.Rang(t.Context(), h.ring("1")))
	h.Missed(t.Context(), alice, h.message("hello"))
	h.Missed(t.Context(), alice, h.message("again"))
	taken := h.ring("1")
	taken.Taken = true
	must(t, h.Rang(t.Context(), taken))
	h.wantList(t)
	h.ailing.away.Store(false)
	eventually(t, "all is stored", func() bool { return len(h.events(t)) == 4 })
	got := h.list(t)
	slices.Sort(got)
	if want := []string{"missed-conversation bob@example.test 2 new", "taken bob@example.test 1 seen"}; !slices.Equal(got, want) {
		t.Errorf("the list is %q", got)
	}
	list, _, err := h.List(t.Context(), alice, "", 0)
	must(t, err)
	if !slices.ContainsFunc(list, func(c portal.Call) bool { return c.Text == "hello" }) {
		t.Errorf("the first is not the first: %+v", list)
	}
}

// forgetful is a store that stores, and does not say so.
type forgetful struct {
	calls.Store
	deaf atomic.Int64
}

func (f *forgetful) PutCall(ctx context.Context, c portal.Call, evs ...portal.Addressed) error {
	err := f.Store.PutCall(ctx, c, evs...)
	if err == nil && f.deaf.Add(-1) >= 0 {
		return errAway
	}
	return err
}

// TestMissedOnce: a message whose storing was not confirmed is tried again, and counted once.
func TestMissedOnce(t *testing.T) {
	h := build(t, nil, nil, nil)
	f := &forgetful{Store: h.store}
	o := h.o
	o.Away = func(portal.Address) bool { return true }
	o.Changed = nil
	s := calls.New(f, nil, nil, o)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	for i, text := range []string{"first", "second", "third"} {
		f.deaf.Store(1)
		s.Missed(ctx, alice, h.message(text))
		eventually(t, "it was tried again", func() bool { return f.deaf.Load() <= 0 })
		s.Missed(ctx, alice, h.message("beside "+text)) // waits for the one before
		want := 2 * (i + 1)
		eventually(t, "both are counted", func() bool {
			list, _, err := h.List(ctx, alice, "", 0)
			return err == nil && len(list) == 1 && list[0].Times >= want
		})
		h.wantList(t, fmt.Sprintf("missed-conversation bob@example.test %d new", want))
	}
	cancel()
	must(t, <-done)
}

// TestForbiddenText: what was written goes from an entry, and does not get to Exchange, once keeping it is forbidden.
func TestForbiddenText(t *testing.T) {
	x := &exchange{}
	h := build(t, nil, x, func(o *calls.Options) { o.Rest = time.Hour })
	ctx := t.Context()
	h.away.Store(true)
	h.Missed(ctx, alice, h.message("secret of bob"))
	other := h.message("secret of carol")
	other.From, other.Conversation = carol, carol
	h.Missed(ctx, alice, other)
	h.note(func() { h.saving.Forbidden = true })
	h.Missed(ctx, alice, h.message("again"))
	list, _, err := h.List(ctx, alice, "", 0)
	must(t, err)
	for _, c := range list {
		if c.From == bob && (c.Text != "" || c.Times != 2) {
			t.Errorf("entry %+v", c)
		}
	}
	h.advance(2 * time.Hour)
	eventually(t, "both are in Exchange", func() bool { return len(x.all()) == 2 })
	for _, n := range x.all() {
		if strings.Contains(n.HTML, "secret") || strings.Contains(n.HTML, "again") {
			t.Errorf("in Exchange: %s", n.HTML)
		}
	}
}
