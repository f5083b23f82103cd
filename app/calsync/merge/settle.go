package merge

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"portico/app/portal"
)

// Noting what came of a plan: what a server made of a text is what it has from now on; what somebody else changed meanwhile is not
// noted, so that it is seen as the change that it is.

// errNothing: the plan notes nothing.
var errNothing = errors.New("the plan has nothing to note")

// Settle makes the pair to be noted after a plan was carried, from both sides as they are now: the record as the last PutCRM gave it back (or
// as it was), the entry as the last write gave it back (or as it was; nil where it is no more). again: one of them is not as planned
// (somebody was quicker, or the server made something else of it), so that the appointment has to be looked at once more. The pair's At
// is Facts.Now. The error is of a plan that notes nothing, or of a Content that cannot be written down.
func Settle(f Facts, s Steps, record *portal.CRMAppointment, entry *portal.Entry) (pair portal.SyncPair, again bool, err error) {
	if s.Pair == nil || s.plan == nil {
		return portal.SyncPair{}, false, errNothing
	}
	pair = *s.Pair
	pair.At = f.Now
	noted, target := s.noted.clone(), s.target.clone()
	rd := reader{n: &s.plan.n, organizers: s.plan.orgs}
	if record != nil {
		pair.CRM, pair.Revision = record.ID, record.Revision
		if pair.UID == "" {
			pair.UID = record.UID
		}
	}
	if entry != nil {
		pair.RemoteID, pair.ChangeKey = entry.RemoteID, entry.ChangeKey
		if entry.UID != "" {
			pair.UID = entry.UID
		}
		p := *s.plan
		p.truth, p.base, p.answers = &portal.SyncItem{Mailbox: pair.Mailbox, Entry: *entry}, &noted, map[string]portal.Attendee{}
		rd.response = p.answerOf
		now := rd.entry(entry)
		if s.wrote.rule {
			again = forgotten(&noted, &target, &now)
		}
		again = settle(&noted.Exchange, &target.Exchange, &s.before.Exchange, &now, s.written(), s.plan.Options.CopyReminders) || again
	}
	if record != nil {
		rd.response = nil
		now := rd.record(record)
		all := func(string, string) bool { return s.wrote.crm }
		again = settle(&noted.CRM, &target.CRM, &s.before.CRM, &now, all, s.plan.Options.CopyReminders) || again
		again = again || entry != nil && record.UID != pair.UID
	}
	pair.Agreed, err = noted.Bytes()
	return pair, again, err
}

// written tells of what a plan writes to Exchange: the field groups of the whole (occurrence "") or of one occurrence.
type written func(occurrence, field string) bool

func (s *Steps) written() written {
	type part struct{ occurrence, field string }
	set := map[part]bool{}
	for _, st := range s.List {
		switch st := st.(type) {
		case AttachExchange, DetachExchange:
			set[part{"", "files"}] = true
		case UpdateExchange:
			id, ch := "", st.Change
			if !ch.Occurrence.IsZero() {
				id = Stamp(ch.Occurrence)
			}
			for field, is := range map[string]bool{"subject": ch.Subject != nil, "location": ch.Location != nil, "body": ch.Body != nil, "when": ch.Timed(),
				"show": ch.Show != nil, "private": ch.Private != nil, "reminder": ch.ReminderMinutes != nil, "categories": ch.Categories != nil,
				"attendees": ch.Attendees != nil} {
				set[part{id, field}] = set[part{id, field}] || is
			}
		}
	}
	return func(occurrence, field string) bool {
		return set[part{occurrence, field}] || s.wrote.anew && (occurrence == "" || field == "attendees")
	}
}

func (a Agreed) clone() Agreed {
	for _, c := range []*Content{&a.CRM, &a.Exchange} {
		c.Exceptions, c.Deleted = maps.Clone(c.Exceptions), slices.Clone(c.Deleted)
		c.Attendees, c.Files, c.Categories = slices.Clone(c.Attendees), slices.Clone(c.Files), slices.Clone(c.Categories)
	}
	return a
}

// forgotten takes the exceptions and deletions that a server forgot with the old rule out of what was agreed, so that they are new to it.
func forgotten(noted, target *Agreed, now *Content) bool {
	again := false
	for _, id := range slices.Concat(sortedIDs(target.Exchange.Exceptions), slices.Clone(target.Exchange.Deleted)) {
		_, changed := now.Exceptions[id]
		if changed || now.isDeleted(id) {
			continue
		}
		again = true
		for _, c := range []*Content{&noted.CRM, &noted.Exchange, &target.Exchange} {
			undo(c, id)
		}
	}
	return again
}

// settle compares a side with what it was to be; before is what it was when the plan was made.
func settle(noted, target, before, now *Content, wrote written, reminders bool) bool {
	again := level(noted, target, before, now, wrote, "", reminders)
	again = settleFiles(noted, target, before, now, wrote("", "files")) || again
	ids := map[string]bool{}
	for _, c := range []*Content{target, now} {
		for id := range c.Exceptions {
			ids[id] = true
		}
	}
	for _, id := range slices.Sorted(maps.Keys(ids)) {
		if now.isDeleted(id) || target.isDeleted(id) {
			continue // told below
		}
		n, t, b, w := noted.occurrence(id), target.occurrence(id), before.occurrence(id), now.occurrence(id)
		if noted.isDeleted(id) {
			again = again || !same(&t, &w)
			continue
		}
		again = level(&n, &t, &b, &w, wrote, id, reminders) || again
		noted.except(id, n)
	}
	return again || !slices.Equal(target.Deleted, now.Deleted)
}

// level compares what an appointment or an occurrence says by itself.
func level(noted, target, before, now *Content, wrote written, id string, reminders bool) bool {
	again := false
	for _, f := range fields() {
		if f.name == "reminder" && !reminders {
			f.set(noted, now)
			continue
		}
		if f.same(now, target) {
			continue
		}
		ours := wrote(id, f.name) && !f.same(before, target)
		// The server made something of it, or cannot keep it.
		made := f.alike != nil && f.alike(now, target) || f.name == "show" || f.name == "private" || f.name == "reminder"
		if ours && (made || f.same(now, before)) && f.same(noted, target) {
			f.set(noted, now)
			continue
		}
		again = true
	}
	if miss := without(target.Categories, now.Categories); len(miss) > 0 || len(without(now.Categories, target.Categories)) > 0 {
		refused := without(miss, before.Categories) // we put them there, and there they are not
		if !wrote(id, "categories") {
			refused = nil
		}
		if len(refused) > 0 {
			noted.Categories = without(noted.Categories, refused)
		}
		again = again || len(refused) < len(miss) || len(without(now.Categories, target.Categories)) > 0
	}
	return settlePeople(noted, target, before, now, wrote(id, "attendees")) || again
}

func settlePeople(noted, target, before, now *Content, wrote bool) bool {
	again := false
	for _, want := range target.Attendees {
		has := now.person(want.Key)
		switch {
		case has == nil && wrote && before.person(want.Key) == nil: // the server did not take them
			noted.Attendees = slices.DeleteFunc(noted.Attendees, func(p Person) bool { return p.Key == want.Key })
		case has == nil:
			again = true
		case has.Role != want.Role:
			again = true
		case has.Response != want.Response || has.Word != want.Word:
			again = again || want.Answered.IsZero()
		}
	}
	return again || slices.ContainsFunc(now.Attendees, func(p Person) bool { return target.person(p.Key) == nil })
}

// settleFiles takes the names that a side gave to the files that came to it.
func settleFiles(noted, target, before, now *Content, wrote bool) bool {
	again := false
	want, has, was := filesByName(target.Files), filesByName(now.Files), filesByName(before.Files)
	for _, k := range slices.Sorted(maps.Keys(want)) {
		f, is := has[k], want[k]
		at := slices.IndexFunc(noted.Files, func(n File) bool { return strings.EqualFold(n.Name, is.Name) && n.Ref == is.Ref })
		came := wrote && (was[k] == nil || was[k].Ref != is.Ref)
		switch {
		case f != nil && (came || f.Ref == is.Ref && sameFile(f, is)):
			if at >= 0 {
				noted.Files[at] = *f
			}
		case f == nil && came:
			if at >= 0 {
				noted.Files = slices.Delete(noted.Files, at, at+1)
			}
		default:
			again = again || f == nil || !sameFile(f, is)
		}
	}
	for k := range has {
		again = again || want[k] == nil
	}
	return again
}
