package views

// What people write in rooms, as HTML: plain text with a little formatting. Every byte of the text is escaped on its way
// out; no HTML comes from people.

import (
	"html"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"portico/app/portal"
)

const (
	// maxInlineDepth is how deep bold, italic and struck text may stand in each other.
	maxInlineDepth = 4
	// maxMarkReach is how far behind an opening mark its closing one is looked for, in bytes.
	maxMarkReach = 1000
)

// addressed finds what may be a link in a room, at the beginning of a text.
var addressed = regexp.MustCompile(`(?i)^(?:https?://|www\.|mailto:|sip:)[^\s<>"` + "`" + `]+`)

var (
	bulletLine = regexp.MustCompile(`^ {0,3}[-*•] +(.*)$`)
	numberLine = regexp.MustCompile(`^ {0,3}(\d{1,4})[.)] +(.*)$`)
)

// formatter writes one text. Called says of what follows an "@", in lower case, whether it names somebody here.
type formatter struct {
	strings.Builder
	called func(token string) bool
}

// formatted is text as escaped HTML: `code`, ```blocks```, *bold*, _italic_, ~struck~, > quotes, lists, links to http, https,
// mailto and sip, and the names that are called. All else stands as it was written.
func formatted(text string, called func(token string) bool) string {
	f := &formatter{called: called}
	f.blocks(strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n"), true)
	return f.String()
}

// blocks writes lines; quotes are looked for where quoting is on, so that they do not stand in each other.
func (f *formatter) blocks(lines []string, quoting bool) {
	plain := false // whether the line before was plain, which the next one is parted from by a line break
	for i := 0; i < len(lines); {
		n := f.code(lines[i:])
		if n == 0 && quoting {
			n = f.quote(lines[i:])
		}
		if n == 0 {
			n = f.list(lines[i:])
		}
		if n > 0 {
			i, plain = i+n, false
			continue
		}
		if plain {
			f.WriteByte('\n')
		}
		f.inline(lines[i], 0)
		i, plain = i+1, true
	}
}

const fence = "```"

// code writes a block of code that begins at the first line and gives how many lines it has; one that is not closed is none.
func (f *formatter) code(lines []string) int {
	first, ok := strings.CutPrefix(strings.TrimLeft(lines[0], " "), fence)
	if !ok {
		return 0
	}
	if inner, closed := strings.CutSuffix(strings.TrimRight(first, " "), fence); closed && strings.TrimSpace(inner) != "" {
		f.pre(inner)
		return 1
	}
	for i := 1; i < len(lines); i++ {
		last, closed := strings.CutSuffix(strings.TrimRight(lines[i], " "), fence)
		if !closed {
			continue
		}
		inner := append([]string(nil), lines[1:i]...)
		if strings.ContainsAny(strings.TrimSpace(first), " \t{}();=") { // no language's name: the first line of the code
			inner = append([]string{first}, inner...)
		}
		if strings.TrimSpace(last) != "" {
			inner = append(inner, last)
		}
		f.pre(strings.Join(inner, "\n"))
		return i + 1
	}
	return 0
}

func (f *formatter) pre(code string) {
	f.WriteString(`<pre tabindex="0"><code>`)
	f.WriteString(html.EscapeString(code))
	f.WriteString("</code></pre>")
}

// quote writes the lines that begin with ">".
func (f *formatter) quote(lines []string) int {
	var inner []string
	for _, line := range lines {
		said, ok := strings.CutPrefix(line, ">")
		if !ok {
			break
		}
		inner = append(inner, strings.TrimPrefix(said, " "))
	}
	if inner == nil {
		return 0
	}
	f.WriteString("<blockquote>")
	f.blocks(inner, false)
	f.WriteString("</blockquote>")
	return len(inner)
}

// list writes lines that begin with a bullet, or with numbers.
func (f *formatter) list(lines []string) int {
	kind, n := bulletLine, 0
	open, end := "<ul>", "</ul>"
	if m := numberLine.FindStringSubmatch(lines[0]); m != nil {
		kind, end = numberLine, "</ol>"
		start, err := strconv.Atoi(m[1])
		if err != nil { // the expression lets nothing else through
			return 0
		}
		open = `<ol start="` + strconv.Itoa(start) + `">`
	}
	for _, line := range lines {
		m := kind.FindStringSubmatch(line)
		if m == nil || strings.TrimSpace(m[len(m)-1]) == "" {
			break
		}
		if n == 0 {
			f.WriteString(open)
		}
		f.WriteString("<li>")
		f.inline(m[len(m)-1], 0)
		f.WriteString("</li>")
		n++
	}
	if n > 0 {
		f.WriteString(end)
	}
	return n
}

// markOf is the element that a mark around text makes of it; empty: none.
func markOf(c byte) string {
	switch c {
	case '*':
		return "strong"
	case '_':
		return "em"
	case '~':
		return "s"
	}
	return ""
}

// inline writes one line or a stretch of it.
func (f *formatter) inline(s string, depth int) {
	from := 0
	plain := func(to int) {
		f.WriteString(html.EscapeString(emoticons(s[from:to])))
	}
	for i := 0; i < len(s); {
		n := 0
		if starts(s, i) {
			n = f.mention(s, i, plain)
			if n == 0 {
				n = f.link(s, i, plain)
			}
		}
		if n == 0 && s[i] == '`' {
			n = f.span(s, i, plain)
		}
		if n == 0 && depth < maxInlineDepth && markOf(s[i]) != "" {
			n = f.marked(s, i, depth, plain)
		}
		if n == 0 {
			i++
			continue
		}
		i += n
		from = i
	}
	plain(len(s))
}

// starts reports whether a word may begin at i.
func starts(s string, i int) bool {
	if i == 0 {
		return true
	}
	before, _ := utf8.DecodeLastRuneInString(s[:i])
	return !unicode.IsLetter(before) && !unicode.IsDigit(before) && before != '/' && before != '@'
}

// ends reports whether a word may end before i.
func ends(s string, i int) bool {
	if i >= len(s) {
		return true
	}
	after, _ := utf8.DecodeRuneInString(s[i:])
	return !unicode.IsLetter(after) && !unicode.IsDigit(after)
}

// span writes `code`.
func (f *formatter) span(s string, i int, plain func(int)) int {
	end := strings.IndexByte(s[i+1:], '`')
	if end < 1 {
		return 0
	}
	plain(i)
	f.WriteString("<code>")
	f.WriteString(html.EscapeString(s[i+1 : i+1+end]))
	f.WriteString("</code>")
	return end + 2
}

// marked writes *bold*, _italic_ and ~struck~ text.
func (f *formatter) marked(s string, i, depth int, plain func(int)) int {
	c := s[i]
	if !starts(s, i) || i+1 >= len(s) || s[i+1] == ' ' || s[i+1] == '\t' || s[i+1] == c {
		return 0
	}
	for j := i + 2; j < min(len(s), i+maxMarkReach); j++ {
		if s[j] == c && s[j-1] != ' ' && s[j-1] != '\t' && ends(s, j+1) && (j+1 >= len(s) || s[j+1] != c) {
			plain(i)
			tag := markOf(c)
			f.WriteString("<" + tag + ">")
			f.inline(s[i+1:j], depth+1)
			f.WriteString("</" + tag + ">")
			return j + 1 - i
		}
	}
	return 0
}

// mention writes "@name" where it names somebody here.
func (f *formatter) mention(s string, i int, plain func(int)) int {
	if s[i] != '@' || f.called == nil {
		return 0
	}
	end := i + 1
	for end < len(s) {
		r, size := utf8.DecodeRuneInString(s[end:])
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '.' && r != '-' && r != '_' {
			break
		}
		end += size
	}
	token := strings.TrimRight(s[i+1:end], ".-_")
	for token != "" && !f.called(strings.ToLower(token)) { // "@bob.brown." may mean "bob.brown" or "bob"
		token = strings.TrimRight(token[:max(0, strings.LastIndexAny(token, ".-_"))], ".-_")
	}
	if token == "" {
		return 0
	}
	plain(i)
	f.WriteString(`<b class="call">@`)
	f.WriteString(html.EscapeString(token))
	f.WriteString("</b>")
	return 1 + len(token)
}

// link writes an address as a link.
func (f *formatter) link(s string, i int, plain func(int)) int {
	switch s[i] {
	case 'h', 'H', 'w', 'W', 'm', 'M', 's', 'S':
	default:
		return 0
	}
	shown := trimLink(addressed.FindString(s[i:]))
	href, ok := roomLink(shown)
	if !ok {
		return 0
	}
	plain(i)
	f.WriteString(`<a href="` + html.EscapeString(href) + `"`)
	if strings.HasPrefix(href, "http") {
		f.WriteString(` target="_blank"`)
	}
	f.WriteString(` rel="noopener noreferrer nofollow">` + html.EscapeString(shown) + "</a>")
	return len(shown)
}

// roomLink is where a text that looks like an address leads; only to the web, to a mailbox and to a SIP address.
func roomLink(shown string) (string, bool) {
	scheme, rest, _ := strings.Cut(shown, ":")
	switch strings.ToLower(scheme) {
	case "mailto":
		user, host, ok := strings.Cut(rest, "@")
		if !ok || user == "" || host == "" || strings.ContainsAny(rest, "?&#%") || strings.Contains(host, "@") {
			return "", false
		}
		return (&url.URL{Scheme: "mailto", Opaque: url.PathEscape(user) + "@" + url.PathEscape(host)}).String(), true
	case "sip":
		a, err := portal.ParseAddress(shown)
		return string(a), err == nil
	}
	return link(shown)
}

// plainText is a message's text on one line of at most n characters, without the signs of formatting.
func plainText(text string, n int) string {
	text = strings.Join(strings.Fields(strings.NewReplacer(fence, " ", "`", "").Replace(text)), " ")
	text = emoticons(text)
	if utf8.RuneCountInString(text) <= n {
		return text
	}
	return strings.TrimSpace(string([]rune(text)[:n])) + "…"
}
