package rooms

// Who is in a room: coming, going, being let in and taken out.

import (
	"cmp"
	"context"
	"slices"
	"time"

	"portico/app/policy"
	"portico/app/portal"
)

const (
	// maxMembers bounds the people of one room.
	maxMembers = 20_000
	// maxPage is the most members or rooms of one page, standardPage what is given where nothing is asked.
	maxPage, standardPage = 200, 50
)

// Join lets who come in by themselves; who is in already changes nothing. Errors: ErrNotFound, ErrForbidden
// ("room.closed", "room.archived"), ErrConflict ("room.full"), ErrTooMany ("room.flood": they come and go).
func (s *Service) Join(ctx context.Context, who, at portal.Address) (portal.RoomEntry, error) {
	if err := s.join(ctx, who, at, false); err != nil {
		return portal.RoomEntry{}, err
	}
	return s.Get(ctx, who, at)
}

// join is Join; sip: with a client of their own.
func (s *Service) join(ctx context.Context, who, at portal.Address, sip bool) error {
	r, release, err := s.take(ctx, at, everything)
	if err != nil {
		return err
	}
	defer release()
	v, err := s.look(r, who)
	if err != nil {
		return err
	}
	if v.mine.Role.Valid() {
		if !sip || v.mine.SIP {
			return nil
		}
		m := v.mine
		m.SIP = true
		return s.put(ctx, r, m)
	}
	if !policy.RightsIn(v.room, v.mine).Join {
		return portal.Fail(portal.ErrForbidden, cmp.Or(why(v.room.Archived, "room.archived"), "room.closed"))
	}
	if err := s.calm(who, v.room.URI, "members"); err != nil {
		return err
	}
	return s.admit(ctx, r, v, who, who, portal.RoleMember, sip, false)
}

func why(is bool, key string) string {
	if is {
		return key
	}
	return ""
}

// admit makes who a member, apart: by name only. The caller holds all of the room's turn.
func (s *Service) admit(ctx context.Context, r *room, v sight, by, who portal.Address, role portal.RoomRole, sip, apart bool) error {
	if v.room.Members >= maxMembers {
		return portal.Fail(portal.ErrConflict, "room.full")
	}
	first, last, err := s.beginning(ctx, r, v.room)
	if err != nil {
		return err
	}
	m := portal.Membership{Room: v.room.URI, Who: who, Role: role, Notify: standardNotify(v.room.Kind), SIP: sip,
		First: first, ReadUpTo: last, JoinedAt: s.now()}
	s.mu.RLock()
	there := r.members[who] != nil
	s.mu.RUnlock()
	switch {
	case apart:
		m.First = never
		v.absent = append(slices.Clip(v.absent), who)
	case there: // by name only until now
		v.absent = without(v.absent, who)
	}
	if !there {
		v.people = append(v.people, who) // a copy: look clips it
	}
	came := v.event(portal.RoomEvent{What: portal.RoomMembers, Who: who, Role: role, By: by})
	if err := s.store.PutMember(ctx, m, came); err != nil {
		return err
	}
	if there {
		s.replaced(r, m, last+1)
		return nil
	}
	s.mu.Lock()
	s.enter(r, m)
	s.mu.Unlock()
	return nil
}

func standardNotify(k portal.RoomKind) portal.RoomNotify {
	if k == portal.GroupRoom {
		return portal.NotifyAll
	}
	return portal.NotifyMentions
}

// beginning is the place of the first message a newcomer may read, and that of the last there is. The caller
// holds all of the room's turn, so that nothing is being said.
func (s *Service) beginning(ctx context.Context, r *room, desc portal.Room) (first, last int64, err error) {
	if last, err = s.sure(ctx, r); err != nil {
		return 0, 0, err
	}
	switch {
	case desc.HistoryDays == portal.WholeHistory:
		return 1, last, nil
	case desc.HistoryDays == 0:
		return last + 1, last, nil
	}
	from := s.now().Add(-time.Duration(desc.HistoryDays) * 24 * time.Hour)
	if desc.LastAt.Before(from) {
		return last + 1, last, nil
	}
	ms, err := s.store.RoomMessages(ctx, desc.URI, 1, portal.RoomPage{From: from, Limit: 1})
	if err != nil || len(ms) == 0 {
		return last + 1, last, err
	}
	return ms[0].Place, last, nil
}

// sure is the place of the last message, asked of the store where memory may be behind it. The caller holds all of
// the room's turn.
func (s *Service) sure(ctx context.Context, r *room) (int64, error) {
	s.mu.RLock()
	unsure, last, at := r.unsure, r.Last, r.URI
	s.mu.RUnlock()
	if !unsure {
		return last, nil
	}
	ms, err := s.store.RoomMessages(ctx, at, 1, portal.RoomPage{Limit: 1})
	if err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(ms) > 0 {
		r.heard(ms[0])
	}
	r.unsure = false
	return r.Last, nil
}

// put replaces a membership. The caller holds all of the room's turn.
func (s *Service) put(ctx context.Context, r *room, m portal.Membership, evs ...portal.Addressed) error {
	var next int64
	if m.SIP {
		last, err := s.sure(ctx, r)
		if err != nil {
			return err
		}
		next = last + 1
	}
	if err := s.store.PutMember(ctx, m, evs...); err != nil {
		return err
	}
	s.replaced(r, m, next)
	return nil
}

// replaced takes up what the store has of m; next is the place from which on SIP members hear.
func (s *Service) replaced(r *room, m portal.Membership, next int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	had := len(r.sip)
	r.replace(m)
	if had == 0 && len(r.sip) > 0 {
		s.carrier.open(r, next)
	}
}

// Leave lets who go. Errors: ErrNotFound, ErrConflict ("room.last-manager": a lasting room keeps one; it can be
// archived).
func (s *Service) Leave(ctx context.Context, who, at portal.Address) error {
	return s.RemoveMember(ctx, who, at, who)
}

// RemoveMember takes member out of the room; who does it is one of its managers, or the member. Errors: ErrNotFound,
// ErrForbidden ("room.managers-only"), ErrConflict ("room.last-manager").
func (s *Service) RemoveMember(ctx context.Context, who, at, out portal.Address) error {
	r, release, err := s.take(ctx, at, everything)
	if err != nil {
		return err
	}
	defer release()
	v, err := s.look(r, who)
	if err != nil {
		return err
	}
	if who != out && !policy.RightsIn(v.room, v.mine).Roles {
		return portal.Fail(portal.ErrForbidden, "room.managers-only")
	}
	s.mu.RLock()
	m, managers := r.listed(out), r.managers()
	s.mu.RUnlock()
	if !m.Role.Valid() {
		return portal.Fail(portal.ErrNotFound, "room.not-member")
	}
	if m.Role == portal.RoleManager && managers < 2 && v.room.Kind == portal.LastingRoom {
		return portal.Fail(portal.ErrConflict, "room.last-manager")
	}
	gone := portal.RoomEvent{What: portal.RoomMembers, Who: out, By: who}
	left := v
	left.people = without(v.people, out)
	evs := []portal.Addressed{left.event(gone)}
	if !absent(m) {
		evs = append(evs, v.personal(out, gone))
	}
	if err := s.store.DropMember(ctx, v.room.URI, out, evs...); err != nil {
		return err
	}
	s.mu.Lock()
	s.leave(r, out)
	s.mu.Unlock()
	s.carrier.forget(r, out)
	s.typists.end(v.room.URI, out)
	s.news.person(out)
	return nil
}

// PutMember adds somebody (who has the right to invite) or gives a member another role (managers). Errors:
// ErrNotFound, ErrInvalid ("room.role", "room.unknown-person"), ErrForbidden ("room.managers-only",
// "room.no-invitations", "room.archived"; into a group "chat.peer-disabled"), ErrConflict ("room.last-manager",
// "room.full"), ErrUnavailable.
func (s *Service) PutMember(ctx context.Context, who, at, in portal.Address, role portal.RoomRole) error {
	if !role.Valid() {
		return portal.Fail(portal.ErrInvalid, "room.role")
	}
	known := s.welcome(ctx, in) // asked first: an address book that is slow must not hold the room
	blocked, unsure := s.o.Blocked(ctx, in, who)
	r, release, err := s.take(ctx, at, everything)
	if err != nil {
		return err
	}
	defer release()
	v, err := s.look(r, who)
	if err != nil {
		return err
	}
	s.mu.RLock()
	m, managers := r.listed(in), r.managers()
	s.mu.RUnlock()
	rights := policy.RightsIn(v.room, v.mine)
	switch {
	case v.room.Archived && v.mine.Role.Valid():
		return portal.Fail(portal.ErrForbidden, "room.archived")
	case !m.Role.Valid() && rights.Invite && !known:
		return portal.Fail(portal.ErrInvalid, "room.unknown-person").With("Who", in.Bare())
	case !m.Role.Valid():
		if v.room.Kind != portal.GroupRoom {
			return s.invite(ctx, r, v, rights, who, in, role, false)
		}
		if !rights.Invite { // what holds for others is not theirs to learn
			return s.invite(ctx, r, v, rights, who, in, role, false)
		}
		if err := s.mayGroup(in); err != nil {
			return err
		}
		if unsure != nil {
			return unsure
		}
		return s.invite(ctx, r, v, rights, who, in, role, blocked)
	case m.Role == role:
		return nil
	case !rights.Roles:
		return portal.Fail(portal.ErrForbidden, "room.managers-only")
	case m.Role == portal.RoleManager && managers < 2 && v.room.Kind == portal.LastingRoom:
		return portal.Fail(portal.ErrConflict, "room.last-manager")
	}
	m.Role = role
	return s.put(ctx, r, m, v.event(portal.RoomEvent{What: portal.RoomMembers, Who: in, Role: role, By: who}))
}

// invite lets somebody in who was not there.
func (s *Service) invite(ctx context.Context, r *room, v sight, rights policy.RoomRights, who, in portal.Address, role portal.RoomRole, apart bool) error {
	switch {
	case !rights.Invite:
		return portal.Fail(portal.ErrForbidden, "room.no-invitations")
	case role != portal.RoleMember && !rights.Roles:
		return portal.Fail(portal.ErrForbidden, "room.managers-only")
	}
	if !rights.Roles { // everybody hears of it
		if err := s.calm(who, v.room.URI, "members"); err != nil {
			return err
		}
	}
	if err := s.admit(ctx, r, v, who, in, role, false, apart); err != nil {
		return err
	}
	s.news.person(in)
	return nil
}

// welcome reports whether who can be a member: a person, not a room.
func (s *Service) welcome(ctx context.Context, who portal.Address) bool {
	return who != "" && !s.IsRoom(who) && !s.IsServerRoom(who) && s.o.Known(ctx, who)
}

// Members gives a page of a room's people, by name, beginning behind the member after (empty: at the first). Q are
// beginnings of words of their names or addresses. Limit is 50 where zero, at most 200. Members only.
func (s *Service) Members(ctx context.Context, who, at portal.Address, q string, after portal.Address, limit int) ([]portal.Membership, error) {
	r, _, err := s.reader(who, at)
	if err != nil {
		return nil, err
	}
	type listed struct {
		sorts string
		portal.Membership
	}
	compare := func(a, b listed) int { return cmp.Or(cmp.Compare(a.sorts, b.sorts), cmp.Compare(a.Who, b.Who)) }
	words := policy.Tokens(q)
	s.mu.RLock()
	start := listed{Membership: portal.Membership{Who: after}, sorts: s.sortsOf(after)}
	all := make([]listed, 0, len(r.members))
	for _, m := range r.members {
		l := listed{s.people[m.Who].sorts, m.Membership}
		if after != "" && compare(l, start) <= 0 || len(words) > 0 && !matches(policy.Tokens(l.sorts+" "+user(m.Who)), words) {
			continue
		}
		all = append(all, l)
	}
	s.mu.RUnlock()
	slices.SortFunc(all, compare)
	page := make([]portal.Membership, 0, min(len(all), maxPage))
	for _, l := range all[:min(len(all), size(limit))] {
		page = append(page, l.Membership)
	}
	return page, ctx.Err()
}

// sortsOf is the name by which lists order who, also when they have just left. Called with the lock held.
func (s *Service) sortsOf(who portal.Address) string {
	if p := s.people[who]; p != nil && p.sorts != "" {
		return p.sorts
	}
	return policy.Fold(s.called(who))
}

func size(limit int) int {
	if limit <= 0 {
		return standardPage
	}
	return min(limit, maxPage)
}
