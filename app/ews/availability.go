package ews

import (
	"context"
	"errors"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"portico/app/calendar/zone"
	"portico/app/ews/soap"
	"portico/app/portal"
)

// Free/busy and suggested times. Times are asked for and told in UTC, in which no hour comes twice; only suggestions,
// which go by days, are in the asker's zone.

const (
	// availabilityBatch is how many mailboxes one request may name.
	availabilityBatch = 100
	// availabilityDays is how long a window may be.
	availabilityDays = 62
	mergedMinutes    = 15
)

// Availability gives everybody's free/busy between two times, in the order of the question. Who cannot be asked has
// an Error of their own.
func (c *Connector) Availability(ctx context.Context, asker portal.Address, emails []string, from, to time.Time) ([]portal.Availabilities, error) {
	if !to.After(from) || to.Sub(from) > availabilityDays*24*time.Hour {
		return nil, portal.Fail(portal.ErrInvalid, "calendar.window")
	}
	out := make([]portal.Availabilities, len(emails))
	err := c.do(ctx, asker, asker, func(a *access) error {
		g, ctx := errgroup.WithContext(ctx)
		g.SetLimit(fetchParallel)
		for at := 0; at < len(emails); at += availabilityBatch {
			g.Go(func() error {
				return a.availability(ctx, emails[at:min(at+availabilityBatch, len(emails))], from, to, out[at:])
			})
		}
		return g.Wait()
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (a *access) availability(ctx context.Context, emails []string, from, to time.Time, out []portal.Availabilities) error {
	z, _ := serializable(time.UTC, from.Year())
	req := &soap.GetUserAvailability{Zone: z, FreeBusy: &soap.FreeBusyOptions{
		Window: soap.Window{Start: soap.Wall(from.UTC()), End: soap.Wall(to.UTC())}, MergedInterval: mergedMinutes, RequestedView: "DetailedMerged"}}
	for _, e := range emails {
		req.Mailboxes = append(req.Mailboxes, soap.MailboxData{Email: soap.EmailAddress{Address: sayable(e)}, AttendeeType: "Required"})
	}
	res, err := a.GetUserAvailability(ctx, a.as, req)
	if err != nil {
		return err
	}
	for i, e := range emails {
		out[i] = portal.Availabilities{Email: e, Busy: []portal.BusyTime{}}
		if i >= len(res.FreeBusy) {
			out[i].Error = "exchange.freebusy"
			continue
		}
		f := &res.FreeBusy[i]
		if err := f.Err(); err != nil {
			out[i].Error = freeBusyKey(err)
			continue
		}
		if f.View != nil {
			a.c.busy(&out[i], f.View, from, to)
		}
	}
	return nil
}

// freeBusyKey says why somebody has no free/busy.
func freeBusyKey(err error) string {
	switch soap.Code(err) {
	case "ErrorMailRecipientNotFound", "ErrorCannotFindUser":
		return "exchange.no-mailbox"
	case "ErrorNoFreeBusyAccess":
		return "exchange.forbidden"
	case "ErrorFreeBusyDLLimitReached":
		return "exchange.list-too-large"
	}
	if errors.Is(err, portal.ErrNotFound) {
		return "exchange.no-mailbox"
	}
	return "exchange.freebusy"
}

// busy reads one view: its entries, or, where only these were granted, the merged digits.
func (c *Connector) busy(out *portal.Availabilities, v *soap.FreeBusyView, from, to time.Time) {
	for _, e := range v.Events {
		if e.Start == nil || e.End == nil {
			continue
		}
		b := portal.BusyTime{Start: e.Start.UTC(), End: e.End.UTC(), Show: show(e.BusyType)}
		if b.Show == portal.ShowFree || !b.End.After(b.Start) || !b.End.After(from) || !b.Start.Before(to) {
			continue
		}
		if d := e.Details; d != nil {
			b.Private, b.Meeting = d.IsPrivate, d.IsMeeting
			if !d.IsPrivate {
				b.Subject, b.Location = line(d.Subject), line(d.Location)
			}
		}
		out.Busy = append(out.Busy, b)
	}
	if len(v.Events) == 0 && v.Merged != "" {
		out.Busy = merged(v.Merged, from, to)
	}
	if v.WorkingHours != nil {
		out.Working = c.working(v.WorkingHours, from.Year())
	}
}

// mergedShows are the digits of MergedFreeBusy.
var mergedShows = map[rune]portal.FreeBusy{'1': portal.ShowTentative, '2': portal.ShowBusy, '3': portal.ShowOOF, '4': portal.ShowNoData}

// merged reads one digit for each interval; equal neighbours are one time.
func merged(digits string, from, to time.Time) []portal.BusyTime {
	out := []portal.BusyTime{}
	start := from.UTC()
	for i, d := range digits {
		b := portal.BusyTime{Start: start.Add(time.Duration(i) * mergedMinutes * time.Minute), Show: mergedShows[d]}
		b.End = b.Start.Add(mergedMinutes * time.Minute)
		if b.End.After(to) {
			b.End = to.UTC()
		}
		if b.Show == "" || !b.Start.Before(to) {
			continue
		}
		if n := len(out); n > 0 && out[n-1].Show == b.Show && out[n-1].End.Equal(b.Start) {
			out[n-1].End = b.End
			continue
		}
		out = append(out, b)
	}
	return out
}

// working reads working hours; their zone comes as rules without a name.
func (c *Connector) working(w *soap.WorkingHours, year int) *portal.WorkingHours {
	rules := fromSerializable(w.Zone)
	z, ok := understand(zone.Said{Rules: &rules, Years: zone.Years{From: year, To: year}}, year, func(what string, args ...any) { c.o.Logger.Debug(what, args...) })
	if !ok {
		z = understood{"UTC", time.UTC}
	}
	out := &portal.WorkingHours{TimeZone: z.name}
	for _, p := range w.Periods {
		q := portal.WorkingPeriod{From: min(max(p.Start, 0), 1440), To: min(max(p.End, 0), 1440)}
		for _, name := range p.DayOfWeek {
			if d, ok := dayNumber(name); ok && d <= time.Saturday {
				q.Days = append(q.Days, d)
			}
		}
		if len(q.Days) > 0 && q.To > q.From {
			out.Periods = append(out.Periods, q)
		}
	}
	return out
}

var attendeeTypes = map[portal.AttendeeRole]string{portal.RoleRequired: "Required", portal.RoleOptional: "Optional", portal.RoleResource: "Room"}

// Suggestions asks the server for times that suit the attendees (the first hundred of them). Days are those of from's
// location.
func (c *Connector) Suggestions(ctx context.Context, asker portal.Address, attendees []portal.Attendee, from, to time.Time, length time.Duration) (out []portal.Suggestion, err error) {
	if !to.After(from) || to.Sub(from) > availabilityDays*24*time.Hour || length < time.Minute || length > 24*time.Hour {
		return nil, portal.Fail(portal.ErrInvalid, "calendar.window")
	}
	err = c.do(ctx, asker, asker, func(a *access) error {
		out, err = a.suggestions(ctx, attendees, from, to, length)
		return err
	})
	return out, err
}

func (a *access) suggestions(ctx context.Context, attendees []portal.Attendee, from, to time.Time, length time.Duration) ([]portal.Suggestion, error) {
	z, loc := serializable(from.Location(), from.Year())
	first := civilDate(from.In(loc))
	last := civilDate(to.In(loc).Add(24*time.Hour - time.Second))
	many := 20
	req := &soap.GetUserAvailability{Zone: z, Suggestions: &soap.SuggestionsOptions{MaxByDay: &many, MaxNonWorkByDay: &many,
		DurationMinutes: max(30, int(length/time.Minute)), MinimumQuality: "Poor", Window: soap.Window{Start: soap.Wall(first), End: soap.Wall(last)}}}
	var asked []string
	for _, at := range attendees {
		if at.Email != "" && len(asked) < availabilityBatch {
			kind := attendeeTypes[at.Role]
			if kind == "" {
				kind = "Required"
			}
			req.Mailboxes = append(req.Mailboxes, soap.MailboxData{Email: soap.EmailAddress{Address: sayable(at.Email)}, AttendeeType: kind})
			asked = append(asked, at.Email)
		}
	}
	res, err := a.GetUserAvailability(ctx, a.as, req)
	if err != nil {
		return nil, err
	}
	if res.Suggestions == nil {
		return []portal.Suggestion{}, nil
	}
	if err := res.Suggestions.Err(); err != nil {
		return nil, err
	}
	out := []portal.Suggestion{}
	for _, d := range res.Suggestions.Days {
		for _, s := range d.Suggestions {
			p := portal.Suggestion{Start: s.MeetingTime.In(loc).UTC(), Quality: strings.ToLower(s.Quality)}
			p.End = p.Start.Add(length)
			if s.MeetingTime == nil || p.Start.Before(from) || p.End.After(to) {
				continue
			}
			conflicts(&p, s, asked)
			out = append(out, p)
		}
	}
	return out, nil
}

func conflicts(p *portal.Suggestion, s soap.SuggestedTime, asked []string) {
	for i, c := range s.Conflicts {
		if i >= len(asked) {
			return
		}
		switch {
		case c.Kind == "GroupAttendeeConflictData" && soap.Int(c.WithConflict) > 0, c.BusyType == "Busy", c.BusyType == "OOF":
			p.Conflicts = append(p.Conflicts, asked[i])
		case c.BusyType == "Tentative":
			p.Tentative = append(p.Tentative, asked[i])
		}
	}
}
