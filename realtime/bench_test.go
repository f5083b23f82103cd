package realtime

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"portico/app/portal"
)

// The browsers of the benchmarks are a child process, so that what is measured is the server's share.
// It opens so many plain WebSockets, reads and discards all that comes, and after each burst it is asked
// for says how many bytes it has read.
const crowdEnv = "PORTICO_TEST_CROWD"

// crowdMain runs the child process and gives its exit status.
func crowdMain(spec string) int {
	url, count, _ := strings.Cut(spec, " ")
	n, err := strconv.Atoi(count)
	if err == nil {
		err = crowd(url, n)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "crowd:", err)
		return 1
	}
	return 0
}

func crowd(addr string, n int) error {
	raiseFileLimit()
	var got atomic.Int64
	for i := range n {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			return err
		}
		fmt.Fprintf(c, "GET /?person=p%d@example.test HTTP/1.1\r\nHost: portal.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
			"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n", i)
		go func() {
			buf := make([]byte, 512)
			for {
				k, err := c.Read(buf)
				got.Add(int64(k))
				if err != nil {
					return
				}
			}
		}()
	}
	fmt.Println("CROWD ready")
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() { // "N": wait until N bytes more were read
		more, err := strconv.ParseInt(in.Text(), 10, 64)
		if err != nil {
			return err
		}
		for tick := time.NewTicker(time.Millisecond); got.Load() < more; <-tick.C {
		}
		got.Add(-more)
		fmt.Println("CROWD done")
	}
	return nil
}

func raiseFileLimit() {
	var lim syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &lim) == nil {
		lim.Cur = lim.Max
		// Without it the benchmark says at which connection it ran out.
		_ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &lim)
	}
}

// crowdOf starts n browsers and returns a function that waits until they have read so many bytes.
func crowdOf(b *testing.B, d *house, n int) (wait func(bytes int64)) {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), crowdEnv+"="+strings.TrimPrefix(d.web.URL, "http://")+" "+strconv.Itoa(n))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = in.Close()
		_, _ = io.Copy(io.Discard, out)
		if err := cmd.Wait(); err != nil {
			b.Errorf("crowd: %v", err)
		}
	})
	lines := bufio.NewScanner(out)
	line := func(want string) {
		for lines.Scan() {
			if strings.Contains(lines.Text(), want) {
				return
			}
		}
		b.Fatalf("the crowd ended before saying %q", want)
	}
	line("CROWD ready")
	until(b, "all connections", func() bool { return d.hub.Connections() == n })
	return func(bytes int64) {
		fmt.Fprintln(in, bytes)
		line("CROWD done")
	}
}

// frameBytes is what one frame costs on the wire: a header of 2 or 4 bytes and the body.
func frameBytes(body string) int64 {
	if len(body) < 126 {
		return int64(len(body)) + 2
	}
	return int64(len(body)) + 4
}

// handshakeBytes is what each browser reads before the first event: the 101 answer and hello.
func handshakeBytes() int64 {
	const answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
	return int64(len(answer)) + frameBytes("hello 0")
}

const benchEvent = `{"event":"presence","uri":"sip:bob@example.test","availability":"busy","activity":"in-a-meeting","since":"2026-11-23T09:00:00Z"}`

// BenchmarkBroadcast: one event to all live connections, until every browser has read it.
func BenchmarkBroadcast(b *testing.B) {
	for _, n := range []int{100, 1000, 10000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			raiseFileLimit()
			d := newHouse(b, Options{})
			wait := crowdOf(b, d, n)
			wait(int64(n) * handshakeBytes())
			to := make([]portal.Address, n)
			for i := range to {
				to[i] = portal.Address(fmt.Sprintf("sip:p%d@example.test", i))
			}
			b.ResetTimer()
			for i := range b.N {
				d.hub.Send(to, NewFrame(0, "presence:"+strconv.Itoa(i), text(benchEvent)))
				wait(int64(n) * frameBytes(benchEvent))
			}
			b.StopTimer()
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "deliveries/s")
		})
	}
}

// BenchmarkConnectionMemory: what one idle live connection keeps on the heap and in stacks.
func BenchmarkConnectionMemory(b *testing.B) {
	for _, n := range []int{100, 1000, 10000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			raiseFileLimit()
			d := newHouse(b, Options{})
			before := inUse()
			wait := crowdOf(b, d, n)
			wait(int64(n) * handshakeBytes())
			after := inUse()
			b.ReportMetric(float64(after-before)/float64(n), "B/conn") // one reading, however long the benchmark runs
			b.ReportMetric(0, "ns/op")
		})
	}
}

func inUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}
