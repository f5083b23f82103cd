package storage

import (
	"context"
	"math"
	"slices"
	"time"

	"portico/app/portal"
)

// What administrators decide. Rules, groups, sets of states and origins are few and wanted all at once; the record of changes grows
// and is read in pages.

// changesDefault and changesMost bound a page of the record.
const changesDefault, changesMost = 100, 1000

// PolicyRules are all rules, by name, scope and for whom.
func (s *Store) PolicyRules(ctx context.Context) (list []portal.PolicyRule, err error) {
	err = s.all(ctx, "policy rules", `SELECT name, scope, who, value, setter, at FROM policy_rules ORDER BY name, scope, who`, nil, func(scan scanFunc) error {
		var (
			r  portal.PolicyRule
			at int64
		)
		err := scan(&r.Name, &r.Scope.Kind, &r.Scope.Who, &r.Value, &r.By, &at)
		r.At = instant(at)
		list = append(list, r)
		return err
	})
	return list, err
}

// people is who belongs to a policy group, as it is kept.
type people struct {
	Members     []portal.Address `json:"members"`
	Departments []string         `json:"departments"`
}

// PolicyGroups are by rank, then name.
func (s *Store) PolicyGroups(ctx context.Context) (list []portal.PolicyGroup, err error) {
	err = s.all(ctx, "policy groups", `SELECT id, name, rank, payload FROM policy_groups ORDER BY rank, name, id`, nil, func(scan scanFunc) error {
		var (
			g       portal.PolicyGroup
			payload []byte
			in      people
		)
		if err := scan(&g.ID, &g.Name, &g.Rank, &payload); err != nil {
			return err
		}
		err := decode("a policy group", payload, &in)
		g.Members, g.Departments = in.Members, in.Departments
		list = append(list, g)
		return err
	})
	return list, err
}

// ChangePolicies makes a change of the policies, whole or not at all. What is to be dropped and is not there is no error.
func (s *Store) ChangePolicies(ctx context.Context, c portal.PoliciesChange) error {
	groups := make([]string, len(c.PutGroups))
	for i, g := range c.PutGroups {
		if g.ID == "" {
			return invalid("a policy group without an id")
		}
		var err error
		if groups[i], err = encode("a policy group", people{g.Members, g.Departments}); err != nil {
			return err
		}
	}
	for _, r := range c.Put {
		if !fits(r) {
			return invalid("a policy rule needs a name and a scope")
		}
	}
	return s.write(ctx, "change policies", func(t *txn) error {
		for _, r := range c.Drop {
			if err := t.exec(`DELETE FROM policy_rules WHERE name = ? AND scope = ? AND who = ?`, r.Name, r.Scope.Kind, r.Scope.Who); err != nil {
				return err
			}
		}
		for _, r := range c.Put {
			if err := t.exec(`INSERT INTO policy_rules (name, scope, who, value, setter, at) VALUES (?, ?, ?, ?, ?, ?)
				ON CONFLICT (name, scope, who) DO UPDATE SET value = excluded.value, setter = excluded.setter, at = excluded.at`,
				r.Name, r.Scope.Kind, r.Scope.Who, r.Value, string(r.By), stamp(t.orNow(r.At))); err != nil {
				return err
			}
		}
		for i, g := range c.PutGroups {
			if err := t.exec(`INSERT INTO policy_groups (id, rank, name, payload) VALUES (?, ?, ?, ?)
				ON CONFLICT (id) DO UPDATE SET rank = excluded.rank, name = excluded.name, payload = excluded.payload`, g.ID, g.Rank, g.Name, groups[i]); err != nil {
				return err
			}
		}
		for _, id := range c.DropGroups {
			if err := t.exec(`DELETE FROM policy_groups WHERE id = ?`, id); err != nil {
				return err
			}
			if err := t.exec(`DELETE FROM policy_rules WHERE scope = ? AND who = ?`, portal.ScopeGroup, id); err != nil {
				return err
			}
		}
		return t.record(c.Record)
	})
}

// fits reports whether a rule is one that can be set.
func fits(r portal.PolicyRule) bool {
	switch r.Scope.Kind {
	case portal.ScopeEveryone:
		return r.Name != "" && r.Scope.Who == ""
	case portal.ScopeGroup, portal.ScopePerson:
		return r.Name != "" && r.Scope.Who != ""
	}
	return false
}

func (t *txn) orNow(at time.Time) time.Time {
	if at.IsZero() {
		return t.w.s.o.Now()
	}
	return at
}

// record adds lines to the record of changes; one without a time is of now.
func (t *txn) record(lines []portal.PolicyChange) error {
	for _, l := range lines {
		if err := t.exec(`INSERT INTO policy_changes (at, setter, what, name, scope, who, value_before, value_after) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
			stamp(t.orNow(l.At)), string(l.By), l.What, l.Name, l.Scope.Kind, l.Scope.Who, l.Before, l.After); err != nil {
			return err
		}
	}
	return nil
}

// PolicyChanges are the lines of the record before a number (0: from the newest), newest first, at most limit (default 100, most 1000).
func (s *Store) PolicyChanges(ctx context.Context, before int64, limit int) (list []portal.PolicyChange, err error) {
	before, limit = page(before, limit, changesDefault, changesMost)
	err = s.all(ctx, "policy changes", `SELECT seq, at, setter, what, name, scope, who, value_before, value_after FROM policy_changes
		WHERE seq < ? ORDER BY seq DESC LIMIT ?`, []any{before, limit}, func(scan scanFunc) error {
		var (
			l  portal.PolicyChange
			at int64
		)
		err := scan(&l.Seq, &at, &l.By, &l.What, &l.Name, &l.Scope.Kind, &l.Scope.Who, &l.Before, &l.After)
		l.At = instant(at)
		list = append(list, l)
		return err
	})
	return list, err
}

// page is the bound and the length of a page of a list that is read backwards by its numbers.
func page(before int64, limit, usual, most int) (int64, int) {
	if before <= 0 {
		before = math.MaxInt64
	}
	if limit <= 0 {
		limit = usual
	}
	return before, min(limit, most)
}

// CustomStates are all sets that were loaded, by source: the uploaded one has an empty Source, the others their address.
func (s *Store) CustomStates(ctx context.Context) (list []portal.CustomStates, err error) {
	err = s.all(ctx, "custom states", `SELECT source, payload, xml, at, setter, failed FROM custom_states ORDER BY source`, nil, func(scan scanFunc) error {
		var (
			set     portal.CustomStates
			payload []byte
			at      int64
		)
		if err := scan(&set.Source, &payload, &set.XML, &at, &set.By, &set.Failed); err != nil {
			return err
		}
		set.At = instant(at)
		err := decode("custom states", payload, &set.States)
		list = append(list, set)
		return err
	})
	return list, err
}

// SaveCustomStates replaces the set of the same Source, with lines of the record where there are some.
func (s *Store) SaveCustomStates(ctx context.Context, set portal.CustomStates, record []portal.PolicyChange) error {
	payload, err := encode("custom states", set.States)
	if err != nil {
		return err
	}
	set.XML = append([]byte{}, set.XML...)
	return s.write(ctx, "save custom states", func(t *txn) error {
		if err := t.exec(`INSERT INTO custom_states (source, payload, xml, at, setter, failed) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (source) DO UPDATE SET payload = excluded.payload, xml = excluded.xml, at = excluded.at, setter = excluded.setter, failed = excluded.failed`,
			set.Source, payload, set.XML, stamp(set.At), string(set.By), set.Failed); err != nil {
			return err
		}
		return t.record(record)
	})
}

// DropCustomStates forgets the set of a source; the lines are recorded where there was one.
func (s *Store) DropCustomStates(ctx context.Context, source string, record []portal.PolicyChange) error {
	return s.write(ctx, "drop custom states", func(t *txn) error {
		n, err := t.affect(`DELETE FROM custom_states WHERE source = ?`, source)
		if err != nil || n == 0 {
			return err
		}
		return t.record(record)
	})
}

// Origins are the pages that may show presence, by origin.
func (s *Store) Origins(ctx context.Context) (list []portal.Origin, err error) {
	err = s.all(ctx, "origins", `SELECT origin, setter, at FROM presence_origins ORDER BY origin`, nil, func(scan scanFunc) error {
		var (
			o  portal.Origin
			at int64
		)
		err := scan(&o.Origin, &o.By, &at)
		o.At = instant(at)
		list = append(list, o)
		return err
	})
	return list, err
}

// PutOrigin allows an origin; one that is allowed already stays as it is, and nothing is recorded.
func (s *Store) PutOrigin(ctx context.Context, o portal.Origin, record []portal.PolicyChange) error {
	if o.Origin == "" {
		return invalid("an empty origin")
	}
	record = slices.Clone(record)
	return s.write(ctx, "put origin", func(t *txn) error {
		n, err := t.affect(`INSERT INTO presence_origins (origin, setter, at) VALUES (?, ?, ?) ON CONFLICT (origin) DO NOTHING`,
			o.Origin, string(o.By), stamp(t.orNow(o.At)))
		if err != nil || n == 0 {
			return err
		}
		return t.record(record)
	})
}

// DropOrigin takes an origin back; the lines are recorded where it was allowed.
func (s *Store) DropOrigin(ctx context.Context, origin string, record []portal.PolicyChange) error {
	return s.write(ctx, "drop origin", func(t *txn) error {
		n, err := t.affect(`DELETE FROM presence_origins WHERE origin = ?`, origin)
		if err != nil || n == 0 {
			return err
		}
		return t.record(record)
	})
}
