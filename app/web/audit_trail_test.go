package web

import (
	"encoding/csv"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"portico/app/portal"
)

// trail waits until the trail has a line that fits, and gives the newest such.
func (h *house) trail(what string, fits func(l portal.Audited) bool) portal.Audited {
	h.t.Helper()
	var found portal.Audited
	eventually(h.t, "in the trail: "+what, func() bool {
		lines, err := h.audit.Search(h.t.Context(), portal.AuditQuery{Limit: 1000})
		h.must(err)
		i := slices.IndexFunc(lines, fits)
		if i >= 0 {
			found = lines[i]
		}
		return i >= 0
	})
	return found
}

// What people and administrators do stands in the trail, with who, what, about whom, from where and how it ended.
func TestActsStandInTheTrail(t *testing.T) {
	h := newHouse(t)
	a, b := h.signIn(alice), h.signIn(bob)
	h.guest().send("POST", "/api/v1/session", map[string]string{"sip": "bob", "password": "wrong one"})
	a.call("PUT", "/api/v1/admin/policies/rules/DisableIM", map[string]any{"scope": map[string]string{"kind": "person", "who": "bob@example.test"}, "value": "on"}, 204)
	a.call("POST", "/api/v1/admin/origins", map[string]string{"origin": "https://intranet.example.test"}, 204)
	a.call("GET", "/api/v1/diagnostics/events?who=bob@example.test", nil, 200)
	a.call("GET", "/api/v1/admin/sync/queue.xml", nil, 200)
	b.call("POST", "/api/v1/diagnostics/trace", map[string]int{"minutes": 5}, 200)
	b.call("GET", "/api/v1/admin/policies", nil, 403)
	b.call("POST", "/api/v1/me/calendar-link", nil, 201)
	a.call("DELETE", "/api/v1/admin/sessions/bob@example.test", nil, 204)
	b.call("GET", "/api/v1/me", nil, 401)

	for _, want := range []portal.Audited{
		{Kind: portal.AuditSignin, By: alice, Result: portal.AuditDone},
		{Kind: portal.AuditSignin, By: bob, Result: "signin.wrong"},
		{Kind: portal.AuditPolicy, By: alice, About: bob, Subject: portal.DisableIM, Detail: "person: on", Result: portal.AuditDone},
		{Kind: portal.AuditOrigin, By: alice, Subject: "https://intranet.example.test", Detail: "allow", Result: portal.AuditDone},
		{Kind: portal.AuditIncidentsRead, By: alice, About: bob, Result: portal.AuditDone},
		{Kind: portal.AuditQueueFile, By: alice, Subject: "download", Result: portal.AuditDone},
		{Kind: portal.AuditTrace, By: bob, Subject: "on", Detail: "5 min", Result: portal.AuditDone},
		{Kind: portal.AuditForbidden, By: bob, Subject: "GET /api/v1/admin/policies", Result: "forbidden"},
		{Kind: portal.AuditCalendarLink, By: bob, Subject: "made", Result: portal.AuditDone},
		{Kind: portal.AuditSessionEnded, By: alice, About: bob, Detail: "by an administrator", Result: portal.AuditDone},
	} {
		got := h.trail(want.Kind+" of "+string(want.By)+" "+want.Subject, func(l portal.Audited) bool {
			return l.Kind == want.Kind && l.By == want.By && l.About == want.About && l.Subject == want.Subject && l.Detail == want.Detail && l.Result == want.Result
		})
		if got.Remote != "127.0.0.1" || got.Request == "" || got.At.IsZero() || got.Agent == "" {
			t.Errorf("%+v", got)
		}
	}
}

// Administrators search the trail and take it away, which stands in it; nobody else does.
func TestTheTrailIsRead(t *testing.T) {
	h := newHouse(t)
	a, b := h.signIn(alice), h.signIn(bob)
	a.call("POST", "/api/v1/admin/origins", map[string]string{"origin": "https://one.example.test"}, 204)
	h.trail("the origin", func(l portal.Audited) bool { return l.Kind == portal.AuditOrigin })
	h.must(h.store.AddAudited(t.Context(), portal.Audited{Kind: portal.AuditPolicyGroup, By: carol, Subject: "=1+1", Result: "policy.group-name", At: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}))

	var lines []portal.Audited
	a.call("GET", "/api/v1/admin/audit?kind=origin", nil, 200).into(&lines)
	if len(lines) != 1 || lines[0].Subject != "https://one.example.test" {
		t.Errorf("%+v", lines)
	}
	a.call("GET", "/api/v1/admin/audit?who=Carol", nil, 200).into(&lines)
	if len(lines) != 1 || lines[0].By != carol {
		t.Errorf("of carol: %+v", lines)
	}
	h.trail("that it was read", func(l portal.Audited) bool {
		return l.Kind == portal.AuditTrailRead && l.By == alice && l.About == carol
	})
	a.call("GET", "/api/v1/admin/audit?result=refused&from=2026-03-01&to=2026-03-01", nil, 200).into(&lines)
	if len(lines) != 1 || lines[0].Result != "policy.group-name" {
		t.Errorf("refused on a day: %+v", lines)
	}
	a.call("GET", "/api/v1/admin/audit?kind=nothing", nil, 400).problem("audit.kind")
	a.call("GET", "/api/v1/admin/audit?from=once", nil, 400).problem("sync.filter")
	for _, path := range []string{"audit", "audit.csv", "audit.json"} {
		b.call("GET", "/api/v1/admin/"+path, nil, 403).problem("forbidden")
	}

	table, err := csv.NewReader(strings.NewReader(string(a.call("GET", "/api/v1/admin/audit.csv?who=carol@example.test", nil, 200).body))).ReadAll()
	if err != nil || len(table) < 2 || table[0][2] != "kind" || table[len(table)-1][5] != "'=1+1" {
		t.Errorf("%q, %v", table, err)
	}
	if err := json.Unmarshal(a.call("GET", "/api/v1/admin/audit.json?kind=policy-group", nil, 200).body, &lines); err != nil || len(lines) != 1 || lines[0].Subject != "=1+1" {
		t.Errorf("%+v, %v", lines, err)
	}
	if err := json.Unmarshal(a.call("GET", "/api/v1/admin/audit.json?kind=hook", nil, 200).body, &lines); err != nil || len(lines) != 0 {
		t.Errorf("a file of nothing: %+v, %v", lines, err)
	}
	h.trail("that it was taken", func(l portal.Audited) bool {
		return l.Kind == portal.AuditTrailExport && l.By == alice && l.About == carol && l.Subject == "csv"
	})

	page := h.browse(alice)
	shown := string(page.send("GET", "/admin/audit?who=carol%40example.test&kind=policy-group", nil).body)
	for _, part := range []string{"Carol Clark", "=1+1", "policy.group-name", "/admin/audit.csv?"} {
		if !strings.Contains(shown, part) {
			t.Errorf("%q is not on the page", part)
		}
	}
	if got := page.send("GET", "/admin/audit?who=nobody+known", nil); got.status != http.StatusBadRequest {
		t.Errorf("of nobody known: %d", got.status)
	}
	page.with("Sec-Fetch-Site", "same-origin").post("/admin/signins", url.Values{"uri": {"bob@example.test"}}, 303)
	b.call("GET", "/api/v1/me", nil, 401)
}

// Every request of administration that changes something stands in the table of acts: a new one is not forgotten.
func TestEveryActIsKnown(t *testing.T) {
	h := newHouse(t)
	known, routes := acts(), map[string]bool{}
	for _, r := range h.server.echo.Routes() {
		routes[r.Method+" "+r.Path] = true
		path := strings.TrimPrefix(r.Path, apiPrefix)
		if _, ok := known[r.Method+" "+r.Path]; !ok && strings.HasPrefix(path, "/admin/") && r.Method != http.MethodGet {
			t.Errorf("%s %s is in no audit trail", r.Method, r.Path)
		}
	}
	for route, a := range known {
		if !routes[route] && !strings.Contains(route, "/places") { // those are there with places alone
			t.Errorf("%s is no route", route)
		}
		if a.kind != "" && !slices.Contains(portal.AuditKinds(), a.kind) {
			t.Errorf("%s: no kind %q", route, a.kind)
		}
	}
}

// Who may do nothing cannot fill the trail; how many lines it did not take it says.
func TestRefusalsAreBounded(t *testing.T) {
	now := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	r := newRefusals(func() time.Time { return now })
	taken := 0
	for range 3 * refusalBurstOfOne {
		if missing, ok := r.room("192.0.2.1"); ok {
			taken++
			if missing != 0 {
				t.Fatalf("%d missing while there was room", missing)
			}
		}
	}
	if taken != refusalBurstOfOne {
		t.Errorf("%d of one address", taken)
	}
	if missing, ok := r.room("192.0.2.2"); !ok || missing != 2*refusalBurstOfOne {
		t.Errorf("another address: %d, %v", missing, ok)
	}
	now = now.Add(time.Second)
	if missing, ok := r.room("192.0.2.1"); !ok || missing != 0 {
		t.Errorf("a second later: %d, %v", missing, ok)
	}
	for i := range 20 * refusalBurstOfAll / refusalBurstOfOne {
		for range refusalBurstOfOne {
			if _, ok := r.room(string(rune('a' + i))); ok {
				taken++
			}
		}
	}
	if taken > refusalBurstOfOne+refusalBurstOfAll+refusalsOfAll {
		t.Errorf("%d of all", taken)
	}
}
