package web

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"portico/app/portal"
	"portico/realtime"
)

// metrics are the edge's own figures.
type metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	signins  *prometheus.CounterVec
	events   *prometheus.CounterVec
	ops      *prometheus.CounterVec
	panics   prometheus.Counter
	presence prometheus.Counter
	handler  http.Handler
}

func newMetrics(reg *prometheus.Registry, hub *realtime.Hub) (*metrics, error) {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "portico_http_requests_total",
			Help: "HTTP requests by route, method and status."}, []string{"route", "method", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "portico_http_request_seconds",
			Help: "Time to answer an HTTP request.", Buckets: prometheus.ExponentialBuckets(0.0005, 3, 10)}, []string{"route"}),
		signins: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "portico_signins_total",
			Help: "Tries to sign in by result."}, []string{"result"}),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "portico_live_events_total",
			Help: "Events given to the live channel by name."}, []string{"event"}),
		ops: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "portico_live_frames_received_total",
			Help: "Frames from browsers by op and result."}, []string{"op", "result"}),
		panics: prometheus.NewCounter(prometheus.CounterOpts{Name: "portico_http_panics_total",
			Help: "Panics in handlers and on live connections; each cost one answer, frame or connection."}),
		presence: prometheus.NewCounter(prometheus.CounterOpts{Name: "portico_presence_changes_total",
			Help: "Visible changes of somebody's presence, each counted once however many see it."}),
	}
	live := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "portico_live_connections",
		Help: "Live connections now open."}, func() float64 { return float64(hub.Connections()) })
	for _, c := range []prometheus.Collector{m.requests, m.seconds, m.signins, m.events, m.ops, m.panics, m.presence, live} {
		if err := reg.Register(c); err != nil {
			return nil, fmt.Errorf("web: metrics: %w", err)
		}
	}
	m.handler = promhttp.HandlerFor(reg, promhttp.HandlerOpts{Registry: reg, MaxRequestsInFlight: 4, Timeout: 10 * time.Second})
	return m, nil
}

func (m *metrics) request(route, method string, status int, took time.Duration) {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
	default:
		method = "other" // a label must not be what anybody likes to send
	}
	m.requests.WithLabelValues(route, method, strconv.Itoa(status)).Inc()
	if route != apiPrefix+"/events" { // how long a stream was open is no time to answer
		m.seconds.WithLabelValues(route).Observe(took.Seconds())
	}
}

func (m *metrics) signin(err error) {
	result := "ok"
	if err != nil {
		result = "failed"
		if meaning := portal.Meaning(err); meaning != nil {
			result = meaning.Error()
		}
	}
	m.signins.WithLabelValues(result).Inc()
}

// serveMetrics answers a scraper: with the configured secret, else only on loopback and not for others
// who come through a proxy.
func (s *Server) serveMetrics(c echo.Context) error {
	if err := s.mayScrape(c); err != nil {
		return err
	}
	s.metrics.handler.ServeHTTP(c.Response(), c.Request())
	return nil
}
