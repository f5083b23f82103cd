package ewstest

// Takes SOAP 1.1 envelopes apart: one answer of a stream after the other, and out of each what the schema speaks of,
// the child of the body and the EWS headers, as documents of their own with their namespaces.

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Namespaces of an envelope.
const (
	soapNS     = "http://schemas.xmlsoap.org/soap/envelope/"
	exchangeNS = "http://schemas.microsoft.com/exchange/services/2006/"
)

// part is one element that the schema speaks of.
type part struct {
	name  string // local name
	fault bool   // a SOAP fault, which has a schema of its own
	doc   []byte // the element as a document
}

// Split cuts a sequence of XML documents without separators, as a streaming answer is, into its documents. What
// follows the last whole document, unless it is blank, is an error; the whole ones before it are returned with it.
func Split(data []byte) ([][]byte, error) {
	var docs [][]byte
	d := xml.NewDecoder(bytes.NewReader(data))
	start, depth := int64(0), 0
	for {
		tok, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			if rest := bytes.TrimSpace(data[start:]); len(rest) > 0 {
				return docs, fmt.Errorf("%d bytes after the last whole document", len(rest))
			}
			return docs, nil
		}
		if err != nil {
			return docs, fmt.Errorf("document %d: %w", len(docs)+1, err)
		}
		switch tok.(type) {
		case xml.StartElement:
			depth++
		case xml.EndElement:
			if depth--; depth == 0 {
				end := d.InputOffset()
				docs = append(docs, bytes.TrimSpace(data[start:end]))
				start = end
			}
		}
	}
}

// parts takes one envelope apart: first the child of its body, then its EWS headers. An envelope without a body with
// exactly one child, or with a document type, is refused.
func parts(envelope []byte) ([]part, error) {
	w := walker{data: envelope, d: xml.NewDecoder(bytes.NewReader(envelope))}
	for {
		start := w.d.InputOffset()
		tok, err := w.d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("not well-formed: %w", err)
		}
		if err := w.token(tok, start); err != nil {
			return nil, err
		}
	}
	if w.bodies != 1 || len(w.body) != 1 {
		return nil, fmt.Errorf("%d bodies with %d children, want one of one", w.bodies, len(w.body))
	}
	return append(w.body, w.headers...), nil
}

// walker is the state of taking an envelope apart.
type walker struct {
	data []byte
	d    *xml.Decoder

	open          []xml.StartElement // the elements around the present place
	begin         int64              // where the present part begins
	bodies        int
	body, headers []part
}

// token takes one token, which begins at the given offset.
func (w *walker) token(tok xml.Token, start int64) error {
	switch tok := tok.(type) {
	case xml.Directive:
		return fmt.Errorf("a document type has no place in an envelope: <!%.40s>", string(tok))
	case xml.StartElement:
		want := []string{"Envelope", "Body"}
		if len(w.open) == 0 && tok.Name != (xml.Name{Space: soapNS, Local: want[0]}) {
			return fmt.Errorf("the root is %s, want a SOAP 1.1 envelope", tok.Name.Local)
		}
		if len(w.open) == 1 && tok.Name == (xml.Name{Space: soapNS, Local: want[1]}) {
			w.bodies++
		}
		if len(w.open) == 2 {
			w.begin = start
		}
		w.open = append(w.open, tok.Copy())
	case xml.EndElement:
		inner := w.open[len(w.open)-1]
		w.open = w.open[:len(w.open)-1]
		if len(w.open) == 2 {
			w.take(inner, w.data[w.begin:w.d.InputOffset()])
		}
	}
	return nil
}

// take keeps a child of the body or of the header.
func (w *walker) take(e xml.StartElement, raw []byte) {
	p := part{name: e.Name.Local, fault: e.Name.Space == soapNS && e.Name.Local == "Fault", doc: w.alone(e, raw)}
	switch w.open[1].Name {
	case xml.Name{Space: soapNS, Local: "Body"}:
		w.body = append(w.body, p)
	case xml.Name{Space: soapNS, Local: "Header"}:
		// Others (WS-Addressing and the like) are not this schema's business.
		if strings.HasPrefix(e.Name.Space, exchangeNS) {
			w.headers = append(w.headers, p)
		}
	}
}

// alone makes an element a document: it gets the namespaces that the elements around it declare.
func (w *walker) alone(e xml.StartElement, raw []byte) []byte {
	declared := map[string]string{}
	for _, around := range w.open {
		for _, a := range around.Attr {
			if prefix, ok := declares(a); ok {
				declared[prefix] = a.Value
			}
		}
	}
	for _, a := range e.Attr {
		if prefix, ok := declares(a); ok {
			delete(declared, prefix)
		}
	}
	prefixes := make([]string, 0, len(declared))
	for p := range declared {
		prefixes = append(prefixes, p)
	}
	slices.Sort(prefixes)
	nameEnd := bytes.IndexAny(raw, " \t\r\n/>")
	var out bytes.Buffer
	out.Write(raw[:nameEnd])
	for _, p := range prefixes {
		if p != "" {
			out.WriteString(" xmlns:" + p + `="`)
		} else {
			out.WriteString(` xmlns="`)
		}
		// A buffer takes every write.
		_ = xml.EscapeText(&out, []byte(declared[p]))
		out.WriteByte('"')
	}
	out.Write(raw[nameEnd:])
	return out.Bytes()
}

// declares says which prefix an attribute declares, "" for the default namespace.
func declares(a xml.Attr) (prefix string, ok bool) {
	if a.Name.Space == "xmlns" {
		return a.Name.Local, true
	}
	return "", a.Name.Space == "" && a.Name.Local == "xmlns"
}
