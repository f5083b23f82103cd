package calsync

import (
	"context"

	"portico/app/portal"
)

// maxCounted bounds the conflicts that are counted for the panel.
const maxCounted = 1000

// Status is how the synchronisation stands.
func (s *Service) Status(ctx context.Context) (portal.SyncStatus, error) {
	k := s.known()
	out := portal.SyncStatus{ToExchange: k.settings.ToExchange, ToCRM: k.settings.ToCRM, Running: s.running.Load(), LogLevel: k.settings.LogLevel,
		Minutes: s.fig.last(s.o.Now()), CRMHeld: s.crmHeld.Load()}
	for _, b := range s.boxes.all() {
		out.Mailboxes = append(out.Mailboxes, b.status(k))
	}
	for _, u := range k.users {
		if u.Cleared && !u.Synced() {
			out.Mailboxes = append(out.Mailboxes, portal.MailboxStatus{Mailbox: u.Address, Name: u.Name(), Server: u.Server, State: portal.MailboxOff})
		}
	}
	var err error
	if out.Queue, err = s.l.CountSyncJobs(ctx); err != nil {
		return out, err
	}
	list, err := s.l.SyncConflicts(ctx, "", maxCounted)
	if err != nil {
		return out, err
	}
	for i := range list {
		if list[i].TakenBack.IsZero() {
			out.Conflicts++
		}
	}
	return out, nil
}

// status is how one mailbox stands.
func (b *box) status(k *state) portal.MailboxStatus {
	out := portal.MailboxStatus{Mailbox: b.who, Name: k.byWho[b.who].Name(), Server: b.server, Items: b.items, ReadAt: b.readAt, State: portal.MailboxInStep}
	switch {
	case b.lost != nil:
		out.State, out.Reason, out.Cause = portal.MailboxLost, portal.Reason(b.lost), b.lost.Error()
	case b.held:
		out.State, out.Reason = portal.MailboxHeld, keyHeld
	case !b.loaded && b.items == 0 && b.readAt.IsZero():
		out.State = portal.MailboxNever
	case !b.loaded:
		out.State = portal.MailboxReading
	}
	return out
}

// States gives how records stand on their way to Exchange, by their IDs; those of which nothing is noted are left out.
func (s *Service) States(ctx context.Context, crm []string) (map[string]portal.SyncState, error) {
	pairs, err := s.l.SyncPairsOf(ctx, crm)
	if err != nil {
		return nil, err
	}
	out := make(map[string]portal.SyncState, len(pairs))
	for id, p := range pairs {
		out[id] = portal.SyncState{State: p.State, Error: p.Reason}
	}
	return out, nil
}
