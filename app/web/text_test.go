package web

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"testing"

	"portico/realtime"
	"portico/views/catalogue"
)

// Every reason that this package gives has a sentence in every language.
func TestEveryReasonHasASentence(t *testing.T) {
	reasons := ownReasons(t)
	for _, bye := range []string{realtime.ReasonDraining, realtime.ReasonSessionEnded, realtime.ReasonTooSlow, realtime.ReasonTooMany, realtime.ReasonUnavailable} {
		reasons["bye."+bye] = true
	}
	for _, status := range []int{400, 401, 403, 404, 405, 413, 415, 500} {
		reasons[echoReason(status)] = true
	}
	if len(reasons) < 30 {
		t.Fatalf("only %d reasons found: %v", len(reasons), reasons)
	}
	for _, locale := range catalogue.Locales() {
		for reason := range reasons {
			if !catalogue.For(locale).Has("error." + reason) {
				t.Errorf("%s: no text for error.%s", locale, reason)
			}
		}
	}
}

// ownReasons reads the keys out of the calls that make errors in this package.
func ownReasons(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	names, err := fs.Glob(os.DirFS("."), "*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) != 2 || !makesAnError(call.Fun) {
				return true
			}
			if lit, ok := call.Args[1].(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if key, err := strconv.Unquote(lit.Value); err == nil {
					found[key] = true
				}
			}
			return true
		})
	}
	return found
}

func makesAnError(fun ast.Expr) bool {
	switch f := fun.(type) {
	case *ast.SelectorExpr:
		return f.Sel.Name == "Fail"
	case *ast.Ident:
		return f.Name == "failStatus"
	}
	return false
}

func TestPickLocale(t *testing.T) {
	for _, test := range []struct {
		wishes []string
		want   string
	}{
		{nil, "en"},
		{[]string{"de"}, "de"},
		{[]string{"", "de-CH,de;q=0.9"}, "de"},
		{[]string{"en", "de"}, "en"},
		{[]string{"", "", "fr, de;q=0.5"}, "de"},
		{[]string{"zz-ZZ"}, "en"},
		{[]string{strings.Repeat("de,", 5000)}, "en"},
		{[]string{"\x00\xff"}, "en"},
	} {
		if got := catalogue.Match(test.wishes...); got != test.want {
			t.Errorf("Match(%.40q) = %q, want %q", test.wishes, got, test.want)
		}
	}
}

func TestExplainSaysHowLong(t *testing.T) {
	f := failure{status: 429, reason: "too-many", retryAfter: 20e9}
	if got := explain(catalogue.For("en"), f); !strings.Contains(got, "20 seconds") {
		t.Errorf("%q", got)
	}
	f.retryAfter = 90e6
	if got := explain(catalogue.For("en"), f); !strings.Contains(got, "1 second.") {
		t.Errorf("for less than a second it is said: %q", got)
	}
	f.retryAfter = 0
	if got := explain(catalogue.For("en"), f); strings.Contains(got, "{{") || strings.Contains(got, "no value") {
		t.Errorf("%q", got)
	}
}
