package storagetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"portico/app/portal"
	"portico/storage"
)

// AuditStore is what the audit trail asks of storage, and the archive for its own record.
type AuditStore interface {
	AddAudited(ctx context.Context, lines ...portal.Audited) error
	Audited(ctx context.Context, q portal.AuditQuery) ([]portal.Audited, error)
	DropAudited(ctx context.Context, before time.Time) error
	PutHold(ctx context.Context, h portal.Hold) error
	DropHold(ctx context.Context, who, by portal.Address, reason string) error
	LogExport(ctx context.Context, x portal.HistoryExport) (int64, error)
	Exports(ctx context.Context, limit int) ([]portal.HistoryExport, error)
}

func audited(kind string, by, about portal.Address, minute int) portal.Audited {
	return portal.Audited{
		At: noon().Add(time.Duration(minute) * time.Minute), Kind: kind, By: by, About: about, Subject: fmt.Sprint("s", minute), Detail: "3 lines",
		Remote: "192.0.2.1", Agent: "Browser/1", Request: "r1", Result: portal.AuditDone,
	}
}

// trail is all that a query finds, read in pages.
func trail(t *testing.T, s Store, q portal.AuditQuery, limit int) []portal.Audited {
	t.Helper()
	var out []portal.Audited
	for q.Limit = limit; ; {
		page, err := s.Audited(deadline(t), q)
		must(t, err)
		if limit > 0 && len(page) > limit {
			t.Fatalf("%d lines, asked for %d", len(page), limit)
		}
		if len(page) == 0 {
			return out
		}
		out = append(out, page...)
		q.Before = page[len(page)-1].Seq
	}
}

func testAudit(t *testing.T, open Open) {
	clock := newClock()
	s := start(t, open, storage.Options{Now: clock.now})
	ctx := deadline(t)
	if got, err := s.Audited(ctx, portal.AuditQuery{}); err != nil || len(got) != 0 {
		t.Fatalf("%v, %v", got, err)
	}
	line := audited(portal.AuditPolicy, alice, bob, 1)
	refused := audited(portal.AuditSignin, "", "", 2)
	refused.Result = "signin.wrong"
	must(t, s.AddAudited(ctx, line, refused))
	must(t, s.AddAudited(ctx))
	got, err := s.Audited(ctx, portal.AuditQuery{})
	must(t, err)
	if len(got) != 2 || got[0].Seq <= got[1].Seq || got[1].Seq == 0 {
		t.Fatalf("%+v", got)
	}
	refused.Seq, line.Seq = got[0].Seq, got[1].Seq
	if want := []portal.Audited{refused, line}; !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	clock.advance(time.Hour)
	must(t, s.AddAudited(ctx, portal.Audited{Kind: portal.AuditBook, Result: portal.AuditDone}))
	if got, err := s.Audited(ctx, portal.AuditQuery{Limit: 1}); err != nil || len(got) != 1 || !got[0].At.Equal(clock.now()) {
		t.Errorf("without a time: %+v, %v, now is %v", got, err, clock.now())
	}
	wantMeaning(t, s.AddAudited(ctx, line, portal.Audited{Kind: "x"}), portal.ErrInvalid)
	wantMeaning(t, s.AddAudited(ctx, portal.Audited{Result: portal.AuditDone}), portal.ErrInvalid)
	if all := trail(t, s, portal.AuditQuery{}, 0); len(all) != 3 {
		t.Errorf("a refused write left lines: %+v", all)
	}
}

// testAuditSearch holds every search against a reading of all lines.
func testAuditSearch(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	r := rand.New(rand.NewPCG(7, 23))
	people := []portal.Address{alice, bob, carol, ""}
	kinds := []string{portal.AuditSignin, portal.AuditPolicy, portal.AuditExport}
	var lines []portal.Audited
	for range 300 { // several of the same instant, and not quite in the order of time
		l := audited(kinds[r.IntN(3)], people[r.IntN(4)], people[r.IntN(4)], len(lines)/5+r.IntN(3))
		if r.IntN(3) == 0 {
			l.Result = "refused"
		}
		lines = append(lines, l)
	}
	must(t, s.AddAudited(deadline(t), lines...))
	all := trail(t, s, portal.AuditQuery{}, 0)
	if len(all) != len(lines) {
		t.Fatalf("%d of %d lines", len(all), len(lines))
	}
	if !slices.IsSortedFunc(all, func(a, b portal.Audited) int {
		if c := b.At.Compare(a.At); c != 0 {
			return c
		}
		return int(b.Seq - a.Seq)
	}) {
		t.Error("not the newest first")
	}
	at := func(minute int) time.Time { return noon().Add(time.Duration(minute) * time.Minute) }
	for _, who := range people {
		for _, kind := range append(kinds, "") {
			for _, refused := range []bool{false, true} {
				for _, span := range [][2]time.Time{{}, {at(10), {}}, {{}, at(30)}, {at(10), at(11)}} {
					q := portal.AuditQuery{Who: who, Kind: kind, Refused: refused, From: span[0], To: span[1]}
					var want []portal.Audited
					for _, l := range all {
						if (who == "" || l.By == who || l.About == who) && (kind == "" || l.Kind == kind) && (!refused || l.Result != portal.AuditDone) &&
							!l.At.Before(span[0]) && (span[1].IsZero() || l.At.Before(span[1])) {
							want = append(want, l)
						}
					}
					for _, limit := range []int{1000, 7} {
						if got := trail(t, s, q, limit); !reflect.DeepEqual(got, want) {
							t.Errorf("%+v by %d: %d lines, want %d", q, limit, len(got), len(want))
						}
					}
				}
			}
		}
	}
}

// testAuditDropped: what is too old goes, of the record of policies too, more than one write takes.
func testAuditDropped(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	var lines []portal.Audited
	var record []portal.PolicyChange
	for n := range 1300 {
		lines = append(lines, audited(portal.AuditSignin, alice, "", n))
		record = append(record, portal.PolicyChange{At: noon().Add(time.Duration(n) * time.Minute), By: alice, What: "rule", Name: fmt.Sprint(n)})
	}
	must(t, s.AddAudited(ctx, lines...))
	must(t, s.ChangePolicies(ctx, portal.PoliciesChange{Record: record}))
	left := func() (audit, policies int, oldest time.Time) {
		all := trail(t, s, portal.AuditQuery{Who: alice}, 1000)
		changes, err := s.PolicyChanges(ctx, 0, 1000)
		must(t, err)
		if len(changes) == 1000 {
			more, err := s.PolicyChanges(ctx, changes[999].Seq, 1000)
			must(t, err)
			changes = append(changes, more...)
		}
		if len(all) > 0 {
			oldest = all[len(all)-1].At
		}
		return len(all), len(changes), oldest
	}
	must(t, s.DropAudited(ctx, noon()))
	if a, p, _ := left(); a != 1300 || p != 1300 {
		t.Errorf("%d lines, %d changes after dropping nothing", a, p)
	}
	cut := noon().Add(1200 * time.Minute)
	must(t, s.DropAudited(ctx, cut))
	if a, p, oldest := left(); a != 100 || p != 100 || !oldest.Equal(cut) {
		t.Errorf("%d lines, %d changes, the oldest of %v", a, p, oldest)
	}
	gone, err := s.Audited(ctx, portal.AuditQuery{Before: 5})
	if err != nil || len(gone) != 0 {
		t.Errorf("after a line that has gone: %+v, %v", gone, err)
	}
	must(t, s.DropAudited(ctx, noon().Add(24*365*time.Hour)))
	if a, p, _ := left(); a != 0 || p != 0 {
		t.Errorf("%d lines, %d changes left", a, p)
	}
}

// testExportsDropped: the archive's own record goes with the trail, but for what is about people who are held.
func testExportsDropped(t *testing.T, open Open) {
	s := start(t, open, storage.Options{})
	ctx := deadline(t)
	at := func(n int) time.Time { return noon().Add(time.Duration(n) * time.Minute) }
	must(t, s.PutHold(ctx, portal.Hold{Who: carol, By: alice, Reason: "case 12", At: at(0)}))
	for n := range 700 {
		_, err := s.LogExport(ctx, portal.HistoryExport{At: at(n), By: alice, Who: bob, What: portal.HistoryExported, Format: "txt", Reason: "asked for"})
		must(t, err)
	}
	left := func() (of map[portal.Address]int, oldest time.Time) {
		all, err := s.Exports(ctx, 0)
		must(t, err)
		of = map[portal.Address]int{}
		for _, x := range all {
			of[x.Who]++
			if x.Who == bob {
				oldest = x.At
			}
		}
		return of, oldest
	}
	must(t, s.DropAudited(ctx, noon()))
	if of, _ := left(); of[bob] != 700 || of[carol] != 1 {
		t.Errorf("after dropping nothing: %v", of)
	}
	must(t, s.DropAudited(ctx, at(650)))
	if of, oldest := left(); of[bob] != 50 || of[carol] != 1 || !oldest.Equal(at(650)) {
		t.Errorf("left: %v, the oldest of %v", of, oldest)
	}
	must(t, s.DropHold(ctx, carol, alice, "over"))
	must(t, s.DropAudited(ctx, at(60*24*400)))
	all, err := s.Exports(ctx, 0)
	must(t, err)
	for _, x := range all {
		if x.At.Before(at(60 * 24 * 400)) {
			t.Errorf("%+v is left", x)
		}
	}
}
