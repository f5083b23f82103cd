package calendar

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"portico/app/portal"
)

const (
	// givenFor is how long it is believed who made whom their delegate; givenWait how long a caller waits for the first answer.
	givenFor  = 15 * time.Minute
	givenWait = 10 * time.Second
)

// delegators knows who made whom their delegate. Exchange tells it only the other way round, so everybody is asked now and then.
type delegators struct {
	s    *Service
	turn turn
	mu   sync.Mutex
	at   time.Time
	by   map[string][]portal.Address // by the delegate's e-mail address in lower case
}

func newDelegators(s *Service) *delegators { return &delegators{s: s, turn: make(turn, 1)} }

// of gives those who made somebody their delegate with a right on their calendar.
func (d *delegators) of(ctx context.Context, who portal.Address) ([]portal.Address, error) {
	email := strings.ToLower(d.s.emailOf(ctx, who))
	if list, fresh := d.known(email); fresh {
		return list, nil
	}
	done, err := d.turn.take(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	if list, fresh := d.known(email); fresh { // somebody else has just asked
		return list, nil
	}
	err = d.ask(ctx)
	list, _ := d.known(email)
	return list, err
}

func (d *delegators) known(email string) (list []portal.Address, fresh bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.by[email]), !d.at.IsZero() && d.s.o.Now().Sub(d.at) < givenFor
}

// ask asks everybody. Those who do not answer are left out until the next time.
func (d *delegators) ask(ctx context.Context) error {
	people, err := d.s.o.People(ctx)
	if err != nil {
		return err
	}
	if len(people) > d.s.o.MaxPeople {
		d.s.o.Logger.InfoContext(ctx, "calendar: not everybody is asked for their delegates", "people", len(people), "asked", d.s.o.MaxPeople)
		people = people[:d.s.o.MaxPeople]
	}
	ctx, cancel := context.WithTimeout(ctx, givenWait)
	defer cancel()
	found := map[string][]portal.Address{}
	var (
		mu sync.Mutex
		g  errgroup.Group
	)
	g.SetLimit(atOnce)
	for _, p := range people {
		g.Go(func() error {
			var list []portal.Delegate
			err := d.s.call(ctx, func(ctx context.Context) (err error) {
				list, err = d.s.x.Delegates(ctx, p.URI)
				return err
			})
			if err != nil {
				d.s.o.Logger.DebugContext(ctx, "calendar: delegates not known", "of", p.URI, "err", err)
				return nil
			}
			mu.Lock()
			defer mu.Unlock()
			for _, to := range list {
				if to.Calendar != "none" && to.Calendar != "" {
					key := strings.ToLower(to.Email)
					found[key] = append(found[key], p.URI)
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for _, list := range found {
		slices.Sort(list)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.by, d.at = found, d.s.o.Now()
	return nil
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
