package calsync_test

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"portico/app/portal"
)

// records is a CRM in memory that keeps the contract of calsync.CRM, and lets tests do what people do there.
type records struct {
	mu      sync.Mutex
	now     func() time.Time
	all     map[string]portal.CRMAppointment
	byUID   map[string][]string // the records that ever had a UID
	byStart map[int64][]string  // and those that ever began then
	users   []portal.CRMUser
	log     []portal.CRMChange
	files   map[string][]byte
	changed chan struct{}
	marks   map[string]portal.SyncState
	// markCalls counts the calls of Marked; marking is called by each before it does anything.
	markCalls int
	marking   func()
	alerts    int
	serial    int
	// fail is asked at each write of the synchronisation.
	fail func() error
}

func newRecords(now func() time.Time, users ...portal.CRMUser) *records {
	return &records{now: now, all: map[string]portal.CRMAppointment{}, byUID: map[string][]string{}, byStart: map[int64][]string{}, users: users, files: map[string][]byte{}, changed: make(chan struct{}), marks: map[string]portal.SyncState{}}
}

func copyRecord(r portal.CRMAppointment) portal.CRMAppointment {
	r.Entry = copyEntry(r.Entry)
	r.Kept = slices.Clone(r.Kept)
	r.People, r.Companies = slices.Clone(r.People), slices.Clone(r.Companies)
	return r
}

func (c *records) Changes(_ context.Context, after int64, limit int) ([]portal.CRMChange, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if after >= int64(len(c.log)) {
		return nil, nil
	}
	list := slices.Clone(c.log[after:])
	return list[:min(limit, len(list))], nil
}

func (c *records) Changed() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.changed
}

func (c *records) Record(_ context.Context, id string) (portal.CRMAppointment, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r, ok := c.all[id]
	if !ok {
		return r, portal.Fail(portal.ErrNotFound, "not-found")
	}
	return copyRecord(r), nil
}

func (c *records) RecordByUID(_ context.Context, uid string) (portal.CRMAppointment, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, id := range c.byUID[uid] {
		if r := c.all[id]; r.UID == uid && r.Gone.IsZero() {
			return copyRecord(r), nil
		}
	}
	return portal.CRMAppointment{}, portal.Fail(portal.ErrNotFound, "not-found")
}

func (c *records) Alike(_ context.Context, owner portal.Address, subject string, start, end time.Time, allDay bool) ([]portal.CRMAppointment, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []portal.CRMAppointment
	for _, id := range c.byStart[start.Unix()] {
		r := c.all[id]
		if r.Gone.IsZero() && r.Calendar == owner && strings.EqualFold(strings.TrimSpace(r.Subject), strings.TrimSpace(subject)) && r.Start.Equal(start) && r.End.Equal(end) && r.AllDay == allDay {
			out = append(out, copyRecord(r))
		}
	}
	slices.SortFunc(out, func(x, y portal.CRMAppointment) int { return cmp.Compare(x.ID, y.ID) })
	return out, nil
}

// living gives copies of the records that live and pass, by ID.
func (c *records) living(pass func(*portal.CRMAppointment) bool) []portal.CRMAppointment {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []portal.CRMAppointment
	for _, r := range c.all {
		if r.Gone.IsZero() && pass(&r) {
			out = append(out, copyRecord(r))
		}
	}
	slices.SortFunc(out, func(x, y portal.CRMAppointment) int { return cmp.Compare(x.ID, y.ID) })
	return out
}

func (c *records) Put(_ context.Context, r portal.CRMAppointment, alert bool) (portal.CRMAppointment, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fail != nil {
		if err := c.fail(); err != nil {
			return r, err
		}
	}
	if alert {
		c.alerts++
	}
	return c.put(r, portal.CRMSync)
}

// put stores a record. The caller holds the lock.
func (c *records) put(r portal.CRMAppointment, by string) (portal.CRMAppointment, error) {
	old, known := c.all[r.ID]
	if known && old.Revision != r.Revision || !known && r.Revision != 0 {
		return r, portal.Fail(portal.ErrConflict, "conflict")
	}
	for _, id := range c.byUID[r.UID] {
		if o := c.all[id]; o.UID == r.UID && o.ID != r.ID && o.Gone.IsZero() && r.Gone.IsZero() {
			return r, portal.Fail(portal.ErrConflict, "conflict")
		}
	}
	r.Revision++
	r.Version = strconv.FormatInt(r.Revision, 10)
	c.all[r.ID] = copyRecord(r)
	if !slices.Contains(c.byUID[r.UID], r.ID) {
		c.byUID[r.UID] = append(c.byUID[r.UID], r.ID)
	}
	if at := r.Start.Unix(); !slices.Contains(c.byStart[at], r.ID) {
		c.byStart[at] = append(c.byStart[at], r.ID)
	}
	change := portal.Updated
	switch {
	case !known:
		change = portal.Created
	case !r.Gone.IsZero():
		change = portal.Deleted
	}
	c.line(portal.CRMChange{Kind: "appointment", ID: r.ID, Change: change, By: by, At: c.now(), Revision: r.Revision})
	return copyRecord(r), nil
}

func (c *records) line(ch portal.CRMChange) {
	ch.Seq = int64(len(c.log) + 1)
	c.log = append(c.log, ch)
	close(c.changed)
	c.changed = make(chan struct{})
}

func (c *records) Marked(_ context.Context, ids []string, st portal.SyncState) error {
	c.mu.Lock()
	wait := c.marking
	c.mu.Unlock()
	if wait != nil {
		wait()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.markCalls++
	for _, id := range ids {
		c.marks[id] = st
	}
	return nil
}

func (c *records) File(_ context.Context, hash string) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	data, ok := c.files[hash]
	if !ok {
		return nil, portal.Fail(portal.ErrNotFound, "not-found")
	}
	return slices.Clone(data), nil
}

func (c *records) Keep(_ context.Context, name, contentType string, data []byte) (portal.CRMFile, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	sum := sha256.Sum256(data)
	hash := hex.EncodeToString(sum[:])
	c.files[hash] = slices.Clone(data)
	c.serial++
	return portal.CRMFile{Attachment: portal.Attachment{ID: "kept-" + strconv.Itoa(c.serial), Name: name, ContentType: contentType, Size: int64(len(data))}, Hash: hash}, nil
}

func (c *records) Users(context.Context) ([]portal.CRMUser, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.users), nil
}

func (c *records) PutUsers(_ context.Context, list []portal.CRMUser, by string) ([]portal.CRMUser, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, u := range list {
		at := slices.IndexFunc(c.users, func(o portal.CRMUser) bool { return o.Address == u.Address })
		if at < 0 {
			c.users = append(c.users, u)
		} else {
			c.users[at] = u
		}
		c.line(portal.CRMChange{Kind: "user", ID: string(u.Address), Change: portal.Updated, By: by, At: c.now()})
	}
	return list, nil
}

// What people do in CRM.

// create makes a record as its owner.
func (c *records) create(a portal.Appointment) portal.CRMAppointment {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.serial++
	a.ID = portal.CRMPrefix + "made-" + strconv.Itoa(c.serial)
	if a.UID == "" {
		a.UID = a.ID + "@portico"
	}
	a.Source, a.Status, a.Kind = portal.SourceCRM, portal.StatusPending, portal.KindSingle
	if a.Recurrence != "" {
		a.Kind = portal.KindMaster
	}
	a.Organizer = portal.Attendee{URI: a.Calendar, Name: a.Calendar.User(), Email: a.Calendar.Bare(), Response: portal.ResponseOrganizer}
	a.Meeting, a.Mine = len(a.Attendees) > 0, true
	r := portal.CRMAppointment{Entry: portal.Entry{Appointment: a}, Origin: portal.SourceCRM, ChangedAt: c.now(), ChangedBy: string(a.Calendar)}
	r.UpdatedAt, r.InvitedAt = c.now(), c.now()
	r, err := c.put(r, string(a.Calendar))
	if err != nil {
		panic(err)
	}
	return r
}

// edit changes a record as a person.
func (c *records) edit(id string, change func(r *portal.CRMAppointment)) portal.CRMAppointment {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := copyRecord(c.all[id])
	change(&r)
	r.ChangedAt, r.UpdatedAt, r.ChangedBy = c.now(), c.now(), string(r.Calendar)
	r, err := c.put(r, string(r.Calendar))
	if err != nil {
		panic(err)
	}
	return r
}

// delete deletes a record as its owner.
func (c *records) delete(id string) { c.edit(id, func(r *portal.CRMAppointment) { r.Gone = c.now() }) }

func (c *records) get(id string) portal.CRMAppointment {
	c.mu.Lock()
	defer c.mu.Unlock()
	return copyRecord(c.all[id])
}

// of gives the living records of a token.
func (c *records) of(tok string) []portal.CRMAppointment {
	return c.living(func(r *portal.CRMAppointment) bool { return token(r.Subject) == tok })
}
