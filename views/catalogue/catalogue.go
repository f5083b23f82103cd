// Package catalogue holds every text that people read, in each language, and writes dates and times as the
// reader's language does.
package catalogue

import (
	"embed"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/nicksnyder/go-i18n/v2/i18n"
)

//go:embed active.*.toml
var files embed.FS

// Default is the language of those who ask for none that there is.
const Default = "en"

// Catalogue is the texts of one language, and how those who read it write dates, times and numbers. It does not change
// and is safe for concurrent use.
type Catalogue struct {
	set *Set
	// language is the tag of the texts' file ("de"), tag that with the reader's country where it makes a difference ("de-AT").
	language, tag string
	// plain holds the texts without arguments or plural forms, which are most of them, and filled those that are
	// only filled in; the rest is left to the library, which is asked in the language that a text is in.
	plain  map[string]string
	filled map[string][]segment
	others map[string]*i18n.Localizer
	format
}

// builtIn is the portal's own languages, read at the first use.
var builtIn = sync.OnceValue(func() *Set {
	set, err := Load(files)
	if err != nil {
		panic("catalogue: " + err.Error()) // embedded files that do not parse: a broken build
	}
	return set
})

// BuiltIn is the languages that the portal comes with.
func BuiltIn() *Set { return builtIn() }

// Locales lists the languages that the portal comes with, the default one first.
func Locales() []string { return BuiltIn().Locales() }

// For gives the portal's own catalogue for a BCP 47 tag; see Set.For.
func For(locale string) *Catalogue { return BuiltIn().For(locale) }

// Match is the language, of those that the portal comes with, that suits the wishes best; see Set.Match.
func Match(wishes ...string) string { return BuiltIn().Match(wishes...) }

// Locale is the language of the texts, as for the lang attribute.
func (c *Catalogue) Locale() string { return c.language }

// Tag is Locale with the country whose dates and numbers the reader writes, where that makes a difference: "de-AT".
func (c *Catalogue) Tag() string { return c.tag }

// Set is the languages of which this is one.
func (c *Catalogue) Set() *Set { return c.set }

// Has reports whether there is a text under key.
func (c *Catalogue) Has(key string) bool {
	_, plain := c.plain[key]
	_, filled := c.filled[key]
	return plain || filled || c.others[key] != nil
}

// Keys lists what there are texts for, in order.
func (c *Catalogue) Keys() []string {
	keys := slices.AppendSeq(slices.Collect(maps.Keys(c.plain)), maps.Keys(c.filled))
	return slices.Sorted(slices.Values(slices.AppendSeq(keys, maps.Keys(c.others))))
}

// Text is the text under key with its arguments, given as name, value, name, value. Whole numbers are written as the
// reader writes them, except a Year. A key without a text gives the key itself, which the tests of this package and of the views make impossible.
func (c *Catalogue) Text(key string, args ...any) string {
	if s, ok := c.plain[key]; ok {
		return s
	}
	if segments, ok := c.filled[key]; ok {
		return c.fill(segments, args)
	}
	return c.localize(&i18n.LocalizeConfig{MessageID: key, TemplateData: c.pairs(args)})
}

// Count is Text in the plural form for n, which is also the argument Count.
func (c *Catalogue) Count(key string, n int, args ...any) string {
	data := c.pairs(args)
	data["Count"] = c.Number(int64(n))
	return c.localize(&i18n.LocalizeConfig{MessageID: key, TemplateData: data, PluralCount: n})
}

// Sentence is what people read for the reason key of a portal.Error. A reason without a sentence of its
// own gives that for its family ("send.odd" → "send.failed") and else the general one.
func (c *Catalogue) Sentence(reason string, args map[string]string) string {
	data := make([]any, 0, 2*len(args))
	for name, value := range args {
		data = append(data, argument(name), c.figure(name, value))
	}
	for _, key := range []string{"error." + reason, "error." + family(reason) + ".failed"} {
		if c.Has(key) {
			return c.Text(key, data...)
		}
	}
	return c.Text("error.internal")
}

func family(reason string) string {
	name, _, _ := strings.Cut(reason, ".")
	return name
}

// argument is the template's name for an Error's argument: "max" is {{.Max}}.
func argument(name string) string {
	if name == "" {
		return name
	}
	return strings.ToUpper(name[:1]) + name[1:]
}

func (c *Catalogue) localize(config *i18n.LocalizeConfig) string {
	in := c.others[config.MessageID]
	if in == nil {
		in = c.set.library[Default]
	}
	s, err := in.Localize(config)
	if err != nil {
		return config.MessageID
	}
	return s
}

func (c *Catalogue) pairs(args []any) map[string]any {
	data := make(map[string]any, len(args)/2+1)
	for i := 0; i+1 < len(args); i += 2 {
		if name, ok := args[i].(string); ok {
			data[name] = c.written(name, args[i+1])
		}
	}
	return data
}
