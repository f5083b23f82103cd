package siplab

// Cutting a stream into messages (RFC 3261 section 18.3): Content-Length decides, and where it cannot, the stream ends.

import (
	"bytes"
	"errors"
	"strconv"
)

const (
	// maxHead bounds the start line and headers of one message, in octets.
	maxHead = 32 << 10
	// maxMessage bounds a whole message, in octets.
	maxMessage = 256 << 10
	// sniffLength is where in a first line "SIP/" must have come, or the stream is taken for something else.
	sniffLength = 4 << 10
)

var (
	errNotSIP    = errors.New("not SIP")
	errTooLarge  = errors.New("message too large")
	errNoLength  = errors.New("no usable Content-Length")
	headEnd      = []byte("\r\n\r\n")
	lineEnd      = []byte("\r\n")
	sipVersionAt = []byte("SIP/")
)

// framed is what framer.next found: a message, a keep-alive ping, or neither (more octets are needed).
type framed struct {
	head, body []byte
	ping       bool
	complete   bool
}

// framer holds the octets of one stream that are not yet a whole message.
type framer struct {
	all     []byte // storage
	buf     []byte // the part of it that is not consumed
	scanned int    // octets already searched for the end of the headers
	head    int    // length of the headers once found, with the empty line
	length  int    // Content-Length once known
	halved  bool   // one CRLF of a ping was seen
	sniffed bool   // the first line may be SIP
}

// write adds octets. What was consumed makes room once per write, not once per message.
func (f *framer) write(b []byte) {
	if len(f.buf) < len(f.all) {
		f.all = f.all[:copy(f.all, f.buf)]
	}
	f.all = append(f.all, b...)
	f.buf = f.all
}

// waiting tells whether part of a message is there: then the clock runs.
func (f *framer) waiting() bool { return len(f.buf) > 0 }

func (f *framer) drop(n int) {
	f.buf = f.buf[n:]
	f.scanned, f.head, f.length, f.sniffed = 0, 0, 0, false
	if len(f.buf) == 0 {
		if f.all = f.all[:0]; cap(f.all) > 64<<10 {
			f.all = nil
		}
	}
}

// next takes one message off the stream. Its slices are valid until the next write. After an error the stream is of no
// more use; head then holds what can be answered, if anything.
func (f *framer) next() (framed, error) {
	if f.head == 0 {
		if ping := f.skipEmptyLines(); ping {
			return framed{ping: true}, nil
		}
		if err := f.findHead(); err != nil || f.head == 0 {
			return framed{}, err
		}
	}
	end := f.head + f.length
	if len(f.buf) < end {
		return framed{}, nil
	}
	return framed{head: f.buf[:f.head], body: f.buf[f.head:end], complete: true}, nil
}

// done forgets the message that next returned.
func (f *framer) done() { f.drop(f.head + f.length) }

// skipEmptyLines drops CRLF and NUL before a start line; two CRLF in a row are a ping (RFC 5626 section 3.5.1).
func (f *framer) skipEmptyLines() (ping bool) {
	n := 0
	for n < len(f.buf) {
		if f.buf[n] == 0 {
			n++
			continue
		}
		if !bytes.HasPrefix(f.buf[n:], lineEnd) {
			if n < len(f.buf) && f.buf[n] != '\r' {
				f.halved = false
			}
			break
		}
		n += 2
		if f.halved = !f.halved; !f.halved {
			ping = true
			break
		}
	}
	if n > 0 {
		f.drop(n)
	}
	return ping
}

func (f *framer) findHead() error {
	if err := f.sniff(); err != nil {
		return err
	}
	from := max(0, f.scanned-3)
	i := bytes.Index(f.buf[from:], headEnd)
	if i < 0 {
		f.scanned = len(f.buf)
		if len(f.buf) > maxHead {
			return errTooLarge
		}
		return nil
	}
	head := from + i + len(headEnd)
	length, err := contentLength(f.buf[:head])
	if err != nil {
		f.head = head
		return err
	}
	f.head, f.length = head, length
	if head > maxHead || head+length > maxMessage {
		f.length = 0
		return errTooLarge
	}
	return nil
}

// sniff refuses a stream whose first line cannot be SIP, before it is collected.
func (f *framer) sniff() error {
	if f.sniffed || len(f.buf) == 0 {
		return nil
	}
	line := f.buf[:min(len(f.buf), sniffLength)]
	whole := len(line) == sniffLength
	if i := bytes.Index(line, lineEnd); i >= 0 {
		line, whole = line[:i], true
	}
	if f.sniffed = bytes.Contains(bytes.ToUpper(line), sipVersionAt); !f.sniffed && whole {
		return errNotSIP
	}
	return nil
}

// contentLength finds the length in a head without taking the rest apart.
func contentLength(head []byte) (int, error) {
	m, ok := lex(head)
	if !ok {
		return 0, errNoLength
	}
	found := -1
	for _, h := range m.headers {
		if h.name != "Content-Length" {
			continue
		}
		n, err := strconv.ParseUint(h.value, 10, 31)
		if err != nil || found >= 0 {
			return 0, errNoLength
		}
		found = int(n)
	}
	if found < 0 {
		return 0, errNoLength
	}
	return found, nil
}

// splitDatagram separates head and body of a datagram; the empty line may be missing at its very end.
func splitDatagram(b []byte) (head, body []byte) {
	if i := bytes.Index(b, headEnd); i >= 0 {
		return b[:i+len(headEnd)], b[i+len(headEnd):]
	}
	return b, nil
}
