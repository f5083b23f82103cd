package merge

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"portico/app/calsync/mapping"
	"portico/app/portal"
)

// Whatever both sides did, carrying plans makes them the same, and then there is nothing left to do.

var zones = []string{"Europe/Berlin", "America/New_York", "Asia/Kolkata", "UTC", "Europe/Vienna", "Pacific/Auckland"}

var rules = []string{"FREQ=DAILY;COUNT=8", "FREQ=WEEKLY;BYDAY=MO,WE", "FREQ=WEEKLY;COUNT=12", "FREQ=MONTHLY;BYDAY=1MO", "FREQ=DAILY;UNTIL=20270320T225959Z"}

// chance makes random appointments and changes.
type chance struct{ *rand.Rand }

func pick[T any](r chance, list ...T) T { return list[r.IntN(len(list))] }

func (r chance) text() string {
	words := []string{"plan", "Übersicht", "a  b", " lead", "trail ", "x\n\n\n\ny", "one\r\ntwo", "tab\there", "nb\u00a0sp", strings.Repeat("long ", 80), "", "- item\n- item"}
	return pick(r, words...) + fmt.Sprint(r.IntN(1000))
}

func (r chance) people() []portal.Attendee {
	all := []portal.Attendee{guest(bob), guest(carol), guest(dave), guest(erin), outsider("kim@other.test"), outsider("lee@other.test"),
		{Name: "Beamer", Email: "beamer@example.test", Role: portal.RoleResource, Response: portal.ResponseNone}}
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all[:r.IntN(len(all))]
}

// change makes one random change to an entry, as a person with any client can.
func (r chance) change(e *portal.Entry, exchange bool) string {
	switch r.IntN(13) {
	case 0:
		e.Subject = r.text()
		return "subject"
	case 1:
		e.Location = r.text()
		return "location"
	case 2:
		e.Body = r.text() + "\n\n" + r.text()
		return "body"
	case 3:
		e.Show = pick(r, portal.ShowFree, portal.ShowOOF, portal.ShowBusy, portal.ShowTentative)
		return "show"
	case 4:
		e.Private = !e.Private
		return "private"
	case 5:
		m := r.IntN(90)
		e.ReminderMinutes = pick(r, nil, &m)
		return "reminder"
	case 6:
		e.Categories = append([]string{}, pick(r, "Red", "blue", "Green", "Sales"))
		return "categories"
	case 7:
		r.attendee(&e.Appointment, exchange)
		return "attendees"
	case 8, 9:
		r.times(e)
		return "when"
	default:
		return r.occurrence(e, exchange)
	}
}

func (r chance) attendee(a *portal.Appointment, exchange bool) {
	a.Attendees = slices.Clone(a.Attendees)
	if len(a.Attendees) > 0 && r.IntN(2) == 0 {
		i := r.IntN(len(a.Attendees))
		if r.IntN(2) == 0 {
			a.Attendees = slices.Delete(a.Attendees, i, i+1)
		} else {
			a.Attendees[i].Role = pick(r, portal.RoleOptional, portal.RoleRequired)
		}
		return
	}
	for _, p := range r.people() {
		if !slices.ContainsFunc(a.Attendees, func(q portal.Attendee) bool { return q.Email == p.Email }) {
			if exchange {
				p.URI = ""
			}
			a.Attendees = append(a.Attendees, p)
			return
		}
	}
}

func (r chance) times(e *portal.Entry) {
	switch r.IntN(5) {
	case 0:
		e.Start = e.Start.Add(time.Duration(r.IntN(5)-2) * time.Hour)
	case 1:
		e.End = e.Start.Add(time.Duration(1+r.IntN(4)) * 30 * time.Minute)
		if e.AllDay {
			e.End = e.Start.AddDate(0, 0, 1+r.IntN(3))
		}
		return
	case 2:
		e.TimeZone = pick(r, zones...)
	case 3:
		if e.Recurrence != "" {
			e.Recurrence = pick(r, rules...)
		}
	case 4:
		e.AllDay = !e.AllDay
		if e.AllDay {
			e.Start = date(e.Start)
		} else {
			e.Start = e.Start.Add(9 * time.Hour)
		}
	}
	e.End = e.Start.Add(time.Hour)
	if e.AllDay {
		e.Start = date(e.Start)
		e.End = e.Start.AddDate(0, 0, 1)
	}
	r.tidy(e)
}

// tidy lets both kinds of client do what they do with occurrences that are none any more.
func (r chance) tidy(e *portal.Entry) {
	c := OfExchange(portal.Entry{Appointment: e.Appointment}, Users{})
	e.Exceptions = slices.DeleteFunc(e.Exceptions, func(x portal.Appointment) bool { return !c.occurs(Stamp(x.RecurrenceID)) })
	e.Deleted = slices.DeleteFunc(e.Deleted, func(t time.Time) bool { return !c.occurs(Stamp(t)) })
}

func (r chance) occurrence(e *portal.Entry, exchange bool) string {
	c := OfExchange(portal.Entry{Appointment: e.Appointment}, Users{})
	s := c.series()
	if s == nil {
		return "nothing"
	}
	var ids []time.Time
	for t, err := range s.Rule.Starts(s.Start, s.AllDay, time.Time{}) {
		if err != nil || len(ids) == 6 {
			break
		}
		ids = append(ids, t.UTC())
	}
	if len(ids) == 0 {
		return "nothing"
	}
	id := pick(r, ids...)
	if slices.ContainsFunc(e.Deleted, func(t time.Time) bool { return t.Equal(id) }) {
		return "nothing"
	}
	at := slices.IndexFunc(e.Exceptions, func(x portal.Appointment) bool { return x.RecurrenceID.Equal(id) })
	if r.IntN(4) == 0 {
		removeOccurrence(e, id)
		return "delete " + Stamp(id)
	}
	if at < 0 {
		x := e.Appointment
		o := c.plain(Stamp(id))
		x.Kind, x.RecurrenceID, x.Start, x.End = portal.KindException, id, o.Start, o.End
		e.Exceptions = append(e.Exceptions, x)
		at = len(e.Exceptions) - 1
	}
	x := &e.Exceptions[at]
	switch r.IntN(5) {
	case 0:
		x.Subject = r.text()
	case 1:
		x.Location = r.text()
	case 2:
		shift := time.Duration(r.IntN(5)-2) * time.Hour
		if x.AllDay {
			shift *= 24
		}
		x.Start, x.End = x.Start.Add(shift), x.End.Add(shift)
	case 3:
		r.attendee(x, exchange)
	case 4:
		x.Body = r.text()
	}
	slices.SortFunc(e.Exceptions, func(a, b portal.Appointment) int { return a.RecurrenceID.Compare(b.RecurrenceID) })
	return "occurrence " + Stamp(id)
}

func (r chance) record() *portal.CRMAppointment {
	rec := crmRecord(r.people()...)
	rec.Subject, rec.Body = r.text(), r.text()
	rec.TimeZone = pick(r, zones...)
	if r.IntN(4) == 0 {
		rec.AllDay, rec.Start, rec.End = true, date(rec.Start), date(rec.Start).AddDate(0, 0, 1)
	}
	if r.IntN(3) > 0 {
		rec.Recurrence, rec.Kind = pick(r, rules...), portal.KindMaster
		if rec.AllDay {
			rec.Recurrence = strings.ReplaceAll(rec.Recurrence, "T225959Z", "")
		}
	}
	return rec
}

func testRules(t testing.TB) *mapping.Mapper {
	m, err := mapping.Rules{
		{Name: "mark", On: true, Direction: portal.ToExchange, Do: mapping.Do{Subject: mapping.Text{Prefix: "[CRM] "}}},
		{Name: "colour", On: true, Direction: portal.ToExchange, When: mapping.When{Category: "Sales"}, Do: mapping.Do{MapCategories: map[string]string{"Sales": "Red"}}},
		{Name: "room", On: true, Direction: portal.ToCRM, Do: mapping.Do{Location: mapping.Text{Find: `^plan`, Replace: "Plan"}}},
		{Name: "foot", On: true, Direction: portal.ToExchange, When: mapping.When{Category: "Green"}, Do: mapping.Do{Body: mapping.Text{Template: "{text}\n--\nfrom CRM"}}},
	}.Compile()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestBothSidesConverge(t *testing.T) {
	n := 2000
	if testing.Short() || raced {
		n = 400 // all of them run where the race detector does not
	}
	for seed := range uint64(n) {
		if !t.Run("", func(t *testing.T) { converge(t, seed, false) }) {
			t.Run("told", func(t *testing.T) { converge(t, seed, true) })
			return
		}
	}
}

// converge plays one random life of an appointment.
func converge(t *testing.T, seed uint64, trace bool) {
	r := chance{rand.New(rand.NewPCG(seed, 4))}
	var log []string
	defer func() {
		if t.Failed() {
			t.Logf("seed %d: %s", seed, strings.Join(log, "; "))
		}
	}()
	w := newWorld(t)
	w.trace = trace
	w.server = server{lossy: r.IntN(3) == 0, keeps: r.IntN(3) == 0, uid: r.IntN(5) == 0}
	mapped := r.IntN(4) == 0
	if mapped {
		w.rules = testRules(t)
	}
	w.record = r.record()
	w.sync()
	if w.pair == nil {
		t.Fatalf("not created: %s", describe(Plan(w.facts()).List))
	}
	for range 1 + r.IntN(5) {
		round(t, r, w, &log)
		if t.Failed() {
			return
		}
	}
}

// round lets both sides change things, the synchronisation die in the midst of it now and then, and then checks that all is well.
func round(t *testing.T, r chance, w *world, log *[]string) {
	t.Helper()
	w.wrote, w.mails = nil, nil
	was := *w.record
	crm, ex := r.IntN(3), r.IntN(3)
	for range crm {
		w.now = w.now.Add(time.Second)
		w.edit(func(rec *portal.CRMAppointment) { *log = append(*log, "crm "+r.change(&rec.Entry, false)) })
	}
	for range ex {
		w.now = w.now.Add(time.Second)
		w.outlook(w.pair.Mailbox, func(e *portal.Entry) { *log = append(*log, "ex "+r.change(e, true)) })
	}
	after, entry := *w.record, w.item(w.pair.Mailbox).Entry
	oneWay := r.IntN(8) == 0
	if oneWay { // a way is switched off for a while, and nothing of what waits behind it is lost
		w.options.ToExchange, w.options.ToCRM = r.IntN(2) == 0, false
		w.tick()
		w.sync()
		if w.options.ToExchange = !w.options.ToExchange; !w.options.ToExchange && len(w.wrote) > 0 && crm == 0 {
			t.Fatalf("wrote %v while nothing had changed in CRM", w.wrote)
		}
		w.options.ToExchange, w.options.ToCRM = true, true
		*log = append(*log, "one way")
	}
	crash := r.IntN(4) == 0
	if crash {
		w.crash = 1 + r.IntN(4)
		*log = append(*log, fmt.Sprint("crash at ", w.crash))
	}
	w.tick()
	*log = append(*log, "sync")
	w.sync()
	w.crash = 0
	// After a crash rules see what came to CRM as what somebody did there.
	if crm == 0 && (w.rules == nil || !crash) && !oneWay && (len(w.wrote) > 0 || len(w.mails) > 0) {
		t.Fatalf("what was done in Outlook alone was written back: %v, mail %v", w.wrote, w.mails)
	}
	if w.rules == nil {
		w.wantSame()
		kept(t, w, was, after, entry)
	}
	if s := Plan(w.facts()); !idle(s) {
		t.Fatalf("at rest there is still to do: %s", describe(s.List))
	}
	w.tick()
}

// kept checks that of two sides of which one changed a text, that one's text holds.
func kept(t *testing.T, w *world, was, crm portal.CRMAppointment, ex portal.Entry) {
	t.Helper()
	text := func(name string, was, crm, ex, now string) {
		c, e := !likeText(was, crm), !cutText(was, ex) && !likeText(was, ex)
		if c && !e && !cutText(crm, now) || e && !c && !cutText(ex, now) {
			t.Errorf("%s: it was %q, CRM made it %q, Outlook %q; now it is %q", name, was, crm, ex, now)
		}
	}
	text("subject", was.Subject, crm.Subject, ex.Subject, w.record.Subject)
	text("location", was.Location, crm.Location, ex.Location, w.record.Location)
	text("body", was.Body, crm.Body, ex.Body, w.record.Body)
}
