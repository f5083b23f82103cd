package calendar

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"portico/app/portal"
)

const (
	// givenFor is how long it is believed who made whom their delegate; givenAgain when those are asked again who did not answer.
	givenFor   = 15 * time.Minute
	givenAgain = time.Minute
	// givenWait is how long a caller waits for the first answers, givenWaitAgain for those that are missing.
	givenWait      = 10 * time.Second
	givenWaitAgain = 2 * time.Second
)

// delegators knows who made whom their delegate. Exchange tells it only the other way round, so everybody is asked now and then.
// Of those who do not answer the last answer counts.
type delegators struct {
	s    *Service
	turn turn
	mu   sync.Mutex
	at   time.Time
	// missing is why not everybody has answered, nil if they have.
	missing error
	by      map[portal.Address]delegation
}

// delegation is whom somebody made their delegate, by e-mail addresses in lower case, and when they said so.
type delegation struct {
	to []string
	at time.Time
}

func newDelegators(s *Service) *delegators {
	return &delegators{s: s, turn: make(turn, 1), by: map[portal.Address]delegation{}}
}

// of gives those who made somebody their delegate with a right on their calendar. With an error the list may lack some.
func (d *delegators) of(ctx context.Context, who portal.Address) ([]portal.Address, error) {
	email := strings.ToLower(d.s.emailOf(ctx, who))
	if list, fresh, err := d.known(email); fresh {
		return list, err
	}
	done, err := d.turn.take(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	if list, fresh, err := d.known(email); fresh { // somebody else has just asked
		return list, err
	}
	failed := d.ask(ctx)
	list, _, missing := d.known(email)
	return list, errors.Join(failed, missing)
}

func (d *delegators) known(email string) (list []portal.Address, fresh bool, missing error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for owner, g := range d.by {
		if slices.Contains(g.to, email) {
			list = append(list, owner)
		}
	}
	slices.Sort(list)
	lasts := givenFor
	if d.missing != nil {
		lasts = givenAgain
	}
	return list, !d.at.IsZero() && d.s.o.Now().Sub(d.at) < lasts, d.missing
}

// ask asks all whose answer is not known or old.
func (d *delegators) ask(ctx context.Context) error {
	people, err := d.s.o.People(ctx)
	if err != nil {
		return err
	}
	if len(people) > d.s.o.MaxPeople {
		d.s.o.Logger.InfoContext(ctx, "calendar: not everybody is asked for their delegates", "people", len(people), "asked", d.s.o.MaxPeople)
		people = people[:d.s.o.MaxPeople]
	}
	due, wait := d.due(people)
	asking, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	var (
		mu      sync.Mutex
		g       errgroup.Group
		answers = map[portal.Address][]string{}
		missing error
	)
	g.SetLimit(atOnce)
	for _, who := range due {
		g.Go(func() error {
			to, err := d.askOne(asking, who)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				answers[who] = to
				return nil
			}
			d.s.o.Logger.DebugContext(ctx, "calendar: delegates not known", "of", who, "err", err)
			if !errors.Is(err, portal.ErrUnauthenticated) { // nobody can ask for somebody who is not signed in
				missing = portal.Fail(portal.ErrUnavailable, "exchange.down").Because(err)
			}
			return nil
		})
	}
	if err := errors.Join(g.Wait(), ctx.Err()); err != nil { // who asked has left, that says nothing of the others
		return err
	}
	d.keep(people, answers, missing)
	return nil
}

// askOne asks one person's mailbox; a refusal is an answer: they have no delegates.
func (d *delegators) askOne(ctx context.Context, who portal.Address) (to []string, err error) {
	var list []portal.Delegate
	err = d.s.call(ctx, who, func(ctx context.Context) (err error) {
		list, err = d.s.x.Delegates(ctx, who)
		return err
	})
	if err != nil && !passing(err) {
		return nil, nil
	}
	for _, g := range list {
		if g.Calendar != "none" && g.Calendar != "" {
			to = append(to, strings.ToLower(g.Email))
		}
	}
	return to, err
}

// due are those who are to be asked now, and how long that may take.
func (d *delegators) due(people []portal.Person) (list []portal.Address, wait time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	wait = givenWait
	if !d.at.IsZero() {
		wait = givenWaitAgain
	}
	for _, p := range people {
		if g, ok := d.by[p.URI]; !ok || d.s.o.Now().Sub(g.at) >= givenFor {
			list = append(list, p.URI)
		}
	}
	return list, wait
}

// keep puts answers in the place of older ones, and forgets those of people who have left.
func (d *delegators) keep(people []portal.Person, answers map[portal.Address][]string, missing error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.s.o.Now()
	by := make(map[portal.Address]delegation, len(people))
	for _, p := range people {
		if to, ok := answers[p.URI]; ok {
			by[p.URI] = delegation{to, now}
		} else if g, ok := d.by[p.URI]; ok {
			by[p.URI] = g
		}
	}
	d.by, d.at, d.missing = by, now, missing
}

// manages reports whether somebody reports to me.
func (s *Service) manages(ctx context.Context, me, who portal.Address) bool {
	team, err := s.o.Team(ctx, me)
	if err != nil {
		s.o.Logger.WarnContext(ctx, "calendar: team not known", "of", me, "err", err)
		return false
	}
	return slices.ContainsFunc(team, func(p portal.Person) bool { return p.URI == who })
}

// forManager reduces a meeting of a team to what its manager may know: those that the member organises, unless they are private,
// without their text and files.
func forManager(a *portal.Appointment) bool {
	if !a.Meeting || !a.Mine || a.Private || a.Masked {
		return false
	}
	a.Body, a.BodyHTML, a.Attachments, a.ReminderMinutes, a.Categories = "", "", nil, nil, nil
	return true
}
