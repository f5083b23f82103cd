package ewslab

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// ask sends GetFolder, or another operation, and answers what came back, whole or not.
func (c caller) ask(body string) (resp *http.Response, text string, err error) {
	c.t.Helper()
	req, err := http.NewRequest(http.MethodPost, c.URL(), strings.NewReader(envelopeOf(c.header, body)))
	if err != nil {
		c.t.Fatal(err)
	}
	req.SetBasicAuth(c.user, c.password)
	req.Header.Set("Content-Type", contentType)
	if resp, err = c.client.Do(req); err != nil {
		return nil, "", err
	}
	data, err := io.ReadAll(resp.Body)
	if closeErr := resp.Body.Close(); err == nil {
		err = closeErr
	}
	return resp, string(data), err
}

const plainRequest = `<m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape><m:FolderIds><t:DistinguishedFolderId Id="inbox"/></m:FolderIds></m:GetFolder>`

// set sets a fault for the rest of the test.
func (l *lab) set(f Fault) {
	l.t.Helper()
	if _, err := l.Fault(f); err != nil {
		l.t.Fatal(err)
	}
}

func TestBusyInThreeShapes(t *testing.T) {
	l := example(t)
	alice := l.as("alice")
	l.set(Fault{Kind: FaultBusy503, Count: 1, BackOff: 1500 * time.Millisecond})
	resp, _, err := alice.ask(plainRequest)
	if err != nil || resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") != "2" {
		t.Errorf("%v, %v", resp, err)
	}
	l.set(Fault{Kind: FaultBusy500, Count: 1, BackOff: 1500 * time.Millisecond})
	resp, text, err := alice.ask(plainRequest)
	if err != nil || resp.StatusCode != http.StatusInternalServerError || !strings.Contains(text, `<t:Value Name="BackOffMilliseconds">1500</t:Value>`) ||
		!strings.Contains(text, ">The server cannot service this request right now. Try again later.<") || !strings.Contains(text, ">ErrorServerBusy<") {
		t.Errorf("%v, %v, %s", resp, err, text)
	}
	for _, body := range []string{plainRequest, `<m:GetUserOofSettingsRequest><t:Mailbox><t:Address>alice@example.test</t:Address></t:Mailbox></m:GetUserOofSettingsRequest>`,
		availability("alice", "FreeBusy", "2026-03-04T00:00:00", "2026-03-05T00:00:00"), getDelegate("alice"), mailTips("bob")} {
		l.set(Fault{Kind: FaultBusy200, Count: 1})
		n := alice.do(body)
		if text := n.String(); !strings.Contains(text, ">ErrorInternalServerError<") || !strings.Contains(text, `Name="InnerErrorResponseCode">ErrorServerBusy<`) {
			t.Errorf("%s", text)
		}
		if strings.Contains(alice.do(body).String(), "ErrorServerBusy") {
			t.Error("still busy")
		}
	}
	l.set(Fault{Kind: FaultBusy200, Count: 1})
	equal(t, alice.refused(`<m:GetRoomLists/>`), "ErrorServerBusy")
}

func TestFaultsOfOneOperationOrOneMailbox(t *testing.T) {
	l := example(t)
	alice, bob := l.as("alice"), l.as("bob")
	lift, err := l.Fault(Fault{Kind: FaultError, Operation: "GetFolder", Mailbox: "alice@example.test", Code: "ErrorMailboxStoreUnavailable"})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, alice.refused(plainRequest), "ErrorMailboxStoreUnavailable")
	equal(t, l.service("alice@example.test").refused(plainRequest), "ErrorMailboxStoreUnavailable")
	bob.ok(plainRequest)
	alice.do(`<m:GetRoomLists/>`)
	lift()
	alice.ok(plainRequest)
	l.set(Fault{Kind: FaultError, For: time.Minute})
	equal(t, bob.refused(plainRequest), "ErrorInternalServerError")
	l.clock.advance(time.Minute)
	bob.ok(plainRequest)
	l.set(Fault{Kind: FaultUnauthorized, Count: 1})
	if status, _ := bob.raw(envelopeOf("", plainRequest)); status != http.StatusUnauthorized {
		t.Errorf("status %d", status)
	}
	l.set(Fault{Kind: FaultHTML, Count: 1})
	resp, text, err := bob.ask(plainRequest)
	if err != nil || resp.StatusCode != http.StatusOK || !strings.HasPrefix(text, "<html>") {
		t.Errorf("%v, %v, %s", resp, err, text)
	}
	for _, f := range []Fault{{Kind: "other"}, {Kind: FaultSlow, Mailbox: "nobody"}} {
		if _, err := l.Fault(f); err == nil {
			t.Errorf("%v is taken", f)
		}
	}
}

func TestTheWorkIsDoneAndTheAnswerLost(t *testing.T) {
	l := example(t)
	alice := l.as("alice")
	create := func(subject string) string {
		return `<m:CreateItem SendMeetingInvitations="SendToNone"><m:Items><t:CalendarItem><t:Subject>` + subject + `</t:Subject><t:Start>2026-03-04T10:00:00Z</t:Start><t:End>2026-03-04T11:00:00Z</t:End></t:CalendarItem></m:Items></m:CreateItem>`
	}
	l.set(Fault{Kind: FaultHalf, Count: 1, Operation: "CreateItem"})
	if _, text, err := alice.ask(create("Half")); !errors.Is(err, io.ErrUnexpectedEOF) || !strings.Contains(text, "<Envelope") || strings.Contains(text, "</Envelope>") {
		t.Errorf("%v: %s", err, text)
	}
	l.set(Fault{Kind: FaultDrop, Count: 1, Operation: "CreateItem"})
	if resp, _, err := alice.ask(create("Dropped")); err == nil {
		t.Errorf("answered %v", resp)
	}
	alice.only("calendar", "Half")
	alice.only("calendar", "Dropped")
	l.set(Fault{Kind: FaultDown, Count: 1, Operation: "CreateItem"})
	if resp, _, err := alice.ask(create("Never")); err == nil {
		t.Errorf("answered %v", resp)
	}
	equal(t, len(alice.inFolder("calendar", "Never")), 0)
}

func TestSlowAndDown(t *testing.T) {
	l := example(t)
	alice := l.as("alice")
	l.set(Fault{Kind: FaultSlow, Count: 1, Delay: 20 * time.Millisecond})
	alice.ok(plainRequest)
	s := alice.listen(30, alice.subscribe("Streaming", "").text("SubscriptionId"))
	equal(t, s.message().text("ConnectionStatus"), "OK")
	lift, err := l.Fault(Fault{Kind: FaultDown})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.ended(); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("the stream ended with %v, want it broken", err)
	}
	if _, _, err := alice.ask(plainRequest); err == nil {
		t.Error("answered though down")
	}
	lift()
	alice.ok(plainRequest)
}

func TestStreamsThatFail(t *testing.T) {
	l := example(t, func(c *Config) { c.KeepAlive = 5 * time.Millisecond })
	alice, bob := l.as("alice"), l.as("bob")
	open := func(c caller) (*listener, string) {
		id := c.subscribe("Streaming", "").text("SubscriptionId")
		s := c.listen(30, id)
		equal(t, s.message().text("ConnectionStatus"), "OK")
		return s, id
	}
	cut, _ := open(alice)
	other, _ := open(bob)
	l.set(Fault{Kind: FaultCutStreams, Mailbox: "alice"})
	if err := cut.ended(); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("the stream ended with %v, want it broken", err)
	}
	equal(t, other.message().text("ConnectionStatus"), "OK")

	lost, id := open(alice)
	l.set(Fault{Kind: FaultLost, Mailbox: "alice"})
	equal(t, lost.next().text("ErrorSubscriptionIds", "SubscriptionId"), id)

	silent, id := open(alice)
	lift, err := l.Fault(Fault{Kind: FaultSilent, Mailbox: "alice"})
	if err != nil {
		t.Fatal(err)
	}
	alice.meet("Unheard", "2026-03-04T10:00:00Z")
	// One that is opened meanwhile is silent from the outset.
	mute := alice.listen(30, alice.subscribe("Streaming", "").text("SubscriptionId"))
	for range 3 {
		equal(t, other.message().text("ConnectionStatus"), "OK") // time passes for the other
	}
	lift()
	// What the silent stream does not say waits for the next one.
	next := alice.listen(30, id)
	for n := next.message(); n.kid("Notifications") == nil; n = next.message() {
	}
	for len(silent.docs) > 0 {
		if n := <-silent.docs; n.kid("Notifications") != nil {
			t.Errorf("the silent stream says %v", n)
		}
	}
	equal(t, len(mute.docs), 0)
}

func TestTheSwitchboardsDoor(t *testing.T) {
	l := example(t)
	alice := l.as("alice")
	door := "http://" + l.Addr() + FaultsPath
	send := func(method, contentType, body string) (int, string) {
		t.Helper()
		req, err := http.NewRequest(method, door, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", contentType)
		resp, err := l.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(resp.Body)
		if closeErr := resp.Body.Close(); err != nil || closeErr != nil {
			t.Fatal(err, closeErr)
		}
		return resp.StatusCode, string(data)
	}
	status, _ := send(http.MethodPost, "application/json", `{"kind":"error","operation":"GetFolder","mailbox":"alice","count":3,"code":"ErrorQuotaExceeded"}`)
	equal(t, status, http.StatusNoContent)
	equal(t, alice.refused(plainRequest), "ErrorQuotaExceeded")
	_, list := send(http.MethodGet, "", "")
	equal(t, strings.TrimSpace(list), `[{"number":1,"kind":"error","operation":"GetFolder","mailbox":"alice","count":3,"code":"ErrorQuotaExceeded","struck":1}]`)
	for body, want := range map[string]int{`{"kind":"x"}`: 400, `{`: 400, `"` + strings.Repeat("x", 17<<10) + `"`: 413} {
		status, _ := send(http.MethodPost, "application/json", body)
		equal(t, status, want)
	}
	status, _ = send(http.MethodPost, "text/plain", `{"kind":"down"}`)
	equal(t, status, http.StatusUnsupportedMediaType)
	status, _ = send(http.MethodPut, "application/json", `{}`)
	equal(t, status, http.StatusMethodNotAllowed)
	// It works while the server is down.
	status, _ = send(http.MethodPost, "application/json", `{"kind":"down"}`)
	equal(t, status, http.StatusNoContent)
	status, _ = send(http.MethodDelete, "", "")
	equal(t, status, http.StatusNoContent)
	alice.ok(plainRequest)
}
