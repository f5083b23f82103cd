package storage

import (
	"context"
	"slices"

	"portico/app/portal"
)

// The contact lists.

// Contacts is the owner's contact list, by group, name and address.
func (s *Store) Contacts(ctx context.Context, owner portal.Address) ([]portal.Contact, error) {
	var list []portal.Contact
	err := s.all(ctx, "contacts", selectContacts, []any{string(owner)}, func(scan scanFunc) error {
		var (
			c  portal.Contact
			at int64
		)
		if err := scan(&c.URI, &c.DisplayName, &c.Group, &c.Relationship, &at); err != nil {
			return err
		}
		c.AddedAt = instant(at)
		list = append(list, c)
		return nil
	})
	return list, err
}

const selectContacts = `SELECT uri, display_name, group_name, relationship, added_at FROM contacts
	WHERE owner = ? ORDER BY group_name, display_name, uri`

// Relationship is what the owner has made of somebody on their list; ErrNotFound for anybody else.
func (s *Store) Relationship(ctx context.Context, owner, uri portal.Address) (portal.Relationship, error) {
	var r portal.Relationship
	found, err := s.one(ctx, "relationship", `SELECT relationship FROM contacts WHERE owner = ? AND uri = ?`,
		[]any{string(owner), string(uri)}, &r)
	if err == nil && !found {
		err = portal.Fail(portal.ErrNotFound, "contacts.not-found")
	}
	return r, err
}

// PutContact adds an entry to the owner's list or replaces it (which keeps when it was added), and
// logs ev. A ContactsEvent about the entry is told as created or updated by what really happened.
func (s *Store) PutContact(ctx context.Context, owner portal.Address, c portal.Contact, ev portal.Addressed) error {
	if owner == "" || c.URI == "" {
		return invalid("a contact needs an owner and an address")
	}
	return s.write(ctx, "put contact", func(t *txn) error {
		updated, err := t.affect(`UPDATE contacts SET display_name = ?, group_name = ?, relationship = ? WHERE owner = ? AND uri = ?`,
			c.DisplayName, c.Group, string(c.Relationship), string(owner), string(c.URI))
		if err != nil {
			return err
		}
		change := portal.Updated
		if updated == 0 {
			change = portal.Created
			if err := t.insertContact(owner, c); err != nil {
				return err
			}
		}
		if e, ok := ev.Event.(portal.ContactsEvent); ok && e.ID == c.URI {
			e.Change = change
			ev.Event = e
		}
		return t.log(ev)
	})
}

func (t *txn) insertContact(owner portal.Address, c portal.Contact) error {
	at := c.AddedAt
	if at.IsZero() {
		at = t.w.s.o.Now()
	}
	return t.exec(`INSERT INTO contacts (owner, uri, display_name, group_name, relationship, added_at)
		VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (owner, uri) DO NOTHING`,
		string(owner), string(c.URI), c.DisplayName, c.Group, string(c.Relationship), stamp(at))
}

// DeleteContact takes an entry off the owner's list and logs ev; false, and no event, where it was not there.
func (s *Store) DeleteContact(ctx context.Context, owner, uri portal.Address, ev portal.Addressed) (deleted bool, err error) {
	err = s.write(ctx, "delete contact", func(t *txn) error {
		n, err := t.affect(`DELETE FROM contacts WHERE owner = ? AND uri = ?`, string(owner), string(uri))
		if err != nil {
			return err
		}
		deleted = n > 0
		if !deleted {
			return nil
		}
		return t.log(ev)
	})
	return deleted && err == nil, err
}

// SeedContacts fills the owner's list, once for each owner ever: later calls change nothing, so that
// what was removed does not come back. No events are logged.
func (s *Store) SeedContacts(ctx context.Context, owner portal.Address, list []portal.Contact) error {
	list = slices.Clone(list)
	return s.write(ctx, "seed contacts", func(t *txn) error {
		first, err := t.affect(`INSERT INTO contacts_seeded (owner, at) VALUES (?, ?) ON CONFLICT (owner) DO NOTHING`,
			string(owner), stamp(t.w.s.o.Now()))
		if err != nil || first == 0 {
			return err
		}
		for _, c := range list {
			if err := t.insertContact(owner, c); err != nil {
				return err
			}
		}
		return nil
	})
}
