package ews

import (
	"sync"

	"portico/app/portal"
)

// Entries that this portal has just written, as they were read back: when the server then tells of the same version, it need not be
// asked for it once more.

// maxFresh is how many entries are kept; the oldest goes first.
const maxFresh = 1024

// freshKey is an entry as somebody sees it.
type freshKey struct {
	calendarKey
	id string
}

// freshBook keeps entries. It may be used from any goroutine.
type freshBook struct {
	mu    sync.Mutex
	of    map[freshKey]portal.Entry
	order []freshKey // as they came, round and round
	next  int
}

func newFreshBook() *freshBook { return &freshBook{of: map[freshKey]portal.Entry{}} }

// keep keeps an entry. Only those whose version says all about them: singles that are nobody else's business and have no files.
func (b *freshBook) keep(key calendarKey, e portal.Entry) {
	if e.Kind != portal.KindSingle || len(e.Attendees) > 0 || len(e.Attachments) > 0 || e.ChangeKey == "" {
		return
	}
	k := freshKey{key, e.RemoteID}
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, there := b.of[k]; !there {
		if len(b.order) < maxFresh {
			b.order = append(b.order, k)
		} else {
			delete(b.of, b.order[b.next])
			b.order[b.next] = k
			b.next = (b.next + 1) % maxFresh
		}
	}
	b.of[k] = e
}

// find gives an entry if it is of this version.
func (b *freshBook) find(key calendarKey, id, version string) (portal.Entry, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e, ok := b.of[freshKey{key, id}]
	return e, ok && version != "" && e.ChangeKey == version
}

// unread gives of ids those that have to be read, and the entries of the others.
func (b *freshBook) unread(key calendarKey, ids []string, versions map[string]string) (out []string, list []portal.Entry) {
	for _, id := range ids {
		if e, ok := b.find(key, id, versions[id]); ok {
			list = append(list, e)
		} else {
			out = append(out, id)
		}
	}
	return out, list
}
