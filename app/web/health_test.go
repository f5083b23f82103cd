package web

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
)

func TestHealth(t *testing.T) {
	var broken atomic.Bool
	h := newHouse(t, func(s *settings) {
		s.ready = []Probe{
			{"storage", func(context.Context) error { return nil }},
			{"sip", func(context.Context) error {
				if broken.Load() {
					return errors.New("secret address refused the connection")
				}
				return nil
			}},
		}
	})
	h.guest().call("GET", "/healthz", nil, 200)
	h.guest().call("HEAD", "/healthz", nil, 200)
	var answer readiness
	h.guest().call("GET", "/readyz", nil, 200).into(&answer)
	if answer.Status != "ready" || answer.Checks["sip"] != "ok" || answer.Checks["storage"] != "ok" {
		t.Errorf("%+v", answer)
	}
	broken.Store(true)
	got := h.guest().call("GET", "/readyz", nil, 503)
	got.into(&answer)
	if answer.Status != "unavailable" || answer.Checks["sip"] != "failing" || answer.Checks["storage"] != "ok" {
		t.Errorf("%+v", answer)
	}
	if strings.Contains(string(got.body), "secret") {
		t.Errorf("shows %s", got.body)
	}
	h.guest().call("GET", "/healthz", nil, 200)
	broken.Store(false)
	h.server.Drain()
	h.guest().call("GET", "/readyz", nil, 503).into(&answer)
	if answer.Status != "draining" {
		t.Errorf("%+v", answer)
	}
}

func TestMetrics(t *testing.T) {
	h := newHouse(t)
	a := h.signIn(alice)
	a.dial(protocolJSON, "").next("hello")
	h.guest().send("POST", "/api/v1/session", map[string]string{"sip": "alice@example.test", "password": "wrong"})
	a.call("GET", "/api/v1/presence/"+bob.Path(), nil, 200)
	h.guest().call("BREW", "/api/v1/me", nil, 405)
	var text string
	// An answer may be read before it is counted.
	for _, want := range []string{
		`portico_http_requests_total{method="other"`,
		"portico_live_connections 1",
		`portico_signins_total{result="ok"} 1`,
		`portico_signins_total{result="unauthenticated"} 1`,
		`portico_http_requests_total{method="GET",route="/api/v1/presence/:uri",status="200"} 1`,
		"portico_http_request_seconds_bucket",
		`portico_live_events_total{event="presence"}`,
	} {
		eventually(t, want+" is there", func() bool {
			text = string(h.guest().call("GET", "/metrics", nil, 200).body)
			return strings.Contains(text, want)
		})
	}
	if strings.Contains(text, "bob") || strings.Contains(text, "BREW") {
		t.Error("people or whatever was sent are labels")
	}
	for name, value := range map[string]string{"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https", "X-Real-IP": "203.0.113.7", "Via": "1.1 gate", "Forwarded": "for=203.0.113.7",
		"Host": "portal.example.test"} { // whoever comes through a proxy, or by a page whose name was made to lead here
		h.guest().with(name, value).call("GET", "/metrics", nil, 403)
	}
	for _, host := range []string{"localhost", "localhost:8080", "[::1]:8080", "127.0.0.2"} {
		h.guest().with("Host", host).call("GET", "/metrics", nil, 200)
	}
}

// Where a proxy stands on this machine, nobody can tell who asks.
func TestMetricsBesideAProxy(t *testing.T) {
	h := newHouse(t, func(s *settings) { s.web.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} })
	h.guest().call("GET", "/metrics", nil, 403)
}

func TestMetricsWithASecret(t *testing.T) {
	h := newHouse(t, func(s *settings) { s.web.MetricsSecret = "open sesame" })
	h.guest().call("GET", "/metrics", nil, 401)
	h.guest().with("Authorization", "Bearer wrong").call("GET", "/metrics", nil, 401)
	h.guest().with("Authorization", "Bearer open sesame").with("X-Forwarded-For", "203.0.113.7").call("GET", "/metrics", nil, 200)
}
