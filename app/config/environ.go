package config

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// The environment: PORTICO_SECTION_KEY overrides the file. A name that means nothing is only warned
// about, because platforms set names of that form by themselves (a Kubernetes service called "portico"
// gives every container PORTICO_SERVICE_HOST and PORTICO_PORT).

const envPrefix = "PORTICO_"

// ignoredEnv are the names (or beginnings, with "*") that are for tests alone.
func ignoredEnv(name string) bool {
	return name == envPrefix+"REQUIRE_PEERS" || strings.HasPrefix(name, envPrefix+"TEST_")
}

// setting is one variable that means a key.
type setting struct {
	o           option
	block       int
	isTwin      bool
	name, value string
}

func (l *loader) readEnviron(environ []string) {
	var settings []setting
	for _, pair := range environ {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || !strings.HasPrefix(name, envPrefix) || ignoredEnv(name) {
			continue
		}
		s, ok := l.setting(name, value)
		if !ok {
			l.c.warnings = append(l.c.warnings, fmt.Sprintf("environment variable %s means no key and is ignored", clip(name)))
			continue
		}
		settings = append(settings, s)
	}
	slices.SortStableFunc(settings, func(a, b setting) int { return a.block - b.block })
	slices.Sort(l.c.warnings)
	given := map[string]setting{}
	for _, s := range settings {
		l.setFromEnv(s, given)
	}
}

// setting finds the key that a name means.
func (l *loader) setting(name, value string) (setting, bool) {
	for _, o := range l.options {
		block := 0
		if o.repeated() {
			n, ok := blockOfEnv(o, name)
			if !ok {
				continue
			}
			block = n
		}
		switch env := o.env(block); {
		case name == env:
			return setting{o: o, block: block, name: name, value: value}, true
		case o.secret() && name == env+"_FILE":
			return setting{o: o, block: block, isTwin: true, name: name, value: value}, true
		}
	}
	return setting{}, false
}

// blockOfEnv is the number in PORTICO_EWS_SERVER_0_NAME where name could be of o's block.
func blockOfEnv(o option, name string) (int, bool) {
	before, _, _ := strings.Cut(o.key, "[]")
	prefix := envPrefix + strings.ToUpper(strings.ReplaceAll(before, ".", "_")) + "_"
	rest, ok := strings.CutPrefix(name, prefix)
	if !ok {
		return 0, false
	}
	digits, _, _ := strings.Cut(rest, "_")
	n, err := strconv.Atoi(digits)
	if err != nil || n < 0 || strconv.Itoa(n) != digits {
		return 0, false
	}
	return n, true
}

// setFromEnv takes one variable. Given holds those already taken, by key, to find a secret and its twin together.
func (l *loader) setFromEnv(s setting, given map[string]setting) {
	path := s.o.path(s.block)
	source := Source{Env: s.name}
	if s.o.repeated() {
		if s.block >= maxBlocks || s.block > len(l.c.EWS.Server) {
			l.fault(path, source, fmt.Errorf("there is no block %d before it: blocks are numbered from 0 without a gap", s.block-1))
			return
		}
		if s.block == len(l.c.EWS.Server) {
			l.c.newEWSServer()
		}
	}
	if other, ok := given[path]; ok && other.isTwin != s.isTwin {
		l.both(path, source)
		return
	}
	given[path] = s
	delete(l.twins, path) // the file's word, in either form, is overridden
	if s.isTwin {
		if s.value == "" {
			l.fault(path+"_file", source, errors.New("must not be empty"))
			return
		}
		l.twins[path] = twin{file: s.value, source: source}
		return
	}
	if err := setText(s.o.at(l.c, s.block), s.value); err != nil {
		l.fault(path, source, err)
		return
	}
	l.c.sources[path] = source
}
