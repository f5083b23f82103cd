package ewslab

// iCalendar (RFC 5545) as text: lines, properties, components.

import (
	"errors"
	"fmt"
	"strings"
)

const (
	maxICalLines = 20_000
	maxICalDepth = 8
)

var errICal = errors.New("the iCalendar text is malformed")

// icalProp is one line: name, parameters, raw value.
type icalProp struct {
	Name   string
	Params map[string]string
	Value  string
}

// icalPart is a component.
type icalPart struct {
	Name  string
	Props []icalProp
	Parts []*icalPart
}

// get returns the first property of a name.
func (p *icalPart) get(name string) (icalProp, bool) {
	for _, q := range p.Props {
		if q.Name == name {
			return q, true
		}
	}
	return icalProp{}, false
}

// text returns a property's text without escapes.
func (p *icalPart) text(name string) string {
	q, _ := p.get(name)
	return unescapeICal(q.Value)
}

// parseICal reads one VCALENDAR.
func parseICal(text string) (*icalPart, error) {
	lines := unfold(text)
	if len(lines) > maxICalLines {
		return nil, errICal
	}
	var root *icalPart
	var open []*icalPart
	for _, l := range lines {
		if strings.TrimSpace(l) == "" {
			continue
		}
		p, err := parseICalLine(l)
		if err != nil {
			return nil, err
		}
		switch {
		case p.Name == "BEGIN":
			part := &icalPart{Name: strings.ToUpper(strings.TrimSpace(p.Value))}
			if len(open) >= maxICalDepth || root != nil && len(open) == 0 {
				return nil, errICal
			}
			if root == nil {
				root = part
			} else {
				last := open[len(open)-1]
				last.Parts = append(last.Parts, part)
			}
			open = append(open, part)
		case len(open) == 0:
			return nil, errICal
		case p.Name == "END":
			if !strings.EqualFold(strings.TrimSpace(p.Value), open[len(open)-1].Name) {
				return nil, errICal
			}
			open = open[:len(open)-1]
		default:
			last := open[len(open)-1]
			last.Props = append(last.Props, p)
		}
	}
	if root == nil || len(open) > 0 || root.Name != "VCALENDAR" {
		return nil, errICal
	}
	return root, nil
}

// unfold joins continued lines.
func unfold(text string) []string {
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	var out []string
	var b strings.Builder
	started := false
	for l := range strings.SplitSeq(text, "\n") {
		if started && l != "" && (l[0] == ' ' || l[0] == '\t') {
			b.WriteString(l[1:])
			continue
		}
		if started {
			out = append(out, b.String())
			b.Reset()
		}
		b.WriteString(l)
		started = true
	}
	return append(out, b.String())
}

// parseICalLine reads NAME;PARAM="value":rest.
func parseICalLine(l string) (icalProp, error) {
	p := icalProp{Params: map[string]string{}}
	quoted := false
	from := 0
	var fields []string
	for i := range len(l) {
		switch c := l[i]; {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == ';' || c == ':':
			fields = append(fields, l[from:i])
			from = i + 1
			if c == ':' {
				p.Value = l[from:]
				p.Name = strings.ToUpper(strings.TrimSpace(fields[0]))
				for _, f := range fields[1:] {
					name, value, _ := strings.Cut(f, "=")
					p.Params[strings.ToUpper(name)] = strings.Trim(value, `"`)
				}
				return p, nil
			}
		}
	}
	return p, errICal
}

func unescapeICal(s string) string {
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
		if s[i] == 'n' || s[i] == 'N' {
			b.WriteByte('\n')
		} else {
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

var icalEscaper = strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`, "\r\n", `\n`, "\n", `\n`, "\r", "")

// icalWriter writes folded lines.
type icalWriter struct{ b strings.Builder }

// line writes one line as it is.
func (w *icalWriter) line(format string, args ...any) {
	l := fmt.Sprintf(format, args...)
	for width := 75; len(l) > width; width = 74 {
		cut := width
		for cut > 0 && l[cut]&0xC0 == 0x80 { // not within a character
			cut--
		}
		w.b.WriteString(l[:cut] + "\r\n ")
		l = l[cut:]
	}
	w.b.WriteString(l + "\r\n")
}

// text writes a property with a text value; nothing for an empty one.
func (w *icalWriter) text(name, value string) {
	if value != "" {
		w.line("%s:%s", name, icalEscaper.Replace(value))
	}
}

// quote makes a parameter value.
func quote(s string) string {
	return `"` + strings.NewReplacer(`"`, "'", "\r", "", "\n", " ").Replace(s) + `"`
}
