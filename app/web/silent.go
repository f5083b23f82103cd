package web

// Silent sessions: programs that ask in a person's name while the person is not there. Neither their requests nor their
// live connections are places where the person is, and what would say so is refused.

import (
	"golang.org/x/time/rate"

	"github.com/labstack/echo/v4"

	"portico/app/portal"
	"portico/realtime"
)

// there notes that the request shows its person as there; one of a silent session does not.
func (s *Server) there(c echo.Context) {
	if known, err := s.session(c); err == nil && known.person != "" && !known.silent {
		s.Presence.Touch(known.person)
	}
}

// aloud refuses to a silent session what says that its person is there.
func (s *Server) aloud(c echo.Context) error {
	known, err := s.session(c)
	if err != nil {
		return err
	}
	if known.silent {
		return portal.Fail(portal.ErrForbidden, "session.silent")
	}
	return nil
}

// door is what stands behind a live connection of a session.
func (l *Live) door(known session) realtime.Door {
	if known.silent {
		return quiet{l}
	}
	return l
}

// quiet is the door of a silent session's connections: they hear everything and are nowhere.
type quiet struct{ *Live }

// Attached notes the connection's pace alone.
func (d quiet) Attached(c realtime.Client) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.paces[c.ID] = rate.NewLimiter(d.rate, d.burst)
	d.silent[c.ID] = true
}

// Detached forgets a connection.
func (d quiet) Detached(c realtime.Client) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.paces, c.ID)
	delete(d.silent, c.ID)
}

// aloud refuses what a silent connection cannot say.
func (l *Live) aloud(c realtime.Client) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.silent[c.ID] {
		return portal.Fail(portal.ErrForbidden, "session.silent")
	}
	return nil
}
