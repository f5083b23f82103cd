package xcap

// Presence rules (RFC 4745, RFC 5025), written so that they mean the same to a server that follows the standard and to
// Kamailio, which differs from it:
//
//   - By the standard all rules that match are joined, and the more generous wins; Kamailio takes the first. So each
//     address is in one rule, is excepted from the rules for everybody else, and these come last.
//   - Kamailio takes a rule for a domain to match every other of the same length, and overlooks the exception of an
//     address. So the rule for foreigners, which excepts the own domain, stands before the one for the own domain.
//   - Kamailio obeys transformations only when somebody publishes and at a watcher's very first subscription; every
//     other notification carries the whole document. Who may see something is therefore safe with it, what they see is
//     not: it is for who publishes to say no more than all may see whom the rules let in.

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
	// Sights is what each relationship shows; one that is missing hides.
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

// part is something of a presence document that a sight shows or hides.
type part struct {
	shown func(portal.Sight) bool
	// provide are the permissions of RFC 5025 section 3.3, unknown the namespaces and names of further elements.
	provide []string
	unknown [][2]string
}

// parts is the table of what can be hidden; the names are those that the package pidf writes. Timestamps, which nothing
// can hide, are left out of what is published where it matters.
func parts() []part {
	return []part{
		{
			shown:   func(s portal.Sight) bool { return s.Note },
			provide: []string{"<p:provide-note>true</p:provide-note>"}, unknown: [][2]string{{extension, "out-of-office"}},
		},
		{
			shown:   func(s portal.Sight) bool { return s.FreeBusy },
			unknown: [][2]string{{timedStatus, "timed-status"}, {extension, "ahead"}},
		},
		{
			shown:   func(s portal.Sight) bool { return s.Location },
			provide: []string{"<p:provide-place-type>true</p:provide-place-type>", "<p:provide-time-offset>true</p:provide-time-offset>"},
			unknown: [][2]string{{extension, "place"}},
		},
		{
			// user-input is left out: Kamailio takes every value of it but true and false for "hide it"
			shown:   func(s portal.Sight) bool { return s.LastActive },
			unknown: [][2]string{{extension, "since"}},
		},
	}
}

// Encode writes the rules of owner. Their own address is always allowed everything; whom the rules hide from is told what
// is told of people who are offline (polite-block), never that they are refused.
func (r RuleSet) Encode(owner portal.Address) []byte {
	w := &ruleWriter{}
	w.text(`<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<ruleset xmlns="` + commonPolicy + `" xmlns:p="` + presRules + `">`)
	w.rule("own", one([]portal.Address{owner}), portal.FullSight())
	listed := []portal.Address{owner}
	for _, rel := range relationships() {
		who := slices.Clone(r.By[rel])
		slices.Sort(who)
		who = slices.DeleteFunc(slices.Compact(who), func(a portal.Address) bool { _, known := slices.BinarySearch(listed, a); return known })
		if len(who) == 0 {
			continue
		}
		w.rule(string(rel), one(who), r.sight(rel))
		listed = append(listed, who...)
		slices.Sort(listed)
	}
	w.rule("others", r.many("", listed), r.rest(r.Others))
	if r.Own != "" {
		w.rule("colleagues", r.many(r.Own, listed), r.rest(r.Colleagues))
	}
	w.text("</ruleset>\n")
	return []byte(w.b.String())
}

// relationships are in the order in which rules are written: the stricter first, so that somebody who stands in two
// gets the stricter.
func relationships() []portal.Relationship {
	return []portal.Relationship{portal.Blocked, portal.Public, portal.Company, portal.Team, portal.Personal}
}

// sight is what a relationship shows.
func (r RuleSet) sight(rel portal.Relationship) portal.Sight {
	s, ok := r.Sights[rel]
	if !ok || rel == portal.Blocked {
		return portal.Sight{Hidden: true}
	}
	return s
}

// rest is what those see who stand nowhere.
func (r RuleSet) rest(rel portal.Relationship) portal.Sight {
	if r.ContactsOnly {
		return portal.Sight{Hidden: true}
	}
	return r.sight(rel)
}

// one is the condition for addresses.
func one(who []portal.Address) string {
	var b strings.Builder
	for _, a := range who {
		fmt.Fprintf(&b, `<one id="%s"/>`, escape(string(a)))
	}
	return b.String()
}

// many is the condition for everybody of the domain (empty: of all others) who is not listed.
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

// rule writes one rule: for whom, and what they see.
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
	all := parts()
	if !slices.ContainsFunc(all, func(p part) bool { return !p.shown(s) }) {
		w.text("<p:provide-all-attributes/>")
		return
	}
	w.text("<p:provide-activities>true</p:provide-activities>")
	w.unknown(extension, "state")
	w.unknown(capabilities, "servcaps")
	for _, p := range all {
		if !p.shown(s) {
			continue
		}
		for _, permission := range p.provide {
			w.text(permission)
		}
		for _, u := range p.unknown {
			w.unknown(u[0], u[1])
		}
	}
}

func (w *ruleWriter) unknown(space, name string) {
	w.text(`<p:provide-unknown-attribute ns="` + space + `" name="` + name + `">true</p:provide-unknown-attribute>`)
}
