package account_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"portico/app/account"
	"portico/app/portal"
)

// A session that nobody uses ends before its lifetime does; being asked for, or a live connection, is use.
func TestUnusedSessionsEnd(t *testing.T) {
	var connected atomic.Pointer[map[string]bool]
	connected.Store(&map[string]bool{"k2": true})
	f := newOffice(t, account.Options{SessionLifetime: 12 * time.Hour, SessionIdle: time.Hour,
		InUse: func() map[string]bool { return *connected.Load() }})
	f.signIn("alice", "wonder", "k1")
	f.signIn("bob", "builder", "k2")
	living := func(key string) bool {
		t.Helper()
		_, err := f.Whose(t.Context(), key)
		if err != nil && !errors.Is(err, portal.ErrUnauthenticated) {
			t.Fatal(err)
		}
		return err == nil
	}
	for range 3 { // asked for again and again, it lives on
		f.clock.turn(50 * time.Minute)
		if !living("k1") || !living("k2") {
			t.Fatal("a session that is used has ended")
		}
	}
	f.clock.turn(time.Hour)
	if living("k1") {
		t.Error("a session that nobody has used for an hour lives")
	}
	if !living("k2") {
		t.Error("a session with a live connection has ended")
	}
	connected.Store(&map[string]bool{})
	f.clock.turn(time.Hour)
	f.run()
	f.happens("ended k1 alice idle")
	f.happens("ended k2 bob idle")
	f.happens("out bob")
	if all, err := f.Sessions(t.Context(), "sip:bob@example.test"); err != nil || len(all) != 0 {
		t.Errorf("listed %v, %v", all, err)
	}
}

// What is connected is noted while it is: the time without use begins when the connection ends.
func TestTheIdleTimeBeginsWithTheEndOfTheConnection(t *testing.T) {
	var connected atomic.Pointer[map[string]bool]
	connected.Store(&map[string]bool{"k1": true})
	var looked atomic.Int64
	f := newOffice(t, account.Options{SessionIdle: time.Hour, InUse: func() map[string]bool { looked.Add(1); return *connected.Load() }})
	f.signIn("alice", "wonder", "k1")
	f.run()
	f.clock.turn(3 * time.Hour)
	seen := looked.Load()
	eventually(t, "two rounds of the sweep", func() bool { return looked.Load() >= seen+2 })
	connected.Store(&map[string]bool{})
	f.clock.turn(59 * time.Minute)
	if _, err := f.Whose(t.Context(), "k1"); err != nil {
		t.Errorf("59 minutes after the connection: %v", err)
	}
}

func TestWithoutAnIdleTimeTheLifetimeCountsAlone(t *testing.T) {
	f := newOffice(t, account.Options{SessionLifetime: 12 * time.Hour})
	f.signIn("alice", "wonder", "k1")
	f.clock.turn(12*time.Hour - time.Second)
	if _, err := f.Whose(t.Context(), "k1"); err != nil {
		t.Errorf("a second before the end: %v", err)
	}
	f.clock.turn(time.Second)
	if _, err := f.Whose(t.Context(), "k1"); !errors.Is(err, portal.ErrUnauthenticated) {
		t.Errorf("at the end: %v", err)
	}
}
