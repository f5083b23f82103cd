package storage_test

import (
	"testing"
	"time"

	"portico/app/portal"
	"portico/storage"
)

// everyHistoryQuery calls what keeps the history.
func everyHistoryQuery(t *testing.T, s *storage.Store) {
	t.Helper()
	ctx, now := t.Context(), time.Now()
	room := portal.Address("sip:plans@rooms.example.test")
	spans := []portal.RoomSpan{{Room: room, First: 1}}
	must(t, s.CreateRoom(ctx, portal.Room{URI: room, Name: "plans", Kind: portal.GroupRoom, Access: portal.RoomClosed, Members: 1, CreatedAt: now},
		[]portal.Membership{{Room: room, Who: alice, Role: portal.RoleManager, Notify: portal.NotifyAll, First: 1, JoinedAt: now}}))
	_, _, err := s.AddRoomMessage(ctx, portal.RoomMessage{Room: room, ID: "h", From: alice, Text: "history", At: now}, nil)
	must(t, err)
	m := message("history")
	m.Conversation, m.From, m.Text = room+".imc", bob, "history" // a room of the server: somebody else says it
	_, _, err = s.AddMessage(ctx, m)
	must(t, err)
	all, _, err := s.Episodes(ctx, alice, spans, portal.HistoryQuery{})
	must(t, err)
	if len(all) < 2 { // at least the two of above; older ones may have been pruned by now
		t.Fatalf("%d episodes", len(all))
	}
	due, err := s.DueNotes(ctx, now.Add(time.Hour), 10)
	must(t, err)
	if len(due) == 0 {
		t.Fatal("nothing is due")
	}
	for name, call := range map[string]func() error{
		"kinds": func() error {
			for _, kind := range []portal.EpisodeKind{portal.EpisodeIM, portal.EpisodeRoom, portal.EpisodeGroup} {
				q := portal.HistoryQuery{Kind: kind, Peer: m.Conversation, Q: "history"}
				if _, _, err := s.Episodes(ctx, alice, spans, q); err != nil {
					return err
				}
				if _, _, err := s.Search(ctx, alice, spans, q); err != nil {
					return err
				}
				q.Peer = ""
				if _, _, err := s.Search(ctx, alice, spans, q); err != nil {
					return err
				}
			}
			return nil
		},
		"up": func() error { _, _, err := s.EpisodesUp(ctx, alice, spans, portal.HistoryQuery{}, true); return err },
		"peer up": func() error {
			_, _, err := s.EpisodesUp(ctx, alice, spans, portal.HistoryQuery{Peer: bob}, true)
			return err
		},
		"days": func() error {
			_, err := s.Days(ctx, alice, spans, now.Add(-time.Hour), now.Add(-time.Nanosecond), time.UTC)
			return err
		},
		"lines": func() error {
			for _, e := range all {
				if _, err := s.Episode(ctx, alice, spans, e.ID); err != nil {
					return err
				}
				if _, err := s.Lines(ctx, e, 0, 10); err != nil {
					return err
				}
			}
			return nil
		},
		"begun":   func() error { return s.NoteBegun(ctx, due[0]) },
		"written": func() error { return s.NoteWritten(ctx, due[0], "i", "c") },
		"retried": func() error { return s.NoteFailed(ctx, due[0], "x", false, now) },
		"refused": func() error { return s.NoteFailed(ctx, due[0], "x", true, now) },
		"left":    func() error { return s.NoteFailed(ctx, due[0], "", true, now) },
		"gone":    func() error { n := due[0]; n.Gone = true; return s.NoteWritten(ctx, n, "", "") },
		"nothing": func() error { return s.KeepNothing(ctx, alice) },
		"stamps":  func() error { _, err := s.OwnStamps(ctx, alice, []string{"x"}); return err },
		"hold":    func() error { return s.PutHold(ctx, portal.Hold{Who: bob, By: alice, Reason: "x", At: now}) },
		"holds":   func() error { _, err := s.Holds(ctx); return err },
		"release": func() error { return ignore(s.DropHold(ctx, "sip:carol@example.test", alice, "x"), portal.ErrNotFound) },
		"export": func() error {
			n, err := s.LogExport(ctx, portal.HistoryExport{By: alice, Who: bob, What: portal.HistoryExported, Reason: "x"})
			if err != nil {
				return err
			}
			_, err = s.LogExport(ctx, portal.HistoryExport{Number: n, Messages: 3})
			return err
		},
		"exports": func() error { _, err := s.Exports(ctx, 10); return err },
	} {
		if err := call(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	must(t, s.PutHold(ctx, portal.Hold{Who: alice, By: alice, Reason: "x", At: now}))
	for _, e := range all {
		must(t, s.DeleteEpisode(ctx, alice, e.ID))
	}
}
