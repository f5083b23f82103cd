package contacts

// When whose list is brought together with the server's: at a sign-in, after each change of ours, and on a schedule for
// people with a live page: the server does not say when it changed. After a failure the wait grows.

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
	poll time.Duration
	bell chan struct{}
	mu   sync.Mutex
	who  map[portal.Address]*rosterOf
	due  rosterHeap
}

// rosterOf is one person's part of the schedule.
type rosterOf struct {
	owner portal.Address
	next  time.Time
	at    int // in the heap; -1 while under way
	// asked: it is to be read whether a page is live or not; dirty: ours has changes; left: they signed out.
	asked, dirty, left bool
	state              RosterState
}

func newRosters(poll time.Duration) *rosters {
	return &rosters{poll: poll, bell: make(chan struct{}, 1), who: map[portal.Address]*rosterOf{}}
}

// add has somebody's list read now and watched from now on.
func (r *rosters) add(owner portal.Address) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.get(owner)
	if p == nil {
		return
	}
	p.left, p.asked = false, true
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
		if !p.asked && !p.dirty && !live(p.owner) {
			p.next = now.Add(jittered(r.poll))
			heap.Fix(&r.due, 0)
			continue
		}
		heap.Pop(&r.due)
		p.at, p.asked, p.dirty = -1, false, false
		return p.owner, 0, true
	}
	return "", time.Hour, false
}

// finish says how a round of somebody's ended.
func (r *rosters) finish(owner portal.Address, got agreement, err error, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.who[owner]
	if p == nil {
		return
	}
	wait := jittered(r.poll)
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
			got, err := s.agree(ctx, owner)
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				s.o.Logger.WarnContext(ctx, "contact list of the SIP server", "person", owner, "err", err)
			}
			s.rosters.finish(owner, got, err, s.o.Now().UTC())
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
