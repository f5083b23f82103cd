package calsync

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"portico/app/portal"
)

// Reading the mailboxes: what changed since the last state goes into the ledger with the state after it and a job for each
// appointment that has to be looked at. A bell says nothing but that it is time to read.

// sweepBatch is how many copies that a full reading did not see are looked for in one step.
const sweepBatch = 100

// readers reads the mailboxes that rang or are due, some at a time.
func (s *Service) readers(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	slots := make(chan struct{}, s.o.Readers)
	for {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return g.Wait()
		}
		who, next, ok := s.boxes.take(s.o.Now())
		if ok {
			g.Go(func() error {
				defer func() { <-slots }()
				return s.readBox(ctx, who)
			})
			continue
		}
		<-slots
		if !s.until(ctx, next, s.boxes.bell) {
			return g.Wait()
		}
	}
}

// until waits for a ring or a time (zero: none); false: ctx is done.
func (s *Service) until(ctx context.Context, at time.Time, bell <-chan struct{}) bool {
	var due <-chan time.Time
	if !at.IsZero() {
		t := time.NewTimer(max(at.Sub(s.o.Now()), 0))
		defer t.Stop()
		due = t.C
	}
	select {
	case <-bell:
	case <-due:
	case <-ctx.Done():
		return false
	}
	return true
}

// readBox reads a mailbox that was taken, and says when it is due again.
func (s *Service) readBox(ctx context.Context, who portal.Address) error {
	err := s.readMailbox(ctx, who)
	if ctx.Err() != nil || errors.Is(err, errCrashed) {
		return err
	}
	now := s.o.Now()
	if errors.Is(err, errForgotten) { // who was switched on again meanwhile is read from the beginning
		s.boxes.gave(who, now, now, func(*box) {})
		return nil
	}
	if err == nil {
		s.o.Read("exchange", "done")
		s.answered(who)
		was, _ := s.boxes.look(who)
		s.boxes.gave(who, now.Add(s.reconcile(was.bell)), now, func(b *box) { b.tries, b.lost, b.readAt, b.told = 0, nil, now, false })
		if was.told {
			s.o.Incident(Incident{Kind: keyLost, Mailbox: who, Server: was.server, At: now, Over: true})
		}
		if was.lost != nil || !was.loaded {
			s.o.Told()
		}
		return nil
	}
	s.unreadable(who, err, now)
	return nil
}

// unreadable notes that a mailbox could not be read: nothing is concluded from that, it is tried again.
func (s *Service) unreadable(who portal.Address, err error, now time.Time) {
	s.o.Read("exchange", "failed")
	s.say(levelFailures, who, "cannot be read: %v", err)
	was, _ := s.boxes.look(who)
	at := now.Add(s.interval(was.tries+1, err))
	if passing(err) {
		s.silent(who, err)
	}
	// Servers that do not answer are told of as servers; of a mailbox, when it is not they.
	tell := !was.told && !passing(err)
	s.boxes.gave(who, at, now, func(b *box) {
		b.tries++
		b.lost = err
		b.told = b.told || tell
	})
	if tell {
		s.o.Logger.Warn("calsync: a mailbox cannot be read", "mailbox", who, "err", err)
		s.o.Incident(Incident{Kind: keyLost, Mailbox: who, Server: was.server, Cause: err.Error(), At: now})
	}
	s.o.Told()
}

// reconcile is how long after a reading the next is due although no bell rang, give or take a fifth.
func (s *Service) reconcile(bell bool) time.Duration {
	d := s.o.Reconcile
	if !bell {
		d = s.o.ReconcileBlind
	}
	return s.about(d)
}

// reading is the cursor of a mailbox that is being read.
type reading struct {
	portal.SyncCursor
	// was is the cursor as it was stored last; swelled: since then more was found gone than is carried unasked.
	was     portal.SyncCursor
	swelled bool
}

// errForgotten is the end of a reading of a mailbox that was switched off meanwhile: what it began from is no longer known.
var errForgotten = errors.New("the mailbox was switched off while it was read")

// forget forgets a mailbox that is no longer synchronised. A reading of it that is under way stores nothing afterwards.
func (s *Service) forget(ctx context.Context, who portal.Address) error {
	unlock := s.items.lock(who)
	defer unlock()
	return s.l.DropSyncMailbox(ctx, who)
}

// readMailbox reads a mailbox to the end of its changes.
func (s *Service) readMailbox(ctx context.Context, who portal.Address) error {
	s.boxes.change(who, func(b *box) { b.whole = false })
	for {
		stored, err := s.l.SyncCursor(ctx, string(who))
		if err != nil {
			return err
		}
		stored.Source = string(who)
		c := &reading{SyncCursor: stored, was: stored}
		asked := s.o.Now() // what is written from here on may not be in the answer
		var d portal.CalendarDelta
		err = s.call(ctx, func(ctx context.Context) (err error) {
			d, err = s.x.Changes(ctx, who, who, c.State)
			return err
		})
		if err != nil {
			return err
		}
		if d.More && d.State == c.State {
			return portal.Fail(portal.ErrUnavailable, keyInternal).Because(errors.New("the server has more to tell after the same state"))
		}
		if err := s.takeDelta(ctx, who, c, d, asked); err != nil {
			return err
		}
		if d.More {
			continue
		}
		if c.Sweeping {
			if err := s.sweep(ctx, who, c); err != nil {
				return err
			}
		}
		if c.Loaded {
			return nil
		}
		return s.loaded(ctx, who, c)
	}
}

// waitingBatch is how many jobs of a mailbox's first reading are stored in one step.
const waitingBatch = 500

// loaded ends the first reading of a mailbox: what waits for it in CRM is stored some at a time, and with the last that it has been read.
func (s *Service) loaded(ctx context.Context, who portal.Address, c *reading) error {
	jobs, err := s.waiting(ctx, who)
	if err != nil {
		return err
	}
	s.boxes.change(who, func(b *box) { b.whole = true }) // what is stored from here on need not wait for the rest
	for ; len(jobs) > waitingBatch; jobs = jobs[waitingBatch:] {
		if err := s.intake(ctx, who, c, portal.SyncIntake{Jobs: jobs[:waitingBatch]}); err != nil {
			return err
		}
	}
	c.Loaded = true
	return s.intake(ctx, who, c, portal.SyncIntake{Jobs: jobs})
}

// waiting are jobs for what CRM has of somebody whose mailbox has been read for the first time. Nobody gets mail about what was there
// before their synchronisation was switched on.
func (s *Service) waiting(ctx context.Context, who portal.Address) ([]portal.SyncJob, error) {
	var list []portal.CRMAppointment
	err := s.call(ctx, func(ctx context.Context) (err error) {
		list, err = s.crm.RecordsOf(ctx, who)
		return err
	})
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(list))
	for i := range list {
		ids[i] = list[i].ID
	}
	pairs, err := s.l.SyncPairsOf(ctx, ids)
	if err != nil {
		return nil, err
	}
	var out []portal.SyncJob
	now := s.o.Now()
	for i := range list {
		r := &list[i]
		p := pairs[r.ID]
		if p.RemoteID != "" && p.Revision == r.Revision && r.Calendar == who { // of another's, who has come to it is news
			continue
		}
		since := s.known().byWho[who].Since
		quiet := since.IsZero() || r.InvitedAt.IsZero() || !r.InvitedAt.After(since)
		j := jobOf(r.ID, portal.ToExchange, s.known().home(r, p), &r.Appointment, now, quiet)
		j.ChangedAt = r.ChangedAt
		out = append(out, j)
	}
	return out, nil
}

// takeDelta stores one page of changes.
func (s *Service) takeDelta(ctx context.Context, who portal.Address, c *reading, d portal.CalendarDelta, asked time.Time) error {
	if err := s.fault("read"); err != nil {
		return err
	}
	if d.Reset {
		c.Generation++
		c.Sweeping = true
	}
	in := portal.SyncIntake{}
	now := s.o.Now()
	if err := s.takeChanged(ctx, who, c, newest(d.Changed), asked, &in); err != nil {
		return err
	}
	gone, err := s.goneOf(ctx, who, d.Gone, now)
	if err != nil {
		return err
	}
	if err := s.takeGone(ctx, who, c, gone, &in); err != nil {
		return err
	}
	c.State, c.ReadAt = d.State, now
	s.say(levelRead, who, "read: %d changed, %d gone, %d to look at", len(d.Changed), len(d.Gone), len(in.Jobs))
	return s.intake(ctx, who, c, in)
}

// intake stores what was read and wakes whom it concerns.
func (s *Service) intake(ctx context.Context, who portal.Address, c *reading, in portal.SyncIntake) error {
	s.holdOff(in.Jobs)
	if err := s.store(ctx, who, c, &in); err != nil {
		return err
	}
	n, err := s.l.CountSyncItems(ctx, who)
	if err != nil {
		return err
	}
	s.boxes.change(who, func(b *box) { b.items = n })
	if err := s.fault("intake"); err != nil {
		return err
	}
	if err := s.switchedOn(ctx, in.Jobs); err != nil {
		return err
	}
	if len(in.Jobs) > 0 {
		s.ringWork()
	}
	return nil
}

// store stores a step of reading, unless its mailbox was forgotten since the last. A hold that somebody took off meanwhile stays off.
func (s *Service) store(ctx context.Context, who portal.Address, c *reading, in *portal.SyncIntake) error {
	unlock := s.items.lock(who)
	defer unlock()
	if !s.known().byWho[who].Synced() {
		return errForgotten
	}
	now, err := s.l.SyncCursor(ctx, string(who))
	if err != nil {
		return err
	}
	if now.State != c.was.State || now.Generation != c.was.Generation || now.Loaded != c.was.Loaded {
		return errForgotten
	}
	if c.Held = now.Held || c.swelled; !c.Held {
		for i := range in.Jobs {
			if j := &in.Jobs[i]; j.State == portal.JobHeld && j.Reason == keyHeld {
				j.State, j.Reason = portal.JobWaiting, ""
			}
		}
		s.holdOff(in.Jobs)
	}
	in.Cursor = c.SyncCursor
	if err := s.l.SaveSyncIntake(ctx, *in); err != nil {
		return err
	}
	c.was, c.swelled = c.SyncCursor, false
	s.boxes.change(who, func(b *box) { b.loaded, b.held = c.Loaded, c.Held })
	return nil
}

// newest leaves of entries that are told more than once the last word.
func newest(list []portal.Entry) []portal.Entry {
	last := make(map[string]int, len(list))
	for i := range list {
		last[list[i].RemoteID] = i
	}
	if len(last) == len(list) {
		return list
	}
	var out []portal.Entry
	for i := range list {
		if last[list[i].RemoteID] == i {
			out = append(out, list[i])
		}
	}
	return out
}

// takeChanged adds copies that are there, and a job for each of which something is new.
func (s *Service) takeChanged(ctx context.Context, who portal.Address, c *reading, list []portal.Entry, now time.Time, in *portal.SyncIntake) error {
	uids := make([]string, 0, len(list))
	var stamps []string
	for i := range list {
		uids = append(uids, list[i].UID)
		if strings.HasPrefix(list[i].ChangeID, portal.CRMPrefix) {
			stamps = append(stamps, list[i].ChangeID)
		}
	}
	byUID, err := s.l.SyncPairsByUIDs(ctx, uids)
	if err != nil {
		return err
	}
	byID, err := s.l.SyncPairsOf(ctx, stamps)
	if err != nil {
		return err
	}
	for _, e := range list {
		e.Calendar = who
		old, err := s.l.SyncItem(ctx, who, e.RemoteID)
		if err != nil && !errors.Is(err, portal.ErrNotFound) {
			return err
		}
		known := err == nil && old.Gone.IsZero()
		in.Items = append(in.Items, portal.SyncItem{Mailbox: who, Entry: e, Generation: c.Generation, ReadAt: now})
		p, paired := byUID[e.UID]
		if echo(who, &e, p, paired, known, &old) {
			gone := false
			if !c.Loaded { // it may have been deleted in CRM while nobody could tell its mailbox
				if gone, err = s.goneInCRM(ctx, p); err != nil {
					return err
				}
			}
			if !gone {
				continue
			}
		}
		key := "uid:" + e.UID
		if paired {
			key = p.CRM
		} else if strings.HasPrefix(e.ChangeID, portal.CRMPrefix) && byID[e.ChangeID].RemoteID == "" { // else it is a copy of another
			key = e.ChangeID
		}
		in.Jobs = append(in.Jobs, jobOf(key, portal.ToCRM, who, &e.Appointment, now, !c.Loaded))
		if c.Held {
			hold(&in.Jobs[len(in.Jobs)-1])
		}
	}
	return nil
}

// goneInCRM reports whether the record of a pair was deleted.
func (s *Service) goneInCRM(ctx context.Context, p portal.SyncPair) (bool, error) {
	r, err := s.record(ctx, p.CRM)
	if errors.Is(err, portal.ErrNotFound) {
		return false, nil
	}
	return err == nil && !r.Gone.IsZero(), err
}

// echo reports whether nothing about a copy is new: it is our own work, or was read in this very state.
func echo(who portal.Address, e *portal.Entry, p portal.SyncPair, paired, known bool, old *portal.SyncItem) bool {
	if !paired {
		return false
	}
	if p.Mailbox == who && p.RemoteID == e.RemoteID {
		return p.ChangeKey == e.ChangeKey
	}
	return known && old.Entry.ChangeKey == e.ChangeKey
}

// jobOf makes the job for an appointment that was seen changed.
func jobOf(key string, d portal.Direction, who portal.Address, a *portal.Appointment, now time.Time, quiet bool) portal.SyncJob {
	j := portal.SyncJob{Key: key, Direction: d, Mailbox: who, Subject: a.Subject, Start: a.Start, State: portal.JobWaiting, MadeAt: now, ChangedAt: a.UpdatedAt, Quiet: quiet}
	if a.Private {
		j.Subject = ""
	}
	if j.ChangedAt.After(now) {
		j.ChangedAt = now // a clock ahead of ours
	}
	return j
}

// goneOf are the copies that left a mailbox, as they were read last; those that nobody knew are left out.
func (s *Service) goneOf(ctx context.Context, who portal.Address, remote []string, now time.Time) ([]portal.SyncItem, error) {
	var out []portal.SyncItem
	for _, id := range remote {
		it, err := s.l.SyncItem(ctx, who, id)
		if errors.Is(err, portal.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if it.Gone.IsZero() {
			it.Gone = now
			out = append(out, it)
		}
	}
	return out, nil
}

// takeGone adds copies that are no more, each with its job; more of them than may go unasked are held.
func (s *Service) takeGone(ctx context.Context, who portal.Address, c *reading, gone []portal.SyncItem, in *portal.SyncIntake) error {
	if len(gone) == 0 {
		return nil
	}
	n, err := s.l.CountSyncItems(ctx, who)
	if err != nil {
		return err
	}
	now := s.o.Now()
	if !c.Held && s.swell.add(string(who), len(gone), now) > maxShare(s.known().settings, n) {
		c.Held, c.swelled = true, true
		s.heldNow(who, len(gone), now)
	}
	uids := make([]string, 0, len(gone))
	for i := range gone {
		uids = append(uids, gone[i].Entry.UID)
	}
	pairs, err := s.l.SyncPairsByUIDs(ctx, uids)
	if err != nil {
		return err
	}
	for i := range gone {
		e := &gone[i].Entry
		key := "uid:" + e.UID
		if p, ok := pairs[e.UID]; ok {
			key = p.CRM
		}
		j := jobOf(key, portal.ToCRM, who, &e.Appointment, now, !c.Loaded)
		j.ChangedAt = time.Time{}
		if c.Held {
			hold(&j)
		}
		in.Items = append(in.Items, gone[i])
		in.Jobs = append(in.Jobs, j)
	}
	return nil
}

// sweep looks for what a full reading did not see. Only a mailbox that opens and does not have an entry has lost it: one that cannot
// be opened says nothing, and ends the sweep until it can be.
func (s *Service) sweep(ctx context.Context, who portal.Address, c *reading) error {
	for {
		old, err := s.l.SyncItemsOlder(ctx, who, c.Generation, sweepBatch)
		if err != nil {
			return err
		}
		if len(old) == 0 && !c.Loaded { // the intake that ends the first reading says so too
			c.Sweeping = false
			return nil
		}
		in := portal.SyncIntake{}
		now := s.o.Now()
		var gone []portal.SyncItem
		var there []portal.Entry
		for _, it := range old {
			e, err := s.entry(ctx, who, it.Entry.RemoteID)
			switch {
			case err == nil:
				there = append(there, e)
			case errors.Is(err, portal.ErrNotFound):
				it.Gone, it.Generation = now, c.Generation
				gone = append(gone, it)
			default:
				return fmt.Errorf("look for what a full reading did not see: %w", err)
			}
		}
		if err := s.takeChanged(ctx, who, c, there, now, &in); err != nil {
			return err
		}
		if err := s.takeGone(ctx, who, c, gone, &in); err != nil {
			return err
		}
		done := len(old) < sweepBatch
		if done {
			c.Sweeping = false
		}
		if err := s.intake(ctx, who, c, in); err != nil || done {
			return err
		}
	}
}

// entry reads one entry of a mailbox.
func (s *Service) entry(ctx context.Context, who portal.Address, remote string) (e portal.Entry, err error) {
	err = s.call(ctx, func(ctx context.Context) error {
		e, err = s.x.Entry(ctx, who, who, remote)
		return err
	})
	if err == nil {
		e.Calendar = who
	}
	return e, err
}

// madeUpUID is the UID of an entry to which its server gave none: the same whenever it is read.
func madeUpUID(who portal.Address, remote string) string {
	sum := sha256.Sum256([]byte(string(who) + "\x00" + remote))
	return "portico-" + base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:15])
}
