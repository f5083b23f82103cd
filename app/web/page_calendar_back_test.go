package web

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// The way back from a form leads to the view that one came from, with the saved appointment's day in it.

func TestSavingLeadsBackToTheViewOneCameFrom(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	a := h.viennese(alice, "en")
	for _, c := range []struct{ from, day, back, saved string }{
		{"/calendar?view=month&date=2026-11-25", "2026-12-03", "", "/calendar?date=2026-12-03&view=month"},
		{"/calendar?view=day&date=2026-11-25&hours=all", "2026-11-26", "", "/calendar?date=2026-11-26&hours=all&view=day"},
		{"/calendar?view=workweek&date=2026-11-25", "2026-11-28", "", "/calendar?date=2026-11-28&view=week"}, // a Saturday
		{"/calendar?view=workweek&date=2026-11-25", "2026-11-27", "", "/calendar?date=2026-11-27&view=workweek"},
		{"/calendar?view=agenda&date=2026-11-25", "2026-12-03", "", "/calendar?view=agenda&date=2026-11-25"}, // it is on that page
		{"/calendar?view=agenda&date=2026-11-25", "2027-02-03", "", "/calendar?date=2027-02-03&view=agenda"},
		{"/contacts", "2026-11-29", "/calendar?date=2026-11-25", "/calendar?date=2026-11-29&view=week"},
	} {
		doc := document(t, a.with("Referer", h.url+c.from).call(http.MethodGet, "/calendar/new?at=20261125T090000Z", nil, http.StatusOK))
		back := doc.Find("main header .icon-button").AttrOr("href", "")
		if want := map[bool]string{true: c.from, false: c.back}[c.back == ""]; back != want || doc.Find("[name=back]").AttrOr("value", "") != want {
			t.Errorf("from %s the way back is %q", c.from, back)
		}
		a.submit("/calendar", fields(doc, "subject", "On "+c.day, "start_date", c.day, "end_date", c.day)...).leadsTo(c.saved)
	}
}

// A page that is not the calendar's does not know where one came from; the browser remembers which view was open.
func TestTheLastViewIsRemembered(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	a := h.viennese(alice, "en")
	h.mail.add(alice, h.lesson("Lesson", 9, time.Hour))
	path := a.shows(thisWeek, ".slots .event", 1).Find(".slots .event").AttrOr("href", "")
	opened := a.call(http.MethodGet, "/calendar?view=month&date=2026-11-25", nil, http.StatusOK)
	var set *http.Cookie
	for _, cookie := range opened.cookie {
		if cookie.Name == viewCookie {
			set = cookie
		}
	}
	if set == nil || set.Value != "month" || !set.HttpOnly || set.SameSite != http.SameSiteLaxMode {
		t.Fatalf("the view is not remembered: %+v", opened.cookie)
	}
	back := func(c caller) string {
		return c.page(path, http.StatusOK).Find("main header .icon-button").AttrOr("href", "")
	}
	remembers := a.with("Cookie", a.header["Cookie"]+"; "+viewCookie+"="+set.Value)
	if got := back(remembers); got != "/calendar?date=2026-11-25&view=month" {
		t.Errorf("after an edit the way back is %q", got)
	}
	if got := remembers.call(http.MethodGet, "/calendar?view=month&date=2026-11-25", nil, http.StatusOK).header.Values("Set-Cookie"); strings.Contains(strings.Join(got, " "), viewCookie) {
		t.Errorf("what is known is said again: %q", got)
	}
	if got := back(a.with("Cookie", a.header["Cookie"]+"; "+viewCookie+"=//evil.test")); got != "/calendar?date=2026-11-25" {
		t.Errorf("a cookie that means harm leads to %q", got)
	}
	if got := back(a.with("Referer", h.url+"/calendar?view=agenda&date=2026-11-20")); got != "/calendar?view=agenda&date=2026-11-20" {
		t.Errorf("from the agenda the way back is %q", got)
	}
	if got := back(a.with("Referer", "https://evil.test/calendar?view=agenda")); got != "/calendar?date=2026-11-25" {
		t.Errorf("from elsewhere the way back is %q", got)
	}
	doc := a.page(path, http.StatusOK)
	version := doc.Find("form[action$='/delete'] [name=version]").AttrOr("value", "")
	remembers.submit(path+"/delete", "version", version).leadsTo("/calendar?date=2026-11-25&view=month")
}

// Times of day are written alike everywhere: with twelve hours for those whose browser says that they do so.
func TestHoursOfTheDayAreWrittenAlike(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	h.browse(alice)
	for locale, layout := range map[string]string{"en-US": "3:04 PM", "en-GB": "15:04", "de": "15:04"} {
		r := openIn(t, h, h.viennese(alice, locale), chatWith(bob))
		r.becomes("a message", "read in "+locale, "", func() { h.hear(bob, locale, "read in "+locale, wednesday(t)) })
		said := r.doc.Find(".msg:contains('read in " + locale + "') time").First()
		at, err := time.Parse(time.RFC3339, said.AttrOr("datetime", ""))
		if err != nil || said.Text() != at.Format(layout) {
			t.Errorf("%s: %q, %v", locale, said.Text(), err)
		}
	}
}
