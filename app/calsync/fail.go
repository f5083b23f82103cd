package calsync

import (
	"context"
	"errors"
	"time"

	"portico/app/calsync/merge"
	"portico/app/portal"
)

// What becomes of a try that failed: what may pass is tried again, what was refused is parked, and neither keeps others waiting.

// failed notes a try that failed.
func (w *work) failed(ctx context.Context, plan merge.Steps, err error) error {
	var x *errExchange
	atExchange := errors.As(err, &x)
	reason := portal.Reason(err)
	w.s.say(levelFailures, w.j.Mailbox, "%s %s: %v", w.j.Direction, w.j.Key, err)
	w.s.fig.failed(w.s.o.Now())
	var out portal.SyncOutcome
	switch {
	case errors.Is(err, errAgain), errors.Is(err, portal.ErrConflict):
		out = w.retried(err, reason, w.s.interval(w.j.Tries+1, err))
	case passing(err):
		wait := w.s.interval(w.j.Tries+1, err)
		if atExchange {
			wait = max(wait, w.s.silent(x.who, err).Sub(w.s.o.Now()))
		}
		if w.wrote {
			wait = max(wait, w.s.o.Settle)
		}
		out = w.retried(err, reason, wait)
	case atExchange && shut(err) && w.lost(x.who):
		out = w.retried(err, keyLost, w.s.interval(w.j.Tries+3, err))
	case portal.Meaning(err) == nil && w.j.Tries+1 < w.s.o.MaxTries:
		w.s.o.Logger.ErrorContext(ctx, "calsync: a job failed for no known reason", "err", err)
		out = w.retried(err, keyInternal, w.s.interval(w.j.Tries+1, err))
	default:
		out = w.parked(portal.JobFailed, reason, err)
	}
	line := w.line(plan, "retried")
	if out.Again.State == portal.JobFailed {
		line.Result = "failed"
		w.s.o.Incident(Incident{Kind: keyRefused, Mailbox: w.j.Mailbox, Server: w.k.serverOf(w.j.Mailbox), Cause: err.Error(), At: w.s.o.Now()})
	}
	line.Reason, line.Cause = out.Again.Reason, out.Again.Cause
	// A server that is away is no news with each try.
	if w.j.Tries == 0 || line.Result == "failed" {
		out.Log = append(out.Log, line)
	}
	w.s.o.Counted(w.j.Direction, line.What, line.Result)
	if err := w.end(ctx, out); err != nil {
		return err
	}
	w.mark(ctx, out.Pair, w.j.Tries == 0 || line.Result == "failed")
	w.s.ringWork()
	return nil
}

// lost reports whether a mailbox could not be read when that was last tried.
func (w *work) lost(who portal.Address) bool {
	b, ok := w.s.boxes.look(who)
	return ok && b.lost != nil
}

// retried lets the job be tried again after a while.
func (w *work) retried(err error, reason string, wait time.Duration) portal.SyncOutcome {
	again := w.j
	again.Tries++
	again.NotBefore = w.s.o.Now().Add(wait)
	again.State, again.Reason, again.Cause = portal.JobWaiting, reason, err.Error()
	if home := w.home(); home != "" && w.j.Direction == portal.ToExchange { // who waits for a mailbox is woken with it
		again.Mailbox = home
	}
	return portal.SyncOutcome{Job: &w.j, Again: &again, Pair: w.noted(portal.SyncPending, reason)}
}

// parked puts the job where only a hand, or another change of the appointment, moves it.
func (w *work) parked(st, reason string, err error) portal.SyncOutcome {
	again := w.j
	again.Tries++
	again.State, again.Reason, again.NotBefore = st, reason, time.Time{}
	if err != nil {
		again.Cause = err.Error()
	}
	state := portal.SyncFailed
	if st == portal.JobHeld {
		state = portal.SyncPending
	}
	return portal.SyncOutcome{Job: &w.j, Again: &again, Pair: w.noted(state, reason)}
}

// noted is the pair with its state, where that is another than before; nil: nothing is to be noted.
func (w *work) noted(st, reason string) *portal.SyncPair {
	var p portal.SyncPair
	switch {
	case w.pair != nil:
		if w.pair.State == st && w.pair.Reason == reason {
			return nil
		}
		p = *w.pair
	case w.f.Record != nil && w.f.Record.UID != "" && w.f.Record.Gone.IsZero():
		p = portal.SyncPair{CRM: w.f.Record.ID, UID: w.f.Record.UID, Mailbox: w.truth()}
	default:
		return nil
	}
	p.State, p.Reason = st, reason
	return &p
}

// line begins a line of the transaction log.
func (w *work) line(plan merge.Steps, result string) portal.SyncTransaction {
	now := w.s.o.Now()
	t := portal.SyncTransaction{At: now, Direction: w.j.Direction, What: plan.What, Mailbox: w.j.Mailbox, Server: w.k.serverOf(w.j.Mailbox), Subject: w.j.Subject, Result: result}
	if plan.Direction != "" {
		t.Direction = plan.Direction
	}
	if t.What == "" {
		t.What = "skip"
	}
	switch {
	case w.record != nil:
		t.CRM, t.UID = w.record.ID, w.record.UID
		if t.Subject = w.record.Subject; w.record.Private {
			t.Subject = ""
		}
	case w.pair != nil:
		t.CRM, t.UID = w.pair.CRM, w.pair.UID
	}
	if since := w.since(); !since.IsZero() {
		t.Took = max(now.Sub(since), 0)
	}
	return t
}

// since is when the change was made, as far as anybody knows; zero: it is of no interest.
func (w *work) since() time.Time {
	switch {
	case w.j.Quiet:
		return time.Time{}
	case w.j.ChangedAt.IsZero():
		return w.j.MadeAt
	}
	return w.j.ChangedAt
}

// tell tells the figures and those who look at the record what was done.
func (w *work) tell(ctx context.Context, plan merge.Steps, out portal.SyncOutcome) {
	what := plan.What
	if what == "" {
		what = "skip"
	}
	d := w.j.Direction
	if plan.Direction != "" {
		d = plan.Direction
	}
	if what == "skip" {
		w.s.o.Counted(d, what, "skipped")
		w.s.say(levelAll, w.j.Mailbox, "%s %s: nothing to do", d, w.j.Key)
	} else {
		w.s.o.Counted(d, what, "done")
		w.s.say(levelCarried, w.j.Mailbox, "%s %s: %s", d, w.j.Key, what)
		var took time.Duration
		if since := w.since(); !since.IsZero() && what != "adopt" {
			took = max(w.s.o.Now().Sub(since), 1)
			w.s.o.Lag(d, took)
		}
		w.s.fig.carried(w.s.o.Now(), d, took)
	}
	if len(plan.Conflicts) > 0 {
		w.s.say(levelDecided, w.j.Mailbox, "%s: changed on both sides, the later holds", w.j.Key)
		w.s.o.Told()
	}
	w.mark(ctx, out.Pair, what != "skip" || w.pair == nil || w.pair.State != portal.SyncDone)
	if len(out.Jobs) > 0 {
		w.s.ringWork()
	}
}
