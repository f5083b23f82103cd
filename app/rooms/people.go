package rooms

// Who is where, and under which names: read from the store at the start, and kept in step with what is written.

import (
	"cmp"
	"context"

	"portico/app/policy"
	"portico/app/portal"
)

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
	err = s.store.LoadFormer(ctx, func(former, at portal.Address) error {
		if r := s.rooms[at]; r != nil {
			s.former[former] = r
		}
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
