package presence

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"portico/app/policy"
	"portico/app/portal"
)

// office is what an administrator decided in a test, and changes.
type office struct {
	mu     sync.Mutex
	forced portal.InForce
	states []portal.CustomState
}

func (o *office) inForce(portal.Address) portal.InForce {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.forced
}

func (o *office) custom(portal.Address) []portal.CustomState {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.states
}

func (o *office) decide(f func(*office)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	f(o)
}

func (o *office) options() Options { return Options{InForce: o.inForce, States: o.custom} }

func newOffice() *office { return &office{forced: portal.InForce{EnableAppearOffline: true}} }

func wantReason(t *testing.T, what string, err, meaning error, reason string) {
	t.Helper()
	if !errors.Is(err, meaning) || portal.Reason(err) != reason {
		t.Errorf("%s: %v, want %v %s", what, err, meaning, reason)
	}
}

func TestCustomStatesAreThoseThereAre(t *testing.T) {
	home := portal.NewStateTexts(map[int]string{1033: "Working from home", 1031: "Arbeitet zu Hause"})
	o := newOffice()
	o.states = []portal.CustomState{{ID: 1, Availability: portal.Busy, Texts: home}}
	at(t, o.options(), func(b *bench) {
		b.signIn(alice, bob)
		b.SetContacts(bob, []portal.Address{alice})
		b.Attach(alice, "tab")
		b.Active(alice, "tab")
		b.orders()
		_, err := b.SetByHand(t.Context(), alice, portal.Manual{Availability: portal.Busy, Activity: "custom-2"})
		wantReason(t, "a state there is not", err, portal.ErrInvalid, "presence.custom")
		p, err := b.SetByHand(t.Context(), alice, portal.Manual{Availability: portal.Available, Activity: "custom-1"})
		if err != nil || p.Availability != portal.Busy || p.Custom != home {
			t.Errorf("set %+v, %v", p, err)
		}
		b.want("with the state's own availability", b.orders(), "alice busy/custom-1")
		b.echo(alice)
		if p := b.Of(bob, alice); p.Custom != home || p.Activity != "custom-1" {
			t.Errorf("bob sees %+v", p)
		}
		o.decide(func(o *office) { o.states[0].Availability = portal.DoNotDisturb })
		b.PoliciesChanged(alice)
		b.want("a state that changes", b.orders(), "alice do-not-disturb/custom-1")
		o.decide(func(o *office) { o.states = nil })
		b.PoliciesChanged()
		b.want("a state that goes", b.orders(), "alice busy/")
		if p := b.Own(alice); p.Custom != "" {
			t.Errorf("own %+v", p)
		}
	})
}

func TestAppearingOfflineByPolicy(t *testing.T) {
	o := newOffice()
	at(t, o.options(), func(b *bench) {
		b.signIn(alice)
		b.Attach(alice, "tab")
		b.Active(alice, "tab")
		b.orders()
		if _, err := b.SetByHand(t.Context(), alice, portal.Manual{Availability: portal.Offline}); err != nil {
			t.Fatal(err)
		}
		b.want("allowed", b.orders(), "alice offline/")
		o.decide(func(o *office) { o.forced.EnableAppearOffline = false })
		b.PoliciesChanged(alice)
		b.want("a kept one does not hold", b.orders(), "alice available/")
		_, err := b.SetByHand(t.Context(), alice, portal.Manual{Availability: portal.Offline})
		wantReason(t, "not allowed", err, portal.ErrForbidden, "presence.appear-offline")
		o.decide(func(o *office) { o.forced.EnableAppearOffline = true })
		b.PoliciesChanged(alice)
		b.want("allowed again, it holds again", b.orders(), "alice offline/")
	})
}

func TestPoliciesOnWhatIsSaid(t *testing.T) {
	o := newOffice()
	at(t, o.options(), func(b *bench) {
		b.signIn(alice, bob)
		b.SetContacts(bob, []portal.Address{alice})
		b.rich()
		b.echo(alice)
		b.news(bob)
		b.orders()
		decide := func(f portal.InForce) portal.Presence {
			f.EnableAppearOffline = true
			o.decide(func(o *office) { o.forced = f })
			b.PoliciesChanged()
			b.echo(alice)
			return b.Own(alice)
		}
		if p := decide(portal.InForce{DisableCalendarPresence: true}); p.Availability != portal.Available || p.Agenda.Known || p.OutOfOffice != "" || p.Meeting != "" || p.Note == "" {
			t.Errorf("without the calendar %+v", p)
		}
		b.want("bob is told", b.news(bob), "alice busy/in-a-meeting", "alice available/")
		if p := decide(portal.InForce{DisablePresenceNote: true}); p.Note != "" || p.Meeting == "" {
			t.Errorf("without a note %+v", p)
		}
		_, err := b.SetNote(t.Context(), alice, "another", time.Time{})
		wantReason(t, "a note", err, portal.ErrForbidden, "presence.note-disabled")
		note := "a third"
		_, err = b.SetByHand(t.Context(), alice, portal.Manual{Availability: portal.Busy, Note: &note})
		wantReason(t, "a note with a state", err, portal.ErrForbidden, "presence.note-disabled")
		if p := decide(portal.InForce{DisableMeetingSubjectAndLocation: true}); p.Meeting != "the subject" || b.Of(bob, alice).Meeting != "" {
			t.Errorf("own %+v, bob sees %+v", p, b.Of(bob, alice))
		}
		if p := decide(portal.InForce{DisableIM: true}); !p.NoIM || !b.Of(bob, alice).NoIM {
			t.Errorf("own %+v, bob sees %+v", p, b.Of(bob, alice))
		}
		b.wire.mu.Lock()
		published := *b.wire.published[alice]
		b.wire.mu.Unlock()
		if !published.NoIM {
			t.Errorf("published %+v", published)
		}
		if p := decide(portal.InForce{}); p.NoIM || p.Note != "the note" || b.Of(bob, alice).Meeting != "the subject" {
			t.Errorf("without policies %+v", p)
		}
	})
}

func TestNotesEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem := newMemory()
		newBench(t, mem, Options{}, func(b *bench) {
			b.signIn(alice)
			b.Attach(alice, "tab")
			b.Active(alice, "tab")
			until := time.Now().Add(time.Hour)
			if p, err := b.SetNote(t.Context(), alice, "at lunch", until); err != nil || p.Note != "at lunch" {
				t.Errorf("set %+v, %v", p, err)
			}
			if n := b.Note(alice); n.Text != "at lunch" || !n.Until.Equal(until) {
				t.Errorf("kept %+v", n)
			}
			_, err := b.SetNote(t.Context(), alice, "x", time.Now())
			wantReason(t, "an end that is over", err, portal.ErrInvalid, "presence.note-until")
			b.orders()
			time.Sleep(time.Hour + time.Second)
			b.want("its end is told", b.orders(), "alice available/")
			if p := b.Own(alice); p.Note != "" || b.Note(alice) != (portal.PersonalNote{}) {
				t.Errorf("after the end %+v", p)
			}
			text := "back at two"
			m := portal.Manual{Availability: portal.Away, Note: &text, NoteUntil: time.Now().Add(time.Minute)}
			if p, err := b.SetByHand(t.Context(), alice, m); err != nil || p.Note != text {
				t.Errorf("by hand %+v, %v", p, err)
			}
			time.Sleep(2 * time.Minute)
			if p := b.Own(alice); p.Note != "" || p.Availability != portal.Away {
				t.Errorf("the note ends, the state does not: %+v", p)
			}
			if _, err := b.SetNote(t.Context(), alice, "until tonight", time.Now().Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
		})
		time.Sleep(2 * time.Hour)
		newBench(t, mem, Options{}, func(b *bench) {
			b.signIn(alice)
			b.Attach(alice, "tab")
			if p := b.Own(alice); p.Note != "" {
				t.Errorf("a note that ended while the portal was down: %+v", p)
			}
		})
	})
}

func TestWhereaboutsAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem := newMemory()
		newBench(t, mem, Options{}, func(b *bench) {
			b.signIn(alice)
			b.Attach(alice, "tab")
			p, err := b.SetWhereabouts(t.Context(), alice, portal.Whereabouts{Location: " Lab\n2 ", TimeZone: "Europe/Vienna"})
			if err != nil || p.Location != "Lab 2" || p.TimeZone != "Europe/Vienna" {
				t.Errorf("set %+v, %v", p, err)
			}
			for _, zone := range []string{"Europe/Atlantis", "Local", "../etc/passwd", "/etc/localtime"} {
				_, err := b.SetWhereabouts(t.Context(), alice, portal.Whereabouts{TimeZone: zone})
				wantReason(t, zone, err, portal.ErrInvalid, "presence.time-zone")
			}
			_, err = b.SetWhereabouts(t.Context(), alice, portal.Whereabouts{Location: strings.Repeat("x", portal.MaxLocationLen+1)})
			wantReason(t, "too long", err, portal.ErrInvalid, "presence.location")
			b.mem.away = true
			_, err = b.SetWhereabouts(t.Context(), alice, portal.Whereabouts{})
			wantReason(t, "memory away", err, portal.ErrUnavailable, "storage.away")
			b.mem.away = false
		})
		newBench(t, mem, Options{}, func(b *bench) {
			if w := b.Whereabouts(alice); w != (portal.Whereabouts{}) {
				t.Errorf("not read yet, and known: %+v", w)
			}
			b.signIn(alice)
			b.Attach(alice, "tab")
			if w := b.Whereabouts(alice); w.Location != "Lab 2" || b.Own(alice).TimeZone != "Europe/Vienna" {
				t.Errorf("after a restart %+v", w)
			}
			b.orders()
			if p, err := b.SetWhereabouts(t.Context(), alice, portal.Whereabouts{}); err != nil || p.Location != "" || p.TimeZone != "" {
				t.Errorf("taken back %+v, %v", p, err)
			}
			b.want("and published", b.orders(), "alice available/")
		})
	})
}

// The endpoint that was chosen counts alone while it is there; no other takes its place, and it has it again when it is back.
func TestTheChosenProvider(t *testing.T) {
	linphone := func(a portal.Availability) portal.Claim {
		return portal.Claim{Endpoint: "t1", Label: "Linphone", Availability: a, Source: portal.SourceActivity, Note: "phone"}
	}
	desk := portal.Claim{Endpoint: "t2", Label: "Desk", Availability: portal.DoNotDisturb, Source: portal.SourceActivity}
	at(t, Options{}, func(b *bench) {
		b.signIn(alice, bob)
		b.SetContacts(bob, []portal.Address{alice})
		b.Attach(alice, "tab")
		b.Active(alice, "tab")
		b.echo(alice, linphone(portal.Away), desk)
		b.orders()
		b.news(bob)
		names := func() (names []string) {
			for _, p := range b.Places(alice) {
				name := p.Provider
				if p.Counts {
					name += "!"
				}
				names = append(names, name+" "+string(p.Availability))
			}
			return names
		}
		b.want("the places", names(), "portal available", "Linphone away", "Desk do-not-disturb")
		b.choose(alice, "Linphone")
		b.want("the portal says what the telephone says", b.orders(), "alice away/")
		b.want("the places", names(), "portal away", "Linphone! away", "Desk do-not-disturb")
		b.echo(alice, linphone(portal.Away), desk)
		b.want("others see it", b.news(bob), "alice away/")
		if p := b.Own(alice); p.Availability != portal.Away || p.Provider != "Linphone" {
			t.Errorf("own %+v", p)
		}
		if p := b.Of(bob, alice); p.Provider != "" {
			t.Errorf("others see the choice: %+v", p)
		}
		b.echo(alice, linphone(portal.Busy), desk)
		b.want("it goes with the telephone", b.orders(), "alice busy/")
		b.echo(alice, desk)
		b.want("the telephone is gone", b.orders(), "alice available/")
		b.echo(alice, desk)
		if p := b.Own(alice); p.Availability != portal.DoNotDisturb || p.Provider != "Linphone" {
			t.Errorf("all count, and the choice stands: %+v", p)
		}
		b.echo(alice, linphone(portal.BeRightBack), desk)
		b.want("it is back", b.orders(), "alice be-right-back/")
		b.choose(alice, policy.PortalProvider)
		b.choose(alice, policy.PortalProvider)
		b.echo(alice, linphone(portal.Away), desk)
		b.want("the portal alone", b.orders(), "alice available/")
		if p := b.Own(alice); p.Availability != portal.Available {
			t.Errorf("own %+v", p)
		}
		b.sees(bob, alice, portal.Available, "")
		b.LineLost(alice)
		b.want("nothing is heard of the others", names(), "portal! available")
		b.choose(carol, "x") // nobody of that name is here
		if places := b.Places(carol); places != nil {
			t.Errorf("places of nobody: %v", places)
		}
	})
}

func TestTheProviderIsKnownAfterARestart(t *testing.T) {
	var asked []portal.Address
	o := Options{Provider: func(_ context.Context, who portal.Address) (string, error) {
		asked = append(asked, who)
		if len(asked) == 1 {
			return "", portal.Fail(portal.ErrUnavailable, "storage.away")
		}
		return "portal", nil
	}}
	at(t, o, func(b *bench) {
		if err := b.SignedIn(t.Context(), alice); !errors.Is(err, portal.ErrUnavailable) {
			t.Errorf("signed in: %v", err)
		}
		b.Attach(alice, "tab")
		b.want("nothing is guessed", b.orders())
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if p := b.Own(alice); p.Provider != "portal" || !slices.Equal(asked, []portal.Address{alice, alice}) {
			t.Errorf("own %+v, asked %v", p, asked)
		}
		b.echo(alice, phone(portal.DoNotDisturb))
		b.sees(alice, alice, portal.Available, "")
	})
}

// Whoever wants to be told of somebody is told once, each time they become available, and not when it only becomes known.
func TestTagged(t *testing.T) {
	o := Options{Tagged: func(owner portal.Address) []portal.Address {
		if owner == alice {
			return []portal.Address{bob}
		}
		return nil
	}}
	at(t, o, func(b *bench) {
		b.signIn(alice, dave)
		for _, who := range []portal.Address{alice, dave} {
			b.SetContacts(who, []portal.Address{bob, carol})
		}
		tagged := func() []string {
			synctest.Wait()
			b.mu.Lock()
			defer b.mu.Unlock()
			all := b.tagged
			b.tagged = nil
			return all
		}
		report := func(a portal.Availability) {
			for _, watcher := range []portal.Address{alice, dave} {
				for _, of := range []portal.Address{bob, carol} {
					b.Notified(watcher, says(of, phone(a)))
				}
			}
		}
		report(portal.Available)
		b.want("known for the first time", tagged())
		report(portal.Busy)
		b.want("busy", tagged())
		report(portal.Available)
		b.want("available", tagged(), "alice: bob available")
		report(portal.Available)
		b.LineLost(alice)
		report(portal.Available)
		b.want("known again", tagged())
		report(portal.Away)
		b.want("away", tagged())
		b.LineLost(alice)
		synctest.Wait()
		report(portal.Available)
		b.want("came while nothing was known", tagged(), "alice: bob available")
	})
}

// choose chooses without a word to anybody who keeps it.
func (b *bench) choose(who portal.Address, provider string) {
	b.t.Helper()
	if err := b.Choose(b.t.Context(), who, provider, func(context.Context) error { return nil }); err != nil {
		b.t.Fatal(err)
	}
}

// chosen is the choice that holds.
func (b *bench) chosen(who portal.Address) string {
	b.Service.mu.Lock()
	defer b.Service.mu.Unlock()
	return b.people[who].provider
}

// Of two choices at once the one that is kept last holds, and one that is not kept does not.
func TestTheChoiceThatHoldsIsTheOneKept(t *testing.T) {
	at(t, Options{}, func(b *bench) {
		b.signIn(alice)
		refused := portal.Fail(portal.ErrInvalid, "places.provider")
		if err := b.Choose(t.Context(), alice, "x", func(context.Context) error { return refused }); portal.Reason(err) != "places.provider" {
			t.Errorf("refused: %v", err)
		}
		if holds := b.chosen(alice); holds != "" {
			t.Errorf("what was refused holds: %q", holds)
		}
		for round := range 200 {
			var kept string
			var group sync.WaitGroup
			for _, provider := range []string{"a", "b", "c"} {
				group.Go(func() {
					err := b.Choose(t.Context(), alice, provider, func(context.Context) error {
						kept = provider
						runtime.Gosched()
						return nil
					})
					if err != nil {
						t.Error(err)
					}
				})
			}
			group.Wait()
			if holds := b.chosen(alice); holds != kept {
				t.Fatalf("round %d: %q holds, %q is kept", round, holds, kept)
			}
		}
	})
}
