package admin

// Changing rules and groups: checked, stored with the line of the record, and in force when the call returns.

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"portico/app/policy"
	"portico/app/portal"
)

const (
	maxRules       = 20_000
	maxGroups      = 200
	maxMembers     = 20_000
	maxDepartments = 200
	maxGroupName   = 64
	maxDepartment  = 200
	maxRank        = 10_000
	maxGroupID     = 64
	// maxRecorded is how much of a value stands in the record, in characters.
	maxRecorded = 1000
)

// What a line of the record is about (portal.PolicyChange.What).
const (
	whatRule   = "rule"
	whatGroup  = "group"
	whatStates = "custom-states"
	whatOrigin = "origin"
	whatImport = "import"
)

// checkRule gives a rule in the form in which it is kept. groups are the ids of those it can be for.
func checkRule(r portal.PolicyRule, groups map[string]bool) (portal.PolicyRule, error) {
	d, ok := policy.Defined(r.Name)
	if !ok {
		_, err := policy.Parse(r.Name, r.Value)
		return r, err
	}
	scope, err := checkScope(d, r.Scope, groups)
	if err != nil {
		return r, err
	}
	value, err := d.Parse(r.Value)
	if err != nil {
		return r, err
	}
	r.Scope, r.Value = scope, value
	return r, nil
}

func checkScope(d policy.Definition, scope portal.PolicyScope, groups map[string]bool) (portal.PolicyScope, error) {
	if !d.CanBe(scope.Kind) {
		return scope, portal.Fail(portal.ErrInvalid, "policy.scope").With("name", d.Name)
	}
	switch scope.Kind {
	case portal.ScopeEveryone:
		scope.Who = ""
	case portal.ScopeGroup:
		if !groups[scope.Who] {
			return scope, portal.Fail(portal.ErrNotFound, "policy.no-group")
		}
	case portal.ScopePerson:
		who, err := portal.ParseAddress(scope.Who)
		if err != nil {
			return scope, portal.Fail(portal.ErrInvalid, "policy.person").With("value", clip(scope.Who, 60)).Because(err)
		}
		scope.Who = string(who)
	}
	return scope, nil
}

// same reports whether two rules are of the same policy for the same people.
func same(a, b portal.PolicyRule) bool { return a.Name == b.Name && a.Scope == b.Scope }

// SetRule sets a policy for a scope, replacing what was set for it. The address of custom states is fetched first: what is
// decidedly wrong with it is refused, one that does not answer now is tried again later. Errors: ErrInvalid
// ("policy.unknown", "policy.value", "policy.scope", "policy.person", "policy.address", "customstates.…"), ErrNotFound
// ("policy.no-group"), ErrTooMany ("policy.many-rules").
func (s *Service) SetRule(ctx context.Context, by portal.Address, r portal.PolicyRule) error {
	now, err := s.ready()
	if err != nil {
		return err
	}
	if r, err = checkRule(r, now.groupIDs()); err != nil {
		return err
	}
	var take func(context.Context) error
	if r.Name == portal.CustomStateURL && r.Value != policy.None {
		if take, err = s.states.tryNew(ctx, r.Value); err != nil {
			return err
		}
	}
	err = s.changeRules(ctx, func(now *snapshot) (Changes, error) {
		r, err := checkRule(r, now.groupIDs()) // the group may have gone meanwhile
		if err != nil {
			return Changes{}, err
		}
		r.By, r.At = by, s.o.Now().UTC()
		line := portal.PolicyChange{At: r.At, By: by, What: whatRule, Name: r.Name, Scope: r.Scope, After: r.Value}
		if i := slices.IndexFunc(now.rules, func(o portal.PolicyRule) bool { return same(o, r) }); i >= 0 {
			line.Before = now.rules[i].Value
		} else if len(now.rules) >= maxRules {
			return Changes{}, portal.Fail(portal.ErrTooMany, "policy.many-rules").With("max", strconv.Itoa(maxRules))
		}
		if line.Before == line.After {
			return Changes{}, nil
		}
		return Changes{Put: []portal.PolicyRule{r}, Record: []portal.PolicyChange{line}}, nil
	})
	if err == nil && take != nil {
		err = take(ctx)
	}
	return err
}

// DropRule lets a policy be unsaid for a scope; that nothing was said is fine. The rule's name and scope count.
func (s *Service) DropRule(ctx context.Context, by portal.Address, r portal.PolicyRule) error {
	return s.changeRules(ctx, func(now *snapshot) (Changes, error) {
		if r.Scope.Kind == portal.ScopePerson {
			if who, err := portal.ParseAddress(r.Scope.Who); err == nil {
				r.Scope.Who = string(who)
			}
		}
		i := slices.IndexFunc(now.rules, func(o portal.PolicyRule) bool { return same(o, r) })
		if i < 0 {
			return Changes{}, nil
		}
		return Changes{Drop: now.rules[i : i+1], Record: []portal.PolicyChange{dropped(now.rules[i], by, s.o.Now().UTC())}}, nil
	})
}

func dropped(r portal.PolicyRule, by portal.Address, at time.Time) portal.PolicyChange {
	return portal.PolicyChange{At: at, By: by, What: whatRule, Name: r.Name, Scope: r.Scope, Before: r.Value}
}

// PutGroup makes a group (its ID is empty) or replaces one, and gives it as it is kept. Errors: ErrInvalid
// ("policy.group-name", "policy.group-twice", "policy.group-rank", "policy.group-member", "policy.group-size"),
// ErrNotFound ("policy.no-group"), ErrTooMany ("policy.many-groups").
func (s *Service) PutGroup(ctx context.Context, by portal.Address, g portal.PolicyGroup) (portal.PolicyGroup, error) {
	g, err := checkGroup(g)
	if err != nil {
		return g, err
	}
	err = s.changeRules(ctx, func(now *snapshot) (Changes, error) {
		line := portal.PolicyChange{At: s.o.Now().UTC(), By: by, What: whatGroup, Name: g.Name}
		if slices.ContainsFunc(now.groups, func(o portal.PolicyGroup) bool { return o.ID != g.ID && strings.EqualFold(o.Name, g.Name) }) {
			return Changes{}, portal.Fail(portal.ErrInvalid, "policy.group-twice").With("name", g.Name)
		}
		i := slices.IndexFunc(now.groups, func(o portal.PolicyGroup) bool { return o.ID == g.ID })
		switch {
		case i >= 0:
			line.Before = describe(now.groups[i])
		case g.ID != "":
			return Changes{}, portal.Fail(portal.ErrNotFound, "policy.no-group")
		case len(now.groups) >= maxGroups:
			return Changes{}, portal.Fail(portal.ErrTooMany, "policy.many-groups").With("max", strconv.Itoa(maxGroups))
		default:
			g.ID = uuid.NewString()
		}
		line.Scope = portal.PolicyScope{Kind: portal.ScopeGroup, Who: g.ID}
		if line.After = describe(g); i >= 0 && equalGroups(now.groups[i], g) {
			return Changes{}, nil
		}
		return Changes{PutGroups: []portal.PolicyGroup{g}, Record: []portal.PolicyChange{line}}, nil
	})
	return g, err
}

// DropGroup forgets a group and what was set for it; that there is none is ErrNotFound ("policy.no-group").
func (s *Service) DropGroup(ctx context.Context, by portal.Address, id string) error {
	return s.changeRules(ctx, func(now *snapshot) (Changes, error) {
		i := slices.IndexFunc(now.groups, func(o portal.PolicyGroup) bool { return o.ID == id })
		if i < 0 {
			return Changes{}, portal.Fail(portal.ErrNotFound, "policy.no-group")
		}
		return Changes{DropGroups: []string{id}, Record: droppedGroup(now, now.groups[i], by, s.o.Now().UTC())}, nil
	})
}

// droppedGroup is the record of a group that goes, with the rules that go with it.
func droppedGroup(now *snapshot, g portal.PolicyGroup, by portal.Address, at time.Time) []portal.PolicyChange {
	scope := portal.PolicyScope{Kind: portal.ScopeGroup, Who: g.ID}
	var lines []portal.PolicyChange
	for _, r := range now.rules {
		if r.Scope == scope {
			lines = append(lines, dropped(r, by, at))
		}
	}
	return append(lines, portal.PolicyChange{At: at, By: by, What: whatGroup, Name: g.Name, Scope: scope, Before: describe(g)})
}

// changeRules lets decide look at what holds, stores what it decides and lets that hold. Nothing to record is nothing to do.
func (s *Service) changeRules(ctx context.Context, decide func(now *snapshot) (Changes, error)) error {
	return s.change(ctx, func(now *snapshot) (*snapshot, error) {
		c, err := decide(now)
		if err != nil || len(c.Record) == 0 {
			return nil, err
		}
		if err := s.store.ChangePolicies(ctx, c); err != nil {
			return nil, err
		}
		return now.with(c), nil
	})
}

// apply is what a store has after a change.
func apply(now *snapshot, c Changes) ([]portal.PolicyRule, []portal.PolicyGroup) {
	type key struct {
		name  string
		scope portal.PolicyScope
	}
	gone, put := map[key]bool{}, map[key]portal.PolicyRule{}
	for _, r := range c.Drop {
		gone[key{r.Name, r.Scope}] = true
	}
	for _, r := range c.Put {
		gone[key{r.Name, r.Scope}] = true
		put[key{r.Name, r.Scope}] = r
	}
	rules := slices.DeleteFunc(slices.Clone(now.rules), func(r portal.PolicyRule) bool {
		return gone[key{r.Name, r.Scope}] || r.Scope.Kind == portal.ScopeGroup && slices.Contains(c.DropGroups, r.Scope.Who)
	})
	for _, r := range put {
		rules = append(rules, r)
	}
	groups := slices.DeleteFunc(slices.Clone(now.groups), func(g portal.PolicyGroup) bool {
		return slices.Contains(c.DropGroups, g.ID) || slices.ContainsFunc(c.PutGroups, func(p portal.PolicyGroup) bool { return p.ID == g.ID })
	})
	return rules, append(groups, c.PutGroups...)
}

// checkGroup gives a group in the form in which it is kept.
func checkGroup(g portal.PolicyGroup) (portal.PolicyGroup, error) {
	g.Name = strings.Join(strings.Fields(g.Name), " ")
	if !line(g.Name, maxGroupName) {
		return g, portal.Fail(portal.ErrInvalid, "policy.group-name").With("max", strconv.Itoa(maxGroupName))
	}
	if g.Rank < 0 || g.Rank > maxRank {
		return g, portal.Fail(portal.ErrInvalid, "policy.group-rank").With("max", strconv.Itoa(maxRank))
	}
	if len(g.ID) > maxGroupID || strings.Trim(g.ID, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") != "" {
		return g, portal.Fail(portal.ErrNotFound, "policy.no-group")
	}
	if len(g.Members) > maxMembers || len(g.Departments) > maxDepartments {
		return g, portal.Fail(portal.ErrInvalid, "policy.group-size").With("max", strconv.Itoa(maxMembers))
	}
	members := make([]portal.Address, 0, len(g.Members))
	for _, m := range g.Members {
		who, err := portal.ParseAddress(string(m))
		if err != nil {
			return g, portal.Fail(portal.ErrInvalid, "policy.group-member").With("value", clip(string(m), 60)).Because(err)
		}
		members = append(members, who)
	}
	departments := make([]string, 0, len(g.Departments))
	for _, d := range g.Departments {
		if d = strings.Join(strings.Fields(d), " "); !line(d, maxDepartment) {
			return g, portal.Fail(portal.ErrInvalid, "policy.group-department").With("value", clip(d, 60))
		}
		departments = append(departments, d)
	}
	slices.Sort(members)
	slices.Sort(departments)
	g.Members, g.Departments = slices.Compact(members), slices.Compact(departments)
	return g, nil
}

// line reports whether s is one line of 1 to most characters.
func line(s string, most int) bool {
	return s != "" && utf8.ValidString(s) && utf8.RuneCountInString(s) <= most &&
		!strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e })
}

func equalGroups(a, b portal.PolicyGroup) bool {
	return a.Name == b.Name && a.Rank == b.Rank && slices.Equal(a.Members, b.Members) && slices.Equal(a.Departments, b.Departments)
}

// describe is a group in the record.
func describe(g portal.PolicyGroup) string {
	parts := []string{g.Name, "#" + strconv.Itoa(g.Rank)}
	for _, m := range g.Members {
		if len(parts) > maxRecorded/10 {
			break
		}
		parts = append(parts, m.Bare())
	}
	if len(g.Departments) > 0 {
		parts = append(parts, "["+strings.Join(g.Departments, "; ")+"]")
	}
	return clip(strings.Join(parts, ", "), maxRecorded)
}

// clip cuts a text to a number of characters.
func clip(s string, most int) string {
	s = strings.ToValidUTF8(s, "\ufffd")
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}
