package storage_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"portico/app/portal"
	"portico/storage"
)

// The promise that what was acknowledged is on disk, kept against a process that is killed in the
// middle of a burst, and against a log whose unsynced end a power cut has taken.

const (
	childEnv  = "PORTICO_TEST_STORAGE_CHILD" // path of the database
	childTag  = "PORTICO_TEST_STORAGE_TAG"   // begins the ids of this child's messages
	childCrew = 24                           // writers of one child
)

const (
	alice = portal.Address("sip:alice@example.test")
	bob   = portal.Address("sip:bob@example.test")
)

// childMain is the child: it writes and says what was acknowledged until it is killed.
func childMain() bool {
	path := os.Getenv(childEnv)
	if path == "" {
		return false
	}
	var out sync.Mutex
	say := func(format string, args ...any) {
		out.Lock()
		defer out.Unlock()
		if _, err := fmt.Fprintf(os.Stdout, format+"\n", args...); err != nil {
			os.Exit(3)
		}
	}
	s, err := storage.Open(context.Background(), storage.Options{DSN: "sqlite:" + path, Sink: func(evs []portal.Logged) {
		for _, e := range evs {
			if m, ok := e.Event.(portal.MessageEvent); ok {
				say("told %d %s", e.Seq, m.ID)
			}
		}
	}})
	if err != nil {
		say("error %v", err)
		return true
	}
	go func() { say("end %v", s.Run(context.Background())) }()
	if strings.HasPrefix(os.Getenv(childTag), syncTag) {
		syncChild(s, say)
		return true
	}
	if strings.HasPrefix(os.Getenv(childTag), roomTag) {
		roomChild(s, say)
		return true
	}
	if strings.HasPrefix(os.Getenv(childTag), listTag) {
		listChild(s, say)
		return true
	}
	var crew sync.WaitGroup
	for w := range childCrew {
		crew.Go(func() {
			for i := 0; ; i++ {
				m := message(fmt.Sprintf("%s-%d-%d", os.Getenv(childTag), w, i))
				stored, _, err := s.AddMessage(context.Background(), m, event(m))
				if err != nil {
					say("error %v", err)
					return
				}
				say("ack %d %s", stored.Order, stored.ID)
			}
		})
	}
	crew.Wait()
	return true
}

func message(id string) portal.Message {
	return portal.Message{Owner: alice, Conversation: bob, From: bob, ID: id, Text: "text of " + id, At: time.Now(), State: portal.Received}
}

func event(m portal.Message) portal.Addressed {
	return portal.Addressed{For: []portal.Address{alice}, Event: portal.MessageEvent{Conversation: bob, ID: m.ID, From: bob, Text: m.Text, At: m.At}}
}

// burst lets a child write until it has acknowledged enough, kills it, and gives what it said.
func burst(t *testing.T, path, tag string, enough int) (acks map[string]int64, told map[string]int64) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), childEnv+"="+path, childTag+"="+tag)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	acks, told = map[string]int64{}, map[string]int64{}
	lines := bufio.NewReader(out)
	killed := false
	for {
		line, err := lines.ReadString('\n')
		if err != nil { // the last line may be torn: it was not said in full
			if err != io.EOF {
				t.Error(err)
			}
			break
		}
		var (
			word, id string
			n        int64
		)
		if _, err := fmt.Sscan(line, &word, &n, &id); err != nil {
			t.Fatalf("the child said %q", strings.TrimSpace(line))
		}
		if word == "ack" {
			acks[id] = n
		} else {
			told[id] = n
		}
		if len(acks) >= enough && !killed {
			killed = true
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil {
		t.Error("the child ended by itself")
	}
	return acks, told
}

// contents is the archive and the log as they are found after a reopening.
type contents struct {
	messages []portal.Message
	events   []portal.Logged
	unread   int
}

// reopen opens the database at path, reads everything, and closes it.
func reopen(t *testing.T, path string) contents {
	t.Helper()
	ctx := t.Context()
	s, err := storage.Open(ctx, storage.Options{DSN: "sqlite:" + path, EventBound: 1 << 30})
	if err != nil {
		t.Fatalf("reopen: %v", err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := storage.Sound(s); err != nil {
		t.Errorf("the database is not sound: %v", err)
	}
	var c contents
	for before := int64(0); ; before = c.messages[len(c.messages)-1].Order {
		page, err := s.Messages(ctx, alice, bob, before, 500)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		slices.Reverse(page)
		c.messages = append(c.messages, page...)
	}
	slices.Reverse(c.messages)
	for since := int64(0); ; since = c.events[len(c.events)-1].Seq {
		evs, resync, err := s.EventsSince(ctx, alice, since, 500)
		if err != nil || resync {
			t.Fatalf("events since %d: resync %v, %v", since, resync, err)
		}
		if len(evs) == 0 {
			break
		}
		c.events = append(c.events, evs...)
	}
	unread, err := s.Unread(ctx, alice)
	if err != nil {
		t.Fatal(err)
	}
	c.unread = unread[bob]
	return c
}

// check holds the contents against themselves: each message once, with its one event, in one order, and counted.
func (c contents) check(t *testing.T) (orders, seqs map[string]int64) {
	t.Helper()
	orders, seqs = map[string]int64{}, map[string]int64{}
	for i, m := range c.messages {
		if _, twice := orders[m.ID]; twice || m.Text != "text of "+m.ID || (i > 0 && m.Order <= c.messages[i-1].Order) {
			t.Errorf("message %d: %+v", i, m)
		}
		orders[m.ID] = m.Order
	}
	for i, e := range c.events {
		ev, ok := e.Event.(portal.MessageEvent)
		if _, twice := seqs[ev.ID]; !ok || twice || ev.Order != orders[ev.ID] || (i > 0 && e.Seq <= c.events[i-1].Seq) {
			t.Errorf("event %d: %+v", i, e)
		}
		seqs[ev.ID] = e.Seq
	}
	if len(orders) != len(seqs) || c.unread != len(orders) {
		t.Errorf("%d messages, %d events, %d unread", len(orders), len(seqs), c.unread)
	}
	return orders, seqs
}

func TestKilledInTheMiddleOfABurst(t *testing.T) {
	path := filepath.Join(t.TempDir(), "portico.db")
	acks, told := map[string]int64{}, map[string]int64{}
	var highest int64
	for round, enough := range []int{1, 300, 37, 1000, 150} {
		a, b := burst(t, path, fmt.Sprint("r", round), enough)
		orders, seqs := reopen(t, path).check(t)
		for id, seq := range b {
			if seq <= highest {
				t.Errorf("round %d: event %s was given %d again, %d was told before", round, id, seq, highest)
			}
			told[id] = seq
		}
		for id, order := range a {
			acks[id] = order
		}
		for id, order := range acks {
			if orders[id] != order {
				t.Errorf("round %d: %s was acknowledged with order %d, found with %d", round, id, order, orders[id])
			}
		}
		for id, seq := range told {
			if seqs[id] != seq {
				t.Errorf("round %d: the sink was told %s with %d, the log has %d", round, id, seq, seqs[id])
			}
			highest = max(highest, seq)
		}
	}
	t.Logf("%d acknowledged over 5 kills, none lost, none doubled", len(acks))
}

// TestPowerCut: whatever part of the write-ahead log's end is gone, the database opens and holds a
// beginning of what was written, each message with its event.
func TestPowerCut(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "portico.db")
	burst(t, path, "cut", 400)
	whole := read(t, path)
	wal := read(t, path+"-wal")
	if len(wal) == 0 {
		t.Fatal("no write-ahead log was left")
	}
	var before []string
	const cuts = 24
	for i := range cuts {
		length := len(wal) * (i + 1) / cuts
		cut := filepath.Join(dir, fmt.Sprintf("cut%d.db", i))
		write(t, cut, whole)
		write(t, cut+"-wal", wal[:length])
		c := reopen(t, cut)
		c.check(t)
		var ids []string
		for _, m := range c.messages {
			ids = append(ids, m.ID)
		}
		if len(ids) < len(before) || !slices.Equal(ids[:len(before)], before) {
			t.Errorf("with %d bytes of the log: %d messages, which do not go on from the %d found with fewer", length, len(ids), len(before))
		}
		before = ids
	}
	if len(before) == 0 {
		t.Error("nothing was found even with the whole log")
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}
