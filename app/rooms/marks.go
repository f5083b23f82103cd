package rooms

// Read marks, counts, and of what people want to hear.

import (
	"context"
	"slices"

	"portico/app/policy"
	"portico/app/portal"
)

// maxReaders is how many of those who have read a message are named.
const maxReaders = 100

// MarkRead moves who's read mark to a place, 0: to the newest message. It never goes back. Errors: ErrNotFound,
// ErrForbidden, ErrUnavailable.
func (s *Service) MarkRead(ctx context.Context, who, at portal.Address, place int64) error {
	r, release, err := s.take(ctx, at, 1)
	if err != nil {
		return err
	}
	defer release()
	_, v, err := s.reader(who, r.address(s))
	if err != nil {
		return err
	}
	if place <= 0 || place > v.room.Last {
		place = v.room.Last
	}
	if place <= v.mine.ReadUpTo {
		return nil
	}
	if err := s.store.MarkRoomRead(ctx, v.room.URI, who, place, v.personal(who, portal.RoomEvent{What: portal.RoomRead})); err != nil {
		return err
	}
	s.mu.Lock()
	if m := r.members[who]; m != nil {
		m.read(place)
	}
	s.mu.Unlock()
	s.news.person(who)
	return nil
}

// address is where the room is now.
func (r *room) address(s *Service) portal.Address {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return r.URI
}

// ReadBy tells who has read a message, its sender left out: at most 100 of them in the order in which they came, and
// how many they are. Who hides from the reader is not counted. Members only.
func (s *Service) ReadBy(ctx context.Context, who, at portal.Address, place int64) (by []portal.Address, total int, err error) {
	m, err := s.Message(ctx, who, at, place)
	if err != nil {
		return nil, 0, err
	}
	r, _, err := s.reader(who, at)
	if err != nil {
		return nil, 0, err
	}
	s.mu.RLock()
	var have []portal.Address
	for _, w := range r.people {
		if n := r.members[w]; w != m.From && n.ReadUpTo >= place && n.First <= place {
			have = append(have, w)
		}
	}
	s.mu.RUnlock()
	have = slices.DeleteFunc(have, func(w portal.Address) bool { return s.o.Hidden(w, who) })
	return have[:min(len(have), maxReaders)], len(have), nil
}

// Notify sets of what who is notified. Errors: ErrInvalid ("room.notify"), ErrNotFound, ErrForbidden.
func (s *Service) Notify(ctx context.Context, who, at portal.Address, n portal.RoomNotify) error {
	if !n.Valid() {
		return portal.Fail(portal.ErrInvalid, "room.notify")
	}
	r, release, err := s.take(ctx, at, everything)
	if err != nil {
		return err
	}
	defer release()
	_, v, err := s.reader(who, r.address(s))
	if err != nil || v.mine.Notify == n {
		return err
	}
	m := v.mine
	m.Notify = n
	return s.put(ctx, r, m, v.personal(who, portal.RoomEvent{What: portal.RoomRead}))
}

// Words gives the words who watches beside their own name.
func (s *Service) Words(ctx context.Context, who portal.Address) ([]string, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if p := s.people[who]; p != nil {
		return slices.Clone(p.words), ctx.Err()
	}
	return nil, ctx.Err()
}

// SetWords replaces them; what was said before is not looked through again. Errors: ErrInvalid (as policy.Words).
func (s *Service) SetWords(ctx context.Context, who portal.Address, words []string) error {
	words, err := policy.Words(words)
	if err != nil {
		return err
	}
	if err := s.wording.Acquire(ctx, 1); err != nil { // so that memory ends with what the store ends with
		return portal.Fail(portal.ErrUnavailable, "room.busy").Because(err)
	}
	defer s.wording.Release(1)
	if err := s.store.PutWords(ctx, who, words); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watch(who, words)
	return nil
}

// Unread counts who's unread messages, and those of them that name them or a word they watch, by room: only rooms
// that have any.
func (s *Service) Unread(ctx context.Context, who portal.Address) (unread, mentions map[portal.Address]int, err error) {
	unread, mentions = map[portal.Address]int{}, map[portal.Address]int{}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if p := s.people[who]; p != nil {
		for r, m := range p.rooms {
			if absent(m.Membership) {
				continue
			}
			if n := r.unread(m); n > 0 {
				unread[r.URI] = n
			}
			if n := len(m.mentions); n > 0 {
				mentions[r.URI] = n
			}
		}
	}
	return unread, mentions, ctx.Err()
}
