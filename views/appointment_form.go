package views

import (
	"fmt"
	"strings"
	"time"

	"portico/app/portal"
)

// AppointmentForm is the form of a new appointment, or of a change. All values are as they were typed.
type AppointmentForm struct {
	Frame
	// ID is empty for a new one; NewID is what that will be called, so that sending it twice makes one.
	ID, NewID string
	// Of is whose calendar it stands in; Version the one that is changed.
	Of      portal.Address
	Version string
	// Series: the appointment is one of a series, of which Scope says how much is meant.
	Series bool
	Scope  portal.Scope

	Subject, Location, Body                      string
	AllDay                                       bool
	StartDate, StartTime, EndDate, EndTime, Zone string
	Repeat                                       RepeatForm
	Attendees                                    []portal.Attendee
	// Reminder is the number of minutes, empty for none.
	Reminder   string
	Show       portal.FreeBusy
	Private    bool
	Categories string
	// Query is what was typed to find people, Found what came of it; Searched: it was looked for.
	Query    string
	Searched bool
	Found    []FoundAttendee
	// Rooms can be booked; RoomsWord says why there are none to choose, where they were asked for.
	Rooms     []portal.Attendee
	RoomsWord string
	// Conflicts are the reader's other appointments at that time.
	Conflicts []portal.Appointment
	// CRM is what CRM adds; nil where there is none.
	CRM *CRMFields
	// Faults are sentences by field: "subject", "start", "end", "zone", "repeat", "attendees", "reminder".
	Faults map[string]string
	// Differences are what somebody else has changed in the meantime.
	Differences []Difference
	// Planner is everybody's time, where it was asked for.
	Planner *Planner
	// Zones are the time zones to choose from.
	Zones []string
	// Back is where the way out leads.
	Back string
}

// FoundAttendee is somebody who can be invited.
type FoundAttendee struct {
	portal.Attendee
	Presence portal.Presence
	Known    bool
}

// Difference is a field that two versions have differently.
type Difference struct{ Field, Yours, Theirs string }

// RepeatForm is a recurrence as the form has it.
type RepeatForm struct {
	// Kind is "", "daily", "weekly", "monthly", "monthly-nth", "yearly", "yearly-nth", or "keep" for a rule that the
	// form has no fields for and leaves as it is.
	Kind     string
	Interval string
	// Days are the weekdays of a weekly repetition, Sunday first.
	Days [7]bool
	// Nth is "1" to "4" or "-1", NthDay "0" (Sunday) to "6", "day", "workday" or "weekend".
	MonthDay, Nth, NthDay, Month string
	// Ends is "never", "until" or "count".
	Ends, Until, Count string
	// Rule is the rule itself where Kind is "keep".
	Rule string
}

func repeatKinds() []string {
	return []string{"", "daily", "weekly", "monthly", "monthly-nth", "yearly", "yearly-nth"}
}

func repeatKey(kind string) string {
	if kind == "" {
		return "repeat.none"
	}
	return "repeat." + kind
}

func nths() []string { return []string{"1", "2", "3", "4", "-1"} }

func nthDays() []string {
	return []string{"1", "2", "3", "4", "5", "6", "0", "day", "workday", "weekend"}
}

func (r Reader) nthDay(day string) string {
	if len(day) == 1 {
		return r.Text("weekday." + day)
	}
	return r.Text("repeat." + day)
}

// weekdays are the days of a week in the reader's order.
func (r Reader) weekdays() []time.Weekday {
	out := make([]time.Weekday, 7)
	for i := range out {
		out[i] = (r.FirstDay() + time.Weekday(i)) % 7
	}
	return out
}

// Words says how something repeats: "every 2 weeks on Monday and Wednesday, until 3 Mar 2027".
func (f RepeatForm) Words(r Reader) string {
	if f.Kind == "" {
		return ""
	}
	if f.Kind == "keep" {
		return r.Text("repeat.other", "Rule", f.Rule)
	}
	n := 1
	if _, err := fmt.Sscan(f.Interval, &n); err != nil || n < 1 {
		n = 1
	}
	text := r.Count("repeat.every-"+f.unit(), n)
	switch f.Kind {
	case "weekly":
		var days []string
		for _, d := range r.weekdays() {
			if f.Days[d] {
				days = append(days, r.weekdayLong(d))
			}
		}
		text += r.Text("repeat.on-days", "Days", r.list(days))
	case "monthly":
		text += r.Text("repeat.on-date", "Day", f.MonthDay)
	case "monthly-nth":
		text += r.Text("repeat.on-nth", "Nth", r.Text("repeat.nth."+f.Nth), "Day", r.nthDay(f.NthDay))
	case "yearly":
		text += r.Text("repeat.on-month-day", "Day", f.MonthDay, "Month", r.Text("month."+f.Month))
	case "yearly-nth":
		text += r.Text("repeat.on-nth-month", "Nth", r.Text("repeat.nth."+f.Nth), "Day", r.nthDay(f.NthDay), "Month", r.Text("month."+f.Month))
	}
	switch f.Ends {
	case "until":
		if t, err := time.ParseInLocation(time.DateOnly, f.Until, r.Zone); err == nil {
			text += r.Text("repeat.until-words", "Date", r.dateOf(t))
		}
	case "count":
		times := 0
		if _, err := fmt.Sscan(f.Count, &times); err == nil {
			text += r.Count("repeat.times", times)
		}
	}
	return text
}

func (f RepeatForm) unit() string {
	unit, _, _ := strings.Cut(f.Kind, "-")
	return map[string]string{"daily": "day", "weekly": "week", "monthly": "month", "yearly": "year"}[unit]
}

// list joins words: "Monday, Tuesday and Friday".
func (r Reader) list(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return r.Text("list.and", "First", strings.Join(words[:len(words)-1], ", "), "Last", words[len(words)-1])
}

// reminderChoices are the reminders to choose from, in minutes before the start.
func (v AppointmentForm) reminderChoices() []string {
	choices := []string{"", "0", "5", "10", "15", "30", "60", "120", "1440", "10080"}
	for _, c := range choices {
		if c == v.Reminder {
			return choices
		}
	}
	return append(choices, v.Reminder)
}

func (v AppointmentForm) reminderWord(choice string) string {
	var n int
	if _, err := fmt.Sscan(choice, &n); err != nil {
		return v.Text("reminder.none")
	}
	return v.minutesBefore(n)
}

func shows() []portal.FreeBusy {
	return []portal.FreeBusy{portal.ShowBusy, portal.ShowTentative, portal.ShowFree, portal.ShowOOF, portal.ShowElsewhere}
}

func roles() []portal.AttendeeRole {
	return []portal.AttendeeRole{portal.RoleRequired, portal.RoleOptional, portal.RoleResource}
}

// AttendeeValue is an attendee as a button of the form carries them.
func AttendeeValue(a portal.Attendee) string {
	list := ""
	if a.List {
		list = "list"
	}
	clean := strings.NewReplacer("\n", " ", "\r", " ")
	return strings.Join([]string{clean.Replace(a.Email), string(a.Role), string(a.URI), list, clean.Replace(a.Name)}, "\n")
}

// ParseAttendeeValue reads what AttendeeValue wrote; false for anything else.
func ParseAttendeeValue(s string) (portal.Attendee, bool) {
	parts := strings.Split(strings.ReplaceAll(s, "\r\n", "\n"), "\n")
	if len(parts) != 5 || parts[0] == "" && parts[2] == "" {
		return portal.Attendee{}, false
	}
	a := portal.Attendee{Email: parts[0], Role: portal.AttendeeRole(parts[1]), URI: portal.Address(parts[2]), List: parts[3] == "list", Name: parts[4]}
	switch a.Role {
	case portal.RoleRequired, portal.RoleOptional, portal.RoleResource:
	default:
		a.Role = portal.RoleRequired
	}
	return a, true
}

func (v AppointmentForm) fault(field string) string { return v.Faults[field] }

// action is where the form goes.
func (v AppointmentForm) action() string {
	if v.ID == "" {
		return "/calendar"
	}
	return appointmentAt(v.Me.URI, v.Of, v.ID, "")
}

func (v AppointmentForm) openMore() bool {
	return v.Repeat.Kind != "" || v.Private || v.Categories != "" || v.Fault("repeat", "reminder", "zone")
}

// Fault reports whether any of the fields is wrong.
func (v AppointmentForm) Fault(fields ...string) bool {
	for _, f := range fields {
		if v.Faults[f] != "" {
			return true
		}
	}
	return false
}

// differenceName is what a field is called.
func (v AppointmentForm) differenceName(field string) string {
	return v.Text("appointment.field." + field)
}
