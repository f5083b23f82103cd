package siplab

// sipp and sipsak, which nobody here wrote, as clients of the lab.

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"portico/app/sipua/siptest"
)

// tool finds a program, or skips the test (fails it where peers are required).
func tool(t *testing.T, name, debian string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("PORTICO_REQUIRE_PEERS") == "1" {
			t.Fatalf("%s is required (Debian package %s)", name, debian)
		}
		t.Skipf("needs %s (Debian package %s)", name, debian)
	}
	return path
}

// sipp starts a scenario; the channel tells how it ended.
func sipp(t *testing.T, s *Server, scenario, transport, port string, more ...string) chan error {
	t.Helper()
	file, err := filepath.Abs(filepath.Join("testdata", scenario+".xml"))
	if err != nil {
		t.Fatal(err)
	}
	args := append([]string{s.Addr(), "-sf", file, "-m", "1", "-i", "127.0.0.1", "-p", port, "-t", transport, "-nostdin", "-timeout", "50s",
		"-timeout_error"}, more...)
	cmd := exec.Command(tool(t, "sipp", "sip-tester"), args...)
	cmd.Dir = t.TempDir()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		err := cmd.Wait()
		if err != nil {
			t.Logf("sipp %s: %v\n%s", scenario, err, out.String())
		}
		done <- err
	}()
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			cmd.Process.Kill() // it may have ended by itself in between
		}
	})
	return done
}

func finish(t *testing.T, what string, done chan error) {
	t.Helper()
	select {
	case err := <-done:
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	case <-time.After(patience):
		t.Errorf("%s does not end", what)
	}
}

// listens reports whether somebody on this machine listens on a TCP port of 127.0.0.1. It does not connect where that can be
// seen otherwise: a connection that is closed while another one comes can make sipp close that one.
func listens(t *testing.T, port string) bool {
	t.Helper()
	table, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		c, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err == nil {
			c.Close()
		}
		return err == nil
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		t.Fatal(err)
	}
	const listening = "0A"
	for line := range strings.Lines(string(table)) {
		f := strings.Fields(line)
		if len(f) > 3 && f[3] == listening && strings.HasSuffix(f[1], fmt.Sprintf(":%04X", n)) {
			return true
		}
	}
	return false
}

// sipp registers with digest, takes messages from a phone, and writes messages itself.
func TestSipp(t *testing.T) {
	for _, transport := range []string{"u1", "t1"} {
		t.Run(transport, func(t *testing.T) {
			s := newLab(t, func(c *Config) { c.ForwardTimeout = patience }) // sipp may take its time to begin
			a := newPhone(t, s, "alice", "tcp").online()
			for _, sender := range []string{"sipp", "a phone"} {
				device := strconv.Itoa(siptest.FreePort(t))
				s.Faults().ExpireRegistrations()
				finish(t, "register", sipp(t, s, "register", transport, strconv.Itoa(siptest.FreePort(t)), "-key", "contact", device))
				if b := s.Bindings("bob"); len(b) != 1 {
					t.Fatalf("sipp's binding: %+v", b)
				}
				eventually(t, "no connection but alice's", func() bool { return s.Load().Connections == 1 })
				taken := sipp(t, s, "answer", transport, device)
				if transport == "t1" {
					eventually(t, "the device listens", func() bool { return listens(t, device) }) // over UDP what comes too early is sent again
				}
				if sender == "sipp" {
					finish(t, "message", sipp(t, s, "message", transport, strconv.Itoa(siptest.FreePort(t))))
				} else if m := a.say("bob", "from a phone"); m.status != 200 {
					t.Errorf("phone to sipp: %s", m.start)
				}
				finish(t, "answer", taken)
			}
		})
	}
}

// sipsak pings the server and registers with digest.
func TestSipsak(t *testing.T) {
	path := tool(t, "sipsak", "sipsak")
	s := newLab(t)
	_, port, err := net.SplitHostPort(s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"-s", "sip:127.0.0.1", "-r", port, "-v"},
		{"-U", "-i", "-s", "sip:alice@127.0.0.1", "-r", port, "-u", "alice", "-a", "portico", "-x", "60", "-C", "sip:alice@127.0.0.1:5099"},
	} {
		out, err := exec.Command(path, args...).CombinedOutput()
		if err != nil {
			t.Errorf("sipsak %v: %v\n%s", args, err, out)
		}
	}
	if b := s.Bindings("alice"); len(b) != 1 || b[0].Contact != "sip:alice@127.0.0.1:5099" {
		t.Errorf("sipsak's binding: %+v", b)
	}
	if out, err := exec.Command(path, "-U", "-i", "-s", "sip:alice@127.0.0.1", "-r", port, "-u", "alice", "-a", "wrong", "-C", "sip:alice@127.0.0.1:5098").CombinedOutput(); err == nil {
		t.Errorf("sipsak signed in with a wrong password\n%s", out)
	}
}
