package storage

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"portico/app/portal"
)

// The contact lists. An entry is one row with all the groups it is in, so that a list is read by one statement; the groups
// themselves stand in contact_groups (contacts_groups.go), and whatever puts a contact into a group makes sure that it is there.

// contactRow is an entry as it is kept, without its address and when it was added. It is comparable.
type contactRow struct {
	display, group, more        string
	relationship                portal.Relationship
	nickname, email             string
	favourite, tagged, isAGroup int
}

func (r *contactRow) dest() []any {
	return []any{&r.display, &r.group, &r.more, &r.relationship, &r.nickname, &r.favourite, &r.tagged, &r.email, &r.isAGroup}
}

func (r contactRow) args() []any {
	return []any{r.display, r.group, r.more, string(r.relationship), r.nickname, r.favourite, r.tagged, r.email, r.isAGroup}
}

const contactColumns = `display_name, group_name, more_groups, relationship, nickname, favourite, tagged, email, is_group`

// groups are all the groups of the entry.
func (r contactRow) groups() []string {
	if r.group == "" {
		return nil
	}
	if r.more == "" {
		return []string{r.group}
	}
	return append([]string{r.group}, strings.Split(r.more, "\n")...)
}

// setGroups puts the entry into these groups alone.
func (r *contactRow) setGroups(names []string) {
	r.group, r.more = "", ""
	if len(names) > 0 {
		r.group, r.more = names[0], strings.Join(names[1:], "\n")
	}
}

func (r contactRow) contact(uri portal.Address, added int64) portal.Contact {
	return portal.Contact{URI: uri, DisplayName: r.display, Group: r.group, Groups: r.groups(), Relationship: r.relationship, AddedAt: instant(added),
		Nickname: r.nickname, Favourite: r.favourite != 0, Tagged: r.tagged != 0, Email: r.email, IsGroup: r.isAGroup != 0}
}

// rowOf is how a contact is kept: in its Groups where it has some, else in its Group alone.
func rowOf(c portal.Contact) (contactRow, error) {
	names := c.Groups
	if len(names) == 0 {
		names = []string{c.Group}
	}
	names = distinct(names)
	for _, name := range names {
		if strings.Contains(name, "\n") {
			return contactRow{}, invalid("the name of a group of contacts has several lines")
		}
	}
	r := contactRow{display: c.DisplayName, relationship: c.Relationship, nickname: c.Nickname, email: c.Email,
		favourite: flag(c.Favourite), tagged: flag(c.Tagged), isAGroup: flag(c.IsGroup)}
	r.setGroups(names)
	return r, nil
}

// distinct leaves out the empty name and repetitions.
func distinct(names []string) []string {
	kept := make([]string, 0, len(names))
	for _, name := range names {
		if name != "" && !slices.Contains(kept, name) {
			kept = append(kept, name)
		}
	}
	return kept
}

// Contacts is the owner's contact list, by the first group, name and address.
func (s *Store) Contacts(ctx context.Context, owner portal.Address) ([]portal.Contact, error) {
	var list []portal.Contact
	err := s.all(ctx, "contacts", `SELECT uri, added_at, `+contactColumns+` FROM contacts
		WHERE owner = ? ORDER BY group_name, display_name, uri`, []any{string(owner)}, func(scan scanFunc) error {
		var (
			r     contactRow
			uri   portal.Address
			added int64
		)
		if err := scan(append([]any{&uri, &added}, r.dest()...)...); err != nil {
			return err
		}
		list = append(list, r.contact(uri, added))
		return nil
	})
	return list, err
}

// Relationship is what the owner has made of somebody, on their list or not; ErrNotFound for anybody else.
func (s *Store) Relationship(ctx context.Context, owner, uri portal.Address) (portal.Relationship, error) {
	var r portal.Relationship
	found, err := s.one(ctx, "relationship", `SELECT relationship FROM contacts WHERE owner = ? AND uri = ?
		UNION ALL SELECT relationship FROM privacy_ties WHERE owner = ? AND who = ?`, // never in both
		[]any{string(owner), string(uri), string(owner), string(uri)}, &r)
	if err == nil && !found {
		err = portal.Fail(portal.ErrNotFound, "contacts.not-found")
	}
	return r, err
}

// Tagged are the contacts of whom the owner wants to be told when they become available, by address.
func (s *Store) Tagged(ctx context.Context, owner portal.Address) (list []portal.Address, err error) {
	err = s.all(ctx, "tagged contacts", `SELECT uri FROM contacts WHERE owner = ? AND tagged = 1 ORDER BY uri`,
		[]any{string(owner)}, appendAddress(&list))
	return list, err
}

func appendAddress(to *[]portal.Address) func(scanFunc) error {
	return func(scan scanFunc) error {
		var a portal.Address
		err := scan(&a)
		*to = append(*to, a)
		return err
	}
}

// PutContact adds an entry to the owner's list or replaces it (which keeps when it was added), and
// logs ev. A ContactsEvent about the entry is told as created or updated by what really happened. Groups that are
// not there yet are added. A relationship that was given to somebody who was not on the list is the entry's from then on.
func (s *Store) PutContact(ctx context.Context, owner portal.Address, c portal.Contact, ev portal.Addressed) error {
	r, err := contactOf(owner, c)
	if err != nil {
		return err
	}
	return s.write(ctx, "put contact", func(t *txn) error {
		change, err := t.putContact(owner, c, r)
		if err != nil {
			return err
		}
		if e, ok := ev.Event.(portal.ContactsEvent); ok && e.ID == c.URI {
			e.Change = cmp.Or(change, portal.Updated)
			ev.Event = e
		}
		return t.log(ev)
	})
}

// contactOf is rowOf for an entry that can be on the owner's list.
func contactOf(owner portal.Address, c portal.Contact) (contactRow, error) {
	if owner == "" || c.URI == "" {
		return contactRow{}, invalid("a contact needs an owner and an address")
	}
	return rowOf(c)
}

// putContact gives portal.Created, portal.Updated, or "" where the entry was like that already.
func (t *txn) putContact(owner portal.Address, c portal.Contact, r contactRow) (portal.Change, error) {
	var old contactRow
	found, err := t.one(`SELECT `+contactColumns+` FROM contacts WHERE owner = ? AND uri = ?`, []any{string(owner), string(c.URI)}, old.dest()...)
	switch {
	case err != nil:
		return "", err
	case !found:
		return portal.Created, t.insertContact(owner, c, r)
	case old == r:
		return "", nil
	}
	if err := t.ensureGroups(owner, r.groups()); err != nil {
		return "", err
	}
	return portal.Updated, t.exec(`UPDATE contacts SET display_name = ?, group_name = ?, more_groups = ?, relationship = ?, nickname = ?, favourite = ?,
		tagged = ?, email = ?, is_group = ? WHERE owner = ? AND uri = ?`, append(r.args(), string(owner), string(c.URI))...)
}

// insertContact adds an entry; one that is there already stays as it is.
func (t *txn) insertContact(owner portal.Address, c portal.Contact, r contactRow) error {
	at := c.AddedAt
	if at.IsZero() {
		at = t.w.s.o.Now()
	}
	n, err := t.affect(`INSERT INTO contacts (owner, uri, added_at, `+contactColumns+`)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (owner, uri) DO NOTHING`,
		append([]any{string(owner), string(c.URI), stamp(at)}, r.args()...)...)
	if err != nil || n == 0 {
		return err
	}
	if err := t.dropTie(owner, c.URI); err != nil {
		return err
	}
	return t.ensureGroups(owner, r.groups())
}

// DeleteContact takes an entry off the owner's list and logs ev; false, and no event, where it was not there.
func (s *Store) DeleteContact(ctx context.Context, owner, uri portal.Address, ev portal.Addressed) (deleted bool, err error) {
	err = s.write(ctx, "delete contact", func(t *txn) error {
		deleted, err = t.deleteContact(owner, uri)
		if err != nil || !deleted {
			return err
		}
		return t.log(ev)
	})
	return deleted && err == nil, err
}

// deleteContact takes an entry off a list. Who was blocked or public stays so: they are not to see more for being forgotten.
// An owner who shows themselves to nobody but those they gave a relationship shows public less by giving none.
func (t *txn) deleteContact(owner, uri portal.Address) (bool, error) {
	p, err := t.privacy(owner)
	if err != nil {
		return false, err
	}
	kept := `(relationship = 'blocked' OR relationship = 'public' AND is_group = 0)`
	if p.ContactsOnly {
		kept = `relationship = 'blocked'`
	}
	if err := t.exec(`INSERT INTO privacy_ties (owner, who, relationship)
		SELECT owner, uri, relationship FROM contacts WHERE owner = ? AND uri = ? AND `+kept+`
		ON CONFLICT (owner, who) DO UPDATE SET relationship = excluded.relationship`, string(owner), string(uri)); err != nil {
		return false, err
	}
	n, err := t.affect(`DELETE FROM contacts WHERE owner = ? AND uri = ?`, string(owner), string(uri))
	return n > 0, err
}

// SeedContacts fills the owner's list, once for each owner ever: later calls change nothing, so that
// what was removed does not come back. No events are logged.
func (s *Store) SeedContacts(ctx context.Context, owner portal.Address, list []portal.Contact) error {
	list = slices.Clone(list)
	rows := make([]contactRow, len(list))
	for i, c := range list {
		var err error
		if rows[i], err = contactOf(owner, c); err != nil {
			return err
		}
	}
	return s.write(ctx, "seed contacts", func(t *txn) error {
		first, err := t.affect(`INSERT INTO contacts_seeded (owner, at) VALUES (?, ?) ON CONFLICT (owner) DO NOTHING`,
			string(owner), stamp(t.w.s.o.Now()))
		if err != nil || first == 0 {
			return err
		}
		for i, c := range list {
			if err := t.insertContact(owner, c, rows[i]); err != nil {
				return err
			}
		}
		return nil
	})
}
