package diagnosis

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"portico/app/portal"
)

// connector hands traffic to whoever attached.
type connector struct {
	mu    sync.Mutex
	sinks map[portal.Address]func(portal.Traffic)
	ended []portal.Address
}

func (c *connector) attach(who portal.Address, sink func(portal.Traffic)) func() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sinks[who] = sink
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.sinks, who)
		c.ended = append(c.ended, who)
	}
}

func (c *connector) say(who portal.Address, text string) bool {
	c.mu.Lock()
	sink := c.sinks[who]
	c.mu.Unlock()
	if sink != nil {
		sink(portal.Traffic{Protocol: "sip", Sent: true, Peer: "127.0.0.1:5060", Text: text})
	}
	return sink != nil
}

func TestTrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &connector{sinks: map[portal.Address]func(portal.Traffic){}}
		s, stop := running(t, &memory{}, Options{Attach: []func(portal.Address, func(portal.Traffic)) func(){c.attach,
			func(portal.Address, func(portal.Traffic)) func() { return nil }}})
		start := time.Now()
		sink := s.Sink(ann)
		sink(portal.Traffic{Text: "before"})
		state, err := s.StartTrace(ann, 10*time.Minute)
		must(t, err)
		if want := (TraceState{On: true, Since: start, Until: start.Add(10 * time.Minute)}); state != want || s.Traced(ann) != want {
			t.Errorf("started: %+v, now %+v", state, s.Traced(ann))
		}
		time.Sleep(time.Second)
		c.say(ann, "REGISTER sip:example.test SIP/2.0\r\nAuthorization: Digest username=\"ann\", realm=\"example.test\", nonce=\"n\", response=\"0123456789abcdef\"\r\n\r\n")
		sink(portal.Traffic{Protocol: "ews", Peer: "mail.example.test", Text: "HTTP/1.1 200 OK\r\n\r\n<m/>"})
		s.Sink(ben)(portal.Traffic{Text: "of somebody else"})
		if state := s.Traced(ann); state.Lines != 2 || state.Bytes == 0 || state.Dropped != 0 || s.Lines(ben) != nil || s.Traced(ben) != (TraceState{}) {
			t.Errorf("%+v", state)
		}
		var b bytes.Buffer
		must(t, s.WriteTrace(ann, &b))
		const day = "2006-01-02T15:04:05.000Z"
		want := fmt.Sprintf("Trace of sip:ann@example.test, %s to %s: 2 messages, 0 older ones dropped. Secrets are removed.\n", start.UTC().Format(day), start.Add(10*time.Minute).UTC().Format(day)) +
			fmt.Sprintf("\n%s SIP --> sent to 127.0.0.1:5060\nREGISTER sip:example.test SIP/2.0\nAuthorization: Digest username=\"ann\", realm=\"example.test\", [removed]\n", start.Add(time.Second).UTC().Format(day)) +
			fmt.Sprintf("\n%s EWS <-- received from mail.example.test\nHTTP/1.1 200 OK\n\n<m/>\n", start.Add(time.Second).UTC().Format(day))
		if b.String() != want {
			t.Errorf("written\n%s\nwant\n%s", b.String(), want)
		}
		if err := s.WriteTrace(ann, broken{}); !errors.Is(err, errAway) {
			t.Errorf("written into nothing: %v", err)
		}

		time.Sleep(10 * time.Minute) // its time is over
		synctest.Wait()
		if c.say(ann, "late") || len(c.ended) != 1 {
			t.Error("the connector is still attached")
		}
		sink(portal.Traffic{Text: "late"})
		if state := s.Traced(ann); state.On || state.Lines != 2 || !state.Until.Equal(start.Add(10*time.Minute)) {
			t.Errorf("over: %+v", state)
		}
		time.Sleep(31 * time.Minute)
		synctest.Wait()
		if s.Traced(ann) != (TraceState{}) || s.Lines(ann) != nil {
			t.Error("a trace that is over is kept for ever")
		}
		stop()
	})
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errAway }

func TestTraceIsStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &connector{sinks: map[portal.Address]func(portal.Traffic){}}
		s, stop := running(t, &memory{}, Options{Attach: []func(portal.Address, func(portal.Traffic)) func(){c.attach}})
		_, err := s.StartTrace(ann, MaxTrace)
		must(t, err)
		c.say(ann, "one")
		time.Sleep(time.Minute)
		if state := s.StopTrace(ann); state.On || state.Lines != 1 || !state.Until.Equal(time.Now()) || c.say(ann, "two") {
			t.Errorf("stopped: %+v", state)
		}
		if state, err := s.StartTrace(ann, time.Minute); err != nil || !state.On || state.Lines != 0 || !c.say(ann, "three") {
			t.Errorf("started again: %+v %v", state, err)
		}
		s.ForgetTrace(ann)
		if s.Traced(ann) != (TraceState{}) || c.say(ann, "four") || s.StopTrace(ben) != (TraceState{}) {
			t.Error("forgotten")
		}
		_, err = s.StartTrace(ben, time.Minute)
		must(t, err)
		stop()
		if c.say(ben, "five") || len(c.ended) != 3 {
			t.Errorf("the connectors after the end: %v", c.ended)
		}
		if _, err := s.StartTrace(ann, time.Minute); portal.Reason(err) != "diagnosis.ending" || portal.Meaning(err) != portal.ErrUnavailable {
			t.Errorf("started after the end: %v", err)
		}
	})
}

// TestTraceBounds: a trace keeps the newest, and is cut where one message is too much.
func TestTraceBounds(t *testing.T) {
	s := New(&memory{}, Options{TraceLines: 10, TraceBytes: 3 * maxTraffic, Now: noon})
	_, err := s.StartTrace(ann, time.Minute)
	must(t, err)
	sink := s.Sink(ann)
	for n := range 25 {
		sink(portal.Traffic{Text: fmt.Sprint("line ", n)})
	}
	if lines, state := s.Lines(ann), s.Traced(ann); len(lines) != 10 || lines[0].Text != "line 15" || lines[9].Text != "line 24" || state.Dropped != 15 || state.Bytes != 70 {
		t.Errorf("%+v, %d lines", state, len(lines))
	}
	huge := strings.Repeat("ä", maxTraffic) + strings.Repeat("x", 5*maxTraffic)
	for range 4 {
		sink(portal.Traffic{Text: huge, Peer: strings.Repeat("p", 1000)})
	}
	state, lines := s.Traced(ann), s.Lines(ann)
	last := lines[len(lines)-1]
	if state.Lines != 2 || state.Bytes > 3*maxTraffic || len(last.Text) > maxTraffic+100 || !strings.HasSuffix(last.Text, fmt.Sprintf("\n[cut: %d bytes in all]", len(huge))) || len(last.Peer) != 200 {
		t.Errorf("%+v, the last has %d bytes", state, len(last.Text))
	}
}

// TestTraceIsCutLate: a message is cut when the secrets are out, so that no half of one is left.
func TestTraceIsCutLate(t *testing.T) {
	s := New(&memory{}, Options{Now: noon})
	_, err := s.StartTrace(ann, time.Minute)
	must(t, err)
	s.Sink(ann)(portal.Traffic{Text: strings.Repeat(".", maxTraffic-len("<Password>hun")) + "<Password>hunter2</Password>"})
	if got := s.Lines(ann)[0].Text; strings.Contains(got, "hun") || !strings.Contains(got, "<Password>[re") || !strings.Contains(got, "[cut: ") {
		t.Errorf("cut as %q", got[len(got)-100:])
	}
}

func TestTraceLimits(t *testing.T) {
	s := New(&memory{}, Options{TraceMost: 3, Now: noon})
	for _, d := range []time.Duration{0, -time.Minute, MaxTrace + 1} {
		if _, err := s.StartTrace(ann, d); portal.Meaning(err) != portal.ErrInvalid || portal.Reason(err) != "diagnosis.trace-time" {
			t.Errorf("%v: %v", d, err)
		}
	}
	who := func(n int) portal.Address { return portal.Address(fmt.Sprintf("sip:p%d@example.test", n)) }
	for n := range 3 {
		_, err := s.StartTrace(who(n), time.Minute)
		must(t, err)
	}
	if _, err := s.StartTrace(who(3), time.Minute); portal.Meaning(err) != portal.ErrTooMany || portal.Reason(err) != "diagnosis.trace-many" {
		t.Errorf("one too many: %v", err)
	}
	_, err := s.StartTrace(who(1), time.Minute) // again is no further one
	must(t, err)
	s.StopTrace(who(2))
	_, err = s.StartTrace(who(3), time.Minute) // takes the place of one that has ended
	must(t, err)
	if s.Traced(who(2)) != (TraceState{}) || !s.Traced(who(0)).On || !s.Traced(who(3)).On {
		t.Error("the wrong trace had to go")
	}
}

// TestManyAtOnce: connectors, readers and those who switch do not get in each other's way.
func TestManyAtOnce(t *testing.T) {
	s := New(&memory{}, Options{TraceLines: 50})
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan error, 1)
	go func() { over <- s.Run(ctx) }()
	var crew sync.WaitGroup
	for range 4 {
		crew.Go(func() {
			sink := s.Sink(ann)
			for n := range 200 {
				sink(portal.Traffic{Text: fmt.Sprint(n)})
			}
		})
		crew.Go(func() {
			for range 50 {
				if _, err := s.StartTrace(ann, time.Minute); err != nil {
					t.Error(err)
				}
				if s.Traced(ann).Lines > 50 || len(s.Lines(ann)) > 50 {
					t.Error("too many lines")
				}
				s.StopTrace(ann)
			}
		})
	}
	crew.Wait()
	cancel()
	must(t, <-over)
}
