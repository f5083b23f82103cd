package main

// A meter is a door in front of a TCP server that counts the bytes that pass: what the network carries, with all
// headers, but without TCP's own.

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

type meter struct {
	listener net.Listener
	up, down atomic.Int64

	mu     sync.Mutex
	target string
	open   map[net.Conn]bool
	closed bool
	wg     sync.WaitGroup
}

// newMeter opens the door; it leads nowhere until leadTo.
func newMeter(tb testing.TB) *meter {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	m := &meter{listener: l, open: map[net.Conn]bool{}}
	m.wg.Go(m.accept)
	tb.Cleanup(m.close)
	return m
}

func (m *meter) addr() string { return m.listener.Addr().String() }
func (m *meter) url() string  { return "http://" + m.addr() }

// leadTo says where connections go from now on.
func (m *meter) leadTo(addr string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.target = addr
}

// bytes gives what has passed so far: up to the server, and down from it.
func (m *meter) bytes() (up, down int64) { return m.up.Load(), m.down.Load() }

// total is what has passed so far, both ways.
func (m *meter) total() int64 { return m.up.Load() + m.down.Load() }

func (m *meter) accept() {
	for {
		c, err := m.listener.Accept()
		if err != nil {
			return
		}
		m.wg.Go(func() { m.pass(c) })
	}
}

// keep remembers a connection that close has to end; false: it is too late for it.
func (m *meter) keep(c net.Conn) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.open[c] = !m.closed
	return !m.closed
}

func (m *meter) pass(from net.Conn) {
	defer from.Close()
	m.mu.Lock()
	target := m.target
	m.mu.Unlock()
	to, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer to.Close()
	if !m.keep(from) || !m.keep(to) {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { tally(to, from, &m.up) })
	both.Go(func() { tally(from, to, &m.down) })
	both.Wait()
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.open, from)
	delete(m.open, to)
}

// tally copies until either side ends, and then ends the other's reading.
func tally(to, from net.Conn, n *atomic.Int64) {
	_, _ = io.Copy(io.MultiWriter(to, adder{n}), from) // an end is an end, however it came
	if half, ok := to.(*net.TCPConn); ok {
		_ = half.CloseWrite()
	}
}

type adder struct{ n *atomic.Int64 }

func (a adder) Write(b []byte) (int, error) {
	a.n.Add(int64(len(b)))
	return len(b), nil
}

func (m *meter) close() {
	m.listener.Close()
	m.mu.Lock()
	m.closed = true
	for c := range m.open {
		c.Close()
	}
	m.mu.Unlock()
	m.wg.Wait()
}
