package views

import (
	"net/url"
	"slices"

	"portico/app/portal"
	"portico/views/catalogue"
)

// Policy is what there is to know of one policy on a page.
type Policy struct {
	// Name is as the original calls it, Kind "switch", "choice", "duration", "size", "url" or "language", Doc the catalogue key of
	// what it does.
	Name, Kind, Doc string
	// Values are the words it takes, Scopes the kinds of scope it can be set for.
	Values, Scopes []string
	// Everyone is what holds for those of whom no rule of a group or a person speaks.
	Everyone portal.Decision
	// Rules are those that are set, the wider before the narrower.
	Rules []portal.PolicyRule
}

// path is the policy's own page.
func (p Policy) path() string { return PoliciesPath + "/" + url.PathEscape(p.Name) }

// exceptions are the rules for groups and people.
func (p Policy) exceptions() []portal.PolicyRule {
	return slices.DeleteFunc(slices.Clone(p.Rules), func(r portal.PolicyRule) bool { return r.Scope.Kind == portal.ScopeEveryone })
}

// forEveryone reports whether a rule for everyone is set.
func (p Policy) forEveryone() bool { return len(p.exceptions()) != len(p.Rules) }

func (p Policy) canBe(scope string) bool { return slices.Contains(p.Scopes, scope) }

// PolicyValue is a value as people read it.
func (r Reader) PolicyValue(value string) string {
	switch key := "policies.value." + value; {
	case value == "":
		return r.Text("policies.value.configured")
	case r.Has(key):
		return r.Text(key)
	}
	if at := slices.IndexFunc(r.Set().Choices(), func(l *catalogue.Catalogue) bool { return l.Tag() == value }); at >= 0 {
		return r.Set().Choices()[at].Text("language.name")
	}
	return value
}

// choices are the values that a policy's field offers; nil where they are typed.
func (r Reader) choices(p Policy) []string {
	switch p.Kind {
	case "switch", "choice":
		return p.Values
	case "language":
		out := slices.Clone(p.Values)
		for _, l := range r.Set().Choices() {
			out = append(out, l.Tag())
		}
		return out
	}
	return nil
}

// policyDoc is what a policy does; its name where no catalogue has the sentence.
func (r Reader) policyDoc(name string) string {
	if key := "policy." + name; r.Has(key) {
		return r.Text(key)
	}
	return name
}

// policyTabs are the parts of the pages of policies.
func policyTabs(r Reader, current string) []deskTab {
	var out []deskTab
	for _, t := range []struct{ name, path string }{
		{"all", PoliciesPath}, {"groups", PoliciesPath + "/groups"}, {"person", PoliciesPath + "/person"},
		{"record", PoliciesPath + "/changes"}, {"file", PoliciesPath + "/file"},
	} {
		out = append(out, deskTab{t.path, r.Text("policies.tab." + t.name), t.name == current})
	}
	return out
}

// PoliciesPage is the page /admin/policies.
type PoliciesPage struct {
	Frame
	Notice
	Policies []Policy
	Names    ScopeNames
}

// PolicyPage is the page of one policy.
type PolicyPage struct {
	Frame
	Notice
	Policy Policy
	Groups []portal.PolicyGroup
	Names  ScopeNames
	// Typed is what a form held that was refused, or whom a link means.
	Typed portal.PolicyRule
}

// typed is the value that was typed for a kind of scope.
func (v PolicyPage) typed(kind string) string {
	if v.Typed.Scope.Kind == kind {
		return v.Typed.Value
	}
	return ""
}

// freeGroups are the groups that the policy has no rule for.
func (v PolicyPage) freeGroups() []portal.PolicyGroup {
	return slices.DeleteFunc(slices.Clone(v.Groups), func(g portal.PolicyGroup) bool {
		return slices.ContainsFunc(v.Policy.Rules, func(r portal.PolicyRule) bool {
			return r.Scope == portal.PolicyScope{Kind: portal.ScopeGroup, Who: g.ID}
		})
	})
}

// PolicyGroupsPage is the page /admin/policies/groups.
type PolicyGroupsPage struct {
	Frame
	Notice
	Groups []portal.PolicyGroup
	Names  ScopeNames
	// NewName and NewRank are what was typed for a new group.
	NewName, NewRank string
}

// members are the first members of a group by name, and how many more there are.
func (v PolicyGroupsPage) members(g portal.PolicyGroup) (names []string, more int) {
	const shown = 5
	for i, m := range g.Members {
		if i == shown {
			return names, len(g.Members) - shown
		}
		names = append(names, v.Names.person(m))
	}
	return names, 0
}

// PolicyGroupPage is the page of one group.
type PolicyGroupPage struct {
	Frame
	Notice
	Group portal.PolicyGroup
	Names ScopeNames
	// Query is what was looked for, Found who was found.
	Query string
	Found []portal.Person
	// Rules are those set for the group.
	Rules []portal.PolicyRule
	// Departments are those of the address book that the group has not.
	Departments []string
}

// path is the group's own page.
func (v PolicyGroupPage) path() string { return GroupPath(v.Group.ID) }

// GroupPath is the page of a group of policies.
func GroupPath(id string) string { return PoliciesPath + "/groups/" + url.PathEscape(id) }

// PolicyPersonPage is the page /admin/policies/person: what holds for somebody.
type PolicyPersonPage struct {
	Frame
	Notice
	// Query is what was typed, Found who is meant perhaps.
	Query string
	Found []portal.Person
	// Who is the person; the zero value: nobody was chosen.
	Who       portal.Person
	Decisions []portal.Decision
	Names     ScopeNames
}

// rulePath is the page on which a rule of a policy is set for the person.
func (v PolicyPersonPage) rulePath(policy string) string {
	return WithQuery(PoliciesPath+"/"+url.PathEscape(policy), "who", v.Who.URI.Bare()) + "#rule-person"
}

// PolicyRecordPage is the page /admin/policies/changes.
type PolicyRecordPage struct {
	Frame
	Notice
	Changes []portal.PolicyChange
	Names   ScopeNames
	// Older is where the older lines begin; zero: there are none.
	Older int64
}

// PolicyFilePage is the page /admin/policies/file: export, and import with what it would change.
type PolicyFilePage struct {
	Frame
	Notice
	// File is the file whose import would make the Changes; empty: none was given yet.
	File    string
	Changes []portal.PolicyChange
	Names   ScopeNames
	// Mark tells these changes from others: what is done is what was shown.
	Mark string
}

// changeWhat says what kind of thing a line of the record changed.
func (r Reader) changeWhat(what string) string {
	if key := "policies.what." + what; r.Has(key) {
		return r.Text(key)
	}
	return what
}

// changeValue is a value before or after, with a word for none.
func (r Reader) changeValue(c portal.PolicyChange, value string) string {
	switch {
	case value == "":
		return "–"
	case c.What == "rule":
		return r.PolicyValue(value)
	}
	return value
}

// DecidedText says that policy decides a setting, how and where: for everyone, a group, the person, or in the configuration.
func (r Reader) DecidedText(on bool, d portal.Decision) string {
	key := "policies.decided-off"
	if on {
		key = "policies.decided-on"
	}
	where := ""
	if place := "policies.decided-where." + d.From.Kind; r.Has(place) {
		where = r.Text(place)
	}
	return r.Text(key, "Where", where, "Name", d.Name)
}

// policyPanes are the parts of pages that show policies.
func policyPanes() []string {
	return []string{"policies-pane", "policy-pane", "group-pane", "person-pane", "record-pane", "states-pane", "origins-pane", "facts-pane", "settings-pane", "silenced"}
}

// hint says how a value is written; empty where it is chosen from a list.
func (v PolicyPage) hint() string {
	if key := "policies.hint." + v.Policy.Kind; v.Has(key) {
		return v.Text(key)
	}
	return ""
}
