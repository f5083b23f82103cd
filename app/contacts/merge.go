package contacts

// Bringing two contact lists together: ours, that of the SIP server, and what both last agreed on. It knows no storage
// and no network; roster.go does.
//
// An entry that one side took off goes where the other side left it as it was; where the other changed it, it stays.
// What one side changed is changed; where both changed the same name, ours counts; groups of an entry are added and
// taken away one by one. A group goes with the side that removed it unless somebody is in it.

import (
	"maps"
	"slices"

	"portico/app/portal"
)

// shared is what both sides keep of an entry. Local is a mark of what the server's format has no place for, as it was
// when both agreed; empty in lists of the server.
type shared struct {
	Name   string   `json:"name,omitempty"`
	Groups []string `json:"groups,omitempty"`
	Local  string   `json:"local,omitempty"`
}

// same leaves Local and the order of groups aside: the server keeps groups with entries, not entries with groups.
func (a shared) same(b shared) bool {
	return a.Name == b.Name && len(a.Groups) == len(b.Groups) && !slices.ContainsFunc(a.Groups, func(g string) bool { return !slices.Contains(b.Groups, g) })
}

// side is one side's list, or what both agreed on.
type side struct {
	Entries map[portal.Address]shared `json:"entries"`
	// Groups are in their order.
	Groups []string `json:"groups"`
}

func newSide() side { return side{Entries: map[portal.Address]shared{}} }

// entry is nil where there is none.
func (a side) entry(uri portal.Address) *shared {
	if e, ok := a.Entries[uri]; ok {
		return &e
	}
	return nil
}

func (a side) clone() side {
	return side{Entries: maps.Clone(a.Entries), Groups: slices.Clone(a.Groups)}
}

func (a side) same(b side) bool {
	if len(a.Entries) != len(b.Entries) || !slices.Equal(a.Groups, b.Groups) {
		return false
	}
	for uri, e := range a.Entries {
		if other, ok := b.Entries[uri]; !ok || !e.same(other) {
			return false
		}
	}
	return true
}

// merge is the list that both sides are to have.
func merge(base, ours, theirs side) side {
	m := newSide()
	for uri, o := range ours.Entries {
		b, inBase := base.Entries[uri]
		t, inTheirs := theirs.Entries[uri]
		switch {
		case inTheirs:
			m.Entries[uri] = mergeEntry(b, inBase, o, t)
		case inBase && o.same(b) && (b.Local == "" || b.Local == o.Local):
			// the server's side took it off
		default:
			m.Entries[uri] = o
		}
	}
	for uri, t := range theirs.Entries {
		if _, inOurs := ours.Entries[uri]; inOurs {
			continue
		}
		if b, inBase := base.Entries[uri]; !inBase || !t.same(b) {
			m.Entries[uri] = t
		}
	}
	m.Groups = mergeGroups(base, ours, theirs, m.Entries)
	return m
}

func mergeEntry(b shared, inBase bool, o, t shared) shared {
	m := shared{Name: o.Name, Groups: mergeNames(b.Groups, o.Groups, t.Groups), Local: o.Local}
	if inBase && o.Name == b.Name || o.Name == "" && !inBase {
		m.Name = t.Name
	}
	return m
}

// mergeNames is the three-way merge of two sets of names: ours in their order, then what only theirs has.
func mergeNames(base, ours, theirs []string) []string {
	var all []string
	for _, name := range ours {
		if slices.Contains(theirs, name) || !slices.Contains(base, name) {
			all = append(all, name)
		}
	}
	for _, name := range theirs {
		if !slices.Contains(ours, name) && !slices.Contains(base, name) {
			all = append(all, name)
		}
	}
	return all
}

// mergeGroups is the groups there are to be, in the order of the side that moved them; where neither or both did, ours.
func mergeGroups(base, ours, theirs side, entries map[portal.Address]shared) []string {
	keep := map[string]bool{}
	for _, name := range mergeNames(base.Groups, ours.Groups, theirs.Groups) {
		keep[name] = true
	}
	var used []string
	for _, e := range entries {
		for _, name := range e.Groups {
			if !keep[name] {
				keep[name] = true
				used = append(used, name)
			}
		}
	}
	slices.Sort(used)
	first, second := ours.Groups, theirs.Groups
	if slices.Equal(common(base.Groups, ours.Groups), common(ours.Groups, base.Groups)) { // ours is in the old order
		first, second = theirs.Groups, ours.Groups
	}
	var all []string
	for _, names := range [][]string{first, second, used} {
		for _, name := range names {
			if keep[name] && !slices.Contains(all, name) {
				all = append(all, name)
			}
		}
	}
	return all
}

// common is the names of a that b has too, in the order of a.
func common(a, b []string) []string {
	var both []string
	for _, name := range a {
		if slices.Contains(b, name) {
			both = append(both, name)
		}
	}
	return both
}

// intent is what one entry was about to become on both sides when a round of synchronisation began; To is nil where it
// was to go. Was is how the server had it: what it had so already, ours was to follow; the rest was to be written there.
type intent struct {
	To  *shared `json:"to,omitempty"`
	Was *shared `json:"was,omitempty"`
}

// intents is what a round meant to do. A round that was cut off, or whose answer was lost, has done some of it: the next
// one takes for agreed what both sides turn out to have had.
type intents struct {
	Entries map[portal.Address]intent `json:"entries,omitempty"`
	// Groups are those that were to be (true) or to go.
	Groups map[string]groupIntent `json:"groups,omitempty"`
}

type groupIntent struct {
	Be    bool `json:"be"`
	There bool `json:"there,omitempty"`
}

// meant is how merged differs from what was agreed.
func meant(base, theirs, merged side) *intents {
	in := &intents{Entries: map[portal.Address]intent{}, Groups: map[string]groupIntent{}}
	for uri, m := range merged.Entries {
		if b, ok := base.Entries[uri]; !ok || !m.same(b) {
			in.Entries[uri] = intent{To: &m, Was: theirs.entry(uri)}
		}
	}
	for uri := range base.Entries {
		if _, ok := merged.Entries[uri]; !ok {
			in.Entries[uri] = intent{Was: theirs.entry(uri)}
		}
	}
	for _, name := range merged.Groups {
		if !slices.Contains(base.Groups, name) {
			in.Groups[name] = groupIntent{Be: true, There: slices.Contains(theirs.Groups, name)}
		}
	}
	for _, name := range base.Groups {
		if !slices.Contains(merged.Groups, name) {
			in.Groups[name] = groupIntent{There: !slices.Contains(theirs.Groups, name)}
		}
	}
	return in
}

// settle is what both sides have agreed on, seen from how they are after a round that was cut off: what was meant for the
// server and is there, and what the server had and ours has now, each name and each group by itself.
func settle(base side, in *intents, ours, theirs side) side {
	if in == nil {
		return base
	}
	base = base.clone()
	for uri, i := range in.Entries {
		late := theirs
		if (i.To == nil) == (i.Was == nil) {
			late = ours
		}
		switch have := late.entry(uri) != nil; {
		case i.To == nil && !have:
			delete(base.Entries, uri)
		case i.To != nil && (have || base.entry(uri) != nil):
			base.Entries[uri] = i.settle(base.entry(uri), ours.entry(uri), theirs.entry(uri))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(in.Groups)) {
		i, late := in.Groups[name], theirs.Groups
		if i.There {
			late = ours.Groups
		}
		if slices.Contains(late, name) != i.Be {
			continue
		}
		base.Groups = slices.DeleteFunc(base.Groups, func(g string) bool { return g == name })
		if i.Be {
			base.Groups = append(base.Groups, name)
		}
	}
	return base
}

// settle is what both sides have agreed on of an entry that is there; the arguments are nil where a side has none.
func (i intent) settle(base, ours, theirs *shared) shared {
	if i.Was == nil && base == nil {
		return *i.To
	}
	if i.Was == nil { // the server took it off, and was to get it again as it had been changed here
		i.Was = &shared{}
	}
	b := *i.Was
	if base != nil {
		b = *base
	}
	b.Groups = slices.Clone(b.Groups)
	late := func(follows bool) *shared {
		if follows {
			return ours
		}
		return theirs
	}
	if e := late(i.Was.Name == i.To.Name); e != nil && e.Name == i.To.Name {
		b.Name, b.Local = i.To.Name, i.To.Local
	}
	all := map[string]bool{}
	for _, names := range [][]string{i.Was.Groups, i.To.Groups, b.Groups} {
		for _, name := range names {
			all[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		be := slices.Contains(i.To.Groups, name)
		e := late(be == slices.Contains(i.Was.Groups, name))
		if e == nil || slices.Contains(e.Groups, name) != be || slices.Contains(b.Groups, name) == be {
			continue
		}
		if be {
			b.Groups = append(b.Groups, name)
		} else {
			b.Groups = slices.DeleteFunc(b.Groups, func(g string) bool { return g == name })
		}
	}
	return b
}
