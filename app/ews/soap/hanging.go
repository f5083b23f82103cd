package soap

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"
)

// Calls that hang: a server that fell silent and is back has forgotten what was asked of it before, or the connections on which
// that was done lead nowhere any more. What may be repeated is then sent again at once instead of after Options.Timeout.

// errHung ends an attempt that is older than the server's return.
var errHung = errors.New("sent before the server fell silent")

// hanging are the requests that may be repeated and of whose answer nothing has come, and since when.
type hanging struct {
	mu   sync.Mutex
	sent map[*context.CancelCauseFunc]time.Time
}

func newHanging() *hanging { return &hanging{sent: map[*context.CancelCauseFunc]time.Time{}} }

// begin gives the request that can be given up; landed is to be called when its answer begins or none comes, and gives the error.
// The request's own context ends its new one.
func (h *hanging) begin(r *http.Request) (_ *http.Request, landed func(error) error) {
	ctx, cancel := context.WithCancelCause(r.Context())
	h.mu.Lock()
	h.sent[&cancel] = time.Now()
	h.mu.Unlock()
	return r.WithContext(ctx), func(err error) error {
		h.mu.Lock()
		delete(h.sent, &cancel)
		h.mu.Unlock()
		if err != nil && errors.Is(context.Cause(ctx), errHung) {
			return errHung
		}
		return err
	}
}

// Renew gives up what was sent so long ago and may be repeated; the calls send it again, as after any answer that did not come.
func (c *Client) Renew(older time.Duration) {
	before := time.Now().Add(-older)
	c.hanging.mu.Lock()
	defer c.hanging.mu.Unlock()
	for cancel, begun := range c.hanging.sent {
		if !begun.After(before) {
			(*cancel)(errHung)
		}
	}
}
