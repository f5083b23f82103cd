package directory

import (
	"testing"

	"portico/app/portal"
)

func TestTies(t *testing.T) {
	book := &shelf{name: "book", people: []portal.Person{
		{URI: "sip:boss@x.test", DisplayName: "Boss", Email: "The.Boss@x.test", Manager: "sip:boss@x.test"},
		{URI: "sip:zoe@x.test", DisplayName: "Zoe", Email: "zoe@x.test", Manager: "sip:boss@x.test"},
		{URI: "sip:adam@x.test", DisplayName: "Adam", Email: "shared@x.test", Manager: "sip:boss@x.test"},
		{URI: "sip:eve@x.test", DisplayName: "Eve", Email: "shared@x.test"},
	}}
	s := New([]Source{book}, Options{})
	if err := s.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	for email, want := range map[string]portal.Address{
		"the.boss@X.test": "sip:boss@x.test", "shared@x.test": "sip:adam@x.test", "": "", "nobody@x.test": "",
	} {
		if got := s.ByEmail(email); got != want {
			t.Errorf("%q is %q, want %q", email, got, want)
		}
	}
	team, err := s.Team(t.Context(), "sip:boss@x.test")
	if err != nil || len(team) != 2 || team[0].DisplayName != "Adam" || team[1].DisplayName != "Zoe" {
		t.Errorf("team %+v, %v; nobody reports to themselves", team, err)
	}
	if team, err := s.Team(t.Context(), "sip:eve@x.test"); err != nil || len(team) != 0 {
		t.Errorf("Eve's team %+v, %v", team, err)
	}
	if all, err := s.People(t.Context()); err != nil || len(all) != 4 || all[0].DisplayName != "Adam" {
		t.Errorf("everybody %+v, %v", all, err)
	}
}
