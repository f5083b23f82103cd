// Package contacts keeps each person's contact list: who is on it, in which groups, how close, and the same at the SIP server.
//
// Every change of a list is one transaction together with the event that tells the owner's browsers.
// After it, and when a person signs in, Options.Changed is told whose presence the owner wants to see.
// Where the SIP server keeps contact lists too, both are brought together in the background (roster.go).
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
	Lists
	// Contacts is the owner's list.
	Contacts(ctx context.Context, owner portal.Address) ([]portal.Contact, error)
	// Relationship is that of one entry; ErrNotFound.
	Relationship(ctx context.Context, owner, uri portal.Address) (portal.Relationship, error)
	// SeedContacts fills a list, once for each owner ever.
	SeedContacts(ctx context.Context, owner portal.Address, list []portal.Contact) error
}

// The bounds of a list, and how often the one at the SIP server is read, where Options do not say.
const (
	// DefaultLimit is how many entries a list may have.
	DefaultLimit = 1000
	// DefaultRosterPoll is the time between two readings of the server's list.
	DefaultRosterPoll = 10 * time.Second
	// DefaultRosterWorkers is how many people's lists are brought together at once.
	DefaultRosterWorkers = 8
	// DefaultRosterRate is how many polls a second the SIP server gets at most: up to 1,000 people at once keep the full pace.
	DefaultRosterRate = 100
)

// Bounds that nobody can move.
const (
	// MaxGroups is how many groups a list may have.
	MaxGroups = 64
	// MaxGroupLen is the longest name of a group, in characters.
	MaxGroupLen = 64
)

// Options are what the service is told from outside; the zero value works.
type Options struct {
	// Changed is told the owner's whole wanted set after every change of it and at SignedIn, in order for
	// each owner: the people of the list without distribution groups, which have no presence. It must not block.
	Changed func(owner portal.Address, people []portal.Address)
	// Related is told when somebody came onto the owner's list, went off it or became something else to them, by
	// whomever. It must not block. nil: nobody is told.
	Related func(owner portal.Address)
	// Lookup looks a person up in the address book; it never fails.
	Lookup func(ctx context.Context, a portal.Address) portal.Person
	// Standing is what the owner has made of somebody by what they decided of all; an entry that says nothing of it gets that.
	// nil: everybody is company. It must not call the service.
	Standing func(ctx context.Context, owner, of portal.Address) (portal.Relationship, error)
	// Limit is how many entries a list may have. Default: DefaultLimit.
	Limit int
	// Expander gives the members of a distribution group by its e-mail address. nil: there is none.
	Expander func(ctx context.Context, owner portal.Address, email string) ([]portal.Person, error)
	// Outlook is the contacts folders of the mailboxes. nil: there are none.
	Outlook Outlook
	// Roster is the list that the SIP server keeps. nil: it keeps none, and the list lives here alone.
	Roster Roster
	// RosterPoll is the time between two readings of the server's list for people with a live page, give or take a
	// tenth, where RosterRate and the server's answers allow it. Default: DefaultRosterPoll.
	RosterPoll time.Duration
	// RosterRate is how many polls a second there are at most, of all people together. Default: DefaultRosterRate.
	RosterRate int
	// RosterWorkers is how many lists are brought together at once. Default: DefaultRosterWorkers.
	RosterWorkers int
	// Live reports whether the person has a live page; nil: everybody signed in has.
	Live   func(who portal.Address) bool
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
	// here remembers what is asked often of those who are signed in.
	here here
	// rosters is when whose list is brought together with the server's; nil where there is none.
	rosters *rosters
	// expanded are the members of distribution groups that were asked for of late.
	expanded expanded
}

// New makes the service. It starts nothing.
func New(store Store, o Options) *Service {
	if o.Changed == nil {
		o.Changed = func(portal.Address, []portal.Address) {}
	}
	if o.Related == nil {
		o.Related = func(portal.Address) {}
	}
	if o.Lookup == nil {
		o.Lookup = func(_ context.Context, a portal.Address) portal.Person { return portal.Person{URI: a} }
	}
	if o.Standing == nil {
		o.Standing = func(context.Context, portal.Address, portal.Address) (portal.Relationship, error) {
			return portal.Company, nil
		}
	}
	if o.Limit <= 0 {
		o.Limit = DefaultLimit
	}
	if o.RosterPoll <= 0 {
		o.RosterPoll = DefaultRosterPoll
	}
	if o.RosterRate <= 0 {
		o.RosterRate = DefaultRosterRate
	}
	if o.RosterWorkers <= 0 {
		o.RosterWorkers = DefaultRosterWorkers
	}
	if o.Live == nil {
		o.Live = func(portal.Address) bool { return true }
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Service{store: store, o: o, turns: newTurns(), late: newLate(), here: newHere(), expanded: newExpanded()}
	if o.Roster != nil {
		s.rosters = newRosters(o.RosterPoll, o.RosterRate, o.RosterWorkers)
	}
	return s
}

// List is the owner's contacts by first group, name and address, each with the name the owner gave them or
// else that of the address book. Group is the first of Groups.
func (s *Service) List(ctx context.Context, owner portal.Address) ([]portal.Contact, error) {
	list, err := s.store.Contacts(ctx, owner)
	if err != nil {
		return nil, err
	}
	for i := range list {
		list[i] = grouped(list[i])
		s.name(ctx, &list[i])
	}
	slices.SortFunc(list, func(a, b portal.Contact) int {
		return compareAll(
			strings.Compare(strings.ToLower(a.Group), strings.ToLower(b.Group)), strings.Compare(a.Group, b.Group), byName(a, b))
	})
	return list, nil
}

// byName orders contacts by what they are called, then by address.
func byName(a, b portal.Contact) int {
	return compareAll(strings.Compare(strings.ToLower(Called(a)), strings.ToLower(Called(b))), strings.Compare(string(a.URI), string(b.URI)))
}

// Called is what the owner sees a contact called: the nickname, else the name, else the address.
func Called(c portal.Contact) string {
	switch {
	case c.Nickname != "":
		return c.Nickname
	case c.DisplayName != "":
		return c.DisplayName
	}
	return c.URI.Bare()
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
	c := grouped(list[i])
	s.name(ctx, &c)
	return c, nil
}

// Relationship is what the owner has made of somebody: Options.Standing for those to whom none was given, on the list or not.
func (s *Service) Relationship(ctx context.Context, owner, of portal.Address) (portal.Relationship, error) {
	r, err := s.store.Relationship(ctx, owner, of)
	if errors.Is(err, portal.ErrNotFound) {
		return s.o.Standing(ctx, owner, of)
	}
	return r, err
}

// Recents are the people whom the owner had to do with last, newest first: 10 where limit is not positive, at most 100.
func (s *Service) Recents(ctx context.Context, owner portal.Address, limit int) ([]portal.Recent, error) {
	if limit <= 0 {
		limit = 10
	}
	return s.store.Recents(ctx, owner, min(limit, 100))
}

// SignedIn tells Changed whom the person wants to see, remembers whom they tagged, and has their list brought together
// with the server's. After an error Run does it as soon as storage answers.
func (s *Service) SignedIn(ctx context.Context, owner portal.Address) error {
	s.here.add(owner)
	if s.rosters != nil {
		s.rosters.add(owner)
	}
	err := s.tellInTurn(ctx, owner)
	if err != nil && !s.late.add(owner) {
		return errors.Join(err, errors.New("contacts: too many wait already; not told again"))
	}
	return err
}

// SignedOut forgets what was remembered of somebody while they were signed in. Changes of their list that the server
// does not have yet are still taken there.
func (s *Service) SignedOut(owner portal.Address) {
	s.here.drop(owner)
	if s.rosters != nil {
		s.rosters.leave(owner)
	}
}

// Tagged are those of whom the owner wants to hear when they become available. It reads memory alone, and knows people
// who are signed in.
func (s *Service) Tagged(owner portal.Address) []portal.Address { return s.here.tagged(owner) }

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
	s.here.set(owner, taggedOf(list))
	s.o.Changed(owner, wanted(list))
	return nil
}

func indexOf(list []portal.Contact, uri portal.Address) int {
	return slices.IndexFunc(list, func(c portal.Contact) bool { return c.URI == uri })
}

// wanted is the people of a list whose presence is to be seen.
func wanted(list []portal.Contact) []portal.Address {
	people := make([]portal.Address, 0, len(list))
	for _, c := range list {
		if !c.IsGroup {
			people = append(people, c.URI)
		}
	}
	return people
}

func taggedOf(list []portal.Contact) []portal.Address {
	var people []portal.Address
	for _, c := range list {
		if c.Tagged && !c.IsGroup {
			people = append(people, c.URI)
		}
	}
	return people
}
