package static

import (
	"bytes"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// Script is the name of the page's script: the files of js/ in order, as one, in one scope. Those whose name holds
// "-calendar-" are only in CalendarScript, which is that of the calendar's pages: the others do not carry its weight.
const (
	Script         = "portico.js"
	CalendarScript = "portico-calendar.js"
)

// ofCalendar marks the files that only the calendar's pages need.
const ofCalendar = "-calendar-"

// bundle joins the script files, each of which is one idea, into one strict function scope. Lines that are
// comments stay in the tree. The calendar's files are left out unless asked for.
func bundle(tree fs.FS, calendar bool) ([]byte, error) {
	names, err := fs.Glob(tree, "js/*.js")
	if err != nil {
		return nil, fmt.Errorf("list scripts: %w", err)
	}
	slices.Sort(names)
	var out bytes.Buffer
	out.WriteString("(() => {\n\"use strict\";\n")
	for _, name := range names {
		if strings.Contains(name, ofCalendar) && !calendar {
			continue
		}
		body, err := fs.ReadFile(tree, name)
		if err != nil {
			return nil, fmt.Errorf("read script: %w", err)
		}
		for line := range bytes.Lines(body) {
			trimmed := bytes.TrimSpace(line)
			if len(trimmed) == 0 || bytes.HasPrefix(trimmed, []byte("//")) {
				continue
			}
			out.Write(trimmed)
			out.WriteByte('\n')
		}
	}
	out.WriteString("})();\n")
	return out.Bytes(), nil
}
