package views

import (
	"strings"
)

// HelpPage is the page /help: one topic and the list of all.
type HelpPage struct {
	Frame
	Topics []HelpTopic
	// Topic is the one that is shown, in Language.
	Topic, Language string
	Blocks          []Block
	// Chosen is whether the topic was asked for, so that it comes first and the list unfolds.
	Chosen bool
}

// HelpTopic is an entry of the list.
type HelpTopic struct{ Name, Title string }

// Block is a stretch of a help page.
type Block struct {
	// Kind is "h1" to "h4", "p", "ul", "ol", "pre" or "table".
	Kind string
	// Lines are the text: one for headings and paragraphs, one for each item, the text of pre as it stands.
	Lines [][]Span
	// Rows are a table's, the head first.
	Rows [][][]Span
}

// Span is text within a line.
type Span struct {
	Text string
	// Kind is empty, "code", "strong", "em" or "a" with Href.
	Kind, Href string
}

// Markdown reads the little of Markdown that help pages are written in: headings, paragraphs, lists, fenced code,
// tables, and within a line code, strong, emphasis and links. Everything else is text: HTML in it is shown,
// not run. It returns the first heading as title.
func Markdown(source string) (title string, blocks []Block) {
	lines := strings.Split(strings.ReplaceAll(source, "\r\n", "\n"), "\n")
	for i := 0; i < len(lines); {
		var b Block
		b, i = block(lines, i)
		if b.Kind == "" {
			continue
		}
		if title == "" && b.Kind == "h1" {
			title = plain(b.Lines[0])
		}
		blocks = append(blocks, b)
	}
	return title, blocks
}

// block reads the block that begins at line i and returns where the next one does.
func block(lines []string, i int) (Block, int) {
	line := strings.TrimSpace(lines[i])
	switch {
	case line == "":
		return Block{}, i + 1
	case strings.HasPrefix(line, "```"):
		return fenced(lines, i+1)
	case strings.HasPrefix(line, "#"):
		level := len(line) - len(strings.TrimLeft(line, "#"))
		return Block{Kind: "h" + string(rune('0'+min(level, 4))), Lines: [][]Span{spans(strings.TrimSpace(line[level:]))}}, i + 1
	case strings.HasPrefix(line, "|"):
		return table(lines, i)
	case item(line) != "":
		return list(lines, i)
	}
	var text []string
	for ; i < len(lines) && continues(lines[i]); i++ {
		text = append(text, strings.TrimSpace(lines[i]))
	}
	return Block{Kind: "p", Lines: [][]Span{spans(strings.Join(text, " "))}}, i
}

func continues(line string) bool {
	line = strings.TrimSpace(line)
	return line != "" && item(line) == "" && !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "```") && !strings.HasPrefix(line, "|")
}

func fenced(lines []string, i int) (Block, int) {
	var text []string
	for ; i < len(lines) && !strings.HasPrefix(strings.TrimSpace(lines[i]), "```"); i++ {
		text = append(text, lines[i])
	}
	return Block{Kind: "pre", Lines: [][]Span{{{Text: strings.Join(text, "\n")}}}}, i + 1
}

// item is the kind of list that a line is an item of; empty if of none.
func item(line string) string {
	if strings.HasPrefix(line, "- ") || strings.HasPrefix(line, "* ") {
		return "ul"
	}
	number, _, ok := strings.Cut(line, ". ")
	if ok && number != "" && len(number) < 4 && strings.Trim(number, "0123456789") == "" {
		return "ol"
	}
	return ""
}

func list(lines []string, i int) (Block, int) {
	b := Block{Kind: item(strings.TrimSpace(lines[i]))}
	var text string
	flush := func() {
		if text != "" {
			b.Lines = append(b.Lines, spans(text))
		}
	}
	for ; i < len(lines); i++ {
		line := strings.TrimSpace(lines[i])
		if line == "" || item(line) != "" && item(line) != b.Kind || item(line) == "" && !continues(line) {
			break
		}
		if item(line) == "" {
			text += " " + line
			continue
		}
		flush()
		_, text, _ = strings.Cut(line, " ")
	}
	flush()
	return b, i
}

func table(lines []string, i int) (Block, int) {
	b := Block{Kind: "table"}
	for ; i < len(lines) && strings.HasPrefix(strings.TrimSpace(lines[i]), "|"); i++ {
		line := strings.Trim(strings.TrimSpace(lines[i]), "|")
		if strings.Trim(line, "-:| ") == "" {
			continue
		}
		var row [][]Span
		for _, cell := range strings.Split(strings.ReplaceAll(line, `\|`, "\x00"), "|") {
			row = append(row, spans(strings.TrimSpace(strings.ReplaceAll(cell, "\x00", "|"))))
		}
		b.Rows = append(b.Rows, row)
	}
	return b, i
}

// spans reads what is marked within a line.
func spans(line string) []Span {
	var out []Span
	var text strings.Builder
	flush := func() {
		if text.Len() > 0 {
			out = append(out, Span{Text: text.String()})
			text.Reset()
		}
	}
	for len(line) > 0 {
		s, rest, ok := marked(line)
		if !ok {
			text.WriteByte(line[0])
			line = line[1:]
			continue
		}
		flush()
		out = append(out, s)
		line = rest
	}
	flush()
	return out
}

func marked(line string) (s Span, rest string, ok bool) {
	for _, m := range []struct{ mark, kind string }{{"`", "code"}, {"**", "strong"}, {"*", "em"}} {
		if !strings.HasPrefix(line, m.mark) {
			continue
		}
		inner, after, found := strings.Cut(line[len(m.mark):], m.mark)
		if found && inner != "" && inner[0] != ' ' {
			return Span{Text: inner, Kind: m.kind}, after, true
		}
	}
	if label, after, found := strings.Cut(line, "]("); found && strings.HasPrefix(label, "[") {
		if href, rest, closed := strings.Cut(after, ")"); closed && safeHelpLink(href) {
			return Span{Text: label[1:], Kind: "a", Href: href}, rest, true
		}
	}
	return Span{}, line, false
}

// safeHelpLink allows links to the web and within the portal.
func safeHelpLink(href string) bool {
	return strings.HasPrefix(href, "https://") || strings.HasPrefix(href, "http://") ||
		strings.HasPrefix(href, "/") && !strings.HasPrefix(href, "//") || strings.HasPrefix(href, "#")
}

func plain(spans []Span) string {
	var b strings.Builder
	for _, s := range spans {
		b.WriteString(s.Text)
	}
	return b.String()
}
