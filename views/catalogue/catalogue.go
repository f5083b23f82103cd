// Package catalogue holds every text that people read, in each language, and writes dates and times as the
// reader's language does.
package catalogue

import (
	"embed"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"text/template"

	"github.com/BurntSushi/toml"
	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

//go:embed active.*.toml
var files embed.FS

// Default is the language of those who ask for none that there is.
const Default = "en"

// Catalogue is the texts of one language. It does not change and is safe for concurrent use.
type Catalogue struct {
	locale    string
	localizer *i18n.Localizer
	// plain holds the texts without arguments or plural forms, which are most of them, and filled those that are
	// only filled in; the rest is left to the library.
	plain  map[string]string
	filled map[string][]segment
	keys   map[string]bool
	// twelve: times of day have twelve hours.
	twelve bool
}

// catalogues is every catalogue by its locale, read at the first use.
var catalogues = sync.OnceValue(func() map[string]*Catalogue {
	all, err := load()
	if err != nil {
		panic("catalogue: " + err.Error()) // embedded files that do not parse: a broken build
	}
	return all
})

// Locales lists the languages there are, the default one first.
func Locales() []string {
	names := slices.Sorted(maps.Keys(catalogues()))
	slices.SortStableFunc(names, func(a, b string) int {
		if a == Default {
			return -1
		}
		if b == Default {
			return 1
		}
		return 0
	})
	return names
}

// For gives the catalogue for a BCP 47 tag, the default one where there is none for it.
func For(locale string) *Catalogue {
	all := catalogues()
	if c, ok := all[locale]; ok {
		return c
	}
	return all[Match(locale)]
}

// Match is the locale that suits best the wishes given: tags or Accept-Language headers, the more important first.
func Match(wishes ...string) string {
	locales := Locales()
	tags := make([]language.Tag, len(locales))
	for i, l := range locales {
		tags[i] = language.Make(l)
	}
	matcher := language.NewMatcher(tags)
	for _, wish := range wishes {
		if len(wish) > 256 { // the header is the browser's; nobody speaks that many languages
			continue
		}
		wanted, _, err := language.ParseAcceptLanguage(wish)
		if err != nil || len(wanted) == 0 {
			continue
		}
		if _, i, confidence := matcher.Match(wanted...); confidence > language.No {
			return locales[i]
		}
	}
	return Default
}

// Twelve is the same catalogue for readers who write times of day with twelve hours, as many countries do whose
// people read English.
func (c *Catalogue) Twelve() *Catalogue {
	other := *c
	other.twelve = true
	return &other
}

// Locale is the catalogue's own tag, as for the lang attribute.
func (c *Catalogue) Locale() string { return c.locale }

// Has reports whether there is a text under key.
func (c *Catalogue) Has(key string) bool { return c.keys[key] }

// Keys lists what there are texts for, in order.
func (c *Catalogue) Keys() []string { return slices.Sorted(maps.Keys(c.keys)) }

// Text is the text under key with its arguments, given as name, value, name, value. A key without a
// text gives the key itself, which the tests of this package and of the views make impossible.
func (c *Catalogue) Text(key string, args ...any) string {
	if s, ok := c.plain[key]; ok {
		return s
	}
	if segments, ok := c.filled[key]; ok {
		return fill(segments, args)
	}
	return c.localize(&i18n.LocalizeConfig{MessageID: key, TemplateData: pairs(args)})
}

// Count is Text in the plural form for n, which is also the argument Count.
func (c *Catalogue) Count(key string, n int, args ...any) string {
	data := pairs(args)
	data["Count"] = n
	return c.localize(&i18n.LocalizeConfig{MessageID: key, TemplateData: data, PluralCount: n})
}

// Sentence is what people read for the reason key of a portal.Error. A reason without a sentence of its
// own gives that for its family ("send.odd" → "send.failed") and else the general one.
func (c *Catalogue) Sentence(reason string, args map[string]string) string {
	data := make([]any, 0, 2*len(args))
	for name, value := range args {
		data = append(data, argument(name), value)
	}
	for _, key := range []string{"error." + reason, "error." + family(reason) + ".failed"} {
		if c.keys[key] {
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
	s, err := c.localizer.Localize(config)
	if err != nil {
		return config.MessageID
	}
	return s
}

func pairs(args []any) map[string]any {
	data := make(map[string]any, len(args)/2+1)
	for i := 0; i+1 < len(args); i += 2 {
		if name, ok := args[i].(string); ok {
			data[name] = args[i+1]
		}
	}
	return data
}

func load() (map[string]*Catalogue, error) {
	bundle := i18n.NewBundle(language.Make(Default))
	bundle.RegisterUnmarshalFunc("toml", toml.Unmarshal)
	names, err := files.ReadDir(".")
	if err != nil {
		return nil, err
	}
	all := map[string]*Catalogue{}
	for _, entry := range names {
		file, err := bundle.LoadMessageFileFS(files, entry.Name())
		if err != nil {
			return nil, fmt.Errorf("%s: %w", entry.Name(), err)
		}
		c := all[file.Tag.String()]
		if c == nil { // a language's texts may stand in several files, by the part of the portal they belong to
			c = &Catalogue{locale: file.Tag.String(), plain: map[string]string{}, filled: map[string][]segment{}, keys: map[string]bool{}}
			all[c.locale] = c
		}
		for _, m := range file.Messages {
			if err := c.add(m); err != nil {
				return nil, fmt.Errorf("%s: %s: %w", entry.Name(), m.ID, err)
			}
		}
	}
	for _, c := range all {
		c.localizer = i18n.NewLocalizer(bundle, c.locale)
	}
	return all, nil
}

func (c *Catalogue) add(m *i18n.Message) error {
	if c.keys[m.ID] {
		return errors.New("the text is there twice")
	}
	c.keys[m.ID] = true
	for _, form := range []string{m.One, m.Other} {
		if _, err := template.New(m.ID).Parse(form); err != nil {
			return err
		}
	}
	if m.One != "" {
		return nil
	}
	if !strings.Contains(m.Other, "{{") {
		c.plain[m.ID] = m.Other
	} else if segments, ok := split(m.Other); ok {
		c.filled[m.ID] = segments
	}
	return nil
}
