package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"portico/views"
)

// partsToCome registers the sections that this release does not have: each says so.
func (s *Server) partsToCome(g *echo.Group) {
	for _, section := range []views.Section{views.Diagnostics} {
		g.GET(section.Path(), s.partToCome(section))
		g.GET(section.Path()+"/*", s.partToCome(section))
	}
}

func (s *Server) partToCome(section views.Section) echo.HandlerFunc {
	return func(c echo.Context) error {
		f, err := s.frame(c, section, "nav."+string(section))
		if err != nil {
			return err
		}
		return s.render(c, http.StatusOK, views.SectionView(f))
	}
}
