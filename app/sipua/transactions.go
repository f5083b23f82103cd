package sipua

// The table of transactions under way; the state machines are sipgo's (RFC 3261 section 17).

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	"github.com/emiago/sipgo/sip"
)

// maxServerTransactions bounds the requests of peers that are remembered: those under way and, over UDP,
// those answered within 32 s. Beyond it the answer is 503.
const maxServerTransactions = 1 << 16

// transactions is safe for concurrent use.
type transactions struct {
	log *slog.Logger

	mu     sync.Mutex
	client map[string]*sip.ClientTx
	server map[string]*sip.ServerTx
}

func newTransactions(log *slog.Logger) *transactions {
	return &transactions{log: log, client: map[string]*sip.ClientTx{}, server: map[string]*sip.ServerTx{}}
}

// do sends a request on f and waits for its final response. It ends when sipgo's Timer F does
// (sip.ErrTransactionTimeout), when the flow closes (errFlowClosed) or with ctx.
func (t *transactions) do(ctx context.Context, f *flow, req *sip.Request) (*sip.Response, error) {
	key, err := sip.ClientTxKeyMake(req)
	if err != nil {
		return nil, fmt.Errorf("transaction key: %w", err)
	}
	tx := sip.NewClientTx(key, req, f, t.log)
	t.mu.Lock()
	t.client[key] = tx
	t.mu.Unlock()
	defer func() {
		t.mu.Lock()
		delete(t.client, key)
		t.mu.Unlock()
		tx.Terminate()
	}()
	if err := tx.Init(); err != nil {
		return nil, errors.Join(errFlowClosed, err)
	}
	for {
		select {
		case res := <-tx.Responses():
			if !res.IsProvisional() {
				return res, nil
			}
		case <-tx.Done():
			return nil, tx.Err()
		case <-f.closed:
			return nil, errFlowClosed
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// response gives a response to its transaction; one that matches none is a repetition and dropped.
func (t *transactions) response(res *sip.Response) {
	key, err := sip.ClientTxKeyMake(res)
	if err != nil {
		t.log.Debug("response without a transaction key", "error", err)
		return
	}
	t.mu.Lock()
	tx := t.client[key]
	t.mu.Unlock()
	if tx != nil {
		tx.Receive(res)
	}
}

// serve begins a server transaction. It returns nil when the request belongs to one that exists
// (a retransmission, an ACK, a CANCEL), which is dealt with, and errBusy when there are too many.
func (t *transactions) serve(f *flow, req *sip.Request) (*sip.ServerTx, error) {
	key, err := serverKey(f, req)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	if tx := t.server[key]; tx != nil {
		t.mu.Unlock()
		return nil, t.repeated(tx, req)
	}
	if req.IsAck() {
		t.mu.Unlock()
		return nil, nil
	}
	if len(t.server) >= maxServerTransactions {
		t.mu.Unlock()
		return nil, errBusy
	}
	tx := sip.NewServerTx(key, req, f, t.log)
	if err := tx.Init(); err != nil {
		t.mu.Unlock()
		return nil, fmt.Errorf("begin transaction: %w", err)
	}
	tx.OnTerminate(func(key string, _ error) {
		t.mu.Lock()
		delete(t.server, key)
		t.mu.Unlock()
	})
	t.server[key] = tx
	t.mu.Unlock()
	return tx, nil
}

// serverKey is what tells transactions apart (RFC 3261 section 17.2.3), and the peer, whose branches are
// only its own.
func serverKey(f *flow, req *sip.Request) (string, error) {
	key, err := sip.ServerTxKeyMake(req)
	if err != nil {
		return "", fmt.Errorf("transaction key: %w", err)
	}
	return f.peer + " " + key, nil
}

// errBusy: the portal has more to do than it can; the peer shall come back.
var errBusy = errors.New("too many requests under way")

func (t *transactions) repeated(tx *sip.ServerTx, req *sip.Request) error {
	if err := tx.Receive(req); err != nil {
		return fmt.Errorf("repeated %s: %w", req.Method, err)
	}
	return nil
}

// invited names the INVITE that a CANCEL is about (RFC 3261 section 9.2).
func (t *transactions) invited(f *flow, cancel *sip.Request) (key string, ok bool) {
	key, err := serverKey(f, cancel)
	if err != nil {
		return "", false
	}
	key = strings.TrimSuffix(key, string(sip.CANCEL)) + string(sip.INVITE)
	t.mu.Lock()
	defer t.mu.Unlock()
	return key, t.server[key] != nil
}

// end terminates everything that is left.
func (t *transactions) end() {
	t.mu.Lock()
	left := make([]sip.Transaction, 0, len(t.client)+len(t.server))
	for _, tx := range t.client {
		left = append(left, tx)
	}
	for _, tx := range t.server {
		left = append(left, tx)
	}
	t.mu.Unlock()
	for _, tx := range left {
		tx.Terminate()
	}
}
