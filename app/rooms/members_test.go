package rooms_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"portico/app/portal"
	"portico/app/rooms"
)

func TestWhoComesIn(t *testing.T) {
	h := build(t, rooms.Options{})
	ctx := t.Context()
	open := h.room(portal.RoomDraft{Title: "Lunch"})
	closed := h.room(portal.RoomDraft{Title: "Board", Access: portal.RoomClosed, Members: []portal.Address{bob}})
	secret := h.room(portal.RoomDraft{Title: "Surprise", Access: portal.RoomSecret})

	if e, err := h.Join(ctx, bob, open); err != nil || e.Mine.Role != portal.RoleMember || e.Members != 2 {
		t.Errorf("open: %+v %v", e, err)
	}
	if _, err := h.Join(ctx, bob, open); err != nil {
		t.Errorf("joining twice: %v", err)
	}
	_, err := h.Join(ctx, carol, closed)
	refused(t, "closed", err, "room.closed")
	_, err = h.Join(ctx, carol, secret)
	refused(t, "secret", err, "room.not-found")
	_, err = h.Messages(ctx, carol, closed, portal.RoomPage{})
	refused(t, "reading a closed room", err, "room.members-only")
	_, err = h.Get(ctx, carol, secret)
	refused(t, "looking at a secret room", err, "room.not-found")
	h.says(bob, closed, "between us")
	if e := h.sees(carol, closed); e.Members != 2 || e.Mine.Role.Valid() || e.Newest != nil || e.Last != 0 || !e.LastAt.IsZero() {
		t.Errorf("a closed room from outside: %+v", e)
	}
	refused(t, "a member of a closed room invites", h.PutMember(ctx, bob, closed, carol, portal.RoleMember), "room.no-invitations")
	refused(t, "from outside", h.PutMember(ctx, dave, closed, carol, portal.RoleMember), "room.no-invitations")
	refused(t, "a stranger", h.PutMember(ctx, alice, closed, "sip:x@elsewhere.test", portal.RoleMember), "room.unknown-person")
	refused(t, "a room", h.PutMember(ctx, alice, closed, open, portal.RoleMember), "room.unknown-person")
	refused(t, "no role", h.PutMember(ctx, alice, closed, carol, "king"), "room.role")
	fine(t, "a manager invites", h.PutMember(ctx, alice, closed, carol, portal.RolePresenter))
	if e := h.sees(carol, closed); e.Mine.Role != portal.RolePresenter {
		t.Errorf("invited: %+v", e.Mine)
	}
	fine(t, "invited to a secret room", h.PutMember(ctx, alice, secret, carol, portal.RoleMember))
	h.sees(carol, secret)

	found, err := h.Find(ctx, dave, "", 0)
	if err != nil || len(found) != 2 || found[0].Title != "Board" || found[1].Title != "Lunch" {
		t.Errorf("dave finds %+v %v", found, err)
	}
	if found, err = h.Find(ctx, carol, "SURPR", 0); err != nil || len(found) != 1 {
		t.Errorf("carol finds %+v %v", found, err)
	}
}

func TestRolesAndTheLastManager(t *testing.T) {
	h := build(t, rooms.Options{})
	ctx := t.Context()
	at := h.room(portal.RoomDraft{Title: "Team", Members: []portal.Address{bob, carol}})
	refused(t, "leaving", h.Leave(ctx, alice, at), "room.last-manager")
	refused(t, "stepping down", h.PutMember(ctx, alice, at, alice, portal.RoleMember), "room.last-manager")
	refused(t, "making oneself a manager", h.PutMember(ctx, bob, at, bob, portal.RoleManager), "room.managers-only")
	refused(t, "inviting a manager", h.PutMember(ctx, bob, at, dave, portal.RoleManager), "room.managers-only")
	refused(t, "removing", h.RemoveMember(ctx, bob, at, carol), "room.managers-only")
	refused(t, "removing nobody", h.RemoveMember(ctx, alice, at, dave), "room.not-member")
	fine(t, "a member of an open room invites", h.PutMember(ctx, bob, at, dave, portal.RoleMember))
	fine(t, "a second manager", h.PutMember(ctx, alice, at, bob, portal.RoleManager))
	fine(t, "the same again", h.PutMember(ctx, alice, at, bob, portal.RoleManager))
	fine(t, "leaving", h.Leave(ctx, alice, at))
	fine(t, "removing", h.RemoveMember(ctx, bob, at, carol))
	members, err := h.Members(ctx, bob, at, "", "", 0)
	if err != nil || len(members) != 2 || members[0].Who != bob || members[1].Who != dave {
		t.Errorf("members %+v %v", members, err)
	}
	last := h.store.told()[len(h.store.told())-2:]
	shared, own := last[0], last[1]
	if e := shared.Event.(portal.RoomEvent); list(shared.For) != "bob dave" || shared.Audience != at || e.Who != carol || e.Role != "" || e.By != bob {
		t.Errorf("the room was told %+v", shared)
	}
	if list(own.For) != "carol" || own.Audience != "" {
		t.Errorf("carol was told %+v", own)
	}
}

func TestMembersByPages(t *testing.T) {
	h := build(t, rooms.Options{})
	var who []portal.Address
	for i := range 120 {
		who = append(who, portal.Address(fmt.Sprintf("sip:u%03d@example.test", i)))
	}
	at := h.room(portal.RoomDraft{Title: "Many", Members: who})
	var seen []string
	for after := portal.Address(""); ; {
		page, err := h.Members(t.Context(), alice, at, "", after, 50)
		fine(t, "a page", err)
		if len(page) == 0 {
			break
		}
		for _, m := range page {
			seen = append(seen, m.Who.User())
		}
		after = page[len(page)-1].Who
	}
	if len(seen) != 121 || seen[0] != "alice" || seen[1] != "u000" || seen[120] != "u119" {
		t.Errorf("%d members: %v", len(seen), seen)
	}
	page, err := h.Members(t.Context(), alice, at, "u11", "", 0)
	if err != nil || len(page) != 10 {
		t.Errorf("found %d %v", len(page), err)
	}
	if page, err = h.Members(t.Context(), alice, at, "ada ali", "", 0); err != nil || len(page) != 1 || page[0].Who != alice {
		t.Errorf("found %+v %v", page, err)
	}
	_, err = h.Members(t.Context(), "sip:x@example.test", at, "", "", 0)
	refused(t, "from outside", err, "room.members-only")
}

func TestHistoryForNewcomers(t *testing.T) {
	h := build(t, rooms.Options{})
	ctx := t.Context()
	rooms := map[int]portal.Address{}
	for _, days := range []int{0, 7, portal.WholeHistory} {
		rooms[days] = h.room(portal.RoomDraft{Title: fmt.Sprint("History ", days), HistoryDays: days})
	}
	for _, text := range []string{"old", "older", "new"} {
		for _, at := range rooms {
			h.says(alice, at, text)
		}
		if text != "new" {
			h.later(5 * 24 * time.Hour)
		}
	}
	for days, want := range map[int]string{0: "", 7: "older new", portal.WholeHistory: "old older new"} {
		_, err := h.Join(ctx, bob, rooms[days])
		fine(t, "join", err)
		if got := h.texts(bob, rooms[days]); got != want {
			t.Errorf("%d days: bob reads %q, want %q", days, got, want)
		}
		if e := h.sees(bob, rooms[days]); e.Unread != 0 {
			t.Errorf("%d days: %d unread for a newcomer", days, e.Unread)
		}
		h.says(alice, rooms[days], "newest")
		if e := h.sees(bob, rooms[days]); e.Unread != 1 || e.Newest == nil || e.Newest.Text != "newest" {
			t.Errorf("%d days: then %d unread, newest %+v", days, e.Unread, e.Newest)
		}
	}
	if _, err := h.Message(ctx, bob, rooms[0], 2); portal.Reason(err) != "message.not-found" {
		t.Errorf("a message from before: %v", err)
	}
	_, err := h.Edit(ctx, bob, rooms[0], 1, "mine")
	refused(t, "changing one from before", err, "message.not-found")
	if hits, _, err := h.Search(ctx, bob, "", portal.HistoryQuery{Q: "old"}); err != nil || len(hits) != 3 {
		t.Errorf("bob finds %d: %v", len(hits), err) // older in the second, both in the third
	}
}

// TestSearchThatPolicyForbids: nothing is found in rooms for whom it is forbidden, in one or in all; what stands in them is read.
func TestSearchThatPolicyForbids(t *testing.T) {
	broken := portal.Fail(portal.ErrUnavailable, "storage.busy")
	h := build(t, rooms.Options{MaySearch: func(_ context.Context, who portal.Address) (bool, error) {
		if who == carol {
			return false, broken
		}
		return who == alice, nil
	}})
	ctx := t.Context()
	at := h.room(portal.RoomDraft{Title: "Team", Members: []portal.Address{bob, carol}})
	h.says(alice, at, "the offer")
	for _, in := range []portal.Address{"", at} {
		if hits, _, err := h.Search(ctx, alice, in, portal.HistoryQuery{Q: "offer"}); err != nil || len(hits) != 1 {
			t.Errorf("alice finds %d: %v", len(hits), err)
		}
		_, _, err := h.Search(ctx, bob, in, portal.HistoryQuery{Q: "offer"})
		refused(t, "searching", err, "history.forbidden")
		_, _, err = h.Search(ctx, carol, in, portal.HistoryQuery{Q: "offer"})
		refused(t, "while it is not known", err, "storage.busy")
	}
	if all, err := h.Messages(ctx, bob, at, portal.RoomPage{}); err != nil || len(all) != 1 {
		t.Errorf("bob reads %d: %v", len(all), err)
	}
}

func TestArchiveAndReopen(t *testing.T) {
	h := build(t, rooms.Options{})
	ctx, yes, no := t.Context(), true, false
	at := h.room(portal.RoomDraft{Title: "Project", Members: []portal.Address{bob}})
	m := h.says(bob, at, "done")
	_, err := h.Change(ctx, bob, at, portal.RoomChange{Archived: &yes})
	refused(t, "a member archives", err, "room.managers-only")
	e, err := h.Change(ctx, alice, at, portal.RoomChange{Archived: &yes})
	if err != nil || !e.Archived || e.Version != 2 {
		t.Fatalf("archived: %+v %v", e, err)
	}
	_, err = h.Say(ctx, bob, at, portal.RoomSaying{ID: "1", Text: "late"})
	refused(t, "saying", err, "room.archived")
	_, err = h.Edit(ctx, bob, at, m.Place, "late")
	refused(t, "editing", err, "room.archived")
	refused(t, "deleting", h.Delete(ctx, alice, at, m.Place), "room.archived")
	refused(t, "reacting", h.React(ctx, bob, at, m.Place, "👍", true), "room.archived")
	refused(t, "pinning", h.Pin(ctx, alice, at, m.Place, true), "room.archived")
	refused(t, "inviting", h.PutMember(ctx, alice, at, carol, portal.RoleMember), "room.archived")
	_, err = h.Join(ctx, carol, at)
	refused(t, "joining", err, "room.archived")
	title := "Other"
	_, err = h.Change(ctx, alice, at, portal.RoomChange{Title: &title})
	refused(t, "changing", err, "room.archived")
	if got := h.texts(bob, at); got != "done" {
		t.Errorf("bob reads %q", got)
	}
	if found, err := h.Find(ctx, carol, "project", 0); err != nil || len(found) != 0 {
		t.Errorf("carol finds %v %v", found, err)
	}
	if found, err := h.Find(ctx, bob, "project", 0); err != nil || len(found) != 1 {
		t.Errorf("bob finds %v %v", found, err)
	}
	fine(t, "bob leaves", h.Leave(ctx, bob, at))
	if _, err = h.Change(ctx, alice, at, portal.RoomChange{Archived: &no, Title: &title}); err != nil {
		t.Fatal(err)
	}
	h.says(alice, at, "again")
}

func TestAuditorium(t *testing.T) {
	h := build(t, rooms.Options{})
	at := h.room(portal.RoomDraft{Title: "Town hall", PresentersOnly: true, Members: []portal.Address{bob, carol}})
	fine(t, "presenter", h.PutMember(t.Context(), alice, at, bob, portal.RolePresenter))
	h.says(alice, at, "welcome")
	h.says(bob, at, "thanks")
	_, err := h.Say(t.Context(), carol, at, portal.RoomSaying{ID: "1", Text: "me too"})
	refused(t, "a listener", err, "room.presenters-only")
	fine(t, "a listener's reaction", h.React(t.Context(), carol, at, 1, "👏", true))
	if r := h.Rights(h.sees(carol, at), carol); r.Speak || !r.Read {
		t.Errorf("rights of a listener: %+v", r)
	}
}

func TestCreateChecks(t *testing.T) {
	h := build(t, rooms.Options{})
	for key, d := range map[string]portal.RoomDraft{
		"room.title":          {},
		"room.name":           {Title: "x", Name: "Not A Name"},
		"room.topic":          {Title: "x", Topic: strings.Repeat("t", portal.MaxRoomTopic+1)},
		"room.access":         {Title: "x", Access: "ajar"},
		"room.history":        {Title: "x", HistoryDays: -2},
		"room.kind":           {Title: "x", Kind: portal.ServerRoom},
		"room.unknown-person": {Title: "x", Members: []portal.Address{"sip:x@elsewhere.test"}},
	} {
		_, err := h.Create(t.Context(), alice, d)
		refused(t, key, err, key)
	}
	names := map[string]string{"Café & Küche": "cafe-kuche", "  Ops: night/day  ": "ops-night-day", "Ночь": "room-"}
	for title, want := range names {
		if e := h.sees(alice, h.room(portal.RoomDraft{Title: title})); !strings.HasPrefix(e.Name, want) || e.URI.Domain() != "rooms.example.test" {
			t.Errorf("%q became %q", title, e.Name)
		}
	}
	if e := h.sees(alice, h.room(portal.RoomDraft{Title: "Café Küche"})); e.Name != "cafe-kuche-2" {
		t.Errorf("a name that is taken became %q", e.Name)
	}
	_, err := h.Create(t.Context(), bob, portal.RoomDraft{Name: "cafe-kuche"})
	refused(t, "a name that is taken", err, "room.exists")
	if e := h.sees(alice, h.room(portal.RoomDraft{Name: "ops", Members: []portal.Address{alice, bob, bob}})); e.Title != "ops" || e.Members != 2 || e.Mine.Role != portal.RoleManager {
		t.Errorf("by name alone: %+v", e)
	}
	for name, ok := range map[string]bool{"ops": true, "sip:ops@rooms.example.test": true, "Ops@ROOMS.example.test": true, "OPS": true,
		"alice@example.test": false, "No Name": false, "": false} {
		if a, err := h.Address(name); (err == nil) != ok || ok && a != "sip:ops@rooms.example.test" {
			t.Errorf("%q is %q %v", name, a, err)
		}
	}
}

func TestGroupsAreMadeLasting(t *testing.T) {
	h := build(t, rooms.Options{})
	ctx, yes := t.Context(), true
	_, err := h.Group(ctx, alice, bob, nil)
	refused(t, "two", err, "room.group-small")
	g, err := h.Group(ctx, alice, bob, []portal.Address{carol, bob})
	if err != nil || g.Kind != portal.GroupRoom || g.Members != 3 || list(g.With) != "bob carol" || g.Mine.Notify != portal.NotifyAll {
		t.Fatalf("group %+v %v", g, err)
	}
	if same, err := h.Group(ctx, bob, carol, []portal.Address{alice}); err != nil || same.URI != g.URI {
		t.Errorf("the same people have %v, %v", same.URI, err)
	}
	if other, err := h.Group(ctx, bob, carol, []portal.Address{dave, alice}); err != nil || other.URI == g.URI {
		t.Errorf("others have %v, %v", other.URI, err)
	}
	if fewer, err := h.Group(ctx, bob, carol, []portal.Address{dave}); err != nil || fewer.Members != 3 {
		t.Errorf("some of them have %+v, %v", fewer, err)
	}
	_, err = h.Get(ctx, dave, g.URI)
	refused(t, "from outside", err, "room.not-found")
	fine(t, "any member invites", h.PutMember(ctx, bob, g.URI, erin, portal.RoleMember))
	fine(t, "and the only manager leaves", h.Leave(ctx, alice, g.URI))
	closed := portal.RoomClosed
	_, err = h.Change(ctx, bob, g.URI, portal.RoomChange{Access: &closed})
	refused(t, "a group has no access", err, "room.managers-only")
	h.says(carol, g.URI, "this should last")
	_, err = h.Change(ctx, bob, g.URI, portal.RoomChange{Lasting: &yes})
	refused(t, "without a title", err, "room.title")
	title, name := "What lasts", "lasts"
	r, err := h.Change(ctx, bob, g.URI, portal.RoomChange{Lasting: &yes, Title: &title, Name: &name, Access: &closed})
	if err != nil || r.Name != "lasts" || r.Kind != portal.LastingRoom || r.Mine.Role != portal.RoleManager || r.Mine.Room != r.URI {
		t.Fatalf("lasting %+v %v", r, err)
	}
	if got := h.texts(carol, r.URI); got != "this should last" {
		t.Errorf("carol reads %q", got)
	}
	h.says(carol, r.URI, "it does")
	if mine, err := h.Mine(ctx, bob); err != nil || mine[0].URI != r.URI || mine[0].Unread != 2 || mine[0].Newest.Room != r.URI {
		t.Errorf("bob's rooms %+v %v", mine, err)
	}
	h.restart()
	if e := h.sees(bob, r.URI); e.Title != title || e.Members != 3 || e.Unread != 2 {
		t.Errorf("after a start %+v", e)
	}
	other := "other"
	_, err = h.Change(ctx, bob, r.URI, portal.RoomChange{Name: &other})
	refused(t, "another name", err, "room.name-fixed")
	_, err = h.Change(ctx, bob, r.URI, portal.RoomChange{Title: &other, Version: 1})
	refused(t, "an old version", err, "room.changed")
}

// A newcomer of a group cannot open what was said before them by making it lasting.
func TestNewcomersDoNotMakeGroupsLasting(t *testing.T) {
	h := build(t, rooms.Options{})
	ctx, yes, title, open, days := t.Context(), true, "Mine now", portal.RoomOpen, portal.WholeHistory
	g, err := h.Group(ctx, alice, bob, []portal.Address{carol})
	fine(t, "a group", err)
	h.says(alice, g.URI, "old")
	fine(t, "dave comes", h.PutMember(ctx, bob, g.URI, dave, portal.RoleMember))
	for _, c := range []portal.RoomChange{{Lasting: &yes, Title: &title, Access: &open, HistoryDays: &days}, {Lasting: &yes, Title: &title}} {
		_, err = h.Change(ctx, dave, g.URI, c)
		refused(t, "a newcomer makes it lasting", err, "room.managers-only")
	}
	if e := h.sees(dave, g.URI); e.Kind != portal.GroupRoom || e.Mine.Role != portal.RoleMember {
		t.Errorf("dave has %+v", e)
	}
	_, err = h.Change(ctx, dave, g.URI, portal.RoomChange{Title: &title})
	fine(t, "a newcomer gives it a title", err)
	if r, err := h.Change(ctx, carol, g.URI, portal.RoomChange{Lasting: &yes, Title: &title, HistoryDays: &days}); err != nil || r.Kind != portal.LastingRoom {
		t.Errorf("carol, who was there from the beginning: %+v, %v", r, err)
	}
}

// The address that a group had before it was made lasting goes on leading there: from SIP clients, open pages, links to files.
func TestFormerAddresses(t *testing.T) {
	h := build(t, rooms.Options{})
	ctx, yes, title := t.Context(), true, "What lasts"
	g, err := h.Group(ctx, alice, bob, []portal.Address{carol})
	fine(t, "a group", err)
	f, err := h.Upload(ctx, alice, g.URI, "a.txt", strings.NewReader("words"))
	fine(t, "a file", err)
	r, err := h.Change(ctx, alice, g.URI, portal.RoomChange{Lasting: &yes, Title: &title})
	if err != nil || r.URI == g.URI {
		t.Fatalf("lasting %+v %v", r, err)
	}
	for _, when := range []string{"at once", "after a start"} {
		if e := h.sees(bob, g.URI); e.URI != r.URI {
			t.Errorf("%s it leads to %s", when, e.URI)
		}
		if m := h.says(alice, g.URI, "from an open page"); m.Room != r.URI {
			t.Errorf("%s what is said there is said in %s", when, m.Room)
		}
		fine(t, "a SIP client", h.Receive(ctx, portal.RoomIncoming{Room: g.URI, From: bob, ID: when, Text: "hi", At: noon}))
		_, content, err := h.OpenFile(ctx, alice, g.URI, f.ID)
		if err != nil {
			t.Fatalf("%s a link to a file: %v", when, err)
		}
		fine(t, "close", content.Close())
		if all, err := h.Find(ctx, bob, "", 0); err != nil || len(all) != 1 {
			t.Errorf("%s there are %d rooms, %v", when, len(all), err)
		}
		h.restart()
	}
	_, err = h.Create(ctx, dave, portal.RoomDraft{Name: g.Name, Title: "Another"})
	refused(t, "somebody else takes it", err, "room.exists")
	_, err = h.Get(ctx, dave, "sip:other@rooms.example.test")
	refused(t, "an address that none had", err, "room.not-found")
}

// TestPastOfGroups: what is past and read of a group is not shown to whom policy lets nothing be kept; a lasting room has its own memory.
func TestPastOfGroups(t *testing.T) {
	h := build(t, rooms.Options{Past: func(_ context.Context, who, _ portal.Address) (int64, error) {
		if who == carol {
			return 0, portal.Fail(portal.ErrUnavailable, "storage.busy")
		}
		return map[portal.Address]int64{bob: 2}[who], nil
	}})
	ctx := t.Context()
	group, err := h.Group(ctx, alice, "", []portal.Address{bob, carol})
	if err != nil {
		t.Fatal(err)
	}
	room := h.room(portal.RoomDraft{Title: "Team", Members: []portal.Address{bob}})
	for _, at := range []portal.Address{group.URI, room} {
		h.says(alice, at, "one")
		h.says(alice, at, "two")
	}
	shown := func(who, at portal.Address) int {
		t.Helper()
		all, err := h.Messages(ctx, who, at, portal.RoomPage{})
		if err != nil {
			t.Fatal(err)
		}
		return len(all)
	}
	if n := shown(bob, group.URI); n != 2 {
		t.Errorf("bob, who has read none of it, sees %d", n)
	}
	if err := h.MarkRead(ctx, bob, group.URI, 2); err != nil {
		t.Fatal(err)
	}
	if mine, room, others := shown(bob, group.URI), shown(bob, room), shown(alice, group.URI); mine != 0 || room != 2 || others != 2 {
		t.Errorf("bob sees %d of the group and %d of the room, alice %d", mine, room, others)
	}
	_, err = h.Message(ctx, bob, group.URI, 1)
	refused(t, "one that is past", err, "message.not-found")
	if e, err := h.Get(ctx, bob, group.URI); err != nil || e.Newest != nil {
		t.Errorf("the list says %+v, %v", e.Newest, err)
	}
	h.says(alice, group.URI, "three")
	if n := shown(bob, group.URI); n != 1 {
		t.Errorf("bob sees %d of what goes on", n)
	}
	_, err = h.Messages(ctx, carol, group.URI, portal.RoomPage{})
	refused(t, "while it is not known", err, "storage.busy")
}
