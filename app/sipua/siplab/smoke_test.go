package siplab

import (
	"strings"
	"testing"
)

func TestTalk(t *testing.T) {
	s := newLab(t)
	for _, network := range []string{"tcp", "udp"} {
		a, b := newPhone(t, s, "alice", network).online(), newPhone(t, s, "bob", network).online()
		if m := a.say("bob", "Grüße"); m.status != 200 {
			t.Fatalf("MESSAGE: %s", m.start)
		}
		if m := b.hear("MESSAGE"); m.body != "Grüße" {
			t.Fatalf("heard %q", m.body)
		}
	}
}

const pidfOpen = `<?xml version="1.0"?><presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:alice@example.test"><tuple id="a1"><status><basic>open</basic></status><note>at desk</note></tuple></presence>`

func TestPresenceSmoke(t *testing.T) {
	s := newLab(t)
	a, b := newPhone(t, s, "alice", "tcp").online(), newPhone(t, s, "bob", "tcp").online()
	if m := b.do(ask{method: "SUBSCRIBE", target: "sip:alice@example.test", headers: []string{"Event: presence", "Expires: 600", "Contact: " + b.contact()}}); m.status != 200 {
		t.Fatal(m.start)
	}
	if m := b.hear("NOTIFY"); !strings.Contains(m.body, "closed") {
		t.Fatal(m.body)
	}
	if m := a.do(ask{method: "PUBLISH", target: "sip:alice@example.test", headers: []string{"Event: presence", "Expires: 600", "Content-Type: application/pidf+xml"}, body: pidfOpen}); m.status != 200 {
		t.Fatal(m.start)
	}
	if m := b.hear("NOTIFY"); !strings.Contains(m.body, "at desk") {
		t.Fatal(m.body)
	}
}

func TestOfflineSmoke(t *testing.T) {
	s := newLab(t)
	a := newPhone(t, s, "alice", "tcp").online()
	for _, w := range []string{"one", "two", "three"} {
		if m := a.say("bob", w); m.status != 202 {
			t.Fatal(m.start)
		}
	}
	b := newPhone(t, s, "bob", "tcp").online()
	for _, w := range []string{"one", "two", "three"} {
		if m := b.hear("MESSAGE"); m.body != w || m.get("Date") == "" {
			t.Fatal(m.body)
		}
	}
}
