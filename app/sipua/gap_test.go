package sipua

// Sign-ins over a connection that comes and goes between any two steps.

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"portico/app/portal"
)

// yes says yes to whatever it is asked over UDP, until the socket is closed.
func yes(t *testing.T) string {
	t.Helper()
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 64<<10)
		for {
			n, from, err := socket.ReadFrom(buf)
			if err != nil {
				return
			}
			r := textproto.NewReader(bufio.NewReader(strings.NewReader(string(buf[:n]))))
			if _, err := r.ReadLine(); err != nil {
				continue
			}
			h, err := r.ReadMIMEHeader()
			if err != nil {
				continue
			}
			answer := fmt.Sprintf("SIP/2.0 200 OK\r\nVia: %s\r\nFrom: %s\r\nTo: %s;tag=yes\r\nCall-ID: %s\r\nCSeq: %s\r\nContact: %s\r\nContent-Length: 0\r\n\r\n",
				h.Get("Via"), h.Get("From"), h.Get("To"), h.Get("Call-Id"), h.Get("Cseq"), h.Get("Contact"))
			if _, err := socket.WriteTo([]byte(answer), from); err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		if err := socket.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		<-done
	})
	return socket.LocalAddr().String()
}

// blink takes the link's connection away and gives it back, over and over until ctx is done.
func (k *link) blink(ctx context.Context) {
	put := func(f *flow) {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.current = f
		close(k.changed)
		k.changed = make(chan struct{})
	}
	f := k.flow()
	for ctx.Err() == nil {
		put(nil)
		put(f)
	}
}

// facingYes runs an agent until the test's end and gives it with its link when that is up.
func facingYes(t *testing.T) (*Agent, *link) {
	t.Helper()
	a, err := New(Config{Domain: "example.test", Proxy: "sip:" + yes(t) + ";transport=udp", Instance: "gap", NoWatcherInfo: true}, nobody{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- a.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ran; err != nil {
			t.Errorf("run: %v", err)
		}
	})
	if err := a.links[0].await(soon(t)); err != nil {
		t.Fatal(err)
	}
	return a, a.links[0]
}

// soon is a minute from now.
func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func TestASignInOutlastsEveryGap(t *testing.T) {
	a, k := facingYes(t)
	blinking, still := context.WithCancel(context.Background())
	calm := make(chan struct{})
	go func() { defer close(calm); k.blink(blinking) }()
	defer func() { still(); <-calm }()
	for i := range 100 {
		who := portal.MustAddress(fmt.Sprintf("sip:user%d@example.test", i))
		if _, err := a.SignIn(soon(t), who, "portico"); err != nil {
			t.Errorf("%s: %v", who, err)
		}
		if err := a.Check(soon(t), who, "portico"); err != nil {
			t.Errorf("check of %s: %v", who, err)
		}
	}
}

// A grant that comes when its connection has been replaced: the person is registered on the new one at
// once, not when the old registration would have been renewed.
func TestAGrantOfTheConnectionBefore(t *testing.T) {
	a, k := facingYes(t)
	who := portal.Address("sip:alice@example.test")
	if _, err := a.SignIn(soon(t), who, "portico"); err != nil {
		t.Fatal(err)
	}
	before := k.generation()
	k.set(k.flow())
	if a.Status(who).Registered {
		t.Error("registered on a connection that has heard nothing of it")
	}
	a.line(who).registered(grant{expires: time.Hour, gen: before})
	for limit, tick := soon(t), time.NewTicker(time.Millisecond); !a.Status(who).Registered; {
		select {
		case <-tick.C:
		case <-limit.Done():
			t.Fatal("never registered on the new connection")
		}
	}
}
