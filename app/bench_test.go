package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"portico/app/config"
	"portico/app/sipua/siplab"
	"portico/app/sipua/siptest"
)

// The benchmarks of the whole way: a browser's frame, the database, the SIP server, the database, the
// other browser's frame. The portal, the lab and all browsers share this machine's processors.

// inProcess is the house inside the test, with limits that do not get in the way.
func inProcess(tb testing.TB, change func(*config.Config)) *house {
	tb.Helper()
	dir := tb.TempDir()
	cfg, err := config.Load("", []string{
		"PORTICO_HTTP_LISTEN=127.0.0.1:0", "PORTICO_STORAGE_DSN=sqlite:" + filepath.Join(dir, "portico.db"),
		"PORTICO_STORAGE_DATA_DIR=" + dir, "PORTICO_LIMITS_API_RATE=1000000", "PORTICO_CHAT_RATE=1000000", "PORTICO_LIMITS_LIVE_RATE=1000000",
		"PORTICO_LAB_ROBOTS_PACE=24h",
	})
	if err != nil {
		tb.Fatal(err)
	}
	if change != nil {
		change(cfg)
	}
	h, err := build(tb.Context(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- runStages(ctx, h.log, h.stages()) }()
	tb.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			tb.Errorf("the house: %v", err)
		}
		h.close()
	})
	return h
}

// pair is two people who are signed in, with a live connection each.
type pair struct {
	from, to *client
	out, in  *live
}

const talkers = 400

// pairs signs talkers people in and joins them two by two.
func pairs(b *testing.B, h *house) []pair {
	b.Helper()
	p := &program{t: b, url: h.address()}
	var out []pair
	for i := 0; i < talkers; i += 2 {
		from, to := p.signIn(talker(i)), p.signIn(talker(i+1))
		out = append(out, pair{from, to, from.live(-1), to.live(-1)})
	}
	return out
}

func talker(i int) string { return fmt.Sprintf("talker%03d", i) }

// oneAtATime measures the time from the sending browser's frame to the receiving browser's.
func (p pair) oneAtATime(b *testing.B, n int) []time.Duration {
	b.Helper()
	took := make([]time.Duration, 0, n)
	for i := range n {
		id := fmt.Sprintf("one-%d", i)
		begun := time.Now()
		p.out.send(map[string]any{"op": "send", "id": id, "conversation": p.to.who, "text": "How long does this take?"})
		p.in.until("it", func(e event) bool { return e.Event == "message" && e.ID == id })
		took = append(took, time.Since(begun))
	}
	slices.Sort(took)
	return took
}

// flood sends n messages in each pair, with at most window not yet received, and waits for all.
func flood(b *testing.B, ps []pair, n int) time.Duration {
	b.Helper()
	const window = 32
	var wg sync.WaitGroup
	begun := time.Now()
	for _, p := range ps {
		room := make(chan struct{}, window)
		wg.Go(func() {
			for i := range n {
				room <- struct{}{}
				err := p.out.ws.WriteJSON(map[string]any{"op": "send", "id": fmt.Sprintf("m-%d", i), "conversation": p.to.who, "text": "How many of these a second?"})
				if err != nil {
					b.Errorf("send: %v", err)
					return
				}
			}
		})
		wg.Go(func() {
			for got := 0; got < n; {
				kind, err := nextKind(p.in.ws)
				if err != nil {
					b.Errorf("after %d messages: %v", got, err)
					return
				}
				if kind == "message" {
					got++
					<-room
				}
			}
		})
		// The sender's own frames are read and dropped.
		stop := make(chan struct{})
		go drain(p.out.ws, stop)
		b.Cleanup(func() { close(stop) })
	}
	wg.Wait()
	return time.Since(begun)
}

func nextKind(ws *websocket.Conn) (string, error) {
	if err := ws.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return "", err
	}
	_, frame, err := ws.ReadMessage()
	if err != nil {
		return "", err
	}
	var e struct{ Event string }
	return e.Event, json.NewDecoder(bytes.NewReader(frame)).Decode(&e)
}

func drain(ws *websocket.Conn, stop <-chan struct{}) {
	if ws.SetReadDeadline(time.Time{}) != nil {
		return
	}
	for {
		select {
		case <-stop:
			return
		default:
		}
		if _, r, err := ws.NextReader(); err != nil {
			return
		} else if _, err := io.Copy(io.Discard, r); err != nil {
			return
		}
	}
}

// measure reports latency one at a time, then the rate of many.
func measure(b *testing.B, ps []pair) {
	took := ps[0].oneAtATime(b, 300)
	each := max(100, b.N/len(ps))
	b.ResetTimer()
	all := flood(b, ps, each)
	b.StopTimer()
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(float64(each*len(ps))/all.Seconds(), "msg/s")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkMessage: from browser to browser through the lab and through Kamailio, and what Kamailio alone
// relays between two sipp processes in the same run.
func BenchmarkMessage(b *testing.B) {
	b.Run("lab", func(b *testing.B) {
		h := inProcess(b, nil)
		for i := range talkers {
			h.lab.AddUser(siplab.User{Name: talker(i), DisplayName: talker(i), Password: labPassword})
		}
		measure(b, pairs(b, h))
	})
	b.Run("kamailio", func(b *testing.B) {
		users := siptest.People()
		for i := range talkers {
			users = append(users, talker(i))
		}
		server := siptest.StartKamailio(b, siptest.KamailioOptions{Users: users, SharedMemory: 1024})
		h := inProcess(b, func(cfg *config.Config) {
			cfg.Lab.Enabled = false
			cfg.SIP.Proxy = server.Proxy("tcp")
		})
		measure(b, pairs(b, h))
	})
	b.Run("sipp-through-kamailio", func(b *testing.B) {
		server := siptest.StartKamailio(b, siptest.KamailioOptions{SharedMemory: 1024})
		r := siptest.RelayRate(b, server.Addr(), siptest.RelayOptions{Domain: server.Domain(), Transport: "tcp", Digest: true})
		b.ReportMetric(r.PerSecond, "msg/s")
		b.ReportMetric(float64(r.Median.Microseconds())/1000, "p50-ms")
		b.ReportMetric(float64(r.P99.Microseconds())/1000, "p99-ms")
		b.ReportMetric(0, "ns/op")
	})
}

// BenchmarkPage: the main pages of somebody with contacts and a conversation, rendered and sent.
func BenchmarkPage(b *testing.B) {
	h := inProcess(b, nil)
	p := &program{t: b, url: h.address()}
	alice := p.signIn("alice")
	for _, id := range ids("m", 50) {
		alice.say("karl", id, "a line of this conversation")
	}
	for _, path := range []string{"/signin", "/contacts", "/chat/" + person("karl"), "/settings"} {
		b.Run(strings.Trim(strings.ReplaceAll(path, "/", "-"), "-")[:4], func(b *testing.B) {
			b.ReportAllocs()
			size := 0
			for b.Loop() {
				req, err := http.NewRequest(http.MethodGet, h.address()+path, nil)
				if err != nil {
					b.Fatal(err)
				}
				req.Header.Set("Authorization", "Bearer "+alice.token)
				resp, err := alice.http.Do(req)
				if err != nil {
					b.Fatal(err)
				}
				body, err := io.ReadAll(resp.Body)
				if err != nil || resp.StatusCode != http.StatusOK {
					b.Fatalf("%s: status %d, %v", path, resp.StatusCode, err)
				}
				if err := resp.Body.Close(); err != nil {
					b.Fatal(err)
				}
				size = len(body)
			}
			b.ReportMetric(float64(size), "bytes")
		})
	}
}
