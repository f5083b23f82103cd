package contacts

// One person's list brought together with that of the SIP server.
//
// What both agreed on is kept in storage, with the entity tag of the server's list that goes with it. Before a round
// changes anything it notes what it is about to do, so that a round that is cut off, or whose answer is lost, is made up
// for by the next one. A change of ours is never lost: until the server has it, ours differs from what was agreed. Where
// the answer to a write is lost and another client takes off the very entry that it added before the list is read again,
// the entry comes back: that cannot be told from a write that never arrived.

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"portico/app/portal"
)

const (
	// rosterTime bounds one round with the server.
	rosterTime = 30 * time.Second
	// maxConflicts is how often a round begins anew because another client was quicker.
	maxConflicts = 4
	// rosterVersion is the form in which agreement is kept.
	rosterVersion = 1
)

// accord is what is kept of the server's list.
type accord struct {
	Version int `json:"version"`
	side
	// Meant is set while a round is under way.
	Meant *intents `json:"meant,omitempty"`
}

// accord reads what was agreed on; of something that cannot be read, that nothing was: then both lists are joined.
func (s *Service) accord(ctx context.Context, owner portal.Address) (etag string, a accord, err error) {
	etag, data, err := s.store.Roster(ctx, owner)
	if err != nil {
		return "", accord{}, err
	}
	none := accord{Version: rosterVersion, side: newSide()}
	if len(data) == 0 {
		return "", none, nil
	}
	if err := json.Unmarshal(data, &a); err != nil || a.Version != rosterVersion || a.Entries == nil {
		s.o.Logger.ErrorContext(ctx, "what was agreed of a contact list is not readable; both lists are joined", "person", owner, "err", err)
		return "", none, nil
	}
	return etag, a, nil
}

func (s *Service) saveAccord(ctx context.Context, owner portal.Address, etag string, a accord) error {
	data, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("contacts: agreement: %w", err)
	}
	return s.store.SaveRoster(ctx, owner, etag, data)
}

// agreement is how a round ended.
type agreement struct {
	entries, strange int
}

// agree brings one person's list and the server's together.
func (s *Service) agree(ctx context.Context, owner portal.Address) (agreement, error) {
	ctx, cancel := context.WithTimeout(ctx, rosterTime)
	defer cancel()
	for try := 1; ; try++ {
		got, err := s.agreeOnce(ctx, owner)
		if err == nil || try == maxConflicts || !errors.Is(err, portal.ErrConflict) {
			return got, err
		}
	}
}

func (s *Service) agreeOnce(ctx context.Context, owner portal.Address) (agreement, error) {
	etag, a, err := s.accord(ctx, owner)
	if err != nil {
		return agreement{}, err
	}
	l, unchanged, err := s.fetch(ctx, owner, etag)
	if err != nil {
		return agreement{}, err
	}
	if unchanged {
		same, err := s.unmoved(ctx, owner, etag, a)
		if err != nil {
			return agreement{}, err
		}
		if same {
			return agreement{entries: len(a.Entries), strange: -1}, nil
		}
		if l, _, err = s.fetch(ctx, owner, ""); err != nil { // all of it, to write it again
			return agreement{}, err
		}
	}
	if l.ETag == "" && len(l.Entries) == 0 && len(l.Groups) == 0 { // the server has no list: what was agreed on is gone with it
		etag, a = "", accord{Version: rosterVersion, side: newSide()}
	}
	return s.bring(ctx, owner, etag, a, l)
}

// fetch is Fetch with no list as an empty one without a tag.
func (s *Service) fetch(ctx context.Context, owner portal.Address, etag string) (RosterList, bool, error) {
	l, unchanged, err := s.o.Roster.Fetch(ctx, owner, etag)
	if portal.Meaning(err) == portal.ErrNotFound {
		return RosterList{}, false, nil
	}
	return l, unchanged && err == nil && etag != "", err
}

// unmoved reports whether our list is as it was agreed on, too. What the server has no place for may have changed: that is
// agreed on now.
func (s *Service) unmoved(ctx context.Context, owner portal.Address, etag string, a accord) (bool, error) {
	if a.Meant != nil {
		return false, nil
	}
	b, err := s.read(ctx, owner)
	if err != nil {
		return false, err
	}
	ours := sideOf(b)
	if !ours.same(a.side) {
		return false, nil
	}
	for uri, e := range ours.Entries {
		if a.Entries[uri].Local != e.Local {
			return true, s.saveAccord(ctx, owner, etag, accord{Version: rosterVersion, side: ours})
		}
	}
	return true, nil
}

// bring changes both lists to what they are to be.
func (s *Service) bring(ctx context.Context, owner portal.Address, etag string, a accord, l RosterList) (agreement, error) {
	var (
		v sight
		m side
	)
	noted := false
	_, err := s.changeInTurn(ctx, owner, func(b book) (ListChange, error) {
		ours := sideOf(b)
		v = sightOf(owner, l, b, ours, a.side, s.o.Limit)
		a = accord{Version: rosterVersion, side: settle(a.side, a.Meant, ours, v.side)}
		m = merge(a.side, ours, v.side)
		change, err := s.changeTo(ctx, owner, b, ours, m)
		if err != nil || empty(change) {
			return change, err
		}
		noted = true
		return change, s.note(ctx, owner, etag, a, v.side, m)
	})
	if err != nil {
		return agreement{}, err
	}
	if !m.same(v.side) {
		if !noted {
			if err := s.note(ctx, owner, etag, a, v.side, m); err != nil {
				return agreement{}, err
			}
		}
		if l.ETag, err = s.o.Roster.Store(ctx, owner, v.written(m), l.ETag); err != nil {
			return agreement{}, err
		}
	}
	a = accord{Version: rosterVersion, side: m}
	return agreement{entries: len(m.Entries) + len(v.strange), strange: len(v.strange)}, s.saveAccord(ctx, owner, l.ETag, a)
}

// note keeps what the round is about to do.
func (s *Service) note(ctx context.Context, owner portal.Address, etag string, a accord, theirs, m side) error {
	a.Meant = meant(a.side, theirs, m)
	return s.saveAccord(ctx, owner, etag, a)
}
