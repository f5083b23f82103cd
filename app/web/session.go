package web

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/labstack/echo/v4"

	"portico/app/portal"
)

// One scs session is one sign-in. Its token is the cookie's value and the API's bearer token. Neither the
// store nor account keep the token: both know the sign-in by sessionKey, so that ending it at account
// kills the token too.

const (
	sessionCookie = "portico"

	personField = "person"
	silentField = "silent" // there where the session is silent
	tokenLen    = 43       // 32 random bytes in unpadded base64url, as scs makes them
	stateKey    = "portico.session"
)

// session is who a request comes from. The zero value is nobody.
type session struct {
	person portal.Address
	// key names the sign-in in account and in the hub.
	key     string
	token   string
	bearer  bool // came as a bearer token, not as a cookie
	silent  bool // never shows the person as there
	expires time.Time
}

// newSessions makes the manager by hand: scs.New would start a goroutine, for a store in memory that is not
// wanted, which nothing can end. Cookies are this package's own affair.
func newSessions(store scs.CtxStore, lifetime time.Duration) *scs.SessionManager {
	return &scs.SessionManager{Store: store, Lifetime: lifetime, Codec: scs.GobCodec{}}
}

// sessionKey is the name of a sign-in outside of this package: SHA-256 of its token, in hex.
func sessionKey(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// requestToken finds the session token a request carries. A bearer token wins over the cookie; of a
// cookie sent twice the first well-formed one counts.
func requestToken(r *http.Request, cookie string) (token string, bearer bool) {
	if auth := r.Header.Get("Authorization"); auth != "" {
		scheme, value, _ := strings.Cut(auth, " ")
		if strings.EqualFold(scheme, "Bearer") {
			if value = strings.TrimSpace(value); wellFormedToken(value) {
				return value, true
			}
			return "", true
		}
	}
	for _, c := range r.CookiesNamed(cookie) {
		if wellFormedToken(c.Value) {
			return c.Value, false
		}
	}
	return "", false
}

func wellFormedToken(t string) bool {
	if len(t) != tokenLen {
		return false
	}
	for i := range len(t) {
		c := t[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

// session tells whose request c is; it asks the store once a request. Nobody is not an error.
func (s *Server) session(c echo.Context) (session, error) {
	if known, ok := c.Get(stateKey).(session); ok {
		return known, nil
	}
	token, bearer := requestToken(c.Request(), s.cookieName(c.Request(), sessionCookie))
	found := session{bearer: bearer}
	if token != "" {
		ctx, err := s.sessions.Load(c.Request().Context(), token)
		if err != nil {
			return session{}, fmt.Errorf("load the session: %w", err)
		}
		person, expires := s.sessions.GetString(ctx, personField), s.sessions.Deadline(ctx)
		if person != "" && expires.After(s.Now()) {
			switch who, err := s.Account.Whose(c.Request().Context(), sessionKey(token)); {
			case errors.Is(err, portal.ErrUnauthenticated), err == nil && who != portal.Address(person):
				person = "" // ended, or unused for too long
			case err != nil:
				return session{}, fmt.Errorf("whose session: %w", err)
			}
		}
		if person != "" && expires.After(s.Now()) {
			found = session{person: portal.Address(person), key: sessionKey(token), token: token, bearer: bearer, silent: s.sessions.GetBool(ctx, silentField), expires: expires}
		}
	}
	c.Set(stateKey, found)
	return found, nil
}

// begin makes a new session for a person who has just proved who they are, under a token that nobody
// can have known before, and gives the browser its cookie. The browser's previous session ends. A silent one
// is a program's: it has no cookie and ends nothing.
func (s *Server) begin(c echo.Context, who portal.Address, silent bool) (token string, err error) {
	previous, err := s.session(c)
	if err != nil {
		return "", err
	}
	r := c.Request()
	ctx, err := s.sessions.Load(r.Context(), "")
	if err != nil {
		return "", fmt.Errorf("new session: %w", err)
	}
	s.sessions.Put(ctx, personField, string(who))
	if silent {
		s.sessions.Put(ctx, silentField, true)
	}
	token, expires, err := s.sessions.Commit(ctx)
	if err != nil {
		return "", fmt.Errorf("store the session: %w", err)
	}
	key := sessionKey(token)
	if err := s.Account.Began(r.Context(), who, key, clip(r.UserAgent(), 200), c.RealIP()); err != nil {
		if undo := s.Sessions.DeleteCtx(context.WithoutCancel(r.Context()), token); undo != nil {
			s.Logger.Error("a session without a sign-in stays behind", "error", undo)
		}
		return "", err
	}
	if previous.person != "" && !previous.bearer && !silent {
		if err := s.end(r.Context(), previous); err != nil {
			return "", err
		}
	}
	c.Set(stateKey, session{person: who, key: key, token: token, silent: silent, expires: expires})
	if !silent {
		s.setCookie(c, token, expires)
	}
	return token, nil
}

// end signs one session out: its token is dead, its live connections are closed, account takes the
// person's line down when it was the last. (What account ends by itself reaches the hub through the house.)
func (s *Server) end(ctx context.Context, old session) error {
	if err := s.Sessions.DeleteCtx(ctx, old.token); err != nil {
		return fmt.Errorf("delete the session: %w", err)
	}
	s.Hub.EndSession(old.key)
	return s.Account.Ended(ctx, old.key)
}

func (s *Server) setCookie(c echo.Context, token string, expires time.Time) {
	made := s.newCookie(c, sessionCookie, token, 0)
	made.Expires = expires
	c.SetCookie(made)
}

// clearCookie takes the session from the browser, and what pages have kept in it. (Over a plain line browsers do not heed the
// header; the page's script does the same at sign-out.)
func (s *Server) clearCookie(c echo.Context) {
	c.Response().Header().Set("Clear-Site-Data", `"storage"`)
	c.SetCookie(s.newCookie(c, sessionCookie, "", -1))
}

// clip shortens s to at most n bytes without cutting a character.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}
