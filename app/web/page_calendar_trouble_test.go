package web

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"portico/app/portal"
)

// What goes wrong: Exchange away, changes refused, texts that mean harm.

// Exchange away: the page says so, keeps what is changed, and goes on when it is back; nothing is doubled.
func TestExchangeAway(t *testing.T) {
	h := newHouse(t, at(wednesday(t)), func(s *settings) { s.patience = 50 * time.Millisecond })
	a := h.viennese(alice, "en")
	h.mail.add(alice, h.lesson("Before", 9, time.Hour))
	a.shows(thisWeek, ".slots .event", 1)
	h.mail.pull(true)
	a.submit("/calendar/quick", "text", "Kept today 16:00", "here", thisWeek).leadsTo("/calendar?date=2026-11-25&view=workweek")
	doc := a.shows(thisWeek, `.slots .event[data-sync=pending]`, 1)
	if got := text(doc.Find(".slots .event[data-sync=pending]")); !strings.Contains(got, "waiting to be sent") {
		t.Errorf("it says %q", got)
	}
	doc = a.shows(thisWeek, `p[data-live=exchange]:contains("1 change waiting")`, 1)
	if got := text(doc.Find("p[data-live=exchange]")); !strings.HasPrefix(got, "Exchange has been away since") {
		t.Errorf("the banner: %q", got)
	}
	h.mail.pull(false)
	h.calendar.Rang(alice)
	a.shows(thisWeek, ".slots .event:not([data-sync])", 2)
	a.shows(thisWeek, "p[data-live=exchange][hidden]", 1)
	h.mail.mu.Lock()
	defer h.mail.mu.Unlock()
	if n := len(h.mail.boxes[alice].entries); n != 2 {
		t.Errorf("%d entries", n)
	}
}

func TestRefusedChange(t *testing.T) {
	h := newHouse(t, at(wednesday(t)), func(s *settings) { s.patience = 50 * time.Millisecond })
	a := h.viennese(alice, "en")
	a.shows(thisWeek, ".slots", 1)
	h.mail.pull(true)
	a.submit("/calendar/quick", "text", "Unwanted today 16:00", "here", thisWeek).leadsTo("/calendar?date=2026-11-25&view=workweek")
	h.mail.mu.Lock()
	h.mail.refuse, h.mail.down = portal.Fail(portal.ErrForbidden, "exchange.forbidden"), nil
	h.mail.mu.Unlock()
	h.calendar.Rang(alice)
	doc := a.shows(thisWeek, ".refused", 1)
	if got := text(doc.Find(".refused span").First()); !strings.HasPrefix(got, "Unwanted was not changed:") {
		t.Errorf("the page says %q", got)
	}
	retry := doc.Find(".refused form[action$='/retry']").AttrOr("action", "")
	a.submit(retry, "here", thisWeek).leadsTo(thisWeek)
	a.shows(thisWeek, ".slots .event:not([data-sync])", 1)
}

// HTML that a server keeps is harmless on the page.
func TestBodyIsClean(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	a := h.viennese(alice, "en")
	m := h.lesson("Hostile", 9, time.Hour)
	m.BodyHTML = `<html><head><style>body{display:none}</style></head><body onload="x()"><p style="position:fixed">Hello <b>Bob</b><script>alert(1)</script>` +
		`<img src="https://evil.test/x.gif"><a href="javascript:x()">a</a><a href="https://example.test/">b</a><form action="/signout"><input></form><iframe src="/"></iframe></p></body></html>`
	h.mail.add(alice, m)
	path := a.shows(thisWeek, ".slots .event", 1).Find(".slots .event").AttrOr("href", "")
	body := a.page(path, http.StatusOK).Find(".body")
	if got, err := body.Html(); err != nil || strings.Contains(got, "script") || strings.Contains(got, "style") || strings.Contains(got, "img") || strings.Contains(got, "onload") || strings.Contains(got, "form") || strings.Contains(got, "iframe") {
		t.Errorf("left over: %s %v", got, err)
	}
	if got := text(body); got != "Hello Bob a b" {
		t.Errorf("the text is %q", got)
	}
	if link := body.Find("a[href]"); link.Length() != 1 || !strings.Contains(link.AttrOr("rel", ""), "noopener") {
		t.Errorf("links: %d, rel %q", link.Length(), link.AttrOr("rel", ""))
	}
}
