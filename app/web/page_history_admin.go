package web

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"portico/app/portal"
	"portico/views"
)

// What administrators do about the archive: legal holds, exports of what somebody said and heard, and the record of both.

// recordLines is how many lines of the record a page shows.
const recordLines = 200

// historyAdminPages registers the archive's pages of administration.
func (s *Server) historyAdminPages(g *echo.Group) {
	g = g.Group("", s.adminsOnly, s.withHistory)
	g.GET("/admin/history", s.historyAdminPage)
	g.GET("/admin/history/hold", s.historyAdminPage)
	g.GET("/admin/history/release", s.historyAdminPage)
	g.GET("/admin/history/export", s.historyAdminPage)
	g.POST("/admin/history/hold", s.holdByForm)
	g.POST("/admin/history/release", s.releaseByForm)
	g.POST("/admin/history/export", s.exportForByForm)
}

func (s *Server) historyAdminPage(c echo.Context) error {
	return s.showHistoryAdmin(c, http.StatusOK, views.HistoryAdminPage{})
}

// showHistoryAdmin renders the page with what a form left in v.
func (s *Server) showHistoryAdmin(c echo.Context, status int, v views.HistoryAdminPage) error {
	f, err := s.adminFrame(c, "history.admin-title")
	if err != nil {
		return err
	}
	f.Problem, f.Here = v.Problem, "/admin/history"
	v.Frame = f
	v.Retention, v.RoomRetention = s.Config.Retention, s.Config.RoomRetention
	ctx := c.Request().Context()
	holds, err := s.History.Holds(ctx)
	if err != nil {
		return err
	}
	for _, h := range holds {
		v.Holds = append(v.Holds, views.HoldItem{Hold: h, Person: s.Directory.Lookup(ctx, h.Who), Admin: s.Directory.Lookup(ctx, h.By)})
	}
	record, err := s.History.Exports(ctx, recordLines)
	if err != nil {
		return err
	}
	for _, x := range record {
		v.Record = append(v.Record, views.RecordItem{
			At: x.At, Admin: s.Directory.Lookup(ctx, x.By), Person: s.Directory.Lookup(ctx, x.Who), What: x.What,
			From: x.From, To: x.To, Format: x.Format, Messages: x.Messages, Reason: x.Reason,
		})
	}
	return s.render(c, status, views.HistoryAdminView(v))
}

// adminForm does what a form asks for about a person, and shows the page with what it said, or with what is wrong and the form as it was.
func (s *Server) adminForm(c echo.Context, done string, do func(ctx context.Context, by, who portal.Address, reason string) error) error {
	if err := form(c); err != nil {
		return err
	}
	ctx := c.Request().Context()
	who, err := portal.ParseAddress(c.FormValue("uri"))
	if err == nil {
		err = do(ctx, s.person(c), who, strings.TrimSpace(c.FormValue("reason")))
	}
	if err != nil {
		return s.adminRefused(c, err)
	}
	r := s.reader(c)
	return s.showHistoryAdmin(c, http.StatusOK, views.HistoryAdminPage{Done: r.Text("history.done."+done, "Name", displayName(s.Directory.Lookup(ctx, who)))})
}

// adminRefused shows the page with what is wrong and the form as it was.
func (s *Server) adminRefused(c echo.Context, err error) error {
	var said *portal.Error
	if !errors.As(err, &said) {
		return err
	}
	c.Set(failedKey, err)
	v := views.HistoryAdminPage{
		Who: clip(c.FormValue("uri"), maxQuery), Reason: clip(c.FormValue("reason"), 2000), From: clip(c.FormValue("from"), 40), To: clip(c.FormValue("to"), 40),
	}
	v.Problem = s.reader(c).Failure(err)
	return s.showHistoryAdmin(c, classify(err).status, v)
}

func (s *Server) holdByForm(c echo.Context) error { return s.adminForm(c, "hold", s.auditedHold(c)) }

func (s *Server) releaseByForm(c echo.Context) error {
	return s.adminForm(c, "release", s.auditedRelease(c))
}

// auditedHold puts somebody on hold, and logs it.
func (s *Server) auditedHold(c echo.Context) func(ctx context.Context, by, who portal.Address, reason string) error {
	return func(ctx context.Context, by, who portal.Address, reason string) error {
		err := s.History.Hold(ctx, by, who, reason)
		s.auditAct(c, "legal hold", portal.Audited{Kind: portal.AuditHold, About: who}, err, slog.String("about", string(who)))
		return err
	}
}

// auditedRelease lifts a hold, and logs it.
func (s *Server) auditedRelease(c echo.Context) func(ctx context.Context, by, who portal.Address, reason string) error {
	return func(ctx context.Context, by, who portal.Address, reason string) error {
		err := s.History.Release(ctx, by, who, reason)
		s.auditAct(c, "legal hold lifted", portal.Audited{Kind: portal.AuditHoldLifted, About: who}, err, slog.String("about", string(who)))
		return err
	}
}

// archiveExport is what an administrator asks for; from and to are dates or instants.
type archiveExport struct {
	URI    string `json:"uri"`
	From   string `json:"from"`
	To     string `json:"to"`
	Format string `json:"format"`
	Reason string `json:"reason"`
}

// exportForByForm downloads what somebody said and heard.
func (s *Server) exportForByForm(c echo.Context) error {
	if err := form(c); err != nil {
		return err
	}
	err := s.exportFor(c, archiveExport{
		URI: c.FormValue("uri"), From: c.FormValue("from"), To: c.FormValue("to"), Format: c.FormValue("format"), Reason: c.FormValue("reason"),
	}, dateOnly)
	if err != nil {
		return s.adminRefused(c, err)
	}
	return nil
}

// exportFor sends the archive of a person in a time.
func (s *Server) exportFor(c echo.Context, x archiveExport, read timeReader) error {
	who, err := portal.ParseAddress(x.URI)
	if err != nil {
		return err
	}
	begin, end, err := historySpan(x.From, x.To, s.reader(c).Zone, read)
	if err != nil {
		return err
	}
	by := s.person(c)
	return s.sendExport(c, who, x.Format, func(ctx context.Context, format string, w io.Writer) error {
		err := s.History.ExportFor(ctx, by, who, begin, end, format, strings.TrimSpace(x.Reason), w)
		s.auditAct(c, "archive exported", portal.Audited{Kind: portal.AuditExport, About: who, Subject: format, Detail: spanText(begin, end)}, err, slog.String("about", string(who)))
		return err
	})
}

// spanText is a span of time in the audit trail.
func spanText(from, to time.Time) string {
	text := func(t time.Time) string {
		if t.IsZero() {
			return "…"
		}
		return t.UTC().Format(time.RFC3339)
	}
	return text(from) + " – " + text(to)
}
