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
	// words are all words of all people, sorted: those with the same beginning stand together.
	words []word
}

type entry struct {
	person portal.Person
	words  []word // this person's own
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
	contact              // beginning of the e-mail or SIP address, or of a part of it
)

func newIndex(people []portal.Person) *index {
	type named struct {
		key    string
		person portal.Person
	}
	sorted := make([]named, len(people))
	for i, p := range people {
		sorted[i] = named{key: fold(p.DisplayName) + "\x00" + string(p.URI), person: p}
	}
	slices.SortFunc(sorted, func(a, b named) int { return strings.Compare(a.key, b.key) })
	x := &index{people: make([]entry, len(people)), byAddress: make(map[portal.Address]int32, len(people)),
		byEmail: make(map[string]int32, len(people)), byManager: map[portal.Address][]int32{}}
	for i, n := range sorted {
		words := wordsOf(n.person, int32(i))
		x.people[i] = entry{person: n.person, words: words}
		x.byAddress[n.person.URI] = int32(i)
		if email := strings.ToLower(n.person.Email); email != "" {
			if _, taken := x.byEmail[email]; !taken {
				x.byEmail[email] = int32(i)
			}
		}
		if m := n.person.Manager; m != "" && m != n.person.URI {
			x.byManager[m] = append(x.byManager[m], int32(i))
		}
		x.words = append(x.words, words...)
	}
	slices.SortFunc(x.words, func(a, b word) int {
		return cmp.Or(strings.Compare(a.text, b.text), cmp.Compare(a.person, b.person), cmp.Compare(a.class, b.class))
	})
	return x
}

// wordsOf is what a person is found by, each text once, in its best class.
func wordsOf(p portal.Person, number int32) []word {
	var words []word
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
	return slices.Clip(words)
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
