package views

import (
	"strings"
	"testing"
	"time"

	"portico/app/portal"
)

func TestDecidedSaysWhoDecides(t *testing.T) {
	r := NewReader("en", "Europe/Vienna", en0)
	for kind, want := range map[string]string{
		portal.ScopeEveryone:      "Your organisation has switched this off for everyone (policy DisablePresenceNote).",
		portal.ScopePerson:        "Your organisation has switched this off for you (policy DisablePresenceNote).",
		portal.ScopeGroup:         "Your organisation has switched this off for a group of which you are (policy DisablePresenceNote).",
		portal.ScopeConfiguration: "Your organisation has switched this off in the configuration of the portal (policy DisablePresenceNote).",
	} {
		doc := render(t, Decided(r, "note-decided", false, portal.Decision{Name: portal.DisablePresenceNote, Value: "on", From: portal.PolicyScope{Kind: kind}, Decided: true}))
		if got := doc.Find("p#note-decided").Text(); got != want {
			t.Errorf("%s: %q, want %q", kind, got, want)
		}
	}
	if got := render(t, Decided(r, "x", true, portal.Decision{})).Find("p").Length(); got != 0 {
		t.Error("what nobody decided is said to be decided")
	}
	de := NewReader("de", "Europe/Vienna", en0)
	if got := de.DecidedText(true, portal.Decision{Name: "X", From: portal.PolicyScope{Kind: portal.ScopeDefault}}); got != "Ihre Organisation hat das eingeschaltet (Richtlinie X)." {
		t.Error(got)
	}
}

func TestScopesAreNamed(t *testing.T) {
	r := NewReader("en", "UTC", en0)
	n := ScopeNames{Groups: map[string]string{"g1": "Sales"}, People: map[string]portal.Person{string(bob): {URI: bob, DisplayName: "Bob Berger"}}}
	for scope, want := range map[portal.PolicyScope]string{
		{Kind: portal.ScopeEveryone}: "Everyone", {Kind: portal.ScopeGroup, Who: "g1"}: "Group Sales", {Kind: portal.ScopeGroup, Who: "g2"}: "A group that is gone",
		{Kind: portal.ScopePerson, Who: string(bob)}: "Bob Berger", {Kind: portal.ScopePerson, Who: string(karl)}: "karl@example.test",
		{Kind: portal.ScopeConfiguration}: "Configuration", {Kind: portal.ScopeDefault}: "As delivered",
	} {
		if got := n.Scope(r, scope); got != want {
			t.Errorf("%v is %q, want %q", scope, got, want)
		}
	}
}

func TestTheAgeOfABook(t *testing.T) {
	r := NewReader("en", "UTC", en0)
	for d, want := range map[time.Duration]string{
		30 * time.Second: "less than a minute", time.Minute: "one minute", 119 * time.Minute: "119 minutes", 2 * time.Hour: "2 hours", 47 * time.Hour: "47 hours", 72 * time.Hour: "3 days",
	} {
		if got := r.age(en0.Add(-d)); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
	if got := r.age(time.Time{}); got != "–" {
		t.Error(got)
	}
	for want, b := range map[string]portal.BookState{"done": {At: en0}, "held": {At: en0, Failed: "x"}, "failed": {Failed: "x"}, "waiting": {}} {
		if got := bookMark(b); got != want {
			t.Errorf("%+v is %s, want %s", b, got, want)
		}
	}
	doc := render(t, BookView(BookPage{Frame: frameFor("en", Admin), Books: []portal.BookState{{Name: "ldap", Failed: "connection refused"}, {Name: "lab", At: en0.Add(-time.Hour), People: 12, Cached: true}}}))
	expect(t, doc, map[string]string{`#book-ldap .state-mark`: "Cannot be read", `#book-ldap code`: "connection refused", `#book-lab dd:nth-of-type(2)`: "60 minutes kept from before the start"})
}

func TestCustomStatesAsTheyLook(t *testing.T) {
	state := portal.CustomState{ID: 1, Availability: portal.Busy, Texts: portal.NewStateTexts(map[int]string{1033: "At lunch", 1036: "À table"})}
	looks := stateLooks(NewReader("en", "UTC", en0), state)
	if looks[0].Language != "English" || looks[1].Language != "German" || stateLooks(NewReader("de", "UTC", en0), state)[0].Language != "Englisch" {
		t.Errorf("languages are called %q and %q, which is not in the reader's", looks[0].Language, looks[1].Language)
	}
	if len(looks) != 2 || looks[0].Text != "At lunch" || looks[1].Text != "Beschäftigt" {
		t.Errorf("%+v", looks)
	}
	texts := stateTexts(NewReader("en", "UTC", en0), state)
	if len(texts) != 2 || texts[0].Text != "At lunch" || texts[1].Language != "French" {
		t.Errorf("%+v", texts)
	}
	v := StatesPage{Frame: frameFor("en", Admin), Addresses: []portal.PolicyRule{
		{Scope: portal.PolicyScope{Kind: portal.ScopeEveryone}, Value: "https://a.test/x"}, {Scope: portal.PolicyScope{Kind: portal.ScopePerson, Who: string(bob)}, Value: "https://a.test/x"},
		{Scope: portal.PolicyScope{Kind: portal.ScopePerson, Who: string(karl)}, Value: "none"},
	}, Sets: []portal.CustomStates{{Source: "https://a.test/x", States: []portal.CustomState{state}, At: en0}}, Failures: map[string][]string{"https://a.test/x": {"Line 3: that is wrong."}}}
	doc := render(t, StatesView(v))
	if doc.Find(".state-source").Length() != 2 || doc.Find(".state-source").First().Find(".chips li").Length() != 2 || doc.Find("table.states").Length() != 1 {
		t.Error("an address that is set twice is not shown once")
	}
	expect(t, doc, map[string]string{".state-source .error": "The last reading went wrong:Line 3: that is wrong.What was read before holds on."})
}

func TestCausesAndCures(t *testing.T) {
	r := NewReader("en", "UTC", en0)
	for cause, want := range map[string]string{"signin.wrong": "cure.signin.wrong", "signin.odd": "cure.signin", "odd": "cure.any"} {
		if got := r.CureOf(portal.Incident{Part: portal.PartSignin, Cause: cause}); got != r.Text(want) {
			t.Errorf("%s: %q", cause, got)
		}
	}
	if got := r.CureOf(portal.Incident{Good: true, Cause: "signin.wrong"}); got != "" {
		t.Error(got)
	}
	if got := r.CauseText(portal.Incident{Good: true, Part: portal.PartExchange, Cause: "exchange.odd"}); got != "Exchange answers again." {
		t.Error(got)
	}
	if partKey("new") != portal.PartSIP {
		t.Error("a part that nobody knows has no name")
	}
}

func TestFactsAsText(t *testing.T) {
	r := NewReader("en", "Europe/Vienna", en0)
	got := FactsText(r, []FactGroup{
		{Title: "You", Facts: []Fact{{Name: "Address", Value: "sip:a@x"}, {Name: "At", At: en0}, {Name: "Empty"}, {Name: "Lines", Value: "one\n two"}}},
		{Title: "Subscriptions", Head: []string{"Event"}, Table: [][]Fact{{{Value: "presence"}, {Value: "active"}}}}, {Title: "Exchange", None: "No mailbox."},
	})
	for _, want := range []string{"You\n---\nAddress: sip:a@x\nAt: " + en0.In(r.Zone).Format("2006-01-02 15:04:05 -07:00") + "\nEmpty: –\nLines: one two\n", "presence | active\n", "Exchange\n--------\nNo mailbox.\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

func TestPoliciesEventRefreshesWhatShowsThem(t *testing.T) {
	doc := render(t, LivePolicies(portal.PoliciesEvent{Names: []string{"DisableIM"}}))
	for _, pane := range []string{"policies-pane", "policy-pane", "person-pane", "facts-pane"} {
		if doc.Find(`live-event[data-event=policies] live-part[data-do=refresh][data-to="`+pane+`"]`).Length() != 1 {
			t.Errorf("%s is not read again", pane)
		}
	}
}
