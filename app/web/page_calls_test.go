package web

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"portico/app/portal"
)

// missed fills alice's lists: bob called twice, a telephone once, carol wrote, another device took a call, and three spoke to the mailbox.
func (h *house) missed() {
	h.t.Helper()
	at := wednesday(h.t).Add(-2 * time.Hour)
	for i, c := range []portal.Call{
		{ID: "call-1", Kind: portal.MissedCall, From: bob, Times: 2},
		{ID: "call-2", Kind: portal.MissedCall, From: "sip:4312345@pbx.test", Number: "+43 1 2345", Times: 1},
		{ID: "call-3", Kind: portal.MissedConversation, From: carol, Times: 3, Text: "Are you there?"},
		{ID: "call-4", Kind: portal.TakenElsewhere, From: bob, Times: 1, Seen: true},
	} {
		c.Owner, c.At = alice, at.Add(time.Duration(i)*time.Minute)
		if err := h.store.PutCall(h.t.Context(), c, portal.Addressed{For: []portal.Address{alice}, Event: portal.CallEvent{ID: c.ID, Change: portal.Created}}); err != nil {
			h.t.Fatal(err)
		}
	}
	h.chat.Recount(alice)
	for _, m := range []portal.Voicemail{
		{ID: "vm/1", From: bob, Name: "Bob Brown", At: at, Seconds: 65, Type: "audio/wav"},
		{ID: "vm-2", Name: "Dr <Ix>", Number: "+43 664 555", At: at.Add(-time.Hour), Seconds: 3, Type: "audio/wav", Heard: true},
		{ID: "vm-3", Name: "Boss", At: at.Add(-2 * time.Hour), Protected: true},
	} {
		h.mailbox.leave(m)
	}
}

func TestCallsPage(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	h.missed()
	a := h.browse(alice)
	doc := a.page("/calls", http.StatusOK)
	for selector, want := range map[string]string{
		"#call-call-1 .call-what": "2 missed calls in a row", "#call-call-2 .call-what": "Missed call", "#call-call-3 .call-what": "3 messages while you were away",
		"#call-call-3 .last": "Are you there?", "#call-call-4 .call-what": "Taken on another device", "#call-call-2 b": "+43 1 2345", "#calls-total .badge [aria-hidden]": "5",
	} {
		if got := squeezed(doc.Find(selector).Text()); got != want {
			t.Errorf("%s: %q, want %q", selector, got, want)
		}
	}
	if got := doc.Find(".call.unseen").Length(); got != 3 {
		t.Errorf("%d unseen", got)
	}
	if href, _ := doc.Find("#call-call-2 .call-actions a").Attr("href"); href != "tel:+4312345" {
		t.Errorf("the telephone is called back at %q", href)
	}
	wantCard(t, doc, "#call-call-1 .call-actions", bob)
	wantCard(t, doc, `[id="voicemail-vm/1"] .call-actions`, bob)
	if n := doc.Find("#voicemail-vm-2 a[data-card], #voicemail-vm-3 a[data-card]").Length(); n != 0 {
		t.Errorf("%d cards of callers whom nobody knows", n)
	}
	if href, _ := doc.Find("#call-call-1 .call-actions a").Attr("href"); href != "/chat/"+url.PathEscape(string(bob)) {
		t.Errorf("bob is written to at %q", href)
	}
	if h.browse(bob).page("/calls", http.StatusOK).Find(".call, .voicemail").Length() != 0 {
		t.Error("bob sees what alice missed")
	}
}

func TestCallsAreSeenByHandAlone(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	h.missed()
	a := h.browse(alice)
	unseen := func() int { return a.page("/calls", http.StatusOK).Find(".call.unseen").Length() }
	for range 2 {
		if n := unseen(); n != 3 {
			t.Errorf("%d unseen, want 3: looking at the page marks entries as seen", n)
		}
	}
	a.post("/calls/seen", url.Values{"id": {"call-1"}}, http.StatusSeeOther)
	if n := unseen(); n != 2 {
		t.Errorf("%d unseen after one was seen", n)
	}
	a.post("/calls/seen", url.Values{}, http.StatusSeeOther)
	if n := unseen(); n != 0 {
		t.Errorf("%d unseen after all were", n)
	}
	a.post("/calls/call-2/delete", url.Values{}, http.StatusSeeOther)
	if a.page("/calls", http.StatusOK).Find("#call-call-2").Length() != 0 {
		t.Error("a deleted entry is there")
	}
	a.post("/calls/call-2/delete", url.Values{}, http.StatusNotFound)
	h.browse(bob).post("/calls/call-1/delete", url.Values{}, http.StatusNotFound)
}

func TestVoicemailPage(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	h.missed()
	h.calls.Waiting(t.Context(), alice, portal.Waiting{Known: true, Any: true, New: 2, Urgent: 1, Account: "sip:voicemail@example.test"})
	a := h.browse(alice)
	doc := a.page("/calls", http.StatusOK)
	if got := doc.Find(".voicemail").Length(); got != 3 {
		t.Fatalf("%d voice messages", got)
	}
	if got := squeezed(doc.Find("#mwi").Text()); got != "2 new, 1 urgent" {
		t.Errorf("waiting: %q", got)
	}
	if href, _ := doc.Find(".calls-head a").Attr("href"); href != "sip:voicemail@example.test" {
		t.Errorf("voice mail is called at %q", href)
	}
	text := squeezed(doc.Find("#voicemail-pane").Text())
	for _, want := range []string{"Bob Brown", "1:05", "Dr <Ix>", "+43 664 555", "only Outlook can play it"} {
		if !strings.Contains(text, want) {
			t.Errorf("the list lacks %q: %s", want, text)
		}
	}
	if doc.Find("audio").Length() != 2 {
		t.Errorf("%d players", doc.Find("audio").Length())
	}
	src, _ := doc.Find("audio source").First().Attr("src")
	if src != "/api/v1/voicemail/vm%2F1/audio" {
		t.Fatalf("the recording is at %q", src)
	}
	action, _ := doc.Find("form[data-unheard]").First().Attr("action")
	a.post(action, url.Values{"heard": {"true"}}, http.StatusSeeOther)
	if n := a.page("/calls", http.StatusOK).Find("form[data-unheard]").Length(); n != 1 {
		t.Errorf("%d are not heard", n)
	}
	a.post("/calls/voicemail/vm%2F1/delete", url.Values{}, http.StatusSeeOther)
	if n := a.page("/calls", http.StatusOK).Find(".voicemail").Length(); n != 2 {
		t.Errorf("%d are left", n)
	}
	h.mailbox.setAway(true)
	away := a.page("/calls", http.StatusOK)
	if away.Find(".call").Length() != 4 || !strings.Contains(away.Find("#voicemail-pane").Text(), "2 new, 1 urgent") {
		t.Errorf("without Exchange: %s", squeezed(away.Find("main").Text()))
	}
}

func TestRecordingIsPlayedInStretches(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	h.missed()
	a, whole := h.browse(alice), tone(t, 3)
	path := "/api/v1/voicemail/vm%2F1/audio"
	got := a.call(http.MethodGet, path, nil, http.StatusOK)
	if got.header.Get("Content-Type") != "audio/wav" || !bytes.Equal(got.body, whole) {
		t.Errorf("%s, %d bytes", got.header.Get("Content-Type"), len(got.body))
	}
	if cache := got.header.Get("Cache-Control"); cache != "private, no-cache" || got.header.Get("Last-Modified") == "" {
		t.Errorf("another reader at this browser may hear it: %q, %q", cache, got.header.Get("Last-Modified"))
	}
	a.with("If-Modified-Since", got.header.Get("Last-Modified")).call(http.MethodGet, path, nil, http.StatusNotModified)
	part := a.with("Range", "bytes=100-199").call(http.MethodGet, path, nil, http.StatusPartialContent)
	if !bytes.Equal(part.body, whole[100:200]) || part.header.Get("Content-Encoding") != "" {
		t.Errorf("%d bytes of a stretch, %q", len(part.body), part.header.Get("Content-Encoding"))
	}
	a.with("Range", "bytes=9999999-").call(http.MethodGet, path, nil, http.StatusRequestedRangeNotSatisfiable)
	a.call(http.MethodGet, "/api/v1/voicemail/vm-3/audio", nil, http.StatusForbidden).problem("voicemail.protected")
	a.call(http.MethodGet, "/api/v1/voicemail/none/audio", nil, http.StatusNotFound)
	h.browse(bob).call(http.MethodGet, path, nil, http.StatusNotFound)
}

func TestTypeOfARecordingComesFromItsBytes(t *testing.T) {
	for _, c := range []struct {
		said string
		head []byte
		want string
	}{
		{"text/html", tone(t, 1), "audio/wav"}, {"audio/x-ms-wma", []byte{0x30, 0x26, 0xb2, 0x75, 0x8e, 0x66, 0xcf, 0x11}, "audio/x-ms-wma"},
		{"audio/mpeg", []byte("<html><script>"), "application/octet-stream"}, {"", []byte("ID3\x03"), "audio/mpeg"}, {"", []byte("OggS\x00"), "audio/ogg"}, {"video/mp4", []byte{1, 2, 3}, "application/octet-stream"},
	} {
		if got, err := audioType(c.said, bytes.NewReader(c.head)); err != nil || got != c.want {
			t.Errorf("%q with %q: %s, %v; want %s", c.said, c.head[:3], got, err, c.want)
		}
	}
}

func TestCallEventsComeToThePages(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	b := h.browse(alice).dial(protocolHTML, "")
	h.missed()
	want := map[string]bool{`data-event="call"`: true, `data-event="voicemail"`: true, `data-to="calls-pane"`: true, `data-to="voicemail-pane"`: true, `data-key="calls-total"`: true}
	deadline := time.After(patience)
	for len(want) > 0 {
		select {
		case frame := <-b.raw:
			for part := range want {
				if strings.Contains(frame, part) {
					delete(want, part)
				}
			}
		case <-deadline:
			t.Fatalf("never came: %v", want)
		}
	}
}
