package views

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"portico/views/catalogue"
)

// Texts that people read stand in the catalogues. Templates are searched by TestNoTextInTemplates; here are the programs
// that answer people, and the pages' scripts.

// answering are the folders of what answers people. What is not among them gives reasons (TestEveryReasonHasASentence), logs
// and the command line's own words.
var answering = []string{
	"../views", "../app/web", "../app/rooms", "../app/chat", "../app/history", "../app/calls", "../app/contacts", "../app/privacy", "../app/presence",
	"../app/policy", "../app/diagnosis", "../app/mailer", "../app/hook", "../app/account", "../app/crm",
}

// twoWords is what a sentence has and a key, a name of a header or a class have not.
var twoWords = regexp.MustCompile(`\p{L}{2,},? \p{L}{2,}`)

// technical are literals of two words that are none: markup, header fields, styles, statements, lists.
var technical = regexp.MustCompile(`^\s*<|^three |^Mac OS$|^const words|max-age|no-cache|^[A-Za-z-]+(, [A-Za-z-]+)+$|\w="|\{[\w-]+:|^(Bearer|SELECT|INSERT|UPDATE|DELETE) |^[A-Z ]+$|^application/`)

// excused are texts in English that stand in the program for a reason.
var excused = map[string]string{
	"../app/rooms/imc.go":           "what the SIP server's own chat module says: it is recognised, not said",
	"../app/rooms/sentences.go":     "the sentences of rooms without a house; TestSentencesOfRooms shows that the catalogues have each",
	"../app/history/options.go":     "as above, of exports",
	"../app/calls/options.go":       "as above, of entries in Exchange",
	"../views/catalogue/format.go":  "tags of languages",
	"../app/web/openapi.go":         "the description for programmers, in English",
	"../app/policy/customstates.go": "what XML calls a thing, in an error's cause",
	"../app/diagnosis/trace.go":     "a trace of protocols, for those who mend the portal",
	"../app/web/audit_acts.go":      "what the record of the audit keeps is the same for all who read it",
	"../app/account/device.go":      "the name of a key",
	"../app/account/seal.go":        "the name of a key",
}

// unreadCalls are functions whose texts go into logs, errors for operators, patterns and the record of the audit.
var unreadCalls = regexp.MustCompile(`(^|\.)(Errorf|New|(Debug|Info|Warn|Error)(Context)?|LogAttrs|Log|panic|MustCompile|NewReplacer|Exec|ExecContext|QueryContext|QueryRowContext|String|audit\w*|caught|warn|trouble|told|noted|note|report|logged|try|tell|later\.do)$`)

// unreadFields are members of descriptions for programmers and operators.
var unreadFields = []string{"Help", "summary", "about"}

func TestNoTextInPrograms(t *testing.T) {
	literals := 0
	used := map[string]bool{}
	for _, folder := range answering {
		err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.HasSuffix(path, "_templ.go") {
				return err
			}
			for _, l := range sentencesIn(t, path, &literals) {
				if excused[path] != "" {
					used[path] = true
					continue
				}
				t.Errorf("%s says %s", l.at, l.text)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if literals < 2000 {
		t.Errorf("only %d literals: the search is broken", literals)
	}
	for path, why := range excused {
		if !used[path] {
			t.Errorf("%s has no text that would be excused (%s)", path, why)
		}
	}
}

type sentence struct{ at, text string }

// sentencesIn are the literals of a file that read like a text and are not for operators and programmers.
func sentencesIn(t *testing.T, path string, literals *int) []sentence {
	t.Helper()
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var out []sentence
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec:
			return false
		case *ast.CallExpr:
			return !unreadCalls.MatchString(calledName(n.Fun))
		case *ast.CompositeLit:
			name, ok := n.Type.(*ast.Ident)
			return !ok || name.Name != "operation" && name.Name != "param" && name.Name != "answer"
		case *ast.KeyValueExpr:
			name, ok := n.Key.(*ast.Ident)
			return !ok || !slices.Contains(unreadFields, name.Name)
		case *ast.Field:
			return n.Tag == nil
		case *ast.BasicLit:
			if n.Kind != token.STRING {
				return true
			}
			*literals++
			if text, err := strconv.Unquote(n.Value); err == nil && twoWords.MatchString(text) && !technical.MatchString(text) {
				out = append(out, sentence{files.Position(n.Pos()).String(), n.Value})
			}
		}
		return true
	})
	return out
}

func calledName(f ast.Expr) string {
	switch f := f.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return calledName(f.X) + "." + f.Sel.Name
	case *ast.CallExpr:
		return calledName(f.Fun) + "()"
	}
	return ""
}

// scriptText finds what a script shows by itself: a literal that is given to an element's text or to an attribute that people read.
var scriptText = regexp.MustCompile("(?:textContent|innerText|title|placeholder|ariaLabel|alt|label)\\s*[:=]\\s*[\"'`]([^\"'`]*\\p{L}[^\"'`]*)[\"'`]|setAttribute\\(\"(?:title|aria-label|placeholder|alt)\",\\s*[\"'`]([^\"'`]*\\p{L}[^\"'`]*)|(?:alert|confirm|prompt|Notification|announce|say|problem)\\(\\s*[\"'`]([^\"'`]*\\p{L}[^\"'`]*)[\"'`]")

// scriptWords finds literals of two words, which are classes and selectors in scripts or else texts.
var scriptWords = regexp.MustCompile("[\"'`]([^\"'`\\n]*\\p{L}{2,},? \\p{L}{2,}[^\"'`\\n]*)[\"'`]")

// scriptTechnical are literals of scripts that are no texts: markup without text, selectors, classes, the names of functions in texts.
var scriptTechnical = regexp.MustCompile(`^use strict$|&&| in window |^input, textarea$|[#.\[:$>]|^<[^>]*>(<[^>]*>)*$|^(banner|menu|again|icon|button) [a-z-]+$`)

func TestNoTextInScripts(t *testing.T) {
	names, err := filepath.Glob("../static/js/*.js")
	if err != nil || len(names) < 10 {
		t.Fatalf("scripts: %v %v", names, err)
	}
	embedded, err := filepath.Glob("../static/embed/*.js")
	if err != nil || len(embedded) == 0 {
		t.Fatalf("scripts for other pages: %v %v", embedded, err)
	}
	comment := regexp.MustCompile(`(?m)(^|\s)//.*$`)
	for _, name := range append(names, embedded...) {
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		text := comment.ReplaceAllString(string(source), "")
		for _, m := range scriptText.FindAllStringSubmatch(text, -1) {
			t.Errorf("%s shows %q", name, strings.Join(m[1:], ""))
		}
		for _, m := range scriptWords.FindAllStringSubmatch(text, -1) {
			if !scriptTechnical.MatchString(m[1]) {
				t.Errorf("%s has the text %q", name, m[1])
			}
		}
	}
}

// TestSentencesOfRooms: each sentence that a room says to programs is in the catalogues.
func TestSentencesOfRooms(t *testing.T) {
	source, err := os.ReadFile("../app/rooms/sentences.go")
	if err != nil {
		t.Fatal(err)
	}
	keys := regexp.MustCompile(`"(room\.say\.[a-z-]+)"`).FindAllStringSubmatch(string(source), -1)
	if len(keys) < 15 {
		t.Fatalf("only %d sentences: the search is broken", len(keys))
	}
	for _, key := range keys {
		for _, locale := range catalogue.Locales() {
			if !catalogue.For(locale).Has(key[1]) {
				t.Errorf("%s has no %s", locale, key[1])
			}
		}
	}
}
