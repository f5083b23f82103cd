package binding

import (
	"bytes"
	"errors"
	"strings"
)

// Tags, comments, CDATA, processing instructions and references.

// markup reads what begins with '<'; kind 0 is something without a meaning here.
func (s *Scanner) markup() (Kind, error) {
	if err := s.need(2); err != nil {
		return 0, err
	}
	switch s.buf[s.pos+1] {
	case '/':
		return s.endTag()
	case '!':
		return 0, s.declaration()
	case '?':
		return 0, s.instruction()
	}
	return s.startTag()
}

func (s *Scanner) endTag() (Kind, error) {
	n, err := s.until(">", 2)
	if err != nil {
		return 0, err
	}
	name := bytes.TrimRight(s.buf[s.pos+2:s.pos+n], " \t\r\n")
	if s.depth() == 0 {
		return 0, s.syntax("an end without a beginning")
	}
	if !bytes.Equal(name, s.open[s.bounds[len(s.bounds)-1]:]) {
		return 0, s.syntax("the end of an element that is not the open one")
	}
	s.pos += n + 1
	s.pop()
	return End, s.within()
}

func (s *Scanner) startTag() (Kind, error) {
	n, err := s.tagEnd()
	if err != nil {
		return 0, err
	}
	tag := s.buf[s.pos+1 : s.pos+n]
	empty := len(tag) > 0 && tag[len(tag)-1] == '/'
	if empty {
		tag = tag[:len(tag)-1]
	}
	i := nameEnd(tag)
	if i == 0 || !validName(tag[:i]) {
		return 0, s.syntax("a tag without a name")
	}
	s.name = append(s.name[:0], tag[:i]...)
	if err := s.attributes(tag[i:]); err != nil {
		return 0, err
	}
	if s.depth() >= s.maxDepth {
		return 0, ErrTooDeep
	}
	s.push(s.name)
	s.closing = empty
	s.pos += n + 1
	return Start, s.within()
}

// tagEnd gives the offset of the tag's '>', which may not be one inside quotes.
func (s *Scanner) tagEnd() (int, error) {
	var quote byte
	for i := 1; ; {
		for ; s.pos+i < s.end; i++ {
			switch c := s.buf[s.pos+i]; {
			case c == '<':
				return 0, s.syntax("'<' inside a tag")
			case quote != 0:
				if c == quote {
					quote = 0
				}
			case c == '"' || c == '\'':
				quote = c
			case c == '>':
				return i, nil
			}
		}
		if err := s.more(); err != nil {
			return 0, err
		}
	}
}

func (s *Scanner) attributes(rest []byte) error {
	s.attrs = s.attrs[:0]
	s.scratch = s.scratch[:0]
	for {
		trimmed := bytes.TrimLeft(rest, " \t\r\n")
		if len(trimmed) == 0 {
			return nil
		}
		if len(trimmed) == len(rest) {
			return s.syntax("attributes without space between them")
		}
		i := nameEnd(trimmed)
		name := trimmed[:i]
		rest = bytes.TrimLeft(trimmed[i:], " \t\r\n")
		if !validName(name) || len(rest) == 0 || rest[0] != '=' {
			return s.syntax("an attribute without a value")
		}
		rest = bytes.TrimLeft(rest[1:], " \t\r\n")
		if len(rest) == 0 || (rest[0] != '"' && rest[0] != '\'') {
			return s.syntax("an attribute without quotes")
		}
		n := bytes.IndexByte(rest[1:], rest[0])
		if n < 0 {
			return s.syntax("an attribute without an end")
		}
		value, err := s.attributeValue(rest[1 : 1+n])
		if err != nil {
			return err
		}
		rest = rest[2+n:]
		if !bytes.Equal(name, []byte("xmlns")) && !bytes.HasPrefix(name, []byte("xmlns:")) {
			s.attrs = append(s.attrs, attribute{local(name), value})
		}
	}
}

func (s *Scanner) attributeValue(raw []byte) ([]byte, error) {
	if !bytes.ContainsAny(raw, "&\t\r\n") {
		return raw, nil
	}
	from := len(s.scratch)
	for i := 0; i < len(raw); {
		switch raw[i] {
		case '&':
			n, out, err := reference(s.scratch, raw[i:], true)
			if err != nil {
				return nil, s.syntax(err.Error())
			}
			s.scratch = out
			i += n
		case '\t', '\r', '\n':
			s.scratch = append(s.scratch, ' ')
			i++
		default:
			s.scratch = append(s.scratch, raw[i])
			i++
		}
	}
	return s.scratch[from:len(s.scratch):len(s.scratch)], nil
}

// declaration reads comments and CDATA; everything else that begins with "<!" is refused.
func (s *Scanner) declaration() error {
	const comment, cdata = "<!--", "<![CDATA["
	if err := s.need(len(comment)); err != nil {
		return err
	}
	if string(s.buf[s.pos:s.pos+len(comment)]) == comment {
		s.pos += len(comment)
		return s.drop("-->", false)
	}
	if s.buf[s.pos+2] != '[' {
		return ErrDTD
	}
	if err := s.need(len(cdata)); err != nil {
		return err
	}
	if string(s.buf[s.pos:s.pos+len(cdata)]) != cdata || s.depth() == 0 {
		return ErrDTD
	}
	s.pos += len(cdata)
	return s.drop("]]>", s.keep)
}

// drop reads up to and with mark, piece by piece, and keeps the text before it if it is wanted.
func (s *Scanner) drop(mark string, keep bool) error {
	for {
		chunk := s.buf[s.pos:s.end]
		i := bytes.Index(chunk, []byte(mark))
		n := i
		if i < 0 {
			n = max(0, len(chunk)-len(mark)+1)
		}
		if keep {
			s.text = append(s.text, chunk[:n]...)
		}
		s.pos += n
		if i >= 0 {
			s.pos += len(mark)
			return s.within()
		}
		if err := s.more(); err != nil {
			return err
		}
	}
}

// instruction skips a processing instruction; an XML declaration may name no other encoding than
// UTF-8.
func (s *Scanner) instruction() error {
	n, err := s.until("?>", 2)
	if err != nil {
		return err
	}
	in := string(s.buf[s.pos+2 : s.pos+n])
	s.pos += n + 2
	fields := strings.FieldsFunc(in, func(r rune) bool { return strings.ContainsRune(" \t\r\n=\"'", r) })
	if len(fields) == 0 {
		return s.syntax("an instruction without a name")
	}
	if fields[0] != "xml" {
		return s.within()
	}
	if s.depth() > 0 {
		return s.syntax("an XML declaration inside the document")
	}
	for i := 1; i+1 < len(fields); i += 2 {
		if fields[i] == "encoding" && !strings.EqualFold(fields[i+1], "utf-8") && !strings.EqualFold(fields[i+1], "us-ascii") {
			return s.syntax("an encoding other than UTF-8")
		}
	}
	return s.within()
}

func local(name []byte) []byte {
	if i := bytes.LastIndexByte(name, ':'); i >= 0 {
		return name[i+1:]
	}
	return name
}

func nameEnd(b []byte) int {
	for i, c := range b {
		if c <= ' ' || c == '=' || c == '/' || c == '>' || c == '"' || c == '\'' {
			return i
		}
	}
	return len(b)
}

// validName is loose: it keeps out what could not be a name in any alphabet.
func validName(b []byte) bool {
	if len(b) == 0 {
		return false
	}
	for i, c := range b {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_', c >= 0x80:
		case i > 0 && (c >= '0' && c <= '9' || c == '-' || c == '.' || c == ':'):
		default:
			return false
		}
	}
	return b[len(b)-1] != ':'
}

const maxReference = 12 // &#x0010FFFF;

// reference appends what the reference at the beginning of b stands for and gives its length, 0
// where b ends within it and more is to come. Numbers that are no character of XML, which servers
// do send, become U+FFFD.
func reference(dst, b []byte, whole bool) (int, []byte, error) {
	n := bytes.IndexByte(b[:min(len(b), maxReference)], ';')
	if n < 0 {
		if len(b) >= maxReference || whole {
			return 0, dst, errors.New("a reference without an end")
		}
		return 0, dst, nil
	}
	switch name := string(b[1:n]); name {
	case "lt":
		return n + 1, append(dst, '<'), nil
	case "gt":
		return n + 1, append(dst, '>'), nil
	case "amp":
		return n + 1, append(dst, '&'), nil
	case "quot":
		return n + 1, append(dst, '"'), nil
	case "apos":
		return n + 1, append(dst, '\''), nil
	default:
		r, ok := numeric(name)
		if !ok {
			return 0, dst, errors.New("an entity that is not one of XML's own")
		}
		return n + 1, appendRune(dst, r), nil
	}
}
