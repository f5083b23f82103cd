package history_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/html"

	"portico/app/history"
	"portico/app/portal"
)

const hostile = "</td></table><script>alert(1)</script>\x1b[2J\x00&\n[09:00] Bob: not said by him"

// talk is a world in which alice has talked with bob and carol, and reads in German in Berlin.
func talk(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		berlin, err := time.LoadLocation("Europe/Berlin")
		must(t, err)
		w.o.Zone = func(context.Context, portal.Address) *time.Location { return berlin }
		w.o.Lookup = func(_ context.Context, a portal.Address) portal.Person {
			return portal.Person{URI: a, DisplayName: map[portal.Address]string{alice: "Alice", bob: "Bob <b>", carol: ""}[a]}
		}
		w.o.Words = func(context.Context, portal.Address) history.Words {
			return history.Words{Lang: "de", Title: "Verlauf", With: "Unterhaltung mit", Nothing: "Nichts gefunden.",
				Day: func(t time.Time) string { return t.Format("02.01.2006") }}
		}
		w.start()
		defer func() { w.end() }()
		w.say(alice, bob, bob, "first")
		w.rest(time.Minute)
		w.say(alice, bob, alice, hostile)
		w.rest(25 * time.Hour)
		w.say(alice, carol, carol, "later")
		test(t, w)
	})
}

func TestExportText(t *testing.T) {
	talk(t, func(t *testing.T, w *world) {
		var b bytes.Buffer
		must(t, w.s.Export(t.Context(), alice, portal.HistoryQuery{}, history.FormatText, &b))
		want := `Verlauf · alice@example.test

Unterhaltung mit Bob <b>
01.01.2000
[01:00] Bob <b>: first
[01:01] Alice: </td></table><script>alert(1)</script>[2J&
    [09:00] Bob: not said by him

Unterhaltung mit carol@example.test
02.01.2000
[02:01] carol@example.test: later
`
		if b.String() != want {
			t.Errorf("text\n%s\nwant\n%s", b.String(), want)
		}
		b.Reset()
		must(t, w.s.Export(t.Context(), alice, portal.HistoryQuery{Peer: "sip:nobody@example.test"}, history.FormatText, &b))
		if !strings.Contains(b.String(), "Nichts gefunden.") {
			t.Errorf("nothing: %s", b.String())
		}
	})
}

func TestExportHTML(t *testing.T) {
	talk(t, func(t *testing.T, w *world) {
		var b bytes.Buffer
		must(t, w.s.Export(t.Context(), alice, portal.HistoryQuery{}, history.FormatHTML, &b))
		doc, err := html.Parse(&b)
		must(t, err)
		var cells []string
		count := map[string]int{}
		for n := range doc.Descendants() {
			if n.Type != html.ElementNode {
				continue
			}
			count[n.Data]++
			for _, a := range n.Attr {
				if a.Key == "src" || a.Key == "href" || strings.HasPrefix(a.Key, "on") {
					t.Errorf("the page needs or does something: <%s %s>", n.Data, a.Key)
				}
				if n.Data == "td" && a.Val == "t" && n.FirstChild != nil {
					cells = append(cells, n.FirstChild.Data)
				}
			}
		}
		want := []string{"first", "</td></table><script>alert(1)</script>[2J&\n[09:00] Bob: not said by him", "later"}
		if !slices.Equal(cells, want) {
			t.Errorf("cells %q, want %q", cells, want)
		}
		if count["script"] != 0 || count["section"] != 2 || count["table"] != 2 || count["h1"] != 1 {
			t.Errorf("elements %v", count)
		}
	})
}

func TestExportJSON(t *testing.T) {
	talk(t, func(t *testing.T, w *world) {
		var b bytes.Buffer
		must(t, w.s.Export(t.Context(), alice, portal.HistoryQuery{}, history.FormatJSON, &b))
		var got struct {
			Owner    portal.Address
			Episodes []struct {
				Title   string
				Episode portal.Episode
				Lines   []portal.Line
			}
		}
		must(t, json.Unmarshal(b.Bytes(), &got))
		if got.Owner != alice || len(got.Episodes) != 2 || len(got.Episodes[0].Lines) != 2 || got.Episodes[0].Lines[1].Text != hostile ||
			got.Episodes[0].Lines[0].Name != "Bob <b>" || got.Episodes[1].Episode.Conversation != carol {
			t.Errorf("export %+v", got)
		}
		b.Reset()
		must(t, w.s.Export(t.Context(), alice, portal.HistoryQuery{Q: "nothing"}, history.FormatJSON, &b))
		must(t, json.Unmarshal(b.Bytes(), &got))
	})
}

// TestExportFound: with words only the messages that have them are written, whole and newest first.
func TestExportFound(t *testing.T) {
	talk(t, func(t *testing.T, w *world) {
		long := strings.Repeat("very long words before it ", 40) + "needle"
		w.say(alice, carol, carol, long)
		w.say(alice, carol, carol, "no such thing")
		w.say(alice, bob, bob, "needle too")
		var b bytes.Buffer
		must(t, w.s.Export(t.Context(), alice, portal.HistoryQuery{Q: "needle"}, history.FormatText, &b))
		text := b.String()
		if !strings.Contains(text, long) || strings.Contains(text, "no such") || strings.Index(text, "needle too") > strings.Index(text, "very long") {
			t.Errorf("found\n%s", text)
		}
		wantReason(t, w.s.Export(t.Context(), alice, portal.HistoryQuery{}, "pdf", &b), portal.ErrInvalid, "history.format")
	})
}

// narrow takes so many bytes and then fails, as somebody who goes away does.
type narrow struct{ left int }

func (n *narrow) Write(p []byte) (int, error) {
	if n.left -= len(p); n.left < 0 {
		return 0, io.ErrClosedPipe
	}
	return len(p), nil
}

// TestExportStreams: what was read is written before the rest is read, and who goes away in the middle is noticed.
func TestExportStreams(t *testing.T) {
	said := 2500
	if raced {
		said = 1100
	}
	bubble(t, func(t *testing.T, w *world) {
		for i := range said {
			w.say(alice, bob, bob, fmt.Sprint(i, strings.Repeat(" words", 20)))
		}
		for _, format := range []string{history.FormatText, history.FormatHTML, history.FormatJSON} {
			var b bytes.Buffer
			must(t, w.s.Export(t.Context(), alice, portal.HistoryQuery{}, format, &b))
			if n := strings.Count(b.String(), " words words"); n < said {
				t.Errorf("%s: too little: %d", format, n)
			}
			err := w.s.Export(t.Context(), alice, portal.HistoryQuery{}, format, &narrow{100_000})
			if !errors.Is(err, io.ErrClosedPipe) {
				t.Errorf("%s: %v", format, err)
			}
		}
	})
}

func TestFileName(t *testing.T) {
	at := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	for who, want := range map[portal.Address]string{
		alice: "history-alice-2026-11-22.html", "sip:..%2F..%2Fetc@x.test": "history-2F---2Fetc-2026-11-22.html",
		"sip:%00\"\r\n;x@x.test": "history-00----x-2026-11-22.html", "sip:ü@x.test": "history-person-2026-11-22.html",
	} {
		if got := history.FileName(who, at, history.FormatHTML); got != want {
			t.Errorf("%q: %q, want %q", who, got, want)
		}
	}
	if got := history.FileName(alice, at, "../x"); got != "history-alice-2026-11-22.txt" {
		t.Errorf("an unknown format: %q", got)
	}
}

// TestAdministrator: holds and exports need a reason and leave a record; the export has what the person deleted under hold, in the
// time that was asked for.
func TestAdministrator(t *testing.T) {
	talk(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		for _, reason := range []string{"", " \n\x00", strings.Repeat("x", 501)} {
			wantReason(t, w.s.Hold(ctx, carol, alice, reason), portal.ErrInvalid, "history.reason")
			wantReason(t, w.s.Release(ctx, carol, alice, reason), portal.ErrInvalid, "history.reason")
			wantReason(t, w.s.ExportFor(ctx, carol, alice, time.Time{}, time.Time{}, "text", reason, io.Discard), portal.ErrInvalid, "history.reason")
		}
		must(t, w.s.Hold(ctx, carol, alice, "lawsuit"))
		if list, err := w.s.Holds(ctx); err != nil || len(list) != 1 || list[0].Who != alice || list[0].By != carol {
			t.Errorf("holds %+v, %v", list, err)
		}
		for _, e := range w.episodes(alice) {
			must(t, w.s.Delete(ctx, alice, e.ID))
		}
		var b bytes.Buffer
		must(t, w.s.Export(ctx, alice, portal.HistoryQuery{}, history.FormatText, &b))
		if strings.Contains(b.String(), "first") {
			t.Errorf("her own export has what she deleted: %s", b.String())
		}
		b.Reset()
		day := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
		must(t, w.s.ExportFor(ctx, carol, alice, day, day.AddDate(0, 0, 1), history.FormatText, "court order", &b))
		if !strings.Contains(b.String(), "first") || strings.Contains(b.String(), "later") {
			t.Errorf("the administrator's export\n%s", b.String())
		}
		wantReason(t, w.s.ExportFor(ctx, carol, alice, day, day, "text", "x", io.Discard), portal.ErrInvalid, "history.range")
		wantReason(t, w.s.ExportFor(ctx, carol, alice, day, day.Add(1), "pdf", "x", io.Discard), portal.ErrInvalid, "history.format")
		if err := w.s.ExportFor(ctx, carol, alice, day, day.AddDate(1, 0, 0), history.FormatText, "broken off", &narrow{10}); err == nil {
			t.Error("a broken connection was not noticed")
		}
		must(t, w.s.Release(ctx, carol, alice, "settled"))
		wantReason(t, w.s.Release(ctx, carol, alice, "settled"), portal.ErrNotFound, "history.no-hold")
		record, err := w.s.Exports(ctx, 0)
		must(t, err)
		var got []string
		for _, x := range record {
			got = append(got, fmt.Sprintf("%s %s %s %d", x.What, x.By.User(), x.Reason, x.Messages))
		}
		want := []string{"release carol settled 0", "export carol broken off 3", "export carol court order 2", "hold carol lawsuit 0"}
		if !slices.Equal(got, want) {
			t.Errorf("record %q, want %q", got, want)
		}
	})
}

// TestExportsLanguage: all of an administrator's export is in their language, not in that of whom it is about.
func TestExportsLanguage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.o.Words = func(_ context.Context, who portal.Address) history.Words {
			if who == carol {
				return history.Words{Lang: "de", Title: "Verlauf", With: "Unterhaltung mit"}
			}
			return history.Words{Lang: "en", Title: "History", With: "Conversation with"}
		}
		w.start()
		defer func() { w.end() }()
		w.say(alice, bob, bob, "first")
		var b bytes.Buffer
		must(t, w.s.ExportFor(t.Context(), carol, alice, time.Time{}, time.Time{}, history.FormatText, "court order", &b))
		if text := b.String(); !strings.Contains(text, "Verlauf") || !strings.Contains(text, "Unterhaltung mit") || strings.Contains(text, "Conversation") {
			t.Errorf("the export\n%s", text)
		}
	})
}

// held holds a writer up until it is closed.
type held struct{ gate chan struct{} }

func (h held) Write(p []byte) (int, error) {
	<-h.gate
	return len(p), nil
}

// TestFewExportsAtOnce: one person has at most two under way, and others are not held up by that.
func TestFewExportsAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.say(alice, bob, bob, "first")
		slow := held{make(chan struct{})}
		done := make(chan error, 2)
		go func() {
			done <- w.s.Export(context.Background(), alice, portal.HistoryQuery{}, history.FormatText, slow)
		}()
		go func() {
			done <- w.s.ExportFor(context.Background(), alice, bob, time.Time{}, time.Time{}, history.FormatText, "asked", slow)
		}()
		synctest.Wait()
		wantReason(t, w.s.Export(t.Context(), alice, portal.HistoryQuery{}, history.FormatText, io.Discard), portal.ErrTooMany, "history.exports")
		wantReason(t, w.s.ExportFor(t.Context(), alice, bob, time.Time{}, time.Time{}, history.FormatText, "asked", io.Discard), portal.ErrTooMany, "history.exports")
		must(t, w.s.Export(t.Context(), bob, portal.HistoryQuery{}, history.FormatText, io.Discard))
		close(slow.gate)
		must(t, <-done)
		must(t, <-done)
		must(t, w.s.Export(t.Context(), alice, portal.HistoryQuery{}, history.FormatText, io.Discard))
	})
}

// FuzzBody: whatever people write, an item's table has the rows of their messages and nothing else.
func FuzzBody(f *testing.F) {
	for _, text := range []string{hostile, "a\tb", "<img src=x onerror=y>", "\xff\xfe", "\u2028&#0;", "]]>", "<!--"} {
		f.Add(text, "Bob")
	}
	f.Add("x", "<b>")
	f.Fuzz(func(t *testing.T, text, name string) {
		body := history.Body([]portal.Line{{From: bob, Text: text}, {From: alice, Text: "end"}}, map[portal.Address]string{bob: name})
		doc, err := html.Parse(strings.NewReader(body))
		must(t, err)
		count := map[string]int{}
		for n := range doc.Descendants() {
			if n.Type == html.ElementNode {
				count[n.Data]++
			}
		}
		breaks := count["br"]
		delete(count, "br")
		want := map[string]int{"html": 1, "head": 1, "meta": 1, "body": 1, "table": 1, "tbody": 1, "tr": 3, "th": 1, "td": 6, "b": 2}
		if fmt.Sprint(count) != fmt.Sprint(want) || breaks != strings.Count(text, "\n") {
			t.Errorf("%q: elements %v and %d breaks", text, count, breaks)
		}
	})
}
