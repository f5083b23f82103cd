package web

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"portico/app/portal"
	"portico/views"
)

// The form of an appointment: read from a request, filled from an appointment, and turned into one.

const (
	maxFormPeople = 500
	dateLayout    = time.DateOnly
	timeLayout    = "15:04"
)

// readAppointment reads the form as it was typed.
func (s *Server) readAppointment(c echo.Context, f views.Frame) (views.AppointmentForm, error) {
	if err := form(c); err != nil {
		return views.AppointmentForm{}, err
	}
	text := func(name string) string { return c.FormValue(name) }
	v := views.AppointmentForm{
		Frame: f, ID: text("id"), NewID: text("new_id"), Version: text("version"), Of: s.person(c), Back: relativeTarget(text("back")),
		Series: text("series") == "true", Scope: portal.Scope(text("scope")),
		Subject: text("subject"), Location: text("location"), Body: strings.ReplaceAll(text("body"), "\r\n", "\n"),
		AllDay: text("all_day") == "on", StartDate: text("start_date"), StartTime: text("start_time"), EndDate: text("end_date"), EndTime: text("end_time"),
		Zone: strings.TrimSpace(text("zone")), Repeat: readRepeat(c), Reminder: text("reminder"), Show: portal.FreeBusy(text("show")),
		Private: text("private") == "on", Categories: text("categories"), Query: clip(text("query"), maxQuery),
		Zones: views.Zones(), Faults: map[string]string{},
	}
	if of := text("of"); of != "" {
		a, err := portal.ParseAddress(of)
		if err != nil {
			return v, err
		}
		v.Of = a
	}
	var err error
	if v.CRM, err = s.readCRM(c, v); err != nil {
		return v, err
	}
	if v.Zone == "" {
		v.Zone = v.Reader.Zone.String()
	}
	if v.Back == "/" {
		v.Back = "/calendar"
	}
	all, roles := c.Request().Form["attendee"], c.Request().Form["role"]
	if len(all) > maxFormPeople {
		return v, portal.Fail(portal.ErrInvalid, "planner.attendees")
	}
	for i, value := range all {
		a, ok := views.ParseAttendeeValue(value)
		if !ok {
			return v, portal.Fail(portal.ErrInvalid, "appointment.form")
		}
		if i < len(roles) {
			a.Role = portal.AttendeeRole(roles[i])
		}
		v.Attendees = append(v.Attendees, a)
	}
	return v, nil
}

// newAppointmentForm is the form of something new that begins at start; on a whole day where allDay.
func (s *Server) newAppointmentForm(c echo.Context, f views.Frame, id string, start, end time.Time, allDay bool) views.AppointmentForm {
	reminder := ""
	if minutes := defaultReminder(allDay); minutes != nil {
		reminder = strconv.Itoa(*minutes)
	}
	v := views.AppointmentForm{
		Frame: f, NewID: id, Of: s.person(c), Zone: f.Zone.String(), Show: portal.ShowBusy, Reminder: reminder,
		Zones: views.Zones(), Faults: map[string]string{}, AllDay: allDay,
	}
	setWhen(&v, start.In(f.Zone), end.In(f.Zone), allDay)
	v.Repeat = freshRepeat(views.RepeatForm{}, start.In(f.Zone))
	v.Back = s.cameFrom(c)
	if !strings.Contains(v.Back, "date=") {
		v.Back = onDay(v.Back, start.In(f.Zone))
	}
	return v
}

// setWhen fills the fields of date and time in. Of whole days start and end are midnights of dates, end the day after
// the last; the form shows the last.
func setWhen(v *views.AppointmentForm, start, end time.Time, allDay bool) {
	if allDay {
		end = end.AddDate(0, 0, -1)
		if end.Before(start) {
			end = start
		}
	}
	v.StartDate, v.EndDate = start.Format(dateLayout), end.Format(dateLayout)
	if !allDay {
		v.StartTime, v.EndTime = start.Format(timeLayout), end.Format(timeLayout)
	}
}

// appointmentZone is the zone in which an appointment is edited: its own, else the reader's.
func (s *Server) appointmentZone(a portal.Appointment, reader *time.Location) *time.Location {
	if zone := s.zones.find(a.TimeZone); zone != nil && !a.AllDay {
		return zone
	}
	return reader
}

// formOf is the form of an appointment as it is.
func (s *Server) formOf(f views.Frame, a portal.Appointment) views.AppointmentForm {
	zone := s.appointmentZone(a, f.Zone)
	v := views.AppointmentForm{
		Frame: f, ID: a.ID, Of: a.Calendar, Version: a.Version, Series: a.Series != "" || a.Kind == portal.KindMaster, Scope: portal.ScopeOne,
		Subject: a.Subject, Location: a.Location, Body: strings.ReplaceAll(a.Body, "\r\n", "\n"), AllDay: a.AllDay, Zone: zone.String(), Attendees: slices.Clone(a.Attendees),
		Show: a.Show, Private: a.Private, Categories: strings.Join(a.Categories, ", "), Zones: views.Zones(), Faults: map[string]string{},
		Back: views.AppointmentPath(f.Me.URI, a.Calendar, a.ID),
	}
	if a.Kind == portal.KindMaster {
		v.Scope = portal.ScopeAll
	}
	if a.ReminderMinutes != nil {
		v.Reminder = strconv.Itoa(*a.ReminderMinutes)
	}
	start, end := a.Start.In(zone), a.End.In(zone)
	if a.AllDay {
		start, end = a.Start.UTC(), a.End.UTC()
	}
	setWhen(&v, start, end, a.AllDay)
	v.Repeat = repeatOf(a.Recurrence, start, a.AllDay)
	return v
}

// wanted is the appointment that a form describes; what is wrong with it stands in the form's faults.
func (s *Server) wanted(v *views.AppointmentForm) (portal.Appointment, bool) {
	a := portal.Appointment{
		Subject: strings.TrimSpace(v.Subject), Location: strings.TrimSpace(v.Location), Body: v.Body, AllDay: v.AllDay,
		Attendees: v.Attendees, Show: v.Show, Private: v.Private, Categories: categories(v.Categories),
	}
	fault := func(field, key string) {
		if v.Faults[field] == "" {
			v.Faults[field] = v.Sentence(key, nil)
		}
	}
	if a.Subject == "" {
		fault("subject", "appointment.subject-missing")
	}
	zone := s.zones.find(v.Zone)
	if zone == nil {
		fault("zone", "settings.time-zone")
		zone = v.Reader.Zone
	}
	a.TimeZone = zone.String()
	s.wantedTimes(v, &a, zone, fault)
	if v.Reminder != "" {
		minutes, ok := number(v.Reminder, 0, 60*24*366)
		if !ok {
			fault("reminder", "appointment.reminder")
		}
		a.ReminderMinutes = &minutes
	}
	if !slices.Contains([]portal.FreeBusy{portal.ShowFree, portal.ShowTentative, portal.ShowBusy, portal.ShowOOF, portal.ShowElsewhere}, a.Show) {
		a.Show = portal.ShowBusy
	}
	a.Meeting = len(a.Attendees) > 0
	return a, len(v.Faults) == 0
}

// wantedTimes reads when the form says it is, and how it repeats.
func (s *Server) wantedTimes(v *views.AppointmentForm, a *portal.Appointment, zone *time.Location, fault func(field, key string)) {
	at := func(field, date, clock string, in *time.Location) time.Time {
		layout, text := dateLayout, date
		if !v.AllDay {
			layout, text = dateLayout+" "+timeLayout, date+" "+clock
		}
		t, err := time.ParseInLocation(layout, text, in)
		if err != nil || t.Year() < 1900 || t.Year() > 2200 {
			fault(field, "appointment."+field)
		}
		return t
	}
	in := zone
	if v.AllDay {
		in = time.UTC
	}
	start := at("start", v.StartDate, v.StartTime, in)
	end := at("end", v.EndDate, v.EndTime, in)
	if v.AllDay {
		end = end.AddDate(0, 0, 1)
	}
	if v.Faults["start"] == "" && v.Faults["end"] == "" && end.Before(start) {
		fault("end", "appointment.end-before-start")
	}
	a.Start, a.End = start.UTC(), end.UTC()
	rule, err := ruleOf(v.Repeat, start, v.AllDay)
	if err != nil {
		fault("repeat", "appointment.repeat")
	}
	a.Recurrence = rule
}

func categories(text string) []string {
	var out []string
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" && !slices.Contains(out, part) {
			out = append(out, part)
		}
	}
	return out
}

// changeTo is what makes now into wanted: only what the form has differently. An untouched time stays the instant it
// is, also in an hour that comes twice.
func (s *Server) changeTo(now, wanted portal.Appointment, v views.AppointmentForm) portal.AppointmentChange {
	ch := portal.AppointmentChange{Scope: v.Scope}
	was := s.formOf(v.Frame, now)
	text := func(field **string, old, fresh string) {
		if old != fresh {
			*field = &fresh
		}
	}
	text(&ch.Subject, now.Subject, wanted.Subject)
	text(&ch.Location, now.Location, wanted.Location)
	text(&ch.Body, strings.ReplaceAll(now.Body, "\r\n", "\n"), wanted.Body)
	if was.AllDay != v.AllDay {
		ch.AllDay = &v.AllDay
	}
	zoned := !v.AllDay && was.Zone != v.Zone
	if zoned {
		ch.TimeZone = &wanted.TimeZone
	}
	if was.StartDate != v.StartDate || was.StartTime != v.StartTime || ch.AllDay != nil || zoned {
		ch.Start = &wanted.Start
	}
	if was.EndDate != v.EndDate || was.EndTime != v.EndTime || ch.AllDay != nil || zoned || ch.Start != nil {
		ch.End = &wanted.End
	}
	if (v.Scope != portal.ScopeOne || !v.Series) && was.Repeat != v.Repeat && now.Recurrence != wanted.Recurrence {
		ch.Recurrence = &wanted.Recurrence
	}
	if !sameAttendees(now.Attendees, wanted.Attendees) {
		ch.Attendees = &wanted.Attendees
		for _, a := range now.Attendees {
			ch.Known = append(ch.Known, a.Email)
		}
	}
	if now.Show != wanted.Show {
		ch.Show = &wanted.Show
	}
	if now.Private != wanted.Private {
		ch.Private = &wanted.Private
	}
	if was.Reminder != v.Reminder {
		ch.ReminderMinutes = &wanted.ReminderMinutes
	}
	if !slices.Equal(now.Categories, wanted.Categories) {
		ch.Categories = &wanted.Categories
	}
	if id, occurrence := portal.SplitOccurrenceID(now.ID); id != now.ID && v.Scope == portal.ScopeOne {
		ch.Occurrence = occurrence
	}
	return ch
}

func sameAttendees(a, b []portal.Attendee) bool {
	return slices.EqualFunc(a, b, func(x, y portal.Attendee) bool { return strings.EqualFold(x.Email, y.Email) && x.Role == y.Role })
}

// differences are the fields that a form and the newest version have differently.
func (s *Server) differences(v views.AppointmentForm, newest portal.Appointment) []views.Difference {
	theirs := s.formOf(v.Frame, newest)
	var out []views.Difference
	add := func(field, mine, other string) {
		if mine != other {
			out = append(out, views.Difference{Field: field, Yours: mine, Theirs: other})
		}
	}
	add("subject", v.Subject, theirs.Subject)
	add("location", v.Location, theirs.Location)
	add("start", strings.TrimSpace(v.StartDate+" "+v.StartTime), strings.TrimSpace(theirs.StartDate+" "+theirs.StartTime))
	add("end", strings.TrimSpace(v.EndDate+" "+v.EndTime), strings.TrimSpace(theirs.EndDate+" "+theirs.EndTime))
	add("time_zone", v.Zone, theirs.Zone)
	add("recurrence", v.Repeat.Words(v.Reader), theirs.Repeat.Words(v.Reader))
	add("attendees", emails(v.Attendees), emails(theirs.Attendees))
	add("show", v.Text("show."+string(v.Show)), v.Text("show."+string(theirs.Show)))
	add("reminder", v.Reminder, theirs.Reminder)
	add("categories", v.Categories, theirs.Categories)
	add("body", clip(v.Body, maxQuery), clip(theirs.Body, maxQuery))
	return out
}

func emails(all []portal.Attendee) string {
	out := make([]string, len(all))
	for i, a := range all {
		out[i] = a.Email
	}
	return strings.Join(out, ", ")
}

// formFailure says on the form what went wrong, where that is something that people can read; what is typed stays.
func (s *Server) formFailure(c echo.Context, v *views.AppointmentForm, err error) (status int, _ error) {
	var said *portal.Error
	if !errors.As(err, &said) {
		return 0, err
	}
	f := classify(err)
	c.Set(failedKey, err)
	setRetryAfter(c, f)
	v.Problem = v.Failure(err)
	return f.status, nil
}
