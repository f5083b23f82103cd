package siptest

import (
	"testing"
	"time"
)

// wait is how long something on loopback may take that takes milliseconds.
const wait = 60 * time.Second

// Two clients of different make write to each other and see each other's presence, through Kamailio.
func TestLinphoneAndBaresip(t *testing.T) {
	k := StartKamailio(t, KamailioOptions{})
	bob := Baresip(t, ClientOptions{Proxy: k.Addr(), User: "bob", Contacts: []string{"alice", "carol"}})
	bob.ExpectPresence("alice", StateUnknown, wait)
	alice := Linphone(t, ClientOptions{Proxy: k.Addr(), User: "alice", Contacts: []string{"bob"}})
	k.WaitBindings("alice", 1, wait)
	k.WaitBindings("bob", 1, wait)

	alice.ExpectPresence("bob", StateOnline, wait)
	bob.ExpectPresence("alice", StateOnline, wait)

	alice.Send("bob", `Grüße, "quoted" & <odd> 🙂`)
	if m := bob.Expect(`Grüße, "quoted" & <odd> 🙂`, wait); m.From != alice.URI() {
		t.Errorf("message came from %s, want %s", m.From, alice.URI())
	}
	bob.Send("alice", "back to you: ok")
	if m := alice.Expect("back to you: ok", wait); m.From != bob.URI() {
		t.Errorf("message came from %s, want %s", m.From, bob.URI())
	}
	if got := alice.Received(); len(got) != 1 {
		t.Errorf("alice received %q, want one message", got)
	}

	bob.SetPresence(StateOffline)
	alice.ExpectPresence("bob", StateOffline, wait)
	bob.SetPresence(StateOnline)
	alice.ExpectPresence("bob", StateOnline, wait)

	alice.Close()
	bob.ExpectPresence("alice", StateOffline, wait)
	k.WaitBindings("alice", 0, wait)
}

// A message to somebody who is away is kept and handed over when they register, its text untouched.
func TestOfflineStore(t *testing.T) {
	k := StartKamailio(t, KamailioOptions{})
	bob := Baresip(t, ClientOptions{Proxy: k.Addr(), User: "bob", Contacts: []string{"alice"}})
	bob.Send("alice", "while you were out")
	k.WaitStored(1, wait)
	alice := Linphone(t, ClientOptions{Proxy: k.Addr(), User: "alice"})
	if m := alice.Expect("while you were out", wait); m.From != bob.URI() {
		t.Errorf("message came from %s, want %s", m.From, bob.URI())
	}
}

// A message to a client that has just vanished, or that hangs, is stored, whatever the server still believes.
func TestStoredWhenTheClientIsGone(t *testing.T) {
	k := StartKamailio(t, KamailioOptions{AnswerTimeout: time.Second})
	alice := Linphone(t, ClientOptions{Proxy: k.Addr(), User: "alice", NoPublish: true})
	send := SippOptions{Proxy: k.Addr(), User: "bob", To: "alice", Status: 202}

	alice.Pause()
	send.Text = "to one who hangs"
	Sipp(t, SippMessage, send)
	k.WaitStored(1, wait)

	alice.Kill()
	send.Text = "to one who vanished"
	Sipp(t, SippMessage, send)
	k.WaitStored(2, wait)

	again := Linphone(t, ClientOptions{Proxy: k.Addr(), User: "alice", NoPublish: true})
	again.Expect("to one who hangs", wait)
	again.Expect("to one who vanished", wait)
}

// A stop and start of the server loses the registrations; clients come back by themselves, and what was stored is kept.
func TestServerRestart(t *testing.T) {
	var k *Kamailio
	for range 3 {
		k = StartKamailio(t, KamailioOptions{})
		Sipp(t, SippMessage, SippOptions{Proxy: k.Addr(), User: "bob", To: "alice", Text: "kept over the restart", Status: 202})
		k.Restart()
		if !k.insisted { // see TestPresenceOverRestart
			break
		}
	}
	if k.insisted {
		t.Fatal("kamailio hung at each of three closes")
	}
	k.WaitBindings("alice", 0, wait)
	alice := Linphone(t, ClientOptions{Proxy: k.Addr(), User: "alice", NoPublish: true})
	alice.Expect("kept over the restart", wait)

	k.Stop()
	k.Wipe()
	k.Start()
	carol := Linphone(t, ClientOptions{Proxy: k.Addr(), User: "carol", NoPublish: true})
	Sipp(t, SippMessage, SippOptions{Proxy: k.Addr(), User: "bob", To: "carol", Text: "after the restart"})
	carol.Expect("after the restart", wait)
}

// Both clients over UDP and over TLS with a certificate that they check.
func TestClientsOverOtherTransports(t *testing.T) {
	for _, transport := range []string{"udp", "tls"} {
		t.Run(transport, func(t *testing.T) {
			k := StartKamailio(t, KamailioOptions{TLS: transport == "tls"})
			server := k.Addr()
			if transport == "tls" {
				server = k.TLSAddr()
			}
			bob := Baresip(t, ClientOptions{Proxy: server, Transport: transport, CAFile: k.CAFile(), User: "bob", Contacts: []string{"alice"}})
			alice := Linphone(t, ClientOptions{Proxy: server, Transport: transport, CAFile: k.CAFile(), User: "alice", Contacts: []string{"bob"}})
			alice.ExpectPresence("bob", StateOnline, wait)
			bob.ExpectPresence("alice", StateOnline, wait)
			alice.Send("bob", "over "+transport)
			bob.Expect("over "+transport, wait)
			bob.Send("alice", "back over "+transport)
			alice.Expect("back over "+transport, wait)
		})
	}
}
