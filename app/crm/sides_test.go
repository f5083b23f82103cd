package crm

import (
	"errors"
	"slices"
	"testing"
	"time"

	"portico/app/portal"
)

// entered is a record as the synchronisation makes it from an entry of a mailbox.
func entered(owner portal.Address, subject string, people ...portal.Attendee) portal.CRMAppointment {
	return portal.CRMAppointment{Origin: portal.SourceExchange, ChangedAt: noon.Add(-time.Minute), ChangedBy: string(owner),
		Entry: portal.Entry{RemoteID: "r", ChangeKey: "k", Appointment: portal.Appointment{Calendar: owner, UID: "uid-" + subject, Subject: subject,
			Start: nth(1), End: nth(1).Add(time.Hour), TimeZone: "UTC", Attendees: people}}}
}

func TestTheSynchronisationStoresByRevision(t *testing.T) {
	o := newOffice(t)
	r, err := o.Put(o.ctx, entered(alice, "Plan", portal.Attendee{URI: carol, Email: "carol@example.test"}), false)
	o.must(err)
	if r.Revision != 1 || r.RemoteID != "" || r.ChangeKey != "" || r.Source != portal.SourceCRM || !r.ChangedAt.Equal(noon.Add(-time.Minute)) || r.ChangedBy != string(alice) {
		t.Errorf("stored: %+v", r)
	}
	o.wantTold("alice created, carol created", "")
	by, err := o.RecordByUID(o.ctx, "uid-Plan")
	o.must(err)
	stale := by
	by.Location = "Room 1"
	by.ChangedBy, by.ChangedAt = "", time.Time{}
	by, err = o.Put(o.ctx, by, true)
	o.must(err)
	if by.Revision != 2 || by.ChangedBy != portal.CRMSync || !by.ChangedAt.Equal(o.now) {
		t.Errorf("again: %+v", by)
	}
	o.wantTold("alice updated, carol updated", "")
	_, err = o.Put(o.ctx, stale, true)
	o.refused(err, portal.ErrConflict, "calendar.conflict")
	twin := entered(bob, "Plan")
	if _, err = o.Put(o.ctx, twin, false); !errors.Is(err, portal.ErrConflict) {
		t.Errorf("a second record of a UID: %v", err)
	}
}

func TestChangesFromOutlookAreToldAsByHand(t *testing.T) {
	o := newOffice(t)
	r, err := o.Put(o.ctx, entered(alice, "Plan", portal.Attendee{URI: carol, Email: "carol@example.test"}), true)
	o.must(err)
	o.wantTold("alice created, carol created", "carol invited")
	r.ChangedBy = portal.CRMSync
	r.Start, r.End = r.Start.Add(time.Hour), r.End.Add(time.Hour)
	r, err = o.Put(o.ctx, r, true)
	o.must(err)
	o.wantTold("alice updated, carol updated", "carol moved") // alice made the change in her own mailbox
	r.Attendees = []portal.Attendee{{URI: dave, Email: "dave@example.test"}}
	r, err = o.Put(o.ctx, r, true)
	o.must(err)
	o.wantTold("alice updated, carol deleted, dave created", "carol removed, dave invited")
	r.Status = portal.StatusComplete
	r, err = o.Put(o.ctx, r, true)
	o.must(err)
	o.wantTold("alice updated, dave updated", "")
	o.now = noon.AddDate(0, 1, 0) // long over
	r.Gone = o.now
	_, err = o.Put(o.ctx, r, true)
	o.must(err)
	o.wantTold("alice deleted, dave deleted", "")
}

func TestTheDoorbellRings(t *testing.T) {
	o := newOffice(t)
	var touched []portal.Address
	opts := o.opts
	opts.Touched = func(people []portal.Address) { touched = append(touched, people...) }
	opts.Watching = func(of portal.Address) []portal.Address {
		if of == carol {
			return []portal.Address{bob}
		}
		return nil
	}
	o.Service = New(o.store, opts)
	bell := o.Changed()
	select {
	case <-bell:
		t.Fatal("it rings although nothing changed")
	default:
	}
	r := o.create(alice, meeting("Budget", "carol@example.test"))
	select {
	case <-bell:
	default:
		t.Fatal("it does not ring")
	}
	if !slices.Equal(touched, []portal.Address{alice, carol}) {
		t.Errorf("touched: %v", touched)
	}
	o.wantTold("alice created, bob created, carol created", "carol invited") // bob looks at carol's calendar
	last, err := o.LastChange(o.ctx)
	o.must(err)
	lines, err := o.Changes(o.ctx, last-1, 10)
	o.must(err)
	if len(lines) != 1 || lines[0].ID != r.ID || lines[0].Revision != 1 || lines[0].By != string(alice) || lines[0].Kind != "appointment" {
		t.Errorf("the log: %+v", lines)
	}
	for _, change := range []func() error{
		func() error { _, err := o.SaveCompany(o.ctx, alice, "", portal.CRMCompany{Name: "Acme"}); return err },
		func() error {
			_, err := o.PutUsers(o.ctx, []portal.CRMUser{{Address: erin, LastName: "E"}}, "t")
			return err
		},
	} {
		bell = o.Changed()
		o.must(change())
		select {
		case <-bell:
		default:
			t.Error("it does not ring")
		}
	}
}

func TestAlikeComparesSubjectsAsPeopleDo(t *testing.T) {
	o := newOffice(t)
	r := o.create(alice, meeting("Budget  2026"))
	o.create(alice, meeting("Other"))
	list, err := o.Alike(o.ctx, alice, " budget 2026 ", r.Start, r.End, false)
	o.must(err)
	if len(list) != 1 || list[0].ID != r.ID {
		t.Errorf("alike: %+v", list)
	}
}

func TestFilesGoByTheirHash(t *testing.T) {
	o := newOffice(t)
	f, err := o.Keep(o.ctx, "a.txt", "text/plain", []byte("hello"))
	o.must(err)
	g, err := o.Keep(o.ctx, "b.txt", "text/plain", []byte("hello"))
	o.must(err)
	if f.Hash != g.Hash || f.ID == g.ID || f.Hash != "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824" {
		t.Errorf("%+v, %+v", f, g)
	}
	data, err := o.File(o.ctx, f.Hash)
	o.must(err)
	if string(data) != "hello" {
		t.Errorf("read %q", data)
	}
	r, err := o.Put(o.ctx, portal.CRMAppointment{Origin: portal.SourceExchange, Kept: []portal.CRMFile{f}, Entry: entered(alice, "Plan").Entry}, false)
	o.must(err)
	if len(r.Attachments) != 1 || r.Attachments[0] != f.Attachment {
		t.Errorf("attachments: %+v", r.Attachments)
	}
}

func TestWhereARecordIsOnItsWay(t *testing.T) {
	o := newOffice(t)
	sync := func(id string) portal.SyncState {
		r, err := o.Get(o.ctx, root, id)
		o.must(err)
		return r.Sync
	}
	own := o.create(carol, meeting("Own", "dave@example.test"))
	if got := sync(own.ID).State; got != portal.SyncDone {
		t.Errorf("nobody has a mailbox: %s", got)
	}
	r := o.create(carol, meeting("Mixed", "alice@example.test"))
	if r.Sync.State != portal.SyncPending {
		t.Errorf("made: %+v", r.Sync)
	}
	o.pairs[r.ID] = portal.SyncPair{CRM: r.ID, State: portal.SyncFailed, Reason: "sync.no-organizer"}
	if got := sync(r.ID); got != (portal.SyncState{State: portal.SyncFailed, Error: "sync.no-organizer"}) {
		t.Errorf("failed: %+v", got)
	}
	o.pairs[r.ID] = portal.SyncPair{CRM: r.ID, State: portal.SyncDone, Revision: 1}
	if got := sync(r.ID).State; got != portal.SyncDone {
		t.Errorf("done: %s", got)
	}
	subject := "Mixed II"
	if _, err := o.Change(o.ctx, carol, r.ID, portal.AppointmentChange{Subject: &subject}, ""); err != nil || sync(r.ID).State != portal.SyncPending {
		t.Errorf("changed since: %+v, %v", sync(r.ID), err)
	}
	o.told()
	o.must(o.Marked(o.ctx, []string{"crm-nothing", r.ID}, portal.SyncState{State: portal.SyncDone}))
	o.wantTold("alice sync done, carol sync done", "")
	o.must(o.Marked(o.ctx, []string{"crm-nothing"}, portal.SyncState{}))
	o.wantTold("", "")
}

func TestEntriesStandAsInTheCalendar(t *testing.T) {
	o := newOffice(t)
	r := o.create(alice, meeting("Budget", "carol@example.test"))
	e, err := o.Entry(o.ctx, carol, r.ID)
	o.must(err)
	if e.Mine || e.Calendar != carol || e.Response != portal.ResponseNone || e.Version != r.Version || e.Sync.State != portal.SyncPending {
		t.Errorf("carol's: %+v", e)
	}
	by, err := o.EntryByUID(o.ctx, alice, r.UID)
	o.must(err)
	if !by.Mine || by.Response != portal.ResponseOrganizer {
		t.Errorf("alice's: %+v", by)
	}
	_, err = o.Entry(o.ctx, dave, r.ID)
	o.refused(err, portal.ErrNotFound, "calendar.not-found")
	o.store.fail = portal.ErrUnavailable
	if _, err := o.Entries(o.ctx, carol, noon, noon.Add(time.Hour)); !errors.Is(err, portal.ErrUnavailable) {
		t.Errorf("storage away: %v", err)
	}
}
