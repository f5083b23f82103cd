package web

import (
	"time"

	"github.com/labstack/echo/v4"

	"portico/app/portal"
)

// automatic is the menu's way back to a state that follows the person's activity.
const automatic = "automatic"

// setPresenceByForm sets the person's own state from the menu "My status".
func (s *Server) setPresenceByForm(c echo.Context) error {
	if err := form(c); err != nil {
		return err
	}
	ctx, who := c.Request().Context(), s.person(c)
	availability := portal.Availability(c.FormValue("availability"))
	if availability == automatic {
		if _, err := s.Presence.Reset(ctx, who); err != nil {
			return err
		}
		return s.done(c, "/contacts")
	}
	if !availability.Settable() {
		return portal.Fail(portal.ErrInvalid, "presence.availability")
	}
	now := s.reader(c).Now
	until, err := endOf(c.FormValue("for"), now)
	if err != nil {
		return err
	}
	if _, err := s.Presence.SetByHand(ctx, who, portal.Manual{Availability: availability, Until: until, SetAt: now}); err != nil {
		return err
	}
	return s.done(c, "/contacts")
}

// endOf is when a state ends that is set for a while: "open" and nothing at all mean not by itself, "today" at
// midnight of the person's day; everything else is a duration of at most a week.
func endOf(text string, now time.Time) (time.Time, error) {
	switch text {
	case "", "open":
		return time.Time{}, nil
	case "today":
		return time.Date(now.Year(), now.Month(), now.Day()+1, 0, 0, 0, 0, now.Location()), nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 || d > 7*24*time.Hour {
		return time.Time{}, portal.Fail(portal.ErrInvalid, "presence.until")
	}
	return now.Add(d), nil
}

// setNoteByForm sets or clears the person's note.
func (s *Server) setNoteByForm(c echo.Context) error {
	if err := form(c); err != nil {
		return err
	}
	if _, err := s.Presence.SetNote(c.Request().Context(), s.person(c), c.FormValue("note"), time.Time{}); err != nil {
		return err
	}
	return s.done(c, "/contacts")
}
