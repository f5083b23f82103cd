package web

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"portico/app/portal"
	"portico/views"
)

// The audit trail for administrators: a page to search it, and all that a search finds as a file. Whoever takes a file away
// or reads about somebody stands in the trail too.

const (
	// pageOfAudit is how many lines stand on a page, auditBatch how many of a file are read at a time.
	pageOfAudit, auditBatch = 100, 1000
	// auditLines is how many lines a file holds at most.
	auditLines = 1_000_000
)

// auditPages registers them.
func (s *Server) auditPages(g *echo.Group) {
	g.GET("/admin/audit", s.auditPage, s.withAudit)
	g.GET("/admin/audit.csv", s.auditFile, s.withAudit)
	g.GET("/admin/audit.json", s.auditFile, s.withAudit)
}

// withAudit refuses what needs the audit trail where none is kept.
func (s *Server) withAudit(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if s.Audit == nil {
			return portal.Fail(portal.ErrUnavailable, "audit.none")
		}
		return next(c)
	}
}

// auditQuery reads what is asked for; dates are by the reader's clock.
func (s *Server) auditQuery(c echo.Context) (q portal.AuditQuery, err error) {
	if text := strings.TrimSpace(c.QueryParam("who")); text != "" {
		if q.Who, err = s.theOne(c.Request().Context(), text); err != nil {
			return q, err
		}
	}
	if q.Kind = c.QueryParam("kind"); q.Kind != "" && !slices.Contains(portal.AuditKinds(), q.Kind) {
		return q, portal.Fail(portal.ErrInvalid, "audit.kind")
	}
	switch c.QueryParam("result") {
	case "":
	case "refused":
		q.Refused = true
	default:
		return q, portal.Fail(portal.ErrInvalid, "audit.kind")
	}
	zone := s.reader(c).Zone
	if q.From, err = dayOrTime(c.QueryParam("from"), zone, 0); err != nil {
		return q, err
	}
	if q.To, err = dayOrTime(c.QueryParam("to"), zone, 1); err != nil {
		return q, err
	}
	q.Before, err = wholeNumber(c.QueryParam("before"), 0)
	return q, err
}

// auditPage shows what a search finds, the newest first.
func (s *Server) auditPage(c echo.Context) error {
	f, err := s.adminFrame(c, "audit.title")
	if err != nil {
		return err
	}
	f.Here = views.AuditPath
	ctx := c.Request().Context()
	v := views.AuditPage{
		Frame: f, Typed: strings.TrimSpace(clip(c.QueryParam("who"), maxQuery)), Kind: c.QueryParam("kind"), Refused: c.QueryParam("result") == "refused",
		From: clip(c.QueryParam("from"), 40), To: clip(c.QueryParam("to"), 40), Retention: s.Config.AuditRetention,
	}
	q, err := s.auditQuery(c)
	if err != nil {
		status, err := s.mendable(c, &v.Frame, &v.Notice, err)
		if err != nil {
			return err
		}
		return s.render(c, status, views.AuditView(v))
	}
	if v.Lines, err = s.searchAudit(c, q, pageOfAudit+1); err != nil {
		return err
	}
	if len(v.Lines) > pageOfAudit {
		v.Lines = v.Lines[:pageOfAudit]
		v.Older = v.Lines[pageOfAudit-1].Seq
	}
	v.Names = s.scopeNames(ctx, nil)
	for _, l := range v.Lines {
		s.called(ctx, v.Names, l.By)
		s.called(ctx, v.Names, l.About)
	}
	return s.render(c, http.StatusOK, views.AuditView(v))
}

// searchAudit reads lines, and notes whose they were.
func (s *Server) searchAudit(c echo.Context, q portal.AuditQuery, limit int) ([]portal.Audited, error) {
	q.Limit = limit
	lines, err := s.Audit.Search(c.Request().Context(), q)
	if q.Who != "" && q.Who != s.person(c) {
		s.auditAct(c, "audit trail of somebody read", portal.Audited{Kind: portal.AuditTrailRead, About: q.Who}, err)
	}
	return lines, err
}

// auditFile downloads what a search finds, as a table or as JSON by how the path ends.
func (s *Server) auditFile(c echo.Context) error {
	q, err := s.auditQuery(c)
	if err != nil {
		return err
	}
	kind := "json"
	if strings.HasSuffix(c.Path(), ".csv") {
		kind = "csv"
	}
	types := map[string]string{"csv": "text/csv; charset=utf-8", "json": "application/json"}
	out := &lateFile{c: c, name: "portico-audit-" + s.Now().UTC().Format("20060102-150405") + "." + kind, kind: types[kind], ctl: http.NewResponseController(c.Response())}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Request().Context()), exportTime)
	defer cancel()
	n, err := s.writeAudit(ctx, q, kind, out)
	s.auditAct(c, "audit trail exported", portal.Audited{
		Kind: portal.AuditTrailExport, About: q.Who, Subject: kind, Detail: strconv.Itoa(n) + " lines, " + spanText(q.From, q.To),
	}, err)
	if err != nil && out.begun {
		s.Logger.Warn("an export was broken off", "request_id", requestID(c), "error", err)
		panic(http.ErrAbortHandler)
	}
	return err
}

// writeAudit writes all lines that a search finds and says how many those were.
func (s *Server) writeAudit(ctx context.Context, q portal.AuditQuery, kind string, out io.Writer) (n int, err error) {
	var w auditWriter = &auditJSON{out: out}
	if kind == "csv" {
		w = &auditCSV{w: csv.NewWriter(out)}
	}
	for q.Limit = auditBatch; n < auditLines; {
		lines, err := s.Audit.Search(ctx, q)
		if err != nil {
			return n, err
		}
		for _, l := range lines {
			if err := w.line(l); err != nil {
				return n, err
			}
			n++
		}
		if len(lines) < auditBatch {
			break
		}
		q.Before = lines[len(lines)-1].Seq
	}
	return n, w.end()
}

// auditWriter writes lines of the trail in one of the forms of a file.
type auditWriter interface {
	line(l portal.Audited) error
	end() error
}

type auditCSV struct {
	w     *csv.Writer
	begun bool
}

// head names the columns, once.
func (a *auditCSV) head() error {
	if a.begun {
		return nil
	}
	a.begun = true
	return a.w.Write([]string{"seq", "at", "kind", "by", "about", "subject", "detail", "result", "remote", "agent", "request"})
}

func (a *auditCSV) line(l portal.Audited) error {
	if err := a.head(); err != nil {
		return err
	}
	record := []string{strconv.FormatInt(l.Seq, 10), l.At.UTC().Format(time.RFC3339Nano), l.Kind, l.By.Bare(), l.About.Bare(),
		harmless(l.Subject), harmless(l.Detail), l.Result, l.Remote, harmless(l.Agent), l.Request}
	return a.w.Write(record)
}

func (a *auditCSV) end() error {
	if err := a.head(); err != nil {
		return err
	}
	a.w.Flush()
	return a.w.Error()
}

// harmless keeps a text from being taken for a formula by programs for tables.
func harmless(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}

type auditJSON struct {
	out   io.Writer
	begun bool
}

func (a *auditJSON) line(l portal.Audited) error {
	body, err := json.Marshal(l)
	if err != nil {
		return err
	}
	before := ",\n"
	if !a.begun {
		a.begun, before = true, "[\n"
	}
	_, err = a.out.Write(append([]byte(before), body...))
	return err
}

func (a *auditJSON) end() error {
	after := "\n]\n"
	if !a.begun {
		after = "[]\n"
	}
	_, err := io.WriteString(a.out, after)
	return err
}
