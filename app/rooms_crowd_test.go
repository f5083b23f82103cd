package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// The crowd: thousands of browsers in a process of their own. It is the test program itself, with asCrowd in its environment. It
// reads a crowdOrder, opens a live connection for each token and says "ready"; then it is asked for a crowdReport, which it gives as
// soon as all that is to come has come, or nothing has for a while.

const asCrowd = "PORTICO_TEST_CROWD"

// crowdOrder is whom the crowd is made of; crowdQuestion what it is asked: when so many messages have come to so many each.
type (
	crowdOrder struct {
		URL    string
		Tokens []string
	}
	crowdQuestion struct{ Messages, Each int }
)

// crowdReport is what the crowd saw. P50 and P99 are in milliseconds, of the time from before a message was said until the last of
// those it is for has it; CPU is in seconds.
type crowdReport struct {
	Delivered, Frames    int
	Resyncs, Byes, Ended int
	P50, P99, CPU        float64
}

// mostMessages bounds the messages of one benchmark.
const mostMessages = 1 << 16

// watchers is the crowd as it stands together.
type watchers struct {
	url                  string
	delivered, frames    atomic.Int64
	resyncs, byes, ended atomic.Int64
	said                 [mostMessages]atomic.Int64 // when, in nanoseconds
	last                 [mostMessages]atomic.Int64 // when the last one had it
	got                  [mostMessages]atomic.Int32
}

// stamped is a mark in a message's text: which it is and when it was said.
func stamped(n int) string { return fmt.Sprintf("said-%d-%d-", n, time.Now().UnixNano()) }

var saidMark = []byte("said-")

// readStamp finds the mark in a frame.
func readStamp(frame []byte) (n int, at int64, ok bool) {
	_, rest, ok := bytes.Cut(frame, saidMark)
	if !ok {
		return 0, 0, false
	}
	number, rest, _ := bytes.Cut(rest, []byte("-"))
	nanos, _, ok := bytes.Cut(rest, []byte("-"))
	n, err := strconv.Atoi(string(number))
	at, err2 := strconv.ParseInt(string(nanos), 10, 64)
	return n, at, ok && err == nil && err2 == nil && n >= 0 && n < mostMessages
}

// crowdMain is the child process; it gives its exit status.
func crowdMain() int {
	if err := crowd(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "crowd:", err)
		return 1
	}
	return 0
}

func crowd(in io.Reader, out io.Writer) error {
	orders, answers := json.NewDecoder(in), json.NewEncoder(out)
	var o crowdOrder
	if err := orders.Decode(&o); err != nil {
		return err
	}
	w := &watchers{url: o.URL}
	var failed atomic.Pointer[error]
	abreast(len(o.Tokens), 32, func(i int) {
		if err := w.open(o.Tokens[i], i); err != nil {
			failed.Store(&err)
		}
	})
	if err := failed.Load(); err != nil {
		return *err
	}
	if err := answers.Encode("ready"); err != nil {
		return err
	}
	for {
		var q crowdQuestion
		if err := orders.Decode(&q); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		w.settle(int64(q.Messages * q.Each))
		if err := answers.Encode(w.report(q)); err != nil {
			return err
		}
	}
}

// open opens the i-th connection: a page's or a program's, in English or German.
func (w *watchers) open(token string, i int) error {
	d := websocket.Dialer{Subprotocols: []string{"portico.json.v1"}, HandshakeTimeout: longest, ReadBufferSize: 2048, WriteBufferSize: 512}
	if i%2 == 1 {
		d.Subprotocols = []string{"portico.html.v1"}
	}
	language := "en"
	if i/2%2 == 1 {
		language = "de"
	}
	ws, resp, err := d.Dial(w.url, http.Header{"Authorization": {"Bearer " + token}, "Accept-Language": {language}})
	if err != nil {
		return fmt.Errorf("connection %d: %w", i, err)
	}
	go w.read(ws)
	return resp.Body.Close()
}

func (w *watchers) read(ws *websocket.Conn) {
	defer w.ended.Add(1)
	var buf bytes.Buffer
	for {
		_, r, err := ws.NextReader()
		if err != nil {
			return
		}
		buf.Reset()
		if _, err := buf.ReadFrom(r); err != nil {
			return
		}
		w.take(buf.Bytes())
	}
}

func (w *watchers) take(frame []byte) {
	w.frames.Add(1)
	n, at, ok := readStamp(frame)
	if !ok {
		switch {
		case bytes.HasPrefix(frame, []byte(`{"event":"resync"`)), bytes.Contains(frame, []byte(`data-event="resync"`)):
			w.resyncs.Add(1)
		case bytes.HasPrefix(frame, []byte(`{"event":"bye"`)), bytes.Contains(frame, []byte(`data-event="bye"`)):
			w.byes.Add(1)
		}
		return
	}
	w.said[n].Store(at)
	w.last[n].Store(time.Now().UnixNano())
	w.got[n].Add(1)
	w.delivered.Add(1)
}

// settle waits until so many deliveries have come, or nothing has come for ten seconds.
func (w *watchers) settle(want int64) {
	const quiet = 10 * time.Second
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for have, since := int64(-1), time.Now(); w.delivered.Load() < want && time.Since(since) < quiet; <-tick.C {
		if now := w.delivered.Load(); now != have {
			have, since = now, time.Now()
		}
	}
}

func (w *watchers) report(q crowdQuestion) crowdReport {
	var lags []time.Duration
	for n := range q.Messages {
		if int(w.got[n].Load()) == q.Each {
			lags = append(lags, time.Duration(w.last[n].Load()-w.said[n].Load()))
		}
	}
	r := crowdReport{Delivered: int(w.delivered.Load()), Frames: int(w.frames.Load()),
		Resyncs: int(w.resyncs.Load()), Byes: int(w.byes.Load()), Ended: int(w.ended.Load())}
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) == nil {
		r.CPU = time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
	}
	if len(lags) > 0 {
		slices.Sort(lags)
		r.P50, r.P99 = milliseconds(lags[len(lags)/2]), milliseconds(lags[len(lags)*99/100])
	}
	return r
}

// gathered is the crowd as its parent sees it.
type gathered struct {
	b       *testing.B
	ask     *json.Encoder
	answers *json.Decoder
}

// crowdOf starts the crowd; all its connections are open when it returns.
func crowdOf(b *testing.B, h *house, tokens []string) *gathered {
	b.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), asCrowd+"=1")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		defer cancel()
		if err := in.Close(); err != nil {
			b.Error(err)
		}
		if err := cmd.Wait(); err != nil {
			b.Errorf("crowd: %v", err)
		}
	})
	g := &gathered{b, json.NewEncoder(in), json.NewDecoder(bufio.NewReader(out))}
	var ready string
	if err := g.ask.Encode(crowdOrder{"ws" + h.address()[len("http"):] + "/ws", tokens}); err != nil {
		b.Fatal(err)
	}
	if err := g.answers.Decode(&ready); err != nil || ready != "ready" {
		b.Fatalf("the crowd is not ready: %q, %v", ready, err)
	}
	return g
}

// report waits until so many messages have come to so many people each.
func (g *gathered) report(messages, each int) crowdReport {
	g.b.Helper()
	var r crowdReport
	if err := g.ask.Encode(crowdQuestion{messages, each}); err != nil {
		g.b.Fatal(err)
	}
	if err := g.answers.Decode(&r); err != nil {
		g.b.Fatal(err)
	}
	return r
}
