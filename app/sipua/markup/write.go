package markup

import (
	"time"
	"unicode/utf8"
)

// AppendText appends s as XML character data that is safe in elements and in double-quoted
// attributes. Characters that XML 1.0 cannot carry, and bytes that are not UTF-8, become U+FFFD.
func AppendText(b []byte, s string) []byte {
	last := 0
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		esc := escape(r, size)
		if esc != "" {
			b = append(b, s[last:i]...)
			b = append(b, esc...)
			last = i + size
		}
		i += size
	}
	return append(b, s[last:]...)
}

func escape(r rune, size int) string {
	switch r {
	case '&':
		return "&amp;"
	case '<':
		return "&lt;"
	case '>':
		return "&gt;"
	case '"':
		return "&quot;"
	case '\r':
		return "&#xD;"
	case '\n':
		return "&#xA;"
	case '\t':
		return "&#x9;"
	}
	if r < 0x20 || r == utf8.RuneError && size == 1 || r == 0xfffe || r == 0xffff {
		return "\uFFFD"
	}
	return ""
}

// AppendAttr appends ` name="value"`, or nothing for an empty value.
func AppendAttr(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	b = append(b, ' ')
	b = append(b, name...)
	b = append(b, '=', '"')
	b = AppendText(b, value)
	return append(b, '"')
}

// AppendTime appends an xs:dateTime in UTC, with as many fraction digits as it takes.
func AppendTime(b []byte, t time.Time) []byte { return t.UTC().AppendFormat(b, time.RFC3339Nano) }

// Time is t as an xs:dateTime in UTC, empty for the zero time.
func Time(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}
