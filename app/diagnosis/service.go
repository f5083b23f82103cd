package diagnosis

import (
	"context"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"golang.org/x/sync/errgroup"

	"portico/app/portal"
)

// Service keeps the logs and the traces. Its methods may be called from any goroutine.
type Service struct {
	store Store
	o     Options
	// queue is what waits to be stored; one goroutine (Run) takes from it, so that lines stay in order.
	queue chan portal.Incident
	// lost counts lines that found no room or could not be stored, unsaid those of them that the operator was not told of.
	lost, unsaid atomic.Int64
	traces       traces
}

// New makes a Service; nothing is stored before Run.
func New(store Store, o Options) *Service {
	s := &Service{store: store, o: o.withDefaults()}
	s.queue = make(chan portal.Incident, s.o.Queue)
	s.traces.init(s.o)
	return s
}

// Run stores what was noted, forgets what is old and ends traces, until ctx ends; then what waits is stored, for a few
// seconds at most.
func (s *Service) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.write(ctx) })
	g.Go(func() error { return s.retain(ctx) })
	g.Go(func() error { return s.traces.run(ctx) })
	return g.Wait()
}

const (
	maxDetail, maxCause, maxRemote = 500, 100, 64
	// lastWords is how long a service that ends goes on storing what waits.
	lastWords = 3 * time.Second
	// storeTime bounds one call of the store.
	storeTime = 10 * time.Second
)

// Note puts a line into a person's log, soon. It never blocks: where no room is left the line is lost, which is counted,
// and said to the operator when the next line is stored. Secrets that slipped into Detail are taken out.
func (s *Service) Note(ctx context.Context, i portal.Incident) {
	if i.At.IsZero() {
		i.At = s.o.Now()
	}
	i.At, i.Times = i.At.UTC(), max(i.Times, 1)
	i.Cause, i.Remote = line(i.Cause, maxCause), line(i.Remote, maxRemote)
	i.Detail = line(Redact(clip(i.Detail, 8*maxDetail)), maxDetail)
	select {
	case s.queue <- i:
		s.o.Counted("noted")
	default:
		s.lose(ctx, i)
	}
}

func (s *Service) lose(ctx context.Context, i portal.Incident) {
	s.lost.Add(1)
	s.o.Counted("lost")
	if s.unsaid.Add(1) == 1 {
		s.o.Logger.WarnContext(ctx, "diagnosis: lines of the log are lost", "part", i.Part, "cause", i.Cause)
	}
}

// Lost is how many lines were lost since the start.
func (s *Service) Lost() int64 { return s.lost.Load() }

// Incidents are lines of a person's log before a number (0: from the newest), newest first, at most 200. who "" is
// everybody's: for administrators.
func (s *Service) Incidents(ctx context.Context, who portal.Address, before int64, limit int) ([]portal.Incident, error) {
	return s.store.Incidents(ctx, who, before, min(max(limit, 1), 200))
}

// write stores what was noted.
func (s *Service) write(ctx context.Context) error {
	for ctx.Err() == nil {
		select {
		case i := <-s.queue:
			if !s.put(ctx, i) {
				s.finish(ctx, i)
				return nil
			}
		case <-ctx.Done():
		}
	}
	s.finish(ctx)
	return nil
}

// finish stores what waits when the service ends, what was under way first.
func (s *Service) finish(ctx context.Context, first ...portal.Incident) {
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
	defer cancel()
	store := func(i portal.Incident) {
		if last.Err() != nil || s.add(last, i) != nil {
			s.lose(ctx, i)
		}
	}
	for _, i := range first {
		store(i)
	}
	for {
		select {
		case i := <-s.queue:
			store(i)
		default:
			return
		}
	}
}

func (s *Service) add(ctx context.Context, i portal.Incident) error {
	once, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	err := s.store.AddIncident(once, i)
	if n := s.unsaid.Load(); err == nil && n > 0 {
		s.unsaid.Add(-n)
		s.o.Logger.WarnContext(ctx, "diagnosis: lines of the log were lost", "lines", n)
	}
	return err
}

// put stores a line, again and again while the store is away; what comes meanwhile waits in the queue. It gives false
// where ctx ended before the line was stored or given up.
func (s *Service) put(ctx context.Context, i portal.Incident) bool {
	wait := s.o.FirstRetry
	for try := 1; ; try++ {
		err := s.add(ctx, i)
		switch {
		case err == nil:
			return true
		case ctx.Err() != nil:
			return false
		case try >= s.o.GiveUp:
			s.o.Logger.ErrorContext(ctx, "diagnosis: a line of the log could not be stored", "part", i.Part, "cause", i.Cause, "err", err)
			s.lose(ctx, i)
			return true
		}
		pause(ctx, wait)
		if ctx.Err() != nil {
			return false
		}
		wait = min(2*wait, time.Minute)
	}
}

// pause waits, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// retain forgets old lines from time to time.
func (s *Service) retain(ctx context.Context) error {
	every := time.NewTicker(s.o.Every)
	defer every.Stop()
	for {
		if err := s.store.DropIncidents(ctx, s.o.Now().Add(-s.o.Keep), s.o.Most); err != nil && ctx.Err() == nil {
			s.o.Logger.WarnContext(ctx, "diagnosis: old lines not forgotten", "err", err)
		}
		select {
		case <-every.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// line is a text as one line of at most so many characters.
func line(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r < 0x20 || r >= 0x7f && r < 0xa0:
			return ' '
		case r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069:
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
	s = strings.Join(strings.Fields(s), " ")
	if utf8.RuneCountInString(s) > most {
		s = string([]rune(s)[:most-1]) + "…"
	}
	return s
}

// clip cuts a text to a number of bytes, at a character.
func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most]
}
