package config

import (
	"log/slog"
	"strings"
	"time"
)

// Entry is one key as it is in force, for logs and diagnostics. A secret shows only that it is set.
type Entry struct {
	Key, Value string
	Source     Source
}

// Redacted lists every key with its value and where that came from, in the order of the reference.
func (c *Config) Redacted() []Entry {
	var list []Entry
	for _, o := range options() {
		blocks := 1
		if o.repeated() {
			blocks = len(c.EWS.Server)
		}
		for i := range blocks {
			path := o.path(i)
			list = append(list, Entry{Key: path, Value: tomlText(o.at(c, i)), Source: c.sources[path]})
		}
	}
	return list
}

// String is the redacted listing, one key on each line.
func (c *Config) String() string {
	var b strings.Builder
	for _, e := range c.Redacted() {
		b.WriteString(e.Key + " = " + e.Value + " # " + e.Source.String() + "\n")
	}
	return b.String()
}

// LogValue is the keys that are not at their default, redacted.
func (c *Config) LogValue() slog.Value {
	var attrs []slog.Attr
	for _, e := range c.Redacted() {
		if e.Source != (Source{}) {
			attrs = append(attrs, slog.String(e.Key, e.Value))
		}
	}
	return slog.GroupValue(attrs...)
}

// deref is the value behind one of the pointers of the table.
func deref(p any) any {
	switch p := p.(type) {
	case *string:
		return *p
	case *Secret:
		return string(*p)
	case *bool:
		return *p
	case *int:
		return *p
	case *float64:
		return *p
	case *time.Duration:
		return *p
	case *[]string:
		return *p
	}
	return nil
}
