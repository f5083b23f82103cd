package soap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"testing"
	"time"

	"portico/app/portal"
)

// A server of a few lines: a round tripper that answers by a script.

// step is one answer of a script.
type step func(*http.Request) (*http.Response, error)

// script answers request after request; the last step answers all further ones.
type script struct {
	mu     sync.Mutex
	steps  []step
	bodies []string
	heads  []http.Header
	urls   []string
	at     []time.Time
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	body := ""
	if r.Body != nil {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		body = string(b)
	}
	s.mu.Lock()
	n := min(len(s.bodies), len(s.steps)-1)
	s.bodies, s.heads, s.urls, s.at = append(s.bodies, body), append(s.heads, r.Header.Clone()), append(s.urls, r.Method+" "+r.URL.String()), append(s.at, time.Now())
	do := s.steps[n]
	s.mu.Unlock()
	resp, err := do(r)
	if resp != nil {
		resp.Request = r
	}
	return resp, err
}

func (s *script) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.bodies)
}

func reply(status int, kind, body string, header ...string) step {
	return func(r *http.Request) (*http.Response, error) {
		connected(r)
		h := http.Header{"Content-Type": {kind}}
		for i := 0; i+1 < len(header); i += 2 {
			h.Add(header[i], header[i+1])
		}
		return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body)), ContentLength: -1}, nil
	}
}

const xmlKind = "text/xml; charset=utf-8"

func xmlReply(body string) step { return reply(200, xmlKind, envelope(body)) }

// envelope makes an answer's envelope as Exchange does, types as default namespace.
func envelope(body string) string {
	return `<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header>` +
		`<h:ServerVersionInfo MajorVersion="15" MinorVersion="1" MajorBuildNumber="2507" MinorBuildNumber="6" Version="V2017_07_11" xmlns:h="t"/></s:Header>` +
		`<s:Body xmlns:xsi="i">` + body + `</s:Body></s:Envelope>`
}

func faultBody(code, text, more string) string {
	return `<s:Fault><faultcode xmlns:a="t">a:` + code + `</faultcode><faultstring xml:lang="en-US">` + text + `</faultstring><detail>` +
		`<e:ResponseCode xmlns:e="e">` + code + `</e:ResponseCode><e:Message xmlns:e="e">` + text + `</e:Message>` + more + `</detail></s:Fault>`
}

func backOff(ms int) string {
	return fmt.Sprintf(`<t:MessageXml xmlns:t="t"><t:Value Name="BackOffMilliseconds">%d</t:Value></t:MessageXml>`, ms)
}

func faultReply(status int, code, more string) step {
	return reply(status, xmlKind, envelope(faultBody(code, "no", more)))
}

// itemAnswer is an answer to GetItem with one message for each id; an id that begins with "Error"
// is a refusal with that code.
func itemAnswer(ids ...string) string {
	return answersTo("GetItem", ids...)
}

func answersTo(op string, ids ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<m:%sResponse xmlns:m="m" xmlns:t="t"><m:ResponseMessages>`, op)
	for _, id := range ids {
		if strings.HasPrefix(id, "Error") {
			fmt.Fprintf(&b, `<m:%sResponseMessage ResponseClass="Error"><m:MessageText>no</m:MessageText><m:ResponseCode>%s</m:ResponseCode><m:DescriptiveLinkKey>0</m:DescriptiveLinkKey><m:Items/></m:%sResponseMessage>`, op, id, op)
			continue
		}
		fmt.Fprintf(&b, `<m:%sResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode><m:Items><t:CalendarItem><t:ItemId Id="%s" ChangeKey="1"/><t:Subject>S &amp; T</t:Subject><t:Start>2026-11-22T09:00:00Z</t:Start></t:CalendarItem></m:Items></m:%sResponseMessage>`, op, id, op)
	}
	fmt.Fprintf(&b, `</m:ResponseMessages></m:%sResponse>`, op)
	return b.String()
}

func getItem(ids ...string) *GetItem {
	g := &GetItem{Shape: ItemShape{BaseShape: IDOnly}}
	for _, id := range ids {
		g.Items = append(g.Items, ItemByID(id, ""))
	}
	return g
}

func createItem() *CreateItem {
	return &CreateItem{SendInvitations: SendToNone, Items: []NewItem{{CalendarItem: &CalendarItem{Item: Item{Subject: "x"}}}}}
}

// scripted makes a client whose server is the script.
func scripted(t *testing.T, change func(*Options), steps ...step) (*Client, *script) {
	t.Helper()
	s := &script{steps: steps}
	o := Options{URL: "https://mail.example.org/EWS/Exchange.asmx", Auth: Basic("ann", "secret"), HTTP: &http.Client{Transport: s}, Jitter: func() float64 { return 0.5 }}
	if change != nil {
		change(&o)
	}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, s
}

// once is for clients that must not send anything twice.
func once(o *Options) { o.Attempts = 1 }

func wantMeaning(t *testing.T, err, meaning error) {
	t.Helper()
	if got := portal.Meaning(err); got != meaning {
		t.Errorf("meaning %v of %v, want %v", got, err, meaning)
	}
}

// connected tells the request's trace that there is a connection.
func connected(r *http.Request) {
	if trace := httptrace.ContextClientTrace(r.Context()); trace != nil && trace.GotConn != nil {
		trace.GotConn(httptrace.GotConnInfo{})
	}
}

// hang answers when the caller gives up.
func hang(r *http.Request) (*http.Response, error) {
	connected(r)
	<-r.Context().Done()
	return nil, r.Context().Err()
}

var errBroken = errors.New("connection reset")

// failing never gets a connection.
func failing(*http.Request) (*http.Response, error) { return nil, errBroken }

func background(t *testing.T) context.Context {
	t.Helper()
	return t.Context()
}
