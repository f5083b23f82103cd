package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"portico/app/calsync"
	"portico/app/crm"
	"portico/app/ews"
	"portico/app/ews/ewslab"
	"portico/app/portal"
	"portico/storage"
)

// What the tests and benchmarks of many synchronised mailboxes share: both sides and what keeps them in step, without the
// rest of the house: a database, CRM, the connector, the synchronisation, and a lab Exchange with as many mailboxes as wanted.

// bothSides is CRM and a lab Exchange, and the synchronisation between them.
type bothSides struct {
	t    testing.TB
	n    int
	lab  *ewslab.Server
	crm  *crm.Service
	sync *calsync.Service
	// requests counts what the connector sent, failed what was refused or not answered.
	requests, failed atomic.Int64
	// hung counts the mailboxes whose bell hangs.
	mu   sync.Mutex
	hung map[portal.Address]bool
	lag  [2][]time.Duration // as the synchronisation says: to Exchange, to CRM
	// clerk speaks to the lab in everybody's name.
	clerk *mail
}

// sidesOptions are what differs between the tests.
type sidesOptions struct {
	mailboxes int
	limits    ewslab.Limits
	perStream int
}

// newSides makes both sides; nobody is synchronised before begin.
func newSides(t testing.TB, o sidesOptions) *bothSides {
	t.Helper()
	s := &bothSides{t: t, n: o.mailboxes, hung: map[portal.Address]bool{}}
	var people []ewslab.Person
	for i := range o.mailboxes + 1 { // one whom nobody synchronises yet
		people = append(people, ewslab.Person{User: watched(i), Name: watched(i), Password: labPassword, TimeZone: labZone})
	}
	var err error
	s.lab, err = ewslab.New(ewslab.Config{Domain: "example.test", People: people, Limits: o.limits,
		Service: &ewslab.Account{Username: labService, Password: labPassword}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.lab.Listen(); err != nil {
		t.Fatal(err)
	}
	s.runs("the lab Exchange", s.lab.Run)
	s.clerk = outlook(t, s.lab.URL(), labService)
	return s
}

// runs lets something live until the test ends.
func (s *bothSides) runs(what string, run func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	s.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			s.t.Errorf("%s: %v", what, err)
		}
	})
}

// connect builds the synchronisation and lets it live.
func (s *bothSides) connect(o sidesOptions) {
	s.t.Helper()
	store, err := storage.Open(s.t.Context(), storage.Options{DSN: "sqlite:" + filepath.Join(s.t.TempDir(), "portico.db"), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		if err := store.Close(); err != nil {
			s.t.Errorf("close storage: %v", err)
		}
	})
	s.runs("storage", store.Run)
	<-store.Started()
	find := func(email string) portal.Address {
		if a, err := portal.ParseAddress(email); err == nil && a.Domain() == "example.test" {
			return a
		}
		return ""
	}
	door, err := newExchangeDoor(ews.Options{Domain: "example.test", Bells: ews.Bells{PerStream: o.perStream},
		Servers: []ews.Server{{Name: "lab", URL: s.lab.URL(), Auth: "basic", Username: labService, Password: labPassword, Impersonate: true}},
		Observe: func(op, result string, _ time.Duration) {
			s.requests.Add(1)
			if result != "ok" {
				s.failed.Add(1)
			}
		}})
	if err != nil {
		s.t.Fatal(err)
	}
	s.crm = crm.New(store, crm.Options{Find: find, Pairs: store.SyncPairsOf})
	bells := &countedBells{sides: s}
	s.sync = calsync.New(s.crm, listened{door, door.board.join(bells)}, store, calsync.Options{
		Lag: func(d portal.Direction, took time.Duration) {
			s.mu.Lock()
			defer s.mu.Unlock()
			i := 0
			if d == portal.ToCRM {
				i = 1
			}
			s.lag[i] = append(s.lag[i], took)
		}})
	bells.syncBells.to = s.sync
	s.runs("exchange", door.Run)
	s.runs("synchronisation", s.sync.Run)
}

// countedBells passes the bells on and knows which hang.
type countedBells struct {
	syncBells
	sides *bothSides
}

func (b *countedBells) Reached(who portal.Address) {
	b.sides.mu.Lock()
	b.sides.hung[who] = true
	b.sides.mu.Unlock()
	b.syncBells.Reached(who)
}

func (b *countedBells) Lost(who portal.Address, err error) {
	b.sides.mu.Lock()
	delete(b.sides.hung, who)
	b.sides.mu.Unlock()
	b.syncBells.Lost(who, err)
}

// begin synchronises everybody and waits until the first reading is done and all bells hang.
func (s *bothSides) begin(wait time.Duration) {
	s.t.Helper()
	since := time.Now().UTC()
	there, err := s.crm.Users(s.t.Context()) // those who made records already
	if err != nil {
		s.t.Fatal(err)
	}
	versions := map[portal.Address]int64{}
	for _, u := range there {
		versions[u.Address] = u.Version
	}
	var users []portal.CRMUser
	for i := range s.n {
		users = append(users, portal.CRMUser{Address: s.who(i), FirstName: "Watched", LastName: watched(i), Email: watched(i) + "@example.test",
			ExchangeID: watched(i) + "@example.test", Server: "lab", Since: since, Version: versions[s.who(i)]})
	}
	for some := range slices.Chunk(users, 200) {
		if _, err := s.crm.PutUsers(s.t.Context(), some, "test"); err != nil {
			s.t.Fatal(err)
		}
	}
	s.settled(wait, "all mailboxes to be in step", func() bool { return s.bells() == s.n && s.inStep() })
}

// settled waits for what is costly to ask for.
func (s *bothSides) settled(wait time.Duration, what string, ok func() bool) {
	s.t.Helper()
	ask := time.NewTicker(200 * time.Millisecond)
	defer ask.Stop()
	await(s.t, wait, what, func() bool {
		<-ask.C
		return ok()
	})
}

func (s *bothSides) who(i int) portal.Address {
	return portal.Address("sip:" + watched(i) + "@example.test")
}

func (s *bothSides) bells() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.hung)
}

// inStep says whether every mailbox has been read and nothing waits.
func (s *bothSides) inStep() bool {
	st, err := s.sync.Status(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	if st.Queue.Failed > 0 || st.Queue.Held > 0 {
		s.t.Fatalf("failed or held: %+v", st.Queue)
	}
	for _, m := range st.Mailboxes {
		if m.State == portal.MailboxHeld {
			s.t.Fatalf("%s: %s %s %s", m.Mailbox, m.State, m.Reason, m.Cause)
		}
		if m.State == portal.MailboxLost { // a machine that is too busy to answer in time; it is read again
			s.t.Logf("%s: %s %s %s", m.Mailbox, m.State, m.Reason, m.Cause)
		}
	}
	return len(st.Mailboxes) == s.n && st.Queue.Waiting+st.Queue.Retrying == 0 &&
		!slices.ContainsFunc(st.Mailboxes, func(m portal.MailboxStatus) bool { return m.State != portal.MailboxInStep })
}

// in is the clerk in somebody's name.
func (s *bothSides) in(i int) *mail {
	m := *s.clerk
	m.head = `<t:ExchangeImpersonation><t:ConnectingSID><t:PrimarySmtpAddress>` + watched(i) + `@example.test</t:PrimarySmtpAddress></t:ConnectingSID></t:ExchangeImpersonation>`
	return &m
}

// fill books n hours in somebody's mailbox, from a day on, each on a day of its own; the subjects are "Entry 0" and so on.
func (s *bothSides) fill(i, n int, day time.Time) {
	s.t.Helper()
	const batch = 200
	for from := 0; from < n; from += batch {
		var all strings.Builder
		for j := from; j < min(n, from+batch); j++ {
			start := clock(day.AddDate(0, 0, j/8), 9+j%8, 0)
			all.WriteString(`<t:CalendarItem>` + text("Subject", fmt.Sprint("Entry ", j)) + text("Start", instant(start)) + text("End", instant(start.Add(time.Hour))) + `</t:CalendarItem>`)
		}
		made := s.in(i).do(`<m:CreateItem SendMeetingInvitations="SendToNone"><m:Items>` + all.String() + `</m:Items></m:CreateItem>`)
		if len(made) != min(batch, n-from) {
			s.t.Fatalf("%d of %d made", len(made), min(batch, n-from))
		}
	}
}

// records is somebody's records in CRM by subject.
func (s *bothSides) records(i int, day time.Time) map[string]portal.CRMAppointment {
	s.t.Helper()
	list, err := s.crm.Entries(s.t.Context(), s.who(i), day.AddDate(0, 0, -1), day.AddDate(5, 0, 0))
	if err != nil {
		s.t.Fatal(err)
	}
	out := map[string]portal.CRMAppointment{}
	for _, r := range list {
		out[r.Subject] = r
	}
	return out
}

// items is somebody's items in Exchange by subject.
func (s *bothSides) items(i int) map[string]item {
	s.t.Helper()
	out := map[string]item{}
	for _, it := range s.in(i).all() {
		out[it.Subject] = it
	}
	return out
}

// outsideCall sends one request as a program that is no part of the portal, for what the lab's counters must not see.
func (s *bothSides) outsideCall(path string) (string, error) {
	resp, err := s.clerk.http.Get("http://" + s.lab.Addr() + path)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d", resp.StatusCode)
	}
	return string(body), err
}
