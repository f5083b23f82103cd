package binding

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// events writes what a scanner finds as a line: "<a x=1 'text' </a".
func events(s *Scanner) (string, error) {
	var b strings.Builder
	for {
		s.keep = true
		kind, err := s.Next()
		if err == io.EOF {
			return b.String(), nil
		}
		if err != nil {
			return b.String(), err
		}
		if len(s.text) > 0 {
			fmt.Fprintf(&b, "%q", clean(s.text))
		}
		if kind == Start {
			fmt.Fprintf(&b, "<%s", s.Local())
			for _, a := range s.attrs {
				fmt.Fprintf(&b, " %s=%s", a.local, clean(a.value))
			}
		} else {
			fmt.Fprintf(&b, "</%s", s.Local())
		}
	}
}

func TestScannerReads(t *testing.T) {
	cases := map[string]struct{ in, want string }{
		"plain":            {`<a>x</a>`, `<a"x"</a`},
		"prefixes":         {`<s:a xmlns:s="u" xmlns="v" s:k="1"><b/></s:a>`, `<a k=1<b</b</a`},
		"declaration":      {"\xEF\xBB\xBF<?xml version='1.0' encoding='UTF-8'?>\r\n<a/>\n", `<a</a`},
		"references":       {`<a k="&lt;&quot;&#65;">&lt;&gt;&amp;&apos;&quot;&#x41;&#66;&#10;</a>`, `<a k=<"A"<>&'\"AB\n"</a`},
		"illegal numbers":  {`<a>&#0;&#x1F;&#xD800;</a>`, `<a"` + "\uFFFD\uFFFD\uFFFD" + `"</a`},
		"illegal bytes":    {"<a>\x01\xff</a>", `<a"` + "\uFFFD\uFFFD" + `"</a`},
		"comment and data": {`<a>1<!-- < & -- --><![CDATA[<&amp;]]>2<?pi x?></a>`, `<a"1<&amp;2"</a`},
		"lines":            {"<a>1\r\n2\r3\n\r</a>", `<a"1\n2\n3\n\n"</a`},
		"end with space":   {"<a></a \n>", `<a</a`},
		"quotes":           {`<a k='">' l="'/>"/>`, `<a k="> l='/></a`},
		"several":          {`<a/> <?xml version="1.0"?><b>x</b>` + "\r\n", `<a</a<b"x"</b`},
		"spaces in tag":    {"<a\n  k = '1'\t/>", `<a k=1</a`},
		"mixed":            {`<a>1<b>2</b>3</a>`, `<a"1"<b"2"</b"3"</a`},
		"attribute lines":  {"<a k='1\n2'/>", `<a k=1 2</a`},
		"other alphabets":  {`<größe>ä</größe>`, `<größe"ä"</größe`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			for how, r := range map[string]io.Reader{"whole": strings.NewReader(c.in), "byte by byte": iotest.OneByteReader(strings.NewReader(c.in)), "end with data": iotest.DataErrReader(strings.NewReader(c.in))} {
				got, err := events(NewScanner(r, 1<<20, 10))
				if err != nil || got != c.want {
					t.Errorf("%s: %s %v, want %s", how, got, err, c.want)
				}
			}
		})
	}
}

func TestScannerRefuses(t *testing.T) {
	var syntax *SyntaxError
	deep := strings.Repeat("<a>", 11)
	cases := map[string]struct {
		in   string
		want error // nil: a *SyntaxError
	}{
		"cut in text":         {`<a>x`, io.ErrUnexpectedEOF},
		"cut in tag":          {`<a k="`, io.ErrUnexpectedEOF},
		"cut in end":          {`<a></`, io.ErrUnexpectedEOF},
		"cut in comment":      {`<a><!-- `, io.ErrUnexpectedEOF},
		"cut in data":         {`<a><![CDATA[x`, io.ErrUnexpectedEOF},
		"cut in instruction":  {`<?xml version`, io.ErrUnexpectedEOF},
		"cut mark":            {"\xEF\xBB", io.ErrUnexpectedEOF},
		"cut before the end":  {`<a><b></b>`, io.ErrUnexpectedEOF},
		"doctype":             {`<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>`, ErrDTD},
		"doctype inside":      {`<a><!DOCTYPE a></a>`, ErrDTD},
		"data outside":        {`<![CDATA[x]]>`, ErrDTD},
		"unknown entity":      {`<a>&nbsp;</a>`, nil},
		"entity in attribute": {`<a k="&x;"/>`, nil},
		"endless reference":   {`<a>&aaaaaaaaaaaaaaaaaaa</a>`, nil},
		"open reference":      {`<a>&lt</a>`, nil},
		"too large number":    {`<a>&#x110000;</a>`, nil},
		"wrong end":           {`<a><b></a></b>`, nil},
		"wrong prefix":        {`<x:a></y:a>`, nil},
		"end alone":           {`</a>`, nil},
		"text before":         {`hello <a/>`, nil},
		"not XML":             {`{"a":1}`, nil},
		"bad mark":            {"\xEF\xBB<a/>", nil},
		"no name":             {`<>x</>`, nil},
		"bad name":            {`<1a/>`, nil},
		"no value":            {`<a k/>`, nil},
		"no quotes":           {`<a k=1/>`, nil},
		"no space":            {`<a k="1"l="2"/>`, nil},
		"tag in tag":          {`<a <b>`, nil},
		"tag in attribute":    {`<a k="<"/>`, nil},
		"other encoding":      {`<?xml version="1.0" encoding="utf-16"?><a/>`, nil},
		"late declaration":    {`<a><?xml version="1.0"?></a>`, nil},
		"too deep":            {deep, ErrTooDeep},
		"too long":            {"<a>" + strings.Repeat("x", 5000) + "</a>", ErrTooLarge},
		"too long unread":     {"<a>" + strings.Repeat("x", 200000), ErrTooLarge},
		"endless tag":         {"<a " + strings.Repeat("x", 3<<20), nil},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			limit := int64(4096)
			if name == "endless tag" {
				limit = 8 << 20
			}
			for how, r := range map[string]io.Reader{"whole": strings.NewReader(c.in), "in pieces": iotest.HalfReader(strings.NewReader(c.in))} {
				got, err := events(NewScanner(r, limit, 10))
				if c.want == nil && !errors.As(err, &syntax) || c.want != nil && !errors.Is(err, c.want) {
					t.Errorf("%s: %s %v, want %v", how, got, err, c.want)
				}
			}
		})
	}
}

func TestScannerPassesErrorsOfTheReader(t *testing.T) {
	broken := errors.New("broken")
	_, err := events(NewScanner(io.MultiReader(strings.NewReader("<a>"), iotest.ErrReader(broken)), 100, 5))
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if _, err := events(NewScanner(stuck{}, 100, 5)); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("got %v", err)
	}
}

// stuck is a reader that never gives anything.
type stuck struct{}

func (stuck) Read([]byte) (int, error) { return 0, nil }

func TestSizeIsOfEachDocument(t *testing.T) {
	one := "<a>" + strings.Repeat("x", 900) + "</a>\n"
	got, err := events(NewScanner(iotest.OneByteReader(strings.NewReader(strings.Repeat(one, 50))), 1000, 5))
	if err != nil || strings.Count(got, "</a") != 50 {
		t.Errorf("%d documents, %v", strings.Count(got, "</a"), err)
	}
}

func TestSyntaxErrorTellsWhere(t *testing.T) {
	_, err := events(NewScanner(strings.NewReader("<a>\n<b></c></a>"), 100, 5))
	if err == nil || !strings.Contains(err.Error(), "at byte 7") {
		t.Errorf("got %v", err)
	}
}

func TestSkipLeavesTheElement(t *testing.T) {
	s := NewScanner(strings.NewReader("<a><b><c>&#65;</c><d/></b><e/></a>"), 100, 5)
	for range 2 {
		if _, err := s.Next(); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Skip(); err != nil {
		t.Fatal(err)
	}
	if kind, err := s.Next(); err != nil || kind != Start || string(s.Local()) != "e" || s.Depth() != 2 {
		t.Errorf("%v %q %d %v", kind, s.Local(), s.Depth(), err)
	}
}
