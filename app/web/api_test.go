package web

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"portico/app/portal"
)

func messagesPath(peer portal.Address) string {
	return "/api/v1/conversations/" + peer.Path() + "/messages"
}

func TestMeAndSettings(t *testing.T) {
	h := newHouse(t)
	c := h.signIn(alice)
	var me portal.Me
	c.call("GET", "/api/v1/me", nil, 200).into(&me)
	if me.URI != alice || me.Email != "alice@example.test" || me.Locale != "en" || me.TimeZone != "UTC" {
		t.Errorf("me %+v", me)
	}
	var set portal.Settings
	c.call("GET", "/api/v1/me/settings", nil, 200).into(&set)
	if set != portal.DefaultSettings() {
		t.Errorf("settings before any choice: %+v", set)
	}
	c.call("PUT", "/api/v1/me/settings", `{"locale":"de","time_zone":"Europe/Vienna","sound":false}`, 200).into(&set)
	want := portal.Settings{Locale: "de", TimeZone: "Europe/Vienna", Notifications: true}
	if set != want {
		t.Errorf("saved %+v", set)
	}
	var again portal.Settings
	c.call("GET", "/api/v1/me/settings", nil, 200).into(&again)
	if again != want {
		t.Errorf("kept %+v", again)
	}
	c.call("GET", "/api/v1/me", nil, 200).into(&me)
	if me.Locale != "de" || me.TimeZone != "Europe/Vienna" {
		t.Errorf("me %+v", me)
	}
	// From now on errors speak German.
	p := c.call("GET", "/api/v1/presence/nonsense", nil, 400).problem("address.form")
	english := h.signIn(bob).call("GET", "/api/v1/presence/nonsense", nil, 400).problem("address.form")
	if p.Detail == english.Detail {
		t.Errorf("the same sentence for both languages: %q", p.Detail)
	}
	for body, reason := range map[string]string{
		`{"locale":"xx"}`:                 "settings.locale",
		`{"time_zone":"Mars/Olympus"}`:    "settings.time-zone",
		`{"time_zone":"Local"}`:           "settings.time-zone",
		`{"theme":"pink"}`:                "settings.theme",
		`{"sound":"yes"}`:                 "json.type",
		`{"time_zone":"../../etc/group"}`: "settings.time-zone",
	} {
		c.call("PUT", "/api/v1/me/settings", body, 400).problem(reason)
	}
	c.call("GET", "/api/v1/me/settings", nil, 200).into(&again)
	if again != want {
		t.Errorf("a refused change was kept: %+v", again)
	}
}

func TestPresenceByHand(t *testing.T) {
	h := newHouse(t)
	c := h.signIn(alice)
	live := c.dial(protocolJSON, "")
	live.next("hello")
	until := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	var p portal.Presence
	c.call("PUT", "/api/v1/me/presence", map[string]any{"availability": "busy", "activity": "in-a-call", "note": "till noon", "until": until}, 200).into(&p)
	if p.Availability != portal.Busy || p.Activity != portal.InACall || p.Note != "till noon" || !p.Until.Equal(until) || !p.ByHand || p.Text == "" {
		t.Errorf("set %+v", p)
	}
	c.call("PUT", "/api/v1/me/presence", map[string]any{"note": "back soon"}, 200).into(&p)
	if p.Availability != portal.Busy || p.Note != "back soon" {
		t.Errorf("with the note alone changed: %+v", p)
	}
	live.until(func(f map[string]any) bool {
		return f["event"] == "presence" && f["uri"] == string(alice) && f["note"] == "back soon" && f["seq"] == nil && f["text"] != ""
	}, "own presence with the note")
	var reset portal.Presence
	c.call("DELETE", "/api/v1/me/presence", nil, 200).into(&reset)
	if reset.ByHand || reset.Availability != portal.Available {
		t.Errorf("reset to %+v", reset)
	}
	past := time.Now().Add(-time.Minute).Format(time.RFC3339)
	for body, reason := range map[string]string{
		`{}`:                         "presence.availability-missing",
		`{"activity":"in-a-call"}`:   "presence.availability-missing",
		`{"until":"` + past + `"}`:   "presence.availability-missing",
		`{"availability":"unknown"}`: "presence.availability",
		`{"availability":"happy"}`:   "presence.availability",
		`{"availability":"busy","activity":"custom-9"}`:  "presence.activity",
		`{"availability":"busy","until":"` + past + `"}`: "presence.until-past",
		`{"availability":"busy","until":"tomorrow"}`:     "json.malformed",
		`{"availability":7}`:                             "json.type",
		`{"note":"` + strings.Repeat("ü", 501) + `"}`:    "presence.note-too-long",
		`[]`: "json.object",
	} {
		c.call("PUT", "/api/v1/me/presence", body, 400).problem(reason)
	}
}

func TestPresenceOfOthers(t *testing.T) {
	h := newHouse(t)
	a, b := h.signIn(alice), h.signIn(bob)
	b.dial(protocolJSON, "").next("hello")
	for _, path := range []string{"sip%3Abob%40example.test", "bob@example.test", "sip:bob@EXAMPLE.test;transport=tcp"} {
		eventually(t, "bob is seen under "+path, func() bool {
			var p portal.Presence
			a.call("GET", "/api/v1/presence/"+path, nil, 200).into(&p)
			return p.URI == bob && p.Availability == portal.Available && p.Text != ""
		})
	}
	var p portal.Presence
	a.call("GET", "/api/v1/presence/"+foreign.Path(), nil, 200).into(&p)
	if p.Availability != portal.Unknown {
		t.Errorf("somebody nobody has heard of is %s", p.Availability)
	}
	a.call("GET", "/api/v1/presence/"+alice.Path(), nil, 200).into(&p)
	if p.URI != alice {
		t.Errorf("own presence %+v", p)
	}
	var all []portal.Presence
	a.call("POST", "/api/v1/presence/query", map[string]any{"uris": []string{"bob@example.test", string(carol), string(bob)}}, 200).into(&all)
	if len(all) != 2 || all[0].URI != bob || all[1].URI != carol || all[0].Availability != portal.Available {
		t.Errorf("query gave %+v", all)
	}
	a.call("POST", "/api/v1/presence/query", map[string]any{"uris": []string{}}, 200).into(&all)
	if len(all) != 0 {
		t.Errorf("nobody asked for, got %+v", all)
	}
	many := make([]string, maxQueried+1)
	for i := range many {
		many[i] = fmt.Sprintf("p%d@example.test", i)
	}
	a.call("POST", "/api/v1/presence/query", map[string]any{"uris": many}, 400).problem("address.too-many")
	a.call("POST", "/api/v1/presence/query", map[string]any{"uris": []string{"nonsense"}}, 400).problem("address.form")
	a.call("POST", "/api/v1/presence/query", `{}`, 400).problem("json.type")
	a.call("GET", "/api/v1/presence/query", nil, 400).problem("address.form")
}

func TestContacts(t *testing.T) {
	h := newHouse(t)
	c := h.signIn(alice)
	live := c.dial(protocolJSON, "")
	live.next("hello")
	var list []portal.Contact
	c.call("GET", "/api/v1/contacts", nil, 200).into(&list)
	if len(list) != 0 {
		t.Fatalf("before anything: %+v", list)
	}
	var one portal.Contact
	c.call("PUT", "/api/v1/contacts/bob@example.test", map[string]any{"group": "Sales", "relationship": "team"}, 200).into(&one)
	if one.URI != bob || one.Group != "Sales" || one.Relationship != portal.Team || one.DisplayName == "" {
		t.Errorf("added %+v", one)
	}
	ev := live.next("contacts")
	if ev["id"] != string(bob) || ev["change"] != "created" || ev["seq"] == nil {
		t.Errorf("event %v", ev)
	}
	c.call("PUT", "/api/v1/contacts/"+bob.Path(), map[string]any{"group": "Friends", "relationship": "personal"}, 200)
	if ev := live.next("contacts"); ev["change"] != "updated" {
		t.Errorf("event %v", ev)
	}
	c.call("PUT", "/api/v1/contacts/"+carol.Path(), nil, 200).into(&one)
	if one.Relationship != portal.Company {
		t.Errorf("added without words: %+v", one)
	}
	c.call("PUT", "/api/v1/contacts/"+carol.Path(), map[string]any{"relationship": "blocked"}, 200)
	c.call("PUT", "/api/v1/contacts/"+carol.Path(), map[string]any{"group": "Others"}, 200).into(&one)
	if one.Relationship != portal.Blocked || one.Group != "Others" {
		t.Errorf("moved to another group without a word on the relationship: %+v", one)
	}
	for _, change := range []struct{ body, group string }{{`{"relationship":"team"}`, "Others"}, {`{}`, "Others"}, {`{"group":""}`, ""}} {
		var now portal.Contact
		c.call("PUT", "/api/v1/contacts/"+carol.Path(), change.body, 200).into(&now)
		if now.Group != change.group || now.Relationship == portal.Company {
			t.Errorf("after %s: %+v", change.body, now)
		}
	}
	c.call("GET", "/api/v1/contacts", nil, 200).into(&list)
	if len(list) != 2 {
		t.Errorf("list %+v", list)
	}
	c.call("DELETE", "/api/v1/contacts/"+bob.Path(), nil, 204)
	live.until(func(f map[string]any) bool { return f["event"] == "contacts" && f["change"] == "deleted" }, "deletion")
	c.call("DELETE", "/api/v1/contacts/"+bob.Path(), nil, 404)
	c.call("PUT", "/api/v1/contacts/nonsense", `{}`, 400).problem("address.form")
	c.call("PUT", "/api/v1/contacts/"+bob.Path(), `{"relationship":"enemy"}`, 400).problem("contact.relationship")
	c.call("PUT", "/api/v1/contacts/"+bob.Path(), `{"group":"`+strings.Repeat("x", 65)+`"}`, 400).problem("contact.group-too-long")
	// One's own list is nobody else's.
	h.signIn(bob).call("GET", "/api/v1/contacts", nil, 200).into(&list)
	if len(list) != 0 {
		t.Errorf("bob sees %+v", list)
	}
}

func TestDirectory(t *testing.T) {
	h := newHouse(t)
	c := h.signIn(alice)
	var found []portal.Person
	eventually(t, "the address book is loaded", func() bool {
		c.call("GET", "/api/v1/directory?q=brow", nil, 200).into(&found)
		return len(found) == 1 && found[0].URI == bob
	})
	c.call("GET", "/api/v1/directory?q=zzz", nil, 200).into(&found)
	if len(found) != 0 {
		t.Errorf("found %+v", found)
	}
	c.call("GET", "/api/v1/directory?q=example&limit=1", nil, 200).into(&found)
	if len(found) > 1 {
		t.Errorf("more than the limit: %+v", found)
	}
	c.call("GET", "/api/v1/directory?q="+strings.Repeat("a", 101), nil, 400).problem("directory.query")
	c.call("GET", "/api/v1/directory?q=%ff", nil, 400).problem("directory.query")
	c.call("GET", "/api/v1/directory?q=a&limit=0", nil, 400).problem("limit")
	c.call("GET", "/api/v1/directory?q=a&limit=many", nil, 400).problem("limit")
}

func TestConversation(t *testing.T) {
	h := newHouse(t)
	a, b := h.signIn(alice), h.signIn(bob)
	la, lb := a.dial(protocolJSON, ""), b.dial(protocolJSON, "")
	la.next("hello")
	lb.next("hello")

	var said sayAnswer
	a.call("POST", messagesPath(bob), map[string]string{"id": "m1", "text": "hello <b>"}, 202).into(&said)
	if said.ID != "m1" || said.State == "" {
		t.Errorf("said %+v", said)
	}
	got := lb.next("message")
	if got["conversation"] != string(alice) || got["from"] != string(alice) || got["id"] != "m1" || got["text"] != "hello <b>" || got["seq"] == nil || got["at"] == nil {
		t.Errorf("bob got %v", got)
	}
	if own := la.next("message"); own["conversation"] != string(bob) || own["from"] != string(alice) {
		t.Errorf("alice's own copy %v", own)
	}
	la.until(func(f map[string]any) bool {
		return f["event"] == "state" && f["id"] == "m1" && f["state"] == "delivered"
	}, "delivered")
	lb.until(func(f map[string]any) bool {
		counts, _ := f["unread"].(map[string]any)
		return f["event"] == "counts" && counts[string(alice)] == 1.0
	}, "one unread")

	// A repeat changes nothing and tells the present state, whatever its text.
	a.call("POST", messagesPath(bob), map[string]string{"id": "m1", "text": "something else"}, 202).into(&said)
	if said.State != portal.Delivered {
		t.Errorf("the repeat was answered with %+v", said)
	}
	var all []messageJSON
	b.call("GET", messagesPath(alice), nil, 200).into(&all)
	if len(all) != 1 || all[0].Text != "hello <b>" {
		t.Errorf("bob has %+v", all)
	}
	var list []conversationJSON
	b.call("GET", "/api/v1/conversations", nil, 200).into(&list)
	if len(list) != 1 || list[0].Peer != alice || list[0].Unread != 1 || list[0].Last == nil || list[0].Last.ID != "m1" {
		t.Errorf("bob's conversations %+v", list)
	}
	b.call("POST", "/api/v1/conversations/"+alice.Path()+"/read", nil, 204)
	la.until(func(f map[string]any) bool { return f["event"] == "state" && f["state"] == "read" }, "read")
	lb.until(func(f map[string]any) bool {
		counts, _ := f["unread"].(map[string]any)
		return f["event"] == "counts" && len(counts) == 0
	}, "nothing unread")
	b.call("POST", "/api/v1/conversations/"+alice.Path()+"/read", map[string]string{"id": "m1"}, 204)

	a.call("POST", "/api/v1/conversations/"+bob.Path()+"/typing", map[string]bool{"typing": true}, 204)
	typing := lb.until(func(f map[string]any) bool { return f["event"] == "typing" && f["typing"] == true }, "typing")
	if typing["from"] != string(alice) || typing["conversation"] != string(alice) || typing["seq"] != nil {
		t.Errorf("typing %v", typing)
	}
}

func TestIDsAreMadeUpWhereMissing(t *testing.T) {
	h := newHouse(t)
	a := h.signIn(alice)
	ids := map[string]bool{}
	for range 3 {
		var said sayAnswer
		a.call("POST", messagesPath(bob), map[string]string{"text": "again"}, 202).into(&said)
		if len(said.ID) < 16 || len(said.ID) > portal.MaxIDLen {
			t.Errorf("id %q", said.ID)
		}
		ids[said.ID] = true
	}
	if len(ids) != 3 {
		t.Errorf("ids are not unique: %v", ids)
	}
}

func TestMessagesByPages(t *testing.T) {
	h := newHouse(t)
	a := h.signIn(alice)
	const n = 7
	for i := range n {
		a.call("POST", messagesPath(bob), map[string]string{"id": fmt.Sprint("m", i), "text": fmt.Sprint("text ", i)}, 202)
	}
	var texts []string
	path := messagesPath(bob) + "?limit=3"
	before := ""
	for range n {
		var page []messageJSON
		a.call("GET", path+before, nil, 200).into(&page)
		if len(page) == 0 {
			break
		}
		var these []string
		for _, m := range page {
			these = append(these, m.ID)
		}
		texts = append(these, texts...)
		before = fmt.Sprint("&before=", page[0].Order)
	}
	if want := []string{"m0", "m1", "m2", "m3", "m4", "m5", "m6"}; !slices.Equal(texts, want) {
		t.Errorf("pages give %v", texts)
	}
	a.call("GET", messagesPath(bob)+"?before=x", nil, 400).problem("message.before")
	a.call("GET", messagesPath(bob)+"?before=-1", nil, 400).problem("message.before")
	a.call("GET", messagesPath(bob)+"?limit=-1", nil, 400).problem("limit")
}

func TestMessagesThatCannotBeSaid(t *testing.T) {
	h := newHouse(t)
	a := h.signIn(alice)
	for _, test := range []struct {
		name, body, reason string
		status             int
	}{
		{"empty", `{"id":"x","text":""}`, "message.empty", 400},
		{"no text", `{"id":"x"}`, "message.empty", 400},
		{"too long", `{"id":"x","text":"` + strings.Repeat("a", portal.MaxTextLen+1) + `"}`, "message.too-long", 400},
		{"id too long", `{"id":"` + strings.Repeat("a", 65) + `","text":"x"}`, "message.id", 400},
		{"wrong type", `{"id":"x","text":{}}`, "json.type", 400},
		{"no JSON", `hello`, "json.object", 400},
		{"too deep", `{"text":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`, "json.depth", 400},
		{"too large a body", `{"text":"` + strings.Repeat("a", maxBody) + `"}`, "too-large", 413},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := a.call("POST", messagesPath(bob), test.body, test.status)
			got.t = t
			if p := got.problem(test.reason); p.Instance != messagesPath(bob) {
				t.Errorf("instance %q", p.Instance)
			}
		})
	}
	a.call("POST", "/api/v1/conversations/nonsense/messages", `{"text":"x"}`, 400).problem("address.form")
	a.call("GET", "/api/v1/conversations/nonsense/messages", nil, 400).problem("address.form")
	a.call("POST", "/api/v1/conversations/nonsense/typing", `{"typing":true}`, 400).problem("address.form")
	a.call("POST", "/api/v1/conversations/nonsense/read", `{}`, 400).problem("address.form")
	a.call("POST", "/api/v1/conversations/"+bob.Path()+"/typing", `{}`, 400).problem("json.type")
	var all []messageJSON
	a.call("GET", messagesPath(bob), nil, 200).into(&all)
	if len(all) != 0 {
		t.Errorf("something was kept: %+v", all)
	}
}

func TestAFailedMessageSaysWhy(t *testing.T) {
	h := newHouse(t)
	a := h.signIn(alice)
	live := a.dial(protocolJSON, "")
	live.next("hello")
	a.call("POST", messagesPath(nobody), map[string]string{"id": "lost", "text": "hello?"}, 202)
	failed := live.until(func(f map[string]any) bool { return f["event"] == "state" && f["state"] == "failed" }, "failure")
	reason, _ := failed["reason"].(string)
	if failed["reason_key"] != "send.not-found" || !strings.Contains(reason, " ") {
		t.Errorf("failed with %v", failed)
	}
	var said sayAnswer
	a.call("POST", messagesPath(nobody), map[string]string{"id": "lost", "text": "hello?"}, 202).into(&said)
	if said.State != portal.Failed || said.Reason != reason {
		t.Errorf("the repeat was answered with %+v", said)
	}
	var all []messageJSON
	a.call("GET", messagesPath(nobody), nil, 200).into(&all)
	if len(all) != 1 || all[0].State != portal.Failed || all[0].Reason != reason || all[0].ReasonKey != "send.not-found" {
		t.Errorf("kept as %+v", all)
	}
}

func TestUnknownPathsAndMethods(t *testing.T) {
	h := newHouse(t)
	c := h.signIn(alice)
	c.call("GET", "/api/v1/nothing", nil, 404).problem("not-found")
	c.call("GET", "/api/v2/me", nil, 404).problem("not-found")
	h.guest().call("GET", "/api/v1/nothing", nil, 404).problem("not-found")
	got := c.call("PATCH", "/api/v1/me", nil, 405)
	got.problem("method-not-allowed")
	if !strings.Contains(got.header.Get("Allow"), http.MethodGet) {
		t.Errorf("Allow %q", got.header.Get("Allow"))
	}
	c.with("Content-Type", "text/plain").call("POST", messagesPath(bob), `{"text":"x"}`, 415).problem("media-type")
	c.with("Content-Type", "application/json; charset=utf-8").call("POST", messagesPath(bob), `{"text":"x"}`, 202)
	c.call("GET", "/api/v1/presence/"+url.PathEscape("%zz"), nil, 400)
}

func TestPaceOfTheAPI(t *testing.T) {
	h := newHouse(t, func(s *settings) { s.web.APIRate, s.web.APIBurst = 0.001, 3 })
	a, b := h.signIn(alice), h.signIn(bob)
	for range 3 {
		a.call("GET", "/api/v1/me", nil, 200)
	}
	got := a.call("GET", "/api/v1/me", nil, 429)
	got.problem("too-many")
	if got.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	h.signIn(alice).call("GET", "/api/v1/me", nil, 429) // a second session is the same person
	b.call("GET", "/api/v1/me", nil, 200)
}

// TestPaceOfPages: pages and forms are no way around the pace of the API; they have one of their own.
func TestPaceOfPages(t *testing.T) {
	h := newHouse(t, func(s *settings) { s.web.APIRate, s.web.APIBurst = 0.001, 1 })
	a, b := h.browse(alice), h.browse(bob)
	for range visitBurst {
		a.page("/settings", 200)
	}
	got := a.call("GET", "/settings", nil, 429)
	if got.header.Get("Retry-After") == "" || document(t, got).Find("main").Length() != 1 {
		t.Error("no page that says when to come back")
	}
	a.call("GET", "/history?q=hello", nil, 429)
	a.call("GET", "/ws", nil, 429)
	h.room("lobby", bob)
	a.call("GET", "/rooms/lobby/files/none", nil, 429)
	if said := a.send("POST", chatWith(bob), url.Values{"id": {"1"}, "text": {"x"}}); said.status != 429 {
		t.Errorf("a form was answered with %d", said.status)
	}
	a.call("GET", "/api/v1/me", nil, 200) // the API's own pace
	b.page("/settings", 200)
}
