package storage_test

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"
	"time"

	"portico/app/portal"
	"portico/storage"
)

// The calls by which the queries of CRM, the synchronisation and the webhooks become known to the test of the plans.

// calls runs each call; what is not there, or no longer what it was, is no fault here.
func calls(t *testing.T, list map[string]func() error) {
	t.Helper()
	for name, call := range list {
		if err := ignore(ignore(call(), portal.ErrNotFound), portal.ErrConflict); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func everyCRMQuery(t *testing.T, s *storage.Store) {
	t.Helper()
	ctx, now := t.Context(), time.Now()
	a := portal.CRMAppointment{}
	a.ID, a.Calendar, a.People = "crm-1", alice, []string{"p1"}
	sum := sha256.Sum256([]byte("abc"))
	a.Kept = []portal.CRMFile{{Hash: hex.EncodeToString(sum[:])}}
	put := func(key string, a portal.CRMAppointment) error {
		_, err := s.PutCRMAppointments(ctx, key, []portal.CRMAppointment{a})
		return err
	}
	must(t, put("key", a))
	a.Revision = 1
	must(t, put("", a))
	must(t, s.PutCRMFile(ctx, a.Kept[0].Hash, []byte("abc")))
	company, person := portal.CRMCompany{ID: "c1", Name: "Company"}, portal.CRMPerson{ID: "p1", FirstName: "Person", Company: "c1"}
	_, err := s.PutCRMCompanies(ctx, "", []portal.CRMCompany{company}, "x")
	must(t, err)
	_, err = s.PutCRMPeople(ctx, "", []portal.CRMPerson{person, {ID: "p2"}}, "x")
	must(t, err)
	calls(t, map[string]func() error{
		"by id":      func() error { _, err := s.CRMAppointment(ctx, "crm-1"); return err },
		"by uid":     func() error { _, err := s.CRMAppointmentByUID(ctx, "u"); return err },
		"alike":      func() error { _, err := s.CRMAppointmentsAlike(ctx, alice, now, now, false); return err },
		"window":     func() error { _, err := s.CRMWindow(ctx, alice, now, now); return err },
		"of":         func() error { _, err := s.CRMAppointmentsOf(ctx, "p1", "", 1); return err },
		"file again": func() error { return s.PutCRMFile(ctx, a.Kept[0].Hash, []byte("abc")) },
		"file":       func() error { _, err := s.CRMFile(ctx, "h"); return err },
		"users":      func() error { _, err := s.CRMUsers(ctx); return err },
		"user":       func() error { _, err := s.CRMUser(ctx, alice); return err },
		"put user":   func() error { _, err := s.PutCRMUsers(ctx, "", []portal.CRMUser{{Address: alice}}, "x"); return err },
		"change user": func() error {
			_, err := s.PutCRMUsers(ctx, "", []portal.CRMUser{{Address: alice, Version: 1}}, "x")
			return err
		},
		"people":     func() error { _, err := s.CRMPeople(ctx, "", 1); return err },
		"head":       func() error { _, err := s.CRMPeople(ctx, "p", 1); return err },
		"word":       func() error { _, err := s.CRMPeople(ctx, "pers", 1); return err },
		"people ids": func() error { _, err := s.CRMPeopleByID(ctx, []string{"p1"}); return err },
		"companies":  func() error { _, err := s.CRMCompanies(ctx, "", 1); return err },
		"c head":     func() error { _, err := s.CRMCompanies(ctx, "c", 1); return err },
		"c word":     func() error { _, err := s.CRMCompanies(ctx, "comp", 1); return err },
		"c ids":      func() error { _, err := s.CRMCompaniesByID(ctx, []string{"c1"}); return err },
		"rename": func() error {
			company.Name, company.Version = "Other", 1
			_, err := s.PutCRMCompanies(ctx, "", []portal.CRMCompany{company}, "x")
			return err
		},
		"change person": func() error {
			_, err := s.PutCRMPeople(ctx, "", []portal.CRMPerson{{ID: "p2", Version: 1, LastName: "x"}}, "x")
			return err
		},
		"no person": func() error { return s.DeleteCRMPerson(ctx, "p2", 2, "x") },
		"changes":   func() error { _, err := s.CRMChanges(ctx, 0, 1); return err },
		"last":      func() error { _, err := s.LastCRMChange(ctx); return err },
		"prune":     func() error { return s.PruneCRMChanges(ctx, 2, now.Add(time.Hour)) },
	})
	must(t, func() error { _, err := s.CRMPeople(ctx, "", 1); return err }())
	calls(t, map[string]func() error{"no company": func() error { return s.DeleteCRMCompany(ctx, "c1", 2, "x") }})
}

func everySyncQuery(t *testing.T, s *storage.Store) {
	t.Helper()
	ctx, now := t.Context(), time.Now()
	it := portal.SyncItem{Mailbox: alice, Entry: portal.Entry{RemoteID: "r"}}
	job := portal.SyncJob{Key: "k", Direction: portal.ToCRM, Mailbox: alice}
	pair := portal.SyncPair{CRM: "crm-1", UID: "u"}
	line := portal.SyncTransaction{At: now, What: "update"}
	must(t, s.SaveSyncIntake(ctx, portal.SyncIntake{Cursor: portal.SyncCursor{Source: string(alice)}, Items: []portal.SyncItem{it}, Jobs: []portal.SyncJob{job}}))
	must(t, s.SaveSyncIntake(ctx, portal.SyncIntake{Cursor: portal.SyncCursor{Source: string(bob)}}))
	later := portal.SyncJob{Key: "l", Direction: portal.ToCRM, NotBefore: now}
	must(t, s.AddSyncJobs(ctx, []portal.SyncJob{later, {Key: "m", Direction: portal.ToCRM, NotBefore: now.Add(time.Hour)}}))
	due, err := s.DueSyncJobs(ctx, now, 9, 9)
	must(t, err)
	if len(due) != 2 {
		t.Fatalf("%d jobs are due", len(due))
	}
	must(t, s.EndSyncJob(ctx, portal.SyncOutcome{Job: &due[0], Again: &due[0], Pair: &pair, DropPair: "x", Items: []portal.SyncItem{it}, DropItems: []portal.SyncItem{it},
		Log: []portal.SyncTransaction{line}, Conflicts: []portal.SyncConflict{{ID: "c"}}}))
	pair.Version = 1
	must(t, s.EndSyncJob(ctx, portal.SyncOutcome{Job: &due[1], Pair: &pair, Items: []portal.SyncItem{{Mailbox: "sip:new@example.test", Entry: it.Entry}}}))
	calls(t, map[string]func() error{
		"cursor":      func() error { _, err := s.SyncCursor(ctx, string(alice)); return err },
		"cursors":     func() error { _, err := s.SyncCursors(ctx); return err },
		"by uid":      func() error { _, err := s.SyncItemsByUID(ctx, "u"); return err },
		"item":        func() error { _, err := s.SyncItem(ctx, alice, "r"); return err },
		"older":       func() error { _, err := s.SyncItemsOlder(ctx, alice, 1, 1); return err },
		"alike":       func() error { _, err := s.SyncItemsAlike(ctx, alice, now, now, false); return err },
		"count":       func() error { _, err := s.CountSyncItems(ctx, alice); return err },
		"drop":        func() error { return s.DropSyncMailbox(ctx, bob) },
		"pair":        func() error { _, err := s.SyncPairsOf(ctx, []string{"crm-1"}); return err },
		"pair by uid": func() error { _, err := s.SyncPairByUID(ctx, "u"); return err },
		"next":        func() error { _, err := s.NextSyncJob(ctx); return err },
		"jobs":        func() error { _, err := s.SyncJobs(ctx, portal.SyncQueueFilter{Text: "x"}); return err },
		"of mailbox":  func() error { _, err := s.SyncJobs(ctx, portal.SyncQueueFilter{Mailbox: alice}); return err },
		"in state":    func() error { _, err := s.SyncJobs(ctx, portal.SyncQueueFilter{State: portal.JobHeld}); return err },
		"count jobs":  func() error { _, err := s.CountSyncJobs(ctx); return err },
		"retry":       func() error { _, err := s.RetrySyncJobs(ctx, []int64{1}, line); return err },
		"retry all":   func() error { _, err := s.RetrySyncJobs(ctx, nil, line); return err },
		"release":     func() error { _, err := s.ReleaseSyncJobs(ctx, alice, line); return err },
		"discard":     func() error { return s.DiscardSyncJob(ctx, 99, line) },
		"log":         func() error { _, err := s.SyncLog(ctx, portal.SyncLogFilter{From: now, To: now}); return err },
		"log crm":     func() error { _, err := s.SyncLog(ctx, portal.SyncLogFilter{CRM: "crm-1"}); return err },
		"log mailbox": func() error { _, err := s.SyncLog(ctx, portal.SyncLogFilter{Mailbox: alice}); return err },
		"log result":  func() error { _, err := s.SyncLog(ctx, portal.SyncLogFilter{Result: "done"}); return err },
		"conflicts":   func() error { _, err := s.SyncConflicts(ctx, "", 1); return err },
		"of a record": func() error { _, err := s.SyncConflicts(ctx, "crm-1", 1); return err },
		"conflict":    func() error { _, err := s.SyncConflict(ctx, "c"); return err },
		"prune":       func() error { return s.PruneSync(ctx, now) },
		"blob":        func() error { _, _, err := s.SyncBlob(ctx, "x"); return err },
		"save blob":   func() error { return s.SaveSyncBlob(ctx, "x", nil, 0) },
		"change blob": func() error { return s.SaveSyncBlob(ctx, "x", nil, 1) },
	})
}

func everyHookQuery(t *testing.T, s *storage.Store) {
	t.Helper()
	ctx, now := t.Context(), time.Now()
	e, err := s.SaveHookEndpoint(ctx, portal.HookEndpoint{ID: "e", Active: true})
	must(t, err)
	must(t, s.TakeHookChanges(ctx, "e", 1, []portal.HookDelivery{{Key: "k"}, {Key: "k"}}))
	must(t, s.SaveHookDelivery(ctx, portal.HookDelivery{Seq: 1, State: portal.HookFailed}))
	must(t, s.SaveHookDelivery(ctx, portal.HookDelivery{Seq: 1, State: portal.HookWaiting})) // takes its place again
	calls(t, map[string]func() error{
		"take again": func() error { return s.TakeHookChanges(ctx, "e", 1, nil) },
		"change":     func() error { _, err := s.SaveHookEndpoint(ctx, e); return err },
		"endpoints":  func() error { _, err := s.HookEndpoints(ctx); return err },
		"endpoint":   func() error { _, err := s.HookEndpoint(ctx, "e"); return err },
		"due":        func() error { _, err := s.DueHookDeliveries(ctx, now, 1); return err },
		"next":       func() error { _, err := s.NextHookDelivery(ctx); return err },
		"delivery":   func() error { _, err := s.HookDelivery(ctx, 1); return err },
		"list":       func() error { _, err := s.HookDeliveries(ctx, "e", "", 0, 1); return err },
		"in a state": func() error { _, err := s.HookDeliveries(ctx, "e", portal.HookDone, 0, 1); return err },
		"prune":      func() error { return s.PruneHookDeliveries(ctx, now) },
	})
	must(t, s.DeleteHookEndpoint(ctx, "e"))
}
