package admin

import (
	"fmt"
	"testing"

	"portico/app/portal"
)

// crowd is a house of so many people in 20 groups, each with a few policies, and some people with rules of their own.
func crowd(b *testing.B, people int) (*house, []portal.Address) {
	store := newMemory()
	who := make([]portal.Address, people)
	for i := range who {
		who[i] = portal.Address(fmt.Sprintf("sip:p%d@example.test", i))
	}
	for g := range 20 {
		id := fmt.Sprint("g", g)
		group := portal.PolicyGroup{ID: id, Name: id, Rank: g}
		for i := g; i < people; i += 2 { // each person is in ten
			group.Members = append(group.Members, who[i])
		}
		if g%5 == 0 {
			group.Departments = []string{fmt.Sprint("dept ", g)}
		}
		store.groups[id] = group
		for i, name := range []string{portal.DisableIM, portal.DisablePresenceNote, portal.EnableAutoArchiving, portal.CustomStateURL} {
			r := ofGroup(name, id, []string{"on", "on", "off", "https://a.example.test/s.xml"}[i])
			store.rules[key(r)] = r
		}
	}
	for i := 0; i < people; i += 10 {
		r := ofPerson(portal.MaxFileSize, who[i], "5MB")
		store.rules[key(r)] = r
	}
	h := build(b, store, nil, nil)
	for i, a := range who {
		h.dept[a] = fmt.Sprint("Dept ", i%50)
	}
	return h, who
}

// BenchmarkInForce is one question of many askers.
func BenchmarkInForce(b *testing.B) {
	for _, people := range []int{1000, 10_000} {
		b.Run(fmt.Sprint(people), func(b *testing.B) {
			h, who := crowd(b, people)
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				if in := h.InForce(who[i%len(who)]); in.EnableAutoArchiving != "off" {
					b.Fatal("not in force")
				}
			}
		})
	}
}

// BenchmarkSetRule is one change, with finding out whom it touches.
func BenchmarkSetRule(b *testing.B) {
	for _, people := range []int{1000, 10_000} {
		b.Run(fmt.Sprint(people), func(b *testing.B) {
			h, who := crowd(b, people)
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				must(b, h.SetRule(b.Context(), boss, ofPerson(portal.ThinSessions, who[i%len(who)], []string{"on", "off"}[i/len(who)%2])))
			}
		})
	}
}
