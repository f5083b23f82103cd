package main

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"portico/app/ews/ewslab"
	"portico/app/portal"
)

// The benchmarks of the synchronisation's whole way: a change at one side, the bell, the reading, the ledger, the other side.
// CRM, the synchronisation, the lab Exchange with its database and the other client share this machine's processors.

// synced is both sides with so many mailboxes, each with so many entries, in step.
func syncedSides(b *testing.B, mailboxes, entries int) (*bothSides, time.Time) {
	b.Helper()
	o := sidesOptions{mailboxes: mailboxes, limits: ewslab.ExchangeLimits()}
	o.limits.ByCaller = true
	s := newSides(b, o)
	day := dayAhead(b)
	for i := range mailboxes {
		s.fill(i, entries, day)
	}
	s.connect(o)
	s.begin(30 * time.Minute)
	return s, day
}

// BenchmarkSyncLag: from a change on one side to its arrival on the other, while so many mailboxes are kept in step. The arrival
// is seen by asking once a millisecond.
func BenchmarkSyncLag(b *testing.B) {
	for _, n := range []int{1, 100, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s, day := syncedSides(b, n, 3)
			const before = 5 // what is used for the first time takes longer
			rounds := max(200, b.N)
			b.ResetTimer()
			toCRM := make([]time.Duration, 0, rounds)
			for r := range rounds + before {
				i := r * 7919 % n
				it, place := s.items(i)["Entry 0"], fmt.Sprint("Outlook ", r)
				id := s.records(i, day)["Entry 0"].ID
				begun := time.Now()
				s.in(i).set(it, "calendar:Location", place)
				soon(b, func() bool { return s.record(id).Location == place })
				if r >= before {
					toCRM = append(toCRM, time.Since(begun))
				}
			}
			toExchange := make([]time.Duration, 0, rounds)
			for r := range rounds + before {
				i := r * 7919 % n
				record, it := s.records(i, day)["Entry 1"], s.items(i)["Entry 1"]
				place := fmt.Sprint("CRM ", r)
				begun := time.Now()
				if _, err := s.crm.Change(b.Context(), s.who(i), record.ID, portal.AppointmentChange{Location: &place}, fmt.Sprint(record.Revision)); err != nil {
					b.Fatal(err)
				}
				soon(b, func() bool { return s.in(i).get(it).Location == place })
				if r >= before {
					toExchange = append(toExchange, time.Since(begun))
				}
			}
			b.StopTimer()
			for name, took := range map[string][]time.Duration{"to-crm": toCRM, "to-exchange": toExchange} {
				slices.Sort(took)
				b.ReportMetric(milliseconds(took[len(took)/2]), name+"-p50-ms")
				b.ReportMetric(milliseconds(took[len(took)*99/100]), name+"-p99-ms")
			}
			b.ReportMetric(float64(s.lab.Usage().Refusals()), "refused")
			b.ReportMetric(0, "ns/op")
		})
	}
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// soon asks once a millisecond until something is so.
func soon(b *testing.B, ok func() bool) {
	b.Helper()
	for deadline := time.Now().Add(longest); !ok(); {
		if time.Now().After(deadline) {
			b.Fatal("a change did not arrive")
		}
		time.Sleep(time.Millisecond)
	}
}

// record is one record.
func (s *bothSides) record(id string) portal.CRMAppointment {
	s.t.Helper()
	r, err := s.crm.Record(s.t.Context(), id)
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

// BenchmarkSyncFirst: the first synchronisation of 10,000 appointments, all of one person or spread over 100, out of Exchange or out
// of CRM.
func BenchmarkSyncFirst(b *testing.B) {
	const appointments = 10_000
	for _, mailboxes := range []int{1, 100} {
		b.Run(fmt.Sprintf("FromExchange/%d", mailboxes), func(b *testing.B) {
			o := sidesOptions{mailboxes: mailboxes}
			s := newSides(b, o)
			for i := range mailboxes {
				s.fill(i, appointments/mailboxes, dayAhead(b))
			}
			s.connect(o)
			s.measureFirst(b, appointments, func() { s.begin(30 * time.Minute) })
		})
		b.Run(fmt.Sprintf("FromCRM/%d", mailboxes), func(b *testing.B) {
			o := sidesOptions{mailboxes: mailboxes}
			s := newSides(b, o)
			s.connect(o)
			day := dayAhead(b)
			for i := range mailboxes {
				s.recordAll(b, i, appointments/mailboxes, day)
			}
			s.measureFirst(b, appointments, func() {
				s.begin(30 * time.Minute)
			})
			if got := len(s.allItems(0)); got != appointments/mailboxes {
				b.Errorf("%d of %d in the first mailbox", got, appointments/mailboxes)
			}
		})
	}
}

// recordAll makes n records of somebody in CRM.
func (s *bothSides) recordAll(b *testing.B, i, n int, day time.Time) {
	b.Helper()
	for j := range n {
		start := clock(day.AddDate(0, 0, j/8), 9+j%8, 0)
		if _, err := s.crm.Create(b.Context(), s.who(i), "", portal.Appointment{Subject: fmt.Sprint("Entry ", j), Start: start, End: start.Add(time.Hour), TimeZone: "Europe/Vienna", Show: portal.ShowBusy}); err != nil {
			b.Fatal(err)
		}
	}
}

// allItems is all items of somebody, page by page.
func (s *bothSides) allItems(i int) []item {
	s.t.Helper()
	var out []item
	for {
		some := s.in(i).do(fmt.Sprintf(`<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:IndexedPageItemView MaxEntriesReturned="1000" Offset="%d" BasePoint="Beginning"/>`+
			`<m:ParentFolderIds><t:DistinguishedFolderId Id="calendar"/></m:ParentFolderIds></m:FindItem>`, len(out)))
		if out = append(out, some...); len(some) < 1000 {
			return out
		}
	}
}

// measureFirst reports how fast something goes, and what memory is in use at its end.
func (s *bothSides) measureFirst(b *testing.B, appointments int, do func()) {
	b.Helper()
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	cpu := processorTime(b)
	b.ResetTimer()
	begun := time.Now()
	do()
	took := time.Since(begun)
	b.StopTimer()
	used := processorTime(b) - cpu
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(appointments)/took.Seconds(), "items/s")
	b.ReportMetric(took.Seconds(), "s")
	b.ReportMetric(used.Seconds(), "cpu-s")
	b.ReportMetric(float64(int64(after.HeapAlloc)-int64(before.HeapAlloc))/(1<<20), "kept-MB")
	b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/float64(appointments)/1024, "alloc-kB/item")
	b.ReportMetric(float64(s.requests.Load())/float64(appointments), "requests/item")
	b.ReportMetric(0, "ns/op")
}

// processorTime is what this process has used, the lab Exchange in it included.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkSyncIdle: what a minute costs in which nothing happens, with so many mailboxes in step.
func BenchmarkSyncIdle(b *testing.B) {
	for _, n := range []int{100, 1000, 2000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s, _ := syncedSides(b, n, 1)
			runtime.GC()
			var mem runtime.MemStats
			runtime.ReadMemStats(&mem)
			ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
			defer cancel()
			cpu, requests, served := processorTime(b), s.requests.Load(), s.lab.Usage().Served
			b.ResetTimer()
			<-ctx.Done()
			b.StopTimer()
			b.ReportMetric(milliseconds(processorTime(b)-cpu), "cpu-ms/min")
			b.ReportMetric(float64(s.requests.Load()-requests), "requests/min")
			b.ReportMetric(float64(s.lab.Usage().Served-served), "served/min")
			b.ReportMetric(float64(mem.HeapAlloc)/(1<<20), "heap-MB")
			b.ReportMetric(float64(runtime.NumGoroutine()), "goroutines")
			b.ReportMetric(0, "ns/op")
		})
	}
}
