package siplab

// The 49 messages of RFC 4475 at the lab's listeners, each with the reaction that the RFC prescribes for a proxy and
// registrar, over UDP and over TCP, with somebody else being served meanwhile.

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// reaction is what is expected of one message. Where TCP differs from UDP it is because Content-Length rules a stream.
type reaction struct {
	udp, tcp []int  // statuses in order; nil: ignored
	has      string // text that the (last) answer must contain
	closes   bool   // the stream ends after the answer: no next message can be found in it
	digest   bool   // at a server that asks for passwords; the others believe From
	why      string
}

func both(status int, why string) reaction {
	return reaction{udp: []int{status}, tcp: []int{status}, why: why}
}

func silence(why string) reaction { return reaction{why: why} }

var torture = map[string]reaction{
	// 3.1.1 valid
	"wsinv":      both(403, "parsed although folded and spaced; Route and domain are foreign, so not relayed"),
	"intmeth":    both(404, "an unknown method is routed like any other; this user does not exist"),
	"esc01":      both(403, "escaped user part is no SIPS URI; foreign domain"),
	"escnull":    {udp: []int{200}, tcp: []int{200}, has: "sip:%00%00@host5.example.com", why: "two bindings, NULs kept escaped"},
	"esc02":      both(403, "RE%47IST%45R is not REGISTER; foreign domain"),
	"lwsdisp":    both(480, "no space between display name and <"),
	"longreq":    both(480, "long values, 34 Vias in odd case"),
	"dblreq":     {udp: []int{200}, tcp: []int{200, 480}, closes: true, why: "a datagram ends with its message; a stream goes on (and then ends: five octets too many)"},
	"semiuri":    both(404, "user;par=u@example.net is one user, and not user"),
	"transports": both(480, "unknown transports in Via are somebody else's"),
	"mpart01":    both(403, "MESSAGE with binary multipart; Route leads elsewhere"),
	"unreason":   silence("a response without transaction"),
	"noreason":   silence("a response without transaction"),
	// 3.1.2 invalid
	"badinv01":   both(400, "extraneous separators"),
	"clerr":      {udp: []int{400}, why: "datagram shorter than Content-Length; a stream waits for the rest"},
	"ncl":        {udp: []int{400}, tcp: []int{400}, closes: true, why: "negative Content-Length"},
	"scalar02":   both(400, "CSeq above 2**31"),
	"scalarlg":   silence("response with overlarge CSeq is discarded"),
	"quotbal":    both(400, "unterminated quoted string"),
	"ltgtruri":   both(400, "<> around the request URI"),
	"lwsruri":    both(400, "white space in the request URI"),
	"lwsstart":   both(400, "more than one space in the request line"),
	"trws":       both(400, "trailing space in the request line"),
	"escruri":    both(400, "headers in the request URI"),
	"baddate":    both(400, "Date not in GMT"),
	"regbadct":   both(400, "Contact with ? must stand in <>"),
	"badaspec":   both(400, "spaces within addr-spec"),
	"baddn":      {udp: []int{400}, why: "comma in an unquoted display name; a stream waits for the missing empty line"},
	"badvers":    both(505, "version 7.0"),
	"mismatch01": both(400, "CSeq names another method"),
	"mismatch02": both(501, "unknown method, CSeq names another"),
	"bigcode":    silence("response with an impossible status is discarded"),
	// 3.2, 3.3
	"badbranch": both(480, "branch of the cookie alone is no transaction id, and works"),
	"insuf":     both(400, "required headers missing"),
	"unkscm":    both(416, "unknown scheme in the request URI"),
	"novelsc":   both(416, "unusual scheme in the request URI"),
	"unksm2":    both(400, "To of a REGISTER must be a SIP URI"),
	"bext01":    {udp: []int{420}, tcp: []int{420}, has: "Unsupported: noproxiessupportthis, nordoanyproxiessupportthis", why: "Proxy-Require"},
	"invut":     both(480, "the body is not a proxy's business"),
	"regaut01":  {udp: []int{401}, tcp: []int{401}, digest: true, why: "an unknown scheme counts as no credentials"},
	"multi01":   both(400, "single headers more than once"),
	"mcl01":     {udp: []int{400}, tcp: []int{400}, closes: true, why: "two Content-Length"},
	"bcast":     silence("response with a broadcast Via behind ours is not forwarded"),
	"zeromf":    both(483, "Max-Forwards 0"),
	"cparam01":  {udp: []int{200}, tcp: []int{200}, has: "<sip:+19725552222@gw1.example.net>;unknownparam", why: "parameter of the header"},
	"cparam02":  {udp: []int{200}, tcp: []int{200}, has: "<sip:+19725552222@gw1.example.net;unknownparam>", why: "parameter of the URI"},
	"regescrt":  {udp: []int{200}, tcp: []int{200}, has: "<sip:user@example.com?Route=%3Csip:sip.example.com%3E>", why: "headers in a Contact URI are stored"},
	"sdp01":     both(480, "Accept is not a proxy's business"),
	// 3.4
	"inv2543": {udp: []int{480}, tcp: []int{400}, closes: true, why: "RFC 2543: no tags, no branch; a stream needs Content-Length"},
	// not of the RFC, but beside its files
	"test": {closes: true, why: "no SIP version, no Via: nothing to answer to; a stream that begins so is not SIP"},
}

// tortureFiles finds the messages beside the sipgo module.
func tortureFiles(t *testing.T) map[string][]byte {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/emiago/sipgo").Output()
	dir := filepath.Join(strings.TrimSpace(string(out)), "sip", "testdata", "torture")
	if _, serr := os.Stat(dir); err != nil || serr != nil {
		t.Skip("the RFC 4475 messages are not on disk: the sipgo module is not in the module cache")
	}
	files := map[string][]byte{}
	for _, sub := range []string{"valid", "invalid"} {
		names, err := filepath.Glob(filepath.Join(dir, sub, "*.dat"))
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range names {
			b, err := os.ReadFile(n)
			if err != nil {
				t.Fatal(err)
			}
			files[strings.TrimSuffix(filepath.Base(n), ".dat")] = b
		}
	}
	return files
}

func tortureLab(t *testing.T, open bool) *Server {
	return newLab(t, func(c *Config) {
		c.Domain, c.Open = "example.com", open
		c.Users = nil
		for _, n := range []string{"user", "j.user", "watson", "joe", "UserB", "caller", "local-resource", "null-%00-null"} {
			c.Users = append(c.Users, User{Name: n, Password: "portico"})
		}
	})
}

func TestTorture(t *testing.T) {
	files := tortureFiles(t)
	if len(files) != len(torture) {
		t.Errorf("%d files, %d reactions", len(files), len(torture))
	}
	for name, octets := range files {
		want, ok := torture[name]
		if !ok {
			t.Errorf("no reaction is written down for %s", name)
			continue
		}
		t.Run(name, func(t *testing.T) {
			s := tortureLab(t, !want.digest)
			other := newPhone(t, s, "watson", "tcp")
			t.Run("udp", func(t *testing.T) { tortureUDP(t, s, octets, want) })
			s.Faults().ExpireRegistrations()
			t.Run("tcp", func(t *testing.T) { tortureTCP(t, s, octets, want) })
			if m := other.do(ask{method: "OPTIONS", target: "sip:example.com", noAuth: true}); m.status != 200 {
				t.Errorf("the server no longer serves others: %s", m.start)
			}
		})
	}
}

// tortureUDP sends from port 5060 of a loopback address of its own, where answers go that have no rport. The messages'
// Vias also name 5050 and 5070.
func tortureUDP(t *testing.T, s *Server, octets []byte, want reaction) {
	ip := net.IPv4(127, 77, byte(phoneCount.Add(1)%200), 1)
	answers := make(chan []byte, 10)
	var first *net.UDPConn
	for _, port := range []int{5060, 5050, 5070} {
		c, err := net.ListenUDP("udp", &net.UDPAddr{IP: ip, Port: port})
		if err != nil {
			t.Skipf("no loopback address with port %d here: %v", port, err)
		}
		defer c.Close()
		if first == nil {
			first = c
		}
		go func() {
			buf := make([]byte, 65536)
			for {
				n, err := c.Read(buf)
				if err != nil {
					return
				}
				answers <- bytes.Clone(buf[:n])
			}
		}()
	}
	to, err := net.ResolveUDPAddr("udp", s.UDPAddr())
	if err != nil {
		t.Fatal(err)
	}
	// The ping behind it is answered after it: what has not come by then will not come.
	ping := fmt.Sprintf("OPTIONS sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP %s:5060;branch=z9hG4bKping%d\r\nFrom: <sip:p@x>;tag=1\r\nTo: <sip:example.com>\r\nCall-ID: ping\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
		ip, phoneCount.Add(1))
	send := func(b []byte) {
		if _, err := first.WriteToUDP(b, to); err != nil {
			t.Fatal(err)
		}
	}
	send(octets)
	check(t, want, want.udp, func() { send([]byte(ping)) }, func() ([]byte, bool) {
		select {
		case b := <-answers:
			return b, true
		case <-time.After(patience):
			return nil, false
		}
	})
}

func tortureTCP(t *testing.T, s *Server, octets []byte, want reaction) {
	conn, err := net.Dial("tcp", s.TCPAddr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ping := "OPTIONS sip:example.com SIP/2.0\r\nVia: SIP/2.0/TCP t;branch=z9hG4bKping\r\nFrom: <sip:p@x>;tag=1\r\nTo: <sip:example.com>\r\nCall-ID: ping\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
	if want.tcp == nil && want.udp != nil {
		t.Skip("a stream waits for the rest of this message: " + want.why)
	}
	if _, err := conn.Write(append(bytes.Clone(octets), ping...)); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	var fr framer
	buf := make([]byte, 65536)
	next := func() ([]byte, bool) {
		for {
			m, err := fr.next()
			if err != nil {
				t.Fatal(err)
			}
			if m.complete {
				b := bytes.Clone(m.head)
				fr.done()
				return b, true
			}
			n, err := conn.Read(buf)
			if err != nil {
				return nil, false
			}
			fr.write(buf[:n])
		}
	}
	if !want.closes {
		check(t, want, want.tcp, func() {}, next)
		return
	}
	for _, status := range want.tcp {
		if b, ok := next(); !ok || !bytes.HasPrefix(b, []byte(fmt.Sprintf("SIP/2.0 %d ", status))) {
			t.Errorf("answer %q, want %d: %s", b, status, want.why)
		}
	}
	if b, ok := next(); ok {
		t.Errorf("the stream goes on after a message without end: %q", b)
	}
}

// check reads the answers that are due, pings, and makes sure that nothing comes before the ping's own answer.
func check(t *testing.T, want reaction, statuses []int, ping func(), next func() ([]byte, bool)) {
	t.Helper()
	read := func() string {
		for {
			b, ok := next()
			if !ok {
				t.Fatalf("no answer: %s", want.why)
			}
			if !bytes.HasPrefix(b, []byte("SIP/2.0 100")) {
				return string(b)
			}
		}
	}
	last := ""
	for _, status := range statuses {
		if last = read(); !strings.HasPrefix(last, fmt.Sprintf("SIP/2.0 %d ", status)) {
			t.Fatalf("answer %q, want %d: %s", last, status, want.why)
		}
	}
	if !strings.Contains(last, want.has) {
		t.Errorf("answer %q, want %q in it: %s", last, want.has, want.why)
	}
	ping()
	if m := read(); !strings.Contains(m, "Call-ID: ping") {
		t.Errorf("unexpected answer %q: %s", m, want.why)
	}
}
