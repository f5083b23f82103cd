package web

import (
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"portico/app/portal"
)

func TestHistoryByAPI(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	h.talked()
	a := h.signIn(alice)
	var page historyJSON
	a.call("GET", "/api/v1/history?limit=2", nil, 200).into(&page)
	if len(page.Episodes) != 2 || page.Next == "" {
		t.Fatalf("page %+v", page)
	}
	seen := 0
	for next := page.Next; next != ""; next = page.Next {
		page = historyJSON{}
		a.call("GET", "/api/v1/history?limit=2&cursor="+url.QueryEscape(next), nil, 200).into(&page)
		seen += len(page.Episodes)
	}
	if seen != 3 {
		t.Errorf("%d conversations on further pages", seen)
	}
	page = historyJSON{}
	a.call("GET", "/api/v1/history?q=offer+day", nil, 200).into(&page)
	if len(page.Hits) != 3 || len(page.Hits[0].Parts) == 0 || page.Hits[0].Conversation != bob {
		t.Errorf("hits %+v", page.Hits)
	}
	var opened transcriptJSON
	a.call("GET", "/api/v1/history/"+url.PathEscape(page.Hits[0].Episode), nil, 200).into(&opened)
	if len(opened.Lines) != 2 || opened.Lines[0].Text != "about the offer, day 2" {
		t.Errorf("transcript %+v", opened)
	}
	var days []dayJSON
	from := wednesday(t).AddDate(0, 0, -5).Format(time.DateOnly)
	a.call("GET", "/api/v1/history/days?from="+from+"&to="+wednesday(t).Format(time.DateOnly), nil, 200).into(&days)
	if len(days) != 3 || days[0].Messages != 3 {
		t.Errorf("days %+v", days)
	}
	a.call("DELETE", "/api/v1/history/"+url.PathEscape(page.Hits[0].Episode), nil, 204)
	a.call("DELETE", "/api/v1/history/"+url.PathEscape(page.Hits[0].Episode), nil, 404).problem("history.not-found")
	for _, format := range []string{"text", "html", "json"} {
		if got := a.call("GET", "/api/v1/history/export?format="+format, nil, 200); !strings.Contains(string(got.body), "invoice") {
			t.Errorf("%s: %s", format, got.body)
		}
	}
	for _, bad := range []string{"?from=x", "?kind=fax", "?limit=0", "?peer=nobody+at+all", "/days?from=2026-11-01", "/export?format=pdf"} {
		a.call("GET", "/api/v1/history"+bad, nil, 400)
	}
	h.signIn(bob).call("GET", "/api/v1/history/"+url.PathEscape(opened.ID), nil, 404)
}

func TestForeignItemByAPI(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	h.talked()
	a := h.signIn(alice)
	var page historyJSON
	a.call("GET", "/api/v1/history?kind=exchange", nil, 200).into(&page)
	if len(page.Episodes) != 1 || page.Episodes[0].Kind != portal.EpisodeForeign {
		t.Fatalf("%+v", page)
	}
	var opened transcriptJSON
	a.call("GET", "/api/v1/history/"+url.PathEscape(page.Episodes[0].ID), nil, 200).into(&opened)
	if !strings.Contains(opened.HTML, "<b>Alice</b>") || strings.Contains(opened.HTML, "script") || strings.Contains(opened.HTML, "img") {
		t.Errorf("html %q", opened.HTML)
	}
	h.notes.setAway(true)
	page = historyJSON{}
	a.call("GET", "/api/v1/history", nil, 200).into(&page)
	if !page.Away || len(page.Episodes) != 4 {
		t.Errorf("away: %+v", page)
	}
}

func TestCallsByAPI(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	h.missed()
	a := h.signIn(alice)
	var list struct {
		Calls  []portal.Call `json:"calls"`
		Unseen int           `json:"unseen"`
		Next   string        `json:"next"`
	}
	a.call("GET", "/api/v1/calls?limit=3", nil, 200).into(&list)
	if len(list.Calls) != 3 || list.Unseen != 3 || list.Next == "" || list.Calls[0].Kind != portal.TakenElsewhere {
		t.Errorf("calls %+v", list)
	}
	a.call("POST", "/api/v1/calls/seen", map[string][]string{"ids": {"call-1"}}, 204)
	a.call("GET", "/api/v1/calls", nil, 200).into(&list)
	if list.Unseen != 2 {
		t.Errorf("%d unseen", list.Unseen)
	}
	a.call("POST", "/api/v1/calls/seen", nil, 204)
	a.call("GET", "/api/v1/calls", nil, 200).into(&list)
	if list.Unseen != 0 {
		t.Errorf("%d unseen after all", list.Unseen)
	}
	a.call("DELETE", "/api/v1/calls/call-1", nil, 204)
	a.call("DELETE", "/api/v1/calls/call-1", nil, 404)
	a.call("GET", "/api/v1/calls?limit=0", nil, 400)

	var mail struct {
		Voicemail []portal.Voicemail `json:"voicemail"`
		Waiting   portal.Waiting     `json:"waiting"`
	}
	a.call("GET", "/api/v1/voicemail", nil, 200).into(&mail)
	if len(mail.Voicemail) != 3 {
		t.Errorf("voice mail %+v", mail)
	}
	a.call("PUT", "/api/v1/voicemail/vm-2", map[string]bool{"heard": false}, 204)
	a.call("PUT", "/api/v1/voicemail/vm-2", `{}`, 400)
	a.call("DELETE", "/api/v1/voicemail/vm%2F1", nil, 204)
	a.call("DELETE", "/api/v1/voicemail/vm%2F1", nil, 404)
	a.call("GET", "/api/v1/voicemail", nil, 200).into(&mail)
	if len(mail.Voicemail) != 2 || mail.Voicemail[0].ID != "vm-2" || mail.Voicemail[0].Heard {
		t.Errorf("voice mail %+v", mail)
	}
}

// What administrators do with the archive: by page and by API, refused to all others, recorded and logged.
func TestTheArchiveIsAdministered(t *testing.T) {
	log := new(buffer)
	h := newHouse(t, at(wednesday(t)), func(s *settings) {
		s.web.Retention, s.logger = 90*24*time.Hour, slog.New(slog.NewTextHandler(log, nil))
	})
	h.talked()
	a, admin := h.signIn(alice), h.browse(alice)
	h.signIn(bob).call("GET", "/api/v1/admin/history", nil, 403)
	h.browse(bob).page("/admin/history", http.StatusForbidden)

	doc := admin.page("/admin/history", http.StatusOK)
	if text := squeezed(doc.Find(".cards").Text()); !strings.Contains(text, "kept for 90 days") || !strings.Contains(text, "kept for ever") {
		t.Errorf("retention: %s", text)
	}
	held := admin.post("/admin/history/hold", url.Values{"uri": {"bob@example.test"}, "reason": {"case 12"}}, http.StatusOK)
	if !strings.Contains(string(held.body), "Bob Brown is on hold") {
		t.Errorf("%s", held.body)
	}
	refused := admin.post("/admin/history/hold", url.Values{"uri": {"bob@example.test"}, "reason": {" "}}, http.StatusBadRequest)
	if !strings.Contains(string(refused.body), "A reason is needed") || !strings.Contains(string(refused.body), `value="bob@example.test"`) {
		t.Errorf("%s", refused.body)
	}
	a.call("PUT", "/api/v1/admin/history/holds/"+carol.Path(), map[string]string{"reason": "case 13"}, 204)
	a.call("PUT", "/api/v1/admin/history/holds/"+carol.Path(), map[string]string{"reason": ""}, 400)
	file := a.call("POST", "/api/v1/admin/history/export", map[string]string{"uri": string(alice), "format": "text", "reason": "case 14"}, 200)
	if !strings.Contains(string(file.body), "the invoice is paid") {
		t.Errorf("export: %s", file.body)
	}
	byForm := admin.post("/admin/history/export", url.Values{"uri": {"alice@example.test"}, "format": {"html"}, "reason": {"case 15"}, "from": {"2026-11-01"}, "to": {"2026-11-30"}}, http.StatusOK)
	if !strings.Contains(byForm.header.Get("Content-Disposition"), "history-alice-") || !strings.Contains(string(byForm.body), "invoice") {
		t.Errorf("export by form: %v", byForm.header)
	}
	admin.post("/admin/history/export", url.Values{"uri": {"alice@example.test"}}, http.StatusBadRequest)
	a.call("DELETE", "/api/v1/admin/history/holds/"+carol.Path()+"?reason=closed", nil, 204)
	a.call("DELETE", "/api/v1/admin/history/holds/"+carol.Path()+"?reason=closed", nil, 404)
	admin.post("/admin/history/release", url.Values{"uri": {string(bob)}, "reason": {"closed"}}, http.StatusOK)
	var archive archiveJSON
	a.call("GET", "/api/v1/admin/history", nil, 200).into(&archive)
	if len(archive.Holds) != 0 || len(archive.Record) != 6 || archive.Retention != 90*86400 {
		t.Errorf("archive %+v", archive)
	}
	text := squeezed(admin.page("/admin/history", http.StatusOK).Find("#record-title ~ div").Text())
	for _, want := range []string{"case 12", "case 14", "case 15", "hold lifted", "exported", "1 Nov to 30 Nov", "closed"} {
		if !strings.Contains(text, want) {
			t.Errorf("the record lacks %q: %s", want, text)
		}
	}
	for _, want := range []string{"legal hold", "legal hold lifted", "archive exported", "legal hold refused"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %q", want)
		}
	}
	if strings.Contains(log.String(), "case 14") {
		t.Error("a reason is in the log")
	}
}

func TestKeepingIsChosenOrDecided(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	a, b := h.signIn(alice), h.browse(alice)
	doc := b.page("/settings", http.StatusOK)
	if doc.Find(`[name=keep_history][checked]`).Length() != 1 || doc.Find(`[name=keep_calls][disabled]`).Length() != 0 {
		t.Error("what holds is not shown")
	}
	b.post("/settings", url.Values{"keeping": {"1"}, "keep_calls": {"on"}, "preferred_client": {"other"}}, http.StatusSeeOther)
	set, err := h.account.Settings(t.Context(), alice)
	if err != nil || set.KeepHistory == nil || *set.KeepHistory || set.KeepCalls == nil || !*set.KeepCalls || set.PreferredClient != portal.OtherClient {
		t.Errorf("settings %+v, %v", set, err)
	}
	h.saving.set(portal.Saving{History: true, HistoryDecided: true, Calls: true})
	doc = b.page("/settings", http.StatusOK)
	if doc.Find(`[name=keep_history][checked][disabled]`).Length() != 1 || !strings.Contains(doc.Find("#keep_history-decided").Text(), "switched this on") {
		t.Error("what is decided can be changed")
	}
	b.post("/settings", url.Values{"keeping": {"1"}, "keep_history": {"on"}}, http.StatusSeeOther)
	if set, err = h.account.Settings(t.Context(), alice); err != nil || *set.KeepHistory || *set.KeepCalls {
		t.Errorf("settings %+v, %v", set, err)
	}
	a.call("PUT", "/api/v1/me/settings", map[string]bool{"keep_history": true}, 403).problem("settings.decided")
	a.call("PUT", "/api/v1/me/settings", map[string]bool{"keep_calls": true}, 200)
	a.call("PUT", "/api/v1/me/settings", map[string]string{"preferred_client": "fax"}, 400)
}
