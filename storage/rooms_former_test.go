package storage_test

import (
	"maps"
	"testing"

	"portico/app/portal"
	"portico/storage"
)

// TestLoadFormer: all addresses that a room had lead to the one it has now.
func TestLoadFormer(t *testing.T) {
	s, _ := running(t, storage.Options{})
	plan(t, s, portal.GroupRoom)
	former := func() map[portal.Address]portal.Address {
		t.Helper()
		all := map[portal.Address]portal.Address{}
		must(t, s.LoadFormer(t.Context(), func(former, room portal.Address) error {
			all[former] = room
			return nil
		}))
		return all
	}
	if all := former(); len(all) != 0 {
		t.Errorf("of a room that was never renamed: %v", all)
	}
	was := roomPlan
	for _, name := range []string{"second", "third"} {
		uri := portal.Address("sip:" + name + "@rooms.example.test")
		must(t, s.PutRoom(t.Context(), portal.Room{URI: uri, Name: name, Kind: portal.LastingRoom, Access: portal.RoomClosed}, was))
		was = uri
	}
	want := map[portal.Address]portal.Address{roomPlan: was, "sip:second@rooms.example.test": was}
	if all := former(); !maps.Equal(all, want) {
		t.Errorf("former addresses %v, want %v", all, want)
	}
}
