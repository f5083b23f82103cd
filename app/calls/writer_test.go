package calls_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"portico/app/calls"
	"portico/app/portal"
)

// exchange keeps items by their stamps, as a mailbox does; fail decides what becomes of a try.
type exchange struct {
	mu    sync.Mutex
	items map[string]portal.ConversationNote
	tries int
	fail  func(try int, n portal.ConversationNote) error
}

func (x *exchange) WriteNote(_ context.Context, owner portal.Address, n portal.ConversationNote) (string, string, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.tries++
	if x.fail != nil {
		if err := x.fail(x.tries, n); err != nil {
			return "", "", err
		}
	}
	if x.items == nil {
		x.items = map[string]portal.ConversationNote{}
	}
	was, there := x.items[n.Stamp]
	if !there && n.ItemID != "" {
		return "", "", portal.Fail(portal.ErrNotFound, "exchange.item")
	}
	if !there {
		was.ItemID = fmt.Sprint("item", len(x.items)+1)
	}
	n.ItemID = was.ItemID
	x.items[n.Stamp] = n
	return n.ItemID, "key", nil
}

func (x *exchange) all() (list []portal.ConversationNote) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, n := range x.items {
		list = append(list, n)
	}
	slices.SortFunc(list, func(a, b portal.ConversationNote) int { return strings.Compare(a.ItemID, b.ItemID) })
	return list
}

func (x *exchange) tried() int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.tries
}

// kept is the state of the newest entry.
func (h *house) kept(t *testing.T) portal.KeptState {
	t.Helper()
	list, _, err := h.List(t.Context(), alice, "", 1)
	must(t, err)
	return list[0].Kept
}

func TestKeptInExchange(t *testing.T) {
	x := &exchange{}
	h := build(t, nil, x, func(o *calls.Options) {
		o.Words = func(context.Context, portal.Address) calls.Words {
			return calls.Words{MissedCall: "Verpasster Anruf von", Time: func(t time.Time) string { return t.Format("02.01.2006 15:04") }}
		}
		o.Zone = func(context.Context, portal.Address) *time.Location { return time.FixedZone("there", 7200) }
	})
	ctx := t.Context()
	r := h.ring("1")
	r.Number = "+43 1"
	must(t, h.Rang(ctx, r))
	if h.kept(t) != portal.KeptWaiting {
		t.Errorf("kept: %q", h.kept(t))
	}
	must(t, h.Rang(ctx, h.ring("2")))
	h.advance(11 * time.Second)
	eventually(t, "it is in Exchange", func() bool { return h.kept(t) == portal.KeptThere })
	items := x.all()
	if len(items) != 1 {
		t.Fatalf("items %+v", items)
	}
	n := items[0]
	if n.Class != portal.ClassMissedCall || n.Subject != "Verpasster Anruf von Bob <Builder> (2)" || n.From != (portal.NoteParty{Name: "Bob <Builder>", Email: "bob@mail.example"}) ||
		len(n.To) != 1 || n.To[0].Email != "alice@example.test" || n.Read || n.Phone != "+43 1" || !n.Start.Equal(noon()) {
		t.Errorf("item %+v", n)
	}
	if strings.Contains(n.HTML, "<Builder>") || !strings.Contains(n.HTML, "Bob &lt;Builder&gt;") || !strings.Contains(n.HTML, "22.08.2026 14:00") || !strings.Contains(n.HTML, "Number: +43 1") {
		t.Errorf("text %s", n.HTML)
	}
	h.Dialogs(ctx, alice, []portal.Dialog{{CallID: "2", State: portal.DialogConfirmed}}) // it was taken after all
	h.advance(11 * time.Second)
	eventually(t, "it is put right", func() bool {
		items := x.all()
		return len(items) == 1 && items[0].Class == portal.ClassVoiceCall && items[0].Read && items[0].Subject == "Call from Bob <Builder> (2)"
	})
	eventually(t, "and that is noted", func() bool { return h.kept(t) == portal.KeptThere })

	h.away.Store(true)
	h.Missed(ctx, alice, h.message("<script>alert(1)</script>\nsecond line\x01"))
	h.advance(11 * time.Second)
	eventually(t, "the conversation is in Exchange", func() bool { return len(x.all()) == 2 })
	if n := x.all()[1]; n.Class != portal.ClassMissed || !strings.Contains(n.HTML, "<p>&lt;script&gt;alert(1)&lt;/script&gt;<br>second line</p>") {
		t.Errorf("item %+v", n)
	}
	h.Missed(ctx, alice, h.message("more"))
	h.advance(11 * time.Second)
	eventually(t, "it is written over, not doubled", func() bool {
		items := x.all()
		return len(items) == 2 && strings.HasSuffix(items[1].Subject, "(2)")
	})
	eventually(t, "four are counted", func() bool { return h.told("written") == 4 })
}

// TestNotKept: what policy or the person do not want in Exchange does not get there, and what was taken in time neither.
func TestNotKept(t *testing.T) {
	x := &exchange{}
	h := build(t, nil, x, nil)
	ctx := t.Context()
	set := func(calls bool) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.saving.Calls = calls
	}
	set(false)
	must(t, h.Rang(ctx, h.ring("1")))
	if h.kept(t) != portal.KeptNot {
		t.Errorf("kept: %q", h.kept(t))
	}
	must(t, h.See(ctx, alice, nil))
	set(true)
	h.advance(time.Minute)
	must(t, h.Rang(ctx, h.ring("2")))
	set(false) // they changed their mind
	h.advance(time.Minute)
	eventually(t, "it is not kept", func() bool { return h.kept(t) == portal.KeptNot })
	set(true)
	must(t, h.See(ctx, alice, nil))
	h.advance(time.Minute)
	must(t, h.Rang(ctx, h.ring("3")))
	taken := h.ring("3")
	taken.Taken = true
	must(t, h.Rang(ctx, taken))
	h.advance(time.Minute)
	eventually(t, "it was taken in time", func() bool { return h.kept(t) == portal.KeptNot })
	if x.tried() != 0 {
		t.Errorf("%d tries", x.tried())
	}
}

// TestExchangeAway: an entry waits and arrives, later with each failure; what is refused for good is not tried again.
func TestExchangeAway(t *testing.T) {
	away := true
	x := &exchange{}
	x.fail = func(int, portal.ConversationNote) error {
		if away {
			return portal.Fail(portal.ErrUnavailable, "exchange.down").After(time.Minute)
		}
		return nil
	}
	h := build(t, nil, x, nil)
	must(t, h.Rang(t.Context(), h.ring("1")))
	h.advance(11 * time.Second)
	for try := 1; try <= 12; try++ { // more often than what is given up
		eventually(t, "a try", func() bool { return h.told("retried") == try })
		eventually(t, "it waits", func() bool { // the pause is at least four fifths of what the server asks for
			due, err := h.store.DueCalls(t.Context(), h.now(), 1)
			must(t, err)
			return len(due) == 0
		})
		h.advance(time.Hour)
	}
	x.mu.Lock()
	away = false
	x.mu.Unlock()
	h.advance(time.Hour)
	eventually(t, "it is there", func() bool { return h.kept(t) == portal.KeptThere && len(x.all()) == 1 })

	for name, why := range map[string]error{"refused": portal.Fail(portal.ErrForbidden, "exchange.denied"), "given up": errors.New("odd")} {
		t.Run(name, func(t *testing.T) {
			x := &exchange{fail: func(int, portal.ConversationNote) error { return why }}
			h := build(t, nil, x, func(o *calls.Options) { o.GiveUp = 3 })
			must(t, h.Rang(t.Context(), h.ring("1")))
			eventually(t, "it is refused", func() bool {
				h.advance(time.Hour)
				return h.kept(t) == portal.KeptRefused
			})
			if want := map[string]int{"refused": 1, "given up": 3}[name]; x.tried() != want {
				t.Errorf("%d tries, want %d", x.tried(), want)
			}
		})
	}
	t.Run("deleted there", func(t *testing.T) {
		x := &exchange{}
		h := build(t, nil, x, nil)
		must(t, h.Rang(t.Context(), h.ring("1")))
		h.advance(time.Minute)
		eventually(t, "it is there", func() bool { return h.kept(t) == portal.KeptThere })
		x.mu.Lock()
		clear(x.items)
		x.mu.Unlock()
		must(t, h.Rang(t.Context(), h.ring("2")))
		h.advance(time.Minute)
		eventually(t, "it does not come back", func() bool { return h.kept(t) == portal.KeptNot && len(x.all()) == 0 })
	})
}
