package calendar

import (
	"context"
	"errors"
	"slices"

	"portico/app/portal"
)

// Resettling: a mailbox that was moved to another database or server gives all its entries new ids there. What they are
// called here, in links and in changes that wait, stays.

// resettled adds to the known entries of a page of a full reading those of the mirror that only have another id now: the page knows
// none by its id, and the server has one of them under the old id no longer.
func (l *lane) resettled(ctx context.Context, m *portal.Mirror, changed []portal.Entry, known map[string]portal.KeptEntry) error {
	if !m.Sweeping || len(known) > 0 {
		return nil
	}
	var uids []string
	for i := range changed {
		if changed[i].UID != "" {
			uids = append(uids, changed[i].UID)
		}
	}
	stale, err := l.s.s.StaleCalendarUIDs(ctx, l.key, m.Generation, uids)
	if err != nil || len(stale) == 0 {
		return err
	}
	err = l.call(ctx, func(ctx context.Context) error {
		_, err := l.s.x.Entry(ctx, l.key.Reader, l.key.Owner, stale[0].RemoteID)
		return err
	})
	if err == nil || errors.Is(err, portal.ErrUnavailable) { // nothing moved, these are others of the same identifier; or nobody can tell
		return ctx.Err()
	}
	for _, e := range newest(changed) {
		if at := sameEntry(stale, &e); at >= 0 {
			known[e.RemoteID] = stale[at]
			stale = slices.Delete(stale, at, at+1)
		}
	}
	return nil
}

// missing looks for an entry that the server does not find under its id any more: in a mailbox that was moved it has another one. The
// calendar is read to its end for that. An error is what to refuse with: the entry is gone, or the occurrence of it that was meant.
func (l *lane) missing(ctx context.Context, k portal.KeptEntry, cause error) (portal.KeptEntry, error) {
	for more := true; more; {
		var err error
		if more, err = l.page(ctx); err != nil {
			return k, err
		}
	}
	now, err := l.s.s.CalendarEntry(ctx, l.key, k.ID)
	switch {
	case errors.Is(err, portal.ErrNotFound):
		return k, portal.Fail(portal.ErrNotFound, keyGone).Because(cause)
	case err != nil || now.RemoteID != k.RemoteID:
		return now, err
	}
	if _, err := l.refetch(ctx, now); err != nil {
		return k, err
	}
	return k, portal.Fail(portal.ErrNotFound, keyGone).Because(cause)
}

// namesake finds the entry of the mirror that an appointment is by its identifier, under whatever id it is.
func (l *lane) namesake(ctx context.Context, a *portal.Appointment) (k portal.KeptEntry, found bool, err error) {
	if a.UID == "" {
		return k, false, nil
	}
	m, err := l.s.s.CalendarMirror(ctx, l.key)
	if err != nil {
		return k, false, err
	}
	list, err := l.s.s.StaleCalendarUIDs(ctx, l.key, m.Generation+1, []string{a.UID})
	if err != nil {
		return k, false, err
	}
	at := sameEntry(list, &portal.Entry{Appointment: *a})
	if at < 0 {
		return k, false, nil
	}
	return list[at], true, nil
}

// sameEntry finds an entry among old ones by what does not change with its id: its identifier, and where that is not its own alone
// what made it or when it begins; -1: none, or nobody can tell.
func sameEntry(old []portal.KeptEntry, e *portal.Entry) int {
	found, several := -1, false
	for i := range old {
		o := &old[i]
		switch {
		case e.UID == "" || o.UID != e.UID:
		case e.ChangeID != "" && o.ChangeID == e.ChangeID, e.ChangeID == o.ChangeID && o.Start.Equal(e.Start) && o.Subject == e.Subject:
			return i
		default:
			several = found >= 0
			found = i
		}
	}
	if several {
		return -1
	}
	return found
}
