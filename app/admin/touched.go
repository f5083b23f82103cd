package admin

// For whom a change makes a difference: so that live sessions of those, and of nobody else, look again.

import (
	"maps"
	"slices"

	"portico/app/policy"
	"portico/app/portal"
)

// touched says for whom what is different between two snapshots: whom (nil: everybody) and which policies. No names: for nobody.
func touched(before, after *snapshot, department func(portal.Address) string) ([]portal.Address, []string) {
	names := map[string]bool{}
	everybody := differ(before.policies.Decide("", ""), after.policies.Decide("", ""), names)
	everybody = differSets(before, after, names) || everybody
	rules := changedRules(before, after)
	groups := changedGroups(before, after, rules)
	everybody = differDepartments(before, after, groups, names) || everybody
	var who []portal.Address
	for a := range candidates(before, after, rules, groups) {
		dept := ""
		if before.departments || after.departments {
			dept = department(a)
		}
		if differ(before.policies.Decide(a, dept), after.policies.Decide(a, dept), names) {
			who = append(who, a)
		}
	}
	switch {
	case everybody:
		who = nil
	case who == nil:
		return nil, nil
	}
	slices.Sort(who)
	var list []string
	for _, d := range policy.Definitions() {
		if names[d.Name] {
			list = append(list, d.Name)
		}
	}
	return who, list
}

// changedRules are the rules that are in one of two snapshots, or in both with different values.
func changedRules(before, after *snapshot) []portal.PolicyRule {
	type key struct {
		name  string
		scope portal.PolicyScope
	}
	values := make(map[key]string, len(before.rules))
	for _, r := range before.rules {
		values[key{r.Name, r.Scope}] = r.Value
	}
	var changed []portal.PolicyRule
	for _, r := range after.rules {
		k := key{r.Name, r.Scope}
		if old, ok := values[k]; !ok || old != r.Value {
			changed = append(changed, r)
		}
		delete(values, k)
	}
	for k := range values {
		changed = append(changed, portal.PolicyRule{Name: k.name, Scope: k.scope})
	}
	return changed
}

// changedGroups are the ids of groups that are different in two snapshots, or for which rules are.
func changedGroups(before, after *snapshot, rules []portal.PolicyRule) map[string]bool {
	changed := map[string]bool{}
	for _, r := range rules {
		if r.Scope.Kind == portal.ScopeGroup {
			changed[r.Scope.Who] = true
		}
	}
	old := make(map[string]portal.PolicyGroup, len(before.groups))
	for _, g := range before.groups {
		old[g.ID] = g
	}
	for _, g := range after.groups {
		if o, ok := old[g.ID]; !ok || !equalGroups(o, g) {
			changed[g.ID] = true
		}
		delete(old, g.ID)
	}
	for id := range old {
		changed[id] = true
	}
	return changed
}

// candidates are the people of whom something else is said now, by address.
func candidates(before, after *snapshot, rules []portal.PolicyRule, groups map[string]bool) map[portal.Address]bool {
	people := map[portal.Address]bool{}
	for _, r := range rules {
		if r.Scope.Kind == portal.ScopePerson {
			people[portal.Address(r.Scope.Who)] = true
		}
	}
	for _, n := range []*snapshot{before, after} {
		for _, g := range n.groups {
			if !groups[g.ID] {
				continue
			}
			for _, m := range g.Members {
				people[m] = true
			}
		}
	}
	return people
}

// differDepartments: who is in a department only the address book knows, so a difference there is for everybody.
func differDepartments(before, after *snapshot, groups map[string]bool, names map[string]bool) bool {
	departments := map[string]bool{}
	for _, n := range []*snapshot{before, after} {
		for _, g := range n.groups {
			for _, d := range g.Departments {
				departments[d] = groups[g.ID] || departments[d]
			}
		}
	}
	different := false
	for d, changed := range departments {
		different = changed && differ(before.policies.Decide("", d), after.policies.Decide("", d), names) || different
	}
	return different
}

// differSets: what a custom state is called is seen by all who see somebody in it.
func differSets(before, after *snapshot, names map[string]bool) bool {
	same := maps.EqualFunc(before.sets, after.sets, func(a, b portal.CustomStates) bool { return slices.Equal(a.States, b.States) })
	if !same {
		names[portal.CustomStateURL] = true
	}
	return !same
}

func differ(before, after []portal.Decision, names map[string]bool) bool {
	different := false
	for i := range before {
		if before[i].Value != after[i].Value || before[i].Decided != after[i].Decided || before[i].From != after[i].From {
			names[before[i].Name], different = true, true
		}
	}
	return different
}
