package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"portico/app/sipua/siptest"
)

// Bad input to rooms, end to end: what is hostile is shown as what it is, what is too much is limited and told so, who has no right is
// told that much and no more; nothing is lost and nobody else is disturbed.

// hostile is what somebody writes where a name or a text belongs.
const hostile = `"'><script>alert(1)</script><img src=x onerror=alert(2)> javascript:alert(3) {{.}} ` + "`</code><svg onload=alert(4)>`" + ` [x](javascript:alert(5))`

// runs are pieces of hostile text that would run where they stand in a page like that.
func runs() []string {
	return []string{"<script>alert", "<img src=x", "<svg onload", `href="javascript:`}
}

// sharedFile is a file of a room as the API tells it.
type sharedFile struct {
	ID, Name, Type      string
	Size, Width, Height int64
}

// share puts a file into a room and gives the answer's status and text.
func (c *client) share(room, name string, content []byte) (sharedFile, int, string) {
	c.t.Helper()
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	part, err := w.CreateFormFile("file", name)
	if err == nil {
		_, err = part.Write(content)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		c.t.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodPost, c.base+"/api/v1/rooms/"+room+"/files", &form)
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	req.Header.Set("Content-Type", w.FormDataContentType())
	resp, err := c.http.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	var f sharedFile
	if resp.StatusCode == http.StatusCreated {
		if err := json.Unmarshal(body, &f); err != nil {
			c.t.Fatalf("answer %q: %v", body, err)
		}
	}
	return f, resp.StatusCode, string(body)
}

// pictureBomb is the head of a picture that would take 14 GB when it is unpacked.
func pictureBomb() []byte {
	head := append([]byte("IHDR"), 0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60, 8, 6, 0, 0, 0)
	b := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"), head...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(head))
}

// page is a page of the portal as a browser of somebody gets it.
func (p *program) page(header http.Header, path string) (status int, body string, answer http.Header) {
	p.t.Helper()
	req, err := http.NewRequest(http.MethodGet, p.url+path, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header, req.Close = header.Clone(), true
	resp, err := (&http.Client{Timeout: longest}).Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return resp.StatusCode, string(b), resp.Header
}

func TestHostileTextAndFilesInARoom(t *testing.T) {
	t.Parallel()
	p := demo(t, "PORTICO_LAB_ROBOTS_PACE=24h", "PORTICO_ROOMS_MAX_FILE=1")
	alice, bob := p.signIn("alice"), p.signIn("bob")
	title, topic := hostile[:60], hostile
	alice.makeRoom(map[string]any{"name": "bad", "title": title, "topic": topic, "open": true})
	if status := bob.call(http.MethodPut, "/rooms/bad/members/"+person("bob"), nil, nil); status != http.StatusNoContent {
		t.Fatalf("join: status %d", status)
	}
	live := bob.live(-1)

	evil, status, _ := alice.share("bad", `../../a"; filename="b.html<script>alert(1)</script>.html`, []byte("<html><script>alert(1)</script></html>"))
	if status != http.StatusCreated || strings.ContainsAny(evil.Name, `<>"/\`) || evil.Type == "text/html" {
		t.Errorf("a hostile file is %+v (status %d)", evil, status)
	}
	bomb, status, _ := alice.share("bad", "bomb.png", pictureBomb())
	if status != http.StatusCreated || bomb.Type != "application/octet-stream" || bomb.Width != 0 {
		t.Errorf("a picture bomb is %+v (status %d)", bomb, status)
	}
	if _, status, why := alice.share("bad", "large.bin", make([]byte, 1_500_000)); status != http.StatusRequestEntityTooLarge || !strings.Contains(why, "larger than 1 MB") {
		t.Errorf("a file over the limit: status %d: %s", status, why)
	}
	var said roomLine
	if status := alice.call(http.MethodPost, "/rooms/bad/messages", map[string]any{"id": "hostile", "text": hostile, "files": []string{evil.ID, bomb.ID}}, &said); status != http.StatusCreated {
		t.Fatalf("say: status %d", status)
	}
	if e := live.until("the message", func(e event) bool { return e.Event == "message" && e.ID == "hostile" }); e.Text != hostile {
		t.Errorf("it came as %q", e.Text)
	}
	if log := bob.inRoom("bad"); len(log) != 1 || log[0].Text != hostile {
		t.Errorf("the log has %+v", log)
	}

	// No page has any of it as anything but text, and nothing that is not the portal's own would run.
	header := p.browser("bob")
	for _, path := range []string{"/rooms", "/rooms?q=script", "/rooms/bad", "/rooms/bad/settings", "/rooms/bad/messages", "/history?q=alert", "/history"} {
		status, body, answer := p.page(header, path)
		if status != http.StatusOK && path != "/rooms/bad/settings" {
			t.Errorf("%s: status %d", path, status)
		}
		for _, piece := range runs() {
			if strings.Contains(body, piece) {
				t.Errorf("%s has %q as it was written", path, piece)
			}
		}
		policy := answer.Get("Content-Security-Policy")
		if answer.Get("X-Content-Type-Options") != "nosniff" || policy == "" || strings.Contains(policy, "unsafe-inline") || strings.Contains(policy, "unsafe-eval") {
			t.Errorf("%s is sent with %v", path, answer)
		}
	}
	if _, body, _ := p.page(header, "/rooms/bad"); !strings.Contains(body, "&lt;script&gt;alert(1)&lt;/script&gt;") {
		t.Error("the page does not show the text")
	} else if strings.Contains(body, `<img src="/rooms/bad/files/`+bomb.ID) || strings.Contains(body, "files/"+bomb.ID+`" loading`) {
		t.Error("the page shows the bomb as a picture")
	}
	for _, f := range []sharedFile{evil, bomb} {
		body, answer := bob.raw("/rooms/bad/files/"+f.ID, "", http.StatusOK)
		disposition, params, err := mime.ParseMediaType(answer.Get("Content-Disposition"))
		if err != nil || disposition != "attachment" || params["filename"] != f.Name || int64(len(body)) != f.Size {
			t.Errorf("%s: %d bytes with Content-Disposition %q: %v", f.Name, len(body), answer.Get("Content-Disposition"), err)
		}
		if answer.Get("Content-Type") != "application/octet-stream" || answer.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(answer.Get("Content-Security-Policy"), "sandbox") {
			t.Errorf("%s is sent with %v", f.Name, answer)
		}
	}
	p.signIn("carol").bytes("/rooms/bad/files/"+evil.ID, "", http.StatusForbidden) // who is no member reads nothing
}

// A flood from one client is limited and told so, in the room nothing but that is noticed of it; who has no right is told so.
func TestFloodAndStrangersInARoom(t *testing.T) {
	run := func(t *testing.T, p *program, server string) {
		const open, closed, secret = "sip:flooded@rooms.example.test", "sip:closed@rooms.example.test", "sip:secret@rooms.example.test"
		alice := p.signIn("alice")
		alice.makeRoom(map[string]any{"name": "flooded", "title": "Flooded", "open": true})
		alice.makeRoom(map[string]any{"name": "closed", "title": "Closed", "access": "closed"})
		alice.makeRoom(map[string]any{"name": "secret", "title": "Secret", "access": "secret"})
		page := alice.live(-1)
		says := func(user, room, text string, status int) {
			t.Helper()
			siptest.Sipp(t, siptest.SippMessage, siptest.SippOptions{Proxy: server, User: user, To: room, Text: text, Status: status})
		}
		carol, dave := siptest.SippAnswer(t, siptest.SippOptions{Proxy: server, User: "carol"}), siptest.SippAnswer(t, siptest.SippOptions{Proxy: server, User: "dave"})
		hears := func(s *siptest.SippServer, what string) {
			t.Helper()
			await(t, longest, what, func() bool {
				return slices.ContainsFunc(s.Received(), func(text string) bool { return strings.Contains(text, what) })
			})
		}

		// Who has no right: no member of a closed room, a member who does not manage the room, and somebody who may not know of it.
		says("dave", closed, "let me in", http.StatusForbidden)
		hears(dave, "Closed is for its members")
		says("dave", closed, "/join", http.StatusForbidden)
		says("dave", secret, "/join", http.StatusNotFound)
		says("dave", secret, "hello?", http.StatusNotFound)
		says("dave", open, "nobody hears this", http.StatusForbidden)
		hears(dave, "Send /join to come in")
		says("carol", open, "/join", http.StatusOK)
		hears(carol, "You are in Flooded now")
		says("dave", open, "/join", http.StatusOK)
		hears(dave, "You are in Flooded now")

		const flood = 30
		siptest.Sipp(t, siptest.SippFlood, siptest.SippOptions{Proxy: server, User: "dave", To: open, Text: "flood", Calls: flood, Parallel: 5})
		hears(dave, "too much at once")
		says("carol", open, "heard all the same", http.StatusOK)
		alice.sayInRoom("flooded", "calm", "and so am I")
		hears(carol, "and so am I")
		page.until("carol's word", func(e event) bool { return e.Event == "message" && e.Text == "heard all the same" })
		log := alice.inRoom("flooded")
		floods := 0
		for _, m := range log {
			if m.Text == "flood" {
				floods++
			}
		}
		// One at once and one every ten seconds: as many as were sent would take five minutes.
		if floods == 0 || floods >= flood || len(log) != floods+2 {
			t.Errorf("%d messages, %d of the flood of %d", len(log), floods, flood)
		}
		told := 0
		for _, text := range dave.Received() {
			if strings.Contains(text, "too much at once") {
				told++
			}
			if strings.Contains(text, "Secret") {
				t.Errorf("dave was told of a secret room: %q", text)
			}
		}
		if told != 1 {
			t.Errorf("dave was told %d times", told)
		}
		for _, room := range []string{"closed", "secret"} {
			if log := alice.inRoom(room); len(log) != 0 {
				t.Errorf("in %s was said %+v", room, log)
			}
		}
	}
	t.Run("lab", func(t *testing.T) {
		t.Parallel()
		p := demo(t, "PORTICO_LAB_ROBOTS_PACE=24h", "PORTICO_ROOMS_RATE=0.1")
		run(t, p, p.lab)
	})
	t.Run("kamailio", func(t *testing.T) {
		t.Parallel()
		listen := siptest.FreeAddr(t)
		k := siptest.StartKamailio(t, siptest.KamailioOptions{RoomsDomain: "rooms.example.test", RoomsURI: "sip:" + listen + ";transport=tcp"})
		run(t, facing(t, k.Proxy("tcp"), "PORTICO_SIP_LISTEN="+listen, "PORTICO_ROOMS_RATE=0.1"), k.Addr())
	})
}

// To somebody from outside a secret room is one that does not exist, whichever way they ask.
func TestSecretRoomFromOutside(t *testing.T) {
	t.Parallel()
	p := demo(t, "PORTICO_LAB_ROBOTS_PACE=24h")
	alice, dave := p.signIn("alice"), p.signIn("dave")
	alice.makeRoom(map[string]any{"name": "hidden", "title": "Hidden lair", "topic": "a plan", "access": "secret"})
	file, status, _ := alice.share("hidden", "plan.txt", []byte("the plan"))
	if status != http.StatusCreated {
		t.Fatalf("share: status %d", status)
	}
	if status := alice.call(http.MethodPost, "/rooms/hidden/messages", map[string]any{"id": "plan", "text": "the plan of the lair", "files": []string{file.ID}}, nil); status != http.StatusCreated {
		t.Fatalf("say: status %d", status)
	}
	live := dave.live(-1)
	routes := []struct {
		method, path string
		in           any
	}{
		{http.MethodGet, "", nil}, {http.MethodPatch, "", map[string]any{"title": "Mine"}},
		{http.MethodGet, "/members", nil}, {http.MethodPut, "/members/" + person("dave"), nil}, {http.MethodPut, "/members/" + person("dave"), map[string]string{"role": "manager"}},
		{http.MethodPut, "/members/" + person("bob"), nil}, {http.MethodDelete, "/members/" + person("dave"), nil}, {http.MethodDelete, "/members/" + person("alice"), nil},
		{http.MethodPut, "/notify", map[string]string{"notify": "all"}}, {http.MethodPost, "/read", nil}, {http.MethodPost, "/read", map[string]any{"id": "plan"}},
		{http.MethodGet, "/messages", nil}, {http.MethodPost, "/messages", map[string]string{"id": "mine", "text": "I am in"}}, {http.MethodGet, "/messages/1", nil},
		{http.MethodPatch, "/messages/1", map[string]string{"text": "changed"}}, {http.MethodDelete, "/messages/1", nil},
		{http.MethodPut, "/messages/1/reactions/" + url.PathEscape("👍"), nil}, {http.MethodDelete, "/messages/1/reactions/" + url.PathEscape("👍"), nil},
		{http.MethodPut, "/messages/1/pin", nil}, {http.MethodDelete, "/messages/1/pin", nil}, {http.MethodGet, "/messages/1/readers", nil},
		{http.MethodGet, "/pinned", nil}, {http.MethodGet, "/search?q=plan", nil}, {http.MethodGet, "/files/" + file.ID, nil},
	}
	for _, r := range routes {
		for _, name := range []string{"hidden", url.PathEscape("sip:hidden@rooms.example.test"), "nowhere"} {
			if status := dave.call(r.method, "/rooms/"+name+r.path, r.in, nil); status != http.StatusNotFound {
				t.Errorf("%s /rooms/%s%s: status %d", r.method, name, r.path, status)
			}
		}
	}
	for _, name := range []string{"hidden", "nowhere"} {
		if _, status, _ := dave.share(name, "x.txt", []byte("x")); status != http.StatusNotFound {
			t.Errorf("a file for %s: status %d", name, status)
		}
	}
	// Typing is told nobody and answers the same whether there is such a room.
	typing := map[string]bool{"typing": true}
	if a, b := dave.call(http.MethodPost, "/rooms/hidden/typing", typing, nil), dave.call(http.MethodPost, "/rooms/nowhere/typing", typing, nil); a != b {
		t.Errorf("typing: status %d, and %d where there is no room", a, b)
	}
	_, hidden, _ := p.page(p.browser("dave"), "/rooms/hidden")
	for what, body := range map[string]string{
		"the page": hidden, "the rooms to find": string(dave.bytes("/rooms?q=", "", http.StatusOK)), "the rooms to find by name": string(dave.bytes("/rooms?q=hidden", "", http.StatusOK)),
		"the history": string(dave.bytes("/history?q=plan", "", http.StatusOK)), "one's rooms": string(dave.bytes("/rooms", "", http.StatusOK)),
	} {
		if strings.Contains(body, "lair") || strings.Contains(body, "a plan") {
			t.Errorf("%s tells of it: %s", what, body)
		}
	}
	// Nothing of all that changed the room, and the outsider heard nothing of it.
	var room struct{ Title string }
	if status := alice.call(http.MethodGet, "/rooms/hidden", nil, &room); status != http.StatusOK || room.Title != "Hidden lair" {
		t.Errorf("the room is %+v (status %d)", room, status)
	}
	if log := alice.inRoom("hidden"); len(log) != 1 || log[0].Text != "the plan of the lair" {
		t.Errorf("the room has %+v", log)
	}
	alice.sayInRoom("hidden", "more", "still among us")
	alice.say("dave", "after", "and now to you")
	live.until("what is for dave", func(e event) bool {
		if strings.Contains(e.Conversation, "hidden@") {
			t.Errorf("dave heard %+v", e)
		}
		return e.Event == "message" && e.ID == "after"
	})
}

// Who was away while a room talked has every event once and in order when they come back where they stopped.
func TestRoomReplayedToWhoWasAway(t *testing.T) {
	t.Parallel()
	p := demo(t, "PORTICO_LAB_ROBOTS_PACE=24h", "PORTICO_ROOMS_RATE=1000")
	alice, bob := p.signIn("alice"), p.signIn("bob")
	alice.makeRoom(map[string]any{"name": "replay", "title": "Replay", "open": true, "members": []string{"sip:bob@example.test"}})
	there := alice.live(-1)
	away, err := bob.dial(-1)
	if err != nil {
		t.Fatal(err)
	}
	since := away.until("hello", func(e event) bool { return e.Event == "hello" }).Seq
	if err := away.ws.Close(); err != nil {
		t.Fatal(err)
	}

	const lines = 40
	for i, id := range ids("replay", lines) {
		one, other := alice, bob
		if i%3 == 0 {
			one, other = bob, alice
		}
		one.sayInRoom("replay", id, fmt.Sprintf("line %d", i))
		var status int
		switch place := fmt.Sprintf("/rooms/replay/messages/%d", i+1); i % 8 {
		case 1:
			status = one.call(http.MethodPatch, place, map[string]string{"text": fmt.Sprintf("line %d, mended", i)}, nil)
		case 3:
			status = other.call(http.MethodPut, place+"/reactions/"+url.PathEscape("👍"), nil, nil)
		case 5:
			status = alice.call(http.MethodPut, place+"/pin", nil, nil)
		case 7:
			status = one.call(http.MethodDelete, place, nil, nil)
		default:
			status = http.StatusOK
		}
		if status/100 != 2 {
			t.Fatalf("line %d: status %d", i, status)
		}
	}
	alice.say("bob", "last", "that was all")
	hear := func(l *live) (heard []event) {
		t.Helper()
		l.until("the end", func(e event) bool {
			if e.Seq > 0 && strings.Contains(e.Conversation+e.ID, "replay") {
				heard = append(heard, e)
			}
			return e.Event == "message" && e.ID == "last"
		})
		return heard
	}
	want, got := hear(there), hear(bob.live(since))
	if !slices.Equal(got, want) {
		t.Errorf("who was away has %d events, who was there %d:\n%+v\n%+v", len(got), len(want), got, want)
	}
	messages := 0
	for i, e := range got {
		if i > 0 && e.Seq <= got[i-1].Seq {
			t.Errorf("event %d comes after %d", e.Seq, got[i-1].Seq)
		}
		if e.Event == "message" {
			messages++
		}
	}
	if messages < lines || len(got) < lines*3/2 {
		t.Errorf("%d events, %d of them messages", len(got), messages)
	}
}
