package main

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"portico/app/ews/ewslab"
)

// The portal is killed as by kill -9 at each step of carrying a change, in each direction, and started again on the same data: the change
// arrives once, and each mail is sent once.

// mortal is a portal that dies when it is told to, and who looks at it.
type mortal struct {
	t     *testing.T
	x     *ewslab.Server
	p     *program
	order string
	day   time.Time

	bob, carol, frank *client
	bobs, carols      *mail
}

func newMortal(t *testing.T) *mortal {
	t.Helper()
	m := &mortal{t: t, order: filepath.Join(t.TempDir(), "die-at"), day: dayAhead(t)}
	m.x, m.p = keptAsOne(t, dieOrder+"="+m.order)
	m.bob, m.carol, m.frank = m.p.signIn("bob").loaded(), m.p.signIn("carol").loaded(), m.p.signIn("frank").loaded()
	m.bobs, m.carols = outlook(t, m.x.URL(), "bob"), outlook(t, m.x.URL(), "carol")
	return m
}

// dies lets the portal die at a step of what do begins, and starts it again. Where it was something else that came to the step first, so that
// do was not taken, it is done once more.
func (m *mortal) dies(step string, do func(), taken func() bool) {
	m.t.Helper()
	for n := range 5 {
		if n > 0 {
			atRest(m.t, m.p) // what it reads at its start is not to die of
		}
		if err := os.WriteFile(m.order+".new", []byte(step), 0o600); err != nil {
			m.t.Fatal(err)
		}
		if err := os.Rename(m.order+".new", m.order); err != nil {
			m.t.Fatal(err)
		}
		do()
		select {
		case <-m.p.exited:
		case <-time.After(longest):
			m.t.Fatalf("the portal did not come to %s", step)
		}
		m.p = m.p.again()
		if taken == nil || taken() {
			return
		}
		m.t.Logf("killed at %s before anything was begun", step)
	}
	m.t.Fatalf("nothing was begun before %s", step)
}

// asks makes a call again and again until it was taken, or the portal has died; until the portal has read what others did it may refuse it.
func (m *mortal) asks(c *client, method, path string, in any) {
	m.t.Helper()
	await(m.t, longest, method+" "+path, func() bool {
		status, err := c.try(method, path, in, nil)
		if err == nil && status >= 300 && status != http.StatusConflict {
			m.t.Fatalf("%s %s: status %d", method, path, status)
		}
		return err != nil || status < 300
	})
}

// count is what both sides have of a subject: entries of bob and carol in Exchange that are not cancelled, records in the calendars of bob
// and frank that are not cancelled, and requests and cancellations in carol's inbox.
type count struct{ bobs, carols, bob, frank, requests, cancellations int }

func (m *mortal) count(subject string) count {
	m.t.Helper()
	items := func(b *mail) (n int) {
		for _, i := range b.all() {
			if i.Subject == subject && !i.IsCancelled {
				n++
			}
		}
		return n
	}
	records := func(c *client) (n int) {
		for _, a := range c.meets(m.day, subject) {
			if a.Status != "cancelled" {
				n++
			}
		}
		return n
	}
	return count{items(m.bobs), items(m.carols), records(m.bob), records(m.frank), m.carols.of(requestLetter, subject), m.carols.of(cancelLetter, subject)}
}

// ends waits until both sides have come to what is wanted, and sees that it is that at rest.
func (m *mortal) ends(subject string, want count) {
	m.t.Helper()
	var got count
	defer func() {
		if m.t.Failed() {
			m.t.Logf("%s ended with %+v, not %+v", subject, got, want)
		}
	}()
	await(m.t, longest, subject+" to arrive", func() bool { got = m.count(subject); return got == want })
	atRest(m.t, m.p)
	if got = m.count(subject); got != want {
		m.t.Errorf("%s: at rest there is %+v, not %+v", subject, got, want)
	}
}

// each runs a change once for each step at which the portal dies.
func (m *mortal) each(what string, steps []string, once func(step, id, subject string, start time.Time)) {
	m.t.Helper()
	for n, step := range steps {
		id := fmt.Sprintf("%s-%02d-killed-at-step", what, n)
		once(step, id, fmt.Sprintf("To %s, killed at %s", what, step), clock(m.day, 6+n, 0))
	}
}

// Of the meeting there is one in each calendar, and one request.
var one = count{bobs: 1, carols: 1, bob: 1, frank: 1, requests: 1}

func stepsToExchange(write string) []string {
	return []string{"crm-read", "crm-intake", "planned", "foretold", write + ".before", write + ".after", "end.before", "end.after"}
}

func stepsToCRM() []string {
	return []string{"read", "intake", "planned", "put.before", "put.after", "end.before", "end.after"}
}

func TestKilledWhileACreationGoesToExchange(t *testing.T) {
	t.Parallel()
	m := newMortal(t)
	m.each("create", stepsToExchange("create"), func(step, id, subject string, start time.Time) {
		m.dies(step, func() {
			m.asks(m.bob, http.MethodPost, "/appointments", map[string]any{"id": id, "subject": subject, "start": start, "end": start.Add(time.Hour), "time_zone": "Europe/Vienna",
				"source": "crm", "attendees": []map[string]string{{"uri": "sip:carol@example.test"}, {"uri": "sip:frank@example.test"}}})
		}, func() bool { return len(m.bob.meets(m.day, subject)) == 1 })
		m.ends(subject, one)
	})
}

func TestKilledWhileAChangeGoesToExchange(t *testing.T) {
	t.Parallel()
	m := newMortal(t)
	m.each("change", stepsToExchange("update"), func(step, id, subject string, start time.Time) {
		made := m.bob.inCRM(id, subject, start, nil, "carol", "frank")
		m.ends(subject, one)
		version := m.bob.read(made.ID).Version
		m.dies(step, func() {
			m.asks(m.bob, http.MethodPatch, "/appointments/"+made.ID, map[string]any{"version": version, "start": start.Add(30 * time.Minute), "end": start.Add(time.Hour)})
		}, func() bool {
			now := m.bob.read(made.ID)
			version = now.Version
			return now.Start.Equal(start.Add(30 * time.Minute))
		})
		want := one
		want.requests = 2
		m.ends(subject, want)
		for _, b := range []*mail{m.bobs, m.carols} {
			if got := b.with(subject); len(got) != 1 || !got[0].Start.Equal(start.Add(30*time.Minute)) {
				t.Errorf("%s has %+v", b.user, got)
			}
		}
		if got := m.bob.read(made.ID); !got.Start.Equal(start.Add(30 * time.Minute)) {
			t.Errorf("in CRM %q begins at %s", subject, got.Start)
		}
	})
}

func TestKilledWhileACancellationGoesToExchange(t *testing.T) {
	t.Parallel()
	m := newMortal(t)
	steps := []string{"crm-read", "crm-intake", "planned", "remove.before", "remove.after", "end.before", "end.after"}
	m.each("cancel", steps, func(step, id, subject string, start time.Time) {
		made := m.bob.inCRM(id, subject, start, nil, "carol", "frank")
		m.ends(subject, one)
		query := url.Values{"version": {m.bob.read(made.ID).Version}}
		m.dies(step, func() {
			m.asks(m.bob, http.MethodDelete, "/appointments/"+made.ID+"?"+query.Encode(), nil)
		}, func() bool {
			there := m.bob.meets(m.day, subject)
			if len(there) > 0 {
				query.Set("version", there[0].Version)
			}
			return len(there) == 0
		})
		m.ends(subject, count{requests: 1, cancellations: 1})
	})
}

// Carol answers in the portal, which does it in her mailbox; bob's mailbox brings it to CRM.
func TestKilledWhileAnAnswerOfThePortalComesBack(t *testing.T) {
	t.Parallel()
	m := newMortal(t)
	m.each("answer", stepsToCRM(), func(step, id, subject string, start time.Time) {
		made := m.bob.inCRM(id, subject, start, nil, "carol", "frank")
		m.ends(subject, one)
		m.carol.shows(m.day, subject, nil)
		m.dies(step, func() {
			m.asks(m.carol, http.MethodPost, "/appointments/"+made.ID+"/response", map[string]string{"response": "accepted", "comment": "at " + step})
		}, func() bool { return m.carol.read(made.ID).Response == "accepted" })
		m.bob.reads(made.ID, "carol's answer", func(a meeting) bool {
			g := a.guest("carol@example.test")
			return g.Response == "accepted" && g.Comment == "at "+step
		})
		want := one
		want.requests = m.carols.of(requestLetter, subject) // answering takes the request out of the inbox
		m.ends(subject, want)
		if n := m.bobs.letters("Accepted: " + subject); n != 1 {
			t.Errorf("%s: bob got %d answers", step, n)
		}
	})
}

// Frank, who has no mailbox, answers: that stays in CRM, and nobody gets a letter.
func TestKilledWhileAnAnswerStaysInCRM(t *testing.T) {
	t.Parallel()
	m := newMortal(t)
	m.each("answer", []string{"crm-read", "crm-intake", "planned", "end.before", "end.after"}, func(step, id, subject string, start time.Time) {
		made := m.bob.inCRM(id, subject, start, nil, "carol", "frank")
		m.ends(subject, one)
		m.dies(step, func() {
			m.asks(m.frank, http.MethodPost, "/appointments/"+made.ID+"/response", map[string]string{"response": "tentative", "comment": "at " + step})
		}, func() bool { return m.frank.read(made.ID).Response == "tentative" })
		m.bob.reads(made.ID, "frank's answer", func(a meeting) bool {
			g := a.guest("frank@example.test")
			return g.Response == "tentative" && g.Comment == "at "+step
		})
		m.ends(subject, one)
		if n := m.bobs.about(subject); n != 0 {
			t.Errorf("%s: bob got %d letters", step, n)
		}
	})
}

// outside makes a meeting in bob's mailbox with another client.
func (m *mortal) outside(subject string, start time.Time) item {
	m.t.Helper()
	return m.bobs.create(subject, start, start.Add(time.Hour), "", required("carol", "frank"))
}

func TestKilledWhileACreationGoesToCRM(t *testing.T) {
	t.Parallel()
	m := newMortal(t)
	m.each("create", stepsToCRM(), func(step, _, subject string, start time.Time) {
		m.dies(step, func() { m.outside(subject, start) }, nil)
		m.ends(subject, one)
	})
}

func TestKilledWhileAChangeGoesToCRM(t *testing.T) {
	t.Parallel()
	m := newMortal(t)
	m.each("change", stepsToCRM(), func(step, _, subject string, start time.Time) {
		made := m.outside(subject, start)
		m.ends(subject, one)
		m.dies(step, func() { m.bobs.move(m.bobs.get(made), start.Add(30*time.Minute), start.Add(time.Hour)) }, nil)
		want := one
		want.requests = 2
		m.ends(subject, want)
		m.frank.shows(m.day, subject, func(a meeting) bool { return a.Start.Equal(start.Add(30 * time.Minute)) })
	})
}

func TestKilledWhileACancellationGoesToCRM(t *testing.T) {
	t.Parallel()
	m := newMortal(t)
	m.each("cancel", stepsToCRM(), func(step, _, subject string, start time.Time) {
		made := m.outside(subject, start)
		m.ends(subject, one)
		m.dies(step, func() { m.bobs.remove(m.bobs.get(made)) }, nil)
		m.ends(subject, count{requests: 1, cancellations: 1})
	})
}

func TestKilledWhileAnAnswerGoesToCRM(t *testing.T) {
	t.Parallel()
	m := newMortal(t)
	m.each("answer", stepsToCRM(), func(step, _, subject string, start time.Time) {
		m.outside(subject, start)
		m.ends(subject, one)
		m.dies(step, func() { m.carols.respond(m.carols.one(subject, nil), "TentativelyAcceptItem", "at "+step) }, nil)
		m.frank.shows(m.day, subject, func(a meeting) bool {
			g := a.guest("carol@example.test")
			return g.Response == "tentative" && strings.HasPrefix(g.Comment, "at ")
		})
		want := one
		want.requests = m.carols.of(requestLetter, subject)
		m.ends(subject, want)
		if n := m.bobs.letters("Tentative: " + subject); n != 1 {
			t.Errorf("%s: bob got %d answers", step, n)
		}
	})
}
