package binding

import (
	"encoding"
	"errors"
	"reflect"
	"strings"
	"testing"
)

type day string

func (d *day) UnmarshalText(b []byte) error {
	if len(b) != 10 {
		return errors.New("no day")
	}
	*d = day(b)
	return nil
}

func (d day) MarshalText() ([]byte, error) {
	if d == "bad" {
		return nil, errors.New("no day")
	}
	return []byte(d), nil
}

var (
	_ encoding.TextMarshaler   = day("")
	_ encoding.TextUnmarshaler = new(day)
)

type common struct {
	ID    string `ews:"@Id,always"`
	Title string `ews:"t:Title"`
}

type book struct {
	common
	Pages  *int     `ews:"t:Pages"`
	Bound  *bool    `ews:"t:Bound"`
	Cover  []byte   `ews:"t:Cover"`
	Words  []string `ews:"t:Words>t:Word"`
	Langs  []string `ews:"t:Langs,list"`
	Day    day      `ews:"t:Day"`
	Price  int      `ews:"t:Price,always"`
	Author *author  `ews:"t:Author"`
	Parts  []pick   `ews:"t:Parts>*"`
	Extra  []extra  `ews:"?"`
}

type author struct {
	Lang string `ews:"@xml:lang"`
	Name string `ews:"#"`
}

type pick struct {
	Text  *author `ews:"t:Text"`
	Image *common `ews:"t:Image"`
}

type extra struct {
	Kind string `ews:"!"`
	Note string `ews:"t:Note"`
	Pick *pick  `ews:"*"`
}

func sample() book {
	pages, no := 0, false
	return book{common: common{"1<2", "A & \"B\"\n\tü"}, Pages: &pages, Bound: &no, Cover: []byte{0, 255}, Words: []string{"a", "", "c"}, Langs: []string{"de", "en"},
		Day: "2026-11-22", Author: &author{"fr", "Zoë "}, Parts: []pick{{Image: &common{ID: "i"}}, {Text: &author{Name: "x"}}, {Image: &common{ID: "j"}}},
		Extra: []extra{{Kind: "First", Note: "n"}, {Kind: "Second", Pick: &pick{Text: &author{Name: "y"}}}}}
}

const sampleXML = `<t:Book Id="1&lt;2"><t:Title>A &amp; &#34;B&#34;&#10;&#9;ü</t:Title><t:Pages>0</t:Pages><t:Bound>false</t:Bound><t:Cover>AP8=</t:Cover>` +
	`<t:Words><t:Word>a</t:Word><t:Word/><t:Word>c</t:Word></t:Words><t:Langs>de en</t:Langs><t:Day>2026-11-22</t:Day><t:Price>0</t:Price>` +
	`<t:Author xml:lang="fr">Zoë </t:Author><t:Parts><t:Image Id="i"/><t:Text>x</t:Text><t:Image Id="j"/></t:Parts>` +
	`<t:First><t:Note>n</t:Note></t:First><t:Second><t:Text>y</t:Text></t:Second></t:Book>`

func read(t *testing.T, in string, v any) (*Reader, error) {
	t.Helper()
	r := (&Codec{}).Reader(NewScanner(strings.NewReader(in), 1<<20, 20))
	if _, err := r.Next(); err != nil {
		return r, err
	}
	return r, r.Read(v)
}

func TestWritesInFieldOrder(t *testing.T) {
	got, err := (&Codec{}).Append([]byte("x"), "t:Book", sample())
	if err != nil || string(got) != "x"+sampleXML {
		t.Errorf("%v\n%s\n%s", err, got, sampleXML)
	}
}

func TestReadsWhatItWrites(t *testing.T) {
	var got book
	if r, err := read(t, sampleXML, &got); err != nil || len(r.Problems) > 0 {
		t.Fatal(err, r.Problems)
	}
	if want := sample(); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v\n%+v", got, want)
	}
}

func TestReadsOtherPrefixesAndUnknownElements(t *testing.T) {
	in := `<q:Book xmlns:q="u" Id=" i " New="1" xmlns:xsi="x" xsi:type="t:Y"><!-- c --><Pages> 12 </Pages><z:Bound>1</z:Bound><Words><Else><Word>no</Word></Else><z:Word>a<!-- x -->b</z:Word></Words>
	<Cover>A P
8=</Cover><Parts><Unknown><Text/></Unknown><Text>t</Text></Parts></q:Book>`
	var got book
	r, err := read(t, in, &got)
	if err != nil || len(r.Problems) > 0 {
		t.Fatal(err, r.Problems)
	}
	if got.ID != " i " || *got.Pages != 12 || !*got.Bound || !reflect.DeepEqual(got.Words, []string{"ab"}) || string(got.Cover) != "\x00\xff" || len(got.Parts) != 1 {
		t.Errorf("%+v", got)
	}
}

func TestValuesThatCannotBeReadAreProblems(t *testing.T) {
	in := `<Book><Pages>many</Pages><Bound>perhaps</Bound><Cover>!</Cover><Day>x</Day><Price><deep/></Price><Title>still</Title><Langs/></Book>`
	var got book
	r, err := read(t, in, &got)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Problems) != 5 || got.Pages != nil || got.Bound != nil || got.Cover != nil || got.Day != "" || got.Title != "still" {
		t.Errorf("%q %+v", r.Problems, got)
	}
	many := "<Book>" + strings.Repeat("<Pages>x</Pages>", 100) + "</Book>"
	if r, err := read(t, many, &got); err != nil || len(r.Problems) != maxProblems {
		t.Errorf("%d problems, %v", len(r.Problems), err)
	}
}

func TestEmptyValuesAreNone(t *testing.T) {
	var got book
	r, err := read(t, `<Book Id=""><Pages/><Bound></Bound><Day/><Cover/><Title/></Book>`, &got)
	if err != nil || len(r.Problems) > 0 || got.Pages != nil || got.Bound != nil || got.Day != "" {
		t.Errorf("%v %q %+v", err, r.Problems, got)
	}
}

func TestCutAnswersAreErrors(t *testing.T) {
	for n := range len(sampleXML) {
		var got book
		if _, err := read(t, sampleXML[:n], &got); err == nil {
			t.Fatalf("cut at %d of %d: no error", n, len(sampleXML))
		}
	}
}

func TestWritingFails(t *testing.T) {
	type unnamed struct {
		X []extra `ews:"?"`
	}
	type odd struct {
		F float64 `ews:"t:F"`
	}
	cases := map[string]any{
		"no struct":    7,
		"bad value":    &book{Day: "bad"},
		"without name": unnamed{[]extra{{}}},
		"no way":       odd{1},
		"bad tag": struct {
			X string `ews:"t:A,sometimes"`
		}{"x"},
		"wrapper of one": struct {
			X string `ews:"t:A>t:B"`
		}{"x"},
		"twice": struct {
			X string `ews:"t:A"`
			Y string `ews:"m:A"`
		}{"x", "y"},
		"two rests": struct {
			X []extra `ews:"?"`
			Y []extra `ews:"?"`
		}{},
		"inline no struct": struct {
			X string `ews:"*"`
		}{},
	}
	for name, v := range cases {
		if out, err := (&Codec{}).Append(nil, "t:X", v); err == nil {
			t.Errorf("%s: wrote %s", name, out)
		}
	}
	if err := (&Codec{}).Reader(NewScanner(strings.NewReader(""), 1, 1)).Read(7); err == nil {
		t.Error("read into a number")
	}
}

func TestCharactersThatXMLCannotSayAreLeftOut(t *testing.T) {
	got, err := (&Codec{}).Append(nil, "t:X", author{Name: "a\x00b\x1fc\xffd\uFFFEe\r\n"})
	if err != nil || string(got) != "<t:X>abcde&#13;&#10;</t:X>" {
		t.Errorf("%q %v", got, err)
	}
}
