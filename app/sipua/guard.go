package sipua

// A defect that somebody's bytes meet ends the work on those bytes and nothing else.

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
)

// errDefect: work came to an end by a panic, which has been logged.
var errDefect = errors.New("defect")

// defect is what a request is answered that met one.
var defect = answer{status: 500, reason: "Server Internal Error"}

// rescue, deferred, logs a panic with its stack and lets the caller's caller go on; amends, which may be
// nil, then puts right what the panic has left undone.
func rescue(log *slog.Logger, doing string, amends func()) {
	cause := recover()
	if cause == nil {
		return
	}
	log.Error("defect", "doing", doing, "panic", fmt.Sprint(cause), "stack", string(debug.Stack()))
	if amends != nil {
		defer rescue(log, "amends for "+doing, nil)
		amends()
	}
}

// attempt does work; a panic is the error [errDefect].
func attempt(log *slog.Logger, doing string, work func() error) (err error) {
	defer rescue(log, doing, func() { err = fmt.Errorf("%s: %w", doing, errDefect) })
	return work()
}
