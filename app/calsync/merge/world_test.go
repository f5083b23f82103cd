package merge

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"portico/app/calsync/mapping"
	"portico/app/portal"
)

// A small world to carry plans in: one CRM record, one mailbox for each person, a server with habits.

const (
	alice = portal.Address("sip:alice@example.test") // organiser, has a mailbox
	bob   = portal.Address("sip:bob@example.test")   // has a mailbox
	carol = portal.Address("sip:carol@example.test") // has a mailbox
	dave  = portal.Address("sip:dave@example.test")  // his diary is in CRM
	erin  = portal.Address("sip:erin@example.test")  // his diary is in CRM
	desk  = portal.Address("sip:desk@example.test")  // sends for owners without a mailbox
)

var start = time.Date(2027, 3, 1, 8, 0, 0, 0, time.UTC) // a Monday

func testUsers() []portal.CRMUser {
	user := func(a portal.Address, first string, synced bool) portal.CRMUser {
		u := portal.CRMUser{Address: a, FirstName: first, LastName: "Example", Email: bare(a)}
		if synced {
			u.ExchangeID, u.Server, u.Since = bare(a), "primary", start.AddDate(0, -2, 0)
		}
		return u
	}
	return []portal.CRMUser{user(alice, "Alice", true), user(bob, "Bob", true), user(carol, "Carol", true), user(dave, "Dave", false),
		user(erin, "Erin", false), user(desk, "Desk", true)}
}

// world is both sides, and what was agreed.
type world struct {
	t       testing.TB
	record  *portal.CRMAppointment
	items   []portal.SyncItem
	pair    *portal.SyncPair
	users   []portal.CRMUser
	options Options
	rules   *mapping.Mapper
	now     time.Time
	quiet   bool
	unread  []portal.Address
	server  server
	keys    int
	// alikeRecords and alikeCopies are what a store would find.
	alikeRecords []portal.CRMAppointment
	alikeCopies  []portal.SyncItem
	mails        []string
	conflicts    []portal.SyncConflict
	alerts       int
	steps        []Step
	// wrote are the steps that wrote to Exchange.
	wrote []string
	// crash lets the process die before the n-th step of the next plan that writes (1: the first), and before noting after the last.
	crash int
	// trace lets every plan be told.
	trace bool
}

// server is what an Exchange does besides what it is told.
type server struct {
	lossy bool // cuts subjects at 255, runs blank lines together, CRLF, trims
	keeps bool // keeps exceptions when a rule is written
	uid   bool // chooses the UID itself
	deaf  bool // ignores show, private and categories
}

func newWorld(t testing.TB) *world {
	return &world{t: t, users: testUsers(), options: Options{ToExchange: true, ToCRM: true, CopyReminders: true, SyncUser: desk, MaxAttachment: 1 << 20},
		now: start.AddDate(0, 0, -14)}
}

func (w *world) facts() Facts {
	return Facts{Record: w.record, Copies: slices.Clone(w.items), Pair: w.pair, Users: NewUsers(w.users), Options: w.options, Rules: w.rules,
		NewID: "crm-new", Quiet: w.quiet, Now: w.now, Unread: w.unread, AlikeRecords: w.alikeRecords, AlikeCopies: w.alikeCopies}
}

func (w *world) tick() { w.now = w.now.Add(time.Minute) }

func (w *world) key() string { w.keys++; return fmt.Sprintf("k%d", w.keys) }

// item finds a mailbox's living copy.
func (w *world) item(mailbox portal.Address) *portal.SyncItem {
	for i := range w.items {
		if w.items[i].Mailbox == mailbox && w.items[i].Gone.IsZero() {
			return &w.items[i]
		}
	}
	return nil
}

// sync carries plans until nothing is left to do; it gives how many were carried.
func (w *world) sync() int {
	w.t.Helper()
	for round := 0; ; round++ {
		if round > 6 {
			w.t.Fatalf("no rest after %d plans; the last did %s", round, describe(w.steps))
		}
		f := w.facts()
		s := Plan(f)
		if idle(s) {
			return round
		}
		if !w.carry(f, s) && round > 0 {
			if next := Plan(w.facts()); idle(next) {
				return round + 1
			}
		}
	}
}

// idle tells whether a plan does nothing and notes nothing.
func idle(s Steps) bool {
	if len(s.List) != 1 {
		return false
	}
	switch s.List[0].(type) {
	case Skip, Wait, Refuse:
		return true
	}
	return false
}

func describe(list []Step) string {
	var out []string
	for _, st := range list {
		out = append(out, fmt.Sprintf("%T%+v", st, st))
	}
	return strings.Join(out, "\n")
}

// carry does what a plan says and notes the outcome.
func (w *world) carry(f Facts, s Steps) (again bool) {
	w.t.Helper()
	w.steps = s.List
	if w.trace {
		w.told(s)
	}
	var mailbox portal.Address
	if s.Pair != nil {
		mailbox = s.Pair.Mailbox
	}
	if try, err := s.Try(f); err != nil {
		w.t.Fatal(err)
	} else if try != nil {
		w.pair = try
	}
	for _, st := range s.List {
		if w.crash--; w.crash == 0 {
			return true
		}
		w.do(st)
	}
	if w.crash--; w.crash == 0 {
		return true
	}
	w.conflicts = append(w.conflicts, s.Conflicts...)
	if s.Pair == nil {
		return false
	}
	var entry *portal.Entry
	if it := w.item(mailbox); it != nil && !(s.Pair.RemoteID == "" && it.Entry.RemoteID != "" && s.What != "create") {
		entry = &it.Entry
	}
	pair, again, err := Settle(f, s, w.record, entry)
	if err != nil {
		w.t.Fatal(err)
	}
	w.pair = &pair
	return again
}

// told writes a plan into the test's log, with what it was made from.
func (w *world) told(s Steps) {
	c := OfCRM(*w.record, NewUsers(w.users))
	w.t.Logf("plan %s %s\n  CRM      %v", s.What, s.Direction, words(&c))
	if w.pair != nil && w.item(w.pair.Mailbox) != nil {
		e := OfExchange(w.item(w.pair.Mailbox).Entry, NewUsers(w.users))
		w.t.Logf("  Exchange %v", words(&e))
	}
	for _, st := range s.List {
		switch st := st.(type) {
		case UpdateExchange:
			data, _ := st.Change.MarshalJSON()
			w.t.Logf("  update %s", data)
		case PutCRM:
			c := OfCRM(st.Record, NewUsers(w.users))
			w.t.Logf("  put    %v", words(&c))
		default:
			w.t.Logf("  %T", st)
		}
	}
}

func (w *world) mail(what string) { w.mails = append(w.mails, what) }

func (w *world) do(st Step) {
	w.t.Helper()
	switch st.(type) {
	case CreateExchange, UpdateExchange, RemoveExchange, AttachExchange, DetachExchange:
		w.wrote = append(w.wrote, fmt.Sprintf("%T", st))
	}
	switch st := st.(type) {
	case CreateExchange:
		w.create(st)
	case UpdateExchange:
		w.updateStep(st)
	case RemoveExchange:
		w.remove(st)
	case AttachExchange:
		it := w.item(st.Mailbox)
		it.Entry.Attachments = append(slices.Clone(it.Entry.Attachments), portal.Attachment{ID: w.key(), Name: st.File.Name, Size: st.File.Size + 77})
		it.Entry.ChangeKey = w.key()
	case DetachExchange:
		it := w.item(st.Mailbox)
		n := len(it.Entry.Attachments)
		it.Entry.Attachments = slices.DeleteFunc(slices.Clone(it.Entry.Attachments), func(a portal.Attachment) bool { return a.ID == st.AttachmentID })
		if len(it.Entry.Attachments) == n {
			w.t.Fatalf("no file %q to take off", st.AttachmentID)
		}
		it.Entry.ChangeKey = w.key()
	case PutCRM:
		w.put(st)
	case Answer:
		it := w.item(st.Mailbox)
		it.Entry.Response, it.Entry.ChangeKey, it.Entry.UpdatedAt, it.ReadAt = st.Response, w.key(), w.now, w.now
		if st.Send {
			w.mail("answer " + string(st.Response))
			w.tally(st.Mailbox, st.Response)
		}
	case Adopt:
	default:
		w.t.Fatalf("a step to carry: %T%+v", st, st)
	}
}

// tally writes an answer into the organiser's copy, as Exchange does with the answer's arrival.
func (w *world) tally(who portal.Address, r portal.Response) {
	for i := range w.items {
		it := &w.items[i]
		if !it.Entry.Mine || !it.Gone.IsZero() {
			continue
		}
		it.Entry.Attendees = slices.Clone(it.Entry.Attendees)
		for k := range it.Entry.Attendees {
			if strings.EqualFold(it.Entry.Attendees[k].Email, bare(who)) {
				it.Entry.Attendees[k].Response, it.Entry.Attendees[k].RespondedAt = r, w.now
				it.Entry.ChangeKey, it.Entry.UpdatedAt, it.ReadAt = w.key(), w.now, w.now
			}
		}
	}
}

func (w *world) create(st CreateExchange) {
	if w.item(st.Mailbox) != nil {
		w.t.Fatalf("a second entry in %s", st.Mailbox)
	}
	e := portal.Entry{Appointment: st.Appointment, RemoteID: "item-" + w.key(), ChangeKey: w.key(), ChangeID: st.ChangeID}
	e.Calendar, e.Mine, e.Response, e.Source = st.Mailbox, true, portal.ResponseOrganizer, portal.SourceExchange
	e.Organizer = portal.Attendee{URI: st.Mailbox, Email: bare(st.Mailbox), Response: portal.ResponseOrganizer}
	e.InvitedAt, e.UpdatedAt = w.now, w.now
	if w.server.uid || e.UID == "" {
		e.UID = "server-" + w.key()
	}
	w.server.habits(&e.Appointment, nil)
	w.items = append(w.items, portal.SyncItem{Mailbox: st.Mailbox, Entry: e, ReadAt: w.now})
	if st.Send {
		w.mail("invite")
	}
}

func (w *world) updateStep(st UpdateExchange) {
	w.t.Helper()
	it := w.item(st.Mailbox)
	ch := Still(it.Entry, st.Change)
	if ch.Empty() {
		return
	}
	it.Entry = w.server.changed(it.Entry, ch)
	it.Entry.ChangeKey, it.Entry.UpdatedAt, it.ReadAt, it.Entry.DoneID = w.key(), w.now, w.now, st.ChangeID
	if st.Send {
		w.mail("update")
	}
}

func (w *world) remove(st RemoveExchange) {
	w.t.Helper()
	it := w.item(st.Mailbox)
	if !st.Occurrence.IsZero() {
		if !StillThere(it.Entry, st.Occurrence) {
			return
		}
		removeOccurrence(&it.Entry, st.Occurrence)
		it.Entry.ChangeKey, it.Entry.UpdatedAt, it.ReadAt = w.key(), w.now, w.now
	} else {
		it.Gone = w.now
	}
	if !st.Quiet {
		w.mail("cancel")
	}
}

func removeOccurrence(e *portal.Entry, at time.Time) {
	e.Exceptions = slices.DeleteFunc(slices.Clone(e.Exceptions), func(x portal.Appointment) bool { return x.RecurrenceID.Equal(at) })
	e.Deleted = append(slices.Clone(e.Deleted), at)
}

func (w *world) put(st PutCRM) {
	r := st.Record
	if w.record != nil && r.Revision != w.record.Revision {
		w.t.Fatalf("a record made from revision %d, it is at %d", r.Revision, w.record.Revision)
	}
	r.Revision++
	for _, f := range st.Fetch {
		id := "file-" + w.key()
		r.Kept = append(slices.Clone(r.Kept), portal.CRMFile{Attachment: portal.Attachment{ID: id, Name: f.Name, Size: f.Size - 77}, Hash: "hash-" + id})
		r.Attachments = append(slices.Clone(r.Attachments), portal.Attachment{ID: id, Name: f.Name, Size: f.Size - 77})
	}
	w.record = &r
	if st.Alert {
		w.alerts++
	}
}

// changed is an entry after a change, as Exchange makes it: occurrences keep what is their own and follow their series in the rest; times
// and rule of a series forget them.
func (s server) changed(e portal.Entry, ch portal.AppointmentChange) portal.Entry {
	if !ch.Occurrence.IsZero() {
		x := e.Appointment
		at := slices.IndexFunc(e.Exceptions, func(x portal.Appointment) bool { return x.RecurrenceID.Equal(ch.Occurrence) })
		e.Exceptions = slices.Clone(e.Exceptions)
		if at >= 0 {
			x = e.Exceptions[at]
		} else {
			c := OfExchange(e, Users{})
			o := c.plain(Stamp(ch.Occurrence))
			x.Start, x.End = o.Start, o.End
			x.Kind, x.RecurrenceID = portal.KindException, ch.Occurrence
			e.Exceptions = append(e.Exceptions, x)
			at = len(e.Exceptions) - 1
		}
		e.Exceptions[at] = apply(x, ch)
		s.habits(&e.Exceptions[at], &x)
		slices.SortFunc(e.Exceptions, func(a, b portal.Appointment) int { return a.RecurrenceID.Compare(b.RecurrenceID) })
		return e
	}
	was := e.Appointment
	e.Appointment = apply(was, ch)
	s.habits(&e.Appointment, &was)
	if ch.Timed() && was.Recurrence != "" {
		if !s.keeps || e.Recurrence == "" {
			e.Exceptions, e.Deleted = nil, nil
		} else {
			c := OfExchange(portal.Entry{Appointment: e.Appointment}, Users{})
			e.Exceptions = slices.DeleteFunc(slices.Clone(e.Exceptions), func(x portal.Appointment) bool { return !c.occurs(Stamp(x.RecurrenceID)) })
			e.Deleted = slices.DeleteFunc(slices.Clone(e.Deleted), func(t time.Time) bool { return !c.occurs(Stamp(t)) })
		}
	}
	e.Exceptions = slices.Clone(e.Exceptions)
	for i := range e.Exceptions {
		x := &e.Exceptions[i]
		if x.Subject == was.Subject {
			x.Subject = e.Subject
		}
		if x.Location == was.Location {
			x.Location = e.Location
		}
		if x.Body == was.Body {
			x.Body = e.Body
		}
		if x.Show == was.Show {
			x.Show = e.Show
		}
	}
	return e
}

// apply lays a change over an appointment.
func apply(a portal.Appointment, ch portal.AppointmentChange) portal.Appointment {
	set(&a.Subject, ch.Subject)
	set(&a.Location, ch.Location)
	set(&a.Body, ch.Body)
	set(&a.Start, ch.Start)
	set(&a.End, ch.End)
	set(&a.AllDay, ch.AllDay)
	set(&a.TimeZone, ch.TimeZone)
	set(&a.Recurrence, ch.Recurrence)
	set(&a.Show, ch.Show)
	set(&a.Private, ch.Private)
	set(&a.ReminderMinutes, ch.ReminderMinutes)
	set(&a.Categories, ch.Categories)
	if ch.Attendees != nil {
		a.Attendees = ch.AttendeesOver(a.Attendees)
		a.Meeting = len(a.Attendees) > 0
	}
	return a
}

func set[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}

// habits is what the server makes of what it is given.
func (s server) habits(a, was *portal.Appointment) {
	if s.deaf {
		a.Show, a.Private, a.Categories = portal.ShowBusy, false, nil
	}
	if !s.lossy {
		return
	}
	if r := []rune(a.Subject); len(r) > 255 {
		a.Subject = string(r[:255])
	}
	a.Subject = strings.Join(strings.Fields(a.Subject), " ")
	lines := strings.Split(strings.ReplaceAll(a.Body, "\r\n", "\n"), "\n")
	lines = slices.DeleteFunc(lines, func(l string) bool { return strings.TrimSpace(l) == "" })
	a.Body = strings.Join(lines, "\r\n")
}

// edit lets somebody change the record in CRM.
func (w *world) edit(do func(r *portal.CRMAppointment)) {
	r := clone(w.record)
	do(&r)
	r.Revision++
	r.ChangedAt, r.ChangedBy = w.now, string(alice)
	w.record = &r
}

// outlook lets somebody change a mailbox's entry in Outlook.
func (w *world) outlook(mailbox portal.Address, do func(e *portal.Entry)) {
	it := w.item(mailbox)
	e := it.Entry
	e.Attendees, e.Categories, e.Exceptions, e.Deleted = slices.Clone(e.Attendees), slices.Clone(e.Categories), slices.Clone(e.Exceptions), slices.Clone(e.Deleted)
	do(&e)
	w.server.habits(&e.Appointment, nil)
	for i := range e.Exceptions {
		w.server.habits(&e.Exceptions[i], nil)
	}
	e.ChangeKey, e.UpdatedAt = w.key(), w.now
	it.Entry, it.ReadAt = e, w.now
}

// crmRecord is a meeting made in CRM by alice.
func crmRecord(invited ...portal.Attendee) *portal.CRMAppointment {
	r := &portal.CRMAppointment{Origin: portal.SourceCRM, Revision: 1, ChangedAt: start.AddDate(0, 0, -15), ChangedBy: string(alice)}
	r.ID, r.UID, r.Calendar, r.Subject, r.Location, r.Body = "crm-1", "uid-1", alice, "Quarter", "Room 1", "Figures\n\nand more"
	r.Start, r.End, r.TimeZone, r.Kind, r.Show = start, start.Add(time.Hour), "Europe/Berlin", portal.KindSingle, portal.ShowBusy
	r.Organizer = portal.Attendee{URI: alice, Email: bare(alice), Response: portal.ResponseOrganizer}
	r.Mine, r.Status, r.Source, r.InvitedAt = true, portal.StatusPending, portal.SourceCRM, start.AddDate(0, 0, -15)
	r.Attendees, r.Meeting = invited, len(invited) > 0
	return r
}

func guest(a portal.Address) portal.Attendee {
	return portal.Attendee{URI: a, Name: string(a), Email: bare(a), Role: portal.RoleRequired, Response: portal.ResponseNone}
}

func outsider(email string) portal.Attendee {
	return portal.Attendee{Name: email, Email: email, Role: portal.RoleOptional, Response: portal.ResponseNone}
}

// entry is a meeting in a mailbox.
func (w *world) entry(mailbox, organizer portal.Address, invited ...portal.Attendee) portal.Entry {
	e := portal.Entry{RemoteID: "item-" + w.key(), ChangeKey: w.key()}
	e.Calendar, e.UID, e.Subject, e.Location, e.Body = mailbox, "uid-x", "Lunch", "Canteen", "Soup"
	e.Start, e.End, e.TimeZone, e.Kind, e.Show = start, start.Add(time.Hour), "Europe/Berlin", portal.KindSingle, portal.ShowBusy
	e.Organizer = portal.Attendee{Email: bare(organizer), Response: portal.ResponseOrganizer}
	e.Mine, e.Response, e.Status, e.Source = mailbox == organizer, portal.ResponseOrganizer, portal.StatusConfirmed, portal.SourceExchange
	if !e.Mine {
		e.Response = portal.ResponseNone
	}
	for _, a := range invited {
		a.URI = ""
		e.Attendees = append(e.Attendees, a)
	}
	e.Meeting = len(invited) > 0
	e.InvitedAt, e.UpdatedAt = w.now, w.now
	return e
}

func (w *world) deliver(e portal.Entry) {
	w.items = append(w.items, portal.SyncItem{Mailbox: e.Calendar, Entry: e, ReadAt: w.now})
}

// agreed is a world in which a record has been synchronised.
func agreed(t testing.TB, r *portal.CRMAppointment) *world {
	t.Helper()
	w := newWorld(t)
	w.record = r
	w.sync()
	if w.pair == nil || w.item(alice) == nil {
		t.Fatalf("the record was not made in Exchange: %s", describe(Plan(w.facts()).List))
	}
	w.mails, w.alerts = nil, 0
	w.tick()
	return w
}

// wantSame checks that both sides say the same, CRM-only people aside.
func (w *world) wantSame() {
	w.t.Helper()
	c, e := OfCRM(*w.record, NewUsers(w.users)), OfExchange(w.item(w.pair.Mailbox).Entry, NewUsers(w.users))
	if d := differences(&c, &e, w.facts()); len(d) > 0 {
		w.t.Fatalf("both sides differ in %v\nCRM      %v\nExchange %v", d, words(&c), words(&e))
	}
}

// differences names what differs between both sides, CRM-only people aside.
func differences(c, e *Content, f Facts) []string {
	var out []string
	for _, fl := range fields() {
		alike := fl.alike
		if alike == nil {
			alike = fl.same
		}
		if !alike(c, e) {
			out = append(out, fl.name)
		}
	}
	if !slices.EqualFunc(c.Categories, e.Categories, strings.EqualFold) {
		out = append(out, "categories")
	}
	list := slices.DeleteFunc(slices.Clone(c.Attendees), func(p Person) bool { return e.person(p.Key) == nil && f.Users.local(portal.Address(p.Key)) })
	if !slices.EqualFunc(list, e.Attendees, func(a, b Person) bool { return a.Key == b.Key && a.Role == b.Role && a.Response == b.Response }) {
		out = append(out, "attendees")
	}
	if !slices.Equal(c.Deleted, e.Deleted) {
		out = append(out, "deleted")
	}
	if len(c.Files) != len(e.Files) {
		out = append(out, "files")
	}
	ids := map[string]bool{}
	maps.Copy(ids, keysOf(c.Exceptions))
	maps.Copy(ids, keysOf(e.Exceptions))
	for id := range ids {
		if c.isDeleted(id) || e.isDeleted(id) {
			continue
		}
		x, y := c.occurrence(id), e.occurrence(id)
		for _, d := range differences(&x, &y, f) {
			out = append(out, id+" "+d)
		}
	}
	return out
}

func keysOf(m map[string]Content) map[string]bool {
	out := map[string]bool{}
	for k := range m {
		out[k] = true
	}
	return out
}
