package directory

import (
	"slices"
	"testing"

	"portico/app/portal"
)

// TestMergeByEmail: what two sources say under two addresses, or one without any, is one person where the e-mail address is
// theirs alone.
func TestMergeByEmail(t *testing.T) {
	ldap := Static("ldap", []portal.Person{
		{URI: "sip:1001@pbx.test", DisplayName: "Anna", Email: "Anna@mail.test", Manager: "sip:boss@mail.test"},
		{URI: "sip:boss@pbx.test", DisplayName: "Boss", Email: "boss@mail.test"},
		{URI: "sip:c1@pbx.test", DisplayName: "Carl", Email: "office@mail.test"},
		{URI: "sip:c2@pbx.test", DisplayName: "Cora", Email: "office@mail.test"},
		{URI: "sip:sales@mail.test", DisplayName: "Sales person", Email: "sales@mail.test"},
	})
	exchange := Static("exchange", []portal.Person{
		{Email: "anna@MAIL.test", DisplayName: "Anna A.", Title: "Baker", Numbers: []portal.Number{{Kind: "work", Number: "+43 1 2"}}},
		{URI: "sip:boss@mail.test", DisplayName: "Boss B.", Email: "boss@mail.test", Office: "1", Company: "ACME", TimeZone: "Europe/Vienna"},
		{Email: "office@mail.test", DisplayName: "The office", Office: "2"},
		{Email: "sales@mail.test", DisplayName: "Sales", Group: true},
		{Email: "new@mail.test", Phones: []string{"123"}},
		{DisplayName: "Nobody"},
		{Email: "twice@mail.test", DisplayName: "One"}, {Email: "twice@mail.test", Title: "same address"},
	})
	s := New([]Source{ldap, exchange}, Options{})
	if err := s.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	a := s.Lookup(t.Context(), "sip:1001@pbx.test")
	if a.DisplayName != "Anna" || a.Title != "Baker" || !slices.Equal(a.Phones, []string{"+43 1 2"}) || !slices.Equal(a.Sources, []string{"ldap", "exchange"}) {
		t.Errorf("Anna %+v", a)
	}
	if a.Manager != "sip:boss@pbx.test" {
		t.Errorf("Anna's manager is %s", a.Manager)
	}
	b := s.Lookup(t.Context(), "sip:boss@mail.test")
	if b.URI != "sip:boss@mail.test" || b.DisplayName != "Boss" || b.Office != "1" || b.Company != "ACME" || b.TimeZone != "Europe/Vienna" || !s.Known("sip:boss@mail.test") {
		t.Errorf("Boss by the other address %+v", b)
	}
	if team, err := s.Reports(t.Context(), "sip:boss@mail.test"); err != nil || len(team) != 1 || team[0].URI != "sip:1001@pbx.test" {
		t.Errorf("reports %+v, %v", team, err)
	}
	// An address that several have joins nobody; a group is no person.
	for uri, name := range map[portal.Address]string{"sip:c1@pbx.test": "Carl", "sip:c2@pbx.test": "Cora", "sip:office@mail.test": "The office"} {
		if p := s.Lookup(t.Context(), uri); p.DisplayName != name || p.Title != "" {
			t.Errorf("%s is %+v", uri, p)
		}
	}
	n := s.Lookup(t.Context(), "sip:new@mail.test")
	if n.DisplayName != "New" || !slices.Equal(n.Numbers, []portal.Number{{Kind: "other", Number: "123"}}) || !slices.Equal(n.Sources, []string{"exchange"}) {
		t.Errorf("new %+v", n)
	}
	if p := s.Lookup(t.Context(), "sip:unknown@mail.test"); len(p.Sources) != 0 {
		t.Errorf("somebody unknown has the sources %v", p.Sources)
	}
	if p := s.Lookup(t.Context(), "sip:sales@mail.test"); p.Group || p.DisplayName != "Sales person" {
		t.Errorf("sales %+v", p)
	}
	if s.Size() != 8 {
		all, err := s.People(t.Context())
		t.Errorf("%d people: %v, %v", s.Size(), names(all), err)
	}
}

func TestDistributionGroupsAreFound(t *testing.T) {
	s := book(t, portal.Person{Email: "sales@mail.test", DisplayName: "Sales team", Group: true}, person("sally@mail.test", "Sally Salt"))
	people, err := s.Search(t.Context(), "sal", 10)
	if err != nil || len(people) != 2 || !people[0].Group || people[0].URI != "sip:sales@mail.test" || people[1].Group {
		t.Errorf("%+v, %v", people, err)
	}
}

func TestManagers(t *testing.T) {
	chain := func(of portal.Address, people ...portal.Person) []string {
		managers, err := book(t, people...).Managers(t.Context(), of)
		if err != nil {
			t.Fatal(err)
		}
		var uris []string
		for _, m := range managers {
			uris = append(uris, m.URI.User())
		}
		return uris
	}
	a := portal.Person{URI: "sip:a@x.test", Manager: "sip:b@x.test"}
	b := portal.Person{URI: "sip:b@x.test", Manager: "sip:c@x.test"}
	if got := chain("sip:a@x.test", a, b); !slices.Equal(got, []string{"b", "c"}) {
		t.Errorf("managers %v", got)
	}
	if got := chain("sip:a@x.test", a, b, portal.Person{URI: "sip:c@x.test", Manager: "sip:a@x.test"}); !slices.Equal(got, []string{"b", "c"}) {
		t.Errorf("in a circle %v", got)
	}
	if got := chain("sip:nobody@x.test", a, b); len(got) != 0 {
		t.Errorf("of nobody %v", got)
	}
}
