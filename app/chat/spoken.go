package chat

// Telling others that one of our people types: once at the start, now and then while it goes on, once
// at the end, however often and from however many tabs the browsers say so.

import (
	"context"
	"sync"
	"time"

	"portico/app/portal"
)

// muteFor is how long a peer that refused to hear of typing is left alone.
const muteFor = time.Hour

type pair struct{ from, to portal.Address }

// told is what a peer was last told, and since when they want to hear nothing.
type told struct {
	typing     bool
	at         time.Time
	mutedUntil time.Time
}

// spoken owns what peers were told of our people's typing. Entries that say nothing any more are swept
// out when there are many.
type spoken struct {
	o     Options
	mu    sync.Mutex
	pairs map[pair]told
	sweep int
}

// firstSweep is the number of entries from which the old ones are looked for.
const firstSweep = 1024

func newSpoken(o Options) *spoken {
	return &spoken{o: o, pairs: map[pair]told{}, sweep: firstSweep}
}

// Typing tells the other side of a conversation that from types, or has stopped. It returns at once;
// a browser may say it as often as it likes. An error means ErrInvalid.
func (s *Service) Typing(ctx context.Context, from, conversation portal.Address, typing bool) error {
	if from == "" || conversation == "" {
		return portal.Fail(portal.ErrInvalid, "message.conversation")
	}
	if from == conversation || s.mayTalk(from, conversation) != nil || !s.spoken.due(from, conversation, typing) {
		return ctx.Err()
	}
	s.asides.do(from, conversation, func(ctx context.Context) {
		if s.mayReach(ctx, from, conversation) != nil {
			return // from has blocked them
		}
		err := s.line.SendTyping(ctx, from, conversation, typing)
		if err == nil {
			return
		}
		s.o.Logger.Debug("chat: typing was not told", "from", from, "to", conversation, "err", err)
		if m := portal.Meaning(err); m != portal.ErrUnavailable && ctx.Err() == nil {
			s.spoken.mute(from, conversation)
		}
	})
	return nil
}

// due decides whether the peer is to be told, and notes that they are.
func (s *spoken) due(from, to portal.Address, typing bool) bool {
	now, key := s.o.Now(), pair{from, to}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.pairs[key]
	if t.mutedUntil.After(now) {
		return false
	}
	age := now.Sub(t.at)
	if typing && t.typing && age < s.o.TypingRepeat || !typing && (!t.typing || age >= s.o.TypingRefresh) {
		return false
	}
	if !typing {
		delete(s.pairs, key)
		return true
	}
	s.pairs[key] = told{typing: true, at: now}
	s.tidy(now)
	return true
}

// said: a message ends typing on both sides without a word (RFC 3994 section 3.2).
func (s *spoken) said(from, to portal.Address) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := pair{from, to}
	if t, ok := s.pairs[key]; ok && t.mutedUntil.IsZero() {
		delete(s.pairs, key)
	}
}

func (s *spoken) mute(from, to portal.Address) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pairs[pair{from, to}] = told{mutedUntil: s.o.Now().Add(muteFor)}
}

// tidy forgets what says nothing any more, each time the number of entries has doubled.
func (s *spoken) tidy(now time.Time) {
	if len(s.pairs) < s.sweep {
		return
	}
	for key, t := range s.pairs {
		if !t.mutedUntil.After(now) && now.Sub(t.at) >= s.o.TypingRefresh {
			delete(s.pairs, key)
		}
	}
	s.sweep = max(firstSweep, 2*len(s.pairs))
}
