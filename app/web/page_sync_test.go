package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"portico/app/portal"
)

// adminPages are all pages of administration.
func adminPages() []string {
	return []string{"", "/settings", "/users", "/users?plan=1", "/queue", "/queue.xml", "/transactions", "/transactions.csv", "/conflicts", "/diagnostics", "/rules", "/rules?as=text", "/hooks"}
}

func TestAdministrationIsForAdministrators(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	a, b := h.browse(alice), h.browse(bob)
	for _, path := range adminPages() {
		a.call(http.MethodGet, "/admin/sync"+path, nil, http.StatusOK)
		b.call(http.MethodGet, "/admin/sync"+path, nil, http.StatusForbidden)
		if got := h.guest().call(http.MethodGet, "/admin/sync"+path, nil, http.StatusSeeOther).header.Get("Location"); !strings.HasPrefix(got, "/signin") {
			t.Errorf("%s leads a stranger to %s", path, got)
		}
	}
	for _, path := range []string{"/held", "/settings", "/users/run", "/users/stop", "/users/clear", "/queue/retry", "/queue/discard", "/queue/upload", "/conflicts/take-back", "/diagnostics/test", "/diagnostics/level", "/rules", "/hooks", "/hooks/x"} {
		if got := b.submit("/admin/sync"+path, "do", "release"); got.status != http.StatusForbidden {
			t.Errorf("%s: somebody else is answered %d", path, got.status)
		}
	}
	if did := h.sync.done(); did != "" {
		t.Errorf("somebody else did %q", did)
	}
	if got := a.page("/admin", http.StatusOK).Find(`.admin-links a`).Length(); got != 9 {
		t.Errorf("the index has %d links", got)
	}
}

func TestWithoutASynchronisation(t *testing.T) {
	h := newHouse(t, func(s *settings) { s.noSync = true })
	a := h.browse(alice)
	a.page("/admin/sync", http.StatusServiceUnavailable)
	a.page("/crm", http.StatusServiceUnavailable)
	if got := a.page("/admin", http.StatusOK).Find(".admin-links").Length(); got != 0 {
		t.Error("the index leads to what is not there")
	}
	token := h.signIn(alice)
	token.call(http.MethodGet, "/api/v1/admin/sync", nil, http.StatusServiceUnavailable).problem("sync.none")
	token.call(http.MethodGet, "/api/v1/crm/people", nil, http.StatusServiceUnavailable).problem("crm.none")
	h.guest().call(http.MethodPost, "/api/v1/crm/inbox", `{}`, http.StatusServiceUnavailable).problem("crm.none")
}

func TestHeldChangesAreDecidedByForm(t *testing.T) {
	h := newHouse(t)
	h.sync.with(func(f *fakeSync) {
		f.status.Mailboxes = []portal.MailboxStatus{{Mailbox: bob, State: portal.MailboxHeld}}
		f.status.CRMHeld = true
	})
	a := h.browse(alice)
	doc := a.page("/admin/sync", http.StatusOK)
	if got := doc.Find(".held form").Length(); got != 2 {
		t.Fatalf("%d decisions", got)
	}
	a.submit("/admin/sync/held", "mailbox", string(bob), "do", "restore", "here", "/admin/sync/queue").leadsTo("/admin/sync/queue")
	a.submit("/admin/sync/held", "mailbox", "crm", "do", "release").leadsTo("/admin/sync")
	if did := h.sync.done(); did != "restore sip:bob@example.test by sip:alice@example.test; release crm by sip:alice@example.test" {
		t.Error(did)
	}
	a.submit("/admin/sync/held", "mailbox", "crm", "do", "shrug").says(http.StatusBadRequest, "not one of the things")
	a.submit("/admin/sync/held", "mailbox", "nonsense", "do", "release").says(http.StatusBadRequest, "not a SIP address")
}

func TestSyncSettingsByForm(t *testing.T) {
	h := newHouse(t)
	a := h.browse(alice)
	h.sync.with(func(f *fakeSync) {
		f.settings.Servers = []portal.SyncServerSpec{{Name: "primary", Fixed: true, Primary: true}}
		f.findings = []portal.SyncFinding{{Part: "server", Name: "branch", Kind: "password", Cause: "401 Unauthorized"}}
	})
	form := []string{"revision", "1", "to_exchange", "on", "log_level", "3", "keep_log_days", "30", "max_share", "15", "notify_email", "it@example.test", "sync_user", string(bob), "copy_reminders", "on",
		"server.0.name", "primary", "server.0.fixed", "on", "server.0.offset", "60", "server.1.name", "branch", "server.1.url", "https://mail.branch.test/", "server.1.auth", "ntlm", "server.1.password", "geheim", "primary", "0"}
	got := a.submit("/admin/sync/settings", append(form, "do", "save")...)
	got.says(http.StatusOK, "The settings are saved")
	got.says(http.StatusOK, "The name or the password is refused.")
	if strings.Contains(string(got.body), "geheim") {
		t.Error("the password is shown")
	}
	h.sync.with(func(f *fakeSync) {
		s := f.settings
		if !s.ToExchange || s.ToCRM || s.LogLevel != 3 || s.KeepLog != 30 || s.MaxShare != 15 || s.SyncUser != bob || !s.CopyReminders || s.OffsetMinutes["primary"] != 60 || len(s.Servers) != 2 || s.Servers[1].Auth != "ntlm" || f.password != "geheim" {
			t.Errorf("stored: %+v", s)
		}
	})
	a.submit("/admin/sync/settings", append(form, "do", "check")...).says(http.StatusOK, "Checked against the real servers: not all works")
	a.submit("/admin/sync/settings", append(form, "do", "save")...).says(http.StatusConflict, "")
	if did := h.sync.done(); did != "settings by sip:alice@example.test; check" {
		t.Error(did)
	}
	bad := a.submit("/admin/sync/settings", "revision", "2", "log_level", "9", "keep_log_days", "x", "max_share", "0", "notify_email", "nobody", "sync_user", "nonsense", "server.0.url", "https://x.test/", "server.1.name", "s", "server.1.offset", "9999")
	for _, sentence := range []string{"between 0 and 5", "between 1 and 3650", "between 1 and 100", "no e-mail address", "not a SIP address", "A server needs a name", "840 minutes", "7 things are wrong"} {
		bad.says(http.StatusBadRequest, sentence)
	}
}

func TestSyncUsersByForm(t *testing.T) {
	h := newHouse(t)
	a := h.browse(alice)
	h.sync.with(func(f *fakeSync) {
		f.plan = []portal.SyncUserPlan{{Person: portal.Person{URI: bob, DisplayName: "Bob Brown"}, Action: "link"}}
	})
	if got := a.page("/admin/sync/users?plan=1", http.StatusOK).Find(`input[name=who][value="sip:bob@example.test"]`).Length(); got != 1 {
		t.Error("the plan does not show bob")
	}
	a.submit("/admin/sync/users/run").says(http.StatusBadRequest, "Choose at least one person.")
	a.submit("/admin/sync/users/run", "who", "nonsense").says(http.StatusBadRequest, "not a SIP address")
	a.submit("/admin/sync/users/run", "who", string(bob)).leadsTo("/admin/sync/users")
	if doc := a.page("/admin/sync/users", http.StatusOK); doc.Find("progress").Length() != 1 {
		t.Error("no progress is shown")
	}
	a.submit("/admin/sync/users/run", "who", string(bob)).says(http.StatusConflict, "progress")
	a.submit("/admin/sync/users/stop").leadsTo("/admin/sync/users")
	a.submit("/admin/sync/users/run", "resume", "1").leadsTo("/admin/sync/users")
	a.submit("/admin/sync/users/clear", "who", string(bob)).leadsTo("/admin/sync/users?cleared=bob%40example.test")
	a.submit("/admin/sync/users/clear", "who", string(carol)).says(http.StatusNotFound, "")
	if did := h.sync.done(); did != "run [sip:bob@example.test] resume false; stop; run [] resume true; clear sip:bob@example.test" {
		t.Error(did)
	}
	if doc := a.page("/admin/sync/users?cleared=bob@example.test", http.StatusOK); !strings.Contains(doc.Find(".banner.ok").Text(), "has stopped") {
		t.Error("it is not said that the synchronisation stopped")
	}
}

func someJobs() []portal.SyncJob {
	return []portal.SyncJob{
		{Seq: 3, Key: "crm-1", Direction: portal.ToExchange, Mailbox: bob, Subject: "Offer", State: portal.JobFailed, Tries: 4, Reason: "unavailable", Cause: "503", MadeAt: time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC)},
		{Seq: 5, Key: "crm-2", Direction: portal.ToCRM, Mailbox: carol, Subject: "Lunch", State: portal.JobWaiting, MadeAt: time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC)},
	}
}

func TestQueueByForm(t *testing.T) {
	h := newHouse(t)
	a := h.browse(alice)
	h.sync.with(func(f *fakeSync) { f.jobs = someJobs() })
	if got := a.page("/admin/sync/queue?direction=crm-to-exchange&state=failed&mailbox=bob@example.test&q=Off", http.StatusOK).Find("tbody tr").Length(); got != 1 {
		t.Errorf("%d jobs fit the filter", got)
	}
	for _, bad := range []string{"state=odd", "direction=up", "mailbox=nonsense", "after=x"} {
		a.page("/admin/sync/queue?"+bad, http.StatusBadRequest)
	}
	a.submit("/admin/sync/queue/retry").leadsTo("/admin/sync/queue?done=retried")
	a.submit("/admin/sync/queue/retry", "seq", "3", "here", "/admin/sync/queue?state=failed").leadsTo("/admin/sync/queue?state=failed&done=retried")
	a.submit("/admin/sync/queue/retry", "seq", "x").says(http.StatusBadRequest, "not a number")
	a.submit("/admin/sync/queue/discard", "seq", "3", "reason", " ").says(http.StatusBadRequest, "Say why")
	a.submit("/admin/sync/queue/discard", "seq", "3", "reason", "moved by hand", "here", "https://evil.test/").leadsTo("/admin/sync/queue?done=discarded")
	a.submit("/admin/sync/queue/discard", "seq", "3", "reason", "again").says(http.StatusNotFound, "")
	if did := h.sync.done(); did != "retry [] by sip:alice@example.test; retry [3] by sip:alice@example.test; discard 3 (moved by hand) by sip:alice@example.test" {
		t.Error(did)
	}
	file := a.call(http.MethodGet, "/admin/sync/queue.xml", nil, http.StatusOK)
	if string(file.body) != "<queue><count>1</count></queue>" || !strings.Contains(file.header.Get("Content-Disposition"), "queue.xml") || !strings.HasPrefix(file.header.Get("Content-Type"), "application/xml") {
		t.Errorf("the file: %s %v", file.body, file.header)
	}
	a.upload("/admin/sync/queue/upload", "queue.xml", file.body).leadsTo("/admin/sync/queue?done=uploaded&n=1")
	a.upload("/admin/sync/queue/upload", "queue.xml", []byte("no XML")).says(http.StatusBadRequest, "This is not the file of a queue.")
	a.submit("/admin/sync/queue/upload", "x", "y").says(http.StatusBadRequest, "")
	if doc := a.page("/admin/sync/queue?done=uploaded&n=1", http.StatusOK); doc.Find(".banner.ok").Text() != "One job was taken in." {
		t.Error(doc.Find(".banner.ok").Text())
	}
}

func TestTransactionsAreFoundAndExported(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	a := h.viennese(alice, "en")
	h.sync.with(func(f *fakeSync) {
		f.log = []portal.SyncTransaction{
			{Seq: 1, At: time.Date(2026, 11, 23, 22, 59, 0, 0, time.UTC), What: "create", Subject: "=Offer", CRM: "crm-1", Result: "done", After: map[string]string{"subject": "=Offer"}},
			{Seq: 2, At: time.Date(2026, 11, 23, 23, 1, 0, 0, time.UTC), What: "update", Subject: "Lunch", CRM: "crm-2", Result: "failed", Reason: "unavailable"},
		}
	})
	for query, want := range map[string]int{"": 2, "?q=Lunch": 1, "?what=create": 1, "?crm=crm-2": 1, "?result=failed": 1, "?from=2026-11-24": 1, "?to=2026-11-23": 1, "?before=2": 1, "?q=nothing": 0} {
		if got := a.page("/admin/sync/transactions"+query, http.StatusOK).Find("tbody tr[id^=line-]").Length(); got != want {
			t.Errorf("%s: %d, want %d", query, got, want)
		}
	}
	a.page("/admin/sync/transactions?from=yesterday", http.StatusBadRequest)
	table := a.call(http.MethodGet, "/admin/sync/transactions.csv?to=2026-11-23", nil, http.StatusOK)
	want := "seq,at,direction,what,crm,uid,mailbox,server,subject,before,after,result,reason,cause,by,mail,took_ms\n1,2026-11-23T22:59:00Z,,create,crm-1,,,,'=Offer,,\"{\"\"subject\"\":\"\"=Offer\"\"}\",done,,,,false,0\n"
	if string(table.body) != want {
		t.Errorf("the table is\n%s", table.body)
	}
}

func TestConflictsAreTakenBackByForm(t *testing.T) {
	h := newHouse(t)
	a := h.browse(alice)
	h.sync.with(func(f *fakeSync) {
		f.conflicts = []portal.SyncConflict{{ID: "c1", CRM: "crm-1", Subject: "Offer", Won: "crm", Kept: map[string]string{"subject": "Offer"}, Given: map[string]string{"subject": "Old"}}}
	})
	if got := a.page("/admin/sync/conflicts", http.StatusOK).Find("#conflict-c1 td").Length(); got != 2 {
		t.Errorf("%d versions", got)
	}
	a.submit("/admin/sync/conflicts/take-back", "id", "c1").leadsTo("/admin/sync/conflicts?done=taken")
	a.submit("/admin/sync/conflicts/take-back", "id", "c1").says(http.StatusConflict, "conflict-c1")
	a.submit("/admin/sync/conflicts/take-back", "id", "zz").says(http.StatusNotFound, "")
	if doc := a.page("/admin/sync/conflicts?done=taken", http.StatusOK); doc.Find(".banner.ok").Length() != 1 || doc.Find("#conflict-c1 form").Length() != 0 {
		t.Error("it is not said that the version was taken back")
	}
}

func TestDiagnosticsByForm(t *testing.T) {
	h := newHouse(t)
	a := h.browse(alice)
	h.sync.with(func(f *fakeSync) {
		f.status.Mailboxes = []portal.MailboxStatus{{Mailbox: bob, State: portal.MailboxInStep}, {Mailbox: carol, State: portal.MailboxLost, Reason: "exchange.no-mailbox"}}
		f.found[bob] = portal.SyncFinding{Part: "mailbox", OK: true, Kind: "ok"}
		f.lines = []portal.SyncLogLine{{Seq: 1, Level: 3, Text: "carried"}}
	})
	doc := a.page("/admin/sync/diagnostics", http.StatusOK)
	if doc.Find(".live-log li").Length() != 1 || doc.Find(".finding").Length() != 0 {
		t.Error("the page shows other things than there are")
	}
	a.submit("/admin/sync/diagnostics/test", "mailbox", "bob@example.test").says(http.StatusOK, "Works.")
	all := a.submit("/admin/sync/diagnostics/test", "mailbox", "all")
	all.says(http.StatusOK, "It does not work.")
	all.says(http.StatusOK, "Works.")
	a.submit("/admin/sync/diagnostics/test", "mailbox", "nonsense").says(http.StatusBadRequest, "not a SIP address")
	a.page("/admin/sync/diagnostics/test", http.StatusOK)
	a.submit("/admin/sync/diagnostics/level", "level", "5").leadsTo("/admin/sync/diagnostics")
	a.submit("/admin/sync/diagnostics/level", "level", "6").says(http.StatusBadRequest, "from 0 to 5")
	h.sync.with(func(f *fakeSync) {
		if f.settings.LogLevel != 5 || f.settings.KeepLog != 90 {
			t.Errorf("stored: %+v", f.settings)
		}
	})
}

func TestRulesByForm(t *testing.T) {
	h := newHouse(t)
	a := h.browse(alice)
	h.sync.with(func(f *fakeSync) {
		f.log = []portal.SyncTransaction{{Seq: 1, CRM: "crm-1", Subject: "Offer", What: "create", Result: "done"}}
	})
	rule := []string{"revision", "0", "rule.0.name", "Mark", "rule.0.on", "on", "rule.0.direction", "crm-to-exchange", "rule.0.subject.prefix", "[CRM] ", "rule.0.private", "no", "rule.0.map_categories", "a=b, c="}
	preview := a.submit("/admin/sync/rules", append(rule, "do", "preview", "sample", "crm-1", "try_direction", "crm-to-exchange")...)
	preview.says(http.StatusOK, "[CRM] Offer")
	preview.says(http.StatusOK, `value="a=b, c="`)
	a.submit("/admin/sync/rules", append(rule, "do", "preview", "sample", "crm-9")...).says(http.StatusBadRequest, "no such appointment")
	a.submit("/admin/sync/rules", append(rule, "do", "preview")...).says(http.StatusBadRequest, "no such appointment")
	a.submit("/admin/sync/rules", append(rule, "do", "add")...).says(http.StatusOK, `name="rule.1.name"`)
	a.submit("/admin/sync/rules", append(rule, "do", "text")...).says(http.StatusOK, "&#34;prefix&#34;: &#34;[CRM] &#34;")
	a.submit("/admin/sync/rules", append(rule, "do", "save")...).leadsTo("/admin/sync/rules?saved=1")
	doc := a.page("/admin/sync/rules?saved=1", http.StatusOK)
	if doc.Find(`input[name="rule.0.subject.prefix"][value="[CRM] "]`).Length() != 1 || doc.Find(`select[name="rule.0.private"] option[value=no][selected]`).Length() != 1 || doc.Find(".banner.ok").Length() != 1 {
		t.Error("what was stored is not what is shown")
	}
	a.submit("/admin/sync/rules", append(rule, "do", "save")...).says(http.StatusConflict, "Mark")
	faulty := a.submit("/admin/sync/rules", "revision", "1", "do", "save", "rule.0.name", "Twice", "rule.0.subject_matches", "(", "rule.1.name", "Twice", "rule.1.leave_out", "on")
	for _, sentence := range []string{"not a regular expression", "The rule does nothing.", "Another rule has this name.", "3 things are wrong"} {
		faulty.says(http.StatusBadRequest, sentence)
	}
	a.submit("/admin/sync/rules", "revision", "1", "as", "text", "json", `[{"name":`, "do", "save").says(http.StatusBadRequest, "These are no rules")
	a.submit("/admin/sync/rules", "revision", "1", "as", "text", "json", `[{"name":"T","on":true,"do":{"leave_out":true}}]`, "do", "form").says(http.StatusOK, `name="rule.0.leave_out" value="on" checked`)
	a.submit("/admin/sync/rules", "revision", "1", "rule.0.name", "Mark", "rule.0.remove", "on", "do", "save").leadsTo("/admin/sync/rules?saved=1")
	h.sync.with(func(f *fakeSync) {
		if string(f.rules) != "[]" || f.revision != 2 {
			t.Errorf("stored: %s at %d", f.rules, f.revision)
		}
	})
}

func TestHooksByForm(t *testing.T) {
	h := newHouse(t)
	a := h.browse(alice)
	bad := a.submit("/admin/sync/hooks", "name", " ", "url", "ftp://x")
	bad.says(http.StatusBadRequest, "2 things are wrong")
	outside := httptest.NewServer(http.NotFoundHandler())
	defer outside.Close()
	made := a.submit("/admin/sync/hooks", "name", "Other CRM", "url", outside.URL, "private", "on")
	made.says(http.StatusOK, "Secret of Other CRM")
	made.says(http.StatusOK, "whsec_")
	doc := a.page("/admin/sync/hooks", http.StatusOK)
	if html, err := doc.Html(); err != nil || strings.Contains(html, "whsec_") {
		t.Errorf("the secret is shown again (%v)", err)
	}
	path := doc.Find("tbody th a").AttrOr("href", "")
	if got := a.page(path, http.StatusOK).Find(`input[name=writes]`); got.Length() != 1 || got.Is("[checked]") {
		t.Error("it may write unasked, or nobody can say so")
	}
	a.submit(path, "do", "save", "name", "Other CRM", "url", outside.URL, "writes", "on").leadsTo(path)
	if !a.page(path, http.StatusOK).Find(`input[name=writes]`).Is("[checked]") {
		t.Error("that it may write is not kept")
	}
	a.submit(path, "do", "off").leadsTo("/admin/sync/hooks")
	if got := a.page("/admin/sync/hooks", http.StatusOK).Find(`.state-mark[data-state=hook-false]`).Length(); got != 1 {
		t.Error("it is not switched off")
	}
	a.submit(path, "do", "save", "name", "Renamed", "url", "nonsense").says(http.StatusBadRequest, "One thing is wrong")
	a.submit(path, "do", "save", "name", "Renamed", "url", outside.URL, "version", "1").says(http.StatusConflict, "")
	a.submit(path, "do", "save", "name", "Renamed", "url", outside.URL).leadsTo(path)
	a.submit(path, "do", "secret").says(http.StatusOK, "Secret of Renamed")
	a.submit(path, "do", "resend", "delivery", "99").says(http.StatusNotFound, "")
	a.submit(path, "do", "resend", "delivery", "x").says(http.StatusBadRequest, "not a number")
	a.submit(path, "do", "explode").says(http.StatusBadRequest, "not one of the things")
	a.submit(path, "do", "remove").leadsTo("/admin/sync/hooks")
	a.page(path, http.StatusNotFound)
	if got := a.page("/admin/sync/hooks", http.StatusOK).Find(".empty").Length(); got != 1 {
		t.Error("it is not removed")
	}
}
