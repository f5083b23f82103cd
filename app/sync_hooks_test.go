package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"portico/app/hook"
)

// outsideCRM is a CRM of somebody else: it hears of changes by webhooks and sends its own.
type outsideCRM struct {
	t      *testing.T
	portal string
	url    string

	mu     sync.Mutex
	secret []byte
	// heard are the messages whose signature is right, by webhook-id in the order in which they came; wrong counts others.
	heard []outsideMessage
	wrong int
}

type outsideMessage struct {
	ID, Type string
	Data     struct{ ID, Subject, Description, Status string }
}

// newOutsideCRM listens on loopback.
func newOutsideCRM(t *testing.T) *outsideCRM {
	t.Helper()
	o := &outsideCRM{t: t}
	s := httptest.NewServer(o)
	t.Cleanup(s.Close)
	o.url = s.URL + "/changes"
	return o
}

// meets sets the endpoint up in the portal; only administrators may.
func (o *outsideCRM) meets(p *program, admin *client) {
	o.t.Helper()
	o.portal = p.url
	var made struct{ ID, Secret string }
	if status := admin.call(http.MethodPost, "/admin/sync/hooks", map[string]any{"name": "Outside", "url": o.url, "writes": true}, &made); status != http.StatusCreated {
		o.t.Fatalf("set up the endpoint: status %d", status)
	}
	secret, err := hook.ParseSecret(made.Secret)
	if err != nil {
		o.t.Fatal(err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.secret = secret
}

func (o *outsideCRM) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	o.mu.Lock()
	defer o.mu.Unlock()
	id, failed := hook.Verify(r.Header, o.secret, body, time.Now())
	var m outsideMessage
	if err != nil || failed != nil || json.Unmarshal(body, &m) != nil {
		o.wrong++
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	m.ID = id
	o.heard = append(o.heard, m)
}

func (o *outsideCRM) messages(id string) []outsideMessage {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(o.heard), func(m outsideMessage) bool { return m.Data.ID != id })
}

// sends sends a change to the inbox, signed at a time with a secret.
func (o *outsideCRM) sends(id string, secret []byte, at time.Time, body string) (status int, answer string) {
	o.t.Helper()
	req, err := http.NewRequest(http.MethodPost, o.portal+"/api/v1/crm/inbox", bytes.NewReader([]byte(body)))
	if err != nil {
		o.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Close = true
	hook.Sign(req.Header, secret, id, at, []byte(body))
	resp, err := (&http.Client{Timeout: longest}).Do(req)
	if err != nil {
		o.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		o.t.Fatal(err)
	}
	return resp.StatusCode, string(data)
}

// A CRM of somebody else hears of what changes, and what it sends reaches Exchange: once, and only with its signature.
func TestAnOutsideCRM(t *testing.T) {
	t.Parallel()
	o := newOutsideCRM(t)
	x, p := keptAsOne(t, "PORTICO_SYNC_HOOK_NETWORKS=127.0.0.0/8")
	day := dayAhead(t)
	o.meets(p, p.signIn("alice").loaded())
	bob, frank := p.signIn("bob").loaded(), p.signIn("frank").loaded()
	bobs, carols := outlook(t, x.URL(), "bob"), outlook(t, x.URL(), "carol")

	// Out: what bob makes, and what he changes in Outlook, in that order.
	made := bob.inCRM("heard-of-outside", "Heard outside", clock(day, 9, 0), map[string]any{"body": "one\ntwo"})
	await(t, longest, "the first message", func() bool { return len(o.messages(made.ID)) > 0 })
	if m := o.messages(made.ID)[0]; m.Type != "appointment.created" || m.Data.Subject != "Heard outside" || m.Data.Description != "Heard outside\none\ntwo" {
		t.Errorf("heard %+v", m)
	}
	bobs.set(bobs.one("Heard outside", nil), "item:Subject", "Renamed in Outlook")
	await(t, longest, "the change of Outlook", func() bool {
		all := o.messages(made.ID)
		last := all[len(all)-1]
		return last.Type == "appointment.updated" && last.Data.Subject == "Renamed in Outlook"
	})
	secret := bob.inCRM("secret-heard-outside", "Not for outside", clock(day, 10, 0), map[string]any{"private": true, "body": "hush"})
	await(t, longest, "the private one", func() bool { return len(o.messages(secret.ID)) > 0 })
	for _, m := range o.messages(secret.ID) {
		if m.Data.Subject != "" || strings.Contains(m.Data.Description, "hush") || strings.Contains(m.Data.Description, "outside") {
			t.Errorf("outside reads of what is private %+v", m)
		}
	}

	// In: an appointment with people of both sides.
	body, err := json.Marshal(map[string]any{"type": "appointment.created", "timestamp": time.Now().UTC(), "data": map[string]any{
		"id": "4711", "calendar": "sip:bob@example.test", "description": "From outside\nWith a text", "start": clock(day, 14, 0), "end": clock(day, 15, 0), "time_zone": "Europe/Vienna",
		"attendees": []map[string]string{{"uri": "sip:carol@example.test", "email": "carol@example.test", "role": "required"}, {"uri": "sip:frank@example.test", "email": "frank@example.test", "role": "required"}}}})
	if err != nil {
		t.Fatal(err)
	}
	if status, answer := o.sends("msg_1", o.secret, time.Now(), string(body)); status != http.StatusOK || !strings.Contains(answer, "From outside") {
		t.Fatalf("the inbox: status %d: %s", status, answer)
	}
	frank.shows(day, "From outside", func(m meeting) bool { return m.Body == "With a text" })
	bobs.one("From outside", func(i item) bool { return i.Start.Equal(clock(day, 14, 0)) })
	carols.one("From outside", nil)
	// Once more the same, and others that are refused.
	if status, answer := o.sends("msg_1", o.secret, time.Now(), string(body)); status != http.StatusOK {
		t.Errorf("a repeat: status %d: %s", status, answer)
	}
	for what, send := range map[string]func() int{
		"another secret": func() int { n, _ := o.sends("msg_2", hook.NewSecret(), time.Now(), string(body)); return n },
		"an old message": func() int { n, _ := o.sends("msg_3", o.secret, time.Now().Add(-time.Hour), string(body)); return n },
	} {
		if status := send(); status != http.StatusUnauthorized {
			t.Errorf("%s: status %d", what, status)
		}
	}
	atRest(t, p)
	if n, r := len(bobs.with("From outside")), carols.of(requestLetter, "From outside"); n != 1 || r != 1 {
		t.Errorf("it is in bob's mailbox %d times, and carol got %d invitations", n, r)
	}
	gone := `{"type":"appointment.deleted","timestamp":"` + time.Now().UTC().Format(time.RFC3339) + `","data":{"id":"4711"}}`
	if status, answer := o.sends("msg_4", o.secret, time.Now(), gone); status != http.StatusOK {
		t.Fatalf("the deletion: status %d: %s", status, answer)
	}
	await(t, longest, "the deletion at Exchange", func() bool {
		return len(bobs.with("From outside")) == 0 && carols.of(cancelLetter, "From outside") == 1 && len(frank.meets(day, "From outside")) == 0
	})
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.wrong > 0 {
		t.Errorf("%d messages came with a wrong signature", o.wrong)
	}
}
