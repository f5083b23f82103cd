package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"portico/app/config"
)

// Who sees what of somebody, in the whole house with the lab: by the API and on the live channel, while relationships change.
func TestEverybodySeesWhatTheirRelationshipShows(t *testing.T) {
	t.Parallel()
	p := demo(t, quick(t)...)
	const note, subject, place, where = "At the customer until noon", "Merger with the moon", "The blue room", "Vienna, second floor"
	frank := p.signIn("frank")
	frank.live(-1) // somebody is there
	for user, relationship := range map[string]string{"bob": "team", "carol": "public", "dave": "blocked"} {
		frank.gives(user, relationship)
	}
	bob, carol, dave, heidi := p.signIn("bob"), p.signIn("carol"), p.signIn("dave"), p.signIn("heidi")
	ears := map[string]*ear{"bob": bob.ear(), "carol": carol.ear(), "dave": dave.ear()}
	frank.loaded()
	meets(t, p, "frank", subject, place)
	frank.does(http.MethodPut, "/me/presence", map[string]string{"note": note, "location": where, "time_zone": "Europe/Vienna"}, nil)

	team := bob.awaits("frank", "all of frank at bob's", func(s shown) bool {
		return s.Activity == "in-a-meeting" && s.Meeting != "" && s.Note != "" && s.Location != ""
	})
	if team.Availability != "busy" || team.Activity != "in-a-meeting" || team.Meeting != subject || team.MeetingPlace != place || team.Note != note ||
		team.Location != where || team.TimeZone != "Europe/Vienna" || team.Calendar == "" || team.Since == nil {
		t.Errorf("the team sees %+v", team)
	}
	company := heidi.awaits("frank", "frank's note at a colleague's", func(s shown) bool { return s.Activity == "in-a-meeting" && s.Note != "" })
	if company.Note != note || company.Calendar == "" || company.Meeting+company.MeetingPlace+company.Location+company.TimeZone != "" {
		t.Errorf("colleagues see %+v", company)
	}
	public := carol.awaits("frank", "frank busy at carol's", func(s shown) bool { return s.Availability == "busy" })
	if public.Activity+public.Note+public.Calendar+public.Meeting+public.MeetingPlace+public.Location+public.TimeZone != "" || public.Since != nil {
		t.Errorf("the public sees %+v", public)
	}

	// Who is blocked sees what is seen of ivan, who never signed in.
	offline := dave.awaits("ivan", "ivan offline", func(s shown) bool { return s.Availability == "offline" })
	hidden := dave.looksAt("frank")
	if hidden.URI, offline.URI = "", ""; hidden != offline {
		t.Errorf("who is blocked sees %+v, of somebody offline %+v", hidden, offline)
	}
	var queried []shown
	dave.does(http.MethodPost, "/presence/query", map[string]any{"uris": []string{frank.who}}, &queried)
	if len(queried) != 1 || queried[0].Availability != "offline" || queried[0].Note != "" || queried[0].Since != nil {
		t.Errorf("asked for many, who is blocked sees %+v", queried)
	}

	t.Run("live", func(t *testing.T) {
		told := func(of string, ok func(frame) bool) {
			t.Helper()
			ears[of].until("frank's news at "+of, func(f frame) bool { return f.Event == "presence" && f.URI == frank.who && ok(f) })
		}
		told("bob", func(f frame) bool { return f.Availability == "busy" })
		// Two change places: each is told without asking.
		frank.gives("bob", "blocked")
		told("bob", func(f frame) bool { return f.Availability == "offline" })
		frank.does(http.MethodPut, "/me/relationships/"+person("dave"), map[string]string{"relationship": "personal"}, nil)
		told("dave", func(f frame) bool { return f.Availability == "busy" })
		if got := dave.looksAt("frank"); got.Meeting != subject || got.Note != note {
			t.Errorf("who was let in sees %+v", got)
		}
		if got := bob.looksAt("frank"); got.Availability != "offline" || got.Note+got.Meeting != "" {
			t.Errorf("who was shut out sees %+v", got)
		}
		if !ears["dave"].heard(note) || ears["carol"].heard(note) || ears["carol"].heard(subject) || !ears["bob"].heard(subject) {
			t.Error("the live channel told the wrong people")
		}
		// What is decided of a relationship reaches those who have it; what frank sees of his own is what the others do.
		frank.does(http.MethodPut, "/me/privacy", map[string]any{"rules": map[string]any{"public": map[string]bool{"note": true}}}, nil)
		carol.awaits("frank", "the note at carol's", func(s shown) bool { return s.Note == note && s.Meeting == "" })
		var seen struct {
			Relationship string
			Presence     shown
		}
		frank.does(http.MethodGet, "/me/seen-by/"+person("carol"), nil, &seen)
		if seen.Relationship != "public" || seen.Presence.Note != note || seen.Presence.Meeting != "" {
			t.Errorf("frank is told that carol sees %+v", seen)
		}
	})

	t.Run("messages", func(t *testing.T) { writesTo(t, frank, bob, dave) })

	t.Run("groups", func(t *testing.T) {
		var group struct {
			URI     string
			Members int
		}
		bob.does(http.MethodPost, "/groups", map[string]any{"with": []string{frank.who, carol.who}}, &group)
		at := "/rooms/" + url.PathEscape(group.URI)
		bob.does(http.MethodPost, at+"/messages", map[string]string{"id": "g-1", "text": "a word to all of you, @frank"}, nil)
		carol.does(http.MethodGet, at, nil, &group)
		frank.refused(http.MethodGet, at, nil, http.StatusNotFound, "room.not-found")
		if group.Members != 3 {
			t.Errorf("who is not blocked sees %d people", group.Members)
		}
	})
}

// writesTo: what somebody who is blocked writes fares like what is written to people who are away; who may pierces
// do-not-disturb, others do not.
func writesTo(t *testing.T, frank, blocked, personal *client) {
	blocked.say("frank", "b-1", "let me in")
	blocked.say("ivan", "b-2", "for later")
	await(t, longest, "both to be settled", func() bool {
		return blocked.state("frank", "b-1") != "pending" && blocked.state("ivan", "b-2") != "pending"
	})
	one, other := blocked.messages("frank"), blocked.messages("ivan")
	if len(one) != 1 || len(other) != 1 || one[0].State != other[0].State || one[0].Reason != other[0].Reason {
		t.Errorf("to who blocked them %+v, to somebody away %+v", one, other)
	}
	if got := frank.messages("bob"); len(got) != 0 {
		t.Errorf("frank has %+v", got)
	}
	// Typing is not told either; what follows shows that it would have come.
	page := frank.ear()
	blocked.does(http.MethodPost, "/conversations/"+person("frank")+"/typing", map[string]bool{"typing": true}, nil)
	frank.setPresence("do-not-disturb")
	frank.gives("carol", "company")
	personal.say("frank", "d-1", "it burns")
	page.until("what may pierce", func(f frame) bool { return f.Event == "message" && f.ID == "d-1" })
	if page.heard(`"quiet":true`) {
		t.Error("who may pierce does not")
	}
	frank.does(http.MethodPut, "/me/relationships/"+person("dave"), map[string]string{"relationship": "company"}, nil)
	personal.say("frank", "d-2", "it burns still")
	page.until("what may not pierce", func(f frame) bool { return f.Event == "message" && f.ID == "d-2" })
	if !page.heard(`"quiet":true`) {
		t.Error("everybody pierces")
	}
	for _, f := range page.of("typing") {
		if strings.Contains(f.From, "bob") {
			t.Errorf("frank is told that bob types: %+v", f)
		}
	}
}

// A new contact of another domain, of whom nothing is said, sees no more than all others do.
func TestANewContactIsWhatTheyWereBefore(t *testing.T) {
	t.Parallel()
	p := demo(t, quick(t)...)
	frank := p.signIn("frank")
	for _, uri := range []string{"sip:stranger@elsewhere.test", "sip:colleague@example.test"} {
		frank.does(http.MethodPut, "/contacts/"+url.PathEscape(uri), map[string]string{"group": ""}, nil)
	}
	var list []struct{ URI, Relationship string }
	frank.does(http.MethodGet, "/contacts", nil, &list)
	got := map[string]string{}
	for _, c := range list {
		got[c.URI] = c.Relationship
	}
	if got["sip:stranger@elsewhere.test"] != "public" || got["sip:colleague@example.test"] != "company" {
		t.Errorf("relationships %v", got)
	}
}

func TestTheConfigurationReachesPrivacy(t *testing.T) {
	c := &config.Config{}
	c.SIP.Domain = "example.test"
	for _, c.SIP.RulesTransform = range []bool{true, false} {
		if o := privacyOptions(c); o.Transforms != c.SIP.RulesTransform || o.Domain != "example.test" {
			t.Errorf("%+v", o)
		}
	}
}
