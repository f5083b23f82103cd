package web

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"portico/app/contacts"
	"portico/app/portal"
	"portico/views"
)

// The page /contacts: the contact list, and the search of the address book.

const (
	// foundPeople is how many people a search shows.
	foundPeople = 12
	// maxQuery is the longest search in bytes.
	maxQuery = 200
	// recentPeople is how many people the list of recent ones has, expandedGroups how many distribution groups are unfolded
	// at a time.
	recentPeople   = 10
	expandedGroups = 10
	// folderPatience is how long a page waits for people that only the mail server knows.
	folderPatience = 1500 * time.Millisecond
	// compactCookie is set to "1" where a browser shows each contact in one line.
	compactCookie = "portico-compact"
)

// contactPages registers the pages of people.
func (s *Server) contactPages(g *echo.Group) {
	g.GET("/contacts", s.contactsPage)
	g.POST("/contacts", s.putContact)
	g.GET("/contacts/find", s.findPeople)
	g.POST("/contacts/remove", s.removeContact)
	g.POST("/contacts/refresh", s.refreshPeople)
	g.GET("/contacts/:uri", s.cardPage)
	g.POST("/contacts/:uri", s.actOnContact)

	g.GET("/photos/:uri", s.photo)

	kept := g.Group("", s.withBook)
	kept.POST("/contacts/sort", s.sortContacts)
	kept.POST("/contacts/groups", s.changeGroups)
	kept.POST("/contacts/move", s.moveContact)
	kept.POST("/contacts/distribution", s.addDistribution)
	kept.POST("/contacts/import", s.importContact)
}

// withBook refuses what needs more than plain lists where the portal has only those.
func (s *Server) withBook(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if s.Book == nil {
			return portal.Fail(portal.ErrUnavailable, "contacts.plain")
		}
		return next(c)
	}
}

// contactsPage shows who is there, and the answer to a search where one was asked for.
func (s *Server) contactsPage(c echo.Context) error {
	f, err := s.frame(c, views.Contacts, "contacts.title")
	if err != nil {
		return err
	}
	page := views.ContactsPage{Frame: f, Query: clip(c.QueryParam("q"), maxQuery), Imported: -1, Outlook: s.Book != nil && s.Calendar != nil}
	if n, err := strconv.Atoi(c.QueryParam("imported")); err == nil && n >= 0 {
		page.Imported = n
	}
	if s.Books != nil {
		page.Books = s.Books.States()
	}
	if s.Book == nil {
		err = s.plainList(c, &page)
	} else {
		err = s.sections(c, &page)
	}
	if err != nil {
		return err
	}
	if page.Query != "" {
		found, err := s.findFor(c, f.Reader, page.Query)
		if err != nil {
			return err
		}
		found.Settings = f.Settings
		page.Found = &found
	}
	return s.render(c, http.StatusOK, views.ContactsView(page))
}

// plainList is the contact list where no more than entries are kept.
func (s *Server) plainList(c echo.Context, page *views.ContactsPage) error {
	list, err := s.Contacts.List(c.Request().Context(), s.person(c))
	if err != nil {
		return err
	}
	items := make([]views.ContactItem, len(list))
	for i, contact := range list {
		items[i] = s.contactItem(c, contact, contact.Group)
	}
	page.Groups = views.Group(page.Reader, items)
	return nil
}

// contactItem is a contact as the list shows it.
func (s *Server) contactItem(c echo.Context, contact portal.Contact, group string) views.ContactItem {
	person := s.Directory.Lookup(c.Request().Context(), contact.URI)
	if contact.DisplayName != "" && contact.DisplayName != contact.URI.Bare() {
		person.DisplayName = contact.DisplayName
	}
	item := views.ContactItem{Person: person, Group: group, Contact: contact, Listed: true}
	if !contact.IsGroup {
		item.Presence = s.Presence.Of(s.person(c), contact.URI)
	}
	return item
}

// sections is the contact list in the order that the person has chosen.
func (s *Server) sections(c echo.Context, page *views.ContactsPage) error {
	ctx, who := c.Request().Context(), s.person(c)
	page.Managed, page.Sort, page.Compact = true, page.Settings.Sort, cookieValue(c.Request(), compactCookie) == "1"
	presenceOf := func(a portal.Address) portal.Presence { return s.Presence.Of(who, a) }
	sections, err := s.Book.Sections(ctx, who, page.Sort, presenceOf)
	if err != nil {
		return err
	}
	groups, err := s.Book.Groups(ctx, who)
	if err != nil {
		return err
	}
	page.Named = []string{}
	for _, g := range groups {
		page.Named = append(page.Named, g.Name)
	}
	expand := c.QueryParams()["expand"]
	expand = expand[:min(len(expand), expandedGroups)]
	for _, section := range sections {
		g := views.ContactGroup{Kind: section.Kind, Name: section.Name, Closed: section.Closed, Count: len(section.Contacts)}
		if section.Kind == contacts.KindGroup {
			g.First, g.Last = page.Named[0] == g.Name, page.Named[len(page.Named)-1] == g.Name
		}
		for _, contact := range section.Contacts {
			if !g.Closed {
				g.Contacts = append(g.Contacts, s.listed(c, page.Reader, contact, section, expand))
			}
		}
		page.Groups = append(page.Groups, g)
	}
	if page.Sort == contacts.SortGroups {
		return s.addRecents(c, page)
	}
	return nil
}

// listed is a contact of a section, with the members of a distribution group that is unfolded.
func (s *Server) listed(c echo.Context, r views.Reader, contact portal.Contact, section contacts.Section, expand []string) views.ContactItem {
	group := ""
	if section.Kind == contacts.KindGroup {
		group = section.Name
	}
	item := s.contactItem(c, contact, group)
	if !contact.IsGroup || !slices.Contains(expand, string(contact.URI)) {
		return item
	}
	item.Expanded = true
	ctx, cancel := context.WithTimeout(c.Request().Context(), 2*folderPatience)
	defer cancel()
	members, err := s.Book.Expand(ctx, s.person(c), contact.URI)
	if err != nil {
		s.Logger.DebugContext(ctx, "the members of a distribution group", "error", err)
		item.Away = r.Text("people.members-away")
	}
	for _, m := range members {
		member := views.ContactItem{Person: m}
		member.Presence = s.Presence.Of(s.person(c), m.URI)
		item.Members = append(item.Members, member)
	}
	return item
}

// addRecents puts those with whom the person had to do last at the end of the list.
func (s *Server) addRecents(c echo.Context, page *views.ContactsPage) error {
	ctx, who := c.Request().Context(), s.person(c)
	recents, err := s.Book.Recents(ctx, who, recentPeople)
	if err != nil {
		return err
	}
	if len(recents) == 0 {
		return nil
	}
	g := views.ContactGroup{Kind: contacts.KindRecent}
	for _, recent := range recents {
		if s.isRoom(recent.URI) {
			continue
		}
		item := views.ContactItem{Person: s.Directory.Lookup(ctx, recent.URI), Presence: s.Presence.Of(who, recent.URI)}
		if known, err := s.Book.Contact(ctx, who, recent.URI); err == nil {
			item = s.contactItem(c, known, "")
			item.Listed = false // it is not to be dragged from here
		}
		g.Contacts = append(g.Contacts, item)
	}
	if len(g.Contacts) > 0 {
		page.Groups = append(page.Groups, g)
	}
	return nil
}

// findPeople is the answer to a search alone, for the page's script.
func (s *Server) findPeople(c echo.Context) error {
	found, err := s.findFor(c, s.reader(c), clip(c.QueryParam("q"), maxQuery))
	if err != nil {
		return err
	}
	if found.Settings, err = s.Account.Settings(c.Request().Context(), s.person(c)); err != nil {
		return err
	}
	return s.render(c, http.StatusOK, views.FoundView(found))
}

// findFor searches the address books and the person's own contacts folder, and says how old the answer is.
func (s *Server) findFor(c echo.Context, r views.Reader, query string) (views.Found, error) {
	ctx, who := c.Request().Context(), s.person(c)
	list, err := s.Contacts.List(ctx, who)
	if err != nil {
		return views.Found{}, err
	}
	found, err := s.find(ctx, r, who, query, list)
	if err != nil || found.Query == "" {
		return found, err
	}
	if s.Book != nil && len(found.People) < foundPeople {
		s.findInFolder(ctx, &found, list)
	}
	return found, nil
}

// findInFolder adds people of the person's own contacts folder. An answer without them is better than none.
func (s *Server) findInFolder(ctx context.Context, found *views.Found, list []portal.Contact) {
	ctx, cancel := context.WithTimeout(ctx, folderPatience)
	defer cancel()
	people, err := s.Book.Outlook(ctx, found.Me)
	if err != nil {
		if portal.Reason(err) != "contacts.no-outlook" {
			found.OutlookAway = found.Text("people.outlook-away")
		}
		return
	}
	for _, p := range people {
		if len(found.People) >= foundPeople {
			found.TooMany = true
			return
		}
		same := func(other views.FoundPerson) bool { return other.URI == p.URI }
		if !mentions(p, found.Query) || slices.ContainsFunc(found.People, same) {
			continue
		}
		listed := slices.ContainsFunc(list, func(c portal.Contact) bool { return c.URI == p.URI })
		found.People = append(found.People, views.FoundPerson{Person: p, Presence: s.Presence.Of(found.Me, p.URI), IsContact: listed, Outlook: true})
	}
}

// mentions reports whether every word of a search begins a word of what is known of somebody.
func mentions(p portal.Person, query string) bool {
	known := strings.Fields(strings.ToLower(strings.Join(append([]string{p.DisplayName, p.Email, p.URI.Bare(), p.Department, p.Company}, p.Phones...), " ")))
	for _, word := range strings.Fields(strings.ToLower(query)) {
		if !slices.ContainsFunc(known, func(k string) bool { return strings.HasPrefix(k, word) }) {
			return false
		}
	}
	return true
}

// find searches the directory; a whole address is found even if no directory has it.
func (s *Server) find(ctx context.Context, r views.Reader, who portal.Address, query string, contacts []portal.Contact) (views.Found, error) {
	found := views.Found{Reader: r, Me: who, Query: strings.TrimSpace(query)}
	if found.Query == "" {
		return found, nil
	}
	people, err := s.Directory.Search(ctx, found.Query, foundPeople+1)
	if err != nil {
		return found, err
	}
	if len(people) > foundPeople {
		people, found.TooMany = people[:foundPeople], true
	}
	if a, err := portal.ParseAddress(found.Query); err == nil && len(people) == 0 {
		people = append(people, s.Directory.Lookup(ctx, a))
	}
	listed := make(map[portal.Address]bool, len(contacts))
	for _, contact := range contacts {
		listed[contact.URI] = true
	}
	for _, p := range people {
		person := views.FoundPerson{Person: p, IsContact: listed[p.URI]}
		if !p.Group {
			person.Presence = s.Presence.Of(who, p.URI)
		}
		found.People = append(found.People, person)
	}
	return found, nil
}

// putContact adds a person to the contact list or moves them to another group.
func (s *Server) putContact(c echo.Context) error {
	if err := form(c); err != nil {
		return err
	}
	uri, err := portal.ParseAddress(c.FormValue("uri"))
	if err != nil {
		return err
	}
	ctx, who := c.Request().Context(), s.person(c)
	contacts, err := s.Contacts.List(ctx, who)
	if err != nil {
		return err
	}
	contact := portal.Contact{URI: uri, DisplayName: s.Directory.Lookup(ctx, uri).DisplayName}
	for _, present := range contacts {
		if present.URI == uri {
			contact = present
		}
	}
	contact.Group, contact.Groups = strings.TrimSpace(c.FormValue("group")), nil // that one alone
	if err := s.Contacts.Put(ctx, who, contact); err != nil {
		return err
	}
	return s.done(c, "/contacts")
}

// removeContact takes a person off the contact list.
func (s *Server) removeContact(c echo.Context) error {
	if err := form(c); err != nil {
		return err
	}
	uri, err := portal.ParseAddress(c.FormValue("uri"))
	if err != nil {
		return err
	}
	if err := s.Contacts.Remove(c.Request().Context(), s.person(c), uri); err != nil {
		return err
	}
	return s.done(c, "/contacts")
}
