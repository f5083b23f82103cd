package siptest

import (
	"strings"
	"testing"
)

// Calls, voice mail and the server's own rooms, where they are switched on: who may ask, who may tell, and in what words.
func TestCallsVoiceMailAndServerRooms(t *testing.T) {
	k := StartKamailio(t, KamailioOptions{Calls: true, VoicemailUser: "karl", IMC: true})
	alice, carol := dialRaw(t, k, "alice", false), dialRaw(t, k, "carol", false)
	want(t, alice.signed("REGISTER", "sip:example.test", "", ""), 200)
	want(t, carol.signed("REGISTER", "sip:example.test", "", ""), 200)

	t.Run("voice mail", func(t *testing.T) {
		const summary = "Call-ID: vm%\r\nEvent: message-summary\r\nExpires: 600\r\n"
		ask := func(n string) string {
			return strings.Replace(summary, "%", n, 1) + "Accept: application/simple-message-summary\r\n"
		}
		want(t, alice.signed("SUBSCRIBE", k.URI("alice"), ask("1"), ""), 200)
		if n := alice.next(); n.body != "" || !strings.HasPrefix(n.header.Get("Subscription-State"), "active") {
			t.Errorf("before anything was said: %v %q", n.header, n.body)
		}
		want(t, carol.signed("SUBSCRIBE", k.URI("alice"), ask("2"), ""), 403)
		Sipp(t, SippWaiting, SippOptions{Proxy: k.Addr(), User: "carol", To: "alice", Text: "1/0", Status: 403})
		Sipp(t, SippWaiting, SippOptions{Proxy: k.Addr(), User: "karl", To: "alice", Text: "3/4 (1/0)"})
		if n := alice.next(); !strings.Contains(n.body, "Voice-Message: 3/4 (1/0)") || n.header.Get("Content-Type") != "application/simple-message-summary" {
			t.Errorf("%v %q", n.header, n.body)
		}
		// The name of the voice mail system opens nothing else.
		karl := dialRaw(t, k, "karl", false)
		want(t, karl.signed("PUBLISH", k.URI("alice"), "Event: presence\r\nExpires: 600\r\nContent-Type: application/pidf+xml\r\n", "<presence/>"), 403)
		want(t, carol.signed("PUBLISH", k.URI("alice"), "Call-ID: vm3\r\nFrom: <"+k.URI("karl")+">;tag=x\r\nEvent: message-summary\r\nExpires: 600\r\n", "Messages-Waiting: yes\r\n"), 403)
	})
	t.Run("calls", func(t *testing.T) {
		const dialog = "Event: dialog\r\nExpires: 600\r\nAccept: application/dialog-info+xml\r\n"
		want(t, carol.signed("SUBSCRIBE", k.URI("alice"), "Call-ID: d1\r\n"+dialog, ""), 403)
		want(t, carol.signed("SUBSCRIBE", k.URI("carol"), "Call-ID: d2\r\n"+dialog, ""), 200)
		states := func(wanted string) {
			t.Helper()
			for {
				n := carol.next()
				_, state, found := strings.Cut(n.body, "<state>")
				state, _, _ = strings.Cut(state, "<")
				if found && !strings.Contains(n.body, `direction="initiator"`) {
					t.Errorf("carol called, and is told %s", n.body)
				}
				if state == wanted {
					return
				}
			}
		}
		dave := Baresip(t, ClientOptions{Proxy: k.Addr(), User: "dave", NoPublish: true})
		caller := Baresip(t, ClientOptions{Proxy: k.Addr(), User: "carol", NoPublish: true})
		caller.Dial("dave")
		states("early")
		dave.Answer(wait)
		states("confirmed")
		caller.HangUp()
		states("terminated")
		dave.ExpectCall(NoCall, wait)
	})
	t.Run("rooms", func(t *testing.T) {
		say := func(r *raw, n, text string, status int) {
			t.Helper()
			want(t, r.signed("MESSAGE", "sip:chat-team@example.test", "Call-ID: say"+n+"\r\nContent-Type: text/plain\r\n", text), status)
		}
		hears := func(r *raw, text string) {
			t.Helper()
			if p := r.next(); p.body != text || !strings.HasPrefix(p.header.Get("From"), "<sip:chat-team@example.test>") {
				t.Errorf("heard %q from %s, want %q", p.body, p.header.Get("From"), text)
			}
		}
		erin := dialRaw(t, k, "erin", false)
		want(t, erin.signed("REGISTER", "sip:example.test", "", ""), 200)
		say(alice, "1", "#create chat-team", 200)
		hears(alice, "*** Room was created")
		say(erin, "2", "hello", 500) // no member
		say(erin, "3", "#join", 200)
		hears(erin, "*** [erin] has joined the room")
		hears(alice, "*** [erin] has joined the room")
		say(erin, "4", "hello", 200)
		hears(alice, "[erin]: hello")
	})
}
