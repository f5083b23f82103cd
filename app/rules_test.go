package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The house's import rules: which of our rooms a room may import, longest prefix first. A room that
// stands in no line fails the test, so that a new one must be given its place here.
var mayImport = []struct {
	room string
	may  []string
}{
	{"app/portal", nil},
	{"app/config", nil},
	{"static", nil},
	{"app/policy", []string{"app/portal"}},
	{"app/presence", []string{"app/portal", "app/policy"}},
	{"app/chat", []string{"app/portal", "app/policy"}},
	{"app/contacts", []string{"app/portal", "app/policy"}},
	{"app/calendar", []string{"app/portal", "app/policy", "app/calendar"}},
	// CRM and the synchronisation use the calendar's pure base too.
	{"app/crm", []string{"app/portal", "app/policy", "app/crm", "app/calendar/zone", "app/calendar/recurrence", "app/calendar/series"}},
	{"app/calsync", []string{"app/portal", "app/policy", "app/calsync", "app/calendar/zone", "app/calendar/recurrence", "app/calendar/series"}},
	{"app/mailer", nil},
	{"app/rooms", []string{"app/portal", "app/policy"}},
	{"app/blobs", []string{"app/portal"}},
	{"app/history", []string{"app/portal", "app/policy"}},
	{"app/calls", []string{"app/portal", "app/policy"}},
	{"app/privacy", []string{"app/portal", "app/policy"}},
	{"app/audit", []string{"app/portal", "app/policy"}},
	{"app/resume", []string{"app/portal"}},
	// Who reaches out to an address that somebody chose asks there whether it may.
	{"app/outward", []string{"app/portal"}},
	{"app/admin", []string{"app/portal", "app/policy", "app/outward"}},
	{"app/diagnosis", []string{"app/portal"}},
	{"app/hook", []string{"app/portal", "app/outward"}},
	{"app/directory", []string{"app/portal", "app/policy", "app/directory"}},
	{"app/account", []string{"app/portal", "app/policy"}},
	{"app/sipua/siplab", []string{"app/sipua/siplab"}},
	{"app/sipua/siptest", []string{"app/sipua/siptest"}},
	{"app/sipua", []string{"app/portal", "app/sipua", "!app/sipua/siplab", "!app/sipua/siptest"}},
	{"app/ews/ewslab", []string{"app/ews/ewslab"}},
	{"app/ews/ewstest", []string{"app/ews/ewstest"}},
	// The connector may use the calendar's pure base: zones and recurrence are understood in one place.
	{"app/ews", []string{"app/portal", "app/ews", "app/calendar/zone", "app/calendar/recurrence", "!app/ews/ewslab", "!app/ews/ewstest"}},
	{"storage/storagetest", []string{"app/portal", "storage"}},
	{"storage", []string{"app/portal", "storage"}},
	{"realtime", []string{"app/portal"}},
	{"views", []string{"app/portal", "static", "views"}},
	{"app/web", []string{"app/web", "app/portal", "app/policy", "app/account", "app/calendar", "app/calsync", "app/crm", "app/hook", "app/chat", "app/rooms", "app/history", "app/calls", "app/privacy", "app/admin", "app/diagnosis", "app/contacts", "app/directory", "app/presence", "views", "static", "realtime"}},
	{"app", []string{"app", "views", "static", "realtime", "storage"}},
}

// forbidden are the outside technologies that the use cases must not know.
var forbidden = map[string][]string{
	"github.com/labstack/echo":     {"app/policy", "app/presence", "app/chat", "app/contacts", "app/directory", "app/account", "app/calendar", "app/calsync", "app/crm", "app/rooms", "app/history", "app/calls", "app/privacy", "app/resume", "app/admin", "app/audit", "app/diagnosis", "storage", "realtime", "app/sipua"},
	"github.com/gorilla/websocket": {"app/policy", "app/presence", "app/chat", "app/contacts", "app/directory", "app/account", "app/calendar", "app/calsync", "app/crm", "app/rooms", "app/history", "app/calls", "app/privacy", "app/resume", "app/admin", "app/audit", "app/diagnosis", "storage", "app/sipua", "views"},
	"github.com/emiago/sipgo":      {"app/policy", "app/presence", "app/chat", "app/contacts", "app/directory", "app/account", "app/calendar", "app/calsync", "app/crm", "app/rooms", "app/history", "app/calls", "app/privacy", "app/resume", "app/admin", "app/audit", "app/diagnosis", "storage", "realtime", "views", "app/web"},
	"database/sql":                 {"app/policy", "app/presence", "app/chat", "app/contacts", "app/directory", "app/account", "app/calendar", "app/calsync", "app/crm", "app/rooms", "app/history", "app/calls", "app/privacy", "app/resume", "app/admin", "app/audit", "app/diagnosis", "realtime", "views", "app/web", "app/sipua"},
	"net":                          {"app/policy"},
	"os":                           {"app/policy"},
}

func TestRoomsImportOnlyWhatTheyMay(t *testing.T) {
	seen := 0
	for _, f := range sources(t) {
		dir := filepath.ToSlash(filepath.Dir(f))
		for _, path := range imports(t, f) {
			seen++
			if why := breaks(dir, path); why != "" {
				t.Errorf("%s imports %s: %s", f, path, why)
			}
		}
	}
	if seen < 100 {
		t.Errorf("only %d imports were looked at; is the test looking in the right place?", seen)
	}
}

func TestTheRulesForbid(t *testing.T) {
	for _, c := range []struct{ room, path string }{
		{"app/portal", "portico/app/policy"},
		{"app/chat", "portico/storage"},
		{"app/chat", "github.com/labstack/echo/v4"},
		{"app/sipua", "portico/app/sipua/siplab"},
		{"app/sipua/siplab", "portico/app/sipua/pidf"},
		{"app/web", "portico/storage"},
		{"app/web", "portico/app/sipua"},
		{"views", "portico/app/chat"},
		{"realtime", "portico/views"},
		{"app/util", "portico/app/portal"},
		{"storage", "portico/app"},
	} {
		if breaks(c.room, c.path) == "" {
			t.Errorf("%s may import %s", c.room, c.path)
		}
	}
	if why := breaks("app/chat", "portico/app/portal"); why != "" {
		t.Errorf("chat may not import portal: %s", why)
	}
}

// breaks says why room may not import path, or nothing.
func breaks(room, path string) string {
	for lib, rooms := range forbidden {
		// A library is meant with all its packages, one of the standard library by itself.
		meant := path == lib || strings.Contains(lib, ".") && strings.HasPrefix(path, lib+"/")
		if meant && slices.ContainsFunc(rooms, func(r string) bool { return within(room, r) }) {
			return "this room must not know " + lib
		}
	}
	ours, ok := strings.CutPrefix(path, "portico/")
	if !ok {
		return ""
	}
	if ours == "app" {
		return "the front door is imported by nothing"
	}
	for _, rule := range mayImport {
		if rule.room == "app" && room != "app" || !within(room, rule.room) {
			continue // the front door's rule is for itself, not for the rooms behind it
		}
		return judged(ours, rule.may)
	}
	return "the room has no place in the rules"
}

func judged(ours string, may []string) string {
	allowed := false
	for _, m := range may {
		if not, ok := strings.CutPrefix(m, "!"); ok {
			if within(ours, not) {
				return "the rules say never"
			}
			continue
		}
		allowed = allowed || within(ours, m)
	}
	if !allowed {
		return "the rules do not allow it"
	}
	return ""
}

func within(path, room string) bool { return path == room || strings.HasPrefix(path, room+"/") }

// sources lists the Go files of the tree that ship, relative to its top; tests may reach further.
func sources(t *testing.T) []string {
	t.Helper()
	var out []string
	top := os.DirFS("..")
	err := fs.WalkDir(top, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && p != "." || d.Name() == "testdata" || d.Name() == "portico-data") {
			return fs.SkipDir
		}
		if strings.HasSuffix(p, ".go") && !strings.HasSuffix(p, "_test.go") {
			out = append(out, p)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func imports(t *testing.T, file string) []string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", file), nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, spec := range f.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, p)
	}
	return out
}

func TestTheTopLevelHoldsOnlyWhatIsGiven(t *testing.T) {
	entries, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	given := []string{"app", "views", "static", "realtime", "storage", "go.mod", "go.sum", "Dockerfile", "README.md", "portico-data", "portico"}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") && !slices.Contains(given, e.Name()) {
			t.Errorf("%s does not belong at the top level", e.Name())
		}
	}
}
