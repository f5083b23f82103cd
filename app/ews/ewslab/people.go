package ewslab

// The address book to clients: names resolved, lists expanded, rooms.

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// maxResolutions is how many candidates ResolveNames answers.
const maxResolutions = 100

// entryOf is the line of a mailbox.
func (s *Server) entryOf(b *mailbox) *entry { return s.people.find(b.Email) }

// membersOf are the mailboxes that a list reaches, through lists in it, each once.
func (s *Server) membersOf(list *entry) []*mailbox {
	out := []*mailbox{}
	seen := map[*entry]bool{}
	var walk func(*entry)
	walk = func(e *entry) {
		if e == nil || seen[e] {
			return
		}
		seen[e] = true
		if e.Mailbox != nil {
			out = append(out, e.Mailbox)
		}
		for _, user := range e.Person.List {
			walk(s.people.find(user))
		}
	}
	walk(list)
	return out
}

// isRoomList says whether a list holds rooms and nothing else.
func (s *Server) isRoomList(e *entry) bool {
	for _, user := range e.Person.List {
		member := s.people.find(user)
		if member == nil || !member.Person.Room {
			return false
		}
	}
	return len(e.Person.List) > 0
}

// fold makes names comparable: lower case, the usual accents gone.
func fold(s string) string {
	return strings.NewReplacer("ä", "a", "ö", "o", "ü", "u", "ß", "ss", "é", "e", "è", "e", "ê", "e", "á", "a", "à", "a", "ç", "c", "ñ", "n", "ó", "o", "ú", "u", "í", "i").
		Replace(strings.ToLower(s))
}

// matches says whether a line answers to what somebody typed: the beginning of a name, of a part of it, of the address.
func (e *entry) matches(typed string) bool {
	typed = fold(strings.TrimSpace(typed))
	if typed == "" {
		return false
	}
	if exact, ok := strings.CutPrefix(typed, "="); ok {
		return e.Email == exact || fold(e.Person.User) == exact || fold(e.Person.Name) == exact
	}
	typed = strings.TrimPrefix(typed, "smtp:")
	if strings.Contains(typed, "@") {
		return e.Email == typed
	}
	name := fold(e.Person.Name)
	if strings.HasPrefix(name, typed) || strings.HasPrefix(e.Email, typed) {
		return true
	}
	return slices.ContainsFunc(strings.FieldsFunc(name, func(r rune) bool { return r == ' ' || r == '-' }), func(part string) bool { return strings.HasPrefix(part, typed) })
}

// search finds lines of the address book by what somebody typed.
func (d *directory) search(typed string) []*entry {
	var out []*entry
	for _, e := range d.entries {
		if e.matches(typed) {
			out = append(out, e)
		}
	}
	return out
}

// names splits a display name.
func (p Person) names() (given, surname string) {
	given, surname, found := strings.Cut(p.Name, " ")
	if !found {
		return p.Name, ""
	}
	return given, surname
}

// contact writes a line as the t:Contact that comes with a resolution; all: with what only the shape AllProperties has.
func (s *Server) contact(e *entry, all bool) *node {
	p := e.Person
	given, surname := p.names()
	if e.Mailbox == nil || p.Room {
		given, surname = "", ""
	}
	n := t("Contact", t("DisplayName", p.Name))
	text := func(name, value string) {
		if value != "" {
			n.add(t(name, value))
		}
	}
	text("GivenName", given)
	n.add(t("EmailAddresses", t("Entry", at("Key", "EmailAddress1"), "SMTP:"+e.Email)))
	phones := t("PhoneNumbers")
	for i, number := range p.Phones {
		if keys := []string{"BusinessPhone", "MobilePhone", "HomePhone"}; i < len(keys) {
			phones.add(t("Entry", at("Key", keys[i]), number))
		}
	}
	if len(phones.Kids) > 0 {
		n.add(phones)
	}
	n.add(t("ContactSource", "ActiveDirectory"))
	text("Department", p.Department)
	text("JobTitle", p.Title)
	manager := s.people.find(p.Manager)
	if manager != nil {
		text("Manager", manager.Person.Name)
	}
	text("OfficeLocation", p.Office)
	text("Surname", surname)
	if !all {
		return n
	}
	text("Alias", strings.ToLower(p.User))
	text("DirectoryId", directoryID(e.Email))
	if manager != nil {
		n.add(t("ManagerMailbox", manager.mailboxNode("Mailbox")))
	}
	reports := t("DirectReports")
	for _, other := range s.people.entries {
		if e.Mailbox != nil && s.people.find(other.Person.Manager) == e {
			reports.add(other.mailboxNode("Mailbox"))
		}
	}
	if len(reports.Kids) > 0 {
		n.add(reports)
	}
	return n
}

// directoryID is the directory's identifier of an entry, the same as long as its address is.
func directoryID(email string) string {
	sum := sha256.Sum256([]byte("directory " + strings.ToLower(email)))
	return fmt.Sprintf("<GUID=%x-%x-%x-%x-%x>", sum[0:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

// opResolveNames answers who is meant by a name or an address. One entry is what the schema allows; some clients send several.
func (s *Server) opResolveNames(c *call) (*node, error) {
	entries := c.req.all("UnresolvedEntry")
	if len(entries) == 0 {
		return nil, invalid("the element 'UnresolvedEntry' is missing.")
	}
	full := isTrue(strings.ToLower(c.req.attr("ReturnFullContactData")))
	scope := c.req.attr("SearchScope")
	return c.messages(len(entries), func(i int) ([]*node, error) {
		typed := strings.TrimSpace(entries[i].Text)
		if typed == "" {
			return nil, fail("ErrorInvalidNameForNameResolution", "The name is empty.")
		}
		var found []*node
		if scope != "Contacts" {
			for _, e := range s.people.search(typed) {
				r := t("Resolution", e.mailboxNode("Mailbox"))
				if full {
					r.add(s.contact(e, c.req.attr("ContactDataShape") == "AllProperties"))
				}
				found = append(found, r)
			}
		}
		if scope != "ActiveDirectory" {
			own, err := s.resolveContacts(c, typed, full)
			if err != nil {
				return nil, err
			}
			found = append(found, own...)
		}
		return resolutions(found)
	})
}

// resolutions is the answer to one name: none is an error, several a warning with all of them.
func resolutions(found []*node) ([]*node, error) {
	if len(found) == 0 {
		return nil, fail("ErrorNameResolutionNoResults", "No results were found.")
	}
	all := len(found) <= maxResolutions
	found = found[:min(len(found), maxResolutions)]
	set := m("ResolutionSet", at("TotalItemsInView", strconv.Itoa(len(found))), at("IncludesLastItemInRange", strconv.FormatBool(all)), found)
	if len(found) > 1 {
		return []*node{set}, &failure{Code: "ErrorNameResolutionMultipleResults", Text: "Multiple results were found.", Warning: true}
	}
	return []*node{set}, nil
}

// resolveContacts looks through the caller's own contacts.
func (s *Server) resolveContacts(c *call, typed string, full bool) ([]*node, error) {
	if c.me == nil {
		return nil, nil
	}
	var out []*node
	err := c.view(func(x *tx) error {
		f, err := x.standard(c.me.ID, "contacts")
		if err != nil {
			return err
		}
		list, err := x.items(`folder = ? AND elem = 'Contact'`, f.ID)
		if err != nil {
			return err
		}
		for _, it := range list {
			address := it.get("EmailAddresses").kid("Entry")
			if address == nil {
				continue
			}
			email := strings.ToLower(strings.TrimPrefix(address.Text, "SMTP:"))
			e := &entry{Person: Person{Name: it.text("DisplayName")}, Email: email}
			if !e.matches(typed) || s.people.find(email) != nil {
				continue
			}
			r := t("Resolution", t("Mailbox", t("Name", e.Person.Name), t("EmailAddress", email), t("RoutingType", "SMTP"), t("MailboxType", "Contact"), it.node("ItemId")))
			if full {
				r.add(t("Contact", t("DisplayName", e.Person.Name), t("EmailAddresses", t("Entry", at("Key", "EmailAddress1"), email)), t("ContactSource", "Store")))
			}
			out = append(out, r)
		}
		return nil
	})
	return out, err
}

// opExpandDL answers the members of a list, lists in it as they are.
func (s *Server) opExpandDL(c *call) (*node, error) {
	return c.messages(1, func(int) ([]*node, error) {
		e := s.people.find(c.req.text("Mailbox", "EmailAddress"))
		if e == nil || e.Mailbox != nil {
			return nil, fail("ErrorNameResolutionNoResults", "No results were found.")
		}
		var members []*node
		for _, user := range e.Person.List {
			if member := s.people.find(user); member != nil {
				members = append(members, member.mailboxNode("Mailbox"))
			}
		}
		return []*node{m("DLExpansion", at("TotalItemsInView", strconv.Itoa(len(members))), at("IncludesLastItemInRange", "true"), members)}, nil
	})
}

// opGetRoomLists answers the lists that hold rooms.
func (s *Server) opGetRoomLists(c *call) (*node, error) {
	lists := m("RoomLists")
	for _, e := range s.people.entries {
		if e.Mailbox == nil && s.isRoomList(e) {
			lists.add(e.mailboxNode("Address"))
		}
	}
	return m("GetRoomListsResponse", at("ResponseClass", "Success"), m("ResponseCode", "NoError"), lists), nil
}

// opGetRooms answers the rooms of a list.
func (s *Server) opGetRooms(c *call) (*node, error) {
	e := s.people.find(c.req.text("RoomList", "EmailAddress"))
	if e == nil || e.Mailbox != nil || !s.isRoomList(e) {
		msg, err := c.message(nil, fail("ErrorNameResolutionNoResults", "No results were found."))
		if err != nil {
			return nil, err
		}
		msg.Name = "GetRoomsResponse"
		return msg, nil
	}
	rooms := m("Rooms")
	for _, b := range s.membersOf(e) {
		rooms.add(t("Room", s.entryOf(b).mailboxNode("Id")))
	}
	return m("GetRoomsResponse", at("ResponseClass", "Success"), m("ResponseCode", "NoError"), rooms), nil
}
