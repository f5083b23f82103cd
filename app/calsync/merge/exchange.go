package merge

import (
	"maps"
	"slices"
	"strconv"

	"portico/app/portal"
)

// The steps that make Exchange's side what it is to be.

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// wrote is what of a plan's work on Exchange may have more consequences there than it says.
type wrote struct {
	// rule: the times or the rule of a series; servers forget its exceptions and deletions then.
	rule bool
	// exchange and crm: that side was written at all.
	exchange, crm bool
	// anew: the entry was created.
	anew bool
}

// update makes the steps from the entry as it is to what it is to be.
func (p *planning) update(to *Content) {
	from := &p.e
	ref := p.truth.Entry
	ch := changeTo(from, to, "")
	// A server brings a deleted occurrence back only with the whole rule.
	back := slices.ContainsFunc(from.Deleted, func(id string) bool { return !to.isDeleted(id) && to.Recurrence != "" && to.occurs(id) })
	if back && ch.Recurrence == nil {
		when(&ch, from, to)
	}
	p.out.wrote.rule = from.Recurrence != "" && ch.Timed()
	p.master(from, to, ch, ref)
	if to.Recurrence != "" {
		p.parts(from, to, ref, p.out.wrote.rule)
	}
	p.fileSteps(from.Files, to.Files, ref)
}

// master changes the whole. People who are added to a meeting of which nobody was told by us are told alone, by a step of their own.
func (p *planning) master(from, to *Content, ch portal.AppointmentChange, ref portal.Entry) {
	if ch.Empty() {
		return
	}
	past := from.over(p.Now) && to.over(p.Now)
	if with := p.withJoined(from, to); ch.Attendees != nil && added(from.Attendees, with.Attendees) {
		p.step(ref, changeTo(from, &with, ""), false)
		rest := changeTo(&with, to, "")
		ch.Attendees, ch.Known, from = rest.Attendees, rest.Known, &with
		if ch.Empty() {
			return
		}
	}
	fresh := ch.Attendees != nil && added(from.Attendees, to.Attendees)
	if fresh && !p.invited && p.mayMail() && !past {
		alone := portal.AppointmentChange{Attendees: ch.Attendees, Known: ch.Known}
		ch.Attendees, ch.Known = nil, nil
		if !ch.Empty() {
			p.step(ref, ch, false)
		}
		p.step(ref, alone, true)
		p.invited = true
		return
	}
	p.step(ref, ch, p.tells(from, to, ch, past))
}

func (p *planning) step(ref portal.Entry, ch portal.AppointmentChange, send bool) {
	id, err := changeID(p.record, ref.ChangeKey, ch)
	if err != nil {
		p.refuse("sync.unreadable", err.Error())
		return
	}
	p.out.List = append(p.out.List, UpdateExchange{Mailbox: p.mailbox(), Ref: ref, Change: ch, ChangeID: id, Send: send})
	p.out.wrote.exchange = true
}

// mailbox is where Exchange's side stands, or is made.
func (p *planning) mailbox() portal.Address {
	if p.truth != nil {
		return p.truth.Mailbox
	}
	home, _ := p.home()
	return home
}

// parts changes the occurrences. After the rule was written every one is written as if there were none: the engine leaves out what the
// server kept.
func (p *planning) parts(from, to *Content, ref portal.Entry, all bool) {
	for _, id := range to.Deleted {
		if from.isDeleted(id) && !all {
			continue
		}
		t, err := ParseStamp(id)
		if err != nil {
			continue
		}
		x := from.occurrence(id)
		p.out.List = append(p.out.List, RemoveExchange{Mailbox: p.mailbox(), Ref: ref, Occurrence: t,
			Quiet: !p.invited || !p.mayMail() || x.over(p.Now) || len(x.Attendees) == 0})
		p.out.wrote.exchange = true
	}
	ids := map[string]bool{}
	for id := range to.Exceptions {
		ids[id] = true
	}
	for id := range from.Exceptions {
		ids[id] = !to.isDeleted(id) && to.occurs(id) || ids[id]
	}
	for _, id := range slices.Sorted(maps.Keys(ids)) {
		if !ids[id] {
			continue
		}
		was, is := to.plain(id), to.occurrence(id)
		x, had := from.Exceptions[id]
		if had && !all {
			was = x
		}
		ch := changeTo(&was, &is, id)
		if had && all { // a server that kept it has it as it was
			ch = either(ch, changeTo(&x, &is, id))
		}
		if !ch.Empty() {
			p.step(ref, ch, p.tells(&was, &is, ch, was.over(p.Now) && is.over(p.Now)))
		}
	}
}

// fileSteps takes files off and puts them on.
func (p *planning) fileSteps(from, to []File, ref portal.Entry) {
	is := filesByName(to)
	was := filesByName(from)
	for _, k := range slices.Sorted(maps.Keys(was)) {
		if f := is[k]; f == nil || f.Ref != was[k].Ref {
			p.out.List = append(p.out.List, DetachExchange{Mailbox: p.mailbox(), Ref: ref, AttachmentID: was[k].Ref, Name: was[k].Name})
			p.out.wrote.exchange = true
		}
	}
	for _, k := range slices.Sorted(maps.Keys(is)) {
		if f := was[k]; f != nil && f.Ref == is[k].Ref {
			continue
		}
		if file, ok := p.kept(is[k]); ok {
			p.out.List = append(p.out.List, AttachExchange{Mailbox: p.mailbox(), Ref: ref, File: file})
			p.out.wrote.exchange = true
		}
	}
}

// kept is the record's file of a File.
func (p *planning) kept(f *File) (portal.CRMFile, bool) {
	for _, k := range p.record.Kept {
		if k.ID == f.Ref && k.Hash == f.Hash {
			return k, true
		}
	}
	return portal.CRMFile{}, false
}
