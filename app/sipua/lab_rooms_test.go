package sipua_test

// Rooms and calls through the lab, as the demo has them.

import (
	"context"
	"errors"
	"testing"
	"time"

	"portico/app/portal"
	"portico/app/sipua/siptest"
)

func TestRoomsThroughTheLab(t *testing.T) {
	for _, transport := range []string{"tcp", "udp"} {
		t.Run(transport, func(t *testing.T) {
			w := labWorld(t, transport)
			w.cfg.RoomsDomain = "rooms.example.test"
			h := newHouse()
			a := start(t, w.cfg, h)
			signIn(t, a, alice)
			signIn(t, a, bob)
			write := portal.Outgoing{To: team, ID: "1", Text: "grüße", At: time.Now()}
			if _, err := a.Send(within(t), alice, write); !errors.Is(err, portal.ErrForbidden) {
				t.Errorf("before the lab knows of rooms: %v", err)
			}
			if err := w.lab.Neighbour("rooms.example.test", "sip:"+a.Addr()+";transport="+transport); err != nil {
				t.Fatal(err)
			}
			if _, err := a.Send(within(t), alice, write); err != nil {
				t.Fatal(err)
			}
			if m := h.saidIn(t, team, "grüße"); m.From != alice || m.ID != "1" {
				t.Errorf("%+v", m)
			}
			out, err := a.SendFromRoom(within(t), team, portal.Outgoing{To: bob, ID: "2", Text: "Alice: grüße", At: time.Now()})
			if err != nil || out.State != portal.Delivered {
				t.Fatalf("%s, %v", out.State, err)
			}
			if m := h.awaitText(t, bob, "Alice: grüße"); m.From != team || m.ID != "2" {
				t.Errorf("%+v", m)
			}
			h.note(func() {
				h.takeRoom = func(context.Context, portal.RoomIncoming) error {
					return portal.Fail(portal.ErrForbidden, "room.members-only")
				}
			})
			if _, err := a.Send(within(t), alice, write); portal.Reason(err) != "send.forbidden" {
				t.Errorf("a room that does not take it: %v", err)
			}
		})
	}
}

// A call that another device takes, and one that nobody does, with the lab as the proxy that forks them.
func TestCallsThroughTheLab(t *testing.T) {
	w := labWorld(t, "tcp")
	h := newHouse()
	a := start(t, w.cfg, h)
	client := func(user string) *siptest.BaresipClient {
		return siptest.Baresip(t, siptest.ClientOptions{Proxy: w.lab.Addr(), User: user, NoPublish: true})
	}
	device, caller := client("alice"), client("bob")
	signIn(t, a, alice)
	caller.Dial("alice")
	device.Answer(patience)
	if r := h.rung(t, alice, 1); !r.Taken || r.From != bob {
		t.Errorf("%+v", r)
	}
	device.HangUp()
	caller.ExpectCall(siptest.NoCall, patience)
	caller.Dial("alice")
	device.ExpectCall(siptest.CallIncoming, patience)
	caller.HangUp()
	if r := h.rung(t, alice, 2); r.Taken {
		t.Errorf("%+v", r)
	}
	device.ExpectCall(siptest.NoCall, patience)
	device.Close()
}
