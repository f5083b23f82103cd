package sipua_test

// Rooms, calls and voice mail with a real server and real clients.

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"portico/app/portal"
	"portico/app/sipua"
	"portico/app/sipua/siptest"
)

// stage is a Kamailio with everything switched on, and an agent that serves its rooms.
type stage struct {
	k *siptest.Kamailio
	a *sipua.Agent
	h *house
}

func newStage(t *testing.T) stage {
	t.Helper()
	w := kamailioWorld(t, "tcp", func(o *siptest.KamailioOptions) {
		o.Calls, o.VoicemailUser, o.IMC, o.RoomsDomain = true, "karl", true, "rooms.example.test"
	})
	w.cfg.RoomsDomain, w.cfg.Dialogs, w.cfg.MessageSummary = "rooms.example.test", true, true
	h := newHouse()
	s := stage{w.kam, start(t, w.cfg, h), h}
	s.k.RouteRooms("sip:" + s.a.Addr() + ";transport=tcp")
	return s
}

func (s stage) client(user string, contacts ...string) siptest.ClientOptions {
	return siptest.ClientOptions{Proxy: s.k.Addr(), User: user, Contacts: contacts, NoPublish: true}
}

func at(user string) portal.Address { return portal.Address("sip:" + user + "@example.test") }

func TestKamailioWithRoomsCallsAndVoiceMail(t *testing.T) {
	s := newStage(t)
	signIn(t, s.a, alice)
	signIn(t, s.a, bob)
	t.Run("rooms", s.rooms)
	t.Run("calls", s.calls)
	t.Run("voice mail", s.voiceMail)
	t.Run("server rooms", s.serverRooms)
}

// echo tells every member but the sender what was said, in the order in which it was taken.
func (s stage) echo(t *testing.T, members []portal.Address) {
	t.Helper()
	queue := make(chan portal.RoomIncoming, 100)
	s.h.note(func() {
		s.h.takeRoom = func(_ context.Context, in portal.RoomIncoming) error {
			queue <- in
			return nil
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := 0; ; n++ {
			var in portal.RoomIncoming
			select {
			case in = <-queue:
			case <-ctx.Done():
				return
			}
			for _, to := range members {
				if to == in.From {
					continue
				}
				out := portal.Outgoing{To: to, ID: fmt.Sprint("echo", n), Text: in.From.User() + ": " + in.Text, At: time.Now()}
				if o, err := s.a.SendFromRoom(ctx, in.Room, out); err != nil || o.State != portal.Delivered {
					t.Errorf("to %s: %s, %v", to, o.State, err)
				}
			}
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-done
		s.h.note(func() { s.h.takeRoom = nil })
	})
}

// Clients of three makes and one person at the portal talk in a room: each hears each of the others once, all in
// the same order.
func (s stage) rooms(t *testing.T) {
	linphone := siptest.Linphone(t, s.client("erin"))
	baresip := siptest.Baresip(t, s.client("frank", string(team)))
	sipp := siptest.SippAnswer(t, siptest.SippOptions{Proxy: s.k.Addr(), User: "grace"})
	members := []portal.Address{alice, at("erin"), at("frank"), at("grace")}
	s.refuses(t)
	s.echo(t, members)
	const rounds = 4
	for i := range rounds {
		linphone.Send(string(team), fmt.Sprint("grüße ", i))
		baresip.Send(string(team), fmt.Sprint("ahoy ", i))
		siptest.Sipp(t, siptest.SippMessage, siptest.SippOptions{Proxy: s.k.Addr(), User: "grace", To: string(team), Text: fmt.Sprint("hello ", i)})
		// A client may send its next message while the one before is being challenged, and so overtake itself.
		s.h.await(t, fmt.Sprint("round ", i), func() bool { return len(s.h.said) == 3*(i+1) })
	}
	s.h.mu.Lock()
	said := slices.Clone(s.h.said)
	s.h.mu.Unlock()
	next := map[portal.Address]int{}
	for _, m := range said {
		if !strings.HasSuffix(m.Text, fmt.Sprint(" ", next[m.From])) || m.Room != team {
			t.Errorf("%s said %q in %s, want number %d", m.From, m.Text, m.Room, next[m.From])
		}
		next[m.From]++
	}
	heard := map[portal.Address]func() []string{
		alice: func() (all []string) {
			s.h.mu.Lock()
			defer s.h.mu.Unlock()
			for _, m := range s.h.messages {
				if m.To == alice && m.From == team {
					all = append(all, m.Text)
				}
			}
			return all
		},
		at("erin"):  func() []string { return texts(t, linphone.Received()) },
		at("frank"): func() []string { return texts(t, baresip.Received()) },
		at("grace"): sipp.Received,
	}
	for _, who := range members {
		var want []string
		for _, m := range said {
			if m.From != who {
				want = append(want, m.From.User()+": "+m.Text)
			}
		}
		eventually(t, fmt.Sprint("all that ", who, " hears"), func() bool { return len(heard[who]()) >= len(want) })
		if got := heard[who](); !slices.Equal(got, want) {
			t.Errorf("%s heard %q, want %q", who, got, want)
		}
	}
	s.h.mu.Lock()
	defer s.h.mu.Unlock()
	if len(s.h.said) != 3*rounds || len(s.h.notices) != 0 || len(s.h.typing) != 0 {
		t.Errorf("the room took more than was said: %v, notices %v, typing %v", s.h.said, s.h.notices, s.h.typing)
	}
}

// refuses: what a room does not take comes back to the sender as what it is.
func (s stage) refuses(t *testing.T) {
	t.Helper()
	for _, tc := range []struct {
		err    error
		status int
	}{
		{portal.Fail(portal.ErrForbidden, "room.members-only"), 403},
		{portal.Fail(portal.ErrNotFound, "room.not-found"), 404},
		{portal.Fail(portal.ErrInvalid, "room.text"), 400},
		{portal.Fail(portal.ErrTooMany, "room.slow").After(time.Minute), 500}, // the server's own way with a 503 of somebody else
	} {
		s.h.note(func() { s.h.takeRoom = func(context.Context, portal.RoomIncoming) error { return tc.err } })
		siptest.Sipp(t, siptest.SippMessage, siptest.SippOptions{Proxy: s.k.Addr(), User: "judy", To: string(team), Text: "no", Status: tc.status})
	}
	siptest.Sipp(t, siptest.SippCall, siptest.SippOptions{Proxy: s.k.Addr(), User: "judy", To: string(team), Status: 488})
}

func texts(t *testing.T, ms []siptest.Message) (all []string) {
	t.Helper()
	for _, m := range ms {
		if m.From != string(team) {
			t.Errorf("%q came from %s", m.Text, m.From)
		}
		all = append(all, m.Text)
	}
	return all
}

// rung waits for the n-th word on calls for somebody.
func (h *house) rung(t *testing.T, who portal.Address, n int) portal.Ring {
	t.Helper()
	var found portal.Ring
	h.await(t, fmt.Sprint("word ", n, " on calls for ", who), func() bool {
		seen := 0
		for _, r := range h.rings {
			if r.To == who {
				if seen++; seen == n {
					found = r
					return true
				}
			}
		}
		return false
	})
	return found
}

// talking waits until the last word on somebody's calls is one call in that state; empty: none.
func (h *house) talking(t *testing.T, who portal.Address, state portal.DialogState) (d portal.Dialog) {
	t.Helper()
	h.await(t, fmt.Sprintf("%s's calls: %q", who, state), func() bool {
		words := h.dialogs[who]
		if len(words) == 0 {
			return false
		}
		last := words[len(words)-1]
		if state == "" {
			return len(last) == 0
		}
		if len(last) == 1 && last[0].State == state {
			d = last[0]
			return true
		}
		return false
	})
	return d
}

func (s stage) calls(t *testing.T) {
	h := s.h
	// Bob is at the portal only.
	siptest.Sipp(t, siptest.SippCall, siptest.SippOptions{Proxy: s.k.Addr(), User: "carol", To: "bob", Status: 488})
	if r := h.rung(t, bob, 1); r.From != carol || r.Name != "carol calls" || r.Taken || r.CallID == "" || r.Number != "" {
		t.Errorf("%+v", r)
	}
	caller := siptest.Baresip(t, s.client("heidi"))
	caller.Dial("bob")
	if r := h.rung(t, bob, 2); r.From != at("heidi") || r.Taken {
		t.Errorf("%+v", r)
	}
	caller.ExpectCall(siptest.NoCall, patience)

	// Dave has a telephone too: he takes a call there, and misses one.
	dave := at("dave")
	device := siptest.Baresip(t, s.client("dave"))
	signIn(t, s.a, dave)
	caller.Dial("dave")
	h.talking(t, dave, portal.DialogEarly)
	device.Answer(patience)
	taken := h.rung(t, dave, 1)
	if !taken.Taken || taken.From != at("heidi") {
		t.Errorf("%+v", taken)
	}
	if d := h.talking(t, dave, portal.DialogConfirmed); d.Initiator || d.Remote != at("heidi") || d.CallID != taken.CallID {
		t.Errorf("%+v", d)
	}
	caller.HangUp()
	h.talking(t, dave, "")
	device.ExpectCall(siptest.NoCall, patience)
	caller.Dial("dave")
	device.ExpectCall(siptest.CallIncoming, patience)
	caller.HangUp()
	if r := h.rung(t, dave, 2); r.Taken || r.CallID == taken.CallID {
		t.Errorf("%+v", r)
	}

	// Ivan's telephone came after the portal had registered: the call is declined there at once, and what became of
	// it is seen in his calls.
	ivan := at("ivan")
	signIn(t, s.a, ivan)
	later := siptest.Baresip(t, s.client("ivan"))
	caller.Dial("ivan")
	if r := h.rung(t, ivan, 1); r.Taken {
		t.Errorf("%+v", r)
	}
	later.Answer(patience)
	if r := h.rung(t, ivan, 2); !r.Taken || r.From != at("heidi") {
		t.Errorf("%+v", r)
	}
	later.HangUp()
	h.talking(t, ivan, "")
	caller.ExpectCall(siptest.NoCall, patience)
}

func (s stage) voiceMail(t *testing.T) {
	siptest.Sipp(t, siptest.SippWaiting, siptest.SippOptions{Proxy: s.k.Addr(), User: "karl", To: "alice", Text: "3/4 (1/0)"})
	want := portal.Waiting{Known: true, Any: true, New: 3, Old: 4, Urgent: 1, Account: "sip:karl@example.test"}
	s.h.await(t, "alice's voice mail", func() bool { w := s.h.waiting[alice]; return len(w) > 0 && w[len(w)-1] == want })
	s.h.mu.Lock()
	defer s.h.mu.Unlock()
	if w := s.h.waiting[bob]; len(w) != 0 {
		t.Errorf("bob is told %+v", w)
	}
}

// Rooms of the server itself (Kamailio's imc) are spoken to in messages, and everything of them arrives as messages
// of the room, as plain text:
//
//	#create chat-team   →  creator: "*** Room was created"
//	#join               →  all, the new one too: "*** [bob] has joined the room"
//	hello               →  the others: "[bob]: hello"
//	#members            →  who asked: "Members:\n*[alice]\n[bob]", the owner with a star
//	#rooms              →  who asked: "Rooms:\n[chat-team]"
//	#leave              →  the others: "*** [bob] has left the room"
//
// The answer of the server to each of the messages is 200, and says nothing but that it understood; what it does
// not take, as a message of somebody who is no member, is 500.
func (s stage) serverRooms(t *testing.T) {
	room := at("chat-team")
	n := 0
	say := func(from portal.Address, text string) {
		t.Helper()
		n++
		if state := send(t, s.a, from, room, fmt.Sprint("imc", n), text); state != portal.Delivered {
			t.Errorf("%q is %s", text, state)
		}
	}
	hears := func(who portal.Address, text string) {
		t.Helper()
		if m := s.h.awaitText(t, who, text); m.From != room || m.WantsDelivered || m.WantsRead {
			t.Errorf("%+v", m)
		}
	}
	say(alice, "#create chat-team")
	hears(alice, "*** Room was created")
	_, err := s.a.Send(within(t), bob, portal.Outgoing{To: room, ID: "stranger", Text: "hello", At: time.Now()})
	if portal.Reason(err) != "send.server-error" {
		t.Errorf("a stranger's message: %v", err)
	}
	say(bob, "#join")
	hears(bob, "*** [bob] has joined the room")
	hears(alice, "*** [bob] has joined the room")
	say(bob, "grüße")
	hears(alice, "[bob]: grüße")
	say(bob, "#members")
	hears(bob, "Members:\n*[alice]\n[bob]")
	say(bob, "#rooms")
	hears(bob, "Rooms:\n[chat-team]")
	say(bob, "#leave")
	hears(alice, "*** [bob] has left the room")
	s.h.mu.Lock()
	defer s.h.mu.Unlock()
	for _, m := range s.h.messages {
		if m.To == bob && m.Text == "[bob]: grüße" {
			t.Error("the room told bob what he had said himself")
		}
	}
}
