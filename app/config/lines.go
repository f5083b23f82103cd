package config

import "strings"

// lineIndex says on which line of the file a key stands. The TOML library keeps that to itself except
// in its own errors; the file has been parsed before, so only well-formed lines come here.
type lineIndex map[string]int

// line is that of the key or, where it stands in an inline table, of the nearest key around it.
func (x lineIndex) line(path string) int {
	for path != "" {
		if n, ok := x[path]; ok {
			return n
		}
		i := strings.LastIndexAny(path, ".[")
		if i < 0 {
			return 0
		}
		path = path[:i]
	}
	return 0
}

func (x lineIndex) add(path string, n int) {
	if _, ok := x[path]; !ok {
		x[path] = n
	}
}

func indexLines(source string) lineIndex {
	x := lineIndex{}
	blocks := map[string]int{}
	prefix, open := "", "" // open is the mark that ends the multi-line string we are in
	n := 0
	for line := range strings.Lines(source) {
		n++
		if open != "" {
			if i := strings.Index(line, open); i >= 0 {
				open = unclosed(line[i+len(open):])
			}
			continue
		}
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#':
			continue
		case strings.HasPrefix(line, "[["):
			name, _, _ := strings.Cut(line[2:], "]]")
			name = plainKey(name)
			prefix = blockPath(name, blocks[name])
			x.add(name, n)
			x.add(prefix, n)
			blocks[name]++
		case line[0] == '[':
			name, _, _ := strings.Cut(line[1:], "]")
			prefix = plainKey(name)
			x.add(prefix, n)
		default:
			if key, value, ok := strings.Cut(line, "="); ok {
				x.addDotted(prefix, plainKey(key), n)
				open = unclosed(value)
			}
		}
	}
	return x
}

// addDotted adds a key and the tables that a dotted one makes on the way.
func (x lineIndex) addDotted(prefix, key string, n int) {
	path := prefix
	for part := range strings.SplitSeq(key, ".") {
		path = join(path, part)
		x.add(path, n)
	}
}

func blockPath(name string, i int) string {
	return option{key: name + "[]"}.path(i)
}

// plainKey is a key without the spaces and quotes that TOML allows around its parts.
func plainKey(key string) string {
	parts := strings.Split(key, ".")
	for i, p := range parts {
		parts[i] = strings.Trim(strings.TrimSpace(p), `"'`)
	}
	return strings.Join(parts, ".")
}

// unclosed is the mark of a multi-line string that value begins and does not end.
func unclosed(value string) string {
	for _, mark := range []string{`"""`, `'''`} {
		if strings.Count(value, mark)%2 == 1 {
			return mark
		}
	}
	return ""
}
