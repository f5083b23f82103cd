package web

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"portico/app/portal"
)

// mailServer is an Exchange server in memory, as far as the pages need one: mailboxes that remember what changed,
// invitations that reach those who have a mailbox, answers that come back, free times, files, and a plug to pull.
type mailServer struct {
	rang func(mailbox portal.Address)

	mu        sync.Mutex
	next      int
	boxes     map[portal.Address]*mailbox
	down      error
	refuse    error // what the next write is answered with
	delegates map[portal.Address][]portal.Delegate
	notes     map[string]portal.OutOfOfficeNote
	files     map[string][]byte
	rooms     []portal.Attendee
	lists     map[string][]portal.Attendee
	writes    int
}

type mailbox struct {
	entries map[string]portal.Entry
	changed map[string]int // RemoteID → the step of its last change, also of those that are gone
}

func newMailServer(people ...portal.Address) *mailServer {
	m := &mailServer{rang: func(portal.Address) {}, boxes: map[portal.Address]*mailbox{}, delegates: map[portal.Address][]portal.Delegate{},
		notes: map[string]portal.OutOfOfficeNote{}, files: map[string][]byte{}, lists: map[string][]portal.Attendee{},
		rooms: []portal.Attendee{{Name: "Studio 1", Email: "studio1@example.test", Role: portal.RoleResource}}}
	for _, p := range people {
		m.boxes[p] = &mailbox{entries: map[string]portal.Entry{}, changed: map[string]int{}}
	}
	return m
}

func unavailable() error { return portal.Fail(portal.ErrUnavailable, "exchange.down") }

// pull takes the server away, or with false puts it back.
func (m *mailServer) pull(away bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.down = nil
	if away {
		m.down = unavailable()
	}
}

// open locks the server and gives a mailbox of it; the caller unlocks.
func (m *mailServer) open(reader, owner portal.Address) (*mailbox, error) {
	m.mu.Lock()
	if m.down != nil {
		return nil, m.down
	}
	box := m.boxes[owner]
	if box == nil {
		return nil, portal.Fail(portal.ErrNotFound, "exchange.no-mailbox")
	}
	if reader != owner && !slices.ContainsFunc(m.delegates[owner], func(d portal.Delegate) bool { return d.Email == reader.Bare() }) {
		return nil, portal.Fail(portal.ErrForbidden, "exchange.forbidden")
	}
	return box, nil
}

// write locks for a change; one that is to be refused is.
func (m *mailServer) write(reader, owner portal.Address) (*mailbox, error) {
	box, err := m.open(reader, owner)
	m.writes++
	if err == nil && m.refuse != nil {
		err, m.refuse = m.refuse, nil
	}
	return box, err
}

// put stores an entry, as a new version, and rings.
func (m *mailServer) put(owner portal.Address, e portal.Entry) portal.Entry {
	m.next++
	if e.RemoteID == "" {
		e.RemoteID = "r" + strconv.Itoa(m.next)
	}
	e.ChangeKey = "k" + strconv.Itoa(m.next)
	e.Calendar, e.Source, e.Sync = owner, portal.SourceExchange, portal.SyncState{State: portal.SyncDone}
	if e.Kind == "" || e.Kind == portal.KindSingle || e.Kind == portal.KindMaster {
		e.Kind = portal.KindSingle
		if e.Recurrence != "" {
			e.Kind = portal.KindMaster
		}
	}
	if e.Status == "" {
		e.Status = portal.StatusConfirmed
	}
	box := m.boxes[owner]
	box.entries[e.RemoteID] = e
	box.changed[e.RemoteID] = m.next
	m.rang(owner)
	return e
}

func (m *mailServer) drop(owner portal.Address, remoteID string) {
	m.next++
	delete(m.boxes[owner].entries, remoteID)
	m.boxes[owner].changed[remoteID] = m.next
	m.rang(owner)
}

func (m *mailServer) Changes(_ context.Context, reader, owner portal.Address, state string) (portal.CalendarDelta, error) {
	box, err := m.open(reader, owner)
	defer m.mu.Unlock()
	if err != nil {
		return portal.CalendarDelta{}, err
	}
	since := 0
	if state != "" {
		if since, err = strconv.Atoi(state); err != nil {
			return portal.CalendarDelta{}, err
		}
	}
	d := portal.CalendarDelta{State: strconv.Itoa(m.next), Reset: state == ""}
	for id, at := range box.changed {
		if at <= since {
			continue
		}
		if e, ok := box.entries[id]; ok {
			d.Changed = append(d.Changed, e)
		} else {
			d.Gone = append(d.Gone, id)
		}
	}
	return d, nil
}

func (m *mailServer) Entry(_ context.Context, reader, owner portal.Address, remoteID string) (portal.Entry, error) {
	box, err := m.open(reader, owner)
	defer m.mu.Unlock()
	if err != nil {
		return portal.Entry{}, err
	}
	e, ok := box.entries[remoteID]
	if !ok {
		return e, portal.Fail(portal.ErrNotFound, "exchange.not-found")
	}
	return e, nil
}

func (m *mailServer) Find(_ context.Context, reader, owner portal.Address, changeID string) (portal.Entry, bool, error) {
	box, err := m.open(reader, owner)
	defer m.mu.Unlock()
	if err != nil {
		return portal.Entry{}, false, err
	}
	for _, e := range box.entries {
		if e.ChangeID == changeID {
			return e, true, nil
		}
	}
	return portal.Entry{}, false, nil
}

func (m *mailServer) Create(_ context.Context, reader, owner portal.Address, a portal.Appointment, o portal.WriteOptions) (portal.Entry, error) {
	_, err := m.write(reader, owner)
	defer m.mu.Unlock()
	if err != nil {
		return portal.Entry{}, err
	}
	a.Organizer = portal.Attendee{URI: owner, Email: owner.Bare()}
	a.Mine, a.Meeting, a.InvitedAt = true, len(a.Attendees) > 0, time.Now().UTC()
	a.Response = portal.ResponseOrganizer
	e := m.put(owner, portal.Entry{Appointment: a, ChangeID: o.ChangeID})
	if o.Send {
		m.invite(e)
	}
	return e, nil
}

// invite puts a meeting into the mailboxes of those who are invited, or brings it up to date there.
func (m *mailServer) invite(e portal.Entry) {
	for _, p := range e.Attendees {
		owner := portal.Address("sip:" + strings.ToLower(p.Email))
		if m.boxes[owner] == nil {
			continue
		}
		theirs := e
		theirs.RemoteID, theirs.ChangeID, theirs.Mine, theirs.Response, theirs.ID = "", "", false, portal.ResponseNone, ""
		for id, old := range m.boxes[owner].entries {
			if old.UID == e.UID {
				theirs.RemoteID, theirs.Response = id, old.Response
			}
		}
		m.put(owner, theirs)
	}
}

func (m *mailServer) Update(_ context.Context, reader, owner portal.Address, ref portal.Entry, ch portal.AppointmentChange, o portal.WriteOptions) (portal.Entry, error) {
	box, err := m.write(reader, owner)
	defer m.mu.Unlock()
	if err != nil {
		return portal.Entry{}, err
	}
	e, ok := box.entries[ref.RemoteID]
	if !ok {
		return e, portal.Fail(portal.ErrNotFound, "exchange.not-found")
	}
	if e.ChangeKey != ref.ChangeKey {
		return e, portal.Fail(portal.ErrConflict, "calendar.conflict")
	}
	if ch.Scope == portal.ScopeOne && !ch.Occurrence.IsZero() {
		i := slices.IndexFunc(e.Exceptions, func(x portal.Appointment) bool { return x.RecurrenceID.Equal(ch.Occurrence) })
		if i < 0 {
			x := e.Appointment
			x.Kind, x.RecurrenceID, x.Start, x.End = portal.KindException, ch.Occurrence, ch.Occurrence, ch.Occurrence.Add(e.End.Sub(e.Start))
			e.Exceptions = append(slices.Clone(e.Exceptions), x)
			i = len(e.Exceptions) - 1
		}
		applyChange(&e.Exceptions[i], ch)
	} else {
		applyChange(&e.Appointment, ch)
	}
	e = m.put(owner, e)
	if o.Send {
		m.invite(e)
	}
	return e, nil
}

func applyChange(a *portal.Appointment, ch portal.AppointmentChange) {
	set := func(to *string, from *string) {
		if from != nil {
			*to = *from
		}
	}
	set(&a.Subject, ch.Subject)
	set(&a.Location, ch.Location)
	set(&a.Body, ch.Body)
	set(&a.TimeZone, ch.TimeZone)
	set(&a.Recurrence, ch.Recurrence)
	if ch.Start != nil {
		a.Start = *ch.Start
	}
	if ch.End != nil {
		a.End = *ch.End
	}
	if ch.AllDay != nil {
		a.AllDay = *ch.AllDay
	}
	if ch.Show != nil {
		a.Show = *ch.Show
	}
	if ch.Private != nil {
		a.Private = *ch.Private
	}
	if ch.Categories != nil {
		a.Categories = *ch.Categories
	}
	if ch.ReminderMinutes != nil {
		a.ReminderMinutes = *ch.ReminderMinutes
	}
	a.Attendees = ch.AttendeesOver(a.Attendees)
	a.Meeting = a.Meeting || len(a.Attendees) > 0
}

func (m *mailServer) Delete(_ context.Context, reader, owner portal.Address, ref portal.Entry, occurrence time.Time, comment string) error {
	box, err := m.write(reader, owner)
	defer m.mu.Unlock()
	if err != nil {
		return err
	}
	e, ok := box.entries[ref.RemoteID]
	if !ok {
		return portal.Fail(portal.ErrNotFound, "exchange.not-found")
	}
	if !occurrence.IsZero() {
		e.Deleted = append(slices.Clone(e.Deleted), occurrence)
		m.put(owner, e)
		return nil
	}
	m.drop(owner, ref.RemoteID)
	for who, other := range m.boxes {
		for _, copied := range other.entries {
			if e.Mine && who != owner && copied.UID == e.UID {
				copied.Status, copied.Body = portal.StatusCancelled, comment
				m.put(who, copied)
			}
		}
	}
	return nil
}

func (m *mailServer) Respond(_ context.Context, reader, owner portal.Address, ref portal.Entry, _ time.Time, r portal.Response, comment string, p portal.Proposal, _ bool) error {
	box, err := m.write(reader, owner)
	defer m.mu.Unlock()
	if err != nil {
		return err
	}
	e, ok := box.entries[ref.RemoteID]
	if !ok {
		return portal.Fail(portal.ErrNotFound, "exchange.not-found")
	}
	e.Response = r
	m.put(owner, e)
	m.answer(e.UID, owner.Bare(), r, comment, p)
	return nil
}

// answer brings somebody's answer to the organiser.
func (m *mailServer) answer(uid, email string, r portal.Response, comment string, p portal.Proposal) {
	for who, box := range m.boxes {
		for _, e := range box.entries {
			if e.UID != uid || !e.Mine {
				continue
			}
			e.Attendees = slices.Clone(e.Attendees)
			for i := range e.Attendees {
				if a := &e.Attendees[i]; strings.EqualFold(a.Email, email) {
					a.Response, a.Comment, a.RespondedAt, a.ProposedStart, a.ProposedEnd = r, comment, time.Now().UTC(), p.Start, p.End
				}
			}
			m.put(who, e)
		}
	}
}

func (m *mailServer) Forward(_ context.Context, reader, owner portal.Address, ref portal.Entry, _ time.Time, to []portal.Attendee, _ string) error {
	_, err := m.write(reader, owner)
	defer m.mu.Unlock()
	if err != nil {
		return err
	}
	for who, box := range m.boxes {
		for _, e := range box.entries {
			if e.UID == ref.UID && e.Mine {
				e.Attendees = append(slices.Clone(e.Attendees), to...)
				m.invite(m.put(who, e))
			}
		}
	}
	return nil
}

func (m *mailServer) Availability(_ context.Context, _ portal.Address, emails []string, from, to time.Time) ([]portal.Availabilities, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down != nil {
		return nil, m.down
	}
	out := make([]portal.Availabilities, len(emails))
	for i, email := range emails {
		out[i].Email = email
		box := m.boxes[portal.Address("sip:"+strings.ToLower(email))]
		if box == nil {
			out[i].Error = "exchange.no-mailbox"
			continue
		}
		for _, e := range box.entries {
			if e.Start.Before(to) && from.Before(e.End) && e.Show != portal.ShowFree && e.Recurrence == "" {
				out[i].Busy = append(out[i].Busy, portal.BusyTime{Start: e.Start, End: e.End, Show: e.Show})
			}
		}
		out[i].Working = &portal.WorkingHours{TimeZone: "Europe/Vienna", Periods: []portal.WorkingPeriod{
			{Days: []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday}, From: 8 * 60, To: 17 * 60}}}
	}
	return out, nil
}

func (m *mailServer) Suggestions(context.Context, portal.Address, []portal.Attendee, time.Time, time.Time, time.Duration) ([]portal.Suggestion, error) {
	return nil, unavailable()
}

func (m *mailServer) OutOfOffice(_ context.Context, who portal.Address) (portal.OutOfOfficeNote, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	note, ok := m.notes[who.Bare()]
	if !ok {
		note = portal.OutOfOfficeNote{State: "disabled", Audience: "none"}
	}
	return note, m.down
}

func (m *mailServer) SetOutOfOffice(_ context.Context, who portal.Address, note portal.OutOfOfficeNote) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.notes[who.Bare()] = note
	return m.down
}

func (m *mailServer) Tips(_ context.Context, _ portal.Address, emails []string) (map[string]portal.OutOfOfficeNote, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := map[string]portal.OutOfOfficeNote{}
	for _, e := range emails {
		if note, ok := m.notes[strings.ToLower(e)]; ok {
			out[strings.ToLower(e)] = note
		}
	}
	return out, m.down
}

func (m *mailServer) Resolve(_ context.Context, _ portal.Address, text string) ([]portal.Attendee, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down != nil {
		return nil, m.down
	}
	var out []portal.Attendee
	for email := range m.lists {
		if strings.HasPrefix(email, strings.ToLower(text)) {
			out = append(out, portal.Attendee{Name: "Everybody in sales", Email: email, List: true})
		}
	}
	return out, nil
}

func (m *mailServer) Expand(_ context.Context, _ portal.Address, email string) ([]portal.Attendee, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	members, ok := m.lists[email]
	if !ok {
		return nil, portal.Fail(portal.ErrNotFound, "exchange.not-found")
	}
	return members, m.down
}

func (m *mailServer) Rooms(context.Context, portal.Address) ([]portal.Attendee, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.rooms, m.down
}

func (m *mailServer) Photo(context.Context, portal.Address, string) ([]byte, string, error) {
	return nil, "", portal.Fail(portal.ErrNotFound, "exchange.not-found")
}

func (m *mailServer) Delegates(_ context.Context, who portal.Address) ([]portal.Delegate, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.delegates[who], m.down
}

func (m *mailServer) AttachmentData(_ context.Context, reader, owner portal.Address, id string) (io.ReadCloser, portal.Attachment, error) {
	box, err := m.open(reader, owner)
	defer m.mu.Unlock()
	if err != nil {
		return nil, portal.Attachment{}, err
	}
	for _, e := range box.entries {
		for _, f := range e.Attachments {
			if f.ID == id {
				return io.NopCloser(bytes.NewReader(m.files[id])), f, nil
			}
		}
	}
	return nil, portal.Attachment{}, portal.Fail(portal.ErrNotFound, "exchange.not-found")
}

func (m *mailServer) Attach(_ context.Context, reader, owner portal.Address, ref portal.Entry, name, contentType string, data []byte) (portal.Entry, error) {
	box, err := m.write(reader, owner)
	defer m.mu.Unlock()
	if err != nil {
		return portal.Entry{}, err
	}
	e := box.entries[ref.RemoteID]
	id := fmt.Sprint("f", m.next)
	m.files[id] = data
	e.Attachments = append(slices.Clone(e.Attachments), portal.Attachment{ID: id, Name: name, ContentType: contentType, Size: int64(len(data))})
	return m.put(owner, e), nil
}

func (m *mailServer) Detach(_ context.Context, reader, owner portal.Address, ref portal.Entry, attachmentID string) (portal.Entry, error) {
	box, err := m.write(reader, owner)
	defer m.mu.Unlock()
	if err != nil {
		return portal.Entry{}, err
	}
	e := box.entries[ref.RemoteID]
	e.Attachments = slices.DeleteFunc(slices.Clone(e.Attachments), func(f portal.Attachment) bool { return f.ID == attachmentID })
	return m.put(owner, e), nil
}

func (m *mailServer) Watch([]portal.Address) {}

// add puts an entry into a mailbox behind the portal's back, as another client does; what it lacks is filled in.
func (m *mailServer) add(owner portal.Address, a portal.Appointment) portal.Entry {
	m.mu.Lock()
	defer m.mu.Unlock()
	if a.UID == "" {
		a.UID = fmt.Sprintf("uid-%d@example.test", m.next)
	}
	if a.TimeZone == "" {
		a.TimeZone = "Europe/Vienna"
	}
	if a.Show == "" {
		a.Show = portal.ShowBusy
	}
	if len(a.Attendees) > 0 && a.Organizer.Email == "" {
		a.Meeting, a.Mine, a.Response, a.Organizer = true, true, portal.ResponseOrganizer, portal.Attendee{URI: owner, Email: owner.Bare()}
		a.InvitedAt = a.Start.AddDate(0, 0, -3)
	}
	return m.put(owner, portal.Entry{Appointment: a})
}

// inBox finds an entry by its subject.
func (m *mailServer) inBox(owner portal.Address, subject string) (portal.Entry, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range m.boxes[owner].entries {
		if e.Subject == subject {
			return e, true
		}
	}
	return portal.Entry{}, false
}

// answers has somebody answer a meeting from another client.
func (m *mailServer) answers(uid, email string, r portal.Response, comment string, p portal.Proposal) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.answer(uid, email, r, comment, p)
}
