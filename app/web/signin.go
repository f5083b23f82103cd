package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"portico/app/account"
	"portico/app/portal"
)

// The sign-in and sign-out of pages; they work without script.

// signinPage shows the form, or leads on those who are signed in already.
func (s *Server) signinPage(c echo.Context) error {
	next := relativeTarget(c.QueryParam("next"))
	known, err := s.session(c)
	if err != nil {
		return err
	}
	if known.person != "" {
		return c.Redirect(http.StatusSeeOther, next)
	}
	return s.showSignin(c, http.StatusOK, SigninForm{Next: next})
}

// signIn takes the form. What is wrong is said on the form itself, with the address still in it.
func (s *Server) signIn(c echo.Context) error {
	if err := c.Request().ParseForm(); err != nil {
		return formError(err)
	}
	form := SigninForm{
		Address: clip(c.Request().PostFormValue("address"), portal.MaxAddressLen),
		Next:    relativeTarget(c.Request().PostFormValue("next")),
	}
	if _, err := s.authenticate(c, form.Address, c.Request().PostFormValue("password"), false); err != nil {
		f := classify(err)
		if f.status >= http.StatusInternalServerError && f.status != http.StatusServiceUnavailable {
			return err
		}
		c.Set(failedKey, err)
		setRetryAfter(c, f)
		form.ErrorKey, form.Args, form.RetryAfter = f.reason, f.args, f.retryAfter
		return s.showSignin(c, f.status, form)
	}
	return c.Redirect(http.StatusSeeOther, s.landing(c, s.person(c), form.Next))
}

// signOut ends the session and leads to the sign-in page; without a session there is nothing to end.
func (s *Server) signOut(c echo.Context) error {
	known, err := s.session(c)
	if err != nil {
		return err
	}
	s.clearCookie(c)
	if known.person != "" {
		if err := s.end(c.Request().Context(), known); err != nil {
			return err
		}
		s.auditOwn(c, "signed out", known.person, portal.Audited{Kind: portal.AuditSignout})
	}
	return c.Redirect(http.StatusSeeOther, "/signin")
}

// authenticate proves who somebody is and begins their session. They are there from now on, with a live
// connection to come or without, unless the session is silent.
func (s *Server) authenticate(c echo.Context, address, password string, silent bool) (token string, err error) {
	var who portal.Address
	defer func() {
		s.metrics.signin(err)
		s.auditSignin(c, who, err)
	}()
	if s.draining.Load() {
		return "", portal.Fail(portal.ErrUnavailable, "signin.draining")
	}
	device := s.device(c)
	who, err = s.Account.SignInFrom(c.Request().Context(), address, password, c.RealIP(), device)
	if err != nil {
		return "", err
	}
	if token, err = s.begin(c, who, silent); err != nil {
		return "", err
	}
	if !silent {
		s.knowDevice(c, device, who, address)
	}
	s.there(c)
	return token, nil
}

// deviceCookie says who has signed in in this browser before, to this portal alone. It stays when people sign out, proves nothing,
// and is what keeps wrong tries of others from locking a person out.
const deviceCookie = "portico-device"

// device is what the browser keeps of sign-ins in it.
func (s *Server) device(c echo.Context) string {
	cookie, err := c.Request().Cookie(s.cookieName(c.Request(), deviceCookie))
	if err != nil {
		return ""
	}
	return cookie.Value
}

// knowDevice has the browser keep that somebody has signed in. Without it they are a stranger there next time, which is no reason
// to refuse them now.
func (s *Server) knowDevice(c echo.Context, device string, who portal.Address, typed string) {
	token, err := s.Account.Device(device, who, typed)
	if err != nil {
		s.Logger.Error("a browser is not known", "request_id", requestID(c), "error", err)
		return
	}
	c.SetCookie(s.newCookie(c, deviceCookie, token, account.DeviceLasts))
}

// formError is what reading a form can come to: too large, or not a form.
func formError(err error) error {
	if f := classify(err); f.status == http.StatusRequestEntityTooLarge {
		return err
	}
	return portal.Fail(portal.ErrInvalid, "form").Because(err)
}
