package soap

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"portico/app/ews/soap/binding"
	"portico/app/portal"
)

// Streaming notifications: a sequence of envelopes on one answer that stays open.

// Stream listens to the events of at most 200 streaming subscriptions for so many minutes (1..30)
// and gives them to each in order. A Notification without SubscriptionID is a sign of life: the
// first means that the stream stands, further ones are the server's keep-alives. It returns nil
// when the server closed the stream at its end, ErrSilent when nothing came for Options.Silence,
// a *SubscriptionsError when subscriptions are lost, and what each returned if that is no nil.
// Nothing is sent twice: whoever calls it again should synchronise first. While each runs nothing
// is read, so it must be quick.
func (c *Client) Stream(ctx context.Context, as As, ids []string, minutes int, each func(Notification) error) error {
	req := &GetStreamingEvents{SubscriptionIDs: ids, Minutes: minutes}
	op := req.op()
	if err := enter(ctx, c.streams); err != nil {
		return named(op, away(ctx, err))
	}
	defer func() { <-c.streams }()
	if err := c.gate.wait(ctx); err != nil {
		return named(op, away(ctx, err))
	}
	as.Affinity = true
	body, err := encode(c.codec, c.Version(), as, req)
	if err != nil {
		return err
	}
	began := c.o.Now()
	err = c.listen(ctx, op, as, body, each)
	result := "ok"
	if err != nil {
		result = "error"
	}
	c.o.Observe(op.element, result, c.o.Now().Sub(began))
	return err
}

func (c *Client) listen(ctx context.Context, op operation, as As, body []byte, each func(Notification) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := watchdog(c.o.Silence, cancel)
	defer watch.stop()
	resp, err := c.send(ctx, op, as, body)
	if err != nil {
		return named(op, silenced(ctx, err))
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return c.refusedStream(ctx, op, resp)
	}
	s := &streamed{c: c, op: op, each: each, head: &headReader{r: &watched{resp.Body, watch}}}
	s.r = reader(c.codec, s.head, c.o.MaxAnswer)
	for first := true; ; first = false {
		closed, err := s.envelope(first)
		switch {
		case err == nil && closed:
			return nil
		case err == nil:
		case ctx.Err() != nil:
			return named(op, silenced(ctx, err))
		case err == io.EOF && !first:
			return &ResponseError{Operation: op.element, Text: "the stream broke off", meaning: portal.ErrUnavailable}
		default:
			return err
		}
	}
}

// silenced makes ErrSilent of the watchdog's bark.
func silenced(ctx context.Context, err error) *ResponseError {
	if errors.Is(context.Cause(ctx), ErrSilent) {
		return &ResponseError{Text: "the stream is given up", meaning: portal.ErrUnavailable, cause: ErrSilent}
	}
	return away(ctx, err)
}

// refusedStream reads why there is no stream.
func (c *Client) refusedStream(ctx context.Context, op operation, resp *http.Response) error {
	a, err := c.understand(ctx, op, resp, func(r *binding.Reader) (answer, error) {
		return decode(r, answerElement(op.element), &GetStreamingEventsResponse{})
	})
	var e *ResponseError
	switch {
	case err == nil && a.fault != nil:
		e = a.fault
	case !errors.As(err, &e):
		e = statusError(resp, "")
	}
	if e.retry == refused || e.BackOff > 0 {
		c.gate.refuse(e.BackOff)
	}
	return named(op, e)
}

// streamed is a stream that stands.
type streamed struct {
	c    *Client
	op   operation
	each func(Notification) error
	head *headReader
	r    *binding.Reader
}

// envelope reads the next envelope and tells whether it is the last.
func (s *streamed) envelope(first bool) (closed bool, err error) {
	var resp GetStreamingEventsResponse
	s.r.Problems = nil
	a, err := decode(s.r, answerElement(s.op.element), &resp)
	if err == io.EOF && !first {
		return false, err
	}
	if err != nil {
		return false, named(s.op, broken(err, s.head.text()))
	}
	s.c.note(s.op, a)
	if a.fault != nil {
		if a.fault.retry == refused {
			s.c.gate.refuse(a.fault.BackOff)
		}
		return false, named(s.op, a.fault)
	}
	for i := range resp.Messages {
		end, err := s.message(&resp.Messages[i])
		if err != nil {
			return false, err
		}
		closed = closed || end
	}
	return closed, nil
}

func (s *streamed) message(m *StreamingMessage) (closed bool, err error) {
	if m.failed() {
		e := named(s.op, m.error())
		if e.retry == refused {
			s.c.gate.refuse(e.BackOff)
		}
		if len(m.ErrorIDs) > 0 {
			return false, &SubscriptionsError{IDs: m.ErrorIDs, Err: e}
		}
		return false, e
	}
	for _, n := range m.Notifications {
		if err := s.each(n); err != nil {
			return false, err
		}
	}
	if m.ConnectionStatus == "Closed" {
		return true, nil
	}
	if len(m.Notifications) == 0 {
		return false, s.each(Notification{})
	}
	return false, nil
}

// dog ends a stream on which nothing comes.
type dog struct {
	mu      sync.Mutex
	timer   *time.Timer
	after   time.Duration
	stopped bool
}

func watchdog(after time.Duration, cancel context.CancelCauseFunc) *dog {
	return &dog{after: after, timer: time.AfterFunc(after, func() { cancel(ErrSilent) })}
}

func (d *dog) alive() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.stopped {
		d.timer.Reset(d.after)
	}
}

func (d *dog) stop() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stopped = true
	d.timer.Stop()
}

// watched tells the watchdog of every byte.
type watched struct {
	io.Reader
	dog *dog
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	if n > 0 {
		w.dog.alive()
	}
	return n, err
}
