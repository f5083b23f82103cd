package presence

import (
	"testing"
	"time"
)

// Two sessions, at the desk and on a terminal server: presence follows the one that is used, and the other's idleness says
// nothing.
func TestPresenceFollowsTheSessionThatIsUsed(t *testing.T) {
	at(t, Options{ActiveLease: 10 * time.Minute}, func(b *bench) {
		b.signIn(alice)
		b.Attach(alice, "desk")
		b.Active(alice, "desk")
		b.Attach(alice, "hosted")
		b.Idle(alice, "hosted")
		b.want("come", b.orders(), "alice available/")
		for range 20 { // an hour of work at the desk: it is said again now and then
			time.Sleep(3 * time.Minute)
			b.Active(alice, "desk")
		}
		b.want("at the desk", b.orders())
		b.Idle(alice, "desk")
		b.want("at neither", b.orders(), "alice available/inactive")
		b.Active(alice, "hosted")
		b.want("in the hosted one", b.orders(), "alice available/")
		b.Detach(alice, "desk")
		b.want("the desk was not used", b.orders())
		time.Sleep(9 * time.Minute)
		b.Idle(alice, "hosted")
		b.want("nor the hosted one then", b.orders(), "alice available/inactive")
	})
}

// A session that was cut says nothing any more, also not that nobody is there: what it said last holds for its lease.
func TestASessionThatWasCutKeepsNobodyThere(t *testing.T) {
	at(t, Options{ActiveLease: 10 * time.Minute}, func(b *bench) {
		b.signIn(alice)
		b.Attach(alice, "hosted")
		b.Active(alice, "hosted")
		b.Attach(alice, "desk")
		b.Idle(alice, "desk")
		b.want("come", b.orders(), "alice available/")
		// Cut now: no word, although its connection still stands.
		time.Sleep(10*time.Minute - time.Second)
		b.want("its word still holds", b.orders())
		time.Sleep(2 * time.Second)
		b.want("and no longer", b.orders(), "alice available/inactive")
		time.Sleep(5 * time.Minute)
		b.want("fifteen minutes after the last input", b.orders(), "alice away/")
		b.Active(alice, "hosted")
		b.want("taken up again", b.orders(), "alice available/")
	})
}

// A connection that is found dead counts as of its last word, not as of when it was found.
func TestADeadConnectionCountsAsOfItsLastWord(t *testing.T) {
	at(t, Options{ActiveLease: 10 * time.Minute}, func(b *bench) {
		b.signIn(alice)
		b.Attach(alice, "desk")
		b.Idle(alice, "desk")
		b.Attach(alice, "hosted")
		b.Active(alice, "hosted")
		b.want("come", b.orders(), "alice available/")
		time.Sleep(4 * time.Minute)
		b.Detach(alice, "hosted")
		b.want("minutes ago", b.orders())
		time.Sleep(time.Minute + time.Second)
		b.want("five minutes after its last word", b.orders(), "alice available/inactive")
		b.Detach(alice, "desk")
		time.Sleep(time.Minute)
		b.want("nobody is there", b.orders(), "alice gone")
	})
}
