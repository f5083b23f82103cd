package contacts

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"portico/app/portal"
)

// distant is a server that takes its time for each answer and notes when it was asked whom; every list has the same tag.
type distant struct {
	takes     atomic.Int64
	mu        sync.Mutex
	asked     map[portal.Address][]time.Time
	now, most int
}

func (d *distant) Fetch(ctx context.Context, who portal.Address, etag string) (RosterList, bool, error) {
	d.mu.Lock()
	d.asked[who] = append(d.asked[who], time.Now())
	d.now++
	d.most = max(d.most, d.now)
	d.mu.Unlock()
	select {
	case <-time.After(time.Duration(d.takes.Load())):
	case <-ctx.Done():
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now--
	if ctx.Err() != nil {
		return RosterList{}, false, portal.Fail(portal.ErrUnavailable, "storage.away").Because(ctx.Err())
	}
	return RosterList{ETag: "v1"}, etag == "v1", nil
}

func (d *distant) Store(context.Context, portal.Address, RosterList, string) (string, error) {
	return "v1", nil
}

// since counts the polls of each second from a time on, and the most polls of one person.
func (d *distant) since(start time.Time) (seconds map[int]int, all, most, people int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	seconds = map[int]int{}
	for _, times := range d.asked {
		n := 0
		for _, at := range times {
			if !at.Before(start) {
				seconds[int(at.Sub(start)/time.Second)]++
				n++
			}
		}
		all, most = all+n, max(most, n)
		if n > 0 {
			people++
		}
	}
	return seconds, all, most, people
}

// crowded has people sign in at once and lets the first sweeps go by.
func crowded(t *testing.T, people int, takes time.Duration, live func(portal.Address) bool, run func(d *distant, s *Service)) {
	synctest.Test(t, func(t *testing.T) {
		d := &distant{asked: map[portal.Address][]time.Time{}}
		d.takes.Store(int64(takes))
		s := New(&memory{}, Options{Roster: d, Live: live})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		for i := range people {
			need(t, s.SignedIn(ctx, portal.Address(fmt.Sprintf("sip:u%d@example.test", i))))
		}
		time.Sleep(2 * time.Minute)
		run(d, s)
		cancel()
		need(t, <-done)
	})
}

// Two thousand people with a page are polled evenly and no more often than the server is to be asked: each in the same time.
func TestManyArePolledEvenly(t *testing.T) {
	crowded(t, 2000, 5*time.Millisecond, nil, func(d *distant, s *Service) {
		start := time.Now()
		time.Sleep(time.Minute)
		seconds, all, most, people := d.since(start)
		if people != 2000 || all > 60*DefaultRosterRate*12/10 || all < 60*DefaultRosterRate*8/10 || most > 4 {
			t.Errorf("%d polls of %d people, at most %d of one", all, people, most)
		}
		for i := range 60 {
			if n := seconds[i]; n > DefaultRosterRate*3/2 || n < DefaultRosterRate/2 {
				t.Errorf("%d polls in second %d", n, i)
			}
		}
		if d.most > DefaultRosterWorkers {
			t.Errorf("%d at once", d.most)
		}
	})
}

// Who has no page costs nothing, and those who have one keep the full pace.
func TestOnlyWhoHasAPageIsPolled(t *testing.T) {
	live := func(who portal.Address) bool { return len(who) == len("sip:u10@example.test") } // 90 of them
	crowded(t, 2000, 5*time.Millisecond, live, func(d *distant, s *Service) {
		start := time.Now()
		time.Sleep(time.Minute)
		if _, all, _, people := d.since(start); people != 90 || all < 90*5 || all > 90*7 {
			t.Errorf("%d polls of %d people in a minute", all, people)
		}
	})
}

// While the server is slow the pace is slower, so that half of the workers are free for sign-ins; it is the old one when the server is.
func TestThePaceGoesByTheServer(t *testing.T) {
	crowded(t, 200, 5*time.Millisecond, nil, func(d *distant, s *Service) {
		count := func(during time.Duration) int {
			start := time.Now()
			time.Sleep(during)
			_, all, _, _ := d.since(start)
			return all
		}
		if n := count(time.Minute); n < 1000 || n > 1400 {
			t.Errorf("%d polls in a minute of a quick server", n)
		}
		d.takes.Store(int64(2 * time.Second))
		time.Sleep(5 * time.Minute)
		// Eight workers answer four times a second; half of that is for polls.
		if n := count(5 * time.Minute); n < 450 || n > 800 {
			t.Errorf("%d polls in five minutes of a slow server", n)
		}
		d.takes.Store(int64(5 * time.Millisecond))
		time.Sleep(5 * time.Minute)
		if n := count(time.Minute); n < 1000 || n > 1400 {
			t.Errorf("%d polls in a minute when it is quick again", n)
		}
	})
}
