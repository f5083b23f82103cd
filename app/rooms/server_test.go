package rooms_test

// Rooms of the SIP server, against one that behaves as Kamailio's imc module does.

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"portico/app/portal"
	"portico/app/rooms"
)

// imc is a server with rooms: commands are answered by a message of its own, what somebody says goes to the others.
type imc struct {
	h *house

	mu      sync.Mutex
	rooms   map[string][]string // members' user parts, the owner first
	private map[string]bool
	silent  bool
	n       int
}

func newIMC(h *house) *imc {
	m := &imc{h: h, rooms: map[string][]string{}, private: map[string]bool{}}
	h.far.answers(func(ctx context.Context, from portal.Address, out portal.Outgoing) error {
		return m.message(ctx, from, out)
	})
	return m
}

// write sends text from a room to one of the people.
func (m *imc) write(ctx context.Context, room, user, text string) error {
	m.n++
	in := portal.Incoming{To: portal.Address("sip:" + user + "@example.test"), From: portal.Address("sip:" + room + "@example.test"),
		ID: fmt.Sprint("imc", m.n), Text: text, At: m.h.o.Now()}
	return m.h.ReceiveServer(ctx, in)
}

func (m *imc) message(ctx context.Context, from portal.Address, out portal.Outgoing) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	room, user := out.To.User(), from.User()
	members, is := m.rooms[room]
	in := slices.Contains(members, user)
	refusal := portal.Fail(portal.ErrUnavailable, "send.server-error")
	if m.silent {
		return nil
	}
	all := func(text string, but string) error {
		for _, u := range m.rooms[room] {
			if u != but {
				if err := m.write(ctx, room, u, text); err != nil {
					return err
				}
			}
		}
		return nil
	}
	switch out.Text {
	case "#rooms":
		text := "Rooms:"
		for r := range m.rooms {
			text += "\n[" + r + "]"
		}
		return m.write(ctx, room, user, text)
	case "#members":
		if !in {
			return refusal
		}
		return m.write(ctx, room, user, "Members:\n*["+strings.Join(members, "]\n[")+"]")
	case "#join":
		switch {
		case !is:
			m.rooms[room] = []string{user}
			return m.write(ctx, room, user, "*** Room was created")
		case in:
			return m.write(ctx, room, user, "*** You are in the room already")
		case m.private[room]:
			return m.write(ctx, room, user, "*** Private rooms are by invitation only. Room owners have been notified.")
		}
		m.rooms[room] = append(members, user)
		return all("*** ["+user+"] has joined the room", "")
	case "#leave":
		switch {
		case !in:
			return refusal
		case members[0] == user:
			return m.write(ctx, room, user, "*** You are the room's owner and cannot leave. Use #destroy if you wish to destroy the room.")
		}
		if err := all("*** ["+user+"] has left the room", ""); err != nil {
			return err
		}
		m.rooms[room] = slices.DeleteFunc(slices.Clone(members), func(u string) bool { return u == user })
		return nil
	}
	if !in {
		return refusal
	}
	return all("["+user+"]: "+out.Text, user)
}

const chatOps = portal.Address("sip:chat-ops@example.test")

func withIMC(t *testing.T, o rooms.Options) (*house, *imc) {
	o.ServerRooms = "sip:chat-*@example.test"
	h := build(t, o)
	return h, newIMC(h)
}

func TestServerRooms(t *testing.T) {
	h, server := withIMC(t, rooms.Options{})
	ctx := t.Context()
	server.rooms["chat-ops"] = []string{"bob", "carol"}
	server.rooms["chat-board"], server.private["chat-board"] = []string{"alice"}, true
	server.rooms["other"] = []string{"bob"}
	list, err := h.ServerRooms(ctx, bob)
	if err != nil || len(list) != 2 || list[0].URI != chatOps || list[0].Title != "ops" || !list[0].Mine.Role.Valid() || list[0].Members != 2 ||
		list[1].Title != "board" || list[1].Mine.Role.Valid() || list[0].Kind != portal.ServerRoom {
		t.Fatalf("%+v %v", list, err)
	}
	tries := h.far.tries
	if again, err := h.ServerRooms(ctx, bob); err != nil || len(again) != 2 || h.far.tries != tries+1 {
		t.Errorf("again: %d rooms by %d questions, %v", len(again), h.far.tries-tries, err)
	}
	fine(t, "join", h.JoinServer(ctx, alice, chatOps))
	fine(t, "join again", h.JoinServer(ctx, alice, chatOps))
	refused(t, "private", h.JoinServer(ctx, bob, "sip:chat-board@example.test"), "room.closed")
	refused(t, "none of the server's", h.JoinServer(ctx, bob, "sip:ops@example.test"), "room.not-found")
	if e, err := h.Get(ctx, bob, chatOps); err != nil || e.Members != 3 || len(e.With) != 2 || !e.Mine.Role.Valid() {
		t.Errorf("bob saw alice come: %+v %v", e, err)
	}
	if r := h.Rights(h.sees(alice, chatOps), alice); !r.Speak || r.Manage || !r.Leave {
		t.Errorf("rights %+v", r)
	}
	fine(t, "leave", h.LeaveServer(ctx, alice, chatOps))
	fine(t, "leave again", h.LeaveServer(ctx, alice, chatOps))
	if e := h.sees(alice, chatOps); e.Mine.Role.Valid() {
		t.Errorf("alice is still in: %+v", e)
	}
	refused(t, "the owner", h.LeaveServer(ctx, bob, chatOps), "room.owner-stays")
	fine(t, "a new one", h.JoinServer(ctx, dave, "sip:chat-new@example.test"))
	if !slices.Equal(server.rooms["chat-new"], []string{"dave"}) {
		t.Errorf("%v", server.rooms)
	}
	if len(h.kept) != 0 {
		t.Errorf("answers were kept as messages: %+v", h.kept)
	}
}

func TestWhatServerRoomsWrite(t *testing.T) {
	h, server := withIMC(t, rooms.Options{})
	server.rooms["chat-ops"] = []string{"bob"}
	for i, text := range []string{"[carol]: hello\nall", "[Offline message - Mon Mar  3 12:00:00 2025] [carol]: I waited", "*** [dave] has joined the room",
		"*** [dave] invites you to join the room (send '#accept' or '#reject')", "*** Invalid command 'x' (send '#help' for help)", "#help - the commands", "Rooms:\n[chat-x]", "[no name here", "[carol]: "} {
		in := portal.Incoming{To: bob, From: chatOps, ID: fmt.Sprint(i), Text: text, At: noon.Add(time.Duration(i) * time.Second)}
		if err := h.ReceiveServer(t.Context(), in); err != nil && portal.Reason(err) != "message.empty" {
			t.Errorf("%q: %v", text, err)
		}
	}
	want := []string{"carol: hello\nall", "carol: I waited", "chat-ops: *** [dave] invites you", "chat-ops: *** Invalid", "chat-ops: #help", "chat-ops: Rooms:", "chat-ops: [no name", "chat-ops: [carol]:"}
	if len(h.kept) != len(want) {
		t.Fatalf("kept %+v", h.kept)
	}
	for i, m := range h.kept {
		if !strings.HasPrefix(m.From.User()+": "+m.Text, want[i]) || m.Owner != bob || m.Conversation != chatOps || m.State != portal.Received {
			t.Errorf("kept %+v, want %q", m, want[i])
		}
	}
	refused(t, "no room", h.ReceiveServer(t.Context(), portal.Incoming{To: bob, From: carol, ID: "1", Text: "x"}), "room.not-found")
	if h.IsServerRoom("sip:chat-@example.test") || !h.IsServerRoom("sip:chat-1@example.test") || h.IsServerRoom("sip:chat-1@rooms.example.test") {
		t.Error("the pattern is read wrong")
	}
}

func TestAServerThatIsSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, server := withIMC(t, rooms.Options{Now: time.Now})
		server.silent = true
		begin := time.Now()
		_, err := h.ServerRooms(t.Context(), bob)
		refused(t, "list", err, "room.server-silent")
		if d := time.Since(begin); d != 5*time.Second {
			t.Errorf("waited %v", d)
		}
		refused(t, "join", h.JoinServer(t.Context(), bob, chatOps), "room.server-silent")
		h.far.answers(func(context.Context, portal.Address, portal.Outgoing) error {
			return portal.Fail(portal.ErrUnavailable, "line.down")
		})
		refused(t, "without a line", h.JoinServer(t.Context(), bob, chatOps), "line.down")
	})
	none := build(t, rooms.Options{})
	_, err := none.ServerRooms(t.Context(), bob)
	refused(t, "where there are none", err, "room.no-server")
}

func TestManyAskAtOnce(t *testing.T) {
	h, server := withIMC(t, rooms.Options{})
	for i := range 30 {
		server.rooms[fmt.Sprint("chat-", i)] = []string{"bob"}
	}
	var all sync.WaitGroup
	for _, who := range []portal.Address{bob, bob, carol, dave} {
		all.Go(func() {
			list, err := h.ServerRooms(t.Context(), who)
			if err != nil || len(list) != 30 || list[0].Mine.Role.Valid() != (who == bob) {
				t.Errorf("%s: %d rooms, %v", who, len(list), err)
			}
		})
	}
	all.Wait()
	if len(h.kept) != 0 {
		t.Errorf("answers were kept as messages: %+v", h.kept)
	}
	fine(t, "nobody asked", h.ReceiveServer(t.Context(), portal.Incoming{To: erin, From: chatOps, ID: "x", Text: "Rooms:\n[chat-1]"}))
	if len(h.kept) != 1 {
		t.Errorf("kept %+v", h.kept)
	}
}
