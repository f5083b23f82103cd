package web

import (
	"testing"

	"portico/app/diagnosis"
	"portico/app/portal"
)

// TestTheDeskInChromium is administration and diagnosis in a real browser; all share one, as in TestInChromium.
func TestTheDeskInChromium(t *testing.T) {
	ctx := startChromium(t)
	for _, test := range []struct {
		name string
		run  func(*testing.T, *chromium)
	}{
		{"PoliciesInTheBrowser", policiesInTheBrowser},
		{"AnotherAdministratorSeesIt", anotherAdministratorSeesIt},
		{"PoliciesWithoutScript", policiesWithoutScript},
		{"DiagnosisInTheBrowser", diagnosisInTheBrowser},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, &chromium{t: t, ctx: ctx}) })
	}
}

// busyDesk fills the house's administration and diagnosis with something of everything.
func busyDesk(h *house) {
	t := h.t
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	g, err := h.admin.PutGroup(t.Context(), alice, portal.PolicyGroup{Name: "Field sales", Rank: 5, Members: []portal.Address{bob, carol}, Departments: []string{"Sales"}})
	must(err)
	h.rule(portal.DisableIM, portal.ScopeEveryone, "", "off")
	h.rule(portal.DisableIM, portal.ScopeGroup, g.ID, "on")
	h.rule(portal.DisableIM, portal.ScopePerson, string(carol), "off")
	h.rule(portal.MaxFileSize, portal.ScopeEveryone, "", "25MB")
	h.facts.with(func(f *fakeFacts) {
		f.files, f.facts = map[string]string{"https://states.example.test/states.xml": fourStates}, wellKnown(t)
	})
	h.rule(portal.CustomStateURL, portal.ScopeGroup, g.ID, "https://states.example.test/states.xml")
	must(h.admin.UploadCustomStates(t.Context(), alice, []byte(fourStates)))
	must(h.admin.AllowOrigin(t.Context(), alice, "https://intranet.example.test"))
	h.incident(portal.Incident{Who: alice, Part: portal.PartSIP, Cause: "line.down", Detail: "dial tcp 192.0.2.1:5060: connect: connection refused"})
	h.incident(portal.Incident{Who: alice, Part: portal.PartSIP, Good: true, Cause: "line.up"})
	h.incident(portal.Incident{Who: bob, Part: portal.PartSignin, Cause: "signin.wrong", Remote: "192.0.2.7", Times: 3})
	_, err = h.diagnosis.StartTrace(alice, diagnosis.MaxTrace)
	must(err)
	h.facts.said(alice, portal.Traffic{At: wednesday(t), Protocol: "sip", Sent: true, Peer: "127.0.0.1:5060", Text: "REGISTER sip:example.test SIP/2.0\r\nTo: <sip:alice@example.test>\r\nExpires: 600\r\n\r\n"})
	h.facts.said(alice, portal.Traffic{At: wednesday(t), Protocol: "sip", Peer: "127.0.0.1:5060", Text: "SIP/2.0 200 OK\r\nServer: kamailio\r\n\r\n"})
	h.facts.said(alice, portal.Traffic{At: wednesday(t), Protocol: "ews", Peer: "mail.example.test", Text: "HTTP/1.1 503 Service Unavailable\r\n\r\n"})
}

// policiesInTheBrowser goes through the pages as an administrator does.
func policiesInTheBrowser(t *testing.T, c *chromium) {
	h := newHouse(t, at(wednesday(t)))
	a := c.visitor(h)
	a.size(1280, 900)
	a.signIn(alice, "/admin")
	a.connected()
	a.follow(`main a[href="/admin/policies"]`)
	a.follow(`a[href="/admin/policies/DisableIM"]`)
	a.eval(`document.querySelector("#rule-everyone-value").value = "on"`)
	a.follow(`#rule-everyone button`)
	a.prints("it is set", "It holds.")
	a.eval(`(() => { const q = document.querySelector("#rule-person-who"); q.value = "bro"; q.dispatchEvent(new Event("input", { bubbles: true })); })()`)
	a.until("people are offered while one types", `!!document.querySelector('#rule-person-who-found option[value="bob@example.test"]')`)
	a.eval(`document.querySelector("#rule-person-who").value = "bob@example.test"`)
	a.follow(`#rule-person button`)
	a.prints("whom it is set for", "Bob Brown")
	a.follow(`tr[data-scope=person] button.danger`)
	a.prints("it is removed", "It is removed")

	a.open("/admin/policies/groups")
	a.eval(`document.querySelector("#group-new-name").value = "Sales"`)
	a.follow(`form.filter button`)
	a.eval(`document.querySelector("#group-find").value = "carol"`)
	a.follow(`form[role=search] button`)
	a.eval(`document.querySelector(".group-found input").checked = true`)
	a.follow(`.group-found button`)
	a.prints("who is in the group", "Carol Clark")
	a.open("/admin/policies/person?q=carol")
	a.prints("what holds for somebody", "What holds for Carol Clark")
	a.open("/admin/policies/changes")
	a.prints("the record", "Alice Adams")
	a.untroubled()
}

// anotherAdministratorSeesIt: what is changed elsewhere comes by itself, and what somebody types meanwhile stays.
func anotherAdministratorSeesIt(t *testing.T, c *chromium) {
	h := newHouse(t, at(wednesday(t)))
	a := c.visitor(h)
	a.signIn(alice, "/admin/policies/MaxFileSize")
	a.connected()
	a.eval(`(() => { const v = document.querySelector("#rule-person-who"); v.value = "someb"; v.dispatchEvent(new Event("input", { bubbles: true })); })()`)
	h.rule(portal.MaxFileSize, portal.ScopePerson, string(bob), "30MB")
	a.until("the rule of the other", `document.querySelector("#policy-pane tr[data-scope=person] input[name=value]")?.value === "30MB"`)
	a.until("what was typed", `document.querySelector("#rule-person-who").value === "someb"`)
	a.open("/diagnostics")
	a.connected()
	h.rule(portal.DisableIM, portal.ScopeEveryone, "", "on")
	a.until("the policy in one's own diagnosis", `[...document.querySelectorAll("#facts-pane tr")].some((tr) => /^\s*DisableIM\s+on/.test(tr.innerText))`)
	a.untroubled()
}

// policiesWithoutScript: forms and links are enough.
func policiesWithoutScript(t *testing.T, c *chromium) {
	h := newHouse(t, at(wednesday(t)))
	busyDesk(h)
	a := c.visitor(h)
	a.withoutScript()
	a.signIn(alice, "/admin/policies/DisablePresenceNote")
	a.press(`#rule-everyone button`)
	a.until("it is set", `document.querySelector(".banner.ok")?.innerText.includes("It holds.")`)
	if !h.admin.InForce(bob).DisablePresenceNote {
		t.Error("it does not hold")
	}
	a.open("/diagnostics")
	a.until("the diagnosis", `document.querySelector("#live-facts").hidden && !!document.querySelector(".traffic summary") && !!document.querySelector(".incidents li")`)
	a.press(`button[name=do][value=stop]`)
	a.until("the trace is off", `!!document.querySelector("#trace-minutes")`)
	if h.diagnosis.Traced(alice).On {
		t.Error("the trace goes on")
	}
}

// diagnosisInTheBrowser: what only the browser knows, and a trace that grows while one looks.
func diagnosisInTheBrowser(t *testing.T, c *chromium) {
	h := newHouse(t, at(wednesday(t)))
	busyDesk(h)
	a := c.visitor(h)
	a.size(1280, 900)
	a.signIn(alice, "/diagnostics")
	a.connected()
	a.until("the live connection", `document.querySelector("#live-facts [data-fact=way]").textContent === "WebSocket" && document.querySelector("[data-fact=breaks]").textContent === "0"`)
	a.eval(`document.querySelector(".traffic details").open = true`)
	h.facts.said(alice, portal.Traffic{At: wednesday(t), Protocol: "sip", Peer: "127.0.0.1:5060", Text: "OPTIONS sip:alice@example.test SIP/2.0\r\n\r\n"})
	a.until("the new message", `document.querySelector(".traffic .first").textContent.startsWith("OPTIONS")`)
	a.eval(`window.copied = ""; Object.defineProperty(navigator, "clipboard", { value: { writeText: async (text) => { window.copied = text } } })`)
	a.press(`[data-copies]`)
	a.until("the text is copied", `window.copied.includes("SIP address: sip:alice@example.test") && window.copied.includes("Way: WebSocket")`)
	a.until("and that is said", `document.querySelector("#announce").textContent === "Copied"`)
	a.untroubled()
}
