package storage

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"portico/app/portal"
)

// Full text: how messages are cut into words, what of them the index holds, how a query is read, and which parts of a text it found.
//
// An index is an FTS5 table with one column, in which each word stands behind the scope of its message (a room, an owner): a search in
// one scope touches the entries of that scope alone and costs by what it finds there, however large the archive is. Words are compared
// without case and accents (see folded). The engine is given words of letters and digits only, quoted, so that nothing people write
// means anything to it.

const (
	// ftsTermsMost bounds how much of a query is read: so many words, counted over phrases too.
	ftsTermsMost = 32
	// ftsLead is how many letters of a word's beginning the index knows directly; see migrations, "prefix".
	ftsLead = 3
	// ftsScopeLen is the length of every scope.
	ftsScopeLen = 6
	// snippetMost and snippetLead are how much of a found text is shown, and how much of it stands before what was found, in characters.
	snippetMost, snippetLead = 300, 80
)

// ftsScope is what the words of one room or owner begin with in an index.
func ftsScope(num int64) string {
	s := strconv.FormatInt(num, 36)
	return strings.Repeat("0", max(ftsScopeLen-len(s), 0)) + s
}

// ftsWord is a word of a text in the form in which it is compared, and the bytes of the text from which it comes.
type ftsWord struct {
	word       string
	start, end int
}

// ftsWords cuts a text into words: runs of letters and digits; an ideograph or a kana is a word of its own.
func ftsWords(text string) []ftsWord {
	var words []ftsWord
	for start := 0; start < len(text); {
		r, size := utf8.DecodeRuneInString(text[start:])
		if !ftsPart(r) {
			start += size
			continue
		}
		end := start + size
		for !ftsAlone(r) && end < len(text) {
			next, size := utf8.DecodeRuneInString(text[end:])
			if !ftsPart(next) || ftsAlone(next) {
				break
			}
			end += size
		}
		for word := range strings.FieldsFuncSeq(folded(text[start:end]), func(r rune) bool { return !ftsKept(r) }) {
			words = append(words, ftsWord{word: shortened(word), start: start, end: end})
		}
		start = end
	}
	return words
}

// ftsPart reports whether a rune belongs to a word as it is written, ftsKept whether it does once it is folded, ftsAlone whether it is
// one by itself.
func ftsPart(r rune) bool {
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r))
}

func ftsKept(r rune) bool {
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.Is(unicode.Mc, r))
}

func ftsAlone(r rune) bool { return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana) }

// shortened is as much of a word as is indexed.
func shortened(word string) string {
	if utf8.RuneCountInString(word) <= maxWordLen {
		return word
	}
	return string([]rune(word)[:maxWordLen])
}

// ftsIndexed is what an index holds of a text in a scope; empty where the text has no words.
func ftsIndexed(scope, text string) string {
	var b strings.Builder
	for _, w := range ftsWords(text) {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(scope)
		b.WriteString(w.word)
	}
	return b.String()
}

// ftsTerm is words that stand together. The last of them may be the beginning of a longer one where open is set.
type ftsTerm struct {
	words []string
	open  bool
}

// ftsTerms is a query: one message must have all of its terms.
type ftsTerms []ftsTerm

// ftsParse reads what people look for (see portal.HistoryQuery.Q). Whatever is no word separates words; an open quotation mark
// reaches to the end. Empty: there is no word in it.
func ftsParse(q string) ftsTerms {
	if len(q) > portal.MaxTextLen {
		q = q[:portal.MaxTextLen]
	}
	var terms ftsTerms
	left := ftsTermsMost
	take := func(text string) {
		var words []string
		for _, w := range ftsWords(text) {
			words = append(words, w.word)
		}
		words = words[:min(len(words), left)]
		if left -= len(words); len(words) > 0 {
			terms = append(terms, ftsTerm{words: words})
		}
	}
	pieces := strings.Split(quoteMarks.Replace(q), `"`)
	for i, piece := range pieces {
		if i%2 == 1 {
			take(piece)
			continue
		}
		before := len(terms)
		for _, field := range strings.Fields(piece) {
			take(field)
		}
		if i == len(pieces)-1 && len(terms) > before {
			terms[len(terms)-1].open = true
		}
	}
	return terms
}

// quoteMarks makes the quotation marks of other languages plain ones.
var quoteMarks = strings.NewReplacer("“", `"`, "”", `"`, "„", `"`, "«", `"`, "»", `"`)

// match is the query in the engine's language, in a scope. Wide takes of an open word only the beginning that the index knows
// directly: that finds more than is meant, the newest first and at once, however many there are (see has).
func (ts ftsTerms) match(scope string, wide bool) string {
	var b strings.Builder
	for i, t := range ts {
		if i > 0 {
			b.WriteString(" AND ")
		}
		b.WriteByte('"')
		for j, word := range t.words {
			if j > 0 {
				b.WriteByte(' ')
			}
			if runes := []rune(word); wide && t.open && j == len(t.words)-1 && len(runes) > ftsLead {
				word = string(runes[:ftsLead])
			}
			b.WriteString(scope)
			b.WriteString(word)
		}
		b.WriteByte('"')
		if t.open {
			b.WriteString(" *")
		}
	}
	return b.String()
}

// widens reports whether match is another query when it is wide.
func (ts ftsTerms) widens() bool {
	return slices.ContainsFunc(ts, func(t ftsTerm) bool {
		return t.open && utf8.RuneCountInString(t.words[len(t.words)-1]) > ftsLead
	})
}

// at reports whether a term stands at a place of a text.
func (t ftsTerm) at(words []ftsWord, i int) bool {
	if i+len(t.words) > len(words) {
		return false
	}
	for j, word := range t.words {
		have := words[i+j].word
		if have != word && !(t.open && j == len(t.words)-1 && strings.HasPrefix(have, word)) {
			return false
		}
	}
	return true
}

// find gives the bytes of a text that the terms stand for, in their order and apart from each other; all is true where each term
// stands there at least once.
func (ts ftsTerms) find(text string) (spans [][2]int, all bool) {
	words := ftsWords(text)
	all = true
	for _, t := range ts {
		found := false
		for i := range words {
			if t.at(words, i) {
				found = true
				spans = append(spans, [2]int{words[i].start, words[i+len(t.words)-1].end})
			}
		}
		all = all && found
	}
	slices.SortFunc(spans, func(a, b [2]int) int { return a[0] - b[0] })
	apart := spans[:0]
	for _, s := range spans {
		if last := len(apart) - 1; last >= 0 && s[0] <= apart[last][1] {
			apart[last][1] = max(apart[last][1], s[1])
			continue
		}
		apart = append(apart, s)
	}
	return apart, all
}

// has reports whether a text has all of the terms.
func (ts ftsTerms) has(text string) bool {
	_, all := ts.find(text)
	return all
}

// parts is the text around what was found in it, at most snippetMost characters, with an ellipsis where it is cut.
func (ts ftsTerms) parts(text string) []portal.HitPart {
	spans, _ := ts.find(text)
	from, to := snippet(text, spans)
	var parts []portal.HitPart
	put := func(s string, found bool) {
		if s != "" {
			parts = append(parts, portal.HitPart{Text: s, Found: found})
		}
	}
	at, lead := from, ""
	if from > 0 {
		lead = "…"
	}
	for _, s := range spans {
		if s[0] >= to || s[1] <= from {
			continue
		}
		put(lead+text[at:max(s[0], at)], false)
		lead = ""
		at = min(s[1], to)
		put(text[s[0]:at], true)
	}
	rest := lead + text[at:to]
	if to < len(text) {
		rest += "…"
	}
	put(rest, false)
	return parts
}

// snippet gives the stretch of a text that is shown: it begins with a word a little before the first thing found.
func snippet(text string, spans [][2]int) (from, to int) {
	if len(spans) > 0 {
		first := spans[0][0]
		from = first
		for n := 0; n < snippetLead && from > 0; n++ {
			_, size := utf8.DecodeLastRuneInString(text[:from])
			from -= size
		}
		if space := strings.IndexAny(text[from:first], " \n\t"); from > 0 && space >= 0 {
			from += space + 1
		}
	}
	to = from
	for n := 0; n < snippetMost && to < len(text); n++ {
		_, size := utf8.DecodeRuneInString(text[to:])
		to += size
	}
	return from, to
}
