package ews

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"portico/app/ews/soap"
	"portico/app/portal"
)

// The pages of Conversation History. A page goes on by the time at which the last one ended, not by counting, so that what is
// written meanwhile neither doubles nor hides anything.

const (
	notesUsual   = 50
	notesMost    = 200
	maxScanned   = 1_000 // looked at for one page, where not every item fits
	maxSeenNotes = 1_000 // of one and the same second
	maxCursor    = 32 << 10
	maxNoteWords = 8
	// longestTalk is how long a conversation may go on over the end of the time that is asked for.
	longestTalk = 24 * time.Hour
)

// noteCursor is where a page ended: At the second of its last item, Seen those of that second that have been looked at.
type noteCursor struct {
	At   time.Time `json:"t"`
	Seen []uint64  `json:"s"`
}

func parseNoteCursor(s string) (at noteCursor, err error) {
	if s == "" {
		return at, nil
	}
	bad := func(why error) error {
		return portal.Fail(portal.ErrInvalid, "history.cursor").Because(why)
	}
	if len(s) > maxCursor {
		return at, bad(errors.New("the cursor is too long"))
	}
	raw, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return at, bad(err)
	}
	if err := json.Unmarshal(raw, &at); err != nil {
		return noteCursor{}, bad(err)
	}
	if at.At.IsZero() || at.At.Year() < 1900 || at.At.Year() > 4000 || len(at.Seen) > maxSeenNotes {
		return noteCursor{}, bad(errors.New("the cursor is none of ours"))
	}
	return at, nil
}

func (c noteCursor) String() string {
	raw, err := json.Marshal(c)
	if err != nil {
		return "" // a time and numbers always become JSON
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

func noteHash(id string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(id))
	return h.Sum64()
}

// noteScan gathers one page.
type noteScan struct {
	a     *access
	q     portal.HistoryQuery
	limit int
	words []string
	peer  string // e-mail address of q.Peer, lower case
	at    noteCursor
	// local: the server does not search texts, so they are held against the words here.
	local   bool
	scanned int
	ended   bool
	found   []portal.ConversationNote
}

func newNoteScan(a *access, q portal.HistoryQuery, at noteCursor) *noteScan {
	s := &noteScan{a: a, q: q, at: at, limit: q.Limit, words: noteWords(q.Q)}
	if s.limit <= 0 {
		s.limit = notesUsual
	}
	s.limit = min(s.limit, notesMost)
	if q.Peer != "" {
		s.peer = strings.ToLower(a.c.o.Mailbox(q.Peer))
	}
	return s
}

// noteWords takes a search apart: words, and what stands in quotation marks as one.
func noteWords(q string) []string {
	var out []string
	for i, part := range strings.Split(cut(sayable(q), 1024), `"`) {
		if i%2 == 1 {
			if part = strings.TrimSpace(part); part != "" {
				out = append(out, part)
			}
			continue
		}
		out = append(out, strings.Fields(part)...)
	}
	return out[:min(len(out), maxNoteWords)]
}

func (s *noteScan) next() string {
	if s.ended {
		return ""
	}
	return s.at.String()
}

// run asks for items until the page is full, the folder ends or enough were looked at.
func (s *noteScan) run(ctx context.Context, folder soap.FolderRef) error {
	most := maxScanned
	for len(s.found) < s.limit && s.scanned < most {
		list, last, err := s.ask(ctx, folder)
		if err != nil && len(s.words) > 0 && !s.local && unsearchable(err) {
			s.local, most = true, maxScanned/5 // bodies are read
			continue
		}
		if err != nil {
			return err
		}
		taken, err := s.take(ctx, list)
		if err != nil {
			return err
		}
		if last && taken == len(list) {
			s.ended = true
			return nil
		}
	}
	return nil
}

// unsearchable tells whether a server does not search what it was asked to.
func unsearchable(err error) bool {
	switch soap.Code(err) {
	case "ErrorUnsupportedPathForQuery", "ErrorUnsupportedQueryFilter", "ErrorRestrictionTooComplex", "ErrorRestrictionTooLong", "ErrorUnsupportedTypeForConversion",
		"ErrorInvalidRestriction", "ErrorInvalidOperation":
		return true
	}
	return false
}

// condition is what the server can narrow down.
func (s *noteScan) condition() *soap.Restriction {
	received := soap.Field("item:DateTimeReceived")
	say := func(t time.Time) string { return t.UTC().Format(time.RFC3339) }
	var all []soap.Expression
	if !s.q.From.IsZero() {
		all = append(all, soap.GreaterOrEqual(received, say(s.q.From)))
	}
	before := s.q.To
	if !before.IsZero() { // what began in time may have ended later
		before = before.Add(longestTalk)
	}
	if !s.at.At.IsZero() { // servers keep fractions of seconds and do not tell them
		if upTo := s.at.At.Add(time.Second); before.IsZero() || upTo.Before(before) {
			before = upTo
		}
	}
	if !before.IsZero() {
		all = append(all, soap.Less(received, say(before)))
	}
	for _, w := range s.words {
		if !s.local {
			all = append(all, soap.Or(soap.Contains(soap.Field("item:Subject"), w, "Substring"), soap.Contains(soap.Field("item:Body"), w, "Substring")))
		}
	}
	switch len(all) {
	case 0:
		return nil
	case 1:
		return soap.Where(all[0])
	}
	return soap.Where(soap.And(all...))
}

// noteRow is an item as the list names it.
type noteRow struct {
	id string
	at time.Time
}

// ask gives the next items that have not been looked at, and whether these are the last.
func (s *noteScan) ask(ctx context.Context, folder soap.FolderRef) (list []noteRow, last bool, err error) {
	shape := idShape()
	shape.AdditionalProperties = soap.Fields("item:DateTimeReceived", "item:DateTimeCreated")
	size := noteBatch + len(s.at.Seen)
	res, err := s.a.FindItem(ctx, s.a.as, &soap.FindItem{Traversal: "Shallow", Shape: shape, Page: soap.Page(0, size), Restriction: s.condition(),
		Sort: []soap.FieldOrder{soap.OrderBy(soap.Field("item:DateTimeReceived"), true)}, Parents: []soap.FolderRef{folder}})
	if err != nil {
		return nil, false, err
	}
	m, err := one(res.Messages)
	if err != nil || m.Root == nil {
		return nil, true, err
	}
	for i := range m.Root.Items {
		it := m.Root.Items[i].Base()
		if it == nil || it.ItemID == nil || it.ItemID.ID == "" {
			continue
		}
		row := noteRow{it.ItemID.ID, received(it)}
		if row.at.IsZero() { // nobody knows: after all others
			row.at = time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC)
		}
		if !slices.Contains(s.at.Seen, noteHash(row.id)) {
			list = append(list, row)
		}
	}
	last = len(m.Root.Items) < size && (m.Root.IncludesLast == nil || soap.Is(m.Root.IncludesLast)) || len(list) == 0
	return list, last, nil
}

// received is when an item came, or was made.
func received(it *soap.Item) time.Time {
	if at := happened(it.DateTimeReceived); !at.IsZero() {
		return at
	}
	return happened(it.DateTimeCreated)
}

// take reads items and keeps those that fit, as many as the page has room for; taken is how many were looked at.
func (s *noteScan) take(ctx context.Context, list []noteRow) (taken int, err error) {
	fields, form := noteFields(), ""
	if s.local {
		fields, form = append(fields, soap.Field("item:Body")), "Text"
	}
	ids := make([]string, len(list))
	for i, row := range list {
		ids[i] = row.id
	}
	got, err := s.a.messages(ctx, ids, fields, form)
	if err != nil {
		return 0, err
	}
	v := s.a.voice(ctx)
	for i, row := range list {
		if len(s.found) == s.limit {
			return i, nil
		}
		s.scanned++
		if !row.at.Equal(s.at.At) {
			s.at = noteCursor{At: row.at}
		}
		if s.at.Seen = append(s.at.Seen, noteHash(row.id)); len(s.at.Seen) > maxSeenNotes {
			return i, portal.Fail(portal.ErrUnavailable, "exchange.down").Because(errors.New("too many items of one second"))
		}
		it := got[row.id]
		if it == nil {
			continue
		}
		n := conversationOf(v, it)
		n.HTML = ""
		if s.fits(n, it) {
			s.found = append(s.found, n)
		}
	}
	return len(list), nil
}

// fits holds an item against what the server may not have.
func (s *noteScan) fits(n portal.ConversationNote, it *soap.AnyItem) bool {
	if !s.q.To.IsZero() && !n.Start.Before(s.q.To) {
		return false
	}
	if s.peer != "" && !slices.ContainsFunc(append([]portal.NoteParty{n.From}, n.To...), s.isPeer) {
		return false
	}
	if s.local {
		text, _ := body(it.Base().Body)
		text = strings.ToLower(n.Subject + "\n" + text)
		for _, w := range s.words {
			if !strings.Contains(text, strings.ToLower(w)) {
				return false
			}
		}
	}
	return true
}

func (s *noteScan) isPeer(p portal.NoteParty) bool {
	return p.Email != "" && (strings.ToLower(p.Email) == s.peer || s.a.c.o.Person(p.Email) == s.q.Peer)
}
