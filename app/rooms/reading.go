package rooms

// Reading: rooms as lists show them, what was said, what was found.

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"portico/app/policy"
	"portico/app/portal"
)

const (
	// maxWith is how many of a group's people a list names.
	maxWith = 8
	// maxQuery is the longest text that is searched for, in bytes.
	maxQuery = 200
)

// Address gives the address of a room by its name or its URI, in any case of letters; ErrNotFound where no room can
// have it.
func (s *Service) Address(name string) (portal.Address, error) {
	if name := strings.ToLower(name); policy.RoomName(name) == nil {
		return portal.Address("sip:" + name + "@" + s.o.Domain), nil
	}
	a, err := portal.ParseAddress(name)
	if err != nil || !s.IsRoom(a) && !s.IsServerRoom(a) {
		return "", notFound()
	}
	return s.plain(a), nil
}

// plain is the address as rooms have it: their names are in lower case.
func (s *Service) plain(a portal.Address) portal.Address {
	if s.IsRoom(a) {
		return portal.Address(strings.ToLower(string(a)))
	}
	return a
}

// IsRoom reports whether an address is in the rooms' domain; there need not be such a room.
func (s *Service) IsRoom(a portal.Address) bool { return a != "" && a.Domain() == s.o.Domain }

// Rights says what the person of an entry may do in its room; who is the person it was made for.
func (s *Service) Rights(entry portal.RoomEntry, who portal.Address) policy.RoomRights {
	if entry.Mine.Role.Valid() && entry.Mine.Who != who {
		return policy.RoomRights{}
	}
	return policy.RightsIn(entry.Room, entry.Mine)
}

// Get gives one room as who sees it. Who is no member gets what lists tell of it. ErrNotFound.
func (s *Service) Get(ctx context.Context, who, at portal.Address) (portal.RoomEntry, error) {
	if s.IsServerRoom(at) {
		return s.server.entry(who, at), nil
	}
	r, _, err := s.peek(who, at)
	if err != nil {
		return portal.RoomEntry{}, err
	}
	if err := s.learn(ctx, who, r); err != nil {
		return portal.RoomEntry{}, err
	}
	s.mu.RLock()
	e := s.entry(r, who)
	s.mu.RUnlock()
	return s.preview(ctx, who, e)
}

// Mine gives the rooms who follows: those with something unread first, then by their last message (or when they were
// made), newest first.
func (s *Service) Mine(ctx context.Context, who portal.Address) ([]portal.RoomEntry, error) {
	s.mu.RLock()
	rooms := s.followed(who)
	s.mu.RUnlock()
	for _, r := range rooms {
		if err := s.learn(ctx, who, r); err != nil {
			return nil, err
		}
	}
	s.mu.RLock()
	entries := make([]portal.RoomEntry, 0, len(rooms))
	for _, r := range rooms {
		if r.members[who] != nil { // they may have left meanwhile
			entries = append(entries, s.entry(r, who))
		}
	}
	s.mu.RUnlock()
	for i, e := range entries {
		var err error
		if entries[i], err = s.preview(ctx, who, e); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(entries, func(a, b portal.RoomEntry) int {
		return cmp.Or(-cmp.Compare(min(a.Unread, 1), min(b.Unread, 1)), -moment(a).Compare(moment(b)), cmp.Compare(a.URI, b.URI))
	})
	return entries, nil
}

// followed are the rooms of which who is a member, in no order. Called with the lock held.
func (s *Service) followed(who portal.Address) []*room {
	p := s.people[who]
	if p == nil {
		return nil
	}
	rooms := make([]*room, 0, len(p.rooms))
	for r, m := range p.rooms {
		if !absent(m.Membership) {
			rooms = append(rooms, r)
		}
	}
	return rooms
}

// learn reads a room's newest message where it is not known and who may see it.
func (s *Service) learn(ctx context.Context, who portal.Address, r *room) error {
	s.mu.RLock()
	known, changes, at, last := r.known || !r.mine(who).Role.Valid(), r.changes, r.URI, r.Last
	s.mu.RUnlock()
	if known || last == 0 {
		return nil
	}
	ms, err := s.store.RoomMessages(ctx, at, 1, portal.RoomPage{Limit: 1})
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.known || r.changes != changes {
		return nil
	}
	if r.known = true; len(ms) > 0 {
		r.newest = &ms[0]
	}
	return nil
}

// entry is the room as who sees it in a list. Called with the lock held.
func (s *Service) entry(r *room, who portal.Address) portal.RoomEntry {
	e := portal.RoomEntry{Room: r.Room}
	m := r.members[who]
	if m == nil || absent(m.Membership) {
		e.Last, e.LastAt = 0, time.Time{} // how much is said there is the members' affair
		return e
	}
	e.Mine, e.Unread, e.Mentions = m.Membership, r.unread(m), len(m.mentions)
	if r.newest != nil && r.newest.Place >= m.First && !s.outlived(r.newest) {
		newest := shown(m.Membership, *r.newest)
		e.Newest = &newest
	}
	if r.Kind == portal.GroupRoom {
		for _, w := range r.people {
			if w != who && len(e.With) < maxWith {
				e.With = append(e.With, w)
			}
		}
	}
	return e
}

// outlived reports whether a message is kept no longer; the store may have removed it.
func (s *Service) outlived(m *portal.RoomMessage) bool {
	return s.o.Retention > 0 && !m.Pinned && s.now().Sub(m.At) >= s.o.Retention
}

// moment is by what a list of rooms is ordered.
func moment(e portal.RoomEntry) time.Time {
	if e.LastAt.IsZero() {
		return e.CreatedAt
	}
	return e.LastAt
}

// Find gives the rooms to find and join whose title, name or topic has words that begin with those of q: best known
// ones first. Limit is 50 where zero, at most 200.
func (s *Service) Find(ctx context.Context, who portal.Address, q string, limit int) ([]portal.RoomEntry, error) {
	if len(q) > maxQuery {
		return nil, portal.Fail(portal.ErrInvalid, "room.query")
	}
	words := policy.Tokens(q)
	if len(words) == 0 && strings.TrimSpace(q) != "" {
		return nil, ctx.Err()
	}
	s.mu.RLock()
	var found []*room
	for _, r := range s.rooms {
		if policy.FindsRoom(r.Room, r.mine(who)) && matches(r.found, words) {
			found = append(found, r)
		}
	}
	slices.SortFunc(found, func(a, b *room) int {
		return cmp.Or(-cmp.Compare(a.Members, b.Members), cmp.Compare(a.Title, b.Title), cmp.Compare(a.URI, b.URI))
	})
	entries := make([]portal.RoomEntry, 0, min(len(found), size(limit)))
	for _, r := range found[:min(len(found), size(limit))] {
		entries = append(entries, s.entry(r, who))
	}
	s.mu.RUnlock()
	return entries, ctx.Err()
}

// Messages gives a stretch of what was said in a room, newest last, and nothing from before who may read. Page.Limit
// is 50 where zero, at most 200. Members only.
func (s *Service) Messages(ctx context.Context, who, at portal.Address, page portal.RoomPage) ([]portal.RoomMessage, error) {
	_, v, err := s.reader(who, at)
	if err != nil {
		return nil, err
	}
	if page.Before < 0 || page.After < 0 || page.Around < 0 {
		return nil, portal.Fail(portal.ErrInvalid, "room.place")
	}
	first, err := s.first(ctx, who, v.room, v.mine)
	if err != nil {
		return nil, err
	}
	page.Limit = size(page.Limit)
	return s.store.RoomMessages(ctx, v.room.URI, first, page)
}

// first is the first place of a room that somebody is shown.
func (s *Service) first(ctx context.Context, who portal.Address, r portal.Room, mine portal.Membership) (int64, error) {
	first := max(1, mine.First)
	if r.Kind != portal.GroupRoom {
		return first, nil
	}
	past, err := s.o.Past(ctx, who, r.URI)
	return max(first, min(past, mine.ReadUpTo)+1), err
}

// preview is an entry without its newest message where that is past.
func (s *Service) preview(ctx context.Context, who portal.Address, e portal.RoomEntry) (portal.RoomEntry, error) {
	if e.Newest == nil {
		return e, nil
	}
	first, err := s.first(ctx, who, e.Room, e.Mine)
	if e.Newest.Place < first {
		e.Newest = nil
	}
	return e, err
}

// Message gives one message. Members only; ErrNotFound ("message.not-found").
func (s *Service) Message(ctx context.Context, who, at portal.Address, place int64) (portal.RoomMessage, error) {
	_, v, err := s.reader(who, at)
	if err != nil {
		return portal.RoomMessage{}, err
	}
	first, err := s.first(ctx, who, v.room, v.mine)
	if err != nil {
		return portal.RoomMessage{}, err
	}
	if place < first {
		return portal.RoomMessage{}, portal.Fail(portal.ErrNotFound, "message.not-found")
	}
	m, err := s.store.RoomMessage(ctx, v.room.URI, place)
	return shown(v.mine, m), err
}

// Pinned gives a room's pinned messages, newest pin first. Members only.
func (s *Service) Pinned(ctx context.Context, who, at portal.Address) ([]portal.RoomMessage, error) {
	_, v, err := s.reader(who, at)
	if err != nil {
		return nil, err
	}
	first, err := s.first(ctx, who, v.room, v.mine)
	if err != nil {
		return nil, err
	}
	return s.store.PinnedMessages(ctx, v.room.URI, first)
}

// Search finds messages by their words in one room, or (at empty) in all of who's, newest first; next is the cursor
// of the page behind. Q.Peer names a room as at does. ErrForbidden ("history.forbidden") where Options.MaySearch says no.
func (s *Service) Search(ctx context.Context, who, at portal.Address, q portal.HistoryQuery) (hits []portal.Hit, next string, err error) {
	if len(q.Q) > maxQuery {
		return nil, "", portal.Fail(portal.ErrInvalid, "room.query")
	}
	may, err := s.o.MaySearch(ctx, who)
	if err != nil {
		return nil, "", err
	}
	if !may {
		return nil, "", portal.Fail(portal.ErrForbidden, "history.forbidden")
	}
	q.Limit = size(q.Limit)
	at = cmp.Or(at, q.Peer)
	var spans []portal.RoomSpan
	if at == "" {
		spans = s.spans(who, q.Kind)
	} else {
		_, v, err := s.reader(who, at)
		if err != nil {
			return nil, "", err
		}
		spans = []portal.RoomSpan{{Room: v.room.URI, First: max(1, v.mine.First)}}
	}
	if len(spans) == 0 {
		return nil, "", ctx.Err()
	}
	q.Peer = ""
	return s.store.SearchRooms(ctx, spans, q)
}

// Spans are the rooms and groups that who may read, and from which message on, in the order of their addresses.
func (s *Service) Spans(who portal.Address) []portal.RoomSpan { return s.spans(who, "") }

// spans is Spans for one kind of room, or for all.
func (s *Service) spans(who portal.Address, kind portal.EpisodeKind) []portal.RoomSpan {
	s.mu.RLock()
	var spans []portal.RoomSpan
	for _, r := range s.followed(who) {
		if kind == "" || kind == portal.EpisodeGroup && r.Kind == portal.GroupRoom || kind == portal.EpisodeRoom && r.Kind == portal.LastingRoom {
			spans = append(spans, portal.RoomSpan{Room: r.URI, First: max(1, r.members[who].First)})
		}
	}
	s.mu.RUnlock()
	slices.SortFunc(spans, func(a, b portal.RoomSpan) int { return cmp.Compare(a.Room, b.Room) })
	return spans
}
