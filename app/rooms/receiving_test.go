package rooms_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"portico/app/portal"
	"portico/app/rooms"
)

// writes is a MESSAGE of somebody to a room.
func (h *house) writes(who, at portal.Address, id, text string) error {
	return h.Receive(h.t.Context(), portal.RoomIncoming{Room: at, From: who, ID: id, Text: text, At: h.o.Now()})
}

// got waits for the next texts that somebody gets, and forgets them.
func (h *house) got(who portal.Address, want ...string) {
	h.t.Helper()
	eventually(h.t, fmt.Sprintf("%s gets %q, has %q", who.User(), want, h.far.texts(who)), func() bool { return len(h.far.texts(who)) >= len(want) })
	texts := h.far.texts(who)
	for i, w := range want {
		if !strings.HasPrefix(texts[i], w) {
			h.t.Errorf("%s got %q, want %q", who.User(), texts[i], w)
		}
	}
	if len(texts) > len(want) {
		h.t.Errorf("%s got %q too", who.User(), texts[len(want):])
	}
	h.far.mu.Lock()
	defer h.far.mu.Unlock()
	h.far.got = slices.DeleteFunc(h.far.got, func(s sent) bool { return s.to == who })
}

func TestACommandAtATime(t *testing.T) {
	h := build(t, rooms.Options{Burst: 1000})
	h.run()
	at := h.room(portal.RoomDraft{Title: "Ops", Topic: "night shift", Members: []portal.Address{alice}})
	fine(t, "help, as somebody wrote the address down", h.writes(bob, "sip:OPS@rooms.example.test", "1", "/help"))
	h.got(bob, "This is Ops.")
	fine(t, "join", h.writes(bob, at, "2", " /JOIN\r\n"))
	h.got(bob, "You are in Ops now.")
	if e := h.sees(bob, at); !e.Mine.SIP || e.Mine.Role != portal.RoleMember {
		t.Errorf("bob is %+v", e.Mine)
	}
	fine(t, "the same command by another way", h.writes(bob, at, "2", "/join"))
	fine(t, "who", h.writes(bob, at, "3", "/who"))
	h.got(bob, "2 here: Alice Adams, Bob Brown")
	fine(t, "topic", h.writes(bob, at, "4", "/topic"))
	h.got(bob, "Topic: night shift")
	refused(t, "a member sets the topic", h.writes(bob, at, "5", "/topic day shift"), "room.managers-only")
	h.got(bob, "Only managers of this room")
	refused(t, "the same again", h.writes(bob, at, "5", "/topic day shift"), "room.managers-only")
	fine(t, "a manager", h.PutMember(t.Context(), alice, at, bob, portal.RoleManager))
	fine(t, "sets the topic", h.writes(bob, at, "6", "/topic day shift"))
	h.got(bob, "The topic is now: day shift")
	refused(t, "a long one", h.writes(bob, at, "7", "/topic "+strings.Repeat("x", 1001)), "room.topic")
	h.got(bob, "The topic is too long")
	refused(t, "no command", h.writes(bob, at, "8", "/dance now"), "room.command")
	h.got(bob, "There is no command /dance here")
	fine(t, "no command at all", h.writes(bob, at, "9", "/usr/bin/env is missing"))
	fine(t, "said with a slash", h.writes(bob, at, "10", "//join is how you come in"))
	if got := h.texts(alice, at); got != "/usr/bin/env is missing /join is how you come in" {
		t.Errorf("alice reads %q", got)
	}
	fine(t, "leave", h.writes(bob, at, "11", "/leave"))
	h.got(bob, "You have left Ops.")
	fine(t, "leave again", h.writes(bob, at, "12", "/leave"))
	h.got(bob, "You are not in this room.")
	err := h.writes(alice, at, "13", "/leave")
	refused(t, "the last manager", err, "room.last-manager")
	if !errors.Is(err, portal.ErrForbidden) {
		t.Errorf("a client would try again: %v", err)
	}
	h.got(alice, "You are the last manager")
	fine(t, "a topic is taken off in the portal", topicless(h, at))
	fine(t, "no topic", h.writes(alice, at, "14", "/topic"))
	h.got(alice, "This room has no topic.")
}

func topicless(h *house, at portal.Address) error {
	none := ""
	_, err := h.Change(h.t.Context(), alice, at, portal.RoomChange{Topic: &none})
	return err
}

func TestWhoIsNotInIsToldHow(t *testing.T) {
	h := build(t, rooms.Options{})
	h.run()
	open := h.room(portal.RoomDraft{Title: "Open"})
	closed := h.room(portal.RoomDraft{Title: "Closed", Access: portal.RoomClosed})
	secret := h.room(portal.RoomDraft{Title: "Secret", Access: portal.RoomSecret})
	refused(t, "open", h.writes(bob, open, "1", "hello"), "room.join-first")
	refused(t, "open", h.writes(bob, open, "2", "hello?"), "room.join-first")
	h.got(bob, "You are not in Open")
	h.later(61 * time.Second)
	refused(t, "open", h.writes(bob, open, "3", "hello??"), "room.join-first")
	h.got(bob, "You are not in Open")
	refused(t, "closed", h.writes(carol, closed, "1", "hello"), "room.members-only")
	h.got(carol, "Closed is for its members")
	refused(t, "closed", h.writes(carol, closed, "2", "/join"), "room.closed")
	h.got(carol, "Closed is for its members")
	refused(t, "who", h.writes(carol, closed, "3", "/who"), "room.members-only")
	h.got(carol, "Closed is for its members")
	refused(t, "secret", h.writes(dave, secret, "1", "/help"), "room.not-found")
	refused(t, "nowhere", h.writes(dave, "sip:none@rooms.example.test", "1", "hello"), "room.not-found")
	refused(t, "a stranger", h.writes("sip:x@elsewhere.test", open, "1", "/join"), "room.unknown-person")
	refused(t, "a room", h.writes(closed, open, "1", "/join"), "room.unknown-person")
	refused(t, "no id", h.writes(bob, open, "", "/join"), "message.id")
	h.got(dave)
	if e := h.sees(alice, open); e.Last != 0 || e.Members != 1 {
		t.Errorf("something happened: %+v", e)
	}
}

func TestAFloodFromOneClientIsToldOnce(t *testing.T) {
	h := build(t, rooms.Options{Rate: 1, Burst: 5})
	h.run()
	at := h.room(portal.RoomDraft{Title: "Ops", Members: []portal.Address{bob, carol}})
	stored, late := 0, 0
	for i := range 100 {
		switch err := h.writes(bob, at, fmt.Sprint(i), "spam"); portal.Meaning(err) {
		case nil:
			stored++
		case portal.ErrTooMany:
			late++
		default:
			t.Errorf("%d: %v", i, err)
		}
	}
	if stored != 5 || late != 95 {
		t.Errorf("%d stored, %d refused", stored, late)
	}
	h.got(bob, "That was too much at once. Please wait")
	fine(t, "nobody else is disturbed", h.writes(carol, at, "1", "calm"))
	h.later(2 * time.Second)
	fine(t, "and bob may go on", h.writes(bob, at, "200", "sorry"))
	for i := range 20 {
		if err := h.writes(dave, at, fmt.Sprint(i), "/help"); err != nil && portal.Reason(err) != "room.flood" {
			t.Errorf("help: %v", err)
		}
	}
	eventually(t, "help and one word", func() bool { return len(h.far.texts(dave)) >= 6 })
	if n := len(h.far.texts(dave)); n != 6 {
		t.Errorf("%d answers to a flood of commands", n)
	}
}

// What one says is in the portal and at the others' clients, once, in one order, and not sent back.
func TestSIPMembersHearEverythingOnceInOrder(t *testing.T) {
	h := build(t, rooms.Options{Burst: 1000, Rate: 1000})
	h.run()
	at := h.room(portal.RoomDraft{Title: "Ops", HistoryDays: 0})
	h.says(alice, at, "before")
	fine(t, "join", h.writes(bob, at, "j", "/join"))
	fine(t, "join", h.writes(carol, at, "j", "/join"))
	h.got(bob, "You are in Ops")
	h.got(carol, "You are in Ops")
	h.says(alice, at, "hello")
	fine(t, "bob", h.writes(bob, at, "b1", "from a phone"))
	fine(t, "bob repeats", h.writes(bob, at, "b1", "from a phone"))
	fine(t, "a strange id", h.writes(carol, at, strings.Repeat("é ", 60), "from another"))
	h.got(bob, "Alice Adams: hello", "Carol Čapková: from another")
	h.got(carol, "Alice Adams: hello", "Bob Brown: from a phone")
	if got := h.texts(bob, at); got != "hello from a phone from another" {
		t.Errorf("bob reads %q", got)
	}
	f, err := h.Upload(t.Context(), alice, at, "plan.txt", strings.NewReader("the plan"))
	fine(t, "upload", err)
	_, err = h.Say(t.Context(), alice, at, portal.RoomSaying{ID: "f", Files: []string{f.ID}})
	fine(t, "a file", err)
	h.got(bob, "Alice Adams: [file: plan.txt]")
	fine(t, "leave", h.writes(carol, at, "l", "/leave"))
	h.says(alice, at, "without carol")
	h.got(bob, "Alice Adams: without carol")
	eventually(t, "carol's last", func() bool { return len(h.far.texts(carol)) >= 2 })
	if texts := h.far.texts(carol); texts[len(texts)-1] != "You have left Ops." {
		t.Errorf("carol got %q", texts)
	}
}

// away answers as a server that cannot reach somebody.
func away() error { return portal.Fail(portal.ErrUnavailable, "send.unavailable") }

func TestWhoCannotBeReachedHoldsNobodyBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, rooms.Options{Now: time.Now, Burst: 1000, Senders: 4, SendQueue: 10, MaxAge: time.Hour})
		at := h.room(portal.RoomDraft{Title: "Ops"})
		stop := h.run()
		defer stop()
		gone := true
		h.far.answers(func(ctx context.Context, _ portal.Address, m portal.Outgoing) error {
			h.mu.Lock()
			is := gone && m.To != carol
			h.mu.Unlock()
			if is && m.To == dave { // hangs until the try is given up
				<-ctx.Done()
				return ctx.Err()
			}
			if is {
				return away()
			}
			return nil
		})
		for _, who := range []portal.Address{bob, carol, dave} {
			fine(t, "join", h.writes(who, at, "j", "/join"))
		}
		for i := range 30 {
			h.says(alice, at, fmt.Sprint(i))
			synctest.Wait()
		}
		if got := h.far.texts(carol); len(got) != 31 || got[1] != "Alice Adams: 0" || got[30] != "Alice Adams: 29" {
			t.Errorf("carol got %d: %q", len(got), got)
		}
		pass(10 * time.Minute)
		h.mu.Lock()
		gone = false
		h.mu.Unlock()
		pass(5 * time.Minute)
		synctest.Wait()
		// The join's answer and 30 messages were to come, ten are kept: 21 are missing.
		want := []string{"(21 messages were left out", "Alice Adams: 20"}
		got := h.far.texts(bob)
		if len(got) != 11 || !strings.HasPrefix(got[0], want[0]) || got[1] != want[1] || got[10] != "Alice Adams: 29" {
			t.Errorf("bob got %q", got)
		}
		if got = h.far.texts(dave); len(got) != 11 || !strings.HasPrefix(got[len(got)-1], "Alice Adams: 29") {
			t.Errorf("dave got %q", got)
		}
	})
}

// Two who do not answer at all take two senders once, and then never more than half of them.
func TestWhoDoesNotAnswerHasHalfOfTheSenders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := rooms.Options{Now: time.Now, Senders: 2, SendTimeout: 40 * time.Second, FirstRetry: time.Second, MaxRetry: time.Second}
		h := build(t, o)
		at := h.room(portal.RoomDraft{Title: "Ops"})
		stop := h.run()
		defer stop()
		for _, who := range []portal.Address{bob, carol, dave} {
			fine(t, "join", h.writes(who, at, "j", "/join"))
		}
		synctest.Wait()
		h.far.answers(func(ctx context.Context, _ portal.Address, m portal.Outgoing) error {
			if m.To == carol {
				return nil
			}
			<-ctx.Done()
			return ctx.Err()
		})
		h.says(alice, at, "one")
		pass(60 * time.Second) // the first tries have ended, and others hang
		synctest.Wait()
		h.says(alice, at, "two")
		synctest.Wait()
		if got := h.far.texts(carol); len(got) != 3 || got[2] != "Alice Adams: two" {
			t.Errorf("carol got %q", got)
		}
	})
}

func TestPausesGrowAndEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, rooms.Options{Now: time.Now, MaxAge: 30 * time.Minute})
		at := h.room(portal.RoomDraft{Title: "Ops"})
		stop := h.run()
		defer stop()
		fine(t, "join", h.writes(bob, at, "j", "/join"))
		synctest.Wait()
		begin := time.Now()
		var when []time.Duration
		h.far.answers(func(_ context.Context, _ portal.Address, m portal.Outgoing) error {
			h.mu.Lock()
			defer h.mu.Unlock()
			when = append(when, time.Since(begin))
			return away()
		})
		h.says(alice, at, "hello")
		pass(3 * time.Hour)
		synctest.Wait()
		h.mu.Lock()
		tries := slices.Clone(when)
		h.mu.Unlock()
		if len(tries) < 15 || len(tries) > 40 || tries[len(tries)-1] < 28*time.Minute || tries[len(tries)-1] > 33*time.Minute {
			t.Errorf("%d tries: %v", len(tries), tries)
		}
		for i := 1; i < len(tries); i++ {
			if gap := tries[i] - tries[i-1]; gap < 1500*time.Millisecond || gap > 2*time.Minute {
				t.Errorf("a pause of %v", gap)
			}
		}
		h.far.answers(nil)
		h.says(alice, at, "anybody?")
		synctest.Wait()
		if got := h.far.texts(bob); len(got) != 3 || !strings.HasPrefix(got[1], "(1 messages were left out") || got[2] != "Alice Adams: anybody?" {
			t.Errorf("bob got %q", got)
		}
	})
}

// What can still go goes when the portal ends, and who does not answer does not hold it up.
func TestTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, rooms.Options{Now: time.Now, Burst: 1000, Senders: 2})
		at := h.room(portal.RoomDraft{Title: "Ops"})
		stop := h.run()
		for _, who := range []portal.Address{bob, carol} {
			fine(t, "join", h.writes(who, at, "j", "/join"))
		}
		synctest.Wait()
		h.far.answers(func(ctx context.Context, _ portal.Address, m portal.Outgoing) error {
			if m.To == carol {
				<-ctx.Done()
				return ctx.Err()
			}
			pass(100 * time.Millisecond)
			return ctx.Err()
		})
		for i := range 10 {
			h.says(alice, at, fmt.Sprint(i))
		}
		begin := time.Now()
		stop()
		if d := time.Since(begin); d != 2*time.Second {
			t.Errorf("the end took %v", d)
		}
		if got := h.far.texts(bob); len(got) != 11 || got[10] != "Alice Adams: 9" {
			t.Errorf("bob got %q", got)
		}
		h.far.answers(nil)
		again := h.run() // the same service lives again, with what it still has
		pass(time.Minute)
		synctest.Wait()
		if got := h.far.texts(carol); len(got) != 11 || got[10] != "Alice Adams: 9" {
			t.Errorf("carol got %q", got)
		}
		again()
	})
}

// A refusal for good ends the tries for one message alone.
func TestARefusalIsFinal(t *testing.T) {
	h := build(t, rooms.Options{})
	h.run()
	at := h.room(portal.RoomDraft{Title: "Ops"})
	h.far.answers(func(_ context.Context, _ portal.Address, m portal.Outgoing) error {
		if strings.HasSuffix(m.Text, "one") {
			return portal.Fail(portal.ErrForbidden, "send.declined")
		}
		return nil
	})
	fine(t, "join", h.writes(bob, at, "j", "/join"))
	h.says(alice, at, "one")
	h.says(alice, at, "two")
	h.got(bob, "You are in Ops", "Alice Adams: two")
}

// A message whose commit nobody heard of reaches the others' clients all the same, in its place.
func TestAGapIsLookedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, rooms.Options{Now: time.Now})
		at := h.room(portal.RoomDraft{Title: "Ops"})
		stop := h.run()
		defer stop()
		fine(t, "join", h.writes(bob, at, "j", "/join"))
		lose := func(op string) error {
			if op == "AddRoomMessage" {
				return portal.Fail(portal.ErrUnavailable, "storage.busy")
			}
			return nil
		}
		h.store.after = lose
		_, err := h.Say(t.Context(), alice, at, portal.RoomSaying{ID: "lost", Text: "one"})
		refused(t, "lost", err, "storage.busy")
		h.store.after = nil
		h.says(alice, at, "two")
		synctest.Wait()
		if got := h.far.texts(bob); len(got) != 1 {
			t.Errorf("bob got %q before the gap was closed", got)
		}
		pass(3 * time.Second)
		synctest.Wait()
		if got := h.far.texts(bob); len(got) != 3 || got[1] != "Alice Adams: one" || got[2] != "Alice Adams: two" {
			t.Errorf("bob got %q", got)
		}
	})
}

func TestWordsInOnesLanguage(t *testing.T) {
	h := build(t, rooms.Options{Say: func(to portal.Address, key string, args map[string]string) string {
		if to == bob && key == rooms.WordJoined {
			return "Sie sind in " + args["Room"] + "."
		}
		return ""
	}})
	h.run()
	at := h.room(portal.RoomDraft{Title: "Ops"})
	fine(t, "join", h.writes(bob, at, "j", "/join"))
	fine(t, "join", h.writes(carol, at, "j", "/join"))
	h.got(bob, "Sie sind in Ops.")
	h.got(carol, "You are in Ops now.")
}

// Who comes with a client of their own and has no instant messages any more gets none, also not what waits for them.
func TestNoMessagesBySIPWhereThereAreNone(t *testing.T) {
	var off atomic.Bool
	h := build(t, rooms.Options{InForce: func(who portal.Address) portal.InForce {
		return portal.InForce{MayCreateRooms: true, DisableIM: off.Load() && who == bob}
	}})
	h.run()
	at := h.room(portal.RoomDraft{Title: "Ops", Members: []portal.Address{alice}})
	for _, who := range []portal.Address{bob, erin} {
		fine(t, "join", h.writes(who, at, "j", "/join"))
		h.got(who, "You are in Ops now.")
	}
	off.Store(true)
	for _, text := range []string{"one", "two", "three"} {
		h.says(alice, at, text)
	}
	h.got(erin, "Alice Adams: one", "Alice Adams: two", "Alice Adams: three")
	if got := h.far.texts(bob); len(got) != 0 {
		t.Errorf("bob got %q", got)
	}
	refused(t, "bob writes", h.writes(bob, at, "w", "hello"), "chat.disabled")
	off.Store(false)
	h.says(alice, at, "four")
	h.got(bob, "Alice Adams: four")
}
