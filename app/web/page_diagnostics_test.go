package web

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"portico/app/portal"
)

func TestTheConfigurationInformation(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	a := h.viennese(alice, "en")
	h.facts.with(func(f *fakeFacts) { f.facts = wellKnown(t) })
	h.rule(portal.DisablePresenceNote, portal.ScopePerson, string(alice), "on")
	doc := a.page("/diagnostics", http.StatusOK)
	for part, want := range map[string][]string{
		"person": {"sip:alice@example.test", "alice@example.test", "admin", "1.6.0", "Go-http-client"}, "sip": {"kamailio (5.6.3)", "digest", "503 Service Unavailable", "resource-lists, pres-rules", "registered"},
		"exchange": {"15.2.1118", "answers", "does not answer", "connection refused"}, "contacts": {"on the SIP server", "7"},
	} {
		text := strings.Join(strings.Fields(doc.Find("#facts-"+part).Parent().Text()), " ")
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("%s does not say %q: %s", part, w, text)
			}
		}
	}
	for part, rows := range map[string]int{"subscriptions": 4, "book": 1, "policies": 16} {
		if got := doc.Find("#facts-" + part).Parent().Find("tbody tr").Length(); got != rows {
			t.Errorf("%s: %d rows, want %d", part, got, rows)
		}
	}
	note := doc.Find("#facts-policies").Parent().Find("tbody tr").FilterFunction(func(_ int, tr *goquery.Selection) bool {
		return strings.HasPrefix(strings.TrimSpace(tr.Text()), portal.DisablePresenceNote)
	})
	if got := strings.Join(strings.Fields(note.Find("td").Text()), " "); got != "onSet for you" {
		t.Errorf("the policy is told as %q", got)
	}
	if doc.Find("noscript").Length() != 1 {
		t.Error("who has no script is not told what that means")
	}
	file := a.call(http.MethodGet, "/diagnostics.txt", nil, http.StatusOK)
	for _, line := range []string{"SIP address: sip:alice@example.test\n", "Server software: kamailio (5.6.3)\n", "Registered: 2026-11-25 ", "DisablePresenceNote | on | Set for you\n", "presence | carol@example.test | waits for consent | –\n"} {
		if !strings.Contains(string(file.body), line) {
			t.Errorf("the text has no %q:\n%s", line, file.body)
		}
	}
	if !strings.HasPrefix(file.header.Get("Content-Type"), "text/plain") {
		t.Error(file.header)
	}
}

// The page is for when things are broken: what cannot be told is missing, and the rest is there.
func TestDiagnosisWhereNothingIsKnown(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	h.facts.with(func(f *fakeFacts) { f.failing = errors.New("nobody knows") })
	doc := h.browse(bob).page("/diagnostics", http.StatusOK)
	if got := strings.TrimSpace(doc.Find("#facts-sip").Parent().Find("p").Text()); got != "There is no registration." {
		t.Errorf("the line: %q", got)
	}
	if doc.Find("#facts-contacts").Length() != 0 || doc.Find("#facts-policies").Length() != 1 {
		t.Error("other things are missing than cannot be told")
	}
}

func TestTheLogOfProblems(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	b := h.browse(bob)
	if got := b.page("/diagnostics", http.StatusOK).Find("#incidents-pane .empty p").Text(); got != "No problems." {
		t.Errorf("an empty log says %q", got)
	}
	h.incident(portal.Incident{Who: bob, Part: portal.PartSIP, Cause: "line.down", Detail: "dial tcp 192.0.2.1:5060: connection refused"})
	h.incident(portal.Incident{Who: bob, Part: portal.PartSIP, Good: true, Cause: "line.up"})
	h.incident(portal.Incident{Who: carol, Part: portal.PartSignin, Cause: "signin.wrong"})
	lines := b.page("/diagnostics", http.StatusOK).Find(".incidents li")
	if lines.Length() != 2 {
		t.Fatalf("%d lines: %s", lines.Length(), lines.Text())
	}
	good, bad := lines.First(), lines.Last()
	if got := good.Find(".state-mark").Text(); got != "The SIP server answers again." || good.Find(".cure").Length() != 0 {
		t.Errorf("the end of a problem: %q", got)
	}
	if got := bad.Find(".state-mark").Text(); got != "The SIP server cannot be reached." || !strings.Contains(bad.Find(".cure").Text(), "Messages wait") || bad.Find("details code").Text() != "dial tcp 192.0.2.1:5060: connection refused" {
		t.Errorf("a problem: %s", bad.Text())
	}
	for i := range pageOfIncidents {
		h.incident(portal.Incident{Who: bob, Part: portal.PartExchange, Cause: "exchange.down", Detail: fmt.Sprint(i)})
	}
	older := b.page("/diagnostics", http.StatusOK).Find(`#incidents-pane a.button`)
	path, _, _ := strings.Cut(older.AttrOr("href", ""), "#")
	if got := b.page(path, http.StatusOK).Find(".incidents li").Length(); older.Length() != 1 || got != 2 {
		t.Errorf("%d older lines", got)
	}
	b.page("/diagnostics?before=x", http.StatusBadRequest)
}

func TestTheTraceByForm(t *testing.T) {
	h := newHouse(t)
	a, b := h.browse(alice), h.browse(bob)
	if doc := b.page("/diagnostics", http.StatusOK); doc.Find("#trace-minutes option").Length() != 3 || !strings.Contains(doc.Find("section[aria-labelledby=trace]").Text(), "Passwords and other secrets are removed, and the texts of messages and the presence of others are not in it.") {
		t.Error("the trace cannot be switched on, or does not say what is in it")
	}
	if h.facts.said(bob, portal.Traffic{}) {
		t.Fatal("somebody is traced who did not switch it on")
	}
	b.submit("/diagnostics/trace", "do", "start", "minutes", "15").leadsTo("/diagnostics?done=start#trace")
	if got := b.page("/diagnostics", http.StatusOK).Find("#trace-pane").AttrOr("data-every", ""); got != "3000" {
		t.Errorf("it is read again every %q", got)
	}
	for i := range shownTraffic + 2 {
		h.facts.said(bob, portal.Traffic{At: wednesday(t), Protocol: "sip", Sent: i%2 == 0, Peer: "127.0.0.1:5060", Text: fmt.Sprintf("OPTIONS sip:%d SIP/2.0\r\nAuthorization: Digest response=\"x\"\r\n\r\n", i)})
	}
	doc := b.page("/diagnostics", http.StatusOK)
	if got := doc.Find(".traffic li"); got.Length() != shownTraffic || got.First().Find(".first").Text() != fmt.Sprintf("OPTIONS sip:%d SIP/2.0", shownTraffic+1) {
		t.Errorf("%d messages, the first %q", got.Length(), got.First().Find(".first").Text())
	}
	if got := doc.Find("#trace-pane .tools .muted").Text(); got != "2 older messages are only in the file." {
		t.Errorf("what is left out: %q", got)
	}
	if got := a.page("/diagnostics", http.StatusOK).Find(".traffic").Length(); got != 0 {
		t.Error("an administrator sees somebody's trace")
	}
	b.submit("/diagnostics/trace", "do", "stop").leadsTo("/diagnostics?done=stop#trace")
	file := string(b.call(http.MethodGet, "/diagnostics/trace.txt", nil, http.StatusOK).body)
	if strings.Count(file, "OPTIONS sip:") != shownTraffic+2 || strings.Contains(file, `response="x"`) {
		t.Errorf("the file: %s", file)
	}
	b.submit("/diagnostics/trace", "do", "forget").leads(b, http.StatusOK).says(http.StatusOK, "The trace is forgotten.")
	if got := b.page("/diagnostics", http.StatusOK).Find(".traffic").Length(); got != 0 {
		t.Error("what was forgotten is there")
	}
	b.submit("/diagnostics/trace", "do", "start", "minutes", "6").says(http.StatusBadRequest, "5, 15 or 30 minutes")
	b.submit("/diagnostics/trace", "do", "explode").says(http.StatusBadRequest, "not one of the things")
	b.page("/diagnostics/trace", http.StatusOK)
}
