package views

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/a-h/templ"

	"portico/app/portal"
	"portico/static"
)

const (
	alice = portal.Address("sip:alice@example.test")
	bob   = portal.Address("sip:bob@example.test")
	karl  = portal.Address("sip:karl@example.test")
)

func render(t testing.TB, c templ.Component) *goquery.Document {
	t.Helper()
	var buf bytes.Buffer
	if err := c.Render(context.Background(), &buf); err != nil {
		t.Fatal(err)
	}
	doc, err := goquery.NewDocumentFromReader(&buf)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// expect holds the texts that selectors find, spaces folded, against what they should be.
func expect(t *testing.T, doc *goquery.Document, want map[string]string) {
	t.Helper()
	for selector, text := range want {
		found := doc.Find(selector)
		if got := strings.Join(strings.Fields(found.First().Text()), " "); found.Length() == 0 || got != text {
			t.Errorf("%s: %q (%d found), want %q", selector, got, found.Length(), text)
		}
	}
}

func frameFor(locale string, section Section) Frame {
	return Frame{
		Reader: NewReader(locale, "Europe/Vienna", en0), Title: "T", Section: section, Me: portal.Person{URI: alice, DisplayName: "Alice Adler"},
		Own:  portal.Presence{URI: alice, Availability: portal.Busy, Note: "writing", ByHand: true, Until: en0.Add(time.Hour)},
		Head: 42, Here: "/here", Unread: map[portal.Address]int{bob: 2, karl: 98}, Settings: portal.Settings{Theme: "dark", Sound: true},
	}
}

func contactsPage(locale string) ContactsPage {
	f := frameFor(locale, Contacts)
	return ContactsPage{Frame: f, Groups: Group(f.Reader, []ContactItem{
		{Person: portal.Person{URI: karl, DisplayName: "Karl", Robot: true}, Presence: portal.Presence{URI: karl, Availability: portal.Unknown, Since: en0}, Group: ""},
		{Person: portal.Person{URI: bob, DisplayName: "Bob Berger", Photo: "/p/bob"}, Presence: portal.Presence{URI: bob, Availability: portal.Busy, Activity: portal.InACall, Note: "<b>offer</b>", Since: en0.Add(-time.Hour)}, Group: "Sales"},
		{Person: portal.Person{URI: "sip:a@example.test", DisplayName: "Änne"}, Presence: unknown("sip:a@example.test"), Group: "Sales"},
	})}
}

func TestContactsPage(t *testing.T) {
	doc := render(t, ContactsView(contactsPage("en")))
	expect(t, doc, map[string]string{
		`nav[aria-label=Main] a[aria-current=page] span`: "Contacts", `.group:first-of-type h2`: "Sales 2 people", `.group:last-of-type h2`: "Other contacts 1 person",
		`.group:first-of-type li:first-child .name`:  "Änne",
		`li[data-uri="sip:karl@example.test"] .tag`:  "answers by itself",
		`li[data-uri="sip:bob@example.test"] .words`: "Busy, in a call <b>offer</b>", `li[data-uri="sip:bob@example.test"] .since`: "since 10:00",
		`li[data-uri="sip:bob@example.test"] > a .badge`: "2 2 unread messages", `.me .words`: "Busy writing", `.own`: "Set by hand until 12:00",
		`title`: "(100) T · Portico", `#unread-total`: "99+ 100 unread messages",
	})
	// The contact's name, for those who hear the page, is made of these two.
	labels := strings.Fields(doc.Find(`li[data-uri="sip:bob@example.test"]`).AttrOr("aria-labelledby", ""))
	heard := ""
	for _, id := range labels {
		heard += " " + doc.Find(`[id="`+id+`"]`).Text()
	}
	if got := strings.Join(strings.Fields(heard), " "); !strings.HasPrefix(got, "Bob Berger") || !strings.Contains(got, "Busy, in a call") {
		t.Errorf("the contact is heard as %q", got)
	}
	if doc.Find(`li[data-uri="sip:karl@example.test"] .since`).Length() != 0 {
		t.Error("since when is said of a status that is not known")
	}
	if doc.Find(`img[src="/p/bob"][alt=""]`).Length() != 1 {
		t.Error("the photo is missing")
	}
}

func TestEmptyContactsPage(t *testing.T) {
	f := frameFor("de", Contacts)
	f.Unread, f.Own.ByHand = nil, false
	doc := render(t, ContactsView(ContactsPage{Frame: f}))
	expect(t, doc, map[string]string{".empty p": "Ihre Kontaktliste ist leer.", "title": "T · Portico"})
	for _, hidden := range []string{".own", "#unread-total .badge", `[data-live=line]`, "#cut-off"} {
		if _, ok := doc.Find(hidden).Attr("hidden"); !ok {
			t.Errorf("%s is shown", hidden)
		}
	}
}

func TestAccessibleNames(t *testing.T) {
	f := frameFor("en", Chats)
	f.Admin = true
	v := ChatPage{Frame: f, Open: &Conversation{Peer: portal.Person{URI: bob, DisplayName: "Bob"}, Presence: unknown(bob)}}
	doc := render(t, Chat(v))
	var names []string
	doc.Find(`nav[aria-label="Main"] a`).Each(func(_ int, a *goquery.Selection) {
		names = append(names, a.AttrOr("aria-label", strings.TrimSpace(a.Find("span").First().Text())))
	})
	if got := strings.Join(names, " "); got != "Chats Contacts Rooms Calendar Responses History Calls CRM Settings Admin" {
		t.Errorf("navigation: %s", got)
	}
	for _, selector := range []string{`button.me[aria-label="My status"]`, `[role=log][aria-label="Messages"][tabindex="0"]`, `textarea[aria-label="Message"]`, `main#main`, `html[lang=en][data-theme=dark]`} {
		if doc.Find(selector).Length() != 1 {
			t.Errorf("not exactly one %s", selector)
		}
	}
	expect(t, doc, map[string]string{"#composer button.primary": "Send"})
	if render(t, Chat(ChatPage{Frame: frameFor("en", Chats)})).Find(`nav a[href="/admin"]`).Length() != 0 {
		t.Error("everybody is led to administration")
	}
}

func chatPage(locale string) ChatPage {
	f := frameFor(locale, Chats)
	f.Conversation = bob
	who := func(a portal.Address) portal.Person {
		return portal.Person{URI: a, DisplayName: strings.ToUpper(a.User())}
	}
	message := func(id string, from portal.Address, text string, at time.Time, order int64, state portal.State, reason string) portal.Message {
		return portal.Message{Owner: alice, Conversation: bob, ID: id, From: from, Text: text, At: at, Order: order, State: state, Reason: reason}
	}
	messages := []portal.Message{
		message("1", bob, "long ago", en0.AddDate(0, 0, -9), 1, portal.Received, ""),
		message("2", alice, "a question", en0.Add(-3*time.Hour), 2, portal.Read, ""),
		message("3", bob, "an answer with https://example.test/", en0.Add(-time.Hour), 3, portal.Received, ""),
		message("4", bob, "and more", en0.Add(-58*time.Minute), 4, portal.Received, ""),
		message("x/ y", alice, "kept", en0.Add(-time.Minute), 5, portal.Stored, ""),
		message("6", alice, "lost", en0, 6, portal.Failed, "send.not-found"),
	}
	return ChatPage{Frame: f, Open: &Conversation{
		Peer: who(bob), Presence: portal.Presence{URI: bob, Availability: portal.Away}, Messages: Items(messages, who), More: true,
		Unread: 1, ReadUpTo: 3, NewID: "new-1", Typing: true,
	}, Conversations: []ConversationItem{
		{Peer: who(bob), Presence: unknown(bob), Last: messages[5], Unread: 2}, {Peer: who(karl), Presence: unknown(karl)},
	}}
}

func TestConversation(t *testing.T) {
	doc := render(t, Chat(chatPage("en")))
	expect(t, doc, map[string]string{
		".peer h1": "BOB", ".typing": "BOB is typing", ".day:nth-of-type(1)": "Thursday 12 November",
		`[data-id="3"] a[href="https://example.test/"]`: "https://example.test/", `[data-id="3"] .vh`: "BOB said:", `[data-id="2"] .vh`: "You said:",
		`[data-id="2"] .state`: "read", `[data-id="x/ y"] .state`: "will be delivered when they are back",
		`[data-id="6"] .state`:                "Not delivered. Nobody has this address. Write again",
		`#conversations li:first-child .last`: "You: lost", `#conversations li:last-child .last`: "",
	})
	for selector, n := range map[string]int{
		".log .day": 2, ".log .msg": 6, ".log .msg.mine": 3, `.msg.follows[data-id="4"]`: 1, `.msg.gap[data-id="3"]`: 1, `.msg.gap[data-id="2"]`: 0,
		`.unread-mark + [data-id="4"]`: 1, ".unread-mark": 1, `a.earlier[href$="?before=1"]:not([hidden])`: 1, `[data-id="1"] .state`: 0,
		`#composer input[name=id][value="new-1"]`: 1, `#conversations a[aria-current=page]`: 1, `[id="m-sip:alice@example.test/x%2F%20y"]`: 1,
	} {
		if got := doc.Find(selector).Length(); got != n {
			t.Errorf("%s: %d, want %d", selector, got, n)
		}
	}
}

func TestOtherPages(t *testing.T) {
	f := frameFor("en", Settings)
	settings := render(t, SettingsView(SettingsPage{Frame: f, Saved: true, Zones: Zones(), Sessions: []Session{
		{Agent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36", CreatedAt: en0, ExpiresAt: en0.Add(12 * time.Hour), Remote: "192.0.2.1", Current: true},
		{Agent: "Mozilla/5.0 (Windows NT 10.0) Gecko/20100101 Firefox/143.0"}, {Agent: "sip-thing"},
	}}))
	expect(t, settings, map[string]string{
		".sessions li:nth-child(1)": "Chrome on Linux this onesince 11:00192.0.2.1ends 23:00", ".sessions li:nth-child(2) b": "Firefox on Windows",
		".sessions li:nth-child(3) b": "A program", ".banner.ok": "Your settings are saved.",
	})
	if settings.Find(`input[name=theme][value=dark][checked]`).Length() != 1 || settings.Find(`input[name=notifications][checked]`).Length() != 0 {
		t.Error("the settings are not those of the person")
	}
	section := render(t, SectionView(Frame{Reader: f.Reader, Title: "Rooms", Section: Rooms}))
	expect(t, section, map[string]string{".empty p": "“Rooms” is not part of this release."})
	expect(t, render(t, ProblemView(ProblemPage{Reader: f.Reader, Status: 404, Sentence: "Gone.", Reference: "r-1"})),
		map[string]string{"h1": "Not found", "[role=alert]": "Gone.", ".muted": "For the administrator: r-1"})
	expect(t, render(t, ProblemView(ProblemPage{Reader: f.Reader, Status: 418, Sentence: "Tea."})), map[string]string{"h1": "That did not work"})
	expect(t, render(t, ProblemFragment("Too long.")), map[string]string{".banner.error": "Too long."})
}

func TestSignInPage(t *testing.T) {
	v := SignInPage{Reader: NewReader("de", "UTC", en0), Address: "<alice>", Next: "/chat", Problem: "Falsch.", Domain: "example.test"}
	doc := render(t, SignIn(v))
	expect(t, doc, map[string]string{"[role=alert]": "Falsch.", "form button": "Anmelden", ".languages [aria-current]": "Deutsch"})
	if doc.Find(`input[name=address][value="<alice>"][placeholder="name@example.test"]`).Length() != 1 || doc.Find(`input[name=password][value]`).Length() != 0 {
		t.Error("the form does not keep the address, or keeps the password")
	}
	if doc.Find("script[src*=htmx]").Length() != 0 {
		t.Error("the page outside loads more script than it needs")
	}
	if got := (SignInPage{}).example(); got != "" {
		t.Errorf("an example without a domain: %q", got)
	}
}

func TestFound(t *testing.T) {
	v := Found{Reader: NewReader("en", "UTC", en0), Me: alice, Query: "b", TooMany: true, People: []FoundPerson{
		{Person: portal.Person{URI: bob, DisplayName: "Bob", Title: "Clerk"}, Presence: unknown(bob), IsContact: true},
		{Person: portal.Person{URI: karl, DisplayName: "Karl"}, Presence: unknown(karl)}, {Person: portal.Person{URI: alice, DisplayName: "Alice"}, Presence: unknown(alice)},
	}}
	doc := render(t, FoundView(v))
	expect(t, doc, map[string]string{"li:nth-child(1) .found-line": "Clerk · bob@example.test", "li:nth-child(1) > .muted": "in your list", "li:nth-child(2) form": "Add"})
	if doc.Find("form").Length() != 1 {
		t.Error("somebody can be added who should not")
	}
	expect(t, render(t, FoundView(Found{Reader: v.Reader, Query: "<zz>"})), map[string]string{".empty-line": "Nobody was found for “<zz>”. A full SIP address can be written to even if it is not in the address book."})
	if got := render(t, FoundView(Found{Reader: v.Reader})).Find("section").Length(); got != 0 {
		t.Error("an empty search has an answer")
	}
}

// TestPagesNeedNoInlineRights: the policy allows no inline style, no handler in an attribute and no inline script
// that runs; what htmx would have to compile is refused too.
func TestPagesNeedNoInlineRights(t *testing.T) {
	f := frameFor("en", Chats)
	for name, doc := range map[string]*goquery.Document{
		"contacts": render(t, ContactsView(contactsPage("en"))), "chat": render(t, Chat(chatPage("en"))),
		"signin": render(t, SignIn(SignInPage{Reader: f.Reader})), "settings": render(t, SettingsView(SettingsPage{Frame: f})),
	} {
		doc.Find("*").Each(func(_ int, e *goquery.Selection) {
			for _, a := range e.Nodes[0].Attr {
				if a.Key == "style" || strings.HasPrefix(a.Key, "on") || strings.HasPrefix(a.Key, "hx-on") || strings.HasPrefix(a.Val, "js:") ||
					a.Key == "hx-trigger" && strings.Contains(a.Val, "[") {
					t.Errorf("%s: %s=%q", name, a.Key, a.Val)
				}
			}
		})
		if n := doc.Find("style, script:not([src]):not([type='application/json'])").Length(); n > 0 {
			t.Errorf("%s has %d inline scripts or styles", name, n)
		}
		ids := map[string]bool{}
		doc.Find("[id]").Each(func(_ int, e *goquery.Selection) {
			if id := e.AttrOr("id", ""); ids[id] {
				t.Errorf("%s: the id %q is there twice", name, id)
			} else {
				ids[id] = true
			}
		})
		doc.Find("[popovertarget], label[for], [aria-describedby]").Each(func(_ int, e *goquery.Selection) {
			for _, attr := range []string{"popovertarget", "for", "aria-describedby"} {
				if to, ok := e.Attr(attr); ok && !ids[to] {
					t.Errorf("%s: %s leads to %q, which is not there", name, attr, to)
				}
			}
		})
	}
}

func TestHelpIsThereInEveryLanguage(t *testing.T) {
	for _, locale := range []string{"en", "de"} {
		f := frameFor(locale, Help)
		page, ok := NewHelpPage(f, "")
		if !ok || page.Topic != "start" || len(page.Topics) < 3 || page.Language != locale {
			t.Fatalf("%s: %v %q %v", locale, ok, page.Topic, page.Topics)
		}
		for _, topic := range helpPages() {
			if _, err := static.Page("help/" + topic + ".md"); err == nil {
				continue // for administrators, in one language
			}
			if _, err := static.Page("help/" + topic + "." + locale + ".md"); err != nil {
				t.Error(err)
			}
		}
		if doc := render(t, HelpView(page)); doc.Find("article h2").Length() == 0 || doc.Find(`nav a[aria-current=page]`).Length() != 1 {
			t.Errorf("%s: the page is not whole", locale)
		}
	}
	if _, ok := NewHelpPage(frameFor("en", Help), "../../etc/passwd"); ok {
		t.Error("a topic that does not exist has a page")
	}
}

func TestLineTexts(t *testing.T) {
	r := NewReader("en", "UTC", en0)
	for state, want := range map[portal.LineEvent]string{
		{State: "down", Reason: "line.down"}: r.Text("line.down"), {State: "refused", Reason: "line.refused"}: r.Text("line.refused"),
		{State: "down", Reason: "line.resuming"}: r.Text("error.line.resuming"), {State: "down", Reason: "odd"}: r.Text("line.down"),
	} {
		if got := r.lineText(state); got != want {
			t.Errorf("%+v: %q", state, got)
		}
	}
}

func TestReaderOfNoZone(t *testing.T) {
	for _, zone := range []string{"", "Local", "Mars/Olympus", "../../etc/passwd"} {
		if got := NewReader("en", zone, en0).Zone; got != time.UTC {
			t.Errorf("%q is %v", zone, got)
		}
	}
	for _, zone := range Zones() {
		if _, err := time.LoadLocation(zone); err != nil {
			t.Errorf("the list offers %s: %v", zone, err)
		}
	}
}

// A page with 200 contacts, and one with 50 messages: what a server spends on each.
func BenchmarkContactsPage(b *testing.B) {
	f := frameFor("en", Contacts)
	var items []ContactItem
	for i := range 200 {
		a := portal.Address(fmt.Sprintf("sip:p%d@example.test", i))
		items = append(items, ContactItem{Person: portal.Person{URI: a, DisplayName: fmt.Sprintf("Person %d", i)}, Presence: portal.Presence{URI: a, Availability: portal.Busy, Since: en0, Note: "note"}, Group: fmt.Sprint(i % 8)})
	}
	var buf bytes.Buffer
	for b.Loop() {
		buf.Reset()
		if err := ContactsView(ContactsPage{Frame: f, Groups: Group(f.Reader, items)}).Render(context.Background(), &buf); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(buf.Len()), "bytes/page")
}

func BenchmarkConversationPage(b *testing.B) {
	v := chatPage("en")
	for len(v.Open.Messages) < 50 {
		v.Open.Messages = append(v.Open.Messages, v.Open.Messages[2])
	}
	var buf bytes.Buffer
	for b.Loop() {
		buf.Reset()
		if err := Chat(v).Render(context.Background(), &buf); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(buf.Len()), "bytes/page")
}

func BenchmarkPresenceFrame(b *testing.B) {
	r := NewReader("en", "Europe/Vienna", en0)
	p := portal.Presence{URI: bob, Availability: portal.Busy, Activity: portal.InACall, Note: "offer", Since: en0}
	var buf bytes.Buffer
	for b.Loop() {
		buf.Reset()
		if err := LivePresence(r, p).Render(context.Background(), &buf); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(buf.Len()), "bytes/frame")
}
