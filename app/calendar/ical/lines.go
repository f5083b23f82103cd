package ical

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"portico/app/portal"
)

// Content lines (RFC 5545 section 3.1): name, parameters, value.

// Bounds of what is read.
const (
	// MaxBytes is the size of the largest calendar that is read.
	MaxBytes = 16 << 20
	// maxLine is the longest unfolded line, maxLines how many there may be.
	maxLine  = 2 << 20
	maxLines = 2_000_000
	// maxParams bounds the parameters of a line and the values of a parameter.
	maxParams = 64
)

// property is one content line.
type property struct {
	name   string // upper case
	params map[string][]string
	value  string
	line   int
}

// param gives a parameter's first value.
func (p *property) param(name string) string {
	if v := p.params[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

func invalid(line int, format string, args ...any) error {
	return portal.Fail(portal.ErrInvalid, "calendar.import").Because(fmt.Errorf("line %d: %s", line, fmt.Sprintf(format, args...)))
}

// properties yields the unfolded content lines of a calendar.
func properties(data []byte, each func(property) error) error {
	if len(data) > MaxBytes {
		return portal.Fail(portal.ErrInvalid, "calendar.import-large")
	}
	text := strings.TrimPrefix(string(data), "\ufeff")
	if !utf8.ValidString(text) {
		return portal.Fail(portal.ErrInvalid, "calendar.import").Because(errors.New("not UTF-8"))
	}
	number, first := 0, 0
	var logical strings.Builder
	flush := func() error {
		line := logical.String()
		logical.Reset()
		if strings.TrimSpace(line) == "" {
			return nil
		}
		p, err := parseLine(line, first)
		if err != nil {
			return err
		}
		return each(p)
	}
	for len(text) > 0 {
		line, rest, _ := strings.Cut(text, "\n")
		text = rest
		line = strings.TrimSuffix(line, "\r")
		if number++; number > maxLines {
			return invalid(number, "too many lines")
		}
		if line != "" && (line[0] == ' ' || line[0] == '\t') && logical.Len() > 0 {
			if logical.Len()+len(line) > maxLine {
				return invalid(number, "too long")
			}
			logical.WriteString(line[1:])
			continue
		}
		if err := flush(); err != nil {
			return err
		}
		first = number
		if len(line) > maxLine {
			return invalid(number, "too long")
		}
		logical.WriteString(line)
	}
	return flush()
}

// parseLine takes a content line apart.
func parseLine(line string, number int) (property, error) {
	p := property{line: number}
	end := strings.IndexAny(line, ":;")
	if end < 1 || !isName(line[:end]) {
		return p, invalid(number, "no property")
	}
	p.name = strings.ToUpper(line[:end])
	rest := line[end:]
	for rest[0] == ';' {
		name, after, ok := strings.Cut(rest[1:], "=")
		if !ok || !isName(name) || len(p.params) >= maxParams {
			return p, invalid(number, "no parameter of %s", p.name)
		}
		values, left, err := paramValues(after, number)
		if err != nil {
			return p, err
		}
		if p.params == nil {
			p.params = map[string][]string{}
		}
		name = strings.ToUpper(name)
		p.params[name] = append(p.params[name], values...)
		rest = left
	}
	p.value = rest[1:]
	return p, nil
}

// paramValues reads the values of a parameter up to the ";" or ":" that ends them, which rest begins with.
func paramValues(text string, number int) (values []string, rest string, err error) {
	for {
		var v string
		if strings.HasPrefix(text, `"`) {
			end := strings.IndexByte(text[1:], '"')
			if end < 0 {
				return nil, "", invalid(number, "a quote that does not end")
			}
			v, text = text[1:1+end], text[end+2:]
		} else {
			end := strings.IndexAny(text, ",;:")
			if end < 0 {
				return nil, "", invalid(number, "no value")
			}
			v, text = text[:end], text[end:]
		}
		if len(values) >= maxParams {
			return nil, "", invalid(number, "too many values")
		}
		values = append(values, uncaret(v))
		switch {
		case text == "":
			return nil, "", invalid(number, "no value")
		case text[0] == ',':
			text = text[1:]
		case text[0] == ';' || text[0] == ':':
			return values, text, nil
		default:
			return nil, "", invalid(number, "something after a quote")
		}
	}
}

func isName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return s != ""
}

// uncaret reads the escapes of RFC 6868.
func uncaret(s string) string {
	if !strings.Contains(s, "^") {
		return s
	}
	return strings.NewReplacer("^n", "\n", "^'", `"`, "^^", "^").Replace(s)
}

// unescape reads a TEXT value (section 3.3.11).
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		switch s[i] {
		case 'n', 'N':
			b.WriteByte('\n')
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

// texts splits a list of TEXT values at commas that are not escaped.
func texts(s string) []string {
	var out []string
	start := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case ',':
			out = append(out, unescape(s[start:i]))
			start = i + 1
		}
	}
	return append(out, unescape(s[start:]))
}

// writer writes content lines.
type writer struct{ b strings.Builder }

// raw writes a line whose value needs no escapes, folded at 75 octets and never inside a character.
func (w *writer) raw(line string) {
	const most = 75
	room := most
	for len(line) > room {
		cut := room
		for cut > 0 && !utf8.RuneStart(line[cut]) {
			cut--
		}
		w.b.WriteString(line[:cut])
		w.b.WriteString("\r\n ")
		line = line[cut:]
		room = most - 1
	}
	w.b.WriteString(line)
	w.b.WriteString("\r\n")
}

// text writes a TEXT property; an empty one is left out.
func (w *writer) text(name, value string) {
	if value != "" {
		w.raw(name + ":" + escape(value))
	}
}

// escape writes a TEXT value. Control characters have no place in one.
func escape(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\\' || r == ';' || r == ',':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r < 0x20 && r != '\t' || r == 0x7f || r == utf8.RuneError:
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// quoted writes a parameter's value (RFC 6868).
func quoted(s string) string {
	s = strings.NewReplacer("^", "^^", "\n", "^n", `"`, "^'").Replace(strings.ReplaceAll(s, "\r\n", "\n"))
	s = strings.Map(func(r rune) rune {
		if r < 0x20 && r != '\t' || r == 0x7f || r == utf8.RuneError {
			return -1
		}
		return r
	}, s)
	if strings.ContainsAny(s, ":;,") {
		return `"` + s + `"`
	}
	return s
}
