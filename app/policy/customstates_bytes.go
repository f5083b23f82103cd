package policy

// In what characters a file of custom states is written: editors on Windows save UTF-16 with a mark at its beginning, and
// old ones the Western set of their machine.

import (
	"bytes"
	"encoding/binary"
	"regexp"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// decodeStates gives the file in UTF-8. line is where it is not what it should be (0: it is), declared the name of the
// encoding that it was taken for.
func decodeStates(data []byte) (text []byte, declared string, line int) {
	switch {
	case bytes.HasPrefix(data, []byte{0xff, 0xfe}):
		return decodeUTF16(data[2:], binary.LittleEndian)
	case bytes.HasPrefix(data, []byte{0xfe, 0xff}):
		return decodeUTF16(data[2:], binary.BigEndian)
	case bytes.HasPrefix(data, []byte{'<', 0}):
		return decodeUTF16(data, binary.LittleEndian)
	case bytes.HasPrefix(data, []byte{0, '<'}):
		return decodeUTF16(data, binary.BigEndian)
	}
	if marked, ok := bytes.CutPrefix(data, []byte("\xef\xbb\xbf")); ok {
		return marked, "UTF-8", lineOfBadUTF8(marked)
	}
	declared = declaredEncoding(data)
	switch strings.ToLower(declared) {
	case "", "utf-8", "utf8", "us-ascii", "ascii":
		return data, "UTF-8", lineOfBadUTF8(data)
	case "windows-1252", "cp1252":
		return decodeBytes(data, charmap.Windows1252), declared, 0
	case "iso-8859-1", "latin1":
		return decodeBytes(data, charmap.ISO8859_1), declared, 0
	case "iso-8859-15":
		return decodeBytes(data, charmap.ISO8859_15), declared, 0
	}
	return nil, declared, 1
}

// declaredEncoding is the encoding that an XML declaration names (XML 1.0 section 4.3.3).
func declaredEncoding(data []byte) string {
	if m := encodingDeclaration().FindSubmatch(data[:min(len(data), 300)]); m != nil {
		return string(m[1])
	}
	return ""
}

func encodingDeclaration() *regexp.Regexp {
	return regexp.MustCompile(`^<\?xml[^>]{0,200}?\sencoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']`)
}

func decodeBytes(data []byte, set *charmap.Charmap) []byte {
	text := make([]byte, 0, len(data)+len(data)/8)
	for _, b := range data {
		text = utf8.AppendRune(text, set.DecodeByte(b))
	}
	return text
}

func decodeUTF16(data []byte, order binary.ByteOrder) (text []byte, declared string, line int) {
	text, line = make([]byte, 0, len(data)), 1
	for len(data) > 0 {
		if len(data) < 2 {
			return nil, "UTF-16", line
		}
		r := rune(order.Uint16(data))
		data = data[2:]
		if utf16.IsSurrogate(r) {
			if len(data) < 2 {
				return nil, "UTF-16", line
			}
			r = utf16.DecodeRune(r, rune(order.Uint16(data)))
			data = data[2:]
			if r == utf8.RuneError {
				return nil, "UTF-16", line
			}
		}
		if r == '\n' {
			line++
		}
		text = utf8.AppendRune(text, r)
	}
	return text, "UTF-16", 0
}

// lineOfBadUTF8 is the line of the first byte that is not UTF-8; 0: there is none.
func lineOfBadUTF8(data []byte) int {
	line := 1
	for len(data) > 0 {
		r, n := utf8.DecodeRune(data)
		if r == utf8.RuneError && n == 1 {
			return line
		}
		if r == '\n' {
			line++
		}
		data = data[n:]
	}
	return 0
}
