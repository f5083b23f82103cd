package web

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
	"golang.org/x/net/html"
)

// screen is a page as a browser has it: the document, and the rules by which live frames change it. The rules
// are those of the page's script (static/js/20-frames.js), written again, so that what the server sends can be
// held against what it renders without a browser.
type screen struct {
	t     testing.TB
	doc   *goquery.Document
	fresh func() *goquery.Document // reads the page again
	watch func(uris []string)      // asks for the presence of people who are shown newly
}

func newScreen(t testing.TB, page io.Reader) *screen {
	t.Helper()
	doc, err := goquery.NewDocumentFromReader(page)
	if err != nil {
		t.Fatal(err)
	}
	return &screen{t: t, doc: doc}
}

func (s *screen) body(name string) string { return s.doc.Find("body").AttrOr("data-"+name, "") }

// find gives the elements whose attribute has this value; values may hold anything.
func find(in *goquery.Selection, attr, value string) *goquery.Selection {
	return in.Find("[" + attr + "]").FilterFunction(func(_ int, e *goquery.Selection) bool { return e.AttrOr(attr, "") == value })
}

// apply does what a frame says.
func (s *screen) apply(frame string) {
	s.t.Helper()
	parsed, err := goquery.NewDocumentFromReader(strings.NewReader(frame))
	if err != nil {
		s.t.Fatal(err)
	}
	parsed.Find("live-event").Each(func(_ int, ev *goquery.Selection) {
		parts := ev.ChildrenFiltered("live-part")
		if prefix, ok := ev.Attr("data-clear"); ok {
			s.clear(prefix, parts)
		}
		parts.Each(func(_ int, part *goquery.Selection) { s.part(part) })
		if ev.AttrOr("data-event", "") == "counts" {
			s.title(ev.AttrOr("data-total", "0"))
		}
	})
}

func (s *screen) part(part *goquery.Selection) {
	switch do := part.AttrOr("data-do", ""); do {
	case "replace":
		find(s.doc.Selection, "data-live", keyOf(part)).ReplaceWithSelection(part.Children().First())
	case "person":
		s.person(part)
	case "log":
		s.log(part)
	case "top":
		s.top(part)
	case "none":
	case "card": // opens the card anew where its day or its clock is another, which the pages here do not depend on
	case "raise":
		line := find(s.doc.Selection, "id", part.AttrOr("data-id", "")).First()
		line.Parent().PrependSelection(line)
	case "swap":
		message := part.Children().First()
		old := find(s.doc.Selection, "id", part.AttrOr("data-id", ""))
		if old.Length() > 0 {
			old.ReplaceWithSelection(message)
			s.arrangeAll(message.Parent())
		}
	case "refresh":
		if when := part.AttrOr("data-when", ""); when != "" && s.doc.Find(when).Length() == 0 {
			return
		}
		if only := part.AttrOr("data-only", ""); only != "" && only != s.body("me") {
			return
		}
		id := part.AttrOr("data-to", "")
		unless := part.AttrOr("data-unless", "")
		if find(s.doc.Selection, "id", id).Length() == 0 || unless != "" && find(s.doc.Selection, "id", unless).Length() > 0 {
			return
		}
		s.refresh(id)
	default:
		s.t.Errorf("a frame asks for %q", do)
	}
}

// refresh reads the page again and brings one pane up to date.
func (s *screen) refresh(id string) {
	fresh := s.fresh()
	s.doc.Find("title").SetText(fresh.Find("title").Text())
	s.doc.Find("body").SetAttr("data-title", fresh.Find("body").AttrOr("data-title", ""))
	inner, err := find(fresh.Selection, "id", id).Html()
	if err != nil {
		s.t.Fatal(err)
	}
	find(s.doc.Selection, "id", id).SetHtml(inner)
}

// keyOf is what a part replaces.
func keyOf(part *goquery.Selection) string {
	return part.AttrOr("data-key", part.Children().First().AttrOr("data-live", ""))
}

// person is what somebody is now, where nothing else of them comes with the frame.
func (s *screen) person(part *goquery.Selection) {
	ev := part.Parent()
	uri, words := ev.AttrOr("data-uri", ""), part.AttrOr("data-words", "")
	find(s.doc.Selection, "data-live", "dot:"+uri).SetAttr("data-p", ev.AttrOr("data-availability", "")).SetAttr("title", words)
	find(s.doc.Selection, "data-live", "word:"+uri).SetText(words)
	var brought []string
	ev.ChildrenFiltered("live-part").Each(func(_ int, p *goquery.Selection) { brought = append(brought, keyOf(p)) })
	for _, kind := range []string{"own:", "details:", "no-im:"} {
		if !slices.Contains(brought, kind+uri) {
			place := find(s.doc.Selection, "data-live", kind+uri)
			place.Empty() // gives what was in it
			place.SetAttr("hidden", "")
		}
	}
	if s.doc.Find("#by-status").Length() > 0 {
		s.refresh("contact-list")
	}
}

func (s *screen) clear(prefix string, parts *goquery.Selection) {
	s.doc.Find("[data-live]").Each(func(_ int, e *goquery.Selection) {
		key := e.AttrOr("data-live", "")
		if strings.HasPrefix(key, prefix) && find(parts.Parent(), "data-key", key).Length() == 0 {
			e.Empty()
			e.SetAttr("hidden", "")
		}
	})
}

func order(m *goquery.Selection) int64 {
	n, _ := strconv.ParseInt(m.AttrOr("data-order", "0"), 10, 64)
	return n
}

func (s *screen) log(part *goquery.Selection) {
	pane := find(s.doc.Selection, "data-log", part.AttrOr("data-to", ""))
	if pane.Length() == 0 {
		return
	}
	later := pane.Find(".later")
	if _, hidden := later.Attr("hidden"); later.Length() > 0 && !hidden {
		return // it is read in its past
	}
	day, message := part.Children().First(), part.Children().Last()
	old := find(pane, "id", message.AttrOr("id", ""))
	if old.Length() > 0 && old.AttrOr("data-order", "") == message.AttrOr("data-order", "") {
		old.ReplaceWithSelection(message)
	} else {
		old.Remove()
		next := pane.Find(".msg").FilterFunction(func(_ int, m *goquery.Selection) bool { return order(m) == 0 || order(m) > order(message) }).First()
		switch {
		case next.Length() > 0:
			next.BeforeSelection(message)
		case later.Length() > 0:
			later.BeforeSelection(message)
		default:
			pane.AppendSelection(message)
		}
		if find(pane, "data-day", day.AttrOr("data-day", "")).Length() == 0 {
			find(pane, "id", message.AttrOr("id", "")).BeforeSelection(day)
		}
	}
	s.arrangeAll(pane)
}

func (s *screen) arrangeAll(pane *goquery.Selection) {
	var before *goquery.Selection
	pane.Children().Each(func(_ int, e *goquery.Selection) {
		switch {
		case e.HasClass("day"):
			before = nil
		case e.HasClass("msg"):
			s.arrange(e, before)
			before = e
		}
	})
}

// arrange groups a message with the one before it on the same day.
func (s *screen) arrange(m, before *goquery.Selection) {
	pause := int64(0)
	at := func(m *goquery.Selection) int64 {
		n, err := strconv.ParseInt(m.AttrOr("data-at", ""), 10, 64)
		if err != nil {
			s.t.Errorf("a message without a time: %v", err)
		}
		return n
	}
	if before != nil {
		pause = at(m) - at(before)
	}
	toggle := func(class string, on bool) {
		m.RemoveClass(class)
		if on {
			m.AddClass(class)
		}
	}
	mine := m.AttrOr("data-from", "") == s.body("me")
	toggle("mine", mine)
	if _, all := m.Attr("data-all"); m.HasClass("said") {
		toggle("calls", !mine && (all || slices.Contains(strings.Fields(m.AttrOr("data-named", "")), s.body("me"))))
	}
	m.Find("[data-by]").Each(func(_ int, sign *goquery.Selection) {
		sign.SetAttr("aria-pressed", fmt.Sprint(slices.Contains(strings.Fields(sign.AttrOr("data-by", "")), s.body("me"))))
	})
	toggle("follows", before != nil && before.AttrOr("data-from", "") == m.AttrOr("data-from", "") && pause < 300_000)
	toggle("gap", before != nil && pause >= 3_600_000)
}

func (s *screen) top(part *goquery.Selection) {
	list := find(s.doc.Selection, "id", part.AttrOr("data-to", ""))
	next := part.Children().First()
	if list.Length() == 0 {
		return
	}
	old := find(list, "id", next.AttrOr("id", ""))
	next.Find("[data-live]").Each(func(_ int, place *goquery.Selection) {
		if kept := find(old, "data-live", place.AttrOr("data-live", "")).First(); kept.Length() > 0 {
			place.ReplaceWithSelection(kept.Clone())
		}
	})
	if old.Length() == 0 {
		s.known(next)
	}
	if next.AttrOr("data-peer", "") == s.body("conversation") {
		next.Find("a").First().SetAttr("aria-current", "page")
	}
	isNew := old.Length() == 0
	old.Remove()
	list.PrependSelection(next)
	if isNew && s.watch != nil {
		var uris []string
		s.doc.Find("[data-live^='dot:']").Each(func(_ int, e *goquery.Selection) {
			if uri := strings.TrimPrefix(e.AttrOr("data-live", ""), "dot:"); !slices.Contains(uris, uri) {
				uris = append(uris, uri)
			}
		})
		s.watch(uris)
	}
}

// known has a new line say of somebody what the page knows already: the server does not tell that again.
func (s *screen) known(line *goquery.Selection) {
	dot := line.Find("[data-live^='dot:']").First()
	shown := find(s.doc.Selection, "data-live", dot.AttrOr("data-live", "-")).First()
	if dot.Length() == 0 || shown.Length() == 0 {
		return
	}
	line.Find("[data-live^='word:']").SetText(shown.AttrOr("title", ""))
	dot.ReplaceWithSelection(shown.Clone())
}

func (s *screen) title(total string) {
	prefix := ""
	if total != "0" {
		prefix = "(" + total + ") "
	}
	s.doc.Find("title").SetText(prefix + s.body("title"))
}

// normal is the page without what each rendering has its own of: how far the log had got, the id of the next
// message, the mark of what was new when the page was opened, and the field of the note, which the script fills
// when the menu opens.
func (s *screen) normal() string {
	doc := s.doc.Clone()
	doc.Find("body").RemoveAttr("data-since")
	doc.Find("body").RemoveAttr("data-seen") // marks of what was in force, which change with it
	doc.Find("#composer input[name=id]").Remove()
	doc.Find("#composer").RemoveAttr("data-now")
	doc.Find("#status-note").RemoveAttr("value")
	doc.Find(".unread-mark, noscript").Remove()
	var b strings.Builder
	for _, n := range doc.Nodes {
		write(&b, n, 0)
	}
	return b.String()
}

// write writes a node with its attributes and classes in order, one node a line.
func write(b *strings.Builder, n *html.Node, depth int) {
	indent := strings.Repeat(" ", depth)
	switch n.Type {
	case html.TextNode:
		if text := strings.Join(strings.Fields(n.Data), " "); text != "" {
			fmt.Fprintf(b, "%s%q\n", indent, text)
		}
	case html.ElementNode:
		attrs := make([]string, 0, len(n.Attr))
		for _, a := range n.Attr {
			value := a.Val
			if a.Key == "class" {
				classes := strings.Fields(value)
				slices.Sort(classes)
				value = strings.Join(classes, " ")
			}
			attrs = append(attrs, fmt.Sprintf(" %s=%q", a.Key, value))
		}
		slices.Sort(attrs)
		fmt.Fprintf(b, "%s<%s%s>\n", indent, n.Data, strings.Join(attrs, ""))
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		write(b, c, depth+1)
	}
}

// difference is the first place where two normal forms part, with a little around it.
func difference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			from := max(0, i-4)
			return fmt.Sprintf("line %d\nold page + frames:\n%s\nfresh page:\n%s", i,
				strings.Join(x[from:min(len(x), i+4)], "\n"), strings.Join(y[from:min(len(y), i+4)], "\n"))
		}
	}
	return fmt.Sprintf("one is longer: %d and %d lines", len(x), len(y))
}
