package contacts

// The contacts folder of a person's mailbox: read, taken over on demand, and written on demand.

import (
	"context"
	"slices"
	"strings"

	"portico/app/portal"
)

// Outlook is the contacts folders of the mailboxes.
type Outlook interface {
	// Contacts is everybody in the person's folder; those without a SIP address have an e-mail address.
	Contacts(ctx context.Context, who portal.Address) ([]portal.Person, error)
	// SaveContact writes somebody into the folder.
	SaveContact(ctx context.Context, who portal.Address, p portal.Person) error
}

// Outlook is the people of the owner's contacts folder, by name; those who have only an e-mail address get a SIP address
// made of it, and those with neither are left out. ErrUnavailable where there is no mailbox or it does not answer.
func (s *Service) Outlook(ctx context.Context, owner portal.Address) ([]portal.Person, error) {
	if s.o.Outlook == nil {
		return nil, portal.Fail(portal.ErrUnavailable, "contacts.no-outlook")
	}
	found, err := s.o.Outlook.Contacts(ctx, owner)
	if err != nil {
		return nil, err
	}
	people := make([]portal.Person, 0, len(found))
	seen := map[portal.Address]bool{owner: true}
	for _, p := range found {
		if p.URI == "" {
			p.URI, _ = portal.ParseAddress(p.Email) // without either there is nobody to show
		}
		if p.URI == "" || seen[p.URI] {
			continue
		}
		seen[p.URI] = true
		if p.DisplayName == "" {
			p.DisplayName = p.URI.Bare()
		}
		people = append(people, p)
	}
	slices.SortFunc(people, func(a, b portal.Person) int {
		return compareAll(strings.Compare(strings.ToLower(a.DisplayName), strings.ToLower(b.DisplayName)), strings.Compare(string(a.URI), string(b.URI)))
	})
	return people, nil
}

// SaveToOutlook writes a contact into the owner's contacts folder, with what the address book knows of them. ErrNotFound
// for somebody not on the list, ErrConflict for somebody who is in the folder.
func (s *Service) SaveToOutlook(ctx context.Context, owner, uri portal.Address) error {
	c, err := s.Contact(ctx, owner, uri)
	if err != nil {
		return err
	}
	have, err := s.Outlook(ctx, owner)
	if err != nil {
		return err
	}
	p := s.o.Lookup(ctx, uri)
	p.URI, p.DisplayName, p.Group = uri, Called(c), false
	if c.Nickname != "" && c.DisplayName != "" {
		p.DisplayName = c.DisplayName
	}
	if p.Email == "" {
		p.Email = uri.Bare()
	}
	if slices.ContainsFunc(have, func(o portal.Person) bool { return o.URI == uri || strings.EqualFold(o.Email, p.Email) }) {
		return portal.Fail(portal.ErrConflict, "contacts.in-outlook")
	}
	return s.o.Outlook.SaveContact(ctx, owner, p)
}

// ImportFromOutlook takes people of the owner's contacts folder onto the list, in one change; those who are on it stay as
// they are. ErrNotFound for one who is not in the folder, ErrConflict where not all of them fit on the list: then nobody
// is taken.
func (s *Service) ImportFromOutlook(ctx context.Context, owner portal.Address, uris []portal.Address) error {
	people, err := s.Outlook(ctx, owner)
	if err != nil {
		return err
	}
	var chosen []portal.Person
	for _, uri := range uris {
		i := slices.IndexFunc(people, func(p portal.Person) bool { return p.URI == uri })
		if i < 0 {
			return portal.Fail(portal.ErrNotFound, "contacts.not-in-outlook")
		}
		chosen = append(chosen, people[i])
	}
	_, err = s.takeOver(ctx, owner, chosen)
	return err
}

// ImportAllFromOutlook takes everybody of the owner's contacts folder onto the list, in one change, and gives how many came onto it;
// those who are on it stay as they are. ErrConflict ("contacts.full") where not all of them fit on the list: then nobody is taken.
func (s *Service) ImportAllFromOutlook(ctx context.Context, owner portal.Address) (taken int, err error) {
	people, err := s.Outlook(ctx, owner)
	if err != nil {
		return 0, err
	}
	return s.takeOver(ctx, owner, people)
}

// takeOver puts those of chosen onto the list who are not on it, all or none, and gives how many that were.
func (s *Service) takeOver(ctx context.Context, owner portal.Address, chosen []portal.Person) (taken int, err error) {
	err = s.change(ctx, owner, func(b book) (ListChange, error) {
		var c ListChange
		for _, p := range chosen {
			if indexOf(b.contacts, p.URI) >= 0 || indexOf(c.Put, p.URI) >= 0 {
				continue
			}
			name := cleaned(p.DisplayName, MaxNameLen)
			entry, err := s.fresh(ctx, owner, portal.Contact{URI: p.URI, DisplayName: name, IsGroup: p.Group, Email: groupEmail(p)})
			if err != nil {
				return ListChange{}, err
			}
			entry, err = checked(owner, entry)
			if err != nil {
				return ListChange{}, err
			}
			c.Put = append(c.Put, entry)
		}
		if len(b.contacts)+len(c.Put) > s.o.Limit {
			return ListChange{}, tooMany(s.o.Limit)
		}
		taken = len(c.Put)
		return c, nil
	})
	if err != nil {
		return 0, err
	}
	return taken, nil
}

func groupEmail(p portal.Person) string {
	if p.Group {
		return p.Email
	}
	return ""
}
