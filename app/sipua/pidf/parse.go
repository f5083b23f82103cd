package pidf

import (
	"fmt"
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
	// shared is the person to go by where the group has none of its own.
	shared  *markup.Element
	tuples  []*markup.Element
	devices map[string]*markup.Element
	// note is that of the whole document.
	note string
}

// groups cuts a document into publications. Servers that merge (Kamailio) append the children of one
// publication after those of another, and clients write either the person or the tuples
// first: a person joins the tuples directly before it unless those have one already, else the tuples after it.
// A single person is everybody's. Our own tuples say all themselves; their persons are left out.
func groups(root *markup.Element) []group {
	var (
		out     []group
		ours    = map[string]bool{}
		devices = map[string]*markup.Element{}
		persons int
		only    *markup.Element
		note    = noteOf(root)
	)
	for _, e := range root.Children {
		if e.Local == "tuple" && e.ChildIn(Extension, "state") != nil {
			ours["p-"+e.Attr("id")] = true
		}
	}
	open := false // whether the last group may still grow
	last := func() *group {
		if !open {
			out = append(out, group{devices: devices})
			open = true
		}
		return &out[len(out)-1]
	}
	for _, e := range root.Children {
		switch e.Local {
		case "device":
			devices[e.Child("deviceID").Value()] = e
		case "tuple":
			if e.ChildIn(Extension, "state") != nil {
				out = append(out, group{tuples: []*markup.Element{e}})
				open = false
				continue
			}
			if open && last().person != nil && len(last().tuples) > 0 {
				open = false
			}
			g := last()
			g.tuples = append(g.tuples, e)
		case "person":
			if ours[e.Attr("id")] {
				continue
			}
			if open && last().person != nil {
				open = false
			}
			last().person = e
			only = e
			persons++
		}
	}
	if persons == 1 {
		for i := range out {
			out[i].shared = only
		}
	}
	for i := range out {
		out[i].note = note
	}
	return out
}

// claims appends what the group's endpoints say.
func (g group) claims(to []portal.Claim) []portal.Claim {
	for _, tuple := range g.tuples {
		to = append(to, g.claim(tuple))
	}
	if len(g.tuples) == 0 && g.person != nil {
		r := rich(g.person)
		r.merge(richness{note: g.note})
		c := portal.Claim{Endpoint: g.person.Attr("id")}
		r.apply(&c, portal.Available)
		to = append(to, c)
	}
	return to
}

// claim reads one tuple.
func (g group) claim(tuple *markup.Element) portal.Claim {
	c := portal.Claim{Endpoint: tuple.Attr("id"), TakesCPIM: takesCPIM(tuple)}
	if t, err := markup.ParseTime(tuple.Child("timestamp").Value()); err == nil {
		c.At = t
	}
	status := tuple.Child("status")
	basic := strings.ToLower(status.Child("basic").Value())
	if ext := tuple.ChildIn(Extension, "state"); ext != nil {
		own(&c, tuple, ext, basic)
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
	if device := g.devices[tuple.Child("deviceID").Value()]; device != nil {
		r.merge(rich(device))
	}
	if g.person != nil {
		r.merge(rich(g.person))
	} else {
		r.merge(rich(g.shared))
	}
	r.merge(richness{note: g.note})
	plain := portal.Unknown
	if basic == "open" {
		plain = portal.Available
	}
	r.apply(&c, plain)
	return c
}

// turnedAway recognises linphone's "do not disturb": a closed tuple of its own with a person who is away
// (or busy). A server that closes a tuple on its own account leaves the person out, and somebody who
// goes offline has no activities.
func (g group) turnedAway() bool {
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
			c.Endpoint = a.Value
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
	if t, err := markup.ParseTime(ext.Attr("since")); err == nil {
		c.Since = t
	}
	if t, err := markup.ParseTime(ext.Attr("until")); err == nil {
		c.Until = t
	}
	c.OutOfOffice = text(ext.ChildIn(Extension, "out-of-office").Value())
	c.Note = noteOf(tuple)
}
