package web

import (
	"context"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"portico/app/portal"
)

// dueReminders are those that every page shows. A page without them is better than none: what keeps them away is
// logged, and the page of the calendar says it.
func (s *Server) dueReminders(ctx context.Context, who portal.Address) []portal.ReminderEvent {
	if s.Calendar == nil {
		return nil
	}
	due, err := s.Calendar.Reminders(ctx, who)
	if err != nil {
		s.Logger.Debug("reminders for a page", "error", err)
		return nil
	}
	return due
}

// remindersByForm dismisses a reminder or silences it for a while.
func (s *Server) remindersByForm(c echo.Context) error {
	if err := form(c); err != nil {
		return err
	}
	ctx, me, id := c.Request().Context(), s.person(c), c.FormValue("id")
	if c.FormValue("do") != "snooze" {
		if err := s.Calendar.Dismiss(ctx, me, id); err != nil {
			return err
		}
		return s.done(c, "/calendar")
	}
	minutes, err := strconv.Atoi(c.FormValue("minutes"))
	if err != nil {
		return portal.Fail(portal.ErrInvalid, "appointment.reminder")
	}
	if err := s.Calendar.Snooze(ctx, me, id, time.Duration(minutes)*time.Minute); err != nil {
		return err
	}
	return s.done(c, "/calendar")
}
