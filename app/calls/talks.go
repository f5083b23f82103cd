package calls

import (
	"context"
	"slices"
	"sync"

	"portico/app/portal"
)

// Who talks: the calls of people's own devices that are under way, as the dialog event package tells them (RFC 4235). A dialog that is
// confirmed is a conversation; one that is being set up is not.

// callsKnown is how many of a person's last conversations are known by their Call-ID, so that a call that another device took is not
// missed whichever of the two is heard of first.
const callsKnown = 32

// talks is guarded by its mutex.
type talks struct {
	mu     sync.Mutex
	people map[portal.Address]*talk
}

// talk is one person's: whether they talk now, and the Call-IDs of their last conversations, oldest first.
type talk struct {
	now   bool
	calls []string
}

// update takes all of a person's dialogs. Changed is true where they began or ended to talk; fresh are the Call-IDs of conversations
// that were not known.
func (t *talks) update(who portal.Address, ds []portal.Dialog) (now, changed bool, fresh []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.people[who]
	if p == nil {
		if len(ds) == 0 {
			return false, false, nil
		}
		p = &talk{}
		t.people[who] = p
	}
	for _, d := range ds {
		if d.State != portal.DialogConfirmed {
			continue
		}
		now = true
		if d.CallID != "" && !slices.Contains(p.calls, d.CallID) {
			fresh = append(fresh, d.CallID)
			p.calls = append(p.calls, d.CallID)
		}
	}
	if over := len(p.calls) - callsKnown; over > 0 {
		p.calls = slices.Delete(p.calls, 0, over)
	}
	changed = p.now != now
	p.now = now
	return now, changed, fresh
}

// talking reports whether the person is in a call now.
func (t *talks) talking(who portal.Address) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.people[who]
	return p != nil && p.now
}

// talked reports whether a Call-ID is that of a conversation the person has, or had not long ago.
func (t *talks) talked(who portal.Address, callID string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.people[who]
	return p != nil && callID != "" && slices.Contains(p.calls, callID)
}

// forget drops what is known of somebody; it reports whether they were talking.
func (t *talks) forget(who portal.Address) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.people[who]
	delete(t.people, who)
	return p != nil && p.now
}

// Dialogs takes all calls of somebody's own devices that are under way: whether they talk is told to Options.InCall when it changes, and a
// call in the list that turns out to be one of these was taken elsewhere.
func (s *Service) Dialogs(ctx context.Context, who portal.Address, ds []portal.Dialog) {
	now, changed, fresh := s.talks.update(who, ds)
	if changed {
		s.o.InCall(who, now)
	}
	for _, callID := range fresh {
		_ = s.later.do(ctx, "a call taken elsewhere", func(ctx context.Context) error {
			turn := s.turn(who)
			turn.Lock()
			defer turn.Unlock()
			c, found, err := s.store.CallOf(ctx, who, callID)
			if err != nil || !found {
				return err
			}
			return s.taken(ctx, c)
		})
	}
}
