package realtime

import (
	"bytes"
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// ServeEvents sends c's events as server-sent events (WHATWG HTML section 9.2) and returns when the
// browser goes, ctx ends, or the hub says good-bye. The number of a durable event is its "id", so that
// the browser's Last-Event-ID is the place to go on from. Headers are written here.
func (h *Hub) ServeEvents(ctx context.Context, w http.ResponseWriter, c Client, d Door) error {
	s := &stream{w: w, ctl: http.NewResponseController(w)}
	cn := h.newConn(c, d, s)
	bell := make(chan struct{}, 1) // a doorbell: one ring that waits is as good as many
	cn.kick = func() {
		select {
		case bell <- struct{}{}:
		default:
		}
	}
	ctx, s.cancel = context.WithCancel(ctx)
	defer s.cancel()
	header := w.Header()
	header.Set("Content-Type", "text/event-stream; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Accel-Buffering", "no") // reverse proxies must not gather
	w.WriteHeader(http.StatusOK)
	if err := s.ctl.Flush(); err != nil {
		return err
	}
	cn.writing = true // this goroutine is the writer
	if refused := h.register(cn, 0); refused != "" {
		cn.refuse(refused)
		return nil
	}
	defer h.exit(cn)
	defer s.leave()
	if err := cn.open(); err != nil {
		return err
	}
	for cn.flushStream() {
		select {
		case <-bell:
		case <-ctx.Done():
			return nil
		case <-cn.ctx.Done():
			return nil
		}
	}
	return nil
}

// flushStream is flush for a writer that waits instead of ending.
func (c *conn) flushStream() bool {
	alive := c.flush()
	c.heard.Store(c.hub.now().Unix()) // a stream has no pongs; a failed write ends it
	c.mu.Lock()
	c.writing = true
	c.mu.Unlock()
	return alive
}

// stream is a response with server-sent events as a wire.
type stream struct {
	w      http.ResponseWriter
	ctl    *http.ResponseController
	cancel context.CancelFunc
	buf    bytes.Buffer

	mu   sync.Mutex
	gone bool // cut, or the response has ended: its deadline is no longer ours to set
}

func (s *stream) write(a Audience, frames ...*Frame) error {
	s.buf.Reset()
	for _, f := range frames {
		s.add(f, f.Body(a))
		if s.buf.Len() < maxTogether {
			continue
		}
		if err := s.flush(); err != nil {
			return err
		}
		s.buf.Reset()
	}
	if s.buf.Len() == 0 {
		return nil
	}
	return s.flush()
}

// add puts one event behind what is to be written.
func (s *stream) add(f *Frame, body []byte) {
	if len(body) == 0 {
		return
	}
	if f.seq > 0 {
		s.buf.WriteString("id: ")
		s.buf.Write(strconv.AppendInt(nil, f.seq, 10))
		s.buf.WriteByte('\n')
	}
	for line := range bytes.SplitSeq(body, []byte("\n")) {
		s.buf.WriteString("data: ")
		s.buf.Write(line)
		s.buf.WriteByte('\n')
	}
	s.buf.WriteByte('\n')
}

func (s *stream) ping() error {
	s.buf.Reset()
	s.buf.WriteString(": ping\n\n")
	return s.flush()
}

func (s *stream) flush() error {
	if err := s.within(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	if _, err := s.w.Write(s.buf.Bytes()); err != nil {
		return err
	}
	if err := s.ctl.Flush(); err != nil {
		return err
	}
	// Over HTTP/2 a deadline that passes resets the stream, whether or not anything is being written.
	return s.within(time.Time{})
}

// within sets the deadline of what is written from here on.
func (s *stream) within(deadline time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone {
		return errWire
	}
	return s.ctl.SetWriteDeadline(deadline)
}

// leave ends the stream's say over its response, which outlives the handler only to be finished.
func (s *stream) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone = true
}

func (s *stream) end(int, string) { s.cancel() }

func (s *stream) cut() {
	s.cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.gone {
		s.gone = true
		// A writer that is stuck fails at once; where no deadline can be set it has never got one either.
		_ = s.ctl.SetWriteDeadline(time.Unix(1, 0))
	}
}
