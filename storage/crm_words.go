package storage

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Finding people and companies by the beginnings of their words: without case and accents, umlauts also as two letters.
//
// Each party has its words in crm_words, whole and by their first letters up to wordHead. A beginning that short is one stretch of
// that table in the order of the names, read until there are enough. A longer one is looked up among the whole words: where few
// parties have it, they are put in order. Where more than fewParties do, or the words are short, the stretches of their first letters
// are read side by side, leaping over what is not in all of them, and what they meet at is compared whole.

const (
	wordHead   = 3
	fewParties = 500
	// maxWords and maxWordLen bound what is indexed of a party and what is looked for.
	maxWords   = 40
	maxWordLen = 40
)

// folded is s without case, accents and compatibility forms.
func folded(s string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(cases.Fold().String(norm.NFKC.String(s))) {
		switch {
		case unicode.Is(unicode.Mn, r):
		case r == 'ø':
			b.WriteByte('o')
		case r == 'ł':
			b.WriteByte('l')
		case r == 'đ':
			b.WriteByte('d')
		case r == 'æ':
			b.WriteString("ae")
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// spelled writes umlauts as people without them on the keyboard do.
var spelled = strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue", "Ä", "ae", "Ö", "oe", "Ü", "ue", "å", "aa", "Å", "aa", "ø", "oe", "Ø", "oe")

// wordsOf gives the words of texts in the form in which they are compared, each once; umlauts in both spellings where both is set.
func wordsOf(both bool, texts ...string) []string {
	var words []string
	add := func(text string) {
		for word := range strings.FieldsFuncSeq(folded(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
			if runes := []rune(word); len(runes) > maxWordLen {
				word = string(runes[:maxWordLen])
			}
			if len(words) < maxWords && !slices.Contains(words, word) {
				words = append(words, word)
			}
		}
	}
	for _, text := range texts {
		add(text)
		if plain := norm.NFC.String(text); both && spelled.Replace(plain) != plain {
			add(spelled.Replace(plain))
		}
	}
	return words
}

// packed is a list of words as one text, in which each is found with a space before it.
func packed(words []string) string { return " " + strings.Join(words, " ") }

func unpacked(words string) []string { return strings.Fields(words) }

// entriesOf are the rows of the index that some words stand for.
func entriesOf(words []string) []string {
	var list []string
	for _, word := range words {
		list = append(list, word)
		runes := []rune(word)
		for n := 1; n <= wordHead && n < len(runes); n++ {
			list = append(list, string(runes[:n]))
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// indexWords brings the words of a party from what they were to what they are; with an empty sort there were, or are, none.
func (t *txn) indexWords(kind string, party int64, wasSort, wasWords, sort, words string) error {
	if wasSort == sort && wasWords == words {
		return nil
	}
	for _, word := range entriesOf(unpacked(wasWords)) {
		if err := t.exec(`DELETE FROM crm_words WHERE kind = ? AND word = ? AND sort = ? AND party = ?`, kind, word, wasSort, party); err != nil {
			return err
		}
	}
	for _, word := range entriesOf(unpacked(words)) {
		if err := t.exec(`INSERT INTO crm_words (kind, word, sort, party) VALUES (?, ?, ?, ?)`, kind, word, sort, party); err != nil {
			return err
		}
	}
	return nil
}

// partyRow is a person or a company as it is stored.
type partyRow struct {
	words   string
	payload []byte
	version int64
	// company is the name of a person's company as it is now; empty for none, and of companies.
	company string
}

func scanParty(scan scanFunc) (r partyRow, err error) {
	err = scan(&r.words, &r.payload, &r.version, &r.company)
	return r, err
}

// partyQueries are how one kind of party is read; each row is a partyRow.
type partyQueries struct {
	kind string
	// all reads every one in the order of the names, byHead those of a stretch of the index (kind, word) of which the words have a
	// pattern, byNum one by its number.
	all, byHead, byNum string
}

// search is one look for parties.
type search struct {
	s      *Store
	q      partyQueries
	tokens []string
	limit  int
	found  []partyRow
}

// find gives the parties of which each word of a text begins one of theirs, by name, up to limit; a blank text finds all.
func (s *Store) find(ctx context.Context, q partyQueries, text string, limit int) ([]partyRow, error) {
	f := search{s: s, q: q, tokens: wordsOf(false, text), limit: limit}
	if limit <= 0 || len(f.tokens) == 0 && strings.TrimSpace(text) != "" {
		return nil, nil
	}
	slices.SortFunc(f.tokens, func(a, b string) int { return cmp.Compare(utf8.RuneCountInString(b), utf8.RuneCountInString(a)) })
	var heads []string
	for _, token := range f.tokens {
		heads = append(heads, head(token))
		if utf8.RuneCountInString(token) <= wordHead {
			continue
		}
		nums, few, err := f.having(ctx, token)
		if err != nil {
			return nil, err
		}
		if few {
			err := f.gather(ctx, nums)
			return f.found, err
		}
	}
	slices.Sort(heads)
	switch heads = slices.Compact(heads); len(heads) {
	case 0:
		return f.read(ctx, q.all)
	case 1: // letters and digits: nothing that means something else in a pattern
		return f.read(ctx, q.byHead, q.kind, heads[0], "% "+f.tokens[0]+"%")
	}
	err := f.meet(ctx, heads)
	return f.found, err
}

// head is what a token begins with.
func head(token string) string {
	runes := []rune(token)
	return string(runes[:min(len(runes), wordHead)])
}

// place is where a party stands in a stretch of the index.
type place struct {
	sort string
	num  int64
}

func (p place) compare(o place) int {
	return cmp.Or(strings.Compare(p.sort, o.sort), cmp.Compare(p.num, o.num))
}

func scanPlace(scan scanFunc) (p place, err error) {
	err = scan(&p.sort, &p.num)
	return p, err
}

// having gives the parties with a word that begins with a token, by name; false: they are not few.
func (f *search) having(ctx context.Context, token string) (nums []int64, few bool, err error) {
	var places []place
	err = f.s.all(ctx, "find words", `SELECT sort, party FROM crm_words WHERE kind = ? AND word >= ? AND word < ? LIMIT ?`,
		[]any{f.q.kind, token, token + string(utf8.MaxRune), fewParties + 1}, func(scan scanFunc) error {
			p, err := scanPlace(scan)
			places = append(places, p)
			return err
		})
	if err != nil || len(places) > fewParties {
		return nil, false, err
	}
	slices.SortFunc(places, place.compare)
	for _, p := range slices.Compact(places) {
		nums = append(nums, p.num)
	}
	return nums, true, nil
}

// errEnough ends a reading that has found what it was to find.
var errEnough = errors.New("enough")

// take keeps a party that is meant.
func (f *search) take(scan scanFunc) error {
	r, err := scanParty(scan)
	if err != nil || !matches(r.words, f.tokens) {
		return err
	}
	if f.found = append(f.found, r); len(f.found) >= f.limit {
		return errEnough
	}
	return nil
}

// gather reads parties one by one until there are enough.
func (f *search) gather(ctx context.Context, nums []int64) error {
	for _, num := range nums {
		if err := f.s.all(ctx, "find by number", f.q.byNum, []any{num}, f.take); errors.Is(err, errEnough) {
			return nil
		} else if err != nil {
			return err
		}
	}
	return nil
}

// stretch is the index's row of one head, read bit by bit.
type stretch struct {
	head   string
	places []place
}

// from gives the first place at or after p; false: there is none.
func (r *stretch) from(ctx context.Context, f *search, p place) (place, bool, error) {
	at, _ := slices.BinarySearchFunc(r.places, p, place.compare)
	if r.places = r.places[at:]; len(r.places) > 0 {
		return r.places[0], true, nil
	}
	const bit = 64
	err := f.s.all(ctx, "find heads", `SELECT sort, party FROM crm_words WHERE kind = ? AND word = ? AND (sort, party) >= (?, ?) ORDER BY sort, party LIMIT ?`,
		[]any{f.q.kind, r.head, p.sort, p.num, bit}, func(scan scanFunc) error {
			p, err := scanPlace(scan)
			r.places = append(r.places, p)
			return err
		})
	if err != nil || len(r.places) == 0 {
		return place{}, false, err
	}
	return r.places[0], true, nil
}

// meet reads the parties that stand in the stretches of all heads until there are enough.
func (f *search) meet(ctx context.Context, heads []string) error {
	stretches := make([]stretch, len(heads))
	for i, h := range heads {
		stretches[i].head = h
	}
	var at place
	for {
		together := true
		for i := range stretches {
			next, found, err := stretches[i].from(ctx, f, at)
			if err != nil || !found {
				return err
			}
			together = together && next == at
			at = next
		}
		if !together {
			continue
		}
		if err := f.gather(ctx, []int64{at.num}); err != nil || len(f.found) >= f.limit {
			return err
		}
		at.num++
	}
}

// read reads parties in the order of their names until there are enough.
func (f *search) read(ctx context.Context, query string, args ...any) ([]partyRow, error) {
	if err := f.s.all(ctx, "find", query, args, f.take); err != nil && !errors.Is(err, errEnough) {
		return nil, err
	}
	return f.found, nil
}

// matches reports whether each token begins one of the words.
func matches(words string, tokens []string) bool {
	return !slices.ContainsFunc(tokens, func(token string) bool { return !strings.Contains(words, " "+token) })
}
