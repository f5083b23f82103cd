package storage_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"portico/app/portal"
	"portico/storage"
)

const (
	carol    = portal.Address("sip:carol@example.test")
	roomPlan = portal.Address("sip:plan@rooms.example.test")
)

// morning is when the tests' people begin to talk.
func morning() time.Time { return time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC) }

// hear stores what from said to alice in the conversation with peer.
func hear(t *testing.T, s *storage.Store, peer, from portal.Address, at time.Time, text string) portal.Message {
	t.Helper()
	id := fmt.Sprintf("%s %s %d", from, text, at.UnixNano())
	m, _, err := s.AddMessage(t.Context(), portal.Message{Owner: alice, Conversation: peer, From: from, ID: id, Text: text, At: at, State: portal.Received})
	must(t, err)
	return m
}

func episodes(t *testing.T, s *storage.Store, spans []portal.RoomSpan, q portal.HistoryQuery) []portal.Episode {
	t.Helper()
	var all []portal.Episode
	for {
		eps, next, err := s.Episodes(t.Context(), alice, spans, q)
		must(t, err)
		all = append(all, eps...)
		if next == "" {
			return all
		}
		q.Cursor = next
	}
}

// holds are the texts of each episode, newest first.
func holds(t *testing.T, s *storage.Store, eps []portal.Episode) []string {
	t.Helper()
	var all []string
	for _, e := range eps {
		lines, err := s.Lines(t.Context(), e, 0, 0)
		must(t, err)
		var texts []string
		for _, l := range lines {
			texts = append(texts, l.Text)
		}
		all = append(all, strings.Join(texts, " "))
	}
	return all
}

func wantHolds(t *testing.T, s *storage.Store, eps []portal.Episode, want ...string) {
	t.Helper()
	if got := holds(t, s, eps); !slices.Equal(got, want) {
		t.Errorf("episodes hold %q, want %q", got, want)
	}
}

func TestEpisodes(t *testing.T) {
	s, _ := running(t, storage.Options{})
	at := morning()
	hear(t, s, bob, bob, at, "a")
	hear(t, s, bob, bob, at.Add(30*time.Minute), "b")
	hear(t, s, bob, bob, at.Add(60*time.Minute+time.Nanosecond), "c")
	hear(t, s, carol, carol, at.Add(40*time.Minute), "d")
	eps := episodes(t, s, nil, portal.HistoryQuery{})
	wantHolds(t, s, eps, "c", "d", "a b")
	e := eps[2]
	if e.Owner != alice || e.Kind != portal.EpisodeIM || e.Conversation != bob || e.Subject != "a" || e.Messages != 2 ||
		!e.Start.Equal(at) || !e.End.Equal(at.Add(30*time.Minute)) || !e.Missed || e.Kept != portal.KeptWaiting || !slices.Equal(e.With, []portal.Address{bob}) {
		t.Errorf("episode %+v", e)
	}
	same, err := s.Episode(t.Context(), alice, nil, e.ID)
	must(t, err)
	if fmt.Sprint(same) != fmt.Sprint(e) {
		t.Errorf("by its id it is %+v, in the list %+v", same, e)
	}
	for _, id := range []string{"", "e", "e0", "r1", "e-1", "E1", "ezzz", "x1", "e1 "} {
		_, err := s.Episode(t.Context(), alice, nil, id)
		wantReason(t, err, portal.ErrNotFound, "history.not-found")
	}
	_, err = s.Episode(t.Context(), bob, nil, e.ID)
	wantReason(t, err, portal.ErrNotFound, "history.not-found")
	_, err = s.MarkRead(t.Context(), alice, bob, 0)
	must(t, err)
	if e := episodes(t, s, nil, portal.HistoryQuery{Peer: bob})[0]; e.Missed {
		t.Errorf("read, and still missed: %+v", e)
	}
	up, next, err := s.EpisodesUp(t.Context(), alice, nil, portal.HistoryQuery{Limit: 2}, false)
	must(t, err)
	wantHolds(t, s, up, "a b", "d")
	up, next, err = s.EpisodesUp(t.Context(), alice, nil, portal.HistoryQuery{Limit: 2, Cursor: next}, false)
	must(t, err)
	wantHolds(t, s, up, "c")
	if next != "" {
		t.Errorf("there is a page after the last: %s", next)
	}
}

// TestLate: what arrives late joins the episode in which it was said, or begins one in the past.
func TestLate(t *testing.T) {
	s, _ := running(t, storage.Options{})
	at := morning()
	hear(t, s, bob, bob, at.Add(5*time.Hour), "new")
	hear(t, s, bob, bob, at, "old")
	hear(t, s, bob, bob, at.Add(10*time.Minute), "older's answer")
	hear(t, s, bob, bob, at.Add(-20*time.Minute), "before")
	hear(t, s, bob, bob, at.Add(2*time.Hour), "between")
	hear(t, s, bob, bob, at.Add(5*time.Hour+time.Minute), "newest")
	hear(t, s, bob, bob, at.AddDate(50, 0, 0), "from a wrong clock")
	hear(t, s, bob, bob, at.Add(5*time.Hour+2*time.Minute), "on")
	eps := episodes(t, s, nil, portal.HistoryQuery{})
	wantHolds(t, s, eps, "from a wrong clock", "new newest on", "between", "old older's answer before")
	if e := eps[3]; !e.Start.Equal(at.Add(-20*time.Minute)) || !e.End.Equal(at.Add(10*time.Minute)) || e.First >= e.Last {
		t.Errorf("episode %+v", e)
	}
}

// TestFull: an episode is bounded, also when many messages have the same time.
func TestFull(t *testing.T) {
	s, _ := running(t, storage.Options{})
	for i := range 1203 {
		hear(t, s, bob, bob, morning(), fmt.Sprint(i))
	}
	eps := episodes(t, s, nil, portal.HistoryQuery{})
	total := 0
	for _, e := range eps {
		total += e.Messages
		if e.Messages > 500 {
			t.Errorf("%d messages in one episode", e.Messages)
		}
	}
	if total != 1203 || len(eps) != 3 {
		t.Errorf("%d messages in %d episodes", total, len(eps))
	}
	hits, _, err := s.Search(t.Context(), alice, nil, portal.HistoryQuery{Q: "1202"})
	must(t, err)
	if len(hits) != 1 || hits[0].Episode != eps[0].ID {
		t.Errorf("found %+v", hits)
	}
}

// TestServerRoom: a conversation in which somebody else speaks is a room of the SIP server, from its first episode on.
func TestServerRoom(t *testing.T) {
	s, _ := running(t, storage.Options{})
	imc := portal.Address("sip:chat-1@example.test")
	hear(t, s, imc, imc, morning(), "welcome")
	hear(t, s, imc, carol, morning().Add(2*time.Hour), "hello")
	hear(t, s, imc, imc, morning().Add(4*time.Hour), "bye all")
	hear(t, s, bob, bob, morning(), "hello")
	wantHolds(t, s, episodes(t, s, nil, portal.HistoryQuery{Kind: portal.EpisodeRoom}), "bye all", "hello", "welcome")
	wantHolds(t, s, episodes(t, s, nil, portal.HistoryQuery{Kind: portal.EpisodeIM}), "hello")
	wantHolds(t, s, episodes(t, s, nil, portal.HistoryQuery{Kind: portal.EpisodeGroup}))
	wantHolds(t, s, episodes(t, s, nil, portal.HistoryQuery{Kind: portal.EpisodeIM, Peer: imc}))
	wantHolds(t, s, episodes(t, s, nil, portal.HistoryQuery{Kind: portal.EpisodeRoom, Peer: imc, From: morning().Add(time.Hour)}), "bye all", "hello")
	for kind, want := range map[portal.EpisodeKind]portal.Address{portal.EpisodeIM: bob, portal.EpisodeRoom: imc} {
		hits, _, err := s.Search(t.Context(), alice, nil, portal.HistoryQuery{Q: "hello", Kind: kind})
		must(t, err)
		if len(hits) != 1 || hits[0].Conversation != want {
			t.Errorf("%s: found %+v", kind, hits)
		}
	}
}

// plan makes a room of alice and bob in which something is said every so often.
func plan(t *testing.T, s *storage.Store, kind portal.RoomKind, said ...time.Duration) {
	t.Helper()
	members := []portal.Membership{{Room: roomPlan, Who: alice, Role: portal.RoleManager, Notify: portal.NotifyAll, First: 1, JoinedAt: morning()},
		{Room: roomPlan, Who: bob, Role: portal.RoleMember, Notify: portal.NotifyAll, First: 1, JoinedAt: morning()}}
	must(t, s.CreateRoom(t.Context(), portal.Room{URI: roomPlan, Name: "plan", Kind: kind, Access: portal.RoomClosed, Members: 2, CreatedAt: morning()}, members))
	for i, d := range said {
		_, _, err := s.AddRoomMessage(t.Context(), portal.RoomMessage{Room: roomPlan, ID: fmt.Sprint(i), From: bob, Text: fmt.Sprintf("r%d", i), At: morning().Add(d)}, nil)
		must(t, err)
	}
}

// TestRoomEpisodes: a room has one set for all; each sees it from where they may read on, and hides it for themselves.
func TestRoomEpisodes(t *testing.T) {
	s, _ := running(t, storage.Options{})
	plan(t, s, portal.LastingRoom, 0, time.Minute, time.Hour, 2*time.Hour, 2*time.Hour+time.Minute)
	hear(t, s, bob, bob, morning().Add(time.Hour+time.Minute), "own")
	spans := []portal.RoomSpan{{Room: roomPlan, First: 2}, {Room: "sip:gone@rooms.example.test", First: 1}}
	eps := episodes(t, s, spans, portal.HistoryQuery{})
	wantHolds(t, s, eps, "r3 r4", "own", "r2", "r1")
	if e := eps[3]; e.Kind != portal.EpisodeRoom || e.Conversation != roomPlan || e.Messages != 1 || e.First != 2 || e.Subject != "r1" || !e.Start.Equal(morning().Add(time.Minute)) {
		t.Errorf("episode %+v", e)
	}
	for limit := 1; limit < 5; limit++ {
		wantHolds(t, s, episodes(t, s, spans, portal.HistoryQuery{Limit: limit}), "r3 r4", "own", "r2", "r1")
	}
	wantHolds(t, s, episodes(t, s, spans, portal.HistoryQuery{Peer: roomPlan, To: morning().Add(2 * time.Hour)}), "r2", "r1")
	wantHolds(t, s, episodes(t, s, spans, portal.HistoryQuery{Kind: portal.EpisodeRoom, From: morning().Add(time.Hour)}), "r3 r4", "r2")
	wantHolds(t, s, episodes(t, s, spans, portal.HistoryQuery{Kind: portal.EpisodeIM}), "own")
	wantHolds(t, s, episodes(t, s, spans, portal.HistoryQuery{Kind: portal.EpisodeGroup}))
	must(t, s.DeleteEpisode(t.Context(), alice, eps[2].ID))
	wantHolds(t, s, episodes(t, s, spans, portal.HistoryQuery{}), "r3 r4", "own", "r1")
	_, err := s.Episode(t.Context(), alice, spans, eps[2].ID)
	wantReason(t, err, portal.ErrNotFound, "history.not-found")
	if e, err := s.Episode(t.Context(), bob, spans, eps[2].ID); err != nil || e.Owner != bob {
		t.Errorf("bob's is gone too: %v", err)
	}
	_, err = s.Episode(t.Context(), alice, nil, eps[0].ID)
	wantReason(t, err, portal.ErrNotFound, "history.not-found")
	if due, err := s.DueNotes(t.Context(), time.Now().Add(time.Hour), 10); err != nil || len(due) != 1 || due[0].Conversation != bob {
		t.Errorf("due are %+v, %v", due, err)
	}
	hits, _, err := s.Search(t.Context(), alice, spans, portal.HistoryQuery{Q: "r3"})
	must(t, err)
	if len(hits) != 1 || hits[0].Episode != eps[0].ID || !hits[0].Room || hits[0].Order != 4 {
		t.Errorf("found %+v", hits)
	}
}

// TestGroupNotes: a small group's episodes are written to its members' mailboxes, each from where they may read on.
func TestGroupNotes(t *testing.T) {
	s, _ := running(t, storage.Options{})
	plan(t, s, portal.GroupRoom, 0, time.Minute)
	due, err := s.DueNotes(t.Context(), time.Now().Add(time.Hour), 10)
	must(t, err)
	var who []portal.Address
	for _, n := range due {
		who = append(who, n.Owner)
		wantHolds(t, s, []portal.Episode{n.Episode}, "r0 r1")
		if n.Kind != portal.EpisodeGroup || n.Conversation != roomPlan {
			t.Errorf("note %+v", n)
		}
		must(t, s.NoteWritten(t.Context(), n, "item", "key"))
	}
	if slices.Sort(who); !slices.Equal(who, []portal.Address{alice, bob}) {
		t.Errorf("due for %v", who)
	}
	if e := episodes(t, s, []portal.RoomSpan{{Room: roomPlan, First: 1}}, portal.HistoryQuery{})[0]; e.Kept != portal.KeptThere {
		t.Errorf("episode %+v", e)
	}
	must(t, s.DropMember(t.Context(), roomPlan, bob))
	_, _, err = s.AddRoomMessage(t.Context(), portal.RoomMessage{Room: roomPlan, ID: "x", From: alice, Text: "alone", At: morning().Add(2 * time.Minute)}, nil)
	must(t, err)
	due, err = s.DueNotes(t.Context(), time.Now().Add(time.Hour), 10)
	must(t, err)
	if len(due) != 1 || due[0].Owner != alice || due[0].ItemID != "item" {
		t.Errorf("due are %+v", due)
	}
}

// TestDays: messages are counted by the day of the zone in which is asked, whole episodes and those over midnight alike.
func TestDays(t *testing.T) {
	s, _ := running(t, storage.Options{})
	berlin, err := time.LoadLocation("Europe/Berlin")
	must(t, err)
	day := time.Date(2026, 3, 2, 0, 0, 0, 0, berlin)
	want := map[string]int{}
	for i := range 200 {
		at := day.Add(time.Duration(i) * 23 * time.Minute)
		hear(t, s, bob, bob, at, "x")
		want[at.Format(time.DateOnly)]++
	}
	got, err := s.Days(t.Context(), alice, nil, day, day.AddDate(0, 0, 10), berlin)
	must(t, err)
	if !maps.Equal(got, want) {
		t.Errorf("days %v, want %v", got, want)
	}
	plan(t, s, portal.LastingRoom, 0, time.Minute, 15*time.Hour+50*time.Minute, 16*time.Hour+10*time.Minute)
	got, err = s.Days(t.Context(), alice, []portal.RoomSpan{{Room: roomPlan, First: 2}}, day, day.AddDate(0, 0, 10), time.FixedZone("", 0))
	must(t, err)
	utc := map[string]int{}
	for i := range 200 {
		utc[day.Add(time.Duration(i)*23*time.Minute).UTC().Format(time.DateOnly)]++
	}
	utc["2026-03-02"] += 2 // the room's first is not theirs
	utc["2026-03-03"]++
	if !maps.Equal(got, utc) {
		t.Errorf("days %v, want %v", got, utc)
	}
	got, err = s.Days(t.Context(), alice, nil, day.AddDate(0, 0, 1), day.AddDate(0, 0, 2), berlin)
	must(t, err)
	if len(got) != 1 || got["2026-03-03"] != want["2026-03-03"] {
		t.Errorf("one day: %v", got)
	}
}

// eventually waits for a state that comes by itself.
func eventually(t *testing.T, what string, reached func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	late := time.After(time.Minute)
	for !reached() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("not reached: %s", what)
		}
	}
}

// TestFillOlder: what an older program stored is taken up in the background, also when that is broken off; meanwhile nothing wrong is said.
func TestFillOlder(t *testing.T) {
	s, path := running(t, storage.Options{})
	for i := range 230 {
		hear(t, s, bob, bob, morning().Add(time.Duration(i*i)*time.Second), fmt.Sprintf("older %d", i))
	}
	want := holds(t, s, episodes(t, s, nil, portal.HistoryQuery{}))
	for _, query := range []string{`DELETE FROM history_lines`, `DELETE FROM history_episodes`, `DELETE FROM history_moments`, `DELETE FROM history_notes`,
		`DELETE FROM history_words`, `DELETE FROM history_owners`, `DELETE FROM history_peers`, `UPDATE messages SET episode = 0, moment = 0`,
		`UPDATE history_fill SET next = (SELECT MAX(ord) FROM messages)`} {
		must(t, storage.Exec(t.Context(), s, query))
	}
	more, err := storage.FillSome(t.Context(), s)
	must(t, err)
	if !more {
		t.Fatal("one slice was all")
	}
	hear(t, s, bob, bob, morning().Add(time.Duration(229*229+1)*time.Second), "newer")
	hits, _, err := s.Search(t.Context(), alice, nil, portal.HistoryQuery{Q: "older"})
	must(t, err)
	if len(hits) != 50 {
		t.Errorf("%d found after one slice, want 50", len(hits))
	}
	// Another program's life goes on with it by itself.
	second, err := storage.Open(t.Context(), storage.Options{DSN: "sqlite:" + path})
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- second.Run(ctx) }()
	eventually(t, "all is indexed", func() bool {
		hits, _, err := second.Search(t.Context(), alice, nil, portal.HistoryQuery{Q: "older", Limit: 200})
		must(t, err)
		all, _, err := second.Search(t.Context(), alice, nil, portal.HistoryQuery{Q: "older 0"})
		must(t, err)
		return len(hits) == 200 && len(all) > 0
	})
	want[0] += " newer"
	wantHolds(t, second, episodes(t, second, nil, portal.HistoryQuery{}), want...)
	if due, err := second.DueNotes(t.Context(), time.Now().Add(time.Hour), 10); err != nil || len(due) != 1 {
		t.Errorf("due are %+v, %v; want only what was said now", due, err)
	}
	must(t, storage.Sound(second))
	cancel()
	must(t, <-done)
	must(t, second.Close())
}
