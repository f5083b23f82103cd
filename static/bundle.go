package static

import (
	"bytes"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/tdewolff/minify/v2"
	"github.com/tdewolff/minify/v2/css"
	"github.com/tdewolff/minify/v2/js"
)

// Script is the name of the page's script: the files of js/ in order, as one, in one scope. Those whose name holds
// "-calendar-", "-rooms", "-calls" or "-diagnostics" are only in the script of the pages of that name: the others do not carry
// their weight. Who is not signed in yet gets SigninScript, the first file alone.
const (
	Script            = "portico.js"
	CalendarScript    = "portico-calendar.js"
	RoomsScript       = "portico-rooms.js"
	CallsScript       = "portico-calls.js"
	DiagnosticsScript = "portico-diagnostics.js"
	SigninScript      = "portico-signin.js"
)

// Marks in the names of files that only some pages need.
const (
	ofCalendar    = "-calendar-"
	ofRooms       = "-rooms"
	ofCalls       = "-calls"
	ofDiagnostics = "-diagnostics"
	ofAll         = "10-page"
)

// scripts are the bundles and the mark of what each has beside the common files; empty: nothing.
func scripts() map[string]string {
	return map[string]string{Script: "", CalendarScript: ofCalendar, RoomsScript: ofRooms, CallsScript: ofCalls, DiagnosticsScript: ofDiagnostics, SigninScript: ofAll}
}

// minified is a script or style with the same meaning and without what only people need to read it.
func minified(mediaType string, body []byte) ([]byte, error) {
	m := minify.New()
	m.AddFunc("text/css", css.Minify)
	m.AddFunc("text/javascript", js.Minify)
	return m.Bytes(mediaType, bytes.Clone(body)) // it writes into what it reads
}

// bundle joins the script files, each of which is one idea, into one strict function scope, minified. Of the files that only
// some pages need, those with the mark are taken.
func bundle(tree fs.FS, mark string) ([]byte, error) {
	names, err := fs.Glob(tree, "js/*.js")
	if err != nil {
		return nil, fmt.Errorf("list scripts: %w", err)
	}
	slices.Sort(names)
	var out bytes.Buffer
	out.WriteString("(() => {\n\"use strict\";\n")
	for _, name := range names {
		if of := markOf(name); of != "" && of != mark || mark == ofAll && !strings.Contains(name, ofAll) {
			continue
		}
		body, err := fs.ReadFile(tree, name)
		if err != nil {
			return nil, fmt.Errorf("read script: %w", err)
		}
		out.Write(body)
	}
	out.WriteString("})();\n")
	script, err := minified("text/javascript", out.Bytes())
	if err != nil {
		return nil, fmt.Errorf("scripts of %q: %w", mark, err)
	}
	return script, nil
}

// markOf is the mark that a file's name has; empty: it is for every page.
func markOf(name string) string {
	for _, mark := range []string{ofCalendar, ofRooms, ofCalls, ofDiagnostics} {
		if strings.Contains(name, mark) {
			return mark
		}
	}
	return ""
}
