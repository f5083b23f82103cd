package web

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"portico/app/portal"
)

// page reads a page and expects its status.
func (c caller) page(path string, status int) *goquery.Document {
	c.h.t.Helper()
	got := c.call(http.MethodGet, path, nil, status)
	doc, err := goquery.NewDocumentFromReader(bytes.NewReader(got.body))
	if err != nil {
		c.h.t.Fatal(err)
	}
	return doc
}

// post sends a form, as a page does.
func (c caller) submit(path string, values ...string) *reply {
	c.h.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(values); i += 2 {
		form.Add(values[i], values[i+1])
	}
	return c.with("Content-Type", "application/x-www-form-urlencoded").with("Origin", c.h.url).with("Sec-Fetch-Site", "same-origin").
		send(http.MethodPost, path, form.Encode())
}

func (r *reply) leadsTo(path string) {
	r.t.Helper()
	if r.status != http.StatusSeeOther || r.header.Get("Location") != path {
		r.t.Fatalf("%d to %q, want %q: %s", r.status, r.header.Get("Location"), path, r.body)
	}
}

func (r *reply) says(status int, text string) {
	r.t.Helper()
	if r.status != status || !strings.Contains(string(r.body), text) {
		r.t.Fatalf("%d %s, want %d with %q", r.status, r.body, status, text)
	}
}

func TestEveryPageIsThere(t *testing.T) {
	h := newHouse(t)
	admin, plain := h.browse(alice), h.browse(bob)
	h.browse(alice).call(http.MethodGet, "/", nil, http.StatusSeeOther)
	for path, heading := range map[string]string{
		"/contacts": "Contacts", "/chat": "Chats", chatWith(bob): "Bob Brown", "/settings": "Settings", "/help": "Help", "/help/keyboard": "Help", "/rooms": "Rooms",
		"/rooms?do=find": "Find a room", "/rooms?do=new": "New room", "/calendar": "Calendar", "/responses": "Responses", "/history": "History", "/calls": "Calls", "/crm": "CRM", "/diagnostics": "Diagnostics", "/admin": "Admin", "/admin/sync": "Calendar synchronisation",
	} {
		doc := admin.page(path, http.StatusOK)
		if got := strings.TrimSpace(doc.Find("main h1").First().Text()); got != heading {
			t.Errorf("%s is headed %q, want %q", path, got, heading)
		}
		if doc.Find(`nav[aria-label="Main"] a`).Length() != 10 {
			t.Errorf("%s has no whole navigation", path)
		}
	}
	plain.page("/admin", http.StatusForbidden)
	plain.page("/help/nothing", http.StatusNotFound)
	plain.page("/chat/not-an-address", http.StatusBadRequest)
	plain.page(chatWith(alice)+"?before=x", http.StatusBadRequest)
	if got := plain.page("/contacts", http.StatusOK).Find(`nav a[href="/admin"]`).Length(); got != 0 {
		t.Error("everybody is led to administration")
	}
	h.guest().call(http.MethodGet, chatWith(bob), nil, http.StatusSeeOther).leadsTo("/signin?next=" + url.QueryEscape(chatWith(bob)))
}

func TestStatusByForm(t *testing.T) {
	h := newHouse(t)
	a := h.browse(alice)
	a.submit("/me/presence", "availability", "busy", "for", "1h", "here", chatWith(bob)).leadsTo(chatWith(bob))
	own := h.presence.Own(alice)
	if own.Availability != portal.Busy || !own.ByHand || time.Until(own.Until) > time.Hour || time.Until(own.Until) < 59*time.Minute {
		t.Errorf("own status: %+v", own)
	}
	a.submit("/me/note", "note", "in the lab", "here", "//evil.test/").leadsTo("/")
	if got := a.page("/contacts", http.StatusOK).Find("#status-note").AttrOr("value", ""); got != "in the lab" {
		t.Errorf("the note is %q", got)
	}
	if got := a.with("HX-Request", "true").submit("/me/presence", "availability", "automatic"); got.status != http.StatusNoContent {
		t.Errorf("reset: %d %s", got.status, got.body)
	}
	if h.presence.Own(alice).ByHand {
		t.Error("the status is still set by hand")
	}
	a.submit("/me/presence", "availability", "unknown").says(http.StatusBadRequest, "This is not a status that one can set.")
	a.submit("/me/presence", "availability", "busy", "for", "forever").says(http.StatusBadRequest, "The end time is not a time.")
	a.with("HX-Request", "true").submit("/me/note", "note", strings.Repeat("x", 501)).says(http.StatusBadRequest, `<p class="banner error">The note is too long.`)
}

func TestEndOfAState(t *testing.T) {
	vienna, err := time.LoadLocation("Europe/Vienna")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 10, 24, 22, 0, 0, 0, vienna)
	for text, want := range map[string]time.Time{
		"": {}, "open": {}, "30m": now.Add(30 * time.Minute), "today": time.Date(2026, 10, 25, 0, 0, 0, 0, vienna),
	} {
		if got, err := endOf(text, now); err != nil || !got.Equal(want) {
			t.Errorf("%q ends %v (%v), want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"x", "-1h", "0s", "200h"} {
		if got, err := endOf(text, now); err == nil {
			t.Errorf("%q ends %v", text, got)
		}
	}
}

func TestContactsByForm(t *testing.T) {
	h := newHouse(t)
	a := h.browse(alice)
	a.submit("/contacts", "uri", "bob@example.test").leadsTo("/contacts")
	a.submit("/contacts", "uri", string(bob), "group", " Friends ", "here", "/chat").leadsTo("/chat")
	doc := a.page("/contacts?q=bro", http.StatusOK)
	if got := strings.TrimSpace(doc.Find("#contact-list h2").First().Contents().First().Text()); got != "Friends" {
		t.Errorf("group %q", got)
	}
	if got := doc.Find("#found .contact .muted").Last().Text(); got != "in your list" {
		t.Errorf("found: %q", got)
	}
	found := a.with("HX-Request", "true").page("/contacts/find?q=stranger@elsewhere.test", http.StatusOK)
	if found.Find(`a[href="/chat/sip:stranger@elsewhere.test"]`).Length() != 1 || found.Find(`form[action="/contacts"]`).Length() != 1 {
		t.Error("a whole address is not found")
	}
	if got := a.page("/contacts/find?q=", http.StatusOK).Find("section").Length(); got != 0 {
		t.Error("an empty search finds something")
	}
	a.submit("/contacts/remove", "uri", string(bob)).leadsTo("/contacts")
	if got := a.page("/contacts", http.StatusOK).Find("li.contact").Length(); got != 0 {
		t.Errorf("%d contacts are left", got)
	}
	a.submit("/contacts", "uri", "nonsense").says(http.StatusBadRequest, "That is not a SIP address.")
	a.submit("/contacts/remove", "uri", "nonsense").says(http.StatusBadRequest, "That is not a SIP address.")
	a.submit("/contacts", "uri", string(alice)).says(http.StatusBadRequest, "You cannot be your own contact.")
}

func TestSayByForm(t *testing.T) {
	h := newHouse(t)
	a := h.browse(alice)
	h.hear(bob, "b1", "hello", time.Now())
	id := a.page(chatWith(bob), http.StatusOK).Find("#composer input[name=id]").AttrOr("value", "")
	for range 2 { // sent twice by an impatient finger
		a.submit(chatWith(bob), "id", id, "text", "hi\r\nthere").leadsTo("/chat/sip:bob@example.test")
	}
	doc := a.page(chatWith(bob), http.StatusOK)
	if got := doc.Find(".log .msg.mine .text"); got.Length() != 1 || got.Text() != "hi\nthere" {
		t.Errorf("%d messages, %q", got.Length(), got.Text())
	}
	if unread, err := h.chat.Unread(t.Context(), alice); err != nil || len(unread) != 0 {
		t.Errorf("who answers has read: %v %v", unread, err)
	}
	long := strings.Repeat("long ", 2000)
	refused := a.submit(chatWith(bob), "id", "x", "text", long)
	refused.says(http.StatusBadRequest, "The message is too long.")
	doc, err := goquery.NewDocumentFromReader(bytes.NewReader(refused.body))
	if err != nil {
		t.Fatal(err)
	}
	if got := doc.Find("#composer textarea").Text(); strings.TrimSpace(got) != strings.TrimSpace(long) {
		t.Errorf("what was typed is lost: %d bytes", len(got))
	}
	h.hear(bob, "b2", "more", time.Now())
	a.submit(chatWith(bob) + "/read").leadsTo("/chat/sip:bob@example.test")
	if unread, err := h.chat.Unread(t.Context(), alice); err != nil || len(unread) != 0 {
		t.Errorf("still unread: %v %v", unread, err)
	}
}

func TestSettingsByForm(t *testing.T) {
	h := newHouse(t)
	a := h.browse(alice)
	a.submit("/settings", "locale", "de", "time_zone", "Asia/Tokyo", "theme", "dark", "sound", "on").leadsTo("/settings?saved=1")
	doc := a.page("/settings?saved=1", http.StatusOK)
	if doc.Find(`html[lang=de][data-theme=dark]`).Length() != 1 || doc.Find("main h1").Text() != "Einstellungen" {
		t.Error("the page does not follow the settings")
	}
	if doc.Find("body").AttrOr("data-sound", "") == "" || doc.Find("body").AttrOr("data-notifications", "x") != "" {
		t.Error("the script is not told of sound and notifications")
	}
	if got := doc.Find(".sessions li").Length(); got != 1 {
		t.Errorf("%d sessions", got)
	}
	refused := a.submit("/settings", "locale", "de", "time_zone", "Mars/Olympus")
	refused.says(http.StatusBadRequest, "Diese Zeitzone gibt es nicht.")
	if !strings.Contains(string(refused.body), `value="Mars/Olympus"`) {
		t.Error("what was typed is lost")
	}
	other := h.browse(alice)
	a.submit("/signout/everywhere").leadsTo("/signin")
	other.call(http.MethodGet, "/contacts", nil, http.StatusSeeOther)
}

func TestLanguageOfTheSignInPage(t *testing.T) {
	h := newHouse(t)
	got := h.guest().with("Accept-Language", "en").call(http.MethodGet, "/signin?lang=de", nil, http.StatusOK)
	if !strings.Contains(string(got.body), "Anmelden") {
		t.Error("the page is not in the chosen language")
	}
	chosen := ""
	for _, c := range got.cookie {
		if c.Name == localeCookie {
			chosen = c.Value
		}
	}
	if chosen != "de" {
		t.Errorf("the language is remembered as %q", chosen)
	}
	wrong := h.guest().with("Cookie", localeCookie+"=de").submit("/signin", "address", string(alice), "password", "nope")
	wrong.says(http.StatusUnauthorized, "Die SIP-Adresse oder das Kennwort ist falsch.")
	if !strings.Contains(string(wrong.body), `value="sip:alice@example.test"`) || strings.Contains(string(wrong.body), "nope") {
		t.Error("the form does not keep the address, or keeps the password")
	}
}

func TestErrorPages(t *testing.T) {
	h := newHouse(t)
	h.guest().with("Accept-Language", "de").call(http.MethodGet, "/nowhere", nil, http.StatusNotFound).says(http.StatusNotFound, "Nicht gefunden")
	part := h.browse(alice).with("HX-Request", "true").call(http.MethodGet, "/help/nothing", nil, http.StatusNotFound)
	if strings.Contains(string(part.body), "<html") || !strings.Contains(string(part.body), `class="banner error"`) {
		t.Errorf("a part of a page was asked for, and there came %s", part.body)
	}
}
