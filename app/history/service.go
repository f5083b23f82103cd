package history

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"portico/app/portal"
)

// Service is a person's history and what becomes of it in Exchange. Its methods may be called from any goroutine.
type Service struct {
	store Store
	mail  Mail // nil without Exchange
	o     Options
	// nudge wakes the writer; it has room for one.
	nudge   chan struct{}
	exports exports
}

// New makes a Service; mail is nil where there is no Exchange. Nothing is written there before Run.
func New(store Store, mail Mail, o Options) *Service {
	return &Service{store: store, mail: mail, o: o.withDefaults(), nudge: make(chan struct{}, 1),
		exports: exports{now: map[portal.Address]int{}}}
}

const (
	// pageDefault and pageMost bound a page of the history, linesMost one of an episode.
	pageDefault, pageMost = 50, 200
	linesMost             = 500
	// maxQuery is the longest search in bytes, maxReason the longest reason of an administrator in characters.
	maxQuery, maxReason = 500, 500
)

// saving is what is kept of somebody. Where policy forbids keeping conversations there is no history to see: an error that means ErrForbidden.
func (s *Service) saving(ctx context.Context, who portal.Address) (portal.Saving, error) {
	saving, err := s.o.Saving(ctx, who)
	if err == nil && saving.Forbidden {
		err = portal.Fail(portal.ErrForbidden, "history.forbidden")
	}
	return saving, err
}

// allowed is saving where only the error matters.
func (s *Service) allowed(ctx context.Context, who portal.Address) error {
	_, err := s.saving(ctx, who)
	return err
}

// shown is an episode as it is shown: of one that will not be kept it is not said that it waits for that.
func (s *Service) shown(saving portal.Saving, e portal.Episode) portal.Episode {
	if e.Kept == portal.KeptWaiting && (s.mail == nil || !saving.History) {
		e.Kept, e.Reason = portal.KeptNot, ""
	}
	return e
}

// checked is q within its bounds.
func checked(q portal.HistoryQuery) (portal.HistoryQuery, error) {
	q.Q = strings.TrimSpace(q.Q)
	if len(q.Q) > maxQuery || !utf8.ValidString(q.Q) {
		return q, portal.Fail(portal.ErrInvalid, "history.query")
	}
	switch q.Kind {
	case "", portal.EpisodeIM, portal.EpisodeGroup, portal.EpisodeRoom, portal.EpisodeForeign:
	default:
		return q, portal.Fail(portal.ErrInvalid, "history.kind")
	}
	if !q.From.IsZero() && !q.To.IsZero() && !q.From.Before(q.To) {
		return q, portal.Fail(portal.ErrInvalid, "history.range")
	}
	if q.Limit <= 0 {
		q.Limit = pageDefault
	}
	q.Limit = min(q.Limit, pageMost)
	return q, nil
}

// List gives a page of the person's history, newest first: episodes, and with words in q the messages that have them.
// Errors mean ErrInvalid ("history.query", "history.cursor" …) and ErrForbidden ("history.forbidden").
func (s *Service) List(ctx context.Context, who portal.Address, q portal.HistoryQuery) (portal.HistoryPage, error) {
	saving, err := s.saving(ctx, who)
	if err != nil {
		return portal.HistoryPage{}, err
	}
	if q, err = checked(q); err != nil {
		return portal.HistoryPage{}, err
	}
	if q.Q == "" || q.Kind == portal.EpisodeForeign {
		page, err := s.merged(ctx, who, q)
		for i, e := range page.Episodes {
			page.Episodes[i] = s.shown(saving, e)
		}
		return page, err
	}
	page := portal.HistoryPage{Episodes: []portal.Episode{}}
	page.Hits, page.Next, err = s.store.Search(ctx, who, s.o.Spans(who), q)
	return page, err
}

// maxDays is the longest stretch whose days are counted at once.
const maxDays = 400 * 24 * time.Hour

// Days counts messages by day ("2026-11-21") of a time zone in [from, to), which may be at most 400 days.
func (s *Service) Days(ctx context.Context, who portal.Address, from, to time.Time, zone *time.Location) (map[string]int, error) {
	if err := s.allowed(ctx, who); err != nil {
		return nil, err
	}
	if !from.Before(to) || to.Sub(from) > maxDays {
		return nil, portal.Fail(portal.ErrInvalid, "history.range")
	}
	if zone == nil {
		zone = time.UTC
	}
	return s.store.Days(ctx, who, s.o.Spans(who), from, to, zone)
}

// Open gives an episode with at most limit (default and most: 500) of its messages after a cursor, oldest first; zero: from the
// start. A foreign item comes whole, as HTML that has not been cleaned. ErrNotFound ("history.not-found").
func (s *Service) Open(ctx context.Context, who portal.Address, id string, after int64, limit int) (portal.Transcript, error) {
	saving, err := s.saving(ctx, who)
	if err != nil {
		return portal.Transcript{}, err
	}
	if item, foreign := strings.CutPrefix(id, foreignPrefix); foreign {
		return s.openForeign(ctx, who, item)
	}
	e, err := s.store.Episode(ctx, who, s.o.Spans(who), id)
	if err != nil {
		return portal.Transcript{}, err
	}
	if limit <= 0 || limit > linesMost {
		limit = linesMost
	}
	lines, err := s.store.Lines(ctx, e, after, limit)
	return portal.Transcript{Episode: s.shown(saving, e), Lines: lines}, err
}

// Delete takes the person's own copy of an episode away, and the item in Exchange that it was written to; a foreign item is
// deleted from the mailbox. Messages that are still on their way stay.
func (s *Service) Delete(ctx context.Context, who portal.Address, id string) error {
	if err := s.allowed(ctx, who); err != nil {
		return err
	}
	if item, foreign := strings.CutPrefix(id, foreignPrefix); foreign {
		return s.deleteForeign(ctx, who, item)
	}
	if _, err := s.store.Episode(ctx, who, s.o.Spans(who), id); err != nil {
		return err
	}
	if err := s.store.DeleteEpisode(ctx, who, id); err != nil {
		return err
	}
	s.o.Changed(who)
	s.wake()
	return nil
}

// wake lets the writer look again soon.
func (s *Service) wake() {
	select {
	case s.nudge <- struct{}{}:
	default: // it will look anyway
	}
}
