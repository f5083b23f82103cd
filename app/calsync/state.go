package calsync

import (
	"context"
	"errors"
	"strings"

	"portico/app/calsync/mapping"
	"portico/app/calsync/merge"
	"portico/app/portal"
)

// What every job needs to know and what changes seldom: the settings, the rules, the users. It is read once and again when one of
// them changed; who has it in hand goes on with it.

// state is never changed once it is stored.
type state struct {
	settings portal.SyncSettings
	users    []portal.CRMUser
	byWho    map[portal.Address]portal.CRMUser
	byEmail  map[string]portal.CRMUser
	merged   merge.Users
	rules    *mapping.Mapper
}

func (s *Service) known() *state { return s.state.Load() }

// refresh reads the settings, the rules and the users, and takes over whose mailboxes are kept in step.
func (s *Service) refresh(ctx context.Context) error {
	st, _, err := s.loadSettings(ctx)
	if err != nil {
		return err
	}
	users, err := s.crm.Users(ctx)
	if err != nil {
		return err
	}
	rules, err := s.loadRules(ctx)
	if err != nil {
		return err
	}
	k := &state{settings: st, users: users, merged: merge.NewUsers(users), rules: rules, byWho: map[portal.Address]portal.CRMUser{}, byEmail: map[string]portal.CRMUser{}}
	for _, u := range users {
		k.byWho[u.Address] = u
		k.byEmail[emailOf(u)] = u
	}
	s.state.Store(k)
	s.live.set(st.LogLevel, st.Diagnostic)
	gone := s.boxes.set(users, s.o.Now())
	for _, who := range gone {
		s.say(levelDecided, who, "is no longer synchronised")
		if err := s.forget(ctx, who); err != nil {
			return err
		}
	}
	if err := s.dropForgotten(ctx, k); err != nil {
		return err
	}
	if err := s.releaseOff(ctx); err != nil {
		return err
	}
	var watched []portal.Address
	for _, u := range users {
		if u.Synced() {
			watched = append(watched, u.Address)
		}
	}
	s.x.Watch(watched)
	s.o.Told()
	s.ringWork()
	return nil
}

// dropForgotten forgets the mailboxes of those whose synchronisation ended while nobody ran.
func (s *Service) dropForgotten(ctx context.Context, k *state) error {
	cursors, err := s.l.SyncCursors(ctx)
	if err != nil {
		return err
	}
	for _, c := range cursors {
		if c.Source == sourceCRM {
			continue
		}
		who := portal.Address(c.Source)
		if !k.byWho[who].Synced() {
			if err := s.forget(ctx, who); err != nil && !errors.Is(err, portal.ErrNotFound) {
				return err
			}
			continue
		}
		if b, ok := s.boxes.look(who); !ok || b.loaded || !c.Loaded {
			continue // what this run read itself is known
		}
		n, err := s.l.CountSyncItems(ctx, who)
		if err != nil {
			return err
		}
		s.boxes.change(who, func(b *box) { b.loaded, b.held, b.readAt, b.items = c.Loaded, c.Held, c.ReadAt, n })
	}
	return nil
}

// emailOf is a user's e-mail address in lower case.
func emailOf(u portal.CRMUser) string {
	if u.Email != "" {
		return strings.ToLower(u.Email)
	}
	return strings.ToLower(u.Address.Bare())
}

// home is the mailbox that a record is written to: where it stands, its owner's, or that of who sends for owners without one. Where there
// is none it is whose it is.
func (k *state) home(r *portal.CRMAppointment, p portal.SyncPair) portal.Address {
	switch {
	case p.RemoteID != "" && k.byWho[p.Mailbox].Synced():
		return p.Mailbox
	case !k.byWho[r.Calendar].Synced() && k.byWho[k.settings.SyncUser].Synced():
		return k.settings.SyncUser
	}
	return r.Calendar
}

// serverOf is the server of somebody's mailbox.
func (k *state) serverOf(who portal.Address) string { return k.byWho[who].Server }

// user finds the CRM user of an attendee.
func (k *state) user(a portal.Attendee) (portal.CRMUser, bool) {
	if u, ok := k.byWho[a.URI]; ok && a.URI != "" {
		return u, true
	}
	u, ok := k.byEmail[strings.ToLower(a.Email)]
	return u, ok
}
