package siplab

// Presence documents (RFC 3863, RFC 4479): taken apart without understanding them, and put together again.
//
// What a publisher wrote inside a tuple, person, device or note is carried octet for octet; only the namespace prefixes it
// borrowed from its root element are declared on it, so that it means the same elsewhere.

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

const (
	typePIDF = "application/pidf+xml"

	nsPIDF = "urn:ietf:params:xml:ns:pidf"
	nsData = "urn:ietf:params:xml:ns:pidf:data-model"
	nsXML  = "http://www.w3.org/XML/1998/namespace"

	maxDocument = 64 << 10  // octets of a published document
	maxComposed = 128 << 10 // octets of a composed document; beyond it the oldest publications are left out
	maxDepth    = 32        // of elements in any XML from outside
	maxElements = 4000      // in any XML from outside
)

var errXML = errors.New("not an acceptable XML document")

// part is one child of a presence element.
type part struct {
	kind string // tuple, note, person, device, or another local name
	id   string
	xml  []byte // stands for itself: every prefix it uses is declared in it
}

// xmlWalk reads a document within the limits and calls visit for each start element with its depth (the root is 1), and
// leave for each end. Document types and other directives are refused: nothing here needs them, and bombs do.
func xmlWalk(doc []byte, visit func(d *xml.Decoder, depth int, e xml.StartElement) error, leave func(d *xml.Decoder, depth int) error) error {
	if len(doc) > maxDocument {
		return fmt.Errorf("%w: more than %d octets", errXML, maxDocument)
	}
	d := xml.NewDecoder(bytes.NewReader(doc))
	depth, elements := 0, 0
	for {
		tok, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("%w: %w", errXML, err)
		}
		switch e := tok.(type) {
		case xml.Directive:
			return fmt.Errorf("%w: a document type", errXML)
		case xml.StartElement:
			depth++
			if elements++; depth > maxDepth || elements > maxElements || len(e.Attr) > 64 {
				return fmt.Errorf("%w: too deep or too large", errXML)
			}
			err = visit(d, depth, e)
		case xml.EndElement:
			err = leave(d, depth)
			depth--
		}
		if err != nil {
			return err
		}
	}
	if elements == 0 || depth != 0 {
		return fmt.Errorf("%w: no root element", errXML)
	}
	return nil
}

// splitter cuts a presence document into its parts.
type splitter struct {
	doc   []byte
	name  string            // of the root element
	space []string          // namespaces of the parts that are known; the root's is the first
	root  map[string]string // prefix → namespace on the root
	names []string          // open elements, as written
	parts []part
	cur   part
	start int64 // offset behind the current child's start tag name
	open  int64 // offset of the current child's '<'
	own   map[string]bool
	used  map[string]bool
}

// splitPIDF takes a document apart; an error means 415.
func splitPIDF(doc []byte) ([]part, error) { return split(doc, "presence", nsPIDF, nsData) }

// split takes a document apart whose root has that name and the first of these namespaces.
func split(doc []byte, name string, space ...string) ([]part, error) {
	// The strict decoder checks nesting of names, which raw tokens do not.
	if err := wellFormed(doc); err != nil {
		return nil, err
	}
	s := &splitter{doc: doc, name: name, space: space, root: map[string]string{}}
	if err := xmlWalk(doc, s.visit, s.leave); err != nil {
		return nil, err
	}
	return s.parts, nil
}

func wellFormed(doc []byte) error {
	if len(doc) > maxDocument {
		return fmt.Errorf("%w: more than %d octets", errXML, maxDocument)
	}
	d := xml.NewDecoder(bytes.NewReader(doc))
	depth := 0
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%w: %w", errXML, err)
		}
		switch tok.(type) {
		case xml.StartElement:
			if depth++; depth > maxDepth {
				return fmt.Errorf("%w: too deep", errXML)
			}
		case xml.EndElement:
			depth--
		}
	}
}

func (s *splitter) visit(d *xml.Decoder, depth int, e xml.StartElement) error {
	switch depth {
	case 1:
		if len(s.names) > 0 {
			return fmt.Errorf("%w: two roots", errXML)
		}
		for _, a := range e.Attr {
			if prefix, ok := declares(a); ok {
				s.root[prefix] = a.Value
			}
		}
		if s.root[e.Name.Space] != s.space[0] || e.Name.Local != s.name {
			return fmt.Errorf("%w: root is not %s", errXML, s.name)
		}
		s.names = append(s.names, e.Name.Local)
		return nil
	case 2:
		s.begin(d, e)
	}
	s.note(e)
	return nil
}

// declares returns the prefix that a namespace attribute declares; the default namespace has the empty one.
func declares(a xml.Attr) (string, bool) {
	if a.Name.Space == "xmlns" {
		return a.Name.Local, true
	}
	return "", a.Name.Space == "" && a.Name.Local == "xmlns"
}

func (s *splitter) begin(d *xml.Decoder, e xml.StartElement) {
	end := d.InputOffset()
	s.open = int64(bytes.LastIndexByte(s.doc[:s.tagStart(end)+1], '<'))
	name := e.Name.Local
	if e.Name.Space != "" {
		name = e.Name.Space + ":" + name
	}
	s.start = s.open + 1 + int64(len(name))
	s.own, s.used = map[string]bool{}, map[string]bool{}
	s.cur = part{kind: e.Name.Local}
	for _, a := range e.Attr {
		if a.Name.Space == "" && a.Name.Local == "id" {
			s.cur.id = a.Value
		}
		if p, ok := declares(a); ok {
			s.own[p] = true
		}
	}
	ns := s.root[e.Name.Space]
	for _, a := range e.Attr {
		if p, ok := declares(a); ok && p == e.Name.Space {
			ns = a.Value
		}
	}
	if !slices.Contains(s.space, ns) {
		s.cur.kind = "other"
	}
}

// tagStart finds where the start tag that ends at end began; '<' cannot stand inside a tag, not even in an attribute.
func (s *splitter) tagStart(end int64) int {
	return bytes.LastIndexByte(s.doc[:end], '<')
}

// note remembers which prefixes of the root a child relies on.
func (s *splitter) note(e xml.StartElement) {
	s.used[e.Name.Space] = true
	for _, a := range e.Attr {
		if _, ok := declares(a); !ok && a.Name.Space != "" {
			s.used[a.Name.Space] = true
		}
	}
}

func (s *splitter) leave(d *xml.Decoder, depth int) error {
	if depth != 2 {
		return nil
	}
	raw := s.doc[s.open:d.InputOffset()]
	var b bytes.Buffer
	b.Write(raw[:s.start-s.open])
	for _, p := range s.borrowed() {
		if p == "" {
			b.WriteString(` xmlns="`)
		} else {
			b.WriteString(" xmlns:" + p + `="`)
		}
		if err := xml.EscapeText(&b, []byte(s.root[p])); err != nil {
			return err
		}
		b.WriteByte('"')
	}
	b.Write(raw[s.start-s.open:])
	s.cur.xml = b.Bytes()
	s.parts = append(s.parts, s.cur)
	return nil
}

// borrowed lists the prefixes that must be declared on the child, in a fixed order.
func (s *splitter) borrowed() []string {
	var out []string
	for p := range s.used {
		if _, ok := s.root[p]; ok && !s.own[p] && p != "xml" {
			out = append(out, p)
		}
	}
	slices.Sort(out)
	return out
}

// compose makes one document of several publications, newest first: all tuples, then all notes, then persons, devices and
// the rest. Two parts with the same id become two different ids; the newer keeps its own.
func compose(entity string, pubs []*publication) []byte {
	var b bytes.Buffer
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n")
	b.WriteString(`<presence xmlns="` + nsPIDF + `" entity="` + xmlText(entity) + `">`)
	ids := map[string]bool{}
	pubs = withinReason(pubs)
	count := 0
	for _, kinds := range [][]string{{"tuple"}, {"note"}, {"person"}, {"device"}, {"other"}} {
		for _, p := range pubs {
			for _, x := range p.parts {
				if !slices.Contains(kinds, orOther(x.kind)) {
					continue
				}
				b.WriteByte('\n')
				b.Write(x.unique(ids, p.key))
				count++
			}
		}
	}
	if count == 0 {
		b.WriteString(`<tuple id="none"><status><basic>closed</basic></status></tuple>`)
	}
	b.WriteString("\n</presence>\n")
	return b.Bytes()
}

// withinReason keeps the newest publications that fit into one document.
func withinReason(pubs []*publication) []*publication {
	size := 0
	for i, p := range pubs {
		for _, x := range p.parts {
			size += len(x.xml)
		}
		if size > maxComposed && i > 0 {
			return pubs[:i]
		}
	}
	return pubs
}

func orOther(kind string) string {
	switch kind {
	case "tuple", "note", "person", "device":
		return kind
	}
	return "other"
}

// unique returns the part with an id that the document does not have yet.
func (x *part) unique(ids map[string]bool, key string) []byte {
	if x.id == "" || !ids[x.id] {
		ids[x.id] = true
		return x.xml
	}
	fresh := x.id + "-" + key
	ids[fresh] = true
	end := bytes.IndexByte(x.xml, '>')
	for _, q := range []string{`"`, `'`} {
		for _, sp := range []string{" ", "\n", "\t", "\r"} {
			old := []byte(sp + "id=" + q + x.id + q)
			if i := bytes.Index(x.xml[:end], old); i >= 0 {
				return slices.Concat(x.xml[:i], []byte(sp+"id="+q+fresh+q), x.xml[i+len(old):])
			}
		}
	}
	return x.xml
}

func xmlText(s string) string {
	var b strings.Builder
	if err := xml.EscapeText(&b, []byte(s)); err != nil {
		return ""
	}
	return b.String()
}
