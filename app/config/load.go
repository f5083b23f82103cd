package config

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
)

// Bounds on the file, far above any real one.
const (
	maxFile   = 64 << 10
	maxLine   = 8 << 10
	maxParts  = 16 // of a dotted key; reading time grows with their square
	maxSecret = 64 << 10
	maxBlocks = 100
)

// Load reads the file at path (none where path is empty: then the lab is on), then the environment
// (in the form of os.Environ), and checks everything. All that is wrong comes at once, as an *Error.
func Load(path string, environ []string) (*Config, error) {
	c := base()
	l := &loader{c: c, bad: map[string]bool{}, twins: map[string]twin{}, options: options()}
	if path == "" {
		c.Lab.Enabled = true
	} else {
		l.readFile(path)
	}
	if len(l.faults) == 0 || l.parsed {
		l.readEnviron(environ)
		l.readTwins()
		l.checkValues()
		if len(l.faults) == 0 { // one wrong value would only echo in what compares several
			l.checkTogether()
		}
	}
	if len(l.faults) > 0 {
		return nil, &Error{Faults: l.faults}
	}
	return c, nil
}

// loader gathers values and faults on the way.
type loader struct {
	c       *Config
	options []option
	faults  []Fault
	// bad holds the keys whose value could not be taken, so that nothing more is said of them.
	bad map[string]bool
	// twins are the secrets to be read from files, by the secret's own key.
	twins  map[string]twin
	file   string
	lines  lineIndex
	parsed bool
}

type twin struct {
	file   string
	source Source
}

func (l *loader) fault(key string, source Source, err error) {
	l.bad[key] = true
	l.faults = append(l.faults, Fault{Key: key, Source: source, Text: err.Error()})
}

func (l *loader) readFile(path string) {
	l.file = path
	here := Source{File: path}
	data, err := readAtMost(path, maxFile)
	if err != nil {
		l.fault("", here, err)
		return
	}
	if !utf8.Valid(data) {
		l.fault("", here, errors.New("is not UTF-8 text"))
		return
	}
	if number, err := oversized(string(data)); err != nil {
		l.fault("", Source{File: path, Line: number}, err)
		return
	}
	var tree map[string]any
	if _, err := toml.Decode(string(data), &tree); err != nil {
		here.Line, err = parseFault(err)
		l.fault("", here, err)
		return
	}
	l.parsed = true
	l.lines = indexLines(string(data))
	l.walk("", "", tree)
}

// oversized finds the first line that is beyond the bounds.
func oversized(text string) (number int, err error) {
	for line := range strings.Lines(text) {
		number++
		if len(line) > maxLine {
			return number, fmt.Errorf("line longer than %d bytes", maxLine)
		}
		key := line
		if i := strings.IndexAny(line, `="'#`); i >= 0 {
			key = line[:i]
		}
		if strings.Count(key, ".") >= maxParts {
			return number, fmt.Errorf("key of more than %d parts", maxParts)
		}
	}
	return 0, nil
}

// parseFault takes line and message out of the library's error, which may quote the line itself: a
// secret on it must not show.
func parseFault(err error) (int, error) {
	var pe toml.ParseError
	if !errors.As(err, &pe) {
		return 0, errors.New("is not TOML")
	}
	what := pe.Message
	if pe.LastKey != "" {
		what = fmt.Sprintf("after %s: %s", clip(pe.LastKey), what)
	}
	return pe.Position.Line, errors.New(what)
}

func readAtMost(path string, most int64) (data []byte, err error) {
	f, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	data, err = io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(data)) > most {
		err = fmt.Errorf("larger than %d bytes", most)
	}
	return data, err
}

func (l *loader) source(path string) Source {
	return Source{File: l.file, Line: l.lines.line(path)}
}

// walk takes the values of a table. General is the path with "[]" for the number of a block.
func (l *loader) walk(path, general string, table map[string]any) {
	for _, name := range slices.Sorted(maps.Keys(table)) {
		l.take(join(path, name), join(general, name), table[name])
	}
}

func join(prefix, name string) string {
	if prefix == "" {
		return name
	}
	return prefix + "." + name
}

func (l *loader) take(path, general string, value any) {
	if o, ok := l.option(general); ok {
		l.setFromFile(o, path, value)
		return
	}
	if o, ok := l.option(strings.TrimSuffix(general, "_file")); ok && o.secret() {
		l.setTwin(strings.TrimSuffix(path, "_file"), path, value)
		return
	}
	if l.isSection(general) {
		if table, ok := value.(map[string]any); ok {
			l.walk(path, general, table)
			return
		}
		l.fault(path, l.source(path), fmt.Errorf("is a section: write [%s] and its keys below", path))
		return
	}
	if l.isSection(general + "[]") {
		l.takeBlocks(path, general, value)
		return
	}
	l.fault(path, l.source(path), unknown(general, l.options))
}

func (l *loader) option(key string) (option, bool) {
	i := slices.IndexFunc(l.options, func(o option) bool { return o.key == key })
	if i < 0 {
		return option{}, false
	}
	return l.options[i], true
}

func (l *loader) isSection(general string) bool {
	return slices.ContainsFunc(l.options, func(o option) bool { return strings.HasPrefix(o.key, general+".") })
}

func (l *loader) takeBlocks(path, general string, value any) {
	var blocks []map[string]any
	switch v := value.(type) {
	case []map[string]any:
		blocks = v
	case []any:
		for _, item := range v {
			if table, ok := item.(map[string]any); ok {
				blocks = append(blocks, table)
			}
		}
		if len(blocks) != len(v) {
			blocks = nil
		}
	}
	if blocks == nil || len(blocks) > maxBlocks {
		l.fault(path, l.source(path), fmt.Errorf("is a list of at most %d blocks: write [[%s]] before each", maxBlocks, path))
		return
	}
	for _, table := range blocks {
		i := l.c.newEWSServer()
		l.walk(fmt.Sprintf("%s[%d]", path, i), general+"[]", table)
	}
}

func (l *loader) setFromFile(o option, path string, value any) {
	if err := setTOML(o.at(l.c, blockOf(path)), value); err != nil {
		l.fault(path, l.source(path), err)
		return
	}
	l.c.sources[path] = l.source(path)
	if t, ok := l.twins[path]; ok {
		l.both(path, t.source)
	}
}

func (l *loader) setTwin(path, twinPath string, value any) {
	source := l.source(twinPath)
	var t twin
	if err := setTOML(&t.file, value); err != nil {
		l.fault(twinPath, source, err)
		return
	}
	t.source = source
	if _, ok := l.c.sources[path]; ok {
		l.both(path, source)
		return
	}
	l.twins[path] = t
}

func (l *loader) both(path string, source Source) {
	l.fault(path, source, errors.New("is given twice, by itself and by its _file twin"))
}

// blockOf is the number in "ews.server[2].name", zero where there is none.
func blockOf(path string) int {
	_, rest, ok := strings.Cut(path, "[")
	if !ok {
		return 0
	}
	n := 0
	for _, r := range rest {
		if r < '0' || r > '9' {
			break
		}
		n = n*10 + int(r-'0')
	}
	return n
}

// readTwins reads the secrets that are named by file.
func (l *loader) readTwins() {
	for _, path := range slices.Sorted(maps.Keys(l.twins)) {
		t := l.twins[path]
		data, err := readAtMost(t.file, maxSecret)
		if err != nil {
			l.fault(path+"_file", t.source, err)
			continue
		}
		secret := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
		if secret == "" {
			l.fault(path+"_file", t.source, fmt.Errorf("%s is empty", clip(t.file)))
			continue
		}
		o, _ := l.option(generalOf(path))
		if err := setText(o.at(l.c, blockOf(path)), secret); err != nil {
			l.fault(path+"_file", t.source, err)
			continue
		}
		l.c.sources[path] = t.source
	}
}

// generalOf is the key of the table for a path: "ews.server[2].name" → "ews.server[].name".
func generalOf(path string) string {
	before, rest, ok := strings.Cut(path, "[")
	if !ok {
		return path
	}
	_, after, _ := strings.Cut(rest, "]")
	return before + "[]" + after
}
