package siptest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// recorder is a test that notes how it was ended instead of ending.
type recorder struct {
	testing.TB
	skipped, failed string
}

func (r *recorder) Helper() {}

func (r *recorder) Skipf(format string, args ...any) {
	r.skipped = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.failed = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// A peer that is not installed skips the test and says which package has it, or fails where peers are required.
func TestMissingPeer(t *testing.T) {
	ask := func() *recorder {
		r := &recorder{TB: t}
		done := make(chan struct{})
		go func() {
			defer close(done)
			program(r, "no-such-peer", "some-package")
		}()
		<-done
		return r
	}
	t.Setenv(RequirePeers, "")
	if r := ask(); !strings.Contains(r.skipped, "no-such-peer") || !strings.Contains(r.skipped, "some-package") || r.failed != "" {
		t.Errorf("not required: skipped %q, failed %q", r.skipped, r.failed)
	}
	t.Setenv(RequirePeers, "1")
	if r := ask(); !strings.Contains(r.failed, "no-such-peer") || r.skipped != "" {
		t.Errorf("required: skipped %q, failed %q", r.skipped, r.failed)
	}
}

// A free port is free for both protocols, and a taken one is noticed for either.
func TestFreePort(t *testing.T) {
	port := FreePort(t)
	if !portFree(port) {
		t.Fatalf("port %d is not free", port)
	}
	if l, err := net.Listen("tcp", loopback(port-1)); err == nil {
		t.Error("somebody else can have the same port", l.Close())
	}
	l, err := net.Listen("tcp", loopback(port))
	if err != nil {
		t.Fatal(err)
	}
	if portFree(port) {
		t.Error("free while somebody listens for TCP")
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	pc, err := net.ListenPacket("udp", loopback(port))
	if err != nil {
		t.Fatal(err)
	}
	if portFree(port) {
		t.Error("free while somebody listens for UDP")
	}
	if err := pc.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestEventually(t *testing.T) {
	n := 0
	if !Eventually(wait, func() bool { n++; return n == 3 }) || n != 3 {
		t.Errorf("a state that comes: asked %d times", n)
	}
	if Eventually(20*time.Millisecond, func() bool { return false }) {
		t.Error("a state that never comes was seen")
	}
}

// A port that somebody else listens on is told apart from every other reason not to start.
func TestPortTaken(t *testing.T) {
	k := StartKamailio(t, KamailioOptions{})
	k.Stop()
	l, err := net.Listen("tcp", k.Addr())
	if err != nil {
		t.Fatal(err)
	}
	if err := k.launch(); !errors.Is(err, errPortTaken) {
		t.Errorf("start on a taken port: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	k.Start()
}

// helperEnv makes the test binary the helper of TestPeersDieWithTheTest.
const helperEnv = "SIPTEST_HELPER"

// A test process that is killed leaves no Kamailio behind.
func TestPeersDieWithTheTest(t *testing.T) {
	if os.Getenv(helperEnv) == "1" {
		k := StartKamailio(t, KamailioOptions{})
		fmt.Printf("helper started %d\n", k.proc.pgid)
		select {}
	}
	if runtime.GOOS != "linux" {
		t.Skip("only Linux ends a child with its parent")
	}
	program(t, "kamailio", "kamailio")
	cmd := exec.Command(os.Args[0], "-test.run=^TestPeersDieWithTheTest$")
	cmd.Env = append(os.Environ(), helperEnv+"=1", "TMPDIR="+t.TempDir())
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	group := 0
	for in := bufio.NewScanner(out); group == 0 && in.Scan(); {
		if _, text, ok := strings.Cut(in.Text(), "helper started "); ok {
			if group, err = strconv.Atoi(text); err != nil {
				t.Fatal(err)
			}
		}
	}
	if group == 0 || !groupAlive(group) {
		t.Fatalf("the helper's server (group %d) does not run", group)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if !Eventually(wait, func() bool { return !groupAlive(group) }) {
		t.Error("the server outlives the test process")
	}
	var ended *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &ended) {
		t.Errorf("the helper ended with %v", err)
	}
}

func TestAnswerTimes(t *testing.T) {
	const trace = "2026-11-21\t21:54:10.2\t1795298050.243660\tS\t1-1@127.0.0.1\tCSeq:1 MESSAGE\tMESSAGE sip:bob@example.test SIP/2.0\n" +
		"2026-11-21\t21:54:10.2\t1795298050.243919\tR\t1-1@127.0.0.1\tCSeq:1 MESSAGE\tSIP/2.0 200 OK\n" +
		"2026-11-21\t21:54:10.2\t1795298050.250000\tS\t2-1@127.0.0.1\tCSeq:1 MESSAGE\tMESSAGE sip:bob@example.test SIP/2.0\n" +
		"2026-11-21\t21:54:10.2\t1795298050.250050\tR\t2-1@127.0.0.1\tCSeq:1 MESSAGE\tSIP/2.0 407 Proxy Authentication Required\n" +
		"2026-11-21\t21:54:10.2\t1795298050.250100\tS\t2-1@127.0.0.1\tCSeq:2 MESSAGE\tMESSAGE sip:bob@example.test SIP/2.0\n" +
		"2026-11-21\t21:54:10.2\t1795298050.250200\tR\t2-1@127.0.0.1\tCSeq:2 MESSAGE\tSIP/2.0 200 OK\n"
	got, err := answerTimes(trace)
	if want := []time.Duration{100 * time.Microsecond, 259 * time.Microsecond}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
	if _, err := answerTimes(""); err == nil {
		t.Error("no error without messages")
	}
}

func TestPercentile(t *testing.T) {
	var times []time.Duration
	for i := range 200 {
		times = append(times, time.Duration(i+1))
	}
	for p, want := range map[int]time.Duration{0: 1, 50: 100, 99: 198, 100: 200} {
		if got := percentile(times, p); got != want {
			t.Errorf("percentile %d: %d, want %d", p, got, want)
		}
	}
}

// A publication counts once the server has accepted it, and not while another is on its way.
func TestPublished(t *testing.T) {
	packet := func(first, id, cseq, rest string) string {
		return "\x1b[36;1m#\nTCP 127.0.0.1:1 -> 127.0.0.1:2\n" + first + "\nCall-ID: " + id + "\nCSeq: " + cseq + " PUBLISH\n" + rest + "\n\x1b[;m\n"
	}
	sent := func(id, cseq, basic string) string {
		return packet("PUBLISH sip:bob@example.test SIP/2.0", id, cseq, "\n<basic>"+basic+"</basic>")
	}
	taken := func(id, cseq string) string { return packet("SIP/2.0 200 OK", id, cseq, "SIP-ETag: x") }
	refused := packet("SIP/2.0 407 Proxy Authentication Required", "b", "1", "")
	for _, c := range []struct{ trace, want string }{
		{"", ""},
		{sent("a", "1", "unknown") + taken("a", "1"), "unknown"},
		{sent("a", "1", "unknown") + sent("b", "1", "open") + taken("a", "1"), ""},
		{sent("a", "1", "unknown") + sent("b", "1", "open") + refused + taken("a", "1") + sent("b", "2", "open") + taken("b", "2"), "open"},
	} {
		if got := published(c.trace); got != c.want {
			t.Errorf("%q, want %q, of\n%s", got, c.want, c.trace)
		}
	}
}

func FuzzNetstring(f *testing.F) {
	for _, seed := range []string{"5:hello,", "0:,", ":,", "05:hello,", "5:hell", "9999999999:x,", "3:abc;", "-1:,"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		frame, err := readNetstring(bufio.NewReader(bytes.NewReader(b)))
		if err != nil {
			return
		}
		if len(frame) > maxControl || !bytes.Contains(b, append(slices.Clone(frame), ',')) {
			t.Errorf("%q became %q", b, frame)
		}
	})
}

func FuzzAnswerTimes(f *testing.F) {
	f.Add("a\tb\t1.5\tS\tid\tc\tMESSAGE x\na\tb\t1.6\tR\tid\tc\tSIP/2.0 200 OK\n")
	f.Fuzz(func(t *testing.T, trace string) {
		times, err := answerTimes(trace)
		if err == nil && (len(times) == 0 || !slices.IsSorted(times)) {
			t.Errorf("%q became %v", trace, times)
		}
	})
}
