package sipua

// A request of a person and its answer, through the challenges in between.

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"portico/app/portal"
)

var (
	// errNoFlow: the proxy cannot be reached now.
	errNoFlow = errors.New("no connection to the proxy")
	// errRefused: the server refused the credentials although its nonce was fresh.
	errRefused = errors.New("credentials refused")
)

// maxChallenges bounds how often one request is challenged: the proxy's and the server's nonce, each
// of them stale once, and one to spare.
const maxChallenges = 5

// query is a request to be sent as a person.
type query struct {
	method sip.RequestMethod
	// uri is the Request-URI as text.
	uri string
	to  portal.Address
	// callID, fromTag, toTag as in the dialog or registration this belongs to; toTag may be empty.
	callID, fromTag, toTag string
	// cseq gives the number of the next try.
	cseq func() uint32
	// route is the route set, one Route header value each.
	route []string
	// contact asks for a Contact header; contactParams follow it.
	contact       bool
	contactParams string
	// headers are name, value, name, value …
	headers     []string
	contentType string
	body        []byte
}

// counted gives 1, 2, 3 … for requests outside of dialogs.
func counted() func() uint32 {
	n := uint32(0)
	return func() uint32 { n++; return n }
}

// ask sends q as l's person on the line's link and answers challenges with c. The response is final
// and not a challenge. Errors: errNoFlow, errFlowClosed, sip.ErrTransactionTimeout, errRefused,
// errNoSecret, those of ctx.
//
// When the line's own credentials are refused, the line stops: trying again could lock the account.
func (l *line) ask(ctx context.Context, c *credentials, q query) (*sip.Response, *flow, error) {
	var res *sip.Response
	var f *flow
	err := attempt(l.a.cfg.Logger, string(q.method), func() (err error) {
		res, f, err = l.exchange(ctx, c, q)
		return err
	})
	if c != nil && (errors.Is(err, errRefused) || errors.Is(err, errNoSecret)) && c == l.credentials() {
		l.refuse(signInError(err))
	}
	return res, f, err
}

// exchange is ask without its consequences.
func (l *line) exchange(ctx context.Context, c *credentials, q query) (*sip.Response, *flow, error) {
	f := l.link.flow()
	if f == nil {
		return nil, nil, errNoFlow
	}
	var fresh [2]bool
	for range maxChallenges {
		req, err := l.request(f, c, q)
		if err != nil {
			return nil, f, err
		}
		res, err := l.a.sendWithin(ctx, f, req)
		if err != nil {
			return nil, f, fmt.Errorf("%s: %w", q.method, err)
		}
		kind := challengeKind(res.StatusCode)
		if kind < 0 || c == nil {
			return res, f, nil
		}
		n, err := c.challenge(res)
		if err != nil {
			return nil, f, fmt.Errorf("%s: %w", q.method, err)
		}
		// A nonce that the server gave in this very exchange and refuses now, without calling it
		// stale, means a wrong password. An older one may have expired whatever the server says.
		if fresh[kind] && !n.chal.Stale {
			return nil, f, fmt.Errorf("%s: %w", q.method, errRefused)
		}
		fresh[kind] = true
		l.setNonce(kind, n)
	}
	return nil, f, fmt.Errorf("%s: challenged over and over: %w", q.method, errRefused)
}

// challengeKind is 0 for 401, 1 for 407, -1 for all else.
func challengeKind(status int) int {
	switch status {
	case sip.StatusUnauthorized:
		return 0
	case sip.StatusProxyAuthRequired:
		return 1
	}
	return -1
}

// request builds one try of q.
func (l *line) request(f *flow, c *credentials, q query) (*sip.Request, error) {
	req, err := l.a.newRequest(f, q.method, q.uri)
	if err != nil {
		return nil, err
	}
	for _, r := range q.route {
		req.AppendHeader(sip.NewHeader("Route", r))
	}
	req.AppendHeader(sip.NewHeader("From", "<"+string(l.who)+">;tag="+q.fromTag))
	to := "<" + string(q.to) + ">"
	if q.toTag != "" {
		to += ";tag=" + q.toTag
	}
	req.AppendHeader(sip.NewHeader("To", to))
	req.AppendHeader(sip.NewHeader("Call-ID", q.callID))
	req.AppendHeader(&sip.CSeqHeader{SeqNo: q.cseq(), MethodName: q.method})
	if q.contact {
		req.AppendHeader(sip.NewHeader("Contact", "<"+l.contact(f)+">"+q.contactParams))
	}
	for i := 0; i+1 < len(q.headers); i += 2 {
		req.AppendHeader(sip.NewHeader(q.headers[i], q.headers[i+1]))
	}
	if l.a.cfg.Auth == AuthTrusted {
		req.AppendHeader(sip.NewHeader("P-Asserted-Identity", "<"+string(l.who)+">"))
	} else if c != nil {
		if err := l.authorise(req, c); err != nil {
			return nil, err
		}
	}
	if q.contentType != "" {
		req.AppendHeader(sip.NewHeader("Content-Type", q.contentType))
	}
	req.SetBody(q.body)
	return req, nil
}

// newRequest begins a request: start line, Via, Max-Forwards, User-Agent.
func (a *Agent) newRequest(f *flow, method sip.RequestMethod, uri string) (*sip.Request, error) {
	var target sip.Uri
	if err := sip.ParseUri(uri, &target); err != nil {
		return nil, fmt.Errorf("request target %q: %w", uri, err)
	}
	req := sip.NewRequest(method, target)
	req.SetTransport(f.network)
	via := &sip.ViaHeader{ProtocolName: "SIP", ProtocolVersion: "2.0", Transport: f.network, Host: f.host, Port: f.port}
	via.Params.Add("branch", sip.GenerateBranchN(20))
	if !f.reliable() {
		via.Params.Add("rport", "")
	}
	req.AppendHeader(via)
	req.AppendHeader(sip.NewHeader("Max-Forwards", "70"))
	req.AppendHeader(sip.NewHeader("User-Agent", a.cfg.UserAgent))
	return req, nil
}

// authorise adds what the cached nonces allow.
func (l *line) authorise(req *sip.Request, c *credentials) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for kind, name := range [...]string{"Authorization", "Proxy-Authorization"} {
		n := l.nonces[kind]
		if n == nil {
			continue
		}
		value, err := c.answer(n, string(req.Method), req.Recipient.String())
		if err != nil {
			l.nonces[kind] = nil
			if errors.Is(err, errNoSecret) {
				continue
			}
			return err
		}
		req.AppendHeader(sip.NewHeader(name, value))
	}
	return nil
}

func (l *line) setNonce(kind int, n *nonce) {
	l.mu.Lock()
	l.nonces[kind] = n
	l.mu.Unlock()
}

// sendWithin is send with the time that the method is given.
func (a *Agent) sendWithin(ctx context.Context, f *flow, req *sip.Request) (*sip.Response, error) {
	if req.Method == sip.MESSAGE {
		return a.send(ctx, f, req)
	}
	limited, cancel := context.WithTimeout(ctx, a.cfg.AnswerTimeout)
	defer cancel()
	res, err := a.send(limited, f, req)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return nil, sip.ErrTransactionTimeout
	}
	return res, err
}

// send is transactions.do with the transport rule for large requests and counting.
func (a *Agent) send(ctx context.Context, f *flow, req *sip.Request) (*sip.Response, error) {
	if !f.reliable() && len(req.Body()) > maxDatagram-headRoom {
		large, err := a.largeFlow(ctx)
		if err != nil {
			return nil, err
		}
		f = large
		via := req.Via()
		via.Transport, via.Host, via.Port = f.network, f.host, f.port
		req.SetTransport(f.network)
	}
	began := time.Now()
	res, err := a.txs.do(ctx, f, req)
	status := 0
	if res != nil {
		status = res.StatusCode
	}
	if a.cfg.Metrics.Sent != nil {
		a.cfg.Metrics.Sent(string(req.Method), status, time.Since(began))
	}
	return res, err
}

// Requests larger than this must not go by UDP (RFC 3261 section 18.1.1); headRoom is what a request
// of ours needs beside its body.
const (
	maxDatagram = 1300
	headRoom    = 800
)

// contact is the person's address on a flow: where the proxy reaches them.
func (l *line) contact(f *flow) string {
	return "sip:" + l.who.User() + "@" + f.hostPort() + ";transport=" + strings.ToLower(f.network)
}

// retryAfter reads Retry-After (RFC 3261 section 20.33), zero if there is none.
func retryAfter(res *sip.Response) time.Duration {
	if res == nil {
		return 0
	}
	return seconds(headerValue(res, "Retry-After"))
}

// seconds reads a number of seconds at the beginning of a header's value; what is not one is zero.
func seconds(value string) time.Duration {
	end := 0
	for end < len(value) && value[end] >= '0' && value[end] <= '9' {
		end++
	}
	n, err := strconv.ParseUint(value[:end], 10, 32)
	if err != nil {
		return 0
	}
	return time.Duration(n) * time.Second
}

// headerValue is the value of a message's first header of that name, "" if it has none.
func headerValue(m sip.Message, names ...string) string {
	for _, name := range names {
		if hs := m.GetHeaders(name); len(hs) > 0 {
			return hs[0].Value()
		}
	}
	return ""
}
