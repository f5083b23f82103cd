package storagetest

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"portico/app/portal"
	"portico/storage"
)

// Users, people and companies of CRM.

func testCRMUsers(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	_, err := s.CRMUser(ctx, alice)
	wantMeaning(t, err, portal.ErrNotFound)
	list := []portal.CRMUser{
		{Address: bob, FirstName: "Bob", Email: "bob@example.test", ExchangeID: "guid", Server: "main", Since: noon()},
		{Address: alice, FirstName: "Alice", LastName: "Ähnlich", Resource: true, Cleared: true},
	}
	stored, err := s.PutCRMUsers(ctx, "", list, "admin")
	must(t, err)
	if got, err := s.CRMUsers(ctx); err != nil || !slices.Equal(got, []portal.CRMUser{stored[1], stored[0]}) || got[0].Version != 1 {
		t.Errorf("stored %+v, got %+v, %v", stored, got, err)
	}
	changed := stored[0]
	changed.ExchangeID, changed.Cleared = "", true
	after, err := s.PutCRMUsers(ctx, "", []portal.CRMUser{changed}, "sync")
	must(t, err)
	if got, err := s.CRMUser(ctx, bob); err != nil || got != after[0] || got.Version != 2 {
		t.Errorf("stored %+v, got %+v, %v", after, got, err)
	}
	carols := portal.CRMUser{Address: carol}
	for name, list := range map[string][]portal.CRMUser{"stale": {carols, stored[0]}, "there already": {carols, {Address: alice}}} {
		_, err := s.PutCRMUsers(ctx, "", list, "x")
		wantMeaning(t, err, portal.ErrConflict)
		if _, err := s.CRMUser(ctx, carol); portal.Meaning(err) != portal.ErrNotFound {
			t.Errorf("%s: half of it was kept", name)
		}
	}
	_, err = s.PutCRMUsers(ctx, "", []portal.CRMUser{{}}, "x")
	wantMeaning(t, err, portal.ErrInvalid)
	want := []portal.CRMChange{
		{Kind: "user", ID: string(bob), Change: portal.Created, By: "admin"},
		{Kind: "user", ID: string(alice), Change: portal.Created, By: "admin"},
		{Kind: "user", ID: string(bob), Change: portal.Updated, By: "sync"},
	}
	if got := changesSince(t, s, 0); !slices.Equal(got, want) {
		t.Errorf("the change log has %+v", got)
	}
}

// parties stores two companies and some people of them.
func parties(t *testing.T, s Store) {
	t.Helper()
	ctx := deadline(t)
	_, err := s.PutCRMCompanies(ctx, "", []portal.CRMCompany{
		{ID: "c1", Name: "Ångström & Söhne GmbH", City: "Graz", Phone: "+43"}, {ID: "c2", Name: "Zulu Trading", Web: "https://zulu.example"},
	}, "x")
	must(t, err)
	_, err = s.PutCRMPeople(ctx, "", []portal.CRMPerson{
		{ID: "p1", FirstName: "Jürgen", LastName: "Müller", Email: "j.mueller@kunde.example", Company: "c1"},
		{ID: "p2", FirstName: "Anna", LastName: "Berger-Maier", Email: "ab@zulu.example", Title: "Dr.", Company: "c2"},
		{ID: "p3", FirstName: "annabel", LastName: "Łukasz", CompanyName: "Nowhere Ltd"},
		{ID: "p4", FirstName: "Bo", LastName: "Ng"},
	}, "x")
	must(t, err)
}

func testCRMSearch(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	parties(t, s)
	ctx := deadline(t)
	for text, want := range map[string][]string{
		"": {"p2", "p3", "p4", "p1"}, "  ": {"p2", "p3", "p4", "p1"}, "a": {"p2", "p3", "p1"}, "ann": {"p2", "p3"}, "ANNA": {"p2", "p3"}, "annab": {"p3"},
		"müll": {"p1"}, "muller": {"p1"}, "mueller": {"p1"}, "juer": {"p1"}, "mül jü": {"p1"}, "maier": {"p2"}, "berger-m": {"p2"}, "luk": {"p3"},
		"kunde": {"p1"}, "j.mue": {"p1"}, "angstr": {"p1"}, "sohne": {"p1"}, "zulu": {"p2"}, "zulu ann": {"p2"}, "b": {"p2", "p4"}, "nowh": {"p3"},
		"nna": nil, "zulu bo": nil, "@": nil, "x": nil, "annabelle": nil, "%": nil, "_": nil,
	} {
		got, err := s.CRMPeople(ctx, text, 10)
		var found []string
		for _, p := range got {
			found = append(found, p.ID)
		}
		if err != nil || !slices.Equal(found, want) {
			t.Errorf("%q finds %v, %v; want %v", text, found, err, want)
		}
	}
	for _, text := range []string{"", "a", "anna"} {
		if got, err := s.CRMPeople(ctx, text, 1); err != nil || len(got) != 1 || got[0].ID != "p2" {
			t.Errorf("the first of %q: %+v, %v", text, got, err)
		}
		if got, err := s.CRMPeople(ctx, text, 0); err != nil || len(got) != 0 {
			t.Errorf("none of %q: %+v, %v", text, got, err)
		}
	}
	for text, want := range map[string][]string{"": {"c1", "c2"}, "graz": {"c1"}, "ang": {"c1"}, "söhn": {"c1"}, "gmbh ån": {"c1"}, "tradi": {"c2"}, "zz": nil} {
		got, err := s.CRMCompanies(ctx, text, 10)
		var found []string
		for _, c := range got {
			found = append(found, c.ID)
		}
		if err != nil || !slices.Equal(found, want) {
			t.Errorf("%q finds %v, %v; want %v", text, found, err, want)
		}
	}
}

// testCRMManyAlike: what very many have in common is found as well, in order, and with what few have.
func testCRMManyAlike(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	const n = 520
	var list []portal.CRMPerson
	for i := range n {
		list = append(list, portal.CRMPerson{ID: fmt.Sprint("p", i), FirstName: fmt.Sprintf("Nr%04d", i*7%n), LastName: "Everybody Common"})
	}
	list[17].LastName += " Rare"
	_, err := s.PutCRMPeople(ctx, "", list, "x")
	must(t, err)
	for _, text := range []string{"everyb", "every common", "eve"} {
		got, err := s.CRMPeople(ctx, text, 3)
		if err != nil || len(got) != 3 || got[0].FirstName != "Nr0000" || got[1].FirstName != "Nr0001" || got[2].FirstName != "Nr0002" {
			t.Errorf("%q finds %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"everybody ra", "everybody rare", "nr0119 common", "rar nr"} {
		if got, err := s.CRMPeople(ctx, text, 3); err != nil || len(got) != 1 || got[0].ID != "p17" {
			t.Errorf("%q finds %+v, %v", text, got, err)
		}
	}
	if got, err := s.CRMPeople(ctx, "everybody nobody", 3); err != nil || len(got) != 0 {
		t.Errorf("nobody: %+v, %v", got, err)
	}
	if got, err := s.CRMPeople(ctx, "everybody", 2*n); err != nil || len(got) != n {
		t.Errorf("all: %d, %v", len(got), err)
	}
}

func testCRMParties(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	parties(t, s)
	ctx := deadline(t)
	want := portal.CRMPerson{ID: "p1", FirstName: "Jürgen", LastName: "Müller", Email: "j.mueller@kunde.example", Company: "c1",
		CompanyName: "Ångström & Söhne GmbH", Version: 1}
	people, err := s.CRMPeopleByID(ctx, []string{"p4", "none", "p1"})
	if err != nil || len(people) != 2 || people[0].ID != "p4" || people[1] != want {
		t.Errorf("%+v, %v", people, err)
	}
	companies, err := s.CRMCompaniesByID(ctx, []string{"c2", "none", "c1"})
	if err != nil || len(companies) != 2 || companies[0] != (portal.CRMCompany{ID: "c2", Name: "Zulu Trading", Web: "https://zulu.example", Version: 1}) {
		t.Errorf("%+v, %v", companies, err)
	}
	last, err := s.LastCRMChange(ctx)
	must(t, err)
	// A company that has another name gives it to its people.
	renamed := companies[1]
	renamed.Name = "Quantum AG"
	if _, err := s.PutCRMCompanies(ctx, "", []portal.CRMCompany{renamed}, "x"); err != nil {
		t.Fatal(err)
	}
	for text, n := range map[string]int{"quantum": 1, "qua": 1, "angstrom": 0, "ang": 0} {
		if got, err := s.CRMPeople(ctx, text, 10); err != nil || len(got) != n || n == 1 && (got[0].ID != "p1" || got[0].CompanyName != "Quantum AG") {
			t.Errorf("%q finds %+v, %v", text, got, err)
		}
	}
	// A person who is called otherwise is found by that alone.
	person := want
	person.LastName, person.Email, person.Company = "Neu", "neu@example.test", "c2"
	if _, err := s.PutCRMPeople(ctx, "", []portal.CRMPerson{person}, "x"); err != nil {
		t.Fatal(err)
	}
	for text, n := range map[string]int{"neu": 1, "zulu neu": 1, "mueller": 0, "quantum": 0} {
		if got, err := s.CRMPeople(ctx, text, 10); err != nil || len(got) != n {
			t.Errorf("%q finds %+v, %v", text, got, err)
		}
	}
	for _, err := range []error{
		func() error { _, err := s.PutCRMPeople(ctx, "", []portal.CRMPerson{want}, "x"); return err }(),
		func() error { _, err := s.PutCRMCompanies(ctx, "", []portal.CRMCompany{companies[1]}, "x"); return err }(),
		s.DeleteCRMPerson(ctx, "p1", 1, "x"), s.DeleteCRMCompany(ctx, "c1", 1, "x"),
	} {
		wantMeaning(t, err, portal.ErrConflict)
	}
	for _, err := range []error{s.DeleteCRMPerson(ctx, "none", 1, "x"), s.DeleteCRMCompany(ctx, "none", 1, "x")} {
		wantMeaning(t, err, portal.ErrNotFound)
	}
	for _, p := range []portal.CRMPerson{{}, {ID: "p9", Company: "none"}} {
		_, err := s.PutCRMPeople(ctx, "", []portal.CRMPerson{p}, "x")
		wantMeaning(t, err, portal.ErrInvalid)
	}
	_, err = s.PutCRMCompanies(ctx, "", []portal.CRMCompany{{}}, "x")
	wantMeaning(t, err, portal.ErrInvalid)
	// A company that goes leaves its people, of no company.
	must(t, s.DeleteCRMCompany(ctx, "c2", 1, "y"))
	must(t, s.DeleteCRMPerson(ctx, "p2", 2, "y"))
	people, err = s.CRMPeopleByID(ctx, []string{"p1", "p2"})
	person.Company, person.CompanyName, person.Version = "", "", 3
	if err != nil || !reflect.DeepEqual(people, []portal.CRMPerson{person}) {
		t.Errorf("%+v, %v; want %+v", people, err, person)
	}
	for text, n := range map[string]int{"zulu": 0, "zul": 0, "anna": 1, "a": 1} {
		if got, err := s.CRMPeople(ctx, text, 10); err != nil || len(got) != n {
			t.Errorf("%q finds %+v, %v", text, got, err)
		}
	}
	changes := []portal.CRMChange{
		{Kind: "company", ID: "c1", Change: portal.Updated, By: "x"}, {Kind: "person", ID: "p1", Change: portal.Updated, By: "x"},
		{Kind: "person", ID: "p1", Change: portal.Updated, By: "y"}, {Kind: "person", ID: "p2", Change: portal.Updated, By: "y"},
		{Kind: "company", ID: "c2", Change: portal.Deleted, By: "y"}, {Kind: "person", ID: "p2", Change: portal.Deleted, By: "y"},
	}
	if got := changesSince(t, s, last); !slices.Equal(got, changes) {
		t.Errorf("the change log has %+v", got)
	}
}
