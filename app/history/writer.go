package history

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"portico/app/portal"
)

// The writer: puts conversations that have rested into Exchange's Conversation History, one item each, one at a time for a mailbox.
//
// The store is the queue, so nothing is lost when Exchange or the portal is away. Before a try it is noted that there may be an
// item from now on; the item carries the episode's stamp, by which a repeat finds it. So a portal that is killed between
// writing and noting updates the one item there is.

// Where policy lets nothing be kept (portal.Saving.Forbidden) an episode is not written but forgotten when it is over.

// Run writes until ctx ends and its tries under way have returned. Without Exchange it takes what waits for not to be kept, so that
// nothing piles up.
func (s *Service) Run(ctx context.Context) error {
	w := &writing{s: s, busy: map[portal.Address]bool{}, done: make(chan portal.Address, s.o.Parallel)}
	defer w.crew.Wait()
	every := time.NewTicker(s.o.Every)
	defer every.Stop()
	for {
		w.start(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-every.C:
		case <-s.nudge:
		case who := <-w.done:
			delete(w.busy, who)
		}
	}
}

// writing is what Run keeps: whose mailboxes are written to now, never more than Options.Parallel.
type writing struct {
	s    *Service
	busy map[portal.Address]bool
	// done has room for everyone who is busy, so that nobody waits for Run.
	done chan portal.Address
	crew sync.WaitGroup
}

// start begins as many tries as there is room for.
func (w *writing) start(ctx context.Context) {
	room := w.s.o.Parallel - len(w.busy)
	if room <= 0 || ctx.Err() != nil {
		return
	}
	due, err := w.s.store.DueNotes(ctx, w.s.o.Now().Add(-w.s.o.Rest), w.s.o.Parallel)
	if err != nil {
		if ctx.Err() == nil {
			w.s.o.Logger.WarnContext(ctx, "conversations to be kept in Exchange not read", "err", err)
		}
		return
	}
	for _, n := range due {
		if room == 0 {
			return
		}
		if w.busy[n.Owner] {
			continue
		}
		w.busy[n.Owner] = true
		room--
		w.crew.Go(func() {
			w.s.settle(ctx, n)
			w.done <- n.Owner
		})
	}
}

// settle makes one try and notes what came of it. What cannot be noted is tried again after a pause.
func (s *Service) settle(ctx context.Context, n portal.HistoryNote) {
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	err := s.try(ctx, n)
	if err == nil || ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return // done, or the portal is ending: the next start goes on
	}
	if err := s.failed(context.WithoutCancel(ctx), n, err); err != nil {
		s.o.Logger.ErrorContext(ctx, "outcome of keeping a conversation not noted", "owner", n.Owner, "episode", n.ID, "err", err)
		s.pause(ctx)
	}
}

// pause waits a little, so that trouble with the store is not a busy loop.
func (s *Service) pause(ctx context.Context) {
	timer := time.NewTimer(min(s.o.FirstRetry, 5*time.Second))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// errStore marks an error that is the store's and says nothing about Exchange.
type errStore struct{ error }

func (e errStore) Unwrap() error { return e.error }

func stored(err error) error {
	if err == nil {
		return nil
	}
	return errStore{err}
}

func (s *Service) try(ctx context.Context, n portal.HistoryNote) error {
	if s.mail == nil && n.Gone {
		return stored(s.store.NoteWritten(ctx, n, "", ""))
	}
	if n.Gone {
		return s.remove(ctx, n)
	}
	saving, err := s.o.Saving(ctx, n.Owner)
	if err != nil {
		return stored(err)
	}
	if saving.Forbidden {
		return s.forget(ctx, n)
	}
	if s.mail == nil || !saving.History {
		return stored(s.store.KeepNothing(ctx, n.Owner))
	}
	lines, err := s.said(ctx, n)
	if err != nil {
		return stored(err)
	}
	if len(lines) == 0 && n.Kind == portal.EpisodeGroup && n.Conversation != "" && (n.ItemID != "" || n.Begun) { // all of it was taken back
		return s.remove(ctx, n)
	}
	if len(lines) == 0 { // all of it was said while nothing was to be kept, or it was deleted just now
		return stored(s.store.NoteWritten(ctx, n, n.ItemID, n.ChangeKey))
	}
	switch err := s.store.NoteBegun(ctx, n); {
	case errors.Is(err, portal.ErrNotFound): // deleted just now
		return nil
	case err != nil:
		return stored(err)
	}
	item, change, err := s.mail.WriteNote(ctx, n.Owner, s.item(ctx, n, lines))
	if err != nil {
		return err
	}
	s.o.Counted("written")
	return stored(s.store.NoteWritten(ctx, n, item, change))
}

// forget takes what nobody may keep out of the archive once it is over and read.
func (s *Service) forget(ctx context.Context, n portal.HistoryNote) error {
	forgotten, err := s.store.Forget(ctx, n)
	if err != nil {
		return stored(err)
	}
	if forgotten > 0 {
		s.o.Counted("forgotten")
		s.o.Changed(n.Owner)
	}
	return nil
}

// said are an episode's messages without those that were said while nothing was to be kept.
func (s *Service) said(ctx context.Context, n portal.HistoryNote) ([]portal.Line, error) {
	var lines []portal.Line
	after := int64(0)
	for {
		page, err := s.store.Lines(ctx, n.Episode, after, linesPage)
		if err != nil {
			return nil, err
		}
		for _, l := range page {
			after = l.Order
			if !slices.ContainsFunc(n.Skip, func(r portal.OrderRange) bool { return r.First <= l.Order && l.Order <= r.Last }) {
				lines = append(lines, l)
			}
		}
		if len(page) < linesPage {
			return lines, nil
		}
	}
}

// remove deletes the item of a deleted episode. One whose id was never noted is found by writing over it.
func (s *Service) remove(ctx context.Context, n portal.HistoryNote) error {
	item := n.ItemID
	if item == "" && n.Begun {
		var err error
		if item, _, err = s.mail.WriteNote(ctx, n.Owner, s.item(ctx, n, nil)); err != nil && !errors.Is(err, portal.ErrNotFound) {
			return err
		}
	}
	if item != "" {
		if err := s.mail.DeleteNote(ctx, n.Owner, item); err != nil && !errors.Is(err, portal.ErrNotFound) {
			return err
		}
		s.o.Counted("deleted")
	}
	return stored(s.store.NoteWritten(ctx, n, "", ""))
}

// failed notes why a try failed and when the next one is due.
func (s *Service) failed(ctx context.Context, n portal.HistoryNote, why error) error {
	own := errStore{}
	meaning := portal.Meaning(why)
	switch {
	case errors.As(why, &own):
		return why
	case meaning == portal.ErrNotFound && n.ItemID != "":
		s.o.Counted("gone")
		return s.store.NoteFailed(ctx, n, "", true, time.Time{})
	case meaning == portal.ErrUnavailable, meaning == portal.ErrTooMany, errors.Is(why, context.DeadlineExceeded):
		s.o.Counted("retried")
		s.o.Logger.InfoContext(ctx, "conversation not kept in Exchange yet", "owner", n.Owner, "episode", n.ID, "tries", n.Tries+1, "err", why)
		return s.store.NoteFailed(ctx, n, portal.Reason(why), false, s.again(n.Tries, why))
	case meaning == portal.ErrInvalid, meaning == portal.ErrForbidden, n.Tries+1 >= s.o.GiveUp:
		s.o.Counted("refused")
		s.o.Logger.WarnContext(ctx, "conversation refused by Exchange", "owner", n.Owner, "episode", n.ID, "err", why)
		return s.store.NoteFailed(ctx, n, portal.Reason(why), true, time.Time{})
	}
	s.o.Counted("retried")
	s.o.Logger.WarnContext(ctx, "conversation not kept in Exchange", "owner", n.Owner, "episode", n.ID, "tries", n.Tries+1, "err", why)
	return s.store.NoteFailed(ctx, n, portal.Reason(why), false, s.again(n.Tries, why))
}

// again is when the next try is due: later with each failure, never earlier than the server asks for, with some jitter so that
// not all mailboxes come back at once.
func (s *Service) again(tries int, why error) time.Time {
	wait := s.o.MaxRetry
	if tries < 20 {
		wait = min(s.o.FirstRetry<<tries, s.o.MaxRetry)
	}
	var e *portal.Error
	if errors.As(why, &e) && e.RetryAfter > wait {
		wait = e.RetryAfter
	}
	return s.o.Now().Add(wait*4/5 + rand.N(wait*2/5+1))
}
