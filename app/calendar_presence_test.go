package main

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// wire stands between a portal and its SIP server and keeps every byte that passes, in both directions.
type wire struct {
	addr string
	mu   sync.Mutex
	all  bytes.Buffer
}

// Write keeps what passes.
func (w *wire) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.all.Write(b)
}

func (w *wire) carried(text string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return bytes.Contains(w.all.Bytes(), []byte(text))
}

// tap starts a wire to a server; it ends with the test.
func tap(t testing.TB, server string) *wire {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{addr: l.Addr().String()}
	var all sync.WaitGroup
	var mu sync.Mutex
	open := map[net.Conn]bool{}
	keep := func(c net.Conn) { mu.Lock(); open[c] = true; mu.Unlock() }
	all.Go(func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", server)
			if err != nil {
				_ = near.Close() // the portal sees a server that is away
				continue
			}
			keep(near)
			keep(far)
			for _, way := range [][2]net.Conn{{near, far}, {far, near}} {
				all.Go(func() {
					_, _ = io.Copy(io.MultiWriter(way[1], w), way[0]) // ends when either side closes
					_ = way[0].Close()
					_ = way[1].Close()
				})
			}
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		for c := range open {
			_ = c.Close() // closed already, as a rule
		}
		mu.Unlock()
		all.Wait()
	})
	return w
}

// seen is what somebody is told of another.
type seen struct {
	Availability, Activity, Text, Note string
	OutOfOffice                        string `json:"out_of_office"`
	Calendar                           any
}

func (c *client) sees(user string) seen {
	c.t.Helper()
	var got seen
	if status := c.call(http.MethodGet, "/presence/"+person(user), nil, &got); status != http.StatusOK {
		c.t.Fatalf("presence: status %d", status)
	}
	return got
}

// The calendar becomes presence: others learn by SIP that somebody is in a meeting, or out of office, and never of what.
func TestPresenceFromTheCalendar(t *testing.T) {
	t.Parallel()
	l, _ := aside(t)
	w := tap(t, l.lab)
	p := facing(t, "sip:"+w.addr+";transport=tcp",
		"PORTICO_EWS_SERVER_0_NAME=lab", "PORTICO_EWS_SERVER_0_URL="+l.exchange, "PORTICO_EWS_SERVER_0_USERNAME="+labService,
		"PORTICO_EWS_SERVER_0_PASSWORD="+labPassword, "PORTICO_PRESENCE_PUBLISH_PACE=100ms")
	const secret, note = "Bilateral talks with the moon", "Back when the snow melts. Frank helps."
	frank, erin := outlook(t, l.exchange, "frank"), outlook(t, l.exchange, "erin")
	erin.away(note)

	watcher := p.signIn("grace")
	ears := watcher.ear()
	busy, gone := p.signIn("frank"), p.signIn("erin")
	busy.live(-1)
	gone.live(-1)
	busy.loaded()
	await(t, longest, "frank to be there", func() bool { return watcher.sees("frank").Availability == "available" })
	now := time.Now()
	meeting := frank.create(secret, now.Add(-2*time.Hour), now.Add(3*time.Hour), `<t:Sensitivity>Private</t:Sensitivity>`, text("Location", secret+" hall")+required("heidi"))
	await(t, longest, "frank to be in a meeting", func() bool {
		got := watcher.sees("frank")
		return got.Availability == "busy" && got.Activity == "in-a-meeting"
	})
	await(t, longest, "erin's note", func() bool { return watcher.sees("erin").OutOfOffice == note })
	if !w.carried("PUBLISH") || !w.carried("NOTIFY") || !w.carried("meeting") || !w.carried("Frank helps.") {
		t.Error("the presence did not go through the SIP server")
	}
	for _, word := range []string{secret, "moon"} {
		if w.carried(word) {
			t.Errorf("%q went over SIP", word)
		}
		if ears.heard(word) {
			t.Errorf("%q came to a watcher", word)
		}
		if strings.Contains(p.logged(), word) {
			t.Errorf("%q is in the log", word)
		}
	}

	// A watcher who puts frank's calendar beside their own sees that the time is taken, and nothing more.
	status, page := watcher.page("/calendar?view=agenda&with=frank%40example.test&date=" + now.Add(-3*time.Hour).In(time.UTC).Format(time.DateOnly))
	if status != http.StatusOK || strings.Contains(page, "moon") || !strings.Contains(page, "only free and busy") || !strings.Contains(page, `data-show="busy"`) {
		t.Errorf("frank's calendar for grace: status %d, names the meeting: %t\n%s", status, strings.Contains(page, "moon"), page)
	}
	id := idOf(t, busy, secret, now)
	for _, path := range []string{"/calendar/" + id + "?of=frank%40example.test", "/calendar/" + id} {
		if status, page := watcher.page(path); status == http.StatusOK && strings.Contains(page, "moon") || status < 400 && status != http.StatusOK {
			t.Errorf("%s for grace: status %d, names the meeting: %t", path, status, strings.Contains(page, "moon"))
		}
	}

	frank.remove(frank.get(meeting))
	await(t, longest, "frank to be free again", func() bool { return watcher.sees("frank").Availability == "available" })
	if w.carried("moon") || ears.heard("moon") {
		t.Error("the cancellation named the meeting")
	}
}

// idOf is the portal's id of an appointment of somebody around a time.
func idOf(t testing.TB, c *client, subject string, around time.Time) string {
	t.Helper()
	for _, a := range c.appointments(around.Add(-24*time.Hour), around.Add(24*time.Hour)) {
		if a.Subject == subject {
			return a.ID
		}
	}
	t.Fatalf("%s has no %q", c.who, subject)
	return ""
}
