package config

import (
	"fmt"
	"strings"
)

// Source is where a value came from. The zero Source is the default.
type Source struct {
	// File and Line are set for values of the file.
	File string
	Line int
	// Env is the environment variable's name for values of the environment.
	Env string
}

// String is "FILE:LINE", the variable's name or "default".
func (s Source) String() string {
	switch {
	case s.Env != "":
		return s.Env
	case s.Line > 0:
		return fmt.Sprintf("%s:%d", s.File, s.Line)
	case s.File != "":
		return s.File
	}
	return "default"
}

// Fault is one thing that is wrong.
type Fault struct {
	// Key is the path of the key ("http.listen", "ews.server[0].auth"), empty where no key can be named.
	Key    string
	Source Source
	// Text says what is wrong. It never holds a secret.
	Text string
}

// String is one line: where, which key, what.
func (f Fault) String() string {
	var b strings.Builder
	if f.Source != (Source{}) {
		b.WriteString(f.Source.String() + ": ")
	}
	if f.Key != "" {
		b.WriteString(f.Key + ": ")
	}
	return b.String() + strings.ReplaceAll(f.Text, "\n", "; ")
}

// Error is everything that is wrong with a configuration; it is a usage error (exit status 2).
type Error struct{ Faults []Fault }

// Error lists the faults, one on each line.
func (e *Error) Error() string {
	lines := make([]string, len(e.Faults))
	for i, f := range e.Faults {
		lines[i] = f.String()
	}
	if len(lines) == 1 {
		return "configuration: " + lines[0]
	}
	return fmt.Sprintf("configuration has %d faults:\n  %s", len(lines), strings.Join(lines, "\n  "))
}
