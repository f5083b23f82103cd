package resume

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"portico/app/portal"
)

// Store keeps drafts and places. Of two drafts in a conversation, and of two places, the newer one stays.
type Store interface {
	Drafts(ctx context.Context, owner portal.Address) ([]portal.Draft, error)
	Draft(ctx context.Context, owner, conversation portal.Address) (portal.Draft, error)
	SaveDraft(ctx context.Context, owner portal.Address, d portal.Draft) (portal.Draft, error)
	Place(ctx context.Context, who portal.Address) (portal.LastPlace, error)
	SavePlaces(ctx context.Context, places map[portal.Address]portal.LastPlace) error
}

const (
	// gather is how long places wait to be written together.
	gather = 2 * time.Second
	// maxWaiting bounds the people whose places wait; those beyond are not noted, and their next page is.
	maxWaiting = 10_000
	// writeTimeout is how long one writing may take.
	writeTimeout = 5 * time.Second
)

// Options are what a Service stands on beside its store.
type Options struct {
	Logger *slog.Logger
	Now    func() time.Time
	// Forbidden reports whether policy forbids to keep what somebody says (portal.DisableSavingIM). Then no draft of theirs is kept
	// or shown, and one from before is forgotten when it is asked for; nil: never.
	Forbidden func(who portal.Address) bool
}

// Service keeps what people go on with. Its methods may be called from any goroutine.
type Service struct {
	store     Store
	log       *slog.Logger
	now       func() time.Time
	forbidden func(portal.Address) bool
	bell      chan struct{} // rung when the first place waits

	mu sync.Mutex
	// waiting are places that are not written yet; an empty path is one to be forgotten.
	waiting map[portal.Address]portal.LastPlace
}

// New builds the service; without a logger and a clock it has none and the system's.
func New(store Store, o Options) *Service {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Forbidden == nil {
		o.Forbidden = func(portal.Address) bool { return false }
	}
	return &Service{store: store, log: o.Logger, now: o.Now, forbidden: o.Forbidden, bell: make(chan struct{}, 1), waiting: map[portal.Address]portal.LastPlace{}}
}

// Run writes places until ctx ends, then those that still wait. Nothing ticks while none does.
func (s *Service) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			s.write(context.WithoutCancel(ctx))
			return nil
		case <-s.bell:
		}
		later := time.NewTimer(gather)
		select {
		case <-ctx.Done():
		case <-later.C:
			s.write(ctx)
		}
		later.Stop()
	}
}

// write keeps what waits. What cannot be written waits on, unless there is something newer.
func (s *Service) write(ctx context.Context) {
	s.mu.Lock()
	places := s.waiting
	s.waiting = map[portal.Address]portal.LastPlace{}
	s.mu.Unlock()
	if len(places) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	err := s.store.SavePlaces(ctx, places)
	if err == nil {
		return
	}
	s.log.Warn("where people are could not be written; tried again", "people", len(places), "error", err)
	s.mu.Lock()
	defer s.mu.Unlock()
	for who, p := range places {
		if _, newer := s.waiting[who]; !newer {
			s.waiting[who] = p
		}
	}
	s.ring()
}

func (s *Service) ring() {
	select {
	case s.bell <- struct{}{}:
	default:
	}
}

// Went notes that somebody opened a page: a path with its query. One that is too long is noted without its query.
func (s *Service) Went(who portal.Address, path string) {
	if len(path) > portal.MaxPlaceLen {
		path, _, _ = strings.Cut(path, "?")
	}
	if path == "" || len(path) > portal.MaxPlaceLen {
		return
	}
	s.note(who, path)
}

func (s *Service) note(who portal.Address, path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.waiting[who]; !known && len(s.waiting) >= maxWaiting {
		return
	}
	s.waiting[who] = portal.LastPlace{Path: path, At: s.now()}
	s.ring()
}

// Place is where somebody was last; the zero LastPlace where that is not known.
func (s *Service) Place(ctx context.Context, who portal.Address) (portal.LastPlace, error) {
	s.mu.Lock()
	p, waits := s.waiting[who]
	s.mu.Unlock()
	switch {
	case waits && p.Path == "":
		return portal.LastPlace{}, nil
	case waits:
		return p, nil
	}
	return s.store.Place(ctx, who)
}

// Gone says that a page is no longer there: nobody is to be led to it.
func (s *Service) Gone(ctx context.Context, who portal.Address, path string) error {
	p, err := s.Place(ctx, who)
	if err == nil && p.Path == path {
		s.note(who, "")
	}
	return err
}

// Drafts are the texts that somebody has begun, newest first; none where they must not be kept.
func (s *Service) Drafts(ctx context.Context, owner portal.Address) ([]portal.Draft, error) {
	all, err := s.store.Drafts(ctx, owner)
	if err != nil || !s.forbidden(owner) {
		return all, err
	}
	for _, d := range all {
		if _, err := s.forget(ctx, owner, d.Conversation); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// Draft is what somebody has begun in a conversation; with an empty text and a time where it was sent or deleted then.
func (s *Service) Draft(ctx context.Context, owner, conversation portal.Address) (portal.Draft, error) {
	if s.forbidden(owner) {
		return s.forget(ctx, owner, conversation)
	}
	return s.store.Draft(ctx, owner, conversation)
}

// forget ends a draft that must not be kept any more and gives what is shown in its place: that there never was one.
func (s *Service) forget(ctx context.Context, owner, conversation portal.Address) (portal.Draft, error) {
	none := portal.Draft{Conversation: conversation}
	d, err := s.store.Draft(ctx, owner, conversation)
	if err != nil || d.Text == "" {
		return none, err
	}
	d.Text = "" // as of the same time, so that it takes the place of what is there
	_, err = s.store.SaveDraft(ctx, owner, d)
	return none, err
}

// SaveDraft keeps what somebody has begun, unless something newer is kept, and gives what is. Without a time it is from now;
// no draft is from the future, whatever the clock of its sender says. An empty text says that it was sent or deleted. Where drafts
// must not be kept it keeps none and gives one without text and time.
func (s *Service) SaveDraft(ctx context.Context, owner portal.Address, d portal.Draft) (portal.Draft, error) {
	if strings.TrimSpace(d.Text) == "" {
		d.Text = ""
	}
	if !utf8.ValidString(d.Text) || utf8.RuneCountInString(d.Text) > portal.MaxDraftLen {
		return portal.Draft{}, portal.Fail(portal.ErrInvalid, "draft.too-long")
	}
	if s.forbidden(owner) {
		return s.forget(ctx, owner, d.Conversation)
	}
	if now := s.now(); d.At.IsZero() || d.At.After(now) {
		d.At = now
	}
	return s.store.SaveDraft(ctx, owner, d)
}
