package calendar

import (
	"context"
	"slices"
	"time"

	"portico/app/calendar/series"
	"portico/app/portal"
)

// planRows asks the server for people's time and adds what CRM knows: of those whose diary is there alone all of it, of others what is
// not in their mailbox yet. While the server is away the former still have their rows.
func (s *Service) planRows(ctx context.Context, me portal.Address, people []portal.Attendee, from, to time.Time) ([]portal.Availabilities, error) {
	emails := make([]string, len(people))
	for i := range people {
		emails[i] = people[i].Email
	}
	rows, err := s.availability(ctx, me, emails, from, to)
	if s.o.CRM == nil {
		return rows, err
	}
	if err != nil {
		if portal.Meaning(err) == nil {
			return nil, err
		}
		rows = make([]portal.Availabilities, len(people))
		for i := range rows {
			rows[i] = portal.Availabilities{Email: emails[i], Error: portal.Reason(err)}
		}
	}
	filled := false
	for i := range people {
		user, known := s.crmUser(ctx, people[i].URI)
		if !known {
			continue
		}
		busy, err := s.recordBusy(ctx, people[i], from, to)
		if err != nil {
			return nil, err
		}
		if rows[i].Error != "" && !user.Synced() {
			rows[i].Error, filled = "", true
		}
		if rows[i].Error == "" {
			rows[i].Busy = withBusy(rows[i].Busy, busy)
		}
	}
	if err != nil && !filled { // nothing is known of anybody
		return nil, err
	}
	return rows, nil
}

// recordBusy is the time that somebody's records take, without a word on what they are.
func (s *Service) recordBusy(ctx context.Context, p portal.Attendee, from, to time.Time) ([]portal.BusyTime, error) {
	list, err := s.o.CRM.Entries(ctx, p.URI, from, to)
	if err != nil {
		return nil, err
	}
	loc := s.o.Zone(ctx, p.URI)
	var out []portal.BusyTime
	for _, a := range s.records(ctx, portal.CalendarKey{Reader: p.URI, Owner: p.URI}, list, nil, from.In(loc), to.In(loc)) {
		if !takesTime(&a) || a.Status == portal.StatusComplete {
			continue
		}
		b := portal.BusyTime{Show: a.Show, Meeting: a.Meeting, Private: a.Private}
		b.Start, b.End = series.Bounds(&a, loc)
		out = append(out, b)
	}
	return out, nil
}

// withBusy adds times to a row, but for those that it has already.
func withBusy(row, more []portal.BusyTime) []portal.BusyTime {
	out := slices.Clone(row)
	for _, b := range more {
		if !slices.ContainsFunc(row, func(o portal.BusyTime) bool { return o.Start.Equal(b.Start) && o.End.Equal(b.End) }) {
			out = append(out, b)
		}
	}
	slices.SortStableFunc(out, func(a, b portal.BusyTime) int { return a.Start.Compare(b.Start) })
	return out
}
