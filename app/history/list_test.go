package history_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"portico/app/history"
	"portico/app/portal"
)

// foreign puts an item into a mailbox that another program wrote.
func (w *world) foreign(owner portal.Address, n portal.ConversationNote) portal.ConversationNote {
	w.mail.set(func(f *fakeMail) {
		f.next++
		n.ItemID = fmt.Sprintf("f%d", f.next)
		if n.Class == "" {
			n.Class = portal.ClassConversation
		}
		f.items[owner] = append(f.items[owner], n)
	})
	return n
}

// all reads the whole list in pages of limit.
func (w *world) all(who portal.Address, q portal.HistoryQuery) []portal.Episode {
	w.t.Helper()
	var list []portal.Episode
	for {
		page, err := w.s.List(context.Background(), who, q)
		must(w.t, err)
		if page.Away {
			w.t.Fatal("Exchange is away")
		}
		if len(page.Episodes) > q.Limit {
			w.t.Fatalf("a page of %d", len(page.Episodes))
		}
		list = append(list, page.Episodes...)
		if page.Next == "" {
			return list
		}
		q.Cursor = page.Next
	}
}

// TestMerged: what other programs keep in Exchange is in the list by its time, whatever the length of a page; what this portal wrote
// there is not in it twice.
func TestMerged(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		var want []string
		for i := range 40 {
			w.rest(time.Hour)
			name := fmt.Sprint(i)
			want = append(want, name)
			if i%3 == 0 {
				w.foreign(alice, portal.ConversationNote{Subject: name, Start: time.Now(), From: portal.NoteParty{Name: "Bob", Email: "Bob@mail.test"},
					To: []portal.NoteParty{{Email: "alice@example.test"}, {Name: "A Guest", Email: "guest@else.test"}}})
			} else {
				w.say(alice, bob, bob, name)
			}
		}
		w.foreign(alice, portal.ConversationNote{Subject: "call", Class: portal.ClassMissedCall, Stamp: "of the list of calls", Start: time.Now()})
		w.rest(5 * time.Minute)
		slices.Reverse(want)
		for i, limit := range []int{1, 2, 7, 20, 200} {
			w.mail.set(func(f *fakeMail) { f.page = []int{1, 10, 3, 100, 7}[i] })
			var got []string
			for _, e := range w.all(alice, portal.HistoryQuery{Limit: limit}) {
				got = append(got, e.Subject)
			}
			if !slices.Equal(got, want) {
				t.Errorf("pages of %d: %v, want %v", limit, got, want)
			}
		}
		only := w.all(alice, portal.HistoryQuery{Kind: portal.EpisodeForeign, Limit: 5})
		if len(only) != 14 {
			t.Errorf("%d foreign items, want 14", len(only))
		}
		if e := only[0]; e.Kind != portal.EpisodeForeign || !strings.HasPrefix(e.ID, "x-") || !slices.Contains(e.Names, "A Guest") {
			t.Errorf("foreign %+v", e)
		}
		if n := len(w.all(alice, portal.HistoryQuery{Kind: portal.EpisodeIM, Limit: 5})); n != 26 {
			t.Errorf("%d conversations of two, want 26", n)
		}
	})
}

// TestForeign: an item of another program is opened and deleted; nothing else of the mailbox is, and people are known by their addresses.
func TestForeign(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.o.Find = func(email string) portal.Address {
			a, err := portal.ParseAddress(strings.ReplaceAll(email, "mail.test", "example.test"))
			if err != nil || a.Domain() != "example.test" {
				return ""
			}
			return a
		}
		w.start()
		defer func() { w.end() }()
		ctx := t.Context()
		at := time.Now().Add(-time.Hour)
		n := w.foreign(alice, portal.ConversationNote{Subject: "s", HTML: "<script>x</script>", Start: at, End: at.Add(time.Minute),
			From: portal.NoteParty{Email: "bob@mail.test"}, To: []portal.NoteParty{{Name: "Alice", Email: "alice@mail.test"}}})
		mail := w.foreign(alice, portal.ConversationNote{Subject: "secret", HTML: "a mail", Class: "IPM.Note"})
		got, err := w.s.Open(ctx, alice, "x-"+n.ItemID, 0, 0)
		must(t, err)
		if got.HTML != n.HTML || got.Conversation != bob || !slices.Equal(got.With, []portal.Address{bob}) || len(got.Lines) != 0 || !got.End.Equal(n.End) {
			t.Errorf("opened %+v", got)
		}
		for peer, want := range map[portal.Address]int{bob: 1, carol: 0} {
			if list := w.all(alice, portal.HistoryQuery{Peer: peer, Limit: 10}); len(list) != want {
				t.Errorf("with %s: %+v", peer, list)
			}
		}
		if list := w.all(alice, portal.HistoryQuery{From: at.Add(time.Hour), Limit: 10}); len(list) != 0 {
			t.Errorf("after it: %+v", list)
		}
		for _, id := range []string{"x-" + mail.ItemID, "x-", "x-none"} {
			_, err := w.s.Open(ctx, alice, id, 0, 0)
			wantReason(t, err, portal.ErrNotFound, "history.not-found")
			wantReason(t, w.s.Delete(ctx, alice, id), portal.ErrNotFound, "history.not-found")
		}
		_, err = w.s.Open(ctx, bob, "x-"+n.ItemID, 0, 0)
		wantReason(t, err, portal.ErrNotFound, "history.not-found")
		must(t, w.s.Delete(ctx, alice, "x-"+n.ItemID))
		if items := w.mail.of(alice); len(items) != 1 || items[0].ItemID != mail.ItemID {
			t.Errorf("left are %+v", items)
		}
	})
}

// TestAway: without Exchange the list is whole but for what only Exchange has, and says so.
func TestAway(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.say(alice, bob, bob, "own")
		w.foreign(alice, portal.ConversationNote{Subject: "theirs", Start: time.Now()})
		w.mail.set(func(f *fakeMail) { f.down = errDown })
		page, err := w.s.List(t.Context(), alice, portal.HistoryQuery{})
		must(t, err)
		if !page.Away || len(page.Episodes) != 1 || page.Episodes[0].Subject != "own" || page.Next != "" {
			t.Errorf("page %+v", page)
		}
		_, err = w.s.Open(t.Context(), alice, "x-f1", 0, 0)
		wantReason(t, err, portal.ErrUnavailable, "exchange.down")
		w.mail.set(func(f *fakeMail) { f.down = portal.Fail(portal.ErrNotFound, "exchange.mailbox") })
		page, err = w.s.List(t.Context(), alice, portal.HistoryQuery{})
		must(t, err)
		if page.Away || len(page.Episodes) != 1 {
			t.Errorf("somebody without a mailbox: %+v", page)
		}
	})
}

func TestListSearches(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		m := w.say(alice, bob, bob, "where is the key?")
		w.say(alice, bob, alice, "under the mat")
		page, err := w.s.List(t.Context(), alice, portal.HistoryQuery{Q: " key "})
		must(t, err)
		if len(page.Hits) != 1 || len(page.Episodes) != 0 || page.Hits[0].Order != m.Order || page.Hits[0].Conversation != bob {
			t.Fatalf("page %+v", page)
		}
		opened, err := w.s.Open(t.Context(), alice, page.Hits[0].Episode, 0, 1)
		must(t, err)
		if len(opened.Lines) != 1 || opened.Messages != 2 {
			t.Errorf("opened %+v", opened)
		}
		opened, err = w.s.Open(t.Context(), alice, page.Hits[0].Episode, opened.Lines[0].Order, 0)
		must(t, err)
		if len(opened.Lines) != 1 || opened.Lines[0].Text != "under the mat" {
			t.Errorf("opened %+v", opened)
		}
		for _, bad := range []struct {
			q   portal.HistoryQuery
			key string
		}{
			{portal.HistoryQuery{Q: strings.Repeat("x", 501)}, "history.query"}, {portal.HistoryQuery{Q: "\xff"}, "history.query"},
			{portal.HistoryQuery{Kind: "mail"}, "history.kind"}, {portal.HistoryQuery{Cursor: "?"}, "history.cursor"},
			{portal.HistoryQuery{Cursor: "bm8"}, "history.cursor"}, {portal.HistoryQuery{Cursor: strings.Repeat("A", 9000)}, "history.cursor"},
			{portal.HistoryQuery{From: time.Now(), To: time.Now()}, "history.range"},
		} {
			_, err := w.s.List(t.Context(), alice, bad.q)
			wantReason(t, err, portal.ErrInvalid, bad.key)
		}
		days, err := w.s.Days(t.Context(), alice, m.At.Add(-time.Hour), m.At.Add(time.Hour), nil)
		must(t, err)
		if days[m.At.UTC().Format(time.DateOnly)] != 2 {
			t.Errorf("days %v", days)
		}
		_, err = w.s.Days(t.Context(), alice, m.At, m.At.AddDate(2, 0, 0), nil)
		wantReason(t, err, portal.ErrInvalid, "history.range")
	})
}

// TestDelete: with the own copies the item goes, at once or when Exchange is back; the person's counts are looked at again.
func TestDelete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var changed []portal.Address
		w.o.Changed = func(who portal.Address) { changed = append(changed, who) }
		w.start()
		defer func() { w.end() }()
		w.say(alice, bob, bob, "one")
		w.rest(3 * time.Minute)
		w.mail.set(func(f *fakeMail) { f.down = errDown })
		id := w.episodes(alice)[0].ID
		must(t, w.s.Delete(t.Context(), alice, id))
		wantReason(t, w.s.Delete(t.Context(), alice, id), portal.ErrNotFound, "history.not-found")
		w.rest(10 * time.Minute)
		if n := len(w.mail.of(alice)); n != 1 {
			t.Fatalf("%d items while Exchange is away", n)
		}
		w.mail.set(func(f *fakeMail) { f.down = nil })
		if list := w.all(alice, portal.HistoryQuery{Limit: 10}); len(list) != 0 {
			t.Errorf("what is still to be deleted is shown: %+v", list)
		}
		w.rest(time.Hour)
		if n := len(w.mail.of(alice)); n != 0 {
			t.Errorf("%d items", n)
		}
		if !slices.Equal(changed, []portal.Address{alice}) {
			t.Errorf("told %v", changed)
		}
	})
}

// FuzzCursor: whatever comes as a cursor, nothing breaks.
func FuzzCursor(f *testing.F) {
	for _, c := range []string{"", "e30", "eyJvIjoiMS5lMSJ9", "eyJtIjoicDEiLCJhIjoieC1mMSIsInQiOjF9", "bnVsbA", "W10"} {
		f.Add(c)
	}
	f.Fuzz(func(t *testing.T, cursor string) {
		place, err := history.ParsePlace(cursor)
		if err != nil {
			wantReason(t, err, portal.ErrInvalid, "history.cursor")
			return
		}
		again, err := history.ParsePlace(place.String())
		if place.String() != "" && (err != nil || again != place) {
			t.Errorf("%q is %+v, and again %+v, %v", cursor, place, again, err)
		}
	})
}
