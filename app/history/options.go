package history

import (
	"context"
	"log/slog"
	"time"

	"portico/app/portal"
)

// Options are what the service takes from the rest of the house. The zero value is a working set.
type Options struct {
	// Spans are the lasting rooms and groups somebody may read, from which place on; nil: there are no rooms.
	Spans func(who portal.Address) []portal.RoomSpan
	// Saving says what policy and the person want kept; nil: everything is kept.
	Saving func(ctx context.Context, who portal.Address) (portal.Saving, error)
	// Subject is the subject of an episode's item in the owner's language; nil: "Conversation with NAME".
	Subject func(ctx context.Context, who portal.Address, e portal.Episode) string
	// Room is what a room is called for somebody; nil or empty: by its address.
	Room func(ctx context.Context, who, room portal.Address) string
	// Lookup looks somebody up in the address book; it never fails. Find gives the person of an e-mail address, empty
	// where this portal has none.
	Lookup func(ctx context.Context, a portal.Address) portal.Person
	Find   func(email string) portal.Address
	// Zone is a person's time zone (nil or nil result: UTC), Words are the texts of an export in the person's language.
	Zone  func(ctx context.Context, who portal.Address) *time.Location
	Words func(ctx context.Context, who portal.Address) Words
	// Changed is told that the person's unread counts may be different now; it must not block.
	Changed func(who portal.Address)
	// Rest is how long a conversation must have been quiet before it is written to Exchange (2 minutes), Every how often
	// is looked for such ones (10 s).
	Rest, Every time.Duration
	// Parallel is how many mailboxes are written to at once (4); Timeout bounds one item (1 minute), AskTimeout what a
	// page waits for Exchange (5 s).
	Parallel            int
	Timeout, AskTimeout time.Duration
	// FirstRetry doubles with each failure up to MaxRetry, give or take a fifth (15 s, 30 minutes). What fails GiveUp
	// times for another reason than that Exchange is away is refused for good (8).
	FirstRetry, MaxRetry time.Duration
	GiveUp               int
	// Counted is told of each item: "written", "deleted", "retried", "refused", "gone" or "forgotten".
	Counted func(result string)
	Logger  *slog.Logger
	Now     func() time.Time
}

// Words are the texts of an export in one language.
type Words struct {
	// Lang is the BCP 47 tag.
	Lang string
	// Title stands at the top; Nothing where nothing was found; With is put before the other's name.
	Title, Nothing, With string
	// Time, From and Text are the headings of the columns of an HTML table.
	Time, From, Text string
	// Day and Clock write a date and a time of day; the time is in the reader's zone already.
	Day, Clock func(time.Time) string
}

func english() Words {
	return Words{Lang: "en", Title: "Conversation history", Nothing: "Nothing was found.", With: "Conversation with",
		Time: "Time", From: "From", Text: "Text",
		Day:   func(t time.Time) string { return t.Format("Monday, 2 January 2006") },
		Clock: func(t time.Time) string { return t.Format("15:04") }}
}

// or puts d where nothing was said.
func or[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

func (o Options) withDefaults() Options {
	if o.Spans == nil {
		o.Spans = func(portal.Address) []portal.RoomSpan { return nil }
	}
	if o.Saving == nil {
		o.Saving = func(context.Context, portal.Address) (portal.Saving, error) {
			return portal.Saving{History: true, Calls: true}, nil
		}
	}
	if o.Lookup == nil {
		o.Lookup = func(_ context.Context, a portal.Address) portal.Person {
			return portal.Person{URI: a, DisplayName: a.Bare()}
		}
	}
	if o.Find == nil {
		o.Find = func(string) portal.Address { return "" }
	}
	if o.Changed == nil {
		o.Changed = func(portal.Address) {}
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
	or(&o.Rest, 2*time.Minute)
	or(&o.Every, 10*time.Second)
	or(&o.Parallel, 4)
	or(&o.Timeout, time.Minute)
	or(&o.AskTimeout, 5*time.Second)
	or(&o.FirstRetry, 15*time.Second)
	or(&o.MaxRetry, 30*time.Minute)
	or(&o.GiveUp, 8)
	return o
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

// words are the texts for somebody; what is missing is in English.
func (o Options) words(ctx context.Context, who portal.Address) Words {
	en := english()
	if o.Words == nil {
		return en
	}
	w := o.Words(ctx, who)
	or(&w.Lang, en.Lang)
	or(&w.Title, en.Title)
	or(&w.Nothing, en.Nothing)
	or(&w.With, en.With)
	or(&w.Time, en.Time)
	or(&w.From, en.From)
	or(&w.Text, en.Text)
	if w.Day == nil {
		w.Day = en.Day
	}
	if w.Clock == nil {
		w.Clock = en.Clock
	}
	return w
}

// with is what the other side of an episode is called.
func (o Options) with(ctx context.Context, e portal.Episode) string {
	if o.Room != nil && e.Kind != portal.EpisodeIM {
		if name := o.Room(ctx, e.Owner, e.Conversation); name != "" {
			return name
		}
	}
	return o.name(ctx, e.Conversation)
}

// name is what somebody is called.
func (o Options) name(ctx context.Context, a portal.Address) string {
	if name := o.Lookup(ctx, a).DisplayName; name != "" {
		return name
	}
	return a.Bare()
}
