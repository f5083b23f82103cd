package views

import (
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"

	"portico/app/portal"
)

// syncFrame is a page of the control panel, in front of alice.
func syncFrame(locale string) Frame {
	f := frameFor(locale, Admin)
	f.Admin, f.Here = true, SyncPath
	return f
}

func statusOfTwo() portal.SyncStatus {
	return portal.SyncStatus{
		ToExchange: true, Running: true, LogLevel: 3, Conflicts: 1, CRMHeld: true,
		Queue: portal.SyncQueueCounts{Waiting: 3, Failed: 1, Oldest: en0.Add(-time.Hour)},
		Mailboxes: []portal.MailboxStatus{
			{Mailbox: bob, Name: "Bob", Server: "primary", State: portal.MailboxInStep, Items: 12, ReadAt: en0},
			{Mailbox: karl, Server: "other", State: portal.MailboxLost, Reason: "exchange.no-mailbox", Cause: "ErrorNonExistentMailbox"},
			{Mailbox: alice, Name: "Alice", State: portal.MailboxHeld},
		},
		Minutes: []portal.SyncMinute{{At: en0.Add(-time.Minute), ToExchange: 4, ToCRM: 2, Failed: 1, LagMedian: 300 * time.Millisecond, LagP99: 1400 * time.Millisecond}, {At: en0}},
	}
}

func TestSyncOverview(t *testing.T) {
	doc := render(t, SyncView(SyncPage{Frame: syncFrame("en"), Status: statusOfTwo()}))
	expect(t, doc, map[string]string{
		".tabs [aria-current=page]": "Overview", ".cards div:nth-child(1) dd": "On", ".cards div:nth-child(2) dd": "Off",
		".cards div:nth-child(4) dd": "1 open", ".cards div:nth-child(5) dd": "1 of 3 in step",
		`[data-chart=throughput] .muted`: "In the last hour 4 to Exchange, 2 to CRM, 1 failed.",
		`[data-chart=lag] .muted`:        "Last: half within 300 ms, 99 of 100 within 1.4 s; worst of the hour 1.4 s.",
	})
	for selector, want := range map[string]int{
		".chart svg[role=img][aria-label]": 2, `[data-chart=throughput] rect`: 2, `[data-chart=lag] rect`: 2, "#sync-minutes tbody tr": 1,
		`table[aria-label="Mailboxes"] tbody tr`: 3, `.state-mark[data-state=lost]`: 1, ".held": 2, `.held button[value=release]`: 2, `.held button[value=restore]`: 2,
		`.held input[name=mailbox][value=crm]`: 1, ".tabs a": 9,
	} {
		if got := doc.Find(selector).Length(); got != want {
			t.Errorf("%s: %d, want %d", selector, got, want)
		}
	}
	if text := doc.Find(".cards div:nth-child(3) dd").Text(); !strings.Contains(text, "3 waiting") || !strings.Contains(text, "1 refused") {
		t.Errorf("the queue is %q", text)
	}
	empty := render(t, SyncView(SyncPage{Frame: syncFrame("de"), Status: portal.SyncStatus{}}))
	if empty.Find(".empty").Length() != 1 || empty.Find(".chart rect").Length() != 0 || empty.Find(".held, table").Length() != 0 {
		t.Error("a synchronisation of nothing shows something")
	}
	expect(t, empty, map[string]string{"#sync-pane > .banner": "Der Abgleich läuft im Augenblick nicht.", ".cards div:nth-child(3) dd": "Nichts wartet"})
}

func TestAdminIndex(t *testing.T) {
	doc := render(t, AdminView(AdminPage{Frame: syncFrame("en"), Sync: true}))
	if got := doc.Find(`.admin-links a[href^="/admin/sync"]`).Length(); got != 9 {
		t.Errorf("%d links", got)
	}
	none := render(t, AdminView(AdminPage{Frame: syncFrame("en")}))
	if none.Find(".admin-links").Length() != 0 || none.Find(".banner").Length() == 0 {
		t.Error("a portal without a synchronisation leads to it")
	}
}

func TestSyncSettingsPage(t *testing.T) {
	v := SyncSettingsPage{
		Frame: syncFrame("en"), Checked: true, Users: []portal.CRMUser{{Address: bob, FirstName: "Bob", ExchangeID: "x"}, {Address: karl, FirstName: "Karl"}},
		Settings: portal.SyncSettings{ToCRM: true, SyncUser: bob, LogLevel: 4, KeepLog: 90, MaxShare: 20, Revision: 7, OffsetMinutes: map[string]int{"primary": 60},
			Servers: []portal.SyncServerSpec{{Name: "primary", Fixed: true, Primary: true}, {Name: "branch", URL: "https://mail.branch.test/EWS/Exchange.asmx", Auth: "ntlm", Password: "geheim", HasPassword: true}}},
		Findings: []portal.SyncFinding{{Part: "server", Name: "primary", OK: true, Kind: "ok"}, {Part: "server", Name: "branch", Kind: "password", Cause: "401"}},
	}
	doc := render(t, SyncSettingsView(v))
	expect(t, doc, map[string]string{"#findings-title": "Checked against the real servers: not all works"})
	for selector, want := range map[string]int{
		`input[name=to_crm][checked]`: 1, `input[name=to_exchange][checked]`: 0, `#sync_user option[selected][value="` + string(bob) + `"]`: 1, `#sync_user option`: 2,
		`#log_level option[value="4"][selected]`: 1, `input[name=revision][value="7"]`: 1, "fieldset.server": 3, `input[name="server.1.name"][value=branch]`: 1,
		`input[name="server.0.offset"][value="60"]`: 1, `input[name="server.0.url"]`: 0, `.findings li[data-ok=true]`: 1, `.findings li[data-ok=false] .cure`: 1, `input[type=password][value]`: 0,
		`select[name="server.1.auth"] option[value=ntlm][selected]`: 1,
	} {
		if got := doc.Find(selector).Length(); got != want {
			t.Errorf("%s: %d, want %d", selector, got, want)
		}
	}
	if html, err := doc.Html(); err != nil || strings.Contains(html, "geheim") {
		t.Errorf("the password stands on the page (%v)", err)
	}
	v.Checked, v.Faults = false, []portal.SyncFault{{Where: "max_share", Reason: "sync.settings.range", Args: map[string]string{"least": "1", "most": "100"}}, {Where: "notify_email", Reason: "crm.email"}}
	doc = render(t, SyncSettingsView(v))
	if doc.Find(".faults li").Length() != 2 || doc.Find("#fault-max_share").Text() != "The number must be between 1 and 100." || doc.Find("#findings-title").Length() != 0 {
		t.Errorf("faults: %s", doc.Find(".faults, .fault").Text())
	}
}

func TestSyncUsersPage(t *testing.T) {
	v := SyncUsersPage{
		Frame: syncFrame("en"), Planned: true, Run: portal.SyncUsersRun{State: "running", Done: 3, Of: 10, Linked: 2, Again: []portal.Address{karl}, By: string(alice), Started: en0},
		Users: []portal.CRMUser{{Address: bob, FirstName: "Bob", LastName: "Brown", ExchangeID: "guid-1", Server: "primary", Since: en0}, {Address: karl, Cleared: true, Resource: true}},
		Plan: []portal.SyncUserPlan{
			{Person: portal.Person{URI: bob, DisplayName: "Bob Brown"}, User: portal.CRMUser{FirstName: "Bob"}, Action: "none", By: "exchange-id"},
			{Person: portal.Person{URI: karl, DisplayName: "Karl"}, User: portal.CRMUser{FirstName: "Karl"}, Action: "resume", By: "email", ID: "guid-2"},
			{Person: portal.Person{URI: "sip:new@example.test", DisplayName: "New"}, Action: "create"},
			{Person: portal.Person{URI: "sip:two@example.test", DisplayName: "Two"}, Action: "ambiguous", Problem: "sync.users.ambiguous"},
		},
	}
	doc := render(t, SyncUsersView(v))
	for selector, want := range map[string]int{
		"progress[max='10'][value='3'][aria-label]": 1, `[data-every="1000"]`: 1, `form[action="/admin/sync/users/stop"]`: 1, `input[name=who][checked]`: 2, ".again li": 1,
		`tr[data-action=ambiguous] .fault`: 1, `tr[data-action=none] input`: 0, `form[action="/admin/sync/users/clear"]`: 1, ".state-mark[data-state=user-cleared]": 1,
	} {
		if got := doc.Find(selector).Length(); got != want {
			t.Errorf("%s: %d, want %d", selector, got, want)
		}
	}
	expect(t, doc, map[string]string{"tr[data-action=resume] td:nth-child(3)": "resume Karl, which was stopped by hand", ".plan .banner": "The synchronisation of one person had been stopped by hand and would go on.", "form .primary": "Run for 2 people"})
	v.Run.State = "stopped"
	if got := render(t, SyncUsersView(v)); got.Find(`input[name=resume][value="1"]`).Length() != 1 || got.Find(`[data-every="0"]`).Length() != 1 {
		t.Error("a stopped run cannot be taken up again")
	}
	empty := render(t, SyncUsersView(SyncUsersPage{Frame: syncFrame("de")}))
	if empty.Find(".empty").Length() != 1 || empty.Find("progress").Length() != 0 || empty.Find(`a[href="/admin/sync/users?plan=1"]`).Length() != 1 {
		t.Error("nobody is shown as somebody")
	}
}

func TestSyncQueuePage(t *testing.T) {
	v := SyncQueuePage{Frame: syncFrame("en"), Status: portal.SyncStatus{}, Next: 9, Jobs: []portal.SyncJob{
		{Seq: 7, Direction: portal.ToExchange, Mailbox: bob, Subject: "Offer <b>", Start: en0, State: portal.JobWaiting, Tries: 2, NotBefore: en0.Add(time.Minute), Reason: "unavailable", Cause: "503", MadeAt: en0},
		{Seq: 9, Direction: portal.ToCRM, Mailbox: karl, State: portal.JobFailed, MadeAt: en0},
	}}
	doc := render(t, SyncQueueView(v))
	expect(t, doc, map[string]string{"#job-7 th span": "Offer <b>", "#job-7 .state-mark": "to be retried", "#job-9 .state-mark": "refused", "#job-9 th span": "(private or without a subject)", "#job-7 .number": "2", "#job-7 code": "503"})
	for selector, want := range map[string]int{
		`#job-7 input[name=seq][value="7"]`: 2, `#job-7 input[name=reason][required]`: 1, `a[href="/admin/sync/queue.xml"]`: 1, `a[href="/admin/sync/queue?after=9"]`: 1,
		`form[enctype="multipart/form-data"][action="/admin/sync/queue/upload"] input[type=file]`: 1,
	} {
		if got := doc.Find(selector).Length(); got != want {
			t.Errorf("%s: %d, want %d", selector, got, want)
		}
	}
	expect(t, render(t, SyncQueueView(SyncQueuePage{Frame: syncFrame("en")})), map[string]string{".empty p": "Nothing waits: CRM and Exchange are in step."})
	expect(t, render(t, SyncQueueView(SyncQueuePage{Frame: syncFrame("en"), Filter: portal.SyncQueueFilter{State: "held"}})), map[string]string{".empty p": "Nothing in the queue fits this filter."})
}

func TestSyncLogAndConflictsPages(t *testing.T) {
	v := SyncLogPage{Frame: syncFrame("en"), From: "2026-11-20", Lines: []portal.SyncTransaction{
		{Seq: 4, At: en0, Direction: portal.ToExchange, What: "update", CRM: "crm-1", Subject: "Offer", Mailbox: bob, Before: map[string]string{"subject": "Ofer", "show": "busy"}, After: map[string]string{"subject": "Offer"}, Result: "done", Mail: true, Took: 230 * time.Millisecond, By: string(alice)},
		{Seq: 3, At: en0, What: "settings", Result: "done"},
	}}
	doc := render(t, SyncLogView(v))
	expect(t, doc, map[string]string{"#line-4 .tag": "mail", "#line-4 .state-mark": "done", "#line-4 summary": "2 fields", "#line-4 .versions tbody tr:nth-child(2) th": "Subject", "#line-4 .versions tbody tr:nth-child(2) td:nth-child(3)": "Offer", "#line-4 .number": "230 ms"})
	if doc.Find(`a[href="/admin/sync/transactions.csv?from=2026-11-20"]`).Length() != 1 || doc.Find(`a[href="/admin/sync/transactions?crm=crm-1"]`).Length() != 1 {
		t.Error("the log cannot be exported, or a record not followed")
	}
	if render(t, SyncLogView(SyncLogPage{Frame: syncFrame("de")})).Find(".empty").Length() != 1 {
		t.Error("an empty log says nothing")
	}
	page := SyncConflictsPage{Frame: syncFrame("en"), Conflicts: []portal.SyncConflict{
		{ID: "c1", At: en0, CRM: "crm-1", Subject: "Offer", Won: portal.SourceExchange, Kept: map[string]string{"when": "10:00"}, Given: map[string]string{"when": "11:00"}},
		{ID: "c2", At: en0, Won: portal.SourceCRM, TakenBack: en0, TakenBackBy: string(bob)},
	}}
	doc = render(t, SyncConflictsView(page))
	expect(t, doc, map[string]string{"#conflict-c1 thead th:nth-child(2)": "Holds: Exchange’s version", "#conflict-c1 thead th:nth-child(3)": "Given up: CRM’s version", "#conflict-c1 tbody td:nth-child(3)": "11:00"})
	if doc.Find(`#conflict-c1 form input[name=id][value=c1]`).Length() != 1 || doc.Find("#conflict-c2 form").Length() != 0 {
		t.Error("what can be taken back, and what was, are not told apart")
	}
	if render(t, SyncConflictsView(SyncConflictsPage{Frame: syncFrame("de")})).Find(".empty").Length() != 1 {
		t.Error("no conflicts say nothing")
	}
}

func TestSyncDiagnosticsPage(t *testing.T) {
	v := SyncDiagnosticsPage{Frame: syncFrame("en"), Status: statusOfTwo(), Found: map[portal.Address]portal.SyncFinding{
		bob: {Part: "mailbox", OK: true, Kind: "ok"}, karl: {Part: "mailbox", Kind: "full", Cause: "ErrorQuotaExceeded"}, "sip:x@example.test": {Part: "mailbox", Kind: "not-synced"},
	}, Lines: []portal.SyncLogLine{{Seq: 1, At: en0, Level: 1, Mailbox: bob, Text: "cannot <read>"}}}
	doc := render(t, SyncDiagnosticsView(v))
	for selector, want := range map[string]int{
		".finding": 3, ".finding[data-ok=true]": 1, ".finding .cure": 2, `#level option[value="3"][selected]`: 1, ".live-log li[data-level='1']": 1, `button[name=mailbox][value=all]`: 1, `#live-log[data-every]`: 1,
	} {
		if got := doc.Find(selector).Length(); got != want {
			t.Errorf("%s: %d, want %d", selector, got, want)
		}
	}
	if text := doc.Find(".live-log li").Text(); !strings.Contains(text, "cannot <read>") {
		t.Errorf("the log says %q", text)
	}
	empty := render(t, SyncDiagnosticsView(SyncDiagnosticsPage{Frame: syncFrame("de")}))
	if empty.Find("table, .live-log").Length() != 0 || empty.Find("#any-mailbox").Length() != 1 {
		t.Error("a page of nothing")
	}
}

func TestSyncRulesPage(t *testing.T) {
	v := SyncRulesPage{
		Frame: syncFrame("en"), Revision: 3, Direction: portal.ToCRM, Sample: "crm-1", Samples: []RuleSample{{ID: "crm-1", Subject: "Offer"}},
		Rules:   []RuleRow{{Name: "Mark", On: true, Direction: portal.ToExchange, Private: "no", Subject: RuleText{Prefix: "[CRM] "}, SetShow: "free"}, {Name: "Drop", LeaveOut: true}},
		Notice:  Notice{Faults: []portal.SyncFault{{Where: "1.when.subject_matches", Reason: "sync.rules.pattern"}}},
		Preview: &portal.SyncRulesPreview{Direction: portal.ToCRM, Before: map[string]string{"subject": "Offer"}, After: map[string]string{"subject": "[CRM] Offer"}, By: []portal.SyncRuleTrace{{Rule: "Mark", Did: []string{"subject"}}, {Rule: "Idle"}}},
	}
	doc := render(t, SyncRulesView(v))
	for selector, want := range map[string]int{
		"fieldset.rule": 2, `input[name="rule.0.name"][value=Mark]`: 1, `input[name="rule.0.on"][checked]`: 1, `input[name="rule.1.on"][checked]`: 0, `select[name="rule.0.private"] option[value=no][selected]`: 1,
		`input[name="rule.0.subject.prefix"][value="[CRM] "]`: 1, `select[name="rule.0.set_show"] option[value=free][selected]`: 1, `input[name="rule.1.leave_out"][checked]`: 1, "#rule-1 > .fault": 1, "#rule-0 > .fault": 0,
		`#try-direction option[value="exchange-to-crm"][selected]`: 1, `#sample option[value="crm-1"][selected]`: 1, `#sample option`: 2, `button[name=do][value=preview]`: 1, "#rules-preview .trace li": 2,
	} {
		if got := doc.Find(selector).Length(); got != want {
			t.Errorf("%s: %d, want %d", selector, got, want)
		}
	}
	expect(t, doc, map[string]string{"#rules-preview .versions td:nth-child(3)": "[CRM] Offer"})
	v.AsText, v.JSON, v.Preview.LeftOut = true, "[]", true
	doc = render(t, SyncRulesView(v))
	if doc.Find("#rules-json").Text() != "[]" || doc.Find("fieldset.rule").Length() != 0 || doc.Find("#rules-preview .versions").Length() != 0 || doc.Find("#rules-preview .banner").Length() != 1 {
		t.Error("the rules as text are not whole")
	}
	if render(t, SyncRulesView(SyncRulesPage{Frame: syncFrame("de")})).Find(".empty").Length() != 1 {
		t.Error("no rules say nothing")
	}
}

func TestHooksPages(t *testing.T) {
	hook := portal.HookEndpoint{ID: "h1", Name: "Other CRM", URL: "https://crm.example.test/hook", Private: true, Active: true, Version: 2, Secret: []byte("sealed")}
	v := HooksPage{Frame: syncFrame("en"), Hooks: []HookRow{{hook, "2", "0"}, {portal.HookEndpoint{ID: "h2", Name: "Sender"}, "0", "100+"}}, Made: hook, Secret: "whsec_once"}
	doc := render(t, HooksView(v))
	expect(t, doc, map[string]string{"#secret-title": "Secret of Other CRM", "#hook-h2 .address": "only sends", "#hook-h1 .number": "2"})
	if got := doc.Find("#secret[readonly]").AttrOr("value", ""); got != "whsec_once" {
		t.Errorf("the secret is %q", got)
	}
	v.Secret = ""
	if html, err := render(t, HooksView(v)).Html(); err != nil || strings.Contains(html, "whsec") || strings.Contains(html, "sealed") {
		t.Error("the secret is shown again")
	}
	if render(t, HooksView(HooksPage{Frame: syncFrame("de")})).Find(".empty").Length() != 1 {
		t.Error("no webhooks say nothing")
	}
	d := DeliveriesPage{Frame: syncFrame("en"), Hook: hook, State: "failed", Next: 5, Deliveries: []portal.HookDelivery{
		{Seq: 6, Type: "appointment.updated", Key: "crm-1", State: portal.HookFailed, Tries: 20, Status: 500, Reason: "gave up", MadeAt: en0, DoneAt: en0},
		{Seq: 5, Type: "person.created", State: portal.HookWaiting, NotBefore: en0, MadeAt: en0},
	}}
	doc = render(t, DeliveriesView(d))
	expect(t, doc, map[string]string{"#delivery-6 code": "appointment.updated", "#delivery-6 .state-mark": "given up", "#delivery-6 td:nth-child(3) .muted": "answer 500"})
	if doc.Find(`a[href="/admin/sync/hooks/h1?before=5&state=failed"]`).Length() != 1 || doc.Find(`button[value=resend]`).Length() != 2 {
		t.Error("deliveries cannot be followed or sent again")
	}
	if render(t, DeliveriesView(DeliveriesPage{Frame: syncFrame("de"), Hook: hook})).Find(".empty").Length() != 1 {
		t.Error("no deliveries say nothing")
	}
}

// The pages of administration hold to the same rules as all others, in both languages.
func TestSyncPagesNeedNoInlineRights(t *testing.T) {
	for _, locale := range []string{"en", "de"} {
		f := syncFrame(locale)
		for name, c := range map[string]templ.Component{
			"overview": SyncView(SyncPage{Frame: f, Status: statusOfTwo()}), "settings": SyncSettingsView(SyncSettingsPage{Frame: f, Settings: portal.SyncSettings{Servers: []portal.SyncServerSpec{{Name: "x"}}}}),
			"users": SyncUsersView(SyncUsersPage{Frame: f}), "queue": SyncQueueView(SyncQueuePage{Frame: f}), "log": SyncLogView(SyncLogPage{Frame: f}), "conflicts": SyncConflictsView(SyncConflictsPage{Frame: f}),
			"diagnostics": SyncDiagnosticsView(SyncDiagnosticsPage{Frame: f, Status: statusOfTwo()}), "rules": SyncRulesView(SyncRulesPage{Frame: f, Rules: []RuleRow{{Name: "a"}, {Name: "b"}}}), "hooks": HooksView(HooksPage{Frame: f}),
		} {
			doc := render(t, c)
			wellFormed(t, locale+" "+name, doc)
		}
	}
}
