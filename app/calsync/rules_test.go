package calsync_test

import (
	"testing"
	"testing/synctest"
	"time"

	"portico/app/calsync"
	"portico/app/portal"
)

func TestRulesAreNotTriedOnWhatIsPrivate(t *testing.T) {
	s, _, c, _ := still(t)
	rules := []byte(`[{"name":"Mark","on":true,"when":{},"do":{"subject":{"prefix":"[CRM] "}}}]`)
	open, private := draftOf(alice, "offer"), draftOf(alice, "secret")
	private.Private = true
	shown, err := s.PreviewRules(t.Context(), rules, portal.ToExchange, c.create(open).ID)
	if err != nil || shown.After["subject"] != "[CRM] offer" {
		t.Fatalf("tried on an open one: %+v, %v", shown, err)
	}
	id := c.create(private).ID
	if shown, err := s.PreviewRules(t.Context(), rules, portal.ToExchange, id); portal.Reason(err) != "sync.rules.private" || len(shown.Before) != 0 {
		t.Errorf("tried on a private one: %+v, %v", shown, err)
	}
}

// What became private in Outlook is not shown either while that has not come to CRM.
func TestRulesAreNotTriedOnWhatIsPrivateInOutlook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, stop := start(t, calsync.Options{})
		defer stop()
		r := l.c.create(draftOf(alice, "doctor x"))
		l.settle()
		st := calsync.StandardSettings()
		st.SyncUser, st.ToCRM = desk, false
		l.b.settings(st)
		touched := user(carol, false)
		touched.Since = time.Now()
		if _, err := l.c.PutUsers(t.Context(), []portal.CRMUser{touched}, "test"); err != nil { // the settings are read again with the users
			t.Fatal(err)
		}
		l.settle()
		if _, err := l.s.PreviewRules(t.Context(), []byte("[]"), portal.ToCRM, r.ID); err != nil {
			t.Fatalf("while it is open: %v", err)
		}
		yes, remote := true, l.x.all(alice, "doctor")[0].RemoteID
		l.x.user(func() { l.x.alter(alice, remote, portal.AppointmentChange{Private: &yes}, "", false, false) })
		time.Sleep(time.Minute)
		synctest.Wait()
		if l.c.get(r.ID).Private {
			t.Fatal("it came to CRM")
		}
		if shown, err := l.s.PreviewRules(t.Context(), []byte("[]"), portal.ToCRM, r.ID); portal.Reason(err) != "sync.rules.private" || len(shown.Before) != 0 {
			t.Errorf("tried on one that is private in Outlook: %+v, %v", shown, err)
		}
	})
}
