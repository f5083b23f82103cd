package web

import (
	"fmt"
	"html"

	"github.com/labstack/echo/v4"
)

// SigninForm is what the sign-in page shows: what was typed, and what was wrong with it.
type SigninForm struct {
	Address string
	// ErrorKey is the sentence's catalogue key without its "error." prefix; empty: nothing was wrong.
	ErrorKey string
	Args     map[string]string
	// Next is where the sign-in leads: a path on this server.
	Next string
}

// showSignin answers with the sign-in page; it may be shown to somebody whom the server does not know
// while storage is away.
func (s *Server) showSignin(c echo.Context, status int, f SigninForm) error {
	problem := ""
	if f.ErrorKey != "" {
		problem = "<p role=alert>" + html.EscapeString(sentence(s.audience(c).Locale, f.ErrorKey, f.Args)) + "</p>"
	}
	return c.HTML(status, fmt.Sprintf(`<!doctype html><html lang="en"><title>Portico</title><main>%s<form method="post" action="/signin">
<label>SIP address <input name="address" value="%s"></label><label>Password <input type="password" name="password"></label>
<input type="hidden" name="next" value="%s"><button>Sign in</button></form></main></html>`,
		problem, html.EscapeString(f.Address), html.EscapeString(f.Next)))
}
