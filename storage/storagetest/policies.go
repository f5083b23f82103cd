package storagetest

import (
	"context"
	"fmt"
	"reflect"
	"testing"
	"time"

	"portico/app/portal"
	"portico/storage"
)

// PolicyStore is what administration asks of storage.
type PolicyStore interface {
	PolicyRules(ctx context.Context) ([]portal.PolicyRule, error)
	PolicyGroups(ctx context.Context) ([]portal.PolicyGroup, error)
	ChangePolicies(ctx context.Context, c portal.PoliciesChange) error
	PolicyChanges(ctx context.Context, before int64, limit int) ([]portal.PolicyChange, error)
	CustomStates(ctx context.Context) ([]portal.CustomStates, error)
	SaveCustomStates(ctx context.Context, set portal.CustomStates, record []portal.PolicyChange) error
	DropCustomStates(ctx context.Context, source string, record []portal.PolicyChange) error
	Origins(ctx context.Context) ([]portal.Origin, error)
	PutOrigin(ctx context.Context, o portal.Origin, record []portal.PolicyChange) error
	DropOrigin(ctx context.Context, origin string, record []portal.PolicyChange) error
}

func rule(name, kind, who, value string) portal.PolicyRule {
	return portal.PolicyRule{Name: name, Scope: portal.PolicyScope{Kind: kind, Who: who}, Value: value, By: carol, At: noon()}
}

// wantPolicies wants these rules and groups in this order.
func wantPolicies(t *testing.T, s Store, rules []portal.PolicyRule, groups []portal.PolicyGroup) {
	t.Helper()
	gotRules, err := s.PolicyRules(deadline(t))
	must(t, err)
	gotGroups, err := s.PolicyGroups(deadline(t))
	must(t, err)
	if fmt.Sprint(gotRules) != fmt.Sprint(rules) {
		t.Errorf("rules  %v\nwant %v", gotRules, rules)
	}
	if fmt.Sprint(gotGroups) != fmt.Sprint(groups) {
		t.Errorf("groups %v\nwant %v", gotGroups, groups)
	}
}

func testPolicies(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	wantPolicies(t, s, nil, nil)
	everyone, sales, ofAlice := rule("DisableIM", portal.ScopeEveryone, "", "true"), rule("DisableIM", portal.ScopeGroup, "sales", "false"), rule("ThinSessions", portal.ScopePerson, string(alice), "on")
	other := rule("DisableIM", portal.ScopeGroup, "other", "true")
	group := func(id string, rank int, name string) portal.PolicyGroup {
		return portal.PolicyGroup{ID: id, Name: name, Rank: rank, Members: []portal.Address{bob, alice}, Departments: []string{"Vertrieb Süd"}}
	}
	must(t, s.ChangePolicies(ctx, portal.PoliciesChange{Put: []portal.PolicyRule{ofAlice, sales, everyone, other},
		PutGroups: []portal.PolicyGroup{group("z", 1, "A"), group("sales", 1, "B"), group("other", 0, "C")}}))
	wantPolicies(t, s, []portal.PolicyRule{everyone, other, sales, ofAlice}, []portal.PolicyGroup{group("other", 0, "C"), group("z", 1, "A"), group("sales", 1, "B")})
	// Dropping comes before putting, and a group takes the rules set for it along.
	everyone.Value = "changed"
	empty := portal.PolicyGroup{ID: "other", Name: "C", Rank: 9}
	must(t, s.ChangePolicies(ctx, portal.PoliciesChange{Drop: []portal.PolicyRule{everyone, rule("none", portal.ScopeEveryone, "", "")}, Put: []portal.PolicyRule{everyone},
		PutGroups: []portal.PolicyGroup{empty}, DropGroups: []string{"sales", "none"}}))
	wantPolicies(t, s, []portal.PolicyRule{everyone, other, ofAlice}, []portal.PolicyGroup{group("z", 1, "A"), empty})
	// A person of the same name as a group keeps theirs.
	named := rule("DisableIM", portal.ScopePerson, "other", "true")
	must(t, s.ChangePolicies(ctx, portal.PoliciesChange{Put: []portal.PolicyRule{named}}))
	must(t, s.ChangePolicies(ctx, portal.PoliciesChange{DropGroups: []string{"other", "z"}}))
	wantPolicies(t, s, []portal.PolicyRule{everyone, named, ofAlice}, nil)
	for _, bad := range []portal.PoliciesChange{
		{Drop: []portal.PolicyRule{everyone}, PutGroups: []portal.PolicyGroup{{Name: "no id"}}},
		{Drop: []portal.PolicyRule{everyone}, Put: []portal.PolicyRule{rule("", portal.ScopeEveryone, "", "x")}},
		{Drop: []portal.PolicyRule{everyone}, Put: []portal.PolicyRule{rule("x", portal.ScopeEveryone, "somebody", "x")}},
		{Drop: []portal.PolicyRule{everyone}, Put: []portal.PolicyRule{rule("x", portal.ScopeGroup, "", "x")}},
		{Drop: []portal.PolicyRule{everyone}, Put: []portal.PolicyRule{rule("x", portal.ScopeDefault, "", "x")}},
	} {
		wantMeaning(t, s.ChangePolicies(ctx, bad), portal.ErrInvalid)
	}
	wantPolicies(t, s, []portal.PolicyRule{everyone, named, ofAlice}, nil)
}

func testPolicyRecord(t *testing.T, open Open) {
	clock := newClock()
	s := start(t, open, storage.Options{Now: clock.now})
	ctx := deadline(t)
	line := func(n int) portal.PolicyChange {
		return portal.PolicyChange{At: noon().Add(time.Duration(n)), By: carol, What: "rule", Name: fmt.Sprint("n", n),
			Scope: portal.PolicyScope{Kind: portal.ScopePerson, Who: string(bob)}, Before: "", After: "x"}
	}
	var want []portal.PolicyChange
	for n := range 7 {
		must(t, s.ChangePolicies(ctx, portal.PoliciesChange{Record: []portal.PolicyChange{line(2 * n), line(2*n + 1)}}))
		for _, i := range []int{2 * n, 2*n + 1} {
			l := line(i)
			l.Seq = int64(i + 1)
			want = append([]portal.PolicyChange{l}, want...)
		}
	}
	for _, limit := range []int{0, 1, 5, 14} {
		var got []portal.PolicyChange
		before := int64(0)
		for {
			page, err := s.PolicyChanges(ctx, before, limit)
			must(t, err)
			if limit > 0 && len(page) > limit {
				t.Fatalf("%d lines, asked for %d", len(page), limit)
			}
			if len(page) == 0 {
				break
			}
			got = append(got, page...)
			before = page[len(page)-1].Seq
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("by %d: %+v", limit, got)
		}
	}
	must(t, s.ChangePolicies(ctx, portal.PoliciesChange{Record: []portal.PolicyChange{{What: "import"}}}))
	if page, err := s.PolicyChanges(ctx, 0, 1); err != nil || len(page) != 1 || !page[0].At.Equal(clock.now()) {
		t.Errorf("a line without a time: %+v, %v", page, err)
	}
}

// recorded is how many lines the record has.
func recorded(t *testing.T, s Store) int {
	t.Helper()
	list, err := s.PolicyChanges(deadline(t), 0, 0)
	must(t, err)
	return len(list)
}

func testCustomStates(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	set := func(source, text string) portal.CustomStates {
		return portal.CustomStates{Source: source, XML: []byte("<x>" + text + "</x>"), At: noon(), By: carol, Failed: "customstates.timeout", States: []portal.CustomState{
			{ID: 1, Availability: portal.Busy, Texts: portal.NewStateTexts(map[int]string{1033: text, 1031: "ü"})}, {ID: 4, Availability: portal.Available, Texts: portal.NewStateTexts(map[int]string{1033: "x"})}}}
	}
	line := []portal.PolicyChange{{What: "custom-states"}}
	want := func(lines int, sets ...portal.CustomStates) {
		t.Helper()
		got, err := s.CustomStates(ctx)
		must(t, err)
		if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", sets) {
			t.Errorf("sets %+v\nwant %+v", got, sets)
		}
		if n := recorded(t, s); n != lines {
			t.Errorf("%d lines, want %d", n, lines)
		}
	}
	want(0)
	must(t, s.SaveCustomStates(ctx, set("https://b.example.test/", "b"), nil))
	must(t, s.SaveCustomStates(ctx, set("", "own"), line))
	want(1, set("", "own"), set("https://b.example.test/", "b"))
	must(t, s.SaveCustomStates(ctx, set("", "new"), append(line, line...)))
	failed := portal.CustomStates{Source: "https://b.example.test/", XML: []byte{}, Failed: "customstates.status"}
	must(t, s.SaveCustomStates(ctx, failed, nil))
	want(3, set("", "new"), failed)
	must(t, s.DropCustomStates(ctx, "https://b.example.test/", line))
	must(t, s.DropCustomStates(ctx, "https://b.example.test/", line)) // nothing to tell of
	want(4, set("", "new"))
	must(t, s.DropCustomStates(ctx, "", line))
	want(5)
}

func testOrigins(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	one, two := portal.Origin{Origin: "https://a.example.test", By: carol, At: noon()}, portal.Origin{Origin: "https://b.example.test:8443", By: bob, At: noon()}
	line := []portal.PolicyChange{{What: "origin"}}
	want := func(lines int, list ...portal.Origin) {
		t.Helper()
		got, err := s.Origins(ctx)
		must(t, err)
		if len(got)+len(list) > 0 && !reflect.DeepEqual(got, list) {
			t.Errorf("origins %+v, want %+v", got, list)
		}
		if n := recorded(t, s); n != lines {
			t.Errorf("%d lines, want %d", n, lines)
		}
	}
	want(0)
	must(t, s.PutOrigin(ctx, two, line))
	must(t, s.PutOrigin(ctx, one, line))
	again := one
	again.By = bob
	must(t, s.PutOrigin(ctx, again, line))
	want(2, one, two)
	must(t, s.DropOrigin(ctx, one.Origin, line))
	must(t, s.DropOrigin(ctx, one.Origin, line))
	want(3, two)
	wantMeaning(t, s.PutOrigin(ctx, portal.Origin{}, line), portal.ErrInvalid)
}
