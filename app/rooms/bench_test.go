package rooms

import (
	"context"
	"fmt"
	"strconv"
	"testing"

	"portico/app/policy"
	"portico/app/portal"
)

// idle is a store that only counts places.
type idle struct {
	Store
	last int64
}

func (s *idle) AddRoomMessage(_ context.Context, m portal.RoomMessage, _ []portal.Address, _ ...portal.Addressed) (portal.RoomMessage, bool, error) {
	s.last++
	m.Place = s.last
	return m, true, nil
}

func (s *idle) CreateRoom(context.Context, portal.Room, []portal.Membership, ...portal.Addressed) error {
	return nil
}

// crowded is a service with a room of so many people, each of whom watches so many words.
func crowded(b *testing.B, people, words int) (*Service, portal.Address, portal.Address) {
	s := New(&idle{}, nil, nil, Options{Domain: "rooms.test", Rate: 1e9, Burst: 1e9, NameOf: func(who portal.Address) string { return "Person " + who.User() }})
	var who []portal.Address
	for i := range people {
		who = append(who, portal.Address(fmt.Sprintf("sip:u%d@example.test", i)))
	}
	e, err := s.Create(context.Background(), who[0], portal.RoomDraft{Title: "Crowd", Members: who[1:]})
	if err != nil {
		b.Fatal(err)
	}
	for i, w := range who {
		var watched []string
		for n := range words {
			watched = append(watched, fmt.Sprintf("word%d", i*words+n))
		}
		s.watch(w, watched)
	}
	return s, e.URI, who[0]
}

const benchText = "Does anybody know why the build of the release branch is red since this morning? I have looked at the log, and it seems that word77 fails. @u4 please look."

// Saying something must not cost more in a large room.
func BenchmarkSay(b *testing.B) {
	for _, people := range []int{10, 500, 5000} {
		b.Run(strconv.Itoa(people), func(b *testing.B) {
			s, at, from := crowded(b, people, 10)
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				n++
				if _, err := s.Say(context.Background(), from, at, portal.RoomSaying{ID: strconv.Itoa(n), Text: benchText}); err != nil {
					b.Fatal(err)
				}
				if n%1000 == 0 { // somebody reads now and then
					for _, r := range s.rooms {
						for _, m := range r.members {
							m.mentions = nil
						}
					}
				}
			}
		})
	}
}

// Finding who is meant costs by the words of the text, not by the people or what they watch.
func BenchmarkMentions(b *testing.B) {
	for _, people := range []int{10, 500, 5000} {
		b.Run(fmt.Sprintf("%dx50", people), func(b *testing.B) {
			s, at, from := crowded(b, people, 50)
			words, handles := policy.Tokens(benchText), policy.Handles(benchText)
			r := s.rooms[at]
			b.ReportAllocs()
			for b.Loop() {
				if m := s.means(r, from, words, handles); len(m.mentions) != 1 {
					b.Fatal(m)
				}
			}
		})
	}
	b.Run("text", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if len(policy.Tokens(benchText)) == 0 || len(policy.Handles(benchText)) != 1 {
				b.Fatal("nothing found")
			}
		}
	})
}

func BenchmarkJoin(b *testing.B) {
	s, at, _ := crowded(b, 5000, 0)
	r := s.rooms[at]
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		n++
		who := portal.Address("sip:new" + strconv.Itoa(n%1000) + "@example.test")
		s.enter(r, portal.Membership{Who: who, Role: portal.RoleMember})
		s.leave(r, who)
	}
}
