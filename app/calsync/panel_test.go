package calsync

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"portico/app/portal"
)

// desk is an administrator's world: users, an address book, servers and a mail server, kept in memory.
type desk struct {
	Ledger

	mu    sync.Mutex
	blobs map[string][]byte
	revs  map[string]int64
	log   []portal.SyncTransaction
	jobs  []portal.SyncJob
	users []portal.CRMUser
	// ids are the mailboxes by e-mail address, with the server; broken says why one, or a server, does not open.
	ids     map[string]string
	broken  map[string]error
	people  []portal.Person
	mails   []string
	noMail  error
	applied [][]portal.SyncServerSpec
	// gate is asked before somebody is looked up.
	gate func(email string)
}

// deskCRM and deskExchange are the two sides of it.
type (
	deskCRM struct {
		CRM
		*desk
	}
	deskExchange struct {
		Exchange
		*desk
	}
)

func (d *desk) SyncBlob(_ context.Context, name string) ([]byte, int64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.revs[name] == 0 {
		return nil, 0, portal.Fail(portal.ErrNotFound, "not-found")
	}
	return d.blobs[name], d.revs[name], nil
}

func (d *desk) SaveSyncBlob(_ context.Context, name string, data []byte, revision int64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.revs[name] != revision {
		return portal.Fail(portal.ErrConflict, "conflict")
	}
	d.blobs[name] = data
	d.revs[name]++
	return nil
}

func (d *desk) LogSync(_ context.Context, lines ...portal.SyncTransaction) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.log = append(d.log, lines...)
	return nil
}

func (d *desk) SyncCursors(context.Context) ([]portal.SyncCursor, error)    { return nil, nil }
func (d *desk) DropSyncMailbox(context.Context, portal.Address) error       { return nil }
func (d *desk) CountSyncAppointments(context.Context) (int, error)          { return 0, nil }
func (d *desk) CountSyncItems(context.Context, portal.Address) (int, error) { return 0, nil }
func (d deskExchange) Watch([]portal.Address)                               {}
func (d deskExchange) Check(_ context.Context, server string) error         { return d.broken[server] }
func (d deskExchange) CheckMailbox(_ context.Context, _ string, w portal.Address) error {
	return d.broken[w.Bare()]
}

func (d *desk) SyncJobs(_ context.Context, f portal.SyncQueueFilter) ([]portal.SyncJob, error) {
	return slices.DeleteFunc(slices.Clone(d.jobs), func(j portal.SyncJob) bool { return j.Mailbox != f.Mailbox }), nil
}

func (d deskCRM) Users(context.Context) ([]portal.CRMUser, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.users), nil
}

func (d deskCRM) PutUsers(_ context.Context, list []portal.CRMUser, _ string) ([]portal.CRMUser, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for n, u := range list {
		i := slices.IndexFunc(d.users, func(o portal.CRMUser) bool { return o.Address == u.Address })
		switch {
		case i < 0:
			u.Version = 1
			d.users = append(d.users, u)
		case d.users[i].Version != u.Version:
			return nil, portal.Fail(portal.ErrConflict, "conflict")
		default:
			u.Version++
			d.users[i] = u
		}
		list[n] = u
	}
	return list, nil
}

func (d deskExchange) Identity(_ context.Context, _ portal.Address, email string) (id, server string, err error) {
	if d.gate != nil {
		d.gate(email)
	}
	if err := d.broken[email]; err != nil {
		return "", "", err
	}
	server, ok := d.ids[email]
	if !ok {
		return "", "", portal.Fail(portal.ErrNotFound, "exchange.no-mailbox")
	}
	return "id-" + email, server, nil
}

func (d *desk) Send(_ context.Context, to, subject, body string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.noMail != nil {
		return d.noMail
	}
	d.mails = append(d.mails, to+"\n"+subject+"\n"+body)
	return nil
}

// mailed is what was sent so far.
func (d *desk) mailed() []string {
	synctest.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.mails)
}

func (d *desk) user(t *testing.T, bare string) portal.CRMUser {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	i := slices.IndexFunc(d.users, func(u portal.CRMUser) bool { return u.Address.Bare() == bare })
	if i < 0 {
		t.Fatalf("there is no CRM user %s", bare)
	}
	return d.users[i]
}

func newDesk() *desk {
	return &desk{blobs: map[string][]byte{}, revs: map[string]int64{}, ids: map[string]string{}, broken: map[string]error{}}
}

// person adds somebody to the address book, with a mailbox on server where that is not empty.
func (d *desk) person(bare, name, server string) portal.Person {
	who := portal.Person{URI: portal.MustAddress(bare), DisplayName: name, Email: bare}
	d.people = append(d.people, who)
	if server != "" {
		d.ids[bare] = server
	}
	return who
}

func (d *desk) panel() *Panel {
	s := New(deskCRM{desk: d}, deskExchange{desk: d}, d, Options{})
	return NewPanel(s, PanelOptions{
		Book: func(context.Context) ([]portal.Person, error) { return slices.Clone(d.people), nil },
		Seal: func(b []byte) ([]byte, error) { return append([]byte("sealed "), b...), nil },
		Open: func(b []byte) ([]byte, error) {
			plain, ok := strings.CutPrefix(string(b), "sealed ")
			if !ok {
				return nil, errors.New("not sealed here")
			}
			return []byte(plain), nil
		},
		Fixed: []portal.SyncServerSpec{{Name: "primary", URL: "https://one.example.test/EWS/Exchange.asmx", Auth: "ntlm", HasPassword: true}},
		Try: func(_ context.Context, s portal.SyncServerSpec) error {
			if s.Password != "right" {
				return portal.Fail(portal.ErrUnauthenticated, "exchange.signin")
			}
			return d.broken[s.Name]
		},
		Apply: func(_ context.Context, list []portal.SyncServerSpec) error {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.applied = append(d.applied, slices.Clone(list))
			return nil
		},
		Mail: d, CheckMail: func(context.Context) error { return d.noMail }, Site: "https://portal.example.test",
	})
}

const admin = portal.Address("sip:ivan@example.test")

// running is the panel with its work going on, in a bubble of fake time.
func running(t *testing.T, d *desk, do func(t *testing.T, p *Panel)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := d.panel()
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- p.Run(ctx) }()
		synctest.Wait()
		do(t, p)
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestPeopleArePairedByIDThenEmailThenName(t *testing.T) {
	user := func(bare, first, last, email, id string) portal.CRMUser {
		return portal.CRMUser{Address: portal.MustAddress(bare), FirstName: first, LastName: last, Email: email, ExchangeID: id, Version: 1}
	}
	who := portal.Person{URI: "sip:bob@example.test", DisplayName: "Bob Berger", Email: "Bob@example.test"}
	cleared := user("bob@example.test", "Bob", "Berger", "bob@example.test", "")
	cleared.Cleared = true
	onServer := user("bob@example.test", "Bob", "Berger", "bob@example.test", "ID-7")
	onServer.Server = "primary"
	for _, c := range []struct {
		name                string
		users               []portal.CRMUser
		lookup              error
		create              bool
		by, action, problem string
	}{
		{name: "the ID is stronger than the address", users: []portal.CRMUser{user("x@example.test", "X", "Y", "x@example.test", "id-7"), user("bob@example.test", "B", "B", "bob@example.test", "")}, by: "exchange-id", action: "link"},
		{name: "the address is stronger than the name", users: []portal.CRMUser{user("y@example.test", "Bob", "Berger", "y@example.test", ""), user("bob@example.test", "B", "B", "bob@example.test", "")}, by: "email", action: "link"},
		{name: "the name where nothing else is", users: []portal.CRMUser{user("b.berger@example.test", "bob", "BERGER", "", "")}, by: "name", action: "link"},
		{name: "a name never takes over whoever is somebody in Exchange", users: []portal.CRMUser{user("other@example.test", "Bob", "Berger", "other@example.test", "id-9")}, action: "none", problem: "sync.users.no-user"},
		{name: "two of the same name", users: []portal.CRMUser{user("b1@example.test", "Bob", "Berger", "", ""), user("b2@example.test", "Bob", "Berger", "", "")}, by: "name", action: "ambiguous", problem: "sync.users.ambiguous"},
		{name: "an address that is somebody else in Exchange", users: []portal.CRMUser{user("bob@example.test", "Bob", "Berger", "bob@example.test", "id-9")}, by: "email", action: "ambiguous", problem: "sync.users.other-id"},
		{name: "as it should be", users: []portal.CRMUser{onServer}, by: "exchange-id", action: "none"},
		{name: "cleared by hand before", users: []portal.CRMUser{cleared}, by: "email", action: "resume"},
		{name: "nobody in CRM", action: "none", problem: "sync.users.no-user"},
		{name: "nobody in CRM, who is made", create: true, action: "create"},
		{name: "no mailbox", lookup: portal.Fail(portal.ErrNotFound, "exchange.no-mailbox"), create: true, action: "none", problem: "sync.users.hidden"},
		{name: "a server that is away", lookup: portal.Fail(portal.ErrUnavailable, "exchange.down"), users: []portal.CRMUser{cleared}, by: "email", action: "none", problem: "sync.users.away"},
	} {
		t.Run(c.name, func(t *testing.T) {
			id := "id-7"
			if c.lookup != nil {
				id = ""
			}
			got := planned(newIndex(c.users), who, id, "primary", c.lookup, c.create)
			if got.By != c.by || got.Action != c.action || got.Problem != c.problem {
				t.Errorf("by %q, %q, %q; expected by %q, %q, %q", got.By, got.Action, got.Problem, c.by, c.action, c.problem)
			}
		})
	}
}

func TestNamesAreTakenApart(t *testing.T) {
	for display, want := range map[string][2]string{
		"Bob Berger": {"Bob", "Berger"}, "Berger, Bob": {"Bob", "Berger"}, "Anna  Maria Huber": {"Anna Maria", "Huber"}, "Plato": {"", "Plato"}, "": {"", ""},
	} {
		if first, last := names(display); first != want[0] || last != want[1] {
			t.Errorf("%q is %q and %q", display, first, last)
		}
	}
}

func TestSyncUsersShowsWhatItWouldDoAndThenDoesIt(t *testing.T) {
	d := newDesk()
	d.person("alice@example.test", "Alice Adler", "primary")
	d.person("bob@example.test", "Bob Berger", "second")
	d.person("carol@example.test", "Carol Conti", "primary")
	d.person("dave@example.test", "Dave Diaz", "")
	d.users = []portal.CRMUser{
		{Address: "sip:alice@example.test", FirstName: "Alice", LastName: "Adler", Email: "alice@example.test", Version: 1},
		{Address: "sip:bob@example.test", FirstName: "Bob", LastName: "Berger", Email: "bob@example.test", Cleared: true, Version: 1},
	}
	running(t, d, func(t *testing.T, p *Panel) {
		st, err := p.Settings(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		st.CreateUsers = true
		if _, _, err := p.SaveSettings(t.Context(), admin, st); err != nil {
			t.Fatal(err)
		}
		plan, err := p.PlanUsers(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var said []string
		for _, r := range plan {
			said = append(said, r.Person.URI.User()+" "+r.Action+" "+r.Server)
		}
		if want := []string{"alice link primary", "bob resume second", "carol create primary", "dave none "}; !slices.Equal(said, want) {
			t.Errorf("the plan is %q, expected %q", said, want)
		}
		if d.user(t, "alice@example.test").Synced() {
			t.Error("planning changed a user")
		}
		if run, err := p.RunUsers(t.Context(), admin, nil, false); err != nil || run.State != runRunning || run.Of != 4 {
			t.Fatalf("the run began as %+v: %v", run, err)
		}
		synctest.Wait()
		run, err := p.UsersRun(t.Context())
		if err != nil || run.State != runDone || run.Done != 4 || run.Linked != 1 || run.Created != 1 || run.Resumed != 1 || run.Failed != 1 ||
			!slices.Equal(run.Again, []portal.Address{"sip:bob@example.test"}) {
			t.Errorf("the run ended as %+v: %v", run, err)
		}
		bob, carol := d.user(t, "bob@example.test"), d.user(t, "carol@example.test")
		if bob.ExchangeID != "id-bob@example.test" || bob.Server != "second" || bob.Cleared || bob.Since.IsZero() {
			t.Errorf("bob is %+v", bob)
		}
		if !carol.Resource || carol.FirstName != "Carol" || carol.LastName != "Conti" || !carol.Synced() {
			t.Errorf("carol is %+v", carol)
		}
		since := bob.Since
		time.Sleep(time.Hour) // fake
		if _, err := p.RunUsers(t.Context(), admin, []portal.Address{"sip:bob@example.test"}, false); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if bob = d.user(t, "bob@example.test"); !bob.Since.Equal(since) {
			t.Error("a further run of what is in order begins the synchronisation anew")
		}

		cleared, err := p.ClearUser(t.Context(), admin, "sip:bob@example.test")
		if err != nil || cleared.Synced() || !cleared.Cleared {
			t.Errorf("cleared: %+v, %v", cleared, err)
		}
		if _, err := p.ClearUser(t.Context(), admin, "sip:nobody@example.test"); !errors.Is(err, portal.ErrNotFound) {
			t.Errorf("clearing nobody: %v", err)
		}
		var what []string
		for _, l := range d.log {
			what = append(what, l.What+" "+l.Mailbox.User()+" "+l.Result)
		}
		for _, want := range []string{"users alice done", "users bob done", "users carol done", "users dave skipped"} {
			if !slices.Contains(what, want) {
				t.Errorf("the log lacks %q: %q", want, what)
			}
		}
	})
}

func TestARunIsStoppedAndTakenUpAgain(t *testing.T) {
	d := newDesk()
	for i := range 40 {
		bare := fmt.Sprintf("u%02d@example.test", i)
		who := d.person(bare, fmt.Sprintf("User N%02d", i), "primary")
		d.users = append(d.users, portal.CRMUser{Address: who.URI, Email: bare, Version: 1})
	}
	running(t, d, func(t *testing.T, p *Panel) {
		if _, err := p.RunUsers(t.Context(), admin, nil, true); !errors.Is(err, portal.ErrConflict) {
			t.Errorf("taking up nothing: %v", err)
		}
		hold := make(chan struct{})
		d.gate = func(email string) {
			if email == "u20@example.test" {
				<-hold
			}
		}
		if _, err := p.RunUsers(t.Context(), admin, nil, false); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if _, err := p.RunUsers(t.Context(), admin, nil, false); !errors.Is(err, portal.ErrConflict) {
			t.Errorf("a second run beside the first: %v", err)
		}
		if run, err := p.StopUsers(t.Context(), admin); err != nil || run.State != runRunning || run.Done != 16 {
			t.Errorf("while it is stopped: %+v, %v", run, err)
		}
		close(hold)
		synctest.Wait()
		run, err := p.UsersRun(t.Context())
		if err != nil || run.State != runStopped || run.Done != 24 || run.Linked != 24 {
			t.Errorf("stopped: %+v, %v", run, err)
		}
		if _, err := p.RunUsers(t.Context(), admin, nil, true); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if run, err = p.UsersRun(t.Context()); err != nil || run.State != runDone || run.Done != 40 || run.Linked != 40 {
			t.Errorf("taken up: %+v, %v", run, err)
		}
	})
}

func TestARunThatTheEndOfTheHouseCutGoesOn(t *testing.T) {
	d := newDesk()
	who := d.person("alice@example.test", "Alice Adler", "primary")
	d.users = []portal.CRMUser{{Address: who.URI, Email: "alice@example.test", Version: 1}}
	if err := d.SaveSyncBlob(t.Context(), blobUsers, []byte(`{"state":"running","of":1,"by":"sip:ivan@example.test","todo":["sip:alice@example.test"]}`), 0); err != nil {
		t.Fatal(err)
	}
	running(t, d, func(t *testing.T, p *Panel) {
		if run, err := p.UsersRun(t.Context()); err != nil || run.State != runDone || run.Linked != 1 {
			t.Errorf("after the start: %+v, %v", run, err)
		}
	})
}

func TestSettingsAreCheckedAtOnceAndPasswordsStayInside(t *testing.T) {
	d := newDesk()
	d.broken["primary"] = x509.UnknownAuthorityError{}
	d.users = []portal.CRMUser{{Address: "sip:alice@example.test", ExchangeID: "id", Server: "primary", Version: 1}, {Address: "sip:bob@example.test", Version: 1}}
	d.broken["alice@example.test"] = errors.New("exchange GetFolder: ErrorImpersonateUserDenied: no")
	running(t, d, func(t *testing.T, p *Panel) {
		st, err := p.Settings(t.Context())
		if err != nil || len(st.Servers) != 1 || !st.Servers[0].Fixed || !st.Servers[0].Primary {
			t.Fatalf("settings %+v: %v", st, err)
		}
		st.SyncUser, st.NotifyEmail = "sip:alice@example.test", "ivan@example.test"
		st.Servers = append(st.Servers, portal.SyncServerSpec{Name: "second", Auth: "basic", Username: "svc", Password: "right", Impersonate: true})
		saved, findings, err := p.SaveSettings(t.Context(), admin, st)
		if err != nil {
			t.Fatal(err)
		}
		kinds := map[string]string{}
		for _, f := range findings {
			kinds[f.Part+" "+f.Name] = f.Kind
		}
		for part, want := range map[string]string{"server primary": KindUntrusted, "server second": KindOK, "user alice@example.test": KindRights, "mail ivan@example.test": KindOK} {
			if kinds[part] != want {
				t.Errorf("%s: %q, expected %q", part, kinds[part], want)
			}
		}
		for _, s := range saved.Servers {
			if s.Password != "" || !s.HasPassword {
				t.Errorf("the server is shown as %+v", s)
			}
		}
		if strings.Contains(string(d.blobs[blobSettings]), "right") {
			t.Errorf("the password is stored as it is: %s", d.blobs[blobSettings])
		}
		last := d.applied[len(d.applied)-1]
		if len(last) != 1 || last[0].Password != "right" {
			t.Errorf("put to use: %+v", last)
		}
		// Saving what was shown keeps the password; a stale form is told so.
		if _, findings, err = p.SaveSettings(t.Context(), admin, saved); err != nil || findings[1].Kind != KindOK {
			t.Errorf("saved again: %v, %v", findings, err)
		}
		if _, _, err := p.SaveSettings(t.Context(), admin, saved); !errors.Is(err, portal.ErrConflict) {
			t.Errorf("a stale form: %v", err)
		}
		st, _ = p.Settings(t.Context())
		st.SyncUser, st.NotifyEmail = "sip:bob@example.test", ""
		if findings, err = p.CheckSettings(t.Context(), st); err != nil || findings[2].Kind != KindNotSynced {
			t.Errorf("a user without a mailbox: %v, %v", findings, err)
		}
	})
}

func TestEveryFaultOfTheSettingsIsNamed(t *testing.T) {
	d := newDesk()
	running(t, d, func(t *testing.T, p *Panel) {
		st := StandardSettings()
		st.SyncUser, st.NotifyEmail, st.LogLevel, st.KeepLog, st.MaxShare = "bob", "Ivan <ivan@example.test>", 6, 0, 101
		st.OffsetMinutes = map[string]int{"primary": 841, "third": 1}
		st.Servers = []portal.SyncServerSpec{{Name: "primary", URL: "ftp://x", Auth: "kerberos"}, {Auth: "basic", Impersonate: true}}
		_, _, err := p.SaveSettings(t.Context(), admin, st)
		var faults *portal.FaultsError
		if !errors.As(err, &faults) || !errors.Is(err, portal.ErrInvalid) {
			t.Fatalf("faults: %v", err)
		}
		var where []string
		for _, f := range faults.Faults {
			where = append(where, f.Where)
		}
		want := []string{"keep_log_days", "log_level", "max_share", "notify_email", "offset_minutes.primary", "offset_minutes.third", "servers.0.auth", "servers.0.name", "servers.0.url", "servers.1.name", "servers.1.username", "sync_user"}
		if !slices.Equal(where, want) {
			t.Errorf("faults at %q, expected %q", where, want)
		}
		if len(d.blobs) > 0 {
			t.Error("something was stored")
		}
	})
}

func TestADiagnosisNamesTheCause(t *testing.T) {
	d := newDesk()
	d.users = []portal.CRMUser{
		{Address: "sip:alice@example.test", ExchangeID: "id", Server: "primary", Version: 1}, {Address: "sip:bob@example.test", Version: 1},
	}
	p := d.panel()
	for cause, want := range map[string]string{
		"": KindOK, "exchange: ErrorAccountDisabled: x": KindDisabled, "exchange: ErrorPasswordExpired": KindExpired, "exchange: ErrorServerBusy (wait 1s)": KindBusy,
		"exchange: ErrorNonExistentMailbox: none": KindHidden, "tls: x509: certificate has expired": KindUntrusted, "strange": KindUnknown, "ErrorServerBusyness": KindUnknown,
	} {
		d.broken = map[string]error{}
		if cause != "" {
			d.broken["alice@example.test"] = errors.New(cause)
		}
		f, err := p.Diagnose(t.Context(), "sip:alice@example.test")
		if err != nil || f.Kind != want || f.OK != (want == KindOK) {
			t.Errorf("%q: %+v, %v; expected %q", cause, f, err, want)
		}
	}
	d.broken = map[string]error{}
	d.jobs = []portal.SyncJob{{Mailbox: "sip:alice@example.test", Tries: 2, Cause: "exchange CreateItem: ErrorQuotaExceeded: full"}}
	if f, err := p.Diagnose(t.Context(), "sip:alice@example.test"); err != nil || f.OK || f.Kind != KindFull {
		t.Errorf("a mailbox that opens and is full: %+v, %v", f, err)
	}
	if f, err := p.Diagnose(t.Context(), "sip:bob@example.test"); err != nil || f.Kind != KindNotSynced {
		t.Errorf("who is not synchronised: %+v, %v", f, err)
	}
	if _, err := p.Diagnose(t.Context(), "sip:eve@example.test"); !errors.Is(err, portal.ErrNotFound) {
		t.Errorf("nobody: %v", err)
	}
}

func TestAStoredPasswordGoesNowhereElse(t *testing.T) {
	d := newDesk()
	running(t, d, func(t *testing.T, p *Panel) {
		st, err := p.Settings(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		st.Servers = append(st.Servers, portal.SyncServerSpec{Name: "second", URL: "https://two.example.test/EWS/Exchange.asmx", Auth: "basic", Username: "svc", Password: "right", Impersonate: true, Primary: true})
		if st, _, err = p.SaveSettings(t.Context(), admin, st); err != nil {
			t.Fatal(err)
		}
		if !st.Servers[1].Primary || st.Servers[0].Primary {
			t.Errorf("the primary server is not the one that was chosen: %+v", st.Servers)
		}
		for name, change := range map[string]func(*portal.SyncServerSpec){
			"address": func(s *portal.SyncServerSpec) { s.URL = "https://elsewhere.example.test/" }, "account": func(s *portal.SyncServerSpec) { s.Username = "other" },
			"sign-in": func(s *portal.SyncServerSpec) { s.Auth = "ntlm" },
		} {
			other := st
			other.Servers = slices.Clone(st.Servers)
			change(&other.Servers[1])
			if findings, err := p.CheckSettings(t.Context(), other); err != nil || findings[1].Kind != KindPassword {
				t.Errorf("with another %s the stored password was used: %+v, %v", name, findings, err)
			}
		}
		st.Servers[1].URL = "http://two.example.test/EWS/Exchange.asmx"
		var faults *portal.FaultsError
		if _, err := p.CheckSettings(t.Context(), st); !errors.As(err, &faults) || faults.Faults[0].Reason != "sync.fault.plain" {
			t.Errorf("a password in the clear: %v", err)
		}
	})
}
