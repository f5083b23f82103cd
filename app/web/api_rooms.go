package web

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"portico/app/portal"
)

// The API of rooms: what the pages do, for programs.

var (
	roomParam  = param{name: "room", in: "path", schema: "RoomName", about: "a room's name or its address, percent-encoded"}
	placeParam = param{name: "place", in: "path", schema: "Place", about: "a message's place in its room"}
)

// roomCalls are the lines of the route table that are about rooms.
func (s *Server) roomCalls() []call {
	return []call{
		{http.MethodGet, "/rooms", talkers, s.apiRooms, aboutAPIRooms},
		{http.MethodPost, "/rooms", talkers, s.apiCreateRoom, aboutCreateRoom},
		{http.MethodPost, "/groups", talkers, s.apiGroup, aboutGroup},
		{http.MethodGet, "/rooms/:room", talkers, s.apiRoom, aboutRoom},
		{http.MethodPatch, "/rooms/:room", talkers, s.apiChangeRoom, aboutChangeRoom},
		{http.MethodGet, "/rooms/:room/members", talkers, s.apiRoomMembers, aboutRoomMembers},
		{http.MethodPut, "/rooms/:room/members/:uri", talkers, s.apiPutMember, aboutPutMember},
		{http.MethodDelete, "/rooms/:room/members/:uri", talkers, s.apiDropMember, aboutDropMember},
		{http.MethodPut, "/rooms/:room/notify", talkers, s.apiNotify, aboutNotify},
		{http.MethodPost, "/rooms/:room/read", talkers, s.apiReadRoom, aboutReadRoom},
		{http.MethodPost, "/rooms/:room/typing", talkers, s.apiRoomTyping, aboutRoomTyping},

		{http.MethodGet, "/rooms/:room/messages", talkers, s.apiRoomMessages, aboutRoomMessages},
		{http.MethodPost, "/rooms/:room/messages", talkers, s.apiSayInRoom, aboutSayInRoom},
		{http.MethodGet, "/rooms/:room/messages/:place", talkers, s.apiRoomMessage, aboutRoomMessage},
		{http.MethodPatch, "/rooms/:room/messages/:place", talkers, s.apiEditMessage, aboutEditMessage},
		{http.MethodDelete, "/rooms/:room/messages/:place", talkers, s.apiDeleteMessage, aboutDeleteMessage},
		{http.MethodPut, "/rooms/:room/messages/:place/reactions/:sign", talkers, s.apiReact(true), aboutReact},
		{http.MethodDelete, "/rooms/:room/messages/:place/reactions/:sign", talkers, s.apiReact(false), aboutUnreact},
		{http.MethodPut, "/rooms/:room/messages/:place/pin", talkers, s.apiPin(true), aboutPin},
		{http.MethodDelete, "/rooms/:room/messages/:place/pin", talkers, s.apiPin(false), aboutUnpin},
		{http.MethodGet, "/rooms/:room/messages/:place/readers", talkers, s.apiReaders, aboutReaders},
		{http.MethodGet, "/rooms/:room/pinned", talkers, s.apiPinned, aboutPinned},
		{http.MethodGet, "/rooms/:room/search", talkers, s.apiSearchRoom, aboutSearchRoom},
		{http.MethodPost, "/rooms/:room/files", talkers, s.apiUpload, aboutUpload},
		{http.MethodGet, "/rooms/:room/files/:file", talkers, s.roomFile, aboutRoomFile},

		{http.MethodGet, "/me/words", talkers, s.apiWords, aboutWords},
		{http.MethodPut, "/me/words", talkers, s.apiSetWords, aboutSetWords},
		{http.MethodGet, "/server-rooms", talkers, s.apiServerRooms, aboutServerRooms},
		{http.MethodPut, "/server-rooms/:uri", talkers, s.apiServerRoom(true), aboutJoinServer},
		{http.MethodDelete, "/server-rooms/:uri", talkers, s.apiServerRoom(false), aboutLeaveServer},
	}
}

// withRooms refuses what needs rooms where the portal has none.
func (s *Server) withRooms(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if s.Rooms == nil {
			return portal.Fail(portal.ErrUnavailable, "rooms.none")
		}
		return next(c)
	}
}

var aboutAPIRooms = operation{
	summary: "The rooms that the person follows, those with news first; with q, also empty, those to find and join",
	params: []param{
		{name: "q", in: "query", schema: "Query", about: "words of title, topic or name"},
		{name: "limit", in: "query", schema: "Limit", about: "the most rooms to find"},
	},
	answers: []answer{{status: 200, schema: "Room", list: true}}, errors: []int{400},
}

func (s *Server) apiRooms(c echo.Context) error {
	ctx, who := c.Request().Context(), s.person(c)
	var all []portal.RoomEntry
	limit, err := limitParam(c, foundRooms, maxMessages)
	if err != nil {
		return err
	}
	if c.QueryParams().Has("q") {
		all, err = s.Rooms.Find(ctx, who, strings.TrimSpace(clip(c.QueryParam("q"), maxQuery)), limit)
	} else {
		all, err = s.Rooms.Mine(ctx, who)
	}
	if err != nil {
		return err
	}
	return s.json(c, http.StatusOK, append([]portal.RoomEntry{}, all...))
}

// roomBody is a room that is to be made or changed; members that are missing are left as they are.
type roomBody struct {
	Name           *string            `json:"name"`
	Title          *string            `json:"title"`
	Topic          *string            `json:"topic"`
	Open           *bool              `json:"open"`
	Access         *portal.RoomAccess `json:"access"`
	PresentersOnly *bool              `json:"presenters_only"`
	HistoryDays    *int               `json:"history_days"`
	Members        []string           `json:"members"`
	Archived       *bool              `json:"archived"`
	Lasting        *bool              `json:"lasting"`
	Version        int64              `json:"version"`
}

// access is who may come in: the word, or whether it is open; nil where neither is said.
func (b roomBody) access() (*portal.RoomAccess, error) {
	if b.Access != nil {
		if !b.Access.Valid() {
			return nil, portal.Fail(portal.ErrInvalid, "json.type").With("field", "access")
		}
		return b.Access, nil
	}
	if b.Open == nil {
		return nil, nil
	}
	access := portal.RoomClosed
	if *b.Open {
		access = portal.RoomOpen
	}
	return &access, nil
}

// or is what p points to, else what holds without it.
func or[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}

var aboutCreateRoom = operation{
	summary: "Make a room; who makes it manages it", body: "NewRoom",
	answers: []answer{{status: 201, schema: "Room", about: "the room"}}, errors: []int{400, 409, 413, 415},
}

func (s *Server) apiCreateRoom(c echo.Context) error {
	var in roomBody
	if err := body(c, &in); err != nil {
		return err
	}
	access, err := in.access()
	if err != nil {
		return err
	}
	people, err := parseAddresses(in.Members, maxWatched)
	if err != nil {
		return err
	}
	draft := portal.RoomDraft{
		Name: or(in.Name, ""), Title: or(in.Title, or(in.Name, "")), Topic: or(in.Topic, ""), Access: or(access, portal.RoomOpen),
		PresentersOnly: or(in.PresentersOnly, false), HistoryDays: or(in.HistoryDays, portal.WholeHistory), Members: people,
	}
	made, err := s.Rooms.Create(c.Request().Context(), s.person(c), draft)
	if err != nil {
		return err
	}
	return s.json(c, http.StatusCreated, made)
}

var aboutGroup = operation{
	summary: "Make a group of a conversation and more people; a group of exactly these people is used again", body: "NewGroup",
	answers: []answer{{status: 201, schema: "Room", about: "the group"}}, errors: []int{400, 413, 415},
}

func (s *Server) apiGroup(c echo.Context) error {
	var in struct {
		From string   `json:"from"`
		With []string `json:"with"`
	}
	if err := body(c, &in); err != nil {
		return err
	}
	var from portal.Address
	var err error
	if in.From != "" {
		if from, err = portal.ParseAddress(in.From); err != nil {
			return err
		}
	}
	with, err := parseAddresses(in.With, maxWatched)
	if err != nil {
		return err
	}
	made, err := s.Rooms.Group(c.Request().Context(), s.person(c), from, with)
	if err != nil {
		return err
	}
	return s.json(c, http.StatusCreated, made)
}

var aboutRoom = operation{
	summary: "One room as the person sees it", params: []param{roomParam},
	answers: []answer{{status: 200, schema: "Room"}}, errors: []int{404},
}

func (s *Server) apiRoom(c echo.Context) error {
	return s.inRoom(c, func(ctx context.Context, who, room portal.Address) error {
		entry, err := s.Rooms.Get(ctx, who, room)
		if err != nil {
			return err
		}
		return s.json(c, http.StatusOK, entry)
	})
}

// inRoom does something for the person in the room that the path names.
func (s *Server) inRoom(c echo.Context, do func(ctx context.Context, who, room portal.Address) error) error {
	room, err := s.pathRoom(c)
	if err != nil {
		return err
	}
	return do(c.Request().Context(), s.person(c), room)
}

var aboutChangeRoom = operation{
	summary: "Change a room; what is missing stays. A version that is not the present one is a conflict", params: []param{roomParam}, body: "RoomChange",
	answers: []answer{{status: 200, schema: "Room"}}, errors: []int{400, 404, 409, 413, 415},
}

func (s *Server) apiChangeRoom(c echo.Context) error {
	var in roomBody
	if err := body(c, &in); err != nil {
		return err
	}
	access, err := in.access()
	if err != nil {
		return err
	}
	change := portal.RoomChange{
		Title: in.Title, Topic: in.Topic, Access: access, PresentersOnly: in.PresentersOnly, HistoryDays: in.HistoryDays,
		Archived: in.Archived, Lasting: in.Lasting, Name: in.Name, Version: in.Version,
	}
	return s.inRoom(c, func(ctx context.Context, who, room portal.Address) error {
		changed, err := s.Rooms.Change(ctx, who, room, change)
		if err != nil {
			return err
		}
		return s.json(c, http.StatusOK, changed)
	})
}

var aboutRoomMembers = operation{
	summary: "A room's people, by name",
	params: []param{roomParam, {name: "q", in: "query", schema: "Query", about: "the beginning of a name"},
		{name: "after", in: "query", schema: "Address", about: "the last one of the page before"},
		{name: "limit", in: "query", schema: "Limit", about: "the most people to answer with"}},
	answers: []answer{{status: 200, schema: "Membership", list: true}}, errors: []int{400, 404},
}

func (s *Server) apiRoomMembers(c echo.Context) error {
	limit, err := limitParam(c, defaultMessages, maxWatched)
	if err != nil {
		return err
	}
	var after portal.Address
	if text := c.QueryParam("after"); text != "" {
		if after, err = portal.ParseAddress(text); err != nil {
			return err
		}
	}
	return s.inRoom(c, func(ctx context.Context, who, room portal.Address) error {
		members, err := s.Rooms.Members(ctx, who, room, clip(c.QueryParam("q"), maxQuery), after, limit)
		if err != nil {
			return err
		}
		out := make([]memberJSON, len(members))
		for i, m := range members {
			out[i] = memberJSON{m, s.Directory.Lookup(ctx, m.Who).DisplayName}
		}
		return s.json(c, http.StatusOK, out)
	})
}

// memberJSON is a membership with its person's name.
type memberJSON struct {
	portal.Membership
	DisplayName string `json:"display_name"`
}

var aboutPutMember = operation{
	summary: "Join (one's own address), add somebody, or give a member another role", params: []param{roomParam, uriParam("uri")},
	body: "MemberRole", bodyOptional: true,
	answers: []answer{{status: 204, about: "they are in"}}, errors: []int{400, 404, 409, 413, 415},
}

func (s *Server) apiPutMember(c echo.Context) error {
	var in struct {
		Role portal.RoomRole `json:"role"`
	}
	if err := optionalBody(c, &in); err != nil {
		return err
	}
	member, err := pathAddress(c, "uri")
	if err != nil {
		return err
	}
	if in.Role != portal.NoRole && !in.Role.Valid() {
		return portal.Fail(portal.ErrInvalid, "room.role")
	}
	return s.inRoom(c, func(ctx context.Context, who, room portal.Address) error {
		entry, err := s.Rooms.Get(ctx, who, room)
		if err != nil {
			return err
		}
		if member == who && !entry.Mine.Role.Valid() {
			_, err = s.Rooms.Join(ctx, who, room)
		} else if in.Role == portal.NoRole {
			err = s.addMember(ctx, who, room, member)
		} else {
			err = s.Rooms.PutMember(ctx, who, room, member, in.Role)
		}
		if err != nil {
			return err
		}
		return c.NoContent(http.StatusNoContent)
	})
}

// addMember adds somebody as a plain member; who is in already keeps their role.
func (s *Server) addMember(ctx context.Context, who, room, member portal.Address) error {
	role := portal.RoleMember
	there, err := s.Rooms.Get(ctx, member, room) // a secret room is not there for who is not in it
	if err == nil && there.Mine.Role.Valid() {
		role = there.Mine.Role
	}
	return s.Rooms.PutMember(ctx, who, room, member, role)
}

var aboutDropMember = operation{
	summary: "Leave (one's own address), or take somebody out", params: []param{roomParam, uriParam("uri")},
	answers: []answer{{status: 204, about: "they are out"}}, errors: []int{400, 404, 409},
}

func (s *Server) apiDropMember(c echo.Context) error {
	member, err := pathAddress(c, "uri")
	if err != nil {
		return err
	}
	return s.inRoom(c, func(ctx context.Context, who, room portal.Address) error {
		if member == who {
			err = s.Rooms.Leave(ctx, who, room)
		} else {
			err = s.Rooms.RemoveMember(ctx, who, room, member)
		}
		if err != nil {
			return err
		}
		return c.NoContent(http.StatusNoContent)
	})
}

var aboutNotify = operation{
	summary: "Set of what the person is notified in a room", params: []param{roomParam}, body: "RoomNotify",
	answers: []answer{{status: 204, about: "set"}}, errors: []int{400, 404, 413, 415},
}

func (s *Server) apiNotify(c echo.Context) error {
	var in struct {
		Notify portal.RoomNotify `json:"notify"`
	}
	if err := body(c, &in); err != nil {
		return err
	}
	if !in.Notify.Valid() {
		return portal.Fail(portal.ErrInvalid, "room.notify")
	}
	return s.inRoom(c, func(ctx context.Context, who, room portal.Address) error {
		if err := s.Rooms.Notify(ctx, who, room, in.Notify); err != nil {
			return err
		}
		return c.NoContent(http.StatusNoContent)
	})
}

var aboutReadRoom = operation{
	summary: "Mark a room as read, up to a place or all of it", params: []param{roomParam}, body: "Read", bodyOptional: true,
	answers: []answer{{status: 204, about: "read"}}, errors: []int{400, 404, 413, 415},
}

func (s *Server) apiReadRoom(c echo.Context) error {
	var in readBody
	if err := optionalBody(c, &in); err != nil {
		return err
	}
	return s.inRoom(c, func(ctx context.Context, who, room portal.Address) error {
		if err := s.markRoomRead(ctx, who, room, in.ID, in.Place); err != nil {
			return err
		}
		return c.NoContent(http.StatusNoContent)
	})
}

var aboutRoomTyping = operation{
	summary: "Tell the others that the person types, or no longer does", params: []param{roomParam}, body: "Typing",
	answers: []answer{{status: 204, about: "told"}}, errors: []int{400, 404, 413, 415},
}

func (s *Server) apiRoomTyping(c echo.Context) error {
	var in typingBody
	if err := body(c, &in); err != nil {
		return err
	}
	if in.Typing == nil {
		return portal.Fail(portal.ErrInvalid, "json.type").With("field", "typing")
	}
	return s.inRoom(c, func(_ context.Context, who, room portal.Address) error {
		s.Rooms.Typing(who, room, *in.Typing)
		return c.NoContent(http.StatusNoContent)
	})
}

var (
	aboutWords    = operation{summary: "The words that the person watches in rooms, beside their name", answers: []answer{{status: 200, schema: "WatchedWords"}}}
	aboutSetWords = operation{summary: "Replace the watched words", body: "WatchedWords", answers: []answer{{status: 200, schema: "WatchedWords"}}, errors: []int{400, 413, 415}}
)

type wordsJSON struct {
	Words []string `json:"words"`
}

func (s *Server) apiWords(c echo.Context) error {
	words, err := s.Rooms.Words(c.Request().Context(), s.person(c))
	if err != nil {
		return err
	}
	return s.json(c, http.StatusOK, wordsJSON{append([]string{}, words...)})
}

func (s *Server) apiSetWords(c echo.Context) error {
	var in wordsJSON
	if err := body(c, &in); err != nil {
		return err
	}
	if err := s.Rooms.SetWords(c.Request().Context(), s.person(c), in.Words); err != nil {
		return err
	}
	return s.apiWords(c)
}

var (
	aboutServerRooms = operation{summary: "The rooms that live on the SIP server; one talks in them as in any conversation", answers: []answer{{status: 200, schema: "Room", list: true}}}
	aboutJoinServer  = operation{summary: "Join a room of the SIP server", params: []param{uriParam("uri")}, answers: []answer{{status: 204, about: "joined"}}, errors: []int{400, 404, 409}}
	aboutLeaveServer = operation{summary: "Leave a room of the SIP server", params: []param{uriParam("uri")}, answers: []answer{{status: 204, about: "left"}}, errors: []int{400, 404, 409}}
)

func (s *Server) apiServerRooms(c echo.Context) error {
	all, err := s.Rooms.ServerRooms(c.Request().Context(), s.person(c))
	if err != nil && !errors.Is(err, portal.ErrNotFound) { // there are none
		return err
	}
	return s.json(c, http.StatusOK, append([]portal.RoomEntry{}, all...))
}

func (s *Server) apiServerRoom(in bool) echo.HandlerFunc {
	return func(c echo.Context) error {
		room, err := pathAddress(c, "uri")
		if err != nil {
			return err
		}
		do := s.Rooms.LeaveServer
		if in {
			do = s.Rooms.JoinServer
		}
		if err := do(c.Request().Context(), s.person(c), room); err != nil {
			return err
		}
		return c.NoContent(http.StatusNoContent)
	}
}

// fromParam reads an instant of the query; zero where there is none.
func fromParam(c echo.Context, name string) (time.Time, error) {
	text := c.QueryParam(name)
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, portal.Fail(portal.ErrInvalid, "room.date").Because(err)
	}
	return t, nil
}
