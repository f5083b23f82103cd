package storage

import (
	"context"
	"time"

	"portico/app/portal"
)

// Who is signed in where. A sign-in's key is the key of its browser session (see sessions.go), so
// that ending the one ends the other in the same transaction.

// SaveSignin keeps a sign-in in place of an earlier one with its key.
func (s *Store) SaveSignin(ctx context.Context, in portal.Signin) error {
	if in.Key == "" || in.Person == "" {
		return invalid("a sign-in needs a key and a person")
	}
	return s.write(ctx, "save sign-in", func(t *txn) error {
		return t.exec(`INSERT INTO signins (key, person, created_at, expires_at, agent, remote) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (key) DO UPDATE SET person = excluded.person, created_at = excluded.created_at,
			expires_at = excluded.expires_at, agent = excluded.agent, remote = excluded.remote`,
			in.Key, string(in.Person), stamp(in.CreatedAt), stamp(in.ExpiresAt), in.Agent, in.Remote)
	})
}

// DeleteSignin removes a sign-in and the browser session it stands for; one that is not there is no error.
func (s *Store) DeleteSignin(ctx context.Context, key string) error {
	return s.write(ctx, "delete sign-in", func(t *txn) error {
		if err := t.exec(`DELETE FROM signins WHERE key = ?`, key); err != nil {
			return err
		}
		return t.exec(`DELETE FROM sessions WHERE key = ?`, key)
	})
}

// Signins are the person's sign-ins, newest first, expired ones too.
func (s *Store) Signins(ctx context.Context, who portal.Address) ([]portal.Signin, error) {
	return s.signins(ctx, `SELECT key, person, created_at, expires_at, agent, remote FROM signins
		WHERE person = ? ORDER BY created_at DESC, key`, string(who))
}

// ExpiredSignins are the sign-ins of all people whose time was up at now, oldest first, at most 1000.
func (s *Store) ExpiredSignins(ctx context.Context, now time.Time) ([]portal.Signin, error) {
	return s.signins(ctx, `SELECT key, person, created_at, expires_at, agent, remote FROM signins
		WHERE expires_at <= ? ORDER BY expires_at LIMIT 1000`, stamp(now))
}

func (s *Store) signins(ctx context.Context, query string, arg any) ([]portal.Signin, error) {
	var list []portal.Signin
	err := s.all(ctx, "sign-ins", query, []any{arg}, func(scan scanFunc) error {
		var (
			in               portal.Signin
			created, expires int64
		)
		if err := scan(&in.Key, &in.Person, &created, &expires, &in.Agent, &in.Remote); err != nil {
			return err
		}
		in.CreatedAt, in.ExpiresAt = instant(created), instant(expires)
		list = append(list, in)
		return nil
	})
	return list, err
}

// SignedInPeople are all who have a sign-in, by address, each once.
func (s *Store) SignedInPeople(ctx context.Context) ([]portal.Address, error) {
	var people []portal.Address
	err := s.all(ctx, "signed-in people", `SELECT DISTINCT person FROM signins ORDER BY person`, nil, func(scan scanFunc) error {
		var who portal.Address
		if err := scan(&who); err != nil {
			return err
		}
		people = append(people, who)
		return nil
	})
	return people, err
}
