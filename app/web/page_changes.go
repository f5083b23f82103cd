package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"portico/views"
)

// changesPage shows what the calendar server has not taken of the person's changes, and what can be done about each.
func (s *Server) changesPage(c echo.Context) error {
	f, err := s.calendarFrame(c, views.Calendar, "changes.title")
	if err != nil {
		return err
	}
	ctx, me := c.Request().Context(), s.person(c)
	v := views.ChangesPage{Frame: f}
	if done := c.QueryParam("done"); done == "retried" || done == "discarded" {
		v.Done = f.Text("changes.done." + done)
	}
	if v.State, err = s.Calendar.Status(ctx, me); err != nil {
		return err
	}
	list, err := s.Calendar.Unsent(ctx, me)
	if err != nil {
		return err
	}
	for _, u := range list {
		row := views.UnsentRow{Appointment: u.Appointment, Owner: s.Directory.Lookup(ctx, u.Appointment.Calendar), Shown: u.Shown, State: u.State}
		for _, ch := range u.Changes {
			row.Changes = append(row.Changes, views.AskedChange(ch))
		}
		v.Rows = append(v.Rows, row)
	}
	return s.render(c, http.StatusOK, views.ChangesView(v))
}
