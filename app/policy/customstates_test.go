package policy

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"portico/app/portal"
)

func states(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "customstates", name+".xml"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestCustomStatesOfTheOriginal(t *testing.T) {
	want := []portal.CustomState{
		{ID: 1, Availability: portal.Available, Texts: portal.NewStateTexts(map[int]string{1033: "Working from home", 1031: "Arbeite zu Hause", 1036: "Télétravail"})},
		{ID: 2, Availability: portal.Busy, Texts: portal.NewStateTexts(map[int]string{1033: "At a customer's site", 1031: "Beim Kunden vor Ort"})},
		{ID: 3, Availability: portal.Busy, Texts: portal.NewStateTexts(map[int]string{1033: "In the workshop & hard to hear", 1031: "In der Werkstatt & schwer zu hören", 1055: "Atölyede"})},
		{ID: 4, Availability: portal.DoNotDisturb, Texts: portal.NewStateTexts(map[int]string{1033: "Interviewing", 1031: "Im Bewerbungsgespräch"})},
	}
	western := slices.Clone(want)
	western[2].Texts = portal.NewStateTexts(map[int]string{1033: "In the workshop & hard to hear", 1031: "In der Werkstatt & schwer zu hören"})
	for name, want := range map[string][]portal.CustomState{
		"four": want, "lync": want, "plain": want, "utf16le": want, "utf16be": want, "utf8mark": want, "windows": western,
	} {
		got, err := ParseCustomStates(states(t, name))
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v\n%+v\nwant\n%+v", name, err, got, want)
		}
		// What is kept of it as text reads the same.
		text, err := CustomStatesText(states(t, name))
		if err != nil || !utf8.ValidString(text) {
			t.Errorf("%s as text: %v", name, err)
		}
		if got, err := ParseCustomStates([]byte(text)); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s as text, read again: %v %+v", name, err, got)
		}
	}
	if _, err := CustomStatesText(states(t, "utf8")); portal.Reason(err) != "customstates.encoding" {
		t.Errorf("text of a file with bad characters: %v", err)
	}
}

func TestCustomStatesInAnyOrder(t *testing.T) {
	got, err := ParseCustomStates([]byte(`<s:customStates xmlns:s="http://schemas.microsoft.com/09/2009/communicator/customStates">` +
		`<s:customState availability="Online" ID=" 3 "><s:activity LCID="1033">a<!-- no -->b <![CDATA[<c>]]>` + "\n\t" + `d</s:activity></s:customState>` +
		`<?note nothing?><s:customState ID="1" availability="BUSY"><s:activity LCID="1033">x</s:activity></s:customState></s:customStates>`))
	want := []portal.CustomState{
		{ID: 1, Availability: portal.Busy, Texts: portal.NewStateTexts(map[int]string{1033: "x"})},
		{ID: 3, Availability: portal.Available, Texts: portal.NewStateTexts(map[int]string{1033: "ab <c> d"})},
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v %+v", err, got)
	}
}

// TestBrokenCustomStates: each fault is named with its line.
func TestBrokenCustomStates(t *testing.T) {
	large := append([]byte("<customStates>"), bytes.Repeat([]byte(" "), 1<<20)...)
	nested := append([]byte("<customStates>"), bytes.Repeat([]byte("<a>"), 20_000)...)
	texts := "<customStates>\n<customState ID=\"1\" availability=\"busy\">\n<activity LCID=\"1033\">x</activity>\n"
	for n := range 40 {
		texts += fmt.Sprintf("<activity LCID=\"%d\">x</activity>\n", 2000+n)
	}
	for _, c := range []struct {
		name string
		data []byte
		want string // each fault as "line key", in order
	}{
		{"five", nil, "15 too-many, 15 id"},
		{"english", nil, "6 no-english"},
		{"away", nil, "6 availability"},
		{"twice", nil, "6 id-twice"},
		{"long", nil, "5 text-long"},
		{"dtd", nil, "2 dtd"},
		{"bomb", nil, "2 dtd"},
		{"page", nil, "1 dtd"},
		{"entity", nil, "4 entity"},
		{"namespace", nil, "2 namespace"},
		{"root", nil, "2 root"},
		{"empty", nil, "1 empty"},
		{"none", nil, "4 empty"},
		{"deep", nil, "4 element, 4 deep"},
		{"utf8", nil, "7 encoding"},
		{"half16", nil, "6 encoding"},
		{"alien", nil, "1 encoding"},
		{"open", nil, "6 xml"},
		{"crossed", nil, "3 xml"},
		{"id", nil, "3 id, 6 id"},
		{"lcid", nil, "5 lcid, 6 lcid-twice"},
		{"attributes", nil, "3 attribute-unknown, 3 attribute, 6 attribute-twice, 7 attribute"},
		{"texts", nil, "3 text-outside, 5 text-empty, 7 element"},
		{"second", nil, "7 element"},
		{"a file of 1 MB", large, "1 too-large"},
		{"nesting", nested, "1 element, 1 deep"},
		{"languages", []byte(texts + "</customState></customStates>"), "2 languages"},
		{"zeros", make([]byte, 100), "1 xml"},
		{"sealed", []byte("<\x00c\x00\xd8\xd8"), "1 encoding"},
		{"version", []byte("<?xml version=\"1.1\"?><customStates/>"), "1 xml"},
	} {
		data := c.data
		if data == nil {
			data = states(t, c.name)
		}
		got, err := ParseCustomStates(data)
		var faults []string
		for _, f := range Faults(err) {
			if f.Meaning != portal.ErrInvalid {
				t.Errorf("%s: %v means %v", c.name, f, f.Meaning)
			}
			faults = append(faults, f.Args["line"]+" "+strings.TrimPrefix(f.Key, "customstates."))
		}
		if joined := strings.Join(faults, ", "); joined != c.want || got != nil || portal.Meaning(err) != portal.ErrInvalid {
			t.Errorf("%s: %q, want %q (%v)", c.name, joined, c.want, got)
		}
	}
}

// TestManyFaults: of a file that is all wrong not everything is said.
func TestManyFaults(t *testing.T) {
	_, err := ParseCustomStates([]byte("<customStates>" + strings.Repeat("<x/>\n", 1000) + "</customStates>"))
	if n := len(Faults(err)); n != maxStateFaults {
		t.Errorf("%d faults", n)
	}
	if len(Faults(nil)) != 0 || len(Faults(os.ErrNotExist)) != 0 || len(Faults(portal.Fail(portal.ErrInvalid, "x"))) != 1 {
		t.Error("the faults of other errors")
	}
}

func FuzzCustomStates(f *testing.F) {
	files, err := filepath.Glob(filepath.Join("testdata", "customstates", "*.xml"))
	if err != nil || len(files) < 20 {
		f.Fatalf("%d files, %v", len(files), err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := ParseCustomStates(data)
		if err != nil {
			for _, fault := range Faults(err) {
				if fault.Args["line"] == "" || fault.Meaning != portal.ErrInvalid || !strings.HasPrefix(fault.Key, "customstates.") {
					t.Errorf("a fault without a line: %+v", fault)
				}
			}
			if len(Faults(err)) == 0 || list != nil {
				t.Errorf("an error without a fault: %v %v", err, list)
			}
			return
		}
		if len(list) == 0 || len(list) > MaxCustomStates {
			t.Fatalf("%d states", len(list))
		}
		for i, s := range list {
			if s.ID < 1 || s.ID > MaxCustomStates || i > 0 && list[i-1].ID >= s.ID || !s.Availability.Valid() || s.Texts.For(portal.EnglishLCID) == "" {
				t.Errorf("state %d: %+v", i, s)
			}
			for lcid, text := range s.Texts.Table() {
				if n := utf8.RuneCountInString(text); lcid < 1 || n < 1 || n > MaxCustomText || !utf8.ValidString(text) || strings.ContainsAny(text, "\n\t\x1f\u202e") {
					t.Errorf("text %d: %q", lcid, text)
				}
			}
		}
		text, err := CustomStatesText(data)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := ParseCustomStates([]byte(text)); len(text) <= MaxCustomStatesSize && (err != nil || !slices.Equal(again, list)) {
			t.Errorf("read again: %v %+v, was %+v", err, again, list)
		}
	})
}
