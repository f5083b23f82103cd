package crm

import (
	"context"
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
