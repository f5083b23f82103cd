package storage

import (
	"cmp"
	"context"
	"slices"

	"portico/app/portal"
)

// What people decided on who sees what of them. A relationship stands in one place: in the entry of the contact list where there is
// one, else in privacy_ties.

// Privacy is what a person decided and every relationship they gave, by address: those of the people on their contact list and of
// others. Somebody who never decided has the zero Privacy.
func (s *Store) Privacy(ctx context.Context, owner portal.Address) (p portal.Privacy, ties []portal.Tie, err error) {
	var payload []byte
	found, err := s.one(ctx, "privacy", `SELECT payload FROM privacy WHERE person = ?`, []any{string(owner)}, &payload)
	if err == nil && found {
		p, err = decodePrivacy(payload)
	}
	if err != nil {
		return portal.Privacy{}, nil, err
	}
	// One statement: somebody who gets onto the list meanwhile is seen once.
	err = s.all(ctx, "ties", `SELECT uri, relationship, 1 FROM contacts WHERE owner = ? AND is_group = 0
		UNION ALL SELECT who, relationship, 0 FROM privacy_ties WHERE owner = ?`, []any{string(owner), string(owner)}, func(scan scanFunc) error {
		tie, contact := portal.Tie{Owner: owner}, 0
		err := scan(&tie.With, &tie.Relationship, &contact)
		tie.Contact = contact != 0
		ties = append(ties, tie)
		return err
	})
	if err != nil {
		return portal.Privacy{}, nil, err
	}
	slices.SortFunc(ties, func(a, b portal.Tie) int { return cmp.Compare(a.With, b.With) })
	return p, ties, nil
}

// privacy is what a person decided, of their own word alone.
func (t *txn) privacy(owner portal.Address) (p portal.Privacy, err error) {
	var payload []byte
	found, err := t.one(`SELECT payload FROM privacy WHERE person = ?`, []any{string(owner)}, &payload)
	if err == nil && found {
		p, err = decodePrivacy(payload)
	}
	return p, err
}

// decodePrivacy reads what a person decided. What was kept before there was a word on what somebody is doing let everybody see it
// who saw them at all, and goes on doing so.
func decodePrivacy(payload []byte) (p portal.Privacy, err error) {
	if err := decode("privacy", payload, &p); err != nil {
		return portal.Privacy{}, err
	}
	var said struct {
		Rules map[portal.Relationship]struct {
			Activity *bool `json:"activity"`
		} `json:"rules"`
	}
	if err := decode("privacy", payload, &said); err != nil {
		return portal.Privacy{}, err
	}
	for r, sight := range p.Rules {
		if said.Rules[r].Activity == nil {
			sight.Activity = !sight.Hidden
			p.Rules[r] = sight
		}
	}
	return p, nil
}

// SavePrivacy replaces what a person decided.
func (s *Store) SavePrivacy(ctx context.Context, owner portal.Address, p portal.Privacy) error {
	if owner == "" {
		return invalid("privacy of nobody")
	}
	payload, err := encode("privacy", p)
	if err != nil {
		return err
	}
	return s.write(ctx, "save privacy", func(t *txn) error {
		return t.exec(`INSERT INTO privacy (person, payload) VALUES (?, ?) ON CONFLICT (person) DO UPDATE SET payload = excluded.payload`, string(owner), payload)
	})
}

// PutTie gives a relationship: to a contact in their entry of the list, and ev is logged where that changes it; else to somebody who
// is not on the list.
func (s *Store) PutTie(ctx context.Context, tie portal.Tie, ev portal.Addressed) error {
	if tie.Owner == "" || tie.With == "" || !tie.Relationship.Valid() {
		return invalid("a tie needs two people and a relationship")
	}
	owner, with, to := string(tie.Owner), string(tie.With), string(tie.Relationship)
	return s.write(ctx, "put tie", func(t *txn) error {
		var old string
		contact, err := t.one(`SELECT relationship FROM contacts WHERE owner = ? AND uri = ?`, []any{owner, with}, &old)
		switch {
		case err != nil || contact && old == to:
			return err
		case !contact:
			return t.exec(`INSERT INTO privacy_ties (owner, who, relationship) VALUES (?, ?, ?)
				ON CONFLICT (owner, who) DO UPDATE SET relationship = excluded.relationship`, owner, with, to)
		}
		if err := t.exec(`UPDATE contacts SET relationship = ? WHERE owner = ? AND uri = ?`, to, owner, with); err != nil {
			return err
		}
		return t.log(ev)
	})
}

// DropTie takes back the relationship given to somebody who is not on the list; no error where there was none.
func (s *Store) DropTie(ctx context.Context, owner, with portal.Address) error {
	return s.write(ctx, "drop tie", func(t *txn) error { return t.dropTie(owner, with) })
}

func (t *txn) dropTie(owner, with portal.Address) error {
	return t.exec(`DELETE FROM privacy_ties WHERE owner = ? AND who = ?`, string(owner), string(with))
}

// Admirers are the people of this portal who have the person on their contact list, by address, at most limit.
func (s *Store) Admirers(ctx context.Context, of portal.Address, limit int) (list []portal.Address, err error) {
	err = s.all(ctx, "admirers", `SELECT owner FROM contacts WHERE uri = ? ORDER BY owner LIMIT ?`, []any{string(of), max(limit, 0)}, appendAddress(&list))
	return list, err
}

// Known are those of whom the person has said before what is to become of them, by address.
func (s *Store) Known(ctx context.Context, owner portal.Address) (list []portal.Address, err error) {
	err = s.all(ctx, "known people", `SELECT who FROM privacy_known WHERE owner = ? ORDER BY who`, []any{string(owner)}, appendAddress(&list))
	return list, err
}

// Acknowledge adds people to those known.
func (s *Store) Acknowledge(ctx context.Context, owner portal.Address, who []portal.Address) error {
	if owner == "" {
		return invalid("nobody knows")
	}
	who = slices.Clone(who)
	return s.write(ctx, "acknowledge", func(t *txn) error {
		for _, a := range who {
			if err := t.exec(`INSERT INTO privacy_known (owner, who, at) VALUES (?, ?, ?) ON CONFLICT (owner, who) DO NOTHING`,
				string(owner), string(a), stamp(t.w.s.o.Now())); err != nil {
				return err
			}
		}
		return nil
	})
}
