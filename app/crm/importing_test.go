package crm

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"portico/app/portal"
)

// outside is a record as an outside CRM gives it.
func outside(id, subject string) portal.CRMAppointment {
	a := weekly(subject, "carol@example.test")
	a.ID, a.Calendar = id, alice
	return portal.CRMAppointment{Entry: portal.Entry{Appointment: a}}
}

func TestABatchOfAnOutsideCRMIsStoredOnce(t *testing.T) {
	o := newOffice(t)
	b := Batch{
		Users:        []portal.CRMUser{{Address: "erin@example.test", LastName: "Erin", Email: "erin@example.test", ExchangeID: "forged"}, {Address: alice, LastName: "Renamed", Email: "alice@example.test"}},
		Companies:    []portal.CRMCompany{{ID: "c1", Name: "Acme"}},
		People:       []portal.CRMPerson{{ID: "p1", LastName: "Coyote", Company: "c1"}},
		Appointments: []portal.CRMAppointment{outside("4711", "Rockets")},
	}
	b.Appointments[0].People, b.Appointments[0].Companies = []string{"p1"}, []string{"c1"}
	x := b.Appointments[0].Appointment
	x.RecurrenceID, x.Start, x.End, x.Location, x.Attendees = nth(2), nth(2), nth(2).Add(time.Hour), "Attic", nil
	b.Appointments[0].Exceptions = []portal.Appointment{x}
	b.Appointments[0].Deleted = []time.Time{nth(3)}
	out, err := o.Import(o.ctx, "hook:acme", "k1", b)
	o.must(err)
	r := out.Appointments[0]
	if r.ID != "crm-4711" || r.ChangedBy != "hook:acme" || r.Calendar != alice || fmt.Sprint(r.People) != "[p1]" || r.Status != portal.StatusPending || r.Sync.State != portal.SyncPending {
		t.Errorf("stored: %+v", r)
	}
	if got := o.shown(carol); got != "0415T13 Rockets none, 0422T13 Rockets none, 0506T13 Rockets none" {
		t.Errorf("carol sees %q", got)
	}
	u, err := o.User(o.ctx, erin)
	o.must(err)
	if u.ExchangeID != "" {
		t.Error("the outside said who somebody is in Exchange")
	}
	if u, err = o.User(o.ctx, alice); err != nil || u.LastName != "Renamed" || u.ExchangeID != "ex-alice" {
		t.Errorf("alice: %+v, %v", u, err)
	}
	lines := len(o.store.log)
	again, err := o.Import(o.ctx, "hook:acme", "k1", b)
	o.must(err)
	if again.Appointments[0].Revision != 1 || len(o.store.log) != lines {
		t.Errorf("the repeat stored: %d lines, then %d", lines, len(o.store.log))
	}
}

func TestAnOutsideChangeKeepsWhatIsKnownHere(t *testing.T) {
	o := newOffice(t)
	_, err := o.Import(o.ctx, "hook:acme", "k1", Batch{Appointments: []portal.CRMAppointment{outside("1", "Rockets")}})
	o.must(err)
	o.must(answer(o, carol, "crm-1", portal.ResponseAccepted, portal.Proposal{}, ""))
	was, err := o.Record(o.ctx, "crm-1")
	o.must(err)
	o.told()
	r := outside("1", "Rockets II")
	r.Attendees = append(r.Attendees, portal.Attendee{Email: "dave@example.test"})
	out, err := o.Import(o.ctx, "hook:acme", "k2", Batch{Appointments: []portal.CRMAppointment{r}})
	o.must(err)
	is := out.Appointments[0]
	if is.Subject != "Rockets II" || is.UID != was.UID || is.Attendees[0].Response != portal.ResponseAccepted || len(is.Attendees) != 2 || is.Revision != was.Revision+1 {
		t.Errorf("changed: %+v", is)
	}
	o.wantTold("alice updated, carol updated, dave created", "dave invited")
	r.Revision = 1
	_, err = o.Import(o.ctx, "hook:acme", "k3", Batch{Appointments: []portal.CRMAppointment{r}})
	o.refused(err, portal.ErrConflict, "calendar.conflict")
	r.Revision = is.Revision
	r.Gone = noon
	out, err = o.Import(o.ctx, "hook:acme", "k4", Batch{Appointments: []portal.CRMAppointment{r}})
	o.must(err)
	if out.Appointments[0].Gone.IsZero() || o.shown(alice) != "" {
		t.Errorf("deleted: %+v", out.Appointments[0])
	}
	again, err := o.Import(o.ctx, "hook:acme", "k4", Batch{Appointments: []portal.CRMAppointment{r}}) // with the revision that was right then
	o.must(err)
	if again.Appointments[0].Revision != out.Appointments[0].Revision {
		t.Errorf("the repeat: %+v", again.Appointments[0])
	}
}

func TestBatchesThatAreRefused(t *testing.T) {
	o := newOffice(t)
	gone := outside("none", "x")
	gone.Gone = noon
	foreign := outside("2", "x")
	_, err := o.Import(o.ctx, "hook:acme", "k", Batch{Appointments: []portal.CRMAppointment{foreign}})
	o.must(err)
	foreign.Calendar = carol
	nobody := outside("3", "x")
	nobody.Calendar = "nobody"
	odd := outside("4", "x")
	odd.Exceptions = []portal.Appointment{meeting("y")}
	for key, list := range map[string][]portal.CRMAppointment{
		"calendar.not-found":    {gone},
		"crm.owner":             {foreign},
		"address.form":          {nobody},
		"calendar.occurrence":   {odd},
		"crm.batch-large":       make([]portal.CRMAppointment, MaxBatch+1),
		"calendar.subject-long": {outside("5", "fine"), outside("6", strings.Repeat("x", 300))},
	} {
		if _, err := o.Import(o.ctx, "hook:acme", key, Batch{Appointments: list}); portal.Reason(err) != key {
			t.Errorf("%s: got %v", key, err)
		}
	}
	_, err = o.Import(o.ctx, "hook:acme", "", Batch{})
	o.refused(err, portal.ErrInvalid, "crm.key")
	if len(o.store.records) != 1 {
		t.Errorf("%d records: a batch is stored as a whole", len(o.store.records))
	}
}

func TestOutsideIDsAreIDs(t *testing.T) {
	for in, want := range map[string]string{"4711": "crm-4711", "crm-x": "crm-x"} {
		if got := IDFor(in); got != want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
	odd := IDFor("Deal 17/ä")
	if _, err := chosenID(odd); err != nil || odd != IDFor("Deal 17/ä") || odd == IDFor("Deal 18/ä") {
		t.Errorf("%q: %v", odd, err)
	}
	if one, two := IDFor(""), IDFor(""); one == two {
		t.Error("two new ones are the same")
	}
}

// A program that may not know what is private sends a record back as it has it: blank.
func TestWhatWasWithheldIsNotWipedByItsReturn(t *testing.T) {
	secrets := func(a *portal.Appointment) {
		a.Private, a.Subject, a.Location, a.Body, a.Categories = true, "Surgery", "Hospital", "at noon", []string{"Health"}
	}
	for name, whole := range map[string]bool{"a private series": true, "a private occurrence": false} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			a := weekly("Jour fixe", "carol@example.test")
			if whole {
				secrets(&a)
			}
			r := o.create(alice, a)
			is, err := o.Record(o.ctx, r.ID)
			o.must(err)
			x := is.Appointment
			x.RecurrenceID, x.Start, x.End = nth(2), nth(2).Add(time.Hour), nth(2).Add(2*time.Hour)
			secrets(&x)
			is.Exceptions = []portal.Appointment{x}
			_, err = o.Put(o.ctx, is, false)
			o.must(err)
			o.must(answer(o, carol, portal.OccurrenceID(r.ID, nth(2)), portal.ResponseAccepted, portal.Proposal{}, portal.ScopeOne))
			was, err := o.Record(o.ctx, r.ID)
			o.must(err)

			back := Withheld(cloned(was), false)
			back.Revision = 0
			back.Start, back.End = was.Start.Add(time.Hour), was.End.Add(time.Hour) // what it may know it may change
			back.Exceptions[0].RecurrenceID = nth(2)
			_, err = o.Import(o.ctx, "hook:acme", "k1", Batch{Appointments: []portal.CRMAppointment{back}})
			o.must(err)
			got, err := o.Record(o.ctx, r.ID)
			o.must(err)
			if got.Subject != was.Subject || got.Location != was.Location || got.Body != was.Body || got.Private != whole || len(got.Attendees) != 1 || fmt.Sprint(got.Categories) != fmt.Sprint(was.Categories) {
				t.Errorf("the record is %+v", got.Appointment)
			}
			if !got.Start.Equal(back.Start) {
				t.Errorf("it was not moved: %v", got.Start)
			}
			if len(got.Exceptions) != 1 {
				t.Fatalf("exceptions: %+v", got.Exceptions)
			}
			if y := got.Exceptions[0]; y.Subject != "Surgery" || y.Location != "Hospital" || y.Body != "at noon" || !y.Private || fmt.Sprint(y.Categories) != "[Health]" || fmt.Sprint(y.Attendees) != fmt.Sprint(was.Exceptions[0].Attendees) {
				t.Errorf("the occurrence is %+v", y)
			}

			back = cloned(got)
			back.Revision, back.Subject, back.Exceptions[0].Subject = 0, "Fixed", "Check-up"
			_, err = o.Import(o.ctx, "hook:acme", "k2", Batch{Private: true, Appointments: []portal.CRMAppointment{back}})
			o.must(err)
			if got, err = o.Record(o.ctx, r.ID); err != nil || got.Subject != "Fixed" || got.Exceptions[0].Subject != "Check-up" {
				t.Errorf("who may know the texts changed them: %+v, %v", got, err)
			}
		})
	}
}

func TestAUIDFromOutsideIsNotTaken(t *testing.T) {
	o := newOffice(t)
	theirs := o.create(carol, meeting("Theirs"))
	r := outside("u1", "Rockets")
	r.UID = theirs.UID + "-x"
	out, err := o.Import(o.ctx, "hook:acme", "k1", Batch{Appointments: []portal.CRMAppointment{r}})
	o.must(err)
	made := out.Appointments[0].UID
	if made == "" || made == r.UID {
		t.Errorf("its UID is %q", made)
	}
	r.UID, r.Subject = "another", "Rockets II"
	out, err = o.Import(o.ctx, "hook:acme", "k2", Batch{Appointments: []portal.CRMAppointment{r}})
	o.must(err)
	if got := out.Appointments[0]; got.UID != made || got.Subject != "Rockets II" {
		t.Errorf("changed, it is %+v", got)
	}
}
