package policy

// Which rule holds for whom: what is said of a person before what is said of their groups (by rank), before what is
// said of everyone, before the configuration, before the default.

import (
	"cmp"
	"math/bits"
	"slices"
	"strings"

	"portico/app/portal"
)

// Policies is rules and groups made ready for answering; it does not change and is safe for concurrent use.
type Policies struct {
	defs []Definition
	// base is what holds where no rule for a group or a person says a word, from where it comes.
	base   layer
	origin []string // by policy: ScopeEveryone, ScopeConfiguration or ScopeDefault
	people map[portal.Address]*layer
	// groups are by precedence, the first wins.
	groups []layer
	*roll
}

// roll is who is in which groups. Groups are named by their place in the order of precedence.
type roll struct {
	ids         []string
	places      map[string]int
	members     map[portal.Address][]int32
	departments map[string][]int32
}

// layer is values of some policies, understood: a set bit in has says that the policy is decided here.
type layer struct {
	has    uint32
	values []string
	in     portal.InForce
}

// Compile makes rules and groups ready. configured gives what the configuration says of a policy, by name; nil: nothing.
// Rules that cannot hold (an unknown name, a value that the policy does not take, a group that is not there) are left out.
func Compile(rules []portal.PolicyRule, groups []portal.PolicyGroup, configured func(name string) (value string, ok bool)) *Policies {
	return compile(rules, gather(groups), configured)
}

// With is other rules for the same groups, which is quicker to make ready.
func (p *Policies) With(rules []portal.PolicyRule, configured func(name string) (value string, ok bool)) *Policies {
	return compile(rules, p.roll, configured)
}

func compile(rules []portal.PolicyRule, groups *roll, configured func(name string) (value string, ok bool)) *Policies {
	p := &Policies{defs: Definitions(), people: map[portal.Address]*layer{}, roll: groups}
	for range groups.ids {
		p.groups = append(p.groups, p.empty())
	}
	p.base = p.empty()
	p.origin = make([]string, len(p.defs))
	for i, d := range p.defs {
		p.origin[i] = portal.ScopeDefault
		p.put(&p.base, i, d.Default)
		if configured == nil {
			continue
		}
		if value, ok := configured(d.Name); ok {
			if value, err := d.Parse(value); err == nil {
				p.put(&p.base, i, value)
				p.origin[i] = portal.ScopeConfiguration
			}
		}
	}
	for _, r := range rules {
		p.rule(r)
	}
	return p
}

// gather takes the groups in the order of their precedence.
func gather(groups []portal.PolicyGroup) *roll {
	ordered := slices.Clone(groups)
	SortGroups(ordered)
	r := &roll{places: make(map[string]int, len(ordered)), members: map[portal.Address][]int32{}, departments: map[string][]int32{}}
	for i, g := range ordered {
		r.ids, r.places[g.ID] = append(r.ids, g.ID), i
		for _, m := range g.Members {
			r.members[m] = append(r.members[m], int32(i))
		}
		for _, d := range g.Departments {
			d = department(d)
			r.departments[d] = append(r.departments[d], int32(i))
		}
	}
	return r
}

// SortGroups puts groups in the order of their precedence: by rank, of equal rank by name and id.
func SortGroups(groups []portal.PolicyGroup) {
	slices.SortStableFunc(groups, func(a, b portal.PolicyGroup) int {
		return cmp.Or(cmp.Compare(a.Rank, b.Rank), cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
}

func (p *Policies) rule(r portal.PolicyRule) {
	i := slices.IndexFunc(p.defs, func(d Definition) bool { return d.Name == r.Name })
	if i < 0 || !p.defs[i].CanBe(r.Scope.Kind) {
		return
	}
	value, err := p.defs[i].Parse(r.Value)
	if err != nil {
		return
	}
	switch r.Scope.Kind {
	case portal.ScopeEveryone:
		p.put(&p.base, i, value)
		p.origin[i] = portal.ScopeEveryone
	case portal.ScopeGroup:
		if place, ok := p.places[r.Scope.Who]; ok {
			p.put(&p.groups[place], i, value)
		}
	case portal.ScopePerson:
		who := portal.Address(r.Scope.Who)
		if p.people[who] == nil {
			p.people[who] = new(p.empty())
		}
		p.put(p.people[who], i, value)
	}
}

func (p *Policies) empty() layer { return layer{values: make([]string, len(p.defs))} }

func (p *Policies) put(l *layer, i int, value string) {
	l.has |= 1 << i
	l.values[i] = value
	understand(&l.in, p.defs[i].Name, value)
}

// department is the form in which departments are compared: address books write them with any case and spaces.
func department(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }

// ofDepartment are the places of the groups of a department. For names of usual letters and length it allocates nothing.
func (p *Policies) ofDepartment(name string) []int32 {
	var folded [128]byte
	b := folded[:0]
	for i := range len(name) {
		c := name[i]
		if c < ' ' || c >= 0x7f || len(b) == cap(b) {
			return p.departments[department(name)]
		}
		if c == ' ' && (len(b) == 0 || b[len(b)-1] == ' ') {
			continue
		}
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		b = append(b, c)
	}
	if len(b) > 0 && b[len(b)-1] == ' ' {
		b = b[:len(b)-1]
	}
	return p.departments[string(b)]
}

// layers calls visit with what is said of a person, the first to win first; place is that of the group, -1 for the person.
// Groups of the person by address and by department are taken together in the order of their precedence.
func (p *Policies) layers(who portal.Address, dept string, visit func(l *layer, place int32)) {
	if l := p.people[who]; l != nil {
		visit(l, -1)
	}
	if len(p.groups) == 0 {
		return
	}
	byName := p.members[who]
	var byDept []int32
	if dept != "" && len(p.departments) > 0 {
		byDept = p.ofDepartment(dept)
	}
	for len(byName) > 0 || len(byDept) > 0 {
		var place int32
		switch {
		case len(byDept) == 0 || len(byName) > 0 && byName[0] < byDept[0]:
			place, byName = byName[0], byName[1:]
		case len(byName) > 0 && byName[0] == byDept[0]:
			place, byName, byDept = byName[0], byName[1:], byDept[1:]
		default:
			place, byDept = byDept[0], byDept[1:]
		}
		visit(&p.groups[place], place)
	}
}

// InForce is what holds for a person who is of a department (empty: of none). who "" is somebody of whom nothing is said.
func (p *Policies) InForce(who portal.Address, dept string) portal.InForce {
	in, decided := p.base.in, uint32(0)
	p.layers(who, dept, func(l *layer, _ int32) {
		for more := l.has &^ decided; more != 0; more &= more - 1 {
			carry(&in, &l.in, p.defs[bits.TrailingZeros32(more)].Name)
		}
		decided |= l.has
	})
	return consequences(in)
}

// Decide says of each policy, in the order of Definitions, what holds for a person and where that comes from.
func (p *Policies) Decide(who portal.Address, dept string) []portal.Decision {
	list := make([]portal.Decision, len(p.defs))
	for i, d := range p.defs {
		list[i] = portal.Decision{Name: d.Name, Value: p.base.values[i], From: portal.PolicyScope{Kind: p.origin[i]}}
	}
	decided := uint32(0)
	p.layers(who, dept, func(l *layer, place int32) {
		from := portal.PolicyScope{Kind: portal.ScopePerson, Who: string(who)}
		if place >= 0 {
			from = portal.PolicyScope{Kind: portal.ScopeGroup, Who: p.ids[place]}
		}
		for i := range list {
			if bit := uint32(1) << i; l.has&^decided&bit != 0 {
				list[i].Value, list[i].From = l.values[i], from
			}
		}
		decided |= l.has
	})
	for i := range list {
		list[i].Decided = list[i].From.Kind != portal.ScopeDefault && list[i].Value != Choose
	}
	return list
}

// Decide says of each policy what holds for a person of a department; see Policies. For many people compile once.
func Decide(rules []portal.PolicyRule, groups []portal.PolicyGroup, who portal.Address, dept string,
	configured func(name string) (value string, ok bool)) []portal.Decision {
	return Compile(rules, groups, configured).Decide(who, dept)
}

// InForce understands decisions. What a policy does not take is as if nothing were said.
func InForce(decisions []portal.Decision) portal.InForce {
	var in portal.InForce
	for _, d := range decisions {
		def, ok := Defined(d.Name)
		if !ok {
			continue
		}
		if value, err := def.Parse(d.Value); err == nil {
			understand(&in, def.Name, value)
		}
	}
	return consequences(in)
}

// consequences is what one policy means for another: without calendar presence there is no meeting to hide.
func consequences(in portal.InForce) portal.InForce {
	if in.DisableCalendarPresence {
		in.DisableMeetingSubjectAndLocation = false
	}
	return in
}

// Idle names the decisions that have no effect because of another: DisableMeetingSubjectAndLocation where
// DisableCalendarPresence holds.
func Idle(decisions []portal.Decision) []string {
	on := func(name string) bool {
		return slices.ContainsFunc(decisions, func(d portal.Decision) bool { return d.Name == name && d.Value == On })
	}
	if on(portal.DisableCalendarPresence) && on(portal.DisableMeetingSubjectAndLocation) {
		return []string{portal.DisableMeetingSubjectAndLocation}
	}
	return nil
}
