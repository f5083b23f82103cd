package web

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"portico/app/account"
	"portico/app/calendar"
	"portico/app/chat"
	"portico/app/contacts"
	"portico/app/crm"
	"portico/app/directory"
	"portico/app/hook"
	"portico/app/portal"
	"portico/app/presence"
	"portico/app/privacy"
	"portico/app/resume"
	"portico/app/rooms"
	"portico/realtime"
	"portico/storage"
)

const (
	alice   = portal.Address("sip:alice@example.test")
	bob     = portal.Address("sip:bob@example.test")
	carol   = portal.Address("sip:carol@example.test")
	nobody  = portal.Address("sip:nobody@example.test")
	foreign = portal.Address("sip:alice@elsewhere.test")
)

// house is the real house around the edge: storage on disk, all use cases, the hub; only the SIP side
// is an exchange. It is wired as app/house.go does it.
type house struct {
	t        testing.TB
	url      string
	client   *http.Client
	exchange *exchange
	store    *storage.Store
	account  *account.Service
	chat     *chat.Service
	presence *presence.Service
	resume   *resume.Service
	mail     *mailServer
	calendar *calendar.Service
	crm      *crm.Service
	hooks    *hook.Service
	rooms    *rooms.Service
	sync     *fakeSync
	dated    bool // the house has calendars, whose first reading is an event too
	pastHouse
	peopleHouse
	deskHouse
	hub      *realtime.Hub
	server   *Server
	contract *contract
}

// settings are what a test may choose of its house.
type settings struct {
	web      Config
	registry *prometheus.Registry
	logger   *slog.Logger
	ready    []Probe
	bound    int // of the event log
	lifetime time.Duration
	sweep    time.Duration
	now      func() time.Time                               // of the pages and the calendar
	after    func(time.Duration, func()) (stop func() bool) // the clock of what is gathered
	// patience is how long the calendar waits for its server before a page is answered.
	patience   time.Duration
	noCalendar bool
	noRooms    bool
	people     bool          // lists with groups, privacy, places and policies
	rules      privacy.Rules // of the SIP server; nil: it keeps none
	noResume   bool
	oidc       OIDC
	noSync     bool            // neither CRM nor what keeps it in step
	noDesk     bool            // neither policies nor diagnosis
	chat       func(Chat) Chat // what stands before the real one
}

// people is an address book for tests.
type people []portal.Person

func (p people) Name() string                                    { return "test" }
func (p people) People(context.Context) ([]portal.Person, error) { return p, nil }

func newHouse(t *testing.T, choose ...func(*settings)) *house {
	t.Helper()
	h := buildHouse(t, choose...)
	h.contract = newContract(t, h.server.openapi)
	return h
}

// buildHouse starts a house and stops it, in order, when the test ends.
func buildHouse(t testing.TB, choose ...func(*settings)) *house {
	t.Helper()
	set := settings{web: Config{APIBurst: 100_000}} // whole walks by a clock that stands still
	for _, f := range choose {
		f(&set)
	}
	h := &house{t: t, exchange: newExchange(alice, bob, carol)}
	h.exchange.houses = []*house{h}
	dir := t.TempDir()
	var err error
	if h.store, err = storage.Open(t.Context(), storage.Options{DSN: "sqlite:" + filepath.Join(dir, "test.db"), EventBound: set.bound}); err != nil {
		t.Fatal(err)
	}
	var live *Live
	emit := func(to portal.Address, ev portal.Current) { live.Current(to, ev) }
	emitMany := func(to []portal.Address, ev portal.Current) { live.CurrentMany(to, ev) }
	h.hub = realtime.NewHub(realtime.Options{After: set.after})
	seen := presence.Options{Emit: emit, EmitMany: emitMany, Grace: 50 * time.Millisecond}
	if set.people {
		h.sees(&seen)
	}
	h.presence = presence.New(h.exchange, h.store, seen)
	h.resume = resume.New(h.store, resume.Options{Now: set.now})
	h.chat = chat.New(h.store, h.exchange, chat.Options{Emit: emit, Beside: h.beside()})
	book := directory.New([]directory.Source{people{
		{URI: alice, DisplayName: "Alice Adams", Email: "alice@example.test"},
		{URI: bob, DisplayName: "Bob Brown", Department: "Sales"}, {URI: carol, DisplayName: "Carol Clark"},
	}}, directory.Options{})
	h.openRooms(t, dir, emit, book)
	h.newPast(book.Lookup, set.now)
	h.newDesk(book, set.now, emit)
	h.mail = newMailServer(alice, bob, carol)
	if set.patience == 0 {
		set.patience = patience
	}
	h.crm = crm.New(h.store, crm.Options{
		Lookup: book.Lookup, Find: h.personOf, Zone: func(context.Context, portal.Address) *time.Location { return vienna(t) },
		Admin: func(who portal.Address) bool { return who == alice }, Now: set.now,
	})
	var kept calendar.CRM
	if !set.noSync {
		kept = h.crm
	}
	h.calendar = calendar.New(h.mail, h.store, calendar.Options{
		CRM: kept, Emit: emit, Lookup: book.Lookup, Find: func(email string) portal.Address { return h.personOf(email) },
		Team: func(_ context.Context, manager portal.Address) ([]portal.Person, error) {
			if manager == alice {
				return []portal.Person{{URI: bob, DisplayName: "Bob Brown"}}, nil
			}
			return nil, nil
		},
		Zone: func(context.Context, portal.Address) *time.Location { return vienna(t) }, Now: set.now, Wait: set.patience,
		FirstRetry: 20 * time.Millisecond, MaxRetry: 100 * time.Millisecond,
	})
	h.mail.rang = h.calendar.Rang
	list := contacts.New(h.store, contacts.Options{Changed: h.presence.SetContacts})
	h.account, err = account.New(h.exchange, h.store, account.Options{
		Domain: "example.test", Admins: []portal.Address{alice}, KeyFile: filepath.Join(dir, "key"),
		SessionLifetime: set.lifetime, Sweep: set.sweep, FailFloor: time.Millisecond, Emit: emit, Person: book.Lookup,
		OnSignedIn:  func(ctx context.Context, who portal.Address, _ bool) { h.signedIn(ctx, who) },
		OnSignedOut: func(who portal.Address) { h.calls.SignedOut(who); h.calendar.SignedOut(who); h.presence.SignedOut(who) },
		OnEnded:     func(key string, _ portal.Address, _ string) { h.hub.EndSession(key) },
	})
	if err != nil {
		t.Fatal(err)
	}
	set.web.SessionLifetime = set.lifetime
	var said Chat = h.chat
	if set.chat != nil {
		said = set.chat(said)
	}
	var dates Calendar = h.calendar
	h.dated = !set.noCalendar
	if set.noCalendar {
		dates = nil
	}
	plain := func(data []byte) ([]byte, error) { return data, nil }
	h.sync, h.hooks = newFakeSync(), hook.New(hookSource{h.crm}, h.store, hook.Options{Seal: plain, Open: plain, Now: set.now})
	deps := Deps{
		Account: h.account, Chat: said, Presence: h.presence, Contacts: list, Directory: book,
		Events: h.store, Sessions: h.store, Hub: h.hub, Calendar: dates, Now: set.now, Config: set.web, Logger: set.logger, Registry: set.registry, Ready: set.ready, Resume: h.resume,
	}
	if set.noResume {
		deps.Resume = nil
	}
	if !set.noRooms {
		deps.Rooms = h.rooms
	}
	if set.oidc != nil {
		deps.OIDC = set.oidc
		h.exchange.trusts = true
	}
	deps.History, deps.Savings, deps.Calls = h.history, h.saving, h.calls
	if !set.noDesk {
		h.desk(&deps)
	}
	if !set.noSync {
		deps.CRM, deps.Sync, deps.SyncAdmin, deps.Hooks = h.crm, h.sync, h.sync, h.hooks
	}
	if set.people {
		h.newPeople(&deps, emit, book, set.rules)
	}
	h.server, err = New(deps)
	if err != nil {
		t.Fatal(err)
	}
	live = h.server.Live()
	h.store.SetSink(live.Logged)
	h.run(book)
	return h
}

// hookSource is the CRM side as the webhooks see it.
type hookSource struct{ *crm.Service }

func (s hookSource) Last(ctx context.Context) (int64, error) { return s.LastChange(ctx) }

func (s hookSource) Data(_ context.Context, c portal.CRMChange, _ bool) (json.RawMessage, error) {
	return json.Marshal(map[string]string{"id": c.ID})
}

func (h *house) signedIn(ctx context.Context, who portal.Address) {
	if err := h.presence.SignedIn(ctx, who); err != nil {
		h.t.Errorf("presence of %s: %v", who, err)
	}
	if h.privacy != nil {
		h.privacy.SignedIn(who)
		if err := h.lists.SignedIn(ctx, who); err != nil {
			h.t.Errorf("contacts of %s: %v", who, err)
		}
	}
	if h.dated {
		h.calendar.SignedIn(ctx, who)
	}
	h.calls.SignedIn(who)
	h.chat.LineUp(who)
}

// personOf is the person of an e-mail address: those who have a mailbox have one of the same name.
func (h *house) personOf(email string) portal.Address {
	a, err := portal.ParseAddress(email)
	if err != nil || !slices.Contains([]portal.Address{alice, bob, carol}, a) {
		return ""
	}
	return a
}

// vienna is the zone in which the tests' people live.
func vienna(t testing.TB) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Vienna")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// run starts everything and registers the end: first the hub and HTTP, then the use cases, storage last.
func (h *house) run(book *directory.Service) {
	var storing, living sync.WaitGroup
	storeCtx, stopStore := context.WithCancel(context.Background())
	ctx, stop := context.WithCancel(context.Background())
	start := func(g *sync.WaitGroup, ctx context.Context, name string, run func(context.Context) error) {
		g.Go(func() {
			if err := run(ctx); err != nil && ctx.Err() == nil {
				h.t.Errorf("%s: %v", name, err)
			}
		})
	}
	start(&storing, storeCtx, "storage", h.store.Run)
	<-h.store.Started()
	if err := h.admin.Load(ctx); err != nil {
		h.t.Fatal(err)
	}
	for name, run := range map[string]func(context.Context) error{
		"hub": h.hub.Run, "presence": h.presence.Run, "resume": h.resume.Run, "chat": h.chat.Run, "rooms": h.rooms.Run, "calendar": h.calendar.Run, "account": h.account.Run,
		"directory": book.Run, "exchange": h.exchange.run, "history": h.history.Run, "calls": h.calls.Run,
		"admin": h.admin.Run, "diagnosis": h.diagnosis.Run, "audit": h.audit.Run,
	} {
		start(&living, ctx, name, run)
	}
	if h.privacy != nil {
		start(&living, ctx, "privacy", h.privacy.Run)
		start(&living, ctx, "contacts", h.lists.Run)
	}
	srv := httptest.NewUnstartedServer(h.server.Handler())
	srv.Config = NewHTTPServer(h.server.Handler(), h.server.Logger)
	srv.Start()
	h.url = srv.URL
	h.client = &http.Client{
		Transport:     &http.Transport{},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       patience,
	}
	h.t.Cleanup(func() {
		drain, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		defer cancel()
		h.hub.Drain(drain)
		h.client.CloseIdleConnections()
		srv.Close()
		stop()
		living.Wait()
		stopStore()
		storing.Wait()
		if err := h.store.Close(); err != nil {
			h.t.Errorf("close storage: %v", err)
		}
	})
}

// guest is a caller without a session.
func (h *house) guest() caller { return caller{h: h} }

// signIn gives a caller with a bearer token of who.
func (h *house) signIn(who portal.Address) caller {
	h.t.Helper()
	got := h.guest().send(http.MethodPost, "/api/v1/session", map[string]string{"sip": string(who), "password": password})
	if got.status != http.StatusOK {
		h.t.Fatalf("sign in as %s: %d %s", who, got.status, got.body)
	}
	var in signInAnswer
	got.into(&in)
	return caller{h: h, token: in.Token}
}

// browse gives a caller with a session cookie, as a browser of this server's pages has it.
func (h *house) browse(who portal.Address) caller {
	h.t.Helper()
	got := h.guest().send(http.MethodPost, "/api/v1/session", map[string]string{"sip": string(who), "password": password})
	if got.status != http.StatusOK {
		h.t.Fatalf("sign in as %s: %d %s", who, got.status, got.body)
	}
	return caller{h: h, cookie: got.session(h.server.documentedCookie())}
}
