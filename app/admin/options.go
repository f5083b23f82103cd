package admin

import (
	"context"
	"log/slog"
	"time"

	"portico/app/portal"
)

// Options are what the service takes from the rest of the house. The zero value of each is a working one.
type Options struct {
	// Configured gives what the configuration says of a policy, by the policy's name; nil: nothing.
	Configured func(name string) (value string, ok bool)
	// Department is the department of a person as the address book has it; it answers from memory. nil: nobody has one.
	Department func(who portal.Address) string
	// Changed is told for whom which policies are different now (nil: for everybody), after that was stored and holds. The
	// calls come one at a time, in the order of the changes; it must not block.
	Changed func(who []portal.Address, names []string)
	// Every is how often a set of custom states is fetched afresh, give or take a tenth (1 hour). FirstRetry doubles with
	// each failure in a row up to Every (1 minute). Parallel bounds the fetches under way (4).
	Every, FirstRetry time.Duration
	Parallel          int
	Logger            *slog.Logger
	Now               func() time.Time
}

func (o Options) withDefaults() Options {
	if o.Configured == nil {
		o.Configured = func(string) (string, bool) { return "", false }
	}
	if o.Department == nil {
		o.Department = func(portal.Address) string { return "" }
	}
	if o.Changed == nil {
		o.Changed = func([]portal.Address, []string) {}
	}
	if o.Every <= 0 {
		o.Every = time.Hour
	}
	if o.FirstRetry <= 0 {
		o.FirstRetry = time.Minute
	}
	if o.Parallel <= 0 {
		o.Parallel = 4
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Fetcher gets a file of custom states from where it lies.
type Fetcher interface {
	// Fetch gets the file at an address. With the marks of what is there already it may say that nothing changed. Errors
	// have keys "customstates.…"; those that mean ErrUnavailable may be gone at the next try, the others are decided.
	Fetch(ctx context.Context, address string, have Marks) (Fetched, error)
}

// Marks are what a server said of the version it gave (RFC 9110 sections 8.8.2 and 8.8.3).
type Marks struct{ ETag, LastModified string }

// Fetched is what came.
type Fetched struct {
	Marks
	Body []byte
	// Unchanged: what the marks stand for is still what is there; Body is empty.
	Unchanged bool
}
