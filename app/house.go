package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"portico/app/account"
	"portico/app/admin"
	"portico/app/audit"
	"portico/app/blobs"
	"portico/app/calendar"
	"portico/app/calls"
	"portico/app/calsync"
	"portico/app/chat"
	"portico/app/config"
	"portico/app/contacts"
	"portico/app/crm"
	"portico/app/diagnosis"
	"portico/app/directory"
	"portico/app/directory/ldap"
	"portico/app/directory/oidc"
	"portico/app/ews"
	"portico/app/ews/ewslab"
	"portico/app/history"
	"portico/app/hook"
	"portico/app/policy"
	"portico/app/portal"
	"portico/app/presence"
	"portico/app/privacy"
	"portico/app/resume"
	"portico/app/rooms"
	"portico/app/sipua"
	"portico/app/sipua/siplab"
	"portico/app/web"
	"portico/realtime"
	"portico/storage"
	"portico/views/catalogue"
)

// house is all rooms of the portal, wired. Only here do both ends of an interface meet.
type house struct {
	cfg *config.Config
	log *slog.Logger
	// instance names this installation; it is the same after a restart.
	instance string

	lock      *os.File // holds the data folder
	store     *storage.Store
	lab       *siplab.Server // nil without the lab
	ewslab    *ewslab.Server // nil without the lab, or with Exchange servers of one's own beside it
	exchange  *exchangeDoor  // nil without an Exchange server
	syncSide  *exchangeDoor  // the synchronisation's: exchange, or one that waits for its first server
	calendar  *calendar.Service
	crm       *crm.Service     // nil where crm.enabled is false
	sync      *calsync.Service // nil without CRM or an Exchange server
	panel     *calsync.Panel   // nil without sync
	hooks     *hook.Service    // nil without CRM
	agent     *sipua.Agent
	blobs     *blobs.Store
	rooms     *rooms.Service
	history   *history.Service
	calls     *calls.Service
	desk      *callDesk
	chat      *chat.Service
	presence  *presence.Service
	account   *account.Service
	contacts  *contacts.Service
	directory *directory.Service
	ldap      *ldap.Directory // nil without a directory server
	oidc      *oidc.Provider  // nil unless people sign in by OpenID Connect
	admin     *admin.Service
	privacy   *privacy.Service
	resume    *resume.Service
	diagnosis *diagnosis.Service
	audit     *audit.Service
	// exchangeAway are the people for whom Exchange was away last.
	exchangeAway sync.Map
	hub          *realtime.Hub
	web          *web.Server
	listener     net.Listener
	registry     *prometheus.Registry
	// exchangeOptions is the connector's configuration, to which an administrator can add servers.
	exchangeOptions ews.Options
	// using is the servers that the connector has, where an administrator added some; nil: those of the configuration.
	using atomic.Pointer[[]ews.Server]
	// panelNews holds one word for the administrators' control panels.
	panelNews chan struct{}
	// fault breaks the synchronisation off between two of its steps (calsync.Options.Fault), where a test asks for it; nil otherwise.
	fault func(step string) error
}

// faultKey is under which a context brings house.fault from a test; no configuration does.
type faultKey struct{}

// serve runs the portal until ctx ends, then drains and closes it.
func serve(ctx context.Context, cfg *config.Config, out, errs io.Writer) error {
	log := newLogger(cfg, errs)
	for _, w := range cfg.Warnings() {
		log.Warn("configuration", "warning", w)
	}
	h, err := build(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer h.close()
	if err := h.announce(out); err != nil {
		return err
	}
	return runStages(ctx, log, h.stages())
}

// build makes every room and opens the listeners, so that addresses are known; nothing runs yet. When it
// fails, all that was opened is closed.
func build(ctx context.Context, cfg *config.Config, log *slog.Logger) (_ *house, err error) {
	h := &house{cfg: cfg, log: log, registry: prometheus.NewRegistry(), panelNews: make(chan struct{}, 1)}
	h.desk = newDesk(h)
	h.fault, _ = ctx.Value(faultKey{}).(func(string) error)
	defer func() {
		if err != nil {
			h.close()
		}
	}()
	h.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if err := os.MkdirAll(cfg.Storage.DataDir, 0o700); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	if h.lock, err = lockFolder(ctx, cfg.Storage.DataDir, lockWait); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	if err := h.openStore(ctx); err != nil {
		return nil, err
	}
	if err := h.openLab(); err != nil {
		return nil, err
	}
	if err := h.openEWSLab(filepath.Join(cfg.Storage.DataDir, "lab-exchange.db")); err != nil {
		return nil, err
	}
	if err := h.openLine(); err != nil {
		return nil, err
	}
	if err := h.openExchange(ctx); err != nil {
		return nil, err
	}
	if err := h.openRooms(ctx); err != nil {
		return nil, err
	}
	if err := h.openRoomsDomain(); err != nil {
		return nil, err
	}
	if err := h.openWeb(); err != nil {
		return nil, err
	}
	return h, nil
}

func (h *house) openStore(ctx context.Context) (err error) {
	h.store, err = storage.Open(ctx, storage.Options{
		DSN: h.cfg.Storage.DSN, Logger: h.log.With("part", "storage"),
		EventBound: h.cfg.Limits.ReplayEvents, EventAge: eventAge(h.cfg), Retention: h.cfg.Chat.Retention, RoomRetention: h.cfg.Rooms.Retention,
		Sink: func(evs []portal.Logged) { h.web.Live().Logged(evs) },
	})
	if err != nil {
		return fmt.Errorf("storage: %w", err)
	}
	return nil
}

// eventAge is how long events are kept for browsers that were cut off: never longer than the archive keeps the
// messages that they repeat.
func eventAge(cfg *config.Config) time.Duration {
	age := cfg.Limits.ReplayAge
	for _, kept := range []time.Duration{cfg.Chat.Retention, cfg.Rooms.Retention} {
		if kept > 0 {
			age = min(age, kept)
		}
	}
	return age
}

// openLab starts listening for the lab, where it is on, and points the line at it.
func (h *house) openLab() (err error) {
	if !h.cfg.Lab.Enabled {
		return nil
	}
	if h.lab, err = newSIPLab(h.cfg, h.log); err != nil {
		return err
	}
	if err := h.lab.Listen(); err != nil {
		return fmt.Errorf("lab SIP server: %w", err)
	}
	h.cfg.SIP.Proxy = "sip:" + h.lab.Addr() + ";transport=tcp"
	return nil
}

func (h *house) openLine() (err error) {
	if h.instance, err = instanceName(h.cfg.Storage.DataDir); err != nil {
		return err
	}
	conf, err := lineConfig(h.cfg, h.instance)
	if err != nil {
		return err
	}
	conf.Logger = h.log.With("part", "sip")
	conf.Metrics = newSIPMetrics(h.registry)
	if h.agent, err = sipua.New(conf, switchboard{h}); err != nil {
		return err
	}
	h.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "portico_registrations", Help: "People registered at the SIP server.",
	}, func() float64 { return float64(h.agent.Registered()) }))
	return nil
}

// openRooms makes the use cases.
func (h *house) openRooms(ctx context.Context) (err error) {
	emit := func(to portal.Address, ev portal.Current) { h.web.Live().Current(to, ev) }
	h.openAudit()
	h.resume = resume.New(h.store, resume.Options{
		Logger:    h.log.With("part", "resume"),
		Forbidden: func(who portal.Address) bool { return h.admin.InForce(who).DisableSavingIM },
	})
	h.openDiagnosis()
	if err := h.openBooks(); err != nil {
		return err
	}
	if err := h.openAdmin(ctx); err != nil {
		return err
	}
	h.openPrivacy(emit)
	h.openContacts()
	counted, took := newChatMetrics(h.registry)
	h.chat = chat.New(h.store, h.agent, chat.Options{
		Relationship: h.privacy.Relationship, NoIM: func(who portal.Address) bool { return h.admin.InForce(who).DisableIM }, Quiet: h.quiet,
		Past: h.past, Beside: h.countsBeside(), Received: h.desk.received, Seen: h.desk.read,
		Emit: emit, Counted: counted, Took: took, MaxAge: h.cfg.Chat.MaxAge, Drain: drainChat,
		Rate: h.cfg.Chat.Rate, Burst: max(1, int(20*h.cfg.Chat.Rate)), Logger: h.log.With("part", "chat"),
	})
	h.presence = presence.New(h.agent, h.store, presence.Options{
		Instance:      h.instance,
		Emit:          emit,
		EmitMany:      func(to []portal.Address, ev portal.Current) { h.web.Live().CurrentMany(to, ev) },
		Sight:         h.privacy.SightKnown,
		Wire:          h.privacy.Wire,
		InForce:       h.admin.InForce,
		States:        h.admin.States,
		Provider:      h.chosenProvider,
		Tagged:        func(owner portal.Address) []portal.Address { return h.contacts.Tagged(owner) },
		InactiveAfter: h.cfg.Presence.InactiveAfter, AwayAfter: h.cfg.Presence.AwayAfter, Grace: h.cfg.Presence.Grace,
		ActiveLease: 2 * h.cfg.Presence.InactiveAfter,
		Logger:      h.log.With("part", "presence"),
	})
	h.openCRM()
	h.openCalendar(emit)
	h.account, err = account.New(h.agent, h.store, account.Options{
		Language: catalogue.BuiltIn().Chosen,
		Domain:   h.cfg.SIP.Domain, Admins: addresses(h.cfg.Signin.Admins), SessionLifetime: h.cfg.Signin.SessionLifetime,
		KeyFile:    filepath.Join(h.cfg.Storage.DataDir, "portico.key"),
		Verify:     h.verifier(),
		Incident:   h.incident,
		Known:      func(who portal.Address) bool { return h.directory.Known(who) },
		OnSignedIn: h.signedIn, OnSignedOut: h.signedOut, KeepPassword: ownPasswords(h.cfg),
		OnEnded: h.sessionEnded, SessionIdle: h.cfg.Signin.SessionIdle, InUse: func() map[string]bool { return h.hub.Sessions() },
		Emit:   emit,
		Person: func(ctx context.Context, who portal.Address) portal.Person { return h.directory.Lookup(ctx, who) },
		Logger: h.log.With("part", "account"),
	})
	if err == nil {
		err = h.openTalk(ctx, emit)
	}
	if err == nil {
		h.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "portico_sessions", Help: "Sign-ins that live.",
		}, func() float64 { return float64(h.account.Living()) }))
		err = h.openSync()
	}
	return err
}

// signedIn makes a person's presence and contact list live.
func (h *house) signedIn(ctx context.Context, who portal.Address, first bool) {
	if h.lab != nil && first {
		if err := h.contacts.Seed(ctx, who, labBook{h.cfg.SIP.Domain}.contactsOf(who)); err != nil {
			h.log.Error("example contacts", "person", who, "error", err)
		}
	}
	h.privacy.SignedIn(who)
	if err := h.presence.SignedIn(ctx, who); err != nil {
		h.log.Error("presence of a sign-in", "person", who, "error", err)
	}
	if err := h.contacts.SignedIn(ctx, who); err != nil {
		h.log.Error("contacts of a sign-in", "person", who, "error", err)
	}
	h.calendar.SignedIn(ctx, who)
	h.desk.signedIn(who)
}

// signedOut ends what lives only while somebody is signed in.
func (h *house) signedOut(who portal.Address) {
	h.calendar.SignedOut(who)
	h.desk.signedOut(who)
	h.contacts.SignedOut(who)
	h.presence.SignedOut(who)
	h.privacy.SignedOut(who)
}

// sessionEnded closes the live connections of a session that is over; storage has forgotten its data.
func (h *house) sessionEnded(key string, who portal.Address, reason string) {
	h.log.Info("session ended", "person", who, "reason", reason)
	h.auditEnded(who, reason)
	h.hub.EndSession(key)
}

func (h *house) openWeb() (err error) {
	dropped := prometheus.NewCounter(prometheus.CounterOpts{
		Name: "portico_live_slow_total", Help: "Live connections closed because their reader was too slow.",
	})
	h.registry.MustRegister(dropped)
	h.hub = realtime.NewHub(realtime.Options{
		Max: h.cfg.Limits.Connections, MaxPerPerson: h.cfg.Limits.ConnectionsPerPerson, Logger: h.log.With("part", "live"), Slow: dropped.Inc,
	})
	proxies, err := prefixes("http.trusted_proxies", h.cfg.HTTP.TrustedProxies)
	if err != nil {
		return err
	}
	thin, err := prefixes("thin.networks", h.cfg.Thin.Networks)
	if err != nil {
		return err
	}
	deps := web.Deps{
		Account: h.account, Chat: h.chat, Presence: h.presence, Contacts: h.contacts, Directory: h.directory, Calendar: h.calendar,
		Events: h.store, Sessions: h.store, Hub: h.hub, Logger: h.log.With("part", "web"), Registry: h.registry, Resume: h.resume,
		Config: web.Config{
			PublicURL: h.cfg.HTTP.PublicURL, TLS: h.cfg.HTTP.TLSCert != "", Origins: h.cfg.HTTP.AllowedOrigins,
			TrustedProxies: proxies, Thin: policy.NewThinWays(thin, h.cfg.Thin.Header), ThinGather: h.cfg.Thin.Gather, MetricsSecret: h.cfg.HTTP.MetricsSecret.Reveal(), SessionLifetime: h.cfg.Signin.SessionLifetime,
			APIRate: h.cfg.Limits.APIRate, APIBurst: int(5 * h.cfg.Limits.APIRate),
			IdleAfter: h.cfg.Presence.InactiveAfter, OIDCName: h.cfg.OIDC.Name,
			LiveRate: h.cfg.Limits.LiveRate, LiveBurst: int(4 * h.cfg.Limits.LiveRate),
			Retention: h.cfg.Chat.Retention, RoomRetention: h.cfg.Rooms.Retention,
			AuditRetention: h.cfg.Audit.Retention,
			EditWindow:     editWindow(h.cfg.Rooms.EditWindow), MaxFile: int64(h.cfg.Rooms.MaxFile) * 1e6,
		},
		Ready: h.probes(), Audit: h.audit,
	}
	h.openPanel(&deps)
	h.talkDeps(&deps)
	h.peopleDeps(&deps)
	if h.web, err = web.New(deps); err != nil {
		return err
	}
	h.listener, err = net.Listen("tcp", h.cfg.HTTP.Listen)
	if err != nil {
		return fmt.Errorf("http.listen: %w", err)
	}
	return nil
}

// probes are what /readyz asks.
func (h *house) probes() []web.Probe {
	probes := []web.Probe{
		{Name: "storage", Check: h.store.Ready},
		{Name: "sip", Check: func(context.Context) error { return h.agent.Ready() }},
	}
	if h.exchange != nil {
		probes = append(probes, web.Probe{Name: "exchange", Check: func(context.Context) error { return h.exchange.Ready() }})
	}
	return probes
}

// stages is the house in the order of starting; it closes in the opposite one.
func (h *house) stages() []stage {
	server := web.NewHTTPServer(h.web.Handler(), h.log.With("part", "http"))
	stages := []stage{{name: "storage", run: h.store.Run, ready: h.store.Started()}}
	if h.lab != nil {
		stages = append(stages, stage{name: "lab SIP server", run: h.lab.Run})
	}
	if h.ewslab != nil {
		stages = append(stages, stage{name: "lab Exchange server", run: h.ewslab.Run})
	}
	stages = append(stages,
		stage{name: "audit", run: h.audit.Run},
		stage{name: "diagnosis", run: h.diagnosis.Run},
		stage{name: "directory", run: h.directory.Run},
		stage{name: "policies", run: h.admin.Run},
		stage{name: "privacy", run: h.privacy.Run},
		stage{name: "resume", run: h.resume.Run},
		stage{name: "calls", run: h.calls.Run},
		stage{name: "call desk", run: h.desk.run}, // the line's last news come to it while the line closes
		stage{name: "sip", run: h.agent.Run},
		stage{name: "chat", run: h.talk},
		stage{name: "presence", run: h.presence.Run},
		stage{name: "contacts", run: h.contacts.Run})
	if h.syncSide != nil {
		stages = append(stages, stage{name: "exchange", run: h.syncSide.Run})
	}
	stages = append(stages, stage{name: "calendar", run: h.calendar.Run})
	stages = append(stages, h.talkStages()...)
	stages = append(stages, h.syncStages()...)
	return append(stages,
		stage{name: "live", run: h.hub.Run},
		stage{name: "account", run: h.account.Run},
		stage{name: "http", run: func(ctx context.Context) error { return h.listen(ctx, server) }, leave: h.leave},
	)
}

// talk lets messages go out once everybody's line is known again: until then somebody who is about to be
// registered cannot be told from somebody who is away.
func (h *house) talk(ctx context.Context) error {
	select {
	case <-h.account.Resumed():
		return h.chat.Run(ctx)
	case <-ctx.Done():
		return nil
	}
}

// What closing may take where a peer does not answer: browsers that are told good-bye, requests under way,
// calls of Exchange, messages that wait for their answer, news of calls that are not noted yet. With the SIP connector's own farewell (2 s) they leave storage its part
// of shutdownBudget, in which what was accepted is committed.
const (
	drainLive     = 2500 * time.Millisecond
	drainHTTP     = time.Second
	drainCalendar = time.Second
	drainChat     = 2 * time.Second
	drainDesk     = 500 * time.Millisecond
)

// leave is the first act of closing: no new sign-ins, browsers are told to come back.
func (h *house) leave(ctx context.Context) {
	h.web.Drain()
	ctx, cancel := context.WithTimeout(ctx, drainLive)
	defer cancel()
	h.hub.Drain(ctx)
}

// listen serves HTTP until ctx ends; requests that are under way then get a moment to finish.
func (h *house) listen(ctx context.Context, server *http.Server) error {
	failed := make(chan error, 1)
	go func() {
		if h.cfg.HTTP.TLSCert != "" {
			failed <- server.ServeTLS(h.listener, h.cfg.HTTP.TLSCert, h.cfg.HTTP.TLSKey)
		} else {
			failed <- server.Serve(h.listener)
		}
	}()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainHTTP)
	defer cancel()
	if err := server.Shutdown(grace); err != nil {
		h.log.Warn("requests were cut at the close", "error", err)
		if err := server.Close(); err != nil {
			return err
		}
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// close releases what build opened. What a stage has closed already is closed once more without harm.
func (h *house) close() {
	if h.listener != nil {
		_ = h.listener.Close() // closed by the server as a rule
	}
	if h.lab != nil {
		if err := h.lab.Close(); err != nil {
			h.log.Warn("close the lab", "error", err)
		}
	}
	if h.ewslab != nil {
		if err := h.ewslab.Close(); err != nil {
			h.log.Warn("close the lab Exchange", "error", err)
		}
	}
	if h.store != nil {
		if err := h.store.Close(); err != nil {
			h.log.Error("close storage", "error", err)
		}
	}
	if h.lock != nil {
		if err := h.lock.Close(); err != nil {
			h.log.Error("let go of the data folder", "error", err)
		}
	}
}

// announce prints where the portal is and, with the lab, who can sign in.
func (h *house) announce(out io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Portico is at %s\n", h.address())
	if h.lab != nil {
		fmt.Fprintf(&b, "Lab SIP server at sip:%s (UDP and TCP)\n", h.lab.Addr())
		if h.ewslab != nil {
			fmt.Fprintf(&b, "Lab Exchange server at %s\n", h.ewslab.URL())
		}
		fmt.Fprintf(&b, "Sign in as one of %s\nThe password of each is %q; karl and lena answer by themselves.\n",
			strings.Join(labAccounts(h.cfg.SIP.Domain), ", "), labPassword)
	}
	_, err := io.WriteString(out, b.String())
	if err == nil {
		h.log.Info("listening", "address", h.address(), "version", version())
	}
	return err
}

// address is what to type into a browser.
func (h *house) address() string {
	if h.cfg.HTTP.PublicURL != "" {
		return h.cfg.HTTP.PublicURL
	}
	scheme := "http"
	if h.cfg.HTTP.TLSCert != "" {
		scheme = "https"
	}
	return scheme + "://" + h.listener.Addr().String()
}

func addresses(in []string) []portal.Address {
	var out []portal.Address
	for _, s := range in {
		if a, err := portal.ParseAddress(s); err == nil { // config has checked them
			out = append(out, a)
		}
	}
	return out
}

// prefixes reads networks; a bare address is a network of its own.
func prefixes(key string, in []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, s := range in {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			a, errAddr := netip.ParseAddr(s)
			if errAddr != nil {
				return nil, fmt.Errorf("%s: %w", key, err)
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		out = append(out, p)
	}
	return out, nil
}
