package rooms

// Rooms that live on the SIP server (Kamailio's imc module): listed, joined and heard of by its commands.

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"portico/app/policy"
	"portico/app/portal"
)

const (
	// maxListed is how many rooms of the server a person is shown, maxSeats how many of them are remembered for one.
	maxListed, maxSeats = 200, 500
	// maxAsking is how many rooms are asked at the same time whether somebody is in them.
	maxAsking = 8
	// maxGuests is how many people's seats are remembered; those who asked for nothing longest are forgotten by chance.
	maxGuests = 50_000
	// lobby stands for the "*" of the pattern where a command is for no room in particular.
	lobby = "lobby"
)

// pattern is an address with one "*" in its user part.
type pattern struct{ before, after string }

// seat is what is known of one person in one room of the server: whether they are in, and who else is.
type seat struct {
	in      bool
	members []string
}

// server knows the rooms of the SIP server as far as its people asked. It keeps that in memory alone: after a start it
// is asked for again.
type server struct {
	s       *Service
	pattern pattern

	mu      sync.Mutex
	seats   map[portal.Address]map[portal.Address]seat
	waiting map[asked]*asking
}

func newServer(s *Service) *server {
	v := &server{s: s, seats: map[portal.Address]map[portal.Address]seat{}, waiting: map[asked]*asking{}}
	v.pattern.before, v.pattern.after, _ = strings.Cut(s.o.ServerRooms, "*")
	return v
}

// IsServerRoom reports whether an address is one that the SIP server's rooms have.
func (s *Service) IsServerRoom(a portal.Address) bool {
	p := s.server.pattern
	text := string(a)
	return p.after != "" && len(text) > len(p.before)+len(p.after) && strings.HasPrefix(text, p.before) && strings.HasSuffix(text, p.after)
}

// named is the address of the room with this user part.
func (v *server) named(user string) portal.Address {
	_, domain, _ := strings.Cut(v.pattern.after, "@")
	a, err := portal.ParseAddress("sip:" + user + "@" + domain)
	if err != nil || !v.s.IsServerRoom(a) {
		return ""
	}
	return a
}

// ServerRooms asks the SIP server for its rooms, and each of them whether who is in it. Errors: ErrNotFound
// ("room.no-server": the portal knows of none), ErrUnavailable ("room.server-silent": no answer in time).
func (s *Service) ServerRooms(ctx context.Context, who portal.Address) ([]portal.RoomEntry, error) {
	v := s.server
	if v.pattern.after == "" {
		return nil, portal.Fail(portal.ErrNotFound, "room.no-server")
	}
	ctx, cancel := context.WithTimeout(ctx, s.o.ServerAnswer)
	defer cancel()
	list, err := v.ask(ctx, who, portal.Address(v.pattern.before+lobby+v.pattern.after), imcRooms, asked{who: who, list: imcRoomList})
	if err != nil {
		return nil, err
	}
	var rooms []portal.Address
	for _, name := range list.names {
		if a := v.named(name); a != "" && !slices.Contains(rooms, a) && len(rooms) < maxListed {
			rooms = append(rooms, a)
		}
	}
	v.find(ctx, who, rooms)
	entries := make([]portal.RoomEntry, len(rooms))
	for i, a := range rooms {
		entries[i] = v.entry(who, a)
	}
	slices.SortFunc(entries, func(a, b portal.RoomEntry) int {
		return cmp.Or(-cmp.Compare(len(a.Mine.Role), len(b.Mine.Role)), cmp.Compare(a.Title, b.Title))
	})
	return entries, nil
}

// find asks the rooms of which it is not known whether who is in them. A room refuses who is not; one that does not
// answer in time stays unknown.
func (v *server) find(ctx context.Context, who portal.Address, rooms []portal.Address) {
	var g errgroup.Group
	g.SetLimit(maxAsking)
	for _, at := range rooms {
		v.mu.Lock()
		_, known := v.seats[who][at]
		v.mu.Unlock()
		if known {
			continue
		}
		g.Go(func() error {
			_, err := v.ask(ctx, who, at, imcMembers, asked{who: who, room: at, list: imcMemberList})
			if portal.Reason(err) == "room.server-refused" {
				v.sit(who, at, seat{})
			}
			return nil // unknown stays unknown
		})
	}
	// No function gives an error.
	_ = g.Wait()
}

// entry is a room of the server as far as it is known.
func (v *server) entry(who, at portal.Address) portal.RoomEntry {
	v.mu.Lock()
	st := v.seats[who][at]
	v.mu.Unlock()
	prefix := strings.TrimPrefix(v.pattern.before, "sip:")
	e := portal.RoomEntry{Room: portal.Room{URI: at, Name: at.User(), Title: cmp.Or(strings.TrimPrefix(at.User(), prefix), at.User()),
		Kind: portal.ServerRoom, Access: portal.RoomOpen, Members: len(st.members)}}
	if st.in {
		e.Mine = portal.Membership{Room: at, Who: who, Role: portal.RoleMember, Notify: portal.NotifyAll}
	}
	for _, name := range st.members {
		if a, err := portal.ParseAddress("sip:" + name + "@" + at.Domain()); err == nil && a != who && len(e.With) < maxWith {
			e.With = append(e.With, a)
		}
	}
	return e
}

// JoinServer joins a room of the SIP server; one that is not there is made by it. Errors: ErrNotFound, ErrForbidden
// ("room.closed"), ErrUnavailable ("room.server-silent").
func (s *Service) JoinServer(ctx context.Context, who, at portal.Address) error {
	answer, err := s.server.command(ctx, who, at, imcJoin)
	if err != nil {
		return err
	}
	switch answer.kind {
	case imcPrivate:
		return portal.Fail(portal.ErrForbidden, "room.closed")
	case imcNone:
		return notFound()
	}
	s.server.sit(who, at, seat{in: true})
	return nil
}

// LeaveServer leaves a room of the SIP server. Errors: ErrNotFound, ErrForbidden ("room.owner-stays"), ErrUnavailable
// ("room.server-silent").
func (s *Service) LeaveServer(ctx context.Context, who, at portal.Address) error {
	answer, err := s.server.command(ctx, who, at, imcLeave)
	if err != nil && portal.Reason(err) != "room.server-refused" { // refused: who is not in it
		return err
	}
	if answer.kind == imcOwner {
		return portal.Fail(portal.ErrForbidden, "room.owner-stays")
	}
	s.server.sit(who, at, seat{})
	return nil
}

// command sends a command about who's own being in a room and waits for what comes of it.
func (v *server) command(ctx context.Context, who, at portal.Address, text string) (imcText, error) {
	if !v.s.IsServerRoom(at) {
		return imcText{}, notFound()
	}
	ctx, cancel := context.WithTimeout(ctx, v.s.o.ServerAnswer)
	defer cancel()
	return v.ask(ctx, who, at, text, asked{who: who, room: at})
}

// sit notes whether who is in a room.
func (v *server) sit(who, at portal.Address, st seat) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.seats[who] == nil {
		if len(v.seats) >= maxGuests {
			for w := range v.seats {
				delete(v.seats, w)
				break
			}
		}
		v.seats[who] = map[portal.Address]seat{}
	}
	if _, known := v.seats[who][at]; !known && len(v.seats[who]) >= maxSeats {
		return
	}
	if st.in && st.members == nil {
		st.members = v.seats[who][at].members
	}
	v.seats[who][at] = st
}

// ReceiveServer takes what a room of the SIP server sent to one of the portal's people: what somebody said there is
// kept in the person's archive as theirs; answers and lines about people go to who waits for them; whatever else it
// writes is kept as said by the room, so that nothing is lost. Errors: ErrNotFound, ErrInvalid, ErrUnavailable.
func (s *Service) ReceiveServer(ctx context.Context, in portal.Incoming) error {
	if !s.IsServerRoom(in.From) {
		return notFound()
	}
	text, err := policy.Text(in.Text)
	if err != nil {
		return err
	}
	line := parseIMC(text)
	from := in.From
	switch waited := s.server.take(in.To, in.From, line); {
	case line.kind == imcSaid:
		if text, err = policy.Text(line.text); err != nil {
			return err
		}
		from = s.server.speaker(line.who, in.From)
	case waited || line.kind == imcCame || line.kind == imcWent || line.kind == imcIn:
		return nil
	}
	m := portal.Message{Owner: in.To, Conversation: in.From, ID: in.ID, From: from, Text: text, At: in.At.UTC(), State: portal.Received}
	if now := s.now(); in.At.IsZero() || in.At.After(now.Add(5*time.Minute)) {
		m.At = now
	}
	if s.o.Archive == nil {
		return portal.Fail(portal.ErrUnavailable, "unavailable")
	}
	heard := portal.Addressed{For: []portal.Address{m.Owner}, Event: portal.MessageEvent{Conversation: m.Conversation,
		ID: m.ID, From: m.From, Text: m.Text, At: m.At, State: m.State}}
	if _, _, err = s.o.Archive(ctx, m, heard); err == nil {
		s.news.person(in.To)
	}
	return err
}

// speaker is the address of somebody whom a room names by their user part; the room itself where that is none.
func (v *server) speaker(user string, room portal.Address) portal.Address {
	a, err := portal.ParseAddress("sip:" + user + "@" + cmp.Or(v.s.o.PersonDomain, room.Domain()))
	if err != nil {
		return room
	}
	return a
}

// moved follows somebody's coming or going.
func (v *server) moved(who, at portal.Address, line imcText, own bool) {
	v.mu.Lock()
	st := v.seats[who][at]
	v.mu.Unlock()
	members := slices.DeleteFunc(slices.Clone(st.members), func(n string) bool { return n == line.who })
	if line.kind == imcCame {
		members = append(members, line.who)
	}
	v.sit(who, at, seat{in: !own || line.kind == imcCame, members: members})
}
