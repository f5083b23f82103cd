package calsync

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"portico/app/portal"
)

// Trouble: the e-mail that tells administrators what goes wrong, grouped so that a broken server does not send thousands. The
// first errors are gathered for a moment and go out in one mail; the mailboxes of a server that have the same trouble are one. While
// it lasts there is a reminder a day, and one mail when all is over. Another kind of trouble is told at once, more of the same kind
// after an hour. What is going on is a document of the ledger, so that a restart sends nothing anew.

const blobTrouble = "trouble"

// maxTroubles bounds the troubles that are kept apart, maxCauses and maxNamed the examples of each.
const (
	maxTroubles = 200
	maxCauses   = 5
	maxNamed    = 10
)

// incident is one kind of trouble with one server, while it lasts.
type incident struct {
	Kind   string    `json:"kind"`
	Server string    `json:"server"`
	Count  int       `json:"count"`
	First  time.Time `json:"first"`
	Last   time.Time `json:"last"`
	Causes []string  `json:"causes"`
	// Mailboxes are those that have it, where it is about mailboxes.
	Mailboxes map[string]bool `json:"mailboxes,omitempty"`
	// Told is when a mail last spoke of it; zero: not yet.
	Told time.Time `json:"told,omitzero"`
}

// troubles is the document.
type troubles struct {
	Open map[string]incident `json:"open"`
	// Over are incidents that ended after a mail had spoken of them, until one says so.
	Over []incident `json:"over,omitempty"`
	// Mailed is when the last mail went out.
	Mailed time.Time `json:"mailed,omitzero"`
}

// trouble owns the document and the mails: one goroutine (run). What comes in waits in a list with one entry for each trouble of each
// mailbox, so that it is bounded by them and nothing that ends is missed.
type trouble struct {
	p    *Panel
	bell chan struct{}

	mu    sync.Mutex
	order []string
	wait  map[string]Incident
	more  map[string]int // how often it came since the list was taken

	now   troubles
	rev   int64
	due   time.Time // when the next mail goes out; zero: none
	tries int
}

func newTrouble(p *Panel) *trouble {
	return &trouble{p: p, bell: make(chan struct{}, 1), wait: map[string]Incident{}, more: map[string]int{}, now: troubles{Open: map[string]incident{}}}
}

// Trouble takes in that something goes wrong, or that it is over; it does not block.
func (p *Panel) Trouble(in Incident) {
	t := p.trouble
	key := in.Kind + " " + in.Server + " " + string(in.Mailbox)
	t.mu.Lock()
	if _, waits := t.wait[key]; !waits {
		t.order = append(t.order, key)
	}
	t.wait[key] = in
	t.more[key]++
	t.mu.Unlock()
	ring(t.bell)
}

func (t *trouble) run(ctx context.Context) {
	if err := t.load(ctx); err != nil && ctx.Err() == nil {
		t.p.o.Logger.ErrorContext(ctx, "calsync: what was wrong before cannot be read", "err", err)
	}
	t.plan()
	for {
		var timer <-chan time.Time
		var stop func() bool
		if !t.due.IsZero() {
			x := time.NewTimer(max(t.due.Sub(t.p.o.Now()), 0))
			timer, stop = x.C, x.Stop
		}
		select {
		case <-ctx.Done():
		case <-t.bell:
			t.takeAll()
			t.save(ctx)
		case <-timer:
			t.send(ctx)
			t.save(ctx)
		}
		if stop != nil {
			stop()
		}
		if ctx.Err() != nil {
			return
		}
	}
}

func (t *trouble) load(ctx context.Context) error {
	raw, rev, err := t.p.l.SyncBlob(ctx, blobTrouble)
	if errors.Is(err, portal.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	t.rev = rev
	if err := json.Unmarshal(raw, &t.now); err != nil {
		return fmt.Errorf("read the incidents: %w", err)
	}
	if t.now.Open == nil {
		t.now.Open = map[string]incident{}
	}
	return nil
}

func (t *trouble) save(ctx context.Context) {
	raw, err := json.Marshal(t.now)
	if err == nil {
		err = t.p.l.SaveSyncBlob(ctx, blobTrouble, raw, t.rev)
	}
	if err != nil {
		if ctx.Err() == nil {
			t.p.o.Logger.ErrorContext(ctx, "calsync: incidents cannot be stored", "err", err)
		}
		return
	}
	t.rev++
}

// takeAll notes what came in.
func (t *trouble) takeAll() {
	t.mu.Lock()
	order, wait, more := t.order, t.wait, t.more
	t.order, t.wait, t.more = nil, map[string]Incident{}, map[string]int{}
	t.mu.Unlock()
	for _, key := range order {
		t.take(wait[key], more[key])
	}
	t.plan()
}

// take notes an incident that came n times.
func (t *trouble) take(in Incident, n int) {
	key := in.Kind + " " + in.Server
	now := t.p.o.Now().UTC()
	i, known := t.now.Open[key]
	if in.Over {
		if known {
			t.over(key, i, in.Mailbox, now)
		}
		return
	}
	if !known {
		if len(t.now.Open) >= maxTroubles && in.Kind != keyAway {
			return
		}
		i = incident{Kind: in.Kind, Server: in.Server, First: now}
	}
	i.Count += n
	i.Last = now
	if in.Mailbox != "" {
		i.Mailboxes = maps.Clone(i.Mailboxes)
		if i.Mailboxes == nil {
			i.Mailboxes = map[string]bool{}
		}
		i.Mailboxes[in.Mailbox.Bare()] = true
	}
	if in.Cause != "" && len(i.Causes) < maxCauses && !slices.Contains(i.Causes, in.Cause) {
		i.Causes = append(i.Causes, in.Cause)
	}
	t.now.Open[key] = i
}

// over notes that a mailbox, or the server, is well again.
func (t *trouble) over(key string, i incident, mailbox portal.Address, now time.Time) {
	if mailbox != "" {
		i.Mailboxes = maps.Clone(i.Mailboxes)
		delete(i.Mailboxes, mailbox.Bare())
		if len(i.Mailboxes) > 0 {
			t.now.Open[key] = i
			return
		}
	}
	delete(t.now.Open, key)
	if !i.Told.IsZero() {
		i.Last = now
		t.now.Over = append(t.now.Over, i)
	}
}

// moreOfTheSame is how long after a mail no other goes out that only has more of a kind that is known.
const moreOfTheSame = time.Hour

// plan says when the next mail goes out: a moment after something new or after all is over, a day after the last one else.
func (t *trouble) plan() {
	var due time.Time
	earlier := func(at time.Time) {
		if due.IsZero() || at.Before(due) {
			due = at
		}
	}
	told := map[string]bool{}
	for _, i := range t.now.Open {
		if !i.Told.IsZero() {
			told[i.Kind] = true
			earlier(i.Told.Add(t.p.o.Remind))
		}
	}
	for _, i := range t.now.Open {
		if !i.Told.IsZero() {
			continue
		}
		at := i.First.Add(t.p.o.Gather)
		if again := t.now.Mailed.Add(moreOfTheSame); told[i.Kind] && again.After(at) {
			at = again
		}
		earlier(at)
	}
	if len(t.now.Over) > 0 && len(t.now.Open) == 0 {
		earlier(t.now.Over[len(t.now.Over)-1].Last.Add(t.p.o.Gather))
	}
	if t.tries > 0 && !due.IsZero() { // the mail server is away itself
		if again := t.p.o.Now().Add(min(time.Minute<<min(t.tries, 10), time.Hour)); again.After(due) {
			due = again
		}
	}
	t.due = due
}

// send mails what there is to say, where there is somebody to say it to.
func (t *trouble) send(ctx context.Context) {
	st := t.p.known().settings
	now := t.p.o.Now().UTC()
	if st.NotifyEmail != "" && t.p.o.Mail != nil {
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		subject, body := t.words(now)
		err := t.p.o.Mail.Send(ctx, st.NotifyEmail, subject, body)
		cancel()
		if err != nil {
			t.p.o.Logger.ErrorContext(ctx, "calsync: the mail about errors was not sent", "err", err)
			t.p.say(levelDecided, "", "the mail about errors was not sent: %v", err)
			t.tries++
			t.plan()
			return
		}
		t.p.say(levelDecided, "", "a mail about errors went to %s", st.NotifyEmail)
	}
	t.tries = 0
	for key, i := range t.now.Open {
		i.Told = now
		t.now.Open[key] = i
		if i.Kind == keyRefused { // it stands in the queue for somebody's hand: that is said once
			delete(t.now.Open, key)
		}
	}
	t.now.Over, t.now.Mailed = nil, now
	t.plan()
}

// words are the mail. Subjects and texts of appointments never stand in it.
func (t *trouble) words(now time.Time) (subject, body string) {
	var b strings.Builder
	open := slices.SortedFunc(maps.Values(t.now.Open), func(x, y incident) int { return x.First.Compare(y.First) })
	switch {
	case len(open) == 0:
		subject = "Portico: the synchronisation works again"
		b.WriteString("What was reported before is over.\n")
	case len(open) == 1:
		subject = "Portico: " + what(open[0])
	default:
		subject = fmt.Sprintf("Portico: %d troubles of the synchronisation", len(open))
	}
	for _, i := range open {
		fmt.Fprintf(&b, "\n%s\n  since %s, %d times, last %s\n", what(i), i.First.Format(time.RFC3339), i.Count, i.Last.Format(time.RFC3339))
		for _, c := range i.Causes {
			fmt.Fprintf(&b, "  %s\n", c)
		}
	}
	for _, i := range t.now.Over {
		fmt.Fprintf(&b, "\nOver: %s\n  from %s to %s\n", what(i), i.First.Format(time.RFC3339), i.Last.Format(time.RFC3339))
	}
	b.WriteString("\nNothing is lost: what could not be carried waits and is tried again.\n")
	if t.p.o.Site != "" {
		fmt.Fprintf(&b, "The control panel: %s/admin/sync\n", t.p.o.Site)
	}
	fmt.Fprintf(&b, "\nWritten %s. While the same lasts, a further mail comes once a day.\n", now.Format(time.RFC3339))
	return subject, b.String()
}

// what names an incident in a few words, for the operator.
func what(i incident) string {
	words := map[string]string{
		keyAway: "does not answer", keyLost: "cannot be opened", keyHeld: "has more deletions at once than are carried without asking",
		keyRefused: "refused a change", keyInternal: "met an error that nobody foresaw",
	}
	text, ok := words[i.Kind]
	if !ok {
		text = i.Kind
	}
	of := i.Server
	if names := slices.Sorted(maps.Keys(i.Mailboxes)); len(names) > 0 {
		of = strings.Join(names[:min(len(names), maxNamed)], ", ")
		if more := len(names) - maxNamed; more > 0 {
			of += fmt.Sprintf(" and %d more", more)
		}
		if i.Server != "" {
			of += " on " + i.Server
		}
	}
	if of == "" {
		of = "the synchronisation"
	}
	return of + ": " + text
}
