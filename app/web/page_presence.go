package web

import (
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"portico/app/policy"
	"portico/app/portal"
	"portico/views"
)

// automatic is the menu's way back to a state that follows the person's activity.
const automatic = "automatic"

// setPresenceByForm sets the person's own state from the menu "My status".
func (s *Server) setPresenceByForm(c echo.Context) error {
	if err := s.aloud(c); err != nil {
		return err
	}
	if err := form(c); err != nil {
		return err
	}
	ctx, who := c.Request().Context(), s.person(c)
	availability, activity := portal.Availability(c.FormValue("availability")), portal.NoActivity
	if availability == automatic {
		if _, err := s.Presence.Reset(ctx, who); err != nil {
			return err
		}
		return s.done(c, "/contacts")
	}
	if custom := portal.Activity(c.FormValue("availability")); policy.IsCustom(custom) {
		availability, activity = s.customAvailability(who, custom), custom
	}
	if !availability.Settable() {
		return portal.Fail(portal.ErrInvalid, "presence.availability")
	}
	now := s.reader(c).Now
	until, err := endAt(c.FormValue("for"), c.FormValue("at"), now)
	if err != nil {
		return err
	}
	if _, err := s.Presence.SetByHand(ctx, who, portal.Manual{Availability: availability, Activity: activity, Until: until, SetAt: now}); err != nil {
		return err
	}
	return s.done(c, "/contacts")
}

// customAvailability is the availability of a custom state that the person can choose; empty: there is none such.
func (s *Server) customAvailability(who portal.Address, custom portal.Activity) portal.Availability {
	if s.States == nil {
		return ""
	}
	state, ok := policy.CustomState(custom, s.States(who))
	if !ok {
		return ""
	}
	return state.Availability
}

// endAt is endOf, where "at" is the next time that the person's clock shows what at says.
func endAt(text, at string, now time.Time) (time.Time, error) {
	if text != "at" {
		return endOf(text, now)
	}
	clock, err := time.Parse("15:04", at)
	if err != nil {
		return time.Time{}, portal.Fail(portal.ErrInvalid, "presence.until")
	}
	end := time.Date(now.Year(), now.Month(), now.Day(), clock.Hour(), clock.Minute(), 0, 0, now.Location())
	if !end.After(now) {
		end = time.Date(now.Year(), now.Month(), now.Day()+1, clock.Hour(), clock.Minute(), 0, 0, now.Location())
	}
	return end, nil
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
	if err := s.aloud(c); err != nil {
		return err
	}
	if err := form(c); err != nil {
		return err
	}
	until, err := endAt(c.FormValue("for"), c.FormValue("at"), s.reader(c).Now)
	if err != nil {
		return err
	}
	if _, err := s.Presence.SetNote(c.Request().Context(), s.person(c), c.FormValue("note"), until); err != nil {
		return err
	}
	return s.done(c, "/contacts")
}

// setWhereaboutsByForm sets where the person says they are.
func (s *Server) setWhereaboutsByForm(c echo.Context) error {
	if err := s.aloud(c); err != nil {
		return err
	}
	if err := form(c); err != nil {
		return err
	}
	if s.Mine == nil {
		return portal.Fail(portal.ErrUnavailable, "own.none")
	}
	where := portal.Whereabouts{Location: strings.TrimSpace(c.FormValue("location")), TimeZone: strings.TrimSpace(c.FormValue("time_zone"))}
	if _, err := s.Mine.SetWhereabouts(c.Request().Context(), s.person(c), where); err != nil {
		return err
	}
	return s.done(c, "/contacts")
}

// mine is what the menu of the own status offers a person.
func (s *Server) mine(who portal.Address) views.Mine {
	m := views.Mine{InForce: s.inForce(who), Decided: s.InForce != nil, Kept: s.Mine != nil, Places: s.Places != nil}
	if s.States != nil {
		m.States = s.States(who)
	}
	if s.Mine != nil {
		m.NoteUntil, m.Whereabouts = s.Mine.Note(who).Until, s.Mine.Whereabouts(who)
	}
	return m
}
