package binding

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
)

// reference reader: what the standard library finds, in the words of events; ok is false where it
// refuses the input or where the two are meant to differ.
func standard(in []byte) (string, bool) {
	if bytes.Contains(in, []byte("<!D")) || bytes.Contains(in, []byte("<![")) {
		return "", false
	}
	d := xml.NewDecoder(bytes.NewReader(in))
	var b strings.Builder
	var text []byte
	depth := 0
	flush := func() {
		if len(text) > 0 {
			fmt.Fprintf(&b, "%q", clean(text))
		}
		text = nil
	}
	for {
		tok, err := d.RawToken()
		if err == io.EOF {
			return b.String(), depth == 0
		}
		if err != nil {
			return "", false
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			if strings.Contains(tok.Name.Local, ":") {
				return "", false
			}
			flush()
			fmt.Fprintf(&b, "<%s", tok.Name.Local)
			depth++
		case xml.EndElement:
			if depth--; depth < 0 {
				return "", false
			}
			flush()
			fmt.Fprintf(&b, "</%s", tok.Name.Local)
		case xml.CharData:
			if depth == 0 {
				if len(bytes.TrimSpace(tok)) > 0 {
					return "", false
				}
				continue
			}
			text = append(text, tok...)
		case xml.Directive:
			return "", false
		}
	}
}

// names leaves the attributes out of events.
func names(s *Scanner) (string, error) {
	var b strings.Builder
	for {
		s.keep = true
		kind, err := s.Next()
		if err == io.EOF {
			return b.String(), nil
		}
		if err != nil {
			return b.String(), err
		}
		if len(s.text) > 0 {
			fmt.Fprintf(&b, "%q", clean(s.text))
		}
		if kind == End {
			b.WriteByte('<')
			fmt.Fprintf(&b, "/%s", s.Local())
			continue
		}
		fmt.Fprintf(&b, "<%s", s.Local())
	}
}

func FuzzScanner(f *testing.F) {
	f.Add([]byte(sampleXML))
	f.Add([]byte("\xEF\xBB\xBF<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n<a b='&#65;' xmlns:c=\"d\"><!-- x --><c:e/>&amp;\r\n</a>"))
	f.Add([]byte("<a>1<b>2</b>3</a><c/>"))
	f.Add([]byte("<!DOCTYPE a><a>&b;</a>"))
	f.Add([]byte("<a><![CDATA[x]]></a>"))
	f.Fuzz(func(t *testing.T, in []byte) {
		const limit = 1 << 16
		whole, err := names(NewScanner(bytes.NewReader(in), limit, 30))
		pieces, perr := names(NewScanner(iotest.OneByteReader(bytes.NewReader(in)), limit, 30))
		if len(in) < limit && (whole != pieces || (err == nil) != (perr == nil)) {
			t.Fatalf("whole %s %v, in pieces %s %v", whole, err, pieces, perr)
		}
		if err != nil || len(in) >= limit {
			return
		}
		if want, ok := standard(in); ok && want != whole {
			t.Fatalf("got %s, the standard library %s", whole, want)
		}
	})
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(sampleXML))
	f.Add([]byte(`<Book Id="&#x1;"><Pages>x</Pages><Parts><Image/></Parts><Else><Note>&#10;</Note></Else></Book>`))
	codec := &Codec{}
	f.Fuzz(func(t *testing.T, in []byte) {
		r := codec.Reader(NewScanner(bytes.NewReader(in), 1<<16, 30))
		if _, err := r.Next(); err != nil {
			return
		}
		var first, second book
		if err := r.Read(&first); err != nil {
			return
		}
		out, err := codec.Append(nil, "t:Book", first)
		if err != nil {
			if first.Day == "bad" {
				return
			}
			for _, e := range first.Extra {
				if e.Kind == "" {
					return
				}
			}
			t.Fatalf("what was read cannot be written: %v", err)
		}
		again := codec.Reader(NewScanner(bytes.NewReader(out), 1<<22, 30))
		if _, err := again.Next(); err != nil {
			t.Fatalf("%v in %s", err, out)
		}
		if err := again.Read(&second); err != nil {
			t.Fatalf("%v in %s", err, out)
		}
		third, err := codec.Append(nil, "t:Book", second)
		if err != nil || !bytes.Equal(out, third) && reflect.DeepEqual(first, second) {
			t.Fatalf("%v\n%s\n%s", err, out, third)
		}
	})
}
