package web

import (
	"fmt"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"portico/app/portal"
	"portico/realtime"
)

var aboutEvents = operation{
	summary: "The live events as a stream of server-sent events, for networks that break WebSockets",
	params: []param{
		{name: "since", in: "query", schema: "Seq", about: "the number of the last event the client has; the header Last-Event-ID goes before it"},
		{name: "encoding", in: "query", schema: "Encoding", about: "json, or html for the fragments of this server's own pages"},
	},
	answers: []answer{{status: 200, stream: true, about: "each event's data is one JSON object, the id of a durable one its seq"}},
	errors:  []int{400, 503},
}

// apiEvents streams the person's events until they go. The server's deadlines do not hold for
// it; the hub sets its own for each write.
func (s *Server) apiEvents(c echo.Context) error {
	known, err := s.session(c)
	if err != nil {
		return err
	}
	client, err := s.client(c, known)
	if err != nil {
		return err
	}
	switch c.QueryParam("encoding") {
	case "", "json":
		client.Audience = jsonAudience(client.Audience)
	case "html":
	default:
		return portal.Fail(portal.ErrInvalid, "live.protocol")
	}
	ctl := http.NewResponseController(c.Response())
	for _, lift := range []func(time.Time) error{ctl.SetReadDeadline, ctl.SetWriteDeadline} {
		if err := lift(time.Time{}); err != nil {
			return fmt.Errorf("event stream: %w", err)
		}
	}
	var door realtime.Door = streaming{s.live}
	if known.silent {
		door = s.live.door(known)
	}
	return s.Hub.ServeEvents(c.Request().Context(), c.Response(), client, door)
}
