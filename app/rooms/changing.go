package rooms

// Changing what a room is: its settings, archived and open, a group that is to last.

import (
	"cmp"
	"context"
	"strconv"

	"portico/app/policy"
	"portico/app/portal"
)

// Change changes what a room is. Errors: ErrNotFound, ErrForbidden ("room.managers-only", "room.archived", "chat.disabled"),
// ErrInvalid (as Create; "room.name-fixed": only a group that becomes a lasting room gets another name), ErrConflict
// ("room.changed": the version is not the present one; "room.exists").
func (s *Service) Change(ctx context.Context, who, at portal.Address, c portal.RoomChange) (portal.RoomEntry, error) {
	r, release, err := s.take(ctx, at, everything)
	if err != nil {
		return portal.RoomEntry{}, err
	}
	defer release()
	v, err := s.look(r, who)
	if err != nil {
		return portal.RoomEntry{}, err
	}
	if err := mayChange(v, c); err != nil {
		return portal.RoomEntry{}, err
	}
	if (c.Topic != nil || c.Title != nil) && s.o.InForce(who).DisableIM { // everybody reads them, as what is said
		return portal.RoomEntry{}, disabled()
	}
	if err := s.calm(who, v.room.URI, "change"); err != nil {
		return portal.RoomEntry{}, err
	}
	next, err := changed(v.room, c)
	if err != nil {
		return portal.RoomEntry{}, err
	}
	if next.Kind == portal.LastingRoom && v.room.Kind != portal.LastingRoom && !s.o.InForce(who).MayCreateRooms {
		return portal.RoomEntry{}, mayNotCreate()
	}
	switch {
	case next == v.room:
	case next.Kind != v.room.Kind:
		next, err = s.last(ctx, r, v, next, who, c)
	default:
		next.Version++
		err = s.settle(ctx, r, v, next, "", who)
	}
	if err != nil {
		return portal.RoomEntry{}, err
	}
	return s.Get(ctx, who, next.URI)
}

// mayChange checks rights and version.
func mayChange(v sight, c portal.RoomChange) error {
	rights := policy.RightsIn(v.room, v.mine)
	lasting := c.Lasting != nil && *c.Lasting
	kept := c.Access != nil || c.PresentersOnly != nil || c.HistoryDays != nil
	switch {
	case !rights.Manage && v.mine.Role.Valid() && v.room.Archived:
		return portal.Fail(portal.ErrForbidden, "room.archived")
	case !rights.Manage, c.Archived != nil && !rights.Archive, kept && v.room.Kind == portal.GroupRoom && !lasting,
		lasting && v.room.Kind == portal.GroupRoom && !rights.MakeLasting:
		return portal.Fail(portal.ErrForbidden, "room.managers-only")
	case v.room.Archived && (c.Archived == nil || *c.Archived) && (kept || c.Title != nil || c.Topic != nil):
		return portal.Fail(portal.ErrForbidden, "room.archived")
	case c.Version != 0 && c.Version != v.room.Version:
		return portal.Fail(portal.ErrConflict, "room.changed")
	case c.Name != nil && *c.Name != v.room.Name && !(lasting && v.room.Kind == portal.GroupRoom):
		return portal.Fail(portal.ErrInvalid, "room.name-fixed")
	}
	return nil
}

// changed is r with the change.
func changed(r portal.Room, c portal.RoomChange) (portal.Room, error) {
	set := func(to *string, from *string, check func(string) (string, error)) (err error) {
		if from != nil {
			*to, err = check(*from)
		}
		return err
	}
	if err := set(&r.Title, c.Title, policy.RoomTitle); err != nil {
		return r, err
	}
	if err := set(&r.Topic, c.Topic, policy.RoomTopic); err != nil {
		return r, err
	}
	r.Access = *cmp.Or(c.Access, &r.Access)
	r.PresentersOnly = *cmp.Or(c.PresentersOnly, &r.PresentersOnly)
	r.HistoryDays = *cmp.Or(c.HistoryDays, &r.HistoryDays)
	r.Archived = *cmp.Or(c.Archived, &r.Archived)
	if c.Lasting != nil && *c.Lasting {
		r.Kind = portal.LastingRoom
	}
	if r.Kind == portal.LastingRoom && r.Title == "" {
		return r, portal.Fail(portal.ErrInvalid, "room.title").With("Max", strconv.Itoa(portal.MaxRoomTitle))
	}
	if !r.Access.Valid() {
		return r, portal.Fail(portal.ErrInvalid, "room.access")
	}
	return r, policy.HistoryDays(r.HistoryDays)
}

// last makes a group a lasting room under a name of its own; who does it becomes its manager. The caller holds all
// of the room's turn.
func (s *Service) last(ctx context.Context, r *room, v sight, next portal.Room, who portal.Address, c portal.RoomChange) (portal.Room, error) {
	asked := ""
	if c.Name != nil {
		asked = *c.Name
		if err := policy.RoomName(asked); err != nil {
			return next, err
		}
	}
	if v.mine.Role != portal.RoleManager {
		// First, so that there is no moment at which a lasting room has no manager.
		m := v.mine
		m.Role = portal.RoleManager
		if err := s.put(ctx, r, m, v.event(portal.RoomEvent{What: portal.RoomMembers, Who: who, Role: m.Role, By: who})); err != nil {
			return next, err
		}
	}
	next.Version++
	if asked == v.room.Name {
		return next, s.settle(ctx, r, v, next, "", who)
	}
	err := s.christen(asked, next, func(named portal.Room) error {
		next = named
		s.mu.RLock()
		taken := s.rooms[named.URI] != nil
		s.mu.RUnlock()
		if taken {
			return portal.Fail(portal.ErrConflict, "room.exists")
		}
		return s.settle(ctx, r, v, named, v.room.URI, who)
	})
	return next, err
}

// settle stores a room's settings and takes them up; renamed is its former address, empty where it keeps it. The
// caller holds all of the room's turn.
func (s *Service) settle(ctx context.Context, r *room, v sight, next portal.Room, renamed, by portal.Address) error {
	now := v
	now.room = next
	evs := []portal.Addressed{now.event(portal.RoomEvent{What: portal.RoomSettings, By: by})}
	if renamed != "" {
		gone := portal.RoomEvent{ID: renamed, Change: portal.Deleted, What: portal.RoomSettings, By: by}
		evs = append(evs, portal.Addressed{For: but(v.people, v.absent), Event: gone})
	}
	if err := s.store.PutRoom(ctx, next, renamed, evs...); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	next.Members, next.Last, next.LastAt = r.Members, r.Last, r.LastAt
	r.Room = next
	r.settle()
	if renamed == "" {
		return nil
	}
	delete(s.rooms, renamed)
	s.rooms[next.URI], s.former[renamed] = r, r
	for _, m := range r.members {
		m.Room = next.URI
	}
	r.known, r.newest = false, nil
	r.changes++
	return nil
}
