package storagetest

import (
	"bytes"
	"context"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"portico/app/portal"
	"portico/storage"
)

func contactEvent(uri portal.Address) portal.Addressed {
	return portal.Addressed{For: []portal.Address{alice}, Event: portal.ContactsEvent{ID: uri, Change: portal.Updated}}
}

func testContacts(t *testing.T, open Open) {
	clock := newClock()
	s := start(t, open, storage.Options{Now: clock.now})
	ctx := deadline(t)
	c := portal.Contact{URI: bob, DisplayName: "Bob Ö", Group: "Friends", Relationship: portal.Team}
	must(t, s.PutContact(ctx, alice, c, contactEvent(bob)))
	c.AddedAt = clock.now()
	clock.advance(time.Hour)
	must(t, s.PutContact(ctx, alice, portal.Contact{URI: carol, Relationship: portal.Blocked, AddedAt: noon()}, contactEvent(carol)))
	c.Group, c.Groups, c.Relationship = "Work", []string{"Work"}, portal.Personal
	must(t, s.PutContact(ctx, alice, c, contactEvent(bob)))
	list, err := s.Contacts(ctx, alice)
	must(t, err)
	want := []portal.Contact{{URI: carol, Relationship: portal.Blocked, AddedAt: noon()}, c}
	if !reflect.DeepEqual(list, want) {
		t.Errorf("contacts %+v, want %+v", list, want)
	}
	if r, err := s.Relationship(ctx, alice, carol); err != nil || r != portal.Blocked {
		t.Errorf("relationship %q, %v", r, err)
	}
	_, err = s.Relationship(ctx, bob, carol)
	wantMeaning(t, err, portal.ErrNotFound)
	deleted, err := s.DeleteContact(ctx, alice, bob, portal.Addressed{For: []portal.Address{alice}, Event: portal.ContactsEvent{ID: bob, Change: portal.Deleted}})
	if err != nil || !deleted {
		t.Errorf("delete: %v, %v", deleted, err)
	}
	if deleted, err := s.DeleteContact(ctx, alice, bob, contactEvent(bob)); err != nil || deleted {
		t.Errorf("second delete: %v, %v", deleted, err)
	}
	var changes []portal.Change
	for _, l := range all(t, s, alice, 0) {
		changes = append(changes, l.Event.(portal.ContactsEvent).Change)
	}
	if want := []portal.Change{portal.Created, portal.Created, portal.Updated, portal.Deleted}; !slices.Equal(changes, want) {
		t.Errorf("events %v, want %v", changes, want)
	}
	wantMeaning(t, s.PutContact(ctx, alice, portal.Contact{}, contactEvent("")), portal.ErrInvalid)
	if list, err := s.Contacts(ctx, bob); err != nil || len(list) != 0 {
		t.Errorf("bob's list: %v, %v", list, err)
	}
}

func testSeed(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	must(t, s.PutContact(ctx, alice, portal.Contact{URI: bob, Group: "Mine", Relationship: portal.Team}, contactEvent(bob)))
	seed := []portal.Contact{{URI: bob, Group: "Seed", Relationship: portal.Public}, {URI: carol, Group: "Seed", Relationship: portal.Company}}
	must(t, s.SeedContacts(ctx, alice, seed))
	list, err := s.Contacts(ctx, alice)
	must(t, err)
	if len(list) != 2 || list[0].Group != "Mine" {
		t.Errorf("seeded list %+v", list)
	}
	for _, uri := range []portal.Address{bob, carol} {
		_, err := s.DeleteContact(ctx, alice, uri, contactEvent(uri))
		must(t, err)
	}
	must(t, s.SeedContacts(ctx, alice, seed))
	if list, err := s.Contacts(ctx, alice); err != nil || len(list) != 0 {
		t.Errorf("what was removed came back: %+v, %v", list, err)
	}
}

func testSettings(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	if c, found, err := s.Settings(ctx, alice); err != nil || found || !reflect.DeepEqual(c, portal.Settings{}) {
		t.Errorf("before: %+v, %v, %v", c, found, err)
	}
	on, off := true, false
	for _, c := range []portal.Settings{
		{KeepHistory: &on, KeepCalls: &off, PreferredClient: portal.OtherClient}, portal.DefaultSettings(), {Locale: "de", TimeZone: "Europe/Berlin", Theme: "dark", Sound: true},
		{Notifications: true, PresenceProvider: "Linphone", Sort: "status", Thin: "on"}, {Thin: "off"}, {Notifications: true},
	} {
		must(t, s.SaveSettings(ctx, alice, c))
		if got, found, err := s.Settings(ctx, alice); err != nil || !found || !reflect.DeepEqual(got, c) {
			t.Errorf("saved %+v, got %+v, %v, %v", c, got, found, err)
		}
	}
	wantMeaning(t, s.SaveSettings(ctx, "", portal.Settings{}), portal.ErrInvalid)
}

func testPresence(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	if _, found, err := s.Manual(ctx, alice); err != nil || found {
		t.Errorf("before: %v, %v", found, err)
	}
	note, empty := "back at five", ""
	for _, m := range []portal.Manual{
		{Availability: portal.Busy, Activity: portal.InACall, Note: &note, Until: noon(), SetAt: noon().Add(-time.Hour)},
		{Availability: portal.Offline, SetAt: noon()},
		{Availability: portal.Away, Note: &empty, NoteUntil: noon()},
	} {
		must(t, s.SaveManual(ctx, alice, &m))
		if got, found, err := s.Manual(ctx, alice); err != nil || !found || !reflect.DeepEqual(got, m) {
			t.Errorf("saved %+v, got %+v, %v, %v", m, got, found, err)
		}
	}
	must(t, s.SaveManual(ctx, alice, nil))
	must(t, s.SaveManual(ctx, alice, nil))
	if _, found, err := s.Manual(ctx, alice); err != nil || found {
		t.Errorf("after: %v, %v", found, err)
	}
	for _, note := range []portal.PersonalNote{{}, {Text: "lunch 🍜"}, {}, {Text: "again", Until: noon()}, {Text: "longer"}} {
		must(t, s.SaveNote(ctx, alice, note))
		if got, err := s.Note(ctx, alice); err != nil || got != note {
			t.Errorf("note %+v, got %+v, %v", note, got, err)
		}
	}
	must(t, s.SaveNote(ctx, alice, portal.PersonalNote{Until: noon()})) // an end of nothing
	if got, err := s.Note(ctx, alice); err != nil || got != (portal.PersonalNote{}) {
		t.Errorf("no note, got %+v, %v", got, err)
	}
	for _, w := range []portal.Whereabouts{{}, {Location: "Büro 7", TimeZone: "Europe/Berlin"}, {TimeZone: "Asia/Tokyo"}, {}, {Location: "home"}} {
		must(t, s.SaveWhereabouts(ctx, alice, w))
		if got, err := s.Whereabouts(ctx, alice); err != nil || got != w {
			t.Errorf("whereabouts %+v, got %+v, %v", w, got, err)
		}
	}
	if got, err := s.Whereabouts(ctx, bob); err != nil || got != (portal.Whereabouts{}) {
		t.Errorf("bob is at %+v, %v", got, err)
	}
	wantMeaning(t, s.SaveWhereabouts(ctx, "", portal.Whereabouts{Location: "x"}), portal.ErrInvalid)
	wantMeaning(t, s.SaveNote(ctx, "", portal.PersonalNote{Text: "x"}), portal.ErrInvalid)
	wantMeaning(t, s.SaveManual(ctx, "", nil), portal.ErrInvalid)
}

func testSignins(t *testing.T, open Open) {
	clock := newClock()
	s := start(t, open, storage.Options{Now: clock.now})
	ctx := deadline(t)
	in := func(token string, who portal.Address, from, to time.Duration) portal.Signin {
		return portal.Signin{Key: storage.SessionKey(token), Person: who, CreatedAt: noon().Add(from), ExpiresAt: noon().Add(to),
			Agent: "Browser/" + token, Remote: "192.0.2.1"}
	}
	one, two, three := in("1", alice, 0, time.Hour), in("2", alice, time.Minute, 2*time.Hour), in("3", bob, 0, time.Hour)
	for _, x := range []portal.Signin{one, two, three} {
		must(t, s.SaveSignin(ctx, x))
		must(t, s.CommitCtx(ctx, x.Agent[len("Browser/"):], []byte("data"), x.ExpiresAt))
	}
	if got, err := s.Signins(ctx, alice); err != nil || !slices.Equal(got, []portal.Signin{two, one}) {
		t.Errorf("alice's sign-ins %+v, %v", got, err)
	}
	if got, err := s.SignedInPeople(ctx); err != nil || !slices.Equal(got, []portal.Address{alice, bob}) {
		t.Errorf("signed in: %v, %v", got, err)
	}
	expired, err := s.ExpiredSignins(ctx, noon().Add(time.Hour))
	if err != nil || len(expired) != 2 || slices.Contains(expired, two) {
		t.Errorf("expired: %+v, %v", expired, err)
	}
	if got, err := s.ExpiredSignins(ctx, noon().Add(time.Hour-1)); err != nil || len(got) != 0 {
		t.Errorf("expired too early: %+v, %v", got, err)
	}
	two.ExpiresAt = noon().Add(9 * time.Hour)
	must(t, s.SaveSignin(ctx, two))
	must(t, s.DeleteSignin(ctx, one.Key))
	must(t, s.DeleteSignin(ctx, one.Key))
	if got, err := s.Signins(ctx, alice); err != nil || !slices.Equal(got, []portal.Signin{two}) {
		t.Errorf("alice's sign-ins %+v, %v", got, err)
	}
	// The browser session went with its sign-in, the other ones did not.
	for token, want := range map[string]bool{"1": false, "2": true, "3": true} {
		if _, found, err := s.FindCtx(ctx, token); err != nil || found != want {
			t.Errorf("session %s: %v, %v; want %v", token, found, err, want)
		}
	}
	wantMeaning(t, s.SaveSignin(ctx, portal.Signin{Person: alice}), portal.ErrInvalid)
}

func testLines(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	_, err := s.Line(ctx, alice)
	wantMeaning(t, err, portal.ErrNotFound)
	for _, sealed := range [][]byte{{0, 1, 2, 255}, bytes.Repeat([]byte{7}, 10000)} {
		must(t, s.SaveLine(ctx, alice, sealed))
		if got, err := s.Line(ctx, alice); err != nil || !bytes.Equal(got, sealed) {
			t.Errorf("got %d bytes, %v; want %d", len(got), err, len(sealed))
		}
	}
	must(t, s.DeleteLine(ctx, alice))
	must(t, s.DeleteLine(ctx, alice))
	_, err = s.Line(ctx, alice)
	wantMeaning(t, err, portal.ErrNotFound)
	wantMeaning(t, s.SaveLine(ctx, alice, nil), portal.ErrInvalid)
}

func testSessions(t *testing.T, open Open) {
	clock := newClock()
	s := start(t, open, storage.Options{Now: clock.now, UpkeepEvery: 5 * time.Millisecond})
	ctx := deadline(t)
	wantSession := func(token string, want []byte) {
		t.Helper()
		got, found, err := s.FindCtx(ctx, token)
		if err != nil || found != (want != nil) || !bytes.Equal(got, want) {
			t.Errorf("session %q: %q, %v, %v; want %q", token, got, found, err, want)
		}
	}
	wantSession("none", nil)
	must(t, s.CommitCtx(ctx, "a", []byte("one"), clock.now().Add(time.Hour)))
	wantSession("a", []byte("one"))
	must(t, s.CommitCtx(ctx, "a", []byte{0, 255}, clock.now().Add(2*time.Hour)))
	clock.advance(time.Hour)
	wantSession("a", []byte{0, 255})
	clock.advance(time.Hour)
	wantSession("a", nil) // over at its very moment
	must(t, s.CommitCtx(ctx, "b", []byte("two"), clock.now().Add(time.Hour)))
	must(t, s.DeleteCtx(ctx, "b"))
	must(t, s.DeleteCtx(ctx, "b"))
	wantSession("b", nil)
	must(t, s.Commit("c", []byte("three"), clock.now().Add(time.Hour)))
	if got, found, err := s.Find("c"); err != nil || !found || string(got) != "three" {
		t.Errorf("without a context: %q, %v, %v", got, found, err)
	}
	must(t, s.Delete("c"))
	wantSession("c", nil)
}

// testGivingUp: a caller whose context has ended gets ErrUnavailable, and nothing is done behind its back.
func testGivingUp(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	for i := range 50 {
		m := received(i)
		_, created, err := s.AddMessage(ended, m, about(m))
		_, readErr := s.Message(deadline(t), alice, bob, m.ID)
		switch {
		case err == nil && created && readErr == nil: // it was taken before the caller looked
		case err != nil && portal.Meaning(readErr) == portal.ErrNotFound:
			wantMeaning(t, err, portal.ErrUnavailable)
		default:
			t.Errorf("message %d: created %v, %v; reading it: %v", i, created, err, readErr)
		}
	}
	_, err := s.Contacts(ended, alice)
	wantMeaning(t, err, portal.ErrUnavailable)
}

// testLife: no writing before Run and after it; what was queued when it ended is done or refused, and said so.
func testLife(t *testing.T, open Open) {
	s := open(t, storage.Options{})
	short, cancelShort := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancelShort()
	wantMeaning(t, s.SaveNote(short, alice, portal.PersonalNote{Text: "early"}), portal.ErrUnavailable)
	wantMeaning(t, s.Ready(deadline(t)), portal.ErrUnavailable)

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	must(t, s.SaveNote(deadline(t), alice, portal.PersonalNote{Text: "a write waits a little for Run to begin"}))
	must(t, s.Ready(deadline(t)))
	const n = 200
	results := make(chan error, n)
	for i := range n {
		go func() {
			if i == n/2 {
				cancel()
			}
			m := received(i)
			_, _, err := s.AddMessage(deadline(t), m, about(m))
			if err == nil {
				_, err = s.Message(deadline(t), alice, bob, m.ID)
			}
			results <- err
		}()
	}
	for range n {
		if err := <-results; err != nil {
			wantMeaning(t, err, portal.ErrUnavailable)
		}
	}
	must(t, <-done)
	wantMeaning(t, s.SaveNote(deadline(t), alice, portal.PersonalNote{Text: "late"}), portal.ErrUnavailable)
	wantMeaning(t, s.Ready(deadline(t)), portal.ErrUnavailable)
	if err := s.Run(deadline(t)); err == nil {
		t.Error("Run ran twice")
	}
	must(t, s.Close())
}

// testTimes: an instant comes back as it went in, to the nanosecond, in UTC.
func testTimes(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	berlin := time.FixedZone("CEST", 2*60*60)
	for i, at := range []time.Time{
		{}, time.Unix(0, 1), time.Unix(0, -1), noon(), noon().In(berlin), time.Date(1970, 1, 1, 0, 0, 0, 999999999, time.UTC),
		time.Date(2261, 12, 31, 23, 59, 59, 0, time.UTC), time.Date(1700, 1, 1, 0, 0, 0, 0, time.UTC),
	} {
		m := received(i)
		m.At = at
		add(t, s, m)
		got, err := s.Message(deadline(t), alice, bob, m.ID)
		must(t, err)
		if !got.At.Equal(at) || got.At.Location() != time.UTC {
			t.Errorf("%v came back as %v", at, got.At)
		}
	}
	for i, at := range []time.Time{time.Date(1, 2, 3, 0, 0, 0, 0, time.UTC), time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)} {
		m := received(100 + i)
		m.At = at
		if got := add(t, s, m); got.At.Before(at) != (i == 1) && !got.At.Equal(at) {
			t.Errorf("%v is kept as %v", at, got.At)
		}
	}
	if _, created, err := s.AddMessage(deadline(t), received(3)); err != nil || created {
		t.Error(fmt.Errorf("a repeat without events: created %v, %w", created, err))
	}
}
