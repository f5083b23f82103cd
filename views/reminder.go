package views

import (
	"net/url"
	"strings"

	"portico/app/portal"
)

// snoozes are how long a reminder can be silenced, in minutes.
func snoozes() []int { return []int{5, 10, 15, 30, 60} }

func (r Reader) reminderSubject(e portal.ReminderEvent) string {
	return r.subject(portal.Appointment{Subject: e.Subject})
}

// reminderWhen is when what one is reminded of takes place, and where.
func (r Reader) reminderWhen(e portal.ReminderEvent) string {
	text := r.whenText(portal.Appointment{Start: e.Start, End: e.End, AllDay: e.AllDay})
	if where := strings.TrimSpace(e.Where); where != "" {
		text += " · " + where
	}
	return text
}

// fileAt is the address of an appointment's file, or of what is done with it.
func fileAt(me portal.Address, a portal.Appointment, id, what string) string {
	path := "attachments/" + url.PathEscape(id)
	if what != "" {
		path += "/" + what
	}
	return appointmentAt(me, a.Calendar, a.ID, path)
}
