package static

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The table of the help page on ASVS: every requirement of levels 1 and 2 stands in it once, in both languages alike; who is said to
// be met names tests that exist, and whatever else is said has its reason. The sections that it speaks of are there.
func TestASVSTable(t *testing.T) {
	levels, tests := requirements(t), testFunctions(t)
	states := map[string][]string{"en": {"met", "in part", "not met", "operator", "does not apply"},
		"de": {"erfüllt", "teilweise", "nicht erfüllt", "Betreiber", "trifft nicht zu"}}
	first := map[string]string{}
	for _, language := range []string{"en", "de"} {
		page, err := Page("help/asvs." + language + ".md")
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for line := range strings.SplitSeq(string(page), "\n") {
			cells := strings.Split(strings.Trim(line, "|"), "|")
			if !strings.HasPrefix(line, "| ") || len(cells) != 6 || !regexp.MustCompile(`^ \d+\.`).MatchString(cells[0]) {
				continue
			}
			for i := range cells {
				cells[i] = strings.TrimSpace(cells[i])
			}
			number, state := cells[0], -1
			for i, name := range states[language] {
				if cells[3] == name {
					state = i
				}
			}
			if levels[number] == "" || levels[number] != cells[1] || seen[number] || state < 0 || len(cells[2]) < 3 || len(cells[4]) < 5 {
				t.Errorf("%s: %s", language, line)
			}
			seen[number] = true
			checkNamed(t, language, line, state, cells[5], tests)
			said := cells[5] + states["en"][max(0, state)]
			if language == "en" {
				first[number] = said
			} else if first[number] != said {
				t.Errorf("%s: %s says something else than in English", language, number)
			}
		}
		for number := range levels {
			if !seen[number] {
				t.Errorf("%s: %s is missing", language, number)
			}
		}
		if sections := strings.Count(string(page), "\n## "); sections != 17+4 {
			t.Errorf("%s: %d sections", language, sections)
		}
	}
}

// checkNamed holds the last cell of a line to what is said of the requirement.
func checkNamed(t *testing.T, language, line string, state int, cell string, tests map[string]bool) {
	t.Helper()
	if cell == "–" {
		if state == 0 {
			t.Errorf("%s: nothing shows that it is met: %s", language, line)
		}
		return
	}
	for name := range strings.FieldsSeq(cell) {
		if name = strings.Trim(name, "`"); !tests[name] {
			t.Errorf("%s: there is no test %q: %s", language, name, line)
		}
	}
}

// requirements are the numbers of the standard with their levels.
func requirements(t *testing.T) map[string]string {
	t.Helper()
	data, err := os.ReadFile("testdata/asvs-5.0.txt")
	if err != nil {
		t.Fatal(err)
	}
	levels := map[string]string{}
	for line := range strings.Lines(string(data)) {
		number, level, _ := strings.Cut(strings.TrimSpace(line), " ")
		levels[number] = level
	}
	if len(levels) != 253 {
		t.Fatalf("%d requirements", len(levels))
	}
	return levels
}

// testFunctions are the tests and fuzz targets of the whole source.
func testFunctions(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && strings.HasPrefix(d.Name(), ".") && len(d.Name()) > 2 {
			return fs.SkipDir
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, declared := range file.Decls {
			if f, ok := declared.(*ast.FuncDecl); ok && f.Recv == nil && (strings.HasPrefix(f.Name.Name, "Test") || strings.HasPrefix(f.Name.Name, "Fuzz")) {
				found[f.Name.Name] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
