package crm

import (
	"testing"
	"time"

	"portico/app/portal"
)

func TestAnAnswerOfWhomHasNoMailbox(t *testing.T) {
	o := newOffice(t)
	r := o.create(alice, meeting("Budget", "carol@example.test", "bob@example.test"))
	o.told()
	o.now = noon.Add(time.Minute)
	p := portal.Proposal{Start: nth(1).Add(time.Hour), End: nth(1).Add(2 * time.Hour)}
	out, err := o.Respond(o.ctx, carol, r.ID, portal.ResponseTentative, "perhaps", p, "")
	o.must(err)
	if got := out.Attendees[0]; got.Response != portal.ResponseTentative || got.Comment != "perhaps" || !got.ProposedStart.Equal(p.Start) || !got.RespondedAt.Equal(o.now) {
		t.Errorf("answered: %+v", got)
	}
	o.wantTold("alice Carol Example tentative, alice updated, bob updated, carol updated", "")
	if got := o.shown(carol); got != "0415T13 Budget tentative" {
		t.Errorf("carol sees %q", got)
	}
	_, err = o.Respond(o.ctx, carol, r.ID, portal.ResponseDeclined, "", portal.Proposal{}, "")
	o.must(err)
	if got := o.shown(carol); got != "" {
		t.Errorf("what she declined: %q", got)
	}
	back, err := o.Get(o.ctx, alice, r.ID)
	o.must(err)
	if back.Attendees[0].Response != portal.ResponseDeclined {
		t.Errorf("the record has %+v", back.Attendees[0])
	}
}

func TestWhoHasAMailboxAnswersThere(t *testing.T) {
	o := newOffice(t)
	r := o.create(alice, meeting("Budget", "bob@example.test"))
	_, err := o.Respond(o.ctx, bob, r.ID, portal.ResponseAccepted, "", portal.Proposal{}, "")
	o.refused(err, portal.ErrConflict, "crm.answer-mailbox")
	if back, err := o.Get(o.ctx, alice, r.ID); err != nil || back.Attendees[0].Response != portal.ResponseNone || back.Revision != 1 {
		t.Errorf("the record has %+v, %v", back.Attendees, err)
	}
}

func TestAnswersThatAreNone(t *testing.T) {
	o := newOffice(t)
	r := o.create(alice, meeting("Budget", "carol@example.test"))
	other := portal.Proposal{Start: noon, End: noon}
	for key, call := range map[string]func() error{
		"calendar.response": func() error { return answer(o, carol, r.ID, "maybe", portal.Proposal{}, "") },
		"calendar.times":    func() error { return answer(o, carol, r.ID, portal.ResponseAccepted, other, "") },
		"calendar.scope-answer": func() error {
			return answer(o, carol, r.ID, portal.ResponseAccepted, portal.Proposal{}, portal.ScopeFollowing)
		},
		"calendar.scope":     func() error { return answer(o, carol, r.ID, portal.ResponseAccepted, portal.Proposal{}, "half") },
		"calendar.not-found": func() error { return answer(o, dave, r.ID, portal.ResponseAccepted, portal.Proposal{}, "") },
	} {
		if err := call(); portal.Reason(err) != key {
			t.Errorf("%s: got %v", key, err)
		}
	}
	mine := o.create(carol, meeting("Own"))
	if err := answer(o, carol, mine.ID, portal.ResponseAccepted, portal.Proposal{}, ""); portal.Reason(err) != "calendar.no-invitation" {
		t.Errorf("one's own: %v", err)
	}
}

func answer(o *office, who portal.Address, id string, r portal.Response, p portal.Proposal, scope portal.Scope) error {
	_, err := o.Respond(o.ctx, who, id, r, "", p, scope)
	return err
}

func TestOccurrencesAreAnsweredAlone(t *testing.T) {
	o := newOffice(t)
	r := o.create(alice, weekly("Stand-up", "carol@example.test", "dave@example.test"))
	o.must(answer(o, carol, portal.OccurrenceID(r.ID, nth(2)), portal.ResponseDeclined, portal.Proposal{}, ""))
	o.must(answer(o, dave, r.ID, portal.ResponseAccepted, portal.Proposal{}, ""))
	if got := o.shown(carol); got != "0415T13 Stand-up none, 0429T13 Stand-up none, 0506T13 Stand-up none" {
		t.Errorf("carol sees %q", got)
	}
	if got := o.shown(dave); got != "0415T13 Stand-up accepted, 0422T13 Stand-up accepted, 0429T13 Stand-up accepted, 0506T13 Stand-up accepted" {
		t.Errorf("dave sees %q", got)
	}
	o.must(answer(o, carol, r.ID, portal.ResponseDeclined, portal.Proposal{}, portal.ScopeAll))
	if got := o.shown(carol); got != "" {
		t.Errorf("carol declined all and sees %q", got)
	}
	o.must(answer(o, carol, portal.OccurrenceID(r.ID, nth(3)), portal.ResponseAccepted, portal.Proposal{}, ""))
	if got := o.shown(carol); got != "0429T13 Stand-up accepted" {
		t.Errorf("carol comes once and sees %q", got)
	}
	if got := o.shown(alice); got != "0415T13 Stand-up organizer, 0422T13 Stand-up organizer, 0429T13 Stand-up organizer, 0506T13 Stand-up organizer" {
		t.Errorf("alice sees %q", got)
	}
}

func TestToAnotherTimePeopleAreAskedAgain(t *testing.T) {
	o := newOffice(t)
	r := o.create(alice, meeting("Budget", "carol@example.test", "bob@example.test"))
	o.must(answer(o, carol, r.ID, portal.ResponseAccepted, portal.Proposal{}, ""))
	rec, err := o.Record(o.ctx, r.ID)
	o.must(err)
	rec.Attendees[1].Response = portal.ResponseAccepted // as it came from his mailbox
	_, err = o.Put(o.ctx, rec, false)
	o.must(err)
	o.told()
	subject := "Budget II"
	out, err := o.Change(o.ctx, alice, r.ID, portal.AppointmentChange{Subject: &subject}, "")
	o.must(err)
	if out.Attendees[0].Response != portal.ResponseAccepted {
		t.Errorf("another subject: %+v", out.Attendees[0])
	}
	o.wantTold("alice updated, bob updated, carol updated", "")
	start, end := nth(1).Add(time.Hour), nth(1).Add(2*time.Hour)
	out, err = o.Change(o.ctx, alice, r.ID, portal.AppointmentChange{Start: &start, End: &end}, "")
	o.must(err)
	if out.Attendees[0].Response != portal.ResponseNone || out.Attendees[1].Response != portal.ResponseAccepted {
		t.Errorf("another time: %+v", out.Attendees)
	}
	if out.Sequence != 1 {
		t.Errorf("sequence %d", out.Sequence)
	}
	o.wantTold("alice updated, bob updated, carol updated", "bob moved, carol moved")
}

func TestDeletingAnInvitationDeclinesIt(t *testing.T) {
	o := newOffice(t)
	r := o.create(alice, meeting("Budget", "carol@example.test"))
	o.must(o.Remove(o.ctx, carol, r.ID, "", "not mine", ""))
	back, err := o.Get(o.ctx, alice, r.ID)
	o.must(err)
	if back.Attendees[0].Response != portal.ResponseDeclined || back.Attendees[0].Comment != "not mine" || o.shown(carol) != "" {
		t.Errorf("after: %+v; carol sees %q", back.Attendees, o.shown(carol))
	}
}
