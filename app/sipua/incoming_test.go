package sipua_test

// What peers send to a person here, and what they are answered.

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"portico/app/portal"
)

func compressed(t *testing.T, make func(io.Writer) io.WriteCloser, s string) string {
	t.Helper()
	var b bytes.Buffer
	w := make(&b)
	if _, err := io.WriteString(w, s); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func toZlib(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) }
func toGzip(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }
func toFlate(w io.Writer) io.WriteCloser {
	fw, err := flate.NewWriter(w, flate.DefaultCompression)
	if err != nil {
		panic(err)
	}
	return fw
}

const (
	imdn = `<?xml version="1.0"?><imdn xmlns="urn:ietf:params:imdn"><message-id>m7</message-id><display-notification><status><displayed/></status></display-notification></imdn>`
	comp = `<?xml version="1.0"?><isComposing xmlns="urn:ietf:params:xml:ns:im-iscomposing"><state>active</state><refresh>90</refresh></isComposing>`
)

func cpimOf(contentType, body string) string {
	return "From: <sip:bob@example.test>\r\nTo: <sip:alice@example.test>\r\nDateTime: 2026-11-21T12:00:00Z\r\nNS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: c1\r\nimdn.Disposition-Notification: positive-delivery, display\r\n\r\nContent-Type: " + contentType + "\r\n\r\n" + body
}

func TestIncomingMessages(t *testing.T) {
	f, h, a := scripted(t)
	_ = a
	c := f.on()
	contact := strings.Trim(strings.Split(f.awaitSeen("REGISTER", methodIs("REGISTER")).get("Contact"), ">")[0], "<")
	message := func(uri, to, callID, body string, headers ...string) packet {
		return f.await(c.request("MESSAGE", uri, "<sip:bob@example.test>;tag=b", to, callID, 1, body, headers...))
	}
	self := "<sip:alice@example.test>"
	text := "Content-Type: text/plain"
	kept := time.Now().UTC().AddDate(0, 0, -3).Truncate(time.Second) // by the server, until now
	for i, m := range []struct {
		name, uri, to, body string
		headers             []string
		status              int
		header              string // "Name: value" in the answer
		text                string // what was said, if anything
	}{
		{"plain", contact, self, "hello", []string{text}, 200, "", "hello"},
		{"charset", contact, self, "gr\xfc\xdfe", []string{"Content-Type: text/plain; charset=ISO-8859-1"}, 200, "", "grüße"},
		{"not UTF-8", contact, self, "gr\xfc", []string{text}, 400, "", ""},
		{"no type", contact, self, "untyped", nil, 200, "", "untyped"},
		{"line ends", contact, self, "a\r\nb", []string{text}, 200, "", "a\nb"},
		{"empty", contact, self, "", []string{text}, 200, "", ""},
		{"rewritten R-URI", "sip:192.0.2.1:5060", self, "by To", []string{text}, 200, "", "by To"},
		{"R-URI of the domain", "sip:alice@example.test", "<sip:list@example.test>", "by R-URI", []string{text}, 200, "", "by R-URI"},
		{"not signed in", "sip:carol@example.test", "<sip:carol@example.test>", "x", []string{text}, 404, "", ""},
		{"picture", contact, self, "GIF89a", []string{"Content-Type: image/gif"}, 415, "Accept: text/plain", ""},
		{"HTML", contact, self, "<b>x</b>", []string{"Content-Type: text/html"}, 415, "Accept: text/plain", ""},
		{"deflate", contact, self, compressed(t, toZlib, "zlib"), []string{text, "Content-Encoding: deflate"}, 200, "", "zlib"},
		{"bare deflate", contact, self, compressed(t, toFlate, "flate"), []string{text, "Content-Encoding: deflate"}, 200, "", "flate"},
		{"gzip", contact, self, compressed(t, toGzip, "gzip"), []string{text, "Content-Encoding: gzip"}, 200, "", "gzip"},
		{"bomb", contact, self, compressed(t, toZlib, strings.Repeat("x", 1<<20)), []string{text, "Content-Encoding: deflate"}, 400, "", ""},
		{"unknown encoding", contact, self, "x", []string{text, "Content-Encoding: br"}, 415, "Accept-Encoding: deflate", ""},
		{"too long", contact, self, strings.Repeat("x", portal.MaxTextLen+1), []string{text}, 413, "", ""},
		{"CPIM", contact, self, cpimOf("text/plain; charset=utf-8", "in CPIM"), []string{"Content-Type: message/cpim"}, 200, "", "in CPIM"},
		{"malformed CPIM", contact, self, "what is this", []string{"Content-Type: message/cpim"}, 400, "", ""},
		{"picture in CPIM", contact, self, cpimOf("image/gif", "GIF"), []string{"Content-Type: message/cpim"}, 415, "Accept: text/plain", ""},
		{"malformed IMDN", contact, self, "<imdn", []string{"Content-Type: message/imdn+xml"}, 400, "", ""},
		{"malformed isComposing", contact, self, "<is", []string{"Content-Type: application/im-iscomposing+xml"}, 400, "", ""},
		{"kept by the server", contact, self, "[Offline message - " + kept.Format(time.ANSIC) + "] stored", []string{"Content-Type: text/plain", "Date: " + kept.Format(http.TimeFormat)}, 200, "", "stored"},
		{"like it", contact, self, "[Offline message - really] hi", []string{text}, 200, "", "[Offline message - really] hi"},
	} {
		t.Run(m.name, func(t *testing.T) {
			got := message(m.uri, m.to, fmt.Sprint("in", i), m.body, m.headers...)
			if got.status() != m.status {
				t.Fatalf("answered %s, want %d", got.start, m.status)
			}
			if name, value, ok := strings.Cut(m.header, ": "); ok && !strings.Contains(got.get(name), value) {
				t.Errorf("%s: %q", name, got.get(name))
			}
			if m.text != "" {
				h.awaitText(t, alice, m.text)
			}
		})
	}
	m := h.awaitText(t, alice, "in CPIM")
	if m.ID != "c1" || !m.WantsDelivered || !m.WantsRead || !m.At.Equal(time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)) {
		t.Errorf("CPIM: %+v", m)
	}
	if m := h.awaitText(t, alice, "stored"); !m.At.Equal(kept) {
		t.Errorf("stored at %v, want %v", m.At, kept)
	}

	// a notice, compressed as linphone does, and one inside CPIM
	for i, n := range []packet{
		message(contact, self, "n1", compressed(t, toZlib, imdn), "Content-Type: message/imdn+xml", "Content-Encoding: deflate"),
		message(contact, self, "n2", cpimOf("message/imdn+xml\r\nContent-Disposition: notification", imdn), "Content-Type: message/cpim"),
		message(contact, self, "n4", compressed(t, toZlib, strings.Replace(imdn, "m7", "m8", 1)), "Content-Type: message/imdn+xml"), // as stored by the server
		message(contact, self, "n5", comp, "Content-Type: application/im-iscomposing+xml", "Date: "+kept.Format(http.TimeFormat)),   // stored too; long over
		message(contact, self, "n3", comp, "Content-Type: application/im-iscomposing+xml"),
	} {
		if n.status() != 200 {
			t.Errorf("notice %d: %s", i, n.start)
		}
	}
	h.await(t, "notices and typing", func() bool { return len(h.notices) == 3 && len(h.typing) == 1 })
	if n := h.notices[0]; n.ID != "m7" || n.State != portal.Read || n.To != bob {
		t.Errorf("notice %+v", n)
	}
}

func TestRepetitionsHaveTheSameID(t *testing.T) {
	f, h, _ := scripted(t)
	c := f.on()
	for range 3 { // forks: other branches, the same Call-ID and CSeq
		if p := f.await(c.request("MESSAGE", "sip:alice@x", "<sip:bob@example.test>;tag=b", "<sip:alice@example.test>", "same", 4, "once", "Content-Type: text/plain")); p.status() != 200 {
			t.Fatal(p.start)
		}
	}
	f.await(c.request("MESSAGE", "sip:alice@x", "<sip:bob@example.test>;tag=b", "<sip:alice@example.test>", "same", 5, "once more", "Content-Type: text/plain"))
	h.awaitText(t, alice, "once more")
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.messages) != 2 || len(h.messages[0].ID) > portal.MaxIDLen {
		t.Errorf("messages %v", h.messages)
	}
}

func TestOrderIsKeptForEachPair(t *testing.T) {
	f, h, _ := scripted(t)
	c := f.on()
	const n = 100
	for i := range n {
		for _, from := range []string{"bob", "carol"} {
			c.request("MESSAGE", "sip:alice@x", "<sip:"+from+"@example.test>;tag=b", "<sip:alice@example.test>", fmt.Sprint(from, i), 1, fmt.Sprint(i), "Content-Type: text/plain")
		}
	}
	h.await(t, "all of them", func() bool { return len(h.messages) == 2*n })
	h.mu.Lock()
	defer h.mu.Unlock()
	next := map[portal.Address]int{}
	for _, m := range h.messages {
		if m.Text != fmt.Sprint(next[m.From]) {
			t.Fatalf("%s said %s, want %d", m.From, m.Text, next[m.From])
		}
		next[m.From]++
	}
}

func TestOtherRequests(t *testing.T) {
	f, _, _ := scripted(t)
	c := f.on()
	self, known := "<sip:alice@example.test>", "<sip:alice@example.test>;tag=x"
	for i, m := range []struct {
		method, uri, to string
		status          int
		header          string
	}{
		{"OPTIONS", "sip:alice@x", self, 200, "Allow: MESSAGE"},
		{"OPTIONS", "sip:alice@x", self, 200, "Accept: text/plain"},
		{"OPTIONS", "sip:example.test", "<sip:example.test>", 200, ""},
		{"OPTIONS", "sip:carol@x", "<sip:carol@example.test>", 404, ""},
		{"INVITE", "sip:alice@x", self, 488, "Warning: 399"},
		{"INVITE", "sip:carol@x", "<sip:carol@example.test>", 404, ""},
		{"INVITE", "sip:alice@x", known, 481, ""},
		{"BYE", "sip:alice@x", known, 481, ""},
		{"CANCEL", "sip:alice@x", self, 481, ""},
		{"REGISTER", "sip:example.test", self, 405, "Allow: MESSAGE"},
		{"SUBSCRIBE", "sip:alice@x", self, 405, "Allow: MESSAGE"},
		{"PUBLISH", "sip:alice@x", self, 405, "Allow: MESSAGE"},
		{"INFO", "sip:alice@x", known, 481, ""},
		{"UPDATE", "sip:alice@x", self, 405, ""},
		{"NONSENSE", "sip:alice@x", self, 501, "Allow: "},
	} {
		var headers []string
		if m.method == "INVITE" {
			headers = []string{"Contact: <sip:bob@example.test>"}
		}
		got := f.await(c.request(m.method, m.uri, "<sip:bob@example.test>;tag=b", m.to, fmt.Sprint("o", i), 1, "", headers...))
		name, value, _ := strings.Cut(m.header, ": ")
		if got.status() != m.status || !strings.Contains(got.get(name), value) {
			t.Errorf("%s %s: %s %v", m.method, m.uri, got.start, got.header)
		}
		if m.method == "INVITE" {
			c.send("ACK " + m.uri + " SIP/2.0\r\nVia: " + got.get("Via") + "\r\nMax-Forwards: 70\r\nFrom: " + got.get("From") + "\r\nTo: " + got.get("To") + "\r\nCall-ID: " + got.get("Call-Id") + "\r\nCSeq: 1 ACK\r\nContent-Length: 0\r\n\r\n")
			c.send("CANCEL " + m.uri + " SIP/2.0\r\nVia: " + got.get("Via") + "\r\nMax-Forwards: 70\r\nFrom: " + got.get("From") + "\r\nTo: " + m.to + "\r\nCall-ID: " + got.get("Call-Id") + "\r\nCSeq: 1 CANCEL\r\nContent-Length: 0\r\n\r\n")
			f.wait("the answer to CANCEL", &f.answers, func(p packet) bool {
				return p.get("Call-Id") == got.get("Call-Id") && p.get("Cseq") == "1 CANCEL" && (p.status() == 200 || p.status() == 481)
			})
		}
	}
}

// What a peer can do to the connection that everybody shares must cost only itself.
func TestABadMessageCostsOnlyItself(t *testing.T) {
	f, h, a := scripted(t)
	c := f.on()
	head := func(method, more string) string {
		return method + " sip:alice@x SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bKbad" + fmt.Sprint(time.Now().UnixNano()) + "\r\nFrom: <sip:bob@example.test>;tag=b\r\nTo: <sip:alice@example.test>\r\nCall-ID: bad\r\nMax-Forwards: 70\r\n" + more
	}
	for i, raw := range []string{
		head("MESSAGE", "CSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"),
		head("MESSAGE", "CSeq: one MESSAGE\r\nContent-Length: 0\r\n\r\n"),
		head("MESSAGE", "CSeq: 1 MESSAGE\r\nContent-Length: 100000\r\n\r\n"+strings.Repeat("x", 100000)),
		head("MESSAGE", "CSeq: 1 MESSAGE\r\nno colon here\r\nContent-Length: 3\r\n\r\nabc"),
		"NONSENSE\r\nContent-Length: 0\r\n\r\n",
		"SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP h;branch=z9hG4bKnone\r\nCSeq: 1 MESSAGE\r\nContent-Length: 0\r\n\r\n",
		"SIP/2.0 999999 \r\nContent-Length: 0\r\n\r\n",
		"\r\n\r\n\r\n",
	} {
		c.send(raw)
		body := fmt.Sprint("still here ", i)
		if p := f.await(c.request("MESSAGE", "sip:alice@x", "<sip:bob@example.test>;tag=b", "<sip:alice@example.test>", fmt.Sprint("good", i), 1, body, "Content-Type: text/plain")); p.status() != 200 {
			t.Errorf("after %.60q: %s", raw, p.start)
		}
		h.awaitText(t, alice, body)
	}
	tooLarge := false
	f.mu.Lock()
	for _, p := range f.answers {
		tooLarge = tooLarge || p.status() == 413
	}
	f.mu.Unlock()
	if !tooLarge {
		t.Error("the oversized message was not answered 413")
	}
	// without a length the stream cannot go on: answered, closed, and everybody is back
	c.send(head("MESSAGE", "CSeq: 1 MESSAGE\r\n\r\n"))
	f.wait("400", &f.answers, func(p packet) bool {
		return p.status() == 400 && strings.Contains(p.start, "400") && p.get("Cseq") == "1 MESSAGE"
	})
	eventually(t, "a new connection", func() bool { f.mu.Lock(); defer f.mu.Unlock(); return len(f.conns) == 2 })
	eventually(t, "alice registered", func() bool { return a.Status(alice).Registered })
}
