package pidf

import (
	"strings"
	"time"

	"portico/app/portal"
	"portico/app/sipua/markup"
)

// richness is what RPID elements in one place (tuple, status, device, person) say.
type richness struct {
	state        state
	since, until time.Time
	idle         bool
	idleSince    time.Time
	note         string
	at           time.Time
}

// rich reads the RPID of one element. Namespaces are not looked at: older drafts and several makers
// of phones use others with the same local names.
func rich(e *markup.Element) richness {
	var r richness
	if e == nil {
		return r
	}
	for _, c := range e.Children {
		switch c.Local {
		case "activities":
			r.activities(c)
		case "status": // Asterisk nests activities in a status of the person
			if e.Local == "person" {
				r.merge(rich(c))
			}
		case "user-input":
			if strings.EqualFold(c.Value(), "idle") {
				r.idle = true
				r.idleSince = timeOf(c.Attr("last-input"))
				if r.idleSince.IsZero() {
					r.idleSince = timeOf(c.Attr("since")) // RPID before it became an RFC
				}
			}
		case "timestamp":
			r.at = timeOf(c.Value())
		}
	}
	r.note = noteOf(e)
	return r
}

func (r *richness) activities(e *markup.Element) {
	for _, a := range e.Children {
		name := strings.ToLower(a.Local)
		s, ok := activityNames[name]
		if !ok && (name == "other" || name == "activity") { // "activity" holds the name as text in old drafts
			s, ok = activityNames[strings.ToLower(a.Value())]
			if !ok {
				s, ok = phrase(a.Value())
			}
		}
		if ok {
			r.state = strongest(r.state, s)
		}
	}
	r.since, r.until = timeOf(e.Attr("from")), timeOf(e.Attr("until"))
	if r.note == "" {
		r.note = noteOf(e)
	}
}

// merge fills what r leaves open with what less specific places say.
func (r *richness) merge(o richness) {
	if r.state.availability == "" {
		r.state, r.since, r.until = o.state, o.since, o.until
	}
	if !r.idle {
		r.idle, r.idleSince = o.idle, o.idleSince
	}
	if r.note == "" || isPhrase(r.note) && o.note != "" {
		r.note = o.note
	}
	if o.at.After(r.at) {
		r.at = o.at
	}
}

func isPhrase(note string) bool {
	_, ok := phrase(note)
	return ok
}

// apply turns richness into the claim; plain is what basic alone says.
func (r richness) apply(c *portal.Claim, plain portal.Availability) {
	c.Note = r.note
	said, isStatus := phrase(r.note)
	if isStatus {
		c.Note = "" // the client's word for its state, not a person's
	}
	s := r.state
	if s.availability == "" && isStatus && said.availability != portal.Unknown {
		s = said
	}
	if s.availability == "" {
		s.availability = plain
	}
	if r.idle && s.availability == portal.Available && s.activity == "" {
		s.activity, s.source = portal.Inactive, portal.SourceActivity
		r.since = r.idleSince
	}
	c.Availability, c.Activity, c.Source = s.availability, s.activity, s.source
	c.Since, c.Until = r.since, r.until
	if c.At.IsZero() {
		c.At = r.at
	}
}

// noteOf is the first note directly in e that has a text.
func noteOf(e *markup.Element) string {
	if e == nil {
		return ""
	}
	for _, c := range e.Children {
		if c.Local == "note" && c.Value() != "" {
			return text(c.Value())
		}
	}
	return ""
}

// timeOf is the instant s names, zero where it names none: a bad clock does not make a state less true.
func timeOf(s string) time.Time {
	t, err := markup.ParseTime(s)
	if err != nil {
		return time.Time{}
	}
	return t
}

// takesCPIM reports whether a tuple declares message/cpim: in service capabilities (RFC 5196), or as
// a media parameter of its contact.
func takesCPIM(tuple *markup.Element) bool {
	for _, c := range tuple.Child("servcaps").All() {
		if c.Local == "type" && strings.EqualFold(c.Value(), "message/cpim") {
			return true
		}
	}
	return strings.Contains(strings.ToLower(tuple.Child("contact").Value()), "message/cpim")
}
