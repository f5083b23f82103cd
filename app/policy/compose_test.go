package policy

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"portico/app/portal"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// ago is a time n minutes before noon.
func ago(n int) time.Time { return noon.Add(-time.Duration(n) * time.Minute) }

func TestCompose(t *testing.T) {
	hand := func(a portal.Availability, since int) portal.Claim {
		return portal.Claim{Endpoint: "h", Availability: a, Source: portal.SourceHand, Since: ago(since)}
	}
	active := func(a portal.Availability, since int) portal.Claim {
		return portal.Claim{Endpoint: "a" + string(a), Availability: a, Source: portal.SourceActivity, Since: ago(since)}
	}
	call := portal.Claim{Endpoint: "c", Availability: portal.Busy, Activity: portal.InACall, Source: portal.SourceCall, Since: ago(3)}
	meeting := portal.Claim{Endpoint: "m", Availability: portal.Busy, Activity: portal.InAMeeting, Source: portal.SourceCalendar, Since: ago(10)}
	free := portal.Claim{Endpoint: "f", Availability: portal.Available, Source: portal.SourceCalendar, Since: ago(10)}
	foreignCall := portal.Claim{Endpoint: "fc", Availability: portal.Busy, Activity: portal.InACall}
	holiday := portal.Claim{Endpoint: "o", Availability: portal.Away, Activity: portal.OutOfOffice, Source: portal.SourceCalendar}
	over := portal.Claim{Endpoint: "x", Availability: portal.DoNotDisturb, Source: portal.SourceHand, Since: ago(5), Until: noon}
	inactive := portal.Claim{Endpoint: "i", Availability: portal.Available, Activity: portal.Inactive, Since: ago(90)}

	cases := []struct {
		name   string
		claims []portal.Claim
		want   portal.Availability
		act    portal.Activity
		since  time.Time
	}{
		{"nobody is there", nil, portal.Offline, "", time.Time{}},
		{"one device", []portal.Claim{active(portal.Away, 7)}, portal.Away, "", ago(7)},
		{"by hand beats a call", []portal.Claim{call, hand(portal.Available, 9)}, portal.Available, "", ago(9)},
		{"appear offline beats everything", []portal.Claim{call, meeting, hand(portal.Offline, 1)}, portal.Offline, "", ago(1)},
		{"the latest choice by hand wins", []portal.Claim{hand(portal.Busy, 5), hand(portal.Available, 2)}, portal.Available, "", ago(2)},
		{"a choice that is over says nothing", []portal.Claim{over, active(portal.Away, 4)}, portal.Away, "", ago(4)},
		{"only an old choice", []portal.Claim{over}, portal.Offline, "", time.Time{}},
		{"a call beats the calendar", []portal.Claim{meeting, call}, portal.Busy, portal.InACall, ago(3)},
		{"the calendar beats activity", []portal.Claim{active(portal.Available, 1), meeting}, portal.Busy, portal.InAMeeting, ago(10)},
		{"free time is no appointment", []portal.Claim{free, active(portal.Busy, 1)}, portal.Busy, "", ago(1)},
		{"out of office counts though not busy", []portal.Claim{active(portal.Available, 1), holiday}, portal.Away, portal.OutOfOffice, time.Time{}},
		{"a foreign phone's call is a call", []portal.Claim{meeting, foreignCall}, portal.Busy, portal.InACall, time.Time{}},
		{"busy beats available", []portal.Claim{active(portal.Available, 1), active(portal.Busy, 2)}, portal.Busy, "", ago(2)},
		{"another idle device does not count", []portal.Claim{active(portal.Away, 30), active(portal.Available, 2)}, portal.Available, "", ago(2)},
		{"offline on one device is not offline", []portal.Claim{active(portal.Offline, 1), active(portal.Away, 2)}, portal.Away, "", ago(2)},
		{"inactive here, at work there", []portal.Claim{inactive, active(portal.Available, 2)}, portal.Available, "", ago(90)},
		{"inactive everywhere", []portal.Claim{inactive}, portal.Available, portal.Inactive, ago(90)},
		{"nonsense is unknown", []portal.Claim{{Endpoint: "?", Availability: "on fire"}}, portal.Unknown, "", time.Time{}},
		{"since the first device", []portal.Claim{active(portal.Busy, 2), {Endpoint: "2", Availability: portal.Busy, Since: ago(8)}}, portal.Busy, "", ago(8)},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := Compose(c.claims, noon)
			if p.Availability != c.want || p.Activity != c.act || !p.Since.Equal(c.since) {
				t.Errorf("got %s/%s since %v, want %s/%s since %v", p.Availability, p.Activity, p.Since, c.want, c.act, c.since)
			}
		})
	}
}

func TestComposeNotes(t *testing.T) {
	claims := []portal.Claim{
		{Endpoint: "1", Availability: portal.Available, Note: "old", At: ago(9)},
		{Endpoint: "2", Availability: portal.Away, Note: "new", At: ago(1)},
		{Endpoint: "3", Availability: portal.Busy, At: noon, OutOfOffice: "until Monday"},
		{Endpoint: "4", Availability: portal.Busy, Source: portal.SourceHand, Since: ago(20), Until: ago(5), OutOfOffice: "older"},
	}
	p := Compose(claims, noon)
	if p.Note != "new" || p.OutOfOffice != "until Monday" || p.Availability != portal.Busy {
		t.Errorf("got note %q, out of office %q, %s", p.Note, p.OutOfOffice, p.Availability)
	}
	if p.ByHand {
		t.Error("a choice that is over still counts as by hand")
	}
}

func TestComposeAgendaIsTheNewestOneKnown(t *testing.T) {
	until := noon.Add(time.Hour)
	claims := []portal.Claim{
		{Endpoint: "phone", Availability: portal.Available, At: noon},
		{Endpoint: "old", Availability: portal.Available, At: ago(9), Agenda: portal.Agenda{Known: true, BusyUntil: noon.Add(time.Minute)}},
		{Endpoint: "new", Availability: portal.Busy, At: ago(1), Source: portal.SourceHand, Until: ago(0), Agenda: portal.Agenda{Known: true, NextFrom: until}},
	}
	for range len(claims) {
		claims = append(claims[1:], claims[0])
		if p := Compose(claims, noon); !p.Agenda.Same(portal.Agenda{Known: true, NextFrom: until}) {
			t.Errorf("agenda %+v", p.Agenda)
		}
	}
	if p := Compose(claims[:0], noon); p.Agenda.Known {
		t.Error("nobody's calendar is known")
	}
}

func TestComposeByHandIsForTheOwner(t *testing.T) {
	until := noon.Add(time.Hour)
	p := Compose([]portal.Claim{{Availability: portal.Busy, Source: portal.SourceHand, Since: ago(1), Until: until}}, noon)
	if !p.ByHand || !p.Until.Equal(until) {
		t.Errorf("by hand %v until %v", p.ByHand, p.Until)
	}
	if q := OthersSee(p); q.ByHand || !q.Until.IsZero() || q.Availability != portal.Busy || !q.Since.Equal(p.Since) {
		t.Errorf("others see %+v", q)
	}
}

func TestNextChange(t *testing.T) {
	claims := []portal.Claim{{Until: noon.Add(time.Hour)}, {Until: ago(1)}, {}, {Until: noon.Add(time.Minute)}}
	if next := NextChange(claims, noon); !next.Equal(noon.Add(time.Minute)) {
		t.Errorf("next change %v", next)
	}
	if next := NextChange(claims, noon.Add(2*time.Hour)); !next.IsZero() {
		t.Errorf("next change after all ends: %v", next)
	}
}

func TestFollow(t *testing.T) {
	is := func(a portal.Availability, since time.Time) portal.Presence {
		return portal.Presence{Availability: a, Since: since}
	}
	cases := []struct {
		name           string
		previous, next portal.Presence
		since          time.Time
	}{
		{"nothing known before", portal.Presence{}, is(portal.Busy, ago(9)), ago(9)},
		{"unknown before", is(portal.Unknown, ago(20)), is(portal.Busy, ago(30)), ago(30)},
		{"the same lasts", is(portal.Busy, ago(9)), is(portal.Busy, ago(2)), ago(9)},
		{"the same, now without a time", is(portal.Busy, ago(9)), is(portal.Busy, time.Time{}), ago(9)},
		{"the same, now from earlier", is(portal.Busy, ago(2)), is(portal.Busy, ago(9)), ago(9)},
		{"another one, by its own time", is(portal.Busy, ago(9)), is(portal.Away, ago(2)), ago(2)},
		{"another one cannot be older", is(portal.Busy, ago(5)), is(portal.Available, ago(60)), noon},
		{"another one without a time", is(portal.Busy, ago(5)), is(portal.Available, time.Time{}), noon},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := Follow(c.previous, c.next, noon); !got.Since.Equal(c.since) {
				t.Errorf("since %v, want %v", got.Since, c.since)
			}
		})
	}
}

// anyClaim makes a claim out of few values, so that ties are common.
func anyClaim(r *rand.Rand) portal.Claim {
	pick := func(n int) int { return r.IntN(n) }
	c := portal.Claim{
		Endpoint:     []string{"desk", "phone", "web"}[pick(3)],
		Availability: []portal.Availability{portal.Available, portal.Busy, portal.DoNotDisturb, portal.BeRightBack, portal.Away, portal.Offline, portal.Unknown, "odd"}[pick(8)],
		Activity:     []portal.Activity{"", portal.InACall, portal.InAMeeting, portal.OutOfOffice, portal.Inactive, "custom-1", "custom-2"}[pick(7)],
		Source:       []portal.Source{portal.SourceHand, portal.SourceCall, portal.SourceCalendar, portal.SourceActivity, portal.SourceUnknown}[pick(5)],
		Note:         []string{"", "a", "b"}[pick(3)],
		OutOfOffice:  []string{"", "o", "p"}[pick(3)],
	}
	times := []time.Time{{}, ago(30), ago(20), ago(10)}
	c.Since, c.At = times[pick(4)], times[pick(4)]
	c.Until = []time.Time{{}, {}, ago(1), noon.Add(time.Minute)}[pick(4)]
	return c
}

func TestComposeProperties(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 1))
	for n := range 20_000 {
		claims := make([]portal.Claim, r.IntN(6))
		for i := range claims {
			claims[i] = anyClaim(r)
		}
		p := Compose(claims, noon)
		fail := func(what string, q portal.Presence) {
			t.Fatalf("seed %d, round %d: %s\nclaims %+v\ngot    %+v\nbefore %+v", seed, n, what, claims, q, p)
		}
		mixed := slices.Clone(claims)
		r.Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
		if q := Compose(mixed, noon); !q.Same(p) {
			fail("the order of claims decides something", q)
		}
		if q := Compose(append(mixed, claims...), noon); !q.Same(p) {
			fail("a claim that comes twice counts twice", q)
		}
		if q := Compose(slices.DeleteFunc(slices.Clone(claims), func(c portal.Claim) bool {
			return ended(c, noon) && c.Note == "" && c.OutOfOffice == ""
		}), noon); !q.Same(p) {
			fail("a claim that is over counts", q)
		}
		if next := NextChange(claims, noon); !next.IsZero() {
			if q := Compose(claims, next.Add(-time.Nanosecond)); !q.Same(p) {
				fail("it changes before NextChange", q)
			}
		}
		quiet := portal.Claim{Endpoint: "new", Availability: portal.Offline, Source: portal.SourceActivity}
		if q := Compose(append(slices.Clone(claims), quiet), noon); q.Availability != p.Availability {
			fail("a device that is off changes something", q)
		}
		if !p.Availability.Valid() {
			fail("no availability", p)
		}
	}
}

func BenchmarkCompose(b *testing.B) {
	claims := []portal.Claim{{Endpoint: "web", Availability: portal.Available, Since: ago(3)}, {Endpoint: "phone", Availability: portal.Away, Since: ago(9), Note: "at home"}}
	for b.Loop() {
		Compose(claims, noon)
	}
}
