package rooms

// What is kept in memory of rooms and people: all but what is said.

import (
	"cmp"
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
}

// mine is who's membership, the zero value where they have none. Called with the lock held.
func (r *room) mine(who portal.Address) portal.Membership {
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

// Load reads all rooms, members, mentions and words from the store. It is called once, before anything is served.
func (s *Service) Load(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.store.LoadRooms(ctx, func(r portal.Room) error {
		s.rooms[r.URI] = newRoom(r)
		return nil
	})
	if err != nil {
		return err
	}
	err = s.store.LoadMembers(ctx, func(m portal.Membership) error {
		if r := s.rooms[m.Room]; r != nil && r.members[m.Who] == nil {
			s.enter(r, m)
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = s.store.LoadMentions(ctx, func(who, at portal.Address, place int64) error {
		if r := s.rooms[at]; r != nil && r.members[who] != nil {
			r.members[who].mention(place)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.store.LoadWords(ctx, func(who portal.Address, words []string) error {
		s.watch(who, words)
		return nil
	})
}

// enter puts a member into a room and into the index of names. Called with the lock held.
func (s *Service) enter(r *room, m portal.Membership) {
	p := s.person(m.Who)
	p.rooms[r] = r.add(m)
	if len(p.rooms) == 1 {
		s.name(m.Who, p)
	}
	if m.SIP && len(r.sip) == 1 {
		s.carrier.open(r, r.Last+1)
	}
}

// leave takes a member out again. Called with the lock held.
func (s *Service) leave(r *room, who portal.Address) {
	r.remove(who)
	p := s.people[who]
	delete(p.rooms, r)
	if len(p.rooms) == 0 {
		s.index.set(who, nil, nil)
		if len(p.words) == 0 {
			delete(s.people, who)
		}
	}
	if len(r.sip) == 0 {
		s.carrier.close(r)
	}
}

// person is who's entry, made where it is missing. Called with the lock held.
func (s *Service) person(who portal.Address) *person {
	p := s.people[who]
	if p == nil {
		p = &person{rooms: map[*room]*member{}}
		s.people[who] = p
	}
	return p
}

// watch replaces the words who watches. Called with the lock held.
func (s *Service) watch(who portal.Address, words []string) {
	p := s.person(who)
	p.words = words
	if len(p.rooms) > 0 {
		s.name(who, p)
	} else if len(words) == 0 {
		delete(s.people, who)
	}
}

// name puts somebody into the index under the name they have now. Called with the lock held.
func (s *Service) name(who portal.Address, p *person) {
	p.name = s.o.NameOf(who)
	p.sorts = policy.Fold(cmp.Or(p.name, who.User()))
	s.index.set(who, phrases(who, p.name, p.words), handles(who, p.name))
}

// names follows changes of display names.
func (s *Service) names() {
	s.mu.RLock()
	had := make(map[portal.Address]string, len(s.people))
	for who, p := range s.people {
		if len(p.rooms) > 0 {
			had[who] = p.name
		}
	}
	s.mu.RUnlock()
	for who, name := range had {
		if s.o.NameOf(who) == name {
			continue
		}
		s.mu.Lock()
		if p := s.people[who]; p != nil && len(p.rooms) > 0 {
			s.name(who, p)
		}
		s.mu.Unlock()
	}
}

// called is what somebody is called in a text.
func (s *Service) called(who portal.Address) string { return cmp.Or(s.o.NameOf(who), who.User()) }

func notFound() error { return portal.Fail(portal.ErrNotFound, "room.not-found") }

// take gives the room and lets the caller in with the weight n; release lets go. ErrNotFound, or ErrUnavailable
// ("room.busy") when ctx ends first.
func (s *Service) take(ctx context.Context, at portal.Address, n int64) (r *room, release func(), err error) {
	s.mu.RLock()
	r = s.rooms[at]
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
}

// look gives the room as who sees it; ErrNotFound where they must not know of it.
func (s *Service) look(r *room, who portal.Address) (sight, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	v := sight{r.Room, r.mine(who), slices.Clip(r.people)}
	if !policy.SeesRoom(v.room, v.mine) {
		return sight{}, notFound()
	}
	return v, nil
}

// peek is look for who reads nothing that changes under it: without a turn.
func (s *Service) peek(who, at portal.Address) (*room, sight, error) {
	s.mu.RLock()
	r := s.rooms[at]
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
