package web

import (
	"net/url"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"portico/app/portal"
	"portico/views"
)

// The way back to the calendar: to the view that the reader came from, with the day in it that matters now.

// viewCookie names the view of the calendar that was open last in this browser.
const viewCookie = "portico-view"

// rememberView notes which view is open, for the way back from pages that a form led to.
func (s *Server) rememberView(c echo.Context, view views.CalendarView) {
	if cookieValue(c.Request(), viewCookie) == string(view) {
		return
	}
	c.SetCookie(s.newCookie(c, viewCookie, string(view), 0))
}

// cameFrom is the calendar that a request came from, where the browser says so; else the calendar in the view that was
// open last.
func (s *Server) cameFrom(c echo.Context) string {
	if here, ok := fromCalendar(c); ok {
		return here
	}
	if view := views.CalendarView(cookieValue(c.Request(), viewCookie)); slices.Contains(views.CalendarViews(), view) {
		return "/calendar?view=" + string(view)
	}
	return "/calendar"
}

// fromCalendar is the calendar's page that a link was followed from.
func fromCalendar(c echo.Context) (string, bool) {
	u, err := url.Parse(c.Request().Referer())
	if err != nil || u.Host != c.Request().Host || u.Path != "/calendar" {
		return "", false
	}
	here := relativeTarget(u.RequestURI())
	return here, here != "/"
}

// backToDay is the calendar as it was left, on the day of an appointment.
func (s *Server) backToDay(c echo.Context, r views.Reader, a portal.Appointment) string {
	return onDay(s.cameFrom(c), a.Start.In(zoneOf(r.Zone, a.AllDay)))
}

// backFrom leads from an appointment's page back: to the very page that the reader came from, else to its day.
func (s *Server) backFrom(c echo.Context, r views.Reader, a portal.Appointment) string {
	if here, ok := fromCalendar(c); ok {
		return here
	}
	return s.backToDay(c, r, a)
}

// onDay is the calendar at the same view with a day in it. A work week shows no weekend, so that the whole week is
// shown for one; an agenda that has the day already stays where it is.
func onDay(here string, day time.Time) string {
	u, err := url.Parse(here)
	if err != nil || u.Path != "/calendar" {
		u = &url.URL{Path: "/calendar"}
	}
	q := u.Query()
	switch weekend := day.Weekday() == time.Saturday || day.Weekday() == time.Sunday; views.ParseCalendarView(q.Get("view")) {
	case views.WorkWeekView:
		if weekend {
			q.Set("view", string(views.WeekView))
		}
	case views.AgendaView:
		first, err := time.ParseInLocation(dateLayout, q.Get("date"), day.Location())
		if err == nil && !day.Before(first) && day.Before(first.AddDate(0, 0, views.AgendaDays)) {
			return u.RequestURI()
		}
	}
	q.Set("date", day.Format(dateLayout))
	u.RawQuery = q.Encode()
	return u.RequestURI()
}
