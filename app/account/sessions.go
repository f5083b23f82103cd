package account

// Sessions: a person's line lives as long as any of them.

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"portico/app/portal"
)

// Limits of what is kept of a browser's self-description, in bytes.
const (
	maxAgent  = 256
	maxRemote = 64
)

// Began records the session of somebody who has just signed in. Errors: ErrUnauthenticated when their
// sign-in is no longer good (it must be done again), ErrUnavailable.
func (s *Service) Began(ctx context.Context, who portal.Address, sessionKey, agent, remote string) error {
	release, err := s.locks.take(ctx, who, true)
	if err != nil {
		return err
	}
	defer release()
	s.mu.Lock()
	m := s.people[who]
	if m == nil || !m.line || sessionKey == "" {
		s.mu.Unlock()
		return portal.Fail(portal.ErrUnauthenticated, "session.ended")
	}
	s.mu.Unlock()
	now := s.o.Now().UTC()
	in := portal.Signin{Key: sessionKey, Person: who, CreatedAt: now, ExpiresAt: now.Add(s.o.SessionLifetime),
		Agent: cut(agent, maxAgent), Remote: cut(remote, maxRemote)}
	if err := s.vault.SaveSignin(ctx, in); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remember(in)
	if len(m.begun) > 0 {
		m.begun = m.begun[1:]
	}
	return nil
}

// Ended ends one session; the last one of a person takes their line down. Ending a session that is not
// there is no error.
func (s *Service) Ended(ctx context.Context, sessionKey string) error {
	if err := s.load(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	in, ok := s.keys[sessionKey]
	s.mu.Unlock()
	if !ok {
		return nil
	}
	release, err := s.locks.take(ctx, in.who, true)
	if err != nil {
		return err
	}
	defer release()
	if err := s.end(ctx, sessionKey, in.who, ReasonSignedOut); err != nil {
		return err
	}
	return s.settle(ctx, in.who)
}

// EndOne ends one of a person's own sessions, as from a list of them in another browser; the last one takes their
// line down. Whatever is not a living session of theirs is ErrNotFound "session.not-found".
func (s *Service) EndOne(ctx context.Context, who portal.Address, sessionKey string) error {
	if err := s.load(ctx); err != nil {
		return err
	}
	release, err := s.locks.take(ctx, who, true)
	if err != nil {
		return err
	}
	defer release()
	s.mu.Lock()
	in, ok := s.keys[sessionKey]
	s.mu.Unlock()
	if !ok || in.who != who {
		return portal.Fail(portal.ErrNotFound, "session.not-found")
	}
	if err := s.end(ctx, sessionKey, who, ReasonElsewhere); err != nil {
		return err
	}
	return s.settle(ctx, who)
}

// EndAll signs a person out everywhere.
func (s *Service) EndAll(ctx context.Context, who portal.Address) error {
	if err := s.load(ctx); err != nil {
		return err
	}
	release, err := s.locks.take(ctx, who, true)
	if err != nil {
		return err
	}
	defer release()
	return s.endAll(ctx, who, ReasonEverywhere)
}

// Whose is the person of a session that lives; an error that means ErrUnauthenticated for any other. That it is asked is use of
// the session: one that nobody has used for Options.SessionIdle is over.
func (s *Service) Whose(ctx context.Context, sessionKey string) (portal.Address, error) {
	if err := s.load(ctx); err != nil {
		return "", err
	}
	s.mu.Lock()
	in, ok := s.keys[sessionKey]
	s.mu.Unlock()
	now := s.o.Now()
	if !ok || !now.Before(in.expires) || s.idle(in, now) && !s.o.InUse()[sessionKey] {
		return "", portal.Fail(portal.ErrUnauthenticated, "session.ended")
	}
	if !s.use(sessionKey, now) {
		return "", portal.Fail(portal.ErrUnauthenticated, "session.ended")
	}
	return in.who, nil
}

// use notes that a session is in use; false: it has ended meanwhile.
func (s *Service) use(sessionKey string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	in, ok := s.keys[sessionKey]
	if ok && in.used.Before(now) {
		in.used = now
		s.keys[sessionKey] = in
	}
	return ok
}

// idle reports whether nobody has asked in a session for too long.
func (s *Service) idle(in session, now time.Time) bool {
	return s.o.SessionIdle > 0 && now.Sub(in.used) >= s.o.SessionIdle
}

// unused are the sessions that nobody has used for too long, by key; those that are in use without asking are noted as used.
func (s *Service) unused(now time.Time) map[string]portal.Address {
	if s.o.SessionIdle <= 0 {
		return nil
	}
	s.mu.Lock()
	all := maps.Clone(s.keys)
	s.mu.Unlock()
	inUse, over := s.o.InUse(), map[string]portal.Address{}
	for key, in := range all {
		if inUse[key] {
			s.use(key, now)
		} else if s.idle(in, now) {
			over[key] = in.who
		}
	}
	return over
}

// Living is how many sessions live; zero until the first question or Run has read them.
func (s *Service) Living() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.keys)
}

// Sessions are a person's living sessions; one whose time is over is none of them, swept or not.
func (s *Service) Sessions(ctx context.Context, who portal.Address) ([]portal.Signin, error) {
	all, err := s.vault.Signins(ctx, who)
	if err != nil {
		return nil, err
	}
	now := s.o.Now()
	return slices.DeleteFunc(all, func(in portal.Signin) bool { return !now.Before(in.ExpiresAt) }), nil
}

// endAll ends all sessions and the line; the person's lock is held.
func (s *Service) endAll(ctx context.Context, who portal.Address, reason string) error {
	s.mu.Lock()
	var keys []string
	if m := s.people[who]; m != nil {
		keys = append(keys, m.keys...)
		m.begun = nil
	}
	s.mu.Unlock()
	var errs []error
	for _, key := range keys {
		errs = append(errs, s.end(ctx, key, who, reason))
	}
	return errors.Join(append(errs, s.settle(ctx, who))...)
}

// end ends one session; the person's lock is held.
func (s *Service) end(ctx context.Context, key string, who portal.Address, reason string) error {
	s.mu.Lock()
	_, there := s.keys[key]
	s.mu.Unlock()
	if err := s.vault.DeleteSignin(ctx, key); err != nil && portal.Meaning(err) != portal.ErrNotFound {
		return err
	}
	s.mu.Lock()
	s.forget(key, who)
	s.mu.Unlock()
	if there {
		s.o.OnEnded(key, who, reason)
	}
	return nil
}

// settle takes the line down when nothing needs it any more; the person's lock is held. That the server
// could not be told is no error: the registration runs out there by itself.
func (s *Service) settle(ctx context.Context, who portal.Address) error {
	s.mu.Lock()
	m := s.people[who]
	if m == nil || len(m.keys) > 0 || len(m.begun) > 0 {
		s.mu.Unlock()
		return nil
	}
	line := m.line
	s.mu.Unlock()
	if err := s.vault.DeleteLine(ctx, who); err != nil && portal.Meaning(err) != portal.ErrNotFound {
		return err
	}
	s.mu.Lock()
	delete(s.people, who)
	s.mu.Unlock()
	if !line {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), signOutTime)
	defer cancel()
	if err := s.lines.SignOut(ctx, who); err != nil {
		s.o.Logger.Warn("account: a line was not taken down in order", "who", who, "err", err)
	}
	s.o.OnSignedOut(who)
	return nil
}

// sweep ends what is over: sessions, sign-ins that never got one, wrong tries.
func (s *Service) sweep(ctx context.Context) {
	now := s.o.Now()
	s.tries.sweep(now)
	expired, err := s.vault.ExpiredSignins(ctx, now)
	if err != nil && ctx.Err() == nil {
		s.o.Logger.Warn("account: expired sessions could not be read", "err", err)
	}
	for _, in := range expired {
		s.sweepOne(ctx, in.Person, func() error { return s.end(ctx, in.Key, in.Person, ReasonExpired) })
	}
	for key, who := range s.unused(now) {
		s.sweepOne(ctx, who, func() error { return s.end(ctx, key, who, ReasonIdle) })
	}
	for _, who := range s.unbegun(now) {
		s.sweepOne(ctx, who, func() error { return nil })
	}
}

func (s *Service) sweepOne(ctx context.Context, who portal.Address, f func() error) {
	release, err := s.locks.take(ctx, who, true)
	if err != nil {
		return // ctx is done
	}
	defer release()
	if err = f(); err == nil {
		err = s.settle(ctx, who)
	}
	if err != nil && ctx.Err() == nil {
		s.o.Logger.Warn("account: an expired session could not be ended", "who", who, "err", err)
	}
}

// unbegun forgets sign-ins that never got a session and gives the people it was the last of.
func (s *Service) unbegun(now time.Time) []portal.Address {
	s.mu.Lock()
	defer s.mu.Unlock()
	var who []portal.Address
	for p, m := range s.people {
		for len(m.begun) > 0 && now.Sub(m.begun[0]) > beginTime {
			m.begun = m.begun[1:]
		}
		if len(m.begun) == 0 && len(m.keys) == 0 {
			who = append(who, p)
		}
	}
	return who
}

// cut shortens s to at most n bytes of valid UTF-8.
func cut(s string, n int) string {
	s = strings.ToValidUTF8(s, "")
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
