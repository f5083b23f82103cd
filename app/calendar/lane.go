package calendar

import (
	"context"
	"errors"
	"sync"
	"time"

	"portico/app/portal"
)

// lane is one open calendar. Its goroutine alone sends the calendar's intents and reads its changes; what the mutex
// guards is what others may look at and ask for.
type lane struct {
	s   *Service
	key portal.CalendarKey
	// bell wakes the goroutine; one ring stands for any number.
	bell chan struct{}
	// settled is closed when the calendar's first reading in this life has ended, one way or the other.
	settled chan struct{}
	// ended is closed when the lane is closed.
	ended chan struct{}
	// edits makes those go one after the other who compare with what is shown and then store an intent.
	edits turn

	mu sync.Mutex
	// wanted: the server's changes are to be read.
	wanted bool
	// blind: the bell does not work (it is presumed not to until somebody says so).
	blind bool
	users map[portal.Address]struct{}
	// watchers look at the answers in somebody else's calendar.
	watchers map[portal.Address]struct{}
	used     time.Time
	waiters  map[string]chan outcome
	// failures in a row, since when, and why; due is when the next try may be made.
	failures int
	since    time.Time
	why      error
	due      time.Time
	// readAt is when the next reading is due by the clock.
	readAt time.Time
	// rights of a reader who is not the owner, as far as they are known.
	rights     string
	seesHidden bool
	rightsAt   time.Time
	isSettled  bool
	closed     bool
	// busy: intents wait or are under way; stepping: the goroutine is at work.
	busy, stepping bool
	// until is when the first of the intents that fail alone may be tried again, where nothing else is to be sent; zero: there is none.
	until time.Time
	// doubt: the last that was sent failed, and whether the server answers at all is to be seen first.
	doubt bool
	// flying is the intent that is being sent, "" for none.
	flying string
	// held counts those who are about to change the calendar.
	held int
}

// outcome is what became of an intent: the entry as it is now, or why not.
type outcome struct {
	entry *portal.KeptEntry
	err   error
	// pending: the server is away; it goes on later.
	pending bool
}

func newLane(s *Service, key portal.CalendarKey) *lane {
	return &lane{s: s, key: key, bell: make(chan struct{}, 1), settled: make(chan struct{}), ended: make(chan struct{}), edits: make(turn, 1),
		wanted: true, blind: true, users: map[portal.Address]struct{}{}, watchers: map[portal.Address]struct{}{},
		waiters: map[string]chan outcome{}, used: s.o.Now(), rights: RightsReviewer}
}

// turn is a lock that can be waited for with a context.
type turn chan struct{}

func (t turn) take(ctx context.Context) (done func(), err error) {
	select {
	case t <- struct{}{}:
		return func() { <-t }, nil
	case <-ctx.Done():
		return nil, portal.Fail(portal.ErrUnavailable, "unavailable").Because(ctx.Err())
	}
}

func (l *lane) ring() {
	select {
	case l.bell <- struct{}{}:
	default:
	}
}

// ask wants the server's changes read.
func (l *lane) ask() {
	l.mu.Lock()
	l.wanted = true
	l.mu.Unlock()
	l.ring()
}

// urge wants waiting intents sent now, although the lane may be backing off from a server that was away.
func (l *lane) urge() {
	l.mu.Lock()
	if askedToWait(l.why) == 0 {
		l.due = time.Time{}
	}
	l.busy = true
	l.mu.Unlock()
	l.ring()
}

// reached: the bell works. That ends the wait for a server that was away, not one that has to do with this reader or that
// the server asked for.
func (l *lane) reached() {
	l.mu.Lock()
	l.blind, l.wanted = false, true
	if l.why == nil || errors.Is(l.why, portal.ErrUnavailable) && askedToWait(l.why) == 0 {
		l.due = time.Time{}
	}
	l.mu.Unlock()
	l.ring()
}

func (l *lane) lost() {
	l.mu.Lock()
	l.blind, l.wanted, l.readAt = true, true, time.Time{}
	l.mu.Unlock()
	l.ring()
}

func (l *lane) use(user portal.Address) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.used = l.s.o.Now()
	if user != "" && l.s.people.in(user) {
		l.users[user] = struct{}{}
	}
}

func (l *lane) hold(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held += n
}

func (l *lane) unuse(user portal.Address) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.users, user)
	delete(l.watchers, user)
}

func (l *lane) watchedBy(user portal.Address) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.watchers[user] = struct{}{}
}

func (l *lane) watching() []portal.Address {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]portal.Address, 0, len(l.watchers))
	for w := range l.watchers {
		out = append(out, w)
	}
	return out
}

// idleSince is when the lane was last used, and whether nobody has it open and nothing waits in it.
func (l *lane) idleSince() (time.Time, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.used, len(l.users) == 0 && !l.busy && !l.stepping && l.held == 0 && len(l.waiters) == 0
}

// stop closes the lane for good.
func (l *lane) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.closed = true
		close(l.ended)
	}
}

// health is whether the calendar's server can be reached. One failure alone may be a hiccup.
func (l *lane) health() portal.ExchangeEvent {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failures < 2 {
		return portal.ExchangeEvent{State: "up"}
	}
	return portal.ExchangeEvent{State: "down", Since: l.since, Reason: portal.Reason(l.why)}
}

func (l *lane) settle() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.isSettled {
		l.isSettled = true
		close(l.settled)
	}
}

// run is the lane's goroutine: work when the bell rings or something is due, until ctx ends or nobody needs the lane.
func (l *lane) run(ctx, work context.Context) {
	defer l.settle()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.ended:
			return
		case <-l.bell:
		case <-timer.C:
			if l.s.lanes.retire(l) {
				return
			}
		}
		for ctx.Err() == nil && l.step(work) {
		}
		timer.Reset(l.rest())
	}
}

// rest is the time until something is due.
func (l *lane) rest() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.s.o.Now()
	next := l.readAt
	switch {
	case l.wanted || l.busy && l.until.IsZero():
		next = now
	case l.busy && l.until.Before(next):
		next = l.until
	}
	if l.due.After(next) {
		next = l.due
	}
	if end := l.used.Add(l.s.o.Idle); len(l.users) == 0 && !l.busy && end.Before(next) {
		next = end
	}
	return max(next.Sub(now), 10*time.Millisecond)
}

// step does the next thing that is due; false when there is none.
func (l *lane) step(ctx context.Context) bool {
	l.mu.Lock()
	now := l.s.o.Now()
	if l.closed || now.Before(l.due) {
		l.mu.Unlock()
		return false
	}
	l.stepping = true
	read := l.wanted || !now.Before(l.readAt)
	// After something that failed the calendar is read first: that tells whether the server answers at all and what became of a
	// try without an answer, and nobody is kept from seeing what others change. Did the reading fail, it is sending's turn again.
	first := l.doubt || !l.until.IsZero() && !now.Before(l.until)
	l.doubt, l.until = false, time.Time{}
	l.mu.Unlock()
	defer l.stepped()

	again, err := false, error(nil)
	if first {
		again, err = l.read(ctx)
	}
	if err == nil {
		var sent bool
		sent, err = l.send(ctx, first)
		again = again || sent
		l.mu.Lock()
		l.doubt = err != nil
		l.mu.Unlock()
	}
	if err == nil && read && !first { // in turn with sending: a long queue keeps nobody from seeing what others change
		var more bool
		more, err = l.read(ctx)
		again = again || more
	}
	if err != nil {
		l.failed(ctx, err)
		return false
	}
	l.worked(ctx, again)
	return again
}

func (l *lane) stepped() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stepping = false
}

// worked ends a row of failures; more: there is more to do at once.
func (l *lane) worked(ctx context.Context, more bool) {
	l.mu.Lock()
	was := l.failures
	l.failures, l.why, l.due, l.since = 0, nil, time.Time{}, time.Time{}
	l.mu.Unlock()
	if was >= 2 {
		l.s.o.Logger.InfoContext(ctx, "calendar: the server answers again", "calendar", l.key.Owner, "reader", l.key.Reader, "failures", was)
	}
	if was > 0 || !more {
		l.s.tellStatus(ctx, l.key.Reader)
	}
}

// failed plans the next try after the server (or storage) did not do what was asked.
func (l *lane) failed(ctx context.Context, err error) {
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return // the portal ends
	}
	l.mu.Lock()
	now := l.s.o.Now()
	if errors.Is(err, errSettling) {
		l.due = now.Add(min(l.s.o.Settle/8+time.Millisecond, time.Second))
		l.mu.Unlock()
		return
	}
	if l.failures == 0 {
		l.since = now
	}
	l.failures++
	l.why = err
	l.due = now.Add(max(l.s.backoff(l.failures), askedToWait(err)))
	n := l.failures
	var tell []chan outcome
	if n >= 2 { // nobody need wait for a server that is away
		for id, w := range l.waiters {
			tell = append(tell, w)
			delete(l.waiters, id)
		}
	}
	l.mu.Unlock()
	for _, w := range tell {
		w <- outcome{pending: true}
	}
	if n <= 2 && !(l.s.without && portal.Reason(err) == keyNone) { // that there is no Exchange is no news
		l.s.o.Logger.WarnContext(ctx, "calendar: the server did not answer; tried again", "calendar", l.key.Owner, "reader", l.key.Reader, "failures", n, "err", err)
	}
	l.settle()
	l.s.tellStatus(ctx, l.key.Reader)
}

// await registers somebody who waits for an intent's outcome; the channel has room for it.
func (l *lane) await(id string) chan outcome {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := make(chan outcome, 1)
	l.waiters[id] = w
	return w
}

// forget takes a waiter back; false: its outcome is in the channel, or about to be.
func (l *lane) forget(id string, w chan outcome) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.waiters[id] != w {
		return false
	}
	delete(l.waiters, id)
	return true
}

// waited reports whether somebody waits for the intent.
func (l *lane) waited(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.waiters[id] != nil
}

// claim takes the waiter of an intent, who is then told by the caller; nil if nobody waits.
func (l *lane) claim(id string) chan outcome {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.waiters[id]
	delete(l.waiters, id)
	return w
}
