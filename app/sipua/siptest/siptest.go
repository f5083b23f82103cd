// Package siptest starts real SIP peers that nobody here wrote (Kamailio, linphone, baresip, sipp, sipsak) on
// loopback, for tests and benchmarks that talk to them.
//
// A peer that is not installed skips the test with its name and its Debian package; with PORTICO_REQUIRE_PEERS=1 in
// the environment it fails the test instead. Everything that is started is stopped at the test's cleanup, and also
// when the test process dies, and what a peer printed is shown when its test failed.
package siptest

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"math/rand/v2"
)

// RequirePeers is the environment variable that turns a missing peer from a skip into a failure when it is "1".
const RequirePeers = "PORTICO_REQUIRE_PEERS"

// Password is what every seeded person signs in with.
const Password = "portico"

// Domain is the SIP domain used where a test names none.
const Domain = "example.test"

// People returns the user parts of the seeded people, the same as in the lab: alice to lena.
func People() []string {
	return []string{"alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy", "karl", "lena"}
}

// program finds a peer's executable, or skips (fails, where peers are required) the test.
func program(t testing.TB, name, debianPackage string) string {
	t.Helper()
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	// An ordinary user's PATH often lacks the directories for servers.
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin", "/sbin"} {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path
		}
	}
	missing(t, name, debianPackage)
	return ""
}

// missing ends the test that needs a peer which is not there.
func missing(t testing.TB, name, debianPackage string) {
	t.Helper()
	if os.Getenv(RequirePeers) == "1" {
		t.Fatalf("the SIP peer %s is not installed (Debian package %s) and %s=1", name, debianPackage, RequirePeers)
	}
	t.Skipf("needs the SIP peer %s (Debian package %s)", name, debianPackage)
}

// FreePort returns a port on 127.0.0.1 that is free for TCP and UDP and that no other caller gets until the test has
// ended, in whatever process: whoever listens on the even port below owns the odd one. It lies below the range from
// which systems take ports for outgoing connections and for listeners that name none, so that it is still free after
// a peer was stopped and before it is started again.
func FreePort(t testing.TB) int {
	t.Helper()
	for range 200 {
		guard := 10000 + 2*rand.IntN(10000)
		l, err := net.Listen("tcp", loopback(guard))
		if err != nil {
			continue
		}
		if !portFree(guard + 1) {
			_ = l.Close() // nothing was said on it
			continue
		}
		t.Cleanup(func() {
			if err := l.Close(); err != nil {
				t.Errorf("give a port back: %v", err)
			}
		})
		return guard + 1
	}
	t.Fatal("no free port between 10000 and 30000 on 127.0.0.1")
	return 0
}

// FreeAddr is a FreePort as host:port, for servers that shall find their port free when they come back.
func FreeAddr(t testing.TB) string {
	t.Helper()
	return loopback(FreePort(t))
}

// portFree says whether nobody listens on the port, neither for TCP nor for UDP.
func portFree(port int) bool {
	addr := loopback(port)
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return false
	}
	pc, udpErr := net.ListenPacket("udp", addr)
	if udpErr == nil {
		udpErr = pc.Close()
	}
	return l.Close() == nil && udpErr == nil
}

// loopback is host:port on 127.0.0.1.
func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// Eventually polls until cond is true and reports whether that happened within the timeout. It is meant for states
// that can only be seen by asking for them.
func Eventually(timeout time.Duration, cond func() bool) bool {
	deadline := time.NewTimer(timeout)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if cond() {
			return true
		}
		select {
		case <-deadline.C:
			return cond()
		case <-tick.C:
		}
	}
}
