package rooms

// Who may be taken into a group, and who is in one by name only: put there by somebody whom they blocked. The others see
// them among its people, as ones who never read or answer; of the group nothing is shown or told to them.

import (
	"context"
	"slices"

	"portico/app/portal"
)

// never is First of who is in a group by name only: no message has that place.
const never = int64(1) << 62

// absent reports whether m is there by name only.
func absent(m portal.Membership) bool { return m.First == never }

// but is list without those of out; list itself where there are none.
func but(list, out []portal.Address) []portal.Address {
	if len(out) == 0 {
		return list
	}
	return slices.DeleteFunc(slices.Clone(list), func(w portal.Address) bool { return slices.Contains(out, w) })
}

// Reconsider brings who back into the rooms they are in by name only, where nobody is in any more whom they block: they are
// in them as if they came now. Errors: ErrUnavailable; what was done till then stays so.
func (s *Service) Reconsider(ctx context.Context, who portal.Address) error {
	var apart []portal.Address
	s.mu.RLock()
	if p := s.people[who]; p != nil {
		for r, m := range p.rooms {
			if absent(m.Membership) {
				apart = append(apart, r.URI)
			}
		}
	}
	s.mu.RUnlock()
	slices.Sort(apart)
	for _, at := range apart {
		if err := s.back(ctx, at, who); err != nil && portal.Meaning(err) != portal.ErrNotFound {
			return err
		}
	}
	return nil
}

// back is Reconsider for one room. The others, who saw them there all along, hear nothing of it.
func (s *Service) back(ctx context.Context, at, who portal.Address) error {
	r, release, err := s.take(ctx, at, everything)
	if err != nil {
		return err
	}
	defer release()
	s.mu.RLock()
	v, m := sight{room: r.Room, people: slices.Clone(r.people)}, r.listed(who)
	s.mu.RUnlock()
	if !m.Role.Valid() || !absent(m) {
		return nil
	}
	for _, other := range without(v.people, who) {
		if blocked, err := s.o.Blocked(ctx, who, other); err != nil || blocked {
			return err
		}
	}
	first, last, err := s.beginning(ctx, r, v.room)
	if err != nil {
		return err
	}
	m.First, m.ReadUpTo, m.JoinedAt = first, last, s.now()
	came := v.personal(who, portal.RoomEvent{What: portal.RoomMembers, Who: who, Role: m.Role, By: who})
	if err := s.put(ctx, r, m, came); err != nil {
		return err
	}
	s.news.person(who)
	return nil
}

// mayGroup asks policy whether in may be taken into a group.
func (s *Service) mayGroup(in portal.Address) error {
	if s.o.InForce(in).DisableIM {
		return portal.Fail(portal.ErrForbidden, "chat.peer-disabled")
	}
	return nil
}

// grouped checks the people of a new group of who's, and gives those of them who are to be in it by name only.
func (s *Service) grouped(ctx context.Context, who portal.Address, people []portal.Address) (apart []portal.Address, err error) {
	if s.o.InForce(who).DisableIM {
		return nil, disabled()
	}
	for _, w := range without(people, who) {
		if err := s.mayGroup(w); err != nil {
			return nil, err
		}
		blocked, err := s.o.Blocked(ctx, w, who)
		if err != nil {
			return nil, err
		}
		if blocked {
			apart = append(apart, w)
		}
	}
	return apart, nil
}
