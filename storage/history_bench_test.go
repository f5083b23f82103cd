package storage_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"portico/app/portal"
	"portico/storage"
)

// The history's figures: go test -run '^$' -bench History ./storage, with PORTICO_BENCH_SIZES=10000,100000,1000000 for the growth (a
// million takes some minutes to fill). One owner has four tenths of all messages, the others few each. Times are given as p50 and p99.

// historySizes are the sizes of the archives that are measured.
func historySizes(b *testing.B) []int {
	text := os.Getenv("PORTICO_BENCH_SIZES")
	if text == "" {
		text = "10000"
	}
	var sizes []int
	for field := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(field))
		if err != nil || n < 1000 {
			b.Fatalf("PORTICO_BENCH_SIZES: %q", field)
		}
		sizes = append(sizes, n)
	}
	return sizes
}

// benchArchive is an archive of n messages over three years, in words that are as unequal as those of people. "offer" is in every
// third message, "zebra" in one of ten thousand, "unheard" in none; "others" is in those of the small owners alone.
func benchArchive(b *testing.B, n int) *storage.Store {
	path := filepath.Join(b.TempDir(), "portico.db")
	s, err := storage.Open(context.Background(), storage.Options{DSN: "sqlite:" + path, UpkeepEvery: time.Hour})
	must(b, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	b.Cleanup(func() {
		cancel()
		must(b, <-done)
		must(b, s.Close())
	})
	begun := time.Now()
	r := rand.New(rand.NewPCG(uint64(n), 1))
	zipf := rand.NewZipf(r, 1.2, 4, 30000)
	step := 3 * 365 * 24 * time.Hour / time.Duration(n)
	at := morning().AddDate(-3, 0, 0)
	for from := 0; from < n; from += 1000 {
		list := make([]portal.Message, 0, 1000)
		for i := from; i < min(from+1000, n); i++ {
			at = at.Add(time.Duration(r.Int64N(int64(2 * step))))
			list = append(list, benchMessage(r, zipf, i, at))
		}
		must(b, storage.AddMessages(ctx, s, list))
	}
	size, err := os.Stat(path)
	must(b, err)
	b.Logf("%d messages: filled in %v (%v a message), %d bytes a message on disk, %.0f MB resident", n, time.Since(begun).Round(time.Second),
		(time.Since(begun) / time.Duration(n)).Round(time.Microsecond), size.Size()/int64(n), float64(resident(b))/1e6)
	return s
}

func benchMessage(r *rand.Rand, zipf *rand.Zipf, i int, at time.Time) portal.Message {
	owner, peer := storage.FillLong, portal.Address(fmt.Sprintf("sip:peer%d@example.test", r.IntN(50)))
	large := i%10 < 4
	if !large {
		owner = portal.Address(fmt.Sprintf("sip:small%d@example.test", r.IntN(600)))
	}
	var words []string
	for range 6 + r.IntN(12) {
		words = append(words, "w"+strconv.FormatUint(zipf.Uint64()*7919%30000, 26))
	}
	if i%3 == 0 {
		words = append(words, "offer")
	}
	if i%10000 == 7 || i%10000 == 1 {
		words = append(words, "zebra")
	}
	if !large {
		words = append(words, "others")
	}
	from, state := peer, portal.Received
	if r.IntN(2) == 0 {
		from, state = owner, portal.Delivered
	}
	return portal.Message{Owner: owner, Conversation: peer, From: from, ID: strconv.Itoa(i), Text: strings.Join(words, " "), At: at, State: state}
}

func BenchmarkHistory(b *testing.B) {
	for _, n := range historySizes(b) {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			s := benchArchive(b, n)
			benchSearches(b, s)
			benchLists(b, s)
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			b.Logf("%d messages: %.0f MB resident, %.0f MB of heap after all that", n, float64(resident(b))/1e6, float64(m.HeapInuse)/1e6)
		})
	}
}

func benchSearches(b *testing.B, s *storage.Store) {
	few := func(i int) portal.Address { return portal.Address(fmt.Sprintf("sip:small%d@example.test", i%600)) }
	many := func(int) portal.Address { return storage.FillLong }
	year := time.Date(2024, 5, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name  string
		owner func(int) portal.Address
		q     portal.HistoryQuery
	}{
		{"rare/many", many, portal.HistoryQuery{Q: "zebra"}},
		{"rare/few", few, portal.HistoryQuery{Q: "zebra"}},
		{"common/many", many, portal.HistoryQuery{Q: "offer"}},
		{"common/few", few, portal.HistoryQuery{Q: "offer"}},
		{"absent/many", many, portal.HistoryQuery{Q: "unheard"}},
		{"absent/few", few, portal.HistoryQuery{Q: "unheard"}},
		{"of others/many", many, portal.HistoryQuery{Q: "others"}},
		{"one letter/many", many, portal.HistoryQuery{Q: "w"}},
		{"beginning/many", many, portal.HistoryQuery{Q: "off"}},
		{"two words/many", many, portal.HistoryQuery{Q: "offer zebra"}},
		{"phrase/many", many, portal.HistoryQuery{Q: `"offer zebra"`}},
		{"common with one/many", many, portal.HistoryQuery{Q: "offer", Peer: "sip:peer7@example.test"}},
		{"rare with one/many", many, portal.HistoryQuery{Q: "zebra", Peer: "sip:peer7@example.test"}},
		{"common in a week/many", many, portal.HistoryQuery{Q: "offer", From: year, To: year.AddDate(0, 0, 7)}},
		{"rare before a day/many", many, portal.HistoryQuery{Q: "zebra", To: year}},
	} {
		b.Run("search "+c.name, func(b *testing.B) {
			measure(b, func(i int) error {
				_, _, err := s.Search(context.Background(), c.owner(i), nil, c.q)
				return err
			})
		})
	}
}

func benchLists(b *testing.B, s *storage.Store) {
	first := morning().AddDate(-3, 0, 0)
	day := func(i int) time.Time { return first.AddDate(0, 0, i*37%1090) }
	b.Run("list newest", func(b *testing.B) {
		measure(b, func(int) error {
			_, _, err := s.Episodes(context.Background(), storage.FillLong, nil, portal.HistoryQuery{})
			return err
		})
	})
	b.Run("list with one", func(b *testing.B) {
		measure(b, func(int) error {
			_, _, err := s.Episodes(context.Background(), storage.FillLong, nil, portal.HistoryQuery{Peer: "sip:peer7@example.test"})
			return err
		})
	})
	b.Run("open a day", func(b *testing.B) {
		measure(b, func(i int) error {
			q := portal.HistoryQuery{From: day(i), To: day(i).AddDate(0, 0, 1)}
			eps, _, err := s.Episodes(context.Background(), storage.FillLong, nil, q)
			if err != nil || len(eps) == 0 {
				return err
			}
			_, err = s.Lines(context.Background(), eps[0], 0, 0)
			return err
		})
	})
	b.Run("days of a month", func(b *testing.B) {
		measure(b, func(i int) error {
			_, err := s.Days(context.Background(), storage.FillLong, nil, day(i), day(i).AddDate(0, 1, 0), time.UTC)
			return err
		})
	})
}

// measure calls ask again and again and gives how long it took.
func measure(b *testing.B, ask func(i int) error) {
	took := make([]time.Duration, 0, b.N)
	for i := range b.N {
		begun := time.Now()
		if err := ask(i); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(begun))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
}
