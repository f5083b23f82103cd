package presence

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"portico/app/portal"
)

// TestSnapshotSinceAMoment: what changed after a page began to be read, whatever it has become since, and nothing else; everything
// where the moment is not this board's.
func TestSnapshotSinceAMoment(t *testing.T) {
	at(t, Options{}, func(b *bench) {
		b.signIn(alice)
		b.SetContacts(alice, []portal.Address{bob, carol})
		b.Attach(alice, "tab")
		lease := func(of portal.Address, long time.Duration, a portal.Availability) {
			r := says(of, phone(a))
			r.Lease = b.o.Now().Add(long)
			b.Notified(alice, r)
		}
		lease(bob, time.Hour, portal.Available)
		lease(carol, time.Hour, portal.Available)
		synctest.Wait()
		others := func(since uint64) (told string) {
			for _, p := range b.Snapshot(alice, since)[1:] {
				told += fmt.Sprintf("%s %s;", p.URI, p.Availability)
			}
			return told
		}
		want := func(what string, since uint64, told string) {
			t.Helper()
			if got := others(since); got != told {
				t.Errorf("%s: told %q, not %q", what, got, told)
			}
		}
		all := others(0)
		page := b.Moment()
		want("nothing happened", page, "")
		lease(bob, time.Hour, portal.Busy)
		lease(bob, time.Hour, portal.Available)
		want("changed and changed back before it was told", page, string(bob)+" available;")
		synctest.Wait()
		want("and after", page, string(bob)+" available;")
		later := b.Moment()
		want("a later page has that", later, "")
		lease(carol, time.Minute, portal.Away)
		synctest.Wait()
		want("the first page lacks both", page, others(0))
		want("the later one a single one", later, string(carol)+" away;")
		third := b.Moment()
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		want("a word that came to its end", third, string(carol)+" unknown;")
		b.Watch(alice, "tab", []portal.Address{"sip:dave@example.test"})
		want("somebody who was not watched", third, string(carol)+" unknown;sip:dave@example.test unknown;")
		if all == "" || others(0) == "" {
			t.Error("without a moment nothing is told")
		}
		other := New(discard{}, newMemory(), Options{})
		want("another board's moment", other.Moment(), others(0))
		want("rubbish", 1<<63, others(0))
	})
}
