package privacy

import (
	"fmt"
	"runtime"
	"testing"

	"portico/app/portal"
)

// crowd is n people who gave relationships to 50 others each, all read.
func crowd(b *testing.B, n int) (*Service, []portal.Address) {
	b.Helper()
	st := newStore()
	people := make([]portal.Address, n)
	for i := range people {
		people[i] = portal.Address(fmt.Sprintf("sip:p%d@example.test", i))
	}
	for i, owner := range people {
		for j := range 50 {
			st.put(portal.Tie{Owner: owner, With: people[(i+j+1)%n], Relationship: portal.Team, Contact: true})
		}
	}
	s := New(st, nil, Options{Domain: "example.test"})
	for _, owner := range people {
		if err := s.read(b.Context(), owner); err != nil {
			b.Fatal(err)
		}
	}
	return s, people
}

// What one look costs: the board asks for each pair of people once.
func BenchmarkSight(b *testing.B) {
	s, people := crowd(b, 1000)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i++
		if s.Sight(people[i%1000], people[(i+7)%1000]).Hidden {
			b.Fatal("hidden")
		}
	}
}

// What a person who gave 50 relationships costs in memory, addresses not counted.
func BenchmarkPersonWith50Ties(b *testing.B) {
	inUse := func() uint64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	for b.Loop() {
		s, people := crowd(b, 1000)
		st := s.store
		all := inUse()
		s.owners = nil
		b.ReportMetric(float64(all-inUse())/1000, "B/person")
		runtime.KeepAlive(st)
		runtime.KeepAlive(people)
	}
}
