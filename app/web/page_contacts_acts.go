package web

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"portico/app/portal"
	"portico/views"
)

// What the forms of the contact list do. Each works by a form alone; the page's script sends the same forms, and hears
// of what came of it as an event.

// refreshPause is how long others than administrators wait between two readings of the address book.
const refreshPause = time.Minute

// sortContacts keeps the order of the list, or how much of each contact this browser shows.
func (s *Server) sortContacts(c echo.Context) error {
	if err := form(c); err != nil {
		return err
	}
	if compact, sent := c.Request().PostForm["compact"]; sent {
		value := ""
		if compact[0] == "on" {
			value = "1"
		}
		c.SetCookie(s.newCookie(c, compactCookie, value, 365*24*time.Hour))
		return c.Redirect(http.StatusSeeOther, "/contacts")
	}
	order := c.FormValue("sort")
	if !slices.Contains(views.Sorts(), order) {
		return portal.Fail(portal.ErrInvalid, "contacts.sort")
	}
	err := s.Account.ChangeSettings(c.Request().Context(), s.person(c), func(set *portal.Settings) error {
		set.Sort = order
		return nil
	})
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, "/contacts")
}

// changeGroups makes, renames, moves, folds and removes groups.
func (s *Server) changeGroups(c echo.Context) error {
	if err := form(c); err != nil {
		return err
	}
	ctx, who, name := c.Request().Context(), s.person(c), strings.TrimSpace(c.FormValue("name"))
	var err error
	switch c.FormValue("do") {
	case "add":
		err = s.Book.PutGroup(ctx, who, name)
	case "rename":
		err = s.Book.RenameGroup(ctx, who, name, strings.TrimSpace(c.FormValue("to")))
	case "remove":
		err = s.Book.RemoveGroup(ctx, who, name)
	case "fold", "unfold":
		err = s.Book.FoldGroup(ctx, who, name, c.FormValue("do") == "fold")
	case "up":
		err = s.stepGroup(c, name, -1)
	case "down":
		err = s.stepGroup(c, name, 1)
	default:
		err = portal.Fail(portal.ErrInvalid, "contacts.act")
	}
	if err != nil {
		return err
	}
	return s.done(c, "/contacts")
}

// stepGroup moves a group one place up or down.
func (s *Server) stepGroup(c echo.Context, name string, step int) error {
	ctx, who := c.Request().Context(), s.person(c)
	groups, err := s.Book.Groups(ctx, who)
	if err != nil {
		return err
	}
	names := make([]string, len(groups))
	for i, g := range groups {
		names[i] = g.Name
	}
	at := slices.Index(names, name)
	to := at + step
	if at < 0 || to < 0 || to >= len(names) {
		return nil // it is where it was to go
	}
	names[at], names[to] = names[to], names[at]
	return s.Book.OrderGroups(ctx, who, names)
}

// moveContact takes a contact from one group to another, or with "copy" puts them into one more. Among the favourites
// they become one.
func (s *Server) moveContact(c echo.Context) error {
	if err := form(c); err != nil {
		return err
	}
	uri, err := portal.ParseAddress(c.FormValue("uri"))
	if err != nil {
		return err
	}
	ctx, who, from, to := c.Request().Context(), s.person(c), c.FormValue("from"), c.FormValue("to")
	switch {
	case c.FormValue("favourite") == "on":
		err = s.Book.Favourite(ctx, who, uri, true)
	case c.FormValue("copy") == "on":
		err = s.Book.Copy(ctx, who, uri, to)
	default:
		err = s.Book.Move(ctx, who, uri, from, to)
	}
	if err != nil {
		return err
	}
	return s.done(c, "/contacts")
}

// addDistribution puts a distribution group on the list.
func (s *Server) addDistribution(c echo.Context) error {
	if err := form(c); err != nil {
		return err
	}
	if _, err := s.Book.AddDistributionGroup(c.Request().Context(), s.person(c), c.FormValue("email"), strings.TrimSpace(c.FormValue("name"))); err != nil {
		return err
	}
	return s.done(c, "/contacts")
}

// importContact takes somebody of the person's own contacts folder onto the list, or everybody in it.
func (s *Server) importContact(c echo.Context) error {
	if err := form(c); err != nil {
		return err
	}
	if c.FormValue("all") == "on" {
		return s.importAll(c)
	}
	uri, err := portal.ParseAddress(c.FormValue("uri"))
	if err != nil {
		return err
	}
	if err := s.Book.ImportFromOutlook(c.Request().Context(), s.person(c), []portal.Address{uri}); err != nil {
		return err
	}
	return s.done(c, "/contacts")
}

// importAll takes everybody of the person's own contacts folder who is not on the list yet onto it, all or none.
func (s *Server) importAll(c echo.Context) error {
	taken, err := s.Book.ImportAllFromOutlook(c.Request().Context(), s.person(c))
	if err != nil {
		return err
	}
	return s.done(c, "/contacts?imported="+strconv.Itoa(taken))
}

// refreshPeople reads the address book anew.
func (s *Server) refreshPeople(c echo.Context) error {
	if err := form(c); err != nil {
		return err
	}
	if err := s.rereadPeople(c); err != nil {
		return err
	}
	return s.done(c, "/contacts")
}

// rereadPeople reads the address books for whom a request is: for administrators at once, for others where the last
// reading is some time past.
func (s *Server) rereadPeople(c echo.Context) error {
	if s.Books == nil {
		return portal.Fail(portal.ErrUnavailable, "directory.refresh-none")
	}
	me, err := s.me(c)
	if err != nil {
		return err
	}
	if !slices.Contains(me.Roles, portal.RoleAdmin) {
		for _, b := range s.Books.States() {
			if wait := refreshPause - s.Now().Sub(b.At); !b.At.IsZero() && wait > 0 {
				return portal.Fail(portal.ErrTooMany, "directory.refresh-soon").After(wait)
			}
		}
	}
	if err := s.Books.RefreshNow(c.Request().Context()); err != nil {
		return portal.Fail(portal.ErrUnavailable, "directory.refresh-failed").Because(err)
	}
	return nil
}
