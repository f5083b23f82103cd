package web

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/labstack/echo/v4"

	"portico/app/calendar"
	"portico/app/portal"
	"portico/views"
)

// Files of the calendar: attachments, iCalendar out and in, the private address to subscribe to.

const (
	calendarType = "text/calendar; charset=utf-8"
	// maxExport is the longest time that is exported at once.
	maxExport = 366 * 24 * time.Hour
)

// uploaded reads the file of a form, at most limit bytes of it.
func uploaded(c echo.Context, limit int64) (name, contentType string, data []byte, err error) {
	file, head, err := c.Request().FormFile("file")
	if errors.Is(err, http.ErrMissingFile) {
		return "", "", nil, portal.Fail(portal.ErrInvalid, "appointment.file-missing")
	}
	if err != nil && classify(err).status == http.StatusRequestEntityTooLarge {
		return "", "", nil, tooLargeFile(limit)
	}
	if err != nil {
		return "", "", nil, formError(err)
	}
	defer file.Close()
	defer c.Request().MultipartForm.RemoveAll()
	if head.Size > limit {
		return "", "", nil, tooLargeFile(limit)
	}
	data, err = io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return "", "", nil, fmt.Errorf("read an upload: %w", err)
	}
	// Browsers write quotation marks in the names of a form's files so (HTML, multipart form data).
	return fileName(strings.ReplaceAll(head.Filename, "%22", `"`)), head.Header.Get("Content-Type"), data, nil
}

// tooLargeFile says of a file that it is larger than limit, in bytes, as a page says it and with the status of HTTP.
func tooLargeFile(limit int64) error {
	megabytes := strconv.FormatInt(limit/1e6, 10)
	if limit < 1e6 {
		megabytes = strconv.FormatFloat(float64(limit)/1e6, 'f', -1, 64)
	}
	said := portal.Fail(portal.ErrInvalid, "file-too-large").With("limit", megabytes)
	return &httpError{status: http.StatusRequestEntityTooLarge, key: "file-too-large", cause: said}
}

// maxFileName is the longest name of a file, in bytes: as much as file systems take, with room for " (1)".
const maxFileName = 200

// fileName is the last part of a file's name as a browser gives it, without what no file system takes, and without marks
// that cannot be seen: those of writing direction make "gpj.exe" read as "exe.jpg". One that is too long keeps its ending.
func fileName(name string) string {
	name = path.Base(strings.ReplaceAll(name, `\`, "/"))
	name = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r) || strings.ContainsRune(`<>:"/|?*`, r):
			return '_'
		case unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp):
			return -1
		}
		return r
	}, strings.ToValidUTF8(name, ""))
	if end := path.Ext(name); len(name) > maxFileName && len(end) < maxFileName/10 {
		name = clip(strings.TrimSuffix(name, end), maxFileName-len(end)) + end
	}
	if name = clip(name, maxFileName); name == "" || name == "." || name == ".." {
		return "file"
	}
	return name
}

// download answers with a file that is to be kept, never shown: whatever it is, it does not run here.
func download(c echo.Context, name, contentType string) {
	h := c.Response().Header()
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": fileName(name)}))
	h.Set("Content-Type", contentType)
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
}

// attachFile adds a file to an appointment.
func (s *Server) attachFile(c echo.Context) error {
	me, of, id, err := s.target(c)
	if err != nil {
		return err
	}
	name, contentType, data, err := uploaded(c, calendar.MaxAttachment)
	if err == nil {
		_, err = s.Calendar.Attach(c.Request().Context(), me, of, id, name, contentType, data)
	}
	return s.acted(c, err, views.AppointmentPath(me, of, id), "saved", nil)
}

// downloadFile answers with one file of an appointment.
func (s *Server) downloadFile(c echo.Context) error {
	me, of, id, err := s.target(c)
	if err != nil {
		return err
	}
	file, err := pathText(c, "file")
	if err != nil {
		return err
	}
	body, about, err := s.Calendar.Attachment(c.Request().Context(), me, of, id, file)
	if err != nil {
		return err
	}
	defer body.Close()
	download(c, about.Name, "application/octet-stream")
	if _, err := io.Copy(c.Response(), io.LimitReader(body, calendar.MaxAttachment+1)); err != nil {
		return fmt.Errorf("send an attachment: %w", err)
	}
	return nil
}

// removeFile takes a file of an appointment away.
func (s *Server) removeFile(c echo.Context) error {
	if err := form(c); err != nil {
		return err
	}
	me, of, id, err := s.target(c)
	if err != nil {
		return err
	}
	file, err := pathText(c, "file")
	if err != nil {
		return err
	}
	_, err = s.Calendar.Detach(c.Request().Context(), me, of, id, file)
	return s.acted(c, err, views.AppointmentPath(me, of, id), "saved", nil)
}

// exportCalendar answers with a stretch of the person's calendar as iCalendar.
func (s *Server) exportCalendar(c echo.Context) error {
	zone := s.reader(c).Zone
	from, err := time.ParseInLocation(dateLayout, c.QueryParam("from"), zone)
	to, err2 := time.ParseInLocation(dateLayout, c.QueryParam("to"), zone)
	if err != nil || err2 != nil || !to.After(from) || to.Sub(from) > maxExport {
		return portal.Fail(portal.ErrInvalid, "appointment.from-to")
	}
	of, err := s.calendarOf(c)
	if err != nil {
		return err
	}
	data, err := s.Calendar.Export(c.Request().Context(), s.person(c), of, from, to)
	if err != nil {
		return err
	}
	download(c, "calendar.ics", calendarType)
	return c.Blob(http.StatusOK, calendarType, data)
}

// exportAppointment answers with one appointment as iCalendar.
func (s *Server) exportAppointment(c echo.Context) error {
	me, of, id, err := s.target(c)
	if err != nil {
		return err
	}
	data, err := s.Calendar.ExportOne(c.Request().Context(), me, of, id)
	if err != nil {
		return err
	}
	download(c, "appointment.ics", calendarType)
	return c.Blob(http.StatusOK, calendarType, data)
}

// importPage is where a file is chosen.
func (s *Server) importPage(c echo.Context) error {
	f, err := s.calendarFrame(c, views.Calendar, "import.title")
	if err != nil {
		return err
	}
	return s.render(c, http.StatusOK, views.ImportView(views.ImportPage{Frame: f}))
}

// importFile reads a file into the calendar and says what became of it.
func (s *Server) importFile(c echo.Context) error {
	f, err := s.calendarFrame(c, views.Calendar, "import.title")
	if err != nil {
		return err
	}
	v := views.ImportPage{Frame: f}
	_, _, data, err := uploaded(c, calendar.MaxImport)
	var result calendar.ImportResult
	if err == nil {
		result, err = s.Calendar.Import(c.Request().Context(), s.person(c), data)
	}
	if err != nil {
		var said *portal.Error
		if !errors.As(err, &said) {
			return err
		}
		c.Set(failedKey, err)
		v.Problem = f.Failure(err)
		return s.render(c, classify(err).status, views.ImportView(v))
	}
	v.Done, v.Added, v.Present = true, result.Added, result.Present
	for _, x := range result.Refused {
		v.Refused = append(v.Refused, views.RefusedEntry{Subject: x.Subject, Reason: f.Sentence(x.Reason, nil)})
	}
	return s.render(c, http.StatusOK, views.ImportView(v))
}

// linkPage shows whether there is a private address.
func (s *Server) linkPage(c echo.Context) error { return s.showLink(c, "") }

func (s *Server) showLink(c echo.Context, token string) error {
	f, err := s.calendarFrame(c, views.Calendar, "link.title")
	if err != nil {
		return err
	}
	v := views.LinkPage{Frame: f}
	link, err := s.Calendar.Link(c.Request().Context(), s.person(c))
	if err != nil && !errors.Is(err, portal.ErrNotFound) {
		return err
	}
	v.Since = link.CreatedAt
	if token != "" {
		v.Address = s.publicBase(c) + subscribePath(token)
	}
	return s.render(c, http.StatusOK, views.LinkView(v))
}

func subscribePath(token string) string { return "/calendar/subscribe/" + token + ".ics" }

// publicBase is the beginning of the portal's addresses as browsers use them.
func (s *Server) publicBase(c echo.Context) string {
	if s.Config.PublicURL != "" {
		return strings.TrimSuffix(s.Config.PublicURL, "/")
	}
	scheme := "http"
	if s.overTLS(c.Request()) {
		scheme = "https"
	}
	return scheme + "://" + c.Request().Host
}

// makeLink makes a new private address and shows it, this once.
func (s *Server) makeLink(c echo.Context) error {
	token, err := s.Calendar.NewLink(c.Request().Context(), s.person(c))
	if err != nil {
		return err
	}
	return s.showLink(c, token)
}

// revokeLink ends the private address.
func (s *Server) revokeLink(c echo.Context) error {
	if err := s.Calendar.RevokeLink(c.Request().Context(), s.person(c)); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, "/calendar/link")
}

// noCalendar answers an address behind which is no calendar, and paces whoever asks for many of them. Those who know one are
// paced by it: what others of their network guess does not hold them up.
func (s *Server) noCalendar(c echo.Context) error {
	if wait, ok := s.subscribers.allow(portal.Address("from " + c.RealIP())); !ok {
		return portal.Fail(portal.ErrTooMany, "subscribe.too-many").After(wait)
	}
	return echo.ErrNotFound
}

// subscribed answers whoever knows a private address with the calendar behind it. It asks for no sign-in, is not
// cached, and says of a token that is none only that there is nothing.
func (s *Server) subscribed(c echo.Context) error {
	c.Response().Header().Set("Cache-Control", "no-store")
	if s.Calendar == nil {
		return echo.ErrNotFound
	}
	token, ok := strings.CutSuffix(c.Param("token"), ".ics")
	if !ok || len(token) < 16 || len(token) > 128 {
		return s.noCalendar(c)
	}
	if wait, ok := s.subscribers.allow(portal.Address("token " + token)); !ok {
		return portal.Fail(portal.ErrTooMany, "subscribe.too-many").After(wait)
	}
	data, err := s.Calendar.Subscribed(c.Request().Context(), token)
	switch {
	case errors.Is(err, portal.ErrNotFound), errors.Is(err, portal.ErrInvalid), errors.Is(err, portal.ErrForbidden):
		return s.noCalendar(c)
	case err != nil:
		return err
	}
	h := c.Response().Header()
	h.Set("Content-Disposition", `inline; filename="calendar.ics"`)
	h.Set("Content-Type", calendarType) // not every machine knows the ending
	http.ServeContent(c.Response(), c.Request(), "calendar.ics", time.Time{}, bytes.NewReader(data))
	return nil
}
