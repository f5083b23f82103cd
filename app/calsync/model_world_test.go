package calsync_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"portico/app/calsync"
	"portico/app/portal"
)

// The people of the model: alice and bob have mailboxes that are kept in step, carol's diary is in CRM alone, dave has a mailbox and is
// no CRM user, erin is outside. desk is the CRM user for synchronisation.
const (
	alice portal.Address = "sip:alice@example.test"
	bob   portal.Address = "sip:bob@example.test"
	carol portal.Address = "sip:carol@example.test"
	dave  portal.Address = "sip:dave@example.test"
	desk  portal.Address = "sip:desk@example.test"
	erin                 = "erin@outside.test"
	boss                 = "boss@outside.test"
)

var dayZero = time.Date(2027, 3, 1, 8, 0, 0, 0, time.UTC)

// world is one run of the model: both sides, the engine between them, and what the model expects of each appointment.
type world struct {
	t     *testing.T
	seed  uint64
	rnd   *rand.Rand
	at    time.Time
	x     *sim
	c     *records
	b     calsync.Ledger
	s     *calsync.Service
	ids   int
	count int // of tokens
	toks  map[string]*tok
	trace []string
	// fuse counts the engine's steps down to a crash; negative: none.
	fuse    int
	crashes int
	deaf    bool
	rested  time.Time
	// steps are the engine's steps, by name.
	steps []string
}

// tok is what the model knows of one appointment.
type tok struct {
	name string
	// slots are what it says, by the name of what says it.
	slots map[string]*slot
	// gone: somebody deleted it; touched are the sides that changed it since the last rest.
	gone    map[string]bool
	touched map[string]bool
	// allowed is how many mails the engine may cause for it to each person.
	allowed int
	// parted is how many occurrences were changed by themselves: each has a copy of its own with those invited, so that a change of the
	// whole is told for each.
	parted int
	series bool
	stub   bool
	// dead: it was on neither side at a rest.
	dead bool
	// kept: it was complete in CRM when it was deleted in Exchange.
	kept bool
}

// slot is one thing that both sides have to agree about.
type slot struct {
	rest    string            // what it was at the last rest
	written map[string]string // what each side wrote last since then
	all     []string          // all that was written since then
	began   map[string]string // what each side that changed it had before
	unseen  bool              // a side is back at what it had
}

func newWorld(t *testing.T, seed uint64, ledger calsync.Ledger) *world {
	w := &world{t: t, seed: seed, rnd: rand.New(rand.NewPCG(seed, 7)), at: dayZero, b: ledger, toks: map[string]*tok{}, fuse: -1}
	now := func() time.Time { return w.at }
	w.x = newSim(now, alice, bob, dave, desk)
	w.x.normal, w.x.ownUID = w.rnd.IntN(2) == 0, w.rnd.IntN(8) == 0
	w.x.page = []int{0, 0, 1, 2, 5}[w.rnd.IntN(5)]
	w.c = newRecords(now, user(alice, true), user(bob, true), user(carol, false), user(desk, true))
	w.x.rang = func(who portal.Address) {
		if w.deaf {
			return
		}
		for range 1 + w.rnd.IntN(2) { // some bells ring twice
			w.s.Rang(who)
		}
	}
	return w
}

func user(a portal.Address, synced bool) portal.CRMUser {
	u := portal.CRMUser{Address: a, FirstName: strings.ToUpper(a.User()[:1]) + a.User()[1:], LastName: "Test", Email: a.Bare(), Since: dayZero.Add(-time.Hour)}
	if synced {
		u.ExchangeID, u.Server = a.Bare(), "primary"
	}
	return u
}

func (w *world) note(format string, args ...any) {
	w.trace = append(w.trace, w.at.Format("02 15:04:05 ")+fmt.Sprintf(format, args...))
}

// fail ends the run with everything that is needed to repeat it.
func (w *world) fail(format string, args ...any) {
	w.t.Helper()
	log, err := w.b.SyncLog(context.Background(), portal.SyncLogFilter{Limit: 200})
	if err != nil {
		w.t.Error(err)
	}
	for _, l := range log {
		w.trace = append(w.trace, fmt.Sprintf("%s log: %s %s %s %s %s %s mail=%v before %v after %v", l.At.Format("02 15:04:05"), l.Direction, l.What, l.CRM, l.Result, l.Reason, l.Cause, l.Mail, l.Before, l.After))
	}
	slices.Sort(w.trace)
	w.t.Fatalf("seed %d: %s\nrepeat with PORTICO_SYNC_SEED=%d\n%s", w.seed, fmt.Sprintf(format, args...), w.seed, strings.Join(w.trace, "\n"))
}

func (w *world) settings() portal.SyncSettings {
	st := calsync.StandardSettings()
	st.SyncUser = desk
	return st
}

// build makes the engine anew, as after a crash or a start.
func (w *world) build() {
	w.s = calsync.New(w.c, w.x, w.b, calsync.Options{Now: func() time.Time { return w.at }, Steady: true, EachMailbox: 4,
		NewID: func() string { w.ids++; return portal.CRMPrefix + "new-" + strconv.Itoa(w.ids) },
		Fault: func(step string) error {
			w.steps = append(w.steps, step)
			if w.fuse > 0 {
				w.fuse--
			}
			if w.fuse == 0 {
				w.fuse = -1
				w.note("CRASH at %s", step)
				return errors.New("crash")
			}
			return nil
		}})
	if err := w.s.Begin(context.Background()); err != nil {
		w.fail("begin: %v", err)
	}
}

// lived looks at what a step of the engine gave: a crash makes a new engine.
func (w *world) lived(err error) {
	if calsync.Crashed(err) {
		w.crashes++
		w.build()
		return
	}
	if err != nil && portal.Meaning(err) == nil {
		w.fail("the engine: %v", err)
	}
}

// pass lets time pass.
func (w *world) pass(d time.Duration) { w.at = w.at.Add(d) }

// engine lets the engine do one thing.
func (w *world) engine() {
	ctx := context.Background()
	switch w.rnd.IntN(4) {
	case 0:
		_, err := w.s.ReadOne(ctx)
		w.lived(err)
	case 1:
		w.lived(w.s.ReadCRM(ctx))
	default:
		_, err := w.s.CarryOne(ctx, w.rnd.IntN)
		w.lived(err)
	}
}

// rest lets the engine come to rest with nothing in its way.
func (w *world) rest() {
	w.x.set(func() { w.x.down, w.x.trouble = false, nil })
	w.fuse, w.deaf = -1, false
	w.note("rest")
	for range 3 {
		w.pass(time.Hour) // every mailbox is due by the clock, whatever rang
		w.run()
	}
}

// run lets the engine work until nothing is left to do.
func (w *world) run() {
	ctx := context.Background()
	for n := 0; ; n++ {
		if n > 2000 {
			w.fail("the engine does not come to rest: %+v", w.queue())
		}
		w.lived(w.s.ReadDue(ctx))
		w.lived(w.s.ReadCRM(ctx))
		went, err := w.s.CarryOne(ctx, w.rnd.IntN)
		w.lived(err)
		if went {
			continue
		}
		next, err := w.b.NextSyncJob(ctx)
		if err != nil {
			w.fail("next job: %v", err)
		}
		if next.IsZero() {
			return
		}
		if next.After(w.at) {
			w.at = next
		} else {
			w.pass(time.Second)
		}
	}
}

func (w *world) queue() []portal.SyncJob {
	list, err := w.b.SyncJobs(context.Background(), portal.SyncQueueFilter{Limit: 20})
	if err != nil {
		w.fail("queue: %v", err)
	}
	return list
}

func (w *world) tok(name string) *tok {
	k := w.toks[name]
	if k == nil {
		k = &tok{name: name, slots: map[string]*slot{}, gone: map[string]bool{}, touched: map[string]bool{}}
		w.toks[name] = k
	}
	return k
}

// wrote notes that a side was given a value by a person.
func (k *tok) wrote(side, name, value string) {
	sl := k.slots[name]
	if sl == nil {
		sl = &slot{written: map[string]string{}}
		k.slots[name] = sl
	}
	sl.written[side] = value
	sl.all = append(sl.all, value)
	k.touched[side] = true
}

// may gives the values that a slot may have at rest.
func (sl *slot) may() []string {
	if len(sl.written) == 0 {
		return []string{sl.rest}
	}
	out := slices.Sorted(maps.Values(sl.written))
	if sl.unseen {
		out = append(out, sl.rest)
	}
	return out
}

// side is one side's version of an appointment as texts by slot.
type side map[string]string

func viewOf(e *portal.Entry) side {
	v := side{"subject": strings.TrimSpace(e.Subject), "location": e.Location, "body": strings.TrimSpace(strings.ReplaceAll(e.Body, "\r\n", "\n")),
		"when": fmt.Sprint(e.Start.Unix(), e.End.Unix(), e.AllDay), "show": string(e.Show), "private": strconv.FormatBool(e.Private)}
	for _, c := range e.Categories {
		v["category "+c] = "yes"
	}
	for _, a := range e.Attendees {
		v["attendee "+strings.ToLower(a.Email)] = "yes"
	}
	for i := range e.Exceptions {
		x := &e.Exceptions[i]
		if at := "occurrence " + x.RecurrenceID.UTC().Format("0102"); strings.TrimSpace(x.Subject) != v["subject"] {
			v[at] = strings.TrimSpace(x.Subject)
		}
		if x.Location != e.Location {
			v["place "+x.RecurrenceID.UTC().Format("0102")] = x.Location
		}
	}
	for _, d := range e.Deleted {
		v["occurrence "+d.UTC().Format("0102")] = "deleted"
	}
	for _, a := range e.Attachments {
		v["file "+a.Name] = "yes"
	}
	return v
}
