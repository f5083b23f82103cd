package presence

import (
	"testing"
	"testing/synctest"
	"time"

	"portico/app/portal"
)

// A call makes somebody busy while it lasts, over meeting and activity; by hand beats it; and a telephone that is
// off the hook does not make somebody be there.
func TestACallBeatsTheCalendarAndYieldsToTheHand(t *testing.T) {
	at(t, Options{}, func(b *bench) {
		b.signIn(alice)
		b.InCall(alice, true)
		b.want("a call brings nobody here", b.orders())
		b.Attach(alice, "tab")
		b.Active(alice, "tab")
		b.want("come in the middle of it", b.orders(), "alice busy/in-a-call")
		if own := b.Own(alice); own.Activity != portal.InACall || own.ByHand {
			t.Errorf("own presence %+v", own)
		}
		b.InCall(alice, true)
		b.want("the same again is no news", b.orders())
		b.Calendar(alice, portal.CalendarState{Availability: portal.Away, Activity: portal.OutOfOffice, Until: time.Now().Add(time.Hour)})
		b.want("out of office, and talking", b.orders())
		b.Idle(alice, "tab")
		time.Sleep(20 * time.Minute)
		b.want("somebody who talks is not away", b.orders())
		if _, err := b.SetByHand(t.Context(), alice, portal.Manual{Availability: portal.Available}); err != nil {
			t.Fatal(err)
		}
		b.want("by hand", b.orders(), "alice available/")
		b.InCall(alice, false)
		b.want("hung up, still by hand", b.orders())
		if _, err := b.Reset(t.Context(), alice); err != nil {
			t.Fatal(err)
		}
		b.want("back to the calendar", b.orders(), "alice away/out-of-office")
		b.InCall(alice, true)
		b.want("called again", b.orders(), "alice busy/in-a-call")
		b.InCall(alice, false)
		b.want("hung up", b.orders(), "alice away/out-of-office")
		b.InCall(bob, true) // nobody of that name is here
		synctest.Wait()
	})
}
