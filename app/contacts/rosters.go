package contacts

// When whose list is brought together with the server's: at a sign-in, after each change of ours, and on a schedule for
// people with a live page: the server does not say when it changed. After a failure the wait grows.
//
// The schedule goes by what the server can bear: all polls together are at most Options.RosterRate a second, and take up at most
// half of the workers' time as rounds last just now, so that sign-ins and changes of ours always find a worker. Beyond that
// everybody's pace is slower. Somebody is due again when their round is over, never earlier, so that nothing piles up; after
// a sign-in the next one is at any time within the pace, so that those who came together are not polled together.

import (
	"container/heap"
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"portico/app/portal"
)

const (
	// maxRosters bounds the people whose lists are watched; of one more, the list is brought together at a later sign-in.
	maxRosters = 100_000
	// rosterFirst and rosterMost bound the wait after a failure; rosterNever is the wait where the server keeps no lists.
	rosterFirst = 2 * time.Second
	rosterMost  = 5 * time.Minute
	rosterNever = time.Hour
	// maxRosterFailures is after how many failures somebody who signed out is let go: the next sign-in takes it up.
	maxRosterFailures = 20
)

// rosters is who is when due.
type rosters struct {
	poll    time.Duration
	rate    int // polls a second, of all
	workers int
	bell    chan struct{}
	mu      sync.Mutex
	who     map[portal.Address]*rosterOf
	due     rosterHeap
	// polled is how many have a live page, as far as the schedule has come round; took is how long a round lasts of late.
	polled int
	took   time.Duration
	// free is when the next poll may be.
	free time.Time
}

// rosterOf is one person's part of the schedule.
type rosterOf struct {
	owner portal.Address
	next  time.Time
	at    int // in the heap; -1 while under way
	// asked: it is to be read whether a page is live or not; dirty: ours has changes; left: they signed out. polled: a page
	// was live when they were due; spread: the next poll is the first after a sign-in; placed: they have a place among the polls.
	asked, dirty, left, polled, spread, placed bool
	state                                      RosterState
}

func newRosters(poll time.Duration, rate, workers int) *rosters {
	return &rosters{poll: poll, rate: rate, workers: workers, bell: make(chan struct{}, 1), who: map[portal.Address]*rosterOf{}}
}

// pace is the time between two polls of one person as things are: poll where the server can bear it.
func (r *rosters) pace() time.Duration {
	return min(max(r.poll, time.Duration(r.polled)*r.gap()), rosterMost)
}

// gap is the time between two polls of whomever.
func (r *rosters) gap() time.Duration {
	return max(time.Second/time.Duration(r.rate), 2*r.took/time.Duration(r.workers))
}

// early gives somebody whose poll is due a place behind those of others; false where it is their turn.
func (r *rosters) early(p *rosterOf, now time.Time) bool {
	if p.placed || !r.free.After(now) {
		if !p.placed {
			r.free = now.Add(r.gap())
		}
		return false
	}
	p.placed, p.next = true, r.free
	r.free = r.free.Add(r.gap())
	heap.Fix(&r.due, p.at)
	return true
}

// lively notes whether somebody has a live page.
func (r *rosters) lively(p *rosterOf, live bool) {
	if live != p.polled {
		p.polled = live
		if live {
			r.polled++
		} else {
			r.polled--
		}
	}
}

// lasted takes how long a round was into account.
func (r *rosters) lasted(d time.Duration) { r.took += (d - r.took) / 16 }

// add has somebody's list read now and watched from now on.
func (r *rosters) add(owner portal.Address) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.get(owner)
	if p == nil {
		return
	}
	p.left, p.asked, p.spread = false, true, true
	r.at(p, time.Now())
}

// push has changes of ours taken to the server: now, or in its time where that just failed.
func (r *rosters) push(owner portal.Address) {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, known := r.who[owner]
	p := r.get(owner)
	if p == nil {
		return
	}
	p.dirty, p.left = true, p.left || !known
	p.state.Waiting = true
	if p.state.Failures == 0 {
		r.at(p, time.Now())
	}
}

// leave stops watching somebody, as soon as their changes are at the server.
func (r *rosters) leave(owner portal.Address) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.who[owner]
	if p == nil {
		return
	}
	p.left = true
	if !p.dirty && p.at >= 0 {
		r.drop(p)
	}
}

// get is nil where there is no room.
func (r *rosters) get(owner portal.Address) *rosterOf {
	p := r.who[owner]
	if p == nil && len(r.who) < maxRosters {
		p = &rosterOf{owner: owner, at: len(r.due), next: time.Now(), state: RosterState{OnServer: true}}
		r.who[owner] = p
		heap.Push(&r.due, p)
	}
	return p
}

func (r *rosters) drop(p *rosterOf) {
	r.lively(p, false)
	delete(r.who, p.owner)
	if p.at >= 0 {
		heap.Remove(&r.due, p.at)
	}
}

// at makes somebody due at a time; one who is under way is due again by what finish finds.
func (r *rosters) at(p *rosterOf, when time.Time) {
	if p.at < 0 {
		return
	}
	p.next = when
	heap.Fix(&r.due, p.at)
	select {
	case r.bell <- struct{}{}:
	default: // it rings already
	}
}

// take is who is due, taken out of the heap; else how long nobody is.
func (r *rosters) take(live func(portal.Address) bool) (owner portal.Address, wait time.Duration, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	for len(r.due) > 0 {
		p := r.due[0]
		if wait := p.next.Sub(now); wait > 0 {
			return "", wait, false
		}
		r.lively(p, live(p.owner))
		if !p.asked && !p.dirty && !p.polled {
			p.next = now.Add(jittered(r.poll))
			heap.Fix(&r.due, 0)
			continue
		}
		if !p.asked && !p.dirty && r.early(p, now) {
			continue
		}
		heap.Pop(&r.due)
		p.at, p.asked, p.dirty, p.placed = -1, false, false, false
		return p.owner, 0, true
	}
	return "", time.Hour, false
}

// finish says how a round of somebody's ended and how long it lasted.
func (r *rosters) finish(owner portal.Address, got agreement, err error, now time.Time, took time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lasted(took)
	p := r.who[owner]
	if p == nil {
		return
	}
	wait := jittered(r.pace())
	if p.spread {
		wait = rand.N(r.pace())
	}
	if err != nil {
		wait = p.failed(err, now)
	} else {
		strange := p.state.Strange
		if got.strange >= 0 {
			strange = got.strange
		}
		p.state = RosterState{OnServer: true, Agreed: now, Entries: got.entries, Strange: strange, Waiting: p.dirty}
		if p.asked || p.dirty { // something came up meanwhile
			wait = 0
		}
		p.spread = p.spread && p.asked
	}
	if p.left && (err == nil && !p.dirty || p.state.Failures >= maxRosterFailures) {
		r.drop(p)
		return
	}
	p.next = time.Now().Add(wait)
	p.state.Next = now.Add(wait)
	heap.Push(&r.due, p)
	r.at(p, p.next)
}

// failed is how long to wait after a failure. Whether ours had changes is not known, so that it is tried again in any case.
func (p *rosterOf) failed(err error, now time.Time) time.Duration {
	p.dirty = true
	p.state.Failures++
	p.state.Failed, p.state.FailedAt, p.state.Waiting = err.Error(), now, true
	if portal.Meaning(err) == portal.ErrForbidden {
		p.state.OnServer = false
		return jittered(rosterNever)
	}
	wait := rosterFirst
	for range p.state.Failures - 1 {
		if wait *= 2; wait >= rosterMost {
			break
		}
	}
	return jittered(min(wait, rosterMost))
}

// jittered is d give or take a tenth.
func jittered(d time.Duration) time.Duration { return d - d/10 + rand.N(d/5+1) }

func (r *rosters) stateOf(owner portal.Address) RosterState {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p := r.who[owner]; p != nil {
		return p.state
	}
	return RosterState{OnServer: true}
}

// rosterHeap is people by when they are due.
type rosterHeap []*rosterOf

func (h rosterHeap) Len() int           { return len(h) }
func (h rosterHeap) Less(i, j int) bool { return h[i].next.Before(h[j].next) }
func (h rosterHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].at, h[j].at = i, j
}

// Push and Pop are for container/heap.
func (h *rosterHeap) Push(x any) {
	p := x.(*rosterOf)
	p.at = len(*h)
	*h = append(*h, p)
}

// Pop takes the last one.
func (h *rosterHeap) Pop() any {
	last := len(*h) - 1
	p := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	p.at = -1
	return p
}

// RosterState is how the person's list and the server's stand.
func (s *Service) RosterState(owner portal.Address) RosterState {
	if s.rosters == nil {
		return RosterState{}
	}
	return s.rosters.stateOf(owner)
}

// keepRosters brings lists together as they become due, at most RosterWorkers at once, until ctx is done.
func (s *Service) keepRosters(ctx context.Context) {
	var workers sync.WaitGroup
	defer workers.Wait()
	places := make(chan struct{}, s.o.RosterWorkers)
	for {
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
			return
		}
		owner, ok := s.nextRoster(ctx)
		if !ok {
			return
		}
		workers.Go(func() {
			defer func() { <-places }()
			started := time.Now()
			got, err := s.agree(ctx, owner)
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				s.o.Logger.WarnContext(ctx, "contact list of the SIP server", "person", owner, "err", err)
			}
			s.rosters.finish(owner, got, err, s.o.Now().UTC(), time.Since(started))
		})
	}
}

// nextRoster waits until somebody is due; false when ctx is done.
func (s *Service) nextRoster(ctx context.Context) (portal.Address, bool) {
	for {
		owner, wait, ok := s.rosters.take(s.o.Live)
		if ok {
			return owner, true
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-s.rosters.bell:
			timer.Stop()
		case <-ctx.Done():
			timer.Stop()
			return "", false
		}
	}
}
