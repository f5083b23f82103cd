package ews

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"portico/app/ews/soap"
	"portico/app/portal"
)

// Answers: what invited people wrote with their answers, and the times they propose. The meeting itself says only
// who answered what; the words are in the messages in the organiser's Inbox (or where they were put after reading).

// spoken is the newest answer of one person to one meeting.
type spoken struct {
	at         time.Time
	comment    string
	start, end time.Time
}

// answerBook remembers the answers of each mailbox, so that each message is read once. Bounded: what is forgotten is
// read again.
type answerBook struct {
	mu    sync.Mutex
	books map[string]*mailboxAnswers
}

// mailboxAnswers is owned by its mutex, which is held while the mailbox is asked: callers for one mailbox wait for each
// other instead of reading the same messages.
type mailboxAnswers struct {
	mu    sync.Mutex
	since time.Time
	seen  map[string]bool
	by    map[string]spoken
	// denied: the reader may not see the Inbox; asked again after that.
	denied time.Time
}

const (
	maxAnswerBooks = 5_000
	maxAnswers     = 20_000 // of one mailbox
	answersPage    = 200
	answersPages   = 10 // at the first reading
	deniedLasts    = time.Hour
	// answersOverlap covers messages that arrived out of order.
	answersOverlap = 10 * time.Minute
)

func newAnswerBook() *answerBook { return &answerBook{books: map[string]*mailboxAnswers{}} }

func (b *answerBook) of(key string) *mailboxAnswers {
	b.mu.Lock()
	defer b.mu.Unlock()
	m := b.books[key]
	if m == nil {
		if len(b.books) >= maxAnswerBooks {
			clear(b.books)
		}
		m = &mailboxAnswers{}
		m.reset()
		b.books[key] = m
	}
	return m
}

func (m *mailboxAnswers) reset() {
	m.since, m.seen, m.by = time.Time{}, map[string]bool{}, map[string]spoken{}
}

// answerKey is whose answer to what: occurrences are answered by themselves.
func answerKey(uid string, occurrence time.Time, email string) string {
	at := ""
	if !occurrence.IsZero() {
		at = occurrence.UTC().Format(time.RFC3339)
	}
	return strings.ToLower(uid) + "\x00" + at + "\x00" + strings.ToLower(email)
}

// comment adds what people wrote to the entries that the mailbox's owner organises. It is an addition: where the
// messages cannot be read the entries are told without them.
func (a *access) comment(ctx context.Context, list []portal.Entry) {
	wanted := false
	for i := range list {
		wanted = wanted || answered(&list[i])
	}
	if !wanted {
		return
	}
	// What one reader may see of an Inbox is not another's to know.
	m := a.c.said.of(string(a.reader) + "\x00" + strings.ToLower(a.email))
	m.mu.Lock()
	defer m.mu.Unlock()
	now := a.c.o.Now()
	if now.Before(m.denied) {
		return
	}
	if err := a.readAnswers(ctx, m); err != nil {
		if errors.Is(err, portal.ErrForbidden) || errors.Is(err, portal.ErrNotFound) {
			m.denied = now.Add(deniedLasts)
		}
		a.c.o.Logger.Info("the comments of answers could not be read", "mailbox", a.email, "error", err)
	}
	for i := range list {
		e := &list[i]
		m.write(&e.Appointment, e.UID, time.Time{})
		for j := range e.Exceptions {
			x := &e.Exceptions[j]
			m.write(x, e.UID, time.Time{})
			m.write(x, e.UID, x.RecurrenceID)
			m.write(x, e.UID, x.Start)
		}
	}
}

func answered(e *portal.Entry) bool {
	has := func(a *portal.Appointment) bool {
		for _, x := range a.Attendees {
			if x.Response.Answerable() {
				return true
			}
		}
		return false
	}
	if !e.Mine || !e.Meeting || e.UID == "" {
		return false
	}
	for i := range e.Exceptions {
		if has(&e.Exceptions[i]) {
			return true
		}
	}
	return has(&e.Appointment)
}

func (m *mailboxAnswers) write(a *portal.Appointment, uid string, occurrence time.Time) {
	for i := range a.Attendees {
		at := &a.Attendees[i]
		s, ok := m.by[answerKey(uid, occurrence, at.Email)]
		if !ok || !at.Response.Answerable() {
			continue
		}
		at.Comment = s.comment
		if !s.start.IsZero() {
			at.ProposedStart, at.ProposedEnd = s.start, s.end
		}
		if at.RespondedAt.IsZero() {
			at.RespondedAt = s.at
		}
	}
}

// readAnswers reads the messages that arrived since the last time.
func (a *access) readAnswers(ctx context.Context, m *mailboxAnswers) error {
	if len(m.by) > maxAnswers {
		m.reset()
	}
	latest := m.since
	for _, folder := range []string{"inbox", "deleteditems"} {
		at, err := a.readAnswersOf(ctx, m, folder)
		if err != nil {
			return err
		}
		if at.After(latest) {
			latest = at
		}
	}
	m.since = latest
	return nil
}

const answerClass = "IPM.Schedule.Meeting.Resp"

func (a *access) readAnswersOf(ctx context.Context, m *mailboxAnswers, folder string) (latest time.Time, err error) {
	condition := soap.Contains(soap.Field("item:ItemClass"), answerClass, "Prefixed")
	if !m.since.IsZero() {
		from := m.since.Add(-answersOverlap).UTC().Format(time.RFC3339)
		condition = soap.And(condition, soap.GreaterOrEqual(soap.Field("item:DateTimeReceived"), from))
	}
	req := &soap.FindItem{Traversal: "Shallow", Shape: idShape(), Restriction: soap.Where(condition),
		Sort: []soap.FieldOrder{soap.OrderBy(soap.Field("item:DateTimeReceived"), true)}, Parents: []soap.FolderRef{a.folder(folder)}}
	req.Shape.AdditionalProperties = soap.Fields("item:ItemClass", "item:DateTimeReceived")
	var fresh []string
	for page := range answersPages {
		req.Page = soap.Page(page*answersPage, answersPage)
		res, err := a.FindItem(ctx, a.as, req)
		if err != nil {
			return latest, err
		}
		found, err := one(res.Messages)
		if err != nil {
			return latest, err
		}
		if found.Root == nil {
			break
		}
		for i := range found.Root.Items {
			it := &found.Root.Items[i]
			id, base := it.ID().ID, it.Base()
			if base == nil || id == "" || !strings.HasPrefix(strings.ToLower(base.ItemClass), strings.ToLower(answerClass)) {
				continue // a server that does not know the restriction
			}
			if at := happened(base.DateTimeReceived); at.After(latest) {
				latest = at
			}
			if !m.seen[id] {
				fresh = append(fresh, id)
			}
		}
		if len(found.Root.Items) < answersPage || found.Root.IncludesLast == nil || soap.Is(found.Root.IncludesLast) {
			break
		}
	}
	return latest, a.hear(ctx, m, fresh)
}

// hear reads answers by their ids into the book.
func (a *access) hear(ctx context.Context, m *mailboxAnswers, ids []string) error {
	fields := soap.Fields("item:ItemClass", "item:Body", "item:DateTimeReceived", "item:DateTimeSent", "message:From", "message:Sender",
		"meeting:AssociatedCalendarItemId", "meeting:ResponseType", "calendar:UID", "calendar:RecurrenceId")
	if a.knowsElsewhere() { // proposals came with the same version
		fields = append(fields, soap.Fields("meeting:ProposedStart", "meeting:ProposedEnd")...)
	}
	v := a.voice(ctx)
	for len(ids) > 0 {
		n := min(len(ids), fetchBatch)
		req := &soap.GetItem{Shape: wholeShape(fields)}
		for _, id := range ids[:n] {
			req.Items = append(req.Items, soap.ItemByID(id, ""))
		}
		res, err := a.GetItem(ctx, a.as, req)
		if err != nil {
			return err
		}
		for i, id := range ids[:min(n, len(res.Messages))] {
			msg := &res.Messages[i]
			if err := msg.Err(); err != nil && transient(err) {
				return err
			}
			m.seen[id] = true
			if len(msg.Items) == 1 {
				m.learn(v, &msg.Items[0])
			}
		}
		ids = ids[n:]
	}
	return nil
}

func (m *mailboxAnswers) learn(v voice, it *soap.AnyItem) {
	meeting := it.Meeting()
	if meeting == nil || meeting.UID == "" {
		return
	}
	from := meeting.From
	if from == nil {
		from = meeting.Sender
	}
	if from == nil {
		return
	}
	s := spoken{at: happened(meeting.DateTimeReceived)}
	if s.at.IsZero() {
		s.at = happened(meeting.DateTimeSent)
	}
	text, _ := body(meeting.Body)
	s.comment = ownWords(text)
	if r := it.MeetingResponse; r != nil && r.ProposedStart != nil && r.ProposedEnd != nil {
		s.start, s.end = happened(r.ProposedStart), happened(r.ProposedEnd)
	}
	key := answerKey(meeting.UID, happened(meeting.RecurrenceID), v.email(from.Mailbox))
	if old, ok := m.by[key]; !ok || !s.at.Before(old.at) {
		m.by[key] = s
	}
}

// ownWords leaves out what Outlook and Exchange put before the words of an answer: when and where, above a line of stars and
// tildes.
func ownWords(text string) string {
	const border = "*~*~*~*~*~*~*~*~*~*"
	if _, after, ok := strings.Cut(text, border); ok {
		text = after
	}
	return strings.TrimSpace(cut(text, 16<<10))
}
