package web

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"portico/app/portal"
	"portico/views"
)

const (
	// exportLines is how many lines of the log a file holds at most.
	exportLines = 50_000
	// exportBatch is how many of them are read at a time.
	exportBatch = 1000
	// pageOfConflicts is how many conflicts stand on a page.
	pageOfConflicts = 100
)

// logFilter reads which lines of the log are asked for; from and to are dates by the reader's clock.
func logFilter(c echo.Context, zone *time.Location) (portal.SyncLogFilter, error) {
	f := portal.SyncLogFilter{
		Text: clip(strings.TrimSpace(c.QueryParam("q")), 100), What: clip(c.QueryParam("what"), 40), Result: clip(c.QueryParam("result"), 40), CRM: clip(c.QueryParam("crm"), 200),
	}
	var err error
	if f.Direction, err = directionOf(c.QueryParam("direction")); err != nil {
		return f, err
	}
	if f.Mailbox, err = mailboxOf(c.QueryParam("mailbox")); err != nil {
		return f, err
	}
	if f.Before, err = wholeNumber(c.QueryParam("before"), 0); err != nil {
		return f, err
	}
	if f.From, err = dayOrTime(c.QueryParam("from"), zone, 0); err != nil {
		return f, err
	}
	f.To, err = dayOrTime(c.QueryParam("to"), zone, 1)
	return f, err
}

// dayOrTime reads an instant, or a date, of which it gives the beginning, so many days later; zero where there is none.
func dayOrTime(text string, zone *time.Location, later int) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	day, err := time.ParseInLocation(dateLayout, text, zone)
	if err != nil {
		return time.Time{}, portal.Fail(portal.ErrInvalid, "sync.filter").With("text", clip(text, 40)).Because(err)
	}
	return day.AddDate(0, 0, later), nil
}

// syncLogPage is the transaction log.
func (s *Server) syncLogPage(c echo.Context) error {
	f, err := s.adminFrame(c, "sync.tab.transactions")
	if err != nil {
		return err
	}
	v := views.SyncLogPage{Frame: f, From: clip(c.QueryParam("from"), 40), To: clip(c.QueryParam("to"), 40)}
	if v.Filter, err = logFilter(c, f.Zone); err != nil {
		return err
	}
	filter := v.Filter
	filter.Limit = pageOfJobs + 1
	if v.Lines, err = s.Sync.Log(c.Request().Context(), filter); err != nil {
		return err
	}
	if len(v.Lines) > pageOfJobs {
		v.Lines = v.Lines[:pageOfJobs]
		v.Next = v.Lines[pageOfJobs-1].Seq
	}
	return s.render(c, http.StatusOK, views.SyncLogView(v))
}

// downloadLog is the log as a table that other programs read.
func (s *Server) downloadLog(c echo.Context) error {
	f, err := logFilter(c, s.reader(c).Zone)
	if err != nil {
		return err
	}
	f.Limit = exportBatch
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	head := []string{"seq", "at", "direction", "what", "crm", "uid", "mailbox", "server", "subject", "before", "after", "result", "reason", "cause", "by", "mail", "took_ms"}
	if err := w.Write(head); err != nil {
		return err
	}
	for written := 0; written < exportLines; {
		lines, err := s.Sync.Log(c.Request().Context(), f)
		if err != nil {
			return err
		}
		for _, t := range lines {
			if err := w.Write(logRecord(t)); err != nil {
				return err
			}
		}
		if written += len(lines); len(lines) < exportBatch {
			break
		}
		f.Before = lines[len(lines)-1].Seq
	}
	w.Flush()
	if err := w.Error(); err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderContentDisposition, `attachment; filename="transactions.csv"`)
	return c.Blob(http.StatusOK, "text/csv; charset=utf-8", out.Bytes())
}

// logRecord is a line of the log as a line of the table. A text that a spreadsheet would take for a formula is marked as text.
func logRecord(t portal.SyncTransaction) []string {
	record := []string{
		strconv.FormatInt(t.Seq, 10), t.At.UTC().Format(time.RFC3339), string(t.Direction), t.What, t.CRM, t.UID, t.Mailbox.Bare(), t.Server, t.Subject,
		fieldsJSON(t.Before), fieldsJSON(t.After), t.Result, t.Reason, t.Cause, t.By, strconv.FormatBool(t.Mail), strconv.FormatInt(t.Took.Milliseconds(), 10),
	}
	for i, field := range record {
		if field != "" && strings.ContainsRune("=+-@\t\r", rune(field[0])) && i > 1 {
			record[i] = "'" + field
		}
	}
	return record
}

func fieldsJSON(fields map[string]string) string {
	if len(fields) == 0 {
		return ""
	}
	data, err := json.Marshal(fields)
	if err != nil {
		return "" // a map of texts always encodes
	}
	return string(data)
}

// syncConflictsPage shows what was changed on both sides.
func (s *Server) syncConflictsPage(c echo.Context) error {
	f, err := s.adminFrame(c, "sync.tab.conflicts")
	if err != nil {
		return err
	}
	v := views.SyncConflictsPage{Frame: f}
	if c.QueryParam("done") == "taken" {
		v.Done = f.Text("sync.conflict.done")
	}
	return s.showConflicts(c, http.StatusOK, v)
}

func (s *Server) showConflicts(c echo.Context, status int, v views.SyncConflictsPage) error {
	var err error
	if v.Conflicts, err = s.Sync.Conflicts(c.Request().Context(), clip(c.QueryParam("crm"), 200), pageOfConflicts); err != nil {
		return err
	}
	return s.render(c, status, views.SyncConflictsView(v))
}

// takeBackConflict brings the version back that was given up.
func (s *Server) takeBackConflict(c echo.Context) error {
	if err := form(c); err != nil {
		return err
	}
	_, err := s.Sync.TakeBack(c.Request().Context(), s.person(c), clip(c.FormValue("id"), 200))
	if err == nil {
		return c.Redirect(http.StatusSeeOther, views.SyncPath+"/conflicts?done=taken")
	}
	f, ferr := s.adminFrame(c, "sync.tab.conflicts")
	if ferr != nil {
		return ferr
	}
	v := views.SyncConflictsPage{Frame: f}
	status, err := s.faulty(c, &v.Frame, &v.Notice, err)
	if err != nil {
		return err
	}
	return s.showConflicts(c, status, v)
}
