package presence

// What each sees of whom: cut by what the subject lets them see, and nothing else.

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"portico/app/policy"
	"portico/app/portal"
)

// eyes is who may see what of whom in a test: the sight of a relationship, full where none was given.
type eyes struct {
	mu sync.Mutex
	by map[[2]portal.Address]portal.Sight
}

func (e *eyes) give(subject, viewer portal.Address, r portal.Relationship) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.by == nil {
		e.by = map[[2]portal.Address]portal.Sight{}
	}
	e.by[[2]portal.Address{subject, viewer}] = policy.StandardSight(r)
}

func (e *eyes) sight(subject, viewer portal.Address) portal.Sight {
	e.mu.Lock()
	defer e.mu.Unlock()
	if s, there := e.by[[2]portal.Address{subject, viewer}]; there {
		return s
	}
	return portal.FullSight()
}

// known is a sight that was read.
func known(sight func(subject, viewer portal.Address) portal.Sight) func(subject, viewer portal.Address) (portal.Sight, bool) {
	return func(subject, viewer portal.Address) (portal.Sight, bool) { return sight(subject, viewer), true }
}

// echo hands what was published of who to all who watch them, as the SIP server does.
func (b *bench) echo(who portal.Address, others ...portal.Claim) {
	synctest.Wait()
	b.wire.mu.Lock()
	claims := slices.Clone(others)
	if c := b.wire.published[who]; c != nil {
		claims = append(claims, *c)
	}
	var watchers []portal.Address
	for watcher, whom := range b.wire.watching {
		if slices.Contains(whom, who) {
			watchers = append(watchers, watcher)
		}
	}
	b.wire.mu.Unlock()
	for _, w := range watchers {
		b.Notified(w, says(who, claims...))
	}
	synctest.Wait()
}

// rich makes alice somebody of whom there is everything to see.
func (b *bench) rich() {
	b.t.Helper()
	b.Attach(alice, "tab")
	b.Active(alice, "tab")
	ctx := b.t.Context()
	if _, err := b.SetNote(ctx, alice, "the note", time.Time{}); err != nil {
		b.t.Fatal(err)
	}
	if _, err := b.SetWhereabouts(ctx, alice, portal.Whereabouts{Location: "the place", TimeZone: "Europe/Vienna"}); err != nil {
		b.t.Fatal(err)
	}
	until := time.Now().Add(time.Hour)
	b.Calendar(alice, portal.CalendarState{Availability: portal.Busy, Activity: portal.InAMeeting, Until: until, OutOfOffice: "the absence",
		Agenda: portal.Agenda{Known: true, BusyUntil: until}, Subject: "the subject", Place: "the room"})
}

// Several relationships look at the same person at the same time, who publishes only what colleagues may see.
func TestEachSeesWhatTheirRelationshipShows(t *testing.T) {
	e := &eyes{}
	viewers := map[portal.Relationship]portal.Address{}
	for _, r := range []portal.Relationship{portal.Personal, portal.Team, portal.Company, portal.Public, portal.Blocked} {
		viewers[r] = portal.Address("sip:" + string(r) + "@example.test")
		e.give(alice, viewers[r], r)
	}
	wire := func(portal.Address) portal.Sight { return policy.StandardSight(portal.Company) }
	at(t, Options{Sight: known(e.sight), Wire: wire}, func(b *bench) {
		b.signIn(alice)
		for _, v := range viewers {
			b.signIn(v)
			b.SetContacts(v, []portal.Address{alice})
		}
		b.rich()
		b.echo(alice)
		for r, v := range viewers {
			got := b.Of(v, alice)
			own := b.Own(alice)
			want := policy.See(own, policy.StandardSight(r))
			if !got.Same(want) {
				t.Errorf("%s sees  %+v\nwant %+v", r, got, want)
			}
			if told := b.told[v]; len(told) == 0 || !told[len(told)-1].Same(want) {
				t.Errorf("%s was told %+v", r, told)
			}
			if as := b.As(alice, policy.StandardSight(r)); !as.Same(want) {
				t.Errorf("alice is told that %s sees %+v", r, as)
			}
		}
		p := b.Of(viewers[portal.Team], alice)
		if p.Meeting != "the subject" || p.MeetingPlace != "the room" || p.Location != "the place" || p.TimeZone != "Europe/Vienna" ||
			p.Note != "the note" || p.OutOfOffice != "the absence" || p.Agenda.BusyUntil.IsZero() || p.Since.IsZero() {
			t.Errorf("the team sees %+v", p)
		}
		if p := b.Of(viewers[portal.Public], alice); p != (portal.Presence{URI: alice, Availability: portal.Busy}) {
			t.Errorf("the public sees %+v", p)
		}
		if p := b.Of(viewers[portal.Blocked], alice); p != policy.HiddenOf(alice) {
			t.Errorf("the blocked see %+v", p)
		}
		time.Sleep(time.Hour + time.Second)
		b.echo(alice)
		if p := b.Of(viewers[portal.Team], alice); p.Meeting != "" || p.Availability != portal.Available {
			t.Errorf("after the meeting the team sees %+v", p)
		}
	})
}

// Whatever is in the calendar, nothing of a meeting's subject and place is published, in no field.
func TestNoMeetingInWhatIsPublished(t *testing.T) {
	for _, inForce := range []portal.InForce{{}, {DisableCalendarPresence: true}, {DisableMeetingSubjectAndLocation: true}} {
		at(t, Options{InForce: func(portal.Address) portal.InForce { return inForce }}, func(b *bench) {
			b.signIn(alice)
			b.rich()
			synctest.Wait()
			b.wire.mu.Lock()
			text := fmt.Sprintf("%+v", *b.wire.published[alice])
			b.wire.mu.Unlock()
			for _, secret := range []string{"the subject", "the room"} {
				if strings.Contains(text, secret) {
					t.Errorf("published under %+v: %s", inForce, text)
				}
			}
			if !strings.Contains(text, "the note") {
				t.Errorf("the test looks at nothing: %s", text)
			}
		})
	}
}

// Without rules on the server only what the least trusted may see is published; the server is told more and less at once
// when that changes.
func TestWhatIsPublishedIsCut(t *testing.T) {
	sight := portal.Sight{}
	at(t, Options{Wire: func(portal.Address) portal.Sight { return sight }}, func(b *bench) {
		b.signIn(alice)
		b.rich()
		published := func() portal.Claim {
			synctest.Wait()
			b.wire.mu.Lock()
			defer b.wire.mu.Unlock()
			return *b.wire.published[alice]
		}
		if c := published(); c.Note != "" || c.Location != "" || c.Agenda.Known || c.OutOfOffice != "" || !c.Since.IsZero() || c.Availability != portal.Busy {
			t.Errorf("published %+v", c)
		}
		b.orders()
		sight = portal.FullSight()
		b.Recheck(alice)
		if c := published(); c.Note != "the note" || c.Location != "the place" || !c.Agenda.Known {
			t.Errorf("with rules on the server %+v", c)
		}
		b.want("told once", b.orders(), "alice busy/in-a-meeting")
		b.Recheck(alice)
		b.want("nothing changed", b.orders())
		sight = portal.Sight{}
		b.Recheck(alice)
		b.orders()
		if _, err := b.SetNote(t.Context(), alice, "another", time.Time{}); err != nil {
			t.Fatal(err)
		}
		b.want("what is not published is not told", b.orders())
	})
}

// A change of mind is seen at once, by the one it is about, without a word from the server.
func TestRecheck(t *testing.T) {
	e := &eyes{}
	at(t, Options{Sight: known(e.sight)}, func(b *bench) {
		b.signIn(alice, bob, carol)
		b.SetContacts(bob, []portal.Address{alice})
		b.SetContacts(carol, []portal.Address{alice})
		b.rich()
		b.echo(alice)
		b.news(bob)
		b.news(carol)
		e.give(alice, bob, portal.Blocked)
		b.want("not told yet", b.news(bob))
		b.Recheck(alice)
		b.want("blocked", b.news(bob), "alice offline/")
		b.want("nobody else", b.news(carol))
		e.give(alice, bob, portal.Public)
		e.give(alice, carol, portal.Company)
		b.Recheck(alice)
		b.want("no longer", b.news(bob), "alice busy/")
		b.want("others too", b.news(carol), "alice busy/in-a-meeting")
		b.Recheck(alice)
		b.Recheck(dave)
		b.want("nothing new", append(b.news(bob), b.news(carol)...))
		if p := b.Of(carol, alice); p.Meeting != "" || p.Note != "the note" {
			t.Errorf("carol sees %+v", p)
		}
	})
}

// What is known here and not on the wire reaches those who may see it, when it changes.
func TestDetailsOfPeopleHereAreTold(t *testing.T) {
	wire := func(portal.Address) portal.Sight { return portal.Sight{} }
	at(t, Options{Wire: wire}, func(b *bench) {
		b.signIn(alice, bob)
		b.SetContacts(bob, []portal.Address{alice})
		b.Attach(alice, "tab")
		b.Active(alice, "tab")
		b.echo(alice)
		b.news(bob)
		if _, err := b.SetWhereabouts(t.Context(), alice, portal.Whereabouts{Location: "Lab"}); err != nil {
			t.Fatal(err)
		}
		b.want("where they are", b.news(bob), "alice available/")
		if p := b.Of(bob, alice); p.Location != "Lab" {
			t.Errorf("bob sees %+v", p)
		}
		b.Calendar(alice, portal.CalendarState{Subject: "Budget"})
		b.want("the meeting", b.news(bob), "alice available/")
		b.Calendar(alice, portal.CalendarState{Subject: "Budget"})
		b.want("the same again", b.news(bob))
		// Nobody is there any more by the server's word: what is known here says nothing.
		b.Notified(bob, says(alice))
		b.want("gone", b.news(bob), "alice offline/")
		if p := b.Of(bob, alice); p != policy.HiddenOf(alice) {
			t.Errorf("bob sees %+v of somebody who is gone", p)
		}
		b.Notified(bob, says(alice, portal.Claim{Endpoint: "phone", Availability: portal.Away, Note: "on the road"}))
		if p := b.Of(bob, alice); p.Note != "on the road" || p.Location != "" {
			t.Errorf("bob sees %+v by the telephone's word", p)
		}
		b.Silent(bob, alice)
		if p := b.Of(bob, alice); p != policy.UnknownOf(alice) {
			t.Errorf("bob sees %+v though the server says nothing", p)
		}
		b.echo(alice)
		b.news(bob)
		b.SignedOut(alice)
		b.want("signed out here", b.news(bob), "alice available/")
		if p := b.Of(bob, alice); p.Location != "" || p.Meeting != "" {
			t.Errorf("bob sees %+v of somebody who is here no more", p)
		}
	})
}

// One change is one value for all who may see the same, not one for each.
func TestManyAreToldOneValueForEachSight(t *testing.T) {
	relationships := []portal.Relationship{portal.Personal, portal.Company, portal.Public, portal.Blocked}
	sight := func(_, viewer portal.Address) portal.Sight {
		return policy.StandardSight(relationships[int(viewer[len("sip:w")]-'0')%len(relationships)])
	}
	told := map[portal.Presence]int{}
	s := New(newWire(), newMemory(), Options{Sight: known(sight), EmitMany: func(to []portal.Address, ev portal.Current) {
		told[ev.(portal.PresenceEvent).Presence] += len(to)
	}})
	word := says(bob, portal.Claim{Endpoint: "x", Availability: portal.Busy, Note: "n", Since: time.Now(), Location: "Lab"})
	for i := range 80 {
		who := portal.Address(fmt.Sprintf("sip:w%d@example.test", i%10*10+i/10))
		if err := s.SignedIn(t.Context(), who); err != nil {
			t.Fatal(err)
		}
		s.SetContacts(who, []portal.Address{bob})
		s.Notified(who, word)
	}
	for s.tell() {
	}
	sum := 0
	for _, n := range told {
		sum += n
	}
	if len(told) != len(relationships) || sum != 80 {
		t.Errorf("%d values for %d people: %v", len(told), sum, told)
	}
}

// Of somebody whose decisions are not read yet nothing is known, and to be shown is not to come.
func TestUnknownUntilRead(t *testing.T) {
	e := &eyes{}
	read := false
	o := Options{Tagged: func(portal.Address) []portal.Address { return []portal.Address{alice} },
		Sight: func(subject, viewer portal.Address) (portal.Sight, bool) {
			if !read {
				return portal.Sight{Hidden: true}, false
			}
			return e.sight(subject, viewer), true
		}}
	at(t, o, func(b *bench) {
		b.signIn(alice, bob)
		b.SetContacts(bob, []portal.Address{alice})
		state := func(a portal.Availability) { b.Notified(bob, says(alice, phone(a))) }
		becomes := func(r portal.Relationship) {
			e.give(alice, bob, r)
			b.Recheck(alice)
		}
		tagged := func() []string {
			synctest.Wait()
			b.mu.Lock()
			defer b.mu.Unlock()
			all := b.tagged
			b.tagged = nil
			return all
		}
		b.news(bob)
		state(portal.Available)
		b.want("not read yet", b.news(bob))
		b.sees(bob, alice, portal.Unknown, "")
		read = true
		b.Recheck(alice)
		b.want("read", b.news(bob), "alice available/")
		b.want("shown at first", tagged())
		becomes(portal.Blocked)
		b.want("hidden", b.news(bob), "alice offline/")
		becomes(portal.Team)
		b.want("shown again", b.news(bob), "alice available/")
		b.want("she was there all the time", tagged())
		becomes(portal.Blocked)
		b.Notified(bob, says(alice))
		b.news(bob)
		becomes(portal.Team)
		b.want("offline as before", b.news(bob))
		state(portal.Available)
		b.want("now she comes", tagged(), "bob: alice available")
	})
}

// Who appears offline is told from who is by nothing that is published, unless a device of theirs says that they are there:
// then it is to be believed that they are not.
func TestAppearingOfflineOnTheWire(t *testing.T) {
	at(t, Options{}, func(b *bench) {
		b.signIn(alice, bob)
		b.SetContacts(bob, []portal.Address{alice})
		b.rich()
		b.echo(alice)
		if _, err := b.SetByHand(t.Context(), alice, portal.Manual{Availability: portal.Offline, Until: time.Now().Add(time.Hour)}); err != nil {
			t.Fatal(err)
		}
		published := func() portal.Claim {
			synctest.Wait()
			b.wire.mu.Lock()
			defer b.wire.mu.Unlock()
			c := *b.wire.published[alice]
			c.At = time.Time{}
			return c
		}
		bare := portal.Claim{Endpoint: b.endpoint, Availability: portal.Offline}
		b.echo(alice)
		if c := published(); c != bare {
			t.Errorf("published %+v", c)
		}
		b.echo(alice, phone(portal.Available))
		if c := published(); c.Source != portal.SourceHand || !c.Until.IsZero() || c.Note != "" {
			t.Errorf("beside a telephone %+v", c)
		}
		b.echo(alice, phone(portal.Available))
		b.sees(bob, alice, portal.Offline, "")
		b.echo(alice)
		if c := published(); c != bare {
			t.Errorf("without the telephone %+v", c)
		}
	})
}

// What somebody is doing is not published where not all may know it; people of this portal who may see it do all the same.
func TestWhatIsNotPublishedOfWhatSomebodyIsDoing(t *testing.T) {
	e := &eyes{}
	wire := func(portal.Address) portal.Sight { return policy.StandardSight(portal.Public) }
	at(t, Options{Sight: known(e.sight), Wire: wire}, func(b *bench) {
		b.signIn(alice, bob, carol)
		for _, v := range []portal.Address{bob, carol} {
			b.SetContacts(v, []portal.Address{alice})
		}
		e.give(alice, bob, portal.Company)
		e.give(alice, carol, portal.Public)
		b.rich()
		b.echo(alice)
		b.wire.mu.Lock()
		if c := b.wire.published[alice]; c == nil || c.Activity != portal.NoActivity || c.Availability != portal.Busy {
			t.Errorf("published is %+v", c)
		}
		b.wire.mu.Unlock()
		if p := b.Of(bob, alice); p.Availability != portal.Busy || p.Activity != portal.InAMeeting {
			t.Errorf("a colleague sees %+v", p)
		}
		if p := b.Of(carol, alice); p.Availability != portal.Busy || p.Activity != portal.NoActivity {
			t.Errorf("the public sees %+v", p)
		}
	})
}
