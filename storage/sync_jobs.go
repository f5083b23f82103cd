package storage

import (
	"context"

	"portico/app/portal"
)

// The queue of the synchronisation: its jobs, how they come and how they end.

const selectJobs = `SELECT seq, key, direction, mailbox, subject, starts_at, state, tries, not_before, reason, cause, made_at, changed_at, quiet, renewals FROM sync_jobs `

func scanJob(scan scanFunc) (j portal.SyncJob, err error) {
	var (
		start, due, made, changed int64
		quiet                     int
	)
	err = scan(&j.Seq, &j.Key, &j.Direction, &j.Mailbox, &j.Subject, &start, &j.State, &j.Tries, &due, &j.Reason, &j.Cause, &made, &changed, &quiet, &j.Renewals)
	j.Start, j.NotBefore, j.MadeAt, j.ChangedAt, j.Quiet = instant(start), instant(due), instant(made), instant(changed), quiet != 0
	return j, err
}

func (s *Store) jobs(ctx context.Context, what, query string, args ...any) ([]portal.SyncJob, error) {
	var list []portal.SyncJob
	err := s.all(ctx, what, query, args, func(scan scanFunc) error {
		j, err := scanJob(scan)
		list = append(list, j)
		return err
	})
	return list, err
}

// AddSyncJobs adds jobs, or renews those of their Key and Direction.
func (s *Store) AddSyncJobs(ctx context.Context, jobs []portal.SyncJob) error {
	return s.write(ctx, "add sync jobs", func(t *txn) error { return t.addJobs(jobs) })
}

// addJobs adds jobs. One that is there is renewed: it keeps its Seq and MadeAt, counts no tries and takes the rest of the new one;
// quiet it stays only where both are.
func (t *txn) addJobs(jobs []portal.SyncJob) error {
	for i := range jobs {
		j := &jobs[i]
		if j.Key == "" || j.Direction == "" {
			return invalid("a job needs a key and a direction")
		}
		state := j.State
		if state == "" {
			state = portal.JobWaiting
		}
		if err := t.exec(`INSERT INTO sync_jobs (key, direction, mailbox, subject, starts_at, state, tries, not_before, ready, reason, cause,
			made_at, changed_at, quiet, renewals, words) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (key, direction) DO UPDATE SET mailbox = excluded.mailbox, subject = excluded.subject, starts_at = excluded.starts_at,
			state = excluded.state, tries = 0, not_before = excluded.not_before, ready = excluded.ready, reason = excluded.reason, cause = excluded.cause,
			changed_at = excluded.changed_at, quiet = sync_jobs.quiet * excluded.quiet, renewals = sync_jobs.renewals + 1, words = excluded.words`,
			j.Key, string(j.Direction), string(j.Mailbox), j.Subject, stamp(j.Start), state, j.Tries, stamp(j.NotBefore), flag(j.NotBefore.IsZero()),
			j.Reason, j.Cause, stamp(j.MadeAt), stamp(j.ChangedAt), flag(j.Quiet), j.Renewals, jobWords(j)); err != nil {
			return err
		}
	}
	return nil
}

func jobWords(j *portal.SyncJob) string { return searchable(j.Subject, j.Key, j.Cause) }

// EndSyncJob stores what came of a job, whole or not at all. A job that was renewed since, or discarded, is left as it is; the rest
// of the outcome is stored all the same. A stale pair, or a UID that another pair has, is ErrConflict.
func (s *Store) EndSyncJob(ctx context.Context, o portal.SyncOutcome) error {
	payloads, err := encodeItems(o.Items)
	if err != nil {
		return err
	}
	return s.write(ctx, "end sync job", func(t *txn) error {
		if err := t.endJob(o.Job, o.Again); err != nil {
			return err
		}
		if o.DropPair != "" {
			if err := t.exec(`DELETE FROM sync_pairs WHERE crm = ?`, o.DropPair); err != nil {
				return err
			}
		}
		if o.Pair != nil {
			if err := t.putPair(o.Pair); err != nil {
				return err
			}
		}
		if err := t.dropItems(o.DropItems); err != nil {
			return err
		}
		if err := t.putItems(o.Items, payloads); err != nil {
			return err
		}
		if err := t.addJobs(o.Jobs); err != nil {
			return err
		}
		if err := t.logSync(o.Log); err != nil {
			return err
		}
		for i := range o.Conflicts {
			if err := t.putConflict(&o.Conflicts[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

// endJob removes a job, or puts another in its place, where it is still the renewal that the worker began with.
func (t *txn) endJob(job, again *portal.SyncJob) error {
	if job == nil {
		return nil
	}
	if again == nil || again.Key != job.Key || again.Direction != job.Direction {
		n, err := t.affect(`DELETE FROM sync_jobs WHERE seq = ? AND renewals = ?`, job.Seq, job.Renewals)
		if err != nil || n == 0 || again == nil {
			return err
		}
		return t.addJobs([]portal.SyncJob{*again})
	}
	return t.exec(`UPDATE sync_jobs SET mailbox = ?, subject = ?, starts_at = ?, state = ?, tries = ?, not_before = ?, ready = ?, reason = ?, cause = ?,
		changed_at = ?, quiet = ?, words = ? WHERE seq = ? AND renewals = ?`,
		string(again.Mailbox), again.Subject, stamp(again.Start), again.State, again.Tries, stamp(again.NotBefore), flag(again.NotBefore.IsZero()),
		again.Reason, again.Cause, stamp(again.ChangedAt), flag(again.Quiet), jobWords(again), job.Seq, job.Renewals)
}

// RetrySyncJobs lets jobs (by Seq; none named: all that failed or wait for a retry) be tried now and gives how many. They count no
// tries. Where none is named it works in small writes among the others; the log's line is written with the first.
func (s *Store) RetrySyncJobs(ctx context.Context, seqs []int64, log portal.SyncTransaction) (int, error) {
	total := 0
	logged := false
	err := s.repeat(ctx, "retry sync jobs", func(t *txn) (bool, error) {
		if !logged {
			if err := t.logSync([]portal.SyncTransaction{log}); err != nil {
				return false, err
			}
		}
		n, err := t.retry(seqs)
		if err != nil {
			return false, err
		}
		logged = true
		total += int(n)
		return len(seqs) == 0 && n > 0, nil
	})
	return total, err
}

const setTriedNow = `UPDATE sync_jobs SET state = 'waiting', tries = 0, not_before = 0, ready = 1, reason = '', cause = '' `

func (t *txn) retry(seqs []int64) (n int64, err error) {
	if len(seqs) == 0 {
		failed, err := t.affect(setTriedNow+`WHERE seq IN (SELECT seq FROM sync_jobs WHERE state <> 'waiting' AND state = 'failed' LIMIT ?)`, slice)
		if err != nil {
			return 0, err
		}
		later, err := t.affect(setTriedNow+`WHERE seq IN (SELECT seq FROM sync_jobs WHERE state = 'waiting' AND ready = 0 LIMIT ?)`, slice)
		return failed + later, err
	}
	for _, seq := range seqs {
		one, err := t.affect(setTriedNow+`WHERE seq = ?`, seq)
		if err != nil {
			return 0, err
		}
		n += one
	}
	return n, nil
}

// ReleaseSyncJobs lets the jobs of a mailbox that are held be tried now and gives how many.
func (s *Store) ReleaseSyncJobs(ctx context.Context, mailbox portal.Address, log portal.SyncTransaction) (int, error) {
	var n int64
	err := s.write(ctx, "release sync jobs", func(t *txn) (err error) {
		if n, err = t.affect(setTriedNow+`WHERE mailbox = ? AND state <> 'waiting' AND state = 'held'`, string(mailbox)); err != nil {
			return err
		}
		return t.logSync([]portal.SyncTransaction{log})
	})
	return int(n), err
}

// DiscardSyncJob removes a job; ErrNotFound.
func (s *Store) DiscardSyncJob(ctx context.Context, seq int64, log portal.SyncTransaction) error {
	return s.write(ctx, "discard sync job", func(t *txn) error {
		n, err := t.affect(`DELETE FROM sync_jobs WHERE seq = ?`, seq)
		if err != nil {
			return err
		}
		if n == 0 {
			return portal.Fail(portal.ErrNotFound, keyNothing)
		}
		return t.logSync([]portal.SyncTransaction{log})
	})
}
