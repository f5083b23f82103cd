package ldap

// Reading the whole directory: people and groups, page by page.

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	goldap "github.com/go-ldap/ldap/v3"

	"portico/app/portal"
)

// Reading is what the last reading of a directory found.
type Reading struct {
	People, Groups int
	// NoAddress are the entries without a usable address, Doubles those whose address another has, Managers the
	// people whose manager is nobody in the directory. Cut values were too long, Broken ones no text.
	NoAddress, Doubles, Managers, Cut, Broken int
	Took                                      time.Duration

	// byDN is who each distinguished name is, and groups where a group's members are found.
	byDN map[string]portal.Person
}

// LastReading is what the last reading that went well found; the zero value before it.
func (d *Directory) LastReading() Reading {
	if r := d.last.Load(); r != nil {
		return *r
	}
	return Reading{}
}

// People is everybody in the directory, and its distribution groups (Person.Group). Entries without a usable address
// are left out and counted. The error means ErrUnavailable "directory.ldap"; a directory of more than MaxEntries is
// refused as a whole, because half of it would look as if the others had left, and so is one that shows nobody.
func (d *Directory) People(ctx context.Context) ([]portal.Person, error) {
	began := time.Now()
	s, err := d.open(ctx)
	if err != nil {
		return nil, err
	}
	defer s.close()
	c := &collector{d: d, seen: map[portal.Address]bool{}, managers: map[portal.Address]string{}, read: &Reading{byDN: map[string]portal.Person{}}}
	err = d.pages(ctx, s, d.c.Base, d.filters.people, d.m.ofPeople(), c.person)
	if err == nil && c.read.People+c.read.NoAddress == 0 {
		err = errNobodyShown
	}
	if err == nil && d.filters.groups != "" {
		err = d.pages(ctx, s, d.c.GroupBase, d.filters.groups, d.m.ofGroups(), c.group)
	}
	if err != nil {
		return nil, unavailable(err)
	}
	c.resolveManagers()
	c.read.Took = time.Since(began)
	d.last.Store(c.read)
	d.o.Logger.Info("directory read", "source", d.c.Name, "people", c.read.People, "groups", c.read.Groups, "no_address", c.read.NoAddress,
		"doubles", c.read.Doubles, "took", c.read.Took)
	return c.people, nil
}

var (
	// errTooMany is said of a directory that is larger than allowed.
	errTooMany = errors.New("the directory has more entries than are allowed")
	// errNobodyShown: servers hide what an account may not read, so nobody at all is no answer.
	errNobodyShown = errors.New("the directory shows nobody: may the service account read it, and does the filter fit?")
)

// pages searches in pages and gives each entry to take.
func (d *Directory) pages(ctx context.Context, s *session, base, filter string, attributes []string, take func(*goldap.Entry)) error {
	paging := goldap.NewControlPaging(uint32(d.o.PageSize)) // #nosec G115 -- bounded by the options
	req := goldap.NewSearchRequest(base, goldap.ScopeWholeSubtree, goldap.NeverDerefAliases, 0, d.seconds(), false, filter, attributes, []goldap.Control{paging})
	for count := 0; ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		// A server that does not page gives everything at once, as far as it may.
		s.allow(int64(d.o.PageSize)*perEntry + int64(d.o.MaxEntries)*perName)
		res, err := s.Search(req)
		if err != nil {
			return fmt.Errorf("search below %s: %w", base, why(ctx, err))
		}
		if count += len(res.Entries); count > d.o.MaxEntries {
			return fmt.Errorf("%w: %d", errTooMany, d.o.MaxEntries)
		}
		for _, e := range res.Entries {
			take(e)
		}
		answer, ok := goldap.FindControl(res.Controls, goldap.ControlTypePaging).(*goldap.ControlPaging)
		if !ok || len(answer.Cookie) == 0 {
			return nil
		}
		if len(res.Entries) == 0 {
			return errors.New("the server gives page after page without an entry")
		}
		paging.SetCookie(answer.Cookie)
	}
}

// why prefers the end of the context to what it did to the connection.
func why(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// collector makes people of entries.
type collector struct {
	d      *Directory
	people []portal.Person
	seen   map[portal.Address]bool
	// managers are the distinguished names, by who reports to them.
	managers map[portal.Address]string
	read     *Reading
}

func (c *collector) person(e *goldap.Entry) {
	p, ok := c.d.personOf(e, c.read)
	if !c.add(e, p, ok) {
		return
	}
	c.read.People++
	if dn := first(e, c.d.m[AttrManager]); dn != "" {
		c.managers[p.URI] = dn
	}
}

func (c *collector) group(e *goldap.Entry) {
	p, ok := c.d.groupOf(e, c.read)
	if c.add(e, p, ok) {
		c.read.Groups++
	}
}

func (c *collector) add(e *goldap.Entry, p portal.Person, ok bool) bool {
	switch {
	case !ok:
		c.read.NoAddress++
		return false
	case c.seen[p.URI]:
		c.read.Doubles++
		return false
	}
	c.seen[p.URI] = true
	c.read.byDN[nameKey(e.DN)] = p
	c.people = append(c.people, p)
	return true
}

// resolveManagers gives everybody the address of whom they report to.
func (c *collector) resolveManagers() {
	for i := range c.people {
		p := &c.people[i]
		dn, ok := c.managers[p.URI]
		if !ok {
			continue
		}
		m, ok := c.read.byDN[nameKey(dn)]
		if !ok || m.Group || m.URI == p.URI {
			c.read.Managers++
			continue
		}
		p.Manager = m.URI
	}
}

// maxDN bounds a distinguished name in bytes.
const maxDN = 2048

// nameKey makes distinguished names comparable: they differ in case, spaces and escapes without meaning others.
func nameKey(dn string) string {
	if len(dn) > maxDN {
		return ""
	}
	if parsed, err := goldap.ParseDN(dn); err == nil {
		dn = parsed.String()
	}
	return strings.ToLower(dn)
}
