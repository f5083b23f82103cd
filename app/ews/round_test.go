package ews

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"portico/app/portal"
)

// A person's round through a real server: everything is written, read back as changes, changed and taken away.

func meeting(t *testing.T, subject string, attendees ...portal.Attendee) portal.Appointment {
	t.Helper()
	return portal.Appointment{UID: "portico-" + strings.ReplaceAll(subject, " ", "-") + fmt.Sprint(time.Now().UnixNano()), Subject: subject, Location: "Room 1", Body: "First line\nsecond",
		Start: at(t, "2026-03-23T13:00:00Z"), End: at(t, "2026-03-23T14:00:00Z"), TimeZone: "Europe/Berlin", Show: portal.ShowTentative,
		ReminderMinutes: ptr(10), Categories: []string{"Blue"}, Attendees: attendees}
}

// begun tells the changes of this run of the tests from those of others at a server that outlives it.
var begun = fmt.Sprint(time.Now().UnixNano())

// stamp is the id of a change of one test.
func stamp(t *testing.T, name string) string {
	t.Helper()
	return t.Name() + " " + name + " " + begun
}

func series4(t *testing.T, subject string) portal.Appointment {
	t.Helper()
	a := meeting(t, subject)
	a.Recurrence = "FREQ=WEEKLY;COUNT=4;BYDAY=MO"
	return a
}

func TestRoundOfASingleAppointment(t *testing.T) {
	p := newPeer(t, nil)
	c := p.connector(t, nil)
	me := p.person("alice")
	_, state := all(t, c, me)
	made, err := c.Create(t.Context(), me, me, meeting(t, "Round"), portal.WriteOptions{ChangeID: stamp(t, "round-1")})
	if err != nil {
		t.Fatalf("create: %v", err)
	}
	if made.Subject != "Round" || made.Location != "Room 1" || made.Body != "First line\nsecond" || made.Show != portal.ShowTentative || made.TimeZone != "Europe/Berlin" ||
		made.ChangeID != stamp(t, "round-1") || made.ReminderMinutes == nil || *made.ReminderMinutes != 10 || !slices.Equal(made.Categories, []string{"Blue"}) ||
		!made.Start.Equal(at(t, "2026-03-23T13:00:00Z")) || made.RemoteID == "" || made.ChangeKey == "" || !made.Mine {
		t.Errorf("made: %+v", made)
	}
	found, ok, err := c.Find(t.Context(), me, me, stamp(t, "round-1"))
	if err != nil || !ok || found.RemoteID != made.RemoteID {
		t.Errorf("found by its stamp: %t %v", ok, err)
	}
	if _, ok, err := c.Find(t.Context(), me, me, "no such change"); ok || err != nil {
		t.Errorf("found what there is not: %t %v", ok, err)
	}
	d, err := c.Changes(t.Context(), me, me, state)
	if err != nil || len(d.Changed) != 1 || d.Changed[0].RemoteID != made.RemoteID || d.Reset || d.More {
		t.Fatalf("changes: %+v %v", d, err)
	}
	ch := portal.AppointmentChange{Subject: ptr("Round, changed"), Location: ptr(""), Start: ptr(at(t, "2026-03-30T13:00:00Z")), Private: ptr(true), Show: ptr(portal.ShowOOF)}
	changed, err := c.Update(t.Context(), me, me, made, ch, portal.WriteOptions{ChangeID: stamp(t, "round-2")})
	if err != nil {
		t.Fatalf("update: %v", err)
	}
	if changed.Subject != "Round, changed" || changed.Location != "" || !changed.Private || changed.Show != portal.ShowOOF || changed.Body != made.Body ||
		!changed.Start.Equal(at(t, "2026-03-30T13:00:00Z")) || !changed.End.Equal(at(t, "2026-03-30T14:00:00Z")) || changed.ChangeKey == made.ChangeKey {
		t.Errorf("changed: %+v", changed)
	}
	// The same change again, as after an answer that was lost: its own work is found.
	if again, err := c.Update(t.Context(), me, me, made, ch, portal.WriteOptions{ChangeID: stamp(t, "round-2")}); err != nil || again.ChangeKey != changed.ChangeKey {
		t.Errorf("the same change again: %v", err)
	}
	if _, err := c.Update(t.Context(), me, me, made, ch, portal.WriteOptions{ChangeID: stamp(t, "round-3")}); !errors.Is(err, portal.ErrConflict) {
		t.Errorf("a change of an old version: %v", err)
	}
	if err := c.Delete(t.Context(), me, me, changed, time.Time{}, ""); err != nil {
		t.Fatalf("delete: %v", err)
	}
	if err := c.Delete(t.Context(), me, me, changed, time.Time{}, ""); err != nil {
		t.Errorf("delete what is gone: %v", err)
	}
	d, err = c.Changes(t.Context(), me, me, d.State)
	if err != nil || !slices.Contains(d.Gone, made.RemoteID) || len(d.Changed) != 0 {
		t.Errorf("after the deletion: %+v %v", d, err)
	}
	if _, err := c.Entry(t.Context(), me, me, made.RemoteID); !errors.Is(err, portal.ErrNotFound) {
		t.Errorf("the deleted entry: %v", err)
	}
}

func TestRoundOfAnAllDayAppointment(t *testing.T) {
	p := newPeer(t, nil)
	c := p.connector(t, nil)
	me := p.person("alice")
	for _, zone := range []string{"Pacific/Kiritimati", "Europe/Berlin", "America/Los_Angeles", "UTC"} {
		a := portal.Appointment{Subject: "All day", Start: day(2026, 3, 28), End: day(2026, 3, 31), AllDay: true, TimeZone: zone, Show: portal.ShowOOF}
		made, err := c.Create(t.Context(), me, me, a, portal.WriteOptions{ChangeID: stamp(t, "day-"+zone)})
		if err != nil {
			t.Fatalf("%s: %v", zone, err)
		}
		if !made.AllDay || !made.Start.Equal(a.Start) || !made.End.Equal(a.End) {
			t.Errorf("%s: %s to %s, all-day %t", zone, made.Start, made.End, made.AllDay)
		}
		timed, err := c.Update(t.Context(), me, me, made, portal.AppointmentChange{AllDay: ptr(false), Start: ptr(at(t, "2026-03-30T08:00:00Z")), End: ptr(at(t, "2026-03-30T09:00:00Z"))}, portal.WriteOptions{ChangeID: stamp(t, "timed-"+zone)})
		if err != nil {
			t.Fatalf("%s: %v", zone, err)
		}
		if timed.AllDay || !timed.Start.Equal(at(t, "2026-03-30T08:00:00Z")) || !timed.End.Equal(at(t, "2026-03-30T09:00:00Z")) {
			t.Errorf("%s: %s to %s, all-day %t", zone, timed.Start, timed.End, timed.AllDay)
		}
		if err := c.Delete(t.Context(), me, me, timed, time.Time{}, ""); err != nil {
			t.Errorf("%s: %v", zone, err)
		}
	}
}

func TestRoundOfASeries(t *testing.T) {
	p := newPeer(t, nil)
	c := p.connector(t, nil)
	me := p.person("alice")
	made, err := c.Create(t.Context(), me, me, series4(t, "Series"), portal.WriteOptions{ChangeID: stamp(t, "series-1")})
	if err != nil {
		t.Fatalf("create: %v", err)
	}
	if made.Kind != portal.KindMaster || made.Recurrence == "" {
		t.Fatalf("made: %s %q", made.Kind, made.Recurrence)
	}
	_, state := all(t, c, me)
	second, third := at(t, "2026-03-30T12:00:00Z"), at(t, "2026-04-06T12:00:00Z") // after the change of clocks
	one := portal.AppointmentChange{Scope: portal.ScopeOne, Occurrence: second, Subject: ptr("Only this"), Start: ptr(at(t, "2026-03-31T09:00:00Z")), End: ptr(at(t, "2026-03-31T09:30:00Z"))}
	changed, err := c.Update(t.Context(), me, me, made, one, portal.WriteOptions{ChangeID: stamp(t, "series-2")})
	if err != nil {
		t.Fatalf("change one: %v", err)
	}
	if len(changed.Exceptions) != 1 || !changed.Exceptions[0].RecurrenceID.Equal(second) || changed.Exceptions[0].Subject != "Only this" ||
		!changed.Exceptions[0].Start.Equal(at(t, "2026-03-31T09:00:00Z")) || changed.Subject != "Series" {
		t.Fatalf("changed: %+v", changed.Exceptions)
	}
	if again, err := c.Update(t.Context(), me, me, made, one, portal.WriteOptions{ChangeID: stamp(t, "series-2")}); err != nil || len(again.Exceptions) != 1 {
		t.Errorf("the same change again: %v", err)
	}
	moved := portal.AppointmentChange{Scope: portal.ScopeOne, Occurrence: second, Location: ptr("Hall")}
	if changed, err = c.Update(t.Context(), me, me, changed, moved, portal.WriteOptions{ChangeID: stamp(t, "series-3")}); err != nil || changed.Exceptions[0].Location != "Hall" || changed.Exceptions[0].Subject != "Only this" {
		t.Fatalf("change the exception: %+v %v", changed.Exceptions, err)
	}
	if err := c.Delete(t.Context(), me, me, changed, third, ""); err != nil {
		t.Fatalf("delete one: %v", err)
	}
	if err := c.Delete(t.Context(), me, me, changed, third, ""); err != nil {
		t.Errorf("delete one that is gone: %v", err)
	}
	d, err := c.Changes(t.Context(), me, me, state)
	if err != nil || len(d.Changed) != 1 {
		t.Fatalf("changes: %+v %v", d, err)
	}
	e := d.Changed[0]
	if e.RemoteID != made.RemoteID || len(e.Exceptions) != 1 || len(e.Deleted) != 1 || !e.Deleted[0].Equal(third) {
		t.Errorf("the series with what differs from it: %+v", e)
	}
	if _, err := c.Update(t.Context(), me, me, e, portal.AppointmentChange{Scope: portal.ScopeOne, Occurrence: third, Subject: ptr("x")}, portal.WriteOptions{ChangeID: stamp(t, "series-4")}); !errors.Is(err, portal.ErrNotFound) {
		t.Errorf("change of a deleted one: %v", err)
	}
	whole, err := c.Update(t.Context(), me, me, e, portal.AppointmentChange{Scope: portal.ScopeAll, Subject: ptr("Series, renamed")}, portal.WriteOptions{ChangeID: stamp(t, "series-5")})
	if err != nil || whole.Subject != "Series, renamed" || len(whole.Exceptions) != 1 || whole.Exceptions[0].Subject != "Only this" {
		t.Errorf("change all: %+v %v", whole.Exceptions, err)
	}
	if err := c.Delete(t.Context(), me, me, whole, time.Time{}, ""); err != nil {
		t.Errorf("delete all: %v", err)
	}
}

// "This and all that follow": two series, back to back, nothing doubled and nothing lost; exceptions stay on their side.
func TestRoundOfASeriesCutInTwo(t *testing.T) {
	p := newPeer(t, nil)
	c := p.connector(t, nil)
	me := p.person("alice")
	before, _ := all(t, c, me)
	a := series4(t, "Cut")
	a.Recurrence = "FREQ=WEEKLY;COUNT=6;BYDAY=MO"
	made, err := c.Create(t.Context(), me, me, a, portal.WriteOptions{ChangeID: stamp(t, "cut-1")})
	if err != nil {
		t.Fatal(err)
	}
	late := at(t, "2026-04-20T12:00:00Z")
	if made, err = c.Update(t.Context(), me, me, made, portal.AppointmentChange{Scope: portal.ScopeOne, Occurrence: late, Location: ptr("Hall")}, portal.WriteOptions{ChangeID: stamp(t, "cut-2")}); err != nil {
		t.Fatal(err)
	}
	if err := c.Delete(t.Context(), me, me, made, at(t, "2026-04-27T12:00:00Z"), ""); err != nil {
		t.Fatal(err)
	}
	if made, err = c.Entry(t.Context(), me, me, made.RemoteID); err != nil {
		t.Fatal(err)
	}
	ch := portal.AppointmentChange{Scope: portal.ScopeFollowing, Occurrence: at(t, "2026-04-06T12:00:00Z"), Subject: ptr("Cut, the rest")}
	for try := range 2 { // the second as after an answer that was lost
		head, err := c.Update(t.Context(), me, me, made, ch, portal.WriteOptions{ChangeID: stamp(t, "cut-3")})
		if err != nil {
			t.Fatalf("try %d: %v", try, err)
		}
		if got := strings.Join(instants(t, head, 9), " "); got != "2026-03-23T13:00:00Z 2026-03-30T12:00:00Z" || head.Subject != "Cut" {
			t.Errorf("the head %q happens at %s", head.Subject, got)
		}
	}
	now, _ := all(t, c, me)
	if len(now) != len(before)+2 {
		t.Errorf("%d entries, %d before", len(now), len(before))
	}
	tail := bySubject(now, "Cut, the rest")
	if tail == nil {
		t.Fatal("there is no tail")
	}
	if got := strings.Join(instants(t, *tail, 9), " "); got != "2026-04-06T12:00:00Z 2026-04-13T12:00:00Z 2026-04-20T12:00:00Z 2026-04-27T12:00:00Z" {
		t.Errorf("the tail happens at %s", got)
	}
	if len(tail.Exceptions) != 1 || tail.Exceptions[0].Location != "Hall" || len(tail.Deleted) != 1 || tail.UID == made.UID {
		t.Errorf("the tail's exceptions %+v, deleted %v", tail.Exceptions, tail.Deleted)
	}
}

func TestRoundOfAttachments(t *testing.T) {
	p := newPeer(t, nil)
	c := p.connector(t, nil)
	me := p.person("alice")
	made, err := c.Create(t.Context(), me, me, meeting(t, "With a file"), portal.WriteOptions{ChangeID: stamp(t, "file-1")})
	if err != nil {
		t.Fatal(err)
	}
	content := []byte(strings.Repeat("portico ", 40_000))
	with, err := c.Attach(t.Context(), me, me, made, "notes.txt", "text/plain", content)
	if err != nil || len(with.Attachments) != 1 || with.Attachments[0].Name != "notes.txt" {
		t.Fatalf("attach: %+v %v", with.Attachments, err)
	}
	if again, err := c.Attach(t.Context(), me, me, made, "notes.txt", "text/plain", content); err != nil || len(again.Attachments) != 1 {
		t.Errorf("the same again, as after an answer that was lost: %+v %v", again.Attachments, err)
	}
	data, about, err := c.AttachmentData(t.Context(), me, me, with.Attachments[0].ID)
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	got, err := io.ReadAll(data)
	if err != nil || string(got) != string(content) || about.Name != "notes.txt" || about.Size != int64(len(content)) {
		t.Errorf("%d bytes of %+v, %v", len(got), about, err)
	}
	if err := data.Close(); err != nil {
		t.Error(err)
	}
	without, err := c.Detach(t.Context(), me, me, with, with.Attachments[0].ID)
	if err != nil || len(without.Attachments) != 0 {
		t.Errorf("detach: %+v %v", without.Attachments, err)
	}
	if _, err := c.Detach(t.Context(), me, me, with, with.Attachments[0].ID); err != nil {
		t.Errorf("detach what is gone: %v", err)
	}
	if _, err := c.Attach(t.Context(), me, me, made, "big", "", make([]byte, maxAttachment+1)); !errors.Is(err, portal.ErrInvalid) {
		t.Errorf("too large a file: %v", err)
	}
	if _, err := c.Attach(t.Context(), me, me, made, " ", "", nil); !errors.Is(err, portal.ErrInvalid) {
		t.Errorf("a file without a name: %v", err)
	}
}

// Changes in pages, a state that is no state, and one that the server refuses.
func TestRoundOfChangesInPagesAndFromTheStart(t *testing.T) {
	p := newPeer(t, nil)
	c := p.connector(t, nil)
	me := p.person("bob")
	before, _ := all(t, c, me)
	for i := range 23 {
		a := portal.Appointment{Subject: fmt.Sprintf("No %d", i), Start: at(t, "2026-05-04T08:00:00Z").AddDate(0, 0, i), TimeZone: "UTC"}
		a.End = a.Start.Add(time.Hour)
		if _, err := c.Create(t.Context(), me, me, a, portal.WriteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	now, state := all(t, c, me)
	if len(now) != len(before)+23 {
		t.Fatalf("%d entries, %d before", len(now), len(before))
	}
	d, err := c.Changes(t.Context(), me, me, state)
	if err != nil || len(d.Changed)+len(d.Gone) != 0 || d.Reset || d.State == "" {
		t.Errorf("nothing happened: %+v %v", d, err)
	}
	for _, bad := range []string{"nonsense", "{}", syncState{Sync: "bm8gc3RhdGU="}.String()} {
		d, err := c.Changes(t.Context(), me, me, bad)
		if err != nil || !d.Reset || len(d.Changed) == 0 {
			t.Errorf("the state %q: reset %t, %d entries, %v", bad, d.Reset, len(d.Changed), err)
		}
	}
}

// A folder that cannot be synchronised is listed, and versions are compared.
func TestRoundOfChangesByComparison(t *testing.T) {
	p := newPeer(t, nil)
	c := p.connector(t, nil)
	me := p.person("bob")
	made, err := c.Create(t.Context(), me, me, meeting(t, "Listed"), portal.WriteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	d, err := c.Changes(t.Context(), me, me, syncState{Listing: true, Listed: "?"}.String())
	if err != nil || !d.Reset || bySubject(map[string]portal.Entry{"": d.Changed[0]}, "Listed") == nil && len(d.Changed) == 1 {
		t.Fatalf("%+v %v", d, err)
	}
	if _, err := c.Update(t.Context(), me, me, made, portal.AppointmentChange{Subject: ptr("Listed, changed")}, portal.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	other, err := c.Create(t.Context(), me, me, meeting(t, "Listed too"), portal.WriteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	d, err = c.Changes(t.Context(), me, me, d.State)
	if err != nil || d.Reset || len(d.Changed) != 2 || len(d.Gone) != 0 {
		t.Fatalf("%+v %v", d, err)
	}
	if err := c.Delete(t.Context(), me, me, other, time.Time{}, ""); err != nil {
		t.Fatal(err)
	}
	d, err = c.Changes(t.Context(), me, me, d.State)
	if err != nil || len(d.Changed) != 0 || !slices.Equal(d.Gone, []string{other.RemoteID}) {
		t.Fatalf("%+v %v", d, err)
	}
}

func TestRoundOfSomebodyWhoIsNotThere(t *testing.T) {
	p := newPeer(t, nil)
	c := p.connector(t, nil)
	nobody := p.person("nobody-of-this-name")
	_, err := c.Changes(context.Background(), nobody, nobody, "")
	if m := portal.Meaning(err); m != portal.ErrNotFound && m != portal.ErrForbidden && m != portal.ErrUnauthenticated {
		t.Errorf("%v", err)
	}
	var said *portal.Error
	if !errors.As(err, &said) || said.Key == "" {
		t.Errorf("no sentence for people: %v", err)
	}
}

func TestCheckOfAServer(t *testing.T) {
	p := newPeer(t, nil)
	c := p.connector(t, nil)
	if err := c.Check(t.Context(), "primary"); err != nil {
		t.Errorf("check: %v", err)
	}
	if err := c.CheckMailbox(t.Context(), "primary", p.person("alice")); err != nil {
		t.Errorf("check of a mailbox: %v", err)
	}
	if err := c.CheckMailbox(t.Context(), "primary", p.person("nobody-of-this-name")); err == nil || portal.Meaning(err) == nil {
		t.Errorf("check of a mailbox that is not there: %v", err)
	}
	if err := c.Check(t.Context(), "other"); !errors.Is(err, portal.ErrNotFound) {
		t.Errorf("check of a server that is not configured: %v", err)
	}
	if err := c.Ready(); err != nil {
		t.Errorf("ready: %v", err)
	}
	bad := p.connector(t, func(o *Options) { o.Servers[0].Username, o.Servers[0].Password = "svc", "wrong" })
	if p.user != "" {
		if err := bad.Check(t.Context(), "primary"); !errors.Is(err, portal.ErrUnauthenticated) {
			t.Errorf("a wrong password: %v", err)
		}
	}
}
