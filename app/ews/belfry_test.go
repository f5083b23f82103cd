package ews

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"portico/app/portal"
)

func TestBellsShareStreamsAndRing(t *testing.T) {
	inTower(t, 10, Bells{}, func(t *testing.T, tower *bellTower, b *belfry, e *ear) {
		people := crowd(450)
		b.watch(calendars(people))
		pass(10 * time.Second)
		if n, ids := tower.open(); n != 3 || ids != 450 {
			t.Fatalf("%d streams with %d subscriptions, want 3 with 450", n, ids)
		}
		if tower.peak > subscribers {
			t.Errorf("%d subscriptions were made at once", tower.peak)
		}
		if got := e.take(); len(got) != 450 {
			t.Errorf("%d of 450 were told to catch up", len(got))
		}
		if !tower.ring(people[333]) {
			t.Fatal("nobody listens")
		}
		synctest.Wait()
		if got := e.take(); len(got) != 1 || got[people[333]] != 1 {
			t.Errorf("rang: %v", got)
		}
	})
}

func TestBellsJoinAndLeave(t *testing.T) {
	inTower(t, 10, Bells{}, func(t *testing.T, tower *bellTower, b *belfry, e *ear) {
		people := crowd(3)
		b.watch(calendars(people[:2]))
		pass(10 * time.Second)
		e.take()
		b.watch(calendars(people))
		pass(10 * time.Second)
		if n, ids := tower.open(); n != 1 || ids != 3 {
			t.Fatalf("%d streams with %d subscriptions", n, ids)
		}
		if got := e.take(); len(got) != 1 || got[people[2]] != 1 {
			t.Errorf("only the new one has to catch up: %v", got)
		}
		b.watch(calendars(people[1:]))
		pass(10 * time.Second)
		if len(tower.subs) != 2 {
			t.Errorf("%d subscriptions are left", len(tower.subs))
		}
		tower.ring(people[0])
		synctest.Wait()
		if got := e.take(); got[people[0]] != 0 {
			t.Errorf("somebody nobody watches rang: %v", got)
		}
		b.watch(nil)
		pass(time.Minute)
		if n, _ := tower.open(); n != 0 || len(tower.subs) != 0 {
			t.Errorf("%d streams and %d subscriptions are left", n, len(tower.subs))
		}
	})
}

// The stream is opened anew before it ends; the old one hears until the new one does, so nobody has to catch up.
func TestBellsRenewWithOverlap(t *testing.T) {
	inTower(t, 10, Bells{Stream: 5 * time.Minute}, func(t *testing.T, tower *bellTower, b *belfry, e *ear) {
		people := crowd(2)
		b.watch(calendars(people))
		pass(10 * time.Second)
		e.take()
		for range 30 {
			pass(time.Minute)
			if n, ids := tower.open(); n != 1 || ids != 2 {
				t.Fatalf("%d streams with %d subscriptions", n, ids)
			}
		}
		if n := len(tower.opened); n < 7 || n > 9 {
			t.Errorf("opened %d times in half an hour of five minutes each", n)
		}
		if got := e.take(); len(got) != 0 {
			t.Errorf("rang without a reason: %v", got)
		}
	})
}

// A connection that breaks is opened anew, and everybody catches up with what was missed.
func TestBellsCatchUpAfterABreak(t *testing.T) {
	inTower(t, 10, Bells{}, func(t *testing.T, tower *bellTower, b *belfry, e *ear) {
		people := crowd(5)
		b.watch(calendars(people))
		pass(10 * time.Second)
		e.take()
		tower.set(func() {
			for s := range tower.streams {
				s.end <- portal.Fail(portal.ErrUnavailable, "exchange.down")
			}
		})
		pass(10 * time.Second)
		if n, _ := tower.open(); n != 1 {
			t.Fatalf("%d streams", n)
		}
		if got := e.take(); len(got) != 5 {
			t.Errorf("%d of 5 were told to catch up", len(got))
		}
	})
}

// A half-open socket says nothing and does not close: it is given up, and everybody catches up.
func TestBellsSilentStreamIsRenewed(t *testing.T) {
	inTower(t, 10, Bells{}, func(t *testing.T, tower *bellTower, b *belfry, e *ear) {
		people := crowd(2)
		b.watch(calendars(people))
		pass(10 * time.Second)
		e.take()
		tower.set(func() { tower.mute = true })
		pass(3 * time.Minute)
		tower.set(func() { tower.mute = false })
		pass(5 * time.Minute)
		if n, _ := tower.open(); n != 1 {
			t.Fatalf("%d streams", n)
		}
		if got := e.take(); len(got) != 2 {
			t.Errorf("who was told to catch up: %v", got)
		}
	})
}

// A subscription that expired (a laptop slept, a server began anew) is made anew; the others of the stream stay.
func TestBellsDeadSubscriptionIsMadeAnew(t *testing.T) {
	inTower(t, 10, Bells{}, func(t *testing.T, tower *bellTower, b *belfry, e *ear) {
		people := crowd(3)
		b.watch(calendars(people))
		pass(10 * time.Second)
		e.take()
		tower.set(func() {
			for id, who := range tower.subs {
				if who.who == people[1] {
					delete(tower.subs, id)
				}
			}
			for s := range tower.streams {
				s.end <- errors.New("closed")
			}
		})
		pass(30 * time.Second)
		if n, ids := tower.open(); n != 1 || ids != 3 {
			t.Fatalf("%d streams with %d subscriptions", n, ids)
		}
		if got := e.take(); len(got) != 3 {
			t.Errorf("who was told to catch up: %v", got)
		}
		tower.ring(people[1])
		synctest.Wait()
		if got := e.take(); got[people[1]] != 1 {
			t.Errorf("the one made anew does not ring: %v", got)
		}
	})
}

// A server that is away is asked ever more rarely, by one at a time, not by a stampede; when it is back all ring.
func TestBellsServerAwayAndBack(t *testing.T) {
	inTower(t, 10, Bells{}, func(t *testing.T, tower *bellTower, b *belfry, e *ear) {
		tower.set(func() { tower.down = portal.Fail(portal.ErrUnavailable, "exchange.down") })
		people := crowd(1000)
		b.watch(calendars(people))
		pass(30 * time.Minute)
		if tower.asked > 25*subscribers {
			t.Errorf("a server that is away was asked %d times in half an hour", tower.asked)
		}
		if len(tower.notes) != 1000 || tower.notes[people[999]] == nil {
			t.Errorf("%d of 1000 were told that the server is away", len(tower.notes))
		}
		tower.set(func() { tower.down = nil })
		pass(5 * time.Minute)
		if n, ids := tower.open(); n != 5 || ids != 1000 {
			t.Fatalf("%d streams with %d subscriptions", n, ids)
		}
		if got := e.take(); len(got) != 1000 {
			t.Errorf("%d of 1000 were told to catch up", len(got))
		}
		for _, p := range people {
			if tower.notes[p] != nil {
				t.Fatalf("%s counts as lost: %v", p, tower.notes[p])
			}
		}
	})
}

// A server asks for patience: it is not asked before.
func TestBellsBusyServerIsLeftAlone(t *testing.T) {
	inTower(t, 10, Bells{}, func(t *testing.T, tower *bellTower, b *belfry, _ *ear) {
		tower.set(func() { tower.down = portal.Fail(portal.ErrUnavailable, "exchange.busy").After(10 * time.Minute) })
		b.watch(calendars(crowd(1)))
		pass(9 * time.Minute)
		if tower.asked != 1 {
			t.Errorf("asked %d times", tower.asked)
		}
		tower.set(func() { tower.down = nil })
		pass(2 * time.Minute)
		if n, _ := tower.open(); n != 1 {
			t.Errorf("%d streams", n)
		}
	})
}

// Somebody's mailbox is gone: the others ring.
func TestBellsOneRefusedDoesNotStopOthers(t *testing.T) {
	inTower(t, 10, Bells{}, func(t *testing.T, tower *bellTower, b *belfry, _ *ear) {
		people := crowd(3)
		tower.set(func() { tower.refuse[people[1]] = portal.Fail(portal.ErrNotFound, "exchange.no-mailbox") })
		b.watch(calendars(people))
		pass(time.Minute)
		if n, ids := tower.open(); n != 1 || ids != 2 {
			t.Fatalf("%d streams with %d subscriptions", n, ids)
		}
		if tower.notes[people[1]] == nil {
			t.Error("nobody was told of the refusal")
		}
		tower.set(func() { delete(tower.refuse, people[1]) })
		pass(5 * time.Minute)
		if n, ids := tower.open(); n != 1 || ids != 3 {
			t.Errorf("%d streams with %d subscriptions", n, ids)
		}
	})
}

func TestBellsPullWhereTheServerCannotStream(t *testing.T) {
	inTower(t, 10, Bells{}, func(t *testing.T, tower *bellTower, b *belfry, e *ear) {
		tower.set(func() { tower.noStream = errUnsupported })
		people := crowd(20)
		b.watch(calendars(people))
		pass(time.Minute)
		if b.mode != pulling || len(tower.subs) != 20 {
			t.Fatalf("%s with %d subscriptions", b.mode, len(tower.subs))
		}
		e.take()
		tower.set(func() {
			for id, who := range tower.subs {
				if who.who == people[7] {
					tower.pulled[id] = true
				}
				if who.who == people[8] {
					delete(tower.subs, id)
				}
			}
		})
		pass(time.Minute)
		if got := e.take(); got[people[7]] != 1 || got[people[8]] != 1 || len(got) != 2 {
			t.Errorf("rang: %v", got)
		}
		if len(tower.subs) != 20 {
			t.Errorf("%d subscriptions", len(tower.subs))
		}
	})
}

// The server takes subscriptions and cannot open the stream.
func TestBellsPullWhereTheStreamIsRefused(t *testing.T) {
	inTower(t, 10, Bells{}, func(t *testing.T, tower *bellTower, b *belfry, _ *ear) {
		tower.set(func() { tower.noOpen = errUnsupported })
		b.watch(calendars(crowd(3)))
		pass(time.Minute)
		if b.mode != pulling {
			t.Errorf("%s", b.mode)
		}
	})
}

func TestBellsTimerWhereThereAreNoNotifications(t *testing.T) {
	inTower(t, 10, Bells{}, func(t *testing.T, tower *bellTower, b *belfry, e *ear) {
		tower.set(func() { tower.noStream, tower.noPull = errUnsupported, errUnsupported })
		people := crowd(4)
		b.watch(calendars(people))
		pass(10 * time.Second)
		e.take()
		pass(10 * time.Minute)
		for _, p := range people {
			if n := e.rang[p]; n < 9 || n > 11 {
				t.Errorf("%s rang %d times in ten minutes", p, n)
			}
		}
	})
}

// More mailboxes than the streams hold: the timer rings the rest, until a place is free.
func TestBellsMoreThanTheStreamsHold(t *testing.T) {
	inTower(t, 2, Bells{PerStream: 3}, func(t *testing.T, tower *bellTower, b *belfry, e *ear) {
		people := crowd(8)
		b.watch(calendars(people))
		pass(time.Minute)
		if n, ids := tower.open(); n != 2 || ids != 6 {
			t.Fatalf("%d streams with %d subscriptions", n, ids)
		}
		e.take()
		pass(5 * time.Minute)
		if got := e.take(); len(got) != 2 {
			t.Errorf("the timer rang %v", got)
		}
		stay := []portal.Address{}
		for _, p := range people {
			if b.bells[post{who: p}].poll || len(stay) < 4 {
				stay = append(stay, p)
			}
		}
		b.watch(calendars(stay))
		pass(5 * time.Minute)
		if _, ids := tower.open(); ids != len(stay) {
			t.Errorf("%d of %d have a stream", ids, len(stay))
		}
	})
}

// With each person's own password each has a stream of their own.
func TestBellsWithOwnPasswordsStandAlone(t *testing.T) {
	inTower(t, 2, Bells{}, func(t *testing.T, tower *bellTower, b *belfry, _ *ear) {
		tower.own = true
		b.watch(calendars(crowd(5)))
		pass(time.Minute)
		if n, ids := tower.open(); n != 5 || ids != 5 {
			t.Errorf("%d streams with %d subscriptions", n, ids)
		}
	})
}

func TestWordOfBellModes(t *testing.T) {
	if got := []string{streaming.String(), pulling.String(), polling.String()}; !slices.Equal(got, []string{"streaming", "pull", "timer"}) {
		t.Errorf("%v", got)
	}
}
