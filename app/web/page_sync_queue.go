package web

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"portico/app/portal"
	"portico/views"
)

const (
	// pageOfJobs is how many jobs or lines of the log stand on a page.
	pageOfJobs = 100
	// maxReason is the longest reason for discarding a job, in bytes.
	maxReason = 300
)

// queueFilter reads which jobs are asked for.
func queueFilter(c echo.Context) (portal.SyncQueueFilter, error) {
	f := portal.SyncQueueFilter{State: c.QueryParam("state"), Text: clip(strings.TrimSpace(c.QueryParam("q")), 100)}
	if f.State != "" && !slices.Contains([]string{portal.JobWaiting, portal.JobHeld, portal.JobFailed}, f.State) {
		return f, portal.Fail(portal.ErrInvalid, "sync.filter").With("text", clip(f.State, 40))
	}
	var err error
	if f.Direction, err = directionOf(c.QueryParam("direction")); err != nil {
		return f, err
	}
	if f.Mailbox, err = mailboxOf(c.QueryParam("mailbox")); err != nil {
		return f, err
	}
	f.After, err = wholeNumber(c.QueryParam("after"), 0)
	return f, err
}

// directionOf reads a direction; empty: both.
func directionOf(text string) (portal.Direction, error) {
	d := portal.Direction(text)
	if d != "" && d != portal.ToExchange && d != portal.ToCRM {
		return "", portal.Fail(portal.ErrInvalid, "sync.filter").With("text", clip(text, 40))
	}
	return d, nil
}

// mailboxOf reads a mailbox's owner; empty: any.
func mailboxOf(text string) (portal.Address, error) {
	if strings.TrimSpace(text) == "" {
		return "", nil
	}
	return portal.ParseAddress(strings.TrimSpace(text))
}

// syncQueuePage is what waits to be carried.
func (s *Server) syncQueuePage(c echo.Context) error {
	f, err := s.adminFrame(c, "sync.tab.queue")
	if err != nil {
		return err
	}
	v := views.SyncQueuePage{Frame: f}
	switch c.QueryParam("done") {
	case "retried":
		v.Done = f.Text("sync.queue.retried")
	case "decided":
		v.Done = f.Text("sync.held-decided")
	case "discarded":
		v.Done = f.Text("sync.queue.discarded")
	case "uploaded":
		n, err := wholeNumber(c.QueryParam("n"), 0)
		if err != nil {
			return err
		}
		v.Done = f.Count("sync.queue.uploaded", int(min(n, 1<<31-1)))
	}
	return s.showQueue(c, http.StatusOK, v)
}

func (s *Server) showQueue(c echo.Context, status int, v views.SyncQueuePage) error {
	ctx := c.Request().Context()
	var err error
	if v.Filter, err = queueFilter(c); err != nil {
		return err
	}
	if v.Status, err = s.Sync.Status(ctx); err != nil {
		return err
	}
	f := v.Filter
	f.Limit = pageOfJobs + 1
	if v.Jobs, err = s.Sync.Queue(ctx, f); err != nil {
		return err
	}
	if len(v.Jobs) > pageOfJobs {
		v.Jobs = v.Jobs[:pageOfJobs]
		v.Next = v.Jobs[pageOfJobs-1].Seq
	}
	return s.render(c, status, views.SyncQueueView(v))
}

// downloadQueue is the queue as a file.
func (s *Server) downloadQueue(c echo.Context) error {
	f, err := queueFilter(c)
	if err != nil {
		return err
	}
	data, err := s.Sync.ExportQueue(c.Request().Context(), f)
	if err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderContentDisposition, `attachment; filename="queue.xml"`)
	return c.Blob(http.StatusOK, "application/xml; charset=utf-8", data)
}

// seqs reads the numbers of jobs.
func seqs(texts []string) ([]int64, error) {
	var out []int64
	for _, text := range texts {
		n, err := wholeNumber(text, 0)
		if err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	return out, nil
}

// retryJobs tries one job now, or all that failed or wait for their next try.
func (s *Server) retryJobs(c echo.Context) error {
	if err := form(c); err != nil {
		return err
	}
	chosen, err := seqs(c.Request().Form["seq"])
	if err != nil {
		return err
	}
	if _, err := s.Sync.Retry(c.Request().Context(), s.person(c), chosen); err != nil {
		return err
	}
	return s.queueDone(c, "retried")
}

// queueDone leads back to the part of the queue that was shown.
func (s *Server) queueDone(c echo.Context, what string) error {
	here := relativeTarget(c.FormValue("here"))
	if !strings.HasPrefix(here, views.SyncPath+"/queue") {
		here = views.SyncPath + "/queue"
	}
	separator := "?"
	if strings.Contains(here, "?") {
		separator = "&"
	}
	return c.Redirect(http.StatusSeeOther, here+separator+"done="+what)
}

// discardJob gives a job up, with the reason in the log.
func (s *Server) discardJob(c echo.Context) error {
	if err := form(c); err != nil {
		return err
	}
	seq, err := wholeNumber(c.FormValue("seq"), 0)
	if err != nil {
		return err
	}
	reason := strings.TrimSpace(clip(c.FormValue("reason"), maxReason))
	if reason == "" {
		return portal.Fail(portal.ErrInvalid, "sync.reason-missing")
	}
	if err := s.Sync.Discard(c.Request().Context(), s.person(c), seq, reason); err != nil {
		return err
	}
	return s.queueDone(c, "discarded")
}

// uploadQueue takes in a file of jobs.
func (s *Server) uploadQueue(c echo.Context) error {
	n, err := s.takeQueueIn(c)
	if err == nil {
		return c.Redirect(http.StatusSeeOther, views.WithQuery(views.SyncPath+"/queue", "done", "uploaded", "n", strconv.Itoa(n)))
	}
	f, ferr := s.adminFrame(c, "sync.tab.queue")
	if ferr != nil {
		return ferr
	}
	v := views.SyncQueuePage{Frame: f}
	status, err := s.faulty(c, &v.Frame, &v.Notice, err)
	if err != nil {
		return err
	}
	return s.showQueue(c, status, v)
}

func (s *Server) takeQueueIn(c echo.Context) (int, error) {
	file, err := c.FormFile("file")
	if errors.Is(err, http.ErrMissingFile) {
		return 0, portal.Fail(portal.ErrInvalid, "sync.queue.file")
	}
	if err != nil {
		return 0, formError(err)
	}
	if file.Size > portal.MaxQueueFile {
		return 0, failStatus(http.StatusRequestEntityTooLarge, "too-large")
	}
	r, err := file.Open()
	if err != nil {
		return 0, err
	}
	data, err := io.ReadAll(io.LimitReader(r, portal.MaxQueueFile))
	if err := errors.Join(err, r.Close()); err != nil {
		return 0, err
	}
	return s.Sync.ImportQueue(c.Request().Context(), s.person(c), data)
}
