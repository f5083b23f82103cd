package calsync_test

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"portico/app/calsync"
	"portico/app/portal"
	"portico/storage"
)

// Benchmarks: how long a change takes to the other side, what a first synchronisation costs, what an idle mailbox costs. Exchange and
// CRM are in memory, the ledger is the real one on disk.

// opened is the real ledger, running on a new disk; what ends it is given.
func opened(b testing.TB) (*storage.Store, func()) {
	b.Helper()
	st, err := storage.Open(context.Background(), storage.Options{DSN: "sqlite:" + filepath.Join(b.TempDir(), "bench.db")})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- st.Run(ctx) }()
	return st, func() {
		cancel()
		if err := <-ended; err != nil {
			b.Error(err)
		}
		if err := st.Close(); err != nil {
			b.Error(err)
		}
	}
}

// bench is a running engine over the real storage.
func bench(b *testing.B, boxes int) (*sim, *records, *calsync.Service, *storage.Store) {
	b.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	st, closed := opened(b)
	var users []portal.CRMUser
	var owners []portal.Address
	for i := range boxes {
		who := portal.Address(fmt.Sprintf("sip:p%d@example.test", i))
		u := user(who, true)
		u.Since = time.Now().Add(-time.Hour)
		users, owners = append(users, u), append(owners, who)
	}
	x, c := newSim(time.Now, owners...), newRecords(time.Now, users...)
	x.page = 512
	s := calsync.New(c, x, st, calsync.Options{})
	x.rang = s.Rang
	ended := make(chan error, 1)
	b.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			b.Error(err)
		}
		closed()
	})
	go func() { ended <- s.Run(ctx) }()
	return x, c, s, st
}

// within waits until something holds.
func within(b *testing.B, what string, holds func() bool) {
	b.Helper()
	for end := time.Now().Add(4 * time.Minute); !holds(); {
		if time.Now().After(end) {
			b.Fatalf("waited too long for %s", what)
		}
		runtime.Gosched()
		time.Sleep(200 * time.Microsecond)
	}
}

func (c *records) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.all)
}

func (x *sim) count(owner portal.Address) int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return len(x.boxes[owner].entries)
}

func inStep(b *testing.B, s *calsync.Service) {
	within(b, "the first reading", func() bool {
		st, err := s.Status(context.Background())
		if err != nil {
			b.Fatal(err)
		}
		return len(st.Mailboxes) > 0 && !slices.ContainsFunc(st.Mailboxes, func(m portal.MailboxStatus) bool { return m.State != portal.MailboxInStep })
	})
}

func report(b *testing.B, took []time.Duration) {
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "median-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
}

// BenchmarkLagToExchange is from a change in CRM to its arrival in Exchange, one at a time, among 1,000 mailboxes.
func BenchmarkLagToExchange(b *testing.B) {
	x, c, s, _ := bench(b, 1000)
	inStep(b, s)
	var took []time.Duration
	for i := 0; b.Loop(); i++ {
		who := portal.Address(fmt.Sprintf("sip:p%d@example.test", i%1000))
		n := x.count(who)
		at := time.Now()
		c.create(draftOf(who, fmt.Sprintf("c%d", i)))
		within(b, "the entry", func() bool { return x.count(who) > n })
		took = append(took, time.Since(at))
	}
	report(b, took)
}

// BenchmarkLagToCRM is from a change at Outlook, whose bell rings at once, to its arrival in CRM.
func BenchmarkLagToCRM(b *testing.B) {
	x, c, s, _ := bench(b, 1000)
	inStep(b, s)
	var took []time.Duration
	for i := 0; b.Loop(); i++ {
		who := portal.Address(fmt.Sprintf("sip:p%d@example.test", i%1000))
		n := c.count()
		at := time.Now()
		x.user(func() { x.make(who, draftOf(who, fmt.Sprintf("x%d", i)), "", false, false) })
		within(b, "the record", func() bool { return c.count() > n })
		took = append(took, time.Since(at))
	}
	report(b, took)
}

// BenchmarkFirst is the first synchronisation of 10,000 entries in 20 mailboxes.
func BenchmarkFirst(b *testing.B) {
	const boxes, each = 20, 500
	for b.Loop() {
		b.StopTimer()
		ctx := context.Background()
		st, closed := opened(b)
		var users []portal.CRMUser
		var owners []portal.Address
		for i := range boxes {
			who := portal.Address(fmt.Sprintf("sip:p%d@example.test", i))
			users, owners = append(users, user(who, true)), append(owners, who)
		}
		x, c := newSim(time.Now, owners...), newRecords(time.Now, users...)
		x.page = 512
		for i, who := range owners {
			for n := range each {
				a := draftOf(who, fmt.Sprintf("x%d-%d", i, n))
				a.Start = a.Start.Add(time.Duration(n) * time.Hour)
				a.End = a.Start.Add(time.Hour)
				a.Body = "An agenda of some length, as meetings have them: what was decided, what is open, who does what until when."
				x.make(who, a, "", false, false)
			}
		}
		s := calsync.New(c, x, st, calsync.Options{})
		run, cancel := context.WithCancel(ctx)
		ended := make(chan error, 1)
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		b.StartTimer()
		at := time.Now()
		go func() { ended <- s.Run(run) }()
		within(b, "all records", func() bool { return c.count() == boxes*each })
		took := time.Since(at)
		runtime.ReadMemStats(&after)
		b.StopTimer()
		cancel()
		if err := <-ended; err != nil {
			b.Fatal(err)
		}
		closed()
		if mails := x.sent(); len(mails) != 0 {
			b.Fatalf("the first synchronisation sent %v", mails)
		}
		b.ReportMetric(boxes*each/took.Seconds(), "items/s")
		b.ReportMetric(float64(after.Sys-before.Sys)/(1<<20), "MB-more")
		b.StartTimer()
	}
}

// BenchmarkIdleMinute is what a minute costs in which nothing happens, by the number of mailboxes: the readings that fall due in it, and
// the memory that a mailbox holds.
func BenchmarkIdleMinute(b *testing.B) {
	for _, boxes := range []int{100, 1000, 10_000} {
		b.Run(fmt.Sprint(boxes), func(b *testing.B) {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			x, _, s, _ := bench(b, boxes)
			inStep(b, s)
			runtime.GC()
			runtime.ReadMemStats(&after)
			for _, m := range x.byEmail {
				s.Reached(m)
			}
			for i := 0; b.Loop(); i++ {
				// With a bell that works a mailbox is read every 30 minutes: so many of them in a minute.
				due := max(boxes/30, 1)
				want := x.called("Changes") + due
				for n := range due {
					s.Rang(portal.Address(fmt.Sprintf("sip:p%d@example.test", (i*due+n)%boxes)))
				}
				within(b, "the readings", func() bool { return x.called("Changes") >= want })
			}
			b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(boxes)/1024, "KB/mailbox")
			b.ReportMetric(float64(runtime.NumGoroutine()), "goroutines")
		})
	}
}
