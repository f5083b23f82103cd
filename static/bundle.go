package static

import (
	"bytes"
	"fmt"
	"io/fs"
	"slices"
)

// Script is the name of the page's script: the files of js/ in order, as one, in one scope.
const Script = "portico.js"

// bundle joins the script files, each of which is one idea, into one strict function scope. Lines that are
// comments stay in the tree.
func bundle(tree fs.FS) ([]byte, error) {
	names, err := fs.Glob(tree, "js/*.js")
	if err != nil {
		return nil, fmt.Errorf("list scripts: %w", err)
	}
	slices.Sort(names)
	var out bytes.Buffer
	out.WriteString("(() => {\n\"use strict\";\n")
	for _, name := range names {
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
