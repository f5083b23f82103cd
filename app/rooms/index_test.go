package rooms

import (
	"fmt"
	"testing"

	"portico/app/portal"
)

// Nothing stays in memory of people who have left and watch nothing.
func TestWhoIsGoneIsForgotten(t *testing.T) {
	name := "Ann Other"
	s := New(nil, nil, nil, Options{NameOf: func(portal.Address) string { return name }})
	r, q := newRoom(portal.Room{URI: "sip:r@rooms.test"}), newRoom(portal.Room{URI: "sip:q@rooms.test"})
	for i := range 100 {
		who := portal.Address(fmt.Sprintf("sip:u%d@x.test", i))
		s.enter(r, portal.Membership{Who: who, SIP: i%2 == 0})
		s.enter(q, portal.Membership{Who: who})
		s.watch(who, []string{"release", fmt.Sprint("word", i)})
	}
	if n := len(s.index.phrases["ann other"].who); n != 100 {
		t.Fatalf("%d people are called by their name", n)
	}
	name = "Ann Else"
	s.names()
	if s.index.phrases["ann other"] != nil || len(s.index.handles["annelse"]) != 100 || len(s.index.handles["annother"]) != 0 {
		t.Error("a name that changed is not followed")
	}
	for i := range 100 {
		who := portal.Address(fmt.Sprintf("sip:u%d@x.test", i))
		s.leave(r, who)
		if len(s.index.of[who].handles) == 0 {
			t.Errorf("%s is in another room", who)
		}
		s.leave(q, who)
		s.watch(who, nil)
	}
	x := s.index
	if n := len(x.phrases) + len(x.starts) + len(x.handles) + len(x.of) + len(s.people) + len(s.carrier.orders); n != 0 {
		t.Errorf("%d phrases, %d beginnings, %d handles, %d entries, %d people, %d orders stay", len(x.phrases), len(x.starts), len(x.handles), len(x.of), len(s.people), len(s.carrier.orders))
	}
}

// A slice that was handed out stays as it was, whoever comes and goes.
func TestPeopleThatWereHandedOutStay(t *testing.T) {
	s := New(nil, nil, nil, Options{})
	r := newRoom(portal.Room{URI: "sip:r@rooms.test", Access: portal.RoomOpen})
	var given [][]portal.Address
	var wrote []string
	for i := range 200 {
		s.enter(r, portal.Membership{Who: portal.Address(fmt.Sprintf("sip:u%d@x.test", i)), Role: portal.RoleMember})
		if i%3 == 0 {
			s.leave(r, r.people[i/6])
		}
		v, err := s.look(r, "")
		if err != nil {
			t.Fatal(err)
		}
		given, wrote = append(given, v.people), append(wrote, fmt.Sprint(v.people))
	}
	for i := range given {
		if fmt.Sprint(given[i]) != wrote[i] {
			t.Fatalf("the people of moment %d have changed", i)
		}
	}
}
