package main

import (
	"fmt"
	"net/http"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/heapprofiler"
	"github.com/chromedp/cdproto/memory"
	"github.com/chromedp/cdproto/runtime"
)

// weighWorkingDay: a page that stands open all day in a room in which 5,000 messages are said, by six people, while
// contacts change presence; now and then its owner answers, and twice reads far back. What is in use of the script's
// memory after the garbage collector has run, and how many nodes the page has.
func weighWorkingDay(d *desk, f *figures) {
	const messages, speakers = 5000, 6
	o := d.office(50)
	room := "/rooms/day"
	o.alice.does(http.MethodPost, "/rooms", map[string]any{"name": "day", "topic": "A working day", "open": true}, nil)
	for i, c := range o.colleagues[:speakers] {
		c.does(http.MethodPut, room+"/members/"+person(colleague(i)), nil, nil)
	}
	for _, mode := range modes() {
		o.alice.inMode(mode)
		b := o.visitor().signIn("alice", room).live()
		f.add("JS heap: the room when it is opened", mode, "%s", b.heap())
		for n := range messages {
			id := fmt.Sprintf("%s-%d", mode, n)
			o.colleagues[n%speakers].does(http.MethodPost, room+"/messages", map[string]string{"id": id, "text": fmt.Sprintf("%d: the offer for Graz goes out today, see https://prices.example.test/%d before noon", n, n)}, nil)
			if n%100 == 99 {
				o.colleagues[n/100%50].does(http.MethodPut, "/me/presence", map[string]string{"availability": []string{"busy", "available"}[n/100%2]}, nil)
				b.until(fmt.Sprint("message ", n), `document.querySelector(`+quoted(`#log .msg[data-id="`+id+`"]`)+`) !== null`)
			}
			if n%500 == 499 {
				b.say(fmt.Sprintf("my own words %s %d", mode, n))
			}
			if n == 2000 || n == 4000 {
				b.readsBack(20)
			}
			if n == messages/2 {
				f.add("JS heap: after 2,500 messages", mode, "%s", b.heap())
			}
		}
		f.add("JS heap: after 5,000 messages", mode, "%s", b.heap())
		b.close()
	}
}

// readsBack scrolls up through so many pages of the past, and down again to what was said last. The page keeps a
// window of the room only: what leaves it at one end is read again on the way back.
func (b *tab) readsBack(pages int) {
	b.t.Helper()
	const calm = ` && document.getElementById("log").getAttribute("aria-busy") !== "true"`
	for range pages {
		first := eval[string](b, `document.querySelector("#log .msg").dataset.order`)
		b.run(`document.getElementById("log").scrollTop = -1e7`)
		b.until("older messages", `document.querySelector("#log .msg").dataset.order !== `+quoted(first)+calm)
	}
	for eval[bool](b, `document.querySelector("#log .later:not([hidden])") !== null`) {
		last := eval[string](b, `[...document.querySelectorAll("#log .msg")].at(-1).dataset.order`)
		b.run(`document.getElementById("log").scrollTop = 0`)
		b.until("later messages", `[...document.querySelectorAll("#log .msg")].at(-1).dataset.order !== `+quoted(last)+calm)
	}
	b.run(`document.getElementById("log").scrollTop = 0`)
}

// heap is what the page's script keeps in memory once the garbage collector has run.
func (b *tab) heap() string {
	b.t.Helper()
	call(b, heapprofiler.CollectGarbage, cdp.Empty{})
	call(b, heapprofiler.CollectGarbage, cdp.Empty{})
	used, dom := call(b, runtime.GetHeapUsage, cdp.Empty{}), call(b, memory.GetDOMCounters, cdp.Empty{})
	return fmt.Sprintf("%.2f MB (%d nodes, %d listeners)", used.UsedSize/(1<<20), dom.Nodes, dom.JsEventListeners)
}
