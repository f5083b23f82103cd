package ewslab

// Appointments as iCalendar, with the rules of their zone.

import (
	"fmt"
	"strings"
	"time"
)

const icalUTC = "20060102T150405Z"

// icalOf writes an appointment, a series with its exceptions.
func icalOf(x *tx, i *item) (string, error) {
	w := &icalWriter{}
	w.line("BEGIN:VCALENDAR")
	w.line("METHOD:%s", map[bool]string{true: "REQUEST", false: "PUBLISH"}[i.isMeeting()])
	w.line("PRODID:Microsoft Exchange Server 2010")
	w.line("VERSION:2.0")
	zone, name := itemZone(i), or(i.get("StartTimeZone").attr("Id"), "UTC")
	w.zone(zone, name, i.time("Start"))
	w.event(i, zone, name)
	if i.isSeries() {
		s, err := seriesOf(i)
		if err != nil {
			return "", err
		}
		changed, err := x.exceptions(s)
		if err != nil {
			return "", err
		}
		gaps, err := x.gaps(i.ID)
		if err != nil {
			return "", err
		}
		w.series(i, s, gaps)
		w.line("END:VEVENT")
		for _, e := range changed {
			w.event(e, zone, name)
			w.when("RECURRENCE-ID", e.Original, zone, name, i.flag("IsAllDayEvent"))
			w.line("END:VEVENT")
		}
	} else {
		if i.Master != 0 {
			w.when("RECURRENCE-ID", i.Original, zone, name, i.flag("IsAllDayEvent"))
		}
		w.line("END:VEVENT")
	}
	w.line("END:VCALENDAR")
	return w.b.String(), nil
}

// event writes all of a VEVENT but its end and what belongs to a series.
func (w *icalWriter) event(i *item, zone *time.Location, name string) {
	w.line("BEGIN:VEVENT")
	if who := i.get("Organizer").kid("Mailbox"); who != nil && i.isMeeting() {
		w.line("ORGANIZER;CN=%s:mailto:%s", quote(who.text("Name")), who.text("EmailAddress"))
	}
	for _, list := range [][3]string{{"RequiredAttendees", "REQ-PARTICIPANT", "INDIVIDUAL"}, {"OptionalAttendees", "OPT-PARTICIPANT", "INDIVIDUAL"}, {"Resources", "NON-PARTICIPANT", "RESOURCE"}} {
		for _, a := range i.get(list[0]).kids() {
			w.line("ATTENDEE;CUTYPE=%s;ROLE=%s;PARTSTAT=%s;RSVP=TRUE;CN=%s:mailto:%s", list[2], list[1], partStat(a.text("ResponseType")), quote(a.text("Mailbox", "Name")), a.text("Mailbox", "EmailAddress"))
		}
	}
	w.text("DESCRIPTION", i.plainBody())
	w.line("UID:%s", i.text("UID"))
	w.text("SUMMARY", i.text("Subject"))
	day := i.flag("IsAllDayEvent")
	w.when("DTSTART", i.time("Start"), zone, name, day)
	w.when("DTEND", i.time("End"), zone, name, day)
	w.line("CLASS:%s", or(map[string]string{"Private": "PRIVATE", "Confidential": "CONFIDENTIAL", "Personal": "PRIVATE"}[i.text("Sensitivity")], "PUBLIC"))
	w.line("PRIORITY:%s", or(map[string]string{"High": "1", "Low": "9"}[i.text("Importance")], "5"))
	w.line("DTSTAMP:%s", i.Modified.UTC().Format(icalUTC))
	busy := or(i.text("LegacyFreeBusyStatus"), "Busy")
	w.line("TRANSP:%s", map[bool]string{true: "TRANSPARENT", false: "OPAQUE"}[busy == "Free"])
	status := "CONFIRMED"
	if i.flag("IsCancelled") {
		status = "CANCELLED"
	}
	w.line("STATUS:%s", status)
	w.line("SEQUENCE:%s", or(i.text("AppointmentSequenceNumber"), "0"))
	w.text("LOCATION", i.text("Location"))
	var categories []string
	for _, c := range i.get("Categories").kids() {
		categories = append(categories, icalEscaper.Replace(c.Text))
	}
	if len(categories) > 0 {
		w.line("CATEGORIES:%s", strings.Join(categories, ","))
	}
	w.line("X-MICROSOFT-CDO-BUSYSTATUS:%s", strings.ToUpper(busy))
	w.line("X-MICROSOFT-CDO-ALLDAYEVENT:%s", strings.ToUpper(boolText(day)))
	if i.flag("ReminderIsSet") {
		w.line("BEGIN:VALARM")
		w.line("DESCRIPTION:REMINDER")
		w.line("TRIGGER;RELATED=START:-PT%sM", or(i.text("ReminderMinutesBeforeStart"), "15"))
		w.line("ACTION:DISPLAY")
		w.line("END:VALARM")
	}
}

func partStat(response string) string {
	switch response {
	case "Accept", "Organizer":
		return "ACCEPTED"
	case "Tentative":
		return "TENTATIVE"
	case "Decline":
		return "DECLINED"
	}
	return "NEEDS-ACTION"
}

// when writes a time in its zone, or a date.
func (w *icalWriter) when(prop string, at time.Time, zone *time.Location, name string, day bool) {
	switch {
	case day:
		w.line("%s;VALUE=DATE:%s", prop, at.In(zone).Format("20060102"))
	case zone == time.UTC:
		w.line("%s:%s", prop, at.UTC().Format(icalUTC))
	default:
		w.line("%s;TZID=%s:%s", prop, paramText(name), at.In(zone).Format("20060102T150405"))
	}
}

func paramText(s string) string {
	if strings.ContainsAny(s, ":;,") {
		return quote(s)
	}
	return s
}

// series writes the rule and the dates that were taken out.
func (w *icalWriter) series(i *item, s *series, gaps []time.Time) {
	rule := "FREQ=" + map[string]string{"Daily": "DAILY", "Weekly": "WEEKLY", "AbsoluteMonthly": "MONTHLY", "RelativeMonthly": "MONTHLY", "AbsoluteYearly": "YEARLY", "RelativeYearly": "YEARLY"}[s.kind]
	rule += fmt.Sprintf(";INTERVAL=%d", s.interval)
	if s.count > 0 {
		rule += fmt.Sprintf(";COUNT=%d", s.count)
	} else if !s.end.IsZero() {
		rule += ";UNTIL=" + s.startOn(s.end).Format(icalUTC)
	}
	if s.month > 0 {
		rule += fmt.Sprintf(";BYMONTH=%d", s.month)
	}
	var days []string
	for d := time.Sunday; d <= time.Saturday; d++ {
		if s.days[d] {
			days = append(days, strings.ToUpper(d.String()[:2]))
		}
	}
	switch {
	case s.day > 28: // the last day of shorter months
		list := "28"
		for d := 29; d <= s.day; d++ {
			list += fmt.Sprintf(",%d", d)
		}
		rule += ";BYMONTHDAY=" + list + ";BYSETPOS=-1"
	case s.day > 0:
		rule += fmt.Sprintf(";BYMONTHDAY=%d", s.day)
	case s.index > 0 && len(days) == 1:
		rule += fmt.Sprintf(";BYDAY=%d%s", position(s.index), days[0])
	case s.index > 0:
		rule += fmt.Sprintf(";BYDAY=%s;BYSETPOS=%d", strings.Join(days, ","), position(s.index))
	case s.kind == "Weekly":
		rule += ";BYDAY=" + strings.Join(days, ",") + ";WKST=" + strings.ToUpper(s.first.String()[:2])
	}
	w.line("RRULE:%s", rule)
	for _, g := range gaps {
		w.when("EXDATE", g, s.zone, or(i.get("StartTimeZone").attr("Id"), "UTC"), i.flag("IsAllDayEvent"))
	}
}

func position(index int) int {
	if index == 5 {
		return -1
	}
	return index
}

// zone writes a VTIMEZONE with the rules in force around an instant.
func (w *icalWriter) zone(zone *time.Location, name string, about time.Time) {
	w.line("BEGIN:VTIMEZONE")
	w.line("TZID:%s", name)
	year := about.In(zone).Year()
	changes := clockChanges(zone, year)
	if len(changes) != 2 {
		_, offset := about.In(zone).Zone()
		w.observance("STANDARD", offset, offset, "16010101T000000", "")
	} else {
		for _, c := range changes {
			_, before := c.Add(-time.Second).In(zone).Zone()
			_, after := c.In(zone).Zone()
			kind := "STANDARD"
			if after > before {
				kind = "DAYLIGHT"
			}
			local := c.UTC().Add(time.Duration(before) * time.Second)
			w.observance(kind, before, after, "16010101T"+local.Format("150405"), yearlyOn(local))
		}
	}
	w.line("END:VTIMEZONE")
}

func (w *icalWriter) observance(kind string, from, to int, start, rule string) {
	w.line("BEGIN:%s", kind)
	w.line("DTSTART:%s", start)
	w.line("TZOFFSETFROM:%s", icalOffset(from))
	w.line("TZOFFSETTO:%s", icalOffset(to))
	if rule != "" {
		w.line("RRULE:%s", rule)
	}
	w.line("END:%s", kind)
}

// yearlyOn is the rule of a change that falls on the n-th weekday of a month; the fourth or fifth in its last week counts as the last.
func yearlyOn(local time.Time) string {
	n := (local.Day()-1)/7 + 1
	if local.AddDate(0, 0, 7).Month() != local.Month() {
		n = -1
	}
	return fmt.Sprintf("FREQ=YEARLY;INTERVAL=1;BYDAY=%d%s;BYMONTH=%d", n, strings.ToUpper(local.Weekday().String()[:2]), local.Month())
}

func icalOffset(seconds int) string {
	sign := '+'
	if seconds < 0 {
		sign, seconds = '-', -seconds
	}
	return fmt.Sprintf("%c%02d%02d", sign, seconds/3600, seconds%3600/60)
}

// clockChanges are the instants of a year at which a zone's offset changes.
func clockChanges(zone *time.Location, year int) []time.Time {
	var out []time.Time
	at := time.Date(year, 1, 1, 0, 0, 0, 0, zone)
	for at.Year() == year || at.In(zone).Year() == year {
		_, end := at.ZoneBounds()
		if end.IsZero() || end.In(zone).Year() != year {
			break
		}
		_, before := end.Add(-time.Second).In(zone).Zone()
		if _, after := end.In(zone).Zone(); after != before {
			out = append(out, end)
		}
		at = end
	}
	return out
}
