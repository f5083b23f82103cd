package calsync

import (
	"testing"
	"time"

	"portico/app/portal"
)

// A mailbox of which many jobs are due is read at most once a second, however often it rings; when they are gone, a ring that waited is
// answered at once. Others are read whenever they ring.
func TestMailboxWithACrowdOfJobsIsReadOnceASecond(t *testing.T) {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	const alice, bob = portal.Address("sip:alice@example.test"), portal.Address("sip:bob@example.test")
	b := newBoxes()
	b.set([]portal.CRMUser{{Address: alice, ExchangeID: "a"}, {Address: bob, ExchangeID: "b"}}, now)
	read := func(want ...portal.Address) {
		t.Helper()
		for _, who := range want {
			got, _, ok := b.take(now)
			if !ok || got != who {
				t.Fatalf("read %q, %t instead of %s", got, ok, who)
			}
			b.gave(got, now.Add(time.Hour), now, func(x *box) { x.readAt = now })
		}
		if got, _, ok := b.take(now); ok {
			t.Fatalf("%s is read, too", got)
		}
	}
	ring := func() { b.wake(alice, now, nil); b.wake(bob, now, nil) }
	for range 2 { // in the order that the heap has
		if got, _, ok := b.take(now); ok {
			b.gave(got, now.Add(time.Hour), now, func(x *box) { x.readAt = now })
		}
	}
	read()
	b.queue(map[portal.Address]int{alice: crowd, bob: crowd - 1}, now)
	ring()
	read(bob)
	now = now.Add(crowdPace / 2)
	ring()
	read(bob)
	now = now.Add(crowdPace / 2)
	read(alice)
	ring()
	read(bob)
	b.queue(nil, now) // the jobs are gone
	read(alice)
	ring()
	if a, _, _ := b.take(now); a != alice && a != bob {
		t.Errorf("neither is read: %q", a)
	}
	// A ring during a reading waits as well.
	b = newBoxes()
	b.set([]portal.CRMUser{{Address: alice, ExchangeID: "a"}}, now)
	b.queue(map[portal.Address]int{alice: crowd}, now)
	if got, _, ok := b.take(now); !ok || got != alice {
		t.Fatalf("%q is read first", got)
	}
	b.wake(alice, now, nil)
	b.gave(alice, now.Add(time.Hour), now, func(x *box) { x.readAt = now })
	read()
	now = now.Add(crowdPace)
	read(alice)
}
