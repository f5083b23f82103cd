package chat_test

import (
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"

	"portico/app/chat"
	"portico/app/portal"
)

// benchHouse is a service over the real archive whose far side answers at once.
func benchHouse(b *testing.B) (*chat.Service, *farSide, *atomic.Int64) {
	b.Helper()
	store := openStore(b, filepath.Join(b.TempDir(), "portico.db"))
	far := newFarSide()
	var sent atomic.Int64
	s, _, _ := start(b, store, far, chat.Options{Counted: func(direction, result string) {
		if direction == "out" && result == string(portal.Delivered) {
			sent.Add(1)
		}
	}})
	return s, far, &sent
}

// What is said, in one conversation and in many, until its final state is on disk.
func BenchmarkSay(b *testing.B) {
	for _, people := range []int{1, 100, 1000} {
		b.Run(fmt.Sprintf("people=%d", people), func(b *testing.B) {
			s, _, sent := benchHouse(b)
			var n atomic.Int64
			b.SetParallelism(64)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					i := n.Add(1)
					from := portal.Address(fmt.Sprintf("sip:p%d@example.test", i%int64(people)))
					say(b, s, from, bob, fmt.Sprint(i), "how about lunch?")
				}
			})
			eventually(b, "all are sent", func() bool { return sent.Load() == n.Load() })
			b.ReportMetric(float64(n.Load())/b.Elapsed().Seconds(), "msg/s")
		})
	}
}

// What arrives, until it is on disk.
func BenchmarkReceive(b *testing.B) {
	for _, people := range []int{1, 100, 1000} {
		b.Run(fmt.Sprintf("people=%d", people), func(b *testing.B) {
			s, _, _ := benchHouse(b)
			var n atomic.Int64
			b.SetParallelism(64)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					i := n.Add(1)
					to := portal.Address(fmt.Sprintf("sip:p%d@example.test", i%int64(people)))
					receive(b, s, portal.Incoming{To: to, From: bob, ID: fmt.Sprint(i), Text: "how about lunch?"})
				}
			})
			b.ReportMetric(float64(n.Load())/b.Elapsed().Seconds(), "msg/s")
		})
	}
}
