package web

import (
	"time"

	"github.com/labstack/echo/v4"

	"portico/views"
)

// SigninForm is what the sign-in page shows: what was typed, and what was wrong with it.
type SigninForm struct {
	Address string
	// ErrorKey is the sentence's catalogue key without its "error." prefix; empty: nothing was wrong.
	ErrorKey string
	Args     map[string]string
	// RetryAfter is how long to wait before the next try; zero if unsaid.
	RetryAfter time.Duration
	// Next is where the sign-in leads: a path on this server.
	Next string
}

// showSignin answers with the sign-in page; it may be shown to somebody whom the server does not know
// while storage is away.
func (s *Server) showSignin(c echo.Context, status int, f SigninForm) error {
	r := s.reader(c)
	if wish := c.QueryParam("lang"); wish != "" {
		r = s.chooseLocale(c, r, wish)
	}
	page := views.SignInPage{Reader: r, Address: f.Address, Next: f.Next}
	if s.OIDC != nil {
		page.Provider = s.Config.OIDCName
	}
	if f.ErrorKey != "" {
		page.Problem = r.Sentence(f.ErrorKey, withWait(r, f.Args, f.RetryAfter))
	}
	return s.render(c, status, views.SignIn(page))
}

// chooseLocale remembers the language that was chosen on the sign-in page.
func (s *Server) chooseLocale(c echo.Context, r views.Reader, wish string) views.Reader {
	locale := s.Languages.Match(wish)
	c.SetCookie(s.newCookie(c, localeCookie, locale, 365*24*time.Hour))
	r.Catalogue = s.Languages.For(s.Languages.Decide(c.Request().Header.Get("Accept-Language"), s.languagePolicy(""), locale))
	return r
}
