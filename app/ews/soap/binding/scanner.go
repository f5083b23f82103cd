package binding

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// The pull scanner: start tags and end tags with the text before them, from a stream of one or
// more documents.

// Limits that a document can break.
var (
	ErrTooLarge = errors.New("the document is larger than allowed")
	ErrTooDeep  = errors.New("elements are nested deeper than allowed")
	ErrDTD      = errors.New("a document type declaration is not allowed")
)

// SyntaxError is a document that is no XML; Offset counts bytes from the beginning of the stream.
type SyntaxError struct {
	Offset int64
	Text   string
}

// Error is the operator's text.
func (e *SyntaxError) Error() string { return fmt.Sprintf("at byte %d: %s", e.Offset, e.Text) }

// Kind is what Next found.
type Kind int

// What Next can find.
const (
	Start Kind = iota + 1
	End
)

const (
	firstBuffer = 16 << 10
	maxTag      = 1 << 20 // a start tag with its attributes
)

// attribute lies in the scanner's buffers and is good until the next call of Next.
type attribute struct{ local, value []byte }

// Scanner reads documents. It is not safe for concurrent use.
type Scanner struct {
	r        io.Reader
	buf      []byte
	pos, end int
	before   int64 // bytes of the stream that have left buf
	begun    int64 // where in the stream the present document begins
	max      int64
	maxDepth int
	failed   error // what the reader ended with

	open    []byte // qualified names of open elements, one after the other
	bounds  []int  // where each begins in open
	closing bool   // an empty-element tag owes its End

	keep    bool // text is wanted
	text    []byte
	name    []byte
	attrs   []attribute
	scratch []byte
}

// NewScanner reads from r documents of at most max bytes each, nested at most maxDepth deep.
func NewScanner(r io.Reader, max int64, maxDepth int) *Scanner {
	return &Scanner{r: r, buf: make([]byte, firstBuffer), max: max, maxDepth: maxDepth}
}

// Next goes on to the next start or end tag. Between documents and at the end of the stream it is
// io.EOF; an end within a document is io.ErrUnexpectedEOF.
func (s *Scanner) Next() (Kind, error) {
	s.text = s.text[:0]
	if s.closing {
		s.closing = false
		s.pop()
		return End, nil
	}
	if s.depth() == 0 {
		s.begun = s.offset()
	}
	for {
		if err := s.characters(); err != nil {
			return 0, err
		}
		kind, err := s.markup()
		if kind != 0 || err != nil {
			return kind, err
		}
	}
}

// Local is the name of the tag that Next found, without prefix; good until the next call.
func (s *Scanner) Local() []byte { return local(s.name) }

// Depth is the number of open elements, the present one included.
func (s *Scanner) Depth() int { return s.depth() }

// Skip goes on to the end of the element whose start was found last.
func (s *Scanner) Skip() error {
	s.keep = false
	for level := 1; level > 0; {
		kind, err := s.Next()
		if err != nil {
			return err
		}
		if kind == Start {
			level++
		} else {
			level--
		}
	}
	return nil
}

func (s *Scanner) offset() int64 { return s.before + int64(s.pos) }
func (s *Scanner) depth() int    { return len(s.bounds) }

func (s *Scanner) push(name []byte) {
	s.bounds = append(s.bounds, len(s.open))
	s.open = append(s.open, name...)
}

func (s *Scanner) pop() {
	last := s.bounds[len(s.bounds)-1]
	s.name = append(s.name[:0], s.open[last:]...)
	s.open = s.open[:last]
	s.bounds = s.bounds[:len(s.bounds)-1]
}

func (s *Scanner) syntax(text string) error { return &SyntaxError{Offset: s.offset(), Text: text} }

// fill brings at least one more byte behind those not yet used.
func (s *Scanner) fill() error {
	if s.failed != nil {
		return s.failed
	}
	if s.offset()-s.begun > s.max {
		return ErrTooLarge
	}
	if s.pos > 0 {
		copy(s.buf, s.buf[s.pos:s.end])
		s.before += int64(s.pos)
		s.end -= s.pos
		s.pos = 0
	}
	if s.end == len(s.buf) {
		if len(s.buf) >= maxTag {
			return s.syntax("a tag is longer than allowed")
		}
		s.buf = append(s.buf, make([]byte, len(s.buf))...)
	}
	for range 100 {
		n, err := s.r.Read(s.buf[s.end:])
		s.end += n
		if err != nil {
			s.failed = err
		}
		if n > 0 {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}

// more is fill inside a document, where the end of the stream is not expected.
func (s *Scanner) more() error {
	err := s.fill()
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// need sees to n unread bytes.
func (s *Scanner) need(n int) error {
	for s.end-s.pos < n {
		if err := s.more(); err != nil {
			return err
		}
	}
	return nil
}

// until gives the offset behind pos of the first mark at or after from.
func (s *Scanner) until(mark string, from int) (int, error) {
	for {
		if i := bytes.Index(s.buf[min(s.pos+from, s.end):s.end], []byte(mark)); i >= 0 {
			return from + i, nil
		}
		from = max(from, s.end-s.pos-len(mark)+1)
		if err := s.more(); err != nil {
			return 0, err
		}
	}
}

// characters reads the text up to the next '<'.
func (s *Scanner) characters() error {
	for {
		chunk := s.buf[s.pos:s.end]
		i := bytes.IndexByte(chunk, '<')
		if i >= 0 {
			chunk = chunk[:i]
		}
		used, err := s.take(chunk, i >= 0)
		s.pos += used
		if err != nil {
			return err
		}
		if i >= 0 && used == i {
			return s.within()
		}
		if err := s.textMore(); err != nil {
			return err
		}
	}
}

// within is the size limit where no reading reminds of it.
func (s *Scanner) within() error {
	if s.offset()-s.begun > s.max {
		return ErrTooLarge
	}
	return nil
}

func (s *Scanner) textMore() error {
	if s.depth() > 0 {
		return s.more()
	}
	err := s.fill()
	if err == io.EOF && s.pos < s.end {
		return io.ErrUnexpectedEOF
	}
	return err
}

// take uses up as much of chunk as can be understood without its continuation; whole says that
// there is none.
func (s *Scanner) take(chunk []byte, whole bool) (int, error) {
	if s.depth() == 0 {
		return s.between(chunk, whole)
	}
	if !s.keep {
		return s.pass(chunk, whole)
	}
	used := 0
	for used < len(chunk) {
		i := bytes.IndexAny(chunk[used:], "&\r")
		if i < 0 {
			s.text = append(s.text, chunk[used:]...)
			return len(chunk), nil
		}
		s.text = append(s.text, chunk[used:used+i]...)
		used += i
		if chunk[used] == '\r' {
			if used+1 == len(chunk) && !whole {
				return used, nil
			}
			if used+1 == len(chunk) || chunk[used+1] != '\n' {
				s.text = append(s.text, '\n')
			}
			used++
			continue
		}
		n, out, err := reference(s.text, chunk[used:], whole)
		if err != nil {
			return used, s.syntax(err.Error())
		}
		if n == 0 {
			return used, nil
		}
		s.text = out
		used += n
	}
	return used, nil
}

// pass checks references in text that nobody wants.
func (s *Scanner) pass(chunk []byte, whole bool) (int, error) {
	used := 0
	for {
		i := bytes.IndexByte(chunk[used:], '&')
		if i < 0 {
			return len(chunk), nil
		}
		used += i
		n, out, err := reference(s.scratch[:0], chunk[used:], whole)
		if err != nil {
			return used, s.syntax(err.Error())
		}
		if n == 0 {
			return used, nil
		}
		s.scratch = out
		used += n
	}
}

// between allows white space and a byte order mark around documents.
func (s *Scanner) between(chunk []byte, whole bool) (int, error) {
	for i := 0; i < len(chunk); i++ {
		switch c := chunk[i]; {
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
		case c == 0xEF:
			if len(chunk)-i < 3 && !whole {
				return i, nil
			}
			if len(chunk)-i < 3 || chunk[i+1] != 0xBB || chunk[i+2] != 0xBF {
				return i, s.syntax("text outside of the document")
			}
			i += 2
		default:
			return i, s.syntax("text outside of the document")
		}
	}
	return len(chunk), nil
}
