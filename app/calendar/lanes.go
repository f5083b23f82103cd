package calendar

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"portico/app/portal"
)

// lookedAt is how long a calendar of somebody else counts as in use after a look at it, where room is needed.
const lookedAt = 5 * time.Minute

// lanes owns the open calendars: who has them open, when they close, whose bells are wanted.
type lanes struct {
	s *Service
	// bells wakes the goroutine that tells the server whose bells are wanted.
	bells chan struct{}
	wg    sync.WaitGroup

	mu   sync.Mutex
	open map[portal.CalendarKey]*lane
	// heard are the mailboxes whose bell works.
	heard map[portal.Address]bool
	// run and work are the contexts of lanes and of their calls, nil while the service does not run: work outlives run by
	// Options.Drain, so that an answer under way is not thrown away.
	runs, work context.Context
}

func newLanes(s *Service) *lanes {
	return &lanes{s: s, open: map[portal.CalendarKey]*lane{}, heard: map[portal.Address]bool{}, bells: make(chan struct{}, 1)}
}

// find gives an open lane, nil if there is none.
func (ls *lanes) find(key portal.CalendarKey) *lane {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	return ls.open[key]
}

// of gives the open lanes of a mailbox.
func (ls *lanes) of(owner portal.Address) []*lane {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	var out []*lane
	for key, l := range ls.open {
		if key.Owner == owner {
			out = append(out, l)
		}
	}
	return out
}

// get opens a calendar, or finds it open, for user ("" for nobody in particular). ErrTooMany where too many are open.
func (ls *lanes) get(key portal.CalendarKey, user portal.Address) (*lane, error) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	return ls.enter(key, user)
}

// hold is get for somebody who is about to change the calendar: it does not close before release.
func (ls *lanes) hold(key portal.CalendarKey, user portal.Address) (l *lane, release func(), err error) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if l, err = ls.enter(key, user); err != nil {
		return nil, nil, err
	}
	l.hold(1)
	return l, func() { l.hold(-1) }, nil
}

// enter finds or opens a calendar. The caller holds the lock.
func (ls *lanes) enter(key portal.CalendarKey, user portal.Address) (*lane, error) {
	l := ls.open[key]
	if l == nil {
		if !key.Own() && !ls.room(key.Reader) {
			return nil, portal.Fail(portal.ErrTooMany, keyOpen)
		}
		l = newLane(ls.s, key)
		l.blind = !ls.heard[key.Owner]
		ls.open[key] = l
		if ls.runs != nil {
			ls.start(l)
		}
		ls.ring()
	}
	l.use(user)
	return l, nil
}

// room makes room for one more calendar of somebody else, read for reader; false where all are in use. One's own are always
// open: there are no more of them than people. The caller holds the lock.
func (ls *lanes) room(reader portal.Address) bool {
	all, theirs := 0, 0
	for key := range ls.open {
		if !key.Own() {
			all++
		}
		if !key.Own() && key.Reader == reader {
			theirs++
		}
	}
	if theirs >= ls.s.o.MaxLanesEach {
		return ls.evict(reader)
	}
	return all < ls.s.o.MaxLanes || ls.evict("")
}

// evict closes the calendar of somebody else (read for reader, where that is not empty) that nobody has looked at for longest;
// false where there is none. The caller holds the lock.
func (ls *lanes) evict(reader portal.Address) bool {
	var oldest *lane
	var at time.Time
	before := ls.s.o.Now().Add(-lookedAt)
	for key, l := range ls.open {
		if key.Own() || reader != "" && key.Reader != reader {
			continue
		}
		if used, spare := l.spareSince(before); spare && (oldest == nil || used.Before(at)) {
			oldest, at = l, used
		}
	}
	if oldest == nil {
		return false
	}
	ls.drop(oldest)
	return true
}

// spareSince is when the lane was last looked at, and whether it can be closed to make room: nothing goes on in it, and whoever has
// it open has not looked at it since before.
func (l *lane) spareSince(before time.Time) (time.Time, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	used := len(l.users) > 0 && !l.used.Before(before)
	return l.used, !used && !l.busy && !l.stepping && l.held == 0 && len(l.waiters) == 0
}

// drop closes a lane. The caller holds the lock.
func (ls *lanes) drop(l *lane) {
	delete(ls.open, l.key)
	l.stop()
	ls.ring()
}

// anyOf reports whether a mailbox has an open lane. The caller holds the lock.
func (ls *lanes) anyOf(owner portal.Address) bool {
	for key := range ls.open {
		if key.Owner == owner {
			return true
		}
	}
	return false
}

// bell notes whether a mailbox's bell works, and gives its lanes.
func (ls *lanes) bell(owner portal.Address, works bool) []*lane {
	ls.mu.Lock()
	if works && ls.anyOf(owner) {
		ls.heard[owner] = true
	} else {
		delete(ls.heard, owner)
	}
	ls.mu.Unlock()
	return ls.of(owner)
}

// retire closes a lane that has been idle for long; false where it is in use.
func (ls *lanes) retire(l *lane) bool {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	used, idle := l.idleSince()
	if !idle || ls.s.o.Now().Sub(used) < ls.s.o.Idle {
		return false
	}
	ls.drop(l)
	return true
}

// forsake closes whatever calendars of others somebody has open, or just that of owner where it is set.
func (ls *lanes) forsake(user, owner portal.Address) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	for key, l := range ls.open {
		if owner == "" || key.Owner == owner && key.Reader == user {
			l.unuse(user)
		}
	}
}

func (ls *lanes) start(l *lane) {
	runs, work := ls.runs, ls.work
	ls.wg.Go(func() { l.run(runs, work) })
}

func (ls *lanes) ring() {
	select {
	case ls.bells <- struct{}{}:
	default:
	}
}

// run lets the lanes live until ctx is done.
func (ls *lanes) run(ctx context.Context) error {
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	ls.mu.Lock()
	ls.runs, ls.work = ctx, work
	for _, l := range ls.open {
		ls.start(l)
	}
	ls.mu.Unlock()

	ls.wg.Go(func() { ls.resume(ctx) }) // bells need not wait for it
	ls.watch(ctx)

	ls.mu.Lock()
	ls.runs, ls.work = nil, nil
	ls.mu.Unlock()
	timer := time.AfterFunc(ls.s.o.Drain, cancel)
	defer timer.Stop()
	ls.wg.Wait()
	return nil
}

// resume opens the calendars that have intents from before a restart, trying until storage answers.
func (ls *lanes) resume(ctx context.Context) {
	for n := 1; ; n++ {
		keys, err := ls.s.s.IntentCalendars(ctx)
		for _, key := range keys {
			if _, full := ls.get(key, ""); full != nil {
				err = errors.Join(err, full)
			}
		}
		if err == nil || ctx.Err() != nil {
			return
		}
		ls.s.o.Logger.WarnContext(ctx, "calendar: changes of before could not be taken up; tried again", "err", err)
		timer := time.NewTimer(ls.s.backoff(n))
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
}

// watch tells the server whose bells are wanted, whenever that changes.
func (ls *lanes) watch(ctx context.Context) {
	var told []portal.Address
	for {
		wanted := ls.owners()
		if !slices.Equal(wanted, told) {
			ls.unhear(wanted)
			ls.s.x.Watch(slices.Clone(wanted))
			told = wanted
		}
		select {
		case <-ctx.Done():
			return
		case <-ls.bells:
		}
	}
}

func (ls *lanes) owners() []portal.Address {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	var out []portal.Address
	for key := range ls.open {
		out = append(out, key.Owner)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// unhear forgets the bells that are not wanted any more: the server tells of them anew when they are.
func (ls *lanes) unhear(wanted []portal.Address) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	for who := range ls.heard {
		if _, ok := slices.BinarySearch(wanted, who); !ok {
			delete(ls.heard, who)
		}
	}
}
