package ews

import (
	"time"

	"portico/app/calendar/recurrence"
	"portico/app/ews/soap"
	"portico/app/portal"
)

// Writing: an appointment of the portal becomes a calendar item, and a change becomes the updates of the
// properties that it names and no others.

// times are the four properties that are always sent together: a start without its end or zone has been refused, and
// has moved meetings by hours.
type times struct {
	start, end time.Time // instants
	allDay     bool
	zone       *soap.TimeZoneDefinition
	loc        *time.Location
}

func timesOf(start, end time.Time, allDay bool, zoneName string) (times, error) {
	def, loc, err := definition(zoneName, start.Year())
	if err != nil {
		return times{}, err
	}
	t := times{start: start.UTC(), end: end.UTC(), allDay: allDay, zone: def, loc: loc}
	if start.IsZero() || end.Before(start) || start.Year() < 1900 || end.Year() > 4500 {
		return times{}, portal.Fail(portal.ErrInvalid, "calendar.times")
	}
	if allDay {
		first, last := civilDate(t.start), civilDate(t.end)
		if !last.After(first) {
			last = first.AddDate(0, 0, 1)
		}
		t.start, t.end = midnight(first, loc), midnight(last, loc)
	}
	return t, nil
}

// local is the start by the organiser's clock, as a rule counts from it; of an all-day series the date.
func (t times) local(start time.Time) time.Time {
	if t.allDay {
		return civilDate(start.UTC())
	}
	return start.In(t.loc)
}

// newItem writes a whole new appointment. knowsElsewhere: see legacy.
func newItem(a portal.Appointment, o portal.WriteOptions, knowsElsewhere bool) (*soap.CalendarItem, error) {
	zoneName := a.TimeZone
	if zoneName == "" {
		zoneName = o.Zone
	}
	t, err := timesOf(a.Start, a.End, a.AllDay, zoneName)
	if err != nil {
		return nil, err
	}
	it := &soap.CalendarItem{UID: sayable(a.UID), Start: soap.At(t.start), End: soap.At(t.end), IsAllDayEvent: &t.allDay,
		LegacyFreeBusyStatus: legacy(a.Show, knowsElsewhere), Location: line(a.Location), StartTimeZone: t.zone, EndTimeZone: t.zone,
		RequiredAttendees: invited(a.Attendees, portal.RoleRequired), OptionalAttendees: invited(a.Attendees, portal.RoleOptional),
		Resources: invited(a.Attendees, portal.RoleResource)}
	it.Subject, it.Sensitivity, it.Body = line(a.Subject), sensitivity(a.Private), bodyOf(a.Body, a.BodyHTML)
	it.Categories = sayables(a.Categories)
	set := a.ReminderMinutes != nil
	it.ReminderIsSet = &set
	if set {
		it.ReminderMinutesBeforeStart = minutes(*a.ReminderMinutes)
	}
	if o.ChangeID != "" {
		it.ExtendedProperties = []soap.ExtendedProperty{soap.Extend(stampMade, o.ChangeID)}
	}
	if a.Recurrence != "" {
		rule, err := recurrence.Parse(a.Recurrence)
		if err != nil {
			return nil, portal.Fail(portal.ErrInvalid, "calendar.recurrence").Because(err)
		}
		if it.Recurrence, err = toRecurrence(rule, t.local(a.Start), a.AllDay); err != nil {
			return nil, err
		}
	}
	return it, nil
}

func sensitivity(private bool) string {
	if private {
		return "Private"
	}
	return "Normal"
}

func bodyOf(text, markup string) *soap.Body {
	switch {
	case markup != "":
		return &soap.Body{Type: "HTML", Text: sayable(cut(markup, maxHTML))}
	case text != "":
		return &soap.Body{Type: "Text", Text: sayable(cut(text, maxText))}
	}
	return nil
}

func sayables(list []string) []string {
	var out []string
	for _, s := range list {
		if s = line(s); s != "" {
			out = append(out, s)
		}
	}
	return out
}

func minutes(m int) *int {
	m = min(max(m, 0), maxReminder)
	return &m
}

// base is what a change is made from: the entry's own properties or those of the occurrence that is meant.
type base struct {
	portal.Appointment
	occurrence bool
	// series is the id of the series whose change is to come back (see quiet.go), "" for none.
	series string
	// invited is who the server has invited now, which may be more than the change's author knew.
	invited []portal.Attendee
}

// updates writes a change. mail tells whether those invited have to hear of it: the owner's own reminders, categories and
// free/busy are nobody else's business. people: only the list of attendees changes.
func updates(b base, ch portal.AppointmentChange, o portal.WriteOptions, knowsElsewhere bool) (list []soap.Update, mail, people bool, err error) {
	u := updating{}
	u.text("item:Subject", ch.Subject, func(it *soap.CalendarItem, s string) { it.Subject = s })
	u.text("calendar:Location", ch.Location, func(it *soap.CalendarItem, s string) { it.Location = s })
	if ch.Body != nil {
		it := &soap.CalendarItem{}
		it.Body = &soap.Body{Type: "Text", Text: sayable(cut(*ch.Body, maxText))}
		u.set("item:Body", it)
	}
	if ch.Timed() {
		if err := u.times(b, ch, o); err != nil {
			return nil, false, false, err
		}
	}
	mail = len(u.list) > 0
	if ch.Attendees != nil {
		people = !mail
		u.attendees(b.invited, ch.AttendeesOver(b.invited))
		mail = len(u.list) > 0
		people = people && mail
	}
	u.own(ch, knowsElsewhere)
	if o.ChangeID != "" && len(u.list) > 0 {
		it := &soap.CalendarItem{}
		it.ExtendedProperties = []soap.ExtendedProperty{soap.Extend(stampDone, o.ChangeID)}
		u.list = append(u.list, soap.Set(stampDone, soap.AnyItem{CalendarItem: it}))
	}
	return u.list, mail, people, nil
}

type updating struct{ list []soap.Update }

func (u *updating) set(field string, it *soap.CalendarItem) {
	u.list = append(u.list, soap.Set(soap.Field(field), soap.AnyItem{CalendarItem: it}))
}

func (u *updating) delete(field string) {
	u.list = append(u.list, soap.Delete(soap.Field(field)))
}

// text sets a text of one line; an empty one is deleted, since it cannot be set.
func (u *updating) text(field string, value *string, into func(*soap.CalendarItem, string)) {
	if value == nil {
		return
	}
	s := line(*value)
	if s == "" {
		u.delete(field)
		return
	}
	it := &soap.CalendarItem{}
	into(it, s)
	u.set(field, it)
}

// own writes what is the owner's alone.
func (u *updating) own(ch portal.AppointmentChange, knowsElsewhere bool) {
	if ch.Show != nil {
		u.set("calendar:LegacyFreeBusyStatus", &soap.CalendarItem{LegacyFreeBusyStatus: legacy(*ch.Show, knowsElsewhere)})
	}
	if ch.Private != nil {
		it := &soap.CalendarItem{}
		it.Sensitivity = sensitivity(*ch.Private)
		u.set("item:Sensitivity", it)
	}
	if ch.ReminderMinutes != nil {
		set := *ch.ReminderMinutes != nil
		it := &soap.CalendarItem{}
		it.ReminderIsSet = &set
		u.set("item:ReminderIsSet", it)
		if set {
			it := &soap.CalendarItem{}
			it.ReminderMinutesBeforeStart = minutes(**ch.ReminderMinutes)
			u.set("item:ReminderMinutesBeforeStart", it)
		}
	}
	if ch.Categories != nil {
		it := &soap.CalendarItem{}
		if it.Categories = sayables(*ch.Categories); len(it.Categories) == 0 {
			u.delete("item:Categories")
		} else {
			u.set("item:Categories", it)
		}
	}
}

// attendees writes the lists that differ.
func (u *updating) attendees(before, after []portal.Attendee) {
	for _, l := range []struct {
		role  portal.AttendeeRole
		field string
		into  func(*soap.CalendarItem, []soap.Attendee)
	}{
		{portal.RoleRequired, "calendar:RequiredAttendees", func(it *soap.CalendarItem, list []soap.Attendee) { it.RequiredAttendees = list }},
		{portal.RoleOptional, "calendar:OptionalAttendees", func(it *soap.CalendarItem, list []soap.Attendee) { it.OptionalAttendees = list }},
		{portal.RoleResource, "calendar:Resources", func(it *soap.CalendarItem, list []soap.Attendee) { it.Resources = list }},
	} {
		was, is := inRole(before, l.role), inRole(after, l.role)
		switch {
		case sameAttendees(was, is):
		case len(is) == 0:
			u.delete(l.field)
		default:
			it := &soap.CalendarItem{}
			l.into(it, invited(is, l.role))
			u.set(l.field, it)
		}
	}
}

func inRole(list []portal.Attendee, role portal.AttendeeRole) []portal.Attendee {
	var out []portal.Attendee
	for _, a := range list {
		if a.Role == "" {
			a.Role = portal.RoleRequired
		}
		if a.Role == role && a.Email != "" {
			out = append(out, a)
		}
	}
	return out
}

// times writes start, end, all-day and zones together, and the rule where the series' beginning moves.
func (u *updating) times(b base, ch portal.AppointmentChange, o portal.WriteOptions) error {
	was := b.Appointment
	is := changedTimes(was, ch)
	if is.TimeZone == "" {
		is.TimeZone = o.Zone
	}
	t, err := timesOf(is.Start, is.End, is.AllDay, is.TimeZone)
	if err != nil {
		return err
	}
	if ch.Start != nil || ch.End != nil || ch.AllDay != nil || ch.TimeZone != nil {
		u.set("calendar:Start", &soap.CalendarItem{Start: soap.At(t.start)})
		u.set("calendar:End", &soap.CalendarItem{End: soap.At(t.end)})
		u.set("calendar:IsAllDayEvent", &soap.CalendarItem{IsAllDayEvent: &t.allDay})
		if !b.occurrence || ch.TimeZone != nil { // an occurrence is in the zone of its series
			u.set("calendar:StartTimeZone", &soap.CalendarItem{StartTimeZone: t.zone})
			u.set("calendar:EndTimeZone", &soap.CalendarItem{EndTimeZone: t.zone})
		}
	}
	if b.occurrence {
		if ch.Recurrence != nil {
			return portal.Fail(portal.ErrInvalid, "calendar.recurrence")
		}
		return nil
	}
	return u.rule(was, is, ch, t)
}

// rule writes the recurrence: the one that the change names, or the old one moved along with the series' beginning.
func (u *updating) rule(was, is portal.Appointment, ch portal.AppointmentChange, t times) error {
	text := was.Recurrence
	if ch.Recurrence != nil {
		text = *ch.Recurrence
	}
	if text == "" {
		if was.Recurrence != "" {
			u.delete("calendar:Recurrence")
		}
		return nil
	}
	rule, err := recurrence.Parse(text)
	if err != nil {
		return portal.Fail(portal.ErrInvalid, "calendar.recurrence").Because(err)
	}
	if ch.Recurrence == nil {
		old, err := timesOf(was.Start, was.End, was.AllDay, was.TimeZone)
		if err != nil {
			return err
		}
		rule = rule.Moved(old.local(was.Start), t.local(is.Start))
	}
	form := recurrence.Zoned
	if t.allDay {
		form = recurrence.Dates
	}
	r, err := toRecurrence(rule.Conform(t.local(is.Start), form), t.local(is.Start), t.allDay)
	if err != nil {
		return err
	}
	u.set("calendar:Recurrence", &soap.CalendarItem{Recurrence: r})
	return nil
}

// changedTimes are the times after a change. A new start without an end keeps the length.
func changedTimes(a portal.Appointment, ch portal.AppointmentChange) portal.Appointment {
	length := a.End.Sub(a.Start)
	if ch.AllDay != nil {
		a.AllDay = *ch.AllDay
	}
	if ch.TimeZone != nil {
		a.TimeZone = *ch.TimeZone
	}
	if ch.Start != nil {
		a.Start = *ch.Start
		a.End = a.Start.Add(length)
	}
	if ch.End != nil {
		a.End = *ch.End
	}
	return a
}
