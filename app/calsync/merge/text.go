package merge

import (
	"slices"
	"strings"
	"unicode"
)

// Texts: how they are tidied before they are compared, and when two that differ are one text that passed through a server.

// oneLine is a text of one line, as servers keep it.
func oneLine(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch r {
		case '\n', '\r', '\t', '\u00a0', '\v', '\f':
			return ' '
		}
		return sayable(r)
	}, s))
}

// paragraphs is a text of many lines with one kind of line ends, no spaces at the ends of lines, at most one empty line in a row and
// none around it.
func paragraphs(s string) string {
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	lines := strings.Split(strings.Map(func(r rune) rune {
		if r == '\u00a0' {
			return ' '
		}
		return sayable(r)
	}, s), "\n")
	out := lines[:0]
	for _, l := range lines {
		l = strings.TrimRight(l, " \t\v\f")
		if l == "" && (len(out) == 0 || out[len(out)-1] == "") {
			continue
		}
		out = append(out, l)
	}
	return strings.TrimRight(strings.Join(out, "\n"), "\n")
}

// sayable drops what XML 1.0 has no way to say: no server keeps it.
func sayable(r rune) rune {
	if r < 0x20 && r != '\n' && r != '\t' || r == 0xfffe || r == 0xffff || r == unicode.ReplacementChar {
		return -1
	}
	return r
}

// squeezed is a text without white space and without the marks that plain text gets for markup (dashes of lists, angles of links).
func squeezed(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || strings.ContainsRune("-*•·<>\u200b\ufeff", r) {
			return -1
		}
		return r
	}, s)
}

// likeText tells whether two texts differ in nothing but what passing through markup does to white space.
func likeText(a, b string) bool { return a == b || squeezed(a) == squeezed(b) }

// shortest is what no server is known to cut a text below, in characters.
const shortest = 200

// cutText tells whether one of two texts is the other, cut by a server.
func cutText(a, b string) bool {
	a, b = squeezed(a), squeezed(b)
	if len(a) > len(b) {
		a, b = b, a
	}
	return a == b || len([]rune(a)) >= shortest && strings.HasPrefix(b, a)
}

// tidyList is a list without empty and repeated members, in the order of the alphabet.
func tidyList(list []string) []string {
	var out []string
	for _, s := range list {
		if s = oneLine(s); s != "" && !holds(out, s) {
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) })
	return out
}

// holds tells whether a list has a member, without regard to case.
func holds(list []string, s string) bool {
	return slices.ContainsFunc(list, func(have string) bool { return strings.EqualFold(have, s) })
}
