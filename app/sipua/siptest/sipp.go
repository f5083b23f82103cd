package siptest

// sipp as a test peer: scenarios that register, send and answer messages.

import (
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// sippScenarios are the scenario files; names between @ are replaced by a test's values.
//
//go:embed sipp/*.xml
var sippScenarios embed.FS

// The scenarios that Sipp runs.
const (
	// SippRegister signs in with digest and wants Status.
	SippRegister = "register"
	// SippMessage sends a message with digest and wants Status.
	SippMessage = "message"
	// SippFlood sends a message with digest and takes Status, 503 and 500 for an answer.
	SippFlood = "flood"
	// SippTrusted sends a message with P-Asserted-Identity instead of digest and wants Status.
	SippTrusted = "message-trusted"
	// SippCall calls somebody with digest and wants to be refused with Status, without a ring.
	SippCall = "call-refused"
	// SippWaiting publishes for somebody that voice mail waits, Text as "new/old (urgent/urgent)", and wants Status.
	SippWaiting = "waiting"
)

// SippOptions says who sipp is and what it does.
type SippOptions struct {
	Proxy       string        // host:port of the SIP server
	Transport   string        // udp or tcp; tcp where empty
	User        string        // user part
	Domain      string        // SIP domain and realm; Domain where empty
	Password    string        // Password where empty
	To          string        // addressee: user part or address
	Text        string        // of the message, without [ and ]; "hello" where empty
	ContentType string        // text/plain where empty
	Status      int           // the final answer that is wanted, or given by an answerer; 200 where zero
	Expires     int           // of a registration, in seconds; 600 where zero
	Calls       int           // how often the scenario is run; 1 where zero
	Parallel    int           // how many of them at a time; 1 where zero
	Timeout     time.Duration // for all of it; 30 s where zero
	Args        []string      // more of sipp's own arguments
}

// withDefaults fills in what a test left open.
func (o SippOptions) withDefaults(t testing.TB) SippOptions {
	t.Helper()
	if o.Proxy == "" || o.User == "" {
		t.Fatal("sipp needs a proxy and a user")
	}
	if strings.ContainsAny(o.Text, "[]") || strings.Contains(o.Text, "]]>") {
		t.Fatalf("sipp takes brackets in a text for its own keywords: %q", o.Text)
	}
	o.Transport = orElse(o.Transport, "tcp")
	o.Domain = orElse(o.Domain, Domain)
	o.Password = orElse(o.Password, Password)
	o.Text = orElse(o.Text, "hello")
	o.ContentType = orElse(o.ContentType, "text/plain")
	o.Status = orElse(o.Status, 200)
	o.Expires = orElse(o.Expires, 600)
	o.Calls = orElse(o.Calls, 1)
	o.Parallel = orElse(o.Parallel, 1)
	o.Timeout = orElse(o.Timeout, 30*time.Second)
	return o
}

// Sipp runs a scenario to its end and fails the test unless each call got the answer that was wanted. It returns what
// sipp printed.
func Sipp(t testing.TB, scenario string, opts SippOptions) string {
	t.Helper()
	run := startSipp(t, scenario, "", opts)
	return run.wait()
}

// SippServer is a sipp that has registered and answers messages.
type SippServer struct{ *sippRun }

// SippAnswer registers a person and answers each message for them with opts.Status, until the test's cleanup or Stop.
// It returns when the person is registered.
func SippAnswer(t testing.TB, opts SippOptions) *SippServer {
	t.Helper()
	return answerWith(t, "answer", opts)
}

// answerWith starts the registered sipp with one of the answering scenarios.
func answerWith(t testing.TB, answer string, opts SippOptions) *SippServer {
	t.Helper()
	opts.Calls = 1
	s := &SippServer{startSipp(t, "stay", answer, opts)}
	if !Eventually(clientStart, func() bool { return s.proc.ended() || strings.Contains(s.log(), "registered") }) || s.proc.ended() {
		t.Fatalf("sipp as %s did not register:\n%s", opts.User, tail(s.proc.output()))
	}
	return s
}

// Received is the text of each message so far, in order.
func (s *SippServer) Received() []string {
	var all []string
	for line := range strings.Lines(s.log()) {
		if _, text, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "received "); ok {
			all = append(all, text)
		}
	}
	return all
}

// Expect waits until a message with exactly this text of one line has come, earlier or now.
func (s *SippServer) Expect(text string, timeout time.Duration) {
	s.t.Helper()
	if !Eventually(timeout, func() bool {
		for _, got := range s.Received() {
			if got == text {
				return true
			}
		}
		return false
	}) {
		s.t.Fatalf("sipp as %s: no message %q within %s; received: %q", s.opts.User, text, timeout, s.Received())
	}
}

// Stop ends it without unregistering; its connection closes.
func (s *SippServer) Stop() {
	s.t.Helper()
	if err := s.proc.kill(); err != nil {
		s.t.Errorf("stop sipp: %v", err)
	}
}

// sippRun is one sipp process.
type sippRun struct {
	t    testing.TB
	opts SippOptions
	dir  string
	proc *process
}

// startSipp writes the scenario files and starts sipp; answer names the scenario for requests from outside, if any.
func startSipp(t testing.TB, scenario, answer string, opts SippOptions) *sippRun {
	t.Helper()
	path := program(t, "sipp", "sip-tester")
	opts = opts.withDefaults(t)
	s := &sippRun{t: t, opts: opts, dir: t.TempDir()}
	file, err := s.write(scenario)
	if err != nil {
		t.Fatalf("sipp scenario: %v", err)
	}
	transport := map[string]string{"udp": "u1", "tcp": "t1"}[opts.Transport]
	if transport == "" {
		t.Fatalf("sipp cannot use transport %q here", opts.Transport)
	}
	args := []string{opts.Proxy, "-sf", file, "-t", transport, "-i", "127.0.0.1", "-bind_local", "-p", strconv.Itoa(FreePort(t)), "-nostdin", "-skip_rlimit",
		"-m", strconv.Itoa(opts.Calls), "-deadcall_wait", "0",
		"-trace_logs", "-log_file", filepath.Join(s.dir, "log.txt")}
	if answer == "" {
		seconds := strconv.Itoa(int(opts.Timeout/time.Second) + 1)
		args = append(args, "-users", strconv.Itoa(opts.Parallel), "-timeout", seconds, "-timeout_error",
			"-trace_err", "-error_file", filepath.Join(s.dir, "errors.txt"))
	} else {
		file, err := s.write(answer)
		if err != nil {
			t.Fatalf("sipp scenario: %v", err)
		}
		args = append(args, "-oocsf", file)
	}
	logPath := filepath.Join(s.dir, "sipp.out")
	s.proc, err = start(spec{name: "sipp", path: path, dir: s.dir, log: logPath, args: append(args, opts.Args...), env: []string{"TERM=dumb"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.proc.kill(); err != nil {
			t.Errorf("stop sipp: %v", err)
		}
		showOnFailure(t, "sipp as "+opts.User, logPath)
	})
	return s
}

// write puts a scenario with the test's values into the run's directory.
func (s *sippRun) write(scenario string) (string, error) {
	text, err := sippScenarios.ReadFile("sipp/" + scenario + ".xml")
	if err != nil {
		return "", err
	}
	o := s.opts
	to := ""
	if o.To != "" {
		to = ClientOptions{Domain: o.Domain}.address(o.To)
	}
	filled := strings.NewReplacer(
		"@USER@", o.User, "@DOMAIN@", o.Domain, "@PASSWORD@", o.Password, "@TRANSPORT@", o.Transport,
		"@TO@", to, "@TEXT@", o.Text, "@CONTENT_TYPE@", o.ContentType,
		"@EXPIRES@", strconv.Itoa(o.Expires), "@STATUS@", strconv.Itoa(o.Status), "@REASON@", "Answered by sipp",
	).Replace(string(text))
	file := filepath.Join(s.dir, scenario+".xml")
	return file, os.WriteFile(file, []byte(filled), 0o600)
}

// wait returns what sipp printed once it has ended well, and fails the test when it does not.
func (s *sippRun) wait() string {
	s.t.Helper()
	timer := time.NewTimer(s.opts.Timeout + 5*time.Second)
	defer timer.Stop()
	select {
	case <-s.proc.done:
	case <-timer.C:
		s.t.Fatalf("sipp does not end; it printed:\n%s", tail(s.proc.output()))
	}
	if s.proc.err != nil {
		s.t.Fatalf("sipp: %v\n%s", s.proc.err, tail(readLog(filepath.Join(s.dir, "errors.txt"))))
	}
	return s.proc.output()
}

// log is what the scenario's log actions have written.
func (s *sippRun) log() string { return readLog(filepath.Join(s.dir, "log.txt")) }

// Sipsak runs sipsak against a server (host:port) with more of its own arguments and returns what it printed and
// whether it was answered well. Give the addressee as "-s", "sip:user@domain": sipsak cuts ports of five digits in
// addresses, so the server is handed to it as the proxy.
func Sipsak(t testing.TB, server string, args ...string) (string, error) {
	t.Helper()
	path := program(t, "sipsak", "sipsak")
	logPath := filepath.Join(t.TempDir(), "sipsak.out")
	proc, err := start(spec{name: "sipsak", path: path, dir: filepath.Dir(logPath), log: logPath, args: append([]string{"-p", server}, args...)})
	if err != nil {
		t.Fatal(err)
	}
	timer := time.NewTimer(30 * time.Second)
	defer timer.Stop()
	select {
	case <-proc.done:
	case <-timer.C:
		if err := proc.kill(); err != nil {
			t.Errorf("stop sipsak: %v", err)
		}
	}
	if proc.err != nil {
		return proc.output(), fmt.Errorf("sipsak: %w", proc.err)
	}
	return proc.output(), nil
}
