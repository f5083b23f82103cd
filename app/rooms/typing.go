package rooms

// Who is typing in a room.

import (
	"context"
	"slices"
	"sync"
	"time"

	"portico/app/portal"
)

const (
	// typingMembers is the largest room in which typing is told.
	typingMembers = 50
	// maxTypists bounds who types at the same time; more are not told.
	maxTypists = 20_000
	// typingRepeat is the least time between two equal words on one person's typing.
	typingRepeat = 3 * time.Second
)

type typist struct{ room, who portal.Address }

// typing is until when somebody's typing holds, and when it was last told to whom.
type typing struct {
	until, told time.Time
	to          []portal.Address
}

// typists owns who is typing now. What is not renewed ends by itself.
type typists struct {
	o  Options
	mu sync.Mutex
	of map[typist]typing
}

func newTypists(o Options) *typists { return &typists{o: o, of: map[typist]typing{}} }

// Typing tells the others in a room of at most 50 that who types, or has stopped. Who may not speak there is not
// heard of, and nobody hears of whom hides from them.
func (s *Service) Typing(who, at portal.Address, on bool) {
	if !on {
		s.typists.end(at, who)
		return
	}
	_, v, err := s.peek(who, at)
	if err != nil || s.mayTalk(v, who) != nil || v.room.Members > typingMembers {
		return
	}
	to := slices.DeleteFunc(slices.Clone(v.people), func(w portal.Address) bool {
		return w == who || slices.Contains(v.absent, w) || s.o.Hidden(who, w)
	})
	s.typists.begin(v.room.URI, who, to)
}

// begin notes that who types, and tells it where that is news.
func (t *typists) begin(at, who portal.Address, to []portal.Address) {
	now, key := t.o.Now(), typist{at, who}
	t.mu.Lock()
	defer t.mu.Unlock()
	had, there := t.of[key]
	if !there && len(t.of) >= maxTypists {
		return
	}
	if there && now.Sub(had.told) < typingRepeat {
		had.until = now.Add(t.o.TypingFor)
		t.of[key] = had
		return
	}
	t.of[key] = typing{until: now.Add(t.o.TypingFor), told: now, to: to}
	t.tell(key, to, true)
}

// end notes that who types no more.
func (t *typists) end(at, who portal.Address) {
	key := typist{at, who}
	t.mu.Lock()
	defer t.mu.Unlock()
	if had, there := t.of[key]; there {
		delete(t.of, key)
		t.tell(key, had.to, false)
	}
}

// tell is called with the lock held, so that the last word told is the last one that holds.
func (t *typists) tell(key typist, to []portal.Address, on bool) {
	for _, w := range to {
		t.o.Emit(w, portal.TypingEvent{Conversation: key.room, From: key.who, Typing: on})
	}
}

// run ends what was not renewed.
func (t *typists) run(ctx context.Context) error {
	tick := time.NewTicker(max(t.o.TypingFor/4, time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			t.expire(t.o.Now())
		}
	}
}

func (t *typists) expire(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for key, held := range t.of {
		if !held.until.After(now) {
			delete(t.of, key)
			t.tell(key, held.to, false)
		}
	}
}
