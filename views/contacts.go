package views

import (
	"cmp"
	"fmt"
	"net/url"
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
	// Managed: groups, favourites and all that goes beyond plain entries can be kept.
	Managed bool
	// Named are the groups that a contact can be put into.
	Named []string
	// Sort is the list's order as in portal.Settings; Compact: one line for each contact.
	Sort    string
	Compact bool
	// Books are the address books, with their age. Outlook: there are contacts folders to be taken over; Imported is how many
	// people just were, below zero: nothing was asked.
	Books    []portal.BookState
	Outlook  bool
	Imported int
}

// The kinds of a ContactGroup.
const (
	GroupNamed        = "group"
	GroupNone         = "others"
	GroupFavourites   = "favourites"
	GroupStatus       = "status"
	GroupRelationship = "relationship"
	GroupRecent       = "recent"
	GroupEarlier      = "earlier"
)

// ContactGroup is a section of the contact list. Of the kind GroupNamed it is one of the owner's groups, which is how
// the zero Kind is understood where there is a name.
type ContactGroup struct {
	Kind string
	// Name is the group's, the availability or the relationship; empty for those in none.
	Name     string
	Contacts []ContactItem
	// Closed: the owner folded it up; its contacts are not shown, Count is how many there are.
	Closed bool
	Count  int
	// First and Last: it cannot go further up, or down.
	First, Last bool
}

// ContactItem is one contact.
type ContactItem struct {
	portal.Person
	Presence portal.Presence
	// Group is the one under which it is shown here.
	Group   string
	Contact portal.Contact
	// Expanded: Members of a distribution group are shown; Away: they could not be read.
	Expanded bool
	Members  []ContactItem
	Away     string
	// Listed is set on the contact list itself; those who only were talked to of late are not.
	Listed bool
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
	// Books are the address books that were searched, with their age; Admin may read them anew at once.
	Books []portal.BookState
	Admin bool
	// OutlookAway is a sentence where the person's own contacts could not be searched.
	OutlookAway string
}

// FoundPerson is one person of the answer.
type FoundPerson struct {
	portal.Person
	Presence  portal.Presence
	IsContact bool
	// Outlook: they were found in the person's own contacts.
	Outlook bool
}

// line places a found person: title, department, address.
func (p FoundPerson) line() string {
	facts := slices.DeleteFunc([]string{p.Title, p.Department, p.URI.Bare()}, func(s string) bool { return s == "" })
	return strings.Join(facts, " · ")
}

// GroupNames lists the named groups.
func (v ContactsPage) GroupNames() []string {
	if v.Named != nil {
		return v.Named
	}
	var names []string
	for _, g := range v.Groups {
		if g.kind() == GroupNamed {
			names = append(names, g.Name)
		}
	}
	return names
}

// empty reports whether there is nobody on the list.
func (v ContactsPage) empty() bool {
	return !slices.ContainsFunc(v.Groups, func(g ContactGroup) bool { return g.Kind != GroupRecent })
}

func (g ContactGroup) kind() string {
	if g.Kind == "" && g.Name != "" {
		return GroupNamed
	}
	return cmp.Or(g.Kind, GroupNone)
}

func (g ContactGroup) count() int { return max(g.Count, len(g.Contacts)) }

// takes reports whether contacts can be dragged there.
func (g ContactGroup) takes() bool {
	return g.kind() == GroupNamed || g.kind() == GroupNone || g.Kind == GroupFavourites
}

// title is the section's heading.
func (r Reader) groupTitle(g ContactGroup) string {
	switch g.kind() {
	case GroupNamed:
		return g.Name
	case GroupStatus:
		return r.Text("availability." + g.Name)
	case GroupRelationship:
		return r.Text("relationship." + g.Name)
	case GroupNone:
		return r.Text("contacts.no-group")
	}
	return r.Text("contacts." + g.Kind)
}

// key names a contact's place in the list for element ids: somebody can stand in several sections.
func (c ContactItem) key(section int) string { return fmt.Sprintf("%d-%s", section, c.URI) }

// called is what the reader calls a contact.
func (c ContactItem) called() string {
	return cmp.Or(c.Contact.Nickname, name(c.Person))
}

// expandPath leads to the list with a distribution group unfolded, or folded again.
func (v ContactsPage) expandPath(c ContactItem) string {
	q := url.Values{}
	for _, g := range v.Groups {
		for _, other := range g.Contacts {
			if other.Expanded && other.URI != c.URI && !slices.Contains(q["expand"], string(other.URI)) {
				q.Add("expand", string(other.URI))
			}
		}
	}
	if !c.Expanded {
		q.Add("expand", string(c.URI))
	}
	if len(q) == 0 {
		return "/contacts"
	}
	return "/contacts?" + q.Encode()
}

// Sorts are the orders of the contact list.
func Sorts() []string { return []string{"", "status", "relationship", "recent"} }

func sortKey(sort string) string { return "contacts.sort." + cmp.Or(sort, "group") }

// ContactPath is where somebody's card is.
func ContactPath(a portal.Address) string { return "/contacts/" + url.PathEscape(string(a)) }

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
		ByName(r, contacts)
		groups = append(groups, ContactGroup{Name: group, Contacts: contacts})
	}
	slices.SortFunc(groups, func(a, b ContactGroup) int {
		if (a.Name == "") != (b.Name == "") {
			if a.Name == "" {
				return 1
			}
			return -1
		}
		return cmp.Or(order.CompareString(a.Name, b.Name), strings.Compare(a.Name, b.Name))
	})
	return groups
}

// ByName sorts contacts by what the reader calls them, as their language does.
func ByName(r Reader, contacts []ContactItem) {
	order := collate.New(language.Make(r.Locale()), collate.IgnoreCase)
	slices.SortFunc(contacts, func(a, b ContactItem) int {
		return cmp.Or(order.CompareString(a.called(), b.called()), strings.Compare(string(a.URI), string(b.URI)))
	})
}

func foldWord(g ContactGroup) string {
	if g.Closed {
		return "unfold"
	}
	return "fold"
}

// bookText is which address book was searched and of when it is.
func (v Found) bookText(b portal.BookState) string {
	switch {
	case b.At.IsZero():
		return v.Text("contacts.book-none", "Name", v.bookName(b.Name))
	case b.Failed != "":
		return v.Text("contacts.book-failed", "Name", v.bookName(b.Name), "Time", v.moment(b.At))
	}
	return v.Count("contacts.book", b.People, "Name", v.bookName(b.Name), "Time", v.moment(b.At))
}

// bookName is what people call an address book; one that an operator named keeps its name.
func (v Found) bookName(name string) string {
	if key := "contacts.book." + strings.ToLower(name); v.Has(key) {
		return v.Text(key)
	}
	return name
}

// recentID is the id of the list of recent people that somebody stands on top of.
func recentID(first portal.Address) string { return "recent-" + string(first) }
