package web

import (
	"strings"
	"testing"
	"time"

	"portico/app/portal"
	"portico/realtime"
)

// Browsers are told how long without input they are to wait before they say so: what the operator set.
func TestHelloSaysWhenToBeIdle(t *testing.T) {
	h := newHouse(t, func(s *settings) { s.web.IdleAfter = 90 * time.Second })
	if got := h.signIn(alice).dial(protocolJSON, "").next("hello")["idle_after_ms"]; got != 90_000.0 {
		t.Errorf("hello says %v", got)
	}
	page := realtime.Audience{Encoding: realtime.HTML}
	if got := string(helloFrame(page, 7, portal.Me{URI: alice}, 90*time.Second)); !strings.Contains(got, ` data-idle-after-ms="90000"`) {
		t.Errorf("for pages: %s", got)
	}
	if got := string(helloFrame(page, 7, portal.Me{URI: alice}, 0)); strings.Contains(got, "idle") {
		t.Errorf("where nothing is set: %s", got)
	}
}

// The page keeps to it: two seconds without a key are enough here.
func pageIsIdleWhenTold(t *testing.T, c *chromium) {
	h := newHouse(t, func(s *settings) { s.web.IdleAfter = 2 * time.Second })
	a := c.visitor(h)
	a.signIn(alice, "/contacts")
	a.connected()
	a.until("inactive", `document.querySelector(".me .presence-word").textContent !== "Available"`)
	if got := h.presence.Own(alice); got.Activity != portal.Inactive {
		t.Errorf("the portal says %s %s", got.Availability, got.Activity)
	}
	// Two seconds later it is idle again, before a busy machine may have looked.
	a.eval(`new MutationObserver((_, seen) => {
	  if (document.querySelector(".me .presence-word").textContent === "Available") { document.body.dataset.back = "yes"; seen.disconnect(); }
	}).observe(document.body, { childList: true, subtree: true, characterData: true })`)
	a.alt("l")
	a.until("available again", `document.body.dataset.back === "yes"`)
}
