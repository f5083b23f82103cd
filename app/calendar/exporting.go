package calendar

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"portico/app/calendar/ical"
	"portico/app/calendar/series"
	"portico/app/portal"
)

// iCalendar: files in and out, and the private address under which a calendar can be subscribed to.

const (
	// MaxImport is the size of the largest file that can be imported, in bytes.
	MaxImport = 8 << 20
	// maxExport bounds the window of an export, maxExported the entries in it.
	maxExport   = 10 * 366 * 24 * time.Hour
	maxExported = 20_000
	// subscribedBack and subscribedAhead are what a subscriber sees.
	subscribedBack  = 90 * 24 * time.Hour
	subscribedAhead = 2 * 366 * 24 * time.Hour
	// linkNoted is how exactly it is kept when a subscribe address was last used.
	linkNoted = time.Hour
)

// ImportResult is what became of an imported file.
type ImportResult struct {
	// Added are new entries; Present those whose UID is there already; Refused those that cannot be kept, each with why.
	Added   int
	Present int
	Refused []Refusal
}

// Refusal is an imported entry that was not taken.
type Refusal struct {
	Subject string
	// Reason is a catalogue key.
	Reason string
}

// Export writes what touches from ≤ t < to (series whole) as iCalendar.
func (s *Service) Export(ctx context.Context, me, of portal.Address, from, to time.Time) ([]byte, error) {
	if !to.After(from) || to.Sub(from) > maxExport {
		return nil, bad("calendar.window")
	}
	l, m, err := s.opened(ctx, me, of)
	if err != nil {
		return nil, err
	}
	if m.Forbidden {
		return nil, portal.Fail(portal.ErrForbidden, keyForbidden)
	}
	if !m.Loaded && !s.alone(l, m) {
		return nil, portal.Fail(portal.ErrUnavailable, keyReading)
	}
	return s.written(ctx, l.key, from, to)
}

func (s *Service) written(ctx context.Context, key portal.CalendarKey, from, to time.Time) ([]byte, error) {
	entries, err := s.whole(ctx, key, from, to)
	if err != nil {
		return nil, err
	}
	if len(entries) > maxExported {
		return nil, portal.Fail(portal.ErrTooMany, "calendar.export-many")
	}
	for i := range entries {
		s.maskEntry(key, &entries[i])
	}
	return ical.Encode(entries, ical.Options{Now: s.o.Now(), Name: s.o.Lookup(ctx, key.Owner).DisplayName})
}

// maskEntry masks an entry and each of its exceptions by its own mark; of a masked series all of them.
func (s *Service) maskEntry(key portal.CalendarKey, e *portal.Entry) {
	s.mask(key, &e.Appointment)
	for i := range e.Exceptions {
		if x := &e.Exceptions[i]; e.Masked {
			masked(x)
		} else {
			s.mask(key, x)
		}
	}
}

// ExportOne writes one appointment, of a series all of it, as iCalendar.
func (s *Service) ExportOne(ctx context.Context, me, of portal.Address, id string) ([]byte, error) {
	if s.x == nil {
		return nil, portal.Fail(portal.ErrUnavailable, keyNone)
	}
	if s.recorded(id) {
		return s.exportRecord(ctx, me, of, id)
	}
	key := portal.CalendarKey{Reader: me, Owner: of}
	entry, _ := portal.SplitOccurrenceID(id)
	intents, err := s.s.CalendarIntents(ctx, key, entry)
	if err != nil {
		return nil, err
	}
	e, err := s.shown(ctx, key, entry, intents)
	if err != nil {
		return nil, err
	}
	s.maskEntry(key, &e)
	return ical.Encode([]portal.Entry{e}, ical.Options{Now: s.o.Now()})
}

// OverviewCalendar writes the meetings of an overview as iCalendar: each occurrence by itself, with the answers.
func (s *Service) OverviewCalendar(o Overview) ([]byte, error) {
	entries := make([]portal.Entry, 0, len(o.Meetings))
	for _, m := range o.Meetings {
		a := m.Appointment
		if !a.RecurrenceID.IsZero() { // one of a series stands for itself here
			a.UID += "-" + series.Stamp(a.RecurrenceID)
			a.Recurrence, a.RecurrenceID, a.Series = "", time.Time{}, ""
		}
		entries = append(entries, portal.Entry{Appointment: a})
	}
	return ical.Encode(entries, ical.Options{Now: s.o.Now(), Name: "Portico"})
}

// Import adds the appointments of an iCalendar file to the person's own calendar. Nobody is ever mailed: people who were invited are
// kept in the text, not as attendees. At most MaxImport bytes. What is accepted is sent like any other change.
func (s *Service) Import(ctx context.Context, me portal.Address, data []byte) (ImportResult, error) {
	var out ImportResult
	if len(data) > MaxImport {
		return out, bad("calendar.import-large")
	}
	_, m, err := s.opened(ctx, me, me)
	if err != nil {
		return out, err
	}
	if !m.Loaded {
		return out, portal.Fail(portal.ErrUnavailable, keyReading)
	}
	read, err := ical.Decode(data, ical.Reading{Zone: s.o.Zone(ctx, me)})
	if err != nil {
		return out, err
	}
	for _, p := range read.Problems {
		out.Refused = append(out.Refused, Refusal{Subject: p.Subject, Reason: p.Reason})
	}
	l, release, err := s.openHeld(me, me)
	if err != nil {
		return out, err
	}
	defer release()
	done, err := l.edits.take(ctx)
	if err != nil {
		return out, err
	}
	defer done()
	list, err := s.imported(ctx, l, read.Entries, &out)
	if err != nil || len(list) == 0 {
		return out, err
	}
	if _, err := s.s.AddIntents(ctx, list, many(l.key)); err != nil {
		return ImportResult{}, err
	}
	l.urge()
	s.tellStatus(ctx, me)
	return out, nil
}

// imported makes the intents of a file's entries: those whose UID is neither in the calendar nor on its way there.
func (s *Service) imported(ctx context.Context, l *lane, entries []portal.Entry, out *ImportResult) ([]portal.Intent, error) {
	uids := make([]string, len(entries))
	for i := range entries {
		uids[i] = entries[i].UID
	}
	present, err := s.s.CalendarUIDs(ctx, l.key, uids)
	if err != nil {
		return nil, err
	}
	intents, err := s.s.CalendarIntents(ctx, l.key, "")
	if err != nil {
		return nil, err
	}
	for _, in := range intents {
		if in.Kind == portal.IntentCreate {
			present[in.Appointment.UID] = in.Entry
		}
	}
	room := s.o.MaxIntents - len(intents)
	var list []portal.Intent
	for _, e := range entries {
		if _, ok := present[e.UID]; ok {
			out.Present++
			continue
		}
		made, err := s.importedOne(ctx, l, e)
		if err == nil && len(list)+len(made) > room {
			err = portal.Fail(portal.ErrTooMany, keyTooMany)
		}
		if err != nil {
			out.Refused = append(out.Refused, Refusal{Subject: e.Subject, Reason: portal.Reason(err)})
			continue
		}
		present[e.UID] = e.ID
		out.Added++
		list = append(list, made...)
	}
	return list, nil
}

// importedOne makes the intents of one entry: to create it, then to delete and change single occurrences of it.
func (s *Service) importedOne(ctx context.Context, l *lane, e portal.Entry) ([]portal.Intent, error) {
	a := e.Appointment
	a.ID, a.Attachments = "", nil
	a.Body = withPeople(a)
	a.Attendees, a.Meeting, a.Organizer = nil, false, portal.Attendee{}
	cancelled := a.Status == portal.StatusCancelled
	a, err := s.fresh(ctx, l.key.Reader, l.key.Owner, a)
	if err != nil {
		return nil, err
	}
	if cancelled {
		return nil, bad("calendar.import-cancelled")
	}
	in := s.intent(ctx, l, portal.IntentCreate, "")
	a.ID = entryID(l.key, in.ID)
	if a.UID == "" {
		a.UID = in.ID
	}
	in.Entry, in.Appointment = a.ID, &a
	list := []portal.Intent{in}
	for _, d := range e.Deleted {
		del := s.intent(ctx, l, portal.IntentDelete, a.ID)
		del.Occurrence = d
		list = append(list, del)
	}
	for i := range e.Exceptions {
		x := e.Exceptions[i]
		x.Subject, x.Location, x.Body, x.Attendees = strings.TrimSpace(x.Subject), strings.TrimSpace(x.Location), withPeople(x), nil
		if x.Show == "" {
			x.Show = a.Show
		}
		ch := series.Difference(&a, &x)
		if ch.Empty() {
			continue
		}
		mod := s.intent(ctx, l, portal.IntentChange, a.ID)
		mod.Change = &ch
		list = append(list, mod)
	}
	return list, nil
}

// withPeople is an appointment's text with those who were invited to it.
func withPeople(a portal.Appointment) string {
	var people []string
	add := func(p portal.Attendee) {
		if p.Email != "" || p.Name != "" {
			text := strings.TrimSpace(p.Name + " <" + p.Email + ">")
			if !slices.Contains(people, text) {
				people = append(people, text)
			}
		}
	}
	add(a.Organizer)
	for _, p := range a.Attendees {
		add(p)
	}
	if len(people) < 2 {
		return a.Body
	}
	return strings.TrimSpace(a.Body + "\n\n" + strings.Join(people, "\n"))
}

// Link tells whether the person has a subscribe address and since when; ErrNotFound where they have none. Its token cannot be read again.
func (s *Service) Link(ctx context.Context, me portal.Address) (portal.CalendarLink, error) {
	return s.s.CalendarLink(ctx, me)
}

// NewLink makes a subscribe address in place of the one before and gives its token, of which only the hash is kept.
func (s *Service) NewLink(ctx context.Context, me portal.Address) (token string, err error) {
	token = strings.ToLower(rand.Text() + rand.Text()) // 260 bits
	l := portal.CalendarLink{Person: me, Hash: hashed(token), CreatedAt: s.o.Now().UTC()}
	if err := s.s.SaveCalendarLink(ctx, l); err != nil {
		return "", err
	}
	return token, nil
}

// RevokeLink ends the subscribe address.
func (s *Service) RevokeLink(ctx context.Context, me portal.Address) error {
	return s.s.DeleteCalendarLink(ctx, me)
}

// Subscribed is the calendar of a subscribe address as iCalendar, from 90 days back to two years ahead; ErrNotFound for a
// token that is none (any more). Private appointments are shown as taken time: the address may be known to more than one.
func (s *Service) Subscribed(ctx context.Context, token string) ([]byte, error) {
	if len(token) < 20 || len(token) > 128 {
		return nil, portal.Fail(portal.ErrNotFound, "calendar.no-link")
	}
	link, err := s.s.FindCalendarLink(ctx, hashed(token))
	if err != nil {
		return nil, err
	}
	now := s.o.Now()
	if now.Sub(link.UsedAt) > linkNoted {
		if err := s.s.NoteCalendarLink(ctx, link.Hash, now.UTC()); err != nil {
			s.o.Logger.WarnContext(ctx, "calendar: use of a subscribe address not noted", "of", link.Person, "err", err)
		}
	}
	l, m, err := s.opened(ctx, link.Person, link.Person)
	if err != nil {
		return nil, err
	}
	if !m.Loaded && !s.alone(l, m) {
		return nil, portal.Fail(portal.ErrUnavailable, keyReading)
	}
	entries, err := s.whole(ctx, l.key, now.Add(-subscribedBack), now.Add(subscribedAhead))
	if err != nil {
		return nil, err
	}
	for i := range entries {
		if entries[i].Private {
			masked(&entries[i].Appointment)
		}
		for j := range entries[i].Exceptions {
			if x := &entries[i].Exceptions[j]; x.Private || entries[i].Private {
				masked(x)
			}
		}
	}
	return ical.Encode(entries, ical.Options{Now: now, Name: s.o.Lookup(ctx, link.Person).DisplayName})
}

func hashed(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}
