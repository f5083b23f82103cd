package mapping

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"portico/app/portal"
)

// The form in which rules are kept and edited, and its reader.

// Rules are carried out in their order; what one has changed the next one sees.
type Rules []Rule

// Rule is what is done to the appointments of a kind.
type Rule struct {
	// Name is what people call the rule; no two have the same.
	Name string `json:"name"`
	// On: it is in force.
	On bool `json:"on"`
	// Direction is the way that it is for; empty: both.
	Direction portal.Direction `json:"direction,omitempty"`
	When      When             `json:"when"`
	Do        Do               `json:"do"`
}

// When says which appointments a rule is for: those of which all that is said holds. One that says nothing is for all.
type When struct {
	// SubjectContains is a part of the subject, without regard to case; SubjectMatches a regular expression (RE2) that is found in it.
	SubjectContains string `json:"subject_contains,omitempty"`
	SubjectMatches  string `json:"subject_matches,omitempty"`
	// Category is a category that it has, without regard to case.
	Category string `json:"category,omitempty"`
	Private  *bool  `json:"private,omitempty"`
	AllDay   *bool  `json:"all_day,omitempty"`
	// Meeting: others are invited.
	Meeting *bool           `json:"meeting,omitempty"`
	Show    portal.FreeBusy `json:"show,omitempty"`
	// Organizer and Mailbox are e-mail or SIP addresses, or a domain with its @: whose appointment it is, and in whose mailbox it stands.
	Organizer string `json:"organizer,omitempty"`
	Mailbox   string `json:"mailbox,omitempty"`
}

// Do says what is done to them.
type Do struct {
	// LeaveOut: it is not carried this way, now or later; on the other side nothing changes and nothing is deleted.
	LeaveOut bool `json:"leave_out,omitempty"`
	Subject  Text `json:"subject,omitzero"`
	Body     Text `json:"body,omitzero"`
	Location Text `json:"location,omitzero"`
	// AddCategories and RemoveCategories are category names; MapCategories gives others to some (old → new; new empty: dropped).
	AddCategories    []string          `json:"add_categories,omitempty"`
	RemoveCategories []string          `json:"remove_categories,omitempty"`
	MapCategories    map[string]string `json:"map_categories,omitempty"`
	Private          *bool             `json:"private,omitempty"`
	Show             portal.FreeBusy   `json:"show,omitempty"`
}

// Text is what becomes of a text. At most one of Drop, Template and Find is given, and Prefix with Find or alone.
type Text struct {
	// Drop: it is not carried; what the other side has stays there.
	Drop bool `json:"drop,omitempty"`
	// Prefix is put before it, unless it stands there already. A rule of one direction takes it off on the way back.
	Prefix string `json:"prefix,omitempty"`
	// Find is a regular expression (RE2), all of whose matches become Replace ($1, ${name}: what a group matched).
	Find    string `json:"find,omitempty"`
	Replace string `json:"replace,omitempty"`
	// Template is the whole new text, in which {text} is the text itself and {subject}, {body}, {location}, {organizer}, {categories}
	// and {mailbox} what the appointment has. Of a rule of one direction that puts nothing but fixed words around {text}, these
	// are taken off on the way back.
	Template string `json:"template,omitempty"`
}

// Empty reports whether nothing is done to the text.
func (t Text) Empty() bool { return t == Text{} }

// IsZero reports whether nothing is done to the text, so that it is not written.
func (t Text) IsZero() bool { return t.Empty() }

// Bounds of a rule set.
const (
	// MaxDocument is the longest rule set in bytes of JSON.
	MaxDocument = 256 << 10
	// MaxRules is how many rules a set has at most.
	MaxRules = 200
	// MaxName, MaxPattern and MaxTemplate are lengths in bytes of names and short texts, regular expressions, and templates.
	MaxName     = 200
	MaxPattern  = 500
	MaxTemplate = 8 << 10
	// maxList is how many categories a rule names at most.
	maxList = 50
)

// Read reads rules as JSON: an array. What is unknown, too long or after it is refused; whether the rules make sense is for
// Validate. The error wraps portal.ErrInvalid.
func Read(data []byte) (Rules, error) {
	if len(data) > MaxDocument {
		return nil, portal.Fail(portal.ErrInvalid, "sync.rules.too-long")
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	var rules Rules
	if err := dec.Decode(&rules); err != nil {
		return nil, portal.Fail(portal.ErrInvalid, "sync.rules.form").Because(err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, portal.Fail(portal.ErrInvalid, "sync.rules.form").Because(fmt.Errorf("more after the rules"))
	}
	if len(rules) > MaxRules {
		return nil, portal.Fail(portal.ErrInvalid, "sync.rules.too-many")
	}
	return rules, nil
}
