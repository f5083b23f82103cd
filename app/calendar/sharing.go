package calendar

import (
	"context"
	"slices"
	"strings"

	"portico/app/portal"
)

// MaxShared is how many calendars somebody can have beside their own.
const MaxShared = 50

// Shared are the calendars that the person looks at beside their own, by name.
func (s *Service) Shared(ctx context.Context, me portal.Address) ([]portal.CalendarRef, error) {
	list, err := s.s.SharedCalendars(ctx, me)
	if err != nil {
		return nil, err
	}
	for i := range list {
		if p := s.o.Lookup(ctx, list[i].Owner); p.DisplayName != "" {
			list[i].Name = p.DisplayName
		}
		if list[i].Name == "" {
			list[i].Name = list[i].Owner.Bare()
		}
	}
	slices.SortStableFunc(list, func(a, b portal.CalendarRef) int {
		return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
	})
	return list, nil
}

// AddShared puts a calendar beside one's own, or changes whether it is shown.
func (s *Service) AddShared(ctx context.Context, me, owner portal.Address, shown bool) error {
	if me == owner || owner == "" {
		return bad("calendar.share-self")
	}
	list, err := s.s.SharedCalendars(ctx, me)
	if err != nil {
		return err
	}
	if len(list) >= MaxShared && !slices.ContainsFunc(list, func(r portal.CalendarRef) bool { return r.Owner == owner }) {
		return portal.Fail(portal.ErrTooMany, "calendar.share-many")
	}
	ref := portal.CalendarRef{Owner: owner, Name: s.o.Lookup(ctx, owner).DisplayName, Shown: shown, AddedAt: s.o.Now().UTC()}
	if err := s.s.SaveSharedCalendar(ctx, me, ref); err != nil {
		return err
	}
	if s.x == nil {
		return nil
	}
	_, err = s.lanes.get(portal.CalendarKey{Reader: me, Owner: owner}, me)
	return err
}

// RemoveShared takes it away again.
func (s *Service) RemoveShared(ctx context.Context, me, owner portal.Address) error {
	if err := s.s.DeleteSharedCalendar(ctx, me, owner); err != nil {
		return err
	}
	if me != owner {
		s.lanes.forsake(me, owner)
	}
	return nil
}
