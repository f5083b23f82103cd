package web

import "github.com/labstack/echo/v4"

// pages registers the pages. Everything in g needs a sign-in (a browser without one is led to /signin
// and back), is private (no-store), compressed, and shows the person as active where they have no script.
func (s *Server) pages(g *echo.Group) {}
