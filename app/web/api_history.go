package web

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"portico/app/portal"
	"portico/views"
	"portico/views/catalogue"
)

// The API of the history: what the pages under /history and /admin/history do.

// historyCalls is the part of the route table that is about the archive.
func (s *Server) historyCalls() []call {
	return []call{
		{http.MethodGet, "/history", archives, s.apiHistory, aboutHistory},
		{http.MethodGet, "/history/days", archives, s.apiHistoryDays, aboutHistoryDays},
		{http.MethodGet, "/history/export", archives, s.exportHistory, aboutHistoryExport},
		{http.MethodGet, "/history/:id", archives, s.apiTranscript, aboutTranscript},
		{http.MethodGet, "/history/:id/export", archives, s.exportEpisode, aboutEpisodeExport},
		{http.MethodDelete, "/history/:id", archives, s.apiDeleteEpisode, aboutDeleteEpisode},

		{http.MethodGet, "/admin/history", archivists, s.apiArchive, aboutArchive},
		{http.MethodPut, "/admin/history/holds/:uri", archivists, s.apiHold, aboutHold},
		{http.MethodDelete, "/admin/history/holds/:uri", archivists, s.apiRelease, aboutRelease},
		{http.MethodPost, "/admin/history/export", archivists, s.apiExportFor, aboutExportFor},
	}
}

var (
	episodeParam  = param{name: "id", in: "path", schema: "Text", about: "the conversation's id, percent-encoded"}
	formatParam   = param{name: "format", in: "query", schema: "ExportFormat", about: "text (the default), html or json"}
	historyParams = []param{
		{name: "q", in: "query", schema: "Text", about: `words that one message must have all; "quoted words" stand together; the last may be a beginning`},
		{name: "peer", in: "query", schema: "Text", about: "the other person or the room: an address, with or without its scheme, or a whole name"},
		{name: "from", in: "query", schema: "DayOrTime", about: "the first day, or an instant"},
		{name: "to", in: "query", schema: "DayOrTime", about: "the last day, or the instant before which it was"},
		{name: "kind", in: "query", schema: "EpisodeKind", about: "what kind of conversation"},
	}
	aboutHistory = operation{
		summary: "The person's conversations, newest first; with words in q the messages that have them",
		params: append(slices.Clone(historyParams), param{name: "cursor", in: "query", schema: "Text", about: "goes on where a page ended: its next"},
			param{name: "limit", in: "query", schema: "Limit", about: "how many at most: 50, at most 200"}),
		answers: []answer{{status: 200, schema: "HistoryPage"}}, errors: []int{400},
	}
	aboutHistoryDays = operation{
		summary: "How many messages each day has, by the person's time zone; at most 400 days",
		params:  []param{{name: "from", in: "query", schema: "DayOrTime", about: "the first day"}, {name: "to", in: "query", schema: "DayOrTime", about: "the last day"}},
		answers: []answer{{status: 200, schema: "HistoryDay", list: true}}, errors: []int{400},
	}
	aboutHistoryExport = operation{
		summary: "Everything that is found, as a file; filters as for the list", params: append(slices.Clone(historyParams), formatParam),
		answers: []answer{{status: 200, schema: "HistoryFile", media: "*/*", about: "a file in the format that was asked for"}}, errors: []int{400},
	}
	aboutTranscript = operation{
		summary: "One conversation with a stretch of its messages, oldest first",
		params: []param{episodeParam, {name: "after", in: "query", schema: "Seq", about: "the order of the message behind which the stretch begins"},
			{name: "limit", in: "query", schema: "Limit", about: "how many messages at most: 200, at most 500"}},
		answers: []answer{{status: 200, schema: "Transcript"}}, errors: []int{400, 404},
	}
	aboutEpisodeExport = operation{
		summary: "One conversation as a file", params: []param{episodeParam, formatParam},
		answers: []answer{{status: 200, schema: "HistoryFile", media: "*/*", about: "a file in the format that was asked for"}}, errors: []int{400, 404},
	}
	aboutDeleteEpisode = operation{
		summary: "Delete the person's own copy of a conversation, in Exchange too", params: []param{episodeParam},
		answers: []answer{{status: 204, about: "it is deleted"}}, errors: []int{400, 404},
	}
	aboutArchive = operation{summary: "Legal holds, the record of holds and exports, and how long things are kept", answers: []answer{{status: 200, schema: "Archive"}}}
	aboutHold    = operation{
		summary: "Keep what somebody says and hears, whatever they or retention delete", params: []param{uriParam("uri")}, body: "ArchiveReason",
		answers: []answer{{status: 204, about: "on hold"}}, errors: []int{400, 413, 415},
	}
	aboutRelease = operation{
		summary: "Lift a legal hold", params: []param{uriParam("uri"), {name: "reason", in: "query", schema: "Text", about: "why, for the record"}},
		answers: []answer{{status: 204, about: "lifted"}}, errors: []int{400, 404},
	}
	aboutExportFor = operation{
		summary: "What somebody said and heard in a time, as a file; it is recorded", body: "ArchiveExport",
		answers: []answer{{status: 200, schema: "HistoryFile", media: "*/*", about: "a file in the format that was asked for"}}, errors: []int{400, 413, 415},
	}
)

// episodeJSON is an episode with why Exchange refused it in words.
type episodeJSON struct {
	portal.Episode
	Reason    string `json:"reason,omitempty"`
	ReasonKey string `json:"reason_key,omitempty"`
}

func episodeFor(words *catalogue.Catalogue, e portal.Episode) episodeJSON {
	out := episodeJSON{Episode: e, ReasonKey: e.Reason}
	if e.Reason != "" {
		out.Reason = sentence(words, e.Reason, nil)
	}
	return out
}

// historyJSON is a page of the history.
type historyJSON struct {
	Episodes []episodeJSON `json:"episodes"`
	Hits     []portal.Hit  `json:"hits,omitempty"`
	Next     string        `json:"next,omitempty"`
	Away     bool          `json:"away,omitempty"`
}

func (s *Server) apiHistory(c echo.Context) error {
	ctx, who := c.Request().Context(), s.person(c)
	q, err := s.historyQuery(ctx, who, historyForm(c.QueryParam), s.reader(c).Zone, dateOrTime)
	if err != nil {
		return err
	}
	if q.Limit, err = limitOf(c, historyLimit); err != nil {
		return err
	}
	q.Cursor = c.QueryParam("cursor")
	page, err := s.History.List(ctx, who, q)
	if err != nil {
		return err
	}
	out := historyJSON{Episodes: []episodeJSON{}, Hits: page.Hits, Next: page.Next, Away: page.Away}
	for _, e := range page.Episodes {
		out.Episodes = append(out.Episodes, episodeFor(s.catalogue(c), e))
	}
	return s.json(c, http.StatusOK, out)
}

// dayJSON is a day with how many messages it has.
type dayJSON struct {
	Day      string `json:"day"`
	Messages int    `json:"messages"`
}

func (s *Server) apiHistoryDays(c echo.Context) error {
	zone := s.reader(c).Zone
	from, to, err := historySpan(c.QueryParam("from"), c.QueryParam("to"), zone, dateOrTime)
	if err == nil && (from.IsZero() || to.IsZero()) {
		err = portal.Fail(portal.ErrInvalid, "history.from-to")
	}
	if err != nil {
		return err
	}
	counts, err := s.History.Days(c.Request().Context(), s.person(c), from, to, zone)
	if err != nil {
		return err
	}
	out := []dayJSON{}
	for day, n := range counts {
		out = append(out, dayJSON{day, n})
	}
	slices.SortFunc(out, func(a, b dayJSON) int { return cmp.Compare(a.Day, b.Day) })
	return s.json(c, http.StatusOK, out)
}

// transcriptJSON is an opened episode.
type transcriptJSON struct {
	episodeJSON
	HTML  string        `json:"html,omitempty"`
	Lines []portal.Line `json:"lines"`
}

func (s *Server) apiTranscript(c echo.Context) error {
	id, err := pathText(c, "id")
	if err != nil {
		return err
	}
	after, err := orderOf(c.QueryParam("after"))
	if err != nil {
		return err
	}
	limit, err := limitOf(c, views.StretchLines)
	if err != nil {
		return err
	}
	t, err := s.History.Open(c.Request().Context(), s.person(c), id, after, min(limit, 500))
	if err != nil {
		return err
	}
	out := transcriptJSON{episodeJSON: episodeFor(s.catalogue(c), t.Episode), HTML: s.cleanHTML(t.HTML), Lines: listed(t.Lines)}
	return s.json(c, http.StatusOK, out)
}

func (s *Server) apiDeleteEpisode(c echo.Context) error {
	id, err := pathText(c, "id")
	if err != nil {
		return err
	}
	if err := s.History.Delete(c.Request().Context(), s.person(c), id); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// archiveJSON is what administrators see of the archive. Durations are in seconds; zero: for ever.
type archiveJSON struct {
	Retention     int64                  `json:"retention_seconds"`
	RoomRetention int64                  `json:"room_retention_seconds"`
	Holds         []portal.Hold          `json:"holds"`
	Record        []portal.HistoryExport `json:"record"`
}

func (s *Server) apiArchive(c echo.Context) error {
	ctx := c.Request().Context()
	holds, err := s.History.Holds(ctx)
	if err != nil {
		return err
	}
	record, err := s.History.Exports(ctx, recordLines)
	if err != nil {
		return err
	}
	return s.json(c, http.StatusOK, archiveJSON{
		Retention: int64(s.Config.Retention / time.Second), RoomRetention: int64(s.Config.RoomRetention / time.Second), Holds: listed(holds), Record: listed(record),
	})
}

func (s *Server) apiHold(c echo.Context) error {
	var in struct {
		Reason string `json:"reason"`
	}
	if err := body(c, &in); err != nil {
		return err
	}
	who, err := pathAddress(c, "uri")
	if err != nil {
		return err
	}
	if err := s.auditedHold(c)(c.Request().Context(), s.person(c), who, in.Reason); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

func (s *Server) apiRelease(c echo.Context) error {
	who, err := pathAddress(c, "uri")
	if err != nil {
		return err
	}
	if err := s.auditedRelease(c)(c.Request().Context(), s.person(c), who, c.QueryParam("reason")); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

func (s *Server) apiExportFor(c echo.Context) error {
	var in archiveExport
	if err := body(c, &in); err != nil {
		return err
	}
	return s.exportFor(c, in, dateOrTime)
}
