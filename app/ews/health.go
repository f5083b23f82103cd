package ews

import (
	"errors"
	"sync"

	"portico/app/portal"
)

// health is who can be reached, so that the handler hears of it once per change.
type health struct {
	handler Handler
	mu      sync.Mutex
	lost    map[portal.Address]bool
}

func newHealth(h Handler) *health { return &health{handler: h, lost: map[portal.Address]bool{}} }

// note learns from the outcome of a call. Refusals say that the mailbox was reached; only a server that is away or busy,
// or that no longer takes the password, means that it is lost.
func (h *health) note(who portal.Address, err error) {
	gone := errors.Is(err, portal.ErrUnavailable) || errors.Is(err, portal.ErrTooMany) || errors.Is(err, portal.ErrUnauthenticated)
	h.mu.Lock()
	changed := h.lost[who] != gone
	if gone {
		h.lost[who] = true
	} else {
		delete(h.lost, who)
	}
	h.mu.Unlock()
	switch {
	case !changed:
	case gone:
		h.handler.Lost(who, translate(err))
	default:
		h.handler.Reached(who)
	}
}
