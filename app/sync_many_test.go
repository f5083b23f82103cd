package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"portico/app/ews/ewslab"
	"portico/app/portal"
)

// manyMailboxes is how many mailboxes fill all streams that an account may hold; PORTICO_TEST_SOAK=5 makes it 2,000, with Exchange's own
// limits. With fewer the streams carry as many fewer; the race detector makes databases so slow that it gets a quarter.
const manyMailboxes = 400

// TestManyMailboxesWithinExchangesLimits: as many mailboxes as an account's streams can carry at an Exchange that enforces its limits,
// all of it charged to one account: all are in step, what changes on either side arrives at the other, and once the first
// reading is done Exchange has nothing to refuse.
func TestManyMailboxesWithinExchangesLimits(t *testing.T) {
	n := manyMailboxes
	if raced() {
		n /= 8 // what the detector can find it finds in few; all of them run without it
	}
	o := sidesOptions{mailboxes: min(soak(t, n), 2000), limits: ewslab.ExchangeLimits()}
	const streams = 10
	o.limits.ByCaller = true
	o.perStream = o.mailboxes / streams
	o.limits.StreamSubscriptions = o.perStream
	s := newSides(t, o)
	day := dayAhead(t)
	for i := range o.mailboxes {
		s.fill(i, 3, day)
	}
	s.connect(o)
	begun := time.Now()
	s.begin(10 * longest)
	warm := s.lab.Usage()
	t.Logf("%d mailboxes: warm after %s and %d requests, of which %d were refused: %v", o.mailboxes, time.Since(begun).Round(time.Millisecond), warm.Served, warm.Refusals(), warm.Refused)
	if got := s.bells(); got != o.mailboxes {
		t.Fatalf("%d bells hang", got)
	}

	begun = time.Now()
	a := &affairs{s: s, day: day}
	for i := range o.mailboxes {
		a.happen(i)
	}
	await(t, 10*longest, "all changes to arrive", a.arrived)
	await(t, longest, "nothing to wait", s.inStep)
	usage := s.lab.Usage()
	t.Logf("changes of all mailboxes arrived after %s; most at once: %v; %d requests in all", time.Since(begun).Round(time.Millisecond), usage.Most, usage.Served)
	if usage.Refusals() != warm.Refusals() {
		t.Errorf("Exchange refused requests after the first reading: before %v, then %v", warm.Refused, usage.Refused)
	}
	if usage.Most[ewslab.LimitStreams] > streams || usage.Most[ewslab.LimitStreamSubscriptions] > o.perStream {
		t.Errorf("streams: %v", usage.Most)
	}
	if body, err := s.outsideCall(ewslab.LimitsPath); err != nil || !strings.Contains(body, `"by_caller":true`) {
		t.Errorf("the lab's limits: %s %v", body, err)
	}
	a.nothingElse()

	// Exchange 2013 lets a mailbox have three streams, and charges them to the mailbox in whose name they are opened. One person
	// leaves and another comes: the stream is opened anew beside the one that was there.
	o.limits.ByCaller, o.limits.Streams = false, 3
	s.lab.SetLimits(o.limits)
	s.swap(0, o.mailboxes)
	s.in(o.mailboxes).create("First day", clock(day, 9, 0), clock(day, 10, 0), "", "")
	await(t, longest, "the newcomer's first entry", func() bool { return s.records(o.mailboxes, day)["First day"].ID != "" })
	if usage := s.lab.Usage(); usage.Refusals() != 0 || usage.Most[ewslab.LimitStreams] == 0 {
		t.Errorf("as one left and another came: %+v", usage)
	}
}

// swap ends the synchronisation of one person and begins that of another.
func (s *bothSides) swap(leaves, comes int) {
	s.t.Helper()
	was, err := s.crm.User(s.t.Context(), s.who(leaves))
	if err != nil {
		s.t.Fatal(err)
	}
	is := was
	is.Address, is.Email, is.ExchangeID, is.LastName, is.Version = s.who(comes), watched(comes)+"@example.test", watched(comes)+"@example.test", watched(comes), 0
	was.ExchangeID, was.Server = "", ""
	if _, err := s.crm.PutUsers(s.t.Context(), []portal.CRMUser{was, is}, "test"); err != nil {
		s.t.Fatal(err)
	}
	s.settled(longest, "the newcomer to be in step", func() bool {
		s.mu.Lock()
		hangs := s.hung[s.who(comes)]
		s.mu.Unlock()
		return hangs && s.inStep()
	})
}

// affairs is what happens in many mailboxes and must be on the other side at last.
type affairs struct {
	s       *bothSides
	day     time.Time
	waiting []affair
}

// affair is one change; there says whether it has arrived.
type affair struct {
	what  string
	there func() bool
}

// happen lets something happen to one mailbox or its records, another thing for each of five.
func (a *affairs) happen(i int) {
	s, ctx := a.s, a.s.t.Context()
	s.t.Helper()
	must := func(err error) {
		s.t.Helper()
		if err != nil {
			s.t.Fatalf("mailbox %d: %v", i, err)
		}
	}
	wait := func(what string, there func() bool) {
		a.waiting = append(a.waiting, affair{fmt.Sprintf("mailbox %d: %s", i, what), there})
	}
	inCRM := func(subject string) portal.CRMAppointment { return s.records(i, a.day)[subject] }
	switch i % 5 {
	case 0:
		s.in(i).set(s.items(i)["Entry 0"], "calendar:Location", "Moved in Outlook")
		wait("a place from Exchange", func() bool { return inCRM("Entry 0").Location == "Moved in Outlook" })
	case 1:
		place := "Moved in CRM"
		r := inCRM("Entry 1")
		_, err := s.crm.Change(ctx, s.who(i), r.ID, portal.AppointmentChange{Location: &place}, fmt.Sprint(r.Revision))
		must(err)
		wait("a place from CRM", func() bool { return s.items(i)["Entry 1"].Location == place })
	case 2:
		s.in(i).create("New in Outlook", clock(a.day, 18, 0), clock(a.day, 19, 0), "", "")
		wait("a new entry from Exchange", func() bool { return inCRM("New in Outlook").ID != "" })
	case 3:
		_, err := s.crm.Create(ctx, s.who(i), "", portal.Appointment{Subject: "New in CRM", Start: clock(a.day, 18, 0), End: clock(a.day, 19, 0), TimeZone: "Europe/Vienna", Show: portal.ShowBusy})
		must(err)
		wait("a new entry from CRM", func() bool { return s.items(i)["New in CRM"].ItemID.ID != "" })
	case 4:
		s.in(i).remove(s.items(i)["Entry 0"])
		r := inCRM("Entry 1")
		must(s.crm.Delete(ctx, s.who(i), r.ID, fmt.Sprint(r.Revision)))
		wait("two deletions", func() bool {
			_, stays := s.items(i)["Entry 1"]
			return !stays && inCRM("Entry 0").ID == ""
		})
	}
}

// arrived says whether all that happened is on the other side.
func (a *affairs) arrived() bool {
	for len(a.waiting) > 0 {
		if !a.waiting[0].there() {
			return false
		}
		a.waiting = a.waiting[1:]
	}
	return true
}

// nothingElse demands that both sides have the same entries, each once.
func (a *affairs) nothingElse() {
	a.s.t.Helper()
	for i := range a.s.n {
		items, records := a.s.in(i).all(), a.s.records(i, a.day)
		want := map[int]int{0: 3, 1: 3, 2: 4, 3: 4, 4: 1}[i%5]
		if len(items) != want || len(records) != want {
			a.s.t.Errorf("mailbox %d has %d entries in Exchange and %d in CRM, want %d", i, len(items), len(records), want)
			continue
		}
		for _, it := range items {
			if r, ok := records[it.Subject]; !ok || r.Location != it.Location || !r.Start.Equal(it.Start) || !r.End.Equal(it.End) {
				a.s.t.Errorf("mailbox %d: %q is %v in Exchange and %+v in CRM", i, it.Subject, it, r.Appointment)
			}
		}
	}
}
