// Package markup reads the small XML documents of peers into a tree, under limits on bytes, depth
// and counts, without DTDs or entities, in the character sets peers declare.
package markup

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"portico/app/portal"
)

// Limits bound what a document may cost to read; a zero field stands for the default of that field.
type Limits struct {
	// Bytes is the size of the document as received.
	Bytes int
	// Depth is how deep elements may be nested; the root has depth 1.
	Depth int
	// Elements is how many elements the whole document may have.
	Elements int
	// Attributes is how many attributes (namespace declarations included) one element may have.
	Attributes int
}

// The limits that hold where a Limits says nothing.
const (
	DefaultBytes      = 64 << 10
	DefaultDepth      = 32
	DefaultElements   = 2000
	DefaultAttributes = 32
)

func (l Limits) withDefaults() Limits {
	set := func(field *int, value int) {
		if *field <= 0 {
			*field = value
		}
	}
	set(&l.Bytes, DefaultBytes)
	set(&l.Depth, DefaultDepth)
	set(&l.Elements, DefaultElements)
	set(&l.Attributes, DefaultAttributes)
	return l
}

// Element is one element of a document with what stands directly in it.
type Element struct {
	// Space is the namespace name, or the prefix as written where the document declares none for it.
	Space, Local string
	Attrs        []xml.Attr
	// Text is the character data directly inside the element, concatenated, untrimmed.
	Text     string
	Children []*Element
}

// Parse reads a whole document. A document that is too large, too deep or too rich, has a document
// type declaration or an undeclared entity, or is not well-formed is an error that means
// portal.ErrInvalid.
func Parse(b []byte, l Limits) (*Element, error) {
	l = l.withDefaults()
	if len(b) > l.Bytes {
		return nil, invalid(fmt.Errorf("%d bytes, limit %d", len(b), l.Bytes))
	}
	b, err := toUTF8(b)
	if err != nil {
		return nil, invalid(err)
	}
	d := xml.NewDecoder(bytes.NewReader(b))
	d.CharsetReader = charsetReader
	t := tree{limits: l}
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, invalid(err)
		}
		if err := t.take(tok); err != nil {
			return nil, invalid(err)
		}
	}
	if t.root == nil {
		return nil, invalid(errors.New("no root element"))
	}
	return t.root, nil
}

func invalid(err error) error { return fmt.Errorf("%w: XML: %w", portal.ErrInvalid, err) }

// tree grows the document from its tokens.
type tree struct {
	limits   Limits
	root     *Element
	open     []*Element
	elements int
}

func (t *tree) take(tok xml.Token) error {
	switch tok := tok.(type) {
	case xml.StartElement:
		return t.start(tok)
	case xml.EndElement:
		t.open = t.open[:len(t.open)-1]
	case xml.CharData:
		return t.text(tok)
	case xml.Directive:
		return errors.New("document type declarations are refused")
	}
	return nil
}

func (t *tree) start(tok xml.StartElement) error {
	if t.elements++; t.elements > t.limits.Elements {
		return fmt.Errorf("more than %d elements", t.limits.Elements)
	}
	if len(t.open) >= t.limits.Depth {
		return fmt.Errorf("nested deeper than %d", t.limits.Depth)
	}
	if len(tok.Attr) > t.limits.Attributes {
		return fmt.Errorf("more than %d attributes", t.limits.Attributes)
	}
	e := &Element{Space: tok.Name.Space, Local: tok.Name.Local, Attrs: tok.Attr}
	switch {
	case len(t.open) > 0:
		parent := t.open[len(t.open)-1]
		parent.Children = append(parent.Children, e)
	case t.root == nil:
		t.root = e
	default:
		return errors.New("more than one root element")
	}
	t.open = append(t.open, e)
	return nil
}

func (t *tree) text(data xml.CharData) error {
	if len(t.open) == 0 {
		if len(bytes.TrimSpace(data)) > 0 {
			return errors.New("text outside the root element")
		}
		return nil
	}
	e := t.open[len(t.open)-1]
	switch {
	case e.Text != "":
		e.Text += string(data)
	case len(e.Children) == 0 || len(bytes.TrimSpace(data)) > 0: // white space between children is layout
		e.Text = string(data)
	}
	return nil
}

// Child is the first direct child of that local name, in any namespace; nil if there is none.
func (e *Element) Child(local string) *Element {
	if e == nil {
		return nil
	}
	for _, c := range e.Children {
		if c.Local == local {
			return c
		}
	}
	return nil
}

// ChildIn is the first direct child of that name and namespace; nil if there is none.
func (e *Element) ChildIn(space, local string) *Element {
	if e == nil {
		return nil
	}
	for _, c := range e.Children {
		if c.Local == local && c.Space == space {
			return c
		}
	}
	return nil
}

// Attr is the value of the attribute of that local name without namespace, trimmed; empty if absent.
func (e *Element) Attr(local string) string {
	if e == nil {
		return ""
	}
	for _, a := range e.Attrs {
		if a.Name.Local == local && a.Name.Space == "" {
			return strings.TrimSpace(a.Value)
		}
	}
	return ""
}

// Value is the trimmed text of the element; empty for nil.
func (e *Element) Value() string {
	if e == nil {
		return ""
	}
	return strings.TrimSpace(e.Text)
}

// All are the direct children; none for nil.
func (e *Element) All() []*Element {
	if e == nil {
		return nil
	}
	return e.Children
}
