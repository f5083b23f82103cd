package calendar

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"portico/app/calendar/series"
	"portico/app/portal"
)

// CRM and the mailboxes as one calendar: a meeting that both have is shown once, under an ID that stays.
//
// What was made in CRM is shown as CRM has it, and its copy in the mailbox is hidden; of that copy come the owner's own answer, reminder and
// categories, as of any invitation. What was made in Exchange is shown as the mailbox has it, with what CRM adds: ties, status, and
// whether both are in step. What the mailbox does not hold (yet), or whose owner has none, CRM shows by itself.

// CRM is the calendars that people keep in CRM. None of it but what has a me asks for a right: the service does that.
type CRM interface {
	// User gives a CRM user; ErrNotFound.
	User(ctx context.Context, who portal.Address) (portal.CRMUser, error)
	// Entries gives the living records of which anything may lie in from ≤ t < to, as they stand in of's calendar, without what of declined.
	Entries(ctx context.Context, of portal.Address, from, to time.Time) ([]portal.CRMAppointment, error)
	// Entry gives one of them, EntryByUID by its UID; ErrNotFound where it does not stand there.
	Entry(ctx context.Context, of portal.Address, id string) (portal.CRMAppointment, error)
	EntryByUID(ctx context.Context, of portal.Address, uid string) (portal.CRMAppointment, error)
	// Record gives a record as it is stored.
	Record(ctx context.Context, id string) (portal.CRMAppointment, error)

	Create(ctx context.Context, me portal.Address, key string, a portal.Appointment) (portal.CRMAppointment, error)
	Change(ctx context.Context, me portal.Address, id string, ch portal.AppointmentChange, version string) (portal.CRMAppointment, error)
	Remove(ctx context.Context, me portal.Address, id, version, comment string, scope portal.Scope) error
	Respond(ctx context.Context, me portal.Address, id string, r portal.Response, comment string, p portal.Proposal, scope portal.Scope) (portal.CRMAppointment, error)
	Attach(ctx context.Context, me portal.Address, id, name, contentType string, data []byte) (portal.CRMAppointment, error)
	Detach(ctx context.Context, me portal.Address, id, attachment string) (portal.CRMAppointment, error)
	Attachment(ctx context.Context, me portal.Address, id, attachment string) (io.ReadCloser, portal.Attachment, error)
}

// maxSought bounds the entries of a window that are looked for in CRM one by one.
const maxSought = 200

// recorded reports whether an ID is that of a record of CRM, which is then asked.
func (s *Service) recorded(id string) bool {
	return s.o.CRM != nil && strings.HasPrefix(id, portal.CRMPrefix)
}

// homeless reports whether the calendar's owner was found to have no mailbox.
func (l *lane) homeless() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.key.Own() && l.failures > 0 && errors.Is(l.why, portal.ErrNotFound)
}

// alone reports whether a person's calendar is in CRM alone: they have no mailbox, which is no trouble.
func (s *Service) alone(l *lane, m portal.Mirror) bool {
	return s.o.CRM != nil && !m.Loaded && l.homeless()
}

// unsynced reports whether somebody is a CRM user whose diary is in CRM alone, as far as CRM knows.
func (s *Service) unsynced(ctx context.Context, who portal.Address) bool {
	u, known := s.crmUser(ctx, who)
	return known && !u.Synced()
}

// synced reports whether somebody is a CRM user whose mailbox is kept in step.
func (s *Service) synced(ctx context.Context, who portal.Address) bool {
	u, known := s.crmUser(ctx, who)
	return known && u.Synced()
}

func (s *Service) crmUser(ctx context.Context, who portal.Address) (u portal.CRMUser, known bool) {
	if s.o.CRM == nil || who == "" {
		return u, false
	}
	u, err := s.o.CRM.User(ctx, who)
	if err != nil && !errors.Is(err, portal.ErrNotFound) {
		s.o.Logger.WarnContext(ctx, "calendar: a CRM user could not be read", "of", who, "err", err)
	}
	return u, err == nil
}

// healthOf is whether a calendar's server can be reached. Who has no mailbox misses none.
func (s *Service) healthOf(ctx context.Context, l *lane) portal.ExchangeEvent {
	ev := l.health()
	if s.o.CRM == nil || ev.State == "up" || !l.homeless() {
		return ev
	}
	m, err := s.s.CalendarMirror(ctx, l.key)
	if err != nil {
		s.o.Logger.WarnContext(ctx, "calendar: how far a calendar has been read is not known", "calendar", l.key.Owner, "err", err)
		return ev
	}
	if s.alone(l, m) {
		return portal.ExchangeEvent{State: "up"}
	}
	return ev
}

// joint is a calendar of both sides.
type joint struct {
	// mirrored are the mailbox's entries that are shown, records those of CRM.
	mirrored []portal.Entry
	records  []portal.CRMAppointment
	// known are the records of mirrored entries, by the entries' IDs.
	known map[string]portal.CRMAppointment
	// waiting are the IDs of records of which something in their owner's mailbox is still to be sent, or was refused.
	waiting map[string]bool
}

// join puts a mailbox's entries of a window and the records of CRM together, each meeting once.
func (s *Service) join(ctx context.Context, key portal.CalendarKey, entries []portal.Entry, from, to time.Time) (*joint, error) {
	j := &joint{mirrored: entries, known: map[string]portal.CRMAppointment{}, waiting: map[string]bool{}}
	if s.o.CRM == nil {
		return j, nil
	}
	records, err := s.o.CRM.Entries(ctx, key.Owner, from, to)
	if err != nil {
		return nil, err
	}
	if j.mirrored, records, err = s.matched(ctx, key, j, entries, records); err != nil {
		return nil, err
	}
	j.records, err = s.elsewhere(ctx, key, records)
	return j, err
}

// matched finds the records of entries, and tells which of the two is shown.
func (s *Service) matched(ctx context.Context, key portal.CalendarKey, j *joint, entries []portal.Entry, records []portal.CRMAppointment) ([]portal.Entry, []portal.CRMAppointment, error) {
	at := make(map[string]int, len(records))
	for i := range records {
		at[records[i].UID] = i
	}
	seek := maxSought
	if !s.synced(ctx, key.Owner) { // their mailbox has no copies
		seek = 0
	}
	drop := map[string]bool{}
	shown := make([]portal.Entry, 0, len(entries))
	for _, e := range entries {
		i, ok := at[e.UID]
		var r portal.CRMAppointment
		switch {
		case ok:
			r = records[i]
		case e.UID == "" || seek == 0:
			shown = append(shown, e)
			continue
		default: // its record may lie elsewhere, having just been moved, or have just been deleted
			seek--
			found, gone, err := s.soughtRecord(ctx, key.Owner, &e)
			if err != nil {
				return nil, nil, err
			}
			if gone {
				continue
			}
			if found == nil {
				shown = append(shown, e)
				continue
			}
			r = *found
		}
		if r.Origin != portal.SourceCRM {
			j.known[e.ID] = r
			drop[r.UID] = true
			shown = append(shown, e)
			continue
		}
		j.waiting[r.ID] = e.Sync.State != portal.SyncDone
		if ok {
			personal(&records[i], &e)
		}
	}
	records = slices.DeleteFunc(records, func(r portal.CRMAppointment) bool { return drop[r.UID] })
	return shown, records, nil
}

// soughtRecord is the record of a mailbox's entry, nil for none; gone: the entry is CRM's own work and was deleted there, which its
// mailbox has still to hear.
func (s *Service) soughtRecord(ctx context.Context, owner portal.Address, e *portal.Entry) (found *portal.CRMAppointment, gone bool, err error) {
	r, err := s.o.CRM.EntryByUID(ctx, owner, e.UID)
	if err == nil {
		return &r, false, nil
	}
	if !errors.Is(err, portal.ErrNotFound) {
		return nil, false, err
	}
	if !strings.HasPrefix(e.ChangeID, portal.CRMPrefix) {
		return nil, false, nil
	}
	r, err = s.o.CRM.Record(ctx, e.ChangeID)
	if errors.Is(err, portal.ErrNotFound) { // another portal's
		return nil, false, nil
	}
	return nil, err == nil && !r.Gone.IsZero() && r.UID == e.UID, err
}

// elsewhere leaves out what was made in Exchange and is in the mailbox, at another time than the record says: the mailbox is the truth.
func (s *Service) elsewhere(ctx context.Context, key portal.CalendarKey, records []portal.CRMAppointment) ([]portal.CRMAppointment, error) {
	var uids []string
	for i := range records {
		if records[i].Origin != portal.SourceCRM {
			uids = append(uids, records[i].UID)
		}
	}
	if len(uids) == 0 {
		return records, nil
	}
	held, err := s.s.CalendarUIDs(ctx, key, uids)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(records, func(r portal.CRMAppointment) bool { return r.Origin != portal.SourceCRM && held[r.UID] != "" }), nil
}

// personal gives a record what its copy in the mailbox says of the mailbox's owner alone.
func personal(r *portal.CRMAppointment, e *portal.Entry) {
	if e.Sync.State == portal.SyncPending || e.Sync.State == portal.SyncFailed {
		r.Sync = e.Sync
	}
	if r.Mine {
		return
	}
	own := func(to *portal.Appointment, of *portal.Appointment) {
		if of.Response != "" {
			to.Response = of.Response
		}
		to.Show, to.ReminderMinutes, to.Categories = of.Show, of.ReminderMinutes, of.Categories
	}
	own(&r.Appointment, &e.Appointment)
	for i := range r.Exceptions {
		own(&r.Exceptions[i], &e.Appointment)
	}
	for i := range e.Exceptions {
		if x := series.Changed(&r.Entry, e.Exceptions[i].RecurrenceID); x != nil {
			own(x, &e.Exceptions[i])
		}
	}
	if r.Recurrence != "" {
		for _, d := range e.Deleted { // what they took out of their own calendar
			r.Exceptions = slices.DeleteFunc(r.Exceptions, func(x portal.Appointment) bool { return x.RecurrenceID.Equal(d) })
			if !slices.ContainsFunc(r.Deleted, d.Equal) {
				r.Deleted = append(r.Deleted, d)
			}
		}
	}
}

// dress gives an appointment of the mailbox what CRM adds to it.
func dress(a *portal.Appointment, r *portal.CRMAppointment) {
	a.People, a.Companies = r.People, r.Companies
	status := r.Status
	if !a.RecurrenceID.IsZero() {
		if x := series.ExceptionOf(&r.Entry, a.RecurrenceID); x != nil {
			status = x.Status
		}
	}
	if a.Status == portal.StatusConfirmed && status != "" && status != portal.StatusCancelled {
		a.Status = status
	}
	if a.Sync.State == portal.SyncDone {
		a.Sync = r.Sync
	}
}

// joined gives the appointments of both sides that touch a window, by start.
func (s *Service) joined(ctx context.Context, key portal.CalendarKey, entries []portal.Entry, from, to time.Time) ([]portal.Appointment, error) {
	j, err := s.join(ctx, key, entries, from, to)
	if err != nil {
		return nil, err
	}
	out := s.expanded(ctx, key, j.mirrored, from, to)
	if s.o.CRM == nil {
		return out, nil
	}
	for i := range out {
		entry, _ := portal.SplitOccurrenceID(out[i].ID)
		if r, ok := j.known[entry]; ok && !out[i].Masked {
			dress(&out[i], &r)
		}
	}
	out = append(out, s.records(ctx, key, j.records, j.waiting, from, to)...)
	series.Sort(out, from.Location())
	return out, nil
}

// records expands the records of a calendar, without what its owner declined: that leaves it, once the server has heard.
func (s *Service) records(ctx context.Context, key portal.CalendarKey, list []portal.CRMAppointment, waiting map[string]bool, from, to time.Time) []portal.Appointment {
	entries := make([]portal.Entry, len(list))
	version := make(map[string]string, len(list))
	for i := range list {
		entries[i] = list[i].Entry
		version[list[i].ID] = list[i].Version
	}
	out := s.expanded(ctx, key, entries, from, to)
	for i := range out {
		entry, _ := portal.SplitOccurrenceID(out[i].ID)
		out[i].Version = version[entry]
	}
	now := s.o.Now()
	return slices.DeleteFunc(out, func(a portal.Appointment) bool {
		entry, _ := portal.SplitOccurrenceID(a.ID)
		return !waiting[entry] && (a.Response == portal.ResponseDeclined || s.parted.gone(key.Owner, &a, now))
	})
}

// whole gives the entries of both sides that may touch a window, as they are written to a file.
func (s *Service) whole(ctx context.Context, key portal.CalendarKey, from, to time.Time) ([]portal.Entry, error) {
	entries, err := s.entries(ctx, key, from, to)
	if err != nil || s.o.CRM == nil {
		return entries, err
	}
	j, err := s.join(ctx, key, entries, from, to)
	if err != nil {
		return nil, err
	}
	for i := range j.records {
		j.mirrored = append(j.mirrored, j.records[i].Entry)
	}
	return j.mirrored, nil
}

// hiddenWindow is what of somebody's CRM calendar others may know who may not read it: that the time is taken. What the mailbox
// says of the same time is not said twice.
func (s *Service) hiddenWindow(ctx context.Context, key portal.CalendarKey, blocks []portal.Appointment, from, to time.Time) ([]portal.Appointment, error) {
	if s.o.CRM == nil {
		return blocks, nil
	}
	list, err := s.o.CRM.Entries(ctx, key.Owner, from, to)
	if err != nil {
		return nil, err
	}
	for _, a := range s.records(ctx, key, list, nil, from, to) {
		if !takesTime(&a) || slices.ContainsFunc(blocks, func(b portal.Appointment) bool { return b.Start.Equal(a.Start) && b.End.Equal(a.End) }) {
			continue
		}
		masked(&a)
		blocks = append(blocks, a)
	}
	series.Sort(blocks, from.Location())
	return blocks, nil
}

// withRecord gives an appointment of the mailbox what CRM adds to it.
func (s *Service) withRecord(ctx context.Context, key portal.CalendarKey, a portal.Appointment) (portal.Appointment, error) {
	if s.o.CRM == nil || a.Masked || a.UID == "" {
		return a, nil
	}
	r, err := s.o.CRM.EntryByUID(ctx, key.Owner, a.UID)
	if errors.Is(err, portal.ErrNotFound) {
		return a, nil
	}
	if err == nil {
		dress(&a, &r)
	}
	return a, err
}

// Touched is told whose calendars in CRM are different now. It does not block.
func (s *Service) Touched(people []portal.Address) {
	for _, p := range people {
		s.clock.changed(p)
	}
}

// Watching are those who have somebody else's calendar open.
func (s *Service) Watching(of portal.Address) []portal.Address {
	var out []portal.Address
	for _, l := range s.lanes.of(of) {
		if !l.key.Own() && !slices.Contains(out, l.key.Reader) {
			out = append(out, l.key.Reader)
		}
	}
	slices.Sort(out)
	return out
}

// UIDOf gives the UID of an entry in a calendar that is read in somebody's name; ErrNotFound.
func (s *Service) UIDOf(ctx context.Context, me portal.Address, id string) (string, error) {
	id, _ = portal.SplitOccurrenceID(id)
	keys, err := s.s.FindCalendarEntry(ctx, id)
	if err != nil {
		return "", err
	}
	keys = append(keys, portal.CalendarKey{Reader: me, Owner: me}) // it may wait to be sent
	for _, key := range keys {
		if key.Reader != me {
			continue
		}
		intents, err := s.s.CalendarIntents(ctx, key, id)
		if err != nil {
			return "", err
		}
		e, err := s.shown(ctx, key, id, intents)
		if errors.Is(err, portal.ErrNotFound) {
			continue
		}
		return e.UID, err
	}
	return "", portal.Fail(portal.ErrNotFound, keyNotFound)
}
