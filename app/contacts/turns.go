package contacts

import (
	"context"
	"hash/maphash"

	"portico/app/portal"
)

// turns lets one at a time change a list. Owners share a fixed number of places, so that it never
// grows; two owners at one place wait for each other for the time of a write.
type turns struct {
	seed   maphash.Seed
	places [64]chan struct{}
}

func newTurns() turns {
	t := turns{seed: maphash.MakeSeed()}
	for i := range t.places {
		t.places[i] = make(chan struct{}, 1)
	}
	return t
}

// take waits for the owner's turn; done ends it. ErrUnavailable when ctx ends first.
func (t *turns) take(ctx context.Context, owner portal.Address) (done func(), err error) {
	place := t.places[maphash.String(t.seed, string(owner))%uint64(len(t.places))]
	select {
	case place <- struct{}{}:
		return func() { <-place }, nil
	case <-ctx.Done():
		return nil, portal.Fail(portal.ErrUnavailable, "contacts.busy").Because(ctx.Err())
	}
}
