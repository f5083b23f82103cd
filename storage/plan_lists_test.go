package storage_test

import (
	"testing"
	"time"

	"portico/app/portal"
	"portico/storage"
)

// everyListQuery calls what keeps lists, privacy, policies, incidents and books.
func everyListQuery(t *testing.T, s *storage.Store) {
	t.Helper()
	ctx, now := t.Context(), time.Now()
	line := []portal.PolicyChange{{What: "rule"}}
	event := portal.Addressed{For: []portal.Address{alice}, Event: portal.ContactsEvent{ID: carol}}
	policy := portal.PolicyRule{Name: "n", Scope: portal.PolicyScope{Kind: portal.ScopeEveryone}}
	put := portal.ContactsChange{Put: []portal.Contact{{URI: carol, Groups: []string{"A", "B"}, Tagged: true}}}
	again := portal.ContactsChange{Rename: map[string]string{"A": "C"}, RemoveGroups: []string{"B"}, PutGroups: []portal.ContactGroup{{Name: "C", Rank: 1}},
		Put: []portal.Contact{{URI: carol, Nickname: "x"}}}
	for i, call := range []func() error{
		func() error { return s.ChangeContacts(ctx, alice, put) },
		func() error { return s.ChangeContacts(ctx, alice, again) },
		func() error {
			return s.PutTie(ctx, portal.Tie{Owner: alice, With: carol, Relationship: portal.Team}, event)
		},
		func() error {
			return s.ChangeContacts(ctx, alice, portal.ContactsChange{Remove: []portal.Address{carol}})
		},
		func() error {
			return s.PutTie(ctx, portal.Tie{Owner: alice, With: carol, Relationship: portal.Blocked}, event)
		},
		func() error { return s.DropTie(ctx, alice, carol) },
		func() error { _, err := s.ContactGroups(ctx, alice); return err },
		func() error { _, err := s.Tagged(ctx, alice); return err },
		func() error { _, err := s.Recents(ctx, alice, 10); return err },
		func() error { return s.SaveRoster(ctx, alice, "e", []byte("x")) },
		func() error { _, _, err := s.Roster(ctx, alice); return err },
		func() error { _, _, err := s.Privacy(ctx, alice); return err },
		func() error { return s.SavePrivacy(ctx, alice, portal.Privacy{}) },
		func() error { _, err := s.Relationship(ctx, alice, carol); return ignore(err, portal.ErrNotFound) },
		func() error { _, err := s.Admirers(ctx, alice, 10); return err },
		func() error { _, err := s.Known(ctx, alice); return err },
		func() error { return s.Acknowledge(ctx, alice, []portal.Address{bob}) },
		func() error {
			return s.ChangePolicies(ctx, portal.PoliciesChange{Drop: []portal.PolicyRule{policy}, Put: []portal.PolicyRule{policy},
				PutGroups: []portal.PolicyGroup{{ID: "g"}}, DropGroups: []string{"g"}, Record: line})
		},
		func() error { _, err := s.PolicyRules(ctx); return err },
		func() error { _, err := s.PolicyGroups(ctx); return err },
		func() error { _, err := s.PolicyChanges(ctx, 0, 0); return err },
		func() error { return s.SaveCustomStates(ctx, portal.CustomStates{}, line) },
		func() error { _, err := s.CustomStates(ctx); return err },
		func() error { return s.DropCustomStates(ctx, "", line) },
		func() error { return s.PutOrigin(ctx, portal.Origin{Origin: "o"}, line) },
		func() error { _, err := s.Origins(ctx); return err },
		func() error { return s.DropOrigin(ctx, "o", line) },
		func() error { _, err := s.Drafts(ctx, alice); return err },
		func() error { _, err := s.Draft(ctx, alice, bob); return err },
		func() error {
			_, err := s.SaveDraft(ctx, alice, portal.Draft{Conversation: bob, Text: "x", At: now})
			return err
		},
		func() error { _, err := s.Place(ctx, alice); return err },
		func() error {
			return s.SavePlaces(ctx, map[portal.Address]portal.LastPlace{alice: {Path: "/", At: now}, bob: {At: now}})
		},
		func() error { return s.AddIncident(ctx, portal.Incident{Who: alice, Part: "p", Cause: "c"}) },
		func() error { return s.AddIncident(ctx, portal.Incident{Who: alice, Part: "p", Cause: "c"}) },
		func() error { return s.AddIncident(ctx, portal.Incident{Who: alice, Part: "q", Cause: "c"}) },
		func() error { _, err := s.Incidents(ctx, alice, 0, 0); return err },
		func() error { _, err := s.Incidents(ctx, "", 0, 0); return err },
		func() error { return s.DropIncidents(ctx, now.Add(-time.Hour), 1) },
		func() error { return s.AddAudited(ctx, portal.Audited{Kind: "k", Result: "done", By: alice}) },
		func() error { _, err := s.Audited(ctx, portal.AuditQuery{}); return err },
		func() error { _, err := s.Audited(ctx, portal.AuditQuery{Kind: "k", Before: 1}); return err },
		func() error { _, err := s.Audited(ctx, portal.AuditQuery{Who: alice}); return err },
		func() error { return s.DropAudited(ctx, now.Add(-time.Hour)) },
		func() error { return s.SaveBook(ctx, "gal", []portal.Person{{URI: alice}}, now) },
		func() error { return s.SaveBook(ctx, "gal", []portal.Person{{URI: bob}}, now) },
		func() error { _, _, err := s.Book(ctx, "gal"); return err },
	} {
		if err := call(); err != nil {
			t.Errorf("call %d: %v", i, err)
		}
	}
}
