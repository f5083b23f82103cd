package calendar

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"portico/app/calendar/series"
	"portico/app/calendar/zone"
	"portico/app/portal"
)

// Bounds of what people can write. Those of texts are Exchange's own.
const (
	MaxSubject    = 255
	MaxLocation   = 255
	MaxBody       = 1 << 20
	MaxAttendees  = 500
	maxCategories = 50
	maxReminder   = 4 * 7 * 24 * 60 // minutes
	maxID         = 64
)

func bad(key string) *portal.Error { return portal.Fail(portal.ErrInvalid, key) }

// validID reports whether an ID chosen by a client can be one.
func validID(id string) bool {
	if id == "" || len(id) > maxID {
		return false
	}
	for _, r := range id {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' {
			return false
		}
	}
	return true
}

// checked makes an appointment fit to be stored, or says what is wrong with it.
func (s *Service) checked(ctx context.Context, me portal.Address, a portal.Appointment) (portal.Appointment, error) {
	a.Subject, a.Location = strings.TrimSpace(a.Subject), strings.TrimSpace(a.Location)
	switch {
	case !utf8.ValidString(a.Subject + a.Location + a.Body), strings.ContainsRune(a.Subject+a.Location+a.Body, 0):
		return a, bad("calendar.text")
	case utf8.RuneCountInString(a.Subject) > MaxSubject:
		return a, bad("calendar.subject-long")
	case utf8.RuneCountInString(a.Location) > MaxLocation:
		return a, bad("calendar.location-long")
	case len(a.Body) > MaxBody:
		return a, bad("calendar.body-long")
	case len(a.Categories) > maxCategories:
		return a, bad("calendar.categories")
	case a.ReminderMinutes != nil && (*a.ReminderMinutes < 0 || *a.ReminderMinutes > maxReminder):
		return a, bad("calendar.reminder")
	}
	if a.TimeZone == "" {
		a.TimeZone = s.o.Zone(ctx, me).String()
	}
	name, ok := zone.Canonical(a.TimeZone)
	if !ok {
		if _, err := zone.Load(a.TimeZone); err != nil {
			return a, bad("time-zone").Because(err)
		}
		name = a.TimeZone
	}
	a.TimeZone = name
	a, err := series.Timed(a)
	if err != nil {
		return a, err
	}
	return s.invited(ctx, a)
}

// invited checks and completes those who are invited: each once, by e-mail address.
func (s *Service) invited(ctx context.Context, a portal.Appointment) (portal.Appointment, error) {
	if len(a.Attendees) > MaxAttendees {
		return a, bad("calendar.attendees-many")
	}
	var list []portal.Attendee
	for _, p := range a.Attendees {
		p = s.known(ctx, p)
		if at := strings.IndexByte(p.Email, '@'); at < 1 || at == len(p.Email)-1 || strings.ContainsAny(p.Email, " <>,;\r\n\t") || len(p.Email) > 254 {
			return a, bad("calendar.attendee").With("who", p.Email)
		}
		switch p.Role {
		case portal.RoleRequired, portal.RoleOptional, portal.RoleResource:
		default:
			p.Role = portal.RoleRequired
		}
		if slices.ContainsFunc(list, func(o portal.Attendee) bool { return strings.EqualFold(o.Email, p.Email) }) {
			continue
		}
		list = append(list, p)
	}
	a.Attendees = list
	a.Meeting = len(list) > 0
	return a, nil
}

// known completes somebody by the address book.
func (s *Service) known(ctx context.Context, p portal.Attendee) portal.Attendee {
	p.Email, p.Name = strings.TrimSpace(p.Email), strings.TrimSpace(p.Name)
	if p.Email == "" && p.URI != "" {
		p.Email = s.emailOf(ctx, p.URI)
	}
	if p.URI == "" {
		p.URI = s.o.Find(p.Email)
	}
	if p.Name == "" && p.URI != "" {
		p.Name = s.o.Lookup(ctx, p.URI).DisplayName
	}
	if p.Response == "" {
		p.Response = portal.ResponseNone
	}
	return p
}

// emailOf is a person's e-mail address: what the address book says, else their SIP address without its scheme.
func (s *Service) emailOf(ctx context.Context, who portal.Address) string {
	if mail := s.o.Lookup(ctx, who).Email; mail != "" {
		return mail
	}
	return who.Bare()
}

// fresh completes a new appointment of a calendar's owner.
func (s *Service) fresh(ctx context.Context, me, of portal.Address, a portal.Appointment) (portal.Appointment, error) {
	if a.ID != "" && !validID(a.ID) {
		return a, bad("calendar.id")
	}
	a, err := s.checked(ctx, me, a)
	if err != nil {
		return a, err
	}
	email := s.emailOf(ctx, of)
	a.Attendees = slices.DeleteFunc(a.Attendees, func(p portal.Attendee) bool { return strings.EqualFold(p.Email, email) })
	a.Meeting = len(a.Attendees) > 0
	a.Calendar, a.Mine, a.Response, a.Status, a.Source = of, true, portal.ResponseOrganizer, portal.StatusConfirmed, portal.SourceExchange
	a.Organizer = s.known(ctx, portal.Attendee{URI: of, Email: email, Role: portal.RoleRequired, Response: portal.ResponseOrganizer})
	a.Kind, a.Series, a.RecurrenceID, a.Masked, a.Sequence = portal.KindSingle, "", time.Time{}, false, 0
	if a.Recurrence != "" {
		a.Kind = portal.KindMaster
	}
	switch a.Show {
	case portal.ShowFree, portal.ShowTentative, portal.ShowBusy, portal.ShowOOF, portal.ShowElsewhere:
	case "":
		a.Show = portal.ShowBusy
		if a.AllDay { // as Outlook does
			a.Show = portal.ShowFree
		}
	default:
		return a, bad("calendar.show")
	}
	for i := range a.Attendees {
		p := &a.Attendees[i]
		p.Response, p.RespondedAt, p.Comment, p.ProposedStart, p.ProposedEnd = portal.ResponseNone, time.Time{}, "", time.Time{}, time.Time{}
	}
	return a, nil
}
