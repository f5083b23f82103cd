package calsync

import (
	"context"
	"fmt"
	"sync"
	"time"

	"portico/app/portal"
)

// The live log: what the engine is about, for somebody who watches. Lines beyond its size push out the oldest. No texts of
// appointments stand in it.

// The levels of the live log.
const (
	levelFailures = 1
	levelDecided  = 2
	levelCarried  = 3
	levelRead     = 4
	levelAll      = 5
)

type liveLog struct {
	mu    sync.Mutex
	level int
	all   bool
	seq   int64
	ring  []portal.SyncLogLine
	next  int
}

func newLiveLog(size int) *liveLog { return &liveLog{ring: make([]portal.SyncLogLine, 0, size)} }

// set says how much is told; all: everything, whatever level says.
func (l *liveLog) set(level int, all bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.level, l.all = level, all
}

// tells reports whether lines of a level are wanted.
func (l *liveLog) tells(level int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all || level <= l.level
}

func (l *liveLog) add(at time.Time, level int, who portal.Address, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.all && level > l.level {
		return
	}
	l.seq++
	line := portal.SyncLogLine{Seq: l.seq, At: at, Level: level, Mailbox: who, Text: text}
	if len(l.ring) < cap(l.ring) {
		l.ring = append(l.ring, line)
		return
	}
	l.ring[l.next] = line
	l.next = (l.next + 1) % len(l.ring)
}

// after gives up to limit lines after a number, the oldest first.
func (l *liveLog) after(seq int64, limit int) []portal.SyncLogLine {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []portal.SyncLogLine
	for i := range l.ring {
		line := l.ring[(l.next+i)%len(l.ring)]
		if line.Seq > seq {
			out = append(out, line)
		}
	}
	if limit > 0 && len(out) > limit {
		out = out[:limit]
	}
	return out
}

// Lines gives up to limit lines of the live log after a number (0: from the oldest that is kept), the oldest first.
func (s *Service) Lines(_ context.Context, after int64, limit int) ([]portal.SyncLogLine, error) {
	return s.live.after(after, limit), nil
}

// say writes a line of the live log.
func (s *Service) say(level int, who portal.Address, format string, args ...any) {
	if s.live.tells(level) {
		s.live.add(s.o.Now(), level, who, fmt.Sprintf(format, args...))
	}
}
