package calendar_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"portico/app/calendar"
	"portico/app/portal"
)

// A series that is moved from the occurrence of the night when the clocks change keeps its length by the clock: that night alone is shorter.
func TestASeriesThatIsMovedInTheShortNightKeepsItsLength(t *testing.T) {
	for _, scope := range []portal.Scope{portal.ScopeAll, portal.ScopeFollowing} {
		t.Run(string(scope), func(t *testing.T) {
			vienna := zoneOf(t, "Europe/Vienna")
			clock := func(d, hour int) time.Time { return time.Date(2026, 3, d, hour, 0, 0, 0, vienna).UTC() }
			x := newModel()
			night := portal.Entry{Appointment: appointment("Night shift", clock(14, 22), 8*time.Hour)}
			night.Recurrence = "FREQ=WEEKLY;COUNT=4"
			x.add(alice, night)
			h := start(t, x, quick())
			master := h.window(alice, alice, clock(14, 0), clock(16, 0)).Appointments[0].Series
			id := portal.OccurrenceID(master, clock(28, 22))
			short, err := h.Get(h.ctx, alice, alice, id)
			h.must(err)
			if length := short.End.Sub(short.Start); length != 7*time.Hour {
				t.Fatalf("the short night has %s", length)
			}
			_, err = h.Change(h.ctx, alice, alice, id, portal.AppointmentChange{Start: ptr(clock(28, 23)), End: ptr(clock(29, 7)), Scope: scope}, "")
			h.must(err)
			h.idle()
			var got []string
			for _, a := range h.window(alice, alice, clock(1, 0), clock(40, 0)).Appointments {
				got = append(got, a.Start.In(vienna).Format("02.01. 15:04")+"–"+a.End.In(vienna).Format("15:04"))
			}
			want := []string{"14.03. 23:00–07:00", "21.03. 23:00–07:00", "28.03. 23:00–07:00", "04.04. 23:00–07:00"}
			if scope == portal.ScopeFollowing {
				want[0], want[1] = "14.03. 22:00–06:00", "21.03. 22:00–06:00"
			}
			if !slices.Equal(got, want) {
				t.Errorf("got  %q\nwant %q", got, want)
			}
		})
	}
}

// A plan looks at so many days of the asker's calendar, whether the clocks change among them or not, and says how many.
func TestAPlanLooksAtSoManyDays(t *testing.T) {
	vienna := zoneOf(t, "Europe/Vienna")
	h := at(t, newModel(), quick(), day(1, 7, 0))
	ask := func(days int) error {
		from := time.Date(2026, 10, 1, 0, 0, 0, 0, vienna) // the clocks go back in its course
		_, err := h.Plan(h.ctx, alice, calendar.PlanRequest{From: from, To: from.AddDate(0, 0, days), Minutes: 30, Location: vienna})
		return err
	}
	h.must(ask(calendar.MaxPlanDays))
	err := ask(calendar.MaxPlanDays + 1)
	var said *portal.Error
	if !errors.As(err, &said) || said.Key != "calendar.plan-days" || said.Args["days"] != "62" {
		t.Errorf("a day too many: %v", err)
	}
}

// A store that does not answer is no appointment that is not there.
func TestAPlanWithoutWhatIsMovedIsNoPlan(t *testing.T) {
	h := at(t, newModel(), quick(), day(1, 7, 0))
	r := calendar.PlanRequest{From: day(1, 0, 0), To: day(2, 0, 0), Minutes: 30, Location: time.UTC, Except: "nothing"}
	if _, err := h.Plan(h.ctx, alice, r); err != nil {
		t.Errorf("without one that is not there: %v", err)
	}
	broken := calendar.New(h.x, brokenIntents{h.store}, calendar.Options{})
	if _, err := broken.Plan(h.ctx, alice, r); !errors.Is(err, errDisk) {
		t.Errorf("without one that cannot be read: %v", err)
	}
}

// Nobody adds a file to what they may not read, or takes one from it.
func TestAHiddenAppointmentKeepsItsFiles(t *testing.T) {
	x := newModel()
	e := entry("Doctor", day(1, 9, 0), time.Hour)
	e.Private, e.Attachments = true, []portal.Attachment{{ID: "f1", Name: "x-ray.png"}}
	x.add(bob, e)
	x.set(func() {
		x.rights[alice] = []portal.Address{bob}
		x.given[bob] = []portal.Delegate{{Email: "alice@example.test", Calendar: "editor"}}
	})
	h := start(t, x, quick())
	var a portal.Appointment
	h.eventually("bob's calendar is read", func() bool {
		v := h.window(alice, bob, day(1, 0, 0), day(2, 0, 0))
		if len(v.Appointments) == 1 && v.Rights == calendar.RightsEditor {
			a = v.Appointments[0]
		}
		return a.ID != ""
	})
	if _, err := h.Attach(h.ctx, alice, bob, a.ID, "note.txt", "text/plain", []byte("x")); !errors.Is(err, portal.ErrForbidden) {
		t.Errorf("added: %v", err)
	}
	if _, err := h.Detach(h.ctx, alice, bob, a.ID, "f1"); !errors.Is(err, portal.ErrForbidden) {
		t.Errorf("taken: %v", err)
	}
	if x.called("Attach")+x.called("Detach") != 0 {
		t.Error("the server was asked")
	}
}

// "none" and no answer at all are the same, in a table for spreadsheets too.
func TestCSVHasOneWordForNoAnswer(t *testing.T) {
	o := calendar.Overview{Meetings: []calendar.Meeting{{Appointment: portal.Appointment{Subject: "Round", Attendees: []portal.Attendee{
		{Email: "bob@example.test", Response: portal.ResponseNone}, {Email: "carol@example.test"}}}}}}
	data, err := o.CSV(calendar.CSVWords{Answers: map[portal.Response]string{portal.ResponseNone: "not answered"}}, time.UTC)
	if err != nil || strings.Count(string(data), "not answered") != 2 {
		t.Errorf("%s, %v", data, err)
	}
}

var errDisk = errors.New("disk")

// brokenIntents is a store that cannot read what waits for a calendar.
type brokenIntents struct{ calendar.Store }

func (brokenIntents) CalendarIntents(context.Context, portal.CalendarKey, string) ([]portal.Intent, error) {
	return nil, errDisk
}

// While changes of before cannot be taken up, bells are wanted all the same.
func TestBellsDoNotWaitForWhatWasLeftOver(t *testing.T) {
	x := newModel()
	h := open(t, x, filepath.Join(t.TempDir(), "portico.db"), quick(), time.Time{})
	s := calendar.New(x, brokenResume{h.store}, quick())
	ctx, cancel := context.WithCancel(context.Background())
	storing, stop := context.WithCancel(context.Background())
	ended := make(chan error, 2)
	go func() { ended <- h.store.Run(storing) }()
	<-h.store.Started()
	go func() { ended <- s.Run(ctx) }()
	s.SignedIn(h.ctx, alice)
	h.eventually("alice's bell is wanted", func() bool {
		x.mu.Lock()
		defer x.mu.Unlock()
		return slices.Contains(x.watched, alice)
	})
	cancel()
	h.must(<-ended)
	stop()
	h.must(<-ended)
	h.must(h.store.Close())
}

// brokenResume is a store that cannot tell which calendars have something waiting.
type brokenResume struct{ calendar.Store }

func (brokenResume) IntentCalendars(context.Context) ([]portal.CalendarKey, error) {
	return nil, errDisk
}

// hanging is a server that does not answer for one mailbox, and says nothing of it.
type hanging struct {
	*model
	mailbox portal.Address
}

func (x hanging) Changes(ctx context.Context, reader, owner portal.Address, state string) (portal.CalendarDelta, error) {
	if owner == x.mailbox {
		<-ctx.Done()
		return portal.CalendarDelta{}, portal.Fail(portal.ErrUnavailable, "unavailable").Because(ctx.Err())
	}
	return x.model.Changes(ctx, reader, owner, state)
}

// One calendar that hangs does not keep the overview from saying that another's server is away.
func TestOneThatHangsHidesNobodyElsesTrouble(t *testing.T) {
	x := newModel()
	x.set(func() { x.denied[portal.CalendarKey{Reader: carol, Owner: carol}] = errAway })
	h := open(t, x, filepath.Join(t.TempDir(), "portico.db"), quick(), time.Time{})
	o := manager(x, quick())
	o.Wait = 20 * time.Millisecond
	o.Team = func(context.Context, portal.Address) ([]portal.Person, error) {
		return []portal.Person{{URI: bob, DisplayName: "Bob"}, {URI: carol, DisplayName: "Carol"}}, nil
	}
	s := calendar.New(hanging{x, bob}, h.store, o)
	ctx, cancel := context.WithCancel(context.Background())
	storing, stop := context.WithCancel(context.Background())
	ended := make(chan error, 2)
	go func() { ended <- h.store.Run(storing) }()
	<-h.store.Started()
	go func() { ended <- s.Run(ctx) }()
	s.SignedIn(h.ctx, alice)
	h.eventually("carol is missing", func() bool {
		all, err := s.Overview(h.ctx, alice, calendar.Filter{Who: "team", From: day(1, 0, 0), To: day(7, 0, 0)})
		h.must(err)
		return len(all.Missing) == 1 && all.Missing[0].Who == carol && all.Missing[0].Reason == "unavailable"
	})
	cancel()
	h.must(<-ended)
	stop()
	h.must(<-ended)
	h.must(h.store.Close())
}
