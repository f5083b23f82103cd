package storage_test

import (
	"fmt"
	"testing"
	"time"

	"portico/app/portal"
	"portico/storage"
)

// TestSweepTakenUpAgain: copies of a forgotten mailbox that a stop left behind are nobody's, and the upkeep takes them away.
func TestSweepTakenUpAgain(t *testing.T) {
	s, _ := running(t, storage.Options{UpkeepEvery: time.Hour})
	ctx := t.Context()
	intake := func(box portal.Address, n int) {
		in := portal.SyncIntake{Cursor: portal.SyncCursor{Source: string(box)}}
		for i := range n {
			it := portal.SyncItem{Mailbox: box, Entry: portal.Entry{RemoteID: fmt.Sprint(i)}}
			it.Entry.UID = "uid"
			in.Items = append(in.Items, it)
		}
		must(t, s.SaveSyncIntake(ctx, in))
	}
	intake(alice, 560)
	intake(bob, 1)
	// As far as the first step of DropSyncMailbox goes.
	must(t, storage.Exec(ctx, s, `INSERT INTO sync_dropped (mailbox) SELECT id FROM sync_cursors WHERE source = ?`, string(alice)))
	must(t, storage.Exec(ctx, s, `DELETE FROM sync_cursors WHERE source = ?`, string(alice)))
	if list, err := s.SyncItemsByUID(ctx, "uid"); err != nil || len(list) != 1 || list[0].Mailbox != bob {
		t.Errorf("%d copies, %v", len(list), err)
	}
	intake(alice, 2)
	must(t, storage.Prune(ctx, s))
	for query, want := range map[string]string{`SELECT COUNT(*) FROM sync_items`: "3", `SELECT COUNT(*) FROM sync_dropped`: "0"} {
		if got, err := storage.Ask(ctx, s, query); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", query, got, err, want)
		}
	}
}
