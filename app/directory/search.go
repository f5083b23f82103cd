package directory

import (
	"context"
	"slices"
	"sort"
	"strings"
	"unicode"

	"portico/app/portal"
)

// Bounds on one search.
const (
	// limitDefault and limitMost are how many people one search gives.
	limitDefault = 20
	limitMost    = 100
	// maxQuery is how much of a query is read, in bytes, and maxWords how many words of it.
	maxQuery = 256
	maxWords = 6
)

// Search gives the people of whom every word of q begins a word of the name, the e-mail or the SIP
// address, without regard to case and accents: whole words first, then first and last names, then
// other names, then addresses, each by the alphabet. A telephone number, or the beginning of one, is
// found however it is written. An empty q gives the beginning of the address book. At most limit
// (default 20, most 100). Distribution groups are found too (Person.Group).
func (s *Service) Search(ctx context.Context, q string, limit int) ([]portal.Person, error) {
	if err := ctx.Err(); err != nil {
		return nil, portal.Fail(portal.ErrUnavailable, "directory.unavailable").Because(err)
	}
	if limit <= 0 {
		limit = limitDefault
	}
	limit = min(limit, limitMost)
	x := s.index.Load()
	words := queryWords(q)
	numbers, apart := numberQuery(q[:min(len(q), maxQuery)])
	if apart {
		words = nil
	}
	if len(words)+len(numbers) == 0 {
		if strings.TrimSpace(q) != "" {
			return nil, nil
		}
		return x.take(firstNumbers(min(limit, len(x.people)))), nil
	}
	return x.take(x.find(words, numbers, limit)), nil
}

func firstNumbers(n int) []int32 {
	numbers := make([]int32, n)
	for i := range numbers {
		numbers[i] = int32(i)
	}
	return numbers
}

func (x *index) take(numbers []int32) []portal.Person {
	people := make([]portal.Person, len(numbers))
	for i, n := range numbers {
		people[i] = x.people[n].person
	}
	return people
}

// queryWords is the words of a query in the form of the index.
func queryWords(q string) []string {
	if len(q) > maxQuery {
		q = strings.ToValidUTF8(q[:maxQuery], "")
	}
	words := strings.FieldsFunc(fold(q), func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || r == ',' || r == ';' || r == '<' || r == '>' || r == '"' || r == '(' || r == ')'
	})
	for i, w := range words {
		words[i] = strings.TrimPrefix(strings.TrimPrefix(w, "sip:"), "sips:")
	}
	words = slices.DeleteFunc(words, func(w string) bool { return w == "" })
	return words[:min(len(words), maxWords)]
}

// find is the numbers of the limit best people, best first: those whom every word of the query finds, and those with one
// of the telephone numbers.
func (x *index) find(query, phones []string, limit int) []int32 {
	best := top{limit: limit}
	// The rarest word gives the candidates, the others are looked up among each one's own words.
	var rarest []mention
	at := 0
	for i, q := range query {
		if r := x.beginning(q); i == 0 || len(r) < len(rarest) {
			rarest, at = r, i
		}
	}
	whole := 0 // those that are the word itself stand first
	if len(query) > 0 {
		whole = sort.Search(len(rarest), func(i int) bool { return len(x.words[rarest[i].place].text) > len(query[at]) })
	}
	for i, w := range rarest {
		c := w.class
		if i < whole {
			c = exact
		}
		if !best.wants(c, w.person) {
			continue
		}
		if c, ok := x.others(w.person, query, at, c); ok {
			best.add(c, w.person)
		}
	}
	for _, phone := range phones {
		for _, w := range x.beginning(phone) {
			if best.wants(w.class, w.person) {
				best.add(w.class, w.person)
			}
		}
	}
	return best.numbers()
}

// beginning is the words that begin with q.
func (x *index) beginning(q string) []mention {
	text := func(i int) string { return x.words[x.sorted[i].place].text }
	from := sort.Search(len(x.sorted), func(i int) bool { return text(i) >= q })
	n := sort.Search(len(x.sorted)-from, func(i int) bool { return !strings.HasPrefix(text(from+i), q) })
	return x.sorted[from : from+n]
}

// others reports whether the query's other words are found with the person too, and how good the
// whole find is: as good as its worst word.
func (x *index) others(person int32, query []string, except int, c class) (class, bool) {
	for i, q := range query {
		if i == except {
			continue
		}
		found := contact + 1
		for _, w := range x.people[person].words {
			switch {
			case w.text == q:
				found = exact
			case w.class < found && strings.HasPrefix(w.text, q):
				found = w.class
			}
		}
		if found > contact {
			return c, false
		}
		c = max(c, found)
	}
	return c, true
}

// top keeps the best finds, each person once, sorted: the best first.
type top struct {
	limit int
	finds []find
}

type find struct {
	class  class
	person int32
}

func (a find) before(b find) bool {
	return a.class < b.class || (a.class == b.class && a.person < b.person)
}

// wants reports whether a find of that class could still get among the best.
func (t *top) wants(c class, person int32) bool {
	return len(t.finds) < t.limit || find{c, person}.before(t.finds[len(t.finds)-1])
}

func (t *top) add(c class, person int32) {
	f := find{c, person}
	if i := slices.IndexFunc(t.finds, func(g find) bool { return g.person == person }); i >= 0 {
		if !f.before(t.finds[i]) {
			return
		}
		t.finds = slices.Delete(t.finds, i, i+1)
	}
	if !t.wants(c, person) {
		return
	}
	at := sort.Search(len(t.finds), func(i int) bool { return f.before(t.finds[i]) })
	t.finds = slices.Insert(t.finds, at, f)
	t.finds = t.finds[:min(len(t.finds), t.limit)]
}

func (t *top) numbers() []int32 {
	numbers := make([]int32, len(t.finds))
	for i, f := range t.finds {
		numbers[i] = f.person
	}
	return numbers
}
