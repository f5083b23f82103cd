package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"portico/app/portal"
	"portico/realtime"
)

// What a WebSocket says by "active", "idle" and "watch", said by request for a session's event streams,
// which only go one way.

type activityBody struct {
	Active *bool `json:"active"`
}

var aboutActivity = operation{
	summary: "Tell whether there is input, for the event streams of this session: it holds for twice the time after which somebody is inactive, so say it again while input goes on; without a stream, input shows the person as there for a while",
	body:    "Activity",
	answers: []answer{{status: 204, about: "noted"}},
	errors:  []int{400, 413, 415},
}

func (s *Server) apiActivity(c echo.Context) error {
	if err := s.aloud(c); err != nil {
		return err
	}
	var in activityBody
	if err := body(c, &in); err != nil {
		return err
	}
	if in.Active == nil {
		return portal.Fail(portal.ErrInvalid, "json.type").With("field", "active")
	}
	known, err := s.session(c)
	if err != nil {
		return err
	}
	streams := s.live.streamsOf(known.key)
	for _, id := range streams {
		if *in.Active {
			s.Presence.Active(known.person, id)
		} else {
			s.Presence.Idle(known.person, id)
		}
	}
	if *in.Active && len(streams) == 0 {
		s.Presence.Touch(known.person)
	}
	return c.NoContent(http.StatusNoContent)
}

// watchBody names people to watch, and the conversation that is open.
type watchBody struct {
	queryBody
	Conversation string `json:"conversation"`
}

var aboutWatch = operation{
	summary: "Watch the presence of people beyond the contact list on this session's event streams, in place of those named before",
	body:    "Watch",
	answers: []answer{{status: 204, about: "watched"}},
	errors:  []int{400, 409, 413, 415},
}

func (s *Server) apiWatch(c echo.Context) error {
	if err := s.aloud(c); err != nil {
		return err
	}
	var in watchBody
	if err := body(c, &in); err != nil {
		return err
	}
	if in.URIs == nil {
		return portal.Fail(portal.ErrInvalid, "json.type").With("field", "uris")
	}
	whom, err := parseAddresses(in.URIs, maxWatched)
	if err != nil {
		return err
	}
	known, err := s.session(c)
	if err != nil {
		return err
	}
	streams := s.live.streamsOf(known.key)
	if len(streams) == 0 {
		return portal.Fail(portal.ErrConflict, "live.no-stream")
	}
	var view realtime.View
	if in.Conversation != "" {
		if view.Open, err = portal.ParseAddress(in.Conversation); err != nil {
			return err
		}
	}
	for _, id := range streams {
		s.Presence.Watch(known.person, id, whom)
		s.Hub.Show(known.person, id, view) // other pages of the session may show others
	}
	return c.NoContent(http.StatusNoContent)
}

// streaming is the door of an event stream: it notes the stream with its session as long as it is open.
type streaming struct{ *Live }

// Attached notes a new stream.
func (d streaming) Attached(c realtime.Client) {
	d.Live.Attached(c)
	d.mu.Lock()
	defer d.mu.Unlock()
	open := d.streams[c.Session]
	d.streams[c.Session] = append(open[:len(open):len(open)], c.ID) // a copy: streamsOf gave the old one away
}

// Detached forgets a stream.
func (d streaming) Detached(c realtime.Client) {
	d.mu.Lock()
	rest := make([]string, 0, len(d.streams[c.Session]))
	for _, id := range d.streams[c.Session] {
		if id != c.ID {
			rest = append(rest, id)
		}
	}
	if len(rest) == 0 {
		delete(d.streams, c.Session)
	} else {
		d.streams[c.Session] = rest
	}
	d.mu.Unlock()
	d.Live.Detached(c)
}

// streamsOf are the open event streams of a session; the slice is never changed.
func (l *Live) streamsOf(session string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.streams[session]
}
