package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"portico/app/config"
	"portico/app/ews/ewslab"
	"portico/app/sipua/siplab"
)

// The benchmarks of the calendar's whole way: a change in Exchange by another client, the notification, the reading,
// the database, a browser's frame. Exchange, SIP server, portal and all browsers share this machine's processors.

// besideExchange is the house with a lab Exchange of its own that has n mailboxes, each with an account at the lab SIP
// server.
func besideExchange(b *testing.B, n int) (*house, *ewslab.Server) {
	b.Helper()
	var people []ewslab.Person
	for i := range n {
		people = append(people, ewslab.Person{User: watched(i), Name: watched(i), Password: labPassword, TimeZone: labZone})
	}
	server, err := ewslab.New(ewslab.Config{
		Listen: "127.0.0.1:0", Domain: "example.test", People: people,
		Service: &ewslab.Account{Username: labService, Password: labPassword}, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		b.Fatal(err)
	}
	if err := server.Listen(); err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Run(ctx) }()
	b.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			b.Errorf("the lab Exchange: %v", err)
		}
	})
	h := inProcess(b, func(cfg *config.Config) {
		cfg.EWS.Server = []config.EWSServer{{Name: "lab", URL: server.URL(), Auth: "basic", Username: labService, Password: labPassword, Impersonate: true}}
	})
	for i := range n {
		h.lab.AddUser(siplab.User{Name: watched(i), DisplayName: watched(i), Password: labPassword})
	}
	return h, server
}

func watched(i int) string { return fmt.Sprintf("watched%04d", i) }

// BenchmarkCalendarChange: from a change in Exchange to the frame at its owner's browser, while so many mailboxes are watched.
func BenchmarkCalendarChange(b *testing.B) {
	for _, n := range []int{1, 100, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			h, server := besideExchange(b, n)
			p := &program{t: b, url: h.address()}
			people := make([]*client, n)
			lives := make([]*live, n)
			for i := range people {
				people[i] = p.signIn(watched(i)).loaded()
				lives[i] = people[i].live(-1)
			}
			day := dayAhead(b)
			// The bell of each mailbox hangs when a first change of it is heard.
			measured := min(n, 20)
			for i := range measured {
				warm := outlook(b, server.URL(), watched(i*n/measured))
				warm.create("Warm", clock(day, 9, 0), clock(day, 10, 0), "", "")
				heardCalendar(b, lives[i*n/measured].ws)
			}
			rounds := max(200, b.N)
			took := make([]time.Duration, 0, rounds)
			boxes := make([]*mail, measured)
			for i := range boxes {
				boxes[i] = outlook(b, server.URL(), watched(i*n/measured))
			}
			b.ResetTimer()
			for r := range rounds {
				i := r % measured
				begun := time.Now()
				boxes[i].create("How long does this take?", clock(day, 10, 0), clock(day, 11, 0), "", "")
				heardCalendar(b, lives[i*n/measured].ws)
				took = append(took, time.Since(begun))
			}
			b.StopTimer()
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// heardCalendar reads frames until one says that a calendar changed.
func heardCalendar(b *testing.B, ws *websocket.Conn) {
	b.Helper()
	for {
		kind, err := nextKind(ws)
		if err != nil {
			b.Fatalf("waiting for a change: %v", err)
		}
		if kind == "calendar" {
			return
		}
	}
}

// BenchmarkCalendarFirstLoad: a calendar of 10,000 appointments that nobody has opened before, until its page is whole;
// then the page of a week in it.
func BenchmarkCalendarFirstLoad(b *testing.B) {
	const appointments, batch = 10000, 200
	h, server := besideExchange(b, 1)
	box := outlook(b, server.URL(), watched(0))
	day := dayAhead(b).AddDate(-2, 0, 0)
	for i := 0; i < appointments; i += batch {
		var all strings.Builder
		for j := i; j < i+batch; j++ {
			start := day.Add(time.Duration(j) * 2 * time.Hour)
			all.WriteString(`<t:CalendarItem>` + text("Subject", fmt.Sprint("Appointment ", j)) + text("Start", instant(start)) + text("End", instant(start.Add(time.Hour))) + `</t:CalendarItem>`)
		}
		if made := box.do(`<m:CreateItem SendMeetingInvitations="SendToNone"><m:Items>` + all.String() + `</m:Items></m:CreateItem>`); len(made) != batch {
			b.Fatalf("%d of %d made", len(made), batch)
		}
	}
	p := &program{t: b, url: h.address()}
	me := p.signIn(watched(0))
	b.ResetTimer()
	begun := time.Now()
	me.loaded()
	first := time.Since(begun)
	path := "/calendar?view=week&hours=all&date=" + day.AddDate(0, 0, 400).Format(time.DateOnly)
	var took []time.Duration
	size := 0
	for range max(50, b.N) {
		req, err := http.NewRequest(http.MethodGet, h.address()+path, nil)
		if err != nil {
			b.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+me.token)
		begun := time.Now()
		resp, err := me.http.Do(req)
		if err != nil {
			b.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK || !strings.Contains(string(body), "Appointment ") {
			b.Fatalf("the week: status %d, %v", resp.StatusCode, err)
		}
		if err := resp.Body.Close(); err != nil {
			b.Fatal(err)
		}
		took, size = append(took, time.Since(begun)), len(body)
	}
	b.StopTimer()
	slices.Sort(took)
	b.ReportMetric(first.Seconds(), "first-s")
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "week-p50-ms")
	b.ReportMetric(float64(size), "week-bytes")
	b.ReportMetric(0, "ns/op")
}
