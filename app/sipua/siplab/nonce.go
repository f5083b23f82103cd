package siplab

// Nonces: signed with their time of issue, so that nothing is kept for challenges nobody answers; used ones remember
// which counts they have seen (RFC 7616 section 3.4).

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"sync"
	"sync/atomic"
	"time"
)

const (
	ncWindow = 256
	// nonceGeneration is how many used nonces are remembered before the older half is forgotten; those are stale then.
	nonceGeneration = 1 << 16
)

// nonceBook issues and checks nonces. Counts may come out of order within a window of 256, as from parallel requests.
type nonceBook struct {
	lifetime time.Duration
	limit    int // of one generation
	key      [32]byte
	valid    atomic.Int64 // nonces issued at or before this unix nanosecond are stale

	mu       sync.Mutex
	cur, old map[string]*nonceUse // used nonces, in two generations
	born     time.Time            // of cur
}

type nonceUse struct {
	mu     sync.Mutex
	issued time.Time
	top    uint32
	seen   [ncWindow / 64]uint64
}

func (n *nonceBook) init(lifetime time.Duration) {
	n.lifetime, n.limit = lifetime, nonceGeneration
	n.cur, n.born = map[string]*nonceUse{}, time.Now()
	rand.Read(n.key[:]) // never fails since Go 1.24
}

func (n *nonceBook) issue() string {
	var b [32]byte
	binary.BigEndian.PutUint64(b[:8], uint64(time.Now().UnixNano()))
	rand.Read(b[8:16])
	copy(b[16:], n.sign(b[:16]))
	return base64.RawURLEncoding.EncodeToString(b[:])
}

func (n *nonceBook) sign(b []byte) []byte {
	m := hmac.New(sha256.New, n.key[:])
	m.Write(b)
	return m.Sum(nil)[:16]
}

// use tells whether a nonce is fresh and its count not seen before. Count 0 stands for a client without qop.
func (n *nonceBook) use(nonce string, nc uint32) bool {
	u, ok := n.look(nonce)
	if !ok {
		return false
	}
	if now := time.Now(); now.Sub(u.issued) > n.lifetime || u.issued.UnixNano() <= n.valid.Load() {
		return false
	}
	if nc == 0 {
		return true
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.mark(nc)
}

func (n *nonceBook) look(nonce string) (*nonceUse, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if u, ok := n.cur[nonce]; ok {
		return u, true
	}
	if u, ok := n.old[nonce]; ok {
		return u, true
	}
	b, err := base64.RawURLEncoding.DecodeString(nonce)
	if err != nil || len(b) != 32 || !hmac.Equal(b[16:], n.sign(b[:16])) {
		return nil, false
	}
	u := &nonceUse{issued: time.Unix(0, int64(binary.BigEndian.Uint64(b[:8])))}
	if len(n.cur) >= n.limit {
		n.turn()
	}
	n.cur[nonce] = u
	return u, true
}

// turn forgets the older generation. What it held could be replayed, so nothing that old is accepted any more; mu is held.
func (n *nonceBook) turn() {
	for _, u := range n.old {
		if t := u.issued.UnixNano(); t > n.valid.Load() {
			n.valid.Store(t)
		}
	}
	n.old, n.cur, n.born = n.cur, map[string]*nonceUse{}, time.Now()
}

// mark notes a count; false when it was seen or is too old to tell.
func (u *nonceUse) mark(nc uint32) bool {
	switch {
	case nc > u.top:
		for c := u.top + 1; c <= nc && c-u.top <= ncWindow; c++ {
			u.seen[c%ncWindow/64] &^= 1 << (c % 64)
		}
		if nc-u.top > ncWindow {
			u.seen = [ncWindow / 64]uint64{}
		}
		u.top = nc
	case u.top-nc >= ncWindow:
		return false
	}
	bit := uint64(1) << (nc % 64)
	word := &u.seen[nc%ncWindow/64]
	if *word&bit != 0 {
		return false
	}
	*word |= bit
	return true
}

// staleAll makes every nonce issued so far stale.
func (n *nonceBook) staleAll() { n.valid.Store(time.Now().UnixNano()) }

func (n *nonceBook) sweep(now time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if now.Sub(n.born) > n.lifetime && len(n.cur)+len(n.old) > 0 {
		n.turn() // the older generation has expired by itself
	}
}
