package calendar

import (
	"context"
	"errors"
	"slices"

	"portico/app/portal"
)

// Doubling: a create whose answer never came is sent again after Options.Settle, and the server may carry out the first one even
// later. It shows when it is read: as a new entry with the stamp and the identifier of one that is there. One of the two goes.

// undoubled takes of changed entries those out that are doubles of what the mirror has, and has the server keep one of each. Where it
// keeps the new one, that is known as the old one from then on. Copies that people make have identifiers of their own.
func (l *lane) undoubled(ctx context.Context, m *portal.Mirror, changed []portal.Entry, known map[string]portal.KeptEntry) ([]portal.Entry, error) {
	var uids []string
	for i := range changed {
		if e := &changed[i]; e.ChangeID != "" && e.UID != "" && known[e.RemoteID].ID == "" {
			uids = append(uids, e.UID)
		}
	}
	if rights, _ := l.access(); len(uids) == 0 || !m.Loaded || m.Sweeping || rights != RightsOwner && rights != RightsEditor {
		return changed, nil
	}
	there, err := l.s.s.StaleCalendarUIDs(ctx, l.key, m.Generation+1, uids)
	if err != nil {
		return nil, err
	}
	double := map[string]bool{}
	for _, e := range newest(changed) {
		at := slices.IndexFunc(there, func(o portal.KeptEntry) bool { return o.UID == e.UID && o.ChangeID == e.ChangeID })
		if at < 0 || e.ChangeID == "" || known[e.RemoteID].ID != "" {
			continue
		}
		left, found, err := l.find(ctx, e.ChangeID)
		switch {
		case errors.Is(err, portal.ErrUnavailable) || ctx.Err() != nil:
			return nil, err
		case err != nil || !found:
			l.s.o.Logger.WarnContext(ctx, "calendar: an entry was made twice and both stay", "calendar", l.key.Owner, "change", e.ChangeID, "err", err)
		case left.RemoteID == e.RemoteID:
			known[e.RemoteID] = there[at]
		default:
			double[e.RemoteID] = true
		}
	}
	return slices.DeleteFunc(changed, func(e portal.Entry) bool { return double[e.RemoteID] }), nil
}
