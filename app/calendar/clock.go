package calendar

import (
	"cmp"
	"container/heap"
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"portico/app/portal"
)

// The clock: one timer for the reminders and the presence of all who are signed in. Each has an agenda, which is
// looked at when something in it is due, and read afresh when the calendar changed.

const (
	// agendaAhead is how far an agenda reaches: as long before its appointment as a reminder can be due, and the time that the
	// agenda is used, and an all-day one's midnight on the other side of the world.
	agendaAhead = maxReminder*time.Minute + agendaFor + 36*time.Hour
	// agendaBack is how long an appointment that is over still reminds somebody who is here, missedBack how far back
	// is looked for those that somebody missed while they were away.
	agendaBack = 24 * time.Hour
	missedBack = 7 * 24 * time.Hour
	// agendaFor is how long a read agenda is used although nothing changed.
	agendaFor = 12 * time.Hour
	// marksFor is how long it is kept what somebody did with a reminder.
	marksFor = 60 * 24 * time.Hour
	// atOnce is how many agendas are looked at at the same time.
	atOnce = 4
	// MinSnooze and MaxSnooze bound how long a reminder can be silenced.
	MinSnooze = time.Minute
	MaxSnooze = 14 * 24 * time.Hour
)

// agenda is what one person's calendar will do by itself. What is above mu belongs to the clock.
type agenda struct {
	who   portal.Address
	due   time.Time
	index int
	// gone: the person has signed out.
	gone bool

	mu     sync.Mutex
	slots  []slot
	readAt time.Time
	stale  bool
	// begun: what was missed has been looked for.
	begun  bool
	shown  map[string]portal.ReminderEvent
	missed map[string]portal.ReminderEvent
	state  portal.CalendarState
	told   bool
}

// clock owns the agendas.
type clock struct {
	s    *Service
	bell chan struct{}

	mu  sync.Mutex
	by  map[portal.Address]*agenda
	due agendaHeap
}

func newClock(s *Service) *clock {
	return &clock{s: s, bell: make(chan struct{}, 1), by: map[portal.Address]*agenda{}}
}

func (c *clock) ring() {
	select {
	case c.bell <- struct{}{}:
	default:
	}
}

// add begins somebody's agenda.
func (c *clock) add(who portal.Address) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.by[who] != nil {
		return
	}
	a := &agenda{who: who, index: -1, stale: true, shown: map[string]portal.ReminderEvent{}, missed: map[string]portal.ReminderEvent{}}
	c.by[who] = a
	c.plan(a, c.s.o.Now())
}

func (c *clock) remove(who portal.Address) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := c.by[who]
	if a == nil {
		return
	}
	delete(c.by, who)
	a.gone = true
	if a.index >= 0 {
		heap.Remove(&c.due, a.index)
	}
}

// changed wants somebody's agenda read afresh. It does not block.
func (c *clock) changed(who portal.Address) {
	c.mu.Lock()
	a := c.by[who]
	c.mu.Unlock()
	if a == nil {
		return
	}
	a.mu.Lock()
	a.stale = true
	a.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !a.gone {
		c.plan(a, c.s.o.Now())
	}
}

// plan puts an agenda among those that wait for a time. The caller holds the lock.
func (c *clock) plan(a *agenda, at time.Time) {
	a.due = at
	if a.index < 0 {
		heap.Push(&c.due, a)
	} else {
		heap.Fix(&c.due, a.index)
	}
	c.ring()
}

// run looks at agendas when they are due, until ctx is done.
func (c *clock) run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		list, wait := c.take()
		var g errgroup.Group
		g.SetLimit(atOnce)
		for _, a := range list {
			g.Go(func() error { c.look(ctx, a); return nil })
		}
		if err := g.Wait(); err != nil {
			return err
		}
		if len(list) > 0 {
			continue
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
			return nil
		case <-c.bell:
		case <-timer.C:
		}
	}
}

// take gives the agendas that are due, and the time to the next.
func (c *clock) take() ([]*agenda, time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.s.o.Now()
	var list []*agenda
	for len(c.due) > 0 && !c.due[0].due.After(now) {
		list = append(list, heap.Pop(&c.due).(*agenda))
	}
	if len(c.due) == 0 {
		return list, time.Hour
	}
	return list, c.due[0].due.Sub(now)
}

// look brings an agenda up to date and plans the next look.
func (c *clock) look(ctx context.Context, a *agenda) {
	next, err := c.update(ctx, a)
	if err != nil {
		if ctx.Err() != nil {
			return
		}
		c.s.o.Logger.WarnContext(ctx, "calendar: an agenda could not be read; tried again", "of", a.who, "err", err)
		next = c.s.o.Now().Add(c.s.backoff(5))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !a.gone && (a.index < 0 || next.Before(a.due)) {
		c.plan(a, next)
	}
}

// update tells what is different about somebody's reminders and presence; next is when to look again.
func (c *clock) update(ctx context.Context, a *agenda) (next time.Time, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := c.s.o.Now()
	if a.stale || now.Sub(a.readAt) >= agendaFor {
		loaded, err := c.read(ctx, a, now)
		if err != nil {
			return next, err
		}
		if !loaded {
			return now.Add(agendaFor), nil // the calendar itself is still being read; it tells when it has been
		}
	}
	marks, err := c.s.s.ReminderMarks(ctx, a.who)
	if err != nil {
		return next, err
	}
	due, next := dueReminders(a.slots, marks, now)
	if !a.begun {
		if due, err = c.begin(ctx, a, due, len(marks) == 0, now); err != nil {
			return next, err
		}
	}
	c.remind(a, due)
	st, then := stateAt(a.slots, c.s.oof.note(a.who), now, c.s.o.TentativeBusy)
	if !a.told || st != a.state { // told once at first: whoever hears may still hold what was before the sign-in
		a.told, a.state = true, st
		c.s.o.Presence(a.who, st)
	}
	for _, t := range []time.Time{then, a.readAt.Add(agendaFor)} {
		if !t.IsZero() && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	return next, nil
}

// read reads an agenda from the mirror; false where that has not been read itself.
func (c *clock) read(ctx context.Context, a *agenda, now time.Time) (bool, error) {
	key := portal.CalendarKey{Reader: a.who, Owner: a.who}
	m, err := c.s.s.CalendarMirror(ctx, key)
	if err != nil || !m.Loaded && !c.s.unsynced(ctx, a.who) {
		return false, err
	}
	loc := c.s.o.Zone(ctx, a.who)
	back := agendaBack
	if !a.begun {
		back = missedBack
	}
	list, err := c.s.window(ctx, key, now.Add(-back).In(loc), now.Add(agendaAhead).In(loc))
	if err != nil {
		return false, err
	}
	a.slots, a.readAt, a.stale = slotsOf(list, loc), now, false
	return true, nil
}

// begin finds what was missed while its person was away: shown now, and never again. Who is here for the first
// time has missed nothing: of what was before, another program has reminded them. It gives what is due.
func (c *clock) begin(ctx context.Context, a *agenda, due []slot, first bool, now time.Time) ([]slot, error) {
	var marks []portal.ReminderMark
	var coming []slot
	for i := range due {
		if due[i].end.After(now) {
			coming = append(coming, due[i])
			continue
		}
		if !first {
			a.missed[due[i].id] = due[i].reminder(portal.Created)
		}
		marks = append(marks, portal.ReminderMark{ID: due[i].id, Start: due[i].start.UTC()})
	}
	if len(marks) > 0 {
		if err := c.s.s.SaveReminderMarks(ctx, a.who, marks, now.Add(-marksFor)); err != nil {
			clear(a.missed)
			return nil, err
		}
	}
	a.begun = true
	return coming, nil
}

// remind tells the person's browsers which reminders came, changed and went.
func (c *clock) remind(a *agenda, due []slot) {
	now := maps.Clone(a.missed)
	for i := range due {
		if _, missed := now[due[i].id]; !missed {
			now[due[i].id] = due[i].reminder(portal.Created)
		}
	}
	for id, ev := range a.shown {
		if _, still := now[id]; !still {
			ev.Change = portal.Deleted
			c.s.o.Emit(a.who, ev)
		}
	}
	for id, ev := range now {
		old, had := a.shown[id]
		if had && old == ev {
			continue
		}
		tell := ev
		if had {
			tell.Change = portal.Updated
		}
		c.s.o.Emit(a.who, tell)
	}
	a.shown = now
}

func (c *clock) find(who portal.Address) *agenda {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.by[who]
}

// Reminders are the reminders of a signed-in person that are due and not dismissed, by start.
func (s *Service) Reminders(_ context.Context, me portal.Address) ([]portal.ReminderEvent, error) {
	a := s.clock.find(me)
	if a == nil {
		return nil, nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.SortedFunc(maps.Values(a.shown), func(x, y portal.ReminderEvent) int {
		return cmp.Or(x.Start.Compare(y.Start), cmp.Compare(x.ID, y.ID))
	}), nil
}

// Dismiss ends a reminder in all of the person's tabs. One that is not due any more is no error.
func (s *Service) Dismiss(ctx context.Context, me portal.Address, id string) error {
	return s.mark(ctx, me, id, time.Time{})
}

// Snooze silences a reminder for d (MinSnooze to MaxSnooze).
func (s *Service) Snooze(ctx context.Context, me portal.Address, id string, d time.Duration) error {
	if d < MinSnooze || d > MaxSnooze {
		return bad("calendar.snooze")
	}
	return s.mark(ctx, me, id, s.o.Now().Add(d).UTC())
}

func (s *Service) mark(ctx context.Context, me portal.Address, id string, until time.Time) error {
	a := s.clock.find(me)
	if a == nil {
		return portal.Fail(portal.ErrNotFound, keyNotFound)
	}
	a.mu.Lock()
	ev, ok := a.shown[id]
	a.mu.Unlock()
	if !ok {
		return nil // another tab was faster
	}
	mark := portal.ReminderMark{ID: id, Start: ev.Start, Until: until}
	if err := s.s.SaveReminderMarks(ctx, me, []portal.ReminderMark{mark}, s.o.Now().Add(-marksFor)); err != nil {
		return err
	}
	a.mu.Lock()
	delete(a.missed, id)
	a.mu.Unlock()
	next, err := s.clock.update(ctx, a)
	if err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	s.clock.mu.Lock()
	defer s.clock.mu.Unlock()
	if !a.gone && (a.index < 0 || next.Before(a.due)) {
		s.clock.plan(a, next)
	}
	return nil
}

// agendaHeap orders agendas by their due time.
type agendaHeap []*agenda

// Len is how many agendas wait.
func (h agendaHeap) Len() int { return len(h) }

// Less reports whether one is due before another.
func (h agendaHeap) Less(i, j int) bool { return h[i].due.Before(h[j].due) }

// Swap exchanges two.
func (h agendaHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

// Push adds one at the end.
func (h *agendaHeap) Push(x any) {
	a := x.(*agenda)
	a.index = len(*h)
	*h = append(*h, a)
}

// Pop takes the last one.
func (h *agendaHeap) Pop() any {
	old := *h
	a := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	a.index = -1
	return a
}
