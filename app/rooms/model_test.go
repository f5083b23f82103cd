package rooms_test

// The promise as a whole: whatever people do and whoever restarts, rights, what is unread and what may be read are
// those of a model that is too plain to be wrong.

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"portico/app/portal"
	"portico/app/rooms"
)

// modelRoom is a room as one would write it down.
type modelRoom struct {
	access   portal.RoomAccess
	whole    bool
	archived bool
	said     []string // senders
	deleted  map[int]bool
	members  map[portal.Address]*modelMember
}

type modelMember struct {
	role      portal.RoomRole
	first     int // index of the first message they may read
	read      int // messages up to this one are read
	mentioned []int
}

// model is a house with what should be in it.
type model struct {
	*house
	r     *rand.Rand
	rooms map[portal.Address]*modelRoom
	who   []portal.Address
	n     int
}

func TestModel(t *testing.T) {
	rounds := 6
	if testing.Short() {
		rounds = 2
	}
	for range rounds {
		seed := rand.Uint64()
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			m := &model{house: build(t, rooms.Options{Rate: 1e6, Burst: 1e6}), r: rand.New(rand.NewPCG(seed, 5)),
				rooms: map[portal.Address]*modelRoom{}, who: []portal.Address{alice, bob, carol, dave, erin}}
			for i, access := range []portal.RoomAccess{portal.RoomOpen, portal.RoomClosed, portal.RoomSecret, portal.RoomOpen} {
				days := 0
				if i%2 == 1 {
					days = portal.WholeHistory
				}
				at := m.room(portal.RoomDraft{Title: fmt.Sprint("Room ", i), Access: access, HistoryDays: days})
				m.rooms[at] = &modelRoom{access: access, whole: days != 0, deleted: map[int]bool{},
					members: map[portal.Address]*modelMember{alice: {role: portal.RoleManager}}}
			}
			for range 400 {
				m.step()
			}
			m.check()
		})
	}
}

// pick chooses a room, the same for the same seed.
func (m *model) pick() (portal.Address, *modelRoom) {
	at := slices.Sorted(maps.Keys(m.rooms))[m.r.IntN(len(m.rooms))]
	return at, m.rooms[at]
}

// expect compares an answer with what the model thinks of it.
func (m *model) expect(what string, err error, ok bool) bool {
	m.t.Helper()
	if (err == nil) != ok {
		m.t.Fatalf("%s: %v, the model says %t", what, err, ok)
	}
	return ok
}

func (m *model) step() {
	ctx := m.t.Context()
	at, r := m.pick()
	who, other := m.who[m.r.IntN(len(m.who))], m.who[m.r.IntN(len(m.who))]
	me, them := r.members[who], r.members[other]
	manager := me != nil && me.role == portal.RoleManager
	switch m.r.IntN(16) {
	case 0, 1:
		_, err := m.Join(ctx, who, at)
		if m.expect("join", err, me != nil || r.access == portal.RoomOpen && !r.archived) && me == nil {
			m.comes(r, who, portal.RoleMember)
		}
	case 2:
		if m.expect("leave", m.Leave(ctx, who, at), me != nil && !(manager && m.managers(r) == 1)) {
			delete(r.members, who)
		}
	case 3, 4:
		role := []portal.RoomRole{portal.RoleMember, portal.RoleMember, portal.RolePresenter, portal.RoleManager}[m.r.IntN(4)]
		m.put(at, r, who, other, role)
	case 5:
		ok := them != nil && (manager && !r.archived || who == other) && !(them.role == portal.RoleManager && m.managers(r) == 1)
		if m.expect("remove", m.RemoveMember(ctx, who, at, other), ok) {
			delete(r.members, other)
		}
	case 6:
		archived := m.r.IntN(3) == 0
		_, err := m.Change(ctx, who, at, portal.RoomChange{Archived: &archived})
		if m.expect("archive", err, manager) {
			r.archived = archived
		}
	case 7:
		place := m.r.IntN(len(r.said)+2) - 1
		if m.expect("read", m.MarkRead(ctx, who, at, int64(max(place, 0))), me != nil) {
			if place <= 0 || place > len(r.said) {
				place = len(r.said)
			}
			me.reads(place)
		}
	case 8:
		m.deletes(at, r, who, me)
	case 9:
		if m.r.IntN(4) == 0 {
			m.restart()
		}
	default:
		m.talks(at, r, who, me, other)
	}
}

func (m *model) comes(r *modelRoom, who portal.Address, role portal.RoomRole) {
	n := &modelMember{role: role, read: len(r.said)}
	if !r.whole {
		n.first = len(r.said)
	}
	r.members[who] = n
}

func (n *modelMember) reads(place int) {
	n.read = max(n.read, place)
	n.mentioned = slices.DeleteFunc(n.mentioned, func(p int) bool { return p <= n.read })
}

func (m *model) managers(r *modelRoom) int {
	n := 0
	for _, member := range r.members {
		if member.role == portal.RoleManager {
			n++
		}
	}
	return n
}

func (m *model) put(at portal.Address, r *modelRoom, who, other portal.Address, role portal.RoomRole) {
	me, them := r.members[who], r.members[other]
	manager := me != nil && me.role == portal.RoleManager
	var ok bool
	switch {
	case me == nil && r.access == portal.RoomSecret:
	case me != nil && r.archived:
	case them == nil:
		ok = manager || me != nil && r.access == portal.RoomOpen && role == portal.RoleMember
	case them.role == role:
		ok = true
	default:
		ok = manager && !(them.role == portal.RoleManager && m.managers(r) == 1)
	}
	if !m.expect(fmt.Sprintf("%s makes %s %s", who, other, role), m.PutMember(m.t.Context(), who, at, other, role), ok) {
		return
	}
	if them == nil {
		m.comes(r, other, role)
	} else {
		them.role = role
	}
}

func (m *model) talks(at portal.Address, r *modelRoom, who portal.Address, me *modelMember, other portal.Address) {
	m.n++
	text := fmt.Sprint("message ", m.n)
	if m.r.IntN(3) == 0 {
		text += ", " + other.User()
	}
	said, err := m.Say(m.t.Context(), who, at, portal.RoomSaying{ID: fmt.Sprint(m.n), Text: text})
	if !m.expect("say", err, me != nil && !r.archived) {
		return
	}
	r.said = append(r.said, text)
	if said.Place != int64(len(r.said)) {
		m.t.Fatalf("place %d, the model says %d", said.Place, len(r.said))
	}
	me.reads(len(r.said))
	if n := r.members[other]; n != nil && other != who && strings.HasSuffix(text, other.User()) {
		n.mentioned = append(n.mentioned, len(r.said))
	}
}

func (m *model) deletes(at portal.Address, r *modelRoom, who portal.Address, me *modelMember) {
	if len(r.said) == 0 || me == nil || me.role != portal.RoleManager {
		return
	}
	place := 1 + m.r.IntN(len(r.said))
	if m.expect("delete", m.Delete(m.t.Context(), who, at, int64(place)), place > me.first && (!r.archived || r.deleted[place])) {
		r.deleted[place] = true
		for _, n := range r.members {
			n.mentioned = slices.DeleteFunc(n.mentioned, func(p int) bool { return p == place })
		}
	}
}

// check compares everything that everybody sees.
func (m *model) check() {
	for _, who := range m.who {
		mine, err := m.Mine(m.t.Context(), who)
		fine(m.t, "mine", err)
		var follows []portal.Address
		for _, e := range mine {
			follows = append(follows, e.URI)
		}
		unread, mentions, err := m.Unread(m.t.Context(), who)
		fine(m.t, "unread", err)
		for at, r := range m.rooms {
			n := r.members[who]
			if (n != nil) != slices.Contains(follows, at) {
				m.t.Errorf("%s follows %s: %t", who, at, n == nil)
			}
			e, err := m.Get(m.t.Context(), who, at)
			if (err == nil) != (n != nil || r.access != portal.RoomSecret) {
				m.t.Errorf("%s sees %s: %v", who, at, err)
			}
			ms, err := m.Messages(m.t.Context(), who, at, portal.RoomPage{Limit: 200})
			if (err == nil) != (n != nil) {
				m.t.Errorf("%s reads %s: %v", who, at, err)
			}
			if n != nil {
				m.compare(fmt.Sprintf("%s in %s", who, at), r, n, e, ms, unread[at], mentions[at])
			}
		}
	}
}

func (m *model) compare(what string, r *modelRoom, n *modelMember, e portal.RoomEntry, ms []portal.RoomMessage, unread, mentions int) {
	if e.Mine.Role != n.role || e.Mine.First != int64(n.first)+1 || e.Mine.ReadUpTo != int64(n.read) || e.Archived != r.archived || e.Members != len(r.members) {
		m.t.Errorf("%s: %+v, the model says %+v", what, e, n)
	}
	if left := len(r.said) - max(n.read, n.first); e.Unread != left || unread != left || e.Mentions != len(n.mentioned) || mentions != len(n.mentioned) {
		m.t.Errorf("%s: %d (%d) unread, %d (%d) mentions; the model says %d and %d", what, e.Unread, unread, e.Mentions, mentions, left, len(n.mentioned))
	}
	var got, want []string
	for _, msg := range ms {
		got = append(got, msg.Text)
	}
	for i := n.first; i < len(r.said); i++ {
		if r.deleted[i+1] {
			want = append(want, "")
		} else {
			want = append(want, r.said[i])
		}
	}
	if want = want[max(0, len(want)-200):]; !slices.Equal(got, want) {
		m.t.Errorf("%s: reads %q, the model says %q", what, got, want)
	}
}
