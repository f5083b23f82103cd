package web

import (
	"context"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"portico/app/calendar"
	"portico/app/portal"
	"portico/views"
)

// Calendar is the appointments of all people: me is whose request it is, of whose calendar is meant.
type Calendar interface {
	Status(ctx context.Context, me portal.Address) (portal.ExchangeEvent, error)
	Between(ctx context.Context, me, of portal.Address, from, to time.Time, loc *time.Location) (calendar.View, error)
	Get(ctx context.Context, me, of portal.Address, id string) (portal.Appointment, error)
	Create(ctx context.Context, me, of portal.Address, a portal.Appointment) (portal.Appointment, error)
	Change(ctx context.Context, me, of portal.Address, id string, ch portal.AppointmentChange, version string) (portal.Appointment, error)
	Delete(ctx context.Context, me, of portal.Address, id, version, comment string, scope portal.Scope) error
	Respond(ctx context.Context, me, of portal.Address, id string, r portal.Response, comment string, p portal.Proposal, scope portal.Scope) (portal.Appointment, error)
	Forward(ctx context.Context, me, of portal.Address, id string, to []portal.Attendee, comment string) error
	Retry(ctx context.Context, me, of portal.Address, id string) error
	Discard(ctx context.Context, me, of portal.Address, id string) error
	Unsent(ctx context.Context, me portal.Address) ([]calendar.Unsent, error)
	Conflicts(ctx context.Context, me portal.Address, from, to time.Time, except string) ([]portal.Appointment, error)

	Plan(ctx context.Context, me portal.Address, r calendar.PlanRequest) (calendar.Plan, error)
	Responses(ctx context.Context, me portal.Address, id string) (calendar.Responses, error)
	Overview(ctx context.Context, me portal.Address, f calendar.Filter) (calendar.Overview, error)
	OverviewCalendar(o calendar.Overview) ([]byte, error)
	Looked(ctx context.Context, me portal.Address) error

	OutOfOffice(ctx context.Context, me portal.Address) (portal.OutOfOfficeNote, error)
	SetOutOfOffice(ctx context.Context, me portal.Address, note portal.OutOfOfficeNote) error
	Resolve(ctx context.Context, me portal.Address, text string) ([]portal.Attendee, error)
	Expand(ctx context.Context, me portal.Address, email string) ([]portal.Attendee, error)
	Rooms(ctx context.Context, me portal.Address) ([]portal.Attendee, error)

	Attachment(ctx context.Context, me, of portal.Address, id, attachment string) (io.ReadCloser, portal.Attachment, error)
	Attach(ctx context.Context, me, of portal.Address, id, name, contentType string, data []byte) (portal.Appointment, error)
	Detach(ctx context.Context, me, of portal.Address, id, attachment string) (portal.Appointment, error)

	Reminders(ctx context.Context, me portal.Address) ([]portal.ReminderEvent, error)
	Dismiss(ctx context.Context, me portal.Address, id string) error
	Snooze(ctx context.Context, me portal.Address, id string, d time.Duration) error

	Export(ctx context.Context, me, of portal.Address, from, to time.Time) ([]byte, error)
	ExportOne(ctx context.Context, me, of portal.Address, id string) ([]byte, error)
	Import(ctx context.Context, me portal.Address, data []byte) (calendar.ImportResult, error)
	Link(ctx context.Context, me portal.Address) (portal.CalendarLink, error)
	NewLink(ctx context.Context, me portal.Address) (token string, err error)
	RevokeLink(ctx context.Context, me portal.Address) error
	Subscribed(ctx context.Context, token string) ([]byte, error)

	Shared(ctx context.Context, me portal.Address) ([]portal.CalendarRef, error)
	AddShared(ctx context.Context, me, owner portal.Address, shown bool) error
	RemoveShared(ctx context.Context, me, owner portal.Address) error
}

const (
	// maxWith is how many calendars stand beside one's own at most.
	maxWith = 12
	// maxAppointmentBody is the largest request that writes an appointment, in bytes.
	maxAppointmentBody = 1 << 20
	// uploadExtra is what a form has around the file in it.
	uploadExtra = 64 << 10
	// calendarTime is how an instant stands in an address.
	calendarTime = "20060102T150405Z"
)

// bodyLimit is the largest body a request may have. Files go to a few addresses only.
func bodyLimit(r *http.Request) int64 {
	path := strings.TrimPrefix(r.URL.Path, apiPrefix)
	appointment := strings.HasPrefix(path, "/calendar") || strings.HasPrefix(path, "/appointments")
	switch {
	case roomUpload(path, r.Header.Get("Content-Type")):
		return maxRoomUpload
	case !appointment:
		return syncBodyLimit(path)
	case strings.HasSuffix(path, "/attachments"):
		return calendar.MaxAttachment + uploadExtra
	case strings.HasSuffix(path, "/import"):
		return calendar.MaxImport + uploadExtra
	}
	return maxAppointmentBody
}

// withCalendar refuses what needs a calendar where the portal has none.
func (s *Server) withCalendar(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if s.Calendar == nil {
			return portal.Fail(portal.ErrUnavailable, "calendar.none")
		}
		return next(c)
	}
}

// target is the appointment that a request's address names, and the calendar it stands in: "of" in the query or the
// form, else the person's own.
func (s *Server) target(c echo.Context) (me, of portal.Address, id string, err error) {
	me = s.person(c)
	id, err = pathText(c, "id")
	if err != nil {
		return me, me, "", err
	}
	of, err = s.calendarOf(c)
	return me, of, id, err
}

// calendarOf is whose calendar a request means.
func (s *Server) calendarOf(c echo.Context) (portal.Address, error) {
	text := c.QueryParam("of")
	if text == "" && c.Request().Form != nil {
		text = c.Request().Form.Get("of")
	}
	if text == "" {
		return s.person(c), nil
	}
	return portal.ParseAddress(text)
}

// pathText is a path parameter as text.
func pathText(c echo.Context, name string) (string, error) {
	text := c.Param(name)
	if c.Request().URL.RawPath == "" {
		return text, nil
	}
	return unescapePath(text)
}

// calendarFrame is the frame of a page of the calendar.
func (s *Server) calendarFrame(c echo.Context, section views.Section, title string) (views.Frame, error) {
	f, err := s.frame(c, section, title)
	f.Here = relativeTarget(c.Request().URL.RequestURI())
	return f, err
}
