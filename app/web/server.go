// Package web is the house's edge to browsers and programs: it signs people in and keeps their sessions,
// serves pages, the JSON API and the live channel, and turns events into frames and errors into answers.
//
// Every handler returns its error; one table (errors.go) says what an error is in HTTP. The route table
// is routes.go. The pages (page_*.go) and the HTML form of events (fragment.go) share one kind of
// rendering: the components of package views.
package web

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/gorilla/websocket"
	"github.com/labstack/echo/v4"
	"github.com/microcosm-cc/bluemonday"
	"github.com/prometheus/client_golang/prometheus"

	"portico/app/policy"
	"portico/realtime"
	"portico/static"
	"portico/views/catalogue"
)

// Config is what an operator decides about the edge. The zero value serves plain HTTP on loopback.
type Config struct {
	// PublicURL is what browsers use ("https://im.example.test"); empty: whatever Host they send.
	PublicURL string
	// TLS is true when the listener itself speaks TLS, whatever PublicURL says.
	TLS bool
	// Origins are further origins ("https://portal.example.test") whose pages may use this server.
	Origins []string
	// EmbedOrigins are origins whose pages may show presence, beside those that administrators allow.
	EmbedOrigins []string
	// TrustedProxies are the peers whose X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix
	// Thin is by what a connection is known to be a thin session; the zero value: by nothing.
	Thin policy.ThinWays
	// ThinGather is how long news of presence is gathered for thin sessions; zero: not at all.
	ThinGather time.Duration
	// SessionLifetime is how long a sign-in lasts (default 12 h).
	SessionLifetime time.Duration
	// Retention is how long the archive keeps conversations, RoomRetention what was said in rooms; zero: for ever. They are shown.
	Retention, RoomRetention time.Duration
	// OIDCName is what the identity provider is called on the sign-in page.
	OIDCName string
	// IdleAfter is how long without input browsers wait before they say so; zero: as long as they like (5 min).
	IdleAfter time.Duration
	// MetricsSecret, where set, must come as a bearer token with a request for /metrics; without it only
	// loopback is answered.
	MetricsSecret string
	// APIRate and APIBurst limit one person's API calls (defaults: 100 a second, 500 at once).
	APIRate  float64
	APIBurst int
	// LiveRate and LiveBurst limit the frames of one live connection (defaults: 30 a second, 120 at once).
	LiveRate  float64
	LiveBurst int
	// EditWindow is how long people may change what they said in a room, and MaxFile the largest file of a room in bytes, as
	// the rooms hold it (defaults: 24 h, 25 MiB); an EditWindow below zero: not at all.
	EditWindow time.Duration
	// AuditRetention is how long the audit trail is kept; zero: for ever.
	AuditRetention time.Duration
	MaxFile        int64
}

// Server is the edge. It holds no state of people: sessions are in their store, connections in the hub.
type Server struct {
	Deps
	echo     *echo.Echo
	sessions *scs.SessionManager
	origins  *origins
	// embeds are the operator's origins of presence buttons, public is Config.PublicURL.
	embeds map[string]bool
	public *url.URL
	live   *Live
	limits *personLimits
	// visits paces each person's pages and forms, with what pages bring along: pictures of people, files.
	visits *personLimits
	// subscribers paces those who ask for private calendar addresses: by the address where there is one, else by where they ask from.
	subscribers *personLimits
	// inbox paces those who send signed messages, by where they send from.
	inbox *personLimits
	// acts are the requests that stand in the audit trail, refusals bounds what those can write into it who may do nothing.
	acts     map[string]act
	refusals *refusals
	metrics  *metrics
	zones    zones
	cleaner  *bluemonday.Policy
	stripper *bluemonday.Policy
	upgrader websocket.Upgrader
	secure   bool // cookies only over TLS
	draining atomic.Bool
	openapi  []byte
	// dictionaries are what pages have in common.
	dictionaries dictionaries
	// button is the script of presence buttons on other pages.
	button *static.Asset
	// words are those of this server's own addresses in the place of an appointment's id.
	words map[string]bool
	// groupEdits makes reading and writing a group of policies one step.
	groupEdits sync.Mutex
}

// Calendar programs ask for a subscribed calendar every few minutes; this is for all of one calendar, in requests a second and at once.
const (
	subscribeRate  = 2
	subscribeBurst = 60
)

// New builds the edge; it starts nothing.
func New(d Deps) (*Server, error) {
	if err := d.complete(); err != nil {
		return nil, err
	}
	s := &Server{Deps: d, cleaner: newCleaner(), stripper: bluemonday.StrictPolicy()}
	var public *url.URL
	if d.Config.PublicURL != "" {
		var err error
		if public, err = url.Parse(d.Config.PublicURL); err != nil || public.Host == "" {
			return nil, fmt.Errorf("web: public URL %q is not absolute", d.Config.PublicURL)
		}
	}
	s.secure = d.Config.TLS || public != nil && public.Scheme == "https"
	var err error
	if s.origins, err = newOrigins(public, d.Config.Origins); err != nil {
		return nil, err
	}
	if s.embeds, err = embedOrigins(d.Config.EmbedOrigins); err != nil {
		return nil, err
	}
	s.public = public
	s.sessions = newSessions(d.Sessions, d.Config.SessionLifetime)
	s.limits = newPersonLimits(d.Config.APIRate, d.Config.APIBurst, d.Now)
	s.visits = newPersonLimits(float64(s.limits.every), visitBurst*s.limits.burst, d.Now)
	s.subscribers = newPersonLimits(subscribeRate, subscribeBurst, d.Now)
	s.inbox = newPersonLimits(d.Config.APIRate, d.Config.APIBurst, d.Now)
	s.acts, s.refusals = acts(), newRefusals(d.Now)
	if s.metrics, err = newMetrics(d.Registry, d.Hub); err != nil {
		return nil, err
	}
	s.upgrader = realtime.Upgrader()
	s.upgrader.CheckOrigin = func(*http.Request) bool { return true } // origins.allows has looked
	s.live = newLive(s)
	if s.openapi, err = s.document(); err != nil {
		return nil, err
	}
	s.dictionaries = newDictionaries(d.Languages, d.Logger)
	if s.button, err = embedButton(d.Languages); err != nil {
		return nil, err
	}
	s.echo = s.router()
	s.words = ownWords(s.echo)
	return s, nil
}

// Handler answers everything this server is asked.
func (s *Server) Handler() http.Handler { return headAsGet(s.echo) }

// Live is the sink of events and the door of live connections.
func (s *Server) Live() *Live { return s.live }

// Drain makes the server refuse new sign-ins and live connections and answer /readyz with 503; what is
// under way goes on. It cannot be undone.
func (s *Server) Drain() { s.draining.Store(true) }

func (d *Deps) complete() error {
	if d.Account == nil || d.Chat == nil || d.Presence == nil || d.Contacts == nil || d.Directory == nil ||
		d.Events == nil || d.Sessions == nil || d.Hub == nil {
		return errors.New("web: a dependency is missing")
	}
	if d.Logger == nil {
		d.Logger = slog.New(slog.DiscardHandler)
	}
	if d.Registry == nil {
		d.Registry = prometheus.NewRegistry()
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Languages == nil {
		d.Languages = catalogue.BuiltIn()
	}
	if d.Config.SessionLifetime <= 0 {
		d.Config.SessionLifetime = 12 * time.Hour
	}
	return nil
}

// Deadlines of the HTTP listener. Live connections set their own: a WebSocket leaves the server's hands
// at the upgrade, and the event stream lifts them (api_events.go).
const (
	readHeaderTimeout = 10 * time.Second
	readTimeout       = 30 * time.Second
	writeTimeout      = 60 * time.Second
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 32 << 10
)

// NewHTTPServer makes the http.Server that listens for h, with every deadline and limit set.
func NewHTTPServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

var _ realtime.Door = (*Live)(nil)
