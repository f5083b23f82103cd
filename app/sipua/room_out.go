package sipua

// Outgoing MESSAGE of a room (RFC 3428): what is said in it, to those who joined with a client of their own.

import (
	"context"
	"net/http"

	"github.com/emiago/sipgo/sip"

	"portico/app/portal"
)

// SendFromRoom sends m in a room's name and waits for the server's final answer. A room has neither registration
// nor password: the server must trust this portal's address for the rooms' domain. One that asks for a password
// all the same is a final failure, ErrForbidden ("rooms.not-trusted"). Repetitions, outcome and errors are else
// those of [Agent.Send].
func (a *Agent) SendFromRoom(ctx context.Context, room portal.Address, m portal.Outgoing) (portal.Outcome, error) {
	if !a.isRoom(room) {
		return portal.Outcome{}, portal.Fail(portal.ErrInvalid, "rooms.not-here")
	}
	l := a.newLine(room, nil)
	headers := []string{"Date", m.At.UTC().Format(http.TimeFormat), idHeader, m.ID}
	if a.cfg.Auth != AuthTrusted { // where it is, every request has it
		headers = append(headers, "P-Asserted-Identity", "<"+string(room)+">")
	}
	res, err := l.message(ctx, m.To, "text/plain; charset=utf-8", []byte(m.Text), messageCallID(room, m.To, m.ID), headers...)
	if err == nil && challengeKind(res.StatusCode) >= 0 {
		a.untrusted(res)
		return portal.Outcome{}, portal.Fail(portal.ErrForbidden, "rooms.not-trusted").Because(failed(sip.MESSAGE, res))
	}
	return outcome(res, err)
}

// isRoom reports whether an address is in the rooms' domain.
func (a *Agent) isRoom(who portal.Address) bool {
	return a.cfg.RoomsDomain != "" && who.Domain() == a.cfg.RoomsDomain
}

// untrusted tells the operator, once, what the server has to be told.
func (a *Agent) untrusted(res *sip.Response) {
	if a.distrusted.Swap(true) {
		return
	}
	a.cfg.Logger.Error("the SIP server asks rooms for a password, and they have none: let it accept requests from the rooms' domain that come from this portal's address, without a challenge",
		"rooms_domain", a.cfg.RoomsDomain, "portal", a.Addr(), "status", res.StatusCode)
}
