package zone_test

import (
	"sync"
	"testing"
	"time"

	"portico/app/calendar/zone"
)

// A zone is read from the machine's database once, however many ask for it at the same time.
func TestAZoneIsOpenedOnce(t *testing.T) {
	first, err := zone.Load("Asia/Calcutta")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			again, err := zone.Load("Asia/Kolkata")
			if err != nil || again.Location != first.Location || again.Name != "Asia/Kolkata" {
				t.Errorf("%+v, %v", again, err)
			}
		})
	}
	all.Wait()
	if _, off := time.Date(2026, 1, 1, 0, 0, 0, 0, first.Location).Zone(); off != 5*3600+1800 {
		t.Errorf("the offset is %d s", off)
	}
	if _, err := zone.Load("Nowhere/Land"); err == nil {
		t.Error("a zone that is not there was opened")
	}
}

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		if _, err := zone.Load("Europe/Vienna"); err != nil {
			b.Fatal(err)
		}
	}
}
