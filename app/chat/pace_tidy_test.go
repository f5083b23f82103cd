package chat

import (
	"fmt"
	"testing"
	"time"

	"portico/app/portal"
)

// TestManyConversationsAreNotRemembered: what would allow everything again is forgotten, so that nobody fills the memory by
// beginning conversations; who must wait is remembered.
func TestManyConversationsAreNotRemembered(t *testing.T) {
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	p := newPace(0.001, 1)
	with := func(name string) laneKey {
		return laneKey{"sip:alice@example.test", portal.Address("sip:" + name + "@example.test")}
	}
	for i := range 3 * firstSweep {
		if err := p.take(with(fmt.Sprint("somebody", i)), now); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.take(with("somebody0"), now); portal.Meaning(err) != portal.ErrTooMany {
		t.Errorf("somebody who must wait was forgotten: %v", err)
	}
	now = now.Add(time.Hour)
	for i := range 3 * firstSweep {
		if err := p.take(with(fmt.Sprint("another", i)), now); err != nil {
			t.Fatal(err)
		}
	}
	if len(p.of) > 4*firstSweep {
		t.Errorf("%d conversations are remembered", len(p.of))
	}
}
