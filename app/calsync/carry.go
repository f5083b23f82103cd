package calsync

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"portico/app/calsync/merge"
	"portico/app/portal"
)

// Carrying a job: gather the facts, plan, take the steps, note what came of it. Between any two of these the process may die: the job
// then is still in the ledger, and the next try finds by the stamps what was done.

// maxPlans is how often a plan is made anew at once because somebody was quicker.
const maxPlans = 4

// errAgain: the facts are no longer what the plan was made from.
var errAgain = errors.New("what was planned is out of date")

// carry tries a job once. An error is the ledger's: what came of the job could not be noted.
func (s *Service) carry(ctx context.Context, j portal.SyncJob) error {
	w := s.begin(j)
	if w.k.off(j.Direction) {
		return w.putOff(ctx)
	}
	var steps merge.Steps
	err := errAgain
	for range maxPlans {
		if err = w.gather(ctx); err != nil {
			break
		}
		if source := w.heldBack(); source != "" {
			return w.end(ctx, w.heldFor(source))
		}
		if at := w.settles(); at.After(w.f.Now) {
			again := j
			again.NotBefore = at
			return w.end(ctx, portal.SyncOutcome{Job: &w.j, Again: &again})
		}
		steps = merge.Plan(w.f)
		if err = s.fault("planned"); err != nil {
			return err
		}
		if err = w.steps(ctx, steps); !errors.Is(err, errAgain) {
			break
		}
		w.unsure = true // what is read from here on is read from Exchange itself
	}
	if errors.Is(err, errCrashed) {
		return err
	}
	if ctx.Err() != nil {
		s.unsure.set(j.Key)
		return nil
	}
	if err == nil {
		return w.done(ctx, steps)
	}
	return w.failed(ctx, steps, err)
}

// putOff keeps a job whose direction was switched off after it was made until that is switched on again.
func (w *work) putOff(ctx context.Context) error {
	again := w.j
	again.State, again.Reason, again.NotBefore = portal.JobHeld, keyOff, time.Time{}
	if err := w.end(ctx, portal.SyncOutcome{Job: &w.j, Again: &again}); err != nil {
		return err
	}
	return w.s.switchedOn(ctx, []portal.SyncJob{again})
}

// settles is until when a creation of which no answer came may still arrive at the server by itself; zero: there is none such.
func (w *work) settles() time.Time {
	p := w.pair
	if p == nil || p.RemoteID != "" || p.State == portal.SyncDone || len(p.Agreed) == 0 || w.found {
		return time.Time{}
	}
	if w.f.Record == nil || w.f.Record.Origin == portal.SourceExchange { // what is made in CRM is there as soon as CRM says so
		return time.Time{}
	}
	return p.At.Add(w.s.o.Settle)
}

// heldBack gives the source that is held, where the job would carry a deletion out of it; empty: none.
func (w *work) heldBack() portal.Address {
	if p := w.f.Pair; p != nil && p.RemoteID != "" {
		at := w.copyAt(p.Mailbox, p.RemoteID)
		if b, ok := w.s.boxes.look(p.Mailbox); ok && b.held && at >= 0 && !w.f.Copies[at].Gone.IsZero() {
			return p.Mailbox
		}
	}
	if w.f.Record != nil && !w.f.Record.Gone.IsZero() && w.s.crmHeld.Load() {
		return sourceCRM
	}
	return ""
}

// heldFor parks the job among those that a source's hold holds, whatever the job came from: who decides about the source decides about it.
func (w *work) heldFor(source portal.Address) portal.SyncOutcome {
	out := w.parked(portal.JobHeld, keyHeld, nil)
	switch {
	case source != sourceCRM:
		out.Again.Mailbox = source
	case w.j.Direction != portal.ToExchange:
		j := renewed(w.j, w.s.o.Now())
		j.Key, j.Direction, j.Mailbox = w.f.Record.ID, portal.ToExchange, w.home()
		hold(&j)
		out.Again, out.Jobs = nil, []portal.SyncJob{j}
	}
	return out
}

// home is the mailbox that the appointment is written to, or, where nobody writes it, whose it is.
func (w *work) home() portal.Address {
	var p portal.SyncPair
	if w.pair != nil {
		p = *w.pair
	}
	if w.f.Record == nil {
		return p.Mailbox
	}
	return w.k.home(w.f.Record, p)
}

// steps takes the steps of a plan.
func (w *work) steps(ctx context.Context, plan merge.Steps) error {
	if err := w.foretell(ctx, plan); err != nil {
		return err
	}
	for _, st := range plan.List {
		name := stepName(st)
		if err := w.s.fault(name + ".before"); err != nil {
			return err
		}
		if err := w.step(ctx, st); err != nil {
			if w.outdated(err, st) {
				return fmt.Errorf("%w: %w", errAgain, err)
			}
			return err
		}
		if err := w.s.fault(name + ".after"); err != nil {
			return err
		}
	}
	return nil
}

// foretell notes what is about to be written on either side, so that a later try knows it as ours, and what loses by that: a later try may
// no longer see it.
func (w *work) foretell(ctx context.Context, plan merge.Steps) error {
	p, err := plan.Try(w.f)
	if err != nil || p == nil && len(plan.Conflicts) == 0 {
		return err
	}
	if p != nil && w.pair != nil {
		p.Version = w.pair.Version
	} else if p != nil {
		p.Version = 0
	}
	err = w.s.l.EndSyncJob(ctx, portal.SyncOutcome{Pair: p, Conflicts: plan.Conflicts})
	if errors.Is(err, portal.ErrConflict) {
		return fmt.Errorf("%w: %w", errAgain, err)
	}
	if err != nil || p == nil {
		return err
	}
	p.Version++
	w.pair = p
	return w.s.fault("foretold")
}

// outdated reports whether an error says that somebody was quicker.
func (w *work) outdated(err error, st merge.Step) bool {
	if errors.Is(err, portal.ErrConflict) {
		return true
	}
	switch st.(type) {
	case merge.UpdateExchange, merge.AttachExchange, merge.DetachExchange, merge.RemoveExchange, merge.Answer:
		return errors.Is(err, portal.ErrNotFound)
	}
	return false
}

// stepName is what a step is called in logs and tests.
func stepName(st merge.Step) string {
	switch st.(type) {
	case merge.CreateExchange:
		return "create"
	case merge.UpdateExchange:
		return "update"
	case merge.RemoveExchange:
		return "remove"
	case merge.AttachExchange:
		return "attach"
	case merge.DetachExchange:
		return "detach"
	case merge.PutCRM:
		return "put"
	case merge.Answer:
		return "answer"
	}
	return "note"
}

// idle gives the reason of a plan that does nothing.
func idle(plan merge.Steps) (st merge.Step, ok bool) {
	if len(plan.List) != 1 {
		return nil, false
	}
	switch plan.List[0].(type) {
	case merge.Skip, merge.Wait, merge.Refuse:
		return plan.List[0], true
	}
	return nil, false
}

// done notes a plan that was carried, or that had nothing to carry.
func (w *work) done(ctx context.Context, plan merge.Steps) error {
	if st, ok := idle(plan); ok {
		switch st := st.(type) {
		case merge.Wait:
			return w.failed(ctx, plan, portal.Fail(portal.ErrConflict, st.Reason))
		case merge.Refuse:
			return w.failed(ctx, plan, portal.Fail(portal.ErrInvalid, st.Reason).Because(errors.New(st.Cause)))
		}
	}
	out, err := w.outcome(plan)
	if err != nil {
		return w.failed(ctx, plan, err)
	}
	if err := w.end(ctx, out); err != nil {
		return err
	}
	w.s.unsure.clear(w.j.Key)
	w.tell(ctx, plan, out)
	return nil
}

// outcome is what is noted of a plan that was carried.
func (w *work) outcome(plan merge.Steps) (portal.SyncOutcome, error) {
	out := portal.SyncOutcome{Job: &w.j, Conflicts: plan.Conflicts}
	if plan.Pair != nil {
		entry := w.entry
		if entry == nil {
			entry = w.truthCopy(plan)
		}
		pair, again, err := merge.Settle(w.f, plan, w.record, entry)
		if err != nil {
			return out, err
		}
		pair.Version = 0
		if w.pair != nil {
			pair.Version = w.pair.Version
		}
		pair.State, pair.Reason, pair.At = portal.SyncDone, "", w.s.o.Now()
		out.Pair = &pair
		if again {
			out.Jobs = append(out.Jobs, renewed(w.j, w.s.o.Now()))
		}
	}
	if plan.What != "skip" && plan.What != "" {
		line := w.line(plan, "done")
		line.Before, line.After, line.Mail = plan.Before, plan.After, plan.Mail()
		out.Log = append(out.Log, line)
	}
	for range plan.Conflicts {
		line := w.line(plan, "done")
		line.What = "conflict"
		out.Log = append(out.Log, line)
	}
	return out, nil
}

// renewed is a job that looks at its appointment once more.
func renewed(j portal.SyncJob, now time.Time) portal.SyncJob {
	j.Seq, j.Renewals, j.Tries, j.NotBefore, j.Reason, j.Cause, j.State = 0, 0, 0, time.Time{}, "", "", portal.JobWaiting
	j.MadeAt = now
	return j
}

// truthCopy is the copy that a plan's pair is about, as it was read; nil: there is none (any more).
func (w *work) truthCopy(plan merge.Steps) *portal.Entry {
	p := plan.Pair
	for i := range w.f.Copies {
		c := &w.f.Copies[i]
		if c.Mailbox == p.Mailbox && c.Entry.RemoteID == p.RemoteID && c.Gone.IsZero() && !slices.ContainsFunc(w.drop, func(d portal.SyncItem) bool {
			return d.Mailbox == c.Mailbox && d.Entry.RemoteID == c.Entry.RemoteID
		}) {
			return &c.Entry
		}
	}
	return nil
}

// end stores an outcome with the copies that changed hands, where the ledger did not read something newer meanwhile.
func (w *work) end(ctx context.Context, out portal.SyncOutcome) error {
	if err := w.s.fault("end.before"); err != nil {
		return err
	}
	if len(w.put)+len(w.drop) > 0 {
		unlock := w.s.items.lock(w.touched()...)
		defer unlock()
		put, err := w.current(ctx)
		if err != nil {
			return err
		}
		out.Items, out.DropItems = put, w.drop
	}
	err := w.s.l.EndSyncJob(ctx, out)
	if errors.Is(err, portal.ErrConflict) && out.Pair != nil {
		// Somebody else noted something about the appointment: it is looked at once more, with that.
		again := w.j
		again.NotBefore = w.s.o.Now().Add(w.s.o.FirstRetry)
		again.Tries++
		err = w.s.l.EndSyncJob(ctx, portal.SyncOutcome{Job: &w.j, Again: &again})
	}
	if err != nil {
		w.s.unsure.set(w.j.Key)
		return err
	}
	return w.s.fault("end.after")
}

func (w *work) touched() []portal.Address {
	var out []portal.Address
	for _, list := range [][]portal.SyncItem{w.put, w.drop} {
		for i := range list {
			out = append(out, list[i].Mailbox)
		}
	}
	return out
}

// current leaves of the copies to store those of which the ledger has not read another version meanwhile.
func (w *work) current(ctx context.Context) ([]portal.SyncItem, error) {
	var out []portal.SyncItem
	for i := len(w.put) - 1; i >= 0; i-- { // the last word of each
		it := w.put[i]
		same := func(o portal.SyncItem) bool { return o.Mailbox == it.Mailbox && o.Entry.RemoteID == it.Entry.RemoteID }
		if slices.ContainsFunc(out, same) || slices.ContainsFunc(w.drop, same) {
			continue
		}
		now, err := w.s.l.SyncItem(ctx, it.Mailbox, it.Entry.RemoteID)
		switch {
		case !w.s.known().byWho[it.Mailbox].Synced():
			continue // it was forgotten meanwhile
		case errors.Is(err, portal.ErrNotFound):
			if w.stored[copyKey(it.Mailbox, it.Entry.RemoteID)] != "" {
				continue // it was found gone, and that was dealt with
			}
		case err != nil:
			return nil, err
		case now.Entry.ChangeKey != w.stored[copyKey(it.Mailbox, it.Entry.RemoteID)] || !now.Gone.IsZero():
			continue // the reader has something newer; its job says so
		default:
			it.Generation = now.Generation
		}
		out = append(out, it)
	}
	return out, nil
}
