package web

import (
	"io"
	"net"
	"strings"
	"sync"
	"testing"
)

// wire is a network between a browser and a house that can be cut and mended.
type wire struct {
	url string
	to  string

	mu   sync.Mutex
	cut  bool
	open map[net.Conn]bool
	done sync.WaitGroup
}

// newWire lays a wire to the server at url ("http://host:port").
func newWire(t *testing.T, url string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{url: "http://" + l.Addr().String(), to: strings.TrimPrefix(url, "http://"), open: map[net.Conn]bool{}}
	w.done.Go(func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return // closed with the test
			}
			w.done.Go(func() { w.carry(from) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		w.setCut(true)
		w.done.Wait()
	})
	return w
}

// setCut breaks everything that is on the wire and lets nothing new pass, or lets it pass again.
func (w *wire) setCut(cut bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = cut
	if cut {
		for c := range w.open {
			_ = c.Close()
		}
	}
}

// enter notes a connection; false when the wire is cut.
func (w *wire) enter(c net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open[c] = true
	return !w.cut
}

func (w *wire) leave(c net.Conn) {
	_ = c.Close()
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.open, c)
}

func (w *wire) carry(from net.Conn) {
	defer w.leave(from)
	if !w.enter(from) {
		return
	}
	to, err := net.Dial("tcp", w.to)
	if err != nil {
		return
	}
	defer w.leave(to)
	if !w.enter(to) {
		return
	}
	w.done.Go(func() {
		_, _ = io.Copy(to, from) // ends when either side does
		_ = to.Close()
	})
	_, _ = io.Copy(from, to)
}
