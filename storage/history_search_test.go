package storage_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"portico/app/portal"
	"portico/storage"
)

func TestSearch(t *testing.T) {
	s, _ := running(t, storage.Options{})
	at := morning()
	texts := []string{"Grüße aus Köln", "the quick brown fox", "quick: THE FOX is brown", "Straße 12", "日本語のテスト", "résumé attached",
		`" OR owner* NEAR(`, "quickest way", "000001quick", "a" + strings.Repeat("b", 100)}
	for i, text := range texts {
		hear(t, s, bob, bob, at.Add(time.Duration(i)*time.Minute), text)
	}
	hear(t, s, carol, carol, at, "quick note of carol")
	other := portal.Message{Owner: bob, Conversation: alice, From: alice, ID: "x", Text: "quick and bob's", At: at, State: portal.Received}
	_, _, err := s.AddMessage(t.Context(), other)
	must(t, err)
	for _, c := range []struct {
		q    portal.HistoryQuery
		want []string
	}{
		{portal.HistoryQuery{Q: "grusse"}, []string{texts[0]}},
		{portal.HistoryQuery{Q: "GRÜSSE köln"}, []string{texts[0]}},
		{portal.HistoryQuery{Q: "strasse"}, []string{texts[3]}},
		{portal.HistoryQuery{Q: "quick fox"}, []string{texts[2], texts[1]}},
		{portal.HistoryQuery{Q: `"quick brown"`}, []string{texts[1]}},
		{portal.HistoryQuery{Q: `"the fox" brown`}, []string{texts[2]}},
		{portal.HistoryQuery{Q: "qui"}, []string{texts[7], texts[2], texts[1], "quick note of carol"}},
		{portal.HistoryQuery{Q: "qui fox"}, nil},
		{portal.HistoryQuery{Q: "q"}, []string{texts[7], texts[2], texts[1], "quick note of carol"}},
		{portal.HistoryQuery{Q: "resume"}, []string{texts[5]}},
		{portal.HistoryQuery{Q: "本"}, []string{texts[4]}},
		{portal.HistoryQuery{Q: "or near"}, []string{texts[6]}},
		{portal.HistoryQuery{Q: "§"}, nil},
		{portal.HistoryQuery{Q: "§zz"}, nil},
		{portal.HistoryQuery{Q: `"`}, nil},
		{portal.HistoryQuery{Q: "000001"}, []string{texts[8]}},
		{portal.HistoryQuery{Q: "a" + strings.Repeat("b", 99)}, []string{texts[9]}},
		{portal.HistoryQuery{Q: "absent"}, nil},
		{portal.HistoryQuery{Q: "quick", Peer: carol}, []string{"quick note of carol"}},
		{portal.HistoryQuery{Q: "quick", Peer: "sip:nobody@example.test"}, nil},
		{portal.HistoryQuery{Q: "quick", From: at.Add(time.Minute), To: at.Add(2 * time.Minute)}, []string{texts[1]}},
		{portal.HistoryQuery{Q: "quick", Kind: portal.EpisodeRoom}, nil},
		{portal.HistoryQuery{Q: "quick", Kind: portal.EpisodeIM, To: at.Add(time.Minute)}, []string{"quick note of carol"}},
	} {
		hits, next, err := s.Search(t.Context(), alice, nil, c.q)
		if err != nil {
			t.Errorf("%+v: %v", c.q, err)
			continue
		}
		var got []string
		for _, h := range hits {
			var all strings.Builder
			found := false
			for _, p := range h.Parts {
				all.WriteString(p.Text)
				found = found || p.Found
			}
			if !found || h.Episode == "" {
				t.Errorf("%+v: hit %+v", c.q, h)
			}
			got = append(got, all.String())
		}
		if !slices.Equal(got, c.want) || next != "" {
			t.Errorf("%+v: found %q (next %q), want %q", c.q, got, next, c.want)
		}
	}
	for _, cursor := range []string{"x", ".", "1", "1.", "-", "!.!"} {
		_, _, err := s.Search(t.Context(), alice, nil, portal.HistoryQuery{Q: "quick", Cursor: cursor})
		wantReason(t, err, portal.ErrInvalid, "history.cursor")
		_, _, err = s.Episodes(t.Context(), alice, nil, portal.HistoryQuery{Cursor: cursor})
		wantReason(t, err, portal.ErrInvalid, "history.cursor")
	}
}

// TestSearchInOneOrder: what is found in the archive and in rooms is in one order by time, and pages of any length give all of it once,
// also while more is said.
func TestSearchInOneOrder(t *testing.T) {
	s, _ := running(t, storage.Options{})
	r := rand.New(rand.NewPCG(1, 2))
	plan(t, s, portal.LastingRoom)
	type said struct {
		at   time.Time
		text string
	}
	var want []said
	for i := range 120 {
		at := morning().Add(time.Duration(i) * time.Minute)
		text := fmt.Sprintf("n%d %s", i, []string{"tea", "coffee", "tea and coffee"}[r.IntN(3)])
		if r.IntN(2) == 0 {
			late := at.Add(-time.Duration(r.IntN(50)) * time.Minute).Add(time.Second) // one's own may arrive late
			hear(t, s, bob, bob, late, text)
			at = late
		} else {
			_, _, err := s.AddRoomMessage(t.Context(), portal.RoomMessage{Room: roomPlan, ID: text, From: bob, Text: text, At: at}, nil)
			must(t, err)
		}
		if strings.Contains(text, "tea") {
			want = append(want, said{at, text})
		}
	}
	slices.Reverse(want) // of the same time what was stored later is newer
	slices.SortStableFunc(want, func(a, b said) int { return b.at.Compare(a.at) })
	for _, limit := range []int{1, 3, 7, 200} {
		var got []string
		q := portal.HistoryQuery{Q: "tea", Limit: limit}
		for page := 0; ; page++ {
			hits, next, err := s.Search(t.Context(), alice, []portal.RoomSpan{{Room: roomPlan, First: 1}}, q)
			must(t, err)
			for _, h := range hits {
				var all strings.Builder
				for _, p := range h.Parts {
					all.WriteString(p.Text)
				}
				got = append(got, all.String())
			}
			if next == "" {
				break
			}
			if q.Cursor = next; page == 1 && limit == 7 {
				hear(t, s, bob, bob, morning().AddDate(0, 0, 1), "late tea")
			}
		}
		if len(got) != len(want) {
			t.Fatalf("limit %d: %d found, want %d", limit, len(got), len(want))
		}
		for i := range want {
			if got[i] != want[i].text {
				t.Fatalf("limit %d: hit %d is %q, want %q", limit, i, got[i], want[i].text)
			}
		}
		if limit == 7 {
			break
		}
	}
}

// FuzzHistorySearch: whatever is looked for, and with whatever cursor, nothing breaks, and what is found has it.
func FuzzHistorySearch(f *testing.F) {
	for _, q := range []string{"tea", `"tea and`, "té*", "§0", "a OR b", "NEAR(a b)", "\x00", "日本", "-x", "{words}: tea"} {
		f.Add(q, "")
	}
	f.Add("tea", "1.1")
	f.Add("tea", "zz.-1")
	s, _ := running(f, storage.Options{UpkeepEvery: time.Hour})
	for i, text := range []string{"tea and coffee", "日本語 tea", "a OR b NEAR words", "x"} {
		m := portal.Message{Owner: alice, Conversation: bob, From: bob, ID: fmt.Sprint(i), Text: text, At: morning().Add(time.Duration(i)), State: portal.Received}
		_, _, err := s.AddMessage(f.Context(), m)
		must(f, err)
	}
	f.Fuzz(func(t *testing.T, q, cursor string) {
		hits, _, err := s.Search(t.Context(), alice, nil, portal.HistoryQuery{Q: q, Cursor: cursor})
		if err != nil && portal.Meaning(err) != portal.ErrInvalid {
			t.Fatal(err)
		}
		for _, h := range hits {
			if !slices.ContainsFunc(h.Parts, func(p portal.HitPart) bool { return p.Found && p.Text != "" }) {
				t.Errorf("%q found %+v", q, h.Parts)
			}
		}
	})
}
