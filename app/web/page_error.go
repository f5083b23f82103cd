package web

import (
	"fmt"
	"html"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
)

// ErrorView is what an error page may say. Key is the sentence's catalogue key without its "error."
// prefix, Args fill it; RequestID is for the operator.
type ErrorView struct {
	Status     int
	Key        string
	Args       map[string]string
	RetryAfter time.Duration
	RequestID  string
}

// showError answers with the error page. It is called for every request that is not of the API and
// must not fail for want of a session or of storage.
func (s *Server) showError(c echo.Context, status int, v ErrorView) error {
	text := sentence(s.audience(c).Locale, v.Key, v.Args)
	return c.HTML(status, fmt.Sprintf("<!doctype html><html lang=\"en\"><title>%s</title><main><h1>%s</h1><p>%s</p></main></html>",
		html.EscapeString(http.StatusText(status)), html.EscapeString(http.StatusText(status)), html.EscapeString(text)))
}
