package storage

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"portico/app/portal"
)

// What the tests outside the package need to see of its inside.

// Sound asks the engine whether the database's structure and references are whole.
func Sound(s *Store) error {
	ctx := context.Background()
	var faults []error
	for _, check := range []string{"PRAGMA integrity_check", "PRAGMA foreign_key_check"} {
		err := s.all(ctx, check, check, nil, func(scan scanFunc) error {
			var first, second, third, fourth any
			dest := []any{&first}
			if strings.HasSuffix(check, "key_check") {
				dest = append(dest, &second, &third, &fourth)
			}
			if err := scan(dest...); err != nil {
				return err
			}
			if first != "ok" {
				faults = append(faults, errors.New(check+" complains"))
			}
			return nil
		})
		faults = append(faults, err)
	}
	return errors.Join(faults...)
}

// Statements is every query that was run so far. Nothing may be writing.
func Statements(s *Store) []string {
	var queries []string
	for q := range s.writer.stmts {
		queries = append(queries, q)
	}
	s.reader.mu.RLock()
	defer s.reader.mu.RUnlock()
	for q := range s.reader.stmts {
		if !slices.Contains(queries, q) {
			queries = append(queries, q)
		}
	}
	slices.Sort(queries)
	return queries
}

// Plan is how the engine would run a query, a line for each step.
func Plan(s *Store, query string) ([]string, error) {
	var steps []string
	args := make([]any, strings.Count(query, "?"))
	rows, err := s.reader.db.Query("EXPLAIN QUERY PLAN "+query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			return nil, err
		}
		steps = append(steps, detail)
	}
	return steps, rows.Err()
}

// Exec runs one statement in a write of its own.
func Exec(ctx context.Context, s *Store, query string, args ...any) error {
	return s.write(ctx, "test", func(t *txn) error { return t.exec(query, args...) })
}

// Ask reads one value on the writing connection.
func Ask(ctx context.Context, s *Store, query string) (value string, err error) {
	err = s.write(ctx, "test", func(t *txn) error {
		_, err := t.one(query, nil, &value)
		return err
	})
	return value, err
}

// Panic is a write that panics.
func Panic(ctx context.Context, s *Store) error {
	return s.write(ctx, "test", func(*txn) error { panic("on purpose") })
}

// Hold makes the writer wait inside a write until release is closed; begun is closed when it does.
func Hold(ctx context.Context, s *Store, begun chan<- struct{}, release <-chan struct{}) error {
	return s.write(ctx, "test", func(*txn) error {
		close(begun)
		<-release
		return nil
	})
}

// Meaning is what a driver's error means, as a portal.Error.
func Meaning(s *Store, err error) error { return s.translate("test", err) }

// ReadOnly tries to write on a reading connection and gives what came of it.
func ReadOnly(s *Store) error {
	_, err := s.reader.db.Exec("DELETE FROM sessions")
	return err
}

// Prune is one round of the upkeep.
func Prune(ctx context.Context, s *Store) error { return s.prune(ctx) }

// FillOwner, FillPeer and FillID name what FillArchive makes: 600 owners with 50 conversations each, and
// one conversation (FillLong, peer 0) that holds four tenths of all messages.
func FillOwner(i int) portal.Address {
	return portal.Address("sip:owner" + strconv.Itoa(i%100*10+4+i/100%6) + "@example.test")
}

// FillLong is the owner of the long conversation.
const FillLong = portal.Address("sip:owner0@example.test")

// FillPeer is the other side of a conversation.
func FillPeer(i int) portal.Address {
	return portal.Address("sip:peer" + strconv.Itoa(i%50) + "@example.test")
}

// FillID is the id of the n-th message of the long conversation.
func FillID(n int) string { return "id" + strconv.Itoa(n) }

// FillArchive fills an empty archive with n received messages by the engine's own means.
func FillArchive(ctx context.Context, s *Store, n int) error {
	return s.write(ctx, "fill", func(t *txn) error {
		for _, query := range []string{
			`INSERT INTO messages (owner, conversation, sender, id, body, said_at, stored_at, state, reason, wants_delivered, wants_read)
			WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ` + strconv.Itoa(n) + `)
			SELECT CASE WHEN i % 10 < 4 THEN 'sip:owner0@example.test' ELSE 'sip:owner' || (i % 1000) || '@example.test' END,
				CASE WHEN i % 10 < 4 THEN 'sip:peer0@example.test' ELSE 'sip:peer' || (i / 1000 % 50) || '@example.test' END,
				CASE WHEN i % 10 < 4 THEN 'sip:peer0@example.test' ELSE 'sip:peer' || (i / 1000 % 50) || '@example.test' END,
				'id' || CASE WHEN i % 10 < 4 THEN i / 10 * 4 + i % 10 ELSE 10000000 + i END,
				'A message of the length that people write to each other at work, number ' || i, 1700000000000000000 + i, 1700000000000000000 + i,
				'received', '', 0, 0 FROM n`,
			`INSERT INTO conversations (owner, peer, last_ord, unread, read_up_to)
			SELECT owner, conversation, MAX(ord), COUNT(*), 0 FROM messages GROUP BY owner, conversation`,
		} {
			if err := t.exec(query); err != nil {
				return err
			}
		}
		return nil
	})
}

// FillSome indexes one slice of the older archive.
func FillSome(ctx context.Context, s *Store) (more bool, err error) {
	err = s.write(ctx, "test", func(t *txn) error {
		more, err = t.fillSlice()
		return err
	})
	return more, err
}

// AddMessages stores messages in one write.
func AddMessages(ctx context.Context, s *Store, list []portal.Message) error {
	return s.write(ctx, "test", func(t *txn) error {
		for _, m := range list {
			if _, _, err := t.addMessage(m, nil); err != nil {
				return err
			}
		}
		return nil
	})
}

// Groups is what is read of a contact that was put into these groups.
func Groups(names []string) ([]string, error) {
	r, err := rowOf(portal.Contact{Groups: names})
	return r.groups(), err
}

// Chunks is how a book is cut.
func Chunks(list []portal.Person) [][]portal.Person { return slices.Collect(chunks(list)) }

// ChunkMost is how many people are in a chunk at most.
const ChunkMost = chunkMost
