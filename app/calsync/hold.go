package calsync

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"portico/app/portal"
)

// Holds: what would delete much at once waits until somebody has decided, and so does what a direction that is off would carry.

// swellFor is within what time deletions of one source count as one.
const swellFor = time.Minute

// swell counts the deletions of each source. It holds no more sources than there are mailboxes and people.
type swell struct {
	mu sync.Mutex
	of map[string]tide
}

type tide struct {
	n    int
	last time.Time
}

func newSwell() *swell { return &swell{of: map[string]tide{}} }

// add adds n deletions of a source and gives how many there are with those of the last minute.
func (w *swell) add(source string, n int, now time.Time) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := w.of[source]
	if now.Sub(t.last) > swellFor {
		t.n = 0
	}
	t.n, t.last = t.n+n, now
	w.of[source] = t
	return t.n
}

// forget begins to count a source anew, or, of a whole side, each that stands under its name.
func (w *swell) forget(source string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for k := range w.of {
		if k == source || strings.HasPrefix(k, source+" ") {
			delete(w.of, k)
		}
	}
}

func hold(j *portal.SyncJob) { j.State, j.Reason = portal.JobHeld, keyHeld }

// holdOff holds jobs of a direction that is switched off.
func (s *Service) holdOff(jobs []portal.SyncJob) {
	for i := range jobs {
		if s.off(jobs[i].Direction) && jobs[i].State == portal.JobWaiting {
			jobs[i].State, jobs[i].Reason = portal.JobHeld, keyOff
		}
	}
}

// releaseOff lets what waited for a direction to be switched on be carried.
func (s *Service) releaseOff(ctx context.Context) error {
	for _, d := range []portal.Direction{portal.ToExchange, portal.ToCRM} {
		f := portal.SyncQueueFilter{State: portal.JobHeld, Direction: d, Limit: manualPage}
		for !s.off(d) {
			list, err := s.l.SyncJobs(ctx, f)
			if err != nil {
				return err
			}
			if len(list) == 0 {
				break
			}
			f.After = list[len(list)-1].Seq
			list = slices.DeleteFunc(list, func(j portal.SyncJob) bool { return j.Reason != keyOff })
			if err := s.l.AddSyncJobs(ctx, waitingAgain(list, false)); err != nil {
				return err
			}
		}
	}
	return nil
}

// switchedOn releases jobs that were stored as held for a direction that was switched on while they were made: who switched it on has
// not seen them.
func (s *Service) switchedOn(ctx context.Context, jobs []portal.SyncJob) error {
	if slices.ContainsFunc(jobs, func(j portal.SyncJob) bool {
		return j.State == portal.JobHeld && j.Reason == keyOff && !s.off(j.Direction)
	}) {
		return s.releaseOff(ctx)
	}
	return nil
}

// off reports whether a direction is switched off.
func (s *Service) off(d portal.Direction) bool { return s.known().off(d) }

func (k *state) off(d portal.Direction) bool {
	return d == portal.ToExchange && !k.settings.ToExchange || d == portal.ToCRM && !k.settings.ToCRM
}

// heldNow tells that a source is held.
func (s *Service) heldNow(source portal.Address, n int, now time.Time) {
	s.say(levelFailures, source, "%d deletions at once are held", n)
	s.o.Logger.Warn("calsync: more was deleted at once than is carried without asking", "source", source)
	in := Incident{Kind: keyHeld, Mailbox: source, Server: s.known().serverOf(source), Cause: fmt.Sprintf("%d deletions at once", n), At: now}
	s.o.Incident(in)
	s.o.Told()
}

// about is d give or take a fifth.
func (s *Service) about(d time.Duration) time.Duration {
	if s.o.Steady {
		return d
	}
	return d*4/5 + rand.N(d*2/5+1) //nolint:gosec // spreads work over time
}
