package binding

import (
	"encoding"
	"encoding/base64"
	"fmt"
	"reflect"
	"strconv"
)

// Writing structs.

// Append writes v, a struct or a pointer to one, as the element name.
func (c *Codec) Append(dst []byte, name string, v any) ([]byte, error) {
	rv := reflect.ValueOf(v)
	for rv.Kind() == reflect.Pointer && !rv.IsNil() {
		rv = rv.Elem()
	}
	if rv.Kind() != reflect.Struct {
		return dst, fmt.Errorf("cannot write a %T", v)
	}
	return c.object(dst, name, rv)
}

func (c *Codec) object(dst []byte, name string, v reflect.Value) ([]byte, error) {
	p, err := c.plan(v.Type())
	if err != nil {
		return dst, err
	}
	dst = append(append(dst, '<'), name...)
	for _, fd := range p.attributes {
		if dst, err = c.attribute(dst, fd, v); err != nil {
			return dst, fmt.Errorf("%s: %w", name, err)
		}
	}
	dst = append(dst, '>')
	opened := len(dst)
	if p.text != nil {
		if f, ok := p.text.at(v, false); ok {
			if dst, err = scalarText(dst, f); err != nil {
				return dst, fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	if dst, err = c.children(dst, p, v); err != nil {
		return dst, fmt.Errorf("%s: %w", name, err)
	}
	return closeTag(dst, opened, name), nil
}

// closeTag ends the element whose start tag ended at opened; without content it is an empty tag.
func closeTag(dst []byte, opened int, name string) []byte {
	if len(dst) == opened {
		return append(dst[:opened-1], "/>"...)
	}
	dst = append(append(dst, "</"...), name...)
	return append(dst, '>')
}

func (c *Codec) attribute(dst []byte, fd *field, v reflect.Value) ([]byte, error) {
	f, ok := fd.at(v, false)
	if !ok || !fd.always && f.IsZero() {
		return dst, nil
	}
	dst = append(append(append(dst, ' '), fd.name...), '=', '"')
	dst, err := scalarText(dst, f)
	return append(dst, '"'), err
}

func (c *Codec) children(dst []byte, p *plan, v reflect.Value) ([]byte, error) {
	var err error
	for _, fd := range p.elements {
		f, ok := fd.at(v, false)
		if !ok || !fd.always && f.IsZero() {
			continue
		}
		switch {
		case fd.wrapper != "":
			dst, err = c.wrapped(dst, fd, f)
		case fd.slice:
			dst, err = c.each(dst, fd, f)
		default:
			dst, err = c.value(dst, fd, f)
		}
		if err != nil {
			return dst, err
		}
	}
	return dst, nil
}

func (c *Codec) wrapped(dst []byte, fd *field, f reflect.Value) ([]byte, error) {
	if f.Len() == 0 && !fd.always {
		return dst, nil
	}
	dst = append(append(append(dst, '<'), fd.wrapper...), '>')
	opened := len(dst)
	dst, err := c.each(dst, fd, f)
	return closeTag(dst, opened, fd.wrapper), err
}

func (c *Codec) each(dst []byte, fd *field, f reflect.Value) ([]byte, error) {
	var err error
	for i := range f.Len() {
		if dst, err = c.value(dst, fd, f.Index(i)); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

func (c *Codec) value(dst []byte, fd *field, f reflect.Value) ([]byte, error) {
	if f.Kind() == reflect.Pointer {
		if f.IsNil() {
			return dst, nil
		}
		f = f.Elem()
	}
	if f.Kind() != reflect.Struct || f.CanInterface() && isText(f) {
		dst = append(append(append(dst, '<'), fd.name...), '>')
		opened := len(dst)
		dst, err := scalarText(dst, f)
		if err != nil {
			return dst, fmt.Errorf("%s: %w", fd.name, err)
		}
		return closeTag(dst, opened, fd.name), nil
	}
	switch fd.kind {
	case choice:
		p, err := c.plan(f.Type())
		if err != nil {
			return dst, err
		}
		return c.children(dst, p, f)
	case selfName:
		p, err := c.plan(f.Type())
		if err != nil {
			return dst, err
		}
		name := ""
		if p.kind != nil {
			if k, ok := p.kind.at(f, false); ok {
				name = k.String()
			}
		}
		if name == "" {
			return dst, fmt.Errorf("a %s without the name of its element", f.Type())
		}
		return c.object(dst, "t:"+name, f)
	}
	return c.object(dst, fd.name, f)
}

func isText(f reflect.Value) bool {
	_, ok := f.Interface().(encoding.TextMarshaler)
	return ok
}

func scalarText(dst []byte, f reflect.Value) ([]byte, error) {
	if f.Kind() == reflect.Pointer {
		if f.IsNil() {
			return dst, nil
		}
		f = f.Elem()
	}
	if t, ok := f.Interface().(encoding.TextMarshaler); ok {
		b, err := t.MarshalText()
		if err != nil {
			return dst, err
		}
		return escape(dst, string(b)), nil
	}
	switch f.Kind() {
	case reflect.String:
		return escape(dst, f.String()), nil
	case reflect.Bool:
		return strconv.AppendBool(dst, f.Bool()), nil
	case reflect.Int, reflect.Int64, reflect.Int32:
		return strconv.AppendInt(dst, f.Int(), 10), nil
	case reflect.Slice:
		if f.Type().Elem().Kind() == reflect.Uint8 {
			return base64.StdEncoding.AppendEncode(dst, f.Bytes()), nil
		}
		for i := range f.Len() {
			if i > 0 {
				dst = append(dst, ' ')
			}
			dst = escape(dst, f.Index(i).String())
		}
		return dst, nil
	}
	return dst, fmt.Errorf("no way to write a %s", f.Type())
}
