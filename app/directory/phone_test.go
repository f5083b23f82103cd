package directory

import (
	"slices"
	"strings"
	"testing"

	"portico/app/portal"
)

// TestNumbersAreFoundHoweverTheyAreTyped: all ways to write a number find it, also its beginning, and not those of others.
func TestNumbersAreFoundHoweverTheyAreTyped(t *testing.T) {
	s := book(t,
		portal.Person{URI: "sip:anna@x.test", DisplayName: "Anna", Phones: []string{"+43 1 234 56-77"}},
		portal.Person{URI: "sip:bea@x.test", DisplayName: "Bea", Numbers: []portal.Number{{Kind: "work", Number: "0664/9876543"}}},
		portal.Person{URI: "sip:carl@x.test", DisplayName: "Carl", Phones: []string{"0049 (0)30 55555", "tel:+1-212-555-0100;ext=42"}},
		portal.Person{URI: "sip:1234@x.test", DisplayName: "Dora"},
		portal.Person{URI: "sip:emil@x.test", DisplayName: "Emil", Phones: []string{"call me", "1", strings.Repeat("9", 30), "+39 06 1234"}},
	)
	for q, want := range map[string][]string{
		"+43 1 234":           {"Anna"},
		"+43123456":           {"Anna"},
		"0043 1 234":          {"Anna"},
		"0043(1)23456":        {"Anna"},
		"+43 (0)1 234 56":     {"Anna"},
		"01 234":              {"Anna"},
		"(01) 234-56":         {"Anna"},
		"12345":               {"Anna"},
		"43 1 234":            {"Anna"},
		"77":                  {"Anna"},
		"1234":                {"Dora", "Emil", "Anna"}, // whole words first
		"anna 0043":           {},
		"anna 01":             {"Anna"},
		"0664 98":             {"Bea"},
		"+43 664 98":          {"Bea"}, // the country is not said in the book
		"664":                 {"Bea"},
		"030 555":             {"Carl"},
		"+49 30 5":            {"Carl"},
		"212 555":             {"Carl"},
		"+1 (212) 555.0100":   {"Carl"},
		"42":                  {"Carl"},
		"+39 06 12":           {"Emil"},
		"06 12":               {"Emil"},
		"+44":                 {},
		"999":                 {},
		"+":                   {"Anna", "Carl", "Emil"},
		"-":                   {},
		"()":                  {},
		"00":                  {"Anna", "Carl", "Emil"},
		"9999999999999999999": {},
	} {
		people, err := s.Search(t.Context(), q, 10)
		if got := names(people); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q found %v, %v; want %v", q, got, err, want)
		}
	}
}

// FuzzNumbers: every number that can be found is found by itself, and by its international form written otherwise.
func FuzzNumbers(f *testing.F) {
	for _, n := range []string{"+43 1 234-77", "0043", "tel:+1;ext=1", "(0)", "+", "0", "++49", "12 34 56", "+43(0)1", "00(0)123", "1x2x3", "٣٤٥٦"} {
		f.Add(n)
	}
	f.Fuzz(func(t *testing.T, number string) {
		words := numberWords(number)
		if len(words) > 6 {
			t.Fatalf("%q has the words %v", number, words)
		}
		for _, w := range words {
			if len(w) > maxNumber+2 || strings.Trim(w, "+~0123456789") != "" {
				t.Fatalf("%q has the word %q", number, w)
			}
		}
		if query, _ := numberQuery(number); len(words) > 0 && len(query) > 0 &&
			!slices.ContainsFunc(query, func(q string) bool {
				return slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(w, q) })
			}) {
			t.Fatalf("%q, with the words %v, is not found by %v", number, words, query)
		}
	})
}

// TestHiddenNumbersFindNobody: anybody can try numbers out, so that only those at work, or of no kind, find somebody.
func TestHiddenNumbersFindNobody(t *testing.T) {
	all := []portal.Number{{Kind: "mobile", Number: "0664 111111"}, {Kind: "work", Number: "01 222222"}, {Kind: "home", Number: "02 333333"}, {Kind: "other", Number: "03 444444"}}
	s := book(t,
		portal.Person{URI: "sip:anna@x.test", DisplayName: "Anna", Numbers: all},
		portal.Person{URI: "sip:bea@x.test", DisplayName: "Bea", Numbers: all, Phones: []string{"0664 111111", "01 222222", "02 333333", "03 444444"}},
		portal.Person{URI: "sip:carl@x.test", DisplayName: "Carl", Phones: []string{"05 555555"}},
	)
	for q, want := range map[string][]string{
		"0664 1": {}, "0664111111": {}, "+43 664 1": {}, "111111": {}, "02 33": {}, "33": {}, "03 4": {}, "anna 0664": {},
		"01 222": {"Anna", "Bea"}, "222222": {"Anna", "Bea"}, "05 55": {"Carl"},
	} {
		people, err := s.Search(t.Context(), q, 10)
		if got := names(people); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q found %v, %v; want %v", q, got, err, want)
		}
	}
}
