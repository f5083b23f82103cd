package catalogue

import (
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

// polish is a third language, begun with a few texts.
const polish = `"language.name" = "Polski"
"time.today" = "Dzisiaj"
"time.date" = "{{.Day}} {{.Month}}"
"time.a-moment" = "chwilę"

["unread.count"]
one = "{{.Count}} nieprzeczytana wiadomość"
few = "{{.Count}} nieprzeczytane wiadomości"
many = "{{.Count}} nieprzeczytanych wiadomości"
other = "{{.Count}} nieprzeczytanej wiadomości"
`

// withPolish is the portal's own languages and a third one.
func withPolish(t *testing.T) *Set {
	t.Helper()
	folder := fstest.MapFS{"active.pl.toml": {Data: []byte(polish)}}
	names, err := fs.Glob(files, pattern)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		body, err := files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		folder[name] = &fstest.MapFile{Data: body}
	}
	set, err := Load(folder)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// TestThirdLanguage: a language is a file to add. What it does not say is English, with English plural forms.
func TestThirdLanguage(t *testing.T) {
	set := withPolish(t)
	if got := set.Locales(); !slices.Equal(got, []string{"en", "de", "pl"}) {
		t.Fatalf("the languages are %q", got)
	}
	pl := set.For("pl")
	for n, want := range map[int]string{
		1: "1 nieprzeczytana wiadomość", 2: "2 nieprzeczytane wiadomości", 4: "4 nieprzeczytane wiadomości", 5: "5 nieprzeczytanych wiadomości",
		12: "12 nieprzeczytanych wiadomości", 22: "22 nieprzeczytane wiadomości", 0: "0 nieprzeczytanych wiadomości",
	} {
		if got := pl.Count("unread.count", n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
	for got, want := range map[string]string{
		pl.Text("time.today"): "Dzisiaj", pl.Text("time.yesterday"): "Yesterday", pl.Count("time.minutes", 1): "1 minute", pl.Count("time.minutes", 4): "4 minutes",
		pl.Text("time.yesterday-at", "Time", "9:00"): "yesterday 9:00", pl.Locale(): "pl", pl.Tag(): "pl", pl.Sentence("too-many", map[string]string{"wait": "x"}): set.For("en").Sentence("too-many", map[string]string{"wait": "x"}),
		set.Match("pl-PL,de;q=0.5"): "pl", set.Decide("de-AT", "pl"): "pl", set.For("fr").Locale(): "en",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	var names []string
	for _, c := range set.Choices() {
		names = append(names, c.Text("language.name"))
	}
	if got := strings.Join(names, ", "); got != "English, English (United Kingdom), English (United States), Deutsch, Deutsch (Österreich), Deutsch (Schweiz), Polski" {
		t.Errorf("to choose from: %s", got)
	}
	if !slices.Equal(Locales(), []string{"en", "de"}) || For("pl").Locale() != "en" {
		t.Error("the portal's own languages have changed")
	}
}

func TestFoldersThatAreNone(t *testing.T) {
	for what, folder := range map[string]fstest.MapFS{
		"empty":                {},
		"without English":      {"active.pl.toml": {Data: []byte(polish)}},
		"no TOML":              {"active.en.toml": {Data: []byte("a = ")}},
		"a broken template":    {"active.en.toml": {Data: []byte(`"a" = "{{.X"`)}},
		"a broken plural form": {"active.en.toml": {Data: []byte("[a]\none = \"{{\"\nother = \"b\"")}},
		"a text twice":         {"active.en.toml": {Data: []byte(`"a" = "b"`)}, "active.x.en.toml": {Data: []byte(`"a" = "c"`)}},
	} {
		if _, err := Load(folder); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
}

// TestDecide: policy, settings and cookie before the browser, and the country of who named it.
func TestDecide(t *testing.T) {
	set := BuiltIn()
	for _, c := range []struct {
		accept string
		wishes []string
		want   string
	}{
		{"", nil, "en"}, {"en-US,en;q=0.9", nil, "en-US"}, {"en-GB", nil, "en-GB"}, {"en", nil, "en"}, {"fr-CA", nil, "en"}, {"de-DE,de;q=0.9", nil, "de"},
		{"de-AT,de;q=0.9,en-US;q=0.8", nil, "de-AT"}, {"fr,de-AT", nil, "de-AT"}, {"de-CH", nil, "de-CH"}, {"en-Latn-US", nil, "en-US"}, {"en-AU", nil, "en-AU"},
		// Another language of the browser says nothing of the country: an American form on a page for somebody in Austria.
		{"de-AT,en-US;q=0.5", []string{"", "en"}, "en"}, {"en-US", []string{"de"}, "de"}, {"de-AT,en", []string{"de"}, "de-AT"},
		{"en-US", []string{"de-CH", "en"}, "de-CH"}, {"de", []string{"", "", "en-US"}, "en-US"}, {"de", []string{"xx", "fr"}, "de"},
		{"en-US", []string{"en-GB"}, "en-GB"}, {strings.Repeat("de,", 400), []string{"en"}, "en"}, {";;;", nil, "en"}, {"de-LI", nil, "de-LI"}, {"en-IE", nil, "en"},
	} {
		if got := set.Decide(c.accept, c.wishes...); got != c.want {
			t.Errorf("%.30q %q: %s, want %s", c.accept, c.wishes, got, c.want)
		}
	}
}

func FuzzDecide(f *testing.F) {
	for _, seed := range []string{"", "de", "de-AT,de;q=0.9", "en-US-x-twain", "*", "i-klingon", "en-Latn-US", "en-u-hc-h12", "de_ch", "a,b"} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, accept, wish string) {
		set := BuiltIn()
		tag := set.Decide(accept, wish)
		c := set.For(tag)
		if c.Tag() != tag || !slices.Contains(set.Locales(), c.Locale()) {
			t.Errorf("Decide(%q, %q) = %q, which is read as %q in %q", accept, wish, tag, c.Tag(), c.Locale())
		}
		if chosen, ok := set.Chosen(wish); ok && set.For(chosen).Locale() != strings.SplitN(chosen, "-", 2)[0] {
			t.Errorf("Chosen(%q) = %q", wish, chosen)
		}
	})
}

func TestChosen(t *testing.T) {
	for in, want := range map[string]string{
		"de": "de", "DE": "de", "de-at": "de-AT", "en-US": "en-US", "en-IE": "en-IE", "": "", "fr": "", "de,en": "", "de_AT": "", "x": "", "de-Latn": "", strings.Repeat("d", 300): "", "und": "", "de-DE": "de-DE",
	} {
		if got, ok := BuiltIn().Chosen(in); got != want || ok != (want != "") {
			t.Errorf("Chosen(%.20q) = %q, %v", in, got, ok)
		}
	}
}

// TestCountries: how dates, hours, weeks and numbers are written where.
func TestCountries(t *testing.T) {
	at := time.Date(2026, 1, 5, 15, 4, 5, 0, time.UTC)
	other := at.AddDate(1, 0, 0)
	for tag, want := range map[string]string{
		"en":    "15:04|15:04|15:04:05|5 Jan 2026|Monday 5 January 2026, 15:04|Monday|1,234,567|1.5 MB|1,234.5",
		"en-GB": "15:04|15:04|15:04:05|5 Jan 2026|Monday 5 January 2026, 15:04|Monday|1,234,567|1.5 MB|1,234.5",
		"en-US": "3:04 PM|3:04 PM|3:04:05 PM|Jan 5, 2026|Monday, January 5, 2026, 3:04 PM|Sunday|1,234,567|1.5 MB|1,234.5",
		"en-AU": "3:04 PM|3:04 PM|3:04:05 PM|5 Jan 2026|Monday 5 January 2026, 3:04 PM|Monday|1,234,567|1.5 MB|1,234.5",
		"de":    "15:04|15:04|15:04:05|5. Jan. 2026|Montag, 5. Januar 2026, 15:04|Monday|1.234.567|1,5 MB|1.234,5",
		"de-AT": "15:04|15:04|15:04:05|5. Jän. 2026|Montag, 5. Jänner 2026, 15:04|Monday|1\u00a0234\u00a0567|1,5 MB|1\u00a0234,5",
		"de-CH": "15:04|15:04|15:04:05|5. Jan. 2026|Montag, 5. Januar 2026, 15:04|Monday|1’234’567|1.5 MB|1’234.5",
	} {
		c := For(tag)
		got := strings.Join([]string{
			c.Clock(at), c.Hour(at), c.Seconds(at), c.Date(at, other), c.Full(at), c.FirstDay().String(), c.Number(1234567), c.Size(1_500_000), c.Decimal(1234.5, 1),
		}, "|")
		if got != want || c.Tag() != tag {
			t.Errorf("%s (%s): %s\nwant %s", tag, c.Tag(), got, want)
		}
	}
	for tag, want := range map[string]string{"en-US": "9 AM", "en": "09:00", "de-US": "09:00"} {
		if got := For(tag).Hour(time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)); got != want {
			t.Errorf("nine in %s: %q", tag, got)
		}
	}
	if got := For("de-CH").Text("time.twelve", "Time", "ß", "Half", ""); got != "ß " {
		t.Errorf("what is filled in is spelt otherwise: %q", got)
	}
}

// TestSwissSpelling: there is no ß in Swiss texts, in none of their forms.
func TestSwissSpelling(t *testing.T) {
	de, ch := For("de"), For("de-CH")
	differs := 0
	for _, key := range de.Keys() {
		if was, is := de.Text(key), ch.Text(key); strings.Contains(is, "ß") || strings.Contains(ch.Count(key, 1), "ß") {
			t.Errorf("%s: %q", key, is)
		} else if was != is {
			differs++
		}
	}
	if differs < 5 {
		t.Errorf("%d texts are spelt otherwise", differs)
	}
}

// TestNumbersInTexts: arguments are written as the reader writes them, years are not grouped, and bounds in errors are.
func TestNumbersInTexts(t *testing.T) {
	de := For("de")
	for got, want := range map[string]string{
		de.Count("unread.count", 12345): "12.345 ungelesene Nachrichten", de.Count("unread.count", 1): "1 ungelesene Nachricht",
		de.Text("time.date-year", "Day", 1, "Month", "Mai", "Year", 2026): "1. Mai 2026",
		de.Sentence("message.too-long", map[string]string{"max": "8000"}): "Die Nachricht ist zu lang. Sie kann 8.000 Bytes haben.",
		de.Size(-1): "", de.Size(999): "999 Bytes", de.Size(1000): "1 kB", de.Size(12_345): "12 kB", de.Size(3_000_000_000_000): "3.000 GB",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// forms are the plural forms that a language needs for whole numbers (Unicode CLDR, plural rules).
func forms(locale string) []plural.Form {
	var out []plural.Form
	for n := range 1000 {
		if f := plural.Cardinal.MatchPlural(language.Make(locale), n, 0, 0, 0, 0); !slices.Contains(out, f) {
			out = append(out, f)
		}
	}
	return out
}

// TestPluralForms: a text that counts has, in each language, each form that the language needs.
func TestPluralForms(t *testing.T) {
	if got := forms("pl"); len(got) != 3 {
		t.Fatalf("Polish has the forms %v", got)
	}
	counted := 0
	for _, locale := range Locales() {
		needed := forms(locale)
		for key, m := range messages(t, locale) {
			if m.One+m.Few+m.Many+m.Two+m.Zero == "" {
				continue
			}
			counted++
			have := map[plural.Form]string{plural.Zero: m.Zero, plural.One: m.One, plural.Two: m.Two, plural.Few: m.Few, plural.Many: m.Many, plural.Other: m.Other}
			for _, f := range needed {
				if have[f] == "" {
					t.Errorf("%s: %s has no form %v", locale, key, f)
				}
			}
			if m.Other == "" {
				t.Errorf("%s: %s has no general form", locale, key)
			}
		}
	}
	if counted < 40 {
		t.Errorf("only %d texts count: the search is broken", counted)
	}
}
