package main

import (
	"bytes"
	"fmt"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Thousands of live connections are cut at once, by a portal that is killed and by a network that breaks
// under a portal that lives: all are back in time, and none has lost an event.

// stormBudget is how long the last of them may take to be back on a machine that does much else beside: twice
// the longest pause that a page makes. What it takes on an idle one is in the log.
const stormBudget = longest

// crowdSize is how many connections the limit on open files allows, at most wanted.
func crowdSize(t *testing.T, wanted int) int {
	t.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	// The portal and the test have a socket each for every connection, and some files besides.
	if most := int(min(limit.Cur, 1<<20)) - 300; wanted > most {
		t.Logf("only %d instead of %d connections: %d files may be open (ulimit -n)", most, wanted, limit.Cur)
		return most
	}
	return wanted
}

func TestThousandsComeBack(t *testing.T) {
	wanted := soak(t, 5000)
	if raced() {
		wanted /= 4 // the race detector's memory and time for each goroutine
	}
	n := crowdSize(t, wanted)
	dir := t.TempDir()
	p := command(t, dir, append(generous(t), "PORTICO_LIMITS_CONNECTIONS=100000", "PORTICO_LIMITS_CONNECTIONS_PER_PERSON=100000"), "serve")
	names := []string{"alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy"}
	var people []*client
	for _, name := range names {
		people = append(people, p.signIn(name))
	}
	crowd := gather(t, people, n)
	t.Logf("%d connections stand", n)
	round := 0
	everybodyTalks := func() {
		for i, c := range people {
			to := people[(i+1)%len(people)]
			c.say(to.user(), fmt.Sprintf("round-%d-%s", round, c.user()), "while some are away")
		}
		round++
	}
	everybodyTalks()
	complete(t, crowd, round)

	p.kill()
	p.again()
	begun := time.Now()
	everybodyTalks() // before most are back
	back(t, crowd, 2, begun, "the portal was killed and started again")
	complete(t, crowd, round)

	begun = time.Now()
	for _, f := range crowd {
		f.cut()
	}
	everybodyTalks()
	back(t, crowd, 3, begun, "the network broke")
	complete(t, crowd, round)
}

// gather opens n live channels, spread over the people.
func gather(t *testing.T, people []*client, n int) []*feed {
	t.Helper()
	crowd := make([]*feed, n)
	var wg sync.WaitGroup
	const doors = 16
	for d := range doors {
		wg.Go(func() {
			for i := d; i < n; i += doors {
				crowd[i] = people[i%len(people)].feed(-1)
				crowd[i].await("hello", func() bool { return crowd[i].backs > 0 })
			}
		})
	}
	wg.Wait()
	return crowd
}

// back waits until every connection stands for the nth time.
func back(t *testing.T, crowd []*feed, nth int, begun time.Time, why string) {
	t.Helper()
	took := make([]time.Duration, 0, len(crowd))
	for _, f := range crowd {
		f.await("to be back", func() bool { return f.live != nil && f.backs >= nth })
		f.mu.Lock()
		took = append(took, f.at.Sub(begun))
		f.mu.Unlock()
	}
	slices.Sort(took)
	last := took[len(took)-1]
	t.Logf("after %s %d connections are back: half within %s, all within %s", why, len(crowd), took[len(took)/2].Round(time.Millisecond), last.Round(time.Millisecond))
	if last > stormBudget {
		t.Errorf("the last was back after %s, not within %s", last, stormBudget)
	}
}

// complete waits until every connection has heard of what its person said and was told in all rounds, and
// of nothing twice.
func complete(t *testing.T, crowd []*feed, rounds int) {
	t.Helper()
	for _, f := range crowd {
		f.await(fmt.Sprintf("two messages of %d rounds", rounds), func() bool {
			n := 0
			for _, e := range f.durable {
				if e.Event == "message" {
					n++
				}
			}
			return n >= 2*rounds
		})
		for id, n := range f.messages() {
			if n != 1 {
				t.Errorf("%s was told of %s %d times", f.c.who, id, n)
			}
		}
		f.check()
	}
}

// A reader that never reads is cut off in the end, and until then nobody else notices.
func TestReaderThatNeverReads(t *testing.T) {
	p := command(t, t.TempDir(), generous(t), "serve")
	alice, bob := p.signIn("alice"), p.signIn("bob")
	open, atBob := alice.open(), bob.open()
	deafReaders(t, alice, 3)
	connections := func(n int) bool {
		_, body, err := fetch(p.url, "/metrics")
		return err == nil && bytes.Contains([]byte(body), fmt.Appendf(nil, "\nportico_live_connections %d\n", n))
	}
	await(t, longest, "five connections", func() bool { return connections(5) })

	// More than the sockets' buffers and the queue of the deaf hold, to alice, who reads in her other tab.
	text := string(bytes.Repeat([]byte("never read "), 700))
	slowest, sent := time.Duration(0), 0
	for deadline := time.Now().Add(5 * longest); sent%20 != 0 || !connections(2); sent++ {
		if time.Now().After(deadline) {
			t.Fatalf("after %d messages the deaf are still connected", sent)
		}
		id := fmt.Sprintf("big-%05d", sent)
		begun := time.Now()
		bob.say("alice", id, text)
		open.await(id, func() bool {
			return slices.ContainsFunc(open.durable[max(0, len(open.durable)-8):], func(e event) bool { return e.ID == id })
		})
		slowest = max(slowest, time.Since(begun))
	}
	t.Logf("%d messages of %d bytes went on beside 3 deaf readers, the slowest took %s; then the deaf were cut", sent, len(text), slowest.Round(time.Millisecond))
	if slowest > longest/2 {
		t.Errorf("a message took %s", slowest)
	}
	if got := len(alice.archive("bob")); got != sent {
		t.Errorf("alice has %d of %d messages", got, sent)
	}
	open.check()
	atBob.check()
}
