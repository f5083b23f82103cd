package siplab

import (
	"encoding/xml"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"strings"
	"testing"
	"time"
)

const pidfOpen = `<?xml version="1.0"?><presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:alice@example.test"><tuple id="a1"><status><basic>open</basic></status><note>at desk</note></tuple></presence>`

// pidfRich borrows every prefix from its root, and uses another word for a known one.
const pidfRich = `<?xml version="1.0" encoding="UTF-8"?>
<p:presence xmlns:p="urn:ietf:params:xml:ns:pidf" xmlns:d="urn:ietf:params:xml:ns:pidf:data-model" xmlns:r="urn:ietf:params:xml:ns:pidf:rpid" entity="pres:alice@example.test">
 <p:tuple id="a1"><p:status><p:basic>open</p:basic></p:status></p:tuple>
 <p:note>on the <![CDATA[<phone>]]></p:note>
 <d:person id="me"><r:activities><r:on-the-phone/></r:activities><d:note xml:lang="de">Ä &amp; Ö</d:note></d:person>
</p:presence>`

func (p *phone) publish(body, etag string, headers ...string) *msg {
	p.t.Helper()
	headers = append([]string{"Event: presence"}, headers...)
	if body != "" {
		headers = append(headers, "Content-Type: application/pidf+xml")
	}
	if etag != "" {
		headers = append(headers, "SIP-If-Match: "+etag)
	}
	return p.do(ask{method: "PUBLISH", target: p.aor(), body: body, headers: headers})
}

func (p *phone) watch(who string, headers ...string) *msg {
	p.t.Helper()
	return p.do(ask{method: "SUBSCRIBE", target: "sip:" + who + "@example.test", callID: fmt.Sprintf("sub-%d", phoneCount.Add(1)),
		headers: append([]string{"Contact: " + p.contact()}, headers...)})
}

// again sends a SUBSCRIBE inside the dialog that m opened.
func (p *phone) again(m *msg, headers ...string) *msg {
	p.t.Helper()
	target := strings.Trim(m.get("Contact"), "<>")
	return p.do(ask{method: "SUBSCRIBE", target: target, to: m.get("To"), from: m.get("From"), callID: m.get("Call-ID"),
		headers: append([]string{"Contact: " + p.contact()}, headers...), noAuth: true})
}

// hearOf waits for the next NOTIFY of one subscription.
func (p *phone) hearOf(sub *msg) *msg {
	p.t.Helper()
	for {
		if m := p.hear("NOTIFY"); m.get("Call-ID") == sub.get("Call-ID") {
			return m
		}
	}
}

func TestPublishLife(t *testing.T) {
	s := newLab(t)
	a := newPhone(t, s, "alice", "tcp").online()
	one := a.publish(pidfOpen, "", "Expires: 600")
	if one.status != 200 || one.get("SIP-ETag") == "" || one.get("Expires") != "600" {
		t.Fatalf("initial: %s", one.start)
	}
	refreshed := a.publish("", one.get("SIP-ETag"), "Expires: 300")
	if refreshed.status != 200 || refreshed.get("SIP-ETag") == one.get("SIP-ETag") {
		t.Errorf("refresh gives a new tag: %s", refreshed.start)
	}
	if m := a.publish(pidfOpen, one.get("SIP-ETag")); m.status != 412 {
		t.Errorf("an old tag: %s", m.start)
	}
	changed := a.publish(strings.Replace(pidfOpen, "at desk", "gone", 1), refreshed.get("SIP-ETag"))
	if changed.status != 200 || !strings.Contains(string(s.Document("alice")), "gone") || len(s.Publications("alice")) != 1 {
		t.Errorf("modify: %s, document %s", changed.start, s.Document("alice"))
	}
	if m := a.publish("", changed.get("SIP-ETag"), "Expires: 0"); m.status != 200 || len(s.Publications("alice")) != 0 {
		t.Errorf("removal: %s", m.start)
	}
	if !strings.Contains(string(s.Document("alice")), "<basic>closed</basic>") {
		t.Errorf("nothing published: %s", s.Document("alice"))
	}
}

func TestPublishRefusals(t *testing.T) {
	s := newLab(t)
	s.Faults().MinExpires(10 * time.Second)
	a := newPhone(t, s, "alice", "tcp").online()
	pidf := []string{"Event: presence", "Content-Type: application/pidf+xml"}
	for _, c := range []struct {
		name, target, body string
		headers            []string
		want               int
	}{
		{"broken XML", a.aor(), "<presence", pidf, 415},
		{"another document", a.aor(), "<x/>", pidf, 415},
		{"another type", a.aor(), pidfOpen, []string{"Event: presence", "Content-Type: text/plain"}, 415},
		{"a document type", a.aor(), `<!DOCTYPE x [<!ENTITY a "b">]>` + pidfOpen[21:], pidf, 415},
		{"too brief", a.aor(), pidfOpen, append([]string{"Expires: 5"}, pidf...), 423},
		{"no body", a.aor(), "", []string{"Event: presence"}, 400},
		{"another package", a.aor(), pidfOpen, []string{"Event: conference", "Content-Type: application/pidf+xml"}, 489},
		{"no package", a.aor(), pidfOpen, []string{"Content-Type: application/pidf+xml"}, 489},
		{"for somebody else", "sip:bob@example.test", pidfOpen, pidf, 403},
		{"for nobody", "sip:nobody@example.test", pidfOpen, pidf, 404},
		{"unknown extension", a.aor(), pidfOpen, append([]string{"Require: magic"}, pidf...), 420},
	} {
		m := a.do(ask{method: "PUBLISH", target: c.target, body: c.body, headers: c.headers})
		if m.status != c.want {
			t.Errorf("%s: %s, want %d", c.name, m.start, c.want)
		}
		switch c.want {
		case 415:
			if m.get("Accept") != typePIDF {
				t.Errorf("%s: no Accept", c.name)
			}
		case 489:
			if m.get("Allow-Events") == "" {
				t.Errorf("%s: no Allow-Events", c.name)
			}
		}
	}
}

func TestWatchLife(t *testing.T) {
	s := newLab(t)
	for _, network := range []string{"tcp", "udp"} {
		a, b := newPhone(t, s, "alice", network).online(), newPhone(t, s, "bob", network).online()
		sub := b.watch("alice", "Event: presence;id=7", "Expires: 600")
		if sub.status != 200 || sub.get("Expires") != "600" {
			t.Fatal(sub.start)
		}
		n := b.hear("NOTIFY")
		if n.get("Event") != "presence;id=7" || !strings.HasPrefix(n.get("Subscription-State"), "active;expires=") ||
			n.get("Content-Type") != typePIDF || !strings.Contains(n.body, "closed") || !strings.Contains(n.get("From"), sub.toTag()) {
			t.Fatalf("first NOTIFY: %v %s", n.headers, n.body)
		}
		pub := a.publish(pidfOpen, "")
		n = b.hear("NOTIFY")
		if !strings.Contains(n.body, "at desk") || !strings.Contains(n.body, `entity="sip:alice@example.test"`) {
			t.Errorf("after PUBLISH: %s", n.body)
		}
		if m := b.again(sub, "Event: presence;id=7", "Expires: 300"); m.status != 200 || m.get("Expires") != "300" {
			t.Errorf("refresh: %s", m.start)
		}
		b.hear("NOTIFY")
		if m := b.again(sub, "Event: presence;id=7", "Expires: 0"); m.status != 200 {
			t.Errorf("unsubscribe: %s", m.start)
		}
		if n := b.hear("NOTIFY"); n.get("Subscription-State") != "terminated;reason=timeout" {
			t.Errorf("last NOTIFY: %s", n.get("Subscription-State"))
		}
		eventually(t, "the dialog is forgotten", func() bool { return len(s.Subscriptions()) == 0 })
		if m := b.again(sub, "Event: presence", "Expires: 300"); m.status != 481 {
			t.Errorf("a dialog that is over: %s", m.start)
		}
		a.publish("", pub.get("SIP-ETag"), "Expires: 0")
		b.quiet("NOTIFY", 30*time.Millisecond)
	}
}

func TestFetch(t *testing.T) {
	s := newLab(t)
	b := newPhone(t, s, "bob", "tcp").online()
	if m := b.watch("alice", "Event: presence", "Expires: 0"); m.status != 200 {
		t.Fatal(m.start)
	}
	if n := b.hear("NOTIFY"); n.get("Subscription-State") != "terminated;reason=timeout" || !strings.Contains(n.body, "closed") {
		t.Errorf("%s %s", n.get("Subscription-State"), n.body)
	}
	eventually(t, "nothing is kept", func() bool { return len(s.Subscriptions()) == 0 })
}

func TestWatchRefusals(t *testing.T) {
	s := newLab(t)
	s.Faults().MinExpires(10 * time.Second)
	b := newPhone(t, s, "bob", "tcp").online()
	for _, c := range []struct {
		name, who string
		headers   []string
		want      int
	}{
		{"unknown package", "alice", []string{"Event: kpml"}, 489},
		{"no package", "alice", nil, 489},
		{"too brief", "alice", []string{"Event: presence", "Expires: 3"}, 423},
		{"nobody", "nobody", []string{"Event: presence"}, 404},
		{"another type wanted", "alice", []string{"Event: presence", "Accept: text/plain"}, 406},
		{"somebody else's watchers", "alice", []string{"Event: presence.winfo"}, 403},
		{"capped", "alice", []string{"Event: presence", "Expires: 999999"}, 200},
	} {
		m := b.watch(c.who, c.headers...)
		if m.status != c.want {
			t.Errorf("%s: %s, want %d", c.name, m.start, c.want)
		}
		if c.want == 200 && m.get("Expires") != "3600" {
			t.Errorf("%s: Expires %s", c.name, m.get("Expires"))
		}
	}
	if m := b.do(ask{method: "SUBSCRIBE", target: "sip:alice@example.test", headers: []string{"Event: presence"}}); m.status != 400 {
		t.Errorf("without Contact: %s", m.start)
	}
	if m := b.do(ask{method: "SUBSCRIBE", target: "sip:alice@example.test", to: "<sip:alice@example.test>;tag=x", headers: []string{"Event: presence"}}); m.status != 481 {
		t.Errorf("unknown dialog: %s", m.start)
	}
}

func TestSubscriptionsAndPublicationsExpire(t *testing.T) {
	s := newLab(t)
	a, b := newPhone(t, s, "alice", "tcp").online(), newPhone(t, s, "bob", "tcp").online()
	lasting, brief := b.watch("alice", "Event: presence", "Expires: 600"), b.watch("alice", "Event: presence", "Expires: 1")
	if n := b.hearOf(lasting); !strings.Contains(n.body, "closed") {
		t.Fatalf("nothing is published yet: %s", n.body)
	}
	if m := a.publish(pidfOpen, "", "Expires: 1"); m.status != 200 {
		t.Fatal(m.start)
	}
	// While it holds it is told, unless this machine is so slow that it is over by then; then it is gone.
	for n := b.hearOf(lasting); !strings.Contains(n.body, "closed"); n = b.hearOf(lasting) {
		if !strings.Contains(n.body, "at desk") {
			t.Errorf("neither open nor closed: %s", n.body)
		}
	}
	eventually(t, "the publication is forgotten", func() bool { return len(s.Publications("alice")) == 0 })
	eventually(t, "one subscription is over", func() bool { return len(s.Subscriptions()) == 1 })
	if m := b.again(brief, "Event: presence", "Expires: 300"); m.status != 481 {
		t.Errorf("refresh of an expired subscription: %s", m.start)
	}
}

func TestAnExpiredSubscriptionIsToldSo(t *testing.T) {
	s := newLab(t)
	b := newPhone(t, s, "bob", "tcp").online()
	sub := b.watch("alice", "Event: presence", "Expires: 1")
	n := b.hearOf(sub)
	for strings.HasPrefix(n.get("Subscription-State"), "active") {
		n = b.hearOf(sub)
	}
	if n.get("Subscription-State") != "terminated;reason=timeout" {
		t.Errorf("an expired subscription: %s", n.get("Subscription-State"))
	}
}

// A watcher that answers 481, or nothing, is not written to again.
func TestWatcherThatIsGone(t *testing.T) {
	s := newLab(t, func(c *Config) { c.ForwardTimeout = 30 * time.Millisecond })
	for _, answer := range []string{"SIP/2.0 481 Gone", ""} {
		b := newPhone(t, s, "bob", "tcp").online()
		b.setAnswer(func(*msg) string { return answer })
		if m := b.watch("alice", "Event: presence"); m.status != 200 {
			t.Fatal(m.start)
		}
		b.hear("NOTIFY")
		eventually(t, "the subscription ends", func() bool { return len(s.Subscriptions()) == 0 })
	}
}

// Several devices make one document: tuples of all, persons of all, newest first, ids apart, everything else untouched.
func TestComposition(t *testing.T) {
	s := newLab(t)
	one, two := newPhone(t, s, "alice", "tcp").online(), newPhone(t, s, "alice", "tcp").online()
	one.publish(pidfOpen, "")
	rich := two.publish(pidfRich, "")
	doc := string(s.Document("alice"))
	var parsed struct {
		Entity string `xml:"entity,attr"`
		Tuples []struct {
			ID    string `xml:"id,attr"`
			Basic string `xml:"urn:ietf:params:xml:ns:pidf status>basic"`
			Note  string `xml:"urn:ietf:params:xml:ns:pidf note"`
		} `xml:"urn:ietf:params:xml:ns:pidf tuple"`
		Note   string `xml:"urn:ietf:params:xml:ns:pidf note"`
		Person struct {
			Phone *struct{} `xml:"urn:ietf:params:xml:ns:pidf:rpid activities>on-the-phone"`
			Note  string    `xml:"urn:ietf:params:xml:ns:pidf:data-model note"`
		} `xml:"urn:ietf:params:xml:ns:pidf:data-model person"`
	}
	if err := xml.Unmarshal([]byte(doc), &parsed); err != nil {
		t.Fatalf("%v in %s", err, doc)
	}
	if len(parsed.Tuples) != 2 || parsed.Tuples[0].Note != "" || parsed.Tuples[1].Note != "at desk" || parsed.Tuples[0].ID == parsed.Tuples[1].ID {
		t.Errorf("tuples %+v, want the newest first with ids apart", parsed.Tuples)
	}
	if parsed.Note != "on the <phone>" || parsed.Person.Phone == nil || parsed.Person.Note != "Ä & Ö" || parsed.Entity != "sip:alice@example.test" {
		t.Errorf("parts were changed: %+v in %s", parsed, doc)
	}
	if !strings.Contains(doc, `<d:note xml:lang="de">Ä &amp; Ö</d:note>`) {
		t.Errorf("not octet for octet: %s", doc)
	}
	two.publish("", rich.get("SIP-ETag"), "Expires: 0")
	if doc := string(s.Document("alice")); strings.Contains(doc, "person") || !strings.Contains(doc, `id="a1"`) {
		t.Errorf("what is removed is gone: %s", doc)
	}
}

// The first change does not wait for an interval to pass.
func TestTheFirstChangeGoesOutAtOnce(t *testing.T) {
	s := newLab(t, func(c *Config) { c.NotifyInterval = time.Hour })
	a, b := newPhone(t, s, "alice", "tcp").online(), newPhone(t, s, "bob", "tcp").online()
	b.watch("alice", "Event: presence")
	b.hear("NOTIFY")
	a.publish(pidfOpen, "")
	if n := b.hear("NOTIFY"); !strings.Contains(n.body, "at desk") {
		t.Errorf("the first change: %s", n.body)
	}
}

// A flood is gathered, and the last state arrives.
func TestFloodIsGathered(t *testing.T) {
	s := newLab(t, func(c *Config) { c.NotifyInterval = 150 * time.Millisecond })
	a, b := newPhone(t, s, "alice", "tcp").online(), newPhone(t, s, "bob", "tcp").online()
	b.watch("alice", "Event: presence")
	b.hear("NOTIFY")
	start := time.Now()
	m := a.publish(strings.Replace(pidfOpen, "at desk", "state 0", 1), "")
	if n := b.hear("NOTIFY"); !strings.Contains(n.body, "state 0") {
		t.Errorf("the first change: %s", n.body)
	}
	for i := range 20 {
		m = a.publish(strings.Replace(pidfOpen, "at desk", fmt.Sprintf("state %d.", i+1), 1), m.get("SIP-ETag"))
	}
	count := 0
	for {
		n := b.hear("NOTIFY")
		if count++; strings.Contains(n.body, "state 20.") {
			break
		}
	}
	if limit := 2 + int(time.Since(start)/(150*time.Millisecond)); count > limit {
		t.Errorf("%d NOTIFYs for 20 changes, want at most %d", count, limit)
	}
}

func TestWatcherInfo(t *testing.T) {
	s := newLab(t)
	a, b := newPhone(t, s, "alice", "tcp").online(), newPhone(t, s, "bob", "tcp").online()
	if m := a.watch("alice", "Event: presence.winfo"); m.status != 200 {
		t.Fatal(m.start)
	}
	if n := a.hear("NOTIFY"); n.get("Content-Type") != typeWinfo || !strings.Contains(n.body, `version="0" state="full"`) || strings.Contains(n.body, "<watcher ") {
		t.Errorf("first: %s", n.body)
	}
	sub := b.watch("alice", "Event: presence")
	if n := a.hear("NOTIFY"); !strings.Contains(n.body, `version="1"`) || !strings.Contains(n.body, `status="active">sip:bob@example.test<`) {
		t.Errorf("bob came: %s", n.body)
	}
	b.hear("NOTIFY")
	s.Authorize("alice", "bob", Confirm)
	if n := b.hear("NOTIFY"); !strings.HasPrefix(n.get("Subscription-State"), "pending") || n.body != "" {
		t.Errorf("pending: %s %q", n.get("Subscription-State"), n.body)
	}
	if n := a.hear("NOTIFY"); !strings.Contains(n.body, `status="pending"`) {
		t.Errorf("bob waits: %s", n.body)
	}
	a.publish(pidfOpen, "")
	s.Authorize("alice", "bob", PoliteBlock)
	for n := b.hear("NOTIFY"); ; n = b.hear("NOTIFY") {
		if strings.Contains(n.body, "at desk") {
			t.Fatalf("politely blocked, and sees %s", n.body)
		}
		if strings.Contains(n.body, "closed") {
			break
		}
	}
	s.Authorize("alice", "bob", Allow)
	if n := b.hear("NOTIFY"); !strings.Contains(n.body, "at desk") {
		t.Errorf("allowed: %s", n.body)
	}
	s.Authorize("alice", "bob", Block)
	if n := b.hear("NOTIFY"); n.get("Subscription-State") != "terminated;reason=rejected" {
		t.Errorf("blocked: %s", n.get("Subscription-State"))
	}
	for n := a.hear("NOTIFY"); !strings.Contains(n.body, `status="terminated"`); n = a.hear("NOTIFY") {
	}
	if m := b.again(sub, "Event: presence"); m.status != 481 {
		t.Errorf("after rejection: %s", m.start)
	}
	if m := b.watch("alice", "Event: presence"); m.status != 403 {
		t.Errorf("blocked watcher tries again: %s", m.start)
	}
}

// rlmi is a list document with its parts.
type rlmi struct {
	Full      bool `xml:"fullState,attr"`
	Version   int  `xml:"version,attr"`
	Resources []struct {
		URI       string `xml:"uri,attr"`
		Name      string `xml:"name"`
		Instances []struct {
			State  string `xml:"state,attr"`
			Reason string `xml:"reason,attr"`
			CID    string `xml:"cid,attr"`
		} `xml:"instance"`
	} `xml:"resource"`
	parts map[string]string
}

func readList(t *testing.T, m *msg) rlmi {
	t.Helper()
	kind, ps, err := mime.ParseMediaType(m.get("Content-Type"))
	if err != nil || kind != "multipart/related" || ps["type"] != typeRLMI || m.get("Require") != "eventlist" {
		t.Fatalf("not a list: %v %q", err, m.get("Content-Type"))
	}
	l := rlmi{parts: map[string]string{}}
	r := multipart.NewReader(strings.NewReader(m.body), ps["boundary"])
	for {
		p, err := r.NextRawPart()
		if err == io.EOF {
			return l
		}
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(p)
		if err != nil {
			t.Fatal(err)
		}
		id := p.Header.Get("Content-ID")
		if id == ps["start"] {
			if err := xml.Unmarshal(b, &l); err != nil {
				t.Fatalf("%v in %s", err, b)
			}
			continue
		}
		l.parts[strings.Trim(id, "<>")] = string(b)
	}
}

func TestResourceList(t *testing.T) {
	s := newLab(t)
	if err := s.SetList("team", []string{"sip:alice@example.test", "sip:carol@example.test", "sip:nobody@example.test", "sip:x@elsewhere.test"}); err != nil {
		t.Fatal(err)
	}
	body := `<?xml version="1.0"?><resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists"><list><entry uri="sip:alice@example.test"/><entry uri="sip:carol@example.test"/><entry uri="sip:nobody@example.test"/><entry uri="sip:x@elsewhere.test"/></list></resource-lists>`
	accept := "Accept: application/pidf+xml, application/rlmi+xml, multipart/related"
	for name, a := range map[string]ask{
		"known list": {target: "sip:team@example.test", headers: []string{"Supported: eventlist", "Event: presence", accept}},
		"list in the request": {target: "sip:example.test", body: body, headers: []string{"Require: recipient-list-subscribe", "Supported: eventlist",
			"Content-Type: application/resource-lists+xml", "Event: presence", accept}},
	} {
		alice, b := newPhone(t, s, "alice", "tcp").online(), newPhone(t, s, "bob", "tcp").online()
		a.method, a.headers, a.callID = "SUBSCRIBE", append(a.headers, "Contact: "+b.contact()), "list-"+name[:5]
		sub := b.do(a)
		if sub.status != 200 || sub.get("Require") != "eventlist" {
			t.Fatalf("%s: %s", name, sub.start)
		}
		l := readList(t, b.hear("NOTIFY"))
		if !l.Full || l.Version != 0 || len(l.Resources) != 4 || l.Resources[0].Name != "Alice" {
			t.Fatalf("%s: first document %+v", name, l)
		}
		for i, want := range []string{"active", "active", "terminated", "terminated"} {
			in := l.Resources[i].Instances[0]
			if in.State != want || (want == "active") != strings.Contains(l.parts[in.CID], "closed") {
				t.Errorf("%s: %s is %+v", name, l.Resources[i].URI, in)
			}
		}
		pub := alice.publish(pidfOpen, "")
		l = readList(t, b.hear("NOTIFY"))
		if l.Full || l.Version != 1 || len(l.Resources) != 1 || l.Resources[0].URI != "sip:alice@example.test" ||
			!strings.Contains(l.parts[l.Resources[0].Instances[0].CID], "at desk") {
			t.Errorf("%s: partial document %+v", name, l)
		}
		if m := b.again(sub, "Event: presence", "Supported: eventlist"); m.status != 200 {
			t.Errorf("%s: refresh %s", name, m.start)
		}
		if l = readList(t, b.hear("NOTIFY")); !l.Full || len(l.Resources) != 4 {
			t.Errorf("%s: after a refresh everything comes again, got %+v", name, l)
		}
		alice.publish("", pub.get("SIP-ETag"), "Expires: 0")
		b.hear("NOTIFY")
		b.again(sub, "Event: presence", "Expires: 0")
		if n := b.hear("NOTIFY"); n.get("Subscription-State") != "terminated;reason=timeout" {
			t.Errorf("%s: end %s", name, n.get("Subscription-State"))
		}
	}
}

func TestResourceListRefusals(t *testing.T) {
	s := newLab(t)
	if err := s.SetList("team", []string{"sip:alice@example.test"}); err != nil {
		t.Fatal(err)
	}
	if err := s.SetList("bad", []string{"not a uri"}); err == nil {
		t.Error("a member that is no URI was accepted")
	}
	many := `<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists"><list>` + strings.Repeat(`<entry uri="sip:alice@example.test"/>`, maxListLength+1) + `</list></resource-lists>`
	b := newPhone(t, s, "bob", "tcp").online()
	list := []string{"Event: presence", "Require: recipient-list-subscribe", "Content-Type: application/resource-lists+xml"}
	for _, c := range []struct {
		name, target, body string
		headers            []string
		want               int
	}{
		{"no eventlist", "sip:team@example.test", "", []string{"Event: presence"}, 421},
		{"wrong type", "sip:example.test", "x", []string{"Event: presence", "Require: recipient-list-subscribe", "Content-Type: text/plain"}, 415},
		{"broken", "sip:example.test", "<resource-lists", list, 400},
		{"no SIP member", "sip:example.test", `<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists"><list><entry uri="mailto:x"/></list></resource-lists>`, list, 400},
		{"too many", "sip:example.test", many, list, 513},
		{"another package", "sip:team@example.test", "", []string{"Event: presence.winfo", "Supported: eventlist"}, 489},
		{"lists not accepted", "sip:team@example.test", "", []string{"Event: presence", "Supported: eventlist", "Accept: application/pidf+xml"}, 406},
	} {
		if m := b.do(ask{method: "SUBSCRIBE", target: c.target, body: c.body, headers: append(c.headers, "Contact: "+b.contact())}); m.status != c.want {
			t.Errorf("%s: %s, want %d", c.name, m.start, c.want)
		}
	}
}
