package account

// The lines: taken up again after a restart, and how they are.

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"

	"portico/app/portal"
)

// The states of a person's line, as LineEvent tells them.
const (
	lineUp      = "up"
	lineDown    = "down"
	lineRefused = "refused"
)

// reasonResuming is of a line that is being taken up after a restart: nothing has gone wrong.
const reasonResuming = "line.resuming"

// resumeAtOnce is how many lines are read and handed on at the same time; the connector paces the rest.
const resumeAtOnce = 8

// resumeAll takes up all lines. Whoever signs in meanwhile is not in its way.
func (s *Service) resumeAll(ctx context.Context) {
	s.mu.Lock()
	people := make([]portal.Address, 0, len(s.people))
	for who := range s.people {
		people = append(people, who)
	}
	s.mu.Unlock()
	var g errgroup.Group
	g.SetLimit(resumeAtOnce)
	for _, who := range people {
		g.Go(func() error {
			if err := s.resume(ctx, who); err != nil && ctx.Err() == nil {
				s.o.Logger.Error("account: a line was not taken up again", "who", who, "err", err)
			}
			return nil
		})
	}
	_ = g.Wait() // each has said what failed
}

// resume takes up one person's line. What cannot be unsealed ends their sessions: they sign in again.
func (s *Service) resume(ctx context.Context, who portal.Address) error {
	release, err := s.locks.take(ctx, who, true)
	if err != nil {
		return err
	}
	defer release()
	s.mu.Lock()
	m := s.people[who]
	if m == nil || m.line || len(m.keys) == 0 {
		s.mu.Unlock()
		return nil
	}
	s.mu.Unlock()
	secret, err := s.kept(ctx, who)
	switch {
	case err != nil && !errors.Is(err, errSealed) && portal.Meaning(err) != portal.ErrNotFound:
		return err
	case err != nil:
		s.o.Logger.Error("account: what keeps a person registered is lost; they must sign in again", "who", who, "err", err)
		return s.endAll(ctx, who, ReasonLineLost)
	}
	s.mu.Lock()
	m.line = true
	s.mu.Unlock()
	s.lineState(who, portal.LineEvent{State: lineDown, Reason: reasonResuming}, "")
	// The line first: what is told of a sign-in is told on the line.
	s.lines.Resume(who, secret.Line)
	s.o.OnSignedIn(ctx, who, true)
	return nil
}

// LineUp notes that a person's line works.
func (s *Service) LineUp(who portal.Address) { s.lineState(who, portal.LineEvent{State: lineUp}, "") }

// LineDown notes that a person's line does not work. Refused credentials leave the sessions as they are:
// the page says so, and signing in again with the new password mends it.
func (s *Service) LineDown(who portal.Address, err error) {
	ev := portal.LineEvent{State: lineDown, Reason: "line.down"}
	switch portal.Meaning(err) {
	case portal.ErrUnauthenticated, portal.ErrForbidden, portal.ErrNotFound:
		ev = portal.LineEvent{State: lineRefused, Reason: "line.refused"}
	}
	s.lineState(who, ev, detail(err))
}

// LineState is how a person's line is; the zero value for somebody who has none.
func (s *Service) LineState(who portal.Address) portal.LineEvent {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.people[who]; m != nil {
		return m.state
	}
	return portal.LineEvent{}
}

// lineState notes the state and tells it when it is another one, why being the operator's text. The lock is held while
// telling, so that the last one told is the last one noted; Emit and Incident do not block.
func (s *Service) lineState(who portal.Address, ev portal.LineEvent, why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.people[who]
	if m == nil || m.state == ev {
		return
	}
	m.state = ev
	s.o.Emit(who, ev)
	s.lineIncident(who, m, ev, why)
}
