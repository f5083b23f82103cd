package ewstest

// One child process with its own process group: started so that it dies with the test process, stopped so that none
// of its children remain, its output kept in a file.

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// logTail is how much of a peer's output is shown for a failed test.
const logTail = 24 << 10

// stopGrace is how long a peer may take to end after it was asked to.
const stopGrace = 10 * time.Second

// process is a running (or ended) peer. Its methods may be used from any goroutine.
type process struct {
	name    string
	pgid    int
	logPath string
	done    chan struct{} // closed when the process has ended
	err     error         // how it ended; valid after done
}

// spec says what to start.
type spec struct {
	name   string   // for messages
	path   string   // executable
	args   []string // arguments without the name
	dir    string   // working directory
	env    []string // added to the test's environment
	stdin  []byte   // what the peer reads
	stdout string   // file that gets its standard output; "": log
	log    string   // file that gets the rest of its output, appended
}

// start runs a peer. The goroutine that started it keeps its thread until it has ended, because the kernel ties the
// parent-death signal to the thread.
func start(s spec) (*process, error) {
	if s.stdout == "" {
		s.stdout = s.log
	}
	out, err := appendTo(s.stdout)
	if err != nil {
		return nil, err
	}
	complaints, err := appendTo(s.log)
	if err != nil {
		return nil, errors.Join(err, out.Close())
	}
	cmd := exec.Command(s.path, s.args...)
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), s.env...)
	cmd.Stdin = bytes.NewReader(s.stdin)
	cmd.Stdout, cmd.Stderr = out, complaints
	cmd.SysProcAttr = ownGroup()
	p := &process{name: s.name, logPath: s.log, done: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		if err == nil {
			p.pgid = cmd.Process.Pid
		}
		started <- err
		if err != nil {
			return
		}
		p.err = cmd.Wait()
		close(p.done)
	}()
	if err := errors.Join(<-started, out.Close(), complaints.Close()); err != nil {
		return nil, fmt.Errorf("start %s: %w", s.name, err)
	}
	return p, nil
}

// appendTo opens a file for a peer's output.
func appendTo(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("output of a peer: %w", err)
	}
	return f, nil
}

// ended says whether the process is gone.
func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// stop asks the process to end, insists after a while, and returns when its whole group is gone.
func (p *process) stop() error {
	if !p.ended() {
		if err := p.signal(syscall.SIGTERM); err != nil {
			return err
		}
		grace := time.NewTimer(stopGrace)
		defer grace.Stop()
		select {
		case <-p.done:
		case <-grace.C:
		}
	}
	if err := p.signal(syscall.SIGKILL); err != nil {
		return err
	}
	<-p.done
	if !Eventually(stopGrace, func() bool { return !groupAlive(p.pgid) }) {
		return fmt.Errorf("children of %s are still there", p.name)
	}
	return nil
}

// signal sends to the whole group; a group that is gone is no error.
func (p *process) signal(sig syscall.Signal) error {
	if err := syscall.Kill(-p.pgid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("signal %s: %w", p.name, err)
	}
	return nil
}

// output is all that the process has printed so far, or why that cannot be read.
func (p *process) output() string {
	b, err := os.ReadFile(p.logPath)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err.Error()
	}
	return string(b)
}

// stopAtEnd stops the peer at the test's cleanup, and shows what it printed when the test has failed.
func (p *process) stopAtEnd(t testing.TB) {
	t.Helper()
	t.Cleanup(func() {
		if err := p.stop(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("%s (%s) printed:\n%s", p.name, filepath.Base(p.logPath), tail(p.output()))
		}
	})
}

// tail is the end of a text, from a line's beginning.
func tail(text string) string {
	text = strings.TrimSpace(text)
	if len(text) <= logTail {
		return text
	}
	text = text[len(text)-logTail:]
	return "…" + text[strings.IndexByte(text, '\n')+1:]
}
