package policy

import (
	"errors"
	"strings"
	"testing"
	"time"

	"portico/app/portal"
)

func TestAutomatic(t *testing.T) {
	limits := DefaultThresholds()
	cases := []struct {
		name        string
		quiet       time.Duration
		connections int
		want        portal.Availability
		act         portal.Activity
		next        time.Duration // after the last input; 0: never
	}{
		{"at work", 0, 1, portal.Available, "", 5 * time.Minute},
		{"just before", 5*time.Minute - 1, 2, portal.Available, "", 5 * time.Minute},
		{"inactive", 5 * time.Minute, 1, portal.Available, portal.Inactive, 15 * time.Minute},
		{"away", 15 * time.Minute, 1, portal.Away, "", 0},
		{"long away", 99 * time.Hour, 1, portal.Away, "", 0},
		{"gone", 0, 0, portal.Offline, "", 0},
		{"a clock that went back", -time.Minute, 1, portal.Available, "", 5 * time.Minute},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			last := noon.Add(-c.quiet)
			a, act, next := limits.Automatic(last, c.connections, noon)
			if a != c.want || act != c.act {
				t.Errorf("got %s/%s, want %s/%s", a, act, c.want, c.act)
			}
			if want := last.Add(c.next); c.next == 0 && !next.IsZero() || c.next != 0 && !next.Equal(want) {
				t.Errorf("next change at %v", next)
			}
		})
	}
	odd := Thresholds{Inactive: time.Hour, Away: time.Minute}
	if a, act, _ := odd.Automatic(ago(2), 1, noon); a != portal.Away || act != "" {
		t.Errorf("away before inactive: got %s/%s", a, act)
	}
}

// At the time Automatic names, and not before, the answer is another one.
func TestAutomaticNextIsExact(t *testing.T) {
	limits := DefaultThresholds()
	for quiet := time.Duration(0); quiet < 20*time.Minute; quiet += 17 * time.Second {
		last := noon.Add(-quiet)
		a, act, next := limits.Automatic(last, 1, noon)
		if next.IsZero() {
			continue
		}
		if b, bct, _ := limits.Automatic(last, 1, next.Add(-1)); b != a || bct != act {
			t.Fatalf("after %v: changes before it says", quiet)
		}
		if b, bct, _ := limits.Automatic(last, 1, next); b == a && bct == act {
			t.Fatalf("after %v: does not change when it says", quiet)
		}
	}
}

func TestManual(t *testing.T) {
	long := strings.Repeat("n", portal.MaxNoteLen+1)
	fine := " out\r\n for  lunch "
	cases := []struct {
		name string
		m    portal.Manual
		key  string
	}{
		{"busy", portal.Manual{Availability: portal.Busy}, ""},
		{"appear offline", portal.Manual{Availability: portal.Offline, Until: noon.Add(time.Second)}, ""},
		{"custom", portal.Manual{Availability: portal.Busy, Activity: "custom-2", Note: &fine}, ""},
		{"unknown", portal.Manual{Availability: portal.Unknown}, "presence.availability"},
		{"nothing", portal.Manual{}, "presence.availability"},
		{"no such activity", portal.Manual{Availability: portal.Busy, Activity: "custom-9"}, "presence.activity"},
		{"over already", portal.Manual{Availability: portal.Busy, Until: noon}, "presence.until"},
		{"long note", portal.Manual{Availability: portal.Busy, Note: &long}, "presence.note-too-long"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := Manual(c.m, noon)
			if c.key != "" {
				if !errors.Is(err, portal.ErrInvalid) || portal.Reason(err) != c.key {
					t.Fatalf("got %v, want %s", err, c.key)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !got.SetAt.Equal(noon) || got.Availability != c.m.Availability || got.Activity != c.m.Activity || !got.Until.Equal(c.m.Until) {
				t.Errorf("got %+v", got)
			}
			if c.m.Note != nil && *got.Note != "out for lunch" {
				t.Errorf("note %q", *got.Note)
			}
		})
	}
}
