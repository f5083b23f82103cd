package calsync_test

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"portico/app/portal"
)

// sim is an Exchange in memory, with what makes real ones difficult: copies of a meeting in the mailboxes of those invited, answers that
// come back to the organiser's copy, change keys, sync states, texts that it writes in its own way. It counts every mail. It can be
// down, lose answers of what it did, do things late, refuse sync states, close mailboxes.
type sim struct {
	mu      sync.Mutex
	now     func() time.Time
	boxes   map[portal.Address]*simBox
	byEmail map[string]portal.Address
	files   map[string][]byte
	serial  int
	mails   []mail
	calls   map[string]int
	watched []portal.Address

	// pace is how long a creation takes.
	pace   time.Duration
	down   bool
	closed map[portal.Address]error
	page   int
	resets map[portal.Address]bool
	// trouble is asked at each write: "" lets it pass, "before" fails it undone, "after" loses the answer, "late" does it later.
	trouble func(op string) string
	late    []lateWrite
	// refuse makes writes of a subject fail for good.
	refuse func(subject string) error
	// normal: texts come back as servers write them; ownUID: it chooses the UID itself.
	normal, ownUID bool
	// rang is the doorbell.
	rang func(portal.Address)
}

type simBox struct {
	owner   portal.Address
	entries map[string]*portal.Entry
	// log holds the remote id of each change, in order; state n means that the first n are known.
	log []string
}

// lateWrite is what arrives at the server by itself after a while.
type lateWrite struct {
	at time.Time
	do func()
}

// mail is one message that somebody got.
type mail struct {
	token, to, kind string
	// engine: it was caused by the synchronisation, not by somebody at Outlook.
	engine bool
}

func newSim(now func() time.Time, owners ...portal.Address) *sim {
	x := &sim{now: now, boxes: map[portal.Address]*simBox{}, byEmail: map[string]portal.Address{}, files: map[string][]byte{}, calls: map[string]int{},
		closed: map[portal.Address]error{}, resets: map[portal.Address]bool{}, rang: func(portal.Address) {}}
	for _, o := range owners {
		x.boxes[o] = &simBox{owner: o, entries: map[string]*portal.Entry{}}
		x.byEmail[o.Bare()] = o
	}
	return x
}

var errAway = portal.Fail(portal.ErrUnavailable, "exchange.down")

// token is the first word of a subject: what the model knows an appointment by.
func token(subject string) string {
	word, _, _ := strings.Cut(strings.TrimSpace(subject), " ")
	return word
}

func (x *sim) enter(op string, owner portal.Address) error {
	x.mu.Lock()
	x.calls[op]++
	x.catchUp()
	if x.down {
		return errAway
	}
	if err := x.closed[owner]; err != nil {
		return err
	}
	if x.boxes[owner] == nil {
		return portal.Fail(portal.ErrNotFound, "exchange.no-mailbox")
	}
	return nil
}

// write does something that may go wrong on its way.
func (x *sim) write(op, subject string, do func() error) error {
	if x.refuse != nil {
		if err := x.refuse(subject); err != nil {
			return err
		}
	}
	how := ""
	if x.trouble != nil {
		how = x.trouble(op)
	}
	switch how {
	case "before":
		return errAway
	case "late":
		x.late = append(x.late, lateWrite{x.now().Add(8 * time.Second), func() {
			if err := do(); err != nil && portal.Meaning(err) == nil {
				panic(err)
			}
		}})
		return errAway
	}
	err := do()
	if err == nil && how == "after" {
		return portal.Fail(portal.ErrUnavailable, "exchange.down").Because(errors.New("the answer is lost"))
	}
	return err
}

// catchUp does what was late and has arrived by now. The caller holds the lock.
func (x *sim) catchUp() {
	for len(x.late) > 0 && !x.late[0].at.After(x.now()) {
		do, now := x.late[0], x.now
		x.late = x.late[1:]
		x.now = func() time.Time { return do.at }
		do.do()
		x.now = now
	}
}

// normalise writes a text as servers do.
func (x *sim) normalise(e *portal.Entry) {
	if !x.normal {
		return
	}
	e.Subject = strings.TrimRight(e.Subject, " ")
	body := strings.ReplaceAll(strings.TrimRight(e.Body, "\r\n"), "\r\n", "\n")
	e.Body = strings.ReplaceAll(body, "\n", "\r\n") + "\r\n"
	slices.Sort(e.Categories)
}

// put stores an entry under a new change key. The caller holds the lock.
func (x *sim) put(owner portal.Address, e portal.Entry) *portal.Entry {
	x.serial++
	if e.RemoteID == "" {
		e.RemoteID = "remote-" + strconv.Itoa(x.serial)
	}
	e.ChangeKey = "key-" + strconv.Itoa(x.serial)
	e.ID, e.Calendar, e.Version, e.Source, e.Sync = "", owner, "", portal.SourceExchange, portal.SyncState{}
	e.UpdatedAt = x.now().UTC().Truncate(time.Second)
	e.Kind = portal.KindSingle
	if e.Recurrence != "" {
		e.Kind = portal.KindMaster
	}
	e.Meeting = len(e.Attendees) > 0
	x.normalise(&e)
	b := x.boxes[owner]
	stored := copyEntry(e)
	b.entries[e.RemoteID] = &stored
	b.log = append(b.log, e.RemoteID)
	return &stored
}

func (x *sim) drop(owner portal.Address, remote string) {
	b := x.boxes[owner]
	delete(b.entries, remote)
	b.log = append(b.log, remote)
}

func (b *simBox) byUID(uid string) *portal.Entry {
	for _, e := range b.entries {
		if e.UID == uid {
			return e
		}
	}
	return nil
}

// make makes an entry in its organiser's calendar.
func (x *sim) make(owner portal.Address, a portal.Appointment, changeID string, send, engine bool) *portal.Entry {
	e := portal.Entry{Appointment: a, ChangeID: changeID}
	if e.UID == "" || x.ownUID {
		e.UID = "uid-" + strconv.Itoa(x.serial+1)
	}
	e.Mine, e.Response, e.Status = true, portal.ResponseOrganizer, portal.StatusConfirmed
	e.Organizer = portal.Attendee{Name: owner.User(), Email: owner.Bare(), Response: portal.ResponseOrganizer}
	e.InvitedAt = x.now().UTC().Truncate(time.Second)
	e.Attendees = slices.Clone(a.Attendees)
	e.Attachments, e.People, e.Companies = nil, nil, nil
	for i := range e.Attendees {
		e.Attendees[i].URI = ""
		if e.Attendees[i].Response != portal.ResponseOrganizer {
			e.Attendees[i].Response, e.Attendees[i].RespondedAt = portal.ResponseNone, time.Time{}
		}
	}
	stored := x.put(owner, e)
	if send {
		x.deliver(stored, stored.Attendees, "invite", engine)
	}
	return stored
}

// deliver sends the state of a meeting to people: they get a mail each, and who has a mailbox a copy.
func (x *sim) deliver(e *portal.Entry, to []portal.Attendee, kind string, engine bool) {
	for _, a := range to {
		if strings.EqualFold(a.Email, e.Organizer.Email) {
			continue
		}
		x.mails = append(x.mails, mail{token: token(e.Subject), to: strings.ToLower(a.Email), kind: kind, engine: engine})
		owner, ok := x.byEmail[strings.ToLower(a.Email)]
		if !ok {
			continue
		}
		old := x.boxes[owner].byUID(e.UID)
		if kind == "cancel" {
			if old != nil {
				c := copyEntry(*old)
				c.Status = portal.StatusCancelled
				x.put(owner, c)
			}
			continue
		}
		c := copyEntry(*e)
		c.RemoteID, c.ChangeID, c.DoneID, c.Mine, c.Response, c.Attachments = "", "", "", false, portal.ResponseNone, nil
		c.ReminderMinutes = nil
		if old != nil {
			c.RemoteID = old.RemoteID
			if kind != "invite" {
				c.Response = old.Response
			}
		}
		for i := range c.Attendees {
			c.Attendees[i].Response = portal.ResponseNone
		}
		x.put(owner, c)
	}
}

// alter changes an entry of an organiser.
func (x *sim) alter(owner portal.Address, remote string, ch portal.AppointmentChange, doneID string, send, engine bool) *portal.Entry {
	e := copyEntry(*x.boxes[owner].entries[remote])
	before := slices.Clone(e.Attendees)
	if doneID != "" {
		e.DoneID = doneID
	}
	if !ch.Occurrence.IsZero() && ch.Scope == portal.ScopeOne {
		x.except(&e, ch)
	} else {
		apply(&e.Appointment, ch)
	}
	stored := x.put(owner, e)
	if !send {
		return stored
	}
	added := slices.DeleteFunc(slices.Clone(stored.Attendees), func(a portal.Attendee) bool { return listed(before, a.Email) })
	removed := slices.DeleteFunc(slices.Clone(before), func(a portal.Attendee) bool { return listed(stored.Attendees, a.Email) })
	stay := slices.DeleteFunc(slices.Clone(stored.Attendees), func(a portal.Attendee) bool { return !listed(before, a.Email) })
	only := ch
	only.Attendees, only.Known, only.Scope, only.Occurrence = nil, nil, "", time.Time{}
	x.deliver(stored, added, "invite", engine)
	x.deliver(stored, removed, "cancel", engine)
	if !only.Empty() {
		x.deliver(stored, stay, "update", engine)
	}
	return stored
}

// except changes one occurrence.
func (x *sim) except(e *portal.Entry, ch portal.AppointmentChange) {
	at := slices.IndexFunc(e.Exceptions, func(o portal.Appointment) bool { return o.RecurrenceID.Equal(ch.Occurrence) })
	if at < 0 {
		o := e.Appointment
		o.Kind, o.RecurrenceID, o.Start, o.End = portal.KindException, ch.Occurrence, ch.Occurrence, ch.Occurrence.Add(e.End.Sub(e.Start))
		o.Attachments = nil
		e.Exceptions = append(e.Exceptions, o)
		at = len(e.Exceptions) - 1
	}
	apply(&e.Exceptions[at], ch)
	e.Deleted = slices.DeleteFunc(e.Deleted, func(t time.Time) bool { return t.Equal(ch.Occurrence) })
}

func listed(list []portal.Attendee, email string) bool {
	return slices.ContainsFunc(list, func(a portal.Attendee) bool { return strings.EqualFold(a.Email, email) })
}

// apply makes a change to an appointment.
func apply(a *portal.Appointment, ch portal.AppointmentChange) {
	to(&a.Subject, ch.Subject)
	to(&a.Location, ch.Location)
	to(&a.Body, ch.Body)
	to(&a.Start, ch.Start)
	to(&a.End, ch.End)
	to(&a.AllDay, ch.AllDay)
	to(&a.TimeZone, ch.TimeZone)
	to(&a.Recurrence, ch.Recurrence)
	to(&a.Show, ch.Show)
	to(&a.Private, ch.Private)
	to(&a.ReminderMinutes, ch.ReminderMinutes)
	to(&a.Categories, ch.Categories)
	if ch.Attendees != nil {
		a.Attendees = ch.AttendeesOver(a.Attendees)
	}
}

func to[T any](at *T, from *T) {
	if from != nil {
		*at = *from
	}
}

// takeAway removes an entry or one occurrence; an organiser's cancels it.
func (x *sim) takeAway(owner portal.Address, remote string, occurrence time.Time, quiet, engine bool) {
	e := x.boxes[owner].entries[remote]
	if !occurrence.IsZero() {
		c := copyEntry(*e)
		c.Deleted = append(c.Deleted, occurrence)
		c.Exceptions = slices.DeleteFunc(c.Exceptions, func(o portal.Appointment) bool { return o.RecurrenceID.Equal(occurrence) })
		stored := x.put(owner, c)
		if c.Mine && !quiet {
			x.deliver(stored, stored.Attendees, "update", engine)
		}
		return
	}
	x.drop(owner, remote)
	if e.Mine && !quiet {
		x.deliver(e, e.Attendees, "cancel", engine)
	}
}

// reply answers an invitation in somebody's mailbox.
func (x *sim) reply(owner portal.Address, remote string, r portal.Response, send, engine bool) {
	e := copyEntry(*x.boxes[owner].entries[remote])
	if r == portal.ResponseDeclined {
		x.drop(owner, remote)
	} else {
		e.Response = r
		x.put(owner, e)
	}
	if !send {
		return
	}
	x.mails = append(x.mails, mail{token: token(e.Subject), to: strings.ToLower(e.Organizer.Email), kind: "answer", engine: engine})
	organizer, ok := x.byEmail[strings.ToLower(e.Organizer.Email)]
	if !ok {
		return
	}
	if o := x.boxes[organizer].byUID(e.UID); o != nil && o.Mine {
		c := copyEntry(*o)
		for i := range c.Attendees {
			if strings.EqualFold(c.Attendees[i].Email, owner.Bare()) {
				c.Attendees[i].Response, c.Attendees[i].RespondedAt = r, x.now().UTC()
			}
		}
		at := o.UpdatedAt // Outlook does not count answers as changes of the meeting
		x.put(organizer, c).UpdatedAt = at
	}
}

// What people do at Outlook, and what tests look at.

// user does something as a person at Outlook, and rings the bells of those concerned.
func (x *sim) user(do func()) {
	x.mu.Lock()
	x.catchUp()
	before := map[portal.Address]int{}
	for who, b := range x.boxes {
		before[who] = len(b.log)
	}
	do()
	var changed []portal.Address
	for who, b := range x.boxes {
		if len(b.log) != before[who] {
			changed = append(changed, who)
		}
	}
	x.mu.Unlock()
	slices.Sort(changed)
	for _, who := range changed {
		x.rang(who)
	}
}

// all gives the entries of a mailbox, those of a token where that is not empty.
func (x *sim) all(owner portal.Address, tok string) []portal.Entry {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.catchUp()
	var out []portal.Entry
	for _, e := range x.sorted(owner) {
		if tok == "" || token(e.Subject) == tok {
			out = append(out, copyEntry(*e))
		}
	}
	return out
}

// sent gives the mails that the synchronisation caused, as "kind to token", sorted.
func (x *sim) sent() []string {
	x.mu.Lock()
	defer x.mu.Unlock()
	var out []string
	for _, m := range x.mails {
		if m.engine {
			out = append(out, fmt.Sprintf("%s %s %s", m.kind, m.to, m.token))
		}
	}
	slices.Sort(out)
	return out
}

func (x *sim) called(op string) int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.calls[op]
}

func (x *sim) set(change func()) {
	x.mu.Lock()
	defer x.mu.Unlock()
	change()
}
