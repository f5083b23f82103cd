package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"portico/app/ews/ewslab"
)

// Conversation History in the whole house: what two people say is an item in the mailbox of each, as exchangelib reads it, written once
// whatever happens meanwhile.

// episode is an entry of the history as the API tells it.
type episode struct {
	ID, Kind, Conversation, Subject, Kept string
	Messages                              int
}

// history is the first page of somebody's.
func (c *client) history(query string) (list []episode, away bool) {
	c.t.Helper()
	var page struct {
		Episodes []episode
		Away     bool
	}
	if status := c.call(http.MethodGet, "/history"+query, nil, &page); status != http.StatusOK {
		c.t.Fatalf("history of %s: status %d", c.who, status)
	}
	return page.Episodes, page.Away
}

// keptInExchange waits until the one conversation with somebody stands in the history as kept in Exchange, and gives it.
func (c *client) keptInExchange(user string, messages int) episode {
	c.t.Helper()
	var list []episode
	await(c.t, longest, c.who+"'s conversation with "+user+" to be kept", func() bool {
		list, _ = c.history("?kind=im&peer=" + person(user))
		return len(list) == 1 && list[0].Kept == "kept" && list[0].Messages == messages
	})
	return list[0]
}

// atOffice starts a portal beside an Exchange that outlives it; through is what stands between the two, where there is something.
func atOffice(t *testing.T, x *ewslab.Server, through string, more ...string) *program {
	t.Helper()
	if through == "" {
		through = x.URL()
	}
	environ := append(generous(t), "PORTICO_EWS_SERVER_0_NAME=lab", "PORTICO_EWS_SERVER_0_URL="+through, "PORTICO_EWS_SERVER_0_USERNAME="+labService,
		"PORTICO_EWS_SERVER_0_PASSWORD="+labPassword, "PORTICO_CRM_ENABLED=false", "PORTICO_HISTORY_REST=1s")
	p := command(t, t.TempDir(), append(environ, more...), "serve")
	if p.url == "" {
		t.Fatalf("portico did not say where it is:\n%s", p.logged())
	}
	return p
}

// talk is one line of each of two people, until both have it.
func talk(one, other *client, user, otherUser, id, text string) {
	one.t.Helper()
	one.say(otherUser, id+"-1", text)
	await(one.t, longest, text+" at "+otherUser, func() bool {
		return slices.ContainsFunc(other.messages(user), func(m said) bool { return m.Text == text })
	})
	other.say(user, id+"-2", "answer to "+text)
	await(one.t, longest, "the answer to "+text, func() bool {
		return slices.ContainsFunc(one.messages(otherUser), func(m said) bool { return m.Text == "answer to "+text })
	})
}

func TestConversationsInExchange(t *testing.T) {
	t.Parallel()
	x := exchangeOf(t, labMailboxes())
	e := exchangelib(t, x.URL())
	p := atOffice(t, x, "")
	alice, bob := p.signIn("alice"), p.signIn("bob")

	// What was said is one item, in the mailbox of each.
	talk(alice, bob, "alice", "bob", "first", "words <b>for</b> the archive & more")
	was := e.holds("alice", "answer to words")
	if was.Class != "IPM.Note.Microsoft.Conversation" || was.Draft || !was.Read {
		t.Errorf("the item is %+v", was)
	}
	for _, want := range []string{"words &lt;b&gt;for&lt;/b&gt; the archive &amp; more", "Alice", "Bob"} {
		if !strings.Contains(was.Text, want) {
			t.Errorf("%q is not in %q", want, was.Text)
		}
	}
	people := append(slices.Clone(was.To), was.From)
	if !slices.Contains(people, "alice@example.test") || !slices.Contains(people, "bob@example.test") || !strings.Contains(was.Subject, "Bob") {
		t.Errorf("the people of the item are %q, its subject is %q", people, was.Subject)
	}
	own := alice.keptInExchange("bob", 2)

	// It goes on while Exchange is away: both mailboxes have it later, in the items that are there.
	lift, err := x.Fault(ewslab.Fault{Kind: ewslab.FaultDown})
	if err != nil {
		t.Fatal(err)
	}
	talk(bob, alice, "bob", "alice", "second", "said while nobody kept it")
	await(t, longest, "a try that fails", func() bool {
		_, body, err := fetch(p.url, "/metrics")
		return err == nil && strings.Contains(body, `portico_ews_requests_total{operation="UpdateItem",result="failed"}`)
	})
	list, away := alice.history("")
	if i := slices.IndexFunc(list, func(e episode) bool { return e.ID == own.ID }); !away || i < 0 || list[i].Kept != "waiting" || list[i].Messages != 4 {
		t.Errorf("while Exchange is away (%v) the history has %+v", away, list)
	}
	lift()
	for user, c := range map[string]*client{"alice": alice, "bob": bob} {
		e.holds(user, "answer to said while nobody kept it")
		if all := e.conversations(user); len(all) != 1 || !strings.Contains(all[0].Text, "for&lt;/b&gt; the archive") {
			t.Errorf("%s has %d items: %+v", user, len(all), all)
		}
		c.keptInExchange(map[string]string{"alice": "bob", "bob": "alice"}[user], 4)
	}
	if now := e.conversations("alice"); now[0].ID != was.ID {
		t.Errorf("it is another item now: %q, not %q", now[0].ID, was.ID)
	}

	// What another program keeps there shows beside it, and can be deleted from here.
	e.ask("keep", "alice", "conversation_history", map[string]string{"subject": "Kept by another", "from": "carol@example.test",
		"text": `<html><body><p>words of another program</p><script>alert(1)</script></body></html>`})
	var foreign []episode
	await(t, longest, "the other program's item", func() bool {
		list, _ := alice.history("")
		foreign = slices.DeleteFunc(list, func(e episode) bool { return e.Kind != "exchange" })
		return len(foreign) > 0
	})
	if len(foreign) != 1 || foreign[0].Subject != "Kept by another" {
		t.Fatalf("of others the history has %+v", foreign)
	}
	var open struct{ HTML string }
	if status := alice.call(http.MethodGet, "/history/"+url.PathEscape(foreign[0].ID), nil, &open); status != http.StatusOK ||
		!strings.Contains(open.HTML, "words of another program") || strings.Contains(open.HTML, "script") {
		t.Errorf("opened: status %d: %q", status, open.HTML)
	}
	if status := bob.call(http.MethodGet, "/history/"+url.PathEscape(foreign[0].ID), nil, nil); status != http.StatusNotFound && status != http.StatusForbidden {
		t.Errorf("alice's item for bob: status %d", status)
	}
	for _, id := range []string{foreign[0].ID, own.ID} {
		if status := alice.call(http.MethodDelete, "/history/"+url.PathEscape(id), nil, nil); status != http.StatusNoContent {
			t.Errorf("delete %s: status %d", id, status)
		}
	}
	await(t, longest, "alice's mailbox to have neither", func() bool { return len(e.conversations("alice")) == 0 })
	e.holds("bob", "answer to words")
}

// The portal is killed, as by kill -9, when Exchange has written the item and before it has said so. After its start there is one item.
func TestKilledBetweenWritingAConversationAndNotingIt(t *testing.T) {
	t.Parallel()
	x := exchangeOf(t, labMailboxes())
	e := exchangelib(t, x.URL())
	at, err := url.Parse(x.URL())
	if err != nil {
		t.Fatal(err)
	}
	wrote, answer := make(chan struct{}), make(chan struct{})
	var once atomic.Bool
	between := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: at.Scheme, Host: at.Host})
	between.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) } // the portal is dead
	between.FlushInterval = -1
	between.ModifyResponse = func(r *http.Response) error {
		if r.Request.Header.Get("X-Writes-Conversation") != "" && once.CompareAndSwap(false, true) {
			close(wrote)
			<-answer
		}
		return nil
	}
	door := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // of somebody who died
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		if bytes.Contains(body, []byte("CreateItem")) && bytes.Contains(body, []byte("IPM.Note.Microsoft.Conversation")) && bytes.Contains(body, []byte("PrimarySmtpAddress>alice@example.test<")) {
			r.Header.Set("X-Writes-Conversation", "yes")
		}
		between.ServeHTTP(w, r)
	}))
	t.Cleanup(door.Close)
	p := atOffice(t, x, door.URL+at.Path)
	alice, bob := p.signIn("alice"), p.signIn("bob")
	talk(alice, bob, "alice", "bob", "mortal", "said before the end")
	select {
	case <-wrote:
	case <-time.After(longest):
		t.Fatal("no conversation is written")
	}
	p.kill()
	close(answer)
	e.holds("alice", "said before the end")

	p = p.again()
	alice, bob = p.signIn("alice"), p.signIn("bob")
	alice.keptInExchange("bob", 2)
	bob.keptInExchange("alice", 2)
	talk(bob, alice, "bob", "alice", "risen", "said after it")
	for _, user := range []string{"alice", "bob"} {
		e.holds(user, "answer to said after it")
		if all := e.conversations(user); len(all) != 1 || !strings.Contains(all[0].Text, "said before the end") {
			t.Errorf("%s has %d items: %+v", user, len(all), all)
		}
	}
}

// What policy says of keeping conversations comes before what people choose.
func TestPolicyOfKeepingConversations(t *testing.T) {
	t.Parallel()
	x := exchangeOf(t, labMailboxes())
	e := exchangelib(t, x.URL())
	choose := func(c *client, keep bool) int {
		return c.call(http.MethodPut, "/me/settings", map[string]any{"keep_history": keep}, nil)
	}
	t.Run("off", func(t *testing.T) {
		p := atOffice(t, x, "", "PORTICO_POLICY_ENABLE_AUTO_ARCHIVING=off")
		alice, bob := p.signIn("alice"), p.signIn("bob")
		if status := choose(alice, true); status != http.StatusForbidden {
			t.Errorf("chosen against policy: status %d", status)
		}
		talk(alice, bob, "alice", "bob", "off", "kept nowhere else")
		await(t, longest, "nothing to wait for Exchange", func() bool {
			list, _ := alice.history("?kind=im&peer=" + person("bob"))
			return len(list) == 1 && list[0].Messages == 2 && list[0].Kept == ""
		})
		if all := e.conversations("alice"); len(all) != 0 {
			t.Errorf("kept all the same: %+v", all)
		}
	})
	t.Run("forbidden", func(t *testing.T) {
		p := atOffice(t, x, "", "PORTICO_POLICY_DISABLE_SAVING_IM=true", "PORTICO_POLICY_ENABLE_AUTO_ARCHIVING=on")
		alice, bob := p.signIn("alice"), p.signIn("bob")
		talk(alice, bob, "alice", "bob", "forbidden", "never shown again")
		for _, path := range []string{"/history", "/history?q=never", "/history/days?from=2020-01-01&to=2020-02-01", "/history/export"} {
			if status := alice.call(http.MethodGet, path, nil, nil); status != http.StatusForbidden {
				t.Errorf("GET %s: status %d", path, status)
			}
		}
		if all := e.conversations("alice"); len(all) != 0 {
			t.Errorf("kept all the same: %+v", all)
		}
	})
	t.Run("on", func(t *testing.T) {
		p := atOffice(t, x, "", "PORTICO_POLICY_ENABLE_AUTO_ARCHIVING=on")
		alice, bob := p.signIn("alice"), p.signIn("bob")
		if status := choose(alice, false); status != http.StatusForbidden {
			t.Errorf("chosen against policy: status %d", status)
		}
		talk(alice, bob, "alice", "bob", "on", "kept for certain")
		alice.keptInExchange("bob", 2)
		e.holds("alice", "kept for certain")
	})
}
