package ewslab

// How a tree is kept in a database column: a compact form that is read back many times faster than XML.

import (
	"encoding/binary"
	"errors"
)

var errPacked = errors.New("ewslab: a stored tree is damaged")

// maxPackedDepth bounds what unpack follows; requests are shallower.
const maxPackedDepth = 128

// pack writes a tree of the types namespace: name, text, attributes, children; each count and length a varint.
func pack(n *node) []byte { return appendPacked(nil, n) }

func appendPacked(b []byte, n *node) []byte {
	b = appendText(b, n.Name)
	b = appendText(b, n.Text)
	b = binary.AppendUvarint(b, uint64(len(n.Attrs)))
	for _, a := range n.Attrs {
		b = appendText(appendText(b, a.Name), a.Value)
	}
	b = binary.AppendUvarint(b, uint64(len(n.Kids)))
	for _, k := range n.Kids {
		b = appendPacked(b, k)
	}
	return b
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// unpack reads what pack wrote.
func unpack(data []byte) (*node, error) {
	p := packed{rest: string(data)}
	n := p.node(0)
	if p.bad || p.rest != "" {
		return nil, errPacked
	}
	return n, nil
}

// packed is the reader; once bad it answers nothing more.
type packed struct {
	rest string
	bad  bool
}

func (p *packed) count() int {
	var v uint64
	for shift, i := 0, 0; i < len(p.rest) && shift < 63; shift, i = shift+7, i+1 {
		c := p.rest[i]
		v |= uint64(c&0x7f) << shift
		if c < 0x80 {
			p.rest = p.rest[i+1:]
			if v > uint64(len(p.rest)) { // nothing is shorter than a byte
				break
			}
			return int(v)
		}
	}
	p.bad, p.rest = true, ""
	return 0
}

func (p *packed) text() string {
	n := p.count()
	if p.bad || n > len(p.rest) {
		p.bad = true
		return ""
	}
	s := p.rest[:n]
	p.rest = p.rest[n:]
	return s
}

func (p *packed) node(depth int) *node {
	if depth > maxPackedDepth {
		p.bad = true
		return nil
	}
	n := &node{Space: "t", Name: p.text(), Text: p.text()}
	if c := p.count(); c > 0 && !p.bad {
		n.Attrs = make([]attr, 0, c)
		for range c {
			n.Attrs = append(n.Attrs, attr{p.text(), p.text()})
		}
	}
	for c := p.count(); c > 0 && !p.bad; c-- {
		n.Kids = append(n.Kids, p.node(depth+1))
	}
	return n
}
