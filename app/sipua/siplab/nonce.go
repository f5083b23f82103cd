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

const ncWindow = 256

// nonceBook issues and checks nonces. Counts may come out of order within a window of 256, as from parallel requests.
type nonceBook struct {
	lifetime time.Duration
	key      [32]byte
	valid    atomic.Int64 // nonces issued at or before this unix nanosecond are stale
	used     sync.Map     // nonce → *nonceUse
}

type nonceUse struct {
	mu     sync.Mutex
	issued time.Time
	top    uint32
	seen   [ncWindow / 64]uint64
}

func (n *nonceBook) init(lifetime time.Duration) {
	n.lifetime = lifetime
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
	if v, ok := n.used.Load(nonce); ok {
		return v.(*nonceUse), true
	}
	b, err := base64.RawURLEncoding.DecodeString(nonce)
	if err != nil || len(b) != 32 || !hmac.Equal(b[16:], n.sign(b[:16])) {
		return nil, false
	}
	u := &nonceUse{issued: time.Unix(0, int64(binary.BigEndian.Uint64(b[:8])))}
	v, _ := n.used.LoadOrStore(nonce, u)
	return v.(*nonceUse), true
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
	n.used.Range(func(k, v any) bool {
		if now.Sub(v.(*nonceUse).issued) > n.lifetime {
			n.used.Delete(k)
		}
		return true
	})
}
