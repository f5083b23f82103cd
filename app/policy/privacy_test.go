package policy

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"portico/app/portal"
)

// seenBy says of every field of a presence what lets others see it: the name of a field of portal.Sight, "always" for
// all but those from whom the person hides, "never" for what is the person's own alone. A field that does not stand here
// fails the test: whoever adds one must decide who may see it.
var seenBy = map[string]string{
	"URI": "hidden too", "Availability": "always", "Activity": "Activity", "Custom": "Activity", "NoIM": "always", "Text": "Activity",
	"Since": "LastActive", "Note": "Note", "OutOfOffice": "Note",
	"Agenda": "FreeBusy", "Calendar": "FreeBusy",
	"Meeting": "Meeting", "MeetingPlace": "Meeting",
	"Location": "Location", "TimeZone": "Location",
	"ByHand": "never", "Until": "never", "Provider": "never",
}

// wireBy says the same of every field of a claim that is published.
var wireBy = map[string]string{
	"Endpoint": "always", "Availability": "always", "Activity": "Activity", "Source": "always", "Until": "FreeBusy", "At": "always",
	"TakesCPIM": "always", "Custom": "Activity", "NoIM": "always", "Provider": "always", "Label": "always",
	"Since": "LastActive", "Note": "Note", "OutOfOffice": "Note", "Agenda": "FreeBusy", "Location": "Location", "TimeZone": "Location",
}

// filled is a value of which no field is zero.
func filled[T any](t *testing.T) T {
	t.Helper()
	var v T
	fill(t, reflect.ValueOf(&v).Elem(), 1)
	return v
}

func fill(t *testing.T, v reflect.Value, n int) {
	t.Helper()
	if v.Type() == reflect.TypeFor[time.Time]() {
		v.Set(reflect.ValueOf(noon.Add(time.Duration(n) * time.Hour)))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprintf("%s-%d", v.Type().Name(), n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i), n+i)
		}
	default:
		t.Fatalf("a field of kind %s: the test cannot fill it", v.Kind())
	}
}

// sights are all there are.
func sights() (all []portal.Sight) {
	n := reflect.TypeFor[portal.Sight]().NumField()
	for bits := range 1 << n {
		var s portal.Sight
		v := reflect.ValueOf(&s).Elem()
		for i := range n {
			v.Field(i).SetBool(bits>>i&1 == 1)
		}
		all = append(all, s)
	}
	return all
}

// shown reports whether a field by such a rule is seen under s.
func shown(rule string, s portal.Sight) bool {
	switch {
	case rule == "hidden too":
		return true
	case s.Hidden || rule == "never":
		return false
	case rule == "always":
		return true
	}
	return reflect.ValueOf(s).FieldByName(rule).Bool()
}

// checkCut compares, field by field, what is left of whole.
func checkCut(t *testing.T, what string, whole, left any, rules map[string]string, s portal.Sight) {
	t.Helper()
	w, l := reflect.ValueOf(whole), reflect.ValueOf(left)
	for i := range w.NumField() {
		name := w.Type().Field(i).Name
		want := w.Field(i).Interface()
		if !shown(rules[name], s) {
			want = reflect.Zero(w.Field(i).Type()).Interface()
		}
		if name == "Availability" && s.Hidden {
			want = portal.Offline
		}
		if got := l.Field(i).Interface(); got != want {
			t.Errorf("%s under %+v: %s is %v, want %v", what, s, name, got, want)
		}
	}
}

func TestEveryItemHasItsRule(t *testing.T) {
	for _, c := range []struct {
		of    reflect.Type
		rules map[string]string
	}{{reflect.TypeFor[portal.Presence](), seenBy}, {reflect.TypeFor[portal.Claim](), wireBy}} {
		fields := map[string]bool{}
		for i := range c.of.NumField() {
			name := c.of.Field(i).Name
			fields[name] = true
			rule, there := c.rules[name]
			if !there {
				t.Errorf("%s.%s: nobody said who may see it", c.of.Name(), name)
			}
			_, ofSight := reflect.TypeFor[portal.Sight]().FieldByName(rule)
			if !ofSight && rule != "always" && rule != "never" && rule != "hidden too" {
				t.Errorf("%s.%s: %q is no part of a sight", c.of.Name(), name, rule)
			}
		}
		for name := range c.rules {
			if !fields[name] {
				t.Errorf("%s has no field %s", c.of.Name(), name)
			}
		}
	}
}

func TestSeeOverAllSightsAndItems(t *testing.T) {
	whole := filled[portal.Presence](t)
	for _, s := range sights() {
		checkCut(t, "seen", whole, See(whole, s), seenBy, s)
	}
}

func TestWhoIsOfflineHasNoSince(t *testing.T) {
	p := portal.Presence{URI: "sip:a@example.test", Availability: portal.Offline, Since: noon}
	if got := See(p, portal.FullSight()); got != HiddenOf(p.URI) {
		t.Errorf("who is offline can be told from who hides: %+v", got)
	}
}

func TestOnTheWireOverAllSightsAndItems(t *testing.T) {
	whole := filled[portal.Claim](t)
	for _, s := range sights() {
		got := OnTheWire(whole, s)
		rules := maps.Clone(wireBy)
		if s.Hidden {
			// A server without rules sends all the same: somebody hidden from all still has a state.
			for name, rule := range rules {
				if rule == "always" {
					rules[name] = "hidden too"
				}
			}
			if got.Availability != whole.Availability {
				t.Errorf("under %+v the state is %s", s, got.Availability)
			}
			got.Availability = portal.Offline
		}
		checkCut(t, "published", whole, got, rules, s)
	}
}

func TestWhoAppearsOfflineSaysNothingElse(t *testing.T) {
	whole := filled[portal.Claim](t)
	whole.Availability = portal.Offline
	want := portal.Claim{Endpoint: whole.Endpoint, Availability: portal.Offline, At: whole.At}
	for _, s := range sights() {
		if got := OnTheWire(whole, s); got != want {
			t.Errorf("published under %+v of somebody offline: %+v", s, got)
		}
	}
}

// The end of what was set by hand is no word of the calendar.
func TestTheEndOfAStateOnTheWire(t *testing.T) {
	for _, source := range []portal.Source{portal.SourceHand, portal.SourceCalendar, portal.SourceCall} {
		got := OnTheWire(portal.Claim{Availability: portal.Busy, Source: source, Until: noon}, portal.Sight{})
		if got.Until.IsZero() != (source != portal.SourceHand) {
			t.Errorf("%s: until %v", source, got.Until)
		}
	}
}

// Subject and place of a meeting are no part of what a claim can say.
func TestAClaimKnowsNoMeeting(t *testing.T) {
	for _, name := range []string{"Meeting", "MeetingPlace", "Subject", "Place"} {
		if _, there := reflect.TypeFor[portal.Claim]().FieldByName(name); there {
			t.Errorf("a claim has a field %s", name)
		}
	}
}

var allRelationships = []portal.Relationship{portal.Personal, portal.Team, portal.Company, portal.Public, portal.Blocked}

// What each relationship shows, field of a sight by field.
func TestRelationshipsOverAllSights(t *testing.T) {
	all := []string{"Activity", "FreeBusy", "Meeting", "Note", "Numbers", "Location", "LastActive", "Pierces"}
	standard := map[portal.Relationship][]string{
		portal.Personal: all, portal.Team: all,
		portal.Company: {"Activity", "FreeBusy", "Note", "Numbers", "LastActive"},
		portal.Public:  {},
		portal.Blocked: {"Hidden"},
	}
	for _, r := range allRelationships {
		v := reflect.ValueOf(StandardSight(r))
		for i := range v.NumField() {
			name := v.Type().Field(i).Name
			if want := slices.Contains(standard[r], name); v.Field(i).Bool() != want {
				t.Errorf("%s: %s is %v, want %v", r, name, v.Field(i).Bool(), want)
			}
		}
	}
	if got := StandardSight("stranger"); got != (portal.Sight{}) {
		t.Errorf("what is no relationship shows %+v", got)
	}
	for _, r := range allRelationships {
		for _, s := range sights() {
			got, want := SightOf(portal.Privacy{Rules: map[portal.Relationship]portal.Sight{r: s}}, r), s
			if s.Hidden || r == portal.Blocked {
				want = portal.Sight{Hidden: true}
			}
			if got != want {
				t.Errorf("%s changed to %+v shows %+v", r, s, got)
			}
		}
		if got := SightOf(portal.Privacy{Rules: map[portal.Relationship]portal.Sight{"other": {}}}, r); got != StandardSight(r) {
			t.Errorf("%s unchanged shows %+v", r, got)
		}
	}
}

// Every relationship against every item of presence, as people set it and as it is out of the box.
func TestEveryRelationshipAndItem(t *testing.T) {
	whole := filled[portal.Presence](t)
	for _, r := range allRelationships {
		got := See(whole, SightOf(portal.Privacy{}, r))
		checkCut(t, string(r), whole, got, seenBy, StandardSight(r))
		if r == portal.Blocked && got != HiddenOf(whole.URI) {
			t.Errorf("blocked sees %+v", got)
		}
	}
}

func TestRelationshipOf(t *testing.T) {
	const here = "example.test"
	ties := []portal.Tie{{With: "sip:bob@example.test", Relationship: portal.Team, Contact: true}, {With: "sip:eve@other.test", Relationship: portal.Blocked},
		{With: "sip:old@example.test", Contact: true}}
	chosen := portal.Privacy{Colleagues: portal.Team, Others: portal.Blocked}
	closed := portal.Privacy{ContactsOnly: true}
	cases := []struct {
		name   string
		p      portal.Privacy
		viewer portal.Address
		want   portal.Relationship
		hidden bool
	}{
		{"given", portal.Privacy{}, "sip:bob@example.test", portal.Team, false},
		{"blocked", portal.Privacy{}, "sip:eve@other.test", portal.Blocked, true},
		{"a colleague", portal.Privacy{}, "sip:dave@example.test", portal.Company, false},
		{"somebody else", portal.Privacy{}, "sip:dave@other.test", portal.Public, false},
		{"nobody", portal.Privacy{}, "", portal.Public, false},
		{"a colleague as chosen", chosen, "sip:dave@example.test", portal.Team, false},
		{"somebody else as chosen", chosen, "sip:dave@other.test", portal.Blocked, true},
		{"given whatever is chosen", chosen, "sip:bob@example.test", portal.Team, false},
		{"an entry of the list that says nothing", closed, "sip:old@example.test", portal.Company, false},
		{"a colleague of somebody who hides from strangers", closed, "sip:dave@example.test", portal.Company, true},
		{"a contact of somebody who hides from strangers", closed, "sip:bob@example.test", portal.Team, false},
		{"a choice that is none", portal.Privacy{Colleagues: "?"}, "sip:dave@example.test", portal.Company, false},
	}
	for _, c := range cases {
		if got := RelationshipOf(c.p, ties, c.viewer, here); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		given, tied := tieWith(ties, c.viewer)
		want := SightOf(c.p, c.want)
		if c.hidden {
			want = portal.Sight{Hidden: true}
		}
		if got := SightFor(c.p, given, tied, c.viewer, here); got != want {
			t.Errorf("%s sees %+v, want %+v", c.name, got, want)
		}
	}
	if got := RelationshipOf(portal.Privacy{}, nil, "sip:a@", ""); got != portal.Public {
		t.Errorf("without a domain nobody is a colleague, got %s", got)
	}
}

func TestLimit(t *testing.T) {
	full := portal.FullSight()
	without := func(f func(*portal.Sight)) portal.Sight { s := full; f(&s); return s }
	cases := []struct {
		name string
		f    portal.InForce
		want portal.Sight
	}{
		{"nothing", portal.InForce{}, full},
		{"no free/busy", portal.InForce{DisableFreeBusyInfo: true}, without(func(s *portal.Sight) { s.FreeBusy = false })},
		{"no subjects", portal.InForce{DisableMeetingSubjectAndLocation: true}, without(func(s *portal.Sight) { s.Meeting = false })},
		{"no notes", portal.InForce{DisablePresenceNote: true}, without(func(s *portal.Sight) { s.Note = false })},
		{"no calendar", portal.InForce{DisableCalendarPresence: true}, without(func(s *portal.Sight) { s.FreeBusy, s.Meeting = false, false })},
		{"no calendar and no subjects", portal.InForce{DisableCalendarPresence: true, DisableMeetingSubjectAndLocation: true},
			without(func(s *portal.Sight) { s.FreeBusy, s.Meeting = false, false })},
	}
	for _, c := range cases {
		if got := Limit(full, c.f); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
		// A policy only ever takes away.
		for _, s := range sights() {
			got, before := reflect.ValueOf(Limit(s, c.f)), reflect.ValueOf(s)
			for i := range got.NumField() {
				if got.Field(i).Bool() && !before.Field(i).Bool() {
					t.Errorf("%s gives %s to %+v", c.name, got.Type().Field(i).Name, s)
				}
			}
		}
	}
}
