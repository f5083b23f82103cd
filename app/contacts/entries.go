package contacts

// The entries of a list: adding, changing, moving between groups, taking off.

import (
	"context"
	"slices"

	"portico/app/portal"
)

// Put adds a contact or changes the one there is. Groups says in which groups it is, Group alone where Groups is nil;
// groups there are not yet come to be. Of a new one, an empty relationship means the one given before, else Options.Standing; of an
// old one it stays as it is, as does an empty name or nickname and a favourite or tag that is not set. Somebody whom the address book knows as
// a distribution group becomes one. ErrInvalid for the owner themselves, a relationship, group or name that cannot be,
// ErrConflict where the list is full or has too many groups.
func (s *Service) Put(ctx context.Context, owner portal.Address, c portal.Contact) error {
	return s.put(ctx, owner, c, false)
}

// Amend is Put for a change that says nothing of the groups: those of an old entry stay as they are.
func (s *Service) Amend(ctx context.Context, owner portal.Address, c portal.Contact) error {
	return s.put(ctx, owner, c, true)
}

func (s *Service) put(ctx context.Context, owner portal.Address, c portal.Contact, keepGroups bool) error {
	if uri, err := portal.ParseAddress(string(c.URI)); err == nil {
		c.URI = uri
	}
	return s.change(ctx, owner, func(b book) (_ ListChange, err error) {
		at := indexOf(b.contacts, c.URI)
		switch {
		case at >= 0 && keepGroups:
			c.Groups = slices.Clip(append([]string{}, b.contacts[at].Groups...))
			c = over(b.contacts[at], c)
		case at >= 0:
			c = over(b.contacts[at], c)
		default:
			if c, err = s.fresh(ctx, owner, c); err != nil {
				return ListChange{}, err
			}
		}
		c, err = checked(owner, c)
		if err != nil {
			return ListChange{}, err
		}
		if at < 0 && len(b.contacts) >= s.o.Limit {
			return ListChange{}, tooMany(s.o.Limit)
		}
		return ListChange{Put: []portal.Contact{c}}, nil
	})
}

// fresh is a new entry with what it does not say: somebody who was given a relationship before keeps it.
func (s *Service) fresh(ctx context.Context, owner portal.Address, c portal.Contact) (portal.Contact, error) {
	if c.Relationship == "" {
		var err error
		if c.Relationship, err = s.Relationship(ctx, owner, c.URI); err != nil {
			return c, err
		}
	}
	if c.AddedAt.IsZero() {
		c.AddedAt = s.o.Now().UTC()
	}
	if p := s.o.Lookup(ctx, c.URI); p.Group && !c.IsGroup {
		c.IsGroup, c.Email = true, p.Email
	}
	if c.IsGroup && c.Email == "" {
		c.Email = c.URI.Bare()
	}
	return c, nil
}

// over is the old entry with what the new one says.
func over(old, c portal.Contact) portal.Contact {
	c.AddedAt, c.IsGroup, c.Email = old.AddedAt, old.IsGroup, old.Email
	if c.Relationship == "" {
		c.Relationship = old.Relationship
	}
	if c.DisplayName == "" {
		c.DisplayName = old.DisplayName
	}
	if c.Nickname == "" {
		c.Nickname = old.Nickname
	}
	c.Favourite = c.Favourite || old.Favourite
	c.Tagged = c.Tagged || old.Tagged
	return c
}

// Remove takes a contact off the list, out of all its groups; ErrNotFound where it is not on it.
func (s *Service) Remove(ctx context.Context, owner, uri portal.Address) error {
	return s.change(ctx, owner, func(b book) (ListChange, error) {
		if _, err := b.contact(uri); err != nil {
			return ListChange{}, err
		}
		return ListChange{Remove: []portal.Address{uri}}, nil
	})
}

// Move takes a contact out of one group and into another, at its place; the group "" is none. A contact that is not in
// the first any more (another page moved it) is put into the second all the same. ErrNotFound where it is not on the list.
func (s *Service) Move(ctx context.Context, owner, uri portal.Address, from, to string) error {
	return s.amend(ctx, owner, uri, func(c *portal.Contact) error {
		names := slices.Clone(c.Groups)
		at := slices.Index(names, from)
		switch {
		case from == to:
			return nil
		case at >= 0 && to != "":
			names[at] = to
		case at >= 0:
			names = slices.Delete(names, at, at+1)
		case to != "":
			names = append(names, to)
		}
		c.Groups = append([]string{}, names...)
		return nil
	})
}

// Copy puts a contact into a further group.
func (s *Service) Copy(ctx context.Context, owner, uri portal.Address, to string) error {
	to, err := groupName(to)
	if err != nil {
		return err
	}
	return s.amend(ctx, owner, uri, func(c *portal.Contact) error {
		c.Groups = append(slices.Clone(c.Groups), to)
		return nil
	})
}

// Favourite makes a contact one of those that stand first, or no longer.
func (s *Service) Favourite(ctx context.Context, owner, uri portal.Address, on bool) error {
	return s.amend(ctx, owner, uri, func(c *portal.Contact) error { c.Favourite = on; return nil })
}

// Tag has the owner told when the contact becomes available, or no longer. ErrInvalid for a distribution group.
func (s *Service) Tag(ctx context.Context, owner, uri portal.Address, on bool) error {
	return s.amend(ctx, owner, uri, func(c *portal.Contact) error {
		if on && c.IsGroup {
			return portal.Fail(portal.ErrInvalid, "contacts.tag-group")
		}
		c.Tagged = on
		return nil
	})
}

// Nickname is what the owner calls the contact; "" takes it back.
func (s *Service) Nickname(ctx context.Context, owner, uri portal.Address, name string) error {
	return s.amend(ctx, owner, uri, func(c *portal.Contact) error { c.Nickname = name; return nil })
}

// amend changes one entry that there must be; nothing is written where it stays as it was.
func (s *Service) amend(ctx context.Context, owner, uri portal.Address, with func(c *portal.Contact) error) error {
	return s.change(ctx, owner, func(b book) (ListChange, error) {
		old, err := b.contact(uri)
		if err != nil {
			return ListChange{}, err
		}
		c := old
		if err := with(&c); err != nil {
			return ListChange{}, err
		}
		if c, err = checked(owner, c); err != nil {
			return ListChange{}, err
		}
		if sameContact(old, c) {
			return ListChange{}, nil
		}
		return ListChange{Put: []portal.Contact{c}}, nil
	})
}

func sameContact(a, b portal.Contact) bool {
	return a.URI == b.URI && a.DisplayName == b.DisplayName && a.Relationship == b.Relationship && slices.Equal(a.Groups, b.Groups) &&
		a.Nickname == b.Nickname && a.Favourite == b.Favourite && a.Tagged == b.Tagged && a.Email == b.Email && a.IsGroup == b.IsGroup
}

// Seed fills the list of a person who never had one; for everybody else it does nothing. An entry
// that cannot be on the list (the owner themselves) is left out.
func (s *Service) Seed(ctx context.Context, owner portal.Address, list []portal.Contact) error {
	done, err := s.turns.take(ctx, owner)
	if err != nil {
		return err
	}
	defer done()
	var fit []portal.Contact
	for _, c := range list {
		if c.Relationship == "" {
			if c.Relationship, err = s.Relationship(ctx, owner, c.URI); err != nil {
				return err
			}
		}
		c, err := checked(owner, c)
		if err != nil || indexOf(fit, c.URI) >= 0 {
			s.o.Logger.DebugContext(ctx, "contact not seeded", "owner", owner, "contact", c.URI, "err", err)
			continue
		}
		if len(fit) == s.o.Limit {
			break
		}
		fit = append(fit, c)
	}
	if err := s.store.SeedContacts(ctx, owner, fit); err != nil {
		return err
	}
	s.o.Related(owner)
	return s.tell(ctx, owner)
}
