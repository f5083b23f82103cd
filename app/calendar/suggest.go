package calendar

import (
	"cmp"
	"slices"
	"time"

	"portico/app/calendar/series"
	"portico/app/portal"
)

// Suggestions: the best times for a meeting, out of everybody's free/busy and working hours. All of this is pure.

const (
	// suggestStep is the grid of beginnings: full and half hours.
	suggestStep = 30 * time.Minute
	// maxSuggestions is how many times are suggested, maxPerDay how many of one day.
	maxSuggestions = 12
	maxPerDay      = 4
)

// suggestFor is what a meeting needs.
type suggestFor struct {
	from, to time.Time
	length   time.Duration
	// loc is the asker's zone, now what lies behind.
	loc *time.Location
	now time.Time
}

// candidate is a possible beginning and what stands against it.
type candidate struct {
	start time.Time
	// required and optional count those who cannot, tentative those who perhaps cannot, outside those for whom it
	// is outside working hours, of all that of required people first.
	required, optional, tentative, outside, blank int
	conflicts, perhaps, late                      []string
}

// suggest ranks the beginnings on the grid: nobody required missing before few, then optional ones, then inside
// working hours, then certain before tentative, then soon. A required room counts as a required person.
func suggest(people []portal.Attendee, rows []portal.Availabilities, f suggestFor) []portal.Suggestion {
	list := grid(f)
	hours := hoursOf(rows, f.loc)
	for i := range people {
		judge(list, people[i], rows[i], hours[i], f.length)
	}
	slices.SortStableFunc(list, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.required, b.required), cmp.Compare(a.optional, b.optional), cmp.Compare(a.outside, b.outside),
			cmp.Compare(a.tentative, b.tentative), cmp.Compare(a.blank, b.blank), a.start.Compare(b.start))
	})
	var out []portal.Suggestion
	days := map[string]int{}
	for i := range list {
		c := &list[i]
		day := c.start.In(f.loc).Format(time.DateOnly)
		if c.outside == len(people) || days[day] == maxPerDay {
			continue // nobody works then
		}
		days[day]++
		out = append(out, portal.Suggestion{Start: c.start.UTC(), End: c.start.Add(f.length).UTC(), Quality: c.quality(len(people)),
			Conflicts: c.conflicts, Tentative: c.perhaps, OutsideHours: c.late})
		if len(out) == maxSuggestions {
			break
		}
	}
	return out
}

func (c *candidate) quality(people int) string {
	switch {
	case c.required > 0:
		return "poor"
	case c.optional == 0 && c.tentative == 0 && c.outside == 0 && c.blank == 0:
		return "excellent"
	case c.optional*4 <= people && c.outside == 0:
		return "good"
	}
	return "fair"
}

// grid gives the beginnings that fit into the window, at full and half hours of the asker's clock.
func grid(f suggestFor) []candidate {
	from := f.from
	if f.now.After(from) {
		from = f.now
	}
	t := from.In(f.loc)
	at := time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), 0, 0, 0, f.loc)
	for at.After(from) { // an hour that comes twice begins with its first coming
		at = at.Add(-suggestStep)
	}
	for at.Before(from) {
		at = at.Add(suggestStep)
	}
	var list []candidate
	for ; !at.Add(f.length).After(f.to); at = at.Add(suggestStep) {
		list = append(list, candidate{start: at})
	}
	return list
}

// judge adds what stands against each beginning on one person's side.
func judge(list []candidate, p portal.Attendee, row portal.Availabilities, hours *workingWeek, length time.Duration) {
	optional := p.Role == portal.RoleOptional
	for i := range list {
		c := &list[i]
		end := c.start.Add(length)
		switch worst(row, c.start, end) {
		case portal.ShowBusy, portal.ShowOOF:
			c.conflicts = append(c.conflicts, p.Email)
			if optional {
				c.optional++
			} else {
				c.required++
			}
		case portal.ShowTentative:
			c.perhaps = append(c.perhaps, p.Email)
			c.tentative++
		case portal.ShowNoData:
			c.blank++
		}
		if p.Role != portal.RoleResource && !hours.holds(c.start, end) {
			c.late = append(c.late, p.Email)
			c.outside++
		}
	}
}

// worst is the worst that somebody's free/busy says about a stretch of time.
func worst(row portal.Availabilities, start, end time.Time) portal.FreeBusy {
	if row.Error != "" {
		return portal.ShowNoData
	}
	out := portal.ShowFree
	for i := range row.Busy {
		b := &row.Busy[i]
		if b.Start.Before(end) && b.End.After(start) && severity(b.Show) > severity(out) {
			out = b.Show
		}
	}
	return out
}

func severity(show portal.FreeBusy) int {
	switch show {
	case portal.ShowOOF:
		return 4
	case portal.ShowBusy:
		return 3
	case portal.ShowTentative:
		return 2
	case portal.ShowNoData:
		return 1
	}
	return 0
}

// workingWeek is somebody's working hours in a zone that can be computed with.
type workingWeek struct {
	loc     *time.Location
	periods []portal.WorkingPeriod
}

// hoursOf gives everybody's working hours: those of people of whom nobody knows are taken to be the asker's (the
// first's), and the asker's Monday to Friday from eight to five.
func hoursOf(rows []portal.Availabilities, loc *time.Location) []*workingWeek {
	standard := &workingWeek{loc: loc, periods: []portal.WorkingPeriod{{
		Days: []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday}, From: 8 * 60, To: 17 * 60}}}
	out := make([]*workingWeek, len(rows))
	for i := range rows {
		w := rows[i].Working
		if w == nil || len(w.Periods) == 0 {
			out[i] = standard
			if i > 0 {
				out[i] = out[0]
			}
			continue
		}
		out[i] = &workingWeek{loc: series.Place(w.TimeZone), periods: w.Periods}
	}
	return out
}

// holds reports whether a stretch of time lies inside working hours. One period may end at midnight and another begin there.
func (w *workingWeek) holds(start, end time.Time) bool {
	s := start.In(w.loc)
	for at := s; at.Before(end); {
		next, ok := w.until(at)
		if !ok || !next.After(at) {
			return false
		}
		at = next
	}
	return true
}

// until gives when the working period that holds at ends.
func (w *workingWeek) until(at time.Time) (time.Time, bool) {
	minute := at.Hour()*60 + at.Minute()
	for _, p := range w.periods {
		if slices.Contains(p.Days, at.Weekday()) && minute >= p.From && minute < p.To {
			return time.Date(at.Year(), at.Month(), at.Day(), p.To/60, p.To%60, 0, 0, w.loc), true
		}
	}
	return time.Time{}, false
}
