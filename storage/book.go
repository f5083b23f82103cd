package storage

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"iter"
	"time"

	"portico/app/portal"
)

// The address books as they were read last. A book is a row of chunks of people. It is written beside the one in use, a few chunks in
// each write, so that nobody waits long for the writer, and takes its place by one small write at the end; until then, and after a
// crash, the old one is read. Where a chunk ends depends on the people in it alone, so a person who comes or goes changes the chunk
// they are in and no other: the rest is shared with the copy before.

const (
	// chunkUsual is how many people a chunk has on the average, chunkMost at most.
	chunkUsual, chunkMost = 128, 512
	// writeBytes and writeParts bound what one write brings of a book.
	writeBytes, writeParts = 512 << 10, 256
	// sweepParts is how many parts of an old copy one write takes away.
	sweepParts = 32
)

// Book is the copy of a source as it was saved last, and when it was read; the zero time where there is none.
func (s *Store) Book(ctx context.Context, source string) (list []portal.Person, at time.Time, err error) {
	// One statement, one state of the database: a copy that takes this one's place meanwhile takes nothing away from it.
	var chunk []portal.Person
	err = s.all(ctx, "book", `SELECT c.at, c.people, k.data FROM book_copies c LEFT JOIN book_parts p ON p.copy = c.num
		LEFT JOIN book_chunks k ON k.num = p.chunk WHERE c.source = ? AND c.whole = 1 ORDER BY p.pos`, []any{source}, func(scan scanFunc) error {
		var (
			read   int64
			people int
			data   sql.RawBytes
		)
		if err := scan(&read, &people, &data); err != nil {
			return err
		}
		if at = instant(read); data == nil {
			return nil // a book of nobody
		}
		if list == nil {
			list = make([]portal.Person, 0, people)
		}
		clear(chunk) // or what is left out in the next would be as it was in this one
		err := decode("a chunk of a book", data, &chunk)
		list = append(list, chunk...)
		return err
	})
	if err != nil {
		return nil, time.Time{}, err
	}
	return list, at, nil
}

// SaveBook replaces the copy of a source. Saves go one after the other. One that ends early, for whatever reason, leaves the old copy.
func (s *Store) SaveBook(ctx context.Context, source string, list []portal.Person, at time.Time) error {
	if source == "" || at.IsZero() {
		return invalid("a book needs a source and a time")
	}
	select {
	case s.books <- struct{}{}:
		defer func() { <-s.books }()
	case <-ctx.Done():
		return s.translate("save book", ctx.Err())
	}
	if err := s.sweepBooks(ctx); err != nil { // of one that ended early
		return err
	}
	var num int64
	err := s.write(ctx, "begin book", func(t *txn) error {
		_, err := t.one(`INSERT INTO book_copies (source, at, people, whole) VALUES (?, ?, ?, 0) RETURNING num`, []any{source, stamp(at), len(list)}, &num)
		return err
	})
	if err != nil {
		return err
	}
	if err := s.fillBook(ctx, num, source, list); err != nil {
		return err
	}
	err = s.write(ctx, "finish book", func(t *txn) error {
		if err := t.exec(`UPDATE book_copies SET whole = 0 WHERE source = ? AND whole = 1`, source); err != nil {
			return err
		}
		return t.exec(`UPDATE book_copies SET whole = 1 WHERE num = ?`, num)
	})
	if err != nil {
		return err
	}
	if err := s.sweepBooks(ctx); err != nil { // the next save tries again
		s.log.WarnContext(ctx, "the address book's old copy is still there", "source", source, "err", err)
	}
	return nil
}

// bookPart is a chunk on its way: num where it is there already, else its data.
type bookPart struct {
	pos  int
	num  int64
	hash string
	data []byte
}

func (s *Store) fillBook(ctx context.Context, num int64, source string, list []portal.Person) error {
	var (
		parts []bookPart
		bytes int
	)
	flush := func() error {
		err := s.write(ctx, "book", func(t *txn) error { return t.putParts(num, source, parts) })
		parts, bytes = nil, 0
		return err
	}
	pos := 0
	for chunk := range chunks(list) {
		data, err := json.Marshal(chunk)
		if err != nil {
			return fmt.Errorf("encode a chunk of a book: %w", err)
		}
		sum := sha256.Sum256(data)
		part := bookPart{pos: pos, hash: hex.EncodeToString(sum[:]), data: data}
		found, err := s.one(ctx, "chunk", `SELECT num FROM book_chunks WHERE source = ? AND hash = ?`, []any{source, part.hash}, &part.num)
		if err != nil {
			return err
		}
		if found {
			part.data = nil
		}
		pos, bytes, parts = pos+1, bytes+len(part.data), append(parts, part)
		if bytes >= writeBytes || len(parts) >= writeParts {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

func (t *txn) putParts(num int64, source string, parts []bookPart) error {
	for _, p := range parts {
		if p.num == 0 {
			key := []any{source, p.hash}
			found, err := t.one(`SELECT num FROM book_chunks WHERE source = ? AND hash = ?`, key, &p.num) // twice in one write
			if err == nil && !found {
				_, err = t.one(`INSERT INTO book_chunks (source, hash, data) VALUES (?, ?, ?) RETURNING num`, append(key, p.data), &p.num)
			}
			if err != nil {
				return err
			}
		}
		if err := t.exec(`INSERT INTO book_parts (copy, pos, chunk) VALUES (?, ?, ?)`, num, p.pos, p.num); err != nil {
			return err
		}
	}
	return nil
}

// chunks cuts a list: behind each person whose address says so, and where a chunk would get too long.
func chunks(list []portal.Person) iter.Seq[[]portal.Person] {
	return func(yield func([]portal.Person) bool) {
		from := 0
		h := fnv.New32a()
		for i, p := range list {
			h.Reset()
			h.Write([]byte(p.URI))
			h.Write([]byte(p.Email))
			if h.Sum32()>>8%chunkUsual != 0 && i+1-from < chunkMost && i+1 < len(list) {
				continue
			}
			if !yield(list[from : i+1]) {
				return
			}
			from = i + 1
		}
	}
}

// sweepBooks takes away the copies that are not in use, with the chunks that are in no other. Its caller holds Store.books.
func (s *Store) sweepBooks(ctx context.Context) error {
	return s.repeat(ctx, "sweep books", func(t *txn) (bool, error) {
		var num int64
		found, err := t.one(`SELECT num FROM book_copies WHERE whole = 0 ORDER BY num LIMIT 1`, nil, &num)
		if err != nil || !found {
			return false, err
		}
		var parts []bookPart
		err = t.all(`SELECT pos, chunk FROM book_parts WHERE copy = ? ORDER BY pos LIMIT ?`, []any{num, sweepParts}, func(scan scanFunc) error {
			var p bookPart
			err := scan(&p.pos, &p.num)
			parts = append(parts, p)
			return err
		})
		if err != nil {
			return false, err
		}
		for _, p := range parts {
			if err := t.exec(`DELETE FROM book_parts WHERE copy = ? AND pos = ?`, num, p.pos); err != nil {
				return false, err
			}
			if err := t.exec(`DELETE FROM book_chunks WHERE num = ? AND NOT EXISTS (SELECT 1 FROM book_parts WHERE chunk = ?)`, p.num, p.num); err != nil {
				return false, err
			}
		}
		if len(parts) == sweepParts {
			return true, nil
		}
		return true, t.exec(`DELETE FROM book_copies WHERE num = ?`, num)
	})
}
