package history

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"portico/app/portal"
)

// The list of one's own episodes with the items in between that other programs wrote to Exchange, by time.

// foreignPrefix begins the id of a foreign item.
const foreignPrefix = "x-"

// maxCursor is the longest cursor in bytes, pagesMost how many pages of Exchange one page of ours reads.
const maxCursor, pagesMost = 8192, 4

// place is a cursor of the merged list: where the store goes on, and on which page of Exchange after which item.
type place struct {
	Own      string `json:"o,omitempty"`
	OwnDone  bool   `json:"od,omitempty"`
	Mail     string `json:"m,omitempty"`
	MailDone bool   `json:"md,omitempty"`
	// After is the last item that was shown, At its end.
	After string `json:"a,omitempty"`
	At    int64  `json:"t,omitempty"`
}

func (p place) String() string {
	if p.OwnDone && p.MailDone {
		return ""
	}
	data, err := json.Marshal(p)
	if err != nil { // strings, numbers and truth values always have a form
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(data)
}

func parsePlace(s string) (p place, err error) {
	bad := portal.Fail(portal.ErrInvalid, "history.cursor")
	if len(s) > maxCursor {
		return p, bad
	}
	if s == "" {
		return p, nil
	}
	data, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return p, bad.Because(err)
	}
	if err := json.Unmarshal(data, &p); err != nil {
		return p, bad.Because(err)
	}
	return p, nil
}

// merged is a page of the list.
func (s *Service) merged(ctx context.Context, who portal.Address, q portal.HistoryQuery) (portal.HistoryPage, error) {
	at, err := parsePlace(q.Cursor)
	if err != nil {
		return portal.HistoryPage{}, err
	}
	at.OwnDone = at.OwnDone || q.Kind == portal.EpisodeForeign
	at.MailDone = at.MailDone || s.mail == nil || (q.Kind != "" && q.Kind != portal.EpisodeForeign)
	var own []portal.Episode
	var next string
	if !at.OwnDone {
		q.Cursor = at.Own
		if own, next, err = s.store.Episodes(ctx, who, s.o.Spans(who), q); err != nil {
			return portal.HistoryPage{}, err
		}
	}
	found, away := s.foreign(ctx, who, q, at)
	page := portal.HistoryPage{Episodes: make([]portal.Episode, 0, q.Limit), Away: away}
	owns, others := 0, 0
	for len(page.Episodes) < q.Limit && (owns < len(own) || others < len(found.items)) {
		if others == len(found.items) || (owns < len(own) && !own[owns].End.Before(found.items[others].e.End)) {
			if others == len(found.items) && own[owns].End.Before(found.until) {
				break // what Exchange has from then was not read yet
			}
			page.Episodes = append(page.Episodes, own[owns])
			owns++
			continue
		}
		page.Episodes = append(page.Episodes, found.items[others].e)
		others++
	}
	if !at.OwnDone && owns == len(own) {
		at.Own, at.OwnDone = next, next == ""
	} else if !at.OwnDone && owns > 0 { // where the store goes on after that many
		q.Limit = owns
		if _, at.Own, err = s.store.Episodes(ctx, who, s.o.Spans(who), q); err != nil {
			return portal.HistoryPage{}, err
		}
	}
	page.Next = found.after(at, others).String()
	return page, nil
}

// foreignItem is an item with the cursor of the page on which it was.
type foreignItem struct {
	e    portal.Episode
	page string
}

// foreignItems are what Exchange has from a place on, as far as it was read.
type foreignItems struct {
	items []foreignItem
	next  string
	// done: there is no more; until is how far back it was read else.
	done  bool
	until time.Time
}

// after is the place after the first n items.
func (f foreignItems) after(at place, n int) place {
	if at.MailDone {
		return at
	}
	if n > 0 {
		last := f.items[n-1]
		at.Mail, at.After, at.At = last.page, last.e.ID, last.e.End.UnixNano()
	}
	if n == len(f.items) {
		at.Mail, at.MailDone = f.next, f.done
	}
	return at
}

// foreign reads items of other programs until there are enough for a page. Where Exchange is away it says so; then there are none.
func (s *Service) foreign(ctx context.Context, who portal.Address, q portal.HistoryQuery, at place) (f foreignItems, away bool) {
	if at.MailDone {
		return foreignItems{done: true}, false
	}
	ctx, cancel := context.WithTimeout(ctx, s.o.AskTimeout)
	defer cancel()
	f.next = at.Mail
	enough := q.Limit
	q.Limit = max(q.Limit, pageDefault) // many may be our own
	for range pagesMost {
		page := f.next
		q.Cursor = page
		notes, next, err := s.mail.Notes(ctx, who, q)
		if len(notes) > 0 {
			f.until = endOf(notes[len(notes)-1])
		}
		if err == nil {
			notes, err = s.notOwn(ctx, who, notes)
		}
		switch {
		case errors.Is(err, portal.ErrNotFound), errors.Is(err, portal.ErrForbidden): // no mailbox, or none that we may read
			return foreignItems{done: true}, false
		case err != nil:
			s.o.Logger.InfoContext(ctx, "conversation history of Exchange not read", "who", who, "err", err)
			return foreignItems{done: true}, true
		}
		for _, n := range beyond(notes, at) {
			if e := s.episodeOf(who, n); fits(e, q) {
				f.items = append(f.items, foreignItem{e, page})
			}
		}
		f.next, f.done = next, next == ""
		if f.done || len(f.items) >= enough {
			break
		}
	}
	if f.done {
		f.until = time.Time{}
	}
	return f, false
}

// beyond leaves out what was shown before: up to the last one shown, or where that is gone, what is not older than it was.
func beyond(notes []portal.ConversationNote, at place) []portal.ConversationNote {
	if at.After == "" {
		return notes
	}
	if i := slices.IndexFunc(notes, func(n portal.ConversationNote) bool { return foreignPrefix+n.ItemID == at.After }); i >= 0 {
		return notes[i+1:]
	}
	return slices.DeleteFunc(slices.Clone(notes), func(n portal.ConversationNote) bool { return endOf(n).UnixNano() > at.At })
}

// notOwn leaves out the items that this portal wrote: they are in the list as what they are here.
func (s *Service) notOwn(ctx context.Context, who portal.Address, notes []portal.ConversationNote) ([]portal.ConversationNote, error) {
	var stamps []string
	for _, n := range notes {
		if n.Stamp != "" {
			stamps = append(stamps, n.Stamp)
		}
	}
	if len(stamps) == 0 {
		return notes, nil
	}
	own, err := s.store.OwnStamps(ctx, who, stamps)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(notes), func(n portal.ConversationNote) bool {
		return own[n.Stamp] || (n.Stamp != "" && n.Class != portal.ClassConversation) // the latter are entries of the list of calls
	}), nil
}

// fits reports whether an item is within what q narrows down to.
func fits(e portal.Episode, q portal.HistoryQuery) bool {
	switch {
	case q.Peer != "" && !slices.Contains(e.With, q.Peer):
		return false
	case !q.From.IsZero() && e.End.Before(q.From), !q.To.IsZero() && !e.Start.Before(q.To):
		return false
	}
	return true
}

func (s *Service) deleteForeign(ctx context.Context, who portal.Address, item string) error {
	if _, err := s.note(ctx, who, item); err != nil {
		return err
	}
	return s.mail.DeleteNote(ctx, who, item)
}

// note reads an item that is a conversation; of anything else in the mailbox this is no way to read it.
func (s *Service) note(ctx context.Context, who portal.Address, item string) (portal.ConversationNote, error) {
	missing := portal.Fail(portal.ErrNotFound, "history.not-found")
	if s.mail == nil || item == "" {
		return portal.ConversationNote{}, missing
	}
	n, err := s.mail.Note(ctx, who, item)
	switch {
	case errors.Is(err, portal.ErrNotFound):
		return n, missing.Because(err)
	case err != nil:
		return n, err
	case !strings.HasPrefix(n.Class, portal.ClassConversation) && !strings.HasPrefix(n.Class, portal.ClassMissed):
		return portal.ConversationNote{}, missing
	}
	return n, nil
}

func (s *Service) openForeign(ctx context.Context, who portal.Address, item string) (portal.Transcript, error) {
	n, err := s.note(ctx, who, item)
	if err != nil {
		return portal.Transcript{}, err
	}
	e := s.episodeOf(who, n)
	e.HTML = n.HTML
	return portal.Transcript{Episode: e, Lines: []portal.Line{}}, nil
}
