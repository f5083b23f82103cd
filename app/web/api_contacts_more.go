package web

import (
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"portico/app/contacts"
	"portico/app/portal"
)

// The contact list beyond entries, for programs: groups, recent people, distribution groups, one's own Outlook contacts,
// the address book's age.

// maxNamed is how many people or groups a request may name at once.
const maxNamed = 500

func (s *Server) contactCalls() []call {
	kept := s.withBook
	return []call{
		{http.MethodGet, "/contact-sections", person, kept(s.apiSections), aboutSections},
		{http.MethodPost, "/contacts/:uri/move", person, kept(s.apiMoveContact), aboutMoveContact},
		{http.MethodGet, "/contacts/:uri/members", person, kept(s.apiExpand), aboutExpand},
		{http.MethodPost, "/distribution-groups", person, kept(s.apiAddDistribution), aboutAddDistribution},
		{http.MethodGet, "/contact-groups", person, kept(s.apiContactGroups), aboutContactGroups},
		{http.MethodPut, "/contact-groups", person, kept(s.apiOrderGroups), aboutOrderGroups},
		{http.MethodPut, "/contact-groups/:name", person, kept(s.apiPutGroup), aboutPutGroup},
		{http.MethodDelete, "/contact-groups/:name", person, kept(s.apiRemoveGroup), aboutRemoveGroup},
		{http.MethodGet, "/recents", person, kept(s.apiRecents), aboutRecents},
		{http.MethodGet, "/outlook-contacts", person, kept(s.apiOutlook), aboutOutlook},
		{http.MethodPut, "/outlook-contacts/:uri", person, kept(s.apiSaveToOutlook), aboutSaveToOutlook},
		{http.MethodPost, "/outlook-contacts/import", person, kept(s.apiImportOutlook), aboutImportOutlook},
		{http.MethodPost, "/outlook-contacts/import-all", person, kept(s.apiImportAllOutlook), aboutImportAllOutlook},
		{http.MethodGet, "/directory/books", person, s.apiBookStates, aboutBookStates},
		{http.MethodPost, "/directory/refresh", person, s.apiRefreshPeople, aboutRefreshPeople},
	}
}

var contactGroupParam = param{name: "name", in: "path", schema: "GroupName", about: "a group's name, percent-encoded"}

var aboutSections = operation{
	summary: "The contact list in sections, as the page shows it",
	params:  []param{{name: "sort", in: "query", schema: "ContactOrder", about: "the order; without it the one that the person has chosen"}},
	answers: []answer{{status: 200, schema: "ContactSection", list: true}}, errors: []int{400},
}

func (s *Server) apiSections(c echo.Context) error {
	ctx, who := c.Request().Context(), s.person(c)
	order := c.QueryParam("sort")
	if !c.QueryParams().Has("sort") {
		chosen, err := s.Account.Settings(ctx, who)
		if err != nil {
			return err
		}
		order = chosen.Sort
	}
	sections, err := s.Book.Sections(ctx, who, order, func(a portal.Address) portal.Presence { return s.Presence.Of(who, a) })
	if err != nil {
		return err
	}
	if sections == nil {
		sections = []contacts.Section{}
	}
	return s.json(c, http.StatusOK, sections)
}

type moveBody struct {
	From string `json:"from"`
	To   string `json:"to"`
	Copy bool   `json:"copy"`
}

var aboutMoveContact = operation{
	summary: "Move a contact from one group to another, or with copy put them into one more", params: []param{uriParam("uri")}, body: "ContactMove",
	answers: []answer{{status: 200, schema: "Contact"}}, errors: []int{400, 404, 409, 413, 415},
}

func (s *Server) apiMoveContact(c echo.Context) error {
	uri, err := pathAddress(c, "uri")
	if err != nil {
		return err
	}
	var in moveBody
	if err := body(c, &in); err != nil {
		return err
	}
	ctx, who := c.Request().Context(), s.person(c)
	if in.Copy {
		err = s.Book.Copy(ctx, who, uri, in.To)
	} else {
		err = s.Book.Move(ctx, who, uri, in.From, in.To)
	}
	if err != nil {
		return err
	}
	return s.contact(c, uri)
}

var aboutExpand = operation{
	summary: "The members of a distribution group", params: []param{uriParam("uri")},
	answers: []answer{{status: 200, schema: "Person", list: true}}, errors: []int{400, 404},
}

func (s *Server) apiExpand(c echo.Context) error {
	uri, err := pathAddress(c, "uri")
	if err != nil {
		return err
	}
	members, err := s.Book.Expand(c.Request().Context(), s.person(c), uri)
	if err != nil {
		return err
	}
	return s.people(c, members)
}

// people answers with entries of the address book, as the request's person may see them.
func (s *Server) people(c echo.Context, list []portal.Person) error {
	out := make([]portal.Person, len(list))
	for i, p := range list {
		out[i] = s.shownTo(s.person(c), p)
	}
	return s.json(c, http.StatusOK, out)
}

type distributionBody struct {
	Email string `json:"email"`
	Name  string `json:"name"`
}

var aboutAddDistribution = operation{
	summary: "Put a distribution group on the contact list", body: "NewDistributionGroup",
	answers: []answer{{status: 201, schema: "Contact"}}, errors: []int{400, 409, 413, 415},
}

func (s *Server) apiAddDistribution(c echo.Context) error {
	var in distributionBody
	if err := body(c, &in); err != nil {
		return err
	}
	made, err := s.Book.AddDistributionGroup(c.Request().Context(), s.person(c), in.Email, in.Name)
	if err != nil {
		return err
	}
	return s.json(c, http.StatusCreated, made)
}

var aboutContactGroups = operation{
	summary: "The groups of the contact list, in their order", answers: []answer{{status: 200, schema: "ContactGroup", list: true}},
}

func (s *Server) apiContactGroups(c echo.Context) error {
	groups, err := s.Book.Groups(c.Request().Context(), s.person(c))
	if err != nil {
		return err
	}
	if groups == nil {
		groups = []portal.ContactGroup{}
	}
	return s.json(c, http.StatusOK, groups)
}

type groupNamesBody struct {
	Names []string `json:"names"`
}

var aboutOrderGroups = operation{
	summary: "Put the groups into an order", body: "GroupOrder",
	answers: []answer{{status: 200, schema: "ContactGroup", list: true}}, errors: []int{400, 404, 409, 413, 415},
}

func (s *Server) apiOrderGroups(c echo.Context) error {
	var in groupNamesBody
	if err := body(c, &in); err != nil {
		return err
	}
	if in.Names == nil || len(in.Names) > maxNamed {
		return portal.Fail(portal.ErrInvalid, "json.type").With("field", "names")
	}
	if err := s.Book.OrderGroups(c.Request().Context(), s.person(c), in.Names); err != nil {
		return err
	}
	return s.apiContactGroups(c)
}

type groupBody struct {
	Rename *string `json:"rename"`
	Closed *bool   `json:"closed"`
}

var aboutPutGroup = operation{
	summary: "Make a group, rename it, fold it up or unfold it", params: []param{contactGroupParam}, body: "GroupChange", bodyOptional: true,
	answers: []answer{{status: 200, schema: "ContactGroup"}}, errors: []int{400, 404, 409, 413, 415},
}

func (s *Server) apiPutGroup(c echo.Context) error {
	name, err := pathText(c, "name")
	if err != nil {
		return err
	}
	var in groupBody
	if err := optionalBody(c, &in); err != nil {
		return err
	}
	ctx, who := c.Request().Context(), s.person(c)
	groups, err := s.Book.Groups(ctx, who)
	if err != nil {
		return err
	}
	name = strings.TrimSpace(name)
	if !slices.ContainsFunc(groups, func(g portal.ContactGroup) bool { return g.Name == name }) {
		err = s.Book.PutGroup(ctx, who, name)
	}
	if err == nil && in.Rename != nil {
		err, name = s.Book.RenameGroup(ctx, who, name, *in.Rename), strings.TrimSpace(*in.Rename)
	}
	if err == nil && in.Closed != nil {
		err = s.Book.FoldGroup(ctx, who, name, *in.Closed)
	}
	if err != nil {
		return err
	}
	if groups, err = s.Book.Groups(ctx, who); err != nil {
		return err
	}
	at := slices.IndexFunc(groups, func(g portal.ContactGroup) bool { return g.Name == name })
	if at < 0 {
		return portal.Fail(portal.ErrNotFound, "contacts.no-group")
	}
	return s.json(c, http.StatusOK, groups[at])
}

var aboutRemoveGroup = operation{
	summary: "Remove a group; its contacts stay on the list", params: []param{contactGroupParam},
	answers: []answer{{status: 204, about: "gone"}}, errors: []int{400, 404},
}

func (s *Server) apiRemoveGroup(c echo.Context) error {
	name, err := pathText(c, "name")
	if err != nil {
		return err
	}
	if err := s.Book.RemoveGroup(c.Request().Context(), s.person(c), name); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

var aboutRecents = operation{
	summary: "The people with whom one had a conversation or a call last, newest first", params: []param{{name: "limit", in: "query", schema: "Limit", about: "the most entries to answer with"}},
	answers: []answer{{status: 200, schema: "Recent", list: true}}, errors: []int{400},
}

func (s *Server) apiRecents(c echo.Context) error {
	limit, err := limitParam(c, recentPeople, maxDirectory)
	if err != nil {
		return err
	}
	recents, err := s.Book.Recents(c.Request().Context(), s.person(c), limit)
	if err != nil {
		return err
	}
	if recents == nil {
		recents = []portal.Recent{}
	}
	return s.json(c, http.StatusOK, recents)
}

var aboutOutlook = operation{
	summary: "The people of one's own contacts folder in Exchange", answers: []answer{{status: 200, schema: "Person", list: true}},
}

func (s *Server) apiOutlook(c echo.Context) error {
	people, err := s.Book.Outlook(c.Request().Context(), s.person(c))
	if err != nil {
		return err
	}
	if people == nil {
		people = []portal.Person{}
	}
	return s.json(c, http.StatusOK, people)
}

var aboutSaveToOutlook = operation{
	summary: "Save a contact in one's own contacts folder in Exchange", params: []param{uriParam("uri")},
	answers: []answer{{status: 204, about: "saved"}}, errors: []int{400, 404, 409},
}

func (s *Server) apiSaveToOutlook(c echo.Context) error {
	uri, err := pathAddress(c, "uri")
	if err != nil {
		return err
	}
	if err := s.Book.SaveToOutlook(c.Request().Context(), s.person(c), uri); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

var aboutImportOutlook = operation{
	summary: "Take people of one's own contacts folder onto the contact list, all or none", body: "PresenceQuery",
	answers: []answer{{status: 204, about: "they are on the list"}}, errors: []int{400, 404, 409, 413, 415},
}

func (s *Server) apiImportOutlook(c echo.Context) error {
	var in queryBody
	if err := body(c, &in); err != nil {
		return err
	}
	if in.URIs == nil {
		return portal.Fail(portal.ErrInvalid, "json.type").With("field", "uris")
	}
	uris, err := parseAddresses(in.URIs, maxNamed)
	if err != nil {
		return err
	}
	if err := s.Book.ImportFromOutlook(c.Request().Context(), s.person(c), uris); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

var aboutImportAllOutlook = operation{
	summary: "Take everybody of one's own contacts folder who is not there yet onto the contact list, all or none: 409 where they do not all fit",
	answers: []answer{{status: 200, schema: "ImportedContacts"}}, errors: []int{409},
}

// takenJSON is how many came onto the contact list.
type takenJSON struct {
	Imported int `json:"imported"`
}

func (s *Server) apiImportAllOutlook(c echo.Context) error {
	taken, err := s.Book.ImportAllFromOutlook(c.Request().Context(), s.person(c))
	if err != nil {
		return err
	}
	return s.json(c, http.StatusOK, takenJSON{Imported: taken})
}

var aboutBookStates = operation{
	summary: "The address books, with the age of what is known of them", answers: []answer{{status: 200, schema: "AddressBook", list: true}},
}

// bookJSON is an address book as people may know it: what failed there is the operator's to read.
type bookJSON struct {
	Name   string `json:"name"`
	At     any    `json:"at"`
	People int    `json:"people"`
	Cached bool   `json:"cached"`
	Failed bool   `json:"failed"`
}

func (s *Server) apiBookStates(c echo.Context) error {
	out := []bookJSON{}
	if s.Books != nil {
		for _, b := range s.Books.States() {
			book := bookJSON{Name: b.Name, People: b.People, Cached: b.Cached, Failed: b.Failed != ""}
			if !b.At.IsZero() {
				book.At = b.At
			}
			out = append(out, book)
		}
	}
	return s.json(c, http.StatusOK, out)
}

var aboutRefreshPeople = operation{
	summary: "Read the address books anew: administrators at once, others once a minute", answers: []answer{{status: 200, schema: "AddressBook", list: true}},
}

func (s *Server) apiRefreshPeople(c echo.Context) error {
	if err := s.rereadPeople(c); err != nil {
		return err
	}
	return s.apiBookStates(c)
}
