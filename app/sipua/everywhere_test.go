package sipua_test

// What must work with every server and over every transport.

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"portico/app/portal"
)

func contextWithCancel() (context.Context, context.CancelFunc) {
	return context.WithCancel(context.Background())
}

func within(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

func TestPeopleTalk(t *testing.T) {
	everywhere(t, func(t *testing.T, w world) {
		h := newHouse()
		a := start(t, w.cfg, h)
		signInAs(t, a, w.alice, w.password)
		signInAs(t, a, w.bob, w.password)
		if st := send(t, a, w.alice, w.bob, "m1", "Grüße aus\ndem Test 🙂"); st != portal.Delivered {
			t.Errorf("state %s, want delivered", st)
		}
		m := h.awaitText(t, w.bob, "Grüße aus\ndem Test 🙂")
		if m.ID != "m1" || m.From != w.alice || time.Since(m.At).Abs() > time.Minute || !m.WantsRead {
			t.Errorf("got %+v", m)
		}
		// bob is signed in here and so reads CPIM; what alice wraps tells bob's side that she does
		a.Watch(w.alice, []portal.Address{w.alice, w.bob})
		a.Publish(w.bob, is(portal.Available))
		h.awaitAvailability(t, w.alice, w.bob, portal.Available)
		send(t, a, w.alice, w.bob, "m2", "wrapped")
		m = h.awaitText(t, w.bob, "wrapped")
		if m.ID != "m2" || !m.WantsDelivered || !m.WantsRead {
			t.Errorf("got %+v", m)
		}
		for _, state := range []portal.State{portal.Delivered, portal.Read} {
			if err := a.SendNotice(within(t), w.bob, portal.Notice{To: w.alice, ID: "m2", State: state, At: m.At}); err != nil {
				t.Fatalf("notice %s: %v", state, err)
			}
			h.await(t, "notice "+string(state), func() bool {
				return len(h.notices) > 0 && h.notices[len(h.notices)-1].State == state && h.notices[len(h.notices)-1].ID == "m2" && h.notices[len(h.notices)-1].To == w.bob
			})
		}
		for _, on := range []bool{true, true, false} {
			if err := a.SendTyping(within(t), w.alice, w.bob, on); err != nil {
				t.Fatalf("typing: %v", err)
			}
		}
		h.await(t, "typing on and off", func() bool {
			return len(h.typing) == 2 && h.typing[0] == typed{w.bob, w.alice, true} && h.typing[1] == typed{w.bob, w.alice, false}
		})
	})
}

func TestPresenceIsSeen(t *testing.T) {
	everywhere(t, func(t *testing.T, w world) {
		h := newHouse()
		a := start(t, w.cfg, h)
		signInAs(t, a, w.alice, w.password)
		signInAs(t, a, w.bob, w.password)
		a.Watch(w.alice, []portal.Address{w.alice, w.bob})
		a.Watch(w.bob, []portal.Address{w.alice})
		h.awaitAvailability(t, w.alice, w.bob, portal.Offline)
		for _, av := range []portal.Availability{portal.Busy, portal.Away, portal.DoNotDisturb} {
			a.Publish(w.bob, is(av))
			h.awaitAvailability(t, w.alice, w.bob, av)
		}
		a.Publish(w.alice, is(portal.BeRightBack))
		h.awaitAvailability(t, w.bob, w.alice, portal.BeRightBack)
		h.awaitAvailability(t, w.alice, w.alice, portal.BeRightBack)
		h.mu.Lock()
		lease := time.Until(h.reports[[2]portal.Address{w.bob, w.alice}].Lease)
		h.mu.Unlock()
		if lease < time.Minute || lease > time.Hour+time.Second {
			t.Errorf("lease of %v", lease)
		}
		a.Unpublish(w.bob)
		h.awaitAvailability(t, w.alice, w.bob, portal.Offline)
		a.Watch(w.alice, nil)
		eventually(t, "no subscriptions of alice", func() bool { return a.Status(w.alice).Watching == 0 })
	})
}

func TestSignInAndOut(t *testing.T) {
	everywhere(t, func(t *testing.T, w world) {
		h := newHouse()
		a := start(t, w.cfg, h)
		for range 2 {
			_, err := a.SignIn(within(t), w.alice, "not the password")
			if !errors.Is(err, portal.ErrUnauthenticated) || portal.Reason(err) != "signin.wrong" {
				t.Fatalf("wrong password: %v", err)
			}
		}
		if a.Status(w.alice).Known {
			t.Error("a line is left of a failed sign-in")
		}
		if err := a.Check(within(t), w.alice, "not the password"); !errors.Is(err, portal.ErrUnauthenticated) {
			t.Errorf("check of a wrong password: %v", err)
		}
		if err := a.Check(within(t), w.alice, w.password); err != nil {
			t.Errorf("check: %v", err)
		}
		sealed := signInAs(t, a, w.alice, w.password)
		if strings.Contains(string(sealed), w.password) {
			t.Errorf("the password is in the secret: %s", sealed)
		}
		// a second session of the same person: right and wrong
		signInAs(t, a, w.alice, w.password)
		if _, err := a.SignIn(within(t), w.alice, "not the password"); !errors.Is(err, portal.ErrUnauthenticated) {
			t.Errorf("second session with a wrong password: %v", err)
		}
		if st := a.Status(w.alice); !st.Registered || time.Until(st.Expires) < 30*time.Second {
			t.Errorf("status %+v", st)
		}
		signInAs(t, a, w.bob, w.password)
		if err := a.SignOut(within(t), w.alice); err != nil {
			t.Errorf("sign out: %v", err)
		}
		if a.Status(w.alice).Known {
			t.Error("line still there")
		}
		if _, err := a.Send(within(t), w.alice, portal.Outgoing{To: w.bob, ID: "x", Text: "x", At: time.Now()}); !errors.Is(err, portal.ErrUnavailable) {
			t.Errorf("sending when signed out: %v", err)
		}
		if w.stores {
			if st := send(t, a, w.bob, w.alice, "late", "for later"); st != portal.Stored {
				t.Errorf("state %s, want stored", st)
			}
			// back by what was sealed, without the password
			a.Resume(w.alice, sealed)
			h.awaitText(t, w.alice, "for later")
			if st := send(t, a, w.alice, w.bob, "back", "I am back"); st != portal.Delivered {
				t.Errorf("state %s, want delivered", st)
			}
		}
		if got := h.edgesOf(w.alice); len(got) < 1 || got[0] != "up" {
			t.Errorf("edges %v", got)
		}
	})
}
