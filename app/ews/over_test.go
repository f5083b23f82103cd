package ews

import (
	"strings"
	"testing"
	"time"

	"portico/app/portal"
)

// Meetings that are over: taking them out of the calendar is nobody else's business.

// at the time of a test's choice.
func (p *peer) connectorAt(t *testing.T, now time.Time) *Connector {
	t.Helper()
	return p.connector(t, func(o *Options) { o.Now = func() time.Time { return now } })
}

// cancelledFor tells whether somebody's copy of a meeting is marked as cancelled, and whether it is there at all.
func cancelledFor(t *testing.T, c *Connector, of portal.Address, subject string) (there, cancelled bool) {
	t.Helper()
	got, _ := all(t, c, of)
	for _, e := range got {
		if strings.Contains(e.Subject, subject) {
			there, cancelled = true, cancelled || e.Status == portal.StatusCancelled
		}
	}
	return there, cancelled
}

// mailAbout counts what is in somebody's inbox about a meeting.
func mailAbout(t *testing.T, c *Connector, of portal.Address, subject string) (n int) {
	t.Helper()
	err := c.do(t.Context(), of, of, func(a *access) error {
		n = mentions(t, a, "inbox", subject)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A single meeting, a series with one occurrence moved behind its last, and one that an exception makes end earlier: cancelled
// until the last of it is over, from then on only taken away.
func TestMeetingThatIsOverIsCancelledToNobody(t *testing.T) {
	p := newPeer(t, nil)
	c := p.connector(t, nil)
	alice, bob := p.person("alice"), p.person("bob")
	last := at(t, "2026-04-13T12:00:00Z")
	move := func(to string) func(*testing.T, portal.Entry) {
		return func(t *testing.T, e portal.Entry) {
			ch := portal.AppointmentChange{Scope: portal.ScopeOne, Occurrence: last, Start: ptr(at(t, to))}
			if _, err := c.Update(t.Context(), alice, alice, e, ch, portal.WriteOptions{Send: true}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, k := range []struct {
		name, rule string
		allDay     bool
		then       func(*testing.T, portal.Entry)
		now        string
		tells      bool
	}{
		{"single under way", "", false, nil, "2026-03-23T13:59:00Z", true},
		{"single at its end", "", false, nil, "2026-03-23T14:00:00Z", false},
		{"all day in Berlin under way", "", true, nil, "2026-03-23T22:59:00Z", true},
		{"all day in Berlin over", "", true, nil, "2026-03-23T23:00:00Z", false},
		{"series before its last", "FREQ=WEEKLY;COUNT=4;BYDAY=MO", false, nil, "2026-04-13T12:30:00Z", true},
		{"series after its last", "FREQ=WEEKLY;COUNT=4;BYDAY=MO", false, nil, "2026-04-13T13:00:00Z", false},
		{"series until a day, over", "FREQ=WEEKLY;UNTIL=20260413T220000Z;BYDAY=MO", false, nil, "2026-04-13T13:00:00Z", false},
		{"series without end", "FREQ=WEEKLY;BYDAY=MO", false, nil, "2026-07-01T00:00:00Z", true},
		{"series with its last moved back", "FREQ=WEEKLY;COUNT=4;BYDAY=MO", false, move("2026-04-20T12:00:00Z"), "2026-04-14T00:00:00Z", true},
		{"series with its last moved forward", "FREQ=WEEKLY;COUNT=4;BYDAY=MO", false, move("2026-04-10T12:00:00Z"), "2026-04-11T00:00:00Z", false},
	} {
		t.Run(k.name, func(t *testing.T) {
			a := meeting(t, "Over", who(p, "bob", portal.RoleRequired))
			a.Subject += a.UID
			a.Recurrence = k.rule
			if k.allDay {
				a.AllDay, a.Start, a.End = true, day(2026, 3, 23), day(2026, 3, 24)
			}
			made, err := c.Create(t.Context(), alice, alice, a, portal.WriteOptions{Send: true})
			if err != nil {
				t.Fatal(err)
			}
			entryIn(t, c, bob, a.Subject, nil)
			if k.then != nil {
				k.then(t, made)
				entryIn(t, c, bob, a.Subject, func(e portal.Entry) bool { return len(e.Exceptions) == 1 })
				if made, err = c.Entry(t.Context(), alice, alice, made.RemoteID); err != nil {
					t.Fatal(err)
				}
			}
			before := mailAbout(t, c, bob, a.UID)
			if err := p.connectorAt(t, at(t, k.now)).Delete(t.Context(), alice, alice, made, time.Time{}, "It is done"); err != nil {
				t.Fatal(err)
			}
			if there, _ := cancelledFor(t, c, alice, a.UID); there {
				t.Error("alice still has it")
			}
			if k.tells {
				until(t, "bob is told", func() bool { _, cancelled := cancelledFor(t, c, bob, a.UID); return cancelled })
				return
			}
			// What comes after it has come: there is no mail on its way any more that is older.
			b := meeting(t, "After", who(p, "bob", portal.RoleRequired))
			b.Subject += b.UID
			if _, err := c.Create(t.Context(), alice, alice, b, portal.WriteOptions{Send: true}); err != nil {
				t.Fatal(err)
			}
			entryIn(t, c, bob, b.Subject, nil)
			if there, cancelled := cancelledFor(t, c, bob, a.UID); !there || cancelled {
				t.Errorf("bob's copy: there %t, cancelled %t", there, cancelled)
			}
			if n := mailAbout(t, c, bob, a.UID); n != before {
				t.Errorf("bob got %d messages about it", n-before)
			}
		})
	}
}

// Of a series that goes on an occurrence of the past goes without a word, and one that is still to come is cancelled.
func TestOccurrenceThatIsOverIsCancelledToNobody(t *testing.T) {
	p := newPeer(t, nil)
	c := p.connector(t, nil)
	alice, bob := p.person("alice"), p.person("bob")
	a := meeting(t, "Weekly", who(p, "bob", portal.RoleRequired))
	a.Subject += a.UID
	a.Recurrence = "FREQ=WEEKLY;COUNT=4;BYDAY=MO"
	made, err := c.Create(t.Context(), alice, alice, a, portal.WriteOptions{Send: true})
	if err != nil {
		t.Fatal(err)
	}
	entryIn(t, c, bob, a.Subject, nil)
	late := p.connectorAt(t, at(t, "2026-04-05T00:00:00Z"))
	gone, coming := at(t, "2026-03-30T12:00:00Z"), at(t, "2026-04-06T12:00:00Z")
	for _, when := range []time.Time{gone, coming} {
		if err := late.Delete(t.Context(), alice, alice, made, when, "Not this one"); err != nil {
			t.Fatal(err)
		}
		if made, err = c.Entry(t.Context(), alice, alice, made.RemoteID); err != nil {
			t.Fatal(err)
		}
	}
	if len(made.Deleted) != 2 {
		t.Errorf("alice's series is without %v", made.Deleted)
	}
	theirs := entryIn(t, c, bob, a.Subject, func(e portal.Entry) bool { // the one that is to come, which was the later
		return len(e.Deleted)+len(e.Exceptions) > 0
	})
	for _, d := range theirs.Deleted {
		if d.Equal(gone) {
			t.Error("bob was told of the occurrence that is over")
		}
	}
	for _, x := range theirs.Exceptions {
		if x.RecurrenceID.Equal(gone) {
			t.Errorf("bob was told of the occurrence that is over: %+v", x)
		}
	}
}

// Somebody invited who removes what is over declines nothing, whatever they say about it.
func TestInvitedRemovesWhatIsOverWithoutDeclining(t *testing.T) {
	p := newPeer(t, nil)
	c := p.connector(t, nil)
	alice, bob, carol := p.person("alice"), p.person("bob"), p.person("carol")
	a := meeting(t, "Been there", who(p, "bob", portal.RoleRequired), who(p, "carol", portal.RoleRequired))
	a.Subject += a.UID
	made, err := c.Create(t.Context(), alice, alice, a, portal.WriteOptions{Send: true})
	if err != nil {
		t.Fatal(err)
	}
	bobs, carols := entryIn(t, c, bob, a.Subject, nil), entryIn(t, c, carol, a.Subject, nil)
	if err := p.connectorAt(t, at(t, "2026-03-24T00:00:00Z")).Delete(t.Context(), bob, bob, bobs, time.Time{}, "I was there"); err != nil {
		t.Fatal(err)
	}
	if there, _ := cancelledFor(t, c, bob, a.UID); there {
		t.Error("bob still has it")
	}
	if err := c.Delete(t.Context(), carol, carol, carols, time.Time{}, "I cannot come"); err != nil { // before it begins
		t.Fatal(err)
	}
	until(t, "alice hears of carol", func() bool {
		e, err := c.Entry(t.Context(), alice, alice, made.RemoteID)
		return err == nil && answersOf(e)[p.email("carol")] == portal.ResponseDeclined
	})
	e, err := c.Entry(t.Context(), alice, alice, made.RemoteID)
	if err != nil {
		t.Fatal(err)
	}
	if r := answersOf(e)[p.email("bob")]; r != portal.ResponseNone {
		t.Errorf("bob's answer to alice: %s", r)
	}
}
