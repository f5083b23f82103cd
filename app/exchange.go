package main

// Exchange in the house: the connector with its servers, the lab Exchange, and who is told of what.

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"portico/app/calendar"
	"portico/app/calsync"
	"portico/app/config"
	"portico/app/ews"
	"portico/app/ews/ewslab"
	"portico/app/outward"
	"portico/app/portal"
)

// The lab's service account. It lives on loopback only.
const labService = "svc-portico"

// newEWSLab builds the lab Exchange server with the example people's mailboxes, two rooms and a list.
func newEWSLab(cfg *config.Config, log *slog.Logger, file string) (*ewslab.Server, error) {
	lab, err := ewslab.New(ewslab.Config{
		Listen: cfg.Lab.EWSListen, DSN: file, Domain: cfg.SIP.Domain, AllowRemote: cfg.Lab.AllowPublic,
		People: labMailboxes(), Service: &ewslab.Account{Username: labService, Password: labPassword},
		Seed: true, Logger: log.With("part", "ewslab"),
	})
	if err != nil {
		return nil, fmt.Errorf("lab Exchange server: %w", err)
	}
	return lab, nil
}

// labMailboxes is the example people as the lab Exchange knows them, with what they book and write to.
func labMailboxes() []ewslab.Person {
	var out []ewslab.Person
	var sales []string
	for _, p := range labPeople() {
		out = append(out, ewslab.Person{
			User: p.user, Name: p.name, Password: labPassword, Title: p.title, Department: p.department, Office: p.office,
			Manager: p.manager, TimeZone: p.zone(), Locale: "en-GB", Answers: p.answers,
		})
		if p.department == "Sales" {
			sales = append(sales, p.user)
		}
	}
	return append(out,
		ewslab.Person{User: "studio1", Name: "Studio 1", Room: true, TimeZone: labZone},
		ewslab.Person{User: "studio2", Name: "Studio 2", Room: true, TimeZone: labZone},
		ewslab.Person{User: "studios", Name: "Studios", List: []string{"studio1", "studio2"}},
		ewslab.Person{User: "sales", Name: "Sales", List: sales},
	)
}

// openEWSLab starts listening for the lab Exchange, where the lab is on and no server is named, and points the
// connector at it.
func (h *house) openEWSLab(file string) (err error) {
	if !h.cfg.Lab.Enabled || len(h.cfg.EWS.Server) > 0 {
		return nil
	}
	if h.ewslab, err = newEWSLab(h.cfg, h.log, file); err != nil {
		return err
	}
	if err := h.ewslab.Listen(); err != nil {
		return fmt.Errorf("lab Exchange server: %w", err)
	}
	h.cfg.EWS.Server = []config.EWSServer{{
		Name: "lab", URL: h.ewslab.URL(), Auth: "basic", Username: labService, Password: labPassword, Impersonate: true,
	}}
	return nil
}

// exchangeOptions is the configuration in the connector's words.
func exchangeOptions(cfg *config.Config) (ews.Options, error) {
	o := ews.Options{Domain: cfg.SIP.Domain}
	for _, s := range cfg.EWS.Server {
		client, err := exchangeHTTP(s)
		if err != nil {
			return ews.Options{}, err
		}
		server := ews.Server{
			Name: s.Name, URL: s.URL, Auth: s.Auth, Username: s.Username, Password: s.Password.Reveal(), Domain: s.Realm,
			TokenURL: s.TokenURL, ClientID: s.ClientID, Scope: s.Scope, Krb5Conf: s.Krb5Conf, Keytab: s.Keytab, SPN: s.SPN,
			Impersonate: s.Impersonate, HTTP: client,
		}
		if s.Auth == "oauth2" {
			server.Password = s.ClientSecret.Reveal()
		}
		o.Servers = append(o.Servers, server)
	}
	return o, nil
}

// exchangeHTTP is the transport to a server whose certificate is not vouched for by the system, or that is looked for; nil for others.
func exchangeHTTP(s config.EWSServer) (*http.Client, error) {
	if s.TLSCA == "" && !s.TLSInsecure {
		if s.URL == "" { // Autodiscover: where it leads is said by others than the operator
			return &http.Client{Transport: outward.NewDialer(outward.Options{Inner: true}).Transport(nil)}, nil
		}
		return nil, nil
	}
	conf := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: s.TLSInsecure}
	if s.TLSCA != "" {
		pem, err := os.ReadFile(s.TLSCA)
		if err != nil {
			return nil, fmt.Errorf("exchange %s: tls_ca: %w", s.Name, err)
		}
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("exchange %s: tls_ca: %s holds no certificate", s.Name, s.TLSCA)
		}
	}
	transport, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return nil, errors.New("exchange: the default transport is not the standard one")
	}
	transport = transport.Clone()
	if transport.TLSClientConfig = conf; s.URL == "" {
		transport = outward.NewDialer(outward.Options{Inner: true}).Transport(conf)
	}
	return &http.Client{Transport: transport}, nil
}

// ownPasswords reports whether some mailbox is opened with its owner's own password.
func ownPasswords(cfg *config.Config) bool {
	for _, s := range cfg.EWS.Server {
		if !s.Impersonate {
			return true
		}
	}
	return false
}

// newEWSMetrics counts requests to Exchange by operation and result, and items that could not be understood.
func newEWSMetrics(reg *prometheus.Registry) (observe func(op, result string, took time.Duration), skipped func(why string)) {
	count := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "portico_ews_requests_total", Help: "Requests to Exchange by operation and result.",
	}, []string{"operation", "result"})
	seconds := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "portico_ews_request_seconds", Help: "Time to the answer of Exchange.",
		Buckets: prometheus.ExponentialBuckets(0.001, 3, 12),
	}, []string{"operation"})
	items := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "portico_ews_skipped_items_total", Help: "Calendar items that could not be understood, by reason.",
	}, []string{"reason"})
	reg.MustRegister(count, seconds, items)
	return func(op, result string, took time.Duration) {
			count.WithLabelValues(op, knownResult(result)).Inc()
			seconds.WithLabelValues(op).Observe(took.Seconds())
		}, func(why string) {
			items.WithLabelValues(why).Inc()
		}
}

// knownResult keeps a label from being whatever a server likes to send: "ok", or an EWS response code.
func knownResult(r string) string {
	if r == "ok" || strings.HasPrefix(r, "Error") && len(r) <= 64 && !strings.ContainsFunc(r, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z')
	}) {
		return r
	}
	return "failed"
}

// openExchange makes the connector, where there is a server. Where none is configured and there is CRM, an administrator can name one in
// the control panel of the synchronisation: that has it at once, the calendars have it from the next start on.
func (h *house) openExchange(ctx context.Context) error {
	named := len(h.cfg.EWS.Server) > 0
	switch {
	case !named && !h.cfg.CRM.Enabled:
		return nil
	case !named:
		var err error
		if named, err = calsync.NamesServers(ctx, h.store); err != nil {
			return err
		}
	}
	o, err := exchangeOptions(h.cfg)
	if err != nil {
		return err
	}
	o.Logger = h.log.With("part", "exchange")
	o.Observe, o.Skipped = newEWSMetrics(h.registry)
	o.Credentials = h.ownCredentials
	o.Mailbox = h.mailboxOf
	o.Person = h.personOf
	o.Tracing = func(who portal.Address) bool { return h.diagnosis.Traced(who).On }
	o.Trace = func(who portal.Address, t portal.Traffic) { h.diagnosis.Sink(who)(t) }
	h.exchangeOptions = o
	if h.syncSide, err = newExchangeDoor(o); err == nil && named {
		h.exchange = h.syncSide
	}
	return err
}

// listened is Exchange with the bells of one listener.
type listened struct {
	*exchangeDoor
	*party
}

// mailboxOf is somebody's e-mail address: what the address book says, else their SIP address without its scheme.
func (h *house) mailboxOf(who portal.Address) string {
	if p := h.directory.Lookup(context.Background(), who); p.Email != "" { // memory only
		return p.Email
	}
	return who.Bare()
}

// personOf is who has an e-mail address: by the address book or, where there is none, by the address if it is of our
// domain. Rooms and lists, which no address book of people has, are nobody.
func (h *house) personOf(email string) portal.Address {
	if who := h.directory.ByEmail(email); who != "" || h.directory.Size() > 0 {
		return who
	}
	if who, err := portal.ParseAddress(email); err == nil && who.Domain() == strings.ToLower(h.cfg.SIP.Domain) {
		return who
	}
	return ""
}

// openCalendar makes the calendars' use case. Without an Exchange server it says so to whoever asks.
func (h *house) openCalendar(emit func(portal.Address, portal.Current)) {
	counted, lag := newCalendarMetrics(h.registry)
	var server calendar.Exchange
	if h.exchange != nil {
		server = listened{h.exchange, h.exchange.board.join(calendarBells{h})}
	}
	h.calendar = calendar.New(server, h.store, calendar.Options{
		Emit: func(to portal.Address, ev portal.Current) {
			h.exchangeNews(to, ev)
			emit(to, ev)
		},
		Lookup: h.directory.Lookup, Find: h.personOf, Team: h.directory.Team, People: h.directory.People,
		Sight: h.privacy.SightOf, Zone: h.zoneOf, CRM: h.crmOf(), Presence: h.presence.Calendar, Counted: counted, Lag: lag,
		Reconcile: h.cfg.Calendar.Reconcile, TentativeBusy: h.cfg.Calendar.TentativeBusy, Drain: drainCalendar, Logger: h.log.With("part", "calendar"),
	})
}

// zoneOf is the zone somebody has chosen; nil where they have not.
func (h *house) zoneOf(ctx context.Context, who portal.Address) *time.Location {
	set, err := h.account.Settings(ctx, who)
	if err != nil || set.TimeZone == "" {
		return nil
	}
	loc, err := time.LoadLocation(set.TimeZone)
	if err != nil {
		return nil
	}
	return loc
}

// newCalendarMetrics counts what the calendar did, and times how long a change waits for its server.
func newCalendarMetrics(reg *prometheus.Registry) (counted func(what, result string), lag func(time.Duration)) {
	count := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "portico_calendar_total", Help: "Changes of calendars sent to their server, and readings of calendars, by result.",
	}, []string{"what", "result"})
	seconds := prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "portico_calendar_change_seconds", Help: "Time from a change's acceptance to its outcome at the server.",
		Buckets: prometheus.ExponentialBuckets(0.005, 3, 12),
	})
	reg.MustRegister(count, seconds)
	return func(what, result string) { count.WithLabelValues(what, result).Inc() },
		func(d time.Duration) { seconds.Observe(d.Seconds()) }
}

// calendarBells carries the news of the mailboxes to the calendars.
type calendarBells struct{ h *house }

func (b calendarBells) Rang(mailbox portal.Address)            { b.h.calendar.Rang(mailbox) }
func (b calendarBells) Reached(mailbox portal.Address)         { b.h.calendar.Reached(mailbox) }
func (b calendarBells) Lost(mailbox portal.Address, err error) { b.h.calendar.Lost(mailbox, err) }

// ownCredentials are a person's user name and password for a server without a service account: their address and
// the password they signed in with.
func (h *house) ownCredentials(ctx context.Context, who portal.Address) (user, password string, err error) {
	password, err = h.account.Password(ctx, who)
	return who.Bare(), password, err
}
