package recurrence

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Text: the value of an RRULE property, read and written.

const (
	maxText = 4096 // bytes of a rule's text
	maxList = 500  // entries of one list
)

var dayNames = [...]string{"SU", "MO", "TU", "WE", "TH", "FR", "SA"}

// Parse reads the value of an RRULE, with or without the property's name before it. Case and order do not matter.
// Unknown parts are refused, since a rule half understood is a wrong calendar. The error wraps portal.ErrInvalid.
func Parse(text string) (Rule, error) {
	if len(text) > maxText {
		return Rule{}, invalid("a rule of more than %d bytes", maxText)
	}
	text = strings.ToUpper(strings.TrimSpace(text))
	text = strings.TrimSuffix(strings.TrimPrefix(text, "RRULE:"), ";")
	r := Rule{Interval: 1, WeekStart: time.Monday}
	seen := map[string]bool{}
	for part := range strings.SplitSeq(text, ";") {
		name, value, ok := strings.Cut(part, "=")
		if !ok || value == "" {
			return Rule{}, invalid("the part %.40q has no value", part)
		}
		if seen[name] {
			return Rule{}, invalid("%s stands twice", name)
		}
		seen[name] = true
		if err := r.set(name, value); err != nil {
			return Rule{}, err
		}
	}
	if !seen["FREQ"] {
		return Rule{}, invalid("a rule needs FREQ")
	}
	if seen["COUNT"] && r.Count == 0 {
		return Rule{}, invalid("COUNT 0")
	}
	return r, r.Validate()
}

func (r *Rule) set(name, value string) (err error) {
	switch name {
	case "FREQ":
		i := slices.Index(freqNames[:], value)
		if i < 0 {
			return invalid("FREQ %.40q", value)
		}
		r.Freq = Freq(i)
	case "INTERVAL":
		r.Interval, err = number(name, value)
	case "COUNT":
		r.Count, err = number(name, value)
	case "UNTIL":
		r.UntilKind, r.Until, err = parseUntil(value)
	case "WKST":
		i := slices.Index(dayNames[:], value)
		if i < 0 {
			return invalid("WKST %.40q", value)
		}
		r.WeekStart = time.Weekday(i)
	case "BYDAY":
		r.ByDay, err = parseDays(value)
	default:
		list := r.list(name)
		if list == nil {
			return invalid("a rule has no part %.40q", name)
		}
		*list, err = numbers(name, value)
	}
	return err
}

// list finds the list of numbers that a part's name means.
func (r *Rule) list(name string) *[]int {
	switch name {
	case "BYSECOND":
		return &r.BySecond
	case "BYMINUTE":
		return &r.ByMinute
	case "BYHOUR":
		return &r.ByHour
	case "BYMONTHDAY":
		return &r.ByMonthDay
	case "BYYEARDAY":
		return &r.ByYearDay
	case "BYWEEKNO":
		return &r.ByWeekNo
	case "BYMONTH":
		return &r.ByMonth
	case "BYSETPOS":
		return &r.BySetPos
	}
	return nil
}

func number(name, s string) (int, error) {
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil || len(s) > 9 {
		return 0, invalid("%s: %.40q is no number", name, s)
	}
	return n, nil
}

func numbers(name, value string) ([]int, error) {
	if strings.Count(value, ",") >= maxList {
		return nil, invalid("%s has more than %d entries", name, maxList)
	}
	var out []int
	for s := range strings.SplitSeq(value, ",") {
		n, err := number(name, s)
		if err != nil {
			return nil, err
		}
		if n == 0 && name != "BYSECOND" && name != "BYMINUTE" && name != "BYHOUR" {
			return nil, invalid("%s has 0", name)
		}
		out = append(out, n)
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

func parseDays(value string) ([]Day, error) {
	if strings.Count(value, ",") >= maxList {
		return nil, invalid("BYDAY has more than %d entries", maxList)
	}
	var out []Day
	for s := range strings.SplitSeq(value, ",") {
		s = strings.TrimSpace(s)
		if len(s) < 2 {
			return nil, invalid("BYDAY has %.40q", s)
		}
		wd := slices.Index(dayNames[:], s[len(s)-2:])
		d := Day{Weekday: time.Weekday(wd)}
		var err error
		if n := s[:len(s)-2]; n != "" {
			if d.N, err = number("BYDAY", n); d.N == 0 && err == nil {
				err = invalid("BYDAY has a weekday number 0")
			}
		}
		if wd < 0 || err != nil {
			return nil, invalid("BYDAY has %.40q", s)
		}
		out = append(out, d)
	}
	sortDays(out)
	return slices.Compact(out), nil
}

// sortDays puts Monday first, as people write weeks.
func sortDays(days []Day) {
	slices.SortFunc(days, func(a, b Day) int {
		return cmp.Or(cmp.Compare(a.N, b.N), cmp.Compare((a.Weekday+6)%7, (b.Weekday+6)%7))
	})
}

const dateForm, localForm, utcForm = "20060102", "20060102T150405", "20060102T150405Z"

func parseUntil(s string) (UntilKind, time.Time, error) {
	for kind, form := range map[UntilKind]string{UntilDate: dateForm, UntilLocal: localForm, UntilUTC: utcForm} {
		if len(s) == len(form) {
			t, err := time.Parse(form, s)
			if err != nil {
				break
			}
			return kind, t, nil
		}
	}
	return NoUntil, time.Time{}, invalid("UNTIL %.40q is neither a date nor a time", s)
}

// String is the value of the RRULE, parts in the order of RFC 5545; WKST only where it is not Monday.
func (r Rule) String() string {
	var b strings.Builder
	b.WriteString("FREQ=" + r.Freq.String())
	switch r.UntilKind {
	case UntilDate:
		b.WriteString(";UNTIL=" + r.Until.Format(dateForm))
	case UntilLocal:
		b.WriteString(";UNTIL=" + r.Until.Format(localForm))
	case UntilUTC:
		b.WriteString(";UNTIL=" + r.Until.UTC().Format(utcForm))
	}
	if r.Count > 0 {
		b.WriteString(";COUNT=" + strconv.Itoa(r.Count))
	}
	if r.Interval > 1 {
		b.WriteString(";INTERVAL=" + strconv.Itoa(r.Interval))
	}
	write := func(name string, list []int) {
		for i, n := range list {
			b.WriteString(map[bool]string{true: ";" + name + "=", false: ","}[i == 0] + strconv.Itoa(n))
		}
	}
	write("BYSECOND", r.BySecond)
	write("BYMINUTE", r.ByMinute)
	write("BYHOUR", r.ByHour)
	for i, d := range r.ByDay {
		b.WriteString(map[bool]string{true: ";BYDAY=", false: ","}[i == 0])
		if d.N != 0 {
			b.WriteString(strconv.Itoa(d.N))
		}
		b.WriteString(dayNames[d.Weekday])
	}
	write("BYMONTHDAY", r.ByMonthDay)
	write("BYYEARDAY", r.ByYearDay)
	write("BYWEEKNO", r.ByWeekNo)
	write("BYMONTH", r.ByMonth)
	write("BYSETPOS", r.BySetPos)
	if r.WeekStart != time.Monday {
		b.WriteString(";WKST=" + dayNames[r.WeekStart])
	}
	return b.String()
}
