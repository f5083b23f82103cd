package ews

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"portico/app/ews/soap"
	"portico/app/portal"
)

// What FindPeople leaves out of a person, as the manager: asked for person by person, some at each reading, and
// remembered for a day, so that the address book fills up without a burst of questions.

const (
	cardsLast  = 24 * time.Hour
	maxCards   = 50_000 // remembered; a full book is begun anew
	askedCards = 200    // at each reading
)

// cardBook remembers cards by e-mail address.
type cardBook struct {
	now func() time.Time
	mu  sync.Mutex
	by  map[string]card
}

type card struct {
	contact *soap.Contact // nil: there is none
	until   time.Time
}

func newCardBook(now func() time.Time) *cardBook { return &cardBook{now: now, by: map[string]card{}} }

func (b *cardBook) get(email string) (*soap.Contact, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c, ok := b.by[strings.ToLower(email)]
	return c.contact, ok && b.now().Before(c.until)
}

func (b *cardBook) set(email string, x *soap.Contact) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.by) >= maxCards {
		clear(b.by)
	}
	b.by[strings.ToLower(email)] = card{x, b.now().Add(cardsLast)}
}

// details completes people by their cards, for at most half of the time that is left. A card that cannot be read now is
// asked for at the next reading.
func (b *addressBook) details(ctx context.Context, a *access) error {
	v := a.voice(ctx)
	asked, late := 0, func() bool { return false }
	if end, ok := ctx.Deadline(); ok {
		half := time.Now().Add(time.Until(end) / 2)
		late = func() bool { return time.Now().After(half) }
	}
	for i := range b.people {
		p := &b.people[i]
		if p.Group || p.Email == "" {
			continue
		}
		x, known := b.c.cards.get(p.Email)
		if !known {
			if asked >= askedCards || late() {
				continue
			}
			asked++
			var err error
			if x, err = a.card(ctx, p.Email); err != nil {
				if ctx.Err() != nil || errors.Is(err, portal.ErrUnavailable) || errors.Is(err, portal.ErrUnauthenticated) {
					return err
				}
				continue
			}
			b.c.cards.set(p.Email, x)
		}
		if x != nil {
			b.c.fillCard(v, p, x)
		}
	}
	return nil
}

// card is the directory's card of an e-mail address, nil where it has none.
func (a *access) card(ctx context.Context, email string) (*soap.Contact, error) {
	s := &spelling{a: a}
	found, _, err := s.candidates(ctx, "smtp:"+sayable(email))
	if err != nil || len(found) != 1 {
		return nil, err
	}
	return found[0].Contact, nil
}
