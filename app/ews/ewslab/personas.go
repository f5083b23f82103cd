package ewslab

// The address book as personas: searched, and read one by one.

import (
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
)

// kindPersona marks the identifier of a line of the address book.
const kindPersona idKind = 'P'

// personaID is the identifier of a line.
func (e *entry) personaID() *node {
	h := fnv.New64a()
	// A hash takes every write.
	_, _ = h.Write([]byte(e.Email))
	return t("PersonaId", at("Id", id{Kind: kindPersona, Row: int64(h.Sum64() >> 1)}.String()), at("ChangeKey", changeKey(kindPersona, 1)))
}

// persona writes a line as a t:Persona; asked are the properties that the shape names beside the usual ones.
func (s *Server) persona(e *entry, name func(string, ...any) *node, asked map[string]bool) *node {
	p := e.Person
	kind := "Person"
	if e.Mailbox == nil {
		kind = "DistributionList"
	} else if p.Room {
		kind = "Room"
	}
	given, surname := p.names()
	n := name("Persona", e.personaID(), t("PersonaType", kind), t("DisplayName", p.Name), t("DisplayNameFirstLast", p.Name), t("FileAs", p.Name))
	text := func(name, value string) {
		if value != "" {
			n.add(t(name, value))
		}
	}
	if kind == "Person" {
		text("GivenName", given)
		text("Surname", surname)
	}
	text("Title", p.Title)
	text("Department", p.Department)
	text("Location", p.Office)
	n.add(e.mailboxNode("EmailAddress"), t("EmailAddresses", e.mailboxNode("Address")))
	if len(p.Phones) > 0 {
		n.add(t("PhoneNumber", t("Number", p.Phones[0]), t("Type", "Business")))
	}
	if kind == "Person" {
		n.add(t("ImAddress", "sip:"+e.Email))
	}
	if len(asked) > 0 {
		e.attributed(n, asked)
	}
	return n
}

// attributed adds the values that name their source, which is the organisation's address book.
func (e *entry) attributed(n *node, asked map[string]bool) {
	id := n.kid("PersonaId")
	n.add(t("Attributions", t("Attribution", t("Id", "0"), t("SourceId", at("Id", id.attr("Id")), at("ChangeKey", id.attr("ChangeKey"))),
		t("DisplayName", "Global Address List"), t("IsWritable", false))))
	by := func() *node { return t("Attributions", t("Attribution", "0")) }
	for _, list := range []struct {
		name, kind string
		at         int
	}{{"BusinessPhoneNumbers", "Business", 0}, {"HomePhones", "Home", 2}, {"MobilePhones", "Mobile", 1}} {
		if asked[list.name] && list.at < len(e.Person.Phones) {
			n.add(t(list.name, t("PhoneNumberAttributedValue", t("Value", t("Number", e.Person.Phones[list.at]), t("Type", list.kind)), by())))
		}
	}
	if asked["OfficeLocations"] && e.Person.Office != "" {
		n.add(t("OfficeLocations", t("StringAttributedValue", t("Value", e.Person.Office), by())))
	}
}

// askedOf are the names of the properties that a shape asks for.
func askedOf(shape *node) map[string]bool {
	asked := map[string]bool{}
	for _, k := range shape.kid("AdditionalProperties").kids() {
		if _, field, ok := strings.Cut(k.attr("FieldURI"), ":"); ok {
			asked[field] = true
		}
	}
	return asked
}

// opFindPeople searches the address book by QueryString or Restriction.
func (s *Server) opFindPeople(c *call) (*node, error) {
	var found []*entry
	query, restriction := strings.TrimSpace(c.req.text("QueryString")), c.req.kid("Restriction")
	for _, e := range s.people.entries {
		if query != "" && !e.matches(query) {
			continue
		}
		if restriction != nil && len(restriction.Kids) > 0 && !e.satisfies(restriction.Kids[0]) {
			continue
		}
		found = append(found, e)
	}
	slices.SortStableFunc(found, func(a, b *entry) int { return strings.Compare(fold(a.Person.Name), fold(b.Person.Name)) })
	view := c.req.kid("IndexedPageItemView")
	offset, limit := number(view.attr("Offset"), 0), number(view.attr("MaxEntriesReturned"), 100)
	first := min(max(offset, 0), len(found))
	last := min(first+max(limit, 0), len(found))
	people, asked := m("People"), askedOf(c.req.kid("PersonaShape"))
	for _, e := range found[first:last] {
		people.add(s.persona(e, t, asked))
	}
	return m("FindPeopleResponse", at("ResponseClass", "Success"), m("ResponseCode", "NoError"), people,
		m("TotalNumberOfPeopleInView", len(found)), m("FirstMatchingRowIndex", first), m("FirstLoadedRowIndex", first)), nil
}

// number reads an attribute that is a number.
func number(text string, otherwise int) int {
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil {
		return otherwise
	}
	return n
}

// satisfies evaluates a search expression over a persona's texts.
func (e *entry) satisfies(n *node) bool {
	switch n.Name {
	case "And":
		return !slices.ContainsFunc(n.Kids, func(k *node) bool { return !e.satisfies(k) })
	case "Or":
		return slices.ContainsFunc(n.Kids, e.satisfies)
	case "Not":
		return len(n.Kids) == 1 && !e.satisfies(n.Kids[0])
	}
	value := ""
	switch uri := n.kid("FieldURI").attr("FieldURI"); uri {
	case "persona:EmailAddress", "persona:EmailAddresses":
		value = e.Email
	case "persona:Departments":
		value = e.Person.Department
	case "persona:Title", "persona:Titles":
		value = e.Person.Title
	default:
		value = e.Person.Name
	}
	switch n.Name {
	case "Exists":
		return value != ""
	case "IsEqualTo":
		return fold(value) == fold(n.kid("FieldURIOrConstant", "Constant").attr("Value"))
	case "IsNotEqualTo":
		return fold(value) != fold(n.kid("FieldURIOrConstant", "Constant").attr("Value"))
	case "Contains":
		want := fold(n.kid("Constant").attr("Value"))
		switch n.attr("ContainmentMode") {
		case "FullString":
			return fold(value) == want
		case "Prefixed", "PrefixOnWords":
			return strings.HasPrefix(fold(value), want)
		}
		return strings.Contains(fold(value), want)
	}
	return false
}

// opGetPersona answers one line, by its identifier or its address.
func (s *Server) opGetPersona(c *call) (*node, error) {
	var found *entry
	want := c.req.kid("PersonaId").attr("Id")
	for _, e := range s.people.entries {
		if want != "" && e.personaID().attr("Id") == want {
			found = e
		}
	}
	if address := c.req.text("EmailAddress", "EmailAddress"); want == "" && address != "" {
		found = s.people.find(address)
	}
	if found == nil {
		return nil, fail("ErrorItemNotFound", "The persona was not found.")
	}
	return m("GetPersonaResponseMessage", at("ResponseClass", "Success"), m("ResponseCode", "NoError"), s.persona(found, m, nil)), nil
}
