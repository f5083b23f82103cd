package sipua

// Outgoing MESSAGE (RFC 3428): messages and notices.

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"portico/app/portal"
	"portico/app/sipua/cpim"
)

// maxMessageBody is the largest body that is sent: servers close the connection when a whole request
// passes 16 KB.
const maxMessageBody = 14 << 10

// Send sends m as its sender and waits for the server's final answer. Where the peer is known to read
// CPIM, notices of delivery and reading are asked for (RFC 5438). A repetition has the same Call-ID
// and id. An error that means ErrUnavailable may pass (RetryAfter is what the server asked for); any
// other is final. The error's key is the sentence for people.
func (a *Agent) Send(ctx context.Context, from portal.Address, m portal.Outgoing) (portal.Outcome, error) {
	l, err := a.speaker(ctx, from)
	if err != nil {
		return portal.Outcome{}, err
	}
	l.forgetTyping(m.To)
	if err := a.awaitReturn(ctx, m.To); err != nil {
		return outcome(nil, err)
	}
	// Stores for those who are away may lose the content type (Kamailio's does): plain text survives that.
	wrap := l.takesCPIM(m.To) && !l.seemsAway(m.To)
	for {
		contentType, body := "text/plain; charset=utf-8", []byte(m.Text)
		if wrap {
			contentType = cpim.MediaType
			if body, err = wrapped(from, m); err != nil {
				return portal.Outcome{}, portal.Fail(portal.ErrInvalid, "send.not-sent").Because(err)
			}
		}
		res, err := l.message(ctx, m.To, contentType, body, messageCallID(from, m.To, m.ID), "Date", m.At.UTC().Format(http.TimeFormat), idHeader, m.ID)
		if err == nil && wrap && refusesType(res.StatusCode) {
			a.caps.refusesCPIM(m.To)
			wrap = false
			continue
		}
		return outcome(res, err)
	}
}

func refusesType(status int) bool {
	return status == sip.StatusUnsupportedMediaType || status == sip.StatusNotAcceptableHere || status == sip.StatusNotAcceptable
}

// messageCallID is the same for each try of the same message, and holds its id: there are clients
// (linphone) that send notices about messages without CPIM, naming them by Call-ID.
func messageCallID(from, to portal.Address, id string) string {
	sum := sha256.Sum256([]byte(string(from) + "\x00" + string(to) + "\x00" + id))
	return url.QueryEscape(id) + "@" + hex.EncodeToString(sum[:8])
}

// messageOf undoes messageCallID; any other id stays as it is.
func messageOf(from, to portal.Address, named string) string {
	if i := strings.LastIndexByte(named, '@'); i > 0 {
		if id, err := url.QueryUnescape(named[:i]); err == nil && messageCallID(from, to, id) == named {
			return id
		}
	}
	return named
}

func wrapped(from portal.Address, m portal.Outgoing) ([]byte, error) {
	return cpim.Message{
		From: cpim.Party{URI: string(from)}, To: []cpim.Party{{URI: string(m.To)}}, DateTime: m.At, MessageID: m.ID,
		Dispositions: []string{cpim.PositiveDelivery, cpim.Display}, ContentType: "text/plain; charset=utf-8", Body: []byte(m.Text),
	}.Encode()
}

// SendNotice tells n.To what became of a message of theirs. Nothing is sent to somebody known to be
// offline (servers store such things and deliver them as text): then the error means ErrUnavailable,
// "notice.away".
func (a *Agent) SendNotice(ctx context.Context, from portal.Address, n portal.Notice) error {
	l, err := a.speaker(ctx, from)
	if err != nil {
		return err
	}
	if err := a.awaitReturn(ctx, n.To); err != nil {
		return portal.Fail(portal.ErrUnavailable, "notice.away").Because(err)
	}
	if l.seemsAway(n.To) {
		return portal.Fail(portal.ErrUnavailable, "notice.away")
	}
	kind, status := cpim.KindDelivery, cpim.Delivered
	switch n.State {
	case portal.Read:
		kind, status = cpim.KindDisplay, cpim.Displayed
	case portal.Failed:
		status = cpim.Failed
	}
	about := cpim.Message{From: cpim.Party{URI: string(n.To)}, To: []cpim.Party{{URI: string(from)}}, MessageID: n.ID, DateTime: n.At}
	notice, err := cpim.Notification(about, cpim.Party{URI: string(from)}, kind, status, token(12), time.Now())
	if err != nil {
		return portal.Fail(portal.ErrInvalid, "notice.invalid").Because(err)
	}
	body, err := notice.Encode()
	if err != nil {
		return portal.Fail(portal.ErrInvalid, "notice.invalid").Because(err)
	}
	_, err = outcome(l.message(ctx, n.To, cpim.MediaType, body, token(16)))
	return err
}

// returnBudget is how long a message waits for its receiver to be registered again.
const returnBudget = 10 * time.Second

// awaitReturn waits while to is one of our own people whose registration was lost and is being renewed:
// meanwhile the server would store the message and hand it over late, after newer ones, and perhaps under
// another id. Whoever is not back in time gets it as anybody who is away.
func (a *Agent) awaitReturn(ctx context.Context, to portal.Address) error {
	l := a.line(to)
	if l == nil {
		return nil
	}
	late := time.NewTimer(returnBudget)
	defer late.Stop()
	for {
		back := l.returning()
		if back == nil {
			return nil
		}
		select {
		case <-back:
		case <-late.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// returning is nil for a line that is registered or has no prospect of it; else it is closed when that
// changes to the better.
func (l *line) returning() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.gone || l.joining || l.refused != nil || l.registeredNow() {
		return nil
	}
	if l.back == nil {
		l.back = make(chan struct{})
	}
	return l.back
}

// seemsAway reports whether nobody is there as far as is known. Whoever is registered here is there,
// whatever their presence says.
func (l *line) seemsAway(who portal.Address) bool {
	if !l.knowsOffline(who) {
		return false
	}
	other := l.a.line(who)
	if other == nil {
		return true
	}
	other.mu.Lock()
	defer other.mu.Unlock()
	return !other.registeredNow()
}

// speaker is the line of somebody who wants to send. It waits for a first sign-in that is under way: the
// server hands over what it kept as soon as it has said yes, and the notices about that are due before the
// sign-in has ended.
func (a *Agent) speaker(ctx context.Context, from portal.Address) (*line, error) {
	l := a.line(from)
	if l == nil {
		return nil, portal.Fail(portal.ErrUnavailable, "send.signed-out")
	}
	if l.settled != nil {
		select {
		case <-l.settled:
		case <-ctx.Done():
			return nil, portal.Fail(portal.ErrUnavailable, "send.signed-out").Because(ctx.Err())
		}
	}
	l.mu.Lock()
	refused, gone := l.refused, l.gone
	l.mu.Unlock()
	if refused != nil {
		return nil, portal.Fail(portal.ErrUnavailable, "send.refused").Because(refused)
	}
	if gone {
		return nil, portal.Fail(portal.ErrUnavailable, "send.signed-out")
	}
	return l, nil
}

// message sends one MESSAGE; headers are name, value, name, value ….
func (l *line) message(ctx context.Context, to portal.Address, contentType string, body []byte, callID string, headers ...string) (*sip.Response, error) {
	if len(body) > maxMessageBody {
		return nil, portal.Fail(portal.ErrInvalid, "send.too-large")
	}
	res, _, err := l.ask(ctx, l.credentials(), query{
		method: sip.MESSAGE, uri: string(to), to: to, callID: callID, fromTag: tagFor(callID), cseq: counted(),
		headers: headers, contentType: contentType, body: body,
	})
	return res, err
}

// tagFor makes the From tag of a Call-ID, so that it too is the same for each try.
func tagFor(callID string) string {
	sum := sha256.Sum256([]byte("tag\x00" + callID))
	return hex.EncodeToString(sum[:6])
}

// outcome gives the server's answer its meaning and sentence.
func outcome(res *sip.Response, err error) (portal.Outcome, error) {
	var known *portal.Error
	switch {
	case errors.As(err, &known):
		return portal.Outcome{}, err
	case errors.Is(err, errRefused), errors.Is(err, errNoSecret):
		return portal.Outcome{}, portal.Fail(portal.ErrForbidden, "send.not-authorised").Because(err)
	case err != nil:
		return portal.Outcome{}, portal.Fail(portal.ErrUnavailable, "send.server-away").Because(err)
	}
	switch {
	case res.StatusCode == sip.StatusAccepted:
		return portal.Outcome{State: portal.Stored}, nil
	case res.StatusCode == sip.StatusOK:
		return portal.Outcome{State: portal.Delivered}, nil
	case res.StatusCode/100 == 2:
		return portal.Outcome{State: portal.Sent}, nil
	}
	cause := failed(sip.MESSAGE, res)
	for _, f := range failures {
		if f.covers(res.StatusCode) {
			return portal.Outcome{}, portal.Fail(f.meaning, f.key).Because(cause).After(retryAfter(res))
		}
	}
	return portal.Outcome{}, portal.Fail(portal.ErrUnavailable, "send.failed").Because(cause)
}

// failure is a line of the table from SIP statuses to sentences.
type failure struct {
	from, to int
	meaning  error
	key      string
}

func (f failure) covers(status int) bool { return status >= f.from && status <= f.to }

// failures is read from the top; what means ErrUnavailable may be tried again, all else is final.
var failures = []failure{
	{300, 399, portal.ErrNotFound, "send.moved"},
	{400, 400, portal.ErrInvalid, "send.bad-request"},
	{401, 401, portal.ErrForbidden, "send.not-authorised"},
	{402, 402, portal.ErrForbidden, "send.payment"},
	{403, 403, portal.ErrForbidden, "send.forbidden"},
	{404, 404, portal.ErrNotFound, "send.not-found"},
	{405, 405, portal.ErrInvalid, "send.no-messages"},
	{406, 406, portal.ErrInvalid, "send.unsupported"},
	{407, 407, portal.ErrForbidden, "send.not-authorised"},
	{408, 408, portal.ErrNotFound, "send.unavailable"},
	{410, 410, portal.ErrNotFound, "send.gone"},
	{413, 413, portal.ErrInvalid, "send.too-large"},
	{414, 414, portal.ErrInvalid, "send.bad-request"},
	{415, 415, portal.ErrInvalid, "send.unsupported"},
	{416, 416, portal.ErrInvalid, "send.bad-address"},
	{420, 421, portal.ErrInvalid, "send.unsupported"},
	{480, 480, portal.ErrNotFound, "send.unavailable"},
	{482, 483, portal.ErrInvalid, "send.loop"},
	{484, 484, portal.ErrInvalid, "send.bad-address"},
	{485, 485, portal.ErrInvalid, "send.ambiguous"},
	{486, 486, portal.ErrConflict, "send.busy"},
	{488, 488, portal.ErrInvalid, "send.unsupported"},
	{491, 491, portal.ErrUnavailable, "send.server-error"},
	{493, 494, portal.ErrForbidden, "send.not-secure"},
	{501, 501, portal.ErrInvalid, "send.no-messages"},
	{503, 503, portal.ErrUnavailable, "send.server-away"},
	{504, 504, portal.ErrUnavailable, "send.server-away"},
	{505, 505, portal.ErrInvalid, "send.unsupported"},
	{513, 513, portal.ErrInvalid, "send.too-large"},
	{500, 599, portal.ErrUnavailable, "send.server-error"},
	{600, 600, portal.ErrConflict, "send.busy"},
	{603, 603, portal.ErrForbidden, "send.declined"},
	{604, 604, portal.ErrNotFound, "send.not-found"},
	{606, 606, portal.ErrInvalid, "send.unsupported"},
	{607, 608, portal.ErrForbidden, "send.declined"},
	{400, 499, portal.ErrInvalid, "send.failed"},
	{600, 699, portal.ErrForbidden, "send.declined"},
}
