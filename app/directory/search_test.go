package directory

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"portico/app/portal"
)

func book(t testing.TB, people ...portal.Person) *Service {
	t.Helper()
	s := New([]Source{Static("test", people)}, Options{})
	if err := s.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

func office(t testing.TB) *Service {
	return book(t,
		person("anna.maria@x.test", "Anna Maria Öztürk"),
		person("ann@x.test", "Ann Zeller"),
		person("b.anderson@x.test", "Bob Anderson"),
		person("carl@x.test", "Carl Andreas Becker"),
		portal.Person{URI: "sip:d.mueller@x.test", DisplayName: "Dörte Müller", Email: "andrea@mail.test"},
		person("e@x.test", "Ève L'Écuyer-Straße"),
		person("f@x.test", "Łukasz Ångström"),
		person("g@x.test", "Nguyễn, Văn Đức"),
		portal.Person{URI: "sip:1001@x.test", DisplayName: "Émile (Contractor)"},
	)
}

func names(people []portal.Person) []string {
	list := make([]string, len(people))
	for i, p := range people {
		list[i], _, _ = strings.Cut(p.DisplayName, " ")
	}
	return list
}

func TestSearch(t *testing.T) {
	s := office(t)
	for q, want := range map[string][]string{
		// whole word, then first and last names, then other names, then addresses; each by the alphabet
		"ann":                 {"Ann", "Anna"},
		"an":                  {"Ann", "Anna", "Bob", "Łukasz", "Carl", "Dörte"},
		"AND":                 {"Bob", "Carl", "Dörte"},
		"anna m":              {"Anna"},
		"maria anna":          {"Anna"},
		"anna x":              {},
		"müller":              {"Dörte"},
		"muller":              {"Dörte"},
		"mueller":             {"Dörte"},
		"doerte":              {"Dörte"},
		"Mu\u0308ll":          {"Dörte"}, // decomposed, as some systems type it
		"oz":                  {"Anna"},
		"strasse":             {"Ève"},
		"ecuy":                {"Ève"},
		"l'ec":                {"Ève"},
		"lukasz ang":          {"Łukasz"},
		"nguyen":              {"Nguyễn,"},
		"duc van":             {"Nguyễn,"},
		"emile":               {"Émile"},
		"contractor":          {"Émile"},
		"1001":                {"Émile"},
		"sip:1001@x":          {"Émile"},
		"andrea@":             {"Dörte"},
		"b.anderson@x.test":   {"Bob"},
		"anderson, bob":       {"Bob"},
		"<sip:ann@x.test>":    {"Ann"},
		"\"Ann Zeller\"":      {"Ann"},
		"  ann\t zeller \x00": {"Ann"},
		"zzz":                 {},
		",;":                  {},
		"\xff\xfe":            {},
	} {
		people, err := s.Search(t.Context(), q, 0)
		if got := names(people); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q found %v, %v; want %v", q, got, err, want)
		}
	}
}

func TestSearchWithoutWordsIsTheBeginningOfTheBook(t *testing.T) {
	s := office(t)
	people, err := s.Search(t.Context(), " ", 3)
	if want := []string{"Ann", "Anna", "Bob"}; err != nil || !slices.Equal(names(people), want) {
		t.Errorf("%v, %v; want %v", names(people), err, want)
	}
}

func TestSearchBounds(t *testing.T) {
	var people []portal.Person
	for i := range 300 {
		people = append(people, person(fmt.Sprintf("u%d@x.test", i), fmt.Sprintf("User %03d", i)))
	}
	s := book(t, people...)
	for limit, want := range map[int]int{0: 20, -5: 20, 1: 1, 100: 100, 100000: 100} {
		for _, q := range []string{"u", ""} {
			if got, err := s.Search(t.Context(), q, limit); err != nil || len(got) != want || got[0].DisplayName != "User 000" {
				t.Errorf("%q, limit %d: %d people, %v; want %d", q, limit, len(got), err, want)
			}
		}
	}
	if got, err := s.Search(t.Context(), strings.Repeat("user ", 10000), 10); err != nil || len(got) != 10 {
		t.Errorf("a very long query: %d people, %v", len(got), err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Search(ended, "u", 1); portal.Meaning(err) != portal.ErrUnavailable {
		t.Errorf("after the context ended: %v", err)
	}
}

// TestSearchAgainstReading holds the index against reading everybody, on random books and queries.
func TestSearchAgainstReading(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	syllables := []string{"an", "na", "bo", "b", "ö", "é", "ma", "ria", "-", "'", "st", "ß", "x"}
	word := func() string {
		var b strings.Builder
		for range 1 + rnd.IntN(3) {
			b.WriteString(syllables[rnd.IntN(len(syllables))])
		}
		return b.String()
	}
	for range 40 {
		var people []portal.Person
		for i := range 60 {
			people = append(people, portal.Person{URI: portal.Address(fmt.Sprintf("sip:u%d@x.test", i)), Email: fmt.Sprintf("m%d@y.test", i),
				DisplayName: word() + " " + word() + " " + word()})
		}
		s := book(t, people...)
		for range 25 {
			q := word()
			if rnd.IntN(2) == 0 {
				q += " " + word()
			}
			found, err := s.Search(t.Context(), q, 100)
			if err != nil {
				t.Fatal(err)
			}
			var got, want []string
			for _, p := range found {
				got = append(got, string(p.URI))
			}
			for _, p := range people {
				if matches(p, q) {
					want = append(want, string(p.URI))
				}
			}
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Fatalf("%q found %v, reading everybody gives %v", q, got, want)
			}
		}
	}
}

// matches is Search for one person, without an index.
func matches(p portal.Person, q string) bool {
	for _, part := range queryWords(q) {
		if !slices.ContainsFunc(wordsOf(p, p.Phones, 0, nil), func(w word) bool { return strings.HasPrefix(w.text, part) }) {
			return false
		}
	}
	return len(queryWords(q)) > 0
}

// FuzzSearch: no query panics, finds more than it may, or finds somebody twice; and whoever is found
// by a query is found by their own name.
func FuzzSearch(f *testing.F) {
	for _, q := range []string{"ann", "müller x", "sip:a@b", "\xff", "ﬀ", "İ", "ẞ", strings.Repeat("a", 300), "a,b;c<d>\"e\"", "ｆｕｌｌ"} {
		f.Add(q)
	}
	s := office(f)
	f.Fuzz(func(t *testing.T, q string) {
		people, err := s.Search(context.Background(), q, 5)
		if err != nil || len(people) > 5 {
			t.Fatalf("%d people, %v", len(people), err)
		}
		seen := map[portal.Address]bool{}
		for _, p := range people {
			if seen[p.URI] {
				t.Fatalf("%q found %s twice", q, p.URI)
			}
			seen[p.URI] = true
		}
		named := portal.Person{URI: "sip:q@x.test", DisplayName: q}
		if name := strings.Fields(q); utf8.ValidString(q) && len(q) < 100 && len(name) > 0 {
			found, err := book(t, named).Search(context.Background(), name[0], 1)
			if err != nil || (len(found) == 0 && len(queryWords(name[0])) > 0 && len(wordsOf(named, nil, 0, nil)) > 0 && searchable(name[0])) {
				t.Fatalf("%q is not found by %q: %v", q, name[0], err)
			}
		}
	})
}

// searchable: letters and digits only; marks that separate words in queries and names are another matter.
func searchable(word string) bool {
	return strings.IndexFunc(word, notAlphanumeric) < 0 && strings.IndexFunc(fold(word), notAlphanumeric) < 0
}

// large is a book of n people with names as they are: few first letters, many of the same name.
func large(b testing.TB, n int) *Service {
	first := strings.Fields("Anna Andreas Antonia Björn Carla Dörte Emil Franziska Günter Hanna Ida Jürgen Karl Lena Maria Nils Olga Peter Quirin Rosa Stefan Thomas Ulrike Vera Werner Yusuf Zoë")
	last := strings.Fields("Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Şahin Öztürk Nguyễn Kowalski Łukasik Jensen Andersson Ångström O'Neil Lefèvre")
	people := make([]portal.Person, n)
	for i := range people {
		f, l := first[i%len(first)], last[i/len(first)%len(last)]
		people[i] = portal.Person{URI: portal.Address(fmt.Sprintf("sip:user%d@corp.example", i)), DisplayName: fmt.Sprintf("%s %s %d", f, l, i),
			Email: fmt.Sprintf("%s.%d@corp.example", strings.ToLower(fold(l)), i), Department: "Department", Office: "Vienna",
			Numbers: []portal.Number{{Kind: "work", Number: fmt.Sprintf("+43 1 %d-%d", 20000+i/100, i%100)}}}
	}
	return book(b, people...)
}

// BenchmarkSearch searches 100,000 people with telephone numbers; the aim is a p99 under 10 ms for every first letter.
// MB is the memory of the whole address book.
func BenchmarkSearch(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 100_000} {
		before := heap()
		s := large(b, n)
		size := float64(heap()-before) / (1 << 20)
		for _, q := range []string{"letters", "a", "u", "0", "+43 1 2", "müll", "anna m", "a b", "user77", "zoë ång 4", "nobody"} {
			b.Run(fmt.Sprintf("people=%d/q=%s", n, strings.ReplaceAll(q, " ", "_")), func(b *testing.B) {
				queries := []string{q}
				if q == "letters" {
					queries = strings.Split("abcdefghijklmnopqrstuvwxyzäöüßåøł0123456789", "")
				}
				took := make([]time.Duration, 0, b.N)
				for i := range b.N {
					start := time.Now()
					if _, err := s.Search(context.Background(), queries[i%len(queries)], 20); err != nil {
						b.Fatal(err)
					}
					took = append(took, time.Since(start))
				}
				slices.Sort(took)
				b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
				b.ReportMetric(size, "MB")
			})
		}
		runtime.KeepAlive(s)
	}
}

// heap is the memory in use.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkIndex is what a refresh costs.
func BenchmarkIndex(b *testing.B) {
	x := large(b, 100_000).index.Load()
	people := make([]portal.Person, len(x.people))
	for i, e := range x.people {
		people[i] = e.person
	}
	b.ReportAllocs()
	for b.Loop() {
		if got := newIndex(merge([]listing{{name: "test", people: people}}, nil)); len(got.people) != len(people) {
			b.Fatal("people are missing")
		}
	}
}
