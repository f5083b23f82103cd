// Package contacts keeps each person's contact list: who is on it, in which group, how close.
//
// Every change of a list is one transaction together with the event that tells the owner's browsers.
// After it, and when a person signs in, Options.Changed is told whose presence the owner wants to see.
package contacts

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	"portico/app/portal"
)

// Store keeps the lists. Each call is one transaction; events go to the event log in it.
type Store interface {
	// Contacts is the owner's list.
	Contacts(ctx context.Context, owner portal.Address) ([]portal.Contact, error)
	// Relationship is that of one entry; ErrNotFound.
	Relationship(ctx context.Context, owner, uri portal.Address) (portal.Relationship, error)
	// PutContact adds or replaces an entry and says in the logged event which of the two it was.
	PutContact(ctx context.Context, owner portal.Address, c portal.Contact, ev portal.Addressed) error
	// DeleteContact removes an entry; false where it was not there.
	DeleteContact(ctx context.Context, owner, uri portal.Address, ev portal.Addressed) (bool, error)
	// SeedContacts fills a list, once for each owner ever.
	SeedContacts(ctx context.Context, owner portal.Address, list []portal.Contact) error
}

// DefaultLimit is how many entries a list may have where Options do not say.
const DefaultLimit = 1000

// MaxGroupLen is the longest name of a group, in characters.
const MaxGroupLen = 64

// Options are what the service is told from outside; the zero value works.
type Options struct {
	// Changed is told the owner's whole wanted set after every change and at SignedIn, in order for
	// each owner. It must not block.
	Changed func(owner portal.Address, people []portal.Address)
	// Lookup looks a person up in the address book; it never fails.
	Lookup func(ctx context.Context, a portal.Address) portal.Person
	// Limit is how many entries a list may have. Default: DefaultLimit.
	Limit  int
	Logger *slog.Logger
	Now    func() time.Time
}

// Service is the contact lists of all people. Its methods may be called from any goroutine.
type Service struct {
	store Store
	o     Options
	// turns makes the changes of one owner's list go one after the other, so that the limit holds and
	// Changed is told in order.
	turns turns
	// late are those whom SignedIn could not tell of; Run does.
	late late
}

// New makes the service. It starts nothing.
func New(store Store, o Options) *Service {
	if o.Changed == nil {
		o.Changed = func(portal.Address, []portal.Address) {}
	}
	if o.Lookup == nil {
		o.Lookup = func(_ context.Context, a portal.Address) portal.Person { return portal.Person{URI: a} }
	}
	if o.Limit <= 0 {
		o.Limit = DefaultLimit
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Service{store: store, o: o, turns: newTurns(), late: newLate()}
}

// List is the owner's contacts by group, name and address, each with the name the owner gave them or
// else that of the address book.
func (s *Service) List(ctx context.Context, owner portal.Address) ([]portal.Contact, error) {
	list, err := s.store.Contacts(ctx, owner)
	if err != nil {
		return nil, err
	}
	for i := range list {
		s.name(ctx, &list[i])
	}
	slices.SortFunc(list, func(a, b portal.Contact) int {
		return compareAll(
			strings.Compare(strings.ToLower(a.Group), strings.ToLower(b.Group)), strings.Compare(a.Group, b.Group),
			strings.Compare(strings.ToLower(a.DisplayName), strings.ToLower(b.DisplayName)), strings.Compare(string(a.URI), string(b.URI)))
	})
	return list, nil
}

func compareAll(parts ...int) int {
	for _, c := range parts {
		if c != 0 {
			return c
		}
	}
	return 0
}

func (s *Service) name(ctx context.Context, c *portal.Contact) {
	if c.DisplayName == "" {
		c.DisplayName = s.o.Lookup(ctx, c.URI).DisplayName
	}
	if c.DisplayName == "" {
		c.DisplayName = c.URI.Bare()
	}
}

// Contact is one entry of the owner's list; ErrNotFound.
func (s *Service) Contact(ctx context.Context, owner, uri portal.Address) (portal.Contact, error) {
	list, err := s.store.Contacts(ctx, owner)
	if err != nil {
		return portal.Contact{}, err
	}
	i := indexOf(list, uri)
	if i < 0 {
		return portal.Contact{}, portal.Fail(portal.ErrNotFound, "contacts.not-found")
	}
	s.name(ctx, &list[i])
	return list[i], nil
}

// Relationship is what the owner has made of somebody: company for those who are not on the list. It
// is asked for each message that arrives.
func (s *Service) Relationship(ctx context.Context, owner, of portal.Address) (portal.Relationship, error) {
	r, err := s.store.Relationship(ctx, owner, of)
	if errors.Is(err, portal.ErrNotFound) {
		return portal.Company, nil
	}
	return r, err
}

// Group is the contacts of one group, in the order of List; the group "" holds those without one.
type Group struct {
	Name     string
	Contacts []portal.Contact
}

// Groups is List, group by group; the group without a name comes last.
func (s *Service) Groups(ctx context.Context, owner portal.Address) ([]Group, error) {
	list, err := s.List(ctx, owner)
	if err != nil {
		return nil, err
	}
	var groups []Group
	for _, c := range list {
		if n := len(groups); n > 0 && groups[n-1].Name == c.Group {
			groups[n-1].Contacts = append(groups[n-1].Contacts, c)
			continue
		}
		groups = append(groups, Group{Name: c.Group, Contacts: []portal.Contact{c}})
	}
	if len(groups) > 1 && groups[0].Name == "" { // "" sorts first
		groups = append(groups[1:], groups[0])
	}
	return groups, nil
}

// Put adds a contact or changes the one there is. Of a new one, an empty relationship means company;
// of an old one it stays as it is, as does an empty name. ErrInvalid for the owner themselves, a
// relationship or group name that cannot be, ErrConflict where the list is full.
func (s *Service) Put(ctx context.Context, owner portal.Address, c portal.Contact) error {
	return s.put(ctx, owner, c, false)
}

// Amend is Put for a change that says nothing of the group: that of an old entry stays as it is.
func (s *Service) Amend(ctx context.Context, owner portal.Address, c portal.Contact) error {
	return s.put(ctx, owner, c, true)
}

func (s *Service) put(ctx context.Context, owner portal.Address, c portal.Contact, keepGroup bool) error {
	done, err := s.turns.take(ctx, owner)
	if err != nil {
		return err
	}
	defer done()
	list, err := s.store.Contacts(ctx, owner)
	if err != nil {
		return err
	}
	at := indexOf(list, c.URI)
	if at >= 0 {
		if keepGroup {
			c.Group = list[at].Group
		}
		c = over(list[at], c)
	} else if c.Relationship == "" {
		c.Relationship = portal.Company
	}
	if c.AddedAt.IsZero() {
		c.AddedAt = s.o.Now().UTC()
	}
	if c, err = checked(owner, c); err != nil {
		return err
	}
	if at < 0 && len(list) >= s.o.Limit {
		return tooMany(s.o.Limit)
	}
	if err := s.store.PutContact(ctx, owner, c, event(owner, c.URI, portal.Updated)); err != nil {
		return err
	}
	if at < 0 {
		s.o.Changed(owner, append(addresses(list), c.URI))
	}
	return nil
}

// over is the old entry with what the new one says.
func over(old, c portal.Contact) portal.Contact {
	c.AddedAt = old.AddedAt
	if c.Relationship == "" {
		c.Relationship = old.Relationship
	}
	if c.DisplayName == "" {
		c.DisplayName = old.DisplayName
	}
	return c
}

// Remove takes a contact off the list; ErrNotFound where it is not on it.
func (s *Service) Remove(ctx context.Context, owner, uri portal.Address) error {
	done, err := s.turns.take(ctx, owner)
	if err != nil {
		return err
	}
	defer done()
	deleted, err := s.store.DeleteContact(ctx, owner, uri, event(owner, uri, portal.Deleted))
	if err != nil {
		return err
	}
	if !deleted {
		return portal.Fail(portal.ErrNotFound, "contacts.not-found")
	}
	return s.tell(ctx, owner)
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
			c.Relationship = portal.Company
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
	return s.tell(ctx, owner)
}

// SignedIn tells Changed whom the person wants to see. After an error Run tells it as soon as storage answers.
func (s *Service) SignedIn(ctx context.Context, owner portal.Address) error {
	err := s.tellInTurn(ctx, owner)
	if err != nil && !s.late.add(owner) {
		return errors.Join(err, errors.New("contacts: too many wait already; not told again"))
	}
	return err
}

func (s *Service) tellInTurn(ctx context.Context, owner portal.Address) error {
	done, err := s.turns.take(ctx, owner)
	if err != nil {
		return err
	}
	defer done()
	return s.tell(ctx, owner)
}

// tell must be called in the owner's turn.
func (s *Service) tell(ctx context.Context, owner portal.Address) error {
	list, err := s.store.Contacts(ctx, owner)
	if err != nil {
		return err
	}
	s.o.Changed(owner, addresses(list))
	return nil
}

func event(owner, uri portal.Address, change portal.Change) portal.Addressed {
	return portal.Addressed{For: []portal.Address{owner}, Event: portal.ContactsEvent{ID: uri, Change: change}}
}

func indexOf(list []portal.Contact, uri portal.Address) int {
	return slices.IndexFunc(list, func(c portal.Contact) bool { return c.URI == uri })
}

func addresses(list []portal.Contact) []portal.Address {
	people := make([]portal.Address, len(list), len(list)+1)
	for i, c := range list {
		people[i] = c.URI
	}
	return people
}
