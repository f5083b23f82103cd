package presence

// Whatever happens in whatever order: who was told everything since the beginning knows what a fresh
// page would show, the server knows what the person's own page shows as far as it is published, and nothing is told twice.

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"portico/app/policy"
	"portico/app/portal"
)

func TestModel(t *testing.T) {
	for range 30 {
		seed := rand.Uint64()
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			w := &whims{eyes: &eyes{}, r: rand.New(rand.NewPCG(seed, 3))}
			at(t, Options{MaxExtra: 3, Sight: known(w.eyes.sight), Wire: w.wire, InForce: w.inForce}, func(b *bench) { play(b, w) })
		})
	}
}

var cast = []portal.Address{alice, bob, carol, dave}

// whims are what people and administrators decide in a test, and change.
type whims struct {
	eyes   *eyes
	r      *rand.Rand
	mu     sync.Mutex
	narrow bool
	forced portal.InForce
}

func (w *whims) wire(portal.Address) portal.Sight {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.narrow {
		return policy.StandardSight(portal.Company)
	}
	return portal.FullSight()
}

func (w *whims) inForce(portal.Address) portal.InForce {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.forced
}

func (w *whims) change() {
	w.mu.Lock()
	defer w.mu.Unlock()
	flip := func() bool { return w.r.IntN(2) == 0 }
	w.narrow = flip()
	w.forced = portal.InForce{EnableAppearOffline: true, DisableCalendarPresence: flip(), DisablePresenceNote: flip(),
		DisableMeetingSubjectAndLocation: flip(), DisableFreeBusyInfo: flip(), DisableIM: flip()}
}

// anyWhim is one of the things that only people of this portal can do.
func anyWhim(b *bench, w *whims, who, other portal.Address) {
	r := w.r
	switch r.IntN(6) {
	case 0:
		all := []portal.Relationship{portal.Personal, portal.Company, portal.Public, portal.Blocked}
		w.eyes.give(who, other, all[r.IntN(len(all))])
		b.Recheck(who)
	case 1:
		w.change()
		b.PoliciesChanged()
	case 2:
		if _, err := b.SetWhereabouts(b.t.Context(), who, portal.Whereabouts{Location: []string{"", "Lab"}[r.IntN(2)]}); err != nil {
			b.t.Fatal(err)
		}
	case 3:
		b.Calendar(who, portal.CalendarState{Subject: []string{"", "Budget"}[r.IntN(2)], Until: time.Now().Add(time.Duration(1+r.IntN(60)) * time.Minute)})
	case 4:
		b.choose(who, []string{"", policy.PortalProvider, "e0", "e1"}[r.IntN(4)])
	case 5:
		b.echo(who, anyReport(r, who).Claims...)
	}
}

func play(b *bench, w *whims) {
	r := w.r
	w.change()
	some := func() portal.Address { return cast[r.IntN(len(cast))] }
	tab := func() string { return fmt.Sprint("tab", r.IntN(3)) }
	b.signIn(cast...)
	for range 400 {
		who := some()
		switch r.IntN(16) {
		case 0:
			b.Attach(who, tab())
		case 1:
			b.Detach(who, tab())
		case 2:
			b.Active(who, tab())
		case 3:
			b.Idle(who, tab())
		case 4:
			b.Touch(who)
		case 5:
			m := portal.Manual{Availability: []portal.Availability{portal.Busy, portal.Offline, portal.Available}[r.IntN(3)]}
			if r.IntN(2) == 0 {
				m.Until = time.Now().Add(time.Duration(1+r.IntN(30)) * time.Minute)
			}
			if _, err := b.SetByHand(b.t.Context(), who, m); err != nil {
				b.t.Fatal(err)
			}
		case 6:
			if _, err := b.Reset(b.t.Context(), who); err != nil {
				b.t.Fatal(err)
			}
		case 7:
			if _, err := b.SetNote(b.t.Context(), who, []string{"", "a", "b"}[r.IntN(3)], time.Time{}); err != nil && !w.inForce(who).DisablePresenceNote {
				b.t.Fatal(err)
			}
		case 8:
			b.SetContacts(who, []portal.Address{some(), some()})
		case 9:
			b.Watch(who, tab(), []portal.Address{some(), "sip:stranger@example.test"})
		case 10:
			b.LineLost(who)
		case 11:
			b.Silent(who, some())
		case 12, 13:
			anyWhim(b, w, who, some())
		default:
			b.Notified(who, anyReport(r, some()))
		}
		if r.IntN(3) == 0 {
			time.Sleep(time.Duration(r.IntN(200)) * time.Second)
		}
	}
	synctest.Wait()
	b.rest()
}

func anyReport(r *rand.Rand, of portal.Address) portal.Report {
	rep := portal.Report{Of: of, Lease: time.Now().Add(time.Duration(r.IntN(3600)) * time.Second)}
	for i := range r.IntN(3) {
		c := portal.Claim{Endpoint: fmt.Sprint("e", i), Availability: []portal.Availability{portal.Available, portal.Busy, portal.Away}[r.IntN(3)],
			Source: []portal.Source{portal.SourceHand, portal.SourceActivity}[r.IntN(2)], Since: time.Now().Add(-time.Duration(r.IntN(100)) * time.Minute)}
		if r.IntN(2) == 0 {
			c.Until = time.Now().Add(time.Duration(r.IntN(600)) * time.Second)
		}
		rep.Claims = append(rep.Claims, c)
	}
	return rep
}

// rest compares what was told with what holds.
func (b *bench) rest() {
	for _, who := range cast {
		b.mu.Lock()
		shown := map[portal.Address]portal.Presence{}
		for _, p := range b.told[who] {
			if before, there := shown[p.URI]; there && before.Same(p) && p.URI == who {
				b.t.Errorf("%s was told twice: %+v", who.User(), p)
			}
			shown[p.URI] = p
		}
		b.mu.Unlock()
		for _, p := range b.Snapshot(who, 0) {
			told, there := shown[p.URI]
			if !there {
				told = policy.UnknownOf(p.URI)
			}
			if !told.Same(p) {
				b.t.Errorf("%s was told   %+v\nof %s now holds %+v", who.User(), told, p.URI.User(), p)
			}
		}
		b.Service.mu.Lock()
		p := b.people[who]
		b.wire.mu.Lock()
		published := b.wire.published[who]
		b.wire.mu.Unlock()
		word := b.wordOf(p)
		if p.present != (published != nil) || p.present && !sameWord(*published, word) {
			b.t.Errorf("%s: the server knows %+v, it is %v %+v", who.User(), published, p.present, word)
		}
		b.Service.mu.Unlock()
	}
}
