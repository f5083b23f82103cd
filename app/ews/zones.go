package ews

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"portico/app/calendar/zone"
	"portico/app/ews/soap"
	"portico/app/portal"
)

// Time zones of items: understood once and remembered, and written as Exchange wants them.

// understood is a zone of an item as the portal keeps it.
type understood struct {
	name string
	loc  *time.Location
}

// zoneBook remembers what was understood, since comparing rules with every zone there is takes time. It is bounded:
// a full book is begun anew.
type zoneBook struct {
	mu    sync.Mutex
	known map[string]understood
}

const maxZones = 512

func newZoneBook() *zoneBook { return &zoneBook{known: map[string]understood{}} }

// of is the zone in which an item was meant. Items of which nobody says it are in UTC.
func (b *zoneBook) of(it *soap.CalendarItem, note func(string, ...any)) understood {
	year := it.Start.UTC().Year()
	for _, said := range saidZones(it) {
		key := fmt.Sprintf("%s|%s|%d|%v", said.ID, said.Name, year, said.Rules)
		b.mu.Lock()
		z, ok := b.known[key]
		b.mu.Unlock()
		if ok {
			return z
		}
		z, ok = understand(said, year, note)
		if !ok {
			continue
		}
		b.mu.Lock()
		if len(b.known) >= maxZones {
			clear(b.known)
		}
		b.known[key] = z
		b.mu.Unlock()
		return z
	}
	return understood{"UTC", time.UTC}
}

// saidZones are the places where servers say an item's zone, the best first.
func saidZones(it *soap.CalendarItem) []zone.Said {
	var out []zone.Said
	for _, d := range []*soap.TimeZoneDefinition{it.StartTimeZone, it.EndTimeZone} {
		if d == nil {
			continue
		}
		s := zone.Said{ID: d.ID, Name: d.Name}
		if def, ok := fromDefinition(d); ok {
			s.Rules = def
		}
		out = append(out, s)
	}
	if it.StartTimeZoneID != "" {
		out = append(out, zone.Said{ID: it.StartTimeZoneID})
	}
	if m := it.MeetingTimeZone; m != nil {
		s := zone.Said{ID: m.Name}
		if def, ok := fromMeetingZone(m); ok {
			s.Rules = def
		}
		out = append(out, s)
	}
	if it.TimeZone != "" {
		out = append(out, zone.Said{Name: it.TimeZone})
	}
	return out
}

// understand finds the zone that the portal can keep under a name. Rules that no zone follows in all years are
// taken for the one that follows them in the item's own year; if there is none for the one that is
// named, or at last for the offset that holds then.
func understand(said zone.Said, year int, note func(string, ...any)) (understood, bool) {
	r, err := zone.Resolve(said)
	if err != nil {
		note("a time zone is not understood", "id", said.ID, "name", said.Name, "error", err)
		return understood{}, false
	}
	if !r.Zone.Custom {
		return understood{r.Zone.Name, r.Zone.Location}, true
	}
	narrow := said
	narrow.Years = zone.Years{From: year, To: year}
	if n, err := zone.Resolve(narrow); err == nil && !n.Zone.Custom {
		return understood{n.Zone.Name, n.Zone.Location}, true
	}
	named := said
	named.Rules = nil
	if n, err := zone.Resolve(named); err == nil && !n.Zone.Custom {
		note("a time zone has rules of its own, the one of its name is taken", "id", said.ID, "zone", n.Zone.Name)
		return understood{n.Zone.Name, n.Zone.Location}, true
	}
	_, off := time.Date(year, time.January, 1, 12, 0, 0, 0, time.UTC).In(r.Zone.Location).Zone()
	z := zone.Fixed(time.Duration(off) * time.Second)
	note("a time zone has rules of its own and no known name, its offset is taken", "id", said.ID, "zone", z.Name)
	return understood{z.Name, z.Location}, true
}

var transitionKinds = map[string]zone.Kind{
	"Transition": zone.Plain, "AbsoluteDateTransition": zone.AbsoluteDate,
	"RecurringDateTransition": zone.RecurringDate, "RecurringDayTransition": zone.RecurringDay,
}

// fromDefinition reads the rules of a definition; false: it has none.
func fromDefinition(d *soap.TimeZoneDefinition) (*zone.Definition, bool) {
	if len(d.Periods) == 0 || d.Transitions == nil {
		return nil, false
	}
	out := &zone.Definition{ID: d.ID, Name: d.Name, Transitions: fromTransitions(d.Transitions.Transitions)}
	for _, p := range d.Periods {
		q := zone.Period{ID: p.ID, Name: p.Name}
		if p.Bias != nil {
			q.Bias = time.Duration(*p.Bias)
		}
		out.Periods = append(out.Periods, q)
	}
	for _, g := range d.Groups {
		out.Groups = append(out.Groups, zone.Group{ID: g.ID, Transitions: fromTransitions(g.Transitions)})
	}
	return out, true
}

func fromTransitions(list []soap.Transition) []zone.Transition {
	var out []zone.Transition
	for _, t := range list {
		kind, ok := transitionKinds[t.Kind]
		if !ok {
			continue
		}
		z := zone.Transition{Kind: kind, To: t.To.ID, ToGroup: t.To.Kind == "Group", Month: time.Month(soap.Int(t.Month)),
			Day: soap.Int(t.Day), Occurrence: soap.Int(t.Occurrence)}
		if z.Occurrence >= 5 {
			z.Occurrence = -1
		}
		if t.DateTime != nil {
			z.At = t.DateTime.Time
		}
		if t.TimeOffset != nil {
			z.Offset = time.Duration(*t.TimeOffset)
		}
		if d, ok := dayNumber(t.DayOfWeek); ok {
			z.Weekday = d
		}
		out = append(out, z)
	}
	return out
}

// fromMeetingZone reads the rules in the way of Exchange 2007: an offset and two changes a year.
func fromMeetingZone(m *soap.MeetingTimeZone) (*zone.Serializable, bool) {
	if m.BaseOffset == nil {
		return nil, false
	}
	out := &zone.Serializable{Bias: int(time.Duration(*m.BaseOffset) / time.Minute)}
	for _, part := range []struct {
		from *soap.TimeChange
		to   *zone.Change
	}{{m.Standard, &out.Standard}, {m.Daylight, &out.Daylight}} {
		c := part.from
		if c == nil {
			continue
		}
		if c.Offset != nil {
			part.to.Bias = int(time.Duration(*c.Offset) / time.Minute)
		}
		part.to.Time = clock(c.Time)
		if y := c.RelativeYearly; y != nil {
			part.to.Month = int(monthOf(y.Month))
			part.to.Order = indexOf(y.DayOfWeekIndex)
			if part.to.Order == -1 {
				part.to.Order = 5
			}
			part.to.Weekday, _ = dayNumber(y.DaysOfWeek)
		}
	}
	return out, true
}

// clock reads "02:00:00" as a time since midnight, 0 for what is no clock.
func clock(s string) time.Duration {
	t, err := time.Parse(time.TimeOnly, strings.TrimSpace(cut(s, 8)))
	if err != nil {
		return 0
	}
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute + time.Duration(t.Second())*time.Second
}

// definition writes a zone for an item that begins in a year: by its Windows id where it has one, else by its rules.
func definition(name string, year int) (*soap.TimeZoneDefinition, *time.Location, error) {
	if name == "" {
		name = "UTC"
	}
	z, err := zone.Load(name)
	if err != nil {
		return nil, nil, portal.Fail(portal.ErrInvalid, "calendar.zone").With("Zone", name).Because(err)
	}
	if id, ok := zone.Windows(name); ok {
		return &soap.TimeZoneDefinition{ID: id}, z.Location, nil
	}
	d, err := zone.Define(z.Location, zone.Years{From: year - 1, To: year + 10}, name, name)
	if err != nil {
		return nil, nil, portal.Fail(portal.ErrInvalid, "calendar.zone").With("Zone", name).Because(err)
	}
	return toDefinition(d), z.Location, nil
}

func toDefinition(d *zone.Definition) *soap.TimeZoneDefinition {
	out := &soap.TimeZoneDefinition{ID: d.ID, Name: d.Name, Transitions: &soap.TransitionsGroup{Transitions: toTransitions(d.Transitions)}}
	for _, p := range d.Periods {
		bias := soap.Span(p.Bias)
		out.Periods = append(out.Periods, soap.Period{ID: p.ID, Name: p.Name, Bias: &bias})
	}
	for _, g := range d.Groups {
		out.Groups = append(out.Groups, soap.TransitionsGroup{ID: g.ID, Transitions: toTransitions(g.Transitions)})
	}
	return out
}

func toTransitions(list []zone.Transition) []soap.Transition {
	var out []soap.Transition
	for _, t := range list {
		s := soap.Transition{To: soap.TransitionTarget{Kind: "Period", ID: t.To}}
		if t.ToGroup {
			s.To.Kind = "Group"
		}
		offset, month := soap.Span(t.Offset), int(t.Month)
		switch t.Kind {
		case zone.Plain:
			s.Kind = "Transition"
		case zone.AbsoluteDate:
			s.Kind, s.DateTime = "AbsoluteDateTransition", soap.Wall(t.At)
		case zone.RecurringDate:
			day := t.Day
			s.Kind, s.TimeOffset, s.Month, s.Day = "RecurringDateTransition", &offset, &month, &day
		case zone.RecurringDay:
			n := t.Occurrence
			s.Kind, s.TimeOffset, s.Month, s.DayOfWeek, s.Occurrence = "RecurringDayTransition", &offset, &month, t.Weekday.String(), &n
		}
		out = append(out, s)
	}
	return out
}

// serializable writes the rule of a location for a request about a year; UTC where the year cannot be written so.
func serializable(loc *time.Location, year int) (*soap.SerializableTimeZone, *time.Location) {
	s, err := zone.SerializableOf(loc, year)
	if err != nil {
		loc = time.UTC
		s, err = zone.SerializableOf(loc, year)
	}
	if err != nil {
		s = zone.Serializable{} // UTC without changes
	}
	return &soap.SerializableTimeZone{Bias: s.Bias, StandardTime: turning(s.Standard), DaylightTime: turning(s.Daylight)}, loc
}

func turning(c zone.Change) soap.SerializableTurning {
	t := soap.SerializableTurning{Bias: c.Bias, Time: time.Time{}.Add(c.Time).Format(time.TimeOnly), DayOrder: c.Order, Month: c.Month,
		DayOfWeek: c.Weekday.String()}
	if c.Year != 0 {
		t.Year = fmt.Sprint(c.Year)
	}
	return t
}

// fromSerializable reads the zone of working hours.
func fromSerializable(s soap.SerializableTimeZone) zone.Serializable {
	change := func(t soap.SerializableTurning) zone.Change {
		d, _ := dayNumber(t.DayOfWeek)
		c := zone.Change{Bias: t.Bias, Time: clock(t.Time), Order: t.DayOrder, Month: t.Month, Weekday: d}
		if _, err := fmt.Sscan(t.Year, &c.Year); err != nil {
			c.Year = 0
		}
		return c
	}
	return zone.Serializable{Bias: s.Bias, Standard: change(s.StandardTime), Daylight: change(s.DaylightTime)}
}
