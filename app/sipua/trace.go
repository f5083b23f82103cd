package sipua

// Traces: a person's own traffic, shown to who asked for it, without secrets and without what others wrote.

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"portico/app/portal"
	"portico/app/sipua/xcap"
)

// maxTraced is how much of one message is shown, in bytes.
const maxTraced = 16 << 10

// taps are the traces that are switched on. While there are none each message costs one look at a number.
type taps struct {
	on atomic.Int32

	mu   sync.RWMutex
	next int
	m    map[portal.Address]map[int]func(portal.Traffic)
}

// Trace shows sink every SIP message of the person's own and every exchange about their documents, until stop is called
// (which may be done more than once). Passwords' digests and nonces are taken out; what people say to each other, and the
// presence of others, who may hide from the person, are replaced by their length. sink is called by who reads and writes connections: it must return at once and not call stop.
func (a *Agent) Trace(who portal.Address, sink func(portal.Traffic)) (stop func()) {
	t := &a.taps
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.m == nil {
		t.m = map[portal.Address]map[int]func(portal.Traffic){}
	}
	if t.m[who] == nil {
		t.m[who] = map[int]func(portal.Traffic){}
	}
	id := t.next
	t.next++
	t.m[who][id] = sink
	t.on.Add(1)
	return sync.OnceFunc(func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.m[who], id)
		if len(t.m[who]) == 0 {
			delete(t.m, who)
		}
		t.on.Add(-1)
	})
}

// tell passes traffic to the traces of a person.
func (t *taps) tell(who portal.Address, make func() portal.Traffic) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	sinks := t.m[who]
	if len(sinks) == 0 {
		return
	}
	traffic := make()
	for _, sink := range sinks {
		sink(traffic)
	}
}

// see looks at a message on its way.
func (t *taps) see(f *flow, raw []byte, sent bool) {
	if t.on.Load() == 0 {
		return
	}
	who := ownerOf(raw, sent)
	if who == "" {
		return
	}
	t.tell(who, func() portal.Traffic {
		return portal.Traffic{At: time.Now().UTC(), Protocol: "sip", Sent: sent, Peer: f.peer, Text: withoutSecrets(raw)}
	})
}

// ownerOf is whose message it is: who asks, or who is asked. Of two people of this portal who write to each other each
// sees their own half.
func ownerOf(raw []byte, sent bool) portal.Address {
	name, short := "to", "t"
	if response := bytes.HasPrefix(raw, []byte("SIP/2.0 ")); sent != response {
		name, short = "from", "f"
	}
	for header, value := range headerLines(raw) {
		if !strings.EqualFold(header, name) && !strings.EqualFold(header, short) {
			continue
		}
		if n, ok := parseNameAddr(value); ok {
			who, err := portal.ParseAddress(n.uri)
			if err == nil {
				return who
			}
		}
		return ""
	}
	return ""
}

// secretHeaders are those whose values are not shown.
var secretHeaders = []string{"authorization", "proxy-authorization", "www-authenticate", "proxy-authenticate", "authentication-info", "proxy-authentication-info", "cookie", "set-cookie"}

// withoutSecrets is a message as it may be shown.
func withoutSecrets(raw []byte) string {
	head, body, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
	var b strings.Builder
	method := ""
	folded := false // a line that goes on with the value of a secret header
	for i, line := range strings.Split(string(head), "\r\n") {
		if i == 0 {
			method, _, _ = strings.Cut(line, " ")
		}
		name, value, _ := strings.Cut(line, ":")
		switch continues := strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t"); {
		case continues && folded:
			continue
		case continues:
		case i > 0 && slices.Contains(secretHeaders, strings.ToLower(strings.TrimSpace(name))):
			scheme, _, _ := strings.Cut(strings.TrimSpace(value), " ")
			line, folded = name+": "+scheme+" (left out)", true
		default:
			folded = false
			if strings.EqualFold(strings.TrimSpace(name), "cseq") && strings.HasPrefix(method, "SIP/") {
				_, method, _ = strings.Cut(strings.TrimSpace(value), " ")
			}
		}
		b.WriteString(line + "\r\n")
	}
	b.WriteString("\r\n")
	if len(body) > 0 && (method == "MESSAGE" || method == "INVITE" || tellsOfOthers(method, raw)) {
		fmt.Fprintf(&b, "(%d bytes left out)", len(body))
	} else {
		b.Write(body)
	}
	return shorten(b.String())
}

// tellsOfOthers reports whether a message may carry the presence of somebody else than whose message it is: documents of
// presence, but one that the person's own address is the source of, and all lists of them.
func tellsOfOthers(method string, raw []byte) bool {
	if method != "NOTIFY" && method != "SUBSCRIBE" {
		return false
	}
	var event, content string
	var from, to portal.Address
	for header, value := range headerLines(raw) {
		word, _, _ := strings.Cut(value, ";")
		word = strings.ToLower(strings.TrimSpace(word))
		switch strings.ToLower(header) {
		case "event", "o":
			event = word
		case "content-type", "c":
			content = word
		case "from", "f":
			from = addressIn(value)
		case "to", "t":
			to = addressIn(value)
		}
	}
	document := strings.HasPrefix(content, "multipart/") || strings.Contains(content, "pidf") || strings.Contains(content, "rlmi")
	if event != "presence" && !document {
		return false
	}
	return content != "application/pidf+xml" || from == "" || from != to
}

// addressIn is the address of a From or To; empty: there is none.
func addressIn(value string) portal.Address {
	n, ok := parseNameAddr(value)
	if !ok {
		return ""
	}
	who, _ := portal.ParseAddress(n.uri)
	return who
}

func shorten(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) > maxTraced {
		s = strings.ToValidUTF8(s[:maxTraced], "") + fmt.Sprintf("\r\n(%d more bytes)", len(s)-maxTraced)
	}
	return s
}

// watched shows an exchange about documents.
func (d *documents) watched(x xcap.Exchange) {
	if d.a.taps.on.Load() == 0 {
		return
	}
	peer := x.Request.URL.Host
	d.a.taps.tell(x.Who, func() portal.Traffic {
		text := x.Request.Method + " " + x.Request.URL.RequestURI() + " HTTP/1.1\r\n" + headerText(x.Request.Header) + "\r\n" + string(x.Sent)
		return portal.Traffic{At: x.At.UTC(), Protocol: "xcap", Sent: true, Peer: peer, Text: shorten(text)}
	})
	d.a.taps.tell(x.Who, func() portal.Traffic {
		text := ""
		if x.Response != nil {
			text = x.Response.Proto + " " + x.Response.Status + "\r\n" + headerText(x.Response.Header) + "\r\n" + string(x.Received)
		}
		if x.Err != nil {
			text += x.Err.Error()
		}
		return portal.Traffic{At: time.Now().UTC(), Protocol: "xcap", Peer: peer, Text: shorten(text)}
	})
}

// headerText is the lines of a header, secrets left out.
func headerText(h http.Header) string {
	names := make([]string, 0, len(h))
	for name := range h {
		names = append(names, name)
	}
	slices.Sort(names)
	var b strings.Builder
	for _, name := range names {
		for _, value := range h[name] {
			if slices.Contains(secretHeaders, strings.ToLower(name)) {
				scheme, _, _ := strings.Cut(value, " ")
				value = scheme + " (left out)"
			}
			b.WriteString(name + ": " + value + "\r\n")
		}
	}
	return b.String()
}
