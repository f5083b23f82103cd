package crm

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"portico/app/portal"
)

func TestARecordIsSeenByItsOwnerAndByThoseInvited(t *testing.T) {
	o := newOffice(t)
	r := o.create(alice, meeting("Budget", "carol@example.test", "guest@elsewhere.test", "erin@example.test"))
	if !strings.HasPrefix(r.ID, portal.CRMPrefix) || r.Revision != 1 || r.Origin != portal.SourceCRM || r.Status != portal.StatusPending || r.UID == "" {
		t.Errorf("made: %+v", r)
	}
	if r.Organizer.Email != "alice@example.test" || r.Organizer.Response != portal.ResponseOrganizer || !r.Meeting || !r.Mine {
		t.Errorf("the organiser: %+v", r.Organizer)
	}
	var uris []string
	for _, p := range r.Attendees {
		uris = append(uris, string(p.URI))
	}
	if got := strings.Join(uris, " "); got != string(carol)+"  " {
		t.Errorf("only CRM users have a URI: %q", got)
	}
	if got := o.shown(alice); got != "0415T13 Budget organizer" {
		t.Errorf("alice sees %q", got)
	}
	if got := o.shown(carol); got != "0415T13 Budget none" {
		t.Errorf("carol sees %q", got)
	}
	if got := o.shown(dave); got != "" {
		t.Errorf("dave sees %q", got)
	}
	list, err := o.Window(o.ctx, carol, noon, noon.AddDate(0, 0, 1), nil)
	o.must(err)
	if a := list[0]; a.Mine || a.Show != portal.ShowTentative || a.Calendar != carol || a.ID != r.ID {
		t.Errorf("carol's own: %+v", a)
	}
}

func TestARepeatedCreateGivesWhatIsThere(t *testing.T) {
	o := newOffice(t)
	a := meeting("Budget")
	a.ID = "mine-1"
	one := o.create(alice, a)
	if one.ID != "crm-mine-1" {
		t.Fatalf("the ID is %s", one.ID)
	}
	a.Subject = "Something else"
	if two := o.create(alice, a); two.ID != one.ID || two.Subject != "Budget" || two.Revision != 1 {
		t.Errorf("the repeat gave %+v", two)
	}
	a.ID = "crm-mine-1"
	if three := o.create(alice, a); three.ID != one.ID {
		t.Errorf("with its prefix: %s", three.ID)
	}
	_, err := o.Create(o.ctx, carol, "", a)
	o.refused(err, portal.ErrConflict, "crm.id-taken")
	o.must(o.Delete(o.ctx, alice, one.ID, ""))
	_, err = o.Create(o.ctx, alice, "", a)
	o.refused(err, portal.ErrConflict, "calendar.gone")
	a.ID = "no/slash"
	_, err = o.Create(o.ctx, alice, "", a)
	o.refused(err, portal.ErrInvalid, "calendar.id")
}

func TestAnIdempotencyKeyMakesOneRecord(t *testing.T) {
	o := newOffice(t)
	one, err := o.Create(o.ctx, alice, "k1", meeting("Budget"))
	o.must(err)
	two, err := o.Create(o.ctx, alice, "k1", meeting("Budget"))
	o.must(err)
	other, err := o.Create(o.ctx, carol, "k1", meeting("Budget"))
	o.must(err)
	if one.ID != two.ID || other.ID == one.ID || len(o.store.records) != 2 {
		t.Errorf("%s, %s, %s; %d records", one.ID, two.ID, other.ID, len(o.store.records))
	}
}

func TestWhatCannotBeKeptIsRefused(t *testing.T) {
	o := newOffice(t)
	minutes := -1
	for key, spoil := range map[string]func(*portal.Appointment){
		"calendar.subject-long":        func(a *portal.Appointment) { a.Subject = strings.Repeat("x", 256) },
		"calendar.location-long":       func(a *portal.Appointment) { a.Location = strings.Repeat("x", 256) },
		"calendar.body-long":           func(a *portal.Appointment) { a.Body = strings.Repeat("x", MaxBody+1) },
		"calendar.text":                func(a *portal.Appointment) { a.Body = "a\x00b" },
		"calendar.times":               func(a *portal.Appointment) { a.End = a.Start.Add(-time.Minute) },
		"calendar.reminder":            func(a *portal.Appointment) { a.ReminderMinutes = &minutes },
		"calendar.show":                func(a *portal.Appointment) { a.Show = "purple" },
		"calendar.recurrence":          func(a *portal.Appointment) { a.Recurrence = "FREQ=NEVER" },
		"calendar.attendee":            func(a *portal.Appointment) { a.Attendees = []portal.Attendee{{Email: "nobody"}} },
		"time-zone":                    func(a *portal.Appointment) { a.TimeZone = "Moon/Base" },
		"crm.no-person":                func(a *portal.Appointment) { a.People = []string{"nobody"} },
		"crm.no-company":               func(a *portal.Appointment) { a.Companies = []string{"nothing"} },
		"crm.list":                     func(a *portal.Appointment) { a.Attendees = []portal.Attendee{{Email: "all@example.test", List: true}} },
		"calendar.categories":          func(a *portal.Appointment) { a.Categories = make([]string, 51) },
		"crm.ties-many":                func(a *portal.Appointment) { a.People = many(MaxTies + 1) },
		"calendar.attendees-many":      func(a *portal.Appointment) { a.Attendees = crowd(MaxAttendees + 1) },
		"calendar.recurrence-exchange": func(a *portal.Appointment) { a.Recurrence = "FREQ=HOURLY;COUNT=3" },
	} {
		a := meeting("Budget")
		spoil(&a)
		_, err := o.Create(o.ctx, alice, "", a)
		if portal.Reason(err) != key {
			t.Errorf("%s: got %v", key, err)
		}
	}
	if len(o.store.records) != 0 {
		t.Errorf("%d were stored", len(o.store.records))
	}
}

func many(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprint(i)
	}
	return out
}

func crowd(n int) []portal.Attendee {
	out := make([]portal.Attendee, n)
	for i := range out {
		out[i].Email = fmt.Sprintf("p%d@elsewhere.test", i)
	}
	return out
}

func TestDistributionListsAreExpandedWhenSaved(t *testing.T) {
	o := newOffice(t)
	o.lists["inner@example.test"] = []portal.Attendee{{Email: "dave@example.test"}, {Email: "bob@example.test"}}
	o.lists["team@example.test"] = []portal.Attendee{{Email: "carol@example.test"}, {Email: "inner@example.test", List: true}, {Email: "alice@example.test"}}
	a := meeting("Team")
	a.Attendees = []portal.Attendee{{Email: "team@example.test", List: true, Role: portal.RoleOptional}, {Email: "bob@example.test"}}
	r := o.create(alice, a)
	var got []string
	for _, p := range r.Attendees {
		got = append(got, p.URI.User()+" "+string(p.Role))
		if p.List {
			t.Errorf("%s is still a list", p.Email)
		}
	}
	if strings.Join(got, ", ") != "carol optional, dave optional, bob optional" {
		t.Errorf("invited: %q", got)
	}
	o.lists["loop@example.test"] = []portal.Attendee{{Email: "loop@example.test", List: true}}
	a.Attendees = []portal.Attendee{{Email: "loop@example.test", List: true}}
	_, err := o.Create(o.ctx, alice, "", a)
	o.refused(err, portal.ErrUnavailable, "crm.list")
}

func TestAStaleChangeIsAConflictUnlessWhatWasSeenIsStillSo(t *testing.T) {
	o := newOffice(t)
	r := o.create(alice, meeting("Budget", "carol@example.test"))
	subject, place := "Budget 2027", "Room 1"
	_, err := o.Respond(o.ctx, carol, r.ID, portal.ResponseAccepted, "", portal.Proposal{}, "")
	o.must(err)
	two, err := o.Change(o.ctx, alice, r.ID, portal.AppointmentChange{Subject: &subject}, r.Version) // an answer came in between
	o.must(err)
	if two.Subject != subject || two.Attendees[0].Response != portal.ResponseAccepted {
		t.Errorf("after: %+v", two)
	}
	_, err = o.Change(o.ctx, alice, r.ID, portal.AppointmentChange{Location: &place}, r.Version)
	o.refused(err, portal.ErrConflict, "calendar.conflict")
	_, err = o.Change(o.ctx, alice, r.ID, portal.AppointmentChange{Location: &place}, fmt.Sprint(two.Revision))
	o.must(err)
	_, err = o.Change(o.ctx, alice, r.ID, portal.AppointmentChange{Location: &place}, "2")
	o.refused(err, portal.ErrConflict, "calendar.conflict")
}

func TestWhatChangesNothingIsNotStored(t *testing.T) {
	o := newOffice(t)
	r := o.create(alice, meeting("Budget", "carol@example.test"))
	o.told()
	subject := " Budget "
	same, err := o.Change(o.ctx, alice, r.ID, portal.AppointmentChange{Subject: &subject, Start: &r.Start, End: &r.End, Attendees: &r.Attendees}, r.Version)
	o.must(err)
	if same.Revision != r.Revision {
		t.Errorf("revision %d", same.Revision)
	}
	o.wantTold("", "")
}

func TestAChangeThatIsOvertakenIsMadeAfresh(t *testing.T) {
	o := newOffice(t)
	r := o.create(alice, meeting("Budget"))
	place := "Room 1"
	o.store.before = func() {
		o.store.before = nil
		other := "Room 7"
		body := "text"
		_, err := o.Change(o.ctx, alice, r.ID, portal.AppointmentChange{Location: &other, Body: &body}, "")
		o.must(err)
	}
	out, err := o.Change(o.ctx, alice, r.ID, portal.AppointmentChange{Location: &place}, "")
	o.must(err)
	if out.Location != place || out.Body != "text" || out.Revision != 3 {
		t.Errorf("after: %q %q, revision %d", out.Location, out.Body, out.Revision)
	}
}

func TestManyHandsAtOnceLoseNothing(t *testing.T) {
	o := newOffice(t)
	r := o.create(alice, meeting("Budget", crowdOf(o, 6)...))
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			who := portal.Address(fmt.Sprintf("sip:u%d@example.test", i))
			for { // more hands than tries is said as a conflict
				_, err := o.Respond(o.ctx, who, r.ID, portal.ResponseAccepted, "", portal.Proposal{}, "")
				if err == nil {
					return
				}
				if !errors.Is(err, portal.ErrConflict) {
					t.Errorf("u%d: %v", i, err)
					return
				}
			}
		})
	}
	wg.Wait()
	out, err := o.Get(o.ctx, alice, r.ID)
	o.must(err)
	for _, p := range out.Attendees {
		if p.Response != portal.ResponseAccepted {
			t.Errorf("%s: %s", p.Email, p.Response)
		}
	}
	if out.Revision != 7 {
		t.Errorf("revision %d", out.Revision)
	}
}

// crowdOf makes n CRM users and gives their addresses.
func crowdOf(o *office, n int) []string {
	o.t.Helper()
	var users []portal.CRMUser
	var emails []string
	for i := range n {
		email := fmt.Sprintf("u%d@example.test", i)
		users = append(users, portal.CRMUser{Address: portal.Address("sip:" + email), LastName: "U", Email: email})
		emails = append(emails, email)
	}
	_, err := o.PutUsers(o.ctx, users, "test")
	o.must(err)
	return emails
}

func TestWhoWorksWithCRMIsAUser(t *testing.T) {
	o := newOffice(t)
	o.create(erin, meeting("Budget"))
	u, err := o.User(o.ctx, erin)
	o.must(err)
	if u.Email != "erin@example.test" || u.FirstName != "Erin" || u.LastName != "Example" || u.Synced() {
		t.Errorf("made: %+v", u)
	}
}

func TestStatus(t *testing.T) {
	o := newOffice(t)
	r := o.create(alice, meeting("Budget", "carol@example.test", "dave@example.test"))
	o.told()
	r, err := o.SetStatus(o.ctx, alice, r.ID, portal.StatusComplete, r.Version)
	o.must(err)
	if r.Status != portal.StatusComplete {
		t.Errorf("status %s", r.Status)
	}
	o.wantTold("alice updated, carol updated, dave updated", "") // completing tells nobody in words
	r, err = o.SetStatus(o.ctx, alice, r.ID, portal.StatusCancelled, "")
	o.must(err)
	if r.Status != portal.StatusCancelled || !r.Gone.IsZero() {
		t.Errorf("cancelled: %+v", r)
	}
	o.wantTold("alice updated, carol updated, dave updated", "carol cancelled, dave cancelled")
	_, err = o.SetStatus(o.ctx, alice, r.ID, portal.StatusPending, "")
	o.must(err)
	o.wantTold("alice updated, carol updated, dave updated", "carol invited, dave invited")
	_, err = o.SetStatus(o.ctx, alice, r.ID, portal.StatusConfirmed, "")
	o.refused(err, portal.ErrInvalid, "crm.status")
	_, err = o.SetStatus(o.ctx, carol, r.ID, portal.StatusComplete, "")
	o.refused(err, portal.ErrForbidden, "calendar.not-organizer")
}

func TestTies(t *testing.T) {
	o := newOffice(t)
	acme, err := o.SaveCompany(o.ctx, alice, "", portal.CRMCompany{Name: "Acme"})
	o.must(err)
	wile, err := o.SavePerson(o.ctx, alice, "", portal.CRMPerson{FirstName: "Wile", LastName: "Coyote", Company: acme.ID})
	o.must(err)
	r := o.create(alice, meeting("Rockets", "carol@example.test"))
	o.told()
	r, err = o.SetTies(o.ctx, carol, r.ID, []string{wile.ID, wile.ID}, []string{acme.ID}, r.Version)
	o.must(err)
	if fmt.Sprint(r.People, r.Companies) != fmt.Sprint([]string{wile.ID}, []string{acme.ID}) {
		t.Errorf("tied to %v %v", r.People, r.Companies)
	}
	o.wantTold("alice updated, carol updated", "")
	_, err = o.SetTies(o.ctx, dave, r.ID, nil, nil, "")
	o.refused(err, portal.ErrForbidden, "crm.forbidden") // it is tied: he may read it, no more
	list, err := o.AppointmentsOf(o.ctx, dave, wile.ID, "", 10)
	o.must(err)
	if len(list) != 1 || list[0].ID != r.ID {
		t.Errorf("of the person: %+v", list)
	}
	secret := true
	_, err = o.Change(o.ctx, alice, r.ID, portal.AppointmentChange{Private: &secret}, "")
	o.must(err)
	list, err = o.AppointmentsOf(o.ctx, dave, "", acme.ID, 10)
	o.must(err)
	if len(list) != 0 {
		t.Errorf("a private one is told to others: %+v", list)
	}
	if list, err = o.AppointmentsOf(o.ctx, carol, "", acme.ID, 10); err != nil || len(list) != 1 {
		t.Errorf("carol takes part: %v %v", list, err)
	}
	_, err = o.AppointmentsOf(o.ctx, dave, "", "", 10)
	o.refused(err, portal.ErrInvalid, "crm.tied-to")
}

func TestFiles(t *testing.T) {
	o := newOffice(t)
	r := o.create(alice, meeting("Budget", "carol@example.test"))
	r, err := o.Attach(o.ctx, alice, r.ID, "plan.txt", "text/plain", []byte("hello"))
	o.must(err)
	if len(r.Attachments) != 1 || r.Attachments[0].Size != 5 || r.Attachments[0].Name != "plan.txt" {
		t.Fatalf("attached: %+v", r.Attachments)
	}
	f, meta, err := o.Attachment(o.ctx, carol, r.ID, r.Attachments[0].ID)
	o.must(err)
	buf := make([]byte, 10)
	n, _ := f.Read(buf)
	o.must(f.Close())
	if string(buf[:n]) != "hello" || meta.ContentType != "text/plain" {
		t.Errorf("read %q as %s", buf[:n], meta.ContentType)
	}
	_, _, err = o.Attachment(o.ctx, dave, r.ID, r.Attachments[0].ID)
	o.refused(err, portal.ErrNotFound, "calendar.not-found")
	_, err = o.Attach(o.ctx, carol, r.ID, "mine.txt", "text/plain", []byte("no"))
	o.refused(err, portal.ErrForbidden, "calendar.not-organizer")
	_, err = o.Attach(o.ctx, alice, r.ID, "big.bin", "", make([]byte, MaxAttachment+1))
	o.refused(err, portal.ErrInvalid, "calendar.attachment-large")
	_, err = o.Attach(o.ctx, alice, r.ID, "../etc", "", nil)
	o.refused(err, portal.ErrInvalid, "calendar.attachment-name")
	r, err = o.Detach(o.ctx, alice, r.ID, r.Attachments[0].ID)
	o.must(err)
	if len(r.Attachments) != 0 || len(r.Kept) != 0 {
		t.Errorf("left: %+v", r.Attachments)
	}
	_, err = o.Detach(o.ctx, alice, r.ID, "nothing")
	o.refused(err, portal.ErrNotFound, "calendar.not-found")
}
