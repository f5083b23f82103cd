package web

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/websocket"
	"github.com/labstack/echo/v4"

	"portico/app/portal"
	"portico/realtime"
)

// How a live connection is opened: a WebSocket at /ws, or the event stream at /api/v1/events.

// The WebSocket subprotocols; each is an encoding of the same events.
const (
	protocolJSON = "portico.json.v1"
	protocolHTML = "portico.html.v1"
)

// webSocket upgrades to a WebSocket after everything that can be refused has been looked at.
func (s *Server) webSocket(c echo.Context) error {
	r := c.Request()
	known, err := s.session(c)
	if err != nil {
		return err
	}
	if !websocket.IsWebSocketUpgrade(r) {
		c.Response().Header().Set("Upgrade", "websocket")
		return failStatus(http.StatusUpgradeRequired, "live.upgrade")
	}
	if !s.origins.allows(r, known.bearer) {
		return failStatus(http.StatusForbidden, "live.origin")
	}
	protocol, ok := pickProtocol(websocket.Subprotocols(r))
	if !ok {
		return failStatus(http.StatusBadRequest, "live.protocol")
	}
	client, err := s.client(c, known)
	if err != nil {
		return err
	}
	if protocol == protocolJSON {
		client.Audience = jsonAudience(client.Audience)
	}
	up := s.upgrader
	client.Packed = realtime.OffersDeflate(r.Header)
	up.EnableCompression = client.Packed
	up.Subprotocols = []string{protocol}
	var refused error
	up.Error = func(_ http.ResponseWriter, _ *http.Request, status int, reason error) {
		refused = &httpError{status: status, key: "live.handshake", cause: reason}
	}
	ws, err := up.Upgrade(c.Response(), r, nil)
	if err != nil {
		if refused != nil {
			return refused
		}
		return &httpError{status: http.StatusBadRequest, key: "live.handshake", cause: err}
	}
	c.Response().Status = http.StatusSwitchingProtocols // for the log; gorilla has written it
	s.Hub.ServeWebSocket(ws, client, s.live.door(known))
	return nil
}

// pickProtocol is the first of the offered subprotocols that this server speaks.
func pickProtocol(offered []string) (string, bool) {
	i := slices.IndexFunc(offered, func(p string) bool { return p == protocolJSON || p == protocolHTML })
	if i < 0 {
		return "", false
	}
	return offered[i], true
}

// client describes the connection to the hub.
func (s *Server) client(c echo.Context, known session) (realtime.Client, error) {
	if s.draining.Load() {
		return realtime.Client{}, portal.Fail(portal.ErrUnavailable, "bye.draining").After(time.Second)
	}
	since, has, err := resumeFrom(c.Request())
	if err != nil {
		return realtime.Client{}, err
	}
	session := s.thin(c)
	var gather time.Duration
	if session.On {
		gather = s.Config.ThinGather
	}
	return realtime.Client{
		Thin: session.On, Gather: gather, ThinFrom: session.From,
		Person: known.person, Session: known.key, ID: uuid.NewString(),
		Audience: s.audience(c), Since: since, HasSince: has, Shows: c.QueryParam("shows") != "",
		Seen: seenOf(c.QueryParam("seen")),
	}, nil
}

// resumeFrom reads where a client goes on: Last-Event-ID, which a browser sends by itself after a break,
// before the URL's since, which stays as it was when the page was loaded.
func resumeFrom(r *http.Request) (since int64, has bool, err error) {
	text := r.Header.Get("Last-Event-ID")
	if text == "" {
		text = r.URL.Query().Get("since")
	}
	if text == "" {
		return 0, false, nil
	}
	since, err = strconv.ParseInt(text, 10, 64)
	if err != nil || since < 0 {
		return 0, false, portal.Fail(portal.ErrInvalid, "live.since")
	}
	return since, true, nil
}

// jsonAudience is a for programs. JSON depends on the language alone, so that all zones share a rendering.
func jsonAudience(a realtime.Audience) realtime.Audience {
	return realtime.Audience{Encoding: realtime.JSON, Locale: a.Locale}
}
