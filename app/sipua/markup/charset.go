package markup

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// toUTF8 turns UTF-16 (told by its byte order mark or by the pattern of "<") into UTF-8 and drops a
// UTF-8 byte order mark; every other document is left to the decoder.
func toUTF8(b []byte) ([]byte, error) {
	b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	if len(b) < 2 {
		return b, nil
	}
	var order unicode.Endianness
	switch {
	case b[0] == 0xfe && b[1] == 0xff, b[0] == 0 && b[1] == '<':
		order = unicode.BigEndian
	case b[0] == 0xff && b[1] == 0xfe, b[0] == '<' && b[1] == 0:
		order = unicode.LittleEndian
	default:
		return b, nil
	}
	if len(b)%2 != 0 {
		return nil, fmt.Errorf("UTF-16 with an odd number of bytes")
	}
	out, err := unicode.UTF16(order, unicode.UseBOM).NewDecoder().Bytes(b)
	if err != nil {
		return nil, fmt.Errorf("UTF-16: %w", err)
	}
	return out, nil
}

// charsetReader serves the encodings a declaration may name. By the time it is asked a UTF-16
// document is UTF-8 already.
func charsetReader(label string, in io.Reader) (io.Reader, error) {
	switch strings.ToLower(strings.TrimSpace(label)) {
	case "utf-8", "utf8", "us-ascii", "ascii", "utf-16", "utf-16le", "utf-16be":
		return in, nil
	case "iso-8859-1", "latin1", "iso8859-1":
		return charmap.ISO8859_1.NewDecoder().Reader(in), nil
	case "iso-8859-15":
		return charmap.ISO8859_15.NewDecoder().Reader(in), nil
	case "windows-1252", "cp1252":
		return charmap.Windows1252.NewDecoder().Reader(in), nil
	}
	return nil, fmt.Errorf("encoding %q is not supported", label)
}
