package diagnosis

import (
	"cmp"
	"log/slog"
	"time"

	"portico/app/portal"
)

// Options are what the service takes from the rest of the house. The zero value of each is a working one.
type Options struct {
	// Keep is how long lines of the log are kept (30 days), Most how many of each person (500).
	Keep time.Duration
	Most int
	// Queue is how many lines may wait to be stored (1,000). When it is full new ones are lost, counted and said.
	Queue int
	// Every is how often old lines are forgotten (1 hour). FirstRetry doubles with each failure to store a line up to a
	// minute (1 second); after GiveUp tries the line is lost (12).
	Every, FirstRetry time.Duration
	GiveUp            int
	// TraceMost is how many people are traced at once (50); TraceLines and TraceBytes are how much of a trace is kept, the
	// newest (1,000 lines, 2 MB); TraceLinger is how long a trace that has ended can be downloaded (30 minutes).
	TraceMost, TraceLines, TraceBytes int
	TraceLinger                       time.Duration
	// Attach are told when a trace begins, with where a person's traffic is to be handed to, and give what ends it. They must
	// not block. A sink may be called from any goroutine and never blocks.
	Attach []func(who portal.Address, sink func(portal.Traffic)) (stop func())
	// Counted is told of each line: "noted", "lost" (no room, or it could not be stored).
	Counted func(result string)
	Logger  *slog.Logger
	Now     func() time.Time
}

// MaxTrace is the longest that a trace runs.
const MaxTrace = 30 * time.Minute

func (o Options) withDefaults() Options {
	o.Keep, o.Most, o.Queue = cmp.Or(o.Keep, 30*24*time.Hour), cmp.Or(o.Most, 500), cmp.Or(o.Queue, 1000)
	o.Every, o.FirstRetry, o.GiveUp = cmp.Or(o.Every, time.Hour), cmp.Or(o.FirstRetry, time.Second), cmp.Or(o.GiveUp, 12)
	o.TraceMost, o.TraceLines = cmp.Or(o.TraceMost, 50), cmp.Or(o.TraceLines, 1000)
	o.TraceBytes, o.TraceLinger = cmp.Or(o.TraceBytes, 2<<20), cmp.Or(o.TraceLinger, 30*time.Minute)
	if o.Counted == nil {
		o.Counted = func(string) {}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}
