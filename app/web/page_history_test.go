package web

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/microcosm-cc/bluemonday"

	"portico/app/history"
	"portico/app/portal"
	"portico/views"
)

// past puts a message of somebody into alice's archive, as it came then: the clock of what is received is the machine's.
func (h *house) past(from portal.Address, id, text string, at time.Time) {
	h.t.Helper()
	m := portal.Message{Owner: alice, Conversation: from, From: from, ID: id, Text: text, At: at.UTC(), State: portal.Received}
	if _, _, err := h.store.AddMessage(h.t.Context(), m); err != nil {
		h.t.Fatal(err)
	}
}

// talked fills the archive: with bob on three days, with carol on one, and an item that another program wrote.
func (h *house) talked() {
	h.t.Helper()
	day := wednesday(h.t).AddDate(0, 0, -3)
	for d := range 3 {
		at := day.AddDate(0, 0, d)
		h.past(bob, fmt.Sprint("b", d), fmt.Sprintf("about the offer, day %d", d), at)
		h.past(bob, fmt.Sprint("b2", d), "<b>bold</b> see https://example.test/"+fmt.Sprint(d), at.Add(4*time.Minute))
	}
	h.past(carol, "c0", "the invoice is paid", day.Add(2*time.Hour))
	h.notes.put(portal.ConversationNote{
		Subject: "Conversation with Dora", HTML: `<html><body><p onclick="x()">Hello <b>Alice</b></p><img src="https://spy.test/x.png"><script>alert(1)</script><style>p{}</style></body></html>`,
		From: portal.NoteParty{Name: "Dora Dale", Email: "dora@elsewhere.test"}, To: []portal.NoteParty{{Name: "Alice Adams", Email: "alice@example.test"}},
		Start: day.Add(time.Hour), End: day.Add(70 * time.Minute),
	})
}

// squeezed is text with its spaces folded.
func squeezed(text string) string { return strings.Join(strings.Fields(text), " ") }

// wantCard checks that a part of a page has one button to somebody's card, which names them for those who cannot see it.
func wantCard(t *testing.T, doc *goquery.Document, part string, who portal.Address) {
	t.Helper()
	button := doc.Find(part).Find("a[data-card]")
	if button.Length() != 1 || button.AttrOr("href", "") != views.ContactPath(who) || button.AttrOr("data-card", "") != string(who) {
		t.Errorf("%s has %d cards, the first at %q", part, button.Length(), button.AttrOr("href", ""))
	}
	if label := button.AttrOr("aria-label", ""); label == "" || label != button.AttrOr("title", "") {
		t.Errorf("the card in %s is called %q", part, label)
	}
}

func TestHistoryIsListedByDay(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	h.talked()
	doc := h.browse(alice).page("/history", http.StatusOK)
	if got := doc.Find(".history-day").Length(); got != 3 {
		t.Errorf("%d days", got)
	}
	wantCard(t, doc, `.episode:has(a[href*="/history/"]):contains("about the offer, day 2")`, bob)
	text := squeezed(doc.Find("#history-pane").Text())
	for _, want := range []string{"Yesterday", "Bob Brown", "about the offer, day 2", "10:07", "4 min", "2 messages", "Carol Clark", "Dora Dale", "Exchange"} {
		if !strings.Contains(text, want) {
			t.Errorf("the list lacks %q: %s", want, text)
		}
	}
	if doc.Find(`.small-month a`).Length() != 3 {
		t.Errorf("the month marks %d days", doc.Find(`.small-month a`).Length())
	}
	if label, _ := doc.Find(`.small-month a`).First().Attr("aria-label"); !strings.Contains(label, "3 messages") {
		t.Errorf("a day is called %q", label)
	}
}

func TestHistoryIsNarrowedDown(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	h.talked()
	a := h.browse(alice)
	day := wednesday(t).AddDate(0, 0, -3).Format(time.DateOnly)
	for query, want := range map[string]int{
		"peer=carol@example.test": 1, "peer=Bob+Brown": 3, "kind=exchange": 1, "kind=im": 4, "from=" + day + "&to=" + day: 3, "peer=bob@example.test&from=" + day + "&to=" + day: 1,
	} {
		if got := a.page("/history?"+query, http.StatusOK).Find(".episode").Length(); got != want {
			t.Errorf("%s: %d conversations, want %d", query, got, want)
		}
	}
	for query, want := range map[string]string{
		"peer=Nobody+There": "Nobody of this name", "from=yesterday": "From and to are dates", "from=2026-11-25&to=2026-11-24": "From and to are dates", "kind=fax": "no conversations of this kind", "cursor=bogus": "",
	} {
		doc := a.page("/history?"+query, http.StatusBadRequest)
		if got := doc.Find("#problem").Text(); !strings.Contains(got, want) || strings.TrimSpace(got) == "" {
			t.Errorf("%s says %q", query, got)
		}
	}
}

func TestHistorySearchLeadsToTheMessage(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	h.talked()
	a := h.browse(alice)
	doc := a.page("/history?q=invo", http.StatusOK)
	if got := squeezed(doc.Find(".hit mark").Text()); got != "invoice" {
		t.Fatalf("marked %q in %s", got, squeezed(doc.Find("#history-pane").Text()))
	}
	href, _ := doc.Find(".hit a").Attr("href")
	path, _, _ := strings.Cut(href, "#")
	found := a.page(path, http.StatusOK)
	if got := squeezed(found.Find(".is-found .text").Text()); got != "the invoice is paid" {
		t.Errorf("%s shows %q", path, got)
	}
	if back, _ := found.Find(".peer a").First().Attr("href"); back != "/history?q=invo" {
		t.Errorf("the way back leads to %q", back)
	}
	if to, _ := found.Find(".peer a.button").Attr("href"); to != "/chat/"+url.PathEscape(string(carol)) {
		t.Errorf("the conversation goes on at %q", to)
	}
	if n := a.page("/history?q=nothingofthatkind", http.StatusOK).Find(".empty").Length(); n != 1 {
		t.Error("a search without finds shows nothing of it")
	}
}

func TestTranscriptEscapesWhatPeopleWrote(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	h.talked()
	a := h.browse(alice)
	href, _ := a.page("/history?peer=bob@example.test", http.StatusOK).Find(".episode a").First().Attr("href")
	doc := a.page(href, http.StatusOK)
	wantCard(t, doc, "header.peer", bob)
	if got := squeezed(doc.Find(".line .text").Last().Text()); got != "<b>bold</b> see https://example.test/2" {
		t.Errorf("the line is %q", got)
	}
	if doc.Find(".line .text a").Length() != 1 || doc.Find(".line b b").Length() != 0 {
		t.Error("the link is none, or markup is markup")
	}
	a.page("/history/nothing", http.StatusNotFound)
	a.page(href+"&at=x", http.StatusBadRequest)
	h.browse(bob).page(strings.SplitN(href, "?", 2)[0], http.StatusNotFound)
}

func TestForeignItemsAreHarmless(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	h.talked()
	a := h.browse(alice)
	href, _ := a.page("/history?kind=exchange", http.StatusOK).Find(".episode a").First().Attr("href")
	doc := a.page(href, http.StatusOK)
	html, _ := doc.Find(".foreign").Html()
	if got := squeezed(doc.Find(".foreign").Text()); got != "Hello Alice" || strings.Contains(html, "img") || strings.Contains(html, "onclick") {
		t.Errorf("the item shows %s", html)
	}
	id := strings.SplitN(href, "?", 2)[0]
	for format, want := range map[string]string{"text": "Hello Alice", "html": "<p>Hello <b>Alice</b></p>", "json": `"html": "`} {
		got := a.call(http.MethodGet, id+"/export?format="+format, nil, http.StatusOK)
		if !strings.Contains(string(got.body), want) || strings.Contains(string(got.body), "spy.test") {
			t.Errorf("%s: %s", format, got.body)
		}
	}
	h.notes.setAway(true)
	if got := a.page("/history", http.StatusOK); got.Find(".banner").Length() == 0 || !strings.Contains(got.Find("#history-pane").Text(), "Exchange does not answer") || got.Find(".episode").Length() != 4 {
		t.Errorf("without Exchange: %s", squeezed(got.Find("#history-pane").Text()))
	}
	a.page(id, http.StatusServiceUnavailable)
	h.notes.setAway(false)
	a.post(id+"/delete", url.Values{}, http.StatusSeeOther)
	if n := a.page("/history?kind=exchange", http.StatusOK).Find(".episode").Length(); n != 0 {
		t.Errorf("%d items are left", n)
	}
}

func TestHistoryIsExported(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	h.talked()
	a := h.browse(alice)
	all := a.call(http.MethodGet, "/history/export?format=text", nil, http.StatusOK)
	for _, want := range []string{"about the offer, day 0", "about the offer, day 2", "the invoice is paid"} {
		if !strings.Contains(string(all.body), want) {
			t.Errorf("the export lacks %q: %s", want, all.body)
		}
	}
	if got := all.header.Get("Content-Disposition"); got != "attachment; filename=history-alice-2026-11-25.txt" {
		t.Errorf("named %q", got)
	}
	if csp := all.header.Get("Content-Security-Policy"); !strings.Contains(csp, "sandbox") {
		t.Errorf("policy %q", csp)
	}
	narrowed := a.call(http.MethodGet, "/history/export?format=html&peer=carol@example.test", nil, http.StatusOK)
	if body := string(narrowed.body); !strings.Contains(body, "the invoice is paid") || strings.Contains(body, "offer") {
		t.Errorf("narrowed down: %s", body)
	}
	href, _ := a.page("/history?peer=bob@example.test", http.StatusOK).Find(".episode > a:first-child").Last().Attr("href")
	one := a.call(http.MethodGet, strings.SplitN(href, "?", 2)[0]+"/export?format=json", nil, http.StatusOK)
	if body := string(one.body); !strings.Contains(body, "day 0") || strings.Contains(body, "day 1") || one.header.Get("Content-Type") != "application/json" {
		t.Errorf("one conversation: %s", body)
	}
	a.page("/history/export?format=pdf", http.StatusBadRequest)
}

func TestExportsOfOnePersonAreFew(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	h.talked()
	a := h.browse(alice)
	// Two files that nobody reads on: each export stands where its first bytes are written.
	var ends []func()
	for range 2 {
		out, in := io.Pipe()
		done := make(chan error, 1)
		go func() {
			done <- h.history.Export(context.Background(), alice, portal.HistoryQuery{}, history.FormatText, in)
		}()
		if _, err := io.ReadFull(out, make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		ends = append(ends, func() {
			if err := out.Close(); err != nil {
				t.Error(err)
			}
			<-done
		})
	}
	if got := a.page("/history/export", http.StatusTooManyRequests).Find("main").Text(); !strings.Contains(got, "on their way") {
		t.Errorf("the page says %q", squeezed(got))
	}
	a.call(http.MethodGet, "/api/v1/history/export", nil, http.StatusTooManyRequests).problem("history.exports")
	h.browse(bob).call(http.MethodGet, "/history/export", nil, http.StatusOK)
	ends[0]()
	for range 3 { // each gives its place back
		a.call(http.MethodGet, "/history/export", nil, http.StatusOK)
	}
	ends[1]()
}

func TestOwnCopyIsDeleted(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	h.talked()
	a := h.browse(alice)
	href, _ := a.page("/history?peer=carol@example.test", http.StatusOK).Find(".episode a").First().Attr("href")
	doc := a.page(href, http.StatusOK)
	form := doc.Find("#delete-own form")
	action, _ := form.Attr("action")
	list, _ := form.Find(`[name=list]`).Attr("value")
	if text := squeezed(form.Text()); !strings.Contains(text, "Carol Clark") || !strings.Contains(text, "The other person's copy stays") {
		t.Errorf("the question is %q", text)
	}
	got := a.post(action, url.Values{"list": {list}}, http.StatusSeeOther)
	to := got.header.Get("Location")
	after := a.page(to, http.StatusOK)
	if after.Find(".episode").Length() != 0 || !strings.Contains(after.Find(".banner.ok").Text(), "Your copy is deleted") {
		t.Errorf("%s: %s", to, squeezed(after.Find("main").Text()))
	}
	a.page(action, http.StatusNotFound)
}

func TestHistoryThatPolicyForbids(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	h.talked()
	h.saving.set(portal.Saving{Forbidden: true, HistoryDecided: true})
	a := h.browse(alice)
	if got := a.page("/history", http.StatusOK).Find(".empty").Text(); !strings.Contains(got, "not kept") {
		t.Errorf("the page says %q", got)
	}
	a.page("/history/export", http.StatusForbidden)
}

func TestPeopleAreOffered(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	h.talked()
	a := h.browse(alice)
	for text, want := range map[string]string{"bro": "bob@example.test", "carol@": "carol@example.test", "Clark": "carol@example.test"} {
		doc := a.page("/history/people?peer="+url.QueryEscape(text), http.StatusOK)
		if got, _ := doc.Find("option").First().Attr("value"); got != want {
			t.Errorf("%q offers %q", text, got)
		}
	}
}

func TestLongTranscriptComesInStretches(t *testing.T) {
	h := newHouse(t, at(wednesday(t)))
	begin := wednesday(t).AddDate(0, 0, -1)
	const lines = 450
	for i := range lines {
		h.past(bob, fmt.Sprint("l", i), fmt.Sprintf("line %d", i), begin.Add(time.Duration(i)*time.Second))
	}
	a := h.browse(alice)
	href, _ := a.page("/history", http.StatusOK).Find(".episode a").First().Attr("href")
	seen := 0
	for href != "" {
		doc := a.page(href, http.StatusOK)
		for _, n := range doc.Find(".line .text").Nodes {
			if got := squeezed(n.FirstChild.Data); got != fmt.Sprintf("line %d", seen) {
				t.Fatalf("%q at place %d", got, seen)
			}
			seen++
		}
		href, _ = doc.Find(".transcript ~ p a").Attr("href")
	}
	if seen != lines {
		t.Errorf("%d lines were shown", seen)
	}
	hit, _ := a.page("/history?q=%22line+400%22", http.StatusOK).Find(".hit a").Attr("href")
	doc := a.page(strings.SplitN(hit, "#", 2)[0], http.StatusOK)
	if got := squeezed(doc.Find(".is-found .text").Text()); got != "line 400" {
		t.Errorf("found %q", got)
	}
	earlier, _ := doc.Find(".scroll > p a").First().Attr("href")
	if got := squeezed(a.page(earlier, http.StatusOK).Find(".line .text").First().Text()); !strings.HasPrefix(got, "line ") {
		t.Errorf("earlier begins with %q", got)
	}
}

// FuzzListOf: whatever an address says of the list from which one came, the way back is a path of the history, and it stays what it is.
func FuzzListOf(f *testing.F) {
	for _, seed := range []string{"", "q=offer&peer=bob%40example.test", "from=2026-11-21&to=x", "//evil.test", "q=%00%ff&kind=../..", "month=2026-11&deleted=1&cursor=z", "%zz", "a;b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		back := listOf(text).List()
		u, err := url.Parse(back)
		if err != nil || u.Path != "/history" || u.Host != "" || u.Query().Has("cursor") {
			t.Fatalf("%q leads to %q (%v)", text, back, err)
		}
		if again := listOf(u.RawQuery).List(); again != back {
			t.Errorf("%q leads to %q, then to %q", text, back, again)
		}
	})
}

// FuzzPlainText: an item's text has no markup left that a reader could take for a page.
func FuzzPlainText(f *testing.F) {
	for _, seed := range []string{"<p>a</p><p>b</p>", "<table><tr><td>10:00</td><td>x &amp; y</td></tr></table>", "<scr<script>ipt>", "<img src=x onerror=y>", "a<br>b", "\xff<b>"} {
		f.Add(seed)
	}
	s := &Server{cleaner: newCleaner(), stripper: bluemonday.StrictPolicy()}
	f.Fuzz(func(t *testing.T, text string) {
		clean := s.cleanHTML(text)
		if lower := strings.ToLower(clean); strings.Contains(lower, "<script") || strings.Contains(lower, "<img") || strings.Contains(lower, "<style") {
			t.Fatalf("%q is cleaned to %q", text, clean)
		}
		for line := range strings.SplitSeq(s.plainText(clean), "\n") {
			if line != strings.TrimSpace(line) {
				t.Errorf("%q is shown with spaces around: %q", text, line)
			}
		}
	})
}
