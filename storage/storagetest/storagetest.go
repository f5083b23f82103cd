// Package storagetest is the conformance suite of the storage engines: what every one of them must do alike.
//
// An engine's tests call [Run] with a function that opens an empty database of that engine.
package storagetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"portico/app/portal"
	"portico/storage"
)

// Store is the whole of what the rooms ask of storage.
type Store interface {
	SetSink(sink func([]portal.Logged))
	Started() <-chan struct{}
	Run(ctx context.Context) error
	Close() error
	Ready(ctx context.Context) error

	EventHead(ctx context.Context) (int64, error)
	EventsSince(ctx context.Context, who portal.Address, since int64, limit int) ([]portal.Logged, bool, error)

	AddMessage(ctx context.Context, m portal.Message, evs ...portal.Addressed) (portal.Message, bool, error)
	SetMessageState(ctx context.Context, owner, from portal.Address, id string, st portal.State, reason string) (bool, error)
	Message(ctx context.Context, owner, from portal.Address, id string) (portal.Message, error)
	Messages(ctx context.Context, owner, conversation portal.Address, before int64, limit int) ([]portal.Message, error)
	Conversations(ctx context.Context, owner portal.Address) ([]portal.Conversation, error)
	MarkRead(ctx context.Context, owner, conversation portal.Address, upTo int64) ([]portal.Message, error)
	Unread(ctx context.Context, owner portal.Address) (map[portal.Address]int, error)
	PendingMessages(ctx context.Context, limit int) ([]portal.Message, error)

	Contacts(ctx context.Context, owner portal.Address) ([]portal.Contact, error)
	Relationship(ctx context.Context, owner, uri portal.Address) (portal.Relationship, error)
	PutContact(ctx context.Context, owner portal.Address, c portal.Contact, ev portal.Addressed) error
	DeleteContact(ctx context.Context, owner, uri portal.Address, ev portal.Addressed) (bool, error)
	SeedContacts(ctx context.Context, owner portal.Address, list []portal.Contact) error

	Settings(ctx context.Context, who portal.Address) (portal.Settings, bool, error)
	SaveSettings(ctx context.Context, who portal.Address, c portal.Settings) error
	Manual(ctx context.Context, who portal.Address) (portal.Manual, bool, error)
	SaveManual(ctx context.Context, who portal.Address, m *portal.Manual) error
	Note(ctx context.Context, who portal.Address) (portal.PersonalNote, error)
	SaveNote(ctx context.Context, who portal.Address, note portal.PersonalNote) error
	Whereabouts(ctx context.Context, who portal.Address) (portal.Whereabouts, error)
	SaveWhereabouts(ctx context.Context, who portal.Address, w portal.Whereabouts) error

	SaveSignin(ctx context.Context, in portal.Signin) error
	DeleteSignin(ctx context.Context, key string) error
	Signins(ctx context.Context, who portal.Address) ([]portal.Signin, error)
	ExpiredSignins(ctx context.Context, now time.Time) ([]portal.Signin, error)
	SignedInPeople(ctx context.Context) ([]portal.Address, error)
	SaveLine(ctx context.Context, who portal.Address, sealed []byte) error
	Line(ctx context.Context, who portal.Address) ([]byte, error)
	DeleteLine(ctx context.Context, who portal.Address) error

	CalendarMirror(ctx context.Context, key portal.CalendarKey) (portal.Mirror, error)
	SaveCalendar(ctx context.Context, c portal.MirrorChange, evs ...portal.Addressed) error
	DropCalendar(ctx context.Context, key portal.CalendarKey, evs ...portal.Addressed) error
	CalendarWindow(ctx context.Context, key portal.CalendarKey, from, to time.Time) ([]portal.KeptEntry, error)
	CalendarEntry(ctx context.Context, key portal.CalendarKey, id string) (portal.KeptEntry, error)
	CalendarEntries(ctx context.Context, key portal.CalendarKey, remoteIDs []string) ([]portal.KeptEntry, error)
	CalendarUIDs(ctx context.Context, key portal.CalendarKey, uids []string) (map[string]string, error)
	FindCalendarEntry(ctx context.Context, id string) ([]portal.CalendarKey, error)
	StaleCalendarEntries(ctx context.Context, key portal.CalendarKey, generation int64, limit int) ([]portal.KeptEntry, error)
	StaleCalendarUIDs(ctx context.Context, key portal.CalendarKey, generation int64, uids []string) ([]portal.KeptEntry, error)
	AddIntents(ctx context.Context, list []portal.Intent, evs ...portal.Addressed) ([]portal.Intent, error)
	CalendarIntents(ctx context.Context, key portal.CalendarKey, entry string) ([]portal.Intent, error)
	ReaderIntents(ctx context.Context, reader portal.Address) ([]portal.Intent, error)
	NextIntent(ctx context.Context, key portal.CalendarKey) (portal.Intent, bool, error)
	SaveIntent(ctx context.Context, in portal.Intent, evs ...portal.Addressed) (portal.Intent, error)
	EndIntents(ctx context.Context, key portal.CalendarKey, ids []string, put *portal.KeptEntry, gone []string, evs ...portal.Addressed) error
	IntentCalendars(ctx context.Context) ([]portal.CalendarKey, error)
	CountIntents(ctx context.Context, reader portal.Address) (waiting, failed int, err error)
	ReminderMarks(ctx context.Context, who portal.Address) ([]portal.ReminderMark, error)
	SaveReminderMarks(ctx context.Context, who portal.Address, marks []portal.ReminderMark, forget time.Time) error
	SharedCalendars(ctx context.Context, who portal.Address) ([]portal.CalendarRef, error)
	SaveSharedCalendar(ctx context.Context, who portal.Address, ref portal.CalendarRef) error
	DeleteSharedCalendar(ctx context.Context, who, owner portal.Address) error
	NoteCalendarLink(ctx context.Context, hash string, used time.Time) error
	CalendarLink(ctx context.Context, who portal.Address) (portal.CalendarLink, error)
	SaveCalendarLink(ctx context.Context, l portal.CalendarLink) error
	DeleteCalendarLink(ctx context.Context, who portal.Address) error
	FindCalendarLink(ctx context.Context, hash string) (portal.CalendarLink, error)
	ResponsesLook(ctx context.Context, who portal.Address) (time.Time, error)
	SaveResponsesLook(ctx context.Context, who portal.Address, at time.Time) error

	CRMStore
	SyncStore
	HookStore
	RoomStore
	CallStore
	ListStore
	PrivacyStore
	PolicyStore
	IncidentStore
	AuditStore
	BookStore
	ResumeStore

	FindCtx(ctx context.Context, token string) ([]byte, bool, error)
	CommitCtx(ctx context.Context, token string, data []byte, expiry time.Time) error
	DeleteCtx(ctx context.Context, token string) error
	Find(token string) ([]byte, bool, error)
	Commit(token string, data []byte, expiry time.Time) error
	Delete(token string) error
}

// Open opens an empty database of an engine with the options given, whose DSN it fills. Nothing runs yet.
type Open func(t *testing.T, o storage.Options) Store

// Run holds an engine to everything.
func Run(t *testing.T, open Open) {
	for _, part := range []struct {
		name string
		test func(*testing.T, Open)
	}{
		{"messages", testMessages}, {"once", testOnce}, {"states", testStates}, {"paging", testPaging}, {"pending", testPending},
		{"conversations", testConversations}, {"read marks", testReadMarks}, {"retention", testRetention},
		{"events", testEvents}, {"event order", testEventOrder}, {"resync", testResync}, {"pruning by age", testPruningByAge}, {"pruning by person", testPruningByPerson},
		{"contacts", testContacts}, {"seed", testSeed}, {"settings", testSettings}, {"presence", testPresence},
		{"sign-ins", testSignins}, {"lines", testLines}, {"sessions", testSessions},
		{"mirrors", testMirrors}, {"windows", testWindows}, {"intents", testIntents}, {"calendar choices", testCalendarChoices},
		{"crm records", testCRMRecords}, {"crm revisions", testCRMRevisions}, {"crm gone", testCRMGone}, {"crm windows", testCRMWindows},
		{"crm keys", testCRMKeys}, {"crm change log", testCRMChangeLog}, {"crm files", testCRMFiles},
		{"crm users", testCRMUsers}, {"crm search", testCRMSearch}, {"crm many alike", testCRMManyAlike}, {"crm parties", testCRMParties},
		{"sync intake", testSyncIntake}, {"sync items", testSyncItems}, {"sync drop", testSyncDrop}, {"sync pairs", testSyncPairs}, {"sync blobs", testSyncBlobs},
		{"sync due", testSyncDue}, {"sync renewal", testSyncRenewal}, {"sync outcome", testSyncOutcome}, {"sync queue", testSyncQueue},
		{"sync many retries", testSyncManyRetries}, {"sync log", testSyncLog}, {"sync conflicts", testSyncConflicts},
		{"hook endpoints", testHookEndpoints}, {"hook order", testHookOrder}, {"hook lists", testHookLists},
		{"rooms", testRooms}, {"room renamed", testRoomRenamed}, {"room members", testRoomMembers}, {"room audience", testRoomAudience}, {"room audience order", testAudienceOrder},
		{"room audience pruned", testAudiencePruned}, {"room audience bound", testAudienceBound}, {"room messages", testRoomMessages},
		{"room pages", testRoomPages}, {"room once", testRoomOnce}, {"room places", testRoomPlaces}, {"room changes", testRoomChanges},
		{"room reactions", testRoomReactions}, {"room pins", testRoomPins}, {"room files", testRoomFiles}, {"room mentions", testRoomMentions},
		{"room read marks", testRoomRead}, {"room search", testRoomSearch}, {"room search pages", testRoomSearchPages},
		{"room retention", testRoomRetention}, {"room words", testRoomWords}, {"room model", testRoomModel},
		{"calls", testCalls}, {"call pages", testCallPages}, {"calls seen", testCallsSeen}, {"calls due", testCallsDue}, {"call retention", testCallRetention},
		{"contact fields", testContactFields}, {"contact changes", testContactChanges}, {"contact changes whole", testContactChangesWhole},
		{"contact model", testContactModel}, {"rosters", testRosters}, {"recents", testRecents},
		{"privacy", testPrivacy}, {"ties", testTies}, {"admirers", testAdmirers},
		{"policies", testPolicies}, {"policy record", testPolicyRecord}, {"custom states", testCustomStates}, {"origins", testOrigins},
		{"incidents", testIncidents}, {"incidents dropped", testIncidentsDropped}, {"many incidents dropped", testManyIncidentsDropped},
		{"audit", testAudit}, {"audit search", testAuditSearch}, {"audit dropped", testAuditDropped}, {"archive record dropped", testExportsDropped},
		{"books", testBooks}, {"book sizes", testBookSizes}, {"book given up", testBookGivenUp}, {"book at once", testBookAtOnce},
		{"drafts", testDrafts}, {"draft bound", testDraftsBound}, {"draft retention", testDraftRetention}, {"last places", testLastPlaces},
		{"atomicity", testAtomicity}, {"contention", testContention}, {"giving up", testGivingUp}, {"life", testLife}, {"times", testTimes},
	} {
		t.Run(part.name, func(t *testing.T) { part.test(t, open) })
	}
}

// people of the tests.
const (
	alice = portal.Address("sip:alice@example.test")
	bob   = portal.Address("sip:bob@example.test")
	carol = portal.Address("sip:carol@example.test")
)

// noon is a time with all its nanoseconds.
func noon() time.Time { return time.Date(2026, 8, 22, 12, 0, 0, 123456789, time.UTC) }

// running is an open store whose writer runs until the test ends, and what its sink was told.
type running struct {
	Store
	mu   sync.Mutex
	sunk []portal.Logged
}

// start opens a store and runs it; both end with the test.
func start(t *testing.T, open Open, o storage.Options) *running {
	t.Helper()
	r := &running{Store: open(t, o)}
	r.SetSink(func(evs []portal.Logged) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.sunk = append(r.sunk, evs...)
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-done, r.Close()); err != nil {
			t.Errorf("end of the store: %v", err)
		}
	})
	<-r.Started()
	return r
}

// told is what the sink was told so far.
func (r *running) told() []portal.Logged {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]portal.Logged(nil), r.sunk...)
}

// deadline is the context of a test's calls.
func deadline(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// eventually waits for a state that comes by itself.
func eventually(t *testing.T, what string, reached func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	late := time.After(time.Minute)
	for !reached() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("not reached: %s", what)
		}
	}
}

// must ends the test at an error.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantMeaning wants an error with a meaning of the house and a sentence for people.
func wantMeaning(t *testing.T, err, meaning error) {
	t.Helper()
	var e *portal.Error
	if portal.Meaning(err) != meaning || !errors.As(err, &e) || e.Key == "" {
		t.Errorf("error %v, want a portal.Error that means %v", err, meaning)
	}
}

// received is bob's message to alice in her archive.
func received(n int) portal.Message {
	return portal.Message{Owner: alice, Conversation: bob, From: bob, ID: fmt.Sprintf("b%d", n),
		Text: fmt.Sprintf("text %d", n), At: noon().Add(time.Duration(n) * time.Second), State: portal.Received, WantsRead: true}
}

// said is alice's message to bob in her archive.
func said(n int) portal.Message {
	return portal.Message{Owner: alice, Conversation: bob, From: alice, ID: fmt.Sprintf("a%d", n),
		Text: fmt.Sprintf("text %d", n), At: noon().Add(time.Duration(n) * time.Second), State: portal.Pending}
}

// about is the event that goes with a message.
func about(m portal.Message) portal.Addressed {
	return portal.Addressed{For: []portal.Address{m.Owner}, Event: portal.MessageEvent{
		Conversation: m.Conversation, ID: m.ID, From: m.From, Text: m.Text, At: m.At, State: m.State}}
}

// add stores a message with its event.
func add(t *testing.T, s Store, m portal.Message) portal.Message {
	t.Helper()
	stored, created, err := s.AddMessage(deadline(t), m, about(m))
	must(t, err)
	if !created {
		t.Fatalf("message %s was there already", m.ID)
	}
	return stored
}

// all is the person's whole log after since, read in batches.
func all(t *testing.T, s Store, who portal.Address, since int64) []portal.Logged {
	t.Helper()
	var evs []portal.Logged
	for {
		batch, resync, err := s.EventsSince(deadline(t), who, since, 100)
		must(t, err)
		if resync {
			t.Fatalf("resync of %s at %d", who, since)
		}
		if len(batch) == 0 {
			return evs
		}
		evs = append(evs, batch...)
		since = batch[len(batch)-1].Seq
	}
}
