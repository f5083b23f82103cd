package sipua_test

// What a person costs, and how many messages pass.

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"portico/app/portal"
	"portico/app/sipua"
)

// deaf is a handler that keeps nothing.
type deaf struct{ reports, ups, messages, watchers atomic.Int64 }

func (d *deaf) Receive(context.Context, portal.Incoming) error                     { d.messages.Add(1); return nil }
func (d *deaf) ReceiveNotice(context.Context, portal.Address, portal.Notice) error { return nil }
func (d *deaf) ReceiveTyping(_, _ portal.Address, _ bool, _ time.Duration)         {}
func (d *deaf) Notified(portal.Address, portal.Report)                             { d.reports.Add(1) }
func (d *deaf) Silent(_, _ portal.Address)                                         {}
func (d *deaf) Watchers(portal.Address, []portal.Watcher)                          { d.watchers.Add(1) }
func (d *deaf) RoomMessage(context.Context, portal.RoomIncoming) error             { d.messages.Add(1); return nil }
func (d *deaf) Rang(portal.Ring)                                                   {}
func (d *deaf) Dialogs(portal.Address, []portal.Dialog)                            { d.reports.Add(1) }
func (d *deaf) MessageWaiting(portal.Address, portal.Waiting)                      { d.reports.Add(1) }
func (d *deaf) LineUp(portal.Address)                                              { d.ups.Add(1) }
func (d *deaf) LineDown(portal.Address, error)                                     {}

func heap() uint64 {
	for range 3 {
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}

func person(i int) portal.Address {
	return portal.Address(fmt.Sprintf("sip:person%05d@example.test", i))
}

// BenchmarkPersonWith50Contacts measures the memory of somebody signed in, published and watching 50
// people: "B/person"; and also their own calls and voice mail; and also their 50 watchers.
func BenchmarkPersonWith50Contacts(b *testing.B) {
	for _, n := range []int{100, 1000, 10000} {
		for _, own := range []bool{false, true} {
			b.Run(fmt.Sprintf("%d/own=%v", n, own), func(b *testing.B) {
				for b.Loop() {
					b.ReportMetric(personCost(b, n, own, false), "B/person")
				}
			})
		}
		b.Run(fmt.Sprintf("%d/watchers", n), func(b *testing.B) {
			for b.Loop() {
				b.ReportMetric(personCost(b, n, false, true), "B/person")
			}
		})
	}
}

// watched answers a subscription to one's watchers with fifty of them.
func watched(c *fakeConn, p packet) bool {
	if !subscribes(p) || p.get("Event") != "presence.winfo" || p.get("Expires") == "0" {
		return false
	}
	var body strings.Builder
	body.WriteString(`<?xml version="1.0"?><watcherinfo xmlns="urn:ietf:params:xml:ns:watcherinfo" version="1" state="full"><watcher-list resource="sip:x@example.test" package="presence">`)
	for i := range 50 {
		fmt.Fprintf(&body, `<watcher id="%s%02d" event="subscribe" status="active">%s</watcher>`, p.get("Call-Id"), i, person(i))
	}
	body.WriteString(`</watcher-list></watcherinfo>`)
	c.answer(p, 200, "Expires: "+p.get("Expires"), "Contact: <sip:pa@example.test;transport=tcp>")
	c.notify(p, 2, "active;expires="+p.get("Expires"), body.String(), "Content-Type: application/watcherinfo+xml")
	return true
}

func personCost(b *testing.B, n int, own, watchers bool) float64 {
	b.Helper()
	f := newFake(b, nil)
	if watchers {
		f.setHandle(watched)
	}
	f.lean = true
	d := &deaf{}
	cfg := f.config()
	cfg.ResumeRate, cfg.SubscribeRate, cfg.Connections = 1e6, 1e6, 2
	cfg.Dialogs, cfg.MessageSummary, cfg.NoWatcherInfo = own, own, !watchers
	a, stop := startStoppable(b, cfg, d)
	defer stop()
	secret := []byte(`{"user":"x","hashes":[{"realm":"example.test","algorithm":"MD5","ha1":"0123456789abcdef0123456789abcdef"},{"realm":"example.test","algorithm":"SHA-256","ha1":"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}]}`)
	eventually(b, "the link", func() bool { return a.Ready() == nil })
	before := heap()
	for i := range n {
		a.Resume(person(i), secret)
	}
	eventually(b, "everybody registered", func() bool { return d.ups.Load() == int64(n) })
	for i := range n {
		contacts := make([]portal.Address, 50)
		for j := range contacts {
			contacts[j] = person((i + j*j + 1) % n)
		}
		a.Watch(person(i), contacts)
		a.Publish(person(i), is(portal.Available))
	}
	want := int64(0)
	for i := range n {
		want += int64(a.Status(person(i)).Watching)
	}
	if watchers {
		eventually(b, "everybody's watchers heard of", func() bool { return d.watchers.Load() == int64(n) })
	}
	eventually(b, "every contact heard of", func() bool { return d.reports.Load() >= want })
	eventually(b, "everybody published", func() bool {
		for i := range n {
			if !a.Status(person(i)).Published {
				return false
			}
		}
		return true
	})
	return float64(heap()-before) / float64(n)
}

// BenchmarkMessage measures messages from a person to another through the lab or Kamailio, and back to
// the same agent.
func BenchmarkMessage(b *testing.B) {
	for _, server := range []string{"lab", "kamailio"} {
		for _, senders := range []int{1, 64} {
			b.Run(fmt.Sprintf("%s/%d", server, senders), func(b *testing.B) {
				var w world
				if server == "lab" {
					w = labWorld(b, "tcp")
				} else {
					w = kamailioWorld(b, "tcp", func(o *siptestOptions) { o.SharedMemory, o.Processes = 512, 4 })
				}
				d := &deaf{}
				a := start(b, w.cfg, d)
				pairs := []portal.Address{alice, bob, carol, "sip:dave@example.test", "sip:erin@example.test", "sip:frank@example.test", "sip:grace@example.test", "sip:heidi@example.test"}
				for _, who := range pairs {
					signIn(b, a, who)
				}
				flood(b, a, pairs, senders)
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
			})
		}
	}
}

func flood(b *testing.B, a *sipua.Agent, people []portal.Address, senders int) {
	b.Helper()
	var next atomic.Int64
	var wg sync.WaitGroup
	b.ResetTimer()
	for range senders {
		wg.Go(func() {
			for {
				i := int(next.Add(1))
				if i > b.N {
					return
				}
				from, to := people[i%len(people)], people[(i+1)%len(people)]
				if _, err := a.Send(context.Background(), from, portal.Outgoing{To: to, ID: fmt.Sprint("b", i), Text: "hello there", At: time.Now()}); err != nil {
					b.Errorf("send: %v", err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
}
