package calls

import (
	"context"
	"errors"
	"html"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"time"

	"portico/app/portal"
)

// The writer: puts entries into Exchange when they have rested, one at a time for a mailbox. The store is the queue, so nothing is lost
// when Exchange or the portal is away; an item carries the entry's id, by which a repeat finds it.

// write writes until ctx ends and its tries under way have returned.
func (s *Service) write(ctx context.Context) error {
	if s.notes == nil {
		<-ctx.Done()
		return nil
	}
	busy := map[portal.Address]bool{}
	done := make(chan portal.Address, s.o.Parallel) // has room for everyone who is busy
	var crew sync.WaitGroup
	defer crew.Wait()
	every := time.NewTicker(s.o.Every)
	defer every.Stop()
	for {
		for _, d := range s.due(ctx, s.o.Parallel-len(busy)) {
			if busy[d.Owner] || len(busy) == s.o.Parallel {
				continue
			}
			busy[d.Owner] = true
			crew.Go(func() {
				s.settle(ctx, d)
				done <- d.Owner
			})
		}
		select {
		case <-ctx.Done():
			return nil
		case <-every.C:
		case who := <-done:
			delete(busy, who)
		}
	}
}

// dueMost is how many due entries are looked at, so that those of others are found behind many of one mailbox.
const dueMost = 100

func (s *Service) due(ctx context.Context, room int) []portal.DueCall {
	if room <= 0 || ctx.Err() != nil {
		return nil
	}
	list, err := s.store.DueCalls(ctx, s.o.Now().Add(-s.o.Rest), dueMost)
	if err != nil && ctx.Err() == nil {
		s.o.Logger.WarnContext(ctx, "calls: what is to be kept in Exchange not read", "err", err)
	}
	return list
}

// settle makes one try and notes what came of it.
func (s *Service) settle(ctx context.Context, d portal.DueCall) {
	once, cancel := context.WithTimeout(ctx, s.o.Timeout)
	defer cancel()
	state, item, again, err := s.try(once, d)
	if ctx.Err() != nil {
		return // the portal is ending: the next start goes on
	}
	if err == nil {
		err = s.store.CallKept(context.WithoutCancel(ctx), d, state, item, again)
	}
	if err != nil {
		s.o.Logger.ErrorContext(ctx, "calls: outcome of keeping an entry in Exchange not noted", "owner", d.Owner, "entry", d.ID, "err", err)
		wait(ctx, min(s.o.FirstRetry, 5*time.Second)) // trouble with the store is not to be a busy loop
	}
}

// try writes an entry; err is of what stands around it, not of Exchange.
func (s *Service) try(ctx context.Context, d portal.DueCall) (state portal.KeptState, item string, again time.Time, err error) {
	saving, err := s.o.Saving(ctx, d.Owner)
	if err != nil {
		return "", "", time.Time{}, err
	}
	if !saving.Calls || d.Kind == portal.TakenElsewhere && d.ItemID == "" {
		return portal.KeptNot, d.ItemID, time.Time{}, nil
	}
	if saving.Forbidden {
		d.Text = ""
	}
	item, _, why := s.notes.WriteNote(ctx, d.Owner, s.note(ctx, d))
	if why != nil && portal.Meaning(why) == portal.ErrNotFound && d.ItemID != "" {
		// The person has deleted it there: it is not to come back.
		return portal.KeptNot, "", time.Time{}, nil
	}
	if why == nil {
		s.o.Counted("written")
		return portal.KeptThere, item, time.Time{}, nil
	}
	state, again = s.failed(ctx, d, why)
	return state, d.ItemID, again, nil
}

// failed says what becomes of an entry that could not be written.
func (s *Service) failed(ctx context.Context, d portal.DueCall, why error) (portal.KeptState, time.Time) {
	meaning := portal.Meaning(why)
	away := meaning == portal.ErrUnavailable || meaning == portal.ErrTooMany || errors.Is(why, context.DeadlineExceeded)
	if !away && (meaning == portal.ErrInvalid || meaning == portal.ErrForbidden || d.Tries+1 >= s.o.GiveUp) {
		s.o.Counted("refused")
		s.o.Logger.WarnContext(ctx, "calls: entry refused by Exchange", "owner", d.Owner, "entry", d.ID, "err", why)
		return portal.KeptRefused, time.Time{}
	}
	s.o.Counted("retried")
	s.o.Logger.InfoContext(ctx, "calls: entry not kept in Exchange yet", "owner", d.Owner, "entry", d.ID, "tries", d.Tries+1, "err", why)
	return portal.KeptWaiting, s.again(d.Tries, why)
}

// again is when the next try is due: later with each failure, never earlier than the server asks for, with some jitter so that not all
// mailboxes come back at once.
func (s *Service) again(tries int, why error) time.Time {
	wait := s.o.MaxRetry
	if tries < 20 {
		wait = min(s.o.FirstRetry<<tries, s.o.MaxRetry)
	}
	var e *portal.Error
	if errors.As(why, &e) && e.RetryAfter > wait {
		wait = e.RetryAfter
	}
	return s.o.Now().Add(wait*4/5 + rand.N(wait*2/5+1))
}

// note is an entry as an item in Exchange, in the owner's language. All that comes from outside is escaped.
func (s *Service) note(ctx context.Context, d portal.DueCall) portal.ConversationNote {
	w := s.o.words(ctx, d.Owner)
	class, title := portal.ClassMissedCall, w.MissedCall
	switch d.Kind {
	case portal.MissedConversation:
		class, title = portal.ClassMissed, w.MissedConversation
	case portal.TakenElsewhere:
		class, title = portal.ClassVoiceCall, w.Taken
	}
	from := s.party(ctx, d.From)
	if from.Name == d.From.Bare() && d.Name != "" { // the address book does not know them, they call themselves so
		from.Name = printable(d.Name)
	}
	or(&from.Name, d.Number)
	subject := title + " " + from.Name
	if d.Times > 1 {
		subject += " (" + strconv.Itoa(d.Times) + ")"
	}
	var b strings.Builder
	line := func(text string) {
		if text != "" {
			b.WriteString("<p>" + strings.ReplaceAll(html.EscapeString(printable(text)), "\n", "<br>") + "</p>")
		}
	}
	b.WriteString(`<html><head><meta charset="utf-8"></head><body>`)
	line(subject)
	line(w.Time(d.At.In(s.o.zone(ctx, d.Owner))))
	if d.Number != "" {
		line(w.Number + " " + d.Number)
	}
	line(d.Text)
	b.WriteString(`</body></html>`)
	return portal.ConversationNote{ItemID: d.ItemID, Class: class, Stamp: d.ID, Subject: printable(subject), HTML: b.String(), From: from,
		To: []portal.NoteParty{s.party(ctx, d.Owner)}, Start: d.At, End: d.At, Read: d.Seen, Phone: printable(d.Number)}
}

// party is somebody by name and e-mail address; a SIP address has the form of one.
func (s *Service) party(ctx context.Context, a portal.Address) portal.NoteParty {
	if a == "" {
		return portal.NoteParty{}
	}
	p := s.o.Lookup(ctx, a)
	party := portal.NoteParty{Name: p.DisplayName, Email: p.Email}
	or(&party.Name, a.Bare())
	or(&party.Email, a.Bare())
	return party
}

// printable is text without control characters but the line end and the tab.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\t':
			return r
		case r < 0x20, r >= 0x7f && r < 0xa0, r == 0xfffe, r == 0xffff:
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "\ufffd"))
}
