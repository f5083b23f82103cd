package policy

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"portico/app/portal"
)

func TestTheChosenProviderAloneCounts(t *testing.T) {
	phone := portal.Claim{Endpoint: "t1", Label: "Linphone", Availability: portal.Away, Note: "from the phone", At: ago(1)}
	desk := portal.Claim{Endpoint: "t2", Label: "Desk", Availability: portal.Busy, Activity: portal.InACall, Source: portal.SourceCall, Note: "from the desk", At: ago(0)}
	web := func(provider string, at int) portal.Claim {
		return portal.Claim{Endpoint: "portico-1", Provider: provider, Availability: portal.Available, Source: portal.SourceActivity, Note: "from the portal",
			Location: "Lab", TimeZone: "Europe/Vienna", Agenda: portal.Agenda{Known: true}, At: ago(at)}
	}
	cases := []struct {
		name   string
		claims []portal.Claim
		want   portal.Availability
		note   string
		place  string
	}{
		{"none chosen", []portal.Claim{phone, desk, web("", 5)}, portal.Busy, "from the desk", "Lab"},
		{"the portal", []portal.Claim{phone, desk, web("portal", 5)}, portal.Available, "from the portal", "Lab"},
		{"by label", []portal.Claim{phone, desk, web("Linphone", 5)}, portal.Away, "from the phone", "Lab"},
		{"by id", []portal.Claim{phone, desk, web("t1", 0)}, portal.Away, "from the portal", "Lab"},
		{"one that is gone", []portal.Claim{phone, desk, web("Tablet", 5)}, portal.Busy, "from the desk", "Lab"},
		{"the portal that chose is gone", []portal.Claim{phone, desk}, portal.Busy, "from the desk", ""},
		{"a choice by an endpoint whose word is over", []portal.Claim{phone, desk, func() portal.Claim { c := web("Linphone", 5); c.Until = ago(1); return c }()}, portal.Busy, "from the desk", "Lab"},
		{"the newer of two choices", []portal.Claim{phone, desk, web("portal", 5), func() portal.Claim { c := web("Linphone", 1); c.Endpoint = "portico-2"; return c }()}, portal.Away, "from the portal", "Lab"},
	}
	for _, c := range cases {
		for range 5 {
			rand.Shuffle(len(c.claims), func(i, j int) { c.claims[i], c.claims[j] = c.claims[j], c.claims[i] })
			p := Compose(c.claims, noon)
			if p.Availability != c.want || p.Note != c.note || p.Location != c.place {
				t.Errorf("%s: %s, note %q, at %q", c.name, p.Availability, p.Note, p.Location)
			}
			if strings.Contains(p.Note, "desk") && c.want != portal.Busy {
				t.Errorf("%s: the note of an endpoint that does not count: %q", c.name, p.Note)
			}
		}
	}
}

func TestChosenPrefersTheID(t *testing.T) {
	a := portal.Claim{Endpoint: "x", Label: "y", At: ago(1)}
	b := portal.Claim{Endpoint: "y", Label: "z", At: ago(9)}
	for _, claims := range [][]portal.Claim{{a, b}, {b, a}} {
		if got, ok := Chosen(claims, "y", noon); !ok || got != b {
			t.Errorf("got %+v", got)
		}
	}
	for _, name := range []string{"", PortalProvider, "nobody"} {
		if got, ok := Chosen([]portal.Claim{a, b}, name, noon); ok {
			t.Errorf("%q finds %+v", name, got)
		}
	}
}

func TestProviderNames(t *testing.T) {
	all := []portal.Claim{{Endpoint: "1", Label: "Linphone"}, {Endpoint: "2", Label: "Linphone"}, {Endpoint: "3", Label: "Desk"}, {Endpoint: "4"}, {Endpoint: "5", Label: "portal"}}
	want := []string{"1", "2", "Desk", "4", "5"}
	for i, c := range all {
		if got := ProviderOf(c, all); got != want[i] {
			t.Errorf("%+v is called %q, want %q", c, got, want[i])
		}
		if got, ok := Chosen(all, ProviderOf(c, all), noon); !ok || got != c {
			t.Errorf("%q leads to %+v", want[i], got)
		}
	}
}

func TestNoInstantMessagesWhereAllSaySo(t *testing.T) {
	takes := portal.Claim{Endpoint: "1", Availability: portal.Available}
	deaf := portal.Claim{Endpoint: "2", Availability: portal.Available, NoIM: true}
	gone := portal.Claim{Endpoint: "3", Availability: portal.Offline}
	over := portal.Claim{Endpoint: "4", Availability: portal.Available, Until: ago(1)}
	for _, c := range []struct {
		name   string
		claims []portal.Claim
		want   bool
	}{{"nobody", nil, false}, {"all", []portal.Claim{deaf}, true}, {"one does", []portal.Claim{deaf, takes}, false},
		{"who is gone says nothing", []portal.Claim{deaf, gone, over}, true}, {"only gone", []portal.Claim{gone}, false}} {
		if got := Compose(c.claims, noon).NoIM; got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func TestCustomStates(t *testing.T) {
	texts := portal.NewStateTexts(map[int]string{1033: "Working from home"})
	states := []portal.CustomState{{ID: 2, Availability: portal.Busy, Texts: texts}}
	for act, want := range map[portal.Activity]bool{"custom-2": true, "custom-1": false, "custom-9": false, "": false, portal.InACall: false} {
		if st, ok := CustomState(act, states); ok != want || ok && st != states[0] {
			t.Errorf("%q: %+v, %v", act, st, ok)
		}
	}
	claim := portal.Claim{Endpoint: "1", Availability: portal.Busy, Activity: "custom-2", Custom: texts, Source: portal.SourceHand, Since: ago(1)}
	other := portal.Claim{Endpoint: "2", Availability: portal.Available, Custom: "1033=no", At: noon}
	if p := Compose([]portal.Claim{other, claim}, noon); p.Custom != texts || p.Activity != "custom-2" {
		t.Errorf("composed %+v", p)
	}
}

func TestWhereabouts(t *testing.T) {
	long := strings.Repeat("ä", portal.MaxLocationLen)
	for in, want := range map[string]string{" Lab\n 2\u202e ": "Lab 2", "": "", long: long} {
		got, err := Whereabouts(portal.Whereabouts{Location: in, TimeZone: " Europe/Vienna "})
		if err != nil || got.Location != want || got.TimeZone != "Europe/Vienna" {
			t.Errorf("%q: %+v, %v", in, got, err)
		}
	}
	for _, in := range []string{long + "x", "\xff", strings.Repeat(" ", 9*portal.MaxLocationLen)} {
		if _, err := Whereabouts(portal.Whereabouts{Location: in}); !errors.Is(err, portal.ErrInvalid) || portal.Reason(err) != "presence.location" {
			t.Errorf("%.10q: %v", in, err)
		}
	}
	newest := []portal.Claim{{Endpoint: "1", Location: "old", At: ago(5)}, {Endpoint: "2", Location: "new", TimeZone: "UTC", At: ago(1)}, {Endpoint: "3", At: ago(0)}}
	if p := Compose(newest, noon); p.Location != "new" || p.TimeZone != "UTC" {
		t.Errorf("composed %+v", p)
	}
}

func TestNotesEndInTheFuture(t *testing.T) {
	if _, err := NoteEnd(noon, noon); portal.Reason(err) != "presence.note-until" {
		t.Errorf("an end that is over: %v", err)
	}
	if got, err := NoteEnd(noon.Add(time.Minute), noon); err != nil || !got.Equal(noon.Add(time.Minute)) {
		t.Errorf("got %v, %v", got, err)
	}
	if got, err := NoteEnd(time.Time{}, noon); err != nil || !got.IsZero() {
		t.Errorf("no end: %v, %v", got, err)
	}
	if _, err := Manual(portal.Manual{Availability: portal.Busy, NoteUntil: ago(1)}, noon); portal.Reason(err) != "presence.note-until" {
		t.Errorf("by hand: %v", err)
	}
}
