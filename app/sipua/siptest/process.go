package siptest

// One child process with its own process group: started so that it dies with the test process, stopped so that none
// of its children remain, its output kept in a file.

import (
	"errors"
	"fmt"
	"io"
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
const logTail = 16 << 10

// stopGrace is how long a peer may take to end after it was asked to.
const stopGrace = 30 * time.Second

// process is a running (or ended) peer. Its methods may be used from any goroutine.
type process struct {
	name    string
	pgid    int
	logPath string
	stdin   io.WriteCloser // nil unless asked for
	done    chan struct{}  // closed when the process has ended
	err     error          // how it ended; valid after done
	// insisted: it did not end when it was asked to, and was killed.
	insisted bool
}

// spec says what to start.
type spec struct {
	name  string   // for messages
	path  string   // executable
	args  []string // arguments without the name
	dir   string   // working directory
	env   []string // added to the test's environment
	stdin bool     // whether the caller writes to it
	log   string   // file that gets its output, appended
}

// start runs the peer. The goroutine that started it keeps its thread until it has ended, because the kernel ties the
// parent-death signal to the thread.
func start(s spec) (*process, error) {
	out, err := os.OpenFile(s.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("output of %s: %w", s.name, err)
	}
	cmd := exec.Command(s.path, s.args...)
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), s.env...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = ownGroup()
	p := &process{name: s.name, logPath: s.log, done: make(chan struct{})}
	if s.stdin {
		if p.stdin, err = cmd.StdinPipe(); err != nil {
			return nil, errors.Join(fmt.Errorf("input of %s: %w", s.name, err), out.Close())
		}
	}
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
	err = <-started
	if closeErr := out.Close(); err == nil && closeErr != nil {
		err = closeErr
	}
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", s.name, err)
	}
	return p, nil
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
		if err := syscall.Kill(p.pgid, syscall.SIGTERM); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("stop %s: %w", p.name, err)
		}
		grace := time.NewTimer(stopGrace)
		defer grace.Stop()
		select {
		case <-p.done:
		case <-grace.C:
			p.insisted = true
		}
	}
	return p.kill()
}

// kill ends the whole group at once and returns when it is gone.
func (p *process) kill() error {
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

// output is all that the process has printed so far.
func (p *process) output() string { return readLog(p.logPath) }

// readLog returns a log's text (none before the first start), or the reason why it cannot be read.
func readLog(path string) string {
	b, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err.Error()
	}
	return string(b)
}

// showOnFailure prints the end of a peer's output when the test has failed.
func showOnFailure(t testing.TB, name, logPath string) {
	t.Helper()
	if !t.Failed() {
		return
	}
	t.Logf("%s (%s) printed:\n%s", name, filepath.Base(logPath), tail(readLog(logPath)))
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
