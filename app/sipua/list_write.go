package sipua

// Writing the list that a person subscribes to (RFC 4826 section 4), where it is configured. Where the server will not
// have it, everybody is watched one by one.

import (
	"context"
	"fmt"
	"slices"

	"portico/app/portal"
	"portico/app/sipua/xcap"
)

// maxListed is how many people stand on a list; more are watched one by one.
const maxListed = 1000

// listed is what the server was told, and what it is to be told. It is guarded by the line's mutex.
type listed struct {
	written []portal.Address
	queued  bool // in the pacer
}

// people are those who are wanted, in order. The caller holds the mutex.
func (l *line) people() []portal.Address {
	var all []portal.Address
	for of, s := range l.subs {
		if s.is(subWanted) {
			all = append(all, of)
		}
	}
	slices.Sort(all)
	return all[:min(len(all), maxListed)]
}

// wantList reports whether the list has to be written. The caller holds the mutex, and has it written then.
func (l *line) wantList() bool {
	if l.listed.queued || l.listWritten() && slices.Equal(l.people(), l.listed.written) {
		return false
	}
	l.listed.queued = true
	return true
}

// listWritten reports whether there is a list to subscribe to. The caller holds the mutex.
func (l *line) listWritten() bool { return !l.a.cfg.ResourceLists || l.kept&keptService != 0 }

// listJob writes a person's list and subscribes to it, or gives up on it. It is tried again when the list changes.
func (a *Agent) listJob(ctx context.Context, j job) {
	l := j.l
	l.mu.Lock()
	l.listed.queued = false
	people, s, gone := l.people(), l.list, l.gone || l.leaving
	l.mu.Unlock()
	if gone || s == nil {
		return
	}
	_, err := a.docs.client.Put(ctx, l.who, xcap.ListService, xcap.EncodeListService(s.of, people), xcap.Condition{})
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		err = l.note(fmt.Errorf("list service not written: %w", err))
		a.cfg.Logger.Warn("contacts are watched one by one", "person", l.who, "error", err)
		l.uncover()
		return
	}
	l.mu.Lock()
	l.kept |= keptService
	l.listed.written = people
	again := l.wantList() // who was wanted meanwhile
	l.mu.Unlock()
	s.enqueue(false)
	if again {
		a.lists.put(job{l: l}, false)
	}
}
