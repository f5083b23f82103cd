package privacy

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"portico/app/policy"
	"portico/app/portal"
)

func TestRulesArePushed(t *testing.T) {
	at(t, Options{Transforms: true}, func(h *house) {
		ctx := t.Context()
		h.store.contact(alice, bob, portal.Team)
		h.store.contact(alice, carol, "")
		must(t, h.Give(ctx, alice, foreign, portal.Blocked))
		synctest.Wait()
		if _, n := h.server.last(alice); n != 0 || h.HasRules(alice) {
			t.Errorf("pushed %d times for somebody who is not signed in", n)
		}
		if got := h.Wire(alice); got != (portal.Sight{}) {
			t.Errorf("without rules is published %+v of somebody who hides", got)
		}
		h.changes()
		h.SignedIn(alice)
		if got := h.changes(); !slices.Equal(got, []portal.Address{alice}) {
			t.Errorf("told of %v", got)
		}
		set, n := h.server.last(alice)
		want := map[portal.Relationship][]portal.Address{portal.Team: {bob}, portal.Company: {carol}, portal.Blocked: {foreign}}
		if n != 1 || fmt.Sprint(set.By) != fmt.Sprint(want) || set.Own != "example.test" || set.Colleagues != portal.Company || set.Others != portal.Public || set.ContactsOnly {
			t.Errorf("pushed %d times, last %+v", n, set)
		}
		for _, r := range relationships {
			if set.Sights[r] != policy.StandardSight(r) {
				t.Errorf("%s is shown %+v", r, set.Sights[r])
			}
		}
		if !h.HasRules(alice) || h.Wire(alice) != wordless() {
			t.Error("with rules on the server not everything is published")
		}
		h.SignedIn(alice)
		h.SignedOut(alice)
		h.SignedIn(alice)
		h.ContactsChanged(alice)
		h.PoliciesChanged()
		synctest.Wait()
		if _, n := h.server.last(alice); n != 1 {
			t.Errorf("the same was pushed %d times", n)
		}
		must(t, h.Save(ctx, alice, portal.Privacy{ContactsOnly: true}))
		synctest.Wait()
		if set, n := h.server.last(alice); n != 2 || !set.ContactsOnly {
			t.Errorf("pushed %d times, last %+v", n, set)
		}
	})
}

func TestWhatIsPublishedWithoutRules(t *testing.T) {
	at(t, Options{}, func(h *house) {
		if got := h.Wire(alice); got != (portal.Sight{}) {
			t.Errorf("of somebody not read yet %+v", got)
		}
		must(t, h.Save(t.Context(), alice, portal.Privacy{Colleagues: portal.Team}))
		if got := h.Wire(alice); got != (portal.Sight{}) {
			t.Errorf("before the server was told %+v", got)
		}
		h.server.answers(portal.Fail(portal.ErrNotFound, "xcap.none"))
		h.SignedIn(alice)
		synctest.Wait()
		h.changes()
		must(t, h.Save(t.Context(), alice, portal.Privacy{Colleagues: portal.Team}))
		if got := h.Wire(alice); got != policy.StandardSight(portal.Team) {
			t.Errorf("where colleagues are a team %+v", got)
		}
		must(t, h.Give(t.Context(), alice, bob, portal.Blocked))
		if got := h.Wire(alice); got != (portal.Sight{}) {
			t.Errorf("where nothing hides them from bob %+v", got)
		}
		must(t, h.TakeBack(t.Context(), alice, bob))
		must(t, h.Save(t.Context(), alice, portal.Privacy{ContactsOnly: true}))
		if got := h.Wire(alice); got != (portal.Sight{}) {
			t.Errorf("of somebody who hides from strangers %+v", got)
		}
	})
}

// A server that is away is tried less and less often, and then has the newest rules, once.
func TestRulesArePushedUntilTheServerHasThem(t *testing.T) {
	at(t, Options{FirstRetry: time.Second, MaxRetry: time.Minute}, func(h *house) {
		h.server.answers(portal.Fail(portal.ErrUnavailable, "line.down"))
		h.SignedIn(alice)
		time.Sleep(30 * time.Minute)
		synctest.Wait()
		tries := len(h.server.tries)
		if tries < 30 || tries > 75 {
			t.Errorf("%d tries in half an hour", tries)
		}
		for i := 6; i < tries; i++ {
			if gap := h.server.tries[i].Sub(h.server.tries[i-1]); gap > time.Minute || gap < 15*time.Second {
				t.Errorf("try %d after %v", i, gap)
			}
		}
		if h.HasRules(alice) {
			t.Error("the server is believed to have what it never took")
		}
		must(t, h.Give(t.Context(), alice, bob, portal.Blocked))
		must(t, h.Give(t.Context(), alice, bob, portal.Team))
		h.server.answers(nil)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		set, n := h.server.last(alice)
		if n != 1 || !slices.Equal(set.By[portal.Team], []portal.Address{bob}) || len(set.By[portal.Blocked]) != 0 {
			t.Errorf("pushed %d times, last %+v", n, set)
		}
	})
}

// What changes while a push is under way is pushed after it.
func TestTheNewestRulesWin(t *testing.T) {
	at(t, Options{}, func(h *house) {
		h.server.slow = time.Second
		h.SignedIn(alice)
		synctest.Wait()
		for i := range 50 {
			must(t, h.Give(t.Context(), alice, bob, []portal.Relationship{portal.Blocked, portal.Team}[i%2]))
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		set, n := h.server.last(alice)
		if n != 2 || !slices.Equal(set.By[portal.Team], []portal.Address{bob}) {
			t.Errorf("pushed %d times, last %+v", n, set)
		}
	})
}

func TestAServerWithoutRules(t *testing.T) {
	at(t, Options{}, func(h *house) {
		h.server.answers(portal.Fail(portal.ErrNotFound, "xcap.none"))
		h.SignedIn(alice)
		time.Sleep(time.Hour)
		synctest.Wait()
		must(t, h.Give(t.Context(), alice, bob, portal.Team))
		synctest.Wait()
		if len(h.server.tries) != 1 || h.HasRules(alice) {
			t.Errorf("%d tries", len(h.server.tries))
		}
		h.server.answers(nil)
		h.SignedIn(alice)
		synctest.Wait()
		if _, n := h.server.last(alice); n != 1 || !h.HasRules(alice) {
			t.Errorf("a server that keeps rules now was told %d times", n)
		}
	})
}

func TestManyPushesAtOnceAreBounded(t *testing.T) {
	at(t, Options{}, func(h *house) {
		h.server.slow = time.Second
		for i := range 100 {
			h.SignedIn(portal.Address(fmt.Sprintf("sip:p%d@example.test", i)))
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if h.server.most > pushWorkers || len(h.server.sets) != 100 {
			t.Errorf("%d at a time, %d told", h.server.most, len(h.server.sets))
		}
		// Whoever is not there any more is not pushed for.
		h.server.answers(portal.Fail(portal.ErrUnavailable, "line.down"))
		must(t, h.Give(t.Context(), "sip:p1@example.test", bob, portal.Team))
		time.Sleep(5 * time.Second)
		h.SignedOut("sip:p1@example.test")
		tries := len(h.server.tries)
		time.Sleep(time.Hour)
		synctest.Wait()
		if len(h.server.tries) > tries {
			t.Errorf("%d tries for somebody who is gone", len(h.server.tries)-tries)
		}
	})
}

func TestPoliciesInTheRules(t *testing.T) {
	forced := portal.InForce{}
	at(t, Options{InForce: func(portal.Address) portal.InForce { return forced }}, func(h *house) {
		h.SignedIn(alice)
		synctest.Wait()
		forced.DisablePresenceNote = true
		h.PoliciesChanged()
		synctest.Wait()
		set, n := h.server.last(alice)
		if n != 2 || set.Sights[portal.Personal].Note {
			t.Errorf("pushed %d times, last %+v", n, set)
		}
		forced.DisableFreeBusyInfo = true
		h.PoliciesChanged(alice, bob)
		synctest.Wait()
		if _, n := h.server.last(alice); n != 3 {
			t.Errorf("pushed %d times", n)
		}
	})
}

func TestWithoutAServer(t *testing.T) {
	s := New(newStore(), nil, Options{})
	must(t, s.Give(t.Context(), alice, bob, portal.Team))
	s.SignedIn(alice)
	if s.HasRules(alice) || len(s.pushes.all) != 0 {
		t.Error("rules are to be pushed to nobody")
	}
}

func TestWhatIsPublishedWhereRulesOnlyHide(t *testing.T) {
	at(t, Options{}, func(h *house) {
		ctx := t.Context()
		h.store.contact(alice, bob, portal.Team)
		must(t, h.Give(ctx, alice, foreign, portal.Blocked))
		h.SignedIn(alice)
		synctest.Wait()
		if !h.HasRules(alice) || h.Wire(alice) != policy.StandardSight(portal.Public) {
			t.Errorf("rules %v, published %+v", h.HasRules(alice), h.Wire(alice))
		}
		must(t, h.Save(ctx, alice, portal.Privacy{Others: portal.Blocked}))
		synctest.Wait()
		if got := h.Wire(alice); got != policy.StandardSight(portal.Company) {
			t.Errorf("with others blocked %+v", got)
		}
		must(t, h.Save(ctx, alice, portal.Privacy{ContactsOnly: true}))
		synctest.Wait()
		if got := h.Wire(alice); got != policy.StandardSight(portal.Team) {
			t.Errorf("to the team alone %+v", got)
		}
		must(t, h.Give(ctx, alice, carol, portal.Public))
		synctest.Wait()
		if got := h.Wire(alice); got != policy.StandardSight(portal.Public) {
			t.Errorf("with somebody of the public %+v", got)
		}
	})
}

// Until the server has the present rules nothing is published that those who are hidden from now may still be sent.
func TestWhatIsPublishedUntilTheServerHasTheRules(t *testing.T) {
	at(t, Options{Transforms: true}, func(h *house) {
		ctx := t.Context()
		h.store.contact(alice, bob, portal.Team)
		h.SignedIn(alice)
		synctest.Wait()
		if got := h.Wire(alice); got != wordless() {
			t.Errorf("with the rules %+v", got)
		}
		h.server.answers(portal.Fail(portal.ErrUnavailable, "line.down"))
		must(t, h.Give(ctx, alice, bob, portal.Blocked))
		synctest.Wait()
		if got := h.Wire(alice); got != (portal.Sight{}) {
			t.Errorf("blocked, and the server does not know: %+v", got)
		}
		h.changes()
		h.server.answers(nil)
		time.Sleep(time.Minute)
		if got := h.changes(); !slices.Equal(got, []portal.Address{alice}) || h.Wire(alice) != wordless() {
			t.Errorf("told of %v, published %+v", got, h.Wire(alice))
		}
		// Taken back before the server heard of it.
		h.server.answers(portal.Fail(portal.ErrUnavailable, "line.down"))
		must(t, h.Give(ctx, alice, bob, portal.Team))
		must(t, h.Give(ctx, alice, bob, portal.Blocked))
		h.server.answers(nil)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if got := h.Wire(alice); got != wordless() {
			t.Errorf("as before: %+v", got)
		}
	})
}

// wordless is everything but what somebody is doing: that goes to nobody where somebody, as people elsewhere do, sees the
// availability alone, since it stands with it in one element.
func wordless() portal.Sight {
	s := portal.FullSight()
	s.Activity = false
	return s
}

func TestWhatSomebodyIsDoingIsPublishedWhereAllMayKnowIt(t *testing.T) {
	at(t, Options{Transforms: true}, func(h *house) {
		h.SignedIn(alice)
		synctest.Wait()
		if h.Wire(alice).Activity {
			t.Error("people elsewhere see the availability alone, and are told what alice is doing")
		}
		must(t, h.Save(t.Context(), alice, portal.Privacy{Others: portal.Company}))
		synctest.Wait()
		if got := h.Wire(alice); got != portal.FullSight() {
			t.Errorf("where all may know it %+v is published", got)
		}
		must(t, h.Give(t.Context(), alice, bob, portal.Public))
		synctest.Wait()
		if h.Wire(alice).Activity {
			t.Error("bob sees the availability alone, and is told what alice is doing")
		}
	})
}

func TestSightOfWaitsForWhatWasDecided(t *testing.T) {
	at(t, Options{Domain: "example.test"}, func(h *house) {
		h.store.contact(alice, bob, portal.Blocked)
		h.store.contact(carol, bob, portal.Team)
		for of, want := range map[portal.Address]portal.Sight{alice: {Hidden: true}, carol: portal.FullSight(),
			dave: policy.StandardSight(portal.Company), foreign: portal.FullSight(), bob: portal.FullSight()} {
			if got, err := h.SightOf(t.Context(), of, bob); err != nil || got != want {
				t.Errorf("bob sees %+v of %s, %v; want %+v", got, of, err, want)
			}
		}
		h.store.set(func() { h.store.away = true })
		if got, err := h.SightOf(t.Context(), "sip:new@example.test", bob); portal.Meaning(err) != portal.ErrUnavailable || !got.Hidden {
			t.Errorf("of somebody who cannot be read: %+v, %v", got, err)
		}
		if got, err := h.SightOf(t.Context(), carol, bob); err != nil || got != portal.FullSight() {
			t.Errorf("of somebody read before: %+v, %v", got, err)
		}
	})
}

// What the server did not answer to it may have taken: what was decided before is told it anew, not believed to be there.
func TestADecisionTakenBackAfterALostAnswerIsTold(t *testing.T) {
	at(t, Options{FirstRetry: time.Second, MaxRetry: time.Minute}, func(h *house) {
		h.SignedIn(alice)
		synctest.Wait()
		if got := h.OnServer(alice); got != (portal.ServerRules{Kept: true, Current: true}) {
			t.Errorf("with the rules it stands %+v", got)
		}
		h.server.loses(true)
		must(t, h.Give(t.Context(), alice, bob, portal.Blocked))
		synctest.Wait()
		if got := h.OnServer(alice); got.Current || got.Misses != 1 || got.At.IsZero() {
			t.Errorf("with a lost answer it stands %+v", got)
		}
		if set, _ := h.server.last(alice); len(set.By[portal.Blocked]) != 1 {
			t.Fatalf("the server took %+v", set)
		}
		h.SignedOut(alice)
		must(t, h.TakeBack(t.Context(), alice, bob))
		time.Sleep(time.Hour)
		if got := h.OnServer(alice); got.Current {
			t.Errorf("signed out it stands %+v", got)
		}
		h.server.loses(false)
		h.SignedIn(alice)
		synctest.Wait()
		if set, _ := h.server.last(alice); len(set.By[portal.Blocked]) != 0 {
			t.Errorf("bob stays blocked at the server: %+v", set)
		}
		if got := h.OnServer(alice); got != (portal.ServerRules{Kept: true, Current: true}) {
			t.Errorf("in the end it stands %+v", got)
		}
	})
}

func TestHowTheServerStands(t *testing.T) {
	at(t, Options{}, func(h *house) {
		if got := h.OnServer(alice); got != (portal.ServerRules{Kept: true}) {
			t.Errorf("of somebody nobody knows %+v", got)
		}
		h.server.answers(portal.Fail(portal.ErrNotFound, "xcap.none"))
		h.SignedIn(alice)
		synctest.Wait()
		if got := h.OnServer(alice); got != (portal.ServerRules{}) {
			t.Errorf("of a server without rules %+v", got)
		}
	})
	if got := New(newStore(), nil, Options{}).OnServer(alice); got != (portal.ServerRules{}) {
		t.Errorf("without a server %+v", got)
	}
}

// Each try that came to nothing is a warning with whose rules and why, and the first that works after it says how many there were; what
// worked at once says nothing.
func TestWhatTheServerDoesNotTakeIsLogged(t *testing.T) {
	for name, answer := range map[string]error{
		"away":    portal.Fail(portal.ErrUnavailable, "line.down").Because(errors.New("connection refused")),
		"refused": fmt.Errorf("xcap: %w: 403", portal.ErrForbidden),
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			at(t, Options{FirstRetry: time.Second, MaxRetry: time.Minute, Logger: slog.New(slog.NewTextHandler(&log, nil))}, func(h *house) {
				h.SignedIn(alice)
				synctest.Wait()
				if log.Len() != 0 {
					t.Errorf("what worked says %s", log.String())
				}
				h.server.answers(answer)
				must(t, h.Give(t.Context(), alice, bob, portal.Team))
				time.Sleep(5 * time.Minute)
				synctest.Wait()
				misses := h.OnServer(alice).Misses
				h.server.answers(nil)
				time.Sleep(2 * time.Minute)
				synctest.Wait()
				lines := strings.Split(strings.TrimSpace(log.String()), "\n")
				if misses < 3 || len(lines) != misses+1 {
					t.Fatalf("%d misses: %s", misses, log.String())
				}
				for _, line := range lines[:misses] {
					if !strings.Contains(line, "level=WARN") || !strings.Contains(line, "owner="+string(alice)) || !strings.Contains(line, answer.Error()) {
						t.Errorf("a miss says %s", line)
					}
				}
				if last := lines[misses]; !strings.Contains(last, "level=INFO") || !strings.Contains(last, "owner="+string(alice)) || !strings.Contains(last, fmt.Sprintf("missed=%d", misses)) {
					t.Errorf("the end says %s", last)
				}
				if set, _ := h.server.last(alice); !slices.Equal(set.By[portal.Team], []portal.Address{bob}) || !h.OnServer(alice).Current {
					t.Errorf("the server has %+v", set)
				}
			})
		})
	}
}
