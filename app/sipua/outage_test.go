package sipua_test

// A registrar that is away while the connection to the proxy stands.

import (
	"strings"
	"sync/atomic"
	"testing"

	"portico/app/portal"
)

func TestRegistrarAwayOnAStandingConnection(t *testing.T) {
	var away atomic.Bool
	f := newFake(t, func(c *fakeConn, p packet) bool {
		switch {
		case p.method() != "REGISTER":
			return false
		case away.Load():
			c.answer(p, 503)
		default:
			contact, _, _ := strings.Cut(p.get("Contact"), ";expires=")
			c.answer(p, 200, "Contact: "+contact+";expires=2")
		}
		return true
	})
	h := newHouse()
	a := start(t, f.config(), h)
	signIn(t, a, alice)
	a.Watch(alice, []portal.Address{bob})
	ofBob := [2]portal.Address{alice, bob}
	h.await(t, "a word on bob", func() bool { return h.heard[ofBob] > 0 })
	away.Store(true)
	h.await(t, "the line to be down", func() bool { return strings.HasPrefix(last(h.edges[alice]), "down") })
	h.mu.Lock()
	before := h.heard[ofBob] // the house has forgotten it with the line
	h.mu.Unlock()
	away.Store(false)
	h.await(t, "a word on bob again", func() bool { return last(h.edges[alice]) == "up" && h.heard[ofBob] > before })
}
