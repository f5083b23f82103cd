package contacts

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"portico/app/portal"
)

const (
	bobby = portal.Address("sip:bobby@example.test")
	carla = portal.Address("sip:carla@example.test")
)

// running is a service that brings lists together, until stop.
func running(t *testing.T, mem *memory, srv *server, o Options) (s *Service, stop func()) {
	t.Helper()
	o.Roster = srv
	s = New(mem, o)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	return s, func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// away has the server not answer while it is set.
func away(srv *server) *atomic.Bool {
	off := new(atomic.Bool)
	srv.fail = func(string) (bool, bool) { return off.Load(), false }
	return off
}

func names(srv *server) string {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	var all []string
	for _, c := range srv.list.Entries {
		all = append(all, c.URI.User())
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

func need(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A sign-in joins both lists; each later change of ours is at the server at once, and one of another client is here at
// the next poll, within ten seconds.
func TestAListIsTheSameAtTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem, srv := &memory{}, &server{list: RosterList{Groups: []string{"Friends"}, Entries: []portal.Contact{
			{URI: "sip:Carla@EXAMPLE.test", DisplayName: "Carla", Group: "Friends"}, {URI: "tel:+431", DisplayName: "Taxi"}}}}
		var told [][]portal.Address
		var mu sync.Mutex
		s, stop := running(t, mem, srv, Options{Changed: func(_ portal.Address, people []portal.Address) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, people)
		}})
		defer stop()
		ctx := t.Context()
		need(t, s.Put(ctx, owner, portal.Contact{URI: bobby, DisplayName: "Bob", Group: "Work"}))
		need(t, s.SignedIn(ctx, owner))
		synctest.Wait()
		if got := names(srv); got != "+431 Carla bobby" && got != "Carla bobby tel:+431" {
			t.Errorf("the server has %q", got)
		}
		list, err := s.List(ctx, owner)
		need(t, err)
		if len(list) != 2 || list[0].URI != "sip:Carla@example.test" || list[0].Group != "Friends" || list[0].Relationship != portal.Company {
			t.Errorf("ours is %+v", list)
		}
		if st := s.RosterState(owner); !st.OnServer || st.Agreed.IsZero() || st.Waiting || st.Entries != 3 || st.Strange != 1 {
			t.Errorf("state %+v", st)
		}
		mu.Lock()
		if last := told[len(told)-1]; len(last) != 2 {
			t.Errorf("Changed was told %v last", last)
		}
		mu.Unlock()

		need(t, s.Remove(ctx, owner, bobby))
		synctest.Wait()
		if got := names(srv); strings.Contains(got, "bobby") {
			t.Errorf("the server has %q still", got)
		}
		srv.edit(func(l *RosterList) { l.Entries = append(l.Entries, portal.Contact{URI: "sip:new@example.test"}) })
		time.Sleep(11 * time.Second) // the bubble's time
		synctest.Wait()
		if _, err := s.Contact(ctx, owner, "sip:new@example.test"); err != nil {
			t.Errorf("ten seconds later: %v", err)
		}
		srv.edit(func(l *RosterList) { l.Entries = l.Entries[:1] })
		time.Sleep(2 * DefaultRosterPoll)
		synctest.Wait()
		if list, err := s.List(ctx, owner); err != nil || len(list) != 1 {
			t.Errorf("after a poll: %+v, %v", list, err)
		}
	})
}

// While the server is away changes are kept, tried again less and less often, and pushed when it is back.
func TestChangesWaitForTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem, srv := &memory{}, &server{without: true}
		off := away(srv)
		s, stop := running(t, mem, srv, Options{})
		defer stop()
		need(t, s.SignedIn(t.Context(), owner))
		synctest.Wait()
		off.Store(true)
		need(t, s.Put(t.Context(), owner, portal.Contact{URI: bobby}))
		synctest.Wait()
		st := s.RosterState(owner)
		if !st.Waiting || st.Failures != 1 || st.Failed == "" || st.FailedAt.IsZero() || st.Next.IsZero() {
			t.Errorf("state while away: %+v", st)
		}
		need(t, s.Put(t.Context(), owner, portal.Contact{URI: carla})) // does not shorten the wait
		synctest.Wait()
		if again := s.RosterState(owner); again.Failures != 1 {
			t.Errorf("a change while the server is away is tried at once: %+v", again)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := s.RosterState(owner).Failures; n < 8 || n > 25 {
			t.Errorf("%d tries in an hour", n)
		}
		s.SignedOut(owner)
		off.Store(false)
		time.Sleep(2 * rosterMost)
		synctest.Wait()
		if got := names(srv); got != "bobby carla" {
			t.Errorf("the server has %q", got)
		}
		if st := s.RosterState(owner); st.Waiting || st.Failures != 0 {
			t.Errorf("state afterwards: %+v", st)
		}
		s.rosters.mu.Lock()
		if len(s.rosters.who) != 0 {
			t.Error("somebody who signed out is watched still")
		}
		s.rosters.mu.Unlock()
	})
}

// Nobody looks at the lists of people without a page; a server without lists is asked once an hour.
func TestWhoIsAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var live atomic.Bool
		srv := &server{}
		s, stop := running(t, &memory{}, srv, Options{Live: func(portal.Address) bool { return live.Load() }})
		defer stop()
		fetches := func() int { synctest.Wait(); srv.mu.Lock(); defer srv.mu.Unlock(); return srv.fetches }
		if n := fetches(); n != 0 {
			t.Errorf("%d readings before a sign-in", n)
		}
		need(t, s.SignedIn(t.Context(), owner))
		first := fetches()
		time.Sleep(time.Hour)
		if n := fetches(); n != first || n == 0 {
			t.Errorf("%d readings without a page, %d at first", n, first)
		}
		live.Store(true)
		time.Sleep(10 * DefaultRosterPoll)
		if n := fetches() - first; n < 8 || n > 12 {
			t.Errorf("%d readings in ten times the poll", n)
		}
		srv.mu.Lock()
		srv.fail = nil
		srv.mu.Unlock()
		s.SignedOut(owner)
		before := fetches()
		time.Sleep(time.Hour)
		if n := fetches(); n > before+1 {
			t.Errorf("%d readings after signing out", n-before)
		}
	})
}

// none is a server that keeps no lists.
type none struct{ server }

func (n *none) Fetch(context.Context, portal.Address, string) (RosterList, bool, error) {
	n.fetches++
	return RosterList{}, false, portal.Fail(portal.ErrForbidden, "forbidden")
}

func TestAServerWithoutLists(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := &none{}
		s := New(&memory{}, Options{Roster: srv})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		need(t, s.SignedIn(ctx, owner))
		time.Sleep(30 * time.Minute)
		synctest.Wait()
		if st := s.RosterState(owner); st.OnServer || srv.fetches != 1 {
			t.Errorf("%d readings, state %+v", srv.fetches, st)
		}
		cancel()
		need(t, <-done)
	})
	if st := New(&memory{}, Options{}).RosterState(owner); st.OnServer {
		t.Errorf("without a server: %+v", st)
	}
}

// slow is a server that holds everybody up until it is told.
type slow struct {
	server
	now, most atomic.Int32
	release   chan struct{}
}

func (s *slow) Fetch(ctx context.Context, who portal.Address, etag string) (RosterList, bool, error) {
	n := s.now.Add(1)
	defer s.now.Add(-1)
	for most := s.most.Load(); n > most && !s.most.CompareAndSwap(most, n); most = s.most.Load() {
	}
	select {
	case <-s.release:
	case <-ctx.Done():
		return RosterList{}, false, portal.Fail(portal.ErrUnavailable, "storage.away").Because(ctx.Err())
	}
	return s.server.Fetch(ctx, who, etag)
}

func TestFewListsAreUnderWayAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := &slow{release: make(chan struct{})}
		s := New(&memory{}, Options{Roster: srv, RosterWorkers: 3})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		for i := range 50 {
			need(t, s.SignedIn(ctx, portal.Address(fmt.Sprintf("sip:u%d@example.test", i))))
		}
		synctest.Wait()
		if n := srv.now.Load(); n != 3 {
			t.Errorf("%d at once", n)
		}
		close(srv.release)
		synctest.Wait()
		if n := srv.most.Load(); n != 3 {
			t.Errorf("%d at once", n)
		}
		srv.mu.Lock()
		if srv.fetches < 50 {
			t.Errorf("%d of 50 were read", srv.fetches)
		}
		srv.mu.Unlock()
		cancel()
		need(t, <-done)
	})
}

// What the server's list has beyond ours stays there: names that cannot be shown, more groups and people than fit.
func TestWhatOursCannotShowStays(t *testing.T) {
	mem, srv := &memory{}, &server{}
	long := strings.Repeat("x", MaxGroupLen+10)
	for i := range MaxGroups + 5 {
		srv.list.Groups = append(srv.list.Groups, fmt.Sprintf("G%02d", i))
	}
	srv.list.Groups[0] = long
	srv.list.Groups[1] = "\x01\x02"
	for i := range 8 {
		srv.list.Entries = append(srv.list.Entries, grouped(portal.Contact{URI: portal.Address(fmt.Sprintf("sip:p%d@example.test", i)), DisplayName: "two\nlines",
			Groups: []string{long, "\x01\x02", "G68"}}))
	}
	srv.list.Entries = append(srv.list.Entries, grouped(portal.Contact{URI: "sip:P0@EXAMPLE.test"}), grouped(portal.Contact{URI: "sip:p1@EXAMPLE.test", Groups: []string{"G05"}}))
	s := New(mem, Options{Roster: srv, Limit: 5})
	got, err := s.agree(t.Context(), owner)
	need(t, err)
	if len(mem.book.contacts) != 5 || len(mem.book.groups) != MaxGroups || got.strange != 4 || srv.stores != 0 {
		t.Errorf("%d contacts, %d groups, %+v, written %d times", len(mem.book.contacts), len(mem.book.groups), got, srv.stores)
	}
	c, err := s.Contact(t.Context(), owner, "sip:p1@example.test")
	need(t, err)
	if c.DisplayName != "two lines" || !slices.Equal(c.Groups, []string{long[:MaxGroupLen], "G05"}) {
		t.Errorf("%+v", c)
	}
	need(t, s.Nickname(t.Context(), owner, "sip:p1@example.test", "One"))
	need(t, s.Remove(t.Context(), owner, "sip:p2@example.test"))
	_, err = s.agree(t.Context(), owner)
	need(t, err)
	if e := srv.entry("sip:p1@example.test"); e == nil || e.DisplayName != "One" || !slices.Equal(e.Groups, []string{long, "G05", "\x01\x02", "G68"}) {
		t.Errorf("written %+v", e)
	}
	if srv.entry("sip:p2@example.test") != nil || srv.entry("sip:p3@example.test").DisplayName != "two\nlines" || srv.entry("sip:p7@example.test") == nil ||
		!slices.Contains(srv.list.Groups, "\x01\x02") || !slices.Contains(srv.list.Groups, "G68") || !slices.Contains(srv.list.Groups, long) {
		t.Errorf("the server has %+v", srv.list)
	}
	if mem.book.contacts[4].URI == "" || len(mem.book.contacts) != 5 {
		t.Errorf("the place that became free was not taken: %+v", mem.book.contacts)
	}
}

// A list that is gone at the server is written anew; agreement that cannot be read joins both lists.
func TestNothingIsLostWithTheServersList(t *testing.T) {
	mem, srv := &memory{}, &server{without: true}
	s := New(mem, Options{Roster: srv})
	need(t, s.Put(t.Context(), owner, portal.Contact{URI: bobby}))
	_, err := s.agree(t.Context(), owner)
	need(t, err)
	srv.list, srv.without = RosterList{}, true
	if _, err := s.agree(t.Context(), owner); err != nil || srv.entry(bobby) == nil {
		t.Errorf("the list is %+v, %v", srv.list, err)
	}
	mem.agreed = []byte("{")
	srv.edit(func(l *RosterList) { l.Entries = []portal.Contact{{URI: carla}} })
	if _, err := s.agree(t.Context(), owner); err != nil || names(srv) != "bobby carla" || len(mem.book.contacts) != 2 {
		t.Errorf("the list is %q, %v", names(srv), err)
	}
}

// Another client that is always quicker is an error in the end, and the round is made again later.
func TestAnotherClientIsAlwaysQuicker(t *testing.T) {
	mem, srv := &memory{}, &server{}
	s := New(mem, Options{Roster: srv})
	need(t, s.Put(t.Context(), owner, portal.Contact{URI: bobby}))
	n := 0
	srv.between = func() {
		n++
		srv.edit(func(l *RosterList) {
			l.Entries = append(l.Entries, portal.Contact{URI: portal.Address(fmt.Sprintf("sip:n%d@example.test", n))})
		})
	}
	if _, err := s.agree(t.Context(), owner); portal.Meaning(err) != portal.ErrConflict || n != maxConflicts {
		t.Errorf("after %d tries: %v", n, err)
	}
	srv.between = nil
	if _, err := s.agree(t.Context(), owner); err != nil || names(srv) != "bobby n1 n2 n3 n4" || len(mem.book.contacts) != 5 {
		t.Errorf("the list is %q, %v", names(srv), err)
	}
}

// A distribution group is no SIP address: it stays here, and what the server has under its address stays there.
func TestDistributionGroupsStayHere(t *testing.T) {
	mem, srv := &memory{}, &server{}
	s := New(mem, Options{Roster: srv})
	if _, err := s.AddDistributionGroup(t.Context(), owner, "sales@example.test", "Sales"); err != nil {
		t.Fatal(err)
	}
	srv.edit(func(l *RosterList) {
		l.Entries = []portal.Contact{{URI: "sip:sales@example.test", DisplayName: "Hotline"}}
	})
	got, err := s.agree(t.Context(), owner)
	if err != nil || got.strange != 1 || srv.stores != 0 || !mem.book.contacts[0].IsGroup || mem.book.contacts[0].DisplayName != "Sales" {
		t.Errorf("%+v, %v; ours %+v", got, err, mem.book.contacts)
	}
}

// What the server has no place for counts as a change: somebody blocked or tagged here does not go with the other side's.
func TestWhatTheServerHasNoPlaceForIsKept(t *testing.T) {
	mem, srv := &memory{}, &server{}
	s := New(mem, Options{Roster: srv})
	srv.edit(func(l *RosterList) { l.Entries = []portal.Contact{{URI: bobby}, {URI: carla}} })
	_, err := s.agree(t.Context(), owner)
	need(t, err)
	need(t, s.Amend(t.Context(), owner, portal.Contact{URI: bobby, Relationship: portal.Blocked}))
	srv.edit(func(l *RosterList) { l.Entries = nil })
	_, err = s.agree(t.Context(), owner)
	need(t, err)
	if c, err := s.Contact(t.Context(), owner, bobby); err != nil || c.Relationship != portal.Blocked || names(srv) != "bobby" || len(mem.book.contacts) != 1 {
		t.Errorf("%+v, %v; the server has %q", c, err, names(srv))
	}
}
