package rooms

// The service: what it stands on, what it is told once, and its life.

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"

	"portico/app/portal"
)

// Options adjust a Service. The zero value is a working set, but for Domain.
type Options struct {
	// Domain is the rooms' SIP domain, PersonDomain that of the portal's people (empty: any).
	Domain, PersonDomain string
	// ServerRooms is the pattern of the addresses of rooms that live on the SIP server, with one "*":
	// "sip:chat-*@example.test". Empty: there are none.
	ServerRooms string

	// Emit tells a person's browsers the newest value of something; it must not block.
	Emit func(to portal.Address, ev portal.Current)
	// Changed is told whose counts are no longer what they were; it must not block. It is called at most once a
	// CountsEvery for each person.
	Changed func(who portal.Address)
	// Live reports whether a person has a page open, so that their counts matter now; nil: everybody has.
	Live func(who portal.Address) bool
	// NameOf is a person's display name, empty where it is not known. It is asked often and must answer from memory.
	NameOf func(who portal.Address) string
	// Known reports whether there is such a person; nil: everybody of PersonDomain.
	Known func(ctx context.Context, who portal.Address) bool
	// MaySearch reports whether policy lets a person search what was said in rooms; nil: everybody may.
	MaySearch func(ctx context.Context, who portal.Address) (bool, error)
	// Past is the place up to which what was said in a group is not shown to somebody any more, because policy lets nothing be
	// kept of conversations; what they have not read is always shown. Nil, or zero: everything is. A lasting room is a place with a
	// memory of its own, for which Retention holds.
	Past func(ctx context.Context, who, room portal.Address) (int64, error)
	// Say gives a sentence in the language of to (empty: of nobody in particular): key is one of the Word constants,
	// args what fills it. Nil, or an empty answer: English. It may take a moment.
	Say func(to portal.Address, key string, args map[string]string) string
	// Archive keeps what is said in rooms of the SIP server in a person's own archive (chat.Log's AddMessage).
	Archive func(ctx context.Context, m portal.Message, evs ...portal.Addressed) (portal.Message, bool, error)

	// EditWindow is how long one may edit and delete what one said (24 h; below zero: not at all).
	EditWindow time.Duration
	// InForce is the policies that hold for somebody, from memory: who may make lasting rooms, who may say anything, and how
	// large their files may be (at most MaxFile); nil: none.
	InForce func(who portal.Address) portal.InForce
	// Blocked reports whether owner has blocked by: who is put into a group by somebody they blocked is in it by name only.
	// Nil: nobody has. An error means ErrUnavailable.
	Blocked func(ctx context.Context, owner, by portal.Address) (bool, error)
	// Hidden reports, from memory, whether owner hides from viewer, who then does not learn that they type or have read.
	// Nil: nobody does.
	Hidden func(owner, viewer portal.Address) bool
	// MaxFile is the largest file in bytes (25 MiB), MaxPixels the largest picture that is shown (40 million).
	MaxFile   int64
	MaxPixels int
	// Rate and Burst bound how often one person does one thing in one room: says something, changes what was said, puts
	// files there, comes or lets people in (5 a second, 30).
	Rate  rate.Limit
	Burst int
	// Retention is how long messages are kept, but for pinned ones. The store removes them; lists show none that is
	// older. Zero: for ever.
	Retention time.Duration
	Logger    *slog.Logger
	Now       func() time.Time

	// CountsEvery is the least time between two words on a person's counts (1 s).
	CountsEvery time.Duration
	// NamesEvery is how often display names are asked for again (5 min).
	NamesEvery time.Duration
	// TypingFor is how long somebody's typing holds without news (20 s).
	TypingFor time.Duration
	// ServerAnswer is how long an answer of the SIP server's rooms is waited for (5 s).
	ServerAnswer time.Duration
	// WordsEvery is the least time between two unasked explanations of the same to one sender (1 min).
	WordsEvery time.Duration

	// What is sent to SIP members: SendTimeout bounds one try (40 s), FirstRetry and MaxRetry the wait between tries
	// (2 s doubling to 2 min), MaxAge how long one is tried (1 h), SendQueue what waits for one member in one room
	// (100), Senders how many are sent to at the same time (64).
	SendTimeout, FirstRetry, MaxRetry, MaxAge time.Duration
	SendQueue, Senders                        int
	// Drain is how long Run goes on with what can be sent at once when it ends (2 s).
	Drain time.Duration
	// GapWait is how long a message that was given a place, but was not told of, is waited for before it is looked for in
	// the store (2 s).
	GapWait time.Duration
}

func (o Options) withDefaults() Options {
	if o.Emit == nil {
		o.Emit = func(portal.Address, portal.Current) {}
	}
	if o.Changed == nil {
		o.Changed = func(portal.Address) {}
	}
	if o.Live == nil {
		o.Live = func(portal.Address) bool { return true }
	}
	if o.NameOf == nil {
		o.NameOf = func(portal.Address) string { return "" }
	}
	if o.Known == nil {
		domain := o.PersonDomain
		o.Known = func(_ context.Context, who portal.Address) bool { return domain == "" || who.Domain() == domain }
	}
	if o.Past == nil {
		o.Past = func(context.Context, portal.Address, portal.Address) (int64, error) { return 0, nil }
	}
	if o.MaySearch == nil {
		o.MaySearch = func(context.Context, portal.Address) (bool, error) { return true, nil }
	}
	if o.Say == nil {
		o.Say = func(portal.Address, string, map[string]string) string { return "" }
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	for value, standard := range map[*time.Duration]time.Duration{
		&o.EditWindow: 24 * time.Hour, &o.CountsEvery: time.Second, &o.NamesEvery: 5 * time.Minute,
		&o.TypingFor: 20 * time.Second, &o.ServerAnswer: 5 * time.Second, &o.WordsEvery: time.Minute,
		&o.SendTimeout: 40 * time.Second, &o.FirstRetry: 2 * time.Second, &o.MaxRetry: 2 * time.Minute,
		&o.MaxAge: time.Hour, &o.Drain: 2 * time.Second, &o.GapWait: 2 * time.Second,
	} {
		if *value == 0 || *value < 0 && value != &o.EditWindow {
			*value = standard
		}
	}
	for value, standard := range map[*int]int{&o.MaxPixels: 40_000_000, &o.Burst: 30, &o.SendQueue: 100, &o.Senders: 64} {
		if *value <= 0 {
			*value = standard
		}
	}
	if o.InForce == nil {
		o.InForce = func(portal.Address) portal.InForce { return portal.InForce{MayCreateRooms: true} }
	}
	if o.Blocked == nil {
		o.Blocked = func(context.Context, portal.Address, portal.Address) (bool, error) { return false, nil }
	}
	if o.Hidden == nil {
		o.Hidden = func(portal.Address, portal.Address) bool { return false }
	}
	if o.MaxFile <= 0 {
		o.MaxFile = 25 << 20
	}
	if o.Rate <= 0 {
		o.Rate = 5
	}
	return o
}

// Service is all rooms of the portal. Its methods may be called from any goroutine, after Load.
type Service struct {
	store Store
	blobs Blobs
	line  Line
	o     Options

	// mu guards rooms, former, people and index, and what is in them. It is never held while the store is asked.
	mu    sync.RWMutex
	rooms map[portal.Address]*room
	// former are addresses that rooms had before: whoever still has one reaches the room by it.
	former map[portal.Address]*room
	people map[portal.Address]*person
	index  *index

	flood   *flood
	recent  *recent
	news    *news
	typists *typists
	carrier *carrier
	server  *server
	// groups and wording let one at a time look for a group and make it, and replace watched words.
	groups, wording *semaphore.Weighted
	running         sync.Mutex
}

// New builds the service; nothing is there before Load, nothing is sent before Run.
func New(store Store, blobs Blobs, line Line, o Options) *Service {
	o = o.withDefaults()
	s := &Service{store: store, blobs: blobs, line: line, o: o, rooms: map[portal.Address]*room{}, former: map[portal.Address]*room{}, people: map[portal.Address]*person{},
		index: newIndex(), flood: newFlood(o.Rate, o.Burst), recent: newRecent(), typists: newTypists(o),
		groups: semaphore.NewWeighted(1), wording: semaphore.NewWeighted(1)}
	s.news, s.server = newNews(s), newServer(s)
	s.carrier = newCarrier(line, o)
	s.carrier.say, s.carrier.called = s.word, s.called
	s.carrier.at = func(r *room) portal.Address { return r.address(s) }
	s.carrier.look = func(ctx context.Context, r *room, place int64) (portal.RoomMessage, error) {
		return store.RoomMessage(ctx, r.address(s), place)
	}
	return s
}

// Run sends to SIP members, keeps counts, names and typing current. It returns nil when ctx is done and everything
// it started has ended: what can go to SIP members at once still does. What waits for one who cannot be reached then is
// lost to them; the room has it.
func (s *Service) Run(ctx context.Context) error {
	s.running.Lock()
	defer s.running.Unlock()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.carrier.run(ctx) })
	g.Go(func() error { return s.news.run(ctx) })
	g.Go(func() error { return s.typists.run(ctx) })
	g.Go(func() error { return s.follow(ctx) })
	return g.Wait()
}

// follow keeps display names current; the first time at once, since the address book may not have been there at Load.
func (s *Service) follow(ctx context.Context) error {
	tick := time.NewTicker(s.o.NamesEvery)
	defer tick.Stop()
	for {
		s.names()
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
