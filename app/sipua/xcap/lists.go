package xcap

// Contact lists as resource lists (RFC 4826 section 3): each group is a list, a contact is an entry in each of their groups.

import (
	"fmt"
	"slices"
	"strings"

	"portico/app/portal"
)

const resourceLists = "urn:ietf:params:xml:ns:resource-lists"

// Ungrouped is the name of the list that is made for contacts without a group.
const Ungrouped = "contacts"

// List is a contact list: the groups in their order, and the people with the groups they are in.
type List struct {
	// ETag is the entity tag of the document it was read from.
	ETag    string
	Groups  []string
	Entries []Entry
}

// Entry is somebody on the list. Groups is empty for who is in none.
type Entry struct {
	URI    portal.Address
	Name   string
	Groups []string
}

// ResourceLists is a document of resource lists. The zero value is not ready; see NewResourceLists.
type ResourceLists struct {
	before, after []byte
	root          *piece
}

// NewResourceLists makes an empty document.
func NewResourceLists() *ResourceLists {
	return &ResourceLists{
		before: []byte(`<?xml version="1.0" encoding="UTF-8"?>` + "\n"), after: []byte("\n"),
		root: &piece{name: nameOf("resource-lists"), open: []byte(`<resource-lists xmlns="` + resourceLists + `">`), end: []byte("</resource-lists>")},
	}
}

// ParseResourceLists reads a document; errors mean ErrInvalid.
func ParseResourceLists(b []byte) (*ResourceLists, error) {
	before, root, after, err := parseTree(b)
	if err != nil {
		return nil, err
	}
	if !root.is(resourceLists, "resource-lists") {
		return nil, invalid(fmt.Errorf("root element %.40q", root.name.Local))
	}
	return &ResourceLists{before: before, root: root, after: after}, nil
}

// Encode writes the document: what was read and not changed stands byte for byte as it was.
func (d *ResourceLists) Encode() []byte {
	return append(d.root.write(slices.Clone(d.before)), d.after...)
}

// group is a list element with the group it stands for; empty: contacts without a group.
type group struct {
	at   *piece
	name string
	// foreign: its name says nothing to people, so it is not taken away when it is empty.
	foreign bool
}

// groups are all lists of the document, those within others after them.
func (d *ResourceLists) groups() []group {
	var all []group
	var walk func(p *piece)
	walk = func(p *piece) {
		for _, c := range p.children {
			if c.is(resourceLists, "list") {
				all = append(all, groupOf(c))
				walk(c)
			}
		}
	}
	walk(d.root)
	return all
}

// groupOf names a list: by its display name, else by its name. The lists that clients make for contacts without a group
// ("contacts" here, "RootGroup" of Jitsi, the one of everybody of OMA) have no name for people.
func groupOf(p *piece) group {
	display, name := p.child(resourceLists, "display-name").text(), p.attr("name")
	switch {
	case display != "":
		return group{p, oneLine(display), false}
	case name == "", strings.TrimRight(name, "_") == Ungrouped, name == "RootGroup", name == "oma_allcontacts", name == "oma_buddylist":
		return group{p, "", true}
	}
	return group{p, oneLine(name), false}
}

// maxNameLen bounds the names that are read, in bytes.
const maxNameLen = 256

// oneLine is a name as people read it.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > maxNameLen {
		s = strings.ToValidUTF8(s[:maxNameLen], "")
	}
	return s
}

// address is whom an entry names, empty where it is nobody that a portal can have on its list.
func address(p *piece) portal.Address {
	if !p.is(resourceLists, "entry") {
		return ""
	}
	uri := p.attr("uri")
	if scheme, rest, ok := strings.Cut(uri, ":"); ok && strings.EqualFold(scheme, "pres") {
		uri = "sip:" + rest
	}
	who, err := portal.ParseAddress(uri)
	if err != nil || !strings.Contains(uri, ":") {
		return "" // tel:, mailto: and the like stay untouched
	}
	return who
}

// List is what the document says, without entity tag: groups in their order, each once; people in the order in which
// they come first. References to other lists and documents are not followed.
func (d *ResourceLists) List() List {
	var l List
	index := map[portal.Address]int{}
	for _, g := range d.groups() {
		if g.name != "" && !slices.Contains(l.Groups, g.name) {
			l.Groups = append(l.Groups, g.name)
		}
		for _, c := range g.at.children {
			who := address(c)
			if who == "" {
				continue
			}
			i, known := index[who]
			if !known {
				i = len(l.Entries)
				index[who] = i
				l.Entries = append(l.Entries, Entry{URI: who})
			}
			e := &l.Entries[i]
			if e.Name == "" {
				e.Name = oneLine(c.child(resourceLists, "display-name").text())
			}
			if g.name != "" && !slices.Contains(e.Groups, g.name) {
				e.Groups = append(e.Groups, g.name)
			}
		}
	}
	return l
}

// Set changes the document to say what l says and leaves all else in it as it is: the order and the attributes of lists
// and entries, elements of others, entries that are no addresses of people.
func (d *ResourceLists) Set(l List) {
	wanted := map[string]map[portal.Address]string{"": {}} // by group: who, with their name
	for _, name := range l.Groups {
		wanted[oneLine(name)] = map[portal.Address]string{}
	}
	var order []Entry
	for _, e := range l.Entries {
		if e.URI == "" {
			continue
		}
		e.Groups = cleanNames(e.Groups)
		for _, g := range e.Groups {
			if wanted[g] == nil {
				wanted[g] = map[portal.Address]string{}
				l.Groups = append(l.Groups, g)
			}
			wanted[g][e.URI] = oneLine(e.Name)
		}
		if len(e.Groups) == 0 {
			wanted[""][e.URI] = oneLine(e.Name)
		}
		order = append(order, e)
	}
	d.keep(wanted)
	for _, name := range cleanNames(l.Groups) {
		if !slices.ContainsFunc(d.groups(), func(g group) bool { return g.name == name }) {
			d.makeList(name)
		}
	}
	d.add(order, wanted)
}

func cleanNames(names []string) []string {
	var out []string
	for _, n := range names {
		if n = oneLine(n); n != "" && !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}

// keep takes out the groups and people that are not wanted, and renames whoever has another name now.
func (d *ResourceLists) keep(wanted map[string]map[portal.Address]string) {
	for _, g := range d.groups() {
		people, ok := wanted[g.name]
		var gone []*piece
		for _, c := range g.at.children {
			who := address(c)
			if who == "" {
				continue
			}
			name, stays := people[who]
			if !stays {
				gone = append(gone, c)
			} else {
				c.rename(name)
			}
		}
		for _, c := range gone {
			g.at.drop(c)
		}
		if !ok && !g.foreign && !g.at.holdsOthers() {
			d.dropList(g.at)
		}
	}
}

// holdsOthers reports whether something is left in a list that is not ours to throw away: another list, a reference, an
// entry that is nobody's address, an element of another namespace.
func (p *piece) holdsOthers() bool {
	return slices.ContainsFunc(p.children, func(c *piece) bool { return c.name.Local != "" && !c.is(resourceLists, "display-name") })
}

// drop takes a child out, with the layout before it.
func (p *piece) drop(c *piece) {
	i := slices.Index(p.children, c)
	if i < 0 {
		return
	}
	from := i
	if i > 0 && p.children[i-1].isLayout() {
		from--
	}
	p.children = slices.Delete(p.children, from, i+1)
}

func (p *piece) isLayout() bool {
	return p.name.Local == "" && strings.TrimSpace(string(p.open)) == ""
}

func (d *ResourceLists) dropList(at *piece) {
	var walk func(p *piece)
	walk = func(p *piece) {
		for _, c := range p.children {
			if c == at {
				p.drop(c)
				return
			}
			walk(c)
		}
	}
	walk(d.root)
}

// rename gives an entry another display name; an empty one takes it away.
func (p *piece) rename(name string) {
	old := p.child(resourceLists, "display-name")
	switch {
	case old == nil && name == "" || old != nil && oneLine(old.text()) == name:
	case name == "":
		p.drop(old)
	case old != nil:
		old.open, old.end = openTag(old), nil
		old.children = []*piece{{open: []byte(escape(name))}}
	default:
		p.children = slices.Insert(p.children, 0, element(p.prefix()+"display-name", "display-name", "", name))
	}
}

// openTag is the element's opening tag in the form that closes itself, to which write adds the end.
func openTag(p *piece) []byte {
	head := strings.TrimRight(strings.TrimSuffix(strings.TrimSuffix(string(p.open), ">"), "/"), " \t\r\n")
	return []byte(head + "/>")
}

// element makes one of the resource lists' namespace with a text in it.
func element(qualified, local, attrs, text string) *piece {
	p := &piece{name: nameOf(local), open: []byte("<" + qualified + attrs + "/>")}
	if text != "" {
		p.children = []*piece{{open: []byte(escape(text))}}
	}
	return p
}

// makeList adds a list for a group at the end; the empty name is that of contacts without a group.
func (d *ResourceLists) makeList(name string) *piece {
	prefix, display := d.root.prefix(), name
	if name == "" {
		name = Ungrouped
	}
	for taken := true; taken; {
		taken = slices.ContainsFunc(d.groups(), func(g group) bool { return g.at.attr("name") == name })
		if taken {
			name += "_" // names are unique among the lists of a parent
		}
	}
	p := element(prefix+"list", "list", ` name="`+escape(name)+`"`, "")
	p.attrs = append(p.attrs, attribute("name", name))
	if display != "" {
		p.children = append(p.children, element(prefix+"display-name", "display-name", "", display))
	}
	d.root.children = append(d.root.children, p)
	return p
}

// add puts people into the lists that do not have them yet, in the order of the entries.
func (d *ResourceLists) add(order []Entry, wanted map[string]map[portal.Address]string) {
	lists, there := map[string]*piece{}, map[string]map[portal.Address]bool{}
	for _, g := range d.groups() {
		if lists[g.name] == nil {
			lists[g.name], there[g.name] = g.at, map[portal.Address]bool{}
		}
		for _, c := range g.at.children {
			if who := address(c); who != "" {
				there[g.name][who] = true
			}
		}
	}
	for _, e := range order {
		names := e.Groups
		if len(names) == 0 {
			names = []string{""}
		}
		for _, name := range names {
			if there[name][e.URI] {
				continue
			}
			if lists[name] == nil {
				lists[name], there[name] = d.makeList(name), map[portal.Address]bool{}
			}
			there[name][e.URI] = true
			lists[name].append(e.URI, wanted[name][e.URI])
		}
	}
}

// append adds an entry behind the last of the list; the display name stands first.
func (p *piece) append(who portal.Address, name string) {
	prefix := p.prefix()
	e := element(prefix+"entry", "entry", ` uri="`+escape(string(who))+`"`, "")
	e.attrs = append(e.attrs, attribute("uri", string(who)))
	if name != "" {
		e.children = append(e.children, element(prefix+"display-name", "display-name", "", name))
	}
	i := 0 // elements of other namespaces come after ours
	for j, c := range p.children {
		if c.name.Space == resourceLists && c.name.Local != "" {
			i = j + 1
		}
	}
	p.children = slices.Insert(p.children, i, e)
}
