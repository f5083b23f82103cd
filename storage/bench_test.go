package storage_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"portico/storage"
)

// BenchmarkAddMessage stores a received message with its event, acknowledged after the commit, by
// that many writers at once: with the commit shared, and with one commit for each.
func BenchmarkAddMessage(b *testing.B) {
	for _, writers := range []int{1, 16, 256} {
		for _, batch := range []int{256, 1} {
			name := fmt.Sprintf("writers=%d/shared", writers)
			if batch == 1 {
				name = fmt.Sprintf("writers=%d/one-commit-each", writers)
			}
			b.Run(name, func(b *testing.B) { benchmarkAdd(b, writers, batch) })
		}
	}
}

func benchmarkAdd(b *testing.B, writers, batch int) {
	s, _ := running(b, storage.Options{Batch: batch, UpkeepEvery: time.Hour})
	took := make([][]time.Duration, writers)
	var next atomic.Int64
	var crew sync.WaitGroup
	b.ResetTimer()
	for w := range writers {
		crew.Go(func() {
			for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
				m := message(strconv.FormatInt(n, 10))
				start := time.Now()
				if _, created, err := s.AddMessage(context.Background(), m, event(m)); err != nil || !created {
					b.Errorf("created %v, %v", created, err)
					return
				}
				took[w] = append(took[w], time.Since(start))
			}
		})
	}
	crew.Wait()
	b.StopTimer()
	all := slices.Concat(took...)
	slices.Sort(all)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
	if len(all) > 0 {
		b.ReportMetric(float64(all[len(all)*99/100].Microseconds())/1000, "p99-ms")
	}
}

// BenchmarkArchive opens pages of an archive of a million messages: the newest page of a random
// conversation, one far back in a long one, the list and the counts of a person with many. The aim is
// under 20 ms for any of them.
func BenchmarkArchive(b *testing.B) {
	s, _ := running(b, storage.Options{UpkeepEvery: time.Hour})
	ctx := b.Context()
	if err := storage.FillArchive(ctx, s, 1_000_000); err != nil {
		b.Fatal(err)
	}
	b.Logf("resident memory with the archive filled: %d MB", resident(b)>>20)
	for _, page := range []struct {
		name string
		open func(i int) (int, error)
	}{
		{"newest page", func(i int) (int, error) {
			m, err := s.Messages(ctx, storage.FillOwner(i), storage.FillPeer(i*7), 0, 50)
			return len(m), err
		}},
		{"page far back", func(i int) (int, error) {
			m, err := s.Messages(ctx, storage.FillLong, storage.FillPeer(0), int64(200_000+i%100_000), 50)
			return len(m), err
		}},
		{"conversations", func(i int) (int, error) {
			c, err := s.Conversations(ctx, storage.FillOwner(i))
			return len(c), err
		}},
		{"unread", func(i int) (int, error) {
			u, err := s.Unread(ctx, storage.FillOwner(i))
			return len(u), err
		}},
		{"message by id", func(i int) (int, error) {
			_, err := s.Message(ctx, storage.FillLong, storage.FillPeer(0), storage.FillID(i*1000%400_000))
			return 1, err
		}},
	} {
		b.Run(strings.ReplaceAll(page.name, " ", "-"), func(b *testing.B) {
			var took []time.Duration
			for i := range b.N {
				start := time.Now()
				n, err := page.open(i)
				took = append(took, time.Since(start))
				if err != nil || n == 0 {
					b.Fatalf("%d: %d found, %v", i, n, err)
				}
			}
			slices.Sort(took)
			p99 := took[len(took)*99/100]
			b.ReportMetric(float64(p99.Microseconds())/1000, "p99-ms")
			b.ReportMetric(float64(resident(b)>>20), "resident-MB")
		})
	}
}

// BenchmarkReplay reads what a browser missed: 100 events.
func BenchmarkReplay(b *testing.B) {
	s, _ := running(b, storage.Options{UpkeepEvery: time.Hour})
	for i := range 1000 {
		m := message(strconv.Itoa(i))
		_, _, err := s.AddMessage(b.Context(), m, event(m))
		must(b, err)
	}
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if evs, resync, err := s.EventsSince(context.Background(), alice, 900, 500); err != nil || resync || len(evs) != 100 {
				b.Errorf("%d events, resync %v, %v", len(evs), resync, err)
				return
			}
		}
	})
}

// resident is the memory of the process in bytes (the engine's own is not the collector's); 0 where the system does not say.
func resident(b *testing.B) int64 {
	data, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(data))
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		b.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}
