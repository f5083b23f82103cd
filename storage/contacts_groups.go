package storage

import (
	"context"
	"maps"
	"slices"
	"strings"

	"portico/app/portal"
)

// Changes of whole contact lists, their groups, and what is agreed with the list on the SIP server.

// ContactGroups are the owner's groups by rank and name. A group exists without contacts too.
func (s *Store) ContactGroups(ctx context.Context, owner portal.Address) (list []portal.ContactGroup, err error) {
	err = s.all(ctx, "groups of contacts", selectContactGroups, []any{string(owner)}, appendContactGroup(&list))
	return list, err
}

const selectContactGroups = `SELECT name, rank, closed FROM contact_groups WHERE owner = ? ORDER BY rank, name`

func appendContactGroup(to *[]portal.ContactGroup) func(scanFunc) error {
	return func(scan scanFunc) error {
		var (
			g      portal.ContactGroup
			closed int
		)
		err := scan(&g.Name, &g.Rank, &closed)
		g.Closed = closed != 0
		*to = append(*to, g)
		return err
	}
}

// ensureGroups adds those groups of a contact that are not there, behind the others where the owner has put these in an order.
func (t *txn) ensureGroups(owner portal.Address, names []string) error {
	for _, name := range names {
		var rank int
		there, err := t.one(`SELECT rank FROM contact_groups WHERE owner = ? AND name = ?`, []any{string(owner), name}, &rank)
		if err != nil {
			return err
		}
		if there {
			continue
		}
		if _, err := t.one(`SELECT COALESCE(MAX(rank), 0) FROM contact_groups WHERE owner = ?`, []any{string(owner)}, &rank); err != nil {
			return err
		}
		if rank > 0 {
			rank++
		}
		if err := t.putContactGroup(owner, portal.ContactGroup{Name: name, Rank: rank}); err != nil {
			return err
		}
	}
	return nil
}

func (t *txn) putContactGroup(owner portal.Address, g portal.ContactGroup) error {
	return t.exec(`INSERT INTO contact_groups (owner, name, rank, closed) VALUES (?, ?, ?, ?)
		ON CONFLICT (owner, name) DO UPDATE SET rank = excluded.rank, closed = excluded.closed`,
		string(owner), g.Name, g.Rank, flag(g.Closed))
}

// ChangeContacts makes a change of the owner's list, whole or not at all. A ContactsEvent is logged for each contact that was put
// or removed and is not as it was, and one without an ID where groups changed: groups that are only new are told of by the contacts in
// them, where there are such. A group to be renamed or removed and a contact to be removed that are not there are no error; a contact
// that is put keeps when it was added.
func (s *Store) ChangeContacts(ctx context.Context, owner portal.Address, c portal.ContactsChange) error {
	rows, err := checkContactsChange(owner, c)
	if err != nil {
		return err
	}
	return s.write(ctx, "change contacts", func(t *txn) error {
		grouped, added, err := t.changeGroups(owner, c)
		if err != nil {
			return err
		}
		var evs []portal.Addressed
		tell := func(uri portal.Address, change portal.Change) {
			evs = append(evs, portal.Addressed{For: []portal.Address{owner}, Event: portal.ContactsEvent{ID: uri, Change: change}})
		}
		if grouped {
			tell("", portal.Updated)
		}
		for _, uri := range c.Remove {
			deleted, err := t.deleteContact(owner, uri)
			if err != nil {
				return err
			}
			if deleted {
				tell(uri, portal.Deleted)
			}
		}
		for i, put := range c.Put {
			change, err := t.putContact(owner, put, rows[i])
			if err != nil {
				return err
			}
			if change != "" {
				tell(put.URI, change)
			}
		}
		if added && len(evs) == 0 {
			tell("", portal.Updated)
		}
		return t.log(evs...)
	})
}

func checkContactsChange(owner portal.Address, c portal.ContactsChange) ([]contactRow, error) {
	if owner == "" {
		return nil, invalid("contacts of nobody")
	}
	names := slices.Collect(maps.Values(c.Rename))
	for _, g := range c.PutGroups {
		names = append(names, g.Name)
	}
	for _, name := range names {
		if name == "" || strings.Contains(name, "\n") {
			return nil, invalid("a group of contacts needs a name of one line")
		}
	}
	rows := make([]contactRow, len(c.Put))
	for i, put := range c.Put {
		var err error
		if rows[i], err = contactOf(owner, put); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// changeGroups does what a change says of the groups, in the contacts too. Changed is true where what there was is not as it was, added
// where there are new groups.
func (t *txn) changeGroups(owner portal.Address, c portal.ContactsChange) (changed, added bool, err error) {
	if len(c.Rename) == 0 && len(c.RemoveGroups) == 0 && len(c.PutGroups) == 0 {
		return false, false, nil
	}
	var list []portal.ContactGroup
	if err := t.all(selectContactGroups, []any{string(owner)}, appendContactGroup(&list)); err != nil {
		return false, false, err
	}
	before := map[string]portal.ContactGroup{}
	for _, g := range list {
		before[g.Name] = g
	}
	after := regrouped(list, c)
	for _, g := range list {
		if _, stays := after[g.Name]; !stays {
			changed = true
			if err := t.exec(`DELETE FROM contact_groups WHERE owner = ? AND name = ?`, string(owner), g.Name); err != nil {
				return false, false, err
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(after)) {
		old, there := before[name]
		if g := after[name]; old != g {
			changed, added = changed || there, added || !there
			if err := t.putContactGroup(owner, g); err != nil {
				return false, false, err
			}
		}
	}
	if len(c.Rename) == 0 && len(c.RemoveGroups) == 0 {
		return changed, added, nil
	}
	moved, err := t.regroupContacts(owner, c)
	return changed || moved, added, err
}

// regrouped is the groups after the change, by name.
func regrouped(list []portal.ContactGroup, c portal.ContactsChange) map[string]portal.ContactGroup {
	after := map[string]portal.ContactGroup{}
	for _, g := range list { // those that keep their names first: who gets the name of one of them becomes part of it
		if c.Rename[g.Name] == "" {
			after[g.Name] = g
		}
	}
	for _, g := range list {
		name := c.Rename[g.Name]
		if _, taken := after[name]; name != "" && !taken {
			g.Name = name
			after[name] = g
		}
	}
	for _, name := range c.RemoveGroups {
		delete(after, name)
	}
	for _, g := range c.PutGroups {
		after[g.Name] = g
	}
	return after
}

// regroupContacts gives the contacts the new names of their groups and takes them out of those that go.
func (t *txn) regroupContacts(owner portal.Address, c portal.ContactsChange) (moved bool, err error) {
	rows := map[portal.Address]contactRow{}
	err = t.all(`SELECT uri, group_name, more_groups FROM contacts WHERE owner = ?`, []any{string(owner)}, func(scan scanFunc) error {
		var (
			uri portal.Address
			r   contactRow
		)
		err := scan(&uri, &r.group, &r.more)
		rows[uri] = r
		return err
	})
	if err != nil {
		return false, err
	}
	for uri, old := range rows {
		var names []string
		for _, name := range old.groups() {
			if renamed := c.Rename[name]; renamed != "" {
				name = renamed
			}
			if !slices.Contains(c.RemoveGroups, name) {
				names = append(names, name)
			}
		}
		r := old
		if r.setGroups(distinct(names)); r == old {
			continue
		}
		moved = true
		if err := t.exec(`UPDATE contacts SET group_name = ?, more_groups = ? WHERE owner = ? AND uri = ?`, r.group, r.more, string(owner), string(uri)); err != nil {
			return false, err
		}
	}
	return moved, nil
}

// Roster is what is known of the list that the SIP server keeps for the owner: its entity tag and the list as both sides last agreed
// on it; empty and nil where nothing is.
func (s *Store) Roster(ctx context.Context, owner portal.Address) (etag string, agreed []byte, err error) {
	_, err = s.one(ctx, "roster", `SELECT etag, agreed FROM contact_rosters WHERE owner = ?`, []any{string(owner)}, &etag, &agreed)
	return etag, agreed, err
}

// SaveRoster keeps it in place of what was known before.
func (s *Store) SaveRoster(ctx context.Context, owner portal.Address, etag string, agreed []byte) error {
	if owner == "" {
		return invalid("roster of nobody")
	}
	agreed = append([]byte{}, agreed...)
	return s.write(ctx, "save roster", func(t *txn) error {
		return t.exec(`INSERT INTO contact_rosters (owner, etag, agreed, saved_at) VALUES (?, ?, ?, ?)
			ON CONFLICT (owner) DO UPDATE SET etag = excluded.etag, agreed = excluded.agreed, saved_at = excluded.saved_at`,
			string(owner), etag, agreed, stamp(t.w.s.o.Now()))
	})
}
