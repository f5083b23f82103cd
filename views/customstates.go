package views

import (
	"maps"
	"slices"
	"strconv"

	"portico/app/portal"
)

// StatesPage is the page /admin/custom-states.
type StatesPage struct {
	Frame
	Notice
	// Sets are those that were loaded; the uploaded one has no source.
	Sets []portal.CustomStates
	// Failures are what went wrong with the last reading of an address, in words.
	Failures map[string][]string
	// Addresses are the rules that say whence whose set comes.
	Addresses []portal.PolicyRule
	Groups    []portal.PolicyGroup
	Names     ScopeNames
	// TypedURL, TypedKind and TypedWho are what was typed and refused.
	TypedURL, TypedKind, TypedWho string
}

// uploaded is the set that was uploaded; nil: none was.
func (v StatesPage) uploaded() *portal.CustomStates {
	if i := slices.IndexFunc(v.Sets, func(s portal.CustomStates) bool { return s.Source == "" }); i >= 0 {
		return &v.Sets[i]
	}
	return nil
}

// reading is the set of an address; nil: it was not read yet.
func (v StatesPage) reading(url string) *portal.CustomStates {
	if i := slices.IndexFunc(v.Sets, func(s portal.CustomStates) bool { return s.Source == url }); i >= 0 {
		return &v.Sets[i]
	}
	return nil
}

// stateText is a text of a custom state with its language.
type stateText struct {
	LCID, Language, Text string
}

// stateTexts are the texts of a state, English first, then by LCID.
func stateTexts(r Reader, s portal.CustomState) []stateText {
	table := s.Texts.Table()
	lcids := slices.Sorted(maps.Keys(table))
	slices.SortStableFunc(lcids, func(a, b int) int {
		switch {
		case a == portal.EnglishLCID:
			return -1
		case b == portal.EnglishLCID:
			return 1
		}
		return 0
	})
	var out []stateText
	for _, lcid := range lcids {
		t := stateText{LCID: strconv.Itoa(lcid), Text: table[lcid]}
		if key := "states.lcid." + t.LCID; r.Has(key) {
			t.Language = r.Text(key)
		}
		out = append(out, t)
	}
	return out
}

// stateLook is how a custom state looks to readers of a language.
type stateLook struct{ Locale, Language, Text string }

// stateLooks is how a state looks in each of the portal's languages: where it has no text, people see the plain state.
func stateLooks(r Reader, s portal.CustomState) []stateLook {
	var out []stateLook
	for _, locale := range r.Set().Locales() {
		c := r.Set().For(locale)
		text := s.Texts.For(portal.LCID(locale))
		if text == "" {
			text = c.Availability(s.Availability)
		}
		out = append(out, stateLook{locale, languageOf(r, locale), text})
	}
	return out
}

// languageOf is what a language is called in the reader's own, or in itself where that is not known.
func languageOf(r Reader, locale string) string {
	if key := "states.lcid." + strconv.Itoa(portal.LCID(locale)); r.Has(key) {
		return r.Text(key)
	}
	return r.Set().For(locale).Text("language.name")
}

// exampleStates is a file of custom states as it can be uploaded.
const exampleStates = `<?xml version="1.0" encoding="utf-8"?>
<customStates xmlns="http://schemas.microsoft.com/09/2005/communicator/customStates">
  <customState ID="1" availability="busy">
    <activity LCID="1033">With a customer</activity>
    <activity LCID="1031">Beim Kunden</activity>
  </customState>
  <customState ID="2" availability="do-not-disturb">
    <activity LCID="1033">In the laboratory</activity>
    <activity LCID="1031">Im Labor</activity>
  </customState>
</customStates>
`

// setName tells a set's table from those of others.
func (v StatesPage) setName(set portal.CustomStates) string {
	if set.Source == "" {
		return v.Text("states.uploaded")
	}
	return v.Text("states.table", "Source", set.Source)
}

// stateSource is an address with those for whom it is set.
type stateSource struct {
	Address string
	Rules   []portal.PolicyRule
}

// sources are the addresses, each once.
func (v StatesPage) sources() []stateSource {
	var out []stateSource
	for _, rule := range v.Addresses {
		i := slices.IndexFunc(out, func(s stateSource) bool { return s.Address == rule.Value })
		if i < 0 {
			out = append(out, stateSource{Address: rule.Value})
			i = len(out) - 1
		}
		out[i].Rules = append(out[i].Rules, rule)
	}
	return out
}
