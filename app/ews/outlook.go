package ews

import (
	"context"
	"strings"

	"portico/app/ews/soap"
	"portico/app/portal"
)

// A person's own contacts, as their mail program keeps them in the contacts folder.

// maxContacts bounds the contacts that are read of one mailbox; contactPage is how many at once.
const (
	maxContacts = 10_000
	contactPage = 200
)

// contactFields are the properties of a contact. None is newer than Exchange 2007.
func contactFields() []soap.Path {
	fields := soap.Fields("contacts:DisplayName", "contacts:GivenName", "contacts:Surname", "contacts:CompanyName", "contacts:Department", "contacts:JobTitle",
		"contacts:OfficeLocation")
	for uri, keys := range map[string][]string{
		"contacts:EmailAddress": {"EmailAddress1", "EmailAddress2", "EmailAddress3"}, "contacts:ImAddress": {"ImAddress1", "ImAddress2", "ImAddress3"},
		"contacts:PhoneNumber": {"BusinessPhone", "BusinessPhone2", "MobilePhone", "HomePhone", "HomePhone2", "OtherTelephone", "PrimaryPhone"},
	} {
		for _, k := range keys {
			fields = append(fields, soap.Indexed(uri, k))
		}
	}
	return fields
}

// OutlookContacts are the people in somebody's contacts folder, without those of whom neither an address for instant
// messages nor one for e-mail is known. Somebody without the former gets the SIP address of their e-mail address, and
// where nobody knows one the e-mail address as if it were one.
func (c *Connector) OutlookContacts(ctx context.Context, who portal.Address) ([]portal.Person, error) {
	out := []portal.Person{}
	err := c.do(ctx, who, who, func(a *access) error {
		found, err := a.contacts(ctx)
		seen := map[portal.Address]bool{}
		v := a.voice(ctx)
		for _, x := range found {
			if p := c.ofContact(v, x); p.URI != "" && !seen[p.URI] {
				seen[p.URI] = true
				out = append(out, p)
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// contacts reads the contacts folder, page by page.
func (a *access) contacts(ctx context.Context) ([]*soap.Contact, error) {
	var out []*soap.Contact
	for offset := 0; offset < maxContacts; {
		res, err := a.FindItem(ctx, a.as, &soap.FindItem{Traversal: "Shallow", Shape: wholeFind(contactFields()), Page: soap.Page(offset, contactPage),
			Sort: []soap.FieldOrder{soap.OrderBy(soap.Field("item:DateTimeCreated"), false)}, Parents: []soap.FolderRef{a.folder("contacts")}})
		var m *soap.FindItemMessage
		if err == nil {
			m, err = one(res.Messages)
		}
		if err != nil {
			return nil, err
		}
		if m.Root == nil {
			break
		}
		for i := range m.Root.Items {
			if x := m.Root.Items[i].Contact; x != nil { // distribution lists of one's own have no address
				out = append(out, x)
			}
		}
		n := len(m.Root.Items)
		if offset += n; n == 0 || soap.Is(m.Root.IncludesLast) {
			break
		}
	}
	return out, nil
}

// wholeFind asks FindItem for the id and these properties; it has no bodies.
func wholeFind(fields []soap.Path) soap.ItemShape {
	return soap.ItemShape{BaseShape: soap.IDOnly, AdditionalProperties: fields}
}

// ofContact makes a person of a contact.
func (c *Connector) ofContact(v voice, x *soap.Contact) portal.Person {
	p := portal.Person{}
	for _, e := range x.EmailAddresses {
		if p.Email == "" {
			p.Email = v.email(soap.Mailbox{EmailAddress: e.Value, RoutingType: e.RoutingType})
		}
	}
	c.fillCard(v, &p, x)
	if p.DisplayName == "" {
		p.DisplayName = tidy(x.GivenName + " " + x.Surname)
	}
	p = c.addressed(p, entries(x.ImAddresses)...)
	if p.URI == "" && p.Email != "" {
		if p.URI = c.o.Person(p.Email); p.URI == "" {
			p.URI = parsed(strings.ToLower(p.Email))
		}
	}
	return p
}

// SaveOutlookContact puts somebody into who's contacts folder. Where they are there already, by one of their
// addresses, what is missing of them is filled in and nothing is overwritten.
func (c *Connector) SaveOutlookContact(ctx context.Context, who portal.Address, p portal.Person) error {
	if p.URI == "" && p.Email == "" {
		return portal.Fail(portal.ErrInvalid, "exchange.contact")
	}
	return c.do(ctx, who, who, func(a *access) error {
		found, err := a.contacts(ctx)
		if err != nil {
			return err
		}
		v := a.voice(ctx)
		wanted := contactOf(p)
		for _, x := range found {
			if have := c.ofContact(v, x); sameContact(have, p) {
				return a.complete(ctx, x, wanted)
			}
		}
		folder := a.folder("contacts")
		res, err := a.CreateItem(ctx, a.as, &soap.CreateItem{Folder: &folder, Items: []soap.NewItem{{Contact: wanted}}})
		if err == nil {
			_, err = one(res.Messages)
		}
		return err
	})
}

// sameContact tells whether both are one person.
func sameContact(a, b portal.Person) bool {
	return a.URI != "" && a.URI == b.URI || a.Email != "" && strings.EqualFold(a.Email, b.Email)
}

// phoneKeys are where telephone numbers of each kind go, in their order.
func phoneKeys(kind string) []string {
	switch kind {
	case "work":
		return []string{"BusinessPhone", "BusinessPhone2"}
	case "mobile":
		return []string{"MobilePhone"}
	case "home":
		return []string{"HomePhone", "HomePhone2"}
	}
	return []string{"OtherTelephone", "PrimaryPhone"}
}

// contactOf writes somebody as a contact.
func contactOf(p portal.Person) *soap.Contact {
	name := tidy(p.DisplayName)
	if name == "" {
		name = tidy(p.Email)
	}
	x := &soap.Contact{FileAs: name, DisplayName: name, CompanyName: tidy(p.Company), Department: tidy(p.Department), JobTitle: tidy(p.Title), OfficeLocation: tidy(p.Office)}
	if given, surname, ok := strings.Cut(name, " "); ok && !strings.Contains(name, "@") {
		x.GivenName, x.Surname = given, strings.TrimSpace(surname)
	}
	if p.Email != "" {
		x.EmailAddresses = []soap.Entry{{Key: "EmailAddress1", Value: sayable(p.Email)}}
	}
	if p.URI != "" {
		x.ImAddresses = []soap.Entry{{Key: "ImAddress1", Value: string(p.URI)}}
	}
	taken := map[string]bool{}
	for _, n := range p.Numbers {
		for _, key := range phoneKeys(n.Kind) {
			if !taken[key] {
				taken[key] = true
				x.PhoneNumbers = append(x.PhoneNumbers, soap.Entry{Key: key, Value: tidy(n.Number)})
				break
			}
		}
	}
	return x
}

// complete fills in what a contact lacks.
func (a *access) complete(ctx context.Context, have, want *soap.Contact) error {
	var updates []soap.Update
	text := func(uri, there, value string, x soap.Contact) {
		if there == "" && value != "" {
			updates = append(updates, soap.Set(soap.Field(uri), soap.AnyItem{Contact: &x}))
		}
	}
	text("contacts:CompanyName", have.CompanyName, want.CompanyName, soap.Contact{CompanyName: want.CompanyName})
	text("contacts:Department", have.Department, want.Department, soap.Contact{Department: want.Department})
	text("contacts:JobTitle", have.JobTitle, want.JobTitle, soap.Contact{JobTitle: want.JobTitle})
	text("contacts:OfficeLocation", have.OfficeLocation, want.OfficeLocation, soap.Contact{OfficeLocation: want.OfficeLocation})
	for _, d := range []struct {
		uri        string
		have, want []soap.Entry
		of         func([]soap.Entry) *soap.Contact
	}{
		{"contacts:EmailAddress", have.EmailAddresses, want.EmailAddresses, func(e []soap.Entry) *soap.Contact { return &soap.Contact{EmailAddresses: e} }},
		{"contacts:ImAddress", have.ImAddresses, want.ImAddresses, func(e []soap.Entry) *soap.Contact { return &soap.Contact{ImAddresses: e} }},
		{"contacts:PhoneNumber", have.PhoneNumbers, want.PhoneNumbers, func(e []soap.Entry) *soap.Contact { return &soap.Contact{PhoneNumbers: e} }},
	} {
		there := map[string]bool{}
		for _, e := range d.have {
			there[e.Key] = strings.TrimSpace(e.Value) != ""
		}
		for _, e := range d.want {
			if !there[e.Key] {
				updates = append(updates, soap.Set(soap.Indexed(d.uri, e.Key), soap.AnyItem{Contact: d.of([]soap.Entry{e})}))
			}
		}
	}
	if len(updates) == 0 || have.ItemID == nil {
		return nil
	}
	res, err := a.UpdateItem(ctx, a.as, &soap.UpdateItem{ConflictResolution: soap.AutoResolve,
		Changes: []soap.ItemChange{{Item: &soap.ItemRef{ID: have.ItemID}, Updates: updates}}})
	if err == nil {
		_, err = one(res.Messages)
	}
	return err
}
