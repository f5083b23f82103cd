package calls

import (
	"context"
	"log/slog"
	"time"

	"portico/app/portal"
)

// Options are what the service takes from the rest of the house. The zero value is a working set.
type Options struct {
	// Away says whether somebody misses what is written to them now; nil: nobody does.
	Away func(who portal.Address) bool
	// Saving says what policy and the person want kept; nil: calls are kept in Exchange.
	Saving func(ctx context.Context, who portal.Address) (portal.Saving, error)
	// InCall is told when somebody begins to be in a call and when they are not any more; it must not block.
	InCall func(who portal.Address, talking bool)
	// Changed is told that somebody's counts may be different now; it must not block.
	Changed func(who portal.Address)
	// Lookup looks somebody up in the address book; it never fails.
	Lookup func(ctx context.Context, a portal.Address) portal.Person
	// Words are the texts of an item in Exchange in the owner's language, Zone is their time zone (nil or nil result: UTC).
	Words func(ctx context.Context, who portal.Address) Words
	Zone  func(ctx context.Context, who portal.Address) *time.Location

	// Row is how soon after the last one a call of the same caller is counted with it (1 hour).
	Row time.Duration
	// Rest is how long an entry must not have changed before it is written to Exchange (10 s), Every how often is looked for such ones (5 s).
	Rest, Every time.Duration
	// Parallel is how many mailboxes are written to or read at once (4); Timeout bounds one item (1 minute), AskTimeout what
	// a page waits for Exchange (10 s).
	Parallel            int
	Timeout, AskTimeout time.Duration
	// FirstRetry doubles with each failure up to MaxRetry, give or take a fifth (15 s, 30 minutes). What fails GiveUp times for
	// another reason than that Exchange is away is refused for good (8).
	FirstRetry, MaxRetry time.Duration
	GiveUp               int
	// MaxRecording is the largest recording that is played (16 MiB), Cache how much of them is kept in memory (64 MiB).
	MaxRecording, Cache int64
	// Counted is told of each item: "written", "retried" or "refused".
	Counted func(result string)
	Logger  *slog.Logger
	Now     func() time.Time
}

// Words are the texts of an entry's item in Exchange in one language; a name follows each of the first three.
type Words struct {
	MissedCall, MissedConversation, Taken string
	// Number is put before a telephone number.
	Number string
	// Time writes when it was; it is in the owner's zone already.
	Time func(time.Time) string
}

func english() Words {
	return Words{MissedCall: "Missed call from", MissedConversation: "Missed conversation with", Taken: "Call from", Number: "Number:",
		Time: func(t time.Time) string { return t.Format("Monday, 2 January 2006, 15:04") }}
}

// or puts d where nothing was said.
func or[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

func (o Options) withDefaults() Options {
	if o.Away == nil {
		o.Away = func(portal.Address) bool { return false }
	}
	if o.Saving == nil {
		o.Saving = func(context.Context, portal.Address) (portal.Saving, error) {
			return portal.Saving{History: true, Calls: true}, nil
		}
	}
	if o.InCall == nil {
		o.InCall = func(portal.Address, bool) {}
	}
	if o.Changed == nil {
		o.Changed = func(portal.Address) {}
	}
	if o.Lookup == nil {
		o.Lookup = func(_ context.Context, a portal.Address) portal.Person {
			return portal.Person{URI: a, DisplayName: a.Bare()}
		}
	}
	if o.Counted == nil {
		o.Counted = func(string) {}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	or(&o.Row, time.Hour)
	or(&o.Rest, 10*time.Second)
	or(&o.Every, 5*time.Second)
	or(&o.Parallel, 4)
	or(&o.Timeout, time.Minute)
	or(&o.AskTimeout, 10*time.Second)
	or(&o.FirstRetry, 15*time.Second)
	or(&o.MaxRetry, 30*time.Minute)
	or(&o.GiveUp, 8)
	or(&o.MaxRecording, 16<<20)
	or(&o.Cache, 64<<20)
	return o
}

// words are the texts for somebody; what is missing is in English.
func (o Options) words(ctx context.Context, who portal.Address) Words {
	en := english()
	if o.Words == nil {
		return en
	}
	w := o.Words(ctx, who)
	or(&w.MissedCall, en.MissedCall)
	or(&w.MissedConversation, en.MissedConversation)
	or(&w.Taken, en.Taken)
	or(&w.Number, en.Number)
	if w.Time == nil {
		w.Time = en.Time
	}
	return w
}

// zone is somebody's time zone.
func (o Options) zone(ctx context.Context, who portal.Address) *time.Location {
	if o.Zone != nil {
		if loc := o.Zone(ctx, who); loc != nil {
			return loc
		}
	}
	return time.UTC
}
