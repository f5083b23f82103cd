package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"portico/app/contacts"
	"portico/app/portal"
	"portico/app/sipua/xcap"
	"portico/storage"
)

// What polling the SIP server's contact lists costs: a server that answers after 5 ms, and people who all have a page open.

// xcapRoster is an XCAP server's lists for people whom it believes.
type xcapRoster struct{ client *xcap.Client }

func (x xcapRoster) Fetch(ctx context.Context, owner portal.Address, etag string) (contacts.RosterList, bool, error) {
	_, tag, unchanged, err := x.client.Get(ctx, owner, xcap.ContactList, etag)
	return contacts.RosterList{ETag: tag}, unchanged, err
}

func (x xcapRoster) Store(ctx context.Context, owner portal.Address, _ contacts.RosterList, _ string) (string, error) {
	return x.client.Put(ctx, owner, xcap.ContactList, xcap.NewResourceLists().Encode(), xcap.Condition{})
}

// lists is such a server; it counts what it is asked and what it answers with "not modified".
type lists struct{ asked, unchanged atomic.Int64 }

func (l *lists) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.asked.Add(1)
	<-time.After(5 * time.Millisecond) // the server's own time
	w.Header().Set("ETag", `"one"`)
	if r.Header.Get("If-None-Match") == `"one"` {
		l.unchanged.Add(1)
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Header().Set("Content-Type", xcap.ContactList.ContentType)
	if _, err := w.Write([]byte(`<?xml version="1.0"?><resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists"/>`)); err != nil {
		panic(http.ErrAbortHandler)
	}
}

// BenchmarkRosterPolls has 2,000 people with a page signed in and measures polls a second and how long it takes until everybody
// was polled, over 30 seconds after the first reading of all.
func BenchmarkRosterPolls(b *testing.B) {
	const people = 2000
	for b.Loop() {
		server := &lists{}
		web := httptest.NewServer(server)
		store, err := storage.Open(b.Context(), storage.Options{DSN: "sqlite:" + filepath.Join(b.TempDir(), "portico.db")})
		if err != nil {
			b.Fatal(err)
		}
		ctx, stop := context.WithCancel(b.Context())
		ended := make(chan error, 2)
		go func() { ended <- store.Run(ctx) }()
		<-store.Started()
		s := contacts.New(store, contacts.Options{Roster: xcapRoster{&xcap.Client{Root: web.URL, HTTP: web.Client()}}})
		go func() { ended <- s.Run(ctx) }()
		began := time.Now()
		for i := range people {
			if err := s.SignedIn(ctx, portal.Address(fmt.Sprintf("sip:u%d@example.test", i))); err != nil {
				b.Fatal(err)
			}
		}
		for server.asked.Load() < people {
			<-time.After(time.Millisecond)
		}
		b.ReportMetric(time.Since(began).Seconds(), "s/all-signed-in")
		<-time.After(20 * time.Second) // until the schedule knows all of them
		asked, began := server.asked.Load(), time.Now()
		unchanged := server.unchanged.Load()
		<-time.After(30 * time.Second)
		n := float64(server.asked.Load() - asked)
		b.ReportMetric(n/time.Since(began).Seconds(), "polls/s")
		b.ReportMetric(people*time.Since(began).Seconds()/n, "s/sweep")
		b.ReportMetric(100*float64(server.unchanged.Load()-unchanged)/n, "%not-modified")
		stop()
		for range 2 {
			if err := <-ended; err != nil {
				b.Error(err)
			}
		}
		if err := store.Close(); err != nil {
			b.Error(err)
		}
		web.Close()
	}
}
