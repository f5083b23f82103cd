package history

import (
	"bufio"
	"context"
	"encoding/json"
	"html"
	"io"
	"strings"
	"sync"
	"time"

	"portico/app/portal"
)

// Exports as text, HTML or JSON: written as they are read, a few messages at a time, whatever their number.

// The formats of an export.
const (
	FormatText = "text"
	FormatHTML = "html"
	FormatJSON = "json"
)

// linesPage is how many messages are read at once.
const linesPage = 200

// FileName is a safe name for an export: letters, digits, "-" and "." of ASCII only.
func FileName(who portal.Address, at time.Time, format string) string {
	ext := map[string]string{FormatText: "txt", FormatHTML: "html", FormatJSON: "json"}[format]
	or(&ext, "txt")
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-':
			return r
		}
		return '-'
	}, who.User())
	name = strings.Trim(name[:min(len(name), 60)], "-")
	or(&name, "person")
	return "history-" + name + "-" + at.Format("2006-01-02") + "." + ext
}

// Export writes all that q finds: whole episodes, oldest first, or where there are words in q the messages that have them,
// newest first. What other programs keep in Exchange is not part of it. ErrTooMany ("history.exports") while two of theirs are under way.
func (s *Service) Export(ctx context.Context, who portal.Address, q portal.HistoryQuery, format string, w io.Writer) error {
	if err := s.allowed(ctx, who); err != nil {
		return err
	}
	q.Cursor, q.Limit = "", 0
	q, err := checked(q)
	if err != nil {
		return err
	}
	out, err := s.sheet(ctx, who, who, format, w)
	if err != nil {
		return err
	}
	if !s.exports.begin(who) {
		return tooManyExports()
	}
	defer s.exports.end(who)
	if q.Q != "" {
		return s.writeFound(ctx, who, q, out)
	}
	_, err = s.writeEpisodes(ctx, who, who, q, false, out)
	return err
}

// exportsAtOnce is how many exports one person can have under way: each reads the archive for as long as its reader takes.
const exportsAtOnce = 2

// exports counts those under way of each person who asked. It is guarded by its mutex.
type exports struct {
	mu  sync.Mutex
	now map[portal.Address]int
}

// begin reports whether who may have one more.
func (e *exports) begin(who portal.Address) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.now[who] >= exportsAtOnce {
		return false
	}
	e.now[who]++
	return true
}

func (e *exports) end(who portal.Address) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.now[who]--; e.now[who] == 0 {
		delete(e.now, who)
	}
}

func tooManyExports() error {
	return portal.Fail(portal.ErrTooMany, "history.exports").After(time.Minute)
}

// sheet is where an export goes to: begin once, then each episode with its lines, then end.
type sheet interface {
	begin()
	episode(e portal.Episode, title string)
	line(l portal.Line, name string)
	end() error
}

// pen is what all sheets have: the buffered way out, the reader's zone and words.
type pen struct {
	*bufio.Writer
	zone  *time.Location
	words Words
	owner portal.Address
	at    time.Time
	// episodes counts them, day is the date last written.
	episodes int
	day      string
}

// put writes text; an error stays in the buffer until Flush tells it.
func (p *pen) put(parts ...string) {
	for _, s := range parts {
		if _, err := p.WriteString(s); err != nil {
			return
		}
	}
}

// newDay is the date of a line where the one before was on another day.
func (p *pen) newDay(at time.Time) (string, bool) {
	day := p.words.Day(at.In(p.zone))
	if day == p.day {
		return "", false
	}
	p.day = day
	return day, true
}

// sheet begins an export in the zone and language of reader.
func (s *Service) sheet(ctx context.Context, reader, owner portal.Address, format string, w io.Writer) (sheet, error) {
	p := pen{Writer: bufio.NewWriterSize(w, 32<<10), zone: s.o.zone(ctx, reader), words: s.o.words(ctx, reader), owner: owner, at: s.o.Now()}
	switch format {
	case FormatText:
		return &textSheet{p}, nil
	case FormatHTML:
		return &htmlSheet{p}, nil
	case FormatJSON:
		return &jsonSheet{pen: p}, nil
	}
	return nil, portal.Fail(portal.ErrInvalid, "history.format")
}

// writeEpisodes writes what who said and heard, in reader's language.
func (s *Service) writeEpisodes(ctx context.Context, reader, who portal.Address, q portal.HistoryQuery, held bool, out sheet) (messages int, err error) {
	out.begin()
	spans, words := s.o.Spans(who), s.o.words(ctx, reader)
	for {
		eps, next, err := s.store.EpisodesUp(ctx, who, spans, q, held)
		if err != nil {
			return messages, err
		}
		for _, e := range eps {
			out.episode(e, words.With+" "+s.o.with(ctx, e))
			n, err := s.writeLines(ctx, e, q, out)
			messages += n
			if err != nil {
				return messages, err
			}
		}
		if next == "" {
			return messages, out.end()
		}
		q.Cursor = next
	}
}

// writeLines writes those of an episode that are within the time of q.
func (s *Service) writeLines(ctx context.Context, e portal.Episode, q portal.HistoryQuery, out sheet) (n int, err error) {
	after := int64(0)
	for {
		lines, err := s.store.Lines(ctx, e, after, linesPage)
		if err != nil {
			return n, err
		}
		for _, l := range lines {
			after = l.Order
			if (!q.From.IsZero() && l.At.Before(q.From)) || (!q.To.IsZero() && !l.At.Before(q.To)) {
				continue
			}
			out.line(l, s.o.name(ctx, l.From))
			n++
		}
		if len(lines) == 0 || (len(lines) < linesPage && !e.Held) {
			return n, nil
		}
	}
}

// writeFound writes found messages whole, those of one episode that follow each other under one heading.
func (s *Service) writeFound(ctx context.Context, who portal.Address, q portal.HistoryQuery, out sheet) error {
	out.begin()
	q.Limit = pageMost
	spans, words, last := s.o.Spans(who), s.o.words(ctx, who), ""
	for {
		hits, next, err := s.store.Search(ctx, who, spans, q)
		if err != nil {
			return err
		}
		for _, h := range hits {
			e, err := s.store.Episode(ctx, who, spans, h.Episode)
			if portal.Meaning(err) == portal.ErrNotFound { // deleted meanwhile
				continue
			}
			if err != nil {
				return err
			}
			lines, err := s.store.Lines(ctx, e, h.Order-1, 1)
			if err != nil {
				return err
			}
			if len(lines) == 0 || lines[0].Order != h.Order {
				continue
			}
			if e.ID != last {
				last = e.ID
				out.episode(e, words.With+" "+s.o.with(ctx, e))
			}
			out.line(lines[0], s.o.name(ctx, lines[0].From))
		}
		if next == "" {
			return out.end()
		}
		q.Cursor = next
	}
}

// textSheet writes for people and printers.
type textSheet struct{ pen }

func (t *textSheet) begin() {
	t.put(t.words.Title, " · ", t.owner.Bare(), "\n")
}

func (t *textSheet) episode(_ portal.Episode, title string) {
	t.episodes, t.day = t.episodes+1, ""
	t.put("\n", strings.ReplaceAll(printable(title), "\n", " "), "\n")
}

func (t *textSheet) line(l portal.Line, name string) {
	if day, other := t.newDay(l.At); other {
		t.put(day, "\n")
	}
	text := strings.ReplaceAll(printable(l.Text), "\n", "\n    ") // what is indented was not said by somebody else
	t.put("[", t.words.Clock(l.At.In(t.zone)), "] ", strings.ReplaceAll(printable(name), "\n", " "), ": ", text, fileNames(l), "\n")
}

func (t *textSheet) end() error {
	if t.episodes == 0 {
		t.put("\n", t.words.Nothing, "\n")
	}
	return t.Flush()
}

func fileNames(l portal.Line) string {
	var b strings.Builder
	for _, f := range l.Files {
		b.WriteString(" [" + strings.ReplaceAll(printable(f.Name), "\n", " ") + "]")
	}
	return b.String()
}

// htmlSheet writes one page that needs nothing else; all that people wrote is escaped.
type htmlSheet struct{ pen }

const exportStyle = `body{font:15px/1.45 system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em;color:#1b1b1f;background:#fff}` +
	`h1{font-size:1.4em}h2{font-size:1.1em;margin:1.6em 0 .2em}h3{font-size:.95em;margin:.6em 0;color:#555}table{border-collapse:collapse;width:100%}` +
	`th,td{text-align:start;vertical-align:top;padding:.15em .8em .15em 0}td.t{white-space:pre-wrap;overflow-wrap:anywhere;width:75%}` +
	`thead{position:absolute;clip-path:inset(50%)}`

func (h *htmlSheet) begin() {
	title := html.EscapeString(h.words.Title + " · " + h.owner.Bare())
	h.put(`<!doctype html>`, "\n", `<html lang="`, html.EscapeString(h.words.Lang), `"><head><meta charset="utf-8">`,
		`<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`,
		`<meta name="viewport" content="width=device-width"><title>`, title, `</title><style>`, exportStyle, `</style></head><body><h1>`, title, "</h1>\n")
}

func (h *htmlSheet) episode(_ portal.Episode, title string) {
	h.closeTable()
	if h.episodes > 0 {
		h.put("</section>\n")
	}
	h.episodes, h.day = h.episodes+1, ""
	h.put("<section><h2>", html.EscapeString(printable(title)), "</h2>\n")
}

func (h *htmlSheet) closeTable() {
	if h.day != "" {
		h.put("</tbody></table>\n")
	}
}

func (h *htmlSheet) line(l portal.Line, name string) {
	before := h.day
	if day, other := h.newDay(l.At); other {
		if before != "" {
			h.put("</tbody></table>\n")
		}
		h.put("<h3>", html.EscapeString(day), "</h3><table><thead><tr><th>", html.EscapeString(h.words.Time), "</th><th>",
			html.EscapeString(h.words.From), "</th><th>", html.EscapeString(h.words.Text), "</th></tr></thead><tbody>\n")
	}
	h.put(`<tr><td><time datetime="`, l.At.UTC().Format(time.RFC3339), `">`, html.EscapeString(h.words.Clock(l.At.In(h.zone))), `</time></td><td><b>`,
		html.EscapeString(printable(name)), `</b></td><td class="t">`, html.EscapeString(printable(l.Text)+fileNames(l)), "</td></tr>\n")
}

func (h *htmlSheet) end() error {
	h.closeTable()
	if h.episodes > 0 {
		h.put("</section>\n")
	} else {
		h.put("<p>", html.EscapeString(h.words.Nothing), "</p>\n")
	}
	h.put("</body></html>\n")
	return h.Flush()
}

// jsonSheet writes {"owner","exported_at","episodes":[{…,"lines":[…]}]}.
type jsonSheet struct {
	pen
	lines int
	err   error
}

func (j *jsonSheet) value(v any) {
	data, err := json.Marshal(v)
	if err != nil {
		j.err = err
		return
	}
	j.put(string(data))
}

func (j *jsonSheet) begin() {
	j.put(`{"owner":`)
	j.value(j.owner)
	j.put(`,"exported_at":`)
	j.value(j.at.UTC())
	j.put(`,"episodes":[`)
}

func (j *jsonSheet) episode(e portal.Episode, title string) {
	if j.episodes > 0 {
		j.put("]},")
	}
	j.episodes, j.lines = j.episodes+1, 0
	j.put("\n", `{"title":`)
	j.value(title)
	j.put(`,"episode":`)
	j.value(e)
	j.put(`,"lines":[`)
}

func (j *jsonSheet) line(l portal.Line, name string) {
	if j.lines > 0 {
		j.put(",")
	}
	j.lines++
	l.Name = name
	j.put("\n")
	j.value(l)
}

func (j *jsonSheet) end() error {
	if j.episodes > 0 {
		j.put("]}")
	}
	j.put("]}\n")
	if j.err != nil {
		return j.err
	}
	return j.Flush()
}
