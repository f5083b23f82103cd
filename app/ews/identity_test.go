package ews

import (
	"errors"
	"strings"
	"testing"
	"time"

	"portico/app/ews/ewslab"
	"portico/app/portal"
)

func TestIdentityIsTheDirectorysAndNamesTheServer(t *testing.T) {
	p := newPeer(t, nil)
	c := p.connector(t, nil)
	seen := map[string]bool{}
	for _, user := range []string{"alice", "bob"} {
		id, server, err := c.Identity(t.Context(), p.person(user), p.email(user))
		if err != nil || id == "" || server != "primary" || seen[id] {
			t.Errorf("%s is %q on %q: %v", user, id, server, err)
		}
		seen[id] = true
		if p.lab != nil && !strings.HasPrefix(id, "<GUID=") {
			t.Errorf("%s has the id %q, which is none of the directory", user, id)
		}
		again, _, err := c.Identity(t.Context(), p.person(user), strings.ToUpper(p.email(user)))
		if err != nil || again != id {
			t.Errorf("%s is %q by another spelling: %v", user, again, err)
		}
	}
	if _, _, err := c.Identity(t.Context(), p.person("nobody-at-all"), p.email("nobody-at-all")); !errors.Is(err, portal.ErrNotFound) {
		t.Errorf("who has no mailbox: %v", err)
	}
}

func TestIdentityFindsTheServerAmongSeveral(t *testing.T) {
	one, two := newPeer(t, nil), newPeer(t, func(cfg *ewslab.Config) {
		cfg.People = append(cfg.People, ewslab.Person{User: "zoe", Name: "Zoe", Password: "portico"})
	})
	c := one.connector(t, func(o *Options) {
		second := two.server()
		second.Name = "second"
		o.Servers = append(o.Servers, second)
	})
	for user, want := range map[string]string{"alice": "primary", "zoe": "second"} {
		if id, server, err := c.Identity(t.Context(), one.person(user), one.email(user)); err != nil || server != want || id == "" {
			t.Errorf("%s is %q on %q: %v; expected on %q", user, id, server, err, want)
		}
	}
	if _, _, err := c.Identity(t.Context(), one.person("nobody-at-all"), one.email("nobody-at-all")); !errors.Is(err, portal.ErrNotFound) {
		t.Errorf("who has no mailbox anywhere: %v", err)
	}
}

func TestQuietRemovalTellsNobody(t *testing.T) {
	p := newPeer(t, nil)
	c := p.connector(t, nil)
	alice, bob := p.person("alice"), p.person("bob")
	for _, quiet := range []bool{true, false} {
		subject := "Taken away quietly"
		if !quiet {
			subject = "Taken away loudly"
		}
		start := at(t, "2026-04-06T10:00:00Z")
		e, err := c.Create(t.Context(), alice, alice, portal.Appointment{Subject: subject, Start: start, End: start.Add(time.Hour),
			Attendees: []portal.Attendee{who(p, "bob", portal.RoleRequired)}}, portal.WriteOptions{ChangeID: "quiet-" + subject, Send: true})
		if err != nil {
			t.Fatal(err)
		}
		if got := mailAbout(t, c, bob, subject); got != 1 {
			t.Fatalf("%d invitations", got)
		}
		if err := c.Remove(t.Context(), alice, alice, e, time.Time{}, "", quiet); err != nil {
			t.Fatal(err)
		}
		want := 2
		if quiet {
			want = 1
		}
		if got := mailAbout(t, c, bob, subject); got != want {
			t.Errorf("quiet %v: %d mails about %q, expected %d", quiet, got, subject, want)
		}
		if got, _ := all(t, c, alice); len(got) != 0 {
			t.Errorf("quiet %v: the organiser still has %d entries", quiet, len(got))
		}
	}
}

func TestTheLastChangeIsKnownByItsStamp(t *testing.T) {
	p := newPeer(t, nil)
	c := p.connector(t, nil)
	alice := p.person("alice")
	start := at(t, "2026-04-06T10:00:00Z")
	e, err := c.Create(t.Context(), alice, alice, portal.Appointment{Subject: "Stamped", Start: start, End: start.Add(time.Hour)}, portal.WriteOptions{ChangeID: "crm-1"})
	if err != nil {
		t.Fatal(err)
	}
	if e, err = c.Update(t.Context(), alice, alice, e, portal.AppointmentChange{Subject: ptr("Stamped twice")}, portal.WriteOptions{ChangeID: "crm-1.2"}); err != nil {
		t.Fatal(err)
	}
	for _, got := range []portal.Entry{e, onlyEntry(t, c, alice)} {
		if got.ChangeID != "crm-1" || got.DoneID != "crm-1.2" {
			t.Errorf("made by %q, last changed by %q", got.ChangeID, got.DoneID)
		}
	}
}

// onlyEntry is the only entry of a calendar, as it is read anew.
func onlyEntry(t *testing.T, c *Connector, of portal.Address) portal.Entry {
	t.Helper()
	got, _ := all(t, c, of)
	if len(got) != 1 {
		t.Fatalf("%d entries", len(got))
	}
	for _, e := range got {
		return e
	}
	panic("unreachable")
}
