package calsync

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"portico/app/portal"
)

// What an administrator does by hand: look at the queue and the log, try again, give up, decide about what is held.

// manualPage is how many jobs are worked on in one step.
const manualPage = 500

// Queue gives the jobs that a filter chooses, by Seq.
func (s *Service) Queue(ctx context.Context, f portal.SyncQueueFilter) ([]portal.SyncJob, error) {
	return s.l.SyncJobs(ctx, f)
}

// Job gives one job.
func (s *Service) Job(ctx context.Context, seq int64) (portal.SyncJob, error) {
	list, err := s.l.SyncJobs(ctx, portal.SyncQueueFilter{After: seq - 1, Limit: 1})
	if err != nil {
		return portal.SyncJob{}, err
	}
	if len(list) == 0 || list[0].Seq != seq {
		return portal.SyncJob{}, portal.Fail(portal.ErrNotFound, keyNoJob)
	}
	return list[0], nil
}

// Retry tries jobs now (none named: all that failed or wait for a retry) and gives how many.
func (s *Service) Retry(ctx context.Context, by portal.Address, seqs []int64) (int, error) {
	n, err := s.l.RetrySyncJobs(ctx, seqs, portal.SyncTransaction{At: s.o.Now(), What: "retry", Result: "done", By: string(by)})
	if err != nil {
		return 0, err
	}
	for _, b := range s.boxes.all() {
		s.boxes.change(b.who, func(b *box) { b.until = s.o.Now() })
	}
	s.boxes.open()
	s.ringWork()
	s.o.Told()
	return n, nil
}

// Discard gives a job up, with a reason in words. What it would have carried is not carried until its appointment changes again.
func (s *Service) Discard(ctx context.Context, by portal.Address, seq int64, reason string) error {
	j, err := s.Job(ctx, seq)
	if err != nil {
		return err
	}
	line := portal.SyncTransaction{At: s.o.Now(), Direction: j.Direction, What: "discard", Mailbox: j.Mailbox, Server: s.known().serverOf(j.Mailbox), Subject: j.Subject,
		Result: "done", Cause: reason, By: string(by)}
	line.CRM, line.UID = j.Key, ""
	if uid, ok := cutUID(j.Key); ok {
		line.CRM, line.UID = "", uid
	}
	if err := s.l.DiscardSyncJob(ctx, seq, line); err != nil {
		return err
	}
	s.o.Told()
	return nil
}

// Log gives lines of the transaction log, the newest first.
func (s *Service) Log(ctx context.Context, f portal.SyncLogFilter) ([]portal.SyncTransaction, error) {
	return s.l.SyncLog(ctx, f)
}

// Release lets what the mass deletion of a mailbox (or, "crm", of CRM) holds be carried.
func (s *Service) Release(ctx context.Context, by, mailbox portal.Address) error {
	if err := s.unhold(ctx, mailbox); err != nil {
		return err
	}
	line := portal.SyncTransaction{At: s.o.Now(), What: "release", Mailbox: mailbox, Result: "done", By: string(by)}
	if mailbox != sourceCRM {
		if _, err := s.l.ReleaseSyncJobs(ctx, mailbox, line); err != nil {
			return err
		}
	} else {
		if err := s.eachHeld(ctx, mailbox, func(list []portal.SyncJob) error { return s.l.AddSyncJobs(ctx, waitingAgain(list, false)) }); err != nil {
			return err
		}
		if err := s.l.LogSync(ctx, line); err != nil {
			return err
		}
	}
	s.freed(mailbox)
	return nil
}

// freed tells that a source is held no longer.
func (s *Service) freed(source portal.Address) {
	s.o.Incident(Incident{Kind: keyHeld, Mailbox: source, Server: s.known().serverOf(source), At: s.o.Now(), Over: true})
	s.o.Told()
	s.ringWork()
	if source == sourceCRM {
		ring(s.rang)
	} else {
		s.Rang(source)
	}
}

// unhold takes the hold off a source's cursor. The jobs are for the caller.
func (s *Service) unhold(ctx context.Context, source portal.Address) error {
	unlock := s.items.lock(source)
	defer unlock()
	c, err := s.l.SyncCursor(ctx, string(source))
	if err != nil {
		return err
	}
	if !c.Held {
		return portal.Fail(portal.ErrConflict, keyNotHeld)
	}
	c.Source, c.Held = string(source), false
	if err := s.l.SaveSyncIntake(ctx, portal.SyncIntake{Cursor: c}); err != nil {
		return err
	}
	s.swell.forget(string(source))
	s.boxes.change(source, func(b *box) { b.held = false })
	if source == sourceCRM {
		s.crmHeld.Store(false)
	}
	return nil
}

// eachHeld gives the jobs that a source's hold holds, some at a time.
func (s *Service) eachHeld(ctx context.Context, source portal.Address, do func([]portal.SyncJob) error) error {
	f := portal.SyncQueueFilter{State: portal.JobHeld, Direction: portal.ToCRM, Mailbox: source, Limit: manualPage}
	if source == sourceCRM {
		f.Direction, f.Mailbox = portal.ToExchange, ""
	}
	for {
		list, err := s.l.SyncJobs(ctx, f)
		if err != nil || len(list) == 0 {
			return err
		}
		f.After = list[len(list)-1].Seq
		list = slices.DeleteFunc(list, func(j portal.SyncJob) bool { return j.Reason != keyHeld })
		if err := do(list); err != nil {
			return err
		}
	}
}

// waitingAgain makes jobs wait again; quiet: nobody gets mail of them.
func waitingAgain(list []portal.SyncJob, quiet bool) []portal.SyncJob {
	out := slices.Clone(list)
	for i := range out {
		out[i].State, out[i].Reason, out[i].Cause, out[i].Tries = portal.JobWaiting, "", "", 0
		out[i].Quiet = out[i].Quiet || quiet
	}
	return out
}

// Restore undoes, on the side where it was made, the mass deletion that a mailbox (or, "crm", CRM) is held for: entries are made
// anew in the mailbox, records live again. Nobody gets mail.
func (s *Service) Restore(ctx context.Context, by, mailbox portal.Address) error {
	restore := s.restoreEntry
	if mailbox == sourceCRM {
		restore = s.restoreRecord
	}
	c, err := s.l.SyncCursor(ctx, string(mailbox))
	if err != nil {
		return err
	}
	if !c.Held {
		return portal.Fail(portal.ErrConflict, keyNotHeld)
	}
	err = s.eachHeld(ctx, mailbox, func(list []portal.SyncJob) error {
		for _, j := range list {
			if err := restore(ctx, j); err != nil {
				return fmt.Errorf("restore %s: %w", j.Key, err)
			}
		}
		return nil
	})
	if err == nil && mailbox != sourceCRM {
		err = s.restoreRenewed(ctx, mailbox)
	}
	if err != nil {
		return err
	}
	if err := s.unhold(ctx, mailbox); err != nil {
		return err
	}
	if err := s.l.LogSync(ctx, portal.SyncTransaction{At: s.o.Now(), What: "restore", Mailbox: mailbox, Result: "done", By: string(by)}); err != nil {
		return err
	}
	s.freed(mailbox)
	return nil
}

// restoreRenewed restores the entries of a held mailbox whose jobs are not held at this moment: a guest's copy made them look again, and
// they wait for their try.
func (s *Service) restoreRenewed(ctx context.Context, mailbox portal.Address) error {
	f := portal.SyncQueueFilter{State: portal.JobWaiting, Direction: portal.ToCRM, Limit: manualPage}
	for {
		list, err := s.l.SyncJobs(ctx, f)
		if err != nil || len(list) == 0 {
			return err
		}
		f.After = list[len(list)-1].Seq
		for _, j := range list {
			gone, err := s.wentFrom(ctx, mailbox, j)
			if err == nil && gone {
				j.Mailbox = mailbox
				err = s.restoreEntry(ctx, j)
			}
			if err != nil {
				return fmt.Errorf("restore %s: %w", j.Key, err)
			}
		}
	}
}

// wentFrom reports whether the entry that a job is about was in a mailbox and is gone there.
func (s *Service) wentFrom(ctx context.Context, mailbox portal.Address, j portal.SyncJob) (bool, error) {
	w := s.begin(j)
	uid, err := w.gatherRecord(ctx)
	if err == nil {
		err = w.gatherPair(ctx, uid)
	}
	if err != nil || w.pair == nil || w.pair.Mailbox != mailbox || w.pair.RemoteID == "" {
		return false, err
	}
	it, err := s.l.SyncItem(ctx, mailbox, w.pair.RemoteID)
	if errors.Is(err, portal.ErrNotFound) {
		return false, nil
	}
	return err == nil && !it.Gone.IsZero(), err
}

// restoreEntry forgets that an entry was agreed and that it went, so that the record is carried as one that Exchange never had.
func (s *Service) restoreEntry(ctx context.Context, j portal.SyncJob) error {
	w := s.begin(j)
	uid, err := w.gatherRecord(ctx)
	if err != nil {
		return err
	}
	out := portal.SyncOutcome{Job: &j}
	if r := w.f.Record; r != nil && r.Gone.IsZero() {
		if err := w.gatherPair(ctx, uid); err != nil {
			return err
		}
		if w.pair != nil && w.pair.Mailbox == j.Mailbox {
			out.DropPair = w.pair.CRM
			next := renewed(j, s.o.Now())
			next.Key, next.Direction, next.Mailbox, next.Quiet = r.ID, portal.ToExchange, w.k.home(r, *w.pair), true
			out.Jobs = append(out.Jobs, next)
		}
	}
	items, err := s.l.SyncItemsByUID(ctx, uid)
	if err != nil {
		return err
	}
	for _, it := range items {
		if it.Mailbox == j.Mailbox && !it.Gone.IsZero() {
			out.DropItems = append(out.DropItems, it)
		}
	}
	return s.l.EndSyncJob(ctx, out)
}

// restoreRecord lets a record that was deleted live again.
func (s *Service) restoreRecord(ctx context.Context, j portal.SyncJob) error {
	r, err := s.record(ctx, j.Key)
	if err != nil && !errors.Is(err, portal.ErrNotFound) {
		return err
	}
	if err == nil && !r.Gone.IsZero() {
		r.Gone = noTime
		if r.Status == portal.StatusCancelled {
			r.Status = portal.StatusPending
		}
		r.ChangedAt, r.ChangedBy = s.o.Now(), portal.CRMSync
		if _, err := s.crm.Put(ctx, r, false); err != nil {
			return err
		}
	}
	return s.l.AddSyncJobs(ctx, waitingAgain([]portal.SyncJob{j}, true))
}
