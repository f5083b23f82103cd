package ewslab

// The tree that requests are read into and answers are written from.

import (
	"bytes"
	"strconv"
	"strings"
	"time"
)

// Namespaces of the service; a node carries the short name.
const (
	nsMessages = "http://schemas.microsoft.com/exchange/services/2006/messages"
	nsTypes    = "http://schemas.microsoft.com/exchange/services/2006/types"
	nsErrors   = "http://schemas.microsoft.com/exchange/services/2006/errors"
	nsSOAP     = "http://schemas.xmlsoap.org/soap/envelope/"
)

// node is one element. Space is "m", "t" or "s" for the namespaces above, anything else is the address itself.
// An element has either text or children.
type node struct {
	Space string
	Name  string
	Attrs []attr
	Text  string
	Kids  []*node
}

// attr is an attribute without namespace.
type attr struct{ Name, Value string }

// at makes an attribute.
func at(name, value string) attr { return attr{name, value} }

// m makes an element of the messages namespace. Parts are children (*node, []*node; nil is left out), the text (string) and
// attributes (attr).
func m(name string, parts ...any) *node { return element("m", name, parts) }

// t makes an element of the types namespace, as m does.
func t(name string, parts ...any) *node { return element("t", name, parts) }

func element(space, name string, parts []any) *node {
	n := &node{Space: space, Name: name}
	for _, p := range parts {
		switch p := p.(type) {
		case nil:
		case *node:
			n.add(p)
		case []*node:
			n.add(p...)
		case attr:
			n.Attrs = append(n.Attrs, p)
		case string:
			n.Text = p
		case bool:
			n.Text = strconv.FormatBool(p)
		case int:
			n.Text = strconv.Itoa(p)
		case int64:
			n.Text = strconv.FormatInt(p, 10)
		case time.Time:
			n.Text = stamp(p)
		default:
			panic("ewslab: a node of an unknown part") // a programming error, seen by the first test that comes by
		}
	}
	return n
}

// stamp writes an instant as clients can read it: UTC, whole seconds.
func stamp(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05Z") }

// add appends children; nil ones are left out.
func (n *node) add(kids ...*node) *node {
	for _, k := range kids {
		if k != nil {
			n.Kids = append(n.Kids, k)
		}
	}
	return n
}

// kid returns the first child of the local name, nil without; on a nil node nil, so that paths can be chained. Namespaces
// are not compared: clients mix them.
func (n *node) kid(path ...string) *node {
	for _, name := range path {
		if n == nil {
			return nil
		}
		var found *node
		for _, k := range n.Kids {
			if k.Name == name {
				found = k
				break
			}
		}
		n = found
	}
	return n
}

// all returns the children of the local name.
func (n *node) all(name string) []*node {
	if n == nil {
		return nil
	}
	var out []*node
	for _, k := range n.Kids {
		if k.Name == name {
			out = append(out, k)
		}
	}
	return out
}

// kids returns the children, none for nil.
func (n *node) kids() []*node {
	if n == nil {
		return nil
	}
	return n.Kids
}

// text returns the text of the node at the path below, "" without.
func (n *node) text(path ...string) string {
	if n = n.kid(path...); n == nil {
		return ""
	}
	return n.Text
}

// attr returns the value of an attribute, "" without.
func (n *node) attr(name string) string {
	if n == nil {
		return ""
	}
	for _, a := range n.Attrs {
		if a.Name == name {
			return a.Value
		}
	}
	return ""
}

// setAttr replaces or adds an attribute.
func (n *node) setAttr(name, value string) *node {
	for i, a := range n.Attrs {
		if a.Name == name {
			n.Attrs[i].Value = value
			return n
		}
	}
	n.Attrs = append(n.Attrs, attr{name, value})
	return n
}

// flag reads a boolean as clients write it: true, false, 1, 0.
func (n *node) flag(path ...string) bool { return isTrue(n.text(path...)) }

func isTrue(s string) bool {
	s = strings.TrimSpace(s)
	return s == "true" || s == "1"
}

// copy returns a deep copy.
func (n *node) copy() *node {
	if n == nil {
		return nil
	}
	c := &node{Space: n.Space, Name: n.Name, Text: n.Text, Attrs: append([]attr(nil), n.Attrs...)}
	for _, k := range n.Kids {
		c.Kids = append(c.Kids, k.copy())
	}
	return c
}

// inTypes moves a node and all below into the types namespace, where everything that is stored lives.
func (n *node) inTypes() *node {
	n.Space = "t"
	for _, k := range n.Kids {
		k.inTypes()
	}
	return n
}

// write appends the element to b. Prefixes m, t and the default for the envelope are declared by the envelope.
func (n *node) write(b *bytes.Buffer) {
	b.WriteByte('<')
	name := n.Name
	switch n.Space {
	case "m", "t":
		name = n.Space + ":" + n.Name
	}
	b.WriteString(name)
	for _, a := range n.Attrs {
		b.WriteByte(' ')
		b.WriteString(a.Name)
		b.WriteString(`="`)
		escape(b, a.Value)
		b.WriteByte('"')
	}
	if n.Text == "" && len(n.Kids) == 0 {
		b.WriteString("/>")
		return
	}
	b.WriteByte('>')
	escape(b, n.Text)
	for _, k := range n.Kids {
		k.write(b)
	}
	b.WriteString("</")
	b.WriteString(name)
	b.WriteByte('>')
}

// escape writes text, without the characters that XML 1.0 cannot carry.
func escape(b *bytes.Buffer, s string) {
	for _, r := range s {
		switch {
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '&':
			b.WriteString("&amp;")
		case r == '"':
			b.WriteString("&quot;")
		case r == '\r':
			b.WriteString("&#xD;")
		case r == '\n' || r == '\t' || r >= 0x20 && r != 0xFFFE && r != 0xFFFF:
			b.WriteRune(r)
		}
	}
}

// String is the element as XML, for tests and messages.
func (n *node) String() string {
	if n == nil {
		return ""
	}
	var b bytes.Buffer
	n.write(&b)
	return b.String()
}
