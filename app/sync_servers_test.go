package main

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"portico/app/ews/ewslab"
)

// branchLab is a lab Exchange with the mailboxes of some of the example people.
func branchLab(t *testing.T, users ...string) *ewslab.Server {
	t.Helper()
	people := slices.DeleteFunc(labMailboxes(), func(p ewslab.Person) bool { return !slices.Contains(users, p.User) })
	return exchangeOf(t, people)
}

// exchangeOf is a lab Exchange with these mailboxes, until the test ends.
func exchangeOf(t *testing.T, people []ewslab.Person) *ewslab.Server {
	t.Helper()
	s, err := ewslab.New(ewslab.Config{Listen: "127.0.0.1:0", Domain: "example.test", People: people,
		Service: &ewslab.Account{Username: labService, Password: labPassword}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s
}

// Two Exchange servers with people on both: each meeting is made and invited for on its organiser's server, CRM has it for everybody, and one
// server that is away keeps nobody of the other waiting. (No mail goes between the two labs.)
func TestTwoExchangeServers(t *testing.T) {
	t.Parallel()
	east, west := branchLab(t, "alice", "bob", "carol", "grace", "karl"), branchLab(t, "dave", "erin", "heidi", "ivan", "lena")
	p := facingOffice(t, append(append(atServer(0, "east", east), atServer(1, "west", west)...), "PORTICO_SYNC_MAX_RETRY=1s")...)
	synced(t, p)
	day := dayAhead(t)
	alice, bob, dave, frank := p.signIn("alice").loaded(), p.signIn("bob").loaded(), p.signIn("dave").loaded(), p.signIn("frank").loaded()
	bobs, carols := outlook(t, east.URL(), "bob"), outlook(t, east.URL(), "carol")
	daves, erins := outlook(t, west.URL(), "dave"), outlook(t, west.URL(), "erin")

	for user, server := range map[string]string{"bob": "east", "carol": "east", "dave": "west", "erin": "west", "frank": ""} {
		var got struct {
			Server string `json:"exchange_server"`
		}
		if status := alice.call(http.MethodGet, "/crm/users/"+person(user), nil, &got); status != http.StatusOK || got.Server != server {
			t.Errorf("%s is on %q, not on %q (status %d)", user, got.Server, server, status)
		}
	}

	// From each side, with people of both.
	ofBob := bob.inCRM("bob-with-both-servers", "Bob with both", clock(day, 9, 0), nil, "carol", "dave", "frank")
	ofDave := dave.inCRM("dave-with-both-servers", "Dave with both", clock(day, 10, 0), nil, "erin", "bob", "frank")
	for _, m := range []*mail{bobs, carols} {
		m.one("Bob with both", nil)
	}
	for _, m := range []*mail{daves, erins} {
		m.one("Dave with both", nil)
	}
	for subject, id := range map[string]string{"Bob with both": ofBob.ID, "Dave with both": ofDave.ID} {
		for _, c := range []*client{bob, dave, frank} { // invited or organising, CRM shows it to everybody
			c.shows(day, subject, func(m meeting) bool { return m.ID == id })
		}
	}
	// An answer on one server, a change on the other.
	carols.respond(carols.one("Bob with both", nil), "AcceptItem", "from the east")
	erins.respond(erins.one("Dave with both", nil), "AcceptItem", "from the west")
	bob.reads(ofBob.ID, "carol's answer", func(m meeting) bool { return m.guest("carol@example.test").Comment == "from the east" })
	dave.reads(ofDave.ID, "erin's answer", func(m meeting) bool { return m.guest("erin@example.test").Comment == "from the west" })
	daves.set(daves.one("Dave with both", nil), "calendar:Location", "West wing")
	frank.reads(ofDave.ID, "the change in the west", func(m meeting) bool { return m.Location == "West wing" })
	atRest(t, p)

	// The west is away: the east goes on, what is for the west waits.
	lift, err := west.Fault(ewslab.Fault{Kind: ewslab.FaultDown})
	if err != nil {
		t.Fatal(err)
	}
	waiting := dave.inCRM("waits-for-the-west", "Waits for the west", clock(day, 11, 0), nil, "erin")
	dave.reads(waiting.ID, "that it waits", func(m meeting) bool { return m.Sync.State == "pending" })
	for n, id := range []string{"east-goes-on-one", "east-goes-on-two", "east-goes-on-three"} {
		subject := "East goes on " + strings.TrimPrefix(id, "east-goes-on-")
		bob.inCRM(id, subject, clock(day, 12+n, 0), nil, "carol")
		bobs.one(subject, nil)
		carols.one(subject, nil)
	}
	bobs.create("From Outlook in the east", clock(day, 16, 0), clock(day, 17, 0), "", required("frank"))
	frank.shows(day, "From Outlook in the east", nil)
	if got := dave.read(waiting.ID); got.Sync.State != "pending" {
		t.Errorf("what is for the west is %+v", got.Sync)
	}
	lift()
	daves.one("Waits for the west", nil)
	erins.one("Waits for the west", nil)
	atRest(t, p)
	for _, check := range []struct {
		m       *mail
		subject string
		want    int
	}{{carols, "Bob with both", 1}, {erins, "Dave with both", 2}, {erins, "Waits for the west", 1}, {carols, "East goes on one", 1}} {
		if n := check.m.of(requestLetter, check.subject); n != check.want {
			t.Errorf("%s has %d requests of %q, not %d", check.m.user, n, check.subject, check.want)
		}
	}
	for _, m := range []*mail{bobs, daves} {
		seen := map[string]int{}
		for _, i := range m.all() {
			if seen[i.Subject]++; seen[i.Subject] > 1 {
				t.Errorf("%s has %q twice", m.user, i.Subject)
			}
		}
	}
}

// runUsers carries Sync users out for some of the example people, and waits for its end.
func (c *client) runUsers(users ...string) (run struct {
	State                                      string
	Done, Of, Linked, Created, Resumed, Failed int
	Again                                      []string
}) {
	c.t.Helper()
	people := []string{}
	for _, u := range users {
		people = append(people, "sip:"+u+"@example.test")
	}
	if status := c.call(http.MethodPost, "/admin/sync/users/run", map[string]any{"people": people}, nil); status != http.StatusAccepted {
		c.t.Fatalf("sync users: status %d", status)
	}
	await(c.t, longest, "sync users", func() bool {
		if status := c.call(http.MethodGet, "/admin/sync/users/run", nil, &run); status != http.StatusOK {
			c.t.Fatalf("sync users: status %d", status)
		}
		return run.State != "running"
	})
	return run
}

// clears takes somebody's Exchange ID away.
func (c *client) clears(user string) {
	c.t.Helper()
	if status := c.call(http.MethodDelete, "/admin/sync/users/"+url.PathEscape("sip:"+user+"@example.test")+"/exchange-id", nil, nil); status != http.StatusOK {
		c.t.Fatalf("clear %s: status %d", user, status)
	}
}

// Where the configuration names no Exchange server an administrator can name one in the control panel: it is kept in step with CRM at once,
// and from the next start on the calendars have it, too.
func TestServerNamedInTheControlPanel(t *testing.T) {
	t.Parallel()
	_, proxy := aside(t)
	x := exchangeOf(t, labMailboxes())
	p := facing(t, proxy, "PORTICO_SIGNIN_ADMINS=sip:alice@example.test")
	alice := p.signIn("alice")
	for _, user := range []string{"bob", "carol"} {
		in := map[string]any{"first_name": user, "last_name": "Tester", "email": user + "@example.test"}
		if status := alice.call(http.MethodPut, "/crm/users/"+person(user), in, nil); status != http.StatusOK {
			t.Fatalf("make %s a CRM user: status %d", user, status)
		}
	}
	var set map[string]any
	if status := alice.call(http.MethodGet, "/admin/sync/settings", nil, &set); status != http.StatusOK {
		t.Fatalf("settings: status %d", status)
	}
	set["servers"] = []any{map[string]any{"name": "late", "url": x.URL(), "auth": "basic", "username": labService, "password": labPassword, "impersonate": true}}
	var saved struct {
		Findings []struct {
			Part, Name string
			OK         bool `json:"ok"`
		}
	}
	if status := alice.call(http.MethodPut, "/admin/sync/settings", set, &saved); status != http.StatusOK {
		t.Fatalf("save settings: status %d", status)
	}
	if len(saved.Findings) != 1 || !saved.Findings[0].OK || saved.Findings[0].Name != "late" {
		t.Errorf("the check found %+v", saved.Findings)
	}
	if run := alice.runUsers("bob", "carol"); run.State != "done" || run.Failed > 0 {
		t.Fatalf("sync users: %+v", run)
	}
	day := dayAhead(t)
	bob := p.signIn("bob")
	made := bob.inCRM("in-crm-for-late", "Kept in step at once", clock(day, 9, 0), nil, "carol")
	bobs := outlook(t, x.URL(), "bob")
	bobs.one("Kept in step at once", nil)
	p.stop()
	p = p.again()
	bob = p.signIn("bob").loaded()
	bob.reads(made.ID, "the appointment after the start", func(m meeting) bool { return m.Sync.State == "done" })
	bobs.create("From Outlook after the start", clock(day, 11, 0), clock(day, 12, 0), "", "")
	bob.shows(day, "From Outlook after the start", nil)
}
