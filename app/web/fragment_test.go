package web

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"portico/app/chat"
	"portico/app/portal"
	"portico/realtime"
	"portico/views"
	"portico/views/catalogue"
)

// reading is a browser of alice's that has one page open and is connected.
type reading struct {
	*screen
	t    *testing.T
	h    *house
	who  caller
	path string
	live *browser
}

// open reads a page and connects as its script does.
func open(t *testing.T, h *house, locale, path string) *reading {
	t.Helper()
	who := h.browse(alice)
	who.header = map[string]string{
		"Accept-Language": locale,
		"Cookie":          who.cookie.Name + "=" + who.cookie.Value + "; " + zoneCookie + "=Europe%2FVienna; " + scriptCookie + "=1",
	}
	who.cookie = nil
	return openIn(t, h, who, path)
}

// openIn is open for a caller that sends a browser's headers already.
func openIn(t *testing.T, h *house, who caller, path string) *reading {
	t.Helper()
	r := &reading{t: t, h: h, who: who, path: path}
	r.screen = r.read()
	r.screen.fresh = func() *goquery.Document { return r.read().doc }
	who = who.with("Origin", h.url)
	r.live = who.dial("portico.html.v1", "?since="+r.body("since"))
	r.screen.watch = func(uris []string) { r.live.send(map[string]any{"op": "watch", "uris": uris}) }
	var shown []string
	r.doc.Find("[data-live^='dot:']").Each(func(_ int, e *goquery.Selection) {
		shown = append(shown, strings.TrimPrefix(e.AttrOr("data-live", ""), "dot:"))
	})
	r.screen.watch(shown)
	return r
}

func (r *reading) read() *screen {
	r.t.Helper()
	return newScreen(r.t, bytes.NewReader(r.who.call(http.MethodGet, r.path, nil, http.StatusOK).body))
}

// settle applies what has come until the page is what a fresh one is; what differs to the end is a failure.
func (r *reading) settle() string {
	r.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		fresh := r.read().normal()
		r.drain()
		if r.normal() == fresh {
			return fresh
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("%s: the old page and its frames differ from the fresh page: %s", r.path, difference(r.normal(), fresh))
		}
		select {
		case frame := <-r.live.raw:
			r.apply(frame)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func (r *reading) drain() {
	for {
		select {
		case frame := <-r.live.raw:
			r.apply(frame)
		default:
			return
		}
	}
}

// becomes does something and expects that the page changes and ends up as a fresh one; want is a text that
// must then be on it, unwanted one that must not.
func (r *reading) becomes(what, want, unwanted string, do func()) {
	r.t.Helper()
	before := r.settle()
	do()
	eventually(r.t, what+" shows on a fresh page", func() bool {
		fresh := r.read().normal()
		return fresh != before && strings.Contains(fresh, want) && (unwanted == "" || !strings.Contains(fresh, unwanted))
	})
	r.settle()
}

func chatWith(a portal.Address) string { return "/chat/" + url.PathEscape(string(a)) }

func (h *house) hear(from portal.Address, id, text string, at time.Time) {
	h.t.Helper()
	if err := h.chat.Receive(h.t.Context(), portal.Incoming{To: alice, From: from, ID: id, Text: text, At: at}); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) say(to portal.Address, id, text string) {
	h.t.Helper()
	if _, err := h.chat.Say(h.t.Context(), alice, chat.Draft{Conversation: to, ID: id, Text: text}); err != nil {
		h.t.Fatal(err)
	}
}

// eachLanguage runs a test for readers of every language.
func eachLanguage(t *testing.T, f func(t *testing.T, locale string, r views.Reader)) {
	for _, locale := range catalogue.Locales() {
		t.Run(locale, func(t *testing.T) { f(t, locale, views.NewReader(locale, "Europe/Vienna", time.Now())) })
	}
}

func TestMessagesMakeTheFreshPage(t *testing.T) {
	eachLanguage(t, func(t *testing.T, locale string, words views.Reader) {
		h := newHouse(t)
		now := time.Now()
		h.browse(alice)
		h.hear(bob, "b0", "from days ago", now.AddDate(0, 0, -3))
		r := open(t, h, locale, chatWith(bob))
		r.becomes("a message on another day", "first of today", "", func() { h.hear(bob, "b1", "first of today", now) })
		r.becomes("one that follows", "https://example.test/x", "", func() { h.hear(bob, "b2", "look: https://example.test/x. <b>&amp; :)", now) })
		r.becomes("an own one, kept by the server", words.State(portal.Stored, ""), "", func() { h.say(bob, "a1", "two\nlines") })
		r.becomes("a repeat changes nothing but the new one comes", "after the repeat", "", func() {
			h.hear(bob, "b2", "look: again", now)
			h.hear(bob, "b3", "after the repeat", now)
		})
		r.becomes("one in a conversation that was not there", "who is this", "", func() { h.hear(carol, "c1", "who is this", now) })
		r.becomes("delivered", words.State(portal.Delivered, ""), words.State(portal.Stored, ""), func() {
			h.notice(bob, "a1", portal.Delivered)
		})
		r.becomes("read", `data-state="read"`, `data-state="delivered"`, func() { h.notice(bob, "a1", portal.Read) })
		r.becomes("read by oneself", "", words.Count("unread.count", 5), func() {
			if err := h.chat.MarkRead(t.Context(), alice, bob, ""); err != nil {
				t.Fatal(err)
			}
		})
	})
}

func (h *house) notice(from portal.Address, id string, state portal.State) {
	h.t.Helper()
	if err := h.chat.ReceiveNotice(h.t.Context(), alice, portal.Notice{To: from, ID: id, State: state, At: time.Now()}); err != nil {
		h.t.Fatal(err)
	}
}

func TestFailureMakesTheFreshPage(t *testing.T) {
	eachLanguage(t, func(t *testing.T, locale string, words views.Reader) {
		h := newHouse(t)
		h.browse(alice)
		r := open(t, h, locale, chatWith(nobody))
		r.becomes("a failure with its reason", words.Sentence("send.not-found", nil), "", func() { h.say(nobody, "n1", "anybody?") })
	})
}

func TestListOfConversationsMakesTheFreshPage(t *testing.T) {
	eachLanguage(t, func(t *testing.T, locale string, _ views.Reader) {
		h := newHouse(t)
		h.browse(alice)
		now := time.Now()
		r := open(t, h, locale, "/chat")
		r.becomes("the first conversation", "hello", "", func() { h.hear(bob, "b1", "hello", now) })
		r.becomes("a second one", "me too", "", func() { h.hear(carol, "c1", "me too", now) })
		r.becomes("the first one again, on top", "again", "", func() { h.hear(bob, "b2", "again", now) })
		r.becomes("an own one", "noted", "", func() { h.say(carol, "a1", "noted") })
	})
}

func TestPresenceMakesTheFreshPage(t *testing.T) {
	eachLanguage(t, func(t *testing.T, locale string, words views.Reader) {
		h := newHouse(t)
		h.browse(alice)
		put(t, h, bob, "Friends")
		h.hear(bob, "b1", "hello", time.Now())
		for _, path := range []string{"/contacts", chatWith(bob)} {
			r := open(t, h, locale, path)
			r.becomes("busy", words.Availability(portal.Busy), "", func() {
				h.exchange.Publish(bob, portal.Claim{Endpoint: "x", Availability: portal.Busy, Activity: portal.InACall, Note: "<i>until noon</i>", Since: time.Now().Add(-48 * time.Hour), At: time.Now()})
			})
			r.becomes("out of the office", words.Activity(portal.Presence{Activity: portal.OutOfOffice}), "until noon", func() {
				h.exchange.Publish(bob, portal.Claim{Endpoint: "x", Availability: portal.Away, Activity: portal.OutOfOffice, OutOfOffice: "back in May", Since: time.Now(), At: time.Now()})
			})
			r.becomes("offline", words.Availability(portal.Offline), "back in May", func() { h.exchange.Unpublish(bob) })
			r.becomes("not known", words.Availability(portal.Unknown), "", func() { h.presence.Silent(alice, bob) })
		}
	})
}

func TestOwnStatusMakesTheFreshPage(t *testing.T) {
	eachLanguage(t, func(t *testing.T, locale string, words views.Reader) {
		h := newHouse(t)
		h.browse(alice)
		r := open(t, h, locale, "/contacts")
		r.becomes("set by hand", words.Text("own.by-hand"), "", func() {
			if _, err := h.presence.SetByHand(t.Context(), alice, portal.Manual{Availability: portal.DoNotDisturb}); err != nil {
				t.Fatal(err)
			}
		})
		until := time.Now().Add(time.Hour)
		r.becomes("with an end", words.Text("own.by-hand-until", "Time", words.Moment(until.In(words.Zone), words.Now)), "", func() {
			if _, err := h.presence.SetByHand(t.Context(), alice, portal.Manual{Availability: portal.BeRightBack, Until: until}); err != nil {
				t.Fatal(err)
			}
		})
		r.becomes("a note", "gone fishing", "", func() {
			if _, err := h.presence.SetNote(t.Context(), alice, "gone fishing", time.Time{}); err != nil {
				t.Fatal(err)
			}
		})
		r.becomes("automatic again", `<p class="own" data-live="own:sip:alice@example.test" hidden="">`, "", func() {
			if _, err := h.presence.Reset(t.Context(), alice); err != nil {
				t.Fatal(err)
			}
		})
	})
}

func put(t *testing.T, h *house, who portal.Address, group string) {
	t.Helper()
	if err := h.server.Contacts.Put(t.Context(), alice, portal.Contact{URI: who, Group: group, Relationship: portal.Company}); err != nil {
		t.Fatal(err)
	}
}

func TestContactsMakeTheFreshPage(t *testing.T) {
	eachLanguage(t, func(t *testing.T, locale string, words views.Reader) {
		h := newHouse(t)
		h.browse(alice)
		r := open(t, h, locale, "/contacts")
		r.becomes("added", "Bob Brown", words.Text("contacts.empty"), func() { put(t, h, bob, "") })
		r.becomes("moved", "Friends & others", words.Text("contacts.no-group")+"\"\n", func() { put(t, h, bob, "Friends & others") })
		r.becomes("removed", words.Text("contacts.empty"), "Bob Brown", func() {
			if err := h.server.Contacts.Remove(t.Context(), alice, bob); err != nil {
				t.Fatal(err)
			}
		})
		r = open(t, h, locale, chatWith(bob))
		r.becomes("added while talking", words.Text("contact.move"), words.Text("contact.add"), func() { put(t, h, bob, "Friends") })
	})
}

func TestTypingMakesTheFreshPage(t *testing.T) {
	eachLanguage(t, func(t *testing.T, locale string, words views.Reader) {
		h := newHouse(t)
		h.browse(alice)
		typing := words.Text("chat.typing", "Name", "Bob Brown")
		r := open(t, h, locale, chatWith(bob))
		r.becomes("typing", typing, "", func() { h.chat.ReceiveTyping(alice, bob, true, time.Minute) })
		r.becomes("no longer typing", "", typing, func() { h.chat.ReceiveTyping(alice, bob, false, 0) })
	})
}

func TestLineMakesTheFreshPage(t *testing.T) {
	eachLanguage(t, func(t *testing.T, locale string, words views.Reader) {
		h := newHouse(t)
		h.browse(alice)
		r := open(t, h, locale, "/contacts")
		r.becomes("the line is down", words.Text("line.down"), "", func() { h.account.LineDown(alice, errors.New("no answer")) })
		r.becomes("the password no longer holds", words.Text("line.refused"), words.Text("line.down"), func() {
			h.account.LineDown(alice, portal.Fail(portal.ErrUnauthenticated, "signin.wrong"))
		})
		r.becomes("up again", "", words.Text("line.refused"), func() { h.account.LineUp(alice) })
	})
}

// TestNoticesSayWhatHappenedToWhat: each kind has its words in both languages, and what people wrote stays text.
func TestNoticesSayWhatHappenedToWhat(t *testing.T) {
	h := newHouse(t)
	at := time.Date(2026, 4, 15, 12, 0, 0, 0, time.UTC)
	seen := map[string]bool{}
	for _, locale := range []string{"en", "de"} {
		for _, kind := range []string{portal.NoticeInvited, portal.NoticeRemoved, portal.NoticeMoved, portal.NoticeCancelled} {
			for _, by := range []portal.Address{bob, ""} {
				ev := portal.NoticeEvent{ID: "crm-1", Calendar: alice, Kind: kind, Subject: "<b>Budget</b>", Start: at, End: at.Add(time.Hour), By: by}
				doc := newScreen(t, bytes.NewReader(h.server.fragment(t.Context(), realtime.Audience{Encoding: realtime.HTML, Locale: locale, Zone: "UTC"}, ev, 7))).doc
				link := doc.Find("live-part[data-do=top] li#notice-crm-1 a[href='/calendar/crm-1']")
				text := link.Text()
				if link.Length() != 1 || !strings.Contains(text, "<b>Budget</b>") || strings.Contains(text, "notice.") || seen[text] {
					t.Errorf("%s %s by %q: %q", locale, kind, by, text)
				}
				seen[text] = true
				if got := doc.Find("live-event").AttrOr("data-name", ""); got != text {
					t.Errorf("the desktop is told %q, not %q", got, text)
				}
			}
		}
	}
}

// TestEveryEventHasAFragment: no event of the house is unknown to the pages.
func TestEveryEventHasAFragment(t *testing.T) {
	h := newHouse(t)
	now := time.Now()
	for _, ev := range []portal.Event{
		portal.MessageEvent{Conversation: bob, ID: "1", From: bob, Text: "x", At: now, State: portal.Received, Order: 1},
		portal.StateEvent{Conversation: bob, ID: "1", State: portal.Read}, portal.ContactsEvent{ID: bob, Change: portal.Created},
		portal.PresenceEvent{Presence: portal.Presence{URI: bob, Availability: portal.Away}}, portal.TypingEvent{Conversation: bob, From: bob, Typing: true},
		portal.CountsEvent{Unread: map[portal.Address]int{bob: 3}}, portal.LineEvent{State: "down"},
		portal.CalendarEvent{ID: "1", Calendar: alice, Change: portal.Updated}, portal.ResponsesEvent{ID: "1", Calendar: alice, Change: portal.Updated},
		portal.ExchangeEvent{State: "down", Since: now, Waiting: 2}, portal.ReminderEvent{ID: "1", Change: portal.Created, Subject: "x", Start: now, End: now},
		portal.NoticeEvent{ID: "crm-1", Calendar: alice, Kind: portal.NoticeMoved, Subject: "<b>x</b>", Start: now, End: now, By: bob},
		portal.NoticeEvent{ID: "crm-1", Calendar: alice, Kind: portal.NoticeInvited, Start: now, End: now},
	} {
		got := string(h.server.fragment(t.Context(), realtime.Audience{Encoding: realtime.HTML, Locale: "en", Zone: "UTC"}, ev, 7))
		doc := newScreen(t, strings.NewReader(got)).doc
		if doc.Find(fmt.Sprintf("live-event[data-event=%s] live-part", ev.Name())).Length() == 0 {
			t.Errorf("%s: %s", ev.Name(), got)
		}
		_, durable := ev.(portal.Durable)
		if seq := doc.Find("live-event").AttrOr("data-seq", ""); durable != (seq == "7") {
			t.Errorf("%s: durable %v, data-seq %q", ev.Name(), durable, seq)
		}
	}
}
