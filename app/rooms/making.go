package rooms

// Making rooms and groups.

import (
	"cmp"
	"context"
	"crypto/rand"
	"slices"
	"strconv"
	"strings"

	"portico/app/policy"
	"portico/app/portal"
)

// maxNumber is how many numbers are tried behind a name that is taken, before a random one is.
const maxNumber = 20

// Create makes a room with who as its manager and the draft's members. Without a name it gets one made of its
// title. Errors: ErrInvalid ("room.name", "room.title", "room.topic", "room.access", "room.history", "room.kind",
// "room.unknown-person"), ErrForbidden ("room.may-not-create"; of a group "chat.disabled", "chat.peer-disabled"),
// ErrConflict ("room.exists", "room.full"), ErrUnavailable.
func (s *Service) Create(ctx context.Context, who portal.Address, d portal.RoomDraft) (portal.RoomEntry, error) {
	desc, err := draft(d)
	if err != nil {
		return portal.RoomEntry{}, err
	}
	if desc.Kind == portal.LastingRoom && desc.Title == "" {
		if desc.Title = d.Name; d.Name == "" {
			return portal.RoomEntry{}, portal.Fail(portal.ErrInvalid, "room.title").With("Max", strconv.Itoa(portal.MaxRoomTitle))
		}
	}
	if desc.Kind == portal.LastingRoom && !s.o.InForce(who).MayCreateRooms {
		return portal.RoomEntry{}, mayNotCreate()
	}
	people := []portal.Address{who}
	for _, m := range d.Members {
		if slices.Contains(people[:min(len(people), 1)], m) {
			continue
		}
		if !s.welcome(ctx, m) {
			return portal.RoomEntry{}, portal.Fail(portal.ErrInvalid, "room.unknown-person").With("Who", m.Bare())
		}
		people = append(people, m)
	}
	people = distinct(people)
	if len(people) > maxMembers {
		return portal.RoomEntry{}, portal.Fail(portal.ErrConflict, "room.full")
	}
	var apart []portal.Address
	if desc.Kind == portal.GroupRoom {
		if apart, err = s.grouped(ctx, who, people); err != nil {
			return portal.RoomEntry{}, err
		}
	}
	desc.CreatedBy, desc.CreatedAt, desc.Version, desc.Members = who, s.now(), 1, len(people)
	err = s.christen(d.Name, desc, func(named portal.Room) error {
		desc = named
		return s.create(ctx, desc, who, people, apart)
	})
	if err != nil {
		return portal.RoomEntry{}, err
	}
	return s.Get(ctx, who, desc.URI)
}

// distinct keeps the first of each, in their order.
func distinct(who []portal.Address) []portal.Address {
	seen := make(people, len(who))
	return slices.DeleteFunc(who, func(w portal.Address) bool {
		_, is := seen[w]
		seen[w] = struct{}{}
		return is
	})
}

// draft is the room a draft describes, as yet without a name.
func draft(d portal.RoomDraft) (portal.Room, error) {
	r := portal.Room{Kind: cmp.Or(d.Kind, portal.LastingRoom), Access: d.Access, PresentersOnly: d.PresentersOnly, HistoryDays: d.HistoryDays}
	var err error
	if r.Title, err = policy.RoomTitle(d.Title); err != nil {
		return r, err
	}
	if r.Topic, err = policy.RoomTopic(d.Topic); err != nil {
		return r, err
	}
	switch r.Kind {
	case portal.LastingRoom:
		r.Access = cmp.Or(r.Access, portal.RoomOpen)
	case portal.GroupRoom:
		r.Access, r.PresentersOnly = portal.RoomSecret, false
	default:
		return r, portal.Fail(portal.ErrInvalid, "room.kind")
	}
	if !r.Access.Valid() {
		return r, portal.Fail(portal.ErrInvalid, "room.access")
	}
	if d.Name != "" {
		if err := policy.RoomName(d.Name); err != nil {
			return r, err
		}
	}
	return r, policy.HistoryDays(d.HistoryDays)
}

// christen gives r a name and tries it: the one asked for alone, else those that its title gives until one is free.
func (s *Service) christen(asked string, r portal.Room, try func(portal.Room) error) error {
	stem := policy.NameFromTitle(r.Title)
	switch {
	case asked != "":
		stem = asked
	case r.Kind == portal.GroupRoom:
		stem = "group-" + token()
	case stem == "":
		stem = "room-" + token()
	}
	for n := 1; ; n++ {
		r.Name = stem
		if n > maxNumber {
			r.Name += "-" + token()[:6]
		} else if n > 1 {
			r.Name += "-" + strconv.Itoa(n)
		}
		r.URI = portal.Address("sip:" + r.Name + "@" + s.o.Domain)
		err := try(r)
		if asked != "" || n > maxNumber || portal.Meaning(err) != portal.ErrConflict {
			return err
		}
	}
}

// token is a name nobody guesses.
func token() string { return strings.ToLower(rand.Text())[:16] }

// create stores a room and takes it up; those of apart are in it by name only.
func (s *Service) create(ctx context.Context, desc portal.Room, who portal.Address, people, apart []portal.Address) error {
	s.mu.RLock()
	taken := s.rooms[desc.URI] != nil
	s.mu.RUnlock()
	if taken {
		return portal.Fail(portal.ErrConflict, "room.exists")
	}
	members := make([]portal.Membership, len(people))
	for i, w := range people {
		members[i] = portal.Membership{Room: desc.URI, Who: w, Role: portal.RoleMember, Notify: standardNotify(desc.Kind),
			First: 1, JoinedAt: desc.CreatedAt}
		if w == who {
			members[i].Role = portal.RoleManager
		} else if slices.Contains(apart, w) {
			members[i].First = never
		}
	}
	v := sight{room: desc, people: people, absent: apart}
	made := v.event(portal.RoomEvent{What: portal.RoomSettings, Change: portal.Created, By: who})
	if err := s.store.CreateRoom(ctx, desc, members, made); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r := newRoom(desc)
	r.known = true
	s.rooms[desc.URI] = r
	for _, m := range members {
		s.enter(r, m)
	}
	return nil
}

// Group makes a group of who, the other person of the conversation from (may be empty) and those of with; where
// exactly these people have a group, it is that one. Errors: ErrInvalid ("room.group-small": fewer than three,
// "room.unknown-person").
func (s *Service) Group(ctx context.Context, who, from portal.Address, with []portal.Address) (portal.RoomEntry, error) {
	all := []portal.Address{who}
	if from != "" {
		all = append(all, from)
	}
	all = distinct(append(all, with...))
	if len(all) < 3 {
		return portal.RoomEntry{}, portal.Fail(portal.ErrInvalid, "room.group-small")
	}
	if err := s.groups.Acquire(ctx, 1); err != nil { // one at a time, so that the same people do not get two
		return portal.RoomEntry{}, portal.Fail(portal.ErrUnavailable, "room.busy").Because(err)
	}
	defer s.groups.Release(1)
	if at := s.groupOf(who, all); at != "" {
		return s.Get(ctx, who, at)
	}
	return s.Create(ctx, who, portal.RoomDraft{Kind: portal.GroupRoom, Members: all[1:]})
}

// groupOf finds the group of exactly these people, of several the one with the newest message.
func (s *Service) groupOf(who portal.Address, all []portal.Address) portal.Address {
	s.mu.RLock()
	defer s.mu.RUnlock()
	p := s.people[who]
	if p == nil {
		return ""
	}
	var best *room
	for r := range p.rooms {
		if r.Kind != portal.GroupRoom || absent(r.members[who].Membership) || len(r.members) != len(all) ||
			slices.ContainsFunc(all, func(w portal.Address) bool { return r.members[w] == nil }) {
			continue
		}
		if best == nil || cmp.Or(r.LastAt.Compare(best.LastAt), cmp.Compare(r.URI, best.URI)) > 0 {
			best = r
		}
	}
	if best == nil {
		return ""
	}
	return best.URI
}

func mayNotCreate() error { return portal.Fail(portal.ErrForbidden, "room.may-not-create") }
