package presence

// Whatever happens in whatever order: who was told everything since the beginning knows what a fresh
// page would show, the server knows what the person's own page shows, and nothing is told twice.

import (
	"fmt"
	"math/rand/v2"
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
			at(t, Options{MaxExtra: 3}, func(b *bench) { play(b, rand.New(rand.NewPCG(seed, 3))) })
		})
	}
}

var cast = []portal.Address{alice, bob, carol, dave}

func play(b *bench, r *rand.Rand) {
	some := func() portal.Address { return cast[r.IntN(len(cast))] }
	tab := func() string { return fmt.Sprint("tab", r.IntN(3)) }
	b.signIn(cast...)
	for range 400 {
		who := some()
		switch r.IntN(14) {
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
			if _, err := b.SetNote(b.t.Context(), who, []string{"", "a", "b"}[r.IntN(3)], time.Time{}); err != nil {
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
		for _, p := range b.Snapshot(who) {
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
		if p.present != (published != nil) || p.present && *published != p.claim {
			b.t.Errorf("%s: the server knows %+v, it is %v %+v", who.User(), published, p.present, p.claim)
		}
		b.Service.mu.Unlock()
	}
}
