package merge

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"portico/app/portal"
)

// What is about to be written to Exchange is noted before. If nobody then learns what came of it, the next plan knows of each thing that
// Exchange has by now whether we wrote it: else our own work would be taken for somebody's change, and undo what CRM did since.

// tried is a write of which nobody knows yet what came of it.
type tried struct {
	// From is what Exchange had, Exchange what it was to have, CRM what that is in CRM; Before is what CRM had.
	From     *Content `json:"from"`
	Before   *Content `json:"before"`
	Exchange *Content `json:"exchange"`
	CRM      *Content `json:"crm"`
	Invited  bool     `json:"invited,omitempty"`
	// Record: it is the record that is new, made of what Exchange had.
	Record bool `json:"record,omitempty"`
}

// Try is the pair to be stored before the first step that changes an entry or a record: what was agreed, and what is tried. nil: the
// plan changes none, or takes it away, which leaves no doubt.
func (s Steps) Try(f Facts) (*portal.SyncPair, error) {
	writes := slices.ContainsFunc(s.List, func(st Step) bool {
		switch st := st.(type) {
		case CreateExchange, UpdateExchange, AttachExchange, DetachExchange:
			return true
		case RemoveExchange:
			return !st.Occurrence.IsZero()
		case PutCRM:
			return f.Pair != nil || st.Record.Revision == 0
		}
		return false
	})
	if !writes || s.plan == nil || s.Pair == nil {
		return nil, nil
	}
	p := s.plan
	q := portal.SyncPair{CRM: s.Pair.CRM, UID: s.Pair.UID, Mailbox: s.Pair.Mailbox}
	if p.record != nil {
		q.CRM, q.UID = p.record.ID, p.record.UID
	}
	form := agreedForm{Form: 1}
	if f.Pair != nil {
		q = *f.Pair
	}
	base := p.base
	if base == nil {
		base = p.noted
	}
	if base != nil {
		form.CRM, form.Exchange = &base.CRM, &base.Exchange
	}
	if q.RemoteID == "" && p.base != nil && p.truth != nil { // an earlier try made it
		q.Mailbox, q.RemoteID, q.ChangeKey, q.Invited = p.truth.Mailbox, p.truth.Entry.RemoteID, p.truth.Entry.ChangeKey, p.invited
		if p.truth.Entry.UID != "" {
			q.UID = p.truth.Entry.UID
		}
	}
	t := tried{From: &s.before.Exchange, Before: &s.before.CRM, Exchange: &s.target.Exchange, CRM: &s.noted.CRM, Invited: s.Pair.Invited}
	if s.wrote.anew {
		t.From = &Content{}
	}
	t.Record = p.record == nil
	form.Tried = &t
	raw, err := json.Marshal(form)
	if err != nil {
		return nil, fmt.Errorf("write what is tried: %w", err)
	}
	q.Agreed, q.State, q.At = raw, portal.SyncPending, f.Now
	return &q, nil
}

// check refuses what no plan makes.
func (t *tried) check() error {
	for _, c := range []*Content{t.From, t.Before, t.Exchange, t.CRM} {
		if c == nil {
			return fmt.Errorf("a try without its contents")
		}
		if err := c.check(0); err != nil {
			return err
		}
	}
	return nil
}

// made gives the base of an entry that a try created, of which nothing had been agreed: what was tried, without what had not come to it.
func (t *tried) made(e *Content) *Agreed {
	b := Agreed{CRM: *t.CRM, Exchange: *t.Exchange}.clone()
	for _, c := range []*Content{&b.CRM, &b.Exchange} {
		for id := range c.Exceptions {
			if _, ok := e.Exceptions[id]; !ok {
				delete(c.Exceptions, id)
			}
		}
		c.Deleted = slices.DeleteFunc(c.Deleted, func(id string) bool { return !e.isDeleted(id) })
		c.Files = slices.DeleteFunc(c.Files, func(f File) bool { return file(e.Files, f.Name) == nil })
	}
	return &b
}

// learned is what was agreed with all that both sides have of a try.
func (t *tried) learned(b Agreed, c, e *Content) *Agreed {
	b = b.clone()
	t.advance(&b, e)
	other := tried{From: t.Before, Exchange: t.CRM, CRM: t.Exchange}
	back := Agreed{CRM: b.Exchange, Exchange: b.CRM}
	other.advance(&back, c)
	back.CRM.Attendees = slices.DeleteFunc(back.CRM.Attendees, func(p Person) bool { return p.Via == ViaRemoved })
	return &Agreed{CRM: back.Exchange, Exchange: back.CRM}
}

// advance makes what Exchange has of a try part of what was agreed.
func (t *tried) advance(b *Agreed, e *Content) {
	moved := !sameWhen(t.From, t.Exchange) && sameWhen(e, t.Exchange)
	parts := t.parts(b, e)
	for _, f := range fields() {
		if f.same(t.From, t.Exchange) || f.same(&b.Exchange, e) {
			continue
		}
		if f.same(e, t.Exchange) || f.alike != nil && f.alike(e, t.Exchange) {
			f.set(&b.Exchange, e)
			f.set(&b.CRM, t.CRM)
		}
	}
	t.advanceCategories(b, e)
	t.advancePeople(b, e)
	t.advanceFiles(b, e)
	t.advanceOccurrences(b, e)
	for id, o := range parts {
		b.CRM.except(id, o.CRM)
		b.Exchange.except(id, o.Exchange)
	}
	// What was to differ from the series and was not written yet is new to it; with the series' times the server forgot all that did.
	for _, id := range slices.Concat(sortedIDs(t.Exchange.Exceptions), t.Exchange.Deleted) {
		_, is := e.Exceptions[id]
		_, had := t.From.Exceptions[id]
		if had = had || t.From.isDeleted(id); !is && !e.isDeleted(id) && (moved || !had) {
			undo(&b.CRM, id)
			undo(&b.Exchange, id)
		}
	}
}

func (t *tried) advanceCategories(b *Agreed, e *Content) {
	added, gone := delta(t.From.Categories, t.Exchange.Categories)
	for _, c := range added {
		if holds(e.Categories, c) {
			b.Exchange.Categories, b.CRM.Categories = with(b.Exchange.Categories, []string{c}), with(b.CRM.Categories, []string{c})
		}
	}
	for _, c := range gone {
		if !holds(e.Categories, c) {
			b.Exchange.Categories, b.CRM.Categories = without(b.Exchange.Categories, []string{c}), without(b.CRM.Categories, []string{c})
		}
	}
}

func (t *tried) advancePeople(b *Agreed, e *Content) {
	for _, want := range t.Exchange.Attendees {
		is := e.person(want.Key)
		if t.From.person(want.Key) != nil || is == nil {
			continue
		}
		if b.Exchange.person(want.Key) == nil {
			b.Exchange.Attendees = append(b.Exchange.Attendees, *is)
		}
		in := want
		if x := t.CRM.person(want.Key); x != nil {
			in = *x
		}
		if x := b.CRM.person(want.Key); x != nil {
			*x = in
		} else {
			b.CRM.Attendees = append(b.CRM.Attendees, in)
		}
	}
	for _, was := range t.From.Attendees {
		if t.Exchange.person(was.Key) != nil || e.person(was.Key) != nil {
			continue
		}
		same := func(p Person) bool { return p.Key == was.Key }
		b.Exchange.Attendees = slices.DeleteFunc(b.Exchange.Attendees, same)
		if x := b.CRM.person(was.Key); x != nil {
			x.Via = ViaRemoved
		}
	}
	sortPersons(b.CRM.Attendees)
	sortPersons(b.Exchange.Attendees)
}

// file finds a file by its name.
func file(list []File, name string) *File {
	for i := range list {
		if strings.EqualFold(list[i].Name, name) {
			return &list[i]
		}
	}
	return nil
}

func (t *tried) advanceFiles(b *Agreed, e *Content) {
	for _, want := range t.Exchange.Files {
		is, in := file(e.Files, want.Name), file(t.CRM.Files, want.Name)
		if file(t.From.Files, want.Name) != nil || is == nil || in == nil {
			continue
		}
		if file(b.Exchange.Files, want.Name) == nil {
			b.Exchange.Files = append(b.Exchange.Files, *is)
		}
		if file(b.CRM.Files, want.Name) == nil {
			b.CRM.Files = append(b.CRM.Files, *in)
		}
	}
	for _, was := range t.From.Files {
		if file(t.Exchange.Files, was.Name) != nil || file(e.Files, was.Name) != nil {
			continue
		}
		same := func(f File) bool { return strings.EqualFold(f.Name, was.Name) }
		b.Exchange.Files, b.CRM.Files = slices.DeleteFunc(b.Exchange.Files, same), slices.DeleteFunc(b.CRM.Files, same)
	}
	sortFiles(b.CRM.Files)
	sortFiles(b.Exchange.Files)
}

// parts are the occurrences that take place on all sides and of which any has something to say: each as it was agreed, with what Exchange
// has by now of what the try wrote to it. An occurrence that follows its series would else be taken for what the series has become.
func (t *tried) parts(b *Agreed, e *Content) map[string]Agreed {
	out := map[string]Agreed{}
	all := []*Content{e, t.From, t.Exchange, t.CRM, &b.CRM, &b.Exchange}
	for _, c := range all {
		for id := range c.Exceptions {
			if e.occurs(id) && b.Exchange.occurs(id) && !slices.ContainsFunc(all, func(c *Content) bool { return c.isDeleted(id) }) {
				out[id] = Agreed{b.CRM.occurrence(id), b.Exchange.occurrence(id)}
			}
		}
	}
	for id, o := range out {
		from, want, in, is := t.From.occurrence(id), t.Exchange.occurrence(id), t.CRM.occurrence(id), e.occurrence(id)
		for _, f := range fields() {
			if !f.same(&from, &want) && (f.same(&is, &want) || f.alike != nil && f.alike(&is, &want)) {
				f.set(&o.Exchange, &is)
				f.set(&o.CRM, &in)
			}
		}
		if !slices.Equal(from.Categories, want.Categories) && slices.Equal(is.Categories, want.Categories) {
			o.Exchange.Categories, o.CRM.Categories = is.Categories, in.Categories
		}
		if !sameList(from.Attendees, want.Attendees) && sameList(is.Attendees, want.Attendees) {
			o.Exchange.Attendees, o.CRM.Attendees = is.Attendees, in.Attendees
		}
		out[id] = o
	}
	return out
}

// advanceOccurrences does it for the occurrences that the try took away, or brought back.
func (t *tried) advanceOccurrences(b *Agreed, e *Content) {
	ids := slices.Concat(sortedIDs(t.Exchange.Exceptions), sortedIDs(t.From.Exceptions), t.Exchange.Deleted, t.From.Deleted)
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		was, want, is := t.From.isDeleted(id), t.Exchange.isDeleted(id), e.isDeleted(id)
		switch {
		case want != is:
		case was != want: // taken away, or brought back as a whole
			for _, side := range []struct{ base, from *Content }{{&b.CRM, t.CRM}, {&b.Exchange, e}} {
				undo(side.base, id)
				put(side.base, side.from, id, side.from.occurrence(id))
				slices.Sort(side.base.Deleted)
			}
		}
	}
}
