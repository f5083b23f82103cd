package zone

import "time"

// Serializable: the two-change rule of GetUserAvailability, the same as Windows' TIME_ZONE_INFORMATION.

// Serializable is a SerializableTimeZone; biases are minutes, UTC is local time plus Bias plus the change's Bias.
type Serializable struct {
	Bias               int
	Standard, Daylight Change
}

// Change says when a part of the year begins. Year 0 means each year, on the Order-th Weekday of Month
// (5: the last); with a Year, Order is the day of the month and the change happens once. Month 0: no change.
type Change struct {
	Bias    int
	Time    time.Duration // since midnight, by the clock before the change
	Order   int
	Month   int
	Weekday time.Weekday
	Year    int
}

// Compile follows the rule in all years. Rules without two months, or whose parts have one offset, are fixed.
func (s Serializable) Compile() (*time.Location, error) {
	d, err := s.Definition()
	if err != nil {
		return nil, err
	}
	return d.Compile()
}

// Definition writes the rule as periods and transitions.
func (s Serializable) Definition() (*Definition, error) {
	bias := func(c Change) time.Duration { return time.Duration(s.Bias+c.Bias) * time.Minute }
	std := Period{"Standard", "Standard", bias(s.Standard)}
	if s.Standard.Month == 0 || s.Daylight.Month == 0 || s.Standard.Bias == s.Daylight.Bias {
		if s.Standard.Month == 0 && s.Daylight.Month == 0 || s.Standard.Bias == s.Daylight.Bias {
			return &Definition{Periods: []Period{std}, Transitions: []Transition{{To: std.ID}}}, nil
		}
		return nil, invalid("daylight time that begins or ends, but not both")
	}
	day := Period{"Daylight", "Daylight", bias(s.Daylight)}
	d := &Definition{Periods: []Period{std, day}}
	if (s.Standard.Year == 0) != (s.Daylight.Year == 0) {
		return nil, invalid("daylight time that begins each year and ends once, or the other way round")
	}
	toStd, err := s.Standard.transition(std.ID)
	if err != nil {
		return nil, err
	}
	toDay, err := s.Daylight.transition(day.ID)
	if err != nil {
		return nil, err
	}
	if s.Standard.Year == 0 {
		d.Groups = []Group{{"0", []Transition{toDay, toStd}}}
		d.Transitions = []Transition{{To: "0", ToGroup: true}}
		return d, nil
	}
	first := std.ID
	if toStd.At.Before(toDay.At) {
		first = day.ID
	}
	d.Transitions = []Transition{{To: first}, toDay, toStd}
	return d, nil
}

func (c Change) transition(to string) (Transition, error) {
	if c.Month < 1 || c.Month > 12 || c.Weekday < 0 || c.Weekday > 6 || c.Time < 0 || c.Time > 24*time.Hour {
		return Transition{}, invalid("a change in month %d on weekday %d at %s", c.Month, c.Weekday, c.Time)
	}
	if c.Year != 0 {
		if c.Order < 1 || c.Order > 31 || c.Year < 1601 || c.Year > 9999 {
			return Transition{}, invalid("a change on day %d of year %d", c.Order, c.Year)
		}
		return Transition{Kind: AbsoluteDate, To: to, At: time.Date(c.Year, time.Month(c.Month), c.Order, 0, 0, 0, 0, time.UTC).Add(c.Time)}, nil
	}
	if c.Order < 1 || c.Order > 5 {
		return Transition{}, invalid("a change on the weekday number %d of a month", c.Order)
	}
	nth := c.Order
	if nth == 5 {
		nth = -1
	}
	return Transition{Kind: RecurringDay, To: to, Offset: c.Time, Month: time.Month(c.Month), Weekday: c.Weekday, Occurrence: nth}, nil
}

// SerializableOf writes a location's rule of one year as a request needs it. A year in which the clock
// changes once, or more often than twice, cannot be written so: portal.ErrInvalid.
func SerializableOf(loc *time.Location, year int) (Serializable, error) {
	ch := changesOf(loc, year)
	if len(ch) == 0 {
		_, off := time.Date(year, 7, 1, 0, 0, 0, 0, time.UTC).In(loc).Zone()
		fixed := Change{Time: 0, Order: 1, Month: 1, Weekday: time.Monday}
		other := fixed
		other.Month = 12
		return Serializable{Bias: -off / 60, Standard: fixed, Daylight: other}, nil
	}
	if len(ch) != 2 || ch[0].from != ch[1].to || ch[0].to == ch[1].to {
		return Serializable{}, invalid("a year with %d changes of the clock", len(ch))
	}
	std, day := ch[0], ch[1]
	if std.to > day.to {
		std, day = day, std
	}
	s := Serializable{Bias: -std.to / 60, Standard: std.change(), Daylight: day.change()}
	s.Daylight.Bias = -(day.to - std.to) / 60
	return s, nil
}

func (c clockChange) change() Change {
	nth := (c.day-1)/7 + 1
	if c.day+7 > daysIn(c.year, c.month) {
		nth = 5
	}
	return Change{Time: c.time, Order: nth, Month: int(c.month), Weekday: c.weekday}
}
