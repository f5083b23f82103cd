package sipua

// What comes in for rooms: their domain's requests, which the server routes here without rewriting them.

import (
	"context"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"portico/app/portal"
	"portico/app/sipua/cpim"
	"portico/app/sipua/iscomposing"
	"portico/app/sipua/multipart"
)

const (
	roomAllow   = "MESSAGE, OPTIONS"
	roomAccepts = "text/plain, message/cpim"
)

// toRoom reports whether a request is for the rooms' domain.
func (a *Agent) toRoom(req *sip.Request) bool {
	return a.cfg.RoomsDomain != "" && strings.EqualFold(req.Recipient.Host, a.cfg.RoomsDomain)
}

// roomAsked answers a request for a room. Whether there is such a room only a message finds out.
func (a *Agent) roomAsked(req *sip.Request, tx *sip.ServerTx, began time.Time) {
	var ans answer
	switch {
	case req.Method == sip.MESSAGE:
		a.roomMessage(req, tx, began)
		return
	case req.Method == sip.OPTIONS:
		ans = answer{200, "OK", []string{"Allow", roomAllow, "Accept", roomAccepts, "Accept-Encoding", acceptEncoding, "Accept-Language", "*"}}
	case param(req.To().Params, "tag") != "", req.Method == sip.NOTIFY, req.Method == sip.BYE, req.Method == sip.CANCEL:
		ans = answer{status: 481, reason: "Call/Transaction Does Not Exist"}
	case req.Method == sip.INVITE:
		ans = answer{488, "Takes No Calls", []string{"Warning", `399 portico "A room takes messages, but no calls"`}}
	case req.Method == sip.SUBSCRIBE:
		ans = answer{status: 489, reason: "Nothing To Subscribe To"}
	default:
		ans = answer{405, "Method Not Allowed", []string{"Allow", roomAllow}}
	}
	a.respond(tx, req, ans, began)
}

// roomMessage has a MESSAGE to a room dealt with in its sender's lane.
func (a *Agent) roomMessage(req *sip.Request, tx *sip.ServerTx, began time.Time) {
	room, roomErr := portal.ParseAddress(strings.ToLower(req.Recipient.String())) // as all rooms' names are
	from, err := portal.ParseAddress(req.From().Address.String())
	var ans answer
	switch {
	case roomErr != nil:
		ans = answer{status: 404, reason: "Not Found"}
	case err != nil:
		ans = answer{status: 400, reason: "From Is Not A SIP Address"}
	case a.isRoom(from): // rooms do not talk to each other: it would never end
		ans = answer{status: 403, reason: "Rooms Are Not Members"}
	case len(req.Body()) > maxBodySize:
		ans = answer{status: 413, reason: "Request Entity Too Large"}
	default:
		work := func() {
			defer rescue(a.cfg.Logger, "taking a MESSAGE to a room", func() { a.respond(tx, req, defect, began) })
			a.respond(tx, req, a.takeForRoom(room, from, req), began)
		}
		if a.lanes.put(string(room)+" "+string(from), work) {
			return
		}
		ans = answer{503, "Too Busy", []string{"Retry-After", retrySoon}}
	}
	a.respond(tx, req, ans, began)
}

// takeForRoom reads a MESSAGE and says what it is answered. Notices and typing are nothing to a room: a
// member's client sends them unasked, and would count a refusal as a fault of the message.
func (a *Agent) takeForRoom(room, from portal.Address, req *sip.Request) answer {
	m, bad := a.unpack(room, from, req)
	if bad.status != 0 {
		return bad
	}
	switch multipart.MediaType(m.contentType) {
	case "text/plain":
	case cpim.MediaTypeIMDN, iscomposing.MediaType:
		return answer{status: 200}
	default:
		if m.wrapped != nil && m.wrapped.IsNotification() {
			return answer{status: 200}
		}
		return answer{415, "Unsupported Media Type", []string{"Accept", roomAccepts}}
	}
	text, bad := m.text()
	if bad.status != 0 {
		return bad
	}
	ctx, cancel := context.WithTimeout(context.Background(), receiveBudget)
	defer cancel()
	return a.verdict(a.h.RoomMessage(ctx, portal.RoomIncoming{Room: room, From: from, ID: m.fitID(), Text: text, At: m.at}))
}

// tooMany is the answer to somebody who shall be slower: 503 makes clients keep the message and come back, and
// its Retry-After says when (RFC 3261 section 21.5.4).
func tooMany(err error) answer {
	wait := retrySoon
	var e *portal.Error
	if errors.As(err, &e) && e.RetryAfter > 0 {
		wait = strconv.Itoa(int(math.Ceil(e.RetryAfter.Seconds())))
	}
	return answer{503, "Not So Fast", []string{"Retry-After", wait}}
}
