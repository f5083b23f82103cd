package merge

import (
	"testing"

	"portico/app/portal"
)

func BenchmarkPlanNew(b *testing.B) {
	w := newWorld(b)
	w.deliver(w.entry(alice, alice, guest(bob), guest(carol), outsider("kim@other.test")))
	f := w.facts()
	for b.Loop() {
		if s := Plan(f); s.Pair == nil {
			b.Fatal("no plan")
		}
	}
}

func BenchmarkPlanInStep(b *testing.B) {
	w := newWorld(b)
	w.record = crmRecord(guest(bob), guest(carol), outsider("kim@other.test"))
	w.sync()
	f := w.facts()
	for b.Loop() {
		Plan(f)
	}
}

func BenchmarkPlanSeriesWithExceptions(b *testing.B) {
	w := newWorld(b)
	w.record = crmRecord(guest(bob), guest(carol))
	w.record.Recurrence, w.record.Kind = "FREQ=DAILY;COUNT=200", portal.KindMaster
	for i := range 20 {
		except(&w.record.Entry, day(i), func(x *portal.Appointment) { x.Location = "Attic" })
	}
	w.sync()
	w.edit(func(r *portal.CRMAppointment) { r.Subject = "Other" })
	f := w.facts()
	for b.Loop() {
		if s := Plan(f); len(s.List) == 0 {
			b.Fatal("no plan")
		}
	}
}

func BenchmarkSettle(b *testing.B) {
	w := newWorld(b)
	w.deliver(w.entry(alice, alice, guest(bob), guest(carol), outsider("kim@other.test")))
	f := w.facts()
	s := Plan(f)
	r := steps[PutCRM](s)[0].Record
	for b.Loop() {
		if _, _, err := Settle(f, s, &r, &w.items[0].Entry); err != nil {
			b.Fatal(err)
		}
	}
}
