package admin

// What an import would change: a document compared with what holds, part by part.

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"portico/app/policy"
	"portico/app/portal"
)

// plan is what an import changes.
type plan struct {
	c        Changes
	states   *portal.CustomStates // to save
	noStates bool
	allow    []portal.Origin
	refuse   []string
	lines    []portal.PolicyChange
}

// plan compares a document with what holds.
func (s *Service) plan(now *snapshot, by portal.Address, doc Document) (plan, error) {
	p, when := plan{}, s.o.Now().UTC()
	groups, ids, err := p.groups(now, doc, by, when)
	if err != nil {
		return plan{}, err
	}
	if err := p.rules(now, doc, groups, ids, by, when); err != nil {
		return plan{}, err
	}
	p.c.Record = slices.Clone(p.lines)
	if err := p.customStates(now, doc, by, when); err != nil {
		return plan{}, err
	}
	if err := p.origins(now, doc, by, when); err != nil {
		return plan{}, err
	}
	return p, nil
}

// groups plans the groups. It gives those that there will be, and under which ids those of the document.
func (p *plan) groups(now *snapshot, doc Document, by portal.Address, when time.Time) ([]portal.PolicyGroup, map[string]string, error) {
	ids := map[string]string{}
	if doc.Groups == nil {
		for _, g := range now.groups {
			ids[g.ID] = g.ID
		}
		return now.groups, ids, nil
	}
	if len(*doc.Groups) > maxGroups {
		return nil, nil, portal.Fail(portal.ErrTooMany, "policy.many-groups").With("max", strconv.Itoa(maxGroups))
	}
	old := map[string]portal.PolicyGroup{}
	for _, g := range now.groups {
		old[g.ID] = g
	}
	var groups []portal.PolicyGroup
	names, used := map[string]bool{}, map[string]bool{} // ids that are the document's own, or given away
	for _, g := range *doc.Groups {
		used[g.ID] = true
	}
	for i, raw := range *doc.Groups {
		g, err := checkGroup(raw)
		if err == nil && g.ID == "" {
			err = portal.Fail(portal.ErrInvalid, "policy.group-id")
		}
		if _, twice := ids[g.ID]; err == nil && twice {
			err = portal.Fail(portal.ErrInvalid, "policy.group-id")
		}
		if err == nil && names[strings.ToLower(g.Name)] {
			err = portal.Fail(portal.ErrInvalid, "policy.group-twice").With("name", g.Name)
		}
		if err != nil {
			return nil, nil, at(err, "groups[%d]", i)
		}
		from := g.ID
		if _, known := old[g.ID]; !known { // the same group under another id, on another portal
			for _, o := range now.groups {
				if strings.EqualFold(o.Name, g.Name) && !used[o.ID] {
					g.ID, used[o.ID] = o.ID, true
				}
			}
		}
		ids[from], names[strings.ToLower(g.Name)] = g.ID, true
		groups = append(groups, g)
		line := portal.PolicyChange{At: when, By: by, What: whatGroup, Name: g.Name, After: describe(g),
			Scope: portal.PolicyScope{Kind: portal.ScopeGroup, Who: g.ID}}
		o, known := old[g.ID]
		if known {
			line.Before = describe(o)
			delete(old, g.ID)
		}
		if !known || !equalGroups(o, g) {
			p.c.PutGroups, p.lines = append(p.c.PutGroups, g), append(p.lines, line)
		}
	}
	for _, g := range now.groups {
		if _, left := old[g.ID]; left {
			p.c.DropGroups = append(p.c.DropGroups, g.ID)
			p.lines = append(p.lines, droppedGroup(now, g, by, when)...)
		}
	}
	return groups, ids, nil
}

// rules plans the rules. Those of groups that go have been planned with the groups.
func (p *plan) rules(now *snapshot, doc Document, groups []portal.PolicyGroup, ids map[string]string, by portal.Address, when time.Time) error {
	if doc.Rules == nil {
		return nil
	}
	if len(*doc.Rules) > maxRules {
		return portal.Fail(portal.ErrTooMany, "policy.many-rules").With("max", strconv.Itoa(maxRules))
	}
	old, seen := map[DocumentRule]portal.PolicyRule{}, map[DocumentRule]bool{}
	for _, r := range now.rules {
		if r.Scope.Kind != portal.ScopeGroup || !slices.Contains(p.c.DropGroups, r.Scope.Who) {
			old[DocumentRule{Name: r.Name, Scope: r.Scope}] = r
		}
	}
	known := map[string]bool{}
	for _, g := range groups {
		known[g.ID] = true
	}
	for i, raw := range *doc.Rules {
		r := portal.PolicyRule{Name: raw.Name, Scope: raw.Scope, Value: raw.Value, By: by, At: when}
		if id, ok := ids[r.Scope.Who]; ok && r.Scope.Kind == portal.ScopeGroup {
			r.Scope.Who = id
		}
		r, err := checkRule(r, known)
		key := DocumentRule{Name: r.Name, Scope: r.Scope}
		if err == nil && seen[key] {
			err = portal.Fail(portal.ErrInvalid, "policy.rule-twice").With("name", r.Name)
		}
		if err != nil {
			return at(err, "rules[%d]", i)
		}
		seen[key] = true
		before := old[key].Value
		delete(old, key)
		if before != r.Value {
			p.c.Put = append(p.c.Put, r)
			p.lines = append(p.lines, portal.PolicyChange{At: when, By: by, What: whatRule, Name: r.Name, Scope: r.Scope, Before: before, After: r.Value})
		}
	}
	left := slices.SortedFunc(maps.Values(old), func(a, b portal.PolicyRule) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Scope.Kind, b.Scope.Kind), cmp.Compare(a.Scope.Who, b.Scope.Who))
	})
	for _, r := range left {
		p.c.Drop = append(p.c.Drop, r)
		p.lines = append(p.lines, dropped(r, by, when))
	}
	return nil
}

func (p *plan) customStates(now *snapshot, doc Document, by portal.Address, when time.Time) error {
	if doc.CustomStates == nil {
		return nil
	}
	before, there := now.sets[""]
	line := portal.PolicyChange{At: when, By: by, What: whatStates, Before: describeStates(before.States)}
	if strings.TrimSpace(*doc.CustomStates) == "" {
		if there {
			p.noStates = true
			p.lines = append(p.lines, line)
		}
		return nil
	}
	xml := []byte(*doc.CustomStates)
	states, err := policy.ParseCustomStates(xml)
	if err != nil {
		return at(err, "custom_states")
	}
	if !there || !slices.Equal(before.States, states) {
		p.states = &portal.CustomStates{States: states, XML: xml, At: when, By: by}
		line.After = describeStates(states)
		p.lines = append(p.lines, line)
	}
	return nil
}

func (p *plan) origins(now *snapshot, doc Document, by portal.Address, when time.Time) error {
	if doc.Origins == nil {
		return nil
	}
	if len(*doc.Origins) > maxOrigins {
		return portal.Fail(portal.ErrTooMany, "policy.many-origins").With("max", strconv.Itoa(maxOrigins))
	}
	wanted := map[string]bool{}
	for i, raw := range *doc.Origins {
		origin, err := CanonicalOrigin(raw)
		if err != nil {
			return at(err, "origins[%d]", i)
		}
		if _, there := now.origins[origin]; !there && !wanted[origin] {
			p.allow = append(p.allow, portal.Origin{Origin: origin, By: by, At: when})
			p.lines = append(p.lines, portal.PolicyChange{At: when, By: by, What: whatOrigin, Name: origin, After: origin})
		}
		wanted[origin] = true
	}
	for _, origin := range slices.Sorted(maps.Keys(now.origins)) {
		if !wanted[origin] {
			p.refuse = append(p.refuse, origin)
			p.lines = append(p.lines, portal.PolicyChange{At: when, By: by, What: whatOrigin, Name: origin, Before: origin})
		}
	}
	return nil
}
