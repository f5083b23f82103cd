package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"portico/app/policy"
	"portico/app/portal"
)

func TestRulesHoldAtOnce(t *testing.T) {
	ctx := t.Context()
	h := build(t, newMemory(), nil, nil)
	must(t, h.SetRule(ctx, boss, everyone(portal.DisableIM, "true")))
	h.expect(t, "everyone", "all [DisableIM]")
	must(t, h.SetRule(ctx, boss, portal.PolicyRule{Name: portal.DisableIM, Scope: portal.PolicyScope{Kind: portal.ScopePerson, Who: "ann@EXAMPLE.test"}, Value: "off"}))
	h.expect(t, "person", "[sip:ann@example.test] [DisableIM]")
	if !h.InForce(ben).DisableIM || h.InForce(ann).DisableIM || !h.InForce("").DisableIM {
		t.Error("what was set does not hold")
	}
	must(t, h.SetRule(ctx, boss, ofPerson(portal.DisableIM, ann, "0")))
	h.expect(t, "the same again")
	must(t, h.DropRule(ctx, boss, portal.PolicyRule{Name: portal.DisableIM, Scope: portal.PolicyScope{Kind: portal.ScopePerson, Who: "SIP:ann@example.test"}}))
	h.expect(t, "dropped", "[sip:ann@example.test] [DisableIM]")
	must(t, h.DropRule(ctx, boss, ofPerson(portal.DisableIM, ann, "")))
	h.expect(t, "dropped again")
	if !h.InForce(ann).DisableIM {
		t.Error("a dropped rule holds")
	}

	lines, err := h.Changes(ctx, 0, 10)
	must(t, err)
	var got []string
	for _, l := range lines {
		if l.By != boss || !l.At.Equal(noon()) || l.What != "rule" {
			t.Errorf("line %+v", l)
		}
		got = append(got, fmt.Sprintf("%d %s %s:%s %q>%q", l.Seq, l.Name, l.Scope.Kind, l.Scope.Who, l.Before, l.After))
	}
	want := []string{`3 DisableIM person:sip:ann@example.test "off">""`, `2 DisableIM person:sip:ann@example.test "">"off"`, `1 DisableIM everyone: "">"on"`}
	if !slices.Equal(got, want) {
		t.Errorf("record\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if older, err := h.Changes(ctx, 2, 10); err != nil || len(older) != 1 || older[0].Seq != 1 {
		t.Errorf("older: %+v %v", older, err)
	}
	// A portal that starts again has the same.
	again := build(t, h.store, nil, nil)
	rules, err := again.Rules(ctx)
	must(t, err)
	if len(rules) != 1 || rules[0].Value != policy.On || rules[0].By != boss || !again.InForce(ann).DisableIM {
		t.Errorf("after a restart: %+v", rules)
	}
}

func TestRulesThatAreRefused(t *testing.T) {
	ctx := t.Context()
	h := build(t, newMemory(), nil, nil)
	for _, c := range []struct {
		rule    portal.PolicyRule
		meaning error
		key     string
	}{
		{everyone("EnableFlying", "on"), portal.ErrInvalid, "policy.unknown"},
		{everyone(portal.DisableIM, "perhaps"), portal.ErrInvalid, "policy.value"},
		{portal.PolicyRule{Name: portal.DisableIM, Value: "on"}, portal.ErrInvalid, "policy.scope"},
		{portal.PolicyRule{Name: portal.DisableIM, Value: "on", Scope: portal.PolicyScope{Kind: portal.ScopeDefault}}, portal.ErrInvalid, "policy.scope"},
		{ofPerson(portal.GalDownloadInitialDelay, ann, "5m"), portal.ErrInvalid, "policy.scope"},
		{ofGroup(portal.DisableIM, "none", "on"), portal.ErrNotFound, "policy.no-group"},
		{ofPerson(portal.DisableIM, "ann", "on"), portal.ErrInvalid, "policy.person"},
		{everyone(portal.CustomStateURL, "file:///c:/x.xml"), portal.ErrInvalid, "customstates.scheme"},
	} {
		refusedWith(t, h.SetRule(ctx, boss, c.rule), c.meaning, c.key)
	}
	h.expect(t, "refused rules")
	if len(h.store.record) != 0 {
		t.Errorf("recorded: %+v", h.store.record)
	}
}

func TestGroups(t *testing.T) {
	ctx := t.Context()
	h := build(t, newMemory(), nil, nil)
	ops, err := h.PutGroup(ctx, boss, portal.PolicyGroup{Name: "  Back   office ", Rank: 2, Members: []portal.Address{"ben@example.test", "sip:ann@EXAMPLE.test", ben}})
	must(t, err)
	if ops.ID == "" || ops.Name != "Back office" || !slices.Equal(ops.Members, []portal.Address{ann, ben}) {
		t.Errorf("kept as %+v", ops)
	}
	h.expect(t, "a group without rules")
	must(t, h.SetRule(ctx, boss, ofGroup(portal.DisablePresenceNote, ops.ID, "on")))
	h.expect(t, "a rule for a group", "[sip:ann@example.test sip:ben@example.test] [DisablePresenceNote]")
	sales, err := h.PutGroup(ctx, boss, portal.PolicyGroup{Name: "Sales", Rank: 1, Departments: []string{"sales"}})
	must(t, err)
	must(t, h.SetRule(ctx, boss, ofGroup(portal.MayCreateRooms, sales.ID, "off")))
	h.expect(t, "a rule for a department", "all [MayCreateRooms]")
	if h.InForce(cyd).MayCreateRooms || !h.InForce(ann).MayCreateRooms || !h.InForce(ann).DisablePresenceNote || h.InForce(cyd).DisablePresenceNote {
		t.Error("the wrong people are in the groups")
	}
	ops.Members = []portal.Address{ben}
	_, err = h.PutGroup(ctx, boss, ops)
	must(t, err)
	h.expect(t, "a member less", "[sip:ann@example.test] [DisablePresenceNote]")
	_, err = h.PutGroup(ctx, boss, ops)
	must(t, err)
	h.expect(t, "the same again")
	groups, err := h.Groups(ctx)
	must(t, err)
	if len(groups) != 2 || groups[0].ID != sales.ID || groups[1].ID != ops.ID {
		t.Errorf("groups by rank: %+v", groups)
	}
	groups[0].Departments[0] = "changed by the reader"
	must(t, h.DropGroup(ctx, boss, ops.ID))
	h.expect(t, "a group that goes", "[sip:ben@example.test] [DisablePresenceNote]")
	if rules, err := h.Rules(ctx); err != nil || len(rules) != 1 || len(h.store.rules) != 1 {
		t.Errorf("the rules of a group that is gone: %+v, stored %+v, %v", rules, h.store.rules, err)
	}
	refusedWith(t, h.DropGroup(ctx, boss, ops.ID), portal.ErrNotFound, "policy.no-group")
	if h.InForce(cyd).MayCreateRooms {
		t.Error("a reader changed what holds")
	}
	last := h.store.record[len(h.store.record)-1]
	if last.What != "group" || last.Name != "Back office" || last.Before == "" || last.After != "" || !strings.Contains(last.Before, "ben@example.test") {
		t.Errorf("record: %+v", last)
	}
}

func TestGroupsThatAreRefused(t *testing.T) {
	ctx := t.Context()
	h := build(t, newMemory(), nil, nil)
	if _, err := h.PutGroup(ctx, boss, portal.PolicyGroup{Name: "Sales"}); err != nil {
		t.Fatal(err)
	}
	many := make([]portal.Address, maxMembers+1)
	for _, c := range []struct {
		group   portal.PolicyGroup
		meaning error
		key     string
	}{
		{portal.PolicyGroup{}, portal.ErrInvalid, "policy.group-name"},
		{portal.PolicyGroup{Name: strings.Repeat("x", 65)}, portal.ErrInvalid, "policy.group-name"},
		{portal.PolicyGroup{Name: "a\x00b"}, portal.ErrInvalid, "policy.group-name"},
		{portal.PolicyGroup{Name: "SALES"}, portal.ErrInvalid, "policy.group-twice"},
		{portal.PolicyGroup{Name: "A", Rank: -1}, portal.ErrInvalid, "policy.group-rank"},
		{portal.PolicyGroup{Name: "A", Members: []portal.Address{"nobody"}}, portal.ErrInvalid, "policy.group-member"},
		{portal.PolicyGroup{Name: "A", Members: many}, portal.ErrInvalid, "policy.group-size"},
		{portal.PolicyGroup{Name: "A", Departments: []string{" "}}, portal.ErrInvalid, "policy.group-department"},
		{portal.PolicyGroup{Name: "A", ID: "gone"}, portal.ErrNotFound, "policy.no-group"},
		{portal.PolicyGroup{Name: "A", ID: "<script>"}, portal.ErrNotFound, "policy.no-group"},
	} {
		_, err := h.PutGroup(ctx, boss, c.group)
		refusedWith(t, err, c.meaning, c.key)
	}
}

// TestWithoutStorage: what is not stored does not hold and is not told; what holds goes on holding.
func TestWithoutStorage(t *testing.T) {
	ctx := t.Context()
	h := build(t, newMemory(), nil, nil)
	must(t, h.SetRule(ctx, boss, everyone(portal.DisableIM, "on")))
	h.news()
	h.store.breakAfter(0)
	for what, err := range map[string]error{
		"set": h.SetRule(ctx, boss, everyone(portal.DisableIM, "off")), "drop": h.DropRule(ctx, boss, everyone(portal.DisableIM, "")),
		"upload": h.UploadCustomStates(ctx, boss, fourStates(t)), "origin": h.AllowOrigin(ctx, boss, "https://a.example.test"), "load": h.Load(ctx),
	} {
		if !errors.Is(err, errAway) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if !h.InForce(ann).DisableIM || h.States(ann) != nil || h.Allowed("https://a.example.test") {
		t.Error("what was not stored holds")
	}
	h.expect(t, "nothing stored")

	early := New(h.store, nil, Options{})
	if in := early.InForce(ann); !in.EnableAppearOffline || in.DisableIM {
		t.Errorf("before anything was read: %+v", in)
	}
	_, err := early.Effective(ctx, ann)
	refusedWith(t, err, portal.ErrUnavailable, "policy.loading")
	refusedWith(t, early.SetRule(ctx, boss, everyone(portal.DisableIM, "on")), portal.ErrUnavailable, "policy.loading")
	h.store.breakAfter(-1)
	must(t, early.Load(ctx))
	if !early.InForce(ann).DisableIM {
		t.Error("what was read does not hold")
	}
}

func TestConfiguration(t *testing.T) {
	ctx := t.Context()
	h := build(t, newMemory(), nil, nil)
	h.conf[portal.DisableSavingIM], h.conf[portal.MaxFileSize] = "true", "25"
	must(t, h.Load(ctx))
	h.expect(t, "another configuration", "all [DisableSavingIM MaxFileSize]")
	decided, err := h.Effective(ctx, ann)
	must(t, err)
	i := slices.IndexFunc(decided, func(d portal.Decision) bool { return d.Name == portal.MaxFileSize })
	if decided[i].Value != "25MB" || decided[i].From.Kind != portal.ScopeConfiguration || h.InForce(ann).MaxFileSize != 25_000_000 || !h.InForce("").DisableSavingIM {
		t.Errorf("%+v %+v", decided[i], h.InForce(ann))
	}
}

// TestManyAtOnce: those who ask are not in the way of those who change, nor the other way round.
func TestManyAtOnce(t *testing.T) {
	ctx := t.Context()
	h := build(t, newMemory(), nil, nil)
	var crew sync.WaitGroup
	for n := range 4 {
		crew.Go(func() {
			who := portal.Address(fmt.Sprintf("sip:p%d@example.test", n))
			for i := range 25 {
				if err := h.SetRule(ctx, boss, ofPerson(portal.DisableIM, who, []string{"on", "off"}[i%2])); err != nil {
					t.Error(err)
				}
			}
		})
		crew.Go(func() {
			for range 500 {
				h.InForce(ann)
				h.States(ann)
				h.Allowed("https://a.example.test")
			}
		})
	}
	crew.Wait()
	if rules, err := h.Rules(ctx); err != nil || len(rules) != 4 || len(h.store.record) != 100 || len(h.news()) != 100 {
		t.Errorf("%d rules, %d lines, %v", len(rules), len(h.store.record), err)
	}
	// Whoever waits for a turn waits no longer than they like.
	must(t, h.enter(ctx))
	hasty, cancel := context.WithCancel(ctx)
	cancel()
	refusedWith(t, h.SetRule(hasty, boss, everyone(portal.DisableIM, "on")), portal.ErrUnavailable, "policy.busy")
	h.leave()
}

func TestOrigins(t *testing.T) {
	ctx := t.Context()
	h := build(t, newMemory(), nil, nil)
	must(t, h.AllowOrigin(ctx, boss, " HTTPS://Intranet.Example.Test:443/ "))
	must(t, h.AllowOrigin(ctx, boss, "https://intranet.example.test"))
	must(t, h.AllowOrigin(ctx, boss, "http://[::1]:8080"))
	for origin, want := range map[string]bool{
		"https://intranet.example.test": true, "https://INTRANET.example.test": true, "https://intranet.example.test:443": true, "http://[::1]:8080": true,
		"http://intranet.example.test": false, "https://intranet.example.test:8443": false, "https://evil.example": false, "null": false, "": false,
		"https://intranet.example.test.evil.example": false, "https://x@intranet.example.test": false,
	} {
		if got := h.Allowed(origin); got != want {
			t.Errorf("%q allowed: %v", origin, got)
		}
	}
	for _, bad := range []string{"", "null", "*", "https://*.example.test", "ftp://a.example.test", "https://a.example.test/page", "https://a.example.test?x",
		"https://u:p@a.example.test", "https://", "https://a.example.test:0", "https://a.example.test:99999", "javascript:alert(1)", "https://a b", strings.Repeat("a", 400)} {
		refusedWith(t, h.AllowOrigin(ctx, boss, bad), portal.ErrInvalid, "policy.origin")
	}
	list, err := h.Origins(ctx)
	must(t, err)
	if len(list) != 2 || list[0].Origin != "http://[::1]:8080" || list[1].By != boss {
		t.Errorf("%+v", list)
	}
	must(t, h.RefuseOrigin(ctx, boss, "https://intranet.example.test/"))
	must(t, h.RefuseOrigin(ctx, boss, "https://intranet.example.test/"))
	if h.Allowed("https://intranet.example.test") || len(h.store.origins) != 1 || len(h.store.record) != 3 {
		t.Errorf("refused: %+v, %+v", h.store.origins, h.store.record)
	}
}
