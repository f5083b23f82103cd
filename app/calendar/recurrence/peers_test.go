package recurrence

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/teambition/rrule-go"
)

// Peers: thousands of random rules, expanded by libraries that nobody here wrote.

// randomRule makes a valid rule of the kind on which all libraries agree: BYWEEKNO with BYDAY, and BYDAY either all numbered or none.
func randomRule(rnd *rand.Rand) string {
	freqs := []string{"YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY", "SECONDLY"}
	f := freqs[min(rnd.IntN(9), 8)%7]
	parts := []string{"FREQ=" + f}
	maybe := func(odds int, s func() string) {
		if rnd.IntN(odds) == 0 {
			parts = append(parts, s())
		}
	}
	some := func(name string, low, top int, signed bool) func() string {
		return func() string {
			var out []string
			for range 1 + rnd.IntN(3) {
				v := low + rnd.IntN(top-low+1)
				if signed && rnd.IntN(3) == 0 {
					v = -v
				}
				out = append(out, fmt.Sprint(v))
			}
			return name + "=" + strings.Join(out, ",")
		}
	}
	maybe(2, func() string { return fmt.Sprintf("INTERVAL=%d", 1+rnd.IntN(5)) })
	maybe(3, func() string { return "WKST=" + dayNames[rnd.IntN(7)] })
	week := f == "YEARLY" && rnd.IntN(5) == 0
	if week {
		parts = append(parts, some("BYWEEKNO", 1, 53, true)())
	}
	numbered := !week && (f == "YEARLY" || f == "MONTHLY") && rnd.IntN(2) == 0
	days := func() string {
		var out []string
		for range 1 + rnd.IntN(3) {
			d := dayNames[rnd.IntN(7)]
			if numbered {
				d = fmt.Sprint([]int{-2, -1, 1, 2, 3, 4, 5}[rnd.IntN(7)]) + d
			}
			out = append(out, d)
		}
		return "BYDAY=" + strings.Join(out, ",")
	}
	if week {
		parts = append(parts, days())
	} else {
		maybe(2, days)
	}
	maybe(4, some("BYMONTH", 1, 12, false))
	if f != "WEEKLY" {
		maybe(4, some("BYMONTHDAY", 1, 31, true))
	}
	if f == "YEARLY" && !numbered {
		maybe(6, some("BYYEARDAY", 1, 366, true))
	}
	before := len(parts)
	maybe(5, some("BYHOUR", 0, 23, false))
	maybe(6, some("BYMINUTE", 0, 59, false))
	if s := strings.Join(parts, ";"); strings.Contains(s, ";BY") && before > 1 && f != "WEEKLY" {
		// With WEEKLY the peers begin the first week's set at the start, not at the week's first day.
		maybe(5, some("BYSETPOS", 1, 4, true))
	}
	return strings.Join(parts, ";")
}

const horizon = 40 // occurrences compared

// ours expands in UTC up to a date, so that sparse rules end.
func ours(t *testing.T, text string, start, end time.Time) []string {
	t.Helper()
	r := rule(t, text)
	var out []string
	for at, err := range r.between(start, false, time.Time{}, end) {
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if len(out) == horizon || at.After(end) {
			break
		}
		out = append(out, at.UTC().Format(localForm))
	}
	return out
}

func TestAgreesWithRRuleGo(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5545, 1))
	n := 2000
	if testing.Short() {
		n = 300
	}
	found := 0
	for range n {
		text := rule(t, randomRule(rnd)).String() // without repetitions, which the peers count
		start := time.Date(1996+rnd.IntN(30), time.Month(1+rnd.IntN(12)), 1+rnd.IntN(28), rnd.IntN(24), rnd.IntN(60), 0, 0, time.UTC)
		end := start.AddDate(6, 0, 0)
		if strings.Contains(text, "SECONDLY") || strings.Contains(text, "MINUTELY") {
			end = start.AddDate(0, 0, 1) // the peer walks each second
		}
		got := ours(t, text, start, end)
		if len(got) < 3 {
			continue // the peers walk to the year 9999 for the next one
		}
		peer, err := rrule.StrToRRule(fmt.Sprintf("DTSTART:%s\nRRULE:%s", start.Format(utcForm), text))
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		var want []string
		next := peer.Iterator()
		for len(want) < len(got) {
			at, ok := next()
			if !ok {
				break
			}
			want = append(want, at.UTC().Format(localForm))
		}
		found += len(got)
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("%s from %s:\n ours %q\n peer %q", text, start, got, want)
		}
	}
	if found < 5*n {
		t.Errorf("only %d occurrences were compared", found)
	}
}

const dateutil = `
import sys, itertools, warnings
warnings.simplefilter("ignore")
from dateutil.rrule import rrulestr
for line in sys.stdin:
    rule, start, n = line.split()
    r = rrulestr("DTSTART:%s\nRRULE:%s" % (start, rule))
    print(" ".join(d.strftime("%Y%m%dT%H%M%S") for d in itertools.islice(r, int(n))), flush=True)
`

func TestAgreesWithDateutil(t *testing.T) {
	python := "/usr/bin/python3"
	if err := exec.Command(python, "-c", "import dateutil.rrule").Run(); err != nil {
		if os.Getenv("PORTICO_REQUIRE_PEERS") == "1" {
			t.Fatal("python3-dateutil is not there")
		}
		t.Skip("python3-dateutil is not there")
	}
	rnd := rand.New(rand.NewPCG(5545, 2))
	var in strings.Builder
	var texts, gots []string
	for range 1000 {
		text := rule(t, randomRule(rnd)).String() // without repetitions, which the peers count
		start := time.Date(1996+rnd.IntN(30), time.Month(1+rnd.IntN(12)), 1+rnd.IntN(28), rnd.IntN(24), rnd.IntN(60), 0, 0, time.UTC)
		end := start.AddDate(5, 0, 0)
		if strings.Contains(text, "SECONDLY") || strings.Contains(text, "MINUTELY") {
			end = start.AddDate(0, 0, 1)
		}
		got := ours(t, text, start, end)
		if len(got) < 3 {
			continue
		}
		texts, gots = append(texts, text+" from "+start.String()), append(gots, strings.Join(got, " "))
		fmt.Fprintln(&in, text, start.Format(localForm), len(got))
	}
	cmd := exec.CommandContext(t.Context(), python, "-c", dateutil)
	cmd.Stdin, cmd.Stderr = strings.NewReader(in.String()), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(strings.NewReader(string(out)))
	i := 0
	for ; lines.Scan(); i++ {
		if gots[i] != lines.Text() {
			t.Errorf("%s:\n ours %s\n peer %s", texts[i], gots[i], lines.Text())
		}
	}
	if i != len(texts) || i < 300 {
		t.Errorf("the peer answered %d of %d", i, len(texts))
	}
}
