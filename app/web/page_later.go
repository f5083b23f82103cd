package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"portico/views"
)

// partToCome is a section that this portal does not have: its page says so.
func (s *Server) partToCome(section views.Section) echo.HandlerFunc {
	return func(c echo.Context) error {
		f, err := s.frame(c, section, "nav."+string(section))
		if err != nil {
			return err
		}
		return s.render(c, http.StatusOK, views.SectionView(f))
	}
}
