package ewstest

// python3-exchangelib as a peer: a round through everything that its users do with calendars, against any endpoint.

import (
	"bufio"
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

//go:embed round.py
var exchangelibScript string

// python is Debian's own interpreter, the one that has the package.
const python = "/usr/bin/python3"

// roundTimeout bounds a whole round, on a machine that has much else to do.
const roundTimeout = 8 * time.Minute

// ExchangelibOptions says who takes part in the round. Empty members have the values of the seeded people.
type ExchangelibOptions struct {
	Steps    []string // only these, and what they need must be among them; none: all
	Day      string   // a Monday some days before the change to summer time; "": 2031-03-24
	Room     string   // a room's address; "": studio1 of the domain
	List     string   // a distribution list's address; "": sales of the domain
	Delegate string   // somebody with editor rights on alice's calendar; "": heidi, "-": leave that out
	NoPeople bool     // leave FindPeople out
	Keep     bool     // leave the conversation and the voice mail where they are
}

// Step is what one step of the round found.
type Step struct {
	Name    string         `json:"step"`
	OK      bool           `json:"ok"`
	Facts   map[string]any `json:"facts"`
	Error   string         `json:"error"`
	Seconds float64        `json:"seconds"`
}

// Exchangelib drives the endpoint by exchangelib: signing in, folders, create, update, conflict, list, move, delete,
// series with an exception and every pattern, attachments, invitations, answers, tracking, rescheduling,
// cancellations, rooms, lists, forwarding, free/busy, out of office, synchronisation, streaming and pull notifications,
// the directory, delegates and impersonation, conversations and voice mail. Each step is a subtest; what each found is returned by its name.
func Exchangelib(t *testing.T, e Endpoint, o ExchangelibOptions) map[string]Step {
	t.Helper()
	needExchangelib(t)
	task, err := json.Marshal(o.task(e))
	if err != nil {
		t.Fatalf("task: %v", err)
	}
	p, lines := runExchangelib(t, task)
	if p.err != nil {
		t.Errorf("exchangelib's round did not end well: %v", p.err)
	}
	steps, finished, err := readSteps(lines)
	if err != nil || !finished {
		t.Errorf("what exchangelib's round printed ends early: %v", err)
	}
	found := map[string]Step{}
	for _, s := range steps {
		found[s.Name] = s
		t.Run(s.Name, func(t *testing.T) {
			if !s.OK {
				t.Error(s.Error)
			}
			t.Logf("%.2f s %v", s.Seconds, s.Facts)
		})
	}
	return found
}

// needExchangelib ends the test where the peer is missing.
func needExchangelib(t testing.TB) {
	t.Helper()
	cmd := exec.Command(python, "-c", "import exchangelib")
	cmd.Dir = t.TempDir() // it looks for modules where it stands
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Logf("%s: %v\n%s", python, err, out)
		missing(t, "exchangelib", "python3-exchangelib")
	}
}

// runExchangelib gives the script its task, waits until it has ended, and returns what it printed.
func runExchangelib(t testing.TB, task []byte) (*process, []byte) {
	t.Helper()
	dir := t.TempDir()
	said := filepath.Join(dir, "steps.json")
	p, err := start(spec{name: "exchangelib", path: python, args: []string{"-u", "-c", exchangelibScript}, dir: dir, stdin: task,
		// Its cache of discovered servers must not outlive the test; the machine's zone must not matter.
		env:    []string{"HOME=" + dir, "TMPDIR=" + dir, "PYTHONDONTWRITEBYTECODE=1", "TZ=Europe/Berlin", "LC_ALL=C.UTF-8", "NO_PROXY=*"},
		stdout: said, log: filepath.Join(dir, "exchangelib.log")})
	if err != nil {
		t.Fatal(err)
	}
	p.stopAtEnd(t)
	limit := time.NewTimer(roundTimeout)
	defer limit.Stop()
	select {
	case <-p.done:
	case <-limit.C:
		t.Errorf("exchangelib's round took longer than %v", roundTimeout)
		if err := p.stop(); err != nil {
			t.Fatal(err)
		}
	}
	lines, err := os.ReadFile(said)
	if err != nil {
		t.Fatal(err)
	}
	return p, lines
}

// task is what the script is told.
func (o ExchangelibOptions) task(e Endpoint) map[string]any {
	or := func(value, otherwise string) string {
		if value == "" {
			return otherwise
		}
		return value
	}
	if o.Steps == nil {
		o.Steps = []string{}
	}
	return map[string]any{
		"url": e.URL, "password": e.password(), "domain": strings.TrimPrefix(e.Email(""), "@"), "service": e.Service, "secret": e.Secret,
		"day": or(o.Day, "2031-03-24"), "steps": o.Steps, "people": !o.NoPeople, "keep": o.Keep,
		"alice": "alice", "bob": "bob", "carol": "carol", "dave": "dave", "stranger": "erin",
		"room": or(o.Room, e.Email("studio1")), "list": or(o.List, e.Email("sales")), "delegate": strings.TrimPrefix(or(o.Delegate, "heidi"), "-"),
	}
}

// readSteps reads the script's lines; finished says whether it came to its end.
func readSteps(out []byte) (steps []Step, finished bool, err error) {
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		var s Step
		if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
			return steps, false, fmt.Errorf("%w: %.200s", err, lines.Text())
		}
		if s.Name == "" {
			finished = true
			continue
		}
		steps = append(steps, s)
	}
	return steps, finished, lines.Err()
}
