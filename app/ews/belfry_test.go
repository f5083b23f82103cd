package ews

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"portico/app/portal"
)

// bellTower is a server of bells whose streams the test rings, silences and breaks, in the time of the test alone.
type bellTower struct {
	mu       sync.Mutex
	next     int
	subs     map[string]post
	streams  map[*openStream]bool
	opened   [][]string
	down     error
	refuse   map[portal.Address]error
	noStream error
	noPull   error
	noOpen   error
	mute     bool
	own      bool
	pulled   map[string]bool
	asked    int
	peak     int
	now      int
	notes    map[portal.Address]error
}

type openStream struct {
	ids   []string
	heard func(word)
	end   chan error
}

func newTower() *bellTower {
	return &bellTower{subs: map[string]post{}, streams: map[*openStream]bool{}, refuse: map[portal.Address]error{},
		pulled: map[string]bool{}, notes: map[portal.Address]error{}}
}

func (b *bellTower) alone() bool { return b.own }

func (b *bellTower) note(at post, err error) {
	who := at.who
	b.mu.Lock()
	defer b.mu.Unlock()
	b.notes[who] = err
}

func (b *bellTower) unhung(post) {}

func (b *bellTower) subscribe(ctx context.Context, at post, pull bool) (subscription, error) {
	who := at.who
	b.mu.Lock()
	b.now++
	b.peak = max(b.peak, b.now)
	b.mu.Unlock()
	time.Sleep(10 * time.Millisecond) // in the bubble's time
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now--
	b.asked++
	switch {
	case b.down != nil:
		return subscription{}, b.down
	case b.refuse[who] != nil:
		return subscription{}, b.refuse[who]
	case !pull && b.noStream != nil:
		return subscription{}, b.noStream
	case pull && b.noPull != nil:
		return subscription{}, b.noPull
	}
	b.next++
	id := fmt.Sprintf("s%d", b.next)
	b.subs[id] = at
	return subscription{id, "w"}, nil
}

func (b *bellTower) unsubscribe(_ context.Context, _ post, id string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.subs, id)
	return nil
}

func (b *bellTower) stream(ctx context.Context, _ portal.Address, ids []string, minutes int, heard func(word)) error {
	s := &openStream{ids: ids, heard: heard, end: make(chan error, 1)}
	b.mu.Lock()
	if err := b.noOpen; err != nil || b.down != nil {
		b.mu.Unlock()
		return errors.Join(err, b.down)
	}
	var dead []string
	for _, id := range ids {
		if _, ok := b.subs[id]; !ok {
			dead = append(dead, id)
		}
	}
	mute := b.mute
	if len(dead) == 0 {
		b.streams[s] = true
		b.opened = append(b.opened, ids)
	}
	b.mu.Unlock()
	if len(dead) > 0 {
		heard(word{dead: dead})
		return errors.New("dead subscriptions")
	}
	defer func() {
		b.mu.Lock()
		delete(b.streams, s)
		b.mu.Unlock()
	}()
	alive := time.NewTicker(45 * time.Second)
	defer alive.Stop()
	closes := time.NewTimer(time.Duration(minutes) * time.Minute)
	defer closes.Stop()
	if !mute {
		heard(word{})
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-s.end:
			return err
		case <-closes.C:
			return nil
		case <-alive.C:
			b.mu.Lock()
			mute := b.mute
			b.mu.Unlock()
			if !mute {
				heard(word{})
			}
		}
	}
}

func (b *bellTower) events(_ context.Context, _ post, s subscription) (subscription, bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := b.subs[s.id]; !ok {
		return s, false, portal.Fail(portal.ErrNotFound, "x")
	}
	rang := b.pulled[s.id]
	delete(b.pulled, s.id)
	return s, rang, nil
}

// ring rings the bell of one person on the stream that has it.
func (b *bellTower) ring(who portal.Address) bool { return b.ringAt(post{who: who}) }

func (b *bellTower) ringAt(at post) bool {
	b.mu.Lock()
	var on *openStream
	var id string
	for s := range b.streams {
		for _, i := range s.ids {
			if b.subs[i] == at {
				on, id = s, i
			}
		}
	}
	b.mu.Unlock()
	if on == nil {
		return false
	}
	on.heard(word{rang: []string{id}})
	return true
}

func (b *bellTower) set(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f()
}

func (b *bellTower) open() (n, ids int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for s := range b.streams {
		for _, id := range s.ids {
			if _, ok := b.subs[id]; ok { // a stream keeps ended subscriptions until it is opened anew
				ids++
			}
		}
	}
	return len(b.streams), ids
}

// ear counts the rings.
type ear struct {
	mu   sync.Mutex
	rang map[portal.Address]int
}

func (e *ear) hear(at post) {
	who := at.who
	e.mu.Lock()
	defer e.mu.Unlock()
	e.rang[who]++
}

// take gives the rings since the last time.
func (e *ear) take() map[portal.Address]int {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := e.rang
	e.rang = map[portal.Address]int{}
	return out
}

func crowd(n int) []portal.Address {
	out := make([]portal.Address, n)
	for i := range out {
		out[i] = portal.Address(fmt.Sprintf("sip:p%04d@example.test", i))
	}
	return out
}

// calendars are the bells of people's calendars.
func calendars(people []portal.Address) []post {
	out := make([]post, len(people))
	for i, who := range people {
		out[i] = post{who: who}
	}
	return out
}

// inTower runs a belfry in a bubble of its own time.
func inTower(t *testing.T, streams int, times Bells, test func(t *testing.T, tower *bellTower, b *belfry, e *ear)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		tower, e := newTower(), &ear{rang: map[portal.Address]int{}}
		b := newBelfry(tower, times.withDefaults(), streams, e.hear, func(d time.Duration) time.Duration { return d }, slog.New(slog.DiscardHandler))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { b.run(ctx); close(done) }()
		test(t, tower, b, e)
		cancel()
		<-done
	})
}

// pass lets time go by until all are waiting again.
func pass(d time.Duration) {
	time.Sleep(d) // in the bubble's time
	synctest.Wait()
}

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

// voices are the bells of people's voice mail.
func voices(people []portal.Address) []post {
	out := calendars(people)
	for i := range out {
		out[i].voice = true
	}
	return out
}

// Calendars and voice mail share streams; each rings for itself.
func TestBellsOfVoiceMailShareStreams(t *testing.T) {
	inTower(t, 10, Bells{}, func(t *testing.T, tower *bellTower, b *belfry, _ *ear) {
		var rang []post
		b.rang = func(at post) { rang = append(rang, at) }
		people := crowd(80)
		b.watch(append(calendars(people), voices(people)...))
		pass(time.Minute)
		if n, ids := tower.open(); n != 1 || ids != 160 {
			t.Fatalf("%d streams with %d subscriptions", n, ids)
		}
		for _, at := range []post{{people[3], true}, {people[3], false}} {
			rang = nil
			if !tower.ringAt(at) {
				t.Fatalf("%v is on no stream", at)
			}
			pass(time.Second)
			if !slices.Equal(rang, []post{at}) {
				t.Errorf("%v rang %v", at, rang)
			}
		}
		b.watch(calendars(people))
		pass(time.Minute)
		if _, ids := tower.open(); ids != 80 {
			t.Errorf("%d subscriptions when nobody listens for voice mail", ids)
		}
	})
}

// Where there are not places enough calendars have them; voice mail yields one that it has, and takes it again when it is free.
func TestBellsOfVoiceMailYield(t *testing.T) {
	inTower(t, 2, Bells{PerStream: 3}, func(t *testing.T, tower *bellTower, b *belfry, _ *ear) {
		subscribed := func() (books, mails int) {
			tower.set(func() {
				for _, at := range tower.subs {
					if at.voice {
						mails++
					} else {
						books++
					}
				}
			})
			return books, mails
		}
		people := crowd(6)
		b.watch(append(calendars(people[:3]), voices(people)...))
		pass(time.Minute)
		if books, mails := subscribed(); books != 3 || mails != 3 {
			t.Fatalf("%d calendars and %d voice mail", books, mails)
		}
		b.watch(append(calendars(people), voices(people)...))
		pass(time.Minute)
		if books, mails := subscribed(); books != 6 || mails != 0 {
			t.Errorf("%d calendars and %d voice mail after more calendars came", books, mails)
		}
		b.watch(append(calendars(people[:2]), voices(people)...))
		pass(5 * time.Minute)
		if books, mails := subscribed(); books != 2 || mails != 4 {
			t.Errorf("%d calendars and %d voice mail after calendars went", books, mails)
		}
	})
}

// With each person's own password their calendar and their voice mail are on one stream.
func TestBellsOfOnePersonShareTheirStream(t *testing.T) {
	inTower(t, 2, Bells{}, func(t *testing.T, tower *bellTower, b *belfry, _ *ear) {
		tower.own = true
		b.watch(append(calendars(crowd(5)), voices(crowd(6))...))
		pass(time.Minute)
		if n, ids := tower.open(); n != 6 || ids != 11 {
			t.Errorf("%d streams with %d subscriptions", n, ids)
		}
	})
}

func TestWordOfBellModes(t *testing.T) {
	if got := []string{streaming.String(), pulling.String(), polling.String()}; !slices.Equal(got, []string{"streaming", "pull", "timer"}) {
		t.Errorf("%v", got)
	}
}
