package contacts

// Two lists edited at random on both sides, with everything failing between all steps: at rest both are the same, nothing
// is lost and nothing doubled, and what was taken off stays off.

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"portico/app/portal"
)

const (
	modelSeeds  = 150
	modelEpochs = 6
	modelEdits  = 14
)

// strange is what the server's list has that ours cannot show.
func strange() []portal.Contact {
	return []portal.Contact{
		{URI: "tel:+4312345", DisplayName: "Taxi", Group: "Numbers", Groups: []string{"Numbers"}},
		{URI: "xmpp:nobody@jabber.test", DisplayName: "Jabber"},
		{URI: owner, DisplayName: "Myself"},
		{URI: "", DisplayName: "no address"},
	}
}

// pair is one run of the model.
type pair struct {
	t      *testing.T
	rnd    *rand.Rand
	seed   uint64
	mem    *memory
	srv    *server
	s      *Service
	faults int // in percent
	// side says who may edit somebody in this epoch: 0 ours, 1 theirs, 2 both.
	side map[portal.Address]int
	// want is what an entry is to be for those whom one side alone edits; deleted are those whom anybody took off.
	want    map[portal.Address]*shared
	deleted map[portal.Address]bool
	seen    map[portal.Address]bool
	// regrouped: groups were taken away or renamed in this epoch, so that who is in which is not foretold.
	regrouped bool
	trace     []string
}

func TestTwoListsBecomeOne(t *testing.T) {
	for seed := range uint64(modelSeeds) {
		p := newPair(t, seed)
		for range modelEpochs {
			p.epoch()
			if t.Failed() {
				t.Fatalf("seed %d:\n%v", seed, p.trace)
			}
		}
	}
}

func newPair(t *testing.T, seed uint64) *pair {
	p := &pair{t: t, seed: seed, rnd: rand.New(rand.NewPCG(seed, 7)), mem: &memory{}, srv: &server{without: seed%3 == 0}}
	if !p.srv.without {
		p.srv.list = RosterList{Groups: []string{"Friends", "Numbers"}, Entries: strange()}
	}
	fail := func(string) (bool, bool) {
		return p.rnd.IntN(100) < p.faults, p.rnd.IntN(100) < p.faults
	}
	p.mem.fail, p.srv.fail = fail, fail
	p.s = New(p.mem, Options{Roster: p.srv})
	return p
}

func (p *pair) note(format string, args ...any) {
	p.trace = append(p.trace, fmt.Sprintf(format, args...)+"\n")
}

// epoch is some edits with failing rounds between them, and then a rest at which all has to be right.
func (p *pair) epoch() {
	p.side, p.want, p.deleted, p.seen = map[portal.Address]int{}, map[portal.Address]*shared{}, map[portal.Address]bool{}, map[portal.Address]bool{}
	p.regrouped = false
	regroup := p.rnd.IntN(2) == 0
	for uri, e := range sideOf(p.mem.book).Entries {
		p.want[uri], p.seen[uri] = &e, true
	}
	p.faults = p.rnd.IntN(25)
	p.srv.between = func() {
		if p.rnd.IntN(4) == 0 {
			p.edit(regroup)
		}
	}
	for range modelEdits {
		p.edit(regroup)
		if p.rnd.IntN(2) == 0 {
			_, err := p.s.agree(p.t.Context(), owner)
			p.note("round: %v", err)
			if err != nil && !errors.Is(err, errFault) && portal.Meaning(err) != portal.ErrConflict {
				p.t.Errorf("round: %v", err)
			}
		}
	}
	p.faults, p.srv.between = 0, nil
	for range 2 {
		if _, err := p.s.agree(p.t.Context(), owner); err != nil {
			p.t.Errorf("at rest: %v", err)
		}
	}
	p.check()
}

// edit is one change on one side.
func (p *pair) edit(regroup bool) {
	faults := p.faults
	p.faults = 0 // people try again until a change is made
	defer func() { p.faults = faults }()
	uri := portal.Address(fmt.Sprintf("sip:p%d@example.test", p.rnd.IntN(8)))
	if _, ok := p.side[uri]; !ok {
		p.side[uri] = p.rnd.IntN(3)
	}
	which := p.side[uri]
	if which == 2 {
		which = p.rnd.IntN(2)
	}
	group := regroup && p.rnd.IntN(6) == 0
	p.regrouped = p.regrouped || group
	switch {
	case group && which == 0:
		p.groupHere()
	case group:
		p.srv.edit(p.groupThere)
	case which == 0:
		p.here(uri)
	default:
		p.there(uri)
	}
}

var modelGroups = []string{"Friends", "Work", "Lunch", "Gone"}

func (p *pair) groupName() string { return modelGroups[p.rnd.IntN(len(modelGroups))] }

// someGroups is up to two groups.
func (p *pair) someGroups() []string {
	groups := []string{}
	for range p.rnd.IntN(3) {
		if g := p.groupName(); !slices.Contains(groups, g) {
			groups = append(groups, g)
		}
	}
	return groups
}

func (p *pair) here(uri portal.Address) {
	ctx := p.t.Context()
	c, err := p.mem.book.contact(uri)
	switch what := p.rnd.IntN(5); {
	case err != nil:
		err = p.s.Put(ctx, owner, portal.Contact{URI: uri, DisplayName: fmt.Sprintf("ours %d", p.rnd.IntN(100)), Groups: p.someGroups()})
	case what == 0:
		err = p.s.Remove(ctx, owner, uri)
		p.deleted[uri] = true
	case what == 1:
		err = p.s.Nickname(ctx, owner, uri, fmt.Sprintf("nick %d", p.rnd.IntN(100)))
	case what == 2:
		err = p.s.Move(ctx, owner, uri, c.Group, p.groupName())
	case what == 3:
		err = p.s.Copy(ctx, owner, uri, p.groupName())
	default:
		err = p.s.Favourite(ctx, owner, uri, !c.Favourite)
	}
	if err != nil {
		p.t.Errorf("edit of %s: %v", uri, err)
	}
	p.expect(uri, sideOf(p.mem.book))
	p.note("ours %s: %+v", uri, p.want[uri])
}

func (p *pair) there(uri portal.Address) {
	p.srv.edit(func(l *RosterList) {
		e := p.srv.entry(uri)
		switch what := p.rnd.IntN(4); {
		case e == nil:
			l.Entries = append(l.Entries, grouped(portal.Contact{URI: uri, DisplayName: fmt.Sprintf("theirs %d", p.rnd.IntN(100)), Groups: p.someGroups()}))
		case what == 0:
			l.Entries = slices.DeleteFunc(l.Entries, func(c portal.Contact) bool { return c.URI == uri })
			p.deleted[uri] = true
		case what == 1:
			e.DisplayName = fmt.Sprintf("renamed %d", p.rnd.IntN(100))
		default:
			e.Group, e.Groups = "", p.someGroups()
			*e = grouped(*e)
		}
		p.useGroups(l)
	})
	p.expect(uri, p.serverSide())
	p.note("theirs %s: %+v", uri, p.want[uri])
}

// useGroups gives the list the groups that its entries are in.
func (p *pair) useGroups(l *RosterList) {
	for _, c := range l.Entries {
		for _, g := range c.Groups {
			if !slices.Contains(l.Groups, g) {
				l.Groups = append(l.Groups, g)
			}
		}
	}
}

func (p *pair) expect(uri portal.Address, is side) {
	p.seen[uri] = true
	p.want[uri] = nil
	if e, ok := is.Entries[uri]; ok {
		p.want[uri] = &e
	}
}

func (p *pair) groupHere() {
	ctx, name := p.t.Context(), p.groupName()
	var err error
	switch p.rnd.IntN(4) {
	case 0:
		err = p.s.PutGroup(ctx, owner, name)
	case 1:
		err = p.s.RemoveGroup(ctx, owner, name)
	case 2:
		err = p.s.RenameGroup(ctx, owner, name, p.groupName())
	default:
		err = p.s.OrderGroups(ctx, owner, []string{name})
	}
	p.note("ours, groups: %v", err)
}

func (p *pair) groupThere(l *RosterList) {
	name := p.groupName()
	switch p.rnd.IntN(3) {
	case 0:
		if !slices.Contains(l.Groups, name) {
			l.Groups = append(l.Groups, name)
		}
	case 1:
		l.Groups = slices.DeleteFunc(l.Groups, func(g string) bool { return g == name })
		for i := range l.Entries {
			c := l.Entries[i]
			c.Group, c.Groups = "", slices.DeleteFunc(slices.Clone(c.Groups), func(g string) bool { return g == name })
			l.Entries[i] = grouped(c)
		}
	default:
		slices.SortFunc(l.Groups, func(a, b string) int { return -cmp.Compare(a, b) })
	}
	p.note("theirs, groups: %v", l.Groups)
}

func (p *pair) serverSide() side {
	return sightOf(owner, p.srv.list, book{}, newSide(), newSide(), 1000).side
}

func (p *pair) check() {
	ours, theirs := sideOf(p.mem.book), p.serverSide()
	if !ours.same(theirs) {
		p.t.Errorf("at rest ours is\n%+v\nand theirs\n%+v", ours, theirs)
	}
	_, a, err := p.s.accord(p.t.Context(), owner)
	if err != nil || a.Meant != nil || !a.same(ours) {
		p.t.Errorf("agreed: %+v, %v; ours %+v", a, err, ours)
	}
	for _, uri := range slices.Sorted(maps.Keys(p.seen)) {
		e, have := ours.Entries[uri]
		want, only := p.want[uri], p.side[uri] != 2
		switch {
		case only && want == nil && have && !p.regrouped: // a group that went changed those who were in it
			p.t.Errorf("%s is there again: %+v", uri, e)
		case only && want != nil && !have, !only && !p.deleted[uri] && !have:
			p.t.Errorf("%s is lost", uri)
		case only && want != nil && (e.Name != want.Name || !p.regrouped && !e.same(*want)):
			p.t.Errorf("%s is %+v, want %+v", uri, e, *want)
		}
	}
	p.checkServer()
}

// checkServer: nobody stands there twice, and what is not for us is untouched.
func (p *pair) checkServer() {
	count := map[portal.Address]int{}
	for _, c := range p.srv.list.Entries {
		if count[c.URI]++; count[c.URI] > 1 {
			p.t.Errorf("%s stands twice in %+v", c.URI, p.srv.list)
		}
	}
	if p.seed%3 == 0 {
		return
	}
	for _, want := range strange() {
		if e := p.srv.entry(want.URI); e == nil || !sameContact(*e, want) {
			p.t.Errorf("%q became %+v", want.URI, e)
		}
	}
}
