package pidf

import (
	"math/rand/v2"
	"testing"
	"time"

	"portico/app/portal"
)

var (
	alice          = portal.MustAddress("sip:alice@example.test")
	availabilities = []portal.Availability{portal.Available, portal.Busy, portal.DoNotDisturb, portal.BeRightBack, portal.Away, portal.Offline, portal.Unknown}
	activities     = []portal.Activity{portal.NoActivity, portal.InACall, portal.InAMeeting, portal.InAConference, portal.OutOfOffice, portal.Inactive, "custom-1", "custom-2", "custom-3", "custom-4"}
	sources        = []portal.Source{portal.SourceHand, portal.SourceCall, portal.SourceCalendar, portal.SourceActivity, portal.SourceUnknown}
)

func TestWhatIsEncodedIsParsedBack(t *testing.T) {
	at := time.Date(2026, 11, 21, 18, 47, 25, 123456789, time.UTC)
	for _, av := range availabilities {
		for _, ac := range activities {
			for _, src := range sources {
				full := portal.Claim{Endpoint: "portico-1a2b", Availability: av, Activity: ac, Source: src,
					Note: `At the "desk" <until> 5 & then – gone`, OutOfOffice: "Back on Monday\nAsk Bob", Since: at.Add(-time.Hour), Until: at.Add(time.Hour), At: at, TakesCPIM: true,
					Agenda: portal.Agenda{Known: true, BusyUntil: at.Add(time.Hour), NextFrom: at.Add(2 * time.Hour), NextUntil: at.Add(3 * time.Hour)}}
				free := portal.Claim{Endpoint: "x", Availability: av, Activity: ac, Source: src, Agenda: portal.Agenda{Known: true}}
				bare := portal.Claim{Endpoint: "x", Availability: av, Activity: ac, Source: src}
				odd := portal.Claim{Endpoint: "1 odd <id>", Availability: av, Activity: ac, Source: src, Note: "Busy"}
				none := portal.Claim{Availability: av, Activity: ac, Source: src}
				for _, want := range []portal.Claim{full, free, bare, odd, none} {
					b, err := Encode(alice, want)
					if err != nil {
						t.Fatalf("encode %+v: %v", want, err)
					}
					who, got, err := Parse(b)
					if err != nil || who != alice || len(got) != 1 {
						t.Fatalf("parse: %q, %d claims, %v\n%s", who, len(got), err, b)
					}
					if got[0] != want {
						t.Errorf("got  %+v\nwant %+v\n%s", got[0], want, b)
					}
				}
			}
		}
	}
}

// Whatever can be claimed is read back as it was said, in each field.
func TestEveryFieldIsParsedBack(t *testing.T) {
	pick := rand.New(rand.NewPCG(2026, 11))
	choose := func(from ...string) string { return from[pick.IntN(len(from))] }
	moment := func() time.Time {
		if pick.IntN(3) == 0 {
			return time.Time{}
		}
		return time.Unix(1790000000+pick.Int64N(1e7), pick.Int64N(1e9)).UTC()
	}
	flip := func() bool { return pick.IntN(2) == 0 }
	for range 5000 {
		want := portal.Claim{
			Endpoint: choose("", "portico-1", "0", "a b", "ü<&>\"", "t4109"), Availability: availabilities[pick.IntN(len(availabilities))],
			Activity: activities[pick.IntN(len(activities))], Source: sources[pick.IntN(len(sources))],
			Note: choose("", "Online", "a & b", "two\nlines"), OutOfOffice: choose("", "Back < Monday", "x"),
			Since: moment(), Until: moment(), At: moment(), TakesCPIM: flip(), NoIM: flip(),
			Location: choose("", "Room 5 & \"six\"", "Zürich", "office"), TimeZone: choose("", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT-2", "UTC", "Mars/Olympus"),
			Provider: choose("", "portal", "Linphone <2>"), Label: choose("", "Portico & Co"),
		}
		if flip() {
			want.Agenda = portal.Agenda{Known: true, BusyUntil: moment(), NextFrom: moment()}
			if !want.Agenda.NextFrom.IsZero() {
				want.Agenda.NextUntil = moment()
			}
		}
		if flip() {
			want.Custom = portal.NewStateTexts(map[int]string{1033: "In the <lab>", 1031: choose("Im Labor", "Büro & Flur"), 1036: "Au labo"})
		}
		b, err := Encode(alice, want)
		if err != nil {
			t.Fatalf("encode %+v: %v", want, err)
		}
		who, got, err := Parse(b)
		if err != nil || who != alice || len(got) != 1 || got[0] != want {
			t.Fatalf("%q, %v\ngot  %+v\nwant %+v\n%s", who, err, got, want, b)
		}
	}
}
