package policy

// Custom states: the file with which the original's administrators add up to four states of their own. It is read
// strictly, and what is wrong with it is said with its line.

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"portico/app/portal"
)

const (
	// MaxCustomStatesSize is the largest file of custom states in bytes.
	MaxCustomStatesSize = 64 << 10
	// MaxCustomStates and MaxCustomText are how many states there are and how long their texts in characters.
	MaxCustomStates, MaxCustomText = 4, 64
	// maxStateLanguages bounds the texts of a state: they go out with each word on presence.
	maxStateLanguages = 32
	maxStateDepth     = 8
	maxStateFaults    = 20
	maxLCID           = 0xfffff // MS-LCID section 2.1: twenty bits
)

// stateNamespaces are those of Communicator 2007 and of Lync; samples of the vendor have none at all.
func stateNamespaces() []string {
	return []string{"http://schemas.microsoft.com/09/2005/communicator/customStates", "http://schemas.microsoft.com/09/2009/communicator/customStates", ""}
}

// ParseCustomStates reads a file of custom states as Communicator 2007 and Lync have it: at most four customState
// elements, each with an ID of its own (1 to 4), an availability (online, busy or do-not-disturb) and activity texts by
// LCID, among them an English one. UTF-8, UTF-16 and the Western single-byte sets are read. The states are by ID.
//
// The error names everything that is wrong as far as it can be told, see Faults: each means ErrInvalid, has a key
// "customstates.…" and the argument "line".
func ParseCustomStates(data []byte) ([]portal.CustomState, error) {
	r := &stateReader{}
	if len(data) > MaxCustomStatesSize {
		r.fault(1, "too-large").With("max", strconv.Itoa(MaxCustomStatesSize>>10))
		return nil, r.err()
	}
	text, declared, line := decodeStates(data)
	if line > 0 {
		r.fault(line, "encoding").With("encoding", clip(declared))
		return nil, r.err()
	}
	r.decoder = xml.NewDecoder(bytes.NewReader(text))
	r.decoder.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil } // it is in UTF-8 by now
	r.document()
	if err := r.err(); err != nil {
		return nil, err
	}
	slices.SortFunc(r.states, func(a, b portal.CustomState) int { return a.ID - b.ID })
	return r.states, nil
}

// CustomStatesText is a file of custom states in UTF-8, and saying so, whatever it was written in. The error means ErrInvalid
// ("customstates.encoding").
func CustomStatesText(data []byte) (string, error) {
	text, declared, line := decodeStates(data)
	if line > 0 {
		return "", portal.Fail(portal.ErrInvalid, "customstates.encoding").With("line", strconv.Itoa(line)).With("encoding", clip(declared))
	}
	if place := encodingDeclaration().FindSubmatchIndex(text[:min(len(text), 300)]); place != nil {
		text = slices.Concat(text[:place[2]], []byte("UTF-8"), text[place[3]:])
	}
	return string(text), nil
}

// Faults are the single faults of an error that ParseCustomStates gave, in the order of their lines; of another error its one.
func Faults(err error) []*portal.Error {
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		if _, single := err.(*portal.Error); !single {
			var list []*portal.Error
			for _, e := range many.Unwrap() {
				list = append(list, Faults(e)...)
			}
			return list
		}
	}
	var e *portal.Error
	if errors.As(err, &e) {
		return []*portal.Error{e}
	}
	return nil
}

// stateReader reads one file.
type stateReader struct {
	decoder *xml.Decoder
	space   string // of the root, which all elements share
	depth   int
	states  []portal.CustomState
	count   int // of states, whole or not
	ids     map[int]bool
	faults  []error
}

func (r *stateReader) fault(line int, what string) *portal.Error {
	e := portal.Fail(portal.ErrInvalid, "customstates."+what).With("line", strconv.Itoa(line))
	if len(r.faults) < maxStateFaults {
		r.faults = append(r.faults, e)
	}
	return e
}

func (r *stateReader) err() error { return errors.Join(r.faults...) }

// next is the next start, end or text, with the line on which it begins; nil at the end and at a fault after which
// nothing can be told, which has been noted. Comments and instructions are passed over.
func (r *stateReader) next() (xml.Token, int) {
	for {
		line, _ := r.decoder.InputPos()
		token, err := r.decoder.Token()
		switch t := token.(type) {
		case nil:
			if !errors.Is(err, io.EOF) {
				r.broken(err, line)
			}
			return nil, line
		case xml.Directive:
			r.fault(line, "dtd")
			return nil, line
		case xml.StartElement:
			if r.depth++; r.depth > maxStateDepth {
				r.fault(line, "deep")
				return nil, line
			}
			return t.Copy(), line
		case xml.EndElement:
			r.depth--
			return t, line
		case xml.CharData:
			return t.Copy(), line
		}
	}
}

// broken notes what makes the file no XML.
func (r *stateReader) broken(err error, line int) {
	what := err.Error()
	var syntax *xml.SyntaxError
	if errors.As(err, &syntax) {
		line, what = syntax.Line, syntax.Msg
	}
	if strings.Contains(what, "character entity") {
		r.fault(line, "entity")
		return
	}
	r.fault(line, "xml").With("what", clip(what))
}

// document reads the whole file.
func (r *stateReader) document() {
	r.ids = map[int]bool{}
	known := false
	for {
		token, line := r.next()
		switch t := token.(type) {
		case nil:
			if len(r.faults) == 0 && r.count == 0 {
				r.fault(max(line, 1), "empty")
			}
			return
		case xml.CharData:
			r.blank(t, line)
		case xml.StartElement:
			if known {
				r.unknown(t, line)
				return
			}
			if known = true; !r.root(t, line) || !r.children("customState", r.state) {
				return
			}
		}
	}
}

func (r *stateReader) root(t xml.StartElement, line int) bool {
	if t.Name.Local != "customStates" {
		r.fault(line, "root").With("name", clip(t.Name.Local))
		return false
	}
	r.space = strings.TrimSpace(t.Name.Space)
	if !slices.Contains(stateNamespaces(), r.space) {
		r.fault(line, "namespace").With("name", clip(r.space))
		return false
	}
	return true
}

// children reads what stands in an element up to its end: elements of one name, and nothing else. It says whether the
// reading can go on.
func (r *stateReader) children(name string, read func(xml.StartElement, int) bool) bool {
	for {
		token, line := r.next()
		switch t := token.(type) {
		case nil:
			return false
		case xml.EndElement:
			return true
		case xml.CharData:
			r.blank(t, line)
		case xml.StartElement:
			ok := true
			if t.Name.Local == name && strings.TrimSpace(t.Name.Space) == r.space {
				ok = read(t, line)
			} else {
				ok = r.foreign(t, line)
			}
			if !ok {
				return false
			}
		}
	}
}

func (r *stateReader) unknown(t xml.StartElement, line int) {
	r.fault(line, "element").With("name", clip(t.Name.Local))
}

// foreign notes an element that has no place here, and passes over all that is in it.
func (r *stateReader) foreign(t xml.StartElement, line int) bool {
	r.unknown(t, line)
	for outside := r.depth - 1; r.depth > outside; {
		if token, _ := r.next(); token == nil {
			return false
		}
	}
	return true
}

// blank notes a text where only elements stand.
func (r *stateReader) blank(t xml.CharData, line int) {
	if text := bytes.TrimLeft(t, " \t\r\n"); len(text) > 0 {
		r.fault(line+bytes.Count(t[:len(t)-len(text)], []byte("\n")), "text-outside").With("text", clip(string(text)))
	}
}

// attributes gives the values of the attributes that an element must have, and notes those that are missing, stand
// twice or have no place here. Attributes with a prefix belong to somebody else.
func (r *stateReader) attributes(t xml.StartElement, line int, names ...string) (map[string]string, bool) {
	values := map[string]string{}
	before := len(r.faults)
	for _, a := range t.Attr {
		name := a.Name.Local
		if a.Name.Space != "" || name == "xmlns" {
			continue
		}
		if _, twice := values[name]; twice {
			r.fault(line, "attribute-twice").With("name", clip(name)).With("element", t.Name.Local)
		} else if !slices.Contains(names, name) {
			r.fault(line, "attribute-unknown").With("name", clip(name)).With("element", t.Name.Local)
		}
		values[name] = strings.TrimSpace(a.Value)
	}
	for _, name := range names {
		if _, ok := values[name]; !ok {
			r.fault(line, "attribute").With("name", name).With("element", t.Name.Local)
		}
	}
	return values, len(r.faults) == before
}

// state reads a customState element.
func (r *stateReader) state(t xml.StartElement, line int) bool {
	before := len(r.faults)
	if r.count++; r.count > MaxCustomStates {
		r.fault(line, "too-many").With("max", strconv.Itoa(MaxCustomStates))
	}
	var s portal.CustomState
	if values, ok := r.attributes(t, line, "ID", "availability"); ok {
		s.ID, s.Availability = r.id(values["ID"], line), r.availability(values["availability"], line)
	}
	texts, sound := map[int]string{}, len(r.faults)
	whole := r.children("activity", func(t xml.StartElement, line int) bool { return r.activity(t, line, texts) })
	if !whole {
		return false
	}
	if _, english := texts[portal.EnglishLCID]; !english && len(r.faults) == sound { // a text with a fault may be the one
		r.fault(line, "no-english")
	}
	if len(texts) > maxStateLanguages {
		r.fault(line, "languages").With("max", strconv.Itoa(maxStateLanguages))
	}
	if len(r.faults) == before {
		s.Texts = portal.NewStateTexts(texts)
		r.states = append(r.states, s)
	}
	return true
}

func (r *stateReader) id(value string, line int) int {
	id, err := strconv.ParseUint(value, 10, 8)
	switch {
	case err != nil || id < 1 || id > MaxCustomStates:
		r.fault(line, "id").With("value", clip(value)).With("max", strconv.Itoa(MaxCustomStates))
	case r.ids[int(id)]:
		r.fault(line, "id-twice").With("value", value)
	}
	r.ids[int(id)] = true
	return int(id)
}

func (r *stateReader) availability(value string, line int) portal.Availability {
	switch strings.ToLower(value) {
	case "online":
		return portal.Available
	case "busy":
		return portal.Busy
	case "do-not-disturb":
		return portal.DoNotDisturb
	}
	r.fault(line, "availability").With("value", clip(value))
	return ""
}

// activity reads a text of a state.
func (r *stateReader) activity(t xml.StartElement, line int, texts map[int]string) bool {
	values, ok := r.attributes(t, line, "LCID")
	lcid, err := strconv.ParseUint(values["LCID"], 10, 32)
	if ok && (err != nil || lcid < 1 || lcid > maxLCID) {
		r.fault(line, "lcid").With("value", clip(values["LCID"]))
	}
	if _, twice := texts[int(lcid)]; ok && twice {
		r.fault(line, "lcid-twice").With("value", values["LCID"])
	}
	text, whole := r.text()
	if !whole {
		return false
	}
	switch text = strings.Join(strings.Fields(clean(text)), " "); {
	case text == "":
		r.fault(line, "text-empty")
	case utf8.RuneCountInString(text) > MaxCustomText:
		r.fault(line, "text-long").With("max", strconv.Itoa(MaxCustomText)).With("length", strconv.Itoa(utf8.RuneCountInString(text)))
	}
	texts[int(lcid)] = text
	return true
}

// text is what stands in an element up to its end.
func (r *stateReader) text() (string, bool) {
	var b strings.Builder
	for {
		token, line := r.next()
		switch t := token.(type) {
		case nil:
			return "", false
		case xml.EndElement:
			return b.String(), true
		case xml.CharData:
			b.Write(t)
		case xml.StartElement:
			if !r.foreign(t, line) {
				return "", false
			}
		}
	}
}
