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

// What the connector knows of others: free/busy, replies, the address book, other people's calendars.

// exampleWeek is a lab with its example people in the week of Monday, 23 March 2026.
func exampleWeek(t testing.TB) *peer {
	t.Helper()
	return newPeer(t, func(cfg *ewslab.Config) {
		cfg.People, cfg.Seed = ewslab.ExamplePeople(), true
		cfg.Now = func() time.Time { return time.Date(2026, 3, 24, 10, 0, 0, 0, time.UTC) }
	})
}

func busyAt(a portal.Availabilities, when time.Time) (portal.BusyTime, bool) {
	for _, b := range a.Busy {
		if !when.Before(b.Start) && when.Before(b.End) {
			return b, true
		}
	}
	return portal.BusyTime{}, false
}

func TestOthersFreeBusy(t *testing.T) {
	p := exampleWeek(t)
	c := p.connector(t, nil)
	emails := []string{p.email("bob"), "nobody@example.test", p.email("carol"), p.email("dave")}
	got, err := c.Availability(t.Context(), p.person("alice"), emails, at(t, "2026-03-23T00:00:00Z"), at(t, "2026-03-28T00:00:00Z"))
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 4 || got[0].Email != emails[0] || got[3].Email != emails[3] {
		t.Fatalf("answers: %+v", got)
	}
	if got[1].Error != "exchange.no-mailbox" {
		t.Errorf("somebody who is not there: %+v", got[1])
	}
	if b, ok := busyAt(got[0], at(t, "2026-03-24T10:15:00Z")); !ok || b.Show != portal.ShowBusy || !b.Start.Equal(at(t, "2026-03-24T10:00:00Z")) {
		t.Errorf("bob on Tuesday at 11:15 in Berlin: %+v %t", b, ok)
	}
	if b, ok := busyAt(got[2], at(t, "2026-03-26T12:00:00Z")); !ok || b.Show != portal.ShowOOF {
		t.Errorf("carol on holiday: %+v %t", b, ok)
	}
	if _, ok := busyAt(got[0], at(t, "2026-03-27T18:00:00Z")); ok {
		t.Error("bob on Friday evening")
	}
	if w := got[0].Working; w == nil || len(w.Periods) == 0 || !slices.Contains(w.Periods[0].Days, time.Monday) {
		t.Errorf("bob's working hours: %+v", w)
	} else {
		_, winter := time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC).In(location(t, w.TimeZone)).Zone()
		_, summer := time.Date(2026, 7, 15, 12, 0, 0, 0, time.UTC).In(location(t, w.TimeZone)).Zone()
		if winter != 3600 || summer != 7200 {
			t.Errorf("bob works by the clock of %s", w.TimeZone)
		}
	}
	for _, b := range got[0].Busy { // the private one is busy, with no details
		if b.Private && (b.Subject != "" || b.Location != "") {
			t.Errorf("a private time with details: %+v", b)
		}
	}
	if _, err := c.Availability(t.Context(), p.person("alice"), emails, at(t, "2026-03-23T00:00:00Z"), at(t, "2026-03-23T00:00:00Z")); !errors.Is(err, portal.ErrInvalid) {
		t.Errorf("an empty window: %v", err)
	}
}

func TestOthersFreeBusyInBatches(t *testing.T) {
	p := newPeer(t, nil)
	c := p.connector(t, nil)
	var emails []string
	for i := range 250 {
		emails = append(emails, []string{"alice", "bob", "nobody"}[i%3]+"@"+p.domain)
	}
	got, err := c.Availability(t.Context(), p.person("alice"), emails, at(t, "2026-03-23T00:00:00Z"), at(t, "2026-03-24T00:00:00Z"))
	if err != nil {
		t.Fatal(err)
	}
	for i, a := range got {
		if a.Email != emails[i] || (a.Error != "") != (i%3 == 2) {
			t.Fatalf("answer %d: %+v", i, a)
		}
	}
}

func TestOthersMergedView(t *testing.T) {
	from := at(t, "2026-03-23T08:00:00Z")
	got := merged("001122034", from, from.Add(9*mergedMinutes*time.Minute-5*time.Minute))
	var words []string
	for _, b := range got {
		words = append(words, string(b.Show)+" "+b.Start.Format("15:04")+"-"+b.End.Format("15:04"))
	}
	if s := strings.Join(words, ", "); s != "tentative 08:30-09:00, busy 09:00-09:30, out-of-office 09:45-10:00, no-data 10:00-10:10" {
		t.Error(s)
	}
}

func TestOthersSuggestedTimes(t *testing.T) {
	p := exampleWeek(t)
	c := p.connector(t, nil)
	berlin := location(t, "Europe/Berlin")
	from, to := time.Date(2026, 3, 24, 8, 0, 0, 0, berlin), time.Date(2026, 3, 24, 18, 0, 0, 0, berlin)
	got, err := c.Suggestions(t.Context(), p.person("alice"), []portal.Attendee{who(p, "bob", ""), who(p, "erin", portal.RoleOptional)}, from, to, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) == 0 {
		t.Fatal("no suggestion")
	}
	free := false
	for _, s := range got {
		if s.Start.Before(from) || s.End.After(to) || s.End.Sub(s.Start) != time.Hour || !slices.Contains([]string{"excellent", "good", "fair", "poor"}, s.Quality) {
			t.Errorf("suggested: %+v", s)
		}
		free = free || len(s.Conflicts) == 0
		// Bob has a call from 11:00 to 11:30 in Berlin.
		call := time.Date(2026, 3, 24, 11, 0, 0, 0, berlin)
		if s.Start.Before(call.Add(30*time.Minute)) && s.End.After(call) && !slices.Contains(s.Conflicts, p.email("bob")) {
			t.Errorf("bob's call is overlooked: %+v", s)
		}
	}
	if !free {
		t.Error("no time without conflicts")
	}
}

func TestOutOfOfficeThereAndBack(t *testing.T) {
	p := newPeer(t, nil)
	c := p.connector(t, nil)
	me := p.person("alice")
	note := portal.OutOfOfficeNote{State: "scheduled", Audience: "known", From: at(t, "2031-03-23T08:00:00Z"), Until: at(t, "2031-03-30T08:00:00Z"),
		Internal: "Away & far.\nAsk Bob <bob>.", External: "Away."}
	if err := c.SetOutOfOffice(t.Context(), me, note); err != nil {
		t.Fatal(err)
	}
	if got, err := c.OutOfOffice(t.Context(), me); err != nil || got != note {
		t.Errorf("%+v %v", got, err)
	}
	note.State = "disabled"
	if err := c.SetOutOfOffice(t.Context(), me, note); err != nil {
		t.Fatal(err)
	}
	if got, err := c.OutOfOffice(t.Context(), me); err != nil || got.State != "disabled" || got.Internal != note.Internal {
		t.Errorf("%+v %v", got, err)
	}
	for _, bad := range []portal.OutOfOfficeNote{{State: "perhaps"}, {State: "scheduled"}, {State: "scheduled", From: note.Until, Until: note.From}} {
		if err := c.SetOutOfOffice(t.Context(), me, bad); !errors.Is(err, portal.ErrInvalid) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

func TestOthersAutomaticReplies(t *testing.T) {
	p := exampleWeek(t)
	c := p.connector(t, nil)
	got, err := c.Tips(t.Context(), p.person("alice"), []string{p.email("bob"), "CAROL@example.test", "nobody@example.test"})
	if err != nil {
		t.Fatal(err)
	}
	n, ok := got[p.email("carol")]
	if len(got) != 1 || !ok || !strings.HasPrefix(n.Internal, "I am on holiday") || !n.Holds(at(t, "2026-03-25T12:00:00Z")) {
		t.Errorf("%+v", got)
	}
}

func names(list []portal.Attendee) string {
	var out []string
	for _, a := range list {
		out = append(out, a.Email)
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func TestAddressBook(t *testing.T) {
	p := exampleWeek(t)
	c := p.connector(t, nil)
	me := p.person("alice")
	for text, want := range map[string]string{"bob": "bob@example.test", "Brown": "bob@example.test", "carol@example.test": "carol@example.test", "Nobody at all": "", " ": ""} {
		got, err := c.Resolve(t.Context(), me, text)
		if err != nil || names(got) != want {
			t.Errorf("%q: %s %v", text, names(got), err)
		}
	}
	got, err := c.Resolve(t.Context(), me, "Sales")
	if err != nil || len(got) == 0 {
		t.Fatalf("%v %v", got, err)
	}
	if i := slices.IndexFunc(got, func(a portal.Attendee) bool { return a.Email == "sales@example.test" }); i < 0 || !got[i].List || got[i].URI != "" {
		t.Errorf("a list: %+v", got)
	}
	rooms, err := c.Rooms(t.Context(), me)
	if err != nil || names(rooms) != "studio1@example.test studio2@example.test" || rooms[0].Role != portal.RoleResource || rooms[0].Name != "Studio 1" {
		t.Errorf("rooms: %+v %v", rooms, err)
	}
	if _, _, err := c.Photo(t.Context(), me, "nobody@example.test"); !errors.Is(err, portal.ErrNotFound) {
		t.Errorf("a photo of nobody: %v", err)
	}
	delegates, err := c.Delegates(t.Context(), me)
	if err != nil || len(delegates) != 1 || delegates[0].Email != "heidi@example.test" || delegates[0].Calendar != "editor" || !delegates[0].GetsMeetings || delegates[0].SeesPrivate {
		t.Errorf("delegates: %+v %v", delegates, err)
	}
	if got, err := c.Delegates(t.Context(), p.person("bob")); err != nil || len(got) != 0 {
		t.Errorf("bob's delegates: %+v %v", got, err)
	}
}

func TestAddressBookPhoto(t *testing.T) {
	p := exampleWeek(t)
	c := p.connector(t, nil)
	data, kind, err := c.Photo(t.Context(), p.person("alice"), p.email("bob"))
	if errors.Is(err, portal.ErrNotFound) {
		t.Skip("the lab's people have no photos")
	}
	if err != nil || !strings.HasPrefix(kind, "image/") || len(data) < 100 {
		t.Errorf("%d bytes of %s, %v", len(data), kind, err)
	}
}

// Lists in lists, and lists that hold each other, give each member once.
func TestAddressBookListsInLists(t *testing.T) {
	p := newPeer(t, func(*ewslab.Config) {})
	c := p.connector(t, nil)
	got, err := c.Expand(t.Context(), p.person("alice"), p.email("team"))
	if err != nil || names(got) != "alice@example.test bob@example.test carol@example.test" {
		t.Errorf("%s %v", names(got), err)
	}
	if _, err := c.Expand(t.Context(), p.person("alice"), "no-list@example.test"); !errors.Is(err, portal.ErrNotFound) {
		t.Errorf("no list: %v", err)
	}
}

// Other people's calendars, as far as Exchange lets one.
func TestOthersCalendars(t *testing.T) {
	p := exampleWeek(t)
	for _, way := range []string{"impersonated", "own passwords"} {
		t.Run(way, func(t *testing.T) {
			c := p.connector(t, func(o *Options) {
				if way == "own passwords" {
					o.Servers[0].Impersonate, o.Servers[0].Username, o.Servers[0].Password = false, "", ""
					o.Credentials = func(_ context.Context, who portal.Address) (string, string, error) { return who.User(), "portico", nil }
				}
			})
			alice, bob, heidi, erin := p.person("alice"), p.person("bob"), p.person("heidi"), p.person("erin")
			d, err := c.Changes(t.Context(), alice, bob, "")
			if err != nil || len(d.Changed) == 0 {
				t.Fatalf("alice reads bob's calendar: %d entries, %v", len(d.Changed), err)
			}
			for _, e := range d.Changed {
				if e.Calendar != bob {
					t.Errorf("%s is in the calendar of %s", e.Subject, e.Calendar)
				}
				if strings.Contains(e.Subject, "School") {
					t.Errorf("alice reads a private entry of bob: %q", e.Subject)
				}
			}
			if _, err := c.Changes(t.Context(), erin, bob, ""); !errors.Is(err, portal.ErrForbidden) {
				t.Errorf("erin reads bob's calendar: %v", err)
			}
			for _, r := range []struct {
				reader, owner portal.Address
				want          string
			}{{alice, alice, "owner"}, {heidi, alice, "editor"}, {alice, bob, "reviewer"}, {erin, bob, "freebusy"}} {
				if got, err := c.Rights(t.Context(), r.reader, r.owner); err != nil || got != r.want {
					t.Errorf("%s on %s: %s %v", r.reader, r.owner, got, err)
				}
			}
			a := portal.Appointment{Subject: "By heidi, " + way, Start: at(t, "2026-03-27T08:00:00Z"), End: at(t, "2026-03-27T09:00:00Z"), TimeZone: "Europe/Berlin"}
			made, err := c.Create(t.Context(), heidi, alice, a, portal.WriteOptions{ChangeID: "h " + way})
			if err != nil {
				t.Fatalf("heidi writes into alice's calendar: %v", err)
			}
			if got, _ := all(t, c, alice); bySubject(got, a.Subject) == nil {
				t.Error("alice does not see it")
			}
			if _, err := c.Update(t.Context(), heidi, alice, made, portal.AppointmentChange{Subject: ptr("Renamed, " + way)}, portal.WriteOptions{}); err != nil {
				t.Errorf("heidi changes it: %v", err)
			}
			if _, err := c.Create(t.Context(), alice, bob, a, portal.WriteOptions{}); !errors.Is(err, portal.ErrForbidden) {
				t.Errorf("alice writes into bob's calendar: %v", err)
			}
		})
	}
}

// An account that acts as itself would show everybody everything: only owners are let in.
func TestOthersCalendarsNeedSomebodyWhoReads(t *testing.T) {
	p := exampleWeek(t)
	c := p.connector(t, func(o *Options) {
		o.Servers[0].Impersonate, o.Servers[0].Username, o.Servers[0].Password = false, "alice", "portico"
	})
	if _, err := c.Changes(t.Context(), p.person("erin"), p.person("alice"), ""); !errors.Is(err, portal.ErrForbidden) {
		t.Errorf("erin reads alice's calendar through the account: %v", err)
	}
	if got, _ := all(t, c, p.person("alice")); len(got) == 0 {
		t.Error("the owner reads nothing")
	}
}

// What people wrote with their answers is in the example, too.
func TestOthersAnswersInTheExample(t *testing.T) {
	p := exampleWeek(t)
	c := p.connector(t, nil)
	got, _ := all(t, c, p.person("alice"))
	e := bySubject(got, "Pricing for the spring fair")
	if e == nil {
		t.Fatal("the meeting is not there")
	}
	if a := attendeeOf(*e, p.email("bob")); a.Response != portal.ResponseAccepted || a.Comment != "I bring the figures." {
		t.Errorf("bob: %+v", a)
	}
	if a := attendeeOf(*e, p.email("grace")); a.Response != portal.ResponseTentative || a.Comment != "May be a little late." || !a.ProposedStart.Equal(at(t, "2026-03-25T14:00:00Z")) {
		t.Errorf("grace: %+v", a)
	}
	if a := attendeeOf(*e, p.email("carol")); a.Response != portal.ResponseNone || a.Comment != "" {
		t.Errorf("carol: %+v", a)
	}
	if a := attendeeOf(*e, p.email("studio2")); a.Role != portal.RoleResource {
		t.Errorf("the room: %+v", a)
	}
	// Heidi may edit the calendar and not read the mail.
	d, err := c.Changes(t.Context(), p.person("heidi"), p.person("alice"), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range d.Changed {
		for _, a := range e.Attendees {
			if a.Comment != "" {
				t.Errorf("heidi reads what %s wrote to alice", a.Email)
			}
		}
	}
	round := bySubject(got, "Team round")
	if round == nil || round.Kind != portal.KindMaster || len(round.Exceptions) != 1 || !round.Exceptions[0].Start.Equal(at(t, "2026-03-23T09:30:00Z")) {
		t.Errorf("the series: %+v", round)
	}
}
