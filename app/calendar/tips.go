package calendar

import (
	"strings"
	"sync"
	"time"

	"portico/app/portal"
)

// tips are the automatic replies of people who were asked to a meeting, as Exchange told them last: what a meeting's
// page shows while Exchange is away. What somebody is told depends on who asks, so each reader has their own.
type tips struct {
	mu sync.Mutex
	by map[tipKey]tip
}

type tipKey struct {
	reader portal.Address
	email  string
}

type tip struct {
	note portal.OutOfOfficeNote
	at   time.Time
}

const (
	// maxTips bounds what is kept; where there would be more, old ones are forgotten, and all where that is not enough.
	maxTips = 20_000
	// tipAge is how long a reply is kept where the room for them is short.
	tipAge = 24 * time.Hour
)

func newTips() *tips { return &tips{by: map[tipKey]tip{}} }

func tipOf(reader portal.Address, email string) tipKey { return tipKey{reader, strings.ToLower(email)} }

// keep notes what Exchange told a reader of those emails. Of whom it told nothing nothing is known any more.
func (t *tips) keep(reader portal.Address, emails []string, told map[string]portal.OutOfOfficeNote, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.by)+len(emails) > maxTips {
		t.thin(now, len(emails))
	}
	for _, email := range emails {
		if note, ok := told[strings.ToLower(email)]; ok {
			t.by[tipOf(reader, email)] = tip{note, now}
		} else {
			delete(t.by, tipOf(reader, email))
		}
	}
}

// thin makes room: it forgets what is too old, and everything where that is not enough.
func (t *tips) thin(now time.Time, wanted int) {
	for key, kept := range t.by {
		if now.Sub(kept.at) > tipAge {
			delete(t.by, key)
		}
	}
	if len(t.by)+wanted > maxTips {
		clear(t.by)
	}
}

// of is what a reader was told last of somebody.
func (t *tips) of(reader portal.Address, email string) (tip, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	kept, ok := t.by[tipOf(reader, email)]
	return kept, ok
}
