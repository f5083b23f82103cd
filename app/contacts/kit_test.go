package contacts

// A storage and a SIP server in memory, which fail when they are told to.

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"

	"portico/app/portal"
)

const owner = portal.Address("sip:owner@example.test")

var errFault = errors.New("the test had it fail")

// faulty decides for each step whether it fails before it does anything, or after it has done it.
type faulty struct {
	mu   sync.Mutex
	fail func(step string) (before, after bool)
}

func (f *faulty) step(name string, do func() error) error {
	before, after := false, false
	if f.fail != nil {
		before, after = f.fail(name)
	}
	if before {
		return portal.Fail(portal.ErrUnavailable, "storage.away").Because(errFault)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := do(); err != nil {
		return err
	}
	if after {
		return portal.Fail(portal.ErrUnavailable, "storage.away").Because(errFault)
	}
	return nil
}

// memory is a Store of one owner's list.
type memory struct {
	faulty
	book    book
	etag    string
	agreed  []byte
	changes int
	recents []portal.Recent
	// ties are relationships given to people who are not on the list.
	ties map[portal.Address]portal.Relationship
}

func (m *memory) Contacts(context.Context, portal.Address) (list []portal.Contact, err error) {
	err = m.step("contacts", func() error { list = slices.Clone(m.book.contacts); return nil })
	return list, err
}

func (m *memory) Relationship(_ context.Context, _, uri portal.Address) (r portal.Relationship, err error) {
	err = m.step("relationship", func() error {
		c, err := m.book.contact(uri)
		r = c.Relationship
		if tie := m.ties[uri]; err != nil && tie != "" {
			r, err = tie, nil
		}
		return err
	})
	return r, err
}

func (m *memory) SeedContacts(_ context.Context, _ portal.Address, list []portal.Contact) error {
	return m.step("seed", func() error { m.book = newBook(list, nil); return nil })
}

func (m *memory) ContactGroups(context.Context, portal.Address) (groups []portal.ContactGroup, err error) {
	err = m.step("groups", func() error { groups = slices.Clone(m.book.groups); return nil })
	return groups, err
}

func (m *memory) ChangeContacts(_ context.Context, _ portal.Address, c ListChange) error {
	return m.step("change", func() error { m.book = m.book.with(c); m.changes++; return nil })
}

func (m *memory) Recents(_ context.Context, _ portal.Address, limit int) (list []portal.Recent, err error) {
	err = m.step("recents", func() error { list = m.recents[:min(limit, len(m.recents))]; return nil })
	return list, err
}

func (m *memory) Roster(context.Context, portal.Address) (etag string, agreed []byte, err error) {
	err = m.step("roster", func() error { etag, agreed = m.etag, m.agreed; return nil })
	return etag, agreed, err
}

func (m *memory) SaveRoster(_ context.Context, _ portal.Address, etag string, agreed []byte) error {
	return m.step("save roster", func() error { m.etag, m.agreed = etag, slices.Clone(agreed); return nil })
}

// server is the list at a SIP server. without: it has none yet.
type server struct {
	faulty
	list    RosterList
	version int
	without bool
	// between happens after a list was read and before one is written; fetches, stores count.
	between         func()
	fetches, stores int
}

func (s *server) tag() string { return "v" + strconv.Itoa(s.version) }

func (s *server) Fetch(_ context.Context, _ portal.Address, etag string) (l RosterList, unchanged bool, err error) {
	err = s.step("fetch", func() error {
		s.fetches++
		if s.without {
			return portal.Fail(portal.ErrNotFound, "contacts.not-found")
		}
		unchanged = etag == s.tag()
		if !unchanged {
			l = RosterList{ETag: s.tag(), Groups: slices.Clone(s.list.Groups)}
			for _, c := range s.list.Entries {
				c.Groups = slices.Clone(c.Groups)
				l.Entries = append(l.Entries, c)
			}
		}
		return nil
	})
	return l, unchanged, err
}

func (s *server) Store(_ context.Context, _ portal.Address, l RosterList, etag string) (tag string, err error) {
	if s.between != nil {
		s.between()
	}
	err = s.step("store", func() error {
		if etag != "" && (s.without || etag != s.tag()) || etag == "" && !s.without {
			return portal.Fail(portal.ErrConflict, "conflict")
		}
		s.stores++
		s.list, s.without = l, false
		s.version++
		tag = s.tag()
		return nil
	})
	return tag, err
}

// edit is another client's change of the list.
func (s *server) edit(change func(l *RosterList)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.list)
	s.without = false
	s.version++
}

func (s *server) entry(uri portal.Address) *portal.Contact {
	for i, c := range s.list.Entries {
		if c.URI == uri {
			return &s.list.Entries[i]
		}
	}
	return nil
}
