package web

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// apiLater answers for the families of calls that this release does not have.
func (s *Server) apiLater(echo.Context) error {
	return failStatus(http.StatusNotImplemented, "not-implemented")
}
