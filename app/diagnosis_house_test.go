package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"portico/app/sipua/siptest"
)

// Where people are signed in, and what there is to know when something goes wrong, in the whole house with the lab.

// place is where somebody is signed in.
type place struct {
	ID, Kind, Name, Provider, Availability string
	Here, Leaves, Counts                   bool
}

func (c *client) places() []place {
	c.t.Helper()
	var all []place
	c.does(http.MethodGet, "/me/places", nil, &all)
	return all
}

// A telephone beside the browser: it is listed, what it says can be made the one word that counts, and it can be signed out.
func TestPlacesInTheHouse(t *testing.T) {
	t.Parallel()
	k := siptest.StartKamailio(t, siptest.KamailioOptions{})
	p := facing(t, k.Proxy("tcp"), "PORTICO_PRESENCE_GRACE=100ms", "PORTICO_PRESENCE_PUBLISH_PACE=100ms")
	phone := siptest.Baresip(t, siptest.ClientOptions{Proxy: k.Addr(), User: "bob"})
	phone.WaitRegistered(longest)
	bob, carol := p.signIn("bob"), p.signIn("carol")
	carol.befriend("bob")
	bob.live(-1)
	find := func(kind string) (found place) {
		all := bob.places()
		if i := slices.IndexFunc(all, func(x place) bool { return x.Kind == kind && x.Leaves }); i >= 0 {
			found = all[i]
		}
		return found
	}
	if here := find("browser"); !here.Here {
		t.Errorf("the session that asks is %+v", here)
	}
	await(t, longest, "the telephone", func() bool { return find("phone").ID != "" })

	// The telephone says available, the portal something else; one word is all that counts, then the other.
	var provider string
	await(t, longest, "a provider beside the portal", func() bool {
		all := bob.places()
		i := slices.IndexFunc(all, func(x place) bool { return x.Provider != "" && x.Provider != "portal" && x.Availability == "available" })
		if i >= 0 {
			provider = all[i].Provider
		}
		return i >= 0
	})
	bob.does(http.MethodPut, "/me/presence", map[string]string{"availability": "be-right-back"}, nil)
	carol.awaits("bob", "what bob set by hand", func(s shown) bool { return s.Availability == "be-right-back" })
	bob.does(http.MethodPut, "/me/places/provider", map[string]string{"provider": provider}, nil)
	carol.awaits("bob", "the telephone's word", func(s shown) bool { return s.Availability == "available" })
	if all := bob.places(); !slices.ContainsFunc(all, func(x place) bool { return x.Provider == provider && x.Counts }) {
		t.Errorf("none counts of %+v", all)
	}
	bob.does(http.MethodPut, "/me/places/provider", map[string]string{"provider": "portal"}, nil)
	carol.awaits("bob", "the portal's word", func(s shown) bool { return s.Availability == "be-right-back" })
	bob.refused(http.MethodPut, "/me/places/provider", map[string]string{"provider": "nobody"}, http.StatusBadRequest, "places.id")

	k.WaitBindings("bob", 2, longest)
	bob.does(http.MethodDelete, "/me/places/"+url.PathEscape(find("phone").ID), nil, nil)
	k.WaitBindings("bob", 1, longest)
	if left := find("phone"); left.ID != "" {
		t.Errorf("still listed: %+v", left)
	}
	carol.say("bob", "p-1", "are you still there?")
	await(t, longest, "the message at the portal", func() bool { return len(bob.messages("carol")) == 1 })
}

// What is known of one's connections, the log of problems, and a trace that holds no secret.
func TestDiagnosisInTheHouse(t *testing.T) {
	t.Parallel()
	p := demo(t, quick(t)...)
	const wrong, secret = "Planted-Password-7", "What-I-Say-8"
	if _, status, said := p.signsIn("sip:erin@example.test", wrong); status != http.StatusUnauthorized {
		t.Fatalf("with a wrong password: status %d, %s", status, said)
	}
	erin, frank := p.signIn("erin"), p.signIn("frank")
	erin.live(-1)
	erin.loaded()

	var facts struct {
		Version string
		Line    struct {
			Proxy, Server, Contact string
			Subscriptions          []struct{ Event, Of, State string }
		}
		LineState struct{ State string } `json:"line_state"`
		Exchange  []struct{ Name, State, Mailbox string }
		Books     []struct{ Name string }
		Policies  []struct{ Name string }
	}
	await(t, longest, "the subscriptions of erin's line", func() bool {
		erin.does(http.MethodGet, "/diagnostics", nil, &facts)
		return slices.ContainsFunc(facts.Line.Subscriptions, func(s struct{ Event, Of, State string }) bool {
			return s.Event == "presence" && s.Of == frank.who && s.State == "active"
		})
	})
	if facts.Version == "" || facts.Line.Proxy == "" || !strings.HasPrefix(facts.Line.Contact, "sip:erin@") || facts.LineState.State != "up" || len(facts.Exchange) != 1 ||
		facts.Exchange[0].State != "up" || facts.Exchange[0].Mailbox != "erin@example.test" || len(facts.Books) == 0 || len(facts.Policies) < 10 {
		t.Errorf("facts %+v", facts)
	}

	var lines []struct{ URI, Part, Cause, Text, Cure string }
	await(t, longest, "the wrong password in the log", func() bool {
		erin.does(http.MethodGet, "/diagnostics/events", nil, &lines)
		return slices.ContainsFunc(lines, func(l struct{ URI, Part, Cause, Text, Cure string }) bool {
			return l.Part == "signin" && l.Cause == "signin.wrong" && l.Text != "" && l.Cure != "" && l.URI == erin.who
		})
	})
	if frank.refused(http.MethodGet, "/diagnostics/events?who="+url.QueryEscape(erin.who), nil, http.StatusForbidden, "forbidden"); t.Failed() {
		return
	}

	// A trace of what erin's connections say and hear.
	erin.does(http.MethodPost, "/diagnostics/trace", map[string]int{"minutes": 5}, nil)
	erin.say("frank", "t-1", secret)
	frank.say("heidi", "t-2", "not of erin")
	if again, status, said := p.signsIn("sip:erin@example.test", labPassword); status != http.StatusOK {
		t.Fatalf("once more: status %d, %s", status, said)
	} else {
		again.does(http.MethodDelete, "/session", nil, nil)
	}
	now := time.Now()
	erin.books("traced-1", "Traced", now.Add(time.Hour))
	text := ""
	await(t, longest, "both protocols in the trace", func() bool {
		b, _ := erin.raw("/diagnostics/trace.txt", "", http.StatusOK)
		text = string(b)
		return strings.Contains(text, "MESSAGE sip:frank@") && strings.Contains(text, "REGISTER sip:") && strings.Contains(text, "CreateItem")
	})
	var trace struct {
		Traffic []struct{ Protocol, Text string }
	}
	erin.does(http.MethodGet, "/diagnostics/trace", nil, &trace)
	all, err := json.Marshal([]any{trace, lines, facts, text, p.logged()})
	if err != nil {
		t.Fatal(err)
	}
	for what, planted := range map[string]string{"the wrong password": wrong, "what was said": secret, "the session's token": erin.token, "another's message": "MESSAGE sip:heidi@"} {
		if strings.Contains(string(all), planted) {
			t.Errorf("%s can be read", what)
		}
	}
	for _, proof := range []string{"response=\"", "Authorization: Basic ", "nonce=\"", "cnonce=\""} {
		for _, part := range strings.Split(text, proof)[1:] {
			if !strings.HasPrefix(part, "…") && !strings.HasPrefix(part, "[") && !strings.HasPrefix(part, "***") && !strings.HasPrefix(part, "\"") {
				t.Errorf("in the trace stands %s%.20s", proof, part)
			}
		}
	}
	erin.does(http.MethodDelete, "/diagnostics/trace?forget=true", nil, nil)
	if b, _ := erin.raw("/diagnostics/trace.txt", "", http.StatusOK); strings.Contains(string(b), "MESSAGE") {
		t.Error("the trace was not forgotten")
	}
}
