package ewslab

// What each account has under way, held against the limits.

import (
	"maps"
	"sync"
	"time"
)

// payer is whose budget a call is charged to.
type payer struct {
	account string // "" for a mailbox's own budget, anyService for that of service accounts in its name
	mailbox int64
}

const anyService = "\x00service"

// budget is what a payer has under way.
type budget struct {
	requests, syncs, streams, found int
	spent                           float64 // requests of the rate that have not been made good
	at                              time.Time
}

// idle says whether a budget says nothing that a new one would not.
func (b *budget) idle() bool {
	return b.requests == 0 && b.syncs == 0 && b.streams == 0 && b.found == 0 && b.spent == 0
}

// limiter holds the limits and what is in use.
type limiter struct {
	mu      sync.Mutex
	limits  Limits
	budgets map[payer]*budget
	usage   Usage
}

func newLimiter(l Limits) *limiter {
	return &limiter{limits: l.withUsual(), budgets: map[payer]*budget{}, usage: newUsage()}
}

func newUsage() Usage { return Usage{Refused: map[string]int64{}, Most: map[string]int{}} }

// SetLimits puts other limits in force, which count from nothing. What is under way stays.
func (s *Server) SetLimits(l Limits) {
	s.limiter.mu.Lock()
	defer s.limiter.mu.Unlock()
	s.limiter.limits, s.limiter.usage = l.withUsual(), newUsage()
	for _, b := range s.limiter.budgets {
		b.spent = 0
	}
}

// Usage is what was asked for and refused since the limits were set.
func (s *Server) Usage() Usage {
	s.limiter.mu.Lock()
	defer s.limiter.mu.Unlock()
	u := s.limiter.usage
	u.Refused, u.Most = maps.Clone(u.Refused), maps.Clone(u.Most)
	return u
}

// inForce are the limits.
func (l *limiter) inForce() Limits {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.limits
}

// payerOf is who pays for a call.
func (l *limiter) payerOf(c *call) payer {
	switch {
	case l.inForce().ByCaller, c.me == nil:
		return payer{account: c.account}
	case c.service:
		return payer{account: anyService, mailbox: c.me.ID}
	}
	return payer{mailbox: c.me.ID}
}

// of is a payer's budget. With the lock held.
func (l *limiter) of(p payer) *budget {
	b := l.budgets[p]
	if b == nil {
		b = &budget{}
		l.budgets[p] = b
	}
	return b
}

// done forgets a budget that is not in use. With the lock held.
func (l *limiter) done(p payer) {
	if b := l.budgets[p]; b != nil && b.idle() {
		delete(l.budgets, p)
	}
}

// refuse counts a refusal. With the lock held.
func (l *limiter) refuse(what string) { l.usage.Refused[what]++ }

// used notes a use. With the lock held.
func (l *limiter) used(what string, n int) { l.usage.Most[what] = max(l.usage.Most[what], n) }

// refused counts a refusal that is decided elsewhere, used a use.
func (l *limiter) refused(what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refuse(what)
}

func (l *limiter) note(what string, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.used(what, n)
}

// isSync says whether ConcurrentSyncCalls counts an operation.
func isSync(operation string) bool {
	return operation == "SyncFolderItems" || operation == "SyncFolderHierarchy"
}

// enter charges a request that begins, and gives what ends the charge; an error: it is refused.
func (l *limiter) enter(c *call, now time.Time) (leave func(), err error) {
	p := l.payerOf(c)
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.done(p)
	b := l.of(p)
	if wait := l.overRate(b, now); wait > 0 {
		l.refuse(LimitRate)
		return nil, busyFault(wait)
	}
	if limit := l.limits.Requests; limit > 0 && b.requests >= limit {
		l.refuse(LimitRequests)
		return nil, overConcurrency("You have exceeded the available concurrent connections for your account.  Try again once your other requests have completed.",
			"MaxConcurrency", limit)
	}
	syncing := isSync(c.name)
	if limit := l.limits.Syncs; limit > 0 && syncing && b.syncs >= limit {
		l.refuse(LimitSyncs)
		const wait = 5 * time.Second
		return nil, &failure{Code: "ErrorServerBusy", Text: busyText, Values: append([]attr{backOffValue(wait)}, policyValues("ConcurrentSyncCalls", limit, wait)...)}
	}
	l.usage.Served++
	b.requests++
	l.used(LimitRequests, b.requests)
	if syncing {
		b.syncs++
		l.used(LimitSyncs, b.syncs)
	}
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		b.requests--
		b.found -= c.found
		if syncing {
			b.syncs--
		}
		l.done(p)
	}, nil
}

// overRate charges the rate; more than 0: how long to wait until it is made good. With the lock held.
func (l *limiter) overRate(b *budget, now time.Time) time.Duration {
	if l.limits.Rate <= 0 {
		return 0
	}
	each := float64(time.Minute) / float64(l.limits.Rate)
	b.spent = max(0, b.spent-float64(now.Sub(b.at))/each)
	b.at = now
	if over := b.spent + 1 - float64(l.limits.Rate); over > 0 {
		return max(time.Duration(over*each), time.Millisecond)
	}
	b.spent++
	return 0
}

// enterStream charges a stream.
func (l *limiter) enterStream(c *call, subscriptions int) (leave func(), err error) {
	p := l.payerOf(c)
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.done(p)
	b := l.of(p)
	if b.streams >= l.limits.Streams {
		l.refuse(LimitStreams)
		return nil, overConcurrency("You have exceeded the available concurrent connections for your account.  Try again once your other requests have completed.",
			"HangingConnectionLimit", l.limits.Streams)
	}
	b.streams++
	l.used(LimitStreams, b.streams)
	l.used(LimitStreamSubscriptions, subscriptions)
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		b.streams--
		l.done(p)
	}, nil
}

// enterFind charges objects that a find is to answer; got may be fewer. The charge ends with the request.
func (l *limiter) enterFind(c *call, want int, search bool) (got int) {
	p := l.payerOf(c)
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.of(p)
	got = want
	if l.limits.Find > 0 {
		got = min(got, max(0, l.limits.Find-b.found))
	}
	if search && l.limits.Search > 0 {
		got = min(got, l.limits.Search)
	}
	b.found += got
	c.found += got
	l.used(LimitFind, b.found)
	return got
}
