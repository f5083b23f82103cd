package ews

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"portico/app/portal"
)

// What this connector has written itself comes with the changes without being read once more, unless somebody changed it meanwhile.
func TestOwnWorkIsNotReadAgain(t *testing.T) {
	p := newPeer(t, nil)
	var reads atomic.Int64
	c := p.connector(t, func(o *Options) {
		o.Observe = func(op, _ string, _ time.Duration) {
			if op == "GetItem" {
				reads.Add(1)
			}
		}
	})
	outlook := p.connector(t, nil)
	me := p.person("alice")
	_, state := all(t, c, me)
	mine, theirs := book(t, c, me, "Mine"), book(t, outlook, me, "Theirs")
	touched := book(t, c, me, "Touched")
	subject := "Touched in Outlook"
	if _, err := outlook.Update(t.Context(), me, me, touched, portal.AppointmentChange{Subject: &subject}, portal.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	changes := func() []string {
		t.Helper()
		d, err := c.Changes(t.Context(), me, me, state)
		if err != nil {
			t.Fatal(err)
		}
		state = d.State
		var got []string
		for _, e := range d.Changed {
			got = append(got, e.Subject)
			if e.RemoteID == mine.RemoteID && (e.ChangeKey != mine.ChangeKey || e.UID != mine.UID || !e.Start.Equal(mine.Start)) {
				t.Errorf("not as it was written: %+v", e)
			}
		}
		slices.Sort(got)
		return got
	}
	before := reads.Load()
	if got, want := changes(), []string{"Mine", "Theirs", "Touched in Outlook"}; !slices.Equal(got, want) {
		t.Errorf("told of %q", got)
	}
	if n := reads.Load() - before; n != 1 {
		t.Errorf("%d requests for the two that others wrote", n)
	}
	// An update of ours is our own work, too; of somebody else's entry as of ours.
	if _, err := c.Update(t.Context(), me, me, theirs, portal.AppointmentChange{Subject: &subject}, portal.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	before = reads.Load()
	if got := changes(); !slices.Equal(got, []string{subject}) || reads.Load() != before {
		t.Errorf("told of %q with %d requests", got, reads.Load()-before)
	}
}

func TestFreshEntriesAreBounded(t *testing.T) {
	b, key := newFreshBook(), calendarKey{"sip:a@example.test", "sip:a@example.test"}
	entry := func(i int) portal.Entry {
		return portal.Entry{Appointment: portal.Appointment{Kind: portal.KindSingle, Subject: fmt.Sprint(i)}, RemoteID: fmt.Sprint("id", i), ChangeKey: fmt.Sprint("v", i)}
	}
	for i := range 3 * maxFresh {
		b.keep(key, entry(i))
		b.keep(key, entry(i)) // once more takes no place
	}
	if len(b.of) != maxFresh || len(b.order) != maxFresh {
		t.Errorf("%d and %d are kept", len(b.of), len(b.order))
	}
	for i, want := range map[int]bool{2*maxFresh - 1: false, 2 * maxFresh: true, 3*maxFresh - 1: true} {
		if e, ok := b.find(key, fmt.Sprint("id", i), fmt.Sprint("v", i)); ok != want || ok && e.Subject != fmt.Sprint(i) {
			t.Errorf("%d: %t %q", i, ok, e.Subject)
		}
	}
	if _, ok := b.find(calendarKey{"sip:b@example.test", "sip:a@example.test"}, fmt.Sprint("id", 3*maxFresh-1), fmt.Sprint("v", 3*maxFresh-1)); ok {
		t.Error("what one reader saw is given to another")
	}
	for _, e := range []portal.Entry{entry(-1), entry(-2), entry(-3), entry(-4)} {
		switch {
		case strings.HasSuffix(e.RemoteID, "1"):
			e.Kind = portal.KindMaster
		case strings.HasSuffix(e.RemoteID, "2"):
			e.Attendees = []portal.Attendee{{Email: "b@example.test"}}
		case strings.HasSuffix(e.RemoteID, "3"):
			e.Attachments = []portal.Attachment{{ID: "f"}}
		default:
			e.ChangeKey = ""
		}
		b.keep(key, e)
		if _, ok := b.find(key, e.RemoteID, e.ChangeKey); ok {
			t.Errorf("%s is kept", e.RemoteID)
		}
	}
}
