package ewslab

// What the tests share: a running server, requests as text, and the schema that every request and answer is held to.

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// recorded are the bodies of all exchanges of this run, validated together at its end.
var recorded = struct {
	sync.Mutex
	bodies []recordedBody
}{}

type recordedBody struct{ test, what, xml string }

func TestMain(m *testing.M) {
	code := m.Run()
	if code == 0 {
		code = validateRecorded()
	}
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// schemaFolder finds messages.xsd: where the environment says, or in a folder shared/ews-schema beside the checkout.
func schemaFolder() string {
	if dir := os.Getenv("PORTICO_EWS_SCHEMA"); dir != "" {
		return dir
	}
	dir, err := os.Getwd()
	if err != nil {
		return ""
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if found := filepath.Join(dir, "shared", "ews-schema"); exists(filepath.Join(found, "messages.xsd")) {
			return found
		}
	}
	return ""
}

func exists(path string) bool { _, err := os.Stat(path); return err == nil }

// validateRecorded holds all that was sent and answered to the schema; without the schema or xmllint it says so and passes, unless the
// environment demands the peers and the schema is at hand.
func validateRecorded() int {
	recorded.Lock()
	defer recorded.Unlock()
	if len(recorded.bodies) == 0 {
		return 0
	}
	dir := schemaFolder()
	lint, err := exec.LookPath("xmllint")
	if dir == "" || err != nil {
		fmt.Fprintln(os.Stderr, "ewslab: requests and answers were not validated: the EWS schema or xmllint is missing")
		if dir != "" && os.Getenv("PORTICO_REQUIRE_PEERS") == "1" {
			return 1 // the schema is at hand, and what holds to it is missing
		}
		return 0
	}
	tmp, err := os.MkdirTemp("", "ewslab")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(tmp)
	args := []string{"--noout", "--nonet", "--schema", filepath.Join(dir, "messages.xsd")}
	seen := map[string]bool{}
	for n, b := range recorded.bodies {
		if seen[b.xml] {
			continue
		}
		seen[b.xml] = true
		name := filepath.Join(tmp, fmt.Sprintf("%04d-%s-%s.xml", n, strings.ReplaceAll(b.test, "/", "_"), b.what))
		if err := os.WriteFile(name, []byte(b.xml), 0o600); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		args = append(args, name)
	}
	out, err := exec.Command(lint, args...).CombinedOutput()
	if err == nil {
		return 0
	}
	for line := range strings.Lines(string(out)) {
		if !strings.HasSuffix(strings.TrimSpace(line), " validates") {
			fmt.Fprint(os.Stderr, line)
		}
	}
	fmt.Fprintln(os.Stderr, "ewslab: not all requests and answers are valid against the schema:", err)
	return 1
}

var bodyForm = regexp.MustCompile(`(?s)<(?:\w+:)?Body>(.*)</(?:\w+:)?Body>`)
var rootForm = regexp.MustCompile(`^<([\w:]+)`)

// record keeps the child of an envelope's body for the validation.
func record(t *testing.T, what, envelope string) {
	t.Helper()
	g := bodyForm.FindStringSubmatch(envelope)
	if g == nil || strings.Contains(g[1], ":Fault>") {
		return
	}
	body := rootForm.ReplaceAllString(strings.TrimSpace(g[1]), `<$1 xmlns:m="`+nsMessages+`" xmlns:t="`+nsTypes+`"`)
	recorded.Lock()
	defer recorded.Unlock()
	recorded.bodies = append(recorded.bodies, recordedBody{t.Name(), what, body})
}

// lab is a running server with a client.
type lab struct {
	*Server
	t      *testing.T
	client *http.Client
	clock  *clockHand
}

// clockHand is a clock that a test moves.
type clockHand struct {
	mu sync.Mutex
	at time.Time
}

func (c *clockHand) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clockHand) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// people are the mailboxes of the tests.
func people() []Person {
	const berlin = "W. Europe Standard Time"
	return []Person{
		{User: "alice", Name: "Alice Adler", Password: "portico", TimeZone: berlin}, {User: "bob", Name: "Bob Berg", Password: "portico", TimeZone: berlin},
		{User: "carol", Name: "Carol Conti", Password: "portico", TimeZone: "Pacific Standard Time"}, {User: "all", Name: "All", List: []string{"alice", "bob"}},
	}
}

// start runs a server until the test is over.
func start(t *testing.T, change ...func(*Config)) *lab {
	t.Helper()
	clock := &clockHand{at: time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)}
	cfg := Config{People: people(), Service: &Account{"svc-portico", "secret"}, Now: clock.now}
	for _, f := range change {
		f(&cfg)
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	l := &lab{Server: s, t: t, client: &http.Client{Transport: &http.Transport{}, Timeout: 5 * time.Minute}, clock: clock}
	t.Cleanup(func() {
		l.client.CloseIdleConnections()
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the server ended with %v", err)
		}
	})
	return l
}

// caller is somebody who sends requests.
type caller struct {
	*lab
	user, password string
	header         string // SOAP headers
}

func (l *lab) as(user string) caller { return caller{l, user, "portico", ""} }

// service is the service account in somebody's name.
func (l *lab) service(address string) caller {
	return caller{l, "svc-portico", "secret", `<t:ExchangeImpersonation><t:ConnectingSID><t:PrimarySmtpAddress>` + address + `</t:PrimarySmtpAddress></t:ConnectingSID></t:ExchangeImpersonation>`}
}

// in adds the zone of times without offset.
func (c caller) in(zone string) caller {
	c.header += `<t:TimeZoneContext><t:TimeZoneDefinition Id="` + zone + `"/></t:TimeZoneContext>`
	return c
}

// envelopeOf wraps an operation as a client would.
func envelopeOf(header, body string) string {
	return `<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="` + nsSOAP + `" xmlns:m="` + nsMessages + `" xmlns:t="` + nsTypes + `"><s:Header>` + header +
		`</s:Header><s:Body>` + body + `</s:Body></s:Envelope>`
}

// raw sends an envelope and answers status and text.
func (c caller) raw(envelope string) (int, string) {
	c.t.Helper()
	req, err := http.NewRequest(http.MethodPost, c.URL(), strings.NewReader(envelope))
	if err != nil {
		c.t.Fatal(err)
	}
	req.SetBasicAuth(c.user, c.password)
	req.Header.Set("Content-Type", contentType)
	resp, err := c.client.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	if got := resp.Header.Get("Content-Type"); got != contentType && resp.StatusCode != http.StatusUnauthorized {
		c.t.Errorf("Content-Type %q", got)
	}
	return resp.StatusCode, string(data)
}

// do sends an operation that the schema allows and answers the response element.
func (c caller) do(body string) *node {
	c.t.Helper()
	envelope := envelopeOf(c.header, body)
	record(c.t, "request", envelope)
	return c.loose(body)
}

// loose sends an operation that real clients send though the schema forbids it.
func (c caller) loose(body string) *node {
	c.t.Helper()
	status, text := c.raw(envelopeOf(c.header, body))
	if status != http.StatusOK {
		c.t.Fatalf("status %d: %s\n%s", status, text, body)
	}
	record(c.t, "answer", text)
	root, err := readTree(strings.NewReader(text))
	if err != nil {
		c.t.Fatal(err)
	}
	return root.kid("Body").Kids[0]
}

// refused sends an operation that fails as a whole and answers the code of the fault.
func (c caller) refused(body string) string {
	c.t.Helper()
	status, text := c.raw(envelopeOf(c.header, body))
	if status != http.StatusInternalServerError {
		c.t.Fatalf("status %d, want a fault: %s", status, text)
	}
	root, err := readTree(strings.NewReader(text))
	if err != nil {
		c.t.Fatal(err)
	}
	return root.text("Body", "Fault", "detail", "ResponseCode")
}

// ok sends an operation with one response message and demands its success.
func (c caller) ok(body string) *node {
	c.t.Helper()
	msgs := c.do(body).kid("ResponseMessages").kids()
	if len(msgs) != 1 || msgs[0].attr("ResponseClass") != "Success" || msgs[0].text("ResponseCode") != "NoError" {
		c.t.Fatalf("no success: %v\n%s", msgs, body)
	}
	return msgs[0]
}

// code sends an operation with one response message and answers its code.
func (c caller) code(body string) string {
	c.t.Helper()
	msgs := c.do(body).kid("ResponseMessages").kids()
	if len(msgs) != 1 {
		c.t.Fatalf("%d messages", len(msgs))
	}
	return msgs[0].text("ResponseCode")
}

// ref is an identifier with its change key.
type ref struct{ ID, Key string }

func refOf(n *node) ref { return ref{n.attr("Id"), n.attr("ChangeKey")} }

// item is t:ItemId.
func (r ref) item() string {
	return `<t:ItemId Id="` + r.ID + `"` + keyAttr(r.Key) + `/>`
}

func keyAttr(key string) string {
	if key == "" {
		return ""
	}
	return ` ChangeKey="` + key + `"`
}

// folderID is t:DistinguishedFolderId.
func folderID(name string) string { return `<t:DistinguishedFolderId Id="` + name + `"/>` }

// create makes a calendar item without inviting anybody.
func (c caller) create(props string) ref {
	c.t.Helper()
	return refOf(c.ok(`<m:CreateItem SendMeetingInvitations="SendToNone"><m:Items><t:CalendarItem>`+props+`</t:CalendarItem></m:Items></m:CreateItem>`).kid("Items", "CalendarItem", "ItemId"))
}

// meet makes a plain appointment of an hour.
func (c caller) meet(subject, start string) ref {
	c.t.Helper()
	at, err := time.Parse(time.RFC3339, start)
	if err != nil {
		c.t.Fatal(err)
	}
	return c.create(`<t:Subject>` + subject + `</t:Subject><t:Start>` + start + `</t:Start><t:End>` + stamp(at.Add(time.Hour)) + `</t:End>`)
}

// get reads all of an item.
func (c caller) get(id string, extra ...string) *node {
	c.t.Helper()
	more := ""
	if len(extra) > 0 {
		more = `<t:AdditionalProperties>` + strings.Join(extra, "") + `</t:AdditionalProperties>`
	}
	return c.ok(`<m:GetItem><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape>` + more + `</m:ItemShape><m:ItemIds>` + id + `</m:ItemIds></m:GetItem>`).kid("Items").Kids[0]
}

// update changes an item; how is the conflict resolution.
func (c caller) update(id, how string, updates ...string) string {
	return `<m:UpdateItem MessageDisposition="SaveOnly" ConflictResolution="` + how + `" SendMeetingInvitationsOrCancellations="SendToNone"><m:ItemChanges><t:ItemChange>` + id +
		`<t:Updates>` + strings.Join(updates, "") + `</t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>`
}

// setField is one t:SetItemField of a calendar item.
func setField(uri, value string) string {
	return `<t:SetItemField><t:FieldURI FieldURI="` + uri + `"/><t:CalendarItem>` + value + `</t:CalendarItem></t:SetItemField>`
}

// remove deletes an item.
func (c caller) remove(id string) string {
	return `<m:DeleteItem DeleteType="HardDelete" SendMeetingCancellations="SendToNone"><m:ItemIds>` + id + `</m:ItemIds></m:DeleteItem>`
}

// view answers "start subject" of what a calendar view shows.
func (c caller) view(from, to string) []string {
	c.t.Helper()
	msg := c.ok(`<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape></m:ItemShape><m:CalendarView StartDate="` + from + `" EndDate="` + to +
		`"/><m:ParentFolderIds>` + folderID("calendar") + `</m:ParentFolderIds></m:FindItem>`)
	var out []string
	for _, i := range msg.kid("RootFolder", "Items").kids() {
		out = append(out, i.text("Start")+" "+i.text("Subject"))
	}
	return out
}

// equal compares what %v makes of two values.
func equal(t *testing.T, got, want any) {
	t.Helper()
	if g, w := fmt.Sprintf("%v", got), fmt.Sprintf("%v", want); g != w {
		t.Errorf("got  %s\nwant %s", g, w)
	}
}

// testdata reads a recorded request.
func testdata(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return bytes.TrimSpace(data)
}
