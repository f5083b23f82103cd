package policy

// Finding names and watched words in what is said: whole words, in any script, whatever the case.

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"portico/app/portal"
)

const (
	// maxWord is the longest watched word or phrase in characters.
	maxWord = 60
	// maxHandle is how far behind an "@" a name is looked for, in bytes.
	maxHandle = 128
)

// Fold gives the form in which texts are compared: case and the width of characters make no difference.
func Fold(s string) string {
	ascii := true
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			ascii = false
			break
		}
	}
	if ascii {
		return strings.ToLower(s)
	}
	return norm.NFKC.String(cases.Fold().String(norm.NFKC.String(s)))
}

// Tokens cuts a text into its words, folded. A character of a script that is written without spaces is a word of
// its own, so that a phrase of them is found wherever it stands.
func Tokens(text string) []string {
	text = Fold(text)
	var words []string
	start := -1
	end := func(i int) {
		if start >= 0 {
			words = append(words, text[start:i])
			start = -1
		}
	}
	for i, r := range text {
		switch {
		case !unicode.In(r, unicode.L, unicode.N, unicode.M):
			end(i)
		case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar):
			end(i)
			words = append(words, text[i:i+utf8.RuneLen(r)])
		case start < 0:
			start = i
		}
	}
	end(len(text))
	return words
}

// Handles are the names behind each "@" that begins a word, folded. Of each the readings are given, the longest
// first: "@alice.adams." may mean "alice.adams" or "alice".
func Handles(text string) [][]string {
	if !strings.Contains(text, "@") {
		return nil
	}
	var all [][]string
	before := ' '
	for i, r := range text {
		if r == '@' && !unicode.In(before, unicode.L, unicode.N, unicode.M) {
			if h := readings(text[i+1:]); len(h) > 0 {
				all = append(all, h)
			}
		}
		before = r
	}
	return all
}

// readings are the names with which s may begin.
func readings(s string) []string {
	const joins = "._-+@"
	end := strings.IndexFunc(s, func(r rune) bool {
		return !unicode.In(r, unicode.L, unicode.N, unicode.M) && !strings.ContainsRune(joins, r)
	})
	if end < 0 {
		end = len(s)
	}
	if end == 0 || end > maxHandle || strings.IndexByte(joins, s[0]) >= 0 {
		return nil
	}
	var out []string
	for run := strings.TrimRight(s[:end], joins); run != ""; {
		out = append(out, Fold(run))
		cut := strings.LastIndexAny(run, joins)
		if cut < 0 {
			break
		}
		run = strings.TrimRight(run[:cut], joins)
	}
	return out
}

// Words gives what is kept of the words a person wants to watch: trimmed, without empty ones and doubles, in the
// order given. Errors mean ErrInvalid: "room.words" (too long, or without a letter or digit), "room.words-many" (more
// than portal.MaxWords).
func Words(words []string) ([]string, error) {
	var kept, seen []string
	for _, w := range words {
		if len(w) > 8*maxWord || !utf8.ValidString(w) {
			return nil, portal.Fail(portal.ErrInvalid, "room.words")
		}
		w = strings.Join(strings.Fields(clean(w)), " ")
		if w == "" {
			continue
		}
		key := strings.Join(Tokens(w), " ")
		if key == "" || utf8.RuneCountInString(w) > maxWord {
			return nil, portal.Fail(portal.ErrInvalid, "room.words")
		}
		if slices.Contains(seen, key) {
			continue
		}
		if kept, seen = append(kept, w), append(seen, key); len(kept) > portal.MaxWords {
			return nil, portal.Fail(portal.ErrInvalid, "room.words-many").With("Max", itoa(portal.MaxWords))
		}
	}
	return kept, nil
}
