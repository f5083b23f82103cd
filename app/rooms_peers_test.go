package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"portico/app/sipua/siptest"
)

// A room with a person in a browser and people at SIP clients that nobody here wrote, through the lab and
// through Kamailio: everyone sees everything once, and all in one order.

const peersRoom = "sip:peers@rooms.example.test"

// roomLine is a message of a room as the API tells it.
type roomLine struct {
	Place               int64
	ID, From, Text      string
	ReplyTo             int64    `json:"reply_to"`
	Mentions            []string `json:"mentions"`
	EditedAt, DeletedAt string
	Pinned              bool
	Version             int64
}

// inRooms gives the log of a room.
func (c *client) inRoom(name string) []roomLine {
	c.t.Helper()
	var out []roomLine
	if status := c.call(http.MethodGet, "/rooms/"+name+"/messages?limit=200", nil, &out); status != http.StatusOK {
		c.t.Fatalf("messages of %s: status %d", name, status)
	}
	return out
}

func (c *client) sayInRoom(name, id, text string) {
	c.t.Helper()
	if status := c.call(http.MethodPost, "/rooms/"+name+"/messages", map[string]string{"id": id, "text": text}, nil); status != http.StatusCreated {
		c.t.Fatalf("say %s in %s: status %d", id, name, status)
	}
}

func (c *client) makeRoom(room map[string]any) {
	c.t.Helper()
	if status := c.call(http.MethodPost, "/rooms", room, nil); status != http.StatusCreated {
		c.t.Fatalf("make room %v: status %d", room["name"], status)
	}
}

// everyRoomServer runs a test with the portal and its rooms behind the lab and behind Kamailio.
func everyRoomServer(t *testing.T, run func(t *testing.T, p *program, server string)) {
	t.Run("lab", func(t *testing.T) {
		p := demo(t, "PORTICO_LAB_ROBOTS_PACE=24h")
		run(t, p, p.lab)
	})
	t.Run("kamailio", func(t *testing.T) {
		listen := siptest.FreeAddr(t)
		k := siptest.StartKamailio(t, siptest.KamailioOptions{RoomsDomain: "rooms.example.test", RoomsURI: "sip:" + listen + ";transport=tcp"})
		run(t, facing(t, k.Proxy("tcp"), "PORTICO_SIP_LISTEN="+listen), k.Addr())
	})
}

func TestRoomOfBrowserLinphoneAndSipp(t *testing.T) {
	everyRoomServer(t, func(t *testing.T, p *program, server string) {
		alice := p.signIn("alice")
		alice.makeRoom(map[string]any{"name": "peers", "title": "Peers", "open": true, "history_days": 0})
		page := alice.live(-1)

		phone := siptest.Linphone(t, siptest.ClientOptions{Proxy: server, User: "bob"})
		peer := siptest.SippAnswer(t, siptest.SippOptions{Proxy: server, User: "carol"})
		carol := func(text string) {
			siptest.Sipp(t, siptest.SippMessage, siptest.SippOptions{Proxy: server, User: "carol", To: peersRoom, Text: text})
		}
		phone.Send(peersRoom, "/join")
		carol("/join")
		await(t, longest, "three members", func() bool {
			var room struct{ Members int }
			return alice.call(http.MethodGet, "/rooms/peers", nil, &room) == http.StatusOK && room.Members == 3
		})
		isTalk := func(text string) bool { return strings.Contains(text, "round ") }

		const rounds = 5
		var wg sync.WaitGroup
		wg.Go(func() {
			for i := range rounds {
				phone.Send(peersRoom, fmt.Sprintf("round %d of bob", i))
			}
		})
		for i := range rounds {
			alice.sayInRoom("peers", fmt.Sprintf("alice-%d", i), fmt.Sprintf("round %d of alice", i))
			carol(fmt.Sprintf("round %d of carol", i))
		}
		wg.Wait()
		await(t, longest, "all that was said", func() bool { return len(alice.inRoom("peers")) == 3*rounds })
		log := alice.inRoom("peers")
		for i, m := range log {
			if m.Place != int64(i+1) {
				t.Errorf("message %d stands at place %d", i, m.Place)
			}
		}

		// The browser: every message once, in the order of the log.
		var heard []string
		for len(heard) < len(log) {
			e := page.until("the room's messages", func(e event) bool { return e.Event == "message" && e.Conversation == peersRoom })
			heard = append(heard, e.Text)
		}
		if !slices.Equal(heard, texts(log, "")) {
			t.Errorf("the browser heard %q, the log says %q", heard, texts(log, ""))
		}
		// The phones: every message of others once, in the same order, with who said it.
		lastOf := func(own string) string {
			all := texts(log, own)
			return all[len(all)-1]
		}
		spoken := func(received []string) (out []string) {
			for _, text := range received {
				if isTalk(text) {
					_, said, _ := strings.Cut(text, ": ")
					out = append(out, said)
				}
			}
			return out
		}
		onPhone := func() (out []string) {
			for _, m := range phone.Received() {
				if m.From != peersRoom {
					t.Errorf("bob has a message of %s: %q", m.From, m.Text)
				}
				out = append(out, m.Text)
			}
			return out
		}
		await(t, longest, "bob's phone to have all", func() bool { return slices.Contains(spoken(onPhone()), lastOf("sip:bob@example.test")) })
		await(t, longest, "carol's sipp to have all", func() bool { return slices.Contains(spoken(peer.Received()), lastOf("sip:carol@example.test")) })
		if got, want := spoken(onPhone()), texts(log, "sip:bob@example.test"); !slices.Equal(got, want) {
			t.Errorf("bob's phone has %q, want %q", got, want)
		}
		if got, want := spoken(peer.Received()), texts(log, "sip:carol@example.test"); !slices.Equal(got, want) {
			t.Errorf("carol's sipp has %q, want %q", got, want)
		}

		// Who is there, and leaving.
		phone.Send(peersRoom, "/who")
		await(t, longest, "an answer to /who", func() bool {
			return slices.ContainsFunc(onPhone(), func(s string) bool { return strings.HasPrefix(s, "3 ") })
		})
		phone.Send(peersRoom, "/leave")
		await(t, longest, "bob to be gone", func() bool {
			var room struct{ Members int }
			return alice.call(http.MethodGet, "/rooms/peers", nil, &room) == http.StatusOK && room.Members == 2
		})
		before := len(alice.inRoom("peers"))
		phone.Send(peersRoom, "round 99 of somebody who is not in")
		alice.sayInRoom("peers", "alice-last", "round 100 of alice")
		await(t, longest, "carol to hear what bob does not", func() bool { return slices.Contains(spoken(peer.Received()), "round 100 of alice") })
		await(t, longest, "bob to be told that he is not in", func() bool {
			return slices.ContainsFunc(onPhone(), func(s string) bool { return strings.Contains(s, "/join") && !strings.Contains(s, "/leave") })
		})
		if got := len(alice.inRoom("peers")); got != before+1 {
			t.Errorf("%d messages, want %d: somebody who is not in was heard", got, before+1)
		}
		if slices.Contains(spoken(onPhone()), "round 100 of alice") {
			t.Error("bob hears the room he left")
		}
	})
}

// A room that lives on Kamailio (its module imc): joined and used from the portal as from SIP clients, everyone hears
// everything once. That server promises no order.
func TestRoomOfTheServerItself(t *testing.T) {
	const room = "sip:chat-canteen@example.test"
	k := siptest.StartKamailio(t, siptest.KamailioOptions{IMC: true})
	p := facing(t, k.Proxy("tcp"), "PORTICO_ROOMS_SERVER_ROOMS=sip:chat-*@example.test")
	alice := p.signIn("alice")
	path := url.PathEscape(room)
	page := alice.live(-1)
	phone := siptest.Linphone(t, siptest.ClientOptions{Proxy: k.Addr(), User: "bob"})
	peer := siptest.SippAnswer(t, siptest.SippOptions{Proxy: k.Addr(), User: "carol"})
	carol := func(text string) {
		siptest.Sipp(t, siptest.SippMessage, siptest.SippOptions{Proxy: k.Addr(), User: "carol", To: room, Text: text})
	}
	onPhone := func() (out []string) {
		for _, m := range phone.Received() {
			out = append(out, m.Text)
		}
		return out
	}
	has := func(all []string, text string) int {
		n := 0
		for _, s := range all {
			if strings.HasSuffix(s, text) {
				n++
			}
		}
		return n
	}
	phone.Send(room, "#create") // who creates a room there cannot leave it
	await(t, longest, "the room to be there", func() bool { return has(onPhone(), "Room was created") == 1 })
	if status := alice.call(http.MethodPut, "/server-rooms/"+path, nil, nil); status/100 != 2 {
		t.Fatalf("join: status %d", status)
	}
	await(t, longest, "alice to be in", func() bool { return has(onPhone(), "[alice] has joined the room") == 1 })
	carol("#join")
	await(t, longest, "carol to be in", func() bool { return has(onPhone(), "[carol] has joined the room") == 1 })
	var list []struct{ URI, Kind string }
	if status := alice.call(http.MethodGet, "/server-rooms", nil, &list); status != http.StatusOK || len(list) != 1 || list[0].URI != room || list[0].Kind != "server" {
		t.Errorf("the server's rooms: status %d, %+v", status, list)
	}

	if status := alice.call(http.MethodPost, "/conversations/"+path+"/messages", map[string]string{"id": "imc-1", "text": "round of alice"}, nil); status != http.StatusAccepted {
		t.Fatalf("say: status %d", status)
	}
	phone.Send(room, "round of bob")
	carol("round of carol")
	heard := map[string]string{}
	for len(heard) < 3 {
		e := page.until("what is said in the room", func(e event) bool { return e.Event == "message" && e.Conversation == room })
		if _, twice := heard[e.Text]; twice {
			t.Errorf("%q came twice", e.Text)
		}
		heard[e.Text] = e.From
	}
	for text, from := range map[string]string{"round of alice": "sip:alice@example.test", "round of bob": "sip:bob@example.test", "round of carol": "sip:carol@example.test"} {
		if heard[text] != from {
			t.Errorf("%q came from %q, want %s", text, heard[text], from)
		}
	}
	await(t, longest, "bob to hear the others once", func() bool {
		return has(onPhone(), "round of alice") == 1 && has(onPhone(), "round of carol") == 1
	})
	await(t, longest, "carol to hear the others once", func() bool {
		return has(peer.Received(), "round of alice") == 1 && has(peer.Received(), "round of bob") == 1
	})
	if status := alice.call(http.MethodDelete, "/server-rooms/"+path, nil, nil); status/100 != 2 {
		t.Errorf("leave: status %d", status)
	}
}

// texts are the messages of a log without those of somebody.
func texts(log []roomLine, but string) []string {
	var out []string
	for _, m := range log {
		if m.From != but {
			out = append(out, m.Text)
		}
	}
	return out
}

// A member at a phone and in a browser at once: the browser has each message once, though the SIP server brings the
// portal a fork of what goes to the phone.
func TestRoomMemberWithPhoneAndBrowser(t *testing.T) {
	everyRoomServer(t, func(t *testing.T, p *program, server string) {
		alice, bob := p.signIn("alice"), p.signIn("bob")
		alice.makeRoom(map[string]any{"name": "peers", "title": "Peers", "open": true, "history_days": 0})
		phone := siptest.Linphone(t, siptest.ClientOptions{Proxy: server, User: "bob"})
		phone.Send(peersRoom, "/join")
		await(t, longest, "bob in the room", func() bool {
			return bob.call(http.MethodGet, "/rooms/peers/messages", nil, new([]json.RawMessage)) == http.StatusOK
		})
		page := bob.live(-1)
		for _, id := range ids("both", 10) {
			alice.sayInRoom("peers", id, "round "+id)
		}
		await(t, longest, "bob's phone to have all", func() bool {
			n := 0
			for _, m := range phone.Received() {
				if strings.Contains(m.Text, ": round both-") {
					n++
				}
			}
			return n == 10
		})
		alice.say("bob", "after", "and now to you alone")
		var heard []string
		page.until("what comes after", func(e event) bool {
			if e.Event == "message" && e.Conversation == peersRoom {
				heard = append(heard, e.ID)
			}
			return e.Event == "message" && e.ID == "after"
		})
		if !slices.Equal(heard, ids("both", 10)) {
			t.Errorf("the browser heard %q", heard)
		}
		for _, m := range bob.messages("alice") {
			if strings.Contains(m.Text, "round") {
				t.Errorf("a message of the room is among those of alice: %q", m.Text)
			}
		}
		var list []struct{ Peer string }
		if status := bob.call(http.MethodGet, "/conversations", nil, &list); status != http.StatusOK {
			t.Fatalf("conversations: status %d", status)
		}
		for _, c := range list {
			if c.Peer == peersRoom {
				t.Error("the room stands among bob's conversations of two")
			}
		}
	})
}
