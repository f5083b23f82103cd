package catalogue

import (
	"fmt"
	"regexp"
	"strings"
)

// segment is a stretch of a text: literal, then the value of the named argument unless the name is empty.
type segment struct{ literal, name string }

// simple is a place in a text that only takes an argument's value.
var simple = regexp.MustCompile(`^\.([A-Za-z]+)$`)

// split takes a text apart at its arguments; false where it has more than those in it (a condition, say).
func split(text string) ([]segment, bool) {
	var out []segment
	for {
		literal, rest, found := strings.Cut(text, "{{")
		if !found {
			return append(out, segment{literal: literal}), true
		}
		inner, after, closed := strings.Cut(rest, "}}")
		name := simple.FindStringSubmatch(strings.TrimSpace(inner))
		if !closed || name == nil {
			return nil, false
		}
		out = append(out, segment{literal, name[1]})
		text = after
	}
}

// fill puts arguments, given as name, value, name, value, into a text. One that is not given is left out.
func (c *Catalogue) fill(segments []segment, args []any) string {
	var b strings.Builder
	for _, s := range segments {
		b.WriteString(s.literal)
		for i := 0; s.name != "" && i+1 < len(args); i += 2 {
			if args[i] != s.name {
				continue
			}
			if text, ok := args[i+1].(string); ok {
				b.WriteString(text)
			} else {
				fmt.Fprint(&b, c.written(s.name, args[i+1]))
			}
			break
		}
	}
	return b.String()
}
