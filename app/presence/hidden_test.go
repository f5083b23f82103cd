package presence

// Who hides is, for the one they hide from, somebody who is offline: in what is told, in what is asked, and in when.

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"portico/app/policy"
	"portico/app/portal"
)

// absent is somebody who is really offline, all the time.
const absent = portal.Address("sip:absent@example.test")

// life plays a long random life of alice, who hides from bob, while bob watches her and somebody who is never there, and
// compares after each step what bob was told of the two and what he reads of them.
type life struct {
	*bench
	r     *rand.Rand
	lease time.Time
	claim []portal.Claim
}

func TestWhoHidesIsLikeWhoIsOffline(t *testing.T) {
	for range 20 {
		seed := rand.Uint64()
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			e := &eyes{}
			e.give(alice, bob, portal.Blocked)
			o := Options{Sight: known(e.sight), Tagged: func(portal.Address) []portal.Address { return []portal.Address{alice, absent} }}
			at(t, o, func(b *bench) {
				l := &life{bench: b, r: rand.New(rand.NewPCG(seed, 6))}
				b.signIn(alice, bob, carol)
				b.Attach(bob, "tab")
				b.SetContacts(bob, []portal.Address{alice, absent})
				b.SetContacts(carol, []portal.Address{alice})
				for range 300 {
					l.step()
					l.compare()
				}
				if len(b.told[carol]) < 20 {
					t.Errorf("alice's life was dull: carol was told %d times", len(b.told[carol]))
				}
			})
		})
	}
}

// step is something alice does, the server says of her, or bob's line goes through.
func (l *life) step() {
	ctx, r := l.t.Context(), l.r
	var err error
	switch r.IntN(12) {
	case 0:
		l.Attach(alice, "tab")
		l.Active(alice, "tab")
	case 1:
		l.Detach(alice, "tab")
	case 2:
		_, err = l.SetNote(ctx, alice, []string{"", "a", "b"}[r.IntN(3)], time.Time{})
	case 3:
		_, err = l.SetWhereabouts(ctx, alice, portal.Whereabouts{Location: []string{"", "Lab"}[r.IntN(2)]})
	case 4:
		l.Calendar(alice, portal.CalendarState{Subject: []string{"", "Budget"}[r.IntN(2)], Availability: portal.Busy, Until: time.Now().Add(time.Minute)})
	case 5:
		_, err = l.SetByHand(ctx, alice, portal.Manual{Availability: []portal.Availability{portal.Available, portal.DoNotDisturb, portal.Offline}[r.IntN(3)]})
	case 6:
		l.Recheck(alice)
		l.PoliciesChanged()
	case 7:
		// Bob's line goes and comes: both are asked for anew.
		l.LineLost(bob)
		time.Sleep(time.Second)
		l.refresh()
	case 8:
		l.refresh()
	case 9:
		time.Sleep(time.Duration(r.IntN(600)) * time.Second)
	default:
		// The server has news of her, under the subscription that is there.
		l.claim = anyReport(r, alice).Claims
		l.said()
	}
	if err != nil {
		l.t.Fatal(err)
	}
	synctest.Wait()
}

// refresh is a renewed subscription of all that bob watches.
func (l *life) refresh() {
	l.lease = time.Now().Add(30 * time.Minute)
	l.said()
	l.Notified(bob, portal.Report{Of: absent, Lease: l.lease})
}

func (l *life) said() {
	if l.lease.IsZero() || !l.lease.After(time.Now()) {
		return
	}
	for _, viewer := range []portal.Address{bob, carol} {
		l.Notified(viewer, portal.Report{Of: alice, Claims: l.claim, Lease: l.lease})
	}
}

// compare fails where the two differ in anything but their names.
func (l *life) compare() {
	l.mu.Lock()
	events := map[portal.Address][]portal.Presence{}
	for _, p := range l.told[bob] {
		of := p.URI
		p.URI = ""
		events[of] = append(events[of], p)
	}
	tagged := slices.Clone(l.tagged)
	l.mu.Unlock()
	if !slices.Equal(events[alice], events[absent]) {
		l.t.Fatalf("bob was told %+v\nof who is offline   %+v", events[alice], events[absent])
	}
	for _, event := range tagged {
		if event == "bob: alice available" {
			l.t.Fatal("bob was told that she came")
		}
	}
	hers, theirs := l.Of(bob, alice), l.Of(bob, absent)
	asked, err := l.Query(l.t.Context(), bob, []portal.Address{alice, absent})
	if err != nil {
		l.t.Fatal(err)
	}
	for _, p := range []*portal.Presence{&hers, &theirs, &asked[0], &asked[1]} {
		p.URI = ""
	}
	if hers != theirs || asked[0] != asked[1] {
		l.t.Fatalf("bob reads %+v and %+v\nof who is offline %+v and %+v", hers, asked[0], theirs, asked[1])
	}
}

// Who appears offline is for everybody like who is: nothing of what they said shows that they are there.
func TestWhoAppearsOfflineIsLikeWhoIs(t *testing.T) {
	at(t, Options{}, func(b *bench) {
		b.signIn(alice, bob)
		b.SetContacts(bob, []portal.Address{alice})
		b.rich()
		b.echo(alice)
		b.news(bob)
		if _, err := b.SetByHand(t.Context(), alice, portal.Manual{Availability: portal.Offline}); err != nil {
			t.Fatal(err)
		}
		b.echo(alice)
		b.want("she appears offline", b.news(bob), "alice offline/")
		if p := b.Of(bob, alice); p != policy.HiddenOf(alice) {
			t.Errorf("bob sees %+v", p)
		}
		if as := b.As(alice, portal.FullSight()); as != policy.HiddenOf(alice) {
			t.Errorf("she is told that bob sees %+v", as)
		}
		if p := b.Own(alice); p.Note != "the note" || p.Availability != portal.Offline {
			t.Errorf("her own view %+v", p)
		}
		if _, err := b.SetNote(t.Context(), alice, "another", time.Time{}); err != nil {
			t.Fatal(err)
		}
		b.echo(alice)
		b.want("what she does shows nothing", b.news(bob))
	})
}

// Where the server itself refuses the one from whom somebody hides, they see somebody who is offline as long as their
// line works, and nothing known without it.
func TestRefusedByTheServerToo(t *testing.T) {
	e := &eyes{}
	e.give(alice, bob, portal.Blocked)
	at(t, Options{Sight: known(e.sight)}, func(b *bench) {
		b.signIn(alice, bob, carol)
		b.SetContacts(bob, []portal.Address{alice})
		b.SetContacts(carol, []portal.Address{alice})
		b.news(bob)
		b.news(carol)
		b.Silent(bob, alice)
		b.Silent(carol, alice)
		b.want("refused", b.news(bob), "alice offline/")
		b.want("and who is not blocked", b.news(carol))
		b.sees(carol, alice, portal.Unknown, "")
		b.LineLost(bob)
		b.want("without a line", b.news(bob), "alice unknown/")
	})
}

// That policy lets somebody have no messages is seen of everybody, so that it tells nobody apart.
func TestNoMessagesIsNoTell(t *testing.T) {
	e := &eyes{}
	e.give(alice, bob, portal.Blocked)
	o := Options{Sight: known(e.sight), InForce: func(who portal.Address) portal.InForce {
		return portal.InForce{DisableIM: who == alice || who == absent}
	}}
	at(t, o, func(b *bench) {
		b.signIn(alice, bob)
		b.SetContacts(bob, []portal.Address{alice, absent, carol})
		b.Attach(alice, "tab")
		b.echo(alice)
		for _, of := range []portal.Address{absent, carol} {
			b.Notified(bob, says(of))
		}
		hers, theirs := b.Of(bob, alice), b.Of(bob, absent)
		hers.URI = theirs.URI
		if hers != theirs || !hers.NoIM {
			t.Errorf("bob sees %+v and of who is offline %+v", hers, theirs)
		}
		if p := b.Of(bob, carol); p != policy.HiddenOf(carol) {
			t.Errorf("of somebody with messages %+v", p)
		}
		if as := b.As(alice, portal.Sight{Hidden: true}); !as.Same(b.Of(bob, alice)) {
			t.Errorf("alice is told that bob sees %+v", as)
		}
	})
}
