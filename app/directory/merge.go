package directory

// Making one list of what several sources say.

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"portico/app/portal"
)

// listing is what one source says. pictured: it has pictures.
type listing struct {
	name     string
	people   []portal.Person
	pictured bool
}

// merged is one list of several; aliases are further addresses of people, by their place in the list. findable are the
// telephone numbers that everybody may find each of them by: anybody can try numbers out, so that those at home and mobile
// ones are none of them.
type merged struct {
	people   []portal.Person
	aliases  map[portal.Address]int
	findable [][]string
}

// merge makes one list of several: of each person the first list's word, completed by the later ones. Somebody is the
// same by address, else by an e-mail address that only one person of each list has. Where rest is set there are pictures
// beside those of the lists.
func merge(lists []listing, rest Photos) merged {
	m := merged{aliases: map[portal.Address]int{}}
	at := map[portal.Address]int{}
	pictured := map[string]bool{}
	for _, l := range lists {
		pictured[l.name] = l.pictured
		earlier, mine := m.byEmail(), emails(l.people)
		for _, p := range l.people {
			m.add(p, l.name, at, earlier, mine)
		}
	}
	m.findable = make([][]string, len(m.people))
	for i := range m.people {
		p := &m.people[i]
		m.findable[i] = findable(*p)
		fill(&p.DisplayName, nameOf(p.URI))
		fill(&p.Email, p.URI.Bare()) // the mailbox is the address unless a source says otherwise
		numbers(p)
		if at, ok := at[p.Manager]; ok {
			p.Manager = m.people[at].URI
		}
		if !p.Group && (rest != nil || slices.ContainsFunc(p.Sources, func(name string) bool { return pictured[name] })) {
			p.Photo = PhotoPath(p.URI)
		}
	}
	return m
}

// add takes a person in. earlier are those of earlier lists by e-mail, mine how many of this list have an e-mail.
func (m *merged) add(p portal.Person, source string, at map[portal.Address]int, earlier map[string]int, mine map[string]int) {
	email := strings.ToLower(p.Email)
	if p.URI != "" {
		if i, ok := at[p.URI]; ok {
			complete(&m.people[i], p, source)
			return
		}
	}
	if i, ok := earlier[email]; ok && i >= 0 && mine[email] == 1 && m.people[i].Group == p.Group {
		complete(&m.people[i], p, source)
		if p.URI != "" {
			at[p.URI], m.aliases[p.URI] = i, i
		}
		return
	}
	if p.URI == "" {
		uri, err := portal.ParseAddress(p.Email)
		if err != nil {
			return // somebody with neither address
		}
		if i, ok := at[uri]; ok {
			complete(&m.people[i], p, source)
			return
		}
		p.URI = uri
	}
	at[p.URI] = len(m.people)
	p.Sources = []string{source}
	p.Phones, p.Numbers = slices.Clone(p.Phones), slices.Clone(p.Numbers)
	m.people = append(m.people, p)
}

// byEmail is who has an e-mail address, -1 where several have.
func (m *merged) byEmail() map[string]int {
	by := make(map[string]int, len(m.people))
	for i, p := range m.people {
		email := strings.ToLower(p.Email)
		if email == "" {
			email = strings.ToLower(p.URI.Bare())
		}
		if _, taken := by[email]; taken {
			i = -1
		}
		by[email] = i
	}
	return by
}

func emails(people []portal.Person) map[string]int {
	count := make(map[string]int, len(people))
	for _, p := range people {
		if p.Email != "" {
			count[strings.ToLower(p.Email)]++
		}
	}
	return count
}

func complete(p *portal.Person, more portal.Person, source string) {
	fill(&p.DisplayName, more.DisplayName)
	fill(&p.Email, more.Email)
	fill(&p.Title, more.Title)
	fill(&p.Department, more.Department)
	fill(&p.Office, more.Office)
	fill(&p.Company, more.Company)
	fill(&p.TimeZone, more.TimeZone)
	fill(&p.Manager, more.Manager)
	fill(&p.Photo, more.Photo)
	if len(p.Phones)+len(p.Numbers) == 0 {
		p.Phones, p.Numbers = slices.Clone(more.Phones), slices.Clone(more.Numbers)
	}
	p.Robot = p.Robot || more.Robot
	if !slices.Contains(p.Sources, source) {
		p.Sources = append(slices.Clip(p.Sources), source)
	}
}

// findable is the numbers at work, or all where the source knows no kinds; numbers was not called yet.
func findable(p portal.Person) (list []string) {
	if len(p.Numbers) == 0 {
		return p.Phones
	}
	for _, n := range p.Numbers {
		if n.Kind == "work" {
			list = append(list, n.Number)
		}
	}
	return list
}

// numbers makes Phones and Numbers say the same where a source gave only one of them.
func numbers(p *portal.Person) {
	switch {
	case len(p.Phones) == 0:
		for _, n := range p.Numbers {
			p.Phones = append(p.Phones, n.Number)
		}
	case len(p.Numbers) == 0:
		for _, n := range p.Phones {
			p.Numbers = append(p.Numbers, portal.Number{Kind: "other", Number: n})
		}
	}
}

func samePerson(a, b portal.Person) bool {
	return a.URI == b.URI && a.DisplayName == b.DisplayName && a.Email == b.Email && a.Title == b.Title && a.Department == b.Department &&
		a.Office == b.Office && a.Company == b.Company && a.TimeZone == b.TimeZone && a.Manager == b.Manager && a.Photo == b.Photo &&
		a.Robot == b.Robot && a.Group == b.Group && slices.Equal(a.Phones, b.Phones) && slices.Equal(a.Numbers, b.Numbers)
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
