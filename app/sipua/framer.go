package sipua

// Cutting a byte stream into SIP messages, in a way that a bad message costs only itself.

import (
	"bytes"
	"errors"
	"io"
	"strings"
)

// Limits on what a peer may send in one message.
const (
	maxHeadSize = 32 << 10
	maxBodySize = 64 << 10
	// maxSkip is how much of an oversized body is read past before the connection is given up.
	maxSkip = 4 << 20
)

var (
	// errFraming: where the message ends cannot be known, so the stream cannot go on (RFC 3261 18.3).
	errFraming = errors.New("message without a usable Content-Length")
	// errOversize: the message was too large and has been skipped; the stream goes on.
	errOversize = errors.New("message too large")
)

// framer cuts what r delivers into messages.
type framer struct {
	r          io.Reader
	buf        []byte
	start, end int
	// onCRLF is called for CRLFs between messages: pings (two) and pongs (one), RFC 5626 section 4.4.1.
	onCRLF func(pairs int)
}

func newFramer(r io.Reader, onCRLF func(int)) *framer {
	return &framer{r: r, buf: make([]byte, 8<<10), onCRLF: onCRLF}
}

// next returns one message, valid until the next call. With errOversize and errFraming it returns the
// message's head, to be answered.
func (f *framer) next() ([]byte, error) {
	scanned := 0
	for {
		f.skipCRLF()
		window := f.buf[f.start:f.end]
		from := max(0, scanned-3)
		if i := bytes.Index(window[from:], []byte("\r\n\r\n")); i >= 0 {
			return f.body(from + i + 4)
		}
		scanned = len(window)
		if scanned > maxHeadSize {
			return nil, errFraming
		}
		if err := f.fill(); err != nil {
			return nil, err
		}
	}
}

// body reads the rest of a message whose head has the given length.
func (f *framer) body(head int) ([]byte, error) {
	length, err := contentLength(f.buf[f.start : f.start+head])
	if err != nil {
		return f.buf[f.start : f.start+head], err
	}
	if length > maxBodySize {
		return f.skip(head, length)
	}
	for f.end-f.start < head+length {
		if err := f.fill(); err != nil {
			return nil, err
		}
	}
	msg := f.buf[f.start : f.start+head+length]
	f.start += head + length
	return msg, nil
}

// skip reads past an oversized body and returns the head.
func (f *framer) skip(head, length int) ([]byte, error) {
	msg := bytes.Clone(f.buf[f.start : f.start+head])
	if length > maxSkip {
		return msg, errFraming
	}
	f.start += head
	for left := length; left > 0; {
		if f.start == f.end {
			if err := f.fill(); err != nil {
				return nil, err
			}
		}
		n := min(left, f.end-f.start)
		f.start += n
		left -= n
	}
	return msg, errOversize
}

// skipCRLF passes over empty lines before a message (RFC 3261 section 7.5).
func (f *framer) skipCRLF() {
	n := 0
	for f.end-f.start >= 2 && f.buf[f.start] == '\r' && f.buf[f.start+1] == '\n' {
		f.start += 2
		n++
	}
	if n > 0 && f.onCRLF != nil {
		f.onCRLF(n)
	}
}

// fill reads more, making room first.
func (f *framer) fill() error {
	if f.start > 0 && (f.start == f.end || f.end == len(f.buf)) {
		f.end = copy(f.buf, f.buf[f.start:f.end])
		f.start = 0
	}
	if f.end == len(f.buf) {
		f.buf = append(f.buf, make([]byte, len(f.buf))...)
	}
	n, err := f.r.Read(f.buf[f.end:])
	f.end += n
	if n > 0 {
		return nil
	}
	if err == nil {
		return io.ErrNoProgress
	}
	return err
}

// contentLength finds Content-Length in a message's head. On a stream it must be there (RFC 3261
// section 20.14) and, if it is there twice, agree.
func contentLength(head []byte) (int, error) {
	length := -1
	for name, value := range headerLines(head) {
		if !strings.EqualFold(name, "content-length") && !strings.EqualFold(name, "l") {
			continue
		}
		n, ok := decimal(value)
		if !ok || (length >= 0 && n != length) {
			return 0, errFraming
		}
		length = n
	}
	if length < 0 {
		return 0, errFraming
	}
	return length, nil
}

// decimal reads up to nine digits and nothing else.
func decimal(s string) (int, bool) {
	if s == "" || len(s) > 9 {
		return 0, false
	}
	n := 0
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}

// headerLines goes over the header fields of a message's head as they stand, unfolded.
func headerLines(head []byte) func(yield func(name, value string) bool) {
	return func(yield func(name, value string) bool) {
		_, rest, _ := bytes.Cut(head, []byte("\r\n"))
		for len(rest) > 0 {
			line := nextLine(&rest)
			if len(line) == 0 {
				return
			}
			field := string(line)
			for len(rest) > 0 && (rest[0] == ' ' || rest[0] == '\t') {
				field += " " + strings.Trim(string(nextLine(&rest)), " \t")
			}
			name, value, ok := strings.Cut(field, ":")
			if !ok {
				continue
			}
			if !yield(strings.TrimRight(name, " \t"), strings.Trim(value, " \t")) {
				return
			}
		}
	}
}

func nextLine(rest *[]byte) []byte {
	line, after, ok := bytes.Cut(*rest, []byte("\r\n"))
	if !ok {
		after = nil
	}
	*rest = after
	return line
}
