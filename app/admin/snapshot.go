package admin

// What holds at one moment: rules, groups, custom states and origins, made ready for answering. A snapshot does not change.

import (
	"cmp"
	"maps"
	"slices"

	"portico/app/policy"
	"portico/app/portal"
)

type snapshot struct {
	rules    []portal.PolicyRule
	groups   []portal.PolicyGroup
	policies *policy.Policies
	// departments: some group is made of departments.
	departments bool
	sets        map[string]portal.CustomStates
	origins     map[string]portal.Origin
	// addresses are where custom states are to be fetched from: each CustomStateURL that is set anywhere.
	addresses []string
	// loaded: it is what the store has.
	loaded     bool
	configured func(string) (string, bool)
}

// newSnapshot makes a snapshot of its own copies.
func newSnapshot(rules []portal.PolicyRule, groups []portal.PolicyGroup, sets []portal.CustomStates, origins []portal.Origin,
	configured func(string) (string, bool)) *snapshot {
	n := &snapshot{rules: slices.Clone(rules), groups: cloneGroups(groups), sets: map[string]portal.CustomStates{},
		origins: map[string]portal.Origin{}, configured: configured}
	for _, set := range sets {
		n.sets[set.Source] = set
	}
	for _, o := range origins {
		n.origins[o.Origin] = o
	}
	n.ready()
	return n
}

// ready puts rules and groups in order and makes them ready.
func (n *snapshot) ready() {
	policy.SortGroups(n.groups)
	n.departments = slices.ContainsFunc(n.groups, func(g portal.PolicyGroup) bool { return len(g.Departments) > 0 })
	sortRules(n.rules, n.groups)
	n.policies = policy.Compile(n.rules, n.groups, n.configured)
	var addresses []string
	add := func(value string) {
		if address, err := policy.Parse(portal.CustomStateURL, value); err == nil && address != policy.None {
			addresses = append(addresses, address)
		}
	}
	for _, r := range n.rules {
		if r.Name == portal.CustomStateURL {
			add(r.Value)
		}
	}
	if value, ok := n.configured(portal.CustomStateURL); ok {
		add(value)
	}
	slices.Sort(addresses)
	n.addresses = slices.Compact(addresses)
}

// with is a copy with other rules and groups.
func (n *snapshot) with(rules []portal.PolicyRule, groups []portal.PolicyGroup) *snapshot {
	next := *n
	next.rules, next.groups = slices.Clone(rules), cloneGroups(groups)
	next.ready()
	return &next
}

// withSet is a copy with a set of custom states, or without that of a source.
func (n *snapshot) withSet(source string, set *portal.CustomStates) *snapshot {
	next := *n
	next.sets = maps.Clone(n.sets)
	delete(next.sets, source)
	if set != nil {
		next.sets[source] = *set
	}
	return &next
}

// withOrigin is a copy with an origin, or without it.
func (n *snapshot) withOrigin(origin string, o *portal.Origin) *snapshot {
	next := *n
	next.origins = maps.Clone(n.origins)
	delete(next.origins, origin)
	if o != nil {
		next.origins[origin] = *o
	}
	return &next
}

// listSets are the sets for the administrator, failed says by address why the last fetch did not succeed.
func (n *snapshot) listSets(failed map[string]string) []portal.CustomStates {
	var list []portal.CustomStates
	if set, ok := n.sets[""]; ok {
		list = append(list, set)
	}
	for _, address := range n.addresses {
		set := n.sets[address]
		set.Source = address
		if why, ok := failed[address]; ok {
			set.Failed = why
		}
		list = append(list, set)
	}
	for i := range list {
		list[i].States, list[i].XML = slices.Clone(list[i].States), slices.Clone(list[i].XML)
	}
	return list
}

// groupIDs are the ids of the groups.
func (n *snapshot) groupIDs() map[string]bool {
	ids := make(map[string]bool, len(n.groups))
	for _, g := range n.groups {
		ids[g.ID] = true
	}
	return ids
}

func cloneGroups(groups []portal.PolicyGroup) []portal.PolicyGroup {
	list := slices.Clone(groups)
	for i := range list {
		list[i].Members, list[i].Departments = slices.Clone(list[i].Members), slices.Clone(list[i].Departments)
	}
	return list
}

// sortRules orders rules as pages show them: by policy, for everyone, for groups by precedence, for people by address.
func sortRules(rules []portal.PolicyRule, groups []portal.PolicyGroup) {
	policies, kinds, places := map[string]int{}, map[string]int{portal.ScopeGroup: 1, portal.ScopePerson: 2}, map[string]int{}
	for i, d := range policy.Definitions() {
		policies[d.Name] = i
	}
	for i, g := range groups {
		places[g.ID] = i
	}
	slices.SortStableFunc(rules, func(a, b portal.PolicyRule) int {
		return cmp.Or(cmp.Compare(policies[a.Name], policies[b.Name]), cmp.Compare(kinds[a.Scope.Kind], kinds[b.Scope.Kind]),
			cmp.Compare(places[a.Scope.Who], places[b.Scope.Who]), cmp.Compare(a.Scope.Who, b.Scope.Who))
	})
}

// touched says for whom what is different between two snapshots: whom (nil: everybody) and which policies. No names: for nobody.
func touched(before, after *snapshot, department func(portal.Address) string) ([]portal.Address, []string) {
	names := map[string]bool{}
	everybody := differ(before.policies.Decide("", ""), after.policies.Decide("", ""), names)
	candidates := map[portal.Address]bool{}
	for _, n := range []*snapshot{before, after} {
		for _, r := range n.rules {
			if r.Scope.Kind == portal.ScopePerson {
				candidates[portal.Address(r.Scope.Who)] = true
			}
		}
		for _, g := range n.groups {
			for _, m := range g.Members {
				candidates[m] = true
			}
		}
	}
	everybody = differDepartments(before, after, names) || everybody
	everybody = differSets(before, after, names) || everybody
	var who []portal.Address
	for _, a := range slices.Sorted(maps.Keys(candidates)) {
		dept := ""
		if before.departments || after.departments {
			dept = department(a)
		}
		if differ(before.policies.Decide(a, dept), after.policies.Decide(a, dept), names) {
			who = append(who, a)
		}
	}
	if everybody {
		who = nil
	}
	if who == nil && !everybody {
		return nil, nil
	}
	var list []string
	for _, d := range policy.Definitions() {
		if names[d.Name] {
			list = append(list, d.Name)
		}
	}
	return who, list
}

// differDepartments: who is in a department only the address book knows, so a difference there is for everybody.
func differDepartments(before, after *snapshot, names map[string]bool) bool {
	departments := map[string]bool{}
	for _, n := range []*snapshot{before, after} {
		for _, g := range n.groups {
			for _, d := range g.Departments {
				departments[d] = true
			}
		}
	}
	different := false
	for d := range departments {
		different = differ(before.policies.Decide("", d), after.policies.Decide("", d), names) || different
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
