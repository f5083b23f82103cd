package presence

import (
	"testing"
	"testing/synctest"
	"time"

	"portico/app/portal"
)

// A meeting makes somebody busy until it ends, whatever they do meanwhile; by hand beats it; and somebody who is
// not there does not come because of a meeting.
func TestTheCalendarBeatsActivityAndYieldsToTheHand(t *testing.T) {
	at(t, Options{}, func(b *bench) {
		b.signIn(alice)
		until := time.Now().Add(time.Hour)
		meeting := portal.CalendarState{Availability: portal.Busy, Activity: portal.InAMeeting, Until: until,
			Agenda: portal.Agenda{Known: true, BusyUntil: until}}
		b.Calendar(alice, meeting)
		b.want("a meeting brings nobody here", b.orders())
		b.Attach(alice, "tab")
		b.Active(alice, "tab")
		b.want("come in the middle of it", b.orders(), "alice busy/in-a-meeting")
		if own := b.Own(alice); !own.Agenda.BusyUntil.Equal(until) || own.ByHand {
			t.Errorf("own presence %+v", own)
		}
		b.Idle(alice, "tab")
		time.Sleep(20 * time.Minute)
		b.want("somebody who listens is not away", b.orders())
		if _, err := b.SetByHand(t.Context(), alice, portal.Manual{Availability: portal.Available}); err != nil {
			t.Fatal(err)
		}
		b.want("by hand", b.orders(), "alice available/")
		if _, err := b.Reset(t.Context(), alice); err != nil {
			t.Fatal(err)
		}
		b.want("back to automatic", b.orders(), "alice busy/in-a-meeting")
		b.Active(alice, "tab")
		time.Sleep(41 * time.Minute)
		b.want("over by the clock, without a word from the calendar", b.orders(), "alice available/")
	})
}

// The out-of-office note and the times ahead go out also while the calendar leaves the state alone.
func TestTheCalendarsNoteAndAgendaGoOut(t *testing.T) {
	at(t, Options{}, func(b *bench) {
		b.signIn(alice)
		b.Attach(alice, "tab")
		b.Active(alice, "tab")
		b.want("come", b.orders(), "alice available/")
		next := time.Now().Add(2 * time.Hour)
		state := portal.CalendarState{OutOfOffice: "Please write to Heidi", Agenda: portal.Agenda{Known: true, NextFrom: next, NextUntil: next.Add(time.Hour)}}
		b.Calendar(alice, state)
		b.want("told", b.orders(), "alice available/")
		own := b.Own(alice)
		if own.OutOfOffice != "Please write to Heidi" || !own.Agenda.NextFrom.Equal(next) || own.Availability != portal.Available {
			t.Errorf("own presence %+v", own)
		}
		b.Calendar(alice, state)
		b.want("the same again is no news", b.orders())
		b.Calendar(alice, portal.CalendarState{Availability: portal.Away, Activity: portal.OutOfOffice, OutOfOffice: "Please write to Heidi"})
		b.want("out of office", b.orders(), "alice away/out-of-office")
		b.Calendar(bob, state) // nobody of that name is here
		synctest.Wait()
	})
}
