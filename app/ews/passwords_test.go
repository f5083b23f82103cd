package ews

import (
	"context"
	"errors"
	"testing"
	"time"

	"portico/app/ews/ewslab"
	"portico/app/ews/soap"
	"portico/app/portal"
)

// ownPasswords is a connector of people who sign in with their own, some of them with a wrong one.
func ownPasswords(t *testing.T, p *peer, l *listener, now func() time.Time, secret func(portal.Address) string, asked func(op, result string)) *Connector {
	return p.connector(t, func(o *Options) {
		o.Handler, o.Bells, o.Now = l, quick(), now
		o.Observe = func(op, result string, _ time.Duration) { asked(op, result) }
		o.Servers[0].Impersonate, o.Servers[0].Username, o.Servers[0].Password = false, "", ""
		o.Credentials = func(_ context.Context, who portal.Address) (string, string, error) {
			return who.User(), secret(who), nil
		}
	})
}

// A reader who cannot get in says nothing of the mailbox; a refused password is left alone, another one is not.
func TestARefusedPasswordIsLeftAlone(t *testing.T) {
	p := newPeer(t, func(*ewslab.Config) {})
	alice, bob := p.person("alice"), p.person("bob")
	at, wrong, asked := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), true, 0
	l := &listener{}
	c := ownPasswords(t, p, l, func() time.Time { return at }, func(who portal.Address) string {
		if who == bob && wrong {
			return "wrong"
		}
		return "portico"
	}, func(string, string) { asked++ })
	try := func(when time.Duration, want int) {
		t.Helper()
		at, asked = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC).Add(when), 0
		for range 5 {
			if _, err := c.Changes(t.Context(), bob, alice, ""); !errors.Is(err, portal.ErrUnauthenticated) {
				t.Fatalf("after %s: %v", when, err)
			}
		}
		if asked != want {
			t.Errorf("after %s the server was asked %d times, want %d", when, asked, want)
		}
	}
	try(0, 1)
	try(29*time.Second, 0)
	try(31*time.Second, 1)
	try(2*time.Minute, 0)
	try(3*time.Minute, 1)
	try(17*time.Minute, 0)
	try(19*time.Minute, 1)
	if _, err := c.Changes(t.Context(), alice, alice, ""); err != nil {
		t.Errorf("alice, whose calendar it is: %v", err)
	}
	if reached, lost := l.counts(); lost != 0 {
		t.Errorf("alice's mailbox was lost %d times and reached %d times by bob", lost, reached)
	}
	wrong = false
	if _, err := c.Changes(t.Context(), bob, bob, ""); err != nil {
		t.Errorf("another password: %v", err)
	}
}

func TestWhatIsLearnedOfPasswords(t *testing.T) {
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	p := newPasswords(func() time.Time { return at })
	who, c := portal.Address("sip:alice@example.test"), &soap.Credentials{User: "alice", Password: "x"}
	refused, away := portal.Fail(portal.ErrUnauthenticated, "x"), portal.Fail(portal.ErrUnavailable, "x")
	for range 3 { // three were under way at once: one refusal
		p.learn(who, c, refused)
	}
	at = at.Add(time.Minute)
	if p.may(who, c) != nil || p.may(who, c) == nil {
		t.Error("one may try again, and one only")
	}
	p.learn(who, c, away)
	if p.may(who, c) != nil {
		t.Error("a server that did not answer has refused nothing")
	}
	p.learn(who, c, nil)
	if err := p.may(who, c); err != nil || len(p.refused) != 0 {
		t.Error("what is accepted is forgotten")
	}
}
