package web

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"portico/app/portal"
)

const policiesAPI = "/api/v1/admin/policies"

func TestPoliciesByAPI(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	a, b := h.signIn(alice), h.signIn(bob)
	var all policiesJSON
	a.call("GET", policiesAPI, nil, 200).into(&all)
	if len(all.Definitions) != 16 || len(all.Rules) != 0 || len(all.Groups) != 0 {
		t.Errorf("at first: %d, %v, %v", len(all.Definitions), all.Rules, all.Groups)
	}
	everyone, forBob := portal.PolicyScope{Kind: "everyone"}, portal.PolicyScope{Kind: "person", Who: "bob@example.test"}
	set := func(name string, scope portal.PolicyScope, value string, status int) *reply {
		return a.call("PUT", policiesAPI+"/rules/"+name, map[string]any{"scope": scope, "value": value}, status)
	}
	set(portal.DisableIM, everyone, "true", 204)
	set(portal.DisableIM, forBob, "off", 204)
	set(portal.DisableIM, everyone, "perhaps", 400).problem("policy.value")
	set(portal.DisableIM, portal.PolicyScope{Kind: "group", Who: "gone"}, "on", 404).problem("policy.no-group")
	set("Nonsense", everyone, "on", 404).problem("not-found")
	set(portal.GalDownloadInitialDelay, forBob, "15m", 400).problem("policy.scope")
	a.call("PUT", policiesAPI+"/rules/DisableIM", `{"scope":{"kind":"everyone"}}`, 400).problem("policy.value")
	a.call("GET", policiesAPI, nil, 200).into(&all)
	if len(all.Rules) != 2 || all.Rules[0].Value != "on" || all.Rules[1].Scope.Who != string(bob) || all.Rules[1].By != alice {
		t.Errorf("the rules: %+v", all.Rules)
	}
	for who, want := range map[string]string{"": "on everyone", "bob@example.test": "off person", "carol@example.test": "on everyone"} {
		var decided []portal.Decision
		query := ""
		if who != "" {
			query = "?uri=" + who
		}
		a.call("GET", policiesAPI+"/effective"+query, nil, 200).into(&decided)
		got := ""
		for _, d := range decided {
			if d.Name == portal.DisableIM {
				got = d.Value + " " + d.From.Kind
			}
		}
		if got != want {
			t.Errorf("for %q it is %q", who, got)
		}
	}
	a.call("GET", policiesAPI+"/effective?uri=nonsense", nil, 400)
	a.call("DELETE", policiesAPI+"/rules/DisableIM", nil, 204)
	a.call("DELETE", policiesAPI+"/rules/DisableIM?kind=person&who=bob@example.test", nil, 204)
	var changes []portal.PolicyChange
	a.call("GET", policiesAPI+"/changes?limit=3", nil, 200).into(&changes)
	if len(changes) != 3 || changes[0].Before != "off" || changes[0].After != "" || changes[0].By != alice {
		t.Errorf("the record: %+v", changes)
	}
	a.call("GET", policiesAPI+"/changes?before="+strconv.FormatInt(changes[2].Seq, 10), nil, 200).into(&changes)
	if len(changes) != 1 || changes[0].After != "on" {
		t.Errorf("the older record: %+v", changes)
	}
	b.call("GET", policiesAPI, nil, 403).problem("forbidden")
	b.call("PUT", policiesAPI+"/rules/DisableIM", map[string]any{"scope": everyone, "value": "on"}, 403)
	h.guest().call("GET", policiesAPI, nil, 401)
}

func TestPolicyGroupsByAPI(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	a := h.signIn(alice)
	var g portal.PolicyGroup
	a.call("POST", policiesAPI+"/groups", map[string]any{"name": "Sales", "departments": []string{"Sales"}}, 201).into(&g)
	if g.ID == "" || g.Rank != usualRank || len(g.Members) != 0 {
		t.Errorf("made: %+v", g)
	}
	path := policiesAPI + "/groups/" + url.PathEscape(g.ID)
	a.call("PUT", path, map[string]any{"name": "Sales", "rank": 3, "members": []string{"carol@example.test"}}, 200).into(&g)
	if g.Rank != 3 || len(g.Members) != 1 || len(g.Departments) != 0 {
		t.Errorf("replaced: %+v", g)
	}
	a.call("POST", policiesAPI+"/groups", map[string]any{"name": "sales"}, 400).problem("policy.group-twice")
	a.call("PUT", path, map[string]any{"name": "Sales", "members": []string{"nonsense"}}, 400)
	a.call("DELETE", path, nil, 204)
	a.call("DELETE", path, nil, 404).problem("policy.no-group")
	a.call("PUT", path, map[string]any{"name": "Sales"}, 404).problem("policy.no-group")
}

func TestPoliciesAreCarriedByAPI(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	a := h.signIn(alice)
	h.rule(portal.DisableIM, portal.ScopeEveryone, "", "on")
	file := a.call("GET", policiesAPI+"/export", nil, 200).body
	h.rule(portal.DisableIM, portal.ScopeEveryone, "", "off")
	var changes []portal.PolicyChange
	a.call("POST", policiesAPI+"/import?dry=true", string(file), 200).into(&changes)
	if len(changes) != 1 || h.admin.InForce(bob).DisableIM {
		t.Fatalf("a dry import: %+v, in force: %v", changes, h.admin.InForce(bob).DisableIM)
	}
	a.call("POST", policiesAPI+"/import", string(file), 200)
	if !h.admin.InForce(bob).DisableIM {
		t.Error("what the file says does not hold")
	}
	a.call("POST", policiesAPI+"/import?dry=true", `{"format":"portico-policies","version":99}`, 400).problem("policy.import-version")
	a.call("POST", policiesAPI+"/import?dry=perhaps", string(file), 400)
	a.with("Content-Type", "text/plain").call("POST", policiesAPI+"/import", string(file), 415)
}

func TestCustomStatesByAPI(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	a := h.signIn(alice).with("Content-Type", "application/xml")
	a.call("PUT", "/api/v1/admin/custom-states", fourStates, 204)
	var sets []portal.CustomStates
	a.call("GET", "/api/v1/admin/custom-states", nil, 200).into(&sets)
	if len(sets) != 1 || len(sets[0].States) != 4 || sets[0].States[0].Texts.For(1031) != "Heimarbeit" || sets[0].By != alice {
		t.Errorf("the sets: %+v", sets)
	}
	p := a.call("PUT", "/api/v1/admin/custom-states", "<customStates>\n<oops/>\n<customState ID=\"7\" availability=\"busy\"/></customStates>", 400).problem("invalid")
	if len(p.Errors) < 2 || p.Errors[0].Where != "line 2" || !strings.HasPrefix(p.Errors[0].Detail, "Line 2: ") {
		t.Errorf("what is wrong: %+v", p.Errors)
	}
	a.call("PUT", "/api/v1/admin/custom-states", `<!DOCTYPE x [<!ENTITY a "b">]><customStates>&a;</customStates>`, 400)
	a.call("PUT", "/api/v1/admin/custom-states", strings.Repeat("x", 70<<10), 413).problem("too-large")
	h.signIn(alice).call("PUT", "/api/v1/admin/custom-states", fourStates, 415)
	a.call("DELETE", "/api/v1/admin/custom-states", nil, 204)
	a.call("GET", "/api/v1/admin/custom-states", nil, 200).into(&sets)
	if len(sets) != 0 {
		t.Errorf("dropped: %+v", sets)
	}
	h.signIn(bob).call("DELETE", "/api/v1/admin/custom-states", nil, 403)
}

func TestOriginsAndBooksByAPI(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	a := h.signIn(alice)
	a.call("POST", "/api/v1/admin/origins", map[string]string{"origin": "https://intranet.example.test"}, 204)
	a.call("POST", "/api/v1/admin/origins", map[string]string{"origin": "javascript:x"}, 400).problem("policy.origin")
	var origins []portal.Origin
	a.call("GET", "/api/v1/admin/origins", nil, 200).into(&origins)
	if len(origins) != 1 || origins[0].By != alice {
		t.Errorf("%+v", origins)
	}
	a.call("DELETE", "/api/v1/admin/origins?origin="+url.QueryEscape("https://intranet.example.test"), nil, 204)
	a.call("GET", "/api/v1/admin/origins", nil, 200).into(&origins)
	if len(origins) != 0 {
		t.Errorf("%+v", origins)
	}
	var books []portal.BookState
	a.call("POST", "/api/v1/admin/book/refresh", nil, 200).into(&books)
	if len(books) != 1 || books[0].People != 3 || books[0].Failed != "" {
		t.Errorf("%+v", books)
	}
	a.call("GET", "/api/v1/admin/book", nil, 200)
	h.signIn(bob).call("POST", "/api/v1/admin/book/refresh", nil, 403)
}

func TestDiagnosisByAPI(t *testing.T) {
	var log buffer
	h := newHouse(t, at(wednesday(t)), func(s *settings) { s.logger = slog.New(slog.NewJSONHandler(&log, nil)) })
	a, b := h.signIn(alice), h.signIn(bob)
	h.facts.with(func(f *fakeFacts) { f.facts = wellKnown(t) })
	var facts factsJSON
	b.call("GET", "/api/v1/diagnostics", nil, 200).into(&facts)
	if facts.URI != bob || facts.Version != "1.6.0" || len(facts.Line.Subscriptions) != 4 || len(facts.Policies) != 16 || len(facts.Books) != 1 || facts.Contacts.Place != "server" {
		t.Errorf("%+v", facts)
	}
	h.incident(portal.Incident{Who: bob, Part: portal.PartSignin, Cause: "signin.wrong", Remote: "192.0.2.7"})
	var lines []incidentJSON
	b.call("GET", "/api/v1/diagnostics/events", nil, 200).into(&lines)
	if len(lines) != 1 || lines[0].Text != "The SIP address or the password is wrong." || lines[0].Cure == "" || lines[0].URI != bob {
		t.Errorf("%+v", lines)
	}
	for _, who := range []string{"bob@example.test", everybody} {
		a.call("GET", "/api/v1/diagnostics/events?who="+who, nil, 200).into(&lines)
		if len(lines) != 1 {
			t.Errorf("%s: %+v", who, lines)
		}
	}
	if got := strings.Count(log.String(), `"msg":"log of problems read"`); got != 2 {
		t.Errorf("that an administrator reads somebody's log is logged %d times", got)
	}
	b.call("GET", "/api/v1/diagnostics/events?who=alice@example.test", nil, 403).problem("forbidden")
	b.call("GET", "/api/v1/diagnostics/events?who="+everybody, nil, 403).problem("forbidden")
	b.call("GET", "/api/v1/diagnostics/events?who=x", nil, 400)

	var trace traceJSON
	b.call("POST", "/api/v1/diagnostics/trace", map[string]int{"minutes": 5}, 200)
	b.call("POST", "/api/v1/diagnostics/trace", map[string]int{"minutes": 600}, 400).problem("diagnosis.minutes")
	h.facts.said(bob, portal.Traffic{At: wednesday(t), Protocol: "ews", Peer: "mail.example.test", Text: "HTTP/1.1 200 OK"})
	b.call("GET", "/api/v1/diagnostics/trace", nil, 200).into(&trace)
	if !trace.On || len(trace.Traffic) != 1 || trace.Until.IsZero() {
		t.Errorf("%+v", trace)
	}
	a.call("GET", "/api/v1/diagnostics/trace", nil, 200).into(&trace)
	if trace.On || len(trace.Traffic) != 0 {
		t.Errorf("an administrator sees a trace of somebody else: %+v", trace)
	}
	if text := b.call("GET", "/api/v1/diagnostics/trace.txt", nil, 200).body; !bytes.Contains(text, []byte("HTTP/1.1 200 OK")) {
		t.Errorf("%s", text)
	}
	b.call("DELETE", "/api/v1/diagnostics/trace", nil, 204)
	b.call("DELETE", "/api/v1/diagnostics/trace?forget=true", nil, 204)
	b.call("DELETE", "/api/v1/diagnostics/trace?forget=perhaps", nil, 400)
	b.call("GET", "/api/v1/diagnostics/trace", nil, 200).into(&trace)
	if trace.On || len(trace.Traffic) != 0 {
		t.Errorf("%+v", trace)
	}
}

// What holds for the person stands in what the API tells of them.
func TestMeTellsThePolicies(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	h.rule(portal.DisableIM, portal.ScopePerson, string(bob), "on")
	h.rule(portal.MaxFileSize, portal.ScopeEveryone, "", "25MB")
	var me portal.Me
	h.signIn(bob).call(http.MethodGet, "/api/v1/me", nil, 200).into(&me)
	for name, want := range map[string]any{portal.DisableIM: true, portal.DisablePresenceNote: false, portal.EnableAppearOffline: true, portal.MaxFileSize: "25MB", portal.ThinSessions: "choose"} {
		if me.Policies[name] != want {
			t.Errorf("%s is %v, want %v", name, me.Policies[name], want)
		}
	}
}

// What an administrator decides is logged: who, what, for whom, and whether it was refused.
func TestDecisionsAreLogged(t *testing.T) {
	var log buffer
	h := newHouse(t, at(wednesday(t)), func(s *settings) { s.logger = slog.New(slog.NewJSONHandler(&log, nil)) })
	a := h.browse(alice)
	a.submit("/admin/policies/DisableIM", "do", "set", "kind", "person", "scope", string(bob), "value", "on")
	a.submit("/admin/policies/DisableIM", "do", "set", "kind", "everyone", "value", "perhaps")
	a.submit("/admin/origins", "do", "allow", "origin", "https://intranet.example.test")
	a.call(http.MethodGet, "/admin/signins?who=bob@example.test", nil, 200)
	for _, line := range []string{
		`"msg":"policy set","person":"sip:alice@example.test","policy":"DisableIM","scope":"person","about":"sip:bob@example.test","value":"on"`,
		`"msg":"policy set refused"`, `"msg":"origin of presence buttons: allow"`, `"msg":"log of problems read","person":"sip:alice@example.test","about":"sip:bob@example.test"`,
	} {
		if !strings.Contains(log.String(), line) {
			t.Errorf("the log has no %s:\n%s", line, log.String())
		}
	}
}
