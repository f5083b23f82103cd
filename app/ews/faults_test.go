package ews

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"portico/app/ews/ewslab"
	"portico/app/portal"
)

// A server that is busy, slow, away, or cuts its answers: what was asked for is done once, or not at all and said so.

// impatience is how long the connector under test waits for an answer: long for a machine that does much else, and
// short enough for a test. What became of it is looked up by a connector that waits longer.
const impatience = 2500 * time.Millisecond

// fault sets one until the returned function lifts it.
func (p *peer) fault(t testing.TB, f ewslab.Fault) func() {
	t.Helper()
	lift, err := p.lab.Fault(f)
	if err != nil {
		t.Fatal(err)
	}
	return lift
}

// withSubject counts the entries of a calendar with a subject.
func withSubject(t testing.TB, c *Connector, who portal.Address, subject string) int {
	t.Helper()
	got, _ := all(t, c, who)
	n := 0
	for _, e := range got {
		if e.Subject == subject {
			n++
		}
	}
	return n
}

// persist does what the calendar does with a write: again after every answer that says that the server is away, having
// looked for its own work first.
func persist(t testing.TB, c *Connector, who portal.Address, a portal.Appointment, o portal.WriteOptions) portal.Entry {
	t.Helper()
	var e portal.Entry
	tried := false
	until(t, "the write gets through", func() bool {
		if tried {
			found, ok, err := c.Find(context.Background(), who, who, o.ChangeID)
			if err != nil {
				return false
			}
			if ok {
				e = found
				return true
			}
		}
		tried = true
		made, err := c.Create(context.Background(), who, who, a, o)
		if err != nil && !errors.Is(err, portal.ErrUnavailable) {
			t.Fatalf("create: %v", err)
		}
		e = made
		return err == nil
	})
	return e
}

func TestFaultsDoubleNothing(t *testing.T) {
	p := newPeer(t, func(*ewslab.Config) {})
	c := p.connector(t, func(o *Options) { o.Servers[0].Timeout = impatience })
	look := p.connector(t, nil)
	alice, bob := p.person("alice"), p.person("bob")
	for _, kind := range []ewslab.FaultKind{ewslab.FaultBusy503, ewslab.FaultBusy500, ewslab.FaultBusy200, ewslab.FaultSlow, ewslab.FaultDown,
		ewslab.FaultHalf, ewslab.FaultDrop, ewslab.FaultHTML, ewslab.FaultError} {
		t.Run(string(kind), func(t *testing.T) {
			fault := ewslab.Fault{Kind: kind, Count: 2, BackOff: 50 * time.Millisecond, Delay: impatience + impatience/8}
			if kind == ewslab.FaultSlow || kind == ewslab.FaultBusy503 { // these take their time
				fault.Count = 1
			}
			a := meeting(t, "Fault "+string(kind), who(p, "bob", ""))
			fault.Operation = "CreateItem"
			lift := p.fault(t, fault)
			made := persist(t, c, alice, a, portal.WriteOptions{ChangeID: "f-" + string(kind), Send: true})
			lift()
			if n := withSubject(t, look, alice, a.Subject); n != 1 {
				t.Fatalf("alice has %d of it", n)
			}
			if n := withSubject(t, look, bob, a.Subject); n != 1 {
				t.Errorf("bob was invited %d times", n)
			}
			fault.Operation = "UpdateItem"
			lift = p.fault(t, fault)
			ch := portal.AppointmentChange{Location: ptr("Hall")}
			until(t, "the change gets through", func() bool {
				e, err := c.Update(context.Background(), alice, alice, made, ch, portal.WriteOptions{ChangeID: "u-" + string(kind), Send: true})
				if err != nil && !errors.Is(err, portal.ErrUnavailable) {
					t.Fatalf("update: %v", err)
				}
				if err == nil {
					made = e
				}
				return err == nil
			})
			lift()
			if made.Location != "Hall" {
				t.Errorf("changed: %+v", made.Appointment)
			}
			fault.Operation = "CreateItem" // answers and cancellations are items that are created
			mine := entryIn(t, look, bob, a.Subject, func(e portal.Entry) bool { return e.Location == "Hall" })
			lift = p.fault(t, fault)
			again(t, "the answer", func() error {
				return c.Respond(context.Background(), bob, bob, mine, time.Time{}, portal.ResponseAccepted, "Yes "+string(kind), portal.Proposal{}, true)
			})
			lift()
			var answers int
			if err := look.do(t.Context(), alice, alice, func(ac *access) error { answers = mentions(t, ac, "inbox", a.Subject); return nil }); err != nil {
				t.Fatal(err)
			}
			if answers != 1 {
				t.Errorf("alice got %d answers", answers)
			}
			made = entryIn(t, look, alice, a.Subject, func(e portal.Entry) bool { return answersOf(e)[p.email("bob")] == portal.ResponseAccepted })
			lift = p.fault(t, fault)
			again(t, "the cancellation", func() error {
				return c.Delete(context.Background(), alice, alice, made, time.Time{}, "No "+string(kind))
			})
			lift()
			if n := withSubject(t, look, alice, a.Subject); n != 0 {
				t.Errorf("alice still has %d of it", n)
			}
			var cancelled int
			if err := look.do(t.Context(), bob, bob, func(ac *access) error { cancelled = mentions(t, ac, "inbox", "Canceled: "+a.Subject); return nil }); err != nil {
				t.Fatal(err)
			}
			if cancelled > 1 {
				t.Errorf("bob got %d cancellations", cancelled)
			}
		})
	}
}

// again does something until it gets through.
func again(t testing.TB, what string, do func() error) {
	t.Helper()
	until(t, what+" gets through", func() bool {
		err := do()
		if err != nil && !errors.Is(err, portal.ErrUnavailable) {
			t.Fatalf("%s: %v", what, err)
		}
		return err == nil
	})
}

// Reading goes on where it was: nothing is lost by a server that is away in the middle of a sync.
func TestFaultsLoseNothing(t *testing.T) {
	p := newPeer(t, func(*ewslab.Config) {})
	c := p.connector(t, func(o *Options) { o.Servers[0].Timeout = impatience })
	look := p.connector(t, nil)
	me := p.person("alice")
	_, state := all(t, look, me)
	var made []string
	for _, kind := range []ewslab.FaultKind{ewslab.FaultBusy503, ewslab.FaultBusy500, ewslab.FaultBusy200, ewslab.FaultSlow, ewslab.FaultDown, ewslab.FaultHalf, ewslab.FaultDrop, ewslab.FaultHTML} {
		made = append(made, book(t, look, me, string(kind)).RemoteID)
		for _, op := range []string{"SyncFolderItems", "GetItem"} {
			p.fault(t, ewslab.Fault{Kind: kind, Operation: op, Count: 1, BackOff: 20 * time.Millisecond, Delay: impatience + impatience/8})
		}
		var d portal.CalendarDelta
		again(t, "the sync during "+string(kind), func() (err error) {
			d, err = c.Changes(context.Background(), me, me, state)
			return err
		})
		if len(d.Changed) != 1 || d.Changed[0].RemoteID != made[len(made)-1] || d.Reset {
			t.Errorf("%s: %+v", kind, d)
		}
		state = d.State
		until(t, "the faults are used up", func() bool {
			_, err := c.Changes(context.Background(), me, me, state)
			_, err2 := c.Entry(context.Background(), me, me, made[0])
			return err == nil && err2 == nil
		})
	}
}

// Cutting a series in two when the second half fails: the retry finishes it, nothing is doubled.
func TestFaultsInTheMiddleOfACut(t *testing.T) {
	p := newPeer(t, func(*ewslab.Config) {})
	c := p.connector(t, func(o *Options) { o.Servers[0].Timeout = impatience })
	look := p.connector(t, nil)
	me := p.person("alice")
	made, err := look.Create(t.Context(), me, me, series4(t, "Half cut"), portal.WriteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	last := at(t, "2026-04-13T12:00:00Z")
	if err := look.Delete(t.Context(), me, me, made, last, ""); err != nil {
		t.Fatal(err)
	}
	if made, err = look.Entry(t.Context(), me, me, made.RemoteID); err != nil {
		t.Fatal(err)
	}
	ch := portal.AppointmentChange{Scope: portal.ScopeFollowing, Occurrence: at(t, "2026-04-06T12:00:00Z"), Location: ptr("Hall")}
	for i, f := range []ewslab.Fault{{Kind: ewslab.FaultDown, Operation: "UpdateItem"}, {Kind: ewslab.FaultDrop, Operation: "CreateItem"}, {Kind: ewslab.FaultDrop, Operation: "UpdateItem"},
		{Kind: ewslab.FaultDown, Operation: "DeleteItem"}} {
		lift := p.fault(t, f)
		_, err := c.Update(t.Context(), me, me, made, ch, portal.WriteOptions{ChangeID: "half"})
		lift()
		if i == 0 && !errors.Is(err, portal.ErrUnavailable) {
			t.Fatalf("the server was away and the error is %v", err)
		}
	}
	again(t, "the cut", func() error {
		_, err := c.Update(context.Background(), me, me, made, ch, portal.WriteOptions{ChangeID: "half"})
		return err
	})
	got, _ := all(t, look, me)
	var parts []string
	for _, e := range got {
		if e.Subject == "Half cut" {
			parts = append(parts, strings.Join(instants(t, e, 9), " "))
			if e.Location == "Hall" && (len(e.Deleted) != 1 || !e.Deleted[0].Equal(last)) {
				t.Errorf("what was deleted takes place again: %v", e.Deleted)
			}
		}
	}
	slices.Sort(parts)
	if want := []string{"2026-03-23T13:00:00Z 2026-03-30T12:00:00Z", "2026-04-06T12:00:00Z 2026-04-13T12:00:00Z"}; !slices.Equal(parts, want) {
		t.Errorf("the series happens at %q", parts)
	}
}

// What a server says in refusing is typed, has a sentence, and says when to come back.
func TestFaultsHaveMeanings(t *testing.T) {
	p := newPeer(t, func(*ewslab.Config) {})
	me := p.person("alice")
	for _, c := range []struct {
		fault   ewslab.Fault
		meaning error
		key     string
		wait    time.Duration
	}{
		{ewslab.Fault{Kind: ewslab.FaultBusy500, BackOff: 10 * time.Minute}, portal.ErrUnavailable, "exchange.busy", 10 * time.Minute},
		{ewslab.Fault{Kind: ewslab.FaultBusy503, BackOff: 10 * time.Minute}, portal.ErrUnavailable, "exchange.busy", 10 * time.Minute},
		{ewslab.Fault{Kind: ewslab.FaultUnauthorized}, portal.ErrUnauthenticated, "exchange.signin", 0},
		{ewslab.Fault{Kind: ewslab.FaultDown}, portal.ErrUnavailable, "exchange.down", 0},
		{ewslab.Fault{Kind: ewslab.FaultHTML}, portal.ErrUnavailable, "exchange.down", 0},
		{ewslab.Fault{Kind: ewslab.FaultError, Code: "ErrorQuotaExceeded"}, portal.ErrForbidden, "exchange.forbidden", 0},
		{ewslab.Fault{Kind: ewslab.FaultError, Code: "ErrorCalendarDurationIsTooLong"}, portal.ErrInvalid, "exchange.refused", 0},
	} {
		conn := p.connector(t, nil)
		lift := p.fault(t, c.fault)
		a := portal.Appointment{Subject: "x", Start: at(t, "2026-03-23T13:00:00Z"), End: at(t, "2026-03-23T14:00:00Z")}
		_, err := conn.Create(t.Context(), me, me, a, portal.WriteOptions{})
		lift()
		var said *portal.Error
		if !errors.As(err, &said) || !errors.Is(said.Meaning, c.meaning) || said.Key != c.key {
			t.Errorf("%s %s: %v", c.fault.Kind, c.fault.Code, err)
			continue
		}
		if d := said.RetryAfter - c.wait; d < -time.Minute || d > time.Minute {
			t.Errorf("%s: to be tried again in %s, want %s", c.fault.Kind, said.RetryAfter, c.wait)
		}
	}
}

// A mailbox that is not found for a moment does not make its entries gone.
func TestFaultsOfAMailboxThatMoves(t *testing.T) {
	p := newPeer(t, func(*ewslab.Config) {})
	c := p.connector(t, nil)
	me := p.person("alice")
	made := book(t, c, me, "Still there")
	lift := p.fault(t, ewslab.Fault{Kind: ewslab.FaultError, Code: "ErrorNonExistentMailbox"})
	_, entry := c.Entry(t.Context(), me, me, made.RemoteID)
	_, change := c.Update(t.Context(), me, me, made, portal.AppointmentChange{Location: ptr("Hall")}, portal.WriteOptions{})
	_, _, find := c.Find(t.Context(), me, me, "x")
	for what, err := range map[string]error{"entry": entry, "change": change, "find": find, "delete": c.Delete(t.Context(), me, me, made, time.Time{}, ""),
		"respond": c.Respond(t.Context(), me, me, made, time.Time{}, portal.ResponseAccepted, "", portal.Proposal{}, true)} {
		if portal.Meaning(err) != portal.ErrUnavailable || portal.Reason(err) != "exchange.no-mailbox" {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := c.Changes(t.Context(), me, me, ""); portal.Meaning(err) != portal.ErrNotFound {
		t.Errorf("changes: %v", err)
	}
	lift()
	if err := c.Delete(t.Context(), me, me, made, time.Time{}, ""); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// An entry that was made and cannot be read back, whatever the reason, is made; it is found by its stamp.
func TestFaultsOfReadingBackWhatWasMade(t *testing.T) {
	p := newPeer(t, func(*ewslab.Config) {})
	c := p.connector(t, nil)
	me := p.person("alice")
	for _, code := range []string{"ErrorItemNotFound", "ErrorInternalServerError", "ErrorAccessDenied", "ErrorItemCorrupt"} {
		t.Run(code, func(t *testing.T) {
			lift := p.fault(t, ewslab.Fault{Kind: ewslab.FaultError, Operation: "GetItem", Code: code})
			defer lift()
			a := portal.Appointment{Subject: code, Start: at(t, "2026-03-23T13:00:00Z"), End: at(t, "2026-03-23T14:00:00Z"), TimeZone: "UTC"}
			made, err := c.Create(t.Context(), me, me, a, portal.WriteOptions{ChangeID: "back-" + code})
			if err != nil || made.RemoteID == "" || made.ChangeKey == "" || made.Subject != code || made.ChangeID != "back-"+code {
				t.Fatalf("made %+v, %v", made, err)
			}
			found, ok, err := c.Find(t.Context(), me, me, "back-"+code)
			if err != nil || !ok || found.RemoteID != made.RemoteID || found.ChangeKey == "" || found.ChangeID != "back-"+code {
				t.Errorf("found %+v, %t, %v", found, ok, err)
			}
		})
	}
}
