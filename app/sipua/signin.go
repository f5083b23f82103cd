package sipua

// Signing in, coming back after a restart, signing out.

import (
	"context"
	"errors"
	"time"

	"github.com/emiago/sipgo/sip"

	"portico/app/portal"
)

const (
	// signInWait is how long a sign-in waits for the proxy connection before it is called unreachable: as
	// long as one attempt to connect may take.
	signInWait = dialTimeout
	// learnWait bounds the request that finds out how the proxy challenges.
	learnWait = 2 * time.Second
)

// SignIn registers a person with their password and starts their line, or checks the password of one
// who is signed in already. It returns what [Agent.Resume] needs: the digest's HA1 for each realm and
// algorithm that the server named, never the password. In trusted mode the password is not looked at.
// Errors: ErrUnauthenticated (signin.wrong, signin.unknown-user), ErrForbidden (signin.forbidden),
// ErrUnavailable (signin.unreachable).
func (a *Agent) SignIn(ctx context.Context, who portal.Address, password string) ([]byte, error) {
	c := &credentials{user: digestUser(who), password: password}
	for {
		l, made := a.join(who)
		err := l.signIn(ctx, c)
		if errors.Is(err, errGone) {
			continue // somebody else's failed attempt ended the line we waited for
		}
		if err != nil {
			if made {
				a.dropJoining(l)
			}
			return nil, signInError(err)
		}
		return c.seal()
	}
}

// errGone: the line was ended meanwhile.
var errGone = errors.New("line ended")

// join gives the person's line, making it if need be. It is in the table before it is registered,
// because servers deliver stored messages as soon as they have said yes.
func (a *Agent) join(who portal.Address) (l *line, made bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if l := a.lines[who]; l != nil {
		return l, false
	}
	l = a.newLine(who, nil)
	l.attended, l.joining, l.settled = true, true, make(chan struct{})
	a.lines[who] = l
	return l, true
}

// drop ends a line without a word to the server.
func (a *Agent) drop(l *line) {
	l.mu.Lock()
	l.gone = true
	l.settle()
	l.mu.Unlock()
	a.forget(l)
}

// dropJoining ends a line whose first sign-in has failed, unless somebody else's has succeeded on it: then it
// is theirs.
func (a *Agent) dropJoining(l *line) {
	l.mu.Lock()
	failed := l.joining
	l.gone = l.gone || failed
	l.settle()
	l.mu.Unlock()
	if failed {
		a.forget(l)
	}
}

// forget takes a line that is gone out of the table.
func (a *Agent) forget(l *line) {
	a.mu.Lock()
	if a.lines[l.who] == l {
		delete(a.lines, l.who)
	}
	a.mu.Unlock()
	a.clock.stop(&l.regTimer)
}

// settle ends joining. The caller holds the mutex.
func (l *line) settle() {
	if l.joining {
		l.joining = false
		close(l.settled)
	}
}

func (l *line) signIn(ctx context.Context, c *credentials) error {
	if err := l.begin(ctx); err != nil {
		return err
	}
	used := c
	if l.a.cfg.Auth == AuthTrusted {
		used = nil
	}
	var got grant
	err := l.soon(ctx, func() (err error) {
		got, err = l.register(ctx, used, l.a.cfg.RegisterExpires)
		return err
	})
	if err == nil && used != nil {
		l.learn(ctx, used)
	}
	if err == nil {
		err = l.accept(c, used)
	}
	l.end()
	if err != nil {
		return err
	}
	l.registered(got)
	return nil
}

// accept makes the line that of somebody with these credentials, unless it was dropped meanwhile: another's
// attempt that failed, or a sign-out, may have ended it while the server said yes.
func (l *line) accept(c, used *credentials) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.gone {
		return errGone
	}
	c.password = ""
	l.creds, l.refused = used, nil
	l.settle()
	return nil
}

// soon asks on a connection that stands, waiting a little for one, also when the one it used breaks.
func (l *line) soon(ctx context.Context, ask func() error) error {
	wait, cancel := context.WithTimeout(ctx, signInWait)
	defer cancel()
	for {
		if err := l.link.await(wait); err != nil {
			return err
		}
		err := ask()
		if wait.Err() != nil || !errors.Is(err, errFlowClosed) && !errors.Is(err, errNoFlow) {
			return err
		}
		pause(wait, between(0, 20*time.Millisecond)) // the link notices what this request did
	}
}

// learn asks something that makes the proxy challenge, so that the hash for its realm is made while
// the password is at hand; REGISTER is challenged by the registrar alone.
func (l *line) learn(ctx context.Context, c *credentials) {
	ctx, cancel := context.WithTimeout(ctx, learnWait)
	defer cancel()
	l.a.docs.learn(ctx, l.who, c)
	_, _, err := l.ask(ctx, c, query{method: sip.OPTIONS, uri: string(l.who), to: l.who, callID: token(12), fromTag: token(6), cseq: counted()})
	if err != nil {
		l.a.cfg.Logger.Debug("proxy did not show its challenge", "person", l.who, "error", err)
	}
}

// signInError gives a failed REGISTER its meaning and sentence.
func signInError(err error) error {
	var s *statusError
	switch {
	case errors.Is(err, errRefused):
		return portal.Fail(portal.ErrUnauthenticated, "signin.wrong").Because(err)
	case errors.Is(err, errNoSecret):
		return portal.Fail(portal.ErrUnauthenticated, "signin.again").Because(err)
	case !errors.As(err, &s):
		return portal.Fail(portal.ErrUnavailable, "signin.unreachable").Because(err)
	}
	switch {
	case s.status == sip.StatusUnauthorized, s.status == sip.StatusProxyAuthRequired:
		return portal.Fail(portal.ErrUnauthenticated, "signin.wrong").Because(err)
	case s.status == sip.StatusNotFound, s.status == sip.StatusGlobalDoesNotExistAnywhere, s.status == sip.StatusGone:
		return portal.Fail(portal.ErrUnauthenticated, "signin.unknown-user").Because(err)
	case s.status == sip.StatusForbidden, s.status/100 == 6:
		return portal.Fail(portal.ErrForbidden, "signin.forbidden").Because(err)
	}
	return portal.Fail(portal.ErrUnavailable, "signin.unreachable").Because(err).After(s.after)
}

// Resume starts the line of a person who was signed in before a restart, with what SignIn returned.
// They are registered in the background, paced; the handler hears how it went.
func (a *Agent) Resume(who portal.Address, sealed []byte) {
	var c *credentials
	var err error
	if a.cfg.Auth == AuthDigest {
		c, err = unseal(sealed)
	}
	a.mu.Lock()
	if a.lines[who] != nil {
		a.mu.Unlock()
		return
	}
	l := a.newLine(who, c)
	a.lines[who] = l
	a.mu.Unlock()
	if err != nil {
		err = portal.Fail(portal.ErrUnauthenticated, "signin.again").Because(err)
		l.refuse(err)
		return
	}
	l.enqueueRegister(false)
}

// SignOut removes the person's presence, subscriptions and registration from the server and ends
// their line. The line is gone even if the server did not hear of it, which the error then says.
func (a *Agent) SignOut(ctx context.Context, who portal.Address) error {
	l := a.line(who)
	if l == nil {
		return nil
	}
	l.mu.Lock()
	l.leaving = true
	l.mu.Unlock()
	errPublish := l.unpublish(ctx)
	if err := l.begin(ctx); err != nil {
		a.drop(l)
		return unreachable("signin.unreachable", err, 0)
	}
	c := l.credentials()
	l.mu.Lock()
	subs := l.everySub()
	known := l.flowGen != 0 && l.refused == nil
	for _, s := range subs {
		s.flags &^= subWanted
	}
	l.mu.Unlock()
	for _, s := range subs {
		s.enqueue(false)
	}
	var err error
	if known {
		_, err = l.register(ctx, c, 0)
	}
	l.end()
	a.drop(l)
	if err = errors.Join(errPublish, err); err != nil {
		return unreachable("signin.unreachable", err, 0)
	}
	return nil
}

// Check asks the server whether the password is right, without registering anything. Run must be
// under way. Errors as for SignIn.
func (a *Agent) Check(ctx context.Context, who portal.Address, password string) error {
	l := a.newLine(who, nil)
	c := &credentials{user: digestUser(who), password: password}
	if a.cfg.Auth == AuthTrusted {
		c = nil
	}
	err := l.soon(ctx, func() error {
		res, _, err := l.ask(ctx, c, query{method: sip.REGISTER, uri: "sip:" + who.Domain(), to: who, callID: l.callID, fromTag: l.tag, cseq: l.nextRegister})
		if err == nil && res.StatusCode/100 != 2 {
			err = failed(sip.REGISTER, res)
		}
		return err
	})
	if err != nil {
		return signInError(err)
	}
	return nil
}
