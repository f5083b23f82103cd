package ews

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"portico/app/portal"
)

// The belfry of one host: which bells are wanted (of mailboxes' calendars and of their voice mail), their subscriptions,
// and the streams they share.
//
// One goroutine (run) owns the bells: it subscribes, a bounded few at a time, assigns them to streams and asks
// those that have none. Each stream has a goroutine of its own (see ring.go). Where the server cannot stream, the bells
// are pulled; where it has no notifications at all they are rung by a timer. Nothing is queued but the set of
// wanted mailboxes itself: a newer set replaces the older one.

// bellServer is what a belfry needs of its server.
type bellServer interface {
	// subscribe makes a subscription to what a bell rings for.
	subscribe(ctx context.Context, at post, pull bool) (subscription, error)
	unsubscribe(ctx context.Context, at post, id string) error
	// stream tells what it hears on the subscriptions until the connection ends; nil: the server closed it in time.
	stream(ctx context.Context, anchor portal.Address, ids []string, minutes int, heard func(word)) error
	// events asks a pull subscription once; the answer is the subscription to ask with the next time.
	events(ctx context.Context, at post, s subscription) (next subscription, rang bool, err error)
	// alone: each mailbox needs a connection of its own, because each is opened with its owner's password.
	alone() bool
	// note tells whose bell hangs or, with an error, cannot.
	note(at post, err error)
	// unhung tells that a mailbox has no bell, without a fault of the server's.
	unhung(at post)
}

// subscription is the server's name for a subscription, and for pulled ones how far it was read.
type subscription struct{ id, watermark string }

// word is one message of a stream: whose subscriptions rang, which are dead. Both may be empty: it lives.
type word struct{ rang, dead []string }

// bellMode is how a host's bells are heard.
type bellMode uint8

const (
	streaming bellMode = iota
	pulling
	polling
)

func (m bellMode) String() string { return [...]string{"streaming", "pull", "timer"}[m] }

// post is what a bell rings for: somebody's calendar, or their voice mail.
type post struct {
	who   portal.Address
	voice bool
}

// before orders posts, calendars first: where there are not places enough they have them.
func (p post) before(o post) int {
	switch {
	case p.voice != o.voice && p.voice:
		return 1
	case p.voice != o.voice:
		return -1
	}
	return strings.Compare(string(p.who), string(o.who))
}

// bell is one wanted post. It belongs to the belfry's goroutine.
type bell struct {
	post
	sub   subscription
	group *group
	tries int
	next  time.Time // when to subscribe, to pull or to ring by the timer
	poll  bool      // this one has no subscription and is rung by the timer
}

// subscribers is how many subscriptions are made, or pulled, at once.
const subscribers = 8

// errNotAsked: the server did not answer others a moment ago.
var errNotAsked = errors.New("the server does not answer")

// errUnsupported: the server does not know the operation.
var errUnsupported = errors.New("the server does not know this operation")

type belfry struct {
	server  bellServer
	times   Bells
	streams int // how many may be open
	rang    func(post)
	jitter  func(time.Duration) time.Duration
	logger  *slog.Logger
	wake    chan struct{}
	mode    bellMode
	bells   map[post]*bell
	groups  []*group
	pause   time.Time // the server does not answer: nothing is tried before
	tries   int

	mu     sync.Mutex
	wanted map[post]bool
	dead   map[string]bool // subscriptions that streams found dead
	// returned: the server was away and is back; suspect: the streams from before may lead nowhere.
	returned, suspect bool
	// noStreams is set by a stream that the server did not understand.
	noStreams error
}

func newBelfry(s bellServer, times Bells, streams int, rang func(post), jitter func(time.Duration) time.Duration, l *slog.Logger) *belfry {
	if streams < 1 {
		streams = 10
	}
	return &belfry{server: s, times: times, streams: streams, rang: rang, jitter: jitter, logger: l, wake: make(chan struct{}, 1),
		bells: map[post]*bell{}, wanted: map[post]bool{}, dead: map[string]bool{}}
}

// watch replaces the set of wanted bells.
func (b *belfry) watch(posts []post) {
	set := make(map[post]bool, len(posts))
	for _, p := range posts {
		set[p] = true
	}
	b.mu.Lock()
	same := maps.Equal(set, b.wanted)
	b.wanted = set
	b.mu.Unlock()
	if !same {
		b.poke()
	}
}

// bury notes that a stream found subscriptions dead.
func (b *belfry) bury(ids []string) {
	if len(ids) == 0 {
		return
	}
	b.mu.Lock()
	for _, id := range ids {
		b.dead[id] = true
	}
	b.mu.Unlock()
	b.poke()
}

// back: the server was away and is back, nobody need wait for it any longer; suspect: what is open may lead nowhere.
func (b *belfry) back(suspect bool) {
	b.mu.Lock()
	b.returned, b.suspect = true, b.suspect || suspect
	b.mu.Unlock()
	b.poke()
}

func (b *belfry) poke() {
	select {
	case b.wake <- struct{}{}:
	default: // it is awake, or will be
	}
}

// run lives until ctx ends and its streams have ended.
func (b *belfry) run(ctx context.Context) {
	var streams sync.WaitGroup
	defer streams.Wait()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-b.wake:
			if !sleep(ctx, b.times.Gather) { // more may come: people sign in together
				return
			}
		case <-timer.C:
		}
		b.settle(ctx)
		b.work(ctx)
		b.assign(ctx, &streams)
		timer.Reset(b.due())
	}
}

// settle brings the bells in line with what is wanted and with what the streams found.
func (b *belfry) settle(ctx context.Context) {
	b.mu.Lock()
	wanted, dead, noStreams, returned, suspect := maps.Clone(b.wanted), b.dead, b.noStreams, b.returned, b.suspect
	b.dead, b.noStreams, b.returned, b.suspect = map[string]bool{}, nil, false, false
	b.mu.Unlock()
	if returned {
		b.resume(suspect)
	}
	if noStreams != nil && b.mode == streaming {
		b.retreat(noStreams)
	}
	free := 0
	for at, bl := range b.bells {
		if !wanted[at] {
			b.drop(ctx, bl)
			free++
			continue
		}
		if bl.sub.id != "" && dead[bl.sub.id] {
			b.logger.Debug("a subscription is dead", "mailbox", at.who)
			bl.leave()
			bl.sub, bl.next = subscription{}, time.Time{}
		}
	}
	for _, bl := range sortedBells(b.bells) {
		if bl.poll && free > 0 { // there may be a place now
			bl.poll, bl.next = false, time.Time{}
			free--
		}
	}
	for at := range wanted {
		if b.bells[at] == nil {
			b.bells[at] = &bell{post: at}
		}
	}
}

// resume ends the pauses that were made for a server that was away, and has suspect streams opened anew.
func (b *belfry) resume(suspect bool) {
	b.pause, b.tries = time.Time{}, 0
	for _, bl := range b.bells {
		if bl.sub.id == "" || b.mode == pulling {
			bl.next = time.Time{}
		}
	}
	for _, g := range b.groups {
		g.again(suspect)
	}
}

// drop ends the watch on a mailbox. A subscription that cannot be ended now ends by itself.
func (b *belfry) drop(ctx context.Context, bl *bell) {
	delete(b.bells, bl.post)
	b.end(ctx, bl)
}

// end ends a bell's subscription, where it has one.
func (b *belfry) end(ctx context.Context, bl *bell) {
	bl.leave()
	b.server.unhung(bl.post)
	id := bl.sub.id
	if bl.sub = (subscription{}); id == "" {
		return
	}
	short, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := b.server.unsubscribe(short, bl.post, id); err != nil {
		b.logger.Debug("a subscription is left to end by itself", "mailbox", bl.who, "error", err)
	}
}

// due is how long the belfry may sleep.
func (b *belfry) due() time.Duration {
	now := time.Now()
	at := now.Add(time.Hour)
	for _, bl := range b.bells {
		if bl.sub.id != "" && b.mode == streaming {
			continue // the stream's goroutine has it
		}
		if bl.next.Before(at) {
			at = bl.next
		}
	}
	if at.Before(b.pause) {
		at = b.pause
	}
	return max(at.Sub(now), 0)
}

// assign gives each subscribed bell a stream, and ends streams that nobody needs.
func (b *belfry) assign(ctx context.Context, streams *sync.WaitGroup) {
	if b.mode != streaming {
		return
	}
	for _, bl := range sortedBells(b.bells) {
		if bl.sub.id == "" || bl.group != nil {
			continue
		}
		g := b.room(bl)
		if g == nil {
			continue // a place becomes free with the next empty stream
		}
		if !g.started {
			g.started = true
			b.groups = append(b.groups, g)
			streams.Go(func() { g.run(ctx) })
		}
		g.join(bl)
	}
	b.groups = slices.DeleteFunc(b.groups, func(g *group) bool { return g.endIfEmpty() })
}

// room is a stream with a place for the bell, nil if there may be no more.
func (b *belfry) room(bl *bell) *group {
	if b.server.alone() {
		for _, g := range b.groups {
			if g.serves(bl.who) {
				return g
			}
		}
		return newGroup(b)
	}
	for _, g := range b.groups {
		if g.size() < b.times.PerStream {
			return g
		}
	}
	if len(b.groups) >= b.streams {
		return nil
	}
	return newGroup(b)
}

func sortedBells(bells map[post]*bell) []*bell {
	return slices.SortedFunc(maps.Values(bells), func(x, y *bell) int { return x.before(y.post) })
}

// leave takes the bell out of its stream.
func (bl *bell) leave() {
	if bl.group != nil {
		bl.group.remove(bl)
		bl.group = nil
	}
}

// sleep waits; false: ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// retryAfter is how long an error asks to wait.
func retryAfter(err error) time.Duration {
	var e *portal.Error
	if errors.As(err, &e) {
		return e.RetryAfter
	}
	return 0
}
