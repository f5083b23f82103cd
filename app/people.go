package main

import (
	"context"

	"portico/app/portal"
	"portico/app/sipua/siplab"
)

// The example people of the lab. They live on loopback only.

const labPassword = "portico"

// labPerson is an example person.
type labPerson struct {
	user, name, title, department, office string
	manager                               string
	robot                                 bool
	// answers is what a robot says to every invitation.
	answers string
}

func labPeople() []labPerson {
	return []labPerson{
		{user: "alice", name: "Alice Adler", title: "Head of sales", department: "Sales", office: "Vienna"},
		{user: "bob", name: "Bob Berger", title: "Account manager", department: "Sales", office: "Vienna", manager: "alice"},
		{user: "carol", name: "Carol Conti", title: "Account manager", department: "Sales", office: "Milan", manager: "alice"},
		{user: "dave", name: "Dave Diaz", title: "Sales engineer", department: "Sales", office: "Madrid", manager: "alice"},
		{user: "erin", name: "Erin Eder", title: "Product designer", department: "Product", office: "Graz"},
		{user: "frank", name: "Frank Fuchs", title: "Product manager", department: "Product", office: "Vienna"},
		{user: "grace", name: "Grace Gruber", title: "Controller", department: "Finance", office: "Linz"},
		{user: "heidi", name: "Heidi Huber", title: "Assistant", department: "Sales", office: "Vienna"},
		{user: "ivan", name: "Ivan Ivanov", title: "System administrator", department: "IT", office: "Vienna"},
		{user: "judy", name: "Judy Jansen", title: "Developer", department: "IT", office: "Utrecht"},
		{user: "karl", name: "Karl Kraus", title: "Answers by himself", department: "Robots", office: "Lab", robot: true, answers: "Accept"},
		{user: "lena", name: "Lena Lang", title: "Answers by herself", department: "Robots", office: "Lab", robot: true, answers: "Tentative"},
	}
}

// labZone is where most of the example people work, as a Windows zone.
const labZone = "W. Europe Standard Time"

// zone is the Windows zone of the person's office.
func (p labPerson) zone() string {
	if p.office == "Madrid" {
		return "Romance Standard Time"
	}
	return labZone
}

// labUsers is the example people as accounts of the lab SIP server.
func labUsers() []siplab.User {
	var out []siplab.User
	for _, p := range labPeople() {
		out = append(out, siplab.User{Name: p.user, DisplayName: p.name, Password: labPassword, Robot: p.robot})
	}
	return out
}

// labBook is the example people as an address book.
type labBook struct{ domain string }

// Name is what the address book calls this source.
func (labBook) Name() string { return "lab" }

// People lists the example people.
func (b labBook) People(context.Context) ([]portal.Person, error) {
	var out []portal.Person
	for _, p := range labPeople() {
		who := portal.Person{
			URI: b.address(p.user), DisplayName: p.name, Email: p.user + "@" + b.domain, Title: p.title,
			Department: p.department, Office: p.office, Robot: p.robot,
		}
		if p.manager != "" {
			who.Manager = b.address(p.manager)
		}
		out = append(out, who)
	}
	return out, nil
}

func (b labBook) address(user string) portal.Address {
	return portal.Address("sip:" + user + "@" + b.domain)
}

// contactsOf is the contact list an example person starts with: everybody else, by department.
func (b labBook) contactsOf(who portal.Address) []portal.Contact {
	var out []portal.Contact
	for _, p := range labPeople() {
		if uri := b.address(p.user); uri != who {
			out = append(out, portal.Contact{URI: uri, DisplayName: p.name, Group: p.department, Relationship: portal.Company})
		}
	}
	return out
}
