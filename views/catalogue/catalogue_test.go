package catalogue

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/BurntSushi/toml"
	"github.com/nicksnyder/go-i18n/v2/i18n"

	"portico/app/portal"
)

func TestEveryLanguageHasEveryText(t *testing.T) {
	want := For(Default).Keys()
	if len(want) < 200 {
		t.Fatalf("the catalogue has only %d texts", len(want))
	}
	for _, locale := range Locales() {
		c := For(locale)
		for _, key := range want {
			if !c.Has(key) {
				t.Errorf("%s has no %q", locale, key)
			} else if text := c.Text(key); text == "" || text == key {
				t.Errorf("%s: %q is %q", locale, key, text)
			}
		}
		for _, key := range c.Keys() {
			if !slices.Contains(want, key) {
				t.Errorf("%s has %q, which the default language has not", locale, key)
			}
		}
	}
}

// argument finds what a text is filled with.
var placeholder = regexp.MustCompile(`\{\{[^}]*\.(\w+)[^}]*\}\}`)

// messages are the texts of one language's files, by key.
func messages(t *testing.T, tag string) map[string]*i18n.Message {
	t.Helper()
	names, err := fs.Glob(files, pattern)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]*i18n.Message{}
	for _, name := range names {
		body, err := files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		file, err := i18n.ParseMessageFileBytes(body, name, map[string]i18n.UnmarshalFunc{"toml": toml.Unmarshal})
		if err != nil {
			t.Fatal(err)
		}
		if file.Tag.String() != tag {
			continue
		}
		for _, m := range file.Messages {
			out[m.ID] = m
		}
	}
	if len(out) == 0 {
		t.Fatalf("no texts in %s", tag)
	}
	return out
}

// arguments are the names that a text is filled with. That of a number in a plural form may be left out: "one message".
func arguments(m *i18n.Message) string {
	var names []string
	for _, form := range []string{m.Zero, m.One, m.Two, m.Few, m.Many, m.Other} {
		for _, found := range placeholder.FindAllStringSubmatch(form, -1) {
			if !slices.Contains(names, found[1]) {
				names = append(names, found[1])
			}
		}
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// TestTranslationsTakeTheSameArguments holds for the languages and for their forms in other countries.
func TestTranslationsTakeTheSameArguments(t *testing.T) {
	want := messages(t, Default)
	for _, c := range BuiltIn().Choices() {
		for key, m := range messages(t, c.Tag()) {
			if key == respelling {
				continue
			}
			if want[key] == nil {
				t.Errorf("%s: there is no %q in %s", c.Tag(), key, Default)
			} else if got := arguments(m); got != arguments(want[key]) {
				t.Errorf("%s: %s takes %q, in %s %q", c.Tag(), key, got, Default, arguments(want[key]))
			}
			if m.One != "" && want[key] != nil && want[key].One == "" {
				t.Errorf("%s: %s counts, in %s it does not", c.Tag(), key, Default)
			}
		}
	}
}

// An Error's argument "who" is {{.Who}} in a sentence: {{.who}} would stay empty.
func TestArgumentsAreCapital(t *testing.T) {
	files, err := filepath.Glob("active*.toml")
	if err != nil || len(files) < 4 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range placeholder.FindAllStringSubmatch(string(data), -1) {
			if m[1] != strings.ToUpper(m[1][:1])+m[1][1:] {
				t.Errorf("%s: %s", name, m[0])
			}
		}
	}
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		wishes []string
		want   string
	}{
		{nil, "en"}, {[]string{""}, "en"}, {[]string{"de"}, "de"}, {[]string{"de-AT,de;q=0.9,en;q=0.5"}, "de"}, {[]string{"en-GB"}, "en"},
		{[]string{"fr, de;q=0.3"}, "de"}, {[]string{"fr"}, "en"}, {[]string{"", "de"}, "de"}, {[]string{"fr", "de"}, "de"}, {[]string{"en", "de"}, "en"},
		{[]string{"gsw"}, "de"}, {[]string{";;;"}, "en"}, {[]string{strings.Repeat("de,", 400)}, "en"},
	} {
		if got := Match(c.wishes...); got != c.want {
			t.Errorf("Match(%q) = %s, want %s", c.wishes, got, c.want)
		}
	}
	if For("de-CH").Locale() != "de" || For("").Locale() != "en" {
		t.Error("For does not fall back to the nearest language")
	}
}

func FuzzMatch(f *testing.F) {
	for _, seed := range []string{"", "de", "de-AT,de;q=0.9", "en-US-x-twain", "*", "i-klingon", "de;q=1e9", "a,b,c,d"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		if got := Match(header); !slices.Contains(Locales(), got) {
			t.Errorf("Match(%q) = %q", header, got)
		}
	})
}

func TestFill(t *testing.T) {
	for _, c := range []struct {
		text, want string
		whole      bool
	}{
		{"a {{.X}} b {{ .Y }}{{.X}}", "a 1 b two1", true}, {"{{.Z}}none", "none", true}, {"no argument", "no argument", true},
		{"{{if .X}}x{{end}}", "", false}, {"{{.X", "", false}, {"{{.X.Y}}", "", false},
	} {
		segments, ok := split(c.text)
		if ok != c.whole || ok && For(Default).fill(segments, []any{"X", 1, "Y", "two", "odd"}) != c.want {
			t.Errorf("%q: %v %q", c.text, ok, For(Default).fill(segments, []any{"X", 1, "Y", "two"}))
		}
	}
}

func TestPlurals(t *testing.T) {
	for locale, want := range map[string][]string{
		"en": {"0 unread messages", "1 unread message", "2 unread messages"},
		"de": {"0 ungelesene Nachrichten", "1 ungelesene Nachricht", "2 ungelesene Nachrichten"},
	} {
		for n, text := range want {
			if got := For(locale).Count("unread.count", n); got != text {
				t.Errorf("%s %d: %q, want %q", locale, n, got, text)
			}
		}
	}
}

func TestTimes(t *testing.T) {
	vienna, err := time.LoadLocation("Europe/Vienna")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 21, 10, 0, 0, 0, vienna)
	at := func(days, hour int) time.Time { return time.Date(2026, 11, 21+days, hour, 5, 0, 0, vienna) }
	for _, c := range []struct {
		t                         time.Time
		locale                    string
		day, short, moment, since string
	}{
		{at(0, 9), "en", "Today", "09:05", "09:05", "09:05"},
		{at(-1, 23), "en", "Yesterday", "Fri", "yesterday 23:05", "yesterday 23:05"},
		{at(-3, 9), "en", "Wednesday", "Wed", "18 Nov, 09:05", "18 Nov"},
		{at(-7, 9), "en", "Saturday 14 November", "14 Nov", "14 Nov, 09:05", "14 Nov"},
		{at(-400, 9), "en", "Friday 17 October 2025", "17 Oct 2025", "17 Oct 2025, 09:05", "17 Oct 2025"},
		{at(1, 9), "en", "Sunday 22 November", "22 Nov", "tomorrow 09:05", "tomorrow 09:05"},
		{at(0, 9), "de", "Heute", "09:05", "09:05", "09:05"},
		{at(-3, 9), "de", "Mittwoch", "Mi", "18. Nov., 09:05", "18. Nov."},
		{at(-7, 9), "de", "Samstag, 14. November", "14. Nov.", "14. Nov., 09:05", "14. Nov."},
	} {
		cat := For(c.locale)
		for what, got := range map[string][2]string{
			"day": {cat.Day(c.t, now), c.day}, "short": {cat.Short(c.t, now), c.short},
			"moment": {cat.Moment(c.t, now), c.moment}, "since": {cat.Since(c.t, now), c.since},
		} {
			if got[0] != got[1] {
				t.Errorf("%s %s of %s: %q, want %q", c.locale, what, c.t, got[0], got[1])
			}
		}
	}
	if got := For("de").Full(now); got != "Samstag, 21. November 2026, 10:00" {
		t.Errorf("full: %q", got)
	}
}

// TestDaysOfTheClockChange: a day of 23 or 25 hours is a day.
func TestDaysOfTheClockChange(t *testing.T) {
	vienna, err := time.LoadLocation("Europe/Vienna")
	if err != nil {
		t.Fatal(err)
	}
	for _, noon := range []time.Time{time.Date(2026, 3, 29, 0, 30, 0, 0, vienna), time.Date(2026, 10, 25, 23, 30, 0, 0, vienna)} {
		if got := For("en").Day(noon.AddDate(0, 0, -1), noon); got != "Yesterday" {
			t.Errorf("the day before %s is %q", noon, got)
		}
	}
}

func TestPresenceInWords(t *testing.T) {
	for _, c := range []struct {
		p        portal.Presence
		en, de   string
		activity bool
	}{
		{portal.Presence{Availability: portal.Busy, Activity: portal.InACall}, "Busy, in a call", "Beschäftigt, im Gespräch", true},
		{portal.Presence{Availability: portal.Available}, "Available", "Verfügbar", false},
		{portal.Presence{}, "Status not known", "Status unbekannt", false},
		{portal.Presence{Availability: "sleepy"}, "Status not known", "Status unbekannt", false},
		{portal.Presence{Availability: portal.Busy, Activity: "custom-2", Text: "On the shop floor"}, "Busy, On the shop floor", "Beschäftigt, On the shop floor", true},
		{portal.Presence{Availability: portal.Busy, Activity: "custom-2"}, "Busy, custom state 2", "Beschäftigt, eigener Status 2", true},
		{portal.Presence{Availability: portal.Away, Activity: "flying"}, "Away", "Abwesend", false},
	} {
		if en, de := For("en").Presence(c.p), For("de").Presence(c.p); en != c.en || de != c.de {
			t.Errorf("%+v: %q, %q", c.p, en, de)
		}
	}
	for _, a := range []portal.Availability{portal.Available, portal.Busy, portal.DoNotDisturb, portal.BeRightBack, portal.Away, portal.Offline, portal.Unknown} {
		if !For("en").Has("availability." + string(a)) {
			t.Errorf("no word for %s", a)
		}
	}
	for _, a := range []portal.Activity{portal.InACall, portal.InAMeeting, portal.InAConference, portal.OutOfOffice, portal.Inactive} {
		if !For("en").Has("activity." + string(a)) {
			t.Errorf("no word for %s", a)
		}
	}
}

func TestStatesInWords(t *testing.T) {
	en := For("en")
	for _, s := range []portal.State{portal.Pending, portal.Sent, portal.Stored, portal.Delivered, portal.Read, portal.Failed} {
		if en.State(s, "") == "" {
			t.Errorf("no word for %s", s)
		}
	}
	if got := en.State(portal.Received, ""); got != "" {
		t.Errorf("a received message has the state %q", got)
	}
	if got := en.State(portal.Failed, "send.not-found"); got != "Not delivered. Nobody has this address." {
		t.Errorf("failed: %q", got)
	}
}

func TestSentences(t *testing.T) {
	en := For("en")
	for _, c := range []struct {
		err  error
		want string
	}{
		{portal.Fail(portal.ErrUnauthenticated, "signin.wrong"), "The SIP address or the password is wrong."},
		{portal.Fail(portal.ErrTooMany, "signin.too-many").After(30 * time.Second), "There were too many tries. Try again in 30 seconds."},
		{portal.Fail(portal.ErrTooMany, "signin.too-many").After(150 * time.Second), "There were too many tries. Try again in 3 minutes."},
		{portal.Fail(portal.ErrTooMany, "signin.too-many"), "There were too many tries. Try again in a moment."},
		{portal.Fail(portal.ErrUnavailable, "send.never-heard-of"), "The SIP server did not take the message."},
		{portal.Fail(portal.ErrInvalid, "no-such-thing"), "Something went wrong on our side. It was recorded."},
		{portal.Fail(portal.ErrInvalid, "message.too-long").With("max", "4"), "The message is too long. It can have 4 bytes."},
		{portal.ErrForbidden, "You are not allowed to do that."},
		{errors.New("disk on fire"), "Something went wrong on our side. It was recorded."},
	} {
		if got := en.Failure(c.err); got != c.want {
			t.Errorf("%v: %q, want %q", c.err, got, c.want)
		}
		if strings.Contains(en.Failure(c.err), "fire") {
			t.Error("a cause is shown to people")
		}
	}
}

// reasonKey finds reasons as the rooms write them.
var reasonKey = regexp.MustCompile(`(?:Fail\(\s*[\w.]+,|[fF]ailStatus\([\w.]+,|s\.fail\([\w.]+,|addressError\(|Reason:\s*|Reason = |reason = |Key:\s*)\s*"([a-z0-9-]+(?:\.[a-z0-9-]+)*)"`)

// familyKey finds reasons in tables, by the families that are reasons wherever they stand.
var familyKey = regexp.MustCompile(`"((?:send|signin|notice|line|contacts)\.[a-z0-9-]+)"`)

// TestEveryReasonHasASentence reads the other rooms: what they give as a reason is a sentence here, its own and
// not the one for its family.
func TestEveryReasonHasASentence(t *testing.T) {
	found := map[string]string{}
	for _, room := range []string{"app", "storage", "realtime"} {
		reasonsIn(t, filepath.Join("..", "..", room), found)
	}
	if len(found) < 30 {
		t.Fatalf("only %d reasons found: %v", len(found), found)
	}
	delete(found, "contacts.title") // the page's, not a reason
	for key, path := range found {
		if !For(Default).Has("error." + key) {
			t.Errorf("%s gives the reason %q, which has no sentence", path, key)
		}
	}
}

func reasonsIn(t *testing.T, root string, found map[string]string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "siplab" || d.Name() == "siptest" || d.Name() == "storagetest" || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range reasonKey.FindAllStringSubmatch(string(source), -1) {
			found[m[1]] = path
		}
		if filepath.Base(filepath.Dir(path)) != "config" {
			for _, m := range familyKey.FindAllStringSubmatch(string(source), -1) {
				found[m[1]] = path
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
