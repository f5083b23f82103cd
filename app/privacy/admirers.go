package privacy

// Who has added a person to their contact list, or watches them.

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"portico/app/policy"
	"portico/app/portal"
)

// The states of a watcher (RFC 3857 section 4.7.1).
const (
	watcherActive     = "active"
	watcherPending    = "pending"
	watcherWaiting    = "waiting"
	watcherTerminated = "terminated"
)

// Watchers takes the SIP server's word on who watches who now, all of them. Only the server can say that, in the dialog
// that who's own line opened: the caller sees to it. What cannot be is dropped and counted: addresses that are none, states
// there are not, more than Options.MaxWatchers.
func (s *Service) Watchers(who portal.Address, all []portal.Watcher) {
	kept, dropped := s.believable(who, all)
	if dropped > 0 {
		s.o.Dropped(dropped)
		s.o.Logger.Info("privacy: watchers that cannot be were left out", "owner", who, "dropped", dropped)
	}
	s.mu.Lock()
	o := s.owners[who]
	news := o != nil && o.signedIn && !slices.Equal(o.watchers, kept)
	if news {
		o.watchers = kept
	}
	s.mu.Unlock()
	if news {
		s.counts.ask(who)
	}
}

// believable are the watchers that can be, each once, by address.
func (s *Service) believable(who portal.Address, all []portal.Watcher) (kept []portal.Watcher, dropped int) {
	for _, w := range all {
		if w.Status == watcherTerminated || w.Who == who {
			continue // everybody watches themselves
		}
		if !canonical(w.Who) || w.Status != watcherActive && w.Status != watcherPending && w.Status != watcherWaiting || len(kept) >= s.o.MaxWatchers {
			dropped++
			continue
		}
		kept = append(kept, w)
	}
	slices.SortStableFunc(kept, func(a, b portal.Watcher) int {
		// Of several subscriptions of one watcher the one that is let in tells most.
		return cmp.Or(cmp.Compare(a.Who, b.Who), cmp.Compare(a.Status, b.Status), a.Since.Compare(b.Since))
	})
	return slices.CompactFunc(kept, func(a, b portal.Watcher) bool { return a.Who == b.Who }), dropped
}

// Admirers are those who have who on their contact list or watch them, the new ones first, then by name; at most
// Options.MaxAdmirers of each kind. An error means ErrUnavailable.
func (s *Service) Admirers(ctx context.Context, who portal.Address) ([]portal.Admirer, error) {
	list, err := s.admirers(ctx, who)
	if err != nil {
		return nil, err
	}
	for i := range list {
		if list[i].Name = s.o.Lookup(ctx, list[i].Who).DisplayName; list[i].Name == "" {
			list[i].Name = list[i].Who.Bare()
		}
	}
	slices.SortStableFunc(list, func(a, b portal.Admirer) int {
		if a.New != b.New {
			if a.New {
				return -1
			}
			return 1
		}
		return cmp.Or(strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), cmp.Compare(a.Who, b.Who))
	})
	return list, nil
}

// admirers are those of Admirers without names, by address.
func (s *Service) admirers(ctx context.Context, who portal.Address) ([]portal.Admirer, error) {
	p, ties, err := s.store.Privacy(ctx, who)
	if err != nil {
		return nil, err
	}
	here, err := s.store.Admirers(ctx, who, s.o.MaxAdmirers)
	if err != nil {
		return nil, err
	}
	known, err := s.store.Known(ctx, who)
	if err != nil {
		return nil, err
	}
	byAddress := map[portal.Address]*portal.Admirer{}
	of := func(a portal.Address) *portal.Admirer {
		if byAddress[a] == nil {
			byAddress[a] = &portal.Admirer{Who: a, New: true, Relationship: policy.RelationshipOf(p, ties, a, s.domainOf(who))}
		}
		return byAddress[a]
	}
	for _, a := range here {
		if a != who {
			of(a)
		}
	}
	for _, w := range s.watchersOf(who) {
		a := of(w.Who)
		a.Watching, a.Pending, a.Since = w.Status == watcherActive, w.Status != watcherActive, w.Since
	}
	for _, t := range ties {
		if a := byAddress[t.With]; a != nil {
			a.New, a.Contact = false, t.Contact
		}
	}
	for _, k := range known {
		if a := byAddress[k]; a != nil {
			a.New = false
		}
	}
	list := make([]portal.Admirer, 0, len(byAddress))
	for _, a := range byAddress {
		list = append(list, *a)
	}
	slices.SortFunc(list, func(a, b portal.Admirer) int { return compare(a.Who, b.Who) })
	return list, nil
}

func (s *Service) watchersOf(who portal.Address) []portal.Watcher {
	s.mu.RLock()
	defer s.mu.RUnlock()
	o := s.owners[who]
	if o == nil {
		return nil
	}
	return o.watchers[:min(len(o.watchers), s.o.MaxAdmirers)]
}

// NewOnes is how many of who's admirers they have not said a word on. An error means ErrUnavailable.
func (s *Service) NewOnes(ctx context.Context, who portal.Address) (int, error) {
	list, err := s.admirers(ctx, who)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, a := range list {
		if a.New {
			n++
		}
	}
	return n, nil
}

// count is the chore of telling somebody how many are new, where that changed.
func (s *Service) count(ctx context.Context, who portal.Address) error {
	ctx, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	n, err := s.NewOnes(ctx, who)
	if err != nil {
		s.o.Logger.Warn("privacy: who watches somebody could not be read; tried again", "owner", who, "err", err)
		return err
	}
	s.mu.Lock()
	o := s.owners[who]
	news := o != nil && o.signedIn && o.told != n && !(o.told == untold && n == 0)
	if o != nil && o.signedIn {
		o.told = n
	}
	s.mu.Unlock()
	if news {
		s.o.Emit(who, portal.WatchersEvent{New: n})
	}
	return nil
}

func compare(a, b portal.Address) int { return cmp.Compare(a, b) }
