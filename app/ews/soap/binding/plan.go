package binding

import (
	"encoding"
	"fmt"
	"reflect"
	"strings"
	"sync"
)

// What a struct's tags say, worked out once for each type.

// Codec writes and reads structs. The zero value is ready; it keeps what it has learned of types.
type Codec struct {
	plans sync.Map // reflect.Type → *plan
}

// plan is a struct's fields, embedded and inlined ones included.
type plan struct {
	attributes []*field // in order of writing
	elements   []*field // in order of writing
	named      map[string]*field
	attrs      map[string]*field
	text       *field
	kind       *field
	rest       *field // takes every child that is not named
}

type field struct {
	path    []int // through embedded and inlined structs
	name    string
	local   string
	wrapper string
	always  bool
	list    bool
	kind    fieldKind
	of      reflect.Type // of one value: what a slice or pointer holds
	slice   bool
	pointer bool
	self    bool // the value reads itself from text
}

type fieldKind int

const (
	simple   fieldKind = iota // a scalar or a struct under the field's own name
	selfName                  // "?": structs that tell their own name
	choice                    // "*" in a wrapper: structs of which one field is set
)

var (
	textReader = reflect.TypeFor[encoding.TextUnmarshaler]()
	bytesType  = reflect.TypeFor[[]byte]()
)

func (c *Codec) plan(t reflect.Type) (*plan, error) {
	if p, ok := c.plans.Load(t); ok {
		return p.(*plan), nil
	}
	p := &plan{named: map[string]*field{}, attrs: map[string]*field{}}
	if err := p.add(t, nil, 0); err != nil {
		return nil, fmt.Errorf("binding of %s: %w", t, err)
	}
	kept, _ := c.plans.LoadOrStore(t, p)
	return kept.(*plan), nil
}

func (p *plan) add(t reflect.Type, path []int, level int) error {
	if level > 8 {
		return fmt.Errorf("%s inlines itself", t)
	}
	for i := range t.NumField() {
		f := t.Field(i)
		tag, ok := f.Tag.Lookup("ews")
		at := append(append([]int(nil), path...), i)
		if f.Anonymous && !ok || tag == "*" {
			inner := f.Type
			if inner.Kind() == reflect.Pointer {
				inner = inner.Elem()
			}
			if inner.Kind() != reflect.Struct {
				return fmt.Errorf("field %s cannot be inlined", f.Name)
			}
			if err := p.add(inner, at, level+1); err != nil {
				return err
			}
			continue
		}
		if !ok {
			continue
		}
		if err := p.field(f, tag, at); err != nil {
			return err
		}
	}
	return nil
}

func (p *plan) field(f reflect.StructField, tag string, at []int) error {
	name, options, _ := strings.Cut(tag, ",")
	fd := &field{path: at, of: f.Type}
	for o := range strings.SplitSeq(options, ",") {
		switch o {
		case "always":
			fd.always = true
		case "list":
			fd.list = true
		case "":
		default:
			return fmt.Errorf("field %s: unknown option %q", f.Name, o)
		}
	}
	if wrapper, child, ok := strings.Cut(name, ">"); ok {
		fd.wrapper, name = wrapper, child
	}
	if fd.of.Kind() == reflect.Slice && fd.of != bytesType && !fd.list && !fd.of.Implements(textReader) {
		fd.slice, fd.of = true, fd.of.Elem()
	}
	if fd.of.Kind() == reflect.Pointer {
		fd.pointer, fd.of = true, fd.of.Elem()
	}
	fd.self = reflect.PointerTo(fd.of).Implements(textReader)
	fd.name, fd.local = name, afterColon(name)
	return p.place(f.Name, fd)
}

// place puts the field where its name says.
func (p *plan) place(fieldName string, fd *field) error {
	switch {
	case fd.name == "#":
		p.text = fd
	case fd.name == "!":
		p.kind = fd
	case strings.HasPrefix(fd.name, "@"):
		fd.name = fd.name[1:]
		fd.local = afterColon(fd.name)
		p.attributes = append(p.attributes, fd)
		p.attrs[fd.local] = fd
	case fd.wrapper != "":
		if !fd.slice {
			return fmt.Errorf("field %s has a wrapper and is no slice", fieldName)
		}
		switch fd.name {
		case "?":
			fd.kind = selfName
		case "*":
			fd.kind = choice
		}
		p.elements = append(p.elements, fd)
		return p.name(afterColon(fd.wrapper), fd)
	case fd.name == "?":
		if p.rest != nil {
			return fmt.Errorf("field %s is a second one for all other elements", fieldName)
		}
		fd.kind = selfName
		p.rest = fd
		p.elements = append(p.elements, fd)
	default:
		p.elements = append(p.elements, fd)
		return p.name(fd.local, fd)
	}
	return nil
}

func (p *plan) name(local string, fd *field) error {
	if _, taken := p.named[local]; taken {
		return fmt.Errorf("the element %s is named twice", local)
	}
	p.named[local] = fd
	return nil
}

func afterColon(s string) string { return s[strings.LastIndexByte(s, ':')+1:] }

// at gives the field's value in v; missing pointers on the way are made if make is set, else ok is
// false.
func (f *field) at(v reflect.Value, create bool) (_ reflect.Value, ok bool) {
	for i, n := range f.path {
		if i > 0 && v.Kind() == reflect.Pointer {
			if v.IsNil() {
				if !create {
					return reflect.Value{}, false
				}
				v.Set(reflect.New(v.Type().Elem()))
			}
			v = v.Elem()
		}
		v = v.Field(n)
	}
	return v, true
}
