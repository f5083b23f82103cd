package storagetest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"portico/app/portal"
	"portico/storage"
)

// ResumeStore is what lets people go on in another session.
type ResumeStore interface {
	Drafts(ctx context.Context, owner portal.Address) ([]portal.Draft, error)
	Draft(ctx context.Context, owner, conversation portal.Address) (portal.Draft, error)
	SaveDraft(ctx context.Context, owner portal.Address, d portal.Draft) (portal.Draft, error)
	Place(ctx context.Context, who portal.Address) (portal.LastPlace, error)
	SavePlaces(ctx context.Context, places map[portal.Address]portal.LastPlace) error
}

func draft(with portal.Address, text string, minute int) portal.Draft {
	return portal.Draft{Conversation: with, Text: text, At: noon().Add(time.Duration(minute) * time.Minute)}
}

func testDrafts(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	save := func(owner portal.Address, d, want portal.Draft) {
		t.Helper()
		kept, err := s.SaveDraft(ctx, owner, d)
		must(t, err)
		read, err := s.Draft(ctx, owner, d.Conversation)
		must(t, err)
		for what, got := range map[string]portal.Draft{"saving gives": kept, "reading gives": read} {
			if got.Conversation != want.Conversation || got.Text != want.Text || !got.At.Equal(want.At) {
				t.Errorf("%s %+v, want %+v", what, got, want)
			}
		}
	}
	if d, err := s.Draft(ctx, alice, bob); err != nil || d != (portal.Draft{Conversation: bob}) {
		t.Errorf("of nothing: %+v, %v", d, err)
	}
	first, second := draft(bob, "Hello B", 1), draft(bob, "Hello Bob,\nzwölf", 2)
	save(alice, second, second)
	save(alice, first, second) // an older one does not come back
	save(alice, second, second)
	save(alice, draft(lobby, "to all", 3), draft(lobby, "to all", 3))
	save(bob, draft(alice, "of another", 4), draft(alice, "of another", 4))
	list := func(want ...portal.Address) {
		t.Helper()
		all, err := s.Drafts(ctx, alice)
		must(t, err)
		got := []portal.Address{}
		for _, d := range all {
			got = append(got, d.Conversation)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("drafts with %v, want %v", got, want)
		}
	}
	list(lobby, bob)
	// What was sent is gone, and an older text does not come back.
	save(alice, draft(bob, "", 5), draft(bob, "", 5))
	save(alice, draft(bob, "late", 4), draft(bob, "", 5))
	list(lobby)
	save(alice, draft(bob, "again", 6), draft(bob, "again", 6))
	list(bob, lobby)

	long := strings.Repeat("ü", portal.MaxDraftLen)
	save(alice, draft(carol, long, 7), draft(carol, long, 7))
	for _, bad := range []portal.Draft{draft(carol, long+"x", 8), draft("", "x", 8), {Conversation: bob, Text: "x"}} {
		if _, err := s.SaveDraft(ctx, alice, bad); err == nil {
			t.Errorf("kept a draft with %q of %d bytes at %v", bad.Conversation, len(bad.Text), bad.At)
		}
	}
	if _, err := s.SaveDraft(ctx, "", draft(bob, "x", 8)); err == nil {
		t.Error("kept a draft of nobody")
	}
}

// The oldest drafts of a person go, and nobody else's.
func testDraftsBound(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	if _, err := s.SaveDraft(ctx, bob, draft(alice, "old", -1)); err != nil {
		t.Fatal(err)
	}
	with := func(i int) portal.Address { return portal.Address(fmt.Sprintf("sip:p%03d@example.test", i)) }
	for i := range portal.MaxDrafts + 3 {
		if _, err := s.SaveDraft(ctx, alice, draft(with(i), "x", i)); err != nil {
			t.Fatal(err)
		}
	}
	all, err := s.Drafts(ctx, alice)
	must(t, err)
	if len(all) != portal.MaxDrafts || all[0].Conversation != with(portal.MaxDrafts+2) || all[len(all)-1].Conversation != with(3) {
		t.Errorf("%d drafts from %v to %v", len(all), all[0].Conversation, all[len(all)-1].Conversation)
	}
	if d, err := s.Draft(ctx, bob, alice); err != nil || d.Text != "old" {
		t.Errorf("bob's: %+v, %v", d, err)
	}
}

func testLastPlaces(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	at := func(path string, minute int) portal.LastPlace {
		return portal.LastPlace{Path: path, At: noon().Add(time.Duration(minute) * time.Minute)}
	}
	want := func(who portal.Address, p portal.LastPlace) {
		t.Helper()
		got, err := s.Place(ctx, who)
		must(t, err)
		if got.Path != p.Path || !got.At.Equal(p.At) {
			t.Errorf("%s is at %+v, want %+v", who, got, p)
		}
	}
	want(alice, portal.LastPlace{})
	must(t, s.SavePlaces(ctx, map[portal.Address]portal.LastPlace{alice: at("/calendar?view=week", 2), bob: at("/rooms", 3)}))
	want(alice, at("/calendar?view=week", 2))
	want(bob, at("/rooms", 3))
	must(t, s.SavePlaces(ctx, map[portal.Address]portal.LastPlace{alice: at("/crm", 1)})) // late
	want(alice, at("/calendar?view=week", 2))
	must(t, s.SavePlaces(ctx, map[portal.Address]portal.LastPlace{alice: at("/crm", 2), bob: at("", 2)}))
	want(alice, at("/crm", 2))
	want(bob, at("/rooms", 3)) // what was forgotten is an older one
	must(t, s.SavePlaces(ctx, map[portal.Address]portal.LastPlace{alice: at("", 4)}))
	want(alice, portal.LastPlace{})
	must(t, s.SavePlaces(ctx, nil))
	for who, bad := range map[portal.Address]portal.LastPlace{"": at("/", 5), alice: {Path: "/"}, bob: at("/"+strings.Repeat("x", portal.MaxPlaceLen), 5)} {
		if err := s.SavePlaces(ctx, map[portal.Address]portal.LastPlace{who: bad}); err == nil {
			t.Errorf("kept %q of %q", bad.Path, who)
		}
	}
	want(bob, at("/rooms", 3))
}

// testDraftRetention: what was begun longer ago than conversations are kept goes with them.
func testDraftRetention(t *testing.T, open Open) {
	clock := newClock()
	s := start(t, open, storage.Options{Retention: time.Hour, UpkeepEvery: 5 * time.Millisecond, Now: clock.now})
	ctx := deadline(t)
	for _, d := range []portal.Draft{draft(bob, "old", 0), draft(carol, "young", 50)} {
		_, err := s.SaveDraft(ctx, alice, d)
		must(t, err)
	}
	clock.advance(70 * time.Minute)
	eventually(t, "the old one is gone", func() bool {
		d, err := s.Draft(ctx, alice, bob)
		must(t, err)
		return d.At.IsZero() && d.Text == ""
	})
	if all, err := s.Drafts(ctx, alice); err != nil || len(all) != 1 || all[0].Text != "young" {
		t.Errorf("what is left: %+v, %v", all, err)
	}
}
