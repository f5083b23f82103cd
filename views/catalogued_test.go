package views

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/a-h/templ/parser/v2"

	"portico/views/catalogue"
)

// textCall finds the keys that templates, view models and page handlers ask the catalogue for.
var textCall = regexp.MustCompile(`\b(?:Text|Count|moment)\((?:r, |f\.Reader, |v\.Reader, )?"([a-z0-9.-]+)"( ?\+)?`)

// TestEveryTextThatIsAskedForExists: a key that is made up at run time must at least have its beginning.
func TestEveryTextThatIsAskedForExists(t *testing.T) {
	en := catalogue.For(catalogue.Default)
	asked := 0
	for _, pattern := range []string{"*.templ", "*.go", "catalogue/*.go", "../app/web/page_*.go"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") || strings.HasSuffix(name, "_templ.go") {
				continue
			}
			source, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range textCall.FindAllStringSubmatch(string(source), -1) {
				asked++
				if m[2] == "" && !en.Has(m[1]) {
					t.Errorf("%s asks for %q, which the catalogue has not", name, m[1])
				}
				if m[2] != "" && !hasPrefix(en, m[1]) {
					t.Errorf("%s asks for %q…, and the catalogue has nothing that begins so", name, m[1])
				}
			}
		}
	}
	if asked < 100 {
		t.Errorf("only %d texts are asked for: the search is broken", asked)
	}
}

// quoted finds the literals of programs, templates, scripts and the API's description, of which keys are made.
var quoted = regexp.MustCompile("\"((?:[^\"\\\\\\n]|\\\\.)*)\"|`([^`\\n]*)`")

// TestEveryTextIsAskedFor: a text whose key stands nowhere, and of which nothing is the beginning, is dead.
func TestEveryTextIsAskedFor(t *testing.T) {
	literals, beginnings := map[string]bool{}, map[string]bool{}
	for _, root := range []string{"../views", "../app", "../storage", "../realtime", "../static/js"} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			known := slices.Contains([]string{".go", ".templ", ".js"}, filepath.Ext(path))
			if err != nil || d.IsDir() || !known || strings.HasSuffix(path, "_test.go") || strings.HasSuffix(path, "_templ.go") {
				return err
			}
			source, err := os.ReadFile(path)
			for _, m := range quoted.FindAllStringSubmatch(string(source), -1) {
				text := m[1] + m[2]
				literals[text] = true
				before, _, formatted := strings.Cut(text, "%")
				if before != "error." && before != "script." && strings.Contains(before, ".") && (formatted || strings.HasSuffix(before, ".") || strings.HasSuffix(before, "-")) {
					beginnings[before] = true
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, key := range catalogue.For(catalogue.Default).Keys() {
		asked := strings.HasPrefix(key, "error.") && strings.HasSuffix(key, ".failed") || // for a family's reasons without a sentence
			literals[key] || literals[strings.TrimPrefix(key, "error.")] || literals[strings.TrimPrefix(key, "script.")]
		for at := range key {
			asked = asked || at > 3 && beginnings[key[:at]] || at > 9 && strings.HasPrefix(key, "error.") && beginnings[key[6:at]]
		}
		if !asked {
			t.Errorf("nothing asks for %q", key)
		}
	}
}

func hasPrefix(c *catalogue.Catalogue, prefix string) bool {
	for _, key := range c.Keys() {
		if strings.HasPrefix(key, prefix) {
			return true
		}
	}
	return false
}

// TestKeysMadeAtRunTimeExist: those of which the source shows only the beginning.
func TestKeysMadeAtRunTimeExist(t *testing.T) {
	var keys []string
	for _, s := range Sections(true) {
		keys = append(keys, "nav."+string(s))
	}
	for _, s := range []Section{Rooms, Calendar, Responses, History, Calls, CRM, Admin, Diagnostics} {
		keys = append(keys, "nav."+string(s), "section.will."+string(s))
	}
	for _, a := range settable() {
		keys = append(keys, "own.choice."+string(a))
	}
	for _, d := range Durations() {
		keys = append(keys, "own.for."+d)
	}
	for _, th := range themes() {
		keys = append(keys, th.Key)
	}
	en := catalogue.For(catalogue.Default)
	for _, key := range keys {
		if !en.Has(key) {
			t.Errorf("the catalogue has no %q", key)
		}
	}
	for key, text := range NewReader("en", "UTC", en0).scriptTexts() {
		if text == "" || text == "script."+key {
			t.Errorf("the script has no text for %q", key)
		}
	}
}

// shown are the attributes whose values people read or hear.
var shown = map[string]bool{"aria-label": true, "title": true, "alt": true, "placeholder": true, "value": true, "label": true}

// TestNoTextInTemplates: what people read stands in the catalogues, never in a template. The product's name is
// a name in every language.
func TestNoTextInTemplates(t *testing.T) {
	names, err := filepath.Glob("*.templ")
	if err != nil || len(names) < 5 {
		t.Fatalf("templates: %v %v", names, err)
	}
	texts := 0
	for _, name := range names {
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		file, err := parser.ParseString(string(source))
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range file.Nodes {
			if template, ok := n.(*parser.HTMLTemplate); ok {
				texts += literal(t, name, template.Children)
			}
		}
	}
	if texts == 0 {
		t.Error("not even the product's name was found: the search is broken")
	}
}

func literal(t *testing.T, file string, nodes []parser.Node) (seen int) {
	for _, n := range nodes {
		switch n := n.(type) {
		case *parser.Text:
			seen++
			if strings.ContainsFunc(n.Value, unicode.IsLetter) && strings.TrimSpace(n.Value) != "Portico" {
				t.Errorf("%s has the text %q", file, strings.TrimSpace(n.Value))
			}
		case *parser.Element:
			for _, a := range n.Attributes {
				c, ok := a.(*parser.ConstantAttribute)
				if ok && shown[c.Key.String()] && strings.Contains(c.Value, " ") {
					t.Errorf("%s: the attribute %s has the text %q", file, c.Key.String(), c.Value)
				}
			}
			seen += literal(t, file, n.Children)
		case *parser.IfExpression:
			seen += literal(t, file, n.Then) + literal(t, file, n.Else)
			for _, e := range n.ElseIfs {
				seen += literal(t, file, e.Then)
			}
		case *parser.ForExpression:
			seen += literal(t, file, n.Children)
		case *parser.SwitchExpression:
			for _, c := range n.Cases {
				seen += literal(t, file, c.Children)
			}
		case *parser.TemplElementExpression:
			seen += literal(t, file, n.Children)
		}
	}
	return seen
}
