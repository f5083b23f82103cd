package merge

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"portico/app/portal"
)

// From Contents to changes: what has to be written so that one becomes the other.

// changeTo is the change that makes one Content another; Occurrence is set where it is about one.
func changeTo(from, to *Content, occurrence string) portal.AppointmentChange {
	ch := portal.AppointmentChange{}
	differ(&ch.Subject, from.Subject, to.Subject)
	differ(&ch.Location, from.Location, to.Location)
	differ(&ch.Body, from.Body, to.Body)
	differ(&ch.Show, from.Show, to.Show)
	differ(&ch.Private, from.Private, to.Private)
	if !sameReminder(from.Reminder, to.Reminder) {
		r := to.Reminder
		ch.ReminderMinutes = &r
	}
	if !slices.EqualFunc(from.Categories, to.Categories, strings.EqualFold) {
		list := append([]string{}, to.Categories...)
		ch.Categories = &list
	}
	if !sameWhen(from, to) {
		when(&ch, from, to)
	}
	if !sameList(from.Attendees, to.Attendees) {
		people(&ch, from, to)
	}
	if t, err := ParseStamp(occurrence); occurrence != "" && err == nil && !ch.Empty() {
		ch.Scope, ch.Occurrence = portal.ScopeOne, t
	}
	return ch
}

// either is what either of two changes to the same says.
func either(a, b portal.AppointmentChange) portal.AppointmentChange {
	if a.Empty() {
		return b
	}
	more(&a.Subject, b.Subject)
	more(&a.Location, b.Location)
	more(&a.Body, b.Body)
	more(&a.Show, b.Show)
	more(&a.Private, b.Private)
	more(&a.ReminderMinutes, b.ReminderMinutes)
	more(&a.Categories, b.Categories)
	if a.Start == nil {
		a.Start, a.End, a.AllDay, a.TimeZone = b.Start, b.End, b.AllDay, b.TimeZone
	}
	if a.Attendees == nil {
		a.Attendees, a.Known = b.Attendees, b.Known
	} else {
		a.Known = append(a.Known, b.Known...)
	}
	return a
}

func more[T any](to **T, from *T) {
	if *to == nil {
		*to = from
	}
}

func differ[T comparable](field **T, from, to T) {
	if from != to {
		*field = &to
	}
}

// when names all of the times at once: a start without its end or zone has moved meetings by hours.
func when(ch *portal.AppointmentChange, from, to *Content) {
	start, end, allDay := to.Start, to.End, to.AllDay
	ch.Start, ch.End, ch.AllDay = &start, &end, &allDay
	if !to.AllDay && to.TimeZone != "" && !(from.TimeZone != "" && sameZone(from.TimeZone, to.TimeZone, to.Start)) {
		zone := to.TimeZone
		ch.TimeZone = &zone
	}
	if from.Recurrence != "" || to.Recurrence != "" {
		rule := to.Recurrence
		ch.Recurrence = &rule
	}
}

// people names the whole list, and whom its author knew: those that are on it now.
func people(ch *portal.AppointmentChange, from, to *Content) {
	list := make([]portal.Attendee, 0, len(to.Attendees))
	for _, p := range to.Attendees {
		if p.Email != "" {
			list = append(list, p.attendee())
		}
	}
	ch.Attendees, ch.Known = &list, []string{}
	for _, p := range from.Attendees {
		ch.Known = append(ch.Known, p.Email)
	}
}

// attendee is a person as a list of attendees has them.
func (p Person) attendee() portal.Attendee {
	a := portal.Attendee{Name: p.Name, Email: p.Email, Role: p.Role, Response: p.Response, List: p.List}
	if strings.HasPrefix(p.Key, "sip:") {
		a.URI = portal.Address(p.Key)
	}
	return a
}

// sameList tells whether two lists invite the same people in the same roles.
func sameList(a, b []Person) bool {
	return slices.EqualFunc(a, b, func(p, q Person) bool { return p.Key == q.Key && p.Role == q.Role })
}

// added tells whether a list invites somebody whom another does not.
func added(from, to []Person) bool {
	return slices.ContainsFunc(to, func(p Person) bool {
		return !slices.ContainsFunc(from, func(q Person) bool { return q.Key == p.Key })
	})
}

// changeID is the stamp of a change: the same for the same change of the same version, so that a retry finds its own work, and another
// for every other.
func changeID(r *portal.CRMAppointment, changeKey string, ch portal.AppointmentChange) (string, error) {
	data, err := json.Marshal(ch)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	h.Write([]byte(changeKey + "\x00"))
	h.Write(data)
	return r.ID + "." + itoa(r.Revision) + "." + hex.EncodeToString(h.Sum(nil)[:4]), nil
}

// Still is what an entry does not have yet of a change: of an earlier step's consequences, and of what a retry finds done, nothing is
// written twice. An empty change says that nothing is left.
func Still(entry portal.Entry, ch portal.AppointmentChange) portal.AppointmentChange {
	now := OfExchange(entry, Users{})
	if !ch.Occurrence.IsZero() {
		now = now.occurrence(Stamp(ch.Occurrence))
	}
	drop(&ch.Subject, func(v string) bool { return oneLine(v) == now.Subject })
	drop(&ch.Location, func(v string) bool { return oneLine(v) == now.Location })
	drop(&ch.Body, func(v string) bool { return paragraphs(v) == now.Body })
	drop(&ch.Show, func(v portal.FreeBusy) bool { return v == now.Show })
	drop(&ch.Private, func(v bool) bool { return v == now.Private })
	drop(&ch.ReminderMinutes, func(v *int) bool { return sameReminder(v, now.Reminder) })
	drop(&ch.Categories, func(v []string) bool { return slices.EqualFunc(tidyList(v), now.Categories, strings.EqualFold) })
	if ch.Attendees != nil {
		list := attendeesAt(entry, ch.Occurrence)
		if sameInvited(list, ch.AttendeesOver(list)) {
			ch.Attendees, ch.Known = nil, nil
		}
	}
	if ch.Timed() && ch.Start != nil && ch.End != nil && ch.AllDay != nil && ch.Recurrence == nil {
		after := now
		after.Start, after.End, after.AllDay = *ch.Start, *ch.End, *ch.AllDay
		if ch.TimeZone != nil {
			after.TimeZone, after.loc = zoneName(*ch.TimeZone), nil
		}
		if sameWhen(&now, &after) {
			ch.Start, ch.End, ch.AllDay, ch.TimeZone = nil, nil, nil, nil
		}
	}
	return ch
}

// StillThere tells whether an occurrence that is to be removed still takes place.
func StillThere(entry portal.Entry, occurrence time.Time) bool {
	return !slices.ContainsFunc(entry.Deleted, func(d time.Time) bool { return d.Equal(occurrence) })
}

// sameInvited tells whether two lists have the same addresses in the same roles.
func sameInvited(a, b []portal.Attendee) bool {
	roles := func(list []portal.Attendee) map[string]portal.AttendeeRole {
		out := map[string]portal.AttendeeRole{}
		for _, p := range list {
			if out[fold(p.Email)] = p.Role; p.Role == "" {
				out[fold(p.Email)] = portal.RoleRequired
			}
		}
		return out
	}
	return maps.Equal(roles(a), roles(b))
}

// attendeesAt is who is invited to an occurrence, of the zero time to the whole.
func attendeesAt(entry portal.Entry, occurrence time.Time) []portal.Attendee {
	for i := range entry.Exceptions {
		if entry.Exceptions[i].RecurrenceID.Equal(occurrence) {
			return entry.Exceptions[i].Attendees
		}
	}
	return entry.Attendees
}

func drop[T any](field **T, have func(T) bool) {
	if *field != nil && have(**field) {
		*field = nil
	}
}
