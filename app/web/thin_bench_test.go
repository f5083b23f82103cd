package web

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"portico/app/portal"
)

// BenchmarkMinuteOfPresence is a minute in which each contact becomes busy and, within the same second, busy in a call: what a full
// page is sent, a thin one that shows the contact list, and a thin one that shows one conversation alone. Counted are frames,
// bursts (moments at which any came, each of which a remote session draws) and the bytes of frames.
func BenchmarkMinuteOfPresence(b *testing.B) {
	for _, contacts := range []int{50, 200} {
		for _, of := range []string{"full", "thin-list", "thin-conversation"} {
			b.Run(fmt.Sprintf("%s-%d", of, contacts), func(b *testing.B) {
				var all minute
				for range b.N {
					got := minuteOf(b, of, contacts)
					all.frames, all.bursts, all.bytes = all.frames+got.frames, all.bursts+got.bursts, all.bytes+got.bytes
				}
				b.ReportMetric(float64(all.frames)/float64(b.N), "frames/min")
				b.ReportMetric(float64(all.bursts)/float64(b.N), "bursts/min")
				b.ReportMetric(float64(all.bytes)/float64(b.N), "B/min")
			})
		}
	}
}

// minute is what one page was sent in one.
type minute struct{ frames, bursts, bytes int }

func minuteOf(b *testing.B, of string, contacts int) (got minute) {
	var clock intervals
	h := buildHouse(b, gathering(&clock))
	a := h.signIn(alice)
	if of != "full" {
		a = a.with("X-Thin", "1")
	}
	page := a.dial(protocolHTML, "?shows=1")
	people := make([]portal.Address, contacts)
	for i := range people {
		people[i] = portal.MustAddress(fmt.Sprintf("p%d@example.test", i))
	}
	shown := people
	if of == "thin-conversation" {
		shown = people[:1]
	}
	page.send(map[string]any{"op": "watch", "uris": shown, "shown": true, "conversation": people[0]})
	read := func(until string) (frames int) {
		for deadline := time.After(patience); ; {
			select {
			case f := <-page.raw:
				if n := strings.Count(f, `data-event="presence"`); strings.Contains(f, "@example.test") && n > 0 && !strings.Contains(f, string(alice)) {
					frames, got.bytes = frames+n, got.bytes+len(f)
				}
				if strings.Contains(f, until) {
					return frames
				}
			case <-deadline:
				b.Fatalf("never %q", until)
			}
		}
	}
	toldOf := map[portal.Address]bool{} // what is known of them when the page begins to show them
	eventually(b, "everybody who is shown is told of", func() bool {
		clock.end()
		for {
			select {
			case f := <-page.raw:
				for _, who := range shown {
					toldOf[who] = toldOf[who] || strings.Contains(f, string(who)+`"`)
				}
			default:
				return len(toldOf) == len(shown) && !slices.Contains(slices.Collect(maps.Values(toldOf)), false)
			}
		}
	})
	got = minute{}
	at := h.server.Now()
	for second := range 60 {
		for i := second * contacts / 60; i < (second+1)*contacts/60; i++ {
			for _, activity := range []portal.Activity{"", portal.InACall} {
				p := portal.Presence{URI: people[i], Availability: portal.Busy, Activity: activity, Since: at}
				h.server.Live().Current(alice, portal.PresenceEvent{Presence: p})
				if of == "full" || i == 0 { // what does not wait is drawn before the next
					got.frames += read(string(people[i]) + `"`)
					got.bursts++
				}
			}
		}
		if last := people[max(0, (second+1)*contacts/60-1)]; second%2 == 1 && clock.end() > 0 {
			got.frames += read(string(last) + `"`)
			got.bursts++
		}
	}
	return got
}
