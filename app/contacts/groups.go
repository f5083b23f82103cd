package contacts

// The groups of a list: they have an order, can be folded up, and exist without contacts too.

import (
	"context"
	"slices"

	"portico/app/portal"
)

// Groups are the owner's groups in their order, those without contacts too.
func (s *Service) Groups(ctx context.Context, owner portal.Address) ([]portal.ContactGroup, error) {
	b, err := s.read(ctx, owner)
	return b.groups, err
}

// PutGroup makes a group, as the last one; nothing happens where there is one of that name. ErrInvalid for a name that
// cannot be, ErrConflict where there are MaxGroups.
func (s *Service) PutGroup(ctx context.Context, owner portal.Address, name string) error {
	name, err := groupName(name)
	if err != nil {
		return err
	}
	return s.change(ctx, owner, func(b book) (ListChange, error) {
		if b.group(name) >= 0 {
			return ListChange{}, nil
		}
		if len(b.groups) >= MaxGroups {
			return ListChange{}, tooManyGroups()
		}
		return ListChange{PutGroups: []portal.ContactGroup{{Name: name, Rank: b.nextRank()}}}, nil
	})
}

// RenameGroup gives a group another name, which its contacts follow. ErrNotFound where there is none of the old name,
// ErrConflict where there is one of the new.
func (s *Service) RenameGroup(ctx context.Context, owner portal.Address, old, name string) error {
	name, err := groupName(name)
	if err != nil {
		return err
	}
	return s.change(ctx, owner, func(b book) (ListChange, error) {
		switch {
		case b.group(old) < 0:
			return ListChange{}, noGroup()
		case old == name:
			return ListChange{}, nil
		case b.group(name) >= 0:
			return ListChange{}, portal.Fail(portal.ErrConflict, "contacts.group-exists")
		}
		return ListChange{Rename: map[string]string{old: name}}, nil
	})
}

// RemoveGroup takes a group away; its contacts stay on the list, in their other groups or in none. ErrNotFound.
func (s *Service) RemoveGroup(ctx context.Context, owner portal.Address, name string) error {
	return s.change(ctx, owner, func(b book) (ListChange, error) {
		if b.group(name) < 0 {
			return ListChange{}, noGroup()
		}
		return ListChange{RemoveGroups: []string{name}}, nil
	})
}

// OrderGroups puts the groups in an order; those not named follow in the one they had. ErrNotFound for one there is not.
func (s *Service) OrderGroups(ctx context.Context, owner portal.Address, names []string) error {
	return s.change(ctx, owner, func(b book) (ListChange, error) {
		var ordered []portal.ContactGroup
		for _, name := range names {
			at := b.group(name)
			if at < 0 {
				return ListChange{}, noGroup()
			}
			if !slices.ContainsFunc(ordered, func(g portal.ContactGroup) bool { return g.Name == name }) {
				ordered = append(ordered, b.groups[at])
			}
		}
		for _, g := range b.groups {
			if !slices.Contains(names, g.Name) {
				ordered = append(ordered, g)
			}
		}
		return ListChange{PutGroups: ranked(b, ordered)}, nil
	})
}

// ranked is those of the groups whose rank has to change for them to stand in this order.
func ranked(b book, ordered []portal.ContactGroup) []portal.ContactGroup {
	if slices.Equal(ordered, b.groups) {
		return nil
	}
	var changed []portal.ContactGroup
	for i, g := range ordered {
		if at := b.group(g.Name); at < 0 || g.Rank != i+1 {
			g.Rank = i + 1
			changed = append(changed, g)
		}
	}
	return changed
}

// FoldGroup folds a group up or opens it; ErrNotFound.
func (s *Service) FoldGroup(ctx context.Context, owner portal.Address, name string, closed bool) error {
	return s.change(ctx, owner, func(b book) (ListChange, error) {
		at := b.group(name)
		if at < 0 {
			return ListChange{}, noGroup()
		}
		g := b.groups[at]
		if g.Closed == closed {
			return ListChange{}, nil
		}
		g.Closed = closed
		return ListChange{PutGroups: []portal.ContactGroup{g}}, nil
	})
}

func noGroup() error { return portal.Fail(portal.ErrNotFound, "contacts.no-group") }
