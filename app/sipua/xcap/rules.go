package xcap

// Presence rules (RFC 4745, RFC 5025), written so that they mean the same to a server that follows the standard and to
// Kamailio, which differs from it.
//
//   - By the standard all rules that match are joined, and the more generous wins; Kamailio takes the first. So each
//     address is in one rule, is excepted from the rules for everybody else, and these come last.
//   - Kamailio takes a rule for a domain to match every other of the same length, and does not see an exception of an
//     address. So the rule for foreigners, which excepts the own domain, stands before the one for the own domain.
//   - By the standard nothing is shown that no transformation provides. Kamailio shows all but what a transformation
//     says "false" to, whatever its name and namespace: it takes the first element of that local name out, wherever it
//     is. So each name is said "false" to several times, for documents joined of several devices.
//   - provide-user-input with another value than true or false makes Kamailio take the element out. It is never written.

import (
	"fmt"
	"slices"
	"strings"

	"portico/app/portal"
)

// RuleSet says who may see what of a person.
type RuleSet struct {
	// Own is the person's own domain.
	Own string
	// By is whom each sight is for; somebody stands in one of them alone.
	By map[portal.Relationship][]portal.Address
	// Sights is what each relationship shows.
	Sights map[portal.Relationship]portal.Sight
	// Colleagues and Others are the relationships of those who stand nowhere; ContactsOnly hides from them instead.
	Colleagues, Others portal.Relationship
	ContactsOnly       bool
}

// The namespaces of presence rules and of what is said in presence documents.
const (
	commonPolicy = "urn:ietf:params:xml:ns:common-policy"
	presRules    = "urn:ietf:params:xml:ns:pres-rules"
	extension    = "urn:portico:presence:1"
	capabilities = "urn:ietf:params:xml:ns:pidf:caps"
	timedStatus  = "urn:ietf:params:xml:ns:pidf:timed-status"
)

// How often a name is taken out: persons and tuples of so many devices may carry it, some twice.
const (
	perDevice  = 8
	twiceThere = 16
)

// part is something of a presence document that a sight shows or hides.
type part struct {
	shown func(portal.Sight) bool
	// provide are the permissions of RFC 5025, unknown the namespaces and names of further elements.
	provide []string
	unknown [][2]string
	// hide are the local names to be taken out, with how often.
	hide []hidden
}

type hidden struct {
	name  string
	times int
}

// parts is the table of what can be hidden; the names are those that the package pidf writes.
var parts = []part{
	{
		shown:   func(s portal.Sight) bool { return s.Note },
		provide: []string{"provide-note"}, unknown: [][2]string{{extension, "out-of-office"}},
		hide: []hidden{{"note", twiceThere}, {"out-of-office", perDevice}},
	},
	{
		shown:   func(s portal.Sight) bool { return s.FreeBusy },
		unknown: [][2]string{{timedStatus, "timed-status"}, {extension, "ahead"}},
		hide:    []hidden{{"timed-status", perDevice}, {"ahead", perDevice}},
	},
	{
		shown:   func(s portal.Sight) bool { return s.Location },
		provide: []string{"provide-place-type", "provide-time-offset"}, unknown: [][2]string{{extension, "place"}},
		hide: []hidden{{"place-type", perDevice}, {"time-offset", perDevice}, {"place", perDevice}},
	},
	{
		shown:   func(s portal.Sight) bool { return s.LastActive },
		unknown: [][2]string{{extension, "since"}},
		hide:    []hidden{{"timestamp", twiceThere}, {"user-input", perDevice}, {"since", perDevice}},
	},
}

// Encode writes the rules of owner. Their own address is always allowed everything.
func (r RuleSet) Encode(owner portal.Address) []byte {
	w := &ruleWriter{}
	w.text(`<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<ruleset xmlns="` + commonPolicy + `" xmlns:p="` + presRules + `" xmlns:o="` + extension + `">`)
	w.rule("own", one([]portal.Address{owner}), portal.FullSight())
	var listed []portal.Address
	for _, rel := range relationships() {
		who := slices.DeleteFunc(slices.Clone(r.By[rel]), func(a portal.Address) bool { return a == owner || slices.Contains(listed, a) })
		slices.Sort(who)
		who = slices.Compact(who)
		if len(who) > 0 {
			w.rule(string(rel), one(who), r.sight(rel))
		}
		listed = append(listed, who...)
	}
	listed = append(listed, owner)
	slices.Sort(listed)
	others, colleagues := r.sight(r.Others), r.sight(r.Colleagues)
	if r.ContactsOnly {
		others, colleagues = portal.Sight{Hidden: true}, portal.Sight{Hidden: true}
	}
	w.rule("others", r.many("", listed), others)
	if r.Own != "" {
		w.rule("colleagues", r.many(r.Own, listed), colleagues)
	}
	w.text("</ruleset>\n")
	return []byte(w.b.String())
}

// relationships are in the order in which rules are written: the stricter first.
func relationships() []portal.Relationship {
	return []portal.Relationship{portal.Blocked, portal.Public, portal.Company, portal.Team, portal.Personal}
}

// sight is what a relationship shows; one that is not known hides.
func (r RuleSet) sight(rel portal.Relationship) portal.Sight {
	s, ok := r.Sights[rel]
	if !ok || rel == portal.Blocked {
		return portal.Sight{Hidden: true}
	}
	return s
}

// one is the condition for addresses.
func one(who []portal.Address) string {
	var b strings.Builder
	for _, a := range who {
		fmt.Fprintf(&b, `<one id="%s"/>`, escape(string(a)))
	}
	return b.String()
}

// many is the condition for everybody of the domain (empty: of the others) who is not listed.
func (r RuleSet) many(domain string, listed []portal.Address) string {
	var b strings.Builder
	if domain != "" {
		fmt.Fprintf(&b, `<many domain="%s">`, escape(domain))
	} else {
		b.WriteString("<many>")
		if r.Own != "" {
			fmt.Fprintf(&b, `<except domain="%s"/>`, escape(r.Own))
		}
	}
	for _, a := range listed {
		if (a.Domain() == r.Own) == (domain != "") {
			fmt.Fprintf(&b, `<except id="%s"/>`, escape(string(a)))
		}
	}
	return b.String() + "</many>"
}

// ruleWriter puts the document together.
type ruleWriter struct{ b strings.Builder }

func (w *ruleWriter) text(s string) { w.b.WriteString(s) }

// rule writes one rule: for whom, and what they see. Somebody it hides from is told what is told of people who are
// offline (polite-block), never that they are refused.
func (w *ruleWriter) rule(id, identity string, s portal.Sight) {
	handling := "allow"
	if s.Hidden {
		handling = "polite-block"
	}
	w.text(`<rule id="` + id + `"><conditions><identity>` + identity + `</identity></conditions><actions><p:sub-handling>` +
		handling + `</p:sub-handling></actions><transformations>`)
	if !s.Hidden {
		w.transformations(s)
	}
	w.text("</transformations></rule>")
}

func (w *ruleWriter) transformations(s portal.Sight) {
	w.text("<p:provide-services><p:all-services/></p:provide-services><p:provide-persons><p:all-persons/></p:provide-persons>" +
		"<p:provide-devices><p:all-devices/></p:provide-devices>")
	if everything(s) {
		w.text("<p:provide-all-attributes/>")
		return
	}
	w.provide("provide-activities")
	w.unknown(extension, "state")
	w.unknown(capabilities, "servcaps")
	for _, p := range parts {
		if !p.shown(s) {
			w.hide(p)
			continue
		}
		for _, name := range p.provide {
			w.provide(name)
		}
		for _, u := range p.unknown {
			w.unknown(u[0], u[1])
		}
	}
}

// everything reports whether nothing that goes over the wire is hidden.
func everything(s portal.Sight) bool {
	return !slices.ContainsFunc(parts, func(p part) bool { return !p.shown(s) })
}

func (w *ruleWriter) provide(name string) { w.text("<p:" + name + ">true</p:" + name + ">") }

func (w *ruleWriter) unknown(space, name string) {
	w.text(`<p:provide-unknown-attribute ns="` + space + `" name="` + name + `">true</p:provide-unknown-attribute>`)
}

// hide says "false"; what RFC 5025 does not know stands in the portal's own namespace, which other servers overlook.
func (w *ruleWriter) hide(p part) {
	for _, h := range p.hide {
		name := "o:provide-" + h.name
		if slices.Contains(p.provide, "provide-"+h.name) {
			name = "p:provide-" + h.name
		}
		w.text(strings.Repeat("<"+name+">false</"+name+">", h.times))
	}
}
