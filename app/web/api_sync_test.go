package web

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"portico/app/portal"
)

// Every call of administration is refused to strangers and to those who are no administrators, whatever they send.
func TestTheAdminAPIIsForAdministrators(t *testing.T) {
	h := newHouse(t)
	b := h.signIn(bob)
	concrete := strings.NewReplacer(":uri", bob.Path(), ":id", "x", ":seq", "1", ":source", "crm")
	calls := h.server.syncCalls()
	if len(calls) < 30 {
		t.Fatalf("only %d calls", len(calls))
	}
	for _, c := range calls {
		path := "/api/v1" + concrete.Replace(c.path)
		if got := b.send(c.method, path, `{}`); got.status != http.StatusForbidden {
			t.Errorf("%s %s: somebody else is answered %d", c.method, path, got.status)
		}
		if got := h.guest().send(c.method, path, `{}`); got.status != http.StatusUnauthorized {
			t.Errorf("%s %s: a stranger is answered %d", c.method, path, got.status)
		}
	}
	if did := h.sync.done(); did != "" {
		t.Errorf("somebody else did %q", did)
	}
}

func TestSyncStatusAndSettingsOverTheAPI(t *testing.T) {
	h := newHouse(t)
	a := h.signIn(alice)
	h.sync.with(func(f *fakeSync) {
		f.status.Mailboxes = []portal.MailboxStatus{{Mailbox: bob, Name: "Bob", State: portal.MailboxLost, Reason: "exchange.no-mailbox"}}
		f.status.Queue = portal.SyncQueueCounts{Waiting: 2, Oldest: time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC)}
		f.status.Minutes = []portal.SyncMinute{{ToCRM: 1, LagP99: time.Second}}
		f.settings.Servers = []portal.SyncServerSpec{{Name: "branch", Password: "geheim", HasPassword: true}}
		f.findings = []portal.SyncFinding{{Part: "mail", OK: true, Kind: "ok"}, {Part: "server", Name: "branch", Kind: "untrusted", Cause: "x509"}}
	})
	var st statusJSON
	a.call("GET", "/api/v1/admin/sync", nil, 200).into(&st)
	if st.Queue.Waiting != 2 || len(st.Mailboxes) != 1 || st.Mailboxes[0].Error == "" || st.Mailboxes[0].Error == "exchange.no-mailbox" || len(st.Minutes) != 1 {
		t.Errorf("status: %+v", st)
	}
	shown := a.call("GET", "/api/v1/admin/sync/settings", nil, 200)
	if strings.Contains(string(shown.body), "geheim") || !strings.Contains(string(shown.body), `"has_password":true`) {
		t.Errorf("settings: %s", shown.body)
	}
	var saved struct {
		Settings portal.SyncSettings `json:"settings"`
		Findings []findingJSON       `json:"findings"`
	}
	got := a.call("PUT", "/api/v1/admin/sync/settings", map[string]any{"log_level": 4, "to_crm": false, "revision": 1, "servers": []any{map[string]any{"name": "branch", "password": "neu", "auth": "ntlm"}}}, 200)
	got.into(&saved)
	if strings.Contains(string(got.body), "neu") || saved.Settings.LogLevel != 4 || saved.Settings.ToCRM || !saved.Settings.ToExchange || saved.Settings.KeepLog != 90 || len(saved.Findings) != 2 || saved.Findings[1].Cure == "" || saved.Findings[0].Text == "" {
		t.Errorf("saved: %s", got.body)
	}
	a.call("PUT", "/api/v1/admin/sync/settings", map[string]any{"revision": 1}, 409).problem("conflict")
	a.send("PUT", "/api/v1/admin/sync/settings", map[string]any{"log_level": 7, "keep_log_days": 0, "max_share": 101, "notify_email": "x", "offset_minutes": map[string]int{"branch": 1000}}).faulted(
		"log_level sync.settings.range", "keep_log_days sync.settings.range", "max_share sync.settings.range", "notify_email crm.email", "offset_minutes.branch sync.settings.offset")
	var findings []findingJSON
	a.call("POST", "/api/v1/admin/sync/settings/check", map[string]any{}, 200).into(&findings)
	if len(findings) != 2 {
		t.Errorf("findings: %+v", findings)
	}
	a.call("PUT", "/api/v1/admin/sync/settings", `{"log_level":"high"}`, 400).problem("json.type")
	a.call("POST", "/api/v1/admin/sync/held/crm", map[string]string{"decision": "release"}, 204)
	a.call("POST", "/api/v1/admin/sync/held/"+bob.Path(), map[string]string{"decision": "restore"}, 204)
	a.call("POST", "/api/v1/admin/sync/held/crm", map[string]string{"decision": "shrug"}, 400).problem("sync.decision")
	a.call("POST", "/api/v1/admin/sync/held/nonsense", map[string]string{"decision": "release"}, 400)
	if did := h.sync.done(); !strings.HasSuffix(did, "release crm by sip:alice@example.test; restore sip:bob@example.test by sip:alice@example.test") {
		t.Error(did)
	}
	h.sync.with(func(f *fakeSync) { f.failing = portal.Fail(portal.ErrUnavailable, "unavailable") })
	a.call("GET", "/api/v1/admin/sync", nil, 503).problem("unavailable")
}

func TestSyncUsersOverTheAPI(t *testing.T) {
	h := newHouse(t)
	a := h.signIn(alice)
	h.works(bob)
	h.sync.with(func(f *fakeSync) {
		f.plan = []portal.SyncUserPlan{{Person: portal.Person{URI: bob}, Action: "link", By: "email"}}
	})
	var users []portal.CRMUser
	a.call("GET", "/api/v1/admin/sync/users", nil, 200).into(&users)
	var plan []portal.SyncUserPlan
	a.call("GET", "/api/v1/admin/sync/users/plan", nil, 200).into(&plan)
	if len(users) != 1 || len(plan) != 1 {
		t.Errorf("users %+v, plan %+v", users, plan)
	}
	var run portal.SyncUsersRun
	a.call("POST", "/api/v1/admin/sync/users/run", map[string]any{"people": []string{string(bob)}}, 202).into(&run)
	if run.State != "running" || run.Of != 1 {
		t.Errorf("run: %+v", run)
	}
	a.call("POST", "/api/v1/admin/sync/users/run", map[string]any{"people": []string{string(bob)}}, 409)
	a.call("DELETE", "/api/v1/admin/sync/users/run", nil, 200).into(&run)
	a.call("GET", "/api/v1/admin/sync/users/run", nil, 200).into(&run)
	if run.State != "stopped" {
		t.Errorf("run: %+v", run)
	}
	a.call("POST", "/api/v1/admin/sync/users/run", map[string]any{"resume": true}, 202)
	a.call("POST", "/api/v1/admin/sync/users/run", map[string]any{}, 400).problem("sync.users.nobody-chosen")
	a.call("POST", "/api/v1/admin/sync/users/run", map[string]any{"people": []string{"x"}}, 400)
	a.call("DELETE", "/api/v1/admin/sync/users/"+bob.Path()+"/exchange-id", nil, 200)
	a.call("DELETE", "/api/v1/admin/sync/users/"+carol.Path()+"/exchange-id", nil, 404)
	a.call("DELETE", "/api/v1/admin/sync/users/x/exchange-id", nil, 400)
}

func TestQueueAndLogOverTheAPI(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	a := h.signIn(alice)
	h.sync.with(func(f *fakeSync) {
		f.jobs = someJobs()
		f.log = []portal.SyncTransaction{{Seq: 1, At: wednesday(t), What: "create", CRM: "crm-1", Result: "failed", Reason: "unavailable"}, {Seq: 2, At: wednesday(t), What: "update", Result: "done", Direction: portal.ToCRM}}
		f.conflicts = []portal.SyncConflict{{ID: "c1", CRM: "crm-1", Won: "crm", Fields: []string{"subject"}, Lost: portal.AppointmentChange{Subject: new(string)}}}
		*f.conflicts[0].Lost.Subject = "a secret"
	})
	var jobs []jobJSON
	a.call("GET", "/api/v1/admin/sync/queue?state=failed&limit=5", nil, 200).into(&jobs)
	if len(jobs) != 1 || jobs[0].Seq != 3 || jobs[0].Error == "" {
		t.Errorf("jobs: %+v", jobs)
	}
	for _, bad := range []string{"state=odd", "direction=up", "after=x", "limit=0"} {
		a.call("GET", "/api/v1/admin/sync/queue?"+bad, nil, 400)
	}
	a.call("GET", "/api/v1/admin/sync/queue/3", nil, 200)
	a.call("GET", "/api/v1/admin/sync/queue/99", nil, 404)
	var n countedJSON
	a.call("POST", "/api/v1/admin/sync/queue/retry", map[string]any{"seqs": []int{3, 5}}, 200).into(&n)
	if n.Count != 2 {
		t.Errorf("retried %d", n.Count)
	}
	a.call("POST", "/api/v1/admin/sync/queue/retry", nil, 200)
	a.call("DELETE", "/api/v1/admin/sync/queue/3", nil, 400).problem("sync.reason-missing")
	a.call("DELETE", "/api/v1/admin/sync/queue/3?reason=old", nil, 204)
	a.call("DELETE", "/api/v1/admin/sync/queue/3?reason=old", nil, 404)
	file := a.call("GET", "/api/v1/admin/sync/queue.xml", nil, 200)
	a.with("Content-Type", "application/xml").call("POST", "/api/v1/admin/sync/queue.xml", string(file.body), 200).into(&n)
	if n.Count != 1 {
		t.Errorf("took %d in", n.Count)
	}
	a.with("Content-Type", "application/xml").call("POST", "/api/v1/admin/sync/queue.xml", "<x", 400).problem("sync.queue.file")
	a.call("POST", "/api/v1/admin/sync/queue.xml", `{}`, 415).problem("media-type")
	var lines []transactionJSON
	a.call("GET", "/api/v1/admin/sync/transactions?what=create", nil, 200).into(&lines)
	if len(lines) != 1 || lines[0].Error == "" {
		t.Errorf("lines: %+v", lines)
	}
	a.call("GET", "/api/v1/admin/sync/transactions?from=x", nil, 400).problem("sync.filter")
	if got := a.call("GET", "/api/v1/admin/sync/transactions.csv", nil, 200); strings.Count(string(got.body), "\n") != 3 {
		t.Errorf("the table: %s", got.body)
	}
	var conflicts []portal.SyncConflict
	kept := func(got *reply) *reply {
		t.Helper()
		if strings.Contains(string(got.body), "secret") || strings.Contains(string(got.body), `"lost"`) {
			t.Errorf("the version that was given up is told whole: %s", got.body)
		}
		return got
	}
	kept(a.call("GET", "/api/v1/admin/sync/conflicts?crm=crm-1", nil, 200)).into(&conflicts)
	if len(conflicts) != 1 {
		t.Errorf("conflicts: %+v", conflicts)
	}
	kept(a.call("GET", "/api/v1/admin/sync/conflicts/c1", nil, 200))
	kept(a.call("POST", "/api/v1/admin/sync/conflicts/c1/take-back", nil, 200))
	a.call("POST", "/api/v1/admin/sync/conflicts/c1/take-back", nil, 409).problem("conflict")
	a.call("POST", "/api/v1/admin/sync/conflicts/zz/take-back", nil, 404)
	a.call("GET", "/api/v1/admin/sync/conflicts/zz", nil, 404)
}

func TestDiagnosticsAndRulesOverTheAPI(t *testing.T) {
	h := newHouse(t)
	a := h.signIn(alice)
	h.sync.with(func(f *fakeSync) {
		f.found[bob] = portal.SyncFinding{Part: "mailbox", Name: "bob@example.test", Kind: "full"}
		for i := range 5 {
			f.lines = append(f.lines, portal.SyncLogLine{Seq: int64(i + 1), Level: 2, Text: "line"})
		}
	})
	var live struct {
		Level int                  `json:"level"`
		Lines []portal.SyncLogLine `json:"lines"`
	}
	a.call("GET", "/api/v1/admin/sync/diagnostics?limit=2", nil, 200).into(&live)
	if live.Level != 2 || len(live.Lines) != 2 || live.Lines[1].Seq != 5 {
		t.Errorf("the newest: %+v", live)
	}
	a.call("GET", "/api/v1/admin/sync/diagnostics?after=1&limit=2", nil, 200).into(&live)
	if len(live.Lines) != 2 || live.Lines[0].Seq != 2 {
		t.Errorf("those after: %+v", live)
	}
	a.call("PUT", "/api/v1/admin/sync/diagnostics", map[string]int{"level": 0}, 204)
	a.call("PUT", "/api/v1/admin/sync/diagnostics", map[string]int{"level": 6}, 400).problem("sync.level")
	a.call("PUT", "/api/v1/admin/sync/diagnostics", map[string]int{}, 400).problem("sync.level")
	var found findingJSON
	a.call("POST", "/api/v1/admin/sync/diagnostics/"+bob.Path(), nil, 200).into(&found)
	if found.OK || found.Text != "The mailbox is full." || found.Cure == "" {
		t.Errorf("found: %+v", found)
	}
	a.call("POST", "/api/v1/admin/sync/diagnostics/"+carol.Path(), nil, 200).into(&found)
	if found.OK || found.Kind != "unknown" {
		t.Errorf("found: %+v", found)
	}
	a.call("POST", "/api/v1/admin/sync/diagnostics/nonsense", nil, 400)

	rule := map[string]any{"name": "Mark", "on": true, "when": map[string]any{}, "do": map[string]any{"subject": map[string]any{"prefix": "[CRM] "}}}
	var rules rulesJSON
	a.call("PUT", "/api/v1/admin/sync/rules", map[string]any{"rules": []any{rule}, "revision": 0}, 200).into(&rules)
	a.call("GET", "/api/v1/admin/sync/rules", nil, 200).into(&rules)
	if len(rules.Rules) != 1 || rules.Revision != 1 || rules.Rules[0].Do.Subject.Prefix != "[CRM] " {
		t.Errorf("rules: %+v", rules)
	}
	a.call("PUT", "/api/v1/admin/sync/rules", map[string]any{"rules": []any{rule}, "revision": 0}, 409).problem("conflict")
	faulty := map[string]any{"name": "", "on": true, "when": map[string]any{"subject_matches": "("}, "do": map[string]any{}}
	a.send("PUT", "/api/v1/admin/sync/rules", map[string]any{"rules": []any{faulty}, "revision": 1}).faulted("0.name sync.rules.name", "0.when.subject_matches sync.rules.pattern", "0.do sync.rules.nothing")
	a.call("PUT", "/api/v1/admin/sync/rules", map[string]any{"rules": []any{map[string]any{"nme": "x"}}, "revision": 1}, 400).problem("sync.rules.form")
	var preview portal.SyncRulesPreview
	a.call("POST", "/api/v1/admin/sync/rules/preview", map[string]any{"rules": []any{rule}, "appointment": "crm-1"}, 200).into(&preview)
	if preview.After["subject"] != "[CRM] Offer" || len(preview.By) != 1 {
		t.Errorf("preview: %+v", preview)
	}
	a.call("POST", "/api/v1/admin/sync/rules/preview", map[string]any{"rules": []any{rule}, "appointment": "crm-9"}, 400).problem("sync.rules.sample")
	a.call("POST", "/api/v1/admin/sync/rules/preview", map[string]any{"rules": []any{rule}, "appointment": "crm-1", "direction": "up"}, 400).problem("sync.filter")
}

func TestHooksOverTheAPI(t *testing.T) {
	h := newHouse(t)
	a := h.signIn(alice)
	a.send("POST", "/api/v1/admin/sync/hooks", map[string]any{"name": "", "url": "ftp://x"}).faulted("name hook.name", "url hook.url")
	var made hookMade
	a.call("POST", "/api/v1/admin/sync/hooks", map[string]any{"name": "Other CRM", "url": "https://crm.example.test/hook"}, 201).into(&made)
	if !strings.HasPrefix(made.Secret, "whsec_") || !made.Active {
		t.Errorf("made: %+v", made)
	}
	path := "/api/v1/admin/sync/hooks/" + made.ID
	for _, get := range []string{path, "/api/v1/admin/sync/hooks"} {
		if got := a.call("GET", get, nil, 200); strings.Contains(string(got.body), "whsec_") || !strings.Contains(string(got.body), "Other CRM") {
			t.Errorf("%s: %s", get, got.body)
		}
	}
	var h2 portal.HookEndpoint
	a.call("PUT", path, map[string]any{"active": false, "private": true}, 200).into(&h2)
	if h2.Active || !h2.Private || h2.Name != "Other CRM" {
		t.Errorf("changed: %+v", h2)
	}
	if h2.Writes {
		t.Error("one with an address may write unasked")
	}
	a.call("PUT", path, map[string]any{"writes": true}, 200).into(&h2)
	if !h2.Writes || h2.Active || !h2.Private {
		t.Errorf("changed: %+v", h2)
	}
	a.call("PUT", path, map[string]any{"name": "Late", "version": 1}, 409)
	a.send("PUT", path, map[string]any{"url": "nonsense"}).faulted("url hook.url")
	var again hookMade
	a.call("POST", path+"/secret", nil, 200).into(&again)
	if again.Secret == made.Secret || again.Secret == "" {
		t.Error("the secret is the old one")
	}
	var list []portal.HookDelivery
	a.call("GET", path+"/deliveries?state=failed", nil, 200).into(&list)
	a.call("GET", path+"/deliveries?state=odd", nil, 400).problem("sync.filter")
	a.call("POST", "/api/v1/admin/sync/deliveries/99/resend", nil, 404)
	a.call("POST", "/api/v1/admin/sync/deliveries/x/resend", nil, 400)
	a.call("DELETE", path, nil, 204)
	a.call("DELETE", path, nil, 404).problem("hook.not-found")
	a.call("GET", path, nil, 404).problem("hook.not-found")
	a.call("PUT", path, map[string]any{}, 404)
	a.call("POST", path+"/secret", nil, 404)
	a.call("GET", path+"/deliveries", nil, 404)
}
