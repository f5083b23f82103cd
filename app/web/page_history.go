package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"portico/app/portal"
	"portico/views"
)

// The history: the list of conversations by day, search in them, one of them whole, and files of them.

// historyPages registers the pages of the history.
func (s *Server) historyPages(g *echo.Group) {
	g = g.Group("", s.withHistory)
	g.GET("/history", s.historyPage)
	g.GET("/history/people", s.historyPeople)
	g.GET("/history/export", s.exportHistory)
	g.GET("/history/:id", s.transcriptPage)
	g.GET("/history/:id/export", s.exportEpisode)
	g.GET("/history/:id/delete", s.transcriptPage)
	g.POST("/history/:id/delete", s.deleteEpisode)
}

// withHistory refuses what needs the archive where the portal keeps none.
func (s *Server) withHistory(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if s.History == nil {
			return portal.Fail(portal.ErrUnavailable, "history.none")
		}
		return next(c)
	}
}

// historyLimit is how many conversations or messages a page of the list has.
const historyLimit = 50

// historyFrame is the frame of a page of the history.
func (s *Server) historyFrame(c echo.Context, title string) (views.Frame, error) {
	f, err := s.frame(c, views.History, title)
	f.Reader = s.reader(c)
	f.Here = relativeTarget(c.Request().URL.RequestURI())
	return f, err
}

// historyForm reads what the page's form holds.
func historyForm(get func(string) string) views.HistoryForm {
	return views.HistoryForm{
		Q: clip(strings.TrimSpace(get("q")), maxQuery), Peer: clip(strings.TrimSpace(get("peer")), maxQuery),
		From: clip(get("from"), 40), To: clip(get("to"), 40), Kind: clip(get("kind"), 20), Month: clip(get("month"), 7),
	}
}

// historyQuery reads what the form asks for; dates are by the reader's clock.
func (s *Server) historyQuery(ctx context.Context, who portal.Address, form views.HistoryForm, zone *time.Location, read timeReader) (portal.HistoryQuery, error) {
	q := portal.HistoryQuery{Q: form.Q, Kind: portal.EpisodeKind(form.Kind), Limit: historyLimit}
	if q.Kind != "" && !slices.Contains(views.EpisodeKinds(), q.Kind) {
		return q, portal.Fail(portal.ErrInvalid, "history.kind")
	}
	var err error
	if q.From, q.To, err = historySpan(form.From, form.To, zone, read); err != nil {
		return q, err
	}
	q.Peer, err = s.historyPeer(ctx, who, form.Peer)
	return q, err
}

// timeReader reads one end of a time.
type timeReader = func(text string, zone *time.Location, later int) (time.Time, error)

// dateOnly and dateOrTime read one end of a time; later is how many days are added to a date.
func dateOnly(text string, zone *time.Location, later int) (time.Time, error) {
	day, err := time.ParseInLocation(dateLayout, text, zone)
	if err != nil {
		return time.Time{}, portal.Fail(portal.ErrInvalid, "history.from-to").Because(err)
	}
	return day.AddDate(0, 0, later), nil
}

func dateOrTime(text string, zone *time.Location, later int) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	return dateOnly(text, zone, later)
}

// historySpan reads from and to, each empty or a date; the second date is part of the time.
func historySpan(from, to string, zone *time.Location, read timeReader) (begin, end time.Time, err error) {
	if from != "" {
		if begin, err = read(from, zone, 0); err != nil {
			return begin, end, err
		}
	}
	if to != "" {
		if end, err = read(to, zone, 1); err != nil {
			return begin, end, err
		}
	}
	if !begin.IsZero() && !end.IsZero() && !begin.Before(end) {
		return begin, end, portal.Fail(portal.ErrInvalid, "history.from-to")
	}
	return begin, end, nil
}

// historyPeer finds the person or room that was typed: an address, or the whole name of somebody in the contact list or the
// address book, or the title of one of the reader's rooms.
func (s *Server) historyPeer(ctx context.Context, who portal.Address, text string) (portal.Address, error) {
	if text == "" {
		return "", nil
	}
	if a, err := portal.ParseAddress(text); err == nil {
		return a, nil
	}
	people, err := s.findPeers(ctx, who, text)
	if err != nil {
		return "", err
	}
	for _, p := range people {
		if strings.EqualFold(p.DisplayName, text) {
			return p.URI, nil
		}
	}
	if len(people) == 1 {
		return people[0].URI, nil
	}
	return "", portal.Fail(portal.ErrInvalid, "history.peer")
}

// foundPeers is how many people and rooms a field offers.
const foundPeers = 12

// findPeers are people and rooms whose names fit what was typed; with nothing typed those with whom the reader talked last.
func (s *Server) findPeers(ctx context.Context, who portal.Address, text string) ([]portal.Person, error) {
	var found []portal.Person
	add := func(p portal.Person) {
		if len(found) < foundPeers && !slices.ContainsFunc(found, func(x portal.Person) bool { return x.URI == p.URI }) {
			found = append(found, p)
		}
	}
	conversations, err := s.Chat.Conversations(ctx, who)
	if err != nil {
		return nil, err
	}
	for _, conversation := range conversations {
		if p := s.Directory.Lookup(ctx, conversation.Peer); fitsName(p, text) {
			add(p)
		}
	}
	if s.Rooms != nil {
		rooms, err := s.Rooms.Mine(ctx, who)
		if err != nil {
			return nil, err
		}
		for _, room := range rooms {
			if p := (portal.Person{URI: room.URI, DisplayName: s.peerName(ctx, who, room.URI)}); fitsName(p, text) {
				add(p)
			}
		}
	}
	if text == "" {
		return found, nil
	}
	people, err := s.Directory.Search(ctx, text, foundPeers)
	for _, p := range people {
		add(p)
	}
	return found, err
}

// fitsName reports whether a word of somebody's name, or their address, begins with what was typed.
func fitsName(p portal.Person, text string) bool {
	text = strings.ToLower(text)
	name := strings.ToLower(p.DisplayName)
	return strings.HasPrefix(name, text) || strings.Contains(name, " "+text) || strings.HasPrefix(strings.ToLower(p.URI.Bare()), text)
}

// historyPeople offers people and rooms for what is typed, for the page's script.
func (s *Server) historyPeople(c echo.Context) error {
	text := c.QueryParam("peer")
	if text == "" {
		text = c.QueryParam("uri")
	}
	people, err := s.findPeers(c.Request().Context(), s.person(c), clip(strings.TrimSpace(text), maxQuery))
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, views.HistoryPeople(people))
}

// historyPage is the list, or what a search found.
func (s *Server) historyPage(c echo.Context) error {
	f, err := s.historyFrame(c, "history.title")
	if err != nil {
		return err
	}
	ctx, who := c.Request().Context(), s.person(c)
	v := views.HistoryPage{Frame: f, Form: historyForm(c.QueryParam), Deleted: c.QueryParam("deleted") == "1", Later: c.QueryParam("cursor") != ""}
	status := http.StatusOK
	err = s.fillHistory(ctx, who, c.QueryParam("cursor"), &v)
	var said *portal.Error
	switch {
	case errors.Is(err, portal.ErrForbidden):
		v.Forbidden = true
		return s.render(c, status, views.HistoryView(v))
	case errors.As(err, &said) && errors.Is(err, portal.ErrInvalid):
		c.Set(failedKey, err)
		v.Problem, status = f.Failure(err), http.StatusBadRequest
	case err != nil:
		return err
	}
	if v.Month, err = s.historyMonth(ctx, who, f.Reader, v.Form); err != nil {
		return err
	}
	if v.People, err = s.findPeers(ctx, who, ""); err != nil {
		return err
	}
	return s.render(c, status, views.HistoryView(v))
}

// fillHistory reads what the page's form asks for.
func (s *Server) fillHistory(ctx context.Context, who portal.Address, cursor string, v *views.HistoryPage) error {
	q, err := s.historyQuery(ctx, who, v.Form, v.Zone, dateOnly)
	if err != nil {
		return err
	}
	q.Cursor = cursor
	page, err := s.History.List(ctx, who, q)
	if err != nil {
		return err
	}
	if q.Peer != "" && v.Form.Peer != q.Peer.Bare() {
		v.Form.Peer = q.Peer.Bare() // what was typed is what is looked for from now on
	}
	v.Next, v.Away = page.Next, page.Away
	for _, e := range page.Episodes {
		v.Episodes = append(v.Episodes, s.episodeItem(ctx, who, e))
	}
	for _, h := range page.Hits {
		v.Hits = append(v.Hits, views.HitItem{Hit: h, Name: s.peerName(ctx, who, h.Conversation), Sender: s.Directory.Lookup(ctx, h.From)})
	}
	return nil
}

// historyMonth is the small calendar's month: the one that was asked for, else that of the first date, else the present one.
func (s *Server) historyMonth(ctx context.Context, who portal.Address, r views.Reader, form views.HistoryForm) (views.HistoryMonth, error) {
	first := time.Date(r.Now.Year(), r.Now.Month(), 1, 0, 0, 0, 0, r.Zone)
	if day, err := time.ParseInLocation(dateLayout, form.From, r.Zone); err == nil {
		first = time.Date(day.Year(), day.Month(), 1, 0, 0, 0, 0, r.Zone)
	}
	if month, err := time.ParseInLocation("2006-01", form.Month, r.Zone); err == nil {
		first = month
	}
	counts, err := s.History.Days(ctx, who, first, first.AddDate(0, 1, 0), r.Zone)
	return views.HistoryMonth{First: first, Counts: counts}, err
}

// episodeItem is an episode as the list shows it.
func (s *Server) episodeItem(ctx context.Context, who portal.Address, e portal.Episode) views.EpisodeItem {
	item := views.EpisodeItem{Episode: e}
	other := e.Conversation
	if e.Kind == portal.EpisodeForeign && len(e.With) == 1 && len(e.Names) == 0 {
		other = e.With[0]
	}
	switch {
	case other != "" && (e.Kind == portal.EpisodeIM || e.Kind == portal.EpisodeForeign):
		item.Who, item.Presence = s.Directory.Lookup(ctx, other), s.Presence.Of(who, other)
		item.Name = s.peerName(ctx, who, other)
	case other != "":
		item.Name = s.peerName(ctx, who, other)
	default:
		item.Name = s.peopleNames(ctx, e)
	}
	return item
}

// peopleNames names those in a foreign item; its subject where it names nobody.
func (s *Server) peopleNames(ctx context.Context, e portal.Episode) string {
	names := make([]string, 0, len(e.With)+len(e.Names))
	for _, a := range e.With {
		names = append(names, displayName(s.Directory.Lookup(ctx, a)))
	}
	names = append(names, e.Names...)
	if len(names) == 0 {
		return e.Subject
	}
	return strings.Join(names, ", ")
}

func displayName(p portal.Person) string {
	if p.DisplayName != "" {
		return p.DisplayName
	}
	return p.URI.Bare()
}

// peerName is what a person or room is called. A room that the reader has left is called by its name.
func (s *Server) peerName(ctx context.Context, who, a portal.Address) string {
	if !s.isRoom(a) {
		return displayName(s.Directory.Lookup(ctx, a))
	}
	room, err := s.Rooms.Get(ctx, who, a)
	switch {
	case err == nil && room.Title != "":
		return room.Title
	case err == nil && len(room.With) > 0:
		return s.peopleNames(ctx, portal.Episode{With: room.With})
	}
	return a.User()
}

// continuePath is where a conversation goes on; empty where that is not known.
func (s *Server) continuePath(f views.Frame, e portal.Episode) string {
	switch {
	case e.Kind == portal.EpisodeForeign && len(e.With) == 1 && len(e.Names) == 0:
		return f.PersonPath(e.With[0])
	case e.Kind == portal.EpisodeForeign, e.Conversation == "":
		return ""
	case s.isRoom(e.Conversation):
		return views.RoomPath(e.Conversation)
	case s.Rooms != nil && s.Rooms.IsServerRoom(e.Conversation):
		return views.ChatPath(e.Conversation)
	}
	return f.PersonPath(e.Conversation)
}

// opensFrom is the first message of a room whose files the reader may still open; none are where it is negative.
func (s *Server) opensFrom(ctx context.Context, who portal.Address, e portal.Episode) (int64, error) {
	if !s.isRoom(e.Conversation) {
		return -1, nil
	}
	room, err := s.Rooms.Get(ctx, who, e.Conversation)
	switch {
	case errors.Is(err, portal.ErrNotFound), errors.Is(err, portal.ErrForbidden):
		return -1, nil
	case err != nil:
		return -1, err
	case !s.Rooms.Rights(room, who).Read:
		return -1, nil
	}
	return room.Mine.First, nil
}

// listOf reads the list from which a conversation was opened; what is not a list is none.
func listOf(text string) views.HistoryForm {
	query, err := url.ParseQuery(clip(text, 2000))
	if err != nil {
		return views.HistoryForm{}
	}
	return historyForm(query.Get)
}

// orderOf reads a place in a conversation.
func orderOf(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	order, err := strconv.ParseInt(text, 10, 64)
	if err != nil || order < 0 {
		return 0, portal.Fail(portal.ErrInvalid, "history.order")
	}
	return order, nil
}

// contextLines is how many lines stand before the one that was found.
const contextLines = 20

// transcriptPage is one conversation: from its beginning, from a place on, or around the message that was found.
func (s *Server) transcriptPage(c echo.Context) error {
	id, err := pathText(c, "id")
	if err != nil {
		return err
	}
	at, err := orderOf(c.QueryParam("at"))
	if err != nil {
		return err
	}
	after, err := orderOf(c.QueryParam("after"))
	if err != nil {
		return err
	}
	if at > 0 {
		after = max(0, at-contextLines-1)
	}
	f, err := s.historyFrame(c, "history.title")
	if err != nil {
		return err
	}
	ctx, who := c.Request().Context(), s.person(c)
	t, err := s.History.Open(ctx, who, id, after, views.StretchLines+1)
	if err != nil {
		return err
	}
	v := views.TranscriptPage{Frame: f, Form: listOf(c.QueryParam("list")), Item: s.episodeItem(ctx, who, t.Episode), Found: at, HTML: s.cleanHTML(t.HTML), Continue: s.continuePath(f, t.Episode)}
	v.Title = v.Item.Name
	if len(t.Lines) > views.StretchLines {
		t.Lines, v.Later = t.Lines[:views.StretchLines], true
	}
	first, err := s.opensFrom(ctx, who, t.Episode)
	if err != nil {
		return err
	}
	for _, l := range t.Lines {
		v.Lines = append(v.Lines, views.LineItem{Line: l, Sender: s.Directory.Lookup(ctx, l.From), Mine: l.From == who, Opens: first >= 0 && l.Order >= first})
	}
	v.Earlier = len(t.Lines) > 0 && after > 0 && t.Lines[0].Order > t.First
	for _, a := range t.With {
		v.People = append(v.People, s.Directory.Lookup(ctx, a))
	}
	return s.render(c, http.StatusOK, views.TranscriptView(v))
}

// deleteEpisode deletes the person's own copy.
func (s *Server) deleteEpisode(c echo.Context) error {
	if err := form(c); err != nil {
		return err
	}
	id, err := pathText(c, "id")
	if err != nil {
		return err
	}
	if err := s.History.Delete(c.Request().Context(), s.person(c), id); err != nil {
		return err
	}
	to := listOf(c.FormValue("list")).List()
	if strings.Contains(to, "?") {
		return c.Redirect(http.StatusSeeOther, to+"&deleted=1")
	}
	return c.Redirect(http.StatusSeeOther, to+"?deleted=1")
}
