package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"portico/app/portal"
	"portico/views"
)

// openPages registers where links from elsewhere lead to, and the page that has the browser send them here.
func (s *Server) openPages(g *echo.Group) {
	g.GET("/open", s.openLink)
	g.GET("/links", s.linksPage)
}

// openLink leads to what a link names: a room, a conversation, or the card of a person with whom the reader talks in
// another program. It never leads out of the portal.
func (s *Server) openLink(c echo.Context) error {
	whom, err := parseLink(c.QueryParam("uri"))
	if err != nil {
		return err
	}
	if s.isRoom(whom) {
		return c.Redirect(http.StatusSeeOther, views.RoomPath(whom))
	}
	settings, err := s.Account.Settings(c.Request().Context(), s.person(c))
	if err != nil {
		return err
	}
	if settings.PreferredClient == portal.OtherClient || whom == s.person(c) {
		return c.Redirect(http.StatusSeeOther, views.ContactPath(whom))
	}
	return c.Redirect(http.StatusSeeOther, views.ChatPath(whom))
}

// linksPage is where a browser is told to open links to people here.
func (s *Server) linksPage(c echo.Context) error {
	f, err := s.frame(c, views.Settings, "links.title")
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, views.LinksView(f))
}
