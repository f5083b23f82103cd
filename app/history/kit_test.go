package history_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"portico/app/history"
	"portico/app/portal"
	"portico/storage"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	alice = portal.Address("sip:alice@example.test")
	bob   = portal.Address("sip:bob@example.test")
	carol = portal.Address("sip:carol@example.test")
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantReason(t *testing.T, err, meaning error, key string) {
	t.Helper()
	if portal.Meaning(err) != meaning || portal.Reason(err) != key {
		t.Errorf("error %v (%s), want meaning %v and key %s", err, portal.Reason(err), meaning, key)
	}
}

// errDown is what a mailbox says that is away.
var errDown = portal.Fail(portal.ErrUnavailable, "exchange.down")

// fakeMail keeps items by mailbox as Exchange does: a create with a stamp that is there already finds it.
type fakeMail struct {
	mu    sync.Mutex
	items map[portal.Address][]portal.ConversationNote // newest last
	next  int
	// down makes every call fail; crash is asked before (0) and after (1) each write, an error of it is given back.
	down  error
	crash func(after int) error
	// hang holds writes until it is closed; busy and most count those under way, each and both for one mailbox.
	hang       chan struct{}
	busy       map[portal.Address]int
	most, each int
	writes     int
	// page is how long a page of Notes is.
	page  int
	tries []time.Time
}

func newMail() *fakeMail {
	return &fakeMail{page: 10, items: map[portal.Address][]portal.ConversationNote{}, busy: map[portal.Address]int{}}
}

func (f *fakeMail) WriteNote(ctx context.Context, owner portal.Address, n portal.ConversationNote) (string, string, error) {
	f.mu.Lock()
	f.tries = append(f.tries, time.Now())
	f.busy[owner]++
	under := 0
	for _, n := range f.busy {
		under += n
	}
	f.most, f.each = max(f.most, under), max(f.each, f.busy[owner])
	hang := f.hang
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		f.busy[owner]--
		f.mu.Unlock()
	}()
	if hang != nil {
		select {
		case <-hang:
		case <-ctx.Done():
			return "", "", ctx.Err()
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.down != nil {
		return "", "", f.down
	}
	if f.crash != nil {
		if err := f.crash(0); err != nil {
			return "", "", err
		}
	}
	i := slices.IndexFunc(f.items[owner], func(have portal.ConversationNote) bool {
		return have.ItemID == n.ItemID || (n.ItemID == "" && have.Stamp == n.Stamp)
	})
	if i < 0 && n.ItemID != "" {
		return "", "", portal.Fail(portal.ErrNotFound, "exchange.item")
	}
	f.writes++
	f.next++
	n.ChangeKey = fmt.Sprintf("k%d", f.next)
	if i < 0 {
		n.ItemID = fmt.Sprintf("i%d", f.next)
		f.items[owner] = append(f.items[owner], n)
	} else {
		n.ItemID = f.items[owner][i].ItemID
		f.items[owner][i] = n
	}
	if f.crash != nil {
		if err := f.crash(1); err != nil {
			return "", "", err
		}
	}
	return n.ItemID, n.ChangeKey, nil
}

func (f *fakeMail) Notes(_ context.Context, owner portal.Address, q portal.HistoryQuery) ([]portal.ConversationNote, string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.down != nil {
		return nil, "", f.down
	}
	list := slices.Clone(f.items[owner])
	end := func(n portal.ConversationNote) time.Time {
		if n.End.IsZero() {
			return n.Start
		}
		return n.End
	}
	slices.SortStableFunc(list, func(a, b portal.ConversationNote) int { return end(b).Compare(end(a)) })
	from := 0
	if q.Cursor != "" {
		if _, err := fmt.Sscanf(q.Cursor, "p%d", &from); err != nil {
			return nil, "", err
		}
	}
	to := min(from+f.page, len(list))
	next := ""
	if to < len(list) {
		next = fmt.Sprintf("p%d", to)
	}
	page := list[min(from, to):to]
	for i := range page {
		page[i].HTML = ""
	}
	return page, next, nil
}

func (f *fakeMail) Note(_ context.Context, owner portal.Address, id string) (portal.ConversationNote, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.down != nil {
		return portal.ConversationNote{}, f.down
	}
	for _, n := range f.items[owner] {
		if n.ItemID == id {
			return n, nil
		}
	}
	return portal.ConversationNote{}, portal.Fail(portal.ErrNotFound, "exchange.item")
}

func (f *fakeMail) DeleteNote(_ context.Context, owner portal.Address, id string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.down != nil {
		return f.down
	}
	before := len(f.items[owner])
	f.items[owner] = slices.DeleteFunc(f.items[owner], func(n portal.ConversationNote) bool { return n.ItemID == id })
	if len(f.items[owner]) == before {
		return portal.Fail(portal.ErrNotFound, "exchange.item")
	}
	return nil
}

func (f *fakeMail) of(owner portal.Address) []portal.ConversationNote {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.items[owner])
}

func (f *fakeMail) set(change func(*fakeMail)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
}

// errCrash is what a call gives that the end of the process cut off.
var errCrash = errors.New("the process was killed")

// world is a store, a fake Exchange and the service between them, which can be killed and started again, in the time of a bubble.
type world struct {
	t     *testing.T
	path  string
	mail  *fakeMail
	o     history.Options
	so    storage.Options
	store *storage.Store
	s     *history.Service
	// wrap puts something between service and store.
	wrap func(history.Store) history.Store
	end  func()
	n    int
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, path: filepath.Join(t.TempDir(), "portico.db"), mail: newMail(),
		o: history.Options{Logger: slog.New(slog.DiscardHandler)}}
	return w
}

// start begins a life of the process.
func (w *world) start() {
	w.t.Helper()
	so := w.so
	so.DSN = "sqlite:" + w.path
	store, err := storage.Open(context.Background(), so)
	must(w.t, err)
	w.store = store
	var wrapped history.Store = store
	if w.wrap != nil {
		wrapped = w.wrap(store)
	}
	var mail history.Mail
	if w.mail != nil {
		mail = w.mail
	}
	w.s = history.New(wrapped, mail, w.o)
	storing, stopStore := context.WithCancel(context.Background())
	running, stop := context.WithCancel(context.Background())
	stored, ran := make(chan error, 1), make(chan error, 1)
	go func() { stored <- store.Run(storing) }()
	<-store.Started()
	go func() { ran <- w.s.Run(running) }()
	w.end = func() {
		stop()
		if err := <-ran; err != nil {
			w.t.Errorf("the service ended with %v", err)
		}
		stopStore()
		if err := errors.Join(<-stored, store.Close()); err != nil {
			w.t.Errorf("the store ended with %v", err)
		}
		w.end = func() {}
	}
}

// bubble runs a test in a time of its own with a world that has started.
func bubble(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.start()
		defer func() { w.end() }()
		test(t, w)
	})
}

// say puts a message of from into owner's conversation with peer, said now.
func (w *world) say(owner, peer, from portal.Address, text string) portal.Message {
	w.t.Helper()
	w.n++
	state := portal.Received
	if from == owner {
		state = portal.Delivered
	}
	m, created, err := w.store.AddMessage(context.Background(), portal.Message{Owner: owner, Conversation: peer, From: from,
		ID: fmt.Sprintf("m%d", w.n), Text: text, At: time.Now(), State: state})
	must(w.t, err)
	if !created {
		w.t.Fatalf("message %d was there", w.n)
	}
	return m
}

// rest lets time pass until everything has come to rest.
func (w *world) rest(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// episodes are all of somebody's own, newest first.
func (w *world) episodes(who portal.Address) []portal.Episode {
	w.t.Helper()
	eps, next, err := w.store.Episodes(context.Background(), who, nil, portal.HistoryQuery{Limit: 200})
	must(w.t, err)
	if next != "" {
		w.t.Fatal("more than one page")
	}
	return eps
}

// texts are what an item's table says, a row for each message.
func texts(html string) []string {
	var list []string
	for row := range strings.SplitSeq(html, "</td></tr>") {
		if i := strings.LastIndex(row, "<td>"); i >= 0 {
			list = append(list, row[i+len("<td>"):])
		}
	}
	return list
}

func wantTexts(t *testing.T, n portal.ConversationNote, want ...string) {
	t.Helper()
	if got := texts(n.HTML); !slices.Equal(got, want) {
		t.Errorf("the item holds %q, want %q", got, want)
	}
}
