package calls

import (
	"context"
	"hash/fnv"
	"sync"
	"time"

	"portico/app/portal"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"
)

// Service is what people missed. Its methods may be called from any goroutine.
type Service struct {
	store Store
	notes Notes // nil without Exchange
	o     Options
	// turns let one thing happen to a person's list at a time: it is read, decided on and written.
	turns [64]sync.Mutex
	later *later
	talks talks
	mail  *mailboxes
}

// New makes a Service; vm and notes are nil where there is no Exchange. Nothing is read or written there before Run.
func New(store Store, vm Voicemail, notes Notes, o Options) *Service {
	s := &Service{store: store, notes: notes, o: o.withDefaults()}
	s.later = newLater(s.o)
	s.talks.people = map[portal.Address]*talk{}
	s.mail = newMailboxes(s, vm)
	return s
}

// Run writes entries to Exchange, follows the voice mail of those who are signed in and makes up for what could not be stored, until ctx
// ends and what is under way has returned.
func (s *Service) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.later.run(ctx) })
	g.Go(func() error { return s.mail.run(ctx) })
	g.Go(func() error { return s.write(ctx) })
	return g.Wait()
}

// turn is whose turn it is where somebody's list changes.
func (s *Service) turn(who portal.Address) *sync.Mutex {
	h := fnv.New32a()
	h.Write([]byte(who))
	return &s.turns[h.Sum32()%uint32(len(s.turns))]
}

// about is the event that goes with an entry.
func about(c portal.Call, change portal.Change) portal.Addressed {
	return portal.Addressed{For: []portal.Address{c.Owner}, Event: portal.CallEvent{ID: c.ID, Change: change}}
}

// put stores an entry with its event and has the counts told.
func (s *Service) put(ctx context.Context, c portal.Call, change portal.Change) error {
	if err := s.store.PutCall(ctx, c, about(c, change)); err != nil {
		return err
	}
	s.o.Changed(c.Owner)
	return nil
}

// kept is whether a new entry of the owner waits to be written to Exchange, and whether what people wrote may be kept at all.
func (s *Service) kept(ctx context.Context, owner portal.Address) (state portal.KeptState, text bool, err error) {
	saving, err := s.o.Saving(ctx, owner)
	if err != nil {
		return portal.KeptNot, false, err
	}
	if s.notes == nil || !saving.Calls {
		return portal.KeptNot, !saving.Forbidden, nil
	}
	return portal.KeptWaiting, !saving.Forbidden, nil
}

// Rang takes a call that nobody took at this portal, once for each Call-ID. One of a caller who has called not long before, unseen,
// is counted with that. One that another device took, or whose Call-ID turns out to be that of a call under way, is not missed. An
// error that means ErrUnavailable is made up for by Run.
func (s *Service) Rang(ctx context.Context, r portal.Ring) error {
	return s.later.do(ctx, "a call", func(ctx context.Context) error { return s.rang(ctx, r) })
}

func (s *Service) rang(ctx context.Context, r portal.Ring) error {
	turn := s.turn(r.To)
	turn.Lock()
	defer turn.Unlock()
	taken := r.Taken || s.talks.talked(r.To, r.CallID)
	if r.CallID != "" {
		c, found, err := s.store.CallOf(ctx, r.To, r.CallID)
		switch {
		case err != nil:
			return err
		case found && taken:
			return s.taken(ctx, c)
		case found:
			return nil
		}
	}
	c := portal.Call{ID: uuid.NewString(), Owner: r.To, Kind: portal.MissedCall, From: r.From, Name: r.Name, Number: r.Number, CallID: r.CallID,
		At: r.At, Times: 1}
	if taken {
		c.Kind, c.Seen = portal.TakenElsewhere, true
		return s.put(ctx, c, portal.Created)
	}
	var err error
	if c.Kept, _, err = s.kept(ctx, r.To); err != nil {
		return err
	}
	last, found, err := s.store.LastOf(ctx, r.To, r.From, portal.MissedCall)
	if err != nil {
		return err
	}
	if !found || last.Seen || last.From == "" && (last.Number == "" || last.Number != r.Number) || !within(last.At, r.At, s.o.Row) {
		return s.put(ctx, c, portal.Created)
	}
	c.ID, c.Times = last.ID, last.Times+1
	or(&c.Name, last.Name)
	or(&c.Number, last.Number)
	return s.put(ctx, c, portal.Updated)
}

// within reports whether b lies at most d beside a.
func within(a, b time.Time, d time.Duration) bool { return b.Sub(a).Abs() <= d }

// taken notes that another device took a call. What is in Exchange already is put right there; what is not does not get there.
func (s *Service) taken(ctx context.Context, c portal.Call) error {
	if c.Kind != portal.MissedCall {
		return nil
	}
	c.Kind, c.Seen = portal.TakenElsewhere, true
	if c.Kept == portal.KeptThere {
		c.Kept = portal.KeptWaiting
	}
	return s.put(ctx, c, portal.Updated)
}

// messageID stands before the id of a conversation's last message, which its entry has for a Call-ID.
const messageID = "message:"

// textMost is how much of what was written an entry shows, in characters.
const textMost = 200

// Missed takes a message that came for the owner. Where they are away it becomes an entry, one for each who wrote until it is seen. What
// cannot be stored now is made up for by Run.
func (s *Service) Missed(ctx context.Context, owner portal.Address, m portal.Message) {
	if m.From == owner || !s.o.Away(owner) {
		return
	}
	// An error is logged where it cannot be made up for.
	_ = s.later.do(ctx, "a message missed", func(ctx context.Context) error { return s.missed(ctx, owner, m) })
}

func (s *Service) missed(ctx context.Context, owner portal.Address, m portal.Message) error {
	turn := s.turn(owner)
	turn.Lock()
	defer turn.Unlock()
	kept, text, err := s.kept(ctx, owner)
	if err != nil {
		return err
	}
	c, found, err := s.store.LastOf(ctx, owner, m.From, portal.MissedConversation)
	if err != nil {
		return err
	}
	id := messageID + m.ID
	if found && c.CallID == id {
		return nil // stored when it was tried before, though storage did not say so
	}
	if found && !c.Seen {
		c.Times++
		c.Kept, c.CallID = kept, id
		if !text {
			c.Text = "" // forbidden since the first one came
		}
		return s.put(ctx, c, portal.Updated)
	}
	c = portal.Call{ID: uuid.NewString(), Owner: owner, Kind: portal.MissedConversation, From: m.From, At: m.At, Times: 1, Kept: kept, CallID: id}
	if text {
		c.Text = beginning(m.Text, textMost)
	}
	return s.put(ctx, c, portal.Created)
}

// beginning is the first n characters of a text, with an ellipsis where there are more.
func beginning(text string, n int) string {
	for i := range text {
		if n--; n < 0 {
			return text[:i] + "…"
		}
	}
	return text
}

// Read marks what is missed from a peer as seen, because their conversation was read. What cannot be stored now is made up for by Run.
func (s *Service) Read(ctx context.Context, owner, peer portal.Address) {
	_ = s.later.do(ctx, "entries seen", func(ctx context.Context) error { return s.read(ctx, owner, peer) })
}

func (s *Service) read(ctx context.Context, owner, peer portal.Address) error {
	unseen := false // conversations are read all the time: only where something is missed is anything written
	for _, kind := range []portal.CallKind{portal.MissedConversation, portal.MissedCall} {
		c, found, err := s.store.LastOf(ctx, owner, peer, kind)
		if err != nil {
			return err
		}
		unseen = unseen || found && !c.Seen
	}
	if !unseen {
		return nil
	}
	return s.see(ctx, owner, peer, nil)
}

// List gives entries of the owner's list, newest first (at most 200); cursor is opaque. Where policy lets nothing be kept of
// conversations, what was written is in none, of earlier ones neither.
func (s *Service) List(ctx context.Context, who portal.Address, cursor string, limit int) (list []portal.Call, next string, err error) {
	if list, next, err = s.store.Calls(ctx, who, cursor, limit); err != nil {
		return nil, "", err
	}
	saving, err := s.o.Saving(ctx, who)
	if err != nil {
		return nil, "", err
	}
	for i, c := range list {
		if saving.Forbidden && c.Kind == portal.MissedConversation {
			list[i].Text = ""
		}
	}
	return list, next, nil
}

// maxSee is how many entries can be named at once.
const maxSee = 1000

// See marks entries seen; none named: all.
func (s *Service) See(ctx context.Context, who portal.Address, ids []string) error {
	if len(ids) > maxSee {
		return portal.Fail(portal.ErrInvalid, "invalid")
	}
	return s.see(ctx, who, "", ids)
}

// see marks entries seen and tells of them: of one by its id, else of many at once.
func (s *Service) see(ctx context.Context, who, from portal.Address, ids []string) error {
	seen := portal.Call{Owner: who}
	if len(ids) == 1 {
		seen.ID = ids[0]
	}
	turn := s.turn(who)
	turn.Lock()
	defer turn.Unlock()
	n, err := s.store.SeeCalls(ctx, who, from, ids, about(seen, portal.Updated))
	if err == nil && n > 0 {
		s.o.Changed(who)
	}
	return err
}

// Delete takes an entry out of the list; ErrNotFound ("calls.not-found"). What is in Exchange stays there.
func (s *Service) Delete(ctx context.Context, who portal.Address, id string) error {
	turn := s.turn(who)
	turn.Lock()
	defer turn.Unlock()
	if err := s.store.DeleteCall(ctx, who, id, about(portal.Call{Owner: who, ID: id}, portal.Deleted)); err != nil {
		return err
	}
	s.o.Changed(who)
	return nil
}

// Counts are the entries that are not seen, and the voice messages that are not heard as far as is known without asking: those of the
// mailbox, else what the voice mail system says.
func (s *Service) Counts(ctx context.Context, who portal.Address) (calls, voicemail int, err error) {
	calls, err = s.store.Unseen(ctx, who)
	return calls, s.mail.unheard(who), err
}
