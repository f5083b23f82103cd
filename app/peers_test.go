package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"portico/app/sipua/siptest"
)

// A person in the portal and SIP clients that nobody here wrote, through the lab and through Kamailio:
// sign-in and talk by the API, the news on the live channel.

// everyServer runs a test with the portal in front of the lab, as a process of its own, and of Kamailio.
func everyServer(t *testing.T, run func(t *testing.T, p *program, server string)) {
	t.Run("lab", func(t *testing.T) {
		l, proxy := aside(t)
		run(t, facing(t, proxy, "PORTICO_PRESENCE_GRACE=100ms"), l.lab)
	})
	t.Run("kamailio", func(t *testing.T) {
		k := siptest.StartKamailio(t, siptest.KamailioOptions{})
		run(t, facing(t, k.Proxy("tcp"), "PORTICO_PRESENCE_GRACE=100ms"), k.Addr())
	})
}

// befriend puts people on a contact list, so that their presence is watched.
func (c *client) befriend(users ...string) {
	c.t.Helper()
	for _, u := range users {
		if status := c.call(http.MethodPut, "/contacts/"+person(u), map[string]string{"group": "Peers"}, nil); status/100 != 2 {
			c.t.Fatalf("contact %s: status %d", u, status)
		}
	}
}

func TestPortalAndLinphone(t *testing.T) {
	everyServer(t, func(t *testing.T, p *program, server string) {
		phone := siptest.Linphone(t, siptest.ClientOptions{Proxy: server, User: "bob", Contacts: []string{"alice"}})
		withPhone(t, p, phone)
	})
}

func TestPortalAndBaresip(t *testing.T) {
	everyServer(t, func(t *testing.T, p *program, server string) {
		phone := siptest.Baresip(t, siptest.ClientOptions{Proxy: server, User: "bob", Contacts: []string{"alice"}})
		withPhone(t, p, phone)
	})
}

// withPhone: alice in a browser, bob at a phone.
func withPhone(t *testing.T, p *program, phone siptest.Client) {
	alice := p.signIn("alice")
	alice.befriend("bob")
	page := alice.open()
	page.awaitPresence("bob", "available")
	phone.ExpectPresence("alice", siptest.StateOnline, longest)

	alice.say("bob", "out-1", "from the portal: grüße 👋")
	if m := phone.Expect("from the portal: grüße 👋", longest); m.From != alice.who {
		t.Errorf("came from %s", m.From)
	}
	page.awaitState("out-1", "delivered", "read")
	phone.Send("alice", "from the phone: <ok> & done")
	in := page.awaitMessage("bob", "from the phone: <ok> & done")
	if in.Conversation != phone.URI() {
		t.Errorf("in the conversation %s", in.Conversation)
	}
	if linphone, ok := phone.(*siptest.LinphoneClient); ok {
		receipts(t, alice, linphone)
	}
	// Typing goes out whatever the client makes of it, and disturbs nobody.
	if !page.say(map[string]any{"op": "typing", "conversation": "sip:bob@example.test", "typing": true}) {
		t.Error("typing was not taken")
	}
	alice.say("bob", "out-2", "after typing")
	phone.Expect("after typing", longest)
	if got, want := len(phone.Received()), len(alice.archive("bob"))-1; got != want {
		t.Errorf("the phone has %d messages, want %d: %v", got, want, phone.Received())
	}

	phone.Close()
	page.awaitPresence("bob", "offline")
	alice.say("bob", "out-3", "while you are away")
	page.awaitState("out-3", "stored")
	page.check()
}

// receipts: linphone gives a notice of each message it gets, named by Call-ID and compressed. It is taken,
// and is nobody's message.
func receipts(t *testing.T, alice *client, phone *siptest.LinphoneClient) {
	t.Helper()
	await(t, longest, "the notice of delivery at linphone", func() bool { return strings.Contains(phone.Trace(), "message/imdn+xml") })
	alice.say("bob", "out-0", "with a receipt")
	phone.Expect("with a receipt", longest)
	if got := alice.archive("bob"); len(got) != 3 || got[0].State != "delivered" {
		t.Errorf("alice has %+v", got)
	}
}

func TestPortalAndSipp(t *testing.T) {
	everyServer(t, func(t *testing.T, p *program, server string) {
		alice := p.signIn("alice")
		page := alice.open()
		peer := siptest.SippAnswer(t, siptest.SippOptions{Proxy: server, User: "carol"})
		for i, id := range ids("sipp", 20) {
			alice.say("carol", id, fmt.Sprintf("line %d for sipp", i))
		}
		for i, id := range ids("sipp", 20) {
			peer.Expect(fmt.Sprintf("line %d for sipp", i), longest)
			page.awaitState(id, "delivered")
		}
		for i, text := range peer.Received() {
			if want := fmt.Sprintf("line %d for sipp", i); text != want {
				t.Errorf("message %d is %q, want %q", i, text, want)
			}
		}
		siptest.Sipp(t, siptest.SippMessage, siptest.SippOptions{Proxy: server, User: "dave", To: "alice", Text: "sipp says", Calls: 30, Parallel: 5})
		page.await("30 messages of sipp", func() bool {
			n := 0
			for _, e := range page.durable {
				if e.Event == "message" && e.From == "sip:dave@example.test" && e.Text == "sipp says" {
					n++
				}
			}
			return n == 30
		})
		if got := len(alice.archive("dave")); got != 30 {
			t.Errorf("%d of 30 messages in the archive", got)
		}
		page.check()
	})
}

// What is said to somebody away is kept by the server, said to be so, and handed over untouched.
func TestMessagesWaitAtTheServer(t *testing.T) {
	everyServer(t, func(t *testing.T, p *program, _ string) {
		alice, bob := p.signIn("alice"), p.signIn("bob")
		alice.befriend("bob")
		page, gone := alice.open(), bob.open()
		page.awaitPresence("bob", "available")
		gone.close()
		if status := bob.call(http.MethodDelete, "/session", nil, nil); status != http.StatusNoContent {
			t.Fatalf("sign-out: status %d", status)
		}
		page.awaitPresence("bob", "offline")
		texts := []string{"[kept] für später 🌙", "two\nlines", "  spaces and <tags> &amp; \"quotes\""}
		for i, text := range texts {
			alice.say("bob", fmt.Sprintf("kept-%d", i), text)
		}
		for i := range texts {
			page.awaitState(fmt.Sprintf("kept-%d", i), "stored")
		}
		back := p.signIn("bob").open()
		for i := range texts {
			page.awaitState(fmt.Sprintf("kept-%d", i), "delivered")
		}
		// Kamailio hands all over at the same moment, so they may come in any order.
		got := map[string]string{}
		for _, m := range back.c.archive("alice") {
			got[m.ID] = m.Text
		}
		for i, text := range texts {
			if id := fmt.Sprintf("kept-%d", i); len(got) != len(texts) || got[id] != text {
				t.Errorf("bob has %q, want %q", got, texts)
			}
		}
		page.check()
		back.check()
	})
}
