package siplab

// Figures: go test -bench . -benchtime 5s ./app/sipua/siplab

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// loader is a peer for benchmarks: it writes prepared requests, counts 200s, and answers every request with 200.
type loader struct {
	conn    net.Conn
	ok      atomic.Int64
	bad     atomic.Int64
	got     atomic.Int64
	done    chan struct{}
	arrived chan struct{}
	writeMu sync.Mutex
}

func newLoader(b *testing.B, s *Server) *loader {
	b.Helper()
	conn, err := net.Dial("tcp", s.Addr())
	if err != nil {
		b.Fatal(err)
	}
	l := &loader{conn: conn, done: make(chan struct{}), arrived: make(chan struct{}, 1<<20)}
	go l.read()
	b.Cleanup(func() {
		conn.Close()
		<-l.done
	})
	return l
}

func (l *loader) read() {
	defer close(l.done)
	var fr framer
	buf := make([]byte, 256<<10)
	var out bytes.Buffer
	for {
		n, err := l.conn.Read(buf)
		if err != nil {
			return
		}
		fr.write(buf[:n])
		for {
			m, err := fr.next()
			if err != nil || !m.complete {
				break
			}
			switch {
			case bytes.HasPrefix(m.head, []byte("SIP/2.0 200")):
				l.ok.Add(1)
				l.signal()
			case bytes.HasPrefix(m.head, []byte("SIP/2.0 ")):
				l.bad.Add(1)
				l.signal()
			default:
				l.got.Add(1)
				answer(&out, m.head)
			}
			fr.done()
		}
		if out.Len() > 0 {
			l.writeMu.Lock()
			l.conn.Write(out.Bytes())
			l.writeMu.Unlock()
			out.Reset()
		}
	}
}

func (l *loader) signal() {
	select {
	case l.arrived <- struct{}{}:
	default:
	}
}

// answer writes a 200 with the request's own lines.
func answer(out *bytes.Buffer, head []byte) {
	out.WriteString("SIP/2.0 200 OK\r\n")
	for line := range bytes.SplitSeq(head, lineEnd) {
		for _, p := range []string{"Via:", "From:", "Call-ID:", "CSeq:", "To:"} {
			if bytes.HasPrefix(line, []byte(p)) {
				out.Write(line)
				if p == "To:" && !bytes.Contains(line, []byte("tag=")) {
					out.WriteString(";tag=b")
				}
				out.WriteString("\r\n")
			}
		}
	}
	out.WriteString("Content-Length: 0\r\n\r\n")
}

func benchLab(b *testing.B, users int) *Server {
	return newLab(b, func(c *Config) {
		c.Open = true
		c.Users = nil
		for i := range users {
			c.Users = append(c.Users, User{Name: fmt.Sprintf("u%d", i), Password: "portico"})
		}
	})
}

func (l *loader) send(b *testing.B, text string) {
	b.Helper()
	l.writeMu.Lock()
	defer l.writeMu.Unlock()
	if _, err := l.conn.Write([]byte(text)); err != nil {
		b.Fatal(err)
	}
}

func benchRequest(method, from, to string, n int, headers, body string) string {
	return fmt.Sprintf("%s %s SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bKb%s%s%d\r\nMax-Forwards: 70\r\nFrom: <sip:%s@example.test>;tag=f\r\nTo: <%s>\r\nCall-ID: c%s%d\r\nCSeq: %d %s\r\n%sContent-Length: %d\r\n\r\n%s",
		method, to, method, from, n, from, to, from, n, n+1, method, headers, len(body), body)
}

// registerText is a REGISTER whose To is the person.
func registerText(l *loader, name string) string {
	t := benchRequest("REGISTER", name, "sip:example.test", 0, "Contact: <sip:"+name+"@"+l.conn.LocalAddr().String()+";transport=tcp>\r\nExpires: 3600\r\n", "")
	return strings.Replace(t, "To: <sip:example.test>", "To: <sip:"+name+"@example.test>", 1)
}

// BenchmarkRelay measures MESSAGEs from one TCP connection to another, with many under way at a time.
func BenchmarkRelay(b *testing.B) {
	s := benchLab(b, 2)
	from, to := newLoader(b, s), newLoader(b, s)
	to.send(b, registerText(to, "u1"))
	<-to.arrived
	const window = 64
	b.ReportAllocs()
	b.ResetTimer()
	sent, answered := 0, 0
	for answered < b.N {
		for sent < b.N && sent-answered < window {
			from.send(b, benchRequest("MESSAGE", "u0", "sip:u1@example.test", sent, "Content-Type: text/plain\r\n", "hello, how are you today?"))
			sent++
		}
		<-from.arrived
		answered++
	}
	b.StopTimer()
	if from.bad.Load() > 0 {
		b.Fatalf("%d refused", from.bad.Load())
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
}

// BenchmarkLatency measures one MESSAGE at a time.
func BenchmarkLatency(b *testing.B) {
	s := benchLab(b, 2)
	from, to := newLoader(b, s), newLoader(b, s)
	to.send(b, registerText(to, "u1"))
	<-to.arrived
	times := make([]time.Duration, 0, b.N)
	b.ResetTimer()
	for i := range b.N {
		t := time.Now()
		from.send(b, benchRequest("MESSAGE", "u0", "sip:u1@example.test", i, "Content-Type: text/plain\r\n", "hello"))
		<-from.arrived
		times = append(times, time.Since(t))
	}
	b.StopTimer()
	sort.Slice(times, func(i, j int) bool { return times[i] < times[j] })
	b.ReportMetric(float64(times[len(times)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(times[len(times)*99/100].Microseconds()), "p99-µs")
}

// BenchmarkPublish measures one change of presence until 500 watchers have it.
func BenchmarkPublish(b *testing.B) {
	const watchers = 500
	s := benchLab(b, watchers+1)
	all := newLoader(b, s)
	contact := "Contact: <sip:w@" + all.conn.LocalAddr().String() + ";transport=tcp>\r\n"
	for i := range watchers {
		all.send(b, benchRequest("SUBSCRIBE", fmt.Sprintf("u%d", i+1), "sip:u0@example.test", i, "Event: presence\r\nExpires: 3600\r\n"+contact, ""))
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	reach := func(n int64) {
		for all.got.Load() < n {
			select {
			case <-ctx.Done():
				b.Fatal("notifications are missing")
			case <-time.After(200 * time.Microsecond):
			}
		}
	}
	reach(watchers)
	pub := newLoader(b, s)
	b.ResetTimer()
	for i := range b.N {
		pub.send(b, benchRequest("PUBLISH", "u0", "sip:u0@example.test", i, "Event: presence\r\nExpires: 3600\r\nContent-Type: application/pidf+xml\r\n",
			strings.Replace(pidfOpen, "at desk", fmt.Sprint("change ", i), 1)))
		reach(int64(watchers) * int64(i+2))
	}
	b.StopTimer()
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/change")
}
