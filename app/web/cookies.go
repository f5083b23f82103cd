package web

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

// Every cookie of the portal is made here. Where the browser's way to the portal is TLS, each has the prefix that binds it to
// this host and to TLS (RFC 6265bis section 4.1.3.2), so that neither a sibling host nor anybody on a plain line can plant one.

// hostPrefix is what a browser takes only with Secure, with the path "/" and without a domain.
const hostPrefix = "__Host-"

// overTLS reports whether the browser's way here is TLS: that of this listener, that of the address the operator names, or,
// where a trusted proxy stands in front, that of the browser's way to the proxy.
func (s *Server) overTLS(r *http.Request) bool {
	if s.secure || r.TLS != nil {
		return true
	}
	said := r.Header.Values("X-Forwarded-Proto")
	if len(said) == 0 || !s.byProxy(r) {
		return false
	}
	all := said[len(said)-1] // what the nearest proxy wrote stands last
	last := all[strings.LastIndexByte(all, ',')+1:]
	return strings.EqualFold(strings.TrimSpace(last), "https")
}

// byProxy reports whether the connection is one of a trusted proxy's.
func (s *Server) byProxy(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	peer, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	peer = peer.Unmap().WithZone("")
	for _, p := range s.Config.TrustedProxies {
		if p.Contains(peer) {
			return true
		}
	}
	return false
}

// cookieName is a cookie's name as this browser has it.
func (s *Server) cookieName(r *http.Request, name string) string {
	if s.overTLS(r) {
		return hostPrefix + name
	}
	return name
}

// newCookie is a cookie for this host alone, which no script reads. A browser sends it with requests of its own pages and where
// somebody follows a link to here. Zero age: until the browser ends; below zero: away with it.
func (s *Server) newCookie(c echo.Context, name, value string, age time.Duration) *http.Cookie {
	made := &http.Cookie{
		Name: s.cookieName(c.Request(), name), Value: value, Path: "/",
		Secure: s.overTLS(c.Request()), HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
	if made.MaxAge = int(age.Seconds()); age < 0 {
		made.MaxAge = -1
	}
	return made
}

// documentedCookie is the session's cookie as the API's description names it, which knows of no single request.
func (s *Server) documentedCookie() string {
	if s.secure {
		return hostPrefix + sessionCookie
	}
	return sessionCookie
}
