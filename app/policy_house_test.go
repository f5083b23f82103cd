package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"portico/app/portal"
)

// sets makes a policy hold for everyone, a group or a person.
func (c *client) sets(name, value, kind, who string) {
	c.t.Helper()
	c.does(http.MethodPut, "/admin/policies/rules/"+name, map[string]any{"scope": map[string]string{"kind": kind, "who": who}, "value": value}, nil)
}

// refused makes a call that must be refused for a reason.
func (c *client) refused(method, path string, in any, status int, reason string) {
	c.t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		c.t.Fatal(err)
	}
	got, detail := c.problem(method, path, body)
	if got != status || !strings.Contains(detail, `"`+reason+`"`) {
		c.t.Errorf("%s %s by %s: status %d, %s; want %d, %s", method, path, c.who, got, detail, status, reason)
	}
}

// policyValue is what holds for somebody and where it comes from.
func (c *client) policyValue(name, user string) (value, from string) {
	c.t.Helper()
	var all []struct {
		Name, Value string
		From        struct{ Kind string }
	}
	c.does(http.MethodGet, "/admin/policies/effective?uri="+person(user), nil, &all)
	for _, d := range all {
		if d.Name == name {
			return d.Value, d.From.Kind
		}
	}
	return "", ""
}

// Policies in the whole house: set by an administrator, obeyed at once in sessions that are open, recorded, and carried to
// another portal by a file.
func TestPoliciesHoldLive(t *testing.T) {
	t.Parallel()
	p := demo(t, quick(t)...)
	alice, bob, carol, judy := p.signIn("alice"), p.signIn("bob"), p.signIn("carol"), p.signIn("judy")
	atJudy, atCarol := judy.ear(), carol.ear()
	bob.live(-1)
	carol.awaits("judy", "judy to be there", func(s shown) bool { return s.Availability == "available" })
	bob.refused(http.MethodPut, "/admin/policies/rules/DisableIM", map[string]any{"value": "on"}, http.StatusForbidden, "forbidden")

	t.Run("DisableIM for a group", func(t *testing.T) {
		judy.say("carol", "before", "still allowed")
		judy.makeRoom(map[string]any{"name": "talk", "title": "Talk", "open": true})
		var group struct{ ID string }
		alice.does(http.MethodPost, "/admin/policies/groups", map[string]any{"name": "Silent", "rank": 1, "departments": []string{"IT"}}, &group)
		alice.sets("DisableIM", "on", "group", group.ID)
		atJudy.until("the news that policies changed", func(f frame) bool { return f.Event == "policies" })
		say := func(id string) map[string]string { return map[string]string{"id": id, "text": "hush"} }
		judy.refused(http.MethodPost, "/conversations/"+person("carol")+"/messages", say("no-1"), http.StatusForbidden, "chat.disabled")
		carol.refused(http.MethodPost, "/conversations/"+person("judy")+"/messages", say("no-2"), http.StatusForbidden, "chat.peer-disabled")
		judy.refused(http.MethodPost, "/rooms/talk/messages", say("no-3"), http.StatusForbidden, "chat.disabled")
		carol.refused(http.MethodPost, "/groups", map[string]any{"with": []string{judy.who, bob.who}}, http.StatusForbidden, "chat.peer-disabled")
		atCarol.until("no IM on judy", func(f frame) bool { return f.Event == "presence" && f.URI == judy.who && f.NoIM })
		carol.awaits("judy", "no IM on judy", func(s shown) bool { return s.NoIM && s.Availability == "available" })
		if _, page := carol.page("/chat/" + person("judy")); !strings.Contains(page, `data-live="no-im:`) {
			t.Error("the page does not say above the text box that judy gets no messages")
		}
		if value, from := alice.policyValue("DisableIM", "judy"); value != "on" || from != "group" {
			t.Errorf("holds %q from %q", value, from)
		}
		alice.sets("DisableIM", "off", "person", judy.who) // a person beats a group
		atCarol.until("IM on judy again", func(f frame) bool { return f.Event == "presence" && f.URI == judy.who && !f.NoIM })
		judy.say("carol", "after", "allowed again")
		atCarol.until("the message", func(f frame) bool { return f.Event == "message" && f.ID == "after" })
	})

	t.Run("presence", func(t *testing.T) {
		bob.does(http.MethodPut, "/me/presence", map[string]string{"availability": "offline", "note": "out of sight"}, nil)
		carol.awaits("bob", "bob's appearing offline", func(s shown) bool { return s.Availability == "offline" })
		alice.sets("EnableAppearOffline", "off", "everyone", "")
		carol.awaits("bob", "bob, who may not hide any more, with his note", func(s shown) bool { return s.Availability == "available" && s.Note == "out of sight" })
		bob.refused(http.MethodPut, "/me/presence", map[string]string{"availability": "offline"}, http.StatusForbidden, "presence.appear-offline")
		alice.sets("DisablePresenceNote", "on", "everyone", "")
		carol.awaits("bob", "bob without a note", func(s shown) bool { return s.Note == "" })
		bob.refused(http.MethodPut, "/me/presence", map[string]string{"note": "again"}, http.StatusForbidden, "presence.note-disabled")
	})

	t.Run("the calendar", func(t *testing.T) {
		frank := p.signIn("frank")
		frank.live(-1)
		meets(t, p, "frank", "Quarterly figures", "Hall 1")
		carol.awaits("frank", "frank in a meeting", func(s shown) bool { return s.Activity == "in-a-meeting" && s.Calendar != "" })
		alice.sets("DisableCalendarPresence", "on", "person", frank.who)
		carol.awaits("frank", "frank without his calendar", func(s shown) bool { return s.Availability == "available" && s.Activity == "" && s.Calendar == "" })
		alice.does(http.MethodDelete, "/admin/policies/rules/DisableCalendarPresence?kind=person&who="+url.QueryEscape(frank.who), nil, nil)
		carol.awaits("frank", "frank in a meeting again", func(s shown) bool { return s.Activity == "in-a-meeting" })
	})

	t.Run("rooms and files", func(t *testing.T) {
		bob.makeRoom(map[string]any{"name": "small", "title": "Small", "open": true})
		alice.sets("MayCreateRooms", "off", "everyone", "")
		bob.refused(http.MethodPost, "/rooms", map[string]any{"name": "other", "title": "Other", "open": true}, http.StatusForbidden, "room.may-not-create")
		alice.makeRoom(map[string]any{"name": "other", "title": "Of an administrator", "open": true})
		alice.sets("MaxFileSize", "2kB", "everyone", "")
		if _, status, detail := bob.share("small", "large.txt", bytes.Repeat([]byte("x"), 2001)); status != http.StatusRequestEntityTooLarge || !strings.Contains(detail, "larger than 0.002 MB") {
			t.Errorf("a file that is too large: status %d, %s", status, detail)
		}
		if _, status, detail := bob.share("small", "small.txt", bytes.Repeat([]byte("x"), 1000)); status != http.StatusCreated {
			t.Errorf("a small file: status %d, %s", status, detail)
		}
	})

	t.Run("DisableSavingIM for one person", func(t *testing.T) {
		alice.sets("DisableSavingIM", "on", "person", carol.who)
		for user, c := range map[string]*client{"carol": carol, "judy": judy} {
			var me struct{ Policies map[string]any }
			c.does(http.MethodGet, "/me", nil, &me)
			if got := me.Policies["DisableSavingIM"]; got != (user == "carol") {
				t.Errorf("of %s the portal says DisableSavingIM %v", user, got)
			}
		}
	})

	t.Run("record and file", func(t *testing.T) { carried(t, p, alice) })
}

// carried: every change is in the record with who made it; a file of all of it makes it the same again.
func carried(t *testing.T, p *program, admin *client) {
	var changes []struct{ By, What, Name, Before, After string }
	admin.does(http.MethodGet, "/admin/policies/changes?limit=100", nil, &changes)
	names := map[string]bool{}
	for _, c := range changes {
		names[c.Name] = true
		if c.By != admin.who {
			t.Errorf("by %q: %+v", c.By, c)
		}
	}
	for _, name := range []string{"DisableIM", "EnableAppearOffline", "DisableCalendarPresence", "MayCreateRooms", "MaxFileSize", "DisableSavingIM"} {
		if !names[name] {
			t.Errorf("%s is not in the record: %+v", name, changes)
		}
	}
	file, _ := admin.raw("/admin/policies/export", "", http.StatusOK)
	admin.does(http.MethodDelete, "/admin/policies/rules/MayCreateRooms", nil, nil)
	admin.sets("DisableIM", "on", "everyone", "")
	var would []struct{ Name string }
	for _, dry := range []string{"?dry=true", ""} {
		if status, detail := admin.problem(http.MethodPost, "/admin/policies/import"+dry, file); status != http.StatusOK {
			t.Fatalf("import%s: status %d, %s", dry, status, detail)
		} else if err := json.Unmarshal([]byte(detail), &would); err != nil || len(would) != 2 {
			t.Errorf("import%s changes %s, %v", dry, detail, err)
		}
	}
	if again, _ := admin.raw("/admin/policies/export", "", http.StatusOK); rules(t, again) != rules(t, file) {
		t.Errorf("after the import\n%s\nbefore\n%s", again, file)
	}
	if value, from := admin.policyValue("DisableIM", "heidi"); value != "off" {
		t.Errorf("DisableIM is %q from %q", value, from)
	}
}

// rules are the rules and groups of an exported file, without when they were set.
func rules(t *testing.T, file []byte) string {
	t.Helper()
	var doc map[string]any
	if err := json.Unmarshal(file, &doc); err != nil {
		t.Fatalf("%v in %s", err, file)
	}
	var b strings.Builder
	list, _ := doc["rules"].([]any)
	for _, r := range list {
		m, _ := r.(map[string]any)
		fmt.Fprintln(&b, m["name"], m["scope"], m["value"])
	}
	if b.Len() == 0 {
		t.Errorf("no rules in %s", file)
	}
	groups, err := json.Marshal(doc["groups"])
	if err != nil {
		t.Fatal(err)
	}
	return b.String() + string(groups)
}

// uploads sends a file of custom states.
func (c *client) uploads(xml []byte) (status int, detail string) {
	c.t.Helper()
	req, err := http.NewRequest(http.MethodPut, c.base+"/api/v1/admin/custom-states", bytes.NewReader(xml))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	req.Header.Set("Content-Type", "application/xml")
	resp, err := c.http.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// stateFile is a file of custom states out of those that the parser is tried with.
func stateFile(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("policy", "testdata", "customstates", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Custom states in the whole house: uploaded, chosen, and seen by each in their own language; read from an address only where
// the operator allows its network.
func TestCustomStatesInTheHouse(t *testing.T) {
	t.Parallel()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/xml")
		_, _ = w.Write(bytes.Replace(stateFile(t, "four.xml"), []byte("At a customer's site"), []byte("Elsewhere"), 1)) // who asked may have gone
	}))
	t.Cleanup(web.Close)
	p := demo(t, quick(t)...)
	alice, bob, carol, dave := p.signIn("alice"), p.signIn("bob"), p.signIn("carol"), p.signIn("dave")
	bob.live(-1)
	for c, locale := range map[*client]string{carol: "de", dave: "en"} {
		c.does(http.MethodPut, "/me/settings", map[string]string{"locale": locale}, nil)
	}
	bob.refused(http.MethodPut, "/me/presence", map[string]string{"availability": "busy", "activity": "custom-2"}, http.StatusBadRequest, "presence.custom")
	if status, detail := alice.uploads(stateFile(t, "bomb.xml")); status != http.StatusBadRequest || !strings.Contains(detail, "customstates.") {
		t.Errorf("a bomb: status %d, %s", status, detail)
	}
	if status, detail := alice.uploads(stateFile(t, "four.xml")); status != http.StatusNoContent {
		t.Fatalf("upload: status %d, %s", status, detail)
	}
	bob.does(http.MethodPut, "/me/presence", map[string]string{"availability": "busy", "activity": "custom-2"}, nil)
	sees := func(c *client, text string) {
		t.Helper()
		c.awaits("bob", text, func(s shown) bool { return s.Activity == "custom-2" && s.Availability == "busy" && s.Text == text })
	}
	sees(carol, "Beschäftigt, Beim Kunden vor Ort")
	sees(dave, "Busy, At a customer's site")

	// A language that the file lacks: the plain state.
	if status, detail := alice.uploads(bytes.Replace(stateFile(t, "four.xml"), []byte(`<activity LCID="1031">Beim Kunden vor Ort</activity>`), nil, 1)); status != http.StatusNoContent {
		t.Fatalf("upload: status %d, %s", status, detail)
	}
	sees(carol, "Beschäftigt")
	sees(dave, "Busy, At a customer's site")

	alice.refused(http.MethodPut, "/admin/policies/rules/CustomStateURL", map[string]any{"scope": map[string]string{"kind": "everyone"}, "value": web.URL + "/states.xml"}, http.StatusBadRequest, "customstates.internal")

	open := demo(t, quick(t, "PORTICO_POLICY_CUSTOM_STATE_NETWORKS=127.0.0.0/8", "PORTICO_POLICY_CUSTOM_STATE_URL="+web.URL+"/states.xml")...)
	erin, frank := open.signIn("erin"), open.signIn("frank")
	erin.live(-1)
	await(t, longest, "the states of the address", func() bool {
		return erin.call(http.MethodPut, "/me/presence", map[string]string{"availability": "busy", "activity": "custom-2"}, nil) == http.StatusOK
	})
	frank.awaits("erin", "the text of the address", func(s shown) bool { return s.Text == "Busy, Elsewhere" })
}

// Only groups of departments make the address book's news one of policies.
func TestTheBookMattersToGroupsOfDepartments(t *testing.T) {
	for want, groups := range map[bool][]portal.PolicyGroup{
		false: {{Name: "People", Members: []portal.Address{"sip:alice@example.test"}}},
		true:  {{Name: "People"}, {Name: "Silent", Departments: []string{"IT"}}},
	} {
		if names := namesByDepartment(groups); slices.Contains(names, portal.DisableIM) != want {
			t.Errorf("of %+v: %q", groups, names)
		}
	}
}
