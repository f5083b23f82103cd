package calendar

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"portico/app/portal"
)

// Reading: the changes of the server since the last state, into the mirror.

const (
	// staleBatch is how many vanished entries are taken from a mirror in one step.
	staleBatch = 500
	// rightsFor is how long a reader's rights on somebody's calendar are believed.
	rightsFor = 15 * time.Minute
	// forgetAfter is how long somebody is kept out of a calendar before what was read of it is forgotten.
	forgetAfter = time.Hour
)

// read reads one page of changes; again: there is more.
func (l *lane) read(ctx context.Context) (again bool, err error) {
	l.mu.Lock()
	l.wanted = false // a ring from here on asks for another reading
	l.mu.Unlock()
	more, err := l.page(ctx)
	// Nobody loses the right to their own calendar: there it is a server that is not as it should be.
	denied := !l.key.Own() && (errors.Is(err, portal.ErrForbidden) || errors.Is(err, portal.ErrNotFound))
	if denied {
		more, err = false, l.forbidden(ctx)
	}
	if err != nil {
		// Even a server that refuses to be asked is asked again later, as if it were away: people see why.
		l.s.o.Counted("sync", "failed")
		l.mu.Lock()
		l.wanted = true
		l.mu.Unlock()
		return false, err
	}
	if more {
		l.mu.Lock()
		l.wanted = true
		l.mu.Unlock()
		return true, nil
	}
	l.s.o.Counted("sync", "done")
	if !denied {
		l.learnRights(ctx)
	}
	l.wasRead(ctx)
	return false, nil
}

// wasRead plans the next reading by the clock and tells those who look at what was read.
func (l *lane) wasRead(ctx context.Context) {
	l.mu.Lock()
	every := l.s.o.Reconcile
	if l.blind {
		every = l.s.o.ReconcileBlind
	}
	l.readAt = l.s.o.Now().Add(l.s.about(every))
	l.mu.Unlock()
	l.settle()
	if l.key.Own() {
		l.s.clock.changed(l.key.Owner)
	}
}

// page asks for the changes since the mirror's state and stores them with the state after them and the events.
func (l *lane) page(ctx context.Context) (more bool, err error) {
	m, err := l.s.s.CalendarMirror(ctx, l.key)
	if err != nil {
		return false, err
	}
	var delta portal.CalendarDelta
	err = l.call(ctx, func(ctx context.Context) (err error) {
		delta, err = l.s.x.Changes(ctx, l.key.Reader, l.key.Owner, m.State)
		return err
	})
	if err != nil {
		return false, err
	}
	if delta.More && delta.State == m.State {
		return false, portal.Fail(portal.ErrUnavailable, keyInternal).Because(errors.New("the server has more to tell after the same state"))
	}
	intents, err := l.s.s.CalendarIntents(ctx, l.key, "")
	if err != nil {
		return false, err
	}
	d, err := l.digest(ctx, &m, delta, intents)
	if err != nil {
		return false, err
	}
	first := !m.Loaded || m.Forbidden
	m.State, m.Forbidden, m.SyncedAt = delta.State, false, l.s.o.Now()
	if !delta.More && m.Sweeping {
		swept, err := l.sweep(ctx, m, d)
		if err != nil {
			return false, err
		}
		m.Sweeping = !swept
	}
	if !delta.More && !m.Sweeping {
		m.Loaded = true
	}
	evs := d.events(l.s.o.EventBound)
	if first && m.Loaded {
		evs = append(evs, many(l.key))
	}
	if err := l.s.s.SaveCalendar(ctx, portal.MirrorChange{Mirror: m, Put: d.put, Gone: d.gone, Done: append(orphans(d, intents), d.done...)}, evs...); err != nil {
		return false, err
	}
	l.tellDone(ctx, d)
	return delta.More || m.Sweeping, nil
}

// orphans are the failed intents that nobody could see any more once their entries are gone.
func orphans(d *digest, intents []portal.Intent) []string {
	var ids []string
	for i := range intents {
		in := &intents[i]
		if in.State == portal.IntentFailed && !listed(in) && slices.ContainsFunc(d.entries, func(ev portal.CalendarEvent) bool {
			return ev.Change == portal.Deleted && ev.ID == in.Entry
		}) {
			ids = append(ids, in.ID)
		}
	}
	return ids
}

// digest compares a delta with the mirror.
func (l *lane) digest(ctx context.Context, m *portal.Mirror, delta portal.CalendarDelta, intents []portal.Intent) (*digest, error) {
	if delta.Reset && !m.Sweeping {
		m.Generation++
		m.Sweeping = true
	}
	remote := make([]string, 0, len(delta.Changed))
	for i := range delta.Changed {
		remote = append(remote, delta.Changed[i].RemoteID)
	}
	old, err := l.s.s.CalendarEntries(ctx, l.key, remote)
	if err != nil {
		return nil, err
	}
	gone, err := l.s.s.CalendarEntries(ctx, l.key, delta.Gone)
	if err != nil {
		return nil, err
	}
	known := make(map[string]portal.KeptEntry, len(old))
	for _, k := range old {
		known[k.RemoteID] = k
	}
	if err := l.resettled(ctx, m, delta.Changed, known); err != nil {
		return nil, err
	}
	if delta.Changed, err = l.undoubled(ctx, m, delta.Changed, known); err != nil {
		return nil, err
	}
	d := &digest{key: l.key, now: l.s.o.Now(), quiet: !m.Loaded, watchers: l.watching()}
	d.take(delta.Changed, known, intents, m.Sweeping)
	d.drop(gone)
	return d, nil
}

// sweep adds to the digest what a full reading did not see; swept: that was all.
func (l *lane) sweep(ctx context.Context, m portal.Mirror, d *digest) (swept bool, err error) {
	stale, err := l.s.s.StaleCalendarEntries(ctx, l.key, m.Generation, staleBatch+len(d.put))
	if err != nil {
		return false, err
	}
	fresh := make(map[string]bool, len(d.put))
	for i := range d.put {
		fresh[d.put[i].ID] = true
	}
	var gone []portal.KeptEntry
	for _, k := range stale {
		if !fresh[k.ID] { // those of this very page are still written with their old generation
			gone = append(gone, k)
		}
	}
	d.drop(gone)
	return len(stale) < staleBatch+len(d.put), nil
}

// tellDone tells those who wait that the reading found their intents done.
func (l *lane) tellDone(ctx context.Context, d *digest) {
	for _, id := range d.done {
		l.s.o.Counted("intent", "done")
		w := l.claim(id)
		if w == nil {
			continue
		}
		for i := range d.put {
			if d.put[i].ChangeID == id {
				w <- outcome{entry: &d.put[i]}
				break
			}
		}
	}
	if len(d.done) > 0 {
		l.s.tellStatus(ctx, l.key.Reader)
	}
}

// forbidden keeps that the reader may not read the calendar (any more): what was mirrored is hidden at once, and forgotten when
// that has lasted. A right that is missing for a moment costs nothing but that moment.
func (l *lane) forbidden(ctx context.Context) error {
	m, err := l.s.s.CalendarMirror(ctx, l.key)
	if err != nil {
		return err
	}
	l.mu.Lock()
	l.rights, l.seesHidden, l.rightsAt = RightsFreeBusy, false, time.Time{}
	l.mu.Unlock()
	now, read := l.s.o.Now(), m.State != "" || m.Loaded
	switch {
	case !m.Forbidden:
		var evs []portal.Addressed
		if read {
			evs = append(evs, many(l.key))
		}
		m.Forbidden, m.SyncedAt = true, now
		return l.s.s.SaveCalendar(ctx, portal.MirrorChange{Mirror: m}, evs...)
	case !read || now.Sub(m.SyncedAt) < forgetAfter:
		return nil
	}
	if err := l.s.s.DropCalendar(ctx, l.key); err != nil {
		return err
	}
	m = portal.Mirror{CalendarKey: l.key, Forbidden: true, SyncedAt: m.SyncedAt}
	return l.s.s.SaveCalendar(ctx, portal.MirrorChange{Mirror: m})
}

func (l *lane) setRights(rights string, private bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rights, l.seesHidden, l.rightsAt = rights, private, l.s.o.Now()
}

// access is what the reader may do and whether private appointments are theirs to read.
func (l *lane) access() (rights string, private bool) {
	if l.key.Own() {
		return RightsOwner, true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rights, l.seesHidden
}

// learnRights asks for the reader's rights now and then. Where nobody says, they are the least that the reading showed.
func (l *lane) learnRights(ctx context.Context) {
	if l.key.Own() {
		return
	}
	l.mu.Lock()
	known := l.s.o.Now().Sub(l.rightsAt) < rightsFor && !l.rightsAt.IsZero()
	l.mu.Unlock()
	if known {
		return
	}
	rights, private := RightsReviewer, false
	email := l.s.emailOf(ctx, l.key.Reader)
	err := l.call(ctx, func(ctx context.Context) error {
		list, err := l.s.x.Delegates(ctx, l.key.Owner)
		for _, d := range list {
			if !strings.EqualFold(d.Email, email) {
				continue
			}
			private = d.SeesPrivate
			if d.Calendar == "editor" || d.Calendar == "author" {
				rights = RightsEditor
			}
		}
		return err
	})
	if asked, ok := l.s.x.(Righter); ok {
		err = errors.Join(err, l.call(ctx, func(ctx context.Context) error {
			r, err := asked.Rights(ctx, l.key.Reader, l.key.Owner)
			if err == nil && r != "" && r != RightsFreeBusy {
				rights = r
			}
			return err
		}))
	}
	if err != nil {
		l.s.o.Logger.DebugContext(ctx, "calendar: rights not known", "calendar", l.key.Owner, "reader", l.key.Reader, "err", err)
	}
	l.setRights(rights, private)
}
