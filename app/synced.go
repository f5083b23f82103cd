package main

// CRM in the house: its use case, the synchronisation with Exchange, the webhooks, and who is told of what.

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"portico/app/calendar"
	"portico/app/calsync"
	"portico/app/config"
	"portico/app/crm"
	"portico/app/ews"
	"portico/app/hook"
	"portico/app/mailer"
	"portico/app/outward"
	"portico/app/portal"
	"portico/app/web"
)

// openCRM makes the CRM side, where it is wanted.
func (h *house) openCRM() {
	if !h.cfg.CRM.Enabled {
		return
	}
	h.crm = crm.New(h.store, crm.Options{
		Lookup: h.directory.Lookup, Find: h.personOf, Expand: h.expandList, Zone: h.zoneOf, Admin: h.isAdmin,
		Pairs: h.store.SyncPairsOf,
		UIDOf: func(ctx context.Context, me portal.Address, id string) (string, error) {
			return h.calendar.UIDOf(ctx, me, id)
		},
		Watching: func(of portal.Address) []portal.Address { return h.calendar.Watching(of) },
		Touched:  func(people []portal.Address) { h.calendar.Touched(people) },
		Logger:   h.log.With("part", "crm"),
	})
}

// crmOf is CRM as the calendars know it; a nil interface where there is none.
func (h *house) crmOf() calendar.CRM {
	if h.crm == nil {
		return nil
	}
	return h.crm
}

func (h *house) isAdmin(who portal.Address) bool {
	return slices.Contains(addresses(h.cfg.Signin.Admins), who)
}

// expandList gives the members of a distribution list, as Exchange knows it.
func (h *house) expandList(ctx context.Context, me portal.Address, email string) ([]portal.Attendee, error) {
	if h.exchange == nil {
		return nil, portal.Fail(portal.ErrUnavailable, "calendar.none")
	}
	return h.exchange.Expand(ctx, me, email)
}

// What the portal seals of its own, by purpose.
const (
	sealServers = "exchange servers"
	sealHooks   = "webhooks"
)

// openSync makes the synchronisation, where there are both sides, and the webhooks.
func (h *house) openSync() error {
	if h.crm == nil {
		return nil
	}
	counted, lag, read, queue := newSyncMetrics(h.registry)
	networks, err := prefixes("sync.hook_networks", h.cfg.Sync.HookNetworks)
	if err != nil {
		return err
	}
	h.hooks = hook.New(hookSource{h.crm}, h.store, hook.Options{
		Seal:     func(b []byte) ([]byte, error) { return h.account.Seal(sealHooks, b) },
		Open:     func(b []byte) ([]byte, error) { return h.account.Open(sealHooks, b) },
		Networks: networks, Logger: h.log.With("part", "webhooks"), Counted: newHookMetrics(h.registry),
	})
	if h.syncSide == nil {
		return nil
	}
	bells := &syncBells{}
	side := listened{h.syncSide, h.syncSide.board.join(bells)}
	h.sync = calsync.New(h.crm, side, h.store, calsync.Options{
		Logger: h.log.With("part", "sync"), Counted: counted, Lag: lag, Read: read, Queue: queue,
		Told:       h.tellAdmins,
		Incident:   func(in calsync.Incident) { h.panel.Trouble(in) },
		Workers:    h.cfg.Sync.Workers,
		FirstRetry: h.cfg.Sync.FirstRetry, MaxRetry: h.cfg.Sync.MaxRetry, Reconcile: h.cfg.Sync.Reconcile,
		Drain: drainCalendar, Fault: h.fault,
	})
	bells.to = h.sync
	m, err := newMailer(h.cfg)
	if err != nil {
		return err
	}
	o := calsync.PanelOptions{
		Book:  h.syncBook,
		Seal:  func(b []byte) ([]byte, error) { return h.account.Seal(sealServers, b) },
		Open:  func(b []byte) ([]byte, error) { return h.account.Open(sealServers, b) },
		Fixed: fixedServers(h.cfg), Try: h.tryServer, Apply: h.applyServers,
		Site: h.cfg.HTTP.PublicURL, Gather: h.cfg.Sync.MailGather, Logger: h.log.With("part", "sync"),
	}
	if m.Configured() {
		o.Mail, o.CheckMail = m, m.Check
	}
	h.panel = calsync.NewPanel(h.sync, o)
	return nil
}

// syncBook is everybody whom Sync users looks up in Exchange: the address book, and the CRM users who are not in it.
func (h *house) syncBook(ctx context.Context) ([]portal.Person, error) {
	people, err := h.directory.People(ctx)
	if err != nil {
		return nil, err
	}
	people = slices.DeleteFunc(people, func(p portal.Person) bool { return p.Group }) // lists have no calendar
	users, err := h.crm.Users(ctx)
	if err != nil {
		return nil, err
	}
	known := map[portal.Address]bool{}
	emails := map[string]bool{}
	for _, p := range people {
		known[p.URI] = true
		emails[strings.ToLower(p.Email)] = p.Email != ""
	}
	people = slices.Clone(people)
	for _, u := range users {
		if !known[u.Address] && !emails[strings.ToLower(u.Email)] {
			people = append(people, portal.Person{URI: u.Address, DisplayName: u.Name(), Email: u.Email})
		}
	}
	return people, nil
}

// openPanel gives the edge what there is of CRM and the synchronisation: nil interfaces where there is none.
func (h *house) openPanel(d *web.Deps) {
	if h.crm != nil {
		d.CRM, d.Hooks = h.crm, h.hooks
	}
	if h.sync != nil {
		d.Sync, d.SyncAdmin = h.sync, h.panel
	}
}

// syncStages are what lives of CRM and the synchronisation.
func (h *house) syncStages() []stage {
	var out []stage
	if h.crm != nil && h.lab != nil {
		out = append(out, stage{name: "example customers", run: h.seedCRM})
	}
	if h.sync != nil {
		out = append(out, stage{name: "synchronisation", run: h.sync.Run}, stage{name: "control panel", run: h.panel.Run},
			stage{name: "panel bell", run: h.panelBell}, stage{name: "control", run: h.control})
	}
	if h.hooks != nil {
		out = append(out, stage{name: "webhooks", run: h.hooks.Run})
	}
	return out
}

// syncBells carries the news of the mailboxes to the synchronisation.
type syncBells struct{ to *calsync.Service }

func (b *syncBells) Rang(mailbox portal.Address)            { b.to.Rang(mailbox) }
func (b *syncBells) Reached(mailbox portal.Address)         { b.to.Reached(mailbox) }
func (b *syncBells) Lost(mailbox portal.Address, err error) { b.to.Lost(mailbox, err) }

func newMailer(cfg *config.Config) (*mailer.Mailer, error) {
	return mailer.New(mailer.Options{
		Addr: cfg.Mail.SMTP, From: cfg.Mail.From, TLS: cfg.Mail.TLS, Username: cfg.Mail.Username, Password: cfg.Mail.Password.Reveal(),
	})
}

// fixedServers is the servers of the configuration as the control panel shows them.
func fixedServers(cfg *config.Config) []portal.SyncServerSpec {
	var out []portal.SyncServerSpec
	for _, s := range cfg.EWS.Server {
		out = append(out, portal.SyncServerSpec{Name: s.Name, URL: s.URL, Auth: s.Auth, Username: s.Username,
			HasPassword: s.Password.Reveal() != "" || s.ClientSecret.Reveal() != "" || s.Keytab != "", Impersonate: s.Impersonate, Fixed: true})
	}
	return out
}

// serverOf is a server of the control panel in the connector's words.
func serverOf(s portal.SyncServerSpec) ews.Server {
	return ews.Server{
		Name: s.Name, URL: s.URL, Auth: s.Auth, Username: s.Username, Password: s.Password, Impersonate: s.Impersonate,
		HTTP: &http.Client{Transport: outward.NewDialer(outward.Options{Inner: true}).Transport(nil)},
	}
}

// tryServer signs in to a server that is not in use.
func (h *house) tryServer(ctx context.Context, s portal.SyncServerSpec) error {
	o := h.exchangeOptions
	o.Servers, o.Handler, o.Observe, o.Skipped = []ews.Server{serverOf(s)}, nil, nil, nil
	c, err := ews.New(o)
	if err != nil {
		return err
	}
	defer c.Close()
	return c.Check(ctx, s.Name)
}

// applyServers puts the servers of the control panel into use, beside those of the configuration.
func (h *house) applyServers(ctx context.Context, extra []portal.SyncServerSpec) error {
	o := h.exchangeOptions
	o.Servers = slices.Clone(o.Servers)
	for _, s := range extra {
		if s.Primary { // the first is asked first for mailboxes whose home is unknown
			o.Servers = slices.Insert(o.Servers, 0, serverOf(s))
		} else {
			o.Servers = append(o.Servers, serverOf(s))
		}
	}
	if slices.EqualFunc(o.Servers, h.inUse(), sameServer) {
		return nil
	}
	c, err := h.syncSide.connect(o)
	if err != nil {
		return fmt.Errorf("exchange servers: %w", err)
	}
	if err := h.syncSide.replace(ctx, c); err != nil {
		return err
	}
	h.using.Store(&o.Servers)
	return nil
}

// inUse is the servers that the connector has now.
func (h *house) inUse() []ews.Server {
	if list := h.using.Load(); list != nil {
		return *list
	}
	return h.exchangeOptions.Servers
}

func sameServer(a, b ews.Server) bool {
	return a.Name == b.Name && a.URL == b.URL && a.Auth == b.Auth && a.Username == b.Username && a.Password == b.Password && a.Impersonate == b.Impersonate
}

// tellAdmins rings for the administrators' control panels, at most once in a while: see panelBell.
func (h *house) tellAdmins() {
	select {
	case h.panelNews <- struct{}{}:
	default:
	}
}

// panelPace is the least time between two rings of the control panels.
const panelPace = 500 * time.Millisecond

// panelBell tells the administrators' open control panels that something changed, until ctx ends.
func (h *house) panelBell(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-h.panelNews:
		}
		for _, who := range addresses(h.cfg.Signin.Admins) {
			h.web.Live().Current(who, portal.PanelEvent{})
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(panelPace):
		}
	}
}

// hookSource is the CRM side as programs outside hear of it.
type hookSource struct{ *crm.Service }

// Last is the number of the newest line of the change log.
func (s hookSource) Last(ctx context.Context) (int64, error) { return s.LastChange(ctx) }

// Data is the record of a change as JSON.
func (s hookSource) Data(ctx context.Context, c portal.CRMChange, private bool) (json.RawMessage, error) {
	data, err := s.Outside(ctx, c, private)
	if errors.Is(err, portal.ErrNotFound) {
		data, err = map[string]string{"id": c.ID}, nil
	}
	if err != nil {
		return nil, err
	}
	return json.Marshal(data)
}

// newSyncMetrics counts what the synchronisation carries, and times it.
func newSyncMetrics(reg *prometheus.Registry) (counted func(portal.Direction, string, string), lag func(portal.Direction, time.Duration), read func(source, result string), queue func(calsync.QueueCounts)) {
	carried := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "portico_sync_total", Help: "What was carried between CRM and Exchange, by direction, kind and result.",
	}, []string{"direction", "what", "result"})
	seconds := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "portico_sync_lag_seconds", Help: "Time from a change on one side to its arrival on the other.",
		Buckets: prometheus.ExponentialBuckets(0.01, 2.5, 14),
	}, []string{"direction"})
	reads := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "portico_sync_readings_total", Help: "Readings of the sides' changes, by source and result.",
	}, []string{"source", "result"})
	length := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "portico_sync_queue", Help: "Appointments that wait to be carried, by state.",
	}, []string{"state"})
	retries := prometheus.NewCounter(prometheus.CounterOpts{Name: "portico_sync_retries_total", Help: "Tries of the synchronisation that failed and are made again."})
	conflicts := prometheus.NewCounter(prometheus.CounterOpts{Name: "portico_sync_conflicts_total", Help: "Appointments that were changed on both sides."})
	reg.MustRegister(carried, seconds, reads, length, retries, conflicts)
	return func(d portal.Direction, what, result string) {
			carried.WithLabelValues(string(d), what, result).Inc()
			if result == "retried" {
				retries.Inc()
			}
			if what == "conflict" {
				conflicts.Inc()
			}
		}, func(d portal.Direction, took time.Duration) {
			seconds.WithLabelValues(string(d)).Observe(took.Seconds())
		}, func(source, result string) {
			reads.WithLabelValues(source, result).Inc()
		}, func(n calsync.QueueCounts) {
			length.WithLabelValues("waiting").Set(float64(n.Waiting))
			length.WithLabelValues("retrying").Set(float64(n.Retrying))
			length.WithLabelValues("held").Set(float64(n.Held))
			length.WithLabelValues("failed").Set(float64(n.Failed))
		}
}

// newHookMetrics counts the tries of webhooks by result.
func newHookMetrics(reg *prometheus.Registry) func(result string) {
	tries := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "portico_hook_tries_total", Help: "Requests to programs outside, by result."}, []string{"result"})
	reg.MustRegister(tries)
	return func(result string) { tries.WithLabelValues(result).Inc() }
}
