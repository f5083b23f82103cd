package web

import (
	"golang.org/x/text/language"

	"portico/app/portal"
)

// locales are the languages the catalogues have; the first is for those who ask for none of them.
func locales() []string { return []string{"en", "de"} }

// pickLocale is the catalogue for a reader: the first wish that names one. Wishes are BCP 47 tags or
// Accept-Language lists (RFC 9110 section 12.5.4).
func pickLocale(wishes ...string) string {
	have := make([]language.Tag, 0, 2)
	for _, l := range locales() {
		have = append(have, language.Make(l))
	}
	matcher := language.NewMatcher(have)
	for _, wish := range wishes {
		if wish == "" || len(wish) > 500 {
			continue
		}
		tags, _, err := language.ParseAcceptLanguage(wish)
		if err != nil || len(tags) == 0 {
			continue
		}
		if _, i, confidence := matcher.Match(tags...); confidence > language.No {
			return have[i].String()
		}
	}
	return have[0].String()
}

// sentence is what people read for a reason ("signin.wrong").
func sentence(locale, reason string, args map[string]string) string {
	return text(locale, "error."+reason, args)
}

// presenceText says a presence in words: the activity's where there is one, else the availability's. A
// custom state brings its own.
func presenceText(locale string, p portal.Presence) string {
	if p.Text != "" {
		return p.Text
	}
	if p.Activity != portal.NoActivity {
		return text(locale, "activity."+string(p.Activity), nil)
	}
	return text(locale, "availability."+string(p.Availability), nil)
}

// text looks a key up in a catalogue.
func text(_ string, key string, _ map[string]string) string { return key }
