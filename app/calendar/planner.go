package calendar

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"portico/app/portal"
)

const (
	// MaxPlanDays is how many days a plan looks at.
	MaxPlanDays   = 62
	maxPlanPeople = 200
	maxPlanLength = 24 * 60
)

// Plan gives everybody's free/busy and the best times. Distribution lists count with their members.
func (s *Service) Plan(ctx context.Context, me portal.Address, r PlanRequest) (Plan, error) {
	if s.x == nil {
		return Plan{}, portal.Fail(portal.ErrUnavailable, keyNone)
	}
	if !r.To.After(r.From) {
		return Plan{}, bad("calendar.window")
	}
	if r.To.After(r.From.AddDate(0, 0, MaxPlanDays)) {
		return Plan{}, bad("calendar.plan-days").With("days", strconv.Itoa(MaxPlanDays))
	}
	if r.Minutes < 1 || r.Minutes > maxPlanLength {
		return Plan{}, bad("calendar.minutes")
	}
	if r.Location == nil {
		r.Location = s.o.Zone(ctx, me)
	}
	people, err := s.planned(ctx, me, r.Attendees)
	if err != nil {
		return Plan{}, err
	}
	rows, err := s.planRows(ctx, me, people, r.From, r.To)
	if err != nil {
		return Plan{}, err
	}
	if r.Except != "" {
		a, err := s.Get(ctx, me, me, r.Except)
		switch {
		case err == nil:
			except(rows, a)
		case !errors.Is(err, portal.ErrNotFound): // what is not there takes nobody's time
			return Plan{}, err
		}
	}
	if err := s.within(ctx, me, people, rows); err != nil {
		return Plan{}, err
	}
	p := Plan{Attendees: people, Rows: rows, From: r.From, To: r.To, Minutes: r.Minutes}
	p.Suggestions = suggest(people, rows, suggestFor{from: r.From, to: r.To, length: time.Duration(r.Minutes) * time.Minute, loc: r.Location, now: s.o.Now()})
	return p, nil
}

// within leaves of rows what people let me see of their time. Who shows none of it is one of whom the server does not say: whether
// they hide from one cannot be told by it.
func (s *Service) within(ctx context.Context, me portal.Address, people []portal.Attendee, rows []portal.Availabilities) error {
	for i, p := range people[:min(len(people), len(rows))] {
		if p.URI == "" || p.URI == me {
			continue
		}
		sight, err := s.o.Sight(ctx, p.URI, me)
		switch {
		case err != nil:
			return err
		case sight.Hidden || !sight.FreeBusy:
			rows[i] = portal.Availabilities{Email: rows[i].Email, Error: cmp.Or(rows[i].Error, keyNoTime)}
		case !sight.Meeting:
			rows[i].Busy = slices.Clone(rows[i].Busy)
			for j := range rows[i].Busy {
				rows[i].Busy[j].Subject, rows[i].Busy[j].Location = "", ""
			}
		}
	}
	return nil
}

// planned are those whose time counts: the asker first, lists by their members, each once.
func (s *Service) planned(ctx context.Context, me portal.Address, attendees []portal.Attendee) ([]portal.Attendee, error) {
	list := []portal.Attendee{s.known(ctx, portal.Attendee{URI: me, Role: portal.RoleRequired})}
	add := func(p portal.Attendee) {
		if !slices.ContainsFunc(list, func(o portal.Attendee) bool { return strings.EqualFold(o.Email, p.Email) }) {
			list = append(list, p)
		}
	}
	checked, err := s.invited(ctx, portal.Appointment{Attendees: attendees})
	if err != nil {
		return nil, err
	}
	for _, p := range checked.Attendees {
		if !p.List {
			add(p)
			continue
		}
		members, err := s.Expand(ctx, me, p.Email)
		if err != nil {
			return nil, err
		}
		for _, m := range members {
			m.Role = p.Role
			add(m)
		}
	}
	if len(list) > maxPlanPeople {
		return nil, portal.Fail(portal.ErrTooMany, "calendar.attendees-many")
	}
	return list, nil
}

// except takes an appointment's own time out of everybody's: it is what is to be moved.
func except(rows []portal.Availabilities, a portal.Appointment) {
	for i := range rows {
		rows[i].Busy = slices.DeleteFunc(slices.Clone(rows[i].Busy), func(b portal.BusyTime) bool {
			return b.Start.Equal(a.Start) && b.End.Equal(a.End) && (i == 0 || b.Meeting || b.Subject == a.Subject)
		})
	}
}
