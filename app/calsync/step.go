package calsync

import (
	"context"
	"errors"
	"fmt"
	"io"

	"portico/app/calsync/merge"
	"portico/app/portal"
)

// The steps of a plan, each one call of a side, and what each leaves behind for the next.

// step takes one step.
func (w *work) step(ctx context.Context, st merge.Step) error {
	switch st := st.(type) {
	case merge.CreateExchange:
		return w.create(ctx, st)
	case merge.UpdateExchange:
		return w.update(ctx, st)
	case merge.RemoveExchange:
		return w.remove(ctx, st)
	case merge.AttachExchange:
		return w.attach(ctx, st)
	case merge.DetachExchange:
		return w.detach(ctx, st)
	case merge.PutCRM:
		return w.putCRM(ctx, st)
	case merge.Answer:
		return w.answer(ctx, st)
	case merge.Adopt, merge.Skip, merge.Wait, merge.Refuse:
		return nil
	}
	return fmt.Errorf("a step that nobody knows: %T", st)
}

// write makes one writing call of Exchange.
func (w *work) write(ctx context.Context, who portal.Address, do func(context.Context) error) error {
	w.wrote = true
	w.s.unsure.set(w.j.Key)
	return w.exchange(ctx, who, do)
}

// ref is the entry that a step means: as an earlier step left it, else as it was read.
func (w *work) ref(mailbox portal.Address, planned portal.Entry) portal.Entry {
	if w.entry != nil && w.written == mailbox && (planned.RemoteID == "" || planned.RemoteID == w.entry.RemoteID) {
		return *w.entry
	}
	return planned
}

// left notes how a write left an entry.
func (w *work) left(mailbox portal.Address, e portal.Entry) {
	e.Calendar = mailbox
	if e.UID == "" && e.RemoteID != "" && w.entry != nil && w.entry.RemoteID == e.RemoteID {
		e.UID = w.entry.UID
	}
	w.entry, w.written = &e, mailbox
	w.put = append(w.put, portal.SyncItem{Mailbox: mailbox, Entry: e, ReadAt: w.s.o.Now()})
}

func (w *work) create(ctx context.Context, st merge.CreateExchange) error {
	var e portal.Entry
	err := w.write(ctx, st.Mailbox, func(ctx context.Context) (err error) {
		e, err = w.s.x.Create(ctx, st.Mailbox, st.Mailbox, st.Appointment, portal.WriteOptions{ChangeID: st.ChangeID, Send: st.Send, Zone: st.Appointment.TimeZone})
		return err
	})
	if err == nil {
		w.left(st.Mailbox, e)
	}
	return err
}

func (w *work) update(ctx context.Context, st merge.UpdateExchange) error {
	ref := w.ref(st.Mailbox, st.Ref)
	ch := st.Change
	if ref.ChangeKey != st.Ref.ChangeKey || st.Ref.RemoteID == "" {
		if ch = merge.Still(ref, ch); ch.Empty() {
			return nil
		}
	}
	var e portal.Entry
	err := w.write(ctx, st.Mailbox, func(ctx context.Context) (err error) {
		e, err = w.s.x.Update(ctx, st.Mailbox, st.Mailbox, ref, ch, portal.WriteOptions{ChangeID: st.ChangeID, Send: st.Send, Zone: ref.TimeZone})
		return err
	})
	if err == nil {
		w.left(st.Mailbox, e)
	}
	return err
}

func (w *work) remove(ctx context.Context, st merge.RemoveExchange) error {
	ref := w.ref(st.Mailbox, st.Ref)
	err := w.write(ctx, st.Mailbox, func(ctx context.Context) error {
		return w.s.x.Remove(ctx, st.Mailbox, st.Mailbox, ref, st.Occurrence, "", st.Quiet)
	})
	if err != nil {
		return err
	}
	if !st.Occurrence.IsZero() {
		return w.look(ctx, st.Mailbox, ref)
	}
	if w.entry != nil && w.entry.RemoteID == ref.RemoteID {
		w.entry = nil
	}
	w.drop = append(w.drop, portal.SyncItem{Mailbox: st.Mailbox, Entry: ref})
	return nil
}

// look reads an entry after a write that did not give it back.
func (w *work) look(ctx context.Context, mailbox portal.Address, ref portal.Entry) error {
	var e portal.Entry
	err := w.exchange(ctx, mailbox, func(ctx context.Context) (err error) {
		e, err = w.s.x.Entry(ctx, mailbox, mailbox, ref.RemoteID)
		return err
	})
	if err == nil {
		w.left(mailbox, e)
	}
	return err
}

func (w *work) attach(ctx context.Context, st merge.AttachExchange) error {
	ref := w.ref(st.Mailbox, st.Ref)
	var data []byte
	err := w.s.call(ctx, func(ctx context.Context) (err error) {
		data, err = w.s.crm.File(ctx, st.File.Hash)
		return err
	})
	if err != nil {
		return fmt.Errorf("read a file of CRM: %w", err)
	}
	var e portal.Entry
	err = w.write(ctx, st.Mailbox, func(ctx context.Context) (err error) {
		e, err = w.s.x.Attach(ctx, st.Mailbox, st.Mailbox, ref, st.File.Name, st.File.ContentType, data)
		return err
	})
	if err == nil {
		w.left(st.Mailbox, e)
	}
	return err
}

func (w *work) detach(ctx context.Context, st merge.DetachExchange) error {
	ref := w.ref(st.Mailbox, st.Ref)
	var e portal.Entry
	err := w.write(ctx, st.Mailbox, func(ctx context.Context) (err error) {
		e, err = w.s.x.Detach(ctx, st.Mailbox, st.Mailbox, ref, st.AttachmentID)
		return err
	})
	if err == nil {
		w.left(st.Mailbox, e)
	}
	return err
}

// answer answers an invitation. The copy is read afterwards: that is how a later try knows that it was done.
func (w *work) answer(ctx context.Context, st merge.Answer) error {
	err := w.write(ctx, st.Mailbox, func(ctx context.Context) error {
		return w.s.x.Respond(ctx, st.Mailbox, st.Mailbox, st.Ref, st.Occurrence, st.Response, st.Comment, portal.Proposal{}, st.Send)
	})
	if err != nil {
		return err
	}
	var e portal.Entry
	err = w.exchange(ctx, st.Mailbox, func(ctx context.Context) (err error) {
		e, err = w.s.x.Entry(ctx, st.Mailbox, st.Mailbox, st.Ref.RemoteID)
		return err
	})
	switch {
	case errors.Is(err, portal.ErrNotFound): // declining takes it out of the calendar
		w.drop = append(w.drop, portal.SyncItem{Mailbox: st.Mailbox, Entry: st.Ref})
		return nil
	case err != nil:
		return err
	}
	e.Calendar = st.Mailbox
	w.put = append(w.put, portal.SyncItem{Mailbox: st.Mailbox, Entry: e, ReadAt: w.s.o.Now()})
	return nil
}

// putCRM stores a record, with the files that come to it.
func (w *work) putCRM(ctx context.Context, st merge.PutCRM) error {
	r := st.Record
	for _, a := range st.Fetch {
		f, err := w.fetch(ctx, st.Mailbox, a)
		if err != nil {
			return err
		}
		r.Kept = append(r.Kept, f)
		r.Attachments = append(r.Attachments, f.Attachment)
	}
	err := w.s.call(ctx, func(ctx context.Context) (err error) {
		r, err = w.s.crm.Put(ctx, r, st.Alert)
		return err
	})
	if err == nil {
		w.record = &r
	}
	return err
}

// fetch copies a file of Exchange into CRM.
func (w *work) fetch(ctx context.Context, mailbox portal.Address, a portal.Attachment) (portal.CRMFile, error) {
	var data []byte
	err := w.exchange(ctx, mailbox, func(ctx context.Context) error {
		body, about, err := w.s.x.AttachmentData(ctx, mailbox, mailbox, a.ID)
		if err != nil {
			return err
		}
		defer body.Close() //nolint:errcheck // it was read
		if a.ContentType == "" {
			a.ContentType = about.ContentType
		}
		data, err = io.ReadAll(io.LimitReader(body, w.s.o.MaxAttachment+1))
		if err != nil {
			return portal.Fail(portal.ErrUnavailable, keyAway).Because(err)
		}
		return nil
	})
	if err != nil {
		return portal.CRMFile{}, err
	}
	if int64(len(data)) > w.s.o.MaxAttachment {
		return portal.CRMFile{}, portal.Fail(portal.ErrInvalid, keyFileSize)
	}
	var f portal.CRMFile
	err = w.s.call(ctx, func(ctx context.Context) (err error) {
		f, err = w.s.crm.Keep(ctx, a.Name, a.ContentType, data)
		return err
	})
	return f, err
}
