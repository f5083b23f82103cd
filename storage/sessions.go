package storage

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"
)

// The browser sessions, as the session manager (github.com/alexedwards/scs) wants them kept:
// scs.CtxStore. The token is what a browser holds, so the database holds only its SHA-256; the
// manager's own HashTokenInStore stays off, or a session's key would no longer be that of its sign-in.
// Expired sessions are removed by Run.

// sessionTimeout bounds the calls that come without a context.
const sessionTimeout = 5 * time.Second

// SessionKey is the key under which the session of a token is kept: the token's SHA-256 in hexadecimal.
func SessionKey(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// FindCtx gives the data of a session that has not expired.
func (s *Store) FindCtx(ctx context.Context, token string) (data []byte, found bool, err error) {
	found, err = s.one(ctx, "find session", `SELECT data FROM sessions WHERE key = ? AND expires_at > ?`,
		[]any{SessionKey(token), stamp(s.o.Now())}, &data)
	return data, found, err
}

// CommitCtx keeps the data of a session until expiry, in place of earlier data.
func (s *Store) CommitCtx(ctx context.Context, token string, data []byte, expiry time.Time) error {
	data = slices.Clone(data)
	if data == nil {
		data = []byte{}
	}
	return s.write(ctx, "keep session", func(t *txn) error {
		return t.exec(`INSERT INTO sessions (key, data, expires_at) VALUES (?, ?, ?)
			ON CONFLICT (key) DO UPDATE SET data = excluded.data, expires_at = excluded.expires_at`,
			SessionKey(token), data, stamp(expiry))
	})
}

// DeleteCtx removes a session; one that is not there is no error.
func (s *Store) DeleteCtx(ctx context.Context, token string) error {
	return s.write(ctx, "delete session", func(t *txn) error {
		return t.exec(`DELETE FROM sessions WHERE key = ?`, SessionKey(token))
	})
}

// Find is FindCtx for callers without a context.
func (s *Store) Find(token string) (data []byte, found bool, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), sessionTimeout)
	defer cancel()
	return s.FindCtx(ctx, token)
}

// Commit is CommitCtx for callers without a context.
func (s *Store) Commit(token string, data []byte, expiry time.Time) error {
	ctx, cancel := context.WithTimeout(context.Background(), sessionTimeout)
	defer cancel()
	return s.CommitCtx(ctx, token, data, expiry)
}

// Delete is DeleteCtx for callers without a context.
func (s *Store) Delete(token string) error {
	ctx, cancel := context.WithTimeout(context.Background(), sessionTimeout)
	defer cancel()
	return s.DeleteCtx(ctx, token)
}
