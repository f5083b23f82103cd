package markup

import (
	"encoding/xml"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"portico/app/portal"
)

func TestADocumentBecomesATree(t *testing.T) {
	root, err := Parse([]byte(`<?xml version="1.0"?><!-- c --><a xmlns="urn:a" xmlns:b="urn:b" one=" 1 " b:one="2"> x <b:c/><c>deep<d/>er</c> y <c/> </a>
`), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if root.Space != "urn:a" || root.Local != "a" || root.Attr("one") != "1" || root.Attr("two") != "" || len(root.All()) != 3 {
		t.Errorf("root %+v", root)
	}
	if root.Child("c").Space != "urn:b" || root.ChildIn("urn:a", "c").Value() != "deeper" || root.Value() != "x  y" {
		t.Errorf("children %v, %q, value %q", root.Child("c"), root.ChildIn("urn:a", "c").Value(), root.Value())
	}
}

func TestNothingIsFoundInNothing(t *testing.T) {
	var e *Element
	if e.Child("a") != nil || e.ChildIn("", "a") != nil || e.Attr("a") != "" || e.Value() != "" || e.All() != nil {
		t.Error("something")
	}
}

func TestLimits(t *testing.T) {
	nested := func(n int) string { return strings.Repeat("<a>", n) + strings.Repeat("</a>", n) }
	attrs := "<a"
	for i := range 33 {
		attrs += " a" + strings.Repeat("x", i) + `="1"`
	}
	for name, tc := range map[string]struct {
		in string
		l  Limits
		ok bool
	}{
		"depth at the limit":      {nested(5), Limits{Depth: 5}, true},
		"depth over the limit":    {nested(6), Limits{Depth: 5}, false},
		"default depth":           {nested(DefaultDepth), Limits{}, true},
		"over the default depth":  {nested(DefaultDepth + 1), Limits{}, false},
		"elements at the limit":   {"<a><b/><b/></a>", Limits{Elements: 3}, true},
		"elements over the limit": {"<a><b/><b/></a>", Limits{Elements: 2}, false},
		"bytes at the limit":      {"<a></a>", Limits{Bytes: 7}, true},
		"bytes over the limit":    {"<a></a> ", Limits{Bytes: 7}, false},
		"attributes":              {attrs + "/>", Limits{}, false},
		"fewer attributes":        {attrs + "/>", Limits{Attributes: 33}, true},
		"DTD":                     {`<!DOCTYPE a><a/>`, Limits{}, false},
		"billion laughs":          {`<!DOCTYPE a [<!ENTITY l "lol"><!ENTITY m "&l;&l;&l;&l;">]><a>&m;</a>`, Limits{}, false},
		"entity":                  {`<a>&l;</a>`, Limits{}, false},
		"character reference":     {`<a>&#x41;&lt;</a>`, Limits{}, true},
		"two roots":               {`<a/><b/>`, Limits{}, false},
		"text after the root":     {`<a/>x`, Limits{}, false},
		"text before the root":    {`x<a/>`, Limits{}, false},
		"open":                    {`<a><b></a>`, Limits{}, false},
		"nothing":                 {"", Limits{}, false},
		"NUL":                     {"<a>\x00</a>", Limits{}, false},
		"not UTF-8":               {"<a>\xe4</a>", Limits{}, false},
		"unknown encoding":        {`<?xml version="1.0" encoding="EBCDIC"?><a/>`, Limits{}, false},
	} {
		root, err := Parse([]byte(tc.in), tc.l)
		if (err == nil) != tc.ok || (root != nil) != tc.ok || err != nil && !errors.Is(err, portal.ErrInvalid) {
			t.Errorf("%s: %v, %v", name, root, err)
		}
	}
}

func utf16Bytes(s string, big, mark bool) []byte {
	units := utf16.Encode([]rune(s))
	if mark {
		units = append([]uint16{0xfeff}, units...)
	}
	var b []byte
	for _, u := range units {
		if big {
			b = append(b, byte(u>>8), byte(u))
		} else {
			b = append(b, byte(u), byte(u>>8))
		}
	}
	return b
}

func TestEncodings(t *testing.T) {
	decl := func(enc, body string) string {
		return `<?xml version="1.0" encoding="` + enc + `"?><a>` + body + `</a>`
	}
	for name, in := range map[string][]byte{
		"UTF-8":                []byte(decl("UTF-8", "Müller")),
		"UTF-8 with BOM":       []byte("\xef\xbb\xbf" + decl("utf-8", "Müller")),
		"undeclared":           []byte("<a>Müller</a>"),
		"Latin 1":              []byte(decl("ISO-8859-1", "M\xfcller")),
		"Latin 9":              []byte(decl("iso-8859-15", "M\xfcller")),
		"Windows":              []byte(decl("windows-1252", "M\xfcller")),
		"UTF-16 big":           utf16Bytes(decl("UTF-16", "Müller"), true, true),
		"UTF-16 little":        utf16Bytes(decl("UTF-16", "Müller"), false, true),
		"UTF-16 little no BOM": utf16Bytes(decl("UTF-16LE", "Müller"), false, false),
		"UTF-16 big no BOM":    utf16Bytes(decl("UTF-16BE", "Müller"), true, false),
	} {
		root, err := Parse(in, Limits{})
		if err != nil || root.Value() != "Müller" {
			t.Errorf("%s: %q, %v", name, root.Value(), err)
		}
	}
	if _, err := Parse(utf16Bytes("<a/>", true, true)[:9], Limits{}); !errors.Is(err, portal.ErrInvalid) {
		t.Errorf("half a character: %v", err)
	}
}

func TestTimes(t *testing.T) {
	want := time.Date(2026, 11, 21, 18, 47, 25, 0, time.UTC)
	for in, want := range map[string]time.Time{
		"2026-11-21T18:47:25Z":           want,
		" 2026-11-21T18:47:25Z\n":        want,
		"2026-11-21t18:47:25z":           want,
		"2026-11-21 18:47:25Z":           want,
		"2026-11-21T18:47:25":            want,
		"2026-11-21T20:47:25+02:00":      want,
		"2026-11-21T20:47:25+0200":       want,
		"2026-11-21T20:47:25+02":         want,
		"2026-11-21T13:17:25-05:30":      want,
		"2026-11-21T18:47:25.5Z":         want.Add(500 * time.Millisecond),
		"2026-11-21T18:47:25.123456789Z": want.Add(123456789),
		"2016-12-31T23:59:60Z":           time.Date(2017, 1, 1, 0, 0, 0, 0, time.UTC),
		"2026-11-21T24:00:00Z":           time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC),
		"2028-02-29T00:00:00Z":           time.Date(2028, 2, 29, 0, 0, 0, 0, time.UTC),
	} {
		if got, err := ParseTime(in); err != nil || !got.Equal(want) || got.Location() != time.UTC {
			t.Errorf("%q: %v, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "yesterday", "2026-11-21", "2026-02-29T00:00:00Z", "2026-11-21T25:00:00Z", "2026-11-21T18:47:25 CET", "2026-13-01T00:00:00Z", "10000-01-01T00:00:00Z", strings.Repeat("2", 100)} {
		if got, err := ParseTime(in); !errors.Is(err, portal.ErrInvalid) || !got.IsZero() {
			t.Errorf("%q: %v, %v", in, got, err)
		}
	}
}

func FuzzText(f *testing.F) {
	f.Add("plain", "a\r\n\t<>&\"'\x00\x1f\uFFFE\xff😀")
	f.Fuzz(func(t *testing.T, text, attr string) {
		b := append([]byte("<a"), AppendAttr(nil, "x", attr)...)
		b = append(AppendText(append(b, '>'), text), "</a>"...)
		var v struct {
			Text string `xml:",chardata"`
			Attr string `xml:"x,attr"`
		}
		if err := xml.Unmarshal(b, &v); err != nil {
			t.Fatalf("%v\n%q", err, b)
		}
		if clean(v.Text) != clean(text) || clean(v.Attr) != clean(attr) {
			t.Fatalf("%q %q became %q %q", text, attr, v.Text, v.Attr)
		}
	})
}

// clean replaces what XML cannot carry the way AppendText says it does.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 && r != '\n' && r != '\r' && r != '\t' || r == 0xfffe || r == 0xffff {
			return 0xfffd
		}
		return r
	}, strings.ToValidUTF8(spread(s), "\uFFFD"))
}

// spread puts each invalid byte on its own, since ToValidUTF8 joins neighbours.
func spread(s string) string {
	var b strings.Builder
	for _, r := range s {
		b.WriteRune(r)
	}
	return b.String()
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`<?xml version="1.0" encoding="ISO-8859-1"?><a b="c"><d>e</d></a>`))
	f.Add(utf16Bytes("<a>ä</a>", false, true))
	f.Add([]byte(`<!DOCTYPE a [<!ENTITY l "lol">]><a>&l;</a>`))
	f.Fuzz(func(t *testing.T, b []byte) {
		root, err := Parse(b, Limits{Bytes: 4 << 10, Depth: 8, Elements: 50, Attributes: 8})
		if (root == nil) == (err == nil) || err != nil && !errors.Is(err, portal.ErrInvalid) {
			t.Fatalf("%v, %v", root, err)
		}
		if root != nil {
			if n, depth := measure(root); n > 50 || depth > 8 {
				t.Fatalf("%d elements, depth %d", n, depth)
			}
		}
	})
}

func measure(e *Element) (elements, depth int) {
	elements = 1
	for _, c := range e.Children {
		n, d := measure(c)
		elements += n
		depth = max(depth, d)
	}
	return elements, depth + 1
}

func FuzzParseTime(f *testing.F) {
	f.Add("2026-11-21T18:47:25.5+02:00")
	f.Add("9999-12-31T24:00:00Z")
	f.Add("2016-12-31T23:59:60")
	f.Fuzz(func(t *testing.T, s string) {
		got, err := ParseTime(s)
		if err != nil {
			return
		}
		again, err := ParseTime(Time(got))
		if err != nil || !again.Equal(got) {
			t.Fatalf("%q: %v became %v, %v", s, got, again, err)
		}
	})
}
