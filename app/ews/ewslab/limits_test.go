package ewslab

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// hold keeps so many requests of a caller under way until the function it gives is called, which waits for their ends.
func (c caller) hold(n int, body string) (release func()) {
	c.t.Helper()
	operation := strings.TrimPrefix(body[:strings.IndexAny(body, " >")], "<m:")
	lift, err := c.Fault(Fault{Kind: FaultSlow, Operation: operation, Delay: time.Hour})
	if err != nil {
		c.t.Fatal(err)
	}
	before := c.Usage().Served
	ctx, stop := context.WithCancel(c.t.Context())
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL(), strings.NewReader(envelopeOf(c.header, body)))
			if err != nil {
				c.t.Error(err)
				return
			}
			req.SetBasicAuth(c.user, c.password)
			resp, err := c.client.Do(req)
			if err == nil {
				c.t.Errorf("a request that hangs was answered: %s, %v", resp.Status, resp.Body.Close())
			} else if !errors.Is(err, context.Canceled) {
				c.t.Errorf("a request that hangs ended with %v", err)
			}
		})
	}
	c.until("the requests to be under way", func() bool { return c.Usage().Served == before+int64(n) })
	lift()
	return func() {
		stop()
		all.Wait()
		c.until("the requests to be over", func() bool {
			c.limiter.mu.Lock()
			defer c.limiter.mu.Unlock()
			for _, b := range c.limiter.budgets {
				if b.requests > 0 {
					return false
				}
			}
			return true
		})
	}
}

// until waits until something is so.
func (l *lab) until(what string, ok func() bool) {
	l.t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); {
		if time.Now().After(deadline) {
			l.t.Fatalf("waited in vain for %s", what)
		}
		select {
		case <-time.After(time.Millisecond):
		case <-l.t.Context().Done():
		}
	}
}

const syncCalendar = `<m:SyncFolderItems><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:SyncFolderId><t:DistinguishedFolderId Id="calendar"/></m:SyncFolderId>` +
	`<m:MaxChangesReturned>10</m:MaxChangesReturned></m:SyncFolderItems>`

// refusedAs demands the fault of a limit with its values.
func (c caller) refusedAs(body, code string, values ...string) {
	c.t.Helper()
	status, text := c.raw(envelopeOf(c.header, body))
	if status != http.StatusInternalServerError || !strings.Contains(text, `>`+code+`</e:ResponseCode>`) || !strings.Contains(text, "<faultcode xmlns:a=\""+nsTypes+"\">a:"+code+"</faultcode>") {
		c.t.Errorf("status %d: %s", status, text)
	}
	for _, v := range values {
		if !strings.Contains(text, `<t:MessageXml xmlns:t="`+nsTypes+`">`) || !strings.Contains(text, v) {
			c.t.Errorf("no %q in %s", v, text)
		}
	}
}

func TestMoreRequestsAtOnceThanThePolicyAllows(t *testing.T) {
	l := start(t, func(c *Config) { c.Limits = Limits{Requests: 3, Syncs: 2} })
	alice := l.as("alice")
	release := alice.hold(3, plainRequest)
	alice.refusedAs(plainRequest, "ErrorExceededConnectionCount", `<t:Value Name="Policy">MaxConcurrency</t:Value>`, `<t:Value Name="MaxConcurrencyLimit">3</t:Value>`,
		`policy part 'MaxConcurrency', policy value '3',  Budget type: 'Ews'.  Suggested backoff time 0 ms.`)
	// Others have budgets of their own: another mailbox, service accounts in alice's name, the service account by itself.
	for _, other := range []caller{l.as("bob"), l.service("alice@example.test"), l.service("bob@example.test")} {
		other.ok(plainRequest)
	}
	// What hangs is charged apart.
	equal(t, alice.listen(1, l.given("alice")).message().text("ConnectionStatus"), "OK")
	release()
	alice.ok(plainRequest)
	u := l.Usage()
	equal(t, u.Refused, "map[requests:1]")
	equal(t, u.Most[LimitRequests], 3)
	equal(t, u.Refusals(), 1)
}

// given is a streaming subscription of somebody that was there before.
func (l *lab) given(user string) string {
	sub := &subscription{id: subscriptionID(1), account: user, mailbox: l.people.mailbox(user).ID, all: true, types: map[string]bool{}, streaming: true, timeout: time.Hour}
	l.bells.add(sub, l.limiter.inForce(), l.clock.now())
	return sub.id
}

func TestMoreSynchronisationsAtOnceThanThePolicyAllows(t *testing.T) {
	l := start(t, func(c *Config) { c.Limits = Limits{Requests: 27, Syncs: 2} })
	alice := l.as("alice")
	release := alice.hold(2, syncCalendar)
	msg := alice.do(syncCalendar).kid("ResponseMessages").Kids[0]
	equal(t, msg.attr("ResponseClass")+" "+msg.text("ResponseCode"), "Error ErrorServerBusy")
	for _, want := range []string{`Name="BackOffMilliseconds">5000<`, `Name="Policy">ConcurrentSyncCalls<`, `Name="MaxConcurrencyLimit">2<`, `Suggested backoff time 5000 ms.`} {
		if !strings.Contains(msg.String(), want) {
			t.Errorf("no %q in %s", want, msg)
		}
	}
	alice.ok(plainRequest)
	release()
	alice.ok(syncCalendar)
	equal(t, l.Usage().Refused, "map[syncs:1]")
}

func TestEverythingIsChargedToTheCaller(t *testing.T) {
	l := start(t, func(c *Config) { c.Limits = Limits{Requests: 2, Streams: 2, Subscriptions: 3, ByCaller: true} })
	alice, bob := l.service("alice@example.test"), l.service("bob@example.test")
	release := alice.hold(2, plainRequest)
	equal(t, bob.refused(plainRequest), "ErrorExceededConnectionCount")
	l.as("alice").ok(plainRequest)
	release()
	var ids []string
	for _, c := range []caller{alice, alice, bob} {
		ids = append(ids, c.subscribe("Streaming", "").text("SubscriptionId"))
	}
	full := bob.subscribe("Streaming", "")
	equal(t, full.text("ResponseCode"), "ErrorExceededSubscriptionCount")
	if !strings.Contains(full.String(), `<t:Value Name="PolicyLimit">3</t:Value>`) {
		t.Errorf("%s", full)
	}
	equal(t, alice.listen(1, ids[0]).message().text("ConnectionStatus"), "OK")
	equal(t, bob.listen(1, ids[1]).message().text("ConnectionStatus"), "OK")
	bob.refusedAs(streamOf(ids[2]), "ErrorExceededConnectionCount", `<t:Value Name="Policy">HangingConnectionLimit</t:Value>`)
	alice.ok(`<m:Unsubscribe><m:SubscriptionId>` + ids[2] + `</m:SubscriptionId></m:Unsubscribe>`)
	equal(t, bob.subscribe("Streaming", "").text("ResponseCode"), "NoError")
	equal(t, l.Usage().Refused, "map[requests:1 streams:1 subscriptions:1]")
}

func streamOf(ids ...string) string {
	var b strings.Builder
	for _, id := range ids {
		b.WriteString(`<t:SubscriptionId>` + id + `</t:SubscriptionId>`)
	}
	return `<m:GetStreamingEvents><m:SubscriptionIds>` + b.String() + `</m:SubscriptionIds><m:ConnectionTimeout>1</m:ConnectionTimeout></m:GetStreamingEvents>`
}

func TestStreamsAreChargedToTheMailboxInWhoseNameTheyAreOpened(t *testing.T) {
	l := start(t, func(c *Config) { c.Limits = Limits{Streams: 1, StreamSubscriptions: 2} })
	alice, bob := l.service("alice@example.test"), l.service("bob@example.test")
	a, b := alice.subscribe("Streaming", "").text("SubscriptionId"), bob.subscribe("Streaming", "").text("SubscriptionId")
	s := alice.listen(1, a)
	equal(t, s.message().text("ConnectionStatus"), "OK")
	alice.refusedAs(streamOf(b), "ErrorExceededConnectionCount")
	equal(t, bob.listen(1, b).message().text("ConnectionStatus"), "OK")
	bob.refusedAs(streamOf(a, b, a), errorSchemaValidation)
	equal(t, l.Usage().Refused, "map[stream_subscriptions:1 streams:1]")
	equal(t, l.Usage().Most[LimitStreamSubscriptions], 1)
	// A stream that has ended is no longer charged.
	l.strikeAtOnce(FaultCloseStreams, nil)
	equal(t, s.message().text("ConnectionStatus"), "Closed")
	l.until("a place for a stream", func() bool {
		l.limiter.mu.Lock()
		defer l.limiter.mu.Unlock()
		return l.limiter.budgets[payer{anyService, l.people.mailbox("alice").ID}] == nil
	})
	equal(t, alice.listen(1, a).message().text("ConnectionStatus"), "OK")
}

func TestNoMoreObjectsAtOnceThanThePolicyAllows(t *testing.T) {
	l := start(t, func(c *Config) { c.Limits = Limits{Find: 4, Search: 2} })
	alice := l.as("alice")
	for i := range 6 {
		alice.meet("m"+strconv.Itoa(i), "2026-03-04T1"+strconv.Itoa(i)+":00:00Z")
	}
	query := func(view, more string) string {
		return `<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape>` + view + more + `<m:ParentFolderIds>` + folderID("calendar") + `</m:ParentFolderIds></m:FindItem>`
	}
	paged := func(view, more string) string {
		root := alice.ok(query(view, more)).kid("RootFolder")
		return strconv.Itoa(len(root.kid("Items").kids())) + " " + root.attr("IndexedPagingOffset") + " " + root.attr("TotalItemsInView") + " " + root.attr("IncludesLastItemInRange")
	}
	// Pages become shorter, and say that they are not the last; what did not ask for pages is refused.
	const all = `<m:IndexedPageItemView Offset="0" BasePoint="Beginning"/>`
	equal(t, paged(all, ""), "4 4 6 false")
	equal(t, paged(`<m:IndexedPageItemView Offset="4" BasePoint="Beginning"/>`, ""), "2 6 6 true")
	equal(t, paged(`<m:IndexedPageItemView Offset="0" BasePoint="End"/>`, ""), "4 4 6 false")
	equal(t, paged(all, `<m:Restriction><t:Exists><t:FieldURI FieldURI="item:Subject"/></t:Exists></m:Restriction>`), "2 2 6 false")
	equal(t, alice.code(query("", "")), "ErrorExceededFindCountLimit")
	const week = `<m:CalendarView StartDate="2026-03-01T00:00:00Z" EndDate="2026-03-08T00:00:00Z"`
	equal(t, alice.code(query(week+`/>`, "")), "ErrorExceededFindCountLimit")
	view := alice.ok(query(week+` MaxEntriesReturned="5"/>`, "")).kid("RootFolder")
	equal(t, len(view.kid("Items").kids()), 4)
	equal(t, view.attr("IncludesLastItemInRange"), "false")
	old := alice
	old.header = `<t:RequestServerVersion Version="Exchange2010"/>`
	equal(t, old.code(query("", "")), "ErrorServerBusy")
	equal(t, l.Usage().Refused, "map[find:3]")
	// What is answered is no longer charged, what is being answered is.
	box := &call{s: l.Server, account: "alice", me: l.people.mailbox("alice")}
	equal(t, l.limiter.enterFind(box, 3, false), 3)
	equal(t, paged(all, ""), "1 1 6 false")
	equal(t, l.limiter.enterFind(box, 1, false), 1)
	equal(t, alice.code(query(all, "")), "ErrorExceededFindCountLimit")
}

func TestMoreRequestsInTheLongRunThanThePolicyAllows(t *testing.T) {
	l := start(t, func(c *Config) { c.Limits = Limits{Rate: 4} })
	alice := l.as("alice")
	for range 4 {
		alice.ok(plainRequest)
	}
	alice.refusedAs(plainRequest, "ErrorServerBusy", `<t:Value Name="BackOffMilliseconds">15000</t:Value>`, "The server cannot service this request right now. Try again later.")
	l.clock.advance(15 * time.Second)
	alice.ok(plainRequest)
	equal(t, alice.refused(plainRequest), "ErrorServerBusy")
	l.SetLimits(Limits{Rate: 1, Queued: true})
	alice.ok(plainRequest)
	resp, _, err := alice.ask(plainRequest)
	if err != nil || resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") != "60" {
		t.Errorf("%v, %v", resp, err)
	}
	equal(t, l.Usage().Refused, "map[rate:1]")
}

func TestWithoutLimitsNothingIsRefused(t *testing.T) {
	l := start(t)
	alice := l.as("alice")
	release := alice.hold(40, plainRequest)
	alice.ok(plainRequest)
	release()
	equal(t, l.Usage().Refusals(), 0)
	equal(t, ExchangeLimits().Requests, 27)
}

func TestTheLimitsDoor(t *testing.T) {
	l := start(t)
	door := func(method, kind, body string) (int, string) {
		t.Helper()
		req, err := http.NewRequest(method, "http://"+l.Addr()+LimitsPath, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", kind)
		resp, err := l.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(text)
	}
	read := func() (got limitsMessage) {
		t.Helper()
		status, text := door(http.MethodGet, "", "")
		if err := json.Unmarshal([]byte(text), &got); err != nil || status != http.StatusOK {
			t.Fatalf("%d %v: %s", status, err, text)
		}
		return got
	}
	for _, wrong := range []struct {
		method, kind, body string
		status             int
	}{
		{http.MethodPut, "text/plain", `{}`, http.StatusUnsupportedMediaType}, {http.MethodPut, "application/json", `{`, http.StatusBadRequest},
		{http.MethodPut, "application/json", strings.Repeat(" ", 20<<10), http.StatusRequestEntityTooLarge}, {http.MethodPost, "application/json", `{}`, http.StatusMethodNotAllowed},
	} {
		if status, text := door(wrong.method, wrong.kind, wrong.body); status != wrong.status {
			t.Errorf("%+v: %d %s", wrong, status, text)
		}
	}
	status, _ := door(http.MethodPut, "application/json", `{}`)
	equal(t, status, http.StatusNoContent)
	equal(t, read().Limits, ExchangeLimits())
	door(http.MethodPut, "application/json", `{"rate":1}`)
	l.as("alice").ok(plainRequest)
	equal(t, l.as("alice").refused(plainRequest), "ErrorServerBusy")
	got := read()
	equal(t, got.Refused, "map[rate:1]")
	equal(t, got.Served, 1)
	equal(t, got.Limits.Rate, 1)
	door(http.MethodDelete, "", "")
	l.as("alice").ok(plainRequest)
	equal(t, read().Refusals(), 0)
}
