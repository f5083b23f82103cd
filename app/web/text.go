package web

import (
	"maps"
	"time"

	"portico/app/portal"
	"portico/views/catalogue"
)

// locales are the languages the catalogues have; the first is for those who ask for none of them.
func locales() []string { return catalogue.Locales() }

// pickLocale is the catalogue that suits a reader's wishes best, the more important first: BCP 47 tags
// or Accept-Language lists (RFC 9110 section 12.5.4).
func pickLocale(wishes ...string) string { return catalogue.Match(wishes...) }

// sentence is what people read for a reason ("signin.wrong").
func sentence(locale, reason string, args map[string]string) string {
	return catalogue.For(locale).Sentence(reason, args)
}

// explain says a failure in the reader's words, with how long to wait where the sentence has a place for it.
func explain(locale string, f failure) string {
	words := catalogue.For(locale)
	args := maps.Clone(f.args)
	if args == nil {
		args = map[string]string{}
	}
	if _, said := args["wait"]; !said {
		args["wait"] = words.Text("time.a-moment")
		if f.retryAfter > 0 {
			args["wait"] = words.Wait(f.retryAfter.Round(time.Second))
		}
	}
	return words.Sentence(f.reason, args)
}

// presenceText says a presence in words.
func presenceText(locale string, p portal.Presence) string {
	return catalogue.For(locale).Presence(p)
}
