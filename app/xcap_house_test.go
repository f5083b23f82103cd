package main

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/icholy/digest"

	"portico/app/sipua/siptest"
)

// Contact lists and presence rules that a real Kamailio keeps, with clients that nobody here wrote.

// document is a document of somebody's at the server, as another client of theirs has it: plain HTTP with digest.
type document struct {
	t    *testing.T
	url  string
	http http.Client
}

func documentOf(t *testing.T, k *siptest.Kamailio, user, usage string) *document {
	t.Helper()
	return &document{t: t, url: k.XCAPRoot() + "/" + usage + "/users/sip:" + user + "@example.test/index",
		http: http.Client{Timeout: longest, Transport: &digest.Transport{Username: user, Password: k.Password(), Transport: &http.Transport{DisableKeepAlives: true}}}}
}

func (d *document) do(method, body, etag string) (status int, text, tag string) {
	d.t.Helper()
	req, err := http.NewRequest(method, d.url, strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	if etag != "" {
		req.Header.Set("If-Match", etag)
	}
	req.Header.Set("Content-Type", "application/resource-lists+xml")
	res, err := d.http.Do(req)
	if err != nil {
		d.t.Fatal(err)
	}
	b, err := io.ReadAll(res.Body)
	if err = errors.Join(err, res.Body.Close()); err != nil {
		d.t.Fatal(err)
	}
	return res.StatusCode, string(b), res.Header.Get("ETag")
}

// awaits waits until the document is as wanted, and gives it.
func (d *document) awaits(what string, ok func(string) bool) (text, tag string) {
	d.t.Helper()
	defer func() {
		if d.t.Failed() {
			d.t.Logf("the document is\n%s", text)
		}
	}()
	await(d.t, longest, what, func() bool {
		var status int
		status, text, tag = d.do(http.MethodGet, "", "")
		return status == http.StatusOK && ok(text)
	})
	return text, tag
}

func TestContactListAtTheServer(t *testing.T) {
	t.Parallel()
	k := siptest.StartKamailio(t, siptest.KamailioOptions{XCAP: true})
	p := facing(t, k.Proxy("tcp"), "PORTICO_SIP_XCAP_ROOT="+k.XCAPRoot(), "PORTICO_PRESENCE_GRACE=100ms", "PORTICO_PRESENCE_PUBLISH_PACE=100ms")
	alice := p.signIn("alice")
	page := alice.open()
	alice.befriend("bob")
	list := documentOf(t, k, "alice", "resource-lists")
	text, tag := list.awaits("bob in the server's list", func(s string) bool { return strings.Contains(s, `uri="sip:bob@example.test"`) })

	// Another client adds carol; a live page has her, and nobody twice.
	if status, _, _ := list.do(http.MethodPut, strings.Replace(text, `<entry uri="sip:bob@`, `<entry uri="sip:carol@example.test"/><entry uri="sip:bob@`, 1), tag); status/100 != 2 {
		t.Fatalf("the other client writes: status %d", status)
	}
	has := func() (users []string) {
		var contacts []struct{ URI string }
		alice.does(http.MethodGet, "/contacts", nil, &contacts)
		for _, c := range contacts {
			users = append(users, strings.TrimSuffix(strings.TrimPrefix(c.URI, "sip:"), "@example.test"))
		}
		slices.Sort(users)
		return users
	}
	await(t, longest, "carol in the portal", func() bool { return slices.Equal(has(), []string{"bob", "carol"}) })
	page.check()

	// Nothing is lost or doubled over a restart, and what was changed by either meanwhile is there.
	if status := p.stop(); status != exitFine {
		t.Fatalf("exit status %d", status)
	}
	text, tag = list.awaits("the list", func(s string) bool { return strings.Contains(s, "sip:carol@") })
	if status, _, _ := list.do(http.MethodPut, strings.Replace(text, `<entry uri="sip:bob@`, `<entry uri="sip:dave@example.test"/><entry uri="sip:bob@`, 1), tag); status/100 != 2 {
		t.Fatalf("the other client writes: status %d", status)
	}
	p.again()
	await(t, longest, "dave in the portal", func() bool {
		status, err := alice.try(http.MethodGet, "/contacts", nil, nil)
		return err == nil && status == http.StatusOK && slices.Equal(has(), []string{"bob", "carol", "dave"})
	})
	alice.does(http.MethodDelete, "/contacts/"+person("carol"), nil, nil)
	text, _ = list.awaits("carol to be gone from the server's list", func(s string) bool { return !strings.Contains(s, "sip:carol@") })
	for _, user := range []string{"bob", "dave"} {
		if n := strings.Count(text, `uri="sip:`+user+`@example.test"`); n != 1 {
			t.Errorf("%s stands %d times in\n%s", user, n, text)
		}
	}
}

func TestRulesAtTheServerHide(t *testing.T) {
	t.Parallel()
	k := siptest.StartKamailio(t, siptest.KamailioOptions{XCAP: true})
	p := facing(t, k.Proxy("tcp"), "PORTICO_SIP_XCAP_ROOT="+k.XCAPRoot(), "PORTICO_SIP_RULES_TRANSFORM=true", "PORTICO_PRESENCE_GRACE=100ms", "PORTICO_PRESENCE_PUBLISH_PACE=100ms")
	const note = "For the team alone"
	alice := p.signIn("alice")
	alice.live(-1)
	alice.gives("bob", "team")
	alice.gives("carol", "blocked")
	alice.gives("dave", "public")
	alice.does(http.MethodPut, "/me/presence", map[string]string{"note": note}, nil)
	documentOf(t, k, "alice", "pres-rules").awaits("the rules at the server", func(s string) bool {
		return strings.Contains(s, "sip:bob@example.test") && strings.Contains(s, "sip:carol@example.test")
	})
	watch := func(user string) *siptest.LinphoneClient {
		return siptest.Linphone(t, siptest.ClientOptions{Proxy: k.Addr(), User: user, Contacts: []string{"alice"}})
	}
	team, blocked, public := watch("bob"), watch("carol"), watch("dave")
	team.ExpectPresence("alice", siptest.StateOnline, longest)
	await(t, longest, "the note at bob's telephone", func() bool { return strings.Contains(team.Trace(), note) })
	public.ExpectPresence("alice", siptest.StateOnline, longest)

	if strings.Contains(blocked.Trace(), note) || blocked.Presence("alice") == siptest.StateOnline {
		t.Error("who is blocked sees alice")
	}

	// Who was blocked is let in, who was let in is blocked; it holds at once.
	alice.does(http.MethodPut, "/me/relationships/"+person("carol"), map[string]string{"relationship": "team"}, nil)
	if strings.Contains(public.Trace(), note) {
		t.Error("the public was told the note")
	}
	blocked.ExpectPresence("alice", siptest.StateOnline, longest)
	await(t, longest, "the note at carol's telephone", func() bool { return strings.Contains(blocked.Trace(), note) })
	alice.does(http.MethodPut, "/me/relationships/"+person("bob"), map[string]string{"relationship": "blocked"}, nil)
	team.ExpectPresence("alice", siptest.StateOffline, longest)
}
