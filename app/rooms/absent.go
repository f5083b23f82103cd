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
