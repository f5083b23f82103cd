package realtime

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// Deadlines and limits of a WebSocket.
const (
	writeTimeout = 10 * time.Second
	byeTimeout   = 2 * time.Second
	// MaxClientFrame is the largest frame a browser may send, in bytes.
	MaxClientFrame = 16 << 10
)

// Upgrader makes WebSockets as this package wants them: small read buffers, pooled write buffers. The caller sets Subprotocols
// and CheckOrigin, and EnableCompression where OffersDeflate says so.
func Upgrader() websocket.Upgrader {
	return websocket.Upgrader{
		HandshakeTimeout: writeTimeout,
		ReadBufferSize:   512,
		WriteBufferSize:  1024,
		WriteBufferPool:  &sync.Pool{},
	}
}

// ServeWebSocket gives ws to the hub and returns at once; the hub owns the connection from here on and
// its Run waits for it. The request's goroutine, and all that it holds, is free to end.
func (h *Hub) ServeWebSocket(ws *websocket.Conn, c Client, d Door) {
	w := &socket{ws: ws, together: &h.together}
	if c.Packed {
		w.packers = &h.packers
	}
	cn := h.newConn(c, d, w)
	cn.kick = func() {
		if !cn.writing {
			cn.writing = true
			h.children.Go(func() { cn.flush() }) // the reader still counts, so Wait has not ended
		}
	}
	ws.SetReadLimit(MaxClientFrame)
	heard := func() { cn.heard.Store(h.now().Unix()) }
	ws.SetPongHandler(func(string) error { heard(); return nil })
	ws.SetPingHandler(func(data string) error {
		heard()
		err := ws.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(writeTimeout))
		var timeout net.Error
		if errors.Is(err, websocket.ErrCloseSent) || errors.As(err, &timeout) && timeout.Timeout() {
			return nil // the reader goes on; a dead peer is found by the pinger
		}
		return err
	})
	h.enter(cn, func() { cn.readSocket(ws) })
}

// readSocket is the connection's reader; the connection lives as long as it does.
func (c *conn) readSocket(ws *websocket.Conn) {
	var buf []byte
	for {
		kind, r, err := ws.NextReader()
		if err != nil {
			return
		}
		c.heard.Store(c.hub.now().Unix())
		if buf, err = appendAll(buf[:0], r); err != nil {
			if errors.Is(err, errTooLong) {
				c.breakOff(ws, websocket.CloseMessageTooBig, "")
			}
			return // over the limit or broken: gorilla has sent the close frame of all other errors
		}
		if kind != websocket.TextMessage {
			c.breakOff(ws, websocket.CloseUnsupportedData, "text frames only")
			return
		}
		if answer := c.door.Receive(c.ctx, c.Client, buf); answer != nil {
			c.send(answer)
		}
		if cap(buf) > 2048 {
			buf = nil // an idle connection keeps no large buffer
		}
	}
}

// breakOff closes on a peer that broke the protocol; whether it hears why does not matter.
func (c *conn) breakOff(ws *websocket.Conn, code int, reason string) {
	_ = ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, reason), time.Now().Add(byeTimeout))
}

// errTooLong: a message is longer than MaxClientFrame once it is unpacked.
var errTooLong = errors.New("message too long")

// appendAll reads a message. The socket's own limit counts the bytes on the wire, this one what they unpack to.
func appendAll(buf []byte, r io.Reader) ([]byte, error) {
	if cap(buf) == 0 {
		buf = make([]byte, 0, 256)
	}
	for {
		if len(buf) > MaxClientFrame {
			return buf, errTooLong
		}
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if errors.Is(err, io.EOF) {
			return buf, nil
		}
		if err != nil {
			return buf, err
		}
	}
}

// socket is a WebSocket as a wire.
type socket struct {
	ws *websocket.Conn
	// together are buffers that all sockets share, of *[]byte.
	together *sync.Pool
	// packers are what all sockets share to pack frames, of *packer; nil: the peer does not take them packed.
	packers *sync.Pool
}

// write sends one frame as it was prepared for all who read the same, and several, which have gathered while the peer or the
// processor was busy, in as few writes as they fit into: a system call for each costs more than all else that is done for them.
func (s *socket) write(a Audience, frames ...*Frame) error {
	if len(frames) > 1 || s.packers != nil {
		return s.writeTogether(a, frames)
	}
	for _, f := range frames {
		r := f.rendered(a)
		if r.err != nil || r.prepared == nil {
			return r.err
		}
		if err := s.ws.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
			return fmt.Errorf("%w: %w", errWire, err)
		}
		if err := s.ws.WritePreparedMessage(r.prepared); err != nil {
			return fmt.Errorf("%w: %w", errWire, err)
		}
	}
	return nil
}

// maxTogether is how many bytes are sent by one write, so that a peer that reads slowly has its time for each of them.
const maxTogether = 32 << 10

// writeTogether goes past the WebSocket library, which makes a write of each frame. What the library writes meanwhile, pongs and
// close frames of the reader, is one write each too, so frames do not mix; a peer that closes drops what it gets after that
// (RFC 6455 section 1.4).
func (s *socket) writeTogether(a Audience, frames []*Frame) error {
	shared, ok := s.together.Get().(*[]byte)
	if !ok {
		shared = new([]byte)
	}
	buf := (*shared)[:0]
	defer func() {
		if cap(buf) <= 2*maxTogether { // a rare large frame is not worth keeping its room
			*shared = buf
			s.together.Put(shared)
		}
	}()
	for i, f := range frames {
		r := f.rendered(a)
		if r.err != nil {
			return r.err
		}
		if packed := r.packedBy(s.packers); packed != nil {
			buf = appendTextFrame(buf, packed, true)
		} else if len(r.body) > 0 {
			buf = appendTextFrame(buf, r.body, false)
		}
		if last := i == len(frames)-1; len(buf) == 0 || !last && len(buf) < maxTogether {
			continue
		}
		raw := s.ws.NetConn()
		if err := raw.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
			return fmt.Errorf("%w: %w", errWire, err)
		}
		if _, err := raw.Write(buf); err != nil {
			return fmt.Errorf("%w: %w", errWire, err)
		}
		buf = buf[:0]
	}
	return nil
}

// appendTextFrame appends body as one unmasked text message (RFC 6455 section 5.2), which is packed or not (RFC 7692 section 6).
func appendTextFrame(buf, body []byte, packed bool) []byte {
	first := byte(0x81) // final, text
	if packed {
		first |= 0x40
	}
	switch n := len(body); {
	case n < 126:
		buf = append(buf, first, byte(n))
	case n < 1<<16:
		buf = binary.BigEndian.AppendUint16(append(buf, first, 126), uint16(n))
	default:
		buf = binary.BigEndian.AppendUint64(append(buf, first, 127), uint64(n))
	}
	return append(buf, body...)
}

func (s *socket) ping() error {
	return s.ws.WriteControl(websocket.PingMessage, nil, time.Now().Add(writeTimeout))
}

func (s *socket) end(code int, reason string) {
	deadline := time.Now().Add(byeTimeout)
	if s.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, reason), deadline) != nil {
		s.cut()
		return
	}
	// The reader sees the peer's close frame, or this deadline.
	if s.ws.SetReadDeadline(deadline) != nil {
		s.cut()
	}
}

func (s *socket) cut() {
	// Closing twice or a closed socket is no news.
	_ = s.ws.Close()
}

// newConn makes a connection, which outlives the request that opened it but not the hub.
func (h *Hub) newConn(c Client, d Door, w wire) *conn {
	ctx, cancel := context.WithCancel(h.ctx)
	cn := &conn{Client: c, hub: h, door: d, wire: w, ctx: ctx, cancel: cancel}
	if c.Gather > 0 {
		cn.gather = newGathering(c)
	}
	cn.heard.Store(h.now().Unix())
	return cn
}
