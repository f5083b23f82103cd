package directory

import (
	"cmp"
	"slices"
	"strings"
	"unicode"

	"portico/app/portal"
)

// index finds people by the beginnings of their words. It is never changed after it is built.
type index struct {
	// people are sorted by name, so that a smaller number means earlier in the alphabet.
	people    []entry
	byAddress map[portal.Address]int32
	// byEmail is by e-mail address in lower case; byManager are those who report to somebody, by the alphabet.
	byEmail   map[string]int32
	byManager map[portal.Address][]int32
	// words are all words of all people, person by person; sorted are they by text: those with the same beginning
	// stand together.
	words  []word
	sorted []mention
}

// mention is a word as searching reads it: all there is to know without following it.
type mention struct {
	place  int32 // in words
	person int32
	class  class
}

type entry struct {
	person portal.Person
	words  []word // this person's own, a part of the index's
}

// word is one thing a person is found by.
type word struct {
	text   string
	person int32
	class  class
}

// class is how good a find is: the smaller the better.
type class uint8

const (
	exact   class = iota // the whole word as it was typed; only while searching
	outer                // beginning of the first or last name
	inner                // beginning of another name
	contact              // beginning of the e-mail or SIP address, of a part of it, or of a telephone number
)

func newIndex(m merged) *index {
	keys := make([]string, len(m.people))
	order := make([]int32, len(m.people)) // of the people, by the alphabet
	for i, p := range m.people {
		keys[i], order[i] = fold(p.DisplayName), int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int {
		return cmp.Or(strings.Compare(keys[a], keys[b]), strings.Compare(string(m.people[a].URI), string(m.people[b].URI)))
	})
	x := &index{people: make([]entry, len(m.people)), byAddress: make(map[portal.Address]int32, len(m.people)+len(m.aliases)),
		byEmail: make(map[string]int32, len(m.people)), byManager: map[portal.Address][]int32{}}
	places := make([]int32, len(m.people))
	ends := make([]int, len(m.people))
	var words []word // one person's
	for i, from := range order {
		p := m.people[from]
		places[from] = int32(i)
		x.people[i].person = p
		x.byAddress[p.URI] = int32(i)
		if email := strings.ToLower(p.Email); email != "" {
			if _, taken := x.byEmail[email]; !taken {
				x.byEmail[email] = int32(i)
			}
		}
		if p.Manager != "" && p.Manager != p.URI {
			x.byManager[p.Manager] = append(x.byManager[p.Manager], int32(i))
		}
		words = wordsOf(p, m.findable[from], int32(i), words[:0])
		x.words = append(x.words, words...)
		ends[i] = len(x.words)
	}
	for alias, at := range m.aliases {
		x.byAddress[alias] = places[at]
	}
	x.words = slices.Clip(x.words)
	x.sorted = make([]mention, len(x.words))
	for i, w := range x.words {
		x.sorted[i] = mention{place: int32(i), person: w.person, class: w.class}
	}
	slices.SortFunc(x.sorted, func(a, b mention) int {
		return cmp.Or(strings.Compare(x.words[a.place].text, x.words[b.place].text), cmp.Compare(a.person, b.person), cmp.Compare(a.class, b.class))
	})
	from := 0
	for i, end := range ends {
		x.people[i].words, from = x.words[from:end:end], end
	}
	return x
}

// person is who has an address; somebody who is listed by another one is given with the one that was asked for.
func (x *index) person(a portal.Address) (portal.Person, bool) {
	i, ok := x.byAddress[a]
	if !ok {
		return portal.Person{}, false
	}
	p := x.people[i].person
	p.URI = a
	return p, true
}

// wordsOf appends what a person is found by to words, which is empty: each text once, in its best class.
func wordsOf(p portal.Person, phones []string, number int32, words []word) []word {
	add := func(text string, c class) {
		if text == "" || slices.ContainsFunc(words, func(w word) bool { return w.text == text && w.class <= c }) {
			return
		}
		words = append(words, word{text: text, person: number, class: c})
	}
	names := strings.FieldsFunc(p.DisplayName, func(r rune) bool { return unicode.IsSpace(r) || r == ',' || r == '(' || r == ')' })
	for i, name := range names {
		c := inner
		if i == 0 || i == len(names)-1 {
			c = outer
		}
		addName(name, c, add)
	}
	for _, address := range []string{p.Email, p.URI.Bare()} {
		address = fold(address)
		add(address, contact)
		user, _, _ := strings.Cut(address, "@")
		for _, part := range strings.FieldsFunc(user, notAlphanumeric) {
			add(part, contact)
		}
	}
	for _, phone := range phones[:min(len(phones), maxNumbers)] {
		for _, digits := range numberWords(phone) {
			add(digits, contact)
		}
	}
	return words
}

// addName adds a name, the parts of a double one ("Anna-Maria", "O'Neil") and the spelled-out form.
func addName(name string, c class, add func(string, class)) {
	folded := fold(name)
	add(folded, c)
	if other, ok := spelledOut(name); ok {
		add(other, c)
	}
	if parts := strings.FieldsFunc(folded, notAlphanumeric); len(parts) > 1 || (len(parts) == 1 && parts[0] != folded) {
		for i, part := range parts {
			if i == 0 {
				add(part, c)
			} else {
				add(part, max(c, inner))
			}
		}
	}
}

func notAlphanumeric(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }
