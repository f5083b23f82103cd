package views

import (
	"slices"
	"strings"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"

	"portico/app/portal"
)

// ContactsPage is the page /contacts.
type ContactsPage struct {
	Frame
	Groups []ContactGroup
	// Query is what was searched for; Found is the answer, nil where nothing was asked.
	Query string
	Found *Found
}

// ContactGroup is a group of the contact list; the name is empty for those in none.
type ContactGroup struct {
	Name     string
	Contacts []ContactItem
}

// ContactItem is one contact.
type ContactItem struct {
	portal.Person
	Presence portal.Presence
	Group    string
}

// Found is the answer to a search of the directory.
type Found struct {
	Reader
	// Settings decide where the conversations with those found are opened.
	Settings portal.Settings
	Me       portal.Address
	Query    string
	People   []FoundPerson
	TooMany  bool
}

// FoundPerson is one person of the answer.
type FoundPerson struct {
	portal.Person
	Presence  portal.Presence
	IsContact bool
}

// line places a found person: title, department, address.
func (p FoundPerson) line() string {
	facts := slices.DeleteFunc([]string{p.Title, p.Department, p.URI.Bare()}, func(s string) bool { return s == "" })
	return strings.Join(facts, " · ")
}

// GroupNames lists the named groups.
func (v ContactsPage) GroupNames() []string {
	var names []string
	for _, g := range v.Groups {
		if g.Name != "" {
			names = append(names, g.Name)
		}
	}
	return names
}

func (r Reader) groupName(name string) string {
	if name == "" {
		return r.Text("contacts.no-group")
	}
	return name
}

// Group sorts contacts into groups: named ones in the order of their names, then those in none; people by name.
// Both are sorted as the reader's language does.
func Group(r Reader, items []ContactItem) []ContactGroup {
	order := collate.New(language.Make(r.Locale()), collate.IgnoreCase)
	byName := map[string][]ContactItem{}
	for _, c := range items {
		byName[c.Group] = append(byName[c.Group], c)
	}
	groups := make([]ContactGroup, 0, len(byName))
	for group, contacts := range byName {
		slices.SortFunc(contacts, func(a, b ContactItem) int {
			if d := order.CompareString(name(a.Person), name(b.Person)); d != 0 {
				return d
			}
			return strings.Compare(string(a.URI), string(b.URI))
		})
		groups = append(groups, ContactGroup{Name: group, Contacts: contacts})
	}
	slices.SortFunc(groups, func(a, b ContactGroup) int {
		if (a.Name == "") != (b.Name == "") {
			if a.Name == "" {
				return 1
			}
			return -1
		}
		if d := order.CompareString(a.Name, b.Name); d != 0 {
			return d
		}
		return strings.Compare(a.Name, b.Name)
	})
	return groups
}
