package crm

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

// Catalogue keys of this room; what CRM and the calendar refuse alike has the calendar's.
const (
	keyNotFound  = "calendar.not-found"
	keyConflict  = "calendar.conflict"
	keyGone      = "calendar.gone"
	keyOrganizer = "calendar.not-organizer"
	keyForbidden = "crm.forbidden"      // no part of theirs
	keyTaken     = "crm.id-taken"       // the ID names something else
	keyMailbox   = "crm.answer-mailbox" // who has a mailbox answers there
	keyStub      = "crm.stub"           // organised outside: read only
	keyAdmin     = "crm.admin"          // for administrators
)

// Bounds of what people can write: those of the calendar, so that all that is kept here can be kept there.
const (
	MaxSubject    = 255
	MaxLocation   = 255
	MaxBody       = 1 << 20
	MaxAttendees  = 500
	MaxAttachment = 10 << 20
	// MaxTies is how many people, and how many companies, an appointment can be tied to; MaxFiles how many files it can have.
	MaxTies  = 100
	MaxFiles = 50
	// MaxWindow bounds a view.
	MaxWindow     = 400 * 24 * time.Hour
	maxCategories = 50
	maxReminder   = 4 * 7 * 24 * 60 // minutes
	maxID         = 64
	maxName       = 255
	// maxNested is how deep distribution lists may lie within each other.
	maxNested = 5
)

func bad(key string) *portal.Error { return portal.Fail(portal.ErrInvalid, key) }

// chosenID is the ID of a record for what a caller chose: with CRMPrefix before it, where it is not there.
func chosenID(id string) (string, error) {
	if id == "" {
		return newID(), nil
	}
	if !strings.HasPrefix(id, portal.CRMPrefix) {
		id = portal.CRMPrefix + id
	}
	if len(id) == len(portal.CRMPrefix) || len(id) > maxID {
		return "", bad("calendar.id")
	}
	for _, r := range id {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' {
			return "", bad("calendar.id")
		}
	}
	return id, nil
}

// checked makes an appointment of an owner fit to be stored, or says what is wrong with it.
func (s *Service) checked(ctx context.Context, me, owner portal.Address, a portal.Appointment) (portal.Appointment, error) {
	a.Subject, a.Location = line(a.Subject), line(a.Location)
	switch {
	case !written(a.Subject), !written(a.Location), !written(a.Body):
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
	switch a.Show {
	case portal.ShowFree, portal.ShowTentative, portal.ShowBusy, portal.ShowOOF, portal.ShowElsewhere:
	case "":
		a.Show = portal.ShowBusy
		if a.AllDay {
			a.Show = portal.ShowFree
		}
	default:
		return a, bad("calendar.show")
	}
	if a.TimeZone == "" {
		a.TimeZone = s.o.zone(ctx, me).String()
	}
	if name, ok := zone.Canonical(a.TimeZone); ok {
		a.TimeZone = name
	} else if _, err := zone.Load(a.TimeZone); err != nil {
		return a, bad("time-zone").Because(err)
	}
	a, err := series.Timed(a)
	if err != nil {
		return a, err
	}
	return s.invited(ctx, me, owner, a)
}

// line is a text as one line.
func line(text string) string {
	return strings.TrimSpace(strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ").Replace(text))
}

// written reports whether a text can be kept.
func written(text string) bool { return utf8.ValidString(text) && !strings.ContainsRune(text, 0) }

// invited checks and completes those who are invited: each once, by e-mail address, lists by their members, without the owner.
func (s *Service) invited(ctx context.Context, me, owner portal.Address, a portal.Appointment) (portal.Appointment, error) {
	d, err := s.directory(ctx)
	if err != nil {
		return a, err
	}
	all, err := s.expanded(ctx, me, a.Attendees, 0)
	if err != nil {
		return a, err
	}
	own := s.attendee(ctx, d, portal.Attendee{URI: owner})
	var list []portal.Attendee
	for _, p := range all {
		p = s.attendee(ctx, d, p)
		if !mailable(p.Email) {
			return a, bad("calendar.attendee").With("who", p.Email)
		}
		if p.URI == owner || strings.EqualFold(p.Email, own.Email) ||
			slices.ContainsFunc(list, func(o portal.Attendee) bool { return strings.EqualFold(o.Email, p.Email) }) {
			continue
		}
		list = append(list, p)
	}
	if len(list) > MaxAttendees {
		return a, bad("calendar.attendees-many")
	}
	a.Attendees = list
	a.Meeting = len(list) > 0
	return a, nil
}

// mailable reports whether a text can be an e-mail address.
func mailable(email string) bool {
	at := strings.IndexByte(email, '@')
	return at >= 1 && at < len(email)-1 && !strings.ContainsAny(email, " <>,;\r\n\t") && len(email) <= 254
}

// expanded puts the members of distribution lists in the lists' places.
func (s *Service) expanded(ctx context.Context, me portal.Address, list []portal.Attendee, depth int) ([]portal.Attendee, error) {
	if !slices.ContainsFunc(list, func(p portal.Attendee) bool { return p.List }) {
		return list, nil
	}
	if s.o.Expand == nil || depth == maxNested {
		return nil, portal.Fail(portal.ErrUnavailable, "crm.list")
	}
	var out []portal.Attendee
	for _, p := range list {
		if !p.List {
			out = append(out, p)
			continue
		}
		members, err := s.o.Expand(ctx, me, p.Email)
		if err == nil {
			members, err = s.expanded(ctx, me, members, depth+1)
		}
		if err != nil {
			return nil, portal.Fail(portal.ErrUnavailable, "crm.list").Because(err)
		}
		for _, m := range members {
			if p.Role != "" {
				m.Role = p.Role
			}
			out = append(out, m)
		}
		if len(out) > 4*MaxAttendees { // each counts once in the end, but nobody has to wait for a list of all the world
			return nil, bad("calendar.attendees-many")
		}
	}
	return out, nil
}

// attendee completes somebody by the CRM users and the address book: with a URI where they are a CRM user, without one else.
func (s *Service) attendee(ctx context.Context, d *directory, p portal.Attendee) portal.Attendee {
	p.Email, p.Name = strings.TrimSpace(p.Email), strings.TrimSpace(p.Name)
	if p.URI == "" && p.Email != "" {
		if u, ok := d.email[strings.ToLower(p.Email)]; ok {
			p.URI = u.Address
		} else {
			p.URI = s.o.Find(p.Email)
		}
	}
	user, ok := d.address[p.URI]
	if ok && p.Email == "" {
		p.Email = user.Email
	}
	if p.Name == "" && ok {
		p.Name = user.Name()
	}
	if p.URI != "" && (p.Email == "" || p.Name == "") {
		found := s.o.Lookup(ctx, p.URI)
		if p.Email == "" {
			p.Email = found.Email
		}
		if p.Email == "" {
			p.Email = p.URI.Bare()
		}
		if p.Name == "" {
			p.Name = found.DisplayName
		}
	}
	if !ok {
		p.URI = ""
	}
	switch p.Role {
	case portal.RoleRequired, portal.RoleOptional, portal.RoleResource:
	default:
		p.Role = portal.RoleRequired
	}
	if p.Response == "" {
		p.Response = portal.ResponseNone
	}
	p.List = false
	return p
}

// settle brings what follows from other fields of a record in line with them.
func settle(r *portal.CRMAppointment) {
	r.Source, r.Mine, r.Masked, r.Response = portal.SourceCRM, !r.Stub, false, portal.ResponseOrganizer
	r.RemoteID, r.ChangeKey, r.ChangeID, r.DoneID, r.Version, r.Sync = "", "", "", "", "", portal.SyncState{}
	r.BodyHTML, r.Series, r.RecurrenceID = "", "", time.Time{}
	r.Kind = portal.KindSingle
	if r.Recurrence != "" {
		r.Kind = portal.KindMaster
	} else {
		r.Exceptions, r.Deleted = nil, nil
	}
	r.Meeting = len(r.Attendees) > 0
	r.Attachments = make([]portal.Attachment, len(r.Kept))
	for i, f := range r.Kept {
		r.Attachments[i] = f.Attachment
	}
	for i := range r.Exceptions {
		x := &r.Exceptions[i]
		x.ID, x.Series, x.Calendar, x.UID, x.Recurrence, x.Source = portal.OccurrenceID(r.ID, x.RecurrenceID), r.ID, r.Calendar, r.UID, r.Recurrence, portal.SourceCRM
		x.Kind, x.Mine, x.Masked, x.Response, x.Meeting = portal.KindException, r.Mine, false, r.Response, len(x.Attendees) > 0
		x.Organizer, x.People, x.Companies, x.Attachments = r.Organizer, r.People, r.Companies, r.Attachments
		x.Version, x.Sync, x.BodyHTML = "", portal.SyncState{}, ""
		if x.Status == "" || x.Status == portal.StatusConfirmed {
			x.Status = r.Status
		}
	}
	slices.SortFunc(r.Exceptions, func(a, b portal.Appointment) int { return a.RecurrenceID.Compare(b.RecurrenceID) })
	slices.SortFunc(r.Deleted, time.Time.Compare)
	r.Deleted = slices.CompactFunc(r.Deleted, time.Time.Equal)
}

// over reports whether a record has ended for good.
func over(r *portal.CRMAppointment, now time.Time) bool {
	_, until := series.Span(&r.Entry)
	return !until.After(now)
}
