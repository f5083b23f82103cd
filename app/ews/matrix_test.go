package ews

import (
	"strings"
	"testing"
	"time"

	"portico/app/calendar/recurrence"
	"portico/app/portal"
)

// Cases that calendars kept in two places are known to get wrong, here through a real server: series, privacy and guests together.

// A private meeting is private in the calendars of those who are invited too, who are invited like anybody, and others see only that the time is taken.
func TestPrivateMeetingIsPrivateAtItsGuests(t *testing.T) {
	p := newPeer(t, nil)
	c := p.connector(t, nil)
	alice, bob := p.person("alice"), p.person("bob")
	a := meeting(t, "Private", who(p, "bob", portal.RoleRequired), who(p, "carol", portal.RoleOptional))
	a.Subject, a.Private, a.Show = a.Subject+a.UID, true, portal.ShowBusy
	made, err := c.Create(t.Context(), alice, alice, a, portal.WriteOptions{ChangeID: stamp(t, "private"), Send: true})
	if err != nil {
		t.Fatal(err)
	}
	if !made.Private || len(made.Attendees) != 2 {
		t.Errorf("made: private %t, %+v", made.Private, made.Attendees)
	}
	theirs := entryIn(t, c, bob, a.Subject, nil)
	if !theirs.Private || theirs.Mine || len(theirs.Attendees) != 2 {
		t.Errorf("bob's copy: %+v", theirs.Appointment)
	}
	if err := c.Respond(t.Context(), bob, bob, theirs, time.Time{}, portal.ResponseAccepted, "", portal.Proposal{}, true); err != nil {
		t.Fatal(err)
	}
	own := entryIn(t, c, alice, a.Subject, func(e portal.Entry) bool { return e.Private && answersOf(e)[p.email("bob")] == portal.ResponseAccepted })
	until(t, "the time is taken, and no more is told of it", func() bool {
		rows, err := c.Availability(t.Context(), p.person("dave"), []string{p.email("bob")}, a.Start.Add(-time.Hour), a.End.Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		b, ok := busyAt(rows[0], a.Start)
		if b.Subject != "" || b.Location != "" {
			t.Fatalf("dave is told %q in %q", b.Subject, b.Location)
		}
		return ok && b.Show == portal.ShowBusy
	})
	// And open again, both ways.
	open, err := c.Update(t.Context(), alice, alice, own, portal.AppointmentChange{Private: ptr(false), Location: ptr("Hall")}, portal.WriteOptions{ChangeID: stamp(t, "open"), Send: true})
	if err != nil || open.Private {
		t.Errorf("opened: private %t, %v", open.Private, err)
	}
}

// Series without end, of very many occurrences, and by rules that others skip come back as they were written.
func TestSeriesThatOthersSkipThereAndBack(t *testing.T) {
	p := newPeer(t, nil)
	c := p.connector(t, nil)
	me := p.person("alice")
	for name, rule := range map[string]string{
		"no end":                         "FREQ=WEEKLY;BYDAY=MO",
		"very many":                      "FREQ=DAILY;COUNT=999",
		"every weekday":                  "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
		"every third day":                "FREQ=DAILY;INTERVAL=3",
		"last weekday of the month":      "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
		"first weekend day of the month": "FREQ=MONTHLY;BYDAY=SA,SU;BYSETPOS=1",
		"second day of the month":        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYSETPOS=2",
		"third Monday of the month":      "FREQ=MONTHLY;BYDAY=3MO",
		"last Friday of March":           "FREQ=YEARLY;BYMONTH=3;BYDAY=-1FR",
		"fourth weekday of November":     "FREQ=YEARLY;BYMONTH=11;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=4",
	} {
		t.Run(name, func(t *testing.T) {
			start := at(t, "2026-03-02T08:00:00Z")
			want, err := recurrence.Parse(rule)
			if err != nil {
				t.Fatal(err)
			}
			for s, err := range want.Starts(start.In(location(t, "Europe/Berlin")), false, time.Time{}) { // the server begins with the rule's first
				if err != nil {
					t.Fatal(err)
				}
				start = s.UTC()
				break
			}
			a := portal.Appointment{Subject: "Series " + name, Start: start, End: start.Add(time.Hour), TimeZone: "Europe/Berlin", Recurrence: rule}
			made, err := c.Create(t.Context(), me, me, a, portal.WriteOptions{ChangeID: stamp(t, name)})
			if err != nil {
				t.Fatal(err)
			}
			back, err := c.Entry(t.Context(), me, me, made.RemoteID)
			if err != nil {
				t.Fatal(err)
			}
			got, err := recurrence.Parse(back.Recurrence)
			if err != nil || !back.Start.Equal(a.Start) || got.Count != want.Count {
				t.Fatalf("came back as %q from %s, %v", back.Recurrence, back.Start, err)
			}
			next := func(r recurrence.Rule) (out []string) {
				for s, err := range r.Starts(start.In(location(t, "Europe/Berlin")), false, time.Time{}) {
					if err != nil {
						t.Fatal(err)
					}
					if out = append(out, s.Format(time.RFC3339)); len(out) == 40 {
						break
					}
				}
				return out
			}
			if g, w := strings.Join(next(got), " "), strings.Join(next(want), " "); g != w {
				t.Errorf("%q is not %q:\n%s\n%s", back.Recurrence, rule, g, w)
			}
			if err := c.Delete(t.Context(), me, me, back, time.Time{}, ""); err != nil {
				t.Error(err)
			}
		})
	}
}

// A series takes its owner's time at each of its occurrences, far ahead too; not where one was deleted, and where one was moved to.
func TestSeriesTakesTimeInFreeBusy(t *testing.T) {
	p := newPeer(t, nil)
	c := p.connector(t, nil)
	alice, bob := p.person("alice"), p.person("bob")
	first := at(t, "2027-03-01T13:00:00Z") // a Monday, two in the afternoon in Berlin
	a := portal.Appointment{Subject: "Blocks", Start: first, End: first.Add(time.Hour), TimeZone: "Europe/Berlin", Show: portal.ShowBusy, Recurrence: "FREQ=WEEKLY;BYDAY=MO"}
	made, err := c.Create(t.Context(), bob, bob, a, portal.WriteOptions{ChangeID: stamp(t, "blocks")})
	if err != nil {
		t.Fatal(err)
	}
	berlin := location(t, "Europe/Berlin")
	monday := func(n int) time.Time {
		return time.Date(2027, 3, 1+7*n, 14, 0, 0, 0, berlin).UTC()
	}
	if err := c.Delete(t.Context(), bob, bob, made, monday(2), ""); err != nil {
		t.Fatal(err)
	}
	fresh, err := c.Entry(t.Context(), bob, bob, made.RemoteID)
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := monday(3).Add(20 * time.Hour)
	ch := portal.AppointmentChange{Scope: portal.ScopeOne, Occurrence: monday(3), Start: &elsewhere, End: ptr(elsewhere.Add(time.Hour))}
	if _, err := c.Update(t.Context(), bob, bob, fresh, ch, portal.WriteOptions{ChangeID: stamp(t, "moved")}); err != nil {
		t.Fatal(err)
	}
	for when, want := range map[time.Time]bool{monday(0): true, monday(1): true, monday(2): false, monday(3): false, elsewhere: true, monday(5): true, monday(300): true, monday(300).Add(time.Hour): false} {
		rows, err := c.Availability(t.Context(), alice, []string{p.email("bob")}, when.Add(-6*time.Hour), when.Add(6*time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		if _, busy := busyAt(rows[0], when); busy != want {
			t.Errorf("%s: busy %t, want %t", when.In(berlin), busy, want)
		}
	}
}

// Who is invited to a series whose first occurrence was changed is a guest still, and answers as one.
func TestFirstOccurrenceModifiedMakesNoGuestTheOrganiser(t *testing.T) {
	p := newPeer(t, nil)
	c := p.connector(t, nil)
	alice, bob := p.person("alice"), p.person("bob")
	a := series4(t, "First changed")
	a.Subject, a.Attendees = a.Subject+a.UID, []portal.Attendee{who(p, "bob", portal.RoleRequired)}
	made, err := c.Create(t.Context(), alice, alice, a, portal.WriteOptions{ChangeID: stamp(t, "series"), Send: true})
	if err != nil {
		t.Fatal(err)
	}
	later := a.Start.Add(2 * time.Hour)
	ch := portal.AppointmentChange{Scope: portal.ScopeOne, Occurrence: a.Start, Start: &later, End: ptr(later.Add(time.Hour))}
	if _, err := c.Update(t.Context(), alice, alice, made, ch, portal.WriteOptions{ChangeID: stamp(t, "first"), Send: true}); err != nil {
		t.Fatal(err)
	}
	theirs := entryIn(t, c, bob, a.Subject, func(e portal.Entry) bool { return len(e.Exceptions) == 1 && e.Exceptions[0].Start.Equal(later) })
	if theirs.Mine || theirs.Organizer.Email != p.email("alice") || theirs.Exceptions[0].Mine || !theirs.Exceptions[0].RecurrenceID.Equal(a.Start) {
		t.Errorf("bob's copy: mine %t, of %s, its first %+v", theirs.Mine, theirs.Organizer.Email, theirs.Exceptions[0])
	}
	if err := c.Respond(t.Context(), bob, bob, theirs, time.Time{}, portal.ResponseAccepted, "", portal.Proposal{}, true); err != nil {
		t.Fatal(err)
	}
	own := entryIn(t, c, alice, a.Subject, func(e portal.Entry) bool { return answersOf(e)[p.email("bob")] == portal.ResponseAccepted })
	if !own.Mine || own.Organizer.Email != p.email("alice") {
		t.Errorf("alice's: mine %t, of %s", own.Mine, own.Organizer.Email)
	}
}
