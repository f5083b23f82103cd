package ews

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"portico/app/ews/soap"
	"portico/app/portal"
)

// fill puts appointments into a calendar, a few hundred at a time.
func fill(b *testing.B, c *Connector, who portal.Address, n int) {
	b.Helper()
	err := c.do(context.Background(), who, who, func(a *access) error {
		folder := a.folder("calendar")
		for at := 0; at < n; at += 250 {
			req := &soap.CreateItem{SendInvitations: soap.SendToNone, Folder: &folder}
			for i := at; i < min(at+250, n); i++ {
				ap := portal.Appointment{Subject: fmt.Sprintf("Appointment %d", i), Location: "Room 1", Body: "What is on, what is in the way.", TimeZone: "Europe/Berlin",
					Start: time.Date(2024, 1, 1, 8, 0, 0, 0, time.UTC).Add(time.Duration(i) * 2 * time.Hour)}
				ap.End = ap.Start.Add(time.Hour)
				it, err := newItem(ap, portal.WriteOptions{}, true)
				if err != nil {
					return err
				}
				req.Items = append(req.Items, soap.NewItem{CalendarItem: it})
			}
			if _, err := a.CreateItem(context.Background(), a.as, req); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}

// BenchmarkFirstReading reads a calendar of 10,000 appointments from the start.
func BenchmarkFirstReading(b *testing.B) {
	p := newPeer(b, nil)
	c := p.connector(b, nil)
	me := p.person("alice")
	fill(b, c, me, 10_000)
	b.ResetTimer()
	for b.Loop() {
		before := &runtime.MemStats{}
		runtime.ReadMemStats(before)
		if got, _ := all(b, c, me); len(got) != 10_000 {
			b.Fatalf("%d entries", len(got))
		}
		after := &runtime.MemStats{}
		runtime.ReadMemStats(after)
		b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/10_000/1024, "KiB/entry")
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/10000")
}

// BenchmarkEntry reads one item of a series with an exception.
func BenchmarkEntry(b *testing.B) {
	start := time.Date(2026, 3, 2, 13, 0, 0, 0, time.UTC)
	it, err := newItem(portal.Appointment{Subject: "S", Start: start, End: start.Add(time.Hour), TimeZone: "Europe/Berlin", Recurrence: "FREQ=WEEKLY;BYDAY=MO"}, portal.WriteOptions{}, true)
	if err != nil {
		b.Fatal(err)
	}
	it.ItemID = &soap.ItemID{ID: "x"}
	it.ModifiedOccurrences = []soap.Occurrence{{OriginalStart: soap.At(start.AddDate(0, 0, 7)), Start: soap.At(start.AddDate(0, 0, 8)), End: soap.At(start.AddDate(0, 0, 8).Add(time.Hour))}}
	r := &reading{voice: voice{person: personOf("example.test")}, owner: alice, own: "alice@example.test", zones: newZoneBook(), note: func(string, ...any) {}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.entry(it, nil); err != nil {
			b.Fatal(err)
		}
	}
}
