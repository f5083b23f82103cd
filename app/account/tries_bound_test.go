package account

import (
	"context"
	"fmt"
	"testing"
	"time"

	"portico/app/portal"
)

// However many accounts are guessed at from however many addresses, what is remembered has its bound, and
// goes when it counts no more.
func TestTriesAreBounded(t *testing.T) {
	tries, now := newTries(), time.Now()
	for i := range maxRemembered + 500 {
		who := portal.Address(fmt.Sprintf("sip:user%d@example.test", i))
		tries.failed(who, fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255), now)
	}
	if p, a, r := len(tries.pairs), len(tries.accounts), len(tries.remotes); max(p, a, r) > maxRemembered || min(p, a, r) < maxRemembered-1 {
		t.Errorf("remembered: %d pairs, %d accounts, %d addresses", p, a, r)
	}
	tries.sweep(now.Add(time.Hour))
	if p, a, r := len(tries.pairs), len(tries.accounts), len(tries.remotes); p+a+r != 0 {
		t.Errorf("left: %d pairs, %d accounts, %d addresses", p, a, r)
	}
}

// A try that waits for others of its address gives up with its caller, and nothing stays behind.
func TestQueuedTriesGiveUp(t *testing.T) {
	tries, now := newTries(), time.Now
	var done []func()
	for range tries.remote.Free + 1 {
		d, err := tries.enter(t.Context(), "192.0.2.1", now)
		if err != nil {
			t.Fatal(err)
		}
		done = append(done, d)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := tries.enter(ctx, "192.0.2.1", now); portal.Meaning(err) != portal.ErrUnavailable {
		t.Errorf("got %v", err)
	}
	tries.remotes["192.0.2.1"].queued = maxQueued
	if _, err := tries.enter(t.Context(), "192.0.2.1", now); portal.Meaning(err) != portal.ErrTooMany {
		t.Errorf("with a full queue: %v", err)
	}
	tries.remotes["192.0.2.1"].queued = 0
	for _, d := range done {
		d()
		d() // twice does no harm
	}
	if len(tries.remotes) != 0 {
		t.Error("something is remembered of an address with which nothing was wrong")
	}
}
