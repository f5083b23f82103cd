package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"portico/app/sipua/siptest"
)

// Calls for people who are at the portal, from telephones that nobody here wrote, through the lab and through Kamailio; and voice mail.

// callEntry is an entry of the list of calls as the API tells it.
type callEntry struct {
	ID, Kind, From, Name, Text string
	Times                      int
	Seen                       bool
}

// calls is the first page of somebody's list, and how many entries they have not seen.
func (c *client) calls() (list []callEntry, unseen int) {
	c.t.Helper()
	var page struct {
		Calls  []callEntry
		Unseen int
	}
	if status := c.call(http.MethodGet, "/calls", nil, &page); status != http.StatusOK {
		c.t.Fatalf("calls of %s: status %d", c.who, status)
	}
	return page.Calls, page.Unseen
}

// lists waits until somebody's list of calls is as wanted, newest first.
func (c *client) lists(what string, unseen int, want ...callEntry) []callEntry {
	c.t.Helper()
	var got []callEntry
	var n int
	defer func() {
		if c.t.Failed() {
			c.t.Logf("the calls of %s: %d unseen of %+v", c.who, n, got)
		}
	}()
	await(c.t, longest, what, func() bool {
		got, n = c.calls()
		return n == unseen && slices.EqualFunc(got, want, func(a, b callEntry) bool {
			return a.Kind == b.Kind && a.From == b.From && a.Times == b.Times && a.Seen == b.Seen && strings.Contains(a.Name, b.Name) && a.Text == b.Text
		})
	})
	return got
}

// everyCallServer runs a test with the portal in front of the lab, as a process of its own, and of Kamailio where calls are published.
func everyCallServer(t *testing.T, run func(t *testing.T, p *program, server string, k *siptest.Kamailio)) {
	t.Run("lab", func(t *testing.T) {
		t.Parallel()
		l, proxy := aside(t)
		run(t, facing(t, proxy), l.lab, nil)
	})
	t.Run("kamailio", func(t *testing.T) {
		t.Parallel()
		k := siptest.StartKamailio(t, siptest.KamailioOptions{Calls: true, VoicemailUser: "karl"})
		run(t, facing(t, k.Proxy("tcp"), "PORTICO_PRESENCE_GRACE=100ms", "PORTICO_SIP_WATCHER_INFO=false"), k.Addr(), k)
	})
}

func telephone(t *testing.T, server, user string) *siptest.BaresipClient {
	t.Helper()
	phone := siptest.Baresip(t, siptest.ClientOptions{Proxy: server, User: user, NoPublish: true})
	phone.WaitRegistered(longest)
	return phone
}

// Who is in the portal alone takes no calls, says so at once, and has each in the list.
func TestCallsToThePortal(t *testing.T) {
	everyCallServer(t, func(t *testing.T, p *program, server string, k *siptest.Kamailio) {
		const bobs, carols = "sip:bob@example.test", "sip:carol@example.test"
		alice := p.signIn("alice")
		page := alice.live(-1)
		awaitRegistered(t, p.url, 1)
		siptest.Sipp(t, siptest.SippCall, siptest.SippOptions{Proxy: server, User: "carol", To: "alice", Status: 488}) // and no ring
		page.until("the call", func(e event) bool { return e.Event == "call" && e.Change == "created" })
		first := callEntry{Kind: "missed-call", From: carols, Name: "carol calls", Times: 1}
		alice.lists("carol's call", 1, first)

		phone := telephone(t, server, "bob")
		for times := 1; times <= 2; times++ {
			phone.Dial("alice")
			page.until("bob's call", func(e event) bool { return e.Event == "call" })
			phone.ExpectCall(siptest.NoCall, longest)
			alice.lists("bob's call", 2, callEntry{Kind: "missed-call", From: bobs, Times: times}, first)
		}
		page.until("the count", func(e event) bool { return e.Event == "counts" && e.Calls == 2 })
		if !strings.Contains(phone.Log(), "488") {
			t.Errorf("bob was not told why: %s", phone.Log())
		}
		if status := alice.call(http.MethodPost, "/calls/seen", nil, nil); status != http.StatusNoContent {
			t.Errorf("seen: status %d", status)
		}
		page.until("nothing to count", func(e event) bool { return e.Event == "counts" && e.Calls == 0 })
		if k != nil {
			voicemailWaits(t, alice, page, server)
		}
	})
}

// voicemailWaits: the server's voice mail system says what waits, and the portal counts it.
func voicemailWaits(t *testing.T, alice *client, page *live, server string) {
	t.Helper()
	for _, says := range []struct {
		summary  string
		new, old int
	}{{"3/4 (1/0)", 3, 4}, {"0/7", 0, 7}} {
		siptest.Sipp(t, siptest.SippWaiting, siptest.SippOptions{Proxy: server, User: "karl", To: "alice", Text: says.summary})
		page.until("what waits", func(e event) bool { return e.Event == "counts" && e.Voicemail == says.new })
		var list struct{ Waiting struct{ New, Old int } }
		if status := alice.call(http.MethodGet, "/voicemail", nil, &list); status == http.StatusOK && (list.Waiting.New != says.new || list.Waiting.Old != says.old) {
			t.Errorf("%q is told as %+v", says.summary, list)
		}
	}
}

// Who has a telephone beside the portal: what it takes is no missed call, what the caller gives up is one; and while it talks others see it.
func TestCallsToATelephoneBeside(t *testing.T) {
	everyCallServer(t, func(t *testing.T, p *program, server string, k *siptest.Kamailio) {
		const bobs = "sip:bob@example.test"
		own, phone := telephone(t, server, "alice"), telephone(t, server, "bob")
		alice, carol := p.signIn("alice"), p.signIn("carol")
		carol.befriend("alice")
		page, beside := alice.live(-1), carol.open()
		beside.awaitPresence("alice", "available")

		phone.Dial("alice")
		own.Answer(longest)
		page.until("the call", func(e event) bool { return e.Event == "call" })
		taken := callEntry{Kind: "taken", From: bobs, Times: 1, Seen: true}
		alice.lists("a call that was taken", 0, taken)
		if k != nil { // the lab has nobody who would publish calls
			beside.awaitPresence("alice", "busy")
			var is struct{ Activity string }
			if status := carol.call(http.MethodGet, "/presence/"+person("alice"), nil, &is); status != http.StatusOK || is.Activity != "in-a-call" {
				t.Errorf("alice is seen as %+v (status %d)", is, status)
			}
		}
		phone.HangUp()
		own.ExpectCall(siptest.NoCall, longest)
		beside.awaitPresence("alice", "available")

		phone.Dial("alice")
		own.ExpectCall(siptest.CallIncoming, longest)
		phone.HangUp()
		own.ExpectCall(siptest.NoCall, longest)
		alice.lists("a call that was given up", 1, callEntry{Kind: "missed-call", From: bobs, Times: 1}, taken)
	})
}

// A message to somebody who is away is a missed conversation, until it is read.
func TestMissedConversation(t *testing.T) {
	t.Parallel()
	p := demo(t, "PORTICO_LAB_ROBOTS_PACE=24h")
	alice, bob := p.signIn("alice"), p.signIn("bob")
	bob.say("alice", "missed-1", "are you there?")
	bob.say("alice", "missed-2", "it is me")
	missed := callEntry{Kind: "missed-conversation", From: bob.who, Text: "are you there?", Times: 2}
	alice.lists("a missed conversation", 1, missed)
	page := alice.live(-1)
	if status := alice.call(http.MethodPost, "/conversations/"+person("bob")+"/read", map[string]string{"id": "missed-2"}, nil); status != http.StatusNoContent {
		t.Fatalf("read: status %d", status)
	}
	page.until("the news of it", func(e event) bool { return e.Event == "call" && e.Change == "updated" })
	missed.Seen = true
	alice.lists("the conversation to be read", 0, missed)
	bob.say("alice", "missed-3", "there you are")
	page.until("the message", func(e event) bool { return e.Event == "message" && e.ID == "missed-3" })
	alice.say("bob", "answer-1", "here I am")
	if list, unseen := alice.calls(); len(list) != 1 || unseen != 0 {
		t.Errorf("who is there has missed %d of %+v", unseen, list)
	}
}

// Voice mail in Exchange: told of live, played in parts, marked as heard, deleted.
func TestVoicemailInTheHouse(t *testing.T) {
	t.Parallel()
	p := demo(t, "PORTICO_LAB_ROBOTS_PACE=24h")
	alice, bob := p.signIn("alice"), p.signIn("bob")
	e := exchangelib(t, p.exchange)
	type spoken struct {
		ID, From, Number, Text string
		Seconds                int
		Heard                  bool
	}
	list := func() (out []spoken) {
		var page struct{ Voicemail []spoken }
		if status := alice.call(http.MethodGet, "/voicemail", nil, &page); status != http.StatusOK {
			t.Fatalf("voice mail: status %d", status)
		}
		return page.Voicemail
	}
	unheard := func(l []spoken) (n int) {
		for _, v := range l {
			if !v.Heard {
				n++
			}
		}
		return n
	}
	page := alice.live(-1)
	before := list()
	leave(t, p.exchange, map[string]any{"mailbox": "alice", "from": "bob@example.test", "number": "+49 30 5550 102", "seconds": 7, "text": "the printer <b>burns</b>"})
	page.until("the news of it", func(e event) bool { return e.Event == "voicemail" && e.Change == "created" })
	var got spoken
	await(t, longest, "the voice mail", func() bool {
		l := list()
		if len(l) == len(before)+1 {
			got = l[0]
		}
		return got.ID != ""
	})
	if got.From != bob.who || got.Number != "+49 30 5550 102" || got.Seconds != 7 || got.Heard || !strings.Contains(got.Text, "the printer") {
		t.Errorf("the voice mail is %+v", got)
	}
	page.until("the count", func(e event) bool { return e.Event == "counts" && e.Voicemail == unheard(before)+1 })

	path := "/voicemail/" + url.PathEscape(got.ID)
	whole := alice.bytes(path+"/audio", "", http.StatusOK)
	part := alice.bytes(path+"/audio", "bytes=44-143", http.StatusPartialContent)
	if len(whole) < 7*8000 || !bytes.HasPrefix(whole, []byte("RIFF")) || !bytes.Equal(part, whole[44:144]) {
		t.Errorf("the recording has %d bytes, the part %d", len(whole), len(part))
	}
	bob.bytes(path+"/audio", "", http.StatusNotFound)
	inMailbox := func() (read, there bool) {
		for _, i := range e.ask("items", "alice", "inbox", nil) {
			if strings.HasPrefix(i.Class, "IPM.Note.Microsoft.Voicemail") && strings.Contains(i.Text, "the printer") {
				return i.Read, true
			}
		}
		return false, false
	}
	if read, there := inMailbox(); read || !there {
		t.Errorf("in the mailbox: read %v, there %v", read, there)
	}
	if status := alice.call(http.MethodPut, path, map[string]bool{"heard": true}, nil); status != http.StatusNoContent {
		t.Fatalf("heard: status %d", status)
	}
	page.until("the count without it", func(e event) bool { return e.Event == "counts" && e.Voicemail == unheard(before) })
	await(t, longest, "it to be heard in the mailbox", func() bool { read, there := inMailbox(); return read && there })
	if status := alice.call(http.MethodDelete, path, nil, nil); status != http.StatusNoContent {
		t.Fatalf("delete: status %d", status)
	}
	await(t, longest, "it to be gone", func() bool { _, there := inMailbox(); return !there && len(list()) == len(before) })
	alice.bytes(path+"/audio", "", http.StatusNotFound)
}

// leave leaves voice mail at the lab Exchange.
func leave(t *testing.T, exchange string, v map[string]any) {
	t.Helper()
	at, err := url.Parse(exchange)
	if err != nil {
		t.Fatal(err)
	}
	at.Path = "/lab/voicemail"
	body, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodPost, at.String(), bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Close = true
	resp, err := (&http.Client{Timeout: longest}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		t.Fatalf("the lab took no voice mail: status %d", resp.StatusCode)
	}
}

// bytes asks for something of the API that is no JSON, or for a part of it, and wants a status.
func (c *client) bytes(path, part string, want int) []byte {
	c.t.Helper()
	body, _ := c.raw(path, part, want)
	return body
}

// raw is bytes with the header of the answer.
func (c *client) raw(path, part string, want int) ([]byte, http.Header) {
	c.t.Helper()
	req, err := http.NewRequest(http.MethodGet, c.base+"/api/v1"+path, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	if part != "" {
		req.Header.Set("Range", part)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	if resp.StatusCode != want {
		c.t.Errorf("GET %s: status %d, want %d: %.200s", path, resp.StatusCode, want, body)
	}
	return body, resp.Header
}
