package pidf

import (
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
