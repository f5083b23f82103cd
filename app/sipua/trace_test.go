package sipua

import (
	"strings"
	"testing"
)

// Whoever hides from the reader must not be found in the trace: the presence of others is left out.
func TestNoPresenceOfOthersInATrace(t *testing.T) {
	const own, others = "From: <sip:alice@example.test>;tag=1\r\nTo: <sip:alice@example.test>;tag=2", "f: Bob <sip:bob@example.test>;tag=1\r\nt: <sip:alice@example.test>;tag=2"
	for _, c := range []struct {
		name, first, who, event, content string
		shown                            bool
	}{
		{"of oneself", "NOTIFY sip:a SIP/2.0", own, "Event: presence", "application/pidf+xml", true},
		{"of somebody else", "NOTIFY sip:a SIP/2.0", others, "Event: presence", "application/pidf+xml", false},
		{"in short headers", "NOTIFY sip:a SIP/2.0", others, "o: Presence;id=7", "application/pidf+xml;charset=utf-8", false},
		{"a list", "NOTIFY sip:a SIP/2.0", own, "Event: presence", "multipart/related;type=\"application/rlmi+xml\"", false},
		{"a list without an event", "NOTIFY sip:a SIP/2.0", own, "X: y", "application/rlmi+xml", false},
		{"a document without an event", "NOTIFY sip:a SIP/2.0", others, "X: y", "application/pidf+xml", false},
		{"a part of a document", "NOTIFY sip:a SIP/2.0", others, "Event: presence", "application/pidf-diff+xml", false},
		{"in an answer", "SIP/2.0 200 OK", others + "\r\nCSeq: 1 SUBSCRIBE", "X: y", "application/pidf+xml", false},
		{"own watchers", "NOTIFY sip:a SIP/2.0", own, "Event: presence.winfo", "application/watcherinfo+xml", true},
		{"messages that wait", "NOTIFY sip:a SIP/2.0", others, "Event: message-summary", "application/simple-message-summary", true},
		{"what oneself publishes", "PUBLISH sip:a SIP/2.0", own, "Event: presence", "application/pidf+xml", true},
	} {
		raw := c.first + "\r\n" + c.who + "\r\n" + c.event + "\r\nContent-Type: " + c.content + "\r\n\r\nthe document"
		got := withoutSecrets([]byte(raw))
		if strings.Contains(got, "the document") != c.shown || strings.Contains(got, "(12 bytes left out)") == c.shown {
			t.Errorf("%s:\n%s", c.name, got)
		}
	}
}
