package siptest

// How fast a SIP server relays messages between two sipp processes: the figure to hold the portal's own against.

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// RelayOptions says what is measured.
type RelayOptions struct {
	Domain    string // SIP domain; Domain where empty
	Transport string // udp or tcp; tcp where empty
	Digest    bool   // each message is refused once and sent again with digest; else P-Asserted-Identity, which the server must trust
	Messages  int    // for the rate; 10,000 where zero
	Parallel  int    // messages on their way at a time, for the rate; 64 where zero
	Single    int    // messages one after the other, for the times; 500 where zero
}

// Relay is what was measured. The times run from a message to its final answer, with one message on its way.
type Relay struct {
	PerSecond float64 // messages answered in a second, with many on their way
	Median    time.Duration
	P99       time.Duration
}

// String is the figures in a line.
func (r Relay) String() string {
	return fmt.Sprintf("%.0f messages/s; one at a time: median %s, p99 %s", r.PerSecond, r.Median, r.P99)
}

// RelayRate lets sipp as alice send messages through the server to sipp as bob, who answers each with 200. A message
// that fails fails the test: give Kamailio 512 MB of shared memory for some 30,000 messages within 5 s.
func RelayRate(t testing.TB, server string, opts RelayOptions) Relay {
	t.Helper()
	base := SippOptions{Proxy: server, Domain: opts.Domain, Transport: opts.Transport, Timeout: 2 * time.Minute}
	scenario := SippTrusted
	if opts.Digest {
		scenario = SippMessage
	}
	receiver := base
	receiver.User = "bob"
	bob := answerWith(t, "answer-quick", receiver)
	defer bob.Stop()

	sender := base
	sender.User, sender.To = "alice", "bob"
	sender.Calls, sender.Parallel = orElse(opts.Single, 500), 1
	trace := filepath.Join(t.TempDir(), "short.txt")
	sender.Args = []string{"-trace_shortmsg", "-shortmessage_file", trace}
	Sipp(t, scenario, sender)
	times, err := answerTimes(readLog(trace))
	if err != nil {
		t.Fatalf("times of sipp's messages: %v", err)
	}

	sender.Calls, sender.Parallel, sender.Args = orElse(opts.Messages, 10_000), orElse(opts.Parallel, 64), nil
	rate, err := callRate(Sipp(t, scenario, sender))
	if err != nil {
		t.Fatalf("rate of sipp's messages: %v", err)
	}
	return Relay{PerSecond: rate, Median: percentile(times, 50), P99: percentile(times, 99)}
}

// answerTimes reads sipp's short trace (tab-separated: clock, seconds, S or R, Call-ID, CSeq, first line) and returns
// the time from each MESSAGE to the last answer to it, sorted.
func answerTimes(trace string) ([]time.Duration, error) {
	sent := make(map[string]time.Duration)
	took := make(map[string]time.Duration)
	for line := range strings.Lines(trace) {
		f := strings.Split(strings.TrimRight(line, "\r\n"), "\t")
		if len(f) < 7 {
			continue
		}
		// The clock itself holds a tab between day and time.
		at, direction, id, first := f[2], f[3], f[4]+" "+f[5], f[6]
		seconds, err := strconv.ParseFloat(at, 64)
		if err != nil {
			return nil, fmt.Errorf("line %q: %w", line, err)
		}
		when := time.Duration(seconds * float64(time.Second)).Round(time.Microsecond)
		switch {
		case direction == "S" && strings.HasPrefix(first, "MESSAGE "):
			sent[id] = when
		case direction == "R" && strings.HasPrefix(first, "SIP/2.0 2"):
			if begin, ok := sent[id]; ok {
				took[id] = when - begin
			}
		}
	}
	if len(took) == 0 {
		return nil, errors.New("no message was answered")
	}
	times := make([]time.Duration, 0, len(took))
	for _, d := range took {
		times = append(times, d)
	}
	slices.Sort(times)
	return times, nil
}

// percentile of sorted times: the smallest that at least p percent do not exceed.
func percentile(sorted []time.Duration, p int) time.Duration {
	return sorted[max(0, (len(sorted)*p+99)/100-1)]
}

// sippRate is the cumulative rate on sipp's last statistics screen.
var sippRate = regexp.MustCompile(`Call Rate\s*\|[^|]*\|\s*([0-9.]+) cps`)

// callRate is the number of calls in a second over a whole run, from what sipp printed.
func callRate(printed string) (float64, error) {
	all := sippRate.FindAllStringSubmatch(printed, -1)
	if len(all) == 0 {
		return 0, errors.New("sipp printed no call rate")
	}
	return strconv.ParseFloat(all[len(all)-1][1], 64)
}
