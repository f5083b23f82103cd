package calendar_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"portico/app/calendar"
	"portico/app/calendar/recurrence"
	"portico/app/portal"
)

// model is an Exchange in memory: it stores what it is told, numbers every change, refuses stale change keys, counts the mails that it
// would have sent, and can lose answers, be down, and forget sync states.
type model struct {
	mu     sync.Mutex
	boxes  map[portal.Address]*box
	serial int
	// down answers everything with ErrUnavailable; lose lets the next n writes happen and loses their answers;
	// late keeps the next create from being found for that many looks.
	down bool
	lose int
	// creating is asked before an entry is made; an error is the answer, and nothing is made.
	creating func(e portal.Entry) error
	// refuse makes writes of a subject fail for good.
	refuse map[string]error
	// resets makes the next Changes refuse its state; page bounds the entries of one delta (0: all).
	resets bool
	// forgets: a series that ends earlier loses its exceptions.
	forgets bool
	page    int
	// rights: reader → owners whose calendar they may read beside their own.
	rights  map[portal.Address][]portal.Address
	given   map[portal.Address][]portal.Delegate
	notes   map[portal.Address]portal.OutOfOfficeNote
	busy    map[string]portal.Availabilities
	members map[string][]portal.Attendee
	files   map[string][]byte
	// newest: of what was made twice the newest stays.
	newest bool
	// unread: what is found cannot be read.
	unread bool
	// denied makes readings fail, and without a reader the question for the owner's delegates.
	denied  map[portal.CalendarKey]error
	watched []portal.Address
	mails   []string
	calls   map[string]int
	// rang is the doorbell.
	rang func(portal.Address)
}

type box struct {
	entries map[string]*portal.Entry
	// log holds the remote id of each change, in order; state n means that the first n are known.
	log []string
}

func newModel() *model {
	return &model{boxes: map[portal.Address]*box{}, refuse: map[string]error{}, rights: map[portal.Address][]portal.Address{}, given: map[portal.Address][]portal.Delegate{},
		notes: map[portal.Address]portal.OutOfOfficeNote{}, busy: map[string]portal.Availabilities{}, members: map[string][]portal.Attendee{},
		files: map[string][]byte{}, denied: map[portal.CalendarKey]error{}, calls: map[string]int{}, rang: func(portal.Address) {}}
}

var errAway = portal.Fail(portal.ErrUnavailable, "unavailable")

// enter counts a call and takes the lock; leave gives it back and rings.
func (m *model) enter(op string) error {
	m.mu.Lock()
	m.calls[op]++
	if m.down {
		return errAway
	}
	return nil
}

func (m *model) box(owner portal.Address) *box {
	b := m.boxes[owner]
	if b == nil {
		b = &box{entries: map[string]*portal.Entry{}}
		m.boxes[owner] = b
	}
	return b
}

func (m *model) mayRead(reader, owner portal.Address) bool {
	return reader == owner || slices.Contains(m.rights[reader], owner)
}

// put stores an entry under a new change key. The caller holds the lock.
func (m *model) put(owner portal.Address, e portal.Entry) portal.Entry {
	m.serial++
	if e.RemoteID == "" {
		e.RemoteID = "remote-" + strconv.Itoa(m.serial)
	}
	e.ChangeKey = "key-" + strconv.Itoa(m.serial)
	e.ID, e.Calendar, e.Version, e.Sync = "", owner, "", portal.SyncState{}
	e.Kind = portal.KindSingle
	if e.Recurrence != "" {
		e.Kind = portal.KindMaster
	}
	b := m.box(owner)
	b.entries[e.RemoteID] = &e
	b.log = append(b.log, e.RemoteID)
	return e
}

func (m *model) drop(owner portal.Address, remote string) {
	b := m.box(owner)
	delete(b.entries, remote)
	b.log = append(b.log, remote)
}

// answer ends a write: it may have been done and its answer be lost.
func (m *model) answer() error {
	if m.lose > 0 {
		m.lose--
		return portal.Fail(portal.ErrUnavailable, "unavailable").Because(errors.New("the answer is lost"))
	}
	return nil
}

// from here on: what tests do at the server, as other clients would.

func (m *model) add(owner portal.Address, e portal.Entry) portal.Entry {
	m.mu.Lock()
	e = m.put(owner, e)
	m.mu.Unlock()
	m.rang(owner)
	return e
}

func (m *model) edit(owner portal.Address, remote string, change func(*portal.Entry)) {
	m.mu.Lock()
	e := *m.box(owner).entries[remote]
	e.Exceptions, e.Attendees = slices.Clone(e.Exceptions), slices.Clone(e.Attendees)
	change(&e)
	m.put(owner, e)
	m.mu.Unlock()
	m.rang(owner)
}

func (m *model) remove(owner portal.Address, remote string) {
	m.mu.Lock()
	m.drop(owner, remote)
	m.mu.Unlock()
	m.rang(owner)
}

func (m *model) set(change func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change()
}

func (m *model) all(owner portal.Address) []portal.Entry {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []portal.Entry
	for _, e := range m.box(owner).entries {
		out = append(out, *e)
	}
	slices.SortFunc(out, func(a, b portal.Entry) int { return a.Start.Compare(b.Start) })
	return out
}

func (m *model) called(op string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.calls[op]
}

func (m *model) sent() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.mails)
}

// The Exchange.

func (m *model) Changes(_ context.Context, reader, owner portal.Address, state string) (portal.CalendarDelta, error) {
	err := m.enter("Changes")
	defer m.mu.Unlock()
	if err != nil {
		return portal.CalendarDelta{}, err
	}
	if err := m.denied[portal.CalendarKey{Reader: reader, Owner: owner}]; err != nil {
		return portal.CalendarDelta{}, err
	}
	if !m.mayRead(reader, owner) {
		return portal.CalendarDelta{}, portal.Fail(portal.ErrForbidden, "calendar.forbidden")
	}
	b := m.box(owner)
	from, _ := strconv.Atoi(state)
	d := portal.CalendarDelta{}
	if m.resets || state == "" {
		from, d.Reset, m.resets = 0, true, false
	}
	to := len(b.log)
	if m.page > 0 && to-from > m.page {
		to, d.More = from+m.page, true
	}
	seen := map[string]bool{}
	for _, remote := range b.log[from:to] {
		if seen[remote] {
			continue
		}
		seen[remote] = true
		if e := b.entries[remote]; e != nil {
			d.Changed = append(d.Changed, *e)
		} else if from > 0 {
			d.Gone = append(d.Gone, remote)
		}
	}
	d.State = strconv.Itoa(to)
	return d, nil
}

func (m *model) Entry(_ context.Context, _, owner portal.Address, remote string) (portal.Entry, error) {
	err := m.enter("Entry")
	defer m.mu.Unlock()
	if err != nil {
		return portal.Entry{}, err
	}
	e := m.box(owner).entries[remote]
	if e == nil {
		return portal.Entry{}, portal.Fail(portal.ErrNotFound, "calendar.not-found")
	}
	return *e, nil
}

func (m *model) Find(_ context.Context, _, owner portal.Address, change string) (portal.Entry, bool, error) {
	err := m.enter("Find")
	defer m.mu.Unlock()
	if err != nil {
		return portal.Entry{}, false, err
	}
	var first *portal.Entry
	log := slices.Clone(m.box(owner).log) // the oldest stays
	if m.newest {
		slices.Reverse(log)
	}
	for _, remote := range log {
		e := m.box(owner).entries[remote]
		switch {
		case e == nil || e.ChangeID != change || e == first:
		case first == nil:
			first = e
		default:
			m.drop(owner, remote)
		}
	}
	if first == nil {
		return portal.Entry{}, false, nil
	}
	if m.unread {
		return portal.Entry{RemoteID: first.RemoteID, ChangeKey: first.ChangeKey, ChangeID: change}, true, nil
	}
	return *first, true, nil
}

func (m *model) Create(_ context.Context, _, owner portal.Address, a portal.Appointment, o portal.WriteOptions) (portal.Entry, error) {
	err := m.enter("Create")
	defer m.rang(owner)
	defer m.mu.Unlock()
	if err != nil {
		return portal.Entry{}, err
	}
	if no := m.refuse[a.Subject]; no != nil {
		return portal.Entry{}, no
	}
	e := portal.Entry{Appointment: a, ChangeID: o.ChangeID}
	if m.creating != nil {
		if err := m.creating(e); err != nil {
			return portal.Entry{}, err
		}
	}
	e = m.put(owner, e)
	m.mail(o.Send, a.Attendees, "invite "+a.Subject)
	return e, m.answer()
}

func (m *model) mail(send bool, to []portal.Attendee, what string) {
	for _, p := range to {
		if send {
			m.mails = append(m.mails, what+" → "+p.Email)
		}
	}
}

// current gives an entry by its reference where that is not stale. The caller holds the lock.
func (m *model) current(owner portal.Address, ref portal.Entry) (portal.Entry, error) {
	e := m.box(owner).entries[ref.RemoteID]
	switch {
	case e == nil:
		return portal.Entry{}, portal.Fail(portal.ErrNotFound, "calendar.not-found")
	case e.ChangeKey != ref.ChangeKey:
		return portal.Entry{}, portal.Fail(portal.ErrConflict, "calendar.conflict")
	}
	return *e, nil
}

func (m *model) Update(_ context.Context, _, owner portal.Address, ref portal.Entry, ch portal.AppointmentChange, o portal.WriteOptions) (portal.Entry, error) {
	err := m.enter("Update")
	defer m.rang(owner)
	defer m.mu.Unlock()
	if err != nil {
		return portal.Entry{}, err
	}
	e, err := m.current(owner, ref)
	if err != nil {
		return portal.Entry{}, err
	}
	if ch.Subject != nil && m.refuse[*ch.Subject] != nil {
		return portal.Entry{}, m.refuse[*ch.Subject]
	}
	if ch.Occurrence.IsZero() {
		put(&e.Appointment, ch)
		if ch.Start != nil || ch.End != nil || ch.AllDay != nil || ch.TimeZone != nil || ch.Recurrence != nil && m.forgets {
			e.Exceptions, e.Deleted = nil, nil
		}
	} else {
		e.Exceptions = slices.Clone(e.Exceptions)
		at := slices.IndexFunc(e.Exceptions, func(x portal.Appointment) bool { return x.RecurrenceID.Equal(ch.Occurrence) })
		if at < 0 {
			x := e.Appointment
			length := x.End.Sub(x.Start)
			x.RecurrenceID, x.Start, x.End, x.Recurrence, x.Kind = ch.Occurrence, ch.Occurrence, ch.Occurrence.Add(length), "", portal.KindException
			e.Exceptions = append(e.Exceptions, x)
			at = len(e.Exceptions) - 1
		}
		put(&e.Exceptions[at], ch)
	}
	m.mail(o.Send, e.Attendees, "update "+e.Subject)
	return m.put(owner, e), m.answer()
}

// put is the model's own reading of a change.
func put(a *portal.Appointment, ch portal.AppointmentChange) {
	if rule, err := recurrence.Parse(a.Recurrence); err == nil && ch.Start != nil && ch.Recurrence == nil && a.RecurrenceID.IsZero() {
		loc, err := time.LoadLocation(a.TimeZone)
		if err != nil {
			panic(err)
		}
		a.Recurrence = rule.Moved(a.Start.In(loc), ch.Start.In(loc)).String()
	}
	if ch.Subject != nil {
		a.Subject = *ch.Subject
	}
	if ch.Location != nil {
		a.Location = *ch.Location
	}
	if ch.Body != nil {
		a.Body = *ch.Body
	}
	if ch.Start != nil {
		a.Start = *ch.Start
	}
	if ch.End != nil {
		a.End = *ch.End
	}
	if ch.AllDay != nil {
		a.AllDay = *ch.AllDay
	}
	if ch.TimeZone != nil {
		a.TimeZone = *ch.TimeZone
	}
	if ch.Recurrence != nil {
		a.Recurrence = *ch.Recurrence
	}
	if ch.Attendees != nil {
		a.Attendees = ch.AttendeesOver(a.Attendees)
		a.Meeting = len(a.Attendees) > 0
	}
	if ch.Show != nil {
		a.Show = *ch.Show
	}
	if ch.Private != nil {
		a.Private = *ch.Private
	}
	if ch.ReminderMinutes != nil {
		a.ReminderMinutes = *ch.ReminderMinutes
	}
	if ch.Categories != nil {
		a.Categories = *ch.Categories
	}
}

func (m *model) Delete(_ context.Context, _, owner portal.Address, ref portal.Entry, occurrence time.Time, _ string) error {
	err := m.enter("Delete")
	defer m.rang(owner)
	defer m.mu.Unlock()
	if err != nil {
		return err
	}
	e := m.box(owner).entries[ref.RemoteID]
	if e == nil {
		return portal.Fail(portal.ErrNotFound, "calendar.not-found")
	}
	if occurrence.IsZero() && e.ChangeKey != ref.ChangeKey {
		return portal.Fail(portal.ErrConflict, "calendar.conflict")
	}
	m.mail(e.Mine, e.Attendees, "cancel "+e.Subject)
	if occurrence.IsZero() {
		m.drop(owner, ref.RemoteID)
		return m.answer()
	}
	now := *e
	now.Deleted = append(slices.Clone(now.Deleted), occurrence)
	now.Exceptions = slices.DeleteFunc(slices.Clone(now.Exceptions), func(x portal.Appointment) bool { return x.RecurrenceID.Equal(occurrence) })
	m.put(owner, now)
	return m.answer()
}

func (m *model) Respond(_ context.Context, _, owner portal.Address, ref portal.Entry, _ time.Time, r portal.Response, comment string, _ portal.Proposal, send bool) error {
	err := m.enter("Respond")
	defer m.rang(owner)
	defer m.mu.Unlock()
	if err != nil {
		return err
	}
	e := m.box(owner).entries[ref.RemoteID]
	if e == nil {
		return portal.Fail(portal.ErrNotFound, "calendar.not-found")
	}
	if send {
		m.mails = append(m.mails, fmt.Sprintf("%s %s %q", r, e.Subject, comment))
	}
	if r == portal.ResponseDeclined {
		m.drop(owner, ref.RemoteID)
		return m.answer()
	}
	now := *e
	now.Response, now.Show = r, portal.ShowBusy
	if r == portal.ResponseTentative {
		now.Show = portal.ShowTentative
	}
	m.put(owner, now)
	return m.answer()
}

func (m *model) Forward(_ context.Context, _, owner portal.Address, ref portal.Entry, _ time.Time, to []portal.Attendee, _ string) error {
	err := m.enter("Forward")
	defer m.mu.Unlock()
	if err != nil {
		return err
	}
	m.mail(true, to, "forward "+m.box(owner).entries[ref.RemoteID].Subject)
	return m.answer()
}

func (m *model) Availability(_ context.Context, _ portal.Address, emails []string, from, to time.Time) ([]portal.Availabilities, error) {
	err := m.enter("Availability")
	defer m.mu.Unlock()
	if err != nil {
		return nil, err
	}
	var out []portal.Availabilities
	for _, email := range emails {
		row := m.busy[email]
		row.Email = email
		row.Busy = slices.DeleteFunc(slices.Clone(row.Busy), func(b portal.BusyTime) bool { return !b.Start.Before(to) || !b.End.After(from) })
		out = append(out, row)
	}
	return out, nil
}

func (m *model) Suggestions(context.Context, portal.Address, []portal.Attendee, time.Time, time.Time, time.Duration) ([]portal.Suggestion, error) {
	return nil, errAway
}

func (m *model) OutOfOffice(_ context.Context, who portal.Address) (portal.OutOfOfficeNote, error) {
	err := m.enter("OutOfOffice")
	defer m.mu.Unlock()
	return m.notes[who], err
}

func (m *model) SetOutOfOffice(_ context.Context, who portal.Address, note portal.OutOfOfficeNote) error {
	err := m.enter("SetOutOfOffice")
	defer m.mu.Unlock()
	if err == nil {
		m.notes[who] = note
	}
	return err
}

func (m *model) Tips(_ context.Context, _ portal.Address, emails []string) (map[string]portal.OutOfOfficeNote, error) {
	err := m.enter("Tips")
	defer m.mu.Unlock()
	out := map[string]portal.OutOfOfficeNote{}
	for _, e := range emails {
		if note, ok := m.notes[portal.MustAddress(e)]; ok {
			out[strings.ToLower(e)] = note
		}
	}
	return out, err
}

func (m *model) Resolve(_ context.Context, _ portal.Address, text string) ([]portal.Attendee, error) {
	err := m.enter("Resolve")
	defer m.mu.Unlock()
	return []portal.Attendee{{Email: text + "@example.test"}}, err
}

func (m *model) Expand(_ context.Context, _ portal.Address, email string) ([]portal.Attendee, error) {
	err := m.enter("Expand")
	defer m.mu.Unlock()
	return slices.Clone(m.members[email]), err
}

func (m *model) Rooms(context.Context, portal.Address) ([]portal.Attendee, error) {
	err := m.enter("Rooms")
	defer m.mu.Unlock()
	return []portal.Attendee{{Email: "studio1@example.test", Name: "Studio 1", Role: portal.RoleResource}}, err
}

func (m *model) Photo(context.Context, portal.Address, string) ([]byte, string, error) {
	err := m.enter("Photo")
	defer m.mu.Unlock()
	return []byte("picture"), "image/png", err
}

func (m *model) Delegates(_ context.Context, who portal.Address) ([]portal.Delegate, error) {
	err := m.enter("Delegates")
	defer m.mu.Unlock()
	if no := m.denied[portal.CalendarKey{Owner: who}]; no != nil {
		return nil, no
	}
	return slices.Clone(m.given[who]), err
}

func (m *model) AttachmentData(_ context.Context, _, _ portal.Address, id string) (io.ReadCloser, portal.Attachment, error) {
	err := m.enter("AttachmentData")
	defer m.mu.Unlock()
	return io.NopCloser(strings.NewReader(string(m.files[id]))), portal.Attachment{ID: id}, err
}

func (m *model) Attach(_ context.Context, _, owner portal.Address, ref portal.Entry, name, contentType string, data []byte) (portal.Entry, error) {
	err := m.enter("Attach")
	defer m.rang(owner)
	defer m.mu.Unlock()
	if err != nil {
		return portal.Entry{}, err
	}
	e, err := m.current(owner, ref)
	if err != nil {
		return portal.Entry{}, err
	}
	m.serial++
	id := "file-" + strconv.Itoa(m.serial)
	m.files[id] = data
	e.Attachments = append(slices.Clone(e.Attachments), portal.Attachment{ID: id, Name: name, ContentType: contentType, Size: int64(len(data))})
	return m.put(owner, e), nil
}

func (m *model) Detach(_ context.Context, _, owner portal.Address, ref portal.Entry, id string) (portal.Entry, error) {
	err := m.enter("Detach")
	defer m.rang(owner)
	defer m.mu.Unlock()
	if err != nil {
		return portal.Entry{}, err
	}
	e, err := m.current(owner, ref)
	if err != nil {
		return portal.Entry{}, err
	}
	e.Attachments = slices.DeleteFunc(slices.Clone(e.Attachments), func(f portal.Attachment) bool { return f.ID == id })
	return m.put(owner, e), nil
}

func (m *model) Watch(people []portal.Address) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.watched = people
}

var _ calendar.Exchange = (*model)(nil)
