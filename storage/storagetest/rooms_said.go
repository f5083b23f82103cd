package storagetest

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"portico/app/portal"
	"portico/storage"
)

// What is said in rooms, and what becomes of it.

// none makes no events.
func none(portal.RoomMessage) []portal.Addressed { return nil }

func testRoomMessages(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	made(t, s, lobby, alice, bob)
	m := utterance(lobby, 1)
	m.Text = strings.Repeat("ä", 250)
	m.Mentions, m.MentionsAll = []portal.Address{alice, carol}, true
	first := utter(t, s, m)
	m.Place, m.Version = 1, 1
	if !reflect.DeepEqual(first, m) {
		t.Errorf("stored %+v, want %+v", first, m)
	}
	answer := utterance(lobby, 2)
	answer.Replies = 1
	got := utter(t, s, answer)
	answer.Place, answer.Version = 2, 1
	answer.Quote = &portal.RoomQuote{Place: 1, From: bob, Text: strings.Repeat("ä", 200)}
	if !reflect.DeepEqual(got, answer) {
		t.Errorf("answer %+v with quote %+v", got, got.Quote)
	}
	for _, read := range []func() (portal.RoomMessage, error){
		func() (portal.RoomMessage, error) { return s.RoomMessage(ctx, lobby, 2) },
		func() (portal.RoomMessage, error) { return s.RoomMessageByID(ctx, lobby, bob, "u2") },
	} {
		if m, err := read(); err != nil || !reflect.DeepEqual(m, answer) {
			t.Errorf("read %+v, %v", m, err)
		}
	}
	// Who may not read what is quoted does not read it here.
	if page, err := s.RoomMessages(ctx, lobby, 2, portal.RoomPage{}); err != nil || len(page) != 1 || page[0].Quote != nil || page[0].Replies != 1 {
		t.Errorf("a newcomer reads %+v, %v", page, err)
	}
	for what, call := range map[string]func() error{
		"no place":     func() error { _, err := s.RoomMessage(ctx, lobby, 3); return err },
		"no id":        func() error { _, err := s.RoomMessageByID(ctx, lobby, alice, "u1"); return err },
		"no room":      func() error { _, err := s.RoomMessage(ctx, trio, 1); return err },
		"no room's id": func() error { _, err := s.RoomMessageByID(ctx, trio, bob, "u1"); return err },
		"no pins":      func() error { _, err := s.PinnedMessages(ctx, trio, 0); return err },
		"no stretch":   func() error { _, err := s.RoomMessages(ctx, trio, 0, portal.RoomPage{}); return err },
		"said nowhere": func() error { _, _, err := s.AddRoomMessage(ctx, utterance(trio, 1), nil); return err },
		"read nowhere": func() error { return s.MarkRoomRead(ctx, trio, bob, 1) },
		"answers none": func() error {
			m := utterance(lobby, 3)
			m.Replies = 77
			_, _, err := s.AddRoomMessage(ctx, m, nil)
			return err
		},
		"carries none": func() error {
			m := utterance(lobby, 3)
			m.Files = []portal.File{{ID: "none"}}
			_, _, err := s.AddRoomMessage(ctx, m, nil)
			return err
		},
	} {
		if err := call(); !errors.Is(err, portal.ErrNotFound) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, bad := range []portal.RoomMessage{{Room: lobby, From: bob}, {Room: lobby, ID: "x"}, {From: bob, ID: "x"},
		{Room: lobby, From: bob, ID: "x", Mentions: []portal.Address{"a\nb"}}} {
		_, _, err := s.AddRoomMessage(ctx, bad, nil)
		wantMeaning(t, err, portal.ErrInvalid)
	}
	if last := loadRooms(t, s)[lobby].Last; last != 2 {
		t.Errorf("what was refused took a place: %d", last)
	}
}

func testRoomPages(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	made(t, s, lobby, bob)
	const n = 30
	for i := 1; i <= n; i++ {
		m := utterance(lobby, i)
		if i == 12 {
			m.At = noon() // the sender's clock is behind: times do not go back
		}
		utter(t, s, m)
	}
	at := func(minutes int) time.Time { return noon().Add(time.Duration(minutes) * time.Minute) }
	for _, c := range []struct {
		first    int64
		page     portal.RoomPage
		from, to int64 // both are part of it; from > to: nothing
	}{
		{0, portal.RoomPage{}, 1, 30}, {0, portal.RoomPage{Limit: 5}, 26, 30}, {28, portal.RoomPage{Limit: 5}, 28, 30}, {31, portal.RoomPage{}, 1, 0},
		{0, portal.RoomPage{Before: 10, Limit: 4}, 6, 9}, {8, portal.RoomPage{Before: 10, Limit: 4}, 8, 9}, {0, portal.RoomPage{Before: 1}, 1, 0},
		{0, portal.RoomPage{After: 10, Limit: 4}, 11, 14}, {20, portal.RoomPage{After: 10, Limit: 4}, 20, 23}, {0, portal.RoomPage{After: 30}, 1, 0},
		{0, portal.RoomPage{Around: 15, Limit: 6}, 12, 17}, {0, portal.RoomPage{Around: 29, Limit: 6}, 25, 30},
		{0, portal.RoomPage{Around: 2, Limit: 6}, 1, 6}, {14, portal.RoomPage{Around: 15, Limit: 6}, 14, 19}, {0, portal.RoomPage{Around: 99, Limit: 6}, 25, 30},
		{0, portal.RoomPage{From: at(20), Limit: 3}, 20, 22}, {0, portal.RoomPage{From: at(19).Add(1), Limit: 3}, 20, 22}, {25, portal.RoomPage{From: at(20), Limit: 3}, 25, 27},
		{0, portal.RoomPage{From: at(31)}, 1, 0}, {0, portal.RoomPage{From: at(-9), Limit: 2}, 1, 2}, {0, portal.RoomPage{From: at(11), Limit: 2}, 11, 12},
		{0, portal.RoomPage{Before: 10, After: 20, Limit: 2}, 8, 9},
	} {
		page, err := s.RoomMessages(ctx, lobby, c.first, c.page)
		must(t, err)
		var want, got []int64
		for place := c.from; place <= c.to; place++ {
			want = append(want, place)
		}
		for _, m := range page {
			got = append(got, m.Place)
		}
		if !slices.Equal(got, want) {
			t.Errorf("from %d on, %+v: %v, want %v", c.first, c.page, got, want)
		}
	}
	if m, err := s.RoomMessage(ctx, lobby, 12); err != nil || !m.At.Equal(at(11)) {
		t.Errorf("the one of the slow clock: %v, %v", m.At, err)
	}
}

func testRoomOnce(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	made(t, s, lobby, alice)
	made(t, s, trio, alice)
	first := utter(t, s, utterance(lobby, 1))
	again := utterance(lobby, 1)
	again.Text, again.At = "something else", noon()
	got, created, err := s.AddRoomMessage(ctx, again, []portal.Address{alice}, aboutRoom(again))
	if err != nil || created || !reflect.DeepEqual(got, first) {
		t.Errorf("the repeat gave %+v, created %v, %v", got, created, err)
	}
	other := utterance(lobby, 1)
	other.From = carol
	utter(t, s, other)              // somebody else's id
	utter(t, s, utterance(trio, 1)) // another room
	if evs := all(t, s, alice, 0); len(evs) != 3 {
		t.Errorf("alice was told %d times", len(evs))
	}
	if r := loadRooms(t, s)[lobby]; r.Last != 2 || !r.LastAt.Equal(other.At) {
		t.Errorf("room %+v", r)
	}
}

// testRoomPlaces: however many talk at once, and however often they repeat themselves, the places are 1, 2, 3 … and the events in their order.
func testRoomPlaces(t *testing.T, open Open) {
	s := start(t, open, storage.Options{EventBound: 10000})
	made(t, s, lobby, alice)
	const people, each = 12, 40
	var crowd sync.WaitGroup
	for p := range people {
		crowd.Go(func() {
			for i := range each {
				m := utterance(lobby, i)
				m.From = portal.Address(fmt.Sprintf("sip:p%d@example.test", p))
				if i%5 == 0 { // what fails leaves no hole
					failing := m
					failing.Replies = 1 << 40
					if _, _, err := s.AddRoomMessage(deadline(t), failing, nil); !errors.Is(err, portal.ErrNotFound) {
						t.Errorf("an answer to nothing: %v", err)
					}
				}
				for try := range 2 {
					if _, created, err := s.AddRoomMessage(deadline(t), m, nil, aboutRoom(m)); err != nil || created != (try == 0) {
						t.Errorf("try %d: created %v, %v", try, created, err)
					}
				}
			}
		})
	}
	crowd.Wait()
	var place int64
	for wanted := (portal.RoomPage{Around: 1, Limit: 100}); ; wanted = (portal.RoomPage{After: place, Limit: 100}) {
		page, err := s.RoomMessages(deadline(t), lobby, 0, wanted)
		must(t, err)
		if len(page) == 0 {
			break
		}
		for _, m := range page {
			if place++; m.Place != place {
				t.Fatalf("place %d after %d", m.Place, place-1)
			}
		}
	}
	if place != people*each {
		t.Errorf("the last place is %d", place)
	}
	for i, e := range all(t, s, alice, 0) {
		if ev := e.Event.(portal.MessageEvent); ev.Order != int64(i)+1 || ev.Room.Place != ev.Order {
			t.Fatalf("event %d is of place %d", i, ev.Order)
		}
	}
}

func testRoomChanges(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	made(t, s, lobby, alice, bob, carol)
	m := utterance(lobby, 1)
	m.Mentions = []portal.Address{alice}
	utter(t, s, m, alice)
	head, err := s.EventHead(ctx)
	must(t, err)
	changed := func(m portal.RoomMessage) []portal.Addressed {
		ev := roomEvent(lobby, portal.RoomMessageChanged)
		e := ev.Event.(portal.RoomEvent)
		e.Place, e.Message = m.Place, &m
		ev.Event = e
		return []portal.Addressed{ev}
	}
	edited, err := s.ChangeRoomMessage(ctx, lobby, 1, func(m *portal.RoomMessage) error {
		m.Text, m.EditedAt, m.Mentions = "said better", noon(), []portal.Address{carol}
		m.ID, m.From, m.Place, m.At, m.Version = "other", carol, 9, time.Time{}, 77 // these are not to be changed
		return nil
	}, changed)
	must(t, err)
	m.Place, m.Text, m.EditedAt, m.Mentions, m.Version = 1, "said better", noon(), []portal.Address{carol}, 2
	if !reflect.DeepEqual(edited, m) {
		t.Errorf("edited %+v, want %+v", edited, m)
	}
	evs := all(t, s, alice, head)
	if len(evs) != 1 || !reflect.DeepEqual(*evs[0].Event.(portal.RoomEvent).Message, m) {
		t.Errorf("alice was told %+v", evs)
	}
	wantMentions(t, s, map[portal.Address][]int64{carol: {1}})
	wantFound(t, s, "better", 1)
	wantFound(t, s, "text")

	refusal := portal.Fail(portal.ErrForbidden, "room.too-late")
	_, err = s.ChangeRoomMessage(ctx, lobby, 1, func(m *portal.RoomMessage) error { m.Text = "no"; return refusal }, changed)
	if !errors.Is(err, error(refusal)) {
		t.Errorf("refused with %v", err)
	}
	same, err := s.ChangeRoomMessage(ctx, lobby, 1, func(m *portal.RoomMessage) error { m.Files = []portal.File{}; return nil }, changed)
	if err != nil || same.Version != 2 {
		t.Errorf("nothing changed: %+v, %v", same, err)
	}
	_, err = s.ChangeRoomMessage(ctx, lobby, 2, func(*portal.RoomMessage) error { return nil }, changed)
	wantMeaning(t, err, portal.ErrNotFound)
	_, err = s.ChangeRoomMessage(ctx, trio, 1, func(*portal.RoomMessage) error { return nil }, changed)
	wantMeaning(t, err, portal.ErrNotFound)

	taken, err := s.ChangeRoomMessage(ctx, lobby, 1, func(m *portal.RoomMessage) error {
		m.Text, m.DeletedAt, m.DeletedBy = "", noon().Add(time.Hour), alice
		return nil
	}, changed)
	must(t, err)
	if taken.Text != "" || !taken.DeletedAt.Equal(noon().Add(time.Hour)) || taken.DeletedBy != alice || taken.Version != 3 {
		t.Errorf("taken back: %+v", taken)
	}
	wantMentions(t, s, map[portal.Address][]int64{})
	wantFound(t, s, "better")
	answer := utterance(lobby, 2)
	answer.Replies = 1
	if got := utter(t, s, answer); got.Quote == nil || got.Quote.Text != "" || got.Quote.From != bob {
		t.Errorf("quote of what was taken back: %+v", got.Quote)
	}
	if evs := all(t, s, alice, head); len(evs) != 3 {
		t.Errorf("alice was told %d times", len(evs))
	}
}

func testRoomReactions(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	made(t, s, lobby, alice, bob)
	utter(t, s, utterance(lobby, 1))
	set := func(want ...portal.Reaction) portal.RoomMessage {
		t.Helper()
		m, err := s.ChangeRoomMessage(ctx, lobby, 1, func(m *portal.RoomMessage) error { m.Reactions = want; return nil }, none)
		must(t, err)
		return m
	}
	up, ok := portal.Reaction{Sign: "👍", By: []portal.Address{alice}}, portal.Reaction{Sign: "👌🏽", By: []portal.Address{carol, bob}}
	if m := set(up, ok); !reflect.DeepEqual(m.Reactions, []portal.Reaction{up, ok}) || m.Version != 2 {
		t.Errorf("reactions %+v", m)
	}
	up.By = append(up.By, carol)
	ok.By = ok.By[1:]
	m := set(ok, up) // the order is that in which they were put there
	if !reflect.DeepEqual(m.Reactions, []portal.Reaction{up, ok}) {
		t.Errorf("reactions %+v", m.Reactions)
	}
	if page, err := s.RoomMessages(ctx, lobby, 0, portal.RoomPage{}); err != nil || !reflect.DeepEqual(page[0], m) {
		t.Errorf("page %+v, %v", page, err)
	}
	if m := set(portal.Reaction{Sign: "👍"}); m.Reactions != nil || m.Version != 4 {
		t.Errorf("none are left: %+v", m)
	}
	many := make([]portal.Reaction, portal.MaxReactions+1)
	for i := range many {
		many[i] = portal.Reaction{Sign: fmt.Sprint(i), By: []portal.Address{bob}}
	}
	_, err := s.ChangeRoomMessage(ctx, lobby, 1, func(m *portal.RoomMessage) error { m.Reactions = many; return nil }, none)
	wantMeaning(t, err, portal.ErrInvalid)
}

func testRoomPins(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	made(t, s, lobby, bob)
	for i := range portal.MaxPins + 2 {
		utter(t, s, utterance(lobby, i))
	}
	pin := func(place int64, on bool) error {
		_, err := s.ChangeRoomMessage(ctx, lobby, place, func(m *portal.RoomMessage) error { m.Pinned = on; return nil }, none)
		return err
	}
	for _, place := range []int64{3, 1, 2} {
		must(t, pin(place, true))
	}
	must(t, pin(1, true)) // it is already
	must(t, pin(3, false))
	must(t, pin(3, true)) // and is the newest now
	places := func(first int64) (list []int64) {
		pinned, err := s.PinnedMessages(ctx, lobby, first)
		must(t, err)
		for _, m := range pinned {
			if list = append(list, m.Place); !m.Pinned {
				t.Errorf("%+v", m)
			}
		}
		return list
	}
	if got := places(0); !slices.Equal(got, []int64{3, 2, 1}) {
		t.Errorf("pinned %v", got)
	}
	if got := places(2); !slices.Equal(got, []int64{3, 2}) {
		t.Errorf("pinned from 2 on: %v", got)
	}
	for place := int64(4); place <= portal.MaxPins; place++ {
		must(t, pin(place, true))
	}
	wantMeaning(t, pin(portal.MaxPins+1, true), portal.ErrConflict)
	must(t, pin(7, false))
	must(t, pin(portal.MaxPins+1, true))
	if got := places(0); len(got) != portal.MaxPins || got[0] != portal.MaxPins+1 {
		t.Errorf("pinned %v", got)
	}
}

func testRoomFiles(t *testing.T, open Open) {
	clock := newClock()
	s := start(t, open, storage.Options{Now: clock.now, UpkeepEvery: 5 * time.Millisecond})
	ctx := deadline(t)
	made(t, s, lobby, bob)
	made(t, s, trio, bob)
	list := []portal.File{
		{ID: "f2", Name: "b <x>.png", Type: "image/png", Size: 1 << 33, Width: 640, Height: 480}, {ID: "f1", Name: "a.txt", Type: "text/plain", Size: 5},
	}
	for _, f := range list {
		must(t, s.AddFile(ctx, lobby, bob, f, "blob-"+f.ID))
	}
	must(t, s.AddFile(ctx, lobby, carol, portal.File{ID: "carol's"}, "blob-f1"))
	must(t, s.AddFile(ctx, trio, bob, portal.File{ID: "trio's"}, "blob"))
	wantMeaning(t, s.AddFile(ctx, lobby, bob, list[0], "x"), portal.ErrConflict)
	wantMeaning(t, s.AddFile(ctx, "sip:none@rooms.example.test", bob, portal.File{ID: "x"}, "x"), portal.ErrNotFound)
	wantMeaning(t, s.AddFile(ctx, lobby, bob, portal.File{ID: "x"}, ""), portal.ErrInvalid)
	file := func(uri portal.Address, id string) (place int64, err error) {
		f, by, place, blob, err := s.File(ctx, uri, id)
		if i := slices.IndexFunc(list, func(f portal.File) bool { return f.ID == id }); i >= 0 && err == nil && (f != list[i] || by != bob || blob != "blob-"+id) {
			t.Errorf("file %+v by %s, %q", f, by, blob)
		}
		return place, err
	}
	if place, err := file(lobby, "f1"); err != nil || place != 0 {
		t.Errorf("a file that waits: %d, %v", place, err)
	}
	for _, id := range []string{"carol's", "trio's"} { // another one's, and another room's
		m := utterance(lobby, 1)
		m.Files = []portal.File{list[1], {ID: id}}
		_, _, err := s.AddRoomMessage(ctx, m, nil)
		wantMeaning(t, err, portal.ErrNotFound)
	}
	m := utterance(lobby, 1)
	m.Files = []portal.File{{ID: "f2"}, {ID: "f1", Name: "as the sender says"}}
	if got := utter(t, s, m); !reflect.DeepEqual(got.Files, list) {
		t.Errorf("files %+v", got.Files)
	}
	if place, err := file(lobby, "f2"); err != nil || place != 1 {
		t.Errorf("a file of a message: %d, %v", place, err)
	}
	_, err := file(trio, "f2")
	wantMeaning(t, err, portal.ErrNotFound)
	twice := utterance(lobby, 2)
	twice.Files = list[:1]
	_, _, err = s.AddRoomMessage(ctx, twice, nil)
	wantMeaning(t, err, portal.ErrNotFound)
	_, err = s.ChangeRoomMessage(ctx, lobby, 1, func(m *portal.RoomMessage) error { m.Files = append(m.Files, portal.File{ID: "trio's"}); return nil }, none)
	wantMeaning(t, err, portal.ErrInvalid)
	got, err := s.ChangeRoomMessage(ctx, lobby, 1, func(m *portal.RoomMessage) error { m.Files = m.Files[1:]; return nil }, none)
	if err != nil || !reflect.DeepEqual(got.Files, list[1:]) {
		t.Errorf("with one less: %+v, %v", got, err)
	}
	_, err = file(lobby, "f2")
	wantMeaning(t, err, portal.ErrNotFound)
	clock.advance(25 * time.Hour)
	eventually(t, "files that waited in vain are forgotten", func() bool {
		_, err := file(trio, "trio's")
		return errors.Is(err, portal.ErrNotFound)
	})
	for blob, want := range map[string]bool{"blob-f1": true, "blob-f2": false} {
		if used, err := s.BlobUsed(ctx, blob); err != nil || used != want {
			t.Errorf("%s is used: %v, %v", blob, used, err)
		}
	}
	if place, err := file(lobby, "f1"); err != nil || place != 1 {
		t.Errorf("the file of the message: %d, %v", place, err)
	}
}

func wantMentions(t *testing.T, s Store, want map[portal.Address][]int64) {
	t.Helper()
	got := map[portal.Address][]int64{}
	must(t, s.LoadMentions(deadline(t), func(who, uri portal.Address, place int64) error {
		if uri == lobby {
			got[who] = append(got[who], place)
		}
		return nil
	}))
	if !reflect.DeepEqual(got, want) {
		t.Errorf("mentions %v, want %v", got, want)
	}
}

func testRoomMentions(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	made(t, s, lobby, alice, bob, carol)
	made(t, s, trio, alice)
	utter(t, s, utterance(trio, 1), alice)
	for i := 1; i <= 4; i++ {
		utter(t, s, utterance(lobby, i), alice, carol, alice, bob, "sip:stranger@example.test")
	}
	wantMentions(t, s, map[portal.Address][]int64{alice: {1, 2, 3, 4}, carol: {1, 2, 3, 4}})
	must(t, s.MarkRoomRead(ctx, lobby, alice, 2))
	must(t, s.DropMember(ctx, lobby, carol))
	wantMentions(t, s, map[portal.Address][]int64{alice: {3, 4}})
	m := utterance(lobby, 5)
	m.From = alice
	utter(t, s, m) // who speaks has read
	wantMentions(t, s, map[portal.Address][]int64{})
	_, err := s.ChangeRoomMessage(ctx, lobby, 4, func(m *portal.RoomMessage) error { m.Mentions = []portal.Address{alice}; return nil }, none)
	must(t, err)
	wantMentions(t, s, map[portal.Address][]int64{}) // she has read it
}

func testRoomRead(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	made(t, s, lobby, alice, bob)
	for i := range 5 {
		utter(t, s, utterance(lobby, i))
	}
	head, err := s.EventHead(ctx)
	must(t, err)
	ev := portal.Addressed{For: []portal.Address{alice}, Event: portal.RoomEvent{ID: lobby, Change: portal.Updated, What: portal.RoomRead}}
	for i, c := range []struct{ upTo, mark, told int64 }{{2, 2, 1}, {1, 2, 1}, {2, 2, 1}, {99, 5, 2}, {0, 5, 2}} {
		must(t, s.MarkRoomRead(ctx, lobby, alice, c.upTo, ev))
		mark := loadMembers(t, s)[[2]portal.Address{lobby, alice}].ReadUpTo
		if told := len(all(t, s, alice, head)); mark != c.mark || int64(told) != c.told {
			t.Errorf("step %d: mark %d, told %d; want %+v", i, mark, told, c)
		}
	}
	if mark := loadMembers(t, s)[[2]portal.Address{lobby, bob}].ReadUpTo; mark != 5 {
		t.Errorf("who said it has read up to %d", mark)
	}
	must(t, s.MarkRoomRead(ctx, lobby, carol, 0, ev)) // who is not there has nothing to read
	if evs := all(t, s, bob, head); len(evs) != 0 {
		t.Errorf("bob was told of alice's mark: %+v", evs)
	}
}

func testRoomRetention(t *testing.T, open Open) {
	clock := newClock()
	s := start(t, open, storage.Options{RoomRetention: time.Hour, UpkeepEvery: 5 * time.Millisecond, Now: clock.now})
	ctx := deadline(t)
	made(t, s, lobby, alice, bob)
	must(t, s.AddFile(ctx, lobby, bob, portal.File{ID: "f"}, "blob"))
	for i := 1; i <= 600; i++ { // more than one slice
		m := utterance(lobby, i)
		switch i {
		case 1:
			m.Files = []portal.File{{ID: "f"}}
		case 2:
			m.Text = "👍" // has no words
		}
		utter(t, s, m, alice)
	}
	change := func(place int64, f func(m *portal.RoomMessage)) {
		t.Helper()
		_, err := s.ChangeRoomMessage(ctx, lobby, place, func(m *portal.RoomMessage) error { f(m); return nil }, none)
		must(t, err)
	}
	change(5, func(m *portal.RoomMessage) { m.Pinned = true })
	change(6, func(m *portal.RoomMessage) { m.Reactions = []portal.Reaction{{Sign: "x", By: []portal.Address{alice}}} })
	clock.advance(50 * time.Minute)
	young := utterance(lobby, 601)
	young.Replies = 3
	utter(t, s, young, alice)
	clock.advance(20 * time.Minute)
	var page []portal.RoomMessage
	eventually(t, "old messages gone", func() bool {
		var err error
		page, err = s.RoomMessages(ctx, lobby, 0, portal.RoomPage{Limit: 500})
		must(t, err)
		return len(page) == 2
	})
	if page[0].Place != 5 || page[1].Place != 601 || page[1].Replies != 3 || page[1].Quote != nil {
		t.Errorf("left are %+v", page)
	}
	wantMentions(t, s, map[portal.Address][]int64{alice: {5, 601}})
	wantFound(t, s, "text", 601, 5)
	_, _, _, _, err := s.File(ctx, lobby, "f")
	wantMeaning(t, err, portal.ErrNotFound)
	if got := utter(t, s, utterance(lobby, 700)); got.Place != 602 {
		t.Errorf("the next place is %d", got.Place)
	}
	change(5, func(m *portal.RoomMessage) { m.Pinned = false })
	eventually(t, "what is not pinned any more is gone too", func() bool {
		_, err := s.RoomMessage(ctx, lobby, 5)
		return errors.Is(err, portal.ErrNotFound)
	})
}
