package audit

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"golang.org/x/sync/errgroup"

	"portico/app/portal"
)

// Service keeps the trail. Its methods may be called from any goroutine.
type Service struct {
	store Store
	o     Options
	// queue is what waits to be stored; one goroutine (Run) takes from it, so that lines stay in their order.
	queue chan portal.Audited
	// missing counts lines of which the trail does not say yet that they are missing, lost all since the start.
	missing, lost atomic.Int64
}

// New makes a Service; nothing is stored before Run.
func New(store Store, o Options) *Service {
	s := &Service{store: store, o: o.withDefaults()}
	s.queue = make(chan portal.Audited, s.o.Queue)
	return s
}

const (
	maxSubject, maxDetail, maxAgent, maxRemote, maxResult = 300, 300, 200, 64, 100
	// lastWords is how long a service that ends goes on storing what waits.
	lastWords = 3 * time.Second
	// storeTime bounds one call of the store.
	storeTime = 10 * time.Second
	// maxWait is the longest pause between two tries to store.
	maxWait = time.Minute
	// mostLines is how many lines a search gives at most.
	mostLines = 1000
)

// Note puts a line into the trail, soon. It never blocks: where no room is left the line goes to the operator's log alone.
func (s *Service) Note(ctx context.Context, l portal.Audited) {
	if l.At.IsZero() {
		l.At = s.o.Now()
	}
	l.At = l.At.UTC()
	if l.Result == "" {
		l.Result = portal.AuditDone
	}
	if l.About == l.By {
		l.About = ""
	}
	l.Subject, l.Detail, l.Result = line(l.Subject, maxSubject), line(l.Detail, maxDetail), line(l.Result, maxResult)
	l.Remote, l.Agent, l.Request = line(l.Remote, maxRemote), line(l.Agent, maxAgent), line(l.Request, maxRemote)
	select {
	case s.queue <- l:
	default:
		s.lose(ctx, l, errors.New("too many lines wait for storage"))
	}
}

// lose writes a line to the operator's log alone.
func (s *Service) lose(ctx context.Context, l portal.Audited, why error) {
	s.missing.Add(1)
	s.lost.Add(1)
	s.o.Counted("lost")
	s.o.Logger.LogAttrs(ctx, slog.LevelError, "audit: a line that the trail does not have", slog.Time("at", l.At), slog.String("kind", l.Kind),
		slog.String("by", string(l.By)), slog.String("about", string(l.About)), slog.String("subject", l.Subject), slog.String("detail", l.Detail),
		slog.String("remote", l.Remote), slog.String("agent", l.Agent), slog.String("request_id", l.Request), slog.String("result", l.Result), slog.Any("error", why))
}

// Lost is how many lines only the operator's log has since the start.
func (s *Service) Lost() int64 { return s.lost.Load() }

// Search gives lines of the trail, the newest first, at most 1,000. A kind that there is not is ErrInvalid ("audit.kind").
func (s *Service) Search(ctx context.Context, q portal.AuditQuery) ([]portal.Audited, error) {
	if q.Kind != "" && !known(q.Kind) {
		return nil, portal.Fail(portal.ErrInvalid, "audit.kind")
	}
	q.Limit = min(max(q.Limit, 1), mostLines)
	return s.store.Audited(ctx, q)
}

func known(kind string) bool {
	for _, k := range portal.AuditKinds() {
		if k == kind {
			return true
		}
	}
	return false
}

// Run stores what was noted and forgets what is old until ctx ends; then what waits is stored, for a few seconds at most.
func (s *Service) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.write(ctx) })
	g.Go(func() error { return s.retain(ctx) })
	return g.Wait()
}

// write stores what was noted, in batches, each tried until it is stored.
func (s *Service) write(ctx context.Context) error {
	var batch []portal.Audited
	for ctx.Err() == nil {
		select {
		case l := <-s.queue:
			batch = s.gather(append(batch[:0], l))
		case <-ctx.Done():
			batch = batch[:0]
		}
		for wait := s.o.FirstRetry; len(batch) > 0; wait = min(2*wait, maxWait) {
			err := s.put(ctx, batch)
			if err == nil {
				batch = batch[:0]
				break
			}
			if ctx.Err() != nil {
				break
			}
			s.o.Logger.ErrorContext(ctx, "audit: the trail cannot be written; its lines wait", "lines", len(batch)+len(s.queue), "error", err)
			pause(ctx, wait)
		}
	}
	s.finish(ctx, batch)
	return nil
}

// gather fills a batch with what waits already.
func (s *Service) gather(batch []portal.Audited) []portal.Audited {
	for len(batch) < s.o.Batch {
		select {
		case l := <-s.queue:
			batch = append(batch, l)
		default:
			return batch
		}
	}
	return batch
}

// put stores a batch, behind the word of what is missing before it.
func (s *Service) put(ctx context.Context, batch []portal.Audited) error {
	once, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	missing := s.missing.Load()
	lines := batch
	if missing > 0 {
		gap := portal.Audited{At: s.o.Now().UTC(), Kind: portal.AuditGap, Detail: strconv.FormatInt(missing, 10), Result: portal.AuditDone}
		lines = append([]portal.Audited{gap}, batch...)
	}
	if err := s.store.AddAudited(once, lines...); err != nil {
		return err
	}
	s.missing.Add(-missing)
	for range batch {
		s.o.Counted("stored")
	}
	return nil
}

// finish stores what waits when the service ends, what was under way first.
func (s *Service) finish(ctx context.Context, batch []portal.Audited) {
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
	defer cancel()
	for {
		if batch = s.gather(batch); len(batch) == 0 {
			return
		}
		err := last.Err()
		if err == nil {
			err = s.put(last, batch)
		}
		if err != nil {
			for _, l := range batch {
				s.lose(ctx, l, err)
			}
		}
		batch = batch[:0]
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
	if s.o.Keep < 0 {
		<-ctx.Done()
		return nil
	}
	every := time.NewTicker(s.o.Every)
	defer every.Stop()
	for {
		if err := s.store.DropAudited(ctx, s.o.Now().Add(-s.o.Keep)); err != nil && ctx.Err() == nil {
			s.o.Logger.WarnContext(ctx, "audit: old lines not forgotten", "error", err)
		}
		select {
		case <-every.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// line is a text as one line of at most so many characters, without signs that reorder it.
func line(s string, most int) string {
	if s == "" {
		return s
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case r < 0x20 || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029:
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
