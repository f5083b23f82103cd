package calsync_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"portico/app/portal"
)

// What people do in the model, on both sides, and what the model expects of it.

// pick gives one of some values.
func pick[T any](w *world, list ...T) T { return list[w.rnd.IntN(len(list))] }

func (w *world) invited(among ...string) []portal.Attendee {
	var out []portal.Attendee
	for _, email := range among {
		if w.rnd.IntN(2) == 0 {
			out = append(out, portal.Attendee{Name: strings.Split(email, "@")[0], Email: email, Role: portal.RoleRequired, Response: portal.ResponseNone})
		}
	}
	return out
}

// draft is a new appointment of somebody.
func (w *world) draft(owner portal.Address) portal.Appointment {
	w.count++
	name := "t" + strconv.Itoa(w.count)
	start := dayZero.Add(time.Duration(24+w.rnd.IntN(2000)) * time.Hour)
	a := portal.Appointment{Calendar: owner, Subject: name + " first", Location: pick(w, "", "room 1"), Body: pick(w, "", "some text", "two\nlines"), Start: start, End: start.Add(time.Hour),
		TimeZone: "Europe/Berlin", Show: portal.ShowBusy, Private: w.rnd.IntN(6) == 0, Status: portal.StatusConfirmed}
	if w.rnd.IntN(6) == 0 {
		a.AllDay, a.TimeZone = true, ""
		a.Start = start.Truncate(24 * time.Hour)
		a.End = a.Start.AddDate(0, 0, 1)
	}
	if w.rnd.IntN(5) == 0 && !a.AllDay {
		a.Recurrence = "FREQ=DAILY;COUNT=6"
	}
	return a
}

// first notes a new appointment.
func (w *world) first(side string, a *portal.Appointment) *tok {
	k := w.tok(token(a.Subject))
	k.series = a.Recurrence != ""
	for name, v := range viewOf(&portal.Entry{Appointment: *a}) {
		k.wrote(side, name, v)
	}
	return k
}

// inCRM lets somebody do something in CRM.
func (w *world) inCRM() {
	list := w.c.living(func(r *portal.CRMAppointment) bool { return r.Status != portal.StatusCancelled })
	if len(list) == 0 || w.rnd.IntN(4) == 0 {
		w.createInCRM()
		return
	}
	r := list[w.rnd.IntN(len(list))]
	k := w.tok(token(r.Subject))
	if r.Stub || k.stub {
		return
	}
	switch w.rnd.IntN(12) {
	case 0:
		w.note("crm: delete %s", k.name)
		w.c.delete(r.ID)
		k.gone["crm"], k.touched["crm"] = true, true
		k.allowed++
	case 1:
		w.note("crm: cancel %s", k.name)
		w.c.edit(r.ID, func(r *portal.CRMAppointment) { r.Status = portal.StatusCancelled })
		k.gone["crm"], k.touched["crm"] = true, true
		k.allowed++
	case 2:
		w.note("crm: complete %s", k.name)
		w.c.edit(r.ID, func(r *portal.CRMAppointment) { r.Status = portal.StatusComplete })
	case 3:
		w.answerInCRM(r, k)
	case 4:
		w.occurrenceInCRM(r, k)
	default:
		ch, say := w.change(&r.Entry)
		w.note("crm: %s %s", k.name, say)
		w.c.edit(r.ID, func(r *portal.CRMAppointment) {
			before := viewOf(&r.Entry)
			apply(&r.Appointment, ch)
			r.Meeting = len(r.Attendees) > 0
			k.changed("crm", before, viewOf(&r.Entry))
		})
		k.allowed++
	}
}

// changed notes what a change made different.
func (k *tok) changed(side string, before, after side) {
	for name, v := range after {
		if before[name] != v {
			k.undone(side, name, before[name], v)
			k.wrote(side, name, v)
		}
	}
	for name, v := range before {
		if _, ok := after[name]; !ok {
			k.undone(side, name, v, "")
			k.wrote(side, name, "")
		}
	}
}

// undone notes where a side is back at what it had at the last rest: that may never have been seen as a change.
func (k *tok) undone(side, name, was, is string) {
	sl := k.slots[name]
	if sl == nil {
		sl = &slot{written: map[string]string{}}
		k.slots[name] = sl
	}
	if sl.began == nil {
		sl.began = map[string]string{}
	}
	if began, ok := sl.began[side]; !ok {
		sl.began[side] = was
	} else if began == is {
		sl.unseen = true
	}
}

// change is a change of one thing.
func (w *world) change(e *portal.Entry) (ch portal.AppointmentChange, say string) {
	w.count++
	text := "v" + strconv.Itoa(w.count)
	switch w.rnd.IntN(8) {
	case 0, 1:
		s := token(e.Subject) + " " + text
		ch.Subject, say = &s, "subject "+text
	case 2:
		ch.Location, say = &text, "location "+text
	case 3:
		body := text + "\nmore"
		ch.Body, say = &body, "body "+text
	case 4:
		if e.Recurrence != "" {
			ch.Location, say = &text, "location "+text
			break
		}
		start := e.Start.AddDate(0, 0, 1)
		end := e.End.AddDate(0, 0, 1)
		ch.Start, ch.End, say = &start, &end, "a day later"
	case 5:
		show := pick(w, portal.ShowFree, portal.ShowBusy, portal.ShowTentative, portal.ShowOOF)
		ch.Show, say = &show, "show "+string(show)
	case 6:
		c := toggled(e.Categories, pick(w, "red", "blue"))
		ch.Categories, say = &c, fmt.Sprint("categories ", c)
	default:
		email := pick(w, bob.Bare(), carol.Bare(), dave.Bare(), erin, alice.Bare())
		if strings.EqualFold(email, e.Calendar.Bare()) || strings.EqualFold(email, e.Organizer.Email) {
			ch.Location, say = &text, "location "+text
			break
		}
		list := slices.DeleteFunc(slices.Clone(e.Attendees), func(a portal.Attendee) bool { return strings.EqualFold(a.Email, email) })
		say = "without " + email
		if len(list) == len(e.Attendees) {
			list = append(list, portal.Attendee{Name: strings.Split(email, "@")[0], Email: email, Role: portal.RoleRequired, Response: portal.ResponseNone})
			say = "with " + email
		}
		for i := range e.Attendees {
			ch.Known = append(ch.Known, e.Attendees[i].Email)
		}
		ch.Attendees = &list
	}
	return ch, say
}

func toggled(list []string, member string) []string {
	if slices.Contains(list, member) {
		return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s == member })
	}
	return append(slices.Clone(list), member)
}

func (w *world) createInCRM() {
	owner := pick(w, alice, alice, bob, carol)
	a := w.draft(owner)
	a.Attendees = w.invited(alice.Bare(), bob.Bare(), carol.Bare(), dave.Bare(), erin)
	a.Attendees = slices.DeleteFunc(a.Attendees, func(p portal.Attendee) bool { return p.Email == owner.Bare() })
	for i := range a.Attendees {
		if p := portal.Address("sip:" + a.Attendees[i].Email); p == alice || p == bob || p == carol {
			a.Attendees[i].URI = p
		}
	}
	k := w.first("crm", &a)
	k.allowed++
	r := w.c.create(a)
	w.note("crm: create %s %s of %s with %d", k.name, r.ID, owner.User(), len(a.Attendees))
}

func (w *world) answerInCRM(r portal.CRMAppointment, k *tok) {
	for i := range r.Attendees {
		if r.Attendees[i].Email != carol.Bare() || r.Attendees[i].URI == "" {
			continue
		}
		answer := pick(w, portal.ResponseAccepted, portal.ResponseTentative, portal.ResponseDeclined)
		w.note("crm: carol answers %s to %s", answer, k.name)
		w.c.edit(r.ID, func(r *portal.CRMAppointment) { r.Attendees[i].Response = answer })
		k.wrote("crm", "answer "+carol.Bare(), string(answer))
		return
	}
}

func (w *world) occurrenceInCRM(r portal.CRMAppointment, k *tok) {
	if r.Recurrence == "" {
		return
	}
	id := r.Start.AddDate(0, 0, 1+w.rnd.IntN(4))
	if slices.ContainsFunc(r.Deleted, id.Equal) {
		return
	}
	k.allowed++
	k.parted++
	name := "occurrence " + id.Format("0102")
	if w.rnd.IntN(2) == 0 {
		w.note("crm: %s without %s", k.name, name)
		w.c.edit(r.ID, func(r *portal.CRMAppointment) {
			r.Deleted = append(r.Deleted, id)
			r.Exceptions = slices.DeleteFunc(r.Exceptions, func(x portal.Appointment) bool { return x.RecurrenceID.Equal(id) })
		})
		k.wrote("crm", name, "deleted")
		return
	}
	w.count++
	subject := k.name + " x" + strconv.Itoa(w.count)
	w.note("crm: %s %s is %s", k.name, name, subject)
	w.c.edit(r.ID, func(r *portal.CRMAppointment) {
		before := viewOf(&r.Entry)
		w.x.except(&r.Entry, portal.AppointmentChange{Subject: &subject, Scope: portal.ScopeOne, Occurrence: id})
		k.changed("crm", before, viewOf(&r.Entry))
	})
}

// atOutlook lets somebody do something in their mailbox.
func (w *world) atOutlook() {
	owner := pick(w, alice, alice, bob, desk)
	list := w.x.all(owner, "")
	if owner != desk && (len(list) == 0 || w.rnd.IntN(5) == 0) {
		w.createAtOutlook(owner)
		return
	}
	if len(list) == 0 {
		return
	}
	e := list[w.rnd.IntN(len(list))]
	k := w.tok(token(e.Subject))
	switch {
	case !e.Mine:
		w.asInvited(owner, e, k)
	case w.rnd.IntN(10) == 0:
		w.note("outlook: %s deletes %s", owner.User(), k.name)
		if p, err := w.b.SyncPairByUID(context.Background(), e.UID); err != nil || p.RemoteID == "" {
			k.allowed++ // nobody can know that it was there: it is made once more, as CRM has it
			for _, sl := range k.slots {
				delete(sl.written, "exchange")
			}
		}
		w.x.user(func() { w.x.takeAway(owner, e.RemoteID, time.Time{}, false, false) })
		k.gone["exchange"], k.touched["exchange"] = true, true
	case e.Recurrence != "" && w.rnd.IntN(3) == 0:
		w.occurrenceAtOutlook(owner, e, k)
	default:
		ch, say := w.change(&e)
		w.note("outlook: %s %s", k.name, say)
		w.x.user(func() {
			before := viewOf(&e)
			after := viewOf(w.x.alter(owner, e.RemoteID, ch, "", true, false))
			k.changed("exchange", before, after)
		})
	}
}

func (w *world) createAtOutlook(owner portal.Address) {
	a := w.draft(owner)
	a.Attendees = w.invited(alice.Bare(), bob.Bare(), carol.Bare(), dave.Bare(), erin)
	a.Attendees = slices.DeleteFunc(a.Attendees, func(p portal.Attendee) bool { return p.Email == owner.Bare() })
	k := w.first("exchange", &a)
	w.note("outlook: %s makes %s with %d", owner.User(), k.name, len(a.Attendees))
	w.x.user(func() { w.x.make(owner, a, "", true, false) })
}

// fromOutside lets a meeting of somebody outside arrive, change or be cancelled.
func (w *world) fromOutside() {
	a := w.draft("")
	k := w.tok(token(a.Subject))
	k.stub = true
	a.Attendees = w.invited(alice.Bare(), bob.Bare())
	if len(a.Attendees) == 0 {
		return
	}
	a.Recurrence = ""
	a.UID, a.Organizer = "outside-"+k.name, portal.Attendee{Name: "Boss", Email: boss}
	w.note("outside: %s invites %d to %s", boss, len(a.Attendees), k.name)
	w.x.user(func() { w.x.deliver(&portal.Entry{Appointment: a}, a.Attendees, "invite", false) })
}

// asInvited lets somebody deal with an invitation.
func (w *world) asInvited(owner portal.Address, e portal.Entry, k *tok) {
	switch w.rnd.IntN(5) {
	case 0:
		w.note("outlook: %s throws %s away", owner.User(), k.name)
		w.x.user(func() { w.x.drop(owner, e.RemoteID) })
	default:
		if e.Status == portal.StatusCancelled {
			return
		}
		answer := pick(w, portal.ResponseAccepted, portal.ResponseTentative, portal.ResponseDeclined)
		w.note("outlook: %s answers %s to %s", owner.User(), answer, k.name)
		w.x.user(func() { w.x.reply(owner, e.RemoteID, answer, true, false) })
	}
}

func (w *world) occurrenceAtOutlook(owner portal.Address, e portal.Entry, k *tok) {
	id := e.Start.AddDate(0, 0, 1+w.rnd.IntN(4))
	if slices.ContainsFunc(e.Deleted, id.Equal) {
		return
	}
	k.parted++
	name := "occurrence " + id.Format("0102")
	if w.rnd.IntN(2) == 0 {
		w.note("outlook: %s without %s", k.name, name)
		w.x.user(func() { w.x.takeAway(owner, e.RemoteID, id, false, false) })
		k.wrote("exchange", name, "deleted")
		return
	}
	w.count++
	subject := k.name + " x" + strconv.Itoa(w.count)
	w.note("outlook: %s %s is %s", k.name, name, subject)
	w.x.user(func() {
		before := viewOf(&e)
		ch := portal.AppointmentChange{Subject: &subject, Scope: portal.ScopeOne, Occurrence: id}
		k.changed("exchange", before, viewOf(w.x.alter(owner, e.RemoteID, ch, "", true, false)))
	})
}
