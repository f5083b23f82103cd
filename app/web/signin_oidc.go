package web

// The sign-in at an OpenID Connect provider: the browser is sent there and comes back with a code.

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"portico/app/directory/oidc"
	"portico/app/portal"
)

// OIDC signs people in at an identity provider.
type OIDC interface {
	// Begin gives where to send the browser, and the cookie that it has to bring back.
	Begin(ctx context.Context, next string) (redirect, cookie string, err error)
	// Finish gives who came back with a query, and where the sign-in leads. next is given with an error too, where it is known.
	Finish(ctx context.Context, cookie string, query url.Values) (who portal.Address, next string, err error)
}

// oidcPath is where the provider's answers come to; its cookie goes nowhere else.
const oidcPath = "/signin/oidc"

// attemptCookie holds one attempt, sealed. (That cookies are SameSite=Lax, not Strict, is for its sake too: the provider sends
// the browser back from another site.)
const attemptCookie = "portico-signin"

// beginOIDC sends the browser to the provider.
func (s *Server) beginOIDC(c echo.Context) error {
	if s.draining.Load() {
		return s.signinProblem(c, portal.Fail(portal.ErrUnavailable, "signin.draining"), "")
	}
	next := relativeTarget(c.QueryParam("next"))
	redirect, cookie, err := s.OIDC.Begin(c.Request().Context(), next)
	if err != nil {
		return s.signinProblem(c, err, next)
	}
	c.SetCookie(s.newCookie(c, attemptCookie, cookie, oidc.AttemptLasts))
	return c.Redirect(http.StatusSeeOther, redirect)
}

// finishOIDC takes the browser back. What is wrong is said on the sign-in page.
func (s *Server) finishOIDC(c echo.Context) error {
	var attempt string
	if cookie, err := c.Cookie(s.cookieName(c.Request(), attemptCookie)); err == nil {
		attempt = cookie.Value
	}
	c.SetCookie(s.newCookie(c, attemptCookie, "", -1))
	who, next, err := s.OIDC.Finish(c.Request().Context(), attempt, c.QueryParams())
	next = relativeTarget(next)
	if err == nil {
		err = s.vouched(c, who)
	}
	s.metrics.signin(err)
	s.auditSignin(c, who, err)
	if err != nil {
		return s.signinProblem(c, err, next)
	}
	return c.Redirect(http.StatusSeeOther, s.landing(c, who, next))
}

// vouched begins the session of somebody for whom the provider has vouched.
func (s *Server) vouched(c echo.Context, who portal.Address) error {
	if s.draining.Load() {
		return portal.Fail(portal.ErrUnavailable, "signin.draining")
	}
	if err := s.Account.SignInAs(c.Request().Context(), who, c.RealIP()); err != nil {
		return err
	}
	if _, err := s.begin(c, who, false); err != nil {
		return err
	}
	s.Presence.Touch(who)
	return nil
}

// signinProblem shows the sign-in page with what went wrong; internal errors are the error page's.
func (s *Server) signinProblem(c echo.Context, err error, next string) error {
	f := classify(err)
	if f.status >= http.StatusInternalServerError && f.status != http.StatusServiceUnavailable {
		return err
	}
	s.Logger.Log(c.Request().Context(), slog.LevelDebug, "sign-in elsewhere", "error", err)
	c.Set(failedKey, err)
	setRetryAfter(c, f)
	return s.showSignin(c, f.status, SigninForm{Next: next, ErrorKey: f.reason, Args: f.args, RetryAfter: f.retryAfter})
}
