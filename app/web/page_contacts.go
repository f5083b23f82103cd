package web

import (
	"context"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"portico/app/portal"
	"portico/views"
)

const (
	// foundPeople is how many people a search shows.
	foundPeople = 12
	// maxQuery is the longest search in bytes.
	maxQuery = 200
)

// contactsPage shows who is there, and the answer to a search where one was asked for.
func (s *Server) contactsPage(c echo.Context) error {
	f, err := s.frame(c, views.Contacts, "contacts.title")
	if err != nil {
		return err
	}
	ctx, who := c.Request().Context(), s.person(c)
	contacts, err := s.Contacts.List(ctx, who)
	if err != nil {
		return err
	}
	items := make([]views.ContactItem, len(contacts))
	for i, contact := range contacts {
		person := s.Directory.Lookup(ctx, contact.URI)
		if contact.DisplayName != "" && contact.DisplayName != contact.URI.Bare() {
			person.DisplayName = contact.DisplayName
		}
		items[i] = views.ContactItem{Person: person, Presence: s.Presence.Of(who, contact.URI), Group: contact.Group}
	}
	page := views.ContactsPage{Frame: f, Groups: views.Group(f.Reader, items), Query: clip(c.QueryParam("q"), maxQuery)}
	if page.Query != "" {
		found, err := s.find(ctx, f.Reader, who, page.Query, contacts)
		if err != nil {
			return err
		}
		found.Settings = f.Settings
		page.Found = &found
	}
	return s.render(c, http.StatusOK, views.ContactsView(page))
}

// findPeople is the answer to a search alone, for the page's script.
func (s *Server) findPeople(c echo.Context) error {
	ctx, who := c.Request().Context(), s.person(c)
	contacts, err := s.Contacts.List(ctx, who)
	if err != nil {
		return err
	}
	found, err := s.find(ctx, s.reader(c), who, clip(c.QueryParam("q"), maxQuery), contacts)
	if err != nil {
		return err
	}
	if found.Settings, err = s.Account.Settings(ctx, who); err != nil {
		return err
	}
	return s.render(c, http.StatusOK, views.FoundView(found))
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
		found.People = append(found.People, views.FoundPerson{Person: p, Presence: s.Presence.Of(who, p.URI), IsContact: listed[p.URI]})
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
