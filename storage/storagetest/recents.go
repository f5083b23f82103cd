package storagetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"portico/app/portal"
	"portico/storage"
)

func testRecents(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	say := func(peer portal.Address, minute int) {
		at := noon().Add(time.Duration(minute) * time.Minute)
		m := portal.Message{Owner: alice, Conversation: peer, From: peer, ID: fmt.Sprint(peer, minute), Text: "x", At: at, State: portal.Received}
		add(t, s, m)
	}
	call := func(from portal.Address, minute int) {
		c := missedCall(minute)
		c.From = from
		must(t, s.PutCall(ctx, c))
	}
	want := func(limit int, who ...portal.Address) {
		t.Helper()
		list, err := s.Recents(ctx, alice, limit)
		must(t, err)
		var got []portal.Address
		for i, r := range list {
			got = append(got, r.URI)
			if i > 0 && r.At.After(list[i-1].At) {
				t.Errorf("%v is behind %v", r, list[i-1])
			}
		}
		if !slices.Equal(got, who) {
			t.Errorf("recent are %v, want %v", got, who)
		}
	}
	const dave, erin = portal.Address("sip:dave@example.test"), portal.Address("sip:erin@example.test")
	want(0)
	say(bob, 1)
	say(carol, 2)
	call(dave, 3)
	call("", 4) // a hidden number
	want(0, dave, carol, bob)
	say(bob, 5)
	call(carol, 6)
	call(dave, 7)
	call(carol, 8)
	say(dave, 9)
	want(0, dave, carol, bob)
	want(2, dave, carol)
	if list, err := s.Recents(ctx, alice, 1); err != nil || len(list) != 1 || !list[0].At.Equal(noon().Add(9*time.Minute)) {
		t.Errorf("the newest is %+v, %v", list, err)
	}
	say(erin, 10)
	must(t, s.DeleteCall(ctx, alice, "c8"))
	say(alice, 11) // notes to oneself
	want(0, erin, dave, carol, bob)
	// Rooms are no people: those of this portal, and those of the SIP server, known by who speaks there.
	must(t, s.CreateRoom(ctx, room(lobby), nil))
	say(lobby, 12)
	foreign := portal.Address("sip:plan@rooms.example.test")
	for i, from := range []portal.Address{bob, carol} {
		add(t, s, portal.Message{Owner: alice, Conversation: foreign, From: from, ID: fmt.Sprint("r", i), Text: "x", At: noon().Add(13 * time.Minute), State: portal.Received})
	}
	want(0, erin, dave, carol, bob)
	for i := range 1100 { // so many calls of one person hide earlier ones, but nobody who is among the conversations
		call(erin, 20+i)
	}
	want(0, erin, dave, bob, carol)
	if list, err := s.Recents(ctx, bob, 0); err != nil || len(list) != 0 {
		t.Errorf("bob's: %v, %v", list, err)
	}
}
