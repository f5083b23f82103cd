package audit

import (
	"cmp"
	"log/slog"
	"time"
)

// Options are what the service takes from the rest of the house. The zero value of each is a working one.
type Options struct {
	// Keep is how long lines are kept (365 days); negative: for ever.
	Keep time.Duration
	// Queue is how many lines may wait to be stored (10,000), Batch how many are stored in one go (200).
	Queue, Batch int
	// Every is how often old lines are forgotten (1 hour). FirstRetry doubles with each failure to store up to a minute (1 second).
	Every, FirstRetry time.Duration
	// Counted is told of each line: "stored", "lost".
	Counted func(result string)
	Logger  *slog.Logger
	Now     func() time.Time
}

func (o Options) withDefaults() Options {
	o.Keep, o.Queue, o.Batch = cmp.Or(o.Keep, 365*24*time.Hour), cmp.Or(o.Queue, 10_000), cmp.Or(o.Batch, 200)
	o.Every, o.FirstRetry = cmp.Or(o.Every, time.Hour), cmp.Or(o.FirstRetry, time.Second)
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
