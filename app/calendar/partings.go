package calendar

import (
	"sync"
	"time"

	"portico/app/portal"
)

const (
	// partingFor is how long an invitation that somebody declined in their mailbox is kept from showing itself again out of CRM, to
	// which the answer comes from there; maxPartings bounds how many are remembered, beyond all are forgotten.
	partingFor  = 10 * time.Minute
	maxPartings = 4096
)

// partings remembers what people have just declined.
type partings struct {
	mu sync.Mutex
	at map[parting]time.Time
}

// parting is an appointment's ID in somebody's calendar.
type parting struct {
	of portal.Address
	id string
}

func newPartings() *partings { return &partings{at: map[parting]time.Time{}} }

// note remembers that something was declined; forget that it was answered otherwise since.
func (p *partings) note(of portal.Address, id string, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.at) >= maxPartings {
		clear(p.at)
	}
	p.at[parting{of, id}] = now
}

func (p *partings) forget(of portal.Address, id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.at, parting{of, id})
}

// gone reports whether an appointment, or the series that it is of, was declined just now and CRM does not know it yet.
func (p *partings) gone(of portal.Address, a *portal.Appointment, now time.Time) bool {
	if a.Mine || answered(a.Response) != portal.ResponseNone {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	entry, _ := portal.SplitOccurrenceID(a.ID)
	for _, id := range []string{a.ID, entry} {
		if at, ok := p.at[parting{of, id}]; ok && now.Sub(at) < partingFor {
			return true
		}
	}
	return false
}
