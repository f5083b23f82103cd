package zone

import (
	"errors"
	"strings"
	"testing"
	"time"

	"portico/app/portal"
)

// TestOddSpellings holds what servers were seen to send (W28, W29) and what it must mean.
func TestOddSpellings(t *testing.T) {
	for _, c := range []struct {
		said, territory, want string
		sure                  Sureness
		form                  Form
	}{
		{"Europe/Berlin", "", "Europe/Berlin", Exact, FormIANA},
		{"europe/berlin", "", "Europe/Berlin", Exact, FormIANA},
		{"US/Eastern", "", "America/New_York", Exact, FormIANA},
		{"Asia/Calcutta", "", "Asia/Kolkata", Exact, FormIANA},
		{"Europe/Kiev", "", "Europe/Kyiv", Exact, FormIANA},
		{"America/Argentina/Buenos_Aires", "", "America/Argentina/Buenos_Aires", Exact, FormIANA},
		{"Etc/GMT+2", "", "Etc/GMT+2", Exact, FormIANA},
		{"/freeassociation.sourceforge.net/Tzfile/Europe/Berlin", "", "Europe/Berlin", Exact, FormIANA},
		{"W. Europe Standard Time", "", "Europe/Berlin", Exact, FormWindows},
		{"W. Europe Standard Time", "CH", "Europe/Zurich", Exact, FormWindows},
		{"W. Europe Standard Time", "XX", "Europe/Berlin", Exact, FormWindows},
		{"W. Europe Daylight Time", "", "Europe/Berlin", Exact, FormWindows},
		{"w. europe standard time ", "at", "Europe/Vienna", Exact, FormWindows},
		{"GMT Standard Time", "", "Europe/London", Exact, FormWindows},
		{"GMT Daylight Time", "", "Europe/London", Exact, FormWindows},
		{"GMT Standard Time", "IE", "Europe/Dublin", Exact, FormWindows},
		{"Greenwich Standard Time", "", "Atlantic/Reykjavik", Exact, FormWindows},
		{"Central Standard Time", "", "America/Chicago", Exact, FormWindows},
		{"Central European Standard Time", "", "Europe/Warsaw", Exact, FormWindows},
		{"India Standard Time", "", "Asia/Kolkata", Exact, FormWindows},
		{"UTC", "", "UTC", Exact, FormWindows},
		{"UTC-02", "", "Etc/GMT+2", Exact, FormWindows},
		{"UTC+12", "", "Etc/GMT-12", Exact, FormWindows},
		{"(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna", "", "Europe/Berlin", Exact, FormDisplay},
		{"(GMT+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna", "", "Europe/Berlin", Exact, FormDisplay},
		{"(UTC+00:00) Dublin, Edinburgh, Lisbon, London", "", "Europe/London", Exact, FormDisplay},
		{"(UTC) Dublin, Edinburgh, Lisbon, London", "", "Europe/London", Exact, FormDisplay},
		{"(GMT) Greenwich Mean Time : Dublin, Edinburgh, Lisbon, London", "", "Europe/London", Exact, FormDisplay},
		{"(UTC-08:00) Pacific Time (US & Canada)", "", "America/Los_Angeles", Exact, FormDisplay},
		{"(UTC+01:00) Amsterdam, Berlin, Bern, Rom, Stockholm, Wien", "", "Europe/Amsterdam", Likely, FormDisplay},
		{"Mitteleuropäische Zeit", "", "Europe/Berlin", Likely, FormSpoken},
		{"Mitteleuropäische Sommerzeit", "", "Europe/Berlin", Likely, FormSpoken},
		{"MITTELEUROPÄISCHE ZEIT", "", "Europe/Berlin", Likely, FormSpoken},
		{"Westeuropäische Zeit", "", "Europe/London", Likely, FormSpoken},
		{"Osteuropäische Sommerzeit", "", "Europe/Bucharest", Likely, FormSpoken},
		{"Koordinierte Weltzeit", "", "UTC", Likely, FormSpoken},
		{"tzone://Microsoft/Utc", "", "UTC", Exact, FormURI},
		{"Z", "", "UTC", Exact, FormOffset},
		{"UTC+02:00", "", "Etc/GMT-2", Exact, FormOffset},
		{"GMT+2", "", "Etc/GMT-2", Exact, FormOffset},
		{"GMT-0330", "", "UTC-03:30", Exact, FormOffset},
		{"+05:30", "", "UTC+05:30", Exact, FormOffset},
		{"UTC−05:00", "", "Etc/GMT+5", Exact, FormOffset},
		{"(UTC+14:00)", "", "Etc/GMT-14", Exact, FormOffset},
	} {
		r, err := Resolve(Said{ID: c.said, Territory: c.territory})
		if err != nil {
			t.Errorf("%q: %v", c.said, err)
			continue
		}
		if r.Zone.Name != c.want || r.Sure != c.sure || r.Form != c.form || r.Why == "" || r.Zone.Location == nil || r.Zone.Custom {
			t.Errorf("%q in %q: %s %v %s (%s), want %s %v %s", c.said, c.territory, r.Zone.Name, r.Sure, r.Form, r.Why, c.want, c.sure, c.form)
		}
		again, err := Load(r.Zone.Name)
		if err != nil || again.Name != r.Zone.Name || !Agree(again.Location, r.Zone.Location, Years{2000, 2030}) {
			t.Errorf("%q does not load again: %v", r.Zone.Name, err)
		}
	}
}

func TestWhatNamesNothingIsAnError(t *testing.T) {
	for _, s := range []Said{
		{}, {ID: "Customized Time Zone"}, {ID: "tzone://Microsoft/Custom"}, {ID: "Local"}, {ID: "localtime"},
		{ID: "../../etc/passwd"}, {ID: "UTC+25:00"}, {ID: "Nowhere Standard Time"}, {ID: "(UTC+05:00) Berlin"},
		{ID: "(UTC+01:00) Atlantis"}, {ID: strings.Repeat("x", 300)}, {Name: "Benutzerdefinierte Zeitzone"},
	} {
		r, err := Resolve(s)
		if !errors.Is(err, portal.ErrInvalid) || r.Sure != Unknown || r.Why == "" {
			t.Errorf("%+v: %+v, %v", s, r, err)
		}
	}
	if _, err := Load("Local"); !errors.Is(err, portal.ErrInvalid) {
		t.Errorf("the machine's own zone was loaded: %v", err)
	}
}

func TestTheNameIsTriedWhereTheIdSaysNothing(t *testing.T) {
	r, err := Resolve(Said{ID: "Customized Time Zone", Name: "(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna"})
	if err != nil || r.Zone.Name != "Europe/Berlin" {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestFixedOffsetTrap: a weekly series of a Londoner stays at nine in summer (W29).
func TestFixedOffsetTrap(t *testing.T) {
	r, err := Resolve(Said{ID: "GMT Standard Time"})
	if err != nil {
		t.Fatal(err)
	}
	for month, want := range map[time.Month]int{time.January: 9, time.July: 8} {
		if got := time.Date(2026, month, 6, 9, 0, 0, 0, r.Zone.Location).UTC().Hour(); got != want {
			t.Errorf("nine in London in %s is %d UTC", month, got)
		}
	}
}

func TestEveryWindowsZoneGoesThereAndBack(t *testing.T) {
	ids := WindowsIDs()
	if len(ids) < 130 {
		t.Fatalf("only %d Windows zones", len(ids))
	}
	for _, id := range ids {
		iana, ok := FromWindows(id, "")
		if !ok {
			t.Errorf("%q has no zone", id)
			continue
		}
		if back, ok := Windows(iana); !ok || back != id {
			t.Errorf("%q is %s is %q", id, iana, back)
		}
		display, ok := Display(id)
		if r, err := Resolve(Said{ID: display}); !ok || err != nil || r.Zone.Name != iana {
			t.Errorf("%q (%q) is %s: %v", display, id, r.Zone.Name, err)
		}
		if _, err := time.LoadLocation(iana); err != nil {
			t.Errorf("%q: %v", id, err)
		}
	}
	for iana, want := range map[string]string{"Europe/Vienna": "W. Europe Standard Time", "Europe/London": "GMT Standard Time",
		"Asia/Calcutta": "India Standard Time", "US/Pacific": "Pacific Standard Time", "Etc/UTC": "UTC"} {
		if got, ok := Windows(iana); !ok || got != want {
			t.Errorf("%s is %q, want %q", iana, got, want)
		}
	}
	if id, ok := Windows("Europe/Atlantis"); ok {
		t.Errorf("Atlantis is %q", id)
	}
	if _, ok := FromWindows("Atlantis Standard Time", ""); ok {
		t.Error("Atlantis is a Windows zone")
	}
	if _, ok := Display("Atlantis Standard Time"); ok {
		t.Error("Atlantis has a display name")
	}
}

func TestTheTablesNameZonesThatExist(t *testing.T) {
	if CLDRVersion == "" {
		t.Error("the tables do not say where they come from")
	}
	for _, m := range []map[string]string{spokenTable, spokenMore, cityTable, modern} {
		for said, name := range m {
			if _, err := Load(name); err != nil {
				t.Errorf("%q: %v", said, err)
			}
		}
	}
	for _, name := range tables().kept {
		if name == "Etc/Unknown" {
			continue
		}
		if _, err := time.LoadLocation(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzResolve(f *testing.F) {
	for _, s := range []string{"Europe/Berlin", "GMT+2", "(UTC+01:00) Rom", "tzone://Microsoft/Utc", "Mitteleuropäische Zeit", "\x00", "//", "(UTC"} {
		f.Add(s, "DE")
	}
	f.Fuzz(func(t *testing.T, id, territory string) {
		r, err := Resolve(Said{ID: id, Territory: territory})
		if (err == nil) != (r.Sure != Unknown) || (err == nil) != (r.Zone.Location != nil) {
			t.Fatalf("%q: %+v, %v", id, r, err)
		}
		if err != nil {
			return
		}
		if again, err := Load(r.Zone.Name); err != nil || again.Name != r.Zone.Name {
			t.Fatalf("%q is %s, which loads as %s: %v", id, r.Zone.Name, again.Name, err)
		}
	})
}

func BenchmarkResolveWindowsName(b *testing.B) {
	for b.Loop() {
		if _, err := Resolve(Said{ID: "W. Europe Standard Time"}); err != nil {
			b.Fatal(err)
		}
	}
}
