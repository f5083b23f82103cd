package web

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"portico/app/calendar"
	"portico/views"
)

// Files: attachments, iCalendar in and out, the private address.

func TestFilesOfAnAppointment(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	a := h.viennese(alice, "en")
	h.mail.add(alice, h.lesson("With a file", 9, time.Hour))
	path := a.shows(thisWeek, ".slots .event", 1).Find(".slots .event").AttrOr("href", "")
	if got := a.upload(path+"/attachments", `C:\tmp\plan <1>.html`, []byte("<script>alert(1)</script>")); got.status != http.StatusSeeOther {
		t.Fatalf("upload: %d %s", got.status, got.body)
	}
	doc := a.shows(path, ".files li", 1)
	file := doc.Find(".files li a").AttrOr("href", "")
	got := a.call(http.MethodGet, file, nil, http.StatusOK)
	if string(got.body) != "<script>alert(1)</script>" || got.header.Get("Content-Type") != "application/octet-stream" || !strings.HasPrefix(got.header.Get("Content-Disposition"), "attachment") {
		t.Errorf("download: %v %s", got.header, got.body)
	}
	a.submit(file + "/remove").leadsTo(path + "?saved=saved")
	a.shows(path, ".files li", 0)
	got = a.upload(path+"/attachments", "big", make([]byte, calendar.MaxAttachment+1))
	if page := document(t, got); got.status != http.StatusRequestEntityTooLarge || text(page.Find("#problem")) != "The file is larger than 10 MB." || text(page.Find("main h1")) != "With a file" {
		t.Errorf("a file that is too large: %d %s", got.status, text(page.Find("body")))
	}
	if got := a.upload(path+"/attachments", "huge", make([]byte, calendar.MaxAttachment+2*uploadExtra)); got.status != http.StatusRequestEntityTooLarge {
		t.Errorf("more than a request may have: %d", got.status)
	}
	if views.MaxFile != calendar.MaxAttachment || views.MaxImport != calendar.MaxImport {
		t.Error("pages let one choose other files than the calendar takes")
	}
	a.submit(path+"/attachments").says(http.StatusBadRequest, "did not arrive as a form")
}

func TestICalendarInAndOut(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	a := h.viennese(alice, "en")
	h.mail.add(alice, h.lesson("Exported", 9, time.Hour))
	path := a.shows(thisWeek, ".slots .event", 1).Find(".slots .event").AttrOr("href", "")
	one := a.call(http.MethodGet, path+"/export.ics", nil, http.StatusOK)
	all := a.call(http.MethodGet, "/calendar/export.ics?from=2026-11-23&to=2026-11-28", nil, http.StatusOK)
	for _, got := range []*reply{one, all} {
		if !strings.Contains(string(got.body), "SUMMARY:Exported") || !strings.HasPrefix(got.header.Get("Content-Type"), "text/calendar") {
			t.Errorf("%v %s", got.header, got.body)
		}
	}
	a.call(http.MethodGet, "/calendar/export.ics?from=2026-11-23&to=2036-11-28", nil, http.StatusBadRequest)
	other := strings.ReplaceAll(string(one.body), "Exported", "Imported")
	other = strings.Replace(other, "UID:", "UID:other-", 1)
	done := a.upload("/calendar/import", "x.ics", []byte(other))
	if done.status != http.StatusOK || text(document(t, done).Find(".banner.ok")) != "1 appointment was added." {
		t.Errorf("import: %d %s", done.status, done.body)
	}
	a.shows(thisWeek, ".slots .event", 2)
	a.upload("/calendar/import", "x.ics", []byte("nonsense")).says(http.StatusBadRequest, `class="banner error"`)
}

func TestPrivateAddress(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	a := h.viennese(alice, "en")
	h.mail.add(alice, h.lesson("Subscribed", 9, time.Hour))
	a.shows(thisWeek, ".slots .event", 1)
	address := document(t, a.submit("/calendar/link")).Find("#address").AttrOr("value", "")
	path := strings.TrimPrefix(address, h.url)
	got := h.guest().call(http.MethodGet, path, nil, http.StatusOK)
	if !strings.Contains(string(got.body), "SUMMARY:Subscribed") || got.header.Get("Cache-Control") != "no-store" {
		t.Errorf("%v %s", got.header, got.body)
	}
	if strings.Contains(string(a.call(http.MethodGet, "/calendar/link", nil, http.StatusOK).body), path) {
		t.Error("the address is shown a second time")
	}
	unknown := h.guest().call(http.MethodGet, "/calendar/subscribe/"+strings.Repeat("x", 43)+".ics", nil, http.StatusNotFound)
	a.submit("/calendar/link/revoke").leadsTo("/calendar/link")
	revoked := h.guest().call(http.MethodGet, path, nil, http.StatusNotFound)
	strip := func(r *reply) string { return strings.ReplaceAll(string(r.body), r.header.Get("X-Request-Id"), "") }
	if strip(unknown) != strip(revoked) {
		t.Error("a revoked address is answered otherwise than one that never was")
	}
	for range subscribeBurst + 5 {
		if got = h.guest().send(http.MethodGet, path, nil); got.status == http.StatusTooManyRequests {
			break
		}
	}
	if got.status != http.StatusTooManyRequests || got.header.Get("Retry-After") == "" {
		t.Errorf("asked far too often: %d", got.status)
	}
}

// TestGuessesOfPrivateAddresses: who guesses is held up; those who know an address, behind the same one, are not.
func TestGuessesOfPrivateAddresses(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	a := h.viennese(alice, "en")
	path := strings.TrimPrefix(document(t, a.submit("/calendar/link")).Find("#address").AttrOr("value", ""), h.url)
	for i := range subscribeBurst {
		h.guest().call(http.MethodGet, fmt.Sprintf("/calendar/subscribe/guess-of-somebody-%04d.ics", i), nil, http.StatusNotFound)
	}
	h.guest().call(http.MethodGet, "/calendar/subscribe/guess-of-somebody-more.ics", nil, http.StatusTooManyRequests)
	h.guest().call(http.MethodGet, "/calendar/subscribe/short.ics", nil, http.StatusTooManyRequests)
	got := h.guest().call(http.MethodGet, path, nil, http.StatusOK)
	if kind := got.header.Get("Content-Type"); kind != calendarType {
		t.Errorf("a calendar is %q", kind)
	}
}
