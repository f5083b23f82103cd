package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"portico/app/sipua/siptest"
)

// The tests of the whole house run the very program that ships: the test binary becomes it when this
// variable is set.
const asProgram = "PORTICO_TEST_PROGRAM"

// dieOrder names a file; the program dies as by kill -9 when its synchronisation comes to the step that the file names,
// and takes the file away before.
const dieOrder = "PORTICO_TEST_DIE_ORDER"

// dieAt is the fault of the order file. The program that ships has none: only this binary reads the variable.
func dieAt(order string) func(step string) error {
	return func(step string) error {
		name, err := os.ReadFile(order)
		if err != nil || string(name) != step {
			return nil
		}
		if os.Remove(order) != nil { // another goroutine dies already
			select {}
		}
		return errors.Join(syscall.Kill(os.Getpid(), syscall.SIGKILL), errors.New("killed"))
	}
}

func TestMain(m *testing.M) {
	if os.Getenv(asCrowd) != "" {
		os.Exit(crowdMain())
	}
	if os.Getenv(asProgram) != "" {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
		environ := os.Environ()
		for i, e := range environ {
			if strings.HasPrefix(e, asProgram+"=") {
				environ[i] = "_="
			}
		}
		if order := os.Getenv(dieOrder); order != "" {
			ctx = context.WithValue(ctx, faultKey{}, dieAt(order))
		}
		status := run(ctx, os.Args[1:], environ, os.Stdout, os.Stderr)
		stop()
		os.Exit(status)
	}
	os.Exit(m.Run())
}

// program is portico as a process.
type program struct {
	t    testing.TB
	dir  string // its working folder, with the data and the configuration
	args []string
	// environ is what was set for it.
	environ []string
	// url is where the portal says it is; lab where its SIP server is, without scheme; exchange the address of its
	// Exchange server.
	url, lab, exchange string

	cmd    *exec.Cmd
	exited chan struct{}
	err    error

	mu  sync.Mutex
	log bytes.Buffer
}

// command starts portico with args in dir, with further environment variables.
func command(t testing.TB, dir string, environ []string, args ...string) *program {
	t.Helper()
	p := &program{t: t, dir: dir, args: args, environ: environ, exited: make(chan struct{})}
	p.cmd = exec.Command(os.Args[0], args...)
	p.cmd.Dir = dir
	p.cmd.Env = append(append(os.Environ(), asProgram+"=1"), environ...)
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.cmd.Stderr = p
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said := make(chan string, 64)
	go func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			p.note("out: " + lines.Text() + "\n")
			select {
			case said <- lines.Text():
			default: // nobody waits for later lines
			}
		}
		close(said)
		p.err = p.cmd.Wait()
		close(p.exited)
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("log of portico %s:\n%s", strings.Join(args, " "), p.logged())
		}
	})
	p.listen(said)
	return p
}

// listen reads the announcement; a command that serves nothing ends without one.
func (p *program) listen(said <-chan string) {
	timeout := time.NewTimer(longest)
	defer timeout.Stop()
	for {
		select {
		case line, ok := <-said:
			if !ok {
				<-p.exited // the log is whole now
				return
			}
			if v, ok := strings.CutPrefix(line, "Portico is at "); ok {
				p.url = v
			}
			if _, v, ok := strings.Cut(line, "Lab SIP server"); ok {
				_, v, _ = strings.Cut(v, "sip:")
				p.lab, _, _ = strings.Cut(v, " ")
			}
			if _, v, ok := strings.Cut(line, "Lab Exchange server"); ok {
				p.exchange = v[strings.Index(v, "http"):]
			}
			if strings.HasPrefix(line, "The password of each") || strings.HasPrefix(line, "Password of each") {
				return
			}
			if p.url != "" && len(p.args) > 1 { // with a configuration file there may be no lab
				return
			}
		case <-timeout.C:
			p.t.Fatalf("portico did not start:\n%s", p.logged())
		}
	}
}

// Write takes what the program logs.
func (p *program) Write(b []byte) (int, error) { p.note(string(b)); return len(b), nil }

func (p *program) note(s string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.log.WriteString(s)
}

func (p *program) logged() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// kill ends the program as kill -9 does.
func (p *program) kill() {
	select {
	case <-p.exited:
		return
	default:
	}
	if err := p.cmd.Process.Kill(); err != nil {
		p.t.Logf("kill: %v", err)
	}
	<-p.exited
}

// stop asks the program to end and gives its exit status.
func (p *program) stop() int {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	return p.wait(longest)
}

// wait gives the exit status of a program that ends by itself.
func (p *program) wait(limit time.Duration) int {
	p.t.Helper()
	select {
	case <-p.exited:
	case <-time.After(limit):
		p.t.Fatalf("portico did not end within %s:\n%s", limit, p.logged())
	}
	return p.cmd.ProcessState.ExitCode()
}

// again starts the program once more, in the same folder and on the same addresses.
func (p *program) again() *program {
	p.t.Helper()
	environ := append(slices.Clone(p.environ), "PORTICO_HTTP_LISTEN="+strings.TrimPrefix(p.url, "http://"))
	if p.lab != "" {
		environ = append(environ, "PORTICO_LAB_SIP_LISTEN="+p.lab)
	}
	return command(p.t, p.dir, environ, p.args...)
}

// ownPorts are environment variables that give a program ports which nobody else takes while it is away and
// comes back.
func ownPorts(t testing.TB) []string {
	t.Helper()
	return []string{"PORTICO_HTTP_LISTEN=" + siptest.FreeAddr(t), "PORTICO_LAB_SIP_LISTEN=" + siptest.FreeAddr(t)}
}

// demo starts the portal with the lab on free ports.
func demo(t testing.TB, environ ...string) *program {
	t.Helper()
	p := command(t, t.TempDir(), append(append(ownPorts(t), "PORTICO_LAB_ROBOTS_PACE=1s"), environ...), "serve")
	if p.url == "" || p.lab == "" {
		t.Fatalf("portico did not say where it is:\n%s", p.logged())
	}
	return p
}

// file writes a file into a folder and gives its path.
func file(t testing.TB, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// await waits for a condition that the program brings about.
func await(t testing.TB, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline.C:
			t.Fatalf("waited in vain for %s", what)
		case <-tick.C:
		}
	}
}

func ids(prefix string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("%s-%04d", prefix, i)
	}
	return out
}
