package chat

// The service: what it stands on, what it is told once, and its life.

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"portico/app/portal"
)

// Options adjust a Service. The zero value is a working set.
type Options struct {
	// Emit tells a person's browsers the newest value of something; it must not block.
	Emit func(to portal.Address, ev portal.Current)
	// Relationship is what owner has made of somebody; nil: nobody is blocked. An error lets the message
	// in: a broken contact list must not lose what was said.
	Relationship func(ctx context.Context, owner, of portal.Address) (portal.Relationship, error)
	// NoIM reports whether policy lets who neither send nor receive messages, Quiet whether a message of from is to draw
	// no attention at owner, who is not to be disturbed; nil: nobody. Both answer out of memory.
	NoIM  func(who portal.Address) bool
	Quiet func(owner, from portal.Address) bool
	// Past is the Order up to which what was said in a conversation is not shown to owner any more, because policy lets
	// nothing be kept; nil, or zero: everything is shown.
	Past func(ctx context.Context, owner, conversation portal.Address) (int64, error)
	// Beside add what waits for a person elsewhere (rooms, calls) to what is told of unread messages; Recount
	// says that it changed.
	Beside []func(ctx context.Context, who portal.Address, ev *portal.CountsEvent) error
	// Received is told of each message that arrived and was stored, Seen of each conversation in which somebody has
	// read something new; both after the commit. They must not block.
	Received func(m portal.Message)
	Seen     func(owner, conversation portal.Address)
	// Counted is told of each message that was dealt with: direction "in" or "out"; result a state, or
	// "refused", "repeated", "retried". Took is told how long an outgoing one waited for its final answer.
	Counted func(direction, result string)
	Took    func(d time.Duration)
	Logger  *slog.Logger
	Now     func() time.Time

	// Rate is how many messages a second one person may say in one conversation in the long run, Burst at once; zero: any number.
	Rate  float64
	Burst int
	// MaxAge is how long a message is tried before it fails with "send.gave-up" (24 h).
	MaxAge time.Duration
	// SendTimeout bounds one try (40 s: longer than SIP's own 32 s).
	SendTimeout time.Duration
	// FirstRetry and MaxRetry bound the wait between tries (1 s doubling to 5 min).
	FirstRetry, MaxRetry time.Duration
	// MaxInFlight bounds the conversations that are sent for at the same time (1024).
	MaxInFlight int
	// LaneQueue bounds the messages of one conversation, MaxQueued those of all (32, 50,000), that wait in
	// memory; what is beyond waits on disk.
	LaneQueue, MaxQueued int
	// Rescan is how often the disk is looked through for pending messages that memory could not hold (30 s).
	Rescan time.Duration
	// Drain is how long Run waits for answers that are under way when it ends (3 s).
	Drain time.Duration
	// TypingRefresh is how long somebody's typing holds without news (120 s, RFC 3994 section 3.3),
	// TypingRepeat the least time between two equal words on our people's typing to the line (5 s).
	TypingRefresh, TypingRepeat time.Duration
}

func (o Options) withDefaults() Options {
	if o.Emit == nil {
		o.Emit = func(portal.Address, portal.Current) {}
	}
	if o.NoIM == nil {
		o.NoIM = func(portal.Address) bool { return false }
	}
	if o.Quiet == nil {
		o.Quiet = func(owner, from portal.Address) bool { return false }
	}
	if o.Past == nil {
		o.Past = func(context.Context, portal.Address, portal.Address) (int64, error) { return 0, nil }
	}
	if o.Counted == nil {
		o.Counted = func(string, string) {}
	}
	if o.Received == nil {
		o.Received = func(portal.Message) {}
	}
	if o.Seen == nil {
		o.Seen = func(portal.Address, portal.Address) {}
	}
	if o.Took == nil {
		o.Took = func(time.Duration) {}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	durations := []struct {
		value    *time.Duration
		standard time.Duration
	}{
		{&o.MaxAge, 24 * time.Hour}, {&o.SendTimeout, 40 * time.Second}, {&o.FirstRetry, time.Second},
		{&o.MaxRetry, 5 * time.Minute}, {&o.Rescan, 30 * time.Second}, {&o.Drain, 3 * time.Second},
		{&o.TypingRefresh, 120 * time.Second}, {&o.TypingRepeat, 5 * time.Second},
	}
	for _, d := range durations {
		if *d.value <= 0 {
			*d.value = d.standard
		}
	}
	numbers := []struct {
		value    *int
		standard int
	}{{&o.MaxInFlight, 1024}, {&o.LaneQueue, 32}, {&o.MaxQueued, 50_000}}
	for _, n := range numbers {
		if *n.value <= 0 {
			*n.value = n.standard
		}
	}
	return o
}

// Service is the chat of all people of the portal. Its methods may be called from any goroutine.
type Service struct {
	log  Log
	line Line
	o    Options

	outbox  *outbox
	asides  *asides
	counts  *counts
	heard   *heard
	spoken  *spoken
	pace    *pace
	running sync.Mutex
}

// New builds the service; nothing is sent before Run.
func New(log Log, line Line, o Options) *Service {
	o = o.withDefaults()
	s := &Service{log: log, line: line, o: o}
	s.outbox = newOutbox(log, line, o)
	s.asides = newAsides(o)
	s.counts = newCounts(log, o)
	s.heard = newHeard(o)
	s.spoken = newSpoken(o)
	s.pace = newPace(o.Rate, o.Burst)
	return s
}

// Run sends what is said, resumes what was pending when the portal last stopped, and keeps typing and
// counts current. It returns nil when ctx is done and everything it started has ended; what has no final
// answer then stays pending on disk.
func (s *Service) Run(ctx context.Context) error {
	s.running.Lock()
	defer s.running.Unlock()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.outbox.run(ctx) })
	g.Go(func() error { return s.asides.run(ctx) })
	g.Go(func() error { return s.counts.run(ctx) })
	g.Go(func() error { return s.heard.run(ctx) })
	return g.Wait()
}

// LineUp lets the outbox go on at once for a person whose line works again.
func (s *Service) LineUp(who portal.Address) { s.outbox.lineUp(who) }
