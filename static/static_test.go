package static

import (
	"bytes"
	"compress/gzip"
	"io"
	"io/fs"
	"regexp"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
)

// scriptBudget is what all script of a page may weigh on the wire, in bytes of gzip.
const scriptBudget = 26 * 1024

func TestScriptStaysSmall(t *testing.T) {
	total := 0
	for _, name := range []string{"vendor/htmx/htmx.min.js", Script} {
		a, ok := Lookup(name)
		if !ok {
			t.Fatalf("no asset %s", name)
		}
		t.Logf("%s: %d bytes, gzip %d, brotli %d", name, a.Size(Identity), a.Size(Gzip), a.Size(Brotli))
		total += a.Size(Gzip)
	}
	if total > scriptBudget {
		t.Errorf("script weighs %d bytes, more than %d", total, scriptBudget)
	}
}

// The calendar's pages carry their own script too, and no other page does.
func TestCalendarScript(t *testing.T) {
	all, ok := Lookup(CalendarScript)
	if !ok {
		t.Fatal("the calendar has no script")
	}
	plain, _ := Lookup(Script)
	if grown := all.Size(Gzip) - plain.Size(Gzip); grown <= 0 || grown > 8*1024 {
		t.Errorf("the calendar adds %d bytes", grown)
	}
	names, err := fs.Glob(files, "js/*"+ofCalendar+"*.js")
	if err != nil || len(names) != 3 {
		t.Errorf("the calendar's files: %v %v", names, err)
	}
}

// Whoever is not signed in yet gets next to nothing.
// TestNoTwoScriptsDeclareTheSame: files of one bundle share their outermost names, and a page whose script declares one twice has none.
func TestNoTwoScriptsDeclareTheSame(t *testing.T) {
	names, err := fs.Glob(files, "js/*.js")
	if err != nil || len(names) < 10 {
		t.Fatalf("%d scripts, %v", len(names), err)
	}
	in := map[string]string{}
	for _, name := range names {
		body, err := files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(body)) {
			for _, declared := range outermost(line) {
				if other := in[declared]; other != "" {
					t.Errorf("%s and %s both declare %s", other, name, declared)
				}
				in[declared] = name
			}
		}
	}
	if in["whileRead"] == "" || in["failures"] == "" {
		t.Error("declarations were not found")
	}
}

// outermost are the names that an outermost line declares.
func outermost(line string) (names []string) {
	first := regexp.MustCompile(`^(?:const|let|var|class|function|async function)\*? ([\w$]+)(.*)`).FindStringSubmatch(line)
	if first == nil {
		return nil
	}
	names, depth := []string{first[1]}, 0
	for i, r := range first[2] {
		switch {
		case strings.ContainsRune("([{", r):
			depth++
		case strings.ContainsRune(")]}", r):
			depth--
		case r == ',' && depth == 0:
			if next := regexp.MustCompile(`^, ([\w$]+) =`).FindStringSubmatch(first[2][i:]); next != nil {
				names = append(names, next[1])
			}
		}
	}
	return names
}

func TestSigninScript(t *testing.T) {
	a, ok := Lookup(SigninScript)
	if !ok || a.Size(Gzip) > 2*1024 {
		t.Fatalf("the script of the sign-in page: %v, %d bytes", ok, a.Size(Gzip))
	}
	if body, _ := a.Body(); !bytes.Contains(body, []byte(`("portico-zone"`)) || bytes.Contains(body, []byte("WebSocket")) {
		t.Error("it does not tell the browser's zone, or does more")
	}
}

func TestServedNameFollowsContent(t *testing.T) {
	one, two := manifest{map[string]*Asset{}, map[string]*Asset{}}, manifest{map[string]*Asset{}, map[string]*Asset{}}
	one.add("css/a.css", []byte("a{}"))
	two.add("css/a.css", []byte("b{}"))
	if one.byName["css/a.css"].Served == two.byName["css/a.css"].Served {
		t.Error("other content has the same served name")
	}
	if !strings.HasPrefix(one.byName["css/a.css"].Served, "css/a.") || !strings.HasSuffix(one.byName["css/a.css"].Served, ".css") {
		t.Errorf("served as %s", one.byName["css/a.css"].Served)
	}
}

func TestEveryAssetIsServedWhole(t *testing.T) {
	for _, name := range Names() {
		path := Path(name)
		a, ok := Find(strings.TrimPrefix(path, Prefix))
		if !ok {
			t.Errorf("%s: not found under its own path %s", name, path)
			continue
		}
		plain, coding := a.Body()
		if coding != Identity || len(plain) == 0 {
			t.Errorf("%s: identity form is %q with %d bytes", name, coding, len(plain))
		}
		for coding, open := range map[Encoding]func(io.Reader) (io.Reader, error){
			Gzip:   func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
			Brotli: func(r io.Reader) (io.Reader, error) { return brotli.NewReader(r), nil },
		} {
			packed, got := a.Body(coding)
			if got != coding {
				continue // smaller as it is
			}
			r, err := open(bytes.NewReader(packed))
			if err != nil {
				t.Fatalf("%s %s: %v", name, coding, err)
			}
			if unpacked, err := io.ReadAll(r); err != nil || !bytes.Equal(unpacked, plain) {
				t.Errorf("%s: %s form differs (%v)", name, coding, err)
			}
		}
	}
}

func TestBodyTakesFirstWantedCoding(t *testing.T) {
	a, _ := Lookup("css/portico.css")
	if _, got := a.Body(Brotli, Gzip); got != Brotli {
		t.Errorf("got %q, want br", got)
	}
	if _, got := a.Body(Gzip); got != Gzip {
		t.Errorf("got %q, want gzip", got)
	}
	if _, got := a.Body("zstd"); got != Identity {
		t.Errorf("got %q for a coding there is none of", got)
	}
}

func TestUnknownNames(t *testing.T) {
	if _, ok := Find("css/portico.css"); ok {
		t.Error("an asset is served without its hash")
	}
	defer func() {
		if recover() == nil {
			t.Error("Path of nothing did not panic")
		}
	}()
	Path("css/nothing.css")
}

// TestWhatIsSentIsMinified: scripts are one strict scope each and styles whole, without what is said to people about them, and
// the same each time, since their names follow their bytes.
func TestWhatIsSentIsMinified(t *testing.T) {
	names, err := fs.Glob(files, "js/*.js")
	if err != nil || len(names) < 5 {
		t.Fatalf("scripts: %v %v", names, err)
	}
	styles, err := fs.Glob(files, "css/*.css")
	if err != nil || len(styles) < 5 {
		t.Fatalf("styles: %v %v", styles, err)
	}
	sent := map[string][]byte{}
	for bundle, mark := range scripts() {
		a, _ := Lookup(bundle)
		body, _ := a.Body()
		if !bytes.HasPrefix(body, []byte(`(()=>{"use strict";`)) || !bytes.HasSuffix(body, []byte("})()")) {
			t.Errorf("%s is not one strict function scope", bundle)
		}
		for _, name := range names {
			if of := markOf(name); (of == "" || of == mark) && mark != ofAll {
				sent[name+" in "+bundle] = body
			}
		}
	}
	for _, name := range styles {
		a, _ := Lookup(name)
		sent[name], _ = a.Body()
	}
	for where, body := range sent {
		name, _, _ := strings.Cut(where, " in ")
		source, err := fs.ReadFile(files, name)
		if err != nil {
			t.Fatal(err)
		}
		said := regexp.MustCompile(`(?m)^(?://|/\*) (.{20})`).FindSubmatch(source)
		if said == nil {
			t.Errorf("%s does not say what it is", name)
		} else if bytes.Contains(body, said[1]) {
			t.Errorf("%s: its comments are sent to browsers", where)
		}
		kind := "text/javascript"
		if strings.HasSuffix(name, ".css") {
			kind = "text/css"
		}
		one, err := minified(kind, source)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if two, err := minified(kind, source); err != nil || !bytes.Equal(one, two) || len(one) > len(source)*19/20 {
			t.Errorf("%s: %d bytes of %d, or not the same each time (%v)", name, len(one), len(source), err)
		}
	}
}

func TestVendoredCodeHasItsLicence(t *testing.T) {
	dirs, err := fs.ReadDir(files, "vendor")
	if err != nil || len(dirs) == 0 {
		t.Fatalf("vendor: %v %v", dirs, err)
	}
	for _, d := range dirs {
		if b, err := fs.ReadFile(files, "vendor/"+d.Name()+"/LICENSE"); err != nil || len(b) < 100 {
			t.Errorf("%s has no licence: %v", d.Name(), err)
		}
	}
}

// TestNothingNeedsInlineRights: the policy allows no inline script or style and no eval.
func TestNothingNeedsInlineRights(t *testing.T) {
	names, _ := fs.Glob(files, "js/*.js")
	for _, name := range names {
		body, err := fs.ReadFile(files, name)
		if err != nil {
			t.Fatal(err)
		}
		for _, bad := range []string{"eval(", "new Function", ".style.", ".cssText", "setAttribute(\"style\"", "javascript:"} {
			if bytes.Contains(body, []byte(bad)) {
				t.Errorf("%s uses %q", name, bad)
			}
		}
	}
}
