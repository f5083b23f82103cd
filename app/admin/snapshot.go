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
	n.arrange()
	n.ready()
	return n
}

// arrange puts groups in order and makes them ready.
func (n *snapshot) arrange() {
	policy.SortGroups(n.groups)
	n.departments = slices.ContainsFunc(n.groups, func(g portal.PolicyGroup) bool { return len(g.Departments) > 0 })
	n.policies = policy.Compile(nil, n.groups, n.configured)
}

// ready puts rules in order and makes them ready.
func (n *snapshot) ready() {
	sortRules(n.rules, n.groups)
	n.policies = n.policies.With(n.rules, n.configured)
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

// with is a copy after a change of rules and groups.
func (n *snapshot) with(c Changes) *snapshot {
	next := *n
	next.rules, next.groups = apply(n, c)
	if len(c.PutGroups)+len(c.DropGroups) > 0 {
		next.arrange()
	}
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
