package ews

import (
	"crypto/sha256"
	"errors"
	"sync"
	"time"

	"portico/app/ews/soap"
	"portico/app/portal"
)

// Passwords that a server refused: where people sign in with their own, a wrong one that is tried again and again locks
// their account. It is tried three times in the first minutes and then every quarter of an hour; another password, as
// after the next sign-in, is tried at once.

// refusalPauses are the waits after each refusal in a row; the last one stays.
var refusalPauses = [...]time.Duration{30 * time.Second, 2 * time.Minute, 15 * time.Minute}

var errRefused = errors.New("the password was refused a moment ago and is left alone for a while")

// passwords are those of one server that were refused. Bounded by the people of the portal: what is accepted is forgotten.
type passwords struct {
	now     func() time.Time
	mu      sync.Mutex
	refused map[portal.Address]refusal
}

type refusal struct {
	sum   [sha256.Size]byte
	times int
	until time.Time
	// trying: it is being tried once more.
	trying bool
}

func newPasswords(now func() time.Time) *passwords {
	return &passwords{now: now, refused: map[portal.Address]refusal{}}
}

// may is nil where the password may be tried now: it was not refused, or long enough ago; then by one caller.
func (p *passwords) may(who portal.Address, c *soap.Credentials) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	r, ok := p.refused[who]
	if !ok || r.sum != sumOf(c) {
		return nil
	}
	now := p.now()
	if now.Before(r.until) {
		return portal.Fail(portal.ErrUnauthenticated, "exchange.signin").Because(errRefused)
	}
	r.trying, r.until = true, now.Add(refusalPauses[r.times-1])
	p.refused[who] = r
	return nil
}

// learn notes what became of a call with a password.
func (p *passwords) learn(who portal.Address, c *soap.Credentials, err error) {
	if c == nil || errors.Is(err, errRefused) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	r, known := p.refused[who]
	sum, now := sumOf(c), p.now()
	switch {
	case errors.Is(err, portal.ErrUnauthenticated):
		switch {
		case !known || r.sum != sum:
			r = refusal{sum: sum, times: 1}
		case r.trying:
			r.times, r.trying = min(r.times+1, len(refusalPauses)), false
		default:
			return // it was under way when another was refused
		}
		r.until = now.Add(refusalPauses[r.times-1])
		p.refused[who] = r
	case err == nil, soap.Code(err) != "":
		delete(p.refused, who)
	case r.trying && r.sum == sum: // nobody answered: that was no try
		r.trying, r.until = false, now
		p.refused[who] = r
	}
}

func sumOf(c *soap.Credentials) [sha256.Size]byte {
	return sha256.Sum256([]byte(c.User + "\x00" + c.Password))
}
