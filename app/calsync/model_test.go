package calsync_test

import (
	"context"
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"portico/app/calsync"
	"portico/app/portal"
)

// The model: random sequences of what people do on both sides, with the engine crashing at any step, servers that are away, answers that
// are lost after the work was done, bells that ring twice or not at all, sync states that are refused. When all has come to rest both
// sides must say the same, nothing may be lost or there twice, and nobody may have got a mail that a careful person would not have sent.

// seedFrom names the environment variable that repeats one run.
const seedFrom = "PORTICO_SYNC_SEED"

func TestModel(t *testing.T) {
	if s := os.Getenv(seedFrom); s != "" {
		seed, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		run(t, seed, newBook())
		return
	}
	runs := uint64(3000)
	if n, err := strconv.ParseUint(os.Getenv("PORTICO_SYNC_RUNS"), 10, 64); err == nil {
		runs = n
	}
	if testing.Short() || raced && os.Getenv("PORTICO_SYNC_RUNS") == "" {
		runs = 300 // all of them run where the race detector does not
	}
	crashes := 0
	for seed := range runs {
		t.Run("seed "+strconv.FormatUint(seed, 10), func(t *testing.T) { crashes += run(t, seed, newBook()) })
	}
	if crashes == 0 {
		t.Error("no run crashed: the model does not test what it should")
	}
}

// TestModelOfLivesThatWentWrong repeats the lives in which the model found something: who was taken off came back by a copy that was read
// late, or by one that was gone; a conflict was forgotten by a crash; what a record was made of was not known after one; what was undone
// before anybody saw it.
func TestModelOfLivesThatWentWrong(t *testing.T) {
	for _, seed := range []uint64{9688, 11078, 13010, 15418, 16651, 19784, 22639, 23168, 26452, 26836, 28842, 33534, 33900, 37202, 37980, 39838} {
		t.Run("seed "+strconv.FormatUint(seed, 10), func(t *testing.T) { run(t, seed, newBook()) })
	}
}

// TestModelOverTheRealLedger holds the ledger in memory against the one on disk: the same lives must end as well over both.
func TestModelOverTheRealLedger(t *testing.T) {
	for seed := range uint64(40) {
		t.Run("seed "+strconv.FormatUint(seed, 10), func(t *testing.T) {
			st, closed := opened(t)
			defer closed()
			run(t, seed, st)
		})
	}
}

// run is one run of the model; it gives how often the engine crashed.
func run(t *testing.T, seed uint64, ledger calsync.Ledger) int {
	w := newWorld(t, seed, ledger)
	raw, err := json.Marshal(w.settings())
	if err != nil {
		t.Fatal(err)
	}
	if err := ledger.SaveSyncBlob(t.Context(), "settings", raw, 0); err != nil {
		t.Fatal(err)
	}
	for range w.rnd.IntN(4) { // what was there before anybody thought of CRM
		w.x.rang = func(portal.Address) {}
		w.createAtOutlook(pick(w, alice, bob))
	}
	w.pass(time.Hour)
	w.x.rang = func(who portal.Address) {
		for n := w.rnd.IntN(3); n > 0 && !w.deaf; n-- { // none, one or two
			w.s.Rang(who)
		}
	}
	w.build()
	for range 1 + w.rnd.IntN(3) {
		for range 5 + w.rnd.IntN(30) {
			w.happen()
		}
		w.rest()
		w.check()
		w.rested = w.at
	}
	return w.crashes
}

// happen lets one thing happen.
func (w *world) happen() {
	w.pass(time.Duration(3+w.rnd.IntN(40)) * time.Second)
	switch n := w.rnd.IntN(100); {
	case n < 18:
		w.inCRM()
	case n < 36:
		w.atOutlook()
	case n < 39:
		w.fromOutside()
	case n < 42:
		w.fuse = 1 + w.rnd.IntN(12)
	case n < 45:
		down := !w.x.down
		w.note("exchange down: %v", down)
		w.x.set(func() { w.x.down = down })
	case n < 48:
		w.unreliable()
	case n < 50:
		who := pick(w, alice, bob, desk)
		w.note("the sync state of %s is refused", who.User())
		w.x.set(func() { w.x.resets[who] = true })
	case n < 52:
		w.deaf = !w.deaf
	case n < 54:
		w.pass(15 * time.Minute)
	default:
		for range 1 + w.rnd.IntN(4) {
			w.engine()
		}
	}
}

// unreliable makes writes go wrong from here on, or well again.
func (w *world) unreliable() {
	if w.rnd.IntN(2) == 0 {
		w.x.set(func() { w.x.trouble = nil })
		return
	}
	w.note("writes go wrong")
	w.x.set(func() {
		w.x.trouble = func(op string) string {
			how := pick(w, "", "", "before", "after", "late")
			if how == "late" && op != "Create" {
				how = "after"
			}
			if how != "" {
				w.note("  %s goes wrong: %s", op, how)
			}
			return how
		}
	})
}

// check holds both sides against each other and against what the model knows.
func (w *world) check() {
	w.t.Helper()
	if q := w.queue(); len(q) > 0 {
		w.fail("at rest the queue holds %+v", q)
	}
	for _, name := range slices.Sorted(maps.Keys(w.toks)) {
		k := w.toks[name]
		if k.stub {
			w.checkStub(k)
		} else {
			w.checkTok(k)
		}
	}
	w.checkMail()
}

// meetings gives the entries of a token in their organisers' mailboxes.
func (w *world) meetings(k *tok) []portal.Entry {
	var out []portal.Entry
	for _, who := range []portal.Address{alice, bob, desk} {
		for _, e := range w.x.all(who, k.name) {
			if e.Mine {
				out = append(out, e)
			}
		}
	}
	return out
}

func (w *world) checkTok(k *tok) {
	w.t.Helper()
	rs := slices.DeleteFunc(w.c.of(k.name), func(r portal.CRMAppointment) bool { return r.Status == portal.StatusCancelled })
	es := w.meetings(k)
	if len(rs) > 1 || len(es) > 1 {
		w.fail("%s is there %d times in CRM and %d times in Exchange", k.name, len(rs), len(es))
	}
	gone := len(k.gone) > 0
	both := k.touched["crm"] && k.touched["exchange"]
	switch {
	case len(rs) == 0 && len(es) == 0:
		if !gone && !k.dead {
			w.fail("%s is lost", k.name)
		}
		k.dead = true
	case k.dead:
		w.fail("%s came back", k.name)
	case len(rs) == 0:
		w.fail("%s is in Exchange alone", k.name)
	case len(es) == 0 && rs[0].Status == portal.StatusComplete && (k.gone["exchange"] || k.kept):
		k.kept = true // what took place is not undone by tidying up
	case k.kept:
		w.fail("%s came back to Exchange", k.name)
	case len(es) == 0:
		if w.belongs(&rs[0]) {
			w.fail("%s is in CRM alone", k.name)
		}
		if gone && !both {
			w.fail("%s was deleted and still is there", k.name)
		}
		k.settle(w, rs[0].Calendar.Bare(), viewOf(&rs[0].Entry))
	default:
		if gone && !both {
			w.fail("%s was deleted and still is there", k.name)
		}
		w.alike(k, &rs[0], &es[0])
		k.settle(w, rs[0].Calendar.Bare(), viewOf(&rs[0].Entry))
	}
	clear(k.gone)
	clear(k.touched)
}

// belongs reports whether a record has to be in Exchange.
func (w *world) belongs(r *portal.CRMAppointment) bool {
	if r.Calendar != carol {
		return true
	}
	return slices.ContainsFunc(r.Attendees, func(a portal.Attendee) bool { return a.Email != carol.Bare() })
}

// alike holds the two sides of an appointment against each other.
func (w *world) alike(k *tok, r *portal.CRMAppointment, e *portal.Entry) {
	w.t.Helper()
	if r.UID != e.UID {
		w.fail("%s has the UIDs %s and %s", k.name, r.UID, e.UID)
	}
	crm, ex := viewOf(&r.Entry), viewOf(e)
	for name := range crm {
		if ex[name] == "" && name == "attendee "+carol.Bare() {
			continue // her diary is in CRM: no server needs to know
		}
		if ex[name] != crm[name] && !(strings.HasPrefix(name, "attendee ") && strings.HasSuffix(name, " "+e.Organizer.Email)) {
			w.fail("%s: %s is %q in CRM and %q in Exchange", k.name, name, crm[name], ex[name])
		}
	}
	for name := range ex {
		if _, ok := crm[name]; !ok && name != "attendee "+r.Calendar.Bare() {
			w.fail("%s: %s is %q in Exchange and not in CRM", k.name, name, ex[name])
		}
	}
	for _, a := range e.Attendees {
		for _, p := range r.Attendees {
			if strings.EqualFold(a.Email, p.Email) && a.Email != carol.Bare() && a.Response != p.Response && (a.Response.Answerable() || p.Response.Answerable()) {
				w.fail("%s: the answer of %s is %s in CRM and %s in Exchange", k.name, a.Email, p.Response, a.Response)
			}
		}
	}
}

// settle compares what is with what people wrote, and takes it as what was agreed.
func (k *tok) settle(w *world, owner string, is side) {
	w.t.Helper()
	for name, sl := range k.slots {
		v := is[name]
		if strings.HasPrefix(name, "answer ") || strings.HasPrefix(name, "place ") || name == "attendee "+owner {
			continue // whose it is need not be on the list
		}
		if !slices.Contains(sl.may(), v) && !w.given(k, name, v) {
			w.fail("%s: %s is %q, and may be one of %q", k.name, name, v, sl.may())
		}
	}
	k.slots = map[string]*slot{}
	for name, v := range is {
		k.slots[name] = &slot{rest: v, written: map[string]string{}}
	}
}

// given reports whether a value of before holds because a conflict was recorded, from which the other can be taken back.
func (w *world) given(k *tok, name, v string) bool {
	if v != k.slots[name].rest && !slices.Contains(k.slots[name].all, v) {
		return false
	}
	list, err := w.b.SyncConflicts(context.Background(), "", 1000)
	if err != nil {
		w.fail("conflicts: %v", err)
	}
	return slices.ContainsFunc(list, func(c portal.SyncConflict) bool {
		r := w.c.get(c.CRM)
		return token(r.Subject) == k.name && c.At.After(w.rested) && (slices.Contains(c.Fields, name) || slices.Contains(c.Fields, "deleted"))
	})
}

// checkStub holds a meeting of somebody outside against its one record.
func (w *world) checkStub(k *tok) {
	w.t.Helper()
	rs := w.c.of(k.name)
	if len(rs) > 1 {
		w.fail("the meeting %s of somebody outside has %d records", k.name, len(rs))
	}
	var copies []portal.Entry
	for _, who := range []portal.Address{alice, bob} {
		copies = append(copies, w.x.all(who, k.name)...)
	}
	live := slices.DeleteFunc(copies, func(e portal.Entry) bool { return e.Status == portal.StatusCancelled })
	if len(live) > 0 && len(rs) == 0 {
		w.fail("the meeting %s of somebody outside is not in CRM", k.name)
	}
	if len(rs) == 1 && !rs[0].Stub {
		w.fail("the meeting %s of somebody outside is no stub", k.name)
	}
}

// checkMail counts the mails that the engine caused.
func (w *world) checkMail() {
	w.t.Helper()
	counts := map[string]int{}
	for _, m := range w.x.mails {
		if m.engine {
			counts[m.token+" "+m.to]++
		}
	}
	for key, n := range counts {
		name, _, _ := strings.Cut(key, " ")
		k := w.tok(name)
		if most := k.allowed * (1 + k.parted); n > most {
			w.fail("%d mails to %q, of which a careful person would have sent %d at most", n, key, most)
		}
	}
}
