package account

// Wrong passwords, remembered in memory: a restart forgives.

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"portico/app/policy"
	"portico/app/portal"
)

const (
	// maxRemembered bounds the pairs, the accounts and the remote addresses of which wrong tries are
	// remembered. When it is reached any goes: a guesser who can fill it gains one free round.
	maxRemembered = 100_000
	// maxAccounts bounds the accounts that are told apart for one remote address.
	maxAccounts = 256
	// maxQueued is how many tries of one remote address wait for those that are under way; more are turned
	// away.
	maxQueued = 512
	// regularFor is how long somebody counts as one of those who sign in from a remote address.
	regularFor = 30 * 24 * time.Hour
)

// tries owns what is remembered of wrong passwords, and what is being tried.
type tries struct {
	pair, account, remote policy.Tries

	mu sync.Mutex
	// pairs holds up one remote address that guesses at one account; accounts those who guess from many.
	pairs    map[pair]policy.Failures
	accounts map[string]policy.Failures
	remotes  map[string]*remoteTries
	// regulars are who has signed in from where, and when: what others of that address do wrong does not hold them up. A wrong try
	// in their name there ends that, so that one address can try no more than one password on each of them.
	regulars map[pair]time.Time
}

// pair is an account as tried from one remote address.
type pair struct{ account, remote string }

// remoteTries counts the accounts for which tries from one remote address were wrong, and the tries of that
// address that are under way: were they not counted, any number could start before the first is refused.
type remoteTries struct {
	policy.Failures
	accounts map[string]time.Time

	flying, queued int
	// landed is closed when one under way has ended; nil while nobody waits for it.
	landed chan struct{}
}

func (r *remoteTries) busy() bool { return r.flying+r.queued > 0 }

func newTries() *tries {
	return &tries{pair: policy.AccountTries(), account: policy.CeilingTries(), remote: policy.RemoteTries(),
		pairs: map[pair]policy.Failures{}, accounts: map[string]policy.Failures{}, remotes: map[string]*remoteTries{}, regulars: map[pair]time.Time{}}
}

// wait is how long a try of this account from there, a remote address or a known device, must wait.
func (t *tries) wait(who portal.Address, remote string, now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	account := accountKey(who)
	own := t.pair.Wait(t.pairs[pair{account, remoteKey(remote)}], now)
	if isDevice(remote) {
		return own // whatever strangers have done to the account
	}
	return max(own, t.account.Wait(t.accounts[account], now))
}

// enter lets a try from a remote address begin; done must be called when it has been judged. While others of
// the address are under way and so many could yet be wrong that it would be held up, a try waits for them;
// where it is held up already, one is under way at a time. The error means ErrTooMany, or ErrUnavailable when
// ctx ends first.
func (t *tries) enter(ctx context.Context, remote string, now func() time.Time) (done func(), err error) {
	from := remoteKey(remote)
	if from == "" {
		return func() {}, nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.at(from)
	defer t.tidy(from, r)
	for {
		at := now()
		if wait := t.remote.Wait(r.Failures, at); wait > 0 {
			return nil, tooMany(wait)
		}
		if r.flying < t.remote.AtOnce(r.Failures, at) {
			break
		}
		if t.remote.Spent(r.Failures, at) || r.queued >= maxQueued {
			return nil, tooMany(0)
		}
		if err := t.queue(ctx, r); err != nil {
			return nil, err
		}
	}
	r.flying++
	return sync.OnceFunc(func() { t.leave(from, r) }), nil
}

// queue waits until one under way has ended. The lock is held before and after, not meanwhile.
func (t *tries) queue(ctx context.Context, r *remoteTries) error {
	if r.landed == nil {
		r.landed = make(chan struct{})
	}
	landed := r.landed
	r.queued++
	t.mu.Unlock()
	defer func() {
		t.mu.Lock()
		r.queued--
	}()
	select {
	case <-landed:
		return nil
	case <-ctx.Done():
		return portal.Fail(portal.ErrUnavailable, "unavailable").Because(ctx.Err())
	}
}

func (t *tries) leave(from string, r *remoteTries) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r.flying--
	if r.landed != nil {
		close(r.landed)
		r.landed = nil
	}
	t.tidy(from, r)
}

// at finds or makes what is remembered of a remote address; the lock is held.
func (t *tries) at(from string) *remoteTries {
	r := t.remotes[from]
	if r == nil {
		room(t.remotes, func(r *remoteTries) bool { return !r.busy() })
		r = &remoteTries{accounts: map[string]time.Time{}}
		t.remotes[from] = r
	}
	return r
}

// tidy forgets a remote address of which there is nothing to remember; the lock is held.
func (t *tries) tidy(from string, r *remoteTries) {
	if r.Count == 0 && !r.busy() {
		delete(t.remotes, from)
	}
}

// failed remembers a wrong try.
func (t *tries) failed(who portal.Address, remote string, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	account, from := accountKey(who), remoteKey(remote)
	t.count(account, from, now)
	if from == "" || isDevice(from) {
		return
	}
	r := t.at(from)
	if _, counted := r.accounts[account]; !counted {
		r.Failures = t.remote.Failed(r.Failures, now)
	}
	if len(r.accounts) >= maxAccounts {
		clear(r.accounts)
	}
	r.accounts[account] = now
}

// alsoFailed remembers that a wrong try was for this account too: it was named in another way, which does not make it
// a second account of the remote address.
func (t *tries) alsoFailed(who portal.Address, remote string, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.count(accountKey(who), remoteKey(remote), now)
}

// count remembers a wrong try of an account; the lock is held.
func (t *tries) count(account, from string, now time.Time) {
	both := pair{account, from}
	always := func(policy.Failures) bool { return true }
	room(t.pairs, always)
	room(t.accounts, always)
	t.pairs[both] = t.pair.Failed(t.pairs[both], now)
	delete(t.regulars, both)
	if !isDevice(from) {
		t.accounts[account] = t.account.Failed(t.accounts[account], now)
	}
}

// succeeded forgives an account's wrong tries from where the right one came, and no others: it says nothing
// of who else guesses.
func (t *tries) succeeded(who portal.Address, remote string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.pairs, pair{accountKey(who), remoteKey(remote)})
}

// came remembers that somebody has signed in from a remote address, under each of their names.
func (t *tries) came(remote string, now time.Time, names ...portal.Address) {
	from := remoteKey(remote)
	if from == "" {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, name := range names {
		room(t.regulars, func(time.Time) bool { return true })
		t.regulars[pair{accountKey(name), from}] = now
	}
}

// regular reports whether somebody is one of those who sign in from a remote address.
func (t *tries) regular(who portal.Address, remote string, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	since, ok := t.regulars[pair{accountKey(who), remoteKey(remote)}]
	return ok && now.Sub(since) < regularFor
}

// sweep forgets what counts no more.
func (t *tries) sweep(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for both, f := range t.pairs {
		if t.pair.Forgotten(f, now) {
			delete(t.pairs, both)
		}
	}
	for who, f := range t.accounts {
		if t.account.Forgotten(f, now) {
			delete(t.accounts, who)
		}
	}
	for both, since := range t.regulars {
		if now.Sub(since) >= regularFor {
			delete(t.regulars, both)
		}
	}
	for from, r := range t.remotes {
		if t.remote.Forgotten(r.Failures, now) && !r.busy() {
			delete(t.remotes, from)
		}
	}
}

// room makes place for one more; what may not go stays, even over the bound.
func room[K comparable, V any](m map[K]V, may func(V) bool) {
	for k, v := range m {
		if len(m) < maxRemembered {
			return
		}
		if may(v) {
			delete(m, k)
		}
	}
}

// accountKey does not tell upper from lower case: a server may not either.
func accountKey(who portal.Address) string { return strings.ToLower(string(who)) }

// remoteKey is the address without its port, and of IPv6 the network that one customer gets.
func remoteKey(remote string) string {
	host := remote
	if h, _, err := net.SplitHostPort(remote); err == nil {
		host = h
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	if ip = ip.Unmap().WithZone(""); ip.Is6() {
		if network, err := ip.Prefix(64); err == nil {
			return network.String()
		}
	}
	return ip.String()
}
