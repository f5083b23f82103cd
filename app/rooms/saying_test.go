package rooms_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"portico/app/portal"
	"portico/app/rooms"
)

func TestSayIsStoredOnceAndTold(t *testing.T) {
	h := build(t, rooms.Options{})
	at := h.room(portal.RoomDraft{Title: "Team", Members: []portal.Address{bob}})
	before := len(h.store.told())
	first, err := h.Say(t.Context(), bob, at, portal.RoomSaying{ID: "1", Text: " hello\r\nall  "})
	if err != nil || first.Place != 1 || first.Text != " hello\nall" || first.Version != 1 || !first.At.Equal(noon) {
		t.Fatalf("%+v %v", first, err)
	}
	again, err := h.Say(t.Context(), bob, at, portal.RoomSaying{ID: "1", Text: "other"})
	if err != nil || again.Place != 1 || again.Text != first.Text {
		t.Errorf("a repetition: %+v %v", again, err)
	}
	if m, err := h.Say(t.Context(), alice, at, portal.RoomSaying{ID: "1", Text: "the same id"}); err != nil || m.Place != 2 {
		t.Errorf("another sender: %+v %v", m, err)
	}
	told := h.store.told()[before:]
	if len(told) != 2 {
		t.Fatalf("%d events", len(told))
	}
	e := told[0].Event.(portal.MessageEvent)
	if list(told[0].For) != "alice bob" || told[0].Audience != at || e.Conversation != at || e.Order != 1 || e.Room == nil || e.Room.Place != 1 || e.ID != "1" {
		t.Errorf("told %+v %+v", told[0], e)
	}
	for key, d := range map[string]portal.RoomSaying{"message.empty": {ID: "2"}, "message.id": {Text: "x"}, "message.too-long": {ID: "2", Text: strings.Repeat("x", 9000)},
		"message.not-found": {ID: "2", Text: "x", Replies: 9}, "file.not-found": {ID: "2", Files: []string{"none"}}, "file.many": {ID: "2", Files: make([]string, 11)}} {
		_, err := h.Say(t.Context(), alice, at, d)
		refused(t, key, err, key)
	}
	_, err = h.Say(t.Context(), carol, at, portal.RoomSaying{ID: "1", Text: "x"})
	refused(t, "from outside", err, "room.join-first")
	_, err = h.Say(t.Context(), carol, "sip:none@rooms.example.test", portal.RoomSaying{ID: "1", Text: "x"})
	refused(t, "nowhere", err, "room.not-found")
}

// A store that commits and loses its answer does not lose the message: the repetition finds it, and a newcomer's
// history begins behind it.
func TestAnAnswerThatWasLost(t *testing.T) {
	h := build(t, rooms.Options{})
	at := h.room(portal.RoomDraft{Title: "Team", Members: []portal.Address{bob}})
	h.store.after = func(op string) error {
		if op == "AddRoomMessage" {
			return portal.Fail(portal.ErrUnavailable, "storage.busy")
		}
		return nil
	}
	d := portal.RoomSaying{ID: "1", Text: "bob, hello"}
	_, err := h.Say(t.Context(), alice, at, d)
	refused(t, "lost", err, "storage.busy")
	h.store.after = nil
	if _, err := h.Join(t.Context(), carol, at); err != nil || h.sees(carol, at).Mine.First != 2 {
		t.Errorf("carol reads from %d, %v", h.sees(carol, at).Mine.First, err)
	}
	if m, err := h.Say(t.Context(), alice, at, d); err != nil || m.Place != 1 {
		t.Errorf("again: %+v %v", m, err)
	}
	if e := h.sees(bob, at); e.Unread != 1 || e.Mentions != 1 {
		t.Errorf("bob has %d unread, %d mentions", e.Unread, e.Mentions)
	}
}

func TestEditAndDelete(t *testing.T) {
	h := build(t, rooms.Options{EditWindow: time.Hour})
	ctx := t.Context()
	at := h.room(portal.RoomDraft{Title: "Team", Members: []portal.Address{bob, carol}})
	m := h.says(bob, at, "frist")
	fine(t, "react", h.React(ctx, alice, at, m.Place, "🎉", true))
	_, err := h.Edit(ctx, alice, at, m.Place, "mine")
	refused(t, "another's", err, "room.not-yours")
	refused(t, "deleting another's", h.Delete(ctx, carol, at, m.Place), "room.not-yours")
	_, err = h.Edit(ctx, bob, at, 7, "x")
	refused(t, "none there", err, "message.not-found")
	h.later(30 * time.Minute)
	e, err := h.Edit(ctx, bob, at, m.Place, "first, @carol")
	if err != nil || e.Text != "first, @carol" || e.EditedAt.IsZero() || !slices.Equal(e.Mentions, []portal.Address{carol}) {
		t.Errorf("edited %+v %v", e, err)
	}
	if n := h.sees(carol, at).Mentions; n != 1 {
		t.Errorf("carol, named later, has %d mentions", n)
	}
	if newest := h.sees(carol, at).Newest; newest == nil || newest.Text != "first, @carol" {
		t.Errorf("the list has %+v", newest)
	}
	last := h.store.told()[len(h.store.told())-1]
	if ev := last.Event.(portal.RoomEvent); ev.What != portal.RoomMessageChanged || ev.Place != 1 || ev.Message.Text != "first, @carol" || last.Audience != at {
		t.Errorf("told %+v", last)
	}
	count := len(h.store.told())
	if _, err := h.Edit(ctx, bob, at, m.Place, "first, @carol"); err != nil || len(h.store.told()) != count {
		t.Errorf("the same text: %v, %d events more", err, len(h.store.told())-count)
	}
	h.later(2 * time.Hour)
	_, err = h.Edit(ctx, bob, at, m.Place, "late")
	refused(t, "late", err, "room.too-late")
	refused(t, "deleting late", h.Delete(ctx, bob, at, m.Place), "room.too-late")
	fine(t, "a manager deletes", h.Delete(ctx, alice, at, m.Place))
	fine(t, "twice", h.Delete(ctx, alice, at, m.Place))
	gone, err := h.Message(ctx, carol, at, m.Place)
	if err != nil || gone.Text != "" || gone.DeletedBy != alice || len(gone.Reactions)+len(gone.Mentions) != 0 {
		t.Errorf("deleted %+v %v", gone, err)
	}
	if n := h.sees(carol, at).Mentions; n != 0 {
		t.Errorf("carol has %d mentions of what was taken back", n)
	}
	refused(t, "reacting to it", h.React(ctx, carol, at, m.Place, "🎉", true), "room.message-gone")
	refused(t, "pinning it", h.Pin(ctx, alice, at, m.Place, true), "room.message-gone")
	own := h.says(bob, at, "oops")
	fine(t, "one's own", h.Delete(ctx, bob, at, own.Place))

	never := build(t, rooms.Options{EditWindow: -1})
	at = never.room(portal.RoomDraft{Title: "Team"})
	_, err = never.Edit(ctx, alice, at, never.says(alice, at, "x").Place, "y")
	refused(t, "where nothing is edited", err, "room.too-late")
}

func TestReactionsAndPins(t *testing.T) {
	h := build(t, rooms.Options{Burst: 1000})
	ctx := t.Context()
	at := h.room(portal.RoomDraft{Title: "Team", Members: []portal.Address{bob}})
	h.says(alice, at, "lunch?")
	for range 2 {
		fine(t, "react", h.React(ctx, bob, at, 1, "👍🏽", true))
	}
	fine(t, "another", h.React(ctx, alice, at, 1, "👍🏽", true))
	m, err := h.Message(ctx, bob, at, 1)
	if err != nil || len(m.Reactions) != 1 || !slices.Equal(m.Reactions[0].By, []portal.Address{bob, alice}) {
		t.Errorf("%+v %v", m.Reactions, err)
	}
	fine(t, "take away", h.React(ctx, bob, at, 1, "👍🏽", false))
	fine(t, "take away what is not there", h.React(ctx, bob, at, 1, "🎉", false))
	fine(t, "and the last", h.React(ctx, alice, at, 1, "👍🏽", false))
	if m, err = h.Message(ctx, bob, at, 1); err != nil || len(m.Reactions) != 0 {
		t.Errorf("%+v %v", m.Reactions, err)
	}
	refused(t, "a word", h.React(ctx, bob, at, 1, "yes", true), "room.sign")
	for i := range portal.MaxReactions {
		fine(t, "many", h.React(ctx, bob, at, 1, string(rune(0x1f600+i)), true))
	}
	refused(t, "too many", h.React(ctx, bob, at, 1, "🎉", true), "room.signs-many")

	crowd := make([]portal.Address, portal.MaxReactors)
	for i := range crowd {
		crowd[i] = portal.Address(fmt.Sprintf("sip:p%d@example.test", i))
	}
	_, err = h.store.ChangeRoomMessage(ctx, at, 1, func(m *portal.RoomMessage) error {
		m.Reactions = []portal.Reaction{{Sign: "🎉", By: crowd}}
		return nil
	}, func(portal.RoomMessage) []portal.Addressed { return nil })
	fine(t, "a crowd", err)
	refused(t, "one more of a crowd", h.React(ctx, bob, at, 1, "🎉", true), "room.signed-many")
	fine(t, "another sign", h.React(ctx, bob, at, 1, "👍", true))

	refused(t, "a member pins", h.Pin(ctx, bob, at, 1, true), "room.managers-only")
	for i := range portal.MaxPins {
		if i > 0 {
			h.says(alice, at, fmt.Sprint(i))
		}
		fine(t, "pin", h.Pin(ctx, alice, at, int64(i)+1, true))
	}
	one := h.says(alice, at, "one more")
	refused(t, "too many", h.Pin(ctx, alice, at, one.Place, true), "room.pins-many")
	fine(t, "unpin", h.Pin(ctx, alice, at, 1, false))
	fine(t, "pin", h.Pin(ctx, alice, at, one.Place, true))
	pins, err := h.Pinned(ctx, bob, at)
	if err != nil || len(pins) != portal.MaxPins || pins[0].Place != one.Place {
		t.Errorf("%d pins %v", len(pins), err)
	}
}

func TestReplies(t *testing.T) {
	h := build(t, rooms.Options{})
	at := h.room(portal.RoomDraft{Title: "Team"})
	h.says(alice, at, "before bob "+strings.Repeat("ä", 300))
	_, err := h.Join(t.Context(), bob, at)
	fine(t, "join", err)
	_, err = h.Say(t.Context(), bob, at, portal.RoomSaying{ID: "1", Text: "what?", Replies: 1})
	refused(t, "an answer to what bob may not read", err, "message.not-found")
	m, err := h.Say(t.Context(), alice, at, portal.RoomSaying{ID: "2", Text: "as I said", Replies: 1})
	if err != nil || m.Quote == nil || m.Quote.From != alice || len([]rune(m.Quote.Text)) != 200 {
		t.Errorf("%+v %v", m.Quote, err)
	}
}

func TestMentions(t *testing.T) {
	h := build(t, rooms.Options{Burst: 1000})
	ctx := t.Context()
	at := h.room(portal.RoomDraft{Title: "Team", Members: []portal.Address{bob, carol, dave}})
	fine(t, "words", h.SetWords(ctx, dave, []string{"Straße", "go live", "日本"}))
	fine(t, "words of somebody outside", h.SetWords(ctx, erin, []string{"lunch"}))
	for _, c := range []struct {
		from, text, mentions, named string
		all                         bool
	}{
		{"alice", "lunch?", "", "", false},
		{"alice", "@bob lunch?", "bob", "bob", false},
		{"alice", "(@Bob.Brown) and @carolčapková!", "bob carol", "bob carol", false},
		{"alice", "@bob@example.test, @erin, @all.of.us", "bob", "bob", false},
		{"alice", "BOB is out", "", "bob", false},
		{"alice", "bobby and bob's mail", "", "bob", false},
		{"alice", "ask carol  ČAPKOVÁ", "", "carol", false},
		{"alice", "the STRASSE is closed", "", "dave", false},
		{"alice", "we go-live today, going live", "", "dave", false},
		{"alice", "we live", "", "", false},
		{"alice", "我在日本工作", "", "dave", false},
		{"bob", "bob bob @bob", "bob", "", false},
		{"alice", "mail alice@bob.test", "", "bob", false},
		{"bob", "@all hello", "", "", false},
		{"alice", "@all hello", "", "bob carol dave", true},
	} {
		from := portal.Address("sip:" + c.from + "@example.test")
		before := map[portal.Address]int{}
		for _, who := range []portal.Address{alice, bob, carol, dave} {
			before[who] = h.sees(who, at).Mentions
		}
		m := h.says(from, at, c.text)
		var named []portal.Address
		for who, n := range before {
			if now := h.sees(who, at).Mentions; who != from && now > n {
				named = append(named, who)
			}
		}
		if list(m.Mentions) != c.mentions || list(named) != c.named || m.MentionsAll != c.all {
			t.Errorf("%s says %q: mentions %q (all %t), tells %q; want %q (%t), %q", c.from, c.text, list(m.Mentions), m.MentionsAll, list(named), c.mentions, c.all, c.named)
		}
	}
	fine(t, "no words", h.SetWords(ctx, dave, nil))
	before := h.sees(dave, at).Mentions
	h.says(alice, at, "go live")
	if now := h.sees(dave, at).Mentions; now != before {
		t.Errorf("a word that is watched no more: %d mentions, then %d", before, now)
	}
}

func TestFloodIsLimitedForEachSender(t *testing.T) {
	h := build(t, rooms.Options{Rate: 1, Burst: 3})
	at := h.room(portal.RoomDraft{Title: "Team", Members: []portal.Address{bob}})
	for range 3 {
		h.says(bob, at, "spam")
	}
	_, err := h.Say(t.Context(), bob, at, portal.RoomSaying{ID: "x", Text: "spam"})
	refused(t, "too much", err, "room.flood")
	if e, is := err.(*portal.Error); !is || e.RetryAfter <= 0 || e.RetryAfter > time.Second {
		t.Errorf("wait: %+v", err)
	}
	h.says(alice, at, "ham")
	h.later(time.Second)
	h.says(bob, at, "slower")
}

// Reactions, joining and leaving are heard by everybody too.
func TestFloodsOfOtherKinds(t *testing.T) {
	h := build(t, rooms.Options{Rate: 1, Burst: 4})
	ctx := t.Context()
	at := h.room(portal.RoomDraft{Title: "Team", Members: []portal.Address{bob}})
	h.says(alice, at, "hello")
	flood := func(what string, do func(i int) error) {
		t.Helper()
		for i := range 20 {
			if err := do(i); err != nil {
				refused(t, what, err, "room.flood")
				if i < 4 {
					t.Errorf("%s: refused after %d", what, i)
				}
				return
			}
		}
		t.Errorf("%s: not limited", what)
	}
	flood("reactions", func(i int) error { return h.React(ctx, bob, at, 1, "👍", i%2 == 0) })
	flood("invitations", func(i int) error {
		return h.PutMember(ctx, bob, at, portal.Address(fmt.Sprintf("sip:u%d@example.test", i)), portal.RoleMember)
	})
	flood("coming and going", func(int) error {
		if _, err := h.Join(ctx, carol, at); err != nil {
			return err
		}
		return h.Leave(ctx, carol, at)
	})
	flood("topics", func(i int) error {
		topic := fmt.Sprint(i)
		_, err := h.Change(ctx, alice, at, portal.RoomChange{Topic: &topic})
		return err
	})
	for i := range 20 { // a manager brings as many as there are
		fine(t, "a manager invites", h.PutMember(ctx, alice, at, portal.Address(fmt.Sprintf("sip:v%d@example.test", i)), portal.RoleMember))
	}
}

func TestWhatIsKeptNoLongerIsNotShown(t *testing.T) {
	h := build(t, rooms.Options{Retention: 48 * time.Hour})
	at := h.room(portal.RoomDraft{Title: "Team"})
	h.says(alice, at, "old news")
	if e := h.sees(alice, at); e.Newest == nil {
		t.Error("no newest message")
	}
	h.later(49 * time.Hour)
	if e := h.sees(alice, at); e.Newest != nil {
		t.Errorf("still shown: %+v", e.Newest)
	}
	fine(t, "pin", h.Pin(t.Context(), alice, at, 1, true))
	if e := h.sees(alice, at); e.Newest == nil {
		t.Error("a pinned message is kept")
	}
}
