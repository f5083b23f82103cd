package sipua_test

// The 49 messages of RFC 4475 at the listener: each gets the reaction the RFC prescribes for a user
// agent, and nobody else notices.

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"portico/app/portal"
)

// tortured is what a message gets: the status, or 0 where there must be no answer. The valid ones are
// for people who are not here or for methods that this agent does not do.
var tortured = map[string]int{
	"valid/wsinv": 481, "valid/intmeth": 501, "valid/esc01": 404, "valid/escnull": 405, "valid/esc02": 501, "valid/lwsdisp": 404,
	"valid/longreq": 404, "valid/dblreq": 405, "valid/semiuri": 404, "valid/transports": 404, "valid/mpart01": 404,
	"valid/unreason": 0, "valid/noreason": 0,
	"invalid/badinv01": 400, "invalid/clerr": 400, "invalid/ncl": 400, "invalid/scalar02": 400, "invalid/scalarlg": 0, "invalid/quotbal": 400,
	"invalid/ltgtruri": 400, "invalid/lwsruri": 400, "invalid/lwsstart": 400, "invalid/trws": 400, "invalid/escruri": 400,
	"invalid/baddate": 404, "invalid/regbadct": 400, "invalid/badaspec": 400, "invalid/baddn": 400, "invalid/badvers": 505,
	"invalid/mismatch01": 400, "invalid/mismatch02": 400, "invalid/bigcode": 0, "invalid/badbranch": 404, "invalid/insuf": 400,
	"invalid/unkscm": 416, "invalid/novelsc": 416, "invalid/unksm2": 405, "invalid/bext01": 420, "invalid/invut": 415, "invalid/regaut01": 405,
	"invalid/multi01": 400, "invalid/mcl01": 400, "invalid/bcast": 0, "invalid/zeromf": 404, "invalid/cparam01": 405, "invalid/cparam02": 405,
	"invalid/regescrt": 405, "invalid/sdp01": 406, "invalid/inv2543": 404,
}

func tortureDir(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/emiago/sipgo").Output()
	dir := filepath.Join(strings.TrimSpace(string(out)), "sip", "testdata", "torture")
	if err == nil {
		_, err = os.Stat(dir)
	}
	if err != nil {
		t.Skipf("the RFC 4475 messages, part of the sipgo module's source, are not on this machine: %v", err)
	}
	return dir
}

func tortureMessage(t *testing.T, dir, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)+".dat"))
	if err != nil {
		t.Fatal(err)
	}
	if name == "invalid/baddn" { // the file lacks the empty line that the RFC has
		b = append(b, "\r\n"...)
	}
	return b
}

func TestTortureAtTheListener(t *testing.T) {
	if len(tortured) != 49 {
		t.Fatalf("%d messages, the RFC has 49", len(tortured))
	}
	dir := tortureDir(t)
	w := labWorld(t, "tcp")
	h := newHouse()
	a := start(t, w.cfg, h)
	signIn(t, a, alice)
	signIn(t, a, bob)
	n := 0
	undisturbed := func(t *testing.T) {
		t.Helper()
		n++
		text := fmt.Sprint("undisturbed ", n)
		if st := send(t, a, alice, bob, text, text); st != portal.Delivered {
			t.Errorf("state %s", st)
		}
		h.awaitText(t, bob, text)
	}
	for name, status := range tortured {
		raw := tortureMessage(t, dir, name)
		t.Run("udp/"+name, func(t *testing.T) {
			got := overUDP(t, a.Addr(), raw)
			if got != status {
				t.Errorf("answered %d, want %d", got, status)
			}
			undisturbed(t)
		})
		t.Run("tcp/"+name, func(t *testing.T) {
			got := overTCP(t, a.Addr(), raw)
			want := status
			switch name {
			case "invalid/inv2543": // without Content-Length a stream cannot be cut
				want = 400
			case "invalid/clerr": // on a stream the rest of its body may still come
				want = 0
			}
			if got != want {
				t.Errorf("answered %d, want %d", got, want)
			}
			undisturbed(t)
		})
	}
}

// sentinel is a request whose answer shows that what came before has been dealt with.
const sentinel = "OPTIONS sip:example.test SIP/2.0\r\nVia: SIP/2.0/%s 127.0.0.1:9;branch=z9hG4bK%d;rport\r\nMax-Forwards: 70\r\nFrom: <sip:x@example.test>;tag=x\r\nTo: <sip:example.test>\r\nCall-ID: sentinel\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"

func statusOf(b []byte) int {
	var status int
	if _, err := fmt.Sscanf(string(b), "SIP/2.0 %d", &status); err != nil {
		return 0
	}
	return status
}

func overUDP(t *testing.T, addr string, raw []byte) int {
	t.Helper()
	c, err := net.Dial("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	for _, b := range [][]byte{raw, fmt.Appendf(nil, sentinel, "UDP", time.Now().UnixNano())} {
		if _, err := c.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	buf, status := make([]byte, 65536), 0
	for {
		n, err := c.Read(buf)
		if err != nil {
			t.Fatalf("no answer to the sentinel: %v", err)
		}
		if strings.Contains(string(buf[:n]), "\r\nCall-ID: sentinel\r\n") {
			return status
		}
		if s := statusOf(buf[:n]); s >= 200 && status == 0 {
			status = s
		}
	}
}

// overTCP sends it on a connection of its own; the agent may close it where the stream cannot go on.
func overTCP(t *testing.T, addr string, raw []byte) int {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if _, err := c.Write(raw); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(c, sentinel, "TCP", time.Now().UnixNano()); err != nil && !errors.Is(err, net.ErrClosed) {
		t.Logf("sentinel: %v", err) // closed already
	}
	if tc, ok := c.(*net.TCPConn); ok {
		if err := tc.CloseWrite(); err != nil {
			t.Logf("close: %v", err)
		}
	}
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	var all []byte
	buf := make([]byte, 65536)
	for {
		n, err := c.Read(buf)
		all = append(all, buf[:n]...)
		if err != nil {
			break // the agent closes once it has read the end
		}
	}
	first := strings.Index(string(all), "SIP/2.0 ")
	if first < 0 || strings.HasPrefix(string(all[first:]), "SIP/2.0 200") {
		return 0
	}
	return statusOf(all[first:])
}
