package sipua_test

// What may happen while somebody signs in: messages kept for them, and connections that come and go.

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"portico/app/portal"
)

// A server hands over what it kept as soon as it has said yes. The notices about that are due before the
// sign-in has ended, which still has to learn how the proxy challenges; they wait for it.
func TestANoticeWaitsForTheSignInThatCausedIt(t *testing.T) {
	h := newHouse()
	var learning sync.WaitGroup
	learning.Add(1)
	var once sync.Once
	f := newFake(t, func(c *fakeConn, p packet) bool {
		if p.method() != "OPTIONS" || p.uri() != string(alice) {
			return false
		}
		once.Do(learning.Done)
		return true // the proxy keeps its challenge to itself, so the sign-in goes on for a while
	})
	a := start(t, f.config(), h)
	done := make(chan error, 1)
	go func() {
		_, err := a.SignIn(within(t), alice, "portico")
		done <- err
	}()
	learning.Wait()
	c := f.on()
	kept := f.await(c.request("MESSAGE", "sip:alice@x", "<sip:bob@example.test>;tag=b", "<sip:alice@example.test>", "kept", 1, "kept for you",
		"Content-Type: text/plain", "X-Portico-Message-ID: kept-1"))
	if kept.status() != 200 || !h.awaitText(t, alice, "kept for you").WantsDelivered {
		t.Errorf("what was kept was answered %d", kept.status())
	}
	if err := a.SendNotice(within(t), alice, portal.Notice{To: bob, ID: "kept-1", State: portal.Delivered, At: time.Now()}); err != nil {
		t.Errorf("the notice: %v", err)
	}
	if n := f.awaitSeen("the notice", methodIs("MESSAGE")); !strings.Contains(n.body, "<message-id>kept-1</message-id>") {
		t.Errorf("not a notice of kept-1: %s", n.body)
	}
	if err := <-done; err != nil {
		t.Errorf("sign in: %v", err)
	}
}

// Whoever waits for a sign-in that fails is told so, and nobody is left waiting.
func TestNobodySpeaksAfterASignInThatFailed(t *testing.T) {
	asked, answer := make(chan struct{}), make(chan struct{})
	f := newFake(t, func(c *fakeConn, p packet) bool {
		if p.method() != "REGISTER" {
			return false
		}
		close(asked)
		<-answer
		c.answer(p, 403)
		return true
	})
	a := start(t, f.config(), newHouse())
	done := make(chan error, 2)
	go func() {
		_, err := a.SignIn(within(t), alice, "portico")
		done <- err
	}()
	<-asked
	go func() {
		done <- a.SendNotice(within(t), alice, portal.Notice{To: bob, ID: "1", State: portal.Read, At: time.Now()})
	}()
	close(answer)
	reasons := portal.Reason(<-done) + " " + portal.Reason(<-done)
	if !strings.Contains(reasons, "signin.forbidden") || !strings.Contains(reasons, "send.signed-out") {
		t.Errorf("reasons %s", reasons)
	}
	if n := f.count(methodIs("MESSAGE")); n != 0 {
		t.Errorf("%d messages of somebody who is not signed in", n)
	}
}

// Two sign in as the same person, the one who came first with a wrong password: the other's line stays.
func TestAFailedSignInLeavesTheOthersLine(t *testing.T) {
	w := labWorld(t, "tcp")
	for i := range 10 {
		a, stop := startStoppable(t, quick(w.cfg), newHouse())
		var both sync.WaitGroup
		both.Go(func() {
			if _, err := a.SignIn(within(t), alice, "wrong"); portal.Reason(err) != "signin.wrong" {
				t.Errorf("a wrong password: %v", err)
			}
		})
		both.Go(func() {
			if _, err := a.SignIn(within(t), alice, "portico"); err != nil {
				t.Errorf("the right password: %v", err)
			}
		})
		both.Wait()
		eventually(t, fmt.Sprint("alice's line, round ", i), func() bool { return a.Status(alice).Registered })
		stop()
	}
}
