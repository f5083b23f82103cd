package account

// Wrong passwords, remembered in memory: a restart forgives.

import (
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"portico/app/policy"
	"portico/app/portal"
)

const (
	// maxRemembered bounds the accounts and the remote addresses of which wrong tries are remembered. When
	// it is reached what counts no more goes, then any: a guesser who can fill it gains one free round.
	maxRemembered = 100_000
	// maxAccounts bounds the accounts that are told apart for one remote address.
	maxAccounts = 256
)

// tries owns what is remembered of wrong passwords.
type tries struct {
	account, remote policy.Tries

	mu       sync.Mutex
	accounts map[string]policy.Failures
	remotes  map[string]*remoteFailures
}

// remoteFailures counts the accounts for which tries from one remote address were wrong.
type remoteFailures struct {
	policy.Failures
	accounts map[string]time.Time
}

func newTries() *tries {
	return &tries{account: policy.AccountTries(), remote: policy.RemoteTries(),
		accounts: map[string]policy.Failures{}, remotes: map[string]*remoteFailures{}}
}

// wait is how long a try must wait; known people are not held up by what others of their address do.
func (t *tries) wait(who portal.Address, remote string, known bool, now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	wait := t.account.Wait(t.accounts[accountKey(who)], now)
	if r := t.remotes[remoteKey(remote)]; r != nil && !known {
		wait = max(wait, t.remote.Wait(r.Failures, now))
	}
	return wait
}

// failed remembers a wrong try.
func (t *tries) failed(who portal.Address, remote string, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	account, from := accountKey(who), remoteKey(remote)
	t.room(now)
	t.accounts[account] = t.account.Failed(t.accounts[account], now)
	if from == "" {
		return
	}
	r := t.remotes[from]
	if r == nil {
		r = &remoteFailures{accounts: map[string]time.Time{}}
		t.remotes[from] = r
	}
	if _, counted := r.accounts[account]; !counted {
		r.Failures = t.remote.Failed(r.Failures, now)
	}
	if len(r.accounts) >= maxAccounts {
		clear(r.accounts)
	}
	r.accounts[account] = now
}

// succeeded forgives an account.
func (t *tries) succeeded(who portal.Address) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.accounts, accountKey(who))
}

// sweep forgets what counts no more.
func (t *tries) sweep(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for who, f := range t.accounts {
		if t.account.Forgotten(f, now) {
			delete(t.accounts, who)
		}
	}
	for from, r := range t.remotes {
		if t.remote.Forgotten(r.Failures, now) {
			delete(t.remotes, from)
		}
	}
}

// room makes place for one more of each.
func (t *tries) room(now time.Time) {
	for who, f := range t.accounts {
		if len(t.accounts) < maxRemembered {
			break
		}
		if full := len(t.accounts) >= maxRemembered; full || t.account.Forgotten(f, now) {
			delete(t.accounts, who)
		}
	}
	for from := range t.remotes {
		if len(t.remotes) < maxRemembered {
			break
		}
		delete(t.remotes, from)
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
