package storagetest

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"portico/app/portal"
	"portico/storage"
)

// wantFound looks for words in the lobby and wants messages by their places.
func wantFound(t *testing.T, s Store, q string, places ...int64) {
	t.Helper()
	hits, _, err := s.SearchRooms(deadline(t), []portal.RoomSpan{{Room: lobby}}, portal.HistoryQuery{Q: q})
	must(t, err)
	var got []int64
	for _, h := range hits {
		got = append(got, h.Order)
	}
	if !slices.Equal(got, places) {
		t.Errorf("%q found %v, want %v", q, got, places)
	}
}

func testRoomSearch(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	made(t, s, lobby, bob)
	group := room(trio)
	group.Kind = portal.GroupRoom
	must(t, s.CreateRoom(ctx, group, nil))
	for i, text := range []string{"The Budget of München", "budgets are made", "no money", "budget, again: 100 %", "👍", "straße budget"} {
		m := utterance(lobby, i+1)
		m.Text = text
		utter(t, s, m)
	}
	m := utterance(trio, 10)
	m.Text = "budget of the group"
	utter(t, s, m)
	for q, places := range map[string][]int64{
		"budget": {6, 4, 2, 1}, "budget ": {6, 4, 2, 1}, `"budget"`: {6, 4, 1}, "BUDGET munchen": {1}, "munchen budget": {1}, "bud": {6, 4, 2, 1},
		`"budget of"`: {1}, `"of budget"`: nil, "strasse": {6}, "100": {4}, "👍": nil, "": nil, "nothing": nil, "money no": {3}, "budgeted": nil,
	} {
		wantFound(t, s, q, places...)
	}
	at := func(minutes int) time.Time { return noon().Add(time.Duration(minutes) * time.Minute) }
	both := []portal.RoomSpan{{Room: lobby}, {Room: trio}, {Room: "sip:gone@rooms.example.test"}}
	for _, c := range []struct {
		spans []portal.RoomSpan
		q     portal.HistoryQuery
		want  string
	}{
		{both, portal.HistoryQuery{}, "g1 l6 l4 l2 l1"},
		{both, portal.HistoryQuery{Limit: 2}, "g1 l6 …"},
		{both, portal.HistoryQuery{Peer: trio}, "g1"}, {both, portal.HistoryQuery{Peer: bob}, ""}, {both[:1], portal.HistoryQuery{Peer: trio}, ""},
		{both, portal.HistoryQuery{Kind: portal.EpisodeGroup}, "g1"}, {both, portal.HistoryQuery{Kind: portal.EpisodeRoom}, "l6 l4 l2 l1"},
		{both, portal.HistoryQuery{Kind: portal.EpisodeIM}, ""},
		{both, portal.HistoryQuery{From: at(2), To: at(6)}, "l4 l2"}, {both, portal.HistoryQuery{From: at(7)}, "g1"}, {both, portal.HistoryQuery{To: at(2)}, "l1"},
		{both, portal.HistoryQuery{From: at(11)}, ""}, {both, portal.HistoryQuery{To: at(100)}, "g1 l6 l4 l2 l1"}, {both, portal.HistoryQuery{From: at(4), To: at(4)}, ""},
		{[]portal.RoomSpan{{Room: lobby, First: 3}}, portal.HistoryQuery{}, "l6 l4"}, {[]portal.RoomSpan{{Room: lobby, First: 7}}, portal.HistoryQuery{}, ""},
		{nil, portal.HistoryQuery{}, ""},
	} {
		c.q.Q = "budget"
		hits, next, err := s.SearchRooms(ctx, c.spans, c.q)
		must(t, err)
		got := ""
		for _, h := range hits {
			got += fmt.Sprintf(" %c%d", map[portal.Address]rune{lobby: 'l', trio: 'g'}[h.Conversation], h.Order)
		}
		if next != "" {
			got += " …"
		}
		if len(got) > 0 {
			got = got[1:]
		}
		if got != c.want {
			t.Errorf("%+v in %v found %q, want %q", c.q, c.spans, got, c.want)
		}
	}
	hits, _, err := s.SearchRooms(ctx, both[:1], portal.HistoryQuery{Q: "munchen bud"})
	must(t, err)
	want := portal.Hit{Conversation: lobby, From: bob, At: at(1), Order: 1, Room: true,
		Parts: []portal.HitPart{{Text: "The "}, {Text: "Budget", Found: true}, {Text: " of "}, {Text: "München", Found: true}}}
	if len(hits) != 1 || !reflect.DeepEqual(hits[0], want) {
		t.Errorf("found %+v", hits)
	}
	for _, cursor := range []string{"?", "-1", "0", "zzzzzzzzzzzzzzzzzz"} {
		_, _, err := s.SearchRooms(ctx, both, portal.HistoryQuery{Q: "budget", Cursor: cursor})
		wantMeaning(t, err, portal.ErrInvalid)
	}
	for _, hostile := range []string{`"`, `budget" OR "`, `* AND NOT`, `words:budget`, `NEAR("budget" "of", 1)`, `budget^`, `{words}`, `' OR 1=1 --`, "\x00budget\x00"} {
		if _, _, err := s.SearchRooms(ctx, both, portal.HistoryQuery{Q: hostile}); err != nil {
			t.Errorf("%q: %v", hostile, err)
		}
	}
}

// testRoomSearchPages: page by page over several rooms everything is found once, newest first, however many begin alike and are not meant.
func testRoomSearchPages(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	uris := []portal.Address{lobby, trio, "sip:third@rooms.example.test"}
	var spans []portal.RoomSpan
	for _, uri := range uris {
		made(t, s, uri, bob)
		spans = append(spans, portal.RoomSpan{Room: uri})
	}
	var want []string
	for i := range 400 {
		m := utterance(uris[i*i%7%3], i)
		m.Text = "summer"
		if i%9 == 0 || i > 390 {
			m.Text = "summary of it"
		}
		if stored := utter(t, s, m); m.Text != "summer" {
			want = append(want, fmt.Sprint(stored.Room, stored.Place))
		}
	}
	slices.Reverse(want)
	for _, q := range []string{"summa", "summary", "it summar", `summary "of it"`} {
		for _, limit := range []int{7, 40, 200} {
			var got []string
			cursor := ""
			for {
				hits, next, err := s.SearchRooms(ctx, spans, portal.HistoryQuery{Q: q, Limit: limit, Cursor: cursor})
				must(t, err)
				if len(hits) > limit {
					t.Fatalf("%d hits, asked for %d", len(hits), limit)
				}
				for _, h := range hits {
					got = append(got, fmt.Sprint(h.Conversation, h.Order))
				}
				if cursor = next; next == "" {
					break
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("%q by %d found %d, want %d: %v", q, limit, len(got), len(want), got)
			}
		}
	}
}
