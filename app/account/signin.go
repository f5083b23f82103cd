package account

// Signing in.

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"portico/app/portal"
)

// maxPassword is the longest password in bytes that is passed on.
const maxPassword = 1024

// SignIn checks who somebody is by signing them in at the SIP server, or by Options.Verify where that is set, and
// gives their address; Began follows when there is a session. address may lack the scheme and the domain; for Verify
// it is a login name of whatever form. With an error too, the address is given where what was typed is that of somebody known. Errors:
//
//   - ErrInvalid: "signin.incomplete" (something is missing), "signin.address" (no address);
//   - ErrUnauthenticated: "signin.wrong", or "signin.foreign" for a domain that is not ours;
//   - ErrForbidden: the server knows them and will not have them;
//   - ErrTooMany "signin.too-many": wrong too often, with RetryAfter;
//   - ErrUnavailable: the server or storage is away.
//
// An account that does not exist is answered, counted and delayed like a wrong password. What Verify says of an
// account that is there but may not sign in is ErrForbidden with its own key.
func (s *Service) SignIn(ctx context.Context, address, password, remote string) (who portal.Address, err error) {
	return s.SignInFrom(ctx, address, password, remote, "")
}

// SignInFrom is SignIn in a browser that keeps a token of Device; a token that is none is like no token.
func (s *Service) SignInFrom(ctx context.Context, address, password, remote, device string) (who portal.Address, err error) {
	if s.o.Verify != nil {
		who, err = s.signInVerified(ctx, address, password, remote, device)
	} else if who, err = s.address(address); err == nil {
		err = s.signIn(ctx, who, password, s.from(who, remote, device))
	}
	if err == nil {
		s.tries.came(remote, s.o.Now(), who, s.typed(address))
	}
	if err != nil && !s.nameable(ctx, who) {
		who = ""
	}
	s.signedIn(who, remote, err)
	return who, err
}

// nameable reports whether the address of a refused sign-in may be told: not where it may be a password in the wrong field.
func (s *Service) nameable(ctx context.Context, who portal.Address) bool {
	if who == "" || s.o.Known == nil || s.known(who) || s.o.Known(who) {
		return who != ""
	}
	_, been, err := s.vault.Settings(ctx, who) // people who have been here
	return err == nil && been
}

func (s *Service) signIn(ctx context.Context, who portal.Address, password, from string) error {
	if password == "" {
		return portal.Fail(portal.ErrInvalid, "signin.incomplete")
	}
	started, leave, err := s.turn(ctx, who, from)
	if err != nil {
		return err
	}
	defer leave()
	secret, err := s.check(ctx, who, password)
	if err != nil {
		return s.refused(ctx, who, from, started, err)
	}
	s.tries.succeeded(who, from)
	return s.admitted(ctx, who, kept{Line: secret, Password: password})
}

// turn waits until a try for an account from there, a remote address or a known device, may be judged, and holds the account's
// lock until leave is called. The error means ErrTooMany, or ErrUnavailable when ctx ends first.
func (s *Service) turn(ctx context.Context, who portal.Address, from string) (started time.Time, leave func(), err error) {
	// Who must wait does not even stand in the way of others: neither in the queue of their address nor in
	// that of the account.
	if wait := s.tries.wait(who, from, s.o.Now()); wait > 0 {
		return started, nil, tooMany(wait)
	}
	done := func() {}
	// Known people and those who sign in from there are not held up by what others of their address do.
	if !s.known(who) && !isDevice(from) && !s.tries.regular(who, from, s.o.Now()) {
		if done, err = s.tries.enter(ctx, from, s.o.Now); err != nil {
			return started, nil, err
		}
	}
	release, err := s.locks.take(ctx, who, false)
	if err != nil {
		done()
		return started, nil, err
	}
	leave = func() { release(); done() }
	started = s.o.Now()
	if wait := s.tries.wait(who, from, started); wait > 0 {
		leave()
		return started, nil, tooMany(wait)
	}
	return started, leave, nil
}

// address makes a person's address of what they typed; that of another domain comes with the error.
func (s *Service) address(typed string) (portal.Address, error) {
	typed = strings.TrimSpace(typed)
	if typed == "" {
		return "", portal.Fail(portal.ErrInvalid, "signin.incomplete")
	}
	if !strings.Contains(typed, "@") {
		typed += "@" + s.o.Domain
	}
	who, err := portal.ParseAddress(typed)
	if err != nil {
		return "", portal.Fail(portal.ErrInvalid, "signin.address").Because(err)
	}
	if who.Domain() != strings.ToLower(s.o.Domain) {
		return who, portal.Fail(portal.ErrUnauthenticated, "signin.foreign").With("domain", s.o.Domain)
	}
	return who, nil
}

func (s *Service) check(ctx context.Context, who portal.Address, password string) ([]byte, error) {
	if len(password) > maxPassword {
		return nil, portal.Fail(portal.ErrUnauthenticated, "signin.wrong")
	}
	return s.lines.SignIn(ctx, who, password)
}

// refused counts a wrong try and gives the error people see, no sooner than FailFloor after started.
func (s *Service) refused(ctx context.Context, who portal.Address, from string, started time.Time, err error) error {
	switch portal.Meaning(err) {
	case portal.ErrUnauthenticated, portal.ErrNotFound:
		err = portal.Fail(portal.ErrUnauthenticated, "signin.wrong").Because(err)
	case portal.ErrForbidden:
	default:
		return err
	}
	s.tries.failed(who, from, s.o.Now())
	timer := time.NewTimer(s.o.FailFloor - s.o.Now().Sub(started))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	return err
}

// admitted keeps the line of somebody whom the server has taken. The person's lock is held.
func (s *Service) admitted(ctx context.Context, who portal.Address, k kept) error {
	s.mu.Lock()
	m := s.member(who)
	first := !m.line
	m.line = true
	m.begun = append(m.begun, s.o.Now())
	s.mu.Unlock()
	if !s.o.KeepPassword {
		k.Password = ""
	}
	sealed, err := s.sealKept(who, k)
	if err == nil {
		err = s.vault.SaveLine(ctx, who, sealed)
	}
	if err != nil {
		s.mu.Lock()
		m.begun = m.begun[:len(m.begun)-1]
		s.mu.Unlock()
		return errors.Join(portal.Fail(portal.ErrUnavailable, "signin.storage").Because(err), s.settle(ctx, who))
	}
	s.o.OnSignedIn(ctx, who, first)
	s.lineState(who, portal.LineEvent{State: lineUp}, "")
	return nil
}

// known reports whether who is signed in somewhere.
func (s *Service) known(who portal.Address) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.people[who]
	return m != nil && len(m.keys) > 0
}

func tooMany(wait time.Duration) error {
	wait = max(wait.Round(time.Second), time.Second)
	return portal.Fail(portal.ErrTooMany, "signin.too-many").With("seconds", strconv.Itoa(int(wait.Seconds()))).After(wait)
}
