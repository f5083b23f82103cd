package rooms_test

// A store and a blob store in memory that keep what they are given, as the real ones do; what those do is tested with
// themselves.

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"

	"portico/app/portal"
)

type memRoom struct {
	desc     portal.Room
	members  map[portal.Address]portal.Membership
	messages []portal.RoomMessage // by place
	pins     []int64
	mentions map[portal.Address]map[int64]bool
}

type memFile struct {
	file  portal.File
	by    portal.Address
	place int64
	blob  string
}

type fileKey struct {
	room portal.Address
	id   string
}

// memStore is a Store. Before is asked at each writing call and may refuse it; after may lose its answer.
type memStore struct {
	mu     sync.Mutex
	rooms  map[portal.Address]*memRoom
	former map[portal.Address]portal.Address
	words  map[portal.Address][]string
	files  map[fileKey]memFile
	events []portal.Addressed
	reads  int
	before func(op string) error
	after  func(op string) error
}

func newMemStore() *memStore {
	return &memStore{rooms: map[portal.Address]*memRoom{}, former: map[portal.Address]portal.Address{}, words: map[portal.Address][]string{},
		files: map[fileKey]memFile{}}
}

// write runs f under the lock; evs are logged where it is done.
func (s *memStore) write(op string, evs []portal.Addressed, f func() error) error {
	s.mu.Lock()
	before, after := s.before, s.after
	s.mu.Unlock()
	if before != nil {
		if err := before(op); err != nil {
			return err
		}
	}
	s.mu.Lock()
	err := f()
	if err == nil {
		s.events = append(s.events, evs...)
	}
	s.mu.Unlock()
	if err == nil && after != nil {
		err = after(op)
	}
	return err
}

func (s *memStore) told() []portal.Addressed {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.events)
}

func gone(key string) error { return portal.Fail(portal.ErrNotFound, key) }

func (s *memStore) LoadRooms(_ context.Context, each func(portal.Room) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.rooms {
		desc := r.desc
		desc.Members, desc.Last = len(r.members), int64(len(r.messages))
		if n := len(r.messages); n > 0 {
			desc.LastAt = r.messages[n-1].At
		}
		if err := each(desc); err != nil {
			return err
		}
	}
	return nil
}

func (s *memStore) LoadFormer(_ context.Context, each func(former, room portal.Address) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for former, at := range s.former {
		if err := each(former, at); err != nil {
			return err
		}
	}
	return nil
}

func (s *memStore) LoadMembers(_ context.Context, each func(portal.Membership) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.rooms {
		for _, m := range r.members {
			if err := each(m); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *memStore) LoadMentions(_ context.Context, each func(who, room portal.Address, place int64) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for at, r := range s.rooms {
		for who, places := range r.mentions {
			for _, p := range slices.Sorted(maps.Keys(places)) {
				if err := each(who, at, p); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (s *memStore) LoadWords(_ context.Context, each func(portal.Address, []string) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for who, words := range s.words {
		if err := each(who, words); err != nil {
			return err
		}
	}
	return nil
}

func (s *memStore) PutWords(_ context.Context, who portal.Address, words []string) error {
	return s.write("PutWords", nil, func() error { s.words[who] = words; return nil })
}

func (s *memStore) CreateRoom(_ context.Context, r portal.Room, members []portal.Membership, evs ...portal.Addressed) error {
	return s.write("CreateRoom", evs, func() error {
		if s.rooms[r.URI] != nil || s.former[r.URI] != "" {
			return portal.Fail(portal.ErrConflict, "room.exists")
		}
		n := &memRoom{desc: r, members: map[portal.Address]portal.Membership{}, mentions: map[portal.Address]map[int64]bool{}}
		for _, m := range members {
			n.members[m.Who] = m
		}
		s.rooms[r.URI] = n
		return nil
	})
}

func (s *memStore) PutRoom(_ context.Context, r portal.Room, renamed portal.Address, evs ...portal.Addressed) error {
	return s.write("PutRoom", evs, func() error {
		at := r.URI
		if renamed != "" {
			if s.rooms[at] != nil || s.former[at] != "" {
				return portal.Fail(portal.ErrConflict, "room.exists")
			}
			s.rooms[at] = s.rooms[renamed]
			delete(s.rooms, renamed)
			s.former[renamed] = at
			for key, f := range maps.Clone(s.files) {
				if key.room == renamed {
					delete(s.files, key)
					s.files[fileKey{at, key.id}] = f
				}
			}
			for who, m := range s.rooms[at].members {
				m.Room = at
				s.rooms[at].members[who] = m
			}
			for i := range s.rooms[at].messages {
				s.rooms[at].messages[i].Room = at
			}
		}
		if s.rooms[at] == nil {
			return gone("room.not-found")
		}
		s.rooms[at].desc = r
		return nil
	})
}

func (s *memStore) PutMember(_ context.Context, m portal.Membership, evs ...portal.Addressed) error {
	return s.write("PutMember", evs, func() error {
		r := s.rooms[m.Room]
		if r == nil {
			return gone("room.not-found")
		}
		m.ReadUpTo = max(m.ReadUpTo, r.members[m.Who].ReadUpTo)
		r.members[m.Who] = m
		return nil
	})
}

func (s *memStore) DropMember(_ context.Context, room, who portal.Address, evs ...portal.Addressed) error {
	return s.write("DropMember", evs, func() error {
		if s.rooms[room] == nil {
			return gone("room.not-found")
		}
		delete(s.rooms[room].members, who)
		delete(s.rooms[room].mentions, who)
		return nil
	})
}

func (s *memStore) AddRoomMessage(_ context.Context, m portal.RoomMessage, named []portal.Address, evs ...portal.Addressed) (portal.RoomMessage, bool, error) {
	created := false
	err := s.write("AddRoomMessage", nil, func() error {
		r := s.rooms[m.Room]
		if r == nil {
			return gone("room.not-found")
		}
		for _, there := range r.messages {
			if there.From == m.From && there.ID == m.ID {
				m = there
				return nil
			}
		}
		created = true
		m.Place = int64(len(r.messages)) + 1
		r.messages = append(r.messages, m)
		for _, f := range m.Files {
			kept := s.files[fileKey{m.Room, f.ID}]
			kept.place = m.Place
			s.files[fileKey{m.Room, f.ID}] = kept
		}
		r.read(m.From, m.Place)
		for _, who := range named {
			if r.mentions[who] == nil {
				r.mentions[who] = map[int64]bool{}
			}
			r.mentions[who][m.Place] = true
		}
		for _, ev := range evs {
			if e, is := ev.Event.(portal.MessageEvent); is {
				said := m
				said.Quote = e.Room.Quote
				e.Order, e.Room = m.Place, &said
				ev.Event = e
			}
			s.events = append(s.events, ev)
		}
		return nil
	})
	return m, created, err
}

func (r *memRoom) read(who portal.Address, upTo int64) {
	m, is := r.members[who]
	if !is || m.ReadUpTo >= upTo {
		return
	}
	m.ReadUpTo = upTo
	r.members[who] = m
	maps.DeleteFunc(r.mentions[who], func(place int64, _ bool) bool { return place <= upTo })
}

// renamed keeps the unread mentions in step with a message that changes.
func (r *memRoom) renamed(was, now portal.RoomMessage) {
	for who, places := range r.mentions {
		if !now.DeletedAt.IsZero() || slices.Contains(was.Mentions, who) && !slices.Contains(now.Mentions, who) {
			delete(places, now.Place)
		}
	}
	for _, who := range now.Mentions {
		if m, is := r.members[who]; is && who != now.From && !slices.Contains(was.Mentions, who) && m.ReadUpTo < now.Place {
			if r.mentions[who] == nil {
				r.mentions[who] = map[int64]bool{}
			}
			r.mentions[who][now.Place] = true
		}
	}
}

func (s *memStore) ChangeRoomMessage(_ context.Context, room portal.Address, place int64, change func(*portal.RoomMessage) error, events func(portal.RoomMessage) []portal.Addressed) (m portal.RoomMessage, err error) {
	err = s.write("ChangeRoomMessage", nil, func() error {
		r := s.rooms[room]
		if r == nil || place < 1 || place > int64(len(r.messages)) {
			return gone("message.not-found")
		}
		m = r.messages[place-1]
		was := m.Pinned
		if err := change(&m); err != nil {
			return err
		}
		if m.Pinned && !was && len(r.pins) >= portal.MaxPins {
			return portal.Fail(portal.ErrConflict, "room.pins-many")
		}
		r.renamed(r.messages[place-1], m)
		m.Version++
		r.messages[place-1] = m
		if was != m.Pinned {
			r.pins = slices.DeleteFunc(r.pins, func(p int64) bool { return p == place })
			if m.Pinned {
				r.pins = append(r.pins, place)
			}
		}
		s.events = append(s.events, events(m)...)
		return nil
	})
	return m, err
}

func (s *memStore) RoomMessage(_ context.Context, room portal.Address, place int64) (portal.RoomMessage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	r := s.rooms[room]
	if r == nil || place < 1 || place > int64(len(r.messages)) {
		return portal.RoomMessage{}, gone("message.not-found")
	}
	return r.messages[place-1], nil
}

func (s *memStore) RoomMessageByID(_ context.Context, room, from portal.Address, id string) (portal.RoomMessage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	if r := s.rooms[room]; r != nil {
		for _, m := range r.messages {
			if m.From == from && m.ID == id {
				return m, nil
			}
		}
	}
	return portal.RoomMessage{}, gone("message.not-found")
}

func (s *memStore) RoomMessages(_ context.Context, room portal.Address, first int64, page portal.RoomPage) ([]portal.RoomMessage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	r := s.rooms[room]
	if r == nil {
		return nil, gone("room.not-found")
	}
	all := r.messages[min(int(max(first, 1)-1), len(r.messages)):]
	limit := page.Limit
	head := func(ms []portal.RoomMessage) []portal.RoomMessage { return slices.Clone(ms[:min(len(ms), limit)]) }
	tail := func(ms []portal.RoomMessage) []portal.RoomMessage { return slices.Clone(ms[max(0, len(ms)-limit):]) }
	from := func(ok func(portal.RoomMessage) bool) int {
		if i := slices.IndexFunc(all, ok); i >= 0 {
			return i
		}
		return len(all)
	}
	switch {
	case page.Before > 0:
		return tail(all[:from(func(m portal.RoomMessage) bool { return m.Place >= page.Before })]), nil
	case page.After > 0:
		return head(all[from(func(m portal.RoomMessage) bool { return m.Place > page.After }):]), nil
	case page.Around > 0:
		i := from(func(m portal.RoomMessage) bool { return m.Place >= page.Around })
		return head(all[max(0, i-limit/2):]), nil
	case !page.From.IsZero():
		return head(all[from(func(m portal.RoomMessage) bool { return !m.At.Before(page.From) }):]), nil
	}
	return tail(all), nil
}

func (s *memStore) PinnedMessages(_ context.Context, room portal.Address, first int64) ([]portal.RoomMessage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	var out []portal.RoomMessage
	if r := s.rooms[room]; r != nil {
		for _, p := range slices.Backward(r.pins) {
			if p >= first {
				out = append(out, r.messages[p-1])
			}
		}
	}
	return out, nil
}

func (s *memStore) MarkRoomRead(_ context.Context, room, who portal.Address, upTo int64, evs ...portal.Addressed) error {
	return s.write("MarkRoomRead", evs, func() error {
		if s.rooms[room] == nil {
			return gone("room.not-found")
		}
		s.rooms[room].read(who, upTo)
		return nil
	})
}

func (s *memStore) SearchRooms(_ context.Context, spans []portal.RoomSpan, q portal.HistoryQuery) ([]portal.Hit, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var hits []portal.Hit
	for _, span := range spans {
		for _, m := range s.rooms[span.Room].messages {
			if m.Place >= span.First && strings.Contains(strings.ToLower(m.Text), strings.ToLower(q.Q)) {
				hits = append(hits, portal.Hit{Conversation: span.Room, From: m.From, At: m.At, Order: m.Place, Room: true})
			}
		}
	}
	slices.Reverse(hits)
	if len(hits) > q.Limit {
		return hits[:q.Limit], "more", nil
	}
	return hits, "", nil
}

func (s *memStore) AddFile(_ context.Context, room, who portal.Address, f portal.File, blob string) error {
	return s.write("AddFile", nil, func() error {
		s.files[fileKey{room, f.ID}] = memFile{file: f, by: who, blob: blob}
		return nil
	})
}

func (s *memStore) WaitingFiles(_ context.Context, who portal.Address) (files int, bytes int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.files {
		if f.by == who && f.place == 0 {
			files, bytes = files+1, bytes+f.file.Size
		}
	}
	return files, bytes, nil
}

func (s *memStore) File(_ context.Context, room portal.Address, id string) (portal.File, portal.Address, int64, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, is := s.files[fileKey{room, id}]
	if !is {
		return portal.File{}, "", 0, "", gone("file.not-found")
	}
	return f.file, f.by, f.place, f.blob, nil
}

// memBlobs is a Blobs.
type memBlobs struct {
	mu   sync.Mutex
	held map[string][]byte
}

func (b *memBlobs) Put(_ context.Context, r io.Reader, limit int64) (string, int64, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return "", 0, err
	}
	if int64(len(data)) > limit {
		return "", 0, portal.Fail(portal.ErrInvalid, "file.too-large").With("Max", fmt.Sprint(limit))
	}
	sum := sha256.Sum256(data)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.held == nil {
		b.held = map[string][]byte{}
	}
	b.held[hex.EncodeToString(sum[:])] = data
	return hex.EncodeToString(sum[:]), int64(len(data)), nil
}

func (b *memBlobs) Open(_ context.Context, blob string) (io.ReadSeekCloser, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	data, is := b.held[blob]
	if !is {
		return nil, gone("file.not-found")
	}
	return seeker{bytes.NewReader(data)}, nil
}

type seeker struct{ *bytes.Reader }

func (seeker) Close() error { return nil }
