package sipua

// Incoming MESSAGE (RFC 3428): what is said, noticed and typed to people here.

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"net/http"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/emiago/sipgo/sip"

	"portico/app/portal"
	"portico/app/sipua/cpim"
	"portico/app/sipua/iscomposing"
	"portico/app/sipua/multipart"
)

// receiveBudget is how long the house may take to store a message before the peer is told to come back.
const receiveBudget = 10 * time.Second

// idHeader carries the message's id where the body has no place for it, so that a repetition by
// another way is known as one.
const idHeader = "X-Portico-Message-ID"

// messageCame finds whom a MESSAGE is for and lets a lane deal with it.
func (a *Agent) messageCame(req *sip.Request, tx *sip.ServerTx, began time.Time) {
	l := a.find(req)
	from, err := portal.ParseAddress(req.From().Address.String())
	var ans answer
	switch {
	case l == nil:
		ans = answer{status: 404, reason: "Not Signed In Here"}
	case err != nil:
		ans = answer{status: 400, reason: "From Is Not A SIP Address"}
	case len(req.Body()) > maxBodySize:
		ans = answer{status: 413, reason: "Request Entity Too Large"}
	default:
		work := func() {
			defer rescue(a.cfg.Logger, "taking a MESSAGE", func() { a.respond(tx, req, defect, began) })
			a.respond(tx, req, a.take(l, from, req), began)
		}
		if a.lanes.put(string(l.who)+" "+string(from), work) {
			return
		}
		ans = answer{503, "Too Busy", []string{"Retry-After", retrySoon}}
	}
	a.respond(tx, req, ans, began)
}

// arrival is a MESSAGE after its wrapping is off.
type arrival struct {
	to, from    portal.Address
	contentType string
	body        []byte
	id          string
	at          time.Time
	ours        bool // the sender is a portal like this one, which names its messages and reads notices about them
	wrapped     *cpim.Message
	stored      bool // it comes out of the server's store, and its sender was told so long ago
}

var (
	unsupportedType     = answer{415, "Unsupported Media Type", []string{"Accept", acceptTypes}}
	unsupportedEncoding = answer{415, "Unsupported Content-Encoding", []string{"Accept-Encoding", acceptEncoding}}
)

// take reads a MESSAGE and says what it is answered.
func (a *Agent) take(l *line, from portal.Address, req *sip.Request) answer {
	m, bad := a.unpack(l.who, from, req)
	if bad.status != 0 {
		return bad
	}
	ctx, cancel := context.WithTimeout(context.Background(), receiveBudget)
	defer cancel()
	switch multipart.MediaType(m.contentType) {
	case "text/plain":
		return a.takeText(ctx, m)
	case cpim.MediaTypeIMDN:
		return a.takeNotice(ctx, m)
	case iscomposing.MediaType:
		return a.takeTyping(m)
	}
	if m.wrapped != nil && m.wrapped.IsNotification() {
		return answer{status: 200} // a notice of a kind we do not know harms nobody
	}
	return unsupportedType
}

// unpack takes the wrapping off a MESSAGE: its encoding, and CPIM. Bad is its answer where that cannot be done.
func (a *Agent) unpack(to, from portal.Address, req *sip.Request) (m arrival, bad answer) {
	body, err := decodeBody(headerValue(req, "Content-Encoding", "e"), req.Body())
	if errors.Is(err, errEncoding) {
		return m, unsupportedEncoding
	}
	if err != nil {
		return m, answer{status: 400, reason: "Body Cannot Be Decompressed"}
	}
	m = arrival{to: to, from: from, contentType: headerValue(req, "Content-Type", "c"), body: body, id: stableID(req), at: sentAt(req)}
	if m.contentType == "" && len(body) > 0 {
		m.contentType = "text/plain"
	}
	m.ours = fitsID(headerValue(req, idHeader))
	m.stored = fromStore(req)
	if m.lostItsType() {
		m.contentType = cpim.MediaType
	}
	if multipart.MediaType(m.contentType) != cpim.MediaType {
		return m, answer{}
	}
	w, err := cpim.Parse(body)
	if err != nil {
		a.cfg.Logger.Info("CPIM not understood", "from", from, "error", err)
		return m, answer{status: 400, reason: "Malformed CPIM"}
	}
	m.unwrap(&w)
	a.caps.readsCPIM(from)
	return m, answer{}
}

// lostItsType reports whether a text is in truth a CPIM message from this sender to this receiver: there
// are offline stores (Kamailio's) that hand everything over as text.
func (m *arrival) lostItsType() bool {
	if multipart.MediaType(m.contentType) != "text/plain" || !bytes.HasPrefix(m.body, []byte("From:")) {
		return false
	}
	w, err := cpim.Parse(m.body)
	return err == nil && w.MessageID != "" && w.From.URI == string(m.from) &&
		slices.ContainsFunc(w.To, func(p cpim.Party) bool { return p.URI == string(m.to) })
}

// unwrap takes content, id and time from a CPIM wrapper.
func (m *arrival) unwrap(w *cpim.Message) {
	m.wrapped, m.contentType, m.body = w, w.ContentType, w.Body
	if w.MessageID != "" {
		m.id = w.MessageID
	}
	if !w.DateTime.IsZero() {
		m.at = w.DateTime
	}
}

func (a *Agent) takeText(ctx context.Context, m arrival) answer {
	text, bad := m.text()
	if bad.status != 0 {
		return bad
	}
	in := portal.Incoming{To: m.to, From: m.from, ID: m.fitID(), Text: text, At: m.at}
	if m.wrapped != nil && fitsID(m.wrapped.MessageID) {
		in.WantsDelivered, in.WantsRead = m.wrapped.Wants(cpim.PositiveDelivery), m.wrapped.Wants(cpim.Display)
	} else if m.wrapped == nil && m.ours {
		in.WantsDelivered, in.WantsRead = true, true
	}
	err := a.h.Receive(ctx, in)
	if m.stored && portal.Reason(err) == unreachableKey {
		return answer{status: 200} // else the store would hand it over again at each registration; nobody is told
	}
	return a.verdict(err)
}

// fromStore reports whether Kamailio's offline store (msilo) sends what it kept: the server itself is the user agent then,
// or the Contact says so.
func fromStore(req *sip.Request) bool {
	if strings.HasPrefix(strings.ToLower(headerValue(req, "User-Agent")), "kamailio") {
		return true
	}
	return slices.ContainsFunc(contacts(req), func(c nameAddr) bool { return c.param("msilo") == "yes" })
}

// text reads what is said, without an offline store's additions. Where nothing is, or it cannot be taken, the
// answer is given instead.
func (m *arrival) text() (string, answer) {
	if len(m.body) == 0 {
		return "", answer{status: 200}
	}
	text, ok := decodeText(m.contentType, m.body)
	if !ok {
		return "", answer{status: 400, reason: "Text Is Not In Its Charset"}
	}
	if m.wrapped == nil {
		text, m.at = afterStorage(text, m.at)
	}
	switch {
	case text == "":
		return "", answer{status: 200}
	case len(text) > portal.MaxTextLen:
		return "", answer{status: 413, reason: "Message Too Long"}
	}
	return text, answer{}
}

// fitID is the message's id as the log can keep it.
func (m *arrival) fitID() string {
	if !fitsID(m.id) {
		return hashID(m.id)
	}
	return m.id
}

func fitsID(id string) bool {
	return id != "" && utf8.ValidString(id) && utf8.RuneCountInString(id) <= portal.MaxIDLen
}

func (a *Agent) takeNotice(ctx context.Context, m arrival) answer {
	n, err := cpim.ParseIMDN(m.body)
	if err != nil { // linphone compresses notices, and an offline store loses Content-Encoding
		if body, inflated := decodeBody("deflate", m.body); inflated == nil {
			n, err = cpim.ParseIMDN(body)
		}
	}
	if err != nil {
		a.cfg.Logger.Info("notice not understood", "from", m.from, "error", err)
		return answer{status: 400, reason: "Malformed IMDN"}
	}
	state := portal.State("")
	switch {
	case n.Status == cpim.Delivered:
		state = portal.Delivered
	case n.Status == cpim.Displayed:
		state = portal.Read
	case n.Kind == cpim.KindDelivery: // failed, forbidden, error
		state = portal.Failed
	}
	id := messageOf(m.to, m.from, n.MessageID)
	if state == "" || !fitsID(id) {
		return answer{status: 200} // processing and the like change nothing
	}
	err = a.h.ReceiveNotice(ctx, m.to, portal.Notice{To: m.from, ID: id, State: state, At: m.at})
	if errors.Is(err, portal.ErrNotFound) {
		return answer{status: 200} // about a message we no longer know
	}
	return a.verdict(err)
}

func (a *Agent) takeTyping(m arrival) answer {
	s, err := iscomposing.Parse(m.body)
	if err != nil {
		return answer{status: 400, reason: "Malformed isComposing"}
	}
	if time.Since(m.at) < s.Holds() { // offline stores keep even these
		a.h.ReceiveTyping(m.to, m.from, s.Active, s.Holds())
	}
	return answer{status: 200}
}

// unreachableKey is the reason of the house for not taking what somebody sends who must not know why.
const unreachableKey = "message.unreachable"

// verdict is the table from the house's meanings to SIP.
func (a *Agent) verdict(err error) answer {
	switch {
	case err == nil:
		return answer{status: 200}
	case portal.Reason(err) == unreachableKey: // as for somebody who is not there
		return answer{status: 480, reason: "Temporarily Unavailable"}
	case errors.Is(err, portal.ErrNotFound):
		return answer{status: 404, reason: "Not Found"}
	case errors.Is(err, portal.ErrForbidden):
		return answer{status: 403, reason: "Forbidden"}
	case errors.Is(err, portal.ErrInvalid):
		return answer{status: 400, reason: "Bad Message"}
	case errors.Is(err, portal.ErrTooMany):
		return tooMany(err)
	}
	a.cfg.Logger.Warn("message not stored", "error", err)
	return answer{503, "Cannot Store Now", []string{"Retry-After", retrySoon}}
}

// stableID names a message by what stays the same over retransmissions and forks.
func stableID(req *sip.Request) string {
	if id := headerValue(req, idHeader); fitsID(id) {
		return id
	}
	return hashID(strings.Join([]string{headerValue(req, "Call-ID", "i"), headerValue(req, "CSeq"), req.From().Address.String(), param(req.From().Params, "tag")}, "\x00"))
}

func hashID(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "sip-" + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:20]))
}

// sentAt is the Date header's time where there is one that can be (a clock far in the future is wrong),
// else now.
func sentAt(req *sip.Request) time.Time {
	now := time.Now()
	date := headerValue(req, "Date")
	t, err := time.Parse(http.TimeFormat, date)
	if err != nil { // not quite as RFC 3261 section 20.17 has it
		t, err = mail.ParseDate(date)
	}
	if err != nil || t.After(now.Add(time.Minute)) || t.Before(now.AddDate(-1, 0, 0)) {
		return now.UTC()
	}
	return t.UTC()
}

// decodeText reads text in the charset its type names: UTF-8 (also by default), US-ASCII, ISO 8859-1.
// Line ends become "\n".
func decodeText(contentType string, body []byte) (string, bool) {
	text := string(body)
	switch strings.ToLower(typeParam(contentType, "charset")) {
	case "iso-8859-1", "latin1", "windows-1252":
		if !utf8.ValidString(text) {
			runes := make([]rune, len(body))
			for i, b := range body {
				runes[i] = rune(b)
			}
			text = string(runes)
		}
	}
	if !utf8.ValidString(text) {
		return "", false
	}
	return strings.ReplaceAll(text, "\r\n", "\n"), true
}

func typeParam(contentType, name string) string {
	_, params, _ := strings.Cut(contentType, ";")
	for p := range strings.SplitSeq(params, ";") {
		k, v, _ := strings.Cut(p, "=")
		if strings.EqualFold(strings.TrimSpace(k), name) {
			return strings.Trim(strings.TrimSpace(v), `"`)
		}
	}
	return ""
}

// storedPrefix is what Kamailio's offline store (msilo) writes before a text it kept.
var storedPrefix = regexp.MustCompile(`^\[Offline message - ((?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4})\] `)

// afterStorage takes the store's prefix off. The time in it is the server's local one and coarser than
// the Date header, which the store sets to the time it got the message; so the latter stands.
func afterStorage(text string, at time.Time) (string, time.Time) {
	if prefix := storedPrefix.FindString(text); prefix != "" {
		return text[len(prefix):], at
	}
	return text, at
}
