package web

// Who came, who was refused and who went, for the log. What was typed is never logged: only the address that
// was understood, since people also type their password into the wrong field.

import (
	"log/slog"
	"strings"
	"unicode"

	"github.com/labstack/echo/v4"

	"portico/app/portal"
)

// maxAgentLogged is how much of a browser's description of itself is logged, in bytes.
const maxAgentLogged = 200

// audit logs what happened to a person's sign-ins, with where it came from.
func (s *Server) audit(c echo.Context, level slog.Level, what string, attrs ...slog.Attr) {
	attrs = append(attrs, slog.String("remote", c.RealIP()), slog.String("agent", cleanAgent(c.Request().UserAgent())),
		slog.String("request_id", requestID(c)))
	s.Logger.LogAttrs(c.Request().Context(), level, what, attrs...)
}

// auditSignin logs a try to sign in; who is empty where no address was understood.
func (s *Server) auditSignin(c echo.Context, who portal.Address, err error) {
	if err == nil {
		s.audit(c, slog.LevelInfo, "signed in", slog.String("person", string(who)))
		return
	}
	address := string(who)
	if address == "" {
		address = "(none)"
	}
	s.audit(c, slog.LevelWarn, "sign-in refused", slog.String("address", address), slog.String("reason", classify(err).reason))
}

// cleanAgent is what a browser says of itself as one line of printable text.
func cleanAgent(agent string) string {
	return strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, clip(agent, maxAgentLogged))
}
