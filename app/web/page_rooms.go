package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"portico/app/portal"
	"portico/views"
)

// The page /rooms: the rooms a person follows, those to find and join, and how one makes another.

const (
	// foundRooms is how many rooms a search shows.
	foundRooms = 100
	// maxListed is the largest list of addresses that a form may hold, in bytes.
	maxListed = 32 << 10
)

// roomsPages registers the pages of rooms. What is no room's name begins with "~", which no name holds.
func (s *Server) roomsPages(g *echo.Group) {
	if s.Rooms == nil {
		g.GET("/rooms", s.partToCome(views.Rooms))
		g.GET("/rooms/*", s.partToCome(views.Rooms))
		return
	}
	g.GET("/rooms", s.roomsPage)
	g.POST("/rooms", s.createRoom)
	g.GET("/rooms/~find", s.searchRooms)
	g.POST("/rooms/~words", s.saveWords)
	g.GET("/rooms/~mine", s.roomWishes)
	g.POST("/rooms/~group", s.makeGroup)
	g.POST("/rooms/~server/join", s.joinServerRoom)
	g.POST("/rooms/~server/leave", s.leaveServerRoom)

	g.GET("/rooms/:room", s.roomPage)
	g.POST("/rooms/:room", s.sayInRoom)
	g.GET("/rooms/:room/messages", s.roomMessages)
	g.POST("/rooms/:room/read", s.readRoom)
	g.POST("/rooms/:room/join", s.joinRoom)
	g.POST("/rooms/:room/leave", s.leaveRoom)
	g.POST("/rooms/:room/notify", s.notifyOfRoom)
	g.POST("/rooms/:room/invite", s.inviteToRoom)
	g.GET("/rooms/:room/settings", s.roomSettingsPage)
	g.POST("/rooms/:room/settings", s.saveRoom)
	g.POST("/rooms/:room/archive", s.archiveRoom)
	g.POST("/rooms/:room/lasting", s.makeLasting)
	g.POST("/rooms/:room/role", s.putRole)

	g.GET("/rooms/:room/messages/:place", s.roomMessagePage)
	g.POST("/rooms/:room/messages/:place/react", s.reactByForm)
	g.POST("/rooms/:room/messages/:place/edit", s.editByForm)
	g.POST("/rooms/:room/messages/:place/delete", s.takeBackByForm)
	g.POST("/rooms/:room/messages/:place/pin", s.pinByForm)
}

// roomsPage shows the rooms that the person follows, and beside them what "do" says.
func (s *Server) roomsPage(c echo.Context) error {
	do := c.QueryParam("do")
	if !slices.Contains([]string{"", "find", "new", "words", "group"}, do) {
		return echo.ErrNotFound
	}
	v, err := s.roomsView(c, do)
	if err != nil {
		return err
	}
	switch do {
	case "find":
		err = s.fillFound(c, &v)
	case "words":
		err = s.fillWords(c, &v)
		v.Saved = c.QueryParam("saved") == "1"
	case "new":
		v.Draft = views.RoomForm{Access: portal.RoomOpen, History: strconv.Itoa(portal.WholeHistory)}
		v.People, err = s.inviteable(c.Request().Context(), s.person(c), nil)
	case "group":
		err = s.fillGroup(c, &v, c.QueryParam("from"))
	}
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, views.RoomsView(v))
}

// roomsView is the page with the list of rooms.
func (s *Server) roomsView(c echo.Context, do string) (views.RoomsPage, error) {
	f, err := s.frame(c, views.Rooms, "nav.rooms")
	if err != nil {
		return views.RoomsPage{}, err
	}
	list, err := s.roomList(c.Request().Context(), f.Reader, f.Me.URI, "")
	return views.RoomsPage{Frame: f, List: list, Do: do}, err
}

// roomList is the column of the rooms that who follows.
func (s *Server) roomList(ctx context.Context, r views.Reader, who, open portal.Address) (views.RoomList, error) {
	mine, err := s.Rooms.Mine(ctx, who)
	if err != nil {
		return views.RoomList{}, err
	}
	list := views.RoomList{Open: open}
	for _, entry := range mine {
		item := views.RoomItem{RoomEntry: entry, Title: r.RoomTitle(entry, who, s.lookup(ctx))}
		if entry.Newest != nil {
			item.Sender = s.Directory.Lookup(ctx, entry.Newest.From)
		}
		if entry.Archived {
			list.Archived = append(list.Archived, item)
		} else {
			list.Rooms = append(list.Rooms, item)
		}
	}
	views.SortRooms(list.Rooms)
	views.SortRooms(list.Archived)
	return list, nil
}

// lookup is the address book for one request.
func (s *Server) lookup(ctx context.Context) func(portal.Address) portal.Person {
	return func(a portal.Address) portal.Person { return s.Directory.Lookup(ctx, a) }
}

// fillFound searches for rooms; without words it lists those there are.
func (s *Server) fillFound(c echo.Context, v *views.RoomsPage) error {
	ctx, who := c.Request().Context(), s.person(c)
	v.Query = strings.TrimSpace(clip(c.QueryParam("q"), maxQuery))
	found, err := s.Rooms.Find(ctx, who, v.Query, foundRooms)
	if err != nil {
		return err
	}
	for _, entry := range found {
		rights := s.Rooms.Rights(entry, who)
		v.Found = append(v.Found, views.FoundRoom{RoomEntry: entry, Title: v.RoomTitle(entry, who, s.lookup(ctx)), Member: entry.Mine.Role.Valid(), Joinable: rights.Join})
	}
	servers, err := s.Rooms.ServerRooms(ctx, who)
	switch {
	case errors.Is(err, portal.ErrNotFound): // there are none
	case errors.Is(err, portal.ErrUnavailable):
		v.Away = true // the portal's own rooms are there all the same
	case err != nil:
		return err
	}
	for _, entry := range servers {
		if title := serverTitle(entry); v.Query == "" || strings.Contains(strings.ToLower(title), strings.ToLower(v.Query)) {
			v.Servers = append(v.Servers, views.FoundRoom{RoomEntry: entry, Title: title, Member: entry.Mine.Role.Valid(), Joinable: !entry.Mine.Role.Valid()})
		}
	}
	return nil
}

func serverTitle(e portal.RoomEntry) string {
	if e.Title != "" {
		return e.Title
	}
	return e.URI.Bare()
}

// searchRooms is the answer to a search alone, for the page's script.
func (s *Server) searchRooms(c echo.Context) error {
	v := views.RoomsPage{Frame: views.Frame{Reader: s.reader(c), Me: portal.Person{URI: s.person(c)}}}
	if err := s.fillFound(c, &v); err != nil {
		return err
	}
	return s.render(c, http.StatusOK, views.RoomsFound(v))
}

func (s *Server) fillWords(c echo.Context, v *views.RoomsPage) error {
	words, err := s.Rooms.Words(c.Request().Context(), s.person(c))
	v.Words = strings.Join(words, "\n")
	return err
}

// saveWords stores the words a person watches.
func (s *Server) saveWords(c echo.Context) error {
	if err := form(c); err != nil {
		return err
	}
	text := clip(c.FormValue("words"), maxListed)
	err := s.Rooms.SetWords(c.Request().Context(), s.person(c), lines(text))
	if said := saidWrong(err); said {
		return s.showRoomsProblem(c, "words", err, func(v *views.RoomsPage) { v.Words = text })
	}
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, "/rooms?do=words&saved=1")
}

// saidWrong reports whether an error is one that its page says, with what was typed still in it.
func saidWrong(err error) bool {
	var said *portal.Error
	return errors.As(err, &said)
}

// showRoomsProblem renders the page again with what went wrong.
func (s *Server) showRoomsProblem(c echo.Context, do string, failed error, fill func(*views.RoomsPage)) error {
	v, err := s.roomsView(c, do)
	if err != nil {
		return err
	}
	f := classify(failed)
	c.Set(failedKey, failed)
	setRetryAfter(c, f)
	v.Problem = v.Failure(failed)
	fill(&v)
	return s.render(c, f.status, views.RoomsView(v))
}

// lines are the parts of a text that stand on lines of their own or are parted by commas, without the empty ones.
func lines(text string) []string {
	var all []string
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == '\n' || r == '\r' || r == ',' || r == ';' }) {
		if part = strings.TrimSpace(part); part != "" {
			all = append(all, part)
		}
	}
	return all
}

// createRoom makes a room as the form says.
func (s *Server) createRoom(c echo.Context) error {
	if err := form(c); err != nil {
		return err
	}
	ctx, who := c.Request().Context(), s.person(c)
	typed := roomForm(c)
	members, err := typedPeople(c, typed)
	var made portal.RoomEntry
	if err == nil {
		var days int
		if days, err = historyDays(typed.History); err == nil {
			made, err = s.Rooms.Create(ctx, who, portal.RoomDraft{
				Name: typed.Name, Title: typed.Title, Topic: typed.Topic, Access: typed.Access,
				PresentersOnly: typed.PresentersOnly, HistoryDays: days, Members: members,
			})
		}
	}
	if saidWrong(err) {
		people, err2 := s.inviteable(ctx, who, nil)
		if err2 != nil {
			return err2
		}
		return s.showRoomsProblem(c, "new", err, func(v *views.RoomsPage) { v.Draft, v.People = typed, people })
	}
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, views.RoomPath(made.URI))
}

// roomForm is what a form says of a room.
func roomForm(c echo.Context) views.RoomForm {
	version, err := strconv.ParseInt(c.FormValue("version"), 10, 64)
	if err != nil {
		version = 0 // any
	}
	f := views.RoomForm{
		Name: strings.TrimSpace(c.FormValue("name")), Title: c.FormValue("title"), Topic: c.FormValue("topic"),
		Access: portal.RoomAccess(c.FormValue("access")), PresentersOnly: c.FormValue("presenters_only") == "on",
		History: c.FormValue("history_days"), Members: clip(c.FormValue("members"), maxListed), Version: version,
	}
	for _, text := range c.Request().PostForm["member"] {
		if a, err := portal.ParseAddress(text); err == nil {
			f.Chosen = append(f.Chosen, a)
		}
	}
	return f
}

// historyDays reads the choice of how much newcomers may read.
func historyDays(text string) (int, error) {
	if text == "" {
		return portal.WholeHistory, nil
	}
	days, err := strconv.Atoi(text)
	if err != nil || days < portal.WholeHistory {
		return 0, portal.Fail(portal.ErrInvalid, "room.history")
	}
	return days, nil
}

// typedPeople are the contacts that a form has ticked and the addresses typed into it, each once.
func typedPeople(c echo.Context, f views.RoomForm) ([]portal.Address, error) {
	raw := slices.Concat(c.Request().PostForm["member"], lines(f.Members))
	return parseAddresses(raw, maxWatched)
}

// inviteable are the person's contacts who are not in a room yet, by name.
func (s *Server) inviteable(ctx context.Context, who portal.Address, in func(portal.Address) bool) ([]portal.Person, error) {
	contacts, err := s.Contacts.List(ctx, who)
	if err != nil {
		return nil, err
	}
	var people []portal.Person
	for _, contact := range contacts {
		if contact.URI == who || contact.Relationship == portal.Blocked || in != nil && in(contact.URI) || s.isRoom(contact.URI) {
			continue
		}
		person := s.Directory.Lookup(ctx, contact.URI)
		if contact.DisplayName != "" && contact.DisplayName != contact.URI.Bare() {
			person.DisplayName = contact.DisplayName
		}
		people = append(people, person)
	}
	slices.SortFunc(people, func(a, b portal.Person) int {
		return strings.Compare(strings.ToLower(a.DisplayName), strings.ToLower(b.DisplayName))
	})
	return people, nil
}

// fillGroup is the form by which a conversation becomes a group.
func (s *Server) fillGroup(c echo.Context, v *views.RoomsPage, from string) error {
	ctx := c.Request().Context()
	var peer portal.Address
	if from != "" {
		var err error
		if peer, err = portal.ParseAddress(from); err != nil {
			return err
		}
		v.From = s.Directory.Lookup(ctx, peer)
	}
	var err error
	v.People, err = s.inviteable(ctx, s.person(c), func(a portal.Address) bool { return a == peer })
	return err
}

// makeGroup makes a group of a conversation and more people.
func (s *Server) makeGroup(c echo.Context) error {
	if err := form(c); err != nil {
		return err
	}
	typed := roomForm(c)
	var peer portal.Address
	var err error
	if from := c.FormValue("from"); from != "" {
		if peer, err = portal.ParseAddress(from); err != nil {
			return err
		}
	}
	with, err := typedPeople(c, typed)
	var made portal.RoomEntry
	if err == nil {
		made, err = s.Rooms.Group(c.Request().Context(), s.person(c), peer, with)
	}
	if saidWrong(err) {
		var filled error
		answered := s.showRoomsProblem(c, "group", err, func(v *views.RoomsPage) {
			v.Draft = typed
			filled = s.fillGroup(c, v, string(peer))
		})
		return errors.Join(filled, answered)
	}
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, views.RoomPath(made.URI))
}

func (s *Server) joinServerRoom(c echo.Context) error {
	return s.serverRoom(c, s.Rooms.JoinServer, true)
}

func (s *Server) leaveServerRoom(c echo.Context) error {
	return s.serverRoom(c, s.Rooms.LeaveServer, false)
}

// serverRoom joins or leaves a room of the SIP server; who joins is led to the conversation with it.
func (s *Server) serverRoom(c echo.Context, do func(context.Context, portal.Address, portal.Address) error, in bool) error {
	if err := form(c); err != nil {
		return err
	}
	room, err := portal.ParseAddress(c.FormValue("uri"))
	if err != nil {
		return err
	}
	if err := do(c.Request().Context(), s.person(c), room); err != nil {
		return err
	}
	if in {
		return c.Redirect(http.StatusSeeOther, views.ChatPath(room))
	}
	return c.Redirect(http.StatusSeeOther, "/rooms?do=find")
}

// wishesJSON is of what a person wants to be told, for the page's script.
type wishesJSON struct {
	Notify map[portal.Address]portal.RoomNotify `json:"notify"`
	Words  []string                             `json:"words"`
	Names  []string                             `json:"names"`
}

// roomWishes tells the page's script what of what is said is news for its reader.
func (s *Server) roomWishes(c echo.Context) error {
	ctx, who := c.Request().Context(), s.person(c)
	mine, err := s.Rooms.Mine(ctx, who)
	if err != nil {
		return err
	}
	words, err := s.Rooms.Words(ctx, who)
	if err != nil {
		return err
	}
	out := wishesJSON{Notify: map[portal.Address]portal.RoomNotify{}, Words: append([]string{}, words...), Names: []string{who.User()}}
	if name := s.Directory.Lookup(ctx, who).DisplayName; name != "" {
		out.Names = append(out.Names, name)
	}
	for _, entry := range mine {
		out.Notify[entry.URI] = entry.Mine.Notify
	}
	return s.json(c, http.StatusOK, out)
}
