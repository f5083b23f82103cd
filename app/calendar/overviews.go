package calendar

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"portico/app/portal"
)

// Overview: the coming meetings of somebody's own, of those who made them a delegate, and of their team.

const (
	overviewDays = 14
	maxOverview  = 366 * 24 * time.Hour
)

// source is a calendar that an overview reads, and why.
type source struct {
	key      portal.CalendarKey
	relation string
	// lane and mirror are the calendar as it was opened; err why it could not be.
	lane   *lane
	mirror portal.Mirror
	err    error
}

// Overview is the coming meetings with their answers. Team members' meetings are read in their own calendars, as the portal's
// policy allows their manager: those that they organise, without private ones, texts and files. Delegators' are read with the reader's own right.
func (s *Service) Overview(ctx context.Context, me portal.Address, f Filter) (Overview, error) {
	if s.x == nil {
		return Overview{}, portal.Fail(portal.ErrUnavailable, keyNone)
	}
	f, err := s.filter(f)
	if err != nil {
		return Overview{}, err
	}
	looked, err := s.s.ResponsesLook(ctx, me)
	if err != nil {
		return Overview{}, err
	}
	o := Overview{From: f.From, To: f.To, LookedAt: looked}
	loc := s.o.Zone(ctx, me)
	for _, src := range s.sources(ctx, me, f.Who, &o) {
		if src.err != nil || src.mirror.Forbidden {
			o.miss(s.missing(ctx, src))
			continue
		}
		o.Loading = o.Loading || !src.mirror.Loaded && !s.alone(src.lane, src.mirror)
		list, fresh, err := s.meetings(ctx, src, f.From.In(loc), f.To.In(loc), looked)
		if err != nil {
			return Overview{}, err
		}
		o.News += fresh
		o.Meetings = append(o.Meetings, list...)
	}
	o.Meetings = slices.DeleteFunc(o.Meetings, func(m Meeting) bool { return !f.takes(m) })
	slices.SortStableFunc(o.Meetings, func(a, b Meeting) int {
		return cmp.Or(a.Appointment.Start.Compare(b.Appointment.Start), cmp.Compare(a.Appointment.Subject, b.Appointment.Subject), cmp.Compare(a.Appointment.ID, b.Appointment.ID))
	})
	if len(o.Meetings) > MaxMeetings {
		o.Meetings, o.Truncated = o.Meetings[:MaxMeetings], true
	}
	for i := range o.Meetings {
		o.Totals.add(o.Meetings[i].Tally)
	}
	return o, nil
}

func (o *Overview) miss(m Missing) { o.Missing = append(o.Missing, m) }

func (s *Service) missing(ctx context.Context, src source) Missing {
	m := Missing{Who: src.key.Owner, Name: s.o.Lookup(ctx, src.key.Owner).DisplayName, Relation: src.relation, Reason: keyForbidden}
	if m.Name == "" {
		m.Name = src.key.Owner.Bare()
	}
	if src.err != nil {
		m.Reason = portal.Reason(src.err)
	}
	return m
}

func (s *Service) filter(f Filter) (Filter, error) {
	switch f.Who {
	case "", "all", "own", "team", "delegates":
	default:
		return f, bad("calendar.filter")
	}
	switch f.Only {
	case "", "waiting", "declined", "news":
	default:
		return f, bad("calendar.filter")
	}
	if f.From.IsZero() {
		f.From = s.o.Now()
	}
	if f.To.IsZero() {
		f.To = f.From.Add(overviewDays * 24 * time.Hour)
	}
	if !f.To.After(f.From) || f.To.Sub(f.From) > maxOverview {
		return f, bad("calendar.window")
	}
	f.Text = strings.ToLower(strings.TrimSpace(f.Text))
	return f, nil
}

// sources opens the calendars of an overview; each waits for its first reading at the same time.
func (s *Service) sources(ctx context.Context, me portal.Address, who string, o *Overview) []source {
	var list []source
	add := func(key portal.CalendarKey, relation string) {
		if !slices.ContainsFunc(list, func(x source) bool { return x.key.Owner == key.Owner }) {
			list = append(list, source{key: key, relation: relation})
		}
	}
	all := who == "" || who == "all"
	if all || who == "own" {
		add(portal.CalendarKey{Reader: me, Owner: me}, RelationOwn)
	}
	if all || who == "delegates" {
		given, err := s.given.of(ctx, me)
		if err != nil {
			s.o.Logger.WarnContext(ctx, "calendar: delegators not known", "of", me, "err", err)
			o.miss(Missing{Who: me, Relation: RelationDelegate, Reason: portal.Reason(err)})
		}
		for _, owner := range given {
			add(portal.CalendarKey{Reader: me, Owner: owner}, RelationDelegate)
		}
	}
	if all || who == "team" {
		team, err := s.o.Team(ctx, me)
		if err != nil {
			s.o.Logger.WarnContext(ctx, "calendar: team not known", "of", me, "err", err)
			o.miss(Missing{Who: me, Relation: RelationTeam, Reason: portal.Reason(err)})
		}
		for _, p := range team {
			add(portal.CalendarKey{Reader: p.URI, Owner: p.URI}, RelationTeam)
		}
	}
	s.openAll(ctx, me, list)
	return list
}

// openAll opens calendars, waiting for all of them together.
func (s *Service) openAll(ctx context.Context, me portal.Address, list []source) {
	for i := range list { // all begin to be read before the first is waited for
		if list[i].lane, list[i].err = s.lanes.get(list[i].key, me); list[i].err == nil && list[i].relation == RelationTeam {
			list[i].lane.watchedBy(me)
		}
	}
	timer := time.NewTimer(s.o.Wait)
	defer timer.Stop()
	over := false
	for i := range list {
		if list[i].err != nil {
			continue
		}
		if list[i].mirror, list[i].err = s.s.CalendarMirror(ctx, list[i].key); list[i].err != nil || list[i].mirror.Loaded {
			continue
		}
		if !over {
			select {
			case <-list[i].lane.settled:
			case <-timer.C:
				over = true
			case <-ctx.Done():
				over = true
			}
			list[i].mirror, list[i].err = s.s.CalendarMirror(ctx, list[i].key)
		}
		if why := s.healthOf(ctx, list[i].lane); list[i].err == nil && !list[i].mirror.Loaded && !list[i].mirror.Forbidden && why.State == "down" {
			list[i].err = portal.Fail(portal.ErrUnavailable, why.Reason)
		}
	}
}

// meetings gives the meetings of one calendar that its owner organises, and how many answers in it are new.
func (s *Service) meetings(ctx context.Context, src source, from, to time.Time, looked time.Time) ([]Meeting, int, error) {
	intents, err := s.s.CalendarIntents(ctx, src.key, "")
	if err != nil {
		return nil, 0, err
	}
	const day = 24 * time.Hour
	kept, err := s.s.CalendarWindow(ctx, src.key, from.Add(-day), to.Add(day))
	if err != nil {
		return nil, 0, err
	}
	fresh := 0
	told := map[string][]portal.AnswerNews{}
	for i := range kept {
		told[kept[i].ID] = kept[i].News
	}
	entries := slices.DeleteFunc(overlay(kept, intents), func(e portal.Entry) bool {
		return !e.Meeting || !e.Mine || e.Status == portal.StatusCancelled
	})
	entries, out, more, err := s.recordMeetings(ctx, src, entries, from, to, looked)
	if err != nil {
		return nil, 0, err
	}
	fresh += more
	counted := map[string]bool{}
	for _, a := range s.expanded(ctx, src.key, entries, from, to) {
		if src.relation == RelationTeam && !forManager(&a) || a.Masked || a.Status == portal.StatusCancelled {
			continue
		}
		entry, _ := portal.SplitOccurrenceID(a.ID)
		m := Meeting{Appointment: a, Relation: src.relation, Tally: tallyOf(a.Attendees), News: newsSince(told[entry], a.RecurrenceID, looked)}
		if !counted[entry] {
			counted[entry] = true
			fresh += len(newsSince(told[entry], time.Time{}, looked))
		}
		out = append(out, m)
	}
	return out, fresh, nil
}

// takes reports whether a meeting passes the filter.
func (f Filter) takes(m Meeting) bool {
	switch f.Only {
	case "waiting":
		if m.Tally.Waiting == 0 {
			return false
		}
	case "declined":
		if m.Tally.Declined == 0 && !slices.ContainsFunc(m.Appointment.Attendees, func(p portal.Attendee) bool { return p.Response == portal.ResponseDeclined }) {
			return false
		}
	case "news":
		if len(m.News) == 0 {
			return false
		}
	}
	if f.Text == "" {
		return true
	}
	a := &m.Appointment
	texts := []string{a.Subject, a.Location, a.Organizer.Name, a.Organizer.Email}
	for _, p := range a.Attendees {
		texts = append(texts, p.Name, p.Email)
	}
	return slices.ContainsFunc(texts, func(t string) bool { return strings.Contains(strings.ToLower(t), f.Text) })
}
