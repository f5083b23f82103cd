package web

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"portico/app/portal"
)

func TestHelloAndWhatIsInForce(t *testing.T) {
	h := newHouse(t)
	a, b := h.signIn(alice), h.signIn(bob)
	b.call("POST", messagesPath(alice), map[string]string{"id": "m1", "text": "waiting"}, 202)
	eventually(t, "the message is there", func() bool {
		var all []messageJSON
		a.call("GET", messagesPath(bob), nil, 200).into(&all)
		return len(all) == 1
	})
	live := a.dial(protocolJSON, "")
	hello := live.next("hello")
	me, _ := hello["me"].(map[string]any)
	if me["uri"] != string(alice) || me["display_name"] != "Alice Adams" {
		t.Errorf("me %v", me)
	}
	if seq, _ := hello["seq"].(float64); seq < 1 {
		t.Errorf("hello %v", hello)
	}
	// Without since nothing old is told, but everything that is in force.
	counts := live.next("counts", "message")
	if unread, _ := counts["unread"].(map[string]any); unread[string(bob)] != 1.0 {
		t.Errorf("in force: %v", counts)
	}
}

func TestResume(t *testing.T) {
	h := newHouse(t, func(s *settings) { s.web.LiveRate, s.web.LiveBurst, s.noCalendar = 1e6, 1e6, true })
	a := h.signIn(alice)
	live := a.dial(protocolJSON, "")
	since := int64(live.next("hello")["seq"].(float64))
	const n = replayBatch + 10 // each with its state: more than two batches
	ids := map[string]int{}
	for i := range n {
		id := fmt.Sprint("m", i)
		ids[id] = i
		live.send(map[string]any{"op": "send", "id": id, "conversation": alice, "text": id})
	}
	last := -1
	live.until(func(f map[string]any) bool {
		if f["event"] == "message" {
			last++
		}
		return last == n-1
	}, "all messages")

	again := a.dial(protocolJSON, fmt.Sprint("?since=", since))
	expect, before := 0, since
	for expect < n {
		f := again.until(func(f map[string]any) bool { return f["event"] == "message" || f["event"] == "state" }, "replay")
		seq := int64(f["seq"].(float64))
		if seq <= before {
			t.Fatalf("seq %d after %d", seq, before)
		}
		before = seq
		if f["event"] == "message" {
			if i := ids[f["id"].(string)]; i != expect {
				t.Fatalf("message %d where %d was expected", i, expect)
			}
			expect++
		}
	}
	// A client that has everything gets nothing twice.
	again.quietUntilStates()
	eventually(t, "the last state is logged", func() bool { return h.head() == since+2*n })
	upToDate := a.dial(protocolJSON, fmt.Sprint("?since=", h.head()))
	upToDate.next("hello")
	upToDate.quietUntilPong()
}

// quietUntilStates is quietUntilPong, but delivery reports may still come.
func (b *browser) quietUntilStates() {
	b.t.Helper()
	b.send(map[string]any{"op": "ping"})
	b.until(func(f map[string]any) bool {
		if f["event"] == "message" {
			b.t.Fatalf("a message twice: %v", f)
		}
		return f["event"] == "pong"
	}, "pong")
}

func (h *house) head() int64 {
	h.t.Helper()
	head, err := h.store.EventHead(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	return head
}

func TestResyncWhenTooMuchWasMissed(t *testing.T) {
	h := newHouse(t, func(s *settings) { s.bound, s.noCalendar = replayBatch+50, true })
	a := h.signIn(alice)
	for i := range replayBatch { // twice as many events
		a.call("POST", messagesPath(alice), map[string]string{"id": fmt.Sprint("m", i), "text": "x"}, 202)
	}
	eventually(t, "every message and its state is logged", func() bool { return h.head() == 2*replayBatch })
	live := a.dial(protocolJSON, "?since=0")
	live.next("hello")
	live.next("resync")
	live.quietUntilStates()
	// From here on it gets what is new.
	live.send(map[string]any{"op": "send", "id": "new", "conversation": alice, "text": "new"})
	live.until(func(f map[string]any) bool { return f["event"] == "message" && f["id"] == "new" }, "the new message")

	future := a.dial(protocolJSON, "?since=99999999")
	future.next("hello")
	future.next("resync")
}

func TestSinceMustBeANumber(t *testing.T) {
	h := newHouse(t)
	a := h.signIn(alice)
	for _, bad := range []string{"x", "-1", "1.5", "99999999999999999999"} {
		if _, resp, err := a.tryDial(protocolJSON, "?since="+bad); err == nil || resp.StatusCode != 400 {
			t.Errorf("since=%s: %v", bad, err)
		}
		a.call("GET", "/api/v1/events?since="+bad, nil, 400).problem("live.since")
		a.with("Last-Event-ID", bad).call("GET", "/api/v1/events", nil, 400).problem("live.since")
	}
}

func TestOps(t *testing.T) {
	h := newHouse(t)
	a, b := h.signIn(alice).dial(protocolJSON, ""), h.signIn(bob).dial(protocolJSON, "")
	a.next("hello")
	b.next("hello")
	a.send(map[string]any{"op": "send", "id": "m1", "conversation": bob.Bare(), "text": "hi"})
	if m := b.next("message"); m["text"] != "hi" || m["from"] != string(alice) {
		t.Errorf("bob got %v", m)
	}
	a.until(func(f map[string]any) bool { return f["event"] == "state" && f["state"] == "delivered" }, "delivered")
	// A repeat is answered with the present state, to this connection, without a number.
	a.send(map[string]any{"op": "send", "id": "m1", "conversation": bob, "text": "hi again"})
	if f := a.next("state", "message", "error"); f["event"] != "state" || f["state"] != "delivered" || f["seq"] != nil || f["id"] != "m1" {
		t.Errorf("repeat answered with %v", f)
	}
	b.quietUntilPong()

	b.send(map[string]any{"op": "typing", "conversation": alice, "typing": true})
	if f := a.next("typing"); f["from"] != string(bob) || f["typing"] != true {
		t.Errorf("typing %v", f)
	}
	b.send(map[string]any{"op": "read", "conversation": alice, "id": "m1"})
	a.until(func(f map[string]any) bool { return f["event"] == "state" && f["state"] == "read" }, "read")

	a.send(map[string]any{"op": "watch", "uris": []string{string(carol), "bob@example.test"}})
	a.until(func(f map[string]any) bool {
		return f["event"] == "presence" && f["uri"] == string(bob) && f["availability"] == "available"
	}, "bob's presence")
	c := h.signIn(carol).dial(protocolJSON, "")
	c.next("hello")
	a.until(func(f map[string]any) bool {
		return f["event"] == "presence" && f["uri"] == string(carol) && f["availability"] == "available"
	}, "carol's presence")
	c.send(map[string]any{"op": "idle"})
	a.until(func(f map[string]any) bool {
		return f["event"] == "presence" && f["uri"] == string(carol) && f["activity"] == "inactive"
	}, "carol is inactive")
	c.send(map[string]any{"op": "active"})
	a.until(func(f map[string]any) bool {
		return f["event"] == "presence" && f["uri"] == string(carol) && f["activity"] == ""
	}, "carol is active")
}

// Frames of nonsense: an error that names the frame, and nothing else.
func TestFramesThatAreNotUnderstood(t *testing.T) {
	h := newHouse(t, func(s *settings) { s.noCalendar = true }) // whose first reading would be an event
	a := h.signIn(alice)
	live := a.dial(protocolJSON, "")
	live.next("hello")
	head := h.head()
	for _, test := range []struct{ name, frame, id, reason string }{
		{"not JSON", `hello`, "", "json.object"},
		{"empty", ` `, "", "json.object"},
		{"array", `[1,2]`, "", "json.object"},
		{"cut short", `{"op":"send","id":"x"`, "", "json.malformed"},
		{"two objects", `{"op":"ping"}{"op":"ping"}`, "", "json.malformed"},
		{"no op", `{"id":"x1"}`, "x1", "live.unknown-op"},
		{"unknown op", `{"op":"shout","id":"x2"}`, "x2", "live.unknown-op"},
		{"op of the wrong type", `{"op":7,"id":"x3"}`, "x3", "json.type"},
		{"id of the wrong type", `{"op":"send","id":7,"conversation":"bob@example.test","text":"x"}`, "", "json.type"},
		{"too deep", `{"op":"send","id":"x","text":` + strings.Repeat("[", 50) + strings.Repeat("]", 50) + `}`, "", "json.depth"},
		{"not UTF-8", "{\"op\":\"send\",\"text\":\"\xff\"}", "", "json.utf8"},
		{"send without id", `{"op":"send","conversation":"bob@example.test","text":"x"}`, "", "message.id"},
		{"send with a long id", `{"op":"send","id":"` + strings.Repeat("i", 65) + `","conversation":"bob@example.test","text":"x"}`, strings.Repeat("i", 65), "message.id"},
		{"send without text", `{"op":"send","id":"x4","conversation":"bob@example.test"}`, "x4", "message.empty"},
		{"send with blank text", `{"op":"send","id":"x5","conversation":"bob@example.test","text":"  \n"}`, "x5", "message.empty"},
		{"send without conversation", `{"op":"send","id":"x6","text":"x"}`, "x6", "address.form"},
		{"send to nonsense", `{"op":"send","id":"x7","conversation":"mailto:x@y","text":"x"}`, "x7", "address.scheme"},
		{"send too much", `{"op":"send","id":"x8","conversation":"bob@example.test","text":"` + strings.Repeat("a", portal.MaxTextLen+1) + `"}`, "x8", "message.too-long"},
		{"typing without typing", `{"op":"typing","id":"x9","conversation":"bob@example.test"}`, "x9", "json.type"},
		{"typing to nobody", `{"op":"typing","typing":true}`, "", "address.form"},
		{"read nonsense", `{"op":"read","conversation":"@"}`, "", "address.form"},
		{"watch nobody", `{"op":"watch"}`, "", "json.type"},
		{"watch nonsense", `{"op":"watch","uris":["x"]}`, "", "address.form"},
		{"watch numbers", `{"op":"watch","uris":[1]}`, "", "json.type"},
	} {
		t.Run(test.name, func(t *testing.T) {
			// gorilla refuses to send text that is not UTF-8 only when asked to; it does not look.
			live.send(test.frame)
			f := live.until(func(map[string]any) bool { return true }, "error")
			for f["event"] == "presence" || f["event"] == "counts" || f["event"] == "line" || f["event"] == "exchange" {
				f = live.until(func(map[string]any) bool { return true }, "error")
			}
			reason, _ := f["reason"].(string)
			if f["event"] != "error" || f["id"] != test.id || f["reason_key"] != test.reason || !strings.Contains(reason, " ") {
				t.Errorf("answered %v", f)
			}
		})
	}
	live.quietUntilPong()
	if h.head() != head {
		t.Error("something was logged")
	}
}

func TestAFrameTooLargeEndsTheConnection(t *testing.T) {
	h := newHouse(t)
	a := h.signIn(alice)
	live, other := a.dial(protocolJSON, ""), a.dial(protocolJSON, "")
	live.next("hello")
	other.next("hello")
	frame := `{"op":"send","id":"x","conversation":"bob@example.test","text":"` + strings.Repeat("a", 20<<10) + `"}`
	// The server may close before it has read all of it, and then the rest cannot be written or the close
	// frame is lost with the connection.
	if err := live.ws.WriteMessage(websocket.TextMessage, []byte(frame)); err != nil {
		t.Logf("write: %v", err)
	}
	if code := live.end(); code != websocket.CloseMessageTooBig && code != 0 {
		t.Errorf("close code %d", code)
	}
	other.quietUntilPong()
}

func TestBinaryFramesEndTheConnection(t *testing.T) {
	h := newHouse(t)
	live := h.signIn(alice).dial(protocolJSON, "")
	live.next("hello")
	if err := live.ws.WriteMessage(websocket.BinaryMessage, []byte{0, 1, 2}); err != nil {
		t.Fatal(err)
	}
	if code := live.end(); code != websocket.CloseUnsupportedData {
		t.Errorf("close code %d", code)
	}
}

func TestPaceOfOneConnection(t *testing.T) {
	h := newHouse(t, func(s *settings) { s.web.LiveRate, s.web.LiveBurst = 0.001, 5 })
	a := h.signIn(alice)
	live := a.dial(protocolJSON, "")
	live.next("hello")
	for i := range 8 {
		live.send(map[string]any{"op": "ping", "id": strconv.Itoa(i)})
	}
	for range 5 {
		live.next("pong")
	}
	if f := live.next("pong", "error"); f["reason_key"] != "too-many" || f["id"] != "5" {
		t.Errorf("the sixth frame was answered with %v", f)
	}
	// Another connection has its own pace.
	other := a.dial(protocolJSON, "")
	other.next("hello")
	other.quietUntilPong()
}

// TestPaceOfOnePerson: many connections of one person have no more than a few connections' allowance together.
func TestPaceOfOnePerson(t *testing.T) {
	h := newHouse(t, func(s *settings) { s.web.LiveRate, s.web.LiveBurst = 0.001, 5 })
	a := h.signIn(alice)
	for range manyPages {
		live := a.dial(protocolJSON, "")
		live.next("hello")
		for range 5 {
			live.send(map[string]any{"op": "ping"})
			live.next("pong")
		}
	}
	live := a.dial(protocolJSON, "")
	live.next("hello")
	live.send(map[string]any{"op": "ping"})
	if f := live.next("pong", "error"); f["reason_key"] != "too-many" {
		t.Errorf("one connection more was answered with %v", f)
	}
	other := h.signIn(bob).dial(protocolJSON, "")
	other.next("hello")
	other.quietUntilPong()
}

func TestSubprotocols(t *testing.T) {
	h := newHouse(t)
	a := h.signIn(alice)
	for offered, want := range map[string]string{
		protocolJSON:                        protocolJSON,
		protocolHTML:                        protocolHTML,
		"other," + protocolHTML:             protocolHTML,
		protocolJSON + "," + protocolHTML:   protocolJSON,
		protocolHTML + ",x," + protocolJSON: protocolHTML,
	} {
		live := a.dial(offered, "")
		if got := live.ws.Subprotocol(); got != want {
			t.Errorf("offered %q, got %q", offered, got)
		}
	}
	for _, offered := range []string{"", "other", "portico.json.v2", "PORTICO.JSON.V1"} {
		if _, resp, err := a.tryDial(offered, ""); err == nil || resp.StatusCode != 400 {
			t.Errorf("offered %q: %v", offered, err)
		}
	}
	a.call("GET", "/ws", nil, http.StatusUpgradeRequired).problem("live.upgrade")
	h.guest().call("GET", "/ws", nil, 401).problem("unauthenticated")
	if _, resp, err := h.guest().tryDial(protocolJSON, ""); err == nil || resp.StatusCode != 401 {
		t.Errorf("nobody got in: %v", err)
	}
}

func TestTheChannelsOwnFramesAsHTML(t *testing.T) {
	h := newHouse(t)
	a := h.browse(alice)
	live := a.dial(protocolHTML, "")
	next := func(prefix string) string {
		t.Helper()
		for frame := range live.raw {
			if strings.HasPrefix(frame, prefix) {
				return frame
			}
		}
		t.Fatalf("no %s", prefix)
		return ""
	}
	if got := next(`<live-event data-event="hello"`); !strings.Contains(got, `data-me="sip:alice@example.test"`) || !strings.Contains(got, `data-seq="`) {
		t.Errorf("hello %s", got)
	}
	live.send(map[string]any{"op": "ping"})
	if got := next(`<live-event data-event="pong"`); !strings.HasSuffix(got, "></live-event>") {
		t.Errorf("pong %s", got)
	}
	live.send(`{"op":"shout","id":"\"><script>"}`)
	if got := next(`<live-event data-event="error"`); strings.Contains(got, "<script>") || !strings.Contains(got, `data-reason-key="live.unknown-op"`) {
		t.Errorf("error %s", got)
	}
	a.with("Sec-Fetch-Site", "same-origin").call("DELETE", "/api/v1/session", nil, 204)
	if got := next(`<live-event data-event="bye"`); strings.Contains(got, "reconnect") || !strings.Contains(got, `data-reason-key="session-ended"`) {
		t.Errorf("bye %s", got)
	}
}

func TestByeWhileDrainingSaysWhenToComeBack(t *testing.T) {
	h := newHouse(t)
	live := h.signIn(alice).dial(protocolJSON, "")
	live.next("hello")
	h.server.Drain()
	h.hub.Drain(t.Context())
	bye := live.next("bye")
	if after, _ := bye["reconnect_after_ms"].(float64); after < 1 || bye["reason_key"] != "draining" {
		t.Errorf("bye %v", bye)
	}
	if code := live.end(); code != 4000 {
		t.Errorf("close code %d", code)
	}
}

func TestReasonsAreInTheReadersLanguage(t *testing.T) {
	h := newHouse(t)
	a := h.signIn(alice)
	english := a.with("Accept-Language", "en").dial(protocolJSON, "")
	german := a.with("Accept-Language", "de-AT,de;q=0.9,en;q=0.5").dial(protocolJSON, "")
	said := map[string]bool{}
	for _, live := range []*browser{english, german} {
		live.next("hello")
		live.send(`{"op":"shout"}`)
		f := live.next("error")
		if f["reason_key"] != "live.unknown-op" {
			t.Errorf("key %v", f)
		}
		said[f["reason"].(string)] = true
	}
	if len(said) != 2 {
		t.Errorf("the same sentence in both languages: %v", said)
	}
}
