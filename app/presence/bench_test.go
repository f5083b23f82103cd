package presence

// What presence costs where many watch: one change told to all who watch, and a whole house in motion.

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"syscall"
	"testing"
	"time"

	"portico/app/policy"
	"portico/app/portal"
)

var classes = []portal.Relationship{portal.Personal, portal.Team, portal.Company, portal.Public, portal.Blocked}

// bySuffix gives viewers one of five sights by turns.
func bySuffix(_, viewer portal.Address) portal.Sight {
	n := 0
	for _, r := range viewer.User() {
		n = n*10 + int(r)
	}
	if n < 0 {
		n = -n
	}
	s := policy.StandardSight(classes[n%len(classes)])
	if classes[n%len(classes)] == portal.Team {
		s.Location = false // five different ones
	}
	return s
}

// One change of one person of the portal, told to all who watch them, of five kinds of sight.
func BenchmarkWatchers(b *testing.B) {
	for _, n := range []int{1000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			told, values := 0, 0
			s := New(discard{}, newMemory(), Options{Sight: known(bySuffix), Instance: "i1",
				Emit:     func(portal.Address, portal.Current) { values++ },
				EmitMany: func(to []portal.Address, _ portal.Current) { told += len(to); values++ }})
			if err := s.SignedIn(b.Context(), alice); err != nil {
				b.Fatal(err)
			}
			s.Attach(alice, "tab")
			if _, err := s.SetNote(b.Context(), alice, "here", time.Time{}); err != nil {
				b.Fatal(err)
			}
			if _, err := s.SetWhereabouts(b.Context(), alice, portal.Whereabouts{Location: "Lab"}); err != nil {
				b.Fatal(err)
			}
			s.Calendar(alice, portal.CalendarState{Agenda: portal.Agenda{Known: true}, Subject: "Budget", Place: "Room 1"})
			watchers := make([]portal.Address, n)
			for i := range n {
				watchers[i] = portal.Address(fmt.Sprintf("sip:w%05d@example.test", i))
				if err := s.SignedIn(b.Context(), watchers[i]); err != nil {
					b.Fatal(err)
				}
				s.SetContacts(watchers[i], []portal.Address{alice})
			}
			lease := time.Now().Add(time.Hour)
			say := func(a portal.Availability) {
				claim := portal.Claim{Endpoint: "portico-i1", Availability: a}
				for _, w := range watchers {
					s.Notified(w, portal.Report{Of: alice, Lease: lease, Claims: []portal.Claim{claim}})
				}
				for s.tell() {
				}
			}
			say(portal.Available)
			told, values = 0, 0
			i := 0
			b.ReportAllocs()
			for b.Loop() {
				i++
				say([]portal.Availability{portal.Busy, portal.Available}[i%2])
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(n), "µs/watcher")
			b.ReportMetric(float64(values)/float64(b.N), "values/change")
			b.ReportMetric(float64(told)/float64(b.N), "told/change")
		})
	}
}

// Many people with 50 contacts each, of whom one in a hundred changes each second: what a second of it costs the
// processor. Each change comes as the server's word to each of the 50 who watch.
func BenchmarkChurn(b *testing.B) {
	for _, n := range []int{1000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := crowd(b, n)
			s.o.Sight = known(bySuffix)
			s.PoliciesChanged()
			for s.tell() {
			}
			lease := time.Now().Add(time.Hour)
			r := rand.New(rand.NewPCG(1, 2))
			name := func(i int) portal.Address { return portal.Address(fmt.Sprintf("sip:person%d@example.test", (i+n)%n)) }
			states := []portal.Availability{portal.Busy, portal.Available, portal.Away, portal.DoNotDisturb}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			cpu := processorTime(b)
			seconds := 0
			for b.Loop() {
				seconds++
				for range n / 100 {
					i := r.IntN(n)
					claims := []portal.Claim{{Endpoint: "portico-x", Availability: states[r.IntN(len(states))], Source: portal.SourceActivity,
						Note: "here", Since: time.Now()}}
					of := name(i)
					for w := range 50 {
						s.Notified(name(i-1-w), portal.Report{Of: of, Lease: lease, Claims: claims})
					}
				}
				for s.tell() {
				}
			}
			runtime.ReadMemStats(&after)
			b.ReportMetric(float64(processorTime(b)-cpu)/1e6/float64(seconds), "cpu-ms/second")
			b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/1024/float64(seconds), "KiB/second")
			b.ReportMetric(float64(after.Mallocs-before.Mallocs)/float64(seconds), "allocs/second")
		})
	}
}

// processorTime is what this process has used of the processor, in nanoseconds.
func processorTime(b *testing.B) int64 {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}
