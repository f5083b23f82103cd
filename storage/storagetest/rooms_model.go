package storagetest

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"portico/app/portal"
	"portico/storage"
)

// roomModel is what a room is by its rules: a list of messages, a map of members, and whom each event was for.
type roomModel struct {
	messages []portal.RoomMessage
	members  map[portal.Address]portal.Membership
	mentions map[portal.Address][]int64
	// logs are the numbers of each person's events, seq the newest of all.
	logs map[portal.Address][]int64
	seq  int64
}

func (m *roomModel) tell(ev portal.Addressed) {
	m.seq++
	people := ev.For
	if ev.Audience != "" {
		people = slices.Collect(maps.Keys(m.members))
	}
	for _, who := range people {
		m.logs[who] = append(m.logs[who], m.seq)
	}
}

// testRoomModel does what comes by chance to a room and to plain lists, and wants both to be the same.
func testRoomModel(t *testing.T, open Open) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			g := rand.New(rand.NewPCG(seed, 5))
			s := start(t, open, storage.Options{})
			made(t, s, lobby)
			m := &roomModel{members: map[portal.Address]portal.Membership{}, mentions: map[portal.Address][]int64{}, logs: map[portal.Address][]int64{}}
			people := []portal.Address{alice, bob, carol, "sip:dave@example.test"}
			for range 250 {
				m.step(t, s, g, people[g.IntN(len(people))], people)
			}
			m.compare(t, s, g, people)
		})
	}
}

func (m *roomModel) step(t *testing.T, s Store, g *rand.Rand, who portal.Address, people []portal.Address) {
	t.Helper()
	ctx := deadline(t)
	mine, inside := m.members[who]
	switch g.IntN(9) {
	case 0:
		next := member(lobby, who)
		next.Role = []portal.RoomRole{portal.RoleMember, portal.RoleManager}[g.IntN(2)]
		next.ReadUpTo = int64(g.IntN(len(m.messages) + 1))
		must(t, s.PutMember(ctx, next, roomEvent(lobby, portal.RoomMembers)))
		next.ReadUpTo = max(next.ReadUpTo, mine.ReadUpTo)
		m.members[who] = next
		m.tell(roomEvent(lobby, portal.RoomMembers))
	case 1:
		must(t, s.DropMember(ctx, lobby, who, roomEvent(lobby, portal.RoomMembers)))
		delete(m.members, who)
		delete(m.mentions, who)
		if inside {
			m.tell(roomEvent(lobby, portal.RoomMembers))
		}
	case 2:
		own := portal.Addressed{For: []portal.Address{who}, Event: portal.RoomEvent{ID: lobby, What: portal.RoomRead}}
		upTo := int64(g.IntN(len(m.messages) + 2))
		must(t, s.MarkRoomRead(ctx, lobby, who, upTo, own))
		if upTo == 0 || upTo > int64(len(m.messages)) {
			upTo = int64(len(m.messages))
		}
		if m.read(who, upTo) {
			m.tell(own)
		}
	case 3, 4:
		if len(m.messages) > 0 {
			m.change(t, s, g, who)
		}
	default:
		m.say(t, s, g, who, people)
	}
}

func (m *roomModel) read(who portal.Address, upTo int64) (moved bool) {
	mine, inside := m.members[who]
	if !inside || upTo <= mine.ReadUpTo {
		return false
	}
	mine.ReadUpTo = upTo
	m.members[who] = mine
	if m.mentions[who] = slices.DeleteFunc(m.mentions[who], func(place int64) bool { return place <= upTo }); len(m.mentions[who]) == 0 {
		delete(m.mentions, who)
	}
	return true
}

func (m *roomModel) mention(who portal.Address, place int64) {
	if mine, inside := m.members[who]; inside && mine.ReadUpTo < place && !slices.Contains(m.mentions[who], place) {
		m.mentions[who] = append(m.mentions[who], place)
		slices.Sort(m.mentions[who])
	}
}

func (m *roomModel) say(t *testing.T, s Store, g *rand.Rand, who portal.Address, people []portal.Address) {
	t.Helper()
	said := utterance(lobby, len(m.messages))
	said.From, said.Text = who, fmt.Sprintf("word%d common%d", g.IntN(5), g.IntN(2))
	var named []portal.Address
	if g.IntN(3) == 0 {
		named = []portal.Address{people[g.IntN(len(people))]}
		said.Mentions = named
	}
	if n := len(m.messages); n > 0 && g.IntN(3) == 0 {
		said.Replies = int64(g.IntN(n)) + 1
	}
	if n := len(m.messages); n > 0 && g.IntN(5) == 0 { // a repeat of an earlier one
		said = m.messages[g.IntN(n)]
	}
	stored, created, err := s.AddRoomMessage(deadline(t), said, named, aboutRoom(said))
	must(t, err)
	if !created {
		if said.Place == 0 || stored.Place != said.Place {
			t.Fatalf("%+v was there already", stored)
		}
		return
	}
	said.Place, said.Version = int64(len(m.messages))+1, 1
	m.messages = append(m.messages, said)
	for _, who := range named {
		m.mention(who, said.Place)
	}
	m.read(who, said.Place)
	m.tell(aboutRoom(said))
}

func (m *roomModel) change(t *testing.T, s Store, g *rand.Rand, who portal.Address) {
	t.Helper()
	at := g.IntN(len(m.messages))
	pinned := 0
	for _, have := range m.messages {
		if have.Pinned {
			pinned++
		}
	}
	kind, word, other := g.IntN(4), fmt.Sprintf("edited word%d", g.IntN(5)), m.messages[g.IntN(len(m.messages))].From
	apply := func(msg *portal.RoomMessage) error {
		switch kind {
		case 0:
			msg.Text, msg.EditedAt, msg.Mentions = word, noon(), []portal.Address{other}
		case 1:
			msg.Pinned = !msg.Pinned && pinned < portal.MaxPins
		case 2:
			msg.Text, msg.DeletedAt, msg.DeletedBy, msg.Reactions = "", noon(), who, nil
		case 3:
			msg.Reactions = append(msg.Reactions, portal.Reaction{Sign: fmt.Sprint(len(msg.Reactions)), By: []portal.Address{who}})
			msg.Reactions = msg.Reactions[:min(len(msg.Reactions), 3)]
		}
		return nil
	}
	was := m.messages[at]
	next := was
	next.Reactions = slices.Clone(was.Reactions)
	must(t, apply(&next))
	_, err := s.ChangeRoomMessage(deadline(t), lobby, was.Place, apply, func(portal.RoomMessage) []portal.Addressed {
		return []portal.Addressed{roomEvent(lobby, portal.RoomMessageChanged)}
	})
	must(t, err)
	if reflect.DeepEqual(was, next) {
		return
	}
	next.Version++
	m.messages[at] = next
	switch {
	case !next.DeletedAt.IsZero():
		for who, places := range m.mentions {
			if m.mentions[who] = slices.DeleteFunc(places, func(p int64) bool { return p == next.Place }); len(m.mentions[who]) == 0 {
				delete(m.mentions, who)
			}
		}
	case kind == 0:
		for _, who := range was.Mentions {
			if !slices.Contains(next.Mentions, who) {
				if m.mentions[who] = slices.DeleteFunc(m.mentions[who], func(p int64) bool { return p == next.Place }); len(m.mentions[who]) == 0 {
					delete(m.mentions, who)
				}
			}
		}
		if !slices.Contains(was.Mentions, other) && other != next.From {
			m.mention(other, next.Place)
		}
	}
	m.tell(roomEvent(lobby, portal.RoomMessageChanged))
}

// compare wants the store to be as the model.
func (m *roomModel) compare(t *testing.T, s Store, g *rand.Rand, people []portal.Address) {
	t.Helper()
	got, err := s.RoomMessages(deadline(t), lobby, 0, portal.RoomPage{Limit: 500})
	must(t, err)
	for i := range m.messages {
		if want := &m.messages[i]; want.Replies > 0 {
			q := m.messages[want.Replies-1]
			want.Quote = &portal.RoomQuote{Place: q.Place, From: q.From, Text: q.Text}
		}
	}
	if !reflect.DeepEqual(got, m.messages) {
		for i := range min(len(got), len(m.messages)) {
			if !reflect.DeepEqual(got[i], m.messages[i]) {
				t.Errorf("message %d is %+v, want %+v", i, got[i], m.messages[i])
				break
			}
		}
		t.Errorf("%d messages, want %d", len(got), len(m.messages))
	}
	members := map[portal.Address]portal.Membership{}
	for key, member := range loadMembers(t, s) {
		members[key[1]] = member
	}
	if !reflect.DeepEqual(members, m.members) {
		t.Errorf("members %+v, want %+v", members, m.members)
	}
	wantMentions(t, s, m.mentions)
	for n := range 5 {
		word := fmt.Sprintf("word%d", n)
		var places []int64
		for _, msg := range slices.Backward(m.messages) {
			if slices.Contains(strings.Fields(msg.Text), word) && len(places) < 50 {
				places = append(places, msg.Place)
			}
		}
		wantFound(t, s, word, places...)
	}
	for _, who := range people {
		wantLog(t, s, who, int64(g.IntN(int(m.seq)+1)), 1+g.IntN(60), m.logs[who])
		wantLog(t, s, who, 0, 100, m.logs[who])
	}
	if r := loadRooms(t, s)[lobby]; r.Members != len(m.members) || r.Last != int64(len(m.messages)) || !r.LastAt.Equal(lastAt(m.messages)) {
		t.Errorf("room %+v", r)
	}
}

func lastAt(list []portal.RoomMessage) time.Time {
	if len(list) == 0 {
		return time.Time{}
	}
	return list[len(list)-1].At
}
