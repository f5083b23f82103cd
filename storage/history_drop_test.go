package storage_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"portico/app/portal"
	"portico/storage"
)

// handClock goes when it is told to.
type handClock struct {
	mu sync.Mutex
	at time.Time
}

func (c *handClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *handClock) advance(d time.Duration) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
	return c.at
}

func TestDeleteEpisode(t *testing.T) {
	s, _ := running(t, storage.Options{})
	at := morning()
	hear(t, s, bob, bob, at, "a")
	hear(t, s, bob, bob, at.Add(time.Minute), "b")
	hear(t, s, bob, bob, at.Add(2*time.Hour), "c")
	pending := portal.Message{Owner: alice, Conversation: bob, From: alice, ID: "p", Text: "pending", At: at.Add(2*time.Hour + time.Minute), State: portal.Pending}
	_, _, err := s.AddMessage(t.Context(), pending)
	must(t, err)
	eps := episodes(t, s, nil, portal.HistoryQuery{})
	ring := portal.Addressed{For: []portal.Address{alice}, Event: portal.ContactsEvent{ID: bob}}
	must(t, s.DeleteEpisode(t.Context(), alice, eps[0].ID, ring))
	wantHolds(t, s, episodes(t, s, nil, portal.HistoryQuery{}), "pending", "a b")
	if list, err := s.Conversations(t.Context(), alice); err != nil || len(list) != 1 || list[0].Last.Text != "pending" || list[0].Unread != 2 {
		t.Errorf("conversations %+v, %v", list, err)
	}
	if evs, _, err := s.EventsSince(t.Context(), alice, 0, 10); err != nil || len(evs) != 1 {
		t.Errorf("events %+v, %v", evs, err)
	}
	if hits, _, err := s.Search(t.Context(), alice, nil, portal.HistoryQuery{Q: "c"}); err != nil || len(hits) != 0 {
		t.Errorf("found what was deleted: %+v, %v", hits, err)
	}
	wantReason(t, s.DeleteEpisode(t.Context(), alice, eps[0].ID), portal.ErrNotFound, "history.not-found")
	wantReason(t, s.DeleteEpisode(t.Context(), bob, eps[1].ID), portal.ErrNotFound, "history.not-found")
	wantReason(t, s.DeleteEpisode(t.Context(), alice, "nonsense"), portal.ErrNotFound, "history.not-found")
	wantReason(t, s.DeleteEpisode(t.Context(), alice, "r9"), portal.ErrNotFound, "history.not-found")
	_, err = s.SetMessageState(t.Context(), alice, alice, "p", portal.Delivered, "")
	must(t, err)
	for _, e := range episodes(t, s, nil, portal.HistoryQuery{}) {
		must(t, s.DeleteEpisode(t.Context(), alice, e.ID))
	}
	if list, err := s.Conversations(t.Context(), alice); err != nil || len(list) != 0 {
		t.Errorf("conversations %+v, %v", list, err)
	}
	again, created, err := s.AddMessage(t.Context(), pending)
	must(t, err)
	if !created || again.Order == 0 {
		t.Errorf("it could not be said again: %+v", again)
	}
	must(t, whole(t, s))
}

// TestHold: what somebody under hold deletes, and what is too old, is hidden and kept, and goes when the hold is lifted.
func TestHold(t *testing.T) {
	clock := &handClock{at: morning()}
	now := clock.now()
	s, _ := running(t, storage.Options{Retention: time.Hour, UpkeepEvery: time.Hour, Now: clock.now})
	hear(t, s, bob, bob, now, "a")
	hear(t, s, bob, bob, now, "b")
	wantReason(t, s.PutHold(t.Context(), portal.Hold{Who: alice, By: bob}), portal.ErrInvalid, "storage.invalid")
	hold := portal.Hold{Who: alice, By: bob, Reason: "lawsuit", At: now}
	must(t, s.PutHold(t.Context(), hold))
	if list, err := s.Holds(t.Context()); err != nil || !slices.Equal(list, []portal.Hold{hold}) {
		t.Errorf("holds %+v, %v", list, err)
	}
	e := episodes(t, s, nil, portal.HistoryQuery{})[0]
	must(t, s.DeleteEpisode(t.Context(), alice, e.ID))
	hear(t, s, bob, bob, now, "c")
	other := portal.Message{Owner: bob, Conversation: alice, From: alice, ID: "x", Text: "bob's", At: now, State: portal.Received}
	_, _, err := s.AddMessage(t.Context(), other)
	must(t, err)
	clock.advance(2 * time.Hour)
	must(t, storage.Prune(t.Context(), s))
	wantHolds(t, s, episodes(t, s, nil, portal.HistoryQuery{}), "c")
	if list, err := s.Messages(t.Context(), alice, bob, 0, 0); err != nil || len(list) != 1 {
		t.Errorf("messages %+v, %v", list, err)
	}
	if list, err := s.Messages(t.Context(), bob, alice, 0, 0); err != nil || len(list) != 0 {
		t.Errorf("bob is under no hold, and has %+v, %v", list, err)
	}
	_, err = s.Episode(t.Context(), alice, nil, e.ID)
	wantReason(t, err, portal.ErrNotFound, "history.not-found")
	held, _, err := s.EpisodesUp(t.Context(), alice, nil, portal.HistoryQuery{}, true)
	must(t, err)
	wantHolds(t, s, held, "a b", "c")
	seen, _, err := s.EpisodesUp(t.Context(), alice, nil, portal.HistoryQuery{}, false)
	must(t, err)
	wantHolds(t, s, seen, "c")
	must(t, s.DropHold(t.Context(), alice, bob, "settled"))
	wantReason(t, s.DropHold(t.Context(), alice, bob, "settled"), portal.ErrNotFound, "history.no-hold")
	wantReason(t, s.DropHold(t.Context(), alice, bob, ""), portal.ErrInvalid, "storage.invalid")
	must(t, storage.Prune(t.Context(), s))
	if held, _, err := s.EpisodesUp(t.Context(), alice, nil, portal.HistoryQuery{}, true); err != nil || len(held) != 0 {
		t.Errorf("kept after the hold: %+v, %v", held, err)
	}
	record, err := s.Exports(t.Context(), 0)
	must(t, err)
	if len(record) != 2 || record[0].What != portal.HistoryReleased || record[0].Reason != "settled" || record[1].What != portal.HistoryHeld || record[1].By != bob || record[1].Who != alice {
		t.Errorf("record %+v", record)
	}
	must(t, whole(t, s))
}

// TestHoldInRooms: what is changed or taken back in a room of somebody under hold is kept for the administrator's export, and what is too old stays.
func TestHoldInRooms(t *testing.T) {
	clock := &handClock{at: morning()}
	now := clock.now()
	s, _ := running(t, storage.Options{RoomRetention: time.Hour, UpkeepEvery: time.Hour, Now: clock.now})
	plan(t, s, portal.LastingRoom, 0, time.Minute, 2*time.Minute)
	change := func(place int64, text string, deleted time.Time) {
		t.Helper()
		_, err := s.ChangeRoomMessage(t.Context(), roomPlan, place, func(m *portal.RoomMessage) error {
			m.Text, m.DeletedAt = text, deleted
			return nil
		}, func(portal.RoomMessage) []portal.Addressed { return nil })
		must(t, err)
	}
	change(1, "before the hold", time.Time{})
	must(t, s.PutHold(t.Context(), portal.Hold{Who: alice, By: bob, Reason: "x", At: now}))
	change(1, "changed", time.Time{})
	change(2, "", now)
	clock.advance(3 * time.Hour)
	must(t, storage.Prune(t.Context(), s))
	spans := []portal.RoomSpan{{Room: roomPlan, First: 1}}
	wantHolds(t, s, episodes(t, s, spans, portal.HistoryQuery{}), "changed r2")
	held, _, err := s.EpisodesUp(t.Context(), alice, spans, portal.HistoryQuery{}, true)
	must(t, err)
	wantHolds(t, s, held, "before the hold changed r1 r2")
	var all []string
	for after := int64(0); ; { // page by page, the versions of one message together
		lines, err := s.Lines(t.Context(), held[0], after, 3)
		must(t, err)
		if len(lines) == 0 {
			break
		}
		for _, l := range lines {
			all = append(all, l.Text)
			after = l.Order
		}
	}
	if want := []string{"before the hold", "changed", "r1", "r2"}; !slices.Equal(all, want) {
		t.Errorf("page by page %q, want %q", all, want)
	}
	must(t, s.DropHold(t.Context(), alice, bob, "x"))
	must(t, storage.Prune(t.Context(), s))
	if eps := episodes(t, s, spans, portal.HistoryQuery{}); len(eps) != 0 {
		t.Errorf("too old, and still there: %+v", eps)
	}
	if n, err := storage.Ask(t.Context(), s, `SELECT COUNT(*) FROM history_held_rooms`); err != nil || n != "0" {
		t.Errorf("%s former texts, %v", n, err)
	}
}

func TestRecord(t *testing.T) {
	s, _ := running(t, storage.Options{})
	x := portal.HistoryExport{At: morning(), By: bob, Who: alice, What: portal.HistoryExported, From: morning(), To: morning().Add(time.Hour), Format: "html", Reason: "asked"}
	n, err := s.LogExport(t.Context(), x)
	must(t, err)
	x.Number, x.Messages = n, 12
	_, err = s.LogExport(t.Context(), x)
	must(t, err)
	if list, err := s.Exports(t.Context(), 5); err != nil || !slices.Equal(list, []portal.HistoryExport{x}) {
		t.Errorf("record %+v, %v", list, err)
	}
	_, err = s.LogExport(t.Context(), portal.HistoryExport{By: bob, Who: alice, What: portal.HistoryExported})
	wantReason(t, err, portal.ErrInvalid, "storage.invalid")
}

// whole looks for anything of the history that does not fit together.
func whole(t *testing.T, s *storage.Store) error {
	t.Helper()
	for what, query := range map[string]string{
		"copies without an episode":   `SELECT COUNT(*) FROM messages m WHERE NOT EXISTS (SELECT 1 FROM history_lines l WHERE l.episode = m.episode AND l.ord = m.ord AND l.moment = m.moment)`,
		"lines without a copy":        `SELECT COUNT(*) FROM history_lines l WHERE NOT EXISTS (SELECT 1 FROM messages m WHERE m.ord = l.ord AND m.episode = l.episode)`,
		"moments without a copy":      `SELECT COUNT(*) FROM history_moments x WHERE NOT EXISTS (SELECT 1 FROM messages m WHERE m.ord = x.ord AND m.moment = x.moment)`,
		"copies without a moment":     `SELECT COUNT(*) FROM messages m WHERE NOT EXISTS (SELECT 1 FROM history_moments x WHERE x.moment = m.moment AND x.ord = m.ord)`,
		"words without a copy":        `SELECT COUNT(*) FROM history_words w WHERE NOT EXISTS (SELECT 1 FROM history_moments x WHERE x.moment = w.rowid)`,
		"copies without words":        `SELECT (SELECT COUNT(*) FROM messages) - (SELECT COUNT(*) FROM history_words)`,
		"miscounted episodes":         `SELECT COUNT(*) FROM history_episodes e WHERE e.hidden = 0 AND (e.messages, e.first_ord, e.last_ord) <> (SELECT COUNT(*), MIN(l.ord), MAX(l.ord) FROM history_lines l WHERE l.episode = e.num)`,
		"episodes out of their time":  `SELECT COUNT(*) FROM history_lines l JOIN messages m ON m.ord = l.ord JOIN history_episodes e ON e.num = l.episode WHERE m.said_at < e.start_at OR m.said_at > e.end_at + 1000000`,
		"episodes of somebody else":   `SELECT COUNT(*) FROM history_episodes e JOIN messages m ON m.episode = e.num WHERE m.owner <> e.owner OR m.conversation <> e.peer OR e.hidden = 1`,
		"held copies out of place":    `SELECT COUNT(*) FROM history_held h WHERE NOT EXISTS (SELECT 1 FROM history_episodes e WHERE e.num = h.episode AND e.owner = h.owner AND e.hidden = 1)`,
		"notes of nothing":            `SELECT COUNT(*) FROM history_notes n WHERE n.episode > 0 AND n.gone = 0 AND NOT EXISTS (SELECT 1 FROM history_episodes e WHERE e.num = n.episode AND e.hidden = 0)`,
		"mailboxes that are not due":  `SELECT COUNT(*) FROM history_boxes b WHERE NOT EXISTS (SELECT 1 FROM history_notes n WHERE n.owner = b.owner AND n.waiting = 1)`,
		"notes that are never due":    `SELECT COUNT(*) FROM history_notes n WHERE n.waiting = 1 AND NOT EXISTS (SELECT 1 FROM history_boxes b WHERE b.owner = n.owner AND b.oldest_at <= n.changed_at)`,
		"conversations without last":  `SELECT COUNT(*) FROM conversations c WHERE c.last_ord <> COALESCE((SELECT MAX(m.ord) FROM messages m WHERE m.owner = c.owner AND m.conversation = c.peer), 0)`,
		"conversations not listed":    `SELECT COUNT(*) FROM messages m WHERE NOT EXISTS (SELECT 1 FROM conversations c WHERE c.owner = m.owner AND c.peer = m.conversation)`,
		"conversations with miscount": `SELECT COUNT(*) FROM conversations c WHERE c.unread <> (SELECT COUNT(*) FROM messages m WHERE m.owner = c.owner AND m.conversation = c.peer AND m.ord > c.read_up_to AND m.state = 'received' AND m.sender <> m.owner)`,
	} {
		n, err := storage.Ask(t.Context(), s, query)
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		if n != "0" {
			t.Errorf("%s %s", n, what)
		}
	}
	return storage.Sound(s)
}

// TestHistoryModel: whatever is said, late or in time, read, deleted, held, released and pruned, the history fits together, and each
// person sees exactly what is theirs.
func TestHistoryModel(t *testing.T) {
	seeds := 6
	if raced {
		seeds = 2
	}
	for seed := range seeds {
		t.Run(strconv.Itoa(seed), func(t *testing.T) { historyModel(t, rand.New(rand.NewPCG(uint64(seed), 7))) })
	}
}

func historyModel(t *testing.T, r *rand.Rand) {
	clock := &handClock{at: morning()}
	s, _ := running(t, storage.Options{Retention: 6 * time.Hour, UpkeepEvery: time.Hour, Now: clock.now})
	owners := []portal.Address{alice, bob, carol}
	type said struct {
		text    string
		at      time.Time
		pending bool
	}
	mine := map[portal.Address]map[string]*said{alice: {}, bob: {}, carol: {}} // by id
	held := map[portal.Address]bool{}
	for step := range 250 {
		now := clock.advance(time.Duration(r.IntN(int(12 * time.Minute))))
		owner := owners[r.IntN(3)]
		peer := owners[r.IntN(3)]
		if peer == owner {
			peer = "sip:chat-1@example.test"
		}
		switch r.IntN(14) {
		default:
			at := now
			if r.IntN(4) == 0 {
				at = at.Add(-time.Duration(r.IntN(int(3 * time.Hour))))
			}
			from, state := peer, portal.Received
			switch r.IntN(4) {
			case 0:
				from, state = owner, portal.Pending
			case 1:
				from, state = owner, portal.Delivered
			}
			id := fmt.Sprint("m", step)
			m := portal.Message{Owner: owner, Conversation: peer, From: from, ID: id, Text: fmt.Sprintf("word%d and tea", step), At: at, State: state}
			_, _, err := s.AddMessage(t.Context(), m)
			must(t, err)
			mine[owner][id] = &said{m.Text, now, state == portal.Pending}
		case 9:
			for id, m := range mine[owner] {
				if m.pending {
					_, err := s.SetMessageState(t.Context(), owner, owner, id, portal.Delivered, "")
					must(t, err)
					m.pending = false
				}
			}
		case 10:
			_, err := s.MarkRead(t.Context(), owner, peer, 0)
			must(t, err)
		case 11:
			eps, _, err := s.Episodes(t.Context(), owner, nil, portal.HistoryQuery{Limit: 200})
			must(t, err)
			if len(eps) == 0 {
				continue
			}
			e := eps[r.IntN(len(eps))]
			gone := holds(t, s, []portal.Episode{e})[0]
			must(t, s.DeleteEpisode(t.Context(), owner, e.ID))
			for id, m := range mine[owner] {
				if strings.Contains(gone+" ", m.text+" ") && !m.pending {
					delete(mine[owner], id)
				}
			}
		case 12:
			if held[owner] = !held[owner]; held[owner] {
				must(t, s.PutHold(t.Context(), portal.Hold{Who: owner, By: alice, Reason: "x", At: now}))
			} else {
				must(t, s.DropHold(t.Context(), owner, alice, "x"))
			}
		case 13:
			must(t, storage.Prune(t.Context(), s))
			for owner, all := range mine {
				for id, m := range all {
					if m.at.Before(now.Add(-6*time.Hour)) && !m.pending && !held[owner] {
						delete(all, id)
					}
				}
			}
		}
	}
	must(t, whole(t, s))
	for _, owner := range owners {
		var want, listed, found []string
		for _, m := range mine[owner] {
			want = append(want, m.text)
		}
		eps, _, err := s.Episodes(t.Context(), owner, nil, portal.HistoryQuery{Limit: 200})
		must(t, err)
		for _, e := range eps {
			lines, err := s.Lines(t.Context(), e, 0, 0)
			must(t, err)
			for _, l := range lines {
				listed = append(listed, l.Text)
			}
		}
		found = findAll(t, s, owner)
		slices.Sort(want)
		slices.Sort(listed)
		slices.Sort(found)
		if !slices.Equal(listed, want) {
			t.Errorf("%s: the episodes hold %q, want %q", owner, listed, want)
		}
		if !slices.Equal(found, want) {
			t.Errorf("%s: the search finds %q, want %q", owner, found, want)
		}
	}
}

// findAll is the text of all that owner finds for "tea".
func findAll(t *testing.T, s *storage.Store, owner portal.Address) []string {
	t.Helper()
	var found []string
	q := portal.HistoryQuery{Q: "tea", Limit: 30}
	for {
		hits, next, err := s.Search(context.WithoutCancel(t.Context()), owner, nil, q)
		must(t, err)
		for _, h := range hits {
			var all strings.Builder
			for _, p := range h.Parts {
				all.WriteString(p.Text)
			}
			found = append(found, all.String())
		}
		if next == "" {
			return found
		}
		q.Cursor = next
	}
}
