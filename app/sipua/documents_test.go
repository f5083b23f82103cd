package sipua_test

// Documents that the server keeps, with Kamailio: a contact list shared with another client, and presence rules.

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/icholy/digest"

	"portico/app/portal"
	"portico/app/sipua"
	"portico/app/sipua/siptest"
	"portico/app/sipua/xcap"
)

// documentWorld is a Kamailio that obeys people's rules.
func documentWorld(t testing.TB, change ...func(*siptest.KamailioOptions)) world {
	t.Helper()
	w := kamailioWorld(t, "tcp", append([]func(*siptest.KamailioOptions){func(o *siptest.KamailioOptions) { o.XCAP = true }}, change...)...)
	w.cfg = quick(w.cfg)
	w.cfg.XCAPRoot = w.kam.XCAPRoot()
	return w
}

// otherClient is a second client of a person: plain HTTP with digest.
type otherClient struct {
	t    *testing.T
	http http.Client
	url  string
}

func newOtherClient(t *testing.T, w world, user, doc string) *otherClient {
	t.Helper()
	return &otherClient{t: t, url: w.kam.XCAPRoot() + "/" + doc + "/users/sip:" + user + "@example.test/index",
		http: http.Client{Timeout: patience, Transport: &digest.Transport{Username: user, Password: w.password, Transport: &http.Transport{DisableKeepAlives: true}}}}
}

func (c *otherClient) do(method, body, etag string) (status int, text, tag string) {
	c.t.Helper()
	req, err := http.NewRequest(method, c.url, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	if etag != "" {
		req.Header.Set("If-Match", etag)
	}
	req.Header.Set("Content-Type", "application/resource-lists+xml")
	res, err := c.http.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	b, err := io.ReadAll(res.Body)
	if err = errors.Join(err, res.Body.Close()); err != nil {
		c.t.Fatal(err)
	}
	return res.StatusCode, string(b), res.Header.Get("ETag")
}

// A contact list is shared with another client: what either writes the other reads, who comes too late is told, and
// neither destroys what it does not understand.
func TestContactListIsShared(t *testing.T) {
	for name, change := range map[string]func(*siptest.KamailioOptions){
		"MD5": func(*siptest.KamailioOptions) {}, "SHA-256": func(o *siptest.KamailioOptions) { o.SHA256 = true },
		"short nonces": func(o *siptest.KamailioOptions) { o.NoStale = true },
	} {
		t.Run(name, func(t *testing.T) { shareList(t, documentWorld(t, change)) })
	}
}

func shareList(t *testing.T, w world) {
	ctx := within(t)
	h := newHouse()
	a, stop := startStoppable(t, w.cfg, h)
	sealed := signIn(t, a, alice)
	if _, _, err := a.FetchList(ctx, alice, ""); !errors.Is(err, portal.ErrNotFound) {
		t.Fatalf("before there is one: %v", err)
	}
	mine := xcap.List{Groups: []string{"Team", "Friends & family"}, Entries: []xcap.Entry{
		{URI: bob, Name: "Bob", Groups: []string{"Team", "Friends & family"}}, {URI: carol, Name: "Carol"}}}
	first, err := a.StoreList(ctx, alice, mine, "")
	if err != nil || first == "" {
		t.Fatalf("store: %q, %v", first, err)
	}
	if _, err := a.StoreList(ctx, alice, mine, ""); !errors.Is(err, portal.ErrConflict) {
		t.Errorf("there is one already: %v", err)
	}
	if l, unchanged, err := a.FetchList(ctx, alice, first); err != nil || !unchanged || l.ETag != first || len(l.Entries) != 0 {
		t.Errorf("unchanged: %+v, %v, %v", l, unchanged, err)
	}

	phone := newOtherClient(t, w, "alice", "resource-lists")
	status, text, tag := phone.do(http.MethodGet, "", "")
	if status != http.StatusOK || tag != first || !strings.Contains(text, `uri="sip:bob@example.test"`) {
		t.Fatalf("the phone reads %d %q %s", status, tag, text)
	}
	changed := strings.Replace(text, `<entry uri="sip:carol@example.test">`, `<entry uri="sip:dave@example.test"/><entry uri="tel:+4930"/><entry uri="sip:carol@example.test" xmlns:p="urn:phone" p:ring="7"><p:dial key="1"/>`, 1)
	status, _, second := phone.do(http.MethodPut, changed, tag)
	if status != http.StatusOK || second == first {
		t.Fatalf("the phone writes: %d %q", status, second)
	}
	if _, err := a.StoreList(ctx, alice, mine, first); !errors.Is(err, portal.ErrConflict) {
		t.Fatalf("the portal comes too late: %v", err)
	}
	l, unchanged, err := a.FetchList(ctx, alice, first)
	if err != nil || unchanged || l.ETag != second || !slices.ContainsFunc(l.Entries, func(e xcap.Entry) bool { return e.URI == "sip:dave@example.test" && len(e.Groups) == 0 }) {
		t.Fatalf("the portal reads %+v, %v, %v", l, unchanged, err)
	}
	l.Entries = append(l.Entries, xcap.Entry{URI: "sip:erin@example.test", Groups: []string{"Team"}})
	l.Groups = append(l.Groups, "Empty")
	third, err := a.StoreList(ctx, alice, l, l.ETag)
	if err != nil || third == second {
		t.Fatalf("store: %q, %v", third, err)
	}
	if again, err := a.StoreList(ctx, alice, l, third); err != nil || again != third {
		t.Errorf("the same is not written again: %q, %v", again, err)
	}
	if status, _, _ := phone.do(http.MethodPut, changed, second); status != http.StatusPreconditionFailed {
		t.Errorf("the phone comes too late: %d", status)
	}
	if _, text, _ := phone.do(http.MethodGet, "", ""); !strings.Contains(text, `p:ring="7"`) || !strings.Contains(text, `<p:dial key="1"/>`) || !strings.Contains(text, "tel:+4930") || !strings.Contains(text, "sip:erin@") {
		t.Errorf("something of the phone's is lost: %s", text)
	}
	stop()

	// after a restart of the portal, without the password
	a = start(t, w.cfg, newHouse())
	a.Resume(alice, sealed)
	l, unchanged, err = a.FetchList(ctx, alice, second)
	if err != nil || unchanged || l.ETag != third || !slices.Equal(l.Groups, []string{"Team", "Friends & family", "Empty"}) || len(l.Entries) != 4 {
		t.Errorf("after a restart: %+v, %v, %v", l, unchanged, err)
	}
	if facts, ok := a.Facts(alice); !ok || !slices.Equal(facts.XCAP, []string{"resource-lists"}) {
		t.Errorf("facts: %+v", facts.XCAP)
	}
}

// rulesFor are alice's: who has which relationship, colleagues else.
func rulesFor(by map[portal.Relationship][]portal.Address) xcap.RuleSet {
	return xcap.RuleSet{Own: "example.test", By: by, Colleagues: portal.Company, Others: portal.Public, Sights: map[portal.Relationship]portal.Sight{
		portal.Personal: portal.FullSight(), portal.Team: portal.FullSight(), portal.Company: {FreeBusy: true, Note: true}, portal.Public: {}}}
}

// People of another portal, each behind an agent of their own as foreign SIP clients are, see of alice what her rules
// say, from the moment she says it; who is blocked sees somebody who is not there.
func TestRulesThroughTheAgent(t *testing.T) {
	w := documentWorld(t)
	ctx := within(t)
	h, far := newHouse(), newHouse()
	a, b := start(t, w.cfg, h), start(t, func() sipua.Config { c := w.cfg; c.Instance = "another"; return c }(), far)
	signIn(t, a, alice)
	dave := portal.MustAddress("sip:dave@example.test")
	for _, who := range []portal.Address{bob, carol, dave} {
		signIn(t, b, who)
	}
	claim := is(portal.Busy)
	claim.Note, claim.Location = "at the desk", "Room 5"
	// what comes first makes no difference: publication and watching are there before the rules
	a.Publish(alice, claim)
	a.Watch(alice, []portal.Address{alice})
	h.await(t, "nothing known of oneself", func() bool { return h.silent[[2]portal.Address{alice, alice}] > 0 })
	if err := a.PutRules(ctx, alice, rulesFor(map[portal.Relationship][]portal.Address{portal.Team: {bob}, portal.Public: {carol}, portal.Blocked: {dave}})); err != nil {
		t.Fatal(err)
	}
	h.awaitAvailability(t, alice, alice, portal.Busy)
	for _, who := range []portal.Address{bob, carol, dave} {
		b.Watch(who, []portal.Address{alice})
	}
	far.awaitClaim(t, bob, alice, func(c portal.Claim) bool { return c.Note == "at the desk" && c.Location == "Room 5" })
	far.awaitClaim(t, carol, alice, func(c portal.Claim) bool {
		return c.Availability == portal.Busy && c.Note == "" && c.Location == ""
	})
	far.await(t, "dave sees nobody there", func() bool {
		r, ok := far.reports[[2]portal.Address{dave, alice}]
		return ok && len(r.Claims) == 0
	})
	if err := a.PutRules(ctx, alice, rulesFor(map[portal.Relationship][]portal.Address{portal.Team: {dave}, portal.Blocked: {bob}})); err != nil {
		t.Fatal(err)
	}
	far.awaitClaim(t, dave, alice, func(c portal.Claim) bool { return c.Note == "at the desk" && c.Location == "Room 5" })
	far.awaitClaim(t, carol, alice, func(c portal.Claim) bool { return c.Note == "at the desk" && c.Location == "" })
	far.await(t, "bob sees nobody there any more", func() bool { return len(far.reports[[2]portal.Address{bob, alice}].Claims) == 0 })
	if facts, _ := a.Facts(alice); !slices.Equal(facts.XCAP, []string{"pres-rules"}) || facts.LastError != "" {
		t.Errorf("facts: %+v", facts)
	}
}

// awaitClaim waits for one claim about somebody.
func (h *house) awaitClaim(t testing.TB, watcher, of portal.Address, holds func(portal.Claim) bool) {
	t.Helper()
	h.await(t, fmt.Sprintf("what %s sees of %s", watcher, of), func() bool {
		return slices.ContainsFunc(h.reports[[2]portal.Address{watcher, of}].Claims, holds)
	})
}

// Who wants to watch is held back until the person says so, and the person is told of them: at first, when they were let
// in, and when they were shut out.
func TestWatchersWaitForApproval(t *testing.T) {
	w := documentWorld(t)
	ctx := within(t)
	h := newHouse()
	a := start(t, w.cfg, h)
	signIn(t, a, alice)
	signIn(t, a, bob)
	a.Publish(alice, is(portal.Busy))
	a.Watch(alice, nil) // one's own watchers are asked for at the first word
	a.Watch(bob, []portal.Address{alice})
	status := func(who portal.Address) string {
		for _, x := range h.watchers[alice] {
			if x.Who == who {
				return x.Status
			}
		}
		return ""
	}
	h.await(t, "bob waits", func() bool { return status(bob) == "pending" })
	eventually(t, "the facts say so", func() bool {
		facts, _ := a.Facts(bob)
		return slices.ContainsFunc(facts.Subscriptions, func(s portal.SubscriptionFact) bool {
			return s.Event == "presence" && s.Of == alice && s.State == "pending"
		})
	})
	if err := a.PutRules(ctx, alice, rulesFor(map[portal.Relationship][]portal.Address{portal.Team: {bob}})); err != nil {
		t.Fatal(err)
	}
	h.awaitAvailability(t, bob, alice, portal.Busy)
	h.await(t, "bob watches", func() bool { return status(bob) == "active" })
	if err := a.PutRules(ctx, alice, rulesFor(map[portal.Relationship][]portal.Address{portal.Blocked: {bob}})); err != nil {
		t.Fatal(err)
	}
	h.awaitAvailability(t, bob, alice, portal.Offline)
	a.Watch(bob, nil)
	h.await(t, "bob watches no more", func() bool { return status(bob) != "active" && status(bob) != "pending" })
}

// Rules and lists where there is no server for them, for people who are not signed in, and in trusted mode.
func TestDocumentsElsewhere(t *testing.T) {
	ctx := within(t)
	w := kamailioWorld(t, "tcp")
	a := start(t, quick(w.cfg), newHouse())
	signIn(t, a, alice)
	if err := a.PutRules(ctx, alice, rulesFor(nil)); !errors.Is(err, portal.ErrNotFound) {
		t.Errorf("no server for rules: %v", err)
	}
	if _, _, err := a.FetchList(ctx, alice, ""); !errors.Is(err, portal.ErrForbidden) {
		t.Errorf("no server for lists: %v", err)
	}
	if _, err := a.StoreList(ctx, alice, xcap.List{}, ""); !errors.Is(err, portal.ErrForbidden) {
		t.Errorf("no server for lists: %v", err)
	}

	w = documentWorld(t, func(o *siptest.KamailioOptions) { o.TrustedIP = "127.0.0.1" })
	w.cfg.Auth = sipua.AuthTrusted
	a = start(t, w.cfg, newHouse())
	if err := a.PutRules(ctx, alice, rulesFor(nil)); !errors.Is(err, portal.ErrUnavailable) {
		t.Errorf("not signed in: %v", err)
	}
	signIn(t, a, alice)
	if err := a.PutRules(ctx, alice, rulesFor(nil)); err != nil {
		t.Errorf("trusted: %v", err)
	}
	if tag, err := a.StoreList(ctx, alice, xcap.List{Groups: []string{"G"}}, ""); err != nil || tag == "" {
		t.Errorf("trusted: %q, %v", tag, err)
	}
	w.kam.Stop()
	if err := a.PutRules(ctx, alice, rulesFor(nil)); !errors.Is(err, portal.ErrUnavailable) {
		t.Errorf("the server is away: %v", err)
	}
	if facts, _ := a.Facts(alice); facts.LastError == "" || facts.LastErrorAt.IsZero() {
		t.Errorf("facts: %+v", facts)
	}
}

// With a list service of one's own there is one subscription for all contacts; whom the list is silent about, because
// they never published or hold their word back, is asked singly.
func TestOneSubscriptionForAll(t *testing.T) {
	w := documentWorld(t)
	w.cfg.ResourceLists = true
	ctx := within(t)
	h := newHouse()
	a := start(t, w.cfg, h)
	people := []portal.Address{alice, bob, carol, "sip:dave@example.test"}
	for _, who := range people {
		signIn(t, a, who)
	}
	claim := is(portal.Busy)
	claim.Note = "for the team"
	for _, who := range []portal.Address{bob, carol} {
		rules := rulesFor(map[portal.Relationship][]portal.Address{portal.Team: {alice}})
		if who == carol {
			rules = rulesFor(map[portal.Relationship][]portal.Address{portal.Public: {alice}})
		}
		if err := a.PutRules(ctx, who, rules); err != nil {
			t.Fatal(err)
		}
		a.Publish(who, claim)
	}
	eventually(t, "both published", func() bool { return a.Status(bob).Published && a.Status(carol).Published })
	a.Watch(alice, people[1:])
	h.awaitClaim(t, alice, bob, func(c portal.Claim) bool { return c.Note == "for the team" })
	h.awaitClaim(t, alice, carol, func(c portal.Claim) bool { return c.Availability == portal.Busy && c.Note == "" })
	h.await(t, "dave holds his word back", func() bool { return h.silent[[2]portal.Address{alice, people[3]}] > 0 })
	eventually(t, "a list among the subscriptions", func() bool {
		facts, _ := a.Facts(alice)
		return slices.ContainsFunc(facts.Subscriptions, func(s portal.SubscriptionFact) bool {
			return s.Event == "presence.list" && s.Of == "sip:alice-contacts@example.test" && s.State == "active"
		}) && slices.Equal(facts.XCAP, []string{"rls-services"})
	})
	status, text, _ := newOtherClient(t, w, "alice", "rls-services").do(http.MethodGet, "", "")
	if status != http.StatusOK || !strings.Contains(text, string(bob)) || !strings.Contains(text, string(carol)) {
		t.Errorf("the list on the server: %d %s", status, text)
	}
	claim.Availability = portal.DoNotDisturb
	a.Publish(bob, claim)
	h.awaitAvailability(t, alice, bob, portal.DoNotDisturb)
	erin := portal.MustAddress("sip:erin@example.test")
	signIn(t, a, erin)
	if err := a.PutRules(ctx, erin, rulesFor(nil)); err != nil {
		t.Fatal(err)
	}
	a.Publish(erin, claim)
	a.Watch(alice, append(people[1:], erin))
	h.awaitAvailability(t, alice, erin, portal.DoNotDisturb)
}

// Where the list cannot be written, everybody is watched singly.
func TestListThatCannotBeWritten(t *testing.T) {
	f := newFake(t, nil)
	cfg := f.config()
	cfg.XCAPRoot, cfg.ResourceLists = "http://127.0.0.1:1/xcap", true // nobody is there
	h := newHouse()
	a := start(t, cfg, h)
	signIn(t, a, alice)
	a.Watch(alice, []portal.Address{bob})
	h.awaitAvailability(t, alice, bob, portal.Available)
	if n := f.count(func(p packet) bool { return subscribes(p) && strings.Contains(p.uri(), "alice-contacts") }); n != 0 {
		t.Errorf("subscribed to a list that is not there, %d times", n)
	}
}

// A configuration that cannot be is refused with words.
func TestDocumentRootIsChecked(t *testing.T) {
	for root, want := range map[string]string{"ftp://x/": "XCAP root", "http://u:p@x/": "XCAP root", "http://x/?q": "XCAP root", "http:///x": "XCAP root", "http://[": "XCAP root", "": "need an XCAP root"} {
		_, err := sipua.New(sipua.Config{Domain: "example.test", Proxy: "sip:127.0.0.1:1", Instance: "x", XCAPRoot: root, ResourceLists: true}, newHouse())
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", root, err)
		}
	}
}
