package calsync

import (
	"hash/fnv"
	"slices"
	"sync"

	"portico/app/portal"
)

// stripes are locks by mailbox: who compares the copies of a mailbox with what is to be stored, and who stores what was read of it,
// do so one after the other. No call of a side is made while one is held.
type stripes struct{ locks [64]sync.Mutex }

// lock locks some mailboxes and gives what unlocks them.
func (s *stripes) lock(of ...portal.Address) (unlock func()) {
	var at []int
	for _, who := range of {
		h := fnv.New32a()
		h.Write([]byte(who)) //nolint:errcheck // a hash never fails
		at = append(at, int(h.Sum32())%len(s.locks))
	}
	slices.Sort(at)
	at = slices.Compact(at)
	for _, i := range at {
		s.locks[i].Lock()
	}
	return func() {
		for _, i := range at {
			s.locks[i].Unlock()
		}
	}
}
