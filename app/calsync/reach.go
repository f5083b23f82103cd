package calsync

import (
	"errors"
	"time"

	"github.com/cenkalti/backoff/v5"

	"portico/app/portal"
)

// Who can be reached: a mailbox or server that does not answer is asked by one job now and then, and the others wait.

// verdict is whether a job may go now.
type verdict int

const (
	mayGo     verdict = iota
	mustWait          // something else of the mailbox or server is under way
	mustDefer         // nobody answers there: not before a time
)

// admit asks for a place for a job at its mailbox and server; leave gives it back.
func (s *Service) admit(who portal.Address, now time.Time) (verdict, time.Time) {
	b := s.boxes
	b.mu.Lock()
	defer b.mu.Unlock()
	x := b.of[who]
	if x == nil {
		return mayGo, time.Time{} // nobody's mailbox: no server is asked
	}
	srv := b.servers[x.server]
	switch {
	case srv.away && now.Before(srv.until):
		return mustDefer, srv.until
	case srv.away && srv.probing:
		return mustWait, time.Time{}
	case now.Before(x.until):
		return mustDefer, x.until
	case x.fails > 0 && x.active > 0:
		return mustWait, time.Time{} // one probe
	case x.active >= s.o.EachMailbox || srv.active >= s.o.EachServer:
		return mustWait, time.Time{}
	}
	x.active++
	srv.active++
	srv.probing = srv.away
	return mayGo, time.Time{}
}

// leave gives a place back.
func (s *Service) leave(who portal.Address) {
	b := s.boxes
	b.mu.Lock()
	defer b.mu.Unlock()
	if x := b.of[who]; x != nil {
		x.active = max(x.active-1, 0)
		srv := b.servers[x.server]
		srv.active = max(srv.active-1, 0)
		srv.probing = false
	}
}

// answered notes that a mailbox's server answered, whatever it said.
func (s *Service) answered(who portal.Address) {
	b := s.boxes
	b.mu.Lock()
	x := b.of[who]
	var back *server
	if x != nil {
		x.fails, x.until = 0, time.Time{}
		srv := b.servers[x.server]
		if srv.away {
			back = srv
			for _, other := range b.of {
				if other.server == x.server {
					b.rouse(other)
				}
			}
		}
		srv.fails, srv.away, srv.until = 0, false, time.Time{}
	}
	b.mu.Unlock()
	if back != nil {
		s.say(levelFailures, "", "server %q answers again", back.name)
		s.o.Incident(Incident{Kind: keyAway, Server: back.name, At: s.o.Now(), Over: true})
		s.ringWork()
	}
}

// silent notes that a mailbox's server did not answer, and gives when the next try may be made.
func (s *Service) silent(who portal.Address, err error) time.Time {
	now := s.o.Now()
	b := s.boxes
	b.mu.Lock()
	x := b.of[who]
	if x == nil {
		b.mu.Unlock()
		return now.Add(s.interval(1, err))
	}
	srv := b.servers[x.server]
	x.fails++
	until := now.Add(s.interval(x.fails, err))
	x.until = until
	gone := false
	if portal.Meaning(err) != portal.ErrTooMany { // one that asks to be left alone is there
		srv.fails++
	}
	if srv.fails >= s.o.DownAfter {
		gone = !srv.away
		srv.away = true
		srv.until = now.Add(s.interval(srv.fails-s.o.DownAfter+1, err))
		until = srv.until
	}
	name := srv.name
	b.mu.Unlock()
	if gone {
		s.say(levelFailures, "", "server %q does not answer: %v", name, err)
		s.o.Incident(Incident{Kind: keyAway, Server: name, Cause: err.Error(), At: now})
	}
	return until
}

// open lets everybody be asked again, however long they have been silent.
func (b *boxes) open() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, srv := range b.servers {
		srv.until = time.Time{}
	}
}

// interval is the wait after the n-th failure in a row: growing, with a cap and some chance in it, and at least as long as asked.
func (s *Service) interval(n int, err error) time.Duration {
	const most = 15 * time.Minute
	b := backoff.ExponentialBackOff{InitialInterval: s.o.FirstRetry, RandomizationFactor: 0.3, Multiplier: 1.8, MaxInterval: s.o.MaxRetry}
	if s.o.Steady {
		b.RandomizationFactor = 0
	}
	var d time.Duration
	for range min(max(n, 1), 40) {
		d = b.NextBackOff()
	}
	var e *portal.Error
	if errors.As(err, &e) {
		d = max(d, min(e.RetryAfter, most))
	}
	return d
}

// passing reports whether an error of a side may pass by itself, so that the same may be asked again.
func passing(err error) bool {
	m := portal.Meaning(err)
	return m == portal.ErrUnavailable || m == portal.ErrTooMany
}

// shut reports whether an error says that a mailbox cannot be opened (now), which says nothing of what is in it.
func shut(err error) bool {
	m := portal.Meaning(err)
	return m == portal.ErrForbidden || m == portal.ErrUnauthenticated
}
