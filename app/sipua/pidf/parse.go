package pidf

import (
	"fmt"
	"strconv"
	"strings"

	"portico/app/portal"
	"portico/app/sipua/markup"
)

// Parse reads a presence document: whom it is about and what their endpoints claim, in the
// order of the document. No claims means that nobody is there. The entity is empty where the document's
// is not an address we can name (then the subscription says whom it is about). Errors mean
// portal.ErrInvalid.
func Parse(b []byte) (entity portal.Address, claims []portal.Claim, err error) {
	root, err := markup.Parse(b, markup.Limits{Bytes: MaxBytes, Depth: maxDepth, Elements: maxElements, Attributes: maxAttributes})
	if err != nil {
		return "", nil, fmt.Errorf("PIDF: %w", err)
	}
	if root.Local != "presence" {
		return "", nil, fmt.Errorf("PIDF: %w: root element %.40q", portal.ErrInvalid, root.Local)
	}
	entity = entityOf(root.Attr("entity"))
	for _, g := range groups(root) {
		claims = g.claims(claims)
		if len(claims) >= MaxClaims {
			claims = claims[:MaxClaims]
			break
		}
	}
	return entity, claims, nil
}

// entityOf reads sip:, sips:, pres: (RFC 3859) and im: URIs, and addresses without a scheme.
func entityOf(uri string) portal.Address {
	if scheme, rest, ok := strings.Cut(uri, ":"); ok {
		switch strings.ToLower(scheme) {
		case "pres", "im":
			uri = rest
		}
	}
	a, err := portal.ParseAddress(uri)
	if err != nil {
		return ""
	}
	return a
}

// group is one publication as far as it can be told from a merged document: a person and the tuples
// that go with them.
type group struct {
	person *markup.Element
	tuples []*markup.Element
	// ours: the tuple carries our extension and needs nobody else's word.
	ours bool
	// around is what the document says beside its publications.
	around *surroundings
}

// surroundings are what holds for all publications of a document.
type surroundings struct {
	// person is the only one in the document: everybody's who has none of their own; else nil.
	person *markup.Element
	// devices are by device id (RFC 4479).
	devices map[string]*markup.Element
	note    string
}

// groups cuts a document into publications. Servers that merge (Kamailio) append the children of one
// publication after those of another, and clients write either the person or the tuples first: a person
// joins the tuples directly before it unless those have one already, else the tuples after it. Our own
// tuples say all themselves; their persons are left out.
func groups(root *markup.Element) []*group {
	around := &surroundings{devices: map[string]*markup.Element{}, note: noteOf(root)}
	ours := map[string]bool{}
	for _, e := range root.Children {
		if e.Local == "tuple" && isOurs(e) {
			ours["p-"+e.Attr("id")] = true
		}
	}
	var out []*group
	var last *group // the one that may still grow
	grow := func() *group {
		if last == nil {
			last = &group{around: around}
			out = append(out, last)
		}
		return last
	}
	persons := 0
	for _, e := range root.Children {
		switch {
		case e.Local == "device":
			around.devices[e.Child("deviceID").Value()] = e
		case e.Local == "tuple" && isOurs(e):
			out = append(out, &group{tuples: []*markup.Element{e}, ours: true})
			last = nil
		case e.Local == "tuple":
			if last != nil && last.person != nil && len(last.tuples) > 0 {
				last = nil
			}
			g := grow()
			g.tuples = append(g.tuples, e)
		case e.Local == "person" && !ours[e.Attr("id")]:
			if last != nil && last.person != nil {
				last = nil
			}
			grow().person = e
			around.person = e
			persons++
		}
	}
	if persons != 1 {
		around.person = nil
	}
	return out
}

func isOurs(tuple *markup.Element) bool { return tuple.ChildIn(Extension, "state") != nil }

// claims appends what the group's endpoints say.
func (g *group) claims(to []portal.Claim) []portal.Claim {
	for _, tuple := range g.tuples {
		to = append(to, g.claim(tuple))
	}
	if len(g.tuples) == 0 && g.person != nil {
		r := rich(g.person)
		r.merge(richness{note: g.around.note})
		c := portal.Claim{Endpoint: endpoint(g.person.Attr("id"))}
		c.Location, c.TimeZone = whereabouts(g.person)
		r.apply(&c, portal.Available)
		to = append(to, c)
	}
	return to
}

// claim reads one tuple.
func (g *group) claim(tuple *markup.Element) portal.Claim {
	c := portal.Claim{Endpoint: endpoint(tuple.Attr("id")), TakesCPIM: takesCPIM(tuple)}
	if t, err := markup.ParseTime(tuple.Child("timestamp").Value()); err == nil {
		c.At = t
	}
	status := tuple.Child("status")
	basic := strings.ToLower(status.Child("basic").Value())
	c.Agenda = timedStatus(tuple)
	c.NoIM, c.Label = refusesIM(tuple), labelOf(tuple)
	if g.ours {
		own(&c, tuple, tuple.ChildIn(Extension, "state"), basic)
		return c
	}
	if basic == "closed" {
		c.Availability = portal.Offline
		if g.turnedAway() {
			c.Availability = portal.DoNotDisturb
		}
		return c
	}
	r := rich(tuple)
	r.merge(rich(status))
	if device := g.around.devices[tuple.Child("deviceID").Value()]; device != nil {
		r.merge(rich(device))
	}
	if g.person != nil {
		r.merge(rich(g.person))
	} else {
		r.merge(rich(g.around.person))
	}
	r.merge(richness{note: g.around.note})
	g.locate(&c, tuple)
	plain := portal.Unknown
	if basic == "open" {
		plain = portal.Available
	}
	r.apply(&c, plain)
	return c
}

// locate takes place and time zone from the tuple, or from the person who belongs to it.
func (g *group) locate(c *portal.Claim, tuple *markup.Element) {
	for _, e := range []*markup.Element{tuple, tuple.Child("status"), g.person, g.around.person} {
		location, zone := whereabouts(e)
		if c.Location == "" {
			c.Location = location
		}
		if c.TimeZone == "" {
			c.TimeZone = zone
		}
	}
}

// timedStatus reads when somebody will next be busy (RFC 4481): the earliest time of a tuple in which they are
// closed, or open with an activity that occupies them.
func timedStatus(tuple *markup.Element) portal.Agenda {
	var a portal.Agenda
	for _, e := range tuple.Children {
		if e.Local != "timed-status" {
			continue
		}
		from, until := timeOf(e.Attr("from")), timeOf(e.Attr("until"))
		r := rich(e)
		closed := strings.EqualFold(e.Child("basic").Value(), "closed")
		if occupied := r.state.availability == portal.Busy || r.state.availability == portal.DoNotDisturb; from.IsZero() || !closed && !occupied {
			continue
		}
		if a.NextFrom.IsZero() || from.Before(a.NextFrom) {
			a = portal.Agenda{Known: true, NextFrom: from, NextUntil: until}
		}
	}
	return a
}

// maxEndpoint is the longest id in bytes that is kept as it is.
const maxEndpoint = 256

// endpoint keeps what goes into tables of endpoints small.
func endpoint(id string) string {
	if len(id) > maxEndpoint {
		return tupleID(id)
	}
	return id
}

// turnedAway recognises linphone's "do not disturb": a closed tuple of its own with a person who is away
// (or busy). A server that closes a tuple on its own account leaves the person out, and somebody who
// goes offline has no activities.
func (g *group) turnedAway() bool {
	if g.person == nil || len(g.tuples) != 1 {
		return false
	}
	switch rich(g.person).state {
	case state{availability: portal.Away}, state{availability: portal.Busy}:
		return true
	}
	return false
}

// own takes our extension at its word, except where a server has closed the tuple since.
func own(c *portal.Claim, tuple, ext *markup.Element, basic string) {
	for _, a := range ext.Attrs {
		if a.Name.Local == "endpoint" && a.Name.Space == "" {
			c.Endpoint = endpoint(a.Value)
		}
	}
	c.Availability = portal.Availability(ext.Attr("availability"))
	if !c.Availability.Valid() {
		c.Availability = portal.Unknown
	}
	if basic == "closed" && c.Availability != portal.Offline {
		c.Availability = portal.Offline
		return
	}
	if a := portal.Activity(ext.Attr("activity")); a.Valid() {
		c.Activity = a
	}
	if s := portal.Source(ext.Attr("source")); validSource(s) {
		c.Source = s
	}
	c.Provider, c.Label = line(ext.Attr("provider"), maxEndpoint), line(ext.Attr("label"), maxEndpoint)
	c.NoIM = ext.Attr("im") == "no"
	c.Custom = custom(ext)
	ahead, place := tuple.ChildIn(Extension, "ahead"), tuple.ChildIn(Extension, "place")
	if c.Since = timeOf(tuple.ChildIn(Extension, "since").Value()); c.Since.IsZero() {
		c.Since = timeOf(ext.Attr("since")) // as portals wrote it before there was privacy
	}
	c.Until = timeOf(ahead.Attr("until"))
	if ahead.Attr("calendar") == "known" {
		c.Agenda.Known, c.Agenda.BusyUntil = true, timeOf(ahead.Attr("busy-until"))
	}
	c.Location, c.TimeZone = line(place.Attr("location"), portal.MaxLocationLen), zoneName(place.Attr("zone"))
	c.OutOfOffice = text(tuple.ChildIn(Extension, "out-of-office").Value())
	c.Note = noteOf(tuple)
}

// maxTexts is in how many languages a custom state is read, maxStateText how long its texts are, in characters.
const maxTexts, maxStateText = 64, 64

// custom reads the texts of a custom state.
func custom(ext *markup.Element) portal.StateTexts {
	var table map[int]string
	for _, e := range ext.All() {
		lcid, err := strconv.Atoi(e.Attr("lcid"))
		if e.Space != Extension || e.Local != "text" || err != nil || lcid <= 0 || len(table) == maxTexts {
			continue
		}
		if table == nil {
			table = map[int]string{}
		}
		table[lcid] = line(e.Value(), maxStateText)
	}
	return portal.NewStateTexts(table)
}
