package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"portico/app/portal"
	"portico/views"
)

// The page of one room: its messages, and the panel beside them.

const (
	// sideMembers is how many people the panel shows at a time, sideHits how many messages.
	sideMembers, sideHits = 50, 30
	// filePages is how many stretches of messages are looked through for files at a time, each of maxMessages.
	filePages = 5
	// defaultEditWindow and defaultMaxFile are as those of the rooms themselves.
	defaultEditWindow = 24 * time.Hour
	defaultMaxFile    = 25 << 20
)

// pathRoom is the room that a request's path names: by its name or its address.
func (s *Server) pathRoom(c echo.Context) (portal.Address, error) {
	segment := c.Param("room")
	if c.Request().URL.RawPath != "" {
		decoded, err := url.PathUnescape(segment)
		if err != nil {
			return "", portal.Fail(portal.ErrNotFound, "room.not-found").Because(err)
		}
		segment = decoded
	}
	return s.Rooms.Address(segment)
}

// pathPlace is the message that a request's path names.
func pathPlace(c echo.Context) (int64, error) { return place(c.Param("place")) }

func place(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 {
		return 0, portal.Fail(portal.ErrInvalid, "room.place")
	}
	return n, nil
}

// roomPage shows a room.
func (s *Server) roomPage(c echo.Context) error {
	room, err := s.pathRoom(c)
	if err != nil {
		return err
	}
	if s.Rooms.IsServerRoom(room) { // people talk there as in any conversation
		return c.Redirect(http.StatusSeeOther, views.ChatPath(room))
	}
	return s.showRoom(c, http.StatusOK, room, "", "")
}

// showRoom renders a room; draft is what stands in the composer, problem what went wrong.
func (s *Server) showRoom(c echo.Context, status int, room portal.Address, draft, problem string) error {
	ctx := c.Request().Context()
	f, err := s.frame(c, views.Rooms, "nav.rooms")
	if err != nil {
		return err
	}
	open, err := s.roomView(ctx, f.Reader, f.Me.URI, room)
	if err != nil {
		return err
	}
	list, err := s.roomList(ctx, f.Reader, f.Me.URI, room)
	if err != nil {
		return err
	}
	if open.Rights.Read {
		if open.Stretch, err = s.wantedStretch(c, open); err != nil {
			return err
		}
		if open.Side, err = s.roomSide(c, open); err != nil {
			return err
		}
		if open.Replies, err = s.replied(c, open); err != nil {
			return err
		}
	} else {
		open.Side.Show = "none"
		open.Stretch.Room = room
	}
	open.Draft, open.NewID = draft, uuid.NewString()
	f.Title, f.Conversation, f.Problem = open.Called, room, problem
	s.begun(c, &f, room, &open.Draft)
	return s.render(c, status, views.RoomPageView(views.RoomPage{Frame: f, List: list, Room: open}))
}

// roomView is a room as who sees it, without messages and panel.
func (s *Server) roomView(ctx context.Context, r views.Reader, who, room portal.Address) (views.RoomView, error) {
	entry, err := s.Rooms.Get(ctx, who, room)
	if err != nil {
		return views.RoomView{}, err
	}
	rights := s.Rooms.Rights(entry, who)
	return views.RoomView{
		RoomEntry: entry, Called: r.RoomTitle(entry, who, s.lookup(ctx)), EditWindow: s.editWindow(), MaxFile: s.maxFile(),
		Rights: views.RoomRights{
			Read: rights.Read, Speak: rights.Speak, Manage: rights.Manage, Invite: rights.Invite, Join: rights.Join,
			Leave: rights.Leave, Pin: rights.Pin, Archive: rights.Archive, Delete: rights.Delete, Roles: rights.Roles,
		},
	}, nil
}

func (s *Server) editWindow() time.Duration {
	if s.Config.EditWindow != 0 {
		return max(0, s.Config.EditWindow)
	}
	return defaultEditWindow
}

func (s *Server) maxFile() int64 {
	if s.Config.MaxFile > 0 {
		return s.Config.MaxFile
	}
	return defaultMaxFile
}

// wantedStretch is the stretch of messages that a request asks for: around one ("at"), from a day on ("day"), before or
// after one, else the newest.
func (s *Server) wantedStretch(c echo.Context, v views.RoomView) (views.RoomStretch, error) {
	page, err := roomPageOf(c)
	if err != nil {
		return views.RoomStretch{}, err
	}
	if day := c.QueryParam("day"); day != "" {
		if page.From, err = time.ParseInLocation(dateLayout, day, s.reader(c).Zone); err != nil {
			return views.RoomStretch{}, portal.Fail(portal.ErrInvalid, "room.date")
		}
	}
	got, err := s.roomStretch(c.Request().Context(), s.person(c), v.RoomEntry, page)
	if err != nil {
		return got, err
	}
	got.At = page.Around
	if !page.From.IsZero() && len(got.Messages) > 0 {
		got.At = got.Messages[0].Place
	}
	return got, nil
}

// roomPageOf reads the cursors of a request.
func roomPageOf(c echo.Context) (portal.RoomPage, error) {
	var page portal.RoomPage
	for name, to := range map[string]*int64{"before": &page.Before, "after": &page.After, "at": &page.Around} {
		text := c.QueryParam(name)
		if text == "" {
			continue
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 0 {
			return page, portal.Fail(portal.ErrInvalid, "room.place")
		}
		*to = n
	}
	return page, nil
}

// roomStretch reads a stretch of messages; one more than is shown tells whether there are more.
func (s *Server) roomStretch(ctx context.Context, who portal.Address, entry portal.RoomEntry, page portal.RoomPage) (views.RoomStretch, error) {
	page.Limit = pageMessages + 1
	messages, err := s.Rooms.Messages(ctx, who, entry.URI, page)
	if err != nil {
		return views.RoomStretch{}, err
	}
	onward := page.After > 0 || page.Around > 0 || !page.From.IsZero()
	v := views.RoomStretch{Room: entry.URI, Unread: entry.Unread, ReadUpTo: entry.Mine.ReadUpTo}
	if !onward && len(messages) > pageMessages {
		messages, v.Earlier = messages[len(messages)-pageMessages:], true
	}
	if onward && len(messages) > pageMessages {
		messages = messages[:pageMessages]
	}
	if len(messages) > 0 {
		v.Earlier = v.Earlier || onward && messages[0].Place > max(1, entry.Mine.First)
		v.Later = (onward || page.Before > 0) && messages[len(messages)-1].Place < entry.Last
	}
	v.Messages = views.RoomItems(messages, who, s.lookup(ctx))
	return v, nil
}

// roomMessages is a stretch before or behind what a page has, for its script.
func (s *Server) roomMessages(c echo.Context) error {
	room, err := s.pathRoom(c)
	if err != nil {
		return err
	}
	page, err := roomPageOf(c)
	if err != nil {
		return err
	}
	ctx, who := c.Request().Context(), s.person(c)
	entry, err := s.Rooms.Get(ctx, who, room)
	if err != nil {
		return err
	}
	v, err := s.roomStretch(ctx, who, entry, page)
	if err != nil {
		return err
	}
	v.Unread = 0 // the mark stands in the page already, or is further on
	if page.After > 0 {
		v.Part = "later"
	} else {
		v.Part = "earlier"
	}
	return s.render(c, http.StatusOK, views.RoomMessages(s.reader(c), v))
}

// replied is the message that the composer answers.
func (s *Server) replied(c echo.Context, v views.RoomView) (*views.RoomMessageItem, error) {
	text := c.QueryParam("reply")
	if text == "" {
		return nil, nil
	}
	at, err := place(text)
	if err != nil {
		return nil, err
	}
	ctx := c.Request().Context()
	m, err := s.Rooms.Message(ctx, s.person(c), v.URI, at)
	if err != nil {
		return nil, err
	}
	item := views.NewRoomMessageItem(m, s.lookup(ctx))
	return &item, nil
}

// roomSide fills the panel with what the request asks for; the room's people where it says nothing.
func (s *Server) roomSide(c echo.Context, v views.RoomView) (views.RoomSide, error) {
	ctx, who := c.Request().Context(), s.person(c)
	side := views.RoomSide{Show: c.QueryParam("side")}
	side.Asked = side.Show != ""
	if !slices.Contains(append(views.Sides(), "invite", "none"), side.Show) {
		side.Show, side.Asked = "people", false
	}
	var err error
	switch side.Show {
	case "people":
		side.Query = clip(c.QueryParam("who"), maxQuery)
		err = s.fillMembers(ctx, who, v.URI, portal.Address(c.QueryParam("next")), &side)
	case "pinned":
		var pinned []portal.RoomMessage
		pinned, err = s.Rooms.Pinned(ctx, who, v.URI)
		side.Messages = views.RoomItems(pinned, who, s.lookup(ctx))
	case "files":
		err = s.fillFiles(c, v, &side)
	case "search":
		err = s.fillHits(c, v, &side)
	case "invite":
		members := map[portal.Address]bool{}
		if err = s.eachMember(ctx, who, v.URI, func(m portal.Membership) { members[m.Who] = true }); err == nil {
			side.People, err = s.inviteable(ctx, who, func(a portal.Address) bool { return members[a] })
		}
	}
	return side, err
}

// fillMembers reads a page of the room's people.
func (s *Server) fillMembers(ctx context.Context, who, room, after portal.Address, side *views.RoomSide) error {
	members, err := s.Rooms.Members(ctx, who, room, side.Query, after, sideMembers+1)
	if err != nil {
		return err
	}
	if len(members) > sideMembers {
		members = members[:sideMembers]
		side.Next = members[sideMembers-1].Who
	}
	for _, m := range members {
		side.Members = append(side.Members, views.RoomMember{Membership: m, Person: s.Directory.Lookup(ctx, m.Who), Presence: s.Presence.Of(who, m.Who)})
	}
	return nil
}

// eachMember goes through a room's people, at most maxWatched of them: who has more in a room invites by address.
func (s *Server) eachMember(ctx context.Context, who, room portal.Address, do func(portal.Membership)) error {
	members, err := s.Rooms.Members(ctx, who, room, "", "", maxWatched)
	if err != nil {
		return err
	}
	for _, m := range members {
		do(m)
	}
	return nil
}

// fillFiles looks through the room's messages for those with files, from the newest on or from where it ended.
func (s *Server) fillFiles(c echo.Context, v views.RoomView, side *views.RoomSide) error {
	ctx, who := c.Request().Context(), s.person(c)
	before, err := strconv.ParseInt(c.QueryParam("next"), 10, 64)
	if err != nil {
		before = 0 // from the newest on
	}
	var with []portal.RoomMessage
	for range filePages {
		messages, err := s.Rooms.Messages(ctx, who, v.URI, portal.RoomPage{Before: before, Limit: maxMessages})
		if err != nil {
			return err
		}
		side.Older = 0
		for _, m := range slices.Backward(messages) {
			if len(m.Files) > 0 {
				with = append(with, m)
			}
		}
		if len(messages) < maxMessages {
			break
		}
		before = messages[0].Place
		side.Older = before
		if len(with) >= sideHits {
			break
		}
	}
	side.Messages = views.RoomItems(with, who, s.lookup(ctx))
	return nil
}

// fillHits searches the room.
func (s *Server) fillHits(c echo.Context, v views.RoomView, side *views.RoomSide) error {
	side.Words = strings.TrimSpace(clip(c.QueryParam("q"), maxQuery))
	if side.Words == "" {
		return nil
	}
	ctx := c.Request().Context()
	hits, next, err := s.Rooms.Search(ctx, s.person(c), v.URI, portal.HistoryQuery{Q: side.Words, Cursor: c.QueryParam("next"), Limit: sideHits})
	if err != nil {
		return err
	}
	side.More = next
	for _, hit := range hits {
		side.Hits = append(side.Hits, views.RoomHit{Hit: hit, Sender: s.Directory.Lookup(ctx, hit.From)})
	}
	return nil
}
