package binding

import (
	"strconv"
	"unicode/utf8"
)

// Characters: which may stand in a document, and what becomes of the others.

// numeric reads "#10" and "#xA".
func numeric(name string) (rune, bool) {
	if len(name) < 2 || name[0] != '#' {
		return 0, false
	}
	digits, base := name[1:], 10
	if digits[0] == 'x' {
		digits, base = digits[1:], 16
	}
	n, err := strconv.ParseUint(digits, base, 32)
	if err != nil || n > utf8.MaxRune {
		return 0, false
	}
	return rune(n), true
}

// allowed are the characters of XML 1.0.
func allowed(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' || r >= 0x20 && r <= 0xD7FF || r >= 0xE000 && r <= 0xFFFD || r >= 0x10000 && r <= utf8.MaxRune
}

func appendRune(dst []byte, r rune) []byte {
	if !allowed(r) {
		r = utf8.RuneError
	}
	return utf8.AppendRune(dst, r)
}

// clean makes a string of what was read: valid UTF-8 of allowed characters, others as U+FFFD.
func clean(b []byte) string {
	for i := 0; i < len(b); i++ {
		if c := b[i]; c >= 0x80 || c < 0x20 && c != '\t' && c != '\n' && c != '\r' {
			return cleaned(b)
		}
	}
	return string(b)
}

func cleaned(b []byte) string {
	ok := utf8.Valid(b)
	if ok {
		for _, r := range string(b) {
			if !allowed(r) {
				ok = false
				break
			}
		}
	}
	if ok {
		return string(b)
	}
	out := make([]byte, 0, len(b)+16)
	for _, r := range string(b) {
		out = appendRune(out, r)
	}
	return string(out)
}

// escape appends s as text or attribute value; characters that XML has no way to say are left out.
func escape(dst []byte, s string) []byte {
	from := 0
	for i := 0; i < len(s); {
		r, size := rune(s[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(s[i:])
		}
		var as string
		switch {
		case r == '<':
			as = "&lt;"
		case r == '>':
			as = "&gt;"
		case r == '&':
			as = "&amp;"
		case r == '"':
			as = "&#34;"
		case r == '\t':
			as = "&#9;"
		case r == '\n':
			as = "&#10;"
		case r == '\r':
			as = "&#13;"
		case allowed(r) && (r != utf8.RuneError || size > 1):
			i += size
			continue
		}
		dst = append(dst, s[from:i]...)
		dst = append(dst, as...)
		i += size
		from = i
	}
	return append(dst, s[from:]...)
}
