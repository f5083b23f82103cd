package calendar

import (
	"context"
	"errors"
	"time"

	"portico/app/portal"
)

// Sending: a calendar's intents, in their order, each carried out once.
//
// Before anything is sent the intent is stored as "sending": after a crash, or an answer that never came, it may have been
// carried out, and its traces are looked for before it is sent again (a create by its stamp, a change and an answer by
// what the entry now is, a deletion by what is gone). A forward leaves no trace and is never repeated by itself.

const (
	// maxOddTries is how often an intent is tried whose failure nobody understands.
	maxOddTries = 6
	// maxAlone is how often an intent is tried that fails although its mailbox has just been reached: some five minutes.
	maxAlone = 8
	// maxRaces is how often a change is tried in one go against a server whose entry changes in between.
	maxRaces = 3
)

// errSettling: a create has to wait although the server answers, for it may still arrive there by itself.
var errSettling = errors.New("a create without an answer may still arrive")

// send carries out the next intent; again: it was dealt with, there may be more. proven: the mailbox has just been reached.
func (l *lane) send(ctx context.Context, proven bool) (again bool, err error) {
	in, found, until, err := l.next(ctx)
	if err != nil {
		return false, err
	}
	l.mu.Lock()
	l.busy, l.until = found || !until.IsZero(), until
	l.mu.Unlock()
	if !found {
		return false, nil
	}
	if in.After != "" {
		_, err := l.s.s.CalendarEntry(ctx, l.key, entryID(l.key, in.After))
		if errors.Is(err, portal.ErrNotFound) { // the other half came to nothing
			return true, l.refuse(ctx, in, portal.Fail(portal.ErrConflict, keyConflict))
		}
		if err != nil {
			return false, err
		}
	}
	return true, l.carry(ctx, in, proven)
}

// next gives the first intent that may be sent now. One that waits for its next try holds up those of the same entry and those that
// depend on it, no others; until is when the first of them may be tried again. What depends on one that was refused waits as long.
func (l *lane) next(ctx context.Context) (in portal.Intent, found bool, until time.Time, err error) {
	in, found, err = l.s.s.NextIntent(ctx, l.key)
	now := l.s.o.Now()
	if err != nil || !found || !in.NotBefore.After(now) && in.After == "" {
		return in, found, until, err
	}
	list, err := l.s.s.CalendarIntents(ctx, l.key, "")
	held := map[string]bool{} // entries, and intents that are not done
	for _, in := range list {
		switch {
		case in.State == portal.IntentFailed:
			held[in.ID] = true
		case in.NotBefore.After(now):
			if until.IsZero() || in.NotBefore.Before(until) {
				until = in.NotBefore
			}
			held[in.Entry], held[in.ID] = true, true
		case held[in.Entry] || held[in.After]:
			held[in.Entry], held[in.ID] = true, true
		default:
			return in, true, until, err
		}
	}
	return portal.Intent{}, false, until, err
}

// carry tries one intent. An error means that it is to be tried again; proven is as with send.
func (l *lane) carry(ctx context.Context, in portal.Intent, proven bool) error {
	unsure := in.State == portal.IntentSending
	last := in.SentAt
	in.State, in.Tries, in.SentAt = portal.IntentSending, in.Tries+1, l.s.o.Now()
	if unsure && in.Kind == portal.IntentCreate {
		in.SentAt = last // until it is sent again, the time counts from the last sending
	}
	in, err := l.begin(ctx, in)
	if errors.Is(err, portal.ErrConflict) {
		return nil // somebody changed it or took it back just now
	}
	if err != nil {
		return err
	}
	put, gone, err := l.do(ctx, &in, unsure)
	switch {
	case err == nil:
		err = l.finish(ctx, in, put, gone)
	case ctx.Err() != nil: // the portal ends; the intent stays as it is
	case passing(err) && (portal.Meaning(err) != nil || in.Tries < maxOddTries || timedOut(err)):
		err = l.later(ctx, in, err, proven && !errors.Is(err, errSettling))
	default:
		err = l.refuse(ctx, in, err)
	}
	l.land()
	return err
}

// later keeps an intent for another try. alone: the mailbox has just been reached, so it is about this intent; then others go on
// meanwhile, and the tries are numbered.
func (l *lane) later(ctx context.Context, in portal.Intent, cause error, alone bool) error {
	if alone {
		in.Alone++
	}
	if in.Alone >= maxAlone {
		return l.refuse(ctx, in, cause)
	}
	l.s.o.Counted("intent", "retried")
	in.Reason = portal.Reason(cause)
	if alone {
		in.NotBefore = l.s.o.Now().Add(max(l.s.backoff(in.Alone), askedToWait(cause)))
	}
	if _, err := l.s.s.SaveIntent(ctx, in); err != nil {
		return errors.Join(cause, err)
	}
	if !alone {
		return cause
	}
	l.s.o.Logger.WarnContext(ctx, "calendar: a change fails although the server answers; tried again", "calendar", l.key.Owner,
		"reader", l.key.Reader, "kind", in.Kind, "change", in.ID, "tries", in.Alone, "err", cause)
	if w := l.claim(in.ID); w != nil {
		w <- outcome{pending: true}
	}
	return nil
}

// begin stores that an intent is being sent, in the calendar's turn: who merges with it or takes it back does so before or not at all.
func (l *lane) begin(ctx context.Context, in portal.Intent) (portal.Intent, error) {
	done, err := l.edits.take(ctx)
	if err != nil {
		return in, err
	}
	defer done()
	in, err = l.s.s.SaveIntent(ctx, in)
	if err == nil {
		l.mu.Lock()
		l.flying = in.ID
		l.mu.Unlock()
	}
	return in, err
}

// land: nothing is under way any more; what has not been dealt with is between two tries.
func (l *lane) land() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.flying = ""
}

// underWay reports whether an intent is being sent at the moment. The caller has the calendar's turn.
func (l *lane) underWay(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.flying == id
}

func timedOut(err error) bool { return errors.Is(err, context.DeadlineExceeded) }

func (l *lane) event(id string, change portal.Change) portal.Addressed {
	return portal.Addressed{For: []portal.Address{l.key.Reader}, Event: portal.CalendarEvent{ID: id, Calendar: l.key.Owner, Change: change}}
}

// finish stores that an intent is done and tells whoever waits.
func (l *lane) finish(ctx context.Context, in portal.Intent, put *portal.KeptEntry, gone []string) error {
	change := portal.Updated
	if in.Kind == portal.IntentDelete && in.Occurrence.IsZero() {
		change = portal.Deleted
	}
	if err := l.conclude(ctx, in, put, gone, l.event(in.Entry, change)); err != nil {
		return err
	}
	l.s.o.Counted("intent", "done")
	l.s.o.Lag(l.s.o.Now().Sub(in.MadeAt))
	if w := l.claim(in.ID); w != nil {
		w <- outcome{entry: put}
	}
	l.others()
	if l.key.Own() {
		l.s.clock.changed(l.key.Owner)
	}
	l.s.tellStatus(ctx, l.key.Reader)
	return nil
}

// conclude is the end of an intent in storage, in the calendar's turn: what is wanted on top of it counts from its result.
func (l *lane) conclude(ctx context.Context, in portal.Intent, put *portal.KeptEntry, gone []string, ev portal.Addressed) error {
	done, err := l.edits.take(ctx)
	if err != nil {
		return err
	}
	defer done()
	ids := []string{in.ID}
	if in.Kind == portal.IntentDelete && in.Occurrence.IsZero() { // with the entry goes what was refused of it
		all, err := l.s.s.CalendarIntents(ctx, l.key, in.Entry)
		if err != nil {
			return err
		}
		for _, o := range all {
			if o.State == portal.IntentFailed {
				ids = append(ids, o.ID)
			}
		}
	}
	if err := l.s.s.EndIntents(ctx, l.key, ids, put, gone, ev); err != nil {
		return err
	}
	l.rebase(ctx, in, put)
	return nil
}

// rebase lets later intents of the same entry count from what the server made of this one.
func (l *lane) rebase(ctx context.Context, done portal.Intent, put *portal.KeptEntry) {
	if put == nil {
		return
	}
	intents, err := l.s.s.CalendarIntents(ctx, l.key, done.Entry)
	for _, in := range intents {
		if in.Base == nil || in.State != portal.IntentWaiting || in.Seq < done.Seq {
			continue
		}
		occurrence := in.Occurrence
		if in.Change != nil {
			occurrence = in.Change.Occurrence
		}
		now, gone := target(&put.Entry, occurrence)
		if gone != nil {
			continue // it says so itself when its turn comes
		}
		in.Base = &now
		if _, saveErr := l.s.s.SaveIntent(ctx, in); saveErr != nil && !errors.Is(saveErr, portal.ErrConflict) {
			err = errors.Join(err, saveErr)
		}
	}
	if err != nil { // at worst somebody is asked to look again
		l.s.o.Logger.WarnContext(ctx, "calendar: later changes could not be put on top of an earlier one", "calendar", l.key.Owner, "err", err)
	}
}

// others rings those who have the same calendar open for another reader: their bell may be out of order.
func (l *lane) others() {
	for _, other := range l.s.lanes.of(l.key.Owner) {
		if other != l {
			other.ask()
		}
	}
}

// refuse ends an intent that the server will not carry out: whoever waits is told why and the intent is gone; otherwise it stays,
// failed, until somebody decides.
func (l *lane) refuse(ctx context.Context, in portal.Intent, cause error) error {
	result := "failed"
	if errors.Is(cause, portal.ErrConflict) {
		result = "conflict"
	}
	if portal.Meaning(cause) == nil {
		cause = portal.Fail(portal.ErrUnavailable, keyInternal).Because(cause)
	}
	l.s.o.Logger.InfoContext(ctx, "calendar: a change was refused", "calendar", l.key.Owner, "reader", l.key.Reader, "kind", in.Kind, "change", in.ID, "err", cause)
	change := portal.Updated
	if in.Kind == portal.IntentCreate {
		change = portal.Deleted
	}
	evs := []portal.Addressed{l.event(in.Entry, change)}
	ids := []string{in.ID}
	halves, err := l.dependents(ctx, in.ID)
	if err != nil {
		return err
	}
	w := l.claim(in.ID)
	for _, other := range halves { // all of it was asked for at once
		ids, evs = append(ids, other.ID), append(evs, l.event(other.Entry, portal.Updated))
		if w == nil {
			w = l.claim(other.ID)
		}
	}
	if w != nil && in.After == "" {
		if err := l.s.s.EndIntents(ctx, l.key, ids, nil, nil, evs...); err != nil {
			w <- outcome{pending: true}
			return err
		}
		l.s.o.Counted("intent", result)
		w <- outcome{err: cause}
		l.s.tellStatus(ctx, l.key.Reader)
		return nil
	}
	if w != nil { // its other half is done: this one stays until somebody decides
		defer func() { w <- outcome{err: cause} }()
	}
	in.State, in.Reason = portal.IntentFailed, portal.Reason(cause)
	if errors.Is(cause, portal.ErrNotFound) && !listed(&in) {
		_, err := l.s.s.CalendarEntry(ctx, l.key, in.Entry)
		if errors.Is(err, portal.ErrNotFound) { // with the entry went the place where somebody could decide
			err = l.s.s.EndIntents(ctx, l.key, []string{in.ID}, nil, nil)
			l.s.tellStatus(ctx, l.key.Reader)
		}
		if err != nil {
			return err
		}
	}
	if _, err := l.s.s.SaveIntent(ctx, in, l.event(in.Entry, portal.Updated)); err != nil && !errors.Is(err, portal.ErrConflict) {
		return err
	}
	l.s.o.Counted("intent", result)
	l.s.tellStatus(ctx, l.key.Reader)
	return nil
}
