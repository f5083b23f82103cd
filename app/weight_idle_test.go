package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/performance"
	"github.com/chromedp/cdproto/tracing"
	"github.com/chromedp/chromedp"
)

// cost is what a page costs over some time.
type cost struct {
	// thread is the processor time of the page's main thread, of it script, layout and style.
	thread, script, layout, style time.Duration
	// sent is what the network carried.
	sent int64
}

func (c cost) String() string {
	return fmt.Sprintf("%d ms (script %d, style %d, layout %d), %s",
		c.thread.Milliseconds(), c.script.Milliseconds(), c.style.Milliseconds(), c.layout.Milliseconds(), kilobytes(c.sent))
}

// spends measures the page while something happens elsewhere. Nothing is asked of the page meanwhile, and nothing recorded:
// a trace costs a third of what it shows.
func (o *office) spends(b *tab, happens func()) cost {
	b.t.Helper()
	call(b, performance.Enable, performance.EnableParams{TimeDomain: performance.EnableTimeDomainThreadTicks})
	sent, before := o.meter.total(), b.metrics()
	happens()
	after := b.metrics()
	spent := cost{sent: o.meter.total() - sent}
	since := func(name string) time.Duration {
		return time.Duration((after[name] - before[name]) * float64(time.Second))
	}
	spent.thread, spent.script, spent.layout, spent.style = since("TaskDuration"), since("ScriptDuration"), since("LayoutDuration"), since("RecalcStyleDuration")
	call(b, performance.Disable, cdp.Empty{})
	return spent
}

func (b *tab) metrics() map[string]float64 {
	b.t.Helper()
	out := map[string]float64{}
	for _, m := range call(b, performance.GetMetrics, cdp.Empty{}).Metrics {
		out[m.Name] = m.Value
	}
	return out
}

// trace records the page's time line; what it gives ends that and counts the events by name.
func (b *tab) trace() func() map[string]int {
	b.t.Helper()
	var mu sync.Mutex
	seen, whole, ended := map[string]int{}, make(chan struct{}), false
	b.must(chromedp.Listen(b.ctx, func(ev any) {
		mu.Lock()
		defer mu.Unlock()
		if ended { // the listener is of an earlier recording
			return
		}
		switch e := ev.(type) {
		case *tracing.EventDataCollected:
			for _, raw := range e.Value {
				var one struct{ Name, Ph string }
				if json.NewDecoder(bytes.NewReader(raw)).Decode(&one) == nil && one.Ph != "E" {
					seen[one.Name]++
				}
			}
		case *tracing.EventTracingComplete:
			ended = true
			close(whole)
		}
	}))
	call(b, tracing.Start, tracing.StartParams{TransferMode: tracing.StartTransferModeReportEvents, TraceConfig: &tracing.TraceConfig{
		IncludedCategories: []string{"devtools.timeline", "disabled-by-default-devtools.timeline.frame", "devtools.timeline.frame"}, ExcludedCategories: []string{"*"},
	}})
	return func() map[string]int {
		call(b, tracing.End, cdp.Empty{})
		<-whole
		mu.Lock()
		defer mu.Unlock()
		return seen
	}
}

// weighIdleMinute: a minute in which nobody touches the page and nothing changes, and one in which each of 50 and of 200
// contacts changes presence once.
func weighIdleMinute(d *desk, f *figures) {
	for _, contacts := range []int{50, 200} {
		o, turn := d.office(contacts), 0
		change := func() { // each time it is another state than before
			o.change(time.Minute, []string{"busy", "available"}[turn%2])
			turn++
		}
		for _, mode := range modes() {
			o.alice.inMode(mode)
			b := o.visitor().signIn("alice", "/contacts").live()
			o.settled(b)
			whose := fmt.Sprintf("%s, %d contacts", mode, contacts)
			f.add("idle minute, nothing changes", whose, "%s", o.spends(b, func() { rest(d.t, time.Minute) }))
			for range repetitions {
				f.add("idle minute, each changes once", whose, "%s", o.spends(b, change))
			}
			for _, minute := range []struct {
				what    string
				happens func()
			}{{"idle minute, nothing changes", func() { rest(d.t, time.Minute) }}, {"idle minute, each changes once", change}} {
				o.settled(b) // what was gathered of the minute before is shown
				trace := b.trace()
				minute.happens()
				seen := trace()
				f.add(minute.what, whose, "%d paints, %d frames", seen["Paint"], seen["DrawFrame"])
				if os.Getenv(figuresSwitch) == "trace" {
					d.t.Logf("%s, %s: %v", whose, minute.what, seen)
				}
			}
			b.close()
		}
	}
}

// weighIdleHour: what the network carries while a page is open on which nothing happens.
func weighIdleHour(d *desk, f *figures) {
	o := d.office(50)
	watch, times := 5*time.Minute, int64(12)
	if os.Getenv(figuresSwitch) == "hour" {
		watch, times = time.Hour, 1
	}
	for _, mode := range modes() {
		o.alice.inMode(mode)
		b := o.visitor().signIn("alice", "/contacts").live()
		o.settled(b)
		up, down := o.meter.bytes()
		rest(d.t, watch)
		upThen, downThen := o.meter.bytes()
		f.add(fmt.Sprintf("network: an idle hour (%s, times %d)", watch, times), mode, "%s up, %s down", kilobytes((upThen-up)*times), kilobytes((downThen-down)*times))
		b.close()
	}
}
