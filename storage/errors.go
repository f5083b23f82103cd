package storage

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"portico/app/portal"
)

// failure is what went wrong with the database, in the engines' common words.
type failure int

const (
	conflicting failure = iota + 1 // a unique key is taken
	unfit                          // a value that the schema refuses
	full                           // no space left
	busy                           // somebody else holds the lock
	damaged                        // the file is not a sound database
	away                           // any other reason for which it cannot be done now
)

// Error keys of this package, each with a sentence in the catalogues.
const (
	keyUnavailable = "storage.unavailable"
	keyBusy        = "storage.busy"
	keyFull        = "storage.full"
	keyDamaged     = "storage.damaged"
	keyStopped     = "storage.stopped"
	keyConflict    = "storage.conflict"
	keyInvalid     = "storage.invalid"
	keyDSN         = "storage.dsn"
	keyNewer       = "storage.newer-schema"
	keyNoMessage   = "message.not-found"
	keyNoLine      = "line.not-found"
)

// retryAfter is what a caller is asked to wait after a failure that may pass.
const retryAfter = 5 * time.Second

// translate gives err the house's meaning; what says names the operation for the operator. It
// leaves alone what already has a meaning. Nil stays nil.
func (s *Store) translate(what string, err error) error {
	switch {
	case err == nil:
		return nil
	case portal.Meaning(err) != nil:
		return err
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded),
		errors.Is(err, sql.ErrConnDone), errors.Is(err, driver.ErrBadConn):
		return unavailable(keyUnavailable, fmt.Errorf("%s: %w", what, err))
	}
	if file := (*fs.PathError)(nil); errors.As(err, &file) {
		return unavailable(keyUnavailable, fmt.Errorf("%s: %w", what, err))
	}
	f, ok := s.dialect.meaning(err)
	err = fmt.Errorf("%s: %w", what, err)
	if !ok {
		return err
	}
	switch f {
	case conflicting:
		return portal.Fail(portal.ErrConflict, keyConflict).Because(err)
	case unfit:
		return portal.Fail(portal.ErrInvalid, keyInvalid).Because(err)
	case full:
		return unavailable(keyFull, err)
	case busy:
		return unavailable(keyBusy, err)
	case damaged:
		return unavailable(keyDamaged, err)
	default:
		return unavailable(keyUnavailable, err)
	}
}

func unavailable(key string, cause error) error {
	return portal.Fail(portal.ErrUnavailable, key).Because(cause).After(retryAfter)
}

func invalid(why string) error {
	return portal.Fail(portal.ErrInvalid, keyInvalid).Because(errors.New(why))
}
