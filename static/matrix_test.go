package static

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// The tables of the README that say what was tested where: every test they name exists, every row fills its table, and no column is
// without a test.
func TestMatrixNamesTests(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, part, _ := strings.Cut(string(readme), "\n### What was tested where\n")
	part, _, found := strings.Cut(part, "\n### ")
	if !found {
		t.Fatal("the README has no such part")
	}
	tests, name := testFunctions(t), regexp.MustCompile("^`(Test[A-Za-z0-9]+)`$")
	tables, rows := 0, 0
	var head []string
	var filled []int
	for line := range strings.SplitSeq(part, "\n") {
		if !strings.HasPrefix(line, "|") {
			for i, n := range filled {
				if i > 0 && n == 0 {
					t.Errorf("nothing was tested with %q", head[i])
				}
			}
			head, filled = nil, nil
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		if head == nil {
			head, filled = cells, make([]int, len(cells))
			tables++
			continue
		}
		if len(cells) != len(head) {
			t.Errorf("%d cells, not %d: %s", len(cells), len(head), line)
			continue
		}
		if strings.Contains(line, "---") {
			continue
		}
		rows++
		for i, cell := range cells[1:] {
			if strings.TrimSpace(cell) == "–" {
				continue
			}
			filled[i+1]++
			named := strings.Fields(cell)
			for _, word := range named {
				if m := name.FindStringSubmatch(word); m == nil || !tests[m[1]] {
					t.Errorf("there is no test %s: %s", word, line)
				}
			}
			if len(named) == 0 {
				t.Errorf("an empty cell: %s", line)
			}
		}
	}
	if tables != 2 || rows < 19 {
		t.Errorf("%d tables, %d rows", tables, rows)
	}
}
