package ews

// What the tests of bells stand on: a server of bells in the time of the test alone.

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
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
