package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"portico/app/sipua/siptest"
)

// The portal is killed as kill -9 does in the middle of a burst and started again on the same data, several
// times: what was acknowledged is there once at both sides, everybody is registered and subscribed again
// without signing in, and the live channels go on where they stopped.

func TestPortalKilledInABurst(t *testing.T) {
	t.Run("lab", func(t *testing.T) {
		_, proxy := aside(t)
		newSlaughter(t, facing(t, proxy)).run(soak(t, 3))
	})
	t.Run("kamailio", func(t *testing.T) {
		k := siptest.StartKamailio(t, siptest.KamailioOptions{})
		newSlaughter(t, facing(t, k.Proxy("tcp"))).run(soak(t, 3))
	})
}

// slaughter is the people, their feeds and the reckoning over all rounds.
type slaughter struct {
	t     *testing.T
	p     *program
	rand  *rand.Rand
	feeds []*feed
	// bursts is what is said in one round of each of the directions at most.
	bursts int

	mu sync.Mutex
	// said is what each direction said, in the order in which it was first said, acked what of it the
	// portal has taken.
	said  map[way][]string
	acked map[string]bool
	acks  atomic.Int64
}

// way is who says something to whom.
type way struct{ from, to *feed }

func newSlaughter(t *testing.T, p *program) *slaughter {
	s := &slaughter{t: t, p: p, rand: chance(t), bursts: 40, said: map[way][]string{}, acked: map[string]bool{}}
	names := []string{"alice", "bob", "carol"}
	for _, name := range names {
		c := p.signIn(name)
		c.befriend(slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == name })...)
		s.feeds = append(s.feeds, c.open())
	}
	return s
}

func (s *slaughter) run(rounds int) {
	var longestBack time.Duration
	for r := range rounds {
		s.together()
		s.burst(r)
		begun := time.Now()
		s.p = s.p.again()
		s.back(r)
		longestBack = max(longestBack, time.Since(begun))
		s.repeat(r)
	}
	s.together()
	total := 0
	for w, want := range s.said {
		total += len(want)
		s.reckon(w, want)
	}
	s.t.Logf("%d rounds, %d messages, everybody back after at most %s", rounds, total, longestBack.Round(time.Millisecond))
}

// together waits until everybody sees everybody.
func (s *slaughter) together() {
	s.t.Helper()
	for _, f := range s.feeds {
		for _, other := range s.feeds {
			if other != f {
				f.awaitPresence(other.c.user(), "available")
			}
		}
	}
}

// burst lets everybody talk to everybody, by the API and by the live channel in turn, and kills the portal
// after a number of acknowledgements that chance picks.
func (s *slaughter) burst(round int) {
	s.acks.Store(0)
	end := int64(10 + s.rand.IntN(6*s.bursts/4))
	enough := make(chan struct{})
	var once sync.Once
	var wg sync.WaitGroup
	for _, from := range s.feeds {
		for _, to := range s.feeds {
			if from == to {
				continue
			}
			wg.Go(func() {
				for i := range s.bursts {
					id := fmt.Sprintf("r%d-%s-%s-%03d", round, from.c.user(), to.c.user(), i)
					if !s.sayOne(way{from, to}, id, i%2 == 0) {
						break
					}
					if s.acks.Load() >= end {
						once.Do(func() { close(enough) })
					}
				}
			})
		}
	}
	talked := make(chan struct{})
	go func() { wg.Wait(); close(talked) }()
	select {
	case <-enough:
	case <-talked:
	}
	s.p.kill()
	<-talked
}

// sayOne says a message; false: the portal is gone.
func (s *slaughter) sayOne(w way, id string, api bool) bool {
	s.mu.Lock()
	s.said[w] = append(s.said[w], id)
	s.mu.Unlock()
	if !api {
		return w.from.say(map[string]any{"op": "send", "id": id, "conversation": w.to.c.who, "text": "text of " + id})
	}
	status, err := w.from.c.try(http.MethodPost, "/conversations/"+person(w.to.c.user())+"/messages", map[string]string{"id": id, "text": "text of " + id}, nil)
	if err != nil {
		return false
	}
	if status != http.StatusAccepted {
		s.t.Errorf("say %s: status %d", id, status)
		return false
	}
	s.acks.Add(1)
	s.mu.Lock()
	s.acked[id] = true
	s.mu.Unlock()
	return true
}

// back waits until everybody is connected and registered again, with the tokens they had.
func (s *slaughter) back(round int) {
	s.t.Helper()
	for _, f := range s.feeds {
		f.await("to be connected again", func() bool { return f.live != nil && f.backs > round+1 })
		if status := f.c.call(http.MethodGet, "/me", nil, nil); status != http.StatusOK {
			s.t.Fatalf("%s must sign in again: status %d", f.c.who, status)
		}
	}
	awaitRegistered(s.t, s.p.url, len(s.feeds))
}

// repeat does what a page does after a loss: what was not acknowledged is said again under its id. Some of
// the acknowledged is said again too, which must change nothing.
func (s *slaughter) repeat(round int) {
	s.t.Helper()
	lost := 0
	for w, ids := range s.said {
		told := w.from.messages()
		for _, id := range ids {
			known := s.acked[id] || told[id] > 0
			if known && s.rand.IntN(8) > 0 {
				continue
			}
			if !known {
				lost++
			}
			w.from.c.say(w.to.c.user(), id, "text of "+id)
			s.acked[id] = true
		}
	}
	s.t.Logf("round %d: killed after %d acknowledgements, %d messages said again", round, s.acks.Load(), lost)
}

// reckon compares what was said one way with what both sides have.
func (s *slaughter) reckon(w way, said []string) {
	s.t.Helper()
	// Whoever is killed between storing a message and the notice of it never sends that notice (it is worth no more than the
	// moment): the sender learns of such a message when it is read.
	if status := w.to.c.call(http.MethodPost, "/conversations/"+person(w.from.c.user())+"/read", map[string]string{}, nil); status/100 != 2 {
		s.t.Fatalf("%s reads: status %d", w.to.c.who, status)
	}
	for _, id := range said {
		w.from.awaitState(id, "delivered", "read")
		w.to.await("message "+id, func() bool {
			return slices.ContainsFunc(w.to.durable, func(e event) bool { return e.Event == "message" && e.ID == id })
		})
	}
	var orders [2][]string
	for i, side := range []way{{w.from, w.to}, {w.to, w.from}} {
		told := side.from.messages()
		for _, m := range side.from.c.archive(side.to.c.user()) {
			if m.From != w.from.c.who {
				continue
			}
			orders[i] = append(orders[i], m.ID)
			if m.Text != "text of "+m.ID {
				s.t.Errorf("%s has %s as %q", side.from.c.who, m.ID, m.Text)
			}
			if i == 0 && m.State != "delivered" && m.State != "read" {
				s.t.Errorf("%s ended as %s %s", m.ID, m.State, m.Reason)
			}
			if told[m.ID] != 1 {
				s.t.Errorf("%s was told of %s %d times", side.from.c.who, m.ID, told[m.ID])
			}
		}
		side.from.check()
	}
	if !slices.Equal(orders[0], orders[1]) {
		s.t.Errorf("%s has, in this order,\n%v\nand %s\n%v", w.from.c.who, orders[0], w.to.c.who, orders[1])
	}
	for _, ids := range orders {
		if got := slices.Sorted(slices.Values(ids)); !slices.Equal(got, slices.Sorted(slices.Values(said))) {
			s.t.Errorf("%d messages from %s to %s in an archive, want %d", len(got), w.from.c.who, w.to.c.who, len(said))
		}
	}
}
