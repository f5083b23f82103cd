package web

import (
	"io/fs"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/PuerkitoBio/goquery"

	"portico/app/portal"
	"portico/views/catalogue"
)

// withPolish is the portal's languages and a third one, begun with a few texts.
func withPolish(t *testing.T) *catalogue.Set {
	t.Helper()
	folder := fstest.MapFS{"active.pl.toml": {Data: []byte(`"language.name" = "Polski"
"settings.title" = "Ustawienia"
"action.save" = "Zapisz"
"settings.as-browser" = "Jak w przeglądarce"
`)}}
	own := os.DirFS("../../views/catalogue")
	names, err := fs.Glob(own, "active.*.toml")
	if err != nil || len(names) < 10 {
		t.Fatalf("the portal's texts: %v %v", names, err)
	}
	for _, name := range names {
		body, err := fs.ReadFile(own, name)
		if err != nil {
			t.Fatal(err)
		}
		folder[name] = &fstest.MapFile{Data: body}
	}
	set, err := catalogue.Load(folder)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func lang(doc *goquery.Document) string { return doc.Find("html").AttrOr("lang", "") }

// TestPageInAThirdLanguage: a file is enough for a language. What it lacks is English, it can be chosen by its own name, and
// the sign-in page offers it.
func TestPageInAThirdLanguage(t *testing.T) {
	h := newHouse(t)
	h.server.Languages = withPolish(t)
	page := h.browse(alice).with("Accept-Language", "pl,en;q=0.5")
	doc := page.page("/settings", http.StatusOK)
	if lang(doc) != "pl" || doc.Find("h1").First().Text() != "Ustawienia" || doc.Find("label[for=locale]").Length() == 0 {
		t.Errorf("lang %q, head %q", lang(doc), doc.Find("h1").First().Text())
	}
	english := catalogue.For("en").Text("settings.locale")
	if got := doc.Find("label[for=locale]").Text(); !strings.Contains(got, english) {
		t.Errorf("what the file lacks reads %q, want %q", got, english)
	}
	if got := doc.Find("#locale option[value=pl]").Text(); got != "Polski" {
		t.Errorf("it is offered as %q", got)
	}
	page.submit("/settings", "locale", "pl").leadsTo("/settings?saved=1")
	if got := lang(page.with("Accept-Language", "de").page("/settings", http.StatusOK)); got != "pl" {
		t.Errorf("chosen, the page is in %q", got)
	}
	if got := h.guest().page("/signin", http.StatusOK).Find(".languages a[hreflang=pl]").Text(); got != "Polski" {
		t.Errorf("the sign-in page offers %q", got)
	}
}

// TestLanguageByPolicy: policy goes before the setting and the browser; the settings page says so and changes nothing.
func TestLanguageByPolicy(t *testing.T) {
	h := peopleHouseFor(t)
	page, program := h.browse(alice).with("Accept-Language", "en-US"), h.signIn(alice)
	page.submit("/settings", "locale", "en-GB").leadsTo("/settings?saved=1")
	h.decide(func(in *portal.InForce) { in.Language = "de-AT" })
	doc := page.page("/settings", http.StatusOK)
	if lang(doc) != "de" || doc.Find("#locale[disabled]").Length() != 1 || doc.Find("#locale option[selected]").AttrOr("value", "") != "de-AT" || doc.Find("#locale-decided").Length() != 1 {
		t.Errorf("in %q: %s", lang(doc), doc.Find("#locale").Text())
	}
	if got := lang(h.guest().page("/signin", http.StatusOK)); got != "de" {
		t.Errorf("the sign-in page is in %q", got)
	}
	page.submit("/settings", "theme", "dark").leadsTo("/settings?saved=1")
	program.call("PUT", "/api/v1/me/settings", map[string]string{"locale": "en"}, http.StatusForbidden).problem("settings.decided")
	var me portal.Me
	program.call("GET", "/api/v1/me", nil, http.StatusOK).into(&me)
	if set, err := h.account.Settings(t.Context(), alice); err != nil || set.Locale != "en-GB" || me.Locale != "de-AT" {
		t.Errorf("kept %q (%v), in force %q", set.Locale, err, me.Locale)
	}
	h.decide(func(in *portal.InForce) { in.Language = "" })
	if got := lang(page.page("/settings", http.StatusOK)); got != "en" {
		t.Errorf("without policy the page is in %q", got)
	}
}

// TestCustomStatesByLanguage: the states an administrator adds read as the browser does, by LCID.
func TestCustomStatesByLanguage(t *testing.T) {
	h := peopleHouseFor(t)
	for accept, want := range map[string]string{"de-AT,de;q=0.9": "Im Labor", "en-US": "In the lab", "fr": "In the lab"} {
		doc := h.browse(alice).with("Accept-Language", accept).page("/contacts", http.StatusOK)
		other := map[string]string{"Im Labor": "In the lab", "In the lab": "Im Labor"}[want]
		if text := doc.Find("body").Text(); !strings.Contains(text, want) || strings.Contains(text, other) {
			t.Errorf("%s: the menu has not %q, or has %q", accept, want, other)
		}
	}
}

// TestLanguageOfEveryAnswer: pages, refusals and the sign-in page say in which language they are.
func TestLanguageOfEveryAnswer(t *testing.T) {
	h := newHouse(t)
	for accept, want := range map[string]string{"de-CH": "de", "en-US": "en", "xx": "en"} {
		a := h.browse(alice).with("Accept-Language", accept)
		for path, status := range map[string]int{"/contacts": 200, "/settings": 200, "/help": 200, "/no-such-page": 404} {
			if got := lang(a.page(path, status)); got != want {
				t.Errorf("%s for %s is in %q", path, accept, got)
			}
		}
		if got := lang(h.guest().with("Accept-Language", accept).page("/signin", http.StatusOK)); got != want {
			t.Errorf("sign-in for %s is in %q", accept, got)
		}
	}
}
