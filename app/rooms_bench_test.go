package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/alexedwards/scs/v2"

	"portico/app/account"
	"portico/app/config"
	"portico/app/portal"
	"portico/app/sipua/siptest"
	"portico/storage"
)

// The benchmarks of rooms in which everybody is there: saying something by the API, the database, one rendering for each
// audience, a WebSocket for each member. The members' browsers are a child process (rooms_crowd_test.go), so that what is
// measured of processor time and memory is the portal's alone; the time until something has arrived is that of the whole machine.

// fan is a benchmark's load: so many people in so many rooms, and what is said there.
type fan struct {
	people, rooms, members int
	// every is in which rooms something is said: each tenth, or each. perSecond is in all.
	every, perSecond int
	// during is for how long.
	during time.Duration
}

// BenchmarkRoomFan: one room, all of whose members look on, half of them with pages and half with programs, in two languages; twenty
// messages a second by different members. Delivered is how many messages reached a browser in a second, cpu-us/delivery the portal's
// processor time for each, lag from before something is said until the last member has it, idle-cpu what the portal uses before.
func BenchmarkRoomFan(b *testing.B) {
	for _, n := range []int{50, 500, 5000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			fan{people: n, rooms: 1, members: n, every: 1, perSecond: 20, during: 15 * time.Second}.run(b)
		})
	}
}

// BenchmarkManyRooms: a thousand rooms of fifty, whose people are in twenty rooms each and look on, a message a second in each
// tenth room.
func BenchmarkManyRooms(b *testing.B) {
	fan{people: 2500, rooms: 1000, members: 50, every: 10, perSecond: 100, during: 15 * time.Second}.run(b)
}

func (f fan) run(b *testing.B) {
	h, tokens := f.house(b)
	rooms := f.furnish(b, h)
	firstPage(b, h)
	before := liveBytes()
	c := crowdOf(b, h, tokens)
	await(b, longest, "everybody's connection", func() bool { return h.hub.Connections() == f.people })
	var mem runtime.MemStats
	kept := liveBytes() - before
	idle := f.idle(b)
	at := c.report(0, 0)
	messages := f.perSecond * int(f.during/time.Second)
	runtime.ReadMemStats(&mem)
	allocated, cpu := mem.TotalAlloc, processorTime(b)
	b.ResetTimer()
	begun := time.Now()
	f.talk(b, h, rooms, tokens, messages)
	got := c.report(messages, f.members)
	took := time.Since(begun)
	b.StopTimer()
	used := processorTime(b) - cpu
	runtime.ReadMemStats(&mem)
	deliveries := float64(got.Delivered)
	b.ReportMetric(deliveries/took.Seconds(), "delivered/s")
	b.ReportMetric(float64(used.Microseconds())/deliveries, "cpu-us/delivery")
	b.ReportMetric(milliseconds(used)/float64(messages), "cpu-ms/message")
	b.ReportMetric(float64(mem.TotalAlloc-allocated)/deliveries, "alloc-B/delivery")
	b.ReportMetric(got.P50, "lag-p50-ms")
	b.ReportMetric(got.P99, "lag-p99-ms")
	b.ReportMetric(float64(got.Frames-at.Frames-got.Delivered)/deliveries, "other-frames/delivery")
	b.ReportMetric(float64(kept)/float64(f.people)/1024, "kB/member")
	b.ReportMetric(float64(mem.HeapAlloc)/(1<<20), "heap-MB")
	b.ReportMetric(idle, "idle-cpu-%")
	b.ReportMetric((got.CPU-at.CPU)/took.Seconds()*100, "readers-cpu-%")
	b.ReportMetric(0, "ns/op")
	if got.Delivered != messages*f.members || got.Resyncs+got.Byes+got.Ended != 0 || slow(b, h) != 0 {
		b.Errorf("of %d deliveries %d came; %d were told to read afresh, %d to go, %d connections ended, %.0f were too slow",
			messages*f.members, got.Delivered, got.Resyncs, got.Byes, got.Ended, slow(b, h))
	}
}

// firstPage asks for a page: the first one packs what all pages bring with them, which is not to be measured.
func firstPage(b *testing.B, h *house) {
	b.Helper()
	resp, err := http.Get(h.address() + "/signin")
	if err != nil {
		b.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil || resp.StatusCode != http.StatusOK {
		b.Fatalf("status %d, %v", resp.StatusCode, err)
	}
	http.DefaultClient.CloseIdleConnections()
}

// liveBytes is what is in use on the heap and in stacks.
func liveBytes() int64 {
	runtime.GC()
	runtime.GC() // what the first one has only marked as to be finalised
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

// idle gives the percentage of a processor that is used while nothing is said.
func (f fan) idle(b *testing.B) float64 {
	b.Helper()
	const rest = 3 * time.Second
	cpu := processorTime(b)
	timer := time.NewTimer(rest)
	defer timer.Stop()
	<-timer.C
	return float64(processorTime(b)-cpu) / float64(rest) * 100
}

// slow is how many connections the portal cut because their readers were.
func slow(b *testing.B, h *house) float64 {
	b.Helper()
	families, err := h.registry.Gather()
	if err != nil {
		b.Fatal(err)
	}
	for _, m := range families {
		if m.GetName() == "portico_live_slow_total" {
			return m.GetMetric()[0].GetCounter().GetValue()
		}
	}
	b.Fatal("no count of slow connections")
	return 0
}

// house is a portal with people who are signed in. To sign thousands in at a SIP server would take longer than what is to be
// measured, and says nothing about rooms: their sessions are made by the account service in the portal's database before it starts,
// with lines that no SIP server knows. In their browsers the line shows as refused; rooms need none.
func (f fan) house(b *testing.B) (*house, []string) {
	b.Helper()
	var tokens []string
	h := inProcess(b, func(cfg *config.Config) {
		cfg.Lab.Enabled, cfg.CRM.Enabled = false, false
		cfg.SIP.Proxy = "sip:" + siptest.FreeAddr(b) + ";transport=tcp"
		tokens = signedIn(b, cfg, f.people)
	})
	<-h.account.Resumed()
	return h, tokens
}

// roomMember is the i-th person's address.
func roomMember(i int) portal.Address {
	return portal.Address(fmt.Sprintf("sip:member%d@example.test", i))
}

// noLines takes everybody.
type noLines struct{}

func (noLines) SignIn(context.Context, portal.Address, string) ([]byte, error) {
	return []byte("none"), nil
}
func (noLines) Resume(portal.Address, []byte)                 {}
func (noLines) SignOut(context.Context, portal.Address) error { return nil }

// signedIn fills a new database with so many people's sessions and gives their tokens.
func signedIn(b *testing.B, cfg *config.Config, n int) []string {
	b.Helper()
	store, err := storage.Open(b.Context(), storage.Options{DSN: cfg.Storage.DSN, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan error, 1)
	go func() { done <- store.Run(ctx) }()
	accounts, err := account.New(noLines{}, store, account.Options{Domain: cfg.SIP.Domain, KeyFile: filepath.Join(cfg.Storage.DataDir, "portico.key")})
	if err != nil {
		b.Fatal(err)
	}
	sessions := &scs.SessionManager{Store: store, Lifetime: cfg.Signin.SessionLifetime, Codec: scs.GobCodec{}}
	tokens := make([]string, n)
	abreast(n, 64, func(i int) {
		if tokens[i], err = signInHere(ctx, accounts, sessions, roomMember(i), fmt.Sprintf("192.0.%d.%d", 2+i/250, i%250)); err != nil {
			b.Errorf("session of %s: %v", roomMember(i), err)
		}
	})
	cancel()
	if err := <-done; err != nil {
		b.Fatal(err)
	}
	if err := store.Close(); err != nil {
		b.Fatal(err)
	}
	return tokens
}

// signInHere does what a sign-in does, but for asking the SIP server.
func signInHere(ctx context.Context, accounts *account.Service, sessions *scs.SessionManager, who portal.Address, remote string) (string, error) {
	if _, err := accounts.SignIn(ctx, string(who), labPassword, remote); err != nil {
		return "", err
	}
	ctx, err := sessions.Load(ctx, "")
	if err != nil {
		return "", err
	}
	sessions.Put(ctx, "person", string(who))
	token, _, err := sessions.Commit(ctx)
	if err != nil {
		return "", err
	}
	return token, accounts.Began(ctx, who, storage.SessionKey(token), "benchmark", remote)
}

// abreast does n things, so many at a time.
func abreast(n, width int, do func(i int)) {
	var wg sync.WaitGroup
	next := make(chan int)
	for range width {
		wg.Go(func() {
			for i := range next {
				do(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
}

// in is who is in the r-th room at the i-th place: the rooms share their people, no two have the same.
func (f fan) in(r, i int) int { return (r*31 + i*53) % f.people }

// furnish makes the rooms.
func (f fan) furnish(b *testing.B, h *house) []portal.Address {
	b.Helper()
	rooms := make([]portal.Address, f.rooms)
	for r := range rooms {
		people := make([]portal.Address, f.members)
		for i := range people {
			people[i] = roomMember(f.in(r, i))
		}
		e, err := h.rooms.Create(b.Context(), people[0], portal.RoomDraft{Title: fmt.Sprint("Room ", r), Members: people[1:]})
		if err != nil {
			b.Fatal(err)
		}
		if e.Members != f.members {
			b.Fatalf("%d members", e.Members)
		}
		rooms[r] = e.URI
	}
	return rooms
}

// talk lets members of the rooms say something, evenly over time.
func (f fan) talk(b *testing.B, h *house, rooms []portal.Address, tokens []string, messages int) {
	b.Helper()
	browser := &http.Client{Timeout: longest, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	defer browser.CloseIdleConnections()
	tick := time.NewTicker(time.Second / time.Duration(f.perSecond))
	defer tick.Stop()
	var wg sync.WaitGroup
	defer wg.Wait()
	for n := range messages {
		<-tick.C
		r := n * f.every % len(rooms)
		speaker := &client{t: b, base: h.address(), token: tokens[f.in(r, n*7%f.members)], http: browser}
		wg.Go(func() {
			in := map[string]string{"id": fmt.Sprint("m-", n), "text": stamped(n) + " Does anybody know why the build of the release branch is red since this morning?"}
			status, err := speaker.try(http.MethodPost, "/rooms/"+url.PathEscape(string(rooms[r]))+"/messages", in, nil)
			if err != nil || status != http.StatusCreated {
				b.Errorf("message %d: status %d, %v", n, status, err)
			}
		})
	}
}
