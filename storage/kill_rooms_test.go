package storage_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"portico/app/portal"
	"portico/storage"
)

// roomTag begins the tags of children that talk in a room.
const roomTag = "room"

// roomChild is a child that talks in a room, with somebody who comes and goes.
func roomChild(s *storage.Store, say func(string, ...any)) {
	ctx, tag := context.Background(), os.Getenv(childTag)
	err := s.CreateRoom(ctx, lobbyRoom(), []portal.Membership{lobbyMember(alice), lobbyMember(bob)})
	if err != nil && !errors.Is(err, portal.ErrConflict) { // an earlier child has made it
		say("error %v", err)
		return
	}
	var crew sync.WaitGroup
	crew.Go(func() {
		for {
			if err := errors.Join(s.PutMember(ctx, lobbyMember("sip:guest@example.test")), s.DropMember(ctx, lobby, "sip:guest@example.test")); err != nil {
				say("error %v", err)
				return
			}
		}
	})
	for w := range childCrew {
		crew.Go(func() {
			for i := 0; ; i++ {
				m, ev := uttered(fmt.Sprintf("%s-%d-%d", tag, w, i))
				stored, _, err := s.AddRoomMessage(ctx, m, []portal.Address{alice}, ev)
				if err != nil {
					say("error %v", err)
					return
				}
				say("ack %d %s", stored.Place, stored.ID)
			}
		})
	}
	crew.Wait()
}

// TestRoomKilled: whenever the portal is killed, the places of a room are 1, 2, 3 … with one event each in the same order, what was
// acknowledged is there, and the index finds it.
func TestRoomKilled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "portico.db")
	acks := map[string]int64{}
	for round, enough := range []int{1, 200, 400} {
		a, told := burst(t, path, fmt.Sprint(roomTag, round), enough)
		for id, place := range a {
			acks[id] = place
		}
		places := roomAfterKill(t, path)
		for id, place := range acks {
			if places[id] != place {
				t.Errorf("round %d: %s was acknowledged at place %d, found at %d", round, id, place, places[id])
			}
		}
		for id := range told {
			if places[id] == 0 {
				t.Errorf("round %d: the sink was told of %s, which is not there", round, id)
			}
		}
	}
}

// roomAfterKill reads all that is in the room after a reopening and holds it against itself.
func roomAfterKill(t *testing.T, path string) map[string]int64 {
	t.Helper()
	ctx := t.Context()
	s, err := storage.Open(ctx, storage.Options{DSN: "sqlite:" + path, EventBound: 1 << 30})
	must(t, err)
	defer func() { must(t, s.Close()) }()
	must(t, storage.Sound(s))
	places := map[string]int64{}
	page := portal.RoomPage{Around: 1, Limit: 500}
	for {
		list, err := s.RoomMessages(ctx, lobby, 0, page)
		must(t, err)
		if len(list) == 0 {
			break
		}
		for _, m := range list {
			if _, twice := places[m.ID]; twice || m.Place != int64(len(places))+1 || m.Text != "text of "+m.ID {
				t.Fatalf("%+v stands behind %d", m, len(places))
			}
			places[m.ID] = m.Place
		}
		page = portal.RoomPage{After: int64(len(places)), Limit: 500}
	}
	events, last := 0, int64(0)
	for since := int64(0); ; {
		evs, resync, err := s.EventsSince(ctx, alice, since, 500)
		if err != nil || resync {
			t.Fatalf("events since %d: resync %v, %v", since, resync, err)
		}
		if len(evs) == 0 {
			break
		}
		for _, e := range evs {
			since = e.Seq
			ev := e.Event.(portal.MessageEvent)
			if events++; ev.Order != last+1 || places[ev.ID] != ev.Order || ev.Room.Place != ev.Order {
				t.Fatalf("event %d is of %s at place %d", events, ev.ID, ev.Order)
			}
			last = ev.Order
		}
	}
	if events != len(places) {
		t.Errorf("%d messages, %d events", len(places), events)
	}
	mentions := 0
	must(t, s.LoadMentions(ctx, func(who, _ portal.Address, _ int64) error {
		mentions++
		return nil
	}))
	must(t, s.LoadRooms(ctx, func(r portal.Room) error {
		if r.Last != last || mentions != len(places) {
			t.Errorf("room %+v, %d mentions, last %d", r, mentions, last)
		}
		return nil
	}))
	found, cursor := 0, ""
	for {
		hits, next, err := s.SearchRooms(ctx, []portal.RoomSpan{{Room: lobby}}, portal.HistoryQuery{Q: "text room", Limit: 200, Cursor: cursor})
		must(t, err)
		found += len(hits)
		if cursor = next; next == "" {
			break
		}
	}
	if found != len(places) {
		t.Errorf("%d messages, %d found", len(places), found)
	}
	return places
}
