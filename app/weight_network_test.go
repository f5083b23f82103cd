package main

import (
	"net/http"
	"testing"
	"time"
)

// weighFirstUse counts what the network carries until somebody can use the portal: the sign-in page, the contact list
// with its live connection, a conversation that is open and live. Once with nothing in the browser's cache, once more
// after signing out with what the first time left there.
func weighFirstUse(d *desk, f *figures) {
	o := d.office(50)
	for _, mode := range modes() {
		o.alice.inMode(mode)
		var cold, warm, page []int64
		for range repetitions {
			b := o.visitor()
			cold = append(cold, o.firstUse(b))
			b.show("/contacts").live()
			page = append(page, o.counted(b, func() { b.show("/contacts").live() }))
			b.run(`document.querySelector("form.signout button").click()`)
			b.until("signed out", `location.pathname === "/signin"`)
			b.show("/nothing-is-here-yet")
			warm = append(warm, o.firstUse(b.expects("404")))
		}
		f.add("network: first use, empty cache (sign-in, 50 contacts, a conversation)", mode, "%s", kilobytes(median(cold)))
		f.add("network: the same again, warm cache", mode, "%s", kilobytes(median(warm)))
		f.add("network: the contact list opened again while signed in", mode, "%s", kilobytes(median(page)))
	}
}

// repetitions is how often what varies is measured.
const repetitions = 3

// firstUse signs alice in, shows her contacts and then a conversation.
func (o *office) firstUse(b *tab) int64 {
	return o.counted(b, func() {
		b.signIn("alice", "/contacts").live()
		b.show(with(colleague(0))).live()
	})
}

// counted is what the network carries while something is done, until it is quiet again.
func (o *office) counted(b *tab, do func()) int64 {
	o.d.t.Helper()
	before := o.meter.total()
	do()
	last := int64(-1)
	for now := o.meter.total(); now != last; now = o.meter.total() {
		last = now
		rest(o.d.t, 2*time.Second)
	}
	return last - before
}

// modes are the kinds of session in which everything is measured.
func modes() []string { return []string{"full", "thin"} }

// inMode chooses the person's kind of session.
func (c *client) inMode(mode string) {
	c.t.Helper()
	var settings map[string]any
	c.does(http.MethodGet, "/me/settings", nil, &settings)
	settings["thin"] = map[string]string{"full": "off", "thin": "on"}[mode]
	c.does(http.MethodPut, "/me/settings", settings, nil)
}

// TestTheMeterCountsWhatPasses: both ways, and no more.
func TestTheMeterCountsWhatPasses(t *testing.T) {
	m := newMeter(t)
	p := demo(t)
	m.leadTo(p.url[len("http://"):])
	client := &http.Client{}
	t.Cleanup(client.CloseIdleConnections)
	resp, err := client.Get(m.url() + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
	up, down := m.bytes()
	if up < 40 || up > 400 || down < 100 || down > 4000 || m.total() != up+down {
		t.Errorf("a small request is %d bytes up and %d down", up, down)
	}
}
