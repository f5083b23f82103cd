package storagetest

import (
	"context"
	"fmt"
	"reflect"
	"testing"
	"time"

	"portico/app/portal"
	"portico/storage"
)

// IncidentStore is what diagnosis asks of storage.
type IncidentStore interface {
	AddIncident(ctx context.Context, i portal.Incident) error
	Incidents(ctx context.Context, who portal.Address, before int64, limit int) ([]portal.Incident, error)
	DropIncidents(ctx context.Context, before time.Time, most int) error
}

func incident(who portal.Address, part, cause string, minute int) portal.Incident {
	return portal.Incident{Who: who, At: noon().Add(time.Duration(minute) * time.Minute), Part: part, Cause: cause, Detail: "503 busy", Remote: fmt.Sprint("192.0.2.", minute)}
}

// incidentLines are a person's lines in few words, and their numbers.
func incidentLines(t *testing.T, s Store, who portal.Address, limit int) (lines []string, seqs []int64) {
	t.Helper()
	before := int64(0)
	for {
		page, err := s.Incidents(deadline(t), who, before, limit)
		must(t, err)
		if limit > 0 && len(page) > limit {
			t.Fatalf("%d lines, asked for %d", len(page), limit)
		}
		if len(page) == 0 {
			return lines, seqs
		}
		for _, i := range page {
			lines = append(lines, fmt.Sprintf("%s %s %s %v ×%d", i.Who.User(), i.Part, i.Cause, i.At.Sub(noon()).Minutes(), i.Times))
			seqs = append(seqs, i.Seq)
			before = i.Seq
		}
	}
}

func testIncidents(t *testing.T, open Open) {
	clock := newClock()
	s := start(t, open, storage.Options{Now: clock.now})
	ctx := deadline(t)
	want := func(who portal.Address, lines ...string) {
		t.Helper()
		for _, limit := range []int{0, 1, 3} {
			got, seqs := incidentLines(t, s, who, limit)
			if !reflect.DeepEqual(got, lines) {
				t.Errorf("by %d: %q, want %q", limit, got, lines)
			}
			for i := range seqs {
				if i > 0 && seqs[i] >= seqs[i-1] {
					t.Errorf("numbers %v", seqs)
				}
			}
		}
	}
	want(alice)
	first := incident(alice, portal.PartSIP, "refused", 1)
	must(t, s.AddIncident(ctx, first))
	if list, err := s.Incidents(ctx, alice, 0, 0); err != nil || len(list) != 1 {
		t.Fatalf("%+v, %v", list, err)
	} else if first.Seq, first.Times = list[0].Seq, 1; !reflect.DeepEqual(list[0], first) || first.Seq == 0 {
		t.Errorf("added %+v, got %+v", first, list[0])
	}
	must(t, s.AddIncident(ctx, incident(alice, portal.PartExchange, "refused", 2))) // another part
	must(t, s.AddIncident(ctx, incident(bob, portal.PartSIP, "refused", 3)))        // another person
	must(t, s.AddIncident(ctx, incident(alice, portal.PartSIP, "refused", 4)))      // the same again: it is the newest now
	want(alice, "alice sip refused 4 ×2", "alice exchange refused 2 ×1")
	if list, err := s.Incidents(ctx, alice, 0, 1); err != nil || list[0].Remote != "192.0.2.4" {
		t.Errorf("%+v, %v", list, err)
	}
	good := incident(alice, portal.PartSIP, "refused", 5)
	good.Good = true
	detail := incident(alice, portal.PartSIP, "refused", 6)
	detail.Detail = "another"
	many := incident(alice, portal.PartSIP, "refused", 8)
	many.Times = 3
	for _, i := range []portal.Incident{good, detail, incident(alice, portal.PartSIP, "refused", 7), many, incident(alice, portal.PartSIP, "down", 9)} {
		must(t, s.AddIncident(ctx, i))
	}
	want(alice, "alice sip down 9 ×1", "alice sip refused 8 ×4", "alice sip refused 6 ×1", "alice sip refused 5 ×1", "alice sip refused 4 ×2", "alice exchange refused 2 ×1")
	want(bob, "bob sip refused 3 ×1")
	clock.advance(10 * time.Minute)
	must(t, s.AddIncident(ctx, portal.Incident{Part: portal.PartSignin, Cause: "unknown"})) // of nobody known, now
	want("", " signin unknown 10 ×1", "alice sip down 9 ×1", "alice sip refused 8 ×4", "alice sip refused 6 ×1", "alice sip refused 5 ×1", "alice sip refused 4 ×2",
		"bob sip refused 3 ×1", "alice exchange refused 2 ×1")
	wantMeaning(t, s.AddIncident(ctx, portal.Incident{Who: alice, Cause: "x"}), portal.ErrInvalid)
}

func testIncidentsDropped(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	for minute := range 12 {
		who := []portal.Address{alice, alice, bob, ""}[minute%4]
		must(t, s.AddIncident(ctx, incident(who, portal.PartSIP, fmt.Sprint("c", minute), minute)))
	}
	want := func(who portal.Address, minutes ...int) {
		t.Helper()
		var lines []string
		for _, m := range minutes {
			lines = append(lines, fmt.Sprintf("%s sip c%d %d ×1", []portal.Address{alice, alice, bob, ""}[m%4].User(), m, m))
		}
		if got, _ := incidentLines(t, s, who, 0); !reflect.DeepEqual(got, lines) {
			t.Errorf("got %q, want %q", got, lines)
		}
	}
	must(t, s.DropIncidents(ctx, noon(), 100))
	want("", 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
	must(t, s.DropIncidents(ctx, noon().Add(2*time.Minute), 3))
	want(alice, 9, 8, 5)
	want(bob, 10, 6, 2)
	want("", 11, 10, 9, 8, 7, 6, 5, 3, 2)
	must(t, s.DropIncidents(ctx, time.Time{}, 1)) // the number alone
	want("", 11, 10, 9)
	must(t, s.DropIncidents(ctx, noon().Add(time.Hour), 1))
	want("")
}

// testManyIncidentsDropped: more than one write takes away.
func testManyIncidentsDropped(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	for n := range 1300 {
		i := incident(alice, portal.PartSIP, fmt.Sprint("c", n), n/700)
		must(t, s.AddIncident(ctx, i))
	}
	must(t, s.AddIncident(ctx, incident(bob, portal.PartSIP, "x", 1)))
	must(t, s.DropIncidents(ctx, noon().Add(time.Minute), 2000)) // 700 are older
	if lines, _ := incidentLines(t, s, alice, 0); len(lines) != 600 {
		t.Errorf("%d lines", len(lines))
	}
	must(t, s.DropIncidents(ctx, noon(), 20))
	if lines, _ := incidentLines(t, s, alice, 0); len(lines) != 20 || lines[0] != "alice sip c1299 1 ×1" {
		t.Errorf("%d lines, the first %q", len(lines), lines[0])
	}
	if lines, _ := incidentLines(t, s, bob, 0); len(lines) != 1 {
		t.Errorf("bob has %q", lines)
	}
}
