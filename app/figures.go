package main

import (
	"io"
	"log/slog"
	"os"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"portico/app/config"
	"portico/app/sipua"
)

// What the operator reads: the log, and the figures of rooms that do not know Prometheus.

// newLogger is the house's log. Where it is the process's own it also takes what libraries say to Go's default
// logger; houses that share a process, as in tests, keep theirs apart.
func newLogger(cfg *config.Config, w io.Writer) *slog.Logger {
	log := formatted(cfg, w)
	if w == io.Writer(os.Stderr) {
		slog.SetDefault(log)
	}
	return log
}

func formatted(cfg *config.Config, w io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(cfg.Log.Level)); err != nil {
		level = slog.LevelInfo // config has checked it
	}
	o := &slog.HandlerOptions{Level: level}
	if cfg.Log.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

// newSIPMetrics counts SIP requests by direction, method and status.
func newSIPMetrics(reg *prometheus.Registry) sipua.Metrics {
	count := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "portico_sip_requests_total", Help: "SIP requests by direction, method and final status (0: no answer).",
	}, []string{"direction", "method", "status"})
	seconds := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "portico_sip_request_seconds", Help: "Time to the final answer of a SIP request.",
		Buckets: prometheus.ExponentialBuckets(0.0005, 3, 11),
	}, []string{"direction", "method"})
	links := prometheus.NewGauge(prometheus.GaugeOpts{Name: "portico_sip_connections", Help: "Connections to the SIP proxy that stand."})
	reg.MustRegister(count, seconds, links)
	note := func(direction string) func(string, int, time.Duration) {
		return func(method string, status int, took time.Duration) {
			method = knownMethod(method)
			count.WithLabelValues(direction, method, strconv.Itoa(status)).Inc()
			seconds.WithLabelValues(direction, method).Observe(took.Seconds())
		}
	}
	return sipua.Metrics{Sent: note("out"), Received: note("in"), Connected: func(up bool) {
		if up {
			links.Inc()
		} else {
			links.Dec()
		}
	}}
}

// knownMethod keeps a label from being whatever a peer likes to send.
func knownMethod(m string) string {
	switch m {
	case "REGISTER", "MESSAGE", "PUBLISH", "SUBSCRIBE", "NOTIFY", "OPTIONS", "INVITE", "ACK", "BYE", "CANCEL":
		return m
	}
	return "other"
}

// newChatMetrics counts messages by direction and result and times their delivery.
func newChatMetrics(reg *prometheus.Registry) (counted func(direction, result string), took func(time.Duration)) {
	count := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "portico_messages_total", Help: "Messages by direction and result.",
	}, []string{"direction", "result"})
	seconds := prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "portico_message_delivery_seconds", Help: "Time from a message's acceptance to its final answer.",
		Buckets: prometheus.ExponentialBuckets(0.001, 3, 12),
	})
	reg.MustRegister(count, seconds)
	return func(direction, result string) { count.WithLabelValues(direction, result).Inc() },
		func(d time.Duration) { seconds.Observe(d.Seconds()) }
}
