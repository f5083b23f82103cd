package binding

import (
	"encoding"
	"encoding/base64"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// Reading structs.

const maxProblems = 20

// Reader reads structs from a scanner.
type Reader struct {
	*Scanner
	codec *Codec
	// Problems are the values that could not be read, at most 20: "Start: "x" is no time".
	Problems []string
}

// Reader reads structs from s.
func (c *Codec) Reader(s *Scanner) *Reader { return &Reader{Scanner: s, codec: c} }

// Read fills v, a pointer to a struct, from the element whose start was found last, up to and with
// its end.
func (r *Reader) Read(v any) error {
	p := reflect.ValueOf(v)
	if p.Kind() != reflect.Pointer || p.Elem().Kind() != reflect.Struct {
		return fmt.Errorf("cannot read into %T", v)
	}
	return r.object(p.Elem())
}

func (r *Reader) object(v reflect.Value) error {
	p, err := r.codec.plan(v.Type())
	if err != nil {
		return err
	}
	if p.kind != nil {
		if f, ok := p.kind.at(v, true); ok {
			f.SetString(string(r.Local()))
		}
	}
	for _, a := range r.attrs {
		if fd := p.attrs[string(a.local)]; fd != nil {
			f, _ := fd.at(v, true)
			r.scalar(fd, f, a.value)
		}
	}
	for {
		r.keep = p.text != nil
		kind, err := r.Next()
		if err != nil {
			return err
		}
		if p.text != nil && len(r.text) > 0 {
			f, _ := p.text.at(v, true)
			r.addText(p.text, f)
		}
		if kind == End {
			return nil
		}
		if err := r.child(p, v); err != nil {
			return err
		}
	}
}

// addText takes a run of the element's own text; further runs, behind children, join it.
func (r *Reader) addText(fd *field, f reflect.Value) {
	if fd.of.Kind() == reflect.String && !fd.pointer && !fd.self {
		f.SetString(f.String() + clean(r.text))
		return
	}
	r.scalar(fd, f, r.text)
}

// child reads one child element into the field for it.
func (r *Reader) child(p *plan, v reflect.Value) error {
	fd := p.named[string(r.Local())]
	if fd == nil {
		fd = p.rest
	}
	if fd == nil {
		return r.Skip()
	}
	if fd.wrapper != "" {
		f, _ := fd.at(v, true)
		return r.wrapped(fd, f)
	}
	if fd == p.rest && fd.of.Kind() != reflect.Struct {
		return r.Skip()
	}
	f, _ := fd.at(v, true)
	return r.value(fd, f)
}

func (r *Reader) wrapped(fd *field, f reflect.Value) error {
	for {
		r.keep = false
		kind, err := r.Next()
		if err != nil {
			return err
		}
		if kind == End {
			return nil
		}
		switch {
		case fd.kind == choice:
			err = r.chosen(fd, f)
		case fd.kind == selfName || string(r.Local()) == fd.local:
			err = r.value(fd, f)
		default:
			err = r.Skip()
		}
		if err != nil {
			return err
		}
	}
}

// chosen appends a choice struct whose field for the present element is set.
func (r *Reader) chosen(fd *field, f reflect.Value) error {
	p, err := r.codec.plan(fd.of)
	if err != nil {
		return err
	}
	if p.named[string(r.Local())] == nil && p.rest == nil {
		return r.Skip()
	}
	return r.child(p, fd.one(f))
}

// one makes room for a value: the next of a slice, what a pointer points to, or the field itself.
func (fd *field) one(f reflect.Value) reflect.Value {
	if fd.slice {
		n := f.Len()
		if n == f.Cap() {
			f.Grow(1)
		}
		f.SetLen(n + 1)
		f = f.Index(n)
		f.SetZero()
	}
	if fd.pointer {
		if f.IsNil() {
			f.Set(reflect.New(fd.of))
		}
		f = f.Elem()
	}
	return f
}

func (r *Reader) value(fd *field, f reflect.Value) error {
	if fd.of.Kind() == reflect.Struct && !fd.self {
		return r.object(fd.one(f))
	}
	r.keep = true
	name := fd.local
	kind, err := r.Next()
	if err != nil {
		return err
	}
	if kind == Start {
		r.problem(name, fmt.Errorf("an element stands where a value should"))
		if err := r.Skip(); err != nil {
			return err
		}
		return r.Skip()
	}
	r.scalar(fd, f, r.text)
	return nil
}

// scalar sets f, or notes why it cannot. An empty value of anything but a string is none.
func (r *Reader) scalar(fd *field, f reflect.Value, text []byte) {
	if len(text) == 0 && (fd.of.Kind() != reflect.String || fd.self) {
		return
	}
	if fd.list {
		for _, s := range strings.Fields(clean(text)) {
			f.Set(reflect.Append(f, reflect.ValueOf(s).Convert(f.Type().Elem())))
		}
		return
	}
	v := reflect.New(fd.of).Elem()
	if err := set(v, text, fd.self); err != nil {
		r.problem(fd.local, err)
		return
	}
	fd.one(f).Set(v)
}

func (r *Reader) problem(name string, err error) {
	if len(r.Problems) < maxProblems {
		r.Problems = append(r.Problems, name+": "+err.Error())
	}
}

func set(v reflect.Value, text []byte, self bool) error {
	if self {
		return v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText(text)
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(clean(text))
		return nil
	case reflect.Bool:
		return setBool(v, strings.TrimSpace(string(text)))
	case reflect.Int, reflect.Int64, reflect.Int32:
		n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, v.Type().Bits())
		if err != nil {
			return fmt.Errorf("%.40q is no number", text)
		}
		v.SetInt(n)
		return nil
	case reflect.Slice:
		return setBytes(v, text)
	}
	return fmt.Errorf("no way to read a %s", v.Type())
}

func setBool(v reflect.Value, s string) error {
	switch {
	case s == "1" || strings.EqualFold(s, "true"):
		v.SetBool(true)
	case s == "0" || strings.EqualFold(s, "false"):
		v.SetBool(false)
	default:
		return fmt.Errorf("%.40q is neither true nor false", s)
	}
	return nil
}

// setBytes reads base64 with white space anywhere.
func setBytes(v reflect.Value, text []byte) error {
	out := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	n, err := base64.StdEncoding.Decode(out, text)
	if err != nil {
		squeezed := strings.Join(strings.Fields(string(text)), "")
		if n, err = base64.StdEncoding.Decode(out, []byte(squeezed)); err != nil {
			return fmt.Errorf("no base64: %w", err)
		}
	}
	v.SetBytes(out[:n])
	return nil
}
