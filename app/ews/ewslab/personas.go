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

// persona writes a line as a t:Persona.
func (s *Server) persona(e *entry, name func(string, ...any) *node) *node {
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
	return n
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
	people := m("People")
	for _, e := range found[first:last] {
		people.add(s.persona(e, t))
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
	return m("GetPersonaResponseMessage", at("ResponseClass", "Success"), m("ResponseCode", "NoError"), s.persona(found, m)), nil
}
