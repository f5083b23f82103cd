package siplab

// Transactions: sipgo's state machines in tables of our own, so that a connection's requests are handled in order and no
// lock is shared by all of them.

import (
	"errors"
	"hash/maphash"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
)

const branchCookie = "z9hG4bK"

var errNoAnswer = errors.New("siplab: no answer in time")

// table is a map in shards.
type table[T any] struct {
	seed   maphash.Seed
	shards [64]struct {
		mu sync.Mutex
		m  map[string]T
	}
}

func newTable[T any]() *table[T] {
	t := &table[T]{seed: maphash.MakeSeed()}
	for i := range t.shards {
		t.shards[i].m = map[string]T{}
	}
	return t
}

func (t *table[T]) get(key string) (T, bool) {
	s := &t.shards[maphash.String(t.seed, key)%64]
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.m[key]
	return v, ok
}

// put stores v unless the key is taken, and tells whether it did.
func (t *table[T]) put(key string, v T) bool {
	s := &t.shards[maphash.String(t.seed, key)%64]
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, taken := s.m[key]; taken {
		return false
	}
	s.m[key] = v
	return true
}

func (t *table[T]) drop(key string) {
	s := &t.shards[maphash.String(t.seed, key)%64]
	s.mu.Lock()
	delete(s.m, key)
	s.mu.Unlock()
}

// each calls f for a snapshot of the values, without a lock.
func (t *table[T]) each(f func(T)) {
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.Lock()
		vs := make([]T, 0, len(s.m))
		for _, v := range s.m {
			vs = append(vs, v)
		}
		s.mu.Unlock()
		for _, v := range vs {
			f(v)
		}
	}
}

func (t *table[T]) len() int {
	n := 0
	for i := range t.shards {
		t.shards[i].mu.Lock()
		n += len(t.shards[i].m)
		t.shards[i].mu.Unlock()
	}
	return n
}

// inbound is a request with the transaction that answers it.
type inbound struct {
	*request
	s   *Server
	t   *transport
	tx  *sip.ServerTx // nil for ACK
	key string
}

// receive takes one message off the wire. It does not block: what takes time runs in goroutines of its own.
func (t *transport) receive(f *flow, head, body []byte) {
	if t.srv.faults.silent.Load() {
		return
	}
	p, ref := parse(head, body)
	switch {
	case ref != nil:
		t.refuse(f, ref)
	case p.res != nil:
		t.response(p.res)
	default:
		p.req.flow = f
		stampVia(p.req, f)
		t.srv.counters.request(string(p.req.Method))
		if t.srv.faults.armed.Load() {
			t.srv.faults.incoming(t, p.req)
			return
		}
		t.request(p.req)
	}
}

// refuse answers a message that is wrong in itself, without a transaction (RFC 3261 section 16.3).
func (t *transport) refuse(f *flow, ref *refusal) {
	t.srv.counters.malformed.Add(1)
	if ref.answer == nil {
		return
	}
	ref.answer.flow = f
	stampVia(ref.answer, f)
	res := ref.answer.response(ref.status, ref.reason, ref.headers...)
	t.srv.counters.response(string(ref.answer.Method), ref.status)
	if err := ref.answer.replyFlow().WriteMsg(res); err != nil {
		t.srv.log.Debug("refusal not sent", "remote", f.remote, "error", err)
	}
}

// stampVia notes where a request came from (RFC 3261 section 18.2.1, RFC 3581).
func stampVia(r *request, f *flow) {
	via := r.Via()
	host, port, err := net.SplitHostPort(f.remote)
	if err != nil {
		return
	}
	if v, ok := via.Params.Get("rport"); ok && v == "" {
		via.Params.Add("rport", port)
		via.Params.Add("received", host)
	} else if strings.Trim(via.Host, "[]") != host {
		via.Params.Add("received", host)
	}
}

// replyFlow is where answers go: back the way of the request; a datagram without rport to the port in Via.
func (r *request) replyFlow() *flow {
	via := r.Via()
	if r.flow.reliable() || via.Params.Has("rport") {
		return r.flow
	}
	port := via.Port
	if port == 0 {
		port = 5060
	}
	addr := *r.flow.udpAddr
	addr.Port = port
	return newPacketFlow(r.flow.t, &addr)
}

// serverKey identifies a server transaction (RFC 3261 section 17.2.3); method is that of the transaction. The transport is
// part of it: a retransmission never comes another way.
func serverKey(r *request, method string) string {
	via := r.Via()
	if branch, ok := via.Params.Get("branch"); ok && len(branch) > len(branchCookie) && strings.HasPrefix(branch, branchCookie) {
		return r.flow.network + branch + "|" + via.Host + ":" + strconv.Itoa(via.Port) + "|" + method
	}
	return r.from.tag() + "|" + r.callID + "|" + strconv.FormatUint(uint64(r.cseq), 10) + "|" + via.Value() + "|" + method
}

func (t *transport) request(r *request) {
	method := string(r.Method)
	switch method {
	case "ACK":
		if tx, ok := t.servers.get(serverKey(r, "INVITE")); ok && t.ackStays(r, tx) {
			t.feed(tx, r)
			return
		}
		t.srv.forwardAck(&inbound{request: r, s: t.srv, t: t})
		return
	case "CANCEL":
		t.cancel(r)
		return
	}
	if in := t.open(r, method); in != nil {
		t.srv.handle(in)
	}
}

// ackStays tells whether an ACK ends at this hop: it acknowledges a refusal that this server passed on.
func (t *transport) ackStays(r *request, tx *sip.ServerTx) bool {
	fk, ok := t.forks.get(tx.Key())
	return !ok || !fk.accepted()
}

// open makes the server transaction of a request; nil when it is a retransmission.
func (t *transport) open(r *request, method string) *inbound {
	key := serverKey(r, method)
	if tx, ok := t.servers.get(key); ok {
		t.feed(tx, r)
		return nil
	}
	r.SetTransport(r.flow.network)
	tx := sip.NewServerTx(key, r.Request, r.replyFlow(), t.srv.sipLog)
	if err := tx.Init(); err != nil {
		t.srv.log.Debug("transaction", "error", err)
		return nil
	}
	tx.OnTerminate(func(key string, _ error) { t.servers.drop(key) })
	if !t.servers.put(key, tx) {
		tx.Terminate()
		return nil
	}
	return &inbound{request: r, s: t.srv, t: t, tx: tx, key: key}
}

func (t *transport) feed(tx *sip.ServerTx, r *request) {
	if err := tx.Receive(r.Request); err != nil {
		t.srv.log.Debug("transaction", "method", r.Method, "error", err)
	}
}

// cancel answers CANCEL and stops the fork it names (RFC 3261 section 16.10).
func (t *transport) cancel(r *request) {
	in := t.open(r, "CANCEL")
	if in == nil {
		return
	}
	invite := serverKey(r, "INVITE")
	fk, ok := t.forks.get(invite)
	if !ok {
		if _, pending := t.servers.get(invite); !pending {
			in.reply(481, "Call/Transaction Does Not Exist")
			return
		}
	}
	in.reply(200, "OK")
	if ok {
		reason, _ := header(in, "Reason")
		fk.cancel(reason)
	}
}

func (t *transport) response(res *sip.Response) {
	branch, _ := res.Via().Params.Get("branch")
	tx, ok := t.clients.get(branch + "|" + string(res.CSeq().MethodName))
	if !ok {
		t.srv.counters.stray.Add(1)
		return
	}
	t.spawn(func() { tx.Receive(res) })
}

// start sends a request in a client transaction of its own.
func (t *transport) start(f *flow, req *sip.Request) (*sip.ClientTx, error) {
	branch, _ := req.Via().Params.Get("branch")
	key := branch + "|" + string(req.Method)
	req.SetTransport(f.network)
	tx := sip.NewClientTx(key, req, f, t.srv.sipLog)
	tx.OnTerminate(func(key string, _ error) { t.clients.drop(key) })
	if !t.clients.put(key, tx) {
		return nil, errors.New("siplab: branch used twice")
	}
	if err := tx.Init(); err != nil {
		tx.Terminate()
		return nil, err
	}
	return tx, nil
}

// roundTrip sends a request and waits for its final answer.
func (t *transport) roundTrip(f *flow, req *sip.Request, patience time.Duration) (*sip.Response, error) {
	tx, err := t.start(f, req)
	if err != nil {
		return nil, err
	}
	defer tx.Terminate()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		select {
		case res := <-tx.Responses():
			if !res.IsProvisional() {
				return res, nil
			}
		case <-tx.Done():
			return nil, errors.Join(errNoAnswer, tx.Err())
		case <-f.closed:
			return nil, errFlowClosed
		case <-timer.C:
			return nil, errNoAnswer
		}
	}
}
