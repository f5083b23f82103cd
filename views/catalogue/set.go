package catalogue

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
	"text/template"

	"github.com/BurntSushi/toml"
	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

const (
	// maxWish is the longest list of languages that is read, in bytes: the header is the browser's, and nobody speaks that many.
	maxWish = 256
	// pattern is how the files of texts are called: active.en.toml, active.rooms.en.toml.
	pattern = "active.*.toml"
)

// Set is the languages of a folder of texts: a language is there because its files are. A language has all texts in
// which it differs from the one below it: "de-AT" stands on "de", and everything on the default language, so that a new
// language can begin with a few texts.
type Set struct {
	// own is the catalogues of the files by tag; derived those of other countries, made as they are asked for.
	own     map[string]*Catalogue
	derived sync.Map // canonical tag → *Catalogue; no more than there are languages times countries
	library map[string]*i18n.Localizer
	// languages are the tags of own without those that are another's form for a country; choices are all.
	languages, choices []string
	matcher            language.Matcher
}

// Load reads the files "active.*.toml" of a folder, of which the part before the ending is the language's BCP 47 tag. A
// file that does not parse, a text that is twice in a language and a folder without the default language are errors.
func Load(folder fs.FS) (*Set, error) {
	names, err := fs.Glob(folder, pattern)
	if err != nil {
		return nil, err
	}
	read := map[string][]*i18n.Message{}
	for _, name := range names {
		body, err := fs.ReadFile(folder, name)
		if err != nil {
			return nil, err
		}
		file, err := i18n.ParseMessageFileBytes(body, name, map[string]i18n.UnmarshalFunc{"toml": toml.Unmarshal})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		tag := file.Tag.String()
		read[tag] = append(read[tag], file.Messages...)
	}
	if len(read[Default]) == 0 {
		return nil, fmt.Errorf("there are no texts in %q", Default)
	}
	return newSet(read)
}

func newSet(read map[string][]*i18n.Message) (*Set, error) {
	s := &Set{own: map[string]*Catalogue{}, library: map[string]*i18n.Localizer{}}
	bundle := i18n.NewBundle(language.Make(Default))
	tags := slices.SortedFunc(maps.Keys(read), func(a, b string) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b)) // what others stand on comes first
	})
	for _, tag := range tags {
		read[tag] = respelt(read[tag], read[strings.SplitN(tag, "-", 2)[0]])
		if err := bundle.AddMessages(language.Make(tag), whole(read[tag])...); err != nil {
			return nil, fmt.Errorf("%s: %w", tag, err)
		}
	}
	for _, tag := range tags {
		s.library[tag] = i18n.NewLocalizer(bundle, tag)
		c, err := s.catalogue(tag, read[tag])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", tag, err)
		}
		s.own[tag] = c
		s.choices = append(s.choices, tag)
		if c.language == tag {
			s.languages = append(s.languages, tag)
		}
	}
	slices.SortStableFunc(s.choices, func(a, b string) int {
		place := func(tag string) int { return slices.Index(s.languages, s.own[tag].language) }
		return cmp.Or(cmp.Compare(place(a), place(b)), cmp.Compare(a, b))
	})
	matched := make([]language.Tag, len(s.languages))
	for i, tag := range s.languages {
		matched[i] = language.Make(tag)
	}
	s.matcher = language.NewMatcher(matched)
	return s, nil
}

func rank(tag string) int {
	if tag == Default {
		return 0
	}
	return 1 + strings.Count(tag, "-")
}

// respelling is the key under which a country's form of a language says what it writes for a letter: "ß ss".
const respelling = "language.respell"

// respelt adds to the texts of a country's form of a language those of the language that it spells otherwise.
func respelt(own, below []*i18n.Message) []*i18n.Message {
	at := slices.IndexFunc(own, func(m *i18n.Message) bool { return m.ID == respelling })
	if at < 0 {
		return own
	}
	letters := strings.NewReplacer(strings.Fields(own[at].Other)...)
	own = slices.Delete(slices.Clone(own), at, at+1)
	for _, m := range below {
		there := *m
		for _, form := range []*string{&there.Zero, &there.One, &there.Two, &there.Few, &there.Many, &there.Other} {
			*form = letters.Replace(*form)
		}
		differs := there.Other != m.Other || there.One != m.One
		if differs && !slices.ContainsFunc(own, func(o *i18n.Message) bool { return o.ID == m.ID }) {
			own = append(own, &there)
		}
	}
	return own
}

// whole gives each text all plural forms: one that its language's file leaves out is as the general one.
func whole(texts []*i18n.Message) []*i18n.Message {
	for _, m := range texts {
		if m.Zero+m.One+m.Two+m.Few+m.Many == "" {
			continue
		}
		for _, form := range []*string{&m.Zero, &m.One, &m.Two, &m.Few, &m.Many} {
			*form = cmp.Or(*form, m.Other)
		}
	}
	return texts
}

// catalogue makes a language of its texts on top of those of the language below it.
func (s *Set) catalogue(tag string, texts []*i18n.Message) (*Catalogue, error) {
	c := &Catalogue{set: s, language: tag, tag: tag, plain: map[string]string{}, filled: map[string][]segment{}, others: map[string]*i18n.Localizer{}}
	below := s.own[Default]
	if base, _, regional := strings.Cut(tag, "-"); regional && s.own[base] != nil {
		below, c.language = s.own[base], base
	}
	seen := map[string]bool{}
	for _, m := range texts {
		if seen[m.ID] {
			return nil, fmt.Errorf("%s: %w", m.ID, errors.New("the text is there twice"))
		}
		seen[m.ID] = true
		if err := c.add(m, s.library[tag]); err != nil {
			return nil, fmt.Errorf("%s: %w", m.ID, err)
		}
	}
	if below != nil {
		inherit(c.plain, below.plain, seen)
		inherit(c.filled, below.filled, seen)
		inherit(c.others, below.others, seen)
	}
	c.format = formatOf(language.Make(tag))
	return c, nil
}

func inherit[V any](to, from map[string]V, own map[string]bool) {
	for key, v := range from {
		if !own[key] {
			to[key] = v
		}
	}
}

func (c *Catalogue) add(m *i18n.Message, in *i18n.Localizer) error {
	for _, form := range []string{m.Zero, m.One, m.Two, m.Few, m.Many, m.Other} {
		if _, err := template.New(m.ID).Parse(form); err != nil {
			return err
		}
	}
	segments, simple := split(m.Other)
	switch {
	case m.One != "" || !simple:
		c.others[m.ID] = in
	case strings.Contains(m.Other, "{{"):
		c.filled[m.ID] = segments
	default:
		c.plain[m.ID] = m.Other
	}
	return nil
}

// Locales lists the languages there are, the default one first.
func (s *Set) Locales() []string { return slices.Clone(s.languages) }

// Choices lists what a person can choose: each language, followed by its forms for countries that have a file.
func (s *Set) Choices() []*Catalogue {
	out := make([]*Catalogue, len(s.choices))
	for i, tag := range s.choices {
		out[i] = s.own[tag]
	}
	return out
}

// Chosen gives the canonical form of a tag that a person or an administrator chose ("de-at" is "de-AT"): that of a
// language there is, with or without a country. Any other is refused.
func (s *Set) Chosen(tag string) (string, bool) {
	if len(tag) > maxWish || strings.ContainsAny(tag, "_, ") {
		return "", false
	}
	t, err := language.Parse(tag)
	if err != nil {
		return "", false
	}
	base, country := parts(t)
	if s.own[t.String()] != nil {
		return t.String(), true
	}
	if s.own[base] == nil || country == "" || t.String() != base+"-"+country {
		return "", false
	}
	return t.String(), true
}

// parts is a tag's language and its country; that is empty where the tag names none.
func parts(t language.Tag) (base, country string) {
	b, _ := t.Base()
	if r, sure := t.Region(); sure == language.Exact && r.IsCountry() {
		country = r.String()
	}
	return b.String(), country
}

// For gives the catalogue for a BCP 47 tag: the texts of the language that suits it best, the default one where none
// does, with the dates and numbers of the country that it names.
func (s *Set) For(tag string) *Catalogue {
	if c, ok := s.own[tag]; ok {
		return c
	}
	if c, ok := s.derived.Load(tag); ok {
		return c.(*Catalogue)
	}
	if len(tag) > maxWish {
		return s.own[Default]
	}
	t, err := language.Parse(tag)
	if err != nil {
		return s.own[Default]
	}
	below := s.own[s.Match(tag)]
	base, country := parts(t)
	if country == "" || base != strings.SplitN(below.language, "-", 2)[0] {
		return below
	}
	if c, ok := s.own[base+"-"+country]; ok {
		return c
	}
	return s.derive(below, base+"-"+country)
}

// derive is a catalogue for another country: itself where nothing differs.
func (s *Set) derive(below *Catalogue, tag string) *Catalogue {
	if c, ok := s.derived.Load(tag); ok {
		return c.(*Catalogue)
	}
	f := formatOf(language.Make(tag))
	if f.same(below.format) {
		return below
	}
	c := *below // texts and all; only what is written otherwise is its own
	c.tag, c.format = tag, f
	kept, _ := s.derived.LoadOrStore(strings.Clone(tag), &c)
	return kept.(*Catalogue)
}

// Match is the language that suits best the wishes given: tags or Accept-Language lists (RFC 9110 section 12.5.4), the
// more important first.
func (s *Set) Match(wishes ...string) string {
	tag, _ := s.match(wishes...)
	return tag
}

// match also says which of the wishes decided; -1: none.
func (s *Set) match(wishes ...string) (tag string, decided int) {
	for i, wish := range wishes {
		if wish == "" || len(wish) > maxWish {
			continue
		}
		wanted, _, err := language.ParseAcceptLanguage(wish)
		if err != nil || len(wanted) == 0 {
			continue
		}
		if _, at, confidence := s.matcher.Match(wanted...); confidence > language.No {
			return s.languages[at], i
		}
	}
	return Default, -1
}

// Decide is how a reader reads: the tag of a language with, where it makes a difference, a country. The wishes are those
// of the policy, the person and the sign-in page, the more important first; accept is the browser's Accept-Language
// header. A wish that names a country has it; otherwise it is that of the browser's own language, if that is the one decided.
func (s *Set) Decide(accept string, wishes ...string) string {
	locale, decided := s.match(append(slices.Clone(wishes), accept)...)
	if decided >= 0 && decided < len(wishes) {
		if t, err := language.Parse(wishes[decided]); err == nil {
			if base, country := parts(t); country != "" && base == locale {
				return s.For(base + "-" + country).Tag()
			}
		}
	}
	if len(accept) > maxWish {
		return locale
	}
	browser, _, err := language.ParseAcceptLanguage(accept)
	if err != nil {
		return locale
	}
	for _, t := range browser {
		base, country := parts(t)
		if s.own[base] == nil {
			continue // a language that the portal does not speak says nothing of one that it does
		}
		if base == locale && country != "" {
			return s.For(base + "-" + country).Tag()
		}
		break
	}
	return locale
}
