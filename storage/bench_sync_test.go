package storage_test

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"portico/app/portal"
	"portico/storage"
)

// What the synchronisation and CRM ask for at their busiest. The aims: an intake of 1,000 copies with their jobs under 100 ms, 2,000
// ended jobs a second from callers that work side by side, due jobs of a long queue and people of a large company in a few ms.

func benchItem(box, n int) portal.SyncItem {
	it := portal.SyncItem{Mailbox: benchBox(box), ReadAt: time.Unix(1_700_000_000, 0)}
	it.Entry.RemoteID, it.Entry.UID, it.Entry.ChangeKey = fmt.Sprintf("AAMkADAwATM0MDAAMS1iNTQwLWI2%08d", n), fmt.Sprintf("040000008200E00074C5B7101A82E008%08d", n), "DwAAABYAAAB"
	it.Entry.Subject, it.Entry.Body = "Weekly meeting about this and that", "We meet as ever, and talk about what is new.\n"
	it.Entry.Start = time.Unix(1_700_000_000+int64(n)*1800, 0).UTC()
	it.Entry.End = it.Entry.Start.Add(time.Hour)
	for i := range 4 {
		it.Entry.Attendees = append(it.Entry.Attendees, portal.Attendee{Name: fmt.Sprint("Person ", i), Email: fmt.Sprintf("person%d@example.test", i)})
	}
	return it
}

func benchBox(n int) portal.Address {
	return portal.Address(fmt.Sprintf("sip:user%04d@example.test", n))
}

func benchJob(box, n int) portal.SyncJob {
	return portal.SyncJob{Key: fmt.Sprintf("uid:040000008200E00074C5B7101A82E008%08d", n), Direction: portal.ToCRM, Mailbox: benchBox(box), State: portal.JobWaiting,
		Subject: "Weekly meeting about this and that", Start: time.Unix(1_700_000_000+int64(n)*1800, 0), MadeAt: time.Unix(1_700_000_000, 0)}
}

func BenchmarkSyncIntake(b *testing.B) {
	s, _ := running(b, storage.Options{UpkeepEvery: time.Hour})
	const size = 1000
	b.StopTimer()
	for i := range b.N {
		in := portal.SyncIntake{Cursor: portal.SyncCursor{Source: string(benchBox(i % 50)), State: "H4sIAAA=", Generation: 1}}
		for n := range size {
			in.Items = append(in.Items, benchItem(i%50, i*size+n))
			in.Jobs = append(in.Jobs, benchJob(i%50, i*size+n))
		}
		b.StartTimer()
		must(b, s.SaveSyncIntake(b.Context(), in))
		b.StopTimer()
	}
}

// fillQueue puts n waiting jobs of that many mailboxes into the queue.
func fillQueue(b *testing.B, s *storage.Store, n, boxes int) {
	b.Helper()
	for at := 0; at < n; at += 1000 {
		var jobs []portal.SyncJob
		for i := at; i < min(n, at+1000); i++ {
			jobs = append(jobs, benchJob(i%boxes, i))
		}
		must(b, s.AddSyncJobs(b.Context(), jobs))
	}
}

func BenchmarkDueSyncJobs(b *testing.B) {
	for _, boxes := range []int{1, 100, 5000} {
		b.Run(fmt.Sprintf("waiting=100000/mailboxes=%d", boxes), func(b *testing.B) {
			s, _ := running(b, storage.Options{UpkeepEvery: time.Hour})
			fillQueue(b, s, 100_000, boxes)
			b.ResetTimer()
			for b.Loop() {
				list, err := s.DueSyncJobs(b.Context(), time.Now(), 4, 64)
				if err != nil || len(list) != min(64, 4*boxes) {
					b.Fatal(len(list), err)
				}
			}
		})
	}
}

func BenchmarkEndSyncJob(b *testing.B) {
	for _, workers := range []int{1, 32} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			s, _ := running(b, storage.Options{UpkeepEvery: time.Hour})
			fillQueue(b, s, b.N, 50)
			var next atomic.Int64
			var crew sync.WaitGroup
			b.ResetTimer()
			for range workers {
				crew.Go(func() {
					for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
						j := benchJob(int(n-1)%50, int(n-1))
						j.Seq = n
						it := benchItem(int(n-1)%50, int(n-1))
						pair := portal.SyncPair{CRM: fmt.Sprintf("crm-%08d", n), UID: it.Entry.UID, Mailbox: it.Mailbox, RemoteID: it.Entry.RemoteID, Agreed: []byte(it.Entry.Body), State: portal.SyncDone}
						line := portal.SyncTransaction{At: j.MadeAt, What: "create", CRM: pair.CRM, UID: pair.UID, Mailbox: it.Mailbox, Subject: it.Entry.Subject, Result: "done"}
						if err := s.EndSyncJob(b.Context(), portal.SyncOutcome{Job: &j, Pair: &pair, Items: []portal.SyncItem{it}, Log: []portal.SyncTransaction{line}}); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			crew.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "jobs/s")
		})
	}
}

func BenchmarkCRMPeople(b *testing.B) {
	s, _ := running(b, storage.Options{UpkeepEvery: time.Hour})
	first, last := []string{"Anna", "Bernd", "Claudia", "Dieter", "Eva", "Franz", "Gudrun", "Hans", "Ingrid", "Jürgen"}, []string{"Müller", "Schmidt", "Schneider", "Fischer", "Weber"}
	start := time.Now()
	const n = 100_000
	for at := 0; at < n; at += 1000 {
		var list []portal.CRMPerson
		for i := at; i < at+1000; i++ {
			list = append(list, portal.CRMPerson{ID: fmt.Sprintf("person-%08d", i), FirstName: first[i*7%10] + fmt.Sprint(i%977), LastName: last[i/10%5] + fmt.Sprint(i%1999),
				Email: fmt.Sprintf("mail%d@firma%d.example", i, i%3000)})
		}
		_, err := s.PutCRMPeople(b.Context(), "", list, "x")
		must(b, err)
	}
	b.Logf("%d people stored in %v", n, time.Since(start))
	for _, text := range []string{"", "s", "sc", "sch", "schmi", "schmidt1998", "exam", "example anna97", "firma17", "mu ju", "nobody"} {
		b.Run("text="+text, func(b *testing.B) {
			var took []time.Duration
			for b.Loop() {
				start := time.Now()
				if _, err := s.CRMPeople(b.Context(), text, 50); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(start))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
		})
	}
}

func BenchmarkCRMWindow(b *testing.B) {
	s, _ := running(b, storage.Options{UpkeepEvery: time.Hour})
	const n = 100_000
	for at := 0; at < n; at += 1000 {
		var list []portal.CRMAppointment
		for i := at; i < at+1000; i++ {
			a := portal.CRMAppointment{Entry: benchItem(i%200, i).Entry}
			a.ID, a.Calendar = fmt.Sprintf("crm-%08d", i), benchBox(i%200)
			a.Attendees[0].URI = benchBox(i * 7 % 200)
			list = append(list, a)
		}
		_, err := s.PutCRMAppointments(b.Context(), "", list)
		must(b, err)
	}
	from := time.Unix(1_700_000_000, 0)
	b.ResetTimer()
	for i := range b.N {
		day := from.AddDate(0, 0, i%1500)
		if _, err := s.CRMWindow(b.Context(), benchBox(i%200), day, day.AddDate(0, 0, 35)); err != nil {
			b.Fatal(err)
		}
	}
}
