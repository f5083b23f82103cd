package contacts

// Distribution groups on a list: their address is made of their e-mail, they have members and no presence.

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"portico/app/portal"
)

const (
	// maxMembers bounds the members of a distribution group that are shown.
	maxMembers = 1000
	// maxExpanded bounds the groups whose members are remembered, expandedFor says for how long; of one more than fit,
	// the oldest is forgotten.
	maxExpanded = 256
	expandedFor = 2 * time.Minute
)

// AddDistributionGroup puts a distribution group on the list by its e-mail address and gives the entry; one that is on it
// stays as it is. An empty name is that of the address book. ErrInvalid for what is no address, ErrConflict where the list
// is full or a person has that address.
func (s *Service) AddDistributionGroup(ctx context.Context, owner portal.Address, email, name string) (portal.Contact, error) {
	email = strings.TrimSpace(email)
	uri, err := portal.ParseAddress(email)
	if err != nil || strings.Contains(email, ":") {
		return portal.Contact{}, portal.Fail(portal.ErrInvalid, "contacts.email").Because(err)
	}
	var entry portal.Contact
	err = s.change(ctx, owner, func(b book) (ListChange, error) {
		if old, err := b.contact(uri); err == nil {
			if entry = old; !old.IsGroup {
				return ListChange{}, portal.Fail(portal.ErrConflict, "contacts.is-person")
			}
			return ListChange{}, nil
		}
		if len(b.contacts) >= s.o.Limit {
			return ListChange{}, tooMany(s.o.Limit)
		}
		if entry, err = s.fresh(ctx, owner, portal.Contact{URI: uri, Email: email, IsGroup: true, DisplayName: name}); err != nil {
			return ListChange{}, err
		}
		entry, err = checked(owner, entry)
		return ListChange{Put: []portal.Contact{entry}}, err
	})
	if err != nil {
		return portal.Contact{}, err
	}
	s.name(ctx, &entry)
	return entry, nil
}

// Expand gives the members of a distribution group, on the owner's list or in the address book, by name. What the
// address book knows of a member goes before what the mail server says. ErrNotFound for what is no distribution group,
// ErrUnavailable where the mail server does not answer or there is none. It is remembered for two minutes.
func (s *Service) Expand(ctx context.Context, owner, uri portal.Address) ([]portal.Person, error) {
	email, err := s.groupEmail(ctx, owner, uri)
	if err != nil {
		return nil, err
	}
	if s.o.Expander == nil {
		return nil, portal.Fail(portal.ErrUnavailable, "contacts.no-expansion")
	}
	key := string(owner) + "\x00" + strings.ToLower(email)
	if people, ok := s.expanded.get(key, s.o.Now()); ok {
		return people, nil
	}
	found, err := s.o.Expander(ctx, owner, email)
	if err != nil {
		return nil, err
	}
	people := s.members(ctx, found)
	s.expanded.put(key, people, s.o.Now())
	return people, nil
}

func (s *Service) groupEmail(ctx context.Context, owner, uri portal.Address) (string, error) {
	c, err := s.Contact(ctx, owner, uri)
	if err == nil && c.IsGroup {
		return c.Email, nil
	}
	if err != nil && portal.Meaning(err) != portal.ErrNotFound {
		return "", err
	}
	if p := s.o.Lookup(ctx, uri); p.Group && p.Email != "" {
		return p.Email, nil
	}
	return "", portal.Fail(portal.ErrNotFound, "contacts.not-distribution")
}

// members is what an expansion found, each once, as the address book knows them.
func (s *Service) members(ctx context.Context, found []portal.Person) []portal.Person {
	people := make([]portal.Person, 0, min(len(found), maxMembers))
	seen := map[portal.Address]bool{}
	for _, p := range found {
		if p.URI == "" {
			p.URI, _ = portal.ParseAddress(p.Email) // without either there is nobody to show
		}
		if p.URI == "" || seen[p.URI] || len(people) == maxMembers {
			continue
		}
		seen[p.URI] = true
		known := s.o.Lookup(ctx, p.URI)
		if len(known.Sources) == 0 && p.DisplayName != "" { // the address book only made a name of the address
			known.DisplayName = p.DisplayName
		}
		if known.Email == "" {
			known.Email = p.Email
		}
		known.Group = known.Group || p.Group
		people = append(people, known)
	}
	slices.SortFunc(people, func(a, b portal.Person) int {
		return compareAll(strings.Compare(strings.ToLower(a.DisplayName), strings.ToLower(b.DisplayName)), strings.Compare(string(a.URI), string(b.URI)))
	})
	return people
}

// expanded remembers the members of distribution groups for a while, for each who asked (not everybody may see them).
type expanded struct {
	mu   *sync.Mutex
	kept map[string]expansion
}

type expansion struct {
	people []portal.Person
	at     time.Time
}

func newExpanded() expanded { return expanded{mu: new(sync.Mutex), kept: map[string]expansion{}} }

func (e expanded) get(key string, now time.Time) ([]portal.Person, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	x, ok := e.kept[key]
	if !ok || now.Sub(x.at) >= expandedFor {
		return nil, false
	}
	return slices.Clone(x.people), true
}

func (e expanded) put(key string, people []portal.Person, now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.kept[key] = expansion{people: slices.Clone(people), at: now}
	for len(e.kept) > maxExpanded {
		oldest := ""
		for k, x := range e.kept {
			if oldest == "" || x.at.Before(e.kept[oldest].at) {
				oldest = k
			}
		}
		delete(e.kept, oldest)
	}
}
