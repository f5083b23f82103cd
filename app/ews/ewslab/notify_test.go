package ewslab

import (
	"bufio"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"portico/app/ews/ewstest"
)

// subscribe begins a subscription of a kind to folders.
func (c caller) subscribe(kind, more string, folders ...string) *node {
	c.t.Helper()
	var ids strings.Builder
	for _, f := range folders {
		ids.WriteString(f)
	}
	where := ` SubscribeToAllFolders="true">`
	if len(folders) > 0 {
		where = `><t:FolderIds>` + ids.String() + `</t:FolderIds>`
	}
	return c.do(`<m:Subscribe><m:` + kind + `SubscriptionRequest` + where + `<t:EventTypes><t:EventType>CreatedEvent</t:EventType><t:EventType>ModifiedEvent</t:EventType>` +
		`<t:EventType>DeletedEvent</t:EventType><t:EventType>MovedEvent</t:EventType><t:EventType>NewMailEvent</t:EventType></t:EventTypes>` + more +
		`</m:` + kind + `SubscriptionRequest></m:Subscribe>`).kid("ResponseMessages").Kids[0]
}

// fetchEvents fetches events: "Created Modified ..." and the newest watermark.
func (c caller) fetchEvents(id, mark string) (kinds, next string, msg *node) {
	c.t.Helper()
	msg = c.do(`<m:GetEvents><m:SubscriptionId>` + id + `</m:SubscriptionId><m:Watermark>` + mark + `</m:Watermark></m:GetEvents>`).kid("ResponseMessages").Kids[0]
	next = mark
	var out []string
	for _, e := range msg.kid("Notification").kids() {
		if kind, ok := strings.CutSuffix(e.Name, "Event"); ok {
			out = append(out, kind)
			next = e.text("Watermark")
		}
	}
	return strings.Join(out, " "), next, msg
}

func TestPullingEvents(t *testing.T) {
	l := example(t)
	alice := l.as("alice")
	sub := alice.subscribe("Pull", `<t:Timeout>10</t:Timeout>`, folderID("calendar"))
	id, mark := sub.text("SubscriptionId"), sub.text("Watermark")
	kinds, next, _ := alice.fetchEvents(id, mark)
	equal(t, kinds, "Status")
	m := alice.meet("One", "2026-03-04T10:00:00Z")
	alice.ok(alice.update(m.item(), "AlwaysOverwrite", setField("calendar:Location", `<t:Location>here</t:Location>`)))
	kinds, after, msg := alice.fetchEvents(id, next)
	equal(t, kinds, "Created Modified")
	equal(t, msg.kid("Notification", "CreatedEvent", "ItemId").attr("Id"), m.ID)
	// What was answered may be asked for again, until it was acknowledged by a later watermark.
	kinds, _, _ = alice.fetchEvents(id, next)
	equal(t, kinds, "Created Modified")
	kinds, _, _ = alice.fetchEvents(id, after)
	equal(t, kinds, "Status")
	_, _, msg = alice.fetchEvents(id, next)
	equal(t, msg.text("ResponseCode"), "ErrorInvalidWatermark")
	_, _, msg = alice.fetchEvents(id, "nonsense")
	equal(t, msg.text("ResponseCode"), "ErrorInvalidWatermark")
	_, _, msg = l.as("bob").fetchEvents(id, after)
	equal(t, msg.text("ResponseCode"), "ErrorSubscriptionAccessDenied")
	// Other folders are none of its business; new mail is, in the inbox.
	l.as("bob").invite("Hello", "2026-03-04T10:00:00Z", "carol")
	kinds, _, _ = alice.fetchEvents(id, after)
	equal(t, kinds, "Status")
	l.clock.advance(11 * time.Minute)
	_, _, msg = alice.fetchEvents(id, after)
	equal(t, msg.text("ResponseCode"), "ErrorSubscriptionNotFound")
}

func TestNewMailIsTold(t *testing.T) {
	l := example(t)
	bob := l.as("bob")
	sub := bob.subscribe("Pull", `<t:Timeout>10</t:Timeout>`, folderID("inbox"))
	l.as("alice").invite("Hello", "2026-03-04T10:00:00Z", "bob")
	kinds, _, msg := bob.fetchEvents(sub.text("SubscriptionId"), sub.text("Watermark"))
	equal(t, kinds, "Created NewMail Modified")
	folder := msg.kid("Notification", "ModifiedEvent")
	if folder.kid("FolderId") == nil || folder.text("UnreadCount") != "1" {
		t.Errorf("the folder's change is told as %v", msg)
	}
}

func TestManyEventsComeInParts(t *testing.T) {
	l := example(t)
	alice := l.as("alice")
	sub := alice.subscribe("Pull", `<t:Timeout>10</t:Timeout>`)
	s := l.bells.byID[sub.text("SubscriptionId")]
	var changes []change
	for i := range eventsPerAnswer + 5 {
		changes = append(changes, change{Kind: created, Mailbox: s.mailbox, Item: int64(i + 1), Folder: 1})
	}
	l.bells.changed(changes)
	_, next, msg := alice.fetchEvents(s.id, sub.text("Watermark"))
	equal(t, len(msg.kid("Notification").all("CreatedEvent")), eventsPerAnswer)
	equal(t, msg.text("Notification", "MoreEvents"), "true")
	kinds, _, msg := alice.fetchEvents(s.id, next)
	equal(t, strings.Count(kinds, "Created"), 5)
	equal(t, msg.text("Notification", "MoreEvents"), "false")
	// More than are kept: they were missed.
	for range maxEvents/len(changes) + 2 {
		l.bells.changed(changes)
	}
	_, _, msg = alice.fetchEvents(s.id, next)
	equal(t, msg.text("ResponseCode"), "ErrorMissedNotificationEvents")
	_, _, msg = alice.fetchEvents(s.id, next)
	equal(t, msg.text("ResponseCode"), "ErrorSubscriptionNotFound")
}

func TestSubscriptionsThatCannotBe(t *testing.T) {
	l := example(t)
	alice, dave := l.as("alice"), l.as("dave")
	equal(t, alice.subscribe("Streaming", "", folderID("calendar"), folderID("inbox")).text("ResponseCode"), "NoError")
	equal(t, alice.subscribe("Pull", `<t:Watermark>AAAA</t:Watermark><t:Timeout>10</t:Timeout>`, folderID("calendar")).text("ResponseCode"), "ErrorInvalidWatermark")
	equal(t, alice.subscribe("Push", `<t:StatusFrequency>1</t:StatusFrequency><t:URL>http://127.0.0.1:1/</t:URL>`, folderID("calendar")).text("ResponseCode"), "ErrorInvalidPushSubscriptionUrl")
	theirs := `<t:DistinguishedFolderId Id="calendar"><t:Mailbox><t:EmailAddress>alice@example.test</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId>`
	equal(t, dave.subscribe("Streaming", "", theirs).text("ResponseCode"), "ErrorAccessDenied")
	equal(t, alice.subscribe("Streaming", "", theirs, strings.Replace(theirs, "alice", "nobody", 1)).text("ResponseCode"), "ErrorNonExistentMailbox")
	equal(t, alice.code(`<m:Unsubscribe><m:SubscriptionId>AAAA</m:SubscriptionId></m:Unsubscribe>`), "ErrorSubscriptionNotFound")
	// A limit for each mailbox, whoever asks.
	svc := l.service("erin@example.test")
	for range maxSubscriptions - 1 {
		l.bells.add(&subscription{id: subscriptionID(7), mailbox: l.people.mailbox("erin").ID, timeout: time.Hour}, l.limiter.inForce(), l.clock.now())
	}
	equal(t, svc.subscribe("Streaming", "").text("ResponseCode"), "NoError")
	equal(t, svc.subscribe("Streaming", "").text("ResponseCode"), "ErrorExceededSubscriptionCount")
	equal(t, alice.subscribe("Streaming", "").text("ResponseCode"), "NoError")
}

// listener reads a stream envelope by envelope.
type listener struct {
	t      *testing.T
	body   io.ReadCloser
	cancel context.CancelFunc
	docs   chan *node // closed when the stream has ended
	err    error      // how; valid then
	text   strings.Builder
}

// listen opens a stream for subscriptions.
func (c caller) listen(minutes int, ids ...string) *listener {
	c.t.Helper()
	var list strings.Builder
	for _, id := range ids {
		list.WriteString(`<t:SubscriptionId>` + id + `</t:SubscriptionId>`)
	}
	ctx, cancel := context.WithCancel(context.Background())
	body := envelopeOf(c.header, fmt.Sprintf(`<m:GetStreamingEvents><m:SubscriptionIds>%s</m:SubscriptionIds><m:ConnectionTimeout>%d</m:ConnectionTimeout></m:GetStreamingEvents>`, list.String(), minutes))
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL(), strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	req.SetBasicAuth(c.user, c.password)
	req.Header.Set("Content-Type", contentType)
	resp, err := (&http.Client{Transport: c.client.Transport}).Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	equal(c.t, resp.StatusCode, http.StatusOK)
	l := &listener{t: c.t, body: resp.Body, cancel: cancel, docs: make(chan *node, 100)}
	go l.read()
	c.t.Cleanup(l.close)
	return l
}

// read cuts the stream as one client does: at the literal end of an envelope.
func (l *listener) read() {
	defer close(l.docs)
	r := bufio.NewReader(l.body)
	var doc strings.Builder
	for {
		b, err := r.ReadByte()
		if err != nil {
			l.err = err
			return
		}
		doc.WriteByte(b)
		l.text.WriteByte(b)
		if strings.HasSuffix(doc.String(), "</Envelope>") {
			root, err := readTree(strings.NewReader(doc.String()))
			if err != nil {
				l.err = err
				return
			}
			l.docs <- root.kid("Body", "GetStreamingEventsResponse", "ResponseMessages").Kids[0]
			doc.Reset()
		}
	}
}

// next is the next message that is no sign of life.
func (l *listener) next() *node {
	l.t.Helper()
	for {
		n := l.message()
		if n.text("ConnectionStatus") != "OK" {
			return n
		}
	}
}

func (l *listener) message() *node {
	l.t.Helper()
	limit := time.NewTimer(time.Minute)
	defer limit.Stop()
	select {
	case n, ok := <-l.docs:
		if !ok {
			l.t.Fatalf("the stream ended: %v", l.err)
		}
		return n
	case <-limit.C:
		l.t.Fatal("the stream says nothing")
	}
	return nil
}

// ended waits for the stream's end and answers how it came.
func (l *listener) ended() error {
	limit := time.NewTimer(time.Minute)
	defer limit.Stop()
	for {
		select {
		case _, ok := <-l.docs:
			if !ok {
				return l.err
			}
		case <-limit.C:
			l.t.Fatal("the stream does not end")
		}
	}
}

func (l *listener) close() {
	l.cancel()
	if err := l.body.Close(); err != nil && !errors.Is(err, context.Canceled) {
		l.t.Error(err)
	}
	for range l.docs {
	}
}

func TestAStreamCarriesManyMailboxes(t *testing.T) {
	l := example(t)
	users := []string{"alice", "bob", "carol"}
	var ids []string
	for _, u := range users {
		ids = append(ids, l.service(u+"@example.test").subscribe("Streaming", "", folderID("calendar")).text("SubscriptionId"))
	}
	// What happens before the stream is open waits for it.
	l.as("alice").meet("Early", "2026-03-04T10:00:00Z")
	s := l.service("alice@example.test").listen(30, ids...)
	equal(t, s.message().text("ConnectionStatus"), "OK")
	n := s.next().kid("Notifications", "Notification")
	equal(t, n.text("SubscriptionId"), ids[0])
	m := l.as("carol").meet("Now", "2026-03-04T10:00:00Z")
	n = s.next().kid("Notifications", "Notification")
	equal(t, n.text("SubscriptionId")+" "+n.kid("CreatedEvent", "ItemId").attr("Id"), ids[2]+" "+m.ID)
	s.close()
	docs, err := ewstest.Split([]byte(s.text.String()))
	if err != nil || len(docs) != 3 {
		t.Fatalf("%d documents, %v", len(docs), err)
	}
	ewstest.Validate(t, docs...)
	var root struct{ XMLName xml.Name }
	if err := xml.Unmarshal(docs[1], &root); err != nil || root.XMLName.Local != "Envelope" {
		t.Errorf("%v, %v", root, err)
	}
}

func TestAStreamShowsThatItLives(t *testing.T) {
	l := example(t, func(c *Config) { c.KeepAlive = 5 * time.Millisecond })
	alice := l.as("alice")
	s := alice.listen(1, alice.subscribe("Streaming", "").text("SubscriptionId"))
	for range 3 {
		equal(t, s.message().text("ConnectionStatus"), "OK")
	}
	if _, err := l.Fault(Fault{Kind: FaultCloseStreams}); err != nil {
		t.Fatal(err)
	}
	equal(t, s.next().text("ConnectionStatus"), "Closed")
	if err := s.ended(); !errors.Is(err, io.EOF) {
		t.Errorf("ended with %v", err)
	}
}

func TestASubscriptionMovesToTheNewestStream(t *testing.T) {
	l := example(t)
	alice := l.as("alice")
	id := alice.subscribe("Streaming", "").text("SubscriptionId")
	first := alice.listen(30, id)
	equal(t, first.message().text("ConnectionStatus"), "OK")
	second := alice.listen(30, id)
	equal(t, second.message().text("ConnectionStatus"), "OK")
	equal(t, first.next().text("ConnectionStatus"), "Closed")
	alice.meet("Where", "2026-03-04T10:00:00Z")
	equal(t, second.next().text("Notifications", "Notification", "SubscriptionId"), id)
}

func TestStreamsThatCannotBe(t *testing.T) {
	l := example(t)
	alice, bob := l.as("alice"), l.as("bob")
	id := alice.subscribe("Streaming", "").text("SubscriptionId")
	pull := alice.subscribe("Pull", `<t:Timeout>1</t:Timeout>`, folderID("inbox")).text("SubscriptionId")
	ask := func(ids ...string) string {
		return `<m:GetStreamingEvents><m:SubscriptionIds><t:SubscriptionId>` + strings.Join(ids, `</t:SubscriptionId><t:SubscriptionId>`) + `</t:SubscriptionId></m:SubscriptionIds><m:ConnectionTimeout>1</m:ConnectionTimeout></m:GetStreamingEvents>`
	}
	dead := alice.do(ask(id, "AAAA")).kid("ResponseMessages").Kids[0]
	equal(t, dead.text("ResponseCode")+" "+dead.text("ErrorSubscriptionIds", "SubscriptionId"), "ErrorSubscriptionNotFound AAAA")
	equal(t, alice.code(ask(pull)), "ErrorInvalidSubscription")
	equal(t, bob.code(ask(id)), "ErrorSubscriptionAccessDenied")
	equal(t, alice.refused(strings.Replace(ask(id), ">1<", ">31<", 1)), "ErrorSchemaValidation")
	var many []string
	for range maxStreamSubscriptions + 1 {
		many = append(many, id)
	}
	equal(t, alice.refused(ask(many...)), "ErrorSchemaValidation")
	for range maxStreams {
		s := alice.listen(1, alice.subscribe("Streaming", "").text("SubscriptionId"))
		equal(t, s.message().text("ConnectionStatus"), "OK")
	}
	equal(t, alice.refused(ask(id)), "ErrorExceededConnectionCount")
	equal(t, bob.listen(1, bob.subscribe("Streaming", "").text("SubscriptionId")).message().text("ConnectionStatus"), "OK")
}

func TestALostSubscriptionIsToldOnItsStream(t *testing.T) {
	l := example(t)
	alice := l.as("alice")
	id := alice.subscribe("Streaming", "").text("SubscriptionId")
	s := alice.listen(30, id)
	equal(t, s.message().text("ConnectionStatus"), "OK")
	alice.ok(`<m:Unsubscribe><m:SubscriptionId>` + id + `</m:SubscriptionId></m:Unsubscribe>`)
	n := s.next()
	equal(t, n.text("ResponseCode")+" "+n.text("ErrorSubscriptionIds", "SubscriptionId"), "ErrorSubscriptionNotFound "+id)
	equal(t, s.next().text("ConnectionStatus"), "Closed")
}
