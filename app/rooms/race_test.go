package rooms_test

// Many at once: everything that can happen in one room happens at the same time, and in the end memory, the store and
// the clients of SIP members agree.

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"portico/app/portal"
	"portico/app/rooms"
)

func TestEverythingAtOnce(t *testing.T) {
	h := build(t, rooms.Options{Now: time.Now, Rate: 1e6, Burst: 1e6, SendQueue: 10_000, CountsEvery: 5 * time.Millisecond, NamesEvery: 5 * time.Millisecond})
	h.run()
	at := h.room(portal.RoomDraft{Title: "Busy", HistoryDays: portal.WholeHistory})
	fine(t, "a SIP member", h.writes(erin, at, "j", "/join"))
	const talkers, each = 8, 40
	who := func(i int) portal.Address { return portal.Address(fmt.Sprintf("sip:t%d@example.test", i)) }
	for i := range talkers {
		_, err := h.Join(t.Context(), who(i), at)
		fine(t, "join", err)
	}
	var all sync.WaitGroup
	for i := range talkers {
		me := who(i)
		all.Go(func() {
			for n := range each {
				d := portal.RoomSaying{ID: strconv.Itoa(n), Text: fmt.Sprintf("%d %d t%d", i, n, (i+1)%talkers)}
				m, err := h.Say(t.Context(), me, at, d)
				if err != nil {
					t.Errorf("say: %v", err)
					return
				}
				if n%5 == 0 {
					if again, err := h.Say(t.Context(), me, at, d); err != nil || again.Place != m.Place {
						t.Errorf("again: %v", err)
					}
					if err := h.React(t.Context(), me, at, m.Place, "👍", true); err != nil {
						t.Errorf("react: %v", err)
					}
				}
			}
		})
		all.Go(func() {
			for n := range each {
				if _, err := h.Mine(t.Context(), me); err != nil {
					t.Errorf("mine: %v", err)
				}
				if err := h.MarkRead(t.Context(), me, at, int64(n)); err != nil {
					t.Errorf("read: %v", err)
				}
				h.Typing(me, at, n%2 == 0)
			}
		})
	}
	all.Go(func() { // somebody comes and goes, and never hears what they must not
		for n := range each {
			if _, err := h.Join(t.Context(), bob, at); err != nil {
				t.Errorf("join: %v", err)
			}
			if _, err := h.Messages(t.Context(), bob, at, portal.RoomPage{}); err != nil {
				t.Errorf("messages: %v", err)
			}
			topic := strconv.Itoa(n)
			if _, err := h.Change(t.Context(), alice, at, portal.RoomChange{Topic: &topic}); err != nil {
				t.Errorf("change: %v", err)
			}
			if err := h.Leave(t.Context(), bob, at); err != nil {
				t.Errorf("leave: %v", err)
			}
			if err := h.SetWords(t.Context(), who(n%talkers), []string{"word" + topic}); err != nil {
				t.Errorf("words: %v", err)
			}
		}
	})
	all.Wait()
	h.checkOrder(at, talkers*each, talkers)
}

// checkOrder compares what the store has with what a SIP member got and what events told.
func (h *house) checkOrder(at portal.Address, messages, talkers int) {
	t := h.t
	t.Helper()
	if e := h.sees(alice, at); e.Last != int64(messages) || e.Unread != messages || e.Members != talkers+2 {
		t.Errorf("alice sees %+v", e)
	}
	eventually(t, "the SIP member has everything", func() bool { return len(h.far.texts(erin)) == messages+1 })
	got := h.far.texts(erin)[1:]
	for first := int64(0); first < int64(messages); {
		page, err := h.Messages(t.Context(), alice, at, portal.RoomPage{After: max(first, 0), Limit: 200})
		if first == 0 { // After: 0 means the newest
			page, err = h.Messages(t.Context(), alice, at, portal.RoomPage{Around: 1, Limit: 200})
		}
		fine(t, "messages", err)
		if len(page) == 0 {
			t.Fatalf("nothing after %d", first)
		}
		for _, m := range page {
			if want := m.From.User() + ": " + m.Text; got[m.Place-1] != want {
				t.Fatalf("place %d: the SIP member has %q, the room %q", m.Place, got[m.Place-1], want)
			}
			first = m.Place
		}
	}
	before := map[portal.Address]int{}
	for i := range talkers {
		w := portal.Address(fmt.Sprintf("sip:t%d@example.test", i))
		e := h.sees(w, at)
		before[w] = e.Mentions
		if e.Unread < 0 || int64(e.Unread) != e.Last-e.Mine.ReadUpTo {
			t.Errorf("%s: %d unread of %d, read %d", w, e.Unread, e.Last, e.Mine.ReadUpTo)
		}
	}
	h.restart()
	for w, n := range before {
		if e := h.sees(w, at); e.Mentions != n {
			t.Errorf("%s has %d mentions, %d after a start", w, n, e.Mentions)
		}
	}
	for _, ev := range h.store.told() {
		if m, is := ev.Event.(portal.MessageEvent); is && (!strings.Contains(list(ev.For), m.From.User()) || ev.Audience != at) {
			t.Errorf("%s was not told of what they said: %s", m.From, list(ev.For))
		}
	}
}
