package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"portico/app/sipua/siptest"
)

// Kamailio is stopped and started under traffic, with its tables kept and wiped: nothing said is lost or
// doubled, presence is unknown meanwhile, and nobody signs in again.
func TestKamailioStopsUnderTraffic(t *testing.T) {
	for _, wiped := range []bool{false, true} {
		t.Run(fmt.Sprintf("wiped=%t", wiped), func(t *testing.T) {
			t.Parallel()
			k := siptest.StartKamailio(t, siptest.KamailioOptions{})
			stopUnderTraffic(t, facing(t, k.Proxy("tcp")), k, wiped)
		})
	}
}

func stopUnderTraffic(t *testing.T, p *program, k *siptest.Kamailio, wiped bool) {
	alice, bob := p.signIn("alice"), p.signIn("bob")
	alice.befriend("bob")
	bob.befriend("alice")
	atAlice, atBob := alice.open(), bob.open()
	atAlice.awaitPresence("bob", "available")
	atBob.awaitPresence("alice", "available")

	// Both talk while the server goes away; each half knows nothing of it.
	n := soak(t, 60)
	under := make(chan struct{})
	said := make(chan struct{}, 2)
	talk := func(c *client, to, prefix string) {
		defer func() { said <- struct{}{} }()
		for i, id := range ids(prefix, n) {
			if i == n/3 && prefix == "a" {
				close(under)
			}
			status, err := c.try(http.MethodPost, "/conversations/"+person(to)+"/messages", map[string]string{"id": id, "text": "text of " + id}, nil)
			if err != nil || status != http.StatusAccepted {
				t.Errorf("say %s: status %d, %v", id, status, err)
			}
		}
	}
	go talk(alice, "bob", "a")
	go talk(bob, "alice", "b")
	<-under
	k.Stop()
	<-said
	<-said
	mark := whileAway(t, p, atAlice, atBob)
	alice.say("bob", "meanwhile", "said while it is away")
	if st := alice.state("bob", "meanwhile"); st != "pending" {
		t.Errorf("said while the server is away: state %s", st)
	}
	if wiped {
		k.Wipe()
	}
	// Neither the last known word nor offline stands for a server that says nothing.
	for i, f := range []*feed{atAlice, atBob} {
		if told := f.availabilities([]string{"bob", "alice"}[i])[mark[i]:]; len(told) > 0 {
			t.Errorf("%s was told %v while nobody knew", f.c.who, told)
		}
	}
	begun := time.Now()
	k.Start()
	atAlice.awaitPresence("bob", "available")
	atBob.awaitPresence("alice", "available")
	seen := time.Since(begun)
	want := append(ids("a", n), "meanwhile")
	arrived(t, atAlice, atBob, want)
	arrived(t, atBob, atAlice, ids("b", n))
	t.Logf("presence back after %s, all %d messages after %s", seen.Round(time.Millisecond), 2*n+1, time.Since(begun).Round(time.Millisecond))
	awaitReady(t, p.url)
	for _, c := range []*client{alice, bob} {
		if status := c.call(http.MethodGet, "/me", nil, nil); status != http.StatusOK {
			t.Errorf("%s must sign in again: status %d", c.who, status)
		}
	}
	if strings.Contains(p.logged(), "panic") {
		t.Error("something panicked")
	}
}

// whileAway waits until everybody is told that nothing is known, and gives how much they had been told before.
func whileAway(t *testing.T, p *program, atAlice, atBob *feed) [2]int {
	t.Helper()
	atAlice.awaitPresence("bob", "unknown")
	atBob.awaitPresence("alice", "unknown")
	for c, of := range map[*client]string{atAlice.c: "bob", atBob.c: "alice"} {
		if got := c.availability(of); got != "unknown" {
			t.Errorf("%s reads that %s is %s", c.who, of, got)
		}
	}
	await(t, longest, "the portal to say that SIP is away", func() bool {
		status, body, err := fetch(p.url, "/readyz")
		return err == nil && status == http.StatusServiceUnavailable && strings.Contains(body, `"sip":"failing"`) && strings.Contains(body, `"storage":"ok"`)
	})
	if status, _, err := fetch(p.url, "/healthz"); err != nil || status != http.StatusOK {
		t.Errorf("/healthz: status %d, %v", status, err)
	}
	var mark [2]int // what alice and bob were told of the other until now
	for i, f := range []*feed{atAlice, atBob} {
		mark[i] = len(f.availabilities([]string{"bob", "alice"}[i]))
	}
	return mark
}

// arrived waits until what from said to to has arrived, and sees that it did so once, whole and in order:
// in both archives and on both live channels.
func arrived(t *testing.T, from, to *feed, want []string) {
	t.Helper()
	for _, id := range want {
		from.awaitState(id, "delivered", "read")
	}
	for _, side := range []struct {
		f    *feed
		with string
	}{{from, to.c.user()}, {to, from.c.user()}} {
		var got []string
		for _, m := range side.f.c.archive(side.with) {
			if m.From != from.c.who {
				continue
			}
			got = append(got, m.ID)
			if m.ID != "meanwhile" && m.Text != "text of "+m.ID {
				t.Errorf("%s has %s as %q", side.f.c.who, m.ID, m.Text)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("the archive of %s has %d messages of %s, want %d:\n%v", side.f.c.who, len(got), from.c.who, len(want), got)
		}
		told := side.f.messages()
		for _, id := range want {
			if told[id] != 1 {
				t.Errorf("%s was told of %s %d times", side.f.c.who, id, told[id])
			}
		}
		side.f.check()
	}
}
