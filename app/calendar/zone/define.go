package zone

import (
	"fmt"
	"slices"
	"time"
)

// Define: the way back, from a location to the document of periods and transitions.

// clockChange is one change of the clock, by the wall clock before it.
type clockChange struct {
	year     int
	month    time.Month
	day      int
	weekday  time.Weekday
	time     time.Duration
	from, to int // seconds east of UTC
}

// changesOf lists the changes of offset whose wall clock falls into a year.
func changesOf(loc *time.Location, year int) []clockChange {
	var out []clockChange
	t := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC).Add(-36 * time.Hour).In(loc)
	for {
		_, until := t.ZoneBounds()
		if until.IsZero() || until.UTC().Year() > year+1 {
			return out
		}
		if !until.After(t) { // see Agree
			t = t.Add(24 * time.Hour)
			continue
		}
		_, from := t.Zone()
		t = until.In(loc)
		_, to := t.Zone()
		wall := until.UTC().Add(time.Duration(from) * time.Second)
		if wall.Year() > year {
			return out
		}
		if from == to || wall.Year() < year {
			continue
		}
		midnight := time.Date(wall.Year(), wall.Month(), wall.Day(), 0, 0, 0, 0, time.UTC)
		out = append(out, clockChange{year, wall.Month(), wall.Day(), wall.Weekday(), wall.Sub(midnight), from, to})
	}
}

// Define writes a location's rules for the years wanted (both included) as a definition that Compile follows to the same offsets. id and
// name are taken as they are; give the Windows id and its Display where there is one. At most 200 years: else portal.ErrInvalid.
func Define(loc *time.Location, y Years, id, name string) (*Definition, error) {
	if y.From < firstYear || y.To < y.From || y.To > lastYear {
		return nil, invalid("no definition for the years %d to %d", y.From, y.To)
	}
	d := &Definition{ID: id, Name: name}
	for from := y.From; from <= y.To; {
		group, next := d.group(loc, from, y.To)
		t := Transition{To: group, ToGroup: true}
		if from > y.From {
			t.Kind, t.At = AbsoluteDate, time.Date(from, 1, 1, 0, 0, 0, 0, time.UTC)
		}
		d.Transitions = append(d.Transitions, t)
		from = next
	}
	return d, nil
}

// group writes the rule that holds from a year for as long as one rule can tell it; next is the first year it does not.
func (d *Definition) group(loc *time.Location, from, to int) (id string, next int) {
	rule := yearRule(loc, from)
	for next = from + 1; next <= to; next++ {
		both, ok := rule.and(yearRule(loc, next))
		if !ok {
			break
		}
		rule = both
	}
	g := Group{ID: fmt.Sprint(len(d.Groups))}
	if len(rule.changes) == 0 {
		g.Transitions = []Transition{{To: d.period(rule.start, rule.start)}}
	}
	low := rule.start
	for _, c := range rule.changes {
		low = min(low, c.to)
	}
	if n := len(rule.changes); n > 0 && rule.changes[n-1].to != rule.start {
		g.Transitions = append(g.Transitions, Transition{Kind: RecurringDate, To: d.period(rule.start, low), Month: time.January, Day: 1})
	}
	for _, c := range rule.changes {
		g.Transitions = append(g.Transitions, c.transition(d.period(c.to, low)))
	}
	d.Groups = append(d.Groups, g)
	return g.ID, next
}

// period finds or adds the period of an offset; low is the least of its year, which is called standard.
func (d *Definition) period(offset, low int) string {
	name := "Standard"
	if offset != low {
		name = "Daylight"
	}
	bias := -time.Duration(offset) * time.Second
	i := slices.IndexFunc(d.Periods, func(p Period) bool { return p.Bias == bias && p.Name == name })
	if i < 0 {
		i = len(d.Periods)
		d.Periods = append(d.Periods, Period{fmt.Sprintf("%d-%s", i+1, name), name, bias})
	}
	return d.Periods[i].ID
}

// ruled is a year's changes with the ways in which each date can be told.
type ruled struct {
	start   int // seconds east when the year begins
	changes []rulePart
}

// rulePart is one change and what may be said of its date: the nth weekday, the last, or the day itself.
type rulePart struct {
	clockChange
	nth, last, date bool
}

func yearRule(loc *time.Location, year int) ruled {
	ch := changesOf(loc, year)
	var r ruled
	if len(ch) > 0 {
		r.start = ch[0].from
	} else {
		_, r.start = time.Date(year, 7, 1, 0, 0, 0, 0, time.UTC).In(loc).Zone()
	}
	for _, c := range ch {
		r.changes = append(r.changes, rulePart{c, c.day <= 28, c.day+7 > daysIn(year, c.month), true})
	}
	return r
}

// and tells whether one rule can tell both years, and which.
func (r ruled) and(o ruled) (ruled, bool) {
	if r.start != o.start || len(r.changes) != len(o.changes) {
		return r, false
	}
	out := ruled{start: r.start, changes: slices.Clone(r.changes)}
	for i, a := range r.changes {
		b := o.changes[i]
		if a.month != b.month || a.time != b.time || a.from != b.from || a.to != b.to {
			return r, false
		}
		same := a.weekday == b.weekday
		c := &out.changes[i]
		c.nth = a.nth && b.nth && same && (a.day-1)/7 == (b.day-1)/7
		c.last = a.last && b.last && same
		c.date = a.date && b.date && a.day == b.day
		if !c.nth && !c.last && !c.date {
			return r, false
		}
	}
	return out, true
}

// transition prefers the last weekday, then the nth, then the date.
func (p rulePart) transition(to string) Transition {
	t := Transition{Kind: RecurringDay, To: to, Offset: p.time, Month: p.month, Weekday: p.weekday}
	switch {
	case p.last:
		t.Occurrence = -1
	case p.nth:
		t.Occurrence = (p.day-1)/7 + 1
	default:
		t.Kind, t.Day, t.Weekday = RecurringDate, p.day, 0
	}
	return t
}
