package sipua_test

// The agent against Kamailio.

import (
	"context"
	"errors"
	"testing"
	"time"

	"portico/app/portal"
	"portico/app/sipua"
	"portico/app/sipua/siptest"
)

func kamailioConfig(k *siptest.Kamailio, transport string) sipua.Config {
	return sipua.Config{Domain: k.Domain(), Proxy: k.Proxy(transport)}
}

func TestKamailioTwoPeople(t *testing.T) {
	for _, transport := range []string{"tcp", "udp"} {
		t.Run(transport, func(t *testing.T) {
			k := siptest.StartKamailio(t, siptest.KamailioOptions{})
			h := newHouse()
			a := start(t, kamailioConfig(k, transport), h)
			signIn(t, a, alice)
			signIn(t, a, bob)
			if st := send(t, a, alice, bob, "m1", "hello bob"); st != portal.Delivered {
				t.Errorf("state %s, want delivered", st)
			}
			if m := h.awaitText(t, bob, "hello bob"); m.ID != "m1" || m.From != alice {
				t.Errorf("got %+v", m)
			}
			if st := send(t, a, alice, carol, "m2", "hello carol"); st != portal.Stored {
				t.Errorf("state %s, want stored", st)
			}
			a.Watch(alice, []portal.Address{alice, bob})
			a.Watch(bob, []portal.Address{alice})
			a.Publish(bob, is(portal.Busy))
			h.awaitAvailability(t, alice, bob, portal.Busy)
			a.Publish(bob, is(portal.Away))
			h.awaitAvailability(t, alice, bob, portal.Away)
			a.Unpublish(bob)
			h.awaitAvailability(t, alice, bob, portal.Offline)
			signIn(t, a, carol)
			h.awaitText(t, carol, "hello carol")
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			if err := a.SignOut(ctx, bob); err != nil {
				t.Errorf("sign out: %v", err)
			}
			k.WaitBindings("bob", 0, 5*time.Second)
		})
	}
}

func TestKamailioWrongPassword(t *testing.T) {
	k := siptest.StartKamailio(t, siptest.KamailioOptions{})
	a := start(t, kamailioConfig(k, "tcp"), newHouse())
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, err := a.SignIn(ctx, alice, "wrong")
	if !errors.Is(err, portal.ErrUnauthenticated) || portal.Reason(err) != "signin.wrong" {
		t.Errorf("got %v", err)
	}
	if a.Status(alice).Known {
		t.Error("a line is left over")
	}
	if err := a.Check(ctx, alice, "portico"); err != nil {
		t.Errorf("check: %v", err)
	}
	if err := a.Check(ctx, alice, "wrong"); !errors.Is(err, portal.ErrUnauthenticated) {
		t.Errorf("check with a wrong password: %v", err)
	}
}
