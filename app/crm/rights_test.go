package crm

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"portico/app/portal"
)

func TestOthersRecordsAreNotThere(t *testing.T) {
	o := newOffice(t)
	r := o.create(alice, meeting("Budget", "carol@example.test"))
	subject := "Mine"
	ch := portal.AppointmentChange{Subject: &subject}
	_, err := o.Get(o.ctx, dave, r.ID)
	o.refused(err, portal.ErrNotFound, "calendar.not-found")
	_, err = o.Change(o.ctx, dave, r.ID, ch, "")
	o.refused(err, portal.ErrNotFound, "calendar.not-found")
	_, err = o.Change(o.ctx, dave, r.ID, ch, "stale") // not even that it changed
	o.refused(err, portal.ErrNotFound, "calendar.not-found")
	o.refused(o.Delete(o.ctx, dave, r.ID, ""), portal.ErrNotFound, "calendar.not-found")
	_, err = o.SetTies(o.ctx, dave, r.ID, nil, nil, "")
	o.refused(err, portal.ErrNotFound, "calendar.not-found")
	_, err = o.Change(o.ctx, carol, r.ID, ch, "")
	o.refused(err, portal.ErrForbidden, "calendar.not-organizer")
	_, err = o.Get(o.ctx, dave, "crm-nothing")
	o.refused(err, portal.ErrNotFound, "calendar.not-found")
}

func TestAdministratorsMayWhatOwnersMay(t *testing.T) {
	o := newOffice(t)
	r := o.create(alice, meeting("Budget", "carol@example.test"))
	o.told()
	subject, secret := "Fixed", true
	_, err := o.Change(o.ctx, root, r.ID, portal.AppointmentChange{Subject: &subject}, "")
	o.must(err)
	_, err = o.Change(o.ctx, alice, r.ID, portal.AppointmentChange{Private: &secret}, "")
	o.must(err)
	_, err = o.Get(o.ctx, root, r.ID) // private is private
	o.refused(err, portal.ErrNotFound, "calendar.not-found")
	a := meeting("For carol")
	a.Calendar = carol
	made, err := o.Create(o.ctx, root, "", a)
	o.must(err)
	if made.Calendar != carol || made.Organizer.URI != carol || made.ChangedBy != string(root) {
		t.Errorf("made: %+v", made)
	}
	_, err = o.Create(o.ctx, alice, "", a)
	o.refused(err, portal.ErrForbidden, "crm.forbidden")
	_, err = o.SaveUser(o.ctx, alice, portal.CRMUser{Address: "sip:room@example.test"})
	o.refused(err, portal.ErrForbidden, "crm.admin")
	u, err := o.SaveUser(o.ctx, root, portal.CRMUser{Address: "sip:room@example.test", LastName: "Room", Resource: true})
	o.must(err)
	if u.Version != 1 || !u.Resource {
		t.Errorf("user: %+v", u)
	}
}

func TestWhatIsOrganisedOutsideCanBeTiedAndCompletedAndNothingElse(t *testing.T) {
	o := newOffice(t)
	acme, err := o.SaveCompany(o.ctx, alice, "", portal.CRMCompany{Name: "Acme"})
	o.must(err)
	r, err := o.Put(o.ctx, portal.CRMAppointment{Origin: portal.SourceExchange, Stub: true, Entry: portal.Entry{Appointment: portal.Appointment{
		Calendar: bob, UID: "outside-1", Subject: "Fair", Start: nth(1), End: nth(1).Add(time.Hour), TimeZone: "UTC",
		Organizer: portal.Attendee{Email: "guest@elsewhere.test"},
		Attendees: []portal.Attendee{{URI: bob, Email: "bob@example.test", Response: portal.ResponseAccepted}, {URI: carol, Email: "carol@example.test"}},
	}}}, true)
	o.must(err)
	if r.Mine || r.Status != portal.StatusPending || r.ChangedBy != portal.CRMSync {
		t.Errorf("made: %+v", r)
	}
	subject := "Mine"
	_, err = o.Change(o.ctx, bob, r.ID, portal.AppointmentChange{Subject: &subject}, "")
	o.refused(err, portal.ErrForbidden, "crm.stub")
	_, err = o.SetTies(o.ctx, carol, r.ID, nil, []string{acme.ID}, "")
	o.must(err)
	_, err = o.SetStatus(o.ctx, bob, r.ID, portal.StatusComplete, "")
	o.must(err)
	_, err = o.SetStatus(o.ctx, bob, r.ID, portal.StatusCancelled, "")
	o.refused(err, portal.ErrForbidden, "crm.stub")
	if got := o.shown(bob); got != "0415T13 Fair accepted" {
		t.Errorf("bob sees %q", got)
	}
}

func TestARecordIsFoundByTheMailboxEntryToo(t *testing.T) {
	o := newOffice(t)
	r := o.create(alice, meeting("Budget"))
	opts := o.opts
	opts.UIDOf = func(_ context.Context, me portal.Address, id string) (string, error) {
		if me == alice && id == "entry-1" {
			return r.UID, nil
		}
		return "", portal.Fail(portal.ErrNotFound, "calendar.not-found")
	}
	s := New(o.store, opts)
	got, err := s.Get(o.ctx, alice, "entry-1")
	o.must(err)
	if got.ID != r.ID {
		t.Errorf("found %s", got.ID)
	}
	_, err = s.Get(o.ctx, bob, "entry-1")
	o.refused(err, portal.ErrNotFound, "calendar.not-found")
}

// tells fails unless what somebody was given holds (or, want being false, does not hold) some words.
func (o *office) tells(what string, v any, want bool, words ...string) {
	o.t.Helper()
	data, err := json.Marshal(v)
	o.must(err)
	for _, w := range words {
		if strings.Contains(string(data), w) != want {
			o.t.Errorf("%s: %q is told: %v, in %s", what, w, !want, data)
		}
	}
}

func TestPrivateOccurrencesAreForThoseWhoTakePart(t *testing.T) {
	o := newOffice(t)
	acme, err := o.SaveCompany(o.ctx, alice, "", portal.CRMCompany{Name: "Acme"})
	o.must(err)
	a := weekly("Jour fixe", "carol@example.test")
	a.Companies = []string{acme.ID}
	r := o.create(alice, a)
	subject, place, body, yes := "Surgery", "Hospital", "at noon", true
	second := portal.OccurrenceID(r.ID, nth(2))
	_, err = o.Change(o.ctx, alice, second, portal.AppointmentChange{Subject: &subject, Location: &place, Body: &body, Private: &yes, Scope: portal.ScopeOne}, "")
	o.must(err)
	for who, all := range map[portal.Address]bool{alice: true, carol: true, dave: false, root: false} {
		got, err := o.Get(o.ctx, who, r.ID)
		o.must(err)
		o.tells(string(who), got, all, "Surgery", "Hospital", "noon")
		if len(got.Exceptions) != 1 || !got.Exceptions[0].Start.Equal(nth(2)) || got.Exceptions[0].Masked == all || got.Version == "" {
			t.Errorf("%s sees %+v", who, got.Exceptions)
		}
		list, err := o.AppointmentsOf(o.ctx, who, "", acme.ID, 10)
		o.must(err)
		o.tells(string(who)+" by the company", list, all, "Surgery", "Hospital", "noon")
	}
	location := "Room 2"
	got, err := o.Change(o.ctx, root, r.ID, portal.AppointmentChange{Location: &location}, "")
	o.must(err)
	o.tells("who changes the series", got, false, "Surgery", "Hospital", "noon")
	no := false
	_, err = o.Change(o.ctx, root, second, portal.AppointmentChange{Private: &no, Scope: portal.ScopeOne}, "")
	o.refused(err, portal.ErrNotFound, "calendar.not-found")
	for _, private := range []bool{false, true} {
		out, err := o.Outside(o.ctx, portal.CRMChange{Kind: "appointment", ID: r.ID}, private)
		o.must(err)
		o.tells("a program outside", out, private, "Surgery", "Hospital", "noon")
		o.tells("a program outside", out, true, "Jour fixe")
	}
	if was, err := o.Record(o.ctx, r.ID); err != nil || was.Exceptions[0].Subject != "Surgery" || was.Location != "Room 2" {
		t.Errorf("kept: %+v, %v", was, err)
	}
}

func TestByATieAloneNobodyReadsWhatWasWritten(t *testing.T) {
	o := newOffice(t)
	acme, err := o.SaveCompany(o.ctx, alice, "", portal.CRMCompany{Name: "Acme"})
	o.must(err)
	a := weekly("Offer", "carol@example.test")
	a.Location, a.Body = "Room 2", "our lowest price"
	r := o.create(alice, a)
	body := "only for us"
	_, err = o.Change(o.ctx, alice, portal.OccurrenceID(r.ID, nth(2)), portal.AppointmentChange{Body: &body, Scope: portal.ScopeOne}, "")
	o.must(err)
	r, err = o.Attach(o.ctx, alice, r.ID, "prices.pdf", "application/pdf", []byte("x"))
	o.must(err)
	file := r.Kept[0].ID
	_, err = o.Respond(o.ctx, carol, r.ID, portal.ResponseTentative, "I am ill", portal.Proposal{}, portal.ScopeAll)
	o.must(err)
	_, err = o.SetTies(o.ctx, carol, r.ID, nil, []string{acme.ID}, "")
	o.must(err)
	written := []string{"lowest", "only for us", "prices.pdf", "am ill"}
	for who, all := range map[portal.Address]bool{alice: true, carol: true, root: true, dave: false} {
		got, err := o.Get(o.ctx, who, r.ID)
		o.must(err)
		o.tells(string(who), got, all, written...)
		o.tells(string(who), got, true, "Offer", "Room 2", "carol@example.test", acme.ID)
		list, err := o.AppointmentsOf(o.ctx, who, "", acme.ID, 10)
		o.must(err)
		o.tells(string(who)+" by the company", list, all, written...)
	}
	_, _, err = o.Attachment(o.ctx, dave, r.ID, file)
	o.refused(err, portal.ErrForbidden, "crm.forbidden")
	data, _, err := o.Attachment(o.ctx, carol, r.ID, file)
	o.must(err)
	o.must(data.Close())
}

func TestARepeatedCreationTellsNoSecret(t *testing.T) {
	o := newOffice(t)
	a := meeting("Plain")
	a.ID, a.Calendar = "x1", alice
	r, err := o.Create(o.ctx, root, "", a)
	o.must(err)
	subject, yes := "Surgery", true
	_, err = o.Change(o.ctx, alice, r.ID, portal.AppointmentChange{Subject: &subject, Private: &yes}, "")
	o.must(err)
	got, err := o.Create(o.ctx, root, "", a)
	o.refused(err, portal.ErrConflict, "crm.id-taken")
	o.tells("the repeat", got, false, "Surgery")
}
