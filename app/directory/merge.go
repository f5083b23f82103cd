package directory

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"portico/app/portal"
)

// merge makes one list of several: for each address the first list's word, completed by the later ones.
func merge(lists [][]portal.Person) []portal.Person {
	at := map[portal.Address]int{}
	var all []portal.Person
	for _, list := range lists {
		for _, p := range list {
			if p.URI == "" {
				continue
			}
			i, ok := at[p.URI]
			if !ok {
				at[p.URI] = len(all)
				all = append(all, p)
				continue
			}
			complete(&all[i], p)
		}
	}
	for i := range all {
		p := &all[i]
		fill(&p.DisplayName, nameOf(p.URI))
		fill(&p.Email, p.URI.Bare()) // the mailbox is the address unless a source says otherwise
	}
	return all
}

func complete(p *portal.Person, more portal.Person) {
	fill(&p.DisplayName, more.DisplayName)
	fill(&p.Email, more.Email)
	fill(&p.Title, more.Title)
	fill(&p.Department, more.Department)
	fill(&p.Office, more.Office)
	fill(&p.Manager, more.Manager)
	fill(&p.Photo, more.Photo)
	if len(p.Phones) == 0 {
		p.Phones = slices.Clone(more.Phones)
	}
	p.Robot = p.Robot || more.Robot
}

func fill[T ~string](field *T, value T) {
	if *field == "" {
		*field = value
	}
}

// nameOf makes a name of an address's user part: "anna.maria" gives "Anna Maria", a number stays one.
func nameOf(a portal.Address) string {
	user, err := url.PathUnescape(a.User())
	if err != nil || !utf8.ValidString(user) {
		user = a.User()
	}
	if strings.Trim(user, "+0123456789-.()*#") == "" {
		return user
	}
	words := strings.FieldsFunc(user, func(r rune) bool { return r == '.' || r == '_' || r == '-' || unicode.IsSpace(r) })
	for i, w := range words {
		first, size := utf8.DecodeRuneInString(w)
		words[i] = string(unicode.ToTitle(first)) + w[size:]
	}
	if len(words) == 0 {
		return user
	}
	return strings.Join(words, " ")
}

// Static is a source that always lists the same people.
func Static(name string, people []portal.Person) Source {
	return static{name: name, people: slices.Clone(people)}
}

type static struct {
	name   string
	people []portal.Person
}

func (s static) Name() string { return s.name }

func (s static) People(context.Context) ([]portal.Person, error) { return s.people, nil }
