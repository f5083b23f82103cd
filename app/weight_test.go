package main

// What the portal costs those who use it: bytes over the network, memory and processor time in the browser, paints.
// These are measurements, not tests: they take minutes and depend on the machine, so they run only when they are
// asked for (PORTICO_FIGURES=1) and assert nothing about speed. What cannot flake of it is asserted always.

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"portico/app/config"
	"portico/app/sipua/siplab"
)

// figuresSwitch asks for the measurements; its value "hour" has the idle hour last an hour.
const figuresSwitch = "PORTICO_FIGURES"

// TestFigures measures and prints a table:
//
//	PORTICO_FIGURES=1 go test ./app -run TestFigures -v -timeout 60m
//
// PORTICO_FIGURES=hour watches an idle page for a real hour instead of five minutes.
func TestFigures(t *testing.T) {
	if os.Getenv(figuresSwitch) == "" {
		t.Skip("the figures are measured where " + figuresSwitch + "=1 asks for it: it takes minutes")
	}
	d := &desk{t: t, browser: startChromium(t)}
	sheet := &figures{log: t}
	t.Cleanup(func() { t.Logf("\n%s", sheet) })
	for _, part := range []struct {
		name string
		run  func(*desk, *figures)
	}{
		{"FirstUse", weighFirstUse},
		{"IdleMinute", weighIdleMinute},
		{"WorkingDay", weighWorkingDay},
		{"IdleHour", weighIdleHour},
	} {
		t.Run(part.name, func(t *testing.T) { part.run(&desk{t: t, browser: d.browser}, sheet) })
	}
}

// figures is the table that is printed.
type figures struct {
	log  testing.TB // which is told each line at once
	mu   sync.Mutex
	rows [][3]string
}

// add puts down what was measured, in which mode, and how much it was.
func (f *figures) add(what, mode, format string, values ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rows = append(f.rows, [3]string{what, mode, fmt.Sprintf(format, values...)})
	f.log.Log(f.rows[len(f.rows)-1])
}

func (f *figures) String() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out strings.Builder
	w := tabwriter.NewWriter(&out, 0, 4, 2, ' ', 0)
	for _, r := range f.rows {
		fmt.Fprintf(w, "%s\t%s\t%s\n", r[0], r[1], r[2])
	}
	if err := w.Flush(); err != nil {
		return err.Error()
	}
	return out.String()
}

// office is a portal whose person alice has so many colleagues in her contact list, all signed in and available.
type office struct {
	d          *desk
	h          *house
	p          *program
	alice      *client
	colleagues []*client
	// meter stands between the browser and the portal and counts what passes.
	meter *meter
}

func colleague(i int) string { return fmt.Sprintf("colleague%03d", i) }

// names are of the length names have.
func colleagueName(i int) string {
	first := []string{"Anna", "Bernhard", "Christine", "Dieter", "Elisabeth", "Ferdinand", "Gertrude", "Heinrich", "Ingrid", "Johannes"}
	last := []string{"Aigner", "Berger", "Czerny", "Doppler", "Ebner", "Fuchs", "Gruber", "Hofer", "Innerkofler", "Jandl"}
	return fmt.Sprintf("%s %s", first[i%len(first)], last[i/len(first)%len(last)])
}

// office furnishes a portal in this process with n colleagues.
func (d *desk) office(n int) *office {
	d.t.Helper()
	o := &office{d: d, meter: newMeter(d.t)}
	o.h = inProcess(d.t, func(cfg *config.Config) { cfg.HTTP.PublicURL = o.meter.url() })
	o.meter.leadTo(o.h.listener.Addr().String())
	o.p = &program{t: d.t, url: "http://" + o.h.listener.Addr().String()}
	for i := range n {
		o.h.lab.AddUser(siplab.User{Name: colleague(i), DisplayName: colleagueName(i), Password: labPassword})
	}
	o.alice = o.p.signIn("alice")
	for _, uri := range o.contacts() {
		o.alice.does(http.MethodDelete, "/contacts/"+strings.ReplaceAll(uri, "@", "%40"), nil, nil)
	}
	for i := range n {
		c := o.p.signIn(colleague(i))
		live := c.live(-1)
		stop := make(chan struct{})
		go drain(live.ws, stop)
		d.t.Cleanup(func() { close(stop) })
		o.colleagues = append(o.colleagues, c)
		// By hand, so that nobody becomes inactive while something else is measured.
		c.does(http.MethodPut, "/me/presence", map[string]string{"availability": "available"}, nil)
		o.alice.does(http.MethodPut, "/contacts/"+person(colleague(i)), map[string]string{"group": "Office", "display_name": colleagueName(i)}, nil)
	}
	return o
}

// contacts are the addresses in alice's contact list.
func (o *office) contacts() (uris []string) {
	var list []struct{ URI string }
	o.alice.does(http.MethodGet, "/contacts", nil, &list)
	for _, c := range list {
		uris = append(uris, c.URI)
	}
	return uris
}

// visitor opens a window with a new profile, whose way to the portal is counted.
func (o *office) visitor() *tab {
	b := o.d.visitor(o.p)
	b.base = o.meter.url()
	return b
}

// settled waits until the page knows of everybody how they are, and then until what is under way has come.
func (o *office) settled(b *tab) {
	o.d.t.Helper()
	b.until("everybody's presence", fmt.Sprintf(`document.querySelectorAll(".contact .dot:not([data-p=unknown])").length >= %d`, len(o.colleagues)))
	rest(o.d.t, 5*time.Second)
}

// change has every colleague change presence once within the time, one after the other at even distances.
func (o *office) change(within time.Duration, state string) {
	o.d.t.Helper()
	pace := time.NewTicker(within / time.Duration(len(o.colleagues)+1))
	defer pace.Stop()
	for _, c := range o.colleagues {
		<-pace.C
		c.does(http.MethodPut, "/me/presence", map[string]string{"availability": state}, nil)
	}
	<-pace.C
}

// rest lets time pass: what is measured is what happens in it.
func rest(tb testing.TB, how time.Duration) {
	tb.Helper()
	timer := time.NewTimer(how)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-tb.Context().Done():
	}
}

// median of a few repetitions.
func median[T int | int64 | float64](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

func kilobytes(n int64) string { return fmt.Sprintf("%.1f KB", float64(n)/1024) }
