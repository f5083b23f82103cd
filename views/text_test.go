package views

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"portico/app/portal"
)

// en0 is a moment for tests, a Saturday.
var en0 = time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)

func TestLinks(t *testing.T) {
	for _, c := range []struct {
		text string
		want []piece
	}{
		{"no link", []piece{{text: "no link"}}},
		{"see https://example.test/a.", []piece{{text: "see "}, {"https://example.test/a", "https://example.test/a"}, {text: "."}}},
		{"(https://example.test/a_(b))", []piece{{text: "("}, {"https://example.test/a_(b)", "https://example.test/a_(b)"}, {text: ")"}}},
		{"www.example.test, and HTTP://EXAMPLE.test/x!", []piece{{"www.example.test", "https://www.example.test"}, {text: ", and "}, {"HTTP://EXAMPLE.test/x", "http://EXAMPLE.test/x"}, {text: "!"}}},
		{"http://localhost:8080/x", []piece{{"http://localhost:8080/x", "http://localhost:8080/x"}}},
		{"javascript:alert(1) data:text/html,x file:///etc/passwd", []piece{{text: "javascript:alert(1) data:text/html,x file:///etc/passwd"}}},
		{"https://user:secret@example.test/", []piece{{text: "https://user:secret@example.test/"}}},
		{"https:// www. http://nodots", []piece{{text: "https:// www. "}, {text: "http://nodots"}}},
		{"xhttps://example.test", []piece{{text: "xhttps://example.test"}}},
		{"https://example.test/ü?q=„x“", []piece{{"https://example.test/ü?q=„x", "https://example.test/%C3%BC?q=„x"}, {text: "“"}}},
	} {
		if got := pieces(c.text); !slices.Equal(got, c.want) && joined(got) != c.text || !slices.Equal(hrefs(got), hrefs(c.want)) {
			t.Errorf("%q: %+v, want %+v", c.text, got, c.want)
		}
	}
}

func joined(ps []piece) string {
	var b strings.Builder
	for _, p := range ps {
		b.WriteString(p.text)
	}
	return b.String()
}

func hrefs(ps []piece) (out []string) {
	for _, p := range ps {
		if p.href != "" {
			out = append(out, p.text+" → "+p.href)
		}
	}
	return out
}

func TestEmoticons(t *testing.T) {
	for text, want := range map[string]string{
		":)": "🙂", "ok :-) then": "ok 🙂 then", "a:)b": "a:)b", "http://x:)": "http://x:)", "line\n;)\n": "line\n😉\n",
		":tada: :nothing:": "🎉 :nothing:", "<3": "❤️", "if (a <3)": "if (a <3)", "": "", "  ": "  ",
	} {
		if got := emoticons(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestJumbo(t *testing.T) {
	for text, want := range map[string]bool{"👍": true, ":)": true, "❤️ 👍🏽": true, "👍 ok": false, "": false, "👍👍👍👍": false, "abc": false} {
		if got := jumbo(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// FuzzMessage: no text can make the page hold anything but that text and links to the web.
func FuzzMessage(f *testing.F) {
	for _, seed := range []string{"", "<script>alert(1)</script>", "https://example.test/\"onclick=x", "www.a.b", ":) <3", "javascript:x", "http://[::1]/", "https://x.y/&quot;", "\x00\xff", "http://a.b\u202e/c"} {
		f.Add(seed)
	}
	r := NewReader("en", "UTC", en0)
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > portal.MaxTextLen {
			return
		}
		ps := pieces(text)
		if strings.ContainsAny(text, ":;<(") == false && joined(ps) != text {
			t.Errorf("%q became %q", text, joined(ps))
		}
		m := MessageItem{Message: portal.Message{Owner: "sip:a@b", From: "sip:c@d", ID: "1", Text: text, At: en0, State: portal.Received}}
		var buf bytes.Buffer
		if err := message(r, m).Render(context.Background(), &buf); err != nil {
			t.Fatal(err)
		}
		doc, err := goquery.NewDocumentFromReader(&buf)
		if err != nil {
			t.Fatal(err)
		}
		if n := doc.Find(".text").Find("*").Not("a").Length(); n > 0 {
			t.Errorf("%q made %d elements", text, n)
		}
		doc.Find(".text a").Each(func(_ int, a *goquery.Selection) {
			href := strings.ToLower(a.AttrOr("href", ""))
			if !strings.HasPrefix(href, "http://") && !strings.HasPrefix(href, "https://") {
				t.Errorf("%q links to %q", text, href)
			}
			if len(a.Nodes[0].Attr) != 3 || a.AttrOr("rel", "") != "noopener noreferrer nofollow" {
				t.Errorf("%q: attributes %v", text, a.Nodes[0].Attr)
			}
		})
	})
}

// FuzzMarkdown: whatever a help page holds, it ends, and nothing in it becomes an element of its own.
func FuzzMarkdown(f *testing.F) {
	for _, seed := range []string{"# T\n\ntext **b** `c` [l](https://x.y)\n- a\n  b\n1. c\n\n```\nx\n```\n| a | b |\n|---|---|\n| 1 | 2 |", "```", "|", "- ", "[x](javascript:alert(1))", "<b>x</b>", "**", "#####", "1. "} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, source string) {
		if len(source) > 1<<16 {
			return
		}
		_, parsed := Markdown(source)
		var buf bytes.Buffer
		if err := blocks(parsed).Render(context.Background(), &buf); err != nil {
			t.Fatal(err)
		}
		doc, err := goquery.NewDocumentFromReader(&buf)
		if err != nil {
			t.Fatal(err)
		}
		if n := doc.Find("body *").Not("h2, h3, h4, p, ul, ol, li, pre, div, table, tbody, tr, th, td, code, strong, em, a").Length(); n > 0 {
			t.Errorf("%q made elements of its own", source)
		}
		doc.Find("a").Each(func(_ int, a *goquery.Selection) {
			if !safeHelpLink(a.AttrOr("href", "")) {
				t.Errorf("%q links to %q", source, a.AttrOr("href", ""))
			}
		})
	})
}

func TestMarkdown(t *testing.T) {
	title, parsed := Markdown("# The title\n\nA text\nof two lines with `code`, **strong**, *soft* and [a link](https://example.test).\n\n- one\n  more\n- two\n\n1. first\n2. second\n\n```toml\n[x]\n\ny = \"<z>\"\n```\n\n| A | B |\n| --- | --- |\n| 1 | `x\\|y` |\n\n### Deep\n")
	if title != "The title" {
		t.Errorf("title %q", title)
	}
	var buf bytes.Buffer
	if err := blocks(parsed).Render(context.Background(), &buf); err != nil {
		t.Fatal(err)
	}
	doc, err := goquery.NewDocumentFromReader(&buf)
	if err != nil {
		t.Fatal(err)
	}
	for selector, want := range map[string]string{
		"h2": "The title", "h4": "Deep", "p code": "code", "p strong": "strong", "p em": "soft", "ul li:first-child": "one more", "ol li:last-child": "second",
		"pre": "[x]\n\ny = \"<z>\"", "th:last-child": "B", "td code": "x|y", `a[href="https://example.test"]`: "a link",
	} {
		if got := strings.TrimSpace(doc.Find(selector).First().Text()); got != want {
			t.Errorf("%s: %q, want %q", selector, got, want)
		}
	}
}

func TestInitials(t *testing.T) {
	for name, want := range map[string]string{"Alice Adler": "AA", "bob": "B", "Åsa van der Öst": "ÅÖ", "alice@example.test": "AT", "": "?", "  -": "?", "李 小龙": "李小"} {
		if got := initials(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func TestAgendaInWords(t *testing.T) {
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	r := NewReader("en", "Europe/Vienna", now)
	in := func(d time.Duration) time.Time { return now.Add(d) }
	for want, p := range map[string]portal.Presence{
		"":                 {Availability: portal.Available},
		"Busy until 10:30": {Availability: portal.Busy, Agenda: portal.Agenda{Known: true, BusyUntil: in(30 * time.Minute), NextFrom: in(time.Hour)}},
		"Free until 14:00": {Availability: portal.Available, Agenda: portal.Agenda{Known: true, BusyUntil: in(-time.Minute), NextFrom: in(4 * time.Hour)}},
		"Free":             {Availability: portal.Away, Agenda: portal.Agenda{Known: true}},
	} {
		if got := r.Agenda(p); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	for _, a := range []portal.Availability{portal.Unknown, portal.Offline} {
		if got := r.Agenda(portal.Presence{Availability: a, Agenda: portal.Agenda{Known: true}}); got != "" {
			t.Errorf("%s: %q", a, got)
		}
	}
	if got := NewReader("de", "UTC", now).Agenda(portal.Presence{Availability: portal.Busy, Agenda: portal.Agenda{Known: true, BusyUntil: in(time.Hour)}}); got != "Beschäftigt bis 10:00" {
		t.Errorf("in German %q", got)
	}
}
