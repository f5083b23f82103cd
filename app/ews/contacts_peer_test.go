package ews

import (
	"slices"
	"testing"

	"portico/app/ews/ewslab"
	"portico/app/ews/ewstest"
	"portico/app/portal"
)

// A program that nobody here wrote reads the contacts that the connector puts into the folder, and writes one that the
// connector reads; it looks people up in the same address book.
func TestPeersShareContactsAndTheAddressBook(t *testing.T) {
	p := newPeer(t, func(c *ewslab.Config) { c.People = append(ewslab.ExamplePeople(), c.People[len(c.People)-1]) })
	c := p.connector(t, nil)
	me := p.person("alice")
	nora := portal.Person{URI: "sip:nora@chat.test", DisplayName: "Nora Nilsson", Email: "nora@nilsson.test", Company: "Nilsson AB", Title: "Owner", Numbers: []portal.Number{{Kind: "work", Number: "+46 8 555"}}}
	if err := c.SaveOutlookContact(t.Context(), me, nora); err != nil {
		t.Fatal(err)
	}
	found := ewstest.Exchangelib(t, ewstest.Endpoint{URL: p.url, Service: p.user, Secret: p.password}, ewstest.ExchangelibOptions{Steps: []string{"contacts", "directory"}, Keep: true})
	type seen struct {
		Name, Company, Title string
		Emails, Phones       []string
	}
	read := decode[[]seen](t, found["contacts"].Facts["seen"])
	if !slices.ContainsFunc(read, func(s seen) bool {
		return s.Name == nora.DisplayName && s.Company == nora.Company && s.Title == nora.Title && slices.Equal(s.Emails, []string{nora.Email}) && slices.Equal(s.Phones, []string{"+46 8 555"})
	}) {
		t.Errorf("it reads %+v", read)
	}
	mine, err := c.OutlookContacts(t.Context(), me)
	rita := find(mine, "sip:rita@round.test")
	if err != nil || rita.DisplayName != found["contacts"].Facts["subject"] || rita.Company != "Round & Co" || !slices.Equal(rita.Numbers, []portal.Number{{Kind: "mobile", Number: "+49 170 5550 199"}}) {
		t.Errorf("of what it wrote is read %+v, %v", rita, err)
	}
	book, err := c.Directory(t.Context())
	if err != nil || !slices.ContainsFunc(book, func(p portal.Person) bool { return p.DisplayName == found["directory"].Facts["persona"] }) {
		t.Errorf("%v is not in the address book of %d, %v", found["directory"].Facts["persona"], len(book), err)
	}
}
