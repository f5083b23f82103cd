package presence

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"portico/app/portal"
)

// crowd signs n people in, each with 50 contacts of whom they have heard.
func crowd(tb testing.TB, n int) *Service {
	tb.Helper()
	s := New(discard{}, newMemory(), Options{})
	name := func(i int) portal.Address { return portal.Address(fmt.Sprintf("sip:person%d@example.test", i%n)) }
	lease := time.Now().Add(time.Hour)
	for i := range n {
		who := name(i)
		if err := s.SignedIn(tb.Context(), who); err != nil {
			tb.Fatal(err)
		}
		s.Attach(who, "0123456789abcdef")
		var contacts []portal.Address
		for c := range 50 {
			contacts = append(contacts, name(i+1+c))
		}
		s.SetContacts(who, contacts)
		for _, c := range contacts {
			s.Notified(who, portal.Report{Of: c, Lease: lease, Claims: []portal.Claim{{
				Endpoint: "portico-x", Availability: portal.Available, Source: portal.SourceActivity, Note: "here"}}})
		}
	}
	for s.tell() {
	}
	return s
}

// discard is a Line that goes nowhere.
type discard struct{}

func (discard) Publish(portal.Address, portal.Claim)   {}
func (discard) Unpublish(portal.Address)               {}
func (discard) Watch(portal.Address, []portal.Address) {}

func inUse() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// A signed-in person with 50 contacts costs the board a few kilobytes.
func TestMemoryOfAPerson(t *testing.T) {
	const n = 1000
	before := inUse()
	s := crowd(t, n)
	each := (inUse() - before) / n
	runtime.KeepAlive(s)
	t.Logf("%d bytes for a person with 50 contacts", each)
	if each > 6<<10 {
		t.Errorf("%d bytes for a person with 50 contacts, more than 6 KiB", each)
	}
}

func BenchmarkPersonWith50Contacts(b *testing.B) {
	for _, n := range []int{100, 1000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				before := inUse()
				s := crowd(b, n)
				b.ReportMetric(float64(inUse()-before)/float64(n), "B/person")
				runtime.KeepAlive(s)
			}
		})
	}
}

// One change of one person, told to 50 watchers.
func BenchmarkChange(b *testing.B) {
	s := crowd(b, 1000)
	lease := time.Now().Add(time.Hour)
	of := portal.Address("sip:person500@example.test")
	n := 0
	for b.Loop() {
		n++
		a := []portal.Availability{portal.Busy, portal.Available}[n%2]
		for w := range 50 {
			who := portal.Address(fmt.Sprintf("sip:person%d@example.test", 450+w))
			s.Notified(who, portal.Report{Of: of, Lease: lease, Claims: []portal.Claim{{Endpoint: "portico-x", Availability: a}}})
		}
		for s.tell() {
		}
	}
	b.ReportMetric(50*float64(b.N)/b.Elapsed().Seconds(), "told/s")
}
