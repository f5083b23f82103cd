package zone

import (
	"cmp"
	"slices"
	"time"
)

// Definition: custom rules as EWS writes them (TimeZoneDefinitionType): periods, groups of yearly transitions, and the dates from
// which a period or a group holds.

// Definition is a TimeZoneDefinition. Its parts refer to each other by id.
type Definition struct {
	ID, Name    string
	Periods     []Period
	Groups      []Group
	Transitions []Transition // the first is without a date: what holds from the beginning
}

// Period is a stretch of constant offset; UTC is local time plus Bias, so Bias is negative in the east.
type Period struct {
	ID, Name string
	Bias     time.Duration
}

// Group is a set of transitions that happen each year.
type Group struct {
	ID          string
	Transitions []Transition
}

// Kind is the kind of a transition.
type Kind uint8

const (
	Plain         Kind = iota // Transition: from the beginning
	AbsoluteDate              // AbsoluteDateTransition: once, at At
	RecurringDate             // RecurringDateTransition: each year on Month and Day
	RecurringDay              // RecurringDayTransition: each year on the Occurrence-th Weekday of Month
)

// Transition leads to a period or, in Definition.Transitions, to a group.
type Transition struct {
	Kind       Kind
	To         string
	ToGroup    bool          // To/@Kind is "Group"
	At         time.Time     // AbsoluteDate: the wall clock is read, its location is not
	Offset     time.Duration // TimeOffset: since midnight of the day, by the clock before the change
	Month      time.Month
	Day        int
	Weekday    time.Weekday
	Occurrence int // 1 to 4, -1 the last
}

const maxParts, maxBias = 1000, 24 * time.Hour

// Compile follows the definition from 1970 to 2200.
func (d *Definition) Compile() (*time.Location, error) {
	c, err := d.check()
	if err != nil {
		return nil, err
	}
	tops := slices.Clone(d.Transitions)
	if len(tops) == 0 {
		if len(d.Groups) == 1 {
			tops = []Transition{{To: d.Groups[0].ID, ToGroup: true}}
		} else if len(d.Groups) == 0 && len(d.Periods) == 1 {
			tops = []Transition{{To: d.Periods[0].ID}}
		} else {
			return nil, invalid("no transition says what holds when")
		}
	}
	slices.SortStableFunc(tops, func(a, b Transition) int { return cmp.Compare(c.begin(a), c.begin(b)) })
	var events []wallEvent
	for i, t := range tops {
		from, to := c.begin(t), int64(1<<62)
		if i+1 < len(tops) {
			to = c.begin(tops[i+1])
		}
		more, err := c.segment(t, from, to)
		if err != nil {
			return nil, err
		}
		events = append(events, more...)
	}
	return c.locate(cmp.Or(d.ID, d.Name, "Custom"), events)
}

// compiler finds periods and groups by id.
type compiler struct {
	periods map[string]Period
	groups  map[string]Group
	base    int // the bias that counts as standard time, in seconds east
}

// wallEvent is a change as read from the wall clock that held before it.
type wallEvent struct {
	wall   int64 // seconds since 1970 by the wall clock
	period Period
}

func (d *Definition) check() (*compiler, error) {
	c := &compiler{map[string]Period{}, map[string]Group{}, 0}
	n := len(d.Periods) + len(d.Transitions)
	least := maxBias
	for i, p := range d.Periods {
		if p.Bias > maxBias || p.Bias < -maxBias {
			return nil, invalid("period %.64q is %s off", p.ID, p.Bias)
		}
		c.periods[p.ID] = p
		if off := -p.Bias; i == 0 || off < least {
			least = off
		}
	}
	c.base = int(least / time.Second)
	for _, g := range d.Groups {
		n += 1 + len(g.Transitions)
		c.groups[g.ID] = g
	}
	if len(d.Periods) == 0 || n > maxParts {
		return nil, invalid("a definition of %d parts with %d periods", n, len(d.Periods))
	}
	return c, nil
}

// begin is when a top transition takes hold, by the wall clock; the first year for one without a date.
func (c *compiler) begin(t Transition) int64 {
	if t.Kind != AbsoluteDate {
		return wallAt(firstYear, time.January, 1, 0)
	}
	h, m, s := t.At.Clock()
	return wallAt(t.At.Year(), t.At.Month(), t.At.Day(), time.Duration(h)*time.Hour+time.Duration(m)*time.Minute+time.Duration(s)*time.Second)
}

// wallAt counts seconds by the wall clock.
func wallAt(year int, month time.Month, day int, off time.Duration) int64 {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Unix() + int64(off/time.Second)
}

// segment lists the changes of one top transition between two dates, beginning with the period that holds at from.
func (c *compiler) segment(top Transition, from, to int64) ([]wallEvent, error) {
	if !top.ToGroup {
		p, ok := c.periods[top.To]
		if !ok {
			return nil, invalid("a transition to the period %.64q, which is not there", top.To)
		}
		return []wallEvent{{from, p}}, nil
	}
	g, ok := c.groups[top.To]
	if !ok || len(g.Transitions) == 0 {
		return nil, invalid("a transition to the group %.64q, which is not there or empty", top.To)
	}
	year := func(wall int64) int { return time.Unix(wall, 0).UTC().Year() }
	var events []wallEvent
	for y := max(firstYear-1, year(from)-1); y <= min(lastYear, year(min(to, wallAt(lastYear, 12, 31, 0)))); y++ {
		for _, t := range g.Transitions {
			e, err := c.yearly(t, y, from)
			if err != nil {
				return nil, err
			}
			events = append(events, e)
		}
	}
	slices.SortStableFunc(events, func(a, b wallEvent) int { return cmp.Compare(a.wall, b.wall) })
	return clip(events, from, to), nil
}

// clip keeps what is within, and moves the last change before it to its beginning.
func clip(events []wallEvent, from, to int64) []wallEvent {
	var out []wallEvent
	for _, e := range events {
		switch {
		case e.wall <= from:
			out = []wallEvent{{from, e.period}}
		case e.wall < to:
			out = append(out, e)
		}
	}
	return out
}

func (c *compiler) yearly(t Transition, y int, from int64) (wallEvent, error) {
	p, ok := c.periods[t.To]
	if !ok || t.ToGroup {
		return wallEvent{}, invalid("a group leads to the period %.64q, which is not there", t.To)
	}
	if t.Offset < -48*time.Hour || t.Offset > 48*time.Hour {
		return wallEvent{}, invalid("a change %s after midnight", t.Offset)
	}
	switch t.Kind {
	case Plain:
		return wallEvent{min(from, wallAt(y, 1, 1, 0)), p}, nil
	case RecurringDate:
		if t.Month < 1 || t.Month > 12 || t.Day < 1 || t.Day > 31 {
			return wallEvent{}, invalid("a change on day %d of month %d", t.Day, t.Month)
		}
		return wallEvent{wallAt(y, t.Month, min(t.Day, daysIn(y, t.Month)), t.Offset), p}, nil
	case RecurringDay:
		if t.Month < 1 || t.Month > 12 || t.Weekday < 0 || t.Weekday > 6 || t.Occurrence != -1 && (t.Occurrence < 1 || t.Occurrence > 5) {
			return wallEvent{}, invalid("a change on weekday %d, number %d, of month %d", t.Weekday, t.Occurrence, t.Month)
		}
		return wallEvent{wallAt(y, t.Month, nthDay(y, t.Month, t.Weekday, t.Occurrence), t.Offset), p}, nil
	}
	return wallEvent{}, invalid("a group with a change on a single date")
}

func daysIn(y int, m time.Month) int { return time.Date(y, m+1, 0, 0, 0, 0, 0, time.UTC).Day() }

// nthDay is the day of the month of its nth weekday; -1 and 5 mean the last.
func nthDay(y int, m time.Month, wd time.Weekday, nth int) int {
	first := 1 + (int(wd)-int(time.Date(y, m, 1, 0, 0, 0, 0, time.UTC).Weekday())+7)%7
	if nth > 0 && nth < 5 {
		return first + 7*(nth-1)
	}
	return first + 7*((daysIn(y, m)-first)/7)
}

// locate turns wall clocks into instants: each by the offset that held before it.
func (c *compiler) locate(name string, events []wallEvent) (*time.Location, error) {
	if len(events) == 0 {
		return nil, invalid("a definition without any change")
	}
	at := func(e wallEvent, before int) shift {
		off := int(-e.period.Bias / time.Second)
		return shift{e.wall - int64(before), off, off != c.base, abbrev(off)}
	}
	before := at(events[0], 0)
	shifts := make([]shift, 0, len(events))
	for last := before.offset; len(events) > 0; events = events[1:] {
		s := at(events[0], last)
		shifts, last = append(shifts, s), s.offset
	}
	return location(name, before, shifts)
}
