package web

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"portico/app/portal"
)

// CRM and synchronisation by keys: parts of TestByKeyboardAlone. Most acts there bring a page anew; whoever did one finds the
// focus on what it says was done, and goes on from there.

// told expects that the focus is on the sentence about what was done, where it can be seen, and that the way goes on below.
func (k typist) told(sentence string) {
	k.t.Helper()
	k.until("told: "+sentence, `document.readyState === "complete" && document.activeElement.matches(".banner.ok") && document.activeElement.innerText.includes(`+quote(sentence)+`)`)
	k.connected()
	k.at()
	k.key("\t")
	k.until("on from there", `document.querySelector("main").contains(document.activeElement) && !document.activeElement.matches(".banner, #main")`)
	k.shift("\t")
}

// goes follows the link to a page of the control panel; parts of the portal have the same names as some of them.
func (k typist) goes(path string) {
	k.t.Helper()
	here := `document.activeElement.getAttribute("href") === ` + quote(path)
	for range 150 {
		k.key("\t")
		if there, _ := k.eval(here).(bool); there {
			k.at()
			k.key("\r")
			k.until(path, `document.readyState === "complete" && document.querySelector("main .tabs [aria-current]") !== null && location.pathname === `+quote(path))
			k.connected()
			return
		}
	}
	k.t.Fatalf("Tab never comes to %s", path)
}

// presses goes to a button and presses it by a key.
func (k typist) presses(name string) {
	k.t.Helper()
	k.tabTo("button", name)
	k.key("\r")
}

// unfolds goes to what can be opened and opens it.
func (k typist) unfolds(name, details string) {
	k.t.Helper()
	k.tabTo("summary", name)
	k.key(" ")
	k.until(name+" is open", `document.querySelector(`+quote(details)+`).open`)
	k.is("the focus stays", "summary", name)
}

func keysForCustomer(t *testing.T, c *chromium) {
	h := newHouse(t, at(wednesday(t)))
	_, person := h.acme()
	company, err := h.crm.SaveCompany(t.Context(), bob, "", portal.CRMCompany{Name: "Globex", City: "Graz"})
	h.must(err)
	k := c.enters(h, alice)
	k.follows("CRM", "/crm")
	k.tabTo("searchbox", "Find people")
	k.key("ber")
	k.until("found while typing, and that is heard", `document.getElementById("announce").textContent === "1 found"`)
	k.is("the field keeps the focus", "searchbox", "Find people")
	k.follows("Eva Berger", "/crm/people/"+person.ID)

	k.tabTo("textbox", "Quick appointment")
	k.key("Offer tomorrow 10:00-11:00\r")
	k.told("The appointment is made.")
	k.tabTo("link", "Offer")
	k.key("\r")
	k.until("its page", `document.readyState === "complete" && document.getElementById("crm-section") !== null`)
	k.connected()

	k.tabTo("link", "Tie")
	k.key("\r")
	k.until("its ties", `document.readyState === "complete" && location.pathname.endsWith("/ties")`)
	k.connected()
	k.is("the field has the focus", "searchbox", "Find people and companies")
	k.key("glo")
	k.until("typed", `document.activeElement.value === "glo"`)
	k.until("the company is found", `document.querySelector("#tie-found button[name=add_company]") !== null`)
	k.is("the field keeps the focus", "searchbox", "Find people and companies")
	k.presses("Tie to Globex")
	k.until("it is tied", `document.readyState === "complete" && document.querySelector("#ties-pane")?.innerText.includes("Globex")`)
	k.connected()
	k.is("the next can be looked for", "searchbox", "Find people and companies")
	k.presses("Remove the tie to Eva Berger")
	k.until("she is no longer tied", `document.readyState === "complete" && document.querySelector("#ties-pane") !== null && !document.querySelector("#ties-pane button[name=remove_person]")`)
	k.connected()
	k.is("and so again", "searchbox", "Find people and companies")

	k.tabTo("link", "Back to the calendar")
	k.key("\r")
	k.until("the appointment", `document.readyState === "complete" && document.getElementById("crm-section") !== null`)
	k.connected()
	k.presses("Complete")
	k.told("Saved.")
	k.until("it is complete", `document.querySelector(".crm-status b").textContent === "Complete"`)

	k.follows("CRM", "/crm")
	k.follows("Eva Berger", "/crm/people/"+person.ID)
	k.writesAnAppointment(person, company)
	k.changesAndDeletes(person)
	k.untroubled()
}

// writesAnAppointment is the whole form of CRM, from the card of a person.
func (k typist) writesAnAppointment(person portal.CRMPerson, company portal.CRMCompany) {
	k.t.Helper()
	k.tabTo("link", "New CRM appointment")
	k.key("\r")
	k.until("the form", `document.readyState === "complete" && location.pathname === "/calendar/new"`)
	k.connected()
	k.is("its first field", "textbox", "Subject")
	k.key("Contract")
	k.tabTo("textbox", "Find people and companies")
	k.key("glo\r")
	k.until("Enter looks, and does not save", `document.querySelector(".crm-fields button[name=crm_add_company]") !== null`)
	k.is("the focus is on what looked", "button", "Find")
	k.presses("Globex")
	k.until("tied, and the focus in the field", `document.querySelector('.crm-fields input[name=crm_company][value="`+company.ID+`"]') !== null && document.activeElement.id === "crm-tie-query"`)
	k.presses("Remove the tie to Globex")
	k.until("not any more", `!document.querySelector('.crm-fields input[name=crm_company][value="`+company.ID+`"]') && document.activeElement.id === "crm-tie-query"`)
	k.key("glo\r")
	k.until("found again", `document.querySelector(".crm-fields button[name=crm_add_company]") !== null`)
	k.tabTo("textbox", "Find people and companies")
	k.key(kb.ArrowDown)
	k.is("the arrow goes to what was found", "button", "Globex")
	k.key("\r")
	k.until("tied again", `document.activeElement.id === "crm-tie-query"`)
	k.presses("Save")
	eventually(k.t, "it is in CRM", func() bool {
		list, err := k.h.crm.Window(k.t.Context(), alice, wednesday(k.t), wednesday(k.t).AddDate(0, 0, 3), time.UTC)
		k.h.must(err)
		for _, a := range list {
			if a.Subject == "Contract" {
				return slices.Contains(a.People, person.ID) && slices.Contains(a.Companies, company.ID)
			}
		}
		return false
	})
	k.until("the page after it", `document.readyState === "complete" && location.pathname !== "/calendar/new"`)
	k.connected()
}

// changesAndDeletes is the form of a person, and the end of it.
func (k typist) changesAndDeletes(person portal.CRMPerson) {
	k.t.Helper()
	k.follows("CRM", "/crm")
	k.follows("Eva Berger", "/crm/people/"+person.ID)
	k.follows("Change", "/crm/people/"+person.ID+"/edit")
	k.tabTo("textbox", "Title")
	k.key("Head of sales\r")
	k.until("it is on the card", `document.readyState === "complete" && location.pathname === `+quote("/crm/people/"+person.ID)+` && document.querySelector(".facts")?.innerText.includes("Head of sales")`)
	k.connected()
	k.unfolds("Delete", "#crm-remove")
	k.presses("Delete")
	k.told("It is deleted.")
}

func keysForSync(t *testing.T, c *chromium) {
	h := newHouse(t, at(wednesday(t)))
	busyPanel(h)
	k := c.enters(h, alice)
	k.follows("Admin", "/admin")
	k.goes("/admin/sync")
	k.presses("Restore: bring them back")
	k.told("The decision is carried out now.")
	if did := h.sync.done(); !strings.Contains(did, "restore") {
		t.Errorf("decided: %q", did)
	}

	k.goes("/admin/sync/settings")
	k.tabTo("textbox", "Ask before more than this share")
	k.key(kb.ArrowUp)
	k.presses("Save and check")
	k.told("The settings are saved")

	k.goes("/admin/sync/users")
	k.follows("Sync users: preview", "/admin/sync/users")
	k.until("the preview", `document.querySelector(".plan") !== null`)
	k.tabTo("checkbox", "Do it for Carol Clark")
	k.key(" ")
	k.until("not her", `!document.querySelector("[name=who]").checked`)
	k.key(" ")
	k.until("her after all", `document.querySelector("[name=who]").checked`)
	k.presses(k.text(".plan button.primary"))
	k.told("The run has begun.")
	k.presses("Stop")
	k.told("The run stops.")

	k.goes("/admin/sync/queue")
	k.unfolds("Discard", "#discard-3")
	k.tabTo("textbox", "Reason")
	k.key("moved by hand\r")
	k.told("It is discarded")

	k.tabTo("button", "Retry now: Lunch")
	k.reads(h)
	k.goes("/admin/sync/diagnostics")
	k.tabTo("textbox", "Another mailbox")
	k.key("bob@example.test\r")
	k.until("cause and cure", `document.readyState === "complete" && document.querySelector(".finding")?.innerText.includes("The mailbox is full.")`)
	k.until("and the focus is with them", `document.activeElement.matches(".finding")`)

	k.goes("/admin/sync/hooks")
	k.tabTo("textbox", "Name")
	k.key("Other CRM\r")
	k.until("the secret has the focus, to be copied", `document.activeElement.id === "secret"`)
	k.untroubled()
}

// reads has the pane that is looked at come anew, with another line above the one that has the focus: it keeps it.
func (k typist) reads(h *house) {
	k.t.Helper()
	k.eval(`(window.held = document.activeElement, 0)`)
	h.sync.with(func(f *fakeSync) {
		job := someJobs()[0]
		job.Seq, job.Subject = 1, "Came meanwhile"
		f.jobs = append([]portal.SyncJob{job}, f.jobs...)
	})
	k.until("the queue comes anew, and the focus stays", `document.getElementById("queue-pane").innerText.includes("Came meanwhile") && document.activeElement === window.held && window.held.matches("button")`)
}

func keysForConflicts(t *testing.T, c *chromium) {
	h := newHouse(t, at(wednesday(t)))
	busyPanel(h)
	k := c.enters(h, alice)
	k.follows("Admin", "/admin")
	k.goes("/admin/sync/conflicts")
	k.presses("Take the other version back")
	k.told("The other version holds now")
	k.until("who took it back is said", `document.querySelector("#conflict-c1").innerText.includes("took it back")`)
	k.tabTo("link", k.text("#conflict-c1 header a"))
	k.key("\r")
	k.until("the history of the appointment", `document.readyState === "complete" && location.pathname === "/admin/sync/transactions"`)
	k.connected()
	k.unfolds("field", "#line-changes-1")

	k.goes("/admin/sync/rules")
	k.presses("Add a rule")
	k.until("its name has the focus", `document.readyState === "complete" && document.activeElement.name === "rule.0.name"`)
	k.key("Mark")
	k.tabTo("textbox", "Put before it")
	k.key("[CRM] ")
	k.presses("Save")
	k.told("The rules are saved")
	k.untroubled()
}

// keysForRefused is what an employee does about changes that the calendar server did not take.
func keysForRefused(t *testing.T, c *chromium) {
	h := newHouse(t, at(wednesday(t)), hasty)
	api := h.signIn(alice)
	first, second := api.far("far"), api.far("further")
	h.mail.pull(true)
	api.renamed(first)
	h.refuseNext(alice)
	eventually(t, "the first is refused", func() bool { return h.failed(alice) == 1 })
	h.mail.pull(true)
	api.renamed(second)
	h.refuseNext(alice)
	eventually(t, "the second is refused", func() bool { return h.failed(alice) == 2 })
	k := c.enters(h, alice)
	k.follows("Calendar", "/calendar")
	k.follows("Look at them", "/calendar/changes")
	k.presses("Try again: Further away")
	k.until("it has arrived", `document.querySelectorAll(".banner.ok + #changes-pane .unsent > li").length === 1`)
	k.told("It is sent once more.")
	k.presses("Discard: Further away")
	k.until("nothing is left", `document.querySelector("#changes-pane .empty") !== null`)
	k.until("and that is told", `document.activeElement.matches(".banner.ok") && document.activeElement.innerText.includes("It is given up")`)
	k.untroubled()
}
