package web

import (
	"net"
	"net/netip"
	"strings"

	"github.com/labstack/echo/v4"

	"portico/app/policy"
	"portico/app/portal"
)

// Thin sessions: what a request tells of the session it belongs to. The decision itself is policy.Thin.

const (
	thinKey = "portico.thin"
	// thinCookie is "no" where the offer of a thin session was declined in this browser.
	thinCookie = "portico-thin"
)

// thin says whether the session that asks is a thin one, and why; asked once a request.
func (s *Server) thin(c echo.Context) policy.ThinSession {
	if known, ok := c.Get(thinKey).(policy.ThinSession); ok {
		return known
	}
	s.audience(c) // which reads the person's settings and asks this along the way
	known, _ := c.Get(thinKey).(policy.ThinSession)
	return known
}

// thinOf decides for a person, nobody being "", who chose that.
func (s *Server) thinOf(c echo.Context, who portal.Address, choice string) policy.ThinSession {
	r := c.Request()
	ask := policy.ThinAsk{
		Policy: s.inForce(who).ThinSessions, Choice: choice,
		Hint: strings.EqualFold(strings.TrimSpace(r.Header.Get("Save-Data")), "on"),
	}
	if remote, err := netip.ParseAddr(c.RealIP()); err == nil {
		ask.Remote = remote
	}
	if s.believes(r.RemoteAddr) {
		ask.Header = r.Header.Values(s.Config.Thin.Header)
	}
	return policy.Thin(ask, s.Config.Thin)
}

// believes reports whether headers of a gateway count from that peer: from the trusted proxies, or where there are none from
// anybody, since a thin session is no right.
func (s *Server) believes(peer string) bool {
	if len(s.Config.TrustedProxies) == 0 {
		return true
	}
	host, _, err := net.SplitHostPort(peer)
	if err != nil {
		return false
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	addr = addr.Unmap().WithZone("")
	for _, p := range s.Config.TrustedProxies {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}
