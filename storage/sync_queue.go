package storage

import (
	"context"
	"sync"
	"time"

	"portico/app/portal"
)

// Reading the queue of the synchronisation: what is due, spread over the mailboxes, and what stands in it.
//
// A job whose NotBefore has come is marked as ready, so that what is due is found by walking an index from mailbox to mailbox and
// taking a few from each: the price is that of what is asked for, not of what waits. The walk begins behind the mailbox where the
// last one ended and goes round, so that with more mailboxes than places each has its turn.

// turn is the mailbox where the last look for due jobs ended.
type turn struct {
	mu sync.Mutex
	at string
}

func (t *turn) get() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.at
}

func (t *turn) set(at string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.at = at
}

// DueSyncJobs gives up to limit waiting jobs whose NotBefore has come, of each mailbox at most per, the newest appointment first.
// The first of each mailbox come before the second ones.
func (s *Store) DueSyncJobs(ctx context.Context, now time.Time, per, limit int) ([]portal.SyncJob, error) {
	if per <= 0 || limit <= 0 {
		return nil, nil
	}
	if err := s.makeReady(ctx, now); err != nil {
		return nil, err
	}
	var (
		lists [][]portal.SyncJob // of each mailbox
		found int
	)
	round := mailboxRound{s: s, from: s.turn.get()}
	round.at = round.from
	for found < limit {
		ok, err := round.next(ctx)
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		jobs, err := s.jobs(ctx, "due sync jobs", selectJobs+`WHERE mailbox = ? AND state = 'waiting' AND ready = 1 AND +not_before <= ?
			ORDER BY starts_at DESC, seq LIMIT ?`, round.at, stamp(now), min(per, limit-found))
		if err != nil {
			return nil, err
		}
		lists = append(lists, jobs)
		found += len(jobs)
	}
	s.turn.set(round.at)
	return interleaved(lists, found), nil
}

// mailboxRound goes once round the mailboxes with jobs that are ready, by name: from behind one to the end, then from the
// beginning up to and with that one.
type mailboxRound struct {
	s        *Store
	from, at string
	again    bool // the end has been passed
}

// next goes to the next mailbox; false: the round is over.
func (r *mailboxRound) next(ctx context.Context) (bool, error) {
	next := ""
	found, err := r.s.one(ctx, "next sync mailbox", `SELECT mailbox FROM sync_jobs WHERE state = 'waiting' AND ready = 1 AND mailbox > ?
		ORDER BY mailbox LIMIT 1`, []any{r.at}, &next)
	if err == nil && !found && !r.again {
		r.again = true
		found, err = r.s.one(ctx, "first sync mailbox", `SELECT mailbox FROM sync_jobs WHERE state = 'waiting' AND ready = 1
			ORDER BY mailbox LIMIT 1`, nil, &next)
	}
	if err != nil || !found || r.again && next > r.from {
		return false, err
	}
	r.at = next
	return true, nil
}

// interleaved gives the first of each list, then the second of each, up to most.
func interleaved[T any](lists [][]T, most int) []T {
	var out []T
	for rank, more := 0, true; more; rank++ {
		more = false
		for _, list := range lists {
			if rank >= len(list) {
				continue
			}
			if more = true; len(out) == most {
				return out
			}
			out = append(out, list[rank])
		}
	}
	return out
}

// makeReady marks jobs whose time has come, those that have waited longest for it first; what one call leaves is the next one's.
func (s *Store) makeReady(ctx context.Context, now time.Time) error {
	var due int64
	found, err := s.one(ctx, "sync jobs to make ready", `SELECT not_before FROM sync_jobs WHERE state = 'waiting' AND ready = 0 ORDER BY not_before LIMIT 1`, nil, &due)
	if err != nil || !found || due > stamp(now) {
		return err
	}
	return s.write(ctx, "make sync jobs ready", func(t *txn) error {
		return t.exec(`UPDATE sync_jobs SET ready = 1 WHERE seq IN (SELECT seq FROM sync_jobs WHERE state = 'waiting' AND ready = 0 AND not_before <= ?
			ORDER BY not_before LIMIT ?)`, stamp(now), 2*slice)
	})
}

// NextSyncJob is when the next waiting job is due, a past time where one is already; zero: none waits.
func (s *Store) NextSyncJob(ctx context.Context) (time.Time, error) {
	var due, made int64
	found, err := s.one(ctx, "next sync job", `SELECT not_before, made_at FROM sync_jobs WHERE state = 'waiting' AND ready = 1 LIMIT 1`, nil, &due, &made)
	if err != nil {
		return time.Time{}, err
	}
	if found {
		return instant(max(due, made, 1)), nil // 0 would be none
	}
	if _, err = s.one(ctx, "next sync job", `SELECT not_before FROM sync_jobs WHERE state = 'waiting' AND ready = 0 ORDER BY not_before LIMIT 1`, nil, &due); err != nil {
		return time.Time{}, err
	}
	return instant(due), nil
}

// chosenJobs is what a filter's fields beside the one that the index is chosen by say.
const chosenJobs = `AND (? = '' OR state = ?) AND (? = '' OR direction = ?) AND (? = '' OR mailbox = ?) AND (? = '' OR words LIKE ? ESCAPE '\') ORDER BY seq LIMIT ?`

// SyncJobs gives jobs by Seq; without a limit up to 500.
func (s *Store) SyncJobs(ctx context.Context, f portal.SyncQueueFilter) ([]portal.SyncJob, error) {
	limit := f.Limit
	if limit <= 0 {
		limit = slice
	}
	text := containing(f.Text)
	rest := []any{f.State, f.State, string(f.Direction), string(f.Direction), string(f.Mailbox), string(f.Mailbox), text, text, limit}
	switch {
	case f.Mailbox != "":
		return s.jobs(ctx, "sync jobs", selectJobs+`WHERE mailbox = ? AND seq > ? `+chosenJobs, append([]any{string(f.Mailbox), f.After}, rest...)...)
	case f.State != "" && f.State != portal.JobWaiting:
		return s.jobs(ctx, "sync jobs", selectJobs+`WHERE state = ? AND state <> 'waiting' AND seq > ? `+chosenJobs, append([]any{f.State, f.After}, rest...)...)
	}
	return s.jobs(ctx, "sync jobs", selectJobs+`WHERE seq > ? `+chosenJobs, append([]any{f.After}, rest...)...)
}

// CountSyncJobs is the queue in numbers. Waiting are those that have not failed yet, Retrying those that have and will be tried again.
func (s *Store) CountSyncJobs(ctx context.Context) (portal.SyncQueueCounts, error) {
	var (
		n            portal.SyncQueueCounts
		ready, later int
	)
	for _, count := range []struct {
		query string
		n     *int
	}{
		{`SELECT COUNT(*) FROM sync_jobs WHERE state = 'waiting' AND ready = 1`, &ready},
		{`SELECT COUNT(*) FROM sync_jobs WHERE state = 'waiting' AND ready = 0`, &later},
		{`SELECT COUNT(*) FROM sync_jobs WHERE state = 'waiting' AND tries > 0`, &n.Retrying},
		{`SELECT COUNT(*) FROM sync_jobs WHERE state <> 'waiting' AND state = 'held'`, &n.Held},
		{`SELECT COUNT(*) FROM sync_jobs WHERE state <> 'waiting' AND state = 'failed'`, &n.Failed},
	} {
		if _, err := s.one(ctx, "count sync jobs", count.query, nil, count.n); err != nil {
			return n, err
		}
	}
	n.Waiting = max(ready+later-n.Retrying, 0) // another may end between them
	var oldest int64
	// Jobs keep their Seq and when they were made: the first is the oldest.
	_, err := s.one(ctx, "oldest sync job", `SELECT made_at FROM sync_jobs WHERE seq > 0 AND state = 'waiting' ORDER BY seq LIMIT 1`, nil, &oldest)
	n.Oldest = instant(oldest)
	return n, err
}
