package contacts

// A change of a list: planned on what there is, written in one transaction, then told.

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"portico/app/portal"
)

// book is a contact list with its groups, as one change finds it.
type book struct {
	contacts []portal.Contact
	// groups are by rank and name; those that only contacts mention come last.
	groups []portal.ContactGroup
}

// read is the owner's list and groups; in their turn, nobody changes them meanwhile.
func (s *Service) read(ctx context.Context, owner portal.Address) (book, error) {
	list, err := s.store.Contacts(ctx, owner)
	if err != nil {
		return book{}, err
	}
	groups, err := s.store.ContactGroups(ctx, owner)
	if err != nil {
		return book{}, err
	}
	return newBook(list, groups), nil
}

func newBook(list []portal.Contact, groups []portal.ContactGroup) book {
	b := book{contacts: make([]portal.Contact, len(list)), groups: slices.Clone(groups)}
	sortGroups(b.groups)
	var more []string
	for i, c := range list {
		b.contacts[i] = grouped(c)
		for _, name := range b.contacts[i].Groups {
			if b.group(name) < 0 && !slices.Contains(more, name) {
				more = append(more, name)
			}
		}
	}
	slices.Sort(more)
	for _, name := range more {
		b.groups = append(b.groups, portal.ContactGroup{Name: name, Rank: b.nextRank()})
	}
	return b
}

func sortGroups(groups []portal.ContactGroup) {
	slices.SortStableFunc(groups, func(a, b portal.ContactGroup) int {
		return cmp.Or(cmp.Compare(a.Rank, b.Rank), strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), strings.Compare(a.Name, b.Name))
	})
}

// grouped is the contact with Group and Groups in agreement.
func grouped(c portal.Contact) portal.Contact {
	if len(c.Groups) == 0 && c.Group != "" {
		c.Groups = []string{c.Group}
	}
	c.Group = ""
	if len(c.Groups) > 0 {
		c.Group = c.Groups[0]
	} else {
		c.Groups = nil
	}
	return c
}

func (b book) group(name string) int {
	return slices.IndexFunc(b.groups, func(g portal.ContactGroup) bool { return g.Name == name })
}

func (b book) nextRank() int {
	next := 1
	for _, g := range b.groups {
		next = max(next, g.Rank+1)
	}
	return next
}

// contact is an entry by its address; ErrNotFound.
func (b book) contact(uri portal.Address) (portal.Contact, error) {
	if i := indexOf(b.contacts, uri); i >= 0 {
		return b.contacts[i], nil
	}
	return portal.Contact{}, portal.Fail(portal.ErrNotFound, "contacts.not-found")
}

// with is the book after a change.
func (b book) with(c ListChange) book {
	contacts, groups := []portal.Contact{}, []portal.ContactGroup{}
	for _, g := range b.groups {
		if fresh, ok := c.Rename[g.Name]; ok {
			g.Name = fresh
		}
		if !slices.Contains(c.RemoveGroups, g.Name) {
			groups = append(groups, g)
		}
	}
	for _, put := range c.PutGroups {
		if i := slices.IndexFunc(groups, func(g portal.ContactGroup) bool { return g.Name == put.Name }); i >= 0 {
			groups[i] = put
		} else {
			groups = append(groups, put)
		}
	}
	for _, old := range b.contacts {
		if slices.Contains(c.Remove, old.URI) || indexOf(c.Put, old.URI) >= 0 {
			continue
		}
		var names []string
		for _, name := range old.Groups {
			if fresh, ok := c.Rename[name]; ok {
				name = fresh
			}
			if !slices.Contains(c.RemoveGroups, name) {
				names = append(names, name)
			}
		}
		old.Group, old.Groups = "", names
		contacts = append(contacts, grouped(old))
	}
	for _, put := range c.Put {
		contacts = append(contacts, grouped(put))
	}
	return newBook(contacts, groups)
}

// empty reports whether is nothing to write.
func empty(c ListChange) bool {
	return len(c.Put)+len(c.Remove)+len(c.PutGroups)+len(c.Rename)+len(c.RemoveGroups) == 0
}

// change makes one change of a list, as plan says of what there is.
func (s *Service) change(ctx context.Context, owner portal.Address, plan func(b book) (ListChange, error)) error {
	changed, err := s.changeInTurn(ctx, owner, plan)
	if err == nil && changed && s.rosters != nil {
		s.rosters.push(owner)
	}
	return err
}

// changeInTurn reports whether there was anything to change.
func (s *Service) changeInTurn(ctx context.Context, owner portal.Address, plan func(b book) (ListChange, error)) (bool, error) {
	done, err := s.turns.take(ctx, owner)
	if err != nil {
		return false, err
	}
	defer done()
	b, err := s.read(ctx, owner)
	if err != nil {
		return false, err
	}
	c, err := plan(b)
	if err != nil {
		return false, err
	}
	if c.PutGroups, err = withNewGroups(b, c); err != nil {
		return false, err
	}
	if empty(c) {
		return false, nil
	}
	if err := s.store.ChangeContacts(ctx, owner, c); err != nil {
		return false, err
	}
	after := b.with(c)
	s.here.set(owner, taggedOf(after.contacts))
	if people := wanted(after.contacts); !sameSet(people, wanted(b.contacts)) {
		s.o.Changed(owner, people)
	}
	if !maps.Equal(relationships(b.contacts), relationships(after.contacts)) {
		s.o.Related(owner)
	}
	return true, nil
}

func relationships(list []portal.Contact) map[portal.Address]portal.Relationship {
	all := make(map[portal.Address]portal.Relationship, len(list))
	for _, c := range list {
		all[c.URI] = c.Relationship
	}
	return all
}

// withNewGroups is the change's groups with those that its contacts are in and that there are not yet; ErrConflict where
// that makes too many.
func withNewGroups(b book, c ListChange) ([]portal.ContactGroup, error) {
	groups, rank := c.PutGroups, book{groups: append(slices.Clone(b.groups), c.PutGroups...)}.nextRank()
	for _, put := range c.Put {
		for _, name := range put.Groups {
			known := b.group(name) >= 0 && !slices.Contains(c.RemoveGroups, name)
			if !known && !slices.ContainsFunc(groups, func(g portal.ContactGroup) bool { return g.Name == name }) {
				groups = append(slices.Clip(groups), portal.ContactGroup{Name: name, Rank: rank})
				rank++
			}
		}
	}
	c.PutGroups = groups
	if n := len(b.with(c).groups); n > MaxGroups && n > len(b.groups) {
		return nil, tooManyGroups()
	}
	return groups, nil
}

func sameSet(a, b []portal.Address) bool {
	if len(a) != len(b) {
		return false
	}
	in := make(map[portal.Address]bool, len(a))
	for _, x := range a {
		in[x] = true
	}
	for _, x := range b {
		if !in[x] {
			return false
		}
	}
	return true
}
