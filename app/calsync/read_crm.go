package calsync

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"portico/app/portal"
)

// Reading CRM: its own change log, from the line after the last that was read, into jobs; a change of a user makes the settings
// and users be read anew.

// sourceCRM is the name of CRM's cursor.
const sourceCRM = "crm"

const (
	// crmPage is how many lines of the change log are read at once.
	crmPage = 200
	// crmLook is how often the change log is read although nobody rang.
	crmLook = time.Minute
)

// crmReader reads CRM's change log whenever it rings.
func (s *Service) crmReader(ctx context.Context) error {
	tries := 0
	for {
		changed := s.crm.Changed() // asked for before reading: what comes while it is read rings again
		err := s.readCRM(ctx)
		if ctx.Err() != nil || errors.Is(err, errCrashed) {
			return err
		}
		next := s.o.Now().Add(s.about(crmLook))
		if err != nil {
			tries++
			s.o.Read("crm", "failed")
			s.say(levelFailures, "", "CRM cannot be read: %v", err)
			s.o.Logger.WarnContext(ctx, "calsync: CRM cannot be read", "err", err)
			changed, next = nil, s.o.Now().Add(s.interval(tries, err))
		} else {
			tries = 0
			s.o.Read("crm", "done")
		}
		if !s.crmBell(ctx, next, changed) {
			return nil
		}
	}
}

// crmBell waits until CRM rang, somebody asked, or it is time; false: ctx is done.
func (s *Service) crmBell(ctx context.Context, at time.Time, changed <-chan struct{}) bool {
	t := time.NewTimer(max(at.Sub(s.o.Now()), 0))
	defer t.Stop()
	select {
	case <-changed:
	case <-s.rang:
	case <-t.C:
	case <-ctx.Done():
		return false
	}
	return true
}

// readCRM reads the change log to its end.
func (s *Service) readCRM(ctx context.Context) error {
	for {
		c, err := s.l.SyncCursor(ctx, sourceCRM)
		if err != nil {
			return err
		}
		c.Source = sourceCRM
		after, err := lineOf(c.State)
		if err != nil {
			return err
		}
		var list []portal.CRMChange
		err = s.call(ctx, func(ctx context.Context) (err error) {
			list, err = s.crm.Changes(ctx, after, crmPage)
			return err
		})
		if err != nil {
			return err
		}
		if len(list) == 0 && c.Loaded {
			return nil
		}
		if err := s.takeCRM(ctx, c, list); err != nil {
			return err
		}
	}
}

// lineOf reads the state of CRM's cursor.
func lineOf(state string) (int64, error) {
	if state == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(state, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("the state of CRM's cursor: %w", err)
	}
	return n, nil
}

// takeCRM stores one page of the change log.
func (s *Service) takeCRM(ctx context.Context, c portal.SyncCursor, list []portal.CRMChange) error {
	if err := s.fault("crm-read"); err != nil {
		return err
	}
	in := portal.SyncIntake{}
	now := s.o.Now()
	people := false
	last := map[string]portal.CRMChange{}
	var ids []string
	for _, ch := range list {
		people = people || ch.Kind == "user"
		c.State = strconv.FormatInt(ch.Seq, 10)
		if ch.Kind != "appointment" {
			continue
		}
		if _, ok := last[ch.ID]; !ok {
			ids = append(ids, ch.ID)
		}
		last[ch.ID] = ch
	}
	if people { // before the jobs: their owners may be among them
		if err := s.refresh(ctx); err != nil {
			return err
		}
	}
	pairs, err := s.l.SyncPairsOf(ctx, ids)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := s.takeRecord(ctx, &c, last[id], pairs, now, &in); err != nil {
			return err
		}
	}
	if len(list) < crmPage {
		c.Loaded = true
	}
	c.ReadAt = now
	in.Cursor = c
	s.holdOff(in.Jobs)
	if err := s.l.SaveSyncIntake(ctx, in); err != nil {
		return err
	}
	s.crmHeld.Store(c.Held)
	s.say(levelRead, "", "CRM read: %d changes, %d to look at", len(list), len(in.Jobs))
	if err := s.fault("crm-intake"); err != nil {
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

// takeRecord adds the job of a record that changed, unless the change is what the pair already knows.
func (s *Service) takeRecord(ctx context.Context, c *portal.SyncCursor, ch portal.CRMChange, pairs map[string]portal.SyncPair, now time.Time, in *portal.SyncIntake) error {
	r, err := s.record(ctx, ch.ID)
	if errors.Is(err, portal.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	p, paired := pairs[ch.ID]
	if paired && p.Revision == r.Revision {
		return nil // an echo
	}
	if !paired && !r.Gone.IsZero() {
		// Nothing of it may be in Exchange, unless its making is under way.
		s.say(levelAll, r.Calendar, "%s went before it was carried", ch.ID)
	}
	// Whom nobody knows to be synchronised since when may not hear of what was there before: see CRMUser.Since.
	quiet := !c.Loaded && s.known().byWho[r.Calendar].Since.IsZero()
	j := jobOf(ch.ID, portal.ToExchange, r.Calendar, &r.Appointment, now, quiet)
	j.ChangedAt = r.ChangedAt
	if j.ChangedAt.After(now) {
		j.ChangedAt = now
	}
	if !r.Gone.IsZero() && ch.By != portal.CRMSync {
		n, err := s.l.CountSyncItems(ctx, r.Calendar)
		if err != nil {
			return err
		}
		if !c.Held && s.swell.over(sourceCRM+" "+ch.By+" "+string(r.Calendar), 1, maxShare(s.known().settings, n), now) {
			c.Held = true
			s.heldNow(sourceCRM, maxShare(s.known().settings, n)+1, now)
		}
		if c.Held {
			hold(&j)
		}
	}
	in.Jobs = append(in.Jobs, j)
	return nil
}

// record reads a record of CRM.
func (s *Service) record(ctx context.Context, id string) (r portal.CRMAppointment, err error) {
	err = s.call(ctx, func(ctx context.Context) error {
		r, err = s.crm.Record(ctx, id)
		return err
	})
	return r, err
}
