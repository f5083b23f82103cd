package crm

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"portico/app/portal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	alice = portal.Address("sip:alice@example.test") // has a mailbox
	bob   = portal.Address("sip:bob@example.test")   // has a mailbox
	carol = portal.Address("sip:carol@example.test") // CRM alone
	dave  = portal.Address("sip:dave@example.test")  // CRM alone
	erin  = portal.Address("sip:erin@example.test")  // no CRM user yet
	root  = portal.Address("sip:root@example.test")  // administers
)

// noon is the beginning of everything: a Wednesday.
var noon = time.Date(2026, 4, 15, 12, 0, 0, 0, time.UTC)

// office is a CRM with people in it.
type office struct {
	*Service
	t     *testing.T
	ctx   context.Context
	store *memory
	now   time.Time
	pairs map[string]portal.SyncPair
	lists map[string][]portal.Attendee
	opts  Options
}

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{t: t, ctx: t.Context(), now: noon, pairs: map[string]portal.SyncPair{}, lists: map[string][]portal.Attendee{}}
	o.store = newMemory(func() time.Time { return o.now })
	o.opts = Options{
		Now:   func() time.Time { return o.now },
		Admin: func(a portal.Address) bool { return a == root },
		Lookup: func(_ context.Context, a portal.Address) portal.Person {
			name := a.User()
			return portal.Person{URI: a, Email: a.Bare(), DisplayName: strings.ToUpper(name[:1]) + name[1:] + " Example"}
		},
		Find: func(email string) portal.Address {
			if strings.HasSuffix(email, "@example.test") {
				return portal.Address("sip:" + email)
			}
			return ""
		},
		Expand: func(_ context.Context, _ portal.Address, email string) ([]portal.Attendee, error) {
			list, ok := o.lists[email]
			if !ok {
				return nil, portal.ErrUnavailable
			}
			return list, nil
		},
		Pairs: func(context.Context, []string) (map[string]portal.SyncPair, error) { return o.pairs, nil },
		Zone: func(context.Context, portal.Address) *time.Location {
			loc, err := time.LoadLocation("Europe/Berlin")
			if err != nil {
				t.Fatal(err)
			}
			return loc
		},
	}
	o.Service = New(o.store, o.opts)
	_, err := o.PutUsers(o.ctx, []portal.CRMUser{
		{Address: alice, FirstName: "Alice", LastName: "Example", Email: "alice@example.test", ExchangeID: "ex-alice", Server: "primary"},
		{Address: bob, FirstName: "Bob", LastName: "Example", Email: "bob@example.test", ExchangeID: "ex-bob", Server: "primary"},
		{Address: carol, FirstName: "Carol", LastName: "Example", Email: "carol@example.test"},
		{Address: dave, FirstName: "Dave", LastName: "Example", Email: "dave@example.test"},
	}, "test")
	o.must(err)
	o.store.events = nil
	return o
}

func (o *office) must(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

// refused checks that an error has a meaning and a key.
func (o *office) refused(err, meaning error, key string) {
	o.t.Helper()
	if !errors.Is(err, meaning) || portal.Reason(err) != key {
		o.t.Fatalf("got %v (%s), want %v %s", err, portal.Reason(err), meaning, key)
	}
}

// meeting is an appointment in an hour, with some people.
func meeting(subject string, emails ...string) portal.Appointment {
	a := portal.Appointment{Subject: subject, Start: noon.Add(time.Hour), End: noon.Add(2 * time.Hour)}
	for _, e := range emails {
		a.Attendees = append(a.Attendees, portal.Attendee{Email: e})
	}
	return a
}

func (o *office) create(me portal.Address, a portal.Appointment) portal.CRMAppointment {
	o.t.Helper()
	r, err := o.Create(o.ctx, me, "", a)
	o.must(err)
	return r
}

// weekly is a series of four Wednesdays.
func weekly(subject string, emails ...string) portal.Appointment {
	a := meeting(subject, emails...)
	a.Recurrence, a.TimeZone = "FREQ=WEEKLY;COUNT=4", "Europe/Berlin"
	return a
}

// nth is when the n-th occurrence of weekly begins by the rule.
func nth(n int) time.Time { return noon.Add(time.Hour).AddDate(0, 0, 7*(n-1)) }

// told takes what was told since the last time, as "who kind".
func (o *office) told() (events, notices []string) {
	o.store.mu.Lock()
	defer o.store.mu.Unlock()
	for _, e := range o.store.events {
		for _, who := range e.For {
			switch ev := e.Event.(type) {
			case portal.CalendarEvent:
				events = append(events, who.User()+" "+string(ev.Change))
			case portal.NoticeEvent:
				notices = append(notices, who.User()+" "+ev.Kind)
			case portal.ResponsesEvent:
				events = append(events, who.User()+" "+ev.By+" "+string(ev.Response))
			case portal.SyncEvent:
				events = append(events, who.User()+" sync "+ev.State)
			}
		}
	}
	o.store.events = nil
	slices.Sort(events)
	slices.Sort(notices)
	return events, notices
}

func (o *office) wantTold(events, notices string) {
	o.t.Helper()
	e, n := o.told()
	if got := strings.Join(e, ", "); got != events {
		o.t.Errorf("events: %q, want %q", got, events)
	}
	if got := strings.Join(n, ", "); got != notices {
		o.t.Errorf("notices: %q, want %q", got, notices)
	}
}

// shown is somebody's own window of two months as "day hour:subject:answer".
func (o *office) shown(who portal.Address) string {
	o.t.Helper()
	list, err := o.Window(o.ctx, who, noon.AddDate(0, 0, -7), noon.AddDate(0, 2, 0), nil)
	o.must(err)
	var out []string
	for _, a := range list {
		out = append(out, a.Start.Format("0102T15")+" "+a.Subject+" "+string(a.Response))
	}
	return strings.Join(out, ", ")
}
