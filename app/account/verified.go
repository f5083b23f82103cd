package account

// Signing in with the word of somebody other than the SIP server: a directory that checks passwords, or an identity
// provider. The SIP server must trust the portal then; no password goes to it.

import (
	"context"
	"strings"
	"unicode/utf8"

	"portico/app/portal"
)

// maxLogin is the longest login name in bytes that is passed on.
const maxLogin = 256

// signInVerified signs in whom Options.Verify says that login and password are. The limits of guessing hold for what
// was typed and for the account that it names, whatever other names that has.
func (s *Service) signInVerified(ctx context.Context, login, password, remote, device string) (portal.Address, error) {
	login = strings.TrimSpace(login)
	typed, err := s.address(login)
	named := typed // what is told and logged: never what may be a password in the wrong field
	switch {
	case login == "" || password == "":
		return named, portal.Fail(portal.ErrInvalid, "signin.incomplete")
	case len(login) > maxLogin || !utf8.ValidString(login):
		return "", portal.Fail(portal.ErrInvalid, "signin.login")
	case err != nil && typed == "":
		typed = portal.Address("login:" + login)
	}
	who, err := s.verify(ctx, typed, login, password, remote, device)
	if err != nil {
		if who == "" {
			who = named
		}
		return who, err
	}
	return who, s.trusted(ctx, who, kept{Password: password})
}

// verify asks who login and password are, as a try for what was typed.
func (s *Service) verify(ctx context.Context, typed portal.Address, login, password, remote, device string) (portal.Address, error) {
	from := s.from(typed, remote, device)
	started, leave, err := s.turn(ctx, typed, from)
	if err != nil {
		return "", err
	}
	defer leave()
	who, err := s.askVerifier(ctx, login, password)
	alias := who != "" && accountKey(who) != accountKey(typed)
	if alias {
		if wait := s.tries.wait(who, s.from(who, remote, device), s.o.Now()); wait > 0 {
			return who, tooMany(wait) // right or wrong: under its other names this account must wait too
		}
	}
	if err != nil {
		if m := portal.Meaning(err); alias && (m == portal.ErrUnauthenticated || m == portal.ErrForbidden) {
			s.tries.alsoFailed(who, s.from(who, remote, device), s.o.Now())
		}
		return who, s.refused(ctx, typed, from, started, err)
	}
	s.tries.succeeded(typed, from)
	s.tries.succeeded(who, s.from(who, remote, device))
	return who, nil
}

// askVerifier gives who login and password are; only people of our domain can have a line here.
func (s *Service) askVerifier(ctx context.Context, login, password string) (portal.Address, error) {
	if len(password) > maxPassword {
		return "", portal.Fail(portal.ErrUnauthenticated, "signin.wrong")
	}
	who, err := s.o.Verify(ctx, login, password)
	if err == nil {
		err = s.ours(who)
	}
	return who, err
}

// ours is nil for people of the portal's domain.
func (s *Service) ours(who portal.Address) error {
	if who == "" || who.Domain() != strings.ToLower(s.o.Domain) {
		return portal.Fail(portal.ErrForbidden, "signin.foreign").With("domain", s.o.Domain)
	}
	return nil
}

// SignInAs signs in somebody whom an identity provider has vouched for; Began follows when there is a session. The
// SIP server must trust this portal. Errors: ErrForbidden "signin.foreign" for a domain that is not ours, ErrForbidden
// "signin.line-refused" where the SIP server will not have them, ErrTooMany, ErrUnavailable.
func (s *Service) SignInAs(ctx context.Context, who portal.Address, remote string) error {
	err := s.ours(who)
	if err == nil {
		err = s.trusted(ctx, who, kept{})
	}
	s.signedIn(who, remote, err)
	return err
}

// trusted makes the line of somebody who needs no password for it.
func (s *Service) trusted(ctx context.Context, who portal.Address, k kept) error {
	release, err := s.locks.take(ctx, who, false)
	if err != nil {
		return err
	}
	defer release()
	if k.Password == "" && s.o.KeepPassword {
		// A password that was kept at another sign-in still opens what it opened.
		before, err := s.kept(ctx, who)
		if err == nil {
			k.Password = before.Password
		} else if portal.Meaning(err) != portal.ErrNotFound {
			s.o.Logger.Warn("account: a kept password could not be read", "who", who, "err", err)
		}
	}
	if k.Line, err = s.lines.SignIn(ctx, who, ""); err != nil {
		switch portal.Meaning(err) {
		case portal.ErrUnauthenticated, portal.ErrForbidden, portal.ErrNotFound:
			// Who they are is settled: it is not their password that is wrong.
			return portal.Fail(portal.ErrForbidden, "signin.line-refused").Because(err)
		}
		return err
	}
	return s.admitted(ctx, who, k)
}
