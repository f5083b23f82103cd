package diagnosis

// Traces of people's own traffic: switched on for a while, bounded, kept in memory alone.

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"portico/app/portal"
)

// TraceState is how a person's trace is.
type TraceState struct {
	// On: traffic is being collected. A trace that has ended can still be read for a while.
	On bool `json:"on"`
	// Since and Until are when it began and when it ends or ended; zero: there is none.
	Since time.Time `json:"since,omitzero"`
	Until time.Time `json:"until,omitzero"`
	// Lines and Bytes are what is kept, Dropped how many older lines had to go.
	Lines   int `json:"lines"`
	Bytes   int `json:"bytes"`
	Dropped int `json:"dropped"`
}

// maxTraffic is how much of one message is kept, in bytes.
const maxTraffic = 64 << 10

// traces are the traces there are. Its lock is held only to find one.
type traces struct {
	o    Options
	bell chan struct{}

	mu     sync.RWMutex
	all    map[portal.Address]*trace
	closed bool // run has ended
}

// trace is one person's. Its lock orders what comes from several connectors.
type trace struct {
	most, size int

	mu           sync.Mutex
	on           bool
	since, until time.Time
	lines        []portal.Traffic // the oldest first
	bytes        int
	dropped      int
	stops        []func()
}

func (t *traces) init(o Options) {
	t.o, t.bell, t.all = o, make(chan struct{}, 1), map[portal.Address]*trace{}
}

// StartTrace collects a person's traffic for a time, MaxTrace at most; what was collected before goes. Errors: ErrInvalid
// ("diagnosis.trace-time") for no time or a longer one, ErrTooMany ("diagnosis.trace-many") where too many people are traced.
func (s *Service) StartTrace(who portal.Address, d time.Duration) (TraceState, error) {
	if d <= 0 || d > MaxTrace {
		return TraceState{}, portal.Fail(portal.ErrInvalid, "diagnosis.trace-time").With("minutes", strconv.Itoa(int(MaxTrace.Minutes())))
	}
	return s.traces.start(who, d)
}

// StopTrace ends a person's trace. What was collected can be read until TraceLinger later.
func (s *Service) StopTrace(who portal.Address) TraceState {
	if t := s.traces.find(who); t != nil {
		t.end(s.o.Now())
		s.traces.wake()
	}
	return s.Traced(who)
}

// ForgetTrace ends a person's trace and drops what was collected.
func (s *Service) ForgetTrace(who portal.Address) {
	s.traces.mu.Lock()
	t := s.traces.all[who]
	delete(s.traces.all, who)
	s.traces.mu.Unlock()
	if t != nil {
		t.end(s.o.Now())
	}
}

// Traced is how a person's trace is.
func (s *Service) Traced(who portal.Address) TraceState {
	if t := s.traces.find(who); t != nil {
		return t.state(s.o.Now())
	}
	return TraceState{}
}

// Lines are what was collected of a person, the oldest first.
func (s *Service) Lines(who portal.Address) []portal.Traffic {
	if t := s.traces.find(who); t != nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		return slices.Clone(t.lines)
	}
	return nil
}

// Sink is where connectors hand a person's traffic to. While the person is not traced it costs next to nothing. It takes
// secrets out once more, cuts what is long, and never blocks on anything but the trace's own lock.
func (s *Service) Sink(who portal.Address) func(portal.Traffic) {
	return func(line portal.Traffic) {
		if t := s.traces.find(who); t != nil {
			t.take(line, s.o.Now())
		}
	}
}

// tidy is traffic as it is kept.
func tidy(line portal.Traffic) portal.Traffic {
	whole := len(line.Text)
	line.Text = strings.ToValidUTF8(line.Text, "\ufffd")
	// What is cut off may hold the end of a secret's element, so the cut comes after the secrets are out; what is
	// beyond all measure is cut before.
	line.Text = Redact(clip(line.Text, 4*maxTraffic))
	if len(line.Text) > maxTraffic || whole > 4*maxTraffic {
		line.Text = clip(line.Text, maxTraffic) + fmt.Sprintf("\n[cut: %d bytes in all]", whole)
	}
	line.Peer, line.Protocol = clip(line.Peer, 200), clip(line.Protocol, 20)
	return line
}

// WriteTrace writes what was collected of a person as text. Its times are in UTC.
func (s *Service) WriteTrace(who portal.Address, w io.Writer) error {
	state, lines := s.Traced(who), s.Lines(who)
	const form = "2006-01-02T15:04:05.000Z"
	_, err := fmt.Fprintf(w, "Trace of %s, %s to %s: %d messages, %d older ones dropped. Secrets are removed.\n",
		who, state.Since.UTC().Format(form), state.Until.UTC().Format(form), len(lines), state.Dropped)
	for _, l := range lines {
		if err != nil {
			break
		}
		arrow := "<-- received from"
		if l.Sent {
			arrow = "--> sent to"
		}
		text := strings.TrimRight(strings.ReplaceAll(l.Text, "\r\n", "\n"), "\n")
		_, err = fmt.Fprintf(w, "\n%s %s %s %s\n%s\n", l.At.UTC().Format(form), strings.ToUpper(l.Protocol), arrow, l.Peer, text)
	}
	if err != nil {
		return fmt.Errorf("write trace: %w", err)
	}
	return nil
}

func (t *traces) find(who portal.Address) *trace {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.all[who]
}

func (t *traces) wake() {
	select {
	case t.bell <- struct{}{}:
	default:
	}
}

// start makes a new trace in place of the one there may be.
func (t *traces) start(who portal.Address, d time.Duration) (TraceState, error) {
	now := t.o.Now()
	fresh := &trace{most: t.o.TraceLines, size: t.o.TraceBytes, on: true, since: now, until: now.Add(d)}
	t.mu.Lock()
	old := t.all[who]
	if t.closed {
		t.mu.Unlock()
		return TraceState{}, portal.Fail(portal.ErrUnavailable, "diagnosis.ending")
	}
	if old == nil && !t.room(now) {
		t.mu.Unlock()
		return TraceState{}, portal.Fail(portal.ErrTooMany, "diagnosis.trace-many").With("max", strconv.Itoa(t.o.TraceMost))
	}
	t.all[who] = fresh
	t.mu.Unlock()
	if old != nil {
		old.end(now)
	}
	sink := func(line portal.Traffic) { fresh.take(line, t.o.Now()) }
	for _, attach := range t.o.Attach {
		fresh.stopWith(attach(who, sink))
	}
	t.wake()
	return fresh.state(now), nil
}

// room makes room for one more: a trace that has ended goes first, the one that ended longest ago. t.mu is held.
func (t *traces) room(now time.Time) bool {
	if len(t.all) < t.o.TraceMost {
		return true
	}
	var oldest portal.Address
	var ended time.Time
	for who, one := range t.all {
		if state := one.state(now); !state.On && (oldest == "" || state.Until.Before(ended)) {
			oldest, ended = who, state.Until
		}
	}
	delete(t.all, oldest)
	return oldest != ""
}

// run ends traces whose time is over and forgets those that nobody fetched.
func (t *traces) run(ctx context.Context) error {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	defer t.endAll()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		case <-t.bell:
		}
		timer.Reset(t.sweep(t.o.Now()))
	}
}

// sweep does what is due and says how long nothing will be.
func (t *traces) sweep(now time.Time) time.Duration {
	wait := time.Hour
	var over []*trace
	t.mu.Lock()
	for who, one := range t.all {
		switch state := one.state(now); {
		case state.On:
			wait = min(wait, state.Until.Sub(now))
		case now.Sub(state.Until) >= t.o.TraceLinger:
			delete(t.all, who)
			over = append(over, one)
		default:
			over = append(over, one)
			wait = min(wait, state.Until.Add(t.o.TraceLinger).Sub(now))
		}
	}
	t.mu.Unlock()
	for _, one := range over {
		one.end(now)
	}
	return max(wait, time.Millisecond)
}

func (t *traces) endAll() {
	t.mu.Lock()
	all := t.all
	t.all, t.closed = map[portal.Address]*trace{}, true
	t.mu.Unlock()
	for _, one := range all {
		one.end(t.o.Now())
	}
}

// collecting reports whether the trace takes lines. One whose time is over takes none, whether or not run has seen it.
func (t *trace) collecting(now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.on && now.Before(t.until)
}

// stopWith takes what ends a connector's part in the trace; where the trace has ended already that is done at once.
func (t *trace) stopWith(stop func()) {
	if stop == nil {
		return
	}
	t.mu.Lock()
	on := t.on
	if on {
		t.stops = append(t.stops, stop)
	}
	t.mu.Unlock()
	if !on {
		stop()
	}
}

// end lets the trace collect no more and its connectors go. It may be called again.
func (t *trace) end(now time.Time) {
	t.mu.Lock()
	if t.on && now.Before(t.until) {
		t.until = now
	}
	t.on = false
	stops := t.stops
	t.stops = nil
	t.mu.Unlock()
	for _, stop := range stops {
		stop()
	}
}

func (t *trace) state(now time.Time) TraceState {
	t.mu.Lock()
	defer t.mu.Unlock()
	return TraceState{On: t.on && now.Before(t.until), Since: t.since, Until: t.until, Lines: len(t.lines), Bytes: t.bytes, Dropped: t.dropped}
}

// take keeps a line, where lines are collected.
func (t *trace) take(line portal.Traffic, now time.Time) {
	if !t.collecting(now) {
		return
	}
	if line.At.IsZero() {
		line.At = now
	}
	t.add(tidy(line))
}

// add keeps a line; the oldest go where there is no room.
func (t *trace) add(line portal.Traffic) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.on {
		return
	}
	t.lines = append(t.lines, line)
	t.bytes += len(line.Text)
	gone := 0
	for len(t.lines)-gone > t.most || t.bytes > t.size && len(t.lines)-gone > 1 {
		t.bytes -= len(t.lines[gone].Text)
		gone++
	}
	if gone > 0 {
		t.dropped += gone
		clear(t.lines[:gone]) // the array is only made anew at its end
		t.lines = t.lines[gone:]
	}
}
