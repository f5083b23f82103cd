package rooms

// What is kept in memory of rooms and people: all but what is said.

import (
	"context"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/semaphore"

	"portico/app/policy"
	"portico/app/portal"
)

// everything is the weight of a room's turn that leaves nobody else in.
const everything = 1 << 20

// room is one room. Who changes it or its members holds all of turn while the store writes and memory follows; who
// says something or reads holds one part, so that people talk at the same time and a newcomer finds everything either
// said before or told to them. All else belongs to Service.mu.
type room struct {
	turn *semaphore.Weighted

	portal.Room
	members map[portal.Address]*member
	// people are the members in the order in which they came, sip those of them with a client of their own. Both are
	// shared with events: they only grow behind their ends, and are made anew when somebody goes.
	people, sip []portal.Address
	// newest is the last message where known is set (nil: there is none); changes counts changes of messages, so that
	// one read before a change does not replace one of after it.
	newest  *portal.RoomMessage
	known   bool
	changes int
	// late is the place from which on every member may read: the greatest First of those who are or were there.
	late int64
	// absent are those of people who are there by name only.
	absent []portal.Address
	// unsure: a message may be in the store of which memory has not heard.
	unsure bool
	// found is what Find looks in.
	found []string
}

// member is somebody in a room; mentions are the places of unread messages that name them, ascending.
type member struct {
	portal.Membership
	mentions []int64
}

// person is somebody who is in a room or watches words.
type person struct {
	rooms map[*room]*member
	words []string
	name  string
	// sorts is the name as lists are ordered by.
	sorts string
}

func newRoom(r portal.Room) *room {
	n := &room{turn: semaphore.NewWeighted(everything), Room: r, members: map[portal.Address]*member{}}
	n.Members = 0
	n.settle()
	return n
}

// settle follows a change of the room's texts. Called with the lock held.
func (r *room) settle() { r.found = policy.Tokens(r.Title + " " + r.Name + " " + r.Topic) }

// add puts m in. Called with the lock held.
func (r *room) add(m portal.Membership) *member {
	n := &member{Membership: m}
	r.members[m.Who] = n
	r.reach(m)
	r.people = append(r.people, m.Who)
	r.Members = len(r.people)
	if m.SIP {
		r.sip = append(r.sip, m.Who)
	}
	return n
}

// remove takes who out. Called with the lock held.
func (r *room) remove(who portal.Address) {
	delete(r.members, who)
	r.people = without(r.people, who)
	r.sip = without(r.sip, who)
	r.absent = without(r.absent, who)
	r.Members = len(r.people)
}

// without is list, made anew, but for who.
func without(list []portal.Address, who portal.Address) []portal.Address {
	i := slices.Index(list, who)
	if i < 0 {
		return list
	}
	return slices.Concat(list[:i], list[i+1:])
}

// replace gives somebody's membership its new form. Called with the lock held.
func (r *room) replace(m portal.Membership) {
	n := r.members[m.Who]
	if n.SIP && !m.SIP {
		r.sip = without(r.sip, m.Who)
	} else if m.SIP && !n.SIP {
		r.sip = append(r.sip, m.Who)
	}
	n.Membership = m
	r.absent = without(r.absent, m.Who)
	r.reach(m)
}

// reach notes from where on m may read, or that they may not at all. Called with the lock held.
func (r *room) reach(m portal.Membership) {
	if absent(m) {
		r.absent = append(slices.Clip(r.absent), m.Who)
		return
	}
	r.late = max(r.late, m.First)
}

// mine is who's membership as they may know of it, the zero value where they have none. Called with the lock held.
func (r *room) mine(who portal.Address) portal.Membership {
	if m := r.listed(who); !absent(m) {
		return m
	}
	return portal.Membership{}
}

// listed is who's membership as the others see it. Called with the lock held.
func (r *room) listed(who portal.Address) portal.Membership {
	if m := r.members[who]; m != nil {
		return m.Membership
	}
	return portal.Membership{}
}

// managers is the number of managers, at most two. Called with the lock held.
func (r *room) managers() int {
	n := 0
	for _, m := range r.members {
		if m.Role == portal.RoleManager {
			if n++; n == 2 {
				break
			}
		}
	}
	return n
}

// read moves a member's mark. Called with the lock held; it reports whether anything changed.
func (m *member) read(upTo int64) bool {
	if upTo <= m.ReadUpTo {
		return false
	}
	m.ReadUpTo = upTo
	i, found := slices.BinarySearch(m.mentions, upTo)
	if found {
		i++
	}
	m.mentions = slices.Delete(m.mentions, 0, i)
	return true
}

// mention notes that an unread message names the member. Called with the lock held.
func (m *member) mention(place int64) {
	if place <= m.ReadUpTo {
		return
	}
	if i, there := slices.BinarySearch(m.mentions, place); !there {
		m.mentions = slices.Insert(m.mentions, i, place)
	}
}

// unmention takes a mention away. Called with the lock held.
func (m *member) unmention(place int64) {
	if i, there := slices.BinarySearch(m.mentions, place); there {
		m.mentions = slices.Delete(m.mentions, i, i+1)
	}
}

// unread counts what a member has not read. Called with the lock held.
func (r *room) unread(m *member) int {
	return int(max(0, r.Last-max(m.ReadUpTo, m.First-1)))
}

func notFound() error { return portal.Fail(portal.ErrNotFound, "room.not-found") }

// at is the room that has an address, or had it before; nil: there is none. Called with the lock held.
func (s *Service) at(at portal.Address) *room {
	if r := s.rooms[at]; r != nil {
		return r
	}
	return s.former[at]
}

// take gives the room and lets the caller in with the weight n; release lets go. ErrNotFound, or ErrUnavailable
// ("room.busy") when ctx ends first.
func (s *Service) take(ctx context.Context, at portal.Address, n int64) (r *room, release func(), err error) {
	s.mu.RLock()
	r = s.at(at)
	s.mu.RUnlock()
	if r == nil {
		return nil, nil, notFound()
	}
	if err := r.turn.Acquire(ctx, n); err != nil {
		return nil, nil, portal.Fail(portal.ErrUnavailable, "room.busy").Because(err)
	}
	return r, func() { r.turn.Release(n) }, nil
}

// sight is a room as it was at one moment for one person.
type sight struct {
	room   portal.Room
	mine   portal.Membership
	people []portal.Address
	late   int64
	absent []portal.Address
}

// look gives the room as who sees it; ErrNotFound where they must not know of it.
func (s *Service) look(r *room, who portal.Address) (sight, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	v := sight{r.Room, r.mine(who), slices.Clip(r.people), r.late, r.absent}
	if !policy.SeesRoom(v.room, v.mine) {
		return sight{}, notFound()
	}
	return v, nil
}

// peek is look for who reads nothing that changes under it: without a turn.
func (s *Service) peek(who, at portal.Address) (*room, sight, error) {
	s.mu.RLock()
	r := s.at(at)
	s.mu.RUnlock()
	if r == nil {
		return nil, sight{}, notFound()
	}
	v, err := s.look(r, who)
	return r, v, err
}

// reader is peek for what only members may read.
func (s *Service) reader(who, at portal.Address) (*room, sight, error) {
	r, v, err := s.peek(who, at)
	if err == nil && !policy.RightsIn(v.room, v.mine).Read {
		err = portal.Fail(portal.ErrForbidden, "room.members-only")
	}
	return r, v, err
}

// event is for everybody who follows the room.
func (v sight) event(e portal.RoomEvent) portal.Addressed {
	e.ID = v.room.URI
	if e.Change == "" {
		e.Change = portal.Updated
	}
	return v.addressed(e)
}

// addressed is e for everybody who follows the room: by name where some of them are not to hear of it.
func (v sight) addressed(e portal.Durable) portal.Addressed {
	if len(v.absent) > 0 {
		return portal.Addressed{For: but(v.people, v.absent), Event: e}
	}
	return portal.Addressed{For: v.people, Audience: v.room.URI, Event: e}
}

// personal is for one person alone.
func (v sight) personal(who portal.Address, e portal.RoomEvent) portal.Addressed {
	e.ID, e.Change = v.room.URI, portal.Updated
	return portal.Addressed{For: []portal.Address{who}, Event: e}
}

// now is the service's clock.
func (s *Service) now() time.Time { return s.o.Now().UTC() }

// matches reports whether each word of q is the beginning of a word of found.
func matches(found, q []string) bool {
	for _, w := range q {
		if !slices.ContainsFunc(found, func(f string) bool { return strings.HasPrefix(f, w) }) {
			return false
		}
	}
	return true
}
