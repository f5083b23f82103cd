package ews

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"portico/app/ews/soap"
	"portico/app/portal"
)

// Calls that go together: while a request of a mailbox is under way, further ones of its kind wait and go as one when it is back. Whoever
// is alone waits for nobody.

// together joins calls. What waits is bounded by the callers: each waits with one call.
type together[Q, A any] struct {
	mu sync.Mutex
	of map[string]*queueUp[Q, A]
}

// queueUp is what waits behind the request of a key that is under way.
type queueUp[Q, A any] struct{ waiting []*caller[Q, A] }

// caller is one call. It gets its outcome, or the batch that it is to send for all in it.
type caller[Q, A any] struct {
	ctx  context.Context
	q    Q
	out  chan parted[A]
	lead chan []*caller[Q, A]
	led  bool // it was given a batch; under together.mu
}

// parted is what came of one call.
type parted[A any] struct {
	a   A
	err error
}

func newTogether[Q, A any]() *together[Q, A] {
	return &together[Q, A]{of: map[string]*queueUp[Q, A]{}}
}

// do makes a call with send, which is given up to fetchBatch calls of the key and gives as many outcomes, in order.
func (t *together[Q, A]) do(ctx context.Context, key string, q Q, send func(context.Context, []Q) []parted[A]) (A, error) {
	me := &caller[Q, A]{ctx: ctx, q: q, out: make(chan parted[A], 1), lead: make(chan []*caller[Q, A], 1)}
	t.mu.Lock()
	line, under := t.of[key]
	if under {
		line.waiting = append(line.waiting, me)
	} else {
		t.of[key] = &queueUp[Q, A]{}
		me.led = true
		me.lead <- []*caller[Q, A]{me}
	}
	t.mu.Unlock()
	select {
	case batch := <-me.lead:
		return t.send(key, batch, send)
	case out := <-me.out:
		return out.a, out.err
	case <-ctx.Done():
	}
	t.mu.Lock()
	led := me.led
	if line, under = t.of[key]; under {
		line.waiting = slices.DeleteFunc(line.waiting, func(c *caller[Q, A]) bool { return c == me })
	}
	t.mu.Unlock()
	if led { // the others wait for it
		return t.send(key, <-me.lead, send)
	}
	var none A
	return none, ctx.Err()
}

// errUnsent is the outcome of a call whose sender did not come back.
var errUnsent = errors.New("the request that it went with was not sent")

// send sends a batch for all in it, gives the first's outcome, and hands on to those who waited meanwhile.
func (t *together[Q, A]) send(key string, batch []*caller[Q, A], send func(context.Context, []Q) []parted[A]) (A, error) {
	outs := make([]parted[A], len(batch))
	for i := range outs {
		outs[i].err = portal.Fail(portal.ErrUnavailable, "exchange.down").Because(errUnsent)
	}
	defer func() { // also when send panics
		for i, c := range batch[1:] {
			c.out <- outs[i+1]
		}
		t.handOn(key)
	}()
	qs := make([]Q, len(batch))
	for i, c := range batch {
		qs[i] = c.q
	}
	ctx, release := anyOf(batch)
	defer release()
	copy(outs, send(ctx, qs))
	if err := batch[0].ctx.Err(); err != nil && errors.Is(outs[0].err, context.Canceled) {
		outs[0].err = err
	}
	return outs[0].a, outs[0].err
}

// handOn gives those who wait to the first of them, or ends the line.
func (t *together[Q, A]) handOn(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	line := t.of[key]
	if len(line.waiting) == 0 {
		delete(t.of, key)
		return
	}
	n := min(len(line.waiting), fetchBatch)
	batch := slices.Clone(line.waiting[:n])
	line.waiting = slices.Delete(line.waiting, 0, n)
	batch[0].led = true
	batch[0].lead <- batch
}

// anyOf is a context that lasts as long as that of any call in the batch.
func anyOf[Q, A any](batch []*caller[Q, A]) (context.Context, func()) {
	if len(batch) == 1 {
		return batch[0].ctx, func() {}
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(batch[0].ctx))
	var left atomic.Int32
	left.Store(int32(len(batch)))
	stops := []func() bool{}
	for _, c := range batch {
		stops = append(stops, context.AfterFunc(c.ctx, func() {
			if left.Add(-1) == 0 {
				cancel()
			}
		}))
	}
	return ctx, func() {
		for _, stop := range stops {
			stop()
		}
		cancel()
	}
}

// line names whose calls go together: those on behalf of one reader to one mailbox.
func (a *access) line() string {
	return a.host.s.Name + "\x00" + string(a.reader) + "\x00" + string(a.owner)
}

// maxTogether is the largest body, in bytes, of an entry that is made together with others.
const maxTogether = 32 << 10

// makeTogether makes an entry of which nobody is told, with others that are to be made in the mailbox.
func (a *access) makeTogether(ctx context.Context, it *soap.CalendarItem) (soap.ItemID, error) {
	if it.Body != nil && len(it.Body.Text) > maxTogether {
		return a.makeAlone(ctx, it, soap.SendToNone)
	}
	return a.c.makes.do(ctx, a.line(), it, a.makeAll)
}

// makeAll makes entries in one request. One that the server refuses says nothing of the others.
func (a *access) makeAll(ctx context.Context, list []*soap.CalendarItem) []parted[soap.ItemID] {
	outs := make([]parted[soap.ItemID], len(list))
	alone := func(i int) { outs[i].a, outs[i].err = a.makeAlone(ctx, list[i], soap.SendToNone) }
	if len(list) == 1 {
		alone(0)
		return outs
	}
	folder := a.folder("calendar")
	req := &soap.CreateItem{SendInvitations: soap.SendToNone, Folder: &folder}
	for _, it := range list {
		req.Items = append(req.Items, soap.NewItem{CalendarItem: it})
	}
	res, err := a.CreateItem(ctx, a.as, req)
	if err == nil && len(res.Messages) != len(list) {
		err = portal.Fail(portal.ErrUnavailable, "exchange.down").Because(errors.New("not as many answers as new items"))
	}
	for i := range list {
		switch {
		case errors.Is(err, portal.ErrInvalid): // nothing was made, perhaps for the sake of one of them
			alone(i)
		case err != nil:
			outs[i].err = err
		case soap.Code(res.Messages[i].Err()) == "ErrorBatchProcessingStopped": // it was not looked at
			alone(i)
		default:
			outs[i].a, outs[i].err = made(&res.Messages[i])
		}
	}
	return outs
}

// readTogether reads a new entry back, with others that were made in the mailbox.
func (a *access) readTogether(ctx context.Context, id string) (portal.Entry, error) {
	return a.c.reads.do(ctx, a.line(), id, a.readAll)
}

func (a *access) readAll(ctx context.Context, ids []string) []parted[portal.Entry] {
	outs := make([]parted[portal.Entry], len(ids))
	if len(ids) == 1 {
		outs[0].a, outs[0].err = a.entry(ctx, ids[0])
		return outs
	}
	list, _, bad, err := a.entries(ctx, ids)
	at := make(map[string]int, len(list))
	for i := range list {
		at[list[i].RemoteID] = i
	}
	for i, id := range ids {
		n, there := at[id]
		switch {
		case err != nil:
			outs[i].err = err
		case there:
			outs[i].a = list[n]
		case bad[id] != nil:
			a.skipped(id, bad[id])
			outs[i].err = portal.Fail(portal.ErrInvalid, "exchange.item").Because(bad[id])
		default:
			outs[i].err = portal.Fail(portal.ErrNotFound, "exchange.not-found")
		}
	}
	return outs
}
