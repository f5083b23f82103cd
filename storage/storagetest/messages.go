package storagetest

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"portico/app/portal"
	"portico/storage"
)

func testMessages(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	m := received(1)
	m.Text, m.WantsDelivered = "zwei\nZeilen 🙂 ' \" \\ %", true
	stored := add(t, s, m)
	if stored.Order <= 0 {
		t.Errorf("Order %d", stored.Order)
	}
	m.Order = stored.Order
	if stored != m {
		t.Errorf("stored %+v, want %+v", stored, m)
	}
	got, err := s.Message(ctx, alice, bob, m.ID)
	must(t, err)
	if got != m {
		t.Errorf("read back %+v, want %+v", got, m)
	}
	for _, key := range [][3]string{{string(bob), string(bob), m.ID}, {string(alice), string(alice), m.ID}, {string(alice), string(bob), "B1"}} {
		_, err := s.Message(ctx, portal.Address(key[0]), portal.Address(key[1]), key[2])
		wantMeaning(t, err, portal.ErrNotFound)
	}
	for _, bad := range []func(*portal.Message){
		func(m *portal.Message) { m.Owner = "" }, func(m *portal.Message) { m.Conversation = "" }, func(m *portal.Message) { m.From = "" },
		func(m *portal.Message) { m.ID = "" }, func(m *portal.Message) { m.State = "lost" },
	} {
		m := received(2)
		bad(&m)
		_, created, err := s.AddMessage(ctx, m)
		wantMeaning(t, err, portal.ErrInvalid)
		if created {
			t.Errorf("%+v was stored", m)
		}
	}
}

// testOnce: whoever repeats an id, in whatever order and at whatever time, gets the one message there is.
func testOnce(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	const ids, repeats = 20, 8
	var created atomic.Int64
	var all sync.WaitGroup
	orders := make([][repeats]int64, ids)
	for i := range ids {
		for j := range repeats {
			all.Go(func() {
				m := received(i)
				m.Text = fmt.Sprintf("try %d", j)
				stored, first, err := s.AddMessage(deadline(t), m, about(m))
				if err != nil {
					t.Error(err)
					return
				}
				if first {
					created.Add(1)
				}
				orders[i][j] = stored.Order
			})
		}
	}
	all.Wait()
	if n := created.Load(); n != ids {
		t.Errorf("%d created, want %d", n, ids)
	}
	for i := range orders {
		if slices.Min(orders[i][:]) != slices.Max(orders[i][:]) {
			t.Errorf("message %d was answered with orders %v", i, orders[i])
		}
	}
	if n := len(s.told()); n != ids {
		t.Errorf("%d events, want %d", n, ids)
	}
	unread, err := s.Unread(deadline(t), alice)
	must(t, err)
	if unread[bob] != ids {
		t.Errorf("%d unread, want %d", unread[bob], ids)
	}
	// The same id of another sender, and of the same sender for another owner, is another message.
	other := received(0)
	other.Owner, other.Conversation = carol, bob
	add(t, s, other)
	other = received(0)
	other.From, other.Conversation = carol, carol
	add(t, s, other)
}

func testStates(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	add(t, s, said(1))
	for _, step := range []struct {
		to      portal.State
		reason  string
		changed bool
		is      portal.State
	}{
		{portal.Failed, "send.busy", true, portal.Failed}, {portal.Pending, "", false, portal.Failed}, {portal.Stored, "", true, portal.Stored},
		{portal.Sent, "", false, portal.Stored}, {portal.Stored, "", false, portal.Stored}, {portal.Read, "", true, portal.Read},
		{portal.Delivered, "", false, portal.Read}, {portal.Failed, "late", false, portal.Read},
	} {
		changed, err := s.SetMessageState(ctx, alice, alice, "a1", step.to, step.reason)
		must(t, err)
		m, err := s.Message(ctx, alice, alice, "a1")
		must(t, err)
		if changed != step.changed || m.State != step.is {
			t.Errorf("to %s: changed %v, now %s; want %v, %s", step.to, changed, m.State, step.changed, step.is)
		}
		if changed && m.Reason != step.reason {
			t.Errorf("to %s: reason %q, want %q", step.to, m.Reason, step.reason)
		}
	}
	var states []portal.State
	for _, l := range all(t, s, alice, 0) {
		if e, ok := l.Event.(portal.StateEvent); ok {
			states = append(states, e.State)
			if e.Conversation != bob || e.ID != "a1" {
				t.Errorf("event %+v", e)
			}
		}
	}
	if want := []portal.State{portal.Failed, portal.Stored, portal.Read}; !slices.Equal(states, want) {
		t.Errorf("events of states %v, want %v", states, want)
	}
	add(t, s, received(1))
	if changed, err := s.SetMessageState(ctx, alice, bob, "b1", portal.Read, ""); err != nil || changed {
		t.Errorf("a received copy changed its state: %v, %v", changed, err)
	}
	_, err := s.SetMessageState(ctx, alice, alice, "none", portal.Sent, "")
	wantMeaning(t, err, portal.ErrNotFound)
	_, err = s.SetMessageState(ctx, alice, alice, "a1", portal.Received, "")
	wantMeaning(t, err, portal.ErrInvalid)
}

func testPaging(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	const n = 120
	for i := range n {
		add(t, s, received(i))
		other := received(i)
		other.Conversation, other.From = carol, carol
		add(t, s, other)
	}
	var back []portal.Message
	before := int64(0)
	for {
		page, err := s.Messages(ctx, alice, bob, before, 25)
		must(t, err)
		if len(page) == 0 {
			break
		}
		if len(page) > 25 {
			t.Fatalf("page of %d", len(page))
		}
		back = append(slices.Clone(page), back...)
		before = page[0].Order
	}
	if len(back) != n {
		t.Fatalf("%d messages, want %d", len(back), n)
	}
	for i, m := range back {
		if m.ID != received(i).ID || (i > 0 && m.Order <= back[i-1].Order) {
			t.Fatalf("message %d is %s with order %d", i, m.ID, m.Order)
		}
	}
	for limit, want := range map[int]int{0: 50, -1: 50, 1: 1, 100000: n} {
		if page, err := s.Messages(ctx, alice, bob, 0, limit); err != nil || len(page) != want {
			t.Errorf("limit %d: %d messages, %v; want %d", limit, len(page), err, want)
		}
	}
	if page, err := s.Messages(ctx, alice, "sip:nobody@example.test", 0, 10); err != nil || len(page) != 0 {
		t.Errorf("conversation with nobody: %v, %v", page, err)
	}
}

func testPending(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	for i := range 5 {
		add(t, s, said(i))
		add(t, s, received(i))
	}
	_, err := s.SetMessageState(ctx, alice, alice, "a1", portal.Delivered, "")
	must(t, err)
	pending, err := s.PendingMessages(ctx, 3)
	must(t, err)
	var ids []string
	for _, m := range pending {
		ids = append(ids, m.ID)
	}
	if want := []string{"a0", "a2", "a3"}; !slices.Equal(ids, want) {
		t.Errorf("pending %v, want %v", ids, want)
	}
	if pending, err := s.PendingMessages(ctx, 0); err != nil || len(pending) != 0 {
		t.Errorf("none asked for: %v, %v", pending, err)
	}
}

func testConversations(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	if list, err := s.Conversations(ctx, alice); err != nil || len(list) != 0 {
		t.Errorf("before anything was said: %v, %v", list, err)
	}
	add(t, s, received(1))
	other := received(2)
	other.Conversation, other.From = carol, carol
	add(t, s, other)
	last := add(t, s, said(3))
	list, err := s.Conversations(ctx, alice)
	must(t, err)
	if len(list) != 2 || list[0].Peer != bob || list[1].Peer != carol {
		t.Fatalf("conversations %+v", list)
	}
	if list[0].Last == nil || *list[0].Last != last || list[0].Unread != 1 || list[0].ReadUpTo != 0 {
		t.Errorf("first %+v with last %+v", list[0], list[0].Last)
	}
	_, err = s.SetMessageState(ctx, alice, alice, "a3", portal.Delivered, "")
	must(t, err)
	list, err = s.Conversations(ctx, alice)
	must(t, err)
	if list[0].Last.State != portal.Delivered {
		t.Errorf("the list shows state %s", list[0].Last.State)
	}
	if list, err := s.Conversations(ctx, bob); err != nil || len(list) != 0 {
		t.Errorf("bob's list: %v, %v", list, err)
	}
}

func testReadMarks(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	var stored []portal.Message
	for i := range 4 {
		stored = append(stored, add(t, s, received(i)), add(t, s, said(i)))
	}
	for _, step := range []struct {
		upTo   int64
		newly  []string
		unread int
		mark   int64
	}{
		{stored[2].Order, []string{"b0", "b1"}, 2, stored[2].Order},
		{stored[1].Order, nil, 2, stored[2].Order}, // never back
		{stored[5].Order, []string{"b2"}, 1, stored[5].Order},
		{0, []string{"b3"}, 0, stored[7].Order},
		{stored[7].Order + 1000, nil, 0, stored[7].Order}, // never beyond the end: what comes later is unread
	} {
		newly, err := s.MarkRead(ctx, alice, bob, step.upTo)
		must(t, err)
		var ids []string
		for _, m := range newly {
			ids = append(ids, m.ID)
			if !m.WantsRead {
				t.Errorf("%s lost that its sender wants a notice", m.ID)
			}
		}
		unread, err := s.Unread(ctx, alice)
		must(t, err)
		list, err := s.Conversations(ctx, alice)
		must(t, err)
		if !slices.Equal(ids, step.newly) || unread[bob] != step.unread || list[0].Unread != step.unread || list[0].ReadUpTo != step.mark {
			t.Errorf("up to %d: newly %v, unread %v, list %+v; want %+v", step.upTo, ids, unread, list[0], step)
		}
	}
	if unread, err := s.Unread(ctx, alice); err != nil || len(unread) != 0 {
		t.Errorf("all read, but unread is %v, %v", unread, err)
	}
	add(t, s, received(9))
	if unread, err := s.Unread(ctx, alice); err != nil || unread[bob] != 1 {
		t.Errorf("one more came, unread is %v, %v", unread, err)
	}
	if newly, err := s.MarkRead(ctx, alice, "sip:nobody@example.test", 0); err != nil || len(newly) != 0 {
		t.Errorf("no such conversation: %v, %v", newly, err)
	}
}

// testRetention: old copies go, those on their way stay, the list and the counts follow.
func testRetention(t *testing.T, open Open) {
	clock := newClock()
	s := start(t, open, storage.Options{Retention: time.Hour, UpkeepEvery: 5 * time.Millisecond, Now: clock.now})
	ctx := deadline(t)
	for i := range 3 {
		add(t, s, received(i))
	}
	old := received(7)
	old.Conversation, old.From = carol, carol
	add(t, s, old)
	waiting := said(8)
	waiting.Conversation = carol
	add(t, s, waiting)
	clock.advance(50 * time.Minute)
	add(t, s, received(10))
	clock.advance(20 * time.Minute)
	eventually(t, "old messages gone", func() bool {
		page, err := s.Messages(ctx, alice, bob, 0, 0)
		must(t, err)
		return len(page) == 1 && page[0].ID == "b10"
	})
	eventually(t, "counts put right", func() bool {
		unread, err := s.Unread(ctx, alice)
		must(t, err)
		return unread[bob] == 1 && unread[carol] == 0
	})
	if pending, err := s.PendingMessages(ctx, 10); err != nil || len(pending) != 1 || pending[0].ID != "a8" {
		t.Errorf("the message on its way: %v, %v", pending, err)
	}
	clock.advance(2 * time.Hour)
	eventually(t, "conversation gone with its last message", func() bool {
		list, err := s.Conversations(ctx, alice)
		must(t, err)
		return len(list) == 1 && list[0].Peer == carol && list[0].Unread == 0
	})
}
