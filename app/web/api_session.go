package web

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"portico/app/portal"
)

// Sign-in and sign-out of programs, and the list of a person's sign-ins.

type signInBody struct {
	SIP      string `json:"sip"`
	Password string `json:"password"`
	// Silent: the session never shows the person as there. It has no cookie.
	Silent bool `json:"silent"`
}

type signInAnswer struct {
	Token string    `json:"token"`
	Me    portal.Me `json:"me"`
}

var aboutSignIn = operation{
	summary: "Sign in with a SIP address and its password", public: true, body: "SignIn",
	answers: []answer{{status: 200, schema: "SignedIn", about: "the token is also set as the session cookie, unless the session is silent"}},
	errors:  []int{400, 401, 403, 413, 415, 429, 503},
}

func (s *Server) apiSignIn(c echo.Context) error {
	var in signInBody
	if err := body(c, &in); err != nil {
		return err
	}
	token, err := s.authenticate(c, in.SIP, in.Password, in.Silent)
	if err != nil {
		return err
	}
	me, err := s.me(c)
	if err != nil {
		return err
	}
	return s.json(c, http.StatusOK, signInAnswer{Token: token, Me: inForce(me, s.audience(c), s.thin(c))})
}

var aboutSignOut = operation{
	summary: "Sign out: the token and the cookie are dead, live connections close",
	answers: []answer{{status: 204, about: "signed out"}},
}

func (s *Server) apiSignOut(c echo.Context) error {
	known, err := s.session(c)
	if err != nil {
		return err
	}
	s.clearCookie(c)
	if err := s.end(c.Request().Context(), known); err != nil {
		return err
	}
	s.auditOwn(c, "signed out", known.person, portal.Audited{Kind: portal.AuditSignout})
	return c.NoContent(http.StatusNoContent)
}

// signinJSON is one sign-in as its person may see it; the token's hash stays here.
type signinJSON struct {
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at"`
	Agent     string    `json:"agent"`
	Remote    string    `json:"remote"`
	Current   bool      `json:"current"`
}

var aboutSessions = operation{
	summary: "Where the person is signed in",
	answers: []answer{{status: 200, schema: "Session", list: true}},
}

func (s *Server) apiSessions(c echo.Context) error {
	known, err := s.session(c)
	if err != nil {
		return err
	}
	all, err := s.Account.Sessions(c.Request().Context(), known.person)
	if err != nil {
		return err
	}
	out := make([]signinJSON, len(all))
	for i, in := range all {
		out[i] = signinJSON{CreatedAt: in.CreatedAt, ExpiresAt: in.ExpiresAt, Agent: in.Agent, Remote: in.Remote, Current: in.Key == known.key}
	}
	return s.json(c, http.StatusOK, out)
}

var aboutEndSessions = operation{
	summary: "Sign out everywhere, here too",
	answers: []answer{{status: 204, about: "every token of the person is dead"}},
}

func (s *Server) apiEndSessions(c echo.Context) error {
	if err := s.Account.EndAll(c.Request().Context(), s.person(c)); err != nil {
		return err
	}
	s.clearCookie(c)
	s.auditOwn(c, "signed out everywhere", s.person(c), portal.Audited{Kind: portal.AuditSignoutEverywhere})
	return c.NoContent(http.StatusNoContent)
}
