package calendar

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"portico/app/portal"
)

// Options adjust a Service. The zero value is a working set.
type Options struct {
	// Emit tells a person's browsers the newest value of something (ExchangeEvent, ReminderEvent); it must not block.
	Emit func(to portal.Address, ev portal.Current)
	// Lookup looks a person up in the address book; it never fails.
	Lookup func(ctx context.Context, a portal.Address) portal.Person
	// Find finds the person of an e-mail address; empty if there is none on this portal.
	Find func(email string) portal.Address
	// Team are those who report to a manager; nil: nobody has a team.
	Team func(ctx context.Context, manager portal.Address) ([]portal.Person, error)
	// People are those among whom delegators are looked for (at most MaxPeople are asked); nil: nobody.
	People func(ctx context.Context) ([]portal.Person, error)
	// Sight is what somebody lets by see: who shows no free/busy has none in by's plans, whatever the server says, and who shows no
	// meetings none with a subject. Nil: everybody shows what the server does. An error means ErrUnavailable.
	Sight func(ctx context.Context, of, by portal.Address) (portal.Sight, error)
	// Zone is a person's time zone; nil or nil result: UTC.
	Zone func(ctx context.Context, who portal.Address) *time.Location
	// CRM is the calendars that people keep in CRM, shown with those of Exchange as one; nil: there are none.
	CRM CRM
	// Presence is told what a signed-in person's calendar makes of their presence, when that changes. It must not block.
	Presence func(who portal.Address, st portal.CalendarState)
	// Counted is told of each intent that was dealt with (kind, "done", "failed", "conflict", "retried") and of each reading
	// of a calendar ("sync", "done", "failed"); Lag how long an intent waited for its outcome.
	Counted func(what, result string)
	Lag     func(d time.Duration)
	Logger  *slog.Logger
	Now     func() time.Time
	// Jitter gives a random duration in [0, d); nil: that of math/rand.
	Jitter func(d time.Duration) time.Duration

	// Wait is how long a caller waits for the outcome of a change, and for the first reading of a calendar (5 s).
	Wait time.Duration
	// CallTimeout bounds one call of the server (60 s).
	CallTimeout time.Duration
	// FirstRetry and MaxRetry bound the wait between tries (1 s doubling to 5 min).
	FirstRetry, MaxRetry time.Duration
	// Settle is how long after a try without an answer a create may still arrive at the server by itself (10 s); only then
	// is it sent again, if it is not found there.
	Settle time.Duration
	// Reconcile is how often an open calendar is read although no bell rang (10 min); ReconcileBlind how
	// often while its bell is out of order (30 s). Both vary by a fifth.
	Reconcile, ReconcileBlind time.Duration
	// OutOfOfficeEvery is how often the automatic reply of a signed-in person is read (5 min).
	OutOfOfficeEvery time.Duration
	// Workers bounds the calls that lanes make of the server at the same time (16). Those beyond wait. A Placer has bounds of its own.
	Workers int
	// MaxLanes bounds the open calendars of others (4096), MaxLanesEach those of one reader (200): beyond, the one that nobody has
	// looked at for longest is closed first, and where all were looked at in the last minutes opening one is ErrTooMany. One's own
	// do not count.
	MaxLanes, MaxLanesEach int
	// Idle is how long a calendar stays open after its last use while nobody who uses it is signed in (30 min).
	Idle time.Duration
	// EventBound is how many changed entries of one delta get an event each (20); beyond, one event says "many".
	EventBound int
	// MaxIntents bounds a person's waiting changes (1000): beyond, a change is ErrTooMany.
	MaxIntents int
	// MaxPeople bounds those who are asked whether they made somebody their delegate (500).
	MaxPeople int
	// TentativeBusy: a tentative appointment makes busy (as a rule it does not).
	TentativeBusy bool
	// Drain is how long Run waits at its end for calls under way (3 s).
	Drain time.Duration
}

func (o Options) withDefaults() Options {
	o.fillHooks()
	for _, d := range []struct {
		value    *time.Duration
		standard time.Duration
	}{
		{&o.Wait, 5 * time.Second}, {&o.CallTimeout, time.Minute}, {&o.FirstRetry, time.Second}, {&o.MaxRetry, 5 * time.Minute},
		{&o.Reconcile, 10 * time.Minute}, {&o.ReconcileBlind, 30 * time.Second}, {&o.OutOfOfficeEvery, 5 * time.Minute},
		{&o.Idle, 30 * time.Minute}, {&o.Drain, 3 * time.Second}, {&o.Settle, 10 * time.Second},
	} {
		if *d.value <= 0 {
			*d.value = d.standard
		}
	}
	for _, n := range []struct {
		value    *int
		standard int
	}{{&o.Workers, 16}, {&o.MaxLanes, 4096}, {&o.MaxLanesEach, 200}, {&o.EventBound, 20}, {&o.MaxIntents, 1000}, {&o.MaxPeople, 500}} {
		if *n.value <= 0 {
			*n.value = n.standard
		}
	}
	return o
}

func (o *Options) fillHooks() {
	if o.Emit == nil {
		o.Emit = func(portal.Address, portal.Current) {}
	}
	if o.Lookup == nil {
		o.Lookup = func(_ context.Context, a portal.Address) portal.Person { return portal.Person{URI: a} }
	}
	if o.Find == nil {
		o.Find = func(string) portal.Address { return "" }
	}
	if o.Team == nil {
		o.Team = func(context.Context, portal.Address) ([]portal.Person, error) { return nil, nil }
	}
	if o.People == nil {
		o.People = func(context.Context) ([]portal.Person, error) { return nil, nil }
	}
	if o.Sight == nil {
		o.Sight = func(context.Context, portal.Address, portal.Address) (portal.Sight, error) {
			return portal.FullSight(), nil
		}
	}
	if zone := o.Zone; zone == nil {
		o.Zone = func(context.Context, portal.Address) *time.Location { return time.UTC }
	} else {
		o.Zone = func(ctx context.Context, who portal.Address) *time.Location {
			if loc := zone(ctx, who); loc != nil {
				return loc
			}
			return time.UTC
		}
	}
	if o.Presence == nil {
		o.Presence = func(portal.Address, portal.CalendarState) {}
	}
	if o.Counted == nil {
		o.Counted = func(string, string) {}
	}
	if o.Lag == nil {
		o.Lag = func(time.Duration) {}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Jitter == nil {
		o.Jitter = func(d time.Duration) time.Duration { return rand.N(max(d, 1)) }
	}
}
