package ews

import (
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"portico/app/ews/ewslab"
	"portico/app/portal"
)

// A change that was carried out twice leaves one entry, the older; what somebody copied from it stays.
func TestFindRemovesDoublesAndNoCopies(t *testing.T) {
	var minutes atomic.Int64
	began := time.Now()
	p := newPeer(t, func(cfg *ewslab.Config) {
		cfg.Now = func() time.Time { return began.Add(time.Duration(minutes.Load()) * time.Minute) }
	})
	c := p.connector(t, nil)
	me := p.person("alice")
	a := meeting(t, "Double")
	a.Subject += a.UID
	id := stamp(t, "double")
	first, err := c.Create(t.Context(), me, me, a, portal.WriteOptions{ChangeID: id})
	if err != nil {
		t.Fatal(err)
	}
	minutes.Add(1)
	_, err = c.Create(t.Context(), me, me, a, portal.WriteOptions{ChangeID: id})
	if err != nil {
		t.Fatal(err)
	}
	other := a // a double where the server chooses the identifier
	other.UID = ""
	minutes.Add(1)
	_, err = c.Create(t.Context(), me, me, other, portal.WriteOptions{ChangeID: id})
	if err != nil {
		t.Fatal(err)
	}
	copied := other
	copied.Start, copied.End = a.Start.Add(24*time.Hour), a.End.Add(24*time.Hour)
	minutes.Add(1)
	kept, err := c.Create(t.Context(), me, me, copied, portal.WriteOptions{ChangeID: id})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // and finding it again changes nothing
		found, ok, err := c.Find(t.Context(), me, me, id)
		if err != nil || !ok {
			t.Fatalf("found %t: %v", ok, err)
		}
		if found.RemoteID != first.RemoteID {
			t.Errorf("found %s to %s, not the first", found.Start, found.End)
		}
		var left []string
		entries, _ := all(t, c, me)
		for _, e := range entries {
			if e.Subject == a.Subject {
				left = append(left, e.RemoteID)
			}
		}
		want := []string{found.RemoteID, kept.RemoteID}
		slices.Sort(left)
		slices.Sort(want)
		if !slices.Equal(left, want) {
			t.Errorf("%d are left, want the one found and the copy", len(left))
		}
	}
}
