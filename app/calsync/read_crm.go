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
		c, err := s.crmCursor(ctx)
		if err != nil {
			return err
		}
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

// crmCursor is how far CRM was read, and notes whether that is held.
func (s *Service) crmCursor(ctx context.Context) (portal.SyncCursor, error) {
	unlock := s.items.lock(sourceCRM)
	defer unlock()
	c, err := s.l.SyncCursor(ctx, sourceCRM)
	if err == nil {
		s.crmHeld.Store(c.Held)
	}
	c.Source = sourceCRM
	return c, err
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
	news, err := s.crmNews(ctx, ids, last)
	if err != nil {
		return err
	}
	over := 0
	if !c.Held { // all of the page is counted before any of it is carried
		if over, err = s.deleted(ctx, news, now); err != nil {
			return err
		}
	}
	for i := range news {
		in.Jobs = append(in.Jobs, s.crmJob(&c, &news[i], now))
	}
	c.Loaded = c.Loaded || len(list) < crmPage
	c.ReadAt = now
	in.Cursor = c
	s.holdOff(in.Jobs)
	if err := s.crmIntake(ctx, &in, news, over, now); err != nil {
		return err
	}
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

// crmIntake stores what was read of CRM. A hold that was set meanwhile or is set now (more were deleted than may go unasked) holds the
// deletions; one that somebody took off stays off.
func (s *Service) crmIntake(ctx context.Context, in *portal.SyncIntake, news []crmNews, over int, now time.Time) error {
	unlock := s.items.lock(sourceCRM)
	defer unlock()
	stored, err := s.l.SyncCursor(ctx, sourceCRM)
	if err != nil {
		return err
	}
	in.Cursor.Held = stored.Held || over > 0
	for i := range news {
		if in.Cursor.Held && news[i].deletion() {
			hold(&in.Jobs[i])
		}
	}
	if err := s.l.SaveSyncIntake(ctx, *in); err != nil {
		return err
	}
	s.crmHeld.Store(in.Cursor.Held)
	if over > 0 && !stored.Held {
		s.heldNow(sourceCRM, over, now)
	}
	return nil
}

// crmNews is a record that changed, with the last line of the change log about it.
type crmNews struct {
	line portal.CRMChange
	portal.CRMAppointment
	pair portal.SyncPair
}

// deletion reports whether somebody deleted it.
func (n *crmNews) deletion() bool { return !n.Gone.IsZero() && n.line.By != portal.CRMSync }

// crmNews reads the records that changed; those of which the pair already knows the change are left out.
func (s *Service) crmNews(ctx context.Context, ids []string, last map[string]portal.CRMChange) ([]crmNews, error) {
	pairs, err := s.l.SyncPairsOf(ctx, ids)
	if err != nil {
		return nil, err
	}
	var out []crmNews
	for _, id := range ids {
		r, err := s.record(ctx, id)
		if errors.Is(err, portal.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		p, paired := pairs[id]
		if paired && p.Revision == r.Revision {
			continue // an echo
		}
		if !paired && !r.Gone.IsZero() {
			// Nothing of it may be in Exchange, unless its making is under way.
			s.say(levelAll, r.Calendar, "%s went before it was carried", id)
		}
		out = append(out, crmNews{last[id], r, p})
	}
	return out, nil
}

// deleted counts the deletions among records that changed, by each hand and by each hand and owner, with those of the last minute. It
// gives how many are more than may go unasked: of one owner's, or of all that there are; 0: none are.
func (s *Service) deleted(ctx context.Context, news []crmNews, now time.Time) (int, error) {
	type handOf struct {
		by    string
		owner portal.Address // empty: of all
	}
	n := map[handOf]int{}
	for i := range news {
		if news[i].deletion() {
			n[handOf{news[i].line.By, news[i].Calendar}]++
			n[handOf{by: news[i].line.By}]++
		}
	}
	over, st := 0, s.known().settings
	for h, more := range n {
		name := sourceCRM + " " + h.by
		if h.owner != "" {
			name += " " + string(h.owner)
		}
		gone := s.swell.add(name, more, now)
		if gone <= maxShare(st, 0) {
			continue // few enough, however few there are
		}
		var all int
		var err error
		if h.owner == "" {
			all, err = s.l.CountSyncAppointments(ctx)
		} else {
			all, err = s.l.CountSyncItems(ctx, h.owner)
		}
		if err != nil {
			return 0, err
		}
		if gone > maxShare(st, all) {
			over = max(over, gone)
		}
	}
	return over, nil
}

// crmJob is the job of a record that changed.
func (s *Service) crmJob(c *portal.SyncCursor, n *crmNews, now time.Time) portal.SyncJob {
	// Whom nobody knows to be synchronised since when may not hear of what was there before: see CRMUser.Since.
	quiet := !c.Loaded && s.known().byWho[n.Calendar].Since.IsZero()
	j := jobOf(n.line.ID, portal.ToExchange, s.known().home(&n.CRMAppointment, n.pair), &n.Appointment, now, quiet)
	j.ChangedAt = n.ChangedAt
	if j.ChangedAt.After(now) {
		j.ChangedAt = now
	}
	return j
}

// record reads a record of CRM.
func (s *Service) record(ctx context.Context, id string) (r portal.CRMAppointment, err error) {
	err = s.call(ctx, func(ctx context.Context) error {
		r, err = s.crm.Record(ctx, id)
		return err
	})
	return r, err
}
