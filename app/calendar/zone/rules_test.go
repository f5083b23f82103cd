package zone

import (
	"errors"
	"testing"
	"time"

	"portico/app/portal"
)

// westEurope is what servers answer for W. Europe Standard Time.
func westEurope() *Definition {
	return &Definition{ID: "W. Europe Standard Time", Name: "(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna",
		Periods: []Period{{"std", "Standard", -time.Hour}, {"dlt", "Daylight", -2 * time.Hour}},
		Groups: []Group{{"0", []Transition{
			{Kind: RecurringDay, To: "dlt", Offset: 2 * time.Hour, Month: 3, Weekday: time.Sunday, Occurrence: -1},
			{Kind: RecurringDay, To: "std", Offset: 3 * time.Hour, Month: 10, Weekday: time.Sunday, Occurrence: -1},
		}}},
		Transitions: []Transition{{To: "0", ToGroup: true}}}
}

func mustLoad(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := Load(name)
	if err != nil {
		t.Fatal(err)
	}
	return z.Location
}

func TestCustomRulesFindTheirZone(t *testing.T) {
	us := Serializable{Bias: 300, Standard: Change{Time: 2 * time.Hour, Order: 1, Month: 11},
		Daylight: Change{Bias: -60, Time: 2 * time.Hour, Order: 2, Month: 3}}
	sydney := Serializable{Bias: -600, Standard: Change{Time: 3 * time.Hour, Order: 1, Month: 4},
		Daylight: Change{Bias: -60, Time: 2 * time.Hour, Order: 1, Month: 10}}
	changed := westEurope()
	changed.Periods = append(changed.Periods, Period{"moved", "Standard", -3 * time.Hour})
	changed.Groups = append(changed.Groups, Group{"1", []Transition{{To: "moved"}}})
	changed.Transitions = append(changed.Transitions, Transition{Kind: AbsoluteDate, To: "1", ToGroup: true, At: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)})
	for _, c := range []struct {
		name   string
		said   Said
		want   string
		sure   Sureness
		custom bool
	}{
		{"named and agreeing", Said{ID: "W. Europe Standard Time", Rules: westEurope()}, "Europe/Berlin", Exact, false},
		{"customised", Said{ID: "Customized Time Zone", Rules: westEurope()}, "Europe/Berlin", Matched, false},
		{"custom address", Said{ID: "tzone://Microsoft/Custom", Rules: westEurope(), Territory: "FR"}, "Europe/Paris", Matched, false},
		{"preferred", Said{Rules: westEurope(), Prefer: "Europe/Vienna"}, "Europe/Vienna", Matched, false},
		{"a likely name made sure", Said{ID: "Mitteleuropäische Zeit", Rules: westEurope()}, "Europe/Berlin", Matched, false},
		{"free/busy US", Said{Rules: us, Prefer: "America/New_York"}, "America/New_York", Matched, false},
		{"free/busy Sydney", Said{Rules: sydney, Prefer: "Europe/Berlin"}, "Australia/Sydney", Matched, false},
		{"contradicting", Said{ID: "Tokyo Standard Time", Rules: westEurope()}, "Europe/Berlin", Matched, false},
		{"no such zone", Said{ID: "Our Factory", Rules: changed, Years: Years{2025, 2030}}, "Our Factory", Matched, true},
		{"agreeing while it matters", Said{ID: "Our Factory", Rules: changed, Years: Years{2020, 2026}}, "Europe/Berlin", Matched, false},
	} {
		r, err := Resolve(c.said)
		if err != nil || r.Zone.Name != c.want || r.Sure != c.sure || r.Zone.Custom != c.custom {
			t.Errorf("%s: %s %v custom %v (%s): %v", c.name, r.Zone.Name, r.Sure, r.Zone.Custom, r.Why, err)
		}
	}
	r, err := Resolve(Said{ID: "Our Factory", Rules: changed, Years: Years{2025, 2030}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		at   time.Time
		want int
	}{{time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC), 1}, {time.Date(2026, 7, 5, 12, 0, 0, 0, time.UTC), 2}, {time.Date(2027, 7, 5, 12, 0, 0, 0, time.UTC), 3}} {
		if _, off := c.at.In(r.Zone.Location).Zone(); off != c.want*3600 {
			t.Errorf("the factory is %d s off at %s", off, c.at)
		}
	}
}

func TestDegenerateRulesAreFixed(t *testing.T) {
	for name, s := range map[string]Serializable{
		"month zero":        {Bias: -60},
		"January, December": {Bias: -60, Standard: Change{Order: 1, Month: 1, Weekday: 1}, Daylight: Change{Order: 1, Month: 12}},
	} {
		loc, err := s.Compile()
		if err != nil || !Agree(loc, time.FixedZone("", 3600), Years{1990, 2100}) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestARuleOfOneYear(t *testing.T) {
	s := Serializable{Bias: 0, Standard: Change{Time: 3 * time.Hour, Order: 25, Month: 10, Year: 2026},
		Daylight: Change{Bias: -60, Time: 2 * time.Hour, Order: 29, Month: 3, Year: 2026}}
	loc, err := s.Compile()
	if err != nil {
		t.Fatal(err)
	}
	for year, want := range map[int]int{2025: 0, 2026: 3600, 2027: 0} {
		if _, off := time.Date(year, 7, 1, 0, 0, 0, 0, time.UTC).In(loc).Zone(); off != want {
			t.Errorf("July %d is %d s off", year, off)
		}
	}
}

func TestBrokenRulesAreRefused(t *testing.T) {
	broken := func(f func(d *Definition)) *Definition { d := westEurope(); f(d); return d }
	for name, r := range map[string]Rules{
		"no periods":       broken(func(d *Definition) { d.Periods = nil }),
		"unknown period":   broken(func(d *Definition) { d.Groups[0].Transitions[0].To = "x" }),
		"unknown group":    broken(func(d *Definition) { d.Transitions[0].To = "x" }),
		"unknown top":      broken(func(d *Definition) { d.Transitions[0] = Transition{To: "x"} }),
		"empty group":      broken(func(d *Definition) { d.Groups[0].Transitions = nil }),
		"month 13":         broken(func(d *Definition) { d.Groups[0].Transitions[0].Month = 13 }),
		"occurrence 9":     broken(func(d *Definition) { d.Groups[0].Transitions[0].Occurrence = 9 }),
		"date 0":           broken(func(d *Definition) { d.Groups[0].Transitions[0].Kind = RecurringDate }),
		"date in a group":  broken(func(d *Definition) { d.Groups[0].Transitions[0].Kind = AbsoluteDate }),
		"bias of days":     broken(func(d *Definition) { d.Periods[0].Bias = 99 * time.Hour }),
		"offset of days":   broken(func(d *Definition) { d.Groups[0].Transitions[0].Offset = 99 * time.Hour }),
		"too many":         broken(func(d *Definition) { d.Periods = make([]Period, 2000) }),
		"no top":           broken(func(d *Definition) { d.Transitions = nil; d.Groups = nil }),
		"half a change":    Serializable{Standard: Change{Month: 3, Order: 1, Bias: 60}},
		"order 6":          Serializable{Standard: Change{Month: 3, Order: 6}, Daylight: Change{Bias: 1, Month: 4, Order: 1}},
		"weekday 8":        Serializable{Standard: Change{Month: 3, Order: 1}, Daylight: Change{Bias: 1, Month: 4, Order: 1, Weekday: 8}},
		"day 32":           Serializable{Standard: Change{Month: 3, Order: 32, Year: 2026}, Daylight: Change{Bias: 1, Month: 4, Order: 1, Year: 2026}},
		"once and forever": Serializable{Standard: Change{Month: 3, Order: 3, Year: 2026}, Daylight: Change{Bias: 1, Month: 4, Order: 1}},
	} {
		if _, err := r.Compile(); !errors.Is(err, portal.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
		if res, err := Resolve(Said{ID: "Europe/Berlin", Rules: r}); !errors.Is(err, portal.ErrInvalid) || res.Sure != Unknown {
			t.Errorf("%s: %+v, %v", name, res, err)
		}
	}
}

// TestEveryZoneIsDefinedAndUnderstoodAgain writes each zone of the tables as periods and transitions and compiles them.
func TestEveryZoneIsDefinedAndUnderstoodAgain(t *testing.T) {
	years := Years{1990, 2037}
	for _, name := range tables().kept {
		if name == "Etc/Unknown" {
			continue
		}
		loc := mustLoad(t, name)
		d, err := Define(loc, years, name, name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		back, err := d.Compile()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !Agree(loc, back, years) {
			t.Errorf("%s is not what its definition of %d groups says", name, len(d.Groups))
		}
	}
}

func TestADefinitionIsAsShortAsItsRules(t *testing.T) {
	for name, want := range map[string]int{"Europe/Berlin": 1, "America/New_York": 2, "Asia/Tokyo": 1, "UTC": 1} {
		d, err := Define(mustLoad(t, name), Years{2000, 2030}, name, "")
		if err != nil {
			t.Fatal(err)
		}
		if len(d.Groups) != want && name != "America/New_York" || len(d.Groups) > 3 {
			t.Errorf("%s needs %d groups: %+v", name, len(d.Groups), d.Groups)
		}
	}
	d, err := Define(mustLoad(t, "Europe/Berlin"), Years{2020, 2030}, "W. Europe Standard Time", "")
	if err != nil || len(d.Groups[0].Transitions) != 2 || len(d.Periods) != 2 {
		t.Fatalf("%+v, %v", d, err)
	}
	spring := d.Groups[0].Transitions[0]
	if spring.Kind != RecurringDay || spring.Month != time.March || spring.Occurrence != -1 || spring.Offset != 2*time.Hour {
		t.Errorf("Berlin's spring: %+v", spring)
	}
	if _, err := Define(time.UTC, Years{1800, 2500}, "", ""); !errors.Is(err, portal.ErrInvalid) {
		t.Errorf("seven centuries: %v", err)
	}
}

func TestAYearsRuleAsFreeBusyAsksForIt(t *testing.T) {
	for _, name := range []string{"Europe/Berlin", "America/New_York", "Australia/Sydney", "Asia/Kolkata", "America/St_Johns", "UTC"} {
		loc := mustLoad(t, name)
		s, err := SerializableOf(loc, 2026)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		back, err := s.Compile()
		if err != nil || !Agree(loc, back, Years{2026, 2026}) {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
	if _, err := SerializableOf(mustLoad(t, "Europe/Istanbul"), 2016); !errors.Is(err, portal.ErrInvalid) {
		t.Errorf("the year in which Turkey stayed in summer: %v", err)
	}
}

func BenchmarkMatchCustomRules(b *testing.B) {
	d := westEurope()
	for b.Loop() {
		if _, err := Resolve(Said{Rules: d}); err != nil {
			b.Fatal(err)
		}
	}
}
