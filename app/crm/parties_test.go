package crm

import (
	"strings"
	"testing"

	"portico/app/portal"
)

func TestPeopleAndCompanies(t *testing.T) {
	o := newOffice(t)
	acme, err := o.SaveCompany(o.ctx, alice, "k", portal.CRMCompany{Name: " Acme \n Ltd ", Web: "https://acme.test"})
	o.must(err)
	again, err := o.SaveCompany(o.ctx, alice, "k", portal.CRMCompany{Name: "Acme Ltd"})
	o.must(err)
	if again.ID != acme.ID || acme.Name != "Acme   Ltd" || acme.Version != 1 {
		t.Errorf("companies: %+v, %+v", acme, again)
	}
	p, err := o.SavePerson(o.ctx, carol, "", portal.CRMPerson{FirstName: "Wile", LastName: "Coyote", Email: "wile@acme.test", Company: acme.ID})
	o.must(err)
	if p.CompanyName != acme.Name || p.Version != 1 {
		t.Errorf("person: %+v", p)
	}
	p.Phone = "1"
	p2, err := o.SavePerson(o.ctx, carol, "", p)
	o.must(err)
	_, err = o.SavePerson(o.ctx, carol, "", p)
	o.refused(err, portal.ErrConflict, "crm.conflict")
	found, err := o.People(o.ctx, " coy ", 0)
	o.must(err)
	if len(found) != 1 || found[0].Phone != "1" {
		t.Errorf("found: %+v", found)
	}
	if list, err := o.Companies(o.ctx, "nobody", 5); err != nil || len(list) != 0 {
		t.Errorf("found: %+v, %v", list, err)
	}
	o.refused(o.DeletePerson(o.ctx, carol, p.ID, 1), portal.ErrConflict, "crm.conflict")
	o.must(o.DeletePerson(o.ctx, carol, p.ID, p2.Version))
	_, err = o.Person(o.ctx, p.ID)
	o.refused(err, portal.ErrNotFound, "crm.no-person")
	o.refused(o.DeletePerson(o.ctx, carol, p.ID, 2), portal.ErrNotFound, "crm.no-person")
	o.must(o.DeleteCompany(o.ctx, carol, acme.ID, 1))
	_, err = o.Company(o.ctx, acme.ID)
	o.refused(err, portal.ErrNotFound, "crm.no-company")
}

func TestPartiesThatCannotBeKept(t *testing.T) {
	o := newOffice(t)
	for key, p := range map[string]portal.CRMPerson{
		"crm.name":       {Phone: "1"},
		"crm.email":      {LastName: "A", Email: "a at b"},
		"crm.text":       {LastName: strings.Repeat("x", 256)},
		"crm.no-company": {LastName: "A", Company: "nothing"},
		"calendar.id":    {LastName: "A", ID: "a/b"},
	} {
		if _, err := o.SavePerson(o.ctx, alice, "", p); portal.Reason(err) != key {
			t.Errorf("%s: got %v", key, err)
		}
	}
	for key, c := range map[string]portal.CRMCompany{
		"crm.name":    {City: "X"},
		"crm.web":     {Name: "A", Web: "javascript:alert(1)"},
		"crm.text":    {Name: "A\x00"},
		"calendar.id": {Name: "A", ID: "ä"},
	} {
		if _, err := o.SaveCompany(o.ctx, alice, "", c); portal.Reason(err) != key {
			t.Errorf("%s: got %v", key, err)
		}
	}
	for key, u := range map[string]portal.CRMUser{
		"crm.email":    {Address: erin, Email: "x"},
		"crm.text":     {Address: erin, LastName: "\x00"},
		"address.form": {Address: "nobody"},
	} {
		if _, err := o.SaveUser(o.ctx, root, u); portal.Reason(err) != key {
			t.Errorf("%s: got %v", key, err)
		}
	}
}

func TestUsersAreFound(t *testing.T) {
	o := newOffice(t)
	for text, want := range map[string]int{"": 4, "exa al": 1, "carol@ex": 1, "zzz": 0} {
		list, err := o.FindUsers(o.ctx, text, 10)
		o.must(err)
		if len(list) != want {
			t.Errorf("%q finds %d, want %d", text, len(list), want)
		}
	}
	_, err := o.User(o.ctx, erin)
	o.refused(err, portal.ErrNotFound, "crm.no-user")
	all, err := o.Users(o.ctx)
	o.must(err)
	if len(all) != 4 {
		t.Errorf("%d users", len(all))
	}
}
