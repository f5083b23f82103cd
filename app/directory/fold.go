package directory

import (
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// fold is s as it is compared: without case, accents and compatibility forms ("Ångström" → "angstrom").
func fold(s string) string {
	if plain(s) {
		return strings.ToLower(s)
	}
	decomposed := norm.NFKD.String(cases.Fold().String(norm.NFKC.String(s)))
	var b strings.Builder
	b.Grow(len(decomposed))
	for _, r := range decomposed {
		if unicode.Is(unicode.Mn, r) {
			continue
		}
		if base, ok := withoutStroke(r); ok {
			b.WriteString(base)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func plain(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// withoutStroke is the plain form of letters that Unicode does not take apart.
func withoutStroke(r rune) (string, bool) {
	switch r {
	case 'ø':
		return "o", true
	case 'ł':
		return "l", true
	case 'đ', 'ð':
		return "d", true
	case 'ħ':
		return "h", true
	case 'ı':
		return "i", true
	case 'þ':
		return "th", true
	case 'æ':
		return "ae", true
	case 'œ':
		return "oe", true
	}
	return "", false
}

// umlauts are the letters that people without them on the keyboard write as two.
var umlauts = strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue", "Ä", "ae", "Ö", "oe", "Ü", "ue", "å", "aa", "Å", "aa", "ø", "oe", "Ø", "oe")

// spelledOut is s folded with its umlauts written as two letters ("Müller" → "mueller"); false where there are none.
func spelledOut(s string) (string, bool) {
	if plain(s) {
		return "", false
	}
	folded := fold(umlauts.Replace(norm.NFC.String(s)))
	return folded, folded != fold(s)
}
