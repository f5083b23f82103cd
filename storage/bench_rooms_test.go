package storage_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"portico/app/portal"
	"portico/storage"
)

// The rooms' figures: go test -run '^$' -bench Room ./storage, with PORTICO_BENCH_SIZES=10000,100000,1000000 for the growth. One room has
// four tenths of all messages, a thousand others share the rest.

const benchRooms = 1000

func benchRoom(i int) portal.Address {
	return portal.Address("sip:room" + strconv.Itoa(i) + "@rooms.example.test")
}

// benchRoomArchive is an archive of n messages over three years, see storage.FillRooms.
func benchRoomArchive(b *testing.B, n int) *storage.Store {
	s, _ := running(b, storage.Options{UpkeepEvery: time.Hour})
	ctx := context.Background()
	for i := range benchRooms + 1 {
		r := lobbyRoom()
		r.URI = benchRoom(i)
		must(b, s.CreateRoom(ctx, r, nil))
	}
	begun := time.Now()
	must(b, storage.FillRooms(ctx, s, n, benchRooms+1, benchDay(n, 0).UnixNano(), int64(benchDay(n, 1).Sub(benchDay(n, 0)))))
	b.Logf("%d messages filled in %v", n, time.Since(begun).Round(time.Millisecond))
	return s
}

// benchDay is when the i-th of n messages was said.
func benchDay(n, i int) time.Time {
	return time.Date(2023, 8, 22, 8, 0, 0, 0, time.UTC).Add(time.Duration(i) * (3 * 365 * 24 * time.Hour / time.Duration(n)))
}

// BenchmarkRoomArchive opens pages of rooms and searches them.
func BenchmarkRoomArchive(b *testing.B) {
	for _, n := range historySizes(b) {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			s := benchRoomArchive(b, n)
			page := func(page func(r *rand.Rand) portal.RoomPage) func(*rand.Rand) (int, error) {
				return func(r *rand.Rand) (int, error) {
					list, err := s.RoomMessages(b.Context(), benchRoom(0), 0, page(r))
					return len(list), err
				}
			}
			find := func(q string, rooms int, narrow func(*rand.Rand, *portal.HistoryQuery)) func(*rand.Rand) (int, error) {
				return func(r *rand.Rand) (int, error) {
					spans := []portal.RoomSpan{{Room: benchRoom(0)}}
					for len(spans) < rooms {
						spans = append(spans, portal.RoomSpan{Room: benchRoom(1 + r.IntN(benchRooms)), First: 1})
					}
					h := portal.HistoryQuery{Q: strings.ReplaceAll(q, "?", "w"+strconv.Itoa(r.IntN(30000)))}
					if narrow != nil {
						narrow(r, &h)
					}
					hits, _, err := s.SearchRooms(b.Context(), spans, h)
					return len(hits), err
				}
			}
			month := func(r *rand.Rand, h *portal.HistoryQuery) {
				h.From = benchDay(n, r.IntN(n))
				h.To = h.From.AddDate(0, 1, 0)
			}
			for _, c := range []struct {
				name string
				do   func(*rand.Rand) (int, error)
			}{
				{"any day", page(func(r *rand.Rand) portal.RoomPage {
					return portal.RoomPage{From: benchDay(n, r.IntN(n)).Truncate(24 * time.Hour)}
				})},
				{"newest", page(func(*rand.Rand) portal.RoomPage { return portal.RoomPage{} })},
				{"around", page(func(r *rand.Rand) portal.RoomPage { return portal.RoomPage{Around: 1 + r.Int64N(int64(n))} })},
				{"any word", find("?", 1, nil)},
				{"two words", find("offer ?", 1, nil)},
				{"common word", find("offer", 1, nil)},
				{"common word whole", find(`"offer"`, 1, nil)},
				{"rare word", find("zebra", 1, nil)},
				{"common elsewhere", find(`"others"`, 1, nil)},
				{"common elsewhere begun", find(`others`, 1, nil)},
				{"one letter", find("w", 1, nil)},
				{"in a month", find("offer ?", 1, month)},
				{"in 50 rooms", find("?", 50, nil)},
				{"common in 50 rooms", find("offer", 50, nil)},
			} {
				b.Run(strings.ReplaceAll(c.name, " ", "-"), func(b *testing.B) { benchmarkTimes(b, c.do) })
			}
		})
	}
}

// benchmarkTimes runs something again and again and reports how long it takes.
func benchmarkTimes(b *testing.B, do func(*rand.Rand) (int, error)) {
	r := rand.New(rand.NewPCG(7, 7))
	var took []time.Duration
	found := 0
	for range b.N {
		start := time.Now()
		n, err := do(r)
		took = append(took, time.Since(start))
		must(b, err)
		found += n
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(float64(found)/float64(b.N), "found")
}

// BenchmarkAddRoomMessage says messages in rooms of different sizes, with their events, by 16 at a time: what it costs does not depend on
// how many are in the room.
func BenchmarkAddRoomMessage(b *testing.B) {
	for _, members := range []int{5, 500, 5000} {
		b.Run(fmt.Sprintf("members=%d", members), func(b *testing.B) {
			s, _ := running(b, storage.Options{UpkeepEvery: time.Hour})
			var list []portal.Membership
			var people []portal.Address
			for i := range members {
				who := portal.Address(fmt.Sprintf("sip:p%d@example.test", i))
				people = append(people, who)
				list = append(list, lobbyMember(who))
			}
			must(b, s.CreateRoom(context.Background(), lobbyRoom(), list))
			var next atomic.Int64
			var crew sync.WaitGroup
			b.ResetTimer()
			for range 16 {
				crew.Go(func() {
					for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
						m, ev := uttered(strconv.FormatInt(n, 10))
						m.From, ev.For = people[int(n)%members], people
						if _, created, err := s.AddRoomMessage(context.Background(), m, nil, ev); err != nil || !created {
							b.Errorf("created %v, %v", created, err)
							return
						}
					}
				})
			}
			crew.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
		})
	}
}

// BenchmarkRoomReplay reads what a browser missed of somebody who follows many rooms: the last 100 events.
func BenchmarkRoomReplay(b *testing.B) {
	for _, rooms := range []int{1, 50, 500} {
		b.Run(fmt.Sprintf("rooms=%d", rooms), func(b *testing.B) {
			s, _ := running(b, storage.Options{UpkeepEvery: time.Hour})
			ctx := context.Background()
			for i := range rooms {
				r := lobbyRoom()
				r.URI = benchRoom(i)
				must(b, s.CreateRoom(ctx, r, []portal.Membership{lobbyMember(alice)}))
			}
			for i := range 1000 {
				m, ev := uttered(strconv.Itoa(i))
				m.Room = benchRoom(i % min(rooms, 20))
				ev.Audience = m.Room
				_, _, err := s.AddRoomMessage(ctx, m, nil, ev)
				must(b, err)
			}
			benchmarkTimes(b, func(*rand.Rand) (int, error) {
				evs, resync, err := s.EventsSince(ctx, alice, 900, 500)
				if resync || len(evs) != 100 {
					b.Fatalf("%d events, resync %v", len(evs), resync)
				}
				return len(evs), err
			})
		})
	}
}
