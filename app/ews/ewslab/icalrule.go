package ewslab

// Recurrence out of an RRULE, as far as Exchange can say it.

import (
	"strconv"
	"strings"
	"time"
)

// recurrence makes t:Recurrence of an RRULE; what Exchange cannot express is refused.
func (r *icalReader) recurrence(rule string) (*node, error) {
	parts := map[string]string{}
	for _, p := range strings.Split(rule, ";") {
		name, value, _ := strings.Cut(p, "=")
		parts[strings.ToUpper(name)] = strings.ToUpper(value)
	}
	start := r.it.time("Start").In(r.zone)
	pattern, err := patternOf(parts, start)
	if err != nil {
		return nil, err
	}
	first := t("StartDate", zonedDate(start))
	switch {
	case parts["COUNT"] != "":
		return t("Recurrence", pattern, t("NumberedRecurrence", first, t("NumberOfOccurrences", parts["COUNT"]))), nil
	case parts["UNTIL"] != "":
		until, _, err := r.parse(icalProp{Value: parts["UNTIL"]})
		if err != nil {
			return nil, err
		}
		return t("Recurrence", pattern, t("EndDateRecurrence", first, t("EndDate", zonedDate(until.In(r.zone))))), nil
	}
	return t("Recurrence", pattern, t("NoEndRecurrence", first)), nil
}

// patternOf is the pattern of an RRULE.
func patternOf(parts map[string]string, start time.Time) (*node, error) {
	interval := t("Interval", or(parts["INTERVAL"], "1"))
	month := start.Month()
	if n, err := strconv.Atoi(parts["BYMONTH"]); err == nil && n >= 1 && n <= 12 {
		month = time.Month(n)
	}
	day := strings.Split(or(parts["BYMONTHDAY"], strconv.Itoa(start.Day())), ",")
	monthDay := t("DayOfMonth", day[len(day)-1])
	days, index, err := daysOf(parts)
	if err != nil {
		return nil, err
	}
	switch freq := parts["FREQ"]; {
	case freq == "DAILY" && days == "":
		return t("DailyRecurrence", interval), nil
	case freq == "DAILY", freq == "WEEKLY":
		if days == "" {
			days = start.Weekday().String()
		}
		first, _ := icalDay(or(parts["WKST"], "MO"))
		return t("WeeklyRecurrence", interval, t("DaysOfWeek", days), t("FirstDayOfWeek", first)), nil
	case freq == "MONTHLY" && days == "":
		return t("AbsoluteMonthlyRecurrence", interval, monthDay), nil
	case freq == "MONTHLY":
		return t("RelativeMonthlyRecurrence", interval, t("DaysOfWeek", groupOf(days)), t("DayOfWeekIndex", index)), nil
	case freq == "YEARLY" && days == "":
		return t("AbsoluteYearlyRecurrence", monthDay, t("Month", month.String())), nil
	case freq == "YEARLY":
		return t("RelativeYearlyRecurrence", t("DaysOfWeek", groupOf(days)), t("DayOfWeekIndex", index), t("Month", month.String())), nil
	}
	return nil, fail(errRecurrence)
}

// daysOf reads BYDAY and BYSETPOS.
func daysOf(parts map[string]string) (days, index string, err error) {
	if parts["BYDAY"] == "" {
		return "", "", nil
	}
	position := parts["BYSETPOS"]
	var names []string
	for _, d := range strings.Split(parts["BYDAY"], ",") {
		if len(d) < 2 {
			return "", "", fail(errRecurrence)
		}
		name, ok := icalDay(d[len(d)-2:])
		if !ok {
			return "", "", fail(errRecurrence)
		}
		if n := d[:len(d)-2]; n != "" {
			position = n
		}
		names = append(names, name)
	}
	index = map[string]string{"1": "First", "2": "Second", "3": "Third", "4": "Fourth", "5": "Last", "-1": "Last"}[strings.TrimPrefix(position, "+")]
	if index == "" && (parts["FREQ"] == "MONTHLY" || parts["FREQ"] == "YEARLY") {
		return "", "", fail(errRecurrence)
	}
	return strings.Join(names, " "), index, nil
}

// groupOf names the sets of days that have a name of their own.
func groupOf(days string) string {
	switch len(strings.Fields(days)) {
	case 7:
		return "Day"
	case 5:
		if !strings.Contains(days, "Sunday") && !strings.Contains(days, "Saturday") {
			return "Weekday"
		}
	case 2:
		if strings.Contains(days, "Sunday") && strings.Contains(days, "Saturday") {
			return "WeekendDay"
		}
	}
	return days
}

func icalDay(s string) (string, bool) {
	for d := time.Sunday; d <= time.Saturday; d++ {
		if strings.EqualFold(d.String()[:2], s) {
			return d.String(), true
		}
	}
	return "", false
}
