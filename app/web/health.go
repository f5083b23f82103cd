package web

import (
	"context"
	"crypto/subtle"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"portico/app/portal"
)

// probeTimeout is how long a backend may take to say that it works.
const probeTimeout = 3 * time.Second

// healthz: the process lives.
func (s *Server) healthz(c echo.Context) error {
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.String(http.StatusOK, "ok\n")
}

// readiness is the answer of /readyz.
type readiness struct {
	// Status is "ready", "unavailable" or "draining".
	Status string `json:"status"`
	// Checks says "ok" or "failing" for each backend; why is in the log.
	Checks map[string]string `json:"checks"`
}

// readyz asks every backend at once and names those that do not answer.
func (s *Server) readyz(c echo.Context) error {
	answer := readiness{Status: "ready", Checks: s.probe(c.Request().Context())}
	status := http.StatusOK
	for _, result := range answer.Checks {
		if result != "ok" {
			answer.Status, status = "unavailable", http.StatusServiceUnavailable
		}
	}
	if s.draining.Load() {
		answer.Status, status = "draining", http.StatusServiceUnavailable
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	return s.json(c, status, answer)
}

func (s *Server) probe(ctx context.Context) map[string]string {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	results := make([]string, len(s.Ready))
	var all sync.WaitGroup
	for i, p := range s.Ready {
		all.Go(func() {
			results[i] = "ok"
			if err := p.Check(ctx); err != nil {
				results[i] = "failing"
				s.Logger.Warn("not ready", "backend", p.Name, "error", err)
			}
		})
	}
	all.Wait()
	checks := make(map[string]string, len(s.Ready))
	for i, p := range s.Ready {
		checks[p.Name] = results[i]
	}
	return checks
}

// mayScrape decides who reads /metrics.
func (s *Server) mayScrape(c echo.Context) error {
	r := c.Request()
	if secret := s.Config.MetricsSecret; secret != "" {
		scheme, given, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare([]byte(given), []byte(secret)) == 1 {
			return nil
		}
		return portal.Fail(portal.ErrUnauthenticated, "unauthenticated")
	}
	forwarded := s.byProxy(r)
	for _, name := range []string{"Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP"} {
		forwarded = forwarded || r.Header.Get(name) != ""
	}
	// Asked for by another name, it is for a proxy that says nothing of itself, or for a page whose name leads here now.
	if !isLoopback(r.RemoteAddr) || !isLoopback(r.Host) || forwarded {
		return portal.Fail(portal.ErrForbidden, "forbidden")
	}
	return nil
}

// isLoopback reports whether an address, with a port or without, is this machine's own for itself.
func isLoopback(address string) bool {
	host := address
	if name, _, err := net.SplitHostPort(address); err == nil {
		host = name
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return ip != nil && ip.IsLoopback() || strings.EqualFold(host, "localhost")
}
