package sipua_test

// The 49 messages of RFC 4475 at the connector's listeners: each gets the answer that section 3 of the
// RFC wants of a user agent, and none disturbs those that come after it.

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"portico/app/sipua"
)

// What the agent does with each: 0 is no answer. What is well-formed is for people who are not here
// (404), of a method that is not taken here (405), or in a dialog that is not known (481).
var torture = map[string]int{
	"valid/wsinv": 481, "valid/intmeth": 501, "valid/esc01": 404, "valid/escnull": 405, "valid/esc02": 501, "valid/lwsdisp": 404, "valid/longreq": 404,
	"valid/dblreq": 405, "valid/semiuri": 404, "valid/transports": 404, "valid/mpart01": 404, "valid/unreason": 0, "valid/noreason": 0,
	"invalid/badinv01": 400, "invalid/clerr": 400, "invalid/ncl": 400, "invalid/scalar02": 400, "invalid/scalarlg": 0, "invalid/quotbal": 400, "invalid/ltgtruri": 400,
	"invalid/lwsruri": 400, "invalid/lwsstart": 400, "invalid/trws": 400, "invalid/escruri": 400, "invalid/baddate": 404, "invalid/regbadct": 400, "invalid/badaspec": 400,
	"invalid/baddn": 400, "invalid/badvers": 505, "invalid/mismatch01": 400, "invalid/mismatch02": 400, "invalid/bigcode": 0, "invalid/badbranch": 404, "invalid/insuf": 400,
	"invalid/unkscm": 416, "invalid/novelsc": 416, "invalid/unksm2": 405, "invalid/bext01": 420, "invalid/invut": 415, "invalid/regaut01": 405, "invalid/multi01": 400,
	"invalid/mcl01": 400, "invalid/bcast": 0, "invalid/zeromf": 404, "invalid/cparam01": 405, "invalid/cparam02": 405, "invalid/regescrt": 405, "invalid/sdp01": 406, "invalid/inv2543": 404,
}

// On a stream these have no end that can be known, or one that never comes (clerr): the connection is
// closed after the answer, and the others are not.
var tortureFraming = map[string]int{"invalid/clerr": 0, "invalid/ncl": 400, "invalid/mcl01": 400, "invalid/inv2543": 400}

func tortureMessages(t *testing.T) map[string][]byte {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/emiago/sipgo").Output()
	dir := filepath.Join(strings.TrimSpace(string(out)), "sip", "testdata", "torture")
	if err == nil {
		_, err = os.Stat(dir)
	}
	if err != nil {
		t.Skipf("the RFC 4475 messages, part of the sipgo module's source, are not on this machine: %v", err)
	}
	messages := make(map[string][]byte, len(torture))
	for name := range torture {
		b, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)+".dat"))
		if err != nil {
			t.Fatal(err)
		}
		if name == "invalid/baddn" { // the file lacks the empty line that the RFC has
			b = append(b, "\r\n"...)
		}
		messages[name] = b
	}
	if len(messages) != 49 {
		t.Fatalf("%d messages, the RFC has 49", len(messages))
	}
	return messages
}

// tortured starts an agent whose proxy, on this machine, never speaks. Each message gets its own: several
// have the same Via, and so would be repetitions of one another.
func tortured(t *testing.T) (*sipua.Agent, *house) {
	t.Helper()
	silent, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := silent.Close(); err != nil {
			t.Error(err)
		}
	})
	h := newHouse()
	return start(t, sipua.Config{Domain: "example.test", Proxy: "sip:" + silent.LocalAddr().String() + ";transport=udp"}, h), h
}

const probeID = "probe-after-torture"

// probe is an OPTIONS for the agent itself, whose answer shows that the agent is through with what came
// before.
func probe(network string, local net.Addr) string {
	return fmt.Sprintf("OPTIONS sip:portal@%[2]s SIP/2.0\r\nVia: SIP/2.0/%[1]s %[2]s;branch=z9hG4bKprobe%[2]s;rport\r\nFrom: <sip:probe@example.test>;tag=p\r\nTo: <sip:portal@example.test>\r\n"+
		"Call-ID: %[3]s\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n", network, local, probeID)
}

func TestTortureOverUDP(t *testing.T) {
	for name, b := range tortureMessages(t) {
		t.Run(filepath.Base(name), func(t *testing.T) {
			agent, h := tortured(t)
			defer nothingReached(t, h)
			conn, err := net.Dial("udp", agent.Addr())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			write(t, conn, string(b))
			write(t, conn, probe("UDP", conn.LocalAddr()))
			got := 0
			for probed := false; !probed || torture[name] != 0 && got == 0; {
				in := make([]byte, 64<<10)
				n, err := conn.Read(in)
				if err != nil {
					t.Fatalf("answer %d, probe answered %v: %v", got, probed, err)
				}
				status, id := answered(t, bufio.NewReader(strings.NewReader(string(in[:n]))))
				if id == probeID {
					probed = true
				} else {
					got = status
				}
			}
			if got != torture[name] {
				t.Errorf("answered %d, want %d", got, torture[name])
			}
		})
	}
}

func TestTortureOverTCP(t *testing.T) {
	for name, b := range tortureMessages(t) {
		t.Run(filepath.Base(name), func(t *testing.T) {
			agent, h := tortured(t)
			defer nothingReached(t, h)
			conn, err := net.Dial("tcp", agent.Addr())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if name == "valid/dblreq" { // meant for UDP: five octets more than its second Content-Length says
				b = b[:len(b)-5]
			}
			in := bufio.NewReader(conn)
			write(t, conn, string(b))
			if want, broken := tortureFraming[name]; broken {
				endOfStream(t, conn.(*net.TCPConn), in, want)
				return
			}
			want := map[int]int{}
			if status := torture[name]; status != 0 {
				want[status]++
			}
			if name == "valid/dblreq" { // on a stream the second request is one
				want[404]++
			}
			write(t, conn, probe("TCP", conn.LocalAddr()))
			for probed := false; !probed || len(want) > 0; {
				status, id := answered(t, in)
				switch {
				case id == probeID:
					probed = true
				case want[status] == 0:
					t.Fatalf("answered %d, want %d", status, torture[name])
				case want[status] == 1:
					delete(want, status)
				default:
					want[status]--
				}
			}
		})
	}
}

// endOfStream expects one answer (none for 0, after we have stopped sending) and then the end.
func endOfStream(t *testing.T, conn *net.TCPConn, in *bufio.Reader, want int) {
	t.Helper()
	if want == 0 {
		if err := conn.CloseWrite(); err != nil {
			t.Fatal(err)
		}
	} else if status, _ := answered(t, in); status != want {
		t.Errorf("answered %d, want %d", status, want)
	}
	if b, err := in.ReadByte(); !errors.Is(err, io.EOF) && !isReset(err) {
		t.Errorf("the connection goes on: %q, %v", b, err)
	}
}

// isReset: what we sent behind the message was not read before the close.
func isReset(err error) bool {
	return err != nil && strings.Contains(err.Error(), "reset by peer")
}

func write(t *testing.T, conn net.Conn, s string) {
	t.Helper()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, s); err != nil {
		t.Fatal(err)
	}
}

// answered reads one response.
func answered(t *testing.T, in *bufio.Reader) (status int, callID string) {
	t.Helper()
	r := textproto.NewReader(in)
	line, err := r.ReadLine()
	if err != nil {
		t.Fatalf("no answer: %v", err)
	}
	code, found := strings.CutPrefix(line, "SIP/2.0 ")
	if !found || len(code) < 3 {
		t.Fatalf("not a response: %q", line)
	}
	status, err = strconv.Atoi(code[:3])
	if err != nil {
		t.Fatalf("not a response: %q", line)
	}
	header := map[string]string{} // read by hand: textproto refuses the control characters that intmeth has
	for {
		field, err := r.ReadLine()
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if field == "" {
			break
		}
		name, value, _ := strings.Cut(field, ": ")
		header[name] = value
	}
	if header["Via"] == "" || header["Content-Length"] != "0" {
		t.Errorf("%s: %v", line, header)
	}
	return status, header["Call-ID"]
}

// nothingReached: no message of the RFC is for anybody here.
func nothingReached(t *testing.T, h *house) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.messages) != 0 {
		t.Errorf("the house was told %v", h.messages)
	}
}
