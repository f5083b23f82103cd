package ews

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"portico/app/portal"
)

// Meetings between mailboxes of a real server: invited, answered, changed, passed on, cancelled.

func who(p *peer, user string, role portal.AttendeeRole) portal.Attendee {
	return portal.Attendee{Name: user, Email: p.email(user), Role: role}
}

// entryIn waits for a meeting in somebody's calendar.
func entryIn(t *testing.T, c *Connector, of portal.Address, subject string, ok func(portal.Entry) bool) portal.Entry {
	t.Helper()
	var e portal.Entry
	until(t, "the meeting "+subject+" is in the calendar of "+string(of), func() bool {
		got, _ := all(t, c, of)
		found := bySubject(got, subject)
		if found == nil || ok != nil && !ok(*found) {
			return false
		}
		e = *found
		return true
	})
	return e
}

func answersOf(e portal.Entry) map[string]portal.Response {
	out := map[string]portal.Response{}
	for _, a := range e.Attendees {
		out[strings.ToLower(a.Email)] = a.Response
	}
	return out
}

func attendeeOf(e portal.Entry, email string) portal.Attendee {
	for _, a := range e.Attendees {
		if strings.EqualFold(a.Email, email) {
			return a
		}
	}
	return portal.Attendee{}
}

// Somebody invites, the others answer with a comment and another time; the organiser sees who said what and when.
func TestMeetingIsAnsweredWithCommentAndProposal(t *testing.T) {
	p := newPeer(t, nil)
	c := p.connector(t, nil)
	alice, bob, carol := p.person("alice"), p.person("bob"), p.person("carol")
	a := meeting(t, "Answered", who(p, "bob", portal.RoleRequired), who(p, "carol", portal.RoleOptional))
	a.Subject += a.UID
	made, err := c.Create(t.Context(), alice, alice, a, portal.WriteOptions{ChangeID: "m1" + a.UID, Send: true})
	if err != nil {
		t.Fatal(err)
	}
	if !made.Meeting || !made.Mine || made.Response != portal.ResponseOrganizer || made.InvitedAt.IsZero() {
		t.Errorf("made: %+v", made.Appointment)
	}
	at1 := entryIn(t, c, bob, a.Subject, nil)
	if at1.Mine || at1.Response != portal.ResponseNone || at1.Organizer.Email != p.email("alice") || at1.UID != made.UID || !at1.Start.Equal(made.Start) {
		t.Errorf("bob's copy: %+v", at1.Appointment)
	}
	propose := portal.Proposal{Start: at(t, "2026-03-24T13:00:00Z"), End: at(t, "2026-03-24T14:00:00Z")}
	if err := c.Respond(t.Context(), bob, bob, at1, time.Time{}, portal.ResponseTentative, "Tuesday suits\nme better", propose, true); err != nil {
		t.Fatalf("bob answers: %v", err)
	}
	at2 := entryIn(t, c, carol, a.Subject, nil)
	if err := c.Respond(t.Context(), carol, carol, at2, time.Time{}, portal.ResponseAccepted, "", portal.Proposal{}, true); err != nil {
		t.Fatalf("carol answers: %v", err)
	}
	own := entryIn(t, c, alice, a.Subject, func(e portal.Entry) bool {
		return answersOf(e)[p.email("bob")] == portal.ResponseTentative && answersOf(e)[p.email("carol")] == portal.ResponseAccepted && attendeeOf(e, p.email("bob")).Comment != ""
	})
	b := attendeeOf(own, p.email("bob"))
	if b.Comment != "Tuesday suits\nme better" || !b.ProposedStart.Equal(propose.Start) || !b.ProposedEnd.Equal(propose.End) || b.RespondedAt.IsZero() || b.Role != portal.RoleRequired {
		t.Errorf("bob's answer: %+v", b)
	}
	if k := attendeeOf(own, p.email("carol")); k.Comment != "" || k.Role != portal.RoleOptional || k.RespondedAt.IsZero() {
		t.Errorf("carol's answer: %+v", k)
	}
	// A changed answer is told again, and is the one that counts.
	mine := entryIn(t, c, bob, a.Subject, func(e portal.Entry) bool { return e.Response == portal.ResponseTentative })
	if err := c.Respond(t.Context(), bob, bob, mine, time.Time{}, portal.ResponseAccepted, "It works after all", portal.Proposal{}, true); err != nil {
		t.Fatalf("bob answers again: %v", err)
	}
	own = entryIn(t, c, alice, a.Subject, func(e portal.Entry) bool {
		return answersOf(e)[p.email("bob")] == portal.ResponseAccepted && attendeeOf(e, p.email("bob")).Comment == "It works after all"
	})
	if len(own.Attendees) != 2 {
		t.Errorf("attendees: %+v", own.Attendees)
	}
	if err := c.Respond(t.Context(), alice, alice, own, time.Time{}, portal.ResponseAccepted, "", portal.Proposal{}, true); !errors.Is(err, portal.ErrForbidden) {
		t.Errorf("the organiser answers: %v", err)
	}
	if err := c.Respond(t.Context(), bob, bob, mine, time.Time{}, portal.ResponseNone, "", portal.Proposal{}, true); !errors.Is(err, portal.ErrInvalid) {
		t.Errorf("an answer that is none: %v", err)
	}
	// An answer without a message changes only the own calendar.
	if err := c.Respond(t.Context(), carol, carol, at2, time.Time{}, portal.ResponseTentative, "", portal.Proposal{}, false); err != nil {
		t.Fatalf("carol keeps it to herself: %v", err)
	}
	entryIn(t, c, carol, a.Subject, func(e portal.Entry) bool { return e.Response == portal.ResponseTentative })
	if own, err := c.Entry(t.Context(), alice, alice, made.RemoteID); err != nil || answersOf(own)[p.email("carol")] != portal.ResponseAccepted {
		t.Errorf("alice heard of it: %v %v", answersOf(own), err)
	}
}

// A change in the portal keeps those whom others invited meanwhile, and tells those who are invited; declining removes the
// copy and keeps the tally.
func TestMeetingKeepsAttendeesAndTellsThem(t *testing.T) {
	p := newPeer(t, nil)
	c := p.connector(t, nil)
	alice, bob := p.person("alice"), p.person("bob")
	a := meeting(t, "Kept", who(p, "bob", portal.RoleRequired))
	a.Subject += a.UID
	made, err := c.Create(t.Context(), alice, alice, a, portal.WriteOptions{Send: true})
	if err != nil {
		t.Fatal(err)
	}
	// Somebody adds carol in another client; our page knows only bob.
	added, err := c.Update(t.Context(), alice, alice, made, portal.AppointmentChange{Attendees: &[]portal.Attendee{who(p, "bob", ""), who(p, "carol", "")}, Known: []string{p.email("bob")}}, portal.WriteOptions{Send: true})
	if err != nil || len(added.Attendees) != 2 {
		t.Fatalf("carol is added: %+v %v", added.Attendees, err)
	}
	ch := portal.AppointmentChange{Location: ptr("Hall"), Attendees: &[]portal.Attendee{who(p, "bob", ""), who(p, "dave", portal.RoleOptional)}, Known: []string{p.email("bob")}}
	changed, err := c.Update(t.Context(), alice, alice, added, ch, portal.WriteOptions{Send: true})
	if err != nil {
		t.Fatal(err)
	}
	var emails []string
	for _, x := range changed.Attendees {
		emails = append(emails, x.Email)
	}
	slices.Sort(emails)
	if !slices.Equal(emails, []string{p.email("bob"), p.email("carol"), p.email("dave")}) {
		t.Errorf("invited: %v", emails)
	}
	entryIn(t, c, bob, a.Subject, func(e portal.Entry) bool { return e.Location == "Hall" })
	entryIn(t, c, p.person("carol"), a.Subject, func(e portal.Entry) bool { return e.Location == "Hall" })
	at3 := entryIn(t, c, p.person("dave"), a.Subject, nil)
	if err := c.Delete(t.Context(), p.person("dave"), p.person("dave"), at3, time.Time{}, "No time"); err != nil {
		t.Fatalf("dave declines: %v", err)
	}
	own := entryIn(t, c, alice, a.Subject, func(e portal.Entry) bool {
		return answersOf(e)[p.email("dave")] == portal.ResponseDeclined && attendeeOf(e, p.email("dave")).Comment == "No time"
	})
	if len(own.Attendees) != 3 {
		t.Errorf("the tally: %+v", own.Attendees)
	}
	if got, _ := all(t, c, p.person("dave")); bySubject(got, a.Subject) != nil {
		t.Error("dave still has what he declined")
	}
	// Reminders and categories are nobody else's business.
	quiet := portal.AppointmentChange{Categories: &[]string{"Red"}}
	before, _ := all(t, c, bob)
	if _, err := c.Update(t.Context(), alice, alice, own, quiet, portal.WriteOptions{Send: true}); err != nil {
		t.Fatal(err)
	}
	after, _ := all(t, c, bob)
	if bySubject(before, a.Subject).ChangeKey != bySubject(after, a.Subject).ChangeKey {
		t.Error("bob was told of a category")
	}
}

func TestMeetingIsCancelledOnce(t *testing.T) {
	p := newPeer(t, nil)
	c := p.connector(t, nil)
	alice, bob := p.person("alice"), p.person("bob")
	a := meeting(t, "Cancelled", who(p, "bob", portal.RoleRequired))
	a.Subject += a.UID
	made, err := c.Create(t.Context(), alice, alice, a, portal.WriteOptions{Send: true})
	if err != nil {
		t.Fatal(err)
	}
	entryIn(t, c, bob, a.Subject, nil)
	for range 2 { // the second time as after an answer that was lost
		if err := c.Delete(t.Context(), alice, alice, made, time.Time{}, "Too many meetings"); err != nil {
			t.Fatal(err)
		}
	}
	if got, _ := all(t, c, alice); bySubject(got, a.Subject) != nil {
		t.Error("alice still has it")
	}
	var left portal.Entry
	until(t, "bob's copy is cancelled", func() bool {
		got, _ := all(t, c, bob)
		for _, e := range got {
			if strings.Contains(e.Subject, a.Subject) {
				left = e
				return e.Status == portal.StatusCancelled
			}
		}
		return false
	})
	if err := c.Respond(t.Context(), bob, bob, left, time.Time{}, portal.ResponseAccepted, "", portal.Proposal{}, true); !errors.Is(err, portal.ErrConflict) {
		t.Errorf("bob answers what is cancelled: %v", err)
	}
	if err := c.Delete(t.Context(), bob, bob, left, time.Time{}, "whatever"); err != nil {
		t.Errorf("bob removes it: %v", err)
	}
	if got, _ := all(t, c, bob); bySubject(got, left.Subject) != nil {
		t.Error("bob still has it")
	}
}

func TestMeetingIsPassedOn(t *testing.T) {
	p := newPeer(t, nil)
	c := p.connector(t, nil)
	alice, bob := p.person("alice"), p.person("bob")
	a := meeting(t, "Forwarded", who(p, "bob", portal.RoleRequired))
	a.Subject += a.UID
	made, err := c.Create(t.Context(), alice, alice, a, portal.WriteOptions{Send: true})
	if err != nil {
		t.Fatal(err)
	}
	copy1 := entryIn(t, c, bob, a.Subject, nil)
	if err := c.Forward(t.Context(), bob, bob, copy1, time.Time{}, []portal.Attendee{who(p, "carol", "")}, "You should come too"); err != nil {
		t.Fatalf("bob passes it on: %v", err)
	}
	until(t, "carol has the invitation", func() bool {
		got, _ := all(t, c, p.person("carol"))
		for _, e := range got {
			if strings.Contains(e.Subject, a.Subject) {
				return true
			}
		}
		return false
	})
	if err := c.Forward(t.Context(), alice, alice, made, time.Time{}, []portal.Attendee{who(p, "dave", "")}, ""); err != nil {
		t.Fatalf("the organiser passes it on: %v", err)
	}
	entryIn(t, c, p.person("dave"), a.Subject, nil)
	own := entryIn(t, c, alice, a.Subject, nil)
	if attendeeOf(own, p.email("dave")).Email == "" || attendeeOf(own, p.email("bob")).Email == "" {
		t.Errorf("invited: %+v", own.Attendees)
	}
	if err := c.Forward(t.Context(), bob, bob, copy1, time.Time{}, []portal.Attendee{{Name: "No address"}}, ""); !errors.Is(err, portal.ErrInvalid) {
		t.Errorf("to nobody: %v", err)
	}
}

// One occurrence of a series is answered by itself.
func TestMeetingSeriesIsAnsweredAndCancelledByOccurrence(t *testing.T) {
	p := newPeer(t, nil)
	c := p.connector(t, nil)
	alice, bob := p.person("alice"), p.person("bob")
	a := meeting(t, "Series of meetings", who(p, "bob", portal.RoleRequired))
	a.Subject += a.UID
	a.Recurrence = "FREQ=WEEKLY;COUNT=4;BYDAY=MO"
	made, err := c.Create(t.Context(), alice, alice, a, portal.WriteOptions{Send: true})
	if err != nil {
		t.Fatal(err)
	}
	mine := entryIn(t, c, bob, a.Subject, nil)
	if mine.Kind != portal.KindMaster || mine.Recurrence != made.Recurrence {
		t.Fatalf("bob's copy: %s %q", mine.Kind, mine.Recurrence)
	}
	if err := c.Respond(t.Context(), bob, bob, mine, time.Time{}, portal.ResponseAccepted, "All of them", portal.Proposal{}, true); err != nil {
		t.Fatal(err)
	}
	entryIn(t, c, alice, a.Subject, func(e portal.Entry) bool { return answersOf(e)[p.email("bob")] == portal.ResponseAccepted })
	second := at(t, "2026-03-30T12:00:00Z")
	mine = entryIn(t, c, bob, a.Subject, func(e portal.Entry) bool { return e.Response == portal.ResponseAccepted })
	if err := c.Respond(t.Context(), bob, bob, mine, second, portal.ResponseDeclined, "Not this one", portal.Proposal{}, true); err != nil {
		t.Fatalf("decline one: %v", err)
	}
	entryIn(t, c, alice, a.Subject, func(e portal.Entry) bool {
		for _, x := range e.Exceptions {
			if x.RecurrenceID.Equal(second) {
				b := attendeeOf(portal.Entry{Appointment: x}, p.email("bob"))
				return b.Response == portal.ResponseDeclined && b.Comment == "Not this one"
			}
		}
		return false
	})
	own := entryIn(t, c, alice, a.Subject, nil)
	if err := c.Delete(t.Context(), alice, alice, own, at(t, "2026-04-06T12:00:00Z"), "Holiday"); err != nil {
		t.Fatalf("cancel one: %v", err)
	}
	own = entryIn(t, c, alice, a.Subject, func(e portal.Entry) bool { return len(e.Deleted) == 1 })
	if !own.Deleted[0].Equal(at(t, "2026-04-06T12:00:00Z")) || answersOf(own)[p.email("bob")] != portal.ResponseAccepted {
		t.Errorf("after cancelling one: %v %v", own.Deleted, answersOf(own))
	}
}

// Nothing is mailed that nobody asked for: a first sync, a read, a write without Send.
func TestMeetingMailsNothingUnasked(t *testing.T) {
	p := newPeer(t, nil)
	c := p.connector(t, nil)
	alice, bob := p.person("alice"), p.person("bob")
	a := meeting(t, "Silent", who(p, "bob", portal.RoleRequired))
	a.Subject += a.UID
	made, err := c.Create(t.Context(), alice, alice, a, portal.WriteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	made, err = c.Update(t.Context(), alice, alice, made, portal.AppointmentChange{Location: ptr("Hall")}, portal.WriteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	all(t, c, alice)
	if err := c.Delete(t.Context(), alice, alice, made, time.Time{}, ""); err != nil {
		t.Fatal(err)
	}
	for _, who := range []portal.Address{alice, bob} {
		err := c.do(t.Context(), who, who, func(ac *access) error {
			for _, folder := range []string{"inbox", "sentitems", "calendar"} {
				if n := mentions(t, ac, folder, a.UID); n != 0 {
					t.Errorf("%s has %d items about it in %s", who, n, folder)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
