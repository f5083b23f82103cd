package ews

import (
	"errors"
	"sync"

	"portico/app/portal"
)

// health is which of the watched mailboxes can be reached and have a bell that rings, so that the handler hears of it once
// per change, and at once of those that it wants anew.
type health struct {
	handler Handler
	mu      sync.Mutex
	by      map[portal.Address]*standing
}

// standing is what is known of one mailbox.
type standing struct {
	wanted bool
	hung   *host // whose stream or subscription its bell hangs on
	away   bool  // the last call did not get through
	told   news
}

// news is what the handler was told last.
type news uint8

const (
	nothingYet news = iota
	reached
	lost
)

// errByTimer: the mailbox is rung by the clock alone.
var errByTimer = errors.New("no notifications, rung by the timer alone")

func newHealth(h Handler) *health {
	return &health{handler: h, by: map[portal.Address]*standing{}}
}

// watch is the whole set of mailboxes of which the handler wants to hear.
func (h *health) watch(people []portal.Address) {
	h.mu.Lock()
	defer h.mu.Unlock()
	set := make(map[portal.Address]bool, len(people))
	for _, who := range people {
		set[who] = true
		if s := h.of(who); !s.wanted {
			s.wanted = true
			h.tell(who, s, nil)
		}
	}
	for who, s := range h.by {
		if !set[who] {
			s.wanted, s.told = false, nothingYet
			h.tidy(who, s)
		}
	}
}

// note learns from the outcome of a call. Refusals say that the mailbox was reached; only a server that is away or busy,
// or that no longer takes the password, means that it is lost.
func (h *health) note(who portal.Address, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.of(who)
	s.away = errors.Is(err, portal.ErrUnavailable) || errors.Is(err, portal.ErrTooMany) || errors.Is(err, portal.ErrUnauthenticated)
	if !s.away {
		err = nil
	}
	h.tell(who, s, err)
	h.tidy(who, s)
}

// bell notes that a mailbox's bell hangs at a host, or why it does not.
func (h *health) bell(at *host, who portal.Address, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.of(who)
	switch {
	case err == nil:
		s.hung, s.away = at, false
	case s.hung != nil && s.hung != at:
		return // it hangs elsewhere by now
	default:
		s.hung = nil
	}
	h.tell(who, s, err)
	h.tidy(who, s)
}

// back: a server that was away is back. Those whose bells still hang there are reached again, as far as is known.
func (h *health) back(at *host) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for who, s := range h.by {
		if s.hung == at && s.away {
			s.away = false
			h.tell(who, s, nil)
		}
	}
}

// of needs the mutex, as do tell and tidy.
func (h *health) of(who portal.Address) *standing {
	s := h.by[who]
	if s == nil {
		s = &standing{}
		h.by[who] = s
	}
	return s
}

// tell tells the handler what is new, err being why it may be lost; under the mutex, so that the last word is the true one.
func (h *health) tell(who portal.Address, s *standing, err error) {
	works := s.hung != nil && !s.away
	switch {
	case !s.wanted:
	case works && s.told != reached:
		s.told = reached
		h.handler.Reached(who)
	case !works && err != nil && s.told != lost:
		s.told = lost
		h.handler.Lost(who, translate(err))
	}
}

func (h *health) tidy(who portal.Address, s *standing) {
	if !s.wanted && s.hung == nil {
		delete(h.by, who)
	}
}
