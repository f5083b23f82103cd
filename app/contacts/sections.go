package contacts

// The list as a page shows it: in sections, by group or in another order.

import (
	"context"
	"slices"

	"portico/app/portal"
)

// The orders of a list, as portal.Settings.Sort keeps them.
const (
	SortGroups       = ""
	SortStatus       = "status"
	SortRelationship = "relationship"
	SortRecent       = "recent"
)

// The kinds of a Section.
const (
	// KindFavourites is the favourites, KindGroup a group, KindOthers those in no group.
	KindFavourites = "favourites"
	KindGroup      = "group"
	KindOthers     = "others"
	// KindStatus is those of one availability, KindRelationship those of one relationship (Name says which).
	KindStatus       = "status"
	KindRelationship = "relationship"
	// KindRecent is those the owner had to do with of late, the last first; KindEarlier the rest.
	KindRecent  = "recent"
	KindEarlier = "earlier"
)

// Section is a part of a list with what stands above it.
type Section struct {
	Kind string `json:"kind"`
	// Name is the name of a group, an availability or a relationship; empty for the other kinds.
	Name string `json:"name,omitempty"`
	// Rank and Closed are those of a group.
	Rank   int  `json:"rank,omitempty"`
	Closed bool `json:"closed,omitempty"`
	// Contacts are by name, in KindRecent by time. Somebody in two groups stands in both.
	Contacts []portal.Contact `json:"contacts"`
}

// Sections is the owner's list in the order that sort names: groups (favourites first, then every group by rank, empty
// ones too, then those in none), status (by presenceOf), relationship or recent. Outside of groups a section without
// anybody is left out. An unknown order is ErrInvalid.
func (s *Service) Sections(ctx context.Context, owner portal.Address, sort string, presenceOf func(portal.Address) portal.Presence) ([]Section, error) {
	b, err := s.read(ctx, owner)
	if err != nil {
		return nil, err
	}
	for i := range b.contacts {
		s.name(ctx, &b.contacts[i])
	}
	slices.SortFunc(b.contacts, byName)
	switch sort {
	case SortGroups:
		return byGroup(b), nil
	case SortStatus:
		return byStatus(b.contacts, presenceOf), nil
	case SortRelationship:
		return byRelationship(b.contacts), nil
	case SortRecent:
		recents, err := s.Recents(ctx, owner, 100)
		if err != nil {
			return nil, err
		}
		return byRecent(b.contacts, recents), nil
	}
	return nil, portal.Fail(portal.ErrInvalid, "contacts.sort")
}

func byGroup(b book) []Section {
	var all []Section
	if some := those(b.contacts, func(c portal.Contact) bool { return c.Favourite }); len(some) > 0 {
		all = append(all, Section{Kind: KindFavourites, Contacts: some})
	}
	for _, g := range b.groups {
		all = append(all, Section{Kind: KindGroup, Name: g.Name, Rank: g.Rank, Closed: g.Closed,
			Contacts: those(b.contacts, func(c portal.Contact) bool { return slices.Contains(c.Groups, g.Name) })})
	}
	if some := those(b.contacts, func(c portal.Contact) bool { return len(c.Groups) == 0 }); len(some) > 0 {
		all = append(all, Section{Kind: KindOthers, Contacts: some})
	}
	return all
}

// those is never nil.
func those(list []portal.Contact, are func(portal.Contact) bool) []portal.Contact {
	some := []portal.Contact{}
	for _, c := range list {
		if are(c) {
			some = append(some, c)
		}
	}
	return some
}

func byStatus(list []portal.Contact, presenceOf func(portal.Address) portal.Presence) []Section {
	state := make(map[portal.Address]portal.Availability, len(list))
	for _, c := range list {
		a := portal.Unknown
		if !c.IsGroup && presenceOf != nil {
			a = presenceOf(c.URI).Availability
		}
		if !a.Valid() {
			a = portal.Unknown
		}
		state[c.URI] = a
	}
	var all []Section
	for _, a := range []portal.Availability{portal.Available, portal.Busy, portal.DoNotDisturb, portal.BeRightBack, portal.Away, portal.Offline, portal.Unknown} {
		if some := those(list, func(c portal.Contact) bool { return state[c.URI] == a }); len(some) > 0 {
			all = append(all, Section{Kind: KindStatus, Name: string(a), Contacts: some})
		}
	}
	return all
}

func byRelationship(list []portal.Contact) []Section {
	var all []Section
	for _, r := range []portal.Relationship{portal.Personal, portal.Team, portal.Company, portal.Public, portal.Blocked} {
		if some := those(list, func(c portal.Contact) bool { return c.Relationship == r }); len(some) > 0 {
			all = append(all, Section{Kind: KindRelationship, Name: string(r), Contacts: some})
		}
	}
	return all
}

func byRecent(list []portal.Contact, recents []portal.Recent) []Section {
	var all []Section
	seen := map[portal.Address]bool{}
	late := []portal.Contact{}
	for _, r := range recents {
		if i := indexOf(list, r.URI); i >= 0 && !seen[r.URI] {
			seen[r.URI] = true
			late = append(late, list[i])
		}
	}
	if len(late) > 0 {
		all = append(all, Section{Kind: KindRecent, Contacts: late})
	}
	if some := those(list, func(c portal.Contact) bool { return !seen[c.URI] }); len(some) > 0 {
		all = append(all, Section{Kind: KindEarlier, Contacts: some})
	}
	return all
}
