package ews

import (
	"html"
	"io"
	"strings"
	"unicode/utf8"

	xhtml "golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// Bodies: the HTML that servers keep, as the plain text that people read and write here, and back.

// Bounds of a body; what is longer is cut at a rune, so that one enormous body does not fill the mirror.
const (
	maxText = 256 << 10
	maxHTML = 1 << 20
)

// plainText reads HTML as text: paragraphs and lines as line breaks, list items with a dash, the addresses of
// links behind their words where these do not show them. Scripts, styles and comments are left out.
func plainText(source string) string {
	if len(source) > maxHTML {
		source = cut(source, maxHTML)
	}
	w := textWriter{}
	z := xhtml.NewTokenizer(strings.NewReader(source))
	z.SetMaxBuf(maxHTML)
	for w.b.Len() < maxText {
		switch z.Next() {
		case xhtml.ErrorToken:
			if err := z.Err(); err != io.EOF {
				w.text(string(z.Raw())) // what the tokenizer refuses is shown as it is
			}
			return w.String()
		case xhtml.TextToken:
			w.text(html.UnescapeString(string(z.Raw())))
		case xhtml.StartTagToken, xhtml.SelfClosingTagToken:
			w.open(z)
		case xhtml.EndTagToken:
			name, _ := z.TagName()
			w.close(atom.Lookup(name))
		}
	}
	return cut(w.String(), maxText)
}

// textWriter gathers the text of a page: white space as a browser shows it, at most one empty line in a row.
type textWriter struct {
	b       strings.Builder
	hidden  int  // how many open elements hide what they hold
	pre     int  // how many open elements keep white space
	breaks  int  // line breaks due before the next text
	space   bool // a space is due before the next text
	started bool
	link    string
	linked  strings.Builder
}

func (w *textWriter) text(s string) {
	if w.hidden > 0 {
		return
	}
	if w.pre > 0 {
		for i, line := range strings.Split(strings.ReplaceAll(s, "\r", ""), "\n") {
			if i > 0 {
				w.breaks++
			}
			w.word(line)
		}
		return
	}
	for i, word := range strings.FieldsFunc(s, htmlSpace) {
		if i > 0 || startsWithSpace(s) {
			w.space = true
		}
		w.word(word)
	}
	if s != "" && htmlSpace(rune(s[len(s)-1])) {
		w.space = true
	}
}

// htmlSpace is the white space that a page runs together; a no-break space is none of it.
func htmlSpace(r rune) bool { return r == ' ' || r == '\t' || r == '\n' || r == '\r' || r == '\f' }

func startsWithSpace(s string) bool { return s != "" && htmlSpace(rune(s[0])) }

func (w *textWriter) word(s string) {
	if s == "" {
		return
	}
	switch {
	case !w.started:
	case w.breaks > 0:
		w.b.WriteString(strings.Repeat("\n", min(w.breaks, 2)))
	case w.space:
		w.b.WriteByte(' ')
	}
	w.breaks, w.space, w.started = 0, false, true
	s = strings.ReplaceAll(s, "\u00a0", " ")
	w.b.WriteString(s)
	w.linked.WriteString(s)
}

func (w *textWriter) open(z *xhtml.Tokenizer) {
	name, more := z.TagName()
	tag := atom.Lookup(name)
	href := ""
	for more {
		var key, value []byte
		key, value, more = z.TagAttr()
		if tag == atom.A && string(key) == "href" {
			href = string(value)
		}
	}
	switch tag {
	case atom.Script, atom.Style, atom.Head, atom.Title, atom.Template:
		w.hidden++
	case atom.Br:
		w.breaks++
	case atom.P, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Table, atom.Ul, atom.Ol, atom.Blockquote, atom.Hr:
		w.breaks = max(w.breaks, 2)
	case atom.Body: // a head that was never closed hides nothing any more
		w.hidden = 0
		w.breaks = max(w.breaks, 1)
	case atom.Div, atom.Tr, atom.Dt, atom.Dd:
		w.breaks = max(w.breaks, 1)
	case atom.Pre:
		w.breaks = max(w.breaks, 1)
		w.pre++
	case atom.Li:
		w.breaks = max(w.breaks, 1)
		w.word("-")
		w.space = true
	case atom.Td, atom.Th:
		w.space = true
	case atom.A:
		w.link = href
		w.linked.Reset()
	}
}

func (w *textWriter) close(tag atom.Atom) {
	switch tag {
	case atom.Script, atom.Style, atom.Head, atom.Title, atom.Template:
		w.hidden = max(0, w.hidden-1)
	case atom.P, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Table, atom.Ul, atom.Ol, atom.Blockquote:
		w.breaks = max(w.breaks, 2)
	case atom.Div, atom.Tr, atom.Li:
		w.breaks = max(w.breaks, 1)
	case atom.Pre:
		w.pre = max(0, w.pre-1)
		w.breaks = max(w.breaks, 1)
	case atom.A:
		w.endLink()
	}
}

// endLink writes a link's address behind its words where a reader could not guess it from them.
func (w *textWriter) endLink() {
	link, words := w.link, w.linked.String()
	w.link = ""
	web := strings.HasPrefix(link, "https://") || strings.HasPrefix(link, "http://")
	if !web || w.hidden > 0 || strings.Contains(words, strings.TrimSuffix(link, "/")) {
		return
	}
	w.space = true
	w.word("<" + link + ">")
}

func (w *textWriter) String() string { return strings.TrimRight(w.b.String(), " \t\n") }

// htmlText writes plain text as HTML that keeps its line breaks.
func htmlText(text string) string {
	if text == "" {
		return ""
	}
	text = html.EscapeString(strings.ReplaceAll(text, "\r\n", "\n"))
	return "<html><body><div>" + strings.ReplaceAll(text, "\n", "<br>\r\n") + "</div></body></html>"
}

// tidyText is text as servers keep it, with our line ends and without what XML cannot say.
func tidyText(s string) string {
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	return strings.TrimRight(cut(sayable(s), maxText), " \t\n")
}

// sayable leaves out the characters that XML 1.0 has no way to say.
func sayable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n' || r == '\r':
			return r
		case r < 0x20 || r == 0xfffe || r == 0xffff || r == utf8.RuneError:
			return -1
		}
		return r
	}, s)
}

// cut shortens s to at most n bytes without breaking a character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
