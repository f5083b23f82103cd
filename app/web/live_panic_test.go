package web

import (
	"context"
	"testing"

	"portico/app/chat"
	"portico/app/portal"
)

// broken is a chat with a defect.
type broken struct{ Chat }

func (broken) Say(context.Context, portal.Address, chat.Draft) (portal.Message, error) {
	panic("a defect")
}

// A defect that one frame meets is answered to its sender and harms nobody, the connection included.
func TestAPanicCostsOneFrame(t *testing.T) {
	h := newHouse(t, func(s *settings) { s.chat = func(c Chat) Chat { return broken{c} } })
	c := h.signIn(alice)
	live := c.dial(protocolJSON, "")
	live.next("hello")
	live.send(`{"op":"send","id":"m1","conversation":"sip:bob@example.test","text":"x"}`)
	if got := live.next("error"); got["id"] != "m1" || got["reason_key"] != "internal" {
		t.Errorf("answered %v", got)
	}
	live.send(`{"op":"ping"}`)
	live.next("pong")
}
