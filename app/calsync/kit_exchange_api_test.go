package calsync_test

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"slices"
	"strconv"
	"time"

	"portico/app/portal"
)

// What the engine sees of the Exchange in memory: it satisfies calsync.Exchange.

func (x *sim) Changes(_ context.Context, _, owner portal.Address, state string) (portal.CalendarDelta, error) {
	err := x.enter("Changes", owner)
	defer x.mu.Unlock()
	if err != nil {
		return portal.CalendarDelta{}, err
	}
	b := x.boxes[owner]
	from, _ := strconv.Atoi(state)
	d := portal.CalendarDelta{}
	if state == "" || x.resets[owner] {
		from, d.Reset, x.resets[owner] = 0, true, false
	}
	end := len(b.log)
	if x.page > 0 && end-from > x.page {
		end, d.More = from+x.page, true
	}
	seen := map[string]bool{}
	for _, remote := range b.log[from:end] {
		if seen[remote] {
			continue
		}
		seen[remote] = true
		if e := b.entries[remote]; e != nil {
			d.Changed = append(d.Changed, copyEntry(*e))
		} else if !d.Reset {
			d.Gone = append(d.Gone, remote)
		}
	}
	d.State = strconv.Itoa(end)
	return d, nil
}

func (x *sim) Entry(_ context.Context, _, owner portal.Address, remote string) (portal.Entry, error) {
	err := x.enter("Entry", owner)
	defer x.mu.Unlock()
	if err != nil {
		return portal.Entry{}, err
	}
	if e := x.boxes[owner].entries[remote]; e != nil {
		return copyEntry(*e), nil
	}
	return portal.Entry{}, portal.Fail(portal.ErrNotFound, "calendar.not-found")
}

func (x *sim) Find(_ context.Context, _, owner portal.Address, changeID string) (portal.Entry, bool, error) {
	err := x.enter("Find", owner)
	defer x.mu.Unlock()
	if err != nil {
		return portal.Entry{}, false, err
	}
	for _, e := range x.sorted(owner) {
		if e.ChangeID == changeID {
			return copyEntry(*e), true, nil
		}
	}
	return portal.Entry{}, false, nil
}

func (x *sim) sorted(owner portal.Address) []*portal.Entry {
	var out []*portal.Entry
	for _, e := range x.boxes[owner].entries {
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b *portal.Entry) int { return cmp.Compare(a.RemoteID, b.RemoteID) })
	return out
}

func (x *sim) Create(_ context.Context, _, owner portal.Address, a portal.Appointment, o portal.WriteOptions) (out portal.Entry, err error) {
	x.mu.Lock()
	pace := x.pace
	x.mu.Unlock()
	if pace > 0 {
		time.Sleep(pace) // in the time of a bubble
	}
	err = x.enter("Create", owner)
	defer func() { x.mu.Unlock(); x.ring(err, owner) }()
	if err != nil {
		return out, err
	}
	return out, x.write("Create", a.Subject, func() error {
		out = copyEntry(*x.make(owner, a, o.ChangeID, o.Send, true))
		return nil
	})
}

// ring rings after a write, of whatever came of it.
func (x *sim) ring(_ error, owner portal.Address) { x.rang(owner) }

// held gives the entry that a write means, if it still is as the writer knows it.
func (x *sim) held(owner portal.Address, ref portal.Entry) (*portal.Entry, error) {
	e := x.boxes[owner].entries[ref.RemoteID]
	switch {
	case e == nil:
		return nil, portal.Fail(portal.ErrNotFound, "calendar.not-found")
	case e.ChangeKey != ref.ChangeKey:
		return nil, portal.Fail(portal.ErrConflict, "calendar.conflict")
	}
	return e, nil
}

func (x *sim) Update(_ context.Context, _, owner portal.Address, ref portal.Entry, ch portal.AppointmentChange, o portal.WriteOptions) (out portal.Entry, err error) {
	err = x.enter("Update", owner)
	defer func() { x.mu.Unlock(); x.ring(err, owner) }()
	if err != nil {
		return out, err
	}
	if e := x.boxes[owner].entries[ref.RemoteID]; e != nil && e.DoneID == o.ChangeID && o.ChangeID != "" {
		return copyEntry(*e), nil
	}
	return out, x.write("Update", ref.Subject, func() error {
		if _, err := x.held(owner, ref); err != nil {
			return err
		}
		out = copyEntry(*x.alter(owner, ref.RemoteID, ch, o.ChangeID, o.Send, true))
		return nil
	})
}

func (x *sim) Remove(_ context.Context, _, owner portal.Address, ref portal.Entry, occurrence time.Time, _ string, quiet bool) (err error) {
	err = x.enter("Remove", owner)
	defer func() { x.mu.Unlock(); x.ring(err, owner) }()
	if err != nil {
		return err
	}
	return x.write("Remove", ref.Subject, func() error {
		e := x.boxes[owner].entries[ref.RemoteID]
		if e == nil {
			return nil
		}
		if !occurrence.IsZero() && slices.ContainsFunc(e.Deleted, occurrence.Equal) {
			return nil
		}
		if occurrence.IsZero() && e.ChangeKey != ref.ChangeKey {
			return portal.Fail(portal.ErrConflict, "calendar.conflict")
		}
		x.takeAway(owner, ref.RemoteID, occurrence, quiet, true)
		return nil
	})
}

func (x *sim) Respond(_ context.Context, _, owner portal.Address, ref portal.Entry, _ time.Time, r portal.Response, _ string, _ portal.Proposal, send bool) (err error) {
	err = x.enter("Respond", owner)
	defer func() { x.mu.Unlock(); x.ring(err, owner) }()
	if err != nil {
		return err
	}
	return x.write("Respond", ref.Subject, func() error {
		if x.boxes[owner].entries[ref.RemoteID] == nil {
			return portal.Fail(portal.ErrNotFound, "calendar.not-found")
		}
		x.reply(owner, ref.RemoteID, r, send, true)
		return nil
	})
}

func (x *sim) Attach(_ context.Context, _, owner portal.Address, ref portal.Entry, name, contentType string, data []byte) (out portal.Entry, err error) {
	err = x.enter("Attach", owner)
	defer x.mu.Unlock()
	if err != nil {
		return out, err
	}
	return out, x.write("Attach", ref.Subject, func() error {
		e, err := x.held(owner, ref)
		if err != nil {
			return err
		}
		out = copyEntry(*x.attach(owner, e.RemoteID, name, contentType, data))
		return nil
	})
}

// attach puts a file to an entry.
func (x *sim) attach(owner portal.Address, remote, name, contentType string, data []byte) *portal.Entry {
	c := copyEntry(*x.boxes[owner].entries[remote])
	x.serial++
	id := "file-" + strconv.Itoa(x.serial)
	x.files[id] = slices.Clone(data)
	c.Attachments = append(c.Attachments, portal.Attachment{ID: id, Name: name, ContentType: contentType, Size: int64(len(data)) + 120})
	return x.put(owner, c)
}

func (x *sim) Detach(_ context.Context, _, owner portal.Address, ref portal.Entry, attachmentID string) (out portal.Entry, err error) {
	err = x.enter("Detach", owner)
	defer x.mu.Unlock()
	if err != nil {
		return out, err
	}
	return out, x.write("Detach", ref.Subject, func() error {
		e, err := x.held(owner, ref)
		if err != nil {
			return err
		}
		c := copyEntry(*e)
		c.Attachments = slices.DeleteFunc(c.Attachments, func(a portal.Attachment) bool { return a.ID == attachmentID })
		out = copyEntry(*x.put(owner, c))
		return nil
	})
}

func (x *sim) AttachmentData(_ context.Context, _, owner portal.Address, attachmentID string) (io.ReadCloser, portal.Attachment, error) {
	err := x.enter("AttachmentData", owner)
	defer x.mu.Unlock()
	if err != nil {
		return nil, portal.Attachment{}, err
	}
	data, ok := x.files[attachmentID]
	if !ok {
		return nil, portal.Attachment{}, portal.Fail(portal.ErrNotFound, "calendar.not-found")
	}
	return io.NopCloser(bytes.NewReader(data)), portal.Attachment{ID: attachmentID, Size: int64(len(data))}, nil
}

func (x *sim) Watch(people []portal.Address) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.watched = slices.Clone(people)
}

func (x *sim) Identity(_ context.Context, who portal.Address, email string) (string, string, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.boxes[who] == nil {
		return "", "", portal.Fail(portal.ErrNotFound, "exchange.no-mailbox")
	}
	return email, "primary", nil
}

func (x *sim) CheckMailbox(_ context.Context, _ string, who portal.Address) error {
	err := x.enter("CheckMailbox", who)
	x.mu.Unlock()
	return err
}

func (x *sim) Check(context.Context, string) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.down {
		return errAway
	}
	return nil
}
