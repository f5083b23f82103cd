package contacts

// What is remembered of those who are signed in, because it is asked for at every change of presence.

import (
	"sync"

	"portico/app/portal"
)

// maxHere bounds those who are remembered; of one more nothing is, and nobody is tagged for them.
const maxHere = 100_000

type here struct {
	mu  *sync.RWMutex
	who map[portal.Address][]portal.Address
}

func newHere() here {
	return here{mu: new(sync.RWMutex), who: map[portal.Address][]portal.Address{}}
}

func (h here) add(owner portal.Address) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, have := h.who[owner]; !have && len(h.who) < maxHere {
		h.who[owner] = nil
	}
}

func (h here) drop(owner portal.Address) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.who, owner)
}

// set replaces what is remembered of somebody who is here; people is not changed by anybody afterwards.
func (h here) set(owner portal.Address, people []portal.Address) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, have := h.who[owner]; have {
		h.who[owner] = people
	}
}

func (h here) tagged(owner portal.Address) []portal.Address {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.who[owner]
}
