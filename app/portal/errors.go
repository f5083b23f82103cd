package portal

import (
	"errors"
	"time"
)

// The meanings an error can have in the whole house. Each edge has one table from these to its own
// language (HTTP status, SIP status); an error that wraps none of them is internal.
var (
	ErrInvalid         = errors.New("invalid")
	ErrUnauthenticated = errors.New("unauthenticated")
	ErrForbidden       = errors.New("forbidden")
	ErrNotFound        = errors.New("not found")
	ErrConflict        = errors.New("conflict")
	ErrTooMany         = errors.New("too many requests")
	ErrUnavailable     = errors.New("unavailable")
)

// Error is a failure with a text for people: Key names a sentence in the message catalogues
// ("error." + Key), Args fill it. Cause is for the operator's log only and is never shown.
type Error struct {
	Meaning error
	Key     string
	Args    map[string]string
	Cause   error
	// RetryAfter is how long the caller is asked to wait before trying again; zero if unsaid.
	RetryAfter time.Duration
}

// Fail makes an Error whose sentence needs no arguments.
func Fail(meaning error, key string) *Error { return &Error{Meaning: meaning, Key: key} }

// Because adds the cause for the log and returns e.
func (e *Error) Because(cause error) *Error { e.Cause = cause; return e }

// With adds an argument for the sentence and returns e.
func (e *Error) With(name, value string) *Error {
	if e.Args == nil {
		e.Args = map[string]string{}
	}
	e.Args[name] = value
	return e
}

// After sets the time to wait before a further try and returns e.
func (e *Error) After(d time.Duration) *Error { e.RetryAfter = d; return e }

// Error is the operator's text.
func (e *Error) Error() string {
	s := e.Meaning.Error() + ": " + e.Key
	if e.Cause != nil {
		s += ": " + e.Cause.Error()
	}
	return s
}

// Unwrap gives both the meaning and the cause to errors.Is and errors.As.
func (e *Error) Unwrap() []error {
	if e.Cause == nil {
		return []error{e.Meaning}
	}
	return []error{e.Meaning, e.Cause}
}

// Meaning reduces any error to one of the house's meanings, nil for internal ones and for no error.
func Meaning(err error) error {
	for _, m := range []error{ErrInvalid, ErrUnauthenticated, ErrForbidden, ErrNotFound, ErrConflict, ErrTooMany, ErrUnavailable} {
		if errors.Is(err, m) {
			return m
		}
	}
	return nil
}

// Reason is the catalogue key of the sentence for people: that of the outermost Error in err, or
// the one its meaning stands for, or "internal".
func Reason(err error) string {
	var e *Error
	if errors.As(err, &e) && e.Key != "" {
		return e.Key
	}
	switch Meaning(err) {
	case ErrInvalid:
		return "invalid"
	case ErrUnauthenticated:
		return "unauthenticated"
	case ErrForbidden:
		return "forbidden"
	case ErrNotFound:
		return "not-found"
	case ErrConflict:
		return "conflict"
	case ErrTooMany:
		return "too-many"
	case ErrUnavailable:
		return "unavailable"
	}
	return "internal"
}
