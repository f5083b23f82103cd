package xcap

// A document as a tree whose pieces keep their bytes, so that what is not understood is written back as it came.

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"portico/app/portal"
)

// What a document may cost to read.
const (
	maxDepth      = 24
	maxElements   = 40000
	maxAttributes = 64
)

// piece is an element, or what stands between elements (then name.Local is empty).
type piece struct {
	name  xml.Name
	attrs []xml.Attr
	// open and end are the tags as they came; end is empty for an element that closes itself. For what stands between
	// elements, open is all of it.
	open, end []byte
	children  []*piece
}

// parseTree reads a document. before and after are what surrounds the root element.
func parseTree(b []byte) (before []byte, root *piece, after []byte, err error) {
	if len(b) > MaxBytes {
		return nil, nil, nil, invalid(fmt.Errorf("%d bytes", len(b)))
	}
	if !utf8.Valid(b) {
		return nil, nil, nil, invalid(errors.New("not UTF-8"))
	}
	d := xml.NewDecoder(bytes.NewReader(b))
	g := &grower{doc: b}
	for {
		from := d.InputOffset()
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = g.take(tok, from, d.InputOffset())
		}
		if err != nil {
			return nil, nil, nil, invalid(err)
		}
	}
	if g.root == nil {
		return nil, nil, nil, invalid(errors.New("no root element"))
	}
	return g.before, g.root, g.after, nil
}

func invalid(err error) error { return fmt.Errorf("xcap: %w: %w", portal.ErrInvalid, err) }

// grower grows the tree from its tokens.
type grower struct {
	doc           []byte
	before, after []byte
	root          *piece
	stack         []*piece
	elements      int
}

func (g *grower) take(tok xml.Token, from, to int64) error {
	raw := g.doc[from:to]
	switch tok := tok.(type) {
	case xml.StartElement:
		return g.start(tok, raw)
	case xml.EndElement:
		g.stack[len(g.stack)-1].end = raw
		g.stack = g.stack[:len(g.stack)-1]
	case xml.Directive:
		return errors.New("document type declarations are refused")
	default:
		g.between(raw)
	}
	return nil
}

func (g *grower) start(tok xml.StartElement, raw []byte) error {
	if g.elements++; g.elements > maxElements {
		return fmt.Errorf("more than %d elements", maxElements)
	}
	if len(g.stack) >= maxDepth {
		return fmt.Errorf("nested deeper than %d", maxDepth)
	}
	if len(tok.Attr) > maxAttributes {
		return fmt.Errorf("more than %d attributes", maxAttributes)
	}
	p := &piece{name: tok.Name, attrs: tok.Copy().Attr, open: raw}
	switch {
	case len(g.stack) > 0:
		parent := g.stack[len(g.stack)-1]
		parent.children = append(parent.children, p)
	case g.root == nil:
		g.root = p
	default:
		return errors.New("more than one root element")
	}
	g.stack = append(g.stack, p)
	return nil
}

// between keeps text, comments and instructions.
func (g *grower) between(raw []byte) {
	switch {
	case len(g.stack) > 0:
		parent := g.stack[len(g.stack)-1]
		parent.children = append(parent.children, &piece{open: raw})
	case g.root == nil:
		g.before = append(g.before, raw...)
	default:
		g.after = append(g.after, raw...)
	}
}

// write appends the element with everything in it.
func (p *piece) write(b []byte) []byte {
	if len(p.end) == 0 && len(p.children) > 0 && p.name.Local != "" { // it closed itself while it was empty
		head := bytes.TrimRight(bytes.TrimSuffix(p.open, []byte("/>")), " \t\r\n")
		b = append(append(b, head...), '>')
		for _, c := range p.children {
			b = c.write(b)
		}
		return append(append(append(b, "</"...), p.qualified()...), '>')
	}
	b = append(b, p.open...)
	for _, c := range p.children {
		b = c.write(b)
	}
	return append(b, p.end...)
}

// qualified is the element's name as it is written, with its prefix.
func (p *piece) qualified() string {
	name := strings.TrimPrefix(string(p.open), "<")
	if i := strings.IndexAny(name, " \t\r\n/>"); i >= 0 {
		name = name[:i]
	}
	return name
}

// prefix is what goes before the names of other elements of the same namespace: "rl:" or nothing.
func (p *piece) prefix() string {
	if before, _, ok := strings.Cut(p.qualified(), ":"); ok {
		return before + ":"
	}
	return ""
}

// is reports whether the piece is an element of that name in the namespace.
func (p *piece) is(space, local string) bool { return p.name.Space == space && p.name.Local == local }

// attr is an attribute without a namespace, trimmed; empty where it is missing.
func (p *piece) attr(local string) string {
	for _, a := range p.attrs {
		if a.Name.Space == "" && a.Name.Local == local {
			return strings.TrimSpace(a.Value)
		}
	}
	return ""
}

// child is the first child of that name.
func (p *piece) child(space, local string) *piece {
	for _, c := range p.children {
		if c.is(space, local) {
			return c
		}
	}
	return nil
}

// text is the character data directly in the element.
func (p *piece) text() string {
	if p == nil {
		return ""
	}
	var b strings.Builder
	for _, c := range p.children {
		if c.name.Local != "" || bytes.HasPrefix(c.open, []byte("<!--")) || bytes.HasPrefix(c.open, []byte("<?")) {
			continue
		}
		d := xml.NewDecoder(bytes.NewReader([]byte("<t>" + string(c.open) + "</t>")))
		for tok, err := d.Token(); err == nil; tok, err = d.Token() {
			if data, ok := tok.(xml.CharData); ok {
				b.Write(data)
			}
		}
	}
	return strings.TrimSpace(b.String())
}
