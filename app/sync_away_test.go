package main

import (
	"bufio"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"portico/app/ews/ewslab"
	"portico/app/sipua/siptest"
)

// syncStatus is how the synchronisation stands, as the API tells it.
type syncStatus struct {
	Queue     struct{ Waiting, Retrying, Held, Failed int }
	Mailboxes []struct {
		Mailbox, Server, State string
	}
}

func (s syncStatus) queued() int {
	return s.Queue.Waiting + s.Queue.Retrying + s.Queue.Held + s.Queue.Failed
}

// syncStatus asks how the synchronisation stands; only an administrator may.
func (c *client) syncStatus() syncStatus {
	c.t.Helper()
	var out syncStatus
	if status := c.call(http.MethodGet, "/admin/sync", nil, &out); status != http.StatusOK {
		c.t.Fatalf("the synchronisation's status: %d", status)
	}
	return out
}

// settings changes settings of the synchronisation.
func (c *client) settings(change map[string]any) {
	c.t.Helper()
	if status := c.call(http.MethodPut, "/admin/sync/settings", change, nil); status != http.StatusOK {
		c.t.Fatalf("the synchronisation's settings: %d", status)
	}
}

// outage is a portal whose Exchange goes away while people work.
type outage struct {
	x          *ewslab.Server
	p          *program
	alice, bob *client
	meets      []meeting
	back       func()
}

// newOutage makes three meetings, takes Exchange away and lets bob work: what he does waits.
func newOutage(t *testing.T, more ...string) *outage {
	t.Helper()
	o := &outage{}
	o.x, o.p = keptAsOne(t, append(more, "PORTICO_SYNC_MAX_RETRY=1s")...)
	o.alice, o.bob = o.p.signIn("alice").loaded(), o.p.signIn("bob").loaded()
	if len(more) > 0 {
		o.alice.settings(map[string]any{"notify_email": "ivan@example.test"})
	}
	day := dayAhead(t)
	for n, subject := range []string{"Changed while away", "Deleted while away"} {
		o.meets = append(o.meets, o.bob.inCRM(fmt.Sprintf("before-the-outage-%d", n), subject, clock(day, 8+n, 0), nil, "carol", "frank"))
	}
	atRest(t, o.p)
	carols := outlook(t, o.x.URL(), "carol")
	for _, m := range o.meets {
		if n := carols.of(requestLetter, m.Subject); n != 1 {
			t.Fatalf("carol got %d invitations to %s", n, m.Subject)
		}
	}
	lift, err := o.x.Fault(ewslab.Fault{Kind: ewslab.FaultDown})
	if err != nil {
		t.Fatal(err)
	}
	o.back = lift
	o.bob.changes(o.meets[0].ID, map[string]any{"start": clock(day, 18, 0), "end": clock(day, 19, 0)})
	o.bob.deletes(o.meets[1].ID)
	for n := range 3 {
		o.meets = append(o.meets, o.bob.inCRM(fmt.Sprintf("made-in-the-outage-%d", n), fmt.Sprintf("Made while away %d", n), clock(day, 10+n, 0), nil, "carol"))
	}
	return o
}

// drained waits until all is at Exchange, once.
func (o *outage) drained(t *testing.T) {
	t.Helper()
	day := dayAhead(t)
	o.back()
	await(t, longest, "the queue to drain", func() bool { return o.alice.syncStatus().queued() == 0 })
	atRest(t, o.p)
	bobs, carols := outlook(t, o.x.URL(), "bob"), outlook(t, o.x.URL(), "carol")
	want := map[string][2]int{"Changed while away": {2, 0}, "Deleted while away": {1, 1}, "Made while away 0": {1, 0}, "Made while away 1": {1, 0}, "Made while away 2": {1, 0}}
	for subject, n := range want {
		if r, c := carols.of(requestLetter, subject), carols.of(cancelLetter, subject); r != n[0] || c != n[1] {
			t.Errorf("%s: carol got %d requests and %d cancellations, not %v", subject, r, c, n)
		}
		if got := bobs.with(subject); len(got) != 1-n[1] {
			t.Errorf("%s is in bob's mailbox %d times", subject, len(got))
		}
	}
	bobs.one("Changed while away", func(i item) bool { return i.Start.Equal(clock(day, 18, 0)) })
}

// While Exchange is away, CRM goes on; what was done waits where everybody can see it, over a restart too, and arrives once when Exchange is back.
func TestExchangeAwayAndBack(t *testing.T) {
	t.Parallel()
	o := newOutage(t)
	await(t, longest, "the queue to show in the API", func() bool { return o.alice.syncStatus().queued() == 5 })
	out, errs, status := shell(t, o.p.dir, "sync", "status")
	if status != exitFine || strings.Contains(out, "queue: 0 waiting, 0 to be tried again") || !strings.Contains(out, "0 held, 0 failed") {
		t.Errorf("sync status: %d\n%s%s", status, out, errs)
	}
	for _, m := range o.meets[2:] {
		if got := o.bob.reads(m.ID, "that it waits", func(m meeting) bool { return m.Sync.State == "pending" }); got.Subject != m.Subject {
			t.Errorf("meanwhile it is %q", got.Subject)
		}
	}
	var queue []struct{ Subject, Reason string }
	if status := o.alice.call(http.MethodGet, "/admin/sync/queue", nil, &queue); status != http.StatusOK || len(queue) != 5 {
		t.Errorf("the queue: status %d, %+v", status, queue)
	}
	if status := o.bob.call(http.MethodGet, "/admin/sync/queue", nil, nil); status != http.StatusForbidden {
		t.Errorf("the queue for bob, who is no administrator: status %d", status)
	}
	o.p.kill()
	o.p = o.p.again()
	await(t, longest, "the queue after the restart", func() bool { return o.alice.syncStatus().queued() == 5 })
	o.drained(t)
}

// One mail tells of an outage, whatever waits and however often it is tried, and one that it is over.
func TestOneMailTellsOfAnOutage(t *testing.T) {
	t.Parallel()
	addr, mails := smtpPeer(t)
	o := newOutage(t, "PORTICO_MAIL_SMTP="+addr, "PORTICO_MAIL_TLS=none", "PORTICO_SYNC_MAIL_GATHER=500ms")
	await(t, longest, "the mail", func() bool { return len(mails()) > 0 })
	all := mails()
	if len(all) != 1 || !strings.Contains(all[0], "Subject: Portico: ") || !strings.Contains(all[0], "lab: does not answer") || !strings.Contains(all[0], "ivan@example.test") {
		t.Errorf("%d mails: %s", len(all), all)
	}
	for _, m := range o.meets {
		if strings.Contains(all[0], m.Subject) {
			t.Errorf("the mail tells of %q", m.Subject)
		}
	}
	// Further failures of the same outage: one try of something new.
	made := o.bob.inCRM("one-more-in-the-outage", "One more", clock(dayAhead(t), 20, 0), nil)
	o.bob.reads(made.ID, "that it waits", func(m meeting) bool { return m.Sync.State == "pending" })
	if all := mails(); len(all) != 1 {
		t.Errorf("%d mails in the outage", len(all))
	}
	o.drained(t)
	await(t, longest, "the mail that it is over", func() bool { return len(mails()) >= 2 })
	atRest(t, o.p)
	over := 0
	for _, m := range mails() {
		if strings.Contains(m, "works again") {
			over++
		}
	}
	if n := len(mails()); n != 2 || over != 1 {
		t.Errorf("%d mails, %d of them that it is over:\n%s", n, over, strings.Join(mails(), "\n---\n"))
	}
}

// smtpPeer is an SMTP server that is not ours, and what has come to it. Where there is none the test is skipped.
func smtpPeer(t *testing.T) (addr string, mails func() []string) {
	t.Helper()
	const python = "/usr/bin/python3"
	if out, err := exec.Command(python, "-c", "import aiosmtpd").CombinedOutput(); err != nil {
		if os.Getenv("PORTICO_REQUIRE_PEERS") == "1" {
			t.Fatalf("python3-aiosmtpd is missing: %s", out)
		}
		t.Skip("python3-aiosmtpd is not installed")
	}
	addr = siptest.FreeAddr(t)
	host, port, _ := strings.Cut(addr, ":")
	box := filepath.Join(t.TempDir(), "box")
	cmd := exec.Command(python, "-c", fmt.Sprintf(`
import sys
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Mailbox
c = Controller(Mailbox(%q), hostname=%q, port=%s)
c.start()
print("ready", flush=True)
sys.stdin.read()
c.stop()
`, box, host, port))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(in.Close(), cmd.Wait()); err != nil {
			t.Error(err)
		}
	})
	if said, err := bufio.NewReader(out).ReadString('\n'); err != nil || said != "ready\n" {
		t.Fatalf("aiosmtpd said %q: %v", said, err)
	}
	return addr, func() []string {
		t.Helper()
		files, err := filepath.Glob(filepath.Join(box, "new", "*"))
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, f := range files {
			data, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, string(data))
		}
		return out
	}
}
