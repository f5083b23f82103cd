package calsync

import (
	"context"
	"errors"
	"slices"
	"strings"

	"portico/app/calsync/merge"
	"portico/app/portal"
)

// Gathering: what a plan is made from, read afresh for each try: the record, the copies, what was agreed.

// errExchange is an error of Exchange with whose mailbox was asked.
type errExchange struct {
	who portal.Address
	error
}

func (e *errExchange) Unwrap() error { return e.error }

// work is one try of a job.
type work struct {
	s *Service
	k *state
	j portal.SyncJob
	f merge.Facts
	// pair is the stored pair, also where it is only a note of a failure and no facts are in it.
	pair *portal.SyncPair
	// unsure: an earlier try may have done something of which nobody knows; Exchange is asked before anything is planned.
	unsure bool
	// record and entry are both sides as the last step left them; written is whose mailbox entry stands in.
	record  *portal.CRMAppointment
	entry   *portal.Entry
	written portal.Address
	// stored are the versions of the copies that the ledger had when the facts were gathered, by copyKey.
	stored map[string]string
	// put are copies that a write gave back or that were read afresh, drop those that a write removed.
	put, drop []portal.SyncItem
	// found: what an earlier try made is there.
	found bool
	// wrote: a write was begun, so that an error leaves open whether it was done.
	wrote bool
}

func copyKey(mailbox portal.Address, remote string) string { return string(mailbox) + "\x00" + remote }

// begin makes a try of a job.
func (s *Service) begin(j portal.SyncJob) *work {
	return &work{s: s, k: s.known(), j: j, stored: map[string]string{},
		unsure: j.Tries > 0 || !j.MadeAt.After(s.bornAt) || s.unsure.has(j.Key)}
}

// gather reads the facts.
func (w *work) gather(ctx context.Context) error {
	w.record, w.entry, w.pair, w.put, w.drop = nil, nil, nil, nil, nil
	w.f = merge.Facts{Quiet: w.j.Quiet, Now: w.s.o.Now(), NewID: w.s.o.NewID(), Users: w.k.merged, Rules: w.k.rules, Options: w.k.options(w.s.o.MaxAttachment)}
	uid, err := w.gatherRecord(ctx)
	if err != nil {
		return err
	}
	if err := w.gatherPair(ctx, uid); err != nil {
		return err
	}
	if w.f.Record == nil && w.pair != nil {
		if err := w.findRecord(ctx, w.pair.CRM, ""); err != nil {
			return err
		}
		if w.f.Record == nil && w.pair.RemoteID == "" {
			w.f.NewID = w.pair.CRM // that an earlier try was to make
		}
	}
	if err := w.gatherCopies(ctx, uid); err != nil {
		return err
	}
	clear(w.stored)
	w.note(w.f.Copies)
	if err := w.stamped(ctx); err != nil {
		return err
	}
	if err := w.ask(ctx); err != nil {
		return err
	}
	if err := w.gatherAlike(ctx); err != nil {
		return err
	}
	w.note(w.f.AlikeCopies)
	w.f.Unread = w.unread()
	w.f.Quiet = w.f.Quiet && !w.news()
	w.record = w.f.Record
	return nil
}

// news tells whether somebody changed the record by hand since both sides agreed about it: that is no part of a first synchronisation or
// of what was restored, whatever it is that makes us look, and people hear of it.
func (w *work) news() bool {
	r, p := w.f.Record, w.f.Pair
	if r == nil || p == nil || p.RemoteID == "" || p.State != portal.SyncDone || r.Revision == p.Revision || r.ChangedBy == portal.CRMSync {
		return false
	}
	return r.ChangedAt.After(p.At) && r.ChangedAt.After(w.k.byWho[p.Mailbox].Since)
}

// note notes the versions of copies as the ledger has them.
func (w *work) note(list []portal.SyncItem) {
	for i := range list {
		w.stored[copyKey(list[i].Mailbox, list[i].Entry.RemoteID)] = list[i].Entry.ChangeKey
	}
}

// gatherRecord reads CRM's side and gives the UID.
func (w *work) gatherRecord(ctx context.Context) (string, error) {
	uid, byUID := strings.CutPrefix(w.j.Key, "uid:")
	id := w.j.Key
	if byUID {
		id = ""
	}
	if err := w.findRecord(ctx, id, uid); err != nil {
		return "", err
	}
	if w.f.Record != nil {
		return w.f.Record.UID, nil
	}
	if byUID {
		return uid, nil
	}
	return "", nil
}

// findRecord reads the record of an id or, where that is empty, of a UID. There may be none.
func (w *work) findRecord(ctx context.Context, id, uid string) error {
	var r portal.CRMAppointment
	err := w.s.call(ctx, func(ctx context.Context) (err error) {
		if id != "" {
			r, err = w.s.crm.Record(ctx, id)
		} else {
			r, err = w.s.crm.RecordByUID(ctx, uid)
		}
		return err
	})
	if errors.Is(err, portal.ErrNotFound) {
		return nil
	}
	if err == nil {
		w.f.Record = &r
	}
	return err
}

// gatherPair reads what was agreed.
func (w *work) gatherPair(ctx context.Context, uid string) error {
	var p portal.SyncPair
	err := error(portal.ErrNotFound)
	switch {
	case w.f.Record != nil:
		p, err = w.s.l.SyncPair(ctx, w.f.Record.ID)
	case strings.HasPrefix(w.j.Key, portal.CRMPrefix):
		p, err = w.s.l.SyncPair(ctx, w.j.Key)
	}
	if errors.Is(err, portal.ErrNotFound) && uid != "" {
		p, err = w.s.l.SyncPairByUID(ctx, uid)
	}
	if errors.Is(err, portal.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	w.pair = &p
	if p.RemoteID != "" || len(p.Agreed) > 0 {
		w.f.Pair = &p
	}
	return nil
}

// gatherCopies reads the copies of the UID, and the one that the pair names.
func (w *work) gatherCopies(ctx context.Context, uid string) error {
	if uid == "" && w.pair != nil {
		uid = w.pair.UID
	}
	if uid != "" {
		list, err := w.s.l.SyncItemsByUID(ctx, uid)
		if err != nil {
			return err
		}
		w.f.Copies = list
	}
	p := w.f.Pair
	if p == nil || p.RemoteID == "" || w.copyAt(p.Mailbox, p.RemoteID) >= 0 {
		return nil
	}
	it, err := w.s.l.SyncItem(ctx, p.Mailbox, p.RemoteID)
	if errors.Is(err, portal.ErrNotFound) {
		return nil
	}
	if err == nil {
		w.f.Copies = append(w.f.Copies, it)
	}
	return err
}

// stamped finds the record of an entry that it was made from, where the server gave the entry another UID.
func (w *work) stamped(ctx context.Context) error {
	if w.f.Record != nil || w.pair != nil {
		return nil
	}
	for _, c := range w.f.Copies {
		id := c.Entry.ChangeID
		if !c.Gone.IsZero() || !c.Entry.Mine || !strings.HasPrefix(id, portal.CRMPrefix) {
			continue
		}
		p, err := w.s.l.SyncPair(ctx, id)
		if err != nil && !errors.Is(err, portal.ErrNotFound) {
			return err
		}
		if p.RemoteID != "" {
			continue // a copy of another
		}
		if err == nil {
			w.pair = &p
			if len(p.Agreed) > 0 {
				w.f.Pair = &p
			}
		}
		return w.findRecord(ctx, id, "")
	}
	return nil
}

func (w *work) copyAt(mailbox portal.Address, remote string) int {
	return slices.IndexFunc(w.f.Copies, func(c portal.SyncItem) bool { return c.Mailbox == mailbox && c.Entry.RemoteID == remote })
}

// truth is the mailbox that a record's meeting is sent from; empty: none.
func (w *work) truth() portal.Address {
	r := w.f.Record
	switch {
	case r == nil:
		return ""
	case w.k.byWho[r.Calendar].Synced():
		return r.Calendar
	case w.k.byWho[w.k.settings.SyncUser].Synced():
		return w.k.settings.SyncUser
	}
	return ""
}

// ask reads from Exchange itself what the ledger may not know rightly: the copy of the truth where an earlier try may have written it
// or where it was read before the pair was noted, what a create without an answer may have made, and answers that may have been given.
func (w *work) ask(ctx context.Context) error {
	if p := w.f.Pair; p != nil && p.RemoteID != "" {
		at := w.copyAt(p.Mailbox, p.RemoteID)
		old := at >= 0 && w.f.Copies[at].Entry.ChangeKey != p.ChangeKey && !w.f.Copies[at].ReadAt.After(p.At)
		if w.unsure || old || at < 0 || p.State != portal.SyncDone {
			if !w.k.byWho[p.Mailbox].Synced() {
				return nil // nobody may look there any more
			}
			if err := w.reread(ctx, p.Mailbox, p.RemoteID); err != nil {
				return err
			}
		}
	} else if err := w.find(ctx); err != nil {
		return err
	}
	if !w.unsure || w.f.Record == nil {
		return nil
	}
	for _, c := range slices.Clone(w.f.Copies) {
		if !c.Gone.IsZero() || w.f.Pair != nil && c.Mailbox == w.f.Pair.Mailbox || !w.k.byWho[c.Mailbox].Synced() {
			continue
		}
		if a := w.attendee(c.Mailbox); a != nil && a.Response.Answerable() && a.Response != c.Entry.Response {
			if err := w.reread(ctx, c.Mailbox, c.Entry.RemoteID); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *work) attendee(who portal.Address) *portal.Attendee {
	for i := range w.f.Record.Attendees {
		if u, ok := w.k.user(w.f.Record.Attendees[i]); ok && u.Address == who {
			return &w.f.Record.Attendees[i]
		}
	}
	return nil
}

// find looks for what an earlier try to create may have made. Where no try can have been made, nobody is asked.
func (w *work) find(ctx context.Context) error {
	r, mailbox := w.f.Record, w.truth()
	if r == nil || r.Origin != portal.SourceCRM || mailbox == "" {
		return nil
	}
	if !w.unsure && w.pair == nil && w.j.Direction == portal.ToExchange {
		return nil
	}
	var e portal.Entry
	var ok bool
	err := w.exchange(ctx, mailbox, func(ctx context.Context) (err error) {
		e, ok, err = w.s.x.Find(ctx, mailbox, mailbox, r.ID)
		return err
	})
	if err != nil || !ok {
		return err
	}
	w.found = true
	w.renew(mailbox, e)
	return nil
}

// reread reads a copy from its mailbox; one that is not there any more is gone.
func (w *work) reread(ctx context.Context, mailbox portal.Address, remote string) error {
	var e portal.Entry
	err := w.exchange(ctx, mailbox, func(ctx context.Context) (err error) {
		e, err = w.s.x.Entry(ctx, mailbox, mailbox, remote)
		return err
	})
	if errors.Is(err, portal.ErrNotFound) {
		at := w.copyAt(mailbox, remote)
		if at < 0 {
			return nil
		}
		if w.f.Copies[at].Gone.IsZero() {
			w.f.Copies[at].Gone = w.s.o.Now()
			w.put = append(w.put, w.f.Copies[at])
		}
		return nil
	}
	if err == nil {
		w.renew(mailbox, e)
	}
	return err
}

// renew takes over a copy as it was just read.
func (w *work) renew(mailbox portal.Address, e portal.Entry) {
	e.Calendar = mailbox
	it := portal.SyncItem{Mailbox: mailbox, Entry: e, ReadAt: w.s.o.Now()}
	at := w.copyAt(mailbox, e.RemoteID)
	if at >= 0 {
		it.Generation = w.f.Copies[at].Generation
		w.f.Copies[at] = it
	} else {
		w.f.Copies = append(w.f.Copies, it)
	}
	w.put = append(w.put, it)
}

// exchange makes one call of Exchange and notes whether it answered.
func (w *work) exchange(ctx context.Context, who portal.Address, do func(context.Context) error) error {
	err := w.s.call(ctx, do)
	switch {
	case err == nil || !passing(err) && portal.Meaning(err) != nil:
		w.s.answered(who)
	case ctx.Err() != nil:
		return ctx.Err()
	}
	if err != nil {
		return &errExchange{who: who, error: err}
	}
	return nil
}

// gatherAlike reads what may be the same appointment although nothing joins the two: records and copies with the same times.
func (w *work) gatherAlike(ctx context.Context) error {
	if w.f.Pair != nil {
		return nil
	}
	if r := w.f.Record; r != nil {
		if len(w.f.Copies) > 0 || w.truth() == "" || !r.Gone.IsZero() {
			return nil
		}
		list, err := w.s.l.SyncItemsAlike(ctx, w.truth(), r.Start, r.End, r.AllDay)
		if err != nil || len(list) == 0 {
			return err
		}
		uids := make([]string, len(list))
		for i := range list {
			uids[i] = list[i].Entry.UID
		}
		pairs, err := w.s.l.SyncPairsByUIDs(ctx, uids)
		if err != nil {
			return err
		}
		w.f.AlikeCopies = slices.DeleteFunc(list, func(it portal.SyncItem) bool { return pairs[it.Entry.UID].CRM != "" })
		return nil
	}
	return w.alikeRecords(ctx)
}

func (w *work) alikeRecords(ctx context.Context) error {
	at := slices.IndexFunc(w.f.Copies, func(c portal.SyncItem) bool { return c.Gone.IsZero() && c.Entry.Mine })
	if at < 0 {
		return nil
	}
	e := &w.f.Copies[at].Entry
	var list []portal.CRMAppointment
	err := w.s.call(ctx, func(ctx context.Context) (err error) {
		list, err = w.s.crm.Alike(ctx, w.f.Copies[at].Mailbox, e.Subject, e.Start, e.End, e.AllDay)
		return err
	})
	if err != nil || len(list) == 0 {
		return err
	}
	ids := make([]string, len(list))
	for i := range list {
		ids[i] = list[i].ID
	}
	pairs, err := w.s.l.SyncPairsOf(ctx, ids)
	if err != nil {
		return err
	}
	w.f.AlikeRecords = slices.DeleteFunc(list, func(r portal.CRMAppointment) bool { return pairs[r.ID].RemoteID != "" })
	return nil
}

// unread are those who take part and whose mailbox was not read to its end yet.
func (w *work) unread() []portal.Address {
	var out []portal.Address
	look := func(a portal.Attendee) {
		u, ok := w.k.user(a)
		if !ok || !u.Synced() || slices.Contains(out, u.Address) {
			return
		}
		if b, ok := w.s.boxes.look(u.Address); ok && !b.loaded && !b.whole {
			out = append(out, u.Address)
		}
	}
	all := func(a *portal.Appointment) {
		look(a.Organizer)
		look(portal.Attendee{URI: a.Calendar})
		for _, p := range a.Attendees {
			look(p)
		}
	}
	if w.f.Record != nil {
		all(&w.f.Record.Appointment)
	}
	for i := range w.f.Copies {
		all(&w.f.Copies[i].Entry.Appointment)
	}
	return out
}

// options are the settings as a plan knows them.
func (k *state) options(most int64) merge.Options {
	st := k.settings
	return merge.Options{ToExchange: st.ToExchange, ToCRM: st.ToCRM, CopyReminders: st.CopyReminders, SyncUser: st.SyncUser, MaxAttachment: most}
}
