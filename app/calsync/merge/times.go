package merge

import (
	"slices"
	"time"

	"portico/app/calendar/recurrence"
	"portico/app/calendar/zone"
	"portico/app/portal"
)

// Times: zones and rules in one form, occurrences of a Content, and whether something is over.

// zoneName is a zone's canonical name; empty means UTC.
func zoneName(name string) string {
	if name == "" {
		return "UTC"
	}
	if kept, ok := zone.Canonical(name); ok {
		return kept
	}
	return name
}

// place is a zone's location. A name that nobody knows is UTC: wrong by the offset at worst, and on both sides alike.
func place(name string) *time.Location {
	if name == "" || name == "UTC" {
		return time.UTC
	}
	if z, err := zone.Load(name); err == nil {
		return z.Location
	}
	if r, err := zone.Resolve(zone.Said{ID: name, Name: name}); err == nil {
		return r.Zone.Location
	}
	return time.UTC
}

// place is the location of a Content's zone.
func (c *Content) place() *time.Location {
	if c.loc == nil {
		c.loc = place(c.TimeZone)
	}
	return c.loc
}

// place is a zone's location, looked up once for an appointment.
func (n *naming) place(name string) *time.Location {
	loc, ok := n.places[name]
	if !ok {
		loc = place(name)
		n.places[name] = loc
	}
	return loc
}

// locate looks the zones of a Content up that was read from what was noted.
func (n *naming) locate(c *Content) {
	c.loc = n.place(c.TimeZone)
	for id, x := range c.Exceptions {
		x.loc = n.place(x.TimeZone)
		c.Exceptions[id] = x
	}
}

// sameZone tells whether two names mean the same clock in the years around a time.
func sameZone(a, b string, at time.Time) bool {
	if a == b {
		return true
	}
	return zone.Agree(place(a), place(b), zone.Years{From: at.Year(), To: at.Year() + 10})
}

// begin is a Content's start by the clock that its rule counts by.
func (c *Content) begin() time.Time {
	if c.AllDay {
		return c.Start.UTC()
	}
	return c.Start.In(c.place())
}

// ruleText is a rule in canonical form; one that is none is left as it is, for Exchange to refuse.
func ruleText(text string, c *Content) string {
	if text == "" {
		return ""
	}
	r, err := recurrence.Parse(text)
	if err != nil {
		return text
	}
	form := recurrence.Zoned
	if c.AllDay {
		form = recurrence.Dates
	}
	return r.Conform(c.begin(), form).String()
}

// sameRule tells whether two series happen at the same times.
func sameRule(a, b *Content) bool {
	if a.Recurrence == b.Recurrence {
		return true
	}
	if a.Recurrence == "" || b.Recurrence == "" {
		return false
	}
	ra, errA := recurrence.Parse(a.Recurrence)
	rb, errB := recurrence.Parse(b.Recurrence)
	return errA == nil && errB == nil && recurrence.SameRule(ra, a.begin(), rb, b.begin(), a.AllDay)
}

// sameWhen tells whether two contents happen at the same times. The zone of a single appointment is only for display.
func sameWhen(a, b *Content) bool {
	if a.AllDay != b.AllDay || !a.Start.Equal(b.Start) || !a.End.Equal(b.End) || (a.Recurrence == "") != (b.Recurrence == "") {
		return false
	}
	return a.Recurrence == "" || (a.AllDay || sameZone(a.TimeZone, b.TimeZone, a.Start)) && sameRule(a, b)
}

// series are the times of a recurring Content; nil where its rule is none that can be followed.
func (c *Content) series() *recurrence.Series {
	r, err := recurrence.Parse(c.Recurrence)
	if err != nil {
		return nil
	}
	s := &recurrence.Series{Start: c.Start, End: c.End, AllDay: c.AllDay, Rule: &r}
	if !c.AllDay {
		loc := c.place()
		s.Start, s.End = c.Start.In(loc), c.End.In(loc)
	}
	return s
}

// occurs tells whether the rule has an occurrence begin at a stamp. Of a rule that cannot be followed everything is believed.
func (c *Content) occurs(id string) bool {
	s := c.series()
	if s == nil {
		return c.Recurrence != ""
	}
	t, err := ParseStamp(id)
	return err == nil && s.Has(t) && (!c.AllDay || t.Equal(date(t)))
}

// plain is an unchanged occurrence of a series.
func (c *Content) plain(id string) Content {
	t, err := ParseStamp(id)
	if err != nil {
		t = c.Start
	}
	out := *c
	out.Recurrence, out.Exceptions, out.Deleted, out.Files = "", nil, nil, nil
	out.Start, out.End = t, t.Add(c.End.Sub(c.Start))
	if !c.AllDay { // an hour by the clock on the wall, even in the night when that changes
		loc := c.place()
		e := wall(t.In(loc)).Add(max(0, wall(c.End.In(loc)).Sub(wall(c.Start.In(loc)))))
		out.End = time.Date(e.Year(), e.Month(), e.Day(), e.Hour(), e.Minute(), e.Second(), 0, loc).UTC()
	}
	return out
}

// wall is what a clock shows, as a time in UTC.
func wall(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
}

// occurrence is the occurrence of a stamp: the exception, or a plain one.
func (c *Content) occurrence(id string) Content {
	if x, ok := c.Exceptions[id]; ok {
		return x
	}
	return c.plain(id)
}

// isDeleted tells whether the occurrence of a stamp does not take place.
func (c *Content) isDeleted(id string) bool { return slices.Contains(c.Deleted, id) }

// over tells whether all of a Content has ended. A series without end never has, nor has one that nobody can follow.
func (c *Content) over(now time.Time) bool {
	for _, x := range c.Exceptions {
		if !x.over(now) {
			return false
		}
	}
	if c.Recurrence == "" {
		return !c.until(c.End).After(now)
	}
	s := c.series()
	if s == nil || s.Rule.Count == 0 && s.Rule.UntilKind == recurrence.NoUntil {
		return false
	}
	from := now.In(s.Start.Location())
	if c.AllDay {
		from = now.UTC().Add(-12 * time.Hour)
	}
	for _, id := range c.Deleted {
		if t, err := ParseStamp(id); err == nil {
			s.ExDates = append(s.ExDates, t)
		}
	}
	ahead, err := s.Between(from, now.AddDate(3000, 0, 0), 1)
	return err == nil && len(ahead) == 0
}

// until is the instant of an end: an all-day one lasts until its day is over in the last place on earth.
func (c *Content) until(end time.Time) time.Time {
	if c.AllDay {
		return end.Add(12 * time.Hour)
	}
	return end
}

// tidyTimes gives times to the second in UTC, and dates where the appointment is all-day.
func tidyTimes(a *portal.Appointment) (start, end time.Time) {
	start, end = a.Start.UTC().Truncate(time.Second), a.End.UTC().Truncate(time.Second)
	if !a.AllDay {
		if end.Before(start) {
			end = start
		}
		return start, end
	}
	start, end = date(start), date(end)
	if !end.After(start) {
		end = start.AddDate(0, 0, 1)
	}
	return start, end
}

func date(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
}
