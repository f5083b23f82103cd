package web

import (
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"

	"portico/app/portal"
)

// TestControlPanelInChromium is the control panel and CRM in a real browser; all share one, as in TestInChromium.
func TestControlPanelInChromium(t *testing.T) {
	ctx := startChromium(t)
	for _, test := range []struct {
		name string
		run  func(*testing.T, *chromium)
	}{
		{"EachItemOfThePanelShowsAndPrintsWhatWasAsked", eachItemOfThePanel},
		{"FiguresComeByThemselves", figuresComeByThemselves},
		{"CRMInTheBrowser", crmInTheBrowser},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, &chromium{t: t, ctx: ctx}) })
	}
}

// busyPanel fills the house's synchronisation with something of everything.
func busyPanel(h *house) {
	h.works(bob)
	h.sync.with(func(f *fakeSync) {
		f.status.Mailboxes = []portal.MailboxStatus{{Mailbox: bob, Name: "Bob Brown", Server: "primary", State: portal.MailboxHeld}, {Mailbox: carol, Name: "Carol Clark", State: portal.MailboxInStep, Items: 7}}
		f.status.Minutes = []portal.SyncMinute{{At: wednesday(h.t), ToExchange: 5, LagMedian: 200 * time.Millisecond, LagP99: 900 * time.Millisecond}}
		f.jobs, f.found[bob] = someJobs(), portal.SyncFinding{Part: "mailbox", Kind: "full"}
		f.lines = []portal.SyncLogLine{{Seq: 1, At: wednesday(h.t), Level: 2, Mailbox: bob, Text: "carried an update"}}
		f.log = []portal.SyncTransaction{{Seq: 1, At: wednesday(h.t), Direction: portal.ToExchange, What: "update", CRM: "crm-1", Subject: "Offer", Before: map[string]string{"subject": "Ofer"}, After: map[string]string{"subject": "Offer"}, Result: "done"}}
		f.conflicts = []portal.SyncConflict{{ID: "c1", At: wednesday(h.t), CRM: "crm-1", Subject: "Offer", Won: "crm", Kept: map[string]string{"location": "Room 1"}, Given: map[string]string{"location": "Room 2"}}}
		f.plan = []portal.SyncUserPlan{{Person: portal.Person{URI: carol, DisplayName: "Carol Clark"}, Action: "link", By: "email", ID: "guid-3", Server: "primary"}}
		f.findings = []portal.SyncFinding{{Part: "server", Name: "primary", OK: true, Kind: "ok"}}
	})
}

// prints waits until the page, as a printer gets it, holds a text.
func (b *tab) prints(what, text string) {
	b.t.Helper()
	command(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"})
	b.until(what, `document.readyState === "complete" && document.querySelector("main")?.innerText.includes(`+quote(text)+`)`)
	command(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: ""})
}

// follow presses what leads to another page, or to the same one anew, and waits until that is there.
func (b *tab) follow(selector string) {
	b.t.Helper()
	b.eval(`document.body.dataset.old = "1"`)
	b.press(selector)
	b.until("the page after "+selector, `document.readyState === "complete" && !document.body.dataset.old && !!document.querySelector("main h1")`)
}

// eachItemOfThePanel goes through the panel as an administrator does.
func eachItemOfThePanel(t *testing.T, c *chromium) {
	h := newHouse(t, at(wednesday(t)))
	busyPanel(h)
	a := c.visitor(h)
	a.size(1280, 900)
	a.signIn(alice, "/admin")
	a.connected()
	a.follow(`main a[href="/admin/sync"]`)
	a.prints("the overview", "In the last hour 5 to Exchange")
	a.follow(`.held button[value=restore]`)
	eventually(t, "the decision arrives", func() bool { return h.sync.done() != "" })

	a.open("/admin/sync/settings")
	a.eval(`document.querySelector("#max_share").value = "33"`)
	a.follow(`button[name=do][value=save]`)
	a.prints("the settings are saved and checked", "Checked against the real servers: all works")

	a.open("/admin/sync/users?plan=1")
	a.prints("the preview", "link with")
	a.follow(`.plan button.primary`)
	a.prints("the run", "Running: 0 of 1")
	a.follow(`form[action="/admin/sync/users/stop"] button`)
	a.prints("it is stopped", "Stopped after 0 of 1")

	a.open("/admin/sync/queue")
	a.prints("the queue", "Offer")
	a.eval(`document.querySelector("#discard-3").open = true`)
	a.eval(`document.querySelector("#discard-reason-3").value = "moved by hand"`)
	a.follow(`#discard-3 button`)
	a.prints("it is discarded", "It is discarded; the reason stands in the transaction log.")

	a.open("/admin/sync/transactions?q=Offer")
	a.eval(`document.querySelector("#line-changes-1").open = true`)
	a.prints("before and after", "Ofer")

	a.open("/admin/sync/conflicts")
	a.prints("both versions", "Room 2")
	a.follow(`#conflict-c1 button`)
	a.prints("it is taken back", "The other version holds now")

	a.open("/admin/sync/diagnostics")
	a.prints("the live log", "carried an update")
	a.follow(`button[name=mailbox][value="bob@example.test"]`)
	a.prints("cause and cure", "The mailbox is full.")

	a.open("/admin/sync/rules")
	a.follow(`button[name=do][value=add]`)
	a.until("a rule", `!!document.querySelector("[name='rule.0.name']")`)
	a.eval(`(document.querySelector("[name='rule.0.name']").value = "Mark", document.querySelector("[name='rule.0.subject.prefix']").value = "[CRM] ", document.querySelector("select#sample").value = "crm-1")`)
	a.follow(`button[name=do][value=preview]`)
	a.prints("the preview of a rule", "[CRM] Offer")
	a.follow(`button[name=do][value=save]`)
	a.prints("the rules are saved", "The rules are saved")

	a.open("/admin/sync/hooks")
	a.eval(`(document.querySelector("#hook-name-new").value = "Other CRM")`)
	a.follow(`#hook-new button`)
	a.prints("the secret, once", "Secret of Other CRM")
	a.untroubled()
}

// figuresComeByThemselves: what no event tells of is read again while somebody looks.
func figuresComeByThemselves(t *testing.T, c *chromium) {
	h := newHouse(t, at(wednesday(t)))
	h.sync.with(func(f *fakeSync) { f.run = portal.SyncUsersRun{State: "running", Done: 1, Of: 4} })
	a := c.visitor(h)
	a.signIn(alice, "/admin/sync/users")
	a.until("the run", `document.querySelector("progress")?.value === 1`)
	h.sync.with(func(f *fakeSync) { f.run.Done = 3 })
	a.until("it got further", `document.querySelector("progress")?.value === 3`)
	h.sync.with(func(f *fakeSync) { f.run.State, f.run.Done = "done", 4 })
	a.until("it has ended, and is not asked for any more", `document.querySelector("#users-run [data-every]")?.dataset.every === "0"`)
	a.untroubled()
}

// crmInTheBrowser: people are found while one types, and a card takes a quick appointment.
func crmInTheBrowser(t *testing.T, c *chromium) {
	h := newHouse(t, at(wednesday(t)))
	company, person := h.acme()
	a := c.visitor(h)
	a.size(1280, 900)
	a.signIn(alice, "/crm?kind=companies")
	a.connected()
	a.eval(`(() => { const q = document.querySelector("#crm-query"); q.value = "zz"; q.dispatchEvent(new Event("input", { bubbles: true })); })()`)
	a.until("nothing is found", `document.querySelectorAll("#crm-found li").length === 0`)
	a.eval(`(() => { const q = document.querySelector("#crm-query"); q.value = "a"; q.dispatchEvent(new Event("input", { bubbles: true })); })()`)
	a.until("the company from its first letter on", `!!document.querySelector('#crm-found a[href="/crm/companies/`+company.ID+`"]')`)
	a.open("/crm/people/" + person.ID)
	a.eval(`document.querySelector("#quick-crm").value = "Offer tomorrow 10:00-11:00"`)
	a.follow(".quick-crm button")
	a.until("it stands on the card", `document.querySelector(".crm-entries")?.innerText.includes("Offer")`)
	a.untroubled()
}
