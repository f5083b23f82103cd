package contacts

// The server's list as far as ours can show it, and back. What ours cannot show (telephone numbers, addresses of another
// kind, names that cannot be shown, more than fit) stays at the server as it is.

import (
	"context"
	"slices"
	"strings"
	"unicode"

	"portico/app/portal"
)

// sight is the server's list as ours shows it, with what is needed to write it again.
type sight struct {
	side
	list RosterList
	// raw are the entries behind those of the side, strange those ours does not show.
	raw     map[portal.Address]portal.Contact
	order   []portal.Address
	strange []portal.Contact
	// shown are the groups by how the server writes them; those not in it are not shown.
	shown map[string]string
}

// sightOf is the server's list beside ours. limit is how many entries ours may have.
func sightOf(owner portal.Address, l RosterList, b book, ours, base side, limit int) sight {
	v := sight{side: newSide(), list: l, raw: map[portal.Address]portal.Contact{}, shown: map[string]string{}}
	v.showGroups(l, ours, base)
	room := limit - len(b.contacts)
	for _, c := range l.Entries {
		uri, err := portal.ParseAddress(string(c.URI))
		_, listed := ours.Entries[uri]
		_, agreed := base.Entries[uri]
		_, twice := v.raw[uri]
		foreign := err != nil || uri == owner || !listed && indexOf(b.contacts, uri) >= 0 // a distribution group here
		if !foreign && !listed && !agreed && !twice {
			foreign = room <= 0
			room--
		}
		if foreign {
			v.strange = append(v.strange, c)
			continue
		}
		v.show(uri, c, twice)
	}
	return v
}

// showGroups gives the groups of the server the names they have here: at most MaxGroups, those that ours knows first.
func (v *sight) showGroups(l RosterList, ours, base side) {
	all := slices.Clone(l.Groups)
	for _, c := range l.Entries {
		all = append(all, grouped(c).Groups...)
	}
	count := len(ours.Groups)
	for _, raw := range all {
		if _, have := v.shown[raw]; have {
			continue
		}
		name := cleaned(raw, MaxGroupLen)
		if name == "" {
			continue
		}
		known := slices.Contains(ours.Groups, name) || slices.Contains(v.Groups, name)
		if !known && !slices.Contains(base.Groups, name) {
			if count >= MaxGroups {
				continue
			}
			count++
		}
		v.shown[raw] = name
		if !slices.Contains(v.Groups, name) {
			v.Groups = append(v.Groups, name)
		}
	}
}

// show takes an entry into the side; twice: it stands in the list more than once, and is in all those groups.
func (v *sight) show(uri portal.Address, c portal.Contact, twice bool) {
	c = grouped(c)
	e := v.Entries[uri]
	if e.Name == "" {
		e.Name = cleaned(c.DisplayName, MaxNameLen)
	}
	for _, raw := range c.Groups {
		if name, ok := v.shown[raw]; ok && !slices.Contains(e.Groups, name) {
			e.Groups = append(slices.Clip(e.Groups), name)
		}
	}
	if twice {
		raw := v.raw[uri]
		raw.Groups = append(slices.Clone(raw.Groups), c.Groups...)
		c = grouped(raw)
	} else {
		v.order = append(v.order, uri)
	}
	v.raw[uri], v.Entries[uri] = c, e
}

// written is the server's list after it has become m.
func (v sight) written(m side) RosterList {
	l := RosterList{ETag: v.list.ETag}
	rawGroup := func(name string) string {
		for _, raw := range v.list.Groups {
			if v.shown[raw] == name {
				return raw
			}
		}
		return name
	}
	for _, name := range m.Groups {
		l.Groups = append(l.Groups, rawGroup(name))
	}
	for _, raw := range v.list.Groups {
		if _, shown := v.shown[raw]; !shown && !slices.Contains(l.Groups, raw) {
			l.Groups = append(l.Groups, raw)
		}
	}
	var fresh []portal.Address
	for uri := range m.Entries {
		if _, have := v.raw[uri]; !have {
			fresh = append(fresh, uri)
		}
	}
	slices.Sort(fresh)
	for _, uri := range append(slices.Clone(v.order), fresh...) {
		e, ok := m.Entries[uri]
		if !ok {
			continue
		}
		c, have := v.raw[uri]
		if !have || !e.same(v.Entries[uri]) {
			c = v.entry(uri, e, c, rawGroup)
		}
		l.Entries = append(l.Entries, c)
	}
	l.Entries = append(l.Entries, v.strange...)
	return l
}

// entry is one entry as it is to be written; it stays in the groups that ours does not show.
func (v sight) entry(uri portal.Address, e shared, old portal.Contact, rawGroup func(string) string) portal.Contact {
	c := portal.Contact{URI: uri, DisplayName: e.Name}
	if old.URI != "" {
		c.URI = old.URI
	}
	for _, name := range e.Groups {
		c.Groups = append(c.Groups, rawGroup(name))
	}
	for _, raw := range old.Groups {
		if _, shown := v.shown[raw]; !shown && !slices.Contains(c.Groups, raw) {
			c.Groups = append(c.Groups, raw)
		}
	}
	return grouped(c)
}

// cleaned is a text of the server as one line that can be shown, cut to so many characters.
func cleaned(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, " "))
	s = strings.TrimSpace(s)
	if runes := []rune(s); len(runes) > most {
		s = strings.TrimSpace(string(runes[:most]))
	}
	return s
}

// sideOf is our list as the server can keep it: without distribution groups, which are no SIP addresses.
func sideOf(b book) side {
	ours := newSide()
	for _, c := range b.contacts {
		if !c.IsGroup {
			ours.Entries[c.URI] = shared{Name: givenName(c), Groups: slices.Clone(c.Groups), Local: localMark(c)}
		}
	}
	for _, g := range b.groups {
		ours.Groups = append(ours.Groups, g.Name)
	}
	return ours
}

// givenName is the name the owner gave a contact, which is what the server keeps.
func givenName(c portal.Contact) string {
	if c.Nickname != "" {
		return c.Nickname
	}
	return c.DisplayName
}

// named is the contact with a name that came from the server, so that givenName gives it.
func named(c portal.Contact, name string) portal.Contact {
	switch {
	case name == "":
		c.Nickname, c.DisplayName = "", ""
	case c.Nickname != "":
		c.Nickname = name
	default:
		c.DisplayName = name
	}
	return c
}

// localMark tells apart what the server has no place for.
func localMark(c portal.Contact) string {
	mark := string(c.Relationship)
	if c.Favourite {
		mark += "+favourite"
	}
	if c.Tagged {
		mark += "+tagged"
	}
	return mark
}

// changeTo is how our list becomes m. What is new in it has the relationship given before, which m then says.
func (s *Service) changeTo(ctx context.Context, owner portal.Address, b book, ours, m side) (ListChange, error) {
	var c ListChange
	for _, uri := range sortedAddresses(m.Entries) {
		e := m.Entries[uri]
		old, have := ours.Entries[uri]
		switch {
		case !have:
			r, err := s.Relationship(ctx, owner, uri)
			if err != nil {
				return ListChange{}, err
			}
			entry := portal.Contact{URI: uri, DisplayName: e.Name, Groups: slices.Clone(e.Groups), Relationship: r, AddedAt: s.o.Now().UTC()}
			e.Local = localMark(entry)
			m.Entries[uri] = e
			c.Put = append(c.Put, grouped(entry))
		case !old.same(e):
			entry := named(b.contacts[indexOf(b.contacts, uri)], e.Name)
			entry.Group, entry.Groups = "", slices.Clone(e.Groups)
			c.Put = append(c.Put, grouped(entry))
		}
	}
	for _, uri := range sortedAddresses(ours.Entries) {
		if _, stays := m.Entries[uri]; !stays {
			c.Remove = append(c.Remove, uri)
		}
	}
	if slices.Equal(ours.Groups, m.Groups) {
		return c, nil
	}
	var ordered []portal.ContactGroup
	for _, name := range m.Groups {
		g := portal.ContactGroup{Name: name}
		if at := b.group(name); at >= 0 {
			g = b.groups[at]
		}
		ordered = append(ordered, g)
	}
	c.PutGroups = ranked(b, ordered)
	for _, g := range b.groups {
		if !slices.Contains(m.Groups, g.Name) {
			c.RemoveGroups = append(c.RemoveGroups, g.Name)
		}
	}
	return c, nil
}

func sortedAddresses(entries map[portal.Address]shared) []portal.Address {
	all := make([]portal.Address, 0, len(entries))
	for uri := range entries {
		all = append(all, uri)
	}
	slices.Sort(all)
	return all
}
