package storage_test

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"portico/app/portal"
	"portico/storage"
)

// everything calls every method of the store once, so that every query is known.
func everything(t *testing.T, s *storage.Store) {
	t.Helper()
	ctx := t.Context()
	now := time.Now()
	for _, m := range []portal.Message{message("1"), message("1"), {Owner: alice, Conversation: bob, From: alice, ID: "2", At: now, State: portal.Pending}} {
		_, _, err := s.AddMessage(ctx, m, event(m))
		must(t, err)
	}
	contact := portal.Addressed{For: []portal.Address{alice}, Event: portal.ContactsEvent{ID: bob}}
	for name, call := range map[string]func() error{
		"state":         func() error { _, err := s.SetMessageState(ctx, alice, alice, "2", portal.Sent, ""); return err },
		"message":       func() error { _, err := s.Message(ctx, alice, bob, "1"); return err },
		"messages":      func() error { _, err := s.Messages(ctx, alice, bob, 0, 0); return err },
		"conversations": func() error { _, err := s.Conversations(ctx, alice); return err },
		"read":          func() error { _, err := s.MarkRead(ctx, alice, bob, 0); return err },
		"unread":        func() error { _, err := s.Unread(ctx, alice); return err },
		"pending":       func() error { _, err := s.PendingMessages(ctx, 10); return err },
		"events":        func() error { _, _, err := s.EventsSince(ctx, alice, 0, 1); return err },
		"put contact":   func() error { return s.PutContact(ctx, alice, portal.Contact{URI: bob}, contact) },
		"contacts":      func() error { _, err := s.Contacts(ctx, alice); return err },
		"delete":        func() error { _, err := s.DeleteContact(ctx, alice, bob, contact); return err },
		"seed":          func() error { return s.SeedContacts(ctx, alice, []portal.Contact{{URI: bob}}) },
		"settings":      func() error { _, _, err := s.Settings(ctx, alice); return err },
		"save settings": func() error { return s.SaveSettings(ctx, alice, portal.Settings{}) },
		"manual":        func() error { _, _, err := s.Manual(ctx, alice); return err },
		"save manual":   func() error { return s.SaveManual(ctx, alice, &portal.Manual{}) },
		"no manual":     func() error { return s.SaveManual(ctx, alice, nil) },
		"note":          func() error { _, err := s.Note(ctx, alice); return err },
		"save note":     func() error { return s.SaveNote(ctx, alice, portal.PersonalNote{Text: "x"}) },
		"no note":       func() error { return s.SaveNote(ctx, alice, portal.PersonalNote{}) },
		"whereabouts":   func() error { _, err := s.Whereabouts(ctx, alice); return err },
		"save where":    func() error { return s.SaveWhereabouts(ctx, alice, portal.Whereabouts{Location: "x"}) },
		"nowhere":       func() error { return s.SaveWhereabouts(ctx, alice, portal.Whereabouts{}) },
		"save sign-in":  func() error { return s.SaveSignin(ctx, portal.Signin{Key: "k", Person: alice}) },
		"no sign-in":    func() error { return s.DeleteSignin(ctx, "k") },
		"sign-ins":      func() error { _, err := s.Signins(ctx, alice); return err },
		"expired":       func() error { _, err := s.ExpiredSignins(ctx, now); return err },
		"signed in":     func() error { _, err := s.SignedInPeople(ctx); return err },
		"save line":     func() error { return s.SaveLine(ctx, alice, []byte("x")) },
		"line":          func() error { _, err := s.Line(ctx, alice); return err },
		"no line":       func() error { return s.DeleteLine(ctx, alice) },
		"commit":        func() error { return s.CommitCtx(ctx, "x", nil, now) },
		"find":          func() error { _, _, err := s.FindCtx(ctx, "x"); return err },
		"delete s":      func() error { return s.DeleteCtx(ctx, "x") },
		"ready":         func() error { return s.Ready(ctx) },
	} {
		if err := call(); err != nil && portal.Meaning(err) != portal.ErrNotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
	everyCalendarQuery(t, s)
	everyCRMQuery(t, s)
	everySyncQuery(t, s)
	everyHookQuery(t, s)
	everyRoomQuery(t, s)
	everyHistoryQuery(t, s)
	everyListQuery(t, s)
	must(t, storage.Prune(ctx, s))
}

// everyCalendarQuery calls what keeps the calendars.
func everyCalendarQuery(t *testing.T, s *storage.Store) {
	t.Helper()
	ctx, now := t.Context(), time.Now()
	key := portal.CalendarKey{Reader: alice, Owner: alice}
	kept := portal.KeptEntry{From: now, Until: now}
	kept.ID, kept.RemoteID = "i", "r"
	in := portal.Intent{ID: "c", CalendarKey: key, Entry: "i", Kind: portal.IntentCreate, State: portal.IntentWaiting}
	for name, call := range map[string]func() error{
		"save": func() error {
			return s.SaveCalendar(ctx, portal.MirrorChange{Mirror: portal.Mirror{CalendarKey: key}, Put: []portal.KeptEntry{kept}, Gone: []string{"x"}, Done: []string{"x"}})
		},
		"drop":        func() error { return s.DropCalendar(ctx, portal.CalendarKey{Reader: bob, Owner: bob}) },
		"mirror":      func() error { _, err := s.CalendarMirror(ctx, key); return err },
		"window":      func() error { _, err := s.CalendarWindow(ctx, key, now, now); return err },
		"entry":       func() error { _, err := s.CalendarEntry(ctx, key, "i"); return err },
		"entries":     func() error { _, err := s.CalendarEntries(ctx, key, []string{"r"}); return err },
		"uids":        func() error { _, err := s.CalendarUIDs(ctx, key, []string{"u"}); return err },
		"find":        func() error { _, err := s.FindCalendarEntry(ctx, "i"); return err },
		"stale uids":  func() error { _, err := s.StaleCalendarUIDs(ctx, key, 1, []string{"u"}); return err },
		"stale":       func() error { _, err := s.StaleCalendarEntries(ctx, key, 1, 1); return err },
		"add":         func() error { _, err := s.AddIntents(ctx, []portal.Intent{in}); return err },
		"intents":     func() error { _, err := s.CalendarIntents(ctx, key, ""); return err },
		"of reader":   func() error { _, err := s.ReaderIntents(ctx, alice); return err },
		"of entry":    func() error { _, err := s.CalendarIntents(ctx, key, "i"); return err },
		"next":        func() error { _, _, err := s.NextIntent(ctx, key); return err },
		"save intent": func() error { _, err := s.SaveIntent(ctx, in); return ignore(err, portal.ErrConflict) },
		"end":         func() error { return s.EndIntents(ctx, key, []string{"x"}, &kept, []string{"x"}) },
		"calendars":   func() error { _, err := s.IntentCalendars(ctx); return err },
		"count":       func() error { _, _, err := s.CountIntents(ctx, alice); return err },
		"marks":       func() error { _, err := s.ReminderMarks(ctx, alice); return err },
		"save marks":  func() error { return s.SaveReminderMarks(ctx, alice, []portal.ReminderMark{{ID: "i"}}, now) },
		"shared":      func() error { _, err := s.SharedCalendars(ctx, alice); return err },
		"share":       func() error { return s.SaveSharedCalendar(ctx, alice, portal.CalendarRef{Owner: bob}) },
		"unshare":     func() error { return s.DeleteSharedCalendar(ctx, alice, bob) },
		"link":        func() error { _, err := s.CalendarLink(ctx, alice); return err },
		"find link":   func() error { _, err := s.FindCalendarLink(ctx, "h"); return err },
		"save link":   func() error { return s.SaveCalendarLink(ctx, portal.CalendarLink{Person: alice, Hash: "h"}) },
		"note link":   func() error { return s.NoteCalendarLink(ctx, "h", now) },
		"no link":     func() error { return s.DeleteCalendarLink(ctx, alice) },
		"look":        func() error { _, err := s.ResponsesLook(ctx, alice); return err },
		"save look":   func() error { return s.SaveResponsesLook(ctx, alice, now) },
	} {
		if err := call(); ignore(err, portal.ErrNotFound) != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func ignore(err, meaning error) error {
	if portal.Meaning(err) == meaning {
		return nil
	}
	return err
}

// TestEveryQueryUsesAnIndex asks the engine for the plan of every query that the store ever runs.
func TestEveryQueryUsesAnIndex(t *testing.T) {
	path := filepath.Join(t.TempDir(), "portico.db")
	s, err := storage.Open(t.Context(), storage.Options{DSN: "sqlite:" + path, EventBound: 1, EventAge: time.Nanosecond, Retention: time.Nanosecond, RoomRetention: time.Nanosecond, UpkeepEvery: time.Hour})
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	everything(t, s)
	cancel()
	must(t, <-done)
	queries := storage.Statements(s)
	planned := 0
	for _, q := range queries {
		word, _, _ := strings.Cut(strings.TrimSpace(q), " ")
		switch word {
		case "SELECT", "INSERT", "UPDATE", "DELETE":
		default:
			continue // BEGIN, SAVEPOINT …
		}
		planned++
		steps, err := storage.Plan(s, q)
		if err != nil {
			t.Errorf("%s: %v", q, err)
		}
		for _, step := range steps {
			if scans(q, step) {
				t.Errorf("%q in\n%s", step, q)
			}
		}
	}
	if planned < 250 {
		t.Errorf("only %d queries were seen", planned)
	}
	wantIndexes(t, s, queries)
	must(t, s.Close())
}

// wantIndexes holds queries that could go by several indexes to the one that is made for them.
func wantIndexes(t *testing.T, s *storage.Store, queries []string) {
	t.Helper()
	for part, index := range map[string]string{
		"WHERE person = ? AND audience = ? AND to_seq = ?":         "event_follow",
		"FROM event_follow f WHERE f.person = ?":                   "SEARCH f USING PRIMARY KEY (person=?)",
		"WHERE to_seq < 9223372036854775807":                       "event_follow_ended (to_seq<?)",
		"AND m.pin > 0 AND m.place >= ?":                           "room_messages_pinned (room=?",
		"SELECT place FROM room_messages":                          "room_messages_at (room=? AND said_at>?)",
		"SELECT seq FROM room_messages WHERE room = ? AND said_at": "room_messages_at (room=? AND said_at>?)",
		"SELECT rowid FROM room_words":                             "room_words VIRTUAL TABLE INDEX",
		"SELECT seq, head FROM hook_deliveries":                    "hook_deliveries_key (endpoint=? AND key=?)",
		"ready = 1 AND +not_before <= ?":                           "sync_jobs_due (mailbox=?)",
		"ready = 1 AND mailbox > ?":                                "sync_jobs_due (mailbox>?)",
		"ready = 0 AND not_before <= ?":                            "sync_jobs_later (not_before<?)",
		"i.generation < ? AND i.gone_at = 0":                       "sync_items_generation (mailbox=? AND generation<?)",
		"t.lasting = 0 AND t.starts_at >= ?":                       "crm_attendance_start (person=? AND lasting=? AND starts_at>? AND starts_at<?)",
		"FROM crm_words w CROSS JOIN crm_people":                   "SEARCH w USING PRIMARY KEY (kind=? AND word=?)",
		"FROM conversations c CROSS JOIN messages m":               "SEARCH c USING INDEX conversations_newest (owner=?)",
		"SELECT sender, at FROM calls WHERE owner = ?":             "calls_newest (owner=?)",
		"SELECT owner FROM contacts WHERE uri = ?":                 "contacts_whose (uri=?)",
		"SELECT uri FROM contacts WHERE owner = ? AND tagged = 1":  "contacts_tagged (owner=?)",
		"FROM incidents WHERE person = ? AND part = ?":             "incidents_part (person=? AND part=?)",
		"FROM incidents WHERE person = ? AND seq < ?":              "incidents_person (person=? AND seq<?)",
		"SELECT person FROM incidents WHERE person > ?":            "COVERING INDEX incidents_",
		"SELECT seq FROM incidents WHERE at < ?":                   "incidents_at (at<?)",
		"LEFT JOIN book_parts p ON p.copy = c.num":                 "book_copies_whole (source=?)",
		"FROM crm_appointments WHERE uid = ? AND uid <> ''":        "crm_appointments_uid (uid=?)",
	} {
		at := slices.IndexFunc(queries, func(q string) bool { return strings.Contains(q, part) })
		if at < 0 {
			t.Errorf("no query has %q", part)
			continue
		}
		if steps, err := storage.Plan(s, queries[at]); err != nil || !strings.Contains(strings.Join(steps, "\n"), index) {
			t.Errorf("%q goes by %q, %v; want %q", queries[at], steps, err, index)
		}
	}
}

// scans reports whether a step of a plan reads a whole table, or sorts what could be large.
func scans(query, step string) bool {
	switch {
	case strings.HasPrefix(step, "SCAN signins USING COVERING INDEX"):
		return false // all people who are signed in are wanted, once at the start
	case strings.HasPrefix(step, "SCAN oldest"), strings.HasPrefix(step, "SCAN (subquery"), strings.HasPrefix(step, "SCAN CONSTANT ROW"):
		return false // over at most one slice
	case step == "SCAN h" && strings.Contains(query, "FROM history_holds h"), strings.HasPrefix(step, "SCAN history_held_rooms"):
		return false // people under hold are few, and so is what was changed where they are
	case strings.HasPrefix(step, "SCAN history_holds"), strings.HasPrefix(step, "SCAN o USING COVERING INDEX history_episodes_hidden"),
		strings.HasPrefix(step, "SCAN history_exports"):
		return false // all are wanted and they are few, or ended by the limit
	case step == "SCAN room_files USING COVERING INDEX room_files_held":
		return false // holds only the files of messages that were taken back under a hold, and the limit ends it
	case strings.HasPrefix(query, "INSERT INTO rooms"):
		return false // looks at what refers to rooms where a reference was left open in the transaction, which never is
	case strings.Contains(step, "_words VIRTUAL TABLE"), strings.HasPrefix(step, "SCAN w VIRTUAL TABLE INDEX"):
		return !strings.Contains(step, ":=") && !strings.Contains(step, ":M") // by number or by words
	case strings.Contains(query, "FROM rooms ORDER BY num"), strings.Contains(query, "FROM room_members m CROSS JOIN"),
		strings.Contains(query, "FROM room_mentions n CROSS JOIN"), strings.Contains(query, "FROM room_watched ORDER BY"):
		return strings.Contains(step, "TEMP B-TREE") // all are wanted, once at the start
	case strings.HasPrefix(step, "SCAN policy_groups USING INDEX"), step == "SCAN policy_rules", step == "SCAN presence_origins", strings.HasPrefix(step, "SCAN custom_states USING INDEX"):
		return !strings.Contains(query, "ORDER BY") // what administrators decided: all is wanted in the order of a key, and it is little
	case step == "SCAN book_copies USING COVERING INDEX book_copies_part":
		return false // that index holds nothing else
	case strings.HasPrefix(step, "SCAN crm_users"):
		return false // all users are wanted, and they are few
	case strings.HasPrefix(step, "SCAN p USING INDEX crm_people_sort"), strings.HasPrefix(step, "SCAN c USING INDEX crm_companies_sort"):
		return false // in the order of the names, ended when there are enough
	case strings.HasPrefix(step, "SCAN sync_conflicts USING INDEX sync_conflicts_at"):
		return false // in the order of the index, ended by the limit
	case strings.HasPrefix(step, "SCAN sync_jobs USING") && (strings.Contains(query, "COUNT(*)") || strings.Contains(query, "LIMIT")):
		return !strings.Contains(step, "INDEX sync_jobs_") // a part of the jobs, counted or ended by the limit: that index holds nothing else
	case strings.Contains(query, "LIMIT ?) AS oldest") && (step == "SCAN events" || step == "SCAN messages" || step == "SCAN room_messages"):
		return false // in the order of the key, ended by the limit
	case strings.Contains(query, ") AS gone"):
		return strings.Contains(step, "event_audience") && !strings.Contains(step, "SEARCH")
	case strings.Contains(step, "USING INDEX messages_pending"):
		return false // that index holds nothing else
	case (strings.Contains(query, "FROM contacts") || strings.Contains(query, "FROM signins")) && strings.Contains(step, "TEMP B-TREE FOR ORDER BY"):
		return false // one person's list, which is bounded
	}
	return strings.HasPrefix(step, "SCAN") || strings.Contains(step, "TEMP B-TREE")
}
