package siptest

import "testing"

// sipp registers, sends and answers, through Kamailio, over both transports.
func TestSipp(t *testing.T) {
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			k := StartKamailio(t, KamailioOptions{})
			Sipp(t, SippRegister, SippOptions{Proxy: k.Addr(), Transport: transport, User: "carol"})
			k.WaitBindings("carol", map[string]int{"udp": 1, "tcp": 0}[transport], wait)
			bob := SippAnswer(t, SippOptions{Proxy: k.Addr(), Transport: transport, User: "bob"})
			Sipp(t, SippMessage, SippOptions{Proxy: k.Addr(), Transport: transport, User: "alice", To: "bob", Text: "from sipp"})
			bob.Expect("from sipp", wait)
			bob.Stop()
			// One person for each answer: by UDP the server cannot know that an earlier device is gone.
			for user, status := range map[string]int{"erin": 404, "frank": 415, "grace": 486} {
				SippAnswer(t, SippOptions{Proxy: k.Addr(), Transport: transport, User: user, Status: status})
				Sipp(t, SippMessage, SippOptions{Proxy: k.Addr(), Transport: transport, User: "alice", To: user, Status: status})
			}
			Sipp(t, SippMessage, SippOptions{Proxy: k.Addr(), Transport: transport, User: "alice", To: "nobody", Status: 404})
			Sipp(t, SippMessage, SippOptions{Proxy: k.Addr(), Transport: transport, User: "alice", To: "dave", Status: 202})
		})
	}
}

// What a server relays is measured.
func TestRelayRate(t *testing.T) {
	k := StartKamailio(t, KamailioOptions{TrustedIP: "127.0.0.1", SharedMemory: 256})
	for _, digest := range []bool{false, true} {
		r := RelayRate(t, k.Addr(), RelayOptions{Digest: digest, Messages: 2000, Single: 100})
		t.Logf("digest %v: %s", digest, r)
		if r.PerSecond <= 0 || r.Median <= 0 || r.P99 < r.Median {
			t.Errorf("not plausible: %s", r)
		}
	}
}

func TestSipsak(t *testing.T) {
	k := StartKamailio(t, KamailioOptions{})
	if out, err := Sipsak(t, k.Addr(), "-s", "sip:"+k.Domain()); err != nil {
		t.Errorf("OPTIONS: %v\n%s", err, out)
	}
	if out, err := Sipsak(t, k.Addr(), "-U", "-i", "-u", "alice", "-a", k.Password(), "-C", "sip:alice@127.0.0.1:9", "-s", k.URI("alice")); err != nil {
		t.Errorf("REGISTER: %v\n%s", err, out)
	}
	k.WaitBindings("alice", 1, wait)
	if _, err := Sipsak(t, k.Addr(), "-U", "-i", "-u", "bob", "-a", "wrong", "-C", "sip:bob@127.0.0.1:9", "-s", k.URI("bob")); err == nil {
		t.Error("REGISTER with a wrong password was accepted")
	}
	k.WaitBindings("bob", 0, wait)
}
