package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"portico/app/portal"
	"portico/views"
)

// helpPage shows one topic of the help, the first where none is named.
func (s *Server) helpPage(c echo.Context) error {
	f, err := s.frame(c, views.Help, "help.title")
	if err != nil {
		return err
	}
	page, ok := views.NewHelpPage(f, c.Param("topic"))
	if !ok {
		return portal.Fail(portal.ErrNotFound, "not-found")
	}
	return s.render(c, http.StatusOK, views.HelpView(page))
}
