package web

import (
	"context"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"portico/app/history"
	"portico/app/portal"
	"portico/views"
)

// Conversations as files: all that was found, one conversation, an item of another program, and what administrators take.

const (
	// exportTime bounds an export, exportPace what one stretch of it may take to reach the browser.
	exportTime = 30 * time.Minute
	exportPace = 30 * time.Second
)

// exportType is the media type of a format; empty where there is no such format.
func exportType(format string) string {
	switch format {
	case history.FormatHTML:
		return "text/html; charset=utf-8"
	case history.FormatJSON:
		return "application/json"
	case history.FormatText:
		return "text/plain; charset=utf-8"
	}
	return ""
}

// exportHistory downloads everything that a search or the list's filters find.
func (s *Server) exportHistory(c echo.Context) error {
	who := s.person(c)
	form := historyForm(c.QueryParam)
	span := dateOnly
	if wantsProblem(c.Request()) {
		span = dateOrTime
	}
	q, err := s.historyQuery(c.Request().Context(), who, form, s.reader(c).Zone, span)
	if err != nil {
		return err
	}
	return s.sendExport(c, who, c.QueryParam("format"), func(ctx context.Context, format string, w io.Writer) error {
		err := s.History.Export(ctx, who, q, format, w)
		s.auditAct(c, "own history exported", portal.Audited{Kind: portal.AuditExportOwn, Subject: format, Detail: spanText(q.From, q.To)}, err)
		return err
	})
}

// exportEpisode downloads one conversation.
func (s *Server) exportEpisode(c echo.Context) error {
	id, err := pathText(c, "id")
	if err != nil {
		return err
	}
	who := s.person(c)
	t, err := s.History.Open(c.Request().Context(), who, id, 0, 1)
	if err != nil {
		return err
	}
	if t.Kind == portal.EpisodeForeign {
		return s.sendExport(c, who, c.QueryParam("format"), func(ctx context.Context, format string, w io.Writer) error {
			err := s.writeForeign(ctx, s.reader(c), t.Episode, format, w)
			s.auditAct(c, "own history exported", portal.Audited{Kind: portal.AuditExportOwn, Subject: format, Detail: spanText(t.Start, t.End)}, err)
			return err
		})
	}
	// Episodes of a conversation follow each other: its time alone names one.
	q := portal.HistoryQuery{Peer: t.Conversation, Kind: t.Kind, From: t.Start, To: t.End.Add(time.Microsecond)}
	return s.sendExport(c, who, c.QueryParam("format"), func(ctx context.Context, format string, w io.Writer) error {
		err := s.History.Export(ctx, who, q, format, w)
		s.auditAct(c, "own history exported", portal.Audited{Kind: portal.AuditExportOwn, Subject: format, Detail: spanText(q.From, q.To)}, err)
		return err
	})
}

// foreignJSON is another program's item as a file.
type foreignJSON struct {
	portal.Episode
	HTML string `json:"html"`
}

// writeForeign writes another program's item, cleaned as it is shown.
func (s *Server) writeForeign(ctx context.Context, r views.Reader, e portal.Episode, format string, w io.Writer) error {
	title, clean, at := s.peopleNames(ctx, e), s.cleanHTML(e.HTML), r.Full(e.Start.In(r.Zone))
	var err error
	switch format {
	case history.FormatJSON:
		var body []byte
		if body, err = json.MarshalIndent(foreignJSON{e, clean}, "", "  "); err == nil {
			_, err = w.Write(body)
		}
	case history.FormatHTML:
		_, err = fmt.Fprintf(w, "<!DOCTYPE html>\n<html lang=\"%s\"><head><meta charset=\"utf-8\"><title>%s</title></head><body><h1>%s</h1>\n<p>%s</p>\n%s\n</body></html>\n",
			r.Locale(), html.EscapeString(title), html.EscapeString(title), html.EscapeString(at), clean)
	default:
		_, err = fmt.Fprintf(w, "%s\n%s\n\n%s\n", title, at, s.plainText(clean))
	}
	return err
}

// plainText is cleaned HTML without its marks, each block and row on a line of its own.
func (s *Server) plainText(clean string) string {
	for _, end := range []string{"</tr>", "</p>", "</div>", "</li>", "<br>", "<br/>", "</h3>", "</h4>", "</h5>", "</h6>", "</pre>", "</blockquote>"} {
		clean = strings.ReplaceAll(clean, end, end+"\n")
	}
	clean = strings.ReplaceAll(clean, "</td>", " </td>")
	lines := strings.Split(html.UnescapeString(s.stripper.Sanitize(clean)), "\n")
	for i, line := range lines {
		lines[i] = strings.Join(strings.Fields(line), " ")
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

// sendExport answers with a file about a person that is written as it is read, however long that takes as long as the browser goes on
// taking it. An error before its first byte is answered as such; one after it breaks the answer off, so that nobody takes a part for the
// whole.
func (s *Server) sendExport(c echo.Context, about portal.Address, format string, write func(ctx context.Context, format string, w io.Writer) error) error {
	if format == "" {
		format = history.FormatText
	}
	kind := exportType(format)
	if kind == "" {
		return portal.Fail(portal.ErrInvalid, "history.format")
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Request().Context()), exportTime)
	defer cancel()
	out := &lateFile{c: c, name: history.FileName(about, s.Now(), format), kind: kind, ctl: http.NewResponseController(c.Response())}
	if err := write(ctx, format, out); err != nil {
		if out.begun {
			s.Logger.Warn("an export was broken off", "request_id", requestID(c), "error", err)
			panic(http.ErrAbortHandler)
		}
		return err
	}
	out.begin()
	return nil
}

// lateFile is a download whose head is written with its first bytes.
type lateFile struct {
	c          echo.Context
	ctl        *http.ResponseController
	name, kind string
	begun      bool
}

func (f *lateFile) begin() {
	if f.begun {
		return
	}
	f.begun = true
	download(f.c, f.name, f.kind)
	f.c.Response().WriteHeader(http.StatusOK)
}

// Write sends bytes of the file; the browser has exportPace for them.
func (f *lateFile) Write(p []byte) (int, error) {
	f.begin()
	if err := f.ctl.SetWriteDeadline(time.Now().Add(exportPace)); err != nil {
		return 0, fmt.Errorf("send an export: %w", err)
	}
	return f.c.Response().Write(p)
}
